//! What the firmware does, generic over the board that it runs on.

mod cost;
mod digits;
mod kernels;
mod learn;
mod parity;
mod reject;
mod requests;
mod serve;

pub use digits::digits;
pub use kernels::kernels;
pub use learn::learn;
pub use parity::parity;
pub use reject::reject;
pub use requests::requests;
pub use serve::serve;

use core::fmt;

use ebm_core::format::FormatError;
use ebm_core::{ModelError, ShapeError};
use embedded_io::{ErrorType, Write, WriteFmtError};

use crate::board::{Board, Memory};
use crate::model;

/// What goes wrong when a line cannot be written to the board's console.
pub type ConsoleError<B> = WriteFmtError<<<B as Board>::Console as ErrorType>::Error>;

/// Why an app ends as a failure.
pub enum AppError<B: Board> {
    /// A line could not be written.
    Console(ConsoleError<B>),
    /// The model cannot answer.
    Model(ModelError),
    /// A damaged model was taken for a whole one.
    Accepted,
    /// This request was not answered as it should be.
    Unanswered(&'static str),
}

impl<B: Board> From<ConsoleError<B>> for AppError<B> {
    fn from(error: ConsoleError<B>) -> Self {
        Self::Console(error)
    }
}

impl<B: Board> From<ModelError> for AppError<B> {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

impl<B: Board> From<FormatError> for AppError<B> {
    fn from(error: FormatError) -> Self {
        Self::Model(error.into())
    }
}

impl<B: Board> From<ShapeError> for AppError<B> {
    fn from(error: ShapeError) -> Self {
        Self::Model(error.into())
    }
}

impl<B: Board> fmt::Display for AppError<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Console(error) => write!(f, "console: {error:?}"),
            Self::Model(error) => write!(f, "model: {error}"),
            Self::Accepted => f.write_str("a damaged model was accepted"),
            Self::Unanswered(request) => write!(f, "{request}: not answered as it should be"),
        }
    }
}

/// Prints which app this is, and the model that it has.
fn introduce<B: Board>(board: &mut B, app: &str) -> Result<(), ConsoleError<B>> {
    let console = board.console();
    writeln!(console, "app: {app}")?;
    writeln!(console, "model: {}", model::NAME)?;
    writeln!(console, "number_format: {}", model::NUMBER_FORMAT)
}

/// Prints what the program takes on this board, one `key: value` line each; nothing where the board
/// cannot tell.
pub fn report_memory<B: Board>(board: &mut B) -> Result<(), ConsoleError<B>> {
    let Some(memory) = board.memory() else {
        return Ok(());
    };
    let Memory { code_bytes, constant_bytes, model_bytes, test_data_bytes, static_ram_bytes, stack_high_water_bytes } =
        memory;
    let console = board.console();
    writeln!(console, "code_bytes: {code_bytes}")?;
    writeln!(console, "constant_bytes: {constant_bytes}")?;
    writeln!(console, "model_bytes: {model_bytes}")?;
    writeln!(console, "test_data_bytes: {test_data_bytes}")?;
    writeln!(console, "static_ram_bytes: {static_ram_bytes}")?;
    writeln!(console, "stack_high_water_bytes: {stack_high_water_bytes}")
}

/// [`digest`] of no bytes.
const NO_DIGEST: u32 = 0x811C_9DC5;

/// FNV-1a over bytes that follow those of another digest.
fn digest(digest: u32, bytes: impl Iterator<Item = u8>) -> u32 {
    bytes.fold(digest, |digest, byte| (digest ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
