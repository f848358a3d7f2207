//! Nordic's nRF51822, as on the BBC micro:bit: console, clock and flash.
//!
//! Register maps: nRF51 Series Reference Manual, chapters 6 (NVMC), 18 (TIMER) and 29 (UART).

use core::convert::Infallible;
use core::ptr;

use embedded_io::{ErrorType, Read, ReadReady, Write};

use super::constants::{RX_PIN, TX_PIN};
use super::{Driver, constants, memory};
use crate::flash::{Flash, NotKept};

/// An nRF51822.
pub struct Nrf51;

impl Driver for Nrf51 {
    type Console = Uart;
    type Flash = Nvmc;

    const NAME: &'static str = constants::NAME;
    const CLOCK_HZ: u32 = 16_000_000;

    fn console() -> Uart {
        Uart::new()
    }

    fn flash() -> Nvmc {
        Nvmc(())
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
    const START_RX: *mut u32 = Self::BASE as *mut u32;
    const START_TX: *mut u32 = (Self::BASE + 0x008) as *mut u32;
    const RX_READY: *mut u32 = (Self::BASE + 0x108) as *mut u32;
    const TX_READY: *mut u32 = (Self::BASE + 0x11C) as *mut u32;
    const ENABLE: *mut u32 = (Self::BASE + 0x500) as *mut u32;
    const PIN_TX: *mut u32 = (Self::BASE + 0x50C) as *mut u32;
    const PIN_RX: *mut u32 = (Self::BASE + 0x514) as *mut u32;
    const RECEIVED: *mut u32 = (Self::BASE + 0x518) as *mut u32;
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
            ptr::write_volatile(Self::PIN_RX, RX_PIN);
            ptr::write_volatile(Self::BAUD_RATE, Self::BAUD_115200);
            ptr::write_volatile(Self::ENABLE, Self::ENABLED);
            ptr::write_volatile(Self::START_TX, 1);
            ptr::write_volatile(Self::START_RX, 1);
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

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        // SAFETY: a register of the UART that can be read at any time.
        Ok(unsafe { ptr::read_volatile(Self::RX_READY) } != 0)
    }
}

impl Read for Uart {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        let Some(byte) = bytes.first_mut() else { return Ok(0) };
        while !self.read_ready()? {}
        // SAFETY: registers of the UART, which holds a byte; the event is cleared before the byte is taken, so that the next one's is not lost.
        unsafe {
            ptr::write_volatile(Self::RX_READY, 0);
            *byte = ptr::read_volatile(Self::RECEIVED) as u8;
        }
        Ok(1)
    }
}

/// The controller of the flash, over the slots for models.
pub struct Nvmc(());

impl Nvmc {
    const BASE: usize = 0x4001_E000;
    const READY: *const u32 = (Self::BASE + 0x400) as *const u32;
    const CONFIG: *mut u32 = (Self::BASE + 0x504) as *mut u32;
    const ERASE_PAGE: *mut u32 = (Self::BASE + 0x508) as *mut u32;
    const READ_ONLY: u32 = 0;
    const WRITE: u32 = 1;
    const ERASE: u32 = 2;

    /// Does `work`, which writes, with the flash in `mode`.
    fn within(mode: u32, work: impl FnOnce()) {
        let wait = || {
            // SAFETY: a register of the controller that can be read at any time.
            while unsafe { ptr::read_volatile(Self::READY) } == 0 {}
        };
        // SAFETY: a register of the controller, set to modes that it has.
        unsafe { ptr::write_volatile(Self::CONFIG, mode) };
        wait();
        work();
        wait();
        // SAFETY: as above.
        unsafe { ptr::write_volatile(Self::CONFIG, Self::READ_ONLY) };
        wait();
    }

    fn word(offset: usize) -> *mut u32 {
        memory::slots().cast::<u8>().wrapping_add(offset).cast()
    }
}

impl Flash for Nvmc {
    const PAGE: usize = 1024;
    const WORD: usize = 4;

    fn bytes(&self) -> &[u8] {
        // SAFETY: the slots, which are written through `&mut self` alone.
        unsafe { &*memory::slots() }
    }

    fn erase_page(&mut self, offset: usize) -> Result<(), NotKept> {
        self.check(offset, Self::PAGE, Self::PAGE)?;
        // SAFETY: a register of the controller; the page is one of the slots'.
        Self::within(Self::ERASE, || unsafe { ptr::write_volatile(Self::ERASE_PAGE, Self::word(offset) as u32) });
        Ok(())
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), NotKept> {
        self.check(offset, bytes.len(), Self::WORD)?;
        for (index, &word) in bytes.as_chunks().0.iter().enumerate() {
            let at = Self::word(offset + Self::WORD * index);
            // SAFETY: an aligned word of the slots; the controller holds the processor until it is written.
            Self::within(Self::WRITE, || unsafe { ptr::write_volatile(at, u32::from_le_bytes(word)) });
        }
        Ok(())
    }
}
