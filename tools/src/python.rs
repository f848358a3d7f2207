//! A Python for the tests of other tools' files and of the scripts in `tools/examples`: onnxruntime, NumPy and scikit-learn in a folder of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::console::say;
use crate::packages::Packages;
use crate::process;
use crate::workspace;

/// What the tests find it by.
pub const VARIABLE: &str = "EBM_PYTHON";
/// Packages of the Python Package Index.
const PACKAGES: [&str; 3] = ["numpy", "onnxruntime", "scikit-learn"];
/// Debian's package of what makes such a folder.
const VENV_PACKAGE: &str = "python3-venv";
/// After this long pip counts as unable to fetch them.
const PIP_LIMIT: Duration = Duration::from_secs(300);

/// The Python, where it has all that the tests need.
pub fn find() -> Option<PathBuf> {
    let python = program();
    let mut probe = process::command(&python);
    let imports = "import numpy, onnxruntime, sklearn; print(onnxruntime.__version__)";
    process::probe(probe.args(["-c", imports])).map(|_| python)
}

fn folder() -> PathBuf {
    workspace::tools().join("python")
}

fn program() -> PathBuf {
    folder().join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python3" })
}

/// Makes it where it is missing. That this cannot be done is no error: the tests say that they are left out.
pub fn setup(packages: &mut Packages) {
    if find().is_some() {
        return;
    }
    say!("install: {} into {} (pip; other programs' side of the tests)", PACKAGES.join(" "), folder().display());
    let is_made = make() || packages.install(&[VENV_PACKAGE], "makes a folder for Python's packages").is_ok() && make();
    if !is_made || !install() {
        say!("they cannot be installed here; what needs them will be left out of the tests");
    }
}

/// An empty Python in the folder.
fn make() -> bool {
    let mut command = process::command("python3");
    // A folder that another Python has left half made.
    command.args(["-m", "venv", "--clear"]).arg(folder());
    succeeds(&mut command)
}

fn install() -> bool {
    let mut command = process::command(program());
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1"]).args(PACKAGES);
    succeeds(&mut command) && find().is_some()
}

fn succeeds(command: &mut Command) -> bool {
    let ended = process::run_within(command.stderr(Stdio::null()), PIP_LIMIT);
    ended.is_ok_and(|ended| ended.status.is_some_and(|status| status.success()))
}
