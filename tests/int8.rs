//! The integer path against f64: its tables over every field, its layers against the weights they stand for.

use ebm_core::kernel::integer::{self, NATS, ONE, Rescale, Storage};
use ebm_core::{IntegerAffine, IntegerRbm, Machine, ShapeError};
use ebm_tests::exact::state;
use ebm_tests::parameters::uniform;
use ebm_tests::quantised::Quantised;
use ebm_tests::tolerance;

const Q16: f64 = 65_536.0;

fn nats(field: i32) -> f64 {
    f64::from(field) / f64::from(NATS)
}

/// Every field that the tables cover and a nat beyond, and every power of two up to the ends of i32.
fn fields() -> impl Iterator<Item = i32> {
    let powers = (0..31).map(|bit| 1i32 << bit).flat_map(|x| [x, -x, x - 1, 1 - x]);
    (-13 * NATS..=13 * NATS).chain(powers).chain([i32::MIN, i32::MIN + 1, i32::MAX])
}

#[test]
fn sigmoid_is_within_its_stated_error() {
    for field in fields() {
        let x = nats(field);
        let e = (-x.abs()).exp();
        let exact = if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) };
        let ours = integer::sigmoid(field);
        assert!((f64::from(ours) / Q16 - exact).abs() <= integer::SIGMOID_MAX_ERROR, "σ({field}) = {ours}");
        assert!((1..65_536).contains(&ours), "σ({field}) = {ours}");
    }
}

#[test]
fn softplus_is_within_its_stated_error() {
    for field in fields() {
        let x = nats(field);
        let exact = x.max(0.0) + (-x.abs()).exp().ln_1p();
        let error = (nats(integer::softplus(field)) - exact).abs();
        assert!(error <= integer::SOFTPLUS_MAX_ERROR_NATS, "softplus({field}) is {error} off");
    }
    assert_eq!(integer::softplus(i32::MAX), i32::MAX);
    assert_eq!(integer::softplus(i32::MIN), 0);
}

/// The formulas of `FORMAT.md`, to the bit: any other table within the bounds would give other answers on other
/// machines.
#[test]
fn tables_are_those_of_the_specification() {
    let tabulate = |f: fn(f64) -> f64| -> Vec<i64> {
        (0..=384).map(|k| ((f(f64::from(k) / 32.0) * Q16 + 0.5).floor() as i64).min(65_535)).collect()
    };
    let sigmoids = tabulate(|x| 1.0 / (1.0 + (-x).exp()));
    let tails = tabulate(|x| (-x).exp().ln_1p());
    let interpolate = |table: &[i64], magnitude: u32| {
        let (k, f) = (magnitude as usize / 128, i64::from(magnitude % 128));
        if k >= 384 { table[384] } else { (table[k] * (128 - f) + table[k + 1] * f + 64) >> 7 }
    };
    for field in fields() {
        let q = interpolate(&sigmoids, field.unsigned_abs());
        assert_eq!(i64::from(integer::sigmoid(field)), if field < 0 { 65_536 - q } else { q }, "σ({field})");
        let t = interpolate(&tails, field.unsigned_abs());
        assert_eq!(i64::from(integer::softplus(field)), i64::from(field.max(0)) + ((t + 8) >> 4), "softplus({field})");
    }
}

#[test]
fn tables_never_fall_and_mirror() {
    let range = -14 * NATS..14 * NATS;
    for field in range {
        assert!(integer::sigmoid(field) <= integer::sigmoid(field + 1), "{field}");
        assert!(integer::softplus(field) <= integer::softplus(field + 1), "{field}");
        assert_eq!(integer::sigmoid(field) + integer::sigmoid(-field), 65_536, "{field}");
        assert_eq!(integer::softplus(field) - integer::softplus(-field), field, "{field}");
    }
}

/// `apply` against the real product, over shifts and multipliers, wherever 16 bits hold what is between the shifts.
#[test]
fn rescale_rounds_to_nearest() {
    let mut compared = 0;
    for multiplier in [0, 1, 255, 16_384, 20_000, 32_767] {
        for (pre, post) in (0..=30).flat_map(|pre| (0..=30).map(move |post| (pre, post))) {
            let rescale = Rescale { multiplier, pre, post };
            assert!(rescale.is_valid());
            for magnitude in [0, 1, 2, 3, 127, 128, 4095, 32_767, 1 << 20, (1 << 30) - 1, 1 << 30] {
                for sum in [magnitude, -magnitude] {
                    let narrow = f64::from(sum) / f64::from(pre).exp2();
                    if narrow.abs() > 32_767.0 {
                        continue;
                    }
                    let exact = narrow * f64::from(multiplier) / f64::from(post).exp2();
                    let error = (f64::from(rescale.apply(sum)) - exact).abs();
                    assert!(error <= tolerance::rescale(rescale), "{rescale:?} of {sum}: {error}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 50_000, "{compared}");
    let half = Rescale { multiplier: 1, pre: 1, post: 0 };
    assert_eq!([half.apply(1), half.apply(-1), half.apply(3), half.apply(-3)], [1, 0, 2, -1], "halves go upwards");
}

#[test]
fn rescale_holds_what_does_not_fit() {
    let rescale = Rescale { multiplier: 32_767, pre: 0, post: 0 };
    assert_eq!(rescale.apply(1 << 30), 32_767 * 32_767);
    assert_eq!(rescale.apply(-(1 << 30)), -32_767 * 32_767);
    for (multiplier, pre, post) in [(1 << 15, 0, 0), (0, 31, 0), (0, 0, 31), (u16::MAX, 255, 255)] {
        assert!(!Rescale { multiplier, pre, post }.is_valid());
    }
}

/// Shapes around the tile of 16 visible units that the downward pass sums at a time.
const SHAPES: [(usize, usize); 6] = [(1, 1), (3, 2), (4, 12), (9, 4), (15, 5), (16, 4)];
const SCALES: [f32; 3] = [0.1, 1.0, 3.0];

fn machines() -> impl Iterator<Item = Quantised> {
    let shapes = SHAPES.into_iter().chain([(17, 3)]);
    shapes.enumerate().flat_map(|(n, (visible, hidden))| {
        let seed = n as u32 * 10;
        let random = move |(scale, seed)| {
            Storage::ALL.map(|storage| Quantised::random(visible, hidden, scale, seed).stored_as(storage))
        };
        SCALES.into_iter().zip(seed..).flat_map(random)
    })
}

/// Up to 32 binary states and 8 of probabilities, in `1/128`.
fn states(units: usize, seed: u32) -> Vec<Vec<u8>> {
    let all = 1usize << units;
    let binary = (0..all).step_by(all.div_ceil(32)).map(|n| state(n, units).iter().map(|&x| x as u8 * ONE).collect());
    let grey =
        (0..8).map(|part| uniform(units, 0.5, seed, 20 + part).iter().map(|x| ((x + 0.5) * 129.0) as u8).collect());
    binary.chain(grey).collect()
}

fn values(state: &[u8]) -> Vec<f64> {
    state.iter().map(|&x| f64::from(x) / f64::from(ONE)).collect()
}

/// Allowed error of hidden unit `j`'s field in nats: that of its rescale, or, for binary states, which the first shift
/// divides exactly, that of the second shift alone.
fn hidden_field_bound(machine: &Quantised, j: usize, visible: &[u8]) -> f64 {
    let binary = visible.iter().all(|&x| x == 0 || x == ONE);
    let units = if binary { 0.5 } else { tolerance::rescale(machine.rescale[j]) };
    units / f64::from(NATS)
}

#[test]
fn hidden_fields_and_probabilities_are_those_of_the_weights() -> Result<(), ShapeError> {
    for (seed, machine) in machines().enumerate() {
        let (rbm, exact) = (machine.rbm(), machine.dequantised());
        let (mut fields, mut probabilities) = (vec![0; rbm.hidden()], vec![0; rbm.hidden()]);
        for visible in states(rbm.visible(), seed as u32) {
            rbm.up().field(&visible, &mut fields)?;
            rbm.hidden_probs(&visible, &mut probabilities)?;
            for (j, p) in exact.hidden_probs(&values(&visible)).into_iter().enumerate() {
                let bound = hidden_field_bound(&machine, j, &visible);
                // The field is the log-odds of the enumerated probability.
                let field = (p / (1.0 - p)).ln();
                let error = (nats(fields[j]) - field).abs();
                assert!(error <= bound + tolerance::REFERENCE, "field {j} of {seed}: {error}, allowed {bound}");
                let error = (f64::from(probabilities[j]) / f64::from(ONE) - p).abs();
                assert!(error <= tolerance::int8_probability(bound), "p(h_{j}) of {seed}: {error}");
            }
        }
    }
    Ok(())
}

#[test]
fn visible_probabilities_are_those_of_the_weights() -> Result<(), ShapeError> {
    for (seed, machine) in machines().enumerate() {
        let (rbm, exact) = (machine.rbm(), machine.dequantised());
        let mut ours = vec![0; rbm.visible()];
        let limit = if rbm.visible() > 12 { 3 } else { usize::MAX };
        let mut states = states(rbm.hidden(), seed as u32);
        states.reverse();
        for hidden in states.into_iter().take(limit) {
            rbm.visible_probs(&hidden, &mut ours)?;
            for (i, p) in exact.visible_probs(&values(&hidden)).into_iter().enumerate() {
                let row = machine.weights.iter().copied().skip(i).step_by(rbm.visible());
                let field = tolerance::int8_visible_field_nats(row, machine.shift);
                let error = (f64::from(ours[i]) / f64::from(ONE) - p).abs();
                assert!(error <= tolerance::int8_probability(field), "p(v_{i}) of {seed}: {error}");
            }
        }
    }
    Ok(())
}

#[test]
fn free_energies_are_those_of_the_weights() -> Result<(), ShapeError> {
    for (seed, machine) in machines().enumerate() {
        let (rbm, exact) = (machine.rbm(), machine.dequantised());
        for visible in states(rbm.visible(), seed as u32) {
            let fields = (0..rbm.hidden()).map(|j| hidden_field_bound(&machine, j, &visible));
            let bound = tolerance::int8_free_energy_nats(fields);
            let error = (nats(rbm.free_energy(&visible)?) - exact.free_energy(&values(&visible))).abs();
            assert!(error <= bound, "{seed}: {error} nats, allowed {bound}");
        }
    }
    Ok(())
}

#[test]
fn wrong_lengths_are_refused_before_anything_is_written() {
    let machine = Quantised::random(4, 3, 1.0, 1);
    let rbm = machine.rbm();
    let mut rng = ebm_core::rng::Philox::new(1, ebm_core::rng::Stream::new(ebm_core::rng::Purpose::Free));
    let error = |what, expected, found| Err(ShapeError { what, expected, found });
    for wrong in [0, 1, 2, 5, 8] {
        let short = vec![ONE; wrong];
        let (mut out, mut hidden, mut visible) = (vec![7; wrong], [7; 3], [7; 4]);
        assert_eq!(rbm.hidden_probs(&short, &mut hidden), error("inputs", 4, wrong));
        assert_eq!(rbm.hidden_probs(&[ONE; 4], &mut out), error("outputs", 3, wrong));
        assert_eq!(rbm.sample_hidden(&short, &mut rng, &mut hidden), error("visible units", 4, wrong));
        assert_eq!(rbm.sample_hidden(&[ONE; 4], &mut rng, &mut out), error("hidden units", 3, wrong));
        assert_eq!(rbm.visible_probs(&short, &mut visible), error("hidden units", 3, wrong));
        assert_eq!(rbm.visible_probs(&[ONE; 3], &mut out), error("visible units", 4, wrong));
        assert_eq!(rbm.sample_visible(&short, &mut rng, &mut visible), error("hidden units", 3, wrong));
        assert_eq!(rbm.sample_visible(&[ONE; 3], &mut rng, &mut out), error("visible units", 4, wrong));
        assert_eq!(rbm.free_energy(&short).map(|_| ()), error("visible units", 4, wrong));
        assert!(out.iter().chain(&hidden).chain(&visible).all(|&x| x == 7));
    }
}

#[test]
fn parameters_of_another_shape_are_refused() {
    let machine = Quantised::random(4, 3, 1.0, 1);
    let (up, steps, shift) = (machine.up(), &machine.steps[..], machine.shift);
    let error = |what, expected, found| Some(ShapeError { what, expected, found });
    assert_eq!(IntegerRbm::new(up, &[0; 5], steps, shift).err(), error("weights", 15, 12));
    assert_eq!(IntegerRbm::new(up, &[0; 4], &steps[1..], shift).err(), error("down steps", 3, 2));
    let short = integer::Up { rescale: &up.rescale[..2], ..up };
    assert_eq!(IntegerAffine::new(4, short).err(), error("rescales", 3, 2));
    assert_eq!(IntegerAffine::new(3, up).err(), error("weights", 9, 12));
}
