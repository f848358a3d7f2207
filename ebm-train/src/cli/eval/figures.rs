//! What `eval` measures: the keys of its JSON object.

use crate::eval::annealing::Annealed;
use crate::eval::classification::{Calibration, Classification};
use serde::Serialize;

/// Everything measured. A figure that the model or the data have none of is left out.
#[derive(Debug, Default, Serialize)]
pub(super) struct Figures {
    pub model: String,
    pub data: String,
    pub part: &'static str,
    pub samples: usize,
    pub samples_with_missing_values: usize,
    /// What was made of raw inputs, in words.
    pub scaling: String,
    /// What was made of values between 0 and 1, in words.
    pub binarisation: String,
    /// Both, for people.
    #[serde(skip)]
    pub inputs: String,
    #[serde(flatten)]
    pub classification: Option<ClassificationFigures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_energy_mean_nats: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_energy_train_mean_nats: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_energy_gap_nats: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub novel_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub novelty_auc: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub novelty: Option<NoveltyFigures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconstruction_error: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pseudo_log_likelihood_nats: Option<f64>,
    /// Why a generative model has none of it, in words.
    #[serde(skip)]
    pub no_pseudo_log_likelihood: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_likelihood_nats: Option<Likelihood>,
    /// The same of a deep belief network: its variational bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_likelihood_bound_nats: Option<Likelihood>,
    /// What the likelihoods are of, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likelihood_of: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct ClassificationFigures {
    pub accuracy: f64,
    pub cross_entropy: f64,
    pub double_softmax_cross_entropy: f64,
    pub brier_score: f64,
    pub calibration: Calibration,
    pub confusion: Vec<Vec<u64>>,
    pub classes: Vec<ClassRow>,
}

#[derive(Debug, Serialize)]
pub(super) struct ClassRow {
    pub class: String,
    pub samples: u64,
    pub recall: Option<f64>,
    pub precision: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(super) struct NoveltyFigures {
    pub novel: String,
    pub novel_samples: usize,
    pub novel_free_energy_mean_nats: Option<f64>,
    pub threshold_nats: Option<f64>,
    pub false_positive_rate: Option<f64>,
    pub true_positive_rate: Option<f64>,
}

/// A mean log-likelihood a sample, in nats.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Likelihood {
    /// The partition function was summed over all states of a layer.
    Exact { exact: f64, log_partition: f64 },
    /// It was estimated from both sides.
    Annealed(Box<AnnealedLikelihood>),
}

#[derive(Debug, Serialize)]
pub(super) struct AnnealedLikelihood {
    pub ais: f64,
    pub ais_low: Option<f64>,
    pub ais_high: Option<f64>,
    pub reverse_ais: f64,
    pub reverse_ais_low: Option<f64>,
    pub reverse_ais_high: Option<f64>,
    pub reverse_ais_by_inverse: f64,
    pub chains: usize,
    pub temperatures: usize,
    pub burn_in: usize,
    pub ais_effective_chains: f64,
    pub reverse_ais_effective_chains: f64,
    pub log_partition_ais: f64,
    pub log_partition_reverse_ais: f64,
}

impl AnnealedLikelihood {
    /// `unnormalised` is the mean of `ln p*`.
    pub(super) fn new(
        unnormalised: f64,
        [forward, reverse]: [&Annealed; 2],
        temperatures: usize,
        burn_in: usize,
    ) -> Self {
        let finite = |x: f64| x.is_finite().then_some(x);
        // The highest partition function gives the lowest likelihood.
        let interval =
            |annealed: &Annealed| annealed.interval().map(|log_partition| finite(unnormalised - log_partition));
        let ([ais_high, ais_low], [reverse_ais_high, reverse_ais_low]) = (interval(forward), interval(reverse));
        Self {
            ais: unnormalised - forward.log_partition(),
            ais_low,
            ais_high,
            reverse_ais: unnormalised - reverse.log_partition(),
            reverse_ais_low,
            reverse_ais_high,
            reverse_ais_by_inverse: unnormalised - reverse.log_partition_by_inverse(),
            chains: forward.log_weights.len(),
            temperatures,
            burn_in,
            ais_effective_chains: forward.effective_chains(),
            reverse_ais_effective_chains: reverse.effective_chains(),
            log_partition_ais: forward.log_partition(),
            log_partition_reverse_ais: reverse.log_partition(),
        }
    }
}

impl Figures {
    /// Takes over a classifier's figures.
    pub(super) fn classified(&mut self, figures: &Classification, names: &[String]) {
        let classes = figures.classes().into_iter().enumerate().map(|(class, figures)| ClassRow {
            class: names.get(class).cloned().unwrap_or_else(|| class.to_string()),
            samples: figures.samples,
            recall: figures.recall,
            precision: figures.precision,
        });
        self.classification = Some(ClassificationFigures {
            accuracy: figures.accuracy,
            cross_entropy: figures.cross_entropy,
            double_softmax_cross_entropy: figures.double_softmax_cross_entropy,
            brier_score: figures.brier_score,
            calibration: figures.calibration.clone(),
            confusion: figures.confusion.clone(),
            classes: classes.collect(),
        });
    }
}
