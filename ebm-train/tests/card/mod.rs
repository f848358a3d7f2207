//! Whether there is a graphics card for the tests.

use ebm_tests::skipped::skipped;
use std::env;

/// False, and a word on it, where there is no card. Where `EBM_GPU` is set, as `cargo xtask test` does where a driver is installed, there has to be one.
pub fn is_there() -> bool {
    let is_there = !ebm_train::backend::adapters().is_empty();
    assert!(is_there || env::var_os("EBM_GPU").is_none(), "there is a driver, but no graphics card is found");
    if !is_there {
        skipped(
            "nothing was computed on a graphics card: there is none (on Debian, mesa-vulkan-drivers computes on the processor)",
        );
    }
    is_there
}
