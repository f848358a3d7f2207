//! What quantising loses, measured on the files themselves.

use super::ModelFile;
use crate::Error;
use crate::data::Dataset;
use crate::eval::{classification, novelty};
use ebm_core::{Float, Integer, Numbers};
use serde::Serialize;

/// A quantised model beside the f32 one that it was made from, over the test split; `None` where the models name no classes, have no machine over
/// their inputs, or there is no such split.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct QuantizationLoss {
    /// Share that the f32 model classifies rightly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Share that the quantised model does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_quantized: Option<f64>,
    /// Samples that they give different classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers_changed: Option<usize>,
    /// Median of `|F_quantised(v) − F_f32(v)|`, in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_energy_error_median_nats: Option<f64>,
}

/// Compares two files of the same model, on so many threads, 0 for one a processor. Fails when one does not fit the data.
pub fn quantization_loss(
    float: &ModelFile,
    quantised: &ModelFile,
    dataset: &Dataset,
    threads: usize,
) -> Result<QuantizationLoss, Error> {
    let (exact, integer) = (float.model()?, quantised.model()?);
    let of_float = |error: Error| error.between(float.path(), &dataset.name);
    let of_integer = |error: Error| error.between(quantised.path(), &dataset.name);
    let mut loss = QuantizationLoss::default();
    let names_classes = exact.header().layers.last().is_some_and(|layer| layer.classes() > 0);
    if names_classes && !dataset.test.labels.is_empty() {
        let before = classification::evaluate::<Float>(&exact, &dataset.test, threads).map_err(of_float)?;
        let after = classification::evaluate::<Integer>(&integer, &dataset.test, threads).map_err(of_integer)?;
        loss.accuracy = Some(before.accuracy);
        loss.accuracy_quantized = Some(after.accuracy);
        loss.answers_changed = Some(before.answers.iter().zip(&after.answers).filter(|(a, b)| a != b).count());
    }
    if exact.machine::<Float>().is_ok() && integer.machine::<Integer>().is_ok() {
        let before = novelty::free_energies::<Float>(&exact, &dataset.test.inputs, threads).map_err(of_float)?;
        let after = novelty::free_energies::<Integer>(&integer, &dataset.test.inputs, threads).map_err(of_integer)?;
        let mut errors: Vec<f64> =
            before.into_iter().zip(after).map(|(f, q)| f64::from((Integer::nats(q) - f).abs())).collect();
        errors.sort_by(f64::total_cmp);
        loss.free_energy_error_median_nats = errors.get(errors.len() / 2).copied();
    }
    Ok(loss)
}
