//! Greedy layer-by-layer pretraining of a deep belief network (Hinton, Osindero & Teh 2006).

use super::Monitor;
use super::machine::Machine;
use super::rbm::settings::VisibleBias;
use super::rbm::{self, RbmSettings, Run, Shape};
use super::source::Source;
use crate::Error;
use crate::backend::Backend;
use crate::data::Dataset;
use crate::parameters::RbmParameters;

/// Multiply-adds of [`pretrain`].
pub fn cost(settings: &RbmSettings, hidden: &[usize], dataset: &Dataset) -> u64 {
    let (rows, test_rows) = (dataset.train.inputs.rows(), dataset.test.inputs.rows());
    let widths = std::iter::once(dataset.train.inputs.visible()).chain(hidden.iter().copied());
    widths.zip(hidden).map(|(visible, &hidden)| settings.cost(visible, hidden, rows, rows + test_rows)).sum()
}

/// Trains a stack of machines with the widths `hidden`: each on the hidden probabilities of the one below.
pub fn pretrain<B: Backend>(
    backend: &B,
    settings: &RbmSettings,
    seed: u64,
    hidden: &[usize],
    dataset: &Dataset,
    monitor: &mut dyn Monitor,
) -> Result<Vec<RbmParameters>, Error> {
    let mut machines: Vec<Machine<B>> = Vec::with_capacity(hidden.len());
    for (layer, &hidden) in (0u8..).zip(hidden) {
        let below: Vec<&Machine<B>> = machines.iter().collect();
        let mut train = Source::new(backend, &dataset.train.inputs, &below, None)?;
        let mut test = Source::new(backend, &dataset.test.inputs, &below, None)?;
        // Above the first machine the inputs are hidden probabilities near a half, where log-odds say little.
        let visible_bias = if layer == 0 { settings.visible_bias } else { VisibleBias::Zero };
        let settings = RbmSettings { visible_bias, ..*settings };
        let start = rbm::start(backend, &settings, (seed, layer), &Shape::bernoulli(hidden), &mut train)?;
        let stage = format!("pretrain-{}", layer + 1);
        let (train, test) = (&mut train, Some(&mut test));
        let mut run = Run { stage, seed, layer, train, validation: None, test };
        machines.push(rbm::train(backend, &settings, &mut run, &start, monitor)?);
    }
    Ok(machines.iter().map(|machine| machine.parameters(backend)).collect())
}
