//! `cargo xtask`: sets a machine up, tests everything, runs and measures the firmware.

mod bare;
mod bench;
mod board;
mod browser;
mod console;
mod costs;
mod count;
mod deny;
mod expected;
mod figures;
mod firmware;
mod flash;
mod fuzz;
mod gpu;
mod line;
mod linked;
mod model;
mod mpi;
mod oracle;
mod package;
mod packages;
mod process;
mod python;
mod qemu;
mod random_nets;
mod sanitize;
mod serve;
mod setup;
mod shapes;
mod size;
mod test;
mod toolchain;
mod transcript;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use bench::Device;
use board::Board;
use console::complain;
use firmware::Host;
use model::Model;
use qemu::Job;

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
    /// Check the NumPy reference by its own tests, and the stored fixtures by what it writes
    Oracle,
    /// Fuzz the model file, its writer and the wire, built with the address sanitizer
    Fuzz {
        /// A target: format, encode_parse or wire [default: all, one after another]
        target: Option<String>,
        /// How long each runs
        #[arg(long, value_name = "N", default_value_t = 60)]
        seconds: u32,
    },
    /// Run the core's tests under the address sanitizer, and under Miri where it is installed
    Sanitize,
    /// Run the firmware under QEMU; compare with the host's answers and with the expected output
    Qemu {
        /// A folder of ebm-firmware/boards [default: all that QEMU has]
        board: Option<String>,
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
    /// Run the firmware's program `serve` in QEMU, its serial line on this command's input and output
    Serve {
        /// A folder of ebm-firmware/boards
        #[arg(default_value = board::DEFAULT)]
        board: String,
        /// The model file to put into flash [default: the firmware's own]
        #[arg(long, value_name = "FILE")]
        model: Option<PathBuf>,
        /// A TCP port for the line instead
        #[arg(long, value_name = "PORT")]
        tcp: Option<u16>,
    },
    /// Use a board's serial line in QEMU as a user does: evaluate, replace the model, break a transfer off, learn
    Line {
        /// A folder of ebm-firmware/boards
        #[arg(default_value = board::DEFAULT)]
        board: String,
        /// Another model of digits, to put in the place of the firmware's own
        #[arg(long, value_name = "FILE")]
        model: PathBuf,
    },
    /// Put one of the firmware's programs on a board and show what it prints; on a board without hardware, under QEMU
    Flash {
        /// A folder of ebm-firmware/boards
        board: String,
        /// The program of ebm-firmware/src/bin
        #[arg(long, value_name = "NAME", default_value = "digits")]
        bin: String,
        /// The model file to put into flash [default: the firmware's own]
        #[arg(long, value_name = "FILE")]
        model: Option<PathBuf>,
    },
    /// Run a linked program on the board that EBM_BOARD names: cargo's runner
    #[command(hide = true)]
    RunOnBoard {
        /// The program
        elf: PathBuf,
    },
    /// Show what the firmware takes of a board's flash and RAM, against the board's budget
    Size {
        /// A folder of ebm-firmware/boards [default: all]
        board: Option<String>,
        /// The model file to put into flash [default: the firmware's own]
        #[arg(long, value_name = "FILE")]
        model: Option<PathBuf>,
    },
    /// Show what inference alone links: its size, that nothing can panic, that integers bring no floating point
    Bare {
        /// A folder of ebm-firmware/boards [default: all]
        board: Option<String>,
    },
    /// Show what another shape of a typed machine costs in flash
    Shapes {
        /// A folder of ebm-firmware/boards
        #[arg(default_value = board::DEFAULT)]
        board: String,
    },
    /// Count the instructions of training's hottest operations, and fail where they have grown
    Count {
        /// Store the counts as the expected ones
        #[arg(long)]
        overwrite: bool,
    },
    /// Time training beside PyTorch and scikit-learn, in turn, and print ratios
    Bench(bench::Asked),
    /// The same on a graphics card: ours beside PyTorch on CUDA
    ///
    /// Both sides need their driver: ours Vulkan's, PyTorch CUDA's. Where there is no Cargo, `xtask bench-gpu --program PROGRAM`, both built elsewhere,
    /// does it from a folder in this checkout.
    BenchGpu(bench::Asked),
    /// Measure nets on the boards under QEMU and fit what `ebm-train inspect --board` predicts by
    Costs {
        /// A folder of ebm-firmware/boards [default: all; with --check, those that `cargo xtask test` checks]
        board: Option<String>,
        /// Store the prices in ebm-train/data/boards
        #[arg(long)]
        overwrite: bool,
        /// Compare predictions with measurements, of nets that no price was fitted to
        #[arg(long, conflicts_with = "overwrite")]
        check: bool,
    },
    /// Measure every operation on every board under QEMU; print the tables in Markdown
    Figures {
        /// A folder of ebm-firmware/boards [default: all that QEMU has]
        board: Option<String>,
        /// Shape of the nets of random weights: visible units, hidden units, classes
        #[arg(long, value_name = "V-H-C", default_value = "784-128-10")]
        shape: String,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().chore) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(format_args!("error: {error:#}"));
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
        Chore::Oracle => oracle::run(),
        Chore::Fuzz { target, seconds } => fuzz::run(target.as_deref(), seconds),
        Chore::Sanitize => sanitize::run(),
        Chore::Qemu { board, model, bin, overwrite } => {
            let (boards, model) = (Board::emulated(board.as_deref())?, Model::find(model.as_deref())?);
            let only = bin.as_deref().map(|name| [name]);
            let job = Job { model: &model, only: only.as_ref().map(|names| names.as_slice()), overwrite };
            let mut host = Host::default();
            each(&boards, |board| qemu::run(board, &job, &mut host))
        }
        Chore::Serve { board, model, tcp } => serve::run(&Board::load(&board)?, &Model::find(model.as_deref())?, tcp),
        Chore::Line { board, model } => line::run(&Board::load(&board)?, &std::path::absolute(model)?),
        Chore::Flash { board, bin, model } => flash::run(&Board::load(&board)?, &bin, &Model::find(model.as_deref())?),
        Chore::RunOnBoard { elf } => flash::run_elf(&elf),
        Chore::Size { board, model } => {
            let (boards, model) = (Board::chosen(board.as_deref())?, Model::find(model.as_deref())?);
            each(&boards, |board| size::run(board, &model))
        }
        Chore::Bare { board } => bare::run(&Board::chosen(board.as_deref())?),
        Chore::Shapes { board } => shapes::run(&Board::load(&board)?),
        Chore::Count { overwrite } => count::run(overwrite),
        Chore::Bench(asked) => bench::run(&asked, Device::Processor).map(|()| true),
        Chore::BenchGpu(asked) => bench::run(&asked, Device::Card).map(|()| true),
        Chore::Costs { board, check: true, .. } => match board {
            Some(name) => costs::check(&[Board::load(&name)?]),
            None => costs::check(&[costs::checked()?]),
        },
        Chore::Costs { board, overwrite, .. } => costs::run(&Board::chosen(board.as_deref())?, overwrite),
        Chore::Figures { board, shape } => figures::run(&Board::emulated(board.as_deref())?, &shape),
    }
}

/// Does something with each board, whether or not it was good on those before; true where it was on all.
fn each(boards: &[Board], mut chore: impl FnMut(&Board) -> Result<bool>) -> Result<bool> {
    let mut good = true;
    for board in boards {
        good &= chore(board)?;
    }
    Ok(good)
}
