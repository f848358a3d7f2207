//! From syntax to a validated plan; no clap type passes this point.

use super::args::MainJobArgs;
use crate::Error;
use crate::train::finetune::Backpropagation;
use crate::train::pretrain::Stack;
use crate::train::rbm::RbmSettings;
use ebm_core::format::MAX_LAYERS;
use std::path::PathBuf;

/// Far past any use; products of it with steps and samples stay countable.
const MAX_EPOCHS: usize = 1_000_000;

/// What the main job is to do.
#[derive(Debug)]
pub(super) struct MainJob {
    pub out: PathBuf,
    pub keep_f32: bool,
    pub seed: u64,
    pub threads: usize,
    pub stack: Stack,
    pub finetuning: Backpropagation,
}

impl MainJob {
    /// Checks what clap cannot. Fails with the name of the flag.
    pub(super) fn new(args: &MainJobArgs) -> Result<Self, Error> {
        let positive = |flag, value| in_range(flag, value, value > 0.0, "a number above 0");
        let penalty = |flag, value| in_range(flag, value, value >= 0.0, "0 or a number above it");
        let distortion = |flag, value| in_range(flag, value, (0.0..=100.0).contains(&value), "from 0 to 100");
        let share = |flag, value| in_range(flag, value, (0.0..1.0).contains(&value), "from 0 to below 1");
        // Beside the hidden layers a file holds the head and the machine that scores novelty.
        if args.hidden.len() + 2 > MAX_LAYERS {
            return Err(Error::Flag {
                flag: "--hidden",
                value: format!("{} layers", args.hidden.len()),
                expected: "at most 6",
            });
        }
        for epochs in [("--pretrain-epochs", args.pretrain_epochs), ("--finetune-epochs", args.finetune_epochs)] {
            if epochs.1 > MAX_EPOCHS {
                return Err(Error::Flag { flag: epochs.0, value: epochs.1.to_string(), expected: "at most 1,000,000" });
            }
        }
        let batch_size = args.batch_size as usize;
        Ok(Self {
            out: args.out.clone(),
            keep_f32: args.f32,
            seed: args.seed,
            threads: args.threads.into(),
            stack: Stack {
                hidden: args.hidden.iter().map(|&hidden| hidden as usize).collect(),
                machines: vec![RbmSettings {
                    k: args.k,
                    epochs: args.pretrain_epochs,
                    batch_size,
                    learning_rate: positive("--learning-rate", args.learning_rate)?,
                    momentum: share("--momentum", args.momentum)?,
                    momentum_epochs: 0,
                    weight_decay: penalty("--weight-decay", args.weight_decay)?,
                    ..RbmSettings::default()
                }],
                ..Stack::default()
            },
            finetuning: Backpropagation {
                epochs: args.finetune_epochs,
                batch_size,
                learning_rate: positive("--finetune-learning-rate", args.finetune_learning_rate)?,
                weight_decay: penalty("--finetune-weight-decay", args.finetune_weight_decay)?,
                shift: distortion("--shift", args.shift)?,
                affine: distortion("--affine", args.affine)?,
                dropout: share("--dropout", args.dropout)?,
                ..Backpropagation::default()
            },
        })
    }
}

fn in_range(flag: &'static str, value: f32, fits: bool, expected: &'static str) -> Result<f32, Error> {
    if fits && value.is_finite() { Ok(value) } else { Err(Error::Flag { flag, value: value.to_string(), expected }) }
}
