//! Arm's MPS2 boards as QEMU models them: console and clock.
//!
//! Register maps: Arm DDI 0479 (Cortex-M System Design Kit), chapter 4, APB timer and APB UART. Where
//! they lie and how fast the timer counts depends on the FPGA image: `board.toml` says it.

use core::convert::Infallible;
use core::ptr;

use embedded_io::{ErrorType, Write};

use super::Driver;
use super::constants::{TIMER_ADDRESS, TIMER_HZ, UART_ADDRESS};

/// An MPS2 board.
pub struct Mps2;

impl Driver for Mps2 {
    type Console = Uart;

    const CLOCK_HZ: u32 = TIMER_HZ;

    fn console() -> Uart {
        Uart::new()
    }

    fn start_clock() {
        // SAFETY: registers of the timer, which nothing else uses; its interrupt stays off.
        unsafe {
            ptr::write_volatile(timer::RELOAD, u32::MAX);
            ptr::write_volatile(timer::VALUE, u32::MAX);
            ptr::write_volatile(timer::CTRL, timer::CTRL_ENABLE);
        }
    }

    fn clock() -> u32 {
        // SAFETY: a register of the timer that can be read at any time. It counts down.
        !unsafe { ptr::read_volatile(timer::VALUE) }
    }
}

/// Registers of the timer.
mod timer {
    use super::TIMER_ADDRESS;

    const BASE: usize = TIMER_ADDRESS as usize;
    pub const CTRL: *mut u32 = BASE as *mut u32;
    pub const VALUE: *mut u32 = (BASE + 4) as *mut u32;
    pub const RELOAD: *mut u32 = (BASE + 8) as *mut u32;
    pub const CTRL_ENABLE: u32 = 1 << 0;
}

/// UART0, the console. QEMU passes its bytes on at once, whatever the baud rate.
pub struct Uart(());

impl Uart {
    const BASE: usize = UART_ADDRESS as usize;
    const DATA: *mut u32 = Self::BASE as *mut u32;
    const STATE: *const u32 = (Self::BASE + 4) as *const u32;
    const CTRL: *mut u32 = (Self::BASE + 8) as *mut u32;
    const BAUDDIV: *mut u32 = (Self::BASE + 16) as *mut u32;
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
