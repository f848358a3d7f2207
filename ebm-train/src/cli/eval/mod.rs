//! `eval`: figures of a model file over a data set.

mod answers;
mod figures;
mod generative;
mod samples;
mod words;

use super::drawing::data_of;
use crate::Error;
use crate::cli::backend::BackendKind;
use crate::data::{self, DataOptions, Dataset, Split};
use crate::eval::{classification, novelty};
use crate::export::ModelFile;
use clap::{ValueEnum, value_parser};
use ebm_core::format::NumberFormat;
use ebm_core::{Float, Integer, Model, Numbers};
use figures::{Figures, NoveltyFigures};
use generative::Generative;
use samples::Measured;
use std::path::PathBuf;

/// Arguments of `eval`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  ebm-train eval runs/digits/model.ebm --json
  ebm-train eval rbm.ebm --data mnist:DIR --binarisation threshold --log-likelihood ais --temperatures 10000
  ebm-train eval rbm.ebm --data csv:usual.csv --novel csv:broken.csv
  ebm-train eval runs/digits/model.ebm --answers answers.npz")]
pub struct EvalArgs {
    /// The model file
    pub model: PathBuf,
    /// Which samples are measured
    #[arg(long, value_name = "PART", default_value = "test")]
    pub part: Part,
    /// Data that are novel to the model, read like --data: how well the free energy tells them apart
    #[arg(long, value_name = "SPEC")]
    pub novel: Option<String>,
    /// Classes whose samples are what is novel; all other figures are over the rest
    #[arg(long, value_name = "CLASSES", value_delimiter = ',', conflicts_with = "novel")]
    pub novel_class: Vec<String>,
    /// How the log-likelihood is found. By default auto for an RBM or DBN, none for a classifier
    #[arg(long, value_name = "HOW")]
    pub log_likelihood: Option<LogLikelihood>,
    /// Annealed chains
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = value_parser!(u32).range(2..=1_000_000))]
    pub chains: u32,
    /// Temperatures of annealing; more bring the ends of the interval together
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u32).range(2..=100_000_000))]
    pub temperatures: u32,
    /// Gibbs steps from the training data to the samples of the model that reverse annealing begins with
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u32).range(1..=100_000_000))]
    pub burn_in: u32,
    /// Also write what the model says of every sample: `label` and `probabilities` of its classes, `free_energy` in nats, beside the `true_label`;
    /// .npz or .safetensors, or .npy for the free energies alone. Samples with missing values are left out
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// Seed of the draws of annealing and of the bound
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// What computes likelihoods and reconstructions; what a device answers too, the processor does as the device would
    #[arg(long, value_name = "WHERE", default_value = "cpu")]
    pub backend: BackendKind,
    /// Threads; 0 for one a processor. The result does not depend on it
    #[arg(long, default_value_t = 0, value_parser = value_parser!(u16).range(0..=1024))]
    pub threads: u16,
    /// The data
    #[command(flatten)]
    pub data: DataOptions,
}

/// Which samples of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The test part, or all where the data have none.
    Test,
    /// The validation part.
    Validation,
    /// The training part.
    Train,
}

/// How a log-likelihood is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLikelihood {
    /// Exactly where a layer has at most 2^20 states, else by annealing.
    Auto,
    /// By enumeration; fails where both layers have more than 2^24 states.
    Exact,
    /// By annealed importance sampling, forwards and backwards.
    Ais,
    /// Not at all.
    None,
}

pub(super) fn run(args: &EvalArgs, json: bool) -> Result<(), Error> {
    let file = match ModelFile::read(&args.model) {
        Ok(file) => file,
        // A wrong flag is the first thing to say.
        Err(error) => {
            return Err(data::open(&args.data)
                .err()
                .filter(|error| matches!(error, Error::Flag { .. }) && args.data.data != DataOptions::OF_THE_MODEL)
                .unwrap_or(error));
        }
    };
    let model = file.model()?;
    let options = data_of(&file, &args.data)?;
    let fitted = samples::with_novel(samples::fitted(&file, &options)?, &args.novel_class);
    let dataset = data::open_as(&options, &fitted)?;
    let figures = measure(args, &file, &model, &dataset).map_err(|error| error.between(&args.model, &dataset.name))?;
    if json { super::print_json(&figures) } else { super::print(&words::describe(&figures)) }
}

fn measure(args: &EvalArgs, file: &ModelFile, model: &Model<'_>, dataset: &Dataset) -> Result<Figures, Error> {
    samples::check_fit(args, model, dataset)?;
    let measured = Measured::new(args, dataset, file)?;
    let numbers = model.header().layers.first().map(|layer| layer.numbers);
    let mut figures = Figures {
        model: args.model.display().to_string(),
        data: dataset.name.clone(),
        part: measured.part,
        samples: measured.usual.inputs.rows(),
        samples_with_missing_values: measured.missing,
        scaling: dataset.preprocessing.scaling_words(),
        binarisation: dataset.preprocessing.binarisation_words(),
        inputs: dataset.preprocessing.describe(),
        ..Figures::default()
    };
    let threads = usize::from(args.threads);
    match numbers {
        Some(NumberFormat::F32) => as_on_a_device::<Float>(args, model, &measured, dataset, &mut figures)?,
        _ => as_on_a_device::<Integer>(args, model, &measured, dataset, &mut figures)?,
    }
    if numbers == Some(NumberFormat::F32) {
        let parameters = file.parameters()?;
        let (measured, figures) = (&measured, &mut figures);
        args.backend.run(threads, Generative { args, parameters: &parameters, measured, dataset, figures })?;
    } else if !matches!(args.log_likelihood, None | Some(LogLikelihood::None)) {
        return Err(file.holds_integers());
    }
    Ok(figures)
}

/// Figures that need nothing but a device's answers.
fn as_on_a_device<N: Numbers>(
    args: &EvalArgs,
    model: &Model<'_>,
    measured: &Measured<'_>,
    dataset: &Dataset,
    figures: &mut Figures,
) -> Result<(), Error> {
    let usual: &Split = &measured.usual;
    let threads = usize::from(args.threads);
    if let Some(path) = &args.answers {
        answers::write::<N>(path, model, usual, threads)?;
    }
    let classes = model.header().layers.last().map_or(0, |layer| layer.classes());
    if classes > 0 && !usual.labels.is_empty() {
        figures.classified(&classification::evaluate::<N>(model, usual, threads)?, &dataset.classes);
    }
    // A net that was not pretrained has no machine, and so no free energies.
    if model.machine::<N>().is_err() {
        return Ok(());
    }
    let energies = |split: &Split| novelty::free_energies::<N>(model, &split.inputs, threads);
    let nats = |energies: &[N::Score]| energies.iter().map(|&energy| f64::from(N::nats(energy))).collect::<Vec<_>>();
    let novel_share = |energies: &[N::Score]| {
        let novel: Option<Vec<bool>> = energies.iter().map(|&energy| model.is_novel::<N>(energy)).collect();
        novel
            .filter(|novel| !novel.is_empty())
            .map(|novel| novel.iter().filter(|&&novel| novel).count() as f64 / novel.len() as f64)
    };
    let of_usual = energies(usual)?;
    figures.free_energy_mean_nats = mean(&nats(&of_usual));
    figures.novel_share = novel_share(&of_usual);
    if let Some(train) = measured.train_beside(dataset)? {
        figures.free_energy_train_mean_nats = mean(&nats(&energies(&train)?));
        let gap = figures.free_energy_mean_nats.zip(figures.free_energy_train_mean_nats);
        figures.free_energy_gap_nats = gap.map(|(measured, train)| measured - train);
    }
    if let Some((name, novel)) = &measured.novel {
        let of_novel = energies(novel)?;
        figures.novelty_auc = novelty::auc(&nats(&of_usual), &nats(&of_novel));
        figures.novelty = Some(NoveltyFigures {
            novel: name.clone(),
            novel_samples: of_novel.len(),
            novel_free_energy_mean_nats: mean(&nats(&of_novel)),
            threshold_nats: model.header().novelty.as_ref().map(novelty::threshold_nats),
            false_positive_rate: figures.novel_share,
            true_positive_rate: novel_share(&of_novel),
        });
    }
    Ok(())
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
