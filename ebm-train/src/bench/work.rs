//! What is timed: the trainers themselves, without what a run writes and measures around them.

use super::workload::VISIBLE;
use crate::Error;
use crate::backend::Backend;
use crate::data::{Batch, Dataset, Split};
use crate::eval::annealing::{Annealing, ais, base_bias};
use crate::eval::classification::evaluate;
use crate::eval::energy::{mean_free_energy, reconstruction_error};
use crate::export::{ModelFile, model_file};
use crate::generate::{Chains, Stack};
use crate::parameters::{AffineParameters, ClassifierParameters, DbnParameters, Parameters, RbmParameters};
use crate::train::Silent;
use crate::train::finetune::{Backpropagation, Net, Recognition, start_head};
use crate::train::machine::Machine;
use crate::train::order;
use crate::train::rbm::settings::Algorithm;
use crate::train::rbm::{self, Moments, Pace, Place, RbmSettings, Shape, Trainer};
use crate::train::source::Source;
use ebm_core::{Beta, Float, HiddenKind};

/// Of every run.
const SEED: u64 = 1;

/// Work that is timed.
pub(super) trait Timed {
    /// Does it once.
    fn run(&mut self) -> Result<(), Error>;

    /// What came of it; not timed.
    fn quality(&mut self) -> Result<f64, Error>;
}

fn source<'a, B: Backend>(backend: &B, split: &'a Split) -> Result<Source<'a, B>, Error> {
    Source::new(backend, &split.inputs, &[], None)
}

/// A machine's start values.
fn start<B: Backend>(backend: &B, hidden: usize, source: &mut Source<'_, B>) -> Result<RbmParameters, Error> {
    rbm::start(backend, &RbmSettings::default(), (SEED, 0), &Shape::bernoulli(hidden), source)
}

/// An epoch of contrastive divergence.
pub(super) struct Learning<'a, B: Backend> {
    backend: &'a B,
    settings: RbmSettings,
    source: Source<'a, B>,
    trainer: Trainer<B>,
    epochs: usize,
    steps: u32,
}

impl<'a, B: Backend> Learning<'a, B> {
    pub(super) fn new(
        backend: &'a B,
        split: &'a Split,
        hidden: usize,
        (k, batch_size, persistent): (u16, usize, bool),
    ) -> Result<Self, Error> {
        // Plain stochastic gradient descent, as the peers' script has it.
        let settings = RbmSettings {
            algorithm: if persistent { Algorithm::Pcd } else { Algorithm::Cd },
            k,
            batch_size,
            learning_rate: 0.05,
            initial_momentum: 0.0,
            momentum: 0.0,
            weight_decay: 0.0,
            centered: false,
            ..RbmSettings::default()
        };
        let mut source = source(backend, split)?;
        let moments = Moments::of(backend, &mut source)?;
        let start = start(backend, hidden, &mut source)?;
        let trainer = Trainer::new(backend, &settings, (SEED, 0), &start, &moments)?;
        Ok(Self { backend, settings, source, trainer, epochs: 0, steps: 0 })
    }
}

impl<B: Backend> Timed for Learning<'_, B> {
    fn run(&mut self) -> Result<(), Error> {
        let Self { backend, settings, source, trainer, epochs, steps } = self;
        *epochs += 1;
        for samples in order::shuffled(SEED, 0, *epochs, source.rows()).chunks(settings.batch_size) {
            let place = Place { seed: SEED, layer: 0, step: *steps, samples };
            let pace = Pace { learning_rate: settings.learning_rate, momentum: settings.momentum, taken: *steps };
            trainer.learn(*backend, source, place, pace)?;
            *steps += 1;
        }
        Ok(())
    }

    fn quality(&mut self) -> Result<f64, Error> {
        reconstruction_error(self.backend, self.trainer.machine(), &mut self.source)
    }
}

/// Free energies of all samples.
pub(super) struct FreeEnergies<'a, B: Backend> {
    backend: &'a B,
    source: Source<'a, B>,
    machine: Machine<B>,
    mean: f64,
}

impl<'a, B: Backend> FreeEnergies<'a, B> {
    pub(super) fn new(backend: &'a B, dataset: &'a Dataset, hidden: usize) -> Result<Self, Error> {
        let mut source = source(backend, &dataset.train)?;
        let machine = Machine::new(backend, &start(backend, hidden, &mut source)?)?;
        Ok(Self { backend, source, machine, mean: f64::NAN })
    }
}

impl<B: Backend> Timed for FreeEnergies<'_, B> {
    fn run(&mut self) -> Result<(), Error> {
        self.mean = mean_free_energy(self.backend, &self.machine, &mut self.source)?;
        Ok(())
    }

    fn quality(&mut self) -> Result<f64, Error> {
        Ok(self.mean)
    }
}

/// Chains from data.
pub(super) struct Gibbs<'a, B: Backend> {
    backend: &'a B,
    stack: Stack<B>,
    data: Batch,
    steps: usize,
    states: Batch,
}

impl<'a, B: Backend> Gibbs<'a, B> {
    pub(super) fn new(
        backend: &'a B,
        dataset: &'a Dataset,
        hidden: usize,
        (chains, steps): (usize, usize),
    ) -> Result<Self, Error> {
        let top = start(backend, hidden, &mut source(backend, &dataset.train)?)?;
        let stack = Stack::new(backend, &Parameters::Dbn(DbnParameters { below: Vec::new(), top }))?;
        let data = dataset.test.inputs.read(0..chains)?.into_owned();
        Ok(Self { backend, stack, data, steps, states: Batch::default() })
    }
}

impl<B: Backend> Timed for Gibbs<'_, B> {
    fn run(&mut self) -> Result<(), Error> {
        let mut chains = Chains::from_data(self.backend, &self.stack, SEED, 0, &self.data)?;
        (0..self.steps).for_each(|_| chains.step(Beta::ONE));
        self.states = chains.states();
        Ok(())
    }

    fn quality(&mut self) -> Result<f64, Error> {
        let values = &self.states.values;
        Ok(values.iter().map(|&state| f64::from(state)).sum::<f64>() / values.len() as f64)
    }
}

/// Annealed importance sampling from the data's base rates.
pub(super) struct Annealed<'a, B: Backend> {
    backend: &'a B,
    machine: Machine<B>,
    base: Vec<f32>,
    settings: Annealing,
    log_partition: f64,
}

impl<'a, B: Backend> Annealed<'a, B> {
    pub(super) fn new(
        backend: &'a B,
        dataset: &'a Dataset,
        hidden: usize,
        (chains, temperatures): (usize, usize),
    ) -> Result<Self, Error> {
        let mut source = source(backend, &dataset.train)?;
        let machine = Machine::new(backend, &start(backend, hidden, &mut source)?)?;
        let base = base_bias(backend, &machine, &mut source)?;
        let settings = Annealing { seed: SEED, layer: 0, chains, temperatures };
        Ok(Self { backend, machine, base, settings, log_partition: f64::NAN })
    }
}

impl<B: Backend> Timed for Annealed<'_, B> {
    fn run(&mut self) -> Result<(), Error> {
        let annealed = ais(self.backend, &self.machine, &self.base, self.settings, &mut Silent)?;
        self.log_partition = annealed.log_partition();
        Ok(())
    }

    fn quality(&mut self) -> Result<f64, Error> {
        Ok(self.log_partition)
    }
}

/// The test part's classes, as a device would name them by a net that has learnt nothing.
pub(super) struct Answers<'a> {
    dataset: &'a Dataset,
    file: ModelFile,
    threads: usize,
    accuracy: f64,
}

impl<'a> Answers<'a> {
    pub(super) fn new(dataset: &'a Dataset, hidden: &[usize], threads: usize) -> Result<Self, Error> {
        let (net, head) = untrained(dataset, hidden);
        let net = ClassifierParameters { machine: None, layers: net.layers, hidden: net.hidden, head };
        Ok(Self {
            dataset,
            file: model_file::<Float>(&net.layers()?, dataset, SEED, threads)?,
            threads,
            accuracy: f64::NAN,
        })
    }
}

impl Timed for Answers<'_> {
    fn run(&mut self) -> Result<(), Error> {
        self.accuracy = evaluate::<Float>(&self.file.model()?, &self.dataset.test, self.threads)?.accuracy;
        Ok(())
    }

    fn quality(&mut self) -> Result<f64, Error> {
        Ok(self.accuracy)
    }
}

/// A net with a head for the data's classes before it learns.
fn untrained(dataset: &Dataset, hidden: &[usize]) -> (Recognition, AffineParameters) {
    let (layer, top) = (hidden.len() as u8, hidden.last().copied().unwrap_or(VISIBLE));
    (
        Recognition::random(SEED, VISIBLE, hidden, HiddenKind::Bernoulli),
        start_head(SEED, layer, top, dataset.classes.len()),
    )
}

/// An epoch of back-propagation, with the test accuracy at its end.
pub(super) struct Finetuning<'a, B: Backend> {
    backend: &'a B,
    settings: Backpropagation,
    dataset: &'a Dataset,
    train: Source<'a, B>,
    test: Source<'a, B>,
    net: Net<B>,
    totals: B::Tensor,
    layer: u8,
    epochs: usize,
    steps: u32,
    accuracy: f64,
}

impl<'a, B: Backend> Finetuning<'a, B> {
    pub(super) fn new(
        backend: &'a B,
        dataset: &'a Dataset,
        hidden: &[usize],
        batch_size: usize,
    ) -> Result<Self, Error> {
        let (start, head) = untrained(dataset, hidden);
        Ok(Self {
            backend,
            settings: Backpropagation { batch_size, learning_rate: 1e-3, ..Backpropagation::default() },
            dataset,
            train: source(backend, &dataset.train)?,
            test: source(backend, &dataset.test)?,
            net: Net::new(backend, &start, &head),
            totals: backend.zeros(1, 2),
            layer: hidden.len() as u8,
            epochs: 0,
            steps: 0,
            accuracy: f64::NAN,
        })
    }
}

impl<B: Backend> Timed for Finetuning<'_, B> {
    fn run(&mut self) -> Result<(), Error> {
        let Self { backend, settings, dataset, train, test, net, totals, layer, epochs, steps, .. } = self;
        *epochs += 1;
        for samples in order::shuffled(SEED, *layer, *epochs, train.rows()).chunks(settings.batch_size) {
            train.gather(*backend, samples, net.input())?;
            net.learn(*backend, settings, (SEED, *steps, 0.0), (samples, &dataset.train.labels), totals);
            *steps += 1;
        }
        let [_, right] = net.evaluate(*backend, test, &dataset.test.labels)?;
        self.accuracy = f64::from(right) / dataset.test.labels.len() as f64;
        Ok(())
    }

    fn quality(&mut self) -> Result<f64, Error> {
        Ok(self.accuracy)
    }
}
