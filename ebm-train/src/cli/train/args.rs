//! Syntax of `train`, `finetune` and the main job: every setting once, as a flag and as a key of a configuration.

use crate::cli::backend::BackendKind;
use crate::data::DataOptions;
use crate::train::finetune::Backpropagation;
use crate::train::rbm::settings::{
    Algorithm, Objective, Optimizer, RbmSettings, Schedule, Sigma, Statistics, VisibleBias,
};
use crate::train::updown::UpDown;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ValueEnum, value_parser};
use std::path::PathBuf;
use std::sync::LazyLock;

/// What clap shows as defaults.
static MACHINE: LazyLock<RbmSettings> = LazyLock::new(RbmSettings::default);
static UP_DOWN: LazyLock<UpDown> = LazyLock::new(UpDown::default);
static NET: LazyLock<Backpropagation> = LazyLock::new(Backpropagation::default);

/// Heading of the flags that say what is trained.
pub const MODEL: &str = "Model";
/// Of those that say how a machine learns.
pub const MACHINE_LEARNING: &str = "Learning of each machine";
/// Of those that say how a stack learns to generate.
pub const UP_DOWN_FINETUNING: &str = "Up-down fine-tuning";
/// Of those that say how a net learns to name the class.
pub const FINETUNING: &str = "Fine-tuning";

/// Arguments of `train`. The main job and `finetune` take the same, with other defaults.
#[derive(Debug, clap::Args)]
pub struct TrainArgs {
    /// The run itself
    #[command(flatten)]
    pub run: RunArgs,
    /// What is learnt from
    #[command(flatten)]
    pub data: DataOptions,
    /// What is trained
    #[command(flatten)]
    pub net: NetArgs,
    /// How a machine learns
    #[command(flatten)]
    pub machine: MachineArgs,
    /// How a stack learns to generate
    #[command(flatten)]
    pub up_down: UpDownArgs,
    /// How a net learns to name the class
    #[command(flatten)]
    pub finetune: FinetuneArgs,
}

/// A run: where it lies, and how it goes on.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Run")]
pub struct RunArgs {
    /// Folder of the run; created if need be. It will hold config.toml, log.jsonl, checkpoints, model.ebm and report.html
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Take flags from a TOML file: its keys are the flags' names. Flags of the command line go before those of the file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Go on with the run in this folder, to the same bits as if it had never stopped; or, where flags of learning rates, momenta, weight decays
    /// or largest norms are given beside it, with these from here on
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub resume: Option<PathBuf>,
    /// Overwrite a run that the folder holds
    #[arg(long, conflicts_with = "resume")]
    pub force: bool,
    /// Print every setting as TOML, for --config, and stop
    #[arg(long)]
    pub print_config: bool,
    /// Print the shortest `ebm-train train` that does the same, and stop
    #[arg(long)]
    pub print_command: bool,
    /// Seed of every random number of the run
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: u64,
    /// What computes; the draws are the same. A run can be taken up on another
    #[arg(long, value_name = "WHERE", default_value = "cpu")]
    pub backend: BackendKind,
    /// Threads; 0 for one a processor. The result does not depend on it
    #[arg(long, default_value_t = 0, value_parser = value_parser!(u16).range(0..=1024))]
    pub threads: u16,
    /// Longest time between two checkpoints
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    pub checkpoint_seconds: f32,
    /// Print nothing but errors and what --json asks for: no progress, notes, warnings or tables. Warnings are in log.jsonl all the same
    #[arg(long)]
    pub quiet: bool,
    /// Numbers of model.ebm. Of int8, the accuracy is given too whatever is written
    #[arg(long, value_name = "NUMBERS", default_value = "f32")]
    pub format: ModelFormat,
    /// Also write the unquantised model, as model-f32.ebm: what `sample`, `reconstruct`, `inpaint`, `features` and `export` take
    #[arg(long)]
    pub f32: bool,
    /// Also write report.html, one page with curves, samples, figures and what boards it fits, and curves.csv
    #[arg(long, default_value_t = true)]
    pub report: bool,
}

/// Numbers of the model file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModelFormat {
    /// 32-bit floats: what training works with, and every other command can go on from.
    F32,
    /// 8-bit integers: what a device answers with to the bit.
    Int8,
}

/// What is trained.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = MODEL)]
pub struct NetArgs {
    /// One machine, one that sees the label beside its inputs, or a stack
    #[arg(long, default_value = "rbm")]
    pub model: ModelKind,
    /// Go on from the machines of a model file in place of pretraining
    #[arg(long, value_name = "MODEL")]
    pub from: Option<PathBuf>,
    /// Hidden units of each machine, from the input up
    #[arg(
        long, value_name = "UNITS", value_delimiter = ',', default_value = "256",
        value_parser = value_parser!(u32).range(1..=32_768)
    )]
    pub hidden: Vec<u32>,
    /// Kind of the visible units. auto: as the data say
    #[arg(long, value_name = "KIND", default_value = "auto")]
    pub visible: VisibleUnits,
    /// Kind of the hidden units
    #[arg(long, value_name = "KIND", default_value = "bernoulli")]
    pub hidden_kind: HiddenUnits,
    /// The top machine of a stack sees the label beside its inputs
    #[arg(long)]
    pub label_units: bool,
}

/// What is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModelKind {
    /// A restricted Boltzmann machine.
    Rbm,
    /// One that carries the label (Larochelle & Bengio 2008).
    Classrbm,
    /// A deep belief network.
    Dbn,
}

/// Kind of the visible units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VisibleUnits {
    /// As the data say: categories are groups, values from 0 to 1 Bernoulli units, others Gaussian.
    Auto,
    /// On or off; a value between is a probability.
    Bernoulli,
    /// Any number.
    Gaussian,
    /// One group of which one is on.
    Softmax,
}

/// Kind of the hidden units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HiddenUnits {
    /// On or off.
    Bernoulli,
    /// Noisy rectifiers (Nair & Hinton 2010).
    Relu,
}

/// How a machine learns: [`RbmSettings`].
#[derive(Debug, clap::Args)]
#[command(next_help_heading = MACHINE_LEARNING)]
pub struct MachineArgs {
    /// Where the negative phase's samples come from: k steps from the data, persistent chains, the same with fast weights, or at several
    /// temperatures
    #[arg(long, default_value = "cd")]
    pub algorithm: Algorithm,
    /// Gibbs steps a minibatch; two or more between Bernoulli units are taken over weights rounded to 16 bits
    #[arg(short, long, default_value_t = MACHINE.k, value_parser = value_parser!(u16).range(1..))]
    pub k: u16,
    /// Passes over the data for each machine
    #[arg(long, visible_alias = "pretrain-epochs", default_value_t = MACHINE.epochs, value_parser = epochs)]
    pub epochs: usize,
    /// Samples of a minibatch
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(1..))]
    pub batch_size: u32,
    /// Size of a step at the start
    #[arg(long, default_value_t = MACHINE.learning_rate)]
    pub learning_rate: f32,
    /// How the learning rate falls: not at all, to zero, as 1/(1 + e/D), or halved every D epochs
    #[arg(long, default_value = "constant")]
    pub schedule: Schedule,
    /// D of the schedule
    #[arg(long, value_name = "EPOCHS", default_value_t = MACHINE.decay_epochs)]
    pub decay_epochs: f32,
    /// How a gradient becomes a step
    #[arg(long, default_value = "sgd")]
    pub optimizer: Optimizer,
    /// Share of the last step that is kept in the first epochs (--momentum-epochs)
    #[arg(long, default_value_t = MACHINE.initial_momentum)]
    pub initial_momentum: f32,
    /// Share of the last step that is kept after the first epochs
    #[arg(long, default_value_t = MACHINE.momentum)]
    pub momentum: f32,
    /// Epochs with the initial momentum
    #[arg(long, value_name = "EPOCHS", default_value_t = MACHINE.momentum_epochs)]
    pub momentum_epochs: usize,
    /// L1 penalty on the weights
    #[arg(long, default_value_t = MACHINE.l1)]
    pub l1: f32,
    /// L2 penalty on the weights
    #[arg(long, default_value_t = MACHINE.weight_decay)]
    pub weight_decay: f32,
    /// Largest norm of a hidden unit's weights; 0 for any
    #[arg(long, default_value_t = MACHINE.max_norm)]
    pub max_norm: f32,
    /// Mean activation that hidden units are held to; 0 for any
    #[arg(long, default_value_t = MACHINE.sparsity_target)]
    pub sparsity_target: f32,
    /// Weight of that penalty
    #[arg(long, default_value_t = MACHINE.sparsity_cost)]
    pub sparsity_cost: f32,
    /// Share of a minibatch's past in the running mean activation
    #[arg(long, default_value_t = MACHINE.sparsity_decay)]
    pub sparsity_decay: f32,
    /// Centered gradients: units are counted from their means
    #[arg(long, default_value_t = MACHINE.centered)]
    pub centered: bool,
    /// Share of a minibatch in the running means of hidden units
    #[arg(long, default_value_t = MACHINE.offset_rate)]
    pub offset_rate: f32,
    /// Persistent chains; 0 for as many as a minibatch has samples
    #[arg(long, default_value_t = MACHINE.chains)]
    pub chains: usize,
    /// Step size of fast-pcd's fast weights
    #[arg(long, default_value_t = MACHINE.fast_learning_rate)]
    pub fast_learning_rate: f32,
    /// Share of the fast weights that a minibatch leaves
    #[arg(long, default_value_t = MACHINE.fast_decay)]
    pub fast_decay: f32,
    /// Temperatures of parallel tempering
    #[arg(long, default_value_t = MACHINE.temperatures)]
    pub temperatures: usize,
    /// Inverse temperature of the hottest chains
    #[arg(long, default_value_t = MACHINE.hottest_beta)]
    pub hottest_beta: f32,
    /// Hidden units in the statistics: their probabilities, or states drawn from them
    #[arg(long, default_value = "means")]
    pub hidden_statistics: Statistics,
    /// Visible units of the chain: states drawn, or their probabilities
    #[arg(long, default_value = "states")]
    pub reconstruction: Statistics,
    /// Draw binary states from the data anew each time they are seen
    #[arg(long, default_value_t = MACHINE.binarize)]
    pub binarize: bool,
    /// Standard deviation of Gaussian noise on the reconstruction
    #[arg(long, default_value_t = MACHINE.reconstruction_noise)]
    pub reconstruction_noise: f32,
    /// Standard deviation of the initial weights
    #[arg(long, default_value_t = MACHINE.weight_deviation)]
    pub weight_deviation: f32,
    /// Where the visible biases start: at what each unit does in the data, or at zero
    #[arg(long, default_value = "data")]
    pub visible_bias: VisibleBias,
    /// Standard deviation of Gaussian units: the data's, or 1
    #[arg(long, default_value = "data")]
    pub sigma: Sigma,
    /// What a classrbm learns: ln p(x, y), ln p(y | x), or both
    #[arg(long, default_value = "generative")]
    pub objective: Objective,
    /// Weight of ln p(x, y) in --objective hybrid
    #[arg(long, default_value_t = MACHINE.generative_weight)]
    pub generative_weight: f32,
}

/// How a stack learns to generate: [`UpDown`].
#[derive(Debug, clap::Args)]
#[command(next_help_heading = UP_DOWN_FINETUNING)]
pub struct UpDownArgs {
    /// Passes over the data for up-down fine-tuning of a stack to generate; 0 for none
    #[arg(long, value_name = "EPOCHS", default_value_t = 0, value_parser = epochs)]
    pub up_down_epochs: usize,
    /// Size of a step at the start of up-down fine-tuning
    #[arg(long, value_name = "RATE", default_value_t = UP_DOWN.learning_rate)]
    pub up_down_learning_rate: f32,
    /// How the learning rate of up-down fine-tuning falls
    #[arg(long, value_name = "SCHEDULE", default_value = "linear")]
    pub up_down_schedule: Schedule,
    /// D of the schedule of up-down fine-tuning
    #[arg(long, value_name = "EPOCHS", default_value_t = UP_DOWN.decay_epochs)]
    pub up_down_decay_epochs: f32,
    /// Momentum of up-down fine-tuning
    #[arg(long, value_name = "MOMENTUM", default_value_t = UP_DOWN.momentum)]
    pub up_down_momentum: f32,
    /// L2 penalty on the weights in up-down fine-tuning
    #[arg(long, value_name = "WEIGHT_DECAY", default_value_t = UP_DOWN.weight_decay)]
    pub up_down_weight_decay: f32,
    /// Where the top machine's negative phase comes from in up-down fine-tuning: k steps from the data, or persistent chains
    #[arg(long, value_name = "ALGORITHM", default_value = "cd", value_parser = of_up_down())]
    pub up_down_algorithm: Algorithm,
    /// Gibbs steps of the top machine a minibatch of up-down fine-tuning
    #[arg(long, value_name = "STEPS", default_value_t = UP_DOWN.k, value_parser = value_parser!(u16).range(1..))]
    pub up_down_k: u16,
    /// Persistent chains of up-down fine-tuning; 0 for as many as a minibatch has samples
    #[arg(long, value_name = "CHAINS", default_value_t = UP_DOWN.chains)]
    pub up_down_chains: usize,
    /// What the sleep phase ends with: states drawn, or the inputs' means
    #[arg(long, value_name = "WHAT", default_value = "means")]
    pub dreams: Statistics,
}

/// How a net learns to name the class: back-propagation.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = FINETUNING)]
pub struct FinetuneArgs {
    /// Passes over the data for back-propagation to a softmax head; 0 for none
    #[arg(long, default_value_t = 0, value_parser = epochs)]
    pub finetune_epochs: usize,
    /// Beside it, the same net fine-tuned from random weights
    #[arg(long)]
    pub compare: bool,
    /// Labelled training samples that fine-tuning sees, as many of each class; 0 for all. Pretraining sees all samples
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub labels: usize,
    /// Samples of a minibatch of fine-tuning
    #[arg(long, value_name = "SAMPLES", default_value_t = NET.batch_size as u32, value_parser = value_parser!(u32).range(1..))]
    pub finetune_batch_size: u32,
    /// How fine-tuning's gradient becomes a step
    #[arg(long, value_name = "OPTIMIZER", default_value = "adam")]
    pub finetune_optimizer: Optimizer,
    /// Size of a step at the start of fine-tuning
    #[arg(long, value_name = "RATE", default_value_t = NET.learning_rate)]
    pub finetune_learning_rate: f32,
    /// Share of that size for the layers below the head, from 0 to 1; 0 leaves them as they are: of few labels the head alone may learn more
    #[arg(long, value_name = "SHARE", default_value_t = NET.layer_rate)]
    pub layer_rate: f32,
    /// How the learning rate of fine-tuning falls
    #[arg(long, value_name = "SCHEDULE", default_value = "linear")]
    pub finetune_schedule: Schedule,
    /// D of the schedule of fine-tuning
    #[arg(long, value_name = "EPOCHS", default_value_t = 10.0)]
    pub finetune_decay_epochs: f32,
    /// Momentum of fine-tuning by sgd
    #[arg(long, value_name = "MOMENTUM", default_value_t = 0.9)]
    pub finetune_momentum: f32,
    /// L2 penalty on the weights in fine-tuning
    #[arg(long, value_name = "WEIGHT_DECAY", default_value_t = 0.0)]
    pub finetune_weight_decay: f32,
    /// Largest norm of a unit's weights in fine-tuning; 0 for any
    #[arg(long, value_name = "NORM", default_value_t = 0.0)]
    pub finetune_max_norm: f32,
    /// Probability that a step of fine-tuning leaves a hidden unit out, from 0 to below 1
    #[arg(long, default_value_t = 0.0)]
    pub dropout: f32,
    /// The same of an input
    #[arg(long, default_value_t = 0.0)]
    pub input_dropout: f32,
    /// Share of the target that is spread over all classes
    #[arg(long, default_value_t = 0.0)]
    pub label_smoothing: f32,
    /// Epochs without a better validation result after which fine-tuning stops and keeps its best epoch; 0 for never (see --validation)
    #[arg(long, value_name = "EPOCHS", default_value_t = 0)]
    pub patience: usize,
    /// Largest shift of a training image in fine-tuning, in pixels
    #[arg(long, default_value_t = 0.0)]
    pub shift: f32,
    /// Largest scaling, shear and rotation of a training image in fine-tuning, as a share
    #[arg(long, default_value_t = 0.0)]
    pub affine: f32,
}

/// The algorithms that up-down fine-tuning knows.
fn of_up_down() -> impl TypedValueParser<Value = Algorithm> {
    PossibleValuesParser::new(["cd", "pcd"]).try_map(|name| Algorithm::from_str(&name, false))
}

/// Far past any use; products of it with steps and samples stay countable.
const MAX_EPOCHS: usize = 1_000_000;

fn epochs(text: &str) -> Result<usize, String> {
    let epochs: usize = text.parse().map_err(|error| format!("{error}"))?;
    if epochs <= MAX_EPOCHS { Ok(epochs) } else { Err("at most 1,000,000".to_owned()) }
}
