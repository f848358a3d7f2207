//! One step of learning on every kind of unit against the independent reference in `tools/oracle`, which draws the same states.

use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{Learner, LearningRule, Machine as _, ModelError, Rates, Rbm};
use ebm_tests::agreement::Agreement;
use ebm_tests::oracle::{self, Gradient, Kind, UpdateCase, columns};
use ebm_tests::tolerance;
use nalgebra::{SMatrix, SVector};

fn owned<const V: usize, const H: usize>(weights: &[Vec<f32>], visible_bias: &[f32], hidden_bias: &[f32]) -> Rbm<V, H> {
    Rbm {
        weights: SMatrix::from_column_slice(&columns(weights, H)),
        visible_bias: SVector::from_column_slice(visible_bias),
        hidden_bias: SVector::from_column_slice(hidden_bias),
    }
}

/// Largest size that a term of the update reaches: a state of either side times a hidden mean, over `σ²` where there is one.
fn size(case: &UpdateCase, means: impl Iterator<Item = f32>) -> f64 {
    let deviations = case.machine.blocks.iter().flat_map(|run| run.sigma.iter().copied());
    let sharpest = deviations.map(|sigma| f64::from(sigma).powi(-2)).fold(1.0, f64::max);
    let states = case.data.iter().copied().map(f64::from).chain(case.model.iter().copied());
    let largest_state = states.map(f64::abs).fold(1.0, f64::max);
    largest_state * means.map(f64::from).fold(sharpest, f64::max)
}

fn one_step<const V: usize, const H: usize>(
    case: &UpdateCase,
    [states, parameters, velocities]: &mut [Agreement; 3],
) -> Result<(), ModelError> {
    let UpdateCase { name, machine, .. } = case;
    let parts = machine.parts(false);
    let mut rbm = owned::<V, H>(&machine.weights, &machine.visible_bias, &machine.hidden_bias);
    let before = &case.velocities_before;
    let mut moving = owned::<V, H>(&before.weights, &before.visible_bias, &before.hidden_bias);
    let rates = Rates { learning_rate: case.rate, momentum: case.momentum, weight_decay: case.decay };
    let rule = LearningRule { units: parts.view().units(), k: 1, rates };
    let mut rng = Philox::new(case.seed, Stream::new(Purpose::Free));
    let mut learner = Learner::<V, H>::ZERO;
    learner.contrastive_divergence(&mut rbm, Some(&mut moving), rule, &case.data, &mut rng)?;

    let mut means = [vec![0.0; H], vec![0.0; H]];
    let reached = learner.chain().visible().to_vec();
    parts.view().hidden_probs(&case.data, &mut means[0])?;
    parts.view().hidden_probs(&reached, &mut means[1])?;
    let size = size(case, means.into_iter().flatten());
    let deviations = machine.spans().into_iter().flat_map(|span| match span.kind {
        Kind::Gaussian => span.sigma,
        Kind::Bernoulli | Kind::Softmax => vec![0.0; span.range.len()],
    });
    for ((ours, exact), sigma) in reached.iter().zip(&case.model).zip(deviations) {
        states.hold(name, *ours, *exact, tolerance::drawn_state(sigma, *exact));
    }
    let compare = |agreement: &mut Agreement, ours: &Rbm<V, H>, exact: &Gradient, bound: f64| {
        for (i, row) in exact.weights.iter().enumerate() {
            for (j, exact) in row.iter().enumerate() {
                agreement.hold(&format!("{name} W_{i},{j}"), ours.weights[(i, j)], *exact, bound);
            }
        }
        for (i, exact) in exact.visible_bias.iter().enumerate() {
            agreement.hold(&format!("{name} a_{i}"), ours.visible_bias[i], *exact, bound);
        }
        for (j, exact) in exact.hidden_bias.iter().enumerate() {
            agreement.hold(&format!("{name} b_{j}"), ours.hidden_bias[j], *exact, bound);
        }
    };
    let bound = tolerance::velocity(size);
    compare(velocities, &moving, &case.velocities, bound);
    let largest = f64::from(rbm.weights.amax().max(rbm.visible_bias.amax()).max(rbm.hidden_bias.amax()));
    compare(parameters, &rbm, &case.after, tolerance::stepped_parameter(case.rate.into(), bound, largest));
    Ok(())
}

#[test]
fn one_step_of_contrastive_divergence() -> Result<(), ModelError> {
    let mut agreements = ["states reached", "parameters", "velocities"].map(Agreement::new);
    let cases: Vec<UpdateCase> = oracle::read("updates");
    assert_eq!(cases.len(), 7);
    for case in &cases {
        match (case.machine.visible(), case.machine.hidden_units()) {
            (7, 6) => one_step::<7, 6>(case, &mut agreements)?,
            (7, 4) => one_step::<7, 4>(case, &mut agreements)?,
            (19, 9) => one_step::<19, 9>(case, &mut agreements)?,
            (5, 6) => one_step::<5, 6>(case, &mut agreements)?,
            (9, 5) => one_step::<9, 5>(case, &mut agreements)?,
            (12, 7) => one_step::<12, 7>(case, &mut agreements)?,
            (12, 2) => one_step::<12, 2>(case, &mut agreements)?,
            shape => panic!("{}: a new shape {shape:?}", case.name),
        }
    }
    assert!(agreements[1].compared() > 400);
    Ok(())
}
