//! `cd10-noise`: CD-10 with Gaussian noise on the reconstruction, and where Gibbs sampling takes ten images.

use super::learning;
use super::{Bar, Context, Data, Experiment, Figure, Outcome, Setting};
use crate::Error;
use crate::backend::Backend;
use crate::generate::Chains;
use crate::report::picture::Colours;
use crate::train::rbm::RbmSettings;

const IMAGES: usize = 10;
const STEPS: usize = 500;

fn hidden(setting: &Setting<'_>) -> usize {
    setting.of(256, 48)
}

fn settings(setting: &Setting<'_>) -> RbmSettings {
    RbmSettings {
        k: 10,
        learning_rate: setting.of(0.005, 0.05),
        batch_size: setting.of(64, 10),
        epochs: 10,
        reconstruction_noise: 0.1,
        weight_decay: 0.0,
        ..learning::plain()
    }
}

pub(super) fn experiment<B: Backend>() -> Experiment<B> {
    Experiment {
        name: "cd10-noise",
        about: "784-256 by CD-10 with noise of 0.1 on the reconstruction, rate 0.005: L1 loss, then 500 Gibbs steps from ten images",
        source: "no figure; the loss must fall",
        data: Data::Grey,
        work: |setting| learning::work(setting, &settings(setting), hidden(setting)),
        run,
    }
}

fn run<B: Backend>(context: &mut Context<'_, B>) -> Result<Outcome, Error> {
    let settings = settings(&context.setting);
    let hidden = hidden(&context.setting);
    let kept = learning::learn(context, "cd10-noise", &settings, hidden, &[0])?;
    let images = learning::first(&context.setting.dataset.test.inputs, IMAGES)?;
    let mut losses = Vec::new();
    let mut files = Vec::new();
    for machine in &kept {
        let stack = learning::stack(context.backend, &machine.machine)?;
        let reconstructed = stack.reconstruct(context.backend, &images)?;
        let pairs = images.values.iter().zip(&reconstructed.values);
        losses.push(pairs.map(|(x, y)| f64::from((x - y).abs())).sum::<f64>() / images.values.len() as f64);
    }
    if let Some(trained) = kept.last() {
        let stack = learning::stack(context.backend, &trained.machine)?;
        let mut chains = Chains::from_data(context.backend, &stack, context.seed, 0, &images)?;
        learning::run_chains(&mut chains, STEPS);
        let sampled = chains.means();
        let tiles: Vec<&[f32]> = images.iter().chain(sampled.iter()).collect();
        files.push(learning::picture(context, "images-and-samples", images.rows(), &tiles, Colours::Grey(0.0, 1.0))?);
    }
    let (before, after) = (losses.first().copied().unwrap_or(f64::NAN), losses.last().copied().unwrap_or(f64::NAN));
    let figures = vec![
        Figure::told("L1 loss of ten images a pixel, before", "", before),
        Figure::told("L1 loss of ten images a pixel, after", "", after).bar(Bar::AtMost(0.75 * before)),
    ];
    Ok(Outcome { figures, files, ..Outcome::default() })
}
