//! Instructions, counted by a clock: under QEMU's `-icount shift=6` one takes 64 ns.

use core::hint::black_box;

use super::Driver;
use super::arch;

/// Instructions a second at 64 ns each.
const INSTRUCTIONS_PER_SECOND: u32 = 15_625_000;

/// Counts the instructions of a piece of work by the driver's clock.
pub(super) struct Counter {
    overhead_ticks: u32,
}

impl Counter {
    /// Starts the clock; `None` where it does not count instructions, as without `-icount shift=6`.
    pub(super) fn new<D: Driver>() -> Option<Self> {
        D::start_clock();
        let mut counter = Self { overhead_ticks: 0 };
        counter.overhead_ticks = ticks::<D>(black_box(&mut || ()));
        let turns = 1_000;
        let counted = counter.count::<D>(black_box(&mut || arch::spin(turns)));
        let expected = 2 * turns;
        // A few more are the closure's own, and one fewer the clock's rounding.
        (expected - 1..expected + 16).contains(&counted).then_some(counter)
    }

    /// The instructions of `work`, to ±1.
    pub(super) fn count<D: Driver>(&self, work: &mut dyn FnMut()) -> u32 {
        let ticks = ticks::<D>(work).saturating_sub(self.overhead_ticks);
        // In lowest terms the denominator is a power of two for every clock here: a shift, rounded to the nearest.
        let common = const { greatest_common_divisor(INSTRUCTIONS_PER_SECOND, D::CLOCK_HZ) };
        let (instructions, per_ticks) = (INSTRUCTIONS_PER_SECOND / common, D::CLOCK_HZ / common);
        ((u64::from(ticks) * u64::from(instructions) + u64::from(per_ticks / 2)) / u64::from(per_ticks)) as u32
    }
}

/// Never inlined, so that the overhead is the same for every measurement.
#[inline(never)]
fn ticks<D: Driver>(work: &mut dyn FnMut()) -> u32 {
    let before = D::clock();
    work();
    D::clock().wrapping_sub(before)
}

const fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
