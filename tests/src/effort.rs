//! How much a test tries.

use std::env;

/// Random cases of a test that `usual`ly tries so many: fewer where `EBM_TEST_CASES` says so, as under Miri, which is slow.
pub fn cases(usual: u32) -> u32 {
    let most = env::var("EBM_TEST_CASES").ok().and_then(|cases| cases.parse().ok());
    usual.min(most.unwrap_or(usual))
}
