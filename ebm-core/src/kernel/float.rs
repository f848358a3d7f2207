//! f32 kernels: fields, energies, free energies, and the conditionals of every kind of unit.
//!
//! What differs between kinds is in [`super::units`]; here are the sums that they share.
//! Weights are `V × H`, column-major: hidden unit j's weights `W_·j` are contiguous over the visible units i.
//! Sums run in one fixed order, so that the host and every device with IEEE arithmetic give the same bits.

use super::units;
use crate::math::sigmoid;
use crate::rng::unit_interval;
use crate::units::Units;
use rand_core::Rng;

/// Partial sums that a dot product keeps: eight fill a 256-bit register and fit a Cortex-M4F's.
const LANES: usize = 8;

/// The value of a raw number of a scaled channel, `(raw − offset)·scale`; NaN stays NaN.
#[inline]
pub fn scaled(raw: f32, offset: f32, scale: f32) -> f32 {
    (raw - offset) * scale
}

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

/// `out_i ← out_i + Σ_j W_ij·h_j`.
fn add_columns(weights: &[f32], hidden: &[f32], out: &mut [f32]) {
    for (&state, column) in hidden.iter().zip(columns(weights, out.len())) {
        // Half of the units of a sampled layer are off: their columns need not be read.
        if state != 0.0 {
            add_scaled(state, column, out);
        }
    }
}

/// Field of visible units that are Bernoulli or softmax, `out_i = a_i + Σ_j W_ij·h_j` (in nats: log-odds).
pub fn visible_field(weights: &[f32], visible_bias: &[f32], hidden: &[f32], out: &mut [f32]) {
    for (out, bias) in out.iter_mut().zip(visible_bias) {
        *out = *bias;
    }
    add_columns(weights, hidden, out);
}

/// What [`units::visible_means`] and [`units::sample_visible`] start from: the field, or for Gaussian units `Σ_j W_ij·h_j` alone.
pub fn visible_input(units: Units<'_>, weights: &[f32], visible_bias: &[f32], hidden: &[f32], out: &mut [f32]) {
    units::start_visible(units, visible_bias, out);
    add_columns(weights, hidden, out);
}

/// Fields to probabilities in place, `p = σ(z)`.
#[inline(always)]
pub fn probabilities(fields: &mut [f32]) {
    for field in fields {
        *field = sigmoid(*field);
    }
}

/// Probabilities to states in place: `1` with probability `p`, else `0`. One draw a unit, in order.
pub fn bernoulli<R: Rng + ?Sized>(probabilities: &mut [f32], rng: &mut R) {
    for p in probabilities {
        *p = state(*p, rng.next_u32());
    }
}

/// A state that is on with probability `p`.
#[inline(always)]
pub fn state(p: f32, draw: u32) -> f32 {
    if unit_interval(draw) < p { 1.0 } else { 0.0 }
}

/// The state of a unit of this field drawn at inverse temperature `beta`: on with probability `σ(βz)`.
#[inline(always)]
pub fn sampled(beta: f32, field: f32, draw: u32) -> f32 {
    state(sigmoid(beta * field), draw)
}

/// Energy of a joint state, `E(v, h) = Σ_i U_i(v_i) + Σ_j U_j(h_j) − vᵀWh`, in nats; for Bernoulli units `−a·v − b·h − vᵀWh`.
pub fn energy(
    units: Units<'_>,
    weights: &[f32],
    visible_bias: &[f32],
    hidden_bias: &[f32],
    visible: &[f32],
    hidden: &[f32],
) -> f32 {
    let mut energy = units::visible_energy(units, visible_bias, visible);
    for ((&state, bias), column) in hidden.iter().zip(hidden_bias).zip(columns(weights, visible.len())) {
        energy -= state * (bias + dot(column, visible)) - units::hidden_potential(units.hidden(), state);
    }
    energy
}

/// Free energy of a visible state, `F(v) = Σ_i U_i(v_i) − Σ_j T(b_j + Σ_i v_i·W_ij)`, in nats. `T` is softplus for Bernoulli hidden units,
/// and with Bernoulli visible units `Σ_i U_i(v_i) = −a·v`.
pub fn free_energy(
    units: Units<'_>,
    weights: &[f32],
    visible_bias: &[f32],
    hidden_bias: &[f32],
    visible: &[f32],
) -> f32 {
    let mut hidden_terms = 0.0;
    for (bias, column) in hidden_bias.iter().zip(columns(weights, visible.len())) {
        hidden_terms += units::free_energy_term(units.hidden(), bias + dot(column, visible));
    }
    units::visible_energy(units, visible_bias, visible) - hidden_terms
}

/// `out_y = −F(x, y)` for every class `y` of a ClassRBM whose last `out.len()` visible units are the classes and whose others are
/// `inputs`, in nats (Larochelle & Bengio 2008): `p(y | x) = softmax(out)_y`, and `F(x) = −ln Σ_y e^(out_y)`.
///
/// `Wᵀx` is summed once a hidden unit for all classes: `O(V·H + C·H)`.
pub fn class_scores(
    units: Units<'_>,
    weights: &[f32],
    visible_bias: &[f32],
    hidden_bias: &[f32],
    inputs: &[f32],
    first_class: usize,
    out: &mut [f32],
) {
    let (input_bias, class_bias) = visible_bias.split_at_checked(inputs.len()).unwrap_or((visible_bias, &[]));
    let of_inputs = -units::visible_energy(units.without_labels(), input_bias, inputs);
    for (out, bias) in out.iter_mut().zip(class_bias.iter().skip(first_class)) {
        *out = of_inputs + bias;
    }
    for (bias, column) in hidden_bias.iter().zip(columns(weights, visible_bias.len())) {
        let (column, of_classes) = column.split_at_checked(inputs.len()).unwrap_or((column, &[]));
        let field = bias + dot(column, inputs);
        for (out, weight) in out.iter_mut().zip(of_classes.iter().skip(first_class)) {
            *out += units::free_energy_term(units.hidden(), field + weight);
        }
    }
}
