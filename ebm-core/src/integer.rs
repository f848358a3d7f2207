//! Quantised layers over borrowed slices: [`IntegerAffine`] and [`IntegerRbm`], shape-checked shells over
//! [`crate::kernel::integer`].

use crate::beta::Beta;
use crate::kernel::integer::{self, Down, Stored, Up, Weights};
use crate::machine::{Machine, ShapeError};
use rand_core::Rng;

/// A quantised affine map: the upward half of a machine, or a softmax head.
#[derive(Clone, Copy, Debug)]
pub struct IntegerAffine<'a, W = Weights<'a>> {
    up: Up<'a, W>,
    inputs: usize,
}

impl<'a> IntegerAffine<'a> {
    /// Weights `inputs × up.bias.len()`, in any [`Storage`](integer::Storage). Fails when a slice has another length. That the numbers are within the limits
    /// of `FORMAT.md`, so that no sum overflows, is checked when a file is read or written; here the caller sees to it.
    pub const fn new(inputs: usize, up: Up<'a>) -> Result<Self, ShapeError> {
        let outputs = up.bias.len();
        let needed = up.weights.storage().len(inputs, outputs);
        if let Err(error) = ShapeError::check("weights", needed, up.weights.len()) {
            return Err(error);
        }
        match ShapeError::check("rescales", outputs, up.rescale.len()) {
            Ok(()) => Ok(Self::of_shape(inputs, up)),
            Err(error) => Err(error),
        }
    }
}

impl<'a, W: Stored<'a>> IntegerAffine<'a, W> {
    pub(crate) const fn of_shape(inputs: usize, up: Up<'a, W>) -> Self {
        Self { up, inputs }
    }

    /// Number of inputs.
    pub const fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of outputs.
    pub const fn outputs(&self) -> usize {
        self.up.bias.len()
    }

    /// The slices.
    pub const fn up(&self) -> Up<'a, W> {
        self.up
    }

    /// `out_j = b_j + Σ_i x_i·W_ij`, in `2^-12` nats.
    pub fn field(&self, input: &[u8], out: &mut [i32]) -> Result<(), ShapeError> {
        self.check(input, out.len())?;
        integer::hidden_field(&self.up, input, out);
        Ok(())
    }

    /// `out_j = σ(b_j + Σ_i x_i·W_ij)`, in `1/128`.
    pub fn probabilities(&self, input: &[u8], out: &mut [u8]) -> Result<(), ShapeError> {
        self.check(input, out.len())?;
        integer::hidden_probs(&self.up, input, out);
        Ok(())
    }

    fn check(&self, input: &[u8], outputs: usize) -> Result<(), ShapeError> {
        ShapeError::check("inputs", self.inputs, input.len())?;
        ShapeError::check("outputs", self.outputs(), outputs)
    }
}

/// A quantised Bernoulli–Bernoulli machine. Its numerics are integers throughout: every machine computes the same bits.
#[derive(Clone, Copy, Debug)]
pub struct IntegerRbm<'a, W = Weights<'a>> {
    up: IntegerAffine<'a, W>,
    visible_bias: &'a [i32],
    steps: &'a [u16],
    shift: u8,
}

impl<'a> IntegerRbm<'a> {
    /// `V = visible_bias.len()`, `H = up.bias.len()`; `steps` and `shift` as in [`Down`]. Fails when a slice has
    /// another length. The numbers' limits are as in [`IntegerAffine::new`].
    pub const fn new(up: Up<'a>, visible_bias: &'a [i32], steps: &'a [u16], shift: u8) -> Result<Self, ShapeError> {
        if let Err(error) = ShapeError::check("down steps", up.bias.len(), steps.len()) {
            return Err(error);
        }
        match IntegerAffine::new(visible_bias.len(), up) {
            Ok(up) => Ok(Self::of_shape(up, visible_bias, steps, shift)),
            Err(error) => Err(error),
        }
    }
}

impl<'a, W: Stored<'a>> IntegerRbm<'a, W> {
    pub(crate) const fn of_shape(
        up: IntegerAffine<'a, W>,
        visible_bias: &'a [i32],
        steps: &'a [u16],
        shift: u8,
    ) -> Self {
        Self { up, visible_bias, steps, shift }
    }

    /// [`IntegerRbm::up`] where it lies.
    pub(crate) const fn as_up(&self) -> &IntegerAffine<'a, W> {
        &self.up
    }

    /// The map from visible to hidden fields.
    pub const fn up(&self) -> IntegerAffine<'a, W> {
        self.up
    }

    /// The map from hidden to visible fields.
    pub const fn down(&self) -> Down<'a, W> {
        Down { weights: self.up.up.weights, visible_bias: self.visible_bias, steps: self.steps, shift: self.shift }
    }
}

impl<'a, W: Stored<'a>> Machine for IntegerRbm<'a, W> {
    type Value = u8;
    type Energy = i32;

    fn visible(&self) -> usize {
        self.visible_bias.len()
    }

    fn hidden(&self) -> usize {
        self.up.outputs()
    }

    fn hidden_probs(&self, visible: &[u8], out: &mut [u8]) -> Result<(), ShapeError> {
        self.up.probabilities(visible, out)
    }

    fn visible_probs(&self, hidden: &[u8], out: &mut [u8]) -> Result<(), ShapeError> {
        self.check_hidden(hidden)?;
        self.check_visible(out)?;
        integer::visible_probs(self.down(), hidden, out);
        Ok(())
    }

    fn sample_hidden_at<R: Rng + ?Sized>(
        &self,
        beta: Beta,
        visible: &[u8],
        rng: &mut R,
        out: &mut [u8],
    ) -> Result<(), ShapeError> {
        self.check_visible(visible)?;
        self.check_hidden(out)?;
        integer::sample_hidden(&self.up.up, beta, visible, rng, out);
        Ok(())
    }

    fn sample_visible_at<R: Rng + ?Sized>(
        &self,
        beta: Beta,
        hidden: &[u8],
        rng: &mut R,
        out: &mut [u8],
    ) -> Result<(), ShapeError> {
        self.check_hidden(hidden)?;
        self.check_visible(out)?;
        integer::sample_visible(self.down(), beta, hidden, rng, out);
        Ok(())
    }

    fn noise<R: Rng + ?Sized>(&self, rng: &mut R, out: &mut [u8]) -> Result<(), ShapeError> {
        self.check_visible(out)?;
        integer::noise(rng, out);
        Ok(())
    }

    fn class_scores(&self, inputs: &[u8], out: &mut [i32]) -> Result<(), ShapeError> {
        self.check_inputs(inputs)?;
        ShapeError::check("classes", 0, out.len())
    }

    fn free_energy_of_inputs(&self, inputs: &[u8]) -> Result<i32, ShapeError> {
        self.free_energy(inputs)
    }

    fn free_energy(&self, visible: &[u8]) -> Result<i32, ShapeError> {
        self.check_visible(visible)?;
        Ok(integer::free_energy(&self.up.up, self.visible_bias, visible))
    }
}
