//! An epoch of training allocates nothing: what its steps need is there after the first ones.
//!
//! Only the kernels of matrix products take memory, to put a factor in the order they read it in: as often as a product by itself does is let pass.

use allocation_counter::measure;
use ebm_core::{Block, HiddenKind, VisibleKind};
use ebm_train::Error;
use ebm_train::backend::{Backend, Cpu, Direction, Link};
use ebm_train::data::digits;
use ebm_train::train::finetune::{Backpropagation, Net, Recognition, start_head};
use ebm_train::train::rbm::settings::{Algorithm, Objective, Optimizer};
use ebm_train::train::rbm::{self, Moments, Pace, Place, RbmSettings, Shape, Trainer};
use ebm_train::train::source::{OneHot, Source};

/// Samples of a minibatch.
const BATCH: usize = 32;
/// Values of a sample, hidden units, classes.
const SIZES: [usize; 3] = [64, 48, 10];
/// Steps after which everything is as large as it gets.
const WARM: u32 = 3;
/// Steps that are counted.
const COUNTED: u32 = 5;

/// Products of weights (outputs × inputs) that a step forms: up, down, and outer ones.
type Products = [u64; 3];

/// Allocations of those products by themselves.
fn of_products(backend: &Cpu, inputs: usize, outputs: usize, [ups, downs, outers]: Products) -> u64 {
    let (weights, below) = (backend.zeros(outputs, inputs), backend.zeros(BATCH, inputs));
    let [mut above, mut back, mut gradient] =
        [[BATCH, outputs], [BATCH, inputs], [outputs, inputs]].map(|[rows, columns]| backend.zeros(rows, columns));
    let mut up = || backend.affine(Direction::Up, &weights, None, Link::Identity, &below, &mut above);
    // The first makes what the thread keeps.
    up();
    ups * measure(up).count_total
        + downs
            * measure(|| backend.affine(Direction::Down, &weights, None, Link::Identity, &above, &mut back)).count_total
        + outers * measure(|| backend.outer(0.0, &[(1.0, [&below, &above])], &mut gradient)).count_total
}

/// Allocations of [`COUNTED`] steps after [`WARM`] ones, by step number.
fn of_steps(mut step: impl FnMut(u32)) -> u64 {
    (0..WARM).for_each(&mut step);
    measure(|| (WARM..WARM + COUNTED).for_each(step)).count_total
}

#[test]
fn steps_of_a_machine_allocate_only_what_products_do() -> Result<(), Error> {
    let backend = Cpu::new(1)?;
    let split = digits::load()?.train;
    let [_, hidden, classes] = SIZES;
    let base = RbmSettings { batch_size: BATCH, ..RbmSettings::default() };
    let class_rbm = RbmSettings { objective: Objective::Hybrid, ..base };
    // Settings, whether labels are visible units, and the products of a step.
    for (settings, has_labels, products) in [
        (base, false, [2, 1, 2]),
        (RbmSettings { optimizer: Optimizer::Adam, centered: false, l1: 1e-4, ..base }, false, [2, 1, 2]),
        (RbmSettings { k: 10, sparsity_target: 0.1, ..base }, false, [2, 0, 3]),
        (RbmSettings { algorithm: Algorithm::Pcd, k: 5, ..base }, false, [2, 0, 2]),
        (RbmSettings { algorithm: Algorithm::FastPcd, ..base }, false, [3, 1, 2]),
        (class_rbm, true, [3, 1, 3]),
    ] {
        let labels = has_labels.then_some(OneHot { labels: &split.labels, classes });
        let mut source = Source::new(&backend, &split.inputs, &[], labels)?;
        let blocks = [Block::new(VisibleKind::Bernoulli, 64), Block::new(VisibleKind::Label, 10)];
        let shape = Shape { blocks: Vec::from(if has_labels { &blocks[..] } else { &[] }), ..Shape::bernoulli(hidden) };
        let moments = Moments::of(&backend, &mut source)?;
        let start = rbm::start(&backend, &settings, (1, 0), &shape, &mut source)?;
        let mut trainer = Trainer::new(&backend, &settings, (1, 0), &start, &moments)?;
        let samples: Vec<u32> = (0..BATCH as u32).collect();
        let mut result = Ok(());
        let count = of_steps(|step| {
            let place = Place { seed: 1, layer: 0, step, samples: &samples };
            let pace = Pace { learning_rate: settings.learning_rate, momentum: settings.momentum, taken: step };
            if let Err(error) = trainer.learn(&backend, &mut source, place, pace) {
                result = Err(error);
            }
        });
        result?;
        let allowed = u64::from(COUNTED) * of_products(&backend, source.visible(), hidden, products);
        assert!(count <= allowed, "{count} allocations, allowed {allowed}: {settings:?}");
    }
    Ok(())
}

#[test]
fn steps_of_back_propagation_allocate_only_what_products_do() -> Result<(), Error> {
    let backend = Cpu::new(1)?;
    let split = digits::load()?.train;
    let [visible, hidden, classes] = SIZES;
    let mut source = Source::new(&backend, &split.inputs, &[], None)?;
    let settings = Backpropagation { batch_size: BATCH, dropout: 0.5, max_norm: 1.0, ..Backpropagation::default() };
    let start = Recognition::random(1, visible, &[hidden], HiddenKind::Bernoulli);
    let mut net = Net::new(&backend, &start, &start_head(1, 1, hidden, classes));
    let mut totals = backend.zeros(1, 2);
    let samples: Vec<u32> = (0..BATCH as u32).collect();
    let mut result = Ok(());
    let count = of_steps(|step| {
        result = source.gather(&backend, &samples, net.input());
        net.learn(&backend, &settings, (1, step, 0.0), (&samples, &split.labels), &mut totals);
    });
    result?;
    let allowed = u64::from(COUNTED)
        * (of_products(&backend, visible, hidden, [1, 0, 1]) + of_products(&backend, hidden, classes, [1, 1, 1]));
    assert!(count <= allowed, "{count} allocations, allowed {allowed}");
    Ok(())
}
