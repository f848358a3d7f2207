//! Nordic's nRF51822, as on the BBC micro:bit: console and clock.
//!
//! Register maps: nRF51 Series Reference Manual, chapters 18 (TIMER) and 29 (UART).

use core::convert::Infallible;
use core::ptr;

use embedded_io::{ErrorType, Write};

use super::Driver;
use super::constants::TX_PIN;

/// An nRF51822.
pub struct Nrf51;

impl Driver for Nrf51 {
    type Console = Uart;

    const CLOCK_HZ: u32 = 16_000_000;

    fn console() -> Uart {
        Uart::new()
    }

    fn start_clock() {
        // SAFETY: registers of TIMER0, which nothing else uses; its interrupts stay off.
        unsafe {
            ptr::write_volatile(timer::MODE, timer::MODE_TIMER);
            ptr::write_volatile(timer::BITMODE, timer::BITMODE_32);
            ptr::write_volatile(timer::PRESCALER, 0);
            ptr::write_volatile(timer::START, 1);
        }
    }

    fn clock() -> u32 {
        // SAFETY: TIMER0 copies its count to the register that is read next.
        unsafe {
            ptr::write_volatile(timer::CAPTURE, 1);
            ptr::read_volatile(timer::CC)
        }
    }
}

/// Registers of TIMER0, the one that can count to 32 bits.
mod timer {
    const BASE: usize = 0x4000_8000;
    pub const START: *mut u32 = BASE as *mut u32;
    pub const CAPTURE: *mut u32 = (BASE + 0x40) as *mut u32;
    pub const MODE: *mut u32 = (BASE + 0x504) as *mut u32;
    pub const BITMODE: *mut u32 = (BASE + 0x508) as *mut u32;
    pub const PRESCALER: *mut u32 = (BASE + 0x510) as *mut u32;
    pub const CC: *const u32 = (BASE + 0x540) as *const u32;
    pub const MODE_TIMER: u32 = 0;
    pub const BITMODE_32: u32 = 3;
}

/// The UART, the console.
pub struct Uart(());

impl Uart {
    const BASE: usize = 0x4000_2000;
    const START_TX: *mut u32 = (Self::BASE + 0x008) as *mut u32;
    const TX_READY: *mut u32 = (Self::BASE + 0x11C) as *mut u32;
    const ENABLE: *mut u32 = (Self::BASE + 0x500) as *mut u32;
    const PIN_TX: *mut u32 = (Self::BASE + 0x50C) as *mut u32;
    const DATA: *mut u32 = (Self::BASE + 0x51C) as *mut u32;
    const BAUD_RATE: *mut u32 = (Self::BASE + 0x524) as *mut u32;
    const ENABLED: u32 = 4;
    const BAUD_115200: u32 = 0x01D7_E000;
    /// Makes pins outputs, a bit a pin.
    const PINS_OUT: *mut u32 = 0x5000_0518 as *mut u32;

    fn new() -> Self {
        // SAFETY: registers of the UART and of its pin, set to values that they accept at any time.
        unsafe {
            ptr::write_volatile(Self::PINS_OUT, 1 << TX_PIN);
            ptr::write_volatile(Self::PIN_TX, TX_PIN);
            ptr::write_volatile(Self::BAUD_RATE, Self::BAUD_115200);
            ptr::write_volatile(Self::ENABLE, Self::ENABLED);
            ptr::write_volatile(Self::START_TX, 1);
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
            // SAFETY: registers of the UART; it says when a byte has left.
            unsafe {
                ptr::write_volatile(Self::TX_READY, 0);
                ptr::write_volatile(Self::DATA, u32::from(byte));
                while ptr::read_volatile(Self::TX_READY) == 0 {}
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
