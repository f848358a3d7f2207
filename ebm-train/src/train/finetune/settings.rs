//! [`Backpropagation`]: how a net learns to name the class.

use crate::Error;
use crate::train::distort::Distortion;
use crate::train::rbm::settings::{Optimizer, Schedule};
use serde::{Deserialize, Serialize};

/// Settings of back-propagation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Backpropagation {
    /// Passes over the data.
    pub epochs: usize,
    /// Samples of a minibatch.
    pub batch_size: usize,
    /// How a gradient becomes a step.
    pub optimizer: Optimizer,
    /// Size of a step at the start.
    pub learning_rate: f32,
    /// Share of it that the layers below the head learn at; 0 leaves them as they are.
    pub layer_rate: f32,
    /// How it falls.
    pub schedule: Schedule,
    /// See [`Schedule`].
    pub decay_epochs: f32,
    /// Share of the last step that stochastic gradient descent keeps.
    pub momentum: f32,
    /// `λ` of the L2 penalty `λ/2·‖W‖²`.
    pub weight_decay: f32,
    /// Largest norm of a unit's weights, the head's too; 0 for any.
    pub max_norm: f32,
    /// Probability that a hidden unit is left out of a step (Srivastava et al. 2014).
    pub dropout: f32,
    /// The same of an input.
    pub input_dropout: f32,
    /// Share `ε` of the target that is spread over all classes: `(1 − ε)·one-hot + ε/classes` (Szegedy et al. 2016).
    pub label_smoothing: f32,
    /// Epochs without a better validation result after which to stop, the best epoch's parameters being kept; 0 for all epochs and the last
    /// one's parameters.
    pub patience: usize,
    /// Largest shift of a training image along each axis, in pixels; new in every epoch. Data that are no images stay as they are.
    pub shift: f32,
    /// Largest scaling, shear and rotation of a training image, as a share.
    pub affine: f32,
}

impl Default for Backpropagation {
    fn default() -> Self {
        Self {
            epochs: 20,
            batch_size: 32,
            optimizer: Optimizer::Adam,
            learning_rate: 0.002,
            layer_rate: 1.0,
            schedule: Schedule::Linear,
            decay_epochs: 10.0,
            momentum: 0.9,
            weight_decay: 0.0,
            max_norm: 0.0,
            dropout: 0.0,
            input_dropout: 0.0,
            label_smoothing: 0.0,
            patience: 0,
            shift: 0.0,
            affine: 0.0,
        }
    }
}

impl Backpropagation {
    /// Fails, naming the flag, when a value cannot be meant.
    pub fn check(&self) -> Result<(), Error> {
        let within = |flag, value: f32, fits: bool, expected| {
            let refused = Error::Flag { flag, value: value.to_string(), expected };
            if fits && value.is_finite() { Ok(()) } else { Err(refused) }
        };
        let above_zero = |flag, value: f32| within(flag, value, value > 0.0, "a number above 0");
        let at_least_zero = |flag, value: f32| within(flag, value, value >= 0.0, "0 or a number above it");
        let share = |flag, value: f32| within(flag, value, (0.0..1.0).contains(&value), "from 0 to below 1");
        let distortion = |flag, value: f32| within(flag, value, (0.0..=100.0).contains(&value), "from 0 to 100");
        if self.batch_size == 0 {
            return Err(Error::Flag { flag: "--finetune-batch-size", value: "0".into(), expected: "at least 1" });
        }
        above_zero("--finetune-learning-rate", self.learning_rate)?;
        within("--layer-rate", self.layer_rate, (0.0..=1.0).contains(&self.layer_rate), "from 0 to 1")?;
        above_zero("--finetune-decay-epochs", self.decay_epochs)?;
        share("--finetune-momentum", self.momentum)?;
        at_least_zero("--finetune-weight-decay", self.weight_decay)?;
        at_least_zero("--finetune-max-norm", self.max_norm)?;
        share("--dropout", self.dropout)?;
        share("--input-dropout", self.input_dropout)?;
        share("--label-smoothing", self.label_smoothing)?;
        distortion("--shift", self.shift)?;
        distortion("--affine", self.affine)
    }

    /// Step size `epochs` (with their fraction) after the start.
    pub fn learning_rate_after(&self, epochs: f32) -> f32 {
        self.learning_rate * self.schedule.share(epochs, self.epochs, self.decay_epochs)
    }

    /// What becomes of training images; `None` when nothing does.
    pub fn distortion(&self) -> Option<Distortion> {
        let Self { shift, affine, .. } = *self;
        (shift > 0.0 || affine > 0.0).then_some(Distortion { shift, affine })
    }
}
