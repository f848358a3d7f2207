//! Figures of every epoch: as charts, as a table, as CSV.

use crate::Error;
use crate::files::write_whole;
use crate::report::html::{Chart, Item, Mark, Section, Series, Table};
use crate::train::Epoch;
use crate::train::compare::{FINETUNE, RANDOM_START};
use serde_json::Value;
use std::io;
use std::path::Path;

/// A figure of an epoch.
struct Kind {
    name: &'static str,
    unit: fn(&Epoch) -> &'static str,
    /// Of what it is, and the figure.
    parts: &'static [(&'static str, Figure)],
}

type Figure = fn(&Epoch) -> Option<f64>;

const KINDS: [Kind; 4] = [
    Kind {
        name: "Loss",
        unit: |epoch| match (epoch.train_accuracy, epoch.train_absolute_error) {
            (None, Some(_)) => "mean squared error",
            (Some(_), None) => "cross-entropy, nats",
            _ => "loss",
        },
        parts: &[
            ("training", |epoch| Some(epoch.train_loss)),
            ("validation", |epoch| epoch.validation_loss),
            ("test", |epoch| epoch.test_loss),
        ],
    },
    Kind {
        name: "Accuracy",
        unit: |_| "share classified rightly",
        parts: &[
            ("training", |epoch| epoch.train_accuracy),
            ("validation", |epoch| epoch.validation_accuracy),
            ("test", |epoch| epoch.test_accuracy),
        ],
    },
    Kind {
        name: "Free energy",
        unit: |_| "mean F(v), nats",
        parts: &[
            ("training", |epoch| epoch.train_free_energy_nats),
            ("validation", |epoch| epoch.validation_free_energy_nats),
            ("test", |epoch| epoch.test_free_energy_nats),
        ],
    },
    Kind {
        name: "Free-energy gap",
        unit: |_| "nats above training",
        parts: &[("unseen samples", Epoch::free_energy_gap_nats)],
    },
];

/// Curves of every stage, the two fine-tunings in one chart.
pub(super) fn section(epochs: &[Epoch]) -> Section {
    let mut stages: Vec<&str> = Vec::new();
    for epoch in epochs {
        if !stages.contains(&epoch.stage.as_str()) {
            stages.push(&epoch.stage);
        }
    }
    let both = [FINETUNE, RANDOM_START].iter().all(|stage| stages.contains(stage));
    let mut items = Vec::new();
    for stage in stages.into_iter().filter(|stage| !(both && *stage == RANDOM_START)) {
        let with = if both && stage == FINETUNE { &[FINETUNE, RANDOM_START][..] } else { &[stage][..] };
        items.extend(KINDS.iter().filter_map(|kind| chart(epochs, kind, with)).map(Item::Chart));
    }
    let (columns, rows) = table(epochs);
    let rows = rows.into_iter().map(|row| row.into_iter().map(Into::into).collect()).collect();
    items.push(Item::Table(Table { title: "All figures of all epochs".into(), columns, rows, folded: true }));
    Section {
        title: "Learning".into(),
        words: "Curves over samples that were not learnt from should follow those over samples that were. Free energies compare within one machine and one epoch: \
                it is their gap that counts. curves.csv holds the same numbers."
            .into(),
        items,
    }
}

/// A figure over the epochs of one stage, or of several beside each other.
fn chart(epochs: &[Epoch], kind: &Kind, stages: &[&str]) -> Option<Chart> {
    let mut series = Vec::new();
    for (number, stage) in stages.iter().enumerate() {
        let of_stage = || epochs.iter().filter(|epoch| epoch.stage == *stage);
        for (part, (of, figure)) in kind.parts.iter().enumerate() {
            let points: Vec<[f64; 2]> =
                of_stage().filter_map(|epoch| Some([epoch.epoch as f64, figure(epoch)?])).collect();
            if points.is_empty() {
                continue;
            }
            series.push(match (stages.len(), part) {
                (1, _) => Series::line(of, part, points),
                (_, part) => {
                    let name = if *stage == RANDOM_START { "random start" } else { "pretrained" };
                    let mark = if part == 0 { Mark::Dashed } else { Mark::Line };
                    Series { name: format!("{name}, {of}"), mark, points, colour: number + 2 * usize::from(part == 1) }
                }
            });
        }
    }
    let first = epochs.iter().find(|epoch| epoch.stage == stages[0])?;
    let title = match stages {
        [stage] => format!("{}: {}", kind.name, stage),
        _ => format!("{}: with pretraining and without", kind.name),
    };
    let axes = ["epoch".to_owned(), (kind.unit)(first).to_owned()];
    (!series.is_empty()).then(|| Chart { title, axes, series, ..Chart::default() })
}

/// Columns by the names of the JSON object, and a row an epoch; a figure that an epoch has none of is empty.
fn table(epochs: &[Epoch]) -> (Vec<String>, Vec<Vec<String>>) {
    let objects: Vec<_> = epochs.iter().filter_map(|epoch| serde_json::to_value(epoch).ok()).collect();
    let mut columns: Vec<String> = Vec::new();
    for key in objects.iter().filter_map(Value::as_object).flat_map(|object| object.keys()) {
        if !columns.contains(key) {
            columns.push(key.clone());
        }
    }
    let cell = |object: &Value, column: &String| match object.get(column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let rows = objects.iter().map(|object| columns.iter().map(|column| cell(object, column)).collect()).collect();
    (columns, rows)
}

/// Writes the figures of every epoch as CSV, whole or not at all.
pub(super) fn write_csv(path: &Path, epochs: &[Epoch]) -> Result<(), Error> {
    let (columns, rows) = table(epochs);
    write_whole(path, "write the curves", |file| {
        let mut csv = csv::Writer::from_writer(file);
        csv.write_record(&columns).map_err(io::Error::from)?;
        rows.iter().try_for_each(|row| csv.write_record(row)).map_err(io::Error::from)?;
        csv.flush()
    })
}
