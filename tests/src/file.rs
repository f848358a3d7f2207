//! Model files put together by hand, from `FORMAT.md` and not from `ebm-core`, so that they can be wrong in one place
//! at a time.

use ebm_core::format::{Header, VERSION};

const PREFIX_LEN: usize = 32;
const ALIGNMENT: usize = 16;
const HEADER_LEN_AT: usize = 8;
const PAYLOAD_LEN_AT: usize = 12;
const PAYLOAD_CRC_AT: usize = 16;
const HEADER_CRC_AT: usize = 28;

/// CRC-32/ISO-HDLC bit by bit: reflected, polynomial `0xEDB88320`, all ones before and after.
pub fn crc32(bytes: impl IntoIterator<Item = u8>) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// Bytes that lie at a multiple of 16, as in a device's flash, or a chosen distance past one.
#[derive(Clone, Debug)]
pub struct Aligned {
    blocks: Vec<u128>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// A copy of `bytes`.
    pub fn new(bytes: &[u8]) -> Self {
        Self::at_offset(bytes, 0)
    }

    /// A copy of `bytes` that begins `start` bytes past a multiple of 16.
    pub fn at_offset(bytes: &[u8], start: usize) -> Self {
        let blocks = vec![0; (start + bytes.len()).div_ceil(ALIGNMENT)];
        let mut aligned = Self { blocks, start, len: bytes.len() };
        aligned.as_mut_slice().copy_from_slice(bytes);
        aligned
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.blocks)[self.start..][..self.len]
    }

    /// The bytes, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.blocks)[self.start..][..self.len]
    }
}

/// A file of this version, these header bytes and this payload, whatever they are, with right lengths and checksums.
pub fn assemble(version: u16, header: &[u8], payload: &[u8]) -> Aligned {
    let mut bytes = vec![0; PREFIX_LEN];
    bytes[..4].copy_from_slice(b"EBM\x1a");
    bytes[4..6].copy_from_slice(&version.to_le_bytes());
    put(&mut bytes, HEADER_LEN_AT, header.len() as u32);
    put(&mut bytes, PAYLOAD_LEN_AT, payload.len() as u32);
    bytes.extend_from_slice(header);
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    bytes.extend_from_slice(payload);
    repair(&mut bytes);
    Aligned::new(&bytes)
}

/// A file of this header, which need not be valid, and these sections, padded.
///
/// # Panics
/// When the header does not fit 4 KiB.
pub fn file(header: &Header<'_>, sections: &[&[u8]]) -> Aligned {
    let mut buffer = [0; 4096];
    let version = header.version();
    let presentation = header.presentation;
    let header_len = postcard::to_slice(header, &mut buffer).expect("a small header").len();
    let appended = if version < 3 {
        0
    } else {
        postcard::to_slice(&presentation, &mut buffer[header_len..]).expect("a small header").len()
    };
    let header = &buffer[..header_len + appended];
    let mut payload = Vec::new();
    for section in sections {
        payload.extend_from_slice(section);
        payload.resize(payload.len().next_multiple_of(ALIGNMENT), 0);
    }
    assemble(version, header, &payload)
}

/// Length of the payload, as a file's prefix states it; 0 when there is no prefix.
pub fn payload_len(bytes: &[u8]) -> usize {
    u32_at(bytes, PAYLOAD_LEN_AT).map_or(0, |length| length as usize)
}

/// Makes magic, version, lengths and both checksums right; false where the bytes are too few for that. The header's length is held to what
/// there is.
pub fn mend(bytes: &mut [u8]) -> bool {
    let Some(header_len) = u32_at(bytes, HEADER_LEN_AT) else { return false };
    if bytes.len() < PREFIX_LEN + ALIGNMENT {
        return false;
    }
    let most = (bytes.len() - PREFIX_LEN) / ALIGNMENT * ALIGNMENT;
    let header_len = (header_len as usize).min(most);
    let payload_start = (PREFIX_LEN + header_len).next_multiple_of(ALIGNMENT);
    bytes[..4].copy_from_slice(b"EBM\x1a");
    let version = u16::from_le_bytes([bytes[4], bytes[5]]).clamp(1, VERSION);
    bytes[4..6].copy_from_slice(&version.to_le_bytes());
    let payload_len = (bytes.len() - payload_start) as u32;
    put(bytes, HEADER_LEN_AT, header_len as u32);
    put(bytes, PAYLOAD_LEN_AT, payload_len);
    repair(bytes);
    true
}

/// Makes both checksums right again after a change; leaves bytes alone that are no file.
pub fn repair(bytes: &mut [u8]) {
    let Some(header_len) = u32_at(bytes, HEADER_LEN_AT) else { return };
    let payload_start = (PREFIX_LEN + header_len as usize).next_multiple_of(ALIGNMENT);
    let Some(payload) = bytes.get(payload_start..) else { return };
    let crc = crc32(payload.iter().copied());
    put(bytes, PAYLOAD_CRC_AT, crc);
    let (prefix, header) = (&bytes[..HEADER_CRC_AT], &bytes[PREFIX_LEN..payload_start]);
    let crc = crc32(prefix.iter().chain(header).copied());
    put(bytes, HEADER_CRC_AT, crc);
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}

/// Writes a little-endian word.
pub fn put(bytes: &mut [u8], offset: usize, word: u32) {
    bytes[offset..offset + 4].copy_from_slice(&word.to_le_bytes());
}
