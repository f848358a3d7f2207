//! [`Store`] takes rows one after the other and keeps them in memory, or, once they exceed the budget, in an unnamed file.

use super::{Batch, FileRows, Samples};
use crate::Error;
use std::cell::Cell;
use std::fs::{self, File};
use std::io::{BufWriter, Write};

/// Most values of a sample. A file that claims more is taken for damaged.
pub(super) const MAX_VISIBLE: usize = 1 << 24;
/// Values that a vector grows by at first.
const FIRST: usize = 1 << 14;

/// Bytes of memory that the samples of a data set can still take.
pub(super) struct Budget(Cell<u64>);

impl Budget {
    pub fn new(bytes: u64) -> Self {
        Self(Cell::new(bytes))
    }

    /// Takes so many bytes, where there are as many.
    fn take(&self, bytes: u64) -> bool {
        let left = self.0.get().checked_sub(bytes);
        self.0.set(left.unwrap_or(self.0.get()));
        left.is_some()
    }

    fn give_back(&self, bytes: u64) {
        self.0.set(self.0.get() + bytes);
    }
}

/// Bytes of memory for samples where nobody says: a quarter of what is free, under the limits that the system sets this process.
/// A gigabyte where the system does not tell.
pub(super) fn default_budget() -> u64 {
    let text = |path| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str, place: usize, unit: u64| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().nth(place)?.parse::<u64>().ok()?.checked_mul(unit)
    };
    let free = field(&text("/proc/meminfo"), "MemAvailable:", 0, 1024);
    let address_space = field(&text("/proc/self/limits"), "Max address space", 0, 1);
    let group = text("/sys/fs/cgroup/memory.max").trim().parse().ok();
    [free, address_space, group].into_iter().flatten().min().map_or(1 << 30, |bytes| bytes / 4)
}

/// Rows of raw values as they are read.
pub(super) struct Store<'a> {
    visible: usize,
    rows: usize,
    budget: &'a Budget,
    values: Vec<f32>,
    file: Option<BufWriter<File>>,
}

impl<'a> Store<'a> {
    /// Takes rows of `visible` values.
    pub fn new(visible: usize, budget: &'a Budget) -> Self {
        Self { visible, rows: 0, budget, values: Vec::new(), file: None }
    }

    /// Number of rows taken.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Takes whole rows.
    pub fn push(&mut self, rows: &[f32]) -> Result<(), Error> {
        self.rows += rows.len() / self.visible.max(1);
        if self.rows > u32::MAX as usize {
            return Err(Error::data("the data", "has more than 4,294,967,295 samples".into()));
        }
        if self.file.is_none() && !self.has_room(rows.len()) {
            let mut file = BufWriter::with_capacity(1 << 20, tempfile::tempfile().map_err(put_aside())?);
            file.write_all(bytemuck::cast_slice(&self.values)).map_err(put_aside())?;
            self.budget.give_back(bytes(self.values.capacity()));
            self.values = Vec::new();
            self.file = Some(file);
        }
        match &mut self.file {
            Some(file) => file.write_all(bytemuck::cast_slice(rows)).map_err(put_aside())?,
            None => self.values.extend_from_slice(rows),
        }
        Ok(())
    }

    /// Makes room in memory for `more` values, as far as the budget goes.
    fn has_room(&mut self, more: usize) -> bool {
        let (len, capacity) = (self.values.len(), self.values.capacity());
        if len + more <= capacity {
            return true;
        }
        // Doubling, or what is needed where the budget does not allow as much.
        for wanted in [(2 * capacity).max(FIRST).max(len + more), len + more] {
            if self.budget.take(bytes(wanted - capacity)) {
                self.values.reserve_exact(wanted - len);
                return true;
            }
        }
        false
    }

    /// The rows.
    pub fn finish(self) -> Result<Samples, Error> {
        Ok(match self.file {
            Some(file) => {
                let file = file.into_inner().map_err(|error| put_aside()(error.into_error()))?;
                Samples::File(FileRows::new(file, self.visible, self.rows))
            }
            None => Samples::Memory(Batch { values: self.values, visible: self.visible }),
        })
    }
}

fn bytes(values: usize) -> u64 {
    (values * size_of::<f32>()) as u64
}

fn put_aside() -> impl FnOnce(std::io::Error) -> Error {
    let folder = std::env::temp_dir();
    move |source| Error::File {
        path: folder,
        action: "put aside samples that exceed --memory (TMPDIR names another folder)",
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(rows: usize, budget: u64) -> (Samples, u64) {
        let budget = Budget::new(budget);
        let mut store = Store::new(3, &budget);
        for row in 0..rows {
            store.push(&[row as f32, 0.5, f32::NAN]).expect("room on the disk");
        }
        (store.finish().expect("room on the disk"), budget.0.get())
    }

    #[test]
    fn rows_are_the_same_in_memory_and_in_a_file() {
        let rows = 3 * FIRST;
        let (memory, _) = stored(rows, 1 << 30);
        let (file, left) = stored(rows, 1 << 16);
        assert!(memory.memory().is_some() && file.memory().is_none() && left == 1 << 16);
        let bits = |batch: &Batch| batch.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        for range in [0..rows, 5..6, 7..7, rows - 2..rows] {
            let (a, b) = (memory.read(range.clone()).expect("rows"), file.read(range).expect("rows"));
            assert_eq!((bits(&a), a.visible), (bits(&b), b.visible));
        }
        let picked = [9, 0, 1, 2, rows as u32 - 1, 9];
        let (mut a, mut b) = (Batch::default(), Batch { values: vec![1.0; 100], visible: 9 });
        memory.gather(&picked, &mut a).expect("rows");
        file.gather(&picked, &mut b).expect("rows");
        assert_eq!((bits(&a), a.visible), (bits(&b), b.visible));
        assert_eq!(memory.pieces().count(), file.pieces().count());
    }

    #[test]
    fn memory_never_exceeds_the_budget() {
        let exact = 3 * 4 * (2 * FIRST as u64 + 100);
        let (fits, left) = stored(2 * FIRST + 100, exact);
        assert!(fits.memory().is_some_and(|batch| batch.values.capacity() * 4 <= exact as usize) && left == 0);
        assert!(stored(2 * FIRST + 101, exact).0.memory().is_none());
    }
}
