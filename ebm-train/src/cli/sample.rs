//! `sample`: what a model believes the world looks like.

use super::backend::Work;
use super::drawing::{self, DrawingArgs, Drawn, Source};
use crate::Error;
use crate::arrays::{self, Array, Named};
use crate::backend::Backend;
use crate::data::{Batch, DataOptions, Dataset};
use crate::generate::{Chains, Stack};
use crate::report::Progress;
use crate::report::picture::{Colours, Grid};
use clap::{ValueEnum, value_parser};
use ebm_core::Beta;
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `sample`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Of a classifier, the machine that was pretrained beside it is sampled. Of a deep belief network, the machine on top, \
    whose states then go down through the layers below. Samples that are no picture are drawn as strips, windows with a row for each channel.\n\n\
    Examples:\n  ebm-train sample rbm.ebm --out samples.png\n  ebm-train sample dbn.ebm --class all --count 100 --per-row 10 --out classes.png\n  \
    ebm-train sample rbm.ebm --from data --data mnist:DIR --steps 500 --every 100 --count 10 --out chains.png --arrays chains.npz"
)]
pub struct SampleArgs {
    /// The model file, in f32; beside a model.ebm in int8, the model-f32.ebm that training with --f32 keeps
    pub model: PathBuf,
    /// Chains
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub count: u32,
    /// Gibbs steps of each chain
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u32).range(1..=100_000_000))]
    pub steps: u32,
    /// Where the chains start
    #[arg(long, value_name = "WHERE", default_value = "noise")]
    pub from: From,
    /// Inverse temperature of the chains, from 0 to 16 in steps of 1/256: below 1 they roam, above 1 they settle
    #[arg(long, default_value_t = 1.0)]
    pub beta: f32,
    /// Also take the chains after every so many steps, and at the start; each time a row of the picture
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub every: Option<u32>,
    /// Hold the label at this class, by name or number, of a model with labels; all: each class in turn
    #[arg(long, value_name = "CLASS")]
    pub class: Option<String>,
    /// Draw states, not the means that they were drawn from
    #[arg(long)]
    pub states: bool,
    /// Seed of the chains
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// What to write
    #[command(flatten)]
    pub drawing: DrawingArgs,
    /// The data of --from data: its test part
    #[command(flatten)]
    pub data: DataOptions,
}

/// Where chains start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum From {
    /// Each unit drawn as if nothing were known.
    Noise,
    /// The samples of a data set's test part, from the first.
    Data,
    /// All units 0.
    Zeros,
}

#[derive(Serialize)]
pub(super) struct Summary {
    model: String,
    out: Option<String>,
    arrays: Option<String>,
    count: u32,
    steps: u32,
    from: From,
    beta: f32,
    seed: u64,
    /// Width and height of a tile.
    tile: [usize; 2],
    colours: String,
    /// Class of each chain at its end; of a model with labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<u16>,
}

pub(super) fn run(args: &SampleArgs, json: bool) -> Result<(), Error> {
    let (drawn, named) = args.drawing.backend.run(args.drawing.threads.into(), args)?;
    args.drawing.write(&drawn, |path| arrays::write(path, &named, "samples"), json)
}

impl Work for &SampleArgs {
    type Found = (Drawn<Summary>, Named);

    fn on<B: Backend>(self, backend: &B) -> Result<Self::Found, Error> {
        let args = self;
        let beta = (256.0 * args.beta).round();
        if !(0.0..=f32::from(Beta::MAX.in_256ths())).contains(&beta) {
            return Err(Error::Flag { flag: "--beta", value: args.beta.to_string(), expected: "from 0 to 16" });
        }
        let beta = Beta::new(beta as u16);
        let source = Source::open(&args.model, &args.drawing, backend)?;
        let stack = Stack::new(source.backend, &source.parameters)?;
        let dataset = if args.from == From::Data { Some(source.open_data(&args.data)?) } else { None };
        let mut chains = start(args, &source, &stack, dataset.as_ref())?;
        if let Some(class) = &args.class {
            chains.hold_classes(&classes(class, &source, &stack, args.count as usize)?)?;
        }

        let mut moments = Vec::new();
        let take = |chains: &Chains<'_, _>| if args.states { chains.states() } else { chains.means() };
        if args.every.is_some() {
            moments.push((0, take(&chains)));
        }
        let of_step = u64::from(args.count) * stack.step_cost(false);
        let progress = Progress::new(u64::from(args.steps).saturating_mul(of_step));
        for step in 1..=args.steps {
            chains.step(beta);
            progress.advance(of_step);
            source.backend.check()?;
            if step == args.steps || args.every.is_some_and(|every| step.is_multiple_of(every)) {
                moments.push((step, take(&chains)));
            }
        }
        progress.finish();
        let rows: Vec<f32> = moments.iter().flat_map(|(_, batch)| &batch.values).copied().collect();
        let samples = Batch { values: rows, visible: stack.inputs() };

        let tile = source.tile(&args.drawing, dataset.as_ref(), stack.inputs())?;
        let colours = Colours::grey_of(&samples.values);
        let summary = Summary {
            model: args.model.display().to_string(),
            out: args.drawing.picture_name(),
            arrays: args.drawing.arrays_name(),
            count: args.count,
            steps: args.steps,
            from: args.from,
            beta: beta.value(),
            seed: args.seed,
            tile: drawing::sides(tile),
            colours: colours.words(),
            classes: chains.classes(),
        };
        let count = args.count as usize;
        let grid = match args.every {
            Some(_) => Grid::rows_of(tile, count),
            None => args.drawing.square(tile, count),
        };
        let named = named(&samples, &moments, args, &summary.classes);
        let picture = args.drawing.picture(|| grid.draw(samples.iter(), colours));
        Ok((Drawn { words: words(&summary, args.states), summary, picture }, named))
    }
}

fn start<'a, B: Backend>(
    args: &SampleArgs,
    source: &'a Source<'a, B>,
    stack: &'a Stack<B>,
    dataset: Option<&Dataset>,
) -> Result<Chains<'a, B>, Error> {
    let (backend, seed, count) = (source.backend, args.seed, args.count as usize);
    match (args.from, dataset) {
        (From::Data, Some(dataset)) => {
            let batch = drawing::first(dataset.measured(), count)?;
            drawing::complete(dataset, &batch)?;
            if batch.rows() < count {
                let value = format!("{count} (of {} samples)", batch.rows());
                return Err(Error::Flag { flag: "--count", value, expected: "at most the samples of the data" });
            }
            Chains::from_data(backend, stack, seed, 0, &batch)
        }
        (From::Zeros, _) => {
            let visible = stack.top().visible();
            Chains::from_states(backend, stack, seed, 0, &Batch { values: vec![0.0; count * visible], visible })
        }
        _ => Chains::from_noise(backend, stack, seed, 0, count),
    }
}

/// The class of each chain.
fn classes<B: Backend>(class: &str, source: &Source<'_, B>, stack: &Stack<B>, count: usize) -> Result<Vec<u16>, Error> {
    let model = source.file.model()?;
    let labels = stack.labels();
    if labels == 0 {
        let value = class.to_owned();
        return Err(Error::Flag { flag: "--class", value, expected: "no class, as the model has no labels" });
    }
    if class == "all" {
        return Ok((0..count).map(|chain| (chain % labels) as u16).collect());
    }
    let named = model.header().labels.split('\n').position(|name| name == class);
    match named.or_else(|| class.parse().ok()).filter(|&class| class < labels) {
        Some(class) => Ok(vec![class as u16; count]),
        None => {
            let expected = "one of the model's classes, its number from 0, or all";
            Err(Error::Flag { flag: "--class", value: class.to_owned(), expected })
        }
    }
}

fn named(samples: &Batch, moments: &[(u32, Batch)], args: &SampleArgs, classes: &[u16]) -> Named {
    let mut array = drawing::array(samples);
    let mut named = Named::new();
    if args.every.is_some() {
        array.shape = vec![moments.len(), args.count as usize, samples.visible];
        named
            .insert("steps".into(), Array::of_i64(&moments.iter().map(|(step, _)| (*step).into()).collect::<Vec<_>>()));
    }
    named.insert("samples".into(), array);
    if !classes.is_empty() {
        named.insert("classes".into(), drawing::classes_array(classes));
    }
    named
}

fn words(summary: &Summary, states: bool) -> String {
    let Summary { model, count, steps, beta, seed, tile: [width, height], colours, .. } = summary;
    let from = match summary.from {
        From::Noise => "noise",
        From::Data => "data",
        From::Zeros => "zeros",
    };
    let what = if states { "states" } else { "means" };
    format!(
        "{model}: {count} chains, {steps} Gibbs steps from {from} at β = {beta}, seed {seed}; {what}, {width} × {height} a tile, {colours}"
    )
}
