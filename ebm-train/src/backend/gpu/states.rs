//! States of Bernoulli units over weights rounded to 16 bits: as 16-bit numbers where the card multiplies matrices of those, else as any numbers.

use super::kernel::{File, GROUP, Kernel, MATRIX_GROUP, Params};
use super::recorder::Call;
use super::{Gpu, GpuTensor};
use crate::backend::{Backend, Direction, Draws};
use ebm_core::Beta;
use std::ops::Range;

/// States of Bernoulli units.
#[derive(Clone, Debug, Default)]
pub struct GpuStates {
    /// As numbers; where the card is [`Cooperative`], padded, two in the place of one.
    numbers: GpuTensor,
    rows: usize,
    columns: usize,
}

/// Weights rounded to 16 bits.
#[derive(Clone, Debug, Default)]
pub struct GpuRounded {
    /// As multiples of the quantum, hidden × visible.
    numbers: GpuTensor,
    /// Where the card is [`Cooperative`], their high and low parts, padded.
    parts: GpuTensor,
    quantum: GpuTensor,
}

/// How a card multiplies small matrices of 16-bit numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Cooperative {
    /// Rows and columns of the matrices.
    pub size: usize,
    /// Fewest and most threads that work on one.
    pub threads: [usize; 2],
}

impl Cooperative {
    /// What states.wgsl names.
    pub(super) fn constants(self) -> String {
        let Self { size, threads: [fewest, _] } = self;
        let subgroups = MATRIX_GROUP.div_ceil(fewest);
        format!(
            "const SIZE = {size}u;\nconst SUBGROUPS = {subgroups}u;\n\
             alias States = coop_mat{size}x{size}<f16, A>;\nalias Weights = coop_mat{size}x{size}<f16, B>;\n\
             alias Sums = coop_mat{size}x{size}<f32, C>;\n"
        )
    }

    /// A size with what pads it to whole blocks.
    fn padded(self, size: usize) -> usize {
        size.next_multiple_of(2 * self.size)
    }

    /// Groups that have a subgroup for every block of a padded matrix.
    fn groups(self, rows: usize, columns: usize) -> usize {
        let [_, most] = self.threads;
        (rows * columns / (4 * self.size * self.size)).div_ceil((MATRIX_GROUP / most).max(1))
    }
}

impl Gpu {
    fn take_shape(&self, rows: usize, columns: usize, states: &mut GpuStates) {
        (states.rows, states.columns) = (rows, columns);
        match self.cooperative {
            None => states.numbers.reshape(self, rows, columns),
            Some(card) => states.numbers.reshape(self, card.padded(rows), card.padded(columns) / 2),
        }
    }

    /// Does `work` to pieces of states: their rows, and those with what pads them.
    fn pieces_of(&self, card: Cooperative, states: &GpuStates, work: impl Fn(Range<usize>, Range<usize>)) {
        for padded in self.pieces(card.padded(states.rows), card.padded(states.columns)) {
            work(padded.start.min(states.rows)..padded.end.min(states.rows), padded);
        }
    }

    /// A kernel that turns `rows` × `columns` numbers into padded ones or back.
    fn repack(
        &self,
        card: Cooperative,
        kernel: &'static str,
        (rows, columns): (usize, usize),
        read: &[&GpuTensor],
        out: &GpuTensor,
    ) {
        let (padded_rows, pitch) = (card.padded(rows), card.padded(columns));
        let n = [rows, columns, pitch, padded_rows * pitch].map(|size| size as u32);
        let call = Call { params: Params { n, ..Params::default() }, read, written: &[out], ..Call::default() };
        self.run(Kernel(File::Packed, kernel), (padded_rows * pitch).div_ceil(GROUP), call);
    }

    pub(super) fn pack_states(&self, values: &GpuTensor, out: &mut GpuStates) {
        self.take_shape(values.rows, values.columns, out);
        match self.cooperative {
            None => self.copy(values, &mut out.numbers),
            Some(card) => self.pieces_of(card, out, |rows, padded| {
                let (of_piece, out) = (values.view(rows), out.numbers.view(padded));
                self.repack(card, "pack", (of_piece.rows, of_piece.columns), &[&of_piece], &out);
            }),
        }
    }

    pub(super) fn unpack_states(&self, states: &GpuStates, out: &mut GpuTensor) {
        match self.cooperative {
            None => self.copy(&states.numbers, out),
            Some(card) => {
                out.reshape(self, states.rows, states.columns);
                self.pieces_of(card, states, |rows, padded| {
                    let (of_piece, out) = (states.numbers.view(padded), out.view(rows));
                    self.repack(card, "unpack", (out.rows, out.columns), &[&of_piece], &out);
                });
            }
        }
    }

    pub(super) fn round_weights(&self, weights: &GpuTensor, out: &mut GpuRounded) {
        out.numbers.reshape(self, weights.rows, weights.columns);
        out.quantum.reshape(self, 1, 1);
        let params = Params { n: [weights.len() as u32, 0, 0, 0], ..Params::default() };
        // Parts of the weights have a largest one each.
        self.with_scratch(1, GROUP, |parts| {
            let largest = Call { params, read: &[weights], written: &[parts], ..Call::default() };
            self.run(Kernel(File::Rounded, "largest"), GROUP, largest);
            let written = [&out.numbers, &out.quantum];
            let call = Call { params, read: &[weights, parts], written: &written, ..Call::default() };
            self.run(Kernel(File::Rounded, "round_weights"), weights.len().div_ceil(GROUP), call);
        });
        if let Some(card) = self.cooperative {
            // High and low parts of 16 bits take the place of one number of 32.
            out.parts.reshape(self, card.padded(weights.rows), card.padded(weights.columns));
            self.repack(card, "split", (weights.rows, weights.columns), &[&out.numbers, &out.quantum], &out.parts);
        }
    }

    pub(super) fn sample_rounded(
        &self,
        draws: Draws<'_>,
        direction: Direction,
        weights: &GpuRounded,
        (bias, beta): (&GpuTensor, Beta),
        input: &GpuStates,
        out: &mut GpuStates,
    ) {
        assert_eq!(draws.samples.len(), input.rows, "a sample a row");
        let (kernel, columns) = match direction {
            Direction::Up => ("up", weights.numbers.rows),
            Direction::Down => ("down", weights.numbers.columns),
        };
        self.take_shape(input.rows, columns, out);
        let Some(card) = self.cooperative else {
            let (weights, input, out) = (&weights.numbers, &input.numbers, &mut out.numbers);
            return self.sample_affine(draws, direction, weights, bias, beta, input, out);
        };
        let (pitch, inner) = (card.padded(columns), card.padded(input.columns));
        self.by_rows(input.numbers.rows, &[&input.numbers, &out.numbers], |piece, numbers| {
            let words = &draws.samples[piece.start..piece.end.min(input.rows)];
            let params = Params {
                n: [piece.len(), pitch, inner, columns].map(|size| size as u32),
                m: [inner, weights.parts.columns, pitch, weights.parts.len()].map(|size| size as u32),
                s: [beta.value(), 0.0, 0.0, 0.0],
                second: words.len() as u32,
                ..Params::default()
            };
            let call = Call {
                params: params.drawing(draws),
                words,
                read: &[numbers[0], &weights.parts, bias, &weights.quantum],
                written: &numbers[1..],
                work: 2 * piece.len() * pitch * inner,
            };
            self.run(Kernel(File::States(card), kernel), card.groups(piece.len(), pitch), call);
        });
    }
}
