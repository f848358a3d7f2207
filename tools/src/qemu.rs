//! Runs the firmware under QEMU and compares what it prints.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::board::{Board, Qemu};
use crate::console::say;
use crate::expected::{self, Provenance};
use crate::firmware::{self, Contents, Host, Program, Which};
use crate::model::Model;
use crate::process;
use crate::serve;
use crate::toolchain::Cross;
use crate::transcript::Transcript;

/// The emulator's name and version, where it is here.
pub fn version(program: &str) -> Option<String> {
    process::probe(process::command(program).arg("--version"))
}

/// What to run, and what to do with what it prints.
pub struct Job<'a> {
    /// The model in flash.
    pub model: &'a Model,
    /// Only these programs.
    pub only: Option<&'a [&'a str]>,
    /// Store the output as the expected one.
    pub overwrite: bool,
}

/// Runs the firmware's programs on `board`; true where all is as it should be.
pub fn run(board: &Board, job: &Job<'_>, host: &mut Host) -> Result<bool> {
    let Job { model, only, overwrite } = *job;
    if overwrite && model.is_own() {
        bail!("--overwrite stores what the models of tests/fixtures answer, not a user's own");
    }
    let (qemu, emulator) = emulator(board)?;
    let cross = Cross::require(&board.description.triple)?;
    let provenance = Provenance { compiler: cross.compiler()?, emulator };
    let contents = Contents::for_board(board, model)?;
    let names = chosen(only)?;
    let which: Vec<Which<'_>> = names.iter().map(|name| Which::Program(name)).collect();
    let mut good = true;
    for program in firmware::build(board, &cross, &contents, &which)? {
        say!("== {} on {} ({})", program.name, board.name, board.description.description);
        if let Some(count) = contents.test_digits {
            say!("   only {count} test digits: this board has no floating point, and all of them in f32 take minutes");
        }
        let device = run_on_device(board, qemu, &program)?;
        for fact in device.facts() {
            say!("   {fact}");
        }
        let agrees = compare_with_host(&*host.run(&program.name, &contents)?, &device);
        let path = expected::path(board, &program.name, model);
        good &= agrees;
        if overwrite && agrees {
            expected::store(&path, &device, &provenance)?;
            say!("written: {}", path.display());
        } else if !overwrite {
            good &= compare_with_expected(&path, &device, &provenance, model)?;
        }
    }
    Ok(good)
}

/// How QEMU emulates `board`, and the emulator's version.
pub fn emulator(board: &Board) -> Result<(&Qemu, String)> {
    let qemu = board.qemu()?;
    let version = version(&qemu.program)
        .with_context(|| format!("{} is not here: `cargo xtask setup` sees to it", qemu.program))?;
    Ok((qemu, version))
}

/// The programs' names, or those of `only`.
fn chosen(only: Option<&[&str]>) -> Result<Vec<String>> {
    let Some(only) = only else {
        return firmware::that_end();
    };
    if only.contains(&serve::PROGRAM) {
        bail!("--bin {}: it ends only when its line does; `cargo xtask serve` runs it", serve::PROGRAM);
    }
    only.iter().map(|&name| firmware::check(name).map(|()| name.to_owned())).collect()
}

/// Runs a linked program under QEMU, with the board's UART as stdin and stdout; the program ends the run by semihosting.
pub fn command(board: &Board, qemu: &Qemu, elf: &Path) -> Command {
    let emulator = process::find(&qemu.program).unwrap_or_else(|| PathBuf::from(&qemu.program));
    let mut command = process::command(emulator);
    command
        .args(["-M", &qemu.machine, "-cpu", &board.description.cpu])
        .args(&qemu.args)
        .args(["-display", "none", "-monitor", "none", "-serial", "stdio"])
        .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(elf);
    command
}

/// Runs one program under QEMU; an error where it hangs or ends as a failure.
pub fn run_on_device(board: &Board, qemu: &Qemu, program: &Program) -> Result<Transcript> {
    let mut command = command(board, qemu, &program.elf);
    let limit = Duration::from_secs(qemu.timeout_seconds);
    let ended = process::run_within(&mut command, limit)?;
    let last = ended.stdout.lines().last().unwrap_or("(nothing)");
    match ended.status {
        Some(status) if status.success() => Ok(Transcript::new(&ended.stdout)),
        Some(status) => bail!(
            "{} failed on {} ({status}); it last printed: {last}\n`{}`",
            program.name,
            board.name,
            process::show(&command)
        ),
        None => bail!(
            "{} on {} did not end within {} s and was stopped; it last printed: {last}\n`{}`",
            program.name,
            board.name,
            qemu.timeout_seconds,
            process::show(&command)
        ),
    }
}

/// True where the device answers as the host does.
fn compare_with_host(host: &Transcript, device: &Transcript) -> bool {
    let Some(found) = Transcript::compare_answers(host, device) else {
        say!("ok: {} answers, each as on the host", device.answers());
        return true;
    };
    say!(
        "WRONG: {} of {} answers are not those of the host; the first is number {}:",
        found.count,
        host.answers().max(device.answers()),
        found.first
    );
    let none = || "(no answer)".to_owned();
    say!("   host:   {}", found.host.unwrap_or_else(none));
    say!("   device: {}", found.device.unwrap_or_else(none));
    false
}

/// True where the output is the expected one, or a user's own model has none.
fn compare_with_expected(path: &Path, device: &Transcript, provenance: &Provenance, model: &Model) -> Result<bool> {
    if model.is_own() {
        return Ok(true);
    }
    let Some(findings) = expected::check(path, device, provenance)? else {
        say!("WRONG: no {}; `--overwrite` writes it", path.display());
        return Ok(false);
    };
    for note in &findings.notes {
        say!("note: {note}");
    }
    for problem in &findings.problems {
        say!("WRONG: {problem}");
    }
    let good = findings.problems.is_empty();
    if good {
        say!("ok: output as expected");
    } else {
        say!("   expected by {}; `--overwrite` accepts what it is now", path.display());
    }
    Ok(good)
}
