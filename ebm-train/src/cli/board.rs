//! `inspect --board`: what a model takes of a microcontroller board, before it is flashed.

use super::drawing::open_data;
use crate::Error;
use crate::board::need::{Need, Sizes};
use crate::board::work::{Inputs, Usage};
use crate::board::{self, Board, chain};
use crate::data::DataOptions;
use crate::export::ModelFile;
use ebm_core::Model;
use ebm_core::format::NumberFormat;
use serde::Serialize;

/// What is counted.
pub(super) const NOTE: &str =
    "instructions, whatever the clock: not cycles, which flash wait states and the core's pipeline decide";

/// Steps in which a chain forgets that it began with every unit off.
const FORGOTTEN: usize = 32;
/// Steps over which units that are on are counted.
const STEPS: usize = 32;

#[derive(Serialize)]
pub(super) struct OnBoard {
    name: String,
    /// The firmware's program that takes this.
    program: String,
    flash_bytes: u64,
    flash_available_bytes: u64,
    static_ram_bytes: u64,
    stack_bytes: u64,
    ram_available_bytes: u64,
    instructions_per_inference: Option<u64>,
    instructions_per_free_energy: Option<u64>,
    instructions_per_gibbs_step: Option<u64>,
    flash_bytes_read_per_inference: Option<u64>,
    note: &'static str,
}

/// What the model takes of the board. Fails where that is more than it has, with what would fit.
pub(super) fn on_board(name: &str, file: &ModelFile, data: &DataOptions) -> Result<OnBoard, Error> {
    let board = board::find(name)?;
    let sizes = Sizes::of(&file.model()?, file.bytes().len());
    let unknown = || Error::data(name, "nothing was measured on this board".to_owned());
    let need = board.need(&sizes, usage(file, data)?).ok_or_else(unknown)?;
    let program = board.costs.as_ref().ok_or_else(unknown)?.program.clone();
    if !board.fits(&need) {
        let problem = format!("{}\n{}", too_small(&board, &need, &program), what_would_fit(&board, &sizes)?);
        return Err(Error::TooLargeForBoard { model: file.path().to_owned(), board: board.name, problem });
    }
    Ok(OnBoard {
        name: board.name,
        program,
        flash_bytes: need.flash_bytes,
        flash_available_bytes: board.flash_bytes,
        static_ram_bytes: need.static_ram_bytes,
        stack_bytes: need.stack_bytes,
        ram_available_bytes: board.ram_bytes,
        instructions_per_inference: need.instructions_per_inference,
        instructions_per_free_energy: need.instructions_per_free_energy,
        instructions_per_gibbs_step: need.instructions_per_gibbs_step,
        flash_bytes_read_per_inference: need.flash_bytes_read_per_inference,
        note: NOTE,
    })
}

/// The data's inputs, without data dense ones, and the states of a chain over the model's own machine.
fn usage(file: &ModelFile, options: &DataOptions) -> Result<Usage, Error> {
    let chain = usage_of_chain(&file.model()?);
    if options.data == DataOptions::OF_THE_MODEL {
        return Ok(chain);
    }
    let dataset = open_data(file, options)?;
    let mut shares = Vec::new();
    for piece in dataset.measured().inputs.pieces() {
        shares.extend(piece?.iter().map(Inputs::of));
    }
    Ok(Usage { inputs: Inputs::mean(shares), ..chain })
}

/// What a chain over the model's own machine meets.
pub(super) fn usage_of_chain(model: &Model<'_>) -> Usage {
    chain::usage(model, |_| false, FORGOTTEN, STEPS).unwrap_or(Usage::TYPICAL)
}

/// Which memory is too small.
fn too_small(board: &Board, need: &Need, program: &str) -> String {
    let ram = need.static_ram_bytes + need.stack_bytes;
    let memories = [("flash", need.flash_bytes, board.flash_bytes), ("RAM", ram, board.ram_bytes)];
    let too_small = memories.iter().filter(|(_, needed, available)| needed > available);
    let words = too_small.map(|(what, needed, available)| format!("it takes {needed} bytes of {what} of {available}"));
    let words = words.collect::<Vec<_>>().join(", ");
    format!("{words}, with the program `{program}` and a second slot for another model")
}

/// Fewer hidden units, fewer bits, or another board.
fn what_would_fit(board: &Board, sizes: &Sizes) -> Result<String, Error> {
    let listed = |numbers: Vec<String>| numbers.join(", ");
    let hidden = board.most_hidden(sizes).map(|hidden| hidden.iter().map(u32::to_string).collect::<Vec<_>>().join(","));
    let storages = board.fitting_storages(sizes);
    let formats = storages.iter().map(|&storage| NumberFormat::integer(storage, 0).name().to_owned());
    let mut boards = Vec::new();
    for name in board::names() {
        let other = board::find(name)?;
        if other.holds(sizes) {
            boards.push(name.to_owned());
        }
    }
    let none = |words: String, none: &str| if words.is_empty() { none.to_owned() } else { words };
    Ok(format!(
        "hidden units that fit, in this number format: {}\nnumber formats that fit (ebm-train quantize): {}\nboards that it fits: {}",
        hidden.unwrap_or_else(|| "none".to_owned()),
        none(listed(formats.collect()), "none with these layers"),
        none(listed(boards), "none that is known"),
    ))
}

pub(super) fn describe(on_board: &OnBoard) -> String {
    let OnBoard {
        name,
        program,
        flash_bytes,
        flash_available_bytes,
        static_ram_bytes,
        stack_bytes,
        ram_available_bytes,
        ..
    } = on_board;
    let mut text = format!(
        "  on {name}, in the program `{program}`, which answers a host\n    flash  {flash_bytes} of {flash_available_bytes} bytes, a second slot as long for \
         another model among them\n    RAM    {} of {ram_available_bytes} bytes: \
         {static_ram_bytes} static, {stack_bytes} of stack\n",
        static_ram_bytes + stack_bytes
    );
    let instructions = [
        ("an inference", on_board.instructions_per_inference),
        ("a free energy", on_board.instructions_per_free_energy),
        ("a Gibbs step", on_board.instructions_per_gibbs_step),
    ];
    for (what, count) in instructions {
        if let Some(count) = count {
            text += &format!("    {count} instructions {what}\n");
        }
    }
    if let Some(bytes) = on_board.flash_bytes_read_per_inference {
        text += &format!("    {bytes} bytes of flash read an inference\n");
    }
    text + &format!("    ({NOTE})\n")
}
