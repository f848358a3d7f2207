//! The trainer's quantiser: weights within half a step, fields and free energies within what that allows.

use ebm_core::kernel::integer::{MAX_DOWN_STEPS, NATS, ONE, Storage};
use ebm_core::{Float, HiddenKind, Integer, Machine, Model, Numbers};
use ebm_tests::parameters::{Parameters, uniform};
use ebm_tests::tolerance;
use ebm_train::Error;
use ebm_train::data::digits;
use ebm_train::eval::novelty;
use ebm_train::export::{IntegerRbmParameters, ModelFile, Storages, model_file, quantize};
use ebm_train::parameters::{
    AffineParameters, ClassifierParameters as Net, Parameters as Read, RbmParameters, UnitKinds,
};
use std::path::Path;

const SHAPES: [(usize, usize); 4] = [(1, 1), (9, 5), (64, 40), (300, 33)];
const INT8: Storages = Storages::all(Storage::Int8);
const SCALES: [f32; 4] = [1e-4, 0.1, 1.0, 20.0];

fn machine(visible: usize, hidden: usize, scale: f32) -> RbmParameters {
    let Parameters { weights, visible_bias, hidden_bias } = Parameters::random(visible, hidden, scale, 1);
    RbmParameters { weights, visible_bias, hidden_bias, kinds: UnitKinds::default() }
}

/// A net of this machine, one sigmoid layer and a head over three classes.
fn net(machine: RbmParameters) -> Net {
    let affine = |inputs: usize, outputs: usize| AffineParameters {
        weights: uniform(inputs * outputs, 1.0, 2, 0),
        bias: uniform(outputs, 1.0, 2, 1),
    };
    let layers = vec![affine(machine.visible_bias.len(), 4)];
    Net { machine: Some(machine), layers, hidden: HiddenKind::Bernoulli, head: affine(4, 10) }
}

fn quantised(rbm: RbmParameters, storage: Storage) -> Result<IntegerRbmParameters, Error> {
    Ok(quantize(&net(rbm), Storages::all(storage))?.machine.expect("a machine"))
}

/// `s_j` as the file says it upwards: nats a unit of `w_ij` at `v_i = 1`.
fn scale(quantised: &IntegerRbmParameters, j: usize) -> f64 {
    let rescale = quantised.up.rescale[j];
    let shift = i32::from(rescale.pre) + i32::from(rescale.post);
    f64::from(rescale.multiplier) * f64::from(-shift).exp2() * f64::from(ONE) / f64::from(NATS)
}

#[test]
fn weights_and_biases_move_by_at_most_half_a_step() -> Result<(), Error> {
    for ((visible, hidden), size) in SHAPES.into_iter().flat_map(|shape| SCALES.map(|size| (shape, size))) {
        for storage in Storage::ALL {
            // The scale of signs is a whole weight, of which a down step holds up to 16 nats.
            let rbm = machine(visible, hidden, if storage == Storage::Sign { size / 2.0 } else { size });
            let quantised = quantised(rbm.clone(), storage)?;
            let largest_weight = f64::from(storage.max_weight());
            for j in 0..hidden {
                let step = scale(&quantised, j);
                let near = |ours: f64, exact: f64, step: f64| {
                    let error = (ours - exact).abs();
                    let allowed = step * 0.5 + ours.abs() * tolerance::RESCALE_MANTISSA;
                    assert!(error <= allowed, "{storage:?}: {ours} for {exact}, allowed {allowed:e}");
                };
                for i in 0..visible {
                    let (ours, exact) =
                        (quantised.up.weights[i + j * visible], f64::from(rbm.weights[i + j * visible]));
                    assert!(f64::from(ours).abs() <= largest_weight);
                    match storage {
                        Storage::Int8 | Storage::Int8Rows => near(f64::from(ours) * step, exact, step),
                        // The largest weights may be cut off, to the largest code.
                        Storage::Int4 => near(f64::from(ours) * step, exact.clamp(-7.0 * step, 7.0 * step), step),
                        Storage::Sign => assert_eq!(ours, if exact < 0.0 { -1 } else { 1 }),
                    }
                }
                near(f64::from(quantised.up.bias[j]) * step / 128.0, rbm.hidden_bias[j].into(), step / 128.0);
                // Downwards the same scale, rounded to whole steps.
                let down = f64::from(quantised.steps[j]) / f64::from(quantised.shift).exp2() / f64::from(NATS);
                let allowed =
                    0.5 / f64::from(quantised.shift).exp2() / f64::from(NATS) + step * tolerance::RESCALE_MANTISSA;
                assert!((down - step).abs() <= allowed, "down {down}, up {step}");
            }
            assert!(quantised.steps.iter().map(|&step| u64::from(step)).sum::<u64>() <= MAX_DOWN_STEPS);
        }
    }
    Ok(())
}

/// Of narrow weights no other scale has a smaller squared error, as far as a grid can tell: 0.1 % around the regression's minimum,
/// and everywhere else for the codes that the scale itself rounds to.
#[test]
fn narrow_weights_take_the_scale_of_least_squares() -> Result<(), Error> {
    for (visible, hidden) in [(64, 40), (300, 33)] {
        let rbm = machine(visible, hidden, 1.0);
        for (storage, largest) in [(Storage::Int4, 7.0), (Storage::Sign, 1.0)] {
            let quantised = quantised(rbm.clone(), storage)?;
            for j in 0..hidden {
                let exact: Vec<f64> = rbm.weights[j * visible..][..visible].iter().copied().map(f64::from).collect();
                let codes = &quantised.up.weights[j * visible..][..visible];
                let step = scale(&quantised, j);
                let ours: f64 = exact.iter().zip(codes).map(|(w, &code)| (w - f64::from(code) * step).powi(2)).sum();
                let of_scale = |step: f64| -> f64 {
                    let code = |w: f64| {
                        if storage == Storage::Sign { w.signum() } else { (w / step).round().clamp(-largest, largest) }
                    };
                    exact.iter().map(|&w| (w - code(w) * step).powi(2)).sum()
                };
                for n in 1..400 {
                    let other = of_scale(f64::from(n) / 100.0 / largest);
                    assert!(ours <= other * tolerance::SCALE_SEARCH, "{storage:?} unit {j}: {ours}, at {n} {other}");
                }
            }
        }
    }
    Ok(())
}

/// The machine that the integers stand for, in f32.
fn dequantised(quantised: &IntegerRbmParameters) -> RbmParameters {
    let visible = quantised.visible_bias.len();
    let scales: Vec<f64> = (0..quantised.up.bias.len()).map(|j| scale(quantised, j)).collect();
    let weights = quantised.up.weights.iter().enumerate();
    let bias = quantised.up.bias.iter().zip(&scales);
    RbmParameters {
        weights: weights.map(|(n, &w)| (f64::from(w) * scales[n / visible]) as f32).collect(),
        visible_bias: quantised.visible_bias.iter().map(|&a| (f64::from(a) / f64::from(NATS)) as f32).collect(),
        hidden_bias: bias.map(|(&b, s)| (f64::from(b) * s / f64::from(ONE)) as f32).collect(),
        kinds: UnitKinds::default(),
    }
}

#[test]
fn free_energies_are_those_of_the_machine_that_the_integers_stand_for() -> Result<(), Error> {
    for ((visible, hidden), storage) in
        SHAPES.into_iter().flat_map(|shape| Storage::ALL.map(|storage| (shape, storage)))
    {
        let quantised = quantised(machine(visible, hidden, 1.0), storage)?;
        let exact = dequantised(&quantised);
        let (float, int8) = (exact.view()?, quantised.view()?);
        for seed in 0..20 {
            let levels: Vec<u8> = uniform(visible, 64.0, seed, 7).into_iter().map(|x| (x + 64.0) as u8).collect();
            let values: Vec<f32> = levels.iter().map(|&x| f32::from(x) / f32::from(ONE)).collect();
            // Only the two shifts of a rescale round.
            let fields = quantised.up.rescale.iter().map(|&rescale| tolerance::rescale(rescale) / f64::from(NATS));
            let allowed = tolerance::int8_free_energy_nats(fields) + tolerance::FLOAT_FREE_ENERGY;
            let (exact, ours) = (float.free_energy(&values)?, int8.free_energy(&levels)?);
            let error = f64::from((Integer::nats(ours) - exact).abs());
            assert!(error <= allowed, "{visible} × {hidden}: off by {error} nats, allowed {allowed}");
        }
    }
    Ok(())
}

#[test]
fn levels_and_values_mean_the_same() {
    for max in [1u16, 16, 255, 1000] {
        for level in 0..=max + 1 {
            let from_level = Integer::from_level(level, max);
            assert_eq!(from_level, Integer::from_unit(Float::from_level(level, max)), "level {level} of {max}");
        }
    }
    assert_eq!((Integer::from_unit(f32::NAN), Integer::from_unit(-1.0), Integer::from_unit(2.0)), (0, 0, ONE));
}

#[test]
fn what_does_not_fit_the_fixed_point_is_refused_by_place() {
    let refused = |change: &dyn Fn(&mut Net)| {
        let mut net = net(machine(4, 3, 1.0));
        change(&mut net);
        quantize(&net, INT8).expect_err("a net that does not fit").to_string()
    };
    let machine = |net: &mut Net| net.machine.take().expect("a machine");
    let message = refused(&|net| {
        let mut rbm = machine(net);
        rbm.weights[5] = 1e9;
        net.machine = Some(rbm);
    });
    assert!(message.contains("the machine: its weights are too large"), "{message}");
    let message = refused(&|net| {
        let mut rbm = machine(net);
        rbm.visible_bias[2] = 3000.0;
        net.machine = Some(rbm);
    });
    assert!(message.contains("the machine: a visible bias"), "{message}");
    let message = refused(&|net| net.layers[0].weights[3] = -1e9);
    assert!(message.contains("hidden layer 0: its weights are too large"), "{message}");
    let message = refused(&|net| net.head.weights[0] = 1e9);
    assert!(message.contains("the head: its weights are too large"), "{message}");
}

#[test]
fn a_written_model_holds_what_was_measured_on_it() -> Result<(), Error> {
    let digits = digits::load()?;
    let quantised = quantize(&net(machine(64, 6, 0.3)), INT8)?;
    let file = model_file::<Integer>(&quantised.layers()?, &digits, 42, 0)?;
    let model: Model<'_> = file.model()?;
    let header = model.header();
    assert_eq!((header.provenance.seed, header.provenance.dataset), (42, "digits"));
    assert_eq!(header.labels.lines().count(), 10);

    let novelty = header.novelty.expect("a threshold");
    let energies = novelty::free_energies::<Integer>(&model, &digits.train.inputs, 0).expect("it fits");
    let novel = energies.iter().filter(|&&energy| model.is_novel::<Integer>(energy) == Some(true)).count() as f64;
    let share = novel / energies.len() as f64;
    let expected = 1.0 - f64::from(novelty.quantile);
    assert!(share <= expected && share > expected - 0.005, "{share} of the calibration data count as novel");
    let measured = ebm_train::eval::classification::evaluate::<Integer>(&model, &digits.test, 0).expect("it fits");
    assert_eq!(header.provenance.test_accuracy, Some(measured.accuracy as f32));
    Ok(())
}

/// The trained classifier of the fixtures, as parameters.
fn trained() -> Result<Net, Error> {
    let file = ModelFile::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/digits-f32.ebm")))?;
    match file.parameters()? {
        Read::Classifier(net) => Ok(net),
        Read::Dbn(_) => panic!("the fixture has a head"),
    }
}

/// What each storage costs on the digits: accuracy on the test set, and the median error of the free energy.
#[test]
fn losses_on_the_digits_are_within_their_bounds() -> Result<(), Error> {
    let digits = digits::load()?;
    let net = trained()?;
    let float = model_file::<Float>(&net.layers()?, &digits, 0, 0)?;
    let accuracy = |file: &ModelFile| -> Result<f64, Error> {
        Ok(file.model()?.header().provenance.test_accuracy.expect("measured").into())
    };
    let exact = novelty::free_energies::<Float>(&float.model()?, &digits.test.inputs, 0).expect("it fits");
    // Accuracy lost (as a share) and free energy off (in nats) at most. The margin over what is measured is a few of 1,797 digits.
    let bounds = [
        (Storages::all(Storage::Int8), 0.001, 0.05),
        (Storages::all(Storage::Int8Rows), 0.001, 0.05),
        (Storages::below_the_head(Storage::Int4), 0.006, 0.2),
        (Storages::all(Storage::Int4), 0.008, 0.2),
        (Storages::below_the_head(Storage::Sign), 0.26, 6.0),
    ];
    for (storages, lost_at_most, nats_at_most) in bounds {
        let quantised = quantize(&net, storages)?;
        let file = model_file::<Integer>(&quantised.layers()?, &digits, 0, 0)?;
        let energies = novelty::free_energies::<Integer>(&file.model()?, &digits.test.inputs, 0).expect("it fits");
        let mut errors: Vec<f32> = energies.iter().zip(&exact).map(|(&a, b)| (Integer::nats(a) - b).abs()).collect();
        errors.sort_by(f32::total_cmp);
        let (lost, median) = (accuracy(&float)? - accuracy(&file)?, errors[errors.len() / 2]);
        println!("{storages:?}: {lost:.4} of accuracy lost, {median:.3} nats, {} bytes", file.bytes().len());
        assert!(lost <= lost_at_most, "{storages:?} loses {lost} of accuracy");
        assert!(median <= nats_at_most, "{storages:?} is off by {median} nats");
    }
    Ok(())
}
