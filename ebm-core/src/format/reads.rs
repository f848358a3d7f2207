//! Which numbers a program reads.

use super::NumberFormat;

/// Which numbers a program reads. What it does not read, it needs no code for, and none is linked.
pub trait Reads {
    /// Does it read these?
    fn reads(numbers: NumberFormat) -> bool;
}

/// Reads whatever there is.
pub(crate) struct AnyNumbers;

impl Reads for AnyNumbers {
    fn reads(_: NumberFormat) -> bool {
        true
    }
}
