//! The model file, `model.ebm`: `FORMAT.md` describes it byte by byte.
//!
//! A 32-byte prefix, a [postcard] [`Header`], then the sections of the inputs' scaling and of the layers, each at a multiple of 16 bytes, so that they
//! are borrowed where they lie. CRC-32s cover every byte. Reading never panics and never copies a parameter; what does not
//! hold is a [`FormatError`].

mod change;
mod crc;
mod decode;
mod encode;
mod error;
mod header;
mod integer;
mod layer;
mod layers;
mod reads;
mod scaling;
mod shape;
mod stored;

pub use change::{machine_mut, seal};
pub(crate) use crc::Crc32;
pub use crc::crc32;
pub use encode::{EncodeError, encode, encoded_len};
pub use error::FormatError;
pub use header::{
    Binarisation, Header, ImageShape, Input, Kinds, LayerHeader, LayerKind, MAX_LAYERS, Novelty, NumberFormat,
    Presentation, Provenance,
};
pub(crate) use integer::IntegerLayer;
pub use layer::Layer;
pub(crate) use layer::{Fault, LayerReader};
pub(crate) use layers::Layers;
pub(crate) use reads::AnyNumbers;
pub use reads::Reads;
pub use scaling::Scaling;
pub use shape::{Shape, Text};
pub(crate) use stored::{StoredHeader, StoredLayers};

/// First bytes of every file. The control byte keeps text tools away.
pub const MAGIC: [u8; 4] = *b"EBM\x1a";
/// The newest version that this crate reads and writes. A file is written in the lowest that can say what it holds.
pub const VERSION: u16 = 3;
/// Length of the prefix.
pub const PREFIX_LEN: usize = 32;
/// Sections begin at multiples of this.
pub const ALIGNMENT: usize = 16;
/// Longest header that is read.
pub const MAX_HEADER_LEN: usize = 4096;

/// CRC over the prefix before the header's own CRC field, then over header and padding.
fn header_crc(prefix: &[u8], header: &[u8]) -> u32 {
    let mut crc = Crc32::new();
    crc.update(prefix);
    crc.update(header);
    crc.finish()
}

/// `length` rounded up to a multiple of [`ALIGNMENT`]; `None` past the address space.
const fn align_up(length: usize) -> Option<usize> {
    match length.checked_add(ALIGNMENT - 1) {
        Some(sum) => Some(sum / ALIGNMENT * ALIGNMENT),
        None => None,
    }
}

/// Offsets in the prefix.
mod at {
    pub const VERSION: usize = 4;
    pub const RESERVED: usize = 6;
    pub const HEADER_LEN: usize = 8;
    pub const PAYLOAD_LEN: usize = 12;
    pub const PAYLOAD_CRC: usize = 16;
    pub const RESERVED_2: usize = 20;
    pub const HEADER_CRC: usize = 28;
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let word = bytes.get(offset..)?.first_chunk()?;
    Some(u32::from_le_bytes(*word))
}

/// What a reader makes of a file's checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checksums {
    /// They have to be those of the contents.
    Checked,
    /// They were, when the file was first read.
    Known,
}

/// The parts of a file after its prefix has been checked: header and payload.
pub(crate) fn split(bytes: &[u8], checksums: Checksums) -> Result<(StoredHeader<'_>, &[u8]), FormatError> {
    let truncated = |needed| FormatError::Truncated { needed, found: bytes.len() };
    let prefix: &[u8; PREFIX_LEN] = bytes.first_chunk().ok_or(truncated(PREFIX_LEN))?;
    if !prefix.starts_with(&MAGIC) {
        return Err(FormatError::Magic);
    }
    let word = |offset| u32_at(prefix, offset).ok_or(truncated(PREFIX_LEN));
    let version = word(at::VERSION)? as u16;
    if version == 0 || version > VERSION {
        return Err(FormatError::Version { found: version });
    }
    let header_len = word(at::HEADER_LEN)? as usize;
    if header_len > MAX_HEADER_LEN {
        return Err(FormatError::HeaderLength { found: header_len });
    }
    let payload_len = word(at::PAYLOAD_LEN)? as usize;
    let payload_start = align_up(PREFIX_LEN + header_len).ok_or(truncated(usize::MAX))?;
    let total = payload_start.checked_add(payload_len).ok_or(truncated(usize::MAX))?;
    if bytes.len() < total {
        return Err(truncated(total));
    }
    if bytes.len() > total {
        return Err(FormatError::TrailingBytes { expected: total, found: bytes.len() });
    }
    let (head, payload) = bytes.split_at(payload_start);
    let (covered, header) = (&prefix[..at::HEADER_CRC], &head[PREFIX_LEN..]);
    if checksums == Checksums::Checked {
        if header_crc(covered, header) != word(at::HEADER_CRC)? {
            return Err(FormatError::HeaderCrc);
        }
        if crc32(payload) != word(at::PAYLOAD_CRC)? {
            return Err(FormatError::PayloadCrc);
        }
    }
    // Long enough, but only the optimiser's proof of that would keep a slice's panic out of the program.
    let header = header.get(..header_len).ok_or(truncated(total))?;
    Ok((StoredHeader::new(version, header), payload))
}
