//! What differs between kinds of units, in f32: the conditionals' means, draws and energies. [`crate::VisibleKind`] and
//! [`crate::HiddenKind`] give the equations.
//!
//! Every unit takes one 32-bit draw, in order, whatever its kind, so that the draw of unit `n` is the `n`-th; a softmax group is decided by
//! the draw of its first unit.

use super::float::{self, state};
use crate::beta::Beta;
use crate::math::{self, normal_quantile, rectified_mean, rectified_softplus, sigmoid, softplus};
use crate::rng::unit_interval;
use crate::units::{HiddenKind, Units, VisibleKind};
use libm::sqrtf;
use rand_core::Rng;

/// `Σ_i U_i(v_i)`, in nats.
pub fn visible_energy(units: Units<'_>, visible_bias: &[f32], visible: &[f32]) -> f32 {
    let mut energy = 0.0;
    for run in units.runs(visible.len()) {
        let range = run.start..run.start + run.units;
        let (Some(values), Some(bias)) = (visible.get(range.clone()), visible_bias.get(range)) else { continue };
        if run.kind == VisibleKind::Gaussian {
            for ((value, bias), sigma) in values.iter().zip(bias).zip(run.sigma) {
                let deviation = (value - bias) / sigma;
                energy += 0.5 * deviation * deviation;
            }
        } else {
            energy -= float::dot(bias, values);
        }
    }
    energy
}

/// `U_j(h) + b_j·h`: what a hidden unit's energy has beside its bias and weights. Between two whole numbers a rectified unit's is that of
/// the copies that are wholly on.
pub fn hidden_potential(kind: HiddenKind, state: f32) -> f32 {
    /// `e^(−i)` from here on is lost beside 1.
    const COPIES: u32 = 18;
    match kind {
        HiddenKind::Bernoulli => 0.0,
        HiddenKind::Relu => {
            let mut copy = 1.0;
            let mut product = 1.0;
            for i in 1..=COPIES {
                copy *= 1.0 / core::f32::consts::E;
                if i as f32 <= state {
                    product *= 1.0 - copy;
                }
            }
            0.5 * state * state + math::ln(product)
        }
    }
}

/// What a hidden unit with field `z` takes from the free energy: `softplus(z)`, or `S(z)` of a rectified one.
#[inline]
pub fn free_energy_term(kind: HiddenKind, field: f32) -> f32 {
    match kind {
        HiddenKind::Bernoulli => softplus(field),
        HiddenKind::Relu => rectified_softplus(field),
    }
}

/// Fields of hidden units to their means in place: `σ(z)`, or `S′(z)` of a rectified one.
pub fn hidden_means(kind: HiddenKind, fields: &mut [f32]) {
    match kind {
        HiddenKind::Bernoulli => float::probabilities(fields),
        HiddenKind::Relu => fields.iter_mut().for_each(|field| *field = rectified_mean(*field)),
    }
}

/// Fields to `max(0, z)` in place.
pub fn rectify(fields: &mut [f32]) {
    // A comparison with NaN is false: it passes through.
    fields.iter_mut().filter(|field| **field < 0.0).for_each(|field| *field = 0.0);
}

/// Fields of hidden units to states in place, drawn at inverse temperature `β`: on with probability `σ(βz)`, or the noisy rectified linear
/// unit `max(0, z + √(σ(βz)/β)·N(0, 1))`.
pub fn sample_hidden<R: Rng + ?Sized>(kind: HiddenKind, beta: Beta, fields: &mut [f32], rng: &mut R) {
    let beta = beta.value();
    for field in fields {
        let draw = rng.next_u32();
        *field = match kind {
            HiddenKind::Bernoulli => state(sigmoid(beta * *field), draw),
            HiddenKind::Relu => {
                let deviation = sqrtf(sigmoid(beta * *field) / beta.max(HOTTEST)) * normal_quantile(draw);
                let state = *field + deviation;
                // `f32::max` would swallow NaN.
                if state < 0.0 { 0.0 } else { state }
            }
        };
    }
}

/// Kinds whose variance grows without bound as `β` falls are drawn at this `β` below it.
const HOTTEST: f32 = 1.0 / 256.0;

/// What sums over hidden units are added to: the bias, or 0 for Gaussian units, whose bias is not in nats.
pub fn start_visible(units: Units<'_>, visible_bias: &[f32], out: &mut [f32]) {
    for (out, bias) in out.iter_mut().zip(visible_bias) {
        *out = *bias;
    }
    for run in units.runs(visible_bias.len()).filter(|run| run.kind == VisibleKind::Gaussian) {
        if let Some(out) = out.get_mut(run.start..run.start + run.units) {
            out.fill(0.0);
        }
    }
}

/// From [`super::float::visible_input`] to means in place: `σ`, `a + σ²·x`, or the group's softmax.
pub fn visible_means(units: Units<'_>, visible_bias: &[f32], inputs: &mut [f32]) {
    for run in units.runs(inputs.len()) {
        let range = run.start..run.start + run.units;
        let (Some(inputs), Some(bias)) = (inputs.get_mut(range.clone()), visible_bias.get(range)) else { continue };
        match run.kind {
            VisibleKind::Bernoulli => float::probabilities(inputs),
            VisibleKind::Gaussian => {
                for ((x, bias), sigma) in inputs.iter_mut().zip(bias).zip(run.sigma) {
                    *x = bias + sigma * sigma * *x;
                }
            }
            VisibleKind::Softmax | VisibleKind::Label => math::softmax(inputs),
        }
    }
}

/// From [`super::float::visible_input`] to states in place, drawn at inverse temperature `β`: `σ(βz)`, `N(a + σ²·x, σ²/β)`, or one unit of
/// the group by `softmax(βz)`.
pub fn sample_visible<R: Rng + ?Sized>(
    units: Units<'_>,
    beta: Beta,
    visible_bias: &[f32],
    inputs: &mut [f32],
    rng: &mut R,
) {
    let beta = beta.value();
    for run in units.runs(inputs.len()) {
        let range = run.start..run.start + run.units;
        let (Some(inputs), Some(bias)) = (inputs.get_mut(range.clone()), visible_bias.get(range)) else { continue };
        match run.kind {
            VisibleKind::Bernoulli => inputs.iter_mut().for_each(|x| *x = state(sigmoid(beta * *x), rng.next_u32())),
            VisibleKind::Gaussian => {
                let spread = 1.0 / sqrtf(beta.max(HOTTEST));
                for ((x, bias), sigma) in inputs.iter_mut().zip(bias).zip(run.sigma) {
                    *x = bias + sigma * (sigma * *x + spread * normal_quantile(rng.next_u32()));
                }
            }
            VisibleKind::Softmax | VisibleKind::Label => {
                inputs.iter_mut().for_each(|x| *x *= beta);
                math::softmax(inputs);
                one_of(inputs, rng);
            }
        }
    }
}

/// Probabilities to one state that is on, in place: the first whose cumulated probability exceeds the draw.
fn one_of<R: Rng + ?Sized>(probabilities: &mut [f32], rng: &mut R) {
    let draw = unit_interval(rng.next_u32());
    let last = probabilities.len().saturating_sub(1);
    let mut below = 0.0;
    let mut chosen = false;
    for (unit, p) in probabilities.iter_mut().enumerate() {
        if unit > 0 {
            rng.next_u32();
        }
        below += *p;
        // Rounding may leave the sum under 1: the last unit takes what is left.
        let on = !chosen && (draw < below || unit == last);
        chosen |= on;
        *p = if on { 1.0 } else { 0.0 };
    }
}

/// A visible state from nothing: each Bernoulli unit on with probability ½, `N(a, σ²)`, a unit of a group at random.
pub fn noise<R: Rng + ?Sized>(units: Units<'_>, visible_bias: &[f32], rng: &mut R, out: &mut [f32]) {
    // Without a field every kind is at its most undecided.
    out.fill(0.0);
    sample_visible(units, Beta::ONE, visible_bias, out, rng);
}
