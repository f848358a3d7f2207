//! [`Source`]: the samples that a machine or a net learns from, on the backend.

use super::machine::{Completion, Machine};
use crate::Error;
use crate::backend::Backend;
use crate::data::{Batch, Samples};
use std::borrow::Cow;

/// What `v` is: the samples of a split, seen through the machines below the one that is trained.
///
/// Samples that lie in memory are given to the backend once, already through those machines; others are read, and go up, minibatch by minibatch.
pub struct Source<'a, B: Backend> {
    rows: usize,
    visible: usize,
    labels: Option<OneHot<'a>>,
    misses_some: bool,
    held: Held<'a, B>,
}

enum Held<'a, B: Backend> {
    Resident(B::Set<'a>),
    Read { samples: &'a Samples, below: Vec<&'a Machine<B>>, batch: Batch },
}

/// Labels as visible units: what a ClassRBM sees beside the inputs.
#[derive(Clone, Copy, Debug)]
pub struct OneHot<'a> {
    /// Class of each sample.
    pub labels: &'a [u16],
    /// Number of classes.
    pub classes: usize,
}

impl OneHot<'_> {
    /// Appends to each row of `batch`, samples `rows` of the split, its label's units.
    fn append(&self, rows: impl Iterator<Item = usize>, batch: &mut Batch) {
        let mut values = Vec::with_capacity(batch.rows() * (batch.visible + self.classes));
        for (row, sample) in rows.zip(batch.iter()) {
            values.extend_from_slice(sample);
            let first = values.len();
            values.resize(first + self.classes, 0.0);
            values[first + usize::from(self.labels[row])] = 1.0;
        }
        *batch = Batch { values, visible: batch.visible + self.classes };
    }
}

impl<'a, B: Backend> Source<'a, B> {
    /// The samples as `below`, from the input up, turn them into means; with `labels`, those of the top machine beside them.
    ///
    /// Fails when the samples cannot be read. Panics when there are fewer labels than samples, or a label is no class.
    pub fn new(
        backend: &B,
        samples: &'a Samples,
        below: &[&'a Machine<B>],
        labels: Option<OneHot<'a>>,
    ) -> Result<Self, Error> {
        let inputs = below.last().map_or(samples.visible(), |machine| machine.hidden());
        let visible = inputs + labels.map_or(0, |labels| labels.classes);
        let rows = samples.rows();
        let held = match samples.memory() {
            Some(batch) if below.is_empty() && labels.is_none() => {
                Held::Resident(backend.hold(visible, Cow::Borrowed(&batch.values)))
            }
            Some(_) => {
                let mut values = Vec::with_capacity(rows * visible);
                let mut first = 0;
                for piece in samples.pieces() {
                    let piece = piece?;
                    let mut up = through(backend, below, &piece);
                    if let Some(labels) = labels {
                        labels.append(first.., &mut up);
                    }
                    first += piece.rows();
                    values.append(&mut up.values);
                }
                Held::Resident(backend.hold(visible, Cow::Owned(values)))
            }
            None => Held::Read { samples, below: below.to_vec(), batch: Batch::default() },
        };
        let inputs = samples.memory().filter(|_| below.is_empty());
        let misses_some = inputs.is_some_and(|batch| batch.values.iter().any(|value| value.is_nan()));
        Ok(Self { rows, visible, labels, misses_some, held })
    }

    /// Number of samples.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values of a sample.
    pub fn visible(&self) -> usize {
        self.visible
    }

    /// Classes of the samples named by `rows`; `None` where labels are no part of a sample.
    pub fn labels<'r>(&self, rows: &'r [u32]) -> Option<impl Iterator<Item = u16> + use<'r, 'a, B>> {
        self.labels.map(|OneHot { labels, .. }| rows.iter().map(|&row| labels[row as usize]))
    }

    /// Values may be missing (NaN) among the samples gathered last.
    pub fn misses_some(&self) -> bool {
        self.misses_some
    }

    /// `out` becomes the samples named by `rows`. Fails when they cannot be read, or the backend can compute no more.
    pub fn gather(&mut self, backend: &B, rows: &[u32], out: &mut B::Tensor) -> Result<(), Error> {
        backend.check()?;
        match &mut self.held {
            Held::Resident(set) => backend.take_rows(set, rows, out),
            Held::Read { samples, below, batch } => {
                samples.gather(rows, batch)?;
                let mut up = through(backend, below, batch);
                if let Some(labels) = self.labels {
                    labels.append(rows.iter().map(|&row| row as usize), &mut up);
                }
                self.misses_some = up.values.iter().any(|value| value.is_nan());
                *out = backend.upload(up.rows(), up.visible, &up.values);
            }
        }
        Ok(())
    }
}

/// Rows that go up through machines together: a multiple of what any backend cuts tensors into.
const BLOCK_ROWS: usize = 64;

/// The means that machines from the input up make of a batch, of which the lowest fills in what is missing.
fn through<B: Backend>(backend: &B, below: &[&Machine<B>], batch: &Batch) -> Batch {
    if below.is_empty() {
        return batch.clone();
    }
    // Products over the last few rows of a tensor can add in another order than over others. Rows are filled up to whole blocks, so that a
    // sample has the same means in whatever company it is read.
    let rows = batch.rows().next_multiple_of(BLOCK_ROWS);
    let mut padded = batch.values.clone();
    padded.resize(rows * batch.visible, 0.0);
    let mut values = backend.upload(rows, batch.visible, &padded);
    let mut out = backend.zeros(0, 0);
    if let Some(lowest) = below.first().filter(|_| batch.values.iter().any(|value| value.is_nan())) {
        lowest.complete(backend, &values, &mut Completion::new(backend), &mut out);
        std::mem::swap(&mut values, &mut out);
    }
    for machine in below {
        machine.hidden_means(backend, &values, &mut out);
        std::mem::swap(&mut values, &mut out);
    }
    let visible = below.last().map_or(batch.visible, |machine| machine.hidden());
    let mut values = backend.download(&values);
    values.truncate(batch.rows() * visible);
    Batch { values, visible }
}
