//! What the firmware does, generic over the board that it runs on.

mod hello;

pub use hello::hello;

use embedded_io::{ErrorType, Write, WriteFmtError};

use crate::board::{Board, Memory};

/// What goes wrong when a line cannot be written to the board's console.
pub type ConsoleError<B> = WriteFmtError<<<B as Board>::Console as ErrorType>::Error>;

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
