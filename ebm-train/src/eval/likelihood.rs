//! The log-likelihood of a machine or a stack as an interval, and what it is of.

use super::annealing::{Annealed, Annealing, Rates, ais, reverse_ais};
use crate::Error;
use crate::backend::Backend;
use crate::data::{Batch, Samples};
use crate::generate::Stack;
use crate::parameters::UnitKinds;
use crate::train::Monitor;
use ebm_core::VisibleKind;

/// `ln Z` of the machine on top, annealed forwards, which tends to say too little, and backwards, which tends to say too much. Where the annealing starts
/// is taken from `train`, rows of what the stack takes: the base distribution from how often units are on, the chains that go backwards from samples, with
/// `burn_in` Gibbs steps ahead of them.
///
/// Fails when samples cannot be read or have another shape.
pub fn annealed_both_ways<B: Backend>(
    backend: &B,
    stack: &Stack<B>,
    train: &Samples,
    settings: Annealing,
    burn_in: usize,
    monitor: &mut dyn Monitor,
) -> Result<[Annealed; 2], Error> {
    let base = rates(backend, stack, train)?.base_bias(backend, stack.top());
    let start = start(backend, stack, train, settings.chains)?;
    let forward = ais(backend, stack.top(), &base, settings, monitor)?;
    let reverse = reverse_ais(backend, stack.top(), &base, Some(&start), burn_in, settings, monitor)?;
    Ok([forward, reverse])
}

/// How often the top machine's visible units are on.
fn rates<B: Backend>(backend: &B, stack: &Stack<B>, samples: &Samples) -> Result<Rates, Error> {
    let mut rates = Rates::new(stack.top().visible());
    for piece in samples.pieces() {
        rates.add(&stack.to_top(backend, &*piece?)?.values);
    }
    Ok(rates)
}

/// Samples spread over the data, as the top machine sees them: where the chains of reverse annealing begin.
fn start<B: Backend>(backend: &B, stack: &Stack<B>, samples: &Samples, chains: usize) -> Result<B::Tensor, Error> {
    let rows = samples.rows();
    let spread: Vec<u32> = (0..chains).map(|chain| (chain * rows / chains) as u32).collect();
    let mut batch = Batch::default();
    samples.gather(&spread, &mut batch)?;
    // Where a value is missing, a chain begins at 0.
    batch.values.iter_mut().filter(|v| v.is_nan()).for_each(|v| *v = 0.0);
    let top = stack.to_top(backend, &batch)?;
    Ok(backend.upload(top.rows(), top.visible, &top.values))
}

/// What a likelihood is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LikelihoodOf {
    /// Values between the states of units that have two: `ln p` of them is none of any data.
    GreyLevels,
    /// States: `ln p` is the logarithm of a probability, at most 0.
    States,
    /// Real values: `ln p` is the logarithm of a density.
    RealValues,
}

impl LikelihoodOf {
    /// Whether it is a likelihood at all.
    pub fn is_likelihood(self) -> bool {
        self != Self::GreyLevels
    }

    /// The same in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::GreyLevels => {
                "grey levels put in for binary states: no likelihood of any data; --binarisation threshold or sampled-once makes binary ones"
            }
            Self::States => "discrete data: logarithms of probabilities, at most 0",
            Self::RealValues => {
                "real-valued data: logarithms of densities in the units that the model sees, above 0 where it is sure"
            }
        }
    }
}

/// What a likelihood of these data is of: a Bernoulli unit has states, not shades between them. `samples` are rows of visible values. Fails when they cannot
/// be read.
pub fn what_it_is_of(kinds: &UnitKinds, samples: &Samples) -> Result<LikelihoodOf, Error> {
    let is_bernoulli: Vec<bool> = match &kinds.blocks[..] {
        [] => vec![true; samples.visible()],
        blocks => blocks
            .iter()
            .flat_map(|block| std::iter::repeat_n(block.kind() == Some(VisibleKind::Bernoulli), block.units()))
            .collect(),
    };
    for piece in samples.pieces() {
        let grey =
            |row: &[f32]| row.iter().zip(&is_bernoulli).any(|(&v, &bernoulli)| bernoulli && v != 0.0 && v != 1.0);
        if piece?.iter().any(grey) {
            return Ok(LikelihoodOf::GreyLevels);
        }
    }
    Ok(if kinds.sigma.is_empty() { LikelihoodOf::States } else { LikelihoodOf::RealValues })
}
