//! `cargo xtask fuzz`: libFuzzer over the targets of `tools/fuzz`, built with the address sanitizer.
//!
//! It needs a nightly toolchain, for the flags that instrument the code, and a C++ compiler, which builds libFuzzer; not cargo-fuzz, whose flags these
//! are. Where they are not, `tests/fuzz.rs` runs the same functions over the seeds and mutations of them.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::console::say;
use crate::process;
use crate::sanitize;
use crate::workspace;

/// The targets, each a program of `tools/fuzz`.
pub const TARGETS: [&str; 3] = ["format", "encode_parse", "wire"];

/// What makes a program one that libFuzzer can steer: it counts the edges it passes and shows what it compares.
const INSTRUMENT: [&str; 8] = [
    "--cfg=fuzzing",
    "-Ccodegen-units=1",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
];

/// Longest input: room for a model of some layers, or for a conversation.
const MAX_LEN: usize = 2048;
/// After this long an input counts as a hang.
const TIMEOUT_SECONDS: u32 = 20;

/// Why nothing can be fuzzed here.
pub fn impossible() -> Option<String> {
    sanitize::impossible().or_else(|| {
        let compiler = env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
        let found = process::probe(process::command(&compiler).arg("--version"));
        found
            .is_none()
            .then(|| format!("there is no C++ compiler, which builds libFuzzer ({compiler}): install g++ or clang"))
    })
}

/// Builds the targets and runs one or all of them, each for so many seconds. Stops with an error at what it finds.
pub fn run(only: Option<&str>, seconds: u32) -> Result<bool> {
    if let Some(name) = only.filter(|name| !TARGETS.contains(name)) {
        bail!("there is no fuzz target `{name}`, but {}", TARGETS.join(", "));
    }
    if let Some(reason) = impossible() {
        bail!("{reason}");
    }
    let programs = build()?;
    for target in TARGETS.into_iter().filter(|target| only.is_none_or(|only| only == *target)) {
        fuzz(programs.join(target), target, seconds)?;
    }
    Ok(true)
}

/// Builds all targets; the folder where they then are.
fn build() -> Result<PathBuf> {
    let host = sanitize::host()?;
    let flags = [sanitize::ADDRESS].iter().chain(&INSTRUMENT).copied().collect::<Vec<_>>();
    let target = workspace::target().join("fuzz");
    let mut command = process::command("cargo");
    command.args(["+nightly", "build", "--release", "--target", &host]);
    command.args(["--manifest-path", "tools/fuzz/Cargo.toml", "--target-dir"]).arg(&target);
    command.env("RUSTFLAGS", flags.join(" "));
    process::run(&mut command)?;
    Ok(target.join(host).join("release"))
}

/// Runs a target over what it found in earlier runs and its seeds. What it finds to fail is kept in `target/fuzz/artifacts`.
fn fuzz(program: PathBuf, target: &str, seconds: u32) -> Result<()> {
    let folder = |name: &str| -> Result<PathBuf> {
        let folder = workspace::target().join("fuzz").join(name).join(target);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder)
    };
    let artifacts = folder("artifacts")?;
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.args([format!("-max_total_time={seconds}"), format!("-max_len={MAX_LEN}")]);
    command.args([format!("-timeout={TIMEOUT_SECONDS}"), "-print_final_stats=1".to_owned()]);
    command.arg(folder("corpus")?).arg(workspace::root().join("tools/fuzz/seeds").join(target));
    say!("fuzzing {target} for {seconds} s");
    process::run(&mut command).with_context(|| format!("{target}: what failed is in {}", artifacts.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_its_program_and_seeds() -> Result<()> {
        let fuzz = workspace::root().join("tools/fuzz");
        for target in TARGETS {
            assert!(fuzz.join("targets").join(target).with_extension("rs").is_file(), "{target}");
            assert!(fs::read_dir(fuzz.join("seeds").join(target))?.next().is_some(), "{target}");
        }
        Ok(())
    }

    #[test]
    fn an_unknown_target_is_named_with_those_that_there_are() {
        let error = run(Some("wires"), 1).expect_err("no such target").to_string();
        assert!(error.contains("`wires`") && error.contains("format, encode_parse, wire"), "{error}");
    }
}
