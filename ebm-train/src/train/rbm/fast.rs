//! Fast PCD (Tieleman & Hinton 2009, "Using Fast Weights to Improve Persistent Contrastive Divergence").

use super::Gradients;
use super::settings::RbmSettings;
use crate::Error;
use crate::backend::{Backend, Step};
use crate::parameters::ParametersError;
use crate::train::machine::Machine;
use crate::train::snapshot::Snapshot;

/// The machine that drives the chains: the one that learns, and fast weights that follow the same gradient and forget,
/// `θ_fast ← decay·θ_fast − rate·g`; held as their sum with `θ_fast = −rate·m`, `m ← decay·m + g`.
pub(super) struct Fast<B: Backend> {
    /// With the fast weights added.
    pub driver: Machine<B>,
    /// `m` of weights, visible and hidden biases, beside a tensor that a step wants and does not use.
    moments: [[B::Tensor; 2]; 3],
}

const NAMES: [&str; 3] = ["fast.weights", "fast.visible_bias", "fast.hidden_bias"];

impl<B: Backend> Fast<B> {
    /// Fast weights of zero.
    pub fn new(backend: &B, machine: &Machine<B>) -> Result<Self, ParametersError> {
        let moments = tensors(machine).map(|tensor| {
            let [rows, columns] = backend.shape(tensor);
            [backend.zeros(rows, columns), backend.zeros(rows, columns)]
        });
        Ok(Self { driver: Machine::new(backend, &machine.parameters(backend))?, moments })
    }

    /// Fast weights a step on, over the machine as it has become.
    pub fn follow(&mut self, backend: &B, settings: &RbmSettings, machine: &Machine<B>, gradients: &Gradients<'_, B>) {
        let step = Step::Momentum { learning_rate: settings.fast_learning_rate, momentum: settings.fast_decay };
        let gradients = [&*gradients.weights, &*gradients.visible_bias, &*gradients.hidden_bias];
        let drivers = tensors_mut(&mut self.driver).into_iter().zip(tensors(machine));
        for (((driver, machine), moments), gradient) in drivers.zip(&mut self.moments).zip(gradients) {
            backend.copy(machine, driver);
            backend.step(step, gradient, moments, driver);
        }
    }

    pub fn save(&self, backend: &B, snapshot: &mut Snapshot) {
        for (name, [moment, _]) in NAMES.iter().zip(&self.moments) {
            snapshot.put(backend, name, moment);
        }
    }

    pub fn load(
        &mut self,
        backend: &B,
        settings: &RbmSettings,
        machine: &Machine<B>,
        snapshot: &Snapshot,
    ) -> Result<(), Error> {
        let drivers = tensors_mut(&mut self.driver).into_iter().zip(tensors(machine));
        for (((driver, machine), [moment, _]), name) in drivers.zip(&mut self.moments).zip(NAMES) {
            snapshot.restore(backend, name, moment)?;
            backend.copy(machine, driver);
            backend.add_scaled(-settings.fast_learning_rate, moment, driver);
        }
        Ok(())
    }
}

fn tensors<B: Backend>(machine: &Machine<B>) -> [&B::Tensor; 3] {
    [&machine.weights, &machine.visible_bias, &machine.hidden_bias]
}

fn tensors_mut<B: Backend>(machine: &mut Machine<B>) -> [&mut B::Tensor; 3] {
    [&mut machine.weights, &mut machine.visible_bias, &mut machine.hidden_bias]
}
