//! Why a device does not do what it was asked: every refusal is a value in a message.

use super::frame::FrameError;
use super::length::MAX_WHAT_LEN;
use crate::format::FormatError;
use crate::machine::ShapeError;
use crate::model::ModelError;
use serde::{Deserialize, Serialize};

/// Why a device does not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refusal<'a> {
    /// What came was no request.
    #[error(transparent)]
    Frame(FrameError),
    /// Something has another length than the model or its buffers.
    #[error("{what}: {expected} expected, {found} found")]
    Shape {
        /// What was counted.
        what: &'a str,
        /// The length that fits.
        expected: u32,
        /// The length that came.
        found: u32,
    },
    /// More than there is room for.
    #[error("{what}: at most {limit}, {found} found")]
    TooLarge {
        /// What was counted.
        what: &'a str,
        /// The most that there is room for.
        limit: u32,
        /// What was asked for.
        found: u32,
    },
    /// This device, or its model, does not do that.
    #[error("not supported: {what}")]
    Unsupported {
        /// What is missing.
        what: &'a str,
    },
    /// An input, and so the answer, is NaN.
    #[error("a score is not a number: an input was none")]
    NotANumber,
    /// A piece of a model that is not the next one, or no model was begun.
    #[error("a piece of a model at byte {found}; {expected} is next")]
    Sequence {
        /// Where the next piece has to begin: 0 when no model was begun.
        expected: u32,
        /// Where it began.
        found: u32,
    },
    /// The model that was sent is not one that can answer.
    #[error("the model is refused: {0}")]
    Model(ModelFault),
    /// The device's memory did not keep what was written.
    #[error("the device's memory did not keep what was written")]
    Storage,
    /// A learning step took parameters beyond all numbers. What was learnt is forgotten.
    #[error(
        "learning took the parameters beyond all numbers, and what was learnt is forgotten: a smaller learning rate keeps them"
    )]
    Diverged,
}

/// Why bytes were refused as a model, by class: what a host can do about each is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ModelFault {
    /// It does not begin as a model file does.
    #[error("not a model file")]
    NotAModel,
    /// A format version that the device does not know.
    #[error("format version {found} is not known to the device")]
    Version {
        /// The file's version.
        found: u16,
    },
    /// Bytes are missing or left over.
    #[error("not as long as it says")]
    Length,
    /// A checksum does not match.
    #[error("damaged on its way")]
    Damaged,
    /// The header is none, or says what cannot be.
    #[error("its header says what cannot be")]
    Header,
    /// Layers that do not make a model.
    #[error("its layers do not make a model")]
    Layers,
    /// Parameters that are not finite, or not in range.
    #[error("its parameters are not finite or not in range")]
    Parameters,
    /// The bytes do not lie where they can be read.
    #[error("not aligned in memory")]
    Misaligned,
}

impl From<FormatError> for ModelFault {
    fn from(error: FormatError) -> Self {
        match error {
            FormatError::Magic => Self::NotAModel,
            FormatError::Version { found } => Self::Version { found },
            FormatError::Truncated { .. } | FormatError::TrailingBytes { .. } | FormatError::PayloadLength { .. } => {
                Self::Length
            }
            FormatError::HeaderCrc | FormatError::PayloadCrc => Self::Damaged,
            FormatError::HeaderLength { .. }
            | FormatError::Header
            | FormatError::HeaderNotFinite
            | FormatError::NoLevels
            | FormatError::Channels { .. }
            | FormatError::Image { .. }
            | FormatError::Labels { .. } => Self::Header,
            FormatError::NoLayers
            | FormatError::EmptyLayer { .. }
            | FormatError::MixedNumbers { .. }
            | FormatError::Unread { .. }
            | FormatError::HeadNotLast { .. }
            | FormatError::GenerativeNotBeside { .. }
            | FormatError::LabelsNotOnTop { .. }
            | FormatError::NumbersOfKind { .. }
            | FormatError::Units { .. }
            | FormatError::UnitCount { .. }
            | FormatError::LayersDoNotFit { .. } => Self::Layers,
            FormatError::NotFinite { .. } | FormatError::OutOfRange { .. } | FormatError::Scaling => Self::Parameters,
            FormatError::Misaligned => Self::Misaligned,
        }
    }
}

impl From<FrameError> for Refusal<'_> {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

impl From<FormatError> for Refusal<'_> {
    fn from(error: FormatError) -> Self {
        match error {
            FormatError::Unread { .. } => Self::Unsupported { what: "numbers that this build is not made for" },
            _ => Self::Model(error.into()),
        }
    }
}

impl From<ShapeError> for Refusal<'_> {
    fn from(error: ShapeError) -> Self {
        Self::Shape { what: short(error.what), expected: saturated(error.expected), found: saturated(error.found) }
    }
}

impl From<ModelError> for Refusal<'_> {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Format(error) => error.into(),
            ModelError::Shape(error) => error.into(),
            ModelError::NotANumber => Self::NotANumber,
            ModelError::Layer { expected, .. } => Self::Unsupported { what: short(expected) },
        }
    }
}

/// A name, cut off where a message has no room for more.
fn short(what: &str) -> &str {
    what.get(..what.floor_char_boundary(MAX_WHAT_LEN)).unwrap_or_default()
}

/// A length of this machine as one of the wire's: one past four gigabytes counts as the most.
fn saturated(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
