//! Figures of a machine over a data set.

use super::activity::Activity;
use super::discriminative::Discriminative;
use crate::Error;
use crate::backend::Backend;
use crate::data::evenly;
use crate::train::machine::{Completion, Machine};
use crate::train::source::Source;

/// Samples of a data set that a machine is measured on after each epoch: going through all of a large one would cost as much as learning from it.
pub const MEASURED_ROWS: usize = 10_000;

/// Means over a data set, of at most [`MEASURED_ROWS`] samples spread evenly over it. A value that is missing counts in no error, and in a free energy with what the machine fills in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// `(v_i − v̂_i)²` per value, `v̂` being the mean-field reconstruction.
    pub squared_error: f64,
    /// `|v_i − v̂_i|` per value.
    pub absolute_error: f64,
    /// `F(v)` in nats.
    pub free_energy_nats: f64,
    /// Standard deviation of `F(v)` over the samples, in nats.
    pub free_energy_deviation_nats: f64,
    /// `−ln p(y | x)` in nats and the share of samples whose likeliest class is their label; ClassRBMs only.
    pub classification: Option<(f64, f64)>,
    /// Hidden units that tell nothing.
    pub activity: Activity,
}

/// Goes through what is measured of the data once. Fails when they cannot be read.
pub(super) fn measure<B: Backend>(
    backend: &B,
    sparsity_target: f32,
    machine: &Machine<B>,
    mut discriminative: Option<&mut Discriminative<B>>,
    data: &mut Source<'_, B>,
) -> Result<Figures, Error> {
    let empty = || backend.zeros(0, 0);
    let (mut batch, mut complete, mut hidden, mut reconstruction, mut energies) =
        (empty(), empty(), empty(), empty(), empty());
    let mut completion = Completion::new(backend);
    let mut active = backend.zeros(1, machine.hidden());
    let (mut squared, mut absolute, mut known) = (0.0, 0.0, 0usize);
    let mut free_energies: Vec<f64> = Vec::with_capacity(MEASURED_ROWS.min(data.rows()));
    let (mut cross_entropy, mut correct) = (0.0, 0.0);
    let rows = evenly(data.rows(), MEASURED_ROWS);
    for piece in backend.ranks().part(&rows).chunks(backend.rows_at_once(data.visible())) {
        data.gather(backend, piece, &mut batch)?;
        let mut seen = &batch;
        if data.misses_some() {
            known += backend.download(&batch).iter().filter(|value| !value.is_nan()).count();
            machine.complete(backend, &batch, &mut completion, &mut complete);
            seen = &complete;
        } else {
            known += piece.len() * machine.visible();
        }
        machine.free_energies(backend, seen, &mut hidden, &mut energies);
        backend.hidden_means(machine.kinds().hidden, &mut hidden);
        backend.column_sums(1.0, &[(1.0, &hidden)], &mut active);
        machine.visible_means(backend, &hidden, &mut reconstruction);
        let mut errors = backend.zeros(1, 2);
        backend.add_errors(&batch, &reconstruction, &mut errors);
        let errors = backend.download(&errors);
        squared += f64::from(errors[0]);
        absolute += f64::from(errors[1]);
        free_energies.extend(backend.download(&energies).into_iter().map(f64::from));
        if let (Some(discriminative), Some(labels)) = (discriminative.as_deref_mut(), data.labels(piece)) {
            let mut totals = backend.zeros(1, 2);
            discriminative.classify(backend, machine, seen, &labels.collect::<Vec<_>>(), &mut totals);
            let totals = backend.download(&totals);
            cross_entropy += f64::from(totals[0]);
            correct += f64::from(totals[1]);
        }
    }
    let ranks = backend.ranks();
    let mut totals = [squared, absolute, known as f64, cross_entropy, correct, free_energies.iter().sum()];
    ranks.sum_f64(&mut totals);
    let [squared, absolute, known, cross_entropy, correct, free_energy] = totals;
    let per_row = |sum: f64| sum / rows.len().max(1) as f64;
    let free_energy = per_row(free_energy);
    let mut variance = [free_energies.iter().map(|energy| (energy - free_energy).powi(2)).sum()];
    ranks.sum_f64(&mut variance);
    let variance = per_row(variance[0]);
    backend.sum_over_ranks(&mut active);
    let means = backend.download(&active).into_iter().map(|sum| per_row(f64::from(sum)));
    Ok(Figures {
        squared_error: squared / known.max(1.0),
        absolute_error: absolute / known.max(1.0),
        free_energy_nats: free_energy,
        free_energy_deviation_nats: variance.sqrt(),
        classification: discriminative.map(|_| (per_row(cross_entropy), per_row(correct))),
        activity: Activity::of(machine.kinds().hidden, sparsity_target, means),
    })
}
