//! The command line: syntax in [`args`], one module a command.

pub mod args;
mod data;
mod eval;
mod export;
mod import;
mod inspect;
mod main_job;
mod plan;
mod reproduce;

use crate::Error;
use args::{Args, Command};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Prints on stdout. A reader that has gone away, such as `head`, is no failure.
fn print(text: &str) -> Result<(), Error> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::file(Path::new("standard output"), "print")(error))
        }
        _ => Ok(()),
    }
}

/// Prints the one JSON object of a run on stdout.
fn print_json(figures: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_string(figures).map_err(io::Error::from);
    print(&(text.map_err(Error::file(Path::new("standard output"), "write JSON"))? + "\n"))
}

/// What clap exits with, too, when the command line itself is wrong.
const USAGE_ERROR: u8 = 2;

/// Runs a parsed command line. An error goes to stderr and gives exit code 1, or 2 when a flag is wrong.
pub fn run(args: &Args) -> ExitCode {
    let result = match &args.command {
        None => plan::MainJob::new(&args.main_job).and_then(|plan| main_job::run(&plan, args.json)),
        Some(Command::Eval(eval)) => eval::run(eval, args.json),
        Some(Command::Inspect(inspect)) => inspect::run(inspect, args.json),
        Some(Command::Reproduce(reproduce)) => reproduce::run(reproduce, args.json),
        Some(Command::Export(export)) => export::run(export, args.json),
        Some(Command::Import(import)) => import::run(import, args.json),
        Some(Command::Data(data)) => data::run(data, args.json),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The exit code says it even where nobody reads the words.
            let _ = writeln!(io::stderr(), "error: {error}");
            match error {
                Error::Flag { .. } => ExitCode::from(USAGE_ERROR),
                _ => ExitCode::FAILURE,
            }
        }
    }
}
