//! What pretraining is worth: the same fine-tuning from a pretrained stack and from random weights.

use super::Monitor;
use super::finetune::{self, Backpropagation, Finetuned, Recognition, finetune};
use super::pretrain::{self, Stack, pretrain};
use crate::Error;
use crate::backend::Backend;
use crate::data::Dataset;
use crate::parameters::{ClassifierParameters, DbnParameters};

/// Stage of fine-tuning from the pretrained stack.
pub const FINETUNE: &str = "finetune";
/// Stage of the same fine-tuning from random weights.
pub const RANDOM_START: &str = "random-start";

/// A deep net, pretrained and fine-tuned, and its like without pretraining.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The stack as pretraining left it.
    pub stack: DbnParameters,
    /// Fine-tuned from the stack.
    pub pretrained: Finetuned,
    /// Fine-tuned from random weights.
    pub random_start: Finetuned,
}

impl Comparison {
    /// The pretrained net, with the machine over its inputs where there is one.
    pub fn classifier(&self) -> ClassifierParameters {
        self.pretrained.clone().into_classifier(finetune::machine_over_inputs(&self.stack).cloned())
    }
}

/// Multiply-adds of [`compare`].
pub fn cost(stack: &Stack, finetuning: &Backpropagation, dataset: &Dataset) -> u64 {
    pretrain::cost(stack, dataset) + 2 * finetune::cost(finetuning, &stack.hidden, dataset)
}

/// Pretrains a stack and fine-tunes it (stage [`FINETUNE`]), and fine-tunes the same net from random weights (stage [`RANDOM_START`]): the same
/// minibatches, distortions and units left out. Neither needs anything of the other, so they may go on at a time, each told to its monitor.
pub fn compare<B: Backend + Sync>(
    backend: &B,
    stack: &Stack,
    finetuning: &Backpropagation,
    seed: u64,
    dataset: &Dataset,
    [of_pretrained, of_random]: [&mut (dyn Monitor + Send); 2],
) -> Result<Comparison, Error> {
    let pretrained = |backend: &B| -> Result<_, Error> {
        let trained = pretrain(backend, stack, seed, dataset, of_pretrained)?;
        let start = Recognition::of(&trained)?;
        let tuned = finetune(backend, finetuning, seed, FINETUNE, &start, dataset, of_pretrained)?;
        Ok((trained, tuned))
    };
    let random = |backend: &B| {
        let visible = dataset.train.inputs.visible();
        let start = Recognition::random(seed, visible, &stack.hidden, stack.hidden_kind);
        finetune(backend, finetuning, seed, RANDOM_START, &start, dataset, of_random)
    };
    let (pretrained, random_start) = backend.join(pretrained, random);
    let ((stack, pretrained), random_start) = (pretrained?, random_start?);
    Ok(Comparison { stack, pretrained, random_start })
}
