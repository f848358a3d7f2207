//! Up-down fine-tuning of a stack to generate (Hinton, Osindero & Teh 2006, appendix B): a contrastive version of the wake-sleep algorithm (Hinton et al.
//! 1995).
//!
//! Each layer below the top gets weights of its own for either way. In the wake phase the data's states go up, and generative weights learn to
//! bring each layer back from the one above. The top machine learns as ever, from the states that reach it. In the sleep phase its own states
//! go down, and recognition weights learn to find what each layer was made from.

mod level;
mod net;
mod settings;

pub use settings::UpDown;

use super::effort::Effort;
use super::rbm::{Pace, RbmSettings};
use super::snapshot::Position;
use super::source::Source;
use super::{Epoch, Monitor, order};
use crate::Error;
use crate::backend::Backend;
use crate::data::{Batch, Dataset, Split};
use crate::parameters::DbnParameters;
use net::{FIRST_LAYER, Net};

/// The stage of [`up_down`].
pub const STAGE: &str = "up-down";
/// The flag that is at fault when a stack leaves the finite numbers.
pub(super) const DIVERGED: &str = "--up-down-learning-rate";

/// Multiply-adds of [`up_down`] on a stack with the widths `hidden`. The labels that its top machine may see are few, and not counted.
pub fn cost(settings: &UpDown, hidden: &[usize], dataset: &Dataset) -> u64 {
    settings.epochs as u64 * epoch_cost(settings, hidden, dataset).iter().sum::<u64>()
}

/// Of an epoch: learning and measuring.
fn epoch_cost(settings: &UpDown, hidden: &[usize], dataset: &Dataset) -> [u64; 2] {
    let rows = |split: &Split| split.inputs.rows();
    let measured = rows(&dataset.train) + rows(&dataset.validation) + rows(&dataset.test);
    let Some((&top, below)) = hidden.split_last() else { return [0, 0] };
    let inputs: Vec<usize> = std::iter::once(dataset.train.inputs.visible()).chain(hidden.iter().copied()).collect();
    let weights: usize = inputs.iter().zip(below).map(|(inputs, hidden)| inputs * hidden).sum();
    // Up, its way back and two statistics; down, its way back and two statistics.
    let of_top = RbmSettings { epochs: 1, ..settings.top() }.cost(inputs[below.len()], top, rows(&dataset.train), []);
    [(8 * weights * rows(&dataset.train)) as u64 + of_top, (2 * weights * measured) as u64]
}

/// Fine-tunes a stack of machines to generate, as the stage [`STAGE`]; every layer below the top of what it gives has weights of its own for
/// either way. An epoch's loss is the mean squared error, per input, of samples that went up and came down again as means.
///
/// Fails when the stack has nothing below its top, when a setting cannot be meant, when samples miss values, labels that the top machine has, or
/// cannot be read, or when a value leaves the finite numbers.
pub fn up_down<B: Backend>(
    backend: &B,
    settings: &UpDown,
    seed: u64,
    stack: &DbnParameters,
    dataset: &Dataset,
    monitor: &mut dyn Monitor,
) -> Result<DbnParameters, Error> {
    check(settings, stack, dataset)?;
    let Dataset { train, .. } = dataset;
    let mut net = Net::new(backend, settings, seed, stack, train)?;
    let mut source = Source::new(backend, &train.inputs, &[], None)?;
    let rows = train.inputs.rows();
    let batches = rows.div_ceil(settings.batch_size);
    let below = stack.below.iter().map(|stage| stage.generative().hidden_bias.len());
    let widths: Vec<usize> = below.chain([stack.top.hidden_bias.len()]).collect();
    let effort = Effort::new(batches, epoch_cost(settings, &widths, dataset));
    let mut position = Position::default();
    if let Some(snapshot) = monitor.begin(STAGE)? {
        net.restore(backend, &snapshot)?;
        position = snapshot.position;
        monitor.skip(effort.before(position));
    }
    while position.epochs < settings.epochs {
        let epoch = position.epochs + 1;
        let samples = order::shuffled(seed, FIRST_LAYER, epoch, rows);
        for samples in samples.chunks(settings.batch_size).skip(position.batches) {
            let taken = (position.epochs * batches + position.batches) as u32;
            let own = backend.ranks().part(samples);
            source.gather(backend, own, net.input())?;
            let labels: Vec<u16> =
                own.iter().filter_map(|&sample| train.labels.get(sample as usize).copied()).collect();
            net.form_gradients(backend, (seed, taken), samples, &labels);
            let learning_rate = settings.top().learning_rate_after(taken as f32 / batches as f32);
            net.step(backend, Pace { learning_rate, momentum: settings.momentum, taken });
            position.batches += 1;
            effort.tell(position.batches, monitor);
            if position.batches < batches {
                monitor.batch(STAGE, &mut || net.snapshot(backend, position).finite(backend, STAGE, DIVERGED))?;
            }
        }
        position = Position { epochs: epoch, batches: 0 };
        let mut of = |split: &Split| -> Result<Option<f64>, Error> {
            (split.inputs.rows() > 0).then(|| net.reconstruction_error(backend, &split.inputs)).transpose()
        };
        let figures = Epoch {
            stage: STAGE.to_owned(),
            epoch,
            epochs: Some(settings.epochs),
            train_loss: of(train)?.unwrap_or(0.0),
            validation_loss: of(&dataset.validation)?,
            test_loss: of(&dataset.test)?,
            ..Epoch::default()
        };
        monitor.advance(effort.rest);
        backend.check()?;
        if !figures.train_loss.is_finite() {
            return Err(Error::Diverged { stage: STAGE.to_owned(), epoch, flag: DIVERGED });
        }
        monitor.epoch(&figures)?;
        monitor.batch(STAGE, &mut || net.snapshot(backend, position).finite(backend, STAGE, DIVERGED))?;
    }
    monitor.end(STAGE, net.snapshot(backend, position).finite(backend, STAGE, DIVERGED)?)?;
    Ok(net.parameters(backend))
}

/// Fails unless up-down fine-tuning can be meant for this stack and these samples.
fn check(settings: &UpDown, stack: &DbnParameters, dataset: &Dataset) -> Result<(), Error> {
    settings.check()?;
    let refused = |problem: &str| Err(Error::data(&dataset.name, problem.to_owned()));
    if stack.below.is_empty() {
        let problem = "has nothing below its top machine; up-down fine-tuning is for stacks";
        return Err(Error::data("the model", problem.into()));
    }
    if stack.top.view()?.units().labels() > 0 && dataset.train.labels.is_empty() {
        return refused("has no labels, and the stack's top machine learns them beside its inputs");
    }
    dataset.check_complete("training", &dataset.train, "up-down fine-tuning")
}

/// The gradients of one minibatch, of all of a split's samples, in the places of the parameters: what is descended, without penalty. `step` keys
/// the draws. Fails when the samples cannot be read, or the stack's lengths do not fit each other.
pub fn gradient<B: Backend>(
    backend: &B,
    settings: &UpDown,
    (seed, step): (u64, u32),
    stack: &DbnParameters,
    split: &Split,
) -> Result<DbnParameters, Error> {
    let mut net = Net::new(backend, settings, seed, stack, split)?;
    let mut batch = Batch::default();
    let samples: Vec<u32> = (0..split.inputs.rows() as u32).collect();
    split.inputs.gather(&samples, &mut batch)?;
    *net.input() = backend.upload(batch.rows(), batch.visible, &batch.values);
    net.form_gradients(backend, (seed, step), &samples, &split.labels);
    Ok(net.gradient(backend))
}
