//! [`Preprocessing`]: how raw inputs become visible values. A model carries it, so that a device does the same.

pub use ebm_core::format::Binarisation;

use ebm_core::format::Input;
use ebm_core::kernel::float;
use ebm_core::rng::{Philox, Purpose, Stream, unit_interval};
use ebm_core::{Float, Numbers};
use rand_core::Rng;
use serde::{Deserialize, Serialize};

/// How raw inputs become values `v`: integer levels as `input` says, other numbers through `scaling`; then the binarisation.
/// A missing value, NaN, stays missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocessing {
    /// What a raw input is; [`Input::Scaled`] where there is a scaling.
    pub input: Input,
    /// Offset and scale of every channel, where raw inputs are not the values themselves.
    pub scaling: Option<Scaling>,
    /// What becomes of values between 0 and 1.
    pub binarisation: Binarisation,
}

/// `v_i = (raw_i − offsets[c])·scales[c]` with `c = i mod channels`: the steps of a window repeat the channels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// One a channel, in what raw inputs are given in.
    pub offsets: Vec<f32>,
    /// One a channel: values for each unit of raw input.
    pub scales: Vec<f32>,
}

impl Default for Preprocessing {
    fn default() -> Self {
        Self { input: Input::Unit, scaling: None, binarisation: Binarisation::None }
    }
}

impl Preprocessing {
    /// Turns the raw values of a sample into `v`. `sample` tells the draws of [`Binarisation::SampledOnce`] apart: the part of the data set
    /// and the row in it.
    pub fn apply(&self, sample: (u16, u32), values: &mut [f32]) {
        match self.input {
            Input::Levels { max } => values.iter_mut().for_each(|v| *v = Float::from_raw_level(*v, max)),
            Input::Binary { threshold } => values.iter_mut().for_each(|v| *v = Float::above(*v, threshold)),
            Input::Unit | Input::Scaled { .. } => {
                if let Some(scaling) = &self.scaling {
                    scaling.apply(values);
                }
                if let Binarisation::Threshold { above } = self.binarisation {
                    values.iter_mut().filter(|v| !v.is_nan()).for_each(|v| *v = bit(*v > above));
                }
            }
        }
        if let Binarisation::SampledOnce { seed } = self.binarisation {
            let (phase, sample) = sample;
            let mut draws = Philox::new(seed, Stream { phase, sample, ..Stream::new(Purpose::Binarisation) });
            for v in values {
                let draw = unit_interval(draws.next_u32());
                if !v.is_nan() {
                    *v = bit(draw < *v);
                }
            }
        }
    }

    /// What becomes of raw numbers, in words.
    pub fn scaling_words(&self) -> String {
        match (self.input, &self.scaling) {
            (Input::Levels { max }, _) => format!("integer levels from 0 to {max}, divided by {max}"),
            (Input::Binary { .. }, _) => "integer levels".to_owned(),
            (Input::Unit | Input::Scaled { .. }, None) => "values as they are".to_owned(),
            (Input::Unit | Input::Scaled { .. }, Some(scaling)) => {
                format!("values less an offset, times a scale, of {}", scaling.channels())
            }
        }
    }

    /// What becomes of values between 0 and 1, in words.
    pub fn binarisation_words(&self) -> String {
        match (self.input, self.binarisation) {
            (Input::Binary { threshold }, _) => format!("1 above {threshold} and else 0"),
            (_, Binarisation::None) => "none".to_owned(),
            (_, Binarisation::Threshold { above }) => format!("1 above {above}, else 0"),
            (_, Binarisation::SampledOnce { seed }) => format!("taken as probabilities and sampled once, seed {seed}"),
            (_, Binarisation::SampledEachTime) => "taken as probabilities and sampled anew each time".to_owned(),
        }
    }

    /// The protocol in words, as summaries state it.
    pub fn describe(&self) -> String {
        match (self.input, self.binarisation) {
            (Input::Levels { .. } | Input::Unit | Input::Scaled { .. }, Binarisation::None) => self.scaling_words(),
            _ => format!("{}; {}", self.scaling_words(), self.binarisation_words()),
        }
    }
}

fn bit(is_on: bool) -> f32 {
    f32::from(u8::from(is_on))
}

impl Scaling {
    /// What a raw input is, then.
    pub fn input(&self) -> Input {
        Input::Scaled { channels: self.offsets.len() as u32 }
    }

    /// Applies it to the values of a sample.
    pub fn apply(&self, values: &mut [f32]) {
        for step in values.chunks_mut(self.offsets.len().max(1)) {
            for ((v, &offset), &scale) in step.iter_mut().zip(&self.offsets).zip(&self.scales) {
                *v = float::scaled(*v, offset, scale);
            }
        }
    }

    fn channels(&self) -> String {
        match self.offsets.len() {
            1 => "one channel".to_owned(),
            channels => format!("each of {channels} channels"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_repeats_its_channels_and_leaves_missing_values_missing() {
        let scaling = Scaling { offsets: vec![1.0, -2.0], scales: vec![0.5, 10.0] };
        let mut values = [3.0, -1.0, f32::NAN, 0.0];
        Preprocessing { input: scaling.input(), scaling: Some(scaling), ..Default::default() }
            .apply((0, 0), &mut values);
        assert_eq!((values[0], values[1], values[3]), (1.0, 10.0, 20.0));
        assert!(values[2].is_nan());
    }

    #[test]
    fn levels_are_the_devices() {
        let mut values = [0.0, 7.0, 16.0, 20.0, f32::NAN];
        Preprocessing { input: Input::Levels { max: 16 }, ..Default::default() }.apply((0, 0), &mut values);
        assert_eq!(values[..4], [0.0, 7.0 / 16.0, 1.0, 1.0]);
        assert!(values[4].is_nan());
        let mut values = [7.0, 8.0];
        Preprocessing { input: Input::Binary { threshold: 7 }, ..Default::default() }.apply((0, 0), &mut values);
        assert_eq!(values, [0.0, 1.0]);
    }

    #[test]
    fn sampling_once_has_the_probabilities_as_its_means_and_the_sample_as_its_place() {
        const SAMPLES: u32 = 4096;
        let once = Preprocessing { binarisation: Binarisation::SampledOnce { seed: 3 }, ..Default::default() };
        let drawn = |part, sample| {
            let mut values = [0.0, 0.25, 0.9, 1.0, f32::NAN];
            once.apply((part, sample), &mut values);
            assert!(values[4].is_nan());
            values
        };
        assert_eq!(drawn(0, 7)[..4], drawn(0, 7)[..4]);
        let sums = (0..SAMPLES).map(|sample| drawn(0, sample)).fold([0.0; 4], |sum: [f32; 4], values| {
            std::array::from_fn(|i| {
                assert!(values[i] == 0.0 || values[i] == 1.0);
                sum[i] + values[i]
            })
        });
        let means = sums.map(|sum| sum / SAMPLES as f32);
        assert_eq!((means[0], means[3]), (0.0, 1.0));
        // Five standard deviations of the mean of as many states.
        let allowed = |p: f32| 5.0 * (p * (1.0 - p) / SAMPLES as f32).sqrt();
        assert!((means[1] - 0.25).abs() < allowed(0.25) && (means[2] - 0.9).abs() < allowed(0.9), "{means:?}");
        let parts = (0..SAMPLES).filter(|&sample| drawn(0, sample)[1] != drawn(1, sample)[1]).count();
        assert!(parts > 0, "two parts of a data set shared their draws");
    }
}
