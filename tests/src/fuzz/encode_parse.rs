//! Bytes as choices of what a model is made of, which is written and read again.

use crate::file::Aligned;
use arbitrary::{Arbitrary, Result, Unstructured};
use ebm_core::format::{
    Binarisation, EncodeError, FormatError, Header, ImageShape, Input, Layer, MAX_LAYERS, Novelty, Presentation,
    Provenance, Scaling, encode, encoded_len,
};
use ebm_core::kernel::integer::{
    MAX_DOWN_STEPS, MAX_HIDDEN_BIAS, MAX_OFFSET, MAX_VISIBLE_BIAS, Rescale, Storage, Up, Weights,
};
use ebm_core::{
    Activation, Affine, Block, Directed, HiddenKind, IntegerAffine, IntegerRbm, Model, RbmView, Units, VisibleKind,
};

/// Makes a model of the bytes, writes it, and reads it again: it is the same, or it was refused, and rightly.
///
/// # Panics
/// When it is another, or was wrongly refused.
pub fn encode_parse(bytes: &[u8]) {
    let mut choices = Unstructured::new(bytes);
    if let Ok(recipe) = Recipe::new(&mut choices) {
        recipe.check();
    }
}

/// Most units of a layer.
const MAX_UNITS: usize = 20;

/// What a model is made of.
struct Recipe {
    /// Within every limit: it must not be refused.
    is_sane: bool,
    layers: Vec<Parameters>,
    labels: String,
    input: Input,
    novelty: Option<Novelty>,
    dataset: String,
    crc: u32,
    seed: u64,
    test_accuracy: Option<f32>,
    tool: String,
    presentation: Presentation,
    scaling: Option<Channels>,
}

/// Offsets and scales of a number of channels, in one kind of numbers.
struct Channels {
    float: bool,
    floats: [Vec<f32>; 2],
    offsets: Vec<i32>,
    scales: Vec<Rescale>,
}

impl Recipe {
    fn new(choices: &mut Unstructured<'_>) -> Result<Self> {
        let is_sane = choices.arbitrary()?;
        let float: bool = choices.arbitrary()?;
        let count = choices.int_in_range(0..=if is_sane { 3 } else { MAX_LAYERS + 1 })?;
        let has_head: bool = choices.arbitrary()?;
        let mut layers: Vec<Parameters> = Vec::new();
        let mut inputs = choices.int_in_range(1..=MAX_UNITS)?;
        // A machine beside the stack is below a layer, and passes its input on.
        if count > 0 && choices.arbitrary()? {
            let plan = Plan { is_sane, kind: Kind::Generative, float, inputs, is_top: false };
            layers.push(Parameters::new(choices, plan)?);
        }
        for index in 0..count {
            let is_top = index + 1 == count;
            let mut kind = if has_head && is_top { Kind::Head } else { Kind::within(choices, float)? };
            let mut is_float = float;
            if !is_sane {
                kind = if choices.ratio(1, 16)? { Kind::Head } else { kind };
                is_float ^= choices.ratio(1, 64)?;
                inputs = if choices.ratio(1, 16)? { choices.int_in_range(0..=MAX_UNITS)? } else { inputs };
            }
            let layer = Parameters::new(choices, Plan { is_sane, kind, float: is_float, inputs, is_top })?;
            inputs = layer.hidden;
            layers.push(layer);
        }
        if is_sane && layers.is_empty() {
            layers.push(Parameters::new(choices, Plan { is_sane, kind: Kind::Rbm, float, inputs, is_top: true })?);
        }
        let classes = layers.last().map_or(0, |top| if top.kind == Kind::Head { top.hidden } else { top.labels });
        let name: char = choices.arbitrary()?;
        let labels = match (is_sane, choices.arbitrary()?) {
            (_, false) => String::new(),
            (true, true) if name == '\n' || classes == 0 => String::new(),
            (true, true) => vec![name.to_string(); classes].join("\n"),
            (false, true) => choices.arbitrary()?,
        };
        let finite = |number| finite(is_sane, number);
        let level: u16 = choices.arbitrary()?;
        let levels = Input::Levels { max: if is_sane { level.max(1) } else { level } };
        let input = *choices.choose(&[Input::Unit, levels, Input::Binary { threshold: level }])?;
        let novelty: Option<(i32, f32)> = choices.arbitrary()?;
        let mut recipe = Self {
            is_sane,
            layers,
            labels,
            input,
            novelty: novelty.map(|(threshold, quantile)| Novelty { threshold, quantile: finite(quantile) }),
            dataset: choices.arbitrary()?,
            crc: choices.arbitrary()?,
            seed: choices.arbitrary()?,
            test_accuracy: Option::<f32>::arbitrary(choices)?.map(finite),
            tool: choices.arbitrary()?,
            presentation: Presentation::default(),
            scaling: None,
        };
        recipe.choose_of_version_3(choices)?;
        Ok(recipe)
    }

    /// Last of all choices, so that seeds of earlier versions go on meaning what they did.
    fn choose_of_version_3(&mut self, choices: &mut Unstructured<'_>) -> Result<()> {
        let is_sane = self.is_sane;
        let inputs = self.layers.first().map_or(0, |first| first.visible - first.labels);
        let mut binarisation = || -> Result<Binarisation> {
            Ok(match choices.int_in_range(0..=3)? {
                0 => Binarisation::None,
                1 => Binarisation::Threshold { above: finite(is_sane, choices.arbitrary()?) },
                2 => Binarisation::SampledOnce { seed: choices.arbitrary()? },
                _ => Binarisation::SampledEachTime,
            })
        };
        let (training, test) = (binarisation()?, binarisation()?);
        let image = choices.arbitrary::<Option<(u32, u32)>>()?.map(|(width, height)| ImageShape {
            width: if is_sane { inputs as u32 } else { width },
            height: if is_sane { 1 } else { height },
        });
        self.presentation = Presentation { image, training, test };
        if !choices.arbitrary::<bool>()? {
            return Ok(());
        }
        let channels = choices.int_in_range(0..=MAX_UNITS)?;
        // Every number of inputs is a multiple of 1.
        let channels = if is_sane && !inputs.is_multiple_of(channels) { 1 } else { channels };
        let float = self.layers.first().is_none_or(|first| first.float) ^ (!is_sane && choices.ratio(1, 16)?);
        self.input = Input::Scaled { channels: channels as u32 };
        let positive = |number: f32| if is_sane && !(number > 0.0 && number.is_finite()) { 1.0 } else { number };
        self.scaling = Some(Channels {
            float,
            floats: [many(choices, channels, |offset| finite(is_sane, offset))?, many(choices, channels, positive)?],
            offsets: many(
                choices,
                channels,
                |offset: i32| if is_sane { offset.clamp(-MAX_OFFSET, MAX_OFFSET) } else { offset },
            )?,
            scales: many(choices, channels, |fields| rescale(is_sane, fields))?
                .into_iter()
                .map(|scale: Rescale| Rescale { multiplier: scale.multiplier.max(is_sane.into()), ..scale })
                .collect(),
        });
        Ok(())
    }

    fn check(&self) {
        let header = Header {
            input: self.input,
            layers: Default::default(),
            labels: &self.labels,
            novelty: self.novelty,
            provenance: Provenance {
                dataset: &self.dataset,
                dataset_crc32: self.crc,
                seed: self.seed,
                test_accuracy: self.test_accuracy,
                tool: &self.tool,
            },
            presentation: self.presentation,
            scaling: self.scaling.as_ref().map(Channels::scaling),
        };
        let layers: Vec<Layer<'_>> = self.layers.iter().map(Parameters::layer).collect();
        let len = match encoded_len(&header, &layers) {
            Ok(len) => len,
            Err(error) => {
                assert!(!self.is_sane || error == EncodeError::HeaderLength, "{error} {header:?} {layers:?}");
                assert_eq!(encode(&header, &layers, &mut []), Err(error));
                return;
            }
        };
        let mut bytes = vec![0xAA; len];
        assert_eq!(encode(&header, &layers, &mut bytes), Ok(len));
        let too_short = Err(EncodeError::Buffer { needed: len, found: len - 1 });
        assert_eq!(encode(&header, &layers, &mut bytes.clone()[..len - 1]), too_short);

        let aligned = Aligned::new(&bytes);
        let model = Model::parse(aligned.as_slice()).expect("what was written is a model");
        let complete = Header { layers: layers.iter().map(Layer::header).collect(), ..header };
        assert_eq!(model.header(), complete);
        let found: Vec<Layer<'_>> = (0..model.layers()).map_while(|index| model.layer(index)).collect();
        assert_eq!(format!("{found:?}"), format!("{layers:?}"));
        let mut again = vec![0x55; len];
        assert_eq!(encode(&model.header(), &found, &mut again), Ok(len));
        assert!(again == bytes, "written again it is another file");
        let cut = Model::parse(&aligned.as_slice()[..len - 1]).err();
        assert!(matches!(cut, Some(FormatError::Truncated { .. })));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rbm,
    Generative,
    Sigmoid,
    Rectifier,
    Directed,
    Head,
}

impl Kind {
    /// Kinds of a layer within the stack, of either kind of numbers.
    fn within(choices: &mut Unstructured<'_>, float: bool) -> Result<Self> {
        let kinds = [Self::Rbm, Self::Sigmoid, Self::Rectifier, Self::Directed];
        choices.choose(if float { &kinds } else { &kinds[..2] }).copied()
    }
}

/// What is chosen of a layer before its numbers.
#[derive(Clone, Copy)]
struct Plan {
    is_sane: bool,
    kind: Kind,
    float: bool,
    inputs: usize,
    /// Nothing is above it.
    is_top: bool,
}

/// A layer's parameters, in both kinds of numbers; only one is filled in.
struct Parameters {
    kind: Kind,
    float: bool,
    visible: usize,
    hidden: usize,
    /// Units of the last block, where that is one of labels.
    labels: usize,
    /// Weights, visible biases, hidden biases, generative weights.
    floats: [Vec<f32>; 4],
    blocks: Vec<Block>,
    sigma: Vec<f32>,
    hidden_kind: HiddenKind,
    storage: Storage,
    words: Vec<u32>,
    biases: [Vec<i32>; 2],
    rescale: Vec<Rescale>,
    steps: Vec<u16>,
    shift: u8,
}

impl Parameters {
    fn new(choices: &mut Unstructured<'_>, plan: Plan) -> Result<Self> {
        let Plan { is_sane, kind, float, inputs, is_top } = plan;
        let hidden = choices.int_in_range(usize::from(is_sane)..=MAX_UNITS)?;
        let mut layer = Self {
            kind,
            float,
            visible: inputs,
            hidden,
            labels: 0,
            floats: Default::default(),
            blocks: Vec::new(),
            sigma: Vec::new(),
            hidden_kind: HiddenKind::Bernoulli,
            storage: *choices.choose(&Storage::ALL)?,
            words: Vec::new(),
            biases: Default::default(),
            rescale: Vec::new(),
            steps: Vec::new(),
            shift: 0,
        };
        if float {
            if matches!(kind, Kind::Rbm | Kind::Generative | Kind::Directed) {
                layer.choose_units(choices, is_sane, is_top && kind == Kind::Rbm)?;
            }
            layer.choose_floats(choices, is_sane)?;
        } else {
            layer.choose_integers(choices, is_sane)?;
        }
        Ok(layer)
    }

    fn choose_units(&mut self, choices: &mut Unstructured<'_>, is_sane: bool, may_label: bool) -> Result<()> {
        self.hidden_kind = *choices.choose(&[HiddenKind::Bernoulli, HiddenKind::Relu])?;
        let mut rest = if choices.arbitrary()? { self.visible } else { 0 };
        while rest > 0 {
            let units = choices.int_in_range(1..=rest)?;
            let kinds = [VisibleKind::Bernoulli, VisibleKind::Gaussian, VisibleKind::Softmax];
            self.blocks.push(Block::new(*choices.choose(&kinds)?, units as u32));
            rest -= units;
        }
        if (may_label || !is_sane) && !self.blocks.is_empty() && choices.arbitrary()? {
            self.labels = choices.int_in_range(1..=5)?;
            self.visible += self.labels;
            self.blocks.push(Block::new(VisibleKind::Label, self.labels as u32));
        }
        let gaussian = self.blocks.iter().filter(|block| block.kind() == Some(VisibleKind::Gaussian));
        let gaussian = gaussian.map(|block| block.units()).sum();
        // Only what `Units` takes can be written.
        self.sigma = many(choices, gaussian, |sigma: f32| if (1e-18..=1e18).contains(&sigma) { sigma } else { 1.0 })?;
        Ok(())
    }

    fn choose_floats(&mut self, choices: &mut Unstructured<'_>, is_sane: bool) -> Result<()> {
        let weights = self.visible * self.hidden;
        let generative = if self.kind == Kind::Directed { weights } else { 0 };
        for (floats, len) in self.floats.iter_mut().zip([weights, self.visible, self.hidden, generative]) {
            let sane = |float: f32| if is_sane && !float.is_finite() { -1.0 } else { float };
            *floats = many(choices, len, sane)?;
        }
        Ok(())
    }

    fn choose_integers(&mut self, choices: &mut Unstructured<'_>, is_sane: bool) -> Result<()> {
        let (visible, hidden) = (self.visible, self.hidden);
        let weights: Vec<i8> = many(choices, visible * hidden, |weight| weight)?;
        self.words = vec![0; self.storage.words(visible, hidden)];
        self.storage.pack(&weights, visible, hidden, &mut self.words);
        let held = |bias: i32, most: i32| if is_sane { bias.clamp(-most, most) } else { bias };
        self.biases = [
            many(choices, visible, |bias| held(bias, MAX_VISIBLE_BIAS))?,
            many(choices, hidden, |bias| held(bias, MAX_HIDDEN_BIAS))?,
        ];
        let shift = |shift: u8| if is_sane { shift % (Rescale::MAX_SHIFT + 1) } else { shift };
        self.rescale = many(choices, hidden, |fields| rescale(is_sane, fields))?;
        // Twenty units stay far below the limit on their sum.
        const { assert!((MAX_UNITS * u16::MAX as usize) as u64 <= MAX_DOWN_STEPS) };
        self.steps = many(choices, hidden, |step| step)?;
        self.shift = shift(choices.arbitrary()?);
        Ok(())
    }

    fn layer(&self) -> Layer<'_> {
        if self.float { self.float_layer() } else { self.integer_layer() }
    }

    fn float_layer(&self) -> Layer<'_> {
        let [weights, visible_bias, hidden_bias, generative] = &self.floats;
        let rbm = |weights| {
            let units = Units::new(&self.blocks, &self.sigma, self.hidden_kind).unwrap_or(Units::BERNOULLI);
            let rbm = RbmView::new(weights, visible_bias, hidden_bias).and_then(|rbm| rbm.with_units(units));
            rbm.expect("weights are V × H, units V")
        };
        let up = || Affine::new(self.visible, weights, hidden_bias).expect("weights are V × H");
        match self.kind {
            Kind::Rbm => Layer::Rbm(rbm(weights)),
            Kind::Generative => Layer::Generative(rbm(weights)),
            Kind::Sigmoid => Layer::Sigmoid(up()),
            Kind::Rectifier => Layer::Rectifier(up().with_activation(Activation::Rectifier)),
            Kind::Directed => Layer::Directed(Directed::new(up(), rbm(generative)).expect("both are V × H")),
            Kind::Head => Layer::Head(up()),
        }
    }

    fn integer_layer(&self) -> Layer<'_> {
        let [visible_bias, bias] = &self.biases;
        let weights = Weights::packed(self.storage, &self.words, self.visible, self.hidden);
        let up = Up { weights, bias, rescale: &self.rescale };
        let rbm = || IntegerRbm::new(up, visible_bias, &self.steps, self.shift).expect("weights are V × H");
        let affine = || IntegerAffine::new(self.visible, up).expect("weights are V × H");
        match self.kind {
            Kind::Rbm => Layer::IntegerRbm(rbm()),
            Kind::Generative => Layer::IntegerGenerative(rbm()),
            Kind::Head => Layer::IntegerHead(affine()),
            Kind::Sigmoid | Kind::Rectifier | Kind::Directed => Layer::IntegerSigmoid(affine()),
        }
    }
}

impl Channels {
    fn scaling(&self) -> Scaling<'_> {
        let [offsets, counts] = &self.floats;
        if self.float {
            Scaling::Float { offsets, scales: counts }
        } else {
            Scaling::Integer { offsets: &self.offsets, scales: &self.scales, counts }
        }
    }
}

fn finite(is_sane: bool, number: f32) -> f32 {
    if is_sane && !number.is_finite() { 0.5 } else { number }
}

fn rescale(is_sane: bool, (multiplier, pre, post): (u16, u8, u8)) -> Rescale {
    let shift = |shift: u8| if is_sane { shift % (Rescale::MAX_SHIFT + 1) } else { shift };
    Rescale { multiplier: if is_sane { multiplier & 0x7FFF } else { multiplier }, pre: shift(pre), post: shift(post) }
}

fn many<'b, T: Arbitrary<'b>, U>(choices: &mut Unstructured<'b>, len: usize, make: impl Fn(T) -> U) -> Result<Vec<U>> {
    (0..len).map(|_| choices.arbitrary().map(&make)).collect()
}
