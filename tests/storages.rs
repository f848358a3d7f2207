//! Every storage of integer weights against the definitions of `FORMAT.md`, computed here in i64, weight by weight: each answer is
//! theirs to the bit, whatever the shape, the inputs and what lies in the padding.

use ebm_core::kernel::integer::{
    self, Down, MAX_DOWN_STEPS, MAX_HIDDEN_BIAS, MAX_INPUTS, MAX_VISIBLE_BIAS, ONE, Rescale, Storage, Up, Weights,
};
use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_core::{IntegerAffine, IntegerRbm, Machine, ShapeError};
use ebm_tests::parameters::uniform;
use ebm_tests::quantised::{Quantised, words};
use proptest::prelude::*;
use rand_core::Rng;

fn shift_rounding(value: i64, bits: u8) -> i64 {
    (value + ((1 << bits) >> 1)) >> bits
}

fn apply(rescale: Rescale, sum: i64) -> i64 {
    let narrow = shift_rounding(sum, rescale.pre).clamp(-0x7FFF, 0x7FFF);
    shift_rounding(narrow * i64::from(rescale.multiplier), rescale.post)
}

/// `a_i + ((Σ_j w_ij · ((step_j·x_j) ≫ 7)) ≫ down_shift)`.
fn visible_fields(machine: &Quantised, hidden: &[u8]) -> Vec<i64> {
    let visible = machine.visible_bias.len();
    let contribution = |j: usize| shift_rounding(i64::from(machine.steps[j]) * i64::from(hidden[j]), 7);
    let sum = |i: usize| -> i64 {
        (0..hidden.len()).map(|j| i64::from(machine.weights[i + j * visible]) * contribution(j)).sum()
    };
    (0..visible).map(|i| i64::from(machine.visible_bias[i]) + shift_rounding(sum(i), machine.shift)).collect()
}

/// `field_j = (clamp((bias_j + Σ_i w_ij·x_i) ≫ pre_j) · multiplier_j) ≫ post_j`.
fn hidden_fields(machine: &Quantised, visible: &[u8]) -> Vec<i64> {
    let columns = machine.weights.chunks_exact(visible.len());
    let sums =
        columns.map(|column| column.iter().zip(visible).map(|(&w, &x)| i64::from(w) * i64::from(x)).sum::<i64>());
    let units = sums.zip(&machine.hidden_bias).zip(&machine.rescale);
    units.map(|((sum, &bias), &rescale)| apply(rescale, i64::from(bias) + sum)).collect()
}

fn q16(field: i64) -> u32 {
    integer::sigmoid(i32::try_from(field).expect("a field fits an i32"))
}

fn probabilities(fields: &[i64]) -> Vec<u8> {
    fields.iter().map(|&field| ((q16(field) + 256) >> 9) as u8).collect()
}

fn drawn(fields: &[i64], rng: &mut impl Rng) -> Vec<u8> {
    fields.iter().map(|&field| if rng.next_u32() >> 16 < q16(field) { ONE } else { 0 }).collect()
}

fn rng(seed: u32) -> Philox {
    Philox::new(seed.into(), Stream::new(Purpose::Free))
}

/// Every answer of the machine for these states is the definition's.
fn assert_is_the_definition(machine: &Quantised, visible: &[u8], hidden: &[u8], seed: u32) -> Result<(), ShapeError> {
    let rbm = machine.rbm();
    let fields = hidden_fields(machine, visible);
    let (mut ours, mut states) = (vec![0; hidden.len()], vec![0; hidden.len()]);
    rbm.up().field(visible, &mut ours)?;
    assert_eq!(ours.iter().copied().map(i64::from).collect::<Vec<_>>(), fields);
    rbm.hidden_probs(visible, &mut states)?;
    assert_eq!(states, probabilities(&fields));
    rbm.sample_hidden(visible, &mut rng(seed), &mut states)?;
    assert_eq!(states, drawn(&fields, &mut rng(seed)));

    let visible_terms = machine.visible_bias.iter().zip(visible).map(|(&a, &x)| i64::from(a) * i64::from(x)).sum();
    let hidden_terms: i64 = fields.iter().map(|&field| i64::from(integer::softplus(field as i32))).sum();
    let energy = -shift_rounding(visible_terms, 7) - hidden_terms;
    assert_eq!(i64::from(rbm.free_energy(visible)?), energy);

    // Downwards a byte above `ONE` counts as `ONE`.
    let hidden: Vec<u8> = hidden.iter().map(|&x| x.min(ONE)).collect();
    let fields = visible_fields(machine, &hidden);
    let mut states = vec![0; visible.len()];
    rbm.visible_probs(&hidden, &mut states)?;
    assert_eq!(states, probabilities(&fields));
    rbm.sample_visible(&hidden, &mut rng(seed), &mut states)?;
    assert_eq!(states, drawn(&fields, &mut rng(seed)));
    Ok(())
}

/// What the inputs of a layer may look like.
#[derive(Clone, Copy, Debug)]
enum Look {
    /// Nothing is on.
    Off,
    /// Everything is on.
    On,
    /// A fifth is on.
    Sparse,
    /// A fifth is on, and one in sixteen lies between.
    Mixed,
    /// Probabilities.
    Grey,
    /// Any byte: a caller can pass what is no activation.
    Bytes,
}

const LOOKS: [Look; 6] = [Look::Off, Look::On, Look::Sparse, Look::Mixed, Look::Grey, Look::Bytes];

fn values(look: Look, units: usize, seed: u32) -> Vec<u8> {
    let part = |part| uniform(units, 0.5, seed, part).into_iter().map(|x| x + 0.5);
    let byte = |x: f32, count: f32| (x * count) as u8;
    part(30)
        .zip(part(31))
        .map(|(p, x)| match look {
            Look::Off => 0,
            Look::On => ONE,
            Look::Sparse => {
                if p < 0.2 {
                    ONE
                } else {
                    0
                }
            }
            Look::Mixed => {
                if p < 0.2 {
                    ONE
                } else if p < 0.2625 {
                    byte(x, 129.0)
                } else {
                    0
                }
            }
            Look::Grey => byte(x, 129.0),
            Look::Bytes => byte(x, 256.0),
        })
        .collect()
}

fn check(visible: usize, hidden: usize, seed: u32, looks: &[Look]) -> Result<(), ShapeError> {
    for storage in Storage::ALL {
        let machine = Quantised::random(visible, hidden, 1.0, seed).stored_as(storage);
        for (n, &look) in (0..).zip(looks) {
            let (v, h) = (values(look, visible, seed + n), values(look, hidden, seed + n + 50));
            assert_is_the_definition(&machine, &v, &h, seed)?;
        }
    }
    Ok(())
}

/// Every small shape: all remainders of blocks of 4 outputs, words of 4 and 8 weights and tiles of 16 units.
#[test]
fn every_small_shape_is_the_definition() -> Result<(), ShapeError> {
    for visible in 1..=35 {
        for hidden in 1..=19 {
            check(visible, hidden, (visible * 20 + hidden) as u32, &LOOKS)?;
        }
    }
    Ok(())
}

/// More inputs than are marked at a time (1,024), than a lane holds rows (257) and than a run of signs has words (512).
#[test]
fn wide_layers_are_the_definition() -> Result<(), ShapeError> {
    for (visible, hidden) in [
        (256, 4),
        (257, 5),
        (258, 16),
        (512, 17),
        (515, 3),
        (784, 10),
        (1023, 18),
        (1024, 6),
        (1025, 33),
        (2051, 9),
        (3072, 2),
    ] {
        check(visible, hidden, visible as u32, &LOOKS)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_shapes_are_the_definition(visible in 1usize..700, hidden in 1usize..70, seed in 0u32..1_000_000, look in 0usize..6) {
        check(visible, hidden, seed, &[LOOKS[look]]).expect("the slices fit");
    }
}

/// The same weights by columns and by rows give the same answers.
#[test]
fn rows_answer_as_columns_do() -> Result<(), ShapeError> {
    for (visible, hidden) in [(1, 1), (7, 13), (64, 50), (300, 33), (1100, 12)] {
        let columns = Quantised::random(visible, hidden, 1.0, 3);
        let rows = columns.clone().stored_as(Storage::Int8Rows);
        for (seed, look) in (0..).zip(LOOKS) {
            let (v, h) = (values(look, visible, seed), values(look, hidden, seed));
            let (mut a, mut b) = (vec![0; hidden], vec![0; hidden]);
            columns.rbm().up().field(&v, &mut a)?;
            rows.rbm().up().field(&v, &mut b)?;
            assert_eq!(a, b);
            let (mut a, mut b) = (vec![0; visible], vec![0; visible]);
            columns.rbm().visible_probs(&h, &mut a)?;
            rows.rbm().visible_probs(&h, &mut b)?;
            assert_eq!(a, b);
            assert_eq!(columns.rbm().free_energy(&v)?, rows.rbm().free_energy(&v)?);
        }
    }
    Ok(())
}

/// What is packed is what the specification says, bit by bit, with zeros for padding.
#[test]
fn packing_is_that_of_the_specification() {
    for (visible, hidden) in [(1, 1), (8, 4), (9, 5), (31, 3), (33, 7), (70, 18)] {
        for storage in Storage::ALL {
            let machine = Quantised::random(visible, hidden, 1.0, 9).stored_as(storage);
            let length = storage.words(visible, hidden);
            let mut packed = vec![0xAAAA_AAAA; length + 1];
            let largest = storage.max_weight();
            let held: Vec<i8> = machine.weights.iter().map(|&w| w.clamp(-largest, largest)).collect();
            storage.pack(&machine.weights, visible, hidden, &mut packed);
            assert_eq!(packed.pop(), Some(0xAAAA_AAAA), "nothing past the end is written");
            if storage == Storage::Int8 {
                assert_eq!(&bytemuck::cast_slice::<_, i8>(&packed)[..held.len()], held);
            } else {
                assert_eq!(packed, words(storage, &held, visible, hidden, false));
            }
            let borrowed = Weights::packed(storage, &packed, visible, hidden);
            assert_eq!((borrowed.storage(), borrowed.len()), (storage, storage.len(visible, hidden)));
        }
    }
}

#[test]
fn lengths_are_held_where_no_memory_is_as_long() {
    for storage in Storage::ALL {
        assert_eq!(storage.len(usize::MAX, usize::MAX), usize::MAX);
        assert_eq!(storage.len(0, 5), 0);
    }
    assert_eq!(Storage::ALL.map(|storage| storage.len(784, 10)), [7840, 980, 250, 2352]);
}

#[test]
fn weights_of_another_length_are_refused() {
    for storage in Storage::ALL {
        let machine = Quantised::random(9, 5, 1.0, 1).stored_as(storage);
        let found = machine.borrowed().len();
        let up = Up { weights: machine.borrowed(), bias: &machine.hidden_bias, rescale: &machine.rescale };
        let expected = storage.len(33, 5);
        let error = ShapeError { what: "weights", expected, found };
        assert_eq!(IntegerAffine::new(33, up).err(), Some(error));
        let error = IntegerRbm::new(up, &[0; 33], &machine.steps, 0).err();
        assert_eq!(error, Some(ShapeError { what: "weights", expected, found }));
    }
}

/// The largest codes and inputs that a file and a caller can bring, at [`MAX_INPUTS`].
#[test]
fn the_widest_sums_upwards_are_exact() {
    let shift = Rescale { multiplier: 1, pre: 15, post: 0 };
    for storage in Storage::ALL {
        for (weight, code) in extremes(storage) {
            let words = vec![code; Storage::words(storage, MAX_INPUTS, 1)];
            let weights = Weights::packed(storage, &words, MAX_INPUTS, 1);
            for x in [ONE, ONE - 1, 255] {
                for bias in [MAX_HIDDEN_BIAS, -MAX_HIDDEN_BIAS] {
                    let mut field = [0];
                    integer::hidden_field(
                        &Up { weights, bias: &[bias], rescale: &[shift] },
                        &vec![x; MAX_INPUTS],
                        &mut field,
                    );
                    let sum = i64::from(bias) + weight * i64::from(x) * MAX_INPUTS as i64;
                    assert_eq!(i64::from(field[0]), apply(shift, sum), "{storage:?} {weight}·{x} + {bias}");
                }
            }
        }
    }
}

/// The lowest and the highest weight that a storage can say, and a word of its code.
fn extremes(storage: Storage) -> [(i64, u32); 2] {
    match storage {
        Storage::Int8 => [(-128, 0x8080_8080), (127, 0x7F7F_7F7F)],
        Storage::Int4 => [(-8, 0), (7, u32::MAX)],
        Storage::Sign => [(-1, 0), (1, u32::MAX)],
        Storage::Int8Rows => [(-128, 0), (127, u32::MAX)],
    }
}

/// As many hidden units, all with the largest step, as the bound on their sum admits.
#[test]
fn the_widest_sums_downwards_are_exact() {
    let steps = vec![u16::MAX; MAX_DOWN_STEPS as usize / usize::from(u16::MAX)];
    for storage in Storage::ALL {
        for (weight, code) in extremes(storage) {
            let words = vec![code; storage.words(1, steps.len())];
            let weights = Weights::packed(storage, &words, 1, steps.len());
            for state in [ONE, 255] {
                for shift in [0, 1, 12, 20, 24, 30] {
                    for bias in [MAX_VISIBLE_BIAS, 0, -MAX_VISIBLE_BIAS] {
                        let down = Down { weights, visible_bias: &[bias], steps: &steps, shift };
                        let mut p = [77];
                        integer::visible_probs(down, &vec![state; steps.len()], &mut p);
                        let sum = weight * steps.iter().copied().map(i64::from).sum::<i64>();
                        let field = i64::from(bias) + shift_rounding(sum, shift);
                        assert_eq!(p.to_vec(), probabilities(&[field]), "{storage:?} {weight} {shift} {bias}");
                    }
                }
            }
        }
    }
}
