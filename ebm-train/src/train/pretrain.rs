//! Greedy layer-by-layer pretraining of a deep belief network (Hinton, Osindero & Teh 2006).

use super::Monitor;
use super::contrastive::{ContrastiveDivergence, Run, TrainedRbm};
use super::machine::Machine;
use super::order;
use super::source::Source;
use crate::Error;
use crate::backend::Backend;
use crate::data::{Dataset, Samples};
use crate::parameters::{RbmParameters, UnitKinds};

/// Bound of the uniform initial weights: a standard deviation of 0.01 (Hinton 2010, section 8).
const WEIGHT_BOUND: f32 = 0.017_320_508;
/// Probabilities are held this far from 0 and 1 before their log-odds become a bias.
const PROBABILITY_MARGIN: f64 = 0.01;

/// Start of the machine at `layer` of a stack: small weights, `a_i = ln(p_i / (1 − p_i))` with `p_i` the mean of visible unit i
/// (Hinton 2010, section 8.1; zero without data), `b = 0`.
pub fn start(
    seed: u64,
    layer: u8,
    visible: usize,
    hidden: usize,
    data: Option<&Samples>,
) -> Result<RbmParameters, Error> {
    let mut means = vec![0.5f64; visible];
    if let Some(data) = data.filter(|data| data.rows() > 0) {
        means.fill(0.0);
        for piece in data.pieces() {
            for row in piece?.iter() {
                for (mean, &v) in means.iter_mut().zip(row) {
                    *mean += f64::from(v) / data.rows() as f64;
                }
            }
        }
    }
    let log_odds = |p: f64| {
        let p = p.clamp(PROBABILITY_MARGIN, 1.0 - PROBABILITY_MARGIN);
        (p / (1.0 - p)).ln() as f32
    };
    Ok(RbmParameters {
        weights: order::uniform(seed, layer, visible * hidden, WEIGHT_BOUND),
        visible_bias: means.into_iter().map(log_odds).collect(),
        hidden_bias: vec![0.0; hidden],
        kinds: UnitKinds::default(),
    })
}

/// Multiply-adds of [`pretrain`].
pub fn cost<B: Backend>(settings: &ContrastiveDivergence, hidden: &[usize], dataset: &Dataset) -> u64 {
    let (rows, test_rows) = (dataset.train.inputs.rows(), dataset.test.inputs.rows());
    let widths = std::iter::once(dataset.train.inputs.visible()).chain(hidden.iter().copied());
    widths.zip(hidden).map(|(visible, &hidden)| TrainedRbm::<B>::cost(settings, visible, hidden, rows, test_rows)).sum()
}

/// Trains a stack of machines with the widths `hidden`: each on the hidden probabilities of the one below.
pub fn pretrain<B: Backend>(
    backend: &B,
    settings: &ContrastiveDivergence,
    seed: u64,
    hidden: &[usize],
    dataset: &Dataset,
    monitor: &mut dyn Monitor,
) -> Result<Vec<RbmParameters>, Error> {
    let mut visible = dataset.train.inputs.visible();
    let mut machines: Vec<Machine<B>> = Vec::with_capacity(hidden.len());
    for (layer, &hidden) in (0u8..).zip(hidden) {
        // Above the first machine the inputs are hidden probabilities near a half, where log-odds say little.
        let data = (layer == 0).then_some(&dataset.train.inputs);
        let mut rbm = TrainedRbm::new(backend, &start(seed, layer, visible, hidden, data)?)?;
        let below: Vec<&Machine<B>> = machines.iter().collect();
        let mut train = Source::new(backend, &dataset.train.inputs, &below, None)?;
        let mut test = Source::new(backend, &dataset.test.inputs, &below, None)?;
        let stage = format!("pretrain-{}", layer + 1);
        let mut run = Run { stage, seed, layer, train: &mut train, test: &mut test };
        rbm.train(backend, settings, &mut run, monitor)?;
        machines.push(rbm.into_machine());
        visible = hidden;
    }
    Ok(machines.iter().map(|machine| machine.parameters(backend)).collect())
}
