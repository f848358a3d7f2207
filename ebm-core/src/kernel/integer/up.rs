//! Sums upwards, `Σ_i w_ij·x_i` for every output j, exact in i32, one way for each [`Storage`](super::Storage).
//!
//! Codes are unsigned where they are narrower than a byte or stored in rows: `w = code − zero`, so a sum over codes is corrected
//! once by `zero·Σ_i x_i`.

use super::super::arch;
use super::weights::{BYTE_ZERO, BYTES, NIBBLE_ZERO, NIBBLES, SIGNS, Weights};
use super::{MAX_INPUTS, ONE, ONE_BITS};

/// Words of a row that are summed together.
pub(in crate::kernel) const ROW_WORDS: usize = 4;
/// Columns that are summed together: an input is loaded once for all of them.
pub(in crate::kernel) const BLOCK: usize = 4;
/// Outputs whose rows are summed together.
const TILE: usize = ROW_WORDS * BYTES;

/// Calls `each` with the sums of consecutive outputs, and the first of these outputs' index.
#[inline]
pub(super) fn for_each_tile(weights: Weights<'_>, inputs: &[u8], outputs: usize, each: &mut dyn FnMut(usize, &[i32])) {
    match weights {
        Weights::Int8(bytes) => int8(bytes, inputs, outputs, each),
        Weights::Int4(words) => int4(words, inputs, outputs, each),
        Weights::Sign(words) => sign(words, inputs, outputs, each),
        Weights::Int8Rows(words) => int8_rows(words, inputs, outputs, each),
    }
}

#[inline(never)]
fn int8(weights: &[i8], inputs: &[u8], outputs: usize, each: &mut dyn FnMut(usize, &[i32])) {
    let sparse = is_sparse(inputs);
    columns(weights, inputs.len(), outputs, each, |columns, sums| arch::int8_columns(columns, inputs, sparse, sums));
}

#[inline(never)]
fn int4(weights: &[u32], inputs: &[u8], outputs: usize, each: &mut dyn FnMut(usize, &[i32])) {
    let correction = NIBBLE_ZERO * sum(inputs);
    columns(weights, inputs.len().div_ceil(NIBBLES), outputs, each, |columns, sums| {
        arch::int4_columns(columns, inputs, sums);
        sums.iter_mut().for_each(|sum| *sum -= correction);
    });
}

#[inline(never)]
fn sign(weights: &[u32], inputs: &[u8], outputs: usize, each: &mut dyn FnMut(usize, &[i32])) {
    let total = sum(inputs);
    columns(weights, inputs.len().div_ceil(SIGNS), outputs, each, |columns, sums| {
        arch::sign_columns(columns, inputs, sums);
        sums.iter_mut().for_each(|sum| *sum = 2 * *sum - total);
    });
}

/// Goes over columns of `length` elements, [`BLOCK`] at a time. The last block reaches back over columns that were summed before.
#[inline]
fn columns<T>(
    weights: &[T],
    length: usize,
    outputs: usize,
    each: &mut dyn FnMut(usize, &[i32]),
    sum: impl Fn(&[T], &mut [i32; BLOCK]),
) {
    let count = outputs.min(BLOCK);
    let mut sums = [0; BLOCK];
    let mut first = 0;
    while first < outputs {
        let start = first.min(outputs - count);
        sum(weights.get(start * length..(start + count) * length).unwrap_or_default(), &mut sums);
        each(first, sums.get(first - start..count).unwrap_or_default());
        first += BLOCK;
    }
}

/// Does it pay to look for words of four inputs that are off? A look costs about an eighth of what a word found saves.
#[inline(never)]
fn is_sparse(inputs: &[u8]) -> bool {
    let words = inputs.as_chunks::<4>().0;
    let off = words.iter().filter(|&&word| u32::from_le_bytes(word) == 0).count();
    8 * off > words.len()
}

/// `Σ_i x_i`: at most `2^15 · 255`.
fn sum(inputs: &[u8]) -> i32 {
    inputs.iter().map(|&x| i32::from(x)).sum()
}

/// Inputs whose states are marked at a time: their marks take 128 bytes of stack, and are made once where there are no more inputs.
const MARKED: usize = 1024;
/// Rows that can be added before a lane of 16 bits is full: `257 · 255 = 65535`.
pub(in crate::kernel) const LANE_ROWS: usize = 257;

/// Which inputs are on: bit 31 of the first word is the first input's.
struct Marks {
    on: [u32; MARKED / 32],
    /// How many are on.
    count: usize,
    /// Is there a value between off and on (or above on, which is no activation)?
    partial: bool,
}

impl Marks {
    /// Marks up to [`MARKED`] inputs.
    #[inline(never)]
    fn set(&mut self, inputs: &[u8]) {
        (self.count, self.partial) = (0, false);
        for (mark, inputs) in self.on.iter_mut().zip(inputs.chunks(32)) {
            *mark = 0;
            for (n, four) in inputs.chunks(4).enumerate() {
                let four = arch::four_of(four);
                if four == 0 {
                    continue;
                }
                let mut on = four >> ONE_BITS & 0x0101_0101;
                if four & 0x7F7F_7F7F != 0 {
                    self.partial = true;
                    // A byte with a lower bit set is not on.
                    on &= !(((four & 0x7F7F_7F7F) + 0x7F7F_7F7F) >> ONE_BITS);
                }
                // Brings the bits 0, 8, 16 and 24 to 27, 26, 25 and 24.
                let gathered = on.wrapping_mul(0x0804_0201) >> 24 & 0xF;
                *mark |= gathered << (28 - 4 * n);
                // The sum of the four bits comes to bit 24.
                self.count += (on.wrapping_mul(0x0101_0101) >> 24) as usize;
            }
        }
    }
}

/// Rows of the inputs that are on are added; only a value between is multiplied with.
#[inline(never)]
fn int8_rows(weights: &[u32], inputs: &[u8], outputs: usize, each: &mut dyn FnMut(usize, &[i32])) {
    let stride = outputs.div_ceil(BYTES);
    let mut marks = Marks { on: [0; MARKED / 32], count: 0, partial: false };
    for first in (0..stride).step_by(ROW_WORDS) {
        let start = first.min(stride.saturating_sub(ROW_WORDS));
        let mut sums = [0; TILE];
        for (part, inputs) in inputs.chunks(MARKED).enumerate() {
            if first == 0 || part > 0 || inputs.len() == MARKED {
                marks.set(inputs);
            }
            let rows = weights.get(part * MARKED * stride + start..).unwrap_or_default();
            add_marked_rows(&marks, inputs.len(), rows, stride, &mut sums);
            if marks.partial {
                add_partial_rows(inputs, rows, stride, &mut sums);
            }
        }
        let count = (outputs - first * BYTES).min(TILE);
        let skipped = (first - start) * BYTES;
        each(first * BYTES, sums.get(skipped..skipped + count).unwrap_or_default());
    }
}

/// `sum_j ← sum_j + 128·Σ_(i on) w_ij`.
#[inline(never)]
fn add_marked_rows(marks: &Marks, inputs: usize, rows: &[u32], stride: usize, sums: &mut [i32; TILE]) {
    // As many marks as leave no lane over-full.
    let marks_at_once = if marks.count <= LANE_ROWS { marks.on.len() } else { LANE_ROWS / 32 };
    let on = marks.on.get(..inputs.div_ceil(32)).unwrap_or_default();
    for (part, on) in on.chunks(marks_at_once).enumerate() {
        let rows = rows.get(part * marks_at_once * 32 * stride..).unwrap_or_default();
        let mut lanes = [0; 2 * ROW_WORDS];
        arch::add_rows(on, rows, stride, &mut lanes);
        for ([a, b, c, d], &[even, odd]) in sums.as_chunks_mut().0.iter_mut().zip(lanes.as_chunks().0) {
            *a += ((even & 0xFFFF) << ONE_BITS) as i32;
            *b += ((odd & 0xFFFF) << ONE_BITS) as i32;
            *c += (even >> 16 << ONE_BITS) as i32;
            *d += (odd >> 16 << ONE_BITS) as i32;
        }
    }
    let correction = (BYTE_ZERO * marks.count as i32) << ONE_BITS;
    sums.iter_mut().for_each(|sum| *sum -= correction);
}

/// `sum_j ← sum_j + Σ_(i neither off nor on) w_ij·x_i`.
#[inline(never)]
fn add_partial_rows(inputs: &[u8], rows: &[u32], stride: usize, sums: &mut [i32; TILE]) {
    let mut total = 0;
    for (&x, row) in inputs.iter().zip(rows.chunks(stride.max(1))) {
        if x & !ONE != 0 {
            let x = u32::from(x);
            total += x as i32;
            for ([a, b, c, d], &word) in sums.as_chunks_mut().0.iter_mut().zip(row) {
                *a += ((word & 0xFF) * x) as i32;
                *b += ((word >> 8 & 0xFF) * x) as i32;
                *c += ((word >> 16 & 0xFF) * x) as i32;
                *d += ((word >> 24) * x) as i32;
            }
        }
    }
    sums.iter_mut().for_each(|sum| *sum -= BYTE_ZERO * total);
}

const _: () = assert!(MAX_INPUTS as u64 * 255 * 255 < 1 << 31, "the largest code and the largest byte");
