//! Workloads of a fixed size, timed: what training costs on this machine, beside the rate of its own matrix products.
//!
//! The workloads are those of `tools/peers/train_peers.py`, which times PyTorch and scikit-learn at them: same names, sizes and numbers.

mod growth;
mod rate;
mod work;
mod workload;

pub use growth::{Cost, growth};
pub use rate::sgemm_gflops;
pub use workload::{WORKLOADS, Workload};

use crate::Error;
use crate::backend::Backend;
use crate::data::Dataset;
use serde::Serialize;
use std::time::Instant;

/// What a workload took.
#[derive(Clone, Debug, Serialize)]
pub struct Timing {
    /// Its name.
    pub name: &'static str,
    /// Seconds of each run but the first, which warms up.
    pub seconds: Vec<f64>,
    /// The least of them.
    pub min_s: f64,
    /// Their median.
    pub median_s: f64,
    /// 10⁹ floating-point operations a second in matrix products, two a multiply-add, in the fastest run.
    pub gflops: f64,
    /// What [`Timing::quality`] is.
    pub measure: &'static str,
    /// What came of it: the numbers of a fast run that computes something else would show here.
    pub quality: f64,
}

/// Runs a workload once to warm up, and `repeats` times for its figures; `threads` do what is not the backend's to do.
///
/// Fails where the data are not those that it is for ([`Workload::check`]).
pub fn time<B: Backend>(
    backend: &B,
    workload: &Workload,
    dataset: &Dataset,
    (repeats, threads): (usize, usize),
) -> Result<Timing, Error> {
    workload.check(dataset)?;
    let mut work = workload.prepare(backend, dataset, threads)?;
    work.run()?;
    backend.finish();
    let mut seconds = Vec::new();
    for _ in 0..repeats.max(1) {
        let started = Instant::now();
        work.run()?;
        backend.finish();
        seconds.push(started.elapsed().as_secs_f64());
    }
    let mut sorted = seconds.clone();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median_s = if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
    let quality = work.quality()?;
    // What a card that failed took says nothing.
    backend.check()?;
    Ok(Timing {
        name: workload.name,
        min_s: sorted[0],
        median_s,
        gflops: 2e-9 * workload.multiply_adds(dataset) as f64 / sorted[0],
        seconds,
        measure: workload.measure(),
        quality,
    })
}
