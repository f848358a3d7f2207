//! What a file says about its model.

use super::stored::LayerList;
use super::{FormatError, Scaling};
use crate::kernel::integer::Storage;
use crate::units::HiddenKind;
use serde::{Deserialize, Serialize};

/// Most layers of a model, its head included.
pub const MAX_LAYERS: usize = 8;

/// What a file says of its model: the postcard header, and beside it the scaling of the inputs, whose numbers lie in the payload.
/// Enum variants and fields are only ever appended, with a new format version (`FORMAT.md`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Header<'a, L = heapless::Vec<LayerHeader, MAX_LAYERS>> {
    /// How a raw input becomes the first layer's visible values.
    pub input: Input,
    /// The layers from the input up.
    pub layers: L,
    /// Names of the classes, one a line without a line break after the last; empty when there are none.
    pub labels: &'a str,
    /// When an input counts as novel.
    pub novelty: Option<Novelty>,
    /// Where the model comes from.
    pub provenance: Provenance<'a>,
    /// What the samples were shown as. Since version 3, which appends it to the header.
    #[serde(skip)]
    pub presentation: Presentation,
    /// Offsets and scales where `input` is [`Input::Scaled`], else none. They are the payload's first sections.
    #[serde(skip)]
    pub scaling: Option<Scaling<'a>>,
}

/// How a raw input becomes a visible value `v`: [`crate::Model::values`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Input {
    /// The input is the value: a probability in `[0, 1]`, or what a Gaussian unit takes.
    #[default]
    Unit,
    /// The input is an integer level: `v = level / max`; levels above `max` count as `max`.
    Levels {
        /// The level that means 1.
        max: u16,
    },
    /// The input is an integer level: `v = 1` when it is above this one, else 0. Since version 2.
    Binary {
        /// The highest level that means 0.
        threshold: u16,
    },
    /// The input is a number of channel `c = i mod channels`: `v = (r − offset_c)·scale_c` ([`Scaling`]). The inputs of a window of a
    /// sensor's stream repeat the channels. Since version 3.
    Scaled {
        /// Number of channels; divides the number of inputs.
        channels: u32,
    },
}

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LayerHeader {
    /// What it is.
    pub kind: LayerKind,
    /// How its parameters are stored.
    pub numbers: NumberFormat,
    /// Inputs: `V`.
    pub visible: u32,
    /// Outputs: `H`.
    pub hidden: u32,
}

/// Kinds of layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LayerKind {
    /// A machine with Bernoulli visible and Bernoulli hidden units.
    BernoulliRbm,
    /// A softmax head over classes.
    Head,
    /// A machine beside the stack, over the same visible units as the layer above it; only as layer 0. It gives free energies
    /// and samples where fine-tuning has made the stack's own weights those of no machine.
    Generative,
    /// Sigmoid units without a way down: `p = σ(b + Wᵀx)`.
    Sigmoid,
    /// A machine of any kinds of units. Since version 2.
    Rbm(Kinds),
    /// [`LayerKind::Generative`] of any kinds of units. Since version 2.
    GenerativeRbm(Kinds),
    /// Units with recognition weights upwards and generative weights downwards. Since version 2.
    Directed(Kinds),
    /// Rectifier units without a way down: `max(0, b + Wᵀx)`. Since version 2.
    Rectifier,
}

/// What the units of a layer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Kinds {
    /// Blocks of visible units; 0 when all are Bernoulli.
    pub blocks: u16,
    /// Visible units that are labels: the last block's, of a ClassRBM.
    pub labels: u32,
    /// Kind of the hidden units.
    pub hidden: HiddenKind,
}

impl LayerKind {
    /// What its units are, where the layer says.
    pub(super) const fn kinds(self) -> Option<Kinds> {
        match self {
            Self::Rbm(kinds) | Self::GenerativeRbm(kinds) | Self::Directed(kinds) => Some(kinds),
            Self::BernoulliRbm | Self::Head | Self::Generative | Self::Sigmoid | Self::Rectifier => None,
        }
    }

    /// Is it a machine, with one set of weights up and down?
    pub(crate) const fn is_machine(self) -> bool {
        matches!(self, Self::BernoulliRbm | Self::Rbm(_)) || self.is_beside()
    }

    /// Is it a machine beside the stack?
    pub(crate) const fn is_beside(self) -> bool {
        matches!(self, Self::Generative | Self::GenerativeRbm(_))
    }
}

impl LayerHeader {
    /// Visible units that are labels: classes of a ClassRBM.
    pub const fn labels(&self) -> u32 {
        match self.kind.kinds() {
            Some(kinds) => kinds.labels,
            None => 0,
        }
    }

    /// Visible units that are no labels: what the layer takes.
    pub const fn inputs(&self) -> u32 {
        self.visible.saturating_sub(self.labels())
    }

    /// Classes that it gives scores of: a head's, or a ClassRBM's.
    pub const fn classes(&self) -> u32 {
        if matches!(self.kind, LayerKind::Head) { self.hidden } else { self.labels() }
    }

    /// First version of the format that has this kind of layer and of numbers.
    const fn version(&self) -> u16 {
        let kind = match self.kind {
            LayerKind::BernoulliRbm | LayerKind::Head | LayerKind::Generative | LayerKind::Sigmoid => 1,
            LayerKind::Rbm(_) | LayerKind::GenerativeRbm(_) | LayerKind::Directed(_) | LayerKind::Rectifier => 2,
        };
        let numbers = self.numbers.version();
        if kind > numbers { kind } else { numbers }
    }
}

/// How parameters are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NumberFormat {
    /// IEEE single precision.
    F32,
    /// Integers with weights in [`Storage::Int8`] and a scale a hidden unit; see [`crate::kernel::integer`].
    Int8 {
        /// [`crate::kernel::integer::Down::shift`]; 0 for a head.
        down_shift: u8,
    },
    /// The same with weights in [`Storage::Int4`].
    Int4 {
        /// As above.
        down_shift: u8,
    },
    /// The same with weights in [`Storage::Sign`].
    Sign {
        /// As above.
        down_shift: u8,
    },
    /// The same with weights in [`Storage::Int8Rows`].
    Int8Rows {
        /// As above.
        down_shift: u8,
    },
}

impl NumberFormat {
    /// Integers with weights in this storage.
    pub const fn integer(storage: Storage, down_shift: u8) -> Self {
        match storage {
            Storage::Int8 => Self::Int8 { down_shift },
            Storage::Int4 => Self::Int4 { down_shift },
            Storage::Sign => Self::Sign { down_shift },
            Storage::Int8Rows => Self::Int8Rows { down_shift },
        }
    }

    /// Storage of the weights and the shift of the down steps; `None` for f32.
    pub const fn as_integer(self) -> Option<(Storage, u8)> {
        match self {
            Self::F32 => None,
            Self::Int8 { down_shift } => Some((Storage::Int8, down_shift)),
            Self::Int4 { down_shift } => Some((Storage::Int4, down_shift)),
            Self::Sign { down_shift } => Some((Storage::Sign, down_shift)),
            Self::Int8Rows { down_shift } => Some((Storage::Int8Rows, down_shift)),
        }
    }

    /// Its name: `f32`, `int8`, `int4`, `sign` or `int8-rows`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 { .. } => "int8",
            Self::Int4 { .. } => "int4",
            Self::Sign { .. } => "sign",
            Self::Int8Rows { .. } => "int8-rows",
        }
    }

    /// The first version of the file format that has it.
    const fn version(self) -> u16 {
        match self {
            Self::F32 | Self::Int8 { .. } => 1,
            Self::Int4 { .. } | Self::Sign { .. } | Self::Int8Rows { .. } => 2,
        }
    }
}

/// When an input counts as novel: when its free energy under the first machine exceeds the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Novelty {
    /// Threshold in `2^-12` nats.
    pub threshold: i32,
    /// Share of the calibration data whose free energy lies at or under the threshold.
    pub quantile: f32,
}

/// Where a model comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance<'a> {
    /// Name of the data set that it was trained on.
    pub dataset: &'a str,
    /// CRC-32 of the training inputs as one byte stream.
    pub dataset_crc32: u32,
    /// Seed of the run.
    pub seed: u64,
    /// Share of the test set that these very parameters classify rightly.
    pub test_accuracy: Option<f32>,
    /// Program and version that wrote the file.
    pub tool: &'a str,
}

/// What the samples were shown as, to the model and to whom looks at them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Presentation {
    /// Shape of the inputs where they are a picture.
    pub image: Option<ImageShape>,
    /// How the values were made binary for training.
    pub training: Binarisation,
    /// How they were for the figures of the test data.
    pub test: Binarisation,
}

/// A picture: rows of pixels, from the top, each from the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageShape {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// What becomes of values between 0 and 1. Published likelihoods of MNIST differ by tens of nats with this choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[serde(rename_all = "kebab-case")]
pub enum Binarisation {
    /// Nothing: grey levels stand as probabilities.
    #[default]
    None,
    /// 1 above a threshold, else 0. [`crate::Model::values`] applies it where training did.
    Threshold {
        /// The highest value that becomes 0.
        above: f32,
    },
    /// Each value is a probability, and 1 or 0 was drawn from it once.
    SampledOnce {
        /// Seed of the draws.
        seed: u64,
    },
    /// Each value is a probability, and 1 or 0 is drawn from it anew whenever the sample is shown.
    SampledEachTime,
}

impl Binarisation {
    /// The highest value that becomes 0, where a threshold decides.
    pub const fn threshold(self) -> Option<f32> {
        if let Self::Threshold { above } = self { Some(above) } else { None }
    }
}

/// The version that appended [`Header::presentation`].
pub(super) const WITH_PRESENTATION: u16 = 3;

impl<'a, L: LayerList<'a>> Header<'a, L> {
    /// The lowest version of the format that can say this: what is written, so that older programs read what they can.
    pub fn version(&self) -> u16 {
        let input = match self.input {
            Input::Unit | Input::Levels { .. } => 1,
            Input::Binary { .. } => 2,
            Input::Scaled { .. } => WITH_PRESENTATION,
        };
        let presentation = if self.presentation == Presentation::default() { 1 } else { WITH_PRESENTATION };
        self.layers.headers().map(|layer| layer.version()).fold(input.max(presentation), u16::max)
    }

    /// Checks what the header alone can tell. `layers` fit onto each other, a head comes last, labels match its classes.
    #[inline(never)]
    pub(super) fn check(&self) -> Result<(), FormatError> {
        let count = self.layers.length();
        let (mut inputs, mut is_float, mut last) = (0, false, None::<LayerHeader>);
        for (index, layer) in self.layers.headers().enumerate() {
            if index == 0 {
                (inputs, is_float) = (layer.inputs(), layer.numbers == NumberFormat::F32);
            }
            if layer.visible == 0 || layer.hidden == 0 {
                return Err(FormatError::EmptyLayer { layer: index });
            }
            if layer.kind.is_beside() && (index > 0 || count == 1) {
                return Err(FormatError::GenerativeNotBeside { layer: index });
            }
            if layer.labels() > 0 && (index + 1 < count || matches!(layer.kind, LayerKind::Directed(_))) {
                return Err(FormatError::LabelsNotOnTop { layer: index });
            }
            let of_floats = layer.kind.kinds().is_some() || layer.kind == LayerKind::Rectifier;
            if layer.numbers != NumberFormat::F32 && of_floats {
                return Err(FormatError::NumbersOfKind { layer: index });
            }
            if (layer.numbers == NumberFormat::F32) != is_float {
                return Err(FormatError::MixedNumbers { layer: index });
            }
            if let Some(below) = &last {
                if below.kind == LayerKind::Head {
                    return Err(FormatError::HeadNotLast { layer: index - 1 });
                }
                // A machine beside the stack passes its input on.
                let given = if below.kind.is_beside() { below.visible } else { below.hidden };
                if given != layer.inputs() {
                    return Err(FormatError::LayersDoNotFit { layer: index, below: given, visible: layer.inputs() });
                }
            }
            last = Some(layer);
        }
        let Some(last) = last else { return Err(FormatError::NoLayers) };
        match self.input {
            Input::Levels { max: 0 } => return Err(FormatError::NoLevels),
            // No number but 0 is a multiple of 0.
            Input::Scaled { channels } if !inputs.is_multiple_of(channels) => {
                return Err(FormatError::Channels { channels, inputs });
            }
            _ => {}
        }
        if let Some(ImageShape { width, height }) = self.presentation.image
            && width.checked_mul(height) != Some(inputs)
        {
            return Err(FormatError::Image { width, height, inputs });
        }
        let labels = 1 + self.labels.bytes().filter(|&byte| byte == b'\n').count();
        if !self.labels.is_empty() && labels as u64 != u64::from(last.classes()) {
            return Err(FormatError::Labels { labels });
        }
        let Presentation { training, test, .. } = self.presentation;
        let (quantile, accuracy) = (self.novelty.map(|novelty| novelty.quantile), self.provenance.test_accuracy);
        let values = [training.threshold(), test.threshold(), quantile, accuracy];
        if values.iter().flatten().any(|value| !value.is_finite()) {
            return Err(FormatError::HeaderNotFinite);
        }
        Ok(())
    }
}
