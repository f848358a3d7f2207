//! The two functions that every Boltzmann machine needs, and softmax.
//!
//! Branch-free on their hot path, so that a loop over them vectorises on the host, and made of IEEE additions,
//! multiplications and divisions alone, so that every machine computes the same bits.
//! NaN goes in, NaN comes out: a broken input stays visible.

/// Largest relative error of [`sigmoid`] for `x ≥ EXP_MIN`.
/// Over all f32 the largest found is 1.784e-7, at `−5.878`.
pub const SIGMOID_MAX_RELATIVE_ERROR: f32 = 1.8e-7;
/// Largest relative error of [`softplus`] for `x ≥ EXP_MIN`.
/// Over all f32 the largest found is 2.790e-7, at `−4.816`.
pub const SOFTPLUS_MAX_RELATIVE_ERROR: f32 = 2.8e-7;
/// Below this, `exp` would leave the normal numbers: arguments are held here.
pub const EXP_MIN: f32 = -87.3;
/// Largest absolute error of either function for `x < EXP_MIN`, where both answer `e^EXP_MIN` and the truth falls to 0.
pub const TAIL_MAX_ERROR: f32 = 1.22e-38;

/// `e^x` for `x ≤ 0`, held at `e^EXP_MIN` below [`EXP_MIN`].
///
/// Range reduction `x = n·ln 2 + r`, `|r| ≤ ln 2 / 2` (Cody & Waite's two-part ln 2), then the Taylor polynomial of
/// degree 7 in Horner form; its truncation error, `(ln 2 / 2)⁸ / 8! ≈ 5e-9`, lies under the rounding.
#[inline(always)]
fn exp_of_non_positive(x: f32) -> f32 {
    /// Adding 1.5·2²³ rounds to the nearest integer and leaves that integer in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;

    // A comparison with NaN is false, so that NaN passes through (`f32::max` would swallow it).
    let x = if x < EXP_MIN { EXP_MIN } else { x };
    let shifted = x * core::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let tail = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0));
    let tail = 0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * tail));
    let mantissa = 1.0 + (r + r * r * tail);
    // The low bits of `shifted` hold n: moved into the exponent field they are 2^n.
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    mantissa * power
}

/// The logistic function `σ(x) = 1 / (1 + e^(−x))`.
///
/// Relative error at most [`SIGMOID_MAX_RELATIVE_ERROR`], below [`EXP_MIN`] absolute error at most [`TAIL_MAX_ERROR`];
/// no overflow for any `x`; `σ(−∞) ≈ 0`, `σ(∞) = 1`.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    let e = exp_of_non_positive(-x.abs());
    let numerator = if x < 0.0 { e } else { 1.0 };
    numerator / (1.0 + e)
}

/// `softplus(x) = ln(1 + e^x)`, computed as `max(x, 0) + ln(1 + e^(−|x|))`.
///
/// With `t = e^(−|x|) ∈ (0, 1]` and `s = t / (2 + t) ≤ 1/3`, `ln(1 + t) = 2·artanh(s)`, whose series is cut after
/// `s¹³` (truncation under 1.5e-8 relative). Relative error at most [`SOFTPLUS_MAX_RELATIVE_ERROR`], below [`EXP_MIN`]
/// absolute error at most [`TAIL_MAX_ERROR`].
#[inline(always)]
pub fn softplus(x: f32) -> f32 {
    let t = exp_of_non_positive(-x.abs());
    let s = t / (2.0 + t);
    let q = s * s;
    let series = 2.0 / 9.0 + q * (2.0 / 11.0 + q * (2.0 / 13.0));
    let series = 2.0 / 3.0 + q * (2.0 / 5.0 + q * (2.0 / 7.0 + q * series));
    let positive_part = if x > 0.0 { x } else { 0.0 };
    positive_part + s * (2.0 + q * series)
}

/// Turns scores into probabilities in place: `p_c = e^(z_c − max z) / Σ_d e^(z_d − max z)`.
pub fn softmax(scores: &mut [f32]) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = exp_of_non_positive(*score - largest);
        sum += *score;
    }
    for score in scores {
        *score /= sum;
    }
}

/// Index of the largest value, the lowest one among equals; `None` for an empty slice. The values must not be NaN.
pub fn argmax<T: PartialOrd + Copy>(values: &[T]) -> Option<usize> {
    let mut best: Option<(usize, T)> = None;
    for (index, &value) in values.iter().enumerate() {
        if best.is_none_or(|(_, largest)| value > largest) {
            best = Some((index, value));
        }
    }
    best.map(|(index, _)| index)
}
