//! Fine-tuning by back-propagation: the stack's recognition pass with a softmax head, trained to name the class.

use super::distort::{Distortion, distorted};
use super::{Epoch, Monitor, Trained, order, pieces};
use crate::Error;
use crate::backend::{Backend, Direction, Draws, Link, Step};
use crate::data::{Batch, Dataset, Split};
use crate::parameters::{HeadParameters, Parameters, RbmParameters};
use ebm_core::rng::{Purpose, Stream};

/// Settings of back-propagation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backpropagation {
    /// Passes over the data.
    pub epochs: usize,
    /// Samples of a minibatch.
    pub batch_size: usize,
    /// Adam's step at the start; it falls linearly to zero over the run.
    pub learning_rate: f32,
    /// `λ` of the L2 penalty `λ/2·‖W‖²`.
    pub weight_decay: f32,
    /// Distortion of the training images, new in every epoch; data that are no images stay as they are.
    pub distortion: Distortion,
    /// Probability that a hidden unit is left out of a step (Srivastava et al. 2014).
    pub dropout: f32,
}

/// Weights and bias of a layer being trained.
struct Layer<B: Backend> {
    weights: Trained<B>,
    bias: Trained<B>,
}

/// A classifier being trained, and the activations of its minibatch.
struct Classifier<B: Backend> {
    layers: Vec<Layer<B>>,
    /// Outputs of every layer but the head.
    activations: Vec<B::Tensor>,
    scores: B::Tensor,
    deltas: [B::Tensor; 2],
}

/// Bound of Glorot & Bengio's (2010) uniform initial weights.
fn glorot(inputs: usize, outputs: usize) -> f32 {
    (6.0 / (inputs + outputs) as f32).sqrt()
}

/// A head with random weights for `classes` classes over `inputs` inputs.
pub fn start_head(seed: u64, layer: u8, inputs: usize, classes: usize) -> HeadParameters {
    let weights = order::uniform(seed, layer, inputs * classes, glorot(inputs, classes));
    HeadParameters { weights, bias: vec![0.0; classes] }
}

/// A stack that was not pretrained: Glorot & Bengio's initial weights for sigmoid units (4 times those for tanh), zero biases.
pub fn start_stack(seed: u64, visible: usize, hidden: &[usize]) -> Vec<RbmParameters> {
    let inputs = std::iter::once(visible).chain(hidden.iter().copied());
    let start = |((layer, &outputs), inputs): ((u8, &usize), usize)| RbmParameters {
        weights: order::uniform(seed, layer, inputs * outputs, 4.0 * glorot(inputs, outputs)),
        visible_bias: vec![0.0; inputs],
        hidden_bias: vec![0.0; outputs],
    };
    (0u8..).zip(hidden).zip(inputs).map(start).collect()
}

impl<B: Backend> Classifier<B> {
    fn new(backend: &B, layers: &[RbmParameters], head: &HeadParameters) -> Self {
        let layer = |weights: &[f32], bias: &[f32]| Layer {
            weights: Trained::new(backend, bias.len(), weights.len() / bias.len().max(1), weights),
            bias: Trained::new(backend, 1, bias.len(), bias),
        };
        let mut all: Vec<_> = layers.iter().map(|rbm| layer(&rbm.weights, &rbm.hidden_bias)).collect();
        all.push(layer(&head.weights, &head.bias));
        Self {
            layers: all,
            activations: layers.iter().map(|_| backend.zeros(0, 0)).collect(),
            scores: backend.zeros(0, 0),
            deltas: [backend.zeros(0, 0), backend.zeros(0, 0)],
        }
    }

    /// Computes activations and scores of `input`; with `dropout`, hidden units are left out by those draws.
    fn forward(&mut self, backend: &B, input: &B::Tensor, dropout: Option<(f32, Draws<'_>)>) {
        for (index, layer) in self.layers.iter().enumerate() {
            let (below, above) = self.activations.split_at_mut(index);
            let source = below.last().unwrap_or(input);
            let bias = Some(&layer.bias.value);
            match above.first_mut() {
                None => {
                    let link = Link::Identity;
                    backend.affine(Direction::Up, &layer.weights.value, bias, link, source, &mut self.scores);
                }
                Some(out) => {
                    backend.affine(Direction::Up, &layer.weights.value, bias, Link::Sigmoid, source, out);
                    if let Some((rate, draws)) = dropout {
                        let stream = Stream { layer: index as u8, ..draws.stream };
                        backend.dropout(Draws { stream, ..draws }, rate, out);
                    }
                }
            }
        }
    }

    /// Back-propagates the gradient in `scores` to every layer's parameters.
    fn backward(&mut self, backend: &B, input: &B::Tensor, settings: &Backpropagation) {
        let [current, next] = &mut self.deltas;
        std::mem::swap(&mut self.scores, current);
        for (index, layer) in self.layers.iter_mut().enumerate().rev() {
            let below = index.checked_sub(1).map(|index| &self.activations[index]);
            backend.outer(0.0, 1.0, below.unwrap_or(input), current, &mut layer.weights.gradient);
            backend.add_scaled(settings.weight_decay, &layer.weights.value, &mut layer.weights.gradient);
            backend.column_sums(0.0, 1.0, current, &mut layer.bias.gradient);
            if let Some(below) = below {
                backend.affine(Direction::Down, &layer.weights.value, None, Link::Identity, current, next);
                backend.sigmoid_backward(1.0 - settings.dropout, below, next);
                std::mem::swap(current, next);
            }
        }
    }

    fn step(&mut self, backend: &B, step: Step) {
        for layer in &mut self.layers {
            layer.weights.step(backend, step);
            layer.bias.step(backend, step);
        }
    }

    /// Mean cross-entropy in nats and accuracy over a whole split.
    fn evaluate(&mut self, backend: &B, inputs: &B::Tensor, labels: &[u8]) -> (f64, f64) {
        let mut totals = backend.zeros(1, 2);
        let mut batch = backend.zeros(0, 0);
        for piece in pieces(labels.len()) {
            backend.gather(inputs, &piece, &mut batch);
            self.forward(backend, &batch, None);
            backend.softmax_cross_entropy(&labels_of(labels, &piece), &mut self.scores, &mut totals);
        }
        let totals = backend.download(&totals);
        let mean = |total: f32| f64::from(total) / labels.len() as f64;
        (mean(totals[0]), mean(totals[1]))
    }
}

fn labels_of(labels: &[u8], samples: &[u32]) -> Vec<u8> {
    samples.iter().map(|&sample| labels[sample as usize]).collect()
}

/// Multiply-adds of [`finetune`].
pub fn cost(settings: &Backpropagation, hidden: &[usize], dataset: &Dataset) -> u64 {
    let widths = std::iter::once(dataset.train.inputs.visible).chain(hidden.iter().copied());
    let outputs = hidden.iter().copied().chain([dataset.classes.len()]);
    let sample: usize = widths.zip(outputs).map(|(inputs, outputs)| inputs * outputs).sum();
    let (rows, test_rows) = (dataset.train.inputs.rows(), dataset.test.inputs.rows());
    (settings.epochs * sample * (3 * rows + rows + test_rows)) as u64
}

/// Trains `layers` with a fresh head to classify, and reports each epoch under the name `stage`.
/// The machines' visible biases, which a recognition pass does not use, stay as they are.
pub fn finetune<B: Backend>(
    backend: &B,
    settings: &Backpropagation,
    seed: u64,
    stage: &str,
    layers: Vec<RbmParameters>,
    dataset: &Dataset,
    monitor: &mut dyn Monitor,
) -> Result<Parameters, Error> {
    let upload = |batch: &Batch| backend.upload(batch.rows(), batch.visible, &batch.values);
    let (train, test) = (upload(&dataset.train.inputs), upload(&dataset.test.inputs));
    let top = layers.last().map_or(dataset.train.inputs.visible, |rbm| rbm.hidden_bias.len());
    let head_layer = layers.len() as u8;
    let head = start_head(seed, head_layer, top, dataset.classes.len());
    let mut net = Classifier::new(backend, &layers, &head);

    let rows = dataset.train.inputs.rows();
    let steps = settings.epochs * rows.div_ceil(settings.batch_size.max(1));
    let widths: Vec<usize> = layers.iter().map(|rbm| rbm.hidden_bias.len()).collect();
    let one_epoch = cost(&Backpropagation { epochs: 1, ..*settings }, &widths, dataset);
    let mut batch = backend.zeros(0, 0);
    let mut losses = backend.zeros(1, 2);
    let mut taken = 0u32;
    for epoch in 1..=settings.epochs {
        let seen = match dataset.image {
            Some(shape) => &upload(&distorted(&dataset.train.inputs, shape, settings.distortion, seed, epoch)),
            None => &train,
        };
        for samples in order::shuffled(seed, head_layer, epoch, rows).chunks(settings.batch_size) {
            backend.gather(seen, samples, &mut batch);
            let stream = Stream { step: taken, ..Stream::new(Purpose::Dropout) };
            let dropout = (settings.dropout > 0.0).then_some((settings.dropout, Draws { seed, stream, samples }));
            net.forward(backend, &batch, dropout);
            let labels = labels_of(&dataset.train.labels, samples);
            backend.softmax_cross_entropy(&labels, &mut net.scores, &mut losses);
            net.backward(backend, &batch, settings);
            let learning_rate = settings.learning_rate * (1.0 - taken as f32 / steps as f32);
            net.step(backend, Step::Adam { learning_rate, taken });
            taken += 1;
        }
        let measure =
            |net: &mut Classifier<B>, inputs: &B::Tensor, split: &Split| net.evaluate(backend, inputs, &split.labels);
        let (train_loss, train_accuracy) = measure(&mut net, &train, &dataset.train);
        let (test_loss, test_accuracy) = measure(&mut net, &test, &dataset.test);
        monitor.advance(one_epoch);
        if !train_loss.is_finite() {
            return Err(Error::Diverged { stage: stage.to_owned(), epoch, flag: "--finetune-learning-rate" });
        }
        monitor.epoch(&Epoch {
            stage: stage.to_owned(),
            epoch,
            train_loss,
            test_loss,
            train_accuracy: Some(train_accuracy),
            test_accuracy: Some(test_accuracy),
        });
    }
    Ok(collect(backend, &net, layers, |parameter| &parameter.value))
}

/// Mean cross-entropy of `parameters` over a labelled batch in nats, and its gradient by back-propagation, without dropout,
/// plus that of the weight decay. The machines' visible biases take no part: their gradient is zero.
pub fn gradient<B: Backend>(
    backend: &B,
    settings: &Backpropagation,
    parameters: &Parameters,
    batch: &Split,
) -> Option<(f64, Parameters)> {
    let mut net = Classifier::new(backend, &parameters.layers, parameters.head.as_ref()?);
    let inputs = backend.upload(batch.inputs.rows(), batch.inputs.visible, &batch.inputs.values);
    let mut totals = backend.zeros(1, 2);
    net.forward(backend, &inputs, None);
    backend.softmax_cross_entropy(&batch.labels, &mut net.scores, &mut totals);
    net.backward(backend, &inputs, &Backpropagation { dropout: 0.0, ..*settings });
    let loss = f64::from(backend.download(&totals)[0]) / batch.labels.len() as f64;
    let still = |rbm: &RbmParameters| RbmParameters { visible_bias: vec![0.0; rbm.visible_bias.len()], ..rbm.clone() };
    let layers = parameters.layers.iter().map(still).collect();
    Some((loss, collect(backend, &net, layers, |parameter| &parameter.gradient)))
}

/// One tensor of every parameter of the net, with the visible biases of `layers`.
fn collect<B: Backend>(
    backend: &B,
    net: &Classifier<B>,
    layers: Vec<RbmParameters>,
    tensor: impl Fn(&Trained<B>) -> &B::Tensor,
) -> Parameters {
    let download = |layer: &Layer<B>| (backend.download(tensor(&layer.weights)), backend.download(tensor(&layer.bias)));
    let trained = net.layers.iter().zip(layers).map(|(layer, start)| {
        let (weights, hidden_bias) = download(layer);
        RbmParameters { weights, visible_bias: start.visible_bias, hidden_bias }
    });
    let layers = trained.collect();
    let head = net.layers.last().map(|layer| {
        let (weights, bias) = download(layer);
        HeadParameters { weights, bias }
    });
    Parameters { layers, head }
}
