//! CLKs against clkhash 0.18.3: every row of the known answers, and every verdict.

#![allow(clippy::unwrap_used, reason = "a test that panics has said what is wrong")]

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pprl::clkhash::{ClkEncoder, EncodedClks, Header, LinkageSchema, Secret};
use pprl::{ErrorKind, Result};
use serde_json::Value;

const REASON: &str = "a test on invented people";

fn vectors() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/clkhash");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let of_people = files.iter().filter(|path| name(path).starts_with(['p', 'h']) && name(path).contains("_v"));
    of_people.map(|path| (name(path), read(path))).collect()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn vector(name: &str) -> Value {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/clkhash").join(name))
}

fn encoder(schema: &Value, secret: &Value) -> Result<ClkEncoder> {
    let schema = LinkageSchema::from_json(&schema.to_string())?;
    ClkEncoder::new(&schema, &Secret::from_bytes(secret.as_str().unwrap().as_bytes().to_vec()), REASON)
}

fn rows(rows: &Value) -> Vec<Vec<String>> {
    serde_json::from_value(rows.clone()).unwrap()
}

fn base64(encoded: &EncodedClks) -> Vec<String> {
    (0..encoded.rows).map(|row| STANDARD.encode(encoded.clks.matrix().bytes(row))).collect()
}

#[test]
fn all_rows_are_equal() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 14);
    for (name, vector) in vectors {
        let rows = rows(&vector["rows"]);
        for schema in ["schema", "schema_as_v3"] {
            let encoder = encoder(&vector[schema], &vector["secret"]).unwrap_or_else(|e| panic!("{name}: {e}"));
            let encoded = encoder.encode(&rows).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(serde_json::json!(base64(&encoded)), vector["expected_base64"], "{name}, {schema}");
        }
    }
}

#[test]
fn memory_and_threads_change_nothing() {
    for (name, vector) in vectors() {
        // Many more rows than threads, so that each remembers what it has encoded.
        let few = rows(&vector["rows"]);
        let many: Vec<&Vec<String>> = (0..3_000).map(|i| &few[i * 7 % few.len()]).collect();
        let encoder = encoder(&vector["schema"], &vector["secret"]).unwrap();
        let alone: Vec<String> =
            few.iter().flat_map(|row| base64(&encoder.encode(std::slice::from_ref(row)).unwrap())).collect();
        assert_eq!(serde_json::json!(alone), vector["expected_base64"], "{name}");
        for threads in [1, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let encoded = pool.install(|| encoder.encode(&many).unwrap());
            let expected: Vec<&String> = (0..3_000).map(|i| &alone[i * 7 % few.len()]).collect();
            assert!(base64(&encoded).iter().eq(expected), "{name}, {threads} threads");
        }
    }
}

#[test]
fn files_are_read_as_clkhash_reads_them() {
    let vector = vector("csv_input.json");
    let encoder = encoder(&vector["schema"], &vector["secret"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    for case in vector["cases"].as_array().unwrap() {
        std::fs::write(&path, case["csv"].as_str().unwrap()).unwrap();
        let encoded = encoder.encode_csv(&path, header(&case["header_option"])).unwrap();
        assert_eq!(serde_json::json!(base64(&encoded)), case["expected_base64"], "{case}");
    }
}

fn header(option: &Value) -> Header {
    match option {
        Value::Bool(false) => Header::None,
        Value::String(_) => Header::Ignored,
        _ => Header::Checked,
    }
}

/// What clkhash rejects is rejected, and what it takes is taken; no message has a value in it.
#[test]
fn verdicts_are_clkhashs() {
    let all = vector("error-cases.json");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    let mut accepted = 0;
    for case in all["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        if id == "csv-header-option-bad" {
            continue; // An enum has no other options.
        }
        let validate = case["validate"].as_bool().unwrap_or(true);
        let made = encoder(&case["schema"], &case["secret"]).map(|encoder| encoder.validate(validate));
        let outcome = made.and_then(|encoder| match case["csv"].as_str() {
            Some(text) => {
                std::fs::write(&path, text).unwrap();
                encoder.encode_csv(&path, header(&case["header_option"]))
            }
            None => encoder.encode(&rows(&case["rows"])),
        });
        match outcome {
            Ok(encoded) => {
                assert_eq!(case["outcome"], "accepted", "{id}");
                accepted += 1;
                if let Some(expected) = case.get("expected_base64") {
                    assert_eq!(serde_json::json!(base64(&encoded)), *expected, "{id}");
                }
            }
            Err(error) => {
                assert_eq!(case["outcome"], "error", "{id}: {error}");
                if let (ErrorKind::Rows { problems, .. }, Some("data")) = (error.kind(), case["phase"].as_str()) {
                    assert!(problems[0].row > 0, "{id}");
                }
                let values = case["rows"].as_array().into_iter().flatten().flat_map(|row| row.as_array().unwrap());
                // Single letters are in every message.
                for value in values.filter_map(Value::as_str).filter(|value| value.len() > 2) {
                    assert!(!error.to_string().contains(value), "{id}: {error}");
                }
            }
        }
    }
    assert!(accepted > 15, "{accepted}");
}

#[test]
fn a_reason_is_asked_for_and_what_is_empty_is_counted() {
    let vector = vector("csv_input.json");
    let schema = LinkageSchema::from_json(&vector["schema"].to_string()).unwrap();
    let secret = Secret::from_bytes(b"secret".to_vec());
    for reason in ["", "  ", "two\nlines", &"x".repeat(501)] {
        let error = ClkEncoder::new(&schema, &secret, reason).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Argument { .. }) && error.to_string().contains("accept_risk"));
    }
    let encoder = ClkEncoder::new(&schema, &secret, REASON).unwrap();
    let none: [[&str; 3]; 0] = [];
    assert_eq!(encoder.encode(&none).unwrap().rows, 0);
    let encoded = encoder.encode(&[["1", "Ann", "1980-01-02"]]).unwrap();
    assert_eq!((encoded.rows, encoded.empty), (1, 0));
    let encoder = encoder.validate(false);
    assert!(encoder.encode(&[["1", "", ""]]).is_err(), "an empty date is read as a date");
    let shown = format!("{encoder:?} {secret:?}");
    assert!(!shown.contains("secret\"") && shown.contains("Secret(..)"), "{shown}");
}
