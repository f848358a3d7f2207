//! Parallel tempering: chains at several temperatures that exchange their states, so that the coldest gets from mode to mode
//! (Desjardins, Courville, Bengio, Vincent & Delalleau 2010; Cho, Raiko & Ilin 2010).
//!
//! At inverse temperature β a chain's distribution is `p_β(v, h) ∝ exp(−Σ_i U_i(v_i) − Σ_j U°_j(h_j) + β·(b·h + vᵀWh))`, `U°` being a unit's
//! potential without its bias: everything that ties units together is weakened, and at β = 0 visible units follow their own biases, as in Cho,
//! Raiko & Ilin. Gaussian units keep their variance at every temperature.

use super::chain::{START, reconstruct};
use super::place::Place;
use super::settings::RbmSettings;
use crate::backend::Backend;
use crate::train::machine::Machine;
use ebm_core::Beta;
use ebm_core::rng::{Philox, Purpose, Stream, unit_interval};
use rand_core::Rng;

/// Replicas of every chain. Row `r·chains + c` is chain c at temperature r, the last of which is the coldest, `β = 1`.
pub(super) struct Tempering<B: Backend> {
    /// Visible states.
    pub replicas: B::Tensor,
    chains: usize,
    temperatures: usize,
    /// β of every row.
    betas: B::Tensor,
    /// β of the row that it may change with: when pairs start at even temperatures, and at odd ones.
    partners: [B::Tensor; 2],
    coldest: Vec<u32>,
    fields: B::Tensor,
    scratch: B::Tensor,
}

impl<B: Backend> Tempering<B> {
    /// Of so many chains, this rank's.
    pub fn new(backend: &B, settings: &RbmSettings, chains: usize, replicas: B::Tensor) -> Self {
        let temperatures = settings.temperatures;
        let step = (1.0 - settings.hottest_beta) / (temperatures - 1) as f32;
        let beta = |r: usize| if r + 1 == temperatures { 1.0 } else { settings.hottest_beta + r as f32 * step };
        let rows = |beta_of: &dyn Fn(usize) -> f32| {
            let betas: Vec<f32> = (0..temperatures).flat_map(|r| std::iter::repeat_n(beta_of(r), chains)).collect();
            backend.upload(betas.len(), 1, &betas)
        };
        let partner = |parity| rows(&|r| beta(partner(r, parity, temperatures)));
        let last = (temperatures - 1) * chains;
        Self {
            replicas,
            chains,
            temperatures,
            betas: rows(&beta),
            partners: [partner(0), partner(1)],
            coldest: (last as u32..(last + chains) as u32).collect(),
            fields: backend.zeros(0, 0),
            scratch: backend.zeros(0, 0),
        }
    }

    /// Rows at `β = 1`.
    pub fn coldest(&self) -> &[u32] {
        &self.coldest
    }

    /// `k` times: neighbours exchange states, then every chain takes a Gibbs step at its own temperature. `visible` becomes the coldest.
    pub fn run(
        &mut self,
        backend: &B,
        settings: &RbmSettings,
        machine: &Machine<B>,
        place: Place<'_>,
        states: &mut B::Tensor,
        visible: &mut B::Tensor,
    ) {
        for phase in START + 1..=START + settings.k {
            machine.hidden_fields(backend, &self.replicas, &mut self.fields);
            let order = self.exchange(backend, machine, place, phase);
            backend.gather(&self.fields, &order, states);
            backend.multiply_rows(&self.betas, states);
            let kind = machine.kinds().hidden;
            backend.sample_hidden(place.draws(Purpose::Hidden, phase), kind, Beta::ONE, states);
            backend.multiply_rows(&self.betas, states);
            reconstruct(backend, settings, machine, (place, phase), states, &mut self.replicas);
        }
        backend.gather(&self.replicas, &self.coldest, visible);
    }

    /// Decides which neighbours change places, and returns the row whose state each row goes on from.
    ///
    /// With hidden units summed out, `F_β(v) = Σ_i U_i(v_i) − Σ_j T(β·z_j)`, and a pair changes with probability
    /// `min(1, exp(F_β(v) + F_β′(v′) − F_β(v′) − F_β′(v)))`, of which the visible units' energies cancel (Metropolis).
    fn exchange(&mut self, backend: &B, machine: &Machine<B>, place: Place<'_>, phase: u16) -> Vec<u32> {
        let Self { chains, temperatures, betas, partners, fields, scratch, .. } = self;
        let (chains, temperatures) = (*chains, *temperatures);
        let rows = chains * temperatures;
        let parity = (u64::from(place.step) + u64::from(phase)) as usize % 2;
        // −Σ_j T(β·z_j), the part of a free energy that temperature has: at a row's own temperature, and at its partner's.
        let mut terms = backend.zeros(rows, 2);
        for (column, betas) in [&*betas, &partners[parity]].into_iter().enumerate() {
            let mut sums = backend.zeros(rows, 1);
            backend.copy(fields, scratch);
            backend.multiply_rows(betas, scratch);
            backend.subtract_hidden_terms(machine.kinds().hidden, 1.0, scratch, &mut sums);
            backend.put_columns(&sums, column, &mut terms);
        }
        let terms = backend.download(&terms);
        let (own, other) = (|row: usize| terms[2 * row], |row: usize| terms[2 * row + 1]);
        let mut order: Vec<u32> = (0..rows as u32).collect();
        for chain in 0..chains {
            let (layer, step) = (place.layer, place.step);
            // Its number is the one of its hottest replica.
            let stream = Stream { purpose: Purpose::Exchange, layer, phase, step, sample: place.samples[chain] };
            let mut rng = Philox::new(place.seed, stream);
            for hot in (parity..temperatures - 1).step_by(2) {
                let (hot, cold) = (hot * chains + chain, (hot + 1) * chains + chain);
                let ratio = own(hot) + own(cold) - other(hot) - other(cold);
                if unit_interval(rng.next_u32()) < ratio.exp() {
                    order.swap(hot, cold);
                }
            }
        }
        order
    }
}

/// The temperature that `r` may change places with; itself at an end without a neighbour.
fn partner(r: usize, parity: usize, temperatures: usize) -> usize {
    let partner = if r % 2 == parity { r + 1 } else { r.saturating_sub(1) };
    if partner < temperatures && (r % 2 == parity || r > 0) { partner } else { r }
}
