//! The field's published experiments by name: each trains as its source did, and puts its figure beside ours.

mod cd10_noise;
mod classify;
mod inpaint;
mod learning;
mod likelihood;
mod pcd_adam;
mod pretraining;
pub mod toy;

use crate::Error;
use crate::backend::Backend;
use crate::data::Dataset;
use crate::train::{Epoch, Monitor};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// An experiment.
pub struct Experiment<B: Backend> {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Where the published figures come from.
    pub source: &'static str,
    /// What it learns from.
    pub data: Data,
    work: fn(&Setting<'_>) -> u64,
    run: fn(&mut Context<'_, B>) -> Result<Outcome, Error>,
}

/// What an experiment learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// Rows of its own.
    Own,
    /// Images whose grey levels are taken as probabilities.
    Grey,
    /// Images whose pixels are on above a half.
    Binary,
}

/// What an experiment is run on.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// MNIST, or with `quick` the embedded digits.
    pub dataset: &'a Dataset,
    /// Small machines and few epochs, to see that it works; the published figures are not meant to be reached.
    pub quick: bool,
}

/// What an experiment works with.
pub struct Context<'a, B: Backend> {
    /// Where tensors live.
    pub backend: &'a B,
    /// Data and size.
    pub setting: Setting<'a>,
    /// Seed of every random number.
    pub seed: u64,
    /// Folder for pictures and models.
    pub out: &'a Path,
    /// Hears of every epoch.
    pub monitor: &'a mut dyn Monitor,
}

/// What came out.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    /// Figures, with the published ones beside them.
    pub figures: Vec<Figure>,
    /// Figures of every epoch of training.
    pub epochs: Vec<Epoch>,
    /// Pictures and models that were written.
    pub files: Vec<PathBuf>,
    /// The states of `toy`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<toy::State>,
    /// Tables for people.
    #[serde(skip)]
    pub text: String,
}

/// One figure of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// Its unit.
    pub unit: &'static str,
    /// The published value; none where nobody gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<f64>,
    /// Our value.
    pub ours: f64,
    /// What ours must reach; none where it is only told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bar: Option<Bar>,
    /// Does it?
    pub reached: bool,
}

/// What a figure must reach.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bar {
    /// Not less.
    AtLeast(f64),
    /// Not more.
    AtMost(f64),
}

impl Figure {
    /// A figure that is only told.
    pub fn told(name: impl Into<String>, unit: &'static str, ours: f64) -> Self {
        Self { name: name.into(), unit, published: None, ours, bar: None, reached: true }
    }

    /// The same beside what was published.
    pub fn published(self, value: f64) -> Self {
        Self { published: Some(value), ..self }
    }

    /// The same with what it must reach. A figure that is NaN reaches nothing.
    pub fn bar(self, bar: Bar) -> Self {
        let reached = match bar {
            Bar::AtLeast(least) => self.ours >= least,
            Bar::AtMost(most) => self.ours <= most,
        };
        Self { bar: Some(bar), reached, ..self }
    }
}

impl Setting<'_> {
    /// What an experiment takes at its full size, or its like for the digits: a sixteenth of MNIST's images, so smaller minibatches, fewer units.
    fn of<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

impl<B: Backend> Experiment<B> {
    /// All experiments.
    pub fn all() -> Vec<Self> {
        vec![
            pretraining::rbm(),
            pretraining::dbn(),
            pcd_adam::experiment(),
            inpaint::experiment(),
            cd10_noise::experiment(),
            toy::experiment(),
            likelihood::experiment(),
            classify::experiment(),
        ]
    }

    /// Multiply-adds of it.
    pub fn work(&self, setting: &Setting<'_>) -> u64 {
        (self.work)(setting)
    }

    /// Runs it. Fails where the backend did, as what came out is then worth nothing.
    pub fn run(&self, context: &mut Context<'_, B>) -> Result<Outcome, Error> {
        let outcome = (self.run)(context);
        context.backend.check()?;
        outcome
    }
}
