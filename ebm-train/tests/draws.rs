//! No draw is used twice: a whole small training run, pretraining and fine-tuning of either kind, over a backend that writes down what every draw is for.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use ebm_core::rng::Stream;
use ebm_core::{Beta, HiddenKind};
use ebm_train::Error;
use ebm_train::backend::{Backend, Cpu, Direction, Draws, Link, Step};
use ebm_train::data::{Batch, digits};
use ebm_train::parameters::UnitKinds;
use ebm_train::train::Silent;
use ebm_train::train::finetune::{Backpropagation, Recognition, finetune};
use ebm_train::train::pretrain::{Stack, pretrain};
use ebm_train::train::rbm::settings::{Algorithm, Statistics};
use ebm_train::train::rbm::{self, RbmSettings, Run, Shape};
use ebm_train::train::source::Source;
use ebm_train::train::updown::{UpDown, up_down};

/// Where a row of draws comes from, and how often it was taken.
type Taken = HashMap<(u64, u8, u8, u16, u32, u32), u32>;

/// The CPU, and what was drawn on it.
struct Recorder {
    cpu: Cpu,
    taken: RefCell<Taken>,
}

impl Recorder {
    fn record(&self, draws: Draws<'_>) {
        let Stream { purpose, layer, phase, step, .. } = draws.stream;
        for &sample in draws.samples {
            let stream = (draws.seed, purpose as u8, layer, phase, step, sample);
            *self.taken.borrow_mut().entry(stream).or_default() += 1;
        }
    }
}

impl Backend for Recorder {
    type Tensor = <Cpu as Backend>::Tensor;
    type Set<'a> = <Cpu as Backend>::Set<'a>;
    type States = <Cpu as Backend>::States;
    type Rounded = <Cpu as Backend>::Rounded;

    fn upload(&self, rows: usize, columns: usize, values: &[f32]) -> Self::Tensor {
        self.cpu.upload(rows, columns, values)
    }

    fn download(&self, tensor: &Self::Tensor) -> Vec<f32> {
        self.cpu.download(tensor)
    }

    fn shape(&self, tensor: &Self::Tensor) -> [usize; 2] {
        self.cpu.shape(tensor)
    }

    fn copy(&self, from: &Self::Tensor, to: &mut Self::Tensor) {
        self.cpu.copy(from, to);
    }

    fn put_marked(&self, from: &Self::Tensor, marks: &Self::Tensor, values: &mut Self::Tensor) {
        self.cpu.put_marked(from, marks, values);
    }

    fn hold<'a>(&self, columns: usize, values: Cow<'a, [f32]>) -> Self::Set<'a> {
        self.cpu.hold(columns, values)
    }

    fn take_rows(&self, set: &Self::Set<'_>, rows: &[u32], out: &mut Self::Tensor) {
        self.cpu.take_rows(set, rows, out);
    }

    fn gather(&self, source: &Self::Tensor, rows: &[u32], out: &mut Self::Tensor) {
        self.cpu.gather(source, rows, out);
    }

    fn take_columns(&self, values: &Self::Tensor, columns: Range<usize>, out: &mut Self::Tensor) {
        self.cpu.take_columns(values, columns, out);
    }

    fn put_columns(&self, values: &Self::Tensor, first: usize, out: &mut Self::Tensor) {
        self.cpu.put_columns(values, first, out);
    }

    fn affine(
        &self,
        direction: Direction,
        weights: &Self::Tensor,
        bias: Option<&Self::Tensor>,
        link: Link,
        input: &Self::Tensor,
        out: &mut Self::Tensor,
    ) {
        self.cpu.affine(direction, weights, bias, link, input, out);
    }

    fn bernoulli(&self, draws: Draws<'_>, probabilities: &Self::Tensor, out: &mut Self::Tensor) {
        self.record(draws);
        self.cpu.bernoulli(draws, probabilities, out);
    }

    fn pack(&self, values: &Self::Tensor, out: &mut Self::States) {
        self.cpu.pack(values, out);
    }

    fn unpack(&self, states: &Self::States, out: &mut Self::Tensor) {
        self.cpu.unpack(states, out);
    }

    fn round(&self, weights: &Self::Tensor, out: &mut Self::Rounded) {
        self.cpu.round(weights, out);
    }

    fn sample_states(
        &self,
        draws: Draws<'_>,
        direction: Direction,
        weights: &Self::Rounded,
        bias: &Self::Tensor,
        beta: Beta,
        input: &Self::States,
        out: &mut Self::States,
    ) {
        self.record(draws);
        self.cpu.sample_states(draws, direction, weights, bias, beta, input, out);
    }

    fn hidden_means(&self, kind: HiddenKind, fields: &mut Self::Tensor) {
        self.cpu.hidden_means(kind, fields);
    }

    fn sample_hidden(&self, draws: Draws<'_>, kind: HiddenKind, beta: Beta, fields: &mut Self::Tensor) {
        self.record(draws);
        self.cpu.sample_hidden(draws, kind, beta, fields);
    }

    fn visible_start(&self, kinds: &UnitKinds, bias: &Self::Tensor, out: &mut Self::Tensor) {
        self.cpu.visible_start(kinds, bias, out);
    }

    fn visible_means(&self, kinds: &UnitKinds, bias: &Self::Tensor, inputs: &mut Self::Tensor) {
        self.cpu.visible_means(kinds, bias, inputs);
    }

    fn sample_visible(
        &self,
        draws: Draws<'_>,
        kinds: &UnitKinds,
        beta: Beta,
        bias: &Self::Tensor,
        inputs: &mut Self::Tensor,
    ) {
        self.record(draws);
        self.cpu.sample_visible(draws, kinds, beta, bias, inputs);
    }

    fn visible_energies(&self, kinds: &UnitKinds, bias: &Self::Tensor, visible: &Self::Tensor, out: &mut Self::Tensor) {
        self.cpu.visible_energies(kinds, bias, visible, out);
    }

    fn subtract_hidden_terms(&self, kind: HiddenKind, scale: f32, fields: &Self::Tensor, out: &mut Self::Tensor) {
        self.cpu.subtract_hidden_terms(kind, scale, fields, out);
    }

    fn dropout(&self, draws: Draws<'_>, rate: f32, values: &mut Self::Tensor) {
        self.record(draws);
        self.cpu.dropout(draws, rate, values);
    }

    fn outer(&self, keep: f32, terms: &[(f32, [&Self::Tensor; 2])], out: &mut Self::Tensor) {
        self.cpu.outer(keep, terms, out);
    }

    fn column_sums(&self, keep: f32, terms: &[(f32, &Self::Tensor)], out: &mut Self::Tensor) {
        self.cpu.column_sums(keep, terms, out);
    }

    fn add_scaled(&self, scale: f32, values: &Self::Tensor, out: &mut Self::Tensor) {
        self.cpu.add_scaled(scale, values, out);
    }

    fn backward(&self, link: Link, kept: f32, outputs: &Self::Tensor, delta: &mut Self::Tensor) {
        self.cpu.backward(link, kept, outputs, delta);
    }

    fn softmax_cross_entropy(
        &self,
        labels: &[u16],
        smoothing: f32,
        scores: &mut Self::Tensor,
        totals: &mut Self::Tensor,
    ) {
        self.cpu.softmax_cross_entropy(labels, smoothing, scores, totals);
    }

    fn limit_norms(&self, largest: f32, rows: &mut Self::Tensor) {
        self.cpu.limit_norms(largest, rows);
    }

    fn rescale(&self, scale: f32, shift: Option<(f32, &Self::Tensor)>, values: &mut Self::Tensor) {
        self.cpu.rescale(scale, shift, values);
    }

    fn sample_hidden_exactly(&self, draws: Draws<'_>, kind: HiddenKind, fields: &mut Self::Tensor) {
        self.record(draws);
        self.cpu.sample_hidden_exactly(draws, kind, fields);
    }

    fn add_term_changes(
        &self,
        kind: HiddenKind,
        from_to: [f32; 2],
        slopes: &Self::Tensor,
        fields: &Self::Tensor,
        sums: &mut Self::Tensor,
    ) {
        self.cpu.add_term_changes(kind, from_to, slopes, fields, sums);
    }

    fn single_changes(
        &self,
        kind: HiddenKind,
        weights: &Self::Tensor,
        fields: &Self::Tensor,
        units: Range<usize>,
        changes: &Self::Tensor,
        out: &mut Self::Tensor,
    ) {
        self.cpu.single_changes(kind, weights, fields, units, changes, out);
    }

    fn visible_log_partitions(
        &self,
        kinds: &UnitKinds,
        bias: &Self::Tensor,
        inputs: &Self::Tensor,
        out: &mut Self::Tensor,
    ) {
        self.cpu.visible_log_partitions(kinds, bias, inputs, out);
    }

    fn visible_log_densities(
        &self,
        kinds: &UnitKinds,
        bias: &Self::Tensor,
        inputs: &Self::Tensor,
        visible: &Self::Tensor,
        out: &mut Self::Tensor,
    ) {
        self.cpu.visible_log_densities(kinds, bias, inputs, visible, out);
    }

    fn class_scores(
        &self,
        kind: HiddenKind,
        classes: usize,
        weights: &Self::Tensor,
        visible_bias: &Self::Tensor,
        fields: &Self::Tensor,
        out: &mut Self::Tensor,
    ) {
        self.cpu.class_scores(kind, classes, weights, visible_bias, fields, out);
    }

    fn class_fields_backward(
        &self,
        kind: HiddenKind,
        weights: &Self::Tensor,
        scores: &Self::Tensor,
        fields: &Self::Tensor,
        out: &mut Self::Tensor,
    ) {
        self.cpu.class_fields_backward(kind, weights, scores, fields, out);
    }

    fn class_weights_backward(
        &self,
        kind: HiddenKind,
        weights: &Self::Tensor,
        scores: &Self::Tensor,
        fields: &Self::Tensor,
        out: &mut Self::Tensor,
    ) {
        self.cpu.class_weights_backward(kind, weights, scores, fields, out);
    }

    fn class_bias_backward(&self, scores: &Self::Tensor, out: &mut Self::Tensor) {
        self.cpu.class_bias_backward(scores, out);
    }

    fn add_errors(&self, x: &Self::Tensor, y: &Self::Tensor, totals: &mut Self::Tensor) {
        self.cpu.add_errors(x, y, totals);
    }

    fn fill_missing(&self, values: &Self::Tensor, by: &Self::Tensor, out: &mut Self::Tensor) {
        self.cpu.fill_missing(values, by, out);
    }

    fn add_noise(&self, draws: Draws<'_>, deviation: f32, values: &mut Self::Tensor) {
        self.record(draws);
        self.cpu.add_noise(draws, deviation, values);
    }

    fn multiply_columns(&self, factors: &Self::Tensor, values: &mut Self::Tensor) {
        self.cpu.multiply_columns(factors, values);
    }

    fn multiply_rows(&self, factors: &Self::Tensor, values: &mut Self::Tensor) {
        self.cpu.multiply_rows(factors, values);
    }

    fn add_signs(&self, scale: f32, values: &Self::Tensor, out: &mut Self::Tensor) {
        self.cpu.add_signs(scale, values, out);
    }

    fn descend(
        &self,
        step: Step,
        weight_decay: f32,
        terms: &[(f32, [&Self::Tensor; 2])],
        moments: &mut [Self::Tensor; 2],
        parameter: &mut Self::Tensor,
    ) {
        self.cpu.descend(step, weight_decay, terms, moments, parameter);
    }

    fn step(&self, step: Step, gradient: &Self::Tensor, moments: &mut [Self::Tensor; 2], parameter: &mut Self::Tensor) {
        self.cpu.step(step, gradient, moments, parameter);
    }
}

#[test]
fn no_draw_is_used_twice() -> Result<(), Error> {
    const EPOCHS: usize = 2;
    const K: u16 = 3;
    const HIDDEN: [usize; 2] = [6, 5];
    let dataset = digits::load()?;
    let rows = dataset.train.inputs.rows();
    let backend = Recorder { cpu: Cpu::new(0)?, taken: RefCell::default() };
    let settings = RbmSettings {
        k: K,
        epochs: EPOCHS,
        batch_size: 100,
        learning_rate: 0.05,
        momentum: 0.5,
        weight_decay: 1e-4,
        ..RbmSettings::default()
    };
    let stack = pretrain(
        &backend,
        &Stack { hidden: HIDDEN.to_vec(), machines: vec![settings], ..Stack::default() },
        9,
        &dataset,
        &mut Silent,
    )?;
    let settings =
        Backpropagation { epochs: EPOCHS, batch_size: 100, dropout: 0.25, input_dropout: 0.1, ..Default::default() };
    finetune(&backend, &settings, 9, "finetune", &Recognition::of(&stack)?, &dataset, &mut Silent)?;

    let settings = UpDown { epochs: EPOCHS, k: K, dreams: Statistics::States, ..UpDown::default() };
    up_down(&backend, &settings, 9, &stack, &dataset, &mut Silent)?;

    let taken = backend.taken.into_inner();
    let twice = taken.iter().find(|(_, times)| **times > 1);
    assert_eq!(twice, None, "(seed, purpose, layer, phase, step, sample)");
    // Hidden and visible states of every Gibbs step, and one dropout, a layer, epoch and sample, and the inputs' dropout: all were written down.
    let of_fine_tuning = HIDDEN.len() * (2 * usize::from(K) + 1) + 1;
    // So were the layer's states awake and asleep, and every Gibbs step of the machine on top.
    let of_up_down = 2 + 2 * usize::from(K);
    assert_eq!(taken.len(), EPOCHS * rows * (of_fine_tuning + of_up_down));
    Ok(())
}

/// Chains of every algorithm, at every temperature, beside the draws of the data: states observed, hidden statistics, noise on reconstructions.
#[test]
fn no_draw_of_a_chain_is_used_twice() -> Result<(), Error> {
    const CHAINS: usize = 7;
    const K: u16 = 2;
    let samples = Batch { values: [0.0, 1.0, 0.5, 0.25].repeat(10), visible: 4 }.into();
    for (algorithm, temperatures) in
        [(Algorithm::Cd, 1), (Algorithm::Pcd, 1), (Algorithm::FastPcd, 1), (Algorithm::ParallelTempering, 3)]
    {
        let backend = Recorder { cpu: Cpu::new(1)?, taken: RefCell::default() };
        let settings = RbmSettings {
            algorithm,
            k: K,
            chains: CHAINS,
            temperatures: temperatures.max(2),
            epochs: 3,
            batch_size: 5,
            binarize: true,
            reconstruction_noise: 0.1,
            hidden_statistics: Statistics::States,
            ..RbmSettings::default()
        };
        let mut source = Source::new(&backend, &samples, &[], None)?;
        let start = rbm::start(&backend, &settings, (9, 0), &Shape::bernoulli(3), &mut source)?;
        let mut run = Run { stage: "rbm".into(), seed: 9, layer: 0, train: &mut source, validation: None, test: None };
        rbm::train(&backend, &settings, &mut run, &start, &mut Silent)?;

        let taken = backend.taken.into_inner();
        let twice = taken.iter().find(|(_, times)| **times > 1);
        assert_eq!(twice, None, "{algorithm:?}: (seed, purpose, layer, phase, step, sample)");
        let (steps, per_row) = (6, 3 * usize::from(K));
        let persistent = algorithm != Algorithm::Cd;
        let replicas = if persistent { CHAINS * temperatures } else { 5 };
        // Each minibatch: its rows observed and their hidden units drawn; hidden and visible states and noise of every Gibbs step, where CD has its
        // first hidden states from the data; hidden statistics of each chain at the end. Persistent chains are drawn once before.
        let of_chains = replicas * per_row - if persistent { 0 } else { replicas };
        let of_statistics = if persistent { CHAINS } else { replicas };
        let begun = if persistent { replicas } else { 0 };
        assert_eq!(taken.len(), steps * (2 * 5 + of_chains + of_statistics) + begun, "{algorithm:?}");
    }
    Ok(())
}
