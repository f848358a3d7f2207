//! Numbers as messages carry them: [`Spoken`].

use crate::numbers::{Float, IntegerOf, Numbers, Storages};
use crate::wire::{Arithmetic, Score, Scores, Values};

/// Numbers that a host can be told.
pub trait Spoken: Numbers {
    /// What `Hello` calls them.
    const ARITHMETIC: Arithmetic;
    /// Can a machine of them learn?
    const LEARNS: bool;

    /// A raw reading in f32; `None` where raw inputs are whole numbers.
    fn reading(reading: f32) -> Option<Self::Raw>;
    /// A raw whole number.
    fn count(count: i32) -> Self::Raw;
    /// Values in a message.
    fn values(values: &[Self::Value]) -> Values<'_>;
    /// Scores in a message.
    fn scores(scores: &[Self::Score]) -> Scores<'_>;
    /// A score in a message.
    fn score(score: Self::Score) -> Score;
    /// The same values as f32, to learn with; `None` where they are none.
    fn as_f32(values: &mut [Self::Value]) -> Option<&mut [f32]>;
}

impl Spoken for Float {
    const ARITHMETIC: Arithmetic = Arithmetic::F32;
    const LEARNS: bool = true;

    fn reading(reading: f32) -> Option<f32> {
        Some(reading)
    }

    fn count(count: i32) -> f32 {
        count as f32
    }

    fn values(values: &[f32]) -> Values<'_> {
        values.into()
    }

    fn scores(scores: &[f32]) -> Scores<'_> {
        scores.into()
    }

    fn score(score: f32) -> Score {
        score.into()
    }

    fn as_f32(values: &mut [f32]) -> Option<&mut [f32]> {
        Some(values)
    }
}

impl<S: Storages> Spoken for IntegerOf<S> {
    const ARITHMETIC: Arithmetic = Arithmetic::Integer;
    const LEARNS: bool = false;

    fn reading(_: f32) -> Option<i32> {
        None
    }

    fn count(count: i32) -> i32 {
        count
    }

    fn values(values: &[u8]) -> Values<'_> {
        values.into()
    }

    fn scores(scores: &[i32]) -> Scores<'_> {
        scores.into()
    }

    fn score(score: i32) -> Score {
        score.into()
    }

    fn as_f32(_: &mut [u8]) -> Option<&mut [f32]> {
        None
    }
}
