//! See `encoded_record` in `tests/helpers/readers.rs`.
#![no_main]

#[path = "../../tests/helpers/readers.rs"]
mod readers;

libfuzzer_sys::fuzz_target!(|data: &[u8]| readers::encoded_record(data));
