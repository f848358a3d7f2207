//! [`Samples`]: the rows of a data set wherever they lie, [`Batch`]: some of them in memory.

use crate::Error;
use std::borrow::Cow;
use std::ops::Range;

/// Rows of visible values, one sample a row. A value that is NaN is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// `rows × visible` values, row-major.
    pub values: Vec<f32>,
    /// Values of a row.
    pub visible: usize,
}

impl Batch {
    /// Number of samples.
    pub fn rows(&self) -> usize {
        self.values.len() / self.visible.max(1)
    }

    /// The samples.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.visible.max(1))
    }

    /// One sample. Panics when there are fewer.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.visible..][..self.visible]
    }
}

/// Rows that are read at once when a whole data set is gone through.
pub const PIECE_ROWS: usize = 512;

/// The samples of one split.
#[derive(Clone, Debug, PartialEq)]
pub enum Samples {
    /// All in memory.
    Memory(Batch),
}

impl Default for Samples {
    fn default() -> Self {
        Self::Memory(Batch::default())
    }
}

impl From<Batch> for Samples {
    fn from(batch: Batch) -> Self {
        Self::Memory(batch)
    }
}

impl Samples {
    /// Number of samples.
    pub fn rows(&self) -> usize {
        match self {
            Self::Memory(batch) => batch.rows(),
        }
    }

    /// Values of a sample.
    pub fn visible(&self) -> usize {
        match self {
            Self::Memory(batch) => batch.visible,
        }
    }

    /// All of them, where they are in memory.
    pub fn memory(&self) -> Option<&Batch> {
        match self {
            Self::Memory(batch) => Some(batch),
        }
    }

    /// `out` becomes the samples named by `rows`, in that order. Fails when they cannot be read.
    pub fn gather(&self, rows: &[u32], out: &mut Batch) -> Result<(), Error> {
        match self {
            Self::Memory(batch) => {
                out.visible = batch.visible;
                out.values.clear();
                for &row in rows {
                    out.values.extend_from_slice(batch.row(row as usize));
                }
            }
        }
        Ok(())
    }

    /// Consecutive samples.
    pub fn read(&self, range: Range<usize>) -> Result<Cow<'_, Batch>, Error> {
        match self {
            Self::Memory(batch) if range == (0..batch.rows()) => Ok(Cow::Borrowed(batch)),
            Self::Memory(batch) => {
                let values = batch.values[range.start * batch.visible..range.end * batch.visible].to_vec();
                Ok(Cow::Owned(Batch { values, visible: batch.visible }))
            }
        }
    }

    /// All samples in order, in pieces of at most [`PIECE_ROWS`].
    pub fn pieces(&self) -> impl Iterator<Item = Result<Cow<'_, Batch>, Error>> {
        let rows = self.rows();
        (0..rows).step_by(PIECE_ROWS).map(move |first| self.read(first..rows.min(first + PIECE_ROWS)))
    }
}
