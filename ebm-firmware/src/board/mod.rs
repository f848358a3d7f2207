//! What an app may ask of the board that it runs on, and the boards.
//!
//! The files beside this one are the only ones that touch hardware. To add a board: a folder in
//! `boards/`, and, where no driver here fits, a file here with a `Driver` and its lines below.

#[expect(unsafe_code, reason = "lends a static")]
mod cell;
mod driver;
pub use cell::StaticCell;
pub use driver::Driver;

#[cfg(not(target_os = "none"))]
mod host;
#[cfg(not(target_os = "none"))]
pub use host::{Host as Hardware, Host as ThisBoard, start};

#[cfg(target_os = "none")]
mod counter;
#[cfg(target_os = "none")]
mod device;
#[cfg(target_os = "none")]
#[expect(unsafe_code, reason = "reads the linker's symbols")]
mod memory;
#[cfg(target_os = "none")]
#[expect(unsafe_code, reason = "reads the linker's symbols and the stack's paint")]
mod stack;
#[cfg(target_os = "none")]
pub use device::{Device, faulted, halt, panicked, start};
/// The board that the program is built for.
#[cfg(target_os = "none")]
pub type ThisBoard = Device<Hardware>;

// The processor.
#[cfg(all(target_os = "none", target_arch = "arm"))]
#[expect(unsafe_code, reason = "reads a register, takes a known time")]
#[path = "cortex_m.rs"]
mod arch;
#[cfg(all(target_os = "none", target_arch = "riscv32"))]
#[expect(unsafe_code, reason = "reads a register, takes a known time")]
#[path = "riscv.rs"]
mod arch;
#[cfg(all(target_os = "none", target_arch = "riscv32"))]
pub use arch::{fault_address, is_breakpoint};

// What is around it: `driver` in the `board.toml` of the board that `EBM_BOARD` names.
#[cfg(all(target_os = "none", board_driver = "esp32c3"))]
#[expect(unsafe_code, reason = "drives hardware")]
mod esp32c3;
#[cfg(all(target_os = "none", board_driver = "esp32c3"))]
pub use esp32c3::Esp32c3 as Hardware;
#[cfg(all(target_os = "none", board_interrupts))]
#[expect(unsafe_code, reason = "drives hardware")]
mod interrupts;
#[cfg(all(target_os = "none", board_driver = "mps2"))]
#[expect(unsafe_code, reason = "drives hardware")]
mod mps2;
#[cfg(all(target_os = "none", board_driver = "mps2"))]
pub use mps2::Mps2 as Hardware;
#[cfg(all(target_os = "none", board_driver = "nrf51"))]
#[expect(unsafe_code, reason = "drives hardware")]
mod nrf51;
#[cfg(all(target_os = "none", board_driver = "nrf51"))]
pub use nrf51::Nrf51 as Hardware;
#[cfg(all(target_os = "none", board_driver = "nrf52"))]
#[expect(unsafe_code, reason = "drives hardware")]
mod nrf52;
#[cfg(all(target_os = "none", board_driver = "nrf52"))]
pub use nrf52::Nrf52 as Hardware;
#[cfg(all(target_os = "none", board_driver = "riscv_virt"))]
#[expect(unsafe_code, reason = "drives hardware")]
mod riscv_virt;
#[cfg(all(target_os = "none", board_driver = "riscv_virt"))]
pub use riscv_virt::Virt as Hardware;
#[cfg(all(target_os = "none", board_driver = "rp2040"))]
#[expect(unsafe_code, reason = "drives hardware")]
mod rp2040;
#[cfg(all(target_os = "none", board_driver = "rp2040"))]
pub use rp2040::Rp2040 as Hardware;
#[cfg(all(target_os = "none", board_driver = "stm32f411"))]
#[expect(unsafe_code, reason = "drives hardware")]
mod stm32f411;
#[cfg(all(target_os = "none", board_driver = "stm32f411"))]
pub use stm32f411::Stm32f411 as Hardware;

/// What `board.toml` says of the hardware under `[constants]`.
#[cfg(target_os = "none")]
mod constants {
    include!(concat!(env!("OUT_DIR"), "/board.rs"));
}

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
    /// Flash: the model, in section `.ebm_model`, or in `.ebm_slots` with the slot for another.
    pub model_bytes: u32,
    /// Flash: data to test with, in section `.ebm_test_data`; a product has none.
    pub test_data_bytes: u32,
    /// RAM taken for good: every static.
    pub static_ram_bytes: u32,
    /// RAM: the deepest that the stack has been since the start.
    pub stack_high_water_bytes: u32,
}
