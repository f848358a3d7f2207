//! Syntax of `device`.

use crate::Error;
use crate::data::DataOptions;
use clap::{Subcommand, ValueEnum, value_parser};
use ebm_core::wire;
use std::path::{Path, PathBuf};

/// Arguments of `device`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "The device runs the firmware's program `serve` with this very model. Examples:
  ebm-train device runs/b/model.ebm --qemu mps2-an386 --data digits
  ebm-train device runs/b/model.ebm --port /dev/ttyACM0 --data digits --samples 200 --json"
)]
pub struct DeviceArgs {
    /// What else is done with the device
    #[command(subcommand)]
    pub action: Option<Action>,
    /// Show it every sample of a data set, and compare every answer with the host's
    #[command(flatten)]
    pub check: CheckArgs,
}

/// What is done with a device.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Let it learn from a data set in place, and show the novelty score before and after
    #[command(
        after_help = "Example: ebm-train device learn runs/c/model.ebm --qemu mps2-an386 --data csv:usual.csv --learning-rate 0.01 --out adapted.ebm"
    )]
    Learn(Box<LearnArgs>),
    /// Fetch the model that it runs, with what it has learnt, as a file
    #[command(after_help = "Example: ebm-train device pull --port /dev/ttyACM0 --out adapted.ebm")]
    Pull(PullArgs),
    /// Put another model in the place of the one that it runs
    #[command(after_help = "Example: ebm-train device push runs/d/model.ebm --port /dev/ttyACM0")]
    Push(PushArgs),
}

/// Where the device is.
#[derive(Debug, clap::Args)]
pub struct LineArgs {
    /// Its serial port, such as /dev/ttyACM0 or COM3
    #[arg(long, value_name = "PATH", group = "line", help_heading = "Line")]
    pub port: Option<String>,
    /// A TCP address that serves its line
    #[arg(long, value_name = "HOST:PORT", group = "line", help_heading = "Line")]
    pub tcp: Option<String>,
    /// A board of ebm-firmware/boards that QEMU emulates: builds the firmware with the model and starts it, from a checkout
    #[arg(long, value_name = "BOARD", group = "line", help_heading = "Line")]
    pub qemu: Option<String>,
    /// Bits a second of the serial port
    #[arg(long, value_name = "N", default_value_t = 115_200, help_heading = "Line")]
    pub baud: u32,
    /// Seconds that an answer may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = value_parser!(u16).range(1..), help_heading = "Line")]
    pub timeout: u16,
}

/// What a device is shown, and where it is.
#[derive(Debug, clap::Args)]
pub struct ShownArgs {
    /// Only so many samples of a part of the data, from the first
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true, value_parser = value_parser!(u64).range(1..))]
    pub samples: u64,
    /// Where the device is
    #[command(flatten)]
    pub line: LineArgs,
    /// The data
    #[command(flatten)]
    pub data: DataOptions,
}

/// Arguments of `device` without another action.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// The model file
    #[arg(required = true)]
    pub model: Option<PathBuf>,
    /// What it is shown, and where it is
    #[command(flatten)]
    pub shown: ShownArgs,
}

impl CheckArgs {
    /// The model file.
    pub fn model(&self) -> Result<&Path, Error> {
        self.model.as_deref().ok_or(Error::Flag { flag: "MODEL", value: String::new(), expected: "a model file" })
    }
}

/// Arguments of `device learn`.
#[derive(Debug, clap::Args)]
pub struct LearnArgs {
    /// The model file, in f32
    pub model: PathBuf,
    /// Times that the training part is shown
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub passes: u32,
    /// Where the negative phase starts
    #[arg(long, value_name = "RULE", default_value = "cd")]
    pub rule: Rule,
    /// Gibbs steps of the negative phase
    #[arg(short = 'k', long, value_name = "K", default_value_t = 1, value_parser = value_parser!(u32).range(1..=10_000))]
    pub steps: u32,
    /// How far a step goes
    #[arg(long, value_name = "RATE", default_value_t = 0.01)]
    pub learning_rate: f32,
    /// Share of the weights that a step takes off, times the rate
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub weight_decay: f32,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Data that are novel to the model, read like --data: how well it tells them apart, before and after
    #[arg(long, value_name = "SPEC")]
    pub novel: Option<String>,
    /// Write the model that came of it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What it is shown, and where it is
    #[command(flatten)]
    pub shown: ShownArgs,
}

/// Where the negative phase of a step starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rule {
    /// At the sample
    Cd,
    /// Where the last step left its chain
    Pcd,
}

impl From<Rule> for wire::Rule {
    fn from(rule: Rule) -> Self {
        match rule {
            Rule::Cd => Self::Cd,
            Rule::Pcd => Self::Pcd,
        }
    }
}

/// Arguments of `device pull`.
#[derive(Debug, clap::Args)]
pub struct PullArgs {
    /// The model file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Where the device is
    #[command(flatten)]
    pub line: LineArgs,
}

/// Arguments of `device push`.
#[derive(Debug, clap::Args)]
pub struct PushArgs {
    /// The model file
    pub model: PathBuf,
    /// Where the device is
    #[command(flatten)]
    pub line: LineArgs,
}
