//! Where the learning of a machine starts (Hinton 2010, section 8).

use super::moments::Moments;
use super::settings::{RbmSettings, Sigma, VisibleBias};
use crate::Error;
use crate::backend::Backend;
use crate::parameters::{RbmParameters, UnitKinds};
use crate::train::order;
use crate::train::source::Source;
use ebm_core::{Block, HiddenKind, VisibleKind};

/// Probabilities are held this far from 0 and 1 before their log-odds become a bias.
const PROBABILITY_MARGIN: f64 = 0.01;
/// The same for the units of a group, of which all but one are off.
const SHARE_MARGIN: f64 = 1e-3;

/// What a machine is made of before it has parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Visible units by blocks; none when all are Bernoulli.
    pub blocks: Vec<Block>,
    /// Number of hidden units.
    pub hidden: usize,
    /// Their kind.
    pub hidden_kind: HiddenKind,
}

impl Shape {
    /// So many hidden units over visible ones that are all Bernoulli units too.
    pub fn bernoulli(hidden: usize) -> Self {
        Self { blocks: Vec::new(), hidden, hidden_kind: HiddenKind::Bernoulli }
    }
}

/// Start of the machine at `layer` of a stack: small random weights, `b = 0`, and visible biases by which each unit by itself does what it does
/// in `data`: `ln(p / (1 − p))` of its mean, the mean itself and `σ` of a Gaussian unit, log-frequencies within a group.
///
/// Fails when the data cannot be read or have values that the units do not.
pub fn start<B: Backend>(
    backend: &B,
    settings: &RbmSettings,
    (seed, layer): (u64, u8),
    shape: &Shape,
    data: &mut Source<'_, B>,
) -> Result<RbmParameters, Error> {
    let visible = data.visible();
    let moments = Moments::of(backend, data)?;
    let (visible_bias, sigma) = of_data(settings, &shape.blocks, visible, &moments);
    // Uniform numbers of this bound have that deviation.
    let bound = settings.weight_deviation * 3.0f32.sqrt();
    let start = RbmParameters {
        weights: order::uniform(seed, layer, visible * shape.hidden, bound),
        visible_bias,
        hidden_bias: vec![0.0; shape.hidden],
        kinds: UnitKinds { blocks: shape.blocks.clone(), sigma, hidden: shape.hidden_kind },
    };
    start.view()?;
    moments.check(&start.kinds)?;
    Ok(start)
}

/// Visible biases, and `σ` of the Gaussian units.
fn of_data(settings: &RbmSettings, blocks: &[Block], visible: usize, moments: &Moments) -> (Vec<f32>, Vec<f32>) {
    let all = [Block::new(VisibleKind::Bernoulli, visible as u32)];
    let blocks = if blocks.is_empty() { &all } else { blocks };
    let (mut biases, mut sigmas) = (Vec::with_capacity(visible), Vec::new());
    let mut units = moments.means().zip(moments.deviations());
    for block in blocks {
        let kind = block.kind().unwrap_or(VisibleKind::Bernoulli);
        for (mean, deviation) in units.by_ref().take(block.units()) {
            let bias = match kind {
                VisibleKind::Bernoulli => {
                    let p = mean.unwrap_or(0.5).clamp(PROBABILITY_MARGIN, 1.0 - PROBABILITY_MARGIN);
                    (p / (1.0 - p)).ln()
                }
                VisibleKind::Gaussian => mean.unwrap_or(0.0),
                VisibleKind::Softmax | VisibleKind::Label => {
                    mean.unwrap_or(1.0 / block.units() as f64).max(SHARE_MARGIN).ln()
                }
            };
            biases.push(if settings.visible_bias == VisibleBias::Data { bias as f32 } else { 0.0 });
            if kind == VisibleKind::Gaussian {
                sigmas.push(if settings.sigma == Sigma::Unit { 1.0 } else { deviation as f32 });
            }
        }
    }
    (biases, sigmas)
}
