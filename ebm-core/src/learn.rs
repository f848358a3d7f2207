//! Learning in place, one sample at a time, without a heap and without stored data: [`Learner`] does CD-k and PCD-k on an [`Rbm`].
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
use crate::gibbs::Chain;
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

    /// One step of CD-k (Hinton 2002) on one sample: the chain starts at `data` and takes `k` Gibbs steps, then
    ///
    /// `ΔW_ij ∝ v_i·p_j − v′_i·p′_j − λ·W_ij`, `Δa_i ∝ (v_i − v′_i)/σ_i²`, `Δb_j ∝ p_j − p′_j`,
    ///
    /// `v` being the data and `v′` the chain's visible state, `p` and `p′` the hidden means given them; `σ_i = 1` for all but Gaussian units.
    /// With `velocities`, a machine's worth of numbers that start at zero, steps have momentum; without, the rule's momentum is not used.
    /// `k·(H + V)` 32-bit draws: hidden units, then visible ones, of each step.
    ///
    /// The same bits come out on every machine. Fails, and changes nothing, when `data` or the rule's units are not `V`, or when a value is NaN or
    /// infinite, of a failed sensor say ([`ModelError::NotANumber`]).
    pub fn contrastive_divergence<R: Rng + ?Sized>(
        &mut self,
        rbm: &mut Rbm<V, H>,
        velocities: Option<&mut Rbm<V, H>>,
        rule: LearningRule<'_>,
        data: &[f32],
        rng: &mut R,
    ) -> Result<(), ModelError> {
        check(data, V)?;
        rbm.view_with(rule.units)?;
        for (state, &data) in self.chain.visible_mut().iter_mut().zip(data) {
            *state = data;
        }
        self.persistent_contrastive_divergence(rbm, velocities, rule, data, rng)
    }

    /// One step of PCD-k (Tieleman 2008) on one sample: as [`Learner::contrastive_divergence`], but the chain goes on from where the last call
    /// left it.
    pub fn persistent_contrastive_divergence<R: Rng + ?Sized>(
        &mut self,
        rbm: &mut Rbm<V, H>,
        velocities: Option<&mut Rbm<V, H>>,
        rule: LearningRule<'_>,
        data: &[f32],
        rng: &mut R,
    ) -> Result<(), ModelError> {
        let machine: RbmView<'_> = rbm.view_with(rule.units)?;
        check(data, V)?;
        machine.hidden_probs(data, &mut self.of_data)?;
        for _ in 0..rule.k.max(1) {
            self.chain.gibbs_step(&machine, rng)?;
        }
        machine.hidden_probs(self.chain.visible(), &mut self.of_model)?;
        self.descend(rbm, velocities, rule, data);
        Ok(())
    }

    fn descend(
        &self,
        rbm: &mut Rbm<V, H>,
        velocities: Option<&mut Rbm<V, H>>,
        LearningRule { units, rates, .. }: LearningRule<'_>,
        data: &[f32],
    ) {
        let model = self.chain.visible();
        let (mut of_weights, of_visible, of_hidden) = match velocities {
            Some(Rbm { weights, visible_bias, hidden_bias }) => {
                (Some(weights.as_mut_slice()), Some(visible_bias.as_mut_slice()), Some(hidden_bias.as_mut_slice()))
            }
            None => (None, None, None),
        };
        let columns = rbm.weights.as_mut_slice().chunks_exact_mut(V.max(1));
        for ((column, of_data), of_model) in columns.zip(self.of_data).zip(self.of_model) {
            let (own, rest) = match of_weights.take().and_then(|velocities| velocities.split_at_mut_checked(V)) {
                Some((own, rest)) => (Some(own), Some(rest)),
                None => (None, None),
            };
            of_weights = rest;
            update(rates, column, own, (data, of_data), (model, of_model));
        }
        let rates = Rates { weight_decay: 0.0, ..rates };
        update(rates, rbm.hidden_bias.as_mut_slice(), of_hidden, (&self.of_data, 1.0), (&self.of_model, 1.0));
        update_visible(rates, units, rbm.visible_bias.as_mut_slice(), of_visible, data, model);
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
