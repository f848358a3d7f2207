//! `inpaint`: guesses for what is hidden or missing, given the rest.

mod unknown;
mod write;

use super::backend::Work;
use super::drawing::{self, DrawingArgs, Drawn, Source};
use crate::Error;
use crate::backend::Backend;
use crate::data::{Batch, DataOptions, Dataset, Refill};
use crate::export::ModelFile;
use crate::generate::{Inpainting, Stack, Start, inpaint};
use crate::report::Progress;
use crate::report::picture::{Colours, Grid, Picture, Tile, bands};
use clap::{ValueEnum, value_parser};
use serde::Serialize;
use std::path::PathBuf;
pub(super) use unknown::Unknown;

/// Samples side by side where the user does not say.
const PER_ROW: usize = 10;

/// Arguments of `inpaint`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Known values are put back at every step, so that the others are drawn given them. Values that the data do not have (empty cells, NaN) are always \
    unknown; the accuracy is over those that were only hidden. --arrays FILE.csv writes the filled samples in the data's own units: of csv: data the whole table again, so that it can be given as data.\n\n\
    Examples:\n  ebm-train inpaint rbm.ebm --data mnist:DIR --unknown lower --out lower.png\n  \
    ebm-train inpaint sensors.ebm --data csv:gaps.csv --arrays filled.csv"
)]
pub struct InpaintArgs {
    /// The model file, in f32; beside a model.ebm in int8, the model-f32.ebm that training with --f32 keeps
    pub model: PathBuf,
    /// What is hidden: lower, upper, left or right half of a picture; channel:NAME[,NAME…] of a table; values:0-9,12,… by number from 0; missing: only
    /// what the data do not have
    #[arg(long, value_name = "WHAT", default_value = "missing")]
    pub unknown: Unknown,
    /// What unknown values are at the start
    #[arg(long, value_name = "WHAT", default_value = "random")]
    pub start: StartAt,
    /// Gibbs steps
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u32).range(1..=100_000_000))]
    pub steps: u32,
    /// Average the means of so many of the last steps: a better guess than those of the last alone
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..))]
    pub average: u32,
    /// Samples that are filled, from the first; by default 100, and all with --unknown missing
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub count: Option<u32>,
    /// Of these, so many are drawn
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u32).range(1..=10_000))]
    pub shown: u32,
    /// Seed of the chains
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// What to write
    #[command(flatten)]
    pub drawing: DrawingArgs,
    /// The data, of which the test part is taken
    #[command(flatten)]
    pub data: DataOptions,
}

/// Where unknown values start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartAt {
    /// Each drawn as if nothing were known.
    Random,
    /// 0.
    Zeros,
    /// The value's mean over the training part.
    Mean,
}

#[derive(Debug, Serialize)]
pub(super) struct Summary {
    model: String,
    data: String,
    out: Option<String>,
    arrays: Option<String>,
    samples: usize,
    steps: u32,
    start: StartAt,
    unknown: String,
    /// Values that were filled; of these, that the data do not have.
    filled_values: usize,
    missing_values: usize,
    #[serde(flatten)]
    figures: Option<Figures>,
    tile: [usize; 2],
    colours: String,
}

/// How well hidden values were guessed, beside guessing 0 for all of them.
#[derive(Debug, Serialize)]
struct Figures {
    hidden_values: usize,
    /// Share of hidden values that are on the right side of ½; where all of them lie from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy_all_zeros: Option<f64>,
    squared_error: f64,
    squared_error_all_zeros: f64,
}

pub(super) fn run(args: &InpaintArgs, json: bool) -> Result<(), Error> {
    let filled = args.drawing.backend.run(args.drawing.threads.into(), args)?;
    args.drawing.write(&filled.drawn, |path| write::arrays(path, &filled), json)
}

/// What comes of it.
pub(super) struct Filled {
    drawn: Drawn<Summary>,
    file: ModelFile,
    dataset: Dataset,
    /// What the samples were read from, where that is a table of text.
    table: Option<Refill>,
    truth: Batch,
    /// NaN where a value is unknown.
    masked: Batch,
    filled: Batch,
}

impl Work for &InpaintArgs {
    type Found = Filled;

    fn on<B: Backend>(self, backend: &B) -> Result<Self::Found, Error> {
        let args = self;
        let source = Source::open(&args.model, &args.drawing, backend)?;
        let table = Refill::new(drawing::data_of(&source.file, &args.data)?)?;
        let dataset = source.open_data(&args.data)?;
        let stack = Stack::new(source.backend, &source.parameters)?;
        let usual = if args.unknown == Unknown::Missing { usize::MAX } else { 100 };
        let truth = drawing::first(dataset.measured(), args.count.map_or(usual, |count| count as usize))?;
        let tile = source.tile(&args.drawing, Some(&dataset), stack.inputs())?;
        let hidden = args.unknown.values(tile.halved_as(), &dataset, stack.inputs())?;
        let known = known(&stack, &truth, &hidden)?;
        if known.iter().all(|&known| known) {
            let value = args.unknown.to_string();
            let expected = "the name of what to hide (lower, channel:NAME, …), as no value is missing";
            return Err(Error::Flag { flag: "--unknown", value, expected });
        }

        let settings = Inpainting { steps: args.steps, averaged: args.average, seed: args.seed, run: 0 };
        let start = match args.start {
            StartAt::Random => Vec::new(),
            StartAt::Zeros => vec![0.0; stack.inputs()],
            StartAt::Mean => means(&dataset, stack.inputs())?,
        };
        let start = if start.is_empty() { Start::Noise } else { Start::Values(&start) };
        let progress = Progress::new(settings.cost(&stack, truth.rows()));
        let filled = inpaint(source.backend, &stack, settings, start, &truth, &known, &mut progress.recorder())?;
        progress.finish();

        let masked: Vec<f32> =
            truth.values.iter().zip(&known).map(|(&v, &known)| if known { v } else { f32::NAN }).collect();
        let masked = Batch { values: masked, visible: truth.visible };
        let colours = Colours::grey_of(&truth.values);
        let summary = Summary {
            model: args.model.display().to_string(),
            data: dataset.name.clone(),
            out: args.drawing.picture_name(),
            arrays: args.drawing.arrays_name(),
            samples: truth.rows(),
            steps: args.steps,
            start: args.start,
            unknown: args.unknown.to_string(),
            filled_values: known.iter().filter(|&&known| !known).count(),
            missing_values: truth.values.iter().filter(|v| v.is_nan()).count(),
            figures: figures(&truth, &filled, &known),
            tile: drawing::sides(tile),
            colours: colours.words(),
        };
        let picture = args.drawing.picture(|| picture(args, [&truth, &masked, &filled], tile, colours));
        let drawn = Drawn { words: words(&summary), summary, picture };
        Ok(Filled { drawn, file: source.file, dataset, table, truth, masked, filled })
    }
}

/// Which values are known: those that are neither hidden nor missing, a softmax group only where all of it is.
pub(super) fn known<B: Backend>(stack: &Stack<B>, truth: &Batch, hidden: &[bool]) -> Result<Vec<bool>, Error> {
    let mut known: Vec<bool> =
        truth.values.iter().zip(hidden.iter().cycle()).map(|(v, &hidden)| !hidden && !v.is_nan()).collect();
    for row in known.chunks_exact_mut(truth.visible.max(1)) {
        let mut first = 0;
        for block in &stack.kinds().blocks {
            let units = first..(first + block.units()).min(row.len());
            let is_group = block.kind() == Some(ebm_core::VisibleKind::Softmax);
            if let Some(group) = row.get_mut(units.clone()).filter(|group| is_group && group.contains(&false)) {
                group.fill(false);
            }
            first = units.end;
        }
    }
    Ok(known)
}

/// Mean of every value over the training samples that have it; 0 where none has.
fn means(dataset: &Dataset, visible: usize) -> Result<Vec<f32>, Error> {
    let split = if dataset.train.inputs.rows() > 0 { &dataset.train } else { dataset.measured() };
    let mut sums = vec![(0.0f64, 0u32); visible];
    for piece in split.inputs.pieces() {
        for row in piece?.iter() {
            for ((sum, count), &v) in sums.iter_mut().zip(row).filter(|(_, v)| !v.is_nan()) {
                *sum += f64::from(v);
                *count += 1;
            }
        }
    }
    Ok(sums.into_iter().map(|(sum, count)| (sum / f64::from(count.max(1))) as f32).collect())
}

/// Over values that were hidden but are there; `None` where there is none.
fn figures(truth: &Batch, filled: &Batch, known: &[bool]) -> Option<Figures> {
    let pairs = || {
        let all = truth.values.iter().zip(&filled.values).zip(known);
        all.filter(|((v, _), known)| !**known && !v.is_nan()).map(|(pair, _)| pair)
    };
    let hidden = pairs().count();
    let share = |right: usize| right as f64 / hidden as f64;
    let mean = |sum: f64| sum / hidden as f64;
    let are_binary = pairs().all(|(v, _)| (0.0..=1.0).contains(v));
    let of_binary = |guess: &dyn Fn(f32) -> f32| {
        are_binary.then(|| share(pairs().filter(|&(&v, &filled)| (v > 0.5) == (guess(filled) > 0.5)).count()))
    };
    (hidden > 0).then(|| Figures {
        hidden_values: hidden,
        accuracy: of_binary(&|filled| filled),
        accuracy_all_zeros: of_binary(&|_| 0.0),
        squared_error: mean(pairs().map(|(v, filled)| f64::from(v - filled).powi(2)).sum()),
        squared_error_all_zeros: mean(pairs().map(|(v, _)| f64::from(*v).powi(2)).sum()),
    })
}

/// Original, masked and filled samples, below each other.
fn picture(args: &InpaintArgs, batches: [&Batch; 3], tile: Tile, colours: Colours) -> Picture {
    let shown = (args.shown as usize).min(batches[0].rows());
    let parts =
        batches.map(|batch| Batch { values: batch.values[..shown * batch.visible].to_vec(), visible: batch.visible });
    let grid = Grid::rows_of(tile, args.drawing.columns(shown, PER_ROW));
    let tiles = bands(&[&parts[0], &parts[1], &parts[2]], grid.columns);
    grid.draw(tiles.into_iter(), colours)
}

fn words(summary: &Summary) -> String {
    let Summary { model, data, samples, steps, unknown, filled_values, missing_values, colours, .. } = summary;
    let mut text = format!(
        "{model}: {filled_values} values of {samples} samples of {data} filled after {steps} Gibbs steps; unknown: {unknown}"
    );
    if *missing_values > 0 {
        text += &format!(", {missing_values} of them not in the data");
    }
    if let Some(Figures { hidden_values, accuracy, accuracy_all_zeros, squared_error, squared_error_all_zeros }) =
        &summary.figures
    {
        text += &format!("\n  over {hidden_values} hidden values ");
        if let Some((accuracy, zeros)) = accuracy.zip(*accuracy_all_zeros) {
            text += &format!("{:.2} % right (all zeros {:.2} %), ", 100.0 * accuracy, 100.0 * zeros);
        }
        text += &format!("mean squared error {squared_error:.5} (all zeros {squared_error_all_zeros:.5})");
    }
    text + &format!("\n  original, masked, filled; unknown is blue, {colours}")
}
