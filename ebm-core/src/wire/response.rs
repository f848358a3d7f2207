//! What a device answers.

use super::refusal::Refusal;
use super::values::{Score, Scores, Values};
use crate::format::MAX_LAYERS;
use serde::{Deserialize, Serialize};

/// What a device answers. Variants and fields of this and all below are only ever appended, with a new [`super::VERSION`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response<'a> {
    /// Time that the answer took, from the decoded request to the encoded response, in ticks of [`Hello::clock_hz`]; 0 without a clock.
    pub ticks: u32,
    /// The answer, or why there is none.
    #[serde(borrow)]
    pub outcome: Result<Answer<'a>, Refusal<'a>>,
}

/// An answer to a [`super::Request`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer<'a> {
    /// To [`super::Request::Hello`].
    Hello(#[serde(borrow)] Hello<'a>),
    /// To [`super::Request::Infer`].
    Inferred {
        /// The class with the highest score.
        class: u32,
        /// A score a class.
        #[serde(borrow)]
        scores: Scores<'a>,
        /// Free energy of the input, where it was asked for.
        energy: Option<Energy>,
    },
    /// To [`super::Request::FreeEnergy`].
    FreeEnergy(Energy),
    /// To [`super::Request::Sample`] and [`super::Request::Inpaint`].
    Visible {
        /// One value a visible unit.
        #[serde(borrow)]
        values: Values<'a>,
    },
    /// To [`super::Request::Learn`].
    Learned {
        /// Updates since the model was put in, this one included.
        updates: u32,
    },
    /// To [`super::Request::ReadModel`].
    ModelBytes {
        /// Where these bytes begin in the file.
        offset: u32,
        /// The bytes; none at the end of the file.
        bytes: &'a [u8],
    },
    /// To [`super::Request::BeginModel`] and [`super::Request::WriteModel`].
    Receiving {
        /// Where the next piece has to begin.
        offset: u32,
    },
    /// To [`super::Request::CommitModel`].
    Replaced {
        /// CRC-32 of the file that answers from now on.
        crc: u32,
    },
}

/// Who a device is, and what it can take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello<'a> {
    /// The program, and its version.
    pub firmware: &'a str,
    /// The board that it runs on.
    pub board: &'a str,
    /// Ticks a second of [`Response::ticks`]; 0 without a clock.
    pub clock_hz: u32,
    /// Bytes of a frame that the device can hold, without its zeros and COBS: the length of its deframer's buffer.
    pub buffer_len: u32,
    /// Bytes of a model file that the device can take in place of its own; 0 when it cannot.
    pub slot_len: u32,
    /// The model that answers.
    #[serde(borrow)]
    pub model: ModelInfo<'a>,
}

/// A model as a device holds it. The rest of its header is read with [`super::Request::ReadModel`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo<'a> {
    /// Length of the file.
    pub len: u32,
    /// CRC-32 of the whole file.
    pub crc: u32,
    /// What it computes in.
    pub arithmetic: Arithmetic,
    /// Values that an input has: visible units that are not labels.
    pub inputs: u32,
    /// Classes that it tells apart; 0 when it has none.
    pub classes: u32,
    /// The layers from the input up, as the file has them.
    pub layers: heapless::Vec<Shape, MAX_LAYERS>,
    /// Free energy, in `2^-12` nats, above which an input counts as novel.
    pub threshold: Option<i32>,
    /// Names of the classes, as in [`crate::format::Header::labels`]; empty when there are none, or no room for them.
    pub labels: &'a str,
}

/// What a model computes in, and so in which unit it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Arithmetic {
    /// f32: energies in nats, values from 0 to 1.
    F32,
    /// Integers: energies in `2^-12` nats, values in `1/128`.
    Integer,
}

/// Shape of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Shape {
    /// Inputs: `V`.
    pub visible: u32,
    /// Outputs: `H`.
    pub hidden: u32,
}

/// A free energy, and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Energy {
    /// `F(v)`, in the model's own unit.
    pub free_energy: Score,
    /// Whether the input is novel; `None` when the model has no threshold.
    pub novelty: Option<Novelty>,
}

/// Whether an input is novel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Novelty {
    /// Does the free energy exceed the threshold?
    pub is_novel: bool,
    /// Free energy less threshold, in the model's own unit.
    pub margin: Score,
}
