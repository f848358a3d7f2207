//! What the fuzz targets of `tools/fuzz` do with the bytes that they are given: each panics where something does not hold.
//!
//! They lie here, so that the stable toolchain can run them too: `tests/fuzz.rs` does, over the seeds and mutations of them.

mod encode_parse;
mod format;
mod wire;

pub use encode_parse::encode_parse;
pub use format::format;
pub use wire::wire;

/// A target: it panics where something does not hold for these bytes.
pub type Target = fn(&[u8]);

/// The targets by name, which is also that of their folder in `tools/fuzz/seeds`.
pub const TARGETS: [(&str, Target); 3] = [("format", format), ("encode_parse", encode_parse), ("wire", wire)];
