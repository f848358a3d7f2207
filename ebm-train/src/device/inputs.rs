//! [`Inputs`]: a data set's samples as a sensor would have given them to the device.

use crate::Error;
use crate::data::{self, Batch, Binarisation, DataOptions, Dataset, Fitted, Preprocessing};
use crate::export::ModelFile;
use ebm_core::format::{Input, Scaling};
use ebm_core::service::Spoken;
use ebm_core::wire::{Arithmetic, Values, Words};
use ebm_core::{Integer, Model, ModelError, Numbers, ShapeError};

/// Samples in the form in which they are sent.
pub struct Inputs {
    /// Name of the data set.
    pub name: String,
    /// Names of its classes.
    pub classes: Vec<String>,
    /// Class of each sample; empty where there are no labels.
    pub labels: Vec<u16>,
    /// Samples left out because a value is missing.
    pub missing: usize,
    rows: Rows,
    visible: usize,
}

/// Samples one after another.
enum Rows {
    /// Raw levels.
    Levels(Vec<u8>),
    /// Raw whole numbers.
    Counts(Vec<i32>),
    /// Raw numbers.
    Readings(Vec<f32>),
    /// Values as the model takes them: where they are not made of raw numbers on the device.
    F32(Vec<f32>),
    /// The same in `1/128`.
    Integer(Vec<u8>),
}

/// Which samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What is learnt from.
    Train,
    /// The test part, or all where the data have none.
    Measured,
}

impl Inputs {
    /// The first `limit` samples of the data for the model of `file`; those with missing values are left out.
    ///
    /// What a device makes of raw numbers is sent raw: levels, readings, or counts of a converter, of which so many as the model's header says make
    /// one of what the data are given in. Values that training drew are sent as they were drawn.
    ///
    /// Fails when the data cannot be read, do not fit the model, or have no sample of `part`.
    pub fn open<N: Spoken>(file: &ModelFile, options: &DataOptions, part: Part, limit: usize) -> Result<Self, Error> {
        let model = file.model()?;
        let fitted = file.fitted()?;
        let is_drawn = matches!(
            fitted.preprocessing.binarisation,
            Binarisation::SampledOnce { .. } | Binarisation::SampledEachTime
        );
        let is_raw = !is_drawn && model.header().input != Input::Unit;
        let preprocessing = if is_raw { Preprocessing::default() } else { fitted.preprocessing };
        let dataset = data::open_as(options, &Fitted { preprocessing, classes: fitted.classes })?;
        Self::of::<N>(&model, &dataset, is_raw, part, limit).map_err(|error| error.between(file.path(), &dataset.name))
    }

    fn of<N: Spoken>(model: &Model<'_>, data: &Dataset, is_raw: bool, part: Part, limit: usize) -> Result<Self, Error> {
        let split = if part == Part::Train { &data.train } else { data.measured() };
        let visible = split.inputs.visible();
        ShapeError::check("inputs", model.inputs(), visible).map_err(ModelError::from)?;
        let (mut values, mut labels, mut missing) = (Vec::new(), Vec::new(), 0);
        let mut row = 0;
        for piece in split.inputs.pieces() {
            for sample in Batch::iter(&*piece?) {
                if values.len() >= limit.saturating_mul(visible) {
                    break;
                }
                if sample.iter().any(|value| value.is_nan()) {
                    missing += 1;
                } else {
                    values.extend_from_slice(sample);
                    labels.extend(split.labels.get(row));
                }
                row += 1;
            }
        }
        if values.is_empty() {
            return Err(Error::data(&data.name, "no sample is left to show the device".to_owned()));
        }
        let rows = if is_raw { raw::<N>(model, values) } else { Rows::of_values::<N>(values) };
        Ok(Self { name: data.name.clone(), classes: data.classes.clone(), labels, missing, rows, visible })
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.rows.values() / self.visible.max(1)
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples, as they are sent.
    pub fn iter(&self) -> impl Iterator<Item = Values<'_>> {
        (0..self.len()).map(|index| {
            let range = index * self.visible..(index + 1) * self.visible;
            match &self.rows {
                Rows::Levels(levels) => Values::Levels(&levels[range]),
                Rows::Counts(counts) => Values::Counts(Words::new(&counts[range])),
                Rows::Readings(readings) => Values::Readings(Words::new(&readings[range])),
                Rows::F32(values) => Values::F32(Words::new(&values[range])),
                Rows::Integer(values) => Values::Integer(&values[range]),
            }
        })
    }
}

impl Rows {
    fn of_values<N: Spoken>(values: Vec<f32>) -> Self {
        match N::ARITHMETIC {
            Arithmetic::F32 => Self::F32(values),
            Arithmetic::Integer => Self::Integer(values.into_iter().map(Integer::from_unit).collect()),
        }
    }

    fn values(&self) -> usize {
        match self {
            Self::Levels(values) | Self::Integer(values) => values.len(),
            Self::Counts(counts) => counts.len(),
            Self::Readings(values) | Self::F32(values) => values.len(),
        }
    }
}

/// Raw numbers as a sensor gives them to a device of these numbers.
fn raw<N: Spoken>(model: &Model<'_>, values: Vec<f32>) -> Rows {
    if let Some(Scaling::Integer { counts, .. }) = model.header().scaling {
        let counts = counts.iter().cycle();
        return Rows::Counts(values.iter().zip(counts).map(|(value, count)| (value * count).round() as i32).collect());
    }
    let is_level = |value: &f32| (0.0..=255.0).contains(value) && value.fract() == 0.0;
    match (N::ARITHMETIC, values.iter().all(is_level)) {
        (_, true) => Rows::Levels(values.iter().map(|&value| value as u8).collect()),
        (Arithmetic::F32, _) => Rows::Readings(values),
        (Arithmetic::Integer, _) => Rows::Counts(values.iter().map(|value| value.round() as i32).collect()),
    }
}
