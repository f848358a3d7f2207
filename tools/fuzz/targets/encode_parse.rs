//! Bytes as choices of what a model is made of, which is written and read again.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ebm_tests::fuzz::encode_parse(bytes));
