//! What stands at the beginning of a slot and makes what follows a model. The build script writes the first one by these lines too.

use ebm_core::format::crc32;

/// Says that a slot holds a whole model, which one, and that it is newer than those of lower numbers.
///
/// It is written last: a slot whose model is not whole has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Models that were put in before this one.
    pub sequence: u32,
    /// Bytes of the model's file, which begins at [`Record::LEN`].
    pub len: u32,
    /// CRC-32 of the file.
    pub crc: u32,
}

impl Record {
    /// Bytes of a record, and where the model begins: a multiple of 16, since a model is borrowed where it lies.
    pub const LEN: usize = 32;
    const MAGIC: [u8; 4] = *b"EBMS";
    /// Magic, sequence, length and CRC-32 of the model, and the CRC-32 of those.
    const USED: usize = 20;

    /// The bytes at the beginning of the slot.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        // Flash that was erased is of ones.
        let mut bytes = [0xFF; Self::LEN];
        let words = [Self::MAGIC, self.sequence.to_le_bytes(), self.len.to_le_bytes(), self.crc.to_le_bytes()];
        bytes.as_chunks_mut().0.iter_mut().zip(words).for_each(|(to, word)| *to = word);
        let crc = crc32(words.as_flattened());
        bytes.as_chunks_mut().0.iter_mut().skip(words.len()).take(1).for_each(|to| *to = crc.to_le_bytes());
        bytes
    }

    /// The record of a slot, if its beginning is a whole one.
    pub fn read(slot: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::USED] = slot.first_chunk()?;
        let [magic, sequence, len, crc, own] = bytes.as_chunks().0 else { return None };
        let covered = bytes.first_chunk::<{ Self::USED - 4 }>()?;
        let is_whole = *magic == Self::MAGIC && u32::from_le_bytes(*own) == crc32(covered);
        let word = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
        is_whole.then(|| Self { sequence: word(sequence), len: word(len), crc: word(crc) })
    }
}
