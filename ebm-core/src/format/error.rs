//! Why a file is not a model.

use super::{MAX_HEADER_LEN, VERSION};
use crate::units::UnitsError;

/// Why bytes were refused as a model file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FormatError {
    /// Fewer bytes than the file needs.
    #[error("the file is cut short: {found} of {needed} bytes")]
    Truncated {
        /// Bytes that the file needs.
        needed: usize,
        /// Bytes that there are.
        found: usize,
    },
    /// More bytes than the file says that it has.
    #[error("{found} bytes where the file says that it has {expected}")]
    TrailingBytes {
        /// Bytes that the file says that it has.
        expected: usize,
        /// Bytes that there are.
        found: usize,
    },
    /// It does not begin as a model file does.
    #[error("not a model file: it does not begin with \"EBM\\x1a\"")]
    Magic,
    /// A version that this program does not know.
    #[error(
        "file format version {found}; this program reads versions 1 to {VERSION}: update it, or write the file anew"
    )]
    Version {
        /// The file's version.
        found: u16,
    },
    /// A header longer than any that is written.
    #[error("a header of {found} bytes; the longest is {MAX_HEADER_LEN}")]
    HeaderLength {
        /// The length that the file gives.
        found: usize,
    },
    /// The header was changed since it was written.
    #[error("the header's checksum does not match: the file was damaged")]
    HeaderCrc,
    /// The parameters were changed since they were written.
    #[error("the parameters' checksum does not match: the file was damaged")]
    PayloadCrc,
    /// The header is not one of this version.
    #[error("the header cannot be decoded")]
    Header,
    /// A number in the header is NaN or infinite.
    #[error("the header holds a number that is not finite")]
    HeaderNotFinite,
    /// No layer.
    #[error("the model has no layers")]
    NoLayers,
    /// A layer without inputs or outputs.
    #[error("layer {layer} has no units")]
    EmptyLayer {
        /// Which layer, from 0 at the input.
        layer: usize,
    },
    /// f32 and integer layers in one model.
    #[error("layer {layer} stores its numbers in another way than layer 0")]
    MixedNumbers {
        /// Which layer, from 0 at the input.
        layer: usize,
    },
    /// A head below another layer.
    #[error("layer {layer} is a softmax head, but not the last layer")]
    HeadNotLast {
        /// Which layer, from 0 at the input.
        layer: usize,
    },
    /// A machine that should lie beside a stack, but is above a layer or alone.
    #[error("layer {layer} is a machine beside a stack, but not the first of several layers")]
    GenerativeNotBeside {
        /// Which layer, from 0 at the input.
        layer: usize,
    },
    /// Labels below another layer, or of units that are no machine.
    #[error("layer {layer} holds the labels, but is not a machine on top of the model")]
    LabelsNotOnTop {
        /// Which layer, from 0 at the input.
        layer: usize,
    },
    /// Numbers that the program does not read ([`crate::Model::parse_as`]).
    #[error("layer {layer} stores its numbers in a way that this program does not read")]
    Unread {
        /// Which layer, from 0 at the input.
        layer: usize,
    },
    /// Kinds of units that there are in f32 alone.
    #[error("layer {layer} has units that are stored in f32 alone, but stores integers")]
    NumbersOfKind {
        /// Which layer, from 0 at the input.
        layer: usize,
    },
    /// Blocks of units that are no visible layer.
    #[error("layer {layer}: {error}")]
    Units {
        /// Which layer, from 0 at the input.
        layer: usize,
        /// What is wrong with them.
        error: UnitsError,
    },
    /// Blocks of another number of units, or of labels, than the header says.
    #[error("layer {layer}: its blocks have {found} units or labels where the header says {expected}")]
    UnitCount {
        /// Which layer, from 0 at the input.
        layer: usize,
        /// What the header says.
        expected: usize,
        /// What the blocks add up to.
        found: usize,
    },
    /// A layer that does not take what the one below gives.
    #[error("layer {layer} takes {visible} inputs, but the layer below gives {below}")]
    LayersDoNotFit {
        /// Which layer, from 0 at the input.
        layer: usize,
        /// Outputs of the layer below.
        below: u32,
        /// Inputs of this layer.
        visible: u32,
    },
    /// Input levels of which none means 1.
    #[error("input levels from 0 to 0")]
    NoLevels,
    /// Channels that the inputs are no multiple of.
    #[error("{inputs} inputs are not samples of {channels} channels")]
    Channels {
        /// Channels that the header says.
        channels: u32,
        /// Inputs of the model.
        inputs: u32,
    },
    /// Offsets and scales that no input can be scaled by.
    #[error("an offset or scale of the inputs is not finite, zero or out of range")]
    Scaling,
    /// A picture of another number of pixels than the model has inputs.
    #[error("{inputs} inputs are no picture of {width} × {height} pixels")]
    Image {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Inputs of the model.
        inputs: u32,
    },
    /// Labels for another number of classes than the head has.
    #[error("{labels} class labels, but the model has no head with as many classes")]
    Labels {
        /// Labels in the file.
        labels: usize,
    },
    /// The parameters take another number of bytes than the layers' shapes say.
    #[error("the layers' shapes need {expected} bytes of parameters, the file has {found}")]
    PayloadLength {
        /// Bytes that the shapes need.
        expected: u64,
        /// Bytes in the file.
        found: usize,
    },
    /// The bytes were loaded where their numbers cannot be borrowed.
    #[error("the file's bytes must lie at a multiple of 16 in memory")]
    Misaligned,
    /// NaN or infinity among the parameters.
    #[error("layer {layer} holds a parameter that is not finite")]
    NotFinite {
        /// Which layer, from 0 at the input.
        layer: usize,
    },
    /// An integer parameter outside the range that keeps the sums exact.
    #[error("layer {layer} holds an integer parameter out of range")]
    OutOfRange {
        /// Which layer, from 0 at the input.
        layer: usize,
    },
}
