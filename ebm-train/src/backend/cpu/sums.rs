//! Sums of 16-bit weights over the units that are on, as whole numbers: whatever the order and the instructions, the same.
//! One of the four places of `unsafe` in this crate: `cpu/mod.rs` names them.
#![allow(unsafe_code)]

use super::rounded::{LANES, Words};
use super::states::{BLOCK_ROWS, Block, PAIRS};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Of each row of a block, its sum for each unit of a panel.
pub(super) type Sums = [[i32; LANES]; BLOCK_ROWS];

/// `sums[r][l] = Σ_i state(r, i)·weight(i, l)` over all units that `blocks`, one beside the other, and `panel` have.
///
/// A weight is at most 2¹⁵ in size, so a sum over up to 2¹⁶ units fits.
pub(super) fn sums<'a>(blocks: impl Iterator<Item = &'a Block> + Clone, panel: &'a [Words], sums: &mut Sums) {
    let (panel, rest) = panel.as_chunks::<PAIRS>();
    assert!(rest.is_empty(), "a panel is of whole blocks");
    let pairs = blocks.zip(panel);
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
            // SAFETY: the processor has these instructions.
            return unsafe { vnni(pairs, sums) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { avx2(pairs, sums) };
        }
    }
    plain(pairs, sums);
}

/// Which bits are set, the lowest first.
#[inline(always)]
fn each_set(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (bits != 0).then(|| {
            let bit = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            bit
        })
    })
}

/// The definition.
fn plain<'a>(pairs: impl Iterator<Item = (&'a Block, &'a [Words; PAIRS])> + Clone, sums: &mut Sums) {
    *sums = [[0; LANES]; BLOCK_ROWS];
    for (block, words) in pairs {
        for pair in each_set(block.marks) {
            for (sums, states) in sums.iter_mut().zip(&block.pairs) {
                let (lower, higher) = ((states[pair] & 1) as i32, (states[pair] >> 16) as i32);
                for (sum, &word) in sums.iter_mut().zip(&words[pair].0) {
                    *sum += lower * i32::from(word as i16) + higher * i32::from((word >> 16) as i16);
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
fn vnni<'a>(pairs: impl Iterator<Item = (&'a Block, &'a [Words; PAIRS])> + Clone, sums: &mut Sums) {
    const VECTORS: usize = LANES / 16;
    let mut totals = [[_mm512_setzero_si512(); VECTORS]; BLOCK_ROWS];
    for (block, words) in pairs {
        for pair in each_set(block.marks) {
            let words = words[pair].0.as_chunks::<16>().0;
            // SAFETY: sixteen numbers are a vector.
            let words: [__m512i; VECTORS] =
                std::array::from_fn(|vector| unsafe { _mm512_loadu_si512(words[vector].as_ptr().cast()) });
            for (totals, states) in totals.iter_mut().zip(&block.pairs) {
                let states = _mm512_set1_epi32(states[pair] as i32);
                for (total, words) in totals.iter_mut().zip(words) {
                    *total = _mm512_dpwssd_epi32(*total, states, words);
                }
            }
        }
    }
    for (sums, totals) in sums.iter_mut().zip(totals) {
        for (sums, total) in sums.as_chunks_mut::<16>().0.iter_mut().zip(totals) {
            // SAFETY: as above.
            unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), total) };
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<'a>(pairs: impl Iterator<Item = (&'a Block, &'a [Words; PAIRS])> + Clone, sums: &mut Sums) {
    const VECTORS: usize = 2;
    const COLUMNS: usize = 8 * VECTORS;
    // As many units at a time as the registers hold sums of.
    for first in (0..LANES).step_by(COLUMNS) {
        let mut totals = [[_mm256_setzero_si256(); VECTORS]; BLOCK_ROWS];
        for (block, words) in pairs.clone() {
            for pair in each_set(block.marks) {
                let words = words[pair].0[first..first + COLUMNS].as_chunks::<8>().0;
                // SAFETY: eight numbers are a vector.
                let words: [__m256i; VECTORS] =
                    std::array::from_fn(|vector| unsafe { _mm256_loadu_si256(words[vector].as_ptr().cast()) });
                for (totals, states) in totals.iter_mut().zip(&block.pairs) {
                    let states = _mm256_set1_epi32(states[pair] as i32);
                    for (total, words) in totals.iter_mut().zip(words) {
                        *total = _mm256_add_epi32(*total, _mm256_madd_epi16(states, words));
                    }
                }
            }
        }
        for (sums, totals) in sums.iter_mut().zip(totals) {
            let sums = sums[first..first + COLUMNS].as_chunks_mut::<8>().0;
            for (sums, total) in sums.iter_mut().zip(totals) {
                // SAFETY: as above.
                unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), total) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::states::BLOCK_UNITS;
    use super::*;
    use ebm_core::rng::Philox;
    use ebm_core::rng::{Purpose, Stream};
    use rand_core::Rng;

    #[test]
    fn every_instruction_set_forms_the_sums_of_the_definition() {
        let mut rng = Philox::new(1, Stream::new(Purpose::Free));
        let mut blocks = [Block::default(); 17];
        // Of every share of units on, none and all among them.
        for (index, block) in (0..).zip(&mut blocks) {
            for row in 0..BLOCK_ROWS {
                let mut states = [0; BLOCK_UNITS];
                states.iter_mut().for_each(|state| *state = u32::from(rng.next_u32() % 16 < index));
                block.set(row, &states);
            }
            block.mark();
        }
        let mut panel = vec![Words([0; LANES]); blocks.len() * PAIRS];
        panel.iter_mut().flat_map(|Words(words)| words).for_each(|word| *word = rng.next_u32());
        // The largest sums that there can be.
        panel[..PAIRS].fill(Words([0x7fff_7fff; LANES]));
        panel[PAIRS..2 * PAIRS].fill(Words([0x8001_8001; LANES]));
        let pairs = || blocks.iter().zip(panel.as_chunks().0);
        let (mut expected, mut ours) = ([[0; LANES]; BLOCK_ROWS], [[1; LANES]; BLOCK_ROWS]);
        plain(pairs(), &mut expected);
        sums(blocks.iter(), &panel, &mut ours);
        assert_eq!(ours, expected, "what this processor has");
        assert!(expected.as_flattened().iter().any(|&sum| sum != 0));
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            ours = [[1; LANES]; BLOCK_ROWS];
            // SAFETY: the processor has these instructions.
            unsafe { avx2(pairs(), &mut ours) };
            assert_eq!(ours, expected, "AVX2");
        }
    }
}
