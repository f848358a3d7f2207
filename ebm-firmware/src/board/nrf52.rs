//! Nordic's nRF52833 and nRF52840: console, clock and flash. One driver: what it uses is the same in both.

use core::convert::Infallible;

use embedded_io::{ErrorType, Read, ReadReady, Write};
use embedded_storage::nor_flash::NorFlash;
#[cfg(feature = "nrf52833")]
use nrf52833_hal as hal;
#[cfg(feature = "nrf52840")]
use nrf52840_hal as hal;

use hal::gpio::{Disconnected, Level, Pin};
use hal::pac::{CorePeripherals, DWT, NVMC, Peripherals, UART0};

use super::constants::{RX_PIN, TX_PIN};
use super::{Driver, constants, memory};
use crate::flash::{Flash, NotKept};

/// An nRF52.
pub struct Nrf52;

impl Driver for Nrf52 {
    type Console = Uart;
    type Flash = Nvmc;

    const NAME: &'static str = constants::NAME;
    const CLOCK_HZ: u32 = 64_000_000;

    fn console() -> Uart {
        // SAFETY: nothing but the console before it uses the UART, and that is out of use when the panic path asks for another.
        Uart::new(unsafe { Peripherals::steal() }.UART0)
    }

    fn flash() -> Nvmc {
        Nvmc(())
    }

    fn start_clock() {
        // SAFETY: nothing else uses the processor's cycle counter.
        let mut core = unsafe { CorePeripherals::steal() };
        core.DCB.enable_trace();
        core.DWT.enable_cycle_counter();
    }

    fn clock() -> u32 {
        DWT::cycle_count()
    }
}

/// The UART without DMA, the console: it holds six bytes that nobody has asked for yet, where one with DMA has to be told beforehand
/// how many will come.
pub struct Uart(UART0);

impl Uart {
    fn new(uart: UART0) -> Self {
        // SAFETY: pins that the board has wired to its debugger, which nothing else uses.
        let (tx, rx) =
            unsafe { (Pin::<Disconnected>::from_psel_bits(TX_PIN), Pin::<Disconnected>::from_psel_bits(RX_PIN)) };
        let tx = tx.into_push_pull_output(Level::High);
        let rx = rx.into_floating_input();
        // SAFETY: every number is one that the register takes: pins, and ones that start a task.
        unsafe {
            uart.psel.txd.write(|w| w.bits(tx.psel_bits()));
            uart.psel.rxd.write(|w| w.bits(rx.psel_bits()));
            uart.baudrate.write(|w| w.baudrate().baud115200());
            uart.enable.write(|w| w.enable().enabled());
            uart.tasks_startrx.write(|w| w.bits(1));
            uart.tasks_starttx.write(|w| w.bits(1));
        }
        Self(uart)
    }

    fn has_byte(&self) -> bool {
        self.0.events_rxdrdy.read().bits() != 0
    }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Read for Uart {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        let Some(first) = bytes.first_mut() else {
            return Ok(0);
        };
        while !self.has_byte() {}
        // Before the byte is taken, or the event of the next one could be lost.
        self.0.events_rxdrdy.reset();
        *first = self.0.rxd.read().rxd().bits();
        Ok(1)
    }
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.has_byte())
    }
}

impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        for &byte in bytes {
            self.0.events_txdrdy.reset();
            // SAFETY: any byte can be sent.
            self.0.txd.write(|w| unsafe { w.txd().bits(byte) });
            while self.0.events_txdrdy.read().bits() == 0 {}
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The slots in flash, behind its controller.
pub struct Nvmc(());

impl Nvmc {
    /// The HAL's, which takes the slots as its own: while it is there, nothing else may look at them.
    fn hal(&mut self) -> hal::nvmc::Nvmc<NVMC> {
        // SAFETY: nothing but this driver uses the controller, and nothing has borrowed the slots, which `bytes` lends with `self`.
        unsafe { hal::nvmc::Nvmc::new(Peripherals::steal().NVMC, &mut *memory::slots()) }
    }
}

impl Flash for Nvmc {
    const PAGE: usize = hal::nvmc::Nvmc::<NVMC>::ERASE_SIZE;
    const WORD: usize = hal::nvmc::Nvmc::<NVMC>::WRITE_SIZE;

    fn bytes(&self) -> &[u8] {
        // SAFETY: the slots, which are written through `&mut self` alone.
        unsafe { &*memory::slots() }
    }

    fn erase_page(&mut self, offset: usize) -> Result<(), NotKept> {
        self.check(offset, Self::PAGE, Self::PAGE)?;
        self.hal().erase(offset as u32, (offset + Self::PAGE) as u32).map_err(|_| NotKept)
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), NotKept> {
        self.check(offset, bytes.len(), Self::WORD)?;
        self.hal().write(offset as u32, bytes).map_err(|_| NotKept)
    }
}
