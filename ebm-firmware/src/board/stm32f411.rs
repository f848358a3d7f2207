//! ST's STM32F411 at 96 MHz: console, clock and flash.

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use embedded_storage::nor_flash::NorFlash;
use stm32f4xx_hal::block;
use stm32f4xx_hal::flash::{self, FlashExt, UnlockedFlash};
use stm32f4xx_hal::pac::{CorePeripherals, DWT, FLASH, Peripherals, USART2};
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc::Config;
use stm32f4xx_hal::serial::{Error, RxISR, Serial};
use stm32f4xx_hal::time::Hertz;

use super::constants::CRYSTAL_HZ;
use super::{Driver, constants, memory};
use crate::flash::{Flash, NotKept};

/// An STM32F411.
pub struct Stm32f411;

impl Driver for Stm32f411 {
    type Console = Uart;
    type Flash = Slots;

    const NAME: &'static str = constants::NAME;
    const CLOCK_HZ: u32 = 96_000_000;

    fn console() -> Uart {
        // SAFETY: nothing but the console before it uses these, and that is out of use when the panic path asks for another; the
        // clocks are then set to what they are.
        let part = unsafe { Peripherals::steal() };
        let speed = Config::hse(Hertz::from_raw(CRYSTAL_HZ)).sysclk(Hertz::from_raw(Self::CLOCK_HZ));
        let mut clocks = part.RCC.freeze(speed);
        let pins = part.GPIOA.split(&mut clocks);
        match part.USART2.serial((pins.pa2, pins.pa3), 115_200.bps(), &mut clocks) {
            Ok(serial) => Uart(serial),
            Err(_) => unreachable!("this clock can be divided to 115,200 baud"),
        }
    }

    fn flash() -> Slots {
        // SAFETY: nothing else uses the flash's controller but to set the clocks.
        Slots(unsafe { FLASH::steal() })
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

/// USART2 on pins PA2 and PA3, the console.
pub struct Uart(Serial<USART2>);

impl ErrorType for Uart {
    type Error = ErrorKind;
}

impl Read for Uart {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        let Some(first) = bytes.first_mut() else {
            return Ok(0);
        };
        *first = block!(self.0.read()).map_err(kind)?;
        Ok(1)
    }
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.0.is_rx_not_empty())
    }
}

impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        for &byte in bytes {
            block!(self.0.write(byte)).map_err(kind)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        block!(self.0.flush()).map_err(kind)
    }
}

/// A byte that came too early is one lost, and the rest is noise on the wire.
fn kind(error: Error) -> ErrorKind {
    match error {
        Error::Overrun => ErrorKind::OutOfMemory,
        _ => ErrorKind::InvalidData,
    }
}

/// The slots in flash, behind its controller.
pub struct Slots(FLASH);

impl Slots {
    /// Does `work`, which gets where the slots begin in the flash and changes them.
    fn change(
        &mut self,
        work: impl FnOnce(&mut UnlockedFlash<'_>, u32) -> Result<(), flash::Error>,
    ) -> Result<(), NotKept> {
        let begin = memory::slots().cast::<u8>() as usize - self.0.address();
        let done = work(&mut self.0.unlocked(), begin as u32).map_err(|_| NotKept);
        // What the cache holds may be what was there before; it can be emptied only while it is off.
        self.0.acr().modify(|_, w| w.dcen().disabled());
        self.0.acr().modify(|_, w| w.dcrst().reset());
        self.0.acr().modify(|_, w| w.dcrst().no_reset());
        self.0.acr().modify(|_, w| w.dcen().enabled());
        done
    }
}

impl Flash for Slots {
    const PAGE: usize = UnlockedFlash::ERASE_SIZE;
    const WORD: usize = UnlockedFlash::WRITE_SIZE;

    fn bytes(&self) -> &[u8] {
        // SAFETY: the slots, which are written through `&mut self` alone.
        unsafe { &*memory::slots() }
    }

    fn erase_page(&mut self, offset: usize) -> Result<(), NotKept> {
        self.check(offset, Self::PAGE, Self::PAGE)?;
        let (from, to) = (offset as u32, (offset + Self::PAGE) as u32);
        self.change(|flash, begin| NorFlash::erase(flash, begin + from, begin + to))
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), NotKept> {
        self.check(offset, bytes.len(), Self::WORD)?;
        self.change(|flash, begin| flash.write(begin + offset as u32, bytes))
    }
}
