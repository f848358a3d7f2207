//! A sign of life while draws are made: [`Pulse`].

use core::convert::Infallible;
use rand_core::{Rng, TryRng};

/// Draws of one pulse.
const PERIOD: u32 = 256;

/// A generator that calls back after each 256 draws: whatever samples with it gives notice while it works.
pub(super) struct Pulse<'p, R> {
    rng: R,
    drawn: u32,
    alive: &'p mut dyn FnMut(),
}

impl<'p, R: Rng> Pulse<'p, R> {
    pub(super) fn new(rng: R, alive: &'p mut dyn FnMut()) -> Self {
        Self { rng, drawn: 0, alive }
    }

    fn beat(&mut self) {
        self.drawn = (self.drawn + 1) % PERIOD;
        if self.drawn == 0 {
            (self.alive)();
        }
    }
}

impl<R: Rng> TryRng for Pulse<'_, R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.beat();
        Ok(self.rng.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.beat();
        Ok(self.rng.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.beat();
        self.rng.fill_bytes(bytes);
        Ok(())
    }
}
