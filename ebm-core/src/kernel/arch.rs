//! The sums where most of the time goes, in the form that suits the processor: in plain Rust everywhere, and in assembly for Arm's
//! microcontrollers. All give the same bits.

#[cfg(any(ebm_arch = "v6m", ebm_arch = "v7m"))]
#[expect(unsafe_code, reason = "assembly")]
mod bytes;
#[cfg(ebm_arch = "dsp")]
#[expect(unsafe_code, reason = "assembly")]
mod dsp;
mod portable;

#[cfg(any(ebm_arch = "v6m", ebm_arch = "v7m"))]
pub(super) use bytes::int8_columns;
#[cfg(ebm_arch = "dsp")]
pub(super) use dsp::{add_rows, int4_columns, int8_columns, sign_columns};
pub(super) use portable::four_of;
#[cfg(not(any(ebm_arch = "dsp", ebm_arch = "v7m", ebm_arch = "v6m")))]
pub(super) use portable::int8_columns;
#[cfg(not(ebm_arch = "dsp"))]
pub(super) use portable::{add_rows, int4_columns, sign_columns};
