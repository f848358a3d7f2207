//! The numerics, once, on slices.
//!
//! Everything above this module (fixed-size types, views over a file, the trainer's reference path, the firmware) is a
//! shape-checked shell over these functions. They expect slices whose lengths agree; the shells see to that.
//! A short slice never panics here, the missing part just does not count.

pub mod float;
pub mod int8;
mod tables;
