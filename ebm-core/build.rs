//! Tells the kernels what the target's processor can do, where the compiler's stable `cfg` does not.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(ebm_dsp)");
    let target = env::var("TARGET").unwrap_or_default();
    // Every ARMv7E-M (Cortex-M4, M7) has the DSP extension; on ARMv8-M Mainline (M33, M35P, M55, M85) it is an option of the part.
    let optional = target.starts_with("thumbv8m.main") && env::var_os("CARGO_FEATURE_DSP").is_some();
    if target.starts_with("thumbv7em") || optional {
        println!("cargo::rustc-cfg=ebm_dsp");
    }
}
