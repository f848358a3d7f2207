//! `eval --answers`: what a model says of every sample, for other programs.

use crate::Error;
use crate::arrays::{self, Array, Named};
use crate::data::Split;
use crate::eval::{classification, novelty};
use ebm_core::{Model, Numbers};
use std::path::Path;

/// The array that a file of one holds.
const MAIN: &str = "free_energy";

/// Writes the answers as a device gives them. Fails where the model has neither classes nor a machine, and where the name's ending is of no format.
pub(super) fn write<N: Numbers>(path: &Path, model: &Model<'_>, split: &Split, threads: usize) -> Result<(), Error> {
    let mut named = Named::new();
    if model.classes() > 0 {
        let (mut labels, mut shares) = (Vec::new(), Vec::new());
        classification::answers::<N>(model, &split.inputs, threads, |answer, probabilities| {
            labels.push(answer as i64);
            shares.extend(probabilities);
        })?;
        named.insert("probabilities".to_owned(), Array::of_f32(&[labels.len(), model.classes()], &shares));
        named.insert("label".to_owned(), Array::of_i64(&labels));
    }
    if model.machine::<N>().is_ok() {
        let energies = novelty::free_energies::<N>(model, &split.inputs, threads)?;
        let nats: Vec<f32> = energies.into_iter().map(N::nats).collect();
        named.insert(MAIN.to_owned(), Array::of_f32(&[nats.len()], &nats));
    }
    if named.is_empty() {
        let problem = "the model has neither classes nor a machine over its inputs: it says nothing of a sample";
        return Err(Error::data(&path.display().to_string(), problem.to_owned()));
    }
    if !split.labels.is_empty() {
        let labels: Vec<i64> = split.labels.iter().copied().map(i64::from).collect();
        named.insert("true_label".to_owned(), Array::of_i64(&labels));
    }
    arrays::write(path, &named, MAIN)
}
