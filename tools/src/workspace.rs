//! Where things are in the workspace.

use std::env;
use std::path::{Path, PathBuf};

/// The folder of the workspace's manifest.
pub fn root() -> PathBuf {
    // At run time, so that a checkout that was moved is found where it is now: by `cargo run`, and where there is no Cargo around the current folder.
    let by_cargo = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let tools = by_cargo.or_else(around).unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    tools.parent().map_or(tools.clone(), Path::to_path_buf)
}

/// This package's folder in the checkout that the current folder lies in.
fn around() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    let mut tools = here.ancestors().map(|folder| folder.join("tools"));
    tools.find(|tools| tools.join("src").join("workspace.rs").is_file())
}

/// The firmware's package.
pub fn firmware() -> PathBuf {
    root().join("ebm-firmware")
}

/// Where cross builds go: away from the host's, which another compiler may have made.
pub fn cross_target() -> PathBuf {
    target().join("cross")
}

/// Where tools are unpacked that the system cannot take.
pub fn tools() -> PathBuf {
    target().join("tools")
}

/// Where builds go.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |target| root().join(target))
}
