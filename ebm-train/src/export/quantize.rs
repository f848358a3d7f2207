//! f32 parameters to the integers of [`ebm_core::kernel::integer`], whose module documentation defines every quantity here.

use crate::Error;
use crate::parameters::{
    AffineParameters, ClassifierParameters, DbnParameters, Parameters, RbmParameters, Stage, UnitKinds,
};
use ebm_core::format::Layer;
use ebm_core::kernel::integer::{
    MAX_DOWN_STEPS, MAX_INPUTS, MAX_VISIBLE_BIAS, NATS, ONE, Rescale, Storage, Up, Weights,
};
use ebm_core::{HiddenKind, IntegerAffine, IntegerRbm, ShapeError};

/// Largest integer bias that a scale is chosen for: well inside the format's bound, fine enough to round to nothing.
const BIAS_RANGE: f64 = (1 << 24) as f64;
/// Smallest scale: a unit without weights still needs one for its bias.
const MIN_SCALE: f64 = 1.0e-6;
/// Scales that are tried for weights of four bits, as parts of the largest weight.
const TRIED_SCALES: u32 = 64;

/// Which storage each part of a net takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storages {
    /// The machine over the visible units.
    pub machine: Storage,
    /// The sigmoid layers of the recognition pass.
    pub layers: Storage,
    /// The softmax head, which has few weights, and the classes hang on them.
    pub head: Storage,
}

impl Storages {
    /// The same storage for all.
    pub const fn all(storage: Storage) -> Self {
        Self { machine: storage, layers: storage, head: storage }
    }

    /// This storage for all but the head, which stays in [`Storage::Int8`].
    pub const fn below_the_head(storage: Storage) -> Self {
        Self { head: Storage::Int8, ..Self::all(storage) }
    }
}

/// The upward half of a quantised layer.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegerAffineParameters {
    /// Number of inputs.
    pub inputs: usize,
    /// `w_ij`, inputs × outputs, column-major.
    pub weights: Vec<i8>,
    /// `bias_j`.
    pub bias: Vec<i32>,
    /// From sums to nats.
    pub rescale: Vec<Rescale>,
    storage: Storage,
    packed: Vec<u32>,
}

/// A quantised machine.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegerRbmParameters {
    /// Weights, hidden biases and their rescales.
    pub up: IntegerAffineParameters,
    /// `a_i` in `2^-12` nats.
    pub visible_bias: Vec<i32>,
    /// `step_j`.
    pub steps: Vec<u16>,
    /// Shift of the steps.
    pub shift: u8,
}

/// A quantised net.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegerParameters {
    /// The machine over the visible units.
    pub machine: Option<IntegerRbmParameters>,
    /// The sigmoid layers of the recognition pass.
    pub layers: Vec<IntegerAffineParameters>,
    /// The softmax head.
    pub head: IntegerAffineParameters,
}

impl IntegerAffineParameters {
    fn up(&self) -> Up<'_> {
        let weights = Weights::packed(self.storage, &self.packed, self.inputs, self.bias.len());
        Up { weights, bias: &self.bias, rescale: &self.rescale }
    }

    /// The same as ebm-core's view. Fails when lengths do not fit each other.
    pub fn view(&self) -> Result<IntegerAffine<'_>, ShapeError> {
        IntegerAffine::new(self.inputs, self.up())
    }
}

impl IntegerRbmParameters {
    /// The same as ebm-core's view. Fails when lengths do not fit each other.
    pub fn view(&self) -> Result<IntegerRbm<'_>, ShapeError> {
        IntegerRbm::new(self.up.up(), &self.visible_bias, &self.steps, self.shift)
    }
}

impl IntegerParameters {
    /// The layers as ebm-core takes them, from the input up. Fails when lengths do not fit each other.
    pub fn layers(&self) -> Result<Vec<Layer<'_>>, Error> {
        let machine = self.machine.iter().map(|rbm| Ok(Layer::IntegerGenerative(rbm.view()?)));
        let layers = self.layers.iter().map(|layer| Ok(Layer::IntegerSigmoid(layer.view()?)));
        machine.chain(layers).chain([self.head.view().map(Layer::IntegerHead).map_err(Error::from)]).collect()
    }
}

/// Whatever a file can hold in integers.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantized {
    /// A machine or a stack of machines, from the input up.
    Stack(Vec<IntegerRbmParameters>),
    /// A net that names a class.
    Classifier(Box<IntegerParameters>),
}

impl Quantized {
    /// Quantises parameters. Fails when they have no integer form, naming the place.
    pub fn of(parameters: &Parameters, storages: Storages) -> Result<Self, Error> {
        match parameters {
            Parameters::Dbn(stack) => quantize_stack(stack, storages.machine).map(Self::Stack),
            Parameters::Classifier(net) => quantize(net, storages).map(|net| Self::Classifier(Box::new(net))),
        }
    }

    /// The layers as ebm-core takes them, from the input up. Fails when lengths do not fit each other.
    pub fn layers(&self) -> Result<Vec<Layer<'_>>, Error> {
        match self {
            Self::Stack(machines) => machines.iter().map(|rbm| Ok(Layer::IntegerRbm(rbm.view()?))).collect(),
            Self::Classifier(net) => net.layers(),
        }
    }
}

/// An error that names the place.
fn at(what: String) -> impl Fn(&str) -> Error {
    move |problem| Error::Quantize(format!("{what}: {problem}"))
}

/// Quantises a machine, or a stack of machines as pretraining left them. Fails when a unit is not Bernoulli, when a layer's ways up and down
/// differ, or when a number is too large for the fixed point, naming the place.
pub fn quantize_stack(stack: &DbnParameters, storage: Storage) -> Result<Vec<IntegerRbmParameters>, Error> {
    let below = stack.below.iter().enumerate().map(|(index, stage)| match stage {
        Stage::Tied(rbm) => Ok((index, rbm)),
        Stage::Directed { .. } => Err(at(format!("layer {index}"))(
            "its weights up and down differ, which integers have no form for; fine-tune it to a classifier",
        )),
    });
    let machines = below.chain([Ok((stack.below.len(), &stack.top))]);
    let quantised = |machine: Result<(usize, &RbmParameters), Error>| {
        let (index, rbm) = machine?;
        quantize_rbm(rbm, storage).map_err(at(format!("machine {index}")))
    };
    machines.map(quantised).collect()
}

/// Quantises a net. Of a unit's weights, those of 8 bits move by at most half its scale, `s_j = max_i |W_ij| / 127`; those of 4 bits
/// and signs take the scale with the smallest squared error `Σ_i (W_ij − s_j·w_ij)²` (of signs: `s_j = mean_i |W_ij|`). A scale is
/// larger only where the bias is over 1,000 times the largest weight.
/// Fails when a number is too large for the fixed point, naming its place.
pub fn quantize(parameters: &ClassifierParameters, storages: Storages) -> Result<IntegerParameters, Error> {
    if parameters.hidden != HiddenKind::Bernoulli {
        return Err(Error::Quantize("only sigmoid layers have an integer form, these are rectifiers".into()));
    }
    let machine = parameters.machine.as_ref();
    let machine = machine.map(|rbm| quantize_rbm(rbm, storages.machine).map_err(at("the machine".into())));
    let affine = |what, AffineParameters { weights, bias }: &AffineParameters, storage| {
        quantize_up(weights, bias, storage).map(|(layer, _)| layer).map_err(at(what))
    };
    let layers = parameters.layers.iter().enumerate();
    Ok(IntegerParameters {
        machine: machine.transpose()?,
        layers: layers
            .map(|(index, layer)| affine(format!("hidden layer {index}"), layer, storages.layers))
            .collect::<Result<_, _>>()?,
        head: affine("the head".into(), &parameters.head, storages.head)?,
    })
}

/// The integer nearest to `weight / scale` that `storage` has.
fn code(weight: f32, scale: f64, storage: Storage) -> i8 {
    let largest = f64::from(storage.max_weight());
    match storage {
        Storage::Sign => {
            if weight < 0.0 {
                -1
            } else {
                1
            }
        }
        _ => (f64::from(weight) / scale).round().clamp(-largest, largest) as i8,
    }
}

/// The scale for a unit's weights; 0 where they are all zero.
fn scale_of(column: &[f32], storage: Storage) -> f64 {
    let largest = column.iter().fold(0.0f64, |largest, &w| largest.max(f64::from(w).abs()));
    let coarsest = largest / f64::from(storage.max_weight());
    match storage {
        // Rounding to 255 steps loses less than cutting off the largest weights would.
        Storage::Int8 | Storage::Int8Rows => coarsest,
        Storage::Sign => column.iter().map(|&w| f64::from(w).abs()).sum::<f64>() / column.len().max(1) as f64,
        Storage::Int4 => {
            // The best scale for given codes is the regression of the weights on them; codes come from a grid of scales.
            let tried = (TRIED_SCALES / 4..=TRIED_SCALES).map(|part| {
                let rough = coarsest * f64::from(part) / f64::from(TRIED_SCALES);
                let (mut products, mut squares, mut weights) = (0.0, 0.0, 0.0);
                for &weight in column {
                    let (w, code) = (f64::from(weight), f64::from(code(weight, rough, storage)));
                    products += w * code;
                    squares += code * code;
                    weights += w * w;
                }
                let scale = if squares > 0.0 { products / squares } else { rough };
                (weights - scale * products, scale)
            });
            tried.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(coarsest, |(_, scale)| scale)
        }
    }
}

/// The upward half, and every unit's scale `s_j`.
fn quantize_up(
    weights: &[f32],
    bias: &[f32],
    storage: Storage,
) -> Result<(IntegerAffineParameters, Vec<f64>), &'static str> {
    let (inputs, outputs) = (weights.len() / bias.len().max(1), bias.len());
    if inputs > MAX_INPUTS {
        return Err("more inputs than an integer layer can sum");
    }
    let one = f64::from(ONE);
    let (mut integers, mut integer_bias, mut rescales, mut scales) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (column, &bias) in weights.chunks_exact(inputs.max(1)).zip(bias) {
        let bias = f64::from(bias);
        let scale = scale_of(column, storage).max(bias.abs() * one / BIAS_RANGE).max(MIN_SCALE);
        let bias = (bias * one / scale).round() as i32;
        let first = integers.len();
        integers.extend(column.iter().map(|&w| code(w, scale, storage)));
        let magnitudes: u64 = integers[first..].iter().map(|w| u64::from(w.unsigned_abs())).sum();
        let largest_sum = magnitudes * u64::from(ONE) + u64::from(bias.unsigned_abs());
        rescales.push(rescale(scale / one * f64::from(NATS), largest_sum)?);
        integer_bias.push(bias);
        scales.push(scale);
    }
    let mut packed = vec![0; storage.words(inputs, outputs)];
    storage.pack(&integers, inputs, outputs, &mut packed);
    let up =
        IntegerAffineParameters { inputs, weights: integers, bias: integer_bias, rescale: rescales, storage, packed };
    Ok((up, scales))
}

/// The rescale that multiplies by `factor`, exact to 15 bits, for sums up to `largest_sum`.
fn rescale(factor: f64, largest_sum: u64) -> Result<Rescale, &'static str> {
    const MANTISSA_BITS: i32 = 15;
    let bits = (u64::BITS - largest_sum.leading_zeros()) as i32;
    // One bit less than fits, so that rounding up cannot reach the clamp.
    let pre = (bits + 1 - MANTISSA_BITS).max(0);
    let scaled = factor * f64::from(pre).exp2();
    let post = (MANTISSA_BITS - 1 - scaled.log2().floor() as i32).min(Rescale::MAX_SHIFT.into());
    let multiplier = (scaled * f64::from(post).exp2()).round();
    if post < 0 || multiplier >= f64::from(MANTISSA_BITS).exp2() && post == 0 {
        return Err("its weights are too large for the fixed point (over 100,000 nats)");
    }
    // Rounding may have carried into a sixteenth bit.
    let (multiplier, post) =
        if multiplier >= f64::from(MANTISSA_BITS).exp2() { (multiplier / 2.0, post - 1) } else { (multiplier, post) };
    Ok(Rescale { multiplier: multiplier as u16, pre: pre as u8, post: post as u8 })
}

fn quantize_rbm(rbm: &RbmParameters, storage: Storage) -> Result<IntegerRbmParameters, &'static str> {
    if rbm.kinds != UnitKinds::default() {
        return Err("only Bernoulli units have an integer form; others, a ClassRBM's labels among them, stay in f32");
    }
    let (up, scales) = quantize_up(&rbm.weights, &rbm.hidden_bias, storage)?;
    let nats = f64::from(NATS);
    let visible_bias: Vec<f64> = rbm.visible_bias.iter().map(|&a| (f64::from(a) * nats).round()).collect();
    if visible_bias.iter().any(|a| a.abs() > f64::from(MAX_VISIBLE_BIAS)) {
        return Err("a visible bias is over 2,048 nats");
    }
    let steps_at = |shift: u8| -> Option<Vec<u16>> {
        let steps: Vec<f64> = scales.iter().map(|s| (s * nats * f64::from(shift).exp2()).round()).collect();
        let fits =
            steps.iter().all(|&step| step <= f64::from(u16::MAX)) && steps.iter().sum::<f64>() <= MAX_DOWN_STEPS as f64;
        fits.then(|| steps.into_iter().map(|step| step as u16).collect())
    };
    let (shift, steps) = (0..=Rescale::MAX_SHIFT)
        .rev()
        .find_map(|shift| steps_at(shift).map(|steps| (shift, steps)))
        .ok_or("its weights are too large for the fixed point of the downward pass")?;
    Ok(IntegerRbmParameters { up, visible_bias: visible_bias.into_iter().map(|a| a as i32).collect(), steps, shift })
}
