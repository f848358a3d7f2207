//! Which numbers a program reads.

use super::layer::{Fault, Layer, LayerReader};
use super::{FormatError, IntegerLayer, LayerHeader, NumberFormat};

/// Which numbers a program reads. What it does not read, it needs no code for, and none is linked.
///
/// Only the numbers of this crate read anything: a reader of sections cannot be had outside.
pub trait Reads {
    /// A layer in these numbers.
    type Layer<'a>: Copy;

    /// Does it read these?
    fn reads(numbers: NumberFormat) -> bool;

    /// Borrows the sections of the next layer, which is in numbers that are read. The numbers themselves are [`Reads::check`]'s.
    #[doc(hidden)]
    fn layer<'a>(reader: &mut LayerReader<'a>, header: &LayerHeader) -> Result<Self::Layer<'a>, Fault>;

    /// Is every number of the layer at `index` one that may be there?
    #[doc(hidden)]
    fn check(layer: &Self::Layer<'_>, index: usize) -> Result<(), FormatError>;
}

/// Reads whatever there is.
pub(crate) struct AnyNumbers;

impl Reads for AnyNumbers {
    type Layer<'a> = Layer<'a>;

    fn reads(_: NumberFormat) -> bool {
        true
    }

    fn layer<'a>(reader: &mut LayerReader<'a>, header: &LayerHeader) -> Result<Layer<'a>, Fault> {
        match header.numbers {
            NumberFormat::F32 => reader.float(header),
            _ => reader.integer(header).map(|layer: IntegerLayer<'a>| layer.into()),
        }
    }

    fn check(layer: &Layer<'_>, index: usize) -> Result<(), FormatError> {
        layer.check(index)
    }
}
