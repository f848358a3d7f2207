//! A target for how active hidden units are on average (Lee, Ekanadham & Ng 2008; Hinton 2010, section 11).

use super::settings::RbmSettings;
use super::{Gradients, sums_over_ranks};
use crate::Error;
use crate::backend::Backend;
use crate::train::snapshot::Snapshot;

/// Running mean activations and what they are held to.
pub(super) struct Sparsity<B: Backend> {
    /// `q`, 1 × H.
    activity: B::Tensor,
    /// `p`, 1 × H.
    target: B::Tensor,
    excess: B::Tensor,
    visible_means: B::Tensor,
}

impl<B: Backend> Sparsity<B> {
    /// For so many visible and hidden units; activity begins at the target.
    pub fn new(backend: &B, settings: &RbmSettings, [hidden, visible]: [usize; 2]) -> Self {
        let target = || backend.upload(1, hidden, &vec![settings.sparsity_target; hidden]);
        Self {
            activity: target(),
            target: target(),
            excess: backend.zeros(0, 0),
            visible_means: backend.zeros(1, visible),
        }
    }

    /// `q ← decay·q + (1 − decay)·⟨h⟩`, and adds to the gradients `cost·(q_j − p)` for `b_j` and `cost·(q_j − p)·⟨v_i⟩` for `W_ij`: the derivative of
    /// the cross-entropy between p and q by a unit's field. Means are over `rows` samples, of which those given are this rank's.
    pub fn add(
        &mut self,
        backend: &B,
        settings: &RbmSettings,
        (visible, hidden, rows): (&B::Tensor, &B::Tensor, usize),
        gradients: &mut Gradients<'_, B>,
    ) {
        let Self { activity, target, excess, visible_means } = self;
        let mean = 1.0 / rows.max(1) as f32;
        let decay = settings.sparsity_decay;
        sums_over_ranks(backend, decay, ((1.0 - decay) * mean, hidden), activity);
        backend.copy(activity, excess);
        backend.add_scaled(-1.0, target, excess);
        sums_over_ranks(backend, 0.0, (mean, visible), visible_means);
        backend.outer(1.0, &[(settings.sparsity_cost, [visible_means, excess])], gradients.weights);
        backend.add_scaled(settings.sparsity_cost, excess, gradients.hidden_bias);
    }

    pub fn save(&self, backend: &B, snapshot: &mut Snapshot) {
        snapshot.put(backend, "activity", &self.activity);
    }

    pub fn load(&mut self, backend: &B, snapshot: &Snapshot) -> Result<(), Error> {
        snapshot.restore(backend, "activity", &mut self.activity)
    }
}
