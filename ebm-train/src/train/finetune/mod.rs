//! Fine-tuning by back-propagation: a recognition pass with a softmax head, trained to name the class.

mod net;
mod settings;
mod start;
mod stopping;

pub use settings::Backpropagation;
pub use start::{Recognition, machine_over_inputs, start_head};

use super::distort::distorted;
use super::effort::Effort;
use super::snapshot::{Position, Snapshot};
use super::source::Source;
use super::{Epoch, Monitor, order};
use crate::Error;
use crate::backend::{Backend, Draws};
use crate::data::{Batch, Dataset, Split};
use crate::parameters::{AffineParameters, ClassifierParameters, RbmParameters};
use ebm_core::HiddenKind;
pub use net::Net;
use std::collections::BTreeMap;
use stopping::Best;

/// The flag that is at fault when a net leaves the finite numbers.
pub(super) const DIVERGED: &str = "--finetune-learning-rate";

/// What fine-tuning made.
#[derive(Clone, Debug, PartialEq)]
pub struct Finetuned {
    /// Hidden layers of the recognition pass, from the input up.
    pub layers: Vec<AffineParameters>,
    /// What their units are.
    pub hidden: HiddenKind,
    /// The softmax head.
    pub head: AffineParameters,
    /// The epoch whose parameters these are: the best on the validation split with early stopping, else the last.
    pub kept_epoch: usize,
}

impl Finetuned {
    /// The net with the machine that gives it free energies, if there is one.
    pub fn into_classifier(self, machine: Option<RbmParameters>) -> ClassifierParameters {
        let Self { layers, hidden, head, .. } = self;
        ClassifierParameters { machine, layers, hidden, head }
    }
}

/// Multiply-adds of [`finetune`].
pub fn cost(settings: &Backpropagation, hidden: &[usize], dataset: &Dataset) -> u64 {
    settings.epochs as u64 * epoch_cost(settings, hidden, dataset).iter().sum::<u64>()
}

/// Of an epoch: learning and measuring.
fn epoch_cost(settings: &Backpropagation, hidden: &[usize], dataset: &Dataset) -> [u64; 2] {
    let widths = std::iter::once(dataset.train.inputs.visible()).chain(hidden.iter().copied());
    let outputs = hidden.iter().copied().chain([dataset.classes.len()]);
    let sample: usize = widths.zip(outputs).map(|(inputs, outputs)| inputs * outputs).sum();
    let rows = |split: &Split| split.inputs.rows();
    let measured = rows(&dataset.train) + rows(&dataset.validation) + rows(&dataset.test);
    // Up, down, and the gradient; of a net whose layers stay as they are, up alone.
    let of_step = if settings.layer_rate > 0.0 { 3 } else { 1 };
    [of_step * rows(&dataset.train), measured].map(|passes| (sample * passes) as u64)
}

/// Trains the layers of `start` with a fresh head to classify, and reports each epoch under the name `stage`.
///
/// Fails when a setting cannot be meant, samples have no labels or miss values, early stopping has no validation split, or the loss leaves the
/// finite numbers.
pub fn finetune<B: Backend>(
    backend: &B,
    settings: &Backpropagation,
    seed: u64,
    stage: &str,
    start: &Recognition,
    dataset: &Dataset,
    monitor: &mut dyn Monitor,
) -> Result<Finetuned, Error> {
    settings.check()?;
    check_data(settings, dataset)?;
    let mut splits = Splits::new(backend, dataset)?;
    let rows = dataset.train.inputs.rows();
    let top = start.layers.last().map_or(dataset.train.inputs.visible(), |layer| layer.bias.len());
    let head_layer = start.layers.len() as u8;
    let head = start_head(seed, head_layer, top, dataset.classes.len());
    let mut net = Net::new(backend, start, &head);
    let mut best = (settings.patience > 0).then(|| Best::new(backend, &mut net));

    let batches = rows.div_ceil(settings.batch_size);
    let effort = Effort::new(batches, epoch_cost(settings, &start.widths(), dataset));
    // An epoch is measured at its end, over all samples and without dropout; what its steps saw is not reported.
    let mut unread = backend.zeros(1, 2);
    let mut position = Position::default();
    if let Some(snapshot) = monitor.begin(stage)? {
        net.restore(backend, &snapshot)?;
        if let Some(best) = &mut best {
            best.load(backend, &mut net, &snapshot)?;
        }
        position = snapshot.position;
        monitor.skip(effort.before(position));
    }
    let is_over = |position: Position, best: &Option<Best<B>>| {
        let waited = best.as_ref().map_or(0, |best| position.epochs - best.epoch().min(position.epochs));
        position.epochs >= settings.epochs || best.is_some() && waited >= settings.patience
    };
    while !is_over(position, &best) {
        let epoch = position.epochs + 1;
        let samples = order::shuffled(seed, head_layer, epoch, rows);
        for samples in samples.chunks(settings.batch_size).skip(position.batches) {
            let taken = (position.epochs * batches + position.batches) as u32;
            splits.minibatch(backend, settings, (seed, epoch), samples, net.input())?;
            let at = (seed, taken, taken as f32 / batches as f32);
            net.learn(backend, settings, at, (samples, &dataset.train.labels), &mut unread);
            position.batches += 1;
            effort.tell(position.batches, monitor);
            if position.batches < batches {
                monitor.batch(stage, &mut || {
                    snapshot(backend, &mut net, &best, position).finite(backend, stage, DIVERGED)
                })?;
            }
        }
        position = Position { epochs: epoch, batches: 0 };
        let (figures, validation) = splits.measure(backend, &mut net, stage, epoch)?;
        let figures = Epoch { epochs: Some(settings.epochs), ..figures };
        monitor.advance(effort.rest);
        backend.check()?;
        if !figures.train_loss.is_finite() {
            return Err(Error::Diverged { stage: stage.to_owned(), epoch, flag: DIVERGED });
        }
        if let Some(best) = &mut best {
            best.consider(backend, epoch, validation, &mut net);
        }
        monitor.epoch(&figures)?;
        monitor.batch(stage, &mut || snapshot(backend, &mut net, &best, position).finite(backend, stage, DIVERGED))?;
    }
    monitor.skip(effort.epochs(settings.epochs.saturating_sub(position.epochs)));
    monitor.end(stage, snapshot(backend, &mut net, &best, position).finite(backend, stage, DIVERGED)?)?;
    if let Some(best) = &best {
        best.give_back(backend, &mut net);
    }
    let mut layers = net.collect(backend, |parameter| &parameter.value);
    let head = layers.pop().unwrap_or(head);
    Ok(Finetuned { layers, hidden: start.hidden, head, kept_epoch: best.map_or(position.epochs, |best| best.epoch()) })
}

fn snapshot<B: Backend>(backend: &B, net: &mut Net<B>, best: &Option<Best<B>>, position: Position) -> Snapshot {
    let mut snapshot = net.snapshot(backend, position);
    if let Some(best) = best {
        best.save(backend, net, &mut snapshot);
    }
    snapshot
}

/// Fails unless back-propagation can learn from these samples.
fn check_data(settings: &Backpropagation, dataset: &Dataset) -> Result<(), Error> {
    let Dataset { name, classes, train, validation, .. } = dataset;
    if train.labels.is_empty() || classes.is_empty() {
        return Err(Error::data(name, "has no labels; fine-tuning needs one for each training sample".into()));
    }
    if settings.patience > 0 && validation.labels.is_empty() {
        let (flag, expected) = ("--patience", "0, or a validation split with labels (--validation)");
        return Err(Error::Flag { flag, value: settings.patience.to_string(), expected });
    }
    for (part, split) in [("training", train), ("validation", validation), ("test", &dataset.test)] {
        dataset.check_complete(part, split, "back-propagation")?;
    }
    Ok(())
}

/// The data set's splits on the backend.
struct Splits<'a, B: Backend> {
    dataset: &'a Dataset,
    train: Source<'a, B>,
    validation: Source<'a, B>,
    test: Source<'a, B>,
    images: Batch,
    /// Of the training labels: see [`chance`].
    chance: Option<[f64; 2]>,
}

impl<'a, B: Backend> Splits<'a, B> {
    fn new(backend: &B, dataset: &'a Dataset) -> Result<Self, Error> {
        let source = |split: &'a Split| Source::new(backend, &split.inputs, &[], None);
        Ok(Self {
            train: source(&dataset.train)?,
            validation: source(&dataset.validation)?,
            test: source(&dataset.test)?,
            dataset,
            images: Batch::default(),
            chance: chance(&dataset.train.labels),
        })
    }

    /// `out` becomes this rank's part of the training samples `samples`; of images, distorted as `settings` say.
    fn minibatch(
        &mut self,
        backend: &B,
        settings: &Backpropagation,
        (seed, epoch): (u64, usize),
        samples: &[u32],
        out: &mut B::Tensor,
    ) -> Result<(), Error> {
        let samples = backend.ranks().part(samples);
        let Some((shape, distortion)) = self.dataset.image.zip(settings.distortion()) else {
            return self.train.gather(backend, samples, out);
        };
        self.dataset.train.inputs.gather(samples, &mut self.images)?;
        let images = distorted(&self.images, samples, shape, distortion, seed, epoch);
        *out = backend.upload(images.rows(), images.visible, &images.values);
        Ok(())
    }

    /// Figures of an epoch, and what [`Best::consider`] takes.
    fn measure(
        &mut self,
        backend: &B,
        net: &mut Net<B>,
        stage: &str,
        epoch: usize,
    ) -> Result<(Epoch, [f32; 2]), Error> {
        let Self { dataset, train, validation, test, chance, .. } = self;
        let mut measure = |source, split: &Split| net.evaluate(backend, source, &split.labels);
        let [of_train, of_validation, of_test] =
            [measure(train, &dataset.train)?, measure(validation, &dataset.validation)?, measure(test, &dataset.test)?];
        let mean =
            |sum: f32, split: &Split| (!split.labels.is_empty()).then(|| f64::from(sum) / split.labels.len() as f64);
        let figures = Epoch {
            stage: stage.to_owned(),
            epoch,
            train_loss: mean(of_train[0], &dataset.train).unwrap_or(0.0),
            validation_loss: mean(of_validation[0], &dataset.validation),
            test_loss: mean(of_test[0], &dataset.test),
            train_accuracy: mean(of_train[1], &dataset.train),
            chance_accuracy: chance.map(|[accuracy, _]| accuracy),
            chance_loss: chance.map(|[_, loss]| loss),
            validation_accuracy: mean(of_validation[1], &dataset.validation),
            test_accuracy: mean(of_test[1], &dataset.test),
            ..Epoch::default()
        };
        Ok((figures, of_validation))
    }
}

/// What a classifier that never looks at its inputs reaches over these labels: the share of the most frequent one, by that answer, and the cross-entropy in
/// nats of their shares `p`, `−Σ p ln p`; `None` without any.
fn chance(labels: &[u16]) -> Option<[f64; 2]> {
    let mut counts = BTreeMap::new();
    labels.iter().for_each(|label| *counts.entry(label).or_insert(0u32) += 1);
    let shares = counts.values().map(|&count| f64::from(count) / labels.len() as f64);
    let most = shares.clone().max_by(f64::total_cmp)?;
    Some([most, shares.map(|share| -share * share.ln()).sum()])
}

/// Mean cross-entropy over a labelled batch in nats against the smoothed targets, and its gradient by back-propagation in every layer and,
/// last, the head, plus that of the weight decay; with the units left out that the draws say.
pub fn gradient<B: Backend>(
    backend: &B,
    settings: &Backpropagation,
    start: &Recognition,
    head: &AffineParameters,
    (batch, labels): (&Batch, &[u16]),
    draws: Draws<'_>,
) -> (f64, Vec<AffineParameters>) {
    let mut net = Net::new(backend, start, head);
    *net.input() = backend.upload(batch.rows(), batch.visible, &batch.values);
    let mut totals = backend.zeros(1, 2);
    net.form_gradient(backend, settings, draws, labels, &mut totals);
    let loss = f64::from(backend.download(&totals)[0]) / labels.len().max(1) as f64;
    (loss, net.collect(backend, |parameter| &parameter.update.gradient))
}
