//! What comes out of a model: samples, reconstructions, guesses for what is missing.
//!
//! A [`Stack`] is a model's machines on a backend, [`Chains`] are Gibbs chains over it, many at a time:
//!
//! ```
//! use ebm_core::Beta;
//! use ebm_train::backend::Cpu;
//! use ebm_train::generate::{Chains, Stack};
//! use ebm_train::parameters::{DbnParameters, Parameters, RbmParameters};
//!
//! # fn main() -> Result<(), ebm_train::Error> {
//! let top = RbmParameters {
//!     weights: vec![0.0; 12],
//!     visible_bias: vec![8.0, 8.0, -8.0, 0.0],
//!     hidden_bias: vec![0.0; 3],
//!     ..RbmParameters::default()
//! };
//! let backend = Cpu::new(1)?;
//! let stack = Stack::new(&backend, &Parameters::Dbn(DbnParameters { below: Vec::new(), top }))?;
//! // 64 chains from noise, of the run with seed 1; `run` tells apart samplings of one program.
//! let mut chains = Chains::from_noise(&backend, &stack, 1, 0, 64)?;
//! (0..1000).for_each(|_| chains.step(Beta::ONE));
//! assert_eq!(chains.states().rows(), 64);
//! assert!((chains.means().row(0)[2] - 0.000335).abs() < 1e-6);
//! # Ok(())
//! # }
//! ```

mod chains;
mod inpaint;
mod stack;

pub use chains::Chains;
pub use inpaint::{Inpainting, Start, inpaint};
pub use stack::Stack;
