//! [`IntegerScaling`]: the scaling of inputs channel by channel, in integers.

use super::quantize::rescale;
use crate::Error;
use crate::data::Scaling;
use ebm_core::format;
use ebm_core::kernel::integer::{MAX_OFFSET, ONE, Rescale};

/// Counts that one unit of `v` has at least where raw inputs are no counts themselves: far finer than the 128 steps of a value.
const COUNTS_OF_A_VALUE: f64 = 4096.0;

/// Offsets and scales of every channel in integers, owned: what [`format::Scaling::Integer`] borrows.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegerScaling {
    offsets: Vec<i32>,
    scales: Vec<Rescale>,
    counts: Vec<f32>,
}

impl IntegerScaling {
    /// The same scaling of a sensor's counts. Raw inputs of which at least 128 make one unit of `v` are taken for counts as they are, rounded to
    /// whole ones; of others, a power of two of counts makes one.
    ///
    /// Fails when a scale is not above 0 or an offset is beyond the fixed point, naming the channel.
    pub fn of(scaling: &Scaling) -> Result<Self, Error> {
        let mut integer = Self { offsets: Vec::new(), scales: Vec::new(), counts: Vec::new() };
        for (channel, (&offset, &scale)) in scaling.offsets.iter().zip(&scaling.scales).enumerate() {
            let refused = |problem: &str| Error::Quantize(format!("the scaling of channel {channel}: {problem}"));
            if scale <= 0.0 {
                return Err(refused("its scale is not above 0"));
            }
            let scale = f64::from(scale);
            let is_fine = scale * f64::from(ONE) <= 1.0;
            let counts = if is_fine { 1.0 } else { (scale * COUNTS_OF_A_VALUE).log2().ceil().exp2() };
            let offset = (f64::from(offset) * counts).round();
            if offset.abs() > f64::from(MAX_OFFSET) {
                return Err(refused("its offset is too large for the fixed point"));
            }
            // Beyond two units of `v` every count is held to 1 anyway.
            let of_two = (2.0 * counts / scale).ceil() as u64;
            integer.scales.push(rescale(scale / counts * f64::from(ONE), of_two).map_err(refused)?);
            integer.offsets.push(offset as i32);
            integer.counts.push(counts as f32);
        }
        Ok(integer)
    }

    /// As ebm-core takes it.
    pub fn view(&self) -> format::Scaling<'_> {
        let Self { offsets, scales, counts } = self;
        format::Scaling::Integer { offsets, scales, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ebm_core::kernel::{float, integer};

    #[test]
    fn integers_scale_as_floats_do_to_the_nearest_step() {
        let scaling =
            Scaling { offsets: vec![-3.0, 0.0, 512.0, 101_325.0], scales: vec![0.25, 40.0, 1.0 / 2048.0, 1e-4] };
        let integers = IntegerScaling::of(&scaling).expect("an integer form");
        for (channel, (&offset, &scale)) in scaling.offsets.iter().zip(&scaling.scales).enumerate() {
            for step in -20..=120 {
                let raw = offset + step as f32 / 100.0 / scale;
                let counts = (raw * integers.counts[channel]).round() as i32;
                let ours = integer::scaled(counts, integers.offsets[channel], integers.scales[channel]);
                let exact = float::scaled(raw, offset, scale).clamp(0.0, 1.0) * f32::from(ONE);
                assert!((f32::from(ours) - exact).abs() <= 1.1, "channel {channel}: {ours} for {exact}");
            }
        }
        assert_eq!((integers.counts[2], integers.counts[1] > 4096.0), (1.0, true));
    }

    #[test]
    fn what_has_no_integer_form_is_refused_by_channel() {
        let refused = |offset: f32, scale: f32| {
            let scaling = Scaling { offsets: vec![0.0, offset], scales: vec![1.0, scale] };
            IntegerScaling::of(&scaling).expect_err("no integer form").to_string()
        };
        assert!(refused(0.0, -1.0).contains("channel 1: its scale is not above 0"));
        assert!(refused(1e12, 1.0).contains("channel 1: its offset is too large"));
    }
}
