//! Fine-tuning by back-propagation: the stack's recognition pass with a softmax head, trained to name the class.

use super::distort::{Distortion, distorted};
use super::snapshot::{Position, Snapshot};
use super::source::Source;
use super::{Epoch, Monitor, Update, order};
use crate::Error;
use crate::backend::{Backend, Direction, Draws, Link, Step};
use crate::data::{Batch, Dataset, PIECE_ROWS, Samples};
use crate::parameters::{AffineParameters, RbmParameters};
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

/// A parameter and what its steps need.
struct Trained<B: Backend> {
    value: B::Tensor,
    update: Update<B>,
}

impl<B: Backend> Trained<B> {
    fn new(backend: &B, rows: usize, columns: usize, values: &[f32]) -> Self {
        Self { value: backend.upload(rows, columns, values), update: Update::new(backend, [rows, columns]) }
    }

    fn step(&mut self, backend: &B, step: Step) {
        self.update.step(backend, step, &mut self.value);
    }
}

/// A classifier being trained, and the activations of its minibatch.
struct Classifier<B: Backend> {
    layers: Vec<Layer<B>>,
    head: Layer<B>,
    /// Outputs of every layer.
    activations: Vec<B::Tensor>,
    scores: B::Tensor,
    deltas: [B::Tensor; 2],
}

/// Bound of Glorot & Bengio's (2010) uniform initial weights.
fn glorot(inputs: usize, outputs: usize) -> f32 {
    (6.0 / (inputs + outputs) as f32).sqrt()
}

/// A head with random weights for `classes` classes over `inputs` inputs.
pub fn start_head(seed: u64, layer: u8, inputs: usize, classes: usize) -> AffineParameters {
    let weights = order::uniform(seed, layer, inputs * classes, glorot(inputs, classes));
    AffineParameters { weights, bias: vec![0.0; classes] }
}

/// A stack that was not pretrained: Glorot & Bengio's initial weights for sigmoid units (4 times those for tanh), zero biases.
/// A layer's draws are those that pretraining scales to its own start, so both begin from the same direction.
pub fn start_stack(seed: u64, visible: usize, hidden: &[usize]) -> Vec<AffineParameters> {
    let inputs = std::iter::once(visible).chain(hidden.iter().copied());
    let start = |((layer, &outputs), inputs): ((u8, &usize), usize)| AffineParameters {
        weights: order::uniform(seed, layer, inputs * outputs, 4.0 * glorot(inputs, outputs)),
        bias: vec![0.0; outputs],
    };
    (0u8..).zip(hidden).zip(inputs).map(start).collect()
}

impl<B: Backend> Classifier<B> {
    fn new(backend: &B, layers: &[AffineParameters], head: &AffineParameters) -> Self {
        let layer = |AffineParameters { weights, bias }: &AffineParameters| Layer {
            weights: Trained::new(backend, bias.len(), weights.len() / bias.len().max(1), weights),
            bias: Trained::new(backend, 1, bias.len(), bias),
        };
        Self {
            layers: layers.iter().map(layer).collect(),
            head: layer(head),
            activations: layers.iter().map(|_| backend.zeros(0, 0)).collect(),
            scores: backend.zeros(0, 0),
            deltas: [backend.zeros(0, 0), backend.zeros(0, 0)],
        }
    }

    /// Computes activations and scores of `input`; with `dropout`, hidden units are left out by those draws.
    fn forward(&mut self, backend: &B, input: &B::Tensor, dropout: Option<(f32, Draws<'_>)>) {
        let up = |layer: &Layer<B>, link, input: &B::Tensor, out: &mut B::Tensor| {
            backend.affine(Direction::Up, &layer.weights.value, Some(&layer.bias.value), link, input, out);
        };
        for (index, layer) in self.layers.iter().enumerate() {
            let (below, above) = self.activations.split_at_mut(index);
            up(layer, Link::Sigmoid, below.last().unwrap_or(input), &mut above[0]);
            if let Some((rate, draws)) = dropout {
                let stream = Stream { layer: index as u8, ..draws.stream };
                backend.dropout(Draws { stream, ..draws }, rate, &mut above[0]);
            }
        }
        up(&self.head, Link::Identity, self.activations.last().unwrap_or(input), &mut self.scores);
    }

    /// Back-propagates the gradient in `scores` to every layer's parameters.
    fn backward(&mut self, backend: &B, input: &B::Tensor, settings: &Backpropagation) {
        let [current, next] = &mut self.deltas;
        std::mem::swap(&mut self.scores, current);
        let below = self.activations.iter().rev().map(Some).chain([None]);
        for (layer, below) in self.layers.iter_mut().chain([&mut self.head]).rev().zip(below) {
            backend.outer(0.0, 1.0, below.unwrap_or(input), current, &mut layer.weights.update.gradient);
            backend.add_scaled(settings.weight_decay, &layer.weights.value, &mut layer.weights.update.gradient);
            backend.column_sums(0.0, 1.0, current, &mut layer.bias.update.gradient);
            if let Some(below) = below {
                backend.affine(Direction::Down, &layer.weights.value, None, Link::Identity, current, next);
                backend.sigmoid_backward(1.0 - settings.dropout, below, next);
                std::mem::swap(current, next);
            }
        }
    }

    fn step(&mut self, backend: &B, step: Step) {
        for layer in self.layers.iter_mut().chain([&mut self.head]) {
            layer.weights.step(backend, step);
            layer.bias.step(backend, step);
        }
    }

    /// Mean cross-entropy in nats and accuracy over a whole split.
    fn evaluate(&mut self, backend: &B, inputs: &mut Source<'_, B>, labels: &[u16]) -> Result<(f64, f64), Error> {
        let mut totals = backend.zeros(1, 2);
        let mut batch = backend.zeros(0, 0);
        let rows: Vec<u32> = (0..inputs.rows() as u32).collect();
        for piece in rows.chunks(PIECE_ROWS) {
            inputs.gather(backend, piece, &mut batch)?;
            self.forward(backend, &batch, None);
            backend.softmax_cross_entropy(&labels_of(labels, piece), &mut self.scores, &mut totals);
        }
        let totals = backend.download(&totals);
        let mean = |total: f32| f64::from(total) / labels.len().max(1) as f64;
        Ok((mean(totals[0]), mean(totals[1])))
    }

    fn parameters(&mut self) -> impl Iterator<Item = (String, &mut Trained<B>)> {
        let layers = self.layers.iter_mut().chain([&mut self.head]).enumerate();
        layers.flat_map(|(index, Layer { weights, bias })| {
            [(format!("layer{index}.weights"), weights), (format!("layer{index}.bias"), bias)]
        })
    }

    fn snapshot(&mut self, backend: &B, position: Position) -> Snapshot {
        let mut snapshot = Snapshot::at(position);
        for (name, parameter) in self.parameters() {
            snapshot.put(backend, &name, &parameter.value);
            parameter.update.save(backend, &name, &mut snapshot);
        }
        snapshot
    }

    fn restore(&mut self, backend: &B, snapshot: &Snapshot) -> Result<(), Error> {
        self.parameters().try_for_each(|(name, parameter)| {
            snapshot.restore(backend, &name, &mut parameter.value)?;
            parameter.update.load(backend, &name, snapshot)
        })
    }
}

fn labels_of(labels: &[u16], samples: &[u32]) -> Vec<u16> {
    samples.iter().map(|&sample| labels[sample as usize]).collect()
}

/// Multiply-adds of [`finetune`].
pub fn cost(settings: &Backpropagation, hidden: &[usize], dataset: &Dataset) -> u64 {
    let widths = std::iter::once(dataset.train.inputs.visible()).chain(hidden.iter().copied());
    let outputs = hidden.iter().copied().chain([dataset.classes.len()]);
    let sample: usize = widths.zip(outputs).map(|(inputs, outputs)| inputs * outputs).sum();
    let (rows, test_rows) = (dataset.train.inputs.rows(), dataset.test.inputs.rows());
    (settings.epochs * sample * (3 * rows + rows + test_rows)) as u64
}

/// The recognition pass of a pretrained stack.
pub fn recognition(machines: &[RbmParameters]) -> Vec<AffineParameters> {
    let up = |rbm: &RbmParameters| AffineParameters { weights: rbm.weights.clone(), bias: rbm.hidden_bias.clone() };
    machines.iter().map(up).collect()
}

/// Trains `layers` with a fresh head to classify, and reports each epoch under the name `stage`; returns them with the head on
/// top.
pub fn finetune<B: Backend>(
    backend: &B,
    settings: &Backpropagation,
    seed: u64,
    stage: &str,
    layers: &[AffineParameters],
    dataset: &Dataset,
    monitor: &mut dyn Monitor,
) -> Result<(Vec<AffineParameters>, AffineParameters), Error> {
    let mut train = Source::new(backend, &dataset.train.inputs, &[], None)?;
    let mut test = Source::new(backend, &dataset.test.inputs, &[], None)?;
    let top = layers.last().map_or(dataset.train.inputs.visible(), |layer| layer.bias.len());
    let head_layer = layers.len() as u8;
    let head = start_head(seed, head_layer, top, dataset.classes.len());
    let mut net = Classifier::new(backend, layers, &head);

    let rows = dataset.train.inputs.rows();
    let batches = rows.div_ceil(settings.batch_size.max(1));
    let steps = settings.epochs * batches;
    let widths: Vec<usize> = layers.iter().map(|layer| layer.bias.len()).collect();
    let one_epoch = cost(&Backpropagation { epochs: 1, ..*settings }, &widths, dataset);
    let mut batch = backend.zeros(0, 0);
    // An epoch is measured at its end, over all samples and without dropout; what its steps saw is not reported.
    let mut unread = backend.zeros(1, 2);
    let mut position = Position::default();
    if let Some(snapshot) = monitor.begin(stage)? {
        net.restore(backend, &snapshot)?;
        position = snapshot.position;
        monitor.advance(one_epoch * position.epochs as u64);
    }
    while position.epochs < settings.epochs {
        let epoch = position.epochs + 1;
        let images = dataset.image.zip(dataset.train.inputs.memory());
        let images: Option<Samples> =
            images.map(|(shape, images)| distorted(images, shape, settings.distortion, seed, epoch).into());
        let mut distorted = images.as_ref().map(|samples| Source::new(backend, samples, &[], None)).transpose()?;
        let samples = order::shuffled(seed, head_layer, epoch, rows);
        for samples in samples.chunks(settings.batch_size).skip(position.batches) {
            let taken = (position.epochs * batches + position.batches) as u32;
            match &mut distorted {
                Some(distorted) => distorted.gather(backend, samples, &mut batch)?,
                None => train.gather(backend, samples, &mut batch)?,
            }
            let stream = Stream { step: taken, ..Stream::new(Purpose::Dropout) };
            let dropout = (settings.dropout > 0.0).then_some((settings.dropout, Draws { seed, stream, samples }));
            net.forward(backend, &batch, dropout);
            let labels = labels_of(&dataset.train.labels, samples);
            backend.softmax_cross_entropy(&labels, &mut net.scores, &mut unread);
            net.backward(backend, &batch, settings);
            let learning_rate = settings.learning_rate * (1.0 - taken as f32 / steps as f32);
            net.step(backend, Step::Adam { learning_rate, taken });
            position.batches += 1;
            if position.batches < batches {
                monitor.batch(stage, &mut || Ok(net.snapshot(backend, position)))?;
            }
        }
        position = Position { epochs: epoch, batches: 0 };
        let (train_loss, train_accuracy) = net.evaluate(backend, &mut train, &dataset.train.labels)?;
        let (test_loss, test_accuracy) = net.evaluate(backend, &mut test, &dataset.test.labels)?;
        monitor.advance(one_epoch);
        if !train_loss.is_finite() {
            return Err(Error::Diverged { stage: stage.to_owned(), epoch, flag: "--finetune-learning-rate" });
        }
        monitor.epoch(&Epoch {
            stage: stage.to_owned(),
            epoch,
            train_loss,
            test_loss: Some(test_loss),
            train_accuracy: Some(train_accuracy),
            test_accuracy: Some(test_accuracy),
            ..Epoch::default()
        })?;
        monitor.batch(stage, &mut || Ok(net.snapshot(backend, position)))?;
    }
    monitor.end(stage, net.snapshot(backend, position))?;
    Ok(collect(backend, &net, |parameter| &parameter.value))
}

/// Mean cross-entropy over a labelled batch in nats, and its gradient by back-propagation in every layer and the head, without
/// dropout, plus that of the weight decay.
pub fn gradient<B: Backend>(
    backend: &B,
    settings: &Backpropagation,
    layers: &[AffineParameters],
    head: &AffineParameters,
    batch: &Batch,
    labels: &[u16],
) -> (f64, (Vec<AffineParameters>, AffineParameters)) {
    let mut net = Classifier::new(backend, layers, head);
    let inputs = backend.upload(batch.rows(), batch.visible, &batch.values);
    let mut totals = backend.zeros(1, 2);
    net.forward(backend, &inputs, None);
    backend.softmax_cross_entropy(labels, &mut net.scores, &mut totals);
    net.backward(backend, &inputs, &Backpropagation { dropout: 0.0, ..*settings });
    let loss = f64::from(backend.download(&totals)[0]) / labels.len() as f64;
    (loss, collect(backend, &net, |parameter| &parameter.update.gradient))
}

/// One tensor of every parameter of the net: of its layers, and of the head.
fn collect<B: Backend>(
    backend: &B,
    net: &Classifier<B>,
    tensor: impl Fn(&Trained<B>) -> &B::Tensor,
) -> (Vec<AffineParameters>, AffineParameters) {
    let download = |layer: &Layer<B>| AffineParameters {
        weights: backend.download(tensor(&layer.weights)),
        bias: backend.download(tensor(&layer.bias)),
    };
    (net.layers.iter().map(download).collect(), download(&net.head))
}
