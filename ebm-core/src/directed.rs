//! [`Directed`]: units whose way down is not their way up.

use crate::affine::{Activation, Affine};
use crate::machine::{Machine, ShapeError};
use crate::rbm::RbmView;

/// Units of a net whose way down is not the way up: a lower layer of a deep belief network after up-down fine-tuning (Hinton, Osindero & Teh
/// 2006). Recognition weights go up, generative weights go down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Directed<'a> {
    recognition: Affine<'a>,
    generative: RbmView<'a>,
}

impl<'a> Directed<'a> {
    /// Recognition `V × H`, and the generative half: weights `V × H`, visible bias and units of `generative`, whose hidden bias is not used.
    /// Fails when their shapes differ.
    pub fn new(recognition: Affine<'a>, generative: RbmView<'a>) -> Result<Self, ShapeError> {
        ShapeError::check("generative weights", recognition.weights().len(), generative.up().weights().len())?;
        ShapeError::check("hidden units", recognition.outputs(), generative.hidden())?;
        let recognition = recognition.with_activation(Activation::Mean(generative.units().hidden()));
        Ok(Self { recognition, generative })
    }

    /// The way up.
    pub const fn recognition(&self) -> Affine<'a> {
        self.recognition
    }

    /// [`Directed::recognition`] where it lies.
    pub(crate) const fn as_recognition(&self) -> &Affine<'a> {
        &self.recognition
    }

    /// The way down, as a machine of which only `p(v | h)` is meant.
    pub const fn generative(&self) -> RbmView<'a> {
        self.generative
    }
}
