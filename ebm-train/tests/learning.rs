//! Every algorithm's gradient against exact enumeration, over several kinds of units; steps against their definitions.

use ebm_core::HiddenKind;
use ebm_tests::mixed::{Layout, Mixed, State, Visible};
use ebm_tests::parameters::Parameters;
use ebm_tests::tolerance;
use ebm_train::Error;
use ebm_train::backend::{Backend, Cpu};
use ebm_train::data::Batch;
use ebm_train::parameters::{RbmParameters, UnitKinds};
use ebm_train::train::rbm::settings::{Algorithm, Objective, Statistics};
use ebm_train::train::rbm::{Moments, Pace, Place, RbmSettings, Trainer};
use ebm_train::train::source::Source;

/// A machine, by enumeration and as the trainer takes it.
struct Case {
    exact: Mixed,
    start: RbmParameters,
    visible: usize,
    hidden: usize,
}

fn case(blocks: &[Visible], hidden_kind: HiddenKind, hidden: usize, scale: f32, seed: u32) -> Case {
    let visible = blocks.iter().map(Visible::units).sum();
    let parameters = Parameters::random(visible, hidden, scale, seed);
    let start = RbmParameters {
        weights: parameters.weights.clone(),
        visible_bias: parameters.visible_bias.clone(),
        hidden_bias: parameters.hidden_bias.clone(),
        kinds: UnitKinds::of(Layout::new(blocks, hidden_kind).units()),
    };
    Case { exact: Mixed::new(&parameters, blocks, hidden_kind), start, visible, hidden }
}

/// Machines whose chains forget their start within a few steps.
fn cases() -> Vec<(&'static str, Case)> {
    let bernoulli = HiddenKind::Bernoulli;
    vec![
        ("Bernoulli", case(&[Visible::Bernoulli(4)], bernoulli, 3, 1.0, 1)),
        ("softmax", case(&[Visible::Group(3), Visible::Bernoulli(2)], bernoulli, 2, 1.0, 2)),
        ("Gaussian", case(&[Visible::Gaussian(vec![0.5]), Visible::Bernoulli(2)], bernoulli, 2, 1.0, 3)),
        ("label", case(&[Visible::Bernoulli(3), Visible::Label(3)], bernoulli, 2, 1.0, 4)),
    ]
}

/// `⟨v_i·h_j⟩`, `⟨v_i⟩` and `⟨h_j⟩` of a distribution, in the order of parameters.
fn statistics(states: &[State]) -> Vec<f64> {
    let State { visible, hidden, .. } = &states[0];
    let mean = |of: &dyn Fn(&State) -> f64| states.iter().map(|state| state.probability * of(state)).sum::<f64>();
    let mut all = Vec::new();
    for j in 0..hidden.len() {
        all.extend((0..visible.len()).map(|i| mean(&|state| state.visible[i] * state.hidden[j])));
    }
    all.extend((0..visible.len()).map(|i| mean(&|state| state.visible[i])));
    all.extend((0..hidden.len()).map(|j| mean(&|state| state.hidden[j])));
    all
}

/// The same over rows of data, hidden units given them.
fn of_data(exact: &Mixed, rows: &[Vec<f32>]) -> Vec<f64> {
    let mut states = Vec::new();
    for row in rows {
        let row: Vec<f64> = row.iter().copied().map(f64::from).collect();
        states.extend(exact.given_visible(&row));
    }
    states.iter_mut().for_each(|state| state.probability /= rows.len() as f64);
    statistics(&states)
}

/// Rows that the machine itself could make.
fn rows(case: &Case) -> Vec<Vec<f32>> {
    let reach = vec![1.0; case.hidden];
    let states = case.exact.visible_states(&reach);
    let step = (states.len() / 4).max(1);
    states.iter().step_by(step).take(4).map(|row| row.iter().map(|&v| v as f32).collect()).collect()
}

fn trainer(backend: &Cpu, settings: &RbmSettings, case: &Case, rows: &[Vec<f32>]) -> Result<Trainer<Cpu>, Error> {
    let samples = Batch { values: rows.concat(), visible: case.visible }.into();
    let moments = Moments::of(backend, &mut Source::new(backend, &samples, &[], None)?)?;
    Trainer::new(backend, settings, (3, 0), &case.start, &moments)
}

fn values(parameters: &RbmParameters) -> Vec<f64> {
    let RbmParameters { weights, visible_bias, hidden_bias, .. } = parameters;
    [&weights[..], visible_bias, hidden_bias].concat().into_iter().map(f64::from).collect()
}

/// The last of `steps` gradients uphill, with parameters held fixed; the minibatch holds `copies` of every row.
fn measured(
    settings: &RbmSettings,
    case: &Case,
    rows: &[Vec<f32>],
    copies: usize,
    steps: u32,
) -> Result<Vec<f64>, Error> {
    let backend = Cpu::new(0)?;
    let mut trainer = trainer(&backend, settings, case, rows)?;
    let all = rows.len() * copies;
    let data = backend.upload(all, case.visible, &rows.concat().repeat(copies));
    let samples: Vec<u32> = (0..all as u32).collect();
    for step in 0..steps {
        trainer.form_gradient(&backend, Place { seed: 3, layer: 0, step, samples: &samples }, &data, &[]);
    }
    Ok(values(&trainer.gradient(&backend)).into_iter().map(|g| -g).collect())
}

fn assert_near(ours: &[f64], exact: &[f64], bound: f64, what: &str) {
    assert_eq!(ours.len(), exact.len(), "{what}");
    for (index, (ours, exact)) in ours.iter().zip(exact).enumerate() {
        assert!((ours - exact).abs() <= bound, "{what}, component {index}: {ours}, exactly {exact}, allowed {bound:e}");
    }
}

fn difference(x: &[f64], y: &[f64]) -> Vec<f64> {
    x.iter().zip(y).map(|(x, y)| x - y).collect()
}

const CHAINS: usize = 10_000;
/// Statistics of these machines vary a little more than states do: a Gaussian unit's by more than 1.
const SPREAD: f64 = 1.5;

/// Parameters held fixed, every persistent algorithm's chains come to follow the machine's own distribution, and its gradient becomes that of
/// the likelihood; whichever of means and states the statistics take.
#[test]
fn persistent_gradients_become_that_of_the_likelihood() -> Result<(), Error> {
    for (name, case) in cases() {
        let rows = rows(&case);
        let none = vec![false; case.visible];
        let model = statistics(&case.exact.given_held(&vec![0.0; case.visible], &none));
        let exact = difference(&of_data(&case.exact, &rows), &model);
        for algorithm in [Algorithm::Pcd, Algorithm::FastPcd, Algorithm::ParallelTempering] {
            for hidden_statistics in [Statistics::Means, Statistics::States] {
                let settings = RbmSettings {
                    algorithm,
                    hidden_statistics,
                    chains: CHAINS,
                    k: 3,
                    temperatures: 3,
                    hottest_beta: 0.25,
                    ..RbmSettings::default()
                };
                let ours = measured(&settings, &case, &rows, CHAINS / rows.len(), 6)?;
                let bound = SPREAD * 2.0 * tolerance::mean_of_states(CHAINS);
                assert_near(&ours, &exact, bound, &format!("{name}, {algorithm:?}, {hidden_statistics:?}"));
            }
        }
    }
    Ok(())
}

/// CD-1 from every row, averaged over all that its chain can draw.
#[test]
fn cd_of_every_kind_of_unit_has_its_exact_expectation() -> Result<(), Error> {
    for (name, case) in cases() {
        let rows = rows(&case);
        let mut after = Vec::new();
        for row in &rows {
            let row: Vec<f64> = row.iter().copied().map(f64::from).collect();
            for up in case.exact.given_visible(&row) {
                for down in case.exact.given_hidden(&up.hidden) {
                    let probability = up.probability * down.probability / rows.len() as f64;
                    // The hidden units' means stand for their states: products with v have the same mean.
                    let hidden = case.exact.hidden_means(&down.visible);
                    after.push(State { probability, hidden, ..down });
                }
            }
        }
        let exact = difference(&of_data(&case.exact, &rows), &statistics(&after));
        let settings = RbmSettings::default();
        let ours = measured(&settings, &case, &rows, CHAINS, 1)?;
        let bound = SPREAD * 2.0 * tolerance::mean_of_states(CHAINS * rows.len());
        assert_near(&ours, &exact, bound, name);
    }
    Ok(())
}

/// Inputs of every kind under a label, and either kind of hidden units.
fn classifiers() -> Vec<(&'static str, Case)> {
    let blocks = [Visible::Bernoulli(2), Visible::Gaussian(vec![1.0]), Visible::Group(2), Visible::Label(3)];
    vec![
        ("Bernoulli", case(&blocks, HiddenKind::Bernoulli, 3, 1.0, 7)),
        ("rectified", case(&blocks, HiddenKind::Relu, 2, 1.0, 8)),
    ]
}

const LABELS: [u16; 4] = [0, 2, 1, 2];

fn labelled() -> Vec<Vec<f32>> {
    let inputs = [[1.0, 0.0, 0.5, 1.0, 0.0], [0.0, 1.0, -0.5, 0.0, 1.0], [0.25, 1.0, 1.5, 0.0, 1.0], [0.0; 5]];
    let one_hot = |label: u16| (0..3).map(move |class| if class == label { 1.0 } else { 0.0 });
    inputs.iter().zip(LABELS).map(|(inputs, label)| inputs.iter().copied().chain(one_hot(label)).collect()).collect()
}

fn downhill(settings: &RbmSettings, case: &Case) -> Result<Vec<f64>, Error> {
    let backend = Cpu::new(1)?;
    let rows = labelled();
    let mut trainer = trainer(&backend, settings, case, &rows)?;
    let data = backend.upload(rows.len(), case.visible, &rows.concat());
    let place = Place { seed: 3, layer: 0, step: 0, samples: &[0, 1, 2, 3] };
    trainer.form_gradient(&backend, place, &data, &LABELS);
    Ok(values(&trainer.gradient(&backend)))
}

#[test]
fn the_discriminative_gradient_is_that_of_the_posterior() -> Result<(), Error> {
    let objective = Objective::Discriminative;
    for (name, Case { exact, start, visible, hidden }) in classifiers() {
        let case = Case { exact: exact.clone(), start, visible, hidden };
        let ours = downhill(&RbmSettings { objective, ..RbmSettings::default() }, &case)?;
        let loss = |exact: &Mixed| {
            let inputs = labelled().into_iter().map(|row| row[..5].iter().copied().map(f64::from).collect::<Vec<_>>());
            let terms = inputs.zip(LABELS).map(|(inputs, label)| exact.class_probs(&inputs)[usize::from(label)].ln());
            -terms.sum::<f64>() / LABELS.len() as f64
        };
        for (index, &ours) in ours.iter().enumerate() {
            let moved = |by: f64| {
                let mut exact = exact.clone();
                *exact.parameters_mut().nth(index).expect("a parameter") += by;
                loss(&exact)
            };
            let step = tolerance::DIFFERENCE_STEP;
            let slope = (moved(step) - moved(-step)) / (2.0 * step);
            assert!(
                (ours - slope).abs() <= tolerance::POSTERIOR_GRADIENT,
                "{name} {index}: {ours}, by differences {slope}"
            );
        }
    }
    Ok(())
}

#[test]
fn the_hybrid_gradient_is_the_sum_of_both() -> Result<(), Error> {
    for (name, case) in classifiers() {
        let of =
            |objective| downhill(&RbmSettings { objective, generative_weight: 0.25, ..RbmSettings::default() }, &case);
        let parts = of(Objective::Discriminative)?.into_iter().zip(of(Objective::Generative)?);
        let sum: Vec<f64> = parts.map(|(discriminative, generative)| discriminative + 0.25 * generative).collect();
        assert_near(&of(Objective::Hybrid)?, &sum, tolerance::LEARNING_STEP, name);
    }
    Ok(())
}

/// A step of plain gradient descent with centred gradients, against the change of variables done by hand: `∂W' = ∂W − ∂a·λᵀ − μ·∂bᵀ`,
/// `Δa = Δa' − σ²·ΔW·λ`, `Δb = Δb' − ΔWᵀμ`, with weights in units of `1/σ`.
#[test]
fn a_centred_step_is_the_plain_one_in_other_variables() -> Result<(), Error> {
    const RATE: f32 = 0.5;
    for (name, case) in cases() {
        let backend = Cpu::new(1)?;
        let rows = rows(&case);
        let settings = RbmSettings { centered: true, offset_rate: 1.0, weight_decay: 0.0, ..RbmSettings::default() };
        let mut trainer = trainer(&backend, &settings, &case, &rows)?;
        let data = backend.upload(rows.len(), case.visible, &rows.concat());
        let samples: Vec<u32> = (0..rows.len() as u32).collect();
        trainer.form_gradient(&backend, Place { seed: 3, layer: 0, step: 0, samples: &samples }, &data, &[]);
        let gradient = values(&trainer.gradient(&backend));
        trainer.step(&backend, Pace { learning_rate: RATE, momentum: 0.0, taken: 0 });

        let (visible, hidden) = (case.visible, case.hidden);
        let (weights, biases) = gradient.split_at(visible * hidden);
        let (of_visible, of_hidden) = biases.split_at(visible);
        let mean = |n: usize| rows.iter().map(|row| f64::from(row[n])).sum::<f64>() / rows.len() as f64;
        let mu: Vec<f64> = (0..visible).map(mean).collect();
        // With a rate of 1 the running means are the minibatch's own.
        let lambda = of_data(&case.exact, &rows).split_off(visible * hidden + visible);
        let variance = |i: usize| if name == "Gaussian" && i == 0 { 0.25 } else { 1.0 };
        let (mut expected, rate) = (values(&case.start), f64::from(RATE));
        let mut of_weights = vec![0.0; visible * hidden];
        for j in 0..hidden {
            for i in 0..visible {
                let centred = weights[i + j * visible] - of_visible[i] * lambda[j] - mu[i] * of_hidden[j];
                of_weights[i + j * visible] = centred / variance(i);
            }
        }
        for (expected, step) in expected.iter_mut().zip(&of_weights) {
            *expected -= rate * step;
        }
        for i in 0..visible {
            let shift: f64 = (0..hidden).map(|j| of_weights[i + j * visible] * lambda[j]).sum();
            expected[visible * hidden + i] -= rate * (of_visible[i] - variance(i) * shift);
        }
        for j in 0..hidden {
            let shift: f64 = (0..visible).map(|i| of_weights[i + j * visible] * mu[i]).sum();
            expected[visible * hidden + visible + j] -= rate * (of_hidden[j] - shift);
        }
        let ours = values(&trainer.machine().parameters(&backend));
        assert_near(&ours, &expected, tolerance::LEARNING_STEP, name);
    }
    Ok(())
}
