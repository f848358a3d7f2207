//! Annealed importance sampling (Neal 2001; Salakhutdinov & Murray 2008), forwards from a base machine to the model and backwards.
//!
//! The base machine has the model's kinds of units, `W = 0`, `b = 0` and the visible biases `a_0` of the data's own base rates (those of the model
//! for Gaussian units, whose `σ` is the model's as well). On the way its parameters move linearly: at `β` the machine has the weights `β·W` and
//! the biases `(1 − β)·a_0 + β·a` and `β·b`, so that every machine between is of the same kind. With `p*_β(v) = e^(−F_β(v))`,
//!
//! `ln p*_β(v) = −(1 − β)·U_0(v) − β·U(v) + Σ_j T(β·z_j(v))` for units that are not Gaussian, whose `U` is the same throughout.

use super::energy::pieces;
use super::log_sum::LogSum;
use crate::Error;
use crate::backend::{Backend, Direction, Draws, Link};
use crate::parameters::UnitKinds;
use crate::train::Monitor;
use crate::train::machine::Machine;
use crate::train::source::Source;
use ebm_core::rng::{Purpose, Stream};
use ebm_core::{Beta, HiddenKind, VisibleKind};

/// Settings of annealing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Annealing {
    /// Seed of the draws.
    pub seed: u64,
    /// What the draws are keyed by beside the seed: the machine's place in its stack.
    pub layer: u8,
    /// Independent chains.
    pub chains: usize,
    /// Values of `β`, 0 and 1 among them, evenly spaced; at least 2.
    pub temperatures: usize,
}

/// Where annealing begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At samples of the base machine: forwards.
    Base,
    /// At samples of the model: backwards.
    Model,
}

/// What the chains gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Annealed {
    /// Where they began.
    pub start: Start,
    /// `ln Z_0` of the base machine.
    pub base_log_partition: f64,
    /// `ln w` of every chain: the mean of `w` is `Z/Z_0` forwards and, from exact samples, `Z_0/Z` backwards.
    pub log_weights: Vec<f64>,
}

/// Standard errors on either side of an estimate that make its interval.
const STANDARD_ERRORS: f64 = 3.0;

impl Annealed {
    /// The estimate of `ln Z`. Forwards too low in expectation (a likelihood too high); backwards too high, if the chains began with samples
    /// of the model. Both tend to the truth with more chains or temperatures.
    pub fn log_partition(&self) -> f64 {
        self.base_log_partition + self.sign() * self.log_mean()
    }

    /// `ln Z` for the mean weight less and plus three standard errors, the lower first. The standard error is that of the chains' weights; where it
    /// reaches a third of the mean, an end is infinite.
    pub fn interval(&self) -> [f64; 2] {
        let mean = self.log_mean();
        let count = self.log_weights.len() as f64;
        let squares: f64 = self.log_weights.iter().map(|w| ((w - mean).exp() - 1.0).powi(2)).sum();
        let error = STANDARD_ERRORS * (squares / (count - 1.0).max(1.0) / count).sqrt();
        let ends = [(1.0 - error).max(0.0), 1.0 + error];
        let mut ends = ends.map(|factor| self.base_log_partition + self.sign() * (mean + factor.ln()));
        ends.sort_by(f64::total_cmp);
        ends
    }

    /// `(Σ w)² / Σ w²`: as many independent, equal weights would be as good. Near the number of chains the annealing is slow enough.
    pub fn effective_chains(&self) -> f64 {
        let sum = self.log_weights.iter().copied().collect::<LogSum>().ln();
        let squares = self.log_weights.iter().map(|w| 2.0 * w).collect::<LogSum>().ln();
        (2.0 * sum - squares).exp()
    }

    /// `ln Z_0` and the logarithm of the mean of `1/w`: what PyDeep's reverse annealing reports. Above [`Annealed::log_partition`] backwards, for the
    /// chain with the smallest weight decides it: a likelihood by it is the more cautious.
    pub fn log_partition_by_inverse(&self) -> f64 {
        let inverses = self.log_weights.iter().map(|w| -w).collect::<LogSum>().ln();
        self.base_log_partition - self.sign() * (inverses - (self.log_weights.len() as f64).ln())
    }

    fn log_mean(&self) -> f64 {
        self.log_weights.iter().copied().collect::<LogSum>().ln() - (self.log_weights.len() as f64).ln()
    }

    fn sign(&self) -> f64 {
        match self.start {
            Start::Base => 1.0,
            Start::Model => -1.0,
        }
    }
}

/// How often every visible unit is on in the data: what the base machine is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    /// Of every unit, the sum of its values and the number of samples in which it is not missing.
    seen: Vec<(f64, f64)>,
}

impl Rates {
    /// Of no samples yet, of so many visible units, labels included.
    pub fn new(visible: usize) -> Self {
        Self { seen: vec![(0.0, 0.0); visible] }
    }

    /// Counts samples, one a row of as many values as there are units; NaN is not counted.
    pub fn add(&mut self, rows: &[f32]) {
        for row in rows.chunks_exact(self.seen.len().max(1)) {
            for ((sum, count), &v) in self.seen.iter_mut().zip(row).filter(|(_, v)| !v.is_nan()) {
                *sum += f64::from(v);
                *count += 1.0;
            }
        }
    }

    /// Visible biases of the base machine: those with which a machine without weights gives every unit the rate counted, one count of either value
    /// added to those seen. Gaussian units keep `machine`'s.
    pub fn base_bias<B: Backend>(&self, backend: &B, machine: &Machine<B>) -> Vec<f32> {
        let bernoulli = |&(sum, count): &(f64, f64)| {
            let sum = sum.clamp(0.0, count);
            ((sum + 1.0) / (count - sum + 1.0)).ln() as f32
        };
        let kinds = machine.kinds();
        if kinds.blocks.is_empty() {
            return self.seen.iter().map(bernoulli).collect();
        }
        let mut bias = backend.download(&machine.visible_bias);
        let mut first = 0;
        for block in &kinds.blocks {
            let units = first..first + block.units();
            for (bias, seen) in bias[units.clone()].iter_mut().zip(&self.seen[units.clone()]) {
                match block.kind() {
                    Some(VisibleKind::Bernoulli) => *bias = bernoulli(seen),
                    Some(VisibleKind::Softmax | VisibleKind::Label) => {
                        *bias = ((seen.0.max(0.0) + 1.0) / (seen.1 + block.units() as f64)).ln() as f32;
                    }
                    Some(VisibleKind::Gaussian) | None => {}
                }
            }
            first = units.end;
        }
        bias
    }
}

/// [`Rates::base_bias`] of what a machine is trained on, a bias for each visible unit, labels included. Fails when the samples cannot be read.
pub fn base_bias<B: Backend>(backend: &B, machine: &Machine<B>, data: &mut Source<'_, B>) -> Result<Vec<f32>, Error> {
    let mut rates = Rates::new(machine.visible());
    pieces(backend, data, |_, piece| {
        rates.add(&backend.download(piece));
        Ok(())
    })?;
    Ok(rates.base_bias(backend, machine))
}

/// Annealed importance sampling (Neal 2001; Salakhutdinov & Murray 2008) from the base machine with the visible biases `base`, one a unit, to `machine`.
/// Fails when the machine has no finite partition function or `base` another length.
pub fn ais<B: Backend>(
    backend: &B,
    machine: &Machine<B>,
    base: &[f32],
    settings: Annealing,
    monitor: &mut dyn Monitor,
) -> Result<Annealed, Error> {
    let path = Path::new(backend, machine, base)?;
    let mut chains = Chains::new(backend, settings, FORWARD);
    chains.draw_base(&path);
    for step in 1..settings.temperatures.max(2) {
        let (from, to) = (settings.beta(step - 1), settings.beta(step));
        chains.weigh(&path, from, to);
        if to < 1.0 {
            chains.move_at(&path, to);
        }
        monitor.advance(path.cost(settings));
        backend.check()?;
    }
    Ok(chains.annealed(&path, Start::Base))
}

/// Annealing backwards, from samples of the model to the base machine (Burda, Grosse & Salakhutdinov 2015).
///
/// Every chain starts at a row of `start` (in turn; at a sample of the base machine where there is none) and takes `burn_in` Gibbs steps before it
/// is taken for a sample of the model. In so far as it is one, the estimate of `ln Z` is too high in expectation, so a likelihood by it is a bound from
/// below. Chains that have not forgotten `start` break that; steps that change the estimate no more say that they have.
///
/// `start` is rows × visible units, labels included. Fails as [`ais`] does.
pub fn reverse_ais<B: Backend>(
    backend: &B,
    machine: &Machine<B>,
    base: &[f32],
    start: Option<&B::Tensor>,
    burn_in: usize,
    settings: Annealing,
    monitor: &mut dyn Monitor,
) -> Result<Annealed, Error> {
    let path = Path::new(backend, machine, base)?;
    let mut chains = Chains::new(backend, settings, BURN_IN);
    let rows = start.map_or(0, |start| backend.shape(start)[0]);
    match start {
        Some(start) if rows > 0 => {
            let turns: Vec<u32> = (0..settings.chains).map(|chain| (chain % rows) as u32).collect();
            backend.gather(start, &turns, &mut chains.visible);
        }
        _ => chains.draw_base(&path),
    }
    for _ in 0..burn_in {
        chains.fields(&path);
        chains.move_at(&path, 1.0);
        monitor.advance(path.cost(settings));
        backend.check()?;
    }
    chains.phase = REVERSE;
    chains.step = 0;
    for step in (1..settings.temperatures.max(2)).rev() {
        let (from, to) = (settings.beta(step), settings.beta(step - 1));
        chains.weigh(&path, from, to);
        if to > 0.0 {
            chains.move_at(&path, to);
        }
        monitor.advance(path.cost(settings));
        backend.check()?;
    }
    Ok(chains.annealed(&path, Start::Model))
}

impl Annealing {
    fn beta(&self, step: usize) -> f32 {
        (step as f64 / (self.temperatures.max(2) - 1) as f64) as f32
    }
}

/// Multiply-adds of [`ais`], or of [`reverse_ais`] with so many steps of burn-in: what its monitor is told in all.
pub fn cost(settings: Annealing, burn_in: usize, visible: usize, hidden: usize) -> u64 {
    (settings.temperatures.max(2) - 1 + burn_in) as u64 * (2 * settings.chains * visible * hidden) as u64
}

/// Phases of the streams that draws come from.
const FORWARD: u16 = 0;
const BURN_IN: u16 = 1;
const REVERSE: u16 = 2;

/// The machines between the base and the model.
struct Path<'a, B: Backend> {
    backend: &'a B,
    machine: &'a Machine<B>,
    /// What sums over hidden units are added to in the base machine: `a_0`, or 0 for a Gaussian unit.
    base: B::Tensor,
    /// `a − a_0` as 1 × visible weights; 0 for a Gaussian unit.
    slopes: B::Tensor,
    base_log_partition: f64,
}

impl<'a, B: Backend> Path<'a, B> {
    fn new(backend: &'a B, machine: &'a Machine<B>, base: &[f32]) -> Result<Self, Error> {
        let visible = machine.visible();
        ebm_core::ShapeError::check("visible biases of the base machine", visible, base.len())?;
        if machine.kinds().hidden == HiddenKind::Relu && !is_bounded(backend, machine) {
            return Err(Error::Likelihood(
                "rectified hidden units over Gaussian ones whose weights may be so large that the energy has no lower bound".into(),
            ));
        }
        let bias = backend.upload(1, visible, base);
        let (mut base, mut own) = (backend.zeros(0, 0), backend.zeros(0, 0));
        backend.visible_start(machine.kinds(), &bias, &mut base);
        backend.visible_start(machine.kinds(), &machine.visible_bias, &mut own);
        let differences: Vec<f32> =
            backend.download(&own).iter().zip(backend.download(&base)).map(|(own, base)| own - base).collect();
        let mut of_visible = backend.zeros(1, 1);
        backend.visible_log_partitions(machine.kinds(), &machine.visible_bias, &base, &mut of_visible);
        let of_hidden = ebm_core::kernel::units::free_energy_term(machine.kinds().hidden, 0.0);
        let base_log_partition =
            f64::from(backend.download(&of_visible)[0]) + machine.hidden() as f64 * f64::from(of_hidden);
        let slopes = backend.upload(1, visible, &differences);
        Ok(Self { backend, machine, base, slopes, base_log_partition })
    }

    fn cost(&self, settings: Annealing) -> u64 {
        (2 * settings.chains * self.machine.visible() * self.machine.hidden()) as u64
    }
}

/// States of the chains and the logarithms of their weights.
struct Chains<B: Backend> {
    settings: Annealing,
    samples: Vec<u32>,
    phase: u16,
    step: u32,
    visible: B::Tensor,
    /// Fields `z(v)`, and then the hidden states drawn from them.
    hidden: B::Tensor,
    slopes: B::Tensor,
    /// chains × 2: `ln w` is the sum of both numbers.
    log_weights: B::Tensor,
}

impl<B: Backend> Chains<B> {
    fn new(backend: &B, settings: Annealing, phase: u16) -> Self {
        let empty = || backend.zeros(0, 0);
        Self {
            settings,
            samples: (0..settings.chains as u32).collect(),
            phase,
            step: 0,
            visible: empty(),
            hidden: empty(),
            slopes: empty(),
            log_weights: backend.zeros(settings.chains, 2),
        }
    }

    /// Draws of the present step: one of hidden and one of visible states.
    fn draws(&self, purpose: Purpose) -> Draws<'_> {
        let Annealing { seed, layer, .. } = self.settings;
        let stream = Stream { purpose, layer, phase: self.phase, step: self.step, sample: 0 };
        Draws { seed, stream, samples: &self.samples }
    }

    /// Visible states become samples of the base machine.
    fn draw_base(&mut self, path: &Path<'_, B>) {
        let Path { backend, machine, base, .. } = path;
        let mut visible = backend.zeros(self.settings.chains, machine.visible());
        backend.rescale(0.0, Some((1.0, base)), &mut visible);
        let draws = self.draws(Purpose::AnnealedVisible);
        backend.sample_visible(draws, machine.kinds(), Beta::ONE, &machine.visible_bias, &mut visible);
        self.visible = visible;
        self.step += 1;
    }

    /// Fields of the hidden units at `β = 1`.
    fn fields(&mut self, path: &Path<'_, B>) {
        path.machine.hidden_fields(path.backend, &self.visible, &mut self.hidden);
    }

    /// Adds `ln p*_to(v) − ln p*_from(v)` to the weights.
    fn weigh(&mut self, path: &Path<'_, B>, from: f32, to: f32) {
        let Path { backend, machine, slopes, .. } = path;
        self.fields(path);
        backend.affine(Direction::Up, slopes, None, Link::Identity, &self.visible, &mut self.slopes);
        backend.add_term_changes(machine.kinds().hidden, [from, to], &self.slopes, &self.hidden, &mut self.log_weights);
    }

    /// A Gibbs step of the machine at `β`; the fields of the visible states are there.
    fn move_at(&mut self, path: &Path<'_, B>, beta: f32) {
        let Path { backend, machine, base, .. } = path;
        let kinds = machine.kinds();
        backend.rescale(beta, None, &mut self.hidden);
        let mut hidden = std::mem::replace(&mut self.hidden, backend.zeros(0, 0));
        backend.sample_hidden_exactly(self.draws(Purpose::AnnealedHidden), kinds.hidden, &mut hidden);
        let mut visible = std::mem::replace(&mut self.visible, backend.zeros(0, 0));
        machine.visible_inputs(backend, &hidden, &mut visible);
        backend.rescale(beta, Some((1.0 - beta, base)), &mut visible);
        let draws = self.draws(Purpose::AnnealedVisible);
        backend.sample_visible(draws, kinds, Beta::ONE, &machine.visible_bias, &mut visible);
        (self.hidden, self.visible) = (hidden, visible);
        self.step += 1;
    }

    fn annealed(&self, path: &Path<'_, B>, start: Start) -> Annealed {
        let sums = path.backend.download(&self.log_weights);
        let log_weights = sums.chunks_exact(2).map(|sum| f64::from(sum[0]) + f64::from(sum[1])).collect();
        Annealed { start, base_log_partition: path.base_log_partition, log_weights }
    }
}

/// Is the energy of a machine of rectified hidden and Gaussian visible units surely bounded from below? Integrated over `v` it falls as
/// `½·hᵀ(G − 1)h` with `G = WᵀΣ²W` over the Gaussian units: it does when the largest eigenvalue of `G`, found by power iteration, is under 1.
fn is_bounded<B: Backend>(backend: &B, machine: &Machine<B>) -> bool {
    const ITERATIONS: usize = 200;
    let UnitKinds { blocks, sigma, .. } = machine.kinds();
    let mut sigma = sigma.iter().map(|&sigma| f64::from(sigma));
    let of_units: Vec<f64> = blocks
        .iter()
        .flat_map(|block| std::iter::repeat_n(block.kind() == Some(VisibleKind::Gaussian), block.units()))
        .map(|gaussian| if gaussian { sigma.next().unwrap_or(0.0) } else { 0.0 })
        .collect();
    if of_units.iter().all(|&sigma| sigma == 0.0) {
        return true;
    }
    let weights: Vec<f64> = backend
        .download(&machine.weights)
        .chunks_exact(of_units.len())
        .flat_map(|column| column.iter().zip(&of_units).map(|(w, sigma)| f64::from(*w) * sigma))
        .collect();
    let columns = || weights.chunks_exact(of_units.len());
    let mut h = vec![1.0f64; machine.hidden()];
    let mut eigenvalue = 0.0;
    for _ in 0..ITERATIONS {
        let mut v = vec![0.0f64; of_units.len()];
        for (column, h) in columns().zip(&h) {
            v.iter_mut().zip(column).for_each(|(v, w)| *v += w * h);
        }
        let next: Vec<f64> = columns().map(|column| column.iter().zip(&v).map(|(w, v)| w * v).sum()).collect();
        let length = next.iter().map(|x| x * x).sum::<f64>().sqrt();
        if length == 0.0 {
            break;
        }
        eigenvalue = length;
        h = next.into_iter().map(|x| x / length).collect();
    }
    eigenvalue < 1.0
}
