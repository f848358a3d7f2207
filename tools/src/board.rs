//! The boards: folders of `ebm-firmware/boards`, each with a `board.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::toolchain::Cross;
use crate::workspace;

/// The board that every step of `cargo xtask test` runs on; the others run what shows that they answer the same.
pub const DEFAULT: &str = "mps2-an386";

/// A board.
pub struct Board {
    /// The name of its folder.
    pub name: String,
    /// What its `board.toml` says.
    pub description: Description,
}

/// The contents of `board.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// What it is, in words.
    pub description: String,
    /// The Rust target.
    pub triple: String,
    /// The firmware's features: what suits its processor, and its driver's HAL.
    #[serde(default)]
    pub features: Vec<String>,
    /// The CPU, by QEMU's name.
    pub cpu: String,
    /// Who starts the program, where it is not the architecture's runtime alone; the firmware's build script reads that too.
    pub runtime: Option<String>,
    /// The file of `ebm-firmware/src/board` that drives it.
    pub driver: String,
    /// Bytes of flash that are erased together.
    pub page_bytes: u64,
    /// What the driver has to know of it; the firmware's build script reads that.
    #[serde(default, rename = "constants")]
    _constants: BTreeMap<String, u32>,
    /// The board with the same core whose instructions are counted in its place.
    pub costs_like: Option<String>,
    /// What a program may take.
    pub budget: Budget,
    /// How probe-rs reaches it, where it does.
    pub probe: Option<Probe>,
    /// How a program of the board's own puts one on it and shows what it prints.
    pub flash: Option<Flash>,
    /// How to emulate it, where QEMU can.
    pub qemu: Option<Qemu>,
}

/// What a program may take of a board, in bytes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Instructions, constants and initial values.
    pub code_bytes: u64,
    /// All of flash, the model and the test data included.
    pub flash_bytes: u64,
    /// All of RAM: statics and stack.
    pub ram_bytes: u64,
    /// Statics, without the stack.
    pub static_ram_bytes: u64,
    /// What the stack may take.
    pub stack_bytes: u64,
}

/// How probe-rs reaches a board.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Its part, by probe-rs's name.
    pub chip: String,
}

/// How a program of the board's own puts one on it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flash {
    /// The program's name and what it takes before the file.
    pub command: Vec<String>,
    /// How to get it.
    pub install: String,
}

/// How QEMU emulates a board.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qemu {
    /// QEMU's program for the architecture.
    pub program: String,
    /// Its `-M`.
    pub machine: String,
    /// What else it takes.
    pub args: Vec<String>,
    /// After this long a run counts as hung.
    pub timeout_seconds: u64,
    /// Test digits for a model in f32 [default: all]: without floating point in hardware, all of them take minutes.
    pub f32_test_digits: Option<u32>,
}

impl Board {
    /// Reads the board's description.
    pub fn load(name: &str) -> Result<Self> {
        let names = names()?;
        if !names.iter().any(|known| known == name) {
            bail!("no board `{name}` in ebm-firmware/boards; there is: {}", names.join(", "));
        }
        let path = folder().join(name).join("board.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let description: Description = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        let driver = format!("src/board/{}.rs", description.driver);
        if !workspace::firmware().join(&driver).is_file() {
            bail!("in {}: no driver ebm-firmware/{driver}", path.display());
        }
        Ok(Self { name: name.to_owned(), description })
    }

    /// Every board.
    pub fn all() -> Result<Vec<Self>> {
        names()?.iter().map(|name| Self::load(name)).collect()
    }

    /// The named board, or every one.
    pub fn chosen(name: Option<&str>) -> Result<Vec<Self>> {
        match name {
            Some(name) => Ok(vec![Self::load(name)?]),
            None => Self::all(),
        }
    }

    /// The named board, or every one that QEMU has.
    pub fn emulated(name: Option<&str>) -> Result<Vec<Self>> {
        let boards = Self::chosen(name)?.into_iter();
        Ok(boards.filter(|board| name.is_some() || board.description.qemu.is_some()).collect())
    }

    /// One of cargo's commands for the firmware on this board.
    pub fn cargo(&self, cross: &Cross, subcommand: &str) -> Command {
        let Description { triple, features, .. } = &self.description;
        let mut command = cross.cargo(subcommand, triple);
        command.args(["-p", "ebm-firmware", "--profile", "firmware"]).env("EBM_BOARD", &self.name);
        if !features.is_empty() {
            command.arg("--features").arg(features.join(","));
        }
        command
    }

    /// How QEMU emulates the board; an error where it cannot.
    pub fn qemu(&self) -> Result<&Qemu> {
        self.description
            .qemu
            .as_ref()
            .with_context(|| format!("QEMU has no {}: its board.toml has no [qemu]", self.name))
    }
}

fn folder() -> PathBuf {
    workspace::firmware().join("boards")
}

fn names() -> Result<Vec<String>> {
    let folder = folder();
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_can_be_read() -> Result<()> {
        assert!(Board::all()?.iter().any(|board| board.name == DEFAULT));
        Ok(())
    }

    #[test]
    fn an_unknown_board_is_refused_with_those_there_are() {
        let error = Board::load("abacus").err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("abacus") && error.contains(DEFAULT)));
    }
}
