//! One text of a loop, compiled for every vector width that it may meet: [`wide`].
//!
//! Rust never contracts a product and a sum into one rounding, so every width gives the same bits. One of the four places of `unsafe`
//! in this crate: `cpu/mod.rs` names them.
#![allow(unsafe_code)]

/// Instructions that a loop can be compiled for.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Baseline,
    Avx2,
    Avx512,
}

/// What this processor has. Asked for once a pass: the answer is kept by the standard library.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn width() -> Width {
    if is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
    {
        Width::Avx512
    } else if is_x86_feature_detected!("avx2") {
        Width::Avx2
    } else {
        Width::Baseline
    }
}

/// Defines functions whose loops use the widest vectors of the processor that they run on. On Arm, the baseline has NEON.
///
/// Whatever the body calls must be `#[inline(always)]`: what is not inlined is compiled for the baseline.
macro_rules! wide {
    ($($(#[$doc:meta])* pub(super) fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block)*) => {$(
        $(#[$doc])*
        pub(super) fn $name($($argument: $type),*) {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn body($($argument: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            {
                use $crate::backend::cpu::wide::{Width, width};

                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
                fn avx512($($argument: $type),*) {
                    body($($argument),*)
                }
                #[target_feature(enable = "avx2")]
                fn avx2($($argument: $type),*) {
                    body($($argument),*)
                }
                match width() {
                    // SAFETY: the processor has these instructions (`width`).
                    #[allow(unsafe_code)]
                    Width::Avx512 => return unsafe { avx512($($argument),*) },
                    // SAFETY: as above.
                    #[allow(unsafe_code)]
                    Width::Avx2 => return unsafe { avx2($($argument),*) },
                    Width::Baseline => {}
                }
            }
            body($($argument),*)
        }
    )*};
}

pub(super) use wide;
