//! The sums where most of the time goes, in the form that suits the processor: in plain Rust everywhere, and in assembly where there is
//! Arm's DSP extension. Both give the same bits.

#[cfg(ebm_dsp)]
#[expect(unsafe_code, reason = "assembly")]
mod dsp;
#[cfg_attr(ebm_dsp, expect(dead_code, reason = "always compiled; here the ends of columns are left to it"))]
mod portable;

#[cfg(ebm_dsp)]
pub(super) use dsp::{add_rows, int4_block, int8_block, sign_block};
#[cfg(not(ebm_dsp))]
pub(super) use portable::{add_rows, int4_block, int8_block, sign_block};
