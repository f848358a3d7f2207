//! The sums in plain Rust: what every processor can run, and what the others are held to, bit for bit.

use crate::kernel::integer::{BLOCK, ROW_WORDS};

/// Columns that lie one after another, `length` long: the first [`BLOCK`], the first one in place of those that there are not.
fn columns<T>(columns: &[T], length: usize) -> [&[T]; BLOCK] {
    let first = columns.get(..length).unwrap_or_default();
    let mut columns = columns.chunks_exact(length.max(1));
    core::array::from_fn(|_| columns.next().unwrap_or(first))
}

/// `Σ_i w_ij·x_i` for the outputs whose weights are `columns`, as many as there are; any number for the others.
/// `sparse` says that many inputs are off.
#[inline]
pub fn int8_block(columns: &[i8], inputs: &[u8], _sparse: bool) -> [i32; BLOCK] {
    let [a, b, c, d] = self::columns(columns, inputs.len());
    let mut sums = [0; BLOCK];
    for ((((&x, &a), &b), &c), &d) in inputs.iter().zip(a).zip(b).zip(c).zip(d) {
        let x = i32::from(x);
        for (sum, w) in sums.iter_mut().zip([a, b, c, d]) {
            *sum += i32::from(w) * x;
        }
    }
    sums
}

/// Inputs in groups of `N`, the last one filled up with zeros, which add nothing to any sum.
fn groups<const N: usize>(inputs: &[u8]) -> impl Iterator<Item = [u8; N]> {
    let (whole, rest) = inputs.as_chunks::<N>();
    let mut last = [0; N];
    last.iter_mut().zip(rest).for_each(|(last, &x)| *last = x);
    whole.iter().copied().chain((!rest.is_empty()).then_some(last))
}

/// `Σ_i code_ij·x_i` for the outputs whose codes are `columns` (see [`int8_block`]) of [`Storage::Int4`](crate::kernel::integer::Storage).
#[inline]
pub fn int4_block(columns: &[u32], inputs: &[u8]) -> [i32; BLOCK] {
    let [a, b, c, d] = self::columns(columns, inputs.len().div_ceil(8));
    let mut sums = [0; BLOCK];
    for ((((x, &a), &b), &c), &d) in groups::<8>(inputs).zip(a).zip(b).zip(c).zip(d) {
        if x == [0; 8] {
            continue;
        }
        for (sum, word) in sums.iter_mut().zip([a, b, c, d]) {
            for byte in 0..4 {
                *sum += (word >> (8 * byte) & 0xF) as i32 * i32::from(x[byte]);
                *sum += (word >> (8 * byte + 4) & 0xF) as i32 * i32::from(x[byte + 4]);
            }
        }
    }
    sums
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

/// `Σ_(i: bit set) x_i` for the outputs whose bits are `columns` (see [`int8_block`]) of [`Storage::Sign`](crate::kernel::integer::Storage).
#[inline]
pub fn sign_block(columns: &[u32], inputs: &[u8]) -> [i32; BLOCK] {
    /// Words of a column that leave no lane of 16 bits over-full: `16 · 8 · 2 · 255 = 65280`.
    const WORDS: usize = 16;
    let [a, b, c, d] = self::columns(columns, inputs.len().div_ceil(32));
    let mut sums = [0; BLOCK];
    for (part, inputs) in inputs.chunks(32 * WORDS).enumerate() {
        let [a, b, c, d] = [a, b, c, d].map(|column| column.get(part * WORDS..).unwrap_or_default());
        let mut lanes = [0u32; BLOCK];
        for ((((x, &a), &b), &c), &d) in groups::<32>(inputs).zip(a).zip(b).zip(c).zip(d) {
            for (n, &four) in x.as_chunks().0.iter().enumerate() {
                let four = u32::from_le_bytes(four);
                if four == 0 {
                    continue;
                }
                for (lanes, word) in lanes.iter_mut().zip([a, b, c, d]) {
                    let masked = four & MASKS[(word >> (4 * n) & 0xF) as usize];
                    *lanes += (masked & 0x00FF_00FF) + (masked >> 8 & 0x00FF_00FF);
                }
            }
        }
        for (sum, lanes) in sums.iter_mut().zip(lanes) {
            *sum += ((lanes & 0xFFFF) + (lanes >> 16)) as i32;
        }
    }
    sums
}

/// Adds the first [`ROW_WORDS`] words of every row of codes that is marked `on` (from bit 31 of the first word), rows being
/// `stride` words apart: for each word its even bytes, then its odd bytes, in lanes of 16 bits. At most
/// [`LANE_ROWS`](crate::kernel::integer::LANE_ROWS) rows may be marked.
#[inline]
pub fn add_rows(on: &[u32], rows: &[u32], stride: usize) -> [u32; 2 * ROW_WORDS] {
    let mut lanes = [0; 2 * ROW_WORDS];
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
    lanes
}
