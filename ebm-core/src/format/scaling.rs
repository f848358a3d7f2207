//! Scaling of the inputs, channel by channel: the sections ahead of the layers.

use super::{FormatError, NumberFormat};
use crate::kernel::integer::{MAX_OFFSET, Rescale};

/// Offset and scale of every channel, borrowed, in the numbers of the model. Input `i` is of channel `i mod channels`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scaling<'a> {
    /// `v = (r − offset)·scale` of a number `r`, in f32 ([`crate::kernel::float::scaled`]).
    Float {
        /// One a channel, in the unit of `r`.
        offsets: &'a [f32],
        /// One a channel, not 0.
        scales: &'a [f32],
    },
    /// The same in integers, of a sensor's counts, held to 0 … 1 ([`crate::kernel::integer::scaled`]).
    Integer {
        /// One a channel, in counts.
        offsets: &'a [i32],
        /// One a channel: from counts to `1/128`.
        scales: &'a [Rescale],
        /// Counts that make one of what the training data were given in, positive: 1 where these were counts. A device has no need of it;
        /// a host makes counts of such data with it.
        counts: &'a [f32],
    },
}

impl<'a> Scaling<'a> {
    /// The sections in file order, unpadded.
    pub(super) fn sections(&self) -> [&'a [u8]; 3] {
        match self {
            Self::Float { offsets, scales } => [bytemuck::cast_slice(offsets), bytemuck::cast_slice(scales), &[]],
            Self::Integer { offsets, scales, counts } => {
                [bytemuck::cast_slice(offsets), bytemuck::cast_slice(scales), bytemuck::cast_slice(counts)]
            }
        }
    }

    /// Are there this many of each, in these numbers?
    pub(super) fn fits(&self, channels: u32, numbers: NumberFormat) -> bool {
        let lengths = match self {
            Self::Float { offsets, scales } => [offsets.len(), scales.len(), offsets.len()],
            Self::Integer { offsets, scales, counts } => [offsets.len(), scales.len(), counts.len()],
        };
        let is_float = matches!(self, Self::Float { .. });
        is_float == (numbers == NumberFormat::F32)
            && lengths.into_iter().all(|length| length as u64 == u64::from(channels))
    }

    /// Is every number one that an input can be scaled by?
    pub(super) fn check(&self) -> Result<(), FormatError> {
        // Bits are compared, because a part without an FPU has no use for floats here.
        let magnitude = |number: f32| number.to_bits() & (u32::MAX >> 1);
        let is_finite = |number: f32| magnitude(number) < f32::INFINITY.to_bits();
        let is_valid = match self {
            Self::Float { offsets, scales } => {
                offsets.iter().all(|&offset| is_finite(offset))
                    && scales.iter().all(|&scale| is_finite(scale) && magnitude(scale) > 0)
            }
            Self::Integer { offsets, scales, counts } => {
                offsets.iter().all(|offset| offset.unsigned_abs() <= MAX_OFFSET.unsigned_abs())
                    && scales.iter().all(|scale| scale.is_valid() && scale.multiplier > 0)
                    && counts
                        .iter()
                        .all(|&count| is_finite(count) && count.to_bits() == magnitude(count) && magnitude(count) > 0)
            }
        };
        if is_valid { Ok(()) } else { Err(FormatError::Scaling) }
    }
}
