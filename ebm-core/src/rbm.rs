//! The Bernoulli–Bernoulli machine in f32: [`Rbm`] with its shape in the type, [`RbmView`] over borrowed slices.

use crate::kernel::float;
use crate::machine::{Machine, ShapeError};
use nalgebra::{SMatrix, SVector};
use rand_core::Rng;

/// An affine map with a shape known at run time: the upward half of a machine, or a softmax head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine<'a> {
    weights: &'a [f32],
    bias: &'a [f32],
    inputs: usize,
}

impl<'a> Affine<'a> {
    /// Weights `inputs × bias.len()`, column-major. Fails when the weights have another number of elements.
    pub const fn new(inputs: usize, weights: &'a [f32], bias: &'a [f32]) -> Result<Self, ShapeError> {
        match ShapeError::check("weights", inputs.saturating_mul(bias.len()), weights.len()) {
            Ok(()) => Ok(Self { weights, bias, inputs }),
            Err(error) => Err(error),
        }
    }

    /// Number of inputs.
    pub const fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of outputs.
    pub const fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The weights, column-major: output j's are contiguous over the inputs.
    pub const fn weights(&self) -> &'a [f32] {
        self.weights
    }

    /// The biases, one an output.
    pub const fn bias(&self) -> &'a [f32] {
        self.bias
    }

    /// `out_j = b_j + Σ_i x_i·W_ij`.
    pub fn field(&self, input: &[f32], out: &mut [f32]) -> Result<(), ShapeError> {
        ShapeError::check("inputs", self.inputs, input.len())?;
        ShapeError::check("outputs", self.outputs(), out.len())?;
        float::hidden_field(self.weights, self.bias, input, out);
        Ok(())
    }

    /// `out_j = σ(b_j + Σ_i x_i·W_ij)`.
    pub fn probabilities(&self, input: &[f32], out: &mut [f32]) -> Result<(), ShapeError> {
        self.field(input, out)?;
        float::probabilities(out);
        Ok(())
    }
}

/// A machine whose parameters are borrowed, from flash, a file's bytes or an [`Rbm`]; its shape is known at run time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RbmView<'a> {
    up: Affine<'a>,
    visible_bias: &'a [f32],
}

impl<'a> RbmView<'a> {
    /// Weights `V × H` column-major, `V = visible_bias.len()`, `H = hidden_bias.len()`.
    /// Fails when the weights have another number of elements.
    pub const fn new(weights: &'a [f32], visible_bias: &'a [f32], hidden_bias: &'a [f32]) -> Result<Self, ShapeError> {
        match Affine::new(visible_bias.len(), weights, hidden_bias) {
            Ok(up) => Ok(Self { up, visible_bias }),
            Err(error) => Err(error),
        }
    }

    /// The map from visible to hidden fields.
    pub const fn up(&self) -> Affine<'a> {
        self.up
    }

    /// `a`, one a visible unit.
    pub const fn visible_bias(&self) -> &'a [f32] {
        self.visible_bias
    }

    /// `E(v, h) = −a·v − b·h − vᵀWh`, in nats.
    pub fn energy(&self, visible: &[f32], hidden: &[f32]) -> Result<f32, ShapeError> {
        self.check_visible(visible)?;
        self.check_hidden(hidden)?;
        Ok(float::energy(self.up.weights, self.visible_bias, self.up.bias, visible, hidden))
    }
}

impl Machine for RbmView<'_> {
    type Value = f32;
    type Energy = f32;

    fn visible(&self) -> usize {
        self.visible_bias.len()
    }

    fn hidden(&self) -> usize {
        self.up.outputs()
    }

    fn hidden_probs(&self, visible: &[f32], out: &mut [f32]) -> Result<(), ShapeError> {
        self.up.probabilities(visible, out)
    }

    fn visible_probs(&self, hidden: &[f32], out: &mut [f32]) -> Result<(), ShapeError> {
        self.check_hidden(hidden)?;
        self.check_visible(out)?;
        float::visible_field(self.up.weights, self.visible_bias, hidden, out);
        float::probabilities(out);
        Ok(())
    }

    fn sample_hidden<R: Rng + ?Sized>(&self, visible: &[f32], rng: &mut R, out: &mut [f32]) -> Result<(), ShapeError> {
        self.hidden_probs(visible, out)?;
        float::bernoulli(out, rng);
        Ok(())
    }

    fn sample_visible<R: Rng + ?Sized>(&self, hidden: &[f32], rng: &mut R, out: &mut [f32]) -> Result<(), ShapeError> {
        self.visible_probs(hidden, out)?;
        float::bernoulli(out, rng);
        Ok(())
    }

    fn free_energy(&self, visible: &[f32]) -> Result<f32, ShapeError> {
        self.check_visible(visible)?;
        Ok(float::free_energy(self.up.weights, self.visible_bias, self.up.bias, visible))
    }
}

/// A machine that owns its parameters, `V` visible and `H` hidden units.
///
/// The fixed-size methods cannot fail: the type system has checked the shapes. Everything else is on [`Rbm::view`].
#[derive(Clone, Debug, PartialEq)]
pub struct Rbm<const V: usize, const H: usize> {
    /// `W`, `V × H`.
    pub weights: SMatrix<f32, V, H>,
    /// `a`.
    pub visible_bias: SVector<f32, V>,
    /// `b`.
    pub hidden_bias: SVector<f32, H>,
}

impl<const V: usize, const H: usize> Default for Rbm<V, H> {
    /// All parameters zero: every state equally likely.
    fn default() -> Self {
        Self { weights: SMatrix::zeros(), visible_bias: SVector::zeros(), hidden_bias: SVector::zeros() }
    }
}

impl<const V: usize, const H: usize> Rbm<V, H> {
    /// The same machine as borrowed slices.
    pub fn view(&self) -> RbmView<'_> {
        RbmView {
            up: Affine { weights: self.weights.as_slice(), bias: self.hidden_bias.as_slice(), inputs: V },
            visible_bias: self.visible_bias.as_slice(),
        }
    }

    /// Takes the parameters of `view`. Fails, naming both shapes, when it is not `V × H`.
    pub fn copy_from(&mut self, view: &RbmView<'_>) -> Result<(), ShapeError> {
        ShapeError::check("visible units", V, view.visible())?;
        ShapeError::check("hidden units", H, view.hidden())?;
        self.weights.copy_from_slice(view.up.weights);
        self.visible_bias.copy_from_slice(view.visible_bias);
        self.hidden_bias.copy_from_slice(view.up.bias);
        Ok(())
    }

    /// `p(h_j = 1 | v)` for every hidden unit.
    pub fn hidden_probs(&self, visible: &SVector<f32, V>) -> SVector<f32, H> {
        let mut out = SVector::zeros();
        self.hidden_probs_into(visible.as_slice(), &mut out);
        out
    }

    pub(crate) fn hidden_probs_into(&self, visible: &[f32], out: &mut SVector<f32, H>) {
        float::hidden_field(self.weights.as_slice(), self.hidden_bias.as_slice(), visible, out.as_mut_slice());
        float::probabilities(out.as_mut_slice());
    }

    /// `p(v_i = 1 | h)` for every visible unit.
    pub fn visible_probs(&self, hidden: &SVector<f32, H>) -> SVector<f32, V> {
        let mut out: SVector<f32, V> = SVector::zeros();
        float::visible_field(
            self.weights.as_slice(),
            self.visible_bias.as_slice(),
            hidden.as_slice(),
            out.as_mut_slice(),
        );
        float::probabilities(out.as_mut_slice());
        out
    }

    /// `E(v, h)`, in nats.
    pub fn energy(&self, visible: &SVector<f32, V>, hidden: &SVector<f32, H>) -> f32 {
        let view = self.view();
        float::energy(view.up.weights, view.visible_bias, view.up.bias, visible.as_slice(), hidden.as_slice())
    }

    /// `F(v)`, in nats.
    pub fn free_energy(&self, visible: &SVector<f32, V>) -> f32 {
        let view = self.view();
        float::free_energy(view.up.weights, view.visible_bias, view.up.bias, visible.as_slice())
    }
}
