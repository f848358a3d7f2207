//! Espressif's ESP32-C3 at 160 MHz: console and clock.

use core::sync::atomic::{AtomicBool, Ordering};

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use esp_hal::Blocking;
use esp_hal::clock::CpuClock;
use esp_hal::peripherals::{GPIO20, GPIO21, UART0};
use esp_hal::time::Instant;
use esp_hal::uart;

use super::{Driver, constants, memory};
use crate::flash::ReadOnlyFlash;

/// Says to the part's second bootloader that this is a program for it: a magic number, any revision of the part, and flash in pages of
/// 2^16 bytes. Names and dates are left empty. ESP-IDF's `esp_app_desc_t`.
#[used]
#[unsafe(link_section = ".flash.appdesc")]
static DESCRIPTION: [u8; 256] = {
    let mut bytes = [0; 256];
    let magic = 0xABCD_5432_u32.to_le_bytes();
    (bytes[0], bytes[1], bytes[2], bytes[3]) = (magic[0], magic[1], magic[2], magic[3]);
    (bytes[178], bytes[179]) = (u8::MAX, u8::MAX);
    bytes[180] = 16;
    bytes
};

/// Has the HAL set the part up? It does that once.
static IS_SET_UP: AtomicBool = AtomicBool::new(false);

/// An ESP32-C3.
pub struct Esp32c3;

impl Driver for Esp32c3 {
    type Console = Uart;
    /// The flash's chip is reached through functions of the ROM that need the cache off.
    type Flash = ReadOnlyFlash<'static>;

    const NAME: &'static str = constants::NAME;
    /// The system timer's microseconds.
    const CLOCK_HZ: u32 = 1_000_000;

    fn console() -> Uart {
        if !IS_SET_UP.load(Ordering::Relaxed) {
            IS_SET_UP.store(true, Ordering::Relaxed);
            esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
        }
        // SAFETY: nothing but the console before it uses these, and that is out of use when the panic path asks for another.
        let (port, tx, rx) = unsafe { (UART0::steal(), GPIO21::steal(), GPIO20::steal()) };
        match uart::Uart::new(port, uart::Config::default().with_baudrate(115_200)) {
            Ok(uart) => Uart(uart.with_tx(tx).with_rx(rx)),
            Err(_) => unreachable!("this clock can be divided to 115,200 baud"),
        }
    }

    fn flash() -> ReadOnlyFlash<'static> {
        // SAFETY: nothing writes them.
        ReadOnlyFlash(unsafe { &*memory::slots() })
    }

    fn start_clock() {}

    fn clock() -> u32 {
        Instant::now().duration_since_epoch().as_micros() as u32
    }
}

/// UART0 on pins 21 and 20, the console.
pub struct Uart(uart::Uart<'static, Blocking>);

impl ErrorType for Uart {
    type Error = ErrorKind;
}

impl Read for Uart {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        self.0.read(bytes).map_err(|_| ErrorKind::InvalidData)
    }
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.0.read_ready())
    }
}

impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.0.write(bytes).map_err(|_| ErrorKind::Other)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.0.flush().map_err(|_| ErrorKind::Other)
    }
}
