//! The main job: pretrain, fine-tune, compare with a random start, quantise, write.

use super::plan::MainJob;
use crate::Error;
use crate::backend::Cpu;
use crate::data::{Dataset, digits};
use crate::eval::{classification, novelty};
use crate::export::{ModelFile, Storages, model_file, prepare_folder, quantize};
use crate::report::{self, Progress};
use crate::train::compare::{self, FINETUNE, RANDOM_START, compare};
use crate::train::{Epoch, Monitor};
use ebm_core::kernel::integer::Storage;
use ebm_core::{Float, Integer, Numbers};
use serde::Serialize;
use std::time::Instant;

/// What the run found: the JSON object, and what the closing lines say.
#[derive(Serialize)]
struct Summary {
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_f32: Option<String>,
    data: String,
    seed: u64,
    test_accuracy: f64,
    test_accuracy_int8: f64,
    test_accuracy_random_start: f64,
    int8_answers_changed: usize,
    free_energy_error_median_nats: f64,
    bytes: usize,
    bytes_f32: usize,
    seconds: f64,
    next: String,
    epochs: Vec<Epoch>,
}

pub(super) fn run(plan: &MainJob, json: bool) -> Result<(), Error> {
    let started = Instant::now();
    prepare_folder(&plan.out)?;
    let dataset = digits::load()?;
    let backend = Cpu::new(plan.threads)?;
    let work = compare::cost(&plan.stack, &plan.finetuning, &dataset);
    if !json {
        super::print(&opening(plan, &dataset))?;
    }

    let progress = Progress::new(work);
    let (mut recorder, mut of_random) = (progress.recorder(), progress.recorder());
    let monitors: [&mut (dyn Monitor + Send); 2] = [&mut recorder, &mut of_random];
    let trained = compare(&backend, &plan.stack, &plan.finetuning, plan.seed, &dataset, monitors)?;
    let (parameters, mut epochs) = (trained.classifier(), recorder.into_epochs());
    epochs.extend(of_random.into_epochs());
    progress.finish();

    let quantised = quantize(&parameters, Storages::all(Storage::Int8))?;
    let mut float = model_file::<Float>(&parameters.layers()?, &dataset, plan.seed)?;
    let mut int8 = model_file::<Integer>(&quantised.layers()?, &dataset, plan.seed)?;
    int8.write(&plan.out.join("model.ebm"))?;
    if plan.keep_f32 {
        float.write(&plan.out.join("model-f32.ebm"))?;
    }
    let random_start = model_file::<Float>(&trained.random_start.into_classifier(None).layers()?, &dataset, plan.seed)?;

    let path = int8.path().display().to_string();
    let (float_answers, int8_answers) = (evaluate::<Float>(&float, &dataset)?, evaluate::<Integer>(&int8, &dataset)?);
    let summary = Summary {
        next: format!("cargo xtask qemu mps2-an386 --model {path}"),
        model: path,
        model_f32: plan.keep_f32.then(|| float.path().display().to_string()),
        data: dataset.name.clone(),
        seed: plan.seed,
        test_accuracy: float_answers.accuracy,
        test_accuracy_int8: int8_answers.accuracy,
        test_accuracy_random_start: evaluate::<Float>(&random_start, &dataset)?.accuracy,
        int8_answers_changed: float_answers.answers.iter().zip(&int8_answers.answers).filter(|(a, b)| a != b).count(),
        free_energy_error_median_nats: free_energy_error(&float, &int8, &dataset)?,
        bytes: int8.bytes().len(),
        bytes_f32: float.bytes().len(),
        seconds: started.elapsed().as_secs_f64(),
        epochs,
    };
    if json { super::print_json(&summary) } else { super::print(&tables(plan, &dataset, &summary)) }
}

fn evaluate<N: Numbers>(file: &ModelFile, dataset: &Dataset) -> Result<classification::Classification, Error> {
    classification::evaluate::<N>(&file.model()?, &dataset.test)
        .map_err(|error| error.between(file.path(), &dataset.name))
}

/// Median over the test set of `|F_int8(v) − F_f32(v)|`, in nats.
fn free_energy_error(float: &ModelFile, int8: &ModelFile, dataset: &Dataset) -> Result<f64, Error> {
    let unfit = |error: Error| error.between(int8.path(), &dataset.name);
    let inputs = &dataset.test.inputs;
    let exact = novelty::free_energies::<Float>(&float.model()?, inputs).map_err(unfit)?;
    let quantised = novelty::free_energies::<Integer>(&int8.model()?, inputs).map_err(unfit)?;
    let mut errors: Vec<f64> =
        exact.into_iter().zip(quantised).map(|(f, q)| f64::from((Integer::nats(q) - f).abs())).collect();
    errors.sort_by(f64::total_cmp);
    Ok(errors.get(errors.len() / 2).copied().unwrap_or(0.0))
}

fn opening(plan: &MainJob, dataset: &Dataset) -> String {
    let hidden: Vec<String> = plan.stack.hidden.iter().map(ToString::to_string).collect();
    let (train, test) = (&dataset.train.inputs, &dataset.test.inputs);
    format!(
        "{}: {} training and {} test samples of {} values; a deep belief network {}-{}-{}\n",
        dataset.name,
        train.rows(),
        test.rows(),
        train.visible(),
        train.visible(),
        hidden.join("-"),
        dataset.classes.len(),
    )
}

fn tables(plan: &MainJob, dataset: &Dataset, summary: &Summary) -> String {
    let percent = |share: f64| 100.0 * share;
    let starts = [(FINETUNE, "with pretraining"), (RANDOM_START, "from random weights, same fine-tuning")];
    let mut text = format!(
        "\n{}\n{}\nTest accuracy over {} samples\n",
        report::pretraining(&summary.epochs, plan.stack.hidden.len()),
        report::comparison(&summary.epochs, starts),
        dataset.test.inputs.rows()
    );
    text += &format!("  with pretraining     {:6.2} %\n", percent(summary.test_accuracy));
    text += &format!("  from random weights  {:6.2} %\n", percent(summary.test_accuracy_random_start));
    text += &format!(
        "  quantised to int8    {:6.2} %  ({:+.2} points, {} answers changed; free energy off by {:.3} nats in the median)\n",
        percent(summary.test_accuracy_int8),
        percent(summary.test_accuracy_int8 - summary.test_accuracy),
        summary.int8_answers_changed,
        summary.free_energy_error_median_nats,
    );
    text += &format!("\n{}: {} bytes (int8; f32 takes {})\n", summary.model, summary.bytes, summary.bytes_f32);
    if let Some(path) = &summary.model_f32 {
        text += &format!("{path}: {} bytes (f32)\n", summary.bytes_f32);
    }
    text += &format!(
        "{:.1} s. Next, let an emulated Cortex-M4 answer all test digits:\n\n  {}\n",
        summary.seconds, summary.next
    );
    text
}
