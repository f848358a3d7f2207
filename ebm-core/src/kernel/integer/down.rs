//! Sums downwards, `Σ_j w_ij·c_j` over the hidden units' contributions `c_j`, for a run of visible units.

use super::weights::{BYTE_ZERO, BYTES, NIBBLE_ZERO, NIBBLES, SIGNS, Weights};

/// Visible units that are summed together, so that a hidden unit's weights are read in runs.
pub(super) const TILE: usize = 16;
const _: () = assert!(SIGNS.is_multiple_of(TILE) && TILE.is_multiple_of(NIBBLES));

/// The sums of visible units `first … first + 15`, `first` a multiple of [`TILE`]; those past the last are anything.
///
/// `contributions` are the hidden units' indices and `c_j`, without those that are zero.
pub(super) fn tile(
    weights: Weights<'_>,
    (visible, hidden): (usize, usize),
    first: usize,
    contributions: impl Iterator<Item = (usize, i32)>,
) -> [i32; TILE] {
    let mut sums = [0; TILE];
    // Codes are unsigned, `w = code − zero`: corrected once by `zero·Σ_j c_j`.
    let mut total = 0;
    let contributions = contributions.inspect(|&(_, c)| total += c);
    let zero = match weights {
        Weights::Int8(bytes) => {
            for (j, c) in contributions {
                add_bytes(c, run(bytes, visible, j, first), &mut sums);
            }
            0
        }
        Weights::Int4(words) => {
            for (j, c) in contributions {
                add_nibbles(c, run(words, visible.div_ceil(NIBBLES), j, first / NIBBLES), &mut sums);
            }
            NIBBLE_ZERO
        }
        Weights::Sign(words) => {
            for (j, c) in contributions {
                let word = run(words, visible.div_ceil(SIGNS), j, first / SIGNS).first();
                add_signs(2 * c, word.map_or(0, |word| word >> (first % SIGNS)), &mut sums);
            }
            1
        }
        Weights::Int8Rows(words) => {
            add_rows(words, hidden.div_ceil(BYTES), first, contributions, &mut sums);
            BYTE_ZERO
        }
    };
    let correction = zero * total;
    sums.map(|sum| sum - correction)
}

/// Column `j` of columns `length` long, from `first` on.
fn run<T>(weights: &[T], length: usize, j: usize, first: usize) -> &[T] {
    weights.get(j * length + first..(j + 1) * length).unwrap_or_default()
}

/// `sum_i ← sum_i + c·w_i` over as many weights as there are, up to [`TILE`].
#[inline]
fn add_bytes(c: i32, weights: &[i8], sums: &mut [i32; TILE]) {
    let add = |(sum, &weight): (&mut i32, &i8)| *sum += i32::from(weight) * c;
    // A whole tile has a length that the compiler knows.
    match weights.first_chunk::<TILE>() {
        Some(weights) => sums.iter_mut().zip(weights).for_each(add),
        None => sums.iter_mut().zip(weights).for_each(add),
    }
}

/// `sum_i ← sum_i + c·code_i`, likewise, the codes being nibbles.
#[inline]
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
#[inline]
fn add_signs(c: i32, bits: u32, sums: &mut [i32; TILE]) {
    for (bit, sum) in sums.iter_mut().enumerate() {
        *sum += c & -((bits >> bit & 1) as i32);
    }
}

/// `sum_i ← sum_i + Σ_j code_ij·c_j`, the codes being bytes in rows `stride` words long.
///
/// Contributions are taken in runs: a run's are held while all rows of the tile are read.
fn add_rows(
    words: &[u32],
    stride: usize,
    first: usize,
    mut contributions: impl Iterator<Item = (usize, i32)>,
    sums: &mut [i32; TILE],
) {
    let codes: &[u8] = bytemuck::cast_slice(words);
    let stride = stride * BYTES;
    loop {
        let mut run = [(0usize, 0i32); TILE];
        let mut length = 0;
        for (place, taken) in run.iter_mut().zip(&mut contributions) {
            *place = taken;
            length += 1;
        }
        let Some(run) = run.get(..length).filter(|run| !run.is_empty()) else { return };
        for (offset, sum) in sums.iter_mut().enumerate() {
            let start = (first + offset) * stride;
            let row = codes.get(start..start + stride).unwrap_or_default();
            for &(j, c) in run {
                *sum += i32::from(row.get(j).copied().unwrap_or(0)) * c;
            }
        }
    }
}
