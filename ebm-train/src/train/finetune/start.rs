//! Where fine-tuning starts: [`Recognition`], of a pretrained stack or of random weights, and a fresh head.

use crate::Error;
use crate::parameters::{AffineParameters, ClassifierParameters, DbnParameters, RbmParameters, Stage};
use crate::train::order;
use ebm_core::HiddenKind;

/// The hidden layers of a recognition pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Recognition {
    /// From the input up.
    pub layers: Vec<AffineParameters>,
    /// What their units are: sigmoid, or rectifiers.
    pub hidden: HiddenKind,
}

impl Recognition {
    /// The way up through a stack, the top machine's labels left out. Fails when its hidden units are of several kinds: a classifier's are of one.
    pub fn of(stack: &DbnParameters) -> Result<Self, Error> {
        let hidden = stack.top.kinds.hidden;
        if stack.below.iter().any(|stage| stage.generative().kinds.hidden != hidden) {
            let problem = "has both Bernoulli and rectified hidden units; a classifier's are of one kind";
            return Err(Error::data("the stack to fine-tune", problem.into()));
        }
        let below = stack.below.iter().map(|stage| stage.recognition().0);
        Ok(Self { layers: below.chain([without_labels(&stack.top)?]).collect(), hidden })
    }

    /// Random weights for sigmoid units as Glorot & Bengio (2010) choose them (4 times those for tanh), for rectifiers as He et al. (2015) do;
    /// zero biases. A layer's draws are those that pretraining scales to its own start, so both begin from the same direction.
    pub fn random(seed: u64, visible: usize, widths: &[usize], hidden: HiddenKind) -> Self {
        let inputs = std::iter::once(visible).chain(widths.iter().copied());
        let start = |((layer, &outputs), inputs): ((u8, &usize), usize)| AffineParameters {
            weights: order::uniform(seed, layer, inputs * outputs, bound(hidden, inputs, outputs)),
            bias: vec![0.0; outputs],
        };
        Self { layers: (0u8..).zip(widths).zip(inputs).map(start).collect(), hidden }
    }

    /// Units of each layer.
    pub fn widths(&self) -> Vec<usize> {
        self.layers.iter().map(|layer| layer.bias.len()).collect()
    }
}

impl From<&ClassifierParameters> for Recognition {
    fn from(net: &ClassifierParameters) -> Self {
        Self { layers: net.layers.clone(), hidden: net.hidden }
    }
}

/// Bound of the uniform initial weights of a hidden layer.
fn bound(hidden: HiddenKind, inputs: usize, outputs: usize) -> f32 {
    match hidden {
        HiddenKind::Bernoulli => 4.0 * glorot(inputs, outputs),
        HiddenKind::Relu => (6.0 / inputs as f32).sqrt(),
    }
}

/// Bound of Glorot & Bengio's (2010) uniform initial weights.
fn glorot(inputs: usize, outputs: usize) -> f32 {
    (6.0 / (inputs + outputs) as f32).sqrt()
}

/// A head with random weights for `classes` classes over `inputs` inputs; `layer` is its number in the net.
pub fn start_head(seed: u64, layer: u8, inputs: usize, classes: usize) -> AffineParameters {
    let weights = order::uniform(seed, layer, inputs * classes, glorot(inputs, classes));
    AffineParameters { weights, bias: vec![0.0; classes] }
}

/// The way up of a machine from its inputs, labels left out.
fn without_labels(rbm: &RbmParameters) -> Result<AffineParameters, Error> {
    let units = rbm.view()?;
    let (visible, inputs) = (rbm.visible_bias.len(), rbm.visible_bias.len() - units.units().labels());
    let columns = rbm.weights.chunks_exact(visible.max(1));
    Ok(AffineParameters {
        weights: columns.flat_map(|column| column[..inputs].iter().copied()).collect(),
        bias: rbm.hidden_bias.clone(),
    })
}

/// The machine over the inputs that gives a classifier its free energies: the lowest of the stack, where that is a machine (its way down its
/// way up) and has no labels.
pub fn machine_over_inputs(stack: &DbnParameters) -> Option<&RbmParameters> {
    let lowest = match stack.below.first() {
        Some(Stage::Tied(rbm)) => rbm,
        Some(Stage::Directed { .. }) => return None,
        None => &stack.top,
    };
    lowest.kinds.units().is_ok_and(|units| units.labels() == 0).then_some(lowest)
}
