//! [`CpuStates`]: states of Bernoulli units as a chain has them, in the form that [`super::sums`] takes.

use super::passes::DRAWS;
use super::wide::wide;

/// Rows (samples) of a block.
pub(super) const BLOCK_ROWS: usize = 4;
/// Units of a block.
pub(super) const BLOCK_UNITS: usize = DRAWS;
/// Pairs of units of a block: unit `p` and unit `p + PAIRS`.
pub(super) const PAIRS: usize = BLOCK_UNITS / 2;

/// The states of [`BLOCK_ROWS`] samples at [`BLOCK_UNITS`] units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Block {
    /// Of each row, the states of every pair as two 16-bit numbers: of unit `p` the lower, of unit `p + PAIRS` the higher.
    pub pairs: [[u32; PAIRS]; BLOCK_ROWS],
    /// Bit `p` is set where any row's pair `p` has a unit that is on: the others add nothing.
    pub marks: u32,
}

impl Block {
    /// One row's states, `states[unit]` being 0 or 1.
    #[inline(always)]
    pub fn set(&mut self, row: usize, states: &[u32; BLOCK_UNITS]) {
        let (lower, higher) = states.split_at(PAIRS);
        for ((pair, lower), higher) in self.pairs[row].iter_mut().zip(lower).zip(higher) {
            *pair = lower | higher << 16;
        }
    }

    /// Sets the marks, after every row has been set.
    #[inline(always)]
    pub fn mark(&mut self) {
        self.marks = 0;
        for pair in 0..PAIRS {
            let any = self.pairs.iter().fold(0, |any, row| any | row[pair]);
            self.marks |= u32::from(any != 0) << pair;
        }
    }
}

/// Blocks that one task takes at most: of all rows of a minibatch, so that weights are read once.
const TASK_BLOCKS: usize = 64;

/// Blocks of the units of one panel.
pub(super) struct Task<'a> {
    /// Number of the panel.
    pub panel: usize,
    /// How many blocks are above the first one.
    pub first: usize,
    /// Blocks below each other.
    pub blocks: &'a mut [Block],
}

/// States, rows × columns. Units past the last one and rows past the last one are off.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CpuStates {
    rows: usize,
    columns: usize,
    /// All blocks of the first units, then all of the next: whoever draws some units has their blocks to itself.
    pub(super) blocks: Vec<Block>,
}

impl CpuStates {
    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Blocks that lie below each other.
    pub(super) fn height(&self) -> usize {
        self.rows.div_ceil(BLOCK_ROWS)
    }

    /// Takes a shape; what it holds afterwards is unspecified. Allocates only when it grows.
    pub(super) fn reshape(&mut self, rows: usize, columns: usize) {
        (self.rows, self.columns) = (rows, columns);
        self.blocks.resize(self.height() * columns.div_ceil(BLOCK_UNITS), Block::default());
    }

    /// Blocks to be drawn: of one panel's units and some rows each.
    pub(super) fn tasks(&mut self) -> impl Iterator<Item = Task<'_>> {
        let height = self.height().max(1);
        self.blocks.chunks_exact_mut(height).enumerate().flat_map(|(panel, blocks)| {
            let tasks = blocks.chunks_mut(TASK_BLOCKS).zip((0..).step_by(TASK_BLOCKS));
            tasks.map(move |(blocks, first)| Task { panel, first, blocks })
        })
    }

    /// Blocks of the same rows, from the first units on; so many blocks lie above each.
    pub(super) fn below(&self, above: usize) -> impl Iterator<Item = &Block> + Clone {
        self.blocks.iter().skip(above).step_by(self.height().max(1))
    }

    /// The part of row `row` that lies in each block, from the first units on.
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = &[u32; PAIRS]> {
        self.below(row / BLOCK_ROWS).map(move |block| &block.pairs[row % BLOCK_ROWS])
    }
}

wide! {
    /// A block of the rows that `values` begins with, from a column on; 1 is on and 0 is off.
    pub(super) fn pack(values: &[f32], columns: usize, column: usize, block: &mut Block) {
        *block = Block::default();
        for (row, values) in values.chunks_exact(columns).take(BLOCK_ROWS).enumerate() {
            let mut states = [0; BLOCK_UNITS];
            for (state, value) in states.iter_mut().zip(&values[column..]) {
                *state = u32::from(*value > 0.5);
            }
            block.set(row, &states);
        }
        block.mark();
    }

    /// Zeros and ones of a row's part in a block.
    pub(super) fn unpack(pairs: &[u32; PAIRS], values: &mut [f32]) {
        let mut states = [0.0; BLOCK_UNITS];
        let (lower, higher) = states.split_at_mut(PAIRS);
        for ((lower, higher), pair) in lower.iter_mut().zip(higher).zip(pairs) {
            *lower = (pair & 1) as f32;
            *higher = (pair >> 16) as f32;
        }
        values.copy_from_slice(&states[..values.len()]);
    }
}
