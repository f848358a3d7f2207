//! Arm's MPS2 boards as QEMU models them: console and clock.
//!
//! Register maps: Arm DDI 0479 (Cortex-M System Design Kit), chapter 4, APB timer and APB UART. Where
//! they lie and how fast the timer counts depends on the FPGA image: `board.toml` says it.

use core::convert::Infallible;
use core::ptr;

use embedded_io::{ErrorType, Read, ReadReady, Write};

use super::constants::{TIMER_ADDRESS, TIMER_HZ, UART_ADDRESS};
use super::{Driver, constants, memory};
use crate::flash::MemoryFlash;

/// An MPS2 board.
pub struct Mps2;

impl Driver for Mps2 {
    type Console = Uart;
    type Flash = MemoryFlash<'static>;

    const NAME: &'static str = constants::NAME;
    const CLOCK_HZ: u32 = TIMER_HZ;

    fn console() -> Uart {
        Uart::new()
    }

    fn flash() -> MemoryFlash<'static> {
        // SAFETY: the board runs its programs from RAM; the slots are nobody else's, and this is called once.
        MemoryFlash::new(unsafe { &mut *memory::slots() })
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
    const STATE_RX_FULL: u32 = 1 << 1;
    const CTRL_TX_ENABLE: u32 = 1 << 0;
    const CTRL_RX_ENABLE: u32 = 1 << 1;
    /// The smallest divider that the UART accepts.
    const BAUDDIV_MIN: u32 = 16;

    fn new() -> Self {
        // SAFETY: registers of UART0, set to values that they accept at any time.
        unsafe {
            ptr::write_volatile(Self::BAUDDIV, Self::BAUDDIV_MIN);
            ptr::write_volatile(Self::CTRL, Self::CTRL_TX_ENABLE | Self::CTRL_RX_ENABLE);
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

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        // SAFETY: a register of UART0 that can be read at any time.
        Ok(unsafe { ptr::read_volatile(Self::STATE) } & Self::STATE_RX_FULL != 0)
    }
}

impl Read for Uart {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        let Some(byte) = bytes.first_mut() else { return Ok(0) };
        while !self.read_ready()? {}
        // SAFETY: a register of UART0, which holds a byte.
        *byte = unsafe { ptr::read_volatile(Self::DATA) } as u8;
        Ok(1)
    }
}
