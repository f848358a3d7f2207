//! Sums upwards, `Σ_i w_ij·x_i` for every output j, exact in i32, one way for each [`Storage`](super::Storage).
//!
//! Codes are unsigned where they are narrower than a byte or stored in rows: `w = code − zero`, so a sum over codes is corrected
//! once by `zero·Σ_i x_i`.

use super::super::arch;
use super::MAX_INPUTS;
use super::ONE_BITS;
use super::weights::{BYTE_ZERO, BYTES, NIBBLE_ZERO, NIBBLES, SIGNS, Weights};

/// Outputs that are summed together: an input is loaded once for all of them.
pub(in crate::kernel) const BLOCK: usize = 4;
/// Words of a row that are summed together.
pub(in crate::kernel) const ROW_WORDS: usize = 4;
/// Outputs of as many words.
const ROW_TILE: usize = ROW_WORDS * BYTES;

/// Calls `each` with the sums of consecutive outputs, and the first of these outputs' index.
pub(super) fn for_each_block(weights: Weights<'_>, inputs: &[u8], outputs: usize, each: &mut dyn FnMut(usize, &[i32])) {
    match weights {
        Weights::Int8(bytes) => {
            let sparse = is_sparse(inputs);
            blocks(bytes, inputs.len(), outputs, each, &|columns| arch::int8_block(columns, inputs, sparse));
        }
        Weights::Int4(words) => {
            let correction = NIBBLE_ZERO * sum(inputs);
            blocks(words, inputs.len().div_ceil(NIBBLES), outputs, each, &|columns| {
                arch::int4_block(columns, inputs).map(|sum| sum - correction)
            });
        }
        Weights::Sign(words) => {
            let total = sum(inputs);
            blocks(words, inputs.len().div_ceil(SIGNS), outputs, each, &|columns| {
                arch::sign_block(columns, inputs).map(|sum| 2 * sum - total)
            });
        }
        Weights::Int8Rows(words) => int8_rows(words, inputs, outputs, each),
    }
}

/// Does it pay to look for words of four inputs that are off? A look costs about an eighth of what a word found saves.
fn is_sparse(inputs: &[u8]) -> bool {
    let words = inputs.as_chunks::<4>().0;
    let off = words.iter().filter(|&&word| u32::from_le_bytes(word) == 0).count();
    8 * off > words.len()
}

/// `Σ_i x_i`: at most `2^15 · 255`.
fn sum(inputs: &[u8]) -> i32 {
    inputs.iter().map(|&x| i32::from(x)).sum()
}

/// Goes over columns of `length` elements, [`BLOCK`] at a time. The last block reaches back over columns that were summed before,
/// so that every block is whole where there are as many outputs.
fn blocks<T>(
    weights: &[T],
    length: usize,
    outputs: usize,
    each: &mut dyn FnMut(usize, &[i32]),
    block: &dyn Fn(&[T]) -> [i32; BLOCK],
) {
    for first in (0..outputs).step_by(BLOCK) {
        let start = first.min(outputs.saturating_sub(BLOCK));
        let end = outputs.min(start + BLOCK);
        let sums = block(weights.get(start * length..end * length).unwrap_or_default());
        each(first, &sums[first - start..end - start]);
    }
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
    fn set(&mut self, inputs: &[u8]) {
        (self.count, self.partial) = (0, false);
        for (mark, inputs) in self.on.iter_mut().zip(inputs.chunks(32)) {
            *mark = 0;
            for (n, four) in inputs.chunks(4).enumerate() {
                let four = four_of(four);
                let mut on = four >> ONE_BITS & 0x0101_0101;
                if four & 0x7F7F_7F7F != 0 {
                    self.partial = true;
                    // A byte with a lower bit set is not on.
                    let low = (four & 0x7F7F_7F7F) + 0x7F7F_7F7F;
                    on &= !(low >> ONE_BITS);
                }
                // Brings the bits 0, 8, 16 and 24 to 27, 26, 25 and 24.
                let gathered = on.wrapping_mul(0x0804_0201) >> 24 & 0xF;
                *mark |= gathered << (28 - 4 * n);
            }
            self.count += mark.count_ones() as usize;
        }
    }
}

/// Up to four inputs as a word, zeros where there are fewer.
fn four_of(inputs: &[u8]) -> u32 {
    match inputs.first_chunk() {
        Some(four) => u32::from_le_bytes(*four),
        None => inputs.iter().rev().fold(0, |word, &x| word << 8 | u32::from(x)),
    }
}

/// Rows of the inputs that are on are added; only a value between is multiplied with.
fn int8_rows(weights: &[u32], inputs: &[u8], outputs: usize, each: &mut dyn FnMut(usize, &[i32])) {
    let stride = outputs.div_ceil(BYTES);
    let correction = BYTE_ZERO * sum(inputs);
    let mut marks = Marks { on: [0; MARKED / 32], count: 0, partial: false };
    for first in (0..stride).step_by(ROW_WORDS) {
        let start = first.min(stride.saturating_sub(ROW_WORDS));
        let mut sums = [0; ROW_TILE];
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
        sums.iter_mut().for_each(|sum| *sum -= correction);
        let count = (outputs - first * BYTES).min(ROW_TILE);
        each(first * BYTES, &sums[(first - start) * BYTES..][..count]);
    }
}

/// `sum_j ← sum_j + 128·Σ_(i on) code_ij`.
fn add_marked_rows(marks: &Marks, inputs: usize, rows: &[u32], stride: usize, sums: &mut [i32; ROW_TILE]) {
    // As many marks as leave no lane over-full.
    let marks_at_once = if marks.count <= LANE_ROWS { marks.on.len() } else { LANE_ROWS / 32 };
    let on = marks.on.get(..inputs.div_ceil(32)).unwrap_or_default();
    for (part, on) in on.chunks(marks_at_once).enumerate() {
        let rows = rows.get(part * marks_at_once * 32 * stride..).unwrap_or_default();
        let lanes = arch::add_rows(on, rows, stride);
        for (sums, lanes) in sums.chunks_exact_mut(BYTES).zip(lanes.chunks_exact(2)) {
            if let ([a, b, c, d], &[even, odd]) = (sums, lanes) {
                *a += ((even & 0xFFFF) << ONE_BITS) as i32;
                *b += ((odd & 0xFFFF) << ONE_BITS) as i32;
                *c += (even >> 16 << ONE_BITS) as i32;
                *d += (odd >> 16 << ONE_BITS) as i32;
            }
        }
    }
}

/// `sum_j ← sum_j + Σ_(i neither off nor on) code_ij·x_i`.
fn add_partial_rows(inputs: &[u8], rows: &[u32], stride: usize, sums: &mut [i32; ROW_TILE]) {
    for (&x, row) in inputs.iter().zip(rows.chunks(stride.max(1))) {
        if x & !super::ONE != 0 {
            let codes: &[u8] = bytemuck::cast_slice(row.get(..ROW_WORDS.min(stride)).unwrap_or(row));
            for (sum, &code) in sums.iter_mut().zip(codes) {
                *sum += i32::from(code) * i32::from(x);
            }
        }
    }
}

const _: () = assert!(MAX_INPUTS as u64 * 255 * 255 < 1 << 31, "codes and values that are bytes");
