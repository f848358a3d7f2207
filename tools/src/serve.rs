//! The firmware's program `serve` in QEMU, its serial line on this program's own pipes or at a TCP port.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::board::Board;
use crate::console::complain;
use crate::firmware::{self, Contents, Which};
use crate::model::Model;
use crate::process;
use crate::qemu;
use crate::toolchain::Cross;

/// The program.
pub const PROGRAM: &str = "serve";

/// Builds the program with `model` for `board`, and runs it until standard input ends, which is the device's line, or, with a TCP `port`, for ever.
pub fn run(board: &Board, model: &Model, port: Option<u16>) -> Result<bool> {
    match port {
        Some(port) => {
            let mut command = at_port(board, model, port)?;
            complain(format_args!("the line is at 127.0.0.1:{port}; Ctrl-C ends it"));
            process::run(&mut command).map(|()| true)
        }
        None => {
            let mut command = emulation(board, model)?;
            command.args(["-chardev", "stdio,id=line,signal=off", "-serial", "chardev:line"]);
            feed(&mut command)
        }
    }
}

/// Builds the program; the command that runs it with its line at a TCP port, which one peer after another may use.
pub fn at_port(board: &Board, model: &Model, port: u16) -> Result<Command> {
    let mut command = emulation(board, model)?;
    command.args(["-serial", &format!("tcp:127.0.0.1:{port},server=on,wait=off,nodelay=on")]);
    Ok(command)
}

/// Builds the program; the command that runs it, but for the line.
fn emulation(board: &Board, model: &Model) -> Result<Command> {
    let (qemu, _) = qemu::emulator(board)?;
    let cross = Cross::require(&board.description.triple)?;
    complain(format_args!("building {PROGRAM} for {} ({})", board.name, board.description.description));
    let built = firmware::build(board, &cross, &Contents::only(model), &[Which::Program(PROGRAM)])?;
    let Some(program) = built.first() else { bail!("{PROGRAM} was not built") };
    let emulator = process::find(&qemu.program).unwrap_or_else(|| PathBuf::from(&qemu.program));
    let mut command = process::command(emulator);
    command.args(["-M", &qemu.machine, "-cpu", &board.description.cpu]).args(&qemu.args);
    command.args(["-display", "none", "-monitor", "none", "-kernel"]).arg(&program.elf);
    Ok(command)
}

/// Runs the emulator on this program's input and output; ends it when the input does, which an emulator does not do by itself.
fn feed(command: &mut Command) -> Result<bool> {
    let starting = format!("cannot start `{}`", process::show(command));
    let mut emulator: Child = command.stdin(Stdio::piped()).spawn().context(starting)?;
    let line = emulator.stdin.take().context("the emulator has no input")?;
    let copying = thread::spawn(move || {
        // Either end of the line may go away; then it is over.
        let _ = io::copy(&mut io::stdin().lock(), &mut Unbuffered(line));
    });
    loop {
        if copying.is_finished() {
            emulator.kill().context("cannot end the emulator")?;
            emulator.wait().context("cannot end the emulator")?;
            return Ok(true);
        }
        if let Some(status) = emulator.try_wait().context("cannot wait for the emulator")? {
            bail!("the emulator ended: {status}");
        }
        thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// A line on which nothing waits.
struct Unbuffered<W>(W);

impl<W: Write> Write for Unbuffered<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.0.write(bytes)?;
        self.0.flush()?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
