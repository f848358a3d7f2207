//! What looks wrong in the figures of a run, in words, and what to try.
//!
//! [`Finding::all`] is a function of a stage's figures alone; [`Watch`] says each kind of finding once a stage.

mod finding;

pub use finding::Finding;

use super::Epoch;
use super::compare::RANDOM_START;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What was found, where, and what to try.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// Stage that it is about.
    pub stage: String,
    /// Epoch after which it was found.
    pub epoch: usize,
    /// What was seen, in numbers.
    #[serde(flatten)]
    pub finding: Finding,
    /// What was seen and what to try, in a sentence or two.
    pub message: String,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} epoch {}: {}", self.stage, self.epoch, self.message)
    }
}

/// Follows a run, or several stages side by side, and advises.
#[derive(Debug, Default)]
pub struct Watch {
    stages: BTreeMap<String, (Vec<Epoch>, Vec<Finding>)>,
}

impl Watch {
    /// What an epoch shows that none before it in its stage did. Training from random weights is there to be compared with, and not watched.
    pub fn see(&mut self, epoch: &Epoch) -> Vec<Advice> {
        if epoch.stage == RANDOM_START {
            return Vec::new();
        }
        let (epochs, said) = self.stages.entry(epoch.stage.clone()).or_default();
        epochs.push(epoch.clone());
        let is_kind =
            |finding: &Finding, other: &Finding| std::mem::discriminant(finding) == std::mem::discriminant(other);
        let mut found = Finding::all(epochs);
        found.retain(|finding| !said.iter().any(|other| is_kind(finding, other)));
        said.extend(found.iter().cloned());
        let advice = |finding: Finding| Advice {
            stage: epoch.stage.clone(),
            epoch: epoch.epoch,
            message: finding.sentence(&epoch.stage),
            finding,
        };
        found.into_iter().map(advice).collect()
    }
}

/// All advice on a run with these epochs, of any stages.
pub fn of_run(epochs: &[Epoch]) -> Vec<Advice> {
    let mut watch = Watch::default();
    epochs.iter().flat_map(|epoch| watch.see(epoch)).collect()
}
