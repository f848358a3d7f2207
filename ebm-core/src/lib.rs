#![doc = include_str!("../README.md")]
#![no_std]
// `unsafe` stands in the assembly of `kernel/arch` alone; where that is not compiled, nowhere.
#![cfg_attr(not(any(ebm_arch = "dsp", ebm_arch = "v7m", ebm_arch = "v6m")), forbid(unsafe_code))]
#![deny(unsafe_code)]

#[cfg(target_endian = "big")]
compile_error!("a model file is borrowed where it lies and is little-endian: big-endian targets are not supported");

mod affine;
mod beta;
mod dbn;
mod directed;
mod embed;
mod fixed;
pub mod format;
mod gibbs;
mod integer;
pub mod kernel;
mod learn;
mod machine;
pub mod math;
mod model;
mod numbers;
mod rbm;
pub mod rng;
pub mod service;
mod units;
pub mod wire;

pub use affine::{Activation, Affine};
pub use beta::Beta;
pub use dbn::{Belief, Dbn, DbnState, Generative, Head, Network, Scores, Stage};
pub use directed::Directed;
pub use embed::Aligned;
pub use fixed::Rbm;
pub use gibbs::{Chain, ChainMut, Held};
pub use integer::{IntegerAffine, IntegerRbm};
pub use kernel::learn::Rates;
pub use learn::{Learner, LearnerMut, LearningRule, RbmMut};
pub use machine::{Machine, ShapeError};
pub use model::{Model, ModelError, Verdict};
pub use numbers::{AnyStorage, Bytes, Float, Int8, Integer, IntegerOf, Numbers, Storages};
pub use rbm::RbmView;
pub use units::{Block, HiddenKind, RELU_MEAN_MAX_ERROR, RELU_VARIANCE_MAX_ERROR, Units, UnitsError, VisibleKind};
