//! What the commands that draw share: flags, the model they draw from, the shape of a tile.

use super::backend::BackendKind;
use crate::Error;
use crate::arrays::Array;
use crate::backend::Backend;
use crate::data::{
    self, Batch, Channel, DataOptions, Dataset, Fitted, ImageShape, Preprocessing, Samples, Split, digits,
};
use crate::export::ModelFile;
use crate::parameters::Parameters;
use crate::report::picture::{Grid, Picture, Tile};
use clap::value_parser;
use ebm_core::format::Input;
use ebm_core::{ModelError, ShapeError};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Flags of every command that draws.
#[derive(Debug, clap::Args)]
pub struct DrawingArgs {
    /// The picture to write, a PNG
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The numbers to write: .npz or .safetensors, or .npy for the main array alone
    #[arg(long, value_name = "FILE")]
    pub arrays: Option<PathBuf>,
    /// Pixels of a tile; by default the model's or the data's, else a row a channel of a window, a square where there is one, else a strip
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub shape: Option<Shape>,
    /// Tiles of a row
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..))]
    pub per_row: Option<u16>,
    /// What computes; the draws are the same
    #[arg(long, value_name = "WHERE", default_value = "cpu")]
    pub backend: BackendKind,
    /// Threads; 0 for one a processor. The result does not depend on it
    #[arg(long, default_value_t = 0, value_parser = value_parser!(u16).range(0..=1024))]
    pub threads: u16,
}

/// `WIDTHxHEIGHT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape(ImageShape);

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sides = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
        match sides {
            Some((width, height)) if width > 0 && height > 0 => Ok(Self(ImageShape { width, height })),
            _ => Err("pixels of a row and rows are expected, such as 28x28".into()),
        }
    }
}

/// What a command has drawn, of which nothing is written yet.
pub(super) struct Drawn<S> {
    /// For JSON.
    pub summary: S,
    /// The same for people; the picture carries them too.
    pub words: String,
    pub picture: Option<Picture>,
}

/// A model to draw from.
pub(super) struct Source<'a, B: Backend> {
    pub file: ModelFile,
    pub parameters: Parameters,
    pub backend: &'a B,
}

impl<'a, B: Backend> Source<'a, B> {
    /// Reads the model. Fails where it cannot be, or nothing is to be written.
    pub fn open(model: &Path, drawing: &DrawingArgs, backend: &'a B) -> Result<Self, Error> {
        if drawing.out.is_none() && drawing.arrays.is_none() {
            return Err(Error::Flag { flag: "--out", value: String::new(), expected: "a picture, or --arrays FILE" });
        }
        let file = ModelFile::read(model)?;
        let parameters = file.parameters()?;
        Ok(Self { file, parameters, backend })
    }

    /// [`open_data`] for this model.
    pub fn open_data(&self, options: &DataOptions) -> Result<Dataset, Error> {
        open_data(&self.file, options)
    }

    /// Shape of a tile. Fails when `--shape` has another number of pixels than there are inputs.
    pub fn tile(&self, drawing: &DrawingArgs, data: Option<&Dataset>, inputs: usize) -> Result<Tile, Error> {
        if let Some(Shape(image)) = drawing.shape {
            if image.width.checked_mul(image.height) != Some(inputs) {
                let value = format!("{}x{} (for {inputs} inputs)", image.width, image.height);
                return Err(Error::Flag { flag: "--shape", value, expected: "as many pixels as the model has inputs" });
            }
            return Ok(image.into());
        }
        usual_tile(&self.file, data, inputs)
    }
}

/// The tile that shows most of what the model's inputs are: its own or the data's picture, a row a channel of a window, a square where there is one, else
/// a strip.
pub(super) fn usual_tile(file: &ModelFile, data: Option<&Dataset>, inputs: usize) -> Result<Tile, Error> {
    let model = file.model()?;
    let of_model = model.header().presentation.image;
    let of_model = of_model.map(|image| ImageShape { width: image.width as usize, height: image.height as usize });
    let of_data = data.and_then(|data| data.image);
    let known = of_model.or(of_data).filter(|image| image.width * image.height == inputs);
    if let Some(image) = known {
        return Ok(image.into());
    }
    let of_data = data.map_or(0, |data| data.channels.iter().map(Channel::units).sum());
    let of_model = match model.header().input {
        Input::Scaled { channels } => channels as usize,
        _ => 0,
    };
    Ok(match (of_data, of_model) {
        (channels, _) | (0, channels) if channels > 1 && channels < inputs && inputs.is_multiple_of(channels) => {
            Tile::Window { steps: inputs / channels, channels }
        }
        (1.., _) | (_, 1) => Tile::Strip(inputs),
        _ => guessed(inputs),
    })
}

/// The options, of the digits where they name no data. Fails where the model names others that it was trained on.
pub(super) fn data_of(file: &ModelFile, options: &DataOptions) -> Result<DataOptions, Error> {
    if options.data != DataOptions::OF_THE_MODEL {
        return Ok(options.clone());
    }
    match file.model()?.header().provenance.dataset {
        // Of another program's weights there is nothing to say.
        "" | digits::NAME => Ok(DataOptions { data: digits::NAME.to_owned(), ..options.clone() }),
        dataset => Err(Error::NoData { model: file.path().to_owned(), dataset: dataset.to_owned() }),
    }
}

/// The data that `options` ask for as the model takes them, made binary as the flags say where they speak of it; where the model says nothing of its
/// inputs, all is the flags'. Fails when samples have another number of values than the model has inputs.
pub(super) fn open_data(file: &ModelFile, options: &DataOptions) -> Result<Dataset, Error> {
    let options = &data_of(file, options)?;
    let fitted = file.fitted()?;
    let dataset = match fitted.preprocessing == Preprocessing::default() {
        true => data::open(options)?,
        false => {
            let preprocessing = fitted.preprocessing.binarised(options);
            data::open_as(options, &Fitted { preprocessing, ..fitted })?
        }
    };
    let unfit = |error| Error::from(ModelError::from(error)).between(file.path(), &dataset.name);
    ShapeError::check("inputs", file.model()?.inputs(), dataset.measured().inputs.visible()).map_err(unfit)?;
    Ok(dataset)
}

/// A square where there is one that shows anything, else a strip.
fn guessed(inputs: usize) -> Tile {
    const SMALLEST: usize = 4;
    let side = inputs.isqrt();
    if side * side == inputs && side >= SMALLEST {
        ImageShape { width: side, height: side }.into()
    } else {
        Tile::Strip(inputs)
    }
}

impl DrawingArgs {
    /// A grid of so many tiles, as wide as the user asks, or square.
    pub fn square(&self, tile: Tile, tiles: usize) -> Grid {
        match self.per_row {
            Some(columns) => Grid::rows_of(tile, columns.into()),
            None => Grid::square(tile, tiles),
        }
    }

    /// Columns of a grid of bands.
    pub fn columns(&self, samples: usize, usual: usize) -> usize {
        self.per_row.map_or(usual, usize::from).min(samples).max(1)
    }

    /// The picture, where one is asked for.
    pub fn picture(&self, draw: impl FnOnce() -> Picture) -> Option<Picture> {
        self.out.is_some().then(draw)
    }

    /// Writes what was asked for, the numbers by `arrays`, and prints what it is.
    pub(super) fn write<S: Serialize>(
        &self,
        drawn: &Drawn<S>,
        arrays: impl FnOnce(&Path) -> Result<(), Error>,
        json: bool,
    ) -> Result<(), Error> {
        let Drawn { summary, words, picture } = drawn;
        if let Some((out, picture)) = self.out.as_ref().zip(picture.as_ref()) {
            picture.write_png(out, words)?;
        }
        self.arrays.as_deref().map_or(Ok(()), arrays)?;
        if json {
            return super::print_json(summary);
        }
        let files: Vec<String> = self.out.iter().chain(&self.arrays).map(|file| file.display().to_string()).collect();
        super::print(&format!("{words}\nwritten: {}\n", files.join(", ")))
    }

    /// The picture's path, for JSON.
    pub fn picture_name(&self) -> Option<String> {
        self.out.as_ref().map(|out| out.display().to_string())
    }

    /// The arrays' path, for JSON.
    pub fn arrays_name(&self) -> Option<String> {
        self.arrays.as_ref().map(|out| out.display().to_string())
    }
}

/// Width and height of a tile in values.
pub(super) fn sides(tile: Tile) -> [usize; 2] {
    let ImageShape { width, height } = tile.shape();
    [width, height]
}

/// A batch as an array.
pub(super) fn array(batch: &Batch) -> Array {
    Array::of_f32(&[batch.rows(), batch.visible], &batch.values)
}

/// Classes as an array.
pub(super) fn classes_array(classes: &[u16]) -> Array {
    Array::of_i64(&classes.iter().copied().map(i64::from).collect::<Vec<_>>())
}

/// The first `count` samples of a split; all where there are fewer.
pub(super) fn first(split: &Split, count: usize) -> Result<Batch, Error> {
    rows(&split.inputs, &(0..count.min(split.inputs.rows()) as u32).collect::<Vec<_>>())
}

/// The samples named by `rows`.
pub(super) fn rows(samples: &Samples, rows: &[u32]) -> Result<Batch, Error> {
    let mut batch = Batch { values: Vec::new(), visible: samples.visible() };
    samples.gather(rows, &mut batch)?;
    Ok(batch)
}

/// Fails where samples have missing values, naming the data.
pub(super) fn complete(data: &Dataset, batch: &Batch) -> Result<(), Error> {
    match batch.iter().position(|row| row.iter().any(|v| v.is_nan())) {
        Some(row) => {
            Err(Error::data(&data.name, format!("sample {row} has missing values; `ebm-train inpaint` fills them")))
        }
        None => Ok(()),
    }
}
