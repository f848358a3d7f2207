//! [`Place`]: what the draws of a minibatch are keyed by.

use crate::backend::Draws;
use ebm_core::rng::{Purpose, Stream};

/// Place of a minibatch in a run.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Seed of the run.
    pub seed: u64,
    /// Machine in the stack.
    pub layer: u8,
    /// Number of the minibatch in the training of that machine.
    pub step: u32,
    /// Row of the data set of each sample.
    pub samples: &'a [u32],
}

impl<'a> Place<'a> {
    /// The draws of so many Gibbs steps into the minibatch.
    pub(super) fn draws(&self, purpose: Purpose, phase: u16) -> Draws<'a> {
        let stream = Stream { purpose, layer: self.layer, phase, step: self.step, sample: 0 };
        Draws { seed: self.seed, stream, samples: self.samples }
    }

    /// The same place with draws for other rows: chains by their numbers.
    pub(super) fn of<'b>(&self, samples: &'b [u32]) -> Place<'b> {
        Place { samples, ..*self }
    }
}
