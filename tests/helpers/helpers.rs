//! What several test files share.
#![allow(dead_code, unreachable_pub, reason = "every test file has it as a module of its own, and none uses all of it")]

use std::collections::BTreeSet;
use std::error::Error as _;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pprl::{Cohort, Encoder, Error, ProjectKey, Record, Schema};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// One undiffused filter, no match keys: the smallest schema there is to be had.
pub const CLK: &str = r#"
version = 1
[project]
id = "test-clk"
purpose = "Testing"
parties = ["police", "school", "care"]
expires = "2999-12-31"
[privacy]
accept_risk = "invented people in a test"
[[field]]
name = "forename"
kind = "name"
space = "names"
[[field]]
name = "surname"
kind = "name"
space = "names"
[[field]]
name = "date_of_birth"
kind = "date"
tokens = "digits"
[[encoding]]
name = "clk"
length = 1024
diffusion = 0
fields = { forename = 80, surname = 80, date_of_birth = 80 }
[linkage]
threshold = 0.75
suppress_below = 0
"#;

pub fn clk() -> Schema {
    Schema::from_toml(CLK).unwrap()
}

/// [`CLK`] with filters of this length.
pub fn clk_of(length: usize) -> Schema {
    let budget = (length / 4).max(1);
    let text = CLK.replace("length = 1024", &format!("length = {length}"));
    let text = if length < 3 {
        // There is no room for three fields.
        let fields = text.find("[[field]]\nname = \"surname\"").unwrap()..text.find("[[encoding]]").unwrap();
        text.replace(&text[fields], "").replace(", surname = 80, date_of_birth = 80", "")
    } else {
        text
    };
    Schema::from_toml(&text.replace("= 80", &format!("= {budget}"))).unwrap()
}

pub fn key() -> ProjectKey {
    ProjectKey::from_bytes(std::array::from_fn(|i| i as u8))
}

pub fn other_key() -> ProjectKey {
    ProjectKey::from_bytes(std::array::from_fn(|i| i as u8 + 1))
}

pub fn encoder(schema: &Schema, party: &str, seed: u8) -> Encoder {
    Encoder::new(schema, &key(), party).unwrap().seed([seed; 32])
}

pub fn record(id: impl ToString, values: &[&str]) -> Record {
    Record::new(id.to_string(), values.iter().map(|value| (*value).to_owned()).collect())
}

/// A cohort under [`CLK`] of people who are all different.
pub fn clk_cohort(party: &str, rows: usize) -> Cohort {
    let people: Vec<Record> = (0..rows).map(|i| record(i, &[&word(i), &word(i + 7919), &date(i)])).collect();
    encoder(&clk(), party, 1).encode(&people).unwrap().cohort
}

/// A word of its own for every number.
pub fn word(number: usize) -> String {
    let mut state = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..7)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + ((state >> 33) % 26) as u8)
        })
        .collect()
}

pub fn date(number: usize) -> String {
    format!("{:04}-{:02}-{:02}", 2005 + number % 15, 1 + number / 15 % 12, 1 + number / 180 % 28)
}

/// Everything that an error says anywhere: as text, as debug text in both forms, and all its sources.
pub fn everything_said(error: &Error) -> String {
    let mut said = format!("{error}\n{error:?}\n{error:#?}\n{:?}", error.kind());
    let mut source = error.source();
    while let Some(error) = source {
        said.push_str(&format!("\n{error}\n{error:?}"));
        source = error.source();
    }
    said
}

/// An error must say where, and none of what.
#[track_caller]
pub fn says_but_not(error: &Error, says: &[&str], canaries: &[&str]) {
    let shown = error.to_string();
    for word in says {
        assert!(shown.contains(word), "the error does not say {word:?}: {shown}");
    }
    let said = everything_said(error).to_lowercase();
    for canary in canaries {
        assert!(!said.contains(&canary.to_lowercase()), "the error shows {canary:?}: {said}");
    }
}

/// The names of all files in a folder, hidden ones too.
pub fn files_in(folder: &Path) -> BTreeSet<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

/// A cohort's JSON to take apart.
pub fn json(cohort: &Cohort) -> Value {
    serde_json::from_slice(&cohort.to_json()).unwrap()
}

/// Puts the right digest into a changed cohort, so that what is wrong with it has to be found elsewhere. An implementation
/// of its own, from `docs/encoding.md`.
pub fn seal(cohort: &mut Value) -> Vec<u8> {
    let mut hash = Sha256::new();
    let manifest = &cohort["manifest"];
    let mut text = |value: &Value| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    text(&"pprl-cohort-1".into());
    for key in ["encoding_version", "fingerprint", "project", "party", "key_check", "rows"] {
        text(&manifest[key]);
    }
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let encodings = list(&manifest["encodings"]);
    text(&encodings.len().into());
    for encoding in &encodings {
        text(&encoding["name"]);
        text(&encoding["bits"]);
    }
    let match_keys = list(&manifest["match_keys"]);
    text(&match_keys.len().into());
    match_keys.iter().for_each(&mut text);
    text(&manifest["accept_risk"]);
    let unhex = |text: &str| -> Vec<u8> {
        let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or_default());
        pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap_or_default()).collect()
    };
    for id in list(&cohort["row_ids"]) {
        hash.update(unhex(id.as_str().unwrap_or_default()));
    }
    for encoding in &encodings {
        let column = &cohort["encodings"][encoding["name"].as_str().unwrap_or_default()];
        for row in list(if column.is_null() { &cohort["clks"] } else { column }) {
            hash.update(STANDARD.decode(row.as_str().unwrap_or_default()).unwrap_or_default());
        }
    }
    for key in &match_keys {
        for value in list(&cohort["match_keys"][key.as_str().unwrap_or_default()]) {
            match value.as_str() {
                None => hash.update([0]),
                Some(text) => {
                    hash.update([1]);
                    hash.update(unhex(text));
                }
            }
        }
    }
    let rarity = list(&manifest["rarity"]);
    let text = |hash: &mut Sha256, text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    if !rarity.is_empty() {
        text(&mut hash, &rarity.len().to_string());
        rarity.iter().for_each(|field| text(&mut hash, field.as_str().unwrap_or_default()));
    }
    for field in &rarity {
        let classes = cohort["rarity"][field.as_str().unwrap_or_default()].as_str().unwrap_or_default();
        hash.update(classes.bytes().map(|c| if c == b'-' { 255 } else { c.wrapping_sub(b'0') }).collect::<Vec<_>>());
    }
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    cohort["manifest"]["sha256"] = digest.into();
    serde_json::to_vec(cohort).unwrap()
}

/// A cohort under `schema` (one undiffused encoding) whose rows have exactly these bits set.
pub fn cohort_of_bits(schema: &Schema, party: &str, seed: u8, rows: &[Vec<usize>]) -> Cohort {
    let people: Vec<Record> = (0..rows.len()).map(|i| record(i, &vec![""; schema.fields().len()])).collect();
    let mut cohort = json(&encoder(schema, party, seed).encode(&people).unwrap().cohort);
    let form = |bits: &Vec<usize>| {
        let mut bytes = vec![0u8; schema.encodings()[0].output().div_ceil(8)];
        bits.iter().for_each(|bit| bytes[bit / 8] |= 1 << (bit % 8));
        STANDARD.encode(bytes)
    };
    cohort["clks"] = rows.iter().map(form).collect();
    Cohort::from_json(&seal(&mut cohort)).unwrap()
}
