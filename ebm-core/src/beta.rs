//! [`Beta`]: at which temperature a chain runs.

/// Inverse temperature `β = 1/T`: a chain's stationary distribution is `p_β(v, h) ∝ e^(−β·E(v, h))`.
///
/// Held in `1/256`, from 0 (every state equally likely) to 16 (hardly any but the deepest), so that integer machines and f32 ones mean the
/// same. Annealing raises it step by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Beta(u16);

impl Beta {
    /// `β = 0`: infinite temperature.
    pub const ZERO: Self = Self(0);
    /// `β = 1`: the machine's own distribution.
    pub const ONE: Self = Self(256);
    /// `β = 16`, the coldest.
    pub const MAX: Self = Self(16 * 256);

    /// `β = in_256ths / 256`, at most [`Beta::MAX`].
    pub const fn new(in_256ths: u16) -> Self {
        if in_256ths > Self::MAX.0 { Self::MAX } else { Self(in_256ths) }
    }

    /// `256·β`.
    pub const fn in_256ths(self) -> u16 {
        self.0
    }

    /// `β`, exactly.
    pub fn value(self) -> f32 {
        f32::from(self.0) / 256.0
    }
}

impl Default for Beta {
    fn default() -> Self {
        Self::ONE
    }
}
