//! The GPU backend's operations against the CPU's on the same inputs, over shapes that lie at and across the sizes in which either cuts its work.
//!
//! A family of operations is a function over any backend; [`hold`] calls it for both and compares what they answer. Each answer says how far the
//! other backend's may be from it. No input or result is a denormal number: a GPU may take those for 0.

mod bounds;
mod card;

use bounds::{FUNCTION, of_mean, rounded, sum};
use ebm_core::kernel::units::{free_energy_term, hidden_means};
use ebm_core::math::{self, normal_quantile};
use ebm_core::rng::{Philox, Purpose, Stream, unit_interval};
use ebm_core::{Beta, Block, HiddenKind, VisibleKind};
use ebm_tests::parameters::{Parameters, uniform};
use ebm_tests::tolerance;
use ebm_train::Error;
use ebm_train::backend::{Backend, Cpu, Direction, Draws, Gpu, Link, Step};
use ebm_train::parameters::UnitKinds;
use rand_core::Rng;
use std::borrow::Cow;
use std::ops::Range;

/// Sizes of a case.
#[derive(Clone, Copy, Debug)]
struct Shape {
    rows: usize,
    visible: usize,
    hidden: usize,
}

const fn shape(rows: usize, visible: usize, hidden: usize) -> Shape {
    Shape { rows, visible, hidden }
}

const SHAPES: [Shape; 6] =
    [shape(1, 1, 1), shape(7, 5, 3), shape(33, 17, 65), shape(64, 64, 64), shape(100, 70, 130), shape(300, 40, 20)];

/// Products that a card cuts into tiles of 32, 64 and 128 rows and columns, and those of [`SHAPES`] into the smallest. (A driver that computes on the
/// processor takes the largest tile here, and the others there.)
const TILED: [Shape; 3] = [shape(330, 19, 331), shape(650, 20, 641), shape(1281, 9, 1300)];

const LINKS: [Link; 3] = [Link::Identity, Link::Sigmoid, Link::Rectifier];
const HIDDEN_KINDS: [HiddenKind; 2] = [HiddenKind::Bernoulli, HiddenKind::Relu];

// Bounds.

/// What an operation on a GPU may be off by, in roundings: a division by 2.5, a square root by about 3.
const DIVISION: usize = 3;
/// How near a draw may lie to a unit's probability for the unit's state to differ: far more than two probabilities do.
const MARGIN: f64 = 1e-5;
/// The same for a number of copies: a product of up to 18 factors, each wrong by a few roundings.
const MARGIN_OF_COPIES: f64 = 2e-5;
/// Bound of a value that a draw so near decides.
const UNDECIDED: f64 = f64::INFINITY;
/// Relative error of Adam's step: its correction `1 − 0.999^t` is a difference, right to 3e-5 at `t = 1`, of which the step has half; and some
/// ten roundings, a square root and a division.
const ADAM: f64 = 2e-5;

/// Size of the partial sums of so many terms of size 1 whose signs are random.
fn walk(terms: usize) -> f64 {
    (terms as f64).sqrt()
}

/// Relative difference of a hidden unit's free-energy terms.
fn of_term(kind: HiddenKind) -> f64 {
    FUNCTION
        * f64::from(match kind {
            HiddenKind::Bernoulli => math::SOFTPLUS_MAX_RELATIVE_ERROR,
            HiddenKind::Relu => math::RECTIFIED_SOFTPLUS_MAX_RELATIVE_ERROR,
        })
}

/// Relative difference of the probabilities of a group whose scores differ by up to `spread`.
fn of_softmax(classes: usize, spread: f64) -> f64 {
    2.0 * tolerance::softmax(classes, spread) + rounded(DIVISION, 1.0)
}

/// Difference of draws from the normal distribution.
fn of_quantile() -> f64 {
    FUNCTION * f64::from(math::NORMAL_QUANTILE_MAX_ERROR)
}

/// A hidden unit's free-energy term.
fn term(kind: HiddenKind, field: f32) -> f64 {
    free_energy_term(kind, field).into()
}

/// A hidden unit's mean, by which its term rises with its field.
fn mean(kind: HiddenKind, field: f32) -> f64 {
    let mut mean = [field];
    hidden_means(kind, &mut mean);
    mean[0].into()
}

/// `Σ_j T(z_j + 1)` and the difference of `Σ_j T(z_j + w_j)`, weights being at most 1: the terms', of fields that were rounded, and their sum's.
fn of_terms(kind: HiddenKind, fields: &[f32]) -> (f64, f64) {
    let sizes: f64 = fields.iter().map(|z| term(kind, z + 1.0)).sum();
    let moved: f64 = fields.iter().map(|z| rounded(2, f64::from(z.abs()) + 1.0) * mean(kind, z + 1.0)).sum();
    (sizes, of_term(kind) * sizes + moved + sum(fields.len(), sizes))
}

// Answers.

/// What an operation answered, and how far from each value the other backend's may be.
struct Answer {
    what: String,
    shape: [usize; 2],
    values: Vec<f32>,
    bounds: Vec<f64>,
}

#[derive(Default)]
struct Answers(Vec<Answer>);

impl Answers {
    /// An answer that is the same to the bit, NaN and the sign of 0 aside.
    fn exact<B: Backend>(&mut self, backend: &B, what: &str, tensor: &B::Tensor) {
        self.near(backend, what, tensor, |_, _| 0.0);
    }

    /// An answer with the bound of each value, given its index and itself.
    fn near<B: Backend>(&mut self, backend: &B, what: &str, tensor: &B::Tensor, bound: impl Fn(usize, f64) -> f64) {
        let values = backend.download(tensor);
        let bounds = values.iter().enumerate().map(|(index, &value)| bound(index, value.into())).collect();
        self.0.push(Answer { what: what.into(), shape: backend.shape(tensor), values, bounds });
    }
}

/// What is wrong with an answer of the GPU's.
fn wrong(ours: &Answer, cpu: &Answer) -> Option<String> {
    if ours.shape != cpu.shape || ours.values.len() != cpu.values.len() {
        return Some(format!("{:?} values, on the CPU {:?}", ours.shape, cpu.shape));
    }
    let (mut beyond, mut other_states) = (Vec::new(), 0);
    for (index, (&ours, (&cpu, &bound))) in ours.values.iter().zip(cpu.values.iter().zip(&cpu.bounds)).enumerate() {
        let difference = (f64::from(ours) - f64::from(cpu)).abs();
        let within = difference <= bound || ours.is_nan() && cpu.is_nan() || ours == cpu;
        other_states += usize::from(bound == UNDECIDED && ours != cpu);
        if !within {
            beyond.push((difference / bound, format!("value {index} is {ours}, on the CPU {cpu} ± {bound:e}")));
        }
    }
    // Few draws lie near a probability, and of those hardly any between two versions of it; a group that differs has two other states.
    if other_states > 2 + cpu.values.len() / 10_000 {
        return Some(format!("{other_states} of {} states are others", cpu.values.len()));
    }
    let worst = beyond.iter().max_by(|(x, _), (y, _)| x.total_cmp(y))?;
    Some(format!("{} of {} values are too far off; {}", beyond.len(), cpu.values.len(), worst.1))
}

/// Cases whose tensors of samples are larger than [`SMALL`], and their parameters are not; of one there are as many samples as hidden units.
const SPLIT: [Shape; 2] = [shape(700, 70, 130), shape(192, 60, 192)];
/// Bytes of the largest tensor of a card of which few are so poor.
const SMALL: u64 = 1 << 16;

/// Fails where the GPU's answers are not the CPU's, naming every operation that differs. Also those of the same card as a lesser one: with kernels
/// that do without what not every card has, and with tensors in pieces.
fn hold(shapes: &[Shape], on_cpu: fn(&Cpu, Shape) -> Answers, on_gpu: fn(&Gpu, Shape) -> Answers) -> Result<(), Error> {
    if !card::is_there() {
        return Ok(());
    }
    let (cpu, gpu) = (Cpu::new(1)?, Gpu::new()?);
    let plain = Gpu::as_lesser(u64::MAX, false)?;
    let small = [true, false].map(|keeps_features| Gpu::as_lesser(SMALL, keeps_features));
    let [small, small_and_plain] = [&small[0], &small[1]].map(|gpu| gpu.as_ref().expect("the same card"));
    let cases = shapes.iter().map(|&shape| (shape, [&gpu, &plain]));
    let mut failures = Vec::new();
    for (shape, cards) in cases.chain(SPLIT.map(|shape| (shape, [small, small_and_plain]))) {
        let cpu = on_cpu(&cpu, shape).0;
        for gpu in cards {
            let ours = on_gpu(gpu, shape).0;
            gpu.check()?;
            assert_eq!(cpu.len(), ours.len(), "as many answers");
            let wrong = ours.iter().zip(&cpu).filter_map(|(ours, cpu)| Some((&cpu.what, wrong(ours, cpu)?)));
            let card = gpu.adapter();
            let card = format!("{:?}, tensors of {} bytes", card.features, card.largest_tensor);
            failures.extend(wrong.map(|(what, wrong)| format!("{what} of {shape:?}, {card}: {wrong}")));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

// Inputs.

/// Numbers in `[0, 1)`.
fn probabilities(count: usize, seed: u32) -> Vec<f32> {
    uniform(count, 0.5, seed, 0).into_iter().map(|x| x + 0.5).collect()
}

/// Zeros and ones, a third of them ones.
fn states(count: usize, seed: u32) -> Vec<f32> {
    probabilities(count, seed).into_iter().map(|p| f32::from(u8::from(p < 0.33))).collect()
}

/// Fields of up to `scale`, and farther out the first ones.
fn fields(count: usize, scale: f32, seed: u32) -> Vec<f32> {
    let mut fields = uniform(count, scale, seed, 0);
    for (field, special) in fields.iter_mut().zip([0.0, 30.0, -30.0, 60.0, -60.0]) {
        *field = special;
    }
    fields
}

/// Large ones among the samples: they are 32 bits.
fn samples(rows: usize) -> Vec<u32> {
    (0..rows as u32).map(|row| u32::MAX - 5 * row).collect()
}

/// Draws with something in every part of their key and counter.
fn draws(samples: &[u32]) -> Draws<'_> {
    let stream = Stream { layer: 2, phase: 300, step: 70_000, ..Stream::new(Purpose::Visible) };
    Draws { seed: 0x9876_5432_1234_5678, stream, samples }
}

/// The draws themselves, rows × columns.
fn words(draws: Draws<'_>, columns: usize) -> Vec<u32> {
    let stream = |sample| Stream { sample, ..draws.stream };
    let row = |&sample| {
        let mut rng = Philox::new(draws.seed, stream(sample));
        (0..columns).map(move |_| rng.next_u32())
    };
    draws.samples.iter().flat_map(row).collect()
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// Bound of a state that is on where the draw lies under `p`.
fn of_state(p: f64, draw: u32) -> f64 {
    of_state_within(0.0, p, draw)
}

/// The same where the field of `p` is known up to `field`: `|σ′| ≤ 1/4`.
fn of_state_within(field: f64, p: f64, draw: u32) -> f64 {
    if (p - f64::from(unit_interval(draw))).abs() <= MARGIN.max(field / 4.0) { UNDECIDED } else { 0.0 }
}

/// Units of the layer that a product comes from and of the one that it goes to, and the latter's biases.
fn ends(direction: Direction, machine: &Parameters) -> (usize, usize, &[f32]) {
    let (visible, hidden) = (machine.visible_bias.len(), machine.hidden_bias.len());
    match direction {
        Direction::Up => (visible, hidden, &machine.hidden_bias),
        Direction::Down => (hidden, visible, &machine.visible_bias),
    }
}

// Rows and columns.

fn moves<B: Backend>(backend: &B, Shape { rows, visible, hidden }: Shape) -> Answers {
    let mut answers = Answers::default();
    let mut values = uniform(rows * visible, 2.0, 1, 0);
    values.iter_mut().skip(2).step_by(5).for_each(|value| *value = f32::NAN);
    let source = backend.upload(rows, visible, &values);
    answers.exact(backend, "upload", &source);
    answers.exact(backend, "zeros", &backend.zeros(rows, hidden));

    // One place for all, which grows and shrinks.
    let mut out = backend.zeros(0, 0);
    backend.copy(&source, &mut out);
    answers.exact(backend, "copy", &out);
    let more: Vec<u32> = (0..2 * rows + 1).map(|n| ((7 * n + 3) % rows) as u32).collect();
    for names in [&more[..], &more[..1], &more[..rows]] {
        backend.gather(&source, names, &mut out);
        answers.exact(backend, "gather", &out);
    }
    for set in [Cow::Borrowed(&values[..]), Cow::Owned(values.clone())] {
        let set = backend.hold(visible, set);
        for names in [&more[..], &more[..1]] {
            backend.take_rows(&set, names, &mut out);
            answers.exact(backend, "take_rows", &out);
        }
    }
    for columns in [0..visible, visible / 3..visible, 0..1, visible - 1..visible] {
        backend.take_columns(&source, columns, &mut out);
        answers.exact(backend, "take_columns", &out);
    }
    for first in [0, hidden / 2, hidden] {
        let mut wide = backend.upload(rows, visible + hidden, &uniform(rows * (visible + hidden), 1.0, 2, 0));
        backend.put_columns(&source, first, &mut wide);
        answers.exact(backend, "put_columns", &wide);
    }

    let marks: Vec<f32> =
        states(rows * visible, 3).iter().zip([1.0, -0.5].iter().cycle()).map(|(x, y)| x * y).collect();
    let marks = backend.upload(rows, visible, &marks);
    let mut marked = backend.upload(rows, visible, &uniform(rows * visible, 1.0, 4, 0));
    backend.put_marked(&source, &marks, &mut marked);
    answers.exact(backend, "put_marked", &marked);

    let twice = |backend: &B, value: f32| {
        let mut out = backend.upload(rows, hidden, &vec![value; rows * hidden]);
        backend.rescale(2.0, None, &mut out);
        backend.download(&out)
    };
    let (x, y) = backend.join(|backend| twice(backend, 1.0), |backend| twice(backend, -3.0));
    for joined in [x, y] {
        answers.exact(backend, "join", &backend.upload(rows, hidden, &joined));
    }
    answers
}

#[test]
fn rows_and_columns_move() -> Result<(), Error> {
    hold(&SHAPES, moves, moves)
}

fn missing<B: Backend>(backend: &B, Shape { rows, visible, .. }: Shape) -> Answers {
    let mut answers = Answers::default();
    let count = rows * visible;
    let mut values = uniform(count, 2.0, 1, 0);
    values.iter_mut().skip(1).step_by(3).for_each(|value| *value = f32::NAN);
    let (x, y) = (backend.upload(rows, visible, &values), backend.upload(rows, visible, &uniform(count, 1.0, 2, 0)));
    let mut out = backend.zeros(0, 0);
    backend.fill_missing(&x, &y, &mut out);
    answers.exact(backend, "fill_missing", &out);
    let mut totals = backend.upload(1, 2, &[1.0, 2.0]);
    for _ in 0..2 {
        backend.add_errors(&x, &y, &mut totals);
        // Terms are positive: no partial sum is larger than what all come to.
        answers.near(backend, "add_errors", &totals, |_, total| sum(2 * count, total));
    }
    answers
}

#[test]
fn missing_values_are_passed_over() -> Result<(), Error> {
    hold(&SHAPES, missing, missing)
}

// Products and links.

fn products<B: Backend>(backend: &B, Shape { rows, visible, hidden }: Shape) -> Answers {
    let mut answers = Answers::default();
    let machine = Parameters::random(visible, hidden, 1.0, 1);
    let weights = backend.upload(hidden, visible, &machine.weights);
    let mut out = backend.zeros(0, 0);
    for direction in [Direction::Up, Direction::Down] {
        let (inputs, outputs, bias) = ends(direction, &machine);
        let bias = backend.upload(1, outputs, bias);
        for input in [probabilities(rows * inputs, 2), states(rows * inputs, 3)] {
            let input = backend.upload(rows, inputs, &input);
            for (link, bias) in LINKS.into_iter().flat_map(|link| [(link, None), (link, Some(&bias))]) {
                backend.affine(direction, &weights, bias, link, &input, &mut out);
                // Weights are at most 1, and of either sign.
                let field = sum(inputs + 1, walk(inputs + 1));
                let what = format!("affine {direction:?} {link:?}, bias: {}", bias.is_some());
                answers.near(backend, &what, &out, |_, y| match link {
                    Link::Identity | Link::Rectifier => field,
                    // |σ′| ≤ 1/4.
                    Link::Sigmoid => field / 4.0 + of_mean(HiddenKind::Bernoulli) * y,
                });
            }
        }
    }
    answers
}

#[test]
fn affine_maps_agree() -> Result<(), Error> {
    hold(&SHAPES, products, products)?;
    hold(&TILED, products, products)
}

/// Units of a layer drawn as their fields are computed.
fn drawn_layers<B: Backend>(backend: &B, Shape { rows, visible, hidden }: Shape) -> Answers {
    let mut answers = Answers::default();
    let machine = Parameters::random(visible, hidden, 1.0, 1);
    let weights = backend.upload(hidden, visible, &machine.weights);
    let samples = samples(rows);
    let draws = draws(&samples);
    let (mut means, mut of_units) = (backend.zeros(0, 0), backend.zeros(0, 0));
    for direction in [Direction::Up, Direction::Down] {
        let (inputs, outputs, bias) = ends(direction, &machine);
        let (bias, words) = (backend.upload(1, outputs, bias), words(draws, outputs));
        let input = backend.upload(rows, inputs, &probabilities(rows * inputs, 2));
        backend.affine(direction, &weights, Some(&bias), Link::Identity, &input, &mut of_units);
        let fields = backend.download(&of_units);
        let field = sum(inputs + 1, walk(inputs + 1));
        for beta in [Beta::ZERO, Beta::new(77), Beta::ONE] {
            backend.sample_affine(draws, direction, &weights, &bias, beta, &input, &mut of_units);
            let value = f64::from(beta.value());
            let bound = |unit: usize, _| of_state_within(field, sigmoid(value * f64::from(fields[unit])), words[unit]);
            answers.near(backend, &format!("sample_affine {direction:?} at {beta:?}"), &of_units, bound);
        }
        backend.means_and_states(draws, direction, &weights, &bias, &input, &mut means, &mut of_units);
        let bound = |unit: usize, _| of_state_within(field, sigmoid(fields[unit].into()), words[unit]);
        answers.near(backend, &format!("states {direction:?}"), &of_units, bound);
        let bound = |_, mean: f64| field / 4.0 + of_mean(HiddenKind::Bernoulli) * mean;
        answers.near(backend, &format!("means {direction:?}"), &means, bound);
    }
    answers
}

#[test]
fn units_are_drawn_as_their_fields_are_computed() -> Result<(), Error> {
    hold(&SHAPES, drawn_layers, drawn_layers)?;
    hold(&TILED, drawn_layers, drawn_layers)
}

fn derivatives<B: Backend>(backend: &B, Shape { rows, visible, hidden }: Shape) -> Answers {
    let mut answers = Answers::default();
    let machine = Parameters::random(visible, hidden, 1.0, 1);
    let weights = backend.upload(hidden, visible, &machine.weights);
    let mut out = backend.zeros(0, 0);
    for direction in [Direction::Up, Direction::Down] {
        let (inputs, units, _) = ends(direction, &machine);
        let input = backend.upload(rows, inputs, &uniform(rows * inputs, 1.0, 2, 0));
        let outputs = backend.upload(rows, units, &probabilities(rows * units, 3));
        for (link, kept) in LINKS.into_iter().flat_map(|link| [(link, 1.0), (link, 0.75)]) {
            backend.affine_backward(direction, &weights, &input, (link, kept), &outputs, &mut out);
            // No link makes more of a derivative than 1 / kept times as much.
            let bound = 1.5 * (sum(inputs, walk(inputs)) + rounded(4, walk(inputs)));
            answers.near(backend, &format!("affine_backward {direction:?} {link:?} {kept}"), &out, |_, _| bound);
        }
    }
    // Outputs of units that dropout left out or a rectifier has off are 0.
    let mut of_units = probabilities(rows * hidden, 1);
    of_units.iter_mut().step_by(3).for_each(|y| *y = 0.0);
    let outputs = backend.upload(rows, hidden, &of_units);
    for (link, kept) in LINKS.into_iter().flat_map(|link| [(link, 1.0), (link, 0.75)]) {
        let mut delta = backend.upload(rows, hidden, &uniform(rows * hidden, 1.0, 2, 0));
        backend.backward(link, kept, &outputs, &mut delta);
        // A handful of roundings of numbers up to 1.
        answers.near(backend, &format!("backward {link:?} {kept}"), &delta, |_, delta| match link {
            Link::Identity => 0.0,
            Link::Sigmoid => rounded(4, 1.0),
            Link::Rectifier => rounded(DIVISION, delta.abs()),
        });
    }
    answers
}

#[test]
fn derivatives_pass_back_through_links() -> Result<(), Error> {
    hold(&SHAPES, derivatives, derivatives)
}

fn statistics<B: Backend>(backend: &B, Shape { rows, visible, hidden }: Shape) -> Answers {
    let mut answers = Answers::default();
    // Two terms, of different numbers of samples.
    let matrix = |rows, columns, seed| backend.upload(rows, columns, &probabilities(rows * columns, seed));
    let (v, w) = (matrix(rows, visible, 1), matrix(rows + 3, visible, 2));
    let (h, g) = (matrix(rows, hidden, 3), matrix(rows + 3, hidden, 4));
    let count = 2 * rows + 4;
    for keep in [0.0, 0.5, 1.0] {
        for (number, scales) in [[1.5, 0.5], [1.0, -1.0]].into_iter().enumerate() {
            // Scales of both terms add up to 2 at most, inputs are at most 1.
            let bound = sum(count, 2.0 * count as f64);
            let mut out = matrix(hidden, visible, 5);
            backend.outer(keep, &[(scales[0], [&v, &h]), (scales[1], [&w, &g])], &mut out);
            answers.near(backend, &format!("outer {keep} {number}"), &out, |_, _| bound);
            let mut out = matrix(hidden, visible, 5);
            backend.outer(keep, &[(scales[0], [&v, &h])], &mut out);
            answers.near(backend, &format!("outer of one term {keep}"), &out, |_, _| bound);
            let mut out = matrix(1, visible, 6);
            backend.column_sums(keep, &[(scales[0], &v), (scales[1], &w), (-0.5, &v)], &mut out);
            answers.near(backend, &format!("column_sums {keep} {number}"), &out, |_, _| 2.0 * bound);
            let mut out = matrix(1, hidden, 7);
            backend.column_sums(keep, &[(scales[0], &h)], &mut out);
            answers.near(backend, &format!("column_sums of one term {keep}"), &out, |_, _| bound);
        }
    }
    answers
}

#[test]
fn statistics_are_the_same_sums() -> Result<(), Error> {
    hold(&SHAPES, statistics, statistics)?;
    // Of so many columns by rows are the statistics.
    hold(&TILED.map(|Shape { rows, visible, hidden }| shape(visible, rows, hidden)), statistics, statistics)
}

fn elements<B: Backend>(backend: &B, Shape { rows, visible, .. }: Shape) -> Answers {
    let mut answers = Answers::default();
    let count = rows * visible;
    let mut of_source = uniform(count, 3.0, 1, 0);
    of_source.iter_mut().step_by(4).zip([0.0, -0.0].into_iter().cycle()).for_each(|(value, zero)| *value = zero);
    let source = backend.upload(rows, visible, &of_source);
    let start = || backend.upload(rows, visible, &uniform(count, 2.0, 2, 0));
    let (row, column) = (uniform(visible, 1.0, 3, 0), uniform(rows, 1.0, 4, 0));
    let (row, column) = (backend.upload(1, visible, &row), backend.upload(rows, 1, &column));

    let mut out = start();
    backend.add_scaled(-0.3, &source, &mut out);
    answers.near(backend, "add_scaled", &out, |_, _| rounded(2, 3.0));
    let mut out = start();
    backend.add_signs(-0.3, &source, &mut out);
    answers.near(backend, "add_signs", &out, |_, _| rounded(1, 2.3));
    for shift in [None, Some((0.7, &row))] {
        let mut out = start();
        backend.rescale(0.6, shift, &mut out);
        answers.near(backend, "rescale", &out, |_, _| rounded(3, 2.0));
    }
    let mut out = start();
    backend.multiply_columns(&row, &mut out);
    answers.near(backend, "multiply_columns", &out, |_, y| rounded(1, y.abs()));
    let mut out = start();
    backend.multiply_rows(&column, &mut out);
    answers.near(backend, "multiply_rows", &out, |_, y| rounded(1, y.abs()));
    // Rows of unlike norms, some of which are larger than allowed: a third of the elements' mean square is 4 / 3.
    let mut out = start();
    backend.multiply_rows(&column, &mut out);
    backend.limit_norms(0.5 * (visible as f32).sqrt(), &mut out);
    let of_norm = sum(visible, 1.0) + rounded(DIVISION + 2, 1.0);
    answers.near(backend, "limit_norms", &out, |_, y| of_norm * y.abs());
    answers
}

#[test]
fn elements_rows_and_columns_are_scaled() -> Result<(), Error> {
    hold(&SHAPES, elements, elements)
}

// Draws.

fn drawn<B: Backend>(backend: &B, Shape { rows, hidden, .. }: Shape) -> Answers {
    let mut answers = Answers::default();
    let (count, samples) = (rows * hidden, samples(rows));
    let draws = draws(&samples);
    let words = words(draws, hidden);

    // Comparisons of the same numbers.
    let mut of_units = probabilities(count, 1);
    of_units.iter_mut().zip([0.0, 1.0, 0.5, 0.25, 0.75]).for_each(|(p, special)| *p = special);
    let mut out = backend.zeros(0, 0);
    for probabilities in [of_units, vec![0.5; count]] {
        backend.bernoulli(draws, &backend.upload(rows, hidden, &probabilities), &mut out);
        answers.exact(backend, "bernoulli", &out);
    }
    let mut out = backend.upload(rows, hidden, &vec![1.5; count]);
    backend.dropout(draws, 0.5, &mut out);
    answers.exact(backend, "dropout of a half", &out);
    let mut out = backend.upload(rows, hidden, &vec![-1.5; count]);
    backend.dropout(draws, 0.3, &mut out);
    answers.near(backend, "dropout", &out, |_, y| rounded(DIVISION + 1, y.abs()));

    let before = uniform(count, 2.0, 2, 0);
    let mut out = backend.upload(rows, hidden, &before);
    backend.add_noise(draws, 0.4, &mut out);
    answers.near(backend, "add_noise", &out, |_, _| 0.4 * of_quantile() + rounded(2, 5.0));

    // More rows than before, and draws of another step.
    let more: Vec<u32> = (0..2 * rows as u32).collect();
    let others = Draws { seed: 3, stream: Stream::new(Purpose::Dropout), samples: &more };
    let mut out = backend.upload(2 * rows, hidden, &vec![1.0; 2 * count]);
    backend.dropout(others, 0.5, &mut out);
    answers.exact(backend, "dropout of other samples", &out);

    for beta in [Beta::ZERO, Beta::new(77), Beta::ONE, Beta::MAX] {
        let (value, of_units) = (f64::from(beta.value()), fields(count, 8.0, 3));
        let start = || backend.upload(rows, hidden, &of_units);
        let mut out = start();
        backend.sample_hidden(draws, HiddenKind::Bernoulli, beta, &mut out);
        let bound = |unit: usize, _| of_state(sigmoid(value * f64::from(of_units[unit])), words[unit]);
        answers.near(backend, &format!("sample_hidden at {beta:?}"), &out, bound);

        let mut out = start();
        backend.sample_hidden(draws, HiddenKind::Relu, beta, &mut out);
        // Of the root, its argument and the product; then of the sum. The rectifier passes on what is off.
        let bound = |unit: usize, _| {
            let field = f64::from(of_units[unit]);
            let deviation = (sigmoid(value * field) / value.max(1.0 / 256.0)).sqrt();
            let moved = deviation * f64::from(normal_quantile(words[unit])).abs();
            deviation * of_quantile() + rounded(2 * DIVISION + 4, moved) + rounded(1, field.abs() + moved)
        };
        answers.near(backend, &format!("sample_hidden of rectified units at {beta:?}"), &out, bound);
    }

    let of_units = fields(count, 12.0, 4);
    let mut out = backend.upload(rows, hidden, &of_units);
    backend.sample_hidden_exactly(draws, HiddenKind::Bernoulli, &mut out);
    answers
        .near(backend, "sample_hidden_exactly", &out, |unit, _| of_state(sigmoid(of_units[unit].into()), words[unit]));
    let mut out = backend.upload(rows, hidden, &of_units);
    backend.sample_hidden_exactly(draws, HiddenKind::Relu, &mut out);
    answers.near(backend, "sample_hidden_exactly of rectified units", &out, |unit, _| {
        of_copies(of_units[unit].into(), words[unit])
    });
    answers
}

/// Bound of the number of a rectified unit's copies that are on, `p(h + 1) / p(h) = e^(z − h − ½) / (1 − e^(−(h + 1)))`, drawn by inversion over
/// the 18 states from 8 under the field on.
fn of_copies(field: f64, draw: u32) -> f64 {
    let first = (field - 8.0).floor().max(0.0);
    let mut weights = vec![1.0];
    for copies in 0..17 {
        let copies = first + f64::from(copies);
        let rise = (field - copies - 0.5).exp() / (1.0 - (-copies - 1.0).exp());
        weights.push(weights[weights.len() - 1] * rise);
    }
    let draw = f64::from(unit_interval(draw));
    if near_a_boundary(&weights, draw, MARGIN_OF_COPIES) { UNDECIDED } else { 0.0 }
}

/// Does the draw lie near where one state of these weights ends and the next begins?
fn near_a_boundary(weights: &[f64], draw: f64, margin: f64) -> bool {
    let total: f64 = weights.iter().sum();
    let ends = weights[..weights.len() - 1].iter().scan(0.0, |below, weight| {
        *below += weight / total;
        Some(*below)
    });
    ends.into_iter().any(|end| (end - draw).abs() <= margin)
}

#[test]
fn draws_are_the_same() -> Result<(), Error> {
    hold(&SHAPES, drawn, drawn)
}

// Rounded weights.

/// A weight as [`Backend::round`] leaves it, in f64.
fn in_quanta(weight: f32, quantum: f64) -> f64 {
    (f64::from(weight) / quantum).round_ties_even().clamp(-32767.0, 32767.0) * quantum
}

/// The quantum of weights of which this is the largest.
fn quantum(weights: &[f32]) -> f64 {
    let largest = weights.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
    f64::from(largest).log2().floor().exp2() / f64::from(1 << 14)
}

fn rounded_weights<B: Backend>(backend: &B, Shape { rows, visible, hidden }: Shape) -> Answers {
    let mut answers = Answers::default();
    // No sum reaches 2²⁴ quanta: a third of at most 784 weights of up to 2¹⁵ are summed, of either sign.
    let machine = Parameters::random(visible, hidden, 1.0, 1);
    let quantum = quantum(&machine.weights);
    let of_quanta: Vec<f64> = machine.weights.iter().map(|&weight| in_quanta(weight, quantum)).collect();
    let mut weights = B::Rounded::default();
    // Nothing of what was there before stays.
    backend.round(&backend.upload(visible + 1, hidden, &vec![9.0; (visible + 1) * hidden]), &mut weights);
    backend.round(&backend.upload(hidden, visible, &machine.weights), &mut weights);
    let samples = samples(rows);
    let draws = draws(&samples);
    let (mut packed, mut sampled) = (B::States::default(), B::States::default());
    let mut out = backend.zeros(0, 0);
    for direction in [Direction::Up, Direction::Down] {
        let (inputs, outputs, bias) = ends(direction, &machine);
        let on = states(rows * inputs, 2);
        backend.pack(&backend.upload(rows + 5, inputs, &vec![1.0; (rows + 5) * inputs]), &mut packed);
        backend.pack(&backend.upload(rows, inputs, &on), &mut packed);
        backend.unpack(&packed, &mut out);
        answers.exact(backend, "pack and unpack", &out);

        let mut of_sums = Vec::new();
        for on in on.chunks(inputs) {
            for (unit, &bias) in bias.iter().enumerate() {
                let weight = |input: usize| match direction {
                    Direction::Up => of_quanta[unit * visible + input],
                    Direction::Down => of_quanta[input * visible + unit],
                };
                let of_states = on.iter().enumerate().map(|(input, &on)| f64::from(on) * weight(input));
                of_sums.push(f64::from(bias) + of_states.sum::<f64>());
            }
        }
        let (bias, words) = (backend.upload(1, outputs, bias), words(draws, outputs));
        for beta in [Beta::ZERO, Beta::new(180), Beta::ONE] {
            backend.sample_states(draws, direction, &weights, &bias, beta, &packed, &mut sampled);
            backend.unpack(&sampled, &mut out);
            let value = f64::from(beta.value());
            let bound = |unit: usize, _| of_state(sigmoid(value * of_sums[unit]), words[unit]);
            answers.near(backend, &format!("sample_states {direction:?} {beta:?}"), &out, bound);
        }
        // Back and forth, as in a chain, to the size of the first layer.
        let (back, bias) = match direction {
            Direction::Up => (Direction::Down, &machine.visible_bias),
            Direction::Down => (Direction::Up, &machine.hidden_bias),
        };
        let (bias, mut of_first) = (backend.upload(1, inputs, bias), B::States::default());
        backend.pack(&backend.upload(rows, outputs, &states(rows * outputs, 3)), &mut packed);
        backend.sample_states(draws, back, &weights, &bias, Beta::ZERO, &packed, &mut sampled);
        backend.sample_states(
            draws,
            direction,
            &weights,
            &backend.zeros(1, outputs),
            Beta::ZERO,
            &sampled,
            &mut of_first,
        );
        backend.unpack(&of_first, &mut out);
        answers.near(backend, "sample_states twice", &out, |unit, _| of_state(0.5, words[unit]));
    }
    answers
}

#[test]
fn states_over_rounded_weights_are_the_same() -> Result<(), Error> {
    let shapes: Vec<Shape> = SHAPES.into_iter().chain([shape(12, 784, 31), shape(261, 129, 64)]).collect();
    hold(&shapes, rounded_weights, rounded_weights)
}

/// Weights so large that their quantum is 64 nats, biases that cancel what they are rounded to: every unit is undecided, and one that was rounded
/// otherwise would be always or never on.
fn roundings<B: Backend>(backend: &B, Shape { rows, visible: other, .. }: Shape) -> Answers {
    const QUANTUM: f32 = 64.0;
    // The largest, which would be 2¹⁵ quanta, and what lies just under it; ties; their neighbours; nothing.
    let largest = [2_097_151.0, -2_097_151.0, 2_097_120.0, 32_766.5 * QUANTUM];
    let ties = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 12_344.5, 12_345.5, -12_344.5, -12_345.5].map(|tie| tie * QUANTUM);
    let others = [31.0, 33.0, -31.0, -33.0, 95.0, 97.0, 0.0, -0.0, 1.0e-3, 777_777.0, -777_777.0];
    let values: Vec<f32> = largest.into_iter().chain(ties).chain(others).collect();
    let bias: Vec<f32> = values.iter().map(|&value| -in_quanta(value, QUANTUM.into()) as f32).collect();

    let mut answers = Answers::default();
    let (count, samples) = (values.len(), samples(rows));
    let draws = draws(&samples);
    let words = words(draws, count);
    let bias = backend.upload(1, count, &bias);
    // One unit of the other layer is on.
    let on: Vec<f32> = (0..rows * other).map(|n| f32::from(u8::from(n % other == n / other % other))).collect();
    for direction in [Direction::Up, Direction::Down] {
        let weights: Vec<f32> = match direction {
            Direction::Up => values.iter().flat_map(|&value| vec![value; other]).collect(),
            Direction::Down => values.repeat(other),
        };
        let shape = if direction == Direction::Up { [count, other] } else { [other, count] };
        let (mut of_backend, mut packed, mut sampled) = Default::default();
        backend.round(&backend.upload(shape[0], shape[1], &weights), &mut of_backend);
        backend.pack(&backend.upload(rows, other, &on), &mut packed);
        backend.sample_states(draws, direction, &of_backend, &bias, Beta::ONE, &packed, &mut sampled);
        let mut out = backend.zeros(0, 0);
        backend.unpack(&sampled, &mut out);
        answers.near(backend, &format!("round {direction:?}"), &out, |unit, _| of_state(0.5, words[unit]));
    }
    answers
}

#[test]
fn weights_are_rounded_to_the_same_quanta() -> Result<(), Error> {
    hold(&[shape(64, 9, 0)], roundings, roundings)
}

// Visible kinds.

/// Layers of so many units, of every kind by itself and of several.
fn layouts(visible: usize) -> Vec<UnitKinds> {
    use VisibleKind::{Bernoulli, Gaussian, Label, Softmax};
    let part = visible / 5;
    let mut layouts = vec![vec![], vec![(Bernoulli, visible)], vec![(Gaussian, visible)], vec![(Softmax, visible)]];
    if visible >= 5 {
        // A deviation's number is not its unit's.
        let rest = visible - 4 * part;
        layouts.push(vec![(Gaussian, part), (Softmax, part), (Bernoulli, part), (Gaussian, part), (Label, rest)]);
        let groups = std::iter::repeat_n((Softmax, 3), visible / 3);
        layouts.push(groups.chain([(Bernoulli, visible % 3)]).filter(|(_, units)| *units > 0).collect());
        layouts.push(vec![(Bernoulli, 1), (Label, visible - 1)]);
    }
    let layout = |blocks: Vec<(VisibleKind, usize)>| {
        let gaussian = blocks.iter().filter(|(kind, _)| *kind == Gaussian).map(|(_, units)| units).sum();
        let blocks = blocks.into_iter().map(|(kind, units)| Block::new(kind, units as u32)).collect();
        let sigma = probabilities(gaussian, 9).into_iter().map(|p| 0.5 + 1.5 * p).collect();
        UnitKinds { blocks, sigma, hidden: HiddenKind::Bernoulli }
    };
    layouts.into_iter().map(layout).collect()
}

/// A block's kind, its units, and their deviations where it is Gaussian.
type Run<'a> = (VisibleKind, Range<usize>, &'a [f32]);

fn runs(kinds: &UnitKinds, visible: usize) -> Vec<Run<'_>> {
    let (mut first, mut sigma) = (0, &kinds.sigma[..]);
    let mut runs = Vec::new();
    for block in &kinds.blocks {
        let kind = block.kind().expect("a kind of units");
        let gaussian = if kind == VisibleKind::Gaussian { block.units() } else { 0 };
        let (of_block, rest) = sigma.split_at(gaussian);
        runs.push((kind, first..first + block.units(), of_block));
        (first, sigma) = (first + block.units(), rest);
    }
    if runs.is_empty() {
        runs.push((VisibleKind::Bernoulli, 0..visible, sigma));
    }
    runs
}

/// States such as the layer has.
fn visible_states(kinds: &UnitKinds, rows: usize, visible: usize) -> Vec<f32> {
    let mut values = states(rows * visible, 5);
    let real = uniform(rows * visible, 3.0, 6, 0);
    for (number, (row, real)) in values.chunks_mut(visible).zip(real.chunks(visible)).enumerate() {
        for (kind, units, _) in runs(kinds, visible) {
            match kind {
                VisibleKind::Bernoulli => {}
                VisibleKind::Gaussian => row[units.clone()].copy_from_slice(&real[units]),
                VisibleKind::Softmax | VisibleKind::Label => {
                    row[units.clone()].fill(0.0);
                    row[units.start + number % units.len()] = 1.0;
                }
            }
        }
    }
    values
}

/// Numbers for every unit of every row: `of_run` pushes those of a block, given the index of the row's first value.
fn by_run(kinds: &UnitKinds, visible: usize, rows: usize, of_run: impl Fn(usize, &Run<'_>, &mut Vec<f64>)) -> Vec<f64> {
    let mut all = Vec::new();
    for row in 0..rows {
        for run in runs(kinds, visible) {
            of_run(row * visible, &run, &mut all);
        }
    }
    all
}

fn visible_units<B: Backend>(backend: &B, Shape { rows, visible, .. }: Shape) -> Answers {
    let mut answers = Answers::default();
    let (of_bias, of_inputs) = (uniform(visible, 2.0, 1, 0), uniform(rows * visible, 8.0, 2, 0));
    let bias = backend.upload(1, visible, &of_bias);
    let inputs = backend.upload(rows, visible, &of_inputs);
    let samples = samples(rows);
    let draws = draws(&samples);
    let words = words(draws, visible);
    for kinds in layouts(visible) {
        let what = |operation: &str| {
            let units = runs(&kinds, visible).into_iter().take(5);
            let units: Vec<String> = units.map(|(kind, units, _)| format!("{kind:?} {}", units.len())).collect();
            format!("{operation} of {}", units.join(", "))
        };
        let mut out = backend.zeros(0, 0);
        backend.visible_start(&kinds, &bias, &mut out);
        answers.exact(backend, &what("visible_start"), &out);

        let mut out = backend.zeros(0, 0);
        backend.copy(&inputs, &mut out);
        backend.visible_means(&kinds, &bias, &mut out);
        let means = backend.download(&out);
        let bounds = by_run(&kinds, visible, rows, |first, (kind, units, sigma), bounds| {
            for unit in units.clone() {
                let (x, y) = (f64::from(of_inputs[first + unit]), f64::from(means[first + unit]));
                bounds.push(match kind {
                    VisibleKind::Bernoulli => of_mean(HiddenKind::Bernoulli) * y,
                    VisibleKind::Gaussian => {
                        let sigma = f64::from(sigma[unit - units.start]);
                        rounded(3, f64::from(of_bias[unit]).abs() + sigma * sigma * x.abs())
                    }
                    VisibleKind::Softmax | VisibleKind::Label => of_softmax(units.len(), 16.0) * y,
                });
            }
        });
        answers.near(backend, &what("visible_means"), &out, |unit, _| bounds[unit]);

        for beta in [Beta::ZERO, Beta::new(77), Beta::ONE, Beta::MAX] {
            let mut out = backend.zeros(0, 0);
            backend.copy(&inputs, &mut out);
            backend.sample_visible(draws, &kinds, beta, &bias, &mut out);
            let beta = f64::from(beta.value());
            let bounds = by_run(&kinds, visible, rows, |first, (kind, units, sigma), bounds| {
                let x = |unit: usize| f64::from(of_inputs[first + unit]);
                match kind {
                    VisibleKind::Bernoulli => {
                        bounds.extend(units.clone().map(|unit| of_state(sigmoid(beta * x(unit)), words[first + unit])));
                    }
                    VisibleKind::Gaussian => {
                        let spread = 1.0 / beta.max(1.0 / 256.0).sqrt();
                        bounds.extend(units.clone().zip(*sigma).map(|(unit, &sigma)| {
                            let sigma = f64::from(sigma);
                            let moved = sigma * spread * f64::from(normal_quantile(words[first + unit])).abs();
                            let size = f64::from(of_bias[unit]).abs() + sigma * sigma * x(unit).abs() + moved;
                            sigma * spread * of_quantile() + rounded(2 * DIVISION + 2, moved) + rounded(4, size)
                        }));
                    }
                    VisibleKind::Softmax | VisibleKind::Label => {
                        let scores: Vec<f64> = units.clone().map(|unit| beta * x(unit)).collect();
                        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                        let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
                        // Scores are rounded to parts of their size, which moves a probability by as much.
                        let margin = MARGIN + rounded(2, 8.0 * beta);
                        let draw = f64::from(unit_interval(words[first + units.start]));
                        let undecided = near_a_boundary(&weights, draw, margin);
                        bounds.extend(units.clone().map(|_| if undecided { UNDECIDED } else { 0.0 }));
                    }
                }
            });
            answers.near(backend, &what(&format!("sample_visible at {beta}")), &out, |unit, _| bounds[unit]);
        }
        visible_sums(backend, &kinds, [&of_bias, &of_inputs], what, &mut answers);
    }
    answers
}

/// Sums over a layer's units, in nats.
fn visible_sums<B: Backend>(
    backend: &B,
    kinds: &UnitKinds,
    [of_bias, of_inputs]: [&[f32]; 2],
    what: impl Fn(&str) -> String,
    answers: &mut Answers,
) {
    const LN_SQRT_TAU: f64 = 0.918_94;
    let (visible, rows) = (of_bias.len(), of_inputs.len() / of_bias.len());
    let (bias, inputs) = (backend.upload(1, visible, of_bias), backend.upload(rows, visible, of_inputs));
    let of_states = visible_states(kinds, rows, visible);
    let states = backend.upload(rows, visible, &of_states);
    // Sizes of all terms of a row: of the energy, of the partition and of the density.
    let sizes = |row: usize| {
        let mut sizes = [0.0; 3];
        for (kind, units, sigma) in runs(kinds, visible) {
            let group = matches!(kind, VisibleKind::Softmax | VisibleKind::Label);
            for unit in units.clone() {
                let x = f64::from(of_inputs[row * visible + unit]);
                let (v, bias) = (f64::from(of_states[row * visible + unit]), f64::from(of_bias[unit]));
                let of_unit = if kind == VisibleKind::Gaussian {
                    let sigma = f64::from(sigma[unit - units.start]);
                    let (deviation, own) = ((v - bias).abs() / sigma, sigma.ln().abs() + LN_SQRT_TAU);
                    let (of_x, both) = (sigma * x.abs(), deviation + sigma * x.abs());
                    [
                        0.5 * deviation * deviation,
                        bias.abs() * x.abs() + 0.5 * of_x * of_x + own,
                        0.5 * both * both + own,
                    ]
                } else {
                    let own = if group { 0.0 } else { term(HiddenKind::Bernoulli, x as f32) };
                    [(bias * v).abs(), own, own + (x * v).abs()]
                };
                sizes.iter_mut().zip(of_unit).for_each(|(size, of_unit)| *size += of_unit);
            }
            if group {
                // A logarithm of a sum: its largest score, and what the others add. A score's rounding is its own, the exponentials' come on top.
                let of_group = 8.0 + (units.len() as f64).ln() + units.len() as f64;
                sizes.iter_mut().skip(1).for_each(|size| *size += of_group);
            }
        }
        sizes
    };
    let sizes: Vec<[f64; 3]> = (0..rows).map(sizes).collect();
    let bound = |row: usize, which: usize| {
        let size = sizes[row][which];
        sum(visible, size) + of_term(HiddenKind::Bernoulli) * size + rounded(2 * DIVISION, size)
    };
    let mut out = backend.zeros(0, 0);
    backend.visible_energies(kinds, &bias, &states, &mut out);
    answers.near(backend, &what("visible_energies"), &out, |row, _| bound(row, 0));
    backend.visible_log_partitions(kinds, &bias, &inputs, &mut out);
    answers.near(backend, &what("visible_log_partitions"), &out, |row, _| bound(row, 1));
    backend.visible_log_densities(kinds, &bias, &inputs, &states, &mut out);
    answers.near(backend, &what("visible_log_densities"), &out, |row, _| bound(row, 2));
}

#[test]
fn visible_units_of_every_kind_agree() -> Result<(), Error> {
    // A group wider than what works on it together.
    let shapes: Vec<Shape> = SHAPES.into_iter().chain([shape(5, 300, 0)]).collect();
    hold(&shapes, visible_units, visible_units)
}

// Hidden kinds.

fn hidden_units<B: Backend>(backend: &B, Shape { rows, visible, hidden }: Shape) -> Answers {
    let mut answers = Answers::default();
    let machine = Parameters::random(visible, hidden, 1.0, 1);
    let weights = backend.upload(hidden, visible, &machine.weights);
    let of_units = fields(rows * hidden, 6.0, 2);
    let fields = backend.upload(rows, hidden, &of_units);
    let row = |row: usize| &of_units[row * hidden..(row + 1) * hidden];
    let mut changes = backend.zeros(0, 0);
    for kind in HIDDEN_KINDS {
        let mut out = backend.zeros(0, 0);
        backend.copy(&fields, &mut out);
        backend.hidden_means(kind, &mut out);
        answers.near(backend, &format!("hidden_means {kind:?}"), &out, |_, mean| of_mean(kind) * mean);

        for scale in [1.0, 0.7] {
            let mut out = backend.upload(rows, 1, &uniform(rows, 20.0, 3, 0));
            backend.subtract_hidden_terms(kind, scale, &fields, &mut out);
            let bound = |number: usize, _| of_terms(kind, row(number)).1 + rounded(2, 20.0);
            answers.near(backend, &format!("subtract_hidden_terms {kind:?} {scale}"), &out, bound);
        }

        for units in [0..visible, visible / 3..visible, visible - 1..visible] {
            let count = rows * units.len();
            // A binary unit changes by 1 up or down, or not at all.
            let of_changes = states(count, 4).into_iter().zip(states(count, 5)).map(|(x, y)| x - 0.7 * y);
            backend.copy(&backend.upload(rows, units.len(), &of_changes.collect::<Vec<_>>()), &mut changes);
            let mut out = backend.zeros(0, 0);
            backend.single_changes(kind, &weights, &fields, units.clone(), &changes, &mut out);
            // Of both terms that a change is the difference of.
            let bound = |index: usize, _| 2.0 * of_terms(kind, row(index / units.len())).1;
            answers.near(backend, &format!("single_changes {kind:?} {units:?}"), &out, bound);
        }
    }
    answers
}

#[test]
fn hidden_units_of_every_kind_agree() -> Result<(), Error> {
    hold(&SHAPES, hidden_units, hidden_units)
}

/// Where sums of term changes start: numbers beside which single ones lose most of their bits.
fn start_of_sums(rows: usize) -> Vec<f32> {
    (0..rows).flat_map(|row| [1000.0 + row as f32, 1.0e-5]).collect()
}

/// What has been added to sums of two numbers each.
fn added<B: Backend>(backend: &B, sums: &B::Tensor) -> B::Tensor {
    let sums = backend.download(sums);
    let pairs = sums.chunks(2).zip(start_of_sums(sums.len() / 2).chunks(2).map(<[f32]>::to_vec).collect::<Vec<_>>());
    let difference = |now: f32, then: f32| f64::from(now) - f64::from(then);
    let added = pairs.map(|(now, then)| (difference(now[0], then[0]) + difference(now[1], then[1])) as f32);
    backend.upload(sums.len() / 2, 1, &added.collect::<Vec<_>>())
}

fn annealing<B: Backend>(backend: &B, Shape { rows, hidden, .. }: Shape) -> Answers {
    /// Double numbers' own roundings, far under a term's.
    const OF_DOUBLE: f64 = 1.0e-8;
    let mut answers = Answers::default();
    let of_units = uniform(rows * hidden, 8.0, 1, 0);
    let fields = backend.upload(rows, hidden, &of_units);
    let slopes = backend.upload(rows, 1, &uniform(rows, 5.0, 2, 0));
    let sizes = |kind, row: usize, [from, to]: [f32; 2]| {
        let of_row = &of_units[row * hidden..(row + 1) * hidden];
        let change = of_row.iter().map(|z| (term(kind, to * z) - term(kind, from * z)).abs()).sum::<f64>();
        let terms = of_row.iter().map(|z| term(kind, to * z) + term(kind, from * z)).sum::<f64>();
        (change, terms, 5.0 * f64::from((to - from).abs()))
    };
    for kind in HIDDEN_KINDS {
        // Steps so small that a change is no difference of terms: it is right relative to itself.
        let steps: Vec<[f32; 2]> = (0..20_u8).map(|step| [step, step + 1].map(|step| f32::from(step) / 20.0)).collect();
        let mut sums = backend.upload(rows, 2, &start_of_sums(rows));
        for &step in &steps {
            backend.add_term_changes(kind, step, &slopes, &fields, &mut sums);
        }
        let bound = |row: usize, _| {
            let of_step = |step: &[f32; 2]| {
                let (change, _, slope) = sizes(kind, row, *step);
                let relative = FUNCTION * ebm_core::kernel::units::TERM_CHANGE_MAX_RELATIVE_ERROR;
                relative * change + sum(hidden, change) + rounded(3, slope) + OF_DOUBLE
            };
            steps.iter().map(of_step).sum()
        };
        answers.near(backend, &format!("add_term_changes {kind:?}, small steps"), &added(backend, &sums), bound);

        for step in [[0.25, 1.0], [1.0, 0.0]] {
            let mut sums = backend.upload(rows, 2, &start_of_sums(rows));
            backend.add_term_changes(kind, step, &slopes, &fields, &mut sums);
            let bound = |row: usize, _| {
                let (change, terms, slope) = sizes(kind, row, step);
                of_term(kind) * terms + sum(hidden, change + terms) + rounded(3, slope) + OF_DOUBLE
            };
            answers.near(backend, &format!("add_term_changes {kind:?} {step:?}"), &added(backend, &sums), bound);
        }

        // Steps under the last bit of what they are added to, in a place of two numbers.
        let nothing = backend.zeros(rows, hidden);
        let slopes = backend.upload(rows, 1, &vec![0.001; rows]);
        let mut sums = backend.upload(rows, 2, &start_of_sums(rows));
        for step in 0..100_u8 {
            let from_to = [step, step + 1].map(|step| f32::from(step) / 128.0);
            backend.add_term_changes(kind, from_to, &slopes, &nothing, &mut sums);
        }
        answers.near(backend, &format!("add_term_changes {kind:?}, tiny steps"), &added(backend, &sums), |_, _| {
            100.0 * OF_DOUBLE
        });
    }
    answers
}

#[test]
fn annealing_adds_the_same_changes() -> Result<(), Error> {
    hold(&SHAPES, annealing, annealing)
}

// Classes.

fn classes<B: Backend>(backend: &B, Shape { rows, visible, hidden }: Shape) -> Answers {
    let mut answers = Answers::default();
    let classes = visible.min(10);
    let machine = Parameters::random(visible, hidden, 1.0, 1);
    let weights = backend.upload(hidden, visible, &machine.weights);
    let bias = backend.upload(1, visible, &machine.visible_bias);
    let of_units = uniform(rows * hidden, 4.0, 2, 0);
    let fields = backend.upload(rows, hidden, &of_units);
    let derivatives = backend.upload(rows, classes, &uniform(rows * classes, 0.5, 3, 0));
    // Of one class's share in a derivative: its mean, whose field was rounded.
    let of_class = |kind, z: f32| {
        let size = mean(kind, z + 1.0);
        (0.5 * size, 0.5 * (of_mean(kind) * size + rounded(2, f64::from(z.abs()) + 1.0)))
    };
    let mut out = backend.zeros(0, 0);
    for kind in HIDDEN_KINDS {
        backend.class_scores(kind, classes, &weights, &bias, &fields, &mut out);
        let bound = |index: usize, score: f64| {
            let row = index / classes;
            of_terms(kind, &of_units[row * hidden..(row + 1) * hidden]).1 + rounded(2, score.abs() + 1.0)
        };
        answers.near(backend, &format!("class_scores {kind:?}"), &out, bound);

        backend.class_fields_backward(kind, &weights, &derivatives, &fields, &mut out);
        let bound = |index: usize, _| {
            let (size, error) = of_class(kind, of_units[index]);
            classes as f64 * error + sum(classes, classes as f64 * size)
        };
        answers.near(backend, &format!("class_fields_backward {kind:?}"), &out, bound);

        let mut gradient = backend.upload(hidden, visible, &uniform(hidden * visible, 1.0, 4, 0));
        backend.class_weights_backward(kind, &weights, &derivatives, &fields, &mut gradient);
        let bound = |index: usize, _| {
            let (unit, column) = (index / visible, index % visible);
            if column < visible - classes {
                return 0.0;
            }
            let of_rows = (0..rows).map(|row| of_class(kind, of_units[row * hidden + unit]));
            let (sizes, errors) = of_rows.fold((1.0, 0.0), |sums, row| (sums.0 + row.0, sums.1 + row.1));
            errors + sum(rows + 1, sizes)
        };
        answers.near(backend, &format!("class_weights_backward {kind:?}"), &gradient, bound);
    }
    let mut gradient = backend.upload(1, visible, &uniform(visible, 1.0, 5, 0));
    backend.class_bias_backward(&derivatives, &mut gradient);
    let bound = |unit: usize, _| if unit < visible - classes { 0.0 } else { sum(rows + 1, walk(rows) + 1.0) };
    answers.near(backend, "class_bias_backward", &gradient, bound);
    answers
}

#[test]
fn classes_have_the_same_scores_and_gradients() -> Result<(), Error> {
    hold(&SHAPES, classes, classes)
}

fn cross_entropies<B: Backend>(backend: &B, Shape { rows, hidden: classes, .. }: Shape) -> Answers {
    const SPREAD: f64 = 8.0;
    let mut answers = Answers::default();
    let labels: Vec<u16> = (0..rows).map(|row| (7 * row % classes) as u16).collect();
    let mut of_classes = uniform(rows * classes, SPREAD as f32 / 2.0, 1, 0);
    // Of equal scores the first counts as the highest.
    of_classes.chunks_mut(classes).step_by(5).for_each(|scores| scores.fill(0.25));
    for smoothing in [0.0, 0.1] {
        let mut totals = backend.upload(1, 2, &[3.0, 2.0]);
        for round in 0..2 {
            let mut scores = backend.upload(rows, classes, &of_classes);
            backend.softmax_cross_entropy(&labels, smoothing, &mut scores, &mut totals);
            // A probability, the target and their difference, each at most 1.
            let gradient = (of_softmax(classes, SPREAD) + rounded(3, 1.0)) / rows as f64;
            answers.near(backend, &format!("softmax_cross_entropy {smoothing} {round}"), &scores, |_, _| gradient);
            // A logarithm is off by what its probability is, relative to that, and by a few roundings of the largest there is.
            let largest = SPREAD + (classes as f64).ln();
            let of_row = of_softmax(classes, SPREAD) + rounded(8, largest) + sum(classes, largest);
            let rows = 2.0 * rows as f64;
            answers.near(backend, &format!("cross-entropies and hits {smoothing} {round}"), &totals, |index, total| {
                if index == 0 { rows * of_row + sum(rows as usize, total.abs()) } else { 0.0 }
            });
        }
    }
    answers
}

#[test]
fn cross_entropies_and_their_gradients_agree() -> Result<(), Error> {
    hold(&SHAPES, cross_entropies, cross_entropies)
}

// Optimisers.

const RATE: f32 = 0.05;

/// A first step, and one after many.
fn steps() -> [Step; 4] {
    let momentum = |momentum| Step::Momentum { learning_rate: RATE, momentum };
    let adam = |taken| Step::Adam { learning_rate: RATE, taken };
    [momentum(0.0), momentum(0.9), adam(0), adam(1000)]
}

fn optimisers<B: Backend>(backend: &B, Shape { visible, hidden, .. }: Shape) -> Answers {
    let mut answers = Answers::default();
    let (count, rate) = (visible * hidden, f64::from(RATE));
    // The smallest are of the size of Adam's ε.
    let mut of_gradient = uniform(count, 1.0, 1, 0);
    of_gradient.iter_mut().step_by(3).for_each(|g| *g *= 1.0e-7);
    of_gradient.iter_mut().step_by(10).for_each(|g| *g = 0.0);
    let gradient = backend.upload(hidden, visible, &of_gradient);
    for step in steps() {
        let mut theta = backend.upload(hidden, visible, &uniform(count, 1.0, 2, 0));
        let mut moments = [backend.zeros(hidden, visible), backend.zeros(hidden, visible)];
        for number in 0..3 {
            let before = backend.download(&theta);
            backend.step(step, &gradient, &mut moments, &mut theta);
            let what = |of: &str| format!("{of} after {step:?} {number}");
            // A parameter carries on what earlier steps were off by.
            let carried = f64::from(number + 1);
            answers.near(backend, &what("parameter"), &theta, |index, theta| {
                let moved = (theta - f64::from(before[index])).abs();
                carried * (rounded(4, theta.abs() + moved) + ADAM * moved.max(rate))
            });
            answers.near(backend, &what("first moment"), &moments[0], |_, m| carried * rounded(4, m.abs()));
            answers.near(backend, &what("second moment"), &moments[1], |_, v| carried * rounded(5, v.abs()));
        }
    }
    answers
}

#[test]
fn optimisers_take_the_same_steps() -> Result<(), Error> {
    hold(&SHAPES, optimisers, optimisers)
}

fn descents<B: Backend>(backend: &B, Shape { rows, visible, hidden }: Shape) -> Answers {
    let mut answers = Answers::default();
    let matrix = |rows, columns, seed| backend.upload(rows, columns, &probabilities(rows * columns, seed));
    let (v, w) = (matrix(rows, visible, 1), matrix(rows + 3, visible, 2));
    let (h, g) = (matrix(rows, hidden, 3), matrix(rows + 3, hidden, 4));
    let scale = 1.0 / rows as f32;
    let (one, both) = ([(scale, [&v, &h])], [(-scale, [&v, &h]), (scale, [&w, &g])]);
    for (step, weight_decay) in steps().into_iter().flat_map(|step| [(step, 0.0), (step, 0.01)]) {
        for terms in [&one[..], &both] {
            let mut theta = backend.upload(hidden, visible, &uniform(hidden * visible, 1.0, 5, 0));
            // Neither moment is small, so that a step moves by less than its gradient does.
            let mut moments = [6, 7].map(|seed| {
                let moment: Vec<f32> = probabilities(hidden * visible, seed).iter().map(|p| p + 0.25).collect();
                backend.upload(hidden, visible, &moment)
            });
            backend.descend(step, weight_decay, terms, &mut moments, &mut theta);
            let mut bias = backend.upload(1, hidden, &uniform(hidden, 1.0, 8, 0));
            let mut of_bias = [6, 7].map(|seed| {
                let moment: Vec<f32> = probabilities(hidden, seed).iter().map(|p| p + 0.25).collect();
                backend.upload(1, hidden, &moment)
            });
            let of_hidden: Vec<(f32, &B::Tensor)> = terms.iter().map(|(scale, [_, h])| (*scale, *h)).collect();
            backend.descend_bias(step, &of_hidden, &mut backend.zeros(1, hidden), &mut of_bias, &mut bias);
            // Terms are means of products of up to 1, of up to four times as many samples.
            let gradient = sum(2 * rows + 3, 4.0) + rounded(3, 4.0);
            let rate = f64::from(RATE);
            let what = |of: &str| format!("{of} after descending {step:?} {weight_decay} {}", terms.len());
            // Adam's step is at most some tens of rates.
            let moved = rate * gradient + rounded(3, 1.5) + ADAM * 10.0 * rate;
            answers.near(backend, &what("parameter"), &theta, |_, _| moved);
            answers.near(backend, &what("first moment"), &moments[0], |_, m| gradient + rounded(3, m.abs()));
            // Of the second moment a square of the gradient, at most 4, is a thousandth.
            answers.near(backend, &what("second moment"), &moments[1], |_, m| 0.01 * gradient + rounded(4, m.abs()));
            answers.near(backend, &what("bias"), &bias, |_, _| moved);
            answers.near(backend, &what("its moment"), &of_bias[0], |_, m| gradient + rounded(3, m.abs()));
        }
    }
    answers
}

#[test]
fn descents_take_the_same_steps() -> Result<(), Error> {
    hold(&SHAPES, descents, descents)
}

/// Steps of a net's back-propagation with nothing read in between.
fn training<B: Backend>(backend: &B, Shape { rows, visible, hidden }: Shape) -> Answers {
    let mut answers = Answers::default();
    let machine = Parameters::random(visible, hidden, 0.1, 1);
    let data = backend.hold(visible, Cow::Owned(probabilities(2 * rows * visible, 2)));
    let mut weights = backend.upload(hidden, visible, &machine.weights);
    let mut bias = backend.upload(1, hidden, &machine.hidden_bias);
    let zeros = |rows| backend.zeros(rows, visible);
    let mut moments = [zeros(hidden), zeros(hidden)];
    let mut of_bias = [backend.zeros(1, hidden), backend.zeros(1, hidden)];
    let (mut input, mut output, mut back, mut error) =
        (backend.zeros(0, 0), backend.zeros(0, 0), backend.zeros(0, 0), backend.zeros(0, 0));
    let mut gradient = backend.zeros(1, hidden);
    let step = Step::Momentum { learning_rate: 0.1, momentum: 0.5 };
    for number in 0..10 {
        // The last minibatch of an epoch is smaller.
        let size = if number % 3 == 2 { rows.div_ceil(2) } else { rows };
        let names: Vec<u32> = (0..size).map(|row| ((row + number * rows) % (2 * rows)) as u32).collect();
        backend.take_rows(&data, &names, &mut input);
        backend.affine(Direction::Up, &weights, Some(&bias), Link::Sigmoid, &input, &mut output);
        backend.affine(Direction::Down, &weights, None, Link::Sigmoid, &output, &mut back);
        backend.add_scaled(-1.0, &input, &mut back);
        backend.affine(Direction::Up, &weights, None, Link::Identity, &back, &mut error);
        backend.backward(Link::Sigmoid, 1.0, &output, &mut error);
        let scale = 1.0 / size as f32;
        backend.descend(
            step,
            1.0e-3,
            &[(scale, [&input, &error]), (scale, [&back, &output])],
            &mut moments,
            &mut weights,
        );
        backend.column_sums(0.0, &[(scale, &error)], &mut gradient);
        backend.step(step, &gradient, &mut of_bias, &mut bias);
    }
    // Parameters of up to 1 that ten steps have moved by a tenth of means of up to 1 each; a step passes earlier differences on hardly enlarged.
    let field = sum(visible.max(hidden), walk(visible.max(hidden)));
    let bound = 10.0 * (field + sum(2 * rows, 1.0));
    for (what, tensor) in [("weights", &weights), ("bias", &bias), ("activations", &output), ("errors", &back)] {
        answers.near(backend, what, tensor, |_, _| bound);
    }
    answers
}

#[test]
fn ten_steps_of_training_agree() -> Result<(), Error> {
    hold(&SHAPES, training, training)
}
