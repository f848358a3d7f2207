//! The numerics, once, on slices.
//!
//! Everything above this module (fixed-size types, views over a file, evaluation, the firmware) is a shape-checked
//! shell over these functions; the trainer's matrix products are held to them by a test. They expect slices whose lengths agree; the shells see to that.
//! A short slice never panics here, the missing part just does not count.

mod arch;
pub mod float;
pub mod integer;
pub mod learn;
mod tables;
pub mod units;
