//! Figures of machines and of model files.
//!
//! What a device answers too ([`classification`], [`novelty`]) is measured through the very code that answers there; what only the whole
//! distribution knows (likelihoods, pseudo-likelihoods) on a [`crate::backend`].

pub mod annealing;
pub mod bound;
pub mod classification;
pub mod energy;
pub mod likelihood;
mod log_sum;
pub mod novelty;
pub mod partition;
pub mod pseudo;
mod rows;

pub use bound::variational_bound;
pub use energy::{mean_free_energy, reconstruction_error};
pub use partition::log_partition_exact;
pub use pseudo::pseudo_log_likelihood;
