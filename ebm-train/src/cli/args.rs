//! Syntax: what clap parses. Nothing here is checked against anything but itself.

use super::eval::EvalArgs;
use super::finetune::FinetuneArgs;
use super::train::args::TrainArgs;
use crate::data::DataOptions;
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Trains deep belief networks, measures them and writes them for microcontrollers.
///
/// Without a command: pretrains a network on handwritten digits, fine-tunes it, trains the same network from random weights beside it,
/// quantises the first and writes model.ebm.
#[derive(Debug, Parser)]
#[command(
    version,
    allow_negative_numbers = true,
    args_conflicts_with_subcommands = true,
    subcommand_help_heading = "Other commands"
)]
#[command(after_help = "Example: ebm-train --hidden 128,64 --finetune-epochs 20 --out runs/small --json")]
pub struct Args {
    /// Print JSON on stdout instead of tables; progress and words go to stderr all the same
    #[arg(
        long, global = true, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "object"
    )]
    pub json: Option<Json>,
    /// The main job's settings: those of `train`, with defaults of their own
    #[command(flatten)]
    pub train: TrainArgs,
    /// What else to do
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What `--json` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Json {
    /// One object at the end, on a line of its own.
    Object,
    /// Training prints what happens as it happens, one object a line: start, epoch, warning, checkpoint, end, error. EVENTS.md says what each holds.
    Events,
}

/// Everything but the main job.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a machine or a stack of them on any data, in a folder that can be taken up again
    #[command(
        after_help = "Example: ebm-train train --data digits --model dbn --hidden 256,128 --finetune-epochs 5 --out runs/b"
    )]
    Train(Box<TrainArgs>),
    /// Go on from a model file: back-propagation to a head, or up-down to generate
    Finetune(Box<FinetuneArgs>),
    /// Measure a model file: accuracy, free energy, likelihood, novelty
    Eval(Box<EvalArgs>),
    /// Write a run's report.html again: one page with curves, samples, figures and boards; also as SVG and PNG files
    Report(super::report::ReportArgs),
    /// Say what is in a model file
    Inspect(InspectArgs),
    /// Repeat the field's experiments by name, the published figure beside ours
    Reproduce(super::reproduce::ReproduceArgs),
    /// Time training here, beside the rate of this machine's own products
    Bench(super::bench::BenchArgs),
    /// List the graphics cards that --backend gpu can use
    #[command(after_help = "Example: ebm-train gpu")]
    Gpu,
    /// Draw samples of a model: chains of Gibbs sampling
    Sample(super::sample::SampleArgs),
    /// Draw samples beside what a model makes of them
    Reconstruct(super::reconstruct::ReconstructArgs),
    /// Guess what is hidden or missing, given the rest
    Inpaint(super::inpaint::InpaintArgs),
    /// Draw what hidden units respond to
    Features(super::features::FeaturesArgs),
    /// Make a model smaller, and say what that loses
    Quantize(super::quantize::QuantizeArgs),
    /// Write a model for other programs: its arrays as npz or safetensors, or a graph as ONNX
    Export(super::export::ExportArgs),
    /// Write a model file of another program's arrays
    Import(super::import::ImportArgs),
    /// Evaluate a model on a device and compare every answer with the host's; let it learn, fetch and replace its model
    Device(Box<super::device::DeviceArgs>),
    /// List, inspect, convert and download data sets
    Data(super::data::DataArgs),
    /// Print a script that completes commands and flags in a shell
    Completions(super::completions::CompletionsArgs),
    /// Write the manual pages, one a command
    Man(super::man::ManArgs),
}

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  ebm-train inspect runs/digits/model.ebm
  ebm-train inspect runs/digits/model.ebm --board microbit --json")]
pub struct InspectArgs {
    /// The model file
    pub model: PathBuf,
    /// Also what it takes of this board, predicted within 5 %: flash, RAM and instructions. A model that does not fit is refused with what would
    #[arg(long, value_name = "NAME")]
    pub board: Option<String>,
    /// The data whose share of inputs that are on the instructions are for [default: every input between off and on]
    #[command(flatten)]
    pub data: DataOptions,
}
