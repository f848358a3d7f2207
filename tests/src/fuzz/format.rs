//! Bytes as a model file.

use crate::exercise::exercise;
use crate::file::{self, Aligned};
use ebm_core::Model;
use ebm_core::format::FormatError;

/// Longest payload that a mended file is given.
const MAX_PAYLOAD_LEN: usize = 1 << 16;
/// A payload grows section by section; a model of eight layers has fewer.
const MAX_SECTIONS: usize = 80;

/// Reads the bytes as a file and asks everything of the model, if they are one; then the same with its lengths and checksums put right, so that
/// the bytes' own part is what these do not guard.
///
/// # Panics
/// When reading or asking does.
pub fn format(bytes: &[u8]) {
    exercise(Aligned::new(bytes).as_slice());
    let mut bytes = bytes.to_vec();
    for _ in 0..MAX_SECTIONS {
        if !file::mend(&mut bytes) {
            return;
        }
        let aligned = Aligned::new(&bytes);
        match Model::parse(aligned.as_slice()) {
            Err(FormatError::PayloadLength { expected, found }) => {
                let wanted = usize::try_from(expected).unwrap_or(usize::MAX);
                if wanted == found || wanted > MAX_PAYLOAD_LEN {
                    return;
                }
                stretch(&mut bytes, found, wanted);
            }
            Err(_) => return,
            Ok(_) => {
                assert!(exercise(aligned.as_slice()));
                return;
            }
        }
    }
}

/// Makes the payload at the end of `bytes` as long as wanted, by repeating what is in it.
fn stretch(bytes: &mut Vec<u8>, found: usize, wanted: usize) {
    let start = bytes.len() - found;
    if found == 0 {
        bytes.resize(start + wanted, 0);
        return;
    }
    for at in found..wanted {
        bytes.push(bytes[start + at % found]);
    }
    bytes.truncate(start + wanted);
}
