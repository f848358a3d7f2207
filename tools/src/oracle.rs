//! The independent NumPy reference in `tools/oracle`: is it right by its own tests, and are the stored fixtures what it writes?

use std::process::Command;

use anyhow::Result;

use crate::console::say;
use crate::process;

const PYTHON: &str = "python3";

/// What the check needs.
pub const NEEDS: &str = "the oracle needs python3 with NumPy; `pip install numpy` brings it";

/// The check as a command; `None` where there is no Python with NumPy. The fixtures are in the tree, so that the tests that read them need
/// neither.
pub fn command() -> Option<Command> {
    let mut probe = process::command(PYTHON);
    probe.args(["-c", "import numpy; print(numpy.__version__)"]);
    process::probe(&mut probe)?;
    let mut check = process::command(PYTHON);
    check.args(["tools/oracle/write_fixtures.py", "--check"]);
    Some(check)
}

/// Runs the check, or says why it cannot be run.
pub fn run() -> Result<bool> {
    match command() {
        Some(mut check) => process::run(&mut check)?,
        None => say!("SKIPPED: {NEEDS}"),
    }
    Ok(true)
}
