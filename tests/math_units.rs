//! What Gaussian and rectified units and classes need of `ebm_core::math`, against f64: logarithms of sums, the rectified unit's free energy
//! and mean, normal variates.

use ebm_core::math::{
    LOG_SUM_EXP_MAX_ERROR, NORMAL_QUANTILE_MAX_ERROR, RECTIFIED_MEAN_MAX_RELATIVE_ERROR,
    RECTIFIED_SOFTPLUS_MAX_RELATIVE_ERROR, log_sum_exp, normal_quantile, rectified_mean, rectified_softplus,
};
use ebm_core::{RELU_MEAN_MAX_ERROR, RELU_VARIANCE_MAX_ERROR};
use ebm_tests::parameters::uniform;
use ebm_tests::special::{noisy_rectified, normal_quantile as exact_quantile, rectified};
use ebm_tests::tolerance;

fn exact_log_sum_exp(scores: &[f32]) -> f64 {
    let largest = scores.iter().copied().map(f64::from).fold(f64::NEG_INFINITY, f64::max);
    largest + scores.iter().map(|&z| (f64::from(z) - largest).exp()).sum::<f64>().ln()
}

/// From two scores to a thousand, from equal ones to such that only the largest counts, near zero and far from it.
#[test]
fn log_sum_exp_is_within_its_stated_error() {
    let mut worst = 0.0f64;
    for seed in 0..60_000 {
        let classes = [1, 2, 3, 3, 4, 5, 10, 16, 17, 100][seed as usize % 10] * if seed % 1000 == 999 { 10 } else { 1 };
        let scale = [0.1, 1.0, 3.0, 8.0, 40.0, 200.0, 0.0][seed as usize % 7];
        let offset = [0.0, 0.0, -300.0, 1e4][seed as usize % 4];
        let scores: Vec<f32> = if seed == 0 {
            // The worst that was found.
            vec![0.079_335_034, 0.008_926_893, -0.065_622_74]
        } else {
            uniform(classes, scale, seed, 20).into_iter().map(|x| x + offset).collect()
        };
        let exact = exact_log_sum_exp(&scores);
        let error = (f64::from(log_sum_exp(&scores)) - exact).abs();
        assert!(error <= tolerance::log_sum_exp(scores.len(), exact), "{scores:?}: wrong by {error:e}");
        worst = worst.max((error - tolerance::rounding(exact)) / scores.len() as f64);
    }
    assert!(worst > 0.9 * f64::from(LOG_SUM_EXP_MAX_ERROR), "the stated error is not tight: {worst:e}");
}

#[test]
fn log_sum_exp_of_extremes() {
    const INF: f32 = f32::INFINITY;
    assert_eq!(log_sum_exp(&[]), -INF);
    assert_eq!(log_sum_exp(&[-INF, -INF]), -INF);
    assert_eq!(log_sum_exp(&[-INF, 3.0, -INF]), 3.0);
    assert_eq!(log_sum_exp(&[0.0, INF, -INF]), INF);
    assert_eq!(log_sum_exp(&[f32::MAX, f32::MIN, 0.0]), f32::MAX);
    assert_eq!(log_sum_exp(&[f32::MIN]), f32::MIN);
    for broken in [&[f32::NAN][..], &[f32::NAN, 1.0], &[1.0, f32::NAN], &[INF, f32::NAN], &[f32::NAN, INF, -INF]] {
        assert!(log_sum_exp(broken).is_nan(), "{broken:?}");
    }
}

/// Fields up to 80 nats, finely.
fn fields() -> impl Iterator<Item = f32> {
    // Where the two worst were found.
    let worst = [-2.432_564_7, -1.219_135_9];
    (-160_000..=160_000).map(|n| n as f32 * 5.0e-4).chain((-40_000..=0).map(|n| n as f32 * 1.0003e-4)).chain(worst)
}

#[test]
fn rectified_functions_are_within_their_stated_errors() {
    let mut worst = [0.0f64; 2];
    for z in fields() {
        let exact = rectified(f64::from(z));
        let relative = [
            (f64::from(rectified_softplus(z)) - exact.softplus).abs() / exact.softplus,
            (f64::from(rectified_mean(z)) - exact.mean).abs() / exact.mean,
        ];
        worst = [0, 1].map(|n| relative[n].max(worst[n]));
    }
    for (worst, stated) in
        worst.into_iter().zip([RECTIFIED_SOFTPLUS_MAX_RELATIVE_ERROR, RECTIFIED_MEAN_MAX_RELATIVE_ERROR].map(f64::from))
    {
        assert!(worst <= stated, "{worst:e} of {stated:e}");
        assert!(worst > 0.95 * stated, "the stated error is not tight: {worst:e} of {stated:e}");
    }
}

#[test]
fn rectified_functions_of_extremes() {
    const INF: f32 = f32::INFINITY;
    for function in [rectified_softplus, rectified_mean] {
        assert!(function(f32::NAN).is_nan() && function(-f32::NAN).is_nan());
        assert_eq!(function(INF), INF);
        for deep in [-INF, f32::MIN, -200.0] {
            assert!((0.0..=ebm_core::math::TAIL_MAX_ERROR).contains(&function(deep)), "{deep}: {}", function(deep));
        }
    }
    assert_eq!(rectified_mean(1e30), 1e30);
    assert!(fields().all(|z| (0.0..=ebm_core::math::softplus(z)).contains(&rectified_mean(z))));
}

/// Both ends whole, and some million draws between.
#[test]
fn normal_variates_are_within_their_stated_error() {
    let mut near = 0.0;
    let mut worst = 0.0f64;
    let mut draw = (1u32 << 31) - 1;
    loop {
        // From the middle outwards: the last quantile is where the search for the next begins.
        near = exact_quantile((f64::from(draw) + 0.5) / 4_294_967_296.0, near);
        worst = worst.max((f64::from(normal_quantile(draw)) - near).abs());
        assert_eq!(normal_quantile(!draw), -normal_quantile(draw), "both tails are one");
        if draw == 0 {
            break;
        }
        draw -= (draw / 500).clamp(1, 2003);
    }
    let stated = f64::from(NORMAL_QUANTILE_MAX_ERROR);
    assert!(worst <= stated, "{worst:e} of {stated:e}");
    assert!(worst > 0.9 * stated, "the stated error is not tight: {worst:e}");
    assert!((-6.34..-6.33).contains(&normal_quantile(0)));
}

/// The noisy rectified linear unit against the copies it stands for.
#[test]
fn noisy_rectified_units_differ_from_their_copies_as_stated() {
    let (mut mean, mut variance) = (0.0f64, 0.0f64);
    for z in (-40_000..=40_000).map(|n| f64::from(n) * 1e-3) {
        let (exact, noisy) = (rectified(z), noisy_rectified(z, 1.0));
        mean = mean.max((noisy.mean - exact.mean).abs());
        variance = variance.max((noisy.variance - exact.variance).abs());
    }
    for (worst, stated) in [(mean, RELU_MEAN_MAX_ERROR), (variance, RELU_VARIANCE_MAX_ERROR)] {
        let stated = f64::from(stated);
        assert!(worst <= stated && worst > 0.99 * stated, "{worst} of {stated}");
    }
}
