//! The backend's operations one by one, at the sizes of the workloads that `ebm-train bench` times whole: `cargo bench -p ebm-train`.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use ebm_core::rng::{Purpose, Stream};
use ebm_core::{Beta, HiddenKind};
use ebm_train::backend::{Backend, Cpu, Direction, Draws, Link, Step};
use ebm_train::parameters::UnitKinds;

/// Samples of a minibatch, visible and hidden units.
const SHAPES: [[usize; 3]; 3] = [[64, 784, 128], [100, 784, 500], [128, 784, 1024]];

fn main() {
    divan::main();
}

fn backend() -> Cpu {
    Cpu::new(1).unwrap_or_else(|error| panic!("{error}"))
}

fn filled(backend: &Cpu, rows: usize, columns: usize) -> <Cpu as Backend>::Tensor {
    let values: Vec<f32> = (0..rows * columns).map(|index| (index % 17) as f32 / 40.0 - 0.2).collect();
    backend.upload(rows, columns, &values)
}

/// Multiply-adds of a product at this shape.
fn products([rows, visible, hidden]: [usize; 3]) -> ItemsCount {
    ItemsCount::new(rows * visible * hidden)
}

#[divan::bench(args = SHAPES)]
fn up(bencher: Bencher<'_, '_>, shape @ [rows, visible, hidden]: [usize; 3]) {
    let backend = backend();
    let (weights, bias) = (filled(&backend, hidden, visible), filled(&backend, 1, hidden));
    let (input, mut out) = (filled(&backend, rows, visible), backend.zeros(rows, hidden));
    bencher.counter(products(shape)).bench_local(|| {
        backend.affine(Direction::Up, black_box(&weights), Some(&bias), Link::Sigmoid, &input, &mut out);
    });
}

#[divan::bench(args = SHAPES)]
fn down(bencher: Bencher<'_, '_>, shape @ [rows, visible, hidden]: [usize; 3]) {
    let backend = backend();
    let (weights, bias) = (filled(&backend, hidden, visible), filled(&backend, 1, visible));
    let (input, mut out) = (filled(&backend, rows, hidden), backend.zeros(rows, visible));
    bencher.counter(products(shape)).bench_local(|| {
        backend.affine(Direction::Down, black_box(&weights), Some(&bias), Link::Sigmoid, &input, &mut out);
    });
}

#[divan::bench(args = SHAPES)]
fn outer(bencher: Bencher<'_, '_>, shape @ [rows, visible, hidden]: [usize; 3]) {
    let backend = backend();
    let (v, h) = (filled(&backend, rows, visible), filled(&backend, rows, hidden));
    let mut out = backend.zeros(hidden, visible);
    bencher.counter(products(shape)).bench_local(|| backend.outer(0.0, &[(1.0, [black_box(&v), &h])], &mut out));
}

#[divan::bench(args = SHAPES)]
fn sample(bencher: Bencher<'_, '_>, [rows, visible, _]: [usize; 3]) {
    let backend = backend();
    let (fields, bias, mut states) =
        (filled(&backend, rows, visible), filled(&backend, 1, visible), backend.zeros(0, 0));
    let samples: Vec<u32> = (0..rows as u32).collect();
    let draws = Draws { seed: 1, stream: Stream::new(Purpose::Visible), samples: &samples };
    bencher.counter(ItemsCount::new(rows * visible)).bench_local(|| {
        backend.copy(black_box(&fields), &mut states);
        backend.sample_visible(draws, &UnitKinds::default(), Beta::ONE, &bias, &mut states);
    });
}

#[divan::bench(args = SHAPES)]
fn round(bencher: Bencher<'_, '_>, [_, visible, hidden]: [usize; 3]) {
    let backend = backend();
    let (weights, mut out) = (filled(&backend, hidden, visible), Default::default());
    bencher.counter(ItemsCount::new(visible * hidden)).bench_local(|| backend.round(black_box(&weights), &mut out));
}

#[divan::bench(args = SHAPES)]
fn sample_states_down(bencher: Bencher<'_, '_>, shape @ [rows, visible, hidden]: [usize; 3]) {
    let backend = backend();
    let (bias, samples): (_, Vec<u32>) = (filled(&backend, 1, visible), (0..rows as u32).collect());
    let (mut weights, mut from, mut to) = Default::default();
    backend.round(&filled(&backend, hidden, visible), &mut weights);
    let half: Vec<f32> = (0..rows * hidden).map(|index| (index % 2) as f32).collect();
    backend.pack(&backend.upload(rows, hidden, &half), &mut from);
    let draws = Draws { seed: 1, stream: Stream::new(Purpose::Visible), samples: &samples };
    bencher.counter(products(shape)).bench_local(|| {
        backend.sample_states(draws, Direction::Down, black_box(&weights), &bias, Beta::ONE, &from, &mut to);
    });
}

#[divan::bench(args = SHAPES)]
fn free_energy_terms(bencher: Bencher<'_, '_>, [rows, _, hidden]: [usize; 3]) {
    let backend = backend();
    let (fields, mut energies) = (filled(&backend, rows, hidden), backend.zeros(rows, 1));
    bencher.counter(ItemsCount::new(rows * hidden)).bench_local(|| {
        backend.subtract_hidden_terms(HiddenKind::Bernoulli, 1.0, black_box(&fields), &mut energies);
    });
}

#[divan::bench(args = SHAPES)]
fn adam(bencher: Bencher<'_, '_>, [_, visible, hidden]: [usize; 3]) {
    let backend = backend();
    let (gradient, mut weights) = (filled(&backend, hidden, visible), filled(&backend, hidden, visible));
    let mut moments = [backend.zeros(hidden, visible), backend.zeros(hidden, visible)];
    bencher.counter(ItemsCount::new(visible * hidden)).bench_local(|| {
        backend.step(Step::Adam { learning_rate: 1e-3, taken: 1 }, black_box(&gradient), &mut moments, &mut weights);
    });
}

#[divan::bench(args = SHAPES)]
fn descend(bencher: Bencher<'_, '_>, shape @ [rows, visible, hidden]: [usize; 3]) {
    let backend = backend();
    let (v, h) = (filled(&backend, rows, visible), filled(&backend, rows, hidden));
    let mut weights = filled(&backend, hidden, visible);
    let mut moments = [backend.zeros(hidden, visible), backend.zeros(hidden, visible)];
    bencher.counter(products(shape)).bench_local(|| {
        let step = Step::Adam { learning_rate: 1e-3, taken: 1 };
        backend.descend(step, 0.0, &[(1.0, [black_box(&v), &h])], &mut moments, &mut weights);
    });
}
