//! From syntax to a validated plan; no clap type passes this point.

use super::args::{
    FinetuneArgs, HiddenUnits, MachineArgs, ModelFormat, ModelKind, NetArgs, TrainArgs, UpDownArgs, VisibleUnits,
};
use crate::Error;
use crate::cli::backend::BackendKind;
use crate::data::{DataOptions, digits};
use crate::parameters::UnitKinds;
use crate::run::Overwrite;
use crate::train::finetune::Backpropagation;
use crate::train::pretrain::Stack;
use crate::train::rbm::RbmSettings;
use crate::train::updown::UpDown;
use ebm_core::format::MAX_LAYERS;
use ebm_core::{Block, HiddenKind, VisibleKind};
use std::path::PathBuf;
use std::time::Duration;

/// What a run is to do.
#[derive(Debug)]
pub(in crate::cli) struct Plan {
    /// Folder of the run.
    pub out: PathBuf,
    /// Whether the run was begun before.
    pub resume: bool,
    pub overwrite: Overwrite,
    pub seed: u64,
    pub backend: BackendKind,
    pub threads: usize,
    /// Longest time between two checkpoints.
    pub interval: Duration,
    pub quiet: bool,
    pub format: ModelFormat,
    pub keep_f32: bool,
    pub report: bool,
    pub data: DataOptions,
    /// Every visible unit of this kind; `None` for what the data say.
    pub visible: Option<VisibleKind>,
    /// A model to go on from in place of pretraining.
    pub from: Option<PathBuf>,
    pub stack: Stack,
    /// How a stack learns to generate; `None` for no up-down fine-tuning.
    pub up_down: Option<UpDown>,
    /// How a net learns to name the class; `None` for no fine-tuning.
    pub finetuning: Option<Backpropagation>,
    /// Fine-tune the same net from random weights beside it.
    pub compare: bool,
    /// Labelled samples that fine-tuning sees; 0 for all.
    pub labels: usize,
}

impl Plan {
    /// Checks what clap cannot. Fails with the name of the flag.
    pub(in crate::cli) fn new(args: TrainArgs) -> Result<Self, Error> {
        let TrainArgs { run, data, net, machine, up_down, finetune } = args;
        let refused = |flag, value: String, expected| Err(Error::Flag { flag, value, expected });
        let Some(out) = run.resume.clone().or(run.out) else {
            return refused("--out", String::new(), "a folder for the run, such as runs/a");
        };
        let seconds = run.checkpoint_seconds;
        let Ok(interval) = Duration::try_from_secs_f32(seconds) else {
            return refused("--checkpoint-seconds", seconds.to_string(), "0 or a number above it");
        };
        let finetuning = backpropagation(&finetune)?;
        let up_down = generative(&up_down, &machine)?;
        if net.from.is_some() && finetuning.is_none() && up_down.is_none() {
            return refused("--finetune-epochs", "0".into(), "at least 1, or --up-down-epochs, to go on from a model");
        }
        if let Some(settings) = up_down
            && net.from.is_none()
            && net.hidden.len() < 2
        {
            let expected = "0, or a stack to fine-tune (--model dbn and at least two --hidden)";
            return refused("--up-down-epochs", settings.epochs.to_string(), expected);
        }
        if run.format == ModelFormat::Int8 && up_down.is_some() && finetuning.is_none() {
            return refused(
                "--format",
                "int8".into(),
                "f32 after up-down, as weights that differ up and down have no integer form",
            );
        }
        let other_units = net.model == ModelKind::Classrbm
            || net.hidden_kind == HiddenUnits::Relu
            || matches!(net.visible, VisibleUnits::Gaussian | VisibleUnits::Softmax);
        if run.format == ModelFormat::Int8 && other_units {
            return refused("--format", "int8".into(), "f32, as only Bernoulli units have an integer form");
        }
        if finetune.compare && finetuning.is_none() {
            return refused("--compare", String::new(), "--finetune-epochs above 0 beside it");
        }
        if finetune.labels > 0 && finetuning.is_none() {
            return refused("--labels", finetune.labels.to_string(), "--finetune-epochs above 0 beside it");
        }
        Ok(Self {
            out,
            resume: run.resume.is_some(),
            overwrite: if run.force { Overwrite::Run } else { Overwrite::Never },
            seed: run.seed,
            backend: run.backend,
            threads: run.threads.into(),
            interval,
            quiet: run.quiet,
            format: run.format,
            keep_f32: run.f32,
            report: run.report,
            data,
            visible: match net.visible {
                VisibleUnits::Auto => None,
                VisibleUnits::Bernoulli => Some(VisibleKind::Bernoulli),
                VisibleUnits::Gaussian => Some(VisibleKind::Gaussian),
                VisibleUnits::Softmax => Some(VisibleKind::Softmax),
            },
            from: net.from.clone(),
            stack: stack(&net, &machine, finetuning.is_some())?,
            up_down,
            finetuning,
            compare: finetune.compare,
            labels: finetune.labels,
        })
    }

    /// The model is one that the emulated microcontroller takes, and of the digits, which that is asked about.
    pub(in crate::cli) fn is_for_the_emulator(&self) -> bool {
        self.format == ModelFormat::Int8 && self.data.data == digits::NAME
    }
}

/// The machines to pretrain.
fn stack(net: &NetArgs, machine: &MachineArgs, with_head: bool) -> Result<Stack, Error> {
    let labels = net.model == ModelKind::Classrbm || net.label_units;
    // Beside the hidden layers a file holds a head and the machine that scores novelty.
    let (most, expected) = match net.model {
        ModelKind::Rbm | ModelKind::Classrbm => (1, "one layer, or --model dbn"),
        ModelKind::Dbn if with_head => (MAX_LAYERS - 2, "at most 6 layers"),
        ModelKind::Dbn => (MAX_LAYERS, "at most 8 layers"),
    };
    if net.hidden.len() > most {
        return Err(Error::Flag { flag: "--hidden", value: format!("({} layers)", net.hidden.len()), expected });
    }
    let settings = settings(machine);
    let label_block = [Block::new(VisibleKind::Label, 2)];
    let blocks = if labels { label_block.to_vec() } else { Vec::new() };
    settings.check(&UnitKinds { blocks, ..UnitKinds::default() })?;
    Ok(Stack {
        hidden: net.hidden.iter().map(|&units| units as usize).collect(),
        hidden_kind: match net.hidden_kind {
            HiddenUnits::Bernoulli => HiddenKind::Bernoulli,
            HiddenUnits::Relu => HiddenKind::Relu,
        },
        labels,
        machines: vec![settings],
    })
}

fn settings(args: &MachineArgs) -> RbmSettings {
    RbmSettings {
        algorithm: args.algorithm,
        k: args.k,
        chains: args.chains,
        fast_learning_rate: args.fast_learning_rate,
        fast_decay: args.fast_decay,
        temperatures: args.temperatures,
        hottest_beta: args.hottest_beta,
        epochs: args.epochs,
        batch_size: args.batch_size as usize,
        learning_rate: args.learning_rate,
        schedule: args.schedule,
        decay_epochs: args.decay_epochs,
        optimizer: args.optimizer,
        initial_momentum: args.initial_momentum,
        momentum: args.momentum,
        momentum_epochs: args.momentum_epochs,
        l1: args.l1,
        weight_decay: args.weight_decay,
        max_norm: args.max_norm,
        sparsity_target: args.sparsity_target,
        sparsity_cost: args.sparsity_cost,
        sparsity_decay: args.sparsity_decay,
        centered: args.centered,
        offset_rate: args.offset_rate,
        hidden_statistics: args.hidden_statistics,
        reconstruction: args.reconstruction,
        binarize: args.binarize,
        reconstruction_noise: args.reconstruction_noise,
        weight_deviation: args.weight_deviation,
        visible_bias: args.visible_bias,
        sigma: args.sigma,
        objective: args.objective,
        generative_weight: args.generative_weight,
    }
}

/// `None` when no epoch of up-down fine-tuning is asked for.
fn generative(args: &UpDownArgs, machine: &MachineArgs) -> Result<Option<UpDown>, Error> {
    let settings = UpDown {
        epochs: args.up_down_epochs,
        batch_size: machine.batch_size as usize,
        learning_rate: args.up_down_learning_rate,
        schedule: args.up_down_schedule,
        decay_epochs: args.up_down_decay_epochs,
        momentum: args.up_down_momentum,
        weight_decay: args.up_down_weight_decay,
        algorithm: args.up_down_algorithm,
        k: args.up_down_k,
        chains: args.up_down_chains,
        dreams: args.dreams,
    };
    settings.check()?;
    Ok((settings.epochs > 0).then_some(settings))
}

/// `None` when no epoch of fine-tuning is asked for.
fn backpropagation(args: &FinetuneArgs) -> Result<Option<Backpropagation>, Error> {
    let settings = Backpropagation {
        epochs: args.finetune_epochs,
        batch_size: args.finetune_batch_size as usize,
        optimizer: args.finetune_optimizer,
        learning_rate: args.finetune_learning_rate,
        layer_rate: args.layer_rate,
        schedule: args.finetune_schedule,
        decay_epochs: args.finetune_decay_epochs,
        momentum: args.finetune_momentum,
        weight_decay: args.finetune_weight_decay,
        max_norm: args.finetune_max_norm,
        dropout: args.dropout,
        input_dropout: args.input_dropout,
        label_smoothing: args.label_smoothing,
        patience: args.patience,
        shift: args.shift,
        affine: args.affine,
    };
    settings.check()?;
    Ok((settings.epochs > 0).then_some(settings))
}
