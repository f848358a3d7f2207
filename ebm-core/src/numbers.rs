//! The two ways of holding numbers, [`Float`] and [`Integer`], behind one trait: what is written over [`Numbers`] serves both.

use crate::affine::Affine;
use crate::format::{Fault, FormatError, IntegerLayer, Layer, LayerHeader, LayerReader, NumberFormat, Reads, Scaling};
use crate::integer::{IntegerAffine, IntegerRbm};
use crate::kernel::integer::{Stored, Weights};
use crate::kernel::{float, integer};
use crate::machine::{Machine, ShapeError};
use crate::rbm::RbmView;
use core::marker::PhantomData;
use micromath::F32;

/// A way of holding numbers: [`Float`] or [`Integer`].
pub trait Numbers: Reads {
    /// State, probability or input of a unit.
    type Value: Copy + Default + PartialEq + core::fmt::Debug + 'static;
    /// A raw input, of which [`crate::Model::values`] makes a value.
    type Raw: Copy + From<u16>;
    /// Score of a class, or energy.
    type Score: Copy + Default + PartialOrd + core::fmt::Debug + core::fmt::Display + Send + 'static;
    /// A machine.
    type Rbm<'a>: Machine<Value = Self::Value, Energy = Self::Score>;
    /// Sigmoid units, the upward half of a machine, or a softmax head.
    type Affine<'a>: Copy;

    /// The value of a unit that is off.
    const OFF: Self::Value;
    /// A score of nothing.
    const NOTHING: Self::Score;
    /// What a machine of these numbers is called in an error.
    const RBM: &'static str;
    /// What a layer of these numbers with a way down is called in an error.
    const GENERATIVE: &'static str;
    /// What a hidden layer of these numbers is called in an error.
    const HIDDEN: &'static str;
    /// What a head of these numbers is called in an error.
    const HEAD: &'static str;

    /// The layer as a machine, if it is one.
    fn rbm<'a>(layer: &Self::Layer<'a>) -> Option<Self::Rbm<'a>>;
    /// What a recognition pass uses of the layer, if it is a machine in the stack or units with a way up.
    fn hidden<'l, 'a>(layer: &'l Self::Layer<'a>) -> Option<&'l Self::Affine<'a>>;
    /// What a down-pass uses of the layer, if it has a way down.
    fn generative<'a>(layer: &Self::Layer<'a>) -> Option<Self::Rbm<'a>>;
    /// The layer as a head, if it is one.
    fn head<'l, 'a>(layer: &'l Self::Layer<'a>) -> Option<&'l Self::Affine<'a>>;
    /// `out_j = b_j + Σ_i x_i·W_ij`.
    fn field(affine: &Self::Affine<'_>, input: &[Self::Value], out: &mut [Self::Score]) -> Result<(), ShapeError>;
    /// `out_j = σ(b_j + Σ_i x_i·W_ij)`, or what else the units are.
    fn probabilities(
        affine: &Self::Affine<'_>,
        input: &[Self::Value],
        out: &mut [Self::Value],
    ) -> Result<(), ShapeError>;
    /// Number of outputs.
    fn outputs(affine: &Self::Affine<'_>) -> usize;
    /// A value from `v ∈ [0, 1]`.
    fn from_unit(v: f32) -> Self::Value;
    /// A value from a raw input that is one: of integers 0, or 1 from 1 on.
    fn from_raw(raw: Self::Raw) -> Self::Value;
    /// A value from a raw level, `v = level / max`, the level held to 0 … `max`.
    fn from_raw_level(level: Self::Raw, max: u16) -> Self::Value;
    /// [`Numbers::from_raw_level`] of a level in 16 bits.
    fn from_level(level: u16, max: u16) -> Self::Value {
        Self::from_raw_level(level.into(), max)
    }
    /// 1 or 0.
    fn from_bit(on: bool) -> Self::Value;
    /// 1 where a raw level is above `threshold`, else 0.
    fn above(level: Self::Raw, threshold: u16) -> Self::Value;
    /// Makes values 1 above a threshold and else 0, where there is one. Only in f32, where it is asked for: in integers an input that is
    /// [`crate::format::Input::Binary`], or the scaling, does that.
    fn binarise(above: impl FnOnce() -> Option<f32>, values: &mut [Self::Value]);
    /// Scales raw inputs channel by channel into `out`; false where the scaling is in other numbers.
    fn scale(scaling: &Scaling<'_>, raw: impl Iterator<Item = Self::Raw>, out: &mut [Self::Value]) -> bool;
    /// A score in nats.
    fn nats(score: Self::Score) -> f32;
    /// How far a free energy lies above a threshold of `2^-12` nats.
    fn margin(free_energy: Self::Score, threshold: i32) -> Self::Score;
    /// Does a free energy exceed a threshold of `2^-12` nats?
    fn exceeds(free_energy: Self::Score, threshold: i32) -> bool;
}

/// IEEE single precision: values in `[0, 1]`, scores in nats.
#[derive(Clone, Copy, Debug)]
pub struct Float;

impl Reads for Float {
    type Layer<'a> = Layer<'a>;

    fn reads(numbers: NumberFormat) -> bool {
        numbers == NumberFormat::F32
    }

    fn layer<'a>(reader: &mut LayerReader<'a>, header: &LayerHeader) -> Result<Layer<'a>, Fault> {
        reader.float(header)
    }

    fn check(layer: &Layer<'_>, index: usize) -> Result<(), FormatError> {
        layer.check(index)
    }
}

impl Numbers for Float {
    type Value = f32;
    type Raw = f32;
    type Score = f32;
    type Rbm<'a> = RbmView<'a>;
    type Affine<'a> = Affine<'a>;

    const OFF: f32 = 0.0;
    const NOTHING: f32 = 0.0;
    const RBM: &'static str = "f32 machine";
    const GENERATIVE: &'static str = "f32 layer with a way down";
    const HIDDEN: &'static str = "f32 hidden layer";
    const HEAD: &'static str = "f32 softmax head";

    fn rbm<'a>(layer: &Self::Layer<'a>) -> Option<Self::Rbm<'a>> {
        if let Layer::Rbm(rbm) | Layer::Generative(rbm) = layer { Some(*rbm) } else { None }
    }

    fn hidden<'l, 'a>(layer: &'l Self::Layer<'a>) -> Option<&'l Self::Affine<'a>> {
        match layer {
            Layer::Rbm(rbm) => Some(rbm.as_up()),
            Layer::Sigmoid(up) | Layer::Rectifier(up) => Some(up),
            Layer::Directed(units) => Some(units.as_recognition()),
            _ => None,
        }
    }

    fn generative<'a>(layer: &Self::Layer<'a>) -> Option<Self::Rbm<'a>> {
        match layer {
            Layer::Rbm(rbm) => Some(*rbm),
            Layer::Directed(units) => Some(units.generative()),
            _ => None,
        }
    }

    fn head<'l, 'a>(layer: &'l Self::Layer<'a>) -> Option<&'l Self::Affine<'a>> {
        if let Layer::Head(head) = layer { Some(head) } else { None }
    }

    fn field(affine: &Affine<'_>, input: &[f32], out: &mut [f32]) -> Result<(), ShapeError> {
        affine.field(input, out)
    }

    fn probabilities(affine: &Affine<'_>, input: &[f32], out: &mut [f32]) -> Result<(), ShapeError> {
        affine.probabilities(input, out)
    }

    fn outputs(affine: &Affine<'_>) -> usize {
        affine.outputs()
    }

    fn from_unit(v: f32) -> f32 {
        v
    }

    fn from_raw(raw: f32) -> f32 {
        raw
    }

    fn from_raw_level(level: f32, max: u16) -> f32 {
        let largest = f32::from(max);
        // NaN is neither below nor above, and stays.
        let held = if level > largest {
            largest
        } else if level < 0.0 {
            0.0
        } else {
            level
        };
        held / largest.max(1.0)
    }

    fn from_bit(on: bool) -> f32 {
        f32::from(u8::from(on))
    }

    fn above(level: f32, threshold: u16) -> f32 {
        step(level, threshold.into())
    }

    fn binarise(above: impl FnOnce() -> Option<f32>, values: &mut [f32]) {
        if let Some(above) = above() {
            values.iter_mut().for_each(|value| *value = step(*value, above));
        }
    }

    fn scale(scaling: &Scaling<'_>, raw: impl Iterator<Item = f32>, out: &mut [f32]) -> bool {
        let Scaling::Float { offsets, scales } = scaling else { return false };
        for ((out, raw), (&offset, &scale)) in out.iter_mut().zip(raw).zip(offsets.iter().zip(*scales).cycle()) {
            *out = float::scaled(raw, offset, scale);
        }
        true
    }

    fn margin(free_energy: f32, threshold: i32) -> f32 {
        free_energy - threshold as f32 / integer::NATS as f32
    }

    fn nats(score: f32) -> f32 {
        score
    }

    fn exceeds(free_energy: f32, threshold: i32) -> bool {
        // NaN, of a failed sensor say, is no free energy that was seen in training.
        free_energy.is_nan() || free_energy * integer::NATS as f32 > threshold as f32
    }
}

/// 1 above a threshold, else 0; NaN, of a failed sensor say, stays NaN.
fn step(value: f32, above: f32) -> f32 {
    if value.is_nan() { value } else { Float::from_bit(value > above) }
}

/// Integers: values in `1/128`, scores in `2^-12` nats, weights in whatever storage.
pub type Integer = IntegerOf<AnyStorage>;

/// [`Integer`] of weights in [`Storage::Int8`](integer::Storage::Int8) alone: a program of these holds no other kernels.
pub type Int8 = IntegerOf<Bytes>;

/// Integers whose weights are in the storages `S`.
#[derive(Clone, Copy, Debug)]
pub struct IntegerOf<S>(PhantomData<S>);

/// Storages that a program has kernels for.
pub trait Storages {
    /// Weights in one of them.
    type Weights<'a>: Stored<'a>;

    /// Are these among them?
    fn hold(numbers: NumberFormat) -> bool;
}

/// Every one.
#[derive(Clone, Copy, Debug)]
pub struct AnyStorage;

impl Storages for AnyStorage {
    type Weights<'a> = Weights<'a>;

    fn hold(numbers: NumberFormat) -> bool {
        numbers != NumberFormat::F32
    }
}

/// [`Storage::Int8`](integer::Storage::Int8).
#[derive(Clone, Copy, Debug)]
pub struct Bytes;

impl Storages for Bytes {
    type Weights<'a> = &'a [i8];

    fn hold(numbers: NumberFormat) -> bool {
        matches!(numbers, NumberFormat::Int8 { .. })
    }
}

impl<S: Storages> Reads for IntegerOf<S> {
    type Layer<'a> = IntegerLayer<'a, S::Weights<'a>>;

    fn reads(numbers: NumberFormat) -> bool {
        S::hold(numbers)
    }

    fn layer<'a>(reader: &mut LayerReader<'a>, header: &LayerHeader) -> Result<Self::Layer<'a>, Fault> {
        reader.integer(header)
    }

    fn check(layer: &Self::Layer<'_>, index: usize) -> Result<(), FormatError> {
        layer.check(index)
    }
}

impl<S: Storages> Numbers for IntegerOf<S> {
    type Value = u8;
    type Raw = i32;
    type Score = i32;
    type Rbm<'a> = IntegerRbm<'a, S::Weights<'a>>;
    type Affine<'a> = IntegerAffine<'a, S::Weights<'a>>;

    const OFF: u8 = 0;
    const NOTHING: i32 = 0;
    const RBM: &'static str = "integer machine";
    const GENERATIVE: &'static str = "integer layer with a way down";
    const HIDDEN: &'static str = "integer hidden layer";
    const HEAD: &'static str = "integer softmax head";

    fn rbm<'a>(layer: &Self::Layer<'a>) -> Option<Self::Rbm<'a>> {
        if let IntegerLayer::Rbm(rbm) | IntegerLayer::Generative(rbm) = layer { Some(*rbm) } else { None }
    }

    fn hidden<'l, 'a>(layer: &'l Self::Layer<'a>) -> Option<&'l Self::Affine<'a>> {
        match layer {
            IntegerLayer::Rbm(rbm) => Some(rbm.as_up()),
            IntegerLayer::Sigmoid(up) => Some(up),
            _ => None,
        }
    }

    fn generative<'a>(layer: &Self::Layer<'a>) -> Option<Self::Rbm<'a>> {
        if let IntegerLayer::Rbm(rbm) = layer { Some(*rbm) } else { None }
    }

    fn head<'l, 'a>(layer: &'l Self::Layer<'a>) -> Option<&'l Self::Affine<'a>> {
        if let IntegerLayer::Head(head) = layer { Some(head) } else { None }
    }

    fn field(affine: &Self::Affine<'_>, input: &[u8], out: &mut [i32]) -> Result<(), ShapeError> {
        affine.field(input, out)
    }

    fn probabilities(affine: &Self::Affine<'_>, input: &[u8], out: &mut [u8]) -> Result<(), ShapeError> {
        affine.probabilities(input, out)
    }

    fn outputs(affine: &Self::Affine<'_>) -> usize {
        affine.outputs()
    }

    fn from_unit(v: f32) -> u8 {
        let one = f32::from(integer::ONE);
        // `as` takes NaN to 0.
        F32(v.clamp(0.0, 1.0) * one).round().0 as u8
    }

    fn from_raw(raw: i32) -> u8 {
        Self::from_raw_level(raw, 1)
    }

    fn from_raw_level(level: i32, max: u16) -> u8 {
        let max = u32::from(max.max(1));
        ((level.max(0).unsigned_abs().min(max) * u32::from(integer::ONE) + max / 2) / max) as u8
    }

    fn from_bit(on: bool) -> u8 {
        if on { integer::ONE } else { 0 }
    }

    fn above(level: i32, threshold: u16) -> u8 {
        Self::from_bit(level > i32::from(threshold))
    }

    fn binarise(_: impl FnOnce() -> Option<f32>, _: &mut [u8]) {}

    fn scale(scaling: &Scaling<'_>, raw: impl Iterator<Item = i32>, out: &mut [u8]) -> bool {
        let Scaling::Integer { offsets, scales, .. } = scaling else { return false };
        for ((out, raw), (&offset, &scale)) in out.iter_mut().zip(raw).zip(offsets.iter().zip(*scales).cycle()) {
            *out = integer::scaled(raw, offset, scale);
        }
        true
    }

    fn margin(free_energy: i32, threshold: i32) -> i32 {
        free_energy.saturating_sub(threshold)
    }

    fn nats(score: i32) -> f32 {
        score as f32 / integer::NATS as f32
    }

    fn exceeds(free_energy: i32, threshold: i32) -> bool {
        free_energy > threshold
    }
}
