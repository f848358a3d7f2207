//! Learning in place: the update in f64, its expectation by enumeration, and that likelihood rises.

use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{
    Block, HiddenKind, Learner, LearningRule, Machine, ModelError, Rates, Rbm, ShapeError, Units, VisibleKind,
};
use ebm_tests::exact::Exact;
use ebm_tests::parameters::Parameters;
use ebm_tests::tolerance;
use rand_core::Rng;

const SEED: u64 = 5;

fn rng(sample: u32) -> Philox {
    Philox::new(SEED, Stream { sample, ..Stream::new(Purpose::Free) })
}

const fn rule(k: usize, learning_rate: f32, momentum: f32, weight_decay: f32) -> LearningRule<'static> {
    LearningRule { units: Units::BERNOULLI, k, rates: Rates { learning_rate, momentum, weight_decay } }
}

fn typed<const V: usize, const H: usize>(parameters: &Parameters) -> Rbm<V, H> {
    let mut rbm = Rbm::ZERO;
    rbm.copy_from(&parameters.view()).expect("the shape fits");
    rbm
}

fn components<const V: usize, const H: usize>(rbm: &Rbm<V, H>) -> impl Iterator<Item = f64> {
    let all = rbm.weights.iter().chain(rbm.visible_bias.iter()).chain(rbm.hidden_bias.iter());
    all.map(|&x| f64::from(x)).collect::<Vec<_>>().into_iter()
}

/// The mean of many updates is the exact expectation of CD-k (Hinton 2002), component by component.
#[test]
fn the_mean_update_is_the_expected_one() -> Result<(), ModelError> {
    const UPDATES: u32 = 100_000;
    let start = Parameters::random(4, 3, 1.0, 1);
    let data = [1.0, 0.0, 1.0, 1.0];
    for k in [1, 3] {
        let expected = start.exact().expected_cd_gradient(&[data.map(f64::from).to_vec()], k);
        let mut sums = vec![(0.0, 0.0); 4 * 3 + 4 + 3];
        let mut learner = Learner::<4, 3>::ZERO;
        for sample in 0..UPDATES {
            let mut rbm = typed::<4, 3>(&start);
            learner.contrastive_divergence(&mut rbm, None, rule(k, 1.0, 0.0, 0.0), &data, &mut rng(sample))?;
            for ((sum, square), (after, before)) in
                sums.iter_mut().zip(components(&rbm).zip(components(&typed::<4, 3>(&start))))
            {
                *sum += after - before;
                *square += (after - before) * (after - before);
            }
        }
        let n = f64::from(UPDATES);
        for ((sum, square), expected) in sums.into_iter().zip(expected.components()) {
            let (mean, variance) = (sum / n, square / n - (sum / n) * (sum / n));
            let z = (mean - expected) / (variance / n).sqrt();
            assert!(z.abs() < tolerance::STANDARD_DEVIATIONS, "k = {k}: {mean}, expected {expected}, z = {z}");
        }
    }
    Ok(())
}

/// The update as its docstring says, in f64, from the states that the learner's draws lead to: momentum, decay, both chains.
#[test]
fn the_update_is_the_formula() -> Result<(), ModelError> {
    let rates = Rates { learning_rate: 0.1, momentum: 0.75, weight_decay: 0.01 };
    for persistent in [false, true] {
        let mut rbm = typed::<5, 4>(&Parameters::random(5, 4, 0.5, 2));
        let (mut velocities, mut learner) = (Rbm::<5, 4>::ZERO, Learner::<5, 4>::ZERO);
        let mut chain = [0.0f32; 5];
        let mut reference = vec![0.0f64; 5 * 4 + 5 + 4];
        for step in 0..20u32 {
            let data = core::array::from_fn(|i| if (step + i as u32).is_multiple_of(3) { 1.0 } else { 0.0 });
            let before = rbm.clone();
            let rule = LearningRule { rates, ..rule(2, 0.0, 0.0, 0.0) };
            if persistent {
                learner.persistent_contrastive_divergence(
                    &mut rbm,
                    Some(&mut velocities),
                    rule,
                    &data,
                    &mut rng(step),
                )?;
            } else {
                learner.contrastive_divergence(&mut rbm, Some(&mut velocities), rule, &data, &mut rng(step))?;
                chain = data;
            }
            // The same chain, step by step.
            let (mut draws, mut hidden) = (rng(step), [0.0; 4]);
            for _ in 0..2 {
                before.view().sample_hidden(&chain, &mut draws, &mut hidden)?;
                before.view().sample_visible(&hidden, &mut draws, &mut chain)?;
            }
            assert_eq!(learner.chain().visible(), &chain);
            let (mut of_data, mut of_model) = ([0.0; 4], [0.0; 4]);
            before.view().hidden_probs(&data, &mut of_data)?;
            before.view().hidden_probs(&chain, &mut of_model)?;
            let wide = |x: f32| f64::from(x);
            let weights = (0..20).map(|n| {
                let (i, j) = (n % 5, n / 5);
                let decay = wide(rates.weight_decay) * wide(before.weights[(i, j)]);
                wide(data[i]) * wide(of_data[j]) - wide(chain[i]) * wide(of_model[j]) - decay
            });
            let visible = (0..5).map(|i| wide(data[i]) - wide(chain[i]));
            let hidden = (0..4).map(|j| wide(of_data[j]) - wide(of_model[j]));
            let gradient = weights.chain(visible).chain(hidden);
            for ((velocity, gradient), (before, after)) in
                reference.iter_mut().zip(gradient).zip(components(&before).zip(components(&rbm)))
            {
                *velocity = wide(rates.momentum) * *velocity + gradient;
                let expected = before + wide(rates.learning_rate) * *velocity;
                assert!((after - expected).abs() < tolerance::LEARNING_STEP, "step {step}: {after}, {expected}");
            }
            assert!(components(&velocities).zip(&reference).all(|(v, r)| (v - r).abs() < tolerance::LEARNING_STEP));
        }
    }
    Ok(())
}

fn log_likelihood<const V: usize, const H: usize>(rbm: &Rbm<V, H>, data: &[[f32; V]]) -> f64 {
    let exact = Exact::from_f32(rbm.weights.as_slice(), rbm.visible_bias.as_slice(), rbm.hidden_bias.as_slice());
    let rows: Vec<Vec<f64>> = data.iter().map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect();
    exact.log_likelihood(&rows)
}

/// From small weights, one sample at a time, towards the entropy of the data, which is the best there is.
#[test]
fn likelihood_rises_towards_the_entropy_of_the_data() -> Result<(), ModelError> {
    const PATTERNS: [[f32; 6]; 4] = [
        [1.0, 1.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 1.0, 1.0, 1.0],
        [1.0, 0.0, 1.0, 0.0, 1.0, 0.0],
        [0.0, 1.0, 0.0, 1.0, 0.0, 1.0],
    ];
    let best = -4.0f64.ln();
    // A single persistent chain follows the model only when that moves slowly: shorter steps, and more of the chain's.
    for (persistent, k, momentum, first_rate) in
        [(false, 1, 0.0, 0.02), (false, 1, 0.5, 0.01), (true, 5, 0.0, 0.01), (true, 20, 0.5, 0.005)]
    {
        let mut rbm = typed::<6, 6>(&Parameters::random(6, 6, 0.1, 3));
        let (mut velocities, mut learner, mut draws) = (Rbm::<6, 6>::ZERO, Learner::<6, 6>::ZERO, rng(0));
        let before = log_likelihood(&rbm, &PATTERNS);
        for step in 0..40_000u16 {
            let data = &PATTERNS[draws.next_u32() as usize % 4];
            let rule = rule(k, first_rate / (1.0 + f32::from(step) / 40_000.0), momentum, 0.001);
            let velocities = (momentum > 0.0).then_some(&mut velocities);
            if persistent {
                learner.persistent_contrastive_divergence(&mut rbm, velocities, rule, data, &mut draws)?;
            } else {
                learner.contrastive_divergence(&mut rbm, velocities, rule, data, &mut draws)?;
            }
        }
        let after = log_likelihood(&rbm, &PATTERNS);
        assert!(before < best - 2.0, "{before}");
        assert!(
            after > best - tolerance::LEARNED_NATS,
            "persistent {persistent}, momentum {momentum}: {after}, best {best}"
        );
    }
    Ok(())
}

/// Mixed units: a Gaussian unit's mean and a category's frequency come out of the stream.
#[test]
fn means_of_a_mixed_stream_are_learnt() -> Result<(), ModelError> {
    let blocks = [Block::new(VisibleKind::Gaussian, 1), Block::new(VisibleKind::Softmax, 3)];
    let units = Units::new(&blocks, &[0.5], HiddenKind::Relu).expect("4 units");
    let (mut rbm, mut learner, mut draws) = (Rbm::<4, 2>::ZERO, Learner::<4, 2>::ZERO, rng(1));
    for step in 0..6000 {
        let category = [0, 0, 1, 2][draws.next_u32() as usize % 4];
        let mut data = [3.0, 0.0, 0.0, 0.0];
        data[1 + category] = 1.0;
        let rates = Rates { learning_rate: if step < 4000 { 0.02 } else { 0.002 }, momentum: 0.0, weight_decay: 0.001 };
        learner.contrastive_divergence(&mut rbm, None, LearningRule { units, k: 1, rates }, &data, &mut draws)?;
    }
    let (machine, mut hidden, mut sum, mut draws) = (rbm.view_with(units)?, [0.0; 2], [0.0; 4], rng(2));
    let mut visible = [3.0, 1.0, 0.0, 0.0];
    for _ in 0..4000 {
        machine.sample_hidden(&visible, &mut draws, &mut hidden)?;
        machine.sample_visible(&hidden, &mut draws, &mut visible)?;
        sum.iter_mut().zip(visible).for_each(|(sum, v)| *sum += f64::from(v) / 4000.0);
    }
    for (mean, expected) in sum.into_iter().zip([3.0, 0.5, 0.25, 0.25]) {
        assert!((mean - expected).abs() < tolerance::LEARNED_MEAN, "{sum:?}");
    }
    Ok(())
}

#[test]
fn wrong_lengths_change_nothing() {
    let mut rbm = typed::<4, 3>(&Parameters::random(4, 3, 1.0, 4));
    let (before, mut learner) = (rbm.clone(), Learner::<4, 3>::ZERO);
    let error = ShapeError { what: "visible units", expected: 4, found: 3 };
    let rule = rule(1, 1.0, 0.0, 0.0);
    assert_eq!(learner.contrastive_divergence(&mut rbm, None, rule, &[1.0; 3], &mut rng(0)), Err(error.into()));
    assert_eq!(
        learner.persistent_contrastive_divergence(&mut rbm, None, rule, &[1.0; 3], &mut rng(0)),
        Err(error.into())
    );
    let blocks = [Block::new(VisibleKind::Softmax, 5)];
    let units = Units::new(&blocks, &[], HiddenKind::Bernoulli).expect("5 units");
    let other = LearningRule { units, ..rule };
    let error = ShapeError { what: "units in blocks", expected: 4, found: 5 };
    assert_eq!(learner.contrastive_divergence(&mut rbm, None, other, &[1.0; 4], &mut rng(0)), Err(error.into()));
    // A broken reading would stay in the parameters for ever.
    for broken in [f32::NAN, f32::INFINITY] {
        let data = [1.0, broken, 0.0, 1.0];
        let refused = learner.contrastive_divergence(&mut rbm, None, rule, &data, &mut rng(0));
        assert_eq!(refused, Err(ModelError::NotANumber));
        let refused = learner.persistent_contrastive_divergence(&mut rbm, None, rule, &data, &mut rng(0));
        assert_eq!(refused, Err(ModelError::NotANumber));
    }
    assert_eq!((rbm, learner), (before, Learner::ZERO));
}
