//! How long training takes here beside its peers, on the processor or on a graphics card: both sides have their turn at one workload after another.

mod ours;
mod peers;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::console::say;
use ours::Ours;
use peers::Peers;

/// What is timed where nothing else is asked for: what PyTorch has too.
const WORKLOADS: [&str; 9] = [
    "cd1-784x128-b64",
    "cd10-784x256-b64",
    "pcd5-784x500-b100",
    "cd1-784x1024-b128",
    FOR_CARDS,
    "free-energy-784x500",
    "gibbs-784x500",
    "finetune-784-256-10",
    "finetune-784-500-500-2000-10",
];

/// Too large for a processor to be worth the wait.
const FOR_CARDS: &str = "cd1-784x4096-b512";

/// What is asked for.
#[derive(clap::Args)]
pub struct Asked {
    /// The folder with MNIST's four files; `ebm-train data fetch mnist` brings them
    #[arg(long, value_name = "DIR", default_value = "data/mnist")]
    data: PathBuf,
    /// Only these workloads, by name [default: all that PyTorch has too; the largest on a card alone]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Times that each side has its turn
    #[arg(long, visible_alias = "repeats", value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// The Python that has torch and scikit-learn
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// An ebm-train that is built already [default: this checkout's, built anew]
    #[arg(long, value_name = "PROGRAM")]
    program: Option<PathBuf>,
}

/// Where both sides compute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Device {
    Processor,
    Card,
}

impl Device {
    /// What `ebm-train` calls it.
    fn backend(self) -> &'static str {
        match self {
            Self::Processor => "cpu",
            Self::Card => "gpu",
        }
    }

    /// What PyTorch calls it.
    fn torch(self) -> &'static str {
        match self {
            Self::Processor => "cpu",
            Self::Card => "cuda",
        }
    }

    /// Runs a turn that count. On a card a run is short beside the start of the two programs.
    fn repeats(self) -> &'static str {
        match self {
            Self::Processor => "1",
            Self::Card => "5",
        }
    }

    fn workloads(self, only: &[String]) -> Vec<&str> {
        if only.is_empty() {
            WORKLOADS.into_iter().filter(|&name| self == Self::Card || name != FOR_CARDS).collect()
        } else {
            only.iter().map(String::as_str).collect()
        }
    }
}

/// What every turn at a workload gave.
#[derive(Default)]
struct Turns {
    seconds: Vec<f64>,
    /// Floating-point operations a second as a share of those of our products, and of PyTorch's.
    of_ours: Vec<f64>,
    of_torch: Vec<f64>,
    /// Seconds of each peer.
    peers: BTreeMap<String, Vec<f64>>,
}

/// Times both sides in turn and prints medians and their ratios; on the processor ours alone where there is no PyTorch.
pub fn run(asked: &Asked, device: Device) -> Result<()> {
    let data = asked
        .data
        .canonicalize()
        .with_context(|| format!("{}: no such folder; `ebm-train data fetch mnist` brings it", asked.data.display()))?;
    let peers = Peers::find(&asked.python, device, data.clone());
    let ours = Ours::find(asked.program.as_deref(), device, data);
    let (ours, peers) = match (ours, peers) {
        (Ok(ours), Ok(peers)) => (ours, Some(peers)),
        (Ok(ours), Err(why)) if device == Device::Processor => {
            say!("{why:#}: ours alone");
            (ours, None)
        }
        (Err(first), Err(second)) if device == Device::Card => bail!("{first:#}\nerror: {second:#}"),
        (Err(why), _) | (_, Err(why)) => return Err(why),
    };

    let names = device.workloads(&asked.only);
    let (mut turns, mut products, mut on) = (BTreeMap::<&str, Turns>::new(), Vec::new(), String::new());
    for round in 1..=asked.rounds {
        for &name in &names {
            let turns = turns.entry(name).or_default();
            let beside = peers.as_ref().filter(|_| WORKLOADS.contains(&name));
            let report = ours.time(name)?;
            for row in &report.workloads {
                turns.seconds.push(row.median_s);
                turns.of_ours.push(row.gflops / report.sgemm_gflops);
                turns.of_torch.extend(peers.as_ref().map(|peers| row.gflops / peers.sgemm_gflops));
            }
            on = report.device();
            products.push(report.sgemm_gflops);
            for peers::Row { peer, median_s } in beside.map_or(Ok(Vec::new()), |peers| peers.time(name))? {
                turns.peers.entry(peer).or_default().push(median_s);
            }
        }
        say!("round {round} of {} done", asked.rounds);
    }
    say!("products of 2048 × 2048 matrices: ours on {on} at {:.0} GFLOP/s", median(&products));
    if let Some(Peers { name, sgemm_gflops, .. }) = &peers {
        say!("                                  {name} at {sgemm_gflops:.0} GFLOP/s");
    }
    print(&names, &turns);
    Ok(())
}

/// Medians over the turns, a line a workload and peer.
fn print(names: &[&str], turns: &BTreeMap<&str, Turns>) {
    say!(
        "{:30} {:>9} {:>16} {:>14} {:>10} {:>9} {:>7}",
        "",
        "ours, s",
        "of our products",
        "of PyTorch's",
        "peer",
        "its s",
        "ratio"
    );
    let percent =
        |shares: &[f64]| if shares.is_empty() { String::new() } else { format!("{:.0} %", 100.0 * median(shares)) };
    for name in names {
        let Some(Turns { seconds, of_ours, of_torch, peers }) = turns.get(name) else { continue };
        let ours = median(seconds);
        let start = format!("{name:30} {ours:9.4} {:>16} {:>14}", percent(of_ours), percent(of_torch));
        if peers.is_empty() {
            say!("{}", start.trim_end());
        }
        for (peer, seconds) in peers {
            let its = median(seconds);
            say!("{start} {peer:>10} {its:9.4} {:6.2}×", its / ours);
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
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
