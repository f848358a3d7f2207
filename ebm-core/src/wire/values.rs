//! Numbers in messages, borrowed from the frame that they came in.
//!
//! A frame lies at any address, so that four-byte numbers in it cannot be lent as a slice of them: [`Words`] lends their bytes.

use crate::machine::ShapeError;
use core::fmt;
use core::marker::PhantomData;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of four bytes: f32 or i32.
pub trait Word: bytemuck::Pod {
    /// The number whose little-endian bytes these are.
    fn from_le(bytes: [u8; 4]) -> Self;
}

impl Word for f32 {
    fn from_le(bytes: [u8; 4]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

impl Word for i32 {
    fn from_le(bytes: [u8; 4]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

/// Numbers of four bytes, little-endian, at any address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Words<'a, T> {
    chunks: &'a [[u8; 4]],
    number: PhantomData<T>,
}

/// Numbers in IEEE single precision.
pub type F32s<'a> = Words<'a, f32>;
/// Integers.
pub type I32s<'a> = Words<'a, i32>;

impl<'a, T: Word> Words<'a, T> {
    /// These numbers, lent as they lie in memory.
    pub fn new(numbers: &'a [T]) -> Self {
        Self { chunks: bytemuck::cast_slice(numbers), number: PhantomData }
    }

    /// How many numbers.
    pub const fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Are there none?
    pub const fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The numbers, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = T> + 'a {
        self.chunks.iter().map(|&bytes| T::from_le(bytes))
    }

    /// Copies the numbers into `out`. Fails, and writes nothing, when `out` has another length.
    pub fn copy_to(&self, out: &mut [T]) -> Result<(), ShapeError> {
        ShapeError::check("values", out.len(), self.len())?;
        for (out, number) in out.iter_mut().zip(self.iter()) {
            *out = number;
        }
        Ok(())
    }
}

impl<T: Word + fmt::Debug> fmt::Debug for Words<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

impl<T> Serialize for Words<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.chunks.as_flattened())
    }
}

impl<'de: 'a, 'a, T> Deserialize<'de> for Words<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match <&[u8]>::deserialize(deserializer)?.as_chunks() {
            (chunks, []) => Ok(Self { chunks, number: PhantomData }),
            _ => Err(D::Error::custom("not a whole number of four-byte words")),
        }
    }
}

/// Bits, eight to a byte, the lowest first; what is left of the last byte is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bits<'a> {
    count: u32,
    bytes: &'a [u8],
}

impl<'a> Bits<'a> {
    /// The first `count` bits of `bytes`. Fails when that is not what these bytes are needed for.
    pub fn new(count: u32, bytes: &'a [u8]) -> Result<Self, ShapeError> {
        ShapeError::check("bytes of bits", count.div_ceil(8) as usize, bytes.len())?;
        Ok(Self { count, bytes })
    }

    /// Packs `bits` into the start of `out`. Fails when they do not fit.
    pub fn pack(bits: &[bool], out: &'a mut [u8]) -> Result<Self, ShapeError> {
        let (expected, found) = (bits.len().div_ceil(8), out.len());
        let out = out.get_mut(..expected).ok_or(ShapeError { what: "bytes of bits", expected, found })?;
        for (byte, bits) in out.iter_mut().zip(bits.chunks(8)) {
            *byte = bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
        }
        Self::new(bits.len() as u32, out)
    }

    /// How many bits.
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Are there none?
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The bits, in order.
    pub fn iter(&self) -> impl Iterator<Item = bool> + 'a {
        let bits = self.bytes.iter().flat_map(|&byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
        bits.take(self.len())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Bits<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (count, bytes) = <(u32, &[u8])>::deserialize(deserializer)?;
        Self::new(count, bytes).map_err(|_| D::Error::custom("another number of bytes than the bits need"))
    }
}

/// One value a visible unit, or of those that are no labels where an input is meant, as the sender holds them.
///
/// The first three are visible values `v` themselves; of the last three the device makes them, as its model's
/// [`crate::format::Header::input`] says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Values<'a> {
    /// `v` in f32.
    F32(#[serde(borrow)] F32s<'a>),
    /// `v` in `1/128`, a byte each: the values of the integer path.
    Integer(&'a [u8]),
    /// `v` is 0 or 1, a bit each.
    Bits(#[serde(borrow)] Bits<'a>),
    /// Raw levels, a byte each.
    Levels(&'a [u8]),
    /// Raw readings in f32.
    Readings(#[serde(borrow)] F32s<'a>),
    /// Raw whole numbers, of a converter say.
    Counts(#[serde(borrow)] I32s<'a>),
}

impl Values<'_> {
    /// How many values.
    pub const fn len(&self) -> usize {
        match self {
            Self::F32(words) | Self::Readings(words) => words.len(),
            Self::Counts(words) => words.len(),
            Self::Integer(bytes) | Self::Levels(bytes) => bytes.len(),
            Self::Bits(bits) => bits.len(),
        }
    }

    /// Are there none?
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> From<&'a [f32]> for Values<'a> {
    fn from(values: &'a [f32]) -> Self {
        Self::F32(Words::new(values))
    }
}

impl<'a> From<&'a [u8]> for Values<'a> {
    fn from(values: &'a [u8]) -> Self {
        Self::Integer(values)
    }
}

/// Scores of the classes in the model's own unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Scores<'a> {
    /// Nats.
    F32(#[serde(borrow)] F32s<'a>),
    /// `2^-12` nats.
    Integer(#[serde(borrow)] I32s<'a>),
}

impl<'a> From<&'a [f32]> for Scores<'a> {
    fn from(scores: &'a [f32]) -> Self {
        Self::F32(Words::new(scores))
    }
}

impl<'a> From<&'a [i32]> for Scores<'a> {
    fn from(scores: &'a [i32]) -> Self {
        Self::Integer(Words::new(scores))
    }
}

/// A score or an energy in the model's own unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Score {
    /// Nats.
    F32(f32),
    /// `2^-12` nats.
    Integer(i32),
}

impl From<f32> for Score {
    fn from(score: f32) -> Self {
        Self::F32(score)
    }
}

impl From<i32> for Score {
    fn from(score: i32) -> Self {
        Self::Integer(score)
    }
}
