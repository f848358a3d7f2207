//! The independent NumPy reference in `tools/oracle`: is it right by its own tests, and are the stored fixtures what it writes?

use std::process::Command;

use anyhow::Result;

use crate::process;

const PYTHON: &str = "python3";

/// The check as a command; `None`, with a word about it, where there is no Python with NumPy. The fixtures are in the tree, so
/// that the tests that read them need neither.
pub fn command() -> Option<Command> {
    let mut probe = process::command(PYTHON);
    probe.args(["-c", "import numpy; print(numpy.__version__)"]);
    if process::probe(&mut probe).is_none() {
        println!("skipped: the oracle needs {PYTHON} with NumPy; `pip install numpy` brings it");
        return None;
    }
    let mut check = process::command(PYTHON);
    check.args(["tools/oracle/write_fixtures.py", "--check"]);
    Some(check)
}

/// Runs the check, or says why it cannot be run.
pub fn run() -> Result<bool> {
    command().map_or(Ok(()), |mut check| process::run(&mut check))?;
    Ok(true)
}
