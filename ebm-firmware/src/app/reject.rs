//! Damages small model files in RAM in every way that one byte or bit can be, and sees each refused with an error value.

use ebm_core::format::{FormatError, VERSION};
use ebm_core::{Chain, Int8, Model, ModelError, ShapeError};
use embedded_io::Write;

use super::AppError;
use crate::board::Board;

const F32: &[u8] = include_bytes!("../../../tests/fixtures/v1-tiny-f32.ebm");
const INT8: &[u8] = include_bytes!("../../../tests/fixtures/v1-tiny-int8.ebm");
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

    let model = Model::parse(copy)?;
    let rbm = model.rbm::<Int8>(0)?;
    let mut chain = Chain::<u8, 1, 1>::new([0]);
    let mut rng = ebm_core::rng::Philox::new(0, ebm_core::rng::Stream::new(ebm_core::rng::Purpose::Free));
    match chain.gibbs_step(&rbm, &mut rng) {
        Ok(()) => Err(AppError::Accepted),
        Err(error @ ShapeError { .. }) => {
            Ok(writeln!(board.console(), "answer wrong shape: {}", ModelError::from(error))?)
        }
    }
}
