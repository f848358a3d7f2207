//! What an app may ask of the board that it runs on, and the boards.
//!
//! The files beside this one are the only ones that touch hardware. To add a board: a folder in
//! `boards/`, and, where no driver here fits, a file here and its lines below.

#[cfg(not(target_os = "none"))]
mod host;
#[cfg(not(target_os = "none"))]
pub use host::{Host as ThisBoard, start};

#[cfg(target_os = "none")]
#[expect(unsafe_code, reason = "reads the linker's symbols and the stack's paint")]
mod cortex_m;
#[cfg(all(target_os = "none", board_driver = "mps2"))]
#[expect(unsafe_code, reason = "drives hardware")]
mod mps2;
#[cfg(all(target_os = "none", board_driver = "mps2"))]
pub use mps2::{Mps2 as ThisBoard, start};

/// A board: a console and the means to say what a piece of work costs.
///
/// A board that cannot measure something says `None`: an app prints what it gets and never guesses.
pub trait Board {
    /// Where the app's lines go.
    type Console: embedded_io::Write;

    /// The console.
    fn console(&mut self) -> &mut Self::Console;

    /// Does `work` and counts the instructions that it took, to ±1, without those of counting.
    fn count_instructions<R>(&mut self, work: impl FnOnce() -> R) -> (R, Option<u32>);

    /// Does `work` and finds out how many bytes of stack it took, the call included.
    fn measure_stack<R>(&mut self, work: impl FnOnce() -> R) -> (R, Option<u32>);

    /// What the program takes of this board, up to now.
    fn memory(&self) -> Option<Memory>;
}

/// What a program takes of a board's flash and RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Flash: the vector table and the instructions.
    pub code_bytes: u32,
    /// Flash: constants, and the initial values of what lies in RAM.
    pub constant_bytes: u32,
    /// Flash: the model, in section `.ebm_model`.
    pub model_bytes: u32,
    /// Flash: data to test with, in section `.ebm_test_data`; a product has none.
    pub test_data_bytes: u32,
    /// RAM taken for good: every static.
    pub static_ram_bytes: u32,
    /// RAM: the deepest that the stack has been since the start.
    pub stack_high_water_bytes: u32,
}
