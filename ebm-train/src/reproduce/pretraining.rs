//! `rbm-pretraining` and `dbn-pretraining`: five epochs of fine-tuning with and without pretraining, and what the pretrained stack makes of each digit.

use super::learning::{self, Heard};
use super::{Bar, Context, Data, Experiment, Figure, Outcome, Setting};
use crate::Error;
use crate::backend::Backend;
use crate::data::{Batch, Split};
use crate::generate;
use crate::parameters::Parameters;
use crate::report::{self, picture::Colours};
use crate::train::compare::{FINETUNE, RANDOM_START};
use crate::train::finetune::{self, Backpropagation, Recognition, finetune};
use crate::train::pretrain::{self, Stack, pretrain};
use crate::train::rbm::RbmSettings;

const EPOCHS: usize = 5;

/// One of the two, with what was published and what ours must reach.
struct Net {
    hidden: &'static [usize],
    quick: &'static [usize],
    with: f64,
    without: f64,
    bar: f64,
    /// The same of the digits, where minibatches are few.
    quick_bar: f64,
}

const RBM: Net = Net { hidden: &[2500], quick: &[200], with: 96.69, without: 93.69, bar: 98.0, quick_bar: 90.0 };
const DBN: Net =
    Net { hidden: &[512, 128, 64], quick: &[96, 64, 32], with: 96.48, without: 93.98, bar: 97.5, quick_bar: 85.0 };

impl Net {
    fn stack(&self, setting: &Setting<'_>) -> Stack {
        let batch_size = setting.of(64, 10);
        let machine = RbmSettings { epochs: EPOCHS, batch_size, learning_rate: 0.1, ..learning::plain() };
        Stack { hidden: setting.of(self.hidden, self.quick).to_vec(), machines: vec![machine], ..Stack::default() }
    }

    fn backpropagation(setting: &Setting<'_>) -> Backpropagation {
        Backpropagation {
            epochs: EPOCHS,
            learning_rate: 1e-3,
            batch_size: setting.of(64, 10),
            ..Backpropagation::default()
        }
    }

    fn work(&self, setting: &Setting<'_>) -> u64 {
        let stack = self.stack(setting);
        let tuning = finetune::cost(&Self::backpropagation(setting), &stack.hidden, setting.dataset);
        pretrain::cost(&stack, setting.dataset) + 2 * tuning
    }

    fn run<B: Backend>(&self, context: &mut Context<'_, B>) -> Result<Outcome, Error> {
        let Context { backend, setting, seed, .. } = *context;
        let stack = self.stack(&setting);
        let settings = Self::backpropagation(&setting);
        let machines = pretrain(backend, &stack, seed, setting.dataset, context.monitor)?;
        let starts = [
            (FINETUNE, Recognition::of(&machines)?),
            (
                RANDOM_START,
                Recognition::random(seed, setting.dataset.train.inputs.visible(), &stack.hidden, stack.hidden_kind),
            ),
        ];
        let mut heard = Heard::by(context.monitor);
        for (stage, start) in &starts {
            finetune(backend, &settings, seed, stage, start, setting.dataset, &mut heard)?;
        }
        let accuracy = |stage| 100.0 * heard.last(stage).and_then(|epoch| epoch.test_accuracy).unwrap_or(f64::NAN);
        let (with, without) = (accuracy(FINETUNE), accuracy(RANDOM_START));
        let starts = [(FINETUNE, "with pretraining"), (RANDOM_START, "from random weights, same fine-tuning")];
        let text = report::finetuning(&heard.epochs, &starts);
        let mut figures = vec![
            Figure::told("test accuracy, pretrained", "%", with),
            Figure::told("test accuracy, from random weights", "%", without),
            Figure::told("what pretraining is worth", "points", with - without),
        ];
        if setting.quick {
            figures[0] = figures[0].clone().bar(Bar::AtLeast(self.quick_bar));
        } else {
            figures[0] = figures[0].clone().published(self.with).bar(Bar::AtLeast(self.bar));
            figures[1] = figures[1].clone().published(self.without);
            figures[2] = figures[2].clone().published(self.with - self.without);
        }
        let originals = one_of_each_class(&setting.dataset.test, setting.dataset.classes.len())?;
        let stack = generate::Stack::new(backend, &Parameters::Dbn(machines))?;
        let reconstructed = stack.reconstruct(backend, &originals)?;
        let tiles: Vec<&[f32]> = originals.iter().chain(reconstructed.iter()).collect();
        let file = learning::picture(context, "reconstructions", originals.rows(), &tiles, Colours::Grey(0.0, 1.0))?;
        Ok(Outcome { figures, files: vec![file], text, ..Outcome::default() })
    }
}

/// The first sample of each class.
fn one_of_each_class(split: &Split, classes: usize) -> Result<Batch, Error> {
    let first = |class: usize| split.labels.iter().position(|&label| usize::from(label) == class);
    let rows: Vec<u32> = (0..classes).filter_map(first).map(|row| row as u32).collect();
    let mut batch = Batch::default();
    split.inputs.gather(&rows, &mut batch)?;
    Ok(batch)
}

pub(super) fn rbm<B: Backend>() -> Experiment<B> {
    Experiment {
        name: "rbm-pretraining",
        about: "784-2500-10, five epochs with and without pretraining; an original and its reconstruction for each digit",
        source: "the table of a public notebook: 96.69 % with, 93.69 % without",
        data: Data::Grey,
        work: |setting| RBM.work(setting),
        run: |context| RBM.run(context),
    }
}

pub(super) fn dbn<B: Backend>() -> Experiment<B> {
    Experiment {
        name: "dbn-pretraining",
        about: "784-512-128-64-10, five epochs with and without pretraining; an original and its reconstruction for each digit",
        source: "the table of a public notebook: 96.48 % with, 93.98 % without",
        data: Data::Grey,
        work: |setting| DBN.work(setting),
        run: |context| DBN.run(context),
    }
}
