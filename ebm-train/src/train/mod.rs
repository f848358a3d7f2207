//! ② The algorithms, once, over [`Backend`].

pub mod contrastive;
pub mod distort;
pub mod finetune;
pub mod order;
pub mod pretrain;

use crate::backend::{Backend, Direction, Link, Step};

/// What a training run reports while it goes on.
pub trait Monitor {
    /// So many multiply-adds more have been done.
    fn advance(&mut self, multiply_adds: u64);
    /// An epoch has ended.
    fn epoch(&mut self, epoch: &Epoch);
}

/// Figures of one epoch.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Epoch {
    /// `pretrain-1` for the first machine and so on, `finetune`, `random-start`.
    pub stage: String,
    /// From 1.
    pub epoch: usize,
    /// Pretraining: mean squared reconstruction error per visible unit. Fine-tuning: mean cross-entropy in nats.
    pub train_loss: f64,
    /// The same over the test set.
    pub test_loss: f64,
    /// Share of the training set classified rightly; fine-tuning only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_accuracy: Option<f64>,
    /// Share of the test set classified rightly; fine-tuning only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_accuracy: Option<f64>,
}

/// A parameter with its gradient and its optimiser's moments.
struct Trained<B: Backend> {
    value: B::Tensor,
    gradient: B::Tensor,
    moments: [B::Tensor; 2],
}

impl<B: Backend> Trained<B> {
    fn new(backend: &B, rows: usize, columns: usize, values: &[f32]) -> Self {
        let zeros = || backend.zeros(rows, columns);
        Self { value: backend.upload(rows, columns, values), gradient: zeros(), moments: [zeros(), zeros()] }
    }

    fn step(&mut self, backend: &B, step: Step) {
        backend.step(step, &self.gradient, &mut self.moments, &mut self.value);
    }
}

/// Rows that are pushed through a net at once when nothing is learnt.
const EVALUATION_ROWS: usize = 512;

/// The rows of a data set in pieces of [`EVALUATION_ROWS`].
fn pieces(rows: usize) -> impl Iterator<Item = Vec<u32>> {
    (0..rows as u32).step_by(EVALUATION_ROWS).map(move |first| (first..rows as u32).take(EVALUATION_ROWS).collect())
}

/// The upward pass `σ(b + x·W)` over a whole data set.
fn hidden_probs<B: Backend>(backend: &B, weights: &B::Tensor, hidden_bias: &B::Tensor, data: &B::Tensor) -> B::Tensor {
    let mut out = backend.zeros(0, 0);
    backend.affine(Direction::Up, weights, Some(hidden_bias), Link::Sigmoid, data, &mut out);
    out
}
