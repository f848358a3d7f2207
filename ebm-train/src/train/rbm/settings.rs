//! [`RbmSettings`]: how one machine learns.

use super::measure::MEASURED_ROWS;
use crate::Error;
use crate::parameters::UnitKinds;
use clap::ValueEnum;
use ebm_core::VisibleKind;
use serde::{Deserialize, Serialize};

/// Where the negative phase's samples come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Contrastive divergence (Hinton 2002): k Gibbs steps from the data.
    #[default]
    Cd,
    /// Persistent contrastive divergence (Tieleman 2008): chains that go on from minibatch to minibatch.
    Pcd,
    /// The same, driven by weights that learn fast and forget (Tieleman & Hinton 2009).
    FastPcd,
    /// Persistent chains at several temperatures that exchange their states (Desjardins et al. 2010; Cho, Raiko & Ilin 2010).
    ParallelTempering,
}

/// What the gradient is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// `ln p(v)`; with labels `ln p(x, y)`.
    #[default]
    Generative,
    /// `ln p(y | x)` of a ClassRBM, exactly (Larochelle & Bengio 2008).
    Discriminative,
    /// `ln p(y | x)` and [`RbmSettings::generative_weight`] times `ln p(x, y)`.
    #[value(help = "`ln p(y | x)` and --generative-weight times `ln p(x, y)`")]
    Hybrid,
}

/// What stands for a layer's state in a statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Statistics {
    /// Its mean given the other layer, for Bernoulli units a probability.
    Means,
    /// A state drawn from it.
    States,
}

/// How the learning rate falls: `e` epochs done of `E`, fractions counted, and `D` the settings' `decay_epochs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Not at all.
    #[default]
    Constant,
    /// To zero: `1 − e/E`.
    Linear,
    /// `1 / (1 + e/D)`.
    Inverse,
    /// Halved every `D` epochs.
    Step,
}

impl Schedule {
    /// Share of the learning rate that is left after `done` of `epochs` (with their fraction), `decay` being `D`.
    pub fn share(self, done: f32, epochs: usize, decay: f32) -> f32 {
        match self {
            Self::Constant => 1.0,
            Self::Linear => 1.0 - done / epochs.max(1) as f32,
            Self::Inverse => 1.0 / (1.0 + done / decay),
            Self::Step => 0.5f32.powf((done / decay).floor()),
        }
    }
}

/// How a gradient becomes a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// Stochastic gradient descent with momentum.
    #[default]
    Sgd,
    /// Adam (Kingma & Ba 2015).
    Adam,
}

/// Where the visible biases start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum VisibleBias {
    /// At what each unit does in the data: log-odds, mean, or log-frequencies of a group.
    #[default]
    Data,
    /// At zero.
    Zero,
}

/// Where `σ` of Gaussian units comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Sigma {
    /// Fixed at each unit's standard deviation in the data.
    #[default]
    Data,
    /// Fixed at 1, for data that are standardised.
    Unit,
}

/// How one machine learns. The defaults follow Hinton 2010, "A Practical Guide to Training Restricted Boltzmann Machines".
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct RbmSettings {
    /// Where the negative phase's samples come from.
    pub algorithm: Algorithm,
    /// Gibbs steps a minibatch. Between Bernoulli units, two or more are taken over weights rounded to 16 bits
    /// ([`Backend::round`](crate::backend::Backend::round)); the statistics that they end in are formed with the weights themselves.
    pub k: u16,
    /// Persistent chains; 0 for as many as a minibatch has samples.
    pub chains: usize,
    /// Step size of the fast weights of [`Algorithm::FastPcd`]; the schedule leaves it alone.
    pub fast_learning_rate: f32,
    /// Share of the fast weights that a minibatch leaves.
    pub fast_decay: f32,
    /// Temperatures of [`Algorithm::ParallelTempering`], evenly spaced in `β` from the hottest to 1.
    pub temperatures: usize,
    /// `β` of the hottest chains: 0 draws visible units by their biases alone.
    pub hottest_beta: f32,
    /// Passes over the data.
    pub epochs: usize,
    /// Samples of a minibatch.
    pub batch_size: usize,
    /// Size of a step at the start.
    pub learning_rate: f32,
    /// How it falls.
    pub schedule: Schedule,
    /// See [`Schedule`].
    pub decay_epochs: f32,
    /// How a gradient becomes a step.
    pub optimizer: Optimizer,
    /// Share of the last step that is kept, in the first epochs.
    pub initial_momentum: f32,
    /// The same afterwards.
    pub momentum: f32,
    /// Epochs with the initial momentum.
    pub momentum_epochs: usize,
    /// `λ` of the penalty `λ·Σ|W_ij|`.
    pub l1: f32,
    /// `λ` of the penalty `λ/2·‖W‖²`.
    pub weight_decay: f32,
    /// Largest norm of a hidden unit's weights; 0 for any.
    pub max_norm: f32,
    /// Mean activation `p` that hidden units are held to; 0 for any.
    pub sparsity_target: f32,
    /// Weight of that penalty.
    pub sparsity_cost: f32,
    /// Share of a minibatch's past in the running mean activation `q`.
    pub sparsity_decay: f32,
    /// Gradients as those of a machine whose units are counted from their means (Montavon & Müller 2012; Melchior, Fischer & Wiskott 2016).
    /// The default, since it measures better: of MNIST (binary at ½), 16 hidden units and 20 epochs of the default CD-1, ln p is −151.9 nats with
    /// it and −170.2 without; by PCD-1 −166.7 and −208.5.
    pub centered: bool,
    /// Share of a minibatch in the running means of hidden units.
    pub offset_rate: f32,
    /// Hidden units in the statistics: the states that drive the chain are drawn in either case.
    pub hidden_statistics: Statistics,
    /// Visible units of the chain: means pass more on than a state can, and are not samples of the machine.
    pub reconstruction: Statistics,
    /// Draw a binary state from Bernoulli data anew each time it is seen, in place of taking values in [0, 1] as probabilities.
    pub binarize: bool,
    /// Standard deviation of Gaussian noise on a reconstruction before its hidden units are looked at.
    pub reconstruction_noise: f32,
    /// Standard deviation of the initial weights.
    pub weight_deviation: f32,
    /// Where the visible biases start.
    pub visible_bias: VisibleBias,
    /// Where `σ` of Gaussian units comes from.
    pub sigma: Sigma,
    /// What the gradient is of.
    pub objective: Objective,
    /// Weight of `ln p(x, y)` in [`Objective::Hybrid`].
    pub generative_weight: f32,
}

impl Default for RbmSettings {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Cd,
            k: 1,
            chains: 0,
            fast_learning_rate: 0.05,
            fast_decay: 0.95,
            temperatures: 10,
            hottest_beta: 0.0,
            epochs: 20,
            batch_size: 100,
            learning_rate: 0.05,
            schedule: Schedule::Constant,
            decay_epochs: 10.0,
            optimizer: Optimizer::Sgd,
            initial_momentum: 0.5,
            momentum: 0.9,
            momentum_epochs: 5,
            l1: 0.0,
            weight_decay: 1e-4,
            max_norm: 0.0,
            sparsity_target: 0.0,
            sparsity_cost: 0.1,
            sparsity_decay: 0.9,
            centered: true,
            offset_rate: 0.01,
            hidden_statistics: Statistics::Means,
            reconstruction: Statistics::States,
            binarize: false,
            reconstruction_noise: 0.0,
            weight_deviation: 0.01,
            visible_bias: VisibleBias::Data,
            sigma: Sigma::Data,
            objective: Objective::Generative,
            generative_weight: 0.01,
        }
    }
}

impl RbmSettings {
    /// Chains of the negative phase.
    pub fn chains(&self) -> usize {
        if self.chains == 0 { self.batch_size } else { self.chains }
    }

    /// Chains go on from one minibatch to the next.
    pub fn is_persistent(&self) -> bool {
        self.algorithm != Algorithm::Cd && self.objective != Objective::Discriminative
    }

    /// Samples that the negative phase of a minibatch of so many ends at.
    pub(super) fn samples_of(&self, rows: usize) -> usize {
        if self.is_persistent() { self.chains() } else { rows }
    }

    /// The hidden units of the data are drawn: a chain goes on from them, or they are the statistics.
    pub(super) fn draws_hidden_of_data(&self) -> bool {
        let is_statistic = self.hidden_statistics == Statistics::States;
        self.objective != Objective::Discriminative && (self.algorithm == Algorithm::Cd || is_statistic)
    }

    /// Step size of a minibatch, `epochs` (with their fraction) after the start.
    pub fn learning_rate_after(&self, epochs: f32) -> f32 {
        self.learning_rate * self.schedule.share(epochs, self.epochs, self.decay_epochs)
    }

    /// Momentum of an epoch, counted from 0.
    pub fn momentum_in(&self, epoch: usize) -> f32 {
        if epoch < self.momentum_epochs { self.initial_momentum } else { self.momentum }
    }

    /// Multiply-adds of training on so many rows, what is measured after each epoch (on splits of `measured` rows) included.
    pub fn cost(&self, visible: usize, hidden: usize, rows: usize, measured: impl IntoIterator<Item = usize>) -> u64 {
        let product = (visible * hidden) as u64;
        let measured: usize = measured.into_iter().map(|rows| rows.min(MEASURED_ROWS)).sum();
        let (rows, measured) = (rows as u64, measured as u64);
        let chain_rows = match self.algorithm {
            Algorithm::Cd => rows,
            _ => rows.div_ceil(self.batch_size.max(1) as u64) * self.chains() as u64,
        };
        let replicas = if self.algorithm == Algorithm::ParallelTempering { self.temperatures as u64 } else { 1 };
        let chain = 2 * u64::from(self.k) * replicas * chain_rows + 2 * chain_rows;
        // The positive phase, discriminative or generative, is a product up and one of its statistics.
        let learning = match self.objective {
            Objective::Generative => 2 * rows + chain,
            Objective::Discriminative => 2 * rows,
            Objective::Hybrid => 4 * rows + chain,
        };
        self.epochs as u64 * product * (learning + 2 * measured)
    }

    /// Fails, naming the flag, when a value cannot be meant, or not for a machine of these units.
    pub fn check(&self, kinds: &UnitKinds) -> Result<(), Error> {
        let above_zero = |flag, value: f32| within(flag, value, value > 0.0, "a number above 0");
        let at_least_zero = |flag, value: f32| within(flag, value, value >= 0.0, "0 or a number above it");
        let share = |flag, value: f32| within(flag, value, (0.0..1.0).contains(&value), "from 0 to below 1");
        let at_least_one = |flag, value: usize| count(flag, value, value > 0, "at least 1");
        at_least_one("--k", self.k.into())?;
        at_least_one("--batch-size", self.batch_size)?;
        count("--temperatures", self.temperatures, (2..=1000).contains(&self.temperatures), "from 2 to 1000")?;
        above_zero("--learning-rate", self.learning_rate)?;
        at_least_zero("--fast-learning-rate", self.fast_learning_rate)?;
        share("--fast-decay", self.fast_decay)?;
        share("--hottest-beta", self.hottest_beta)?;
        above_zero("--decay-epochs", self.decay_epochs)?;
        share("--initial-momentum", self.initial_momentum)?;
        share("--momentum", self.momentum)?;
        at_least_zero("--l1", self.l1)?;
        at_least_zero("--weight-decay", self.weight_decay)?;
        at_least_zero("--max-norm", self.max_norm)?;
        at_least_zero("--sparsity-target", self.sparsity_target)?;
        at_least_zero("--sparsity-cost", self.sparsity_cost)?;
        share("--sparsity-decay", self.sparsity_decay)?;
        within("--offset-rate", self.offset_rate, (0.0..=1.0).contains(&self.offset_rate), "from 0 to 1")?;
        at_least_zero("--reconstruction-noise", self.reconstruction_noise)?;
        at_least_zero("--weight-deviation", self.weight_deviation)?;
        at_least_zero("--generative-weight", self.generative_weight)?;
        let has = |kind| kinds.blocks.iter().any(|block| block.kind() == Some(kind));
        if self.objective != Objective::Generative && !has(VisibleKind::Label) {
            return Err(unfit("--objective", self.objective, "generative, as the machine has no label units"));
        }
        if self.binarize && has(VisibleKind::Gaussian) {
            return Err(unfit("--binarize", self.binarize, "false, as the machine has Gaussian units"));
        }
        Ok(())
    }
}

fn within(flag: &'static str, value: f32, fits: bool, expected: &'static str) -> Result<(), Error> {
    if fits && value.is_finite() { Ok(()) } else { Err(Error::Flag { flag, value: value.to_string(), expected }) }
}

fn count(flag: &'static str, value: usize, fits: bool, expected: &'static str) -> Result<(), Error> {
    if fits { Ok(()) } else { Err(Error::Flag { flag, value: value.to_string(), expected }) }
}

fn unfit(flag: &'static str, value: impl std::fmt::Debug, expected: &'static str) -> Error {
    Error::Flag { flag, value: format!("{value:?}").to_lowercase(), expected }
}
