//! What a restricted Boltzmann machine does, whatever its numbers are: the trait [`Machine`].

use crate::beta::Beta;
use rand_core::Rng;

/// Two lengths that should have been equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {expected} expected, {found} found")]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ShapeError {
    /// What was counted.
    pub what: &'static str,
    /// The length that fits.
    pub expected: usize,
    /// The length that came.
    pub found: usize,
}

impl ShapeError {
    /// `Ok` when `found` is `expected`.
    pub const fn check(what: &'static str, expected: usize, found: usize) -> Result<(), Self> {
        if expected == found { Ok(()) } else { Err(Self { what, expected, found }) }
    }
}

/// A restricted Boltzmann machine: `V` visible and `H` hidden units with weights `W` (`V × H`), visible bias `a`, hidden bias `b`.
///
/// Equations and signs are those of Hinton 2010, "A Practical Guide to Training Restricted Boltzmann Machines", written here for Bernoulli
/// units; [`crate::VisibleKind`] and [`crate::HiddenKind`] give those of the other kinds.
/// Weights are behind `&self`, states are the caller's: one model in flash serves any number of chains.
/// Every method fails with [`ShapeError`], and writes nothing, when a slice has the wrong length.
pub trait Machine {
    /// State, mean or probability of a unit: f32, or u8 in `1/128`.
    type Value: Copy + Default + PartialEq + core::fmt::Debug;
    /// Energy: f32 in nats, or i32 in `2^-12` nats.
    type Energy: Copy + Default + PartialOrd + core::fmt::Debug + core::fmt::Display;

    /// Number of visible units.
    fn visible(&self) -> usize;
    /// Number of hidden units.
    fn hidden(&self) -> usize;

    /// `out_j = p(h_j = 1 | v) = σ(b_j + Σ_i v_i·W_ij)`; of a unit that is not binary, the mean.
    fn hidden_probs(&self, visible: &[Self::Value], out: &mut [Self::Value]) -> Result<(), ShapeError>;

    /// `out_i = p(v_i = 1 | h) = σ(a_i + Σ_j W_ij·h_j)`; of a unit that is not binary, the mean.
    fn visible_probs(&self, hidden: &[Self::Value], out: &mut [Self::Value]) -> Result<(), ShapeError>;

    /// Draws every `h_j` from `p_β(h_j | v)`: one 32-bit draw a unit, in order.
    fn sample_hidden_at<R: Rng + ?Sized>(
        &self,
        beta: Beta,
        visible: &[Self::Value],
        rng: &mut R,
        out: &mut [Self::Value],
    ) -> Result<(), ShapeError>;

    /// Draws every `v_i` from `p_β(v_i | h)`: one 32-bit draw a unit, in order.
    fn sample_visible_at<R: Rng + ?Sized>(
        &self,
        beta: Beta,
        hidden: &[Self::Value],
        rng: &mut R,
        out: &mut [Self::Value],
    ) -> Result<(), ShapeError>;

    /// A visible state to start a chain from: each unit drawn as if nothing were known, a Bernoulli one on with probability ½.
    /// One 32-bit draw a unit, in order.
    fn noise<R: Rng + ?Sized>(&self, rng: &mut R, out: &mut [Self::Value]) -> Result<(), ShapeError>;

    /// `F(v) = −a·v − Σ_j softplus(b_j + Σ_i v_i·W_ij)`: low where the model expects data, high for what it has not seen.
    fn free_energy(&self, visible: &[Self::Value]) -> Result<Self::Energy, ShapeError>;

    /// Classes of a ClassRBM (Larochelle & Bengio 2008): so many of the last visible units are a softmax group, the class. 0 for other machines.
    fn labels(&self) -> usize {
        0
    }

    /// Number of visible units that are not labels: `D`.
    fn inputs(&self) -> usize {
        self.visible() - self.labels()
    }

    /// `out_y = −F(x, y)` for every class: the score of the class, `p(y | x) = softmax(out)_y` exactly.
    fn class_scores(&self, inputs: &[Self::Value], out: &mut [Self::Energy]) -> Result<(), ShapeError>;

    /// `F(x) = −ln Σ_y e^(−F(x, y))`: the free energy of the inputs alone, whatever their class. Without labels, [`Machine::free_energy`].
    fn free_energy_of_inputs(&self, inputs: &[Self::Value]) -> Result<Self::Energy, ShapeError>;

    /// Puts `known` values into a visible state wherever `held`. A softmax group is one variable: it is held whole when any of its units is.
    fn hold(&self, known: &[Self::Value], held: &[bool], visible: &mut [Self::Value]) -> Result<(), ShapeError> {
        self.check_visible(known)?;
        ShapeError::check("held marks", self.visible(), held.len())?;
        self.check_visible(visible)?;
        for ((value, known), _) in visible.iter_mut().zip(known).zip(held).filter(|(_, held)| **held) {
            *value = *known;
        }
        Ok(())
    }

    /// [`Machine::sample_hidden_at`] `β = 1`.
    fn sample_hidden<R: Rng + ?Sized>(
        &self,
        visible: &[Self::Value],
        rng: &mut R,
        out: &mut [Self::Value],
    ) -> Result<(), ShapeError> {
        self.sample_hidden_at(Beta::ONE, visible, rng, out)
    }

    /// [`Machine::sample_visible_at`] `β = 1`.
    fn sample_visible<R: Rng + ?Sized>(
        &self,
        hidden: &[Self::Value],
        rng: &mut R,
        out: &mut [Self::Value],
    ) -> Result<(), ShapeError> {
        self.sample_visible_at(Beta::ONE, hidden, rng, out)
    }

    /// Fails unless `visible` holds one value a visible unit.
    fn check_visible(&self, visible: &[Self::Value]) -> Result<(), ShapeError> {
        ShapeError::check("visible units", self.visible(), visible.len())
    }

    /// Fails unless `hidden` holds one value a hidden unit.
    fn check_hidden(&self, hidden: &[Self::Value]) -> Result<(), ShapeError> {
        ShapeError::check("hidden units", self.hidden(), hidden.len())
    }

    /// Fails unless `inputs` holds one value a visible unit that is no label.
    fn check_inputs(&self, inputs: &[Self::Value]) -> Result<(), ShapeError> {
        ShapeError::check("inputs", self.inputs(), inputs.len())
    }
}
