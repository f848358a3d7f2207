//! `Learn`: contrastive divergence in a copy of the model's file, which answers from then on.

use super::memory::{Buffers, first};
use super::pulse::Pulse;
use super::{Service, Spoken, input};
use crate::format::{self, FormatError};
use crate::gibbs::ChainMut;
use crate::kernel::learn::Rates;
use crate::learn::{LearnerMut, LearningRule, RbmMut};
use crate::machine::Machine;
use crate::model::Model;
use crate::rng::{Philox, Purpose, Stream};
use crate::wire::{Answer, Learning, Refusal, Rule, Values};

/// What has become of the copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adapted {
    /// Bytes of the copy; 0 where nothing was learnt.
    len: usize,
    updates: u32,
    /// Do its checksums hold?
    is_sealed: bool,
}

impl Adapted {
    pub(super) const NOTHING: Self = Self { len: 0, updates: 0, is_sealed: true };

    /// The file that answers: the copy once something was learnt.
    pub(super) fn or<'f>(&self, copy: &'f [u8], file: &'f [u8]) -> &'f [u8] {
        if self.len == 0 { file } else { copy.get(..self.len).unwrap_or_default() }
    }

    /// Makes the copy a whole file again, if there is one.
    pub(super) fn seal(&mut self, copy: &mut [u8]) -> Result<bool, FormatError> {
        if !self.is_sealed {
            format::seal(copy.get_mut(..self.len).unwrap_or_default())?;
            self.is_sealed = true;
        }
        Ok(self.len > 0)
    }
}

impl<N: Spoken> Service<'_, N> {
    pub(super) fn learn(
        &mut self,
        file: &[u8],
        values: &Values<'_>,
        learning: Learning,
        alive: &mut dyn FnMut(),
    ) -> Result<Answer<'static>, Refusal<'static>> {
        if !N::LEARNS {
            return Err(Refusal::Unsupported { what: "learning: the model's numbers are integers" });
        }
        let Learning { rule, steps, learning_rate, momentum, weight_decay, seed, step } = learning;
        if momentum != 0.0 {
            return Err(Refusal::Unsupported { what: "momentum: there are no velocities" });
        }
        if !learning_rate.is_finite() || !weight_decay.is_finite() {
            return Err(Refusal::NotANumber);
        }
        let Buffers { input, hidden, copy, fantasy, means: [of_data, of_model], .. } = &mut self.buffers;
        let copy = first(copy, file.len(), "bytes of a model that learns")?;
        if self.adapted.len == 0 {
            copy.iter_mut().zip(file).for_each(|(copy, &byte)| *copy = byte);
        }
        let (units, hidden_units) = {
            let model = Model::parsed::<N>(copy)?;
            let machine = model.machine::<N>()?;
            input::fill::<N>(&model, values, machine.visible(), input)?;
            (machine.visible(), machine.hidden())
        };
        let float = Refusal::Unsupported { what: "learning: the model's numbers are integers" };
        let data = N::as_f32(first(input, units, "visible units")?).ok_or(float)?;
        let learner = LearnerMut {
            chain: ChainMut {
                visible: N::as_f32(first(fantasy, units, "visible units that learn")?).ok_or(float)?,
                hidden: N::as_f32(first(hidden, hidden_units, "hidden units")?).ok_or(float)?,
            },
            of_data: N::as_f32(first(of_data, hidden_units, "hidden units that learn")?).ok_or(float)?,
            of_model: N::as_f32(first(of_model, hidden_units, "hidden units that learn")?).ok_or(float)?,
        };
        let rates = Rates { learning_rate, momentum: 0.0, weight_decay };
        let mut rng = Pulse::new(Philox::new(seed, Stream { step, ..Stream::new(Purpose::Free) }), alive);
        let is_first = self.adapted.len == 0;
        let stays_finite = update(copy, learner, rule, is_first, (steps as usize, rates), data, &mut rng)?;
        if !stays_finite {
            self.forget();
            return Err(Refusal::Diverged);
        }
        self.adapted = Adapted { len: file.len(), updates: self.adapted.updates.saturating_add(1), is_sealed: false };
        Ok(Answer::Learned { updates: self.adapted.updates })
    }
}

/// One step of learning in the file; false where it took a parameter beyond all numbers. A persistent chain starts at the `first` sample.
fn update<R: rand_core::Rng>(
    file: &mut [u8],
    mut learner: LearnerMut<'_>,
    rule: Rule,
    is_first: bool,
    (k, rates): (usize, Rates),
    data: &[f32],
    rng: &mut R,
) -> Result<bool, Refusal<'static>> {
    let (RbmMut { weights, visible_bias, hidden_bias }, units) = format::machine_mut(file)?;
    let rbm = RbmMut { weights: &mut *weights, visible_bias: &mut *visible_bias, hidden_bias: &mut *hidden_bias };
    let how = LearningRule { units, k, rates };
    match rule {
        Rule::Pcd if !is_first => learner.persistent_contrastive_divergence(rbm, None, how, data, rng)?,
        Rule::Cd | Rule::Pcd => learner.contrastive_divergence(rbm, None, how, data, rng)?,
    }
    let finite = |parameters: &[f32]| parameters.iter().all(|parameter| parameter.is_finite());
    Ok(finite(weights) && finite(visible_bias) && finite(hidden_bias))
}
