//! Accuracy and cross-entropy.

use crate::Error;
use crate::data::Split;
use ebm_core::math::softmax;
use ebm_core::{Model, Numbers};

/// Figures of a classifier over one split.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    /// Share classified rightly.
    pub accuracy: f64,
    /// Mean of `−ln p(label)`, in nats.
    pub cross_entropy: f64,
    /// Class that each sample was given.
    pub answers: Vec<usize>,
}

/// Classifies every sample as a device would. Fails when the model does not fit the samples or has no head.
pub fn evaluate<N: Numbers>(model: &Model<'_>, split: &Split) -> Result<Classification, Error> {
    let mut input = vec![N::Value::default(); split.inputs.visible()];
    let mut work = vec![N::Value::default(); model.work_len()];
    let mut scores = vec![N::Score::default(); model.outputs()];
    let mut answers = Vec::with_capacity(split.labels.len());
    let (mut correct, mut cross_entropy) = (0usize, 0.0);
    let mut labels = split.labels.iter();
    for piece in split.inputs.pieces() {
        for (row, &label) in piece?.iter().zip(&mut labels) {
            let label = usize::from(label);
            for (value, &v) in input.iter_mut().zip(row) {
                *value = N::from_unit(v);
            }
            let answer = model.classify::<N>(&input, &mut work, &mut scores)?;
            let mut probabilities: Vec<f32> = scores.iter().map(|&score| N::nats(score)).collect();
            softmax(&mut probabilities);
            // A label that the model has no class for has probability zero.
            let p = probabilities.get(label).copied().unwrap_or(0.0);
            cross_entropy -= f64::from(p).ln();
            correct += usize::from(answer == label);
            answers.push(answer);
        }
    }
    let mean = |sum: f64| sum / split.labels.len().max(1) as f64;
    Ok(Classification { accuracy: mean(correct as f64), cross_entropy: mean(cross_entropy), answers })
}
