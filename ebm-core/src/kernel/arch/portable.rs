//! The sums in plain Rust: what every processor can run, and what the others are held to, bit for bit.

use crate::kernel::integer::{BLOCK, ROW_WORDS};

/// Up to [`BLOCK`] columns `length` long. Where there are fewer, the first stands in for those that there are not.
#[inline]
fn block<T>(columns: &[T], length: usize) -> [&[T]; BLOCK] {
    let first = columns.get(..length).unwrap_or_default();
    core::array::from_fn(|n| columns.get(n * length..(n + 1) * length).unwrap_or(first))
}

/// `sum_j = Σ_i w_ij·x_i` for up to [`BLOCK`] outputs whose weights are `columns`, one after another, of
/// [`Storage::Int8`](crate::kernel::integer::Storage). `sparse` says that many inputs are off.
#[inline(never)]
pub fn int8_columns(columns: &[i8], inputs: &[u8], _sparse: bool, sums: &mut [i32; BLOCK]) {
    let [a, b, c, d] = block(columns, inputs.len());
    let mut now = [0; BLOCK];
    for ((((&x, &a), &b), &c), &d) in inputs.iter().zip(a).zip(b).zip(c).zip(d) {
        let x = i32::from(x);
        for (sum, w) in now.iter_mut().zip([a, b, c, d]) {
            *sum += i32::from(w) * x;
        }
    }
    *sums = now;
}

/// Up to four inputs as a word, zeros where there are fewer: they add nothing to any sum.
#[inline]
pub fn four_of(inputs: &[u8]) -> u32 {
    match inputs.first_chunk() {
        Some(four) => u32::from_le_bytes(*four),
        None => inputs.iter().rev().fold(0, |word, &x| word << 8 | u32::from(x)),
    }
}

/// `sum_j = Σ_i code_ij·x_i` for up to [`BLOCK`] outputs whose codes are `columns`, one after another, of
/// [`Storage::Int4`](crate::kernel::integer::Storage).
#[inline(never)]
pub fn int4_columns(columns: &[u32], inputs: &[u8], sums: &mut [i32; BLOCK]) {
    let [a, b, c, d] = block(columns, inputs.len().div_ceil(8));
    let mut now = [0; BLOCK];
    for ((((x, &a), &b), &c), &d) in inputs.chunks(8).zip(a).zip(b).zip(c).zip(d) {
        for (half, x) in x.chunks(4).enumerate() {
            let x = four_of(x);
            if x != 0 {
                for (sum, word) in now.iter_mut().zip([a, b, c, d]) {
                    let word = word >> (4 * half);
                    *sum += ((word & 0xF) * (x & 0xFF)
                        + (word >> 8 & 0xF) * (x >> 8 & 0xFF)
                        + (word >> 16 & 0xF) * (x >> 16 & 0xFF)
                        + (word >> 24 & 0xF) * (x >> 24)) as i32;
                }
            }
        }
    }
    *sums = now;
}

/// Bytes of ones where the index has a bit.
static MASKS: [u32; 16] = {
    let mut masks = [0; 16];
    let mut bits = 0;
    while bits < 16u32 {
        masks[bits as usize] = (bits & 1 | (bits & 2) << 7 | (bits & 4) << 14 | (bits & 8) << 21) * 0xFF;
        bits += 1;
    }
    masks
};

/// `sum_j = Σ_(i: bit set) x_i` for up to [`BLOCK`] outputs whose bits are `columns`, one after another, of
/// [`Storage::Sign`](crate::kernel::integer::Storage).
#[inline(never)]
pub fn sign_columns(columns: &[u32], inputs: &[u8], sums: &mut [i32; BLOCK]) {
    /// Words of a column that leave no lane of 16 bits over-full: `16 · 8 · 2 · 255 = 65280`.
    const WORDS: usize = 16;
    let [a, b, c, d] = block(columns, inputs.len().div_ceil(32));
    let (mut now, mut lanes) = ([0; BLOCK], [0; BLOCK]);
    for (group, ((((x, &a), &b), &c), &d)) in inputs.chunks(32).zip(a).zip(b).zip(c).zip(d).enumerate() {
        if group % WORDS == 0 {
            flush(&mut lanes, &mut now);
        }
        let mut words = [a, b, c, d];
        for x in x.chunks(4) {
            let x = four_of(x);
            for (lanes, word) in lanes.iter_mut().zip(&mut words) {
                if x != 0 {
                    let masked = x & MASKS[(*word & 0xF) as usize];
                    *lanes += (masked & 0x00FF_00FF) + (masked >> 8 & 0x00FF_00FF);
                }
                *word >>= 4;
            }
        }
    }
    flush(&mut lanes, &mut now);
    *sums = now;
}

/// Moves what two lanes of 16 bits hold to a sum.
fn flush(lanes: &mut [u32; BLOCK], sums: &mut [i32; BLOCK]) {
    for (sum, lanes) in sums.iter_mut().zip(lanes) {
        *sum += ((*lanes & 0xFFFF) + (*lanes >> 16)) as i32;
        *lanes = 0;
    }
}

/// Adds the first [`ROW_WORDS`] words of every row of codes that is marked `on` (from bit 31 of the first word), rows being
/// `stride` words apart, to `lanes`: for each word its even bytes, then its odd bytes, in lanes of 16 bits. At most
/// [`LANE_ROWS`](crate::kernel::integer::LANE_ROWS) rows may be marked.
#[inline(never)]
pub fn add_rows(on: &[u32], rows: &[u32], stride: usize, lanes: &mut [u32; 2 * ROW_WORDS]) {
    for (group, &marks) in on.iter().enumerate() {
        let (mut marks, mut start) = (marks, group * 32 * stride);
        while marks != 0 {
            let skipped = marks.leading_zeros();
            start += skipped as usize * stride;
            let row = rows.get(start..start + ROW_WORDS.min(stride)).unwrap_or_default();
            for (lanes, &word) in lanes.as_chunks_mut::<2>().0.iter_mut().zip(row) {
                lanes[0] += word & 0x00FF_00FF;
                lanes[1] += word >> 8 & 0x00FF_00FF;
            }
            marks = marks << skipped << 1;
            start += stride;
        }
    }
}
