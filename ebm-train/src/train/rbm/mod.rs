//! The learning of one machine, whatever its units: [`train`].
//!
//! Every algorithm descends `⟨∂E/∂θ⟩` over data less the same over samples of the machine; they differ in where these samples come from
//! ([`settings::Algorithm`]). What is kept is always a plain machine.

mod activity;
mod centre;
mod chain;
mod discriminative;
mod fast;
mod gibbs;
pub mod measure;
pub mod moments;
mod place;
pub mod settings;
mod sparsity;
pub mod start;
mod tempering;
mod trainer;

pub use activity::{Activity, DEAD_BELOW, SATURATED_ABOVE};
pub use moments::Moments;
pub use place::Place;
pub use settings::RbmSettings;
pub use start::{Shape, start};
pub use trainer::{Pace, Trainer};

use super::effort::Effort;
use super::machine::Machine;
use super::snapshot::Position;
use super::source::Source;
use super::{Epoch, Monitor, Update, order};
use crate::Error;
use crate::backend::Backend;
use crate::parameters::RbmParameters;
use measure::Figures;
use settings::Objective;

/// Gradients of a machine's parameters.
struct Gradients<'a, B: Backend> {
    weights: &'a mut B::Tensor,
    visible_bias: &'a mut B::Tensor,
    hidden_bias: &'a mut B::Tensor,
}

impl<'a, B: Backend> Gradients<'a, B> {
    fn of(weights: &'a mut Update<B>, visible_bias: &'a mut Update<B>, hidden_bias: &'a mut Update<B>) -> Self {
        Self {
            weights: &mut weights.gradient,
            visible_bias: &mut visible_bias.gradient,
            hidden_bias: &mut hidden_bias.gradient,
        }
    }

    /// `keep` times what they are and the sums of `v_i·h_j`, `v_i` and `h_j` over the rows of the terms.
    fn add(&mut self, backend: &B, keep: f32, terms: Terms<'_, B>) {
        backend.outer(keep, &terms, self.weights);
        backend.column_sums(keep, &terms.map(of_visible), self.visible_bias);
        backend.column_sums(keep, &terms.map(of_hidden), self.hidden_bias);
    }

    /// From those of this rank's samples to those of all.
    fn sum_over_ranks(&mut self, backend: &B) {
        backend.sum_over_ranks(self.weights);
        backend.sum_over_ranks(self.visible_bias);
        backend.sum_over_ranks(self.hidden_bias);
    }
}

/// What a gradient is a sum over: of each phase a scale and its visible and hidden units' values.
type Terms<'a, B> = [(f32, [&'a <B as Backend>::Tensor; 2]); 2];

/// Terms of means over so many rows of all ranks, so many times as large.
fn means_of<T>([data, model]: [(f32, T); 2], rows: [usize; 2]) -> [(f32, T); 2] {
    let mean_of = |(scale, of): (f32, T), rows: usize| (scale / rows.max(1) as f32, of);
    [mean_of(data, rows[0]), mean_of(model, rows[1])]
}

/// `out ← keep·out + scale·(sum of the rows)` over the rows of all ranks.
fn sums_over_ranks<B: Backend>(backend: &B, keep: f32, term: (f32, &B::Tensor), out: &mut B::Tensor) {
    if backend.ranks().is_alone() {
        backend.column_sums(keep, &[term], out);
        return;
    }
    let [rows, columns] = backend.shape(out);
    let mut sums = backend.zeros(rows, columns);
    backend.column_sums(0.0, &[term], &mut sums);
    backend.sum_over_ranks(&mut sums);
    backend.column_sums(keep, &[(1.0, &sums)], out);
}

fn of_visible<T>((scale, [visible, _]): (f32, [&T; 2])) -> (f32, &T) {
    (scale, visible)
}

fn of_hidden<T>((scale, [_, hidden]): (f32, [&T; 2])) -> (f32, &T) {
    (scale, hidden)
}

/// What a machine is trained on, and under which name and draws.
pub struct Run<'a, 'd, B: Backend> {
    /// Name of the stage in reports and checkpoints.
    pub stage: String,
    /// Seed of the run.
    pub seed: u64,
    /// Machine in the stack.
    pub layer: u8,
    /// What is learnt from.
    pub train: &'a mut Source<'d, B>,
    /// What is only measured on, to decide by.
    pub validation: Option<&'a mut Source<'d, B>>,
    /// What is only measured on, to report.
    pub test: Option<&'a mut Source<'d, B>>,
}

/// The flag that is at fault when a machine leaves the finite numbers.
pub(super) const DIVERGED: &str = "--learning-rate";

/// Trains a machine from `start` on the rows of `run.train`, and reports each epoch under the name of its stage.
///
/// Takes up a stage where `monitor` says that it was left. Fails when the settings cannot be meant for this machine, when samples cannot be
/// read, when a value leaves the finite numbers, or when the monitor ends the run.
pub fn train<B: Backend>(
    backend: &B,
    settings: &RbmSettings,
    run: &mut Run<'_, '_, B>,
    start: &RbmParameters,
    monitor: &mut dyn Monitor,
) -> Result<Machine<B>, Error> {
    check_labels(settings, run)?;
    let moments = Moments::of(backend, run.train)?;
    let Run { stage, seed, layer, train, validation, test } = run;
    let (seed, layer, rows) = (*seed, *layer, train.rows());
    let mut trainer = Trainer::new(backend, settings, (seed, layer), start, &moments)?;

    let others = [validation.as_ref(), test.as_ref()].into_iter().flatten().map(|source| source.rows());
    let measured = others.chain([rows]);
    let (visible, hidden) = (trainer.machine().visible(), trainer.machine().hidden());
    let one_epoch = RbmSettings { epochs: 1, ..*settings };
    let learning = one_epoch.cost(visible, hidden, rows, []);
    let measuring = one_epoch.cost(visible, hidden, rows, measured) - learning;
    let batches = rows.div_ceil(settings.batch_size);
    let effort = Effort::new(batches, [learning, measuring]);
    let mut position = Position::default();
    if let Some(snapshot) = monitor.begin(stage)? {
        trainer.restore(backend, &snapshot)?;
        position = snapshot.position;
        monitor.skip(effort.before(position));
    }

    while position.epochs < settings.epochs {
        let epoch = position.epochs + 1;
        let samples = order::shuffled(seed, layer, epoch, rows);
        let mut weight_step = None;
        for samples in samples.chunks(settings.batch_size).skip(position.batches) {
            let taken = (position.epochs * batches + position.batches) as u32;
            let pace = Pace {
                learning_rate: settings.learning_rate_after(taken as f32 / batches as f32),
                momentum: settings.momentum_in(position.epochs),
                taken,
            };
            let is_last = position.batches + 1 == batches;
            let before = is_last.then(|| trainer.weights(backend));
            trainer.learn(backend, train, Place { seed, layer, step: taken, samples }, pace)?;
            weight_step = before.map(|before| trainer.weight_step(backend, &before));
            position.batches += 1;
            effort.tell(position.batches, monitor);
            if position.batches < batches {
                monitor.batch(stage, &mut || trainer.snapshot(backend, position).finite(backend, stage, DIVERGED))?;
            }
        }
        position = Position { epochs: epoch, batches: 0 };
        let of_train = trainer.measure(backend, train)?;
        let mut of = |source: &mut Option<&mut Source<'_, B>>| {
            source.as_deref_mut().map(|source| trainer.measure(backend, source)).transpose()
        };
        let (of_validation, of_test) = (of(validation)?, of(test)?);
        let figures = Epoch {
            stage: stage.clone(),
            epoch,
            epochs: Some(settings.epochs),
            weight_step,
            ..figures(settings.objective, of_train, of_validation, of_test, trainer.sampled(backend))
        };
        monitor.advance(effort.rest);
        backend.check()?;
        if !(figures.train_loss.is_finite() && of_train.free_energy_nats.is_finite()) {
            return Err(Error::Diverged { stage: stage.clone(), epoch, flag: DIVERGED });
        }
        monitor.machine(stage, [epoch, settings.epochs], &mut || trainer.machine().parameters(backend))?;
        monitor.epoch(&figures)?;
        monitor.batch(stage, &mut || trainer.snapshot(backend, position).finite(backend, stage, DIVERGED))?;
    }
    monitor.end(stage, trainer.snapshot(backend, position).finite(backend, stage, DIVERGED)?)?;
    Ok(trainer.into_machine())
}

/// Figures of an epoch by their names in reports.
fn figures(
    objective: Objective,
    train: Figures,
    validation: Option<Figures>,
    test: Option<Figures>,
    sample_free_energy_nats: Option<f64>,
) -> Epoch {
    let loss = |figures: Figures| match (objective, figures.classification) {
        (Objective::Discriminative | Objective::Hybrid, Some((cross_entropy, _))) => cross_entropy,
        _ => figures.squared_error,
    };
    let accuracy = |figures: Figures| figures.classification.map(|(_, accuracy)| accuracy);
    let absolute = |figures: Figures| figures.absolute_error;
    let free_energy = |figures: Figures| figures.free_energy_nats;
    Epoch {
        train_loss: loss(train),
        validation_loss: validation.map(loss),
        test_loss: test.map(loss),
        train_accuracy: accuracy(train),
        validation_accuracy: validation.and_then(accuracy),
        test_accuracy: test.and_then(accuracy),
        train_absolute_error: Some(absolute(train)),
        validation_absolute_error: validation.map(absolute),
        test_absolute_error: test.map(absolute),
        train_free_energy_nats: Some(free_energy(train)),
        validation_free_energy_nats: validation.map(free_energy),
        test_free_energy_nats: test.map(free_energy),
        train_free_energy_deviation_nats: Some(train.free_energy_deviation_nats),
        sample_free_energy_nats,
        hidden_units: Some(train.activity.units),
        dead_units: Some(train.activity.dead),
        saturated_units: Some(train.activity.saturated),
        ..Epoch::default()
    }
}

fn check_labels<B: Backend>(settings: &RbmSettings, run: &Run<'_, '_, B>) -> Result<(), Error> {
    if settings.objective == Objective::Generative || run.train.labels(&[]).is_some() {
        return Ok(());
    }
    let (flag, value) = ("--objective", format!("{:?}", settings.objective).to_lowercase());
    Err(Error::Flag { flag, value, expected: "generative, as the samples have no labels" })
}
