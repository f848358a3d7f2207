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

/// Where a snapshot has the chains.
const CHAINS: &str = "chains";

/// Chains and what they were last seen at.
pub(super) struct Chains<B: Backend> {
    /// Visible states, chains × V; those of a persistent chain wait here for the next minibatch.
    pub visible: B::Tensor,
    /// The hidden units given them as the statistics take them: means or states.
    pub hidden: B::Tensor,
    states: B::Tensor,
    /// Chains of all ranks; none where they start at the data.
    count: usize,
    /// Number of each of this rank's.
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
            count: 0,
            numbers: Vec::new(),
            tempering: None,
            gibbs: Gibbs::new(settings, machine),
        };
        if settings.is_persistent() {
            let tempered = settings.algorithm == Algorithm::ParallelTempering;
            let replicas = if tempered { settings.temperatures } else { 1 };
            let all: Vec<u32> = (0..settings.chains() as u32).collect();
            let own = backend.ranks().part(&all);
            let firsts = (0..replicas as u32).map(|replica| replica * all.len() as u32);
            let numbers: Vec<u32> = firsts.flat_map(|first| own.iter().map(move |chain| first + chain)).collect();
            let draws = Place { seed, layer, step: 0, samples: &numbers }.draws(Purpose::Visible, START);
            let none = backend.zeros(numbers.len(), machine.hidden());
            machine.sample_visible(backend, Beta::ONE, draws, &none, &mut chains.visible);
            if tempered {
                let replicas = std::mem::replace(&mut chains.visible, empty());
                chains.tempering = Some(Tempering::new(backend, settings, own.len(), replicas));
            }
            chains.count = all.len() * replicas;
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
        let Self { visible, hidden, states, count, numbers, tempering, gibbs } = self;
        let (first, place) = if *count == 0 { (START, place) } else { (START + 1, place.of(numbers)) };
        let mut place_of_last = place;
        if let Some(tempering) = tempering {
            tempering.run(backend, settings, machine, place, states, visible);
            place_of_last = place.of(&numbers[numbers.len() - tempering.coldest().len()..]);
        } else if let Some(gibbs) = gibbs {
            let of_data = (*count == 0).then_some(data_states);
            gibbs.run(backend, machine, (place, first..first + settings.k), of_data, visible);
        } else {
            for phase in first..first + settings.k {
                let is_drawn = *count == 0 && phase == first;
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
        let own = self.tempering.as_ref().map_or(&self.visible, |tempering| &tempering.replicas);
        if self.count > 0 {
            // A process alone has them all.
            match backend.ranks().is_alone() {
                true => snapshot.put(backend, CHAINS, own),
                false => snapshot.put(backend, CHAINS, &self.of_all(backend, own)),
            }
        }
    }

    pub fn load(&mut self, backend: &B, snapshot: &Snapshot) -> Result<(), Error> {
        let Self { count, numbers, tempering, visible, .. } = self;
        if *count > 0 {
            let own = tempering.as_mut().map_or(visible, |tempering| &mut tempering.replicas);
            let mut all = backend.zeros(*count, backend.shape(own)[1]);
            snapshot.restore(backend, CHAINS, &mut all)?;
            backend.gather(&all, numbers, own);
        }
        Ok(())
    }

    /// The chains of all ranks by number, of which `own` are this one's: a sum to which each rank brings its rows.
    fn of_all(&self, backend: &B, own: &B::Tensor) -> B::Tensor {
        let columns = backend.shape(own)[1];
        let mut all = vec![0.0; self.count * columns];
        for (chain, &number) in backend.download(own).chunks_exact(columns.max(1)).zip(&self.numbers) {
            all[number as usize * columns..][..columns].copy_from_slice(chain);
        }
        backend.ranks().sum(&mut all);
        backend.upload(self.count, columns, &all)
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
