//! A model file's bytes as a model: [`Model`] borrows them where they lie.

use crate::format::{self, FormatError, Header, Input, Layer, LayerKind, LayerReader};
use crate::machine::{Machine, ShapeError};
use crate::math::argmax;
use crate::numbers::Numbers;

/// Why a model cannot answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The bytes are not a model.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A slice or a layer has another shape.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A score is NaN: an input was.
    #[error("a score is not a number: an input was none")]
    NotANumber,
    /// There is no such layer, or it is of another kind or number format.
    #[error("layer {layer} is no {expected}")]
    Layer {
        /// Which layer, from 0 at the input.
        layer: usize,
        /// What was asked for.
        expected: &'static str,
    },
}

/// A checked model file, borrowed.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    header: Header<'a>,
    payload: &'a [u8],
}

impl<'a> Model<'a> {
    /// Checks a file's bytes: prefix, checksums, header, shapes, and that every number is finite and in range.
    /// The bytes must lie at a multiple of 16 in memory; nothing is copied.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FormatError> {
        let (header_bytes, payload) = format::split(bytes)?;
        let (header, rest) = postcard::take_from_bytes::<Header<'a>>(header_bytes).map_err(|_| FormatError::Header)?;
        if !rest.is_empty() {
            return Err(FormatError::Header);
        }
        header.check_against(payload)?;
        Ok(Self { header, payload })
    }

    /// What the file says about itself.
    pub const fn header(&self) -> &Header<'a> {
        &self.header
    }

    /// Number of layers, the head included.
    pub fn layers(&self) -> usize {
        self.header.layers.len()
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.header.layers.first().map_or(0, |layer| layer.visible as usize)
    }

    /// Number of outputs: classes, or hidden units of the last machine.
    pub fn outputs(&self) -> usize {
        self.header.layers.last().map_or(0, |layer| layer.hidden as usize)
    }

    /// Values that [`Model::scores`] needs to work in: two buffers as wide as the widest hidden layer.
    pub fn work_len(&self) -> usize {
        let below_the_head = self.header.layers.iter().take(self.layers().saturating_sub(1));
        2 * below_the_head.skip(self.first_hidden()).map(|layer| layer.hidden as usize).max().unwrap_or(0)
    }

    /// The layer at `index`, from 0 at the input.
    pub fn layer(&self, index: usize) -> Option<Layer<'a>> {
        let mut reader = LayerReader::new(self.payload);
        let mut headers = self.header.layers.iter();
        for header in headers.by_ref().take(index) {
            reader.layer(header).ok()?;
        }
        reader.layer(headers.next()?).ok()
    }

    /// The machine at `index`. Fails when that layer is none, or stores other numbers.
    pub fn rbm<N: Numbers>(&self, index: usize) -> Result<N::Rbm<'a>, ModelError> {
        self.layer(index).and_then(N::rbm).ok_or(ModelError::Layer { layer: index, expected: N::RBM })
    }

    /// The machine over the visible units, which gives free energies and samples: the one beside the stack, or else the
    /// stack's first layer. Fails when that is none, or stores other numbers.
    pub fn machine<N: Numbers>(&self) -> Result<N::Rbm<'a>, ModelError> {
        self.rbm::<N>(0)
    }

    /// Index of the first layer of the recognition pass: 1 where a machine lies beside the stack.
    pub fn first_hidden(&self) -> usize {
        self.header.layers.first().map_or(0, |layer| usize::from(layer.kind == LayerKind::Generative))
    }

    /// What a recognition pass uses of the layer at `index`. Fails when that is neither a machine of the stack nor sigmoid units,
    /// or stores other numbers.
    pub fn hidden_layer<N: Numbers>(&self, index: usize) -> Result<N::Affine<'a>, ModelError> {
        self.layer(index).and_then(N::hidden).ok_or(ModelError::Layer { layer: index, expected: N::HIDDEN })
    }

    /// The softmax head at `index`. Fails when that layer is none, or stores other numbers.
    pub fn head<N: Numbers>(&self, index: usize) -> Result<N::Affine<'a>, ModelError> {
        self.layer(index).and_then(N::head).ok_or(ModelError::Layer { layer: index, expected: N::HEAD })
    }

    /// The visible value of a raw integer level, as the file's [`Input`] says.
    pub fn value_of_level<N: Numbers>(&self, level: u16) -> N::Value {
        match self.header.input {
            Input::Unit => N::from_level(level, 1),
            Input::Levels { max } => N::from_level(level, max),
        }
    }

    /// Scores of the classes (log-odds up to a common constant): the recognition pass through the stack, then the head.
    ///
    /// `input` holds one value an input, `work` at least [`Model::work_len`] values, `scores` one a class.
    pub fn scores<N: Numbers>(
        &self,
        input: &[N::Value],
        work: &mut [N::Value],
        scores: &mut [N::Score],
    ) -> Result<(), ModelError> {
        ShapeError::check("inputs", self.inputs(), input.len())?;
        let needed = self.work_len();
        if work.len() < needed {
            return Err(ShapeError { what: "values to work in", expected: needed, found: work.len() }.into());
        }
        let (mut from, mut to) = work[..needed].split_at_mut(needed / 2);
        let last = self.layers().saturating_sub(1);
        let mut width = None;
        for index in self.first_hidden()..last {
            let layer = self.hidden_layer::<N>(index)?;
            let outputs = N::outputs(&layer);
            let source = width.map_or(input, |width| &from[..width]);
            N::probabilities(&layer, source, &mut to[..outputs])?;
            width = Some(outputs);
            core::mem::swap(&mut from, &mut to);
        }
        let head = self.head::<N>(last)?;
        let source = width.map_or(input, |width| &from[..width]);
        Ok(N::field(&head, source, scores)?)
    }

    /// The class with the highest score, and the scores; arguments as in [`Model::scores`].
    /// Fails with [`ModelError::NotANumber`] where a NaN input leaves no answer.
    pub fn classify<N: Numbers>(
        &self,
        input: &[N::Value],
        work: &mut [N::Value],
        scores: &mut [N::Score],
    ) -> Result<usize, ModelError> {
        self.scores::<N>(input, work, scores)?;
        if scores.iter().any(|score| score.partial_cmp(score).is_none()) {
            return Err(ModelError::NotANumber);
        }
        Ok(argmax(scores).unwrap_or(0))
    }

    /// Free energy of the input under [`Model::machine`].
    pub fn free_energy<N: Numbers>(&self, input: &[N::Value]) -> Result<N::Score, ModelError> {
        Ok(self.machine::<N>()?.free_energy(input)?)
    }

    /// Does this free energy mean that the input is novel? `None` when the file holds no threshold.
    pub fn is_novel<N: Numbers>(&self, free_energy: N::Score) -> Option<bool> {
        self.header.novelty.map(|novelty| N::exceeds(free_energy, novelty.threshold))
    }
}
