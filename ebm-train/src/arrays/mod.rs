//! Arrays that other programs read and write: npy, npz and safetensors.

mod array;
pub mod npy;

pub use array::{Array, Element};
