//! Tells the kernels which of Arm's microcontroller architectures they are built for, in more detail than the compiler's stable `cfg`.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(ebm_arch, values(\"dsp\", \"v7m\", \"v6m\"))");
    let target = env::var("TARGET").unwrap_or_default();
    let is = |prefix: &str| target.starts_with(prefix);
    println!("cargo::rustc-check-cfg=cfg(ebm_dsp_option)");
    // Every Armv7E-M (Cortex-M4, M7) has the DSP extension; on Armv8-M Mainline (M33 and later) it is an option of the part.
    let option = is("thumbv8m.main") && env::var_os("CARGO_FEATURE_DSP").is_some();
    if option {
        println!("cargo::rustc-cfg=ebm_dsp_option");
    }
    if is("thumbv7em") || option {
        println!("cargo::rustc-cfg=ebm_arch=\"dsp\"");
    } else if is("thumbv7m") || is("thumbv8m.main") {
        println!("cargo::rustc-cfg=ebm_arch=\"v7m\"");
    } else if is("thumbv6m") || is("thumbv8m.base") {
        println!("cargo::rustc-cfg=ebm_arch=\"v6m\"");
    }
}
