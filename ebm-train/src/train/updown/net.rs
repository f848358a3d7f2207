//! [`Net`]: a stack that learns to generate, and the states of its minibatch.

use super::level::Level;
use super::settings::UpDown;
use crate::Error;
use crate::backend::{Backend, Draws, Step};
use crate::data::{Samples, Split};
use crate::parameters::{DbnParameters, RbmParameters};
use crate::train::machine::Machine;
use crate::train::rbm::moments::Moments;
use crate::train::rbm::settings::Statistics;
use crate::train::rbm::{Pace, Place, Trainer};
use crate::train::snapshot::{Position, Snapshot};
use crate::train::source::{OneHot, Source};
use ebm_core::Beta;
use ebm_core::rng::{Purpose, Stream};

/// Draws of up-down fine-tuning are those of layers from here on, so that none is one of pretraining.
pub const FIRST_LAYER: u8 = 128;
/// Where a snapshot has the top machine's state.
const TOP: &str = "top.";

/// A stack that learns to generate.
pub struct Net<B: Backend> {
    settings: UpDown,
    levels: Vec<Level<B>>,
    top: Trainer<B>,
    /// Classes that the top machine sees beside its inputs.
    classes: usize,
    /// States of the inputs and of every level, recognised and then generated.
    states: Vec<B::Tensor>,
    /// The top machine's minibatch: the uppermost states, and the labels beside them.
    memory: B::Tensor,
    inputs: B::Tensor,
}

impl<B: Backend> Net<B> {
    /// Takes a stack to the backend; `samples` are what it is to learn.
    ///
    /// Fails when shapes do not fit each other, the settings cannot be meant for its top machine, or samples cannot be read.
    pub fn new(backend: &B, settings: &UpDown, seed: u64, stack: &DbnParameters, split: &Split) -> Result<Self, Error> {
        let mut levels = Vec::with_capacity(stack.below.len());
        for stage in &stack.below {
            levels.push(Level::new(backend, stage)?);
        }
        let classes = stack.top.view()?.units().labels();
        let below: Vec<&Machine<B>> = levels.iter().map(|level: &Level<B>| &level.up).collect();
        let labels = (classes > 0).then_some(OneHot { labels: &split.labels, classes });
        let moments = Moments::of(backend, &mut Source::new(backend, &split.inputs, &below, labels)?)?;
        let layer = FIRST_LAYER + levels.len() as u8;
        let top = Trainer::new(backend, &settings.top(), (seed, layer), &stack.top, &moments)?;
        let states = (0..=levels.len()).map(|_| backend.zeros(0, 0)).collect();
        let (memory, inputs) = (backend.zeros(0, 0), backend.zeros(0, 0));
        Ok(Self { settings: *settings, levels, top, classes, states, memory, inputs })
    }

    /// Where the minibatch is put.
    pub fn input(&mut self) -> &mut B::Tensor {
        &mut self.states[0]
    }

    /// Forms every gradient of a minibatch, of which this rank's part lies in [`Net::input`]: wake, the top machine's, and sleep. `labels` are those of
    /// that part, where the top machine has any.
    pub fn form_gradients(&mut self, backend: &B, (seed, step): (u64, u32), samples: &[u32], labels: &[u16]) {
        let draws = |purpose, layer: usize, samples| {
            let layer = FIRST_LAYER + layer as u8;
            Draws { seed, stream: Stream { layer, step, ..Stream::new(purpose) }, samples }
        };
        let Self { settings, levels, top, classes, states, memory, inputs } = self;
        let (all, samples) = (samples, backend.ranks().part(samples));
        for (index, level) in levels.iter_mut().enumerate() {
            let (below, above) = states.split_at_mut(index + 1);
            let (visible, hidden) = (&below[index], &mut above[0]);
            level.up.sample_hidden(backend, Beta::ONE, draws(Purpose::Hidden, index, samples), visible, hidden);
            level.wake(backend, all.len(), visible, hidden);
        }

        let uppermost = &states[levels.len()];
        let width = backend.shape(uppermost)[1];
        if *classes > 0 {
            *memory = backend.zeros(samples.len(), width + *classes);
            backend.put_columns(uppermost, 0, memory);
            backend.put_columns(&one_hot(backend, labels, *classes), width, memory);
        } else {
            backend.copy(uppermost, memory);
        }
        let place = Place { seed, layer: FIRST_LAYER + levels.len() as u8, step, samples: all };
        top.form_gradient(backend, place, memory, labels);

        // From the top machine's own states down: a sample of what the net believes in.
        backend.take_columns(top.samples(), 0..width, inputs);
        let (dreams, of_all) = top.numbers_of_samples(backend, all.len());
        std::mem::swap(inputs, &mut states[levels.len()]);
        for (index, level) in levels.iter_mut().enumerate().rev() {
            let (below, above) = states.split_at_mut(index + 1);
            let (visible, hidden) = (&mut below[index], &above[0]);
            if index == 0 && settings.dreams == Statistics::Means {
                level.down.visible_means(backend, hidden, visible);
            } else {
                let draws = draws(Purpose::Visible, index, &dreams);
                level.down.sample_visible(backend, Beta::ONE, draws, hidden, visible);
            }
            level.sleep(backend, of_all, visible, hidden);
        }
    }

    /// Descends the gradients that were formed last.
    pub fn step(&mut self, backend: &B, pace: Pace) {
        let Pace { learning_rate, momentum, .. } = pace;
        for level in &mut self.levels {
            level.step(backend, self.settings.weight_decay, Step::Momentum { learning_rate, momentum });
        }
        self.top.step(backend, pace);
    }

    /// Mean squared error, per input, of samples that went up and came down again as means; the top machine takes no part.
    pub fn reconstruction_error(&mut self, backend: &B, samples: &Samples) -> Result<f64, Error> {
        let mut total = backend.zeros(1, 2);
        let ranks = backend.ranks();
        for piece in samples.pieces().skip(ranks.rank()).step_by(ranks.count()) {
            let piece = piece?;
            let data = backend.upload(piece.rows(), piece.visible, &piece.values);
            backend.copy(&data, &mut self.inputs);
            let mut out = backend.zeros(0, 0);
            for level in &self.levels {
                level.up.hidden_means(backend, &self.inputs, &mut out);
                std::mem::swap(&mut self.inputs, &mut out);
            }
            for level in self.levels.iter().rev() {
                level.down.visible_means(backend, &self.inputs, &mut out);
                std::mem::swap(&mut self.inputs, &mut out);
            }
            backend.add_errors(&data, &self.inputs, &mut total);
        }
        backend.sum_over_ranks(&mut total);
        Ok(f64::from(backend.download(&total)[0]) / (samples.rows() * samples.visible()).max(1) as f64)
    }

    /// The stack as it is.
    pub fn parameters(&self, backend: &B) -> DbnParameters {
        let below = self.levels.iter().map(|level| level.stage(backend)).collect();
        DbnParameters { below, top: self.top.machine().parameters(backend) }
    }

    /// What [`Net::form_gradients`] formed, in the places of the parameters.
    pub fn gradient(&self, backend: &B) -> DbnParameters {
        let top: RbmParameters = self.top.gradient(backend);
        DbnParameters { below: self.levels.iter().map(|level| level.gradient(backend)).collect(), top }
    }

    /// All that the next minibatch depends on.
    pub fn snapshot(&mut self, backend: &B, position: Position) -> Snapshot {
        let mut snapshot = Snapshot::at(position);
        for (index, level) in self.levels.iter_mut().enumerate() {
            level.save(backend, &format!("layer{index}"), &mut snapshot);
        }
        let top = self.top.snapshot(backend, position).tensors;
        snapshot.tensors.extend(top.into_iter().map(|(name, tensor)| (format!("{TOP}{name}"), tensor)));
        snapshot
    }

    /// Goes on from a snapshot. Fails when it is of another stack or other settings.
    pub fn restore(&mut self, backend: &B, snapshot: &Snapshot) -> Result<(), Error> {
        for (index, level) in self.levels.iter_mut().enumerate() {
            level.load(backend, &format!("layer{index}"), snapshot)?;
        }
        let of_top = snapshot.tensors.iter();
        let of_top = of_top.filter_map(|(name, tensor)| Some((name.strip_prefix(TOP)?.to_owned(), tensor.clone())));
        self.top.restore(backend, &Snapshot { position: snapshot.position, tensors: of_top.collect() })
    }
}

/// Labels as visible units, a row a sample.
fn one_hot<B: Backend>(backend: &B, labels: &[u16], classes: usize) -> B::Tensor {
    let mut values = vec![0.0; labels.len() * classes];
    for (row, &label) in values.chunks_exact_mut(classes.max(1)).zip(labels) {
        row[usize::from(label)] = 1.0;
    }
    backend.upload(labels.len(), classes, &values)
}
