//! Means over a data set of what a machine says of one sample: free energy, reconstruction error.

use super::log_sum::LogSum;
use crate::Error;
use crate::backend::Backend;
use crate::train::machine::Machine;
use crate::train::source::Source;

/// Calls `each` with the samples of `data` in pieces of [`Backend::rows_at_once`].
pub(super) fn pieces<B: Backend>(
    backend: &B,
    data: &mut Source<'_, B>,
    mut each: impl FnMut(&[u32], &B::Tensor) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut piece = backend.zeros(0, 0);
    let rows: Vec<u32> = (0..data.rows() as u32).collect();
    for rows in rows.chunks(backend.rows_at_once(data.visible())) {
        data.gather(backend, rows, &mut piece)?;
        each(rows, &piece)?;
    }
    Ok(())
}

/// `F(v)` of every sample, in nats; of a machine with labels, those are part of `data`. Fails when the samples cannot be read, as the other figures do.
pub fn free_energies<B: Backend>(
    backend: &B,
    machine: &Machine<B>,
    data: &mut Source<'_, B>,
) -> Result<Vec<f32>, Error> {
    let (mut fields, mut out) = (backend.zeros(0, 0), backend.zeros(0, 0));
    let mut energies = Vec::with_capacity(data.rows());
    pieces(backend, data, |_, piece| {
        machine.free_energies(backend, piece, &mut fields, &mut out);
        energies.append(&mut backend.download(&out));
        Ok(())
    })?;
    Ok(energies)
}

/// Mean of `F(v)`, in nats; NaN without samples, an error when they cannot be read. Over data that a machine has not seen it exceeds that over its training data by the free-energy gap:
/// a gap that grows says that it learns the samples by heart (Hinton 2010, section 6).
pub fn mean_free_energy<B: Backend>(backend: &B, machine: &Machine<B>, data: &mut Source<'_, B>) -> Result<f64, Error> {
    let energies = free_energies(backend, machine, data)?;
    Ok(energies.iter().map(|&energy| f64::from(energy)).sum::<f64>() / energies.len() as f64)
}

/// Mean over the samples and visible units of `(v − v′)²`, `v′` being the mean-field reconstruction: means of the visible units given the means of
/// the hidden ones. NaN without samples, an error when they cannot be read. It says little of the distribution (Hinton 2010,
/// section 5).
pub fn reconstruction_error<B: Backend>(
    backend: &B,
    machine: &Machine<B>,
    data: &mut Source<'_, B>,
) -> Result<f64, Error> {
    let (mut hidden, mut visible) = (backend.zeros(0, 0), backend.zeros(0, 0));
    let mut sum = 0.0;
    pieces(backend, data, |_, piece| {
        machine.hidden_means(backend, piece, &mut hidden);
        machine.visible_means(backend, &hidden, &mut visible);
        let mut total = backend.zeros(1, 2);
        backend.add_errors(piece, &visible, &mut total);
        sum += f64::from(backend.download(&total)[0]);
        Ok(())
    })?;
    Ok(sum / (data.rows() * machine.visible()) as f64)
}

/// `F(x) = −ln Σ_y e^(−F(x, y))` of every row, in nats: the inputs' alone, whatever their label. Without labels, `F(v)`.
pub fn free_energies_of_inputs<B: Backend>(backend: &B, machine: &Machine<B>, inputs: &B::Tensor) -> Vec<f64> {
    let labels = machine.kinds().units().map_or(0, |units| units.labels());
    let (mut fields, mut out) = (backend.zeros(0, 0), backend.zeros(0, 0));
    if labels == 0 {
        machine.free_energies(backend, inputs, &mut fields, &mut out);
        return backend.download(&out).into_iter().map(f64::from).collect();
    }
    let [rows, width] = backend.shape(inputs);
    let values = backend.download(inputs);
    let mut sums = vec![LogSum::EMPTY; rows];
    for label in 0..labels {
        let mut joined = Vec::with_capacity(rows * (width + labels));
        for row in values.chunks_exact(width.max(1)) {
            joined.extend_from_slice(row);
            joined.extend((0..labels).map(|class| f32::from(u8::from(class == label))));
        }
        machine.free_energies(backend, &backend.upload(rows, width + labels, &joined), &mut fields, &mut out);
        sums.iter_mut().zip(backend.download(&out)).for_each(|(sum, energy)| sum.add(-f64::from(energy)));
    }
    sums.into_iter().map(|sum| -sum.ln()).collect()
}
