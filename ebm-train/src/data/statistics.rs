//! Ranges, means and variances of raw values, channel by channel.

use super::{PIECE_ROWS, Samples, Scaling};
use crate::Error;

/// What is known of one channel's values. Missing ones count as missing and nothing else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Channel {
    pub count: u64,
    pub missing: u64,
    pub min: f32,
    pub max: f32,
    pub mean: f64,
    /// Sum of squared deviations from the mean.
    squares: f64,
    /// Are all values integers from 0 to 65,535?
    pub are_levels: bool,
}

impl Default for Channel {
    fn default() -> Self {
        let (min, max) = (f32::INFINITY, f32::NEG_INFINITY);
        Self { count: 0, missing: 0, min, max, mean: 0.0, squares: 0.0, are_levels: true }
    }
}

impl Channel {
    /// Takes a value; mean and variance as Welford (1962) updates them, which does not cancel.
    fn take(&mut self, value: f32) {
        if value.is_nan() {
            self.missing += 1;
            return;
        }
        self.count += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.are_levels &= (0.0..=65535.0).contains(&value) && value.fract() == 0.0;
        let deviation = f64::from(value) - self.mean;
        self.mean += deviation / self.count as f64;
        self.squares += deviation * (f64::from(value) - self.mean);
    }

    /// Standard deviation of the values themselves, not an estimate of a wider population's.
    pub fn deviation(&self) -> f64 {
        (self.squares / self.count.max(1) as f64).sqrt()
    }

    /// Is there a single value, or none?
    pub fn is_constant(&self) -> bool {
        self.count == 0 || self.min == self.max
    }
}

/// Statistics of the samples named by `rows`, of whose values each step repeats `units` channels.
pub(super) fn of(samples: &Samples, rows: &[u32], units: usize) -> Result<Vec<Channel>, Error> {
    let mut channels = vec![Channel::default(); units];
    let mut batch = Default::default();
    for rows in rows.chunks(PIECE_ROWS) {
        samples.gather(rows, &mut batch)?;
        for step in batch.values.chunks_exact(units.max(1)) {
            channels.iter_mut().zip(step).for_each(|(channel, &value)| channel.take(value));
        }
    }
    Ok(channels)
}

/// The scaling that takes every channel to `[0, 1]`; a constant one to 0.
pub(super) fn min_max(channels: &[Channel]) -> Scaling {
    scaling(channels, |channel| {
        let range = channel.max - channel.min;
        let scale = range.recip();
        // Rounding must not take the greatest value above 1.
        (channel.min, if range * scale > 1.0 { scale.next_down() } else { scale })
    })
}

/// The scaling that takes every channel to mean 0 and variance 1; a constant one to 0.
pub(super) fn standard(channels: &[Channel]) -> Scaling {
    scaling(channels, |channel| (channel.mean as f32, channel.deviation().recip() as f32))
}

fn scaling(channels: &[Channel], of: impl Fn(&Channel) -> (f32, f32)) -> Scaling {
    let fitted = channels.iter().map(|channel| match of(channel) {
        _ if channel.count == 0 => (0.0, 1.0),
        // A range too small, or too large, for a scale in f32 is no range.
        (offset, scale) if !channel.is_constant() && scale.is_normal() && offset.is_finite() => (offset, scale),
        _ => (channel.min, 1.0),
    });
    let (offsets, scales) = fitted.unzip();
    Scaling { offsets, scales }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Batch;

    fn channels(values: &[f32], units: usize) -> Vec<Channel> {
        let rows: Vec<u32> = (0..(values.len() / units) as u32).collect();
        let samples = Batch { values: values.to_vec(), visible: units }.into();
        of(&samples, &rows, units).expect("values in memory")
    }

    #[test]
    fn standard_values_have_mean_0_and_variance_1_even_far_from_0() {
        let mut values: Vec<f32> = (0..4000).map(|i| 1.0e6 + (i % 7) as f32).collect();
        let scaling = standard(&channels(&values, 1));
        scaling.apply(&mut values);
        let scaled = channels(&values, 1)[0];
        assert!(scaled.mean.abs() < 0.02 && (scaled.deviation() - 1.0).abs() < 1e-5, "{scaled:?}");
    }

    #[test]
    fn min_max_reaches_0_and_1_and_never_leaves_them() {
        for step in 1..2000 {
            let values = [0.1, 0.1 + step as f32 * 0.013, 0.1 + step as f32 * 0.007];
            let mut scaled = values;
            min_max(&channels(&values, 1)).apply(&mut scaled);
            assert!(scaled[0] == 0.0 && scaled[1] <= 1.0 && scaled[1] > 1.0 - 1e-6, "{values:?}: {scaled:?}");
        }
    }

    #[test]
    fn constant_and_missing_channels_make_no_nan() {
        let nan = f32::NAN;
        let values = [5.0, nan, 1.0e-45, f32::MAX, 5.0, nan, 0.0, f32::MIN];
        let channels = channels(&values, 4);
        assert!(channels[0].is_constant() && channels[1].is_constant() && channels[1].missing == 2);
        for scaling in [min_max(&channels), standard(&channels)] {
            let mut scaled = values;
            scaling.apply(&mut scaled);
            let present = scaled.iter().zip(&values).filter(|(_, raw)| !raw.is_nan());
            assert!(present.clone().count() == 6 && present.clone().all(|(v, _)| !v.is_nan()), "{scaled:?}");
            assert_eq!((scaled[0], scaled[4]), (0.0, 0.0));
        }
    }

    #[test]
    fn levels_are_integers_of_16_bits() {
        let is = |values: &[f32]| channels(values, 1)[0].are_levels;
        assert!(is(&[0.0, 65535.0, f32::NAN, -0.0]) && !is(&[0.5]) && !is(&[-1.0]) && !is(&[65536.0]));
    }
}
