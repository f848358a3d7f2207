//! `cargo xtask`: sets a machine up, tests everything, runs and measures the firmware.

mod board;
mod expected;
mod firmware;
mod packages;
mod process;
mod qemu;
mod setup;
mod size;
mod test;
mod toolchain;
mod transcript;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use board::Board;
use firmware::Model;

/// The project's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Install what the other commands need and this machine lacks: QEMU and the cross targets
    Setup,
    /// Set up, then run every test: formatting, lints, documentation, host, no_std builds, QEMU
    Test,
    /// Run the firmware under QEMU; compare with the host's answers and with the expected output
    Qemu {
        /// A folder of ebm-firmware/boards
        #[arg(default_value = board::DEFAULT)]
        board: String,
        /// The model file to put into flash [default: the firmware's own]
        #[arg(long, value_name = "FILE")]
        model: Option<PathBuf>,
        /// Only this program of ebm-firmware/src/bin [default: all]
        #[arg(long, value_name = "NAME")]
        bin: Option<String>,
        /// Store the output as the expected one
        #[arg(long)]
        overwrite: bool,
    },
    /// Show what the firmware takes of a board's flash and RAM, against the board's budget
    Size {
        /// A folder of ebm-firmware/boards
        #[arg(default_value = board::DEFAULT)]
        board: String,
        /// The model file to put into flash [default: the firmware's own]
        #[arg(long, value_name = "FILE")]
        model: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().chore) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does the chore; false where it ran to its end and what it checked does not hold.
fn run(chore: Chore) -> Result<bool> {
    match chore {
        Chore::Setup => {
            let missing = setup::run()?;
            setup::report(&missing);
            Ok(missing.is_empty())
        }
        Chore::Test => test::run(),
        Chore::Qemu { board, model, bin, overwrite } => {
            let (board, model) = (Board::load(&board)?, Model::find(model)?);
            qemu::run(&board, &model, bin.as_deref(), overwrite)
        }
        Chore::Size { board, model } => size::run(&Board::load(&board)?, &Model::find(model)?),
    }
}
