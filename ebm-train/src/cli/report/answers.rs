//! What the written model answers: classes with their probabilities, free energies with their threshold.

use super::Subject;
use super::panel::Panel;
use crate::Error;
use crate::eval::classification::{self, Classification};
use crate::eval::novelty::{free_energies, threshold_nats};
use crate::report::html::{Cell, Chart, Item, Mark, Section, Series, Table};
use ebm_core::format::NumberFormat;
use ebm_core::{Float, Integer, Model, Numbers};

/// Bars of a histogram.
const BARS: usize = 40;

/// Whether it answers in f32, else in integers.
pub(super) fn is_float(model: &Model<'_>) -> bool {
    model.header().layers.first().is_some_and(|layer| layer.numbers == NumberFormat::F32)
}

/// Confusion and calibration; `None` of a model that names no class, or without labels.
pub(super) fn classes(subject: &Subject<'_>, panel: &Panel) -> Result<Option<Section>, Error> {
    let model = subject.model.model()?;
    let names_classes = model.header().layers.last().is_some_and(|layer| layer.classes() > 0);
    if !names_classes || panel.test.labels.is_empty() {
        return Ok(None);
    }
    let evaluate =
        if is_float(&model) { classification::evaluate::<Float> } else { classification::evaluate::<Integer> };
    let figures = evaluate(&model, &panel.test, subject.threads)?;
    let words = format!(
        "The written model over {} {} samples: accuracy {:.2} %, cross-entropy {:.4} nats, Brier score {:.4}, expected calibration error {:.4}.",
        panel.test.labels.len(),
        panel.part,
        100.0 * figures.accuracy,
        figures.cross_entropy,
        figures.brier_score,
        figures.calibration.expected_error
    );
    let items = vec![Item::Chart(calibration(&figures)), Item::Table(confusion(&figures, &subject.dataset.classes))];
    Ok(Some(Section { title: "Answers".into(), words, items }))
}

fn calibration(figures: &Classification) -> Chart {
    let filled = figures.calibration.bins.iter().filter(|bin| bin.samples > 0);
    let points = filled.map(|bin| [bin.confidence, bin.accuracy]).collect();
    let diagonal =
        Series { name: "as it should be".into(), mark: Mark::Dashed, points: vec![[0.0, 0.0], [1.0, 1.0]], colour: 2 };
    Chart {
        title: "Calibration".into(),
        axes: ["probability of the answer".into(), "share that is right".into()],
        series: vec![diagonal, Series::line("answers, in tenths", 0, points)],
        shown: [Some(-0.02..1.02), Some(-0.02..1.02)],
    }
}

fn confusion(figures: &Classification, names: &[String]) -> Table {
    let name = |class: usize| names.get(class).cloned().unwrap_or_else(|| class.to_string());
    let percent = |share: Option<f64>| share.map_or(String::from("–"), |share| format!("{:.1} %", 100.0 * share));
    let answers = figures.confusion.first().map_or(0, Vec::len);
    let mut columns = vec!["label ↓ answer →".to_owned()];
    columns.extend((0..answers).map(name));
    columns.extend(["recall".to_owned(), "precision".to_owned()]);
    let classes = figures.classes();
    let rows = figures.confusion.iter().enumerate().map(|(class, row)| {
        let samples = row.iter().sum::<u64>().max(1) as f64;
        let cell = |&count: &u64| Cell { text: count.to_string(), shade: 0.75 * (count as f64 / samples).sqrt() };
        let mut cells = vec![Cell::from(name(class))];
        cells.extend(row.iter().map(cell));
        let figures = classes.get(class);
        cells.extend(
            [figures.and_then(|f| f.recall), figures.and_then(|f| f.precision)].map(|share| percent(share).into()),
        );
        cells
    });
    Table { title: "Confusion: samples by label and answer".into(), columns, rows: rows.collect(), folded: false }
}

/// Free energies of training and test samples, and the threshold; `None` without a machine over the inputs.
pub(super) fn novelty(subject: &Subject<'_>, panel: &Panel) -> Result<Option<Section>, Error> {
    let model = subject.model.model()?;
    let nats = if is_float(&model) { energies::<Float> } else { energies::<Integer> };
    let Some(test) = nats(&model, panel, false, subject.threads)? else { return Ok(None) };
    let train = nats(&model, panel, true, subject.threads)?.unwrap_or_default();
    let threshold = model.header().novelty.map(|novelty| (threshold_nats(&novelty), novelty.quantile));
    let all = || test.iter().chain(&train).copied().filter(|nats| nats.is_finite());
    let (least, most) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    if least > most {
        return Ok(None);
    }
    let width = ((most - least) / BARS as f64).max(f64::MIN_POSITIVE);
    let histogram = |energies: &[f64]| -> Vec<[f64; 2]> {
        let mut counts = [0usize; BARS];
        for nats in energies.iter().filter(|nats| nats.is_finite()) {
            counts[(((nats - least) / width) as usize).min(BARS - 1)] += 1;
        }
        let bar = |(bar, count): (usize, usize)| {
            [least + width * bar as f64, 100.0 * count as f64 / energies.len().max(1) as f64]
        };
        counts.into_iter().enumerate().map(bar).collect()
    };
    let bars = |name: &str, colour, energies: &[f64]| Series {
        name: name.to_owned(),
        mark: Mark::Bars(width),
        points: histogram(energies),
        colour,
    };
    let mut series = vec![bars("training", 5, &train)];
    if panel.part != "training" {
        series.push(bars(panel.part, 4, &test));
    }
    let mut words = "Free energies of the machine over the inputs; high is novel.".to_owned();
    if let Some((threshold, quantile)) = threshold {
        let highest = series.iter().flat_map(|series| &series.points).map(|at| at[1]).fold(0.0, f64::max);
        let line = vec![[threshold, 0.0], [threshold, highest]];
        series.push(Series { name: "threshold".into(), mark: Mark::Dashed, points: line, colour: 1 });
        let above = test.iter().filter(|&&nats| nats > threshold).count();
        words += &format!(
            " The threshold, {threshold:.2} nats, lets {:.1} % of the training samples pass; {:.2} % of {} {} samples lie above it.",
            100.0 * quantile,
            100.0 * above as f64 / test.len().max(1) as f64,
            test.len(),
            panel.part
        );
    }
    let axes = ["F(v), nats".to_owned(), "% of the samples".to_owned()];
    let chart = Chart { title: "Free energy".into(), axes, series, ..Chart::default() };
    Ok(Some(Section { title: "Novelty".into(), words, items: vec![Item::Chart(chart)] }))
}

/// Free energies as the model's own numbers give them; `None` without a machine over the inputs.
fn energies<N: Numbers>(
    model: &Model<'_>,
    panel: &Panel,
    of_train: bool,
    threads: usize,
) -> Result<Option<Vec<f64>>, Error> {
    if model.machine::<N>().is_err() {
        return Ok(None);
    }
    let split = if of_train { &panel.train } else { &panel.test };
    let energies = free_energies::<N>(model, &split.inputs, threads)?;
    Ok(Some(energies.into_iter().map(|energy| f64::from(N::nats(energy))).collect()))
}
