//! [`Gibbs`]: several Gibbs steps between Bernoulli units, over weights rounded once for all of them.

use super::place::Place;
use super::settings::{Algorithm, RbmSettings, Statistics};
use crate::backend::{Backend, Direction};
use crate::train::machine::Machine;
use ebm_core::rng::Purpose;
use ebm_core::{Beta, HiddenKind};
use std::ops::Range;

/// Units of a layer up to which sums of rounded weights are sure to fit.
const LARGEST_LAYER: usize = 1 << 16;

/// What steps are taken in.
pub(super) struct Gibbs<B: Backend> {
    weights: B::Rounded,
    visible: B::States,
    hidden: B::States,
}

impl<B: Backend> Gibbs<B> {
    /// Nothing yet; `None` where steps cannot be taken so, or where rounding the weights would take longer than it saves: for one step.
    pub fn new(settings: &RbmSettings, machine: &Machine<B>) -> Option<Self> {
        let is_of_states = settings.reconstruction == Statistics::States && settings.reconstruction_noise == 0.0;
        let is_bernoulli = machine.kinds().blocks.is_empty() && machine.kinds().hidden == HiddenKind::Bernoulli;
        let fits = machine.visible().max(machine.hidden()) <= LARGEST_LAYER;
        let is_plain = settings.algorithm != Algorithm::ParallelTempering;
        (settings.k > 1 && is_of_states && is_bernoulli && fits && is_plain).then(|| Self {
            weights: B::Rounded::default(),
            visible: B::States::default(),
            hidden: B::States::default(),
        })
    }

    /// A step in each of `phases`: from `hidden` states if they are given, or from `visible` ones, which become the last step's.
    pub fn run(
        &mut self,
        backend: &B,
        machine: &Machine<B>,
        (place, phases): (Place<'_>, Range<u16>),
        hidden: Option<&B::Tensor>,
        visible: &mut B::Tensor,
    ) {
        backend.round(&machine.weights, &mut self.weights);
        match hidden {
            Some(hidden) => backend.pack(hidden, &mut self.hidden),
            None => backend.pack(visible, &mut self.visible),
        }
        let first = phases.start;
        for phase in phases {
            if hidden.is_none() || phase > first {
                let draws = place.draws(Purpose::Hidden, phase);
                let (weights, bias) = (&self.weights, &machine.hidden_bias);
                backend.sample_states(draws, Direction::Up, weights, bias, Beta::ONE, &self.visible, &mut self.hidden);
            }
            let draws = place.draws(Purpose::Visible, phase);
            let (weights, bias) = (&self.weights, &machine.visible_bias);
            backend.sample_states(draws, Direction::Down, weights, bias, Beta::ONE, &self.hidden, &mut self.visible);
        }
        backend.unpack(&self.visible, visible);
    }
}
