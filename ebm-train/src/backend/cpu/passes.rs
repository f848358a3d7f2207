//! Passes over elements, which cost as much as products where they are not vectorised.

use super::states::Block;
use super::sums::Sums;
use super::wide::wide;
use crate::backend::{ADAM, Adam, Link, Step};
use ebm_core::HiddenKind;
use ebm_core::kernel::{float, units as kernel};
use ebm_core::math::sigmoids;
use ebm_core::rng::{Stream, fill, unit_interval};

/// Partial sums of a long sum: as many as the widest vector has, so that every width adds in one order.
pub(super) const LANES: usize = 16;
/// Draws made together, and means.
pub(super) const DRAWS: usize = 64;

/// Every value by its draw, draw n of the stream for value n.
#[inline(always)]
fn by_draw(seed: u64, stream: Stream, row: &mut [f32], each: impl Fn(f32, u32) -> f32) {
    let mut draws = [0; DRAWS];
    for (block, row) in (0..).step_by(DRAWS / 4).zip(row.chunks_mut(DRAWS)) {
        fill(seed, stream, block, &mut draws);
        for (value, &draw) in row.iter_mut().zip(&draws) {
            *value = each(*value, draw);
        }
    }
}

/// Fields to probabilities.
#[inline(always)]
fn probabilities(fields: &mut [f32]) {
    let (blocks, rest) = fields.as_chunks_mut::<DRAWS>();
    blocks.iter_mut().for_each(sigmoids);
    float::probabilities(rest);
}

/// What the states of a block are drawn by.
pub(super) struct Drawing<'a> {
    /// Inverse temperature.
    pub beta: f32,
    /// What a sum of 1 stands for.
    pub quantum: f32,
    /// Biases of the units that there are.
    pub bias: &'a [f32],
    /// Seed of the run.
    pub seed: u64,
    /// The stream, but for its sample.
    pub stream: Stream,
    /// Samples of the rows that there are.
    pub samples: &'a [u32],
    /// A quarter of the number of the first unit's draw.
    pub first_block: u32,
}

wide! {
    /// `row ← link(row + bias)`.
    pub(super) fn add_and_link(bias: Option<&[f32]>, link: Link, row: &mut [f32]) {
        if let Some(bias) = bias {
            for (value, bias) in row.iter_mut().zip(bias) {
                *value += bias;
            }
        }
        match link {
            Link::Identity => {}
            Link::Sigmoid => probabilities(row),
            Link::Rectifier => kernel::rectify(row),
        }
    }

    /// Draws of a stream from a block on.
    pub(super) fn draw(seed: u64, stream: Stream, first_block: u32, draws: &mut [u32]) {
        fill(seed, stream, first_block, draws);
    }

    /// Probabilities to states, with draw n of the stream for unit n.
    pub(super) fn bernoulli(seed: u64, stream: Stream, row: &mut [f32]) {
        by_draw(seed, stream, row, float::state);
    }

    /// Fields to states drawn at inverse temperature `beta`.
    pub(super) fn sample(beta: f32, seed: u64, stream: Stream, row: &mut [f32]) {
        for field in &mut *row {
            *field *= beta;
        }
        probabilities(row);
        by_draw(seed, stream, row, float::state);
    }

    /// Sums in quanta to states of a block, drawn.
    pub(super) fn draw_states(sums: &Sums, by: &Drawing<'_>, block: &mut Block) {
        *block = Block::default();
        for (row, (sums, &sample)) in sums.iter().zip(by.samples).enumerate() {
            let mut means = [0.0; DRAWS];
            for ((mean, sum), bias) in means.iter_mut().zip(sums).zip(by.bias) {
                *mean = (*sum as f32 * by.quantum + bias) * by.beta;
            }
            sigmoids(&mut means);
            let mut draws = [0; DRAWS];
            fill(by.seed, Stream { sample, ..by.stream }, by.first_block, &mut draws);
            let mut states = [0; DRAWS];
            for (((state, mean), draw), _) in states.iter_mut().zip(&means).zip(&draws).zip(by.bias) {
                *state = u32::from(float::state(*mean, *draw) > 0.0);
            }
            block.set(row, &states);
        }
        block.mark();
    }

    /// What is kept of a row by dropout, scaled up by `kept`.
    pub(super) fn dropout(rate: f32, kept: f32, seed: u64, stream: Stream, row: &mut [f32]) {
        by_draw(seed, stream, row, |value, draw| if unit_interval(draw) < rate { 0.0 } else { value * kept });
    }

    /// Fields to means.
    pub(super) fn hidden_means(kind: HiddenKind, fields: &mut [f32]) {
        kernel::hidden_means(kind, fields);
    }

    /// `out ← out − Σ_j T(scale·z_j)`.
    pub(super) fn subtract_terms(kind: HiddenKind, scale: f32, fields: &[f32], out: &mut f32) {
        let mut sums = [0.0; LANES];
        for fields in fields.chunks(LANES) {
            for (sum, field) in sums.iter_mut().zip(fields) {
                *sum += kernel::free_energy_term(kind, scale * field);
            }
        }
        *out -= sums.iter().sum::<f32>();
    }

    /// `score ← score + Σ_j T(z_j + w_j)`: what a class of weights `w` adds by hidden units of fields `z`.
    pub(super) fn add_class_terms(kind: HiddenKind, fields: &[f32], weights: &[f32], score: &mut f32) {
        let mut sums = [0.0; LANES];
        for (fields, weights) in fields.chunks(LANES).zip(weights.chunks(LANES)) {
            for ((sum, field), weight) in sums.iter_mut().zip(fields).zip(weights) {
                *sum += kernel::free_energy_term(kind, field + weight);
            }
        }
        *score += sums.iter().sum::<f32>();
    }

    /// `out_j ← out_j + scale·T′(z_j + w_j)`.
    pub(super) fn add_class_means(kind: HiddenKind, scale: f32, fields: &[f32], weights: &[f32], out: &mut [f32]) {
        let mut means = [0.0; DRAWS];
        for ((out, fields), weights) in out.chunks_mut(DRAWS).zip(fields.chunks(DRAWS)).zip(weights.chunks(DRAWS)) {
            let means = &mut means[..out.len()];
            for ((mean, field), weight) in means.iter_mut().zip(fields).zip(weights) {
                *mean = field + weight;
            }
            kernel::hidden_means(kind, means);
            for (out, mean) in out.iter_mut().zip(means) {
                *out += scale * *mean;
            }
        }
    }

    /// [`kernel::free_energy_term_changes`] of a row.
    pub(super) fn term_changes(kind: HiddenKind, fields: &[f32], from: f32, to: f32, out: &mut f64) {
        *out = kernel::free_energy_term_changes(kind, fields, from, to);
    }

    /// [`kernel::add_term_changes`] of a hidden unit.
    pub(super) fn add_term_changes(kind: HiddenKind, field: f32, weights: &[f32], changes: &[f32], out: &mut [f32]) {
        kernel::add_term_changes(kind, field, weights, changes, out);
    }

    /// `out ← out + scale·values`.
    pub(super) fn add_scaled(scale: f32, values: &[f32], out: &mut [f32]) {
        for (out, value) in out.iter_mut().zip(values) {
            *out += scale * value;
        }
    }

    /// `values ← scale·values`, and `share·shift` where one is given.
    pub(super) fn rescale(scale: f32, shift: Option<(f32, &[f32])>, values: &mut [f32]) {
        match shift {
            None => values.iter_mut().for_each(|value| *value *= scale),
            Some((share, shift)) => {
                for (value, shift) in values.iter_mut().zip(shift) {
                    *value = scale * *value + share * shift;
                }
            }
        }
    }

    /// Derivatives back through units of a link.
    pub(super) fn backward(link: Link, kept: f32, outputs: &[f32], delta: &mut [f32]) {
        let units = delta.iter_mut().zip(outputs);
        match link {
            Link::Identity => {}
            Link::Sigmoid => units.for_each(|(delta, y)| *delta *= y * (1.0 - kept * y)),
            Link::Rectifier => units.for_each(|(delta, y)| *delta = if *y > 0.0 { *delta / kept } else { 0.0 }),
        }
    }

    /// Sums of `(x − y)²` and of `|x − y|` where `x` is not missing.
    pub(super) fn differences(x: &[f32], y: &[f32], sums: &mut [f32; 2]) {
        let (mut squares, mut sizes) = ([0.0; LANES], [0.0; LANES]);
        for (x, y) in x.chunks(LANES).zip(y.chunks(LANES)) {
            for (((square, size), x), y) in squares.iter_mut().zip(&mut sizes).zip(x).zip(y) {
                let difference = if x.is_nan() { 0.0 } else { (x - y).abs() };
                *square += difference * difference;
                *size += difference;
            }
        }
        *sums = [squares.iter().sum(), sizes.iter().sum()];
    }

    /// One step of an optimiser down a gradient.
    pub(super) fn step(step: Step, gradient: &[f32], first: &mut [f32], second: &mut [f32], parameter: &mut [f32]) {
        match step {
            Step::Momentum { learning_rate, momentum } => {
                for ((theta, m), g) in parameter.iter_mut().zip(first).zip(gradient) {
                    *m = momentum * *m + g;
                    *theta -= learning_rate * *m;
                }
            }
            Step::Adam { learning_rate, taken } => {
                let Adam { beta_1, beta_2, epsilon } = ADAM;
                let [correction_1, correction_2] = ADAM.corrections(taken);
                for (((theta, m), v), g) in parameter.iter_mut().zip(first).zip(second).zip(gradient) {
                    *m = beta_1 * *m + (1.0 - beta_1) * g;
                    *v = beta_2 * *v + (1.0 - beta_2) * g * g;
                    *theta -= learning_rate * (*m * correction_1) / ((*v * correction_2).sqrt() + epsilon);
                }
            }
        }
    }
}
