//! Linkage schemas of clkhash: taken and refused as clkhash 0.18.3 does, with problems where their author can find them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has said what is wrong")]
#![cfg(feature = "clkhash")]

use std::fs;
use std::path::Path;

use pprl::clkhash::{Comparison, Format, KdfHash, LinkageSchema, Strategy, TokenHash};
use pprl::{ErrorKind, SchemaProblem};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/clkhash")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |all, byte| format!("{all}{byte:02x}"))
}

fn vectors(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder().join(name)).unwrap()).unwrap()
}

/// The schemas of the known answers, with what version 3 makes of them.
fn public() -> Vec<(String, Value, Value)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.starts_with('p') && !name.starts_with("python") {
            let mut case = vectors(&name);
            all.push((name, case["schema"].take(), case["schema_as_v3"].take()));
        }
    }
    assert!(all.len() >= 14);
    all
}

fn load(schema: &Value) -> Result<LinkageSchema, Vec<SchemaProblem>> {
    LinkageSchema::from_json(&schema.to_string()).map_err(|error| match error.into_kind() {
        ErrorKind::Schema { problems, .. } if !problems.is_empty() => problems,
        other => panic!("{other:?}"),
    })
}

fn keys(schema: &Value) -> Vec<String> {
    load(schema).err().unwrap_or_default().into_iter().map(|problem| problem.key).collect()
}

fn surprises(schema: &Value) -> Vec<String> {
    load(schema).unwrap().surprises().iter().map(|surprise| surprise.path().to_owned()).collect()
}

fn feature() -> Value {
    json!({
        "identifier": "name",
        "format": {"type": "string"},
        "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerToken": 3}}
    })
}

fn schema_of(features: &Value) -> Value {
    json!({"version": 3, "clkConfig": {"l": 64, "kdf": {"type": "HKDF"}}, "features": features})
}

fn sound() -> Value {
    schema_of(&json!([feature()]))
}

/// A sound schema with a value put at a pointer.
fn with(mut schema: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    schema.pointer_mut(parent).unwrap()[name] = value;
    schema
}

#[test]
fn verdicts_are_those_of_clkhash() {
    let answers = vectors("error-cases.json");
    let mut counts = [0, 0];
    for case in answers["cases"].as_array().unwrap() {
        let Some(schema) = case.get("schema") else { continue };
        let id = case["id"].as_str().unwrap();
        // clkhash finds a bad directive in the first row; nobody should have to wait for it.
        let refused = case["phase"] == "schema"
            || case["phase"] == "encode" && id.starts_with("schema-")
            || id == "date-bad-directive";
        match load(schema) {
            Ok(_) => assert!(!refused, "{id} was taken"),
            Err(problems) => {
                assert!(refused, "{id}: {problems:?}");
                assert!(problems.iter().all(|problem| problem.line == 1 && !problem.message.is_empty()));
            }
        }
        counts[usize::from(refused)] += 1;
    }
    assert!(counts[0] >= 45 && counts[1] >= 70, "{counts:?}");
}

#[test]
fn public_schemas_are_read_and_upgraded() {
    for (name, schema, upgraded) in public() {
        let loaded = load(&schema).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        let again = load(&upgraded).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        assert_eq!(loaded.version(), schema["version"].as_u64().unwrap() as u8);
        assert_eq!(again.version(), 3);
        assert_eq!(
            (loaded.length(), loaded.folds(), loaded.kdf()),
            (again.length(), again.folds(), again.kdf()),
            "{name}"
        );
        assert_eq!(format!("{:?}", loaded.features()), format!("{:?}", again.features()), "{name}");
        assert_eq!(loaded.length() as u64, schema["clkConfig"]["l"].as_u64().unwrap());
        assert_eq!(loaded.features().len(), schema["features"].as_array().unwrap().len());
    }
}

#[test]
fn everything_in_a_schema_is_kept() {
    let text = r#"{"version": 3.0, "clkConfig": {"l": 256, "xor_folds": 2,
        "kdf": {"type": "HKDF", "hash": "SHA512", "salt": "c2FsdA==", "info": "aW5mbw==", "keySize": 16}},
        "features": [{"identifier": "id", "ignored": true},
        {"identifier": "age", "format": {"type": "integer", "minimum": 0},
         "hashing": {"comparison": {"type": "numeric", "thresholdDistance": 2.5, "resolution": 5, "fractional_precision": 1},
                     "strategy": {"bitsPerFeature": 100}, "hash": {"type": "doubleHash", "prevent_singularity": true},
                     "missingValue": {"sentinel": "-", "replaceWith": ""}}}]}"#;
    let schema = LinkageSchema::from_json(text).unwrap();
    assert_eq!((schema.version(), schema.length(), schema.folds()), (3, 256, 2));
    let kdf = schema.kdf();
    assert_eq!((kdf.hash(), kdf.salt(), kdf.info(), kdf.key_size()), (KdfHash::Sha512, &b"salt"[..], &b"info"[..], 16));
    assert!(schema.features()[0].hashing().is_none());
    assert_eq!((schema.features()[0].identifier(), schema.features()[1].identifier()), ("id", "age"));
    let hashing = schema.features()[1].hashing().unwrap();
    assert!(matches!(hashing.format(), Format::Integer { minimum: Some(_), maximum: None }));
    let Comparison::Numeric { step, resolution: 5, precision: 1 } = hashing.comparison() else { panic!() };
    assert_eq!(step.to_string(), "25");
    assert_eq!(hashing.strategy(), Strategy::BitsPerFeature(100));
    assert_eq!(hashing.hash(), TokenHash::Double { prevent_singularity: true });
    let missing = hashing.missing_value().unwrap();
    assert_eq!((missing.sentinel(), missing.replace_with()), ("-", Some("")));
    let digest = Sha256::digest(text);
    assert_eq!(schema.sha256(), hex(&digest));
}

#[test]
fn problems_have_the_path_of_what_was_written() {
    let hashing = "/features/0/hashing";
    for (schema, key) in [
        (
            with(sound(), &format!("{hashing}/strategy"), json!({"bitsPerToken": 0})),
            "features[0].hashing.strategy.bitsPerToken",
        ),
        (with(sound(), &format!("{hashing}/foo"), json!(1)), "features[0].hashing.foo"),
        (with(sound(), "/features/0/format", json!({"type": "string", "pattern": "[a"})), "features[0].format.pattern"),
        (with(sound(), "/features/0/format", json!({"type": "date", "format": "%Q"})), "features[0].format.format"),
        (
            with(sound(), "/features/0/format", json!({"type": "enum", "values": ["a", 1]})),
            "features[0].format.values[1]",
        ),
        (with(sound(), "/features/0/identifier", json!(1)), "features[0].identifier"),
        (with(sound(), "/clkConfig/l", json!(100)), "clkConfig.l"),
        (with(sound(), "/clkConfig/l", json!(64.0)), "clkConfig.l"),
        (with(sound(), "/clkConfig/xor_folds", json!(-1)), "clkConfig.xor_folds"),
        (with(sound(), "/clkConfig/kdf/keySize", json!(65)), "clkConfig.kdf"),
        (with(sound(), "/clkConfig/kdf/salt", json!("c2FsdA")), "clkConfig.kdf.salt"),
        (with(sound(), "/features", json!([])), "features"),
        (with(sound(), "/version", json!("3")), "version"),
        (json!([]), ""),
    ] {
        assert_eq!(keys(&schema), [key], "{schema}");
    }
    // Of an older version, the path in the older version.
    let hash = json!({"type": "blakeHash"});
    let config = json!({"l": 64, "k": 10, "kdf": {"type": "HKDF"}, "hash": hash});
    let old = |hashing: Value| {
        let features = json!([{"identifier": "a", "format": {"type": "string"}, "hashing": hashing}]);
        json!({"version": 1, "clkConfig": config, "features": features})
    };
    assert_eq!(keys(&old(json!({"ngram": 2, "weight": 0.04}))), ["features[0].hashing.weight"]);
    assert_eq!(keys(&old(json!({"ngram": 0}))), ["features[0].hashing.ngram"]);
    assert_eq!(keys(&old(json!({"ngram": 0, "weight": 0}))), [""; 0]);
    let k =
        with(old(json!({"ngram": 2})), "/clkConfig/hash", json!({"type": "blakeHash", "prevent_singularity": true}));
    assert_eq!(keys(&k), ["clkConfig.hash.prevent_singularity"]);
}

#[test]
fn all_problems_are_found_at_once_with_their_lines() {
    let text = "{\"version\": 3,\n\"clkConfig\": {\"l\": 0,\n \"kdf\": {\"type\": \"HKDF\", \"hash\": \"MD5\"}},\n\"features\": [\n\
                {\"identifier\": 1},\n {\"identifier\": \"a\", \"ignored\": true, \"x\": 1}]}";
    let Err(error) = LinkageSchema::from_json(text) else { panic!() };
    let ErrorKind::Schema { problems, .. } = error.kind() else { panic!() };
    let found: Vec<(usize, &str)> = problems.iter().map(|problem| (problem.line, problem.key.as_str())).collect();
    assert_eq!(
        found,
        [
            (2, "clkConfig.l"),
            (3, "clkConfig.kdf.hash"),
            (5, "features[0].identifier"),
            (5, "features[0]"),
            (5, "features[0]"),
            (6, "features[1]")
        ]
    );
}

#[test]
fn surprises_are_told() {
    let strategy = "/features/0/hashing/strategy";
    let numeric = json!({"type": "numeric", "thresholdDistance": 2.5, "resolution": 2, "fractionalPrecision": 1});
    let twice = schema_of(&json!([feature(), feature()]));
    let id = || json!({"identifier": "id", "ignored": true});
    let mut last = feature();
    last["identifier"] = json!("other");
    let between = schema_of(&json!([id(), feature(), id(), last, id()]));
    for (schema, paths) in [
        (with(sound(), "/clkConfig/xorFolds", json!(1)), vec!["clkConfig.xorFolds"]),
        (
            with(sound(), "/features/0/hashing/comparison", numeric),
            vec![
                "features[0].hashing.comparison.fractionalPrecision",
                "features[0].hashing.comparison.thresholdDistance",
                "features[0]",
            ],
        ),
        (
            with(sound(), "/features/0/hashing/missingValue", json!({"sentinel": "NA"})),
            vec!["features[0].hashing.missingValue"],
        ),
        (with(sound(), strategy, json!({"bitsPerFeature": 5})), vec!["features[0]"]),
        (with(sound(), strategy, json!({"bitsPerToken": 5.0})), vec!["features[0].hashing.strategy.bitsPerToken"]),
        (with(sound(), "/clkConfig/l", json!(1 << 17)), vec!["clkConfig.l"]),
        (with(sound(), "/clkConfig/k", json!(3)), vec!["clkConfig.k"]),
        (with(sound(), "/clkConfig/kdf/salt", json!("c2Fs-dA==")), vec!["clkConfig.kdf.salt"]),
        (with(sound(), "/features/0/format", json!({"type": "string", "encoding": "utf-16"})), vec!["features[0]"]),
        (
            with(sound(), "/features/0/format", json!({"type": "date", "format": "%d%m"})),
            vec!["features[0].format.format"],
        ),
        (twice, vec!["features[1]"]),
        (schema_of(&json!([id(), feature()])), vec![]),
        (between, vec!["features", "features[2]", "features[4]"]),
    ] {
        let mut found = surprises(&schema);
        found.sort();
        let mut paths = paths;
        paths.sort_unstable();
        assert_eq!(found, paths, "{schema}");
    }
    let text = sound().to_string().replace("\"l\":64", "\"l\":32,\"l\":64");
    assert_eq!(LinkageSchema::from_json(&text).unwrap().surprises().len(), 1);
}

#[test]
fn a_clean_schema_has_no_surprises() {
    assert_eq!(surprises(&sound()), [""; 0]);
    let mut schema = sound();
    schema["features"] = json!([
        {"identifier": "surname", "format": {"type": "string", "encoding": "utf-8", "maxLength": 60},
         "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerFeature": 200}, "hash": {"type": "blakeHash"},
                     "missingValue": {"sentinel": "NA", "replaceWith": ""}}},
        {"identifier": "born", "format": {"type": "date", "format": "%Y-%m-%d"}, "description": "the date of birth",
         "hashing": {"comparison": {"type": "ngram", "n": 1, "positional": true}, "strategy": {"bitsPerFeature": 100}}},
        {"identifier": "row", "ignored": true}
    ]);
    schema["description"] = json!("people");
    assert_eq!(surprises(&schema), [""; 0]);
}

#[test]
fn files_are_read_and_keys_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schema.json");
    let text = sound().to_string();
    fs::write(&path, &text).unwrap();
    assert_eq!(LinkageSchema::from_path(&path).unwrap().sha256(), LinkageSchema::from_json(&text).unwrap().sha256());
    fs::write(&path, format!("{}\n", "a1".repeat(32))).unwrap();
    assert!(matches!(LinkageSchema::from_path(&path).unwrap_err().kind(), ErrorKind::Key { .. }));
    fs::write(&path, b"{\n\"a\": \"\xff\"}").unwrap();
    let error = LinkageSchema::from_path(&path).unwrap_err();
    assert!(error.to_string().contains("schema.json") && error.to_string().contains("line 2"), "{error}");
    assert!(matches!(LinkageSchema::from_path(folder.path().join("none")).unwrap_err().kind(), ErrorKind::Io { .. }));
}

#[test]
fn absurd_sizes_are_refused_and_soon() {
    let start = std::time::Instant::now();
    for (pointer, value) in [
        ("/clkConfig/l", json!(1u64 << 62)),
        ("/clkConfig/xor_folds", json!(1_000_000)),
        ("/clkConfig/kdf/keySize", json!(1_000_000_000)),
        ("/features/0/hashing/comparison/n", json!(1_000_000_000)),
        ("/features/0/hashing/strategy/bitsPerToken", json!(1e25)),
        (
            "/features/0/hashing/comparison",
            json!({"type": "numeric", "thresholdDistance": 1, "resolution": 1, "fractional_precision": 1_000_000}),
        ),
    ] {
        assert_eq!(keys(&with(sound(), pointer, value)).len(), 1, "{pointer}");
    }
    for text in [
        "[".repeat(10_000_000),
        "1".repeat(10_000_000),
        format!("\"{}", "\\u0041".repeat(1_000_000)),
        " ".repeat(20_000_000),
    ] {
        assert!(LinkageSchema::from_json(&text).is_err());
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(30), "{:?}", start.elapsed());
}

/// Somewhere in a document.
fn replace(value: &mut Value, place: &mut usize, new: &Value) {
    if *place == 0 {
        *value = new.clone();
    }
    *place = place.wrapping_sub(1);
    match value {
        Value::Array(all) => all.iter_mut().for_each(|value| replace(value, place, new)),
        Value::Object(all) => all.values_mut().for_each(|value| replace(value, place, new)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_damaged_schema_is_read_or_refused(which in 0usize..14, places in proptest::collection::vec(0usize..80, 1..4), value in 0usize..12) {
        let values = [
            json!(null), json!(true), json!(0), json!(-1), json!(2.5), json!(1e300), json!(""), json!("%Y"), json!("é("), json!([]),
            json!({}), json!({"type": "exact"}),
        ];
        let (_, mut schema, _) = public().swap_remove(which);
        for mut place in places {
            replace(&mut schema, &mut place, &values[value]);
        }
        if let Ok(loaded) = load(&schema) {
            prop_assert!(!loaded.features().is_empty() && loaded.length() > 0);
            prop_assert_eq!(format!("{loaded:?}"), format!("{:?}", load(&schema).unwrap()));
        }
    }
}
