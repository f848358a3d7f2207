//! What a board is to a program: a serial line, a clock, flash.

use embedded_io::{Read, ReadReady, Write};

use crate::flash::Flash;

/// A board, as its file here drives it.
pub trait Driver {
    /// The serial line to a host.
    type Console: Read + ReadReady + Write;

    /// The flash in which models are kept, from `__ebm_slots_start` to `__ebm_slots_end`; its `PAGE` divides the board's `page_bytes`.
    type Flash: Flash;

    /// Name of the board.
    const NAME: &'static str;
    /// Ticks of the clock in a second; 0 without a clock.
    const CLOCK_HZ: u32;

    /// Sets the console up; it may have been before.
    fn console() -> Self::Console;

    /// The flash. To be called once.
    fn flash() -> Self::Flash;

    /// Starts the clock.
    fn start_clock();

    /// Ticks since some moment; wraps.
    fn clock() -> u32;

    /// Called while a program waits for its host, and between the steps of what takes long: the place to feed a watchdog, or to do what else is due.
    fn alive() {}
}
