//! Figures of classifiers and novelty scores against counting by hand, and the kernels that likelihoods are made of against f64.

use ebm_core::format::{Header, Layer, encode, encoded_len};
use ebm_core::kernel::units::{
    TERM_CHANGE_MAX_RELATIVE_ERROR, free_energy_term, free_energy_term_changes, sample_hidden_exactly,
};
use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{Affine, Float, HiddenKind, Model};
use ebm_tests::mixed::rectified_potential;
use ebm_tests::statistics::ChiSquared;
use ebm_train::Error;
use ebm_train::data::{Batch, Split};
use ebm_train::eval::classification::evaluate;
use ebm_train::eval::novelty::auc;

/// A head that takes its three inputs for the scores.
fn identity_head() -> Vec<u8> {
    let weights = [1.0f32, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let head = Affine::new(3, &weights, &[0.0; 3]).expect("three by three");
    // A machine below it that passes its input through would be none: the head is the whole model.
    let layers = [Layer::Head(head)];
    let header = Header { labels: "a\nb\nc", ..Header::default() };
    let mut bytes = vec![0; encoded_len(&header, &layers).expect("a length")];
    encode(&header, &layers, &mut bytes).expect("a model");
    bytes
}

#[test]
fn figures_of_a_classifier_are_those_counted_by_hand() -> Result<(), Error> {
    let bytes = identity_head();
    let mut words = vec![0u128; bytes.len().div_ceil(16)];
    bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(&bytes);
    let aligned: &[u8] = &bytemuck::cast_slice(&words)[..bytes.len()];
    let model = Model::parse(aligned).expect("a model");
    // Scores, label: two right, one wrong, one right by little.
    let samples = [([3.0f32, 0.0, 0.0], 0u16), ([0.0, 2.0, 0.0], 1), ([0.0, 2.0, 0.5], 2), ([0.1, 0.0, 0.0], 0)];
    let values = samples.iter().flat_map(|(scores, _)| *scores).collect();
    let split = Split {
        inputs: Batch { values, visible: 3 }.into(),
        labels: samples.iter().map(|(_, label)| *label).collect(),
    };
    let figures = evaluate::<Float>(&model, &split, 0)?;
    let (mut cross_entropy, mut twice, mut brier) = (0.0, 0.0, 0.0);
    let mut confidences = Vec::new();
    for (scores, label) in samples {
        let exp: Vec<f64> = scores.iter().map(|&z| f64::from(z).exp()).collect();
        let p: Vec<f64> = exp.iter().map(|e| e / exp.iter().sum::<f64>()).collect();
        let again: Vec<f64> = p.iter().map(|p| p.exp()).collect();
        let label = usize::from(label);
        cross_entropy -= p[label].ln() / 4.0;
        twice -= (again[label] / again.iter().sum::<f64>()).ln() / 4.0;
        brier += p.iter().enumerate().map(|(c, p)| (p - f64::from(u8::from(c == label))).powi(2)).sum::<f64>() / 4.0;
        confidences.push(p.iter().copied().fold(0.0, f64::max));
    }
    let close = |ours: f64, truth: f64| assert!((ours - truth).abs() < 1e-6, "{ours}, by hand {truth}");
    close(figures.accuracy, 0.75);
    close(figures.cross_entropy, cross_entropy);
    close(figures.double_softmax_cross_entropy, twice);
    close(figures.brier_score, brier);
    assert_eq!(figures.answers, [0, 1, 1, 0]);
    assert_eq!(figures.confusion, [[2, 0, 0], [0, 1, 0], [0, 1, 0]]);
    // 0.909, 0.787, 0.736 (wrong) and 0.356.
    let apart = (1.0 - confidences[0]).abs()
        + (0.5 * 2.0 - confidences[1] - confidences[2]).abs()
        + (1.0 - confidences[3]).abs();
    close(figures.calibration.expected_error, apart / 4.0);
    let filled: Vec<_> = figures.calibration.bins.iter().map(|bin| bin.samples).collect();
    assert_eq!(filled, [0, 0, 0, 1, 0, 0, 0, 2, 0, 1]);
    close(figures.calibration.bins[7].confidence, (confidences[1] + confidences[2]) / 2.0);
    close(figures.calibration.bins[7].accuracy, 0.5);
    let classes = figures.classes();
    assert_eq!((classes[1].recall, classes[1].precision, classes[1].samples), (Some(1.0), Some(0.5), 1));
    assert_eq!((classes[2].recall, classes[2].precision), (Some(0.0), None));
    Ok(())
}

#[test]
fn the_area_under_the_curve_counts_pairs() {
    assert_eq!(auc(&[1.0, 2.0], &[3.0, 4.0]), Some(1.0));
    assert_eq!(auc(&[3.0], &[1.0]), Some(0.0));
    assert_eq!(auc(&[1.0, 1.0], &[1.0]), Some(0.5));
    assert_eq!(auc(&[], &[1.0]), None);
    let number = |n: u32| f64::from(n * 7919 % 23);
    let usual: Vec<f64> = (0..60).map(number).collect();
    let novel: Vec<f64> = (100..140).map(|n| number(n) + 3.0).collect();
    let pairs: f64 = usual
        .iter()
        .flat_map(|u| {
            novel.iter().map(move |n| {
                if n > u {
                    1.0
                } else if n == u {
                    0.5
                } else {
                    0.0
                }
            })
        })
        .sum();
    let ours = auc(&usual, &novel).expect("samples of both");
    assert!((ours - pairs / (60.0 * 40.0)).abs() < 1e-12, "{ours}");
}

/// Free-energy terms in f64: softplus, and the sum over a rectified unit's copies.
fn term(kind: HiddenKind, z: f64) -> f64 {
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    match kind {
        HiddenKind::Bernoulli => softplus(z),
        HiddenKind::Relu => (1..400).map(|k| softplus(z - f64::from(k) + 0.5)).sum(),
    }
}

/// `term(y) − term(x)` without cancellation: softplus differences as `ln(1 + σ(x)·(e^d − 1))`.
fn term_change(kind: HiddenKind, x: f64, y: f64) -> f64 {
    let change = |x: f64, y: f64| ((y - x).exp_m1() / (1.0 + (-x).exp())).ln_1p();
    match kind {
        HiddenKind::Bernoulli => change(x, y),
        HiddenKind::Relu => (1..400).map(|k| change(x - f64::from(k) + 0.5, y - f64::from(k) + 0.5)).sum(),
    }
}

#[test]
fn small_changes_of_a_term_keep_their_relative_error() {
    for kind in [HiddenKind::Bernoulli, HiddenKind::Relu] {
        let mut largest = 0.0f64;
        for z in (-240..=240).map(|n| n as f32 / 8.0).filter(|z| *z != 0.0) {
            for (from, to) in [(0.0f32, 0.001), (0.5, 0.5001), (0.999, 1.0), (1.0, 0.99), (0.25, 0.26)] {
                let (x, y) = (f64::from(from * z), f64::from(to * z));
                if ((to - from) * z).abs() > 0.5 {
                    continue;
                }
                // The ends as f32 sees them differ from `from·z` by a rounding: the change is that of the step.
                let exact = term_change(kind, x, x + f64::from(to - from) * f64::from(z));
                let ours = free_energy_term_changes(kind, &[z], from, to);
                largest = largest.max(((ours - exact) / exact).abs());
                assert!(y.is_finite());
            }
        }
        assert!(largest <= TERM_CHANGE_MAX_RELATIVE_ERROR, "{kind:?}: {largest:e}");
    }
}

#[test]
fn large_changes_of_a_term_are_the_terms_differences() {
    for kind in [HiddenKind::Bernoulli, HiddenKind::Relu] {
        let fields: Vec<f32> = (-30..30).map(|n| n as f32 / 2.0).collect();
        let ours = free_energy_term_changes(kind, &fields, 0.0, 1.0);
        let exact: f64 = fields.iter().map(|&z| term(kind, z.into()) - term(kind, 0.0)).sum();
        assert!((ours - exact).abs() < 1e-5 * exact.abs(), "{kind:?}: {ours}, {exact}");
        let alone: f64 = f64::from(free_energy_term(kind, 3.0)) - f64::from(free_energy_term(kind, 1.0));
        assert!((free_energy_term_changes(kind, &[2.0], 0.5, 1.5) - alone).abs() < 1e-6);
    }
}

#[test]
fn rectified_units_are_drawn_from_their_own_distribution() {
    const DRAWS: u32 = 20_000;
    const STATES: usize = 60;
    for (stream, field) in (0u32..).zip([-6.0f32, -1.0, 0.0, 0.4, 2.5, 7.9, 8.1, 20.3]) {
        let mut rng = Philox::new(1, Stream { sample: stream, ..Stream::new(Purpose::Free) });
        let mut observed = vec![0u64; STATES];
        for _ in 0..DRAWS {
            let mut state = [field];
            sample_hidden_exactly(HiddenKind::Relu, &mut state, &mut rng);
            observed[state[0] as usize] += 1;
        }
        let log_weights: Vec<f64> = (0..STATES).map(|h| f64::from(field) * h as f64 - rectified_potential(h)).collect();
        let largest = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = log_weights.iter().map(|w| (w - largest).exp()).collect();
        let sum: f64 = weights.iter().sum();
        let mut probabilities: Vec<f64> = weights.iter().map(|w| w / sum).collect();
        // States too rare for the test count with the likeliest.
        let likeliest = (0..STATES).max_by(|&x, &y| weights[x].total_cmp(&weights[y])).expect("states");
        for state in 0..STATES {
            if probabilities[state] * f64::from(DRAWS) < 8.0 {
                observed[likeliest] += std::mem::take(&mut observed[state]);
                probabilities[likeliest] += std::mem::take(&mut probabilities[state]);
            }
        }
        let test = ChiSquared::new(&observed, &probabilities);
        assert!(test.accepts(), "field {field}: {test:?}, {observed:?}");
    }
    let mut broken = [f32::NAN];
    sample_hidden_exactly(HiddenKind::Relu, &mut broken, &mut Philox::new(1, Stream::new(Purpose::Free)));
    assert!(broken[0].is_nan(), "a broken field stays visible");
}
