//! The firmware's programs: built for a board, or run on the host.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::board::Board;
use crate::process;
use crate::toolchain::Cross;
use crate::transcript::Transcript;
use crate::workspace;

/// The model that a program carries in flash.
pub enum Model {
    /// The one that the firmware takes by itself.
    Default,
    /// A file, by its absolute path.
    File(PathBuf),
}

impl Model {
    /// The model that the command line asks for.
    pub fn find(file: Option<PathBuf>) -> Result<Self> {
        let Some(file) = file else {
            return Ok(Self::Default);
        };
        match file.canonicalize() {
            Ok(path) if path.is_file() => Ok(Self::File(path)),
            Ok(path) => bail!("--model {}: not a file", path.display()),
            Err(error) => Err(error).with_context(|| format!("--model {}", file.display())),
        }
    }

    /// What tells the output of a program with this model from that with another.
    pub fn suffix(&self) -> String {
        match self {
            Self::Default => String::new(),
            Self::File(path) => {
                path.file_stem().map_or_else(String::new, |stem| format!("-{}", stem.to_string_lossy()))
            }
        }
    }

    /// Is it a user's own, of which nobody knows beforehand what it answers?
    pub fn is_own(&self) -> bool {
        match self {
            Self::Default => false,
            Self::File(path) => !path.starts_with(workspace::root().join("tests/fixtures")),
        }
    }

    /// What names it on the command line of `cargo xtask qemu`.
    pub fn argument(&self) -> Option<String> {
        match self {
            Self::Default => None,
            Self::File(path) => Some(format!(" --model {}", path.display())),
        }
    }

    /// Makes a build of the firmware take this model.
    fn apply(&self, command: &mut Command) {
        match self {
            Self::Default => command.env_remove("EBM_MODEL"),
            Self::File(path) => command.env("EBM_MODEL", path),
        };
    }
}

/// A program built for a board.
pub struct Program {
    /// Its name in `ebm-firmware/src/bin`.
    pub name: String,
    /// Where it is.
    pub elf: PathBuf,
}

/// Builds the firmware's programs for `board`.
pub fn build(board: &Board, cross: &Cross, model: &Model) -> Result<Vec<Program>> {
    let triple = &board.description.triple;
    let mut command = cross.cargo("build", triple);
    command
        .args(["--quiet", "-p", "ebm-firmware", "--bins"])
        .args(["--profile", "firmware"])
        .env("EBM_BOARD", &board.name);
    model.apply(&mut command);
    process::run(&mut command)?;
    let folder = workspace::cross_target().join(triple).join("firmware");
    let programs = names()?.into_iter().map(|name| Program { elf: folder.join(&name), name });
    Ok(programs.collect())
}

/// Runs a program on the host.
pub fn run_on_host(name: &str, model: &Model) -> Result<Transcript> {
    let mut command = process::command("cargo");
    command.args(["run", "--quiet", "-p", "ebm-firmware", "--bin", name]);
    model.apply(&mut command);
    Ok(Transcript::new(&process::stdout(&mut command)?))
}

/// The names of the programs.
fn names() -> Result<Vec<String>> {
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
