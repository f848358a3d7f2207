//! Random f32 machines, the same ones in every run.

use crate::exact::Exact;
use ebm_core::RbmView;
use ebm_core::rng::{Purpose, Stream, philox4x32_10, unit_interval};

/// Parameters of a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// `W`, `V × H`, column-major.
    pub weights: Vec<f32>,
    /// `a`.
    pub visible_bias: Vec<f32>,
    /// `b`.
    pub hidden_bias: Vec<f32>,
}

/// `count` numbers, uniform in `[-scale, scale)`; another `seed` or `part` gives others.
pub fn uniform(count: usize, scale: f32, seed: u32, part: u32) -> Vec<f32> {
    let tag = Stream::new(Purpose::Weights).purpose as u32;
    let blocks = (0..).flat_map(|block| philox4x32_10([block, part, 0, tag], [seed, 0]));
    blocks.take(count).map(|word| (unit_interval(word) * 2.0 - 1.0) * scale).collect()
}

impl Parameters {
    /// A machine whose parameters are uniform in `[-scale, scale)`.
    pub fn random(visible: usize, hidden: usize, scale: f32, seed: u32) -> Self {
        Self {
            weights: uniform(visible * hidden, scale, seed, 0),
            visible_bias: uniform(visible, scale, seed, 1),
            hidden_bias: uniform(hidden, scale, seed, 2),
        }
    }

    /// As `ebm-core` sees it.
    ///
    /// # Panics
    /// When the lengths do not agree.
    pub fn view(&self) -> RbmView<'_> {
        RbmView::new(&self.weights, &self.visible_bias, &self.hidden_bias).expect("weights are V × H")
    }

    /// As the reference sees it.
    pub fn exact(&self) -> Exact {
        Exact::from_f32(&self.weights, &self.visible_bias, &self.hidden_bias)
    }
}
