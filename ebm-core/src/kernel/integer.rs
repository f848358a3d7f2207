//! Integer kernels: i8 weights, u8 activations, i32 sums; no floating point and no 64-bit product anywhere.
//!
//! | quantity | unit |
//! |---|---|
//! | activation `x` (a state or a probability) | `1/128`: off is 0, on is [`ONE`] |
//! | field, score, energy | `2^-12` nats ([`NATS`] is one nat) |
//! | weight | per hidden unit j: `W_ij ≈ s_j·w_ij` |
//!
//! Upwards, `128/s_j · (b_j + Σ_i W_ij v_i) ≈ bias_j + Σ_i w_ij·x_i` is summed exactly in i32 and brought to nats by the unit's
//! [`Rescale`]. Downwards each hidden unit contributes with its own scale, an integer `step_j ≈ s_j·2^k`, common `k` for the layer.
//! The bounds that keep every sum inside i32 are checked when a file is parsed (see `FORMAT.md`).

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

/// Most inputs of an integer layer: `32768 · 128 · 128 = 2^29` is the largest sum of products
/// (under `2^30` even for bytes above [`ONE`], which are no activations).
pub const MAX_INPUTS: usize = 32_768;
/// Largest magnitude of an integer hidden bias.
pub const MAX_HIDDEN_BIAS: i32 = 1 << 29;
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

/// `Σ_i w_i·x_i`.
#[inline]
fn dot(weights: &[i8], inputs: &[u8]) -> i32 {
    weights.iter().zip(inputs).map(|(&w, &x)| i32::from(w) * i32::from(x)).sum()
}

/// Hidden units that are summed together: an input is loaded once for all of them.
const BLOCK: usize = 4;

/// `Σ_i w_ij·x_i` for the [`BLOCK`] units whose weights are `columns`.
#[inline]
fn block_dot(columns: &[i8], inputs: &[u8]) -> [i32; BLOCK] {
    let mut columns = columns.chunks_exact(inputs.len().max(1));
    let [a, b, c, d] = core::array::from_fn(|_| columns.next().unwrap_or_default());
    let mut sums = [0; BLOCK];
    for ((((&x, &a), &b), &c), &d) in inputs.iter().zip(a).zip(b).zip(c).zip(d) {
        let x = i32::from(x);
        for (sum, w) in sums.iter_mut().zip([a, b, c, d]) {
            *sum += i32::from(w) * x;
        }
    }
    sums
}

/// An activation from a probability in `2^-16`, to nearest.
#[inline]
fn activation(probability_q16: u32) -> u8 {
    // At most (65535 + 256) >> 9 = 128.
    ((probability_q16 + 256) >> (16 - ONE_BITS)) as u8
}

/// A state drawn at inverse temperature `β`: on with probability `σ(β·field)`, one draw a unit.
#[inline]
fn bernoulli<R: Rng + ?Sized>(field: i32, beta: Beta, rng: &mut R) -> u8 {
    if rng.next_u32() >> 16 < tables::sigmoid_q16(at(beta, field)) { ONE } else { 0 }
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
pub struct Up<'a> {
    /// `w_ij`, column-major: hidden unit j's weights are contiguous over the inputs.
    pub weights: &'a [i8],
    /// `bias_j`, in the unit of the sum `Σ_i w_ij·x_i`.
    pub bias: &'a [i32],
    /// From that unit to nats.
    pub rescale: &'a [Rescale],
}

impl Up<'_> {
    /// Calls `each` with every hidden unit's index and field `b_j + Σ_i W_ij·v_i` in `2^-12` nats.
    ///
    /// `dyn`, because one copy of the sums serves every use, and a call a unit is nothing beside its products.
    fn for_each_field(&self, inputs: &[u8], each: &mut dyn FnMut(usize, i32)) {
        let units = self.bias.chunks(BLOCK).zip(self.rescale.chunks(BLOCK)).enumerate();
        for (block, (biases, rescales)) in units {
            let first = block * BLOCK;
            let start = first * inputs.len();
            let columns = self.weights.get(start..start + biases.len() * inputs.len()).unwrap_or_default();
            let sums = if biases.len() == BLOCK {
                block_dot(columns, inputs)
            } else {
                let mut columns = columns.chunks_exact(inputs.len().max(1));
                core::array::from_fn(|_| dot(columns.next().unwrap_or_default(), inputs))
            };
            for (offset, ((&bias, rescale), sum)) in biases.iter().zip(rescales).zip(sums).enumerate() {
                each(first + offset, rescale.apply(bias + sum));
            }
        }
    }
}

/// Fields of the hidden units, `b_j + Σ_i W_ij·v_i`, in `2^-12` nats.
pub fn hidden_field(up: Up<'_>, inputs: &[u8], out: &mut [i32]) {
    up.for_each_field(inputs, &mut |unit, field| put(out, unit, field));
}

/// Activations of the hidden units, `σ(b_j + Σ_i W_ij·v_i)` in `1/128`.
pub fn hidden_probs(up: Up<'_>, inputs: &[u8], out: &mut [u8]) {
    up.for_each_field(inputs, &mut |unit, field| put(out, unit, activation(tables::sigmoid_q16(field))));
}

/// States of the hidden units drawn from `p_β(h_j = 1 | v)`.
pub fn sample_hidden<R: Rng + ?Sized>(up: Up<'_>, beta: Beta, inputs: &[u8], rng: &mut R, out: &mut [u8]) {
    up.for_each_field(inputs, &mut |unit, field| put(out, unit, bernoulli(field, beta, rng)));
}

/// Free energy of a visible state, `F(v) = −a·v − Σ_j softplus(b_j + Σ_i W_ij·v_i)`, in `2^-12` nats.
pub fn free_energy(up: Up<'_>, visible_bias: &[i32], inputs: &[u8]) -> i32 {
    // Sums of i32 terms in 64 bits cost an add with carry; no 64-bit product is formed.
    let visible_terms: i64 = visible_bias.iter().zip(inputs).map(|(&a, &x)| i64::from(a * i32::from(x))).sum();
    let mut hidden_terms = 0;
    up.for_each_field(inputs, &mut |_, field| hidden_terms += i64::from(tables::softplus_q12(field)));
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

/// Visible units that are summed together, so that a hidden unit's weights are read in runs.
const TILE: usize = 16;

/// `sum_i ← sum_i + scale·w_i` over as many weights as there are, up to [`TILE`].
#[inline]
fn add_scaled(scale: i32, weights: &[i8], sums: &mut [i32; TILE]) {
    let add = |(sum, &weight): (&mut i32, &i8)| *sum += i32::from(weight) * scale;
    // A whole tile has a length that the compiler knows.
    match weights.first_chunk::<TILE>() {
        Some(weights) => sums.iter_mut().zip(weights).for_each(add),
        None => sums.iter_mut().zip(weights).for_each(add),
    }
}

/// The downward half of a layer: what a visible unit needs to form its field.
#[derive(Clone, Copy, Debug)]
pub struct Down<'a> {
    /// `w_ij`, the same weights as upwards.
    pub weights: &'a [i8],
    /// `a_i` in `2^-12` nats.
    pub visible_bias: &'a [i32],
    /// `step_j`: hidden unit j's scale, in `2^-12` nats times `2^-shift`.
    pub steps: &'a [u16],
    /// See `steps`.
    pub shift: u8,
}

impl Down<'_> {
    /// Calls `each` with every visible unit's index and field `a_i + Σ_j W_ij·h_j` in `2^-12` nats.
    fn for_each_field(&self, hidden: &[u8], each: &mut dyn FnMut(usize, i32)) {
        let visible = self.visible_bias.len();
        for (tile, biases) in self.visible_bias.chunks(TILE).enumerate() {
            let first = tile * TILE;
            let mut sums = [0i32; TILE];
            for ((column, &step), &state) in self.weights.chunks_exact(visible.max(1)).zip(self.steps).zip(hidden) {
                // A byte above `ONE` is no activation; counted as `ONE` it stays within the bound on the sums.
                let state = i32::from(state.min(ONE));
                let contribution = (i32::from(step) * state + (1 << (ONE_BITS - 1))) >> ONE_BITS;
                if contribution != 0 {
                    add_scaled(contribution, column.get(first..).unwrap_or_default(), &mut sums);
                }
            }
            for (offset, (&bias, sum)) in biases.iter().zip(sums).enumerate() {
                each(first + offset, bias + shift_rounding(sum, self.shift));
            }
        }
    }
}

/// Activations of the visible units, `σ(a_i + Σ_j W_ij·h_j)` in `1/128`.
pub fn visible_probs(down: Down<'_>, hidden: &[u8], out: &mut [u8]) {
    down.for_each_field(hidden, &mut |unit, field| put(out, unit, activation(tables::sigmoid_q16(field))));
}

/// States of the visible units drawn from `p_β(v_i = 1 | h)`.
pub fn sample_visible<R: Rng + ?Sized>(down: Down<'_>, beta: Beta, hidden: &[u8], rng: &mut R, out: &mut [u8]) {
    down.for_each_field(hidden, &mut |unit, field| put(out, unit, bernoulli(field, beta, rng)));
}

/// States of units that nothing is known of: on with probability ½.
pub fn noise<R: Rng + ?Sized>(rng: &mut R, out: &mut [u8]) {
    out.iter_mut().for_each(|out| *out = bernoulli(0, Beta::ONE, rng));
}
