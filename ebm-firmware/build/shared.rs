//! Files that this crate shares with others of the workspace. A package of it has copies: cargo puts into it what the links in `data/` lead to.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Small models, which an app damages.
const TINY: [&str; 2] = ["tests/fixtures/v1-tiny-f32.ebm", "tests/fixtures/v1-tiny-int8.ebm"];

/// Where the file at `place`, named from the workspace's root, is: there, or in a package in `data/`. Not by the link in a checkout, as not every system
/// has links.
pub fn find(root: &Path, place: &str) -> PathBuf {
    let here = root.join("..").join(place);
    match here.file_name() {
        Some(name) if !here.is_file() => root.join("data").join(name),
        _ => here,
    }
}

/// Puts the small models beside what the build makes.
pub fn copy_tiny(root: &Path, out: &Path) -> Result<()> {
    for place in TINY {
        let from = find(root, place);
        println!("cargo::rerun-if-changed={}", from.display());
        let bytes = fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
        let name = from.file_name().context("a fixture has a name")?;
        fs::write(out.join(name), bytes).with_context(|| format!("cannot write {}", name.display()))?;
    }
    Ok(())
}
