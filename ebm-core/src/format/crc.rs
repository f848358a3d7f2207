//! CRC-32 (ISO-HDLC, as in zip and PNG), which files and frames use throughout.

/// The remainders of four bits: sixteen words, where a table of bytes would take a kilobyte of a device's flash.
static REMAINDERS: [u32; 16] = {
    let mut table = [0; 16];
    let mut bits = 0;
    while bits < 16 {
        let mut remainder = bits;
        let mut shift = 0;
        while shift < 4 {
            remainder = remainder >> 1 ^ if remainder & 1 == 1 { 0xEDB8_8320 } else { 0 };
            shift += 1;
        }
        table[bits as usize] = remainder;
        bits += 1;
    }
    table
};

/// The CRC-32 of bytes that come piece by piece.
#[derive(Clone, Copy)]
pub(crate) struct Crc32(u32);

impl Crc32 {
    /// Of no bytes.
    pub(crate) const fn new() -> Self {
        Self(u32::MAX)
    }

    /// Takes in the next bytes.
    #[inline(never)]
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let four_bits = |crc: u32| crc >> 4 ^ REMAINDERS[(crc & 0xF) as usize];
        self.0 = bytes.iter().fold(self.0, |crc, &byte| four_bits(four_bits(crc ^ u32::from(byte))));
    }

    /// The CRC of all of them.
    pub(crate) const fn finish(self) -> u32 {
        !self.0
    }
}

/// CRC-32 of bytes.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc32::new();
    crc.update(bytes);
    crc.finish()
}
