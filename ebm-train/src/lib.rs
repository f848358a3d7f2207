#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

pub mod arrays;
pub mod backend;
pub mod board;
pub mod data;
pub mod device;
mod error;
pub mod eval;
pub mod export;
mod files;
pub mod generate;
pub mod parameters;
pub mod ranks;
pub mod train;

pub use error::Error;

// The command line's own: public for its tests, no part of the library.
#[doc(hidden)]
pub mod bench;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod reproduce;
#[doc(hidden)]
pub mod run;
