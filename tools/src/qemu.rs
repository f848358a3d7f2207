//! Runs the firmware under QEMU and compares what it prints.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::board::{Board, Qemu};
use crate::expected::{self, Provenance};
use crate::firmware::{self, Model, Program};
use crate::process;
use crate::toolchain::Cross;
use crate::transcript::Transcript;

/// The emulator's name and version, where it is here.
pub fn version(program: &str) -> Option<String> {
    process::probe(process::command(program).arg("--version"))
}

/// Runs the firmware's programs, or only `only`; true where all is as it should be.
pub fn run(board: &Board, model: &Model, only: Option<&str>, overwrite: bool) -> Result<bool> {
    if overwrite && model.is_own() {
        bail!("--overwrite stores what the models of tests/fixtures answer, not a user's own");
    }
    let qemu = board.qemu()?;
    let emulator = version(&qemu.program)
        .with_context(|| format!("{} is not here: `cargo xtask setup` sees to it", qemu.program))?;
    let cross = Cross::require(&board.description.triple)?;
    let provenance = Provenance { compiler: cross.compiler()?, emulator };
    let mut programs = firmware::build(board, &cross, model)?;
    if let Some(only) = only {
        programs.retain(|program| program.name == only);
        if programs.is_empty() {
            bail!("--bin {only}: no such program in ebm-firmware/src/bin");
        }
    }
    let mut good = true;
    for program in &programs {
        println!("== {} on {} ({})", program.name, board.name, board.description.description);
        let device = run_on_device(board, qemu, program)?;
        for fact in device.facts() {
            println!("   {fact}");
        }
        let agrees = compare_with_host(program, &device, model)?;
        let path = expected::path(board, &program.name, model);
        good &= agrees;
        if overwrite && agrees {
            expected::store(&path, &device, &provenance)?;
            println!("written: {}", path.display());
        } else if !overwrite {
            good &= compare_with_expected(&path, &device, &provenance, model)?;
        }
    }
    Ok(good)
}

/// Runs one program under QEMU; an error where it hangs or ends as a failure.
fn run_on_device(board: &Board, qemu: &Qemu, program: &Program) -> Result<Transcript> {
    let emulator = process::find(&qemu.program).unwrap_or_else(|| PathBuf::from(&qemu.program));
    let mut command = process::command(emulator);
    command
        .args(["-M", &qemu.machine, "-cpu", &board.description.cpu])
        .args(&qemu.args)
        // The board's UART is QEMU's stdout; the program ends the run by semihosting.
        .args(["-display", "none", "-monitor", "none", "-serial", "stdio"])
        .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(&program.elf);
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

/// Runs the same program on the host; true where the device answers the same.
fn compare_with_host(program: &Program, device: &Transcript, model: &Model) -> Result<bool> {
    let host = firmware::run_on_host(&program.name, model)?;
    let Some(found) = Transcript::compare_answers(&host, device) else {
        println!("ok: {} answers, each as on the host", device.answers());
        return Ok(true);
    };
    println!(
        "WRONG: {} of {} answers are not those of the host; the first is number {}:",
        found.count,
        host.answers().max(device.answers()),
        found.first
    );
    let none = || "(no answer)".to_owned();
    println!("   host:   {}", found.host.unwrap_or_else(none));
    println!("   device: {}", found.device.unwrap_or_else(none));
    Ok(false)
}

/// True where the output is the expected one, or a user's own model has none.
fn compare_with_expected(path: &Path, device: &Transcript, provenance: &Provenance, model: &Model) -> Result<bool> {
    if model.is_own() {
        return Ok(true);
    }
    let Some(findings) = expected::check(path, device, provenance)? else {
        println!("WRONG: no {}; `--overwrite` writes it", path.display());
        return Ok(false);
    };
    for note in &findings.notes {
        println!("note: {note}");
    }
    for problem in &findings.problems {
        println!("WRONG: {problem}");
    }
    let good = findings.problems.is_empty();
    if good {
        println!("ok: output as expected");
    } else {
        println!("   expected by {}; `--overwrite` accepts what it is now", path.display());
    }
    Ok(good)
}
