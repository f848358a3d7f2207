//! `cargo xtask sanitize`: the core and its tests under the address sanitizer, and under Miri where it is installed.
//!
//! The core forbids `unsafe`, but the crates that it uses do not.

use std::process::Command;

use anyhow::{Context, Result};

use crate::console::say;
use crate::process;
use crate::workspace;

/// What makes the compiler instrument every access to memory.
pub const ADDRESS: &str = "-Zsanitizer=address";

/// The tests that read bytes from outside, good and hostile.
pub const READERS: [&str; 5] = ["format", "format_damage", "format_hostile", "wire", "fuzz"];

/// Cases of a property and mutations of a seed under Miri, which is some hundred times slower than the machine.
const CASES_UNDER_MIRI: &str = "4";

/// Why nothing can be sanitized here.
pub fn impossible() -> Option<String> {
    let nightly = process::probe(process::command("cargo").args(["+nightly", "--version"]));
    nightly.is_none().then(|| "there is no nightly toolchain: `rustup toolchain install nightly`".to_owned())
}

/// Why Miri cannot be run here.
pub fn without_miri() -> Option<String> {
    let miri = process::probe(process::command("cargo").args(["+nightly", "miri", "--version"]));
    miri.is_none().then(|| "there is no Miri: `rustup component add --toolchain nightly miri rust-src`".to_owned())
}

/// The triple of this machine.
pub fn host() -> Result<String> {
    let printed = process::stdout(process::command("rustc").arg("-vV"))?;
    let host = printed.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}

/// Tests under the address sanitizer: these of ebm-tests, or all and the core's own.
pub fn address(only: &[&str]) -> Result<Command> {
    let mut command = process::command("cargo");
    command.args(["+nightly", "test", "--target", &host()?, "-p", "ebm-tests"]);
    if only.is_empty() {
        command.args(["-p", "ebm-core", "--lib", "--tests"]);
    }
    command.args(only.iter().flat_map(|test| ["--test", test]));
    command.arg("--target-dir").arg(workspace::target().join("sanitize")).env("RUSTFLAGS", ADDRESS);
    Ok(command)
}

/// The same under Miri.
pub fn miri() -> Command {
    let mut command = process::command("cargo");
    command.args(["+nightly", "miri", "test", "-p", "ebm-tests"]);
    command.args(READERS.iter().flat_map(|test| ["--test", test]));
    command.arg("--target-dir").arg(workspace::target().join("miri"));
    // The fuzz targets' seeds are files.
    command.env("MIRIFLAGS", "-Zmiri-disable-isolation").env("EBM_TEST_CASES", CASES_UNDER_MIRI);
    command
}

/// Runs both; what cannot be run is said, and why.
pub fn run() -> Result<bool> {
    match impossible() {
        Some(reason) => say!("NOT RUN: the address sanitizer: {reason}"),
        None => process::run(&mut address(&[])?)?,
    }
    match without_miri() {
        Some(reason) => say!("NOT RUN: Miri: {reason}"),
        None => process::run(&mut miri())?,
    }
    Ok(true)
}
