//! How long training takes here beside its peers: `ebm-train bench` and `tools/peers/train_peers.py` in turn.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::console::say;
use crate::process;
use crate::workspace;

/// What is asked for.
pub struct Bench {
    /// MNIST's folder.
    pub data: PathBuf,
    /// Names of workloads; all where there are none.
    pub only: Vec<String>,
    /// Times that each side has its turn.
    pub rounds: u32,
    /// The Python that has the peers.
    pub python: PathBuf,
}

#[derive(Deserialize)]
struct Ours {
    threads: usize,
    sgemm_gflops: f64,
    workloads: Vec<OurRow>,
}

#[derive(Deserialize)]
struct OurRow {
    name: String,
    median_s: f64,
    of_sgemm: f64,
}

#[derive(Deserialize)]
struct PeerRow {
    name: String,
    peer: String,
    median_s: f64,
}

/// Seconds of every turn.
#[derive(Default)]
struct Turns {
    ours: Vec<f64>,
    of_sgemm: Vec<f64>,
    peers: BTreeMap<String, Vec<f64>>,
}

/// Times both sides in turn and prints medians and their ratios; ours alone where there is no PyTorch.
pub fn run(bench: &Bench) -> Result<()> {
    let data = bench.data.canonicalize().with_context(|| {
        format!("{}: no such folder; `cargo run -p ebm-train -- data fetch mnist` brings it", bench.data.display())
    })?;
    let bench = Bench { data, only: bench.only.clone(), python: bench.python.clone(), ..*bench };
    process::run(process::command("cargo").args(["build", "--quiet", "-p", "ebm-train"]))?;
    let has_peers = has_peers(&bench);
    if !has_peers {
        let python = bench.python.display();
        say!("{python} has no PyTorch (`pip install torch scikit-learn`, or --python PROGRAM): ours alone");
    }
    let mut names = Vec::new();
    let mut turns: BTreeMap<String, Turns> = BTreeMap::new();
    for round in 0..bench.rounds {
        let ours = ours(&bench)?;
        if round == 0 {
            say!("{} threads; products of 2048 × 2048 matrices at {:.0} GFLOP/s", ours.threads, ours.sgemm_gflops);
            names = ours.workloads.iter().map(|row| row.name.clone()).collect();
        }
        for OurRow { name, median_s, of_sgemm } in ours.workloads {
            let turns = turns.entry(name).or_default();
            turns.ours.push(median_s);
            turns.of_sgemm.push(of_sgemm);
        }
        for PeerRow { name, peer, median_s } in if has_peers { peers(&bench, &names)? } else { Vec::new() } {
            turns.entry(name).or_default().peers.entry(peer).or_default().push(median_s);
        }
        say!("round {} of {} done", round + 1, bench.rounds);
    }
    print(&names, &turns);
    Ok(())
}

/// Medians over the turns, a line a workload and peer.
fn print(names: &[String], turns: &BTreeMap<String, Turns>) {
    say!("{:30} {:>9} {:>12} {:>10} {:>9} {:>7}", "", "ours, s", "of products", "peer", "its s", "ratio");
    for name in names {
        let Some(Turns { ours, of_sgemm, peers }) = turns.get(name) else { continue };
        let start = format!("{name:30} {:9.3} {:10.0} %", median(ours), 100.0 * median(of_sgemm));
        if peers.is_empty() {
            say!("{start}");
        }
        for (peer, seconds) in peers {
            let (its, ratio) = (median(seconds), median(seconds) / median(ours));
            say!("{start} {peer:>10} {its:9.3} {ratio:6.2}×");
        }
    }
}

fn has_peers(bench: &Bench) -> bool {
    let mut probe = process::command(&bench.python);
    process::probe(probe.args(["-c", "import torch; print(torch.__version__)"])).is_some()
}

fn ours(bench: &Bench) -> Result<Ours> {
    let program = workspace::target().join("debug").join(format!("ebm-train{}", std::env::consts::EXE_SUFFIX));
    let mut command = process::command(program);
    command.args(["bench", "--json", "--repeats", "1", "--data"]).arg(format!("mnist:{}", bench.data.display()));
    if !bench.only.is_empty() {
        command.arg("--only").arg(bench.only.join(","));
    }
    serde_json::from_str(&process::stdout(&mut command)?).context("what `ebm-train bench --json` printed")
}

fn peers(bench: &Bench, names: &[String]) -> Result<Vec<PeerRow>> {
    let table = workspace::target().join("peers.json");
    let mut command = process::command(&bench.python);
    command.arg("tools/peers/train_peers.py").arg(&bench.data).args(["--repeat", "1", "--only"]);
    process::stdout(command.arg(names.join(",")).arg("--json").arg(&table))?;
    let text = fs::read_to_string(&table).with_context(|| table.display().to_string())?;
    serde_json::from_str(&text).with_context(|| table.display().to_string())
}

fn median(seconds: &[f64]) -> f64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_lie_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }
}
