//! Sums downwards, `Σ_j w_ij·c_j` over the hidden units' contributions `c_j = (step_j·h_j) ≫ 7`, exact in i32, one way for each
//! [`Storage`](super::Storage).
//!
//! Visible units are summed in tiles, so that a hidden unit's weights are read in runs, and hidden units are taken in runs, so that
//! what a contribution is, is said once.

use super::weights::{BYTE_ZERO, BYTES, NIBBLE_ZERO, NIBBLES, SIGNS, Stored, Weights};
use super::{Down, ONE, ONE_BITS};

/// Visible units that are summed together.
const TILE: usize = 16;
/// Hidden units whose contributions are held together.
const RUN: usize = 16;
const _: () = assert!(SIGNS.is_multiple_of(TILE) && TILE.is_multiple_of(NIBBLES));

/// A hidden unit's index and contribution.
#[derive(Clone, Copy)]
struct Contribution {
    unit: usize,
    value: i32,
}

/// Calls `each` with the sums of consecutive visible units, and the first of these units' index. Sums past the last unit are anything.
#[inline(never)]
pub(super) fn for_each_tile<'a, W: Stored<'a>>(
    down: &Down<'a, W>,
    hidden: &[u8],
    each: &mut dyn FnMut(usize, &[i32; TILE]),
) {
    for first in (0..down.visible_bias.len()).step_by(TILE) {
        let mut sums = [0; TILE];
        let mut total = 0;
        let mut run = [Contribution { unit: 0, value: 0 }; RUN];
        let mut length = 0;
        for (unit, (&step, &state)) in down.steps.iter().zip(hidden).enumerate() {
            // A byte above `ONE` is no activation; counted as `ONE` it stays within the bound on the sums.
            let state = i32::from(state.min(ONE));
            let value = (i32::from(step) * state + (1 << (ONE_BITS - 1))) >> ONE_BITS;
            if value != 0 {
                total += value;
                if let Some(next) = run.get_mut(length) {
                    *next = Contribution { unit, value };
                    length += 1;
                }
            }
            if length == RUN {
                add(down, first, &run, &mut sums);
                length = 0;
            }
        }
        add(down, first, run.get(..length).unwrap_or_default(), &mut sums);
        // Codes are unsigned, `w = code − zero`.
        let zero = match down.weights.weights() {
            Weights::Int8(_) => 0,
            Weights::Int4(_) => NIBBLE_ZERO,
            Weights::Sign(_) => 1,
            Weights::Int8Rows(_) => BYTE_ZERO,
        };
        sums.iter_mut().for_each(|sum| *sum -= zero * total);
        each(first, &sums);
    }
}

/// `sum_i ← sum_i + Σ_j code_ij·c_j` over a run of hidden units; a sign's code is 2 or 0.
#[inline(always)]
fn add<'a, W: Stored<'a>>(down: &Down<'a, W>, first: usize, run: &[Contribution], sums: &mut [i32; TILE]) {
    let (visible, hidden) = (down.visible_bias.len(), down.steps.len());
    match down.weights.weights() {
        Weights::Int8(bytes) => {
            run.iter().for_each(|c| add_bytes(c.value, column(bytes, visible, c.unit, first), sums));
        }
        Weights::Int4(words) => {
            let length = visible.div_ceil(NIBBLES);
            run.iter().for_each(|c| add_nibbles(c.value, column(words, length, c.unit, first / NIBBLES), sums));
        }
        Weights::Sign(words) => {
            let length = visible.div_ceil(SIGNS);
            for c in run {
                let word = column(words, length, c.unit, first / SIGNS).first();
                add_signs(2 * c.value, word.map_or(0, |word| word >> (first % SIGNS)), sums);
            }
        }
        Weights::Int8Rows(words) => add_rows(run, words, hidden.div_ceil(BYTES), first, sums),
    }
}

/// Column `j` of columns `length` long, from `first` on.
fn column<T>(weights: &[T], length: usize, j: usize, first: usize) -> &[T] {
    weights.get(j * length + first..(j + 1) * length).unwrap_or_default()
}

/// `sum_i ← sum_i + c·w_i` over as many weights as there are, up to [`TILE`].
fn add_bytes(c: i32, weights: &[i8], sums: &mut [i32; TILE]) {
    let add = |(sum, &weight): (&mut i32, &i8)| *sum += i32::from(weight) * c;
    // A whole tile has a length that the compiler knows.
    match weights.first_chunk::<TILE>() {
        Some(weights) => sums.iter_mut().zip(weights).for_each(add),
        None => sums.iter_mut().zip(weights).for_each(add),
    }
}

/// `sum_i ← sum_i + c·code_i`, likewise, the codes being nibbles.
fn add_nibbles(c: i32, words: &[u32], sums: &mut [i32; TILE]) {
    for (sums, &word) in sums.as_chunks_mut::<NIBBLES>().0.iter_mut().zip(words) {
        let (low, high) = sums.split_at_mut(NIBBLES / 2);
        for (byte, (low, high)) in low.iter_mut().zip(high).enumerate() {
            *low += (word >> (8 * byte) & 0xF) as i32 * c;
            *high += (word >> (8 * byte + 4) & 0xF) as i32 * c;
        }
    }
}

/// `sum_i ← sum_i + c` where bit `i` is set.
fn add_signs(c: i32, bits: u32, sums: &mut [i32; TILE]) {
    for (bit, sum) in sums.iter_mut().enumerate() {
        *sum += c & -((bits >> bit & 1) as i32);
    }
}

/// `sum_i ← sum_i + Σ_j code_ij·c_j`, the codes being bytes in rows `stride` words long.
fn add_rows(run: &[Contribution], words: &[u32], stride: usize, first: usize, sums: &mut [i32; TILE]) {
    let codes: &[u8] = bytemuck::cast_slice(words.get(first * stride..).unwrap_or_default());
    for (sum, row) in sums.iter_mut().zip(codes.chunks_exact((stride * BYTES).max(1))) {
        *sum += run.iter().map(|c| i32::from(row.get(c.unit).copied().unwrap_or(0)) * c.value).sum::<i32>();
    }
}
