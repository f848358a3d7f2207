//! [`Samples`]: the rows of a data set wherever they lie, [`Batch`]: some of them in memory.

use super::{FileRows, Preprocessing};
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

/// At most so many of `rows` rows, in order and spread evenly: all of them where there are no more.
pub fn evenly(rows: usize, at_most: usize) -> Vec<u32> {
    let count = rows.min(at_most);
    (0..count).map(|number| (number as u64 * rows as u64 / count as u64) as u32).collect()
}

/// Rows that are read at once when a whole data set is gone through.
pub const PIECE_ROWS: usize = 512;

/// The samples of one split.
#[derive(Clone, Debug, PartialEq)]
pub enum Samples {
    /// All in memory.
    Memory(Batch),
    /// In a file, read as they are asked for.
    File(FileRows),
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
            Self::File(file) => file.rows(),
        }
    }

    /// Values of a sample.
    pub fn visible(&self) -> usize {
        match self {
            Self::Memory(batch) => batch.visible,
            Self::File(file) => file.visible(),
        }
    }

    /// All of them, where they are in memory.
    pub fn memory(&self) -> Option<&Batch> {
        match self {
            Self::Memory(batch) => Some(batch),
            Self::File(_) => None,
        }
    }

    /// `out` becomes the samples named by `rows`, in that order. Fails when they cannot be read. Panics when there are fewer.
    pub fn gather(&self, rows: &[u32], out: &mut Batch) -> Result<(), Error> {
        match self {
            Self::Memory(batch) => {
                out.visible = batch.visible;
                out.values.clear();
                for &row in rows {
                    out.values.extend_from_slice(batch.row(row as usize));
                }
                Ok(())
            }
            Self::File(file) => file.read(rows.iter().map(|&row| row as usize), out),
        }
    }

    /// Consecutive samples. Fails when they cannot be read. Panics when there are fewer.
    pub fn read(&self, range: Range<usize>) -> Result<Cow<'_, Batch>, Error> {
        match self {
            Self::Memory(batch) if range == (0..batch.rows()) => Ok(Cow::Borrowed(batch)),
            Self::Memory(batch) => {
                let values = batch.values[range.start * batch.visible..range.end * batch.visible].to_vec();
                Ok(Cow::Owned(Batch { values, visible: batch.visible }))
            }
            Self::File(file) => {
                let mut batch = Batch::default();
                file.read(range, &mut batch)?;
                Ok(Cow::Owned(batch))
            }
        }
    }

    /// All samples in order, in pieces of at most [`PIECE_ROWS`]. A piece is an error when it cannot be read.
    pub fn pieces(&self) -> impl Iterator<Item = Result<Cow<'_, Batch>, Error>> {
        let rows = self.rows();
        (0..rows).step_by(PIECE_ROWS).map(move |first| self.read(first..rows.min(first + PIECE_ROWS)))
    }

    /// Of raw samples, those named by `rows`, ascending, as the values that `preprocessing` makes of them; `part` tells the draws of
    /// several parts of a data set apart. Rows in memory are converted in place.
    pub(super) fn prepared(self, rows: &[u32], preprocessing: &Preprocessing, part: u16) -> Self {
        match self {
            Self::Memory(mut batch) => {
                let visible = batch.visible;
                for (to, &from) in rows.iter().enumerate() {
                    let from_values = from as usize * visible;
                    batch.values.copy_within(from_values..from_values + visible, to * visible);
                    preprocessing.apply((part, from), &mut batch.values[to * visible..][..visible]);
                }
                batch.values.truncate(rows.len() * visible);
                batch.values.shrink_to_fit();
                Self::Memory(batch)
            }
            Self::File(file) => Self::File(file.prepared(rows, preprocessing, part)),
        }
    }
}
