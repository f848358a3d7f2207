//! [`Activity`]: hidden units that tell nothing of what is seen, as they are hardly ever on, or hardly ever off.

use ebm_core::HiddenKind;

/// A hidden unit whose mean over the samples is below this is dead.
pub const DEAD_BELOW: f64 = 0.01;
/// A Bernoulli unit whose mean is above this is saturated.
pub const SATURATED_ABOVE: f64 = 0.99;
/// Held to a sparsity target, units are meant to be on seldom: those are dead that are on for less than this share of it, where that is lower.
const SHARE_OF_TARGET: f64 = 0.1;

/// How many hidden units tell nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Activity {
    /// Hidden units.
    pub units: usize,
    /// Below [`DEAD_BELOW`] in the mean.
    pub dead: usize,
    /// Above [`SATURATED_ABOVE`] in the mean; none of rectified units, which have no upper end.
    pub saturated: usize,
}

impl Activity {
    /// Of hidden units of this kind with these means over a data set, held to a sparsity target unless that is 0.
    pub(super) fn of(kind: HiddenKind, sparsity_target: f32, means: impl Iterator<Item = f64>) -> Self {
        let target = SHARE_OF_TARGET * f64::from(sparsity_target);
        let dead = if sparsity_target > 0.0 { DEAD_BELOW.min(target) } else { DEAD_BELOW };
        means.fold(Self::default(), |counted, mean| Self {
            units: counted.units + 1,
            dead: counted.dead + usize::from(mean < dead),
            saturated: counted.saturated + usize::from(kind == HiddenKind::Bernoulli && mean > SATURATED_ABOVE),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_that_are_hardly_ever_on_or_off_are_counted() {
        let means = [0.0, 0.005, 0.02, 0.5, 0.985, 0.995, 3.0];
        let of = |kind, target| Activity::of(kind, target, means.into_iter());
        assert_eq!(of(HiddenKind::Bernoulli, 0.0), Activity { units: 7, dead: 2, saturated: 2 });
        assert_eq!(of(HiddenKind::Relu, 0.0), Activity { units: 7, dead: 2, saturated: 0 });
        // A hundredth on is what a target of a hundredth asks for.
        assert_eq!(of(HiddenKind::Bernoulli, 0.01), Activity { units: 7, dead: 1, saturated: 2 });
    }
}
