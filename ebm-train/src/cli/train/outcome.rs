//! What a run found: the model file, and the figures of the JSON object.

use super::args::ModelFormat;
use super::plan::Plan;
use crate::Error;
use crate::cli::config::quoted;
use crate::data::Dataset;
use crate::eval::classification;
use crate::export::{ModelFile, Quantized, Storages, model_file, quantization_loss};
use crate::parameters::{ClassifierParameters, Parameters};
use crate::run::{MODEL, MODEL_F32};
use crate::train::Epoch;
use crate::train::compare::RANDOM_START;
use ebm_core::kernel::integer::Storage;
use ebm_core::{Float, Integer, Numbers};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// What training left.
pub(super) struct Trained {
    /// What the run is about.
    pub parameters: Parameters,
    /// The same net fine-tuned from random weights.
    pub random_start: Option<ClassifierParameters>,
}

/// What the run found: the JSON object, and what the closing lines say.
#[derive(Serialize, Deserialize)]
pub(in crate::cli) struct Outcome {
    pub model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_f32: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    pub data: String,
    pub seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_accuracy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_accuracy_int8: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_accuracy_random_start: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub int8_answers_changed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_energy_error_median_nats: Option<f64>,
    pub bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_f32: Option<usize>,
    /// Processes that trained together, where it was more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranks: Option<usize>,
    /// Bytes of each one's values that were summed over them, by the process that ended the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summed_bytes: Option<u64>,
    /// Of the process that ended the run, up to the written model.
    pub seconds: f64,
    pub next: String,
    #[serde(default)]
    pub epochs: Vec<Epoch>,
}

impl Outcome {
    /// Writes the model files and measures them. `data_flags` are those that read the data again.
    pub(super) fn of(plan: &Plan, dataset: &Dataset, trained: &Trained, data_flags: &str) -> Result<Self, Error> {
        let mut float = model_file::<Float>(&trained.parameters.layers()?, dataset, plan.seed, plan.threads)?;
        let mut int8 = int8(plan, dataset, &trained.parameters)?;
        let written = match int8.as_mut().filter(|_| plan.format == ModelFormat::Int8) {
            Some(int8) => {
                int8.write(&plan.out.join(MODEL))?;
                if plan.keep_f32 {
                    float.write(&plan.out.join(MODEL_F32))?;
                }
                &*int8
            }
            None => {
                float.write(&plan.out.join(MODEL))?;
                &float
            }
        };
        let path = written.path().display().to_string();
        let bytes = written.bytes().len();
        let mut outcome = Self {
            next: match plan.is_for_the_emulator() {
                true => format!("cargo xtask qemu mps2-an386 --model {}", quoted(&path)),
                false => format!("ebm-train eval {}{data_flags}", quoted(&path)),
            },
            model: path,
            model_f32: (plan.keep_f32 && plan.format == ModelFormat::Int8).then(|| float.path().display().to_string()),
            report: None,
            data: dataset.name.clone(),
            seed: plan.seed,
            test_accuracy: None,
            test_accuracy_int8: None,
            test_accuracy_random_start: None,
            int8_answers_changed: None,
            free_energy_error_median_nats: None,
            bytes,
            bytes_f32: (plan.format == ModelFormat::Int8).then(|| float.bytes().len()),
            ranks: None,
            summed_bytes: None,
            seconds: 0.0,
            epochs: Vec::new(),
        };
        let exact = evaluate::<Float>(&float, dataset, plan.threads)?;
        outcome.test_accuracy = exact.as_ref().map(|figures| figures.accuracy);
        if let Some(int8) = &int8 {
            let loss = quantization_loss(&float, int8, dataset, plan.threads)?;
            outcome.test_accuracy_int8 = loss.accuracy_quantized;
            outcome.int8_answers_changed = loss.answers_changed;
            outcome.free_energy_error_median_nats = loss.free_energy_error_median_nats;
        }
        if let Some(net) = &trained.random_start {
            let file = model_file::<Float>(&net.layers()?, dataset, plan.seed, plan.threads)?;
            outcome.test_accuracy_random_start =
                evaluate::<Float>(&file, dataset, plan.threads)?.map(|figures| figures.accuracy);
        }
        Ok(outcome)
    }

    /// Without the epochs, which the log has already.
    pub(super) fn summary(&self) -> Result<Value, Error> {
        let value = serde_json::to_value(self).map_err(std::io::Error::from);
        let mut value = value.map_err(Error::file(Path::new(&self.model), "write the figures of the model"))?;
        if let Some(keys) = value.as_object_mut() {
            keys.remove("epochs");
        }
        Ok(value)
    }

    /// As a run's log has it.
    pub(in crate::cli) fn from_log(run: &Path, summary: Value, mut epochs: Vec<Epoch>) -> Result<Self, Error> {
        // They went on side by side.
        epochs.sort_by_key(|epoch| epoch.stage == RANDOM_START);
        let wrong = |error: serde_json::Error| Error::Run {
            run: run.to_owned(),
            problem: format!("its log ends with figures that this program cannot read: {error}"),
        };
        Ok(Self { epochs, ..serde_json::from_value(summary).map_err(wrong)? })
    }
}

/// The model in integers: of a net that names classes it is told of in any case, of others written where it is asked for. `None` where it is
/// neither, or was not asked for and the model has no such form.
fn int8(plan: &Plan, dataset: &Dataset, parameters: &Parameters) -> Result<Option<ModelFile>, Error> {
    let is_asked_for = plan.format == ModelFormat::Int8;
    if !is_asked_for && matches!(parameters, Parameters::Dbn(_)) {
        return Ok(None);
    }
    let quantised = Quantized::of(parameters, Storages::all(Storage::Int8));
    let file =
        quantised.and_then(|integers| model_file::<Integer>(&integers.layers()?, dataset, plan.seed, plan.threads));
    match file {
        Err(Error::Quantize(_)) if !is_asked_for => Ok(None),
        other => other.map(Some),
    }
}

/// Accuracy over the test set; `None` where the model names no class, or there is nothing to measure on.
fn evaluate<N: Numbers>(
    file: &ModelFile,
    dataset: &Dataset,
    threads: usize,
) -> Result<Option<classification::Classification>, Error> {
    let model = file.model()?;
    let names_classes = model.header().layers.last().is_some_and(|layer| layer.classes() > 0);
    if !names_classes || dataset.test.labels.is_empty() {
        return Ok(None);
    }
    let figures = classification::evaluate::<N>(&model, &dataset.test, threads);
    figures.map(Some).map_err(|error| error.between(file.path(), &dataset.name))
}
