//! Syntax: what clap parses. Nothing here is checked against anything but itself.

use super::eval::EvalArgs;
use clap::{Parser, Subcommand, value_parser};
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
    /// Print one JSON object on stdout instead of tables
    #[arg(long, global = true)]
    pub json: bool,
    /// The main job's settings
    #[command(flatten)]
    pub main_job: MainJobArgs,
    /// What else to do
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Everything but the main job.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure a model file: accuracy, free energy, likelihood, novelty
    Eval(Box<EvalArgs>),
    /// Say what is in a model file
    Inspect(InspectArgs),
    /// Repeat the field's experiments by name, the published figure beside ours
    Reproduce(super::reproduce::ReproduceArgs),
    /// Write a model's arrays for other programs: npz or safetensors
    Export(super::export::ExportArgs),
    /// Write a model file of another program's arrays
    Import(super::import::ImportArgs),
    /// List, inspect, convert and download data sets
    Data(super::data::DataArgs),
}

/// Settings of the main job.
#[derive(Debug, clap::Args)]
pub struct MainJobArgs {
    /// Folder for model.ebm; created if need be
    #[arg(long, default_value = "runs/digits")]
    pub out: PathBuf,
    /// Also write the unquantised network, as model-f32.ebm
    #[arg(long)]
    pub f32: bool,
    /// Seed of every random number of the run
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads; 0 for one a processor. The result does not depend on it
    #[arg(long, default_value_t = 0, value_parser = value_parser!(u16).range(0..=1024))]
    pub threads: u16,
    /// Hidden units of each machine, from the input up
    #[arg(long, value_delimiter = ',', default_value = "256,128", value_parser = value_parser!(u32).range(1..=32_768))]
    pub hidden: Vec<u32>,
    /// Samples of a minibatch
    #[arg(long, default_value_t = 32, value_parser = value_parser!(u32).range(1..))]
    pub batch_size: u32,
    /// Gibbs steps of contrastive divergence
    #[arg(short, long, default_value_t = 1, value_parser = value_parser!(u16).range(1..))]
    pub k: u16,
    /// Passes over the data for each machine
    #[arg(long, default_value_t = 20)]
    pub pretrain_epochs: usize,
    /// Step size of contrastive divergence
    #[arg(long, default_value_t = 0.05)]
    pub learning_rate: f32,
    /// Momentum of contrastive divergence, from 0 to below 1
    #[arg(long, default_value_t = 0.5)]
    pub momentum: f32,
    /// L2 penalty on the weights in contrastive divergence
    #[arg(long, default_value_t = 0.0002)]
    pub weight_decay: f32,
    /// Passes over the data for back-propagation
    #[arg(long, default_value_t = 60)]
    pub finetune_epochs: usize,
    /// Adam's step size at the start of back-propagation
    #[arg(long, default_value_t = 0.01)]
    pub finetune_learning_rate: f32,
    /// L2 penalty on the weights in back-propagation
    #[arg(long, default_value_t = 0.0)]
    pub finetune_weight_decay: f32,
    /// Largest shift of a training image in back-propagation, in pixels
    #[arg(long, default_value_t = 0.7)]
    pub shift: f32,
    /// Largest scaling, shear and rotation of a training image in back-propagation, as a share
    #[arg(long, default_value_t = 0.15)]
    pub affine: f32,
    /// Probability that back-propagation leaves a hidden unit out, from 0 to below 1
    #[arg(long, default_value_t = 0.1)]
    pub dropout: f32,
}

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ebm-train inspect runs/digits/model.ebm")]
pub struct InspectArgs {
    /// The model file
    pub model: PathBuf,
}
