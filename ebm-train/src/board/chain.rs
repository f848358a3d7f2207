//! What a chain over a model's own machine meets: how many units are on decides what a step costs.

use super::work::{Inputs, Usage};
use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{Float, Integer, Machine as _, Model, Numbers};

/// Seed of the chain, that of the firmware's.
const SEED: u64 = 1;

/// The shares of units that are on over so many steps, after those that are `forgotten`, of a chain from a binary state. `None` where the model has no
/// machine over its inputs.
pub fn usage(model: &Model<'_>, start: fn(usize) -> bool, forgotten: usize, steps: usize) -> Option<Usage> {
    of::<Float>(model, start, forgotten, steps).or_else(|| of::<Integer>(model, start, forgotten, steps))
}

fn of<N: Numbers>(model: &Model<'_>, start: fn(usize) -> bool, forgotten: usize, steps: usize) -> Option<Usage> {
    let machine = model.machine::<N>().ok()?;
    let mut rng = Philox::new(SEED, Stream::new(Purpose::Free));
    let mut visible: Vec<N::Value> = (0..machine.visible()).map(|unit| N::from_bit(start(unit))).collect();
    let mut hidden = vec![N::Value::default(); machine.hidden()];
    let (mut states, mut hidden_on) = (Vec::new(), Vec::new());
    for step in 0..forgotten + steps {
        let before = shares::<N>(&visible);
        machine.sample_hidden(&visible, &mut rng, &mut hidden).ok()?;
        machine.sample_visible(&hidden, &mut rng, &mut visible).ok()?;
        if step >= forgotten {
            states.push(before);
            hidden_on.push(shares::<N>(&hidden));
        }
    }
    Some(Usage { states: Inputs::mean(states), hidden_on: Inputs::mean(hidden_on).on, ..Usage::TYPICAL })
}

/// Whatever is not off counts as on.
fn shares<N: Numbers>(states: &[N::Value]) -> Inputs {
    let states: Vec<f32> = states.iter().map(|&state| f32::from(state != N::Value::default())).collect();
    Inputs::of(&states)
}
