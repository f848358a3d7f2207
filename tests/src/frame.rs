//! Frames put together by hand, from `WIRE.md` and not from `ebm-core`, so that they can be wrong in one place at a time.

use crate::file::crc32;

/// Kind of a frame: a request.
pub const REQUEST: u8 = 0;
/// Kind of a frame: a response.
pub const RESPONSE: u8 = 1;

/// Consistent overhead byte stuffing: each code says how far it is to the next zero, 255 that there is none in 254 bytes.
pub fn stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    // The zero after the last byte is not sent.
    let groups = bytes.split(|&byte| byte == 0);
    for group in groups {
        let mut chunks = group.chunks_exact(254);
        for full in chunks.by_ref() {
            out.push(255);
            out.extend_from_slice(full);
        }
        out.push(1 + chunks.remainder().len() as u8);
        out.extend_from_slice(chunks.remainder());
    }
    out
}

/// A frame of these bytes, whatever they are, with a right checksum.
pub fn of_covered(covered: &[u8]) -> Vec<u8> {
    let mut body = covered.to_vec();
    body.extend(crc32(covered.iter().copied()).to_le_bytes());
    of_body(&body)
}

/// A frame of these bytes, the last of which are taken for a checksum.
pub fn of_body(body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0];
    frame.extend(stuffed(body));
    frame.push(0);
    frame
}

/// A frame with this prefix around `message`.
pub fn assembled(version: u8, kind: u8, tag: u16, message: &[u8]) -> Vec<u8> {
    let [low, high] = tag.to_le_bytes();
    of_covered(&[&[version, kind, low, high], message].concat())
}
