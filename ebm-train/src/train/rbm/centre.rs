//! Centred gradients (Montavon & Müller 2012; Melchior, Fischer & Wiskott 2016, "How to Center Deep Boltzmann Machines").
//!
//! A machine with units counted from offsets μ and λ couples them by `−(v − μ)ᵀW(h − λ)`. It is the plain machine with `a = a′ − σ²·Wλ` and
//! `b = b′ − Wᵀμ` (`σ² = 1` for all but Gaussian units), whatever kinds its units are of, since only what is linear in them is moved. A step is
//! taken in `(W, a′, b′)`, where a change of W leaves the units' means alone, and the machine that is kept is the plain one.

use super::{Gradients, sums_over_ranks};
use crate::Error;
use crate::backend::{Backend, Direction, Link};
use crate::train::machine::Machine;
use crate::train::snapshot::Snapshot;

/// Offsets of both layers.
pub(super) struct Centre<B: Backend> {
    /// `μ`, 1 × V: means of the data.
    visible: B::Tensor,
    /// `λ`, 1 × H: running means of the hidden units given data.
    hidden: B::Tensor,
    /// What one layer's offsets add to the other's biases.
    shift: B::Tensor,
}

impl<B: Backend> Centre<B> {
    /// `means` are those of the data; hidden units begin at theirs given these.
    pub fn new(backend: &B, machine: &Machine<B>, means: &[f32]) -> Self {
        let visible = backend.upload(1, means.len(), means);
        let mut hidden = backend.zeros(0, 0);
        machine.hidden_means(backend, &visible, &mut hidden);
        Self { visible, hidden, shift: backend.zeros(0, 0) }
    }

    /// `λ ← (1 − rate)·λ + rate·⟨h⟩`, over so many rows, of which `hidden` are this rank's.
    pub fn follow(&mut self, backend: &B, rate: f32, (hidden, rows): (&B::Tensor, usize)) {
        sums_over_ranks(backend, 1.0 - rate, (rate / rows.max(1) as f32, hidden), &mut self.hidden);
    }

    /// From the plain machine's biases to the centred one's, with `by = 1`, or back, with `by = −1`.
    pub fn shift(&mut self, backend: &B, by: f32, variances: Option<&B::Tensor>, machine: &mut Machine<B>) {
        let Self { visible, hidden, shift } = self;
        backend.affine(Direction::Down, &machine.weights, None, Link::Identity, hidden, shift);
        if let Some(variances) = variances {
            backend.multiply_columns(variances, shift);
        }
        backend.add_scaled(by, shift, &mut machine.visible_bias);
        backend.affine(Direction::Up, &machine.weights, None, Link::Identity, visible, shift);
        backend.add_scaled(by, shift, &mut machine.hidden_bias);
    }

    /// The plain machine's gradient to the centred one's: `∂W ← ∂W − ∂a·λᵀ − μ·∂bᵀ` by the chain rule. (A Gaussian unit's `∂a` is `σ²` times
    /// the derivative already.)
    pub fn gradient(&self, backend: &B, gradients: &mut Gradients<'_, B>) {
        let terms = [(-1.0, [&*gradients.visible_bias, &self.hidden]), (-1.0, [&self.visible, gradients.hidden_bias])];
        backend.outer(1.0, &terms, gradients.weights);
    }

    /// Steps of the centred machine's biases to those of the plain one, W's being taken as they are: the inverse of [`Centre::shift`].
    pub fn plain(&mut self, backend: &B, variances: Option<&B::Tensor>, gradients: &mut Gradients<'_, B>) {
        let Self { visible, hidden, shift } = self;
        backend.affine(Direction::Down, gradients.weights, None, Link::Identity, hidden, shift);
        if let Some(variances) = variances {
            backend.multiply_columns(variances, shift);
        }
        backend.add_scaled(-1.0, shift, gradients.visible_bias);
        backend.affine(Direction::Up, gradients.weights, None, Link::Identity, visible, shift);
        backend.add_scaled(-1.0, shift, gradients.hidden_bias);
    }

    pub fn save(&self, backend: &B, snapshot: &mut Snapshot) {
        snapshot.put(backend, "visible_offset", &self.visible);
        snapshot.put(backend, "hidden_offset", &self.hidden);
    }

    pub fn load(&mut self, backend: &B, snapshot: &Snapshot) -> Result<(), Error> {
        snapshot.restore(backend, "visible_offset", &mut self.visible)?;
        snapshot.restore(backend, "hidden_offset", &mut self.hidden)
    }
}
