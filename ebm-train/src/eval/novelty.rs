//! Free energies, and the threshold above which an input counts as novel.

use super::rows::each;
use crate::Error;
use crate::data::{Batch, PIECE_ROWS, Samples, evenly};
use ebm_core::format::Novelty;
use ebm_core::kernel::integer::NATS;
use ebm_core::{Model, Numbers};

/// Free energy of every sample under the model's first machine, as the model's own numbers give it; `threads` at a time, 0 for one a processor:
/// nats, or `2^-12` nats of an integer model. Where a value is missing it is NaN; integers take such a value for 0.
///
/// Fails when the model does not fit the samples or has no machine over its inputs, and when samples cannot be read.
pub fn free_energies<N: Numbers>(model: &Model<'_>, inputs: &Samples, threads: usize) -> Result<Vec<N::Score>, Error> {
    let mut energies = Vec::with_capacity(inputs.rows());
    let energy = |(): &mut (), input: &[N::Value]| Ok(model.free_energy::<N>(input)?);
    each::<N, _, _>(threads, inputs, || (), energy, |energy| energies.push(energy))?;
    Ok(energies)
}

/// Samples that a threshold is calibrated on at most: a quantile of 0.99 among them is right to a thousandth.
const CALIBRATION_ROWS: usize = 10_000;

/// The free energy, in `2^-12` nats and rounded up, that the share `quantile` of the samples does not exceed; `None` without samples.
/// Of more than 10,000 samples it takes as many, spread evenly. Samples that miss values have no free energy, and do not count.
/// Fails as [`free_energies`] does.
pub fn threshold<N: Numbers>(
    model: &Model<'_>,
    inputs: &Samples,
    quantile: f32,
    threads: usize,
) -> Result<Option<i32>, Error> {
    let mut energies: Vec<f64> = Vec::new();
    for rows in evenly(inputs.rows(), CALIBRATION_ROWS).chunks(PIECE_ROWS) {
        let mut batch = Batch::default();
        inputs.gather(rows, &mut batch)?;
        let of_piece = free_energies::<N>(model, &Samples::Memory(batch), threads)?;
        energies.extend(of_piece.into_iter().map(|energy| f64::from(N::nats(energy))));
    }
    energies.retain(|energy| !energy.is_nan());
    energies.sort_by(f64::total_cmp);
    let rank = (f64::from(quantile) * energies.len() as f64).ceil() as usize;
    Ok(energies.get(rank.saturating_sub(1)).map(|nats| (nats * f64::from(NATS)).ceil() as i32))
}

/// The threshold of a model file, in nats.
pub fn threshold_nats(novelty: &Novelty) -> f64 {
    f64::from(novelty.threshold) / f64::from(NATS)
}

/// Area under the ROC curve: the probability that a novel sample has a higher free energy than a usual one, ties counting half (Mann & Whitney 1947).
/// 1 tells them apart without error, ½ not at all. The slices hold free energies, one a sample, in nats or any other unit. `None` without samples of
/// either.
///
/// ```
/// use ebm_train::eval::novelty::auc;
///
/// // Of four pairs, three have the novel sample above the usual one.
/// assert_eq!(auc(&[-7.0, -2.0], &[-3.0, 1.0]), Some(0.75));
/// assert_eq!(auc::<f32>(&[], &[1.0]), None);
/// ```
pub fn auc<E: Copy + Into<f64>>(usual: &[E], novel: &[E]) -> Option<f64> {
    let novel_last = [(usual, false), (novel, true)];
    let mut all: Vec<(f64, bool)> =
        novel_last.iter().flat_map(|(of, novel)| of.iter().map(|&energy| (energy.into(), *novel))).collect();
    all.sort_by(|x, y| x.0.total_cmp(&y.0));
    let mut above = 0.0;
    let mut seen = 0usize;
    for tied in all.chunk_by(|x, y| x.0 == y.0) {
        let novel = tied.iter().filter(|(_, novel)| *novel).count();
        let usual = tied.len() - novel;
        above += novel as f64 * (seen as f64 + 0.5 * usual as f64);
        seen += usual;
    }
    let pairs = usual.len() as f64 * novel.len() as f64;
    (pairs > 0.0).then(|| above / pairs)
}
