#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(target_endian = "big")]
compile_error!("a model file is borrowed where it lies and is little-endian: big-endian targets are not supported");

mod beta;
mod dbn;
pub mod format;
mod gibbs;
mod integer;
pub mod kernel;
mod machine;
pub mod math;
mod model;
mod numbers;
mod rbm;
pub mod rng;
mod units;

pub use beta::Beta;
pub use dbn::{Dbn, DbnState, Head, Network, Scores};
pub use gibbs::{Chain, Held};
pub use integer::{IntegerAffine, IntegerRbm};
pub use machine::{Machine, ShapeError};
pub use model::{Model, ModelError};
pub use numbers::{Float, Integer, Numbers};
pub use rbm::{Affine, Rbm, RbmView};
pub use units::{Block, HiddenKind, RELU_MEAN_MAX_ERROR, RELU_VARIANCE_MAX_ERROR, Units, UnitsError, VisibleKind};
