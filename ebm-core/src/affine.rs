//! Affine maps over borrowed slices: [`Affine`], and what becomes of a field: [`Activation`].

use crate::kernel::{float, units as kinds};
use crate::machine::ShapeError;
use crate::units::HiddenKind;

/// An affine map with a shape known at run time: the upward half of a machine, hidden units without a way down, or a softmax head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine<'a> {
    weights: &'a [f32],
    bias: &'a [f32],
    inputs: usize,
    activation: Activation,
}

/// What [`Affine::probabilities`] makes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Activation {
    /// The mean of a hidden unit of this kind: `σ(z)`, or `S′(z)` of a rectified one.
    Mean(HiddenKind),
    /// `max(0, z)`, of units that back-propagation has trained.
    Rectifier,
}

impl<'a> Affine<'a> {
    /// Weights `inputs × bias.len()`, column-major. Fails when the weights have another number of elements.
    pub const fn new(inputs: usize, weights: &'a [f32], bias: &'a [f32]) -> Result<Self, ShapeError> {
        match ShapeError::check("weights", inputs.saturating_mul(bias.len()), weights.len()) {
            Ok(()) => Ok(Self::of_shape(inputs, weights, bias)),
            Err(error) => Err(error),
        }
    }

    pub(crate) const fn of_shape(inputs: usize, weights: &'a [f32], bias: &'a [f32]) -> Self {
        Self { weights, bias, inputs, activation: Activation::Mean(HiddenKind::Bernoulli) }
    }

    /// The same map with another activation than `σ`.
    pub const fn with_activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// What a field becomes.
    pub const fn activation(&self) -> Activation {
        self.activation
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

    /// `out_j = σ(b_j + Σ_i x_i·W_ij)`, or what its [`Activation`] makes of that field.
    pub fn probabilities(&self, input: &[f32], out: &mut [f32]) -> Result<(), ShapeError> {
        self.field(input, out)?;
        match self.activation {
            Activation::Mean(kind) => kinds::hidden_means(kind, out),
            Activation::Rectifier => kinds::rectify(out),
        }
        Ok(())
    }
}
