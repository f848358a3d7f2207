//! Random integer machines whose meaning in nats is exact, so that what is compared is the arithmetic, not the
//! quantiser.

use crate::exact::Exact;
use crate::parameters::uniform;
use ebm_core::IntegerRbm;
use ebm_core::kernel::integer::{NATS, ONE, Rescale, Storage, Up, Weights};

/// An integer machine.
///
/// Hidden unit `j`'s weights are `W_ij = s_j·w_ij`, `s_j = multiplier_j / 2^shift / 4096` nats. Upwards a field is
/// summed in units of `s_j/128` and the first shift is 7, so that for binary states it is exact; downwards the steps
/// are the same multipliers. So both directions mean the same weights to the last bit, as [`Quantised::dequantised`]
/// states them.
#[derive(Clone, Debug)]
pub struct Quantised {
    /// `w_ij`, column-major.
    pub weights: Vec<i8>,
    /// The same as [`Storage::Int4`], [`Storage::Sign`] or [`Storage::Int8Rows`] has them; `None` for [`Storage::Int8`].
    pub stored: Option<(Storage, Vec<u32>)>,
    /// `a_i` in `2^-12` nats.
    pub visible_bias: Vec<i32>,
    /// `bias_j` in units of `s_j/128`, multiples of 128.
    pub hidden_bias: Vec<i32>,
    /// One a hidden unit.
    pub rescale: Vec<Rescale>,
    /// One a hidden unit.
    pub steps: Vec<u16>,
    /// Common to all steps.
    pub shift: u8,
}

/// Weights (`visible × hidden`, column-major) in words, as `FORMAT.md` describes them bit by bit: written from its text, to hold
/// [`Storage::pack`] to. Padding is filled with ones where `padding`, else with zeros: nothing may depend on it.
///
/// # Panics
/// For [`Storage::Int8`], which has no words.
pub fn words(storage: Storage, weights: &[i8], visible: usize, hidden: usize, padding: bool) -> Vec<u32> {
    let weight = |i: usize, j: usize| (i < visible && j < hidden).then(|| i64::from(weights[i + j * visible]));
    let (bits, count, zero) = match storage {
        Storage::Int4 => (4, visible.div_ceil(8) * hidden, 8),
        Storage::Sign => (1, visible.div_ceil(32) * hidden, 0),
        Storage::Int8Rows => (8, hidden.div_ceil(4) * visible, 128),
        Storage::Int8 => panic!("bytes, not words"),
    };
    let place = |word: usize, n: usize| match storage {
        // Nibble n of a word: the low halves of its four bytes hold inputs 0 … 3, the high ones 4 … 7.
        Storage::Int4 => (word % visible.div_ceil(8) * 8 + n / 2 + 4 * (n % 2), word / visible.div_ceil(8)),
        Storage::Sign => (word % visible.div_ceil(32) * 32 + n, word / visible.div_ceil(32)),
        _ => (word / hidden.div_ceil(4), word % hidden.div_ceil(4) * 4 + n),
    };
    let filler = if padding { (1i64 << bits) - 1 } else { 0 };
    let word = |word: usize| {
        (0..32 / bits).fold(0u32, |sum, n| {
            let (i, j) = place(word, n);
            let code =
                weight(i, j).map_or(filler, |w| if storage == Storage::Sign { i64::from(w > 0) } else { w + zero });
            sum | (code as u32) << (n * bits)
        })
    };
    (0..count).map(word).collect()
}

/// First shift upwards: it divides by [`ONE`].
const PRE: u8 = 7;

impl Quantised {
    /// Weights and biases up to about `scale` nats, at most 16 of either unit.
    pub fn random(visible: usize, hidden: usize, scale: f32, seed: u32) -> Self {
        let integer = |x: f32| (x * 128.0).floor();
        // The largest multiplier stays below 2^15 when 4096·s_j·2^shift does.
        let largest_step = f64::from(scale) / 127.0 * f64::from(NATS);
        let shift = (32_767.0 / largest_step).log2().floor() as u8;
        let multiplier = |x: f32| ((0.75 + 0.25 * f64::from(x)) * largest_step * f64::from(shift).exp2()) as u16;
        let steps: Vec<u16> = uniform(hidden, 1.0, seed, 3).into_iter().map(multiplier).collect();
        let nats = |x: &f32| (x * NATS as f32) as i32;
        Self {
            weights: uniform(visible * hidden, 1.0, seed, 0).into_iter().map(|x| integer(x) as i8).collect(),
            stored: None,
            visible_bias: uniform(visible, scale, seed, 1).iter().map(nats).collect(),
            hidden_bias: uniform(hidden, 1.0, seed, 2)
                .into_iter()
                .map(|x| integer(x) as i32 * i32::from(ONE))
                .collect(),
            rescale: steps.iter().map(|&multiplier| Rescale { multiplier, pre: PRE, post: shift }).collect(),
            steps,
            shift,
        }
    }

    /// The same with weights of this storage: narrower ones are the upper bits of the wider. Scales stay what they are.
    pub fn stored_as(mut self, storage: Storage) -> Self {
        let (visible, hidden) = (self.visible_bias.len(), self.hidden_bias.len());
        for weight in &mut self.weights {
            *weight = match storage {
                Storage::Int8 | Storage::Int8Rows => *weight,
                Storage::Int4 => *weight >> 4,
                Storage::Sign => 1 | *weight >> 7,
            };
        }
        self.stored =
            (storage != Storage::Int8).then(|| (storage, words(storage, &self.weights, visible, hidden, true)));
        self
    }

    /// The weights as `ebm-core` borrows them.
    pub fn borrowed(&self) -> Weights<'_> {
        match &self.stored {
            None | Some((Storage::Int8, _)) => Weights::Int8(&self.weights),
            Some((Storage::Int4, words)) => Weights::Int4(words),
            Some((Storage::Sign, words)) => Weights::Sign(words),
            Some((Storage::Int8Rows, words)) => Weights::Int8Rows(words),
        }
    }

    /// What the hidden units need.
    pub fn up(&self) -> Up<'_> {
        Up { weights: self.borrowed(), bias: &self.hidden_bias, rescale: &self.rescale }
    }

    /// As `ebm-core` sees it.
    ///
    /// # Panics
    /// When the lengths do not agree.
    pub fn rbm(&self) -> IntegerRbm<'_> {
        IntegerRbm::new(self.up(), &self.visible_bias, &self.steps, self.shift).expect("the slices fit")
    }

    /// `s_j`, in nats.
    pub fn scale(&self, hidden: usize) -> f64 {
        f64::from(self.steps[hidden]) / f64::from(self.shift).exp2() / f64::from(NATS)
    }

    /// The machine that these integers stand for.
    pub fn dequantised(&self) -> Exact {
        let visible = self.visible_bias.len();
        let weights = self.weights.iter().enumerate().map(|(at, &w)| f64::from(w) * self.scale(at / visible)).collect();
        let visible_bias = self.visible_bias.iter().map(|&a| f64::from(a) / f64::from(NATS)).collect();
        let one = f64::from(ONE);
        let hidden_bias =
            self.hidden_bias.iter().enumerate().map(|(j, &b)| f64::from(b) / one * self.scale(j)).collect();
        Exact::new(weights, visible_bias, hidden_bias)
    }
}
