//! A counter-based generator: a draw is a function of what it is for, not of what was drawn before.
//!
//! [`Philox`] is Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel Random Numbers: As Easy as 1, 2, 3").
//! The 128-bit counter holds `(unit / 4, sample, step, purpose)`, the key is the seed; so thread count, sharding of a
//! batch, or the machine that runs it do not change a draw, and a run can be resumed anywhere.

use core::convert::Infallible;
use rand_core::{SeedableRng, TryRng, utils};

/// What a stream of draws is for: streams of different purposes never share a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Purpose {
    /// A generator used for its own sake, without a place in a training run.
    Free = 0,
    /// Initial weights.
    Weights = 1,
    /// The order of the samples in an epoch.
    Shuffle = 2,
    /// States of hidden units.
    Hidden = 3,
    /// States of visible units.
    Visible = 4,
    /// Units left out of a back-propagation step.
    Dropout = 5,
    /// Distortion of training inputs.
    Noise = 6,
    /// Which samples of a data set are split off as validation or test data.
    Split = 7,
    /// States that values of the data are the probabilities of.
    Binarisation = 8,
    /// Exchange of states between chains at two temperatures.
    Exchange = 9,
    /// Noise on a reconstruction.
    Perturbation = 10,
    /// States drawn from the data's probabilities each time that they are seen.
    Observation = 11,
    /// Which samples of a data set keep their labels; the sample is the class.
    Labelled = 12,
    /// States of hidden units in a chain that generates; the step is the chain's.
    GeneratedHidden = 16,
    /// States of visible units there.
    GeneratedVisible = 17,
    /// States of hidden units where a likelihood is estimated: by annealing, or by a chain that annealing starts from.
    AnnealedHidden = 24,
    /// States of visible units there.
    AnnealedVisible = 25,
    /// States drawn from a deep belief network's recognition pass for its variational bound.
    Recognition = 26,
}

/// Which stream of draws: the part of the counter that stays fixed while the units of one sample are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Stream {
    /// What the draws are for.
    pub purpose: Purpose,
    /// Layer of a deep net that they belong to.
    pub layer: u8,
    /// Gibbs step of a chain within one training step.
    pub phase: u16,
    /// Training step (a minibatch), counted from the start of the machine's or net's training; for [`Purpose::Shuffle`] and
    /// [`Purpose::Noise`] the epoch.
    pub step: u32,
    /// Row of the data set, or number of the chain; 0 where the draws belong to no sample.
    pub sample: u32,
}

impl Stream {
    /// The stream of `purpose` with every other coordinate zero.
    pub const fn new(purpose: Purpose) -> Self {
        Self { purpose, layer: 0, phase: 0, step: 0, sample: 0 }
    }

    /// Counter of the block that holds draws `4·block … 4·block + 3`.
    #[inline(always)]
    pub const fn counter(self, block: u32) -> [u32; 4] {
        let tag = self.purpose as u32 | (self.layer as u32) << 8 | (self.phase as u32) << 16;
        [block, self.sample, self.step, tag]
    }
}

/// Philox4x32's multipliers.
pub const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// What each round adds to its key.
pub const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
/// Its rounds.
pub const ROUNDS: u32 = 10;

#[inline(always)]
const fn multiply(a: u32, b: u32) -> (u32, u32) {
    let product = a as u64 * b as u64;
    ((product >> 32) as u32, product as u32)
}

/// The bijection Philox4x32-10 of `counter` under `key`; held to Random123's published vectors by a test.
#[inline(always)]
pub const fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    let [mut k0, mut k1] = key;
    let mut round = 0;
    while round < ROUNDS {
        let (high_0, low_0) = multiply(MULTIPLIERS[0], c0);
        let (high_1, low_1) = multiply(MULTIPLIERS[1], c2);
        (c0, c1, c2, c3) = (high_1 ^ c1 ^ k0, low_1, high_0 ^ c3 ^ k1, low_0);
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
        round += 1;
    }
    [c0, c1, c2, c3]
}

/// Draws `4·first_block …` of a stream, as [`Philox`] gives them one after another; the rest of the last four that does not fit is left out.
#[inline(always)]
pub fn fill(seed: u64, stream: Stream, first_block: u32, draws: &mut [u32]) {
    let key = key(seed);
    let (blocks, rest) = draws.as_chunks_mut::<4>();
    let mut block = first_block;
    for words in blocks {
        *words = philox4x32_10(stream.counter(block), key);
        block = block.wrapping_add(1);
    }
    if !rest.is_empty() {
        let words = philox4x32_10(stream.counter(block), key);
        rest.iter_mut().zip(words).for_each(|(draw, word)| *draw = word);
    }
}

const fn key(seed: u64) -> [u32; 2] {
    [seed as u32, (seed >> 32) as u32]
}

/// Philox4x32-10 over one [`Stream`]: its `n`-th `u32` is the draw for unit `n`.
#[derive(Clone, Debug)]
pub struct Philox {
    key: [u32; 2],
    stream: Stream,
    next_block: u32,
    words: [u32; 4],
    used: u8,
}

impl Philox {
    /// The stream `stream` of the run with this `seed`, from its first draw on.
    pub const fn new(seed: u64, stream: Stream) -> Self {
        Self { key: key(seed), stream, next_block: 0, words: [0; 4], used: 4 }
    }

    /// The next draw, uniform over all 32-bit words.
    #[inline]
    fn next_word(&mut self) -> u32 {
        if self.used >= 4 {
            self.words = philox4x32_10(self.stream.counter(self.next_block), self.key);
            self.next_block = self.next_block.wrapping_add(1);
            self.used = 0;
        }
        let word = self.words[usize::from(self.used & 3)];
        self.used += 1;
        word
    }
}

impl TryRng for Philox {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next_word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        utils::next_u64_via_u32(self)
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        utils::fill_bytes_via_next_word(destination, || self.try_next_u32())
    }
}

impl SeedableRng for Philox {
    type Seed = [u8; 8];

    /// The stream of purpose [`Purpose::Free`]; the seed is read little-endian.
    fn from_seed(seed: Self::Seed) -> Self {
        Self::new(u64::from_le_bytes(seed), Stream::new(Purpose::Free))
    }
}

/// A draw as a number in `[0, 1)`: its upper 24 bits, each multiple of 2⁻²⁴ equally likely.
#[inline(always)]
pub fn unit_interval(draw: u32) -> f32 {
    const SCALE: f32 = 1.0 / 16_777_216.0;
    (draw >> 8) as f32 * SCALE
}
