//! The command line: syntax in [`args`], one module a command.

pub mod args;
mod eval;
mod inspect;
mod main_job;
mod plan;

use crate::Error;
use args::{Args, Command};
use std::process::ExitCode;

/// What clap exits with, too, when the command line itself is wrong.
const USAGE_ERROR: u8 = 2;

/// Runs a parsed command line. An error goes to stderr and gives exit code 1, or 2 when a flag is wrong.
pub fn run(args: &Args) -> ExitCode {
    let result = match &args.command {
        None => plan::MainJob::new(&args.main_job).and_then(|plan| main_job::run(&plan, args.json)),
        Some(Command::Eval(eval)) => eval::run(eval, args.json),
        Some(Command::Inspect(inspect)) => inspect::run(inspect, args.json),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            match error {
                Error::Flag { .. } => ExitCode::from(USAGE_ERROR),
                _ => ExitCode::FAILURE,
            }
        }
    }
}
