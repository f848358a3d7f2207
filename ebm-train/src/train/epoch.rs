//! [`Epoch`]: the figures of one.

use serde::{Deserialize, Serialize};

/// Figures of one epoch; a split that there is not has none. A machine's are means over at most [`MEASURED_ROWS`](super::rbm::measure::MEASURED_ROWS) samples spread
/// evenly over the split, a classifier's over all of it.
///
/// A machine's loss is the mean squared error of its reconstruction, per visible value; that of a classifier, and of a ClassRBM that learns to be
/// one, the mean cross-entropy `−ln p(y | x)` in nats.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// `pretrain-1` for the first machine and so on, `up-down`, `finetune`, `random-start`.
    pub stage: String,
    /// From 1.
    pub epoch: usize,
    /// Epochs that the stage takes unless it stops early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<usize>,
    /// Loss over the training set.
    pub train_loss: f64,
    /// Loss over the validation set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// Loss over the test set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_loss: Option<f64>,
    /// Share of the training set classified rightly; classifiers and ClassRBMs only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_accuracy: Option<f64>,
    /// Share of the validation set classified rightly; classifiers and ClassRBMs only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
    /// Share of the test set classified rightly; classifiers and ClassRBMs only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_accuracy: Option<f64>,
    /// Share of the training set that its most frequent class has: what the same answer to every sample reaches. Classifiers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chance_accuracy: Option<f64>,
    /// Entropy of the training set's labels, in nats: the cross-entropy that answering with the classes' shares reaches. Classifiers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chance_loss: Option<f64>,
    /// Mean absolute error of a machine's reconstruction of the training set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_absolute_error: Option<f64>,
    /// Mean absolute error of a machine's reconstruction of the validation set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_absolute_error: Option<f64>,
    /// Mean absolute error of a machine's reconstruction of the test set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_absolute_error: Option<f64>,
    /// Mean `F(v)` over the training set, in nats. Free energies of one machine at one time compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_free_energy_nats: Option<f64>,
    /// Mean `F(v)` over the validation set, in nats. Free energies of one machine at one time compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_free_energy_nats: Option<f64>,
    /// Mean `F(v)` over the test set, in nats. Free energies of one machine at one time compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_free_energy_nats: Option<f64>,
    /// Standard deviation of `F(v)` over the training set, in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_free_energy_deviation_nats: Option<f64>,
    /// Mean `F(v)` over the samples of the last negative phase, in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_free_energy_nats: Option<f64>,
    /// Hidden units of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_units: Option<usize>,
    /// Those whose mean over the training set is below [`DEAD_BELOW`](super::rbm::DEAD_BELOW).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_units: Option<usize>,
    /// Those whose mean over the training set is above [`SATURATED_ABOVE`](super::rbm::SATURATED_ABOVE).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saturated_units: Option<usize>,
    /// How far the epoch's last step took a machine's weights, as a share of their size: `Σ|Δw| / Σ|w|`. About 1e-3 is usual (Hinton 2010,
    /// section 7).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_step: Option<f64>,
}

impl Epoch {
    /// A figure of the samples that were not learnt from, and which those are: the validation set where there is one, else the test set.
    fn unseen(validation: Option<f64>, test: Option<f64>) -> Option<(f64, &'static str)> {
        validation.map(|value| (value, "validation")).or(test.map(|value| (value, "test")))
    }

    /// Loss over samples that were not learnt from, and of which set they are.
    pub fn unseen_loss(&self) -> Option<(f64, &'static str)> {
        Self::unseen(self.validation_loss, self.test_loss)
    }

    /// Share of samples that were not learnt from classified rightly, and of which set they are.
    pub fn unseen_accuracy(&self) -> Option<(f64, &'static str)> {
        Self::unseen(self.validation_accuracy, self.test_accuracy)
    }

    /// Mean free energy of samples that were not learnt from, in nats, and of which set they are.
    pub fn unseen_free_energy_nats(&self) -> Option<(f64, &'static str)> {
        Self::unseen(self.validation_free_energy_nats, self.test_free_energy_nats)
    }

    /// `⟨F⟩` over samples that were not learnt from less that over those that were, in nats: the mean log-likelihood that the training set has more,
    /// whatever the partition function is (Hinton 2010, section 6).
    pub fn free_energy_gap_nats(&self) -> Option<f64> {
        Some(self.unseen_free_energy_nats()?.0 - self.train_free_energy_nats?)
    }
}
