//! `cargo xtask count`: instructions of training's hottest operations, which do not depend on how busy the machine is.
//!
//! Callgrind emulates a processor with AVX2, so every x86-64 machine counts the same code.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::console::say;
use crate::packages::Packages;
use crate::process;
use crate::workspace;

/// Debian's package of the emulator.
const PACKAGE: &str = "valgrind";
/// What `ebm-train/examples/count.rs` can do.
const OPERATIONS: [&str; 4] = ["up", "sample", "gibbs", "adam"];
/// Calls in the shorter of two runs, and in the longer: what a call takes is their difference, without all that surrounds it.
const CALLS: [u64; 2] = [2, 12];
/// By which share of itself a count may grow: with the compiler that gave it, where another processor's caches still change how products are cut,
/// and with another compiler.
const GROWTH: [f64; 2] = [0.1, 0.25];

/// What the counts were.
#[derive(Serialize, Deserialize)]
struct Expected {
    compiler: String,
    /// A call's, by operation.
    instructions: BTreeMap<String, u64>,
}

/// Where the stored counts are from.
const IS_COUNTED: bool = cfg!(all(target_arch = "x86_64", target_os = "linux"));

/// Why nothing can be counted here.
pub fn impossible() -> Option<String> {
    if !IS_COUNTED {
        return Some("the counts are those of x86-64 under Linux".to_owned());
    }
    (!is_installed()).then(|| format!("there is no {PACKAGE}: as root `apt-get install {PACKAGE}`"))
}

fn is_installed() -> bool {
    process::probe(process::command(PACKAGE).arg("--version")).is_some()
}

/// Installs the emulator where it is missing. That it cannot is no error: the step is left out, in words.
pub fn setup(packages: &mut Packages) {
    if IS_COUNTED && !is_installed() && packages.install(&[PACKAGE], "counts instructions").is_err() {
        say!("{PACKAGE} cannot be installed here; training's instructions will not be counted");
    }
}

/// Counts, and compares with what is stored or stores it; true where nothing has grown past the bound.
pub fn run(overwrite: bool) -> Result<bool> {
    if let Some(reason) = impossible() {
        say!("SKIPPED: {reason}");
        return Ok(true);
    }
    let mut build = process::command("cargo");
    build.args(["build", "--quiet", "-p", "ebm-train", "--example", "count"]);
    // What is compiled piece by piece is cut otherwise.
    process::run(build.env("CARGO_INCREMENTAL", "0"))?;
    let compiler = process::stdout(process::command("rustc").arg("--version"))?.trim().to_owned();
    let mut instructions = BTreeMap::new();
    for operation in OPERATIONS {
        let [few, many] = [collected(operation, CALLS[0])?, collected(operation, CALLS[1])?];
        instructions.insert(operation.to_owned(), many.saturating_sub(few) / (CALLS[1] - CALLS[0]));
    }
    let now = Expected { compiler, instructions };
    let path = workspace::root().join("tests/expected/host/instructions.toml");
    if overwrite {
        let folder = path.parent().context("the file is in a folder")?;
        fs::create_dir_all(folder)?;
        fs::write(&path, toml::to_string(&now)?).with_context(|| path.display().to_string())?;
        say!("{}: written", path.display());
        return Ok(true);
    }
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(compare(&toml::from_str(&text).with_context(|| path.display().to_string())?, &now))
}

/// Prints both; true where nothing has grown past the bound.
fn compare(before: &Expected, now: &Expected) -> bool {
    let growth = GROWTH[usize::from(before.compiler != now.compiler)];
    let mut good = true;
    for (operation, &count) in &now.instructions {
        let expected = before.instructions.get(operation).copied().unwrap_or(0);
        let most = (expected as f64 * (1.0 + growth)) as u64;
        let verdict = if count <= most { "ok" } else { "GROWN: `cargo xtask count --overwrite` accepts it" };
        say!("{operation:8} {count:>12} instructions a call, expected {expected}, at most {most}: {verdict}");
        good &= count <= most;
    }
    good
}

/// Instructions of a whole run with so many calls.
fn collected(operation: &str, calls: u64) -> Result<u64> {
    let program: PathBuf = workspace::target().join("debug/examples/count");
    let mut command = process::command(PACKAGE);
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    command.args([operation, &calls.to_string()]).stdout(Stdio::null());
    let output = command.output().with_context(|| format!("cannot start `{}`", process::show(&command)))?;
    let words = String::from_utf8_lossy(&output.stderr);
    let collected = words.lines().find_map(|line| line.split_once("Collected :"));
    match collected.and_then(|(_, number)| number.trim().parse().ok()) {
        Some(number) if output.status.success() => Ok(number),
        _ => bail!("`{}` counted nothing:\n{words}", process::show(&command)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_past_the_bound_fails() {
        let counted = |compiler: &str, count| Expected {
            compiler: compiler.to_owned(),
            instructions: BTreeMap::from([("up".to_owned(), count)]),
        };
        let before = counted("rustc 1", 1000);
        assert!(compare(&before, &counted("rustc 1", 1100)));
        assert!(!compare(&before, &counted("rustc 1", 1101)));
        assert!(compare(&before, &counted("rustc 2", 1250)));
        assert!(!compare(&before, &counted("rustc 2", 1251)));
    }
}
