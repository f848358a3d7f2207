//! Makes the chosen board, the model and the test digits part of the build.
//!
//! `EBM_BOARD` names a folder of `boards/`, `EBM_MODEL` a model file; both have defaults. `EBM_TEST_DIGITS` is how many test digits there
//! are: with 0 the model may be one of anything else, and only programs that need no digits can be built.

mod board;
mod digits;
mod model;
mod shared;
mod slots;

use std::env;
use std::path::PathBuf;

use anyhow::Result;
use board::Memory;

fn main() -> Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rustc-check-cfg=cfg(board_driver, values(any()))");
    println!("cargo::rustc-check-cfg=cfg(board_interrupts)");
    // On the host the app runs on `src/board/host.rs`: no memory map, no linker script.
    let is_device = env::var("CARGO_CFG_TARGET_OS")? == "none";
    let memory = if is_device { board::select(&root, &out)? } else { Memory::HOST };
    let inputs = digits::unpack(&root, &out)?;
    shared::copy_tiny(&root, &out)?;
    model::embed(&root, &out, inputs, memory)
}
