//! f32 kernels of the Bernoulli–Bernoulli machine (Hinton 2010).
//!
//! Weights are `V × H`, column-major: hidden unit j's weights `W_·j` are contiguous over the visible units i.
//! Sums run in one fixed order, so that the host and every device with IEEE arithmetic give the same bits.

use crate::math::{sigmoid, softplus};
use crate::rng::unit_interval;
use rand_core::Rng;

/// Partial sums that a dot product keeps: eight fill a 256-bit register and fit a Cortex-M4F's.
const LANES: usize = 8;

/// `Σ_i x_i·y_i`, summed in eight interleaved lanes that are then added pairwise.
///
/// Relative to `Σ |x_i·y_i|` the error is at most `(n/8 + 4)·2⁻²⁴` to first order.
#[inline]
pub fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (x_chunks, x_rest) = x.as_chunks::<LANES>();
    let (y_chunks, y_rest) = y.as_chunks::<LANES>();
    for (a, b) in x_chunks.iter().zip(y_chunks) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    for ((lane, a), b) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
        *lane += a * b;
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (b + f)) + ((c + g) + (d + h))
}

/// `y_i ← y_i + scale·x_i`.
#[inline]
fn add_scaled(scale: f32, x: &[f32], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += scale * x;
    }
}

/// The columns `W_·j` of column-major weights over `rows` rows; without rows, empty ones for ever.
fn columns(weights: &[f32], rows: usize) -> impl Iterator<Item = &[f32]> {
    weights.chunks_exact(rows.max(1)).chain(core::iter::repeat_n(&[][..], if rows == 0 { usize::MAX } else { 0 }))
}

/// Field of the hidden units, `out_j = b_j + Σ_i v_i·W_ij` (in nats: the log-odds that `h_j = 1`).
pub fn hidden_field(weights: &[f32], hidden_bias: &[f32], visible: &[f32], out: &mut [f32]) {
    for ((out, bias), column) in out.iter_mut().zip(hidden_bias).zip(columns(weights, visible.len())) {
        *out = bias + dot(column, visible);
    }
}

/// Field of the visible units, `out_i = a_i + Σ_j W_ij·h_j` (in nats: the log-odds that `v_i = 1`).
pub fn visible_field(weights: &[f32], visible_bias: &[f32], hidden: &[f32], out: &mut [f32]) {
    let rows = out.len();
    for (out, bias) in out.iter_mut().zip(visible_bias) {
        *out = *bias;
    }
    for (&state, column) in hidden.iter().zip(columns(weights, rows)) {
        // Half of the units of a sampled layer are off: their columns need not be read.
        if state != 0.0 {
            add_scaled(state, column, out);
        }
    }
}

/// Fields to probabilities in place, `p = σ(z)`.
pub fn probabilities(fields: &mut [f32]) {
    for field in fields {
        *field = sigmoid(*field);
    }
}

/// Probabilities to states in place: `1` with probability `p`, else `0`. One draw a unit, in order.
pub fn bernoulli<R: Rng + ?Sized>(probabilities: &mut [f32], rng: &mut R) {
    for p in probabilities {
        *p = if unit_interval(rng.next_u32()) < *p { 1.0 } else { 0.0 };
    }
}

/// Energy of a joint state, `E(v, h) = −a·v − b·h − vᵀWh`, in nats.
pub fn energy(weights: &[f32], visible_bias: &[f32], hidden_bias: &[f32], visible: &[f32], hidden: &[f32]) -> f32 {
    let mut energy = -dot(visible_bias, visible);
    for ((state, bias), column) in hidden.iter().zip(hidden_bias).zip(columns(weights, visible.len())) {
        energy -= state * (bias + dot(column, visible));
    }
    energy
}

/// Free energy of a visible state, `F(v) = −a·v − Σ_j softplus(b_j + Σ_i v_i·W_ij)`, in nats.
pub fn free_energy(weights: &[f32], visible_bias: &[f32], hidden_bias: &[f32], visible: &[f32]) -> f32 {
    let mut hidden_terms = 0.0;
    for (bias, column) in hidden_bias.iter().zip(columns(weights, visible.len())) {
        hidden_terms += softplus(bias + dot(column, visible));
    }
    -dot(visible_bias, visible) - hidden_terms
}
