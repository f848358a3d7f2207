//! Free energies, and the threshold above which an input counts as novel.

use crate::Error;
use crate::data::Samples;
use ebm_core::kernel::integer::NATS;
use ebm_core::{Model, Numbers};

/// Free energy of every sample under the model's first machine, as the model's own numbers give it.
pub fn free_energies<N: Numbers>(model: &Model<'_>, inputs: &Samples) -> Result<Vec<N::Score>, Error> {
    let mut input = vec![N::Value::default(); inputs.visible()];
    let mut energies = Vec::with_capacity(inputs.rows());
    for piece in inputs.pieces() {
        for row in piece?.iter() {
            for (value, &v) in input.iter_mut().zip(row) {
                *value = N::from_unit(v);
            }
            energies.push(model.free_energy::<N>(&input)?);
        }
    }
    Ok(energies)
}

/// The free energy, in `2^-12` nats and rounded up, that the share `quantile` of the samples does not exceed; `None` without samples.
pub fn threshold<N: Numbers>(model: &Model<'_>, inputs: &Samples, quantile: f32) -> Result<Option<i32>, Error> {
    let mut energies: Vec<f64> =
        free_energies::<N>(model, inputs)?.into_iter().map(|energy| f64::from(N::nats(energy))).collect();
    energies.sort_by(f64::total_cmp);
    let rank = (f64::from(quantile) * energies.len() as f64).ceil() as usize;
    Ok(energies.get(rank.saturating_sub(1)).map(|nats| (nats * f64::from(NATS)).ceil() as i32))
}
