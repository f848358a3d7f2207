//! Installs what the other commands need and a machine lacks, and says so before it does.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Result;

use crate::board::Board;
use crate::browser;
use crate::console::{complain, say};
use crate::count;
use crate::gpu;
use crate::mpi;
use crate::oracle;
use crate::packages::{Packages, Refusal};
use crate::process;
use crate::python;
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
    oracle::setup(&mut packages);
    python::setup(&mut packages);
    count::setup(&mut packages);
    gpu::setup(&mut packages);
    browser::setup(&mut packages);
    mpi::setup(&mut packages);
    Ok(missing)
}

/// Prints how the setup ended.
pub fn report(missing: &[String]) {
    for line in missing {
        complain(format_args!("missing: {line}"));
    }
    if missing.is_empty() {
        say!("setup: all is there");
    }
}

/// The emulators that the boards ask for.
fn emulators() -> Result<BTreeSet<String>> {
    let boards = Board::all()?.into_iter();
    Ok(boards.filter_map(|board| Some(board.description.qemu?.program)).collect())
}

/// Debian's packages of an emulator: the first that a system knows has it.
fn emulator_packages(program: &str) -> Vec<&str> {
    match program {
        "qemu-system-riscv32" | "qemu-system-riscv64" => vec!["qemu-system-riscv", "qemu-system-misc"],
        _ => vec![program],
    }
}

/// Sees to an emulator.
fn emulator(program: &str, packages: &mut Packages) -> Option<String> {
    let mut refusal = None;
    let mut package = program;
    if qemu::version(program).is_none() {
        for candidate in emulator_packages(program) {
            package = candidate;
            refusal = packages.install(&[package], "runs the firmware").err();
            if !matches!(refusal, Some(Refusal::Unknown(_))) {
                break;
            }
        }
    }
    if matches!(refusal, Some(Refusal::Conflict(_))) {
        refusal = packages.unpack(package).err();
    }
    match qemu::version(program) {
        Some(version) => {
            say!("present: {version}");
            None
        }
        None => Some(format!(
            "{program}, which runs the firmware ({}): as root `apt-get install {package}`, or \
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
            say!("present: {target}, built by {}", cross.compiler()?);
        }
    }
    let absent = absent().join(" ");
    Ok((!absent.is_empty()).then(|| {
        format!(
            "a compiler for {absent} ({}): `rustup target add {absent}`, or on Debian as root \
             `apt-get install {}`",
            reason(refusal, "installed, but it does not build for them"),
            distribution_lacks().join(" ")
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
    say!("install: {} for {toolchain} (rustup target add)", targets.join(" "));
    let mut command = process::command("rustup");
    command
        .args(["target", "add", "--toolchain", toolchain])
        .args(targets)
        // Its reason is a page long, and says that there is no network.
        .stderr(Stdio::null());
    let ended = process::run_within(&mut command, RUSTUP_LIMIT)?;
    if !ended.status.is_some_and(|status| status.success()) {
        say!("rustup cannot fetch them here; the distribution's compiler may do");
    }
    Ok(())
}

/// The packages that the distribution's way of building for a target lacks: the compiler's, the linker's, or both.
fn distribution_lacks() -> Vec<&'static str> {
    let compiler = toolchain::distribution().is_none().then_some(COMPILER_PACKAGES);
    let linker = toolchain::linker().is_none().then_some(LINKER_PACKAGE);
    compiler.into_iter().flatten().chain(linker).collect()
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
