//! A deep belief network (Hinton, Osindero & Teh 2006) with its shape in the type: [`Dbn`] nests, so that layers that do not fit do not
//! compile.
//!
//! ```
//! use ebm_core::{Dbn, Head, Network, Rbm};
//! use nalgebra::SVector;
//!
//! /// 64 inputs, 32 and 16 hidden units, 10 classes.
//! type Net = Dbn<64, 32, Dbn<32, 16, Head<16, 10>>>;
//!
//! let net = Box::new(Net::default());
//! let mut state = <Net as Network<64>>::State::default();
//! net.forward(&SVector::repeat(0.5), &mut state);
//! assert_eq!(Net::output(&state), [0.0; 10]); // all weights are zero
//! ```

use crate::kernel::float;
use crate::machine::ShapeError;
use crate::model::{Model, ModelError};
use crate::numbers::Float;
use crate::rbm::{Rbm, RbmView};
use nalgebra::{SMatrix, SVector};

/// A feed-forward pass over `V` inputs, its weights behind `&self` and its activations in a `State` of the caller's.
pub trait Network<const V: usize> {
    /// Activations of every layer.
    type State: Default;

    /// Computes every layer's activations from the input.
    fn forward(&self, input: &SVector<f32, V>, state: &mut Self::State);

    /// What the last layer answered: hidden probabilities, or a head's scores.
    fn output(state: &Self::State) -> &[f32];

    /// Takes the parameters of `model` from layer `first` on, [`Model::first_hidden`] for the whole
    /// stack. Fails when its layers are of another kind, shape or number; lower layers may have been taken by then.
    fn copy_from(&mut self, model: &Model<'_>, first: usize) -> Result<(), ModelError>;
}

/// One machine, then the rest of the stack: upward `p = σ(b + Wᵀx)` (the recognition pass), then `Next`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dbn<const V: usize, const H: usize, Next> {
    /// The machine over this layer's input.
    pub layer: Rbm<V, H>,
    /// What reads its hidden probabilities.
    pub next: Next,
}

/// Takes a layer of the recognition pass; sigmoid units have no visible bias, it becomes zero.
fn copy_hidden<const V: usize, const H: usize>(
    rbm: &mut Rbm<V, H>,
    model: &Model<'_>,
    index: usize,
) -> Result<(), ModelError> {
    let up = model.hidden_layer::<Float>(index)?;
    match model.rbm::<Float>(index) {
        Ok(view) => rbm.copy_from(&view)?,
        Err(_) => rbm.copy_from(&RbmView::new(up.weights(), &[0.0; V], up.bias())?)?,
    }
    Ok(())
}

/// Activations of a [`Dbn`].
#[derive(Clone, Debug, PartialEq)]
pub struct DbnState<const H: usize, Next> {
    /// Hidden probabilities of this layer.
    pub hidden: SVector<f32, H>,
    /// Activations of the rest.
    pub next: Next,
}

impl<const H: usize, Next: Default> Default for DbnState<H, Next> {
    fn default() -> Self {
        Self { hidden: SVector::zeros(), next: Next::default() }
    }
}

impl<const V: usize, const H: usize, Next: Network<H>> Network<V> for Dbn<V, H, Next> {
    type State = DbnState<H, Next::State>;

    fn forward(&self, input: &SVector<f32, V>, state: &mut Self::State) {
        self.layer.hidden_probs_into(input.as_slice(), &mut state.hidden);
        self.next.forward(&state.hidden, &mut state.next);
    }

    fn output(state: &Self::State) -> &[f32] {
        Next::output(&state.next)
    }

    fn copy_from(&mut self, model: &Model<'_>, first: usize) -> Result<(), ModelError> {
        copy_hidden(&mut self.layer, model, first)?;
        self.next.copy_from(model, first + 1)
    }
}

/// The top of a stack without a head: its output is the last machine's hidden probabilities.
impl<const V: usize, const H: usize> Network<V> for Rbm<V, H> {
    type State = DbnState<H, ()>;

    fn forward(&self, input: &SVector<f32, V>, state: &mut Self::State) {
        self.hidden_probs_into(input.as_slice(), &mut state.hidden);
    }

    fn output(state: &Self::State) -> &[f32] {
        state.hidden.as_slice()
    }

    fn copy_from(&mut self, model: &Model<'_>, first: usize) -> Result<(), ModelError> {
        ShapeError::check("layers", first + 1, model.layers())?;
        copy_hidden(self, model, first)
    }
}

/// A softmax head, `z = b + Wᵀx` over `C` classes; `p(class c) = softmax(z)_c`.
#[derive(Clone, Debug, PartialEq)]
pub struct Head<const V: usize, const C: usize> {
    /// `W`, `V × C`.
    pub weights: SMatrix<f32, V, C>,
    /// `b`.
    pub bias: SVector<f32, C>,
}

impl<const V: usize, const C: usize> Default for Head<V, C> {
    fn default() -> Self {
        Self { weights: SMatrix::zeros(), bias: SVector::zeros() }
    }
}

/// Scores of a [`Head`].
#[derive(Clone, Debug, PartialEq)]
pub struct Scores<const C: usize>(pub SVector<f32, C>);

impl<const C: usize> Default for Scores<C> {
    fn default() -> Self {
        Self(SVector::zeros())
    }
}

impl<const V: usize, const C: usize> Network<V> for Head<V, C> {
    type State = Scores<C>;

    fn forward(&self, input: &SVector<f32, V>, state: &mut Self::State) {
        float::hidden_field(self.weights.as_slice(), self.bias.as_slice(), input.as_slice(), state.0.as_mut_slice());
    }

    fn output(state: &Self::State) -> &[f32] {
        state.0.as_slice()
    }

    fn copy_from(&mut self, model: &Model<'_>, first: usize) -> Result<(), ModelError> {
        ShapeError::check("layers", first + 1, model.layers())?;
        let head = model.head::<Float>(first)?;
        ShapeError::check("inputs of the head", V, head.inputs())?;
        ShapeError::check("classes", C, head.outputs())?;
        self.weights.copy_from_slice(head.weights());
        self.bias.copy_from_slice(head.bias());
        Ok(())
    }
}
