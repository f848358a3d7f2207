//! Installs what the other commands need and a machine lacks, and says so before it does.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Result;

use crate::board::Board;
use crate::packages::{Packages, Refusal};
use crate::process;
use crate::qemu;
use crate::toolchain::{self, Cross, TARGETS};

/// Debian's newest compiler, with the source of the core library.
const COMPILER_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
/// The linker for where no toolchain carries one.
const LINKER_PACKAGE: &str = "lld";
/// After this long rustup counts as unable to fetch.
const RUSTUP_LIMIT: Duration = Duration::from_secs(300);

/// Installs what is missing. Returns a line for each thing that could not be installed: what it is, why
/// not, and how to get it.
pub fn run() -> Result<Vec<String>> {
    let mut packages = Packages::default();
    let mut missing = Vec::new();
    for program in emulators()? {
        missing.extend(emulator(&program, &mut packages));
    }
    missing.extend(cross_targets(&mut packages)?);
    Ok(missing)
}

/// Prints how the setup ended.
pub fn report(missing: &[String]) {
    for line in missing {
        eprintln!("missing: {line}");
    }
    if missing.is_empty() {
        println!("setup: all is there");
    }
}

/// The emulators that the boards ask for.
fn emulators() -> Result<BTreeSet<String>> {
    let boards = Board::all()?.into_iter();
    Ok(boards.filter_map(|board| Some(board.description.qemu?.program)).collect())
}

/// Sees to an emulator, whose Debian package has the program's name.
fn emulator(program: &str, packages: &mut Packages) -> Option<String> {
    let mut refusal = None;
    if qemu::version(program).is_none() {
        refusal = packages.install(&[program], "runs the firmware").err();
    }
    if matches!(refusal, Some(Refusal::Conflict(_))) {
        refusal = packages.unpack(program).err();
    }
    match qemu::version(program) {
        Some(version) => {
            println!("present: {version}");
            None
        }
        None => Some(format!(
            "{program}, which runs the firmware ({}): as root `apt-get install {program}`, or \
             install QEMU as your system does",
            reason(refusal, "installed, but it does not run")
        )),
    }
}

/// Sees to compilers for the targets without an operating system.
fn cross_targets(packages: &mut Packages) -> Result<Option<String>> {
    let absent = || -> Vec<&str> {
        let targets = TARGETS.iter().copied();
        targets.filter(|target| Cross::find(target).is_none()).collect()
    };
    let mut refusal = None;
    if !absent().is_empty() {
        add_by_rustup(&absent())?;
    }
    if !absent().is_empty() {
        refusal = install_distribution(packages).err();
    }
    for target in TARGETS {
        if let Some(cross) = Cross::find(target) {
            println!("present: {target}, built by {}", cross.compiler()?);
        }
    }
    let absent = absent().join(" ");
    Ok((!absent.is_empty()).then(|| {
        format!(
            "a compiler for {absent} ({}): `rustup target add {absent}`, or on Debian as root \
             `apt-get install {}`",
            reason(refusal, "installed, but it does not build for them"),
            COMPILER_PACKAGES.join(" ")
        )
    }))
}

/// Has rustup fetch the targets for the active toolchain. That it cannot is no error: there is another
/// way.
fn add_by_rustup(targets: &[&str]) -> Result<()> {
    let active = process::probe(process::command("rustup").args(["show", "active-toolchain"]));
    let Some(toolchain) = active.as_deref().and_then(|line| line.split_whitespace().next()) else {
        return Ok(());
    };
    println!("install: {} for {toolchain} (rustup target add)", targets.join(" "));
    let mut command = process::command("rustup");
    command
        .args(["target", "add", "--toolchain", toolchain])
        .args(targets)
        // Its reason is a page long, and says that there is no network.
        .stderr(Stdio::null());
    let ended = process::run_within(&mut command, RUSTUP_LIMIT)?;
    if !ended.status.is_some_and(|status| status.success()) {
        println!("rustup cannot fetch them here; the distribution's compiler may do");
    }
    Ok(())
}

/// Installs what the distribution's way of building for a target lacks.
fn install_distribution(packages: &mut Packages) -> Result<(), Refusal> {
    let compiler = toolchain::distribution();
    if compiler.is_none() {
        let purpose = "a compiler that builds the core library for any target";
        packages.install(&COMPILER_PACKAGES, purpose)?;
    }
    if toolchain::linker().is_none() {
        packages.install(&[LINKER_PACKAGE], "links the firmware")?;
    }
    Ok(())
}

fn reason(refusal: Option<Refusal>, otherwise: &str) -> String {
    refusal.map_or_else(|| otherwise.to_owned(), |refusal| refusal.to_string())
}
