//! The negative phase: samples of the machine, by Gibbs steps from the data or from where the last minibatch left off.

use super::gibbs::Gibbs;
use super::place::Place;
use super::settings::{Algorithm, RbmSettings, Statistics};
use super::tempering::Tempering;
use crate::Error;
use crate::backend::Backend;
use crate::train::machine::Machine;
use crate::train::snapshot::Snapshot;
use ebm_core::Beta;
use ebm_core::rng::Purpose;

/// Phase of a minibatch's draws that the data's hidden states take, and the first states of a persistent chain.
pub(super) const START: u16 = 0;

/// Chains and what they were last seen at.
pub(super) struct Chains<B: Backend> {
    /// Visible states, chains × V; those of a persistent chain wait here for the next minibatch.
    pub visible: B::Tensor,
    /// The hidden units given them as the statistics take them: means or states.
    pub hidden: B::Tensor,
    states: B::Tensor,
    /// Number of each chain; empty for chains that start at the data.
    numbers: Vec<u32>,
    tempering: Option<Tempering<B>>,
    gibbs: Option<Gibbs<B>>,
}

impl<B: Backend> Chains<B> {
    /// Persistent chains start at states that the visible biases alone give, drawn at the run's first step.
    pub fn new(backend: &B, settings: &RbmSettings, (seed, layer): (u64, u8), machine: &Machine<B>) -> Self {
        let empty = || backend.zeros(0, 0);
        let mut chains = Self {
            visible: empty(),
            hidden: empty(),
            states: empty(),
            numbers: Vec::new(),
            tempering: None,
            gibbs: Gibbs::new(settings, machine),
        };
        if settings.is_persistent() {
            let tempered = settings.algorithm == Algorithm::ParallelTempering;
            let replicas = if tempered { settings.temperatures } else { 1 };
            let numbers: Vec<u32> = (0..(settings.chains() * replicas) as u32).collect();
            let draws = Place { seed, layer, step: 0, samples: &numbers }.draws(Purpose::Visible, START);
            let none = backend.zeros(numbers.len(), machine.hidden());
            machine.sample_visible(backend, Beta::ONE, draws, &none, &mut chains.visible);
            if tempered {
                let replicas = std::mem::replace(&mut chains.visible, empty());
                chains.tempering = Some(Tempering::new(backend, settings, replicas));
            }
            chains.numbers = numbers;
        }
        chains
    }

    /// `k` Gibbs steps of `machine`: from `data_states`, hidden states drawn given the data, or from where the chains are.
    ///
    /// Afterwards `visible` holds samples, as many as there are chains, and `hidden` their hidden units.
    pub fn run(
        &mut self,
        backend: &B,
        settings: &RbmSettings,
        machine: &Machine<B>,
        place: Place<'_>,
        data_states: &B::Tensor,
    ) {
        let Self { visible, hidden, states, numbers, tempering, gibbs } = self;
        let (first, place) = if numbers.is_empty() { (START, place) } else { (START + 1, place.of(numbers)) };
        let mut place_of_last = place;
        if let Some(tempering) = tempering {
            tempering.run(backend, settings, machine, place, states, visible);
            place_of_last = place.of(tempering.coldest());
        } else if let Some(gibbs) = gibbs {
            let of_data = numbers.is_empty().then_some(data_states);
            gibbs.run(backend, machine, (place, first..first + settings.k), of_data, visible);
        } else {
            for phase in first..first + settings.k {
                let is_drawn = numbers.is_empty() && phase == first;
                if !is_drawn {
                    machine.sample_hidden(backend, Beta::ONE, place.draws(Purpose::Hidden, phase), visible, states);
                }
                let states = if is_drawn { data_states } else { &*states };
                reconstruct(backend, settings, machine, (place, phase), states, visible);
            }
        }
        if settings.hidden_statistics == Statistics::Means {
            machine.hidden_means(backend, visible, hidden);
        } else {
            let draws = place_of_last.draws(Purpose::Hidden, first + settings.k);
            machine.sample_hidden(backend, Beta::ONE, draws, visible, hidden);
        }
    }

    pub fn save(&self, backend: &B, snapshot: &mut Snapshot) {
        match &self.tempering {
            Some(tempering) => snapshot.put(backend, "chains", &tempering.replicas),
            None if self.numbers.is_empty() => {}
            None => snapshot.put(backend, "chains", &self.visible),
        }
    }

    pub fn load(&mut self, backend: &B, snapshot: &Snapshot) -> Result<(), Error> {
        match &mut self.tempering {
            Some(tempering) => snapshot.restore(backend, "chains", &mut tempering.replicas),
            None if self.numbers.is_empty() => Ok(()),
            None => snapshot.restore(backend, "chains", &mut self.visible),
        }
    }
}

/// `visible` becomes the reconstruction from hidden states that the settings ask for.
pub(super) fn reconstruct<B: Backend>(
    backend: &B,
    settings: &RbmSettings,
    machine: &Machine<B>,
    (place, phase): (Place<'_>, u16),
    hidden: &B::Tensor,
    visible: &mut B::Tensor,
) {
    match settings.reconstruction {
        Statistics::Means => machine.visible_means(backend, hidden, visible),
        Statistics::States => {
            machine.sample_visible(backend, Beta::ONE, place.draws(Purpose::Visible, phase), hidden, visible);
        }
    }
    if settings.reconstruction_noise > 0.0 {
        backend.add_noise(place.draws(Purpose::Perturbation, phase), settings.reconstruction_noise, visible);
    }
}
