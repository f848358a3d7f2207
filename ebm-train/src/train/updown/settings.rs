//! [`UpDown`]: how a stack learns to generate.

use crate::Error;
use crate::train::rbm::RbmSettings;
use crate::train::rbm::settings::{Algorithm, Schedule, Statistics};
use serde::{Deserialize, Serialize};

/// Settings of up-down fine-tuning.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct UpDown {
    /// Passes over the data.
    pub epochs: usize,
    /// Samples of a minibatch.
    pub batch_size: usize,
    /// Size of a step at the start, of every weight.
    pub learning_rate: f32,
    /// How it falls.
    pub schedule: Schedule,
    /// See [`Schedule`].
    pub decay_epochs: f32,
    /// Share of the last step that is kept.
    pub momentum: f32,
    /// `λ` of the L2 penalty `λ/2·‖W‖²` on every weight.
    pub weight_decay: f32,
    /// Where the top machine's negative phase comes from: chains from the data's states, or persistent ones.
    pub algorithm: Algorithm,
    /// Gibbs steps of the top machine a minibatch.
    pub k: u16,
    /// Persistent chains; 0 for as many as a minibatch has samples.
    pub chains: usize,
    /// What the sleep phase ends with: states, which are samples of the net, or the inputs' means, as Hinton, Osindero & Teh (2006) take for grey
    /// levels.
    pub dreams: Statistics,
}

impl Default for UpDown {
    fn default() -> Self {
        Self {
            epochs: 20,
            batch_size: 100,
            learning_rate: 0.01,
            schedule: Schedule::Linear,
            decay_epochs: 10.0,
            momentum: 0.5,
            weight_decay: 1e-5,
            algorithm: Algorithm::Cd,
            k: 3,
            chains: 0,
            dreams: Statistics::Means,
        }
    }
}

impl UpDown {
    /// How the top machine learns.
    pub fn top(&self) -> RbmSettings {
        RbmSettings {
            algorithm: self.algorithm,
            k: self.k,
            chains: self.chains,
            epochs: self.epochs,
            batch_size: self.batch_size,
            learning_rate: self.learning_rate,
            schedule: self.schedule,
            decay_epochs: self.decay_epochs,
            initial_momentum: self.momentum,
            momentum: self.momentum,
            weight_decay: self.weight_decay,
            ..RbmSettings::default()
        }
    }

    /// Fails, naming the flag, when a value cannot be meant. What [`UpDown::top`] takes over is checked with the machine.
    pub fn check(&self) -> Result<(), Error> {
        if matches!(self.algorithm, Algorithm::Cd | Algorithm::Pcd) {
            return Ok(());
        }
        let value = format!("{:?}", self.algorithm).to_lowercase();
        Err(Error::Flag {
            flag: "--up-down-algorithm",
            value,
            expected: "cd or pcd for the top machine of up-down fine-tuning",
        })
    }
}
