//! `finetune`: training that goes on from a model file.

use super::train::args::TrainArgs;
use std::path::PathBuf;

/// Arguments of `finetune`: those of `train`, of which `--from` has a place of its own.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ebm-train finetune runs/a/model.ebm --data digits --finetune-epochs 10 --out runs/d")]
pub struct FinetuneArgs {
    /// The model file, in f32: machines, or a net that names classes. Without epochs of either kind, it learns to name classes for 20
    #[arg(value_name = "MODEL")]
    pub start: Option<PathBuf>,
    /// The same as those of `train`
    #[command(flatten)]
    pub train: TrainArgs,
}
