//! Bytes as a model file.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ebm_tests::fuzz::format(bytes));
