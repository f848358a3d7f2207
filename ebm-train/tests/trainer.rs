//! The trainer's gradients against enumeration and finite differences; what a run may depend on and what not.

use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{Learner, LearningRule, Rates, Rbm, Units};
use ebm_tests::exact::{Exact, Gradient};
use ebm_tests::parameters::Parameters;
use ebm_tests::tolerance;
use ebm_train::Error;
use ebm_train::backend::{Backend, Cpu};
use ebm_train::data::{Batch, Dataset, digits};
use ebm_train::parameters::{RbmParameters, UnitKinds};
use ebm_train::train::Silent;
use ebm_train::train::finetune::{Backpropagation, Finetuned, Recognition, finetune};
use ebm_train::train::pretrain::{Stack, pretrain};
use ebm_train::train::rbm::{Moments, Place, RbmSettings, Trainer};
use ebm_train::train::source::Source;
use rand_core::TryRng;
use std::convert::Infallible;

/// Rows that the chains of the CD tests start from: states, and one of grey levels.
const ROWS: [[f32; 4]; 4] = [[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0], [0.25, 0.5, 0.75, 1.0]];
/// Chains from each row.
const COPIES: usize = 50_000;

fn start(machine: &Parameters) -> RbmParameters {
    RbmParameters {
        weights: machine.weights.clone(),
        visible_bias: machine.visible_bias.clone(),
        hidden_bias: machine.hidden_bias.clone(),
        kinds: UnitKinds::default(),
    }
}

/// A machine about to learn by CD-k from data of which one row is enough to say what its values are.
fn trainer(backend: &Cpu, k: u16, start: &RbmParameters) -> Result<Trainer<Cpu>, Error> {
    let visible = start.visible_bias.len();
    let samples = Batch { values: vec![0.0; visible], visible }.into();
    let moments = Moments::of(backend, &mut Source::new(backend, &samples, &[], None)?)?;
    Trainer::new(backend, &RbmSettings { k, ..RbmSettings::default() }, (3, 0), start, &moments)
}

/// The trainer's CD-k gradient, averaged over [`COPIES`] chains from each of [`ROWS`], as a direction uphill.
fn measured(machine: &Parameters, k: u16) -> Result<Vec<f64>, Error> {
    let backend = Cpu::new(0)?;
    let rows = ROWS.len() * COPIES;
    let data = backend.upload(rows, ROWS[0].len(), &ROWS.concat().repeat(COPIES));
    let samples: Vec<u32> = (0..rows as u32).collect();
    let mut rbm = trainer(&backend, k, &start(machine))?;
    rbm.form_gradient(&backend, Place { seed: 3, layer: 0, step: 0, samples: &samples }, &data, &[]);
    let RbmParameters { weights, visible_bias, hidden_bias, .. } = rbm.gradient(&backend);
    Ok([weights, visible_bias, hidden_bias].concat().into_iter().map(|g| -f64::from(g)).collect())
}

fn data() -> Vec<Vec<f64>> {
    ROWS.iter().map(|row| row.iter().copied().map(f64::from).collect()).collect()
}

fn assert_near(measured: &[f64], exact: &Gradient, bound: f64, what: &str) {
    assert_eq!(measured.len(), exact.components().count());
    for (index, (ours, exact)) in measured.iter().zip(exact.components()).enumerate() {
        assert!((ours - exact).abs() <= bound, "{what}, component {index}: {ours}, exactly {exact}, allowed {bound:e}");
    }
}

#[test]
fn the_cd_gradient_has_its_exact_expectation() -> Result<(), Error> {
    for (seed, k) in [(1, 1), (2, 2), (3, 5)] {
        let machine = Parameters::random(4, 3, 1.5, seed);
        let exact = machine.exact().expected_cd_gradient(&data(), usize::from(k));
        let bound = tolerance::mean_of_states(ROWS.len() * COPIES);
        assert_near(&measured(&machine, k)?, &exact, bound, "CD");
    }
    Ok(())
}

#[test]
fn the_cd_gradient_becomes_that_of_the_likelihood() -> Result<(), Error> {
    let machine = Parameters::random(4, 3, 1.0, 4);
    let exact: Exact = machine.exact();
    let k = u16::try_from(exact.steps_to_mix(tolerance::MIXED)).expect("a machine this small mixes fast");
    let bound = tolerance::mean_of_states(ROWS.len() * COPIES) + 2.0 * tolerance::MIXED;
    assert_near(&measured(&machine, k)?, &exact.log_likelihood_gradient(&data()), bound, "likelihood");
    Ok(())
}

/// The trainer's draws for one sample as one generator: `HIDDEN` of a step's hidden stream, then `VISIBLE` of its visible one, step by step.
struct TrainerDraws {
    taken: usize,
    words: Philox,
}

impl TrainerDraws {
    fn new() -> Self {
        Self { taken: 0, words: Self::stream(Purpose::Hidden, 0) }
    }

    fn stream(purpose: Purpose, phase: u16) -> Philox {
        Philox::new(SEED, Stream { phase, step: STEP, sample: SAMPLE, ..Stream::new(purpose) })
    }
}

impl TryRng for TrainerDraws {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let (phase, unit) = (self.taken / (HIDDEN + VISIBLE), self.taken % (HIDDEN + VISIBLE));
        if unit == 0 || unit == HIDDEN {
            let purpose = if unit == 0 { Purpose::Hidden } else { Purpose::Visible };
            self.words = Self::stream(purpose, phase as u16);
        }
        self.taken += 1;
        self.words.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("a unit takes 32 bits")
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!("a unit takes 32 bits")
    }
}

const VISIBLE: usize = 9;
const HIDDEN: usize = 5;
const SEED: u64 = 11;
const STEP: u32 = 3;
const SAMPLE: u32 = 70;

/// A step of the trainer on one sample is the step that a device takes, given the same draws.
#[test]
fn a_step_on_one_sample_is_the_devices() -> Result<(), Error> {
    let machine = Parameters::random(VISIBLE, HIDDEN, 0.5, 9);
    let data: [f32; VISIBLE] = std::array::from_fn(|i| if i % 3 == 0 { 1.0 } else { 0.0 });
    for k in [1, 4] {
        let backend = Cpu::new(1)?;
        let mut trained = trainer(&backend, k, &start(&machine))?;
        let place = Place { seed: SEED, layer: 0, step: STEP, samples: &[SAMPLE] };
        trained.form_gradient(&backend, place, &backend.upload(1, VISIBLE, &data), &[]);
        let gradient = trained.gradient(&backend);

        let mut rbm = Rbm::<VISIBLE, HIDDEN>::ZERO;
        rbm.copy_from(&machine.view())?;
        let rates = Rates { learning_rate: 1.0, momentum: 0.0, weight_decay: 0.0 };
        let rule = LearningRule { units: Units::BERNOULLI, k: k.into(), rates };
        let mut learner = Learner::ZERO;
        let learnt = learner.contrastive_divergence(&mut rbm, None, rule, &data, &mut TrainerDraws::new());
        learnt.expect("finite data that fits");
        let before = [&machine.weights, &machine.visible_bias, &machine.hidden_bias].into_iter().flatten();
        let after = rbm.weights.iter().chain(rbm.visible_bias.iter()).chain(rbm.hidden_bias.iter());
        let downhill = [gradient.weights, gradient.visible_bias, gradient.hidden_bias].concat();
        for ((before, after), gradient) in before.zip(after).zip(downhill) {
            let moved = f64::from(*after) - f64::from(*before);
            assert!((moved + f64::from(gradient)).abs() < tolerance::LEARNING_STEP, "{moved}, downhill {gradient}");
        }
    }
    Ok(())
}

/// A short run on the digits.
fn train(threads: usize, seed: u64, dataset: &Dataset) -> Result<Finetuned, Error> {
    let backend = Cpu::new(threads)?.sharing_from(0);
    let settings = RbmSettings {
        k: 1,
        epochs: 1,
        batch_size: 100,
        learning_rate: 0.05,
        momentum: 0.5,
        weight_decay: 1e-4,
        ..RbmSettings::default()
    };
    let stack = pretrain(
        &backend,
        &Stack { hidden: vec![300, 120], machines: vec![settings], ..Stack::default() },
        seed,
        dataset,
        &mut Silent,
    )?;
    let settings =
        Backpropagation { epochs: 2, batch_size: 32, dropout: 0.1, shift: 0.5, affine: 0.1, ..Default::default() };
    finetune(&backend, &settings, seed, "finetune", &Recognition::of(&stack)?, dataset, &mut Silent)
}

#[test]
fn the_seed_decides_a_run_and_the_threads_do_not() -> Result<(), Error> {
    let digits = digits::load()?;
    let one = train(1, 5, &digits)?;
    assert!(one == train(2, 5, &digits)?, "two threads gave other parameters than one");
    assert!(one == train(3, 5, &digits)?, "three threads gave other parameters than one");
    assert!(one != train(2, 6, &digits)?, "another seed gave the same parameters");
    Ok(())
}

#[test]
fn a_run_that_leaves_the_numbers_is_stopped() -> Result<(), Error> {
    let digits = digits::load()?;
    let settings = RbmSettings {
        k: 1,
        epochs: 3,
        batch_size: 100,
        learning_rate: f32::MAX,
        momentum: 0.9,
        weight_decay: 1.0,
        ..RbmSettings::default()
    };
    match pretrain(
        &Cpu::new(0)?,
        &Stack { hidden: vec![8], machines: vec![settings], ..Stack::default() },
        1,
        &digits,
        &mut Silent,
    ) {
        Err(error @ Error::Diverged { .. }) => {
            assert!(error.to_string().contains("pretrain-1, epoch 1") && error.to_string().contains("--learning-rate"));
        }
        other => panic!("expected an error, got {:?}", other.map(|stack| stack.below.len())),
    }
    Ok(())
}
