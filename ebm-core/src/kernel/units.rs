//! What differs between kinds of units, in f32: the conditionals' means, draws and energies. [`crate::VisibleKind`] and
//! [`crate::HiddenKind`] give the equations.
//!
//! Every unit takes one 32-bit draw, in order, whatever its kind, so that the draw of unit `n` is the `n`-th; a softmax group is decided by
//! the draw of its first unit.

use super::float::{self, sampled};
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
#[inline(always)]
pub fn free_energy_term(kind: HiddenKind, field: f32) -> f32 {
    match kind {
        HiddenKind::Bernoulli => softplus(field),
        HiddenKind::Relu => rectified_softplus(field),
    }
}

/// `Σ_j T(to·z_j) − T(from·z_j)`, `T` being [`free_energy_term`], of which a hidden layer's share in `ln p*_to(v) − ln p*_from(v)` between two
/// temperatures of one path is made.
///
/// Where the two are near, it is `T′` integrated by Gauss's rule of three points, relative error at most [`TERM_CHANGE_MAX_RELATIVE_ERROR`] a
/// unit: ten thousand small steps add up to the sum of their own roundings, not to those of the terms.
#[inline(always)]
pub fn free_energy_term_changes(kind: HiddenKind, fields: &[f32], from: f32, to: f32) -> f64 {
    // A loop for each kind, so that it vectorises.
    match kind {
        HiddenKind::Bernoulli => term_changes(fields, from, to, softplus, sigmoid),
        HiddenKind::Relu => term_changes(fields, from, to, rectified_softplus, rectified_mean),
    }
}

/// The three points of Gauss's rule between two numbers.
#[inline(always)]
pub fn gauss_points(from: f32, to: f32) -> [f32; 3] {
    /// `√(3/5)/2`, the outer points' distance from the middle.
    const OUTER: f32 = 0.387_298_33;
    let (step, middle) = (to - from, 0.5 * (from + to));
    [middle - OUTER * step, middle, middle + OUTER * step]
}

/// `|to·z − from·z|` up to which [`free_energy_term_changes`] integrates the derivative.
pub const NEAR: f32 = 0.5;

/// [`free_energy_term_changes`] of the term `T` and its derivative, the mean.
#[inline(always)]
fn term_changes(fields: &[f32], from: f32, to: f32, term: impl Fn(f32) -> f32, mean: impl Fn(f32) -> f32) -> f64 {
    /// Fields whose changes are held in f32 before they are summed.
    const PIECE: usize = 64;
    /// Sums that are formed side by side.
    const LANES: usize = 8;
    let step = to - from;
    let [low, middle, high] = gauss_points(from, to);
    let mut sums = [0.0; LANES];
    for fields in fields.chunks(PIECE) {
        let mut changes = [0.0f32; PIECE];
        // Not `all`, which would stop at the first and so not vectorise.
        let near = fields.iter().map(|z| u32::from((step * z).abs() <= NEAR)).sum::<u32>();
        if near as usize == fields.len() {
            for (change, &z) in changes.iter_mut().zip(fields) {
                let outer = mean(low * z) + mean(high * z);
                *change = step * z * (1.0 / 18.0) * (5.0 * outer + 8.0 * mean(middle * z));
            }
        } else {
            for (change, &z) in changes.iter_mut().zip(fields) {
                *change = term(to * z) - term(from * z);
            }
        }
        for changes in changes.as_chunks::<LANES>().0 {
            for (sum, &change) in sums.iter_mut().zip(changes) {
                *sum += f64::from(change);
            }
        }
    }
    sums.iter().sum()
}

/// Largest relative error of [`free_energy_term_changes`] for one unit and `|to·z − from·z| ≤ ½`.
/// Over steps of a thousandth to a hundredth of fields up to 30 the largest found is 2.04e-6, of a rectified unit 2.81e-6, at the largest fields:
/// the rounding of `to·z`.
pub const TERM_CHANGE_MAX_RELATIVE_ERROR: f64 = 4e-6;

/// `out_i ← out_i + T(z + s_i·w_i) − T(z)`: what one hidden unit of field `z` and weights `w` adds to `−F` when visible unit i changes by
/// `s_i` and no other does.
#[inline(always)]
pub fn add_term_changes(kind: HiddenKind, field: f32, weights: &[f32], changes: &[f32], out: &mut [f32]) {
    match kind {
        HiddenKind::Bernoulli => add_changes(field, weights, changes, out, softplus),
        HiddenKind::Relu => add_changes(field, weights, changes, out, rectified_softplus),
    }
}

/// [`add_term_changes`] of the term `T`.
#[inline(always)]
fn add_changes(field: f32, weights: &[f32], changes: &[f32], out: &mut [f32], term: impl Fn(f32) -> f32) {
    let before = term(field);
    for ((out, weight), change) in out.iter_mut().zip(weights).zip(changes) {
        *out += term(field + change * weight) - before;
    }
}

/// Fields of hidden units to their means in place: `σ(z)`, or `S′(z)` of a rectified one.
#[inline(always)]
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
            HiddenKind::Bernoulli => sampled(beta, *field, draw),
            HiddenKind::Relu => {
                let deviation = sqrtf(sigmoid(beta * *field) / beta.max(HOTTEST)) * normal_quantile(draw);
                let state = *field + deviation;
                // `f32::max` would swallow NaN.
                if state < 0.0 { 0.0 } else { state }
            }
        };
    }
}

/// Fields of hidden units to states in place, drawn from the very `p(h | z)`: on with probability `σ(z)`, or the number of a rectified unit's
/// copies that are on, `p(h) ∝ e^(z·h − h²/2) / Π_{i ≤ h} (1 − e^(−i))`.
///
/// [`sample_hidden`] approximates the latter as its paper does; where a likelihood is estimated, chains must have exactly `p(v, h)`.
pub fn sample_hidden_exactly<R: Rng + ?Sized>(kind: HiddenKind, fields: &mut [f32], rng: &mut R) {
    match kind {
        HiddenKind::Bernoulli => sample_hidden(kind, Beta::ONE, fields, rng),
        HiddenKind::Relu => fields.iter_mut().for_each(|field| *field = copies_on(*field, rng.next_u32())),
    }
}

/// How far under its field the first state of a rectified unit lies that is drawn exactly: the states' deviation is 1.
pub const COPY_REACH: f32 = 8.0;
/// How many states from that on are.
pub const COPY_STATES: u16 = 18;

/// The number of copies on, by inversion over the states within eight deviations of the field.
fn copies_on(field: f32, draw: u32) -> f32 {
    let first = if field > COPY_REACH { libm::floorf(field - COPY_REACH) } else { 0.0 };
    // p(h + 1)/p(h) = e^(z − h − ½) / (1 − e^(−(h + 1))).
    let weights = || {
        let (mut weight, mut rise) = (1.0, libm::expf(field - first - 0.5));
        let mut copy = libm::expf(-first);
        (0..COPY_STATES).map(move |_| {
            let this = weight;
            copy *= 1.0 / core::f32::consts::E;
            weight *= rise / (1.0 - copy);
            rise *= 1.0 / core::f32::consts::E;
            this
        })
    };
    let aim = unit_interval(draw) * weights().sum::<f32>();
    let mut below = 0.0;
    let mut state = first;
    for weight in weights() {
        below += weight;
        if aim < below {
            return state;
        }
        state += 1.0;
    }
    // Rounding leaves the last state; a field that is NaN stays visible.
    if field.is_nan() { field } else { state - 1.0 }
}

/// Kinds whose variance grows without bound as `β` falls are drawn at this `β` below it.
pub const HOTTEST: f32 = 1.0 / 256.0;

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

/// `Σ_i ln Z_i`, `Z_i = Σ_v e^(−U_i(v) + x_i·v)` or the integral, of [`super::float::visible_input`]: `softplus`, `a·x + σ²x²/2 + ln(σ√2π)`, or
/// the group's log-sum-exp. `ln Σ_v e^(−E(v, h))` is this and `−Σ_j U_j(h_j)`.
pub fn visible_log_partition(units: Units<'_>, visible_bias: &[f32], inputs: &[f32]) -> f64 {
    let mut sum = 0.0;
    for run in units.runs(inputs.len()) {
        let range = run.start..run.start + run.units;
        let (Some(inputs), Some(bias)) = (inputs.get(range.clone()), visible_bias.get(range)) else { continue };
        match run.kind {
            VisibleKind::Bernoulli => sum += sum_of(inputs, softplus),
            VisibleKind::Gaussian => {
                for ((x, bias), sigma) in inputs.iter().zip(bias).zip(run.sigma) {
                    let (x, bias, sigma) = (f64::from(*x), f64::from(*bias), f64::from(*sigma));
                    sum += bias * x + 0.5 * (sigma * x) * (sigma * x) + libm::log(sigma) + LN_SQRT_TAU;
                }
            }
            VisibleKind::Softmax | VisibleKind::Label => sum += f64::from(math::log_sum_exp(inputs)),
        }
    }
    sum
}

/// `ln p(v | h)` of [`super::float::visible_input`]; of Gaussian units the density.
pub fn visible_log_density(units: Units<'_>, visible_bias: &[f32], inputs: &[f32], visible: &[f32]) -> f64 {
    let mut sum = 0.0;
    for run in units.runs(inputs.len()) {
        let range = run.start..run.start + run.units;
        let (Some(inputs), Some(bias)) = (inputs.get(range.clone()), visible_bias.get(range.clone())) else { continue };
        let Some(values) = visible.get(range) else { continue };
        match run.kind {
            VisibleKind::Bernoulli => sum += f64::from(float::dot(inputs, values)) - sum_of(inputs, softplus),
            VisibleKind::Gaussian => {
                for (((x, v), bias), sigma) in inputs.iter().zip(values).zip(bias).zip(run.sigma) {
                    let sigma = f64::from(*sigma);
                    let deviation = (f64::from(*v) - f64::from(*bias)) / sigma - sigma * f64::from(*x);
                    sum -= 0.5 * deviation * deviation + libm::log(sigma) + LN_SQRT_TAU;
                }
            }
            VisibleKind::Softmax | VisibleKind::Label => {
                sum += f64::from(float::dot(inputs, values) - math::log_sum_exp(inputs));
            }
        }
    }
    sum
}

/// `ln √(2π)`.
pub const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_8;

/// Sum of a function's values, held in f32 by the piece and summed in f64.
fn sum_of(values: &[f32], function: impl Fn(f32) -> f32) -> f64 {
    const PIECE: usize = 64;
    let mut sum = 0.0;
    for values in values.chunks(PIECE) {
        let mut results = [0.0f32; PIECE];
        for (result, value) in results.iter_mut().zip(values) {
            *result = function(*value);
        }
        sum += results.iter().map(|&result| f64::from(result)).sum::<f64>();
    }
    sum
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
            VisibleKind::Bernoulli => inputs.iter_mut().for_each(|x| *x = sampled(beta, *x, rng.next_u32())),
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
