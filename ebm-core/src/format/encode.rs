//! Writing a model file into a buffer.

use super::header::WITH_PRESENTATION;
use super::{
    ALIGNMENT, FormatError, Header, Input, Layer, MAGIC, MAX_HEADER_LEN, MAX_LAYERS, PREFIX_LEN, align_up, at,
};
use crate::affine::Activation;
use crate::units::HiddenKind;

/// Why a model cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum EncodeError {
    /// The buffer is too small.
    #[error("the model needs {needed} bytes, the buffer has {found}")]
    Buffer {
        /// Bytes needed.
        needed: usize,
        /// Bytes that the buffer has.
        found: usize,
    },
    /// More layers than a file holds.
    #[error("{found} layers; a file holds at most {MAX_LAYERS}")]
    TooManyLayers {
        /// Layers given.
        found: usize,
    },
    /// Labels and names make the header longer than a file allows.
    #[error("the header (labels, names) is longer than {MAX_HEADER_LEN} bytes")]
    HeaderLength,
    /// More parameters than a file's 32-bit lengths can state.
    #[error("the parameters take more than 4 GiB")]
    PayloadLength,
    /// Units without a way down whose activation the file has no kind for: sigmoid units that do not answer `σ(z)`, or rectifiers that do not
    /// answer `max(0, z)`.
    #[error("layer {layer} has another activation than its kind")]
    Activation {
        /// Which layer, from 0 at the input.
        layer: usize,
    },
    /// Offsets and scales where the header's input is not scaled, none where it is, or of another number of channels or other numbers than
    /// the model's.
    #[error("the offsets and scales of the inputs are not those of the header's channels in the model's numbers")]
    Scaling,
    /// A file with these contents would be refused.
    #[error(transparent)]
    Refused(#[from] FormatError),
}

/// Header as written, and the length of what follows.
struct Plan {
    version: u16,
    header: [u8; MAX_HEADER_LEN],
    header_len: usize,
    payload_start: usize,
    payload_len: u32,
    /// Length of the file.
    needed: usize,
}

fn plan(header: &Header<'_>, layers: &[Layer<'_>]) -> Result<Plan, EncodeError> {
    let mut complete = header.clone();
    complete.layers.clear();
    for layer in layers {
        complete.layers.push(layer.header()).map_err(|_| EncodeError::TooManyLayers { found: layers.len() })?;
    }
    complete.check()?;
    check_scaling(&complete)?;
    for (index, layer) in layers.iter().enumerate() {
        let expected = match layer {
            Layer::Sigmoid(up) => Some((up, Activation::Mean(HiddenKind::Bernoulli))),
            Layer::Rectifier(up) => Some((up, Activation::Rectifier)),
            _ => None,
        };
        if expected.is_some_and(|(up, activation)| up.activation() != activation) {
            return Err(EncodeError::Activation { layer: index });
        }
        layer.check(index)?;
    }
    let mut buffer = [0; MAX_HEADER_LEN];
    let version = complete.version();
    let mut header_len = postcard::to_slice(&complete, &mut buffer).map_err(|_| EncodeError::HeaderLength)?.len();
    if version >= WITH_PRESENTATION {
        let rest = buffer.get_mut(header_len..).unwrap_or_default();
        header_len += postcard::to_slice(&header.presentation, rest).map_err(|_| EncodeError::HeaderLength)?.len();
    }
    let mut payload_len = Some(0usize);
    sections(header, layers, &mut |section| {
        payload_len = payload_len.and_then(|sum| sum.checked_add(align_up(section.len())?));
    });
    let payload_start = (PREFIX_LEN + header_len).next_multiple_of(ALIGNMENT);
    // One slice can be several layers' parameters: where addresses have 32 bits, the file can be longer than memory.
    let needed = payload_len.and_then(|len| payload_start.checked_add(len)).ok_or(EncodeError::PayloadLength)?;
    let payload_len = u32::try_from(needed - payload_start).map_err(|_| EncodeError::PayloadLength)?;
    Ok(Plan { version, header: buffer, header_len, payload_start, payload_len, needed })
}

/// Are the header's offsets and scales what its input says?
fn check_scaling(header: &Header<'_>) -> Result<(), EncodeError> {
    match (header.input, &header.scaling, header.layers.first()) {
        (Input::Scaled { channels }, Some(scaling), Some(first)) if scaling.fits(channels, first.numbers) => {
            Ok(scaling.check()?)
        }
        (Input::Scaled { .. }, ..) | (_, Some(_), _) => Err(EncodeError::Scaling),
        _ => Ok(()),
    }
}

/// Calls `each` with the bytes of every section in file order, unpadded.
fn sections<'s>(header: &'s Header<'_>, layers: &'s [Layer<'_>], each: &mut dyn FnMut(&'s [u8])) {
    header.scaling.iter().flat_map(|scaling| scaling.sections()).for_each(&mut *each);
    layers.iter().for_each(|layer| layer.sections(each));
}

/// Bytes that [`encode`] will write.
pub fn encoded_len(header: &Header<'_>, layers: &[Layer<'_>]) -> Result<usize, EncodeError> {
    plan(header, layers).map(|plan| plan.needed)
}

/// Writes a model of `layers`, from the input up, to the start of `out`; returns its length.
///
/// `header.layers` need not be filled in: the layers' own shapes are written. Nothing that [`crate::Model::parse`]
/// would refuse is written.
pub fn encode(header: &Header<'_>, layers: &[Layer<'_>], out: &mut [u8]) -> Result<usize, EncodeError> {
    let plan = plan(header, layers)?;
    let (needed, found) = (plan.needed, out.len());
    let out = out.get_mut(..needed).ok_or(EncodeError::Buffer { needed, found })?;
    out.fill(0);
    let (head, payload) = out.split_at_mut(plan.payload_start);

    let mut offset = 0;
    sections(header, layers, &mut |section| {
        payload[offset..offset + section.len()].copy_from_slice(section);
        offset += section.len().next_multiple_of(ALIGNMENT);
    });

    let (prefix, rest) = head.split_at_mut(PREFIX_LEN);
    rest[..plan.header_len].copy_from_slice(&plan.header[..plan.header_len]);
    prefix[..at::VERSION].copy_from_slice(&MAGIC);
    prefix[at::VERSION..at::RESERVED].copy_from_slice(&plan.version.to_le_bytes());
    let mut put = |offset: usize, word: u32| prefix[offset..offset + 4].copy_from_slice(&word.to_le_bytes());
    put(at::HEADER_LEN, plan.header_len as u32);
    put(at::PAYLOAD_LEN, plan.payload_len);
    put(at::PAYLOAD_CRC, super::crc32(payload));
    put(at::RESERVED_2, 0);
    let crc = super::header_crc(&prefix[..at::HEADER_CRC], rest);
    prefix[at::HEADER_CRC..].copy_from_slice(&crc.to_le_bytes());
    Ok(needed)
}
