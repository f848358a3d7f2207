//! What is in a data set, before anything is made of it.

use super::assemble::{self, Raw};
use super::table::Table;
use super::{DataOptions, fit, parts, statistics};
use crate::Error;
use serde::Serialize;

/// Figures of the raw values of a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// What it is called.
    pub data: String,
    /// Values of a sample.
    pub visible: usize,
    /// Width and height where samples are images.
    pub image: Option<[usize; 2]>,
    /// The parts that the files have.
    pub parts: Vec<Part>,
    /// What would be made of the values with the options given.
    pub preprocessing: String,
}

/// Figures of one part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// `train` or `test`.
    pub part: &'static str,
    /// Number of samples.
    pub rows: usize,
    /// Least and greatest value; none where all are missing.
    pub min: Option<f32>,
    /// The greatest.
    pub max: Option<f32>,
    /// Values that are missing.
    pub missing: u64,
    /// Channels of one value, by name.
    pub constant: Vec<String>,
    /// Classes and how many samples each has.
    pub classes: Vec<Class>,
    /// Number of recordings, where samples tell them apart.
    pub groups: usize,
    /// Columns of a table.
    pub channels: Vec<Channel>,
    /// CRC-32 of the raw values, as a model's provenance has it of the training part: eight hexadecimal digits.
    pub crc32: String,
    /// What the reader did that a user should know.
    pub notes: Vec<String>,
}

/// A class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Class {
    /// Its name.
    pub class: String,
    /// Samples of it.
    pub samples: usize,
}

/// Figures of a column, or of a category of one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Least value.
    pub min: Option<f32>,
    /// Greatest value.
    pub max: Option<f32>,
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
    /// Values that are missing.
    pub missing: u64,
}

/// Looks at all that `options` name. Fails as reading does.
pub fn inspect(options: &DataOptions) -> Result<Inspection, Error> {
    let Raw { name, train, test } = assemble::read(options, None)?;
    let rows = parts::divide(train.rows.rows(), &train.labels, &train.groups, options)?.train;
    let (preprocessing, _) = fit::fit(&options.data, &train, &rows, options)?;
    let mut of_parts = vec![part("train", &train)?];
    if let Some(test) = &test {
        of_parts.push(part("test", test)?);
    }
    Ok(Inspection {
        data: name,
        visible: train.rows.visible(),
        image: train.image.map(|image| [image.width, image.height]),
        parts: of_parts,
        preprocessing: preprocessing.describe(),
    })
}

fn part(part: &'static str, table: &Table) -> Result<Part, Error> {
    let rows: Vec<u32> = (0..table.rows.rows() as u32).collect();
    let units = statistics::of(&table.rows, &rows, table.units())?;
    let present = || units.iter().filter(|unit| unit.count > 0);
    let mut counts = vec![0; table.classes.len()];
    table.labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
    let mut groups = table.groups.clone();
    groups.sort_unstable();
    groups.dedup();
    let is_constant = |unit: &usize| units[*unit].is_constant();
    let channels = units.iter().enumerate().map(|(unit, figures)| Channel {
        name: table.unit_name(unit),
        min: (figures.count > 0).then_some(figures.min),
        max: (figures.count > 0).then_some(figures.max),
        mean: figures.mean,
        deviation: figures.deviation(),
        missing: figures.missing,
    });
    Ok(Part {
        part,
        rows: rows.len(),
        min: present().map(|unit| unit.min).min_by(f32::total_cmp),
        max: present().map(|unit| unit.max).max_by(f32::total_cmp),
        missing: units.iter().map(|unit| unit.missing).sum(),
        constant: (0..units.len()).filter(is_constant).map(|unit| table.unit_name(unit)).collect(),
        classes: table
            .classes
            .iter()
            .zip(counts)
            .map(|(class, samples)| Class { class: class.clone(), samples })
            .collect(),
        groups: groups.len(),
        channels: if table.channels.is_empty() { Vec::new() } else { channels.collect() },
        crc32: format!("{:08x}", assemble::crc32(table, &rows)?),
        notes: table.notes.clone(),
    })
}
