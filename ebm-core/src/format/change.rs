//! A model file that changes where it lies: in RAM, as the machine in it learns.

use super::{ALIGNMENT, Checksums, FormatError, LayerReader, NumberFormat, PREFIX_LEN, at, crc32, header_crc, split};
use crate::learn::RbmMut;
use crate::model::{Model, ModelError};
use crate::numbers::{Float, Numbers};
use crate::units::Units;

/// The machine over the visible units ([`Model::machine`]) of a file that [`Model::parse`] has passed, to be changed in place, and what its units
/// are. The file's checksums are then those of what it was, until [`seal`].
///
/// Fails when that layer is no machine in f32.
pub fn machine_mut(file: &mut [u8]) -> Result<(RbmMut<'_>, Units<'_>), ModelError> {
    let no_machine = ModelError::Layer { layer: 0, expected: Float::RBM };
    let model = Model::parsed::<Float>(file)?;
    // The layers are the end of the file.
    let start = file.len() - model.layers_len();
    let header = model.layer_headers().next().ok_or(no_machine)?;
    if header.numbers != NumberFormat::F32 || !header.kind.is_machine() {
        return Err(no_machine);
    }
    let (visible, hidden) = (header.visible as usize, header.hidden as usize);
    let mut rest = file.get_mut(start..).unwrap_or_default();
    let weights = take(&mut rest, visible.saturating_mul(hidden))?;
    let visible_bias = take(&mut rest, visible)?;
    let hidden_bias = take(&mut rest, hidden)?;
    let units = LayerReader::new(rest).units_of(&header)?;
    Ok((RbmMut { weights, visible_bias, hidden_bias }, units))
}

/// Takes the next `count` numbers, and passes their padding.
fn take<'a>(rest: &mut &'a mut [u8], count: usize) -> Result<&'a mut [f32], FormatError> {
    let length = FormatError::PayloadLength { expected: 0, found: 0 };
    let bytes = count.saturating_mul(size_of::<f32>());
    let padded = bytes.checked_next_multiple_of(ALIGNMENT).ok_or(length)?;
    let (section, after) = core::mem::take(rest).split_at_mut_checked(padded).ok_or(length)?;
    *rest = after;
    let section = section.get_mut(..bytes).unwrap_or_default();
    bytemuck::try_cast_slice_mut(section).map_err(|_| FormatError::Misaligned)
}

/// Makes the checksums of a file those of its contents. Fails when its lengths are not those that it states.
pub fn seal(file: &mut [u8]) -> Result<(), FormatError> {
    let (_, payload) = split(file, Checksums::Known)?;
    let (start, crc) = (file.len() - payload.len(), crc32(payload));
    put(file, at::PAYLOAD_CRC, crc);
    let covered = file.get(..at::HEADER_CRC).unwrap_or_default();
    let crc = header_crc(covered, file.get(PREFIX_LEN..start).unwrap_or_default());
    put(file, at::HEADER_CRC, crc);
    Ok(())
}

fn put(file: &mut [u8], offset: usize, word: u32) {
    for (byte, new) in file.iter_mut().skip(offset).zip(word.to_le_bytes()) {
        *byte = new;
    }
}
