//! What a restricted Boltzmann machine does, whatever its numbers are: the trait [`Machine`].

use rand_core::Rng;

/// Two lengths that should have been equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {expected} expected, {found} found")]
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
/// Equations and signs are those of Hinton 2010, "A Practical Guide to Training Restricted Boltzmann Machines".
/// Weights are behind `&self`, states are the caller's: one model in flash serves any number of chains.
/// Every method fails with [`ShapeError`], and writes nothing, when a slice has the wrong length.
pub trait Machine {
    /// State or probability of a unit: f32 in `[0, 1]`, or u8 in `1/128`.
    type Value: Copy + Default + PartialEq + core::fmt::Debug;
    /// Energy: f32 in nats, or i32 in `2^-12` nats.
    type Energy: Copy + PartialOrd + core::fmt::Debug + core::fmt::Display;

    /// Number of visible units.
    fn visible(&self) -> usize;
    /// Number of hidden units.
    fn hidden(&self) -> usize;

    /// `out_j = p(h_j = 1 | v) = σ(b_j + Σ_i v_i·W_ij)`.
    fn hidden_probs(&self, visible: &[Self::Value], out: &mut [Self::Value]) -> Result<(), ShapeError>;

    /// `out_i = p(v_i = 1 | h) = σ(a_i + Σ_j W_ij·h_j)`.
    fn visible_probs(&self, hidden: &[Self::Value], out: &mut [Self::Value]) -> Result<(), ShapeError>;

    /// Draws every `h_j` from `p(h_j | v)`: one 32-bit draw a unit, in order.
    fn sample_hidden<R: Rng + ?Sized>(
        &self,
        visible: &[Self::Value],
        rng: &mut R,
        out: &mut [Self::Value],
    ) -> Result<(), ShapeError>;

    /// Draws every `v_i` from `p(v_i | h)`: one 32-bit draw a unit, in order.
    fn sample_visible<R: Rng + ?Sized>(
        &self,
        hidden: &[Self::Value],
        rng: &mut R,
        out: &mut [Self::Value],
    ) -> Result<(), ShapeError>;

    /// `F(v) = −a·v − Σ_j softplus(b_j + Σ_i v_i·W_ij)`: low where the model expects data, high for what it has not seen.
    fn free_energy(&self, visible: &[Self::Value]) -> Result<Self::Energy, ShapeError>;

    /// Fails unless `visible` holds one value a visible unit.
    fn check_visible(&self, visible: &[Self::Value]) -> Result<(), ShapeError> {
        ShapeError::check("visible units", self.visible(), visible.len())
    }

    /// Fails unless `hidden` holds one value a hidden unit.
    fn check_hidden(&self, hidden: &[Self::Value]) -> Result<(), ShapeError> {
        ShapeError::check("hidden units", self.hidden(), hidden.len())
    }
}
