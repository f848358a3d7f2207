//! Damages small model files in RAM in every way that one byte or bit can be, and sees each refused with an error value.

use ebm_core::format::{FormatError, VERSION, crc32};
use ebm_core::{Float, Model, ModelError, Rbm};
use embedded_io::Write;

use super::AppError;
use crate::board::Board;

const F32: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/v1-tiny-f32.ebm"));
const INT8: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/v1-tiny-int8.ebm"));
const LONGEST: usize = if F32.len() > INT8.len() { F32.len() } else { INT8.len() };

/// A file in RAM, where a model can borrow it.
#[repr(align(16))]
struct Copy([u8; LONGEST]);

/// Tries the files whole, cut short at every byte, with every bit flipped, of a newer version, and in the wrong shape.
pub fn reject<B: Board>(board: &mut B) -> Result<(), AppError<B>> {
    writeln!(board.console(), "app: reject")?;
    for (name, file) in [("f32", F32), ("int8", INT8)] {
        let mut copy = Copy([0; LONGEST]);
        let copy = &mut copy.0[..file.len()];
        copy.copy_from_slice(file);
        Model::parse(copy)?;
        writeln!(board.console(), "answer {name} whole: accepted")?;

        let cut = (0..file.len()).filter(|&length| Model::parse(&copy[..length]).is_err()).count();
        writeln!(board.console(), "answer {name} cut short: refused {cut} of {}", file.len())?;
        let flipped = (0..8 * file.len()).filter(|&bit| is_refused_with_flip(copy, bit)).count();
        writeln!(board.console(), "answer {name} one bit flipped: refused {flipped} of {}", 8 * file.len())?;
        if cut != file.len() || flipped != 8 * file.len() {
            return Err(AppError::Accepted);
        }
    }
    show_reasons(board)
}

fn is_refused_with_flip(file: &mut [u8], bit: usize) -> bool {
    let mask = 1 << (bit % 8);
    file[bit / 8] ^= mask;
    let refused = Model::parse(file).is_err();
    file[bit / 8] ^= mask;
    refused
}

/// Prints what some refusals say.
fn show_reasons<B: Board>(board: &mut B) -> Result<(), AppError<B>> {
    let mut copy = Copy([0; LONGEST]);
    let copy = &mut copy.0[..INT8.len()];
    copy.copy_from_slice(INT8);
    let mut show = |what: &str, result: Result<Model<'_>, FormatError>| match result {
        Ok(_) => Err(AppError::Accepted),
        Err(error) => writeln!(board.console(), "answer {what}: {error}").map_err(AppError::Console),
    };
    show("half a file", Model::parse(&copy[..INT8.len() / 2]))?;
    copy[0] = b'e';
    show("wrong magic", Model::parse(copy))?;
    copy[0] = INT8[0];
    copy[4] = VERSION as u8 + 1;
    show("newer version", Model::parse(copy))?;
    copy[4] = INT8[4];
    copy[INT8.len() - 1] ^= 1;
    show("damaged", Model::parse(copy))?;
    copy[INT8.len() - 1] ^= 1;

    // Damage that a checksum does not show, because whoever did it wrote the checksums anew.
    let mut nan = Copy([0; LONGEST]);
    let nan = &mut nan.0[..F32.len()];
    nan.copy_from_slice(F32);
    let payload = F32.len() - 64;
    nan[payload..payload + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    rewrite_checksums(nan, payload);
    show("not a number", Model::parse(nan))?;

    // 3 × 3 where the parameters are those of 3 × 2.
    let hidden = 0x25;
    nan.copy_from_slice(F32);
    nan[hidden] = 3;
    rewrite_checksums(nan, payload);
    show("wrong shape", Model::parse(nan))?;

    let mut typed = Rbm::<4, 2>::default();
    nan.copy_from_slice(F32);
    match typed.copy_from(&Model::parse(nan)?.rbm::<Float>(0)?) {
        Ok(()) => Err(AppError::Accepted),
        Err(error) => Ok(writeln!(board.console(), "answer other type: {}", ModelError::from(error))?),
    }
}

/// Makes the checksums of a file whose payload begins at `payload` those of its contents (`FORMAT.md`, Prefix).
fn rewrite_checksums(file: &mut [u8], payload: usize) {
    let crc = crc32(&file[payload..]);
    file[16..20].copy_from_slice(&crc.to_le_bytes());
    // The header's checksum lies in the middle of what it covers: close the gap in a copy.
    let mut covered = [0; LONGEST];
    covered[..28].copy_from_slice(&file[..28]);
    covered[28..payload - 4].copy_from_slice(&file[32..payload]);
    let crc = crc32(&covered[..payload - 4]);
    file[28..32].copy_from_slice(&crc.to_le_bytes());
}
