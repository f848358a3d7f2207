//! What a person sees of a run: progress on stderr, tables on stdout, pictures in files.

mod counter;
pub mod picture;
mod progress;
mod table;

pub use counter::Counter;
pub use progress::{Progress, Recorder};
pub use table::{finetuning, pretraining};
