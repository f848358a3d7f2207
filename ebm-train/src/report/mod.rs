//! What a person sees of a run: progress on stderr, tables on stdout, pictures in files, a page of it all.

mod counter;
pub mod html;
pub mod picture;
mod progress;
mod table;
pub mod terminal;

pub use counter::Counter;
pub use progress::{Progress, Recorder};
pub use table::{finetuning, pretraining};
