//! What a person reads of a run on stdout.

use super::outcome::Outcome;
use super::plan::Plan;
use crate::data::Dataset;
use crate::report;
use crate::train::compare::{FINETUNE, RANDOM_START};

/// Data and net, before the training.
pub(in crate::cli) fn opening(plan: &Plan, hidden: &[usize], dataset: &Dataset) -> String {
    let (train, test) = (&dataset.train.inputs, &dataset.test.inputs);
    let mut widths: Vec<String> =
        std::iter::once(train.visible()).chain(hidden.iter().copied()).map(|w| w.to_string()).collect();
    if plan.finetuning.is_some() {
        widths.push(dataset.classes.len().to_string());
    }
    let net = match (plan.stack.labels, hidden.len(), plan.finetuning.is_some()) {
        (true, 1, false) => "a ClassRBM",
        (_, 1, false) => "a restricted Boltzmann machine",
        _ => "a deep belief network",
    };
    format!(
        "{}: {} training and {} test samples of {} values; {net} {}\n",
        dataset.name,
        train.rows(),
        test.rows(),
        train.visible(),
        widths.join("-"),
    )
}

/// Epochs and figures, after the training.
pub(super) fn tables(plan: &Plan, hidden: &[usize], dataset: &Dataset, outcome: &Outcome) -> String {
    let mut text = String::from("\n");
    if plan.from.is_none() && plan.stack.machines.iter().any(|settings| settings.epochs > 0) {
        text += &(report::pretraining(&outcome.epochs, hidden.len()) + "\n");
    }
    if plan.finetuning.is_some() {
        let starts = [(FINETUNE, "with pretraining"), (RANDOM_START, "from random weights, same fine-tuning")];
        let shown = if plan.compare { 2 } else { 1 };
        text += &(report::finetuning(&outcome.epochs, &starts[..shown]) + "\n");
    }
    if outcome.test_accuracy.is_some() {
        text += &format!("Test accuracy over {} samples\n", dataset.test.inputs.rows());
    }
    text + &closing(plan, outcome)
}

/// Accuracies, files and what to do next.
pub(super) fn closing(plan: &Plan, outcome: &Outcome) -> String {
    let mut text = String::new();
    let mut accuracy = |what: &str, share: Option<f64>, more: &str| {
        if let Some(share) = share {
            text += &format!("  {what:<19}  {:6.2} %{more}\n", 100.0 * share);
        }
    };
    let first = if plan.finetuning.is_some() && plan.from.is_none() { "with pretraining" } else { "f32" };
    accuracy(first, outcome.test_accuracy, "");
    accuracy("from random weights", outcome.test_accuracy_random_start, "");
    accuracy("quantised to int8", outcome.test_accuracy_int8, &of_int8(outcome));
    text += &format!("\n{}: {} bytes", outcome.model, outcome.bytes);
    text += &outcome.bytes_f32.map_or(" (f32)\n".to_owned(), |bytes| format!(" (int8; f32 takes {bytes})\n"));
    if let (Some(path), Some(bytes)) = (&outcome.model_f32, outcome.bytes_f32) {
        text += &format!("{path}: {bytes} bytes (f32)\n");
    }
    if let Some(report) = &outcome.report {
        text += &format!("{report}: curves, samples, figures, boards; for a browser\n");
    }
    let next =
        if plan.is_for_the_emulator() { "let an emulated Cortex-M4 answer all test digits" } else { "measure it" };
    text + &format!("{:.1} s. Next, {next}:\n\n  {}\n", outcome.seconds, outcome.next)
}

/// What int8 costs beside accuracy.
fn of_int8(outcome: &Outcome) -> String {
    let Some((exact, rounded)) = outcome.test_accuracy.zip(outcome.test_accuracy_int8) else {
        return String::new();
    };
    let mut text = format!("  ({:+.2} points", 100.0 * (rounded - exact));
    if let Some(changed) = outcome.int8_answers_changed {
        text += &format!(", {changed} answers changed");
    }
    if let Some(nats) = outcome.free_energy_error_median_nats {
        text += &format!("; free energy off by {nats:.3} nats in the median");
    }
    text + ")"
}
