//! Whole trainings of small machines: what they reach, what they are held to, and that they can be cut anywhere.

use ebm_core::{Block, HiddenKind, VisibleKind};
use ebm_tests::exact::Exact;
use ebm_tests::tolerance;
use ebm_train::Error;
use ebm_train::backend::{Backend, Cpu};
use ebm_train::data::{Batch, Samples};
use ebm_train::parameters::RbmParameters;
use ebm_train::train::rbm::settings::{Algorithm, Objective, Optimizer, Schedule, Statistics};
use ebm_train::train::rbm::{self, RbmSettings, Run, Shape};
use ebm_train::train::snapshot::Snapshot;
use ebm_train::train::source::{OneHot, Source};
use ebm_train::train::{Epoch, Monitor};

/// Ends a stage after so many minibatches, or hands it what an earlier one left.
#[derive(Default)]
struct Cut {
    from: Option<Snapshot>,
    after: Option<usize>,
    kept: Option<Snapshot>,
    epochs: Vec<Epoch>,
}

impl Monitor for Cut {
    fn begin(&mut self, _: &str) -> Result<Option<Snapshot>, Error> {
        Ok(self.from.take())
    }

    fn batch(&mut self, _: &str, snapshot: &mut dyn FnMut() -> Result<Snapshot, Error>) -> Result<(), Error> {
        let Some(left) = &mut self.after else { return Ok(()) };
        *left -= 1;
        if *left > 0 {
            return Ok(());
        }
        self.kept = Some(snapshot()?);
        Err(Error::Checkpoint("was asked for".into()))
    }

    fn epoch(&mut self, epoch: &Epoch) -> Result<(), Error> {
        self.epochs.push(epoch.clone());
        Ok(())
    }
}

/// Two opposite patterns and two mixtures of them, each as often as its number says.
const PATTERNS: [([f32; 6], usize); 4] = [
    ([1.0, 1.0, 1.0, 0.0, 0.0, 0.0], 8),
    ([0.0, 0.0, 0.0, 1.0, 1.0, 1.0], 8),
    ([1.0, 0.0, 1.0, 0.0, 1.0, 0.0], 5),
    ([0.0, 1.0, 0.0, 1.0, 0.0, 1.0], 3),
];

fn patterns() -> Samples {
    let rows = PATTERNS.iter().flat_map(|(row, times)| std::iter::repeat_n(row.to_vec(), *times));
    Batch { values: rows.flatten().collect(), visible: 6 }.into()
}

fn train(
    threads: usize,
    settings: &RbmSettings,
    shape: &Shape,
    (samples, labels): (&Samples, Option<OneHot<'_>>),
    monitor: &mut dyn Monitor,
) -> Result<RbmParameters, Error> {
    let backend = Cpu::new(threads)?.sharing_from(0);
    let mut source = Source::new(&backend, samples, &[], labels)?;
    let start = rbm::start(&backend, settings, (5, 0), shape, &mut source)?;
    let mut run = Run { stage: "rbm".into(), seed: 5, layer: 0, train: &mut source, validation: None, test: None };
    Ok(rbm::train(&backend, settings, &mut run, &start, monitor)?.parameters(&backend))
}

fn log_likelihood(machine: &RbmParameters, samples: &Samples) -> f64 {
    let exact = Exact::from_f32(&machine.weights, &machine.visible_bias, &machine.hidden_bias);
    let rows = samples.memory().expect("in memory");
    let rows: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().copied().map(f64::from).collect()).collect();
    exact.log_likelihood(&rows)
}

fn persistent(algorithm: Algorithm) -> RbmSettings {
    RbmSettings {
        algorithm,
        epochs: 600,
        batch_size: 8,
        chains: 50,
        temperatures: 4,
        learning_rate: 0.05,
        schedule: Schedule::Linear,
        momentum: 0.5,
        weight_decay: 0.0,
        ..RbmSettings::default()
    }
}

/// The data's own distribution has the largest likelihood that there is; six hidden units come near it.
#[test]
fn every_algorithm_comes_near_the_best_likelihood() -> Result<(), Error> {
    let samples = patterns();
    let total: usize = PATTERNS.iter().map(|(_, times)| times).sum();
    let best: f64 = PATTERNS.iter().map(|&(_, n)| n as f64 / total as f64).map(|p| p * p.ln()).sum();
    let shape = Shape::bernoulli(6);
    for algorithm in [Algorithm::Cd, Algorithm::Pcd, Algorithm::FastPcd, Algorithm::ParallelTempering] {
        for centered in [false, true] {
            // Patterns this far apart let a chain by itself go from one to another only in many steps.
            let (k, epochs) = match algorithm {
                Algorithm::Pcd | Algorithm::FastPcd => (25, 1500),
                Algorithm::Cd | Algorithm::ParallelTempering => (1, 4000),
            };
            let settings = RbmSettings { centered, k, epochs, learning_rate: 0.1, ..persistent(algorithm) };
            let untrained = RbmSettings { epochs: 0, ..settings };
            let before =
                log_likelihood(&train(1, &untrained, &shape, (&samples, None), &mut Cut::default())?, &samples);
            let after = log_likelihood(&train(1, &settings, &shape, (&samples, None), &mut Cut::default())?, &samples);
            let what =
                format!("{algorithm:?}, centred {centered}: {before} nats before, {after} after, {best} at best");
            assert!(after > before && best - after < tolerance::LEARNED_NATS, "{what}");
        }
    }
    Ok(())
}

/// Settings between which everything that a minibatch depends on is in use.
fn all_kinds_of_state() -> Vec<(&'static str, RbmSettings, Shape)> {
    let short = |algorithm| RbmSettings { epochs: 3, k: 2, sparsity_target: 0.1, ..persistent(algorithm) };
    let mixed = Shape {
        blocks: vec![
            Block::new(VisibleKind::Bernoulli, 2),
            Block::new(VisibleKind::Gaussian, 2),
            Block::new(VisibleKind::Bernoulli, 2),
        ],
        hidden: 4,
        hidden_kind: HiddenKind::Relu,
    };
    vec![
        ("CD", short(Algorithm::Cd), Shape::bernoulli(4)),
        (
            "Adam",
            RbmSettings { optimizer: Optimizer::Adam, centered: true, ..short(Algorithm::Pcd) },
            Shape::bernoulli(4),
        ),
        ("PCD", RbmSettings { binarize: true, l1: 1e-3, ..short(Algorithm::Pcd) }, Shape::bernoulli(4)),
        ("fast PCD", RbmSettings { centered: true, ..short(Algorithm::FastPcd) }, Shape::bernoulli(4)),
        (
            "tempering",
            RbmSettings {
                reconstruction_noise: 0.1,
                hidden_statistics: Statistics::States,
                ..short(Algorithm::ParallelTempering)
            },
            Shape::bernoulli(4),
        ),
        ("mixed units", RbmSettings { centered: true, learning_rate: 0.01, ..short(Algorithm::Pcd) }, mixed),
    ]
}

#[test]
fn a_run_cut_anywhere_goes_on_to_the_same_bits() -> Result<(), Error> {
    let samples = patterns();
    for (name, settings, shape) in all_kinds_of_state() {
        let whole = train(1, &settings, &shape, (&samples, None), &mut Cut::default())?;
        assert!(whole == train(2, &settings, &shape, (&samples, None), &mut Cut::default())?, "{name}: threads");
        // Three minibatches an epoch, three epochs: within one, at the end of one, at the very end.
        for after in [1, 2, 3, 5, 6, 8, 9] {
            let mut cut = Cut { after: Some(after), ..Cut::default() };
            assert!(train(1, &settings, &shape, (&samples, None), &mut cut).is_err(), "{name}");
            let mut rest = Cut { from: cut.kept, ..Cut::default() };
            let resumed = train(2, &settings, &shape, (&samples, None), &mut rest)?;
            assert!(whole == resumed, "{name}, cut after minibatch {after}");
        }
    }
    Ok(())
}

#[test]
fn a_snapshot_of_other_settings_is_refused() -> Result<(), Error> {
    let samples = patterns();
    let mut cut = Cut { after: Some(1), ..Cut::default() };
    let settings = RbmSettings { epochs: 3, ..persistent(Algorithm::Cd) };
    assert!(train(1, &settings, &Shape::bernoulli(4), (&samples, None), &mut cut).is_err());
    let mut rest = Cut { from: cut.kept, ..Cut::default() };
    let other = RbmSettings { algorithm: Algorithm::Pcd, ..settings };
    let error =
        train(1, &other, &Shape::bernoulli(4), (&samples, None), &mut rest).expect_err("no chains to go on from");
    assert!(error.to_string().contains("chains"), "{error}");
    Ok(())
}

#[test]
fn hidden_units_are_held_to_their_target_and_weights_to_their_norm() -> Result<(), Error> {
    let samples = patterns();
    let backend = Cpu::new(1)?;
    let active = |machine: &RbmParameters| -> Result<Vec<f64>, Error> {
        let machine = ebm_train::train::machine::Machine::new(&backend, machine)?;
        let rows = samples.memory().expect("in memory");
        let (data, mut hidden) = (backend.upload(rows.rows(), 6, &rows.values), backend.zeros(0, 0));
        machine.hidden_means(&backend, &data, &mut hidden);
        let means = backend.download(&hidden);
        Ok((0..8)
            .map(|j| means.iter().skip(j).step_by(8).map(|&h| f64::from(h)).sum::<f64>() / rows.rows() as f64)
            .collect())
    };
    let shape = Shape::bernoulli(8);
    let free = RbmSettings { max_norm: 1.5, ..persistent(Algorithm::Cd) };
    let held = RbmSettings { sparsity_target: 0.1, sparsity_cost: 2.0, ..free };
    let of_free = train(1, &free, &shape, (&samples, None), &mut Cut::default())?;
    let of_held = train(1, &held, &shape, (&samples, None), &mut Cut::default())?;
    for (free, held) in active(&of_free)?.into_iter().zip(active(&of_held)?) {
        assert!((held - 0.1).abs() < 0.05, "{held} of a unit that is {free} without a target of 0.1");
    }
    for column in of_free.weights.chunks(6).chain(of_held.weights.chunks(6)) {
        let norm = column.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>().sqrt();
        assert!(norm <= 1.5 * (1.0 + 1e-5), "{norm}");
    }
    Ok(())
}

/// Rows of which some values are unknown teach what the whole ones would; a value that is never known harms nothing.
#[test]
fn missing_values_are_filled_in_and_poison_nothing() -> Result<(), Error> {
    let whole = patterns();
    let mut batch = whole.memory().expect("in memory").clone();
    for (index, value) in batch.values.iter_mut().enumerate() {
        if index % 7 == 3 {
            *value = f32::NAN;
        }
    }
    let mut epochs = Cut::default();
    let settings = RbmSettings { centered: true, ..persistent(Algorithm::Pcd) };
    let machine = train(1, &settings, &Shape::bernoulli(6), (&batch.into(), None), &mut epochs)?;
    let untrained =
        train(1, &RbmSettings { epochs: 0, ..settings }, &Shape::bernoulli(6), (&whole, None), &mut Cut::default())?;
    let (before, after) = (log_likelihood(&untrained, &whole), log_likelihood(&machine, &whole));
    assert!(after > before + 1.0, "{before} nats before, {after} after");
    assert!(epochs.epochs.iter().all(|epoch| epoch.train_loss.is_finite()));
    Ok(())
}

#[test]
fn a_class_machine_learns_its_classes() -> Result<(), Error> {
    let samples = patterns();
    let labels: Vec<u16> =
        PATTERNS.iter().zip([0, 1, 2, 0]).flat_map(|((_, n), class)| std::iter::repeat_n(class, *n)).collect();
    let labels = OneHot { labels: &labels, classes: 3 };
    let blocks = vec![Block::new(VisibleKind::Bernoulli, 6), Block::new(VisibleKind::Label, 3)];
    let shape = Shape { blocks, ..Shape::bernoulli(8) };
    for objective in [Objective::Generative, Objective::Discriminative, Objective::Hybrid] {
        let settings = RbmSettings { objective, momentum: 0.9, ..persistent(Algorithm::Cd) };
        let mut heard = Cut::default();
        train(1, &settings, &shape, (&samples, Some(labels)), &mut heard)?;
        let last = heard.epochs.last().expect("an epoch");
        assert_eq!(last.train_accuracy, Some(1.0), "{objective:?}");
    }
    let error = train(
        1,
        &RbmSettings { objective: Objective::Hybrid, ..RbmSettings::default() },
        &Shape::bernoulli(2),
        (&samples, None),
        &mut Cut::default(),
    );
    assert!(matches!(error, Err(Error::Flag { flag: "--objective", .. })));
    Ok(())
}

#[test]
fn a_machine_that_leaves_the_numbers_is_neither_kept_nor_reported() -> Result<(), Error> {
    let settings = RbmSettings { learning_rate: f32::MAX, ..persistent(Algorithm::Cd) };
    let mut cut = Cut { after: Some(3), ..Cut::default() };
    let error = train(1, &settings, &Shape::bernoulli(4), (&patterns(), None), &mut cut).expect_err("it diverges");
    assert!(matches!(error, Error::Diverged { flag: "--learning-rate", .. }), "{error}");
    assert!(cut.kept.is_none() && cut.epochs.is_empty());
    Ok(())
}
