//! [`FileRows`]: samples that lie in a file and are read back by their place, so that no more of them is in memory than is looked at.

use super::{Batch, Preprocessing};
use crate::Error;
use std::fs::File;
use std::io;
use std::sync::Arc;

/// Rows of raw values in an unnamed file, and which of them are meant, and what is made of them when they are read.
#[derive(Clone, Debug)]
pub struct FileRows {
    file: Arc<File>,
    visible: usize,
    /// Which row of the file each sample is, ascending; none when all are meant.
    kept: Option<Arc<[u32]>>,
    rows: usize,
    prepare: Option<(Arc<Preprocessing>, u16)>,
}

impl PartialEq for FileRows {
    /// The same rows of the same file, read the same way.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file)
            && (self.visible, &self.kept, self.rows) == (other.visible, &other.kept, other.rows)
            && self.prepare == other.prepare
    }
}

impl FileRows {
    /// All of `rows` rows of `visible` values that `file` holds, as they are.
    pub(super) fn new(file: File, visible: usize, rows: usize) -> Self {
        Self { file: Arc::new(file), visible, kept: None, rows, prepare: None }
    }

    /// Those named by `kept`, ascending, as the values that `preprocessing` makes of them when they are read.
    pub(super) fn prepared(self, kept: &[u32], preprocessing: &Preprocessing, part: u16) -> Self {
        let prepare = Some((Arc::new(preprocessing.clone()), part));
        Self { kept: Some(kept.into()), rows: kept.len(), prepare, ..self }
    }

    /// Number of samples.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values of a sample.
    pub fn visible(&self) -> usize {
        self.visible
    }

    /// `out` becomes `samples`, in that order. Rows that follow each other in the file are read at once.
    pub(super) fn read(&self, samples: impl Iterator<Item = usize>, out: &mut Batch) -> Result<(), Error> {
        let rows: Vec<u32> =
            samples.map(|sample| self.kept.as_ref().map_or(sample as u32, |kept| kept[sample])).collect();
        out.visible = self.visible;
        out.values.resize(rows.len() * self.visible, 0.0);
        let mut first = 0;
        for run in rows.chunk_by(|&a, &b| b == a.wrapping_add(1)) {
            let values = &mut out.values[first * self.visible..][..run.len() * self.visible];
            let place = u64::from(run[0]) * (self.visible * size_of::<f32>()) as u64;
            read_exact_at(&self.file, bytemuck::cast_slice_mut(values), place)
                .map_err(Error::file(&std::env::temp_dir(), "read back the samples that were put aside there"))?;
            first += run.len();
        }
        if let Some((preprocessing, part)) = &self.prepare {
            for (&row, values) in rows.iter().zip(out.values.chunks_exact_mut(self.visible.max(1))) {
                preprocessing.apply((*part, row), values);
            }
        }
        Ok(())
    }
}

/// Reads without a common position, so that threads do not disturb each other.
#[cfg(unix)]
fn read_exact_at(file: &File, out: &mut [u8], place: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, place)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut out: &mut [u8], mut place: u64) -> io::Result<()> {
    while !out.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, out, place)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out = &mut out[read..];
        place += read as u64;
    }
    Ok(())
}
