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

use crate::fixed::{Rbm, fits};
use crate::format::Layer;
use crate::kernel::float;
use crate::machine::{Machine, ShapeError};
use crate::model::{Model, ModelError};
use crate::numbers::Float;
use crate::rbm::RbmView;
use crate::units::Units;
use nalgebra::{ArrayStorage, SMatrix, SVector};
use rand_core::Rng;

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

/// A network that generates: a deep belief network without a head (Hinton, Osindero & Teh 2006).
pub trait Generative<const V: usize>: Network<V> {
    /// Samples the network: `steps` steps of block Gibbs sampling in its top machine, the associative memory, then down through the
    /// generative weights, each layer drawn given the one above.
    ///
    /// The chain starts at the visible state that `state` (for a single machine `visible`) holds for the top machine, [`Network::forward`]'s or the
    /// last call's, and leaves it there, so that the next call goes on. One 32-bit draw a unit.
    fn generate<R: Rng + ?Sized>(
        &self,
        steps: usize,
        rng: &mut R,
        state: &mut Self::State,
        visible: &mut SVector<f32, V>,
    );
}

/// What lies between `V` units and the `H` above them: a machine ([`Rbm`]), the same weights both ways, or [`Belief`] units.
pub trait Stage<const V: usize, const H: usize>: Default {
    /// The way up: the machine of which only `p(h | v)` is meant.
    fn recognition(&self) -> RbmView<'_>;
    /// The way down: the machine of which only `p(v | h)` is meant.
    fn generative(&self) -> RbmView<'_>;
    /// Takes the parameters of layer `index`. Fails when that is of another kind or shape.
    fn copy_from_layer(&mut self, model: &Model<'_>, index: usize) -> Result<(), ModelError>;
}

/// One stage, then the rest of the stack: upward `p = σ(b + Wᵀx)` (the recognition pass), then `Next`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dbn<const V: usize, const H: usize, Next, S = Rbm<V, H>> {
    /// The machine or units over this layer's input.
    pub layer: S,
    /// What reads its hidden probabilities.
    pub next: Next,
}

impl<const V: usize, const H: usize> Stage<V, H> for Rbm<V, H> {
    fn recognition(&self) -> RbmView<'_> {
        self.view()
    }

    fn generative(&self) -> RbmView<'_> {
        self.view()
    }

    /// Sigmoid units have no visible bias: it becomes zero.
    fn copy_from_layer(&mut self, model: &Model<'_>, index: usize) -> Result<(), ModelError> {
        let not_bernoulli =
            ModelError::Layer { layer: index, expected: "f32 layer of Bernoulli units that go up and down alike" };
        let up = model.hidden_layer::<Float>(index)?;
        match model.layer(index) {
            Some(Layer::Rbm(view)) if view.units() == Units::BERNOULLI => self.copy_from(&view)?,
            Some(Layer::Sigmoid(_)) => {
                ShapeError::check("visible units", V, up.inputs())?;
                ShapeError::check("hidden units", H, up.outputs())?;
                self.weights.copy_from_slice(up.weights());
                self.visible_bias.fill(0.0);
                self.hidden_bias.copy_from_slice(up.bias());
            }
            _ => return Err(not_bernoulli),
        }
        Ok(())
    }
}

/// Units with recognition weights upwards and generative weights downwards, as up-down fine-tuning leaves them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Belief<const V: usize, const H: usize> {
    /// Upwards; its visible bias is not used.
    pub recognition: Rbm<V, H>,
    /// Downwards; its hidden bias is not used.
    pub generative: Rbm<V, H>,
}

impl<const V: usize, const H: usize> Belief<V, H> {
    /// All parameters zero; a constant as [`Rbm::ZERO`] is.
    pub const ZERO: Self = Self { recognition: Rbm::ZERO, generative: Rbm::ZERO };
}

impl<const V: usize, const H: usize> Stage<V, H> for Belief<V, H> {
    fn recognition(&self) -> RbmView<'_> {
        self.recognition.view()
    }

    fn generative(&self) -> RbmView<'_> {
        self.generative.view()
    }

    fn copy_from_layer(&mut self, model: &Model<'_>, index: usize) -> Result<(), ModelError> {
        let Some(Layer::Directed(units)) = model.layer(index) else {
            return Err(ModelError::Layer { layer: index, expected: "f32 layer with generative weights" });
        };
        let (up, down) = (units.recognition(), units.generative());
        if down.units() != Units::BERNOULLI {
            return Err(ModelError::Layer { layer: index, expected: "f32 layer of Bernoulli units" });
        }
        self.generative.copy_from(&down)?;
        self.recognition.copy_from(&RbmView::new(up.weights(), down.visible_bias(), up.bias())?)?;
        Ok(())
    }
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

impl<const V: usize, const H: usize, Next: Network<H>, S: Stage<V, H>> Network<V> for Dbn<V, H, Next, S> {
    type State = DbnState<H, Next::State>;

    fn forward(&self, input: &SVector<f32, V>, state: &mut Self::State) {
        up(self.layer.recognition(), input.as_slice(), state.hidden.as_mut_slice());
        self.next.forward(&state.hidden, &mut state.next);
    }

    fn output(state: &Self::State) -> &[f32] {
        Next::output(&state.next)
    }

    fn copy_from(&mut self, model: &Model<'_>, first: usize) -> Result<(), ModelError> {
        self.layer.copy_from_layer(model, first)?;
        self.next.copy_from(model, first + 1)
    }
}

impl<const V: usize, const H: usize, Next: Generative<H>, S: Stage<V, H>> Generative<V> for Dbn<V, H, Next, S> {
    fn generate<R: Rng + ?Sized>(
        &self,
        steps: usize,
        rng: &mut R,
        state: &mut Self::State,
        visible: &mut SVector<f32, V>,
    ) {
        self.next.generate(steps, rng, &mut state.next, &mut state.hidden);
        fits(self.layer.generative().sample_visible(state.hidden.as_slice(), rng, visible.as_mut_slice()));
    }
}

/// `p(h = 1 | v)`, of a stage whose shape the types have checked.
fn up(stage: RbmView<'_>, input: &[f32], out: &mut [f32]) {
    fits(stage.hidden_probs(input, out));
}

/// The top of a stack without a head: its output is the last machine's hidden probabilities.
impl<const V: usize, const H: usize> Network<V> for Rbm<V, H> {
    type State = DbnState<H, ()>;

    fn forward(&self, input: &SVector<f32, V>, state: &mut Self::State) {
        up(self.view(), input.as_slice(), state.hidden.as_mut_slice());
    }

    fn output(state: &Self::State) -> &[f32] {
        state.hidden.as_slice()
    }

    fn copy_from(&mut self, model: &Model<'_>, first: usize) -> Result<(), ModelError> {
        ShapeError::check("layers", first + 1, model.layers())?;
        self.copy_from_layer(model, first)
    }
}

impl<const V: usize, const H: usize> Generative<V> for Rbm<V, H> {
    fn generate<R: Rng + ?Sized>(
        &self,
        steps: usize,
        rng: &mut R,
        state: &mut Self::State,
        visible: &mut SVector<f32, V>,
    ) {
        for _ in 0..steps {
            fits(self.view().sample_hidden(visible.as_slice(), rng, state.hidden.as_mut_slice()));
            fits(self.view().sample_visible(state.hidden.as_slice(), rng, visible.as_mut_slice()));
        }
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

impl<const V: usize, const C: usize> Head<V, C> {
    /// All parameters zero: every class equally likely. A constant, so that a `static` holds a head that never passed over the stack.
    pub const ZERO: Self = Self {
        weights: SMatrix::from_array_storage(ArrayStorage([[0.0; V]; C])),
        bias: SVector::from_array_storage(ArrayStorage([[0.0; C]; 1])),
    };
}

impl<const V: usize, const C: usize> Default for Head<V, C> {
    fn default() -> Self {
        Self::ZERO
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
