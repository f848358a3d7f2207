//! Trains restricted Boltzmann machines and deep belief networks, measures them, and writes them for microcontrollers.
//!
//! ① [`data`] reads batches, ② [`train`] turns them into [`parameters::Parameters`] on a [`backend`],
//! ③ [`export`] quantises them and writes a model file for ebm-core; [`device`] asks a device that runs it.

#![deny(unsafe_code)]

pub mod arrays;
pub mod backend;
pub mod bench;
pub mod board;
pub mod cli;
pub mod data;
pub mod device;
mod error;
pub mod eval;
pub mod export;
mod files;
pub mod generate;
pub mod parameters;
pub mod report;
pub mod reproduce;
pub mod run;
pub mod train;

pub use error::Error;
