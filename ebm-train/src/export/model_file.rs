//! The file of a model: its layers, what is known of its data, and what was measured on the very bytes that are written.

use super::ModelFile;
use super::scaling::{self, Owned};
use crate::Error;
use crate::data::Dataset;
use crate::eval::{classification, novelty};
use ebm_core::format::{Header, Layer, Novelty, NumberFormat, Provenance, encode, encoded_len};
use ebm_core::{ModelError, Numbers};

/// Share of the training set whose free energy lies under the novelty threshold.
pub const NOVELTY_QUANTILE: f32 = 0.99;
/// What the provenance names as its writer.
pub(super) const TOOL: &str = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));

/// Makes the file of these layers, trained on `dataset` with this seed: a machine, a ClassRBM, a stack or a classifier. Where the model names
/// classes, their names and its accuracy on the test split are in it; where it has a machine over its inputs, the novelty threshold. `threads` measure, 0
/// for one a processor.
///
/// Fails when the layers do not fit each other or the data, and for integers of a channel whose scaling has no integer form.
pub fn model_file<N: Numbers>(
    layers: &[Layer<'_>],
    dataset: &Dataset,
    seed: u64,
    threads: usize,
) -> Result<ModelFile, Error> {
    let classes = layers.last().map_or(0, |layer| layer.header().classes() as usize);
    let labels = if classes == dataset.classes.len() { dataset.classes.join("\n") } else { String::new() };
    let numbers = layers.first().map_or(NumberFormat::F32, |layer| layer.header().numbers);
    let scaling = Owned::new(&dataset.preprocessing, numbers)?;
    let mut header = Header {
        input: dataset.preprocessing.input,
        labels: &labels,
        provenance: Provenance {
            dataset: &dataset.name,
            dataset_crc32: dataset.train_crc32,
            seed,
            test_accuracy: None,
            tool: TOOL,
        },
        presentation: scaling::presentation(dataset),
        scaling: scaling.view(),
        ..Header::default()
    };
    let unmeasured = encoded(&header, layers)?;
    let unfit = |error: Error| error.between("the new model".as_ref(), &dataset.name);
    let model = unmeasured.model()?;
    if !labels.is_empty() && !dataset.test.labels.is_empty() {
        header.provenance.test_accuracy = match classification::evaluate::<N>(&model, &dataset.test, threads) {
            Ok(measured) => Some(measured.accuracy as f32),
            // Samples that miss values have no answer to be right.
            Err(Error::Answer(ModelError::NotANumber)) => None,
            Err(error) => return Err(unfit(error)),
        };
    }
    if model.machine::<N>().is_ok() {
        let threshold =
            novelty::threshold::<N>(&model, &dataset.train.inputs, NOVELTY_QUANTILE, threads).map_err(unfit)?;
        header.novelty = threshold.map(|threshold| Novelty { threshold, quantile: NOVELTY_QUANTILE });
    }
    encoded(&header, layers)
}

/// The bytes of a file.
pub(super) fn encoded(header: &Header<'_>, layers: &[Layer<'_>]) -> Result<ModelFile, Error> {
    let mut file = ModelFile::zeroed(encoded_len(header, layers)?);
    encode(header, layers, file.bytes_mut())?;
    Ok(file)
}
