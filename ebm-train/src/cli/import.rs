//! `import`: a model file of another program's arrays.

use crate::Error;
use crate::arrays;
use crate::export::foreign::{self, Choice, Orientation};
use crate::export::{ModelFile, named};
use crate::parameters::{DbnParameters, Parameters};
use crate::run;
use ebm_core::{Block, HiddenKind, VisibleKind};
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Takes what `export` writes, bit for bit; else one machine: scikit-learn's BernoulliRBM (components_, intercept_visible_, \
    intercept_hidden_), or the weights and biases of a script, found by their usual names. ebm-train/ARRAYS.md names them.\n\n\
    Example: ebm-train import rbm.safetensors --out runs/torch/model.ebm"
)]
pub struct ImportArgs {
    /// The arrays: npz or safetensors
    pub arrays: PathBuf,
    /// The model file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Name of the weights
    #[arg(long, value_name = "ARRAY")]
    pub weights: Option<String>,
    /// Name of the visible biases
    #[arg(long, value_name = "ARRAY")]
    pub visible_bias: Option<String>,
    /// Name of the hidden biases
    #[arg(long, value_name = "ARRAY")]
    pub hidden_bias: Option<String>,
    /// Which index of the weights is the visible unit; the biases' lengths say it unless they are equal
    #[arg(long)]
    pub orientation: Option<Orientation>,
    /// Kind of the visible units of a script's machine
    #[arg(long, default_value = "bernoulli")]
    pub visible: VisibleUnits,
    /// σ of Gaussian visible units. The weights are taken as the coupling itself, E = Σ (v−a)²/2σ² − b·h − vᵀWh
    #[arg(long, default_value_t = 1.0)]
    pub sigma: f32,
    /// Kind of the hidden units of a script's machine
    #[arg(long, default_value = "bernoulli")]
    pub hidden: HiddenUnits,
}

/// Kinds of visible units that a script's machine can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum VisibleUnits {
    /// 0 or 1
    Bernoulli,
    /// Real numbers
    Gaussian,
}

/// Kinds of hidden units that a script's machine can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum HiddenUnits {
    /// 0 or 1
    Bernoulli,
    /// Rectified
    Relu,
}

#[derive(Serialize)]
struct Summary {
    arrays: String,
    model: String,
    bytes: usize,
    layers: Vec<[u32; 2]>,
}

pub(super) fn run(args: &ImportArgs, json: bool) -> Result<(), Error> {
    let name = args.arrays.display().to_string();
    let named = arrays::read(&args.arrays)?;
    if run::is_checkpoint(&named) {
        let problem = "is a checkpoint of a run, which does not hold the kinds of the units: `ebm-train train --resume DIR` goes on with the run \
                       in the folder DIR, and ends with a model file";
        return Err(Error::data(&name, problem.into()));
    }
    let choice = Choice {
        weights: args.weights.clone(),
        visible_bias: args.visible_bias.clone(),
        hidden_bias: args.hidden_bias.clone(),
        orientation: args.orientation,
    };
    let mut file = if choice == Choice::default() && named::is_ours(&named) {
        named::from_arrays(&name, &named)?
    } else {
        script(args, &name, &named, &choice)?
    };
    file.write(&args.out)?;
    let model = file.model()?;
    let summary = Summary {
        arrays: name,
        model: args.out.display().to_string(),
        bytes: file.bytes().len(),
        layers: model.header().layers.iter().map(|layer| [layer.visible, layer.hidden]).collect(),
    };
    if json { super::print_json(&summary) } else { super::print(&describe(&summary)) }
}

fn script(args: &ImportArgs, name: &str, named: &arrays::Named, choice: &Choice) -> Result<ModelFile, Error> {
    let mut top = foreign::machine(name, named, choice)?;
    if args.visible == VisibleUnits::Gaussian {
        let units = top.visible_bias.len();
        top.kinds.blocks = vec![Block::new(VisibleKind::Gaussian, units as u32)];
        top.kinds.sigma = vec![args.sigma; units];
    }
    if args.hidden == HiddenUnits::Relu {
        top.kinds.hidden = HiddenKind::Relu;
    }
    top.view().map_err(|error| Error::data(name, error.to_string()))?;
    named::unmeasured_file(&Parameters::Dbn(DbnParameters { below: Vec::new(), top }), name)
}

fn describe(summary: &Summary) -> String {
    let mut text = format!("{} written to {}, {} bytes:\n", summary.arrays, summary.model, summary.bytes);
    for (index, [visible, hidden]) in summary.layers.iter().enumerate() {
        text += &format!("  layer {index}  {visible} × {hidden}\n");
    }
    text
}
