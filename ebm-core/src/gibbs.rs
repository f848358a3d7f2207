//! Block Gibbs sampling: [`Chain`] holds a state, apart from the weights that move it.

use crate::machine::{Machine, ShapeError};
use rand_core::Rng;

/// A Gibbs chain over a machine of `V` visible and `H` hidden units whose values are `T` (see [`Machine::Value`]).
///
/// Both layers are drawn at a time, because units of one layer are independent given the other (Geman & Geman 1984; Hinton 2010,
/// section 2). The stationary distribution is the machine's `p(v, h) = e^(−E(v, h)) / Z`.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain<T, const V: usize, const H: usize> {
    visible: [T; V],
    hidden: [T; H],
}

impl<T: Copy + Default, const V: usize, const H: usize> Chain<T, V, H> {
    /// A chain that starts at the visible state `visible`.
    pub fn new(visible: [T; V]) -> Self {
        Self { visible, hidden: [T::default(); H] }
    }

    /// The visible state.
    pub const fn visible(&self) -> &[T; V] {
        &self.visible
    }

    /// The hidden state that the last step drew; all off before the first.
    pub const fn hidden(&self) -> &[T; H] {
        &self.hidden
    }

    /// One step of block Gibbs sampling: `h ~ p(h | v)`, then `v ~ p(v | h)`; `H + V` draws.
    /// Fails, and leaves the state as it was, when the machine has another shape.
    pub fn gibbs_step<M, R>(&mut self, machine: &M, rng: &mut R) -> Result<(), ShapeError>
    where
        M: Machine<Value = T>,
        R: Rng + ?Sized,
    {
        machine.check_visible(&self.visible)?;
        machine.check_hidden(&self.hidden)?;
        machine.sample_hidden(&self.visible, rng, &mut self.hidden)?;
        machine.sample_visible(&self.hidden, rng, &mut self.visible)
    }
}
