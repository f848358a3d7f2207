//! Contrastive divergence, CD-k (Hinton 2002): the gradient of one minibatch, and the training of one machine.

use super::{Epoch, Monitor, Trained, hidden_probs, order, pieces};
use crate::Error;
use crate::backend::{Backend, Direction, Draws, Link, Step};
use crate::parameters::RbmParameters;
use ebm_core::rng::{Purpose, Stream};

/// Settings of CD-k.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContrastiveDivergence {
    /// Gibbs steps of a chain before its statistics are taken.
    pub k: u16,
    /// Passes over the data.
    pub epochs: usize,
    /// Samples of a minibatch.
    pub batch_size: usize,
    /// Size of a step.
    pub learning_rate: f32,
    /// Share of the last step that is kept.
    pub momentum: f32,
    /// `λ` of the L2 penalty `λ/2·‖W‖²`.
    pub weight_decay: f32,
}

/// A machine being trained.
pub struct TrainedRbm<B: Backend> {
    weights: Trained<B>,
    visible_bias: Trained<B>,
    hidden_bias: Trained<B>,
    visible: usize,
    hidden: usize,
    states: States<B>,
}

/// Activations of one minibatch.
struct States<B: Backend> {
    hidden_data: B::Tensor,
    visible_probs: B::Tensor,
    visible: B::Tensor,
    hidden_probs: B::Tensor,
    hidden: B::Tensor,
}

/// Place of a minibatch in a run: what its draws are keyed by.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Seed of the run.
    pub seed: u64,
    /// Machine in the stack.
    pub layer: u8,
    /// Number of the minibatch in the training of that machine.
    pub step: u32,
    /// Row of the data set of each sample.
    pub samples: &'a [u32],
}

impl Place<'_> {
    fn draws(&self, purpose: Purpose, phase: u16) -> Draws<'_> {
        let stream = Stream { purpose, layer: self.layer, phase, step: self.step, sample: 0 };
        Draws { seed: self.seed, stream, samples: self.samples }
    }
}

impl<B: Backend> TrainedRbm<B> {
    /// Takes start values to the backend.
    pub fn new(backend: &B, start: &RbmParameters) -> Self {
        let (visible, hidden) = (start.visible_bias.len(), start.hidden_bias.len());
        let empty = || backend.zeros(0, 0);
        Self {
            weights: Trained::new(backend, hidden, visible, &start.weights),
            visible_bias: Trained::new(backend, 1, visible, &start.visible_bias),
            hidden_bias: Trained::new(backend, 1, hidden, &start.hidden_bias),
            visible,
            hidden,
            states: States {
                hidden_data: empty(),
                visible_probs: empty(),
                visible: empty(),
                hidden_probs: empty(),
                hidden: empty(),
            },
        }
    }

    /// The parameters as they are.
    pub fn parameters(&self, backend: &B) -> RbmParameters {
        RbmParameters {
            weights: backend.download(&self.weights.value),
            visible_bias: backend.download(&self.visible_bias.value),
            hidden_bias: backend.download(&self.hidden_bias.value),
        }
    }

    /// The last gradient of [`TrainedRbm::contrastive_divergence`].
    pub fn gradient(&self, backend: &B) -> RbmParameters {
        RbmParameters {
            weights: backend.download(&self.weights.gradient),
            visible_bias: backend.download(&self.visible_bias.gradient),
            hidden_bias: backend.download(&self.hidden_bias.gradient),
        }
    }

    /// Forms the CD-k gradient of the minibatch `data` (samples × V), to be descended:
    ///
    /// `∂W_ij = ⟨v_i·h_j⟩_k − ⟨v_i·h_j⟩_data`, likewise `∂a_i` with `v_i` and `∂b_j` with `h_j`, means over the samples.
    ///
    /// The chain starts at the data; hidden and visible states are sampled; the statistics use `p(h|v)` in place of `h`, which has the
    /// same mean and less variance.
    pub fn contrastive_divergence(&mut self, backend: &B, k: u16, place: Place<'_>, data: &B::Tensor) {
        let Self { weights, visible_bias, hidden_bias, states, .. } = self;
        let up = |input: &B::Tensor, out: &mut B::Tensor| {
            backend.affine(Direction::Up, &weights.value, Some(&hidden_bias.value), Link::Sigmoid, input, out);
        };
        up(data, &mut states.hidden_data);
        for phase in 0..k.max(1) {
            let source = if phase == 0 { &states.hidden_data } else { &states.hidden_probs };
            backend.bernoulli(place.draws(Purpose::Hidden, phase), source, &mut states.hidden);
            backend.affine(
                Direction::Down,
                &weights.value,
                Some(&visible_bias.value),
                Link::Sigmoid,
                &states.hidden,
                &mut states.visible_probs,
            );
            backend.bernoulli(place.draws(Purpose::Visible, phase), &states.visible_probs, &mut states.visible);
            up(&states.visible, &mut states.hidden_probs);
        }
        let mean = 1.0 / place.samples.len() as f32;
        backend.outer(0.0, -mean, data, &states.hidden_data, &mut weights.gradient);
        backend.outer(1.0, mean, &states.visible, &states.hidden_probs, &mut weights.gradient);
        backend.column_sums(0.0, -mean, data, &mut visible_bias.gradient);
        backend.column_sums(1.0, mean, &states.visible, &mut visible_bias.gradient);
        backend.column_sums(0.0, -mean, &states.hidden_data, &mut hidden_bias.gradient);
        backend.column_sums(1.0, mean, &states.hidden_probs, &mut hidden_bias.gradient);
    }

    fn step(&mut self, backend: &B, settings: &ContrastiveDivergence) {
        backend.add_scaled(settings.weight_decay, &self.weights.value, &mut self.weights.gradient);
        let step = Step::Momentum { learning_rate: settings.learning_rate, momentum: settings.momentum };
        for parameter in [&mut self.weights, &mut self.visible_bias, &mut self.hidden_bias] {
            parameter.step(backend, step);
        }
    }

    /// Hidden probabilities of a whole data set: what the next machine of a stack is trained on.
    pub fn hidden_probs(&self, backend: &B, data: &B::Tensor) -> B::Tensor {
        hidden_probs(backend, &self.weights.value, &self.hidden_bias.value, data)
    }

    /// Mean squared difference, per visible unit, between the data and its mean-field reconstruction.
    fn reconstruction_error(&mut self, backend: &B, data: &B::Tensor, rows: usize) -> f64 {
        let mut total = backend.zeros(1, 1);
        let states = &mut self.states;
        for piece in pieces(rows) {
            backend.gather(data, &piece, &mut states.visible);
            let hidden = &mut states.hidden;
            let (weights, bias) = (&self.weights.value, Some(&self.hidden_bias.value));
            backend.affine(Direction::Up, weights, bias, Link::Sigmoid, &states.visible, hidden);
            let bias = Some(&self.visible_bias.value);
            backend.affine(Direction::Down, weights, bias, Link::Sigmoid, hidden, &mut states.visible_probs);
            backend.squared_error(&states.visible, &states.visible_probs, &mut total);
        }
        f64::from(backend.download(&total)[0]) / (rows * self.visible) as f64
    }

    /// Multiply-adds of training over so many rows, the evaluation after each epoch included.
    pub fn cost(settings: &ContrastiveDivergence, visible: usize, hidden: usize, rows: usize, test_rows: usize) -> u64 {
        let sample = (visible * hidden) as u64;
        let learning = (1 + 2 * u64::from(settings.k) + 2) * rows as u64;
        let measuring = 2 * (rows + test_rows) as u64;
        settings.epochs as u64 * sample * (learning + measuring)
    }

    /// Trains on the rows of `train`, and reports each epoch under the name `stage`.
    pub fn train(
        &mut self,
        backend: &B,
        settings: &ContrastiveDivergence,
        run: &Run<'_, B>,
        monitor: &mut dyn Monitor,
    ) -> Result<(), Error> {
        let mut data = backend.zeros(0, 0);
        let mut step = 0;
        for epoch in 1..=settings.epochs {
            let samples = order::shuffled(run.seed, run.layer, epoch, run.train_rows);
            for samples in samples.chunks(settings.batch_size) {
                backend.gather(run.train, samples, &mut data);
                let place = Place { seed: run.seed, layer: run.layer, step, samples };
                self.contrastive_divergence(backend, settings.k, place, &data);
                self.step(backend, settings);
                step += 1;
            }
            let figures = Epoch {
                stage: run.stage.clone(),
                epoch,
                train_loss: self.reconstruction_error(backend, run.train, run.train_rows),
                test_loss: self.reconstruction_error(backend, run.test, run.test_rows),
                train_accuracy: None,
                test_accuracy: None,
            };
            monitor.advance(Self::cost(
                &ContrastiveDivergence { epochs: 1, ..*settings },
                self.visible,
                self.hidden,
                run.train_rows,
                run.test_rows,
            ));
            if !figures.train_loss.is_finite() {
                return Err(Error::Diverged { stage: run.stage.clone(), epoch, flag: "--learning-rate" });
            }
            monitor.epoch(&figures);
        }
        Ok(())
    }
}

/// What a machine is trained on, and under which name and draws.
pub struct Run<'a, B: Backend> {
    /// Name of the stage in reports.
    pub stage: String,
    /// Seed of the run.
    pub seed: u64,
    /// Machine in the stack.
    pub layer: u8,
    /// Training data, samples × V.
    pub train: &'a B::Tensor,
    /// Its samples.
    pub train_rows: usize,
    /// Test data, samples × V.
    pub test: &'a B::Tensor,
    /// Its samples.
    pub test_rows: usize,
}
