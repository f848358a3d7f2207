//! What a model brings with it into a product: `ebm-firmware/examples/bare.rs`, which does everything, `classify.rs`, which does what the
//! peers' programs do, and the program `serve`, which answers a host; built for every board and looked at.

use anyhow::{Context, Result};

use crate::board::Board;
use crate::console::say;
use crate::firmware::{self, Contents, Program, Which};
use crate::linked::{self, Linked};
use crate::model::{Model, fixtures};
use crate::serve;
use crate::size::{self, Size};
use crate::toolchain::Cross;

/// The programs that are looked at.
static PROGRAMS: [Which<'static>; 3] =
    [Which::Example("bare"), Which::Example("classify"), Which::Program(serve::PROGRAM)];
/// Bytes of a slot ahead of its model.
const SLOT_HEAD: u64 = 32;
/// A program that can panic, to see that the looking finds it.
const CAN_PANIC: Which<'_> = Which::Program("reject");

/// Looks at the integer and the f32 model on each of the boards; true where nothing can panic and integers bring no floating point.
pub fn run(boards: &[Board]) -> Result<bool> {
    let mut good = true;
    let mut controls = Controls::default();
    for board in boards {
        let cross = Cross::require(&board.description.triple)?;
        for model in [Model::Default, Model::File(fixtures().join("digits-f32.ebm"))] {
            if !fits(board, &model)? {
                continue;
            }
            for program in firmware::build(board, &cross, &Contents::only(&model), fitting(board, &model)?)? {
                let linked = linked::read(&program.elf)?;
                good &= report(board, &model, &program, &linked)?;
                if model.is_f32()? {
                    controls.float |= !linked.soft_float.is_empty() || linked.float_instructions > 0;
                }
            }
        }
        for program in firmware::build(board, &cross, &Contents::only(&Model::Default), &[CAN_PANIC])? {
            controls.panic |= !linked::read(&program.elf)?.panics.is_empty();
        }
    }
    Ok(good & controls.report())
}

/// Has the looking found what is there?
#[derive(Default)]
struct Controls {
    float: bool,
    panic: bool,
}

impl Controls {
    fn report(&self) -> bool {
        for (found, what) in [(self.float, "floating point in any f32 program"), (self.panic, "a panic in any app")] {
            if !found {
                say!("WRONG: found no {what}, where there is: what is not found above means nothing");
            }
        }
        self.float && self.panic
    }
}

/// Has the board enough flash for the model, and for code as the budget has it?
pub fn fits(board: &Board, model: &Model) -> Result<bool> {
    let budget = &board.description.budget;
    Ok(model.bytes()? + budget.code_bytes <= budget.flash_bytes)
}

/// Has it enough for the server, which holds two slots of the model's size, in whole pages?
pub fn fits_twice(board: &Board, model: &Model) -> Result<bool> {
    let budget = &board.description.budget;
    let slot = (model.bytes()? + SLOT_HEAD).next_multiple_of(board.description.page_bytes);
    Ok(2 * slot + budget.code_bytes <= budget.flash_bytes)
}

/// The programs for which there is room: the last is the server.
fn fitting(board: &Board, model: &Model) -> Result<&'static [Which<'static>]> {
    let (_, others) = PROGRAMS.split_last().context("there are programs")?;
    Ok(if fits_twice(board, model)? { &PROGRAMS } else { others })
}

/// The sizes of the programs with a model on a board, by name.
pub fn sizes(board: &Board, cross: &Cross, model: &Model) -> Result<Vec<(String, Size)>> {
    let programs = firmware::build(board, cross, &Contents::only(model), fitting(board, model)?)?;
    programs.into_iter().map(|program| Ok((program.name, size::read(&program.elf)?))).collect()
}

/// Prints what a program links; true where it is as it should be.
fn report(board: &Board, model: &Model, program: &Program, linked: &Linked) -> Result<bool> {
    let (numbers, size) = (if model.is_f32()? { "f32" } else { "integers" }, size::read(&program.elf)?);
    let name = &program.name;
    say!("{name} in {numbers} on {}: {} bytes of code, {} of constants", board.name, size.code, size.constants);
    let mut good = true;
    let mut refuse = |what: &str, names: &[String]| {
        if !names.is_empty() {
            say!("WRONG: {what}: {}", names.join(" "));
            good = false;
        }
    };
    // A runtime of the board's own may have assertions of its own, which run before the program, and a HAL has some where it writes flash.
    let is_by_hal = name == serve::PROGRAM && board.description.qemu.is_none();
    if board.description.runtime.is_none() && !is_by_hal {
        refuse("it can panic", &linked.panics);
    }
    // A host may send values in f32, of which the server makes integers.
    if !model.is_f32()? && name != serve::PROGRAM {
        refuse("integers bring floating point", &linked.soft_float);
        let instructions = linked.float_instructions;
        let text = (instructions > 0).then(|| format!("{instructions} instructions of the floating-point unit"));
        refuse("integers bring floating point", text.as_slice());
    }
    Ok(good)
}
