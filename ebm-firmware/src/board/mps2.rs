//! Arm's MPS2 boards as QEMU models them: console, instruction counter, exit.
//!
//! Register maps: Arm DDI 0479 (Cortex-M System Design Kit), chapter 4, APB timer and APB UART. Both
//! lie at the same addresses in every FPGA image of the family.

use core::arch::asm;
use core::convert::Infallible;
use core::fmt::{Arguments, Display};
use core::hint::black_box;
use core::panic::PanicInfo;
use core::ptr;

use cortex_m_rt::{ExceptionFrame, exception};
use cortex_m_semihosting::debug;
use embedded_io::{ErrorType, Write};

use super::cortex_m::{Stack, memory};
use super::{Board, Memory};

/// An MPS2 board.
pub struct Mps2 {
    console: Uart,
    counter: Option<Counter>,
    stack: Stack,
}

/// Runs an app on the board, then ends the emulation: the `main` of every program here.
pub fn start<E: Display>(app: fn(&mut Mps2) -> Result<(), E>) -> ! {
    let mut board = Mps2 { console: Uart::new(), counter: Counter::new(), stack: Stack::painted() };
    match app(&mut board) {
        Err(error) => fail(format_args!("{error}")),
        Ok(()) if board.stack.is_exhausted() => fail(format_args!("the stack has grown into the statics")),
        Ok(()) => exit(debug::EXIT_SUCCESS),
    }
}

impl Board for Mps2 {
    type Console = Uart;

    fn console(&mut self) -> &mut Uart {
        &mut self.console
    }

    fn count_instructions<R>(&mut self, work: impl FnOnce() -> R) -> (R, Option<u32>) {
        let Some(counter) = &self.counter else {
            return (work(), None);
        };
        let (result, instructions) = behind_pointer(work, |work| counter.count(work));
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

/// UART0, the console. QEMU passes its bytes on at once, whatever the baud rate.
pub struct Uart(());

impl Uart {
    const DATA: *mut u32 = 0x4000_4000 as *mut u32;
    const STATE: *const u32 = 0x4000_4004 as *const u32;
    const CTRL: *mut u32 = 0x4000_4008 as *mut u32;
    const BAUDDIV: *mut u32 = 0x4000_4010 as *mut u32;
    const STATE_TX_FULL: u32 = 1 << 0;
    const CTRL_TX_ENABLE: u32 = 1 << 0;
    /// The smallest divider that the UART accepts.
    const BAUDDIV_MIN: u32 = 16;

    fn new() -> Self {
        // SAFETY: registers of UART0, set to values that they accept at any time.
        unsafe {
            ptr::write_volatile(Self::BAUDDIV, Self::BAUDDIV_MIN);
            ptr::write_volatile(Self::CTRL, Self::CTRL_TX_ENABLE);
        }
        Self(())
    }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        for &byte in bytes {
            // SAFETY: registers of UART0; a byte is written only when there is room for it.
            unsafe {
                while ptr::read_volatile(Self::STATE) & Self::STATE_TX_FULL != 0 {}
                ptr::write_volatile(Self::DATA, u32::from(byte));
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Counts instructions by TIMER0, which runs at 25 MHz.
///
/// Under QEMU's `-icount shift=6` an instruction takes 64 ns of virtual time, and a tick is 40 ns:
/// instructions = ticks × 5/8. TIMER0 has 32 bits, so it wraps after 2.6 × 10⁹ instructions, where
/// SysTick's 24 bits would after 10.5 × 10⁶.
struct Counter {
    /// What an empty measurement takes.
    overhead_ticks: u32,
}

impl Counter {
    const CTRL: *mut u32 = 0x4000_0000 as *mut u32;
    const VALUE: *mut u32 = 0x4000_0004 as *mut u32;
    const RELOAD: *mut u32 = 0x4000_0008 as *mut u32;
    const CTRL_ENABLE: u32 = 1 << 0;

    /// Starts the timer; `None` where it does not count instructions, as without `-icount shift=6`.
    fn new() -> Option<Self> {
        // SAFETY: registers of TIMER0, which nothing else uses; its interrupt stays off.
        unsafe {
            ptr::write_volatile(Self::RELOAD, u32::MAX);
            ptr::write_volatile(Self::VALUE, u32::MAX);
            ptr::write_volatile(Self::CTRL, Self::CTRL_ENABLE);
        }
        let mut counter = Self { overhead_ticks: 0 };
        counter.overhead_ticks = counter.ticks(black_box(&mut || ()));
        let turns = 1_000;
        let counted = counter.count(black_box(&mut || spin(turns)));
        let expected = 2 * turns;
        // A few more are the closure's own.
        (expected..expected + 16).contains(&counted).then_some(counter)
    }

    fn count(&self, work: &mut dyn FnMut()) -> u32 {
        let ticks = self.ticks(work).saturating_sub(self.overhead_ticks);
        // Rounded to the nearest.
        ((u64::from(ticks) * 5 + 4) / 8) as u32
    }

    /// Never inlined, so that the overhead is the same for every measurement.
    #[inline(never)]
    fn ticks(&self, work: &mut dyn FnMut()) -> u32 {
        let before = Self::value();
        work();
        // The timer counts down.
        before.wrapping_sub(Self::value())
    }

    fn value() -> u32 {
        // SAFETY: a register of TIMER0 that can be read at any time.
        unsafe { ptr::read_volatile(Self::VALUE) }
    }
}

/// Takes exactly `2 × turns` instructions.
fn spin(turns: u32) {
    // SAFETY: changes nothing but its own register and the flags.
    unsafe {
        asm!(
            "2:",
            "subs {turns}, #1",
            "bne 2b",
            turns = inout(reg) turns => _,
            options(nomem, nostack),
        );
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let message = info.message();
    match info.location() {
        Some(location) => fail(format_args!("panic at {location}: {message}")),
        None => fail(format_args!("panic: {message}")),
    }
}

// SAFETY: the handler never returns to the code that faulted.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    fail(format_args!("hard fault at {:#010x}", frame.pc()))
}

/// Ends the program as a failure. The console is set up anew: the program may not have come so far.
fn fail(reason: Arguments<'_>) -> ! {
    // The UART cannot fail, and after it there is nobody left to tell.
    let _ = writeln!(Uart::new(), "error: {reason}");
    exit(debug::EXIT_FAILURE)
}

fn exit(status: debug::ExitStatus) -> ! {
    debug::exit(status);
    // A debugger may let the program go on: there is nothing left to do.
    loop {
        cortex_m::asm::wfi();
    }
}
