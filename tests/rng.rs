//! Philox against its published vectors, and the layout of streams that CPU, GPU and device share.

use ebm_core::rng::{Philox, Purpose, Stream, fill, philox4x32_10, unit_interval};
use ebm_tests::statistics::ChiSquared;
use ebm_tests::tolerance;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rand_core::{Rng, SeedableRng};

const PURPOSES: [Purpose; 7] = [
    Purpose::Free,
    Purpose::Weights,
    Purpose::Shuffle,
    Purpose::Hidden,
    Purpose::Visible,
    Purpose::Dropout,
    Purpose::Noise,
];

const SEED: u64 = 0x0123_4567_89AB_CDEF;
const STREAM: Stream = Stream { purpose: Purpose::Visible, layer: 2, phase: 5, step: 77, sample: 1001 };

/// The known answers for `philox4x32 10` in Random123's `kat_vectors`.
#[test]
fn known_answers() {
    let vectors = [
        ([0; 4], [0; 2], [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]),
        (
            [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344],
            [0xA409_3822, 0x299F_31D0],
            [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1],
        ),
    ];
    for (counter, key, answer) in vectors {
        assert_eq!(philox4x32_10(counter, key), answer, "{counter:x?} {key:x?}");
    }
}

/// The contract with every other implementation: which counter and key draw `n` comes from.
#[test]
fn the_nth_draw_is_a_word_of_a_block() {
    let key = [0x89AB_CDEF, 0x0123_4567];
    let tag = Purpose::Visible as u32 | 2 << 8 | 5 << 16;
    let mut rng = Philox::new(SEED, STREAM);
    for n in 0..1000u32 {
        let block = philox4x32_10([n / 4, 1001, 77, tag], key);
        assert_eq!(rng.next_u32(), block[n as usize % 4], "draw {n}");
    }
}

/// Draws that are made together are those that are drawn one by one.
#[test]
fn fill_gives_the_draws_of_philox() {
    const LONGEST: usize = 70;
    let last = Stream { layer: u8::MAX, phase: u16::MAX, step: u32::MAX, sample: u32::MAX, ..STREAM };
    for (seed, stream) in [(SEED, STREAM), (SEED, last), (0, Stream::new(Purpose::Free)), (u64::MAX, STREAM)] {
        for first_block in [0, 1, 2, 15, 16, 257] {
            let mut rng = Philox::new(seed, stream);
            (0..4 * first_block).for_each(|_| _ = rng.next_u32());
            let one_by_one: Vec<u32> = (0..LONGEST).map(|_| rng.next_u32()).collect();
            for length in 0..=LONGEST {
                let mut together = vec![0; length];
                fill(seed, stream, first_block, &mut together);
                assert_eq!(together, one_by_one[..length], "{length} draws from block {first_block} of {stream:?}");
            }
        }
    }
}

#[test]
fn purposes_keep_their_numbers() {
    // Checkpoints and devices depend on them: a draw must not change with a version.
    assert_eq!(PURPOSES.map(|purpose| purpose as u8), [0, 1, 2, 3, 4, 5, 6]);
}

/// Streams that differ in one coordinate alone agree in as many bits as chance would have it.
#[test]
fn one_coordinate_makes_another_stream() {
    let mut streams: Vec<(u64, Stream)> = PURPOSES.map(|purpose| (SEED, Stream { purpose, ..STREAM })).to_vec();
    streams.extend([
        (SEED ^ 1, STREAM),
        (SEED ^ 1 << 63, STREAM),
        (SEED, Stream { layer: 3, ..STREAM }),
        (SEED, Stream { layer: 255, ..STREAM }),
        (SEED, Stream { phase: 6, ..STREAM }),
        (SEED, Stream { phase: u16::MAX, ..STREAM }),
        (SEED, Stream { step: 78, ..STREAM }),
        (SEED, Stream { step: u32::MAX, ..STREAM }),
        (SEED, Stream { sample: 1002, ..STREAM }),
        (SEED, Stream { sample: u32::MAX, ..STREAM }),
        // The same bits in other fields of the tag.
        (SEED, Stream { layer: 5, phase: 2, ..STREAM }),
    ]);
    const WORDS: usize = 1024;
    let draws: Vec<Vec<u32>> = streams
        .iter()
        .map(|&(seed, stream)| {
            let mut rng = Philox::new(seed, stream);
            (0..WORDS).map(|_| rng.next_u32()).collect()
        })
        .collect();
    let bits = (32 * WORDS) as f64;
    for (i, a) in draws.iter().enumerate() {
        for (j, b) in draws.iter().enumerate().skip(i + 1) {
            let equal: u32 = a.iter().zip(b).map(|(a, b)| (a ^ b).count_zeros()).sum();
            let z = (f64::from(equal) - bits / 2.0) / (bits / 4.0).sqrt();
            assert!(z.abs() < tolerance::STANDARD_DEVIATIONS, "streams {i} and {j}: {z} standard deviations");
        }
    }
}

#[test]
fn the_same_stream_draws_the_same() {
    let draw = || {
        let mut rng = Philox::new(SEED, STREAM);
        std::array::from_fn::<u32, 9, _>(|_| rng.next_u32())
    };
    assert_eq!(draw(), draw());

    let mut rng = Philox::new(SEED, STREAM);
    rng.next_u32();
    let mut copy = rng.clone();
    assert_eq!((rng.next_u32(), rng.next_u32()), (copy.next_u32(), copy.next_u32()));
}

#[test]
fn rand_core_traits_read_the_same_words() {
    let mut words = Philox::new(SEED, STREAM);
    let words: Vec<u32> = (0..6).map(|_| words.next_u32()).collect();

    let mut rng = Philox::new(SEED, STREAM);
    assert_eq!(rng.next_u64(), u64::from(words[0]) | u64::from(words[1]) << 32);
    assert_eq!(rng.next_u32(), words[2]);

    let mut bytes = [0; 10];
    Philox::new(SEED, STREAM).fill_bytes(&mut bytes);
    let expected: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).take(bytes.len()).collect();
    assert_eq!(bytes[..], expected[..]);

    let mut seeded = Philox::from_seed(SEED.to_le_bytes());
    let mut free = Philox::new(SEED, Stream::new(Purpose::Free));
    assert_eq!(seeded.next_u64(), free.next_u64());
    assert_ne!(Philox::seed_from_u64(1).next_u64(), Philox::seed_from_u64(2).next_u64());

    // A sampler takes `&mut dyn Rng` as well as a type.
    let boxed: &mut dyn Rng = &mut Philox::new(SEED, STREAM);
    assert_eq!(boxed.next_u32(), words[0]);
}

#[test]
fn unit_interval_is_uniform() {
    assert_eq!(unit_interval(0), 0.0);
    assert_eq!(unit_interval(0xFF), 0.0);
    assert_eq!(unit_interval(0x100), f32::EPSILON / 2.0);
    assert_eq!(unit_interval(1 << 31), 0.5);
    assert_eq!(unit_interval(u32::MAX), 1.0 - f32::EPSILON / 2.0);

    const DRAWS: usize = 400_000;
    const CELLS: usize = 64;
    let mut rng = Philox::new(SEED, STREAM);
    let (mut sum, mut seen) = (0.0, [0; CELLS]);
    for _ in 0..DRAWS {
        let u = unit_interval(rng.next_u32());
        sum += f64::from(u);
        seen[(u * CELLS as f32) as usize] += 1;
    }
    // The mean of n uniform draws has variance 1/12n.
    let z = (sum / DRAWS as f64 - 0.5) * (12.0 * DRAWS as f64).sqrt();
    assert!(z.abs() < tolerance::STANDARD_DEVIATIONS, "{z}");
    let test = ChiSquared::new(&seen, &[1.0 / CELLS as f64; CELLS]);
    assert!(test.accepts(), "{test:?}");
}

/// Undoes [`philox4x32_10`], round by round: a draw's four words say which counter they come from.
fn counter_of(words: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    /// Inverse of an odd number modulo `2^32`: each step of Newton's doubles the bits that are right.
    fn inverse(odd: u32) -> u32 {
        (0..5).fold(odd, |x, _| x.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(x))))
    }
    const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    (0..10u32).rev().fold(words, |[w0, w1, w2, w3], round| {
        let keys = [0, 1].map(|n| key[n].wrapping_add(WEYL[n].wrapping_mul(round)));
        let (c0, c2) = (w3.wrapping_mul(inverse(MULTIPLIERS[0])), w1.wrapping_mul(inverse(MULTIPLIERS[1])));
        let high = |a: u32, b: u32| ((u64::from(a) * u64::from(b)) >> 32) as u32;
        [c0, w0 ^ high(MULTIPLIERS[1], c2) ^ keys[0], c2, w2 ^ high(MULTIPLIERS[0], c0) ^ keys[1]]
    })
}

fn purpose() -> impl Strategy<Value = Purpose> {
    prop::sample::select(PURPOSES.to_vec())
}

/// Any stream, its coordinates often at their ends and often small.
fn stream() -> impl Strategy<Value = Stream> {
    fn ends<T: Arbitrary + Clone + std::fmt::Debug + 'static>(few: [T; 4]) -> impl Strategy<Value = T> {
        prop_oneof![prop::sample::select(few.to_vec()), any::<T>()]
    }
    let numbers = || ends([0, 1, 2, u32::MAX]);
    (purpose(), ends([0, 1, 2, u8::MAX]), ends([0, 1, 2, u16::MAX]), numbers(), numbers())
        .prop_map(|(purpose, layer, phase, step, sample)| Stream { purpose, layer, phase, step, sample })
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(37), failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

    /// No draw is used twice: four words of a stream say which stream, which unit and so which purpose, layer, phase, step and sample they
    /// are for, whatever those are. Two streams that differ in any coordinate have no block of draws in common.
    #[test]
    fn draws_tell_what_they_are_for(stream in stream(), seed: u64, unit in 0..4000u32) {
        let mut rng = Philox::new(seed, stream);
        (0..unit / 4 * 4).for_each(|_| _ = rng.next_u32());
        let words = std::array::from_fn(|_| rng.next_u32());
        let [block, sample, step, tag] = counter_of(words, [seed as u32, (seed >> 32) as u32]);
        let [purpose, layer, low, high] = tag.to_le_bytes();
        prop_assert_eq!(block, unit / 4);
        prop_assert_eq!((sample, step), (stream.sample, stream.step));
        prop_assert_eq!(purpose, stream.purpose as u8);
        prop_assert_eq!((layer, u16::from_le_bytes([low, high])), (stream.layer, stream.phase));
    }
}
