//! The board: its driver and its memory map.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

const DEFAULT: &str = "mps2-an386";

/// The parts of `board.toml` that the firmware itself needs.
#[derive(Deserialize)]
struct Board {
    driver: String,
    page_bytes: usize,
    budget: Budget,
    runtime: Option<String>,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    constants: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
struct Budget {
    ram_bytes: usize,
}

/// A board's memory.
#[derive(Clone, Copy)]
pub struct Memory {
    /// Flash that is erased together.
    pub page_bytes: usize,
    /// All of RAM.
    pub ram_bytes: usize,
}

impl Memory {
    /// The host's.
    pub const HOST: Self = Self { page_bytes: 1024, ram_bytes: usize::MAX };
}

/// Selects the board's driver in `src/board/`, gives it its constants in `board.rs`, and links with the board's memory map; returns
/// what a program has to know of its memory.
pub fn select(root: &Path, out: &Path) -> Result<Memory> {
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
    for feature in &board.features {
        let variable = format!("CARGO_FEATURE_{}", feature.to_uppercase().replace('-', "_"));
        ensure!(
            env::var_os(variable).is_some(),
            "EBM_BOARD={name}: it needs `--features {}`",
            board.features.join(",")
        );
    }
    println!("cargo::rustc-cfg=board_driver={:?}", board.driver);

    let mut constants = format!("/// Name of the board.\npub const NAME: &str = {name:?};\n");
    for (name, value) in &board.constants {
        writeln!(constants, "pub const {}: u32 = {value:#x};", name.to_uppercase())?;
    }
    fs::write(out.join("board.rs"), constants).context("cannot write board.rs")?;

    // A HAL brings the table of its part's interrupts, and device.x, with which link.x names their handlers.
    if board.constants.contains_key("interrupts") {
        println!("cargo::rustc-cfg=board_interrupts");
        fs::write(out.join("device.x"), "").context("cannot write device.x")?;
    }

    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    // cortex-m-rt's link.x and esp-hal's linkall.x include memory.x, riscv-rt's does not. All are looked for in the search folders.
    let (runtime, ours) = match board.runtime.as_deref().unwrap_or(&arch) {
        "arm" => (&["link.x"][..], &["cortex-m.x", "sections.x"][..]),
        "riscv32" => (&["memory.x", "link.x"][..], &["riscv.x", "sections.x"][..]),
        "esp-hal" => (&["linkall.x"][..], &["esp-hal.x"][..]),
        other => bail!("no board has a runtime or a processor's architecture by the name of {other}"),
    };
    // Models are put where whole pages can be erased.
    fs::write(out.join("page.x"), format!("__ebm_page = {};\n", board.page_bytes)).context("cannot write page.x")?;
    println!("cargo::rustc-link-search={}", out.display());
    let ours: Vec<PathBuf> = ours.iter().map(|name| root.join("link").join(name)).collect();
    println!("cargo::rustc-link-search={}", folder.display());
    for script in runtime.iter().chain(&["page.x"]).map(Path::new).chain(ours.iter().map(PathBuf::as_path)) {
        println!("cargo::rustc-link-arg-bins=-T{}", script.display());
        println!("cargo::rustc-link-arg-examples=-T{}", script.display());
    }
    for file in ours.iter().chain([&description, &folder.join("memory.x")]) {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    Ok(Memory { page_bytes: board.page_bytes, ram_bytes: board.budget.ram_bytes })
}
