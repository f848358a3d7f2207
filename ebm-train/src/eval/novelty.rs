//! Free energies, and the threshold above which an input counts as novel.

use crate::data::Batch;
use ebm_core::kernel::integer::NATS;
use ebm_core::{Model, ModelError, Numbers};

/// Free energy of every sample under the model's first machine, as the model's own numbers give it.
pub fn free_energies<N: Numbers>(model: &Model<'_>, inputs: &Batch) -> Result<Vec<N::Score>, ModelError> {
    let mut input = vec![N::Value::default(); inputs.visible];
    let energy = |row: &[f32]| {
        for (value, &v) in input.iter_mut().zip(row) {
            *value = N::from_unit(v);
        }
        model.free_energy::<N>(&input)
    };
    inputs.iter().map(energy).collect()
}

/// The free energy, in `2^-12` nats and rounded up, that the share `quantile` of the samples does not exceed; `None` without samples.
pub fn threshold<N: Numbers>(model: &Model<'_>, inputs: &Batch, quantile: f32) -> Result<Option<i32>, ModelError> {
    let mut energies: Vec<f64> =
        free_energies::<N>(model, inputs)?.into_iter().map(|energy| f64::from(N::nats(energy))).collect();
    energies.sort_by(f64::total_cmp);
    let rank = (f64::from(quantile) * energies.len() as f64).ceil() as usize;
    Ok(energies.get(rank.saturating_sub(1)).map(|nats| (nats * f64::from(NATS)).ceil() as i32))
}
