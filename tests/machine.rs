//! f32 machines against enumeration of all their states, and their shapes.

use ebm_core::{Affine, Machine, Rbm, RbmView, ShapeError};
use ebm_tests::exact::{Exact, state};
use ebm_tests::parameters::{Parameters, uniform};
use ebm_tests::tolerance;
use nalgebra::{SMatrix, SVector};

/// Shapes, all of at most 20 units: narrow, wide, around the kernels' eight lanes.
const SHAPES: [(usize, usize); 8] = [(1, 1), (3, 2), (2, 9), (7, 5), (8, 8), (9, 4), (12, 6), (17, 3)];
/// Sizes of parameters: nearly independent units, a trained machine, a frozen one.
const SCALES: [f32; 3] = [0.1, 1.0, 3.0];

fn machines() -> impl Iterator<Item = Parameters> {
    SHAPES.into_iter().enumerate().flat_map(|(n, (visible, hidden))| {
        SCALES
            .into_iter()
            .enumerate()
            .map(move |(m, scale)| Parameters::random(visible, hidden, scale, (n * SCALES.len() + m) as u32 + 100))
    })
}

/// Binary states, up to 64 of them evenly spaced, and as many of probabilities.
fn states(units: usize, seed: u32) -> Vec<Vec<f32>> {
    let all = 1usize << units;
    let binary = (0..all).step_by(all.div_ceil(64)).map(|n| state(n, units).into_iter().map(|x| x as f32).collect());
    let grey = (0..8).map(|part| uniform(units, 0.5, seed, 10 + part).into_iter().map(|x| x + 0.5).collect());
    binary.chain(grey).collect()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

fn magnitude(x: &[f32], y: impl Iterator<Item = f32>) -> f64 {
    x.iter().zip(y).map(|(x, y)| f64::from(*x).abs() * f64::from(y).abs()).sum()
}

/// `|b_j| + Σ_i |v_i·W_ij|`, what the rounding of a hidden field is relative to.
fn hidden_magnitude(machine: &Parameters, j: usize, visible: &[f32]) -> f64 {
    let column = &machine.weights[j * visible.len()..][..visible.len()];
    f64::from(machine.hidden_bias[j]).abs() + magnitude(visible, column.iter().copied())
}

/// `|a_i| + Σ_j |W_ij·h_j|`, what the rounding of a visible field is relative to.
fn visible_magnitude(machine: &Parameters, i: usize, hidden: &[f32]) -> f64 {
    let row = machine.weights.iter().copied().skip(i).step_by(machine.visible_bias.len());
    f64::from(machine.visible_bias[i]).abs() + magnitude(hidden, row)
}

#[test]
fn hidden_probabilities_are_those_of_all_states() -> Result<(), ShapeError> {
    for (seed, machine) in machines().enumerate() {
        let (view, exact) = (machine.view(), machine.exact());
        let mut ours = vec![0.0; view.hidden()];
        for visible in states(view.visible(), seed as u32) {
            view.hidden_probs(&visible, &mut ours)?;
            for (j, (&p, exact)) in ours.iter().zip(exact.hidden_probs(&wide(&visible))).enumerate() {
                let field = tolerance::hidden_field(visible.len(), hidden_magnitude(&machine, j, &visible));
                let bound = tolerance::probability(exact, field);
                assert!((f64::from(p) - exact).abs() <= bound, "h_{j}: {p}, exactly {exact}, allowed {bound:e}");
            }
        }
    }
    Ok(())
}

#[test]
fn visible_probabilities_are_those_of_all_states() -> Result<(), ShapeError> {
    for (seed, machine) in machines().enumerate() {
        let (view, exact) = (machine.view(), machine.exact());
        // Enumerating 2^17 visible states for many hidden ones takes long and adds nothing to the smaller shapes.
        let limit = if view.visible() > 12 { 4 } else { usize::MAX };
        let mut ours = vec![0.0; view.visible()];
        for hidden in states(view.hidden(), seed as u32).into_iter().take(limit) {
            view.visible_probs(&hidden, &mut ours)?;
            for (i, (&p, exact)) in ours.iter().zip(exact.visible_probs(&wide(&hidden))).enumerate() {
                let field = tolerance::visible_field(hidden.len(), visible_magnitude(&machine, i, &hidden));
                let bound = tolerance::probability(exact, field);
                assert!((f64::from(p) - exact).abs() <= bound, "v_{i}: {p}, exactly {exact}, allowed {bound:e}");
            }
        }
    }
    Ok(())
}

#[test]
fn energies_are_within_rounding() -> Result<(), ShapeError> {
    for (seed, machine) in machines().enumerate() {
        let (view, exact) = (machine.view(), machine.exact());
        for visible in states(view.visible(), seed as u32) {
            let fields: Vec<f64> = (0..view.hidden()).map(|j| hidden_magnitude(&machine, j, &visible)).collect();
            let bias_magnitude = magnitude(&visible, machine.visible_bias.iter().copied());
            for hidden in states(view.hidden(), seed as u32) {
                let terms: f64 = hidden.iter().zip(&fields).map(|(h, field)| f64::from(*h) * field).sum();
                let bound = tolerance::energy(view.visible(), view.hidden(), bias_magnitude + terms);
                let exact = exact.energy(&wide(&visible), &wide(&hidden));
                let ours = view.energy(&visible, &hidden)?;
                assert!((f64::from(ours) - exact).abs() <= bound, "{ours}, exactly {exact}, allowed {bound:e}");
            }
        }
    }
    Ok(())
}

/// `F(v) = −ln Σ_h e^(−E(v, h))`, the sum taken over all hidden states.
#[test]
fn free_energy_sums_over_all_hidden_states() -> Result<(), ShapeError> {
    for (seed, machine) in machines().enumerate() {
        let (view, exact) = (machine.view(), machine.exact());
        for visible in states(view.visible(), seed as u32) {
            let probs = exact.hidden_probs(&wide(&visible));
            // softplus(z) = −ln(1 − σ(z)).
            let hidden: Vec<(f64, f64)> = probs
                .iter()
                .enumerate()
                .map(|(j, p)| (hidden_magnitude(&machine, j, &visible), -(1.0 - p).ln()))
                .collect();
            let bias_magnitude = magnitude(&visible, machine.visible_bias.iter().copied());
            let bound = tolerance::free_energy(view.visible(), bias_magnitude, &hidden);
            let exact = exact.free_energy(&wide(&visible));
            let ours = view.free_energy(&visible)?;
            assert!((f64::from(ours) - exact).abs() <= bound, "{ours}, exactly {exact}, allowed {bound:e}");
        }
    }
    Ok(())
}

/// `Z` from the free energies that `ebm-core` computes is `Z` from all joint energies of the reference.
#[test]
fn free_energies_add_up_to_the_partition_function() -> Result<(), ShapeError> {
    for machine in [Parameters::random(8, 8, 1.0, 7), Parameters::random(4, 10, 0.5, 8)] {
        let (view, exact) = (machine.view(), machine.exact());
        let free_energies: Result<Vec<f32>, _> = exact
            .visible_states()
            .map(|visible| view.free_energy(&visible.into_iter().map(|x| x as f32).collect::<Vec<_>>()))
            .collect();
        let sum: f64 = free_energies?.into_iter().map(|free_energy| (-f64::from(free_energy)).exp()).sum();
        // Each term is wrong by at most the largest possible error of a free energy, relative to itself.
        let everything_on = vec![1.0; view.visible()];
        let hidden: Vec<(f64, f64)> = (0..view.hidden())
            .map(|j| hidden_magnitude(&machine, j, &everything_on))
            .map(|field| (field, field + std::f64::consts::LN_2))
            .collect();
        let bias_magnitude = magnitude(&everything_on, machine.visible_bias.iter().copied());
        let bound = tolerance::free_energy(view.visible(), bias_magnitude, &hidden);
        assert!((sum.ln() - exact.log_partition()).abs() <= bound, "{} {}", sum.ln(), exact.log_partition());
    }
    Ok(())
}

#[test]
fn frozen_machines_stay_finite() -> Result<(), ShapeError> {
    let machine = Parameters {
        weights: vec![1e30, -1e30, 300.0, -300.0],
        visible_bias: vec![-1e30, 1e30],
        hidden_bias: vec![500.0, -500.0],
    };
    let view = machine.view();
    let mut p = [f32::NAN; 2];
    view.hidden_probs(&[1.0, 0.0], &mut p)?;
    assert_eq!(p, [1.0, ebm_core::math::sigmoid(-200.0)]);
    view.visible_probs(&[0.0, 0.0], &mut p)?;
    assert_eq!(p[1], 1.0);
    assert!(view.free_energy(&[1.0, 0.0])?.is_finite());
    Ok(())
}

fn typed<const V: usize, const H: usize>(machine: &Parameters) -> Result<Rbm<V, H>, ShapeError> {
    let mut rbm = Rbm::default();
    rbm.copy_from(&machine.view())?;
    Ok(rbm)
}

/// The typed machine is a shell: it answers the same bits as the view.
#[test]
fn the_typed_machine_is_the_view() -> Result<(), ShapeError> {
    let machine = Parameters::random(9, 4, 1.0, 1);
    let (view, rbm) = (machine.view(), typed::<9, 4>(&machine)?);
    assert_eq!(rbm.view(), view);
    assert_eq!(rbm.weights[(3, 2)], machine.weights[3 + 2 * 9], "column-major");
    for (v, h) in states(9, 1).iter().zip(states(4, 2).iter().cycle()) {
        let (visible, hidden) = (SVector::<f32, 9>::from_column_slice(v), SVector::<f32, 4>::from_column_slice(h));
        let (mut to_hidden, mut to_visible) = ([0.0; 4], [0.0; 9]);
        view.hidden_probs(v, &mut to_hidden)?;
        view.visible_probs(h, &mut to_visible)?;
        let (mut typed_hidden, mut typed_visible) = (SVector::zeros(), SVector::zeros());
        rbm.hidden_probs(&visible, &mut typed_hidden);
        rbm.visible_probs(&hidden, &mut typed_visible);
        assert_eq!(typed_hidden.as_slice(), to_hidden);
        assert_eq!(typed_visible.as_slice(), to_visible);
        assert_eq!(rbm.energy(&visible, &hidden), view.energy(v, h)?);
        assert_eq!(rbm.free_energy(&visible), view.free_energy(v)?);
    }
    Ok(())
}

/// nalgebra's own product gives the fields, up to rounding: the layout is the one it expects.
#[test]
fn fields_are_nalgebras_products() -> Result<(), ShapeError> {
    let machine = Parameters::random(9, 4, 1.0, 3);
    let weights = SMatrix::<f64, 9, 4>::from_iterator(wide(&machine.weights));
    let visible = uniform(9, 1.0, 3, 9);
    let product = weights.transpose() * SVector::<f64, 9>::from_iterator(wide(&visible));
    let mut field = [0.0; 4];
    machine.view().up().field(&visible, &mut field)?;
    for (j, z) in field.into_iter().enumerate() {
        let exact = product[j] + f64::from(machine.hidden_bias[j]);
        let bound = tolerance::hidden_field(9, hidden_magnitude(&machine, j, &visible));
        assert!((f64::from(z) - exact).abs() <= bound, "{z} {exact}");
    }
    Ok(())
}

#[test]
fn a_machine_of_zeros_is_undecided() -> Result<(), ShapeError> {
    let rbm = Rbm::<5, 3>::default();
    let (mut hidden, mut visible) = (SVector::zeros(), SVector::zeros());
    rbm.hidden_probs(&SVector::repeat(1.0), &mut hidden);
    rbm.visible_probs(&SVector::repeat(1.0), &mut visible);
    assert_eq!(hidden.as_slice(), [0.5; 3]);
    assert_eq!(visible.as_slice(), [0.5; 5]);
    let exact = Exact::new(vec![0.0; 15], vec![0.0; 5], vec![0.0; 3]);
    let bound = tolerance::free_energy(5, 0.0, &[(0.0, std::f64::consts::LN_2); 3]);
    let ours = rbm.view().free_energy(&[1.0; 5])?;
    assert!((f64::from(ours) - exact.free_energy(&[1.0; 5])).abs() <= bound);
    Ok(())
}

fn mismatch(what: &'static str, expected: usize, found: usize) -> ShapeError {
    ShapeError { what, expected, found }
}

#[test]
fn wrong_lengths_are_refused_before_anything_is_written() {
    let machine = Parameters::random(4, 3, 1.0, 1);
    let view = machine.view();
    let mut rng = ebm_core::rng::Philox::new(1, ebm_core::rng::Stream::new(ebm_core::rng::Purpose::Free));
    for wrong in [0, 1, 2, 5, 8] {
        let short = vec![1.0; wrong];
        let mut out = vec![7.0; wrong];
        let (mut hidden, mut visible) = ([7.0; 3], [7.0; 4]);
        let inputs = mismatch("inputs", 4, wrong);
        let outputs = mismatch("outputs", 3, wrong);
        let visible_units = mismatch("visible units", 4, wrong);
        let hidden_units = mismatch("hidden units", 3, wrong);

        assert_eq!(view.hidden_probs(&short, &mut hidden), Err(inputs));
        assert_eq!(view.hidden_probs(&[1.0; 4], &mut out), Err(outputs));
        assert_eq!(view.sample_hidden(&short, &mut rng, &mut hidden), Err(inputs));
        assert_eq!(view.sample_hidden(&[1.0; 4], &mut rng, &mut out), Err(outputs));
        assert_eq!(view.visible_probs(&short, &mut visible), Err(hidden_units));
        assert_eq!(view.visible_probs(&[1.0; 3], &mut out), Err(visible_units));
        assert_eq!(view.sample_visible(&short, &mut rng, &mut visible), Err(hidden_units));
        assert_eq!(view.sample_visible(&[1.0; 3], &mut rng, &mut out), Err(visible_units));
        assert_eq!(view.free_energy(&short), Err(visible_units));
        assert_eq!(view.energy(&short, &[1.0; 3]), Err(visible_units));
        assert_eq!(view.energy(&[1.0; 4], &short), Err(hidden_units));
        assert!(out.iter().chain(&hidden).chain(&visible).all(|&x| x == 7.0));
    }
}

#[test]
fn parameters_of_another_shape_are_refused() {
    assert_eq!(RbmView::new(&[0.0; 5], &[0.0; 3], &[0.0; 2]), Err(mismatch("weights", 6, 5)));
    assert_eq!(Affine::new(3, &[0.0; 7], &[0.0; 2]), Err(mismatch("weights", 6, 7)));
    assert_eq!(Affine::new(usize::MAX, &[0.0; 7], &[0.0; 2]), Err(mismatch("weights", usize::MAX, 7)));

    let machine = Parameters::random(4, 3, 1.0, 1);
    let mut rbm = Rbm::<4, 2>::default();
    let error = rbm.copy_from(&machine.view());
    assert_eq!(error, Err(mismatch("hidden units", 2, 3)));
    assert_eq!(error.map_err(|error| error.to_string()), Err("hidden units: 2 expected, 3 found".to_owned()));
    assert_eq!(rbm, Rbm::default(), "nothing may be taken from a machine that does not fit");
    assert_eq!(Rbm::<5, 3>::default().copy_from(&machine.view()), Err(mismatch("visible units", 5, 4)));
}

#[test]
fn without_visible_units_the_biases_decide() -> Result<(), ShapeError> {
    let bias = [0.5, -1.0];
    let view = RbmView::new(&[], &[], &bias)?;
    let mut probs = [f32::NAN; 2];
    view.hidden_probs(&[], &mut probs)?;
    assert_eq!(probs, bias.map(ebm_core::math::sigmoid));
    let expected = -(ebm_core::math::softplus(0.5) + ebm_core::math::softplus(-1.0));
    assert_eq!(view.free_energy(&[])?, expected);
    assert_eq!(view.energy(&[], &[1.0, 1.0])?, 0.5);
    Ok(())
}
