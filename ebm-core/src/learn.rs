//! Learning in place, one sample at a time, without a heap and without stored data: [`Learner`] does CD-k and PCD-k on an [`Rbm`], [`LearnerMut`] on
//! parameters that lie anywhere.
//!
//! ```
//! use ebm_core::rng::{Philox, Purpose, Stream};
//! use ebm_core::{Learner, LearningRule, Rates, Rbm, Units};
//!
//! let mut rbm = Rbm::<4, 2>::ZERO;
//! let mut learner = Learner::<4, 2>::ZERO;
//! let mut rng = Philox::new(1, Stream::new(Purpose::Free));
//! let rates = Rates { learning_rate: 0.1, momentum: 0.0, weight_decay: 0.0 };
//! let rule = LearningRule { units: Units::BERNOULLI, k: 1, rates };
//! let seen = [1.0, 1.0, 0.0, 0.0];
//! let before = rbm.free_energy(&seen.into());
//! for _ in 0..100 {
//!     learner.contrastive_divergence(&mut rbm, None, rule, &seen, &mut rng)?;
//! }
//! assert!(rbm.free_energy(&seen.into()) < before, "what was seen has become familiar");
//! # Ok::<(), ebm_core::ModelError>(())
//! ```

use crate::fixed::Rbm;
use crate::gibbs::{Chain, ChainMut};
use crate::kernel::learn::{Rates, update};
use crate::machine::{Machine, ShapeError};
use crate::model::ModelError;
use crate::rbm::RbmView;
use crate::units::Units;
use rand_core::Rng;

/// How to learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearningRule<'a> {
    /// What the machine's units are.
    pub units: Units<'a>,
    /// Gibbs steps of the chain before its statistics are taken; 0 counts as 1.
    pub k: usize,
    /// How far a step goes.
    pub rates: Rates,
}

/// The states that learning works in: those of its chain, and hidden means given the data and given the chain's visible state.
///
/// `V + 3·H` numbers, apart from the parameters. Between calls only the chain's visible state lives on, for
/// [`Learner::persistent_contrastive_divergence`].
#[derive(Clone, Debug, PartialEq)]
pub struct Learner<const V: usize, const H: usize> {
    chain: Chain<f32, V, H>,
    of_data: [f32; H],
    of_model: [f32; H],
}

impl<const V: usize, const H: usize> Default for Learner<V, H> {
    fn default() -> Self {
        Self::ZERO
    }
}

impl<const V: usize, const H: usize> Learner<V, H> {
    /// All states zero. A constant, so that a `static` holds a learner whose states never passed over the stack.
    pub const ZERO: Self =
        Self { chain: Chain::from_states([0.0; V], [0.0; H]), of_data: [0.0; H], of_model: [0.0; H] };

    /// The chain, whose visible state is what the model was last found to dream of.
    pub const fn chain(&self) -> &Chain<f32, V, H> {
        &self.chain
    }

    /// The chain, to be given a start: noise, or data.
    pub const fn chain_mut(&mut self) -> &mut Chain<f32, V, H> {
        &mut self.chain
    }

    /// The same states, borrowed, their shape known at run time.
    pub const fn as_mut(&mut self) -> LearnerMut<'_> {
        LearnerMut { chain: self.chain.as_mut(), of_data: &mut self.of_data, of_model: &mut self.of_model }
    }

    /// [`LearnerMut::contrastive_divergence`]. Fails, and changes nothing, when `data` or the rule's units are not `V`, or when a value is NaN or
    /// infinite.
    pub fn contrastive_divergence<R: Rng + ?Sized>(
        &mut self,
        rbm: &mut Rbm<V, H>,
        velocities: Option<&mut Rbm<V, H>>,
        rule: LearningRule<'_>,
        data: &[f32],
        rng: &mut R,
    ) -> Result<(), ModelError> {
        self.as_mut().contrastive_divergence(rbm.as_mut(), velocities.map(Rbm::as_mut), rule, data, rng)
    }

    /// [`LearnerMut::persistent_contrastive_divergence`]. Fails as [`Learner::contrastive_divergence`] does.
    pub fn persistent_contrastive_divergence<R: Rng + ?Sized>(
        &mut self,
        rbm: &mut Rbm<V, H>,
        velocities: Option<&mut Rbm<V, H>>,
        rule: LearningRule<'_>,
        data: &[f32],
        rng: &mut R,
    ) -> Result<(), ModelError> {
        self.as_mut().persistent_contrastive_divergence(rbm.as_mut(), velocities.map(Rbm::as_mut), rule, data, rng)
    }
}

/// A machine's parameters, borrowed to be changed; of velocities, one for each.
#[derive(Debug, PartialEq)]
pub struct RbmMut<'m> {
    /// `W`, `V × H`, column-major.
    pub weights: &'m mut [f32],
    /// `a`.
    pub visible_bias: &'m mut [f32],
    /// `b`.
    pub hidden_bias: &'m mut [f32],
}

/// A [`Learner`]'s states, borrowed, of any shape.
#[derive(Debug)]
pub struct LearnerMut<'l> {
    /// The chain of the negative phase.
    pub chain: ChainMut<'l, f32>,
    /// To hold the hidden means given the data.
    pub of_data: &'l mut [f32],
    /// To hold the hidden means given the chain's visible state.
    pub of_model: &'l mut [f32],
}

impl LearnerMut<'_> {
    /// One step of CD-k (Hinton 2002) on one sample: the chain starts at `data` and takes `k` Gibbs steps, then
    ///
    /// `ΔW_ij ∝ v_i·p_j − v′_i·p′_j − λ·W_ij`, `Δa_i ∝ (v_i − v′_i)/σ_i²`, `Δb_j ∝ p_j − p′_j`,
    ///
    /// `v` being the data and `v′` the chain's visible state, `p` and `p′` the hidden means given them; `σ_i = 1` for all but Gaussian units.
    /// With `velocities`, a machine's worth of numbers that start at zero, steps have momentum; without, the rule's momentum is not used.
    /// `k·(H + V)` 32-bit draws: hidden units, then visible ones, of each step.
    ///
    /// The same bits come out on every machine. Fails, and changes nothing, when a length is not the machine's, or when a value is NaN or infinite, of a
    /// failed sensor say ([`ModelError::NotANumber`]).
    pub fn contrastive_divergence<R: Rng + ?Sized>(
        &mut self,
        rbm: RbmMut<'_>,
        velocities: Option<RbmMut<'_>>,
        rule: LearningRule<'_>,
        data: &[f32],
        rng: &mut R,
    ) -> Result<(), ModelError> {
        // Everything is checked before the chain is moved.
        let machine = rbm.view_with(rule.units)?;
        check(data, machine.visible())?;
        machine.check_visible(self.chain.visible)?;
        for (state, &data) in self.chain.visible.iter_mut().zip(data) {
            *state = data;
        }
        self.persistent_contrastive_divergence(rbm, velocities, rule, data, rng)
    }

    /// One step of PCD-k (Tieleman 2008) on one sample: as [`Learner::contrastive_divergence`], but the chain goes on from where the last call
    /// left it.
    pub fn persistent_contrastive_divergence<R: Rng + ?Sized>(
        &mut self,
        rbm: RbmMut<'_>,
        velocities: Option<RbmMut<'_>>,
        rule: LearningRule<'_>,
        data: &[f32],
        rng: &mut R,
    ) -> Result<(), ModelError> {
        let machine: RbmView<'_> = rbm.view_with(rule.units)?;
        check(data, machine.visible())?;
        if let Some(velocities) = &velocities {
            velocities.view_with(rule.units)?;
            ShapeError::check("velocities of hidden units", machine.hidden(), velocities.hidden_bias.len())?;
            ShapeError::check("velocities of visible units", machine.visible(), velocities.visible_bias.len())?;
        }
        machine.check_hidden(self.of_model)?;
        machine.hidden_probs(data, self.of_data)?;
        for _ in 0..rule.k.max(1) {
            self.chain.gibbs_step(&machine, rng)?;
        }
        machine.hidden_probs(self.chain.visible, self.of_model)?;
        self.descend(rbm, velocities, rule, data);
        Ok(())
    }

    fn descend(
        &self,
        rbm: RbmMut<'_>,
        velocities: Option<RbmMut<'_>>,
        LearningRule { units, rates, .. }: LearningRule<'_>,
        data: &[f32],
    ) {
        let (model, visible) = (&*self.chain.visible, data.len());
        let (mut of_weights, of_visible, of_hidden) = match velocities {
            Some(RbmMut { weights, visible_bias, hidden_bias }) => {
                (Some(weights), Some(visible_bias), Some(hidden_bias))
            }
            None => (None, None, None),
        };
        let columns = rbm.weights.chunks_exact_mut(visible.max(1));
        for ((column, &of_data), &of_model) in columns.zip(&*self.of_data).zip(&*self.of_model) {
            let (own, rest) = match of_weights.take().and_then(|velocities| velocities.split_at_mut_checked(visible)) {
                Some((own, rest)) => (Some(own), Some(rest)),
                None => (None, None),
            };
            of_weights = rest;
            update(rates, column, own, (data, of_data), (model, of_model));
        }
        let rates = Rates { weight_decay: 0.0, ..rates };
        update(rates, rbm.hidden_bias, of_hidden, (self.of_data, 1.0), (self.of_model, 1.0));
        update_visible(rates, units, rbm.visible_bias, of_visible, data, model);
    }
}

impl RbmMut<'_> {
    /// The machine of these parameters and units, to be used. Fails when the lengths do not fit one another or the units.
    pub fn view_with<'a>(&'a self, units: Units<'a>) -> Result<RbmView<'a>, ShapeError> {
        RbmView::new(self.weights, self.visible_bias, self.hidden_bias)?.with_units(units)
    }
}

/// Fails unless `data` is `visible` finite numbers: one broken reading would stay in the parameters for ever.
fn check(data: &[f32], visible: usize) -> Result<(), ModelError> {
    ShapeError::check("visible units", visible, data.len())?;
    if data.iter().all(|value| value.is_finite()) { Ok(()) } else { Err(ModelError::NotANumber) }
}

/// The visible biases' update, unit kind by unit kind: a Gaussian unit's is in the unit of its mean, so its gradient has `1/σ²`.
fn update_visible(
    rates: Rates,
    units: Units<'_>,
    bias: &mut [f32],
    velocities: Option<&mut [f32]>,
    data: &[f32],
    model: &[f32],
) {
    let mut velocities = velocities;
    for run in units.runs(bias.len()) {
        for unit in 0..run.units {
            let scale = run.sigma.get(unit).map_or(1.0, |sigma| 1.0 / (sigma * sigma));
            let range = run.start + unit..run.start + unit + 1;
            let (Some(bias), Some(data), Some(model)) =
                (bias.get_mut(range.clone()), data.get(range.clone()), model.get(range.clone()))
            else {
                continue;
            };
            let own = velocities.as_deref_mut().and_then(|velocities| velocities.get_mut(range));
            update(rates, bias, own, (data, scale), (model, scale));
        }
    }
}
