//! ② The algorithms, once, over [`Backend`].
//!
//! [`pretrain`](pretrain()) trains a machine or a [`Stack`] of them on a data set, [`up_down`] the stack as a whole, and [`finetune`](finetune()) a net that
//! names classes, from a stack or from random weights. Each takes a seed, of which the result is a function, and a [`Monitor`]: [`Silent`] where
//! nobody listens. A [`Machine`] and a [`Source`] are parameters and samples on a backend, for [`crate::eval`].

pub mod advice;
pub mod compare;
pub mod distort;
mod effort;
mod epoch;
pub mod finetune;
pub mod machine;
pub mod order;
pub mod pretrain;
pub mod rbm;
pub mod snapshot;
pub mod source;
pub mod updown;

pub use epoch::Epoch;
pub use finetune::{Backpropagation, Recognition, finetune, machine_over_inputs};
pub use machine::Machine;
pub use pretrain::{Stack, pretrain};
pub use rbm::RbmSettings;
pub use rbm::settings::Algorithm;
pub use source::Source;
pub use updown::{UpDown, up_down};

use crate::Error;
use crate::backend::{Backend, Step};
use crate::parameters::RbmParameters;
use snapshot::Snapshot;

/// What a training run tells while it goes on, and where its state is kept.
///
/// A run is a sequence of stages, each with a name of its own (`pretrain-1`, …, `finetune`). A stage begins by asking for what an earlier process
/// left of it, offers a snapshot after every minibatch, and hands in its last one.
pub trait Monitor {
    /// What is left of the stage that begins now; `None` to begin it afresh.
    fn begin(&mut self, stage: &str) -> Result<Option<Snapshot>, Error> {
        let _ = stage;
        Ok(None)
    }

    /// So many multiply-adds more have been done.
    fn advance(&mut self, multiply_adds: u64) {
        let _ = multiply_adds;
    }

    /// So many need not be done: an earlier process did them, or the stage ends before its last epoch.
    fn skip(&mut self, multiply_adds: u64) {
        let _ = multiply_adds;
    }

    /// A minibatch has been learnt from. An error ends the run: it was interrupted, or a checkpoint could not be written.
    ///
    /// `snapshot` fails where the state holds a number that is not finite: what was kept before is the last good state.
    fn batch(&mut self, stage: &str, snapshot: &mut dyn FnMut() -> Result<Snapshot, Error>) -> Result<(), Error> {
        let _ = (stage, snapshot);
        Ok(())
    }

    /// The machine as the epoch `epoch` of `epochs` left it, for those who keep some; called before [`Monitor::epoch`].
    fn machine(
        &mut self,
        stage: &str,
        [epoch, epochs]: [usize; 2],
        machine: &mut dyn FnMut() -> RbmParameters,
    ) -> Result<(), Error> {
        let _ = (stage, epoch, epochs, machine);
        Ok(())
    }

    /// An epoch has ended; called before [`Monitor::batch`] is for its last minibatch.
    fn epoch(&mut self, epoch: &Epoch) -> Result<(), Error> {
        let _ = epoch;
        Ok(())
    }

    /// The stage has ended with this state.
    fn end(&mut self, stage: &str, snapshot: Snapshot) -> Result<(), Error> {
        let _ = (stage, snapshot);
        Ok(())
    }
}

/// Tells and keeps nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Monitor for Silent {}

/// Derivatives of the mean over this rank's samples, so many of `rows`, to their part in those of the mean over all.
pub(crate) fn to_part<B: Backend>(backend: &B, rows: usize, derivatives: &mut B::Tensor) {
    let own = backend.shape(derivatives)[0];
    if own != rows {
        backend.rescale(own as f32 / rows.max(1) as f32, None, derivatives);
    }
}

/// A parameter's gradient and its optimiser's moments.
pub(crate) struct Update<B: Backend> {
    gradient: B::Tensor,
    moments: [B::Tensor; 2],
}

impl<B: Backend> Update<B> {
    fn new(backend: &B, [rows, columns]: [usize; 2]) -> Self {
        let zeros = || backend.zeros(rows, columns);
        Self { gradient: zeros(), moments: [zeros(), zeros()] }
    }

    /// One step of the optimiser on the parameter that this belongs to.
    fn step(&mut self, backend: &B, step: Step, parameter: &mut B::Tensor) {
        backend.step(step, &self.gradient, &mut self.moments, parameter);
    }

    /// One step of the optimiser on weights, down the gradient of [`Backend::descend`] over all ranks' samples, which need not be kept.
    fn descend(
        &mut self,
        backend: &B,
        step: Step,
        weight_decay: f32,
        terms: &[(f32, [&B::Tensor; 2])],
        parameter: &mut B::Tensor,
    ) {
        if backend.ranks().is_alone() {
            backend.descend(step, weight_decay, terms, &mut self.moments, parameter);
            return;
        }
        backend.outer(0.0, terms, &mut self.gradient);
        backend.sum_over_ranks(&mut self.gradient);
        if weight_decay > 0.0 {
            backend.add_scaled(weight_decay, parameter, &mut self.gradient);
        }
        self.step(backend, step, parameter);
    }

    /// One step of the optimiser on a bias, down the gradient that the sums of units' values over all ranks' samples give, which need not be kept.
    fn descend_bias(&mut self, backend: &B, step: Step, terms: &[(f32, &B::Tensor)], parameter: &mut B::Tensor) {
        if backend.ranks().is_alone() {
            backend.descend_bias(step, terms, &mut self.gradient, &mut self.moments, parameter);
            return;
        }
        backend.column_sums(0.0, terms, &mut self.gradient);
        backend.sum_over_ranks(&mut self.gradient);
        self.step(backend, step, parameter);
    }

    /// Saves the moments; the gradient is formed anew by the next minibatch.
    fn save(&self, backend: &B, name: &str, snapshot: &mut Snapshot) {
        for (number, moment) in (1..).zip(&self.moments) {
            snapshot.put(backend, &format!("{name}.moment-{number}"), moment);
        }
    }

    fn load(&mut self, backend: &B, name: &str, snapshot: &Snapshot) -> Result<(), Error> {
        (1..)
            .zip(&mut self.moments)
            .try_for_each(|(number, moment)| snapshot.restore(backend, &format!("{name}.moment-{number}"), moment))
    }
}
