//! [`CpuRounded`]: weights rounded to 16 bits, in the form that [`super::sums`] takes.

use super::states::{BLOCK_UNITS, PAIRS};
use super::wide::wide;
use super::{CpuTensor, passes};
use crate::backend::{Direction, SMALLEST_LARGEST_WEIGHT};

/// Numbers that a panel has beside each other: the units of the layer that a product goes to.
pub(super) const LANES: usize = BLOCK_UNITS;
/// The largest weight in quanta.
const LARGEST: f32 = i16::MAX as f32;
/// `1.5·2²³`: the sum with a number under `2²²` in size is rounded to whole numbers, which lie in the sum's lowest bits.
const ROUNDING: f32 = 12_582_912.0;

/// The weights of a pair of units of the layer that a product comes from, to each unit of a panel: of the pair's first the lower 16 bits.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Words(pub [u32; LANES]);

/// Weights, hidden × visible, in multiples of a quantum.
#[derive(Clone, Debug, Default)]
pub struct CpuRounded {
    hidden: usize,
    visible: usize,
    quantum: f32,
    up: Vec<Words>,
    down: Vec<Words>,
}

/// One panel's words to be made.
pub(super) struct Panel<'a> {
    direction: Direction,
    /// Quanta of 1.
    scale: f32,
    /// Its first unit.
    first: usize,
    words: &'a mut [Words],
}

impl CpuRounded {
    /// Size of a multiple of 1.
    pub(super) fn quantum(&self) -> f32 {
        self.quantum
    }

    /// Units of the layer that a product comes from, and of the one that it goes to.
    pub(super) fn ends(&self, direction: Direction) -> [usize; 2] {
        ends(direction, [self.hidden, self.visible])
    }

    /// The words of the panel of number `panel`.
    pub(super) fn panel(&self, direction: Direction, panel: usize) -> &[Words] {
        let [from, _] = self.ends(direction);
        let (words, length) = match direction {
            Direction::Up => (&self.up, words(from)),
            Direction::Down => (&self.down, words(from)),
        };
        &words[panel * length..][..length]
    }

    /// Takes a shape and the largest weight's size, and gives all panels out.
    pub(super) fn start(&mut self, [hidden, visible]: [usize; 2], largest: f32) -> impl Iterator<Item = Panel<'_>> {
        (self.hidden, self.visible, self.quantum) = (hidden, visible, quantum(largest));
        let scale = 1.0 / self.quantum;
        [(Direction::Up, &mut self.up), (Direction::Down, &mut self.down)].into_iter().flat_map(
            move |(direction, all)| {
                let [from, to] = ends(direction, [hidden, visible]);
                all.resize(to.div_ceil(LANES) * words(from), Words([0; LANES]));
                let panels = all.chunks_exact_mut(words(from).max(1)).zip((0..).step_by(LANES));
                panels.map(move |(words, first)| Panel { direction, scale, first, words })
            },
        )
    }
}

impl Panel<'_> {
    /// Fills it from the weights.
    pub(super) fn fill(self, weights: &CpuTensor) {
        match self.direction {
            Direction::Up => fill_up(self.scale, &weights.values, weights.columns, self.first, self.words),
            Direction::Down => fill_down(self.scale, &weights.values, weights.columns, self.first, self.words),
        }
    }
}

/// Units of the layer that a product comes from, and of the one that it goes to.
fn ends(direction: Direction, [hidden, visible]: [usize; 2]) -> [usize; 2] {
    match direction {
        Direction::Up => [visible, hidden],
        Direction::Down => [hidden, visible],
    }
}

/// Words of a panel: whole blocks' pairs of the units that a product comes from.
fn words(from: usize) -> usize {
    from.div_ceil(BLOCK_UNITS) * PAIRS
}

/// The least power of two of which no weight has more than `2¹⁵`.
fn quantum(largest: f32) -> f32 {
    // A power of two is an exponent without a mantissa.
    let power = f32::from_bits(largest.clamp(SMALLEST_LARGEST_WEIGHT, f32::MAX).to_bits() & 0x7f80_0000);
    power / 16_384.0
}

/// A weight in quanta, as the lower 16 bits.
#[inline(always)]
fn rounded(scale: f32, weight: f32) -> u32 {
    ((weight * scale).clamp(-LARGEST, LARGEST) + ROUNDING).to_bits() & 0xffff
}

/// A vector's numbers from `first` on, and zeros after its last.
#[inline(always)]
fn padded<const N: usize>(values: &[f32], first: usize) -> [f32; N] {
    let mut padded = [0.0; N];
    let values = values.get(first..).unwrap_or_default();
    let length = values.len().min(N);
    padded[..length].copy_from_slice(&values[..length]);
    padded
}

wide! {
    /// The largest size of a number.
    pub(super) fn largest(values: &[f32], out: &mut f32) {
        let mut sizes = [0.0_f32; passes::LANES];
        for values in values.chunks(passes::LANES) {
            for (size, value) in sizes.iter_mut().zip(values) {
                *size = size.max(value.abs());
            }
        }
        *out = sizes.iter().fold(0.0, |largest, &size| largest.max(size));
    }

    /// A panel of hidden units from `first` on: a word is of two weights of one row.
    pub(super) fn fill_up(scale: f32, weights: &[f32], visible: usize, first: usize, panel: &mut [Words]) {
        let rows = weights.get(first * visible..).unwrap_or_default();
        for (words, column) in panel.chunks_exact_mut(PAIRS).zip((0..).step_by(BLOCK_UNITS)) {
            // Row by row as they are read, then lane by lane as they are taken.
            let mut of_rows = [[0; PAIRS]; LANES];
            for (of_row, row) in of_rows.iter_mut().zip(rows.chunks_exact(visible)) {
                let row: [f32; BLOCK_UNITS] = padded(row, column);
                let (lower, higher) = row.split_at(PAIRS);
                for ((word, lower), higher) in of_row.iter_mut().zip(lower).zip(higher) {
                    *word = rounded(scale, *lower) | rounded(scale, *higher) << 16;
                }
            }
            for (pair, Words(words)) in words.iter_mut().enumerate() {
                for (word, of_row) in words.iter_mut().zip(&of_rows) {
                    *word = of_row[pair];
                }
            }
        }
    }

    /// A panel of visible units from `first` on: a word is of two weights of one column.
    pub(super) fn fill_down(scale: f32, weights: &[f32], visible: usize, first: usize, panel: &mut [Words]) {
        let row = |unit: usize| -> [f32; LANES] {
            let row = weights.get(unit * visible..(unit + 1) * visible).unwrap_or_default();
            padded(row, first)
        };
        for (index, Words(words)) in panel.iter_mut().enumerate() {
            let unit = index / PAIRS * BLOCK_UNITS + index % PAIRS;
            let (lower, higher) = (row(unit), row(unit + PAIRS));
            for ((word, lower), higher) in words.iter_mut().zip(&lower).zip(&higher) {
                *word = rounded(scale, *lower) | rounded(scale, *higher) << 16;
            }
        }
    }
}
