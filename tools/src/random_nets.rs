//! Nets of random weights, which the trainer writes: what one costs is what any net of its shape costs.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::model::Model;
use crate::process;
use crate::workspace;

/// Has the trainer write nets of these shapes into a folder of the target's; their files, one a shape and number format.
pub fn random_nets(shapes: &[&str], folder: &str) -> Result<Vec<Model>> {
    let folder = workspace::target().join(folder);
    if folder.is_dir() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    let mut command = process::command("cargo");
    command.args(["run", "--quiet", "-p", "ebm-train", "--example", "random_net", "--"]).args(shapes).arg(&folder);
    let text = process::stdout(&mut command)?;
    text.lines().map(|line| Model::find(Some(&PathBuf::from(line)))).collect()
}
