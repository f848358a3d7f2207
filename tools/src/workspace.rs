//! Where things are in the workspace.

use std::env;
use std::path::{Path, PathBuf};

/// The folder of the workspace's manifest.
pub fn root() -> PathBuf {
    // At run time, by `cargo run`, so that a moved checkout is found where it is now.
    let tools =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    tools.parent().map_or(tools.clone(), Path::to_path_buf)
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
