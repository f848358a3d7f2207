//! The crates as packages for a registry, made but not built: a manifest that no registry takes, or a file that is gone, shows.

use std::process::Command;

use crate::process;
use crate::workspace;

/// What is handed on.
const CRATES: [&str; 3] = ["ebm-core", "ebm-firmware", "ebm-train"];

/// Makes the packages, without the network. `cargo package` with the same `-p` and nothing else builds them too.
pub fn command() -> Command {
    let mut command = process::command("cargo");
    command.args(["package", "--quiet", "--no-verify", "--offline", "--exclude-lockfile", "--allow-dirty"]);
    command.args(CRATES.iter().flat_map(|name| ["-p", name]));
    command.arg("--target-dir").arg(workspace::target());
    command
}
