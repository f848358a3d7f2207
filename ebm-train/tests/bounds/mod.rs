//! How far two backends' results may lie apart.

use ebm_core::{HiddenKind, math};

/// A rounding's share in the difference of two results of size 1: each side is wrong by half of it, or a GPU that rounds towards 0 by all of it.
pub const ROUNDING: f64 = 1.0 / 8_388_608.0;
/// How many times the documented error of one of `ebm_core::math`'s functions two of its versions may lie apart: the CPU's has that error, the
/// GPU's another that its divisions and contracted products make larger.
pub const FUNCTION: f64 = 4.0;

/// Error of a result of up to `size` that went through so many roundings: one may be left out where a product and a sum are contracted.
pub fn rounded(roundings: usize, size: f64) -> f64 {
    roundings as f64 * ROUNDING * size
}

/// Difference of two sums of the same terms in different orders, no partial sum being larger than `largest`: the roundings add up as steps of a
/// random walk do; and each term's own.
pub fn sum(terms: usize, largest: f64) -> f64 {
    ((terms as f64).sqrt() + 8.0) * ROUNDING * largest
}

/// Relative difference of a hidden unit's means.
pub fn of_mean(kind: HiddenKind) -> f64 {
    FUNCTION
        * f64::from(match kind {
            HiddenKind::Bernoulli => math::SIGMOID_MAX_RELATIVE_ERROR,
            HiddenKind::Relu => math::RECTIFIED_MEAN_MAX_RELATIVE_ERROR,
        })
}
