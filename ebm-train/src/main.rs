//! Parse, run, exit code.

use clap::Parser;
use ebm_train::cli::{self, args::Args};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(&Args::parse())
}
