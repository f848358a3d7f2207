//! [`Trainer`]: a machine that learns, minibatch by minibatch.

use super::centre::Centre;
use super::chain::{Chains, START};
use super::discriminative::Discriminative;
use super::fast::Fast;
use super::moments::Moments;
use super::place::Place;
use super::settings::{Algorithm, Objective, Optimizer, RbmSettings, Statistics};
use super::sparsity::Sparsity;
use super::{Gradients, Terms, means_of, measure, of_hidden, of_visible};
use crate::Error;
use crate::backend::{Backend, Step};
use crate::parameters::{RbmParameters, UnitKinds};
use crate::train::Update;
use crate::train::machine::{Completion, Machine};
use crate::train::snapshot::{Position, Snapshot};
use crate::train::source::Source;
use ebm_core::rng::Purpose;
use ebm_core::{ShapeError, VisibleKind};

/// How far one step goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Size of the step.
    pub learning_rate: f32,
    /// Share of the last step that is kept, without Adam.
    pub momentum: f32,
    /// Steps taken before this one.
    pub taken: u32,
}

/// A machine that learns, and everything that its next step depends on.
pub struct Trainer<B: Backend> {
    settings: RbmSettings,
    machine: Machine<B>,
    weights: Update<B>,
    visible_bias: Update<B>,
    hidden_bias: Update<B>,
    /// The minibatch as it was gathered.
    gathered: B::Tensor,
    /// Its samples' classes, where they are part of it.
    labels: Vec<u16>,
    data: Data<B>,
    chains: Chains<B>,
    fast: Option<Fast<B>>,
    centre: Option<Centre<B>>,
    sparsity: Option<Sparsity<B>>,
    discriminative: Option<Discriminative<B>>,
    /// `1/σ²` and `σ²` by visible unit, 1 × V; `None` where all are 1.
    scales: Option<[B::Tensor; 2]>,
}

/// A minibatch as it is learnt from.
struct Data<B: Backend> {
    /// Samples of the minibatch on all ranks.
    rows: usize,
    misses_some: bool,
    completion: Completion<B>,
    complete: B::Tensor,
    visible: B::Tensor,
    means: B::Tensor,
    states: B::Tensor,
}

impl<B: Backend> Data<B> {
    /// The visible units' values that a minibatch is learnt from, and their hidden units' means and states.
    fn see<'a>(
        &'a mut self,
        backend: &B,
        settings: &RbmSettings,
        machine: &Machine<B>,
        place: Place<'_>,
        data: &'a B::Tensor,
    ) -> [&'a B::Tensor; 3] {
        let Self { misses_some, completion, complete, visible, means, states, .. } = self;
        let mut seen = data;
        if *misses_some {
            machine.complete(backend, data, completion, complete);
            seen = complete;
        }
        if settings.binarize {
            backend.bernoulli(place.draws(Purpose::Observation, START), seen, visible);
            seen = visible;
        }
        if settings.draws_hidden_of_data() {
            machine.hidden_means_and_states(backend, place.draws(Purpose::Hidden, START), seen, means, states);
        } else {
            machine.hidden_means(backend, seen, means);
        }
        [seen, means, states]
    }
}

impl<B: Backend> Trainer<B> {
    /// Takes start values to the backend; `moments` are those of the data.
    ///
    /// Fails when the settings cannot be meant for this machine, or the data have values that its units do not.
    pub fn new(
        backend: &B,
        settings: &RbmSettings,
        (seed, layer): (u64, u8),
        start: &RbmParameters,
        moments: &Moments,
    ) -> Result<Self, Error> {
        settings.check(&start.kinds)?;
        ShapeError::check("values of a sample", start.visible_bias.len(), moments.units())?;
        moments.check(&start.kinds)?;
        let machine = Machine::new(backend, start)?;
        let shape = backend.shape(&machine.weights);
        let labels = start.kinds.units().map_or(0, |units| units.labels());
        let empty = || backend.zeros(0, 0);
        let means: Vec<f32> = moments.means().map(|mean| mean.unwrap_or(0.0) as f32).collect();
        Ok(Self {
            settings: *settings,
            weights: Update::new(backend, shape),
            visible_bias: Update::new(backend, backend.shape(&machine.visible_bias)),
            hidden_bias: Update::new(backend, backend.shape(&machine.hidden_bias)),
            gathered: empty(),
            labels: Vec::new(),
            data: Data {
                rows: 0,
                misses_some: moments.is_missing_some(),
                completion: Completion::new(backend),
                complete: empty(),
                visible: empty(),
                means: empty(),
                states: empty(),
            },
            chains: Chains::new(backend, settings, (seed, layer), &machine),
            fast: (settings.algorithm == Algorithm::FastPcd).then(|| Fast::new(backend, &machine)).transpose()?,
            centre: settings.centered.then(|| Centre::new(backend, &machine, &means)),
            sparsity: (settings.sparsity_target > 0.0).then(|| Sparsity::new(backend, settings, shape)),
            discriminative: (labels > 0).then(|| Discriminative::new(backend, machine.visible(), labels)),
            scales: scales(backend, &start.kinds, machine.visible()),
            machine,
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

    /// Visible states that the last negative phase ended at, one a row; none before the first of chains that start at the data.
    pub fn samples(&self) -> &B::Tensor {
        &self.chains.visible
    }

    /// Numbers of [`Trainer::samples`] among those of all ranks, and how many these are, after a minibatch of so many.
    pub(in crate::train) fn numbers_of_samples(&self, backend: &B, rows: usize) -> (Vec<u32>, usize) {
        let all: Vec<u32> = (0..self.settings.samples_of(rows) as u32).collect();
        (backend.ranks().part(&all).to_vec(), all.len())
    }

    /// What [`Trainer::form_gradient`] formed.
    pub fn gradient(&self, backend: &B) -> RbmParameters {
        RbmParameters {
            weights: backend.download(&self.weights.gradient),
            visible_bias: backend.download(&self.visible_bias.gradient),
            hidden_bias: backend.download(&self.hidden_bias.gradient),
            kinds: self.machine.kinds().clone(),
        }
    }

    /// Learns from the minibatch at `place` in `source`: gathers it, forms its gradient and descends it. Fails when samples cannot be read.
    pub fn learn(
        &mut self,
        backend: &B,
        source: &mut Source<'_, B>,
        place: Place<'_>,
        pace: Pace,
    ) -> Result<(), Error> {
        let mut data = std::mem::replace(&mut self.gathered, backend.zeros(0, 0));
        let samples = backend.ranks().part(place.samples);
        source.gather(backend, samples, &mut data)?;
        let mut labels = std::mem::take(&mut self.labels);
        labels.clear();
        labels.extend(source.labels(samples).into_iter().flatten());
        if self.is_plain() {
            self.descend(backend, place, &data, pace);
        } else {
            self.form_gradient(backend, place, &data, &labels);
            self.step(backend, pace);
        }
        (self.gathered, self.labels) = (data, labels);
        Ok(())
    }

    /// The gradient is only of sums over samples and of weight decay, and nothing else asks for it.
    fn is_plain(&self) -> bool {
        let Self { settings, fast, centre, sparsity, scales, .. } = self;
        let is_sums = settings.objective == Objective::Generative && sparsity.is_none() && settings.l1 == 0.0;
        is_sums && fast.is_none() && centre.is_none() && scales.is_none()
    }

    /// What [`Trainer::form_gradient`] and [`Trainer::step`] do, to the bit, without a place for the gradient.
    fn descend(&mut self, backend: &B, place: Place<'_>, data: &B::Tensor, pace: Pace) {
        let Self { settings, machine, data: state, chains, weights, visible_bias, hidden_bias, .. } = self;
        let (rows, place) = (place.samples.len(), place.of(backend.ranks().part(place.samples)));
        let seen = state.see(backend, settings, machine, place, data);
        chains.run(backend, settings, machine, place, seen[2]);
        let terms = statistics(settings, rows, 1.0, seen, chains);
        let step = settings.step(pace);
        weights.descend(backend, step, settings.weight_decay, &terms, &mut machine.weights);
        visible_bias.descend_bias(backend, step, &terms.map(of_visible), &mut machine.visible_bias);
        hidden_bias.descend_bias(backend, step, &terms.map(of_hidden), &mut machine.hidden_bias);
        if settings.max_norm > 0.0 {
            backend.limit_norms(settings.max_norm, &mut machine.weights);
        }
    }

    /// Forms the gradient of the minibatch at `place`, to be descended; `data` (samples × V) and `labels` are of this rank's part of it.
    ///
    /// Generative: `∂W_ij = ⟨v_i·h_j⟩_model − ⟨v_i·h_j⟩_data`, likewise `∂a_i` with `v_i` and `∂b_j` with `h_j`: means over the samples of the
    /// negative phase and over the minibatch. (For a Gaussian unit `∂a_i` is `σ_i²` times the derivative: steps of its mean are in its own unit.)
    /// Discriminative: see [`Objective`]. The pull to the sparsity target is added.
    pub fn form_gradient(&mut self, backend: &B, place: Place<'_>, data: &B::Tensor, labels: &[u16]) {
        let Self { settings, machine, data: state, discriminative, sparsity, .. } = self;
        let (rows, place) = (place.samples.len(), place.of(backend.ranks().part(place.samples)));
        state.rows = rows;
        let [visible, means, states] = state.see(backend, settings, machine, place, data);
        let mut gradients = Gradients::of(&mut self.weights, &mut self.visible_bias, &mut self.hidden_bias);
        let mut keep = 0.0;
        if let Some(discriminative) = discriminative.as_mut().filter(|_| settings.objective != Objective::Generative) {
            discriminative.gradient(backend, machine, visible, (labels, rows), &mut gradients);
            keep = 1.0;
        }
        let scale = match settings.objective {
            Objective::Generative => 1.0,
            Objective::Discriminative => 0.0,
            Objective::Hybrid => settings.generative_weight,
        };
        if scale > 0.0 {
            let driver = self.fast.as_ref().map_or(&*machine, |fast| &fast.driver);
            self.chains.run(backend, settings, driver, place, states);
            let seen = [visible, means, states];
            gradients.add(backend, keep, statistics(settings, rows, scale, seen, &self.chains));
        }
        gradients.sum_over_ranks(backend);
        if let Some(sparsity) = sparsity {
            sparsity.add(backend, settings, (visible, means, rows), &mut gradients);
        }
    }

    /// Descends the gradient that was formed last, and the penalties.
    pub fn step(&mut self, backend: &B, pace: Pace) {
        let Self { settings, machine, data, centre, scales, .. } = self;
        let (inverse, variances) = scales.as_ref().map_or((None, None), |[a, b]| (Some(a), Some(b)));
        let mut gradients = Gradients::of(&mut self.weights, &mut self.visible_bias, &mut self.hidden_bias);
        if let Some(centre) = centre {
            centre.follow(backend, settings.offset_rate, (&data.means, data.rows));
            centre.gradient(backend, &mut gradients);
            centre.shift(backend, 1.0, variances, machine);
        }
        // With v/σ for v, steps are those on standardised data.
        if let Some(inverse) = inverse {
            backend.multiply_columns(inverse, gradients.weights);
        }
        if settings.weight_decay > 0.0 {
            backend.add_scaled(settings.weight_decay, &machine.weights, gradients.weights);
        }
        if settings.l1 > 0.0 {
            backend.add_signs(settings.l1, &machine.weights, gradients.weights);
        }
        let step = settings.step(pace);
        self.weights.step(backend, step, &mut machine.weights);
        self.visible_bias.step(backend, step, &mut machine.visible_bias);
        self.hidden_bias.step(backend, step, &mut machine.hidden_bias);
        if settings.max_norm > 0.0 {
            backend.limit_norms(settings.max_norm, &mut machine.weights);
        }
        if let Some(centre) = centre {
            centre.shift(backend, -1.0, variances, machine);
        }
        if let Some(fast) = &mut self.fast {
            let mut gradients = Gradients::of(&mut self.weights, &mut self.visible_bias, &mut self.hidden_bias);
            if let Some(centre) = centre {
                centre.plain(backend, variances, &mut gradients);
            }
            fast.follow(backend, settings, machine, &gradients);
        }
    }

    /// What the machine makes of a data set.
    pub(super) fn measure(&mut self, backend: &B, data: &mut Source<'_, B>) -> Result<measure::Figures, Error> {
        let target = self.settings.sparsity_target;
        measure::measure(backend, target, &self.machine, self.discriminative.as_mut(), data)
    }

    /// The weights as they are, for [`Trainer::weight_step`].
    pub(super) fn weights(&self, backend: &B) -> B::Tensor {
        let mut weights = backend.zeros(0, 0);
        backend.copy(&self.machine.weights, &mut weights);
        weights
    }

    /// `Σ|w − w′| / Σ|w|`, how far the weights are from what they were as a share of their size.
    pub(super) fn weight_step(&self, backend: &B, before: &B::Tensor) -> f64 {
        let weights = &self.machine.weights;
        let [rows, columns] = backend.shape(weights);
        let distance = |from: &B::Tensor| {
            let mut totals = backend.zeros(1, 2);
            backend.add_errors(weights, from, &mut totals);
            f64::from(backend.download(&totals)[1])
        };
        distance(before) / distance(&backend.zeros(rows, columns)).max(f64::MIN_POSITIVE)
    }

    /// Mean free energy of the last negative phase's samples, in nats; `None` without any.
    pub(super) fn sampled(&self, backend: &B) -> Option<f64> {
        let rows = backend.shape(&self.chains.visible)[0];
        let mut totals = [0.0, rows as f64];
        if rows > 0 {
            let (mut fields, mut energies) = (backend.zeros(0, 0), backend.zeros(0, 0));
            self.machine.free_energies(backend, &self.chains.visible, &mut fields, &mut energies);
            totals[0] = backend.download(&energies).into_iter().map(f64::from).sum();
        }
        backend.ranks().sum_f64(&mut totals);
        (totals[1] > 0.0).then(|| totals[0] / totals[1])
    }

    /// All that the next minibatch depends on.
    pub fn snapshot(&self, backend: &B, position: Position) -> Snapshot {
        let mut snapshot = Snapshot::at(position);
        let Self { machine, weights, visible_bias, hidden_bias, .. } = self;
        snapshot.put(backend, "weights", &machine.weights);
        snapshot.put(backend, "visible_bias", &machine.visible_bias);
        snapshot.put(backend, "hidden_bias", &machine.hidden_bias);
        weights.save(backend, "weights", &mut snapshot);
        visible_bias.save(backend, "visible_bias", &mut snapshot);
        hidden_bias.save(backend, "hidden_bias", &mut snapshot);
        self.chains.save(backend, &mut snapshot);
        if let Some(fast) = &self.fast {
            fast.save(backend, &mut snapshot);
        }
        if let Some(centre) = &self.centre {
            centre.save(backend, &mut snapshot);
        }
        if let Some(sparsity) = &self.sparsity {
            sparsity.save(backend, &mut snapshot);
        }
        snapshot
    }

    /// Goes on from a snapshot. Fails when it is of another machine or other settings.
    pub fn restore(&mut self, backend: &B, snapshot: &Snapshot) -> Result<(), Error> {
        let Self { machine, weights, visible_bias, hidden_bias, .. } = self;
        snapshot.restore(backend, "weights", &mut machine.weights)?;
        snapshot.restore(backend, "visible_bias", &mut machine.visible_bias)?;
        snapshot.restore(backend, "hidden_bias", &mut machine.hidden_bias)?;
        weights.load(backend, "weights", snapshot)?;
        visible_bias.load(backend, "visible_bias", snapshot)?;
        hidden_bias.load(backend, "hidden_bias", snapshot)?;
        self.chains.load(backend, snapshot)?;
        if let Some(fast) = &mut self.fast {
            fast.load(backend, &self.settings, machine, snapshot)?;
        }
        if let Some(centre) = &mut self.centre {
            centre.load(backend, snapshot)?;
        }
        self.sparsity.as_mut().map_or(Ok(()), |sparsity| sparsity.load(backend, snapshot))
    }
}

impl RbmSettings {
    fn step(&self, Pace { learning_rate, momentum, taken }: Pace) -> Step {
        match self.optimizer {
            Optimizer::Sgd => Step::Momentum { learning_rate, momentum },
            Optimizer::Adam => Step::Adam { learning_rate, taken },
        }
    }
}

/// The sums that a generative gradient consists of, `scale` times as large: of a minibatch of `rows` on all ranks, as [`Data::see`] gives this one's
/// part, and of the chains.
fn statistics<'a, B: Backend>(
    settings: &RbmSettings,
    rows: usize,
    scale: f32,
    [visible, means, states]: [&'a B::Tensor; 3],
    chains: &'a Chains<B>,
) -> Terms<'a, B> {
    let of_data = match settings.hidden_statistics {
        Statistics::Means => means,
        Statistics::States => states,
    };
    let terms = [(-scale, [visible, of_data]), (scale, [&chains.visible, &chains.hidden])];
    means_of(terms, [rows, settings.samples_of(rows)])
}

/// `1/σ²` and `σ²` of every visible unit, 1 for those without a σ; `None` where all are 1.
fn scales<B: Backend>(backend: &B, kinds: &UnitKinds, visible: usize) -> Option<[B::Tensor; 2]> {
    let mut sigma = kinds.sigma.iter();
    let of_blocks = kinds.blocks.iter().flat_map(|block| std::iter::repeat_n(block.kind(), block.units()));
    let variances: Vec<f32> =
        of_blocks
            .map(|kind| {
                if kind == Some(VisibleKind::Gaussian) { sigma.next().map_or(1.0, |sigma| sigma * sigma) } else { 1.0 }
            })
            .collect();
    let inverse: Vec<f32> = variances.iter().map(|variance| 1.0 / variance).collect();
    let differ = variances.iter().any(|&variance| variance != 1.0);
    differ.then(|| [backend.upload(1, visible, &inverse), backend.upload(1, visible, &variances)])
}
