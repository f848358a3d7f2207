//! `bench`: how long training takes here, beside the rate of this machine's own products.

use super::backend::BackendKind;
use crate::Error;
use crate::backend::{Backend, Cpu};
use crate::bench::{Cost, Timing, WORKLOADS, Workload, growth, sgemm_gflops, time};
use crate::data::{self, DataOptions, Dataset};
use crate::run::peak_memory;
use clap::builder::PossibleValuesParser;
use clap::value_parser;
use serde::Serialize;

/// Arguments of `bench`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A workload runs once to warm up, then --repeats times. GFLOP/s count the products alone, two operations a multiply-add, in the fastest run; of products: as a share of what \
    a product of 2048 × 2048 matrices reaches in the same run. `cargo xtask bench` times PyTorch and scikit-learn in turn with these, `cargo xtask bench-gpu` PyTorch on CUDA.\n\nExample: ebm-train bench --data mnist:data/mnist --only cd1-784x128-b64"
)]
pub struct BenchArgs {
    /// MNIST, as mnist:DIR; `ebm-train data fetch mnist` brings it
    #[arg(long, value_name = "SPEC", required_unless_present = "growth")]
    pub data: Option<String>,
    /// Not the workloads: how cost grows with units, Gibbs steps, samples and lines of a table, each doubled thrice; needs no data
    #[arg(long, conflicts_with_all = ["data", "only", "repeats"])]
    pub growth: bool,
    /// Only these workloads, by name; all but the largest otherwise
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = PossibleValuesParser::new(WORKLOADS.map(|workload| workload.name)))]
    pub only: Vec<String>,
    /// Runs of each that count
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = value_parser!(u32).range(1..=1000))]
    pub repeats: u32,
    /// What computes
    #[arg(long, value_name = "WHERE", default_value = "cpu", conflicts_with = "growth")]
    pub backend: BackendKind,
    /// Threads; 0 for one a processor
    #[arg(long, default_value_t = 0, value_parser = value_parser!(u16).range(0..=1024))]
    pub threads: u16,
}

/// Only run where it is named: made for graphics cards.
const LARGEST: &str = "cd1-784x4096-b512";

#[derive(Serialize)]
struct Report {
    /// The graphics card; none where the processor computes.
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<String>,
    threads: usize,
    sgemm_gflops: f64,
    workloads: Vec<Row>,
    /// Largest memory that the process has held, in bytes; none where the system does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    timing: Timing,
    of_sgemm: f64,
}

/// What every size costs, and how many times what the one before does.
fn run_growth(threads: usize, json: bool) -> Result<(), Error> {
    let (mut costs, backend) = (Vec::<Cost>::new(), Cpu::new(threads)?);
    growth(&backend, |cost| {
        if !json {
            let Cost { what, size, seconds } = &cost;
            let last = costs.last().filter(|last| last.what == *what);
            let times = last.map_or(String::new(), |last| format!("{:7.2} times the last", seconds / last.seconds));
            super::print(&format!("{size:9} {what:20} {:9.1} ms{times}\n", 1e3 * seconds))?;
        }
        costs.push(cost);
        Ok(())
    })?;
    if json { super::print_json(&costs) } else { Ok(()) }
}

pub(super) fn run(args: &BenchArgs, json: bool) -> Result<(), Error> {
    // Without data, the growth was asked for.
    let Some(data) = &args.data else { return run_growth(args.threads.into(), json) };
    let dataset = data::open(&DataOptions { data: data.clone(), ..DataOptions::default() })?;
    chosen(&args.only).try_for_each(|workload| workload.check(&dataset))?;
    let cpu = Cpu::new(args.threads.into())?;
    match &args.backend.card()? {
        Some(gpu) => time_all(gpu, Some(&gpu.adapter().name), cpu.threads(), args, &dataset, json),
        None => time_all(&cpu, None, cpu.threads(), args, &dataset, json),
    }
}

/// Times the workloads that are asked for, on `card` where there is one.
fn time_all<B: Backend>(
    backend: &B,
    card: Option<&str>,
    threads: usize,
    args: &BenchArgs,
    dataset: &Dataset,
    json: bool,
) -> Result<(), Error> {
    let mut report = Report {
        card: card.map(str::to_owned),
        threads,
        sgemm_gflops: sgemm_gflops(backend)?,
        workloads: Vec::new(),
        peak_bytes: None,
    };
    if !json {
        super::print(&format!(
            "{}{} threads; products of 2048 × 2048 matrices at {:.0} GFLOP/s\n{:30} {:>9} {:>9} {:>9} {:>12}\n",
            card.map_or(String::new(), |card| format!("{card}; ")),
            report.threads,
            report.sgemm_gflops,
            "",
            "min, s",
            "median, s",
            "GFLOP/s",
            "of products"
        ))?;
    }
    for workload in chosen(&args.only) {
        let timing = time(backend, &workload, dataset, (args.repeats as usize, report.threads))?;
        let row = Row { of_sgemm: timing.gflops / report.sgemm_gflops, timing };
        if !json {
            let Row { of_sgemm, timing: Timing { name, min_s, median_s, gflops, measure, quality, .. } } = &row;
            super::print(&format!(
                "{name:30} {min_s:9.3} {median_s:9.3} {gflops:9.1} {:10.0} %  {measure} {quality:.4}\n",
                100.0 * of_sgemm
            ))?;
        }
        report.workloads.push(row);
    }
    report.peak_bytes = peak_memory();
    if json {
        return super::print_json(&report);
    }
    let Some(bytes) = report.peak_bytes else { return Ok(()) };
    super::print(&format!("memory at most {:.0} MiB\n", bytes as f64 / f64::from(1 << 20)))
}

/// The workloads that are asked for.
fn chosen(names: &[String]) -> impl Iterator<Item = Workload> {
    let is_chosen =
        |name: &str| if names.is_empty() { name != LARGEST } else { names.iter().any(|given| given == name) };
    WORKLOADS.into_iter().filter(move |workload| is_chosen(workload.name))
}
