//! Formats against what clkhash said of values: `tests/vectors/clkhash`.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::clkhash::schema::{Hashing, LinkageSchema};

fn column(format: &Value, missing: Option<&Value>) -> Hashing {
    let mut hashing = json!({"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerToken": 3}});
    if let Some(missing) = missing {
        hashing["missingValue"] = missing.clone();
    }
    let features = json!([{"identifier": "a", "format": format, "hashing": hashing}]);
    let schema = json!({"version": 3, "clkConfig": {"l": 64, "kdf": {"type": "HKDF"}}, "features": features});
    LinkageSchema::from_json(&schema.to_string()).unwrap().features()[0].hashing().unwrap().clone()
}

fn format(format: &Value) -> Format {
    column(format, None).format().clone()
}

/// As an encoder treats a value.
fn replaced<'a>(column: &'a Hashing, value: &'a str) -> Option<&'a str> {
    let missing = column.missing_value().filter(|missing| missing.sentinel() == value)?;
    Some(missing.replace_with().unwrap_or(missing.sentinel()))
}

fn vectors(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn values_are_written_as_clkhash_writes_them() {
    let answers = vectors(include_str!("../../../tests/vectors/clkhash/unit_level.json"));
    let cases = answers["format_value"].as_array().unwrap();
    assert!(cases.len() >= 60);
    for case in cases {
        let column = column(&case["format"], case.get("missingValue").filter(|missing| !missing.is_null()));
        let value = case["value"].as_str().unwrap();
        let written =
            replaced(&column, value).map_or_else(|| column.format().canonical(value), |text| Ok(Cow::Borrowed(text)));
        assert_eq!(written.ok().as_deref(), case["formatted"].as_str(), "{case}");
    }
}

#[test]
fn values_are_refused_where_clkhash_refuses_them() {
    let answers = vectors(include_str!("../../../tests/vectors/clkhash/error-cases.json"));
    let (mut refused, mut accepted) = (0, 0);
    for case in answers["cases"].as_array().unwrap() {
        let Some(schema) = case.get("schema").and_then(|schema| LinkageSchema::from_json(&schema.to_string()).ok())
        else {
            continue;
        };
        let (Some(rows), phase) = (case["rows"].as_array(), case["phase"].as_str()) else { continue };
        let rows: Vec<Vec<&str>> = rows
            .iter()
            .map(|row| row.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect())
            .collect();
        // What rows and tokens make wrong is others' work.
        let id = case["id"].as_str().unwrap();
        if rows.iter().any(|row| row.len() != schema.features().len())
            || id.starts_with("numeric-")
            || id.starts_with("csv-")
        {
            continue;
        }
        let validate = case["validate"].as_bool().unwrap();
        let sound = rows.iter().all(|row| {
            row.iter().zip(schema.features()).all(|(value, feature)| {
                let Some(column) = feature.hashing() else { return true };
                replaced(column, value).is_some()
                    || (!validate || column.format().check(value).is_ok())
                        && column
                            .format()
                            .canonical(value)
                            .is_ok_and(|text| column.format().encoding().can_write(&text))
            })
        });
        assert_eq!(sound, case["outcome"] == "accepted", "{id}, phase {phase:?}");
        *(if sound { &mut accepted } else { &mut refused }) += 1;
    }
    assert!(refused >= 28 && accepted >= 12, "{refused} {accepted}");
}

#[test]
fn texts_have_a_length_in_code_points_and_a_case() {
    let text = format(&json!({"type": "string", "case": "upper", "minLength": 2, "maxLength": 3}));
    for value in ["AB", "ÉÉÉ", "12", "E\u{301}X", "\u{1d7d8}\u{1d7d8}"] {
        assert_eq!(text.check(value), Ok(()), "{value}");
    }
    for value in ["", "A", "ABCD", "Ab", "ßA", "ŉA", "ǅA"] {
        assert!(text.check(value).is_err(), "{value}");
    }
    let lower = format(&json!({"type": "string", "case": "lower"}));
    assert!(lower.check("ας").is_ok() && lower.check("αΣ").is_err() && lower.check("").is_ok());
    let ascii = format(&json!({"type": "string", "encoding": "ascii"}));
    assert!(ascii.check("Zoe").is_ok() && ascii.check("Zoë").is_err());
    assert_eq!(ascii.canonical("Zoë").unwrap(), "Zoë");
}

#[test]
fn integers_have_bounds_of_any_size() {
    let most = "123456789012345678901234567890";
    let text = format!("{{\"type\": \"integer\", \"minimum\": -5, \"maximum\": {most}}}");
    let schema = format!(
        "{{\"version\": 3, \"clkConfig\": {{\"l\": 64, \"kdf\": {{\"type\": \"HKDF\"}}}}, \"features\": [{{\"identifier\": \"a\", \
         \"format\": {text}, \"hashing\": {{\"comparison\": {{\"type\": \"exact\"}}, \"strategy\": {{\"bitsPerToken\": 1}}}}}}]}}"
    );
    let schema = LinkageSchema::from_json(&schema).unwrap();
    let format = schema.features()[0].hashing().unwrap().format();
    for (value, sound) in [
        ("-5", true),
        ("-6", false),
        (most, true),
        ("123456789012345678901234567891", false),
        ("1.0", false),
        (" 7_0 ", true),
    ] {
        assert_eq!(format.check(value).is_ok(), sound, "{value}");
    }
    for (value, written) in
        [("-0", "0"), ("007", "7"), ("-012", "-12"), ("+5", "5"), ("12", "12"), ("\u{ff11}", "1"), ("0", "0")]
    {
        assert_eq!(format.canonical(value).unwrap(), written);
    }
    assert!(format.canonical("-").is_err() && format.canonical("").is_err());
}

#[test]
fn a_problem_never_shows_the_value() {
    let value = "Zoë's secret 0";
    for json in [
        json!({"type": "string", "encoding": "ascii"}),
        json!({"type": "string", "case": "upper"}),
        json!({"type": "string", "maxLength": 2}),
        json!({"type": "string", "minLength": 99}),
        json!({"type": "string", "pattern": "x"}),
        json!({"type": "integer"}),
        json!({"type": "date", "format": "%Y"}),
        json!({"type": "enum", "values": ["x"]}),
    ] {
        let problem = format(&json).check(value).unwrap_err();
        assert!(!problem.contains("secret") && !problem.is_empty(), "{json}");
    }
}

proptest! {
    #[test]
    fn any_value_is_taken_or_refused(value: String, short in "[0-9 /:+_a-z\\u{ff10}-\\u{ff19}-]{0,12}") {
        for json in [
            json!({"type": "string", "case": "upper"}),
            json!({"type": "string", "pattern": "(?i)\\w+|[^a-z\\s]*"}),
            json!({"type": "integer"}),
            json!({"type": "date", "format": "%d %B %Y %z"}),
            json!({"type": "date", "format": "%d/%m/%y"}),
        ] {
            let format = format(&json);
            for value in [&value, &short] {
                if format.check(value).is_ok() {
                    let written = format.canonical(value);
                    prop_assert!(written.is_ok());
                }
            }
        }
    }

    #[test]
    fn integers_are_written_as_big_integers_are(number: i64, zeros in 0usize..4) {
        let format = format(&json!({"type": "integer"}));
        let sign = if number < 0 { "-" } else { "" };
        let text = format!("{sign}{}{}", "0".repeat(zeros), number.unsigned_abs());
        prop_assert_eq!(format.canonical(&text).unwrap(), number.to_string());
    }
}
