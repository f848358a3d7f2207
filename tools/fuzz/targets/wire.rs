//! Bytes as a stream, and as a message.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ebm_tests::fuzz::wire(bytes));
