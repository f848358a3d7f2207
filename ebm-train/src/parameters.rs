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

/// A softmax head's parameters on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadParameters {
    /// `W`, inputs × classes, column-major.
    pub weights: Vec<f32>,
    /// `b`.
    pub bias: Vec<f32>,
}

impl HeadParameters {
    /// The same as ebm-core's view. Fails when the number of weights is not a multiple of the classes.
    pub fn view(&self) -> Result<Affine<'_>, ShapeError> {
        Affine::new(self.weights.len() / self.bias.len().max(1), &self.weights, &self.bias)
    }
}

/// A deep belief network's parameters: machines from the input up, then a softmax head once it is a classifier.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// The machines.
    pub layers: Vec<RbmParameters>,
    /// The head.
    pub head: Option<HeadParameters>,
}
