//! The operations of [`Backend`] as kernels.

use super::kernel::{COLUMNS, File, GROUP, Kernel, Params, Tile, link as number_of};
use super::pieces::ALIGNED_ROWS;
use super::recorder::Call;
use super::{Gpu, GpuRounded, GpuSet, GpuStates, GpuTensor};
use crate::Error;
use crate::backend::{ADAM, Backend, Direction, Draws, Link, Step};
use crate::data::PIECE_ROWS;
use crate::parameters::UnitKinds;
use crate::ranks::Ranks;
use ebm_core::{Beta, HiddenKind};
use std::borrow::Cow;
use std::ops::Range;

/// Tiles that keep all of a large card busy, and a processor.
const BUSY_CARD: usize = 96;
const BUSY_PROCESSOR: usize = 2;
/// Numbers of a tensor that is measured at once, and its rows at most.
const NUMBERS_AT_ONCE: usize = 1 << 23;
const MOST_ROWS_AT_ONCE: usize = 1 << 14;
/// Hidden units' terms that a kernel sums, and what one costs in multiply-adds.
const TERMS_AT_ONCE: usize = 1 << 29;
const OF_TERM: usize = 32;

/// A kernel that goes a step, and the step as it is told of it; `descend_adam` writes both moments.
fn stepping(step: Step) -> (&'static str, Params) {
    match step {
        Step::Momentum { learning_rate, momentum } => {
            ("descend_momentum", Params { t: [learning_rate, momentum, 0.0, 0.0], ..Params::default() })
        }
        Step::Adam { learning_rate, taken } => {
            let [first, second] = ADAM.corrections(taken);
            let t = [learning_rate, ADAM.beta_1, ADAM.beta_2, ADAM.epsilon];
            ("descend_adam", Params { t, u: [first, second, 0.0, 0.0], ..Params::default() })
        }
    }
}

/// What a step writes.
fn stepped<'a>(step: Step, parameter: &'a GpuTensor, [first, second]: &'a [GpuTensor; 2]) -> Vec<&'a GpuTensor> {
    match step {
        Step::Momentum { .. } => vec![parameter, first],
        Step::Adam { .. } => vec![parameter, first, second],
    }
}

/// What a product adds up: the factors, and where their numbers lie.
struct Terms<'a> {
    scale: f32,
    left: &'a GpuTensor,
    right: &'a GpuTensor,
    /// Terms of a sum.
    count: usize,
}

impl Gpu {
    /// A kernel with a thread for every number of `x`.
    fn each(&self, kernel: &'static str, params: Params, read: &[&GpuTensor], x: &GpuTensor) {
        self.each_of(kernel, params, read, &[x]);
    }

    /// The same where there are others of its shape that it writes.
    fn each_of(&self, kernel: &'static str, params: Params, read: &[&GpuTensor], written: &[&GpuTensor]) {
        self.by_rows(written[0].rows, &[written, read].concat(), |_, tensors| {
            let (written, read) = tensors.split_at(written.len());
            let (numbers, columns) = (written[0].len(), written[0].columns);
            let params = Params { n: [numbers as u32, columns.max(1) as u32, params.n[2], 0], ..params };
            let call = Call { params, read, written, ..Call::default() };
            self.run(Kernel(File::Elements, kernel), numbers.div_ceil(GROUP), call);
        });
    }

    /// A kernel with a thread for every four numbers of a row of `x`.
    fn draw(&self, kernel: &'static str, draws: Draws<'_>, s: [f32; 2], x: &GpuTensor) {
        assert_eq!(draws.samples.len(), x.rows, "a sample a row");
        self.by_rows(x.rows, &[x], |piece, written| {
            let (rows, columns) = (piece.len(), x.columns);
            let n = [rows as u32, columns as u32, 0, 0];
            let params = Params { n, s: [s[0], s[1], 0.0, 0.0], ..Params::default() }.drawing(draws);
            let call = Call { params, words: &draws.samples[piece], written, ..Call::default() };
            self.run(Kernel(File::Draws, kernel), (rows * columns.div_ceil(4)).div_ceil(GROUP), call);
        });
    }

    /// A kernel with a group for every row of the first of `read`, or of `x` if there is none.
    fn each_row(&self, kernel: &'static str, params: Params, read: &[&GpuTensor], x: &GpuTensor) {
        let GpuTensor { rows, columns, .. } = **read.first().unwrap_or(&x);
        self.by_rows(rows, &[&[x], read].concat(), |piece, tensors| {
            let (written, read) = tensors.split_at(1);
            let params = Params { n: [piece.len() as u32, columns as u32, params.n[2], 0], ..params };
            self.run(Kernel(File::Sums, kernel), piece.len(), Call { params, read, written, ..Call::default() });
        });
    }

    /// A kernel over sums of columns: one or two terms `(scale, values)`.
    fn each_column(
        &self,
        kernel: &'static str,
        params: Params,
        terms: &[(f32, [GpuTensor; 1])],
        written: &[&GpuTensor],
    ) {
        let none = (0.0, [GpuTensor::default()]);
        let [(scale, [values]), (second_scale, [second])] = [&terms[0], terms.get(1).unwrap_or(&none)];
        let columns = written[0].columns;
        let params = Params {
            n: [columns as u32, values.rows as u32, second.rows as u32, 0],
            s: [params.s[0], *scale, *second_scale, 0.0],
            ..params
        };
        let call = Call { params, read: &[values, second], written, ..Call::default() };
        self.run(Kernel(File::Columns, kernel), columns.div_ceil(COLUMNS), call);
    }

    /// A kernel over the sums of one or two products, of which the second lies as the first does, with strides from left row to row, along the
    /// left sums, along the right sums, and from right column to column. `params.s` says what is kept, and of what else the kernel makes use.
    #[allow(clippy::too_many_arguments)]
    fn product(
        &self,
        kernel: &'static str,
        params: Params,
        words: &[u32],
        strides: [usize; 4],
        terms: &[Terms<'_>],
        other: &[&GpuTensor],
        written: &[&GpuTensor],
    ) {
        let Some(Terms { scale, left, right, count }) = terms.first() else { return };
        let (rows, columns) = (written[0].rows, written[0].columns);
        let second = terms.get(1);
        let params = Params {
            n: [rows as u32, columns as u32, *count as u32, params.n[3]],
            m: strides.map(|stride| stride as u32),
            s: [params.s[0], *scale, second.map_or(0.0, |second| second.scale), params.s[3]],
            second: second.map_or(0, |second| second.count as u32),
            ..params
        };
        let of_second = second.into_iter().flat_map(|of| [of.left, of.right]);
        let read: Vec<&GpuTensor> = [*left, *right].into_iter().chain(other.iter().copied()).chain(of_second).collect();
        let work = rows * columns * terms.iter().map(|terms| terms.count).sum::<usize>();
        let tile = self.tile(rows, columns);
        let call = Call { params, words, read: &read, written, work };
        if rows * columns > 0 {
            self.run(Kernel(File::Product(tile), kernel), tile.count(rows, columns), call);
        }
    }

    /// A kernel over the sums of a layer's affine map, by rows; `other` is what its operation reads beside.
    fn of_layer(
        &self,
        kernel: &'static str,
        params: Params,
        words: &[u32],
        (direction, weights, other, input): (Direction, &GpuTensor, Option<&GpuTensor>, &GpuTensor),
        written: &[&GpuTensor],
    ) {
        let [along, across] = match direction {
            Direction::Up => [1, weights.columns],
            Direction::Down => [weights.columns, 1],
        };
        self.by_rows(input.rows, &[&[input], written, other.as_slice()].concat(), |piece, tensors| {
            let terms = Terms { scale: 1.0, left: tensors[0], right: weights, count: input.columns };
            let words = words.get(piece).unwrap_or_default();
            let (written, other) = tensors[1..].split_at(written.len());
            self.product(kernel, params, words, [input.columns, 1, along, across], &[terms], other, written);
        });
    }

    /// How a product of so many rows and columns is cut up.
    fn tile(&self, rows: usize, columns: usize) -> Tile {
        Tile::of(rows, columns, if self.adapter.on_processor { BUSY_PROCESSOR } else { BUSY_CARD })
    }

    /// Units that a layer's affine map computes.
    fn outputs(direction: Direction, weights: &GpuTensor) -> usize {
        match direction {
            Direction::Up => weights.rows,
            Direction::Down => weights.columns,
        }
    }

    /// A kernel over the sums `Σ scale·hiddenᵀ·visible` of one or two terms `(scale, [visible, hidden])`.
    fn of_statistics(
        &self,
        kernel: &'static str,
        params: Params,
        terms: &[(f32, [GpuTensor; 2])],
        written: &[&GpuTensor],
    ) {
        let terms: Vec<Terms<'_>> = terms
            .iter()
            .map(|(scale, [visible, hidden])| {
                assert_eq!(hidden.rows, visible.rows, "as many hidden as visible samples");
                Terms { scale: *scale, left: hidden, right: visible, count: visible.rows }
            })
            .collect();
        let strides = [1, written[0].rows, written[0].columns, 1];
        self.product(kernel, params, &[], strides, &terms, &[], written);
    }

    /// Terms of a sum over rows: one of too many rows is as many terms.
    fn in_pieces<const N: usize>(&self, terms: &[(f32, [&GpuTensor; N])]) -> Vec<(f32, [GpuTensor; N])> {
        let mut pieces = Vec::new();
        for &(scale, tensors) in terms {
            let columns = tensors.iter().map(|tensor| tensor.columns).max().unwrap_or(0);
            let rows = tensors.first().map_or(0, |tensor| tensor.rows);
            let of_term = self.pieces(rows, columns);
            pieces.extend(of_term.map(|piece| (scale, tensors.map(|tensor| tensor.view(piece.clone())))));
        }
        pieces
    }

    /// A kernel over visible units of several kinds, in place.
    fn visible(
        &self,
        kernel: &'static str,
        params: Params,
        words: &[u32],
        (kinds, bias): (&UnitKinds, &GpuTensor),
        x: &GpuTensor,
    ) {
        let table = self.unit_table(kinds, x.columns);
        self.by_rows(x.rows, &[x], |piece, written| {
            let params = Params { n: [piece.len() as u32, x.columns as u32, 0, 0], ..params };
            let threads = piece.len() * x.columns;
            let words = words.get(piece).unwrap_or_default();
            let call = Call { params, words, read: &[bias, &table], written, ..Call::default() };
            self.run(Kernel(File::Visible, kernel), threads.div_ceil(GROUP), call);
        });
    }

    /// Columns of `from` from `take` on to columns of `to` from `put` on.
    fn move_columns(&self, from: &GpuTensor, take: usize, columns: usize, put: usize, to: &GpuTensor) {
        self.by_rows(from.rows, &[from, to], |piece, tensors| {
            let params = Params {
                n: [piece.len(), columns, from.columns, to.columns].map(|size| size as u32),
                m: [take as u32, put as u32, 0, 0],
                ..Params::default()
            };
            let call = Call { params, read: &tensors[..1], written: &tensors[1..], ..Call::default() };
            self.run(Kernel(File::Rows, "move_columns"), (piece.len() * columns).div_ceil(GROUP), call);
        });
    }

    /// Rows of a tensor, of which `piece` holds those from `first` on.
    fn take(&self, piece: &GpuTensor, first: usize, rows: &[u32], out: &GpuTensor) {
        self.by_rows(out.rows, &[out], |of_out, written| {
            let params = Params {
                n: [of_out.len() as u32, piece.columns as u32, 0, 0],
                m: [0, 0, first as u32, piece.rows as u32],
                ..Params::default()
            };
            let threads = of_out.len() * piece.columns;
            let call = Call { params, words: &rows[of_out], read: &[piece], written, ..Call::default() };
            self.run(Kernel(File::Rows, "take_rows"), threads.div_ceil(GROUP), call);
        });
    }

    /// Sums of pairs that a kernel makes of every row are added to `totals`.
    fn add_pairs(&self, pairs: &GpuTensor, totals: &GpuTensor) {
        for piece in self.pieces(pairs.rows, pairs.columns) {
            let params = Params { n: [1, piece.len() as u32, 0, 0], ..Params::default() };
            let call = Call { params, read: &[&pairs.view(piece)], written: &[totals], ..Call::default() };
            self.run(Kernel(File::Sums, "add_pairs"), 1, call);
        }
    }

    /// A kernel over classes, with a thread for every number of `out`, which has a row for each of the fields.
    #[allow(clippy::too_many_arguments)]
    fn of_classes(
        &self,
        kernel: &'static str,
        (kind, classes): (HiddenKind, usize),
        weights: &GpuTensor,
        fields: &GpuTensor,
        other: &GpuTensor,
        out: &GpuTensor,
    ) {
        self.by_rows(fields.rows, &[fields, other, out], |piece, tensors| {
            let params = Params {
                n: [piece.len() as u32, out.columns as u32, kind as u32, classes as u32],
                m: [fields.columns as u32, weights.columns as u32, 0, 0],
                ..Params::default()
            };
            let read = [tensors[0], weights, tensors[1]];
            let call = Call { params, read: &read, written: &tensors[2..], ..Call::default() };
            self.run(Kernel(File::Classes, kernel), (piece.len() * out.columns).div_ceil(GROUP), call);
        });
    }

    /// A tensor that nobody asks for.
    pub(super) fn with_scratch<R>(&self, rows: usize, columns: usize, work: impl FnOnce(&mut GpuTensor) -> R) -> R {
        let mut scratch = self.scratch.take();
        scratch.reshape(self, rows, columns);
        let result = work(&mut scratch);
        self.scratch.replace(scratch);
        result
    }
}

impl Backend for Gpu {
    type Tensor = GpuTensor;
    type Set<'a> = GpuSet;
    type States = GpuStates;
    type Rounded = GpuRounded;

    fn check(&self) -> Result<(), Error> {
        self.fault.check()
    }

    fn rows_at_once(&self, columns: usize) -> usize {
        (NUMBERS_AT_ONCE / columns.max(1)).clamp(PIECE_ROWS, MOST_ROWS_AT_ONCE)
    }

    fn finish(&self) {
        self.wait();
    }

    fn ranks(&self) -> &Ranks {
        &self.ranks
    }

    fn upload(&self, rows: usize, columns: usize, values: &[f32]) -> GpuTensor {
        self.uploaded(rows, columns, values)
    }

    fn zeros(&self, rows: usize, columns: usize) -> GpuTensor {
        GpuTensor::zeros(self, rows, columns)
    }

    fn download(&self, tensor: &GpuTensor) -> Vec<f32> {
        self.downloaded(tensor)
    }

    fn shape(&self, tensor: &GpuTensor) -> [usize; 2] {
        [tensor.rows, tensor.columns]
    }

    fn copy(&self, from: &GpuTensor, to: &mut GpuTensor) {
        to.reshape(self, from.rows, from.columns);
        self.move_columns(from, 0, from.columns, 0, to);
    }

    fn put_marked(&self, from: &GpuTensor, marks: &GpuTensor, values: &mut GpuTensor) {
        self.each("put_marked", Params::default(), &[from, marks], values);
    }

    fn hold<'a>(&self, columns: usize, values: Cow<'a, [f32]>) -> GpuSet {
        assert_eq!(values.len() % columns.max(1), 0, "whole rows");
        let rows = values.len() / columns.max(1);
        let pieces = self.pieces(rows, columns).map(|rows| {
            let of_piece = &values[rows.start * columns..rows.end * columns];
            (rows.start, self.uploaded(rows.len(), columns, of_piece))
        });
        GpuSet { columns, pieces: pieces.collect() }
    }

    fn take_rows(&self, set: &GpuSet, rows: &[u32], out: &mut GpuTensor) {
        out.reshape(self, rows.len(), set.columns);
        for (first, piece) in &set.pieces {
            self.take(piece, *first, rows, out);
        }
    }

    fn gather(&self, source: &GpuTensor, rows: &[u32], out: &mut GpuTensor) {
        out.reshape(self, rows.len(), source.columns);
        for piece in self.pieces(source.rows, source.columns) {
            self.take(&source.view(piece.clone()), piece.start, rows, out);
        }
    }

    fn take_columns(&self, values: &GpuTensor, columns: Range<usize>, out: &mut GpuTensor) {
        out.reshape(self, values.rows, columns.len());
        self.move_columns(values, columns.start, columns.len(), 0, out);
    }

    fn put_columns(&self, values: &GpuTensor, first: usize, out: &mut GpuTensor) {
        self.move_columns(values, 0, values.columns, first, out);
    }

    fn affine(
        &self,
        direction: Direction,
        weights: &GpuTensor,
        bias: Option<&GpuTensor>,
        link: Link,
        input: &GpuTensor,
        out: &mut GpuTensor,
    ) {
        out.reshape(self, input.rows, Self::outputs(direction, weights));
        let s = [0.0, 0.0, 0.0, if bias.is_some() { 1.0 } else { 0.0 }];
        let params = Params { n: [0, 0, 0, number_of(link)], s, ..Params::default() };
        self.of_layer("link", params, &[], (direction, weights, bias, input), &[out]);
    }

    fn sample_affine(
        &self,
        draws: Draws<'_>,
        direction: Direction,
        weights: &GpuTensor,
        bias: &GpuTensor,
        beta: Beta,
        input: &GpuTensor,
        out: &mut GpuTensor,
    ) {
        assert_eq!(draws.samples.len(), input.rows, "a sample a row");
        out.reshape(self, input.rows, Self::outputs(direction, weights));
        let params = Params { s: [0.0, 0.0, 0.0, beta.value()], ..Params::default() }.drawing(draws);
        self.of_layer("sample", params, draws.samples, (direction, weights, Some(bias), input), &[out]);
    }

    fn means_and_states(
        &self,
        draws: Draws<'_>,
        direction: Direction,
        weights: &GpuTensor,
        bias: &GpuTensor,
        input: &GpuTensor,
        means: &mut GpuTensor,
        states: &mut GpuTensor,
    ) {
        assert_eq!(draws.samples.len(), input.rows, "a sample a row");
        for out in [&mut *means, &mut *states] {
            out.reshape(self, input.rows, Self::outputs(direction, weights));
        }
        let params = Params::default().drawing(draws);
        let layer = (direction, weights, Some(bias), input);
        self.of_layer("sample_and_mean", params, draws.samples, layer, &[states, means]);
    }

    fn bernoulli(&self, draws: Draws<'_>, probabilities: &GpuTensor, out: &mut GpuTensor) {
        self.copy(probabilities, out);
        self.draw("bernoulli", draws, [0.0; 2], out);
    }

    fn pack(&self, values: &GpuTensor, out: &mut GpuStates) {
        self.pack_states(values, out);
    }

    fn unpack(&self, states: &GpuStates, out: &mut GpuTensor) {
        self.unpack_states(states, out);
    }

    fn round(&self, weights: &GpuTensor, out: &mut GpuRounded) {
        self.round_weights(weights, out);
    }

    fn sample_states(
        &self,
        draws: Draws<'_>,
        direction: Direction,
        weights: &GpuRounded,
        bias: &GpuTensor,
        beta: Beta,
        input: &GpuStates,
        out: &mut GpuStates,
    ) {
        self.sample_rounded(draws, direction, weights, (bias, beta), input, out);
    }

    fn hidden_means(&self, kind: HiddenKind, fields: &mut GpuTensor) {
        let params = Params { n: [0, 0, kind as u32, 0], ..Params::default() };
        self.each("hidden_means", params, &[], fields);
    }

    fn sample_hidden(&self, draws: Draws<'_>, kind: HiddenKind, beta: Beta, fields: &mut GpuTensor) {
        let kernel = if kind == HiddenKind::Relu { "sample_rectified" } else { "sample" };
        self.draw(kernel, draws, [beta.value(), 0.0], fields);
    }

    fn visible_start(&self, kinds: &UnitKinds, bias: &GpuTensor, out: &mut GpuTensor) {
        out.reshape(self, 1, bias.len());
        self.visible("visible_start", Params::default(), &[], (kinds, bias), out);
    }

    fn visible_means(&self, kinds: &UnitKinds, bias: &GpuTensor, inputs: &mut GpuTensor) {
        self.visible("visible_means", Params::default(), &[], (kinds, bias), inputs);
    }

    fn sample_visible(
        &self,
        draws: Draws<'_>,
        kinds: &UnitKinds,
        beta: Beta,
        bias: &GpuTensor,
        inputs: &mut GpuTensor,
    ) {
        if kinds.blocks.is_empty() {
            self.draw("sample", draws, [beta.value(), 0.0], inputs);
        } else {
            assert_eq!(draws.samples.len(), inputs.rows, "a sample a row");
            let params = Params { s: [beta.value(), 0.0, 0.0, 0.0], ..Params::default() };
            self.visible("sample_visible", params.drawing(draws), draws.samples, (kinds, bias), inputs);
        }
    }

    fn visible_energies(&self, kinds: &UnitKinds, bias: &GpuTensor, visible: &GpuTensor, out: &mut GpuTensor) {
        out.reshape(self, visible.rows, 1);
        let table = self.unit_table(kinds, visible.columns);
        self.each_row("visible_energies", Params::default(), &[visible, bias, &table], out);
    }

    fn subtract_hidden_terms(&self, kind: HiddenKind, scale: f32, fields: &GpuTensor, out: &mut GpuTensor) {
        let params = Params { n: [0, 0, kind as u32, 0], s: [scale, 0.0, 0.0, 0.0], ..Params::default() };
        self.each_row("subtract_hidden_terms", params, &[fields], out);
    }

    fn rescale(&self, scale: f32, shift: Option<(f32, &GpuTensor)>, values: &mut GpuTensor) {
        let share = shift.map_or(0.0, |(share, _)| share);
        let params =
            Params { n: [0, 0, u32::from(shift.is_some()), 0], s: [scale, share, 0.0, 0.0], ..Params::default() };
        self.each("rescale", params, shift.map(|(_, shift)| shift).as_slice(), values);
    }

    fn sample_hidden_exactly(&self, draws: Draws<'_>, kind: HiddenKind, fields: &mut GpuTensor) {
        match kind {
            HiddenKind::Bernoulli => self.sample_hidden(draws, kind, Beta::ONE, fields),
            HiddenKind::Relu => self.draw("sample_copies", draws, [0.0; 2], fields),
        }
    }

    fn add_term_changes(
        &self,
        kind: HiddenKind,
        [from, to]: [f32; 2],
        slopes: &GpuTensor,
        fields: &GpuTensor,
        sums: &mut GpuTensor,
    ) {
        let [low, middle, high] = ebm_core::kernel::units::gauss_points(from, to);
        let params = Params {
            n: [0, 0, kind as u32, 0],
            s: [from, to, low, high],
            t: [middle, 0.0, 0.0, 0.0],
            ..Params::default()
        };
        self.each_row("add_term_changes", params, &[fields, slopes], sums);
    }

    fn single_changes(
        &self,
        kind: HiddenKind,
        weights: &GpuTensor,
        fields: &GpuTensor,
        units: Range<usize>,
        changes: &GpuTensor,
        out: &mut GpuTensor,
    ) {
        out.reshape(self, fields.rows, units.len());
        // A sum over hidden units for every number: few rows at a time, since a card may not be kept busy for seconds by one kernel.
        let of_row = units.len() * fields.columns;
        let at_once = (TERMS_AT_ONCE / of_row.max(1) / ALIGNED_ROWS * ALIGNED_ROWS).max(ALIGNED_ROWS);
        self.by_pieces(fields.rows, at_once, &[fields, changes, out], |piece, tensors| {
            let params = Params {
                n: [piece.len() as u32, units.len() as u32, kind as u32, 0],
                m: [fields.columns as u32, weights.columns as u32, units.start as u32, 0],
                ..Params::default()
            };
            let read = [tensors[0], weights, tensors[1]];
            let work = piece.len() * of_row * OF_TERM;
            let call = Call { params, read: &read, written: &tensors[2..], work, ..Call::default() };
            self.run(Kernel(File::Classes, "single_changes"), (piece.len() * units.len()).div_ceil(GROUP), call);
        });
    }

    fn visible_log_partitions(&self, kinds: &UnitKinds, bias: &GpuTensor, inputs: &GpuTensor, out: &mut GpuTensor) {
        out.reshape(self, inputs.rows, 1);
        let table = self.unit_table(kinds, inputs.columns);
        self.each_row("visible_log_partitions", Params::default(), &[inputs, bias, &table], out);
    }

    fn visible_log_densities(
        &self,
        kinds: &UnitKinds,
        bias: &GpuTensor,
        inputs: &GpuTensor,
        visible: &GpuTensor,
        out: &mut GpuTensor,
    ) {
        out.reshape(self, inputs.rows, 1);
        let table = self.unit_table(kinds, inputs.columns);
        self.each_row("visible_log_densities", Params::default(), &[inputs, bias, &table, visible], out);
    }

    fn dropout(&self, draws: Draws<'_>, rate: f32, values: &mut GpuTensor) {
        self.draw("dropout", draws, [rate, 1.0 / (1.0 - rate)], values);
    }

    fn outer(&self, mut keep: f32, terms: &[(f32, [&GpuTensor; 2])], out: &mut GpuTensor) {
        for terms in self.in_pieces(terms).chunks(2) {
            let params = Params { s: [keep, 0.0, 0.0, 0.0], ..Params::default() };
            self.of_statistics("link", params, terms, &[out]);
            keep = 1.0;
        }
    }

    fn column_sums(&self, mut keep: f32, terms: &[(f32, &GpuTensor)], out: &mut GpuTensor) {
        if terms.is_empty() {
            self.rescale(keep, None, out);
        }
        let terms: Vec<_> = terms.iter().map(|&(scale, values)| (scale, [values])).collect();
        for terms in self.in_pieces(&terms).chunks(2) {
            let params = Params { s: [keep, 0.0, 0.0, 0.0], ..Params::default() };
            self.each_column("column_sums", params, terms, &[out]);
            keep = 1.0;
        }
    }

    fn add_scaled(&self, scale: f32, values: &GpuTensor, out: &mut GpuTensor) {
        let params = Params { s: [scale, 0.0, 0.0, 0.0], ..Params::default() };
        self.each("add_scaled", params, &[values], out);
    }

    fn backward(&self, link: Link, kept: f32, outputs: &GpuTensor, delta: &mut GpuTensor) {
        let params = Params { n: [0, 0, number_of(link), 0], s: [kept, 0.0, 0.0, 0.0], ..Params::default() };
        self.each("backward", params, &[outputs], delta);
    }

    fn affine_backward(
        &self,
        direction: Direction,
        weights: &GpuTensor,
        input: &GpuTensor,
        (link, kept): (Link, f32),
        outputs: &GpuTensor,
        out: &mut GpuTensor,
    ) {
        out.reshape(self, input.rows, Self::outputs(direction, weights));
        let params = Params { n: [0, 0, 0, number_of(link)], s: [0.0, 0.0, 0.0, kept], ..Params::default() };
        self.of_layer("back", params, &[], (direction, weights, Some(outputs), input), &[out]);
    }

    fn softmax_cross_entropy(&self, labels: &[u16], smoothing: f32, scores: &mut GpuTensor, totals: &mut GpuTensor) {
        let (rows, classes) = (scores.rows, scores.columns);
        let labels: Vec<u32> = labels.iter().map(|&label| label.into()).collect();
        assert_eq!(labels.len(), rows, "a label a row");
        let s = [1.0 - smoothing, smoothing / classes.max(1) as f32, 1.0 / rows as f32, 0.0];
        self.with_scratch(rows, 2, |pairs| {
            self.by_rows(rows, &[scores, pairs], |piece, written| {
                let n = [piece.len() as u32, classes as u32, 0, classes as u32];
                let groups = piece.len().div_ceil(GROUP);
                let params = Params { n, s, ..Params::default() };
                let call = Call { params, words: &labels[piece], written, ..Call::default() };
                self.run(Kernel(File::Classes, "softmax_cross_entropy"), groups, call);
            });
            self.add_pairs(pairs, totals);
        });
    }

    fn limit_norms(&self, largest: f32, rows: &mut GpuTensor) {
        let params = Params { s: [largest, 0.0, 0.0, 0.0], ..Params::default() };
        self.each_row("limit_norms", params, &[], rows);
    }

    fn class_scores(
        &self,
        kind: HiddenKind,
        classes: usize,
        weights: &GpuTensor,
        visible_bias: &GpuTensor,
        fields: &GpuTensor,
        out: &mut GpuTensor,
    ) {
        out.reshape(self, fields.rows, classes);
        self.of_classes("class_scores", (kind, classes), weights, fields, visible_bias, out);
    }

    fn class_fields_backward(
        &self,
        kind: HiddenKind,
        weights: &GpuTensor,
        scores: &GpuTensor,
        fields: &GpuTensor,
        out: &mut GpuTensor,
    ) {
        out.reshape(self, fields.rows, fields.columns);
        self.of_classes("class_fields_backward", (kind, scores.columns), weights, fields, scores, out);
    }

    fn class_weights_backward(
        &self,
        kind: HiddenKind,
        weights: &GpuTensor,
        scores: &GpuTensor,
        fields: &GpuTensor,
        out: &mut GpuTensor,
    ) {
        let classes = scores.columns;
        self.by_rows(fields.rows, &[fields, scores], |piece, tensors| {
            let params = Params {
                n: [piece.len() as u32, out.columns as u32, kind as u32, classes as u32],
                m: [fields.columns as u32, weights.columns as u32, 0, 0],
                ..Params::default()
            };
            let groups = (fields.columns * classes).div_ceil(GROUP);
            let call = Call { params, read: &[tensors[0], weights, tensors[1]], written: &[out], ..Call::default() };
            self.run(Kernel(File::Classes, "class_weights_backward"), groups, call);
        });
    }

    fn class_bias_backward(&self, scores: &GpuTensor, out: &mut GpuTensor) {
        let classes = scores.columns;
        for piece in self.pieces(scores.rows, classes) {
            let n = [piece.len() as u32, out.len() as u32, 0, classes as u32];
            let params = Params { n, ..Params::default() };
            let call = Call { params, read: &[&scores.view(piece)], written: &[out], ..Call::default() };
            self.run(Kernel(File::Classes, "class_bias_backward"), classes.div_ceil(GROUP), call);
        }
    }

    fn add_errors(&self, x: &GpuTensor, y: &GpuTensor, totals: &mut GpuTensor) {
        self.with_scratch(x.rows, 2, |pairs| {
            self.each_row("errors", Params::default(), &[x, y], pairs);
            self.add_pairs(pairs, totals);
        });
    }

    fn fill_missing(&self, values: &GpuTensor, by: &GpuTensor, out: &mut GpuTensor) {
        out.reshape(self, values.rows, values.columns);
        self.each("fill_missing", Params::default(), &[values, by], out);
    }

    fn add_noise(&self, draws: Draws<'_>, deviation: f32, values: &mut GpuTensor) {
        self.draw("add_noise", draws, [deviation, 0.0], values);
    }

    fn multiply_columns(&self, factors: &GpuTensor, values: &mut GpuTensor) {
        self.each("multiply_columns", Params::default(), &[factors], values);
    }

    fn multiply_rows(&self, factors: &GpuTensor, values: &mut GpuTensor) {
        self.each("multiply_rows", Params::default(), &[factors], values);
    }

    fn add_signs(&self, scale: f32, values: &GpuTensor, out: &mut GpuTensor) {
        let params = Params { s: [scale, 0.0, 0.0, 0.0], ..Params::default() };
        self.each("add_signs", params, &[values], out);
    }

    fn descend(
        &self,
        step: Step,
        weight_decay: f32,
        terms: &[(f32, [&GpuTensor; 2])],
        moments: &mut [GpuTensor; 2],
        parameter: &mut GpuTensor,
    ) {
        let pieces = self.in_pieces(terms);
        let (kernel, mut params) = stepping(step);
        if pieces.len() <= 2 {
            params.s[3] = weight_decay;
            return self.of_statistics(kernel, params, &pieces, &stepped(step, parameter, moments));
        }
        self.with_scratch(parameter.rows, parameter.columns, |gradient| {
            self.outer(0.0, terms, gradient);
            self.add_scaled(weight_decay, parameter, gradient);
            self.step(step, gradient, moments, parameter);
        });
    }

    fn descend_bias(
        &self,
        step: Step,
        terms: &[(f32, &GpuTensor)],
        gradient: &mut GpuTensor,
        moments: &mut [GpuTensor; 2],
        parameter: &mut GpuTensor,
    ) {
        let of_terms: Vec<_> = terms.iter().map(|&(scale, values)| (scale, [values])).collect();
        let pieces = self.in_pieces(&of_terms);
        if matches!(pieces.len(), 1 | 2) {
            let (kernel, params) = stepping(step);
            return self.each_column(kernel, params, &pieces, &stepped(step, parameter, moments));
        }
        self.column_sums(0.0, terms, gradient);
        self.step(step, gradient, moments, parameter);
    }

    fn step(&self, step: Step, gradient: &GpuTensor, moments: &mut [GpuTensor; 2], parameter: &mut GpuTensor) {
        let (kernel, params) = stepping(step);
        self.each_of(kernel, params, &[gradient], &stepped(step, parameter, moments));
    }
}
