//! Contrastive divergence, CD-k (Hinton 2002): the gradient of one minibatch, and the training of one machine.

pub mod moments;
pub mod settings;
pub mod start;

pub use settings::RbmSettings;
pub use start::{Shape, start};

use super::machine::Machine;
use super::snapshot::{Position, Snapshot};
use super::source::Source;
use super::{Epoch, Monitor, Update, order};
use crate::Error;
use crate::backend::{Backend, Draws, Step};
use crate::data::PIECE_ROWS;
use crate::parameters::{ParametersError, RbmParameters};
use ebm_core::rng::{Purpose, Stream};

/// A machine being trained.
pub struct TrainedRbm<B: Backend> {
    machine: Machine<B>,
    weights: Update<B>,
    visible_bias: Update<B>,
    hidden_bias: Update<B>,
    states: States<B>,
}

/// Activations of one minibatch.
struct States<B: Backend> {
    hidden_data: B::Tensor,
    visible_means: B::Tensor,
    visible: B::Tensor,
    hidden_means: B::Tensor,
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
    /// Takes start values to the backend. Fails when their shapes do not fit each other.
    pub fn new(backend: &B, start: &RbmParameters) -> Result<Self, ParametersError> {
        let machine = Machine::new(backend, start)?;
        let empty = || backend.zeros(0, 0);
        Ok(Self {
            weights: Update::new(backend, backend.shape(&machine.weights)),
            visible_bias: Update::new(backend, backend.shape(&machine.visible_bias)),
            hidden_bias: Update::new(backend, backend.shape(&machine.hidden_bias)),
            machine,
            states: States {
                hidden_data: empty(),
                visible_means: empty(),
                visible: empty(),
                hidden_means: empty(),
                hidden: empty(),
            },
        })
    }

    /// The machine as it is.
    pub fn machine(&self) -> &Machine<B> {
        &self.machine
    }

    /// The machine as training left it.
    pub fn into_machine(self) -> Machine<B> {
        self.machine
    }

    /// The last gradient of [`TrainedRbm::contrastive_divergence`].
    pub fn gradient(&self, backend: &B) -> RbmParameters {
        RbmParameters {
            weights: backend.download(&self.weights.gradient),
            visible_bias: backend.download(&self.visible_bias.gradient),
            hidden_bias: backend.download(&self.hidden_bias.gradient),
            kinds: self.machine.kinds().clone(),
        }
    }

    /// Forms the CD-k gradient of the minibatch `data` (samples × V), to be descended:
    ///
    /// `∂W_ij = ⟨v_i·h_j⟩_k − ⟨v_i·h_j⟩_data`, likewise `∂a_i` with `v_i` and `∂b_j` with `h_j`, means over the samples.
    ///
    /// The chain starts at the data; hidden and visible states are sampled; the statistics use `p(h|v)` in place of `h`, which has the
    /// same mean and less variance.
    pub fn contrastive_divergence(&mut self, backend: &B, k: u16, place: Place<'_>, data: &B::Tensor) {
        let Self { machine, weights, visible_bias, hidden_bias, states } = self;
        let States { hidden_data, visible_means, visible, hidden_means, hidden } = states;
        for phase in 0..k.max(1) {
            let (from, means) = if phase == 0 { (data, &mut *hidden_data) } else { (&*visible, &mut *hidden_means) };
            machine.hidden_means_and_states(backend, place.draws(Purpose::Hidden, phase), from, means, hidden);
            let draws = place.draws(Purpose::Visible, phase);
            machine.visible_means_and_states(backend, draws, hidden, visible_means, visible);
        }
        machine.hidden_means(backend, visible, hidden_means);
        let mean = 1.0 / place.samples.len() as f32;
        backend.outer(0.0, -mean, data, hidden_data, &mut weights.gradient);
        backend.outer(1.0, mean, visible, hidden_means, &mut weights.gradient);
        backend.column_sums(0.0, -mean, data, &mut visible_bias.gradient);
        backend.column_sums(1.0, mean, visible, &mut visible_bias.gradient);
        backend.column_sums(0.0, -mean, hidden_data, &mut hidden_bias.gradient);
        backend.column_sums(1.0, mean, hidden_means, &mut hidden_bias.gradient);
    }

    fn step(&mut self, backend: &B, settings: &RbmSettings, epochs: f32) {
        let Self { machine, weights, visible_bias, hidden_bias, .. } = self;
        backend.add_scaled(settings.weight_decay, &machine.weights, &mut weights.gradient);
        let step = Step::Momentum {
            learning_rate: settings.learning_rate_after(epochs),
            momentum: settings.momentum_in(epochs as usize),
        };
        weights.step(backend, step, &mut machine.weights);
        visible_bias.step(backend, step, &mut machine.visible_bias);
        hidden_bias.step(backend, step, &mut machine.hidden_bias);
    }

    /// Mean squared difference, per visible unit, between the data and its mean-field reconstruction.
    fn reconstruction_error(&mut self, backend: &B, data: &mut Source<'_, B>) -> Result<f64, Error> {
        let mut total = backend.zeros(1, 1);
        let States { visible, hidden, visible_means, .. } = &mut self.states;
        let rows: Vec<u32> = (0..data.rows() as u32).collect();
        for piece in rows.chunks(PIECE_ROWS) {
            data.gather(backend, piece, visible)?;
            self.machine.hidden_means(backend, visible, hidden);
            self.machine.visible_means(backend, hidden, visible_means);
            backend.squared_error(visible, visible_means, &mut total);
        }
        Ok(f64::from(backend.download(&total)[0]) / (rows.len() * self.machine.visible()).max(1) as f64)
    }

    fn snapshot(&self, backend: &B, position: Position) -> Snapshot {
        let mut snapshot = Snapshot::at(position);
        let Self { machine, weights, visible_bias, hidden_bias, .. } = self;
        snapshot.put(backend, "weights", &machine.weights);
        snapshot.put(backend, "visible_bias", &machine.visible_bias);
        snapshot.put(backend, "hidden_bias", &machine.hidden_bias);
        weights.save(backend, "weights", &mut snapshot);
        visible_bias.save(backend, "visible_bias", &mut snapshot);
        hidden_bias.save(backend, "hidden_bias", &mut snapshot);
        snapshot
    }

    fn restore(&mut self, backend: &B, snapshot: &Snapshot) -> Result<(), Error> {
        let Self { machine, weights, visible_bias, hidden_bias, .. } = self;
        snapshot.restore(backend, "weights", &mut machine.weights)?;
        snapshot.restore(backend, "visible_bias", &mut machine.visible_bias)?;
        snapshot.restore(backend, "hidden_bias", &mut machine.hidden_bias)?;
        weights.load(backend, "weights", snapshot)?;
        visible_bias.load(backend, "visible_bias", snapshot)?;
        hidden_bias.load(backend, "hidden_bias", snapshot)
    }
}

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
    settings.check(&start.kinds)?;
    let mut rbm = TrainedRbm::new(backend, start)?;
    let Run { stage, seed, layer, train, test, .. } = run;
    let (seed, layer) = (*seed, *layer);
    let measured = train.rows() + test.as_ref().map_or(0, |test| test.rows());
    let one_epoch = RbmSettings { epochs: 1, ..*settings }.cost(
        rbm.machine.visible(),
        rbm.machine.hidden(),
        train.rows(),
        measured,
    );
    let batches = train.rows().div_ceil(settings.batch_size);
    let mut position = Position::default();
    if let Some(snapshot) = monitor.begin(stage)? {
        rbm.restore(backend, &snapshot)?;
        position = snapshot.position;
        monitor.advance(one_epoch * position.epochs as u64);
    }
    let mut data = backend.zeros(0, 0);
    while position.epochs < settings.epochs {
        let epoch = position.epochs + 1;
        let samples = order::shuffled(seed, layer, epoch, train.rows());
        for samples in samples.chunks(settings.batch_size).skip(position.batches) {
            train.gather(backend, samples, &mut data)?;
            let step = (position.epochs * batches + position.batches) as u32;
            rbm.contrastive_divergence(backend, settings.k, Place { seed, layer, step, samples }, &data);
            rbm.step(backend, settings, step as f32 / batches as f32);
            position.batches += 1;
            if position.batches < batches {
                monitor.batch(stage, &mut || Ok(rbm.snapshot(backend, position)))?;
            }
        }
        position = Position { epochs: epoch, batches: 0 };
        let figures = Epoch {
            stage: stage.clone(),
            epoch,
            train_loss: rbm.reconstruction_error(backend, train)?,
            test_loss: test.as_mut().map(|test| rbm.reconstruction_error(backend, test)).transpose()?,
            ..Epoch::default()
        };
        monitor.advance(one_epoch);
        if !figures.train_loss.is_finite() {
            return Err(Error::Diverged { stage: stage.clone(), epoch, flag: "--learning-rate" });
        }
        monitor.epoch(&figures)?;
        monitor.batch(stage, &mut || Ok(rbm.snapshot(backend, position)))?;
    }
    monitor.end(stage, rbm.snapshot(backend, position))?;
    Ok(rbm.into_machine())
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
