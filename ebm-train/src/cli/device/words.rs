//! What `device` says.

use crate::Error;
use crate::device::{Checked, Client, Identity, Inputs, Latency, Learnt, Novelty, Place};
use crate::export::ModelFile;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;

/// Instructions a second under the emulators' `-icount shift=6`.
const EMULATED_INSTRUCTIONS_PER_SECOND: f64 = 15_625_000.0;

/// Figures of a data set on a device.
#[derive(Serialize)]
pub(super) struct CheckFigures {
    model: String,
    #[serde(flatten)]
    device: Device,
    data: String,
    samples: usize,
    samples_with_missing_values: usize,
    /// Of models with classes and data with labels.
    accuracy: Option<f64>,
    novel_share: Option<f64>,
    answers: usize,
    disagreements: usize,
    #[serde(flatten)]
    inference: Times,
    /// Of a free energy, in the same way.
    free_energy: Times,
    /// Where the first disagreement is, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_disagreement: Option<String>,
}

#[derive(Serialize)]
struct Device {
    device: String,
    firmware: String,
    board: String,
}

/// How long answers took, from the request to the response; none without a clock.
#[derive(Serialize)]
struct Times {
    /// Mean; known under QEMU alone.
    instructions_per_inference: Option<f64>,
    /// The median.
    latency_us: Option<f64>,
    latency_us_least: Option<f64>,
    latency_us_99_percent: Option<f64>,
    latency_us_largest: Option<f64>,
}

impl Times {
    fn new(client: &Client, identity: &Identity, latency: &Latency) -> Self {
        let seconds = |ticks: f64| (identity.clock_hz > 0).then(|| ticks / f64::from(identity.clock_hz));
        // To a tenth.
        let us = |share| Some((1e7 * seconds(latency.quantile(share)?.into())?).round() / 10.0);
        let mean = latency.mean().and_then(seconds);
        let is_emulated = matches!(client.place(), Place::Qemu(..));
        Self {
            instructions_per_inference: mean
                .filter(|_| is_emulated)
                .map(|seconds| (seconds * EMULATED_INSTRUCTIONS_PER_SECOND).round()),
            latency_us: us(0.5),
            latency_us_least: us(0.0),
            latency_us_99_percent: us(0.99),
            latency_us_largest: us(1.0),
        }
    }

    /// A line about `what`; nothing where nothing was timed.
    fn words(&self, what: &str) -> String {
        let (Some(median), Some(least), Some(most), Some(largest)) =
            (self.latency_us, self.latency_us_least, self.latency_us_99_percent, self.latency_us_largest)
        else {
            return String::new();
        };
        match self.instructions_per_inference {
            // An emulator's time is its instructions'.
            Some(instructions) => format!("  {what:<13}{instructions:.0} instructions in the mean\n"),
            None => format!("  {what:<13}{median:.0} µs ({least:.0} to {largest:.0}; 99 % within {most:.0})\n"),
        }
    }
}

impl Device {
    fn new(client: &Client, identity: &Identity) -> Self {
        Self { device: client.place().to_string(), firmware: identity.firmware.clone(), board: identity.board.clone() }
    }
}

impl CheckFigures {
    pub(super) fn new(
        file: &ModelFile,
        client: &Client,
        identity: &Identity,
        inputs: &Inputs,
        checked: &Checked,
    ) -> Self {
        let share = |part: usize| part as f64 / checked.samples.max(1) as f64;
        let has_threshold = file.model().is_ok_and(|model| model.header().novelty.is_some());
        let is_classified = checked.inference.mean().is_some() && !inputs.labels.is_empty();
        let first = checked.first.map(|(sample, what)| format!("the {what} of sample {sample}"));
        Self {
            model: file.path().display().to_string(),
            device: Device::new(client, identity),
            data: inputs.name.clone(),
            samples: checked.samples,
            samples_with_missing_values: inputs.missing,
            accuracy: is_classified.then(|| share(checked.correct)),
            novel_share: (has_threshold && checked.free_energy.mean().is_some()).then(|| share(checked.novel)),
            answers: checked.answers,
            disagreements: checked.disagreements,
            inference: Times::new(client, identity, &checked.inference),
            free_energy: Times::new(client, identity, &checked.free_energy),
            first_disagreement: first,
        }
    }

    pub(super) fn words(&self) -> String {
        let Device { device, firmware, board } = &self.device;
        let mut text = format!("{} on {device} ({board}, {firmware})\n", self.model);
        let _ = writeln!(text, "  {} samples of {}", self.samples, self.data);
        if self.samples_with_missing_values > 0 {
            let _ = writeln!(text, "  {} samples left out: a value is missing", self.samples_with_missing_values);
        }
        if let Some(accuracy) = self.accuracy {
            let _ = writeln!(text, "  accuracy     {:.2} %", 100.0 * accuracy);
        }
        if let Some(share) = self.novel_share {
            let _ = writeln!(text, "  novel        {:.2} %", 100.0 * share);
        }
        text += &self.inference.words("inference");
        text += &self.free_energy.words("free energy");
        match &self.first_disagreement {
            None => {
                let _ = writeln!(text, "  all {} answers are the host's, to the bit", self.answers);
            }
            Some(first) => {
                let _ = writeln!(
                    text,
                    "  {} of {} answers are not the host's; the first is {first}",
                    self.disagreements, self.answers
                );
            }
        }
        text
    }
}

/// Figures of a device that has learnt.
#[derive(Serialize)]
pub(super) struct LearnFigures {
    model: String,
    #[serde(flatten)]
    device: Device,
    data: String,
    samples_learnt_from: usize,
    samples_measured: usize,
    updates: u32,
    before: Score,
    after: Score,
    answers: usize,
    disagreements: usize,
    out: Option<String>,
}

#[derive(Serialize)]
struct Score {
    free_energy_mean_nats: f64,
    novel_share: Option<f64>,
    novelty_auc: Option<f64>,
}

impl From<Novelty> for Score {
    fn from(Novelty { free_energy_mean_nats, novel_share, auc }: Novelty) -> Self {
        Self { free_energy_mean_nats, novel_share, novelty_auc: auc }
    }
}

impl LearnFigures {
    pub(super) fn new(
        file: &ModelFile,
        client: &Client,
        identity: &Identity,
        (lesson, usual): (&Inputs, &Inputs),
        learnt: &Learnt,
        out: Option<&Path>,
    ) -> Self {
        let [before, after] = learnt.novelty.map(Score::from);
        Self {
            model: file.path().display().to_string(),
            device: Device::new(client, identity),
            data: lesson.name.clone(),
            samples_learnt_from: lesson.len(),
            samples_measured: usual.len(),
            updates: learnt.updates,
            before,
            after,
            answers: learnt.answers,
            disagreements: learnt.disagreements,
            out: out.map(|out| out.display().to_string()),
        }
    }

    pub(super) fn words(&self) -> String {
        let Device { device, firmware, board } = &self.device;
        let mut text = format!("{} on {device} ({board}, {firmware})\n", self.model);
        let _ = writeln!(
            text,
            "  {} steps of learning from {} samples of {}",
            self.updates, self.samples_learnt_from, self.data
        );
        let _ = writeln!(text, "  over {} samples              before      after", self.samples_measured);
        let mut row = |what: &str, figures: [Option<f64>; 2], scale: f64| {
            if let [Some(before), Some(after)] = figures {
                let _ = writeln!(text, "  {what:<28}{:>8.3}   {:>8.3}", scale * before, scale * after);
            }
        };
        let both = [&self.before, &self.after];
        row("mean free energy, nats", both.map(|score| Some(score.free_energy_mean_nats)), 1.0);
        row("above the threshold, %", both.map(|score| score.novel_share), 100.0);
        row("novelty: area under curve", both.map(|score| score.novelty_auc), 1.0);
        if self.disagreements == 0 {
            let _ = writeln!(
                text,
                "  all {} answers are those of the host, which learnt the same, to the bit",
                self.answers
            );
        }
        if let Some(out) = &self.out {
            let _ = writeln!(text, "  written: {out}");
        }
        text
    }
}

/// Figures of a model that went over the line.
#[derive(Serialize)]
struct Transferred {
    device: String,
    #[serde(rename = "model")]
    path: String,
    bytes: usize,
}

/// Says that a model was pulled or pushed.
pub(super) fn transferred(what: &str, client: &Client, file: &ModelFile, path: &Path, json: bool) -> Result<(), Error> {
    let (device, path, bytes) = (client.place().to_string(), path.display().to_string(), file.bytes().len());
    if json {
        return crate::cli::print_json(&Transferred { device, path, bytes });
    }
    crate::cli::print(&format!("{path}: {bytes} bytes {what}, device {device}\n"))
}
