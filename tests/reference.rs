//! The reference itself: what must hold of any right enumeration.

use ebm_tests::exact::{Exact, state, total_variation};
use ebm_tests::parameters::Parameters;
use ebm_tests::tolerance;

fn data() -> Vec<Vec<f64>> {
    [0b0001, 0b0110, 0b0110, 0b1011].map(|number| state(number, 4)).to_vec()
}

fn largest_difference(a: impl Iterator<Item = f64>, b: impl Iterator<Item = f64>) -> f64 {
    a.zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// One visible and one hidden unit: four states, written out.
#[test]
fn a_machine_of_two_units_is_as_computed_by_hand() {
    let (w, a, b) = (0.7f64, -0.2f64, 0.4f64);
    let exact = Exact::new(vec![w], vec![a], vec![b]);
    let weights = [1.0, a.exp(), b.exp(), (a + b + w).exp()];
    let z: f64 = weights.iter().sum();
    let joint = exact.joint();
    assert!(largest_difference(joint.iter().copied(), weights.iter().map(|x| x / z)) < tolerance::SAME_IN_F64);
    assert!((exact.log_partition() - z.ln()).abs() < tolerance::SAME_IN_F64);
    let p_hidden = (b + w).exp() / (1.0 + (b + w).exp());
    assert!((exact.hidden_probs(&[1.0])[0] - p_hidden).abs() < tolerance::SAME_IN_F64);
    let p_visible = (a + w).exp() / (1.0 + (a + w).exp());
    assert!((exact.visible_probs(&[1.0])[0] - p_visible).abs() < tolerance::SAME_IN_F64);
}

#[test]
fn distributions_agree_with_each_other() {
    let exact = Parameters::random(5, 4, 2.0, 1).exact();
    let joint = exact.joint();
    assert!((joint.iter().sum::<f64>() - 1.0).abs() < tolerance::SAME_IN_F64);

    let from_free_energy = exact.visible_states().map(|v| (-exact.free_energy(&v) - exact.log_partition()).exp());
    let marginal = exact.visible_marginal();
    assert!(largest_difference(marginal.iter().copied(), from_free_energy) < tolerance::SAME_IN_F64);

    let product = exact.hidden_states().enumerate().flat_map(|(h, _)| {
        let (exact, marginal) = (&exact, &marginal);
        exact.visible_states().enumerate().map(move |(v, state)| marginal[v] * exact.hidden_distribution(&state)[h])
    });
    assert!(largest_difference(joint.iter().copied(), product) < tolerance::SAME_IN_F64);
}

/// The machine's own distribution is stationary under its Gibbs step, and no other start is.
#[test]
fn the_gibbs_step_keeps_the_marginal() {
    let exact = Parameters::random(4, 3, 1.0, 2).exact();
    let marginal = exact.visible_marginal();
    assert!(total_variation(&exact.gibbs_step(&marginal), &marginal) < tolerance::SAME_IN_F64);

    let uniform = vec![1.0 / 16.0; 16];
    let before = total_variation(&uniform, &marginal);
    let after = total_variation(&exact.gibbs_step(&uniform), &marginal);
    assert!(before > tolerance::MIXED && after < before, "{before} {after}");
    let steps = exact.steps_to_mix(tolerance::MIXED);
    let late = (0..steps).fold(uniform, |distribution, _| exact.gibbs_step(&distribution));
    assert!(steps > 1 && total_variation(&late, &marginal) <= tolerance::MIXED);
}

#[test]
fn the_gradient_is_the_slope_of_the_log_likelihood() {
    for (seed, scale) in [(3, 0.1), (4, 1.0), (5, 3.0)] {
        let exact = Parameters::random(4, 3, scale, seed).exact();
        let gradient = exact.log_likelihood_gradient(&data());
        let components: Vec<f64> = gradient.components().collect();
        assert_eq!(components.len(), 4 * 3 + 4 + 3);
        for (at, component) in components.into_iter().enumerate() {
            let moved = |by: f64| {
                let mut moved = exact.clone();
                moved.parameters_mut().skip(at).take(1).for_each(|parameter| *parameter += by);
                moved.log_likelihood(&data())
            };
            let step = tolerance::DIFFERENCE_STEP;
            let slope = (moved(step) - moved(-step)) / (2.0 * step);
            assert!((slope - component).abs() < tolerance::DIFFERENCE, "{at}: {slope} {component}");
        }
    }
}

/// `k → ∞` turns the CD update into the likelihood's gradient; `k = 1` is something else.
#[test]
fn cd_becomes_the_gradient() {
    let exact = Parameters::random(4, 3, 1.0, 6).exact();
    let gradient = exact.log_likelihood_gradient(&data());
    let distance = |k| largest_difference(exact.expected_cd_gradient(&data(), k).components(), gradient.components());
    assert!(distance(1) > tolerance::MIXED);
    // An expectation of values in [0, 1] moves by at most the total variation.
    assert!(distance(exact.steps_to_mix(tolerance::MIXED)) <= tolerance::MIXED);
}

/// From data that are distributed as the machine is, the chain is at its end before it starts.
#[test]
fn cd_vanishes_at_the_machines_own_distribution() {
    let weights = vec![2.0f64.ln()];
    // p(v=0) : p(v=1) = (1 + 1) : (1 + 2), so that five rows have exactly the machine's distribution.
    let exact = Exact::new(weights, vec![0.0], vec![0.0]);
    let rows: Vec<Vec<f64>> = [0.0, 0.0, 1.0, 1.0, 1.0].map(|v| vec![v]).to_vec();
    for k in [1, 2] {
        let largest = exact.expected_cd_gradient(&rows, k).components().fold(0.0, |m: f64, x| m.max(x.abs()));
        assert!(largest < tolerance::SAME_IN_F64, "{k}: {largest}");
    }
}
