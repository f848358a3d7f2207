//! What all devices have in common: how an app runs on one and how it ends.

use core::fmt::{Arguments, Display};
use core::hint::black_box;
use core::panic::PanicInfo;

use embedded_io::Write;
use semihosting::process::ExitCode;

use super::counter::Counter;
use super::memory::memory;
use super::stack::Stack;
use super::{Board, Driver, Hardware, Memory};

/// A device with `D` as its driver.
pub struct Device<D: Driver> {
    console: D::Console,
    counter: Option<Counter>,
    stack: Stack,
}

/// Runs an app on the board, then ends the emulation: the `main` of every program here.
pub fn start<E: Display>(app: fn(&mut Device<Hardware>) -> Result<(), E>) -> ! {
    let stack = Stack::paint();
    let mut board = Device { console: Hardware::console(), counter: Counter::new::<Hardware>(), stack };
    match app(&mut board) {
        Err(error) => fail(format_args!("{error}")),
        Ok(()) if board.stack.is_exhausted() => fail(format_args!("the stack has grown into the statics")),
        Ok(()) => ExitCode::SUCCESS.exit_process(),
    }
}

/// Does nothing for ever.
pub fn halt() -> ! {
    loop {
        // A loop that does nothing at all may be taken for one that is never reached.
        black_box(());
    }
}

/// Says where and why the program panicked, and ends it as a failure.
pub fn panicked(info: &PanicInfo<'_>) -> ! {
    let message = info.message();
    match info.location() {
        Some(location) => fail(format_args!("panic at {location}: {message}")),
        None => fail(format_args!("panic: {message}")),
    }
}

/// Says which instruction the processor could not do, and ends the program as a failure.
pub fn faulted(address: usize) -> ! {
    fail(format_args!("fault at {address:#010x}"))
}

/// Ends the program as a failure. The console is set up anew: the program may not have come so far.
fn fail(reason: Arguments<'_>) -> ! {
    // The console cannot fail, and after it there is nobody left to tell.
    let _ = writeln!(Hardware::console(), "error: {reason}");
    ExitCode::FAILURE.exit_process()
}

impl<D: Driver> Board for Device<D> {
    type Console = D::Console;

    fn console(&mut self) -> &mut D::Console {
        &mut self.console
    }

    fn count_instructions<R>(&mut self, work: impl FnOnce() -> R) -> (R, Option<u32>) {
        let Some(counter) = &self.counter else {
            return (work(), None);
        };
        let (result, instructions) = behind_pointer(work, |work| counter.count::<D>(work));
        (result, Some(instructions))
    }

    fn measure_stack<R>(&mut self, work: impl FnOnce() -> R) -> (R, Option<u32>) {
        let (result, bytes) = behind_pointer(work, |work| self.stack.measure(work));
        (result, Some(bytes))
    }

    fn memory(&self) -> Option<Memory> {
        Some(memory(&self.stack))
    }
}

/// Hands `work` to `measure` behind a pointer that the compiler cannot see through, so that no part of
/// the work moves out of the measurement.
fn behind_pointer<R>(work: impl FnOnce() -> R, measure: impl FnOnce(&mut dyn FnMut()) -> u32) -> (R, u32) {
    let mut work = Some(work);
    let mut result = None;
    let mut run = || result = work.take().map(|work| work());
    let run: &mut dyn FnMut() = &mut run;
    let measured = measure(black_box(run));
    match result {
        Some(result) => (result, measured),
        None => unreachable!("a measurement runs its work"),
    }
}
