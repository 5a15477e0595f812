//! A schema file: anything is a schema or an error. What is a schema has a fingerprint and a canonical form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pprl::Schema;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Schema::from_toml(text) {
        Ok(schema) => {
            assert_eq!(schema.fingerprint().len(), 64);
            assert!(serde_json::from_str::<serde_json::Value>(&schema.canonical()).is_ok());
            assert!(schema.risks().is_empty() || schema.accept_risk().is_some());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
