//! What a file says about its model.

use super::{FormatError, LayerReader};
use serde::{Deserialize, Serialize};

/// Most layers of a model, its head included.
pub const MAX_LAYERS: usize = 8;

/// The postcard header. Enum variants and fields are only ever appended, with a new format version (`FORMAT.md`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header<'a> {
    /// How a raw input becomes the first layer's visible values.
    pub input: Input,
    /// The layers from the input up.
    pub layers: heapless::Vec<LayerHeader, MAX_LAYERS>,
    /// Names of the classes, one a line without a line break after the last; empty when there are none.
    pub labels: &'a str,
    /// When an input counts as novel.
    pub novelty: Option<Novelty>,
    /// Where the model comes from.
    pub provenance: Provenance<'a>,
}

/// How a raw input becomes a visible value `v`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// The input is the value: a probability in `[0, 1]`.
    Unit,
    /// The input is an integer level: `v = level / max`; levels above `max` count as `max`.
    Levels {
        /// The level that means 1.
        max: u16,
    },
}

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// How parameters are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NumberFormat {
    /// IEEE single precision.
    F32,
    /// i8 weights with a scale a hidden unit; see [`crate::kernel::integer`].
    Int8 {
        /// [`crate::kernel::integer::Down::shift`]; 0 for a head.
        down_shift: u8,
    },
}

/// When an input counts as novel: when its free energy under the first machine exceeds the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Novelty {
    /// Threshold in `2^-12` nats.
    pub threshold: i32,
    /// Share of the calibration data whose free energy lies at or under the threshold.
    pub quantile: f32,
}

/// Where a model comes from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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

impl Header<'_> {
    /// Checks what the header alone can tell. `layers` fit onto each other, a head comes last, labels match its classes.
    pub(super) fn check(&self) -> Result<(), FormatError> {
        let (Some(first), Some(last)) = (self.layers.first(), self.layers.last()) else {
            return Err(FormatError::NoLayers);
        };
        let float = first.numbers == NumberFormat::F32;
        for (index, layer) in self.layers.iter().enumerate() {
            if layer.visible == 0 || layer.hidden == 0 {
                return Err(FormatError::EmptyLayer { layer: index });
            }
            if layer.kind == LayerKind::Generative && (index > 0 || self.layers.len() == 1) {
                return Err(FormatError::GenerativeNotBeside { layer: index });
            }
            if (layer.numbers == NumberFormat::F32) != float {
                return Err(FormatError::MixedNumbers { layer: index });
            }
        }
        for (index, pair) in self.layers.windows(2).enumerate() {
            if let [below, above] = pair {
                if below.kind == LayerKind::Head {
                    return Err(FormatError::HeadNotLast { layer: index });
                }
                // A machine beside the stack passes its input on.
                let given = if below.kind == LayerKind::Generative { below.visible } else { below.hidden };
                if given != above.visible {
                    return Err(FormatError::LayersDoNotFit { layer: index + 1, below: given, visible: above.visible });
                }
            }
        }
        if self.input == (Input::Levels { max: 0 }) {
            return Err(FormatError::NoLevels);
        }
        let labels = self.labels.split('\n').count();
        if !self.labels.is_empty() && (last.kind != LayerKind::Head || labels as u64 != u64::from(last.hidden)) {
            return Err(FormatError::Labels { labels });
        }
        let mut values = [self.novelty.map(|n| n.quantile), self.provenance.test_accuracy].into_iter().flatten();
        if values.any(|value| !value.is_finite()) {
            return Err(FormatError::HeaderNotFinite);
        }
        Ok(())
    }

    /// [`Header::check`], then the payload: its length, and every number in it.
    pub(crate) fn check_against(&self, payload: &[u8]) -> Result<(), FormatError> {
        self.check()?;
        let mut reader = LayerReader::new(payload);
        for (index, header) in self.layers.iter().enumerate() {
            reader.layer(header)?.check(index)?;
        }
        reader.finish()
    }
}
