//! A data set's [`Preprocessing`] in the numbers of a model file.

use crate::Error;
use crate::data::{Dataset, Preprocessing, Scaling};
use ebm_core::format::{self, Binarisation, ImageShape, NumberFormat, Presentation};
use ebm_core::kernel::integer::{MAX_OFFSET, ONE, Rescale};

/// Largest difference from an offset that [`Rescale`] multiplies.
const MAX_NARROW: f64 = 0x7FFF as f64;
/// A channel whose values from 0 to 1 span fewer counts is not one of counts: see [`default_counts`].
const FEWEST_COUNTS: f32 = 2.0 * ONE as f32;
/// Counts that such a channel is given for them, at least: 32 a step of a value.
const GIVEN_COUNTS: f32 = 32.0 * ONE as f32;

/// Scaling of a sensor's counts in integers, as a device without floating point does it: one number of each kind a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegerScaling {
    /// In counts.
    pub offsets: Vec<i32>,
    /// From counts to `1/128`.
    pub scales: Vec<Rescale>,
    /// Counts that make one of what the data are given in.
    pub counts: Vec<f32>,
}

/// What the sections ahead of a file's layers are made of.
pub(super) enum Owned<'a> {
    None,
    Float(&'a Scaling),
    Integer(IntegerScaling),
}

impl<'a> Owned<'a> {
    /// For a model in these numbers. Fails when a channel has no integer form, naming it.
    pub(super) fn new(preprocessing: &'a Preprocessing, numbers: NumberFormat) -> Result<Self, Error> {
        Ok(match &preprocessing.scaling {
            None => Self::None,
            Some(scaling) if numbers == NumberFormat::F32 => Self::Float(scaling),
            Some(scaling) => {
                let threshold = preprocessing.binarisation.threshold();
                Self::Integer(IntegerScaling::new(scaling, threshold, &default_counts(scaling))?)
            }
        })
    }

    /// The same as ebm-core's.
    pub(super) fn view(&self) -> Option<format::Scaling<'_>> {
        match self {
            Self::None => None,
            Self::Float(scaling) => Some(format::Scaling::Float { offsets: &scaling.offsets, scales: &scaling.scales }),
            Self::Integer(scaling) => Some(scaling.view()),
        }
    }
}

/// Counts a channel that nobody has named: 1 where the values from 0 to 1 span 256 numbers or more, as those of a converter do; else the
/// smallest power of two that makes them 4,096 or more, for data in another unit. A device multiplies its readings by them.
pub fn default_counts(scaling: &Scaling) -> Vec<f32> {
    let of_channel = |scale: &f32| {
        let span = 1.0 / scale.abs();
        if span >= FEWEST_COUNTS { 1.0 } else { (GIVEN_COUNTS / span).log2().ceil().exp2() }
    };
    scaling.scales.iter().map(of_channel).collect()
}

impl IntegerScaling {
    /// The integers for `scaling` of data of which `counts` make one, channel by channel; with a `threshold`, values above it are 1 and
    /// all others 0.
    ///
    /// Without one, the value of a count is at most one step of `1/128` from `128·(r/counts − offset)·scale`, held to 0 … 128, as long as a step is a
    /// count or more. Fails, naming the channel, when a number is too large for the fixed point, a scale is negative, or there is another
    /// number of counts.
    pub fn new(scaling: &Scaling, threshold: Option<f32>, counts: &[f32]) -> Result<Self, Error> {
        let channels = scaling.offsets.len();
        if counts.len() != channels || scaling.scales.len() != channels {
            return Err(Error::Quantize(format!("{channels} channels are scaled, but {} have counts", counts.len())));
        }
        let mut integers = Self { offsets: Vec::new(), scales: Vec::new(), counts: counts.to_vec() };
        for (channel, ((&offset, &scale), &count)) in
            scaling.offsets.iter().zip(&scaling.scales).zip(counts).enumerate()
        {
            let named = |problem: &str| Error::Quantize(format!("channel {channel} of the inputs: {problem}"));
            let (offset, scale) = channel_in_integers(offset, scale, threshold, count).map_err(named)?;
            integers.offsets.push(offset);
            integers.scales.push(scale);
        }
        Ok(integers)
    }

    /// The same as ebm-core's.
    pub fn view(&self) -> format::Scaling<'_> {
        format::Scaling::Integer { offsets: &self.offsets, scales: &self.scales, counts: &self.counts }
    }
}

fn channel_in_integers(
    offset: f32,
    scale: f32,
    threshold: Option<f32>,
    count: f32,
) -> Result<(i32, Rescale), &'static str> {
    let (offset, scale, count) = (f64::from(offset), f64::from(scale), f64::from(count));
    if !(count > 0.0 && count.is_finite()) {
        return Err("a unit of the data is made of a positive number of counts");
    }
    if !(scale > 0.0 && scale.is_finite()) {
        return Err("its scale is not positive, and integers have no other");
    }
    let held = |counts: f64| {
        let fits = counts.abs() <= f64::from(MAX_OFFSET);
        if fits { Ok(counts as i32) } else { Err("its offset is too large for the fixed point: give it fewer counts") }
    };
    if let Some(above) = threshold {
        // A count is above the threshold when it is above the whole number under it: a step there.
        let step = Rescale { multiplier: MAX_NARROW as u16, pre: 0, post: 0 };
        return Ok((held(((offset + f64::from(above) / scale) * count).floor())?, step));
    }
    let steps_a_count = f64::from(ONE) * scale / count;
    let pre = (count / scale / MAX_NARROW).log2().ceil().max(0.0);
    // The largest multiplier below 2^15, for a scale of this and no more than a step a count.
    let post = (MAX_NARROW / (steps_a_count * pre.exp2())).log2().floor();
    let largest = f64::from(Rescale::MAX_SHIFT);
    if pre > largest || post > largest {
        return Err("its scale is too small for the fixed point: give it fewer counts");
    }
    let post = post.max(0.0);
    let multiplier = (steps_a_count * (pre + post).exp2()).round().clamp(1.0, MAX_NARROW) as u16;
    Ok((held((offset * count).round())?, Rescale { multiplier, pre: pre as u8, post: post as u8 }))
}

/// What the samples of a data set are shown as. Values that are sampled anew each time stay probabilities in the test part.
pub(super) fn presentation(dataset: &Dataset) -> Presentation {
    let training = dataset.preprocessing.binarisation;
    let test = if training == Binarisation::SampledEachTime { Binarisation::None } else { training };
    let pixels = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let image = dataset.image.map(|image| ImageShape { width: pixels(image.width), height: pixels(image.height) });
    Presentation { image, training, test }
}

/// The value that one count stands for.
pub fn value_of_a_count(scale: Rescale) -> f64 {
    f64::from(scale.multiplier) / f64::from(ONE) / (f64::from(scale.pre) + f64::from(scale.post)).exp2()
}
