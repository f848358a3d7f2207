//! Sections of a layer: which there are, in which order, and what their numbers may be.

use super::integer::IntegerLayer;
use super::{FormatError, Input, Kinds, LayerHeader, LayerKind, NumberFormat, Reads, Scaling, align_up};
use crate::affine::{Activation, Affine};
use crate::directed::Directed;
use crate::integer::{IntegerAffine, IntegerRbm};
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
    pub(crate) fn check(&self, layer: usize) -> Result<(), FormatError> {
        let finite = |slices: &[&[f32]]| match slices.iter().all(|numbers| numbers.iter().all(|x| x.is_finite())) {
            true => Ok(()),
            false => Err(FormatError::NotFinite { layer }),
        };
        match self {
            Self::Rbm(rbm) | Self::Generative(rbm) => {
                finite(&[rbm.up().weights(), rbm.visible_bias(), rbm.up().bias()])
            }
            Self::Directed(units) => {
                let (up, down) = (units.recognition(), units.generative());
                finite(&[up.weights(), up.bias(), down.up().weights(), down.visible_bias()])
            }
            Self::Head(head) | Self::Sigmoid(head) | Self::Rectifier(head) => finite(&[head.weights(), head.bias()]),
            Self::IntegerRbm(rbm) => IntegerLayer::Rbm(*rbm).check(layer),
            Self::IntegerGenerative(rbm) => IntegerLayer::Generative(*rbm).check(layer),
            Self::IntegerSigmoid(up) => IntegerLayer::Sigmoid(*up).check(layer),
            Self::IntegerHead(up) => IntegerLayer::Head(*up).check(layer),
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
pub enum Fault {
    /// The payload has another length than the shapes need.
    Length,
    /// The layer is in numbers that are not read.
    Unread,
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
pub struct LayerReader<'a> {
    rest: &'a [u8],
    taken: usize,
    total: usize,
}

impl<'a> LayerReader<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload, taken: 0, total: payload.len() }
    }

    /// Borrows the next `count` elements of `size` bytes, of which memory could hold `most`, and passes their padding; not generic, so that there is one
    /// copy of it, and told `most`, because to divide, or to multiply with a look at what overflows, is a function on small processors.
    #[inline(never)]
    fn bytes(&mut self, count: usize, size: usize, most: usize) -> Option<&'a [u8]> {
        // A hostile header's shapes can need more than there is memory: they are held to what there can be, so that they are refused, not wrapped round.
        let length = if count > most { usize::MAX } else { count * size };
        let end = self.taken.saturating_add(length);
        self.taken = align_up(end).unwrap_or(usize::MAX);
        let (section, rest) = self.rest.split_at_checked(align_up(length)?)?;
        self.rest = rest;
        section.get(..length)
    }

    /// Borrows the next `count` numbers.
    #[inline]
    pub(super) fn section<T: AnyBitPattern>(&mut self, count: usize) -> Result<&'a [T], Fault> {
        let most = const { usize::MAX / size_of::<T>() };
        let bytes = self.bytes(count, size_of::<T>(), most).ok_or(Fault::Length)?;
        bytemuck::try_cast_slice(bytes).map_err(|_| Fault::Misaligned)
    }

    /// What has not been handed out.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Borrows the sections ahead of the layers, where `input` is scaled. The numbers themselves are [`Scaling::check`]'s.
    pub(crate) fn scaling<R: Reads>(
        &mut self,
        input: Input,
        numbers: NumberFormat,
    ) -> Result<Option<Scaling<'a>>, FormatError> {
        let Input::Scaled { channels } = input else { return Ok(None) };
        let scaling = match numbers {
            _ if !R::reads(numbers) => Err(Fault::Unread),
            NumberFormat::F32 => self.float_scaling(channels as usize),
            _ => self.integer_scaling(channels as usize),
        };
        scaling.map(Some).map_err(|fault| self.error(0, fault))
    }

    fn float_scaling(&mut self, channels: usize) -> Result<Scaling<'a>, Fault> {
        Ok(Scaling::Float { offsets: self.section(channels)?, scales: self.section(channels)? })
    }

    fn integer_scaling(&mut self, channels: usize) -> Result<Scaling<'a>, Fault> {
        Ok(Scaling::Integer {
            offsets: self.section(channels)?,
            scales: self.section(channels)?,
            counts: self.section(channels)?,
        })
    }

    /// What a fault in the layer at `index` is to who reads the file.
    pub(super) const fn error(&self, index: usize, fault: Fault) -> FormatError {
        match fault {
            Fault::Length => self.payload_length(),
            Fault::Unread => FormatError::Unread { layer: index },
            Fault::Misaligned => FormatError::Misaligned,
            Fault::Units(error) => FormatError::Units { layer: index, error },
            Fault::Count(expected, found) => FormatError::UnitCount { layer: index, expected, found },
        }
    }

    /// Borrows the sections of the next layer, which is in f32.
    #[inline(never)]
    pub(crate) fn float(&mut self, header: &LayerHeader) -> Result<Layer<'a>, Fault> {
        let (visible, hidden) = (header.visible as usize, header.hidden as usize);
        let count = visible.saturating_mul(hidden);
        let weights = self.section(count)?;
        Ok(match header.kind {
            LayerKind::Head => Layer::Head(Affine::new(visible, weights, self.section(hidden)?)?),
            LayerKind::Sigmoid => Layer::Sigmoid(Affine::new(visible, weights, self.section(hidden)?)?),
            LayerKind::Rectifier => {
                let up = Affine::new(visible, weights, self.section(hidden)?)?;
                Layer::Rectifier(up.with_activation(Activation::Rectifier))
            }
            LayerKind::Directed(kinds) => {
                let bias = self.section(hidden)?;
                let (generative, visible_bias) = (self.section(count)?, self.section(visible)?);
                let down = RbmView::new(generative, visible_bias, bias)?.with_units(self.units(header, kinds)?)?;
                Layer::Directed(Directed::new(Affine::new(visible, weights, bias)?, down)?)
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
        let blocks: &'a [Block] = self.section(kinds.blocks.into())?;
        let gaussian = blocks.iter().filter(|block| block.kind() == Some(VisibleKind::Gaussian));
        let sigma = self.section(gaussian.fold(0, |sum: usize, block| sum.saturating_add(block.units())))?;
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

    const fn payload_length(&self) -> FormatError {
        FormatError::PayloadLength { expected: self.taken as u64, found: self.total }
    }

    /// Fails unless every byte was handed out.
    pub(crate) fn finish(self) -> Result<(), FormatError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.payload_length()) }
    }
}
