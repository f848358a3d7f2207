//! The reference itself: what must hold of any right enumeration.

use ebm_core::HiddenKind;
use ebm_tests::exact::{Exact, state, total_variation};
use ebm_tests::mixed::{MOST_COPIES, Mixed, Visible, means, potential_of_copies, rectified_potential};
use ebm_tests::parameters::Parameters;
use ebm_tests::special::{normal_quantile, normal_upper_tail, rectified};
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

/// `h` copies of a rectified unit that are on, whichever they are, weigh what its potential says (the q-binomial theorem).
#[test]
fn a_rectified_unit_is_its_copies() {
    for h in 0..=20 {
        let (potential, copies) = (rectified_potential(h), potential_of_copies(h, 100));
        assert!((potential - copies).abs() <= tolerance::SAME_IN_F64 * (1.0 + copies), "{h}: {potential} {copies}");
    }
    let machine = Parameters::random(4, 2, 2.0, 11);
    let mixed = Mixed::new(&machine, &[Visible::Bernoulli(4)], HiddenKind::Relu);
    for visible in machine.exact().visible_states() {
        let (counted, product) = (mixed.free_energy(&visible), mixed.free_energy_by_copies(&visible));
        assert!((counted - product).abs() < tolerance::SAME_IN_F64, "{counted} {product}");
    }
    // One unit: its mean and variance over all numbers of copies are the sums over the copies.
    for z in [-12.0f32, -1.0, 0.0, 0.75, 6.0, 20.0] {
        let machine = Parameters { weights: vec![0.0], visible_bias: vec![0.0], hidden_bias: vec![z] };
        let states = Mixed::new(&machine, &[Visible::Bernoulli(1)], HiddenKind::Relu).given_visible(&[0.0]);
        assert_eq!(states.len(), MOST_COPIES + 1);
        let mean = means(&states, |state| &state.hidden)[0];
        let variance: f64 = states.iter().map(|state| state.probability * (state.hidden[0] - mean).powi(2)).sum();
        let copies = rectified(z.into());
        let apart = (mean - copies.mean).abs().max((variance - copies.variance).abs());
        assert!(apart < tolerance::SAME_IN_F64, "{z}: {mean} {variance} {copies:?}");
    }
}

/// With Bernoulli units alone, the reference for any kind is the reference for Bernoulli units.
#[test]
fn both_references_agree() {
    let machine = Parameters::random(4, 3, 1.0, 12);
    let (mixed, exact) = (Mixed::new(&machine, &[Visible::Bernoulli(4)], HiddenKind::Bernoulli), machine.exact());
    let joint = mixed.given_held(&[], &[]);
    let probabilities = joint.iter().map(|state| state.probability);
    assert!(largest_difference(probabilities, exact.joint().into_iter()) < tolerance::SAME_IN_F64);
    for visible in exact.visible_states() {
        assert!((mixed.free_energy(&visible) - exact.free_energy(&visible)).abs() < tolerance::SAME_IN_F64);
    }
    let steps = mixed.steps_to_mix(&[], &[], tolerance::MIXED);
    assert!(steps.abs_diff(exact.steps_to_mix(tolerance::MIXED)) <= 1, "{steps}");
}

/// Gaussian visible units summed out in closed form, `∫ e^(−E) dv ∝ e^(b·h + Σ_i (a_i·x_i + σ_i²·x_i²/2))` with `x = Wh`: the quadrature's
/// distribution of hidden states is that one, at several temperatures.
#[test]
fn quadrature_is_the_closed_form() {
    const SIGMA: [f32; 2] = [0.3, 1.7];
    let machine = Parameters::random(2, 3, 1.0, 13);
    for beta in [0.4, 1.0, 2.5] {
        let mixed = Mixed::new(&machine, &[Visible::Gaussian(SIGMA.to_vec())], HiddenKind::Bernoulli).at(beta);
        let hidden = mixed.hidden_states();
        let log_weight = |h: &Vec<f64>| -> f64 {
            let bias: f64 = h.iter().zip(&machine.hidden_bias).map(|(h, b)| h * f64::from(*b)).sum();
            let of_unit = |i: usize| {
                let x: f64 = (0..3).map(|j| f64::from(machine.weights[i + 2 * j]) * h[j]).sum();
                f64::from(machine.visible_bias[i]) * x + f64::from(SIGMA[i]).powi(2) * x * x / 2.0
            };
            beta * (bias + of_unit(0) + of_unit(1))
        };
        let weights: Vec<f64> = hidden.iter().map(|h| log_weight(h).exp()).collect();
        let sum: f64 = weights.iter().sum();
        let joint = mixed.given_held(&[], &[]);
        let of_state = |h: &Vec<f64>| -> f64 {
            joint.iter().filter(|state| state.hidden == *h).map(|state| state.probability).sum()
        };
        let quadrature = hidden.iter().map(of_state);
        assert!(largest_difference(quadrature, weights.iter().map(|w| w / sum)) < tolerance::SAME_IN_F64);
    }
}

/// Digits of `P(N(0, 1) > x)` from Abramowitz & Stegun, table 26.1 and 26.2, on both sides of where the expansions meet.
#[test]
fn the_normal_tail_is_the_tabulated_one() {
    for (x, tail, unit) in [
        (0.0, 0.5, 1e-15),
        (1.0, 0.158_655_253_931_457, 1e-15),
        (2.0, 0.022_750_131_948_179, 1e-15),
        (3.0, 0.001_349_898_031_630, 1e-15),
        (5.0, 2.866_515_719e-7, 1e-16),
        (6.0, 9.865_876_450e-10, 1e-18),
    ] {
        assert!((normal_upper_tail(x) - tail).abs() <= unit, "{x}: {:e}", normal_upper_tail(x));
        assert!((normal_upper_tail(-x) - (1.0 - tail)).abs() <= 2.0 * unit);
        assert!((normal_quantile(tail, 0.0) + x).abs() < 1e-7);
    }
    let (below, above) = (normal_upper_tail(3.0f64.next_down()), normal_upper_tail(3.0));
    assert!((below / above - 1.0).abs() < tolerance::SAME_IN_F64);
}
