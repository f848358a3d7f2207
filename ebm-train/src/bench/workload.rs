//! The workloads by name: a row of [`WORKLOADS`] is all that a new one needs.

use super::work::{Annealed, Answers, Finetuning, FreeEnergies, Gibbs, Learning, Timed};
use crate::Error;
use crate::backend::Backend;
use crate::data::Dataset;

/// Values of a sample that the names speak of.
pub(super) const VISIBLE: usize = 784;

/// A workload.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Its name.
    pub name: &'static str,
    work: Work,
}

#[derive(Clone, Copy, Debug)]
enum Work {
    /// One epoch of contrastive divergence over the training part's grey levels, hidden and visible states drawn; from chains that persist, as many
    /// as a minibatch has samples, or from the data.
    Learn { hidden: usize, k: u16, batch: usize, persistent: bool },
    /// Free energy of the training part.
    FreeEnergy { hidden: usize },
    /// Block-Gibbs steps of chains that start at the first samples of the test part.
    Gibbs { hidden: usize, chains: usize, steps: usize },
    /// Annealed importance sampling.
    Anneal { hidden: usize, chains: usize, temperatures: usize },
    /// A device's answers to the test part.
    Answer { hidden: &'static [usize] },
    /// One epoch of back-propagation with Adam, and the accuracy on the test part.
    Finetune { hidden: &'static [usize], batch: usize },
}

/// All workloads.
pub const WORKLOADS: [Workload; 11] = [
    learn("cd1-784x128-b64", 128, 1, 64, false),
    learn("cd10-784x256-b64", 256, 10, 64, false),
    learn("pcd5-784x500-b100", 500, 5, 100, true),
    learn("cd1-784x1024-b128", 1024, 1, 128, false),
    learn("cd1-784x4096-b512", 4096, 1, 512, false),
    Workload { name: "free-energy-784x500", work: Work::FreeEnergy { hidden: 500 } },
    Workload { name: "gibbs-784x500", work: Work::Gibbs { hidden: 500, chains: 1000, steps: 1000 } },
    Workload { name: "finetune-784-256-10", work: Work::Finetune { hidden: &[256], batch: 64 } },
    Workload { name: "ais-784x500", work: Work::Anneal { hidden: 500, chains: 100, temperatures: 1000 } },
    Workload { name: "answer-784-500-500-2000-10", work: Work::Answer { hidden: &[500, 500, 2000] } },
    Workload { name: "finetune-784-500-500-2000-10", work: Work::Finetune { hidden: &[500, 500, 2000], batch: 100 } },
];

const fn learn(name: &'static str, hidden: usize, k: u16, batch: usize, persistent: bool) -> Workload {
    Workload { name, work: Work::Learn { hidden, k, batch, persistent } }
}

/// Weights of a net with a unit for every class.
fn weights(hidden: &[usize], dataset: &Dataset) -> usize {
    let outputs = hidden.iter().copied().chain([dataset.classes.len()]);
    let inputs = std::iter::once(VISIBLE).chain(hidden.iter().copied());
    inputs.zip(outputs).map(|(inputs, outputs)| inputs * outputs).sum()
}

impl Workload {
    /// What the run's figure is.
    pub fn measure(&self) -> &'static str {
        match self.work {
            Work::Learn { .. } => "squared error a pixel",
            Work::FreeEnergy { .. } => "mean F, nats",
            Work::Gibbs { .. } => "share of visible units on",
            Work::Anneal { .. } => "ln Z, nats",
            Work::Answer { .. } | Work::Finetune { .. } => "test accuracy",
        }
    }

    /// Multiply-adds of the products of a run; what else it does is not counted.
    pub fn multiply_adds(&self, dataset: &Dataset) -> u64 {
        let rows = dataset.train.inputs.rows();
        let count = match self.work {
            // Up from the data; k times down and up; two outer products; from a chain that persists, up once more.
            Work::Learn { hidden, k, persistent, .. } => {
                rows * VISIBLE * hidden * (1 + 2 * usize::from(k) + 2 + usize::from(persistent))
            }
            Work::FreeEnergy { hidden } => rows * VISIBLE * (hidden + 1),
            Work::Gibbs { hidden, chains, steps } => chains * steps * 2 * VISIBLE * hidden,
            Work::Anneal { hidden, chains, temperatures } => (temperatures - 1) * chains * 2 * VISIBLE * hidden,
            Work::Answer { hidden } => dataset.test.inputs.rows() * weights(hidden, dataset),
            Work::Finetune { hidden, .. } => 3 * rows * weights(hidden, dataset),
        };
        count as u64
    }

    /// Fails unless the data are those that it is for: 784 values a sample, labels and, to start chains at, enough test samples.
    pub fn check(&self, dataset: &Dataset) -> Result<(), Error> {
        let refused = |expected| Err(Error::Flag { flag: "--data", value: dataset.name.clone(), expected });
        let chains = match self.work {
            Work::Gibbs { chains, .. } => chains,
            _ => 0,
        };
        if dataset.train.inputs.visible() != VISIBLE {
            refused("samples of 784 values: mnist:DIR (`ebm-train data fetch mnist` brings it)")
        } else if dataset.train.labels.is_empty() || dataset.test.labels.is_empty() {
            refused("samples with labels, some of them for tests")
        } else if dataset.test.inputs.rows() < chains {
            refused("at least 1,000 test samples, at which chains start")
        } else {
            Ok(())
        }
    }

    /// Takes data and parameters to the backend, which is not timed; `threads` do what is not the backend's to do.
    pub(super) fn prepare<'a, B: Backend>(
        &self,
        backend: &'a B,
        dataset: &'a Dataset,
        threads: usize,
    ) -> Result<Box<dyn Timed + 'a>, Error> {
        Ok(match self.work {
            Work::Learn { hidden, k, batch, persistent } => {
                Box::new(Learning::new(backend, &dataset.train, hidden, (k, batch, persistent))?)
            }
            Work::FreeEnergy { hidden } => Box::new(FreeEnergies::new(backend, dataset, hidden)?),
            Work::Gibbs { hidden, chains, steps } => Box::new(Gibbs::new(backend, dataset, hidden, (chains, steps))?),
            Work::Anneal { hidden, chains, temperatures } => {
                Box::new(Annealed::new(backend, dataset, hidden, (chains, temperatures))?)
            }
            Work::Answer { hidden } => Box::new(Answers::new(dataset, hidden, threads)?),
            Work::Finetune { hidden, batch } => Box::new(Finetuning::new(backend, dataset, hidden, batch)?),
        })
    }
}
