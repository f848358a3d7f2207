//! How good a classifier's answers and its probabilities are.

use super::rows::each;
use crate::Error;
use crate::data::{Samples, Split};
use ebm_core::math::softmax;
use ebm_core::{Model, Numbers};
use serde::Serialize;

/// Bins that [`Calibration`] sorts answers into.
const BINS: usize = 10;

/// Figures of a classifier over one split. Every mean is over its samples, NaN where there are none.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    /// Share classified rightly.
    pub accuracy: f64,
    /// Mean of `−ln p(label)`, in nats.
    pub cross_entropy: f64,
    /// The same with the softmax taken twice, `−ln softmax(p)_label`: what a loss that expects scores makes of probabilities. Over C classes it lies
    /// between `ln(1 + (C − 1)/e)` and `ln(C − 1 + e)`; given for comparison with figures that were published so.
    pub double_softmax_cross_entropy: f64,
    /// Mean of `Σ_c (p_c − [c = label])²` (Brier 1950): 0 is perfect, 2 the worst.
    pub brier_score: f64,
    /// Are the probabilities what they say?
    pub calibration: Calibration,
    /// `confusion[label][answer]` samples.
    pub confusion: Vec<Vec<u64>>,
    /// Class that each sample was given.
    pub answers: Vec<usize>,
}

/// Answers by their probability: of those given with 90 % about 90 % should be right.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Expected calibration error: mean over the samples of `|accuracy − confidence|` of their bin (Naeini, Cooper & Hauskrecht 2015).
    pub expected_error: f64,
    /// Equal parts of `[0, 1]`.
    pub bins: Vec<Bin>,
}

/// Answers whose probability lies in one part of `(0, 1]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Where the part begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Answers in it.
    pub samples: u64,
    /// Mean probability of the answers; 0 where there are none.
    pub confidence: f64,
    /// Share of them that is right; 0 where there are none.
    pub accuracy: f64,
}

/// How a classifier does on one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassFigures {
    /// Samples of the class.
    pub samples: u64,
    /// Share of them that was given this class; `None` without samples.
    pub recall: Option<f64>,
    /// Share of the answers naming this class that were right; `None` without answers.
    pub precision: Option<f64>,
}

impl Classification {
    /// Recall and precision of every class.
    pub fn classes(&self) -> Vec<ClassFigures> {
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let figures = |(class, row): (usize, &Vec<u64>)| {
            let right = row.get(class).copied().unwrap_or(0);
            let samples = row.iter().sum();
            let answers = self.confusion.iter().map(|row| row.get(class).copied().unwrap_or(0)).sum();
            ClassFigures { samples, recall: share(right, samples), precision: share(right, answers) }
        };
        self.confusion.iter().enumerate().map(figures).collect()
    }
}

/// Sums over samples that [`Classification`] is made of.
struct Tally {
    cross_entropy: f64,
    double_softmax_cross_entropy: f64,
    brier: f64,
    confusion: Vec<Vec<u64>>,
    answers: Vec<usize>,
    /// Of every bin: answers, those that are right, and the sum of their probabilities.
    bins: [(u64, u64, f64); BINS],
}

impl Tally {
    fn new(classes: usize) -> Self {
        Self {
            cross_entropy: 0.0,
            double_softmax_cross_entropy: 0.0,
            brier: 0.0,
            confusion: vec![vec![0; classes]; classes],
            answers: Vec::new(),
            bins: [(0, 0, 0.0); BINS],
        }
    }

    fn add(&mut self, label: usize, answer: usize, probabilities: &[f32]) {
        // A label that the model has no class for has probability zero.
        let of_label = probabilities.get(label).map_or(0.0, |&p| f64::from(p));
        self.cross_entropy -= of_label.ln();
        let twice: f64 = probabilities.iter().map(|&p| f64::from(p).exp()).sum();
        self.double_softmax_cross_entropy += twice.ln() - of_label;
        let squares: f64 = probabilities.iter().map(|&p| f64::from(p) * f64::from(p)).sum();
        self.brier += squares - 2.0 * of_label + 1.0;
        if self.confusion.len() <= label {
            self.confusion.resize(label + 1, vec![0; probabilities.len()]);
        }
        self.confusion[label][answer] += 1;
        self.answers.push(answer);
        let confidence = f64::from(probabilities[answer]);
        let bin = &mut self.bins[((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1];
        bin.0 += 1;
        bin.1 += u64::from(answer == label);
        bin.2 += confidence;
    }

    fn figures(self) -> Classification {
        let samples = self.answers.len() as f64;
        let bins: Vec<Bin> = (0..BINS)
            .zip(self.bins)
            .map(|(bin, (samples, right, confidences))| Bin {
                from: bin as f64 / BINS as f64,
                to: (bin + 1) as f64 / BINS as f64,
                samples,
                confidence: confidences / samples.max(1) as f64,
                accuracy: right as f64 / samples.max(1) as f64,
            })
            .collect();
        let right: u64 = self.bins.iter().map(|bin| bin.1).sum();
        let apart = bins.iter().map(|bin| bin.samples as f64 * (bin.accuracy - bin.confidence).abs());
        Classification {
            accuracy: right as f64 / samples,
            cross_entropy: self.cross_entropy / samples,
            double_softmax_cross_entropy: self.double_softmax_cross_entropy / samples,
            brier_score: self.brier / samples,
            calibration: Calibration { expected_error: apart.sum::<f64>() / samples, bins },
            confusion: self.confusion,
            answers: self.answers,
        }
    }
}

/// Classifies every sample as a device would; `threads` at a time, 0 for one a processor. Fails when the model does not fit the samples or gives no
/// classes.
pub fn evaluate<N: Numbers>(model: &Model<'_>, split: &Split, threads: usize) -> Result<Classification, Error> {
    let (mut tally, mut labels) = (Tally::new(model.outputs()), split.labels.iter());
    answers::<N>(model, &split.inputs, threads, |answer, probabilities| {
        if let Some(&label) = labels.next() {
            tally.add(label.into(), answer, &probabilities);
        }
    })?;
    Ok(tally.figures())
}

/// Gives `take` the class that every sample is given and the probabilities of all, in the samples' order; the rest as in [`evaluate`].
pub fn answers<N: Numbers>(
    model: &Model<'_>,
    inputs: &Samples,
    threads: usize,
    mut take: impl FnMut(usize, Vec<f32>),
) -> Result<(), Error> {
    let memory = || (vec![N::Value::default(); model.work_len()], vec![N::Score::default(); model.outputs()]);
    let classify = |(work, scores): &mut (Vec<N::Value>, Vec<N::Score>), input: &[N::Value]| {
        let answer = model.classify::<N>(input, work, scores)?;
        let mut probabilities: Vec<f32> = scores.iter().map(|&score| N::nats(score)).collect();
        softmax(&mut probabilities);
        Ok((answer, probabilities))
    };
    each::<N, _, _>(threads, inputs, memory, classify, |(answer, probabilities)| take(answer, probabilities))
}
