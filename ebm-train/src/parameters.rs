//! [`Parameters`]: what training makes and a model file is written from.

use ebm_core::{Activation, Affine, Block, Directed, HiddenKind, RbmView, ShapeError, Units, UnitsError};

/// Kinds of a machine's units, owned: what [`Units`] borrows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnitKinds {
    /// Visible units by blocks; none when all are Bernoulli.
    pub blocks: Vec<Block>,
    /// `σ` of every Gaussian unit in order.
    pub sigma: Vec<f32>,
    /// Kind of the hidden units.
    pub hidden: HiddenKind,
}

impl UnitKinds {
    /// Takes over what `units` borrows.
    pub fn of(units: Units<'_>) -> Self {
        Self { blocks: units.blocks().to_vec(), sigma: units.sigma().to_vec(), hidden: units.hidden() }
    }

    /// The same as ebm-core's. Fails when the blocks are no visible layer.
    pub fn units(&self) -> Result<Units<'_>, UnitsError> {
        Units::new(&self.blocks, &self.sigma, self.hidden)
    }
}

/// A machine's parameters on the host, `V` visible and `H` hidden units.
///
/// ```
/// use ebm_core::Machine as _;
/// use ebm_train::parameters::RbmParameters;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Two visible units and one hidden unit, which is on where the first is and the second is not.
/// let rbm = RbmParameters {
///     weights: vec![2.0, -2.0],
///     visible_bias: vec![0.0, 0.0],
///     hidden_bias: vec![-1.0],
///     ..RbmParameters::default()
/// };
/// // In nats: −a·v − softplus(b + Wᵀv).
/// assert!(rbm.view()?.free_energy(&[1.0, 0.0])? < rbm.view()?.free_energy(&[0.0, 1.0])?);
/// assert!(RbmParameters { weights: vec![2.0], ..rbm }.view().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RbmParameters {
    /// `W`, `V × H`, column-major: hidden unit j's weights are contiguous over i.
    pub weights: Vec<f32>,
    /// `a`, `V` of them.
    pub visible_bias: Vec<f32>,
    /// `b`, `H` of them.
    pub hidden_bias: Vec<f32>,
    /// What its units are.
    pub kinds: UnitKinds,
}

impl RbmParameters {
    /// The same as ebm-core's view. Fails when the weights are not `V × H` or the blocks speak of other visible units.
    pub fn view(&self) -> Result<RbmView<'_>, ParametersError> {
        let view = RbmView::new(&self.weights, &self.visible_bias, &self.hidden_bias)?;
        Ok(view.with_units(self.kinds.units()?)?)
    }
}

/// Parameters of an affine map on the host: of hidden units or a softmax head.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AffineParameters {
    /// `W`, inputs × outputs, column-major.
    pub weights: Vec<f32>,
    /// `b`, one an output.
    pub bias: Vec<f32>,
}

impl AffineParameters {
    /// The same as ebm-core's view, its outputs `σ(z)` or `max(0, z)` as the hidden kind is Bernoulli or rectified.
    /// Fails when the number of weights is not a multiple of the outputs.
    pub fn view(&self, kind: HiddenKind) -> Result<Affine<'_>, ShapeError> {
        let activation = match kind {
            HiddenKind::Bernoulli => Activation::Mean(kind),
            HiddenKind::Relu => Activation::Rectifier,
        };
        Ok(Affine::new(self.inputs(), &self.weights, &self.bias)?.with_activation(activation))
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.weights.len() / self.bias.len().max(1)
    }
}

/// A layer of a deep belief network below its top machine.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// A machine as pretraining left it: the same weights both ways.
    Tied(RbmParameters),
    /// Recognition weights up, generative weights down, as up-down fine-tuning leaves them.
    Directed {
        /// The way up.
        recognition: AffineParameters,
        /// The way down; its hidden bias is not used.
        generative: RbmParameters,
    },
}

impl Stage {
    /// The way up and the kind of its units.
    pub fn recognition(&self) -> (AffineParameters, HiddenKind) {
        match self {
            Self::Tied(rbm) => {
                (AffineParameters { weights: rbm.weights.clone(), bias: rbm.hidden_bias.clone() }, rbm.kinds.hidden)
            }
            Self::Directed { recognition, generative } => (recognition.clone(), generative.kinds.hidden),
        }
    }

    /// The way down, as a machine of which only `p(v | h)` is meant.
    pub fn generative(&self) -> &RbmParameters {
        match self {
            Self::Tied(rbm) | Self::Directed { generative: rbm, .. } => rbm,
        }
    }

    /// The same as ebm-core's view of a layer with its own way down; `None` where up and down are one machine. Fails when lengths do not fit each other.
    pub fn directed(&self) -> Result<Option<Directed<'_>>, ParametersError> {
        match self {
            Self::Tied(_) => Ok(None),
            Self::Directed { recognition, generative } => {
                Ok(Some(Directed::new(recognition.view(generative.kinds.hidden)?, generative.view()?)?))
            }
        }
    }
}

/// A deep belief network without a head: `below` from the input up, then the machine that is its associative memory.
/// A single machine, a ClassRBM too, is one without anything below.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DbnParameters {
    /// Layers under the top machine, from the input up.
    pub below: Vec<Stage>,
    /// The machine on top.
    pub top: RbmParameters,
}

/// A fine-tuned net's parameters.
///
/// Back-propagation makes the recognition weights those of no machine, so the pretrained machine over the visible units stays beside
/// them: free energies and samples are its own.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassifierParameters {
    /// The machine over the visible units as pretraining left it; none for a net that was not pretrained.
    pub machine: Option<RbmParameters>,
    /// Hidden layers of the recognition pass, from the input up.
    pub layers: Vec<AffineParameters>,
    /// What the hidden layers' units are: sigmoid, or rectifiers.
    pub hidden: HiddenKind,
    /// The softmax head.
    pub head: AffineParameters,
}

/// Everything a model file can hold in f32.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameters {
    /// A machine or a stack of machines.
    Dbn(DbnParameters),
    /// A net that names a class.
    Classifier(ClassifierParameters),
}

/// Parameters whose parts do not fit each other.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParametersError {
    /// Lengths that differ.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// Blocks that are no visible layer.
    #[error(transparent)]
    Units(#[from] UnitsError),
}
