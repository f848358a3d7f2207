//! Stacks: the gradients of up-down fine-tuning against enumeration, the variational bound, labels on top, rectified units, runs that are cut.

mod cut;

use cut::assert_resumes;
use ebm_core::{Float, HiddenKind, Integer, VisibleKind};
use ebm_tests::exact::Exact;
use ebm_tests::parameters::uniform;
use ebm_tests::tolerance;
use ebm_train::Error;
use ebm_train::backend::Cpu;
use ebm_train::data::{Batch, Dataset, Split, digits};
use ebm_train::export::{ModelFile, Quantized, Storages, model_file, quantization_loss};
use ebm_train::parameters::{AffineParameters, DbnParameters, Parameters, RbmParameters, Stage, UnitKinds};
use ebm_train::train::finetune::{Backpropagation, Recognition, finetune, machine_over_inputs};
use ebm_train::train::pretrain::{Stack, pretrain};
use ebm_train::train::rbm::RbmSettings;
use ebm_train::train::rbm::settings::{Algorithm, Statistics};
use ebm_train::train::updown::{UpDown, gradient, up_down};
use ebm_train::train::{Monitor, Silent};

/// Rows that the exact gradients are of.
const ROWS: [[f32; 4]; 4] = [[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0], [1.0, 1.0, 0.0, 1.0]];
/// Samples of each row.
const COPIES: usize = 50_000;

fn rbm(visible: usize, hidden: usize, seed: u32) -> RbmParameters {
    RbmParameters {
        weights: uniform(visible * hidden, 1.0, seed, 0),
        visible_bias: uniform(visible, 0.5, seed, 1),
        hidden_bias: uniform(hidden, 0.5, seed, 2),
        kinds: UnitKinds::default(),
    }
}

/// Four inputs, layers of three and two units whose ways up and down differ, and a machine of two hidden units on top.
fn directed() -> DbnParameters {
    let stage = |visible, hidden, seed| {
        let generative = rbm(visible, hidden, seed);
        let RbmParameters { weights, hidden_bias: bias, .. } = rbm(visible, hidden, seed + 100);
        Stage::Directed { recognition: AffineParameters { weights, bias }, generative }
    };
    DbnParameters { below: vec![stage(4, 3, 1), stage(3, 2, 2)], top: rbm(2, 2, 3) }
}

fn exact(rbm: &RbmParameters) -> Exact {
    Exact::from_f32(&rbm.weights, &rbm.visible_bias, &rbm.hidden_bias)
}

/// The two halves of a layer as machines: `q(h | v)` of the first and `p(v | h)` of the second are meant.
fn halves(stage: &Stage) -> [Exact; 2] {
    let (AffineParameters { weights, bias }, _) = stage.recognition();
    let down = exact(stage.generative());
    [Exact::from_f32(&weights, &vec![0.0; down.visible()], &bias), down]
}

/// A distribution over states.
type Distribution = Vec<(Vec<f64>, f64)>;

/// Sums of `p·x_i·y_j` and of `p·z_i`, in the layouts of weights and bias.
#[derive(Default)]
struct Sums {
    weights: Vec<f64>,
    bias: Vec<f64>,
}

impl Sums {
    fn add(&mut self, p: f64, visible: &[f64], hidden: &[f64], bias: &[f64]) {
        self.weights.resize(visible.len() * hidden.len(), 0.0);
        self.bias.resize(bias.len(), 0.0);
        for (j, h) in hidden.iter().enumerate() {
            for (i, v) in visible.iter().enumerate() {
                self.weights[i + j * visible.len()] += p * v * h;
            }
        }
        for (sum, z) in self.bias.iter_mut().zip(bias) {
            *sum += p * z;
        }
    }
}

fn less(x: &[f64], y: &[f64]) -> Vec<f64> {
    x.iter().zip(y).map(|(x, y)| x - y).collect()
}

/// `states` with the probabilities that `of` gives them, summed over `from`.
fn through(from: &Distribution, states: &[Vec<f64>], of: impl Fn(&[f64]) -> Vec<f64>) -> Distribution {
    let mut sums = vec![0.0; states.len()];
    for (state, p) in from {
        sums.iter_mut().zip(of(state)).for_each(|(sum, q)| *sum += p * q);
    }
    states.iter().cloned().zip(sums).collect()
}

/// The expectation, over every draw, of the gradients of up-down fine-tuning: recognition and generative sums of each level, then the top
/// machine's.
fn expected(stack: &DbnParameters, k: usize, dreams: Statistics) -> (Vec<[Sums; 2]>, Vec<f64>) {
    let levels: Vec<[Exact; 2]> = stack.below.iter().map(halves).collect();
    let mut sums: Vec<[Sums; 2]> = levels.iter().map(|_| Default::default()).collect();
    let share = 1.0 / ROWS.len() as f64;
    let mut below: Distribution = ROWS.iter().map(|row| (row.map(f64::from).to_vec(), share)).collect();
    for ([up, down], [_, generative]) in levels.iter().zip(&mut sums) {
        for (visible, p) in &below {
            for (hidden, q) in up.hidden_states().zip(up.hidden_distribution(visible)) {
                let error = less(&down.visible_probs(&hidden), visible);
                generative.add(p * q, &error, &hidden, &error);
            }
        }
        let states: Vec<_> = up.hidden_states().collect();
        below = through(&below, &states, |visible| up.hidden_distribution(visible));
    }

    let top = exact(&stack.top);
    let mut of_top = vec![0.0; stack.top.weights.len() + stack.top.visible_bias.len() + stack.top.hidden_bias.len()];
    for (state, p) in &below {
        let uphill = top.expected_cd_gradient(std::slice::from_ref(state), k);
        of_top.iter_mut().zip(uphill.components()).for_each(|(sum, g)| *sum -= p * g);
    }
    let start: Vec<f64> = below.iter().map(|(_, p)| *p).collect();
    let end = (0..k).fold(start, |visible, _| top.gibbs_step(&visible));
    let mut above: Distribution = top.visible_states().zip(end).collect();
    for (index, [up, down]) in levels.iter().enumerate().rev() {
        let recognition = &mut sums[index][0];
        for (hidden, p) in &above {
            let dreamt: Distribution = if index == 0 && dreams == Statistics::Means {
                vec![(down.visible_probs(hidden), 1.0)]
            } else {
                down.visible_states().zip(down.visible_distribution(hidden)).collect()
            };
            for (visible, r) in dreamt {
                let error = less(&up.hidden_probs(&visible), hidden);
                recognition.add(p * r, &visible, &error, &error);
            }
        }
        let states: Vec<_> = down.visible_states().collect();
        above = through(&above, &states, |hidden| down.visible_distribution(hidden));
    }
    (sums, of_top)
}

fn assert_near(measured: &[f32], exact: &[f64], what: &str) {
    assert_eq!(measured.len(), exact.len(), "{what}");
    let bound = tolerance::mean_of_states(ROWS.len() * COPIES);
    for (index, (ours, exact)) in measured.iter().zip(exact).enumerate() {
        assert!((f64::from(*ours) - exact).abs() <= bound, "{what} {index}: {ours}, exactly {exact}");
    }
}

#[test]
fn wake_and_sleep_have_their_exact_expectations() -> Result<(), Error> {
    let stack = directed();
    let inputs = Batch { values: ROWS.concat().repeat(COPIES), visible: 4 };
    let split = Split { inputs: inputs.into(), labels: Vec::new() };
    for (k, dreams) in [(1, Statistics::States), (3, Statistics::Means)] {
        let settings = UpDown { k, dreams, batch_size: split.inputs.rows(), ..UpDown::default() };
        let measured = gradient(&Cpu::new(0)?, &settings, (4, 9), &stack, &split)?;
        let (levels, of_top) = expected(&stack, k.into(), dreams);
        for (index, (stage, [of_recognition, of_generative])) in measured.below.iter().zip(&levels).enumerate() {
            let Stage::Directed { recognition, generative } = stage else { panic!("a layer that is not directed") };
            assert_near(&generative.weights, &of_generative.weights, &format!("wake, weights of layer {index}"));
            assert_near(&generative.visible_bias, &of_generative.bias, &format!("wake, bias of layer {index}"));
            assert_near(&recognition.weights, &of_recognition.weights, &format!("sleep, weights of layer {index}"));
            assert_near(&recognition.bias, &of_recognition.bias, &format!("sleep, bias of layer {index}"));
        }
        let RbmParameters { weights, visible_bias, hidden_bias, .. } = measured.top;
        assert_near(&[weights, visible_bias, hidden_bias].concat(), &of_top, "the top machine");
    }
    Ok(())
}

/// The variational bound of a stack of one level under the top, mean over the rows: every hidden state enumerated.
fn bound(stack: &DbnParameters, rows: &[Vec<f64>]) -> f64 {
    let [up, down] = halves(&stack.below[0]);
    let top = exact(&stack.top);
    let log_partition = top.log_partition();
    let of_row = |visible: &Vec<f64>| -> f64 {
        let states = up.hidden_states().zip(up.hidden_distribution(visible)).filter(|(_, q)| *q > 0.0);
        let terms = states.map(|(hidden, q)| {
            let conditional = down.visible_probs(&hidden);
            let log_visible: f64 =
                visible.iter().zip(&conditional).map(|(v, p)| v * p.ln() + (1.0 - v) * (1.0 - p).ln()).sum();
            q * (log_visible - top.free_energy(&hidden) - log_partition - q.ln())
        });
        terms.sum()
    };
    rows.iter().map(of_row).sum::<f64>() / rows.len() as f64
}

/// Bars of six pixels, a pixel in ten flipped.
fn bars() -> Dataset {
    let patterns = [[1.0, 1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0]];
    let flips = uniform(600 * 6, 1.0, 77, 3);
    let values: Vec<f32> = (0..600)
        .flat_map(|row| patterns[row % 3].map(|v| v))
        .zip(flips)
        .map(|(v, flip): (f32, f32)| if flip > 0.8 { 1.0 - v } else { v })
        .collect();
    let train = Split { inputs: Batch { values, visible: 6 }.into(), labels: (0..600).map(|row| row % 3).collect() };
    let mut dataset = digits::load().expect("the embedded digits");
    dataset.name = "bars".into();
    dataset.classes = ["left", "middle", "right"].map(str::to_owned).to_vec();
    dataset.image = None;
    Dataset { test: train.clone(), train, ..dataset }
}

fn pretrained(labels: bool, monitor: &mut dyn Monitor) -> Result<DbnParameters, Error> {
    let machine = RbmSettings { epochs: 20, batch_size: 20, ..RbmSettings::default() };
    let machines = vec![machine, RbmSettings { epochs: 30, ..machine }];
    let stack = Stack { hidden: vec![5, 6], labels, machines, ..Stack::default() };
    pretrain(&Cpu::new(1)?, &stack, 3, &bars(), monitor)
}

#[test]
fn up_down_raises_the_variational_bound() -> Result<(), Error> {
    let bars = bars();
    let rows: Vec<Vec<f64>> = bars
        .train
        .inputs
        .memory()
        .expect("in memory")
        .iter()
        .map(|row| row.iter().map(|&v| v.into()).collect())
        .collect();
    let before = pretrained(false, &mut Silent)?;
    let mut last = bound(&before, &rows);
    let mut stack = before;
    let first = last;
    for seed in 0..3 {
        let settings = UpDown {
            epochs: 30,
            batch_size: 20,
            learning_rate: 0.02,
            algorithm: Algorithm::Pcd,
            dreams: Statistics::States,
            ..UpDown::default()
        };
        stack = up_down(&Cpu::new(1)?, &settings, seed, &stack, &bars, &mut Silent)?;
        let now = bound(&stack, &rows);
        println!("bound {last:.4} → {now:.4} nats");
        assert!(now >= last - 0.01, "the bound fell from {last} to {now} nats");
        last = now;
    }
    assert!(last > first + 0.05, "the bound went from {first} to {last} nats only");
    Ok(())
}

#[test]
fn stages_cut_anywhere_end_where_the_uncut_ones_do() -> Result<(), Error> {
    let bars = bars();
    for algorithm in [Algorithm::Cd, Algorithm::Pcd] {
        let settings = UpDown { epochs: 2, batch_size: 50, algorithm, ..UpDown::default() };
        assert_resumes(&[37, 200], |monitor| {
            let stack = pretrained(true, monitor)?;
            up_down(&Cpu::new(1)?, &settings, 8, &stack, &bars, monitor)
        })?;
    }
    Ok(())
}

#[test]
fn threads_do_not_change_a_stack() -> Result<(), Error> {
    let stack = pretrained(true, &mut Silent)?;
    let settings = UpDown { epochs: 1, ..UpDown::default() };
    let run = |threads| up_down(&Cpu::new(threads)?.sharing_from(0), &settings, 8, &stack, &bars(), &mut Silent);
    assert!(run(1)? == run(3)?);
    Ok(())
}

#[test]
fn a_stack_with_labels_names_classes_before_and_after_and_its_file_is_the_stack() -> Result<(), Error> {
    let bars = bars();
    let stack = pretrained(true, &mut Silent)?;
    let settings = UpDown { epochs: 5, batch_size: 20, ..UpDown::default() };
    let tuned = up_down(&Cpu::new(1)?, &settings, 8, &stack, &bars, &mut Silent)?;
    for stack in [stack, tuned] {
        let file: ModelFile = model_file::<Float>(&stack.layers()?, &bars, 3, 0)?;
        assert_eq!(file.parameters()?, Parameters::Dbn(stack.clone()));
        let model = file.model()?;
        assert_eq!(model.header().labels, "left\nmiddle\nright");
        let accuracy = model.header().provenance.test_accuracy.expect("measured");
        assert!(accuracy > 0.8, "{accuracy} of the bars named rightly");
        let is_tied = matches!(stack.below[0], Stage::Tied(_));
        assert_eq!(model.header().novelty.is_some(), is_tied, "free energies are those of a machine");

        // Back-propagation goes on from either.
        let start = Recognition::of(&stack)?;
        let settings =
            Backpropagation { epochs: 10, batch_size: 20, learning_rate: 0.02, ..Backpropagation::default() };
        let net = finetune(&Cpu::new(1)?, &settings, 3, "finetune", &start, &bars, &mut Silent)?;
        let machine = machine_over_inputs(&stack).cloned();
        assert_eq!(machine.is_some(), is_tied);
        let net = Parameters::Classifier(net.into_classifier(machine));
        let file = model_file::<Float>(&net.layers()?, &bars, 3, 0)?;
        assert_eq!(file.parameters()?, net);
        assert!(file.model()?.header().provenance.test_accuracy.expect("measured") > 0.8);
    }
    Ok(())
}

#[test]
fn machines_over_rectified_units_take_them_for_gaussian_ones() -> Result<(), Error> {
    let digits = digits::load()?;
    let machine = RbmSettings { epochs: 5, learning_rate: 0.02, ..RbmSettings::default() };
    let machines = vec![machine, RbmSettings { learning_rate: 0.002, ..machine }];
    let stack = Stack { hidden: vec![40, 30], hidden_kind: HiddenKind::Relu, machines, labels: false };
    let trained = pretrain(&Cpu::new(0)?, &stack, 3, &digits, &mut Silent)?;
    let kinds = &trained.top.kinds;
    assert_eq!(kinds.blocks.iter().map(|block| block.kind()).collect::<Vec<_>>(), [Some(VisibleKind::Gaussian)]);
    assert_eq!((kinds.sigma.len(), kinds.hidden), (40, HiddenKind::Relu));
    let settings = Backpropagation { epochs: 10, learning_rate: 0.01, ..Backpropagation::default() };
    let start = Recognition::of(&trained)?;
    let net = finetune(&Cpu::new(0)?, &settings, 3, "finetune", &start, &digits, &mut Silent)?;
    let net = net.into_classifier(machine_over_inputs(&trained).cloned());
    let file = model_file::<Float>(&net.layers()?, &digits, 3, 0)?;
    assert!(file.model()?.header().provenance.test_accuracy.expect("measured") > 0.8);
    let refused = Quantized::of(&Parameters::Classifier(net), Storages::all(ebm_core::kernel::integer::Storage::Int8));
    assert!(refused.expect_err("rectifiers").to_string().contains("only sigmoid layers"));
    Ok(())
}

#[test]
fn a_stack_of_machines_has_an_integer_form_and_a_directed_one_has_not() -> Result<(), Error> {
    let bars = bars();
    let storages = Storages::all(ebm_core::kernel::integer::Storage::Int8);
    let stack = pretrained(false, &mut Silent)?;
    let float = model_file::<Float>(&stack.layers()?, &bars, 3, 0)?;
    let quantised = Quantized::of(&Parameters::Dbn(stack.clone()), storages)?;
    let int8 = model_file::<Integer>(&quantised.layers()?, &bars, 3, 0)?;
    let loss = quantization_loss(&float, &int8, &bars, 0)?;
    assert!(loss.accuracy.is_none() && loss.answers_changed.is_none(), "it names no classes");
    assert!(loss.free_energy_error_median_nats.is_some_and(|nats| nats < 0.05), "{loss:?}");
    assert_eq!(int8.model()?.layers(), 2);
    let refused = |stack| Quantized::of(&Parameters::Dbn(stack), storages).expect_err("no integer form").to_string();
    assert!(refused(directed()).contains("layer 0: its weights up and down differ"));
    assert!(refused(pretrained(true, &mut Silent)?).contains("machine 1: only Bernoulli units"));
    Ok(())
}

#[test]
fn what_cannot_be_meant_is_refused() -> Result<(), Error> {
    let bars = bars();
    let backend = Cpu::new(1)?;
    let refused = |stack: &DbnParameters, settings: &UpDown, dataset: &Dataset| {
        up_down(&backend, settings, 8, stack, dataset, &mut Silent).expect_err("it cannot be meant").to_string()
    };
    let (stack, settings) = (pretrained(true, &mut Silent)?, UpDown::default());
    let single = DbnParameters { below: Vec::new(), top: rbm(6, 3, 1) };
    assert!(refused(&single, &settings, &bars).contains("nothing below its top machine"));
    let tempering = UpDown { algorithm: Algorithm::ParallelTempering, ..settings };
    assert!(refused(&stack, &tempering, &bars).contains("--up-down-algorithm"));
    let mut unlabelled = bars.clone();
    unlabelled.train.labels.clear();
    assert!(refused(&stack, &settings, &unlabelled).contains("has no labels"));
    let with_labels = Stack { labels: true, ..Stack::default() };
    let message = pretrain(&backend, &with_labels, 1, &unlabelled, &mut Silent).expect_err("no labels").to_string();
    assert!(message.contains("has no labels"), "{message}");
    let mut wild = stack.clone();
    wild.top.weights[0] = f32::MAX;
    let message = refused(&wild, &UpDown { learning_rate: 1e30, ..settings }, &bars);
    assert!(message.contains("--up-down-learning-rate"), "{message}");
    Ok(())
}
