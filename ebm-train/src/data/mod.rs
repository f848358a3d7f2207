//! ① Data: readers turn files into [`Batch`]es.

mod amount;
pub mod digits;
mod idx;
mod options;
mod preprocessing;
mod samples;

pub use amount::{Bytes, Size};
pub use options::{BinarisationChoice, DataOptions, Header, MixedWindows, SPECS, ScalingChoice};
pub use preprocessing::{Binarisation, Preprocessing, Scaling};
pub use samples::{Batch, PIECE_ROWS, Samples};

use crate::Error;
use ebm_core::format::{Input, crc32};
use ebm_core::{Block, Float, Numbers};

/// Samples that are images: rows of pixels, row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// Samples with their labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Split {
    /// The samples.
    pub inputs: Samples,
    /// Class of each sample; empty where there are no labels.
    pub labels: Vec<u16>,
}

/// A data set: its splits, and what a model must know to take the same inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// What it is called on the command line and in a model's provenance.
    pub name: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Shape of the samples when they are images.
    pub image: Option<ImageShape>,
    /// How raw inputs became values.
    pub preprocessing: Preprocessing,
    /// What kinds of visible units the values are made for; empty when all are Bernoulli.
    pub blocks: Vec<Block>,
    /// CRC-32 of the raw training inputs.
    pub train_crc32: u32,
    /// What is learnt from.
    pub train: Split,
    /// What decides when to stop and which settings are kept; empty where none was asked for.
    pub validation: Split,
    /// What is only measured on.
    pub test: Split,
}

/// Raw integer levels of one split, as they come out of a file.
struct Levels {
    image: ImageShape,
    levels: Vec<u8>,
    labels: Vec<u8>,
}

impl Levels {
    /// Values in `[0, 1]` by the conversion that a device applies too.
    fn split(&self, max: u16) -> Split {
        let values = self.levels.iter().map(|&level| Float::from_level(level.into(), max)).collect();
        let inputs = Batch { values, visible: self.image.width * self.image.height }.into();
        Split { inputs, labels: self.labels.iter().copied().map(u16::from).collect() }
    }
}

/// Reads the data that `options` ask for. Fails with the flag, or the file, line and column, that is wrong.
pub fn open(options: &DataOptions) -> Result<Dataset, Error> {
    match options.data.as_str() {
        digits::NAME => digits::load(),
        other => Err(Error::Flag { flag: "--data", value: other.to_owned(), expected: digits::NAME }),
    }
}

impl Dataset {
    /// What a model without training is measured on: the test part, or all samples where none was split off.
    pub fn measured(&self) -> &Split {
        if self.test.inputs.rows() > 0 { &self.test } else { &self.train }
    }

    /// Assembles a data set from integer levels `0..=max`. Fails when a label has no class, naming the file's `name`.
    fn from_levels(name: &str, classes: Vec<String>, max: u16, train: &Levels, test: &Levels) -> Result<Self, Error> {
        for (part, levels) in [("training", train), ("test", test)] {
            if let Some(row) = levels.labels.iter().position(|&label| usize::from(label) >= classes.len()) {
                return Err(Error::data(
                    name,
                    format!(
                        "{part} sample {row} has label {}, but there are {} classes",
                        levels.labels[row],
                        classes.len()
                    ),
                ));
            }
        }
        Ok(Self {
            name: name.to_owned(),
            classes,
            image: Some(train.image),
            preprocessing: Preprocessing { input: Input::Levels { max }, ..Preprocessing::default() },
            blocks: Vec::new(),
            train_crc32: crc32(&train.levels),
            train: train.split(max),
            validation: Split::default(),
            test: test.split(max),
        })
    }
}
