//! What an operation costs over many runs.

use embedded_io::Write;

use super::AppError;
use crate::board::Board;

/// Instructions of an operation over many runs.
#[derive(Default)]
pub(super) struct Cost {
    runs: u32,
    total: u64,
    largest: u32,
}

impl Cost {
    pub(super) fn add(&mut self, instructions: Option<u32>) {
        if let Some(instructions) = instructions {
            self.runs += 1;
            self.total += u64::from(instructions);
            self.largest = self.largest.max(instructions);
        }
    }

    /// Prints mean and largest; nothing where nothing was counted.
    pub(super) fn report<B: Board>(&self, board: &mut B, key: &str) -> Result<(), AppError<B>> {
        if self.runs > 0 {
            let mean = self.total / u64::from(self.runs);
            writeln!(board.console(), "{key}: {mean}")?;
            writeln!(board.console(), "{key}_largest: {}", self.largest)?;
        }
        Ok(())
    }
}
