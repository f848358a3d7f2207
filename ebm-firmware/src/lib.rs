//! A model on a microcontroller.
//!
//! An app ([`app`]) is written once, generic over a [`board::Board`], and runs on every board, under
//! QEMU and on the host: `cargo run -p ebm-firmware --bin digits` is the same program as the one that
//! `cargo xtask qemu` runs on the device. A board is a folder of `boards/` (memory map, budgets,
//! QEMU machine) and a driver in `src/board/`, the only place that touches hardware.
//!
//! What an app prints is a contract with `cargo xtask qemu`: a line that starts with `answer ` is the
//! same, byte for byte, on the device and on the host; every other line is `key: value`.
#![no_std]

pub mod app;
pub mod board;
pub mod flash;
#[cfg_attr(target_os = "none", expect(unsafe_code, reason = "puts the model and the test digits in sections"))]
pub mod model;
pub mod server;
pub mod slots;

/// Makes an app the program: `entry!(app::digits)` in a file of `src/bin`.
///
/// The app is a `fn(&mut B) -> Result<(), E>` for every [`board::Board`] `B`, with an error `E` that
/// can be displayed. An error is printed on the console and ends the program as a failure, as do a panic and a fault.
#[macro_export]
macro_rules! entry {
    ($app:path) => {
        #[cfg(not(target_os = "none"))]
        fn main() -> std::process::ExitCode {
            $crate::board::start($app)
        }

        /// The program.
        #[cfg(target_os = "none")]
        #[cfg_attr(target_arch = "arm", cortex_m_rt::entry)]
        #[cfg_attr(target_arch = "riscv32", riscv_rt::entry)]
        fn main() -> ! {
            $crate::board::start($app)
        }

        // Here and not in the library, so that a program without an app can be linked without either.
        #[cfg(target_os = "none")]
        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
            $crate::board::panicked(info)
        }

        // SAFETY: the handler never returns to the code that faulted.
        #[cfg(all(target_os = "none", target_arch = "arm"))]
        #[cortex_m_rt::exception]
        unsafe fn HardFault(frame: &cortex_m_rt::ExceptionFrame) -> ! {
            $crate::board::faulted(frame.pc() as usize)
        }

        #[cfg(all(target_os = "none", target_arch = "riscv32"))]
        #[unsafe(export_name = "ExceptionHandler")]
        fn fault(_: &riscv_rt::TrapFrame) -> ! {
            if $crate::board::is_breakpoint() {
                $crate::board::halt()
            }
            $crate::board::faulted($crate::board::fault_address())
        }
    };
}

/// Makes a function the program, with nothing around it: no console, no text of an error. `bare!(run)` in a file of `examples`, with
/// `fn run() -> bool` that says whether it went well.
///
/// Where anything can panic, the program has a symbol whose name contains `panic_is_linked`: `cargo xtask bare` looks for it.
#[macro_export]
macro_rules! bare {
    ($run:path) => {
        #[cfg(not(target_os = "none"))]
        fn main() -> std::process::ExitCode {
            if $run() { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
        }

        /// The program.
        #[cfg(target_os = "none")]
        #[cfg_attr(target_arch = "arm", cortex_m_rt::entry)]
        #[cfg_attr(target_arch = "riscv32", riscv_rt::entry)]
        fn main() -> ! {
            core::hint::black_box($run());
            $crate::board::halt()
        }

        #[cfg(target_os = "none")]
        #[panic_handler]
        fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
            panic_is_linked()
        }

        // A name to look for, which no inlining takes away.
        #[cfg(target_os = "none")]
        #[inline(never)]
        fn panic_is_linked() -> ! {
            $crate::board::halt()
        }
    };
}
