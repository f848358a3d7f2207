//! A browser for the test of `report.html`.

use crate::console::say;
use crate::packages::Packages;
use crate::process;

/// Debian's package of it, and a face for its letters.
const PACKAGES: [&str; 2] = ["chromium", "fonts-dejavu-core"];
/// Names that it goes by.
const PROGRAMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Installs a browser where there is none. That it cannot is no error: the test says that it looked at nothing.
pub fn setup(packages: &mut Packages) {
    let is_there = |program: &&str| process::probe(process::command(program).arg("--version")).is_some();
    if cfg!(target_os = "linux")
        && !PROGRAMS.iter().any(is_there)
        && packages.install(&PACKAGES, "looks at report.html").is_err()
    {
        say!("{} cannot be installed here; report.html will not be looked at in a browser", PACKAGES[0]);
    }
}
