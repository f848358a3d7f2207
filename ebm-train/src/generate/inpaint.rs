//! Guesses for values that are not known, given those that are.

use super::{Chains, Stack};
use crate::Error;
use crate::backend::Backend;
use crate::data::{Batch, PIECE_ROWS};
use crate::train::Monitor;
use ebm_core::Beta;

/// Settings of [`inpaint`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inpainting {
    /// Gibbs steps, the known values put back at each.
    pub steps: u32,
    /// Of how many of the last steps the means are averaged; of one, they are the means of the last.
    pub averaged: u32,
    /// Seed of the draws.
    pub seed: u64,
    /// Tells apart samplings of one run.
    pub run: u16,
}

impl Inpainting {
    /// Multiply-adds of [`inpaint`] for so many samples.
    pub fn cost<B: Backend>(&self, stack: &Stack<B>, samples: usize) -> u64 {
        (samples as u64 * u64::from(self.steps)).saturating_mul(stack.step_cost(true))
    }
}

/// What unknown values are at the start.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// Drawn as if nothing were known.
    Noise,
    /// One value a visible unit, the same for every sample.
    Values(&'a [f32]),
}

/// `samples` with the values that `known` does not mark replaced by their means given the others: over the last steps of a chain that
/// samples `p(v, h | known)`, of a deep belief network approximately so ([`Chains`]). A softmax group is known whole where any of it is marked.
///
/// The result for a sample depends on its place among `samples` and on no other sample. `monitor` hears of every step, of [`Inpainting::cost`] in all.
/// Fails when the shapes do not fit the model.
pub fn inpaint<B: Backend>(
    backend: &B,
    stack: &Stack<B>,
    settings: Inpainting,
    start: Start<'_>,
    samples: &Batch,
    known: &[bool],
    monitor: &mut dyn Monitor,
) -> Result<Batch, Error> {
    let visible = samples.visible;
    let mut values = Vec::with_capacity(samples.values.len());
    for (piece, rows) in samples.values.chunks(PIECE_ROWS * visible.max(1)).enumerate() {
        let first = piece * PIECE_ROWS;
        let known = &known[first * visible..][..rows.len()];
        let piece = Batch { values: rows.to_vec(), visible };
        let rows = piece.rows();
        let mut chains = match start {
            Start::Noise => {
                Chains::from_noise_numbered(backend, stack, settings.seed, settings.run, first as u32, rows)?
            }
            Start::Values(fill) => {
                let fill = fill.iter().cycle();
                let start =
                    piece.values.iter().zip(known).zip(fill).map(|((&v, &known), &fill)| if known { v } else { fill });
                let start = Batch { values: start.collect(), visible };
                Chains::from_data(backend, stack, settings.seed, settings.run, &start)?.numbered(first as u32)
            }
        };
        chains.hold_inputs(&piece, known)?;
        let averaged = settings.averaged.clamp(1, settings.steps.max(1));
        let mut means = backend.zeros(rows, visible);
        for step in 1..=settings.steps {
            chains.step(Beta::ONE);
            monitor.advance(rows as u64 * stack.step_cost(true));
            if step + averaged > settings.steps {
                chains.add_means(1.0 / averaged as f32, &mut means);
            }
        }
        let means = if settings.steps == 0 { chains.states().values } else { backend.download(&means) };
        // Averages of a known value are it but for rounding: it is put back exactly.
        values
            .extend(piece.values.iter().zip(known).zip(means).map(|((&v, &known), mean)| if known { v } else { mean }));
    }
    Ok(Batch { values, visible })
}
