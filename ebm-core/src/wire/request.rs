//! What a host asks.

use super::values::{Bits, Values};
use serde::{Deserialize, Serialize};

/// What a host asks of a device. Variants and fields are only ever appended, with a new [`super::VERSION`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// Who are you, and which model do you run? Answered by [`super::Answer::Hello`].
    Hello,
    /// Which class is this? Answered by [`super::Answer::Inferred`].
    Infer {
        /// One value an input: a visible unit that is no label.
        #[serde(borrow)]
        input: Values<'a>,
        /// Answer the free energy and the novelty of the input too.
        free_energy: bool,
    },
    /// How likely is this under the model? Answered by [`super::Answer::FreeEnergy`].
    FreeEnergy {
        /// One value an input: a visible unit that is no label.
        #[serde(borrow)]
        input: Values<'a>,
    },
    /// Draw from the model by block Gibbs sampling. Answered by [`super::Answer::Visible`].
    Sample {
        /// Where the chain starts.
        #[serde(borrow)]
        start: Start<'a>,
        /// Gibbs steps.
        steps: u32,
        /// Inverse temperature of every step in `1/256`: see [`crate::Beta::new`].
        beta: u16,
        /// Seed of the draws.
        seed: u64,
        /// What to answer of the last step.
        want: Want,
    },
    /// Fill in what is not known, by Gibbs sampling with the known values held. Answered by [`super::Answer::Visible`],
    /// with the known values in their places.
    Inpaint {
        /// One value a visible unit; what is not known starts from the value given here.
        #[serde(borrow)]
        input: Values<'a>,
        /// Which values are known, a bit a visible unit.
        #[serde(borrow)]
        known: Bits<'a>,
        /// Gibbs steps.
        steps: u32,
        /// Inverse temperature of every step in `1/256`: see [`crate::Beta::new`].
        beta: u16,
        /// Seed of the draws.
        seed: u64,
        /// What to answer of the last step.
        want: Want,
    },
    /// Learn from one input. Answered by [`super::Answer::Learned`].
    Learn {
        /// One value a visible unit.
        #[serde(borrow)]
        input: Values<'a>,
        /// How.
        learning: Learning,
    },
    /// A piece of the model's file as the device holds it. Answered by [`super::Answer::ModelBytes`].
    ReadModel {
        /// Where the piece begins in the file.
        offset: u32,
        /// How many bytes are wanted; the answer may hold fewer, but at least one where the file goes on.
        len: u32,
    },
    /// Another model will follow. What was sent of one before is forgotten; the model that answers stays until
    /// [`Request::CommitModel`]. Answered by [`super::Answer::Receiving`].
    BeginModel {
        /// Length of the file.
        len: u32,
        /// CRC-32 of the whole file.
        crc: u32,
    },
    /// The next piece of the other model's file. Answered by [`super::Answer::Receiving`].
    WriteModel {
        /// Where the piece begins in the file: where the piece before it ended.
        offset: u32,
        /// The piece.
        bytes: &'a [u8],
    },
    /// The other model's file is complete: check it, and answer with it from now on. Answered by
    /// [`super::Answer::Replaced`]; where the file is refused, the old model goes on answering.
    CommitModel,
}

/// Where a chain starts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Start<'a> {
    /// Visible values drawn at random.
    Noise,
    /// These visible values.
    Values(#[serde(borrow)] Values<'a>),
    /// The state in which the last [`Request::Sample`] or [`Request::Inpaint`] left the chain.
    Last,
}

/// What to answer of a chain's last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Want {
    /// The visible state that was drawn.
    State,
    /// `p(v | h)`, of which that state was drawn: less noisy.
    Probabilities,
}

/// How to learn from an input.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learning {
    /// Where the negative phase starts.
    pub rule: Rule,
    /// Gibbs steps of the negative phase, `k`.
    pub steps: u32,
    /// Learning rate.
    pub learning_rate: f32,
    /// Share of the last update that is added to this one.
    pub momentum: f32,
    /// Share of the weights that is taken off at each update, times the learning rate.
    pub weight_decay: f32,
    /// Seed of the draws.
    pub seed: u64,
    /// Number of this training step, which tells its draws from those of other steps under the same seed.
    pub step: u32,
}

/// Where the negative phase of a learning step starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rule {
    /// At the input: contrastive divergence.
    Cd,
    /// Where the last step left its chain: persistent contrastive divergence.
    Pcd,
}
