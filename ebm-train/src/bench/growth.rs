//! How cost grows with every size that a run has: an epoch of contrastive divergence on drawn data, and the reading of a table.

use super::work::{Learning, Timed};
use crate::Error;
use crate::backend::Backend;
use crate::data::{self, Batch, DataOptions, Split};
use ebm_core::rng::{Purpose, Stream, fill, unit_interval};
use serde::Serialize;
use std::fmt::Write as _;
use std::fs;
use std::time::Instant;

/// Epochs, or readings, that are timed; the fastest counts.
const REPEATS: usize = 3;
/// Share of values that are 1.
const ON: f32 = 0.2;
/// Pixels of an image's side.
const SIDE: usize = 28;
/// Columns of a table.
const COLUMNS: usize = 10;

/// Sizes of a run.
#[derive(Clone, Copy)]
struct Sizes {
    visible: usize,
    hidden: usize,
    k: u16,
    batch: usize,
    rows: usize,
}

/// The sizes that one of them is doubled from.
const BASE: Sizes = Sizes { visible: 392, hidden: 128, k: 1, batch: 32, rows: 4096 };

/// What one size costs.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// What is doubled.
    pub what: &'static str,
    /// How large it is.
    pub size: usize,
    /// Of the fastest run.
    pub seconds: f64,
}

/// What is doubled, its size times a factor, and the run that has it.
type Doubled = (&'static str, fn(usize) -> (usize, Sizes));

const DOUBLED: [Doubled; 5] = [
    ("visible units", |by| (by * BASE.visible, Sizes { visible: by * BASE.visible, ..BASE })),
    ("hidden units", |by| (by * BASE.hidden, Sizes { hidden: by * BASE.hidden, ..BASE })),
    ("Gibbs steps", |by| (by * usize::from(BASE.k), Sizes { k: by as u16 * BASE.k, ..BASE })),
    ("samples a minibatch", |by| (by * BASE.batch, Sizes { batch: by * BASE.batch, ..BASE })),
    ("samples", |by| (by * BASE.rows, Sizes { rows: by * BASE.rows, ..BASE })),
];

/// A kind of file that is read: what is doubled, the kind's name in a spec, its samples, and the bytes of a file of so many.
type Read = (&'static str, &'static str, usize, fn(usize) -> Vec<u8>);

const FILES: [Read; 2] =
    [("lines of CSV", "csv", 16 * BASE.rows, table), ("images of idx", "idx", 2 * BASE.rows, images)];

/// Times every size once, twice, four and eight times as large, all others as they are, and tells each cost.
///
/// Fails when a table cannot be written to the system's folder for temporary files.
pub fn growth<B: Backend>(backend: &B, mut tell: impl FnMut(Cost) -> Result<(), Error>) -> Result<(), Error> {
    for (what, sizes) in DOUBLED {
        for by in [1, 2, 4, 8] {
            let (size, Sizes { visible, hidden, k, batch, rows }) = sizes(by);
            let split = Split { inputs: drawn(rows, visible).into(), labels: Vec::new() };
            let mut work = Learning::new(backend, &split, hidden, (k, batch, false))?;
            work.run()?;
            tell(Cost { what, size, seconds: fastest(|| work.run())? })?;
        }
    }
    for (what, kind, base, bytes) in FILES {
        for rows in [1, 2, 4, 8].map(|by| by * base) {
            const ACTION: &str = "write a file to be timed (TMPDIR names another folder)";
            let folder = tempfile::tempdir().map_err(Error::file(&std::env::temp_dir(), ACTION))?;
            let path = folder.path().join("data");
            fs::write(&path, bytes(rows)).map_err(Error::file(&path, ACTION))?;
            let options = DataOptions { data: format!("{kind}:{}", path.display()), ..DataOptions::default() };
            tell(Cost { what, size: rows, seconds: fastest(|| data::open(&options).map(drop))? })?;
        }
    }
    Ok(())
}

/// Seconds of the fastest of some runs.
fn fastest(mut work: impl FnMut() -> Result<(), Error>) -> Result<f64, Error> {
    let mut least = f64::INFINITY;
    for _ in 0..REPEATS {
        let started = Instant::now();
        work()?;
        least = least.min(started.elapsed().as_secs_f64());
    }
    Ok(least)
}

/// Draws in `[0, 1)`.
fn uniform(count: usize) -> impl Iterator<Item = f32> {
    let mut draws = vec![0; count];
    fill(1, Stream::new(Purpose::Noise), 0, &mut draws);
    draws.into_iter().map(unit_interval)
}

/// Binary samples.
fn drawn(rows: usize, visible: usize) -> Batch {
    Batch { values: uniform(rows * visible).map(|draw| f32::from(u8::from(draw < ON))).collect(), visible }
}

/// A table of numbers in `[0, 1)` and a class.
fn table(rows: usize) -> Vec<u8> {
    let mut text = (0..COLUMNS).fold(String::new(), |names, column| names + &format!("x{column},")) + "label\n";
    for (row, values) in uniform(rows * COLUMNS).collect::<Vec<_>>().chunks(COLUMNS).enumerate() {
        for value in values {
            // Writing to a string does not fail.
            let _ = write!(text, "{value:.4},");
        }
        let _ = writeln!(text, "{}", row % 3);
    }
    text.into_bytes()
}

/// Images of [`SIDE`] × [`SIDE`] bytes.
fn images(rows: usize) -> Vec<u8> {
    let sizes = [rows, SIDE, SIDE].map(|size| (size as u32).to_be_bytes());
    let mut bytes = [[0, 0, 8, 3], sizes[0], sizes[1], sizes[2]].concat();
    bytes.extend((0..rows * SIDE * SIDE).map(|index| (index % 251) as u8));
    bytes
}
