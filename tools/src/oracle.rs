//! The independent NumPy reference in `tools/oracle`: is it right by its own tests, and are the stored fixtures what it writes?

use std::process::Command;

use anyhow::Result;

use crate::console::say;
use crate::packages::Packages;
use crate::process;

/// The user's Python, and the system's, which has its packages' NumPy.
const PYTHONS: [&str; 2] = ["python3", "/usr/bin/python3"];
/// Debian's package of NumPy.
const PACKAGE: &str = "python3-numpy";

/// What the check needs.
pub const NEEDS: &str = "the oracle needs python3 with NumPy; `pip install numpy` brings it";

/// The check as a command; `None` where there is no Python with NumPy. The fixtures are in the tree, so that the tests that read them need
/// neither.
pub fn command() -> Option<Command> {
    let mut check = process::command(python()?);
    check.args(["tools/oracle/write_fixtures.py", "--check"]);
    Some(check)
}

fn python() -> Option<&'static str> {
    PYTHONS.into_iter().find(|python| {
        let mut probe = process::command(python);
        process::probe(probe.args(["-c", "import numpy; print(numpy.__version__)"])).is_some()
    })
}

/// Installs NumPy where no Python has it. That it cannot is no error: the check is left out, in words.
pub fn setup(packages: &mut Packages) {
    if python().is_none() && packages.install(&[PACKAGE], "runs the independent reference").is_err() {
        say!("NumPy cannot be installed here; the oracle's check will be skipped");
    }
}

/// Runs the check, or says why it cannot be run.
pub fn run() -> Result<bool> {
    match command() {
        Some(mut check) => process::run(&mut check)?,
        None => say!("SKIPPED: {NEEDS}"),
    }
    Ok(true)
}
