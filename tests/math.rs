//! sigmoid, softplus, softmax and argmax against f64, over every exponent.

use ebm_core::math::{
    EXP_MIN, SIGMOID_MAX_RELATIVE_ERROR, SOFTPLUS_MAX_RELATIVE_ERROR, TAIL_MAX_ERROR, argmax, sigmoid, sigmoids,
    softmax, softplus,
};
use ebm_tests::parameters::uniform;
use ebm_tests::tolerance;

/// Mantissas tried at each of the 255 exponents (0 is the subnormals) and both signs: about 1.3 million numbers.
const MANTISSAS: u32 = 2500;

/// Finite f32 spread over all exponents, a fixed odd stride through the mantissas and both ends of each.
fn every_exponent() -> impl Iterator<Item = f32> {
    const STRIDE: u32 = (1 << 23) / MANTISSAS;
    (0..255u32).flat_map(|exponent| {
        let mantissas = (0..MANTISSAS).map(move |n| n * STRIDE + exponent * 7 % STRIDE).chain([0, (1 << 23) - 1]);
        mantissas.flat_map(move |mantissa| {
            let magnitude = f32::from_bits(exponent << 23 | mantissa);
            [magnitude, -magnitude]
        })
    })
}

/// The range in which neither function is flat, finely: the two worst arguments lie here.
fn every_slope() -> impl Iterator<Item = f32> {
    (-90_000..=20_000).map(|n| n as f32 * 1.013e-3)
}

fn exact_sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

fn exact_softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn assert_within(name: &str, x: f32, ours: f32, exact: f64, relative: f32) {
    let error = (f64::from(ours) - exact).abs();
    let bound = if x >= EXP_MIN { f64::from(relative) * exact } else { f64::from(TAIL_MAX_ERROR) };
    assert!(error <= bound, "{name}({x:e}) = {ours:e}, exactly {exact:e}: wrong by {error:e}, allowed {bound:e}");
}

#[test]
fn sigmoids_of_a_block_are_the_sigmoid_of_each_to_the_bit() {
    let numbers: Vec<f32> =
        every_exponent().chain(every_slope()).chain([f32::NAN, f32::INFINITY, f32::NEG_INFINITY]).collect();
    for numbers in numbers.chunks(64) {
        let mut block = [0.0; 64];
        block[..numbers.len()].copy_from_slice(numbers);
        sigmoids(&mut block);
        for (&x, ours) in numbers.iter().zip(block) {
            assert_eq!(ours.to_bits(), sigmoid(x).to_bits(), "{x:e}");
        }
    }
}

#[test]
fn sigmoid_is_within_its_stated_error() {
    for x in every_exponent().chain(every_slope()) {
        assert_within("sigmoid", x, sigmoid(x), exact_sigmoid(f64::from(x)), SIGMOID_MAX_RELATIVE_ERROR);
        assert!((0.0..=1.0).contains(&sigmoid(x)), "{x}");
    }
}

#[test]
fn softplus_is_within_its_stated_error() {
    for x in every_exponent().chain(every_slope()) {
        assert_within("softplus", x, softplus(x), exact_softplus(f64::from(x)), SOFTPLUS_MAX_RELATIVE_ERROR);
    }
}

/// The constants are not merely safe: the worst arguments of all f32 (found by trying each) come close to them.
#[test]
fn stated_errors_are_tight() {
    for (x, ours, exact, stated) in [
        (-5.878_161_4f32, sigmoid as fn(f32) -> f32, exact_sigmoid as fn(f64) -> f64, SIGMOID_MAX_RELATIVE_ERROR),
        (-4.815_549, softplus, exact_softplus, SOFTPLUS_MAX_RELATIVE_ERROR),
    ] {
        let exact = exact(f64::from(x));
        let relative = (f64::from(ours(x)) - exact).abs() / exact;
        assert!(relative <= f64::from(stated) && relative > 0.95 * f64::from(stated), "{relative:e} of {stated:e}");
    }
}

#[test]
fn special_values() {
    assert_eq!([sigmoid(0.0), sigmoid(-0.0), sigmoid(f32::INFINITY), sigmoid(f32::MAX)], [0.5, 0.5, 1.0, 1.0]);
    assert!(sigmoid(f32::NEG_INFINITY) <= TAIL_MAX_ERROR && sigmoid(f32::MIN) <= TAIL_MAX_ERROR);
    assert_eq!(softplus(f32::INFINITY), f32::INFINITY);
    assert_eq!(softplus(f32::MAX), f32::MAX);
    assert_eq!(softplus(0.0).to_bits(), softplus(-0.0).to_bits());
    assert!(softplus(f32::NEG_INFINITY) <= TAIL_MAX_ERROR);
    for nan in [f32::NAN, -f32::NAN, f32::from_bits(0x7F80_0001), f32::from_bits(0xFFFF_FFFF)] {
        assert!(sigmoid(nan).is_nan() && softplus(nan).is_nan());
    }
}

/// A probability must not fall when its field rises by more than the rounding: draws and thresholds are comparisons.
#[test]
fn rising_fields_raise_probabilities() {
    let spacing = tolerance::MONOTONIC_SPACING_NATS;
    let steps = (128.0 / spacing) as i32;
    let grid = || (-steps..=steps).map(|n| n as f32 * spacing);
    for (x, y) in grid().zip(grid().skip(1)) {
        assert!(sigmoid(x) <= sigmoid(y) && softplus(x) <= softplus(y), "{x} {y}");
    }
    for x in every_slope() {
        let (low, high) = (f64::from(sigmoid(x)), f64::from(sigmoid(x.next_up())));
        assert!(high >= low * (1.0 - tolerance::SIGMOID_DROP), "{x}: {low} {high}");
        assert!(sigmoid(x) <= 0.5 || x > 0.0, "{x}");
        assert!(softplus(x) >= x.max(0.0), "{x}");
    }
}

#[test]
fn softmax_is_within_its_error_and_sums_to_one() {
    for seed in 0..200 {
        let scale = [0.1, 3.0, 40.0][seed as usize % 3];
        let scores = uniform(1 + seed as usize % 13, scale, seed, 0);
        let largest = scores.iter().copied().map(f64::from).fold(f64::NEG_INFINITY, f64::max);
        let exact: Vec<f64> = scores.iter().map(|&z| (f64::from(z) - largest).exp()).collect();
        let sum: f64 = exact.iter().sum();

        let mut ours = scores.clone();
        softmax(&mut ours);
        let bound = tolerance::softmax(scores.len(), 2.0 * f64::from(scale));
        for (p, e) in ours.iter().zip(&exact) {
            let exact = e / sum;
            assert!((f64::from(*p) - exact).abs() <= bound * exact + f64::from(TAIL_MAX_ERROR), "{p} {exact}");
        }
        let total: f64 = ours.iter().copied().map(f64::from).sum();
        assert!((total - 1.0).abs() <= tolerance::gamma(scores.len() + 1), "{total}");
    }
}

#[test]
fn softmax_of_extremes() {
    let mut one = [1e30];
    softmax(&mut one);
    assert_eq!(one, [1.0]);

    let mut apart = [f32::MAX, f32::MIN, f32::MAX];
    softmax(&mut apart);
    assert_eq!((apart[0], apart[2]), (0.5, 0.5));
    assert!(apart[1] <= TAIL_MAX_ERROR);

    let mut broken = [0.0, f32::NAN, 1.0];
    softmax(&mut broken);
    assert!(broken.iter().all(|p| p.is_nan()), "a broken score must stay visible: {broken:?}");

    softmax(&mut []);
}

#[test]
fn argmax_takes_the_first_of_equals() {
    assert_eq!(argmax::<i32>(&[]), None);
    assert_eq!(argmax(&[3]), Some(0));
    assert_eq!(argmax(&[1, 5, 2, 5]), Some(1));
    assert_eq!(argmax(&[-2, -2]), Some(0));
    assert_eq!(argmax(&[-0.0f32, 0.0]), Some(0));
    assert_eq!(argmax(&[f32::NEG_INFINITY, f32::MIN, f32::INFINITY]), Some(2));
    assert_eq!(argmax(&[i32::MIN, i32::MAX, 0]), Some(1));
}
