//! Random numbers on the host: initial weights and the order of the samples.

use ebm_core::rng::{Philox, Purpose, Stream, unit_interval};
use rand_core::Rng;

/// `count` numbers uniform over `±bound`.
pub fn uniform(seed: u64, layer: u8, count: usize, bound: f32) -> Vec<f32> {
    let mut rng = Philox::new(seed, Stream { layer, ..Stream::new(Purpose::Weights) });
    (0..count).map(|_| bound * (2.0 * unit_interval(rng.next_u32()) - 1.0)).collect()
}

/// A permutation of `0..count` for one epoch of one stage.
pub fn shuffled(seed: u64, layer: u8, epoch: usize, count: usize) -> Vec<u32> {
    permutation(&mut Philox::new(seed, Stream { layer, step: epoch as u32, ..Stream::new(Purpose::Shuffle) }), count)
}

/// A permutation of `0..count`, drawn from `rng` (Fisher & Yates).
pub fn permutation(rng: &mut impl Rng, count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    for last in (1..order.len()).rev() {
        // A 32-bit draw scaled to 0..=last: no place is favoured by more than last / 2^32.
        let pick = (u64::from(rng.next_u32()) * (last as u64 + 1)) >> 32;
        order.swap(last, pick as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_permutation_that_its_epoch_decides() {
        let mut order = shuffled(7, 0, 1, 1000);
        assert_eq!(order, shuffled(7, 0, 1, 1000));
        assert_ne!(order, shuffled(7, 0, 2, 1000));
        order.sort_unstable();
        assert!(order.into_iter().eq(0..1000));
    }
}
