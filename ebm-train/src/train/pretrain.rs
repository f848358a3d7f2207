//! Greedy layer-by-layer pretraining of a deep belief network (Hinton, Osindero & Teh 2006): each machine learns the hidden means of the one
//! below, which stays as it is.

use super::Monitor;
use super::machine::Machine;
use super::rbm::settings::{Objective, VisibleBias};
use super::rbm::{self, RbmSettings, Run, Shape};
use super::source::{OneHot, Source};
use crate::Error;
use crate::backend::Backend;
use crate::data::{Dataset, Split};
use crate::parameters::{DbnParameters, Stage};
use ebm_core::{Block, HiddenKind, VisibleKind};
use serde::{Deserialize, Serialize};

/// Stage of the machine over the inputs.
pub const FIRST_MACHINE: &str = "pretrain-1";

/// A stack of machines before it is trained. One machine is a stack too, and with labels a ClassRBM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Stack {
    /// Hidden units of each machine, from the input up.
    pub hidden: Vec<usize>,
    /// What the hidden units of every machine are.
    pub hidden_kind: HiddenKind,
    /// The top machine sees the label beside its inputs: the associative memory of Hinton, Osindero & Teh (2006).
    pub labels: bool,
    /// How each machine learns; those beyond the last of these learn as the last.
    pub machines: Vec<RbmSettings>,
}

impl Default for Stack {
    fn default() -> Self {
        Self {
            hidden: vec![256, 128],
            hidden_kind: HiddenKind::Bernoulli,
            labels: false,
            machines: vec![RbmSettings::default()],
        }
    }
}

impl Stack {
    /// How the machine at `index` learns.
    fn settings(&self, index: usize) -> RbmSettings {
        let settings = self.machines.get(index).or(self.machines.last()).copied().unwrap_or_default();
        let over_rectified = index > 0 && self.hidden_kind == HiddenKind::Relu;
        RbmSettings {
            // Of hidden probabilities, which begin near a half, log-odds say little; rectified means are far from zero.
            visible_bias: if index == 0 || over_rectified { settings.visible_bias } else { VisibleBias::Zero },
            // Only the machine that has labels can learn to name them, and only Bernoulli units have probabilities to draw from.
            objective: if self.has_labels(index) { settings.objective } else { Objective::Generative },
            binarize: settings.binarize && !over_rectified,
            // Inputs that are all above zero would drive every hidden unit the same way, and rectifiers stay off that were driven down.
            centered: settings.centered || over_rectified,
            ..settings
        }
    }

    fn has_labels(&self, index: usize) -> bool {
        self.labels && index + 1 == self.hidden.len()
    }

    /// The machine at `index` over `inputs` units, before it has parameters. Means of rectified units are Gaussian units to the machine above,
    /// as Nair & Hinton (2010) take them.
    fn shape(&self, index: usize, inputs: usize, dataset: &Dataset) -> Shape {
        let of = |kind| vec![Block::new(kind, inputs as u32)];
        let mut blocks = match self.hidden_kind {
            _ if index == 0 => dataset.blocks.clone(),
            HiddenKind::Bernoulli => Vec::new(),
            HiddenKind::Relu => of(VisibleKind::Gaussian),
        };
        if self.has_labels(index) {
            if blocks.is_empty() {
                blocks = of(VisibleKind::Bernoulli);
            }
            blocks.push(Block::new(VisibleKind::Label, dataset.classes.len() as u32));
        }
        Shape { blocks, hidden: self.hidden[index], hidden_kind: self.hidden_kind }
    }

    /// Fails when the stack has no machine, or labels are wanted that the data do not have.
    fn check(&self, dataset: &Dataset) -> Result<(), Error> {
        if self.hidden.is_empty() {
            return Err(Error::Flag { flag: "--hidden", value: String::new(), expected: "at least one layer" });
        }
        if self.labels && dataset.train.labels.is_empty() {
            let problem = "has no labels for the top machine to learn; leave them out of the stack".into();
            return Err(Error::data(&dataset.name, problem));
        }
        Ok(())
    }
}

/// Multiply-adds of [`pretrain`].
pub fn cost(stack: &Stack, dataset: &Dataset) -> u64 {
    let rows = |split: &Split| split.inputs.rows();
    let measured = [&dataset.train, &dataset.validation, &dataset.test].map(rows);
    let inputs = std::iter::once(dataset.train.inputs.visible()).chain(stack.hidden.iter().copied());
    let of_machine = |(index, (inputs, &hidden)): (usize, (usize, &usize))| {
        let labels = if stack.has_labels(index) { dataset.classes.len() } else { 0 };
        stack.settings(index).cost(inputs + labels, hidden, rows(&dataset.train), measured)
    };
    inputs.zip(&stack.hidden).enumerate().map(of_machine).sum()
}

/// Trains a stack of machines, each a stage of its own: `pretrain-1`, `pretrain-2`, ….
///
/// Fails when the settings cannot be meant for these data, when samples cannot be read, when a value leaves the finite numbers, or when the
/// monitor ends the run.
pub fn pretrain<B: Backend>(
    backend: &B,
    stack: &Stack,
    seed: u64,
    dataset: &Dataset,
    monitor: &mut dyn Monitor,
) -> Result<DbnParameters, Error> {
    stack.check(dataset)?;
    let mut machines: Vec<Machine<B>> = Vec::with_capacity(stack.hidden.len());
    for _ in &stack.hidden {
        let machine = next(backend, stack, seed, dataset, &machines, monitor)?;
        machines.push(machine);
    }
    let mut trained: Vec<_> = machines.iter().map(|machine| machine.parameters(backend)).collect();
    let top = trained.pop().unwrap_or_default();
    Ok(DbnParameters { below: trained.into_iter().map(Stage::Tied).collect(), top })
}

/// Trains the machine that comes on top of `machines`.
fn next<B: Backend>(
    backend: &B,
    stack: &Stack,
    seed: u64,
    dataset: &Dataset,
    machines: &[Machine<B>],
    monitor: &mut dyn Monitor,
) -> Result<Machine<B>, Error> {
    let index = machines.len();
    let below: Vec<&Machine<B>> = machines.iter().collect();
    let inputs = below.last().map_or(dataset.train.inputs.visible(), |machine| machine.hidden());
    let classes = stack.has_labels(index).then_some(dataset.classes.len());
    let mut train = Source::new(backend, &dataset.train.inputs, &below, one_hot(&dataset.train, classes))?;
    let mut validation = measured(backend, &dataset.validation, &below, classes)?;
    let mut test = measured(backend, &dataset.test, &below, classes)?;
    let (settings, layer) = (stack.settings(index), index as u8);
    let start = rbm::start(backend, &settings, (seed, layer), &stack.shape(index, inputs, dataset), &mut train)?;
    let stage = format!("pretrain-{}", index + 1);
    let (validation, test) = (validation.as_mut(), test.as_mut());
    let mut run = Run { stage, seed, layer, train: &mut train, validation, test };
    rbm::train(backend, &settings, &mut run, &start, monitor)
}

fn one_hot(split: &Split, classes: Option<usize>) -> Option<OneHot<'_>> {
    classes.map(|classes| OneHot { labels: &split.labels, classes })
}

/// A split that is only measured on; `None` where there is none, or none with the labels that are needed.
fn measured<'a, B: Backend>(
    backend: &B,
    split: &'a Split,
    below: &[&'a Machine<B>],
    classes: Option<usize>,
) -> Result<Option<Source<'a, B>>, Error> {
    let lacks_labels = classes.is_some() && split.labels.is_empty();
    if split.inputs.rows() == 0 || lacks_labels {
        return Ok(None);
    }
    Source::new(backend, &split.inputs, below, one_hot(split, classes)).map(Some)
}
