//! A Python for the tests of other programs' side.

use ebm_tests::skipped::skipped;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the Python that must have what the tests ask for; `cargo xtask test` sets it where it has made one.
const VARIABLE: &str = "EBM_PYTHON";

/// A Python with these modules. `None`, and a word, where there is none.
pub fn with(modules: &str) -> Option<PathBuf> {
    if let Some(python) = named() {
        assert!(imports(&python, modules), "{VARIABLE}: {} has no {modules}", python.display());
        return Some(python);
    }
    if_any(modules)
}

/// The same with modules that none must have: they are too large to be installed for a test.
pub fn if_any(modules: &str) -> Option<PathBuf> {
    let installed = ["python3", "/usr/bin/python3"].map(PathBuf::from);
    let found = named().into_iter().chain(installed).find(|python| imports(python, modules));
    if found.is_none() {
        skipped(&format!("no Python has {modules} (`pip install` them, and {VARIABLE} names the Python)"));
    }
    found
}

fn named() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).map(PathBuf::from)
}

fn imports(python: &Path, modules: &str) -> bool {
    let line = format!("import {modules}");
    Command::new(python).args(["-c", &line]).output().is_ok_and(|output| output.status.success())
}

/// Stdout of a script of `tools/examples`, which must succeed.
pub fn run(python: &Path, script: &str, arguments: &str, folder: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/examples").join(script);
    let mut command = Command::new(python);
    // What it prints is UTF-8, whatever the machine's own is.
    command.env("PYTHONUTF8", "1").current_dir(folder).arg(&script).args(arguments.split(' '));
    let output = command.output().expect("Python starts");
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "{} {arguments}: {stdout}{stderr}", script.display());
    stdout
}
