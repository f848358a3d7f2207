//! [`Net`]: layers with a softmax head being trained, and the activations of their minibatch.

use super::settings::Backpropagation;
use super::start::Recognition;
use crate::Error;
use crate::backend::{Backend, Direction, Draws, Link, Step};
use crate::parameters::AffineParameters;
use crate::train::rbm::settings::Optimizer;
use crate::train::snapshot::{Position, Snapshot};
use crate::train::source::Source;
use crate::train::{Update, to_part};
use ebm_core::HiddenKind;
use ebm_core::rng::{Purpose, Stream};

/// Layer of the draws that leave inputs out: no hidden layer has this number.
const INPUT: u8 = u8::MAX;

/// Weights and bias of a layer being trained.
struct Layer<B: Backend> {
    /// A row is an output's weights.
    weights: Trained<B>,
    /// One an output.
    bias: Trained<B>,
}

/// A parameter and what its steps need.
pub(super) struct Trained<B: Backend> {
    /// The parameter.
    pub value: B::Tensor,
    /// Its gradient and moments.
    pub update: Update<B>,
}

impl<B: Backend> Trained<B> {
    fn new(backend: &B, rows: usize, columns: usize, values: &[f32]) -> Self {
        Self { value: backend.upload(rows, columns, values), update: Update::new(backend, [rows, columns]) }
    }
}

/// A classifier being trained.
pub struct Net<B: Backend> {
    /// Hidden layers from the input up, then the head.
    layers: Vec<Layer<B>>,
    link: Link,
    input: B::Tensor,
    /// Classes of its samples.
    labels: Vec<u16>,
    /// Outputs of every layer; of the head, the scores and then their gradient.
    outputs: Vec<B::Tensor>,
    /// Gradient of the outputs of the layer that is being gone through.
    delta: B::Tensor,
}

/// Units that are left out of a step.
#[derive(Clone, Copy, Debug)]
struct Dropout<'a> {
    /// Probability that a hidden unit is.
    hidden: f32,
    /// Probability that an input is.
    input: f32,
    /// What decides it; the layer is set for each.
    draws: Draws<'a>,
}

impl<'a> Dropout<'a> {
    fn of(settings: &Backpropagation, draws: Draws<'a>) -> Self {
        Self { hidden: settings.dropout, input: settings.input_dropout, draws }
    }
}

impl<B: Backend> Net<B> {
    /// Takes layers and a head to the backend.
    pub fn new(backend: &B, start: &Recognition, head: &AffineParameters) -> Self {
        let layer = |AffineParameters { weights, bias }: &AffineParameters| Layer {
            weights: Trained::new(backend, bias.len(), weights.len() / bias.len().max(1), weights),
            bias: Trained::new(backend, 1, bias.len(), bias),
        };
        let layers: Vec<_> = start.layers.iter().chain([head]).map(layer).collect();
        Self {
            link: if start.hidden == HiddenKind::Relu { Link::Rectifier } else { Link::Sigmoid },
            input: backend.zeros(0, 0),
            labels: Vec::new(),
            outputs: layers.iter().map(|_| backend.zeros(0, 0)).collect(),
            delta: backend.zeros(0, 0),
            layers,
        }
    }

    /// Where the minibatch is put.
    pub fn input(&mut self) -> &mut B::Tensor {
        &mut self.input
    }

    /// Learns from a minibatch, of which this rank's part lies in [`Net::input`]: its samples by number, the labels of all. It is step `taken` from 0, `epochs` (with their
    /// fraction) after the start. `totals` as of [`Net::form_gradient`].
    pub fn learn(
        &mut self,
        backend: &B,
        settings: &Backpropagation,
        (seed, taken, epochs): (u64, u32, f32),
        (samples, labels): (&[u32], &[u16]),
        totals: &mut B::Tensor,
    ) {
        let (rows, samples) = (samples.len(), backend.ranks().part(samples));
        let stream = Stream { step: taken, ..Stream::new(Purpose::Dropout) };
        self.forward(backend, Some(Dropout::of(settings, Draws { seed, stream, samples })));
        let mut of_samples = std::mem::take(&mut self.labels);
        of_samples.clear();
        of_samples.extend(samples.iter().map(|&sample| labels[sample as usize]));
        self.score(backend, &of_samples, settings.label_smoothing, totals);
        if let Some(scores) = self.outputs.last_mut() {
            to_part(backend, rows, scores);
        }
        self.labels = of_samples;
        let of_head = settings.learning_rate_after(epochs);
        let head = self.layers.len() - 1;
        self.backward(backend, settings, |index, Layer { weights, bias }, values| {
            let learning_rate = if index < head { settings.layer_rate * of_head } else { of_head };
            let step = match settings.optimizer {
                Optimizer::Adam => Step::Adam { learning_rate, taken },
                Optimizer::Sgd => Step::Momentum { learning_rate, momentum: settings.momentum },
            };
            weights.update.descend(backend, step, settings.weight_decay, &[(1.0, values)], &mut weights.value);
            bias.update.descend_bias(backend, step, &[(1.0, values[1])], &mut bias.value);
            if settings.max_norm > 0.0 {
                backend.limit_norms(settings.max_norm, &mut weights.value);
            }
        });
    }

    /// Forms the gradient of the minibatch that lies in [`Net::input`], with the units left out that the draws say; adds to `totals` (1 × 2) the sum
    /// of the cross-entropies in nats against the smoothed targets and the number of right answers.
    pub fn form_gradient(
        &mut self,
        backend: &B,
        settings: &Backpropagation,
        draws: Draws<'_>,
        labels: &[u16],
        totals: &mut B::Tensor,
    ) {
        self.forward(backend, Some(Dropout::of(settings, draws)));
        self.score(backend, labels, settings.label_smoothing, totals);
        self.backward(backend, settings, |_, Layer { weights, bias }, values| {
            backend.outer(0.0, &[(1.0, values)], &mut weights.update.gradient);
            if settings.weight_decay > 0.0 {
                backend.add_scaled(settings.weight_decay, &weights.value, &mut weights.update.gradient);
            }
            backend.column_sums(0.0, &[(1.0, values[1])], &mut bias.update.gradient);
        });
    }

    /// Computes every layer's outputs from the input.
    fn forward(&mut self, backend: &B, dropout: Option<Dropout<'_>>) {
        let leave_out = |rate: f32, layer: u8, values: &mut B::Tensor| {
            if let Some(Dropout { draws, .. }) = dropout.filter(|_| rate > 0.0) {
                backend.dropout(Draws { stream: Stream { layer, ..draws.stream }, ..draws }, rate, values);
            }
        };
        let (of_hidden, of_input) = dropout.map_or((0.0, 0.0), |dropout| (dropout.hidden, dropout.input));
        leave_out(of_input, INPUT, &mut self.input);
        let head = self.layers.len() - 1;
        for (index, layer) in self.layers.iter().enumerate() {
            let (below, above) = self.outputs.split_at_mut(index);
            let (input, out) = (below.last().unwrap_or(&self.input), &mut above[0]);
            let link = if index < head { self.link } else { Link::Identity };
            backend.affine(Direction::Up, &layer.weights.value, Some(&layer.bias.value), link, input, out);
            if index < head {
                leave_out(of_hidden, index as u8, out);
            }
        }
    }

    /// Scores to the gradient of their mean cross-entropy, whose sum and the number of right answers are added to `totals`.
    fn score(&mut self, backend: &B, labels: &[u16], smoothing: f32, totals: &mut B::Tensor) {
        if let Some(scores) = self.outputs.last_mut() {
            backend.softmax_cross_entropy(labels, smoothing, scores, totals);
        }
    }

    /// Back-propagates the gradient of the scores: `learn` is given every layer that learns, by number from the head down, and its inputs and the
    /// gradient of its outputs. It may change the layer, which has been gone through by then.
    fn backward(
        &mut self,
        backend: &B,
        settings: &Backpropagation,
        mut learn: impl FnMut(usize, &mut Layer<B>, [&B::Tensor; 2]),
    ) {
        let frozen = self.frozen(settings);
        let Self { layers, link, input, outputs, delta, .. } = self;
        for (index, layer) in layers.iter_mut().enumerate().skip(frozen).rev() {
            let (below, above) = outputs.split_at_mut(index);
            let current = &above[0];
            let is_lowest = index == frozen;
            if let Some(below) = below.last().filter(|_| !is_lowest) {
                let units = (*link, 1.0 - settings.dropout);
                backend.affine_backward(Direction::Down, &layer.weights.value, current, units, below, delta);
            }
            learn(index, layer, [below.last().unwrap_or(input), current]);
            if let Some(below) = below.last_mut().filter(|_| !is_lowest) {
                std::mem::swap(below, delta);
            }
        }
    }

    /// How many layers, from the lowest, stay as they are.
    fn frozen(&self, settings: &Backpropagation) -> usize {
        if settings.layer_rate > 0.0 { 0 } else { self.layers.len() - 1 }
    }

    /// Sum of the cross-entropies in nats and number of right answers over a whole split, `labels` being a class for each sample. Fails when the samples
    /// cannot be read.
    pub fn evaluate(&mut self, backend: &B, inputs: &mut Source<'_, B>, labels: &[u16]) -> Result<[f32; 2], Error> {
        let mut totals = backend.zeros(1, 2);
        let rows: Vec<u32> = (0..inputs.rows() as u32).collect();
        let (rows, labels) = (backend.ranks().part(&rows), backend.ranks().part(labels));
        let at_once = backend.rows_at_once(inputs.visible());
        for (piece, labels) in rows.chunks(at_once).zip(labels.chunks(at_once)) {
            inputs.gather(backend, piece, &mut self.input)?;
            self.forward(backend, None);
            self.score(backend, labels, 0.0, &mut totals);
        }
        backend.sum_over_ranks(&mut totals);
        let totals = backend.download(&totals);
        Ok([totals[0], totals[1]])
    }

    /// Every parameter with its name.
    pub(super) fn parameters(&mut self) -> impl Iterator<Item = (String, &mut Trained<B>)> {
        self.layers.iter_mut().enumerate().flat_map(|(index, Layer { weights, bias })| {
            [(format!("layer{index}.weights"), weights), (format!("layer{index}.bias"), bias)]
        })
    }

    /// One tensor of every parameter: of the hidden layers, then of the head.
    pub(super) fn collect(&self, backend: &B, tensor: impl Fn(&Trained<B>) -> &B::Tensor) -> Vec<AffineParameters> {
        let download = |layer: &Layer<B>| AffineParameters {
            weights: backend.download(tensor(&layer.weights)),
            bias: backend.download(tensor(&layer.bias)),
        };
        self.layers.iter().map(download).collect()
    }

    /// Parameters and moments.
    pub(super) fn snapshot(&mut self, backend: &B, position: Position) -> Snapshot {
        let mut snapshot = Snapshot::at(position);
        for (name, parameter) in self.parameters() {
            snapshot.put(backend, &name, &parameter.value);
            parameter.update.save(backend, &name, &mut snapshot);
        }
        snapshot
    }

    /// What [`Net::snapshot`] saved. Fails when it is of another net.
    pub(super) fn restore(&mut self, backend: &B, snapshot: &Snapshot) -> Result<(), Error> {
        self.parameters().try_for_each(|(name, parameter)| {
            snapshot.restore(backend, &name, &mut parameter.value)?;
            parameter.update.load(backend, &name, snapshot)
        })
    }
}
