//! ⑤ A device at the other end of a line: asked by the wire of `ebm-core/WIRE.md`, compared with what the host computes by the same lines of code.
//!
//! [`Link`] carries bytes, [`Client`] asks and waits, [`Mirror`] knows what has to be answered, [`Inputs`] makes a data set's samples what a sensor
//! would have given.

mod check;
mod client;
mod inputs;
mod learn;
mod link;
mod mirror;
mod transfer;

pub use check::{Checked, Latency, check};
pub use client::{Client, Identity};
pub use inputs::{Inputs, Part};
pub use learn::{Course, Learnt, Novelty, learn};
pub use link::{Link, Place};
pub use mirror::{Memory, Mirror};
pub use transfer::{pull, push};
