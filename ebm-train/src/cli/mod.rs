//! The command line: syntax in [`args`], one module a command.

pub mod args;
mod backend;
mod bench;
mod board;
mod config;
mod data;
mod device;
mod drawing;
mod eval;
mod export;
mod features;
mod finetune;
mod idle;
mod import;
mod inpaint;
mod inspect;
mod parse;
mod quantize;
mod reconstruct;
mod report;
mod reproduce;
mod sample;
mod train;

use crate::Error;
use crate::run::INTERRUPTED;
use args::{Args, Command};
use config::Resolved;
use parse::{Line, Refusal};
use serde::Serialize;
use std::ffi::OsString;
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

/// Runs the command line `words`, of which the first is the program. An error goes to stderr and gives exit code 1, or 2 when a flag is wrong, or 130
/// when the user stopped a run.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    match parse::parse(words.into_iter().collect()) {
        Ok(Line { args, resolved }) => exit_code(carry_out(args, resolved)),
        Err(Refusal::Error(error)) => exit_code(Err(error)),
        Err(Refusal::Usage(error)) => {
            // Help goes to stdout; a reader that has gone away is no failure.
            let _ = error.print();
            ExitCode::from(if error.use_stderr() { USAGE_ERROR } else { 0 })
        }
    }
}

fn carry_out(args: Args, resolved: Option<Resolved>) -> Result<(), Error> {
    let Args { json, train: main_job, command } = args;
    let train = |args| resolved.map_or(Ok(()), |resolved| train::run(args, resolved, json));
    match command {
        None => train(main_job),
        Some(Command::Train(args)) => train(*args),
        Some(Command::Finetune(args)) => train(args.train),
        Some(Command::Eval(eval)) => eval::run(&eval, json),
        Some(Command::Inspect(inspect)) => inspect::run(&inspect, json),
        Some(Command::Report(report)) => report::run(&report, json),
        Some(Command::Reproduce(reproduce)) => reproduce::run(&reproduce, json),
        Some(Command::Bench(bench)) => bench::run(&bench, json),
        Some(Command::Gpu) => backend::list(json),
        Some(Command::Sample(sample)) => sample::run(&sample, json),
        Some(Command::Reconstruct(reconstruct)) => reconstruct::run(&reconstruct, json),
        Some(Command::Inpaint(inpaint)) => inpaint::run(&inpaint, json),
        Some(Command::Features(features)) => features::run(&features, json),
        Some(Command::Quantize(quantize)) => quantize::run(&quantize, json),
        Some(Command::Export(export)) => export::run(&export, json),
        Some(Command::Import(import)) => import::run(&import, json),
        Some(Command::Device(device)) => device::run(&device, json),
        Some(Command::Data(data)) => data::run(&data, json),
    }
}

fn exit_code(result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The exit code says it even where nobody reads the words.
            let _ = writeln!(io::stderr(), "error: {error}");
            match error {
                Error::Flag { .. }
                | Error::NoBoard { .. }
                | Error::NoData { .. }
                | Error::Config { .. }
                | Error::TooLarge { .. } => ExitCode::from(USAGE_ERROR),
                Error::Interrupted { .. } => ExitCode::from(INTERRUPTED),
                _ => ExitCode::FAILURE,
            }
        }
    }
}
