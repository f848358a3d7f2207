//! Everything that can be asked of a model. A hostile file may give wrong numbers, but nothing may panic.

use ebm_core::format::Input;
use ebm_core::kernel::integer::ONE;
use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{Beta, Float, Integer, Machine, Model, Numbers};

/// Asks everything of a model, if these bytes are one; false if they are none.
///
/// # Panics
/// When an answer cannot be right whatever the parameters are.
pub fn exercise(bytes: &[u8]) -> bool {
    let Ok(model) = Model::parse(bytes) else { return false };
    for index in 0..=model.layers() {
        let layer = model.layer(index);
        assert_eq!(layer.is_some(), index < model.layers());
    }
    exercise_as::<Float>(&model, &[0.0, 1.0, -2.5, f32::NAN, f32::INFINITY, f32::MAX, f32::MIN_POSITIVE / 2.0]);
    exercise_as::<Integer>(&model, &[0, 1, ONE, u8::MAX]);
    true
}

fn exercise_as<N: Numbers>(model: &Model<'_>, values: &[N::Value]) {
    let mut work = vec![N::Value::default(); model.work_len()];
    let mut scores = vec![N::Score::default(); model.outputs()];
    let levels = [0, 1, u16::MAX].map(|level| raw_values::<N>(model, level.into()));
    let others = values.iter().map(|&value| vec![value; model.inputs()]);
    for mut input in others.chain(levels.into_iter().flatten()) {
        let value = input.last().copied().unwrap_or_default();
        if let (Some(first), Some(&other)) = (input.first_mut(), values.first()) {
            *first = other;
        }
        if let Ok(class) = model.classify::<N>(&input, &mut work, &mut scores) {
            assert!(class < model.outputs());
        }
        if let Ok(energy) = model.free_energy::<N>(&input) {
            assert_eq!(model.is_novel::<N>(energy).is_some(), model.header().novelty.is_some());
            assert!(model.novelty::<N>(&input).is_ok());
        }
        if let Ok(top) = model.top::<N>() {
            let rng = &mut Philox::new(2, Stream::new(Purpose::Free));
            let state = vec![value; top.visible()];
            let drawn = model.sample_down::<N, _>(&state, rng, &mut work, &mut input);
            assert_eq!(model.means_down::<N>(&state, &mut work, &mut input), drawn);
        }
    }
    for index in 0..model.layers() {
        if let Ok(machine) = model.rbm::<N>(index) {
            for &value in values {
                exercise_machine(&machine, value, values[0]);
            }
        }
        if let Ok(layer) = model.hidden_layer::<N>(index) {
            let inputs = model.header().layers[index].visible as usize;
            let mut out = vec![values[0]; N::outputs(&layer)];
            for &value in values {
                assert_eq!(N::probabilities(&layer, &vec![value; inputs], &mut out), Ok(()));
            }
        }
    }
}

/// The values of inputs that are all `raw`; none where the scaling is in other numbers than `N`'s.
fn raw_values<N: Numbers>(model: &Model<'_>, raw: N::Raw) -> Option<Vec<N::Value>> {
    let mut values = vec![N::Value::default(); model.inputs()];
    let made = model.values::<N>(&vec![raw; model.inputs()], &mut values);
    assert!(made.is_ok() || matches!(model.header().input, Input::Scaled { .. }));
    made.is_ok().then_some(values)
}

fn exercise_machine<M: Machine>(machine: &M, value: M::Value, other: M::Value) {
    let rng = &mut Philox::new(1, Stream::new(Purpose::Free));
    let (mut hidden, mut visible) = (vec![other; machine.hidden()], vec![value; machine.visible()]);
    assert_eq!(machine.hidden_probs(&visible, &mut hidden), Ok(()));
    assert_eq!(machine.visible_probs(&hidden, &mut visible), Ok(()));
    assert_eq!(machine.visible_probs(&vec![value; machine.hidden()], &mut visible), Ok(()));
    assert_eq!(machine.noise(rng, &mut visible), Ok(()));
    for beta in [Beta::ZERO, Beta::ONE, Beta::MAX] {
        assert_eq!(machine.sample_hidden_at(beta, &visible, rng, &mut hidden), Ok(()));
        assert_eq!(machine.sample_visible_at(beta, &hidden, rng, &mut visible), Ok(()));
        assert!(machine.free_energy(&visible).is_ok());
    }
    let known = vec![value; machine.visible()];
    let held: Vec<bool> = (0..machine.visible()).map(|unit| unit % 3 == 0).collect();
    assert_eq!(machine.hold(&known, &held, &mut visible), Ok(()));
    let inputs = vec![value; machine.inputs()];
    let mut scores = vec![M::Energy::default(); machine.labels()];
    assert!(machine.class_scores(&inputs, &mut scores).is_ok());
    assert!(machine.free_energy_of_inputs(&inputs).is_ok());
}
