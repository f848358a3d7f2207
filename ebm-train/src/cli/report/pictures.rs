//! What a machine dreams, responds to, and makes of samples.

use super::Subject;
use super::panel::Panel;
use crate::Error;
use crate::backend::Backend;
use crate::cli::drawing;
use crate::cli::inpaint::{Unknown, known};
use crate::data::Batch;
use crate::generate::{Chains, Inpainting, Stack, Start, inpaint};
use crate::parameters::{Parameters, RbmParameters};
use crate::report::html::{Item, Section};
use crate::report::picture::{Colours, Grid, Tile, bands};
use crate::train::Silent;
use crate::train::finetune::machine_over_inputs;
use ebm_core::Beta;

/// Gibbs steps of every chain, and of how many of the last ones a guess is the mean.
const STEPS: u32 = 500;
const AVERAGED: u32 = 100;
/// Samples of the last model.
const SAMPLES: usize = 60;
/// Filters at most.
const FILTERS: usize = 100;
/// Pixels of a row of tiles at most, and tiles.
const ROW_PIXELS: usize = 900;
const ROW_TILES: usize = 10;

/// Tiles of a row.
fn columns(tile: Tile) -> usize {
    let [second, _] = Grid::rows_of(tile, 2).place(1);
    (ROW_PIXELS / second.max(1)).clamp(1, ROW_TILES)
}

/// Samples of the machine as it learnt, and of the whole at the end.
pub(super) fn samples<B: Backend>(
    backend: &B,
    subject: &Subject<'_>,
    milestones: &[(usize, Parameters)],
    generative: Option<&Parameters>,
) -> Result<Option<Section>, Error> {
    let tile = subject.tile()?;
    let means = |parameters: &Parameters, count| -> Result<Batch, Error> {
        let stack = Stack::new(backend, parameters)?;
        let mut chains = Chains::from_noise(backend, &stack, subject.plan.seed, 0, count)?;
        (0..STEPS).for_each(|_| chains.step(Beta::ONE));
        backend.check()?;
        Ok(chains.means())
    };
    let columns = columns(tile);
    let mut items = Vec::new();
    let mut rows = Batch::default();
    for (_, parameters) in milestones {
        let row = means(parameters, columns)?;
        rows.visible = row.visible;
        rows.values.extend(row.values);
    }
    let inputs = subject.dataset.measured().inputs.visible();
    // A machine with labels has more visible units than a tile has values; these stand first.
    if rows.visible >= inputs && rows.rows() > 0 {
        let epochs: Vec<String> = milestones.iter().map(|(epoch, _)| epoch.to_string()).collect();
        let colours = Colours::grey_of(&rows.values);
        let words = format!("Rows from the top: after epoch {}; {}.", epochs.join(", "), colours.words());
        let picture = Grid::rows_of(tile, columns).draw(rows.iter(), colours);
        items.push(Item::Picture { title: "Samples as the machine over the inputs learnt".into(), words, picture });
    }
    if let Some(parameters) = generative {
        let samples = means(parameters, SAMPLES.min(columns * 6))?;
        let colours = Colours::grey_of(&samples.values);
        let picture = Grid::rows_of(tile, columns).draw(samples.iter(), colours);
        let words = format!("{} chains; {}.", samples.rows(), colours.words());
        items.push(Item::Picture { title: "Samples of the model".into(), words, picture });
    }
    let words = format!("Means after {STEPS} Gibbs steps from noise, each chain by itself.");
    Ok((!items.is_empty()).then(|| Section { title: "Samples".into(), words, items }))
}

/// The machine over the inputs, or what there is of one.
fn first_machine(parameters: &Parameters) -> Option<&RbmParameters> {
    match parameters {
        Parameters::Dbn(stack) => Some(machine_over_inputs(stack).unwrap_or(&stack.top)),
        Parameters::Classifier(net) => net.machine.as_ref(),
    }
}

/// Weights of the hidden units that have most of them.
pub(super) fn filters(subject: &Subject<'_>, generative: Option<&Parameters>) -> Result<Option<Section>, Error> {
    let inputs = subject.dataset.measured().inputs.visible();
    let (visible, weights) = match (generative.and_then(first_machine), subject.parameters) {
        (Some(machine), _) => (machine.visible_bias.len(), &machine.weights),
        (None, Some(Parameters::Classifier(net))) => match net.layers.first() {
            Some(layer) => (layer.inputs(), &layer.weights),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let tile = subject.tile()?;
    let mut units: Vec<&[f32]> =
        weights.chunks_exact(visible.max(1)).map(|unit| &unit[..inputs.min(visible)]).collect();
    let all = units.len();
    let norm = |unit: &&[f32]| unit.iter().map(|weight| f64::from(*weight).powi(2)).sum::<f64>();
    units.sort_by(|a, b| norm(b).total_cmp(&norm(a)));
    units.truncate(FILTERS.min(columns(tile) * ROW_TILES));
    let shown: Vec<f32> = units.iter().flat_map(|unit| unit.iter()).copied().collect();
    let colours = Colours::signed_of(&shown);
    let picture = Grid::rows_of(tile, columns(tile)).draw(units.iter().copied(), colours);
    let words =
        format!("{} of {all} hidden units, those with the largest weights first; {}.", units.len(), colours.words());
    let items = vec![Item::Picture { title: "Weights of hidden units".into(), words, picture }];
    let words = "What each hidden unit of the first layer responds to: red inputs turn it on, blue ones off.".into();
    Ok(Some(Section { title: "Filters".into(), words, items }))
}

/// Reconstructions, and guesses for what is hidden.
pub(super) fn guesses<B: Backend>(
    backend: &B,
    subject: &Subject<'_>,
    generative: &Parameters,
    panel: &Panel,
) -> Result<Option<Section>, Error> {
    let tile = subject.tile()?;
    let stack = Stack::new(backend, generative)?;
    let columns = columns(tile);
    let chosen = one_a_class(panel, columns);
    let originals = drawing::rows(&panel.test.inputs, &chosen)?;
    if originals.rows() == 0 {
        return Ok(None);
    }
    let colours = Colours::grey_of(&originals.values);
    let grid = Grid::rows_of(tile, columns.min(originals.rows()));
    let reconstructions = stack.reconstruct(backend, &originals)?;
    let picture = grid.draw(bands(&[&originals, &reconstructions], grid.columns).into_iter(), colours);
    let words = format!("Above the samples, below what comes back of their hidden means; {}.", colours.words());
    let mut items = vec![Item::Picture { title: "Reconstructions".into(), words, picture }];

    let unknown = match (tile, subject.dataset.channels.first()) {
        (Tile::Picture(_), _) => Unknown::Lower,
        (_, Some(channel)) => Unknown::Channels(vec![channel.name.clone()]),
        (_, None) => Unknown::Right,
    };
    let hidden = unknown.values(tile.halved_as(), subject.dataset, stack.inputs())?;
    let known = known(&stack, &originals, &hidden)?;
    let settings = Inpainting { steps: STEPS, averaged: AVERAGED, seed: subject.plan.seed, run: 0 };
    let filled = inpaint(backend, &stack, settings, Start::Noise, &originals, &known, &mut Silent)?;
    let masked = originals.values.iter().zip(&known).map(|(&v, &known)| if known { v } else { f32::NAN }).collect();
    let masked = Batch { values: masked, visible: originals.visible };
    let picture = grid.draw(bands(&[&originals, &masked, &filled], grid.columns).into_iter(), colours);
    let words = format!(
        "From the top: the samples, what is shown to the machine (blue is hidden: {}), its guess from it: the mean of the last {AVERAGED} of {STEPS} Gibbs \
         steps; {}.",
        unknown.words(),
        colours.words()
    );
    items.push(Item::Picture { title: "Guesses for what is hidden".into(), words, picture });
    let words = format!("{} samples, which were not chosen for how well they come out.", panel.part);
    Ok(Some(Section { title: "Reconstructions and guesses".into(), words, items }))
}

/// The first sample of each class, or the first samples.
fn one_a_class(panel: &Panel, most: usize) -> Vec<u32> {
    let labels = &panel.test.labels;
    let mut rows: Vec<u32> = match labels.iter().max() {
        Some(&last) => (0..=last)
            .filter_map(|class| labels.iter().position(|&label| label == class))
            .map(|row| row as u32)
            .collect(),
        None => (0..panel.test.inputs.rows() as u32).collect(),
    };
    rows.truncate(most);
    rows
}
