//! See `linkage_schema` in `tests/helpers/readers.rs`.
#![no_main]

#[path = "../../tests/helpers/readers.rs"]
mod readers;

libfuzzer_sys::fuzz_target!(|data: &[u8]| readers::linkage_schema(data));
