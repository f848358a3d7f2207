//! The integer path at the limits that a file may reach: no sum wraps, and each is still the right one.
//!
//! Expected values are computed in i64 from the definitions in `FORMAT.md`. Run with `--profile checked`, an overflow
//! panics; without, it would give another number.

use ebm_core::kernel::integer::{
    self, Down, MAX_DOWN_STEPS, MAX_HIDDEN_BIAS, MAX_INPUTS, MAX_VISIBLE_BIAS, ONE, Rescale, Up, Weights,
};

fn shift_rounding(value: i64, bits: u8) -> i64 {
    (value + ((1 << bits) >> 1)) >> bits
}

fn apply(rescale: Rescale, sum: i64) -> i64 {
    let narrow = shift_rounding(sum, rescale.pre).clamp(-0x7FFF, 0x7FFF);
    shift_rounding(narrow * i64::from(rescale.multiplier), rescale.post)
}

/// Every shift at the largest multiplier, and no scale at all.
fn rescales() -> impl Iterator<Item = Rescale> {
    let shifts = [0, 1, 7, 15, 29, Rescale::MAX_SHIFT];
    let pairs = shifts.into_iter().flat_map(move |pre| shifts.into_iter().map(move |post| (pre, post)));
    pairs.flat_map(|(pre, post)| [0x7FFF, 0x4000, 0].map(|multiplier| Rescale { multiplier, pre, post }))
}

#[test]
fn the_widest_sums_upwards_are_exact() {
    // 255 is no activation, but a byte that a caller can pass.
    for (weight, x) in [(i8::MIN, ONE), (i8::MAX, ONE), (i8::MIN, 255), (i8::MAX, 255)] {
        let (weights, inputs) = (vec![weight; MAX_INPUTS], vec![x; MAX_INPUTS]);
        for bias in [MAX_HIDDEN_BIAS, -MAX_HIDDEN_BIAS, 0] {
            let sum = i64::from(weight) * i64::from(x) * MAX_INPUTS as i64 + i64::from(bias);
            for rescale in rescales() {
                let up = Up { weights: Weights::Int8(&weights), bias: &[bias], rescale: &[rescale] };
                let (mut field, mut p) = ([0], [0]);
                integer::hidden_field(&up, &inputs, &mut field);
                integer::hidden_probs(&up, &inputs, &mut p);
                assert_eq!(i64::from(field[0]), apply(rescale, sum), "{weight}·{x} + {bias}, {rescale:?}");
                assert_eq!(u32::from(p[0]), (integer::sigmoid(field[0]) + 256) >> 9);
            }
        }
    }
}

/// As many hidden units, all with the largest step, as the bound on their sum admits.
fn widest_steps() -> Vec<u16> {
    vec![u16::MAX; MAX_DOWN_STEPS as usize / usize::from(u16::MAX)]
}

#[test]
fn the_widest_sums_downwards_are_exact() {
    let steps = widest_steps();
    for (weight, state) in [(i8::MIN, ONE), (i8::MAX, ONE), (i8::MIN, 255), (i8::MAX, 255)] {
        let weights = vec![weight; steps.len()];
        let hidden = vec![state; steps.len()];
        for shift in 0..=Rescale::MAX_SHIFT {
            for bias in [MAX_VISIBLE_BIAS, -MAX_VISIBLE_BIAS, 0] {
                let down = Down { weights: Weights::Int8(&weights), visible_bias: &[bias], steps: &steps, shift };
                let mut p = [0];
                integer::visible_probs(down, &hidden, &mut p);
                // A state above `ONE` counts as `ONE`, so that the sum is the same for both.
                let sum = i64::from(weight) * steps.iter().copied().map(i64::from).sum::<i64>();
                let field = i64::from(bias) + shift_rounding(sum, shift);
                let field = i32::try_from(field).expect("the field fits an i32");
                assert_eq!(u32::from(p[0]), (integer::sigmoid(field) + 256) >> 9, "{weight} {shift} {bias}");
            }
        }
    }
}

/// Steps of one, which a state of one half rounds up: the largest sum of contributions that is not the sum of steps.
#[test]
fn rounded_contributions_stay_within_the_bound() {
    let steps = vec![1u16; MAX_DOWN_STEPS as usize];
    let weights = vec![i8::MIN; steps.len()];
    for state in [ONE / 2, ONE, 255] {
        let hidden = vec![state; steps.len()];
        let down =
            Down { weights: Weights::Int8(&weights), visible_bias: &[-MAX_VISIBLE_BIAS], steps: &steps, shift: 0 };
        let mut p = [77];
        integer::visible_probs(down, &hidden, &mut p);
        assert_eq!(p, [0], "the field is far below zero");
    }
}

#[test]
fn the_widest_free_energy_is_held_to_an_i32() {
    // Far more than an i32 can say: 2^15 inputs with the largest bias each.
    let visible_bias = vec![MAX_VISIBLE_BIAS; MAX_INPUTS];
    let inputs = vec![ONE; MAX_INPUTS];
    let weights = vec![0; MAX_INPUTS];
    let none = Rescale { multiplier: 0, pre: 0, post: 0 };
    let up = Up { weights: Weights::Int8(&weights), bias: &[0], rescale: &[none] };
    assert_eq!(integer::free_energy(&up, &visible_bias, &inputs), i32::MIN);
    let negative = vec![-MAX_VISIBLE_BIAS; MAX_INPUTS];
    assert_eq!(integer::free_energy(&up, &negative, &inputs), i32::MAX);

    // One input less than that many: exact.
    let inputs: Vec<u8> = (0..MAX_INPUTS).map(|i| if i < 100 { 255 } else { 0 }).collect();
    let expected = -((i64::from(MAX_VISIBLE_BIAS) * 255 * 100 + 64) >> 7) - i64::from(integer::softplus(0));
    assert_eq!(i64::from(integer::free_energy(&up, &visible_bias, &inputs)), expected);

    // Hidden units whose softplus is as large as a field can be.
    let hidden = 4;
    let (bias, rescale) =
        (vec![MAX_HIDDEN_BIAS; hidden], vec![Rescale { multiplier: 0x7FFF, pre: 0, post: 0 }; hidden]);
    let up = Up { weights: Weights::Int8(&vec![0; hidden]), bias: &bias, rescale: &rescale };
    assert_eq!(integer::free_energy(&up, &[0], &[ONE]), i32::MIN);
}
