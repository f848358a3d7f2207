//! Figures of a model file, measured through the very code that answers on a device.

pub mod classification;
pub mod novelty;
