//! The firmware's programs: built for a board, or run on the host.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

use anyhow::{Context, Result, bail};

use crate::board::Board;
use crate::model::Model;
use crate::process;
use crate::serve;
use crate::toolchain::Cross;
use crate::transcript::Transcript;
use crate::workspace;

/// What lies in flash beside the program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contents {
    /// The model.
    pub model: Model,
    /// So many test digits, or all.
    pub test_digits: Option<u32>,
}

impl Contents {
    /// The model and the test digits that a run on `board` takes.
    pub fn for_board(board: &Board, model: &Model) -> Result<Self> {
        let slice = board.description.qemu.as_ref().and_then(|qemu| qemu.f32_test_digits);
        let test_digits = if model.is_f32()? { slice } else { None };
        Ok(Self { model: model.clone(), test_digits })
    }

    /// The model and no test digits: it may be one of anything.
    pub fn only(model: &Model) -> Self {
        Self { model: model.clone(), test_digits: Some(0) }
    }

    /// Makes a build of the firmware take these contents.
    fn apply(&self, command: &mut Command) {
        match &self.model {
            Model::Default => command.env_remove("EBM_MODEL"),
            Model::File(path) => command.env("EBM_MODEL", path),
        };
        match self.test_digits {
            None => command.env_remove("EBM_TEST_DIGITS"),
            Some(count) => command.env("EBM_TEST_DIGITS", count.to_string()),
        };
    }
}

/// Which of the firmware's programs.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// One of src/bin.
    Program(&'a str),
    /// One of examples.
    Example(&'a str),
}

/// A program built for a board.
pub struct Program {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub elf: PathBuf,
}

/// Builds programs for `board`.
pub fn build(board: &Board, cross: &Cross, contents: &Contents, which: &[Which<'_>]) -> Result<Vec<Program>> {
    let triple = &board.description.triple;
    let mut command = board.cargo(cross, "build");
    command.arg("--quiet");
    contents.apply(&mut command);
    let folder = workspace::cross_target().join(triple).join("firmware");
    let mut programs = Vec::new();
    for which in which {
        let (option, name, folder) = match which {
            Which::Program(name) => ("--bin", name, folder.clone()),
            Which::Example(name) => ("--example", name, folder.join("examples")),
        };
        command.args([option, name]);
        programs.push(Program { name: (*name).to_owned(), elf: folder.join(name) });
    }
    process::run(&mut command)?;
    Ok(programs)
}

/// The names of the programs that end: all but the one that serves.
pub fn that_end() -> Result<Vec<String>> {
    let mut names = names()?;
    names.retain(|name| name != serve::PROGRAM);
    Ok(names)
}

/// The names of the programs.
pub fn names() -> Result<Vec<String>> {
    let folder = workspace::firmware().join("src/bin");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if let Some(name) = path.file_stem() {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// An error unless `name` is one of the programs.
pub fn check(name: &str) -> Result<()> {
    let names = names()?;
    if !names.iter().any(|known| known == name) {
        bail!("--bin {name}: no such program in ebm-firmware/src/bin; there is: {}", names.join(", "));
    }
    Ok(())
}

/// What programs print on the host; each runs once, whatever the number of boards that are compared with it.
#[derive(Default)]
pub struct Host {
    transcripts: HashMap<(String, Contents), Rc<Transcript>>,
}

impl Host {
    /// Runs a program on the host.
    pub fn run(&mut self, name: &str, contents: &Contents) -> Result<Rc<Transcript>> {
        let key = (name.to_owned(), contents.clone());
        if let Some(known) = self.transcripts.get(&key) {
            return Ok(Rc::clone(known));
        }
        let mut command = process::command("cargo");
        command.args(["run", "--quiet", "-p", "ebm-firmware", "--bin", name]);
        contents.apply(&mut command);
        let transcript = Rc::new(Transcript::new(&process::stdout(&mut command)?));
        self.transcripts.insert(key, Rc::clone(&transcript));
        Ok(transcript)
    }
}
