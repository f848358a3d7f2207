//! `classify`: a deep net pretrained and fine-tuned, ClassRBMs, and few labels.

use super::learning::{self, Heard};
use super::{Bar, Context, Data, Experiment, Figure, Outcome, Setting};
use crate::Error;
use crate::backend::Backend;
use crate::data::{Dataset, labelled_subset};
use crate::train::finetune::{self, Backpropagation, Recognition, finetune};
use crate::train::pretrain::{self, Stack, pretrain};
use crate::train::rbm::RbmSettings;
use crate::train::rbm::settings::{Objective, Optimizer, Schedule};

/// Hinton, Osindero & Teh (2006) with back-propagation; Hinton et al. (2012) with dropout.
const DEEP_PUBLISHED: f64 = 0.92;
const DEEP_BAR: f64 = 1.0;
/// Larochelle & Bengio (2008).
const CLASS_RBMS: [(&str, Objective, f64); 2] =
    [("discriminative", Objective::Discriminative, 1.81), ("hybrid", Objective::Hybrid, 1.28)];
const CLASS_RBM_BAR: f64 = 1.28;
/// Of fine-tuning with few labels.
#[derive(Clone, Copy)]
struct FewLabels {
    labels: usize,
    /// Accuracy in % that yell/boltzmann-machines reach from a machine of 1,024 units.
    published: f64,
    /// See [`Backpropagation::layer_rate`]: the fewer the labels, the more is kept of what the machine learnt without them.
    layer_rate: f32,
    /// How often the labels are drawn; the figure is the mean. Accuracies of two draws of a hundred are some points apart.
    draws: u64,
}

const FEW_LABELS: [FewLabels; 3] = [
    FewLabels { labels: 100, published: 81.70, layer_rate: 0.0, draws: 5 },
    FewLabels { labels: 1_000, published: 93.65, layer_rate: 0.03, draws: 1 },
    FewLabels { labels: 10_000, published: 97.27, layer_rate: 0.1, draws: 1 },
];

/// Of the digits: largest error in %, and smallest accuracy in % with as few labels as a hundred.
const QUICK_ERROR: f64 = 8.0;
const QUICK_FEW: f64 = 80.0;

fn deep(setting: &Setting<'_>) -> (Stack, Backpropagation) {
    let machine =
        RbmSettings { epochs: setting.of(45, 5), learning_rate: 0.1, schedule: Schedule::Linear, ..learning::plain() };
    let hidden = if setting.quick { vec![96, 64] } else { vec![500, 500, 2000] };
    let tuning = Backpropagation {
        epochs: setting.of(45, 10),
        batch_size: setting.of(128, 32),
        learning_rate: setting.of(1e-3, 5e-3),
        dropout: setting.of(0.45, 0.1),
        input_dropout: setting.of(0.2, 0.0),
        ..Backpropagation::default()
    };
    (Stack { hidden, machines: vec![machine], ..Stack::default() }, tuning)
}

fn class_rbm(setting: &Setting<'_>, objective: Objective) -> Stack {
    let machine = RbmSettings {
        objective,
        generative_weight: 0.01,
        epochs: 20,
        optimizer: Optimizer::Adam,
        batch_size: setting.of(100, 20),
        learning_rate: setting.of(3e-3, 5e-3),
        schedule: Schedule::Linear,
        weight_decay: 0.0,
        // Images drawn anew each time that they are seen: the machine cannot learn them by heart.
        binarize: true,
        ..learning::plain()
    };
    let hidden = match (setting.quick, objective) {
        (true, _) => 96,
        (false, Objective::Discriminative) => 500,
        (false, _) => 1500,
    };
    Stack { hidden: vec![hidden], labels: true, machines: vec![machine], ..Stack::default() }
}

fn few(FewLabels { labels, layer_rate, .. }: FewLabels) -> Backpropagation {
    Backpropagation {
        epochs: 30,
        batch_size: if labels > 100 { 64 } else { 10 },
        learning_rate: 1e-2,
        layer_rate,
        dropout: 0.5,
        ..Backpropagation::default()
    }
}

/// One machine over all images; the labels come later.
fn unlabelled(setting: &Setting<'_>) -> Stack {
    let machine = RbmSettings { epochs: 20, batch_size: setting.of(100, 20), learning_rate: 0.1, ..learning::plain() };
    Stack { hidden: vec![setting.of(1024, 96)], machines: vec![machine], ..Stack::default() }
}

fn few_labels(setting: &Setting<'_>) -> Vec<FewLabels> {
    let available = setting.dataset.train.inputs.rows();
    FEW_LABELS.into_iter().filter(|few| few.labels <= available).collect()
}

fn labelled(setting: &Setting<'_>, seed: u64, labels: usize) -> Result<Dataset, Error> {
    let train = labelled_subset(&setting.dataset.train, labels, seed)?;
    Ok(Dataset { train, ..setting.dataset.clone() })
}

pub(super) fn experiment<B: Backend>() -> Experiment<B> {
    Experiment {
        name: "classify",
        about: "784-500-500-2000-10 pretrained and fine-tuned; ClassRBMs, discriminative and hybrid; 100, 1,000 and 10,000 labels",
        source: "Hinton et al. 2006 (1.2 %), 2012 (0.92 %); Larochelle & Bengio 2008 (1.81, 1.28 %); yell/boltzmann-machines (81.70, 93.65, 97.27 %)",
        data: Data::Grey,
        work: |setting| {
            let (stack, tuning) = deep(setting);
            let deep =
                pretrain::cost(&stack, setting.dataset) + finetune::cost(&tuning, &stack.hidden, setting.dataset);
            let machines = CLASS_RBMS
                .iter()
                .map(|&(_, objective, _)| pretrain::cost(&class_rbm(setting, objective), setting.dataset));
            let unlabelled = unlabelled(setting);
            let few = few_labels(setting).into_iter().map(|labels| {
                let cost = |dataset| labels.draws * finetune::cost(&few(labels), &unlabelled.hidden, &dataset);
                labelled(setting, 0, labels.labels).map_or(0, cost)
            });
            deep + machines.sum::<u64>() + pretrain::cost(&unlabelled, setting.dataset) + few.sum::<u64>()
        },
        run,
    }
}

fn run<B: Backend>(context: &mut Context<'_, B>) -> Result<Outcome, Error> {
    let Context { backend, setting, seed, .. } = *context;
    let mut heard = Heard::by(context.monitor);
    let mut figures = Vec::new();
    let error = |heard: &Heard<'_>, stage: &str| {
        let accuracy = heard.last(stage).and_then(|epoch| epoch.test_accuracy);
        100.0 - 100.0 * accuracy.unwrap_or(f64::NAN)
    };
    let beside = |figure: Figure, published: f64, bar: Bar, quick: Bar| {
        if setting.quick { figure.bar(quick) } else { figure.published(published).bar(bar) }
    };

    let (stack, tuning) = deep(&setting);
    let machines = pretrain(backend, &stack, seed, setting.dataset, &mut heard)?;
    finetune(backend, &tuning, seed, "finetune", &Recognition::of(&machines)?, setting.dataset, &mut heard)?;
    let figure = Figure::told("deep net, pretrained and fine-tuned, test error", "%", error(&heard, "finetune"));
    figures.push(beside(figure, DEEP_PUBLISHED, Bar::AtMost(DEEP_BAR), Bar::AtMost(QUICK_ERROR)));

    for (name, objective, published) in CLASS_RBMS {
        let stack = class_rbm(&setting, objective);
        pretrain(backend, &stack, seed, setting.dataset, &mut heard)?;
        let figure = Figure::told(format!("ClassRBM, {name}, test error"), "%", error(&heard, "pretrain-1"));
        let bar = if objective == Objective::Hybrid { CLASS_RBM_BAR } else { published };
        figures.push(beside(figure, published, Bar::AtMost(bar), Bar::AtMost(QUICK_ERROR)));
    }

    let machine = pretrain(backend, &unlabelled(&setting), seed, setting.dataset, &mut heard)?;
    let start = Recognition::of(&machine)?;
    for few_labels @ FewLabels { labels, published, draws, .. } in few_labels(&setting) {
        let mut accuracies = 0.0;
        for draw in 0..draws {
            let stage = format!("finetune-{labels}-labels-{}", draw + 1);
            let dataset = labelled(&setting, seed.wrapping_add(draw), labels)?;
            finetune(backend, &few(few_labels), seed, &stage, &start, &dataset, &mut heard)?;
            accuracies += 100.0 - error(&heard, &stage);
        }
        let name = match draws {
            1 => format!("{labels} labels, test accuracy"),
            _ => format!("{labels} labels, test accuracy, mean of {draws} draws"),
        };
        let figure = Figure::told(name, "%", accuracies / draws as f64);
        figures.push(beside(figure, published, Bar::AtLeast(published), Bar::AtLeast(QUICK_FEW)));
    }
    Ok(Outcome { figures, ..Outcome::default() })
}
