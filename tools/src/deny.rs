//! What the crates rest on: licences, sources and known faults of every dependency, by cargo-deny and `deny.toml`.

use std::process::Command;

use anyhow::Result;

use crate::console::say;
use crate::process;

/// What the check is done by hand with.
pub const BY_HAND: &str = "cargo deny check";

/// Why nothing can be checked here.
pub fn impossible() -> Option<String> {
    let version = process::probe(&mut deny(&["--version"]));
    version.is_none().then(|| "there is no cargo-deny: `cargo install cargo-deny --locked`".to_owned())
}

/// Checks licences, bans and sources; and where their database can be reached, advisories.
pub fn run() -> Result<bool> {
    process::run(&mut deny(&["check", "licenses", "bans", "sources"]))?;
    if deny(&["fetch", "db"]).output()?.status.success() {
        process::run(&mut deny(&["--offline", "check", "advisories"]))?;
    } else {
        say!("advisories are NOT CHECKED: their database, RustSec's on GitHub, cannot be reached");
    }
    Ok(true)
}

fn deny(arguments: &[&str]) -> Command {
    let mut command = process::command("cargo");
    command.arg("deny").args(arguments);
    command
}
