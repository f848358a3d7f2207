//! Random integer machines whose meaning in nats is exact, so that what is compared is the arithmetic, not the
//! quantiser.

use crate::exact::Exact;
use crate::parameters::uniform;
use ebm_core::IntegerRbm;
use ebm_core::kernel::integer::{NATS, ONE, Rescale, Up};

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

    /// What the hidden units need.
    pub fn up(&self) -> Up<'_> {
        Up { weights: &self.weights, bias: &self.hidden_bias, rescale: &self.rescale }
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
