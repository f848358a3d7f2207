//! The idx format of MNIST: a big-endian magic, the dimensions, then the numbers.

use super::elements::Elements;
use super::reader::Reader;
use crate::Error;
use crate::arrays::Element;
use std::io::Read;

/// Third byte of the magic number, and what it says the numbers are.
const KINDS: [(u8, Element); 6] = [
    (0x08, Element::U8),
    (0x09, Element::I8),
    (0x0B, Element::I16),
    (0x0C, Element::I32),
    (0x0D, Element::F32),
    (0x0E, Element::F64),
];

/// Reads what stands ahead of the numbers. Fails when that is no idx file's.
pub(super) fn header(reader: &mut Reader<'_>) -> Result<Elements, Error> {
    let bytes = take(reader, 4)?;
    let &[0, 0, kind, dimensions] = &bytes[..] else {
        return Err(reader.origin.problem(
            "not an idx file: it does not start with two zeros, a kind of number and the number of dimensions",
        ));
    };
    if dimensions == 0 {
        return Err(reader.origin.problem("not an idx file of rows: it has no dimensions"));
    }
    let Some((_, element)) = KINDS.iter().find(|(number, _)| *number == kind) else {
        return Err(reader
            .origin
            .problem(format!("not an idx file: {kind:#04x} is no kind of number; bytes are 0x08")));
    };
    let sizes = take(reader, 4 * u64::from(dimensions))?;
    let big_endian = |word: &[u8]| word.iter().fold(0, |value, &byte| value << 8 | usize::from(byte));
    Ok(Elements { element: *element, big_endian: true, shape: sizes.chunks_exact(4).map(big_endian).collect() })
}

fn take(reader: &mut Reader<'_>, count: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    reader.by_ref().take(count).read_to_end(&mut bytes).map_err(|error| reader.origin.failed(error))?;
    if bytes.is_empty() {
        return Err(reader.origin.problem("is empty"));
    }
    if (bytes.len() as u64) < count {
        return Err(reader.origin.problem("not an idx file: cut short within its magic number and dimensions"));
    }
    Ok(bytes)
}
