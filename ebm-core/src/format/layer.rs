//! Sections of a layer: which there are, in which order, and what their numbers may be.

use super::{FormatError, Kinds, LayerHeader, LayerKind, NumberFormat, Reads, Scaling, align_up};
use crate::affine::{Activation, Affine};
use crate::directed::Directed;
use crate::integer::{IntegerAffine, IntegerRbm};
use crate::kernel::integer::{
    MAX_DOWN_STEPS, MAX_HIDDEN_BIAS, MAX_INPUTS, MAX_VISIBLE_BIAS, Rescale, Storage, Up, Weights,
};
use crate::machine::{Machine, ShapeError};
use crate::rbm::RbmView;
use crate::units::{Block, Units, UnitsError, VisibleKind};
use bytemuck::AnyBitPattern;

/// A layer's parameters, borrowed.
#[derive(Clone, Copy, Debug)]
pub enum Layer<'a> {
    /// A machine in f32.
    Rbm(RbmView<'a>),
    /// A machine beside the stack in f32.
    Generative(RbmView<'a>),
    /// Sigmoid units in f32.
    Sigmoid(Affine<'a>),
    /// Rectifier units in f32.
    Rectifier(Affine<'a>),
    /// Units with their own way down in f32.
    Directed(Directed<'a>),
    /// A softmax head in f32.
    Head(Affine<'a>),
    /// A quantised machine.
    IntegerRbm(IntegerRbm<'a>),
    /// A quantised machine beside the stack.
    IntegerGenerative(IntegerRbm<'a>),
    /// Quantised sigmoid units.
    IntegerSigmoid(IntegerAffine<'a>),
    /// A quantised softmax head.
    IntegerHead(IntegerAffine<'a>),
}

impl<'a> Layer<'a> {
    /// The header that describes these parameters.
    pub fn header(&self) -> LayerHeader {
        let kind = match self {
            Self::Rbm(rbm) if rbm.units() != Units::BERNOULLI => LayerKind::Rbm(kinds(rbm)),
            Self::Generative(rbm) if rbm.units() != Units::BERNOULLI => LayerKind::GenerativeRbm(kinds(rbm)),
            Self::Directed(units) => LayerKind::Directed(kinds(&units.generative())),
            Self::Rectifier(_) => LayerKind::Rectifier,
            Self::Rbm(_) | Self::IntegerRbm(_) => LayerKind::BernoulliRbm,
            Self::Generative(_) | Self::IntegerGenerative(_) => LayerKind::Generative,
            Self::Sigmoid(_) | Self::IntegerSigmoid(_) => LayerKind::Sigmoid,
            Self::Head(_) | Self::IntegerHead(_) => LayerKind::Head,
        };
        let integer = |up: IntegerAffine<'_>, shift| NumberFormat::integer(up.up().weights.storage(), shift);
        let (numbers, visible, hidden) = match self {
            Self::Rbm(rbm) | Self::Generative(rbm) => (NumberFormat::F32, rbm.visible(), rbm.hidden()),
            Self::Directed(units) => (NumberFormat::F32, units.recognition().inputs(), units.recognition().outputs()),
            Self::Sigmoid(up) | Self::Rectifier(up) | Self::Head(up) => (NumberFormat::F32, up.inputs(), up.outputs()),
            Self::IntegerRbm(rbm) | Self::IntegerGenerative(rbm) => {
                (integer(rbm.up(), rbm.down().shift), rbm.visible(), rbm.hidden())
            }
            Self::IntegerSigmoid(up) | Self::IntegerHead(up) => (integer(*up, 0), up.inputs(), up.outputs()),
        };
        LayerHeader { kind, numbers, visible: visible as u32, hidden: hidden as u32 }
    }

    /// Calls `each` with the bytes of every section in file order, unpadded.
    pub(super) fn sections<'s>(&'s self, each: &mut dyn FnMut(&'s [u8])) {
        match self {
            Self::Rbm(rbm) | Self::Generative(rbm) => {
                each(bytemuck::cast_slice(rbm.up().weights()));
                each(bytemuck::cast_slice(rbm.visible_bias()));
                each(bytemuck::cast_slice(rbm.up().bias()));
                unit_sections(rbm.units(), each);
            }
            Self::Directed(units) => {
                let (up, down) = (units.recognition(), units.generative());
                each(bytemuck::cast_slice(up.weights()));
                each(bytemuck::cast_slice(up.bias()));
                each(bytemuck::cast_slice(down.up().weights()));
                each(bytemuck::cast_slice(down.visible_bias()));
                unit_sections(down.units(), each);
            }
            Self::Head(head) | Self::Sigmoid(head) | Self::Rectifier(head) => {
                each(bytemuck::cast_slice(head.weights()));
                each(bytemuck::cast_slice(head.bias()));
            }
            Self::IntegerRbm(rbm) | Self::IntegerGenerative(rbm) => {
                let (up, down) = (rbm.up().up(), rbm.down());
                each(up.weights.as_bytes());
                each(bytemuck::cast_slice(down.visible_bias));
                each(bytemuck::cast_slice(up.bias));
                each(bytemuck::cast_slice(up.rescale));
                each(bytemuck::cast_slice(down.steps));
            }
            Self::IntegerHead(head) | Self::IntegerSigmoid(head) => {
                let up = head.up();
                each(up.weights.as_bytes());
                each(bytemuck::cast_slice(up.bias));
                each(bytemuck::cast_slice(up.rescale));
            }
        }
    }

    /// Are all numbers finite and inside the bounds that keep the integer sums exact? O(parameters) for f32, O(units)
    /// for integers.
    pub(super) fn check(&self, layer: usize) -> Result<(), FormatError> {
        let finite = |numbers: &[f32]| match numbers.iter().all(|x| x.is_finite()) {
            true => Ok(()),
            false => Err(FormatError::NotFinite { layer }),
        };
        let in_range = |fits: bool| if fits { Ok(()) } else { Err(FormatError::OutOfRange { layer }) };
        let up_in_range = |up: Up<'_>, inputs: usize| {
            in_range(inputs <= MAX_INPUTS)?;
            in_range(up.bias.iter().all(|b| b.unsigned_abs() <= MAX_HIDDEN_BIAS.unsigned_abs()))?;
            in_range(up.rescale.iter().all(|r| r.is_valid()))
        };
        match self {
            Self::Rbm(rbm) | Self::Generative(rbm) => {
                finite(rbm.up().weights())?;
                finite(rbm.visible_bias())?;
                finite(rbm.up().bias())
            }
            Self::Directed(units) => {
                finite(units.recognition().weights())?;
                finite(units.recognition().bias())?;
                finite(units.generative().up().weights())?;
                finite(units.generative().visible_bias())
            }
            Self::Head(head) | Self::Sigmoid(head) | Self::Rectifier(head) => {
                finite(head.weights())?;
                finite(head.bias())
            }
            Self::IntegerRbm(rbm) | Self::IntegerGenerative(rbm) => {
                let down = rbm.down();
                up_in_range(rbm.up().up(), rbm.visible())?;
                in_range(down.visible_bias.iter().all(|a| a.unsigned_abs() <= MAX_VISIBLE_BIAS.unsigned_abs()))?;
                in_range(down.shift <= Rescale::MAX_SHIFT)?;
                in_range(down.steps.iter().map(|&step| u64::from(step)).sum::<u64>() <= MAX_DOWN_STEPS)
            }
            Self::IntegerHead(head) | Self::IntegerSigmoid(head) => up_in_range(head.up(), head.inputs()),
        }
    }
}

/// What the header says of a machine's units.
fn kinds(rbm: &RbmView<'_>) -> Kinds {
    let units = rbm.units();
    Kinds { blocks: units.blocks().len() as u16, labels: units.labels() as u32, hidden: units.hidden() }
}

/// The sections that say what a machine's units are; none where all are Bernoulli.
fn unit_sections<'s>(units: Units<'s>, each: &mut dyn FnMut(&'s [u8])) {
    each(bytemuck::cast_slice(units.blocks()));
    each(bytemuck::cast_slice(units.sigma()));
}

/// Why a layer's sections cannot be borrowed: small, because a device has it on its stack on the way to the error that it becomes.
enum Fault {
    /// The payload has another length than the shapes need.
    Length,
    /// A section lies where its numbers cannot be borrowed.
    Misaligned,
    /// Blocks that are no visible layer.
    Units(UnitsError),
    /// Blocks of another number of units, or of labels, than the header says: expected, found.
    Count(usize, usize),
}

impl From<ShapeError> for Fault {
    fn from(_: ShapeError) -> Self {
        Self::Length
    }
}

/// Hands out the sections of a payload in order.
pub(crate) struct LayerReader<'a> {
    rest: &'a [u8],
    taken: u64,
    total: usize,
}

impl<'a> LayerReader<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload, taken: 0, total: payload.len() }
    }

    /// Borrows the next `count` elements of `size` bytes and passes their padding; not generic, so that there is one copy of it.
    #[inline(never)]
    fn bytes(&mut self, count: u64, size: usize) -> Option<&'a [u8]> {
        let bytes = count.saturating_mul(size as u64);
        // A hostile header's shapes can need more than 2^64 bytes: saturate, so that they are refused, not wrapped
        // round.
        let end = self.taken.saturating_add(bytes);
        self.taken = end.checked_next_multiple_of(super::ALIGNMENT as u64).unwrap_or(u64::MAX);
        let length = usize::try_from(bytes).ok()?;
        let (section, rest) = self.rest.split_at_checked(align_up(length)?)?;
        self.rest = rest;
        section.get(..length)
    }

    /// Borrows the next `count` numbers.
    #[inline]
    fn section<T: AnyBitPattern>(&mut self, count: u64) -> Result<&'a [T], Fault> {
        let bytes = self.bytes(count, size_of::<T>()).ok_or(Fault::Length)?;
        bytemuck::try_cast_slice(bytes).map_err(|_| Fault::Misaligned)
    }

    /// What has not been handed out.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Borrows the sections ahead of the layers, where the inputs are of `channels` that are scaled. The numbers themselves are
    /// [`Scaling::check`]'s.
    #[inline]
    pub(crate) fn scaling<R: Reads>(
        &mut self,
        channels: u32,
        numbers: NumberFormat,
    ) -> Result<Scaling<'a>, FormatError> {
        let scaling = match numbers {
            NumberFormat::F32 if R::reads(NumberFormat::F32) => self.float_scaling(channels.into()),
            _ => self.integer_scaling(channels.into()),
        };
        scaling.map_err(|fault| self.error(0, fault))
    }

    fn float_scaling(&mut self, channels: u64) -> Result<Scaling<'a>, Fault> {
        Ok(Scaling::Float { offsets: self.section(channels)?, scales: self.section(channels)? })
    }

    fn integer_scaling(&mut self, channels: u64) -> Result<Scaling<'a>, Fault> {
        Ok(Scaling::Integer {
            offsets: self.section(channels)?,
            scales: self.section(channels)?,
            counts: self.section(channels)?,
        })
    }

    /// Borrows the sections of the next layer, which is number `index`. The numbers themselves are [`Layer::check`]'s.
    #[inline(always)]
    pub(crate) fn layer<R: Reads>(&mut self, index: usize, header: &LayerHeader) -> Result<Layer<'a>, FormatError> {
        if !R::reads(header.numbers) {
            return Err(FormatError::Unread { layer: index });
        }
        let layer = match header.numbers.as_integer() {
            None => self.float(header),
            Some((storage, down_shift)) => self.integer(header, storage, down_shift).map(|rbm| match header.kind {
                LayerKind::BernoulliRbm => Layer::IntegerRbm(rbm),
                LayerKind::Generative => Layer::IntegerGenerative(rbm),
                LayerKind::Head => Layer::IntegerHead(rbm.up()),
                _ => Layer::IntegerSigmoid(rbm.up()),
            }),
        };
        layer.map_err(|fault| self.error(index, fault))
    }

    /// What a fault in the layer at `index` is to who reads the file.
    const fn error(&self, index: usize, fault: Fault) -> FormatError {
        match fault {
            Fault::Length => self.payload_length(),
            Fault::Misaligned => FormatError::Misaligned,
            Fault::Units(error) => FormatError::Units { layer: index, error },
            Fault::Count(expected, found) => FormatError::UnitCount { layer: index, expected, found },
        }
    }

    #[inline(never)]
    fn float(&mut self, header: &LayerHeader) -> Result<Layer<'a>, Fault> {
        let (visible, hidden) = (u64::from(header.visible), u64::from(header.hidden));
        let inputs = header.visible as usize;
        let weights = self.section(visible * hidden)?;
        Ok(match header.kind {
            LayerKind::Head => Layer::Head(Affine::new(inputs, weights, self.section(hidden)?)?),
            LayerKind::Sigmoid => Layer::Sigmoid(Affine::new(inputs, weights, self.section(hidden)?)?),
            LayerKind::Rectifier => {
                let up = Affine::new(inputs, weights, self.section(hidden)?)?;
                Layer::Rectifier(up.with_activation(Activation::Rectifier))
            }
            LayerKind::Directed(kinds) => {
                let bias = self.section(hidden)?;
                let (generative, visible_bias) = (self.section(visible * hidden)?, self.section(visible)?);
                let down = RbmView::new(generative, visible_bias, bias)?.with_units(self.units(header, kinds)?)?;
                Layer::Directed(Directed::new(Affine::new(inputs, weights, bias)?, down)?)
            }
            LayerKind::BernoulliRbm | LayerKind::Generative | LayerKind::Rbm(_) | LayerKind::GenerativeRbm(_) => {
                let visible_bias = self.section(visible)?;
                let mut rbm = RbmView::new(weights, visible_bias, self.section(hidden)?)?;
                if let Some(kinds) = header.kind.kinds() {
                    rbm = rbm.with_units(self.units(header, kinds)?)?;
                }
                if header.kind.is_beside() { Layer::Generative(rbm) } else { Layer::Rbm(rbm) }
            }
        })
    }

    /// What the units of a machine are, whose other sections have been passed.
    pub(crate) fn units_of(&mut self, header: &LayerHeader) -> Result<Units<'a>, FormatError> {
        let units = header.kind.kinds().map_or(Ok(Units::BERNOULLI), |kinds| self.units(header, kinds));
        units.map_err(|fault| self.error(0, fault))
    }

    /// Borrows the blocks and standard deviations of a layer's units, and checks them against its header.
    fn units(&mut self, header: &LayerHeader, kinds: Kinds) -> Result<Units<'a>, Fault> {
        let blocks: &'a [Block] = self.section(u64::from(kinds.blocks))?;
        let gaussian = blocks.iter().filter(|block| block.kind() == Some(VisibleKind::Gaussian));
        let sigma = self.section(gaussian.map(|block| block.units() as u64).sum())?;
        let units = Units::new(blocks, sigma, kinds.hidden).map_err(Fault::Units)?;
        let visible = header.visible as usize;
        for (expected, found) in
            [(visible, units.visible().unwrap_or(visible)), (kinds.labels as usize, units.labels())]
        {
            if expected != found {
                return Err(Fault::Count(expected, found));
            }
        }
        Ok(units)
    }

    /// An integer layer as a machine: one without visible biases and down steps where it has no way down.
    #[inline(never)]
    fn integer(&mut self, header: &LayerHeader, storage: Storage, down_shift: u8) -> Result<IntegerRbm<'a>, Fault> {
        let (visible, hidden) = (u64::from(header.visible), u64::from(header.hidden));
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
        let is_machine = matches!(header.kind, LayerKind::BernoulliRbm | LayerKind::Generative);
        let visible_bias = if is_machine { self.section(visible)? } else { &[] };
        let up = Up { weights, bias: self.section(hidden)?, rescale: self.section(hidden)? };
        let steps = if is_machine { self.section(hidden)? } else { &[] };
        Ok(IntegerRbm::of_shape(IntegerAffine::of_shape(header.visible as usize, up), visible_bias, steps, down_shift))
    }

    const fn payload_length(&self) -> FormatError {
        FormatError::PayloadLength { expected: self.taken, found: self.total }
    }

    /// Fails unless every byte was handed out.
    pub(crate) fn finish(self) -> Result<(), FormatError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.payload_length()) }
    }
}
