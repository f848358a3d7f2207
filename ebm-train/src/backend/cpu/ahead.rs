//! [`Ahead`]: a stream of draws made many at a time.

use super::passes::{self, DRAWS};
use ebm_core::rng::Stream;
use rand_core::TryRng;
use std::convert::Infallible;

/// The draws of [`ebm_core::rng::Philox`], made [`DRAWS`] at a time.
pub(super) struct Ahead {
    seed: u64,
    stream: Stream,
    next_block: u32,
    draws: [u32; DRAWS],
    used: usize,
}

impl Ahead {
    /// The stream from its first draw on.
    pub(super) fn new(seed: u64, stream: Stream) -> Self {
        Self { seed, stream, next_block: 0, draws: [0; DRAWS], used: DRAWS }
    }
}

impl TryRng for Ahead {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        if self.used >= DRAWS {
            passes::draw(self.seed, self.stream, self.next_block, &mut self.draws);
            self.next_block = self.next_block.wrapping_add(DRAWS as u32 / 4);
            self.used = 0;
        }
        let draw = self.draws[self.used];
        self.used += 1;
        Ok(draw)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        rand_core::utils::next_u64_via_u32(self)
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        rand_core::utils::fill_bytes_via_next_word(destination, || self.try_next_u32())
    }
}
