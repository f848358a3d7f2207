//! The sums where most of the time goes, in the form that suits the processor.

mod portable;

pub(super) use portable::{add_rows, int4_block, int8_block, sign_block};
