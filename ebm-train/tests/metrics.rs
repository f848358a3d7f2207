//! Likelihoods, pseudo-likelihoods, free energies and reconstruction errors against enumeration.

use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{Block, HiddenKind, VisibleKind};
use ebm_tests::mixed::{Mixed, Visible};
use ebm_tests::parameters::{Parameters, uniform};
use ebm_train::Error;
use ebm_train::backend::Cpu;
use ebm_train::data::{Batch, Samples};
use ebm_train::eval::annealing::{Annealed, Annealing, ais, base_bias, reverse_ais};
use ebm_train::eval::energy::{mean_free_energy, reconstruction_error};
use ebm_train::eval::partition::{MAX_STATES, enumerable_states, log_partition_exact};
use ebm_train::eval::pseudo::pseudo_log_likelihood;
use ebm_train::parameters::{RbmParameters, UnitKinds};
use ebm_train::train::Silent;
use ebm_train::train::machine::Machine;
use ebm_train::train::source::Source;
use rand_core::Rng;

/// A small machine of some kinds of units, and the truth about it.
struct Small {
    name: &'static str,
    parameters: RbmParameters,
    blocks: Vec<Visible>,
    truth: Mixed,
}

impl Small {
    fn new(name: &'static str, blocks: &[Visible], hidden: (usize, HiddenKind), scale: f32, seed: u32) -> Self {
        let visible = blocks.iter().map(Visible::units).sum();
        let random = Parameters::random(visible, hidden.0, scale, seed);
        let block = |block: &Visible| {
            let kind = match block {
                Visible::Bernoulli(_) => VisibleKind::Bernoulli,
                Visible::Gaussian(_) => VisibleKind::Gaussian,
                Visible::Group(_) => VisibleKind::Softmax,
                Visible::Label(_) => VisibleKind::Label,
            };
            Block::new(kind, block.units() as u32)
        };
        let sigma = blocks.iter().flat_map(|block| if let Visible::Gaussian(sigma) = block { &sigma[..] } else { &[] });
        let kinds = match blocks {
            [Visible::Bernoulli(_)] => UnitKinds { hidden: hidden.1, ..UnitKinds::default() },
            _ => UnitKinds {
                blocks: blocks.iter().map(block).collect(),
                sigma: sigma.copied().collect(),
                hidden: hidden.1,
            },
        };
        let truth = Mixed::new(&random, blocks, hidden.1);
        let Parameters { weights, visible_bias, hidden_bias } = random;
        let parameters = RbmParameters { weights, visible_bias, hidden_bias, kinds };
        Self { name, parameters, blocks: blocks.to_vec(), truth }
    }

    /// `ln Z` by summing `e^(−E)` over every joint state; of Gaussian units over a grid.
    fn log_partition(&self) -> f64 {
        let hidden = self.truth.hidden_states();
        let reach = hidden.last().expect("a hidden state").clone();
        let visible = self.truth.visible_states(&reach);
        let step: f64 = self.parameters.kinds.sigma.iter().map(|&sigma| f64::from(sigma) / 2.0).product();
        let energies: Vec<f64> = hidden.iter().flat_map(|h| visible.iter().map(|v| -self.truth.energy(v, h))).collect();
        let largest = energies.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        largest + (step * energies.iter().map(|x| (x - largest).exp()).sum::<f64>()).ln()
    }

    /// Samples of the kind that the machine takes, not distributed as it expects them.
    fn samples(&self, rows: usize) -> Batch {
        let mut rng = Philox::new(3, Stream::new(Purpose::Free));
        let mut values = Vec::new();
        for _ in 0..rows {
            for block in &self.blocks {
                let draw = rng.next_u32();
                match block {
                    Visible::Bernoulli(units) => values.extend((0..*units).map(|unit| (draw >> unit & 1) as f32)),
                    Visible::Gaussian(sigma) => {
                        values.extend(sigma.iter().zip(uniform(sigma.len(), 2.0, draw, 0)).map(|(s, x)| s * x));
                    }
                    Visible::Group(units) | Visible::Label(units) => {
                        let on = draw as usize % units;
                        values.extend((0..*units).map(|unit| f32::from(u8::from(unit == on))));
                    }
                }
            }
        }
        Batch { values, visible: self.parameters.visible_bias.len() }
    }
}

/// Every kind of unit.
fn machines() -> Vec<Small> {
    use HiddenKind::{Bernoulli, Relu};
    vec![
        Small::new("bernoulli", &[Visible::Bernoulli(6)], (5, Bernoulli), 1.5, 1),
        Small::new("few visible", &[Visible::Bernoulli(3)], (7, Bernoulli), 1.5, 2),
        Small::new("gaussian", &[Visible::Gaussian(vec![0.5, 1.25])], (4, Bernoulli), 1.0, 3),
        Small::new("groups", &[Visible::Group(4), Visible::Group(3)], (5, Bernoulli), 1.5, 4),
        Small::new(
            "mixed with labels",
            &[Visible::Bernoulli(3), Visible::Gaussian(vec![0.75]), Visible::Group(3), Visible::Label(3)],
            (4, Bernoulli),
            1.0,
            5,
        ),
        Small::new("rectified", &[Visible::Bernoulli(6)], (2, Relu), 1.0, 6),
        Small::new("gaussian rectified", &[Visible::Gaussian(vec![0.6])], (2, Relu), 0.8, 7),
    ]
}

/// Rounding of a free energy, or of a log-partition function of one state, of machines as small as these.
const ROUNDING: f64 = 1e-5;

#[test]
fn the_partition_function_is_that_of_all_states() -> Result<(), Error> {
    for threads in [1, 2] {
        let backend = Cpu::new(threads)?.sharing_from(0);
        for small in machines() {
            let machine = Machine::new(&backend, &small.parameters)?;
            let exact = log_partition_exact(&backend, &machine);
            if small.name == "gaussian rectified" {
                assert_eq!(exact, None, "neither layer has finitely many states");
                continue;
            }
            let (ours, truth) = (exact.expect("one small layer"), small.log_partition());
            assert!((ours - truth).abs() < ROUNDING, "{}: {ours}, by all states {truth}", small.name);
        }
    }
    Ok(())
}

#[test]
fn the_smaller_layer_is_enumerated_and_none_that_is_too_large() {
    let binary = UnitKinds::default();
    assert_eq!(enumerable_states(&binary, 784, 16), Some(1 << 16));
    assert_eq!(enumerable_states(&binary, 10, 500), Some(1 << 10));
    assert_eq!(enumerable_states(&binary, 24, 24), Some(MAX_STATES));
    assert_eq!(enumerable_states(&binary, 25, 25), None);
    assert_eq!(enumerable_states(&binary, 100_000, 100_000), None);
    let groups = UnitKinds { blocks: vec![Block::new(VisibleKind::Softmax, 1000); 2], ..UnitKinds::default() };
    assert_eq!(enumerable_states(&groups, 2000, 500), Some(1_000_000));
    let real =
        UnitKinds { blocks: vec![Block::new(VisibleKind::Gaussian, 2)], sigma: vec![1.0; 2], hidden: HiddenKind::Relu };
    assert_eq!(enumerable_states(&real, 2, 1), None);
}

/// Across blocks of states: more of them than are taken to the backend at once.
#[test]
fn independent_units_have_the_product_of_their_partition_functions() -> Result<(), Error> {
    const UNITS: usize = 14;
    let backend = Cpu::new(2)?;
    let bias: Vec<f32> = uniform(UNITS, 3.0, 8, 0);
    let parameters = RbmParameters {
        weights: vec![0.0; UNITS * UNITS],
        visible_bias: bias.clone(),
        hidden_bias: bias.clone(),
        ..RbmParameters::default()
    };
    let ours = log_partition_exact(&backend, &Machine::new(&backend, &parameters)?).expect("14 units");
    let truth: f64 = bias.iter().map(|&b| 2.0 * f64::from(b).exp().ln_1p()).sum();
    assert!((ours - truth).abs() < ROUNDING, "{ours}, product {truth}");
    Ok(())
}

/// Annealing both ways of a small machine, from its base machine's samples and after this much burn-in.
fn anneal(backend: &Cpu, small: &Small, settings: Annealing) -> Result<[Annealed; 2], Error> {
    let machine = Machine::new(backend, &small.parameters)?;
    let samples: Samples = small.samples(200).into();
    let mut source = Source::new(backend, &samples, &[], None)?;
    let base = base_bias(backend, &machine, &mut source)?;
    let forward = ais(backend, &machine, &base, settings, &mut Silent)?;
    Ok([forward, reverse_ais(backend, &machine, &base, None, 100, settings, &mut Silent)?])
}

/// Spread of the logarithms of weights.
fn spread(annealed: &Annealed) -> f64 {
    let count = annealed.log_weights.len() as f64;
    let mean = annealed.log_weights.iter().sum::<f64>() / count;
    (annealed.log_weights.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / count).sqrt()
}

#[test]
fn annealing_either_way_has_the_truth_in_its_interval() -> Result<(), Error> {
    let backend = Cpu::new(2)?.sharing_from(0);
    for small in machines() {
        let truth = small.log_partition();
        let settings = Annealing { seed: 5, layer: 0, chains: 400, temperatures: 200 };
        for annealed in anneal(&backend, &small, settings)? {
            let [low, high] = annealed.interval();
            let what = format!("{} from {:?}: {low} to {high}, truth {truth}", small.name, annealed.start);
            assert!(low <= annealed.log_partition() && annealed.log_partition() <= high, "{what}");
            assert!(low <= truth && truth <= high, "{what}");
            assert!(high - low < 0.05 && annealed.effective_chains() > 350.0, "{what}");
        }
    }
    Ok(())
}

/// However coarse the steps, the weights' mean is the ratio of the partition functions: far from equilibrium errors of the transitions or of the
/// weights would show, that slow annealing hides.
#[test]
fn weights_are_unbiased_however_few_the_temperatures() -> Result<(), Error> {
    let backend = Cpu::new(2)?.sharing_from(0);
    for small in machines() {
        let truth = small.log_partition();
        for temperatures in [2, 4] {
            let settings = Annealing { seed: 6, layer: 1, chains: 10_000, temperatures };
            let [forward, reverse] = anneal(&backend, &small, settings)?;
            for (annealed, ratio) in
                [(&forward, truth - forward.base_log_partition), (&reverse, reverse.base_log_partition - truth)]
            {
                let weights: Vec<f64> = annealed.log_weights.iter().map(|w| (w - ratio).exp()).collect();
                let count = weights.len() as f64;
                let mean = weights.iter().sum::<f64>() / count;
                let variance = weights.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / (count - 1.0);
                let error = (variance / count).sqrt();
                let off = (mean - 1.0) / error;
                assert!(
                    off.abs() < 4.0 && error < 0.1,
                    "{} {:?} {temperatures}: {mean} ± {error}",
                    small.name,
                    annealed.start
                );
            }
        }
    }
    Ok(())
}

#[test]
fn more_temperatures_bring_the_weights_and_both_ways_together() -> Result<(), Error> {
    let backend = Cpu::new(2)?;
    for small in [
        Small::new("bernoulli", &[Visible::Bernoulli(8)], (8, HiddenKind::Bernoulli), 3.0, 11),
        Small::new("gaussian", &[Visible::Gaussian(vec![1.0, 1.0])], (4, HiddenKind::Bernoulli), 2.0, 12),
    ] {
        let at = |temperatures| {
            let settings = Annealing { seed: 7, layer: 0, chains: 200, temperatures };
            anneal(&backend, &small, settings).map(|ways| {
                let apart = (ways[0].log_partition() - ways[1].log_partition()).abs();
                (spread(&ways[0]), spread(&ways[1]), apart)
            })
        };
        let (coarse, middle, fine) = (at(3)?, at(30)?, at(3000)?);
        assert!(coarse.0 > 2.0 * middle.0 && middle.0 > 2.0 * fine.0, "{}: {coarse:?} {middle:?} {fine:?}", small.name);
        assert!(coarse.1 > middle.1 && middle.1 > 2.0 * fine.1, "{}: {coarse:?} {middle:?} {fine:?}", small.name);
        assert!(fine.2 < 0.05, "{}: {fine:?}", small.name);
    }
    Ok(())
}

/// The inverse weights' mean is larger than the mean's inverse, so a likelihood by it is lower.
#[test]
fn an_estimate_by_inverse_weights_is_the_more_cautious() -> Result<(), Error> {
    let backend = Cpu::new(2)?;
    let small = Small::new("bernoulli", &[Visible::Bernoulli(8)], (8, HiddenKind::Bernoulli), 3.0, 11);
    let settings = Annealing { seed: 7, layer: 0, chains: 200, temperatures: 5 };
    let [_, reverse] = anneal(&backend, &small, settings)?;
    assert!(reverse.log_partition_by_inverse() > reverse.log_partition());
    Ok(())
}

#[test]
fn annealing_does_not_depend_on_threads_and_does_on_the_seed() -> Result<(), Error> {
    for small in machines() {
        let with = |threads, seed| -> Result<_, Error> {
            let settings = Annealing { seed, layer: 0, chains: 70, temperatures: 10 };
            anneal(&Cpu::new(threads)?.sharing_from(0), &small, settings)
        };
        let one = with(1, 1)?;
        assert_eq!(one, with(3, 1)?, "{}", small.name);
        assert_ne!(one, with(1, 2)?, "{}", small.name);
        assert_ne!(one[0].log_weights, one[1].log_weights, "both ways of {} share their draws", small.name);
    }
    Ok(())
}

#[test]
fn a_machine_without_a_finite_partition_function_is_refused() -> Result<(), Error> {
    let backend = Cpu::new(1)?;
    // One Gaussian and one rectified unit: finite when (σW)² < 1.
    for (weight, finite) in [(0.9f32, true), (1.1, false), (-1.1, false)] {
        let parameters = RbmParameters {
            weights: vec![weight / 0.5],
            visible_bias: vec![0.0],
            hidden_bias: vec![0.0],
            kinds: UnitKinds {
                blocks: vec![Block::new(VisibleKind::Gaussian, 1)],
                sigma: vec![0.5],
                hidden: HiddenKind::Relu,
            },
        };
        let machine = Machine::new(&backend, &parameters)?;
        let settings = Annealing { seed: 1, layer: 0, chains: 4, temperatures: 4 };
        let annealed = ais(&backend, &machine, &[0.0], settings, &mut Silent);
        assert_eq!(annealed.is_ok(), finite, "weight {weight}: {annealed:?}");
        assert!(ais(&backend, &machine, &[0.0, 0.0], settings, &mut Silent).is_err(), "a base of another width");
    }
    Ok(())
}

/// `Σ_i ln p(v_i | v_−i)` from free energies alone: of a unit both states, of a group every one.
fn pseudo_by_conditionals(small: &Small, visible: &[f64]) -> f64 {
    let free_energy = |v: &[f64]| small.truth.free_energy(v);
    let mut sum = 0.0;
    let mut first = 0;
    for block in &small.blocks {
        let units = first..first + block.units();
        first = units.end;
        let alternatives: Vec<Vec<Vec<f64>>> = match block {
            Visible::Bernoulli(_) => units
                .map(|unit| {
                    let with = |value: f64| {
                        let mut state = visible.to_vec();
                        state[unit] = value;
                        state
                    };
                    vec![with(0.0), with(1.0)]
                })
                .collect(),
            _ => {
                let with = |on: usize| {
                    let mut state = visible.to_vec();
                    state[units.clone()].fill(0.0);
                    state[on] = 1.0;
                    state
                };
                vec![units.clone().map(with).collect()]
            }
        };
        for states in alternatives {
            let all: f64 = states.iter().map(|state| (free_energy(visible) - free_energy(state)).exp()).sum();
            sum -= all.ln();
        }
    }
    sum
}

#[test]
fn pseudo_likelihoods_are_those_of_every_unit_given_the_others() -> Result<(), Error> {
    const ROWS: usize = 40;
    let backend = Cpu::new(2)?.sharing_from(0);
    for small in machines() {
        let machine = Machine::new(&backend, &small.parameters)?;
        let batch = small.samples(ROWS);
        let samples: Samples = batch.clone().into();
        let ours = pseudo_log_likelihood(&backend, &machine, &mut Source::new(&backend, &samples, &[], None)?)?;
        if !small.parameters.kinds.sigma.is_empty() {
            assert_eq!(ours, None, "{}: real units have none in closed form", small.name);
            continue;
        }
        let wide = |row: &[f32]| row.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        let truth: f64 = batch.iter().map(|row| pseudo_by_conditionals(&small, &wide(row))).sum::<f64>() / ROWS as f64;
        let ours = ours.expect("discrete units");
        assert!((ours - truth).abs() < 10.0 * ROUNDING, "{}: {ours}, by conditionals {truth}", small.name);
    }
    Ok(())
}

#[test]
fn means_over_data_are_those_of_its_samples() -> Result<(), Error> {
    const ROWS: usize = 30;
    let backend = Cpu::new(2)?.sharing_from(0);
    for small in machines() {
        let machine = Machine::new(&backend, &small.parameters)?;
        let batch = small.samples(ROWS);
        let samples: Samples = batch.clone().into();
        let mut source = Source::new(&backend, &samples, &[], None)?;
        let (mut energy, mut error) = (0.0, 0.0);
        for row in batch.iter() {
            let v: Vec<f64> = row.iter().map(|&v| f64::from(v)).collect();
            energy += small.truth.free_energy(&v) / ROWS as f64;
            if small.parameters.kinds.hidden == HiddenKind::Bernoulli {
                let back = small.truth.visible_means(&small.truth.hidden_means(&v));
                error += v.iter().zip(back).map(|(v, mean)| (v - mean).powi(2)).sum::<f64>() / (ROWS * v.len()) as f64;
            }
        }
        let ours = mean_free_energy(&backend, &machine, &mut source)?;
        assert!((ours - energy).abs() < ROUNDING, "{}: free energy {ours}, {energy}", small.name);
        // The enumeration has no energy of hidden means between the states of a rectified unit.
        if small.parameters.kinds.hidden == HiddenKind::Bernoulli {
            let ours = reconstruction_error(&backend, &machine, &mut source)?;
            assert!((ours - error).abs() < ROUNDING, "{}: reconstruction error {ours}, {error}", small.name);
        }
    }
    Ok(())
}
