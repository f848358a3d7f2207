//! [`Parameters`]: what training makes and a model file is written from.

use ebm_core::{Affine, RbmView, ShapeError};

/// A machine's parameters on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct RbmParameters {
    /// `W`, `V × H`, column-major: hidden unit j's weights are contiguous over i.
    pub weights: Vec<f32>,
    /// `a`.
    pub visible_bias: Vec<f32>,
    /// `b`.
    pub hidden_bias: Vec<f32>,
}

impl RbmParameters {
    /// The same as ebm-core's view. Fails when the weights are not `V × H`.
    pub fn view(&self) -> Result<RbmView<'_>, ShapeError> {
        RbmView::new(&self.weights, &self.visible_bias, &self.hidden_bias)
    }
}

/// Parameters of an affine map on the host: of sigmoid units or a softmax head.
#[derive(Clone, Debug, PartialEq)]
pub struct AffineParameters {
    /// `W`, inputs × outputs, column-major.
    pub weights: Vec<f32>,
    /// `b`.
    pub bias: Vec<f32>,
}

impl AffineParameters {
    /// The same as ebm-core's view. Fails when the number of weights is not a multiple of the outputs.
    pub fn view(&self) -> Result<Affine<'_>, ShapeError> {
        Affine::new(self.weights.len() / self.bias.len().max(1), &self.weights, &self.bias)
    }
}

/// A fine-tuned deep belief network's parameters.
///
/// Back-propagation makes the recognition weights those of no machine, so the pretrained machine over the visible units stays beside
/// them: free energies and samples are its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// The machine over the visible units as pretraining left it; none for a net that was not pretrained.
    pub machine: Option<RbmParameters>,
    /// Sigmoid layers of the recognition pass, from the input up.
    pub layers: Vec<AffineParameters>,
    /// The softmax head.
    pub head: AffineParameters,
}
