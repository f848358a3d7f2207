//! f32 parameters to the integers of [`ebm_core::kernel::integer`], whose module documentation defines every quantity here.

use crate::Error;
use crate::parameters::{AffineParameters, Parameters, RbmParameters};
use ebm_core::format::Layer;
use ebm_core::kernel::integer::{MAX_DOWN_STEPS, MAX_INPUTS, MAX_VISIBLE_BIAS, NATS, ONE, Rescale, Up};
use ebm_core::{IntegerAffine, IntegerRbm, ShapeError};

/// Largest weight magnitude: symmetric, −128 is not used.
const MAX_WEIGHT: f64 = 127.0;
/// Largest integer bias that a scale is chosen for: well inside the format's bound, fine enough to round to nothing.
const BIAS_RANGE: f64 = (1 << 24) as f64;
/// Smallest scale: a unit without weights still needs one for its bias.
const MIN_SCALE: f64 = 1.0e-6;

/// The upward half of a quantised layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8AffineParameters {
    /// Number of inputs.
    pub inputs: usize,
    /// `w_ij`, inputs × outputs, column-major.
    pub weights: Vec<i8>,
    /// `bias_j`.
    pub bias: Vec<i32>,
    /// From sums to nats.
    pub rescale: Vec<Rescale>,
}

/// A quantised machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8RbmParameters {
    /// Weights, hidden biases and their rescales.
    pub up: Int8AffineParameters,
    /// `a_i` in `2^-12` nats.
    pub visible_bias: Vec<i32>,
    /// `step_j`.
    pub steps: Vec<u16>,
    /// Shift of the steps.
    pub shift: u8,
}

/// A quantised net.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8Parameters {
    /// The machine over the visible units.
    pub machine: Option<Int8RbmParameters>,
    /// The sigmoid layers of the recognition pass.
    pub layers: Vec<Int8AffineParameters>,
    /// The softmax head.
    pub head: Int8AffineParameters,
}

impl Int8AffineParameters {
    fn up(&self) -> Up<'_> {
        Up { weights: &self.weights, bias: &self.bias, rescale: &self.rescale }
    }

    /// The same as ebm-core's view.
    pub fn view(&self) -> Result<IntegerAffine<'_>, ShapeError> {
        IntegerAffine::new(self.inputs, self.up())
    }
}

impl Int8RbmParameters {
    /// The same as ebm-core's view.
    pub fn view(&self) -> Result<IntegerRbm<'_>, ShapeError> {
        IntegerRbm::new(self.up.up(), &self.visible_bias, &self.steps, self.shift)
    }
}

impl Int8Parameters {
    /// The layers as ebm-core takes them.
    pub fn layers(&self) -> Result<Vec<Layer<'_>>, Error> {
        let machine = self.machine.iter().map(|rbm| Ok(Layer::IntegerGenerative(rbm.view()?)));
        let layers = self.layers.iter().map(|layer| Ok(Layer::IntegerSigmoid(layer.view()?)));
        machine.chain(layers).chain([self.head.view().map(Layer::IntegerHead).map_err(Error::from)]).collect()
    }
}

/// Quantises a net. Each weight moves by at most half its unit's scale, `s_j = max_i |W_ij| / 127` (more only where the bias is
/// over 1,000 times the largest weight). Fails when a number is too large for the fixed point, naming its place.
pub fn quantize(parameters: &Parameters) -> Result<Int8Parameters, Error> {
    let named = |what: String| move |problem: &str| Error::Quantize(format!("{what}: {problem}"));
    let machine = parameters.machine.as_ref().map(|rbm| quantize_rbm(rbm).map_err(named("the machine".into())));
    let affine = |what, AffineParameters { weights, bias }: &AffineParameters| {
        quantize_up(weights, bias).map(|(layer, _)| layer).map_err(named(what))
    };
    let layers = parameters.layers.iter().enumerate();
    Ok(Int8Parameters {
        machine: machine.transpose()?,
        layers: layers
            .map(|(index, layer)| affine(format!("hidden layer {index}"), layer))
            .collect::<Result<_, _>>()?,
        head: affine("the head".into(), &parameters.head)?,
    })
}

/// The upward half, and every unit's scale `s_j`.
fn quantize_up(weights: &[f32], bias: &[f32]) -> Result<(Int8AffineParameters, Vec<f64>), &'static str> {
    let inputs = weights.len() / bias.len().max(1);
    if inputs > MAX_INPUTS {
        return Err("more inputs than an integer layer can sum");
    }
    let one = f64::from(ONE);
    let mut up = Int8AffineParameters { inputs, weights: Vec::new(), bias: Vec::new(), rescale: Vec::new() };
    let mut scales = Vec::new();
    for (column, &bias) in weights.chunks_exact(inputs.max(1)).zip(bias) {
        let largest = column.iter().fold(0.0f64, |largest, &w| largest.max(f64::from(w).abs()));
        let bias = f64::from(bias);
        let scale = (largest / MAX_WEIGHT).max(bias.abs() * one / BIAS_RANGE).max(MIN_SCALE);
        let quantised = column.iter().map(|&w| (f64::from(w) / scale).round() as i8);
        let bias = (bias * one / scale).round() as i32;
        let first = up.weights.len();
        up.weights.extend(quantised);
        let magnitudes: u64 = up.weights[first..].iter().map(|w| u64::from(w.unsigned_abs())).sum();
        let largest_sum = magnitudes * u64::from(ONE) + u64::from(bias.unsigned_abs());
        up.rescale.push(rescale(scale / one * f64::from(NATS), largest_sum)?);
        up.bias.push(bias);
        scales.push(scale);
    }
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

fn quantize_rbm(rbm: &RbmParameters) -> Result<Int8RbmParameters, &'static str> {
    let (up, scales) = quantize_up(&rbm.weights, &rbm.hidden_bias)?;
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
    Ok(Int8RbmParameters { up, visible_bias: visible_bias.into_iter().map(|a| a as i32).collect(), steps, shift })
}
