//! [`Machine`]: a machine's parameters on a backend, and its conditionals, draws and free energies, whatever its units are.

use crate::backend::{Backend, Direction, Draws, Link};
use crate::parameters::{ParametersError, RbmParameters, UnitKinds};
use ebm_core::{Beta, HiddenKind};

/// An RBM on a backend: the equations are [`ebm_core::Machine`]'s, a row of a tensor is a sample.
///
/// Throughout, `visible` is samples × visible units, labels included, and `hidden` samples × hidden units; what is written takes the shape of its result.
/// Shapes that do not fit panic.
pub struct Machine<B: Backend> {
    /// `W`, hidden × visible (a row is a hidden unit).
    pub weights: B::Tensor,
    /// `a`, 1 × visible.
    pub visible_bias: B::Tensor,
    /// `b`, 1 × hidden.
    pub hidden_bias: B::Tensor,
    kinds: UnitKinds,
    visible: usize,
    hidden: usize,
}

impl<B: Backend> Machine<B> {
    /// Takes parameters to the backend. Fails when their shapes do not fit each other.
    pub fn new(backend: &B, parameters: &RbmParameters) -> Result<Self, ParametersError> {
        parameters.view()?;
        let (visible, hidden) = (parameters.visible_bias.len(), parameters.hidden_bias.len());
        Ok(Self {
            weights: backend.upload(hidden, visible, &parameters.weights),
            visible_bias: backend.upload(1, visible, &parameters.visible_bias),
            hidden_bias: backend.upload(1, hidden, &parameters.hidden_bias),
            kinds: parameters.kinds.clone(),
            visible,
            hidden,
        })
    }

    /// The parameters as they are.
    pub fn parameters(&self, backend: &B) -> RbmParameters {
        RbmParameters {
            weights: backend.download(&self.weights),
            visible_bias: backend.download(&self.visible_bias),
            hidden_bias: backend.download(&self.hidden_bias),
            kinds: self.kinds.clone(),
        }
    }

    /// Number of visible units, labels included.
    pub fn visible(&self) -> usize {
        self.visible
    }

    /// Number of hidden units.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// What its units are.
    pub fn kinds(&self) -> &UnitKinds {
        &self.kinds
    }

    /// `z_j = b_j + Σ_i v_i·W_ij`.
    pub fn hidden_fields(&self, backend: &B, visible: &B::Tensor, out: &mut B::Tensor) {
        backend.affine(Direction::Up, &self.weights, Some(&self.hidden_bias), Link::Identity, visible, out);
    }

    /// Means of the hidden units given visible states: `σ(z)`, or `S′(z)` of rectified ones.
    pub fn hidden_means(&self, backend: &B, visible: &B::Tensor, out: &mut B::Tensor) {
        if self.kinds.hidden == HiddenKind::Bernoulli {
            backend.affine(Direction::Up, &self.weights, Some(&self.hidden_bias), Link::Sigmoid, visible, out);
        } else {
            self.hidden_fields(backend, visible, out);
            backend.hidden_means(self.kinds.hidden, out);
        }
    }

    /// States of the hidden units drawn from `p_β(h | v)`.
    pub fn sample_hidden(
        &self,
        backend: &B,
        beta: Beta,
        draws: Draws<'_>,
        visible: &B::Tensor,
        states: &mut B::Tensor,
    ) {
        if self.kinds.hidden == HiddenKind::Bernoulli {
            let (weights, bias) = (&self.weights, &self.hidden_bias);
            backend.sample_affine(draws, Direction::Up, weights, bias, beta, visible, states);
        } else {
            self.hidden_fields(backend, visible, states);
            backend.sample_hidden(draws, self.kinds.hidden, beta, states);
        }
    }

    /// Means and states, drawn at `β = 1`, of the hidden units given visible states.
    pub fn hidden_means_and_states(
        &self,
        backend: &B,
        draws: Draws<'_>,
        visible: &B::Tensor,
        means: &mut B::Tensor,
        states: &mut B::Tensor,
    ) {
        if self.kinds.hidden == HiddenKind::Bernoulli {
            let (weights, bias) = (&self.weights, &self.hidden_bias);
            backend.means_and_states(draws, Direction::Up, weights, bias, visible, means, states);
        } else {
            self.hidden_fields(backend, visible, means);
            backend.copy(means, states);
            backend.sample_hidden(draws, self.kinds.hidden, Beta::ONE, states);
            backend.hidden_means(self.kinds.hidden, means);
        }
    }

    /// What the means and draws of visible units are made from: `a_i + Σ_j W_ij·h_j`, without `a_i` for a Gaussian unit.
    pub fn visible_inputs(&self, backend: &B, hidden: &B::Tensor, out: &mut B::Tensor) {
        if self.kinds.sigma.is_empty() {
            backend.affine(Direction::Down, &self.weights, Some(&self.visible_bias), Link::Identity, hidden, out);
        } else if self.kinds.sigma.len() == self.visible {
            backend.affine(Direction::Down, &self.weights, None, Link::Identity, hidden, out);
        } else {
            let mut start = backend.zeros(0, 0);
            backend.visible_start(&self.kinds, &self.visible_bias, &mut start);
            backend.affine(Direction::Down, &self.weights, Some(&start), Link::Identity, hidden, out);
        }
    }

    /// Means of the visible units given hidden states.
    pub fn visible_means(&self, backend: &B, hidden: &B::Tensor, out: &mut B::Tensor) {
        if self.kinds.blocks.is_empty() {
            backend.affine(Direction::Down, &self.weights, Some(&self.visible_bias), Link::Sigmoid, hidden, out);
        } else {
            self.visible_inputs(backend, hidden, out);
            backend.visible_means(&self.kinds, &self.visible_bias, out);
        }
    }

    /// States of the visible units drawn from `p_β(v | h)`.
    pub fn sample_visible(
        &self,
        backend: &B,
        beta: Beta,
        draws: Draws<'_>,
        hidden: &B::Tensor,
        states: &mut B::Tensor,
    ) {
        if self.kinds.blocks.is_empty() {
            let (weights, bias) = (&self.weights, &self.visible_bias);
            backend.sample_affine(draws, Direction::Down, weights, bias, beta, hidden, states);
        } else {
            self.visible_inputs(backend, hidden, states);
            backend.sample_visible(draws, &self.kinds, beta, &self.visible_bias, states);
        }
    }

    /// Means and states, drawn at `β = 1`, of the visible units given hidden states.
    pub fn visible_means_and_states(
        &self,
        backend: &B,
        draws: Draws<'_>,
        hidden: &B::Tensor,
        means: &mut B::Tensor,
        states: &mut B::Tensor,
    ) {
        if self.kinds.blocks.is_empty() {
            let (weights, bias) = (&self.weights, &self.visible_bias);
            backend.means_and_states(draws, Direction::Down, weights, bias, hidden, means, states);
        } else {
            self.visible_inputs(backend, hidden, means);
            backend.copy(means, states);
            backend.sample_visible(draws, &self.kinds, Beta::ONE, &self.visible_bias, states);
            backend.visible_means(&self.kinds, &self.visible_bias, means);
        }
    }

    /// `F(v) = Σ_i U_i(v_i) − Σ_j T(z_j)` of every row, in nats, as rows × 1. `fields` is overwritten with `z`.
    pub fn free_energies(&self, backend: &B, visible: &B::Tensor, fields: &mut B::Tensor, out: &mut B::Tensor) {
        self.hidden_fields(backend, visible, fields);
        backend.visible_energies(&self.kinds, &self.visible_bias, visible, out);
        backend.subtract_hidden_terms(self.kinds.hidden, 1.0, fields, out);
    }

    /// `out` becomes `visible` with what is missing (NaN) filled in by mean field: at first by the biases alone, then [`COMPLETION_STEPS`] times
    /// by the means given the hidden units' means given the rest.
    ///
    /// Hinton 2010, section 17, has missing values treated as hidden units are; their means are the cheapest way to, and draw nothing.
    pub fn complete(
        &self,
        backend: &B,
        visible: &B::Tensor,
        Completion { hidden, means }: &mut Completion<B>,
        out: &mut B::Tensor,
    ) {
        *hidden = backend.zeros(backend.shape(visible)[0], self.hidden);
        for step in 0..=COMPLETION_STEPS {
            if step > 0 {
                self.hidden_means(backend, out, hidden);
            }
            self.visible_means(backend, hidden, means);
            backend.fill_missing(visible, means, out);
        }
    }
}

/// Times that [`Machine::complete`] goes up and down.
pub const COMPLETION_STEPS: usize = 5;

/// What [`Machine::complete`] works in.
pub struct Completion<B: Backend> {
    hidden: B::Tensor,
    means: B::Tensor,
}

impl<B: Backend> Completion<B> {
    /// Nothing yet.
    pub fn new(backend: &B) -> Self {
        Self { hidden: backend.zeros(0, 0), means: backend.zeros(0, 0) }
    }
}
