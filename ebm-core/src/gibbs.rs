//! Block Gibbs sampling: [`Chain`] holds a state, apart from the weights that move it; [`ChainMut`] borrows one.

use crate::beta::Beta;
use crate::machine::{Machine, ShapeError};
use rand_core::Rng;

/// A Gibbs chain over a machine of `V` visible and `H` hidden units whose values are `T` (see [`Machine::Value`]).
///
/// Both layers are drawn at a time, because units of one layer are independent given the other (Geman & Geman 1984; Hinton 2010,
/// section 2). The stationary distribution is the machine's `p(v, h) = e^(−E(v, h)) / Z`; with units held it is `p(v, h | held units)`, and at
/// another temperature `p_β(v, h) ∝ e^(−β·E(v, h))`.
///
/// A step that fails, because the machine has another shape, leaves the state as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain<T, const V: usize, const H: usize> {
    visible: [T; V],
    hidden: [T; H],
}

/// Visible units whose values are known: a step puts them back, so that the others are drawn given them (inpainting, a failed sensor).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held<'a, T> {
    /// A visible state; only the held units' values count.
    pub known: &'a [T],
    /// Which units are held, one mark a visible unit. A softmax group is one variable: it is held whole when any of its units is.
    pub held: &'a [bool],
}

impl<T, const V: usize, const H: usize> Chain<T, V, H> {
    /// A chain in this state. A constant function, so that a `static` holds a chain whose state never passed over the stack.
    pub const fn from_states(visible: [T; V], hidden: [T; H]) -> Self {
        Self { visible, hidden }
    }
}

impl<T: Copy + Default, const V: usize, const H: usize> Chain<T, V, H> {
    /// A chain that starts at the visible state `visible`: data, or where another chain stopped.
    pub fn new(visible: [T; V]) -> Self {
        Self { visible, hidden: [T::default(); H] }
    }

    /// A chain that starts at a state drawn as if nothing were known (see [`Machine::noise`]). Fails when the machine has another shape.
    pub fn from_noise<M, R>(machine: &M, rng: &mut R) -> Result<Self, ShapeError>
    where
        M: Machine<Value = T>,
        R: Rng + ?Sized,
    {
        let mut chain = Self::new([T::default(); V]);
        machine.noise(rng, &mut chain.visible)?;
        Ok(chain)
    }

    /// The visible state.
    pub const fn visible(&self) -> &[T; V] {
        &self.visible
    }

    /// The visible state, to be set: the next step starts from it.
    pub const fn visible_mut(&mut self) -> &mut [T; V] {
        &mut self.visible
    }

    /// The hidden state that the last step drew; all off before the first.
    pub const fn hidden(&self) -> &[T; H] {
        &self.hidden
    }

    /// The same state, borrowed, its shape known at run time.
    pub const fn as_mut(&mut self) -> ChainMut<'_, T> {
        ChainMut { visible: &mut self.visible, hidden: &mut self.hidden }
    }

    /// [`ChainMut::gibbs_step`].
    pub fn gibbs_step<M, R>(&mut self, machine: &M, rng: &mut R) -> Result<(), ShapeError>
    where
        M: Machine<Value = T>,
        R: Rng + ?Sized,
    {
        self.as_mut().gibbs_step(machine, rng)
    }

    /// [`ChainMut::gibbs_step_at`].
    pub fn gibbs_step_at<M, R>(&mut self, beta: Beta, machine: &M, rng: &mut R) -> Result<(), ShapeError>
    where
        M: Machine<Value = T>,
        R: Rng + ?Sized,
    {
        self.as_mut().gibbs_step_at(beta, machine, rng)
    }

    /// [`ChainMut::gibbs_step_held`].
    pub fn gibbs_step_held<M, R>(
        &mut self,
        beta: Beta,
        held: Held<'_, T>,
        machine: &M,
        rng: &mut R,
    ) -> Result<(), ShapeError>
    where
        M: Machine<Value = T>,
        R: Rng + ?Sized,
    {
        self.as_mut().gibbs_step_held(beta, held, machine, rng)
    }

    /// [`ChainMut::mean_field_step`].
    pub fn mean_field_step<M: Machine<Value = T>>(&mut self, machine: &M) -> Result<(), ShapeError> {
        self.as_mut().mean_field_step(machine)
    }

    /// [`ChainMut::mean_field_step_held`].
    pub fn mean_field_step_held<M: Machine<Value = T>>(
        &mut self,
        held: Held<'_, T>,
        machine: &M,
    ) -> Result<(), ShapeError> {
        self.as_mut().mean_field_step_held(held, machine)
    }
}

/// A [`Chain`]'s state, borrowed, of any shape.
#[derive(Debug, PartialEq)]
pub struct ChainMut<'c, T> {
    /// The visible state.
    pub visible: &'c mut [T],
    /// The hidden state.
    pub hidden: &'c mut [T],
}

impl<T: Copy + Default> ChainMut<'_, T> {
    /// One step of block Gibbs sampling: `h ~ p(h | v)`, then `v ~ p(v | h)`; `H + V` draws.
    pub fn gibbs_step<M, R>(&mut self, machine: &M, rng: &mut R) -> Result<(), ShapeError>
    where
        M: Machine<Value = T>,
        R: Rng + ?Sized,
    {
        self.gibbs_step_at(Beta::ONE, machine, rng)
    }

    /// [`Chain::gibbs_step`] at inverse temperature `β`: for annealing, raise it from step to step.
    pub fn gibbs_step_at<M, R>(&mut self, beta: Beta, machine: &M, rng: &mut R) -> Result<(), ShapeError>
    where
        M: Machine<Value = T>,
        R: Rng + ?Sized,
    {
        self.check(machine)?;
        machine.sample_hidden_at(beta, self.visible, rng, self.hidden)?;
        machine.sample_visible_at(beta, self.hidden, rng, self.visible)
    }

    /// [`Chain::gibbs_step_at`] with some visible units held at their known values, before the step and after it.
    pub fn gibbs_step_held<M, R>(
        &mut self,
        beta: Beta,
        held: Held<'_, T>,
        machine: &M,
        rng: &mut R,
    ) -> Result<(), ShapeError>
    where
        M: Machine<Value = T>,
        R: Rng + ?Sized,
    {
        self.check(machine)?;
        machine.hold(held.known, held.held, self.visible)?;
        self.gibbs_step_at(beta, machine, rng)?;
        machine.hold(held.known, held.held, self.visible)
    }

    /// One mean-field step: every hidden unit to its mean given the visible ones, then every visible unit to its mean given those.
    ///
    /// Draws nothing. Repeated, it descends to a fixed point of the mean-field equations `h = p(h | v)`, `v = p(v | h)`.
    pub fn mean_field_step<M: Machine<Value = T>>(&mut self, machine: &M) -> Result<(), ShapeError> {
        self.check(machine)?;
        machine.hidden_probs(self.visible, self.hidden)?;
        machine.visible_probs(self.hidden, self.visible)
    }

    /// [`Chain::mean_field_step`] with some visible units held at their known values: a guess for the others without draws.
    pub fn mean_field_step_held<M: Machine<Value = T>>(
        &mut self,
        held: Held<'_, T>,
        machine: &M,
    ) -> Result<(), ShapeError> {
        self.check(machine)?;
        machine.hold(held.known, held.held, self.visible)?;
        self.mean_field_step(machine)?;
        machine.hold(held.known, held.held, self.visible)
    }

    fn check<M: Machine<Value = T>>(&self, machine: &M) -> Result<(), ShapeError> {
        machine.check_visible(self.visible)?;
        machine.check_hidden(self.hidden)
    }
}
