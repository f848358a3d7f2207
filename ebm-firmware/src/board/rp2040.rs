//! Raspberry Pi's RP2040 at 125 MHz: console and clock; its flash is in `rp2040/flash.rs`.

use rp2040_hal::clocks::init_clocks_and_plls;
use rp2040_hal::fugit::RateExtU32;
use rp2040_hal::gpio::bank0::{Gpio0, Gpio1};
use rp2040_hal::gpio::{FunctionUart, Pin, Pins, PullDown, PullUp};
use rp2040_hal::pac::{Peripherals, TIMER, UART0};
use rp2040_hal::uart::{DataBits, Enabled, StopBits, UartConfig, UartPeripheral};
use rp2040_hal::{Clock, Sio, Watchdog};

use super::constants::CRYSTAL_HZ;
use super::{Driver, constants};

mod flash;
use flash::Slots;

/// Sets up the flash for the program to run from it; the part's ROM calls it first of all.
#[used]
#[unsafe(link_section = ".boot2")]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

/// An RP2040.
pub struct Rp2040;

/// UART0 on pins GP0 and GP1, the console.
type Uart = UartPeripheral<Enabled, UART0, (Pin<Gpio0, FunctionUart, PullDown>, Pin<Gpio1, FunctionUart, PullUp>)>;

impl Driver for Rp2040 {
    type Console = Uart;
    type Flash = Slots;

    const NAME: &'static str = constants::NAME;
    /// The timer's microseconds.
    const CLOCK_HZ: u32 = 1_000_000;

    fn console() -> Uart {
        // SAFETY: nothing but the console before it uses these, and that is out of use when the panic path asks for another.
        let mut part = unsafe { Peripherals::steal() };
        let mut watchdog = Watchdog::new(part.WATCHDOG);
        let clocks = init_clocks_and_plls(
            CRYSTAL_HZ,
            part.XOSC,
            part.CLOCKS,
            part.PLL_SYS,
            part.PLL_USB,
            &mut part.RESETS,
            &mut watchdog,
        );
        let Ok(clocks) = clocks else { unreachable!("the crystal's frequency can be multiplied to 125 MHz") };
        let pins = Pins::new(part.IO_BANK0, part.PADS_BANK0, Sio::new(part.SIO).gpio_bank0, &mut part.RESETS);
        let pins = (pins.gpio0.reconfigure(), pins.gpio1.reconfigure());
        let speed = UartConfig::new(115_200.Hz(), DataBits::Eight, None, StopBits::One);
        let uart = UartPeripheral::new(part.UART0, pins, &mut part.RESETS);
        match uart.enable(speed, clocks.peripheral_clock.freq()) {
            Ok(uart) => uart,
            Err(_) => unreachable!("this clock can be divided to 115,200 baud"),
        }
    }

    fn flash() -> Slots {
        Slots::new()
    }

    fn start_clock() {}

    fn clock() -> u32 {
        // SAFETY: a register that can be read at any time.
        unsafe { (*TIMER::ptr()).timerawl().read().bits() }
    }
}
