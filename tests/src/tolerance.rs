//! Every bound that a test uses, with its reason. A test holds no number of its own.
//!
//! Rounding bounds follow Higham, "Accuracy and Stability of Numerical Algorithms", chapter 3: a sum or product that
//! went through `n` roundings is wrong by at most `γ_n = n·u / (1 − n·u)` of the sum of the absolute values of its
//! terms. Parameters and inputs are f32 and so exact in f64; the reference's own error, `2^-53` a step, is lost in the
//! slack between `n·u` and `γ_n`.

use ebm_core::kernel::integer::{self, Rescale};
use ebm_core::math;

/// Unit roundoff of f32.
const U: f64 = 1.0 / 16_777_216.0;

/// Additional absolute allowance for the reference's own rounding in f64: sums of up to `2^20` terms, each wrong by
/// `2^-52` relative to energies of at most 1,000 nats.
pub const REFERENCE: f64 = 1e-10;

/// Higham's `γ_n` for f32.
pub fn gamma(roundings: usize) -> f64 {
    let nu = roundings as f64 * U;
    nu / (1.0 - nu)
}

/// Roundings that a term of `kernel::float::dot` over `length` terms goes through: its product, the additions to its
/// lane (the first, to zero, is exact), three pairwise additions of the lanes.
const fn dot_roundings(length: usize) -> usize {
    1 + length.div_ceil(8).saturating_sub(1) + 3
}

/// Error of a hidden field `b + Σ_i v_i·W_i` over `length` inputs, `magnitude = |b| + Σ |v_i·W_i|`: the dot product,
/// then the addition of the bias.
pub fn hidden_field(length: usize, magnitude: f64) -> f64 {
    gamma(dot_roundings(length) + 1) * magnitude
}

/// Error of a visible field `a + Σ_j W_j·h_j` over `length` hidden units, `magnitude = |a| + Σ |W_j·h_j|`: terms are
/// added one after another, each a product and at most `length` additions.
pub fn visible_field(length: usize, magnitude: f64) -> f64 {
    gamma(length + 1) * magnitude
}

/// Error of `p = σ(z)` when `z` is wrong by `field`: `|σ'| ≤ 1/4`, then the error of `math::sigmoid` itself.
pub fn probability(p: f64, field: f64) -> f64 {
    let moved = field / 4.0;
    moved + f64::from(math::SIGMOID_MAX_RELATIVE_ERROR) * (p + moved) + f64::from(math::TAIL_MAX_ERROR) + REFERENCE
}

/// Error of an energy, `magnitude = Σ|a_i·v_i| + Σ_j h_j·(|b_j| + Σ_i |W_ij·v_i|)`: a term goes through a hidden field,
/// a product with the state, and at most one subtraction a hidden unit.
pub fn energy(visible: usize, hidden: usize, magnitude: f64) -> f64 {
    gamma(dot_roundings(visible) + 2 + hidden) * magnitude + REFERENCE
}

/// Error of a free energy. `visible_magnitude = Σ|a_i·v_i|`; `hidden` holds, for each hidden unit, the magnitude of its
/// field (as in [`hidden_field`]) and its softplus.
///
/// softplus is 1-Lipschitz, so a field's error passes at most unchanged; then softplus' own relative error; then the
/// sum over the hidden units, and the subtraction from `−a·v`.
pub fn free_energy(visible: usize, visible_magnitude: f64, hidden: &[(f64, f64)]) -> f64 {
    let last = 1;
    let terms: f64 = hidden
        .iter()
        .map(|&(magnitude, softplus)| {
            let moved = hidden_field(visible, magnitude);
            let own = f64::from(math::SOFTPLUS_MAX_RELATIVE_ERROR) * (softplus + moved);
            moved + own + gamma(hidden.len() + last) * (softplus + moved + own)
        })
        .sum();
    terms + gamma(dot_roundings(visible) + last) * visible_magnitude + REFERENCE
}

/// Error of a class's score when a free energy of the same state may be wrong by `free_energy`: the same terms in another order, the class's
/// weight added after the dot product, so that no term goes through twice as many roundings.
pub fn class_score(free_energy: f64) -> f64 {
    2.0 * free_energy
}

/// Rounding of a result.
pub fn rounding(result: f64) -> f64 {
    U * result.abs()
}

/// Error of `math::log_sum_exp` over `classes` exact scores.
pub fn log_sum_exp(classes: usize, result: f64) -> f64 {
    f64::from(math::LOG_SUM_EXP_MAX_ERROR) * classes as f64 + rounding(result) + REFERENCE
}

/// Error of `ln Σ e^s` over `classes` scores, each wrong by at most `score`, taken 16 at a time, each piece joined to what was before. All
/// results on the way lie between the largest score and `result`, and that score at most `ln(classes)` below it.
pub fn log_sum_exp_in_pieces(classes: usize, result: f64, score: f64) -> f64 {
    let largest = result.abs() + (classes as f64).ln() + score;
    let pieces = classes.div_ceil(16);
    score + log_sum_exp(classes, largest) + pieces as f64 * (log_sum_exp(2, largest) + rounding(largest))
}

/// Error of a central difference of a free energy along a parameter that multiplies a hidden mean by `scale`, against the f32 conditional: the
/// field's error (`|S″| ≤ 1`), the mean's own, and [`DIFFERENCE`], of which the truncation grows as the third power of `scale`.
pub fn free_energy_gradient(expected: f64, scale: f64, field: f64) -> f64 {
    let own = f64::from(math::RECTIFIED_MEAN_MAX_RELATIVE_ERROR) * expected.abs();
    scale.abs() * field + own + DIFFERENCE * (1.0 + scale.abs().powi(3))
}

/// Relative error of a softmax probability over `classes` scores that differ from the largest by at most `spread`.
///
/// The rounding of `z − max` moves an exponential by `u·spread` relative to itself. `e^x` in f32 is at most as wrong as
/// the sigmoid made of it: `σ(x) = e^x / (1 + e^x) ≈ e^x` far below zero, with two more roundings. Both count twice, in
/// numerator and sum; then the sum's roundings and the division's.
pub fn softmax(classes: usize, spread: f64) -> f64 {
    let exponential = U * spread + f64::from(math::SIGMOID_MAX_RELATIVE_ERROR) + 2.0 * U;
    2.0 * exponential + gamma(classes + 1)
}

/// Error of a Gaussian unit's mean `a + σ²·x` over `length` hidden units, `magnitude = Σ_j |W_ij·h_j|`: `x` as a visible field without
/// bias, two products and a sum more.
pub fn gaussian_mean(length: usize, bias: f64, variance: f64, magnitude: f64) -> f64 {
    gamma(length + 4) * (bias.abs() + variance * magnitude) + REFERENCE
}

/// Error of a drawn Gaussian unit against `mean + deviation·Φ⁻¹(draw)`: that of its mean, of the quantile, and the roundings of the square
/// root, the division and three products and sums.
pub fn gaussian_draw(mean_error: f64, mean: f64, deviation: f64, quantile: f64) -> f64 {
    let moved = deviation * f64::from(math::NORMAL_QUANTILE_MAX_ERROR);
    mean_error + moved + gamma(5) * (mean.abs() + deviation * quantile.abs() + moved)
}

/// Error of a softmax probability `p` over `classes` fields, each wrong by at most `field`, that differ from the largest by at most `spread`.
pub fn softmax_probability(p: f64, classes: usize, spread: f64, field: f64) -> f64 {
    let relative = (2.0 * field).exp() * (1.0 + softmax(classes, spread + 2.0 * field)) - 1.0;
    p * relative + f64::from(math::TAIL_MAX_ERROR) + REFERENCE
}

/// Error of a rectified unit's mean when its field is wrong by `field`: its slope is the variance of a number of copies, at most 1.01.
pub fn rectified_mean(mean: f64, field: f64) -> f64 {
    let moved = 1.01 * field;
    moved + f64::from(math::RECTIFIED_MEAN_MAX_RELATIVE_ERROR) * (mean + moved) + REFERENCE
}

/// A Bernoulli unit's share of the free energy, and its error when its field is wrong by `field`: softplus is 1-Lipschitz.
pub fn softplus(z: f64, field: f64) -> (f64, f64) {
    let softplus = z.max(0.0) + (-z.abs()).exp().ln_1p();
    (softplus, field + f64::from(math::SOFTPLUS_MAX_RELATIVE_ERROR) * (softplus + field))
}

/// A bound on a rectified unit's share of the free energy, `S(z) ≤ max(z, 0)²/2 + π²/6`, and the share's error when its field is wrong by
/// `field`: its slope is the mean, at most `max(z, 0) + ln 2`.
pub fn rectified_softplus(z: f64, field: f64) -> (f64, f64) {
    let farther = z.max(0.0) + field;
    let size = farther * farther / 2.0 + 1.645;
    (size, f64::from(math::RECTIFIED_SOFTPLUS_MAX_RELATIVE_ERROR) * size + field * (farther + 0.694))
}

/// Error of `ln Π_(i ≤ h) (1 − e^(−i))` in a rectified unit's energy: powers of `1/e` by products, `2i` roundings each, that weigh
/// `e^(−i) / (1 − e^(−i))`, under 2 roundings altogether; a difference and a product for each of 18 factors; 5 roundings of the logarithm.
pub const RECTIFIED_POTENTIAL: f64 = 44.0 * U;

/// Error of an energy of units of any kind, `magnitude` as in [`energy`] with `|U_i(v_i)|` and `|U_j(h_j)|` for the biases' terms. A Gaussian
/// unit's term has six roundings of its own, then terms are added one after another.
pub fn mixed_energy(visible: usize, hidden: usize, magnitude: f64) -> f64 {
    gamma(dot_roundings(visible) + visible + 8 + 2 * hidden) * magnitude
        + hidden as f64 * RECTIFIED_POTENTIAL
        + REFERENCE
}

/// Error of a free energy of units of any kind: `terms` are the size and error of every hidden unit's share, `visible_magnitude` is
/// `Σ_i |U_i(v_i)|`; terms are added one after another.
pub fn mixed_free_energy(visible: usize, visible_magnitude: f64, terms: &[(f64, f64)]) -> f64 {
    let sizes: f64 = terms.iter().map(|(size, error)| size + error).sum();
    let errors: f64 = terms.iter().map(|(_, error)| error).sum();
    let visible_error = gamma(dot_roundings(visible) + visible + 8) * visible_magnitude;
    errors + visible_error + gamma(terms.len() + 1) * (sizes + visible_magnitude) + REFERENCE
}

/// Largest step down of `math::sigmoid` between neighbouring f32, relative: one unit in the last place. (It is made of
/// a polynomial and a division that round each for themselves, so it is monotonic only beyond that.)
pub const SIGMOID_DROP: f64 = 2.0 * U;

/// Spacing, in nats, on which `math::sigmoid` and `math::softplus` must not decrease at all: it moves `e^x` by `2^-10`
/// relative, thousands of times their error.
pub const MONOTONIC_SPACING_NATS: f32 = 1.0 / 1024.0;

/// Error of [`Rescale::apply`] against the real product `sum·multiplier / 2^(pre+post)`, in `2^-12` nats, where the 16
/// bits between the shifts suffice: half a unit of the first shift, carried through the product, and half a unit of the
/// second.
pub fn rescale(rescale: Rescale) -> f64 {
    let first = if rescale.pre == 0 { 0.0 } else { 0.5 };
    let second = if rescale.post == 0 { 0.0 } else { 0.5 };
    first * f64::from(rescale.multiplier) / f64::from(rescale.post).exp2() + second
}

/// Error, in nats, of an integer visible field whose hidden units' weights are `column` (the weights from this visible
/// unit): each hidden unit's contribution is rounded to a whole step, then the shifted sum to `2^-12` nats.
pub fn int8_visible_field_nats(column: impl Iterator<Item = i8>, shift: u8) -> f64 {
    let weights: f64 = column.map(|w| f64::from(w).abs()).sum();
    (0.5 * weights / f64::from(shift).exp2() + 0.5) / f64::from(integer::NATS)
}

/// Error of an integer activation, as a probability, when its field is wrong by `field_nats`: `|σ'| ≤ 1/4`, the table's
/// error, then rounding to `1/128`.
pub fn int8_probability(field_nats: f64) -> f64 {
    field_nats / 4.0 + integer::SIGMOID_MAX_ERROR + 0.5 / f64::from(integer::ONE) + REFERENCE
}

/// Error of an integer free energy in nats, `fields_nats` being the errors of the hidden fields: softplus is
/// 1-Lipschitz and its table has an error of its own; `a·v` is summed exactly and rounded once to `2^-12` nats.
pub fn int8_free_energy_nats(fields_nats: impl Iterator<Item = f64>) -> f64 {
    let hidden: f64 = fields_nats.map(|field| field + integer::SOFTPLUS_MAX_ERROR_NATS).sum();
    hidden + 0.5 / f64::from(integer::NATS) + REFERENCE
}

/// Step of a central difference of the exact log-likelihood, in parameter units.
pub const DIFFERENCE_STEP: f64 = 1e-4;

/// Error of that central difference `(f(x+s) − f(x−s)) / 2s`, `s` = [`DIFFERENCE_STEP`]. Truncation: `s²/6 · |f‴|`,
/// where `f‴` is a difference of two third cumulants of variables in `[0, 1]`, each at most `1/(6√3) < 0.1`: 3.4e-10.
/// Rounding: `f` is a sum of a few tens, known to about `2^-46` after a log-sum-exp over 2^10 states, divided by `s`:
/// 1.5e-10. Rounded up.
pub const DIFFERENCE: f64 = 1e-9;

/// Two exact f64 computations of one quantity that differ in the order of their sums.
pub const SAME_IN_F64: f64 = 1e-11;

/// Distance from the stationary distribution, in total variation, that a chain may have when its state is taken for an
/// independent draw. With `N = 2·10^5` draws the bias adds at most `N·(2·10^-6)²/p_min ≈ 0.01` to a χ² statistic whose
/// cells have `p_min ≥ 10^-4`.
pub const MIXED: f64 = 1e-6;

/// Standard normal quantile of the significance level `10^-4`, one-sided. Seeds are fixed, so a test of a right sampler
/// fails never or always: the level says how unlucky a seed would have to be to need replacing.
const Z: f64 = 3.719;

/// Largest χ² statistic that is accepted, at significance `10^-4` (Wilson & Hilferty 1931: `(χ²/k)^(1/3)` is nearly
/// normal; the quantile is right to 1 % from 3 degrees of freedom on).
pub fn chi_squared(degrees_of_freedom: usize) -> f64 {
    let k = degrees_of_freedom as f64;
    let spread = 2.0 / (9.0 * k);
    k * (1.0 - spread + Z * spread.sqrt()).powi(3)
}

/// Largest distance, in standard deviations, of a mean or a number of runs from what is expected (two-sided `2·10^-4`).
pub const STANDARD_DEVIATIONS: f64 = Z;

/// Error of a score of a net 9–7–11–4 whose weights lie in `[-1, 1]` and its head's in `[-2, 2]`. Layer by layer: a
/// field of 9 inputs has magnitude at most 10, so is off by `6·u·10 = 3.6e-6` and its probability by a quarter of that
/// and 2e-7; 7 such errors (weights at most 1) and 5 roundings of magnitude 8 make 1.1e-5 in the next field, so 3e-6 in
/// its probability; 11 of those times 2, and 6 roundings of magnitude 24, make 7.5e-5.
pub const SHALLOW_NET: f64 = 7.5e-5;

/// Error of the mean of `samples` independent draws of a statistic in `[-1, 1]`, such as a product of states less one of the data's: its
/// standard deviation is at most 1/2 for each of the two terms, of which the data's does not vary; [`STANDARD_DEVIATIONS`] of the mean, and f32 sums of as many
/// terms, added in blocks, to 1e-4 at most.
pub fn mean_of_states(samples: usize) -> f64 {
    STANDARD_DEVIATIONS * 0.5 / (samples as f64).sqrt() + 1e-4
}

/// Step, in parameter units, of a central difference of a net's loss; exact in f32 beside parameters of size 1.
pub const NET_STEP: f32 = 1.0 / 1024.0;

/// Error of a gradient by back-propagation in f32 against central differences in f64. Truncation: `s²/6·|f‴| ≈ 1.6e-7` with third
/// derivatives of at most 1 for weights of size 1; a parameter moved in f32 lands within `2^-24` of where it should, which the
/// quotient uses as it is; f32 arithmetic through three layers, 1e-6. Together, rounded up.
pub const BACK_PROPAGATION: f64 = 2e-6;

/// Error of three steps of an optimiser in f32 on a parameter of size 1: some ten roundings each, and `1 − β^t` in f32,
/// whose cancellation at `t = 1` leaves `0.001` with a relative error of 3e-5, halved by the square root, on a step of 0.1.
pub const OPTIMISER: f64 = 5e-6;

/// Relative error of a rescale's multiplier: half a unit of 15 bits of which the first is set.
pub const RESCALE_MANTISSA: f64 = 1.0 / 32_768.0;

/// How much larger than the least the squared error of a unit's weights may be, whose scale comes from a grid of steps of 1/64 of the
/// coarsest, refined by regression: the error is flat about its minimum, where a step of 1.5 % in the scale moves few codes.
pub const SCALE_SEARCH: f64 = 1.02;

/// Rounding of an f32 free energy of up to 300 by 40 units with parameters of size 1 (magnitudes of up to 12,000 nats, relative error
/// some 20 roundings).
pub const FLOAT_FREE_ENERGY: f64 = 0.015;

/// Error of a ClassRBM's scores, posteriors and free energies where biases and weights stay under 2 and there are at most eight units a
/// side: sums of under 50 terms of magnitude under 20, each rounded at most a dozen times.
pub const CLASS_SCORE_NATS: f64 = 50.0 * 12.0 * 20.0 * U;

/// Distance of a state from a fixed point of the mean-field equations after 200 steps that each shrink it by half or more: a step's rounding,
/// a few units in the last place of numbers up to 3, twice over.
pub const FIXED_POINT: f64 = 2e-6;

/// Bound on the magnitude of every energy of a machine whose hidden units are at most 3 copies: `extra` nats of biases and units' own energies,
/// and each weight and its hidden unit three times.
pub fn largest_energy(weights: &[f32], visible: &[f32], extra: f64) -> f64 {
    let largest = visible.iter().map(|&v| f64::from(v).abs()).fold(1.0, f64::max);
    let of_weights: f64 = weights.iter().map(|&w| f64::from(w).abs() * largest).sum();
    3.0 * of_weights + extra.abs() + OWN_ENERGIES
}

/// Biases of at most 2 on 12 units of up to 3 copies, `h²/2` of 3 units, and `(v − a)²/2σ²` of nine Gaussian units within 6.34 deviations.
const OWN_ENERGIES: f64 = 72.0 + 13.5 + 181.0;

/// Error of one step of learning where parameters and velocities stay under 4: a dozen roundings of sums of under eight such terms.
pub const LEARNING_STEP: f64 = 12.0 * 8.0 * 4.0 * U;

/// How far under the entropy of four patterns the likelihood of six hidden units may end after 40,000 samples: the weight decay and CD-1's bias
/// cost 0.1 nats.
pub const LEARNED_NATS: f64 = 0.25;

/// Error of means learnt from a stream, and measured from a chain of 4,000 dependent states: found 0.03.
pub const LEARNED_MEAN: f64 = 0.1;

/// Error of a visible state that was drawn at parameters of size 1, next to `exact`: none where it is discrete (`sigma` 0); a Gaussian unit's
/// quantile, and some twenty roundings of a mean and a deviation of up to 4σ whose terms stay under 4 of `max(1, σ)` each (its hidden state may
/// itself be drawn from such a quantile).
pub fn drawn_state(sigma: f64, exact: f64) -> f64 {
    if sigma == 0.0 {
        return 0.0;
    }
    let quantile = 8.0 * sigma * f64::from(math::NORMAL_QUANTILE_MAX_ERROR);
    quantile + gamma(20) * (exact.abs() + 8.0 * sigma.max(1.0))
}

/// Error of a velocity whose terms are at most `size`: states and means as drawn, relative error at most that of a quantile four times over, and
/// ten roundings.
pub fn velocity(size: f64) -> f64 {
    (4.0 * f64::from(math::NORMAL_QUANTILE_MAX_ERROR) + gamma(10)) * 2.0 * size
}

/// Error of a parameter of at most `largest` after a step with a velocity wrong by `velocity`: two roundings.
pub fn stepped_parameter(rate: f64, velocity: f64, largest: f64) -> f64 {
    rate * velocity + gamma(2) * (largest + 1.0)
}

/// Error of the gradient of a ClassRBM's `ln p(y | x)` in f32, and of the central differences that it is compared with: fields, means and posteriors
/// of size 1 to 4 with some thirty roundings, and the rectified units' tables ([`rectified_mean`]).
pub const POSTERIOR_GRADIENT: f64 = 1e-5;
