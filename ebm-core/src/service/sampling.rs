//! `Sample` and `Inpaint`: block Gibbs sampling, and the same with what is known held.

use super::memory::{Buffers, first};
use super::pulse::Pulse;
use super::{Service, Spoken, input};
use crate::beta::Beta;
use crate::gibbs::{ChainMut, Held};
use crate::machine::{Machine, ShapeError};
use crate::model::Model;
use crate::rng::{Philox, Purpose, Stream};
use crate::wire::{Answer, Bits, Refusal, Start, Values, Want};

/// How long a chain runs, how warm, from which seed, and what is wanted of its last step.
pub(super) struct Run {
    steps: u32,
    beta: Beta,
    seed: u64,
    want: Want,
}

impl Run {
    pub(super) const fn new(steps: u32, beta: u16, seed: u64, want: Want) -> Self {
        Self { steps, beta: Beta::new(beta), seed, want }
    }

    /// Fails where there would be no hidden state to give probabilities of.
    const fn check(&self) -> Result<(), Refusal<'static>> {
        match (self.want, self.steps) {
            (Want::Probabilities, 0) => Err(Refusal::Unsupported { what: "probabilities without a step" }),
            _ => Ok(()),
        }
    }

    /// Draws in the order in which they are made: the start's, then each step's hidden and visible units.
    fn rng<'p>(&self, alive: &'p mut dyn FnMut()) -> Pulse<'p, Philox> {
        Pulse::new(Philox::new(self.seed, Stream::new(Purpose::Free)), alive)
    }
}

impl<N: Spoken> Service<'_, N> {
    pub(super) fn sample<'s>(
        &'s mut self,
        file: &'s [u8],
        start: &Start<'_>,
        run: Run,
        alive: &mut dyn FnMut(),
    ) -> Result<Answer<'s>, Refusal<'static>> {
        run.check()?;
        let Buffers { input, visible, hidden, copy, .. } = &mut self.buffers;
        let model = Model::parsed::<N>(self.adapted.or(copy, file))?;
        let machine = model.machine::<N>()?;
        let units = machine.visible();
        let visible = match start {
            Start::Values(values) => input::fill::<N>(&model, values, units, visible)?,
            Start::Noise | Start::Last => first(visible, units, "visible units")?,
        };
        let mut chain = ChainMut { visible, hidden: first(hidden, machine.hidden(), "hidden units")? };
        let means = first(input, units, "visible units")?;
        let mut rng = run.rng(alive);
        match start {
            Start::Noise => machine.noise(&mut rng, chain.visible)?,
            Start::Last if self.chain != units => {
                return Err(Refusal::Unsupported { what: "a chain to go on with: the last request left none" });
            }
            Start::Values(_) | Start::Last => {}
        }
        self.chain = units;
        for _ in 0..run.steps {
            chain.gibbs_step_at(run.beta, &machine, &mut rng)?;
        }
        let values = match run.want {
            Want::State => chain.visible,
            Want::Probabilities => {
                machine.visible_probs(chain.hidden, means)?;
                means
            }
        };
        Ok(Answer::Visible { values: N::values(values) })
    }

    pub(super) fn inpaint<'s>(
        &'s mut self,
        file: &'s [u8],
        values: &Values<'_>,
        known: Bits<'_>,
        run: Run,
        alive: &mut dyn FnMut(),
    ) -> Result<Answer<'s>, Refusal<'static>> {
        run.check()?;
        // The chain's place is taken.
        self.chain = 0;
        let Buffers { input, visible, hidden, held, copy, .. } = &mut self.buffers;
        let model = Model::parsed::<N>(self.adapted.or(copy, file))?;
        let machine = model.machine::<N>()?;
        let units = machine.visible();
        ShapeError::check("marks of what is known", units, known.len())?;
        let input = &*input::fill::<N>(&model, values, units, input)?;
        let visible = first(visible, units, "visible units")?;
        let marks = first(held, units, "visible units")?;
        visible.iter_mut().zip(input).for_each(|(state, &value)| *state = value);
        marks.iter_mut().zip(known.iter()).for_each(|(mark, known)| *mark = known);
        let mut chain = ChainMut { visible, hidden: first(hidden, machine.hidden(), "hidden units")? };
        let held = Held { known: input, held: marks };
        let mut rng = run.rng(alive);
        for _ in 0..run.steps {
            chain.gibbs_step_held(run.beta, held, &machine, &mut rng)?;
        }
        if run.want == Want::Probabilities {
            machine.visible_probs(chain.hidden, chain.visible)?;
            machine.hold(held.known, held.held, chain.visible)?;
        }
        Ok(Answer::Visible { values: N::values(chain.visible) })
    }
}
