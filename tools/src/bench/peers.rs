//! The peers' side: `tools/peers/train_peers.py`.

use std::fs;
use std::path::{self, Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Device;
use crate::process;
use crate::workspace;

const TIMES: &str = "tools/peers/train_peers.py";
const PRODUCTS: &str = "tools/peers/products.py";

/// A Python with PyTorch, and what it is timed on.
pub(super) struct Peers {
    python: PathBuf,
    device: Device,
    data: PathBuf,
    /// PyTorch's version, and what it computes on.
    pub name: String,
    /// 10⁹ floating-point operations a second of its own products of 2048 × 2048 floats.
    pub sgemm_gflops: f64,
}

/// What [`PRODUCTS`] prints.
#[derive(Deserialize)]
struct Found {
    torch: Option<String>,
    device: Option<String>,
    sgemm_gflops: Option<f64>,
}

/// A line of what [`TIMES`] writes.
#[derive(Deserialize)]
pub(super) struct Row {
    pub peer: String,
    pub median_s: f64,
}

impl Peers {
    /// The PyTorch of this Python. Fails where there is none, or it cannot compute on the device.
    pub(super) fn find(python: &Path, device: Device, data: PathBuf) -> Result<Self> {
        // One without a folder is looked for on the PATH; and the link that a virtual environment's is must stay one.
        let has_folder = python.components().nth(1).is_some();
        let python = if has_folder { path::absolute(python)? } else { python.to_owned() };
        let text = process::stdout(process::command(&python).args([PRODUCTS, device.torch()]))
            .context("--python names a Python that has torch and scikit-learn")?;
        let Found { torch, device: card, sgemm_gflops } =
            serde_json::from_str(&text).with_context(|| format!("what {PRODUCTS} printed"))?;
        let shown = python.display();
        let Some(torch) = torch else {
            bail!(
                "{shown} has no PyTorch with NumPy (`{shown} -m pip install torch numpy scikit-learn`, or --python PROGRAM)"
            );
        };
        let Some((card, sgemm_gflops)) = card.zip(sgemm_gflops) else {
            bail!(
                "PyTorch {torch} of {shown} finds no CUDA device: it takes an NVIDIA card whose driver runs (`nvidia-smi` shows it) and a PyTorch built for CUDA, which pytorch.org/get-started tells how to install"
            );
        };
        Ok(Self { python, device, data, name: format!("PyTorch {torch} on {card}"), sgemm_gflops })
    }

    /// Times a workload once, in each peer that has it.
    pub(super) fn time(&self, workload: &str) -> Result<Vec<Row>> {
        let table = workspace::target().join("peers.json");
        fs::create_dir_all(workspace::target()).with_context(|| workspace::target().display().to_string())?;
        let mut command = process::command(&self.python);
        command.arg(TIMES).arg(&self.data).args(["--device", self.device.torch(), "--repeat", self.device.repeats()]);
        process::stdout(command.args(["--only", workload, "--json"]).arg(&table))?;
        let text = fs::read_to_string(&table).with_context(|| table.display().to_string())?;
        serde_json::from_str(&text).with_context(|| table.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_is_one_of_the_peers() -> Result<()> {
        let script = fs::read_to_string(workspace::root().join(TIMES))?;
        for name in super::super::WORKLOADS {
            assert!(script.lines().any(|line| line.trim_start().starts_with(name)), "{name}");
        }
        Ok(())
    }
}
