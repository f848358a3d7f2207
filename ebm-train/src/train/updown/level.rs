//! [`Level`]: a layer whose weights up and down learn apart.

use crate::Error;
use crate::backend::{Backend, Step};
use crate::parameters::{AffineParameters, ParametersError, RbmParameters, Stage};
use crate::train::Update;
use crate::train::machine::Machine;
use crate::train::snapshot::Snapshot;

/// A layer below the top machine: recognition weights up, generative weights down.
pub struct Level<B: Backend> {
    /// Of which only `q(h | v)` is meant.
    pub up: Machine<B>,
    /// Of which only `p(v | h)` is meant.
    pub down: Machine<B>,
    up_weights: Update<B>,
    up_bias: Update<B>,
    down_weights: Update<B>,
    down_bias: Update<B>,
    means: B::Tensor,
}

impl<B: Backend> Level<B> {
    /// Takes a stage to the backend; where up and down are one machine, both start as it. Fails when its shapes do not fit each other.
    pub fn new(backend: &B, stage: &Stage) -> Result<Self, ParametersError> {
        let (recognition, _) = stage.recognition();
        let generative = stage.generative();
        let up = RbmParameters {
            weights: recognition.weights,
            hidden_bias: recognition.bias,
            visible_bias: generative.visible_bias.clone(),
            kinds: generative.kinds.clone(),
        };
        let (up, down) = (Machine::new(backend, &up)?, Machine::new(backend, generative)?);
        let update = |tensor: &B::Tensor| Update::new(backend, backend.shape(tensor));
        Ok(Self {
            up_weights: update(&up.weights),
            up_bias: update(&up.hidden_bias),
            down_weights: update(&down.weights),
            down_bias: update(&down.visible_bias),
            means: backend.zeros(0, 0),
            up,
            down,
        })
    }

    /// The layer as it is.
    pub fn stage(&self, backend: &B) -> Stage {
        let (up, down) = (self.up.parameters(backend), self.down.parameters(backend));
        let recognition = AffineParameters { weights: up.weights, bias: up.hidden_bias };
        // The generative half has no use for a hidden bias; a file keeps one.
        let generative = RbmParameters { hidden_bias: recognition.bias.clone(), ..down };
        Stage::Directed { recognition, generative }
    }

    /// Wake: forms the gradient of `−ln p(v | h)` by the generative weights, a mean over `rows` of all ranks, from states that were recognised:
    ///
    /// `∂W_ij = −⟨(v_i − v̂_i)·h_j⟩`, `∂a_i = −⟨v_i − v̂_i⟩` with `v̂` the mean of `p(v | h)`. (For a Gaussian unit `∂a_i` is `σ_i²` times the derivative: steps
    /// of its mean are in its own unit.)
    pub fn wake(&mut self, backend: &B, rows: usize, visible: &B::Tensor, hidden: &B::Tensor) {
        self.down.visible_means(backend, hidden, &mut self.means);
        let mean = 1.0 / rows.max(1) as f32;
        let Self { means, down_weights, down_bias, .. } = self;
        backend.outer(0.0, &[(-mean, [visible, hidden]), (mean, [means, hidden])], &mut down_weights.gradient);
        backend.column_sums(0.0, &[(-mean, visible), (mean, means)], &mut down_bias.gradient);
        backend.sum_over_ranks(&mut down_weights.gradient);
        backend.sum_over_ranks(&mut down_bias.gradient);
    }

    /// Sleep: forms the gradient of `−ln q(h | v)` by the recognition weights, a mean over `rows` of all ranks, from states that were generated:
    ///
    /// `∂W_ij = −⟨v_i·(h_j − ĥ_j)⟩`, `∂b_j = −⟨h_j − ĥ_j⟩` with `ĥ` the mean of `q(h | v)`.
    pub fn sleep(&mut self, backend: &B, rows: usize, visible: &B::Tensor, hidden: &B::Tensor) {
        self.up.hidden_means(backend, visible, &mut self.means);
        let mean = 1.0 / rows.max(1) as f32;
        let Self { means, up_weights, up_bias, .. } = self;
        backend.outer(0.0, &[(-mean, [visible, hidden]), (mean, [visible, means])], &mut up_weights.gradient);
        backend.column_sums(0.0, &[(-mean, hidden), (mean, means)], &mut up_bias.gradient);
        backend.sum_over_ranks(&mut up_weights.gradient);
        backend.sum_over_ranks(&mut up_bias.gradient);
    }

    /// What [`Level::wake`] and [`Level::sleep`] formed, in the places of the parameters.
    pub fn gradient(&self, backend: &B) -> Stage {
        let down = self.down.parameters(backend);
        Stage::Directed {
            recognition: AffineParameters {
                weights: backend.download(&self.up_weights.gradient),
                bias: backend.download(&self.up_bias.gradient),
            },
            generative: RbmParameters {
                weights: backend.download(&self.down_weights.gradient),
                visible_bias: backend.download(&self.down_bias.gradient),
                ..down
            },
        }
    }

    /// Descends both gradients and the penalty.
    pub fn step(&mut self, backend: &B, weight_decay: f32, step: Step) {
        backend.add_scaled(weight_decay, &self.up.weights, &mut self.up_weights.gradient);
        backend.add_scaled(weight_decay, &self.down.weights, &mut self.down_weights.gradient);
        self.up_weights.step(backend, step, &mut self.up.weights);
        self.up_bias.step(backend, step, &mut self.up.hidden_bias);
        self.down_weights.step(backend, step, &mut self.down.weights);
        self.down_bias.step(backend, step, &mut self.down.visible_bias);
    }

    fn parts(&mut self) -> [(&'static str, &mut B::Tensor, &mut Update<B>); 4] {
        [
            ("recognition.weights", &mut self.up.weights, &mut self.up_weights),
            ("recognition.bias", &mut self.up.hidden_bias, &mut self.up_bias),
            ("generative.weights", &mut self.down.weights, &mut self.down_weights),
            ("generative.visible_bias", &mut self.down.visible_bias, &mut self.down_bias),
        ]
    }

    /// Adds parameters and moments to a snapshot; `prefix` is the layer's.
    pub fn save(&mut self, backend: &B, prefix: &str, snapshot: &mut Snapshot) {
        for (name, value, update) in self.parts() {
            let name = format!("{prefix}.{name}");
            snapshot.put(backend, &name, value);
            update.save(backend, &name, snapshot);
        }
    }

    /// What [`Level::save`] added. Fails when it is of another stack.
    pub fn load(&mut self, backend: &B, prefix: &str, snapshot: &Snapshot) -> Result<(), Error> {
        self.parts().into_iter().try_for_each(|(name, value, update)| {
            let name = format!("{prefix}.{name}");
            snapshot.restore(backend, &name, value)?;
            update.load(backend, &name, snapshot)
        })
    }
}
