//! ① Data: readers turn files into [`Batch`]es.
//!
//! [`open`] follows the way of every data set: a [`Spec`] names files, a reader makes a table of raw values of them, the rows are split,
//! a [`Preprocessing`] is fitted on the training part, and all parts are seen through it. [`of_samples`] goes the same way with samples that a
//! program holds.

mod amount;
mod assemble;
mod columns;
pub mod convert;
mod csv;
pub mod digits;
mod elements;
pub mod fetch;
mod file_rows;
mod fit;
mod idx;
pub mod inspect;
mod labelled;
mod numpy;
mod options;
mod own;
mod parts;
mod preprocessing;
mod reader;
mod refill;
mod samples;
mod source;
mod spec;
mod statistics;
mod steady;
mod store;
mod table;
mod windows;

pub use amount::{Bytes, Size};
pub use file_rows::FileRows;
pub use labelled::labelled_subset;
pub use options::{BinarisationChoice, DataOptions, Header, MixedWindows, SPECS, ScalingChoice};
pub use own::of_samples;
pub use preprocessing::{Binarisation, Preprocessing, Scaling};
pub use refill::Refill;
pub use samples::{Batch, PIECE_ROWS, Samples, evenly};
pub use spec::Spec;
pub use table::Channel;

use crate::Error;
use ebm_core::Block;

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
    /// What it is called in words and in a model's provenance.
    pub name: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Shape of the samples when they are images.
    pub image: Option<ImageShape>,
    /// Columns of a table, in the order of the inputs; none for other data. A window repeats them.
    pub channels: Vec<Channel>,
    /// How raw inputs became values.
    pub preprocessing: Preprocessing,
    /// What kinds of visible units the values are made for: Gaussian where training values leave `[0, 1]`, a softmax group for a
    /// categorical column; empty when all are Bernoulli.
    pub blocks: Vec<Block>,
    /// CRC-32 of the raw training inputs.
    pub train_crc32: u32,
    /// What is learnt from.
    pub train: Split,
    /// What decides when to stop and which settings are kept; empty where none was asked for.
    pub validation: Split,
    /// What is only measured on; empty where there is none.
    pub test: Split,
    /// Numbers of the samples of [`Dataset::measured`] among those of their file, from 0.
    pub rows: Vec<u32>,
    /// Where the first missing value stands in a file of text; none in data without any, and in other files.
    pub missing: Option<String>,
    /// What the readers did that the user should know, a sentence each.
    pub notes: Vec<String>,
}

/// What a model says of its inputs: data for it are read the same way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fitted {
    /// How raw inputs become values.
    pub preprocessing: Preprocessing,
    /// Names of the classes; none where the model has none.
    pub classes: Vec<String>,
}

/// Reads the data that `options` ask for; scaling is fitted on the training part. Fails with the flag, or the file, line and column, that
/// is wrong.
pub fn open(options: &DataOptions) -> Result<Dataset, Error> {
    assemble::dataset(options, None)
}

/// Reads the data for a model that was trained before: its preprocessing and classes hold, not the options'. The blocks are the model's
/// too, and empty here. Fails as [`open`] does, and when the data have other channels, levels or classes than the model takes.
pub fn open_as(options: &DataOptions, fitted: &Fitted) -> Result<Dataset, Error> {
    assemble::dataset(options, Some(fitted))
}

impl Dataset {
    /// What a finished model is measured on: the test part, or all samples where there is none.
    pub fn measured(&self) -> &Split {
        if self.test.inputs.rows() > 0 { &self.test } else { &self.train }
    }

    /// Fails where a sample of `split`, which is called `part`, misses a value that `learner` needs: names the place, and what fills it.
    pub fn check_complete(&self, part: &str, split: &Split, learner: &str) -> Result<(), Error> {
        let mut first = 0;
        for piece in split.inputs.pieces() {
            let piece = piece?;
            if let Some(place) = piece.values.iter().position(|value| value.is_nan()) {
                let (row, value) = (first + place / piece.visible, place % piece.visible);
                let first_of_file = match &self.missing {
                    Some(place) => format!("the file's first empty cell is {place}"),
                    None => format!("its value {value} is NaN"),
                };
                let problem = format!(
                    "{part} sample {row} misses values ({first_of_file}); {learner} needs them all: a machine trained without it \
                     fills them, by `ebm-train inpaint MODEL --data … --arrays filled.csv`"
                );
                return Err(Error::data(&self.name, problem));
            }
            first += piece.rows();
        }
        Ok(())
    }

    /// What there is and what was made of it, a few lines: the protocol of every figure measured on it.
    pub fn describe(&self) -> String {
        let sizes = [("training", &self.train), ("validation", &self.validation), ("test", &self.test)]
            .map(|(part, split)| (split.inputs.rows(), part))
            .into_iter()
            .filter(|(rows, _)| *rows > 0)
            .map(|(rows, part)| format!("{rows} {part}"))
            .collect::<Vec<_>>()
            .join(", ");
        let shape = self.image.map_or_else(String::new, |image| format!(" ({} × {})", image.width, image.height));
        let visible = self.train.inputs.visible();
        let mut text = format!("{}: {sizes} samples of {visible} values{shape}", self.name);
        if !self.classes.is_empty() {
            text += &format!(", {} classes", self.classes.len());
        }
        text += &format!("\n  {}\n", self.preprocessing.describe());
        if self.train.inputs.memory().is_none() {
            text += "  read from a file in pieces: larger than --memory\n";
        }
        for note in &self.notes {
            text += &format!("  {note}\n");
        }
        text
    }
}
