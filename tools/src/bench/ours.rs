//! Our side: `ebm-train bench`.

use std::env::consts::EXE_SUFFIX;
use std::path::{self, Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Device;
use crate::process;
use crate::workspace;

/// How to get a card that computes.
const HOW: &str = "install the card's Vulkan driver (NVIDIA's brings it; in a container, NVIDIA_DRIVER_CAPABILITIES has to name graphics too)";

/// A built `ebm-train`, and what it is timed on.
pub(super) struct Ours {
    program: PathBuf,
    device: Device,
    data: PathBuf,
}

/// What `ebm-train bench --json` says of one workload.
#[derive(Deserialize)]
pub(super) struct Report {
    card: Option<String>,
    threads: usize,
    pub sgemm_gflops: f64,
    pub workloads: Vec<Row>,
}

#[derive(Deserialize)]
pub(super) struct Row {
    pub median_s: f64,
    pub gflops: f64,
}

#[derive(Deserialize)]
struct Cards {
    adapters: Vec<Adapter>,
}

#[derive(Deserialize)]
struct Adapter {
    name: String,
    on_processor: bool,
}

impl Ours {
    /// The program that is named, or this checkout's, built anew. Fails where it cannot compute on the device.
    pub(super) fn find(program: Option<&Path>, device: Device, data: PathBuf) -> Result<Self> {
        let program = match program {
            Some(program) if !program.is_file() => {
                bail!("--program {}: no such file; `cargo build -p ebm-train` makes one", program.display())
            }
            Some(program) => path::absolute(program)?,
            None => {
                let build = process::run(process::command("cargo").args(["build", "--quiet", "-p", "ebm-train"]));
                build.context("--program names an ebm-train that is built already")?;
                workspace::target().join("debug").join(format!("ebm-train{EXE_SUFFIX}"))
            }
        };
        let ours = Self { program, device, data };
        if device == Device::Card {
            ours.check_card()?;
        }
        Ok(ours)
    }

    /// Fails where there is no card, or only a driver that computes on the processor.
    fn check_card(&self) -> Result<()> {
        let Cards { adapters } = self.json(&["gpu"])?;
        if adapters.iter().any(|adapter| !adapter.on_processor) {
            return Ok(());
        }
        let names: Vec<String> =
            adapters.into_iter().map(|adapter| format!("{}, which computes on the processor", adapter.name)).collect();
        let found = if names.is_empty() { String::new() } else { format!(", only {}", names.join(", ")) };
        bail!("{} finds no graphics card{found}: {HOW}", self.program.display())
    }

    /// Times a workload once.
    pub(super) fn time(&self, workload: &str) -> Result<Report> {
        let data = format!("mnist:{}", self.data.display());
        let (backend, repeats) = (self.device.backend(), self.device.repeats());
        self.json(&["bench", "--backend", backend, "--repeats", repeats, "--data", &data, "--only", workload])
    }

    /// What the program prints with `--json`.
    fn json<T: DeserializeOwned>(&self, arguments: &[&str]) -> Result<T> {
        let text = process::stdout(process::command(&self.program).args(arguments).arg("--json"))?;
        serde_json::from_str(&text).with_context(|| format!("what `ebm-train {} --json` printed", arguments[0]))
    }
}

impl Report {
    /// What it computed on.
    pub(super) fn device(&self) -> String {
        self.card.clone().unwrap_or_else(|| format!("{} threads", self.threads))
    }
}
