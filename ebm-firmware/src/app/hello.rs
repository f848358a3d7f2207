//! Is the board alive, and do its measurements hold?

use core::hint::black_box;

use embedded_io::Write;

use super::{ConsoleError, report_memory};
use crate::board::Board;

/// Greets, sums a loop whose answer is known, and prints what the loop and the program cost.
pub fn hello<B: Board>(board: &mut B) -> Result<(), ConsoleError<B>> {
    writeln!(board.console(), "app: hello")?;
    for length in [100, 1_000, 10_000] {
        let (sum, instructions) = board.count_instructions(|| sum_below(length));
        writeln!(board.console(), "answer sum below {length} is {sum}")?;
        if let Some(instructions) = instructions {
            writeln!(board.console(), "sum_{length}_instructions: {instructions}")?;
        }
    }
    let (_, stack_bytes) = board.measure_stack(|| sum_below(100));
    if let Some(stack_bytes) = stack_bytes {
        writeln!(board.console(), "sum_stack_bytes: {stack_bytes}")?;
    }
    report_memory(board)
}

/// `0 + 1 + … + (length − 1)`, one term after the other: the compiler may not take the short way.
fn sum_below(length: u32) -> u32 {
    (0..length).fold(0, |sum, term| sum + black_box(term))
}
