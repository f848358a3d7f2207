//! Puts a program on a board and shows what it prints: by probe-rs, by the board's own tool, or under QEMU, whichever its `board.toml` has first.

use std::env;
use std::path::{self, Path};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::board::{self, Board};
use crate::console::complain;
use crate::firmware::{self, Contents, Which};
use crate::model::Model;
use crate::process;
use crate::qemu;
use crate::serve;
use crate::toolchain::Cross;

/// How to get probe-rs.
const PROBE_RS: &str = "`cargo install probe-rs-tools --locked`, or see https://probe.rs";

/// Builds one of the firmware's programs and runs it on `board`; true where it ends as a success.
pub fn run(board: &Board, name: &str, model: &Model) -> Result<bool> {
    firmware::check(name)?;
    // Before anything is built.
    ready(board, Path::new(name))?;
    let cross = Cross::require(&board.description.triple)?;
    let contents = match name {
        // It needs no test digits, and so takes a model of anything.
        serve::PROGRAM => Contents::only(model),
        _ => Contents::for_board(board, model)?,
    };
    let program = firmware::build(board, &cross, &contents, &[Which::Program(name)])?.remove(0);
    start(ready(board, &program.elf)?)
}

/// Runs a linked program on the board that `EBM_BOARD` names, as its build did: what `cargo run` calls, by `.cargo/config.toml`.
pub fn run_elf(elf: &Path) -> Result<bool> {
    let name = env::var("EBM_BOARD").unwrap_or_else(|_| board::DEFAULT.to_owned());
    // Commands run in the workspace's root, wherever this one was started.
    let elf = path::absolute(elf).with_context(|| format!("no path to {}", elf.display()))?;
    start(ready(&Board::load(&name)?, &elf)?)
}

/// Runs the command, with the terminal as the board's serial line.
fn start(mut command: Command) -> Result<bool> {
    complain(format_args!("{}", process::show(&command)));
    let status = command.status().with_context(|| format!("cannot start `{}`", process::show(&command)))?;
    Ok(status.success())
}

/// The command that runs a linked program on the board; an error that says how to get its program where that is not here.
fn ready(board: &Board, elf: &Path) -> Result<Command> {
    let (command, install) = command(board, elf)?;
    let program = command.get_program().to_string_lossy().into_owned();
    if process::find(&program).is_none() {
        bail!("{program}, which puts programs on {}, is not here: {install}", board.name);
    }
    Ok(command)
}

/// The command, and how to get its program.
fn command<'a>(board: &'a Board, elf: &Path) -> Result<(Command, &'a str)> {
    let description = &board.description;
    if let Some(probe) = &description.probe {
        let mut command = process::command("probe-rs");
        command.args(["run", "--chip", &probe.chip]).arg(elf);
        return Ok((command, PROBE_RS));
    }
    if let Some(flash) = &description.flash {
        let (program, arguments) = flash.command.split_first().context("the command of [flash] is empty")?;
        let mut command = process::command(program);
        command.args(arguments).arg(elf);
        return Ok((command, &flash.install));
    }
    let qemu = description.qemu.as_ref();
    let qemu = qemu.with_context(|| format!("{} has no [probe], [flash] or [qemu] in its board.toml", board.name))?;
    Ok((qemu::command(board, qemu, elf), "`cargo xtask setup` sees to it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of the command for a program `a.elf`, without the folder of its own.
    fn words(board: &str) -> Result<String> {
        let board = Board::load(board)?;
        let (command, _) = command(&board, Path::new("a.elf"))?;
        let program = Path::new(command.get_program()).file_name().unwrap_or_default();
        let words = std::iter::once(program).chain(command.get_args());
        Ok(words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn each_way_has_its_words() -> Result<()> {
        assert_eq!(words("nrf52840-dk")?, "probe-rs run --chip nRF52840_xxAA a.elf");
        assert_eq!(words("esp32c3-devkitm")?, "espflash flash --chip esp32c3 --monitor a.elf");
        let qemu = words("mps2-an386")?;
        assert!(qemu.starts_with("qemu-system-arm -M mps2-an386 -cpu cortex-m4 -icount shift=6 "), "{qemu}");
        assert!(qemu.contains(" -serial stdio ") && qemu.ends_with(" -kernel a.elf"), "{qemu}");
        Ok(())
    }

    #[test]
    fn every_board_can_be_reached() -> Result<()> {
        for board in Board::all()? {
            command(&board, Path::new("a.elf"))?;
        }
        Ok(())
    }

    #[test]
    fn what_is_not_here_is_named_with_how_to_get_it() -> Result<()> {
        let mut board = Board::load("esp32c3-devkitm")?;
        let command = vec!["no-such-flasher".to_owned()];
        board.description.flash = Some(board::Flash { command, install: "by hand".to_owned() });
        let error = ready(&board, Path::new("a.elf")).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("no-such-flasher") && error.ends_with("by hand")));
        Ok(())
    }
}
