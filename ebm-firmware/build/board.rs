//! The board: its driver and its memory map.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

const DEFAULT: &str = "mps2-an386";

/// The one part of `board.toml` that the firmware itself needs.
#[derive(Deserialize)]
struct Board {
    driver: String,
}

/// Selects the board's driver in `src/board/` and links with its memory map.
pub fn select(root: &Path) -> Result<()> {
    println!("cargo::rerun-if-env-changed=EBM_BOARD");
    let name = env::var("EBM_BOARD").unwrap_or_else(|_| DEFAULT.to_owned());
    let folder = root.join("boards").join(&name);
    let description = folder.join("board.toml");
    let text = fs::read_to_string(&description).with_context(|| {
        format!(
            "EBM_BOARD={name}: cannot read {}; EBM_BOARD names a folder of ebm-firmware/boards",
            description.display()
        )
    })?;
    let board: Board = toml::from_str(&text).with_context(|| format!("in {}", description.display()))?;
    println!("cargo::rustc-cfg=board_driver={:?}", board.driver);

    let sections = root.join("sections.x");
    // cortex-m-rt's link.x includes memory.x, which the linker looks for in the search folders.
    println!("cargo::rustc-link-search={}", folder.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=-T{}", sections.display());
    for file in [&description, &folder.join("memory.x"), &sections] {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    Ok(())
}
