//! `inpaint`: the lower half of images is unknown and guessed by clamped Gibbs sampling; and which hidden units answer to an image.

use super::learning;
use super::{Bar, Context, Data, Experiment, Figure, Outcome, Setting};
use crate::Error;
use crate::backend::Backend;
use crate::data::Batch;
use crate::generate::Chains;
use crate::parameters::RbmParameters;
use crate::report::picture::Colours;
use crate::train::rbm::RbmSettings;
use crate::train::rbm::settings::Optimizer;
use ebm_core::Machine as _;
use ebm_core::rng::{Philox, Purpose, Stream, unit_interval};
use rand_core::Rng;
use std::fmt::Write;

const STEPS: usize = 1000;
/// Steps at the end over which the guess is a mean.
const AVERAGED: usize = 100;
const SHOWN: usize = 10;
/// Hidden units that are shown at either end.
const UNITS: usize = 8;

fn hidden(setting: &Setting<'_>) -> usize {
    setting.of(128, 48)
}

fn images(setting: &Setting<'_>) -> usize {
    setting.of(1000, 200)
}

fn settings(setting: &Setting<'_>) -> RbmSettings {
    RbmSettings {
        optimizer: Optimizer::Adam,
        learning_rate: 1e-3,
        batch_size: setting.of(64, 10),
        epochs: 12,
        weight_decay: 0.0,
        ..learning::plain()
    }
}

pub(super) fn experiment<B: Backend>() -> Experiment<B> {
    Experiment {
        name: "inpaint",
        about: "784-128 by CD-1 with Adam 1e-3, 12 epochs: the lower half unknown, 1,000 steps; the units that answer most and least to an image",
        source: "no figure; the guess must beat all pixels black",
        data: Data::Grey,
        work: |setting| learning::work(setting, &settings(setting), hidden(setting)),
        run,
    }
}

fn run<B: Backend>(context: &mut Context<'_, B>) -> Result<Outcome, Error> {
    let settings = settings(&context.setting);
    let hidden = hidden(&context.setting);
    let kept = learning::learn(context, "inpaint", &settings, hidden, &[])?;
    let Some(trained) = kept.last() else { return Ok(Outcome::default()) };
    let stack = learning::stack(context.backend, &trained.machine)?;
    let truth = learning::first(&context.setting.dataset.test.inputs, images(&context.setting))?;
    let unknown_from = truth.visible / 2;
    let marks: Vec<bool> = (0..truth.values.len()).map(|place| place % truth.visible < unknown_from).collect();
    let black = agreement(&truth, &Batch { values: vec![0.0; truth.values.len()], visible: truth.visible }, &marks);
    let mut outcome = Outcome::default();
    outcome.figures.push(Figure::told("unknown pixels right, all of them black", "", black));
    let mut rows: Vec<Batch> = vec![truth.clone(), masked(&truth, &marks)];
    for (run, start) in (0u16..).zip(["random", "zero"]) {
        let begin = begin(context.seed, start == "random", &truth, &marks);
        let mut chains = Chains::from_states(context.backend, &stack, context.seed, run, &begin)?;
        chains.hold_inputs(&truth, &marks)?;
        learning::run_chains(&mut chains, STEPS - AVERAGED);
        let mut guess = context.backend.zeros(truth.rows(), truth.visible);
        for _ in 0..AVERAGED {
            learning::run_chains(&mut chains, 1);
            chains.add_means(1.0 / AVERAGED as f32, &mut guess);
        }
        let guess = Batch { values: context.backend.download(&guess), visible: truth.visible };
        let right = agreement(&truth, &guess, &marks);
        outcome
            .figures
            .push(Figure::told(format!("unknown pixels right, from {start}"), "", right).bar(Bar::AtLeast(black)));
        rows.push(guess);
    }
    let tiles: Vec<&[f32]> = rows.iter().flat_map(|batch| batch.iter().take(SHOWN)).collect();
    outcome.files.push(learning::picture(
        context,
        "inpainted",
        SHOWN.min(truth.rows()),
        &tiles,
        Colours::Grey(0.0, 1.0),
    )?);
    features(context, &trained.machine, truth.row(0), &mut outcome)?;
    Ok(outcome)
}

/// Share of the pixels that are not marked as known on which truth and guess agree, both being on above a half.
fn agreement(truth: &Batch, guess: &Batch, marks: &[bool]) -> f64 {
    let unknown = truth.values.iter().zip(&guess.values).zip(marks).filter(|(_, known)| !**known);
    let (right, all) = unknown.fold((0usize, 0usize), |(right, all), ((truth, guess), _)| {
        (right + usize::from((*truth > 0.5) == (*guess > 0.5)), all + 1)
    });
    right as f64 / all.max(1) as f64
}

/// What is known, and NaN.
fn masked(truth: &Batch, marks: &[bool]) -> Batch {
    let values = truth.values.iter().zip(marks).map(|(&v, &known)| if known { v } else { f32::NAN });
    Batch { values: values.collect(), visible: truth.visible }
}

/// What is known, and states at random or zeros.
fn begin(seed: u64, at_random: bool, truth: &Batch, marks: &[bool]) -> Batch {
    let mut values = Vec::with_capacity(truth.values.len());
    for (sample, (row, marks)) in (0u32..).zip(truth.iter().zip(marks.chunks_exact(truth.visible.max(1)))) {
        let mut rng = Philox::new(seed, Stream { sample, ..Stream::new(Purpose::Free) });
        values.extend(row.iter().zip(marks).map(|(&v, &known)| {
            let on = at_random && unit_interval(rng.next_u32()) < 0.5;
            if known { v } else { f32::from(u8::from(on)) }
        }));
    }
    Batch { values, visible: truth.visible }
}

/// The hidden units that answer most and least to an image: their weights as pictures, their probabilities in words.
fn features<B: Backend>(
    context: &Context<'_, B>,
    machine: &RbmParameters,
    image: &[f32],
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let mut probabilities = vec![0.0; machine.hidden_bias.len()];
    machine.view()?.hidden_probs(image, &mut probabilities)?;
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    let shown: Vec<usize> = order.iter().take(UNITS).chain(order.iter().rev().take(UNITS)).copied().collect();
    let tiles: Vec<&[f32]> = shown.iter().map(|&unit| &machine.weights[unit * image.len()..][..image.len()]).collect();
    let colours = Colours::signed_of(&tiles.concat());
    outcome.files.push(learning::picture(context, "features", UNITS, &tiles, colours)?);
    outcome.files.push(learning::picture(context, "features-of", 1, &[image], Colours::Grey(0.0, 1.0))?);
    for (words, units) in [("most", &shown[..shown.len() / 2]), ("least", &shown[shown.len() / 2..])] {
        let _ = write!(outcome.text, "Hidden units that answer {words} to the first image:");
        for &unit in units {
            let _ = write!(outcome.text, "  {unit} p={:.4}", probabilities[unit]);
        }
        outcome.text.push('\n');
    }
    Ok(())
}
