//! Microcontroller boards: what a model takes of one, before it is flashed.
//!
//! `data/boards` holds a file a board, which `cargo xtask costs` writes: its memory, and prices that were fitted ([`fit`]) to what QEMU measured for nets
//! of random weights. A model is [`work`], and the board's prices make instructions and bytes of it ([`need`]).

pub mod chain;
pub mod fit;
pub mod measured;
pub mod need;
pub mod work;

use crate::Error;
use fit::Prices;
use serde::{Deserialize, Serialize};

/// A board.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// The name of its folder in `ebm-firmware/boards`.
    pub name: String,
    /// What it is, in words.
    pub description: String,
    /// Its flash, in bytes.
    pub flash_bytes: u64,
    /// Bytes of flash that are erased together.
    pub page_bytes: u64,
    /// Its RAM, in bytes.
    pub ram_bytes: u64,
    /// The board that was measured in its place: one with the same core.
    pub costs_like: Option<String>,
    /// What was measured on it; else [`Board::costs_like`] says where.
    pub costs: Option<Costs>,
}

/// What was measured on a board.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// The firmware's program whose flash, static RAM and stack these are: the one that answers a host.
    pub program: String,
    /// The compiler's name and version.
    pub compiler: String,
    /// The emulator's name and version.
    pub emulator: String,
    /// Does its kernel over columns of bytes pass by single inputs that are off, and not words of four?
    pub passes_by_inputs: bool,
    /// Prices where the model is of floats.
    pub float: Rates,
    /// Prices where it is of integers.
    pub integer: Rates,
}

/// What each kind of work costs, by its name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Bytes of flash but the slots for models.
    pub program_bytes: Prices,
    /// Bytes of RAM that are taken for good.
    pub static_ram_bytes: Prices,
    /// Bytes of stack, where it is deepest.
    pub stack_bytes: Prices,
    /// Instructions.
    pub instructions: Prices,
}

/// The boards' files.
const FILES: [(&str, &str); 12] = [
    ("esp32c3-devkitm", include_str!("../../data/boards/esp32c3-devkitm.toml")),
    ("microbit", include_str!("../../data/boards/microbit.toml")),
    ("microbit-v2", include_str!("../../data/boards/microbit-v2.toml")),
    ("mps2-an385", include_str!("../../data/boards/mps2-an385.toml")),
    ("mps2-an385-v6m", include_str!("../../data/boards/mps2-an385-v6m.toml")),
    ("mps2-an386", include_str!("../../data/boards/mps2-an386.toml")),
    ("mps2-an500", include_str!("../../data/boards/mps2-an500.toml")),
    ("mps2-an505", include_str!("../../data/boards/mps2-an505.toml")),
    ("nrf52840-dk", include_str!("../../data/boards/nrf52840-dk.toml")),
    ("pico", include_str!("../../data/boards/pico.toml")),
    ("riscv32-virt", include_str!("../../data/boards/riscv32-virt.toml")),
    ("stm32f411e-disco", include_str!("../../data/boards/stm32f411e-disco.toml")),
];

/// The names of all boards.
pub fn names() -> Vec<&'static str> {
    FILES.map(|(name, _)| name).to_vec()
}

/// The board of this name. Fails with those that there are.
pub fn find(name: &str) -> Result<Board, Error> {
    let known = FILES.iter().find(|(known, _)| *known == name);
    let (_, text) = known.ok_or_else(|| Error::NoBoard { name: name.to_owned(), known: names().join(", ") })?;
    let board: Board = toml::from_str(text)
        .map_err(|error| Error::Data { name: format!("data/boards/{name}.toml"), problem: error.to_string() })?;
    match &board.costs_like {
        Some(like) if board.costs.is_none() => Ok(Board { costs: find(like)?.costs, ..board }),
        _ => Ok(board),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_is_listed_and_can_be_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data/boards");
        let files = std::fs::read_dir(folder).expect("the folder of boards").map(|file| file.expect("a file").path());
        let files: BTreeSet<_> =
            files.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
        assert_eq!(files, names().into_iter().map(str::to_owned).collect());
        for name in names() {
            let board = find(name).expect("a board");
            assert_eq!(board.name, name);
            assert!(board.costs.is_some_and(|costs| !costs.integer.instructions.is_empty()), "{name}");
        }
    }
}
