//! A quantised layer's sections, and what their numbers may be.

use super::layer::{Fault, Layer, LayerReader};
use super::{FormatError, LayerHeader, LayerKind};
use crate::integer::{IntegerAffine, IntegerRbm};
use crate::kernel::integer::{
    MAX_DOWN_STEPS, MAX_HIDDEN_BIAS, MAX_INPUTS, MAX_VISIBLE_BIAS, Rescale, Storage, Stored, Up, Weights,
};

/// The layers of [`Layer`] that are quantised: a program of no others has nothing larger on its stack.
#[derive(Clone, Copy, Debug)]
pub enum IntegerLayer<'a, W = Weights<'a>> {
    /// [`Layer::IntegerRbm`].
    Rbm(IntegerRbm<'a, W>),
    /// [`Layer::IntegerGenerative`].
    Generative(IntegerRbm<'a, W>),
    /// [`Layer::IntegerSigmoid`].
    Sigmoid(IntegerAffine<'a, W>),
    /// [`Layer::IntegerHead`].
    Head(IntegerAffine<'a, W>),
}

impl<'a> From<IntegerLayer<'a>> for Layer<'a> {
    fn from(layer: IntegerLayer<'a>) -> Self {
        match layer {
            IntegerLayer::Rbm(rbm) => Self::IntegerRbm(rbm),
            IntegerLayer::Generative(rbm) => Self::IntegerGenerative(rbm),
            IntegerLayer::Sigmoid(up) => Self::IntegerSigmoid(up),
            IntegerLayer::Head(up) => Self::IntegerHead(up),
        }
    }
}

impl<'a> LayerReader<'a> {
    /// Borrows the sections of the next layer.
    #[inline(never)]
    pub(crate) fn integer<W: Stored<'a>>(&mut self, header: &LayerHeader) -> Result<IntegerLayer<'a, W>, Fault> {
        let (visible, hidden) = (header.visible as usize, header.hidden as usize);
        // Before anything else: what follows for other storages falls away where the program holds none.
        let stored = header.numbers.as_integer().filter(|&(storage, _)| W::holds(storage));
        let (storage, shift) = stored.ok_or(Fault::Unread)?;
        let length = storage.len(visible, hidden);
        let weights = if storage == Storage::Int8 {
            Weights::Int8(self.section(length)?)
        } else {
            let words = self.section(length)?;
            match storage {
                Storage::Int4 => Weights::Int4(words),
                Storage::Sign => Weights::Sign(words),
                _ => Weights::Int8Rows(words),
            }
        };
        let weights = W::of(weights).ok_or(Fault::Unread)?;
        let is_machine = matches!(header.kind, LayerKind::BernoulliRbm | LayerKind::Generative);
        let visible_bias = if is_machine { self.section(visible)? } else { &[] };
        let up = IntegerAffine::of_shape(
            visible,
            Up { weights, bias: self.section(hidden)?, rescale: self.section(hidden)? },
        );
        Ok(match header.kind {
            LayerKind::Head => IntegerLayer::Head(up),
            _ if !is_machine => IntegerLayer::Sigmoid(up),
            kind => {
                let rbm = IntegerRbm::of_shape(up, visible_bias, self.section(hidden)?, shift);
                if kind.is_beside() { IntegerLayer::Generative(rbm) } else { IntegerLayer::Rbm(rbm) }
            }
        })
    }
}

impl<'a, W: Stored<'a>> IntegerLayer<'a, W> {
    /// Are all numbers inside the bounds that keep the integer sums exact? O(units).
    pub(crate) fn check(&self, layer: usize) -> Result<(), FormatError> {
        let up_fits = |up: &IntegerAffine<'a, W>| {
            up.inputs() <= MAX_INPUTS
                && up.up().bias.iter().all(|b| b.unsigned_abs() <= MAX_HIDDEN_BIAS.unsigned_abs())
                && up.up().rescale.iter().all(|r| r.is_valid())
        };
        let fits = match self {
            Self::Rbm(rbm) | Self::Generative(rbm) => {
                let down = rbm.down();
                up_fits(rbm.as_up())
                    && down.visible_bias.iter().all(|a| a.unsigned_abs() <= MAX_VISIBLE_BIAS.unsigned_abs())
                    && down.shift <= Rescale::MAX_SHIFT
                    && down.steps.iter().map(|&step| u64::from(step)).sum::<u64>() <= MAX_DOWN_STEPS
            }
            Self::Sigmoid(up) | Self::Head(up) => up_fits(up),
        };
        if fits { Ok(()) } else { Err(FormatError::OutOfRange { layer }) }
    }
}
