//! A model file's bytes as a model: [`Model`] borrows them where they lie.

use crate::format::{
    self, AnyNumbers, Checksums, Fault, FormatError, Header, Input, Layer, LayerHeader, LayerKind, LayerReader,
    Novelty, NumberFormat, Reads, Scaling, StoredHeader,
};
use crate::machine::{Machine, ShapeError};
use crate::math::argmax;
use crate::numbers::Numbers;
use rand_core::Rng;

/// Why a model cannot answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
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

/// A checked model file, borrowed: some words, whatever the file.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    header: StoredHeader<'a>,
    /// The sections of the inputs' scaling, where they are scaled, and of the layers.
    payload: &'a [u8],
    /// The sections of the layers.
    layers: &'a [u8],
}

impl<'a> Model<'a> {
    /// Checks a file's bytes: prefix, checksums, header, shapes, and that every number is finite and in range.
    /// The bytes must lie at a multiple of 16 in memory; nothing is copied.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FormatError> {
        Self::read::<AnyNumbers>(bytes)
    }

    /// [`Model::parse`] in a program that reads no other numbers than `N`'s, and so holds no code for others: a file of others is refused.
    pub fn parse_as<N: Numbers>(bytes: &'a [u8]) -> Result<Self, FormatError> {
        Self::read::<N>(bytes)
    }

    /// Not a part of who calls it, whose stack would have to hold all that the check needs for as long as it runs.
    #[inline(never)]
    fn read<R: Reads>(bytes: &'a [u8]) -> Result<Self, FormatError> {
        let (header, payload) = format::split(bytes, Checksums::Checked)?;
        Ok(Self { header, payload, layers: header.check::<R>(payload)? })
    }

    /// Borrows a file that [`Model::parse`] has passed before, without another look at checksums and parameters: in some hundred instructions,
    /// whatever its length. Of bytes that were not passed, or in other numbers than `N`'s, the answers mean nothing, or are errors.
    pub fn parsed<N: Numbers>(bytes: &'a [u8]) -> Result<Self, FormatError> {
        let (header, payload) = format::split(bytes, Checksums::Known)?;
        let mut model = Self { header, payload, layers: payload };
        model.layers = model.scaling::<N>()?.1;
        Ok(model)
    }

    /// Bytes of the layers' sections: the end of the file.
    pub(crate) const fn layers_len(&self) -> usize {
        self.layers.len()
    }

    /// What the file says about itself. It is decoded anew each time.
    pub fn header(&self) -> Header<'a> {
        let mut header = Header::default();
        // It was read before, when the file was checked.
        let _ = self.header.read(&mut header);
        header.scaling = self.scaling::<AnyNumbers>().map_or(None, |(scaling, _)| scaling);
        header
    }

    /// The scaling of the inputs, where they are scaled, and the sections after it.
    fn scaling<R: Reads>(&self) -> Result<(Option<Scaling<'a>>, &'a [u8]), FormatError> {
        let mut reader = LayerReader::new(self.payload);
        let numbers = self.header.layers().next().map_or(NumberFormat::F32, |first| first.numbers);
        let scaling = reader.scaling::<R>(self.header.input(), numbers)?;
        Ok((scaling, reader.rest()))
    }

    /// What the file says about its layers, from the input up.
    pub fn layer_headers(&self) -> impl Iterator<Item = LayerHeader> + use<'a> {
        self.header.layers()
    }

    /// When an input counts as novel, where the file says so.
    pub fn novelty_threshold(&self) -> Option<Novelty> {
        self.header.novelty()
    }

    /// Number of layers, the head included.
    pub fn layers(&self) -> usize {
        self.header.layers().left()
    }

    /// Number of inputs: visible units of the first layer, without labels.
    pub fn inputs(&self) -> usize {
        self.layer_headers().next().map_or(0, |layer| layer.inputs() as usize)
    }

    /// Number of classes; 0 where there are none.
    pub fn classes(&self) -> usize {
        self.layer_headers().last().map_or(0, |layer| layer.classes() as usize)
    }

    /// Number of outputs: classes of a head or a ClassRBM, or hidden units of the last machine.
    pub fn outputs(&self) -> usize {
        self.layer_headers().last().map_or(0, |layer| match layer.classes() {
            0 => layer.hidden as usize,
            classes => classes as usize,
        })
    }

    /// Values that [`Model::scores`] needs to work in: of the hidden layers below the last layer, those of the two neighbours that have most
    /// together, or of the only one.
    pub fn work_len(&self) -> usize {
        let mut layers = self.header.layers();
        let (mut most, mut below) = (0, 0);
        while let Some(layer) = layers.next() {
            // Neither the last layer nor a machine beside the stack.
            if layers.left() > 0 && !layer.kind.is_beside() {
                let width = layer.hidden as usize;
                most = width.saturating_add(below).max(most);
                below = width;
            }
        }
        most
    }

    /// The layer at `index`, from 0 at the input.
    pub fn layer(&self, index: usize) -> Option<Layer<'a>> {
        self.layer_in::<AnyNumbers>(index).ok()
    }

    /// The layer at `index`. Fails where there is none, or it is in numbers that are not read.
    #[inline(never)]
    fn layer_in<R: Reads>(&self, index: usize) -> Result<R::Layer<'a>, Fault> {
        let mut layers = self.header.layers_in(self.layers);
        loop {
            let layer = layers.next::<R>();
            if layers.index() > index || layer.is_err() {
                return layer;
            }
        }
    }

    /// The layer at `index` as `what` makes something of it, which is called `expected`. Fails where it is no such thing.
    fn layer_as<N: Numbers, T>(
        &self,
        index: usize,
        expected: &'static str,
        what: impl FnOnce(&N::Layer<'a>) -> Option<T>,
    ) -> Result<T, ModelError> {
        let no_such = ModelError::Layer { layer: index, expected };
        self.layer_in::<N>(index).map_or(Err(no_such), |layer| what(&layer).ok_or(no_such))
    }

    /// The machine at `index`. Fails when that layer is none, or stores other numbers.
    #[inline(never)]
    pub fn rbm<N: Numbers>(&self, index: usize) -> Result<N::Rbm<'a>, ModelError> {
        self.layer_as::<N, _>(index, N::RBM, N::rbm)
    }

    /// The machine over the visible units, which gives free energies and samples: the one beside the stack, or else the
    /// stack's first layer. Fails when that is none, or stores other numbers.
    pub fn machine<N: Numbers>(&self) -> Result<N::Rbm<'a>, ModelError> {
        self.rbm::<N>(0)
    }

    /// Index of the first layer of the recognition pass: 1 where a machine lies beside the stack.
    pub fn first_hidden(&self) -> usize {
        self.layer_headers().next().map_or(0, |layer| usize::from(layer.kind.is_beside()))
    }

    /// What a recognition pass uses of the layer at `index`. Fails when that is neither a machine of the stack nor units with a way up
    /// (sigmoid, rectifier, directed), or stores other numbers.
    pub fn hidden_layer<N: Numbers>(&self, index: usize) -> Result<N::Affine<'a>, ModelError> {
        self.layer_as::<N, _>(index, N::HIDDEN, |layer| N::hidden(layer).copied())
    }

    /// The softmax head at `index`. Fails when that layer is none, or stores other numbers.
    pub fn head<N: Numbers>(&self, index: usize) -> Result<N::Affine<'a>, ModelError> {
        self.layer_as::<N, _>(index, N::HEAD, |layer| N::head(layer).copied())
    }

    /// The values of raw inputs, as the file's [`Input`] says, in f32 binarised where training did that by a threshold: what a sensor gives becomes
    /// what the model takes.
    ///
    /// `raw` and `out` hold one an input. Raw inputs of an f32 model are numbers in f32, of which NaN, where a sensor failed, stays NaN; those of an
    /// integer model are whole numbers. Fails when the model stores other numbers.
    pub fn values<N: Numbers>(&self, raw: &[impl Copy + Into<N::Raw>], out: &mut [N::Value]) -> Result<(), ModelError> {
        ShapeError::check("raw inputs", self.inputs(), raw.len())?;
        self.values_of::<N>(raw.iter().map(|&raw| raw.into()), out)
    }

    /// [`Model::values`] of raw inputs from anywhere. What there are too few of stays as it is.
    pub(crate) fn values_of<N: Numbers>(
        &self,
        raw: impl Iterator<Item = N::Raw>,
        out: &mut [N::Value],
    ) -> Result<(), ModelError> {
        ShapeError::check("inputs", self.inputs(), out.len())?;
        let input = self.header.input();
        match input {
            Input::Scaled { .. } => {
                let scaling = self.scaling::<N>().ok().and_then(|(scaling, _)| scaling);
                if !scaling.is_some_and(|scaling| N::scale(&scaling, raw, out)) {
                    return Err(ModelError::Layer { layer: 0, expected: N::HIDDEN });
                }
            }
            Input::Unit => put(raw.map(N::from_raw), out),
            Input::Levels { max } => put(raw.map(|raw| N::from_raw_level(raw, max)), out),
            Input::Binary { threshold } => put(raw.map(|raw| N::above(raw, threshold)), out),
        }
        // Levels that are compared with a threshold are `Binary` already.
        if !matches!(input, Input::Levels { .. } | Input::Binary { .. }) {
            N::binarise(|| self.header.presentation().training.threshold(), out);
        }
        Ok(())
    }

    /// Scores of the classes (log-probabilities up to a common constant): the recognition pass through the stack, then the head, or the
    /// ClassRBM on top, whose scores are `−F(x, y)` ([`Machine::class_scores`]).
    ///
    /// `input` holds one value an input, `work` at least [`Model::work_len`] values, `scores` one a class.
    pub fn scores<N: Numbers>(
        &self,
        input: &[N::Value],
        work: &mut [N::Value],
        scores: &mut [N::Score],
    ) -> Result<(), ModelError> {
        ShapeError::check("inputs", self.inputs(), input.len())?;
        let mut ends = Ends::new(work, self.work_len())?;
        let first = self.first_hidden();
        let mut layers = self.header.layers_in(self.layers);
        loop {
            let (index, is_last) = (layers.index(), layers.left() <= 1);
            let expected = if is_last { N::HEAD } else { N::HIDDEN };
            let Ok(layer) = layers.next::<N>() else { return Err(ModelError::Layer { layer: index, expected }) };
            if index < first {
                continue;
            }
            if is_last {
                let source = if index == first { input } else { ends.next(0).0 };
                if let Some(head) = N::head(&layer) {
                    return Ok(N::field(head, source, scores)?);
                }
                let machine = N::rbm(&layer).filter(|machine| machine.labels() > 0);
                let machine = machine.ok_or(ModelError::Layer { layer: index, expected })?;
                return Ok(machine.class_scores(source, scores)?);
            }
            let up = N::hidden(&layer).ok_or(ModelError::Layer { layer: index, expected })?;
            let (below, out) = ends.next(N::outputs(up));
            N::probabilities(up, if index == first { input } else { below }, out)?;
        }
    }

    /// The machine on top of the stack, under a head where there is one: a deep belief network's associative memory. A chain over it, then
    /// [`Model::sample_down`], samples the network. Fails when the top is none, or stores other numbers.
    pub fn top<N: Numbers>(&self) -> Result<N::Rbm<'a>, ModelError> {
        self.rbm::<N>(self.top_index())
    }

    /// Index of the highest layer that is no head.
    fn top_index(&self) -> usize {
        let headed = self.layer_headers().last().is_some_and(|layer| layer.kind == LayerKind::Head);
        self.layers().saturating_sub(1 + usize::from(headed))
    }

    /// The down-pass of a deep belief network: from `top`, a visible state of [`Model::top`] of which labels are not used, through every lower
    /// layer's generative weights to the model's inputs, each layer the means given the one above.
    ///
    /// `work` holds at least [`Model::work_len`] values, `out` one an input.
    pub fn means_down<N: Numbers>(
        &self,
        top: &[N::Value],
        work: &mut [N::Value],
        out: &mut [N::Value],
    ) -> Result<(), ModelError> {
        self.down::<N>(top, work, out, &mut |layer, hidden, visible| layer.visible_probs(hidden, visible))
    }

    /// [`Model::means_down`] with every layer drawn given the one above: an exact sample of the network when `top` is one of its top machine.
    /// One 32-bit draw a unit, from the upper layers to the lower.
    pub fn sample_down<N: Numbers, R: Rng + ?Sized>(
        &self,
        top: &[N::Value],
        rng: &mut R,
        work: &mut [N::Value],
        out: &mut [N::Value],
    ) -> Result<(), ModelError> {
        self.down::<N>(top, work, out, &mut |layer, hidden, visible| layer.sample_visible(hidden, rng, visible))
    }

    fn down<N: Numbers>(
        &self,
        top: &[N::Value],
        work: &mut [N::Value],
        out: &mut [N::Value],
        step: &mut DownStep<'_, 'a, N>,
    ) -> Result<(), ModelError> {
        ShapeError::check("inputs", self.inputs(), out.len())?;
        let (lowest, last) = (self.first_hidden(), self.top_index());
        let top_machine = self.top::<N>()?;
        top_machine.check_visible(top)?;
        let top = top.get(..top_machine.inputs()).unwrap_or_default();
        let mut ends = Ends::new(work, self.work_len())?;
        if lowest >= last {
            put(top.iter().copied(), out);
        }
        for index in (lowest..last).rev() {
            let layer = self.layer_as::<N, _>(index, N::GENERATIVE, N::generative)?;
            let (above, below) = ends.next(if index == lowest { 0 } else { layer.visible() });
            let hidden = if index + 1 == last { top } else { above };
            step(&layer, hidden, if index == lowest { &mut *out } else { below })?;
        }
        Ok(())
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

    /// Free energy of the input under [`Model::machine`]; of a ClassRBM, whatever the class ([`Machine::free_energy_of_inputs`]).
    pub fn free_energy<N: Numbers>(&self, input: &[N::Value]) -> Result<N::Score, ModelError> {
        Ok(self.machine::<N>()?.free_energy_of_inputs(input)?)
    }

    /// Does this free energy mean that the input is novel? `None` when the file holds no threshold.
    pub fn is_novel<N: Numbers>(&self, free_energy: N::Score) -> Option<bool> {
        self.novelty_threshold().map(|novelty| N::exceeds(free_energy, novelty.threshold))
    }

    /// Is the input novel, and by how much? `None` when the file holds no threshold.
    pub fn novelty<N: Numbers>(&self, input: &[N::Value]) -> Result<Option<Verdict<N::Score>>, ModelError> {
        let Some(Novelty { threshold, .. }) = self.novelty_threshold() else { return Ok(None) };
        let free_energy = self.free_energy::<N>(input)?;
        let margin = N::margin(free_energy, threshold);
        Ok(Some(Verdict { free_energy, margin, is_novel: N::exceeds(free_energy, threshold) }))
    }
}

/// Writes `values` to `out`.
fn put<T>(values: impl Iterator<Item = T>, out: &mut [T]) {
    for (out, value) in out.iter_mut().zip(values) {
        *out = value;
    }
}

/// Values to work in. The layers' own lie at its two ends in turn, so that what two neighbours have together is room enough.
struct Ends<'w, T> {
    work: &'w mut [T],
    /// How many values the last layer has.
    width: usize,
    /// Do they lie at the start?
    at_start: bool,
}

impl<'w, T> Ends<'w, T> {
    /// Fails where there are fewer values than `expected`.
    fn new(work: &'w mut [T], expected: usize) -> Result<Self, ShapeError> {
        let too_short = ShapeError { what: "values to work in", expected, found: work.len() };
        Ok(Self { work: work.get_mut(..expected).ok_or(too_short)?, width: 0, at_start: true })
    }

    /// The last layer's values, and those of the next, which has `width`. Where the two do not fit there are none, so that who takes them says what
    /// is missing.
    fn next(&mut self, width: usize) -> (&[T], &mut [T]) {
        let (below, at_start) = (self.width, self.at_start);
        (self.width, self.at_start) = (width, !at_start);
        let middle = if at_start { Some(below) } else { self.work.len().checked_sub(below) };
        let ends = middle.and_then(|middle| self.work.split_at_mut_checked(middle));
        let (start, end) = ends.unwrap_or_default();
        if at_start {
            let skipped = end.len().checked_sub(width);
            (start, skipped.and_then(|skipped| end.get_mut(skipped..)).unwrap_or_default())
        } else {
            (end, start.get_mut(..width).unwrap_or_default())
        }
    }
}

/// How new an input is to a model.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Verdict<E> {
    /// `F(v)`.
    pub free_energy: E,
    /// `F(v)` less the file's threshold, in the same unit ([`Numbers::nats`]): positive when the input is novel.
    pub margin: E,
    /// Does it lie above the threshold? A free energy that is NaN, of a failed sensor say, does.
    pub is_novel: bool,
}

/// One layer of a down-pass: from the hidden values to the visible ones.
type DownStep<'s, 'a, N> = dyn FnMut(&<N as Numbers>::Rbm<'a>, &[<N as Numbers>::Value], &mut [<N as Numbers>::Value]) -> Result<(), ShapeError>
    + 's;
