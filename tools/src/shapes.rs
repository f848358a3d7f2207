//! What another shape of a typed machine costs in flash: `ebm-firmware/examples/shapes_two.rs` beside `shapes_ten.rs`.

use anyhow::Result;

use crate::board::Board;
use crate::console::say;
use crate::firmware::{self, Contents, Which};
use crate::model::Model;
use crate::size;
use crate::toolchain::Cross;

/// Shapes that the second program has more than the first.
const MORE_SHAPES: u64 = 8;
/// Most bytes of code that another shape may take, with its free energy, its Gibbs step, its pass through a stack and the states that the
/// program keeps for them. The numerics, which all shapes share, take ten times as much.
const BYTES_PER_SHAPE: u64 = 720;

/// Prints what eight more shapes take; true where each keeps to its bound.
pub fn run(board: &Board) -> Result<bool> {
    let cross = Cross::require(&board.description.triple)?;
    let which = [Which::Example("shapes_two"), Which::Example("shapes_ten")];
    let mut code = Vec::new();
    for program in firmware::build(board, &cross, &Contents::only(&Model::Default), &which)? {
        let size = size::read(&program.elf)?;
        say!("{} on {}: {} bytes of code", program.name, board.name, size.code);
        code.push(size.code);
    }
    let &[two, ten] = code.as_slice() else {
        anyhow::bail!("two programs expected, {} built", code.len());
    };
    let each = ten.saturating_sub(two).div_ceil(MORE_SHAPES);
    let good = ten > two && each <= BYTES_PER_SHAPE;
    let verdict = if good { "ok" } else { "WRONG" };
    say!("{verdict}: {each} bytes of code for each further shape, of at most {BYTES_PER_SHAPE}");
    Ok(good)
}
