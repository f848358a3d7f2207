//! Back-propagation against the loss written from its definition; what a run keeps, and that it can be taken up anywhere.

mod cut;

use cut::{Cut, assert_resumes};
use ebm_core::HiddenKind;
use ebm_core::rng::{Philox, Purpose, Stream, unit_interval};
use ebm_tests::parameters::uniform;
use ebm_tests::tolerance;
use ebm_train::Error;
use ebm_train::backend::{Backend, Cpu, Draws};
use ebm_train::data::{Batch, Dataset, Split, digits};
use ebm_train::parameters::AffineParameters;
use ebm_train::train::finetune::{Backpropagation, Finetuned, Recognition, finetune, gradient, start_head};
use ebm_train::train::rbm::settings::{Optimizer, Schedule};
use ebm_train::train::{Monitor, Silent};
use rand_core::Rng;

/// Hidden layers, then the head.
type Net = Vec<AffineParameters>;

const SEED: u64 = 17;
/// Row of the data set that each row of the batch is.
const SAMPLES: [u32; 7] = [3, 90, 0, 41, 8, 7, 1000];
const LABELS: [u16; 7] = [0, 1, 2, 2, 1, 0, 1];
/// Layer of the draws that leave inputs out.
const INPUT: u8 = u8::MAX;

fn stream() -> Stream {
    Stream { step: 12, ..Stream::new(Purpose::Dropout) }
}

/// What dropout leaves of a value: `1 / (1 − rate)` of it, or nothing.
fn kept(rate: f32, sample: u32, layer: u8, units: usize) -> Vec<f64> {
    let mut rng = Philox::new(SEED, Stream { layer, sample, ..stream() });
    let scale = 1.0 / (1.0 - f64::from(rate));
    (0..units).map(|_| if unit_interval(rng.next_u32()) < rate { 0.0 } else { scale }).collect()
}

/// Mean cross-entropy against the smoothed targets, and weight penalty, of a net in f64, written from the definition.
fn loss(net: &Net, hidden: HiddenKind, batch: &Batch, settings: &Backpropagation) -> (f64, f64) {
    let last = net.len() - 1;
    let penalty: f64 = net.iter().flat_map(|layer| &layer.weights).map(|&w| f64::from(w).powi(2)).sum();
    let rows = batch.iter().zip(LABELS).zip(SAMPLES).map(|((row, label), sample)| {
        let leave_out = |x: Vec<f64>, rate, layer| -> Vec<f64> {
            x.iter().zip(kept(rate, sample, layer, x.len())).map(|(x, kept)| x * kept).collect()
        };
        let mut x = leave_out(row.iter().copied().map(f64::from).collect(), settings.input_dropout, INPUT);
        for (index, AffineParameters { weights, bias }) in net.iter().enumerate() {
            let column = |j: usize| weights[j * x.len()..][..x.len()].iter().zip(&x);
            let field = |(j, &b): (usize, &f32)| f64::from(b) + column(j).map(|(&w, x)| f64::from(w) * x).sum::<f64>();
            let fields = bias.iter().enumerate().map(field);
            x = match hidden {
                _ if index == last => fields.collect(),
                HiddenKind::Bernoulli => fields.map(|z| 1.0 / (1.0 + (-z).exp())).collect(),
                HiddenKind::Relu => fields.map(|z| z.max(0.0)).collect(),
            };
            if index < last {
                x = leave_out(x, settings.dropout, index as u8);
            }
        }
        let log_sum = x.iter().map(|z| z.exp()).sum::<f64>().ln();
        let smoothing = f64::from(settings.label_smoothing);
        let of_all: f64 = x.iter().map(|z| log_sum - z).sum::<f64>() / x.len() as f64;
        (1.0 - smoothing) * (log_sum - x[usize::from(label)]) + smoothing * of_all
    });
    (rows.sum::<f64>() / LABELS.len() as f64, f64::from(settings.weight_decay) / 2.0 * penalty)
}

fn small_net() -> Net {
    let layer = |inputs, outputs, seed| AffineParameters {
        weights: uniform(inputs * outputs, 1.0, seed, 0),
        bias: uniform(outputs, 1.0, seed, 1),
    };
    vec![layer(6, 5, 7), layer(5, 4, 8), layer(4, 3, 9)]
}

fn assert_gradient(hidden: HiddenKind, settings: &Backpropagation) -> Result<(), Error> {
    let values = uniform(6 * SAMPLES.len(), 0.5, 11, 0).into_iter().map(|x| x + 0.5).collect();
    let batch = Batch { values, visible: 6 };
    let net = small_net();
    let (head, layers) = net.split_last().expect("a head");
    let start = Recognition { layers: layers.to_vec(), hidden };
    let draws = Draws { seed: SEED, stream: stream(), samples: &SAMPLES };
    let (cross_entropy, gradient) = gradient(&Cpu::new(1)?, settings, &start, head, (&batch, &LABELS), draws);
    let (exact, _) = loss(&net, hidden, &batch, settings);
    assert!((cross_entropy - exact).abs() <= tolerance::BACK_PROPAGATION, "{cross_entropy}, exactly {exact}");

    let mut checked = 0;
    let mut check = |ours: f32, change: &dyn Fn(&mut Net) -> &mut f32| {
        let moved = |by: f32| {
            let mut net = net.clone();
            *change(&mut net) += by;
            let (cross_entropy, penalty) = loss(&net, hidden, &batch, settings);
            (f64::from(*change(&mut net)), cross_entropy + penalty)
        };
        let ((high, above), (low, below)) = (moved(tolerance::NET_STEP), moved(-tolerance::NET_STEP));
        let slope = (above - below) / (high - low);
        assert!((f64::from(ours) - slope).abs() <= tolerance::BACK_PROPAGATION, "{ours}, by differences {slope}");
        checked += 1;
    };
    for (layer, gradient) in gradient.iter().enumerate() {
        for (index, &ours) in gradient.weights.iter().enumerate() {
            check(ours, &|net| &mut net[layer].weights[index]);
        }
        for (index, &ours) in gradient.bias.iter().enumerate() {
            check(ours, &|net| &mut net[layer].bias[index]);
        }
    }
    assert_eq!(checked, 6 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3);
    Ok(())
}

#[test]
fn back_propagation_is_the_gradient_of_the_loss() -> Result<(), Error> {
    let plain = Backpropagation::default();
    let all = Backpropagation { weight_decay: 0.03, dropout: 0.3, input_dropout: 0.2, label_smoothing: 0.1, ..plain };
    for hidden in [HiddenKind::Bernoulli, HiddenKind::Relu] {
        assert_gradient(hidden, &plain)?;
        assert_gradient(hidden, &Backpropagation { weight_decay: 0.03, ..plain })?;
        assert_gradient(hidden, &Backpropagation { dropout: 0.3, input_dropout: 0.2, ..plain })?;
        assert_gradient(hidden, &Backpropagation { label_smoothing: 0.1, ..plain })?;
        assert_gradient(hidden, &all)?;
    }
    Ok(())
}

#[test]
fn rows_that_are_too_long_are_cut_to_the_norm() -> Result<(), Error> {
    let backend = Cpu::new(2)?.sharing_from(0);
    let (rows, columns) = (130, 7);
    let values = uniform(rows * columns, 1.0, 5, 0);
    let mut tensor = backend.upload(rows, columns, &values);
    backend.limit_norms(1.2, &mut tensor);
    let norm = |row: &[f32]| row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let mut cut = 0;
    for (before, after) in values.chunks(columns).zip(backend.download(&tensor).chunks(columns)) {
        if norm(before) <= 1.2 {
            assert_eq!(before, after);
        } else {
            cut += 1;
            let share = 1.2 / norm(before);
            for (x, y) in before.iter().zip(after) {
                assert!((f64::from(*x) * share - f64::from(*y)).abs() < 1e-6, "{y} of {x}");
            }
        }
    }
    assert!(cut > 10 && cut < rows - 10, "{cut} rows were cut");
    Ok(())
}

#[test]
fn a_random_start_has_its_own_weights_in_every_layer() {
    let start = |seed| Recognition::random(seed, 8, &[8, 8], HiddenKind::Bernoulli).layers;
    assert_ne!(start(1)[0].weights, start(1)[1].weights);
    assert_ne!(start(1)[0].weights, start(2)[0].weights);
    assert_ne!(start_head(1, 2, 8, 8).weights, start(1)[1].weights);
}

/// Some of the digits, a part of them for validation.
fn dataset() -> Result<Dataset, Error> {
    let mut digits = digits::load()?;
    let part = |split: &Split, rows: std::ops::Range<usize>| -> Result<Split, Error> {
        let inputs = split.inputs.read(rows.clone())?.into_owned().into();
        Ok(Split { inputs, labels: split.labels[rows].to_vec() })
    };
    digits.validation = part(&digits.train, 300..450)?;
    digits.train = part(&digits.train, 0..300)?;
    digits.test = part(&digits.test, 0..200)?;
    Ok(digits)
}

fn settings() -> Backpropagation {
    Backpropagation {
        epochs: 30,
        batch_size: 32,
        learning_rate: 0.02,
        dropout: 0.2,
        input_dropout: 0.1,
        shift: 0.5,
        affine: 0.1,
        max_norm: 4.0,
        label_smoothing: 0.05,
        patience: 4,
        ..Default::default()
    }
}

fn run(hidden: HiddenKind, settings: &Backpropagation, monitor: &mut dyn Monitor) -> Result<Finetuned, Error> {
    let start = Recognition::random(1, 64, &[20, 15], hidden);
    finetune(&Cpu::new(1)?, settings, 5, "finetune", &start, &dataset()?, monitor)
}

#[test]
fn a_run_cut_anywhere_ends_where_the_uncut_one_does() -> Result<(), Error> {
    for (hidden, optimizer) in [(HiddenKind::Bernoulli, Optimizer::Adam), (HiddenKind::Relu, Optimizer::Sgd)] {
        let settings = Backpropagation { optimizer, ..settings() };
        assert_resumes(&[1, 7, 10, 43], |monitor| run(hidden, &settings, monitor))?;
    }
    Ok(())
}

#[test]
fn layers_below_the_head_learn_at_their_share_of_the_rate() -> Result<(), Error> {
    // One step of plain gradient descent.
    let step = Backpropagation {
        epochs: 1,
        batch_size: 300,
        optimizer: Optimizer::Sgd,
        learning_rate: 1.0,
        momentum: 0.0,
        ..Backpropagation::default()
    };
    let tuned = |layer_rate| run(HiddenKind::Bernoulli, &Backpropagation { layer_rate, ..step }, &mut Silent);
    let (frozen, half, whole) = (tuned(0.0)?, tuned(0.5)?, tuned(1.0)?);
    assert_eq!(frozen.layers, Recognition::random(1, 64, &[20, 15], HiddenKind::Bernoulli).layers);
    assert_ne!(frozen.head, start_head(5, 2, 15, 10));
    assert_eq!((&half.head, &frozen.head), (&whole.head, &whole.head));
    let mut moved = 0.0f32;
    for ((start, half), whole) in frozen.layers.iter().zip(&half.layers).zip(&whole.layers) {
        for ((start, half), whole) in start.weights.iter().zip(&half.weights).zip(&whole.weights) {
            moved = moved.max((whole - start).abs());
            assert!(((start + whole) / 2.0 - half).abs() <= f32::EPSILON, "{half} between {start} and {whole}");
        }
    }
    assert!(moved > 1e-3, "weights moved by {moved}");
    Ok(())
}

#[test]
fn early_stopping_keeps_the_best_epoch_of_the_validation_split() -> Result<(), Error> {
    let data = dataset()?;
    // With a constant learning rate, the run of as many epochs as were kept ends with the same parameters.
    let settings = || Backpropagation { schedule: Schedule::Constant, ..settings() };
    let mut monitor = Cut::default();
    let kept = run(HiddenKind::Bernoulli, &settings(), &mut monitor)?;
    assert!(kept.kept_epoch > 0 && monitor.epochs.len() < settings().epochs, "it stopped early");
    assert_eq!(monitor.epochs.len(), kept.kept_epoch + settings().patience);
    let short = Backpropagation { epochs: kept.kept_epoch, patience: 0, ..settings() };
    assert_eq!(run(HiddenKind::Bernoulli, &short, &mut Silent)?, kept);

    let refused = |data: &Dataset, settings: &Backpropagation| {
        let start = Recognition::random(1, 64, &[8], HiddenKind::Bernoulli);
        let result = finetune(&Cpu::new(1).expect("a thread"), settings, 5, "finetune", &start, data, &mut Silent);
        result.expect_err("a run that cannot be meant").to_string()
    };
    let without = Dataset { validation: Split::default(), ..data.clone() };
    assert!(refused(&without, &settings()).contains("--patience 4: expected 0, or a validation split"));
    let unlabelled = Dataset { train: Split { labels: Vec::new(), ..data.train.clone() }, ..data.clone() };
    assert!(refused(&unlabelled, &settings()).contains("no labels"));
    let mut missing = data.train.inputs.read(0..300)?.into_owned();
    missing.values[64 * 200 + 3] = f32::NAN;
    let missing = Dataset { train: Split { inputs: missing.into(), labels: data.train.labels.clone() }, ..data };
    assert!(refused(&missing, &settings()).contains("training sample 200 misses values"));
    Ok(())
}
