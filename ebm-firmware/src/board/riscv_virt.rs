//! QEMU's RISC-V board `virt`: console and clock.

use core::arch::asm;
use core::convert::Infallible;
use core::ptr;

use embedded_io::{ErrorType, Read, ReadReady, Write};

use super::{Driver, constants, memory};
use crate::flash::MemoryFlash;

/// The board.
pub struct Virt;

impl Driver for Virt {
    type Console = Uart;
    type Flash = MemoryFlash<'static>;

    const NAME: &'static str = constants::NAME;
    /// Under `-icount` QEMU's cycle counter counts nanoseconds of virtual time.
    const CLOCK_HZ: u32 = 1_000_000_000;

    fn console() -> Uart {
        Uart(())
    }

    fn flash() -> MemoryFlash<'static> {
        // SAFETY: the board runs its programs from RAM; the slots are nobody else's, and this is called once.
        MemoryFlash::new(unsafe { &mut *memory::slots() })
    }

    fn start_clock() {}

    fn clock() -> u32 {
        let cycles: u32;
        // SAFETY: reads a counter.
        unsafe { asm!("csrr {}, mcycle", out(reg) cycles, options(nomem, nostack)) };
        cycles
    }
}

/// The 16550 UART, the console.
pub struct Uart(());

impl Uart {
    const DATA: *mut u8 = 0x1000_0000 as *mut u8;
    const LINE_STATUS: *const u8 = 0x1000_0005 as *const u8;
    const LINE_STATUS_RX_FULL: u8 = 1 << 0;
    const LINE_STATUS_TX_EMPTY: u8 = 1 << 5;
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        for &byte in bytes {
            // SAFETY: registers of the UART; a byte is written only when there is room for it.
            unsafe {
                while ptr::read_volatile(Self::LINE_STATUS) & Self::LINE_STATUS_TX_EMPTY == 0 {}
                ptr::write_volatile(Self::DATA, byte);
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
        Ok(unsafe { ptr::read_volatile(Self::LINE_STATUS) } & Self::LINE_STATUS_RX_FULL != 0)
    }
}

impl Read for Uart {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        let Some(byte) = bytes.first_mut() else { return Ok(0) };
        while !self.read_ready()? {}
        // SAFETY: a register of the UART, which holds a byte.
        *byte = unsafe { ptr::read_volatile(Self::DATA) };
        Ok(1)
    }
}
