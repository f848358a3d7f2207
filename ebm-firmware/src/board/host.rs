//! The host as a board: the same app as on the device, so that their answers can be compared.

extern crate std;

use core::fmt::Display;
use std::boxed::Box;
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Instant;

use embedded_io::{ErrorType, Read, ReadReady, Write};

use super::{Board, Driver, Memory};
use crate::flash::MemoryFlash;
use crate::model;

/// The host: prints to stdout, measures nothing.
pub struct Host {
    console: Console,
}

/// Standard input and output as a console.
pub struct Console(());

/// Runs an app on the host: the `main` of every program here.
pub fn start<E: Display>(app: fn(&mut Host) -> Result<(), E>) -> ExitCode {
    let mut host = Host { console: Console(()) };
    match app(&mut host) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln!`, which panics where stderr is closed; there is nobody left to tell.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Driver for Host {
    type Console = Console;
    type Flash = MemoryFlash<'static>;

    const NAME: &'static str = "host";
    const CLOCK_HZ: u32 = 1_000_000;

    fn console() -> Console {
        Console(())
    }

    fn flash() -> MemoryFlash<'static> {
        MemoryFlash::new(&mut Box::leak(Box::new(*model::slots())).0)
    }

    fn start_clock() {
        LazyLock::force(&START);
    }

    fn clock() -> u32 {
        START.elapsed().as_micros() as u32
    }
}

/// When the clock was started.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Board for Host {
    type Console = Console;

    fn console(&mut self) -> &mut Console {
        &mut self.console
    }

    fn count_instructions<R>(&mut self, work: impl FnOnce() -> R) -> (R, Option<u32>) {
        (work(), None)
    }

    fn measure_stack<R>(&mut self, work: impl FnOnce() -> R) -> (R, Option<u32>) {
        (work(), None)
    }

    fn memory(&self) -> Option<Memory> {
        None
    }
}

impl ErrorType for Console {
    type Error = io::Error;
}

impl Write for Console {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, io::Error> {
        io::stdout().write(bytes)
    }

    fn flush(&mut self) -> Result<(), io::Error> {
        io::stdout().flush()
    }
}

impl ReadReady for Console {
    /// Always: a read then waits for a byte.
    fn read_ready(&mut self) -> Result<bool, io::Error> {
        Ok(true)
    }
}

impl Read for Console {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, io::Error> {
        io::stdin().read(bytes)
    }
}
