//! The command line: syntax in [`args`], one module a command.

pub mod args;
mod backend;
mod bench;
mod board;
mod completions;
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
mod man;
mod parse;
mod quantize;
mod reconstruct;
mod report;
mod reproduce;
mod sample;
mod train;

use crate::Error;
use crate::ranks::Ranks;
use crate::report::terminal::{self, print};
use crate::run::{Event, INTERRUPTED};
use args::{Args, Command};
use config::Resolved;
use parse::{Line, Refusal};
use serde::Serialize;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// Prints the one JSON object of a run on stdout.
fn print_json(figures: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_string(figures).map_err(io::Error::from);
    print(&(text.map_err(Error::file(Path::new("standard output"), "write JSON"))? + "\n"))
}

/// What clap exits with, too, when the command line itself is wrong.
const USAGE_ERROR: u8 = 2;

/// A command that failed.
const FAILURE: u8 = 1;

/// How a program asks for events.
const JSON_EVENTS: &str = "--json=events";

/// Runs the command line `words`, of which the first is the program. An error goes to stderr and gives exit code 1, or 2 when a flag is wrong, or 130
/// when the user stopped a run.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = words.into_iter().collect();
    let (ranks, joined) = match Ranks::join() {
        Ok(ranks) => (ranks, Ok(())),
        Err(error) => (Ranks::default(), Err(Refusal::Error(error))),
    };
    // Known of a command line that cannot be parsed, too.
    let is_followed = ranks.is_first() && words.iter().any(|word| word == JSON_EVENTS);
    let failed = |message: String, exit_code: u8| {
        if is_followed {
            // The exit code says it even where nobody reads the words.
            let _ = Event::Error { message, exit_code }.print();
        }
        // The others may wait for this one.
        ranks.end_all(exit_code);
        ExitCode::from(exit_code)
    };
    let error = match joined.and_then(|()| parse::parse(words)) {
        Ok(Line { args, resolved }) => match carry_out(args, resolved, &ranks) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(error) => error,
        },
        Err(Refusal::Error(error)) => error,
        Err(Refusal::Usage(error)) => {
            if error.use_stderr() {
                ranks.give_way();
                terminal::write_error(&error.render().ansi().to_string());
                return failed(config::first_line(&error), USAGE_ERROR);
            }
            if ranks.is_first() {
                // Help goes to stdout; a reader that has gone away is no failure.
                let _ = error.print();
            }
            return ExitCode::SUCCESS;
        }
    };
    ranks.give_way();
    let code = exit_code(&error);
    let rank = if ranks.is_first() { String::new() } else { format!("rank {}: ", ranks.rank()) };
    let message = format!("{rank}{error}");
    terminal::error(&message);
    failed(message, code)
}

/// The whole syntax, as clap has it.
pub fn command() -> clap::Command {
    parse::command()
}

fn carry_out(args: Args, resolved: Option<Resolved>, ranks: &Ranks) -> Result<(), Error> {
    let Args { json, train: main_job, command } = args;
    if resolved.is_none() && !ranks.is_alone() {
        let words =
            "only training (the main job, train and finetune) is shared among processes: call this without mpirun";
        return Err(Error::Ranks(words.to_owned()));
    }
    let train = |args| resolved.map_or(Ok(()), |resolved| train::run(args, resolved, json, ranks));
    let json = json.is_some();
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
        Some(Command::Completions(completions)) => completions::run(&completions),
        Some(Command::Man(man)) => man::run(&man, json),
    }
}

/// What the process exits with after this error.
fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Flag { .. }
        | Error::NoBoard { .. }
        | Error::NoData { .. }
        | Error::Config { .. }
        | Error::Ranks(_)
        | Error::TooLarge { .. } => USAGE_ERROR,
        Error::Interrupted { .. } => INTERRUPTED,
        _ => FAILURE,
    }
}
