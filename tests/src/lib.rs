//! What the whole-system tests share: references to compare with, and the bounds within which to agree.
//!
//! | module | what it holds |
//! |---|---|
//! | [`exact`] | a machine by enumeration of all its states, in f64: the truth for everything else |
//! | [`mixed`] | the same for every kind of unit |
//! | [`special`] | normal quantiles and rectified units in f64 |
//! | [`tolerance`] | every bound that a test uses, named, with its reason |
//! | [`agreement`] | comparison within bounds that tells how near it came |
//! | [`parameters`] | random f32 machines |
//! | [`quantised`] | random integer machines, and what they mean in nats |
//! | [`statistics`] | χ² and runs tests for samplers |
//! | [`file`](mod@file) | model files put together by hand, so that they can be wrong |
//! | [`effort`] | how much a test tries |
//! | [`exercise`](mod@exercise) | everything that can be asked of a model |
//! | [`fuzz`] | what the fuzz targets of `tools/fuzz` do with their bytes |
//! | [`frame`] | frames of the wire put together by hand, likewise |
//! | [`messages`] | every message of the wire |
//! | [`dump`](mod@dump) | the hex dumps of the specifications |
//! | [`oracle`] | what the independent reference in `tools/oracle` computed |
//! | [`skipped`](mod@skipped) | what a test leaves out, in words that somebody sees |
//! | [`tiny`] | the two models of `FORMAT.md` and of the golden fixtures |

pub mod agreement;
pub mod dump;
pub mod effort;
pub mod exact;
pub mod exercise;
pub mod file;
pub mod frame;
pub mod fuzz;
pub mod messages;
pub mod mixed;
pub mod oracle;
pub mod parameters;
pub mod quantised;
pub mod skipped;
pub mod special;
pub mod statistics;
pub mod tiny;
pub mod tolerance;
