//! Integer kernels: weights of 8, 4 or 1 bits, u8 activations, i32 sums; no floating point and no 64-bit product anywhere.
//!
//! | quantity | unit |
//! |---|---|
//! | activation `x` (a state or a probability) | `1/128`: off is 0, on is [`ONE`] |
//! | field, score, energy | `2^-12` nats ([`NATS`] is one nat) |
//! | weight | per hidden unit j: `W_ij ≈ s_j·w_ij`, stored in one of the ways of [`Storage`] |
//!
//! Upwards, `128/s_j · (b_j + Σ_i W_ij v_i) ≈ bias_j + Σ_i w_ij·x_i` is summed exactly in i32 and brought to nats by the unit's
//! [`Rescale`]. Downwards each hidden unit contributes with its own scale, an integer `step_j ≈ s_j·2^k`, common `k` for the layer.
//! The bounds that keep every sum inside i32 are checked when a file is parsed (see `FORMAT.md`).

mod down;
mod up;
mod weights;

pub(super) use up::{BLOCK, ROW_WORDS};
pub use weights::{Storage, Stored, Weights};

use super::tables::{self, NAT_BITS};
use crate::beta::Beta;
use bytemuck::{Pod, Zeroable};
use rand_core::Rng;

/// An activation of one: a unit that is on.
pub const ONE: u8 = 128;
/// One nat in the fixed point of fields, scores and energies.
pub const NATS: i32 = 1 << NAT_BITS;
const ONE_BITS: u32 = 7;

/// Largest error of [`sigmoid`] against `σ`, in probability.
pub const SIGMOID_MAX_ERROR: f64 = 2.4e-5;
/// Largest error of [`softplus`], in nats.
pub const SOFTPLUS_MAX_ERROR_NATS: f64 = 1.7e-4;

/// Largest magnitude of a weight, whatever its storage.
pub const MAX_WEIGHT: i32 = 128;
/// Most inputs of an integer layer: `32768 · 128 · 128 = 2^29` is the largest sum of products
/// (under `2^30` even for bytes above [`ONE`], which are no activations).
pub const MAX_INPUTS: usize = 32_768;
/// Largest magnitude of an integer hidden bias.
pub const MAX_HIDDEN_BIAS: i32 = 1 << 29;
/// Largest magnitude of a scaled channel's offset, and of a raw number: their difference is at most `2^30`, and half of the largest `2^30`, added
/// to round, leaves it below `2^31`.
pub const MAX_OFFSET: i32 = 1 << 29;
/// Largest magnitude of an integer visible bias, in `2^-12` nats (2,048 nats): its product with [`ONE`] fits an i32.
pub const MAX_VISIBLE_BIAS: i32 = 1 << 23;
/// Largest sum of a layer's down steps: times 128 it is `2^30`, the largest sum downwards.
pub const MAX_DOWN_STEPS: u64 = 1 << 23;

/// `σ(field)` in units of `2^-16`, from 1 to 65535; error at most [`SIGMOID_MAX_ERROR`].
pub fn sigmoid(field: i32) -> u32 {
    tables::sigmoid_q16(field)
}

/// `softplus(field)` in `2^-12` nats; error at most [`SOFTPLUS_MAX_ERROR_NATS`].
pub fn softplus(field: i32) -> i32 {
    tables::softplus_q12(field)
}

/// Brings an integer sum to `2^-12` nats: `((sum ≫ pre) · multiplier) ≫ post`, each shift rounding to nearest.
///
/// `sum ≫ pre` is held to 16 bits (a file made by our quantiser never reaches that) and the multiplier has 15, so the product fits
/// an i32 whatever the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Rescale {
    /// Mantissa, below 2^15.
    pub multiplier: u16,
    /// First shift, at most [`Rescale::MAX_SHIFT`].
    pub pre: u8,
    /// Second shift, at most [`Rescale::MAX_SHIFT`].
    pub post: u8,
}

impl Rescale {
    /// Largest of either shift.
    pub const MAX_SHIFT: u8 = 30;

    /// Is every field within its range?
    pub const fn is_valid(self) -> bool {
        self.multiplier < 1 << 15 && self.pre <= Self::MAX_SHIFT && self.post <= Self::MAX_SHIFT
    }

    /// The field in `2^-12` nats that belongs to `sum`.
    #[inline]
    pub fn apply(self, sum: i32) -> i32 {
        let narrow = shift_rounding(sum, self.pre).clamp(-0x7FFF, 0x7FFF);
        shift_rounding(narrow * i32::from(self.multiplier), self.post)
    }
}

/// `value / 2^bits`, to nearest, halves upwards; `|value| ≤ 2^30`.
#[inline]
fn shift_rounding(value: i32, bits: u8) -> i32 {
    let half = (1i32 << (bits & 31)) >> 1;
    (value + half) >> (bits & 31)
}

/// The value of a raw number of a scaled channel, in `1/128`: `(raw − offset)·scale` to nearest, held to 0 … [`ONE`].
///
/// `raw` is first held to ±[`MAX_OFFSET`]; `|offset|` is at most that, so the difference stays below `2^30`.
#[inline]
pub fn scaled(raw: i32, offset: i32, scale: Rescale) -> u8 {
    let held = raw.clamp(-MAX_OFFSET, MAX_OFFSET);
    scale.apply(held - offset).clamp(0, i32::from(ONE)) as u8
}

/// An activation from a probability in `2^-16`, to nearest.
#[inline]
fn activation(probability_q16: u32) -> u8 {
    // At most (65535 + 256) >> 9 = 128.
    ((probability_q16 + 256) >> (16 - ONE_BITS)) as u8
}

/// The probability, in `2^-16`, that a unit with this field is on: the one place where a field meets its sigmoid.
#[inline]
fn probability_q16(field: i32) -> u32 {
    tables::sigmoid_q16(field)
}

/// A state drawn at inverse temperature `β`: on with probability `σ(β·field)`, one draw a unit.
#[inline]
fn bernoulli<R: Rng + ?Sized>(field: i32, beta: Beta, rng: &mut R) -> u8 {
    if rng.next_u32() >> 16 < probability_q16(at(beta, field)) { ONE } else { 0 }
}

/// `β·field`, the field held to ±64 nats, so that the product fits an i32.
///
/// Wherever `β ≥ 0.19`, `σ` has come to its end there: for smaller `β` fields beyond 64 nats count as 64.
#[inline]
fn at(beta: Beta, field: i32) -> i32 {
    const FARTHEST: i32 = 64 * NATS;
    shift_rounding(field.clamp(-FARTHEST, FARTHEST) * i32::from(beta.in_256ths()), 8)
}

/// The upward half of a layer: what a hidden unit needs to form its field.
#[derive(Clone, Copy, Debug)]
pub struct Up<'a, W = Weights<'a>> {
    /// `w_ij`.
    pub weights: W,
    /// `bias_j`, in the unit of the sum `Σ_i w_ij·x_i`.
    pub bias: &'a [i32],
    /// From that unit to nats.
    pub rescale: &'a [Rescale],
}

impl<'a, W: Stored<'a>> Up<'a, W> {
    /// Calls `each` with every hidden unit's index and field `b_j + Σ_i W_ij·v_i` in `2^-12` nats.
    ///
    /// The sums are behind a `dyn`, because one copy of them serves every use, and a call for several units is nothing beside
    /// their products.
    #[inline]
    fn for_each_field(&self, inputs: &[u8], mut each: impl FnMut(usize, i32)) {
        up::for_each_tile(self.weights.weights(), inputs, self.bias.len(), &mut |first, sums| {
            let biases = self.bias.get(first..).unwrap_or_default();
            let rescales = self.rescale.get(first..).unwrap_or_default();
            for (offset, ((&sum, &bias), rescale)) in sums.iter().zip(biases).zip(rescales).enumerate() {
                each(first + offset, rescale.apply(bias + sum));
            }
        });
    }
}

/// Fields of the hidden units, `b_j + Σ_i W_ij·v_i`, in `2^-12` nats.
pub fn hidden_field<'a, W: Stored<'a>>(up: &Up<'a, W>, inputs: &[u8], out: &mut [i32]) {
    up.for_each_field(inputs, |unit, field| put(out, unit, field));
}

/// Activations of the hidden units, `σ(b_j + Σ_i W_ij·v_i)` in `1/128`.
pub fn hidden_probs<'a, W: Stored<'a>>(up: &Up<'a, W>, inputs: &[u8], out: &mut [u8]) {
    up.for_each_field(inputs, |unit, field| put(out, unit, activation(probability_q16(field))));
}

/// States of the hidden units drawn from `p_β(h_j = 1 | v)`.
pub fn sample_hidden<'a, W: Stored<'a>, R: Rng + ?Sized>(
    up: &Up<'a, W>,
    beta: Beta,
    inputs: &[u8],
    rng: &mut R,
    out: &mut [u8],
) {
    up.for_each_field(inputs, |unit, field| put(out, unit, bernoulli(field, beta, rng)));
}

/// Free energy of a visible state, `F(v) = −a·v − Σ_j softplus(b_j + Σ_i W_ij·v_i)`, in `2^-12` nats.
pub fn free_energy<'a, W: Stored<'a>>(up: &Up<'a, W>, visible_bias: &[i32], inputs: &[u8]) -> i32 {
    // Sums of i32 terms in 64 bits cost an add with carry; no 64-bit product is formed.
    let visible_terms: i64 = visible_bias.iter().zip(inputs).map(|(&a, &x)| i64::from(a * i32::from(x))).sum();
    let mut hidden_terms = 0;
    up.for_each_field(inputs, |_, field| hidden_terms += i64::from(tables::softplus_q12(field)));
    let energy = -((visible_terms + (1 << (ONE_BITS - 1))) >> ONE_BITS) - hidden_terms;
    energy.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// Writes `out[unit]`, where there is one.
#[inline]
fn put<T>(out: &mut [T], unit: usize, value: T) {
    if let Some(out) = out.get_mut(unit) {
        *out = value;
    }
}

/// The downward half of a layer: what a visible unit needs to form its field.
#[derive(Clone, Copy, Debug)]
pub struct Down<'a, W = Weights<'a>> {
    /// `w_ij`, the same weights as upwards.
    pub weights: W,
    /// `a_i` in `2^-12` nats.
    pub visible_bias: &'a [i32],
    /// `step_j`: hidden unit j's scale, in `2^-12` nats times `2^-shift`.
    pub steps: &'a [u16],
    /// See `steps`.
    pub shift: u8,
}

impl<'a, W: Stored<'a>> Down<'a, W> {
    /// Calls `each` with every visible unit's index and field `a_i + Σ_j W_ij·h_j` in `2^-12` nats.
    #[inline]
    fn for_each_field(&self, hidden: &[u8], mut each: impl FnMut(usize, i32)) {
        down::for_each_tile(self, hidden, &mut |first, sums| {
            let biases = self.visible_bias.get(first..).unwrap_or_default();
            for (offset, (&sum, &bias)) in sums.iter().zip(biases).enumerate() {
                each(first + offset, bias + shift_rounding(sum, self.shift));
            }
        });
    }
}

/// Activations of the visible units, `σ(a_i + Σ_j W_ij·h_j)` in `1/128`.
pub fn visible_probs<'a, W: Stored<'a>>(down: Down<'a, W>, hidden: &[u8], out: &mut [u8]) {
    down.for_each_field(hidden, |unit, field| put(out, unit, activation(probability_q16(field))));
}

/// States of the visible units drawn from `p_β(v_i = 1 | h)`.
pub fn sample_visible<'a, W: Stored<'a>, R: Rng + ?Sized>(
    down: Down<'a, W>,
    beta: Beta,
    hidden: &[u8],
    rng: &mut R,
    out: &mut [u8],
) {
    down.for_each_field(hidden, |unit, field| put(out, unit, bernoulli(field, beta, rng)));
}

/// States of units that nothing is known of: on with probability ½.
pub fn noise<R: Rng + ?Sized>(rng: &mut R, out: &mut [u8]) {
    out.iter_mut().for_each(|out| *out = bernoulli(0, Beta::ONE, rng));
}
