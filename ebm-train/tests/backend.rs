//! The CPU backend's operations against ebm-core's kernels and against their definitions, over shapes that cross its shards.

use ebm_core::kernel::{float, units};
use ebm_core::rng::{Philox, Purpose, Stream, unit_interval};
use ebm_core::{Beta, Block, HiddenKind, Machine, RbmView, Units, VisibleKind};
use ebm_tests::parameters::{Parameters, uniform};
use ebm_tests::tolerance;
use ebm_train::Error;
use ebm_train::backend::{Backend, Cpu, Direction, Draws, Link, Step};
use ebm_train::parameters::UnitKinds;
use rand_core::Rng;

/// Rows, visible and hidden units: below, at and across the sizes in which the backend cuts its work.
const SHAPES: [(usize, usize, usize); 5] = [(1, 1, 1), (7, 5, 3), (32, 64, 64), (33, 17, 65), (100, 70, 130)];

fn probabilities(count: usize, seed: u32) -> Vec<f32> {
    uniform(count, 0.5, seed, 0).into_iter().map(|x| x + 0.5).collect()
}

fn assert_close(ours: &[f32], reference: &[f32], bound: f64, what: &str) {
    assert_eq!(ours.len(), reference.len(), "{what}");
    for (index, (ours, reference)) in ours.iter().zip(reference).enumerate() {
        assert!(f64::from((ours - reference).abs()) <= bound, "{what} {index}: {ours}, reference {reference}");
    }
}

/// Fails at the first value that differs in any bit.
fn assert_same(ours: &[u32], reference: &[u32], what: &str) {
    let differs = ours.iter().zip(reference).position(|(ours, reference)| ours != reference);
    assert!(differs.is_none() && ours.len() == reference.len(), "{what}: value {differs:?} differs");
}

/// Largest magnitude of a field over `units` inputs in `[0, 1]` when weights and bias lie in `[-1, 1]`.
fn magnitude(units: usize) -> f64 {
    units as f64 + 1.0
}

#[test]
fn affine_maps_are_those_of_the_core() -> Result<(), Error> {
    let backend = Cpu::new(2)?.sharing_from(0);
    for (rows, visible, hidden) in SHAPES {
        let machine = Parameters::random(visible, hidden, 1.0, 1);
        let view: RbmView<'_> = machine.view();
        let weights = backend.upload(hidden, visible, &machine.weights);
        for direction in [Direction::Up, Direction::Down] {
            let (inputs, outputs, bias) = match direction {
                Direction::Up => (visible, hidden, &machine.hidden_bias),
                Direction::Down => (hidden, visible, &machine.visible_bias),
            };
            let values = probabilities(rows * inputs, 2);
            let input = backend.upload(rows, inputs, &values);
            let bias = backend.upload(1, outputs, bias);
            let mut out = backend.zeros(0, 0);
            backend.affine(direction, &weights, Some(&bias), Link::Sigmoid, &input, &mut out);
            let mut reference = vec![0.0; rows * outputs];
            for (row, out) in values.chunks(inputs).zip(reference.chunks_mut(outputs)) {
                match direction {
                    Direction::Up => view.hidden_probs(row, out)?,
                    Direction::Down => view.visible_probs(row, out)?,
                }
            }
            let field = 2.0 * tolerance::visible_field(inputs, magnitude(inputs));
            assert_close(&backend.download(&out), &reference, tolerance::probability(1.0, field), "probability");
        }
    }
    Ok(())
}

#[test]
fn a_draw_belongs_to_its_sample_and_unit() -> Result<(), Error> {
    for (rows, columns, _) in SHAPES {
        let values = probabilities(rows * columns, 3);
        let samples: Vec<u32> = (0..rows as u32).map(|row| 1000 - row).collect();
        let stream = Stream { step: 4, phase: 1, ..Stream::new(Purpose::Hidden) };
        let draws = Draws { seed: 9, stream, samples: &samples };
        let mut expected = Vec::new();
        for (row, &sample) in values.chunks(columns).zip(&samples) {
            let mut rng = Philox::new(9, Stream { sample, ..stream });
            expected.extend(row.iter().map(|&p| if unit_interval(rng.next_u32()) < p { 1.0 } else { 0.0 }));
        }
        for threads in [1, 2] {
            let backend = Cpu::new(threads)?.sharing_from(0);
            let mut out = backend.zeros(0, 0);
            backend.bernoulli(draws, &backend.upload(rows, columns, &values), &mut out);
            assert_eq!(backend.download(&out), expected);
        }
    }
    Ok(())
}

/// What [`Backend::round`] says that weights become, written out.
fn rounded(weights: &[f32]) -> Vec<f32> {
    let largest = weights.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
    let quantum = f64::from(largest).log2().floor().exp2() / f64::from(1 << 14);
    let of = |weight: f32| ((f64::from(weight) / quantum).round_ties_even().clamp(-32767.0, 32767.0) * quantum) as f32;
    weights.iter().map(|&weight| of(weight)).collect()
}

/// Sums of whole numbers of quanta are the same whatever adds them up: what packed states give with rounded weights is what floats give.
#[test]
fn states_over_rounded_weights_are_those_that_floats_give_to_the_bit() -> Result<(), Error> {
    for (rows, visible, hidden) in SHAPES.into_iter().chain([(6, 784, 31), (261, 129, 64)]) {
        let machine = Parameters::random(visible, hidden, 1.0, 1);
        let mut weights = machine.weights.clone();
        // Of the sizes that rounding meets: its edges, and what is lost in it.
        for (weight, special) in weights.iter_mut().skip(2).step_by(3).zip([2.0, -1.999_99, 1.0e-6, 0.0, -0.0, 6.0e-5])
        {
            *weight = special;
        }
        let samples: Vec<u32> = (0..rows as u32).map(|row| 5 * row + 1).collect();
        let stream = Stream { layer: 2, phase: 1, step: 3, ..Stream::new(Purpose::Hidden) };
        let draws = Draws { seed: 6, stream, samples: &samples };
        let beta = Beta::new(180);
        for threads in [1, 2] {
            let backend = Cpu::new(threads)?.sharing_from(0);
            let mut of_backend = Default::default();
            backend.round(&backend.upload(hidden, visible, &weights), &mut of_backend);
            let of_floats = backend.upload(hidden, visible, &rounded(&weights));
            for direction in [Direction::Up, Direction::Down] {
                let (inputs, outputs, bias) = match direction {
                    Direction::Up => (visible, hidden, &machine.hidden_bias),
                    Direction::Down => (hidden, visible, &machine.visible_bias),
                };
                let on: Vec<f32> = probabilities(rows * inputs, 4).iter().map(|&p| f32::from(p < 0.3)).collect();
                let (input, bias) = (backend.upload(rows, inputs, &on), backend.upload(1, outputs, bias));
                let (mut expected, mut out) = (backend.zeros(0, 0), backend.zeros(0, 0));
                backend.affine(direction, &of_floats, Some(&bias), Link::Identity, &input, &mut expected);
                backend.sample_hidden(draws, HiddenKind::Bernoulli, beta, &mut expected);
                let (mut packed, mut drawn) = Default::default();
                backend.pack(&input, &mut packed);
                backend.sample_states(draws, direction, &of_backend, &bias, beta, &packed, &mut drawn);
                backend.unpack(&drawn, &mut out);
                let what = format!("{rows} × {visible} × {hidden} {direction:?}");
                assert_eq!(backend.shape(&out), [rows, outputs], "{what}");
                assert_eq!(backend.download(&out), backend.download(&expected), "{what}");
                backend.unpack(&packed, &mut out);
                assert_eq!(backend.download(&out), on, "{what}");
            }
        }
    }
    Ok(())
}

/// The backend makes its draws and means many at a time; the kernels, which devices run, one by one.
#[test]
fn states_and_means_are_those_of_the_kernels_to_the_bit() -> Result<(), Error> {
    const ROWS: usize = 37;
    const BERNOULLI: HiddenKind = HiddenKind::Bernoulli;
    let samples: Vec<u32> = (0..ROWS as u32).map(|row| 7 * row + 3).collect();
    let stream = Stream { layer: 1, phase: 3, step: 5, ..Stream::new(Purpose::Visible) };
    let draws = Draws { seed: 11, stream, samples: &samples };
    for width in [1, 3, 17, 64, 65, 130] {
        let mut fields = uniform(ROWS * width, 8.0, 7, 0);
        for (field, special) in fields.iter_mut().zip([f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -0.0]) {
            *field = special;
        }
        let bias = uniform(width, 1.0, 8, 0);
        // What a kernel makes of every row, with its draws one after another.
        let by_kernel = |values: &[f32], kernel: &dyn Fn(&mut [f32], &mut Philox)| -> Vec<u32> {
            let mut values = values.to_vec();
            for (row, &sample) in values.chunks_mut(width).zip(&samples) {
                kernel(row, &mut Philox::new(11, Stream { sample, ..stream }));
            }
            values.into_iter().map(f32::to_bits).collect()
        };
        // Blocks that say of every unit what no blocks say of all of them.
        let blocks = [Block::new(VisibleKind::Bernoulli, width as u32)];
        let all_bernoulli = Units::new(&blocks, &[], BERNOULLI).expect("a visible layer");
        for threads in [1, 2] {
            let backend = Cpu::new(threads)?.sharing_from(0);
            let bits = |tensor: &_| backend.download(tensor).into_iter().map(f32::to_bits).collect::<Vec<_>>();
            let there = |values: &[f32]| backend.upload(ROWS, width, values);

            let probabilities = probabilities(ROWS * width, 9);
            let mut states = backend.zeros(0, 0);
            backend.bernoulli(draws, &there(&probabilities), &mut states);
            let expected = by_kernel(&probabilities, &|row, rng| float::bernoulli(row, rng));
            assert_same(&bits(&states), &expected, &format!("{width} states"));

            let mut means = there(&fields);
            backend.hidden_means(BERNOULLI, &mut means);
            let expected = by_kernel(&fields, &|row, _| units::hidden_means(BERNOULLI, row));
            assert_same(&bits(&means), &expected, &format!("{width} means"));

            for beta in [Beta::ZERO, Beta::new(77), Beta::ONE, Beta::MAX] {
                let mut hidden = there(&fields);
                backend.sample_hidden(draws, BERNOULLI, beta, &mut hidden);
                let kernel = |row: &mut [f32], rng: &mut Philox| units::sample_hidden(BERNOULLI, beta, row, rng);
                assert_same(&bits(&hidden), &by_kernel(&fields, &kernel), &format!("{width} hidden units at {beta:?}"));

                let kernel =
                    |row: &mut [f32], rng: &mut Philox| units::sample_visible(all_bernoulli, beta, &bias, row, rng);
                let expected = by_kernel(&fields, &kernel);
                for kinds in [UnitKinds::default(), UnitKinds::of(all_bernoulli)] {
                    let mut visible = there(&fields);
                    let bias = backend.upload(1, width, &bias);
                    backend.sample_visible(draws, &kinds, beta, &bias, &mut visible);
                    assert_same(&bits(&visible), &expected, &format!("{width} visible units at {beta:?}, {kinds:?}"));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn dropout_keeps_the_mean() -> Result<(), Error> {
    let (rows, columns, rate) = (200, 50, 0.25);
    let backend = Cpu::new(2)?.sharing_from(0);
    let samples: Vec<u32> = (0..rows as u32).collect();
    let mut values = backend.upload(rows, columns, &vec![1.0; rows * columns]);
    backend.dropout(Draws { seed: 1, stream: Stream::new(Purpose::Dropout), samples: &samples }, rate, &mut values);
    let values = backend.download(&values);
    assert!(values.iter().all(|&v| v == 0.0 || v == 1.0 / (1.0 - rate)));
    let dropped = values.iter().filter(|&&v| v == 0.0).count() as u64;
    let distance = ebm_tests::statistics::mean_z(dropped, (rows * columns) as u64, rate.into());
    assert!(distance.abs() <= tolerance::STANDARD_DEVIATIONS, "{dropped} dropped, {distance} standard deviations off");
    Ok(())
}

#[test]
fn statistics_are_sums_over_the_samples() -> Result<(), Error> {
    let backend = Cpu::new(2)?.sharing_from(0);
    for (rows, visible, hidden) in SHAPES {
        let (v, h) = (probabilities(rows * visible, 4), probabilities(rows * hidden, 5));
        let before = probabilities(visible * hidden, 6);
        let mut out = backend.upload(hidden, visible, &before);
        let (v_there, h_there) = (backend.upload(rows, visible, &v), backend.upload(rows, hidden, &h));
        backend.outer(0.5, &[(-1.5, [&v_there, &h_there]), (-0.5, [&v_there, &h_there])], &mut out);
        let mut reference = Vec::new();
        for j in 0..hidden {
            for i in 0..visible {
                let sum: f64 = (0..rows).map(|n| f64::from(v[n * visible + i]) * f64::from(h[n * hidden + j])).sum();
                reference.push((0.5 * f64::from(before[j * visible + i]) - 2.0 * sum) as f32);
            }
        }
        let bound = tolerance::visible_field(rows + 1, 2.0 * magnitude(rows));
        assert_close(&backend.download(&out), &reference, bound, "⟨v·h⟩");

        let mut sums = backend.upload(1, visible, &before[..visible]);
        backend.column_sums(0.5, &[(2.0, &v_there), (1.0, &v_there)], &mut sums);
        let sum = |i: usize| (0..rows).map(|n| f64::from(v[n * visible + i])).sum::<f64>();
        let reference: Vec<f32> = (0..visible).map(|i| (0.5 * f64::from(before[i]) + 3.0 * sum(i)) as f32).collect();
        let bound = tolerance::visible_field(rows + 1, 3.0 * magnitude(rows));
        assert_close(&backend.download(&sums), &reference, bound, "⟨v⟩");
    }
    Ok(())
}

#[test]
fn optimisers_take_the_steps_of_their_definitions() -> Result<(), Error> {
    let backend = Cpu::new(1)?;
    let one = |value: f32| backend.upload(1, 1, &[value]);
    let gradients = [0.5f32, -0.25, 2.0];

    let (mut theta, mut moments) = (one(1.0), [one(0.0), one(0.0)]);
    let (mut expected, mut velocity) = (1.0f64, 0.0);
    for g in gradients {
        backend.step(Step::Momentum { learning_rate: 0.1, momentum: 0.9 }, &one(g), &mut moments, &mut theta);
        velocity = 0.9 * velocity + f64::from(g);
        expected -= 0.1 * velocity;
    }
    assert_close(&backend.download(&theta), &[expected as f32], tolerance::OPTIMISER, "momentum");

    let (mut theta, mut moments) = (one(1.0), [one(0.0), one(0.0)]);
    let (mut expected, mut m, mut v) = (1.0f64, 0.0, 0.0);
    for (taken, g) in (0..).zip(gradients) {
        backend.step(Step::Adam { learning_rate: 0.1, taken }, &one(g), &mut moments, &mut theta);
        let g = f64::from(g);
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        let (m_hat, v_hat) = (m / (1.0 - 0.9f64.powi(taken as i32 + 1)), v / (1.0 - 0.999f64.powi(taken as i32 + 1)));
        expected -= 0.1 * m_hat / (v_hat.sqrt() + 1e-8);
    }
    assert_close(&backend.download(&theta), &[expected as f32], tolerance::OPTIMISER, "Adam");
    Ok(())
}

#[test]
fn a_descent_is_its_parts_one_after_another() -> Result<(), Error> {
    for (rows, visible, hidden) in SHAPES.into_iter().chain([(20, 31, 300)]) {
        let machine = Parameters::random(visible, hidden, 1.0, 1);
        let v = [probabilities(rows * visible, 2), probabilities(rows * visible, 3)];
        let h = [probabilities(rows * hidden, 4), probabilities(rows * hidden, 5)];
        for step in [Step::Momentum { learning_rate: 0.1, momentum: 0.9 }, Step::Adam { learning_rate: 0.01, taken: 1 }]
        {
            for (threads, decay) in [(1, 0.0), (2, 0.25)] {
                let backend = Cpu::new(threads)?.sharing_from(0);
                let v = v.each_ref().map(|values| backend.upload(rows, visible, values));
                let h = h.each_ref().map(|values| backend.upload(rows, hidden, values));
                let terms = [(0.5, [&v[0], &h[0]]), (-0.25, [&v[1], &h[1]])];
                let start = || {
                    let moment = |seed| backend.upload(hidden, visible, &probabilities(hidden * visible, seed));
                    (backend.upload(hidden, visible, &machine.weights), [moment(6), moment(7)])
                };
                let (mut weights, mut moments) = start();
                backend.descend(step, decay, &terms, &mut moments, &mut weights);
                let (mut expected, mut of_parts) = start();
                let mut gradient = backend.zeros(hidden, visible);
                backend.outer(0.0, &terms, &mut gradient);
                backend.add_scaled(decay, &expected, &mut gradient);
                backend.step(step, &gradient, &mut of_parts, &mut expected);
                let what = format!("{rows} × {visible} × {hidden}, {step:?}");
                assert_eq!(backend.download(&weights), backend.download(&expected), "{what}");
                for (moment, expected) in moments.iter().zip(&of_parts) {
                    assert_eq!(backend.download(moment), backend.download(expected), "{what}: moments");
                }
            }
        }
    }
    Ok(())
}
