//! `eval`: figures of a model file over a data set's test part.

use super::args::EvalArgs;
use crate::Error;
use crate::data::{Dataset, digits};
use crate::eval::{classification, novelty};
use crate::export::ModelFile;
use ebm_core::format::{Input, NumberFormat};
use ebm_core::{Float, Integer, Model, Numbers};
use serde::Serialize;

#[derive(Serialize)]
struct Figures {
    model: String,
    data: String,
    samples: usize,
    accuracy: f64,
    cross_entropy: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    free_energy_mean_nats: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    novel_share: Option<f64>,
}

pub(super) fn run(args: &EvalArgs, json: bool) -> Result<(), Error> {
    let file = ModelFile::read(&args.model)?;
    let model = file.model()?;
    // The flag's values are clap's; `digits` is the only one.
    let dataset = digits::load()?;
    let (taken, given) = (model.header().input, dataset.preprocessing.input);
    if model.inputs() == dataset.test.inputs.visible() && taken != given {
        let path = args.model.display().to_string();
        return Err(Error::data(&path, format!("takes {}, but {} has {}", words(taken), dataset.name, words(given))));
    }
    let (classes, labels) = (model.outputs(), dataset.classes.len());
    if model.inputs() == dataset.test.inputs.visible() && classes != labels {
        let path = args.model.display().to_string();
        return Err(Error::data(&path, format!("gives {classes} outputs, but {} has {labels} classes", dataset.name)));
    }
    let measured = match model.header().layers.first().map(|layer| layer.numbers) {
        Some(NumberFormat::F32) => measure::<Float>(&model, &dataset),
        _ => measure::<Integer>(&model, &dataset),
    };
    let mut figures = measured.map_err(|error| error.between(&args.model, &dataset.name))?;
    figures.model = args.model.display().to_string();
    if json { super::print_json(&figures) } else { super::print(&describe(&figures)) }
}

fn words(input: Input) -> String {
    match input {
        Input::Unit => "values from 0 to 1".to_owned(),
        Input::Levels { max } => format!("levels from 0 to {max}"),
        Input::Binary { threshold } => format!("levels, 1 above {threshold} and else 0"),
        Input::Scaled { channels } => format!("numbers of {channels} channels, each with an offset and a scale"),
    }
}

fn describe(figures: &Figures) -> String {
    let Figures { model, data, samples, accuracy, cross_entropy, free_energy_mean_nats, novel_share } = figures;
    let mut text = format!("{model} on {samples} test samples of {data}\n");
    text += &format!("  accuracy              {:.2} %\n", 100.0 * accuracy);
    text += &format!("  cross-entropy         {cross_entropy:.4} nats\n");
    if let Some(mean) = free_energy_mean_nats {
        text += &format!("  free energy, mean     {mean:.2} nats\n");
    }
    if let Some(share) = novel_share {
        text += &format!("  counted as novel      {:.2} %\n", 100.0 * share);
    }
    text
}

fn measure<N: Numbers>(model: &Model<'_>, dataset: &Dataset) -> Result<Figures, Error> {
    let split = &dataset.test;
    let classified = classification::evaluate::<N>(model, split)?;
    // A net that was not pretrained has no machine, and so no free energies.
    let energies = match model.machine::<N>() {
        Ok(_) => novelty::free_energies::<N>(model, &split.inputs)?,
        Err(_) => Vec::new(),
    };
    let mean = |sum: f64| (!energies.is_empty()).then(|| sum / energies.len() as f64);
    let novel: Option<Vec<bool>> = energies.iter().map(|&energy| model.is_novel::<N>(energy)).collect();
    Ok(Figures {
        model: String::new(),
        data: dataset.name.clone(),
        samples: split.labels.len(),
        accuracy: classified.accuracy,
        cross_entropy: classified.cross_entropy,
        free_energy_mean_nats: mean(energies.iter().map(|&energy| f64::from(N::nats(energy))).sum()),
        novel_share: novel.and_then(|novel| mean(novel.into_iter().filter(|&novel| novel).count() as f64)),
    })
}
