//! The host as a board: the same app as on the device, so that their answers can be compared.

extern crate std;

use core::fmt::Display;
use std::io::{self, Stdout, Write as _};
use std::process::ExitCode;

use embedded_io::{ErrorType, Write};

use super::{Board, Memory};

/// The host: prints to stdout, measures nothing.
pub struct Host {
    console: Console,
}

/// Standard output as a console.
pub struct Console(Stdout);

/// Runs an app on the host: the `main` of every program here.
pub fn start<E: Display>(app: fn(&mut Host) -> Result<(), E>) -> ExitCode {
    let mut host = Host { console: Console(io::stdout()) };
    match app(&mut host) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln!`, which panics where stderr is closed; there is nobody left to tell.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

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
        self.0.write(bytes)
    }

    fn flush(&mut self) -> Result<(), io::Error> {
        self.0.flush()
    }
}
