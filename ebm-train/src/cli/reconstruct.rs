//! `reconstruct`: samples as a model sees them, up through its layers and down again.

use super::backend::Work;
use super::drawing::{self, DrawingArgs, Drawn, Source};
use crate::Error;
use crate::arrays::{self, Named};
use crate::backend::Backend;
use crate::data::{Batch, DataOptions, Dataset, Split};
use crate::generate::Stack;
use crate::report::picture::{Colours, Grid, bands};
use clap::value_parser;
use serde::Serialize;
use std::path::PathBuf;

/// Pairs side by side where the user does not say.
const PER_ROW: usize = 10;

/// Arguments of `reconstruct`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Below each original lies its reconstruction: means up through every layer and down again, without draws. The error is over the whole \
    test part.\n\nExample: ebm-train reconstruct dbn.ebm --data mnist:DIR --per-class --out pairs.png"
)]
pub struct ReconstructArgs {
    /// The model file, in f32; beside a model.ebm in int8, the model-f32.ebm that training with --f32 keeps
    pub model: PathBuf,
    /// Samples that are shown, from the first
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u32).range(1..=100_000))]
    pub count: u32,
    /// Show the first sample of each class
    #[arg(long, conflicts_with = "count")]
    pub per_class: bool,
    /// What to write
    #[command(flatten)]
    pub drawing: DrawingArgs,
    /// The data, of which the test part is taken
    #[command(flatten)]
    pub data: DataOptions,
}

#[derive(Serialize)]
pub(super) struct Summary {
    model: String,
    data: String,
    out: Option<String>,
    arrays: Option<String>,
    samples: usize,
    /// Mean squared difference a value, over all samples.
    reconstruction_error: f64,
    /// The same of those that are shown.
    reconstruction_error_shown: f64,
    /// Numbers of the samples that are shown.
    shown: Vec<u32>,
    /// Their classes, where the data have any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<u16>,
    tile: [usize; 2],
    colours: String,
}

pub(super) fn run(args: &ReconstructArgs, json: bool) -> Result<(), Error> {
    let (drawn, named) = args.drawing.backend.run(args.drawing.threads.into(), args)?;
    args.drawing.write(&drawn, |path| arrays::write(path, &named, "reconstructions"), json)
}

impl Work for &ReconstructArgs {
    type Found = (Drawn<Summary>, Named);

    fn on<B: Backend>(self, backend: &B) -> Result<Self::Found, Error> {
        let args = self;
        let source = Source::open(&args.model, &args.drawing, backend)?;
        let dataset = source.open_data(&args.data)?;
        let stack = Stack::new(source.backend, &source.parameters)?;
        let split = dataset.measured();
        let shown = match args.per_class {
            true => one_a_class(&dataset, split)?,
            false => (0..args.count.min(split.inputs.rows() as u32)).collect(),
        };
        let originals = drawing::rows(&split.inputs, &shown)?;
        drawing::complete(&dataset, &originals)?;
        let reconstructions = stack.reconstruct(source.backend, &originals)?;
        let mut sum = 0.0;
        for piece in split.inputs.pieces() {
            let piece = piece?;
            drawing::complete(&dataset, &piece)?;
            sum += squared_difference(&piece, &stack.reconstruct(source.backend, &piece)?);
        }
        let tile = source.tile(&args.drawing, Some(&dataset), stack.inputs())?;
        let colours = Colours::grey_of(&originals.values);
        let classes: Vec<u16> = shown.iter().filter_map(|&row| split.labels.get(row as usize).copied()).collect();
        let summary = Summary {
            model: args.model.display().to_string(),
            data: dataset.name.clone(),
            out: args.drawing.picture_name(),
            arrays: args.drawing.arrays_name(),
            samples: split.inputs.rows(),
            reconstruction_error: sum / (split.inputs.rows() * stack.inputs()).max(1) as f64,
            reconstruction_error_shown: squared_difference(&originals, &reconstructions)
                / originals.values.len() as f64,
            shown,
            classes,
            tile: drawing::sides(tile),
            colours: colours.words(),
        };
        let mut named = Named::from([
            ("originals".to_owned(), drawing::array(&originals)),
            ("reconstructions".to_owned(), drawing::array(&reconstructions)),
        ]);
        if !summary.classes.is_empty() {
            named.insert("classes".to_owned(), drawing::classes_array(&summary.classes));
        }
        let grid = Grid::rows_of(tile, args.drawing.columns(originals.rows(), PER_ROW));
        let tiles = bands(&[&originals, &reconstructions], grid.columns);
        let picture = args.drawing.picture(|| grid.draw(tiles.into_iter(), colours));
        Ok((Drawn { words: words(&summary), summary, picture }, named))
    }
}

/// The first sample of each class. Fails when the data have no labels, or none of a class.
fn one_a_class(dataset: &Dataset, split: &Split) -> Result<Vec<u32>, Error> {
    if split.labels.is_empty() {
        let value = format!("{} (without labels)", dataset.name);
        return Err(Error::Flag {
            flag: "--data",
            value,
            expected: "data with labels, for --per-class (--label names a CSV's column)",
        });
    }
    let first = |class: usize| {
        let row = split.labels.iter().position(|&label| usize::from(label) == class);
        row.map(|row| row as u32).ok_or_else(|| {
            Error::data(&dataset.name, format!("there is no test sample of class {}", dataset.classes[class]))
        })
    };
    (0..dataset.classes.len()).map(first).collect()
}

fn squared_difference(a: &Batch, b: &Batch) -> f64 {
    a.values.iter().zip(&b.values).map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

fn words(summary: &Summary) -> String {
    let Summary { model, data, samples, reconstruction_error, tile: [width, height], colours, .. } = summary;
    format!(
        "{model}: {} originals of {data}, their reconstructions below; mean squared error {reconstruction_error:.5} a value over {samples} samples, \
        {:.5} over those shown; {width} × {height} a tile, {colours}",
        summary.shown.len(),
        summary.reconstruction_error_shown
    )
}
