//! A0: what can be said of a configuration before anybody attacks anything.
//!
//! What other programs have to be checked for cannot be set up here: a key has 256 bits and is read from a file or made
//! by the operating system, positions are drawn with HMAC-SHA256 and never by double hashing, and no salt stands in for
//! a key.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::gate::Gate;
use super::subject::Subject;
use crate::schema::{Date, DateTokens, Encoding, Kind, Schema};

/// A schema that expires sooner than this is worth a word: the linkage has to be done by then.
const DAYS_AHEAD: i32 = 30;

/// The gates of A0. `key_file` is where the key was read from, if from a file.
///
/// An accepted risk fails the gate as any other: whether the acceptance is enough is for the verdict to say.
pub(super) fn check(subject: &Subject<'_>, today: Date, key_file: Option<&Path>) -> Vec<Gate> {
    let mut gates = configuration(subject.schema, today);
    gates.extend(key_file.map(mode));
    gates
}

fn configuration(schema: &Schema, today: Date) -> Vec<Gate> {
    let risks: Vec<String> = schema.risks().iter().map(ToString::to_string).collect();
    let encodings: Map<String, Value> =
        schema.encodings().iter().map(|encoding| (encoding.name().to_owned(), described(encoding))).collect();
    let lint =
        Gate::must("A0", "Risks of the schema that published or measured attacks exploit", risks.len() as f64, 0.0)
            .with("risks", risks)
            .with("accepted", schema.accept_risk())
            .with("encodings", encodings);

    let mut dates = Map::new();
    let mut digits = Vec::new();
    for (at, field) in schema.fields().iter().enumerate() {
        let Kind::Date { tokens, .. } = field.kind() else { continue };
        dates.insert(field.name().to_owned(), tokens.as_str().into());
        let diffused = schema.encodings().iter().any(|encoding| encoding.is_diffused() && encoding.has(at));
        if *tokens == DateTokens::Digits && diffused {
            digits.push(field.name());
        }
    }
    let title = "Dates that go into a diffused encoding digit by digit: few different tokens, each of many people";
    let dates = Gate::warning("A0.dates", title, digits.len() as f64, 0.0).with("tokens", dates).with("digits", digits);

    let left = schema.project().expires().number() - today.number();
    let title = format!("Days short of {DAYS_AHEAD} until the schema expires");
    let expiry = Gate::warning("A0.expiry", title, f64::from((DAYS_AHEAD - left).max(0)), 0.0)
        .with("expires", schema.project().expires().to_string())
        .with("days_left", left);
    vec![lint, dates, expiry]
}

/// The dose T = t·B/m is how many bits of the record each output bit adds up, on average.
fn described(encoding: &Encoding) -> Value {
    let (budget, length) = (encoding.budget() as f64, encoding.length() as f64);
    json!({
        "length": encoding.length(),
        "diffusion": encoding.diffusion(),
        "output": encoding.output(),
        "budget": encoding.budget(),
        "fields": encoding.budgets().len(),
        "dose": encoding.diffusion() as f64 * budget / length,
    })
}

/// Whether anybody but its owner may use the key file. A file that cannot be looked at holds nothing.
fn mode(path: &Path) -> Gate {
    let gate = |value| Gate::must("A0.key-file", "Whether others than its owner may use the key file", value, 0.0);
    let Ok(metadata) = std::fs::metadata(path) else {
        return gate(f64::NAN).with("reason", "the key file cannot be looked at");
    };
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        gate(f64::from(u8::from(mode & 0o077 != 0))).with("mode", format!("{mode:04o}"))
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        Gate::information("A0.key-file", "Who may use the key file is not known on this system", 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Missing;

    fn gate<'a>(gates: &'a [Gate], id: &str) -> &'a Gate {
        gates.iter().find(|gate| gate.id == id).unwrap()
    }

    #[test]
    fn the_default_has_no_risks_and_a_plain_filter_has() {
        let guarded = Schema::uk_person();
        let today = Date::new(2026, 1, 1).unwrap();
        let gates = configuration(&guarded, today);
        assert!(gates.iter().all(|gate| gate.passed), "{gates:?}");
        let dose = gate(&gates, "A0").details["encodings"]["no_postcode"]["dose"].as_f64().unwrap();
        assert!((dose - 14.0 * 256.0 / 1024.0).abs() < 1e-12, "{dose}");
        assert_eq!(gate(&gates, "A0.dates").details["tokens"]["date_of_birth"], "parts");

        let clk = Encoding::new("clk", 1024, 0, 1024, Missing::Empty, vec![(0, 80), (1, 80), (2, 80)]);
        let plain = guarded.with_encodings(vec![clk], "a test of accepted risks").unwrap();
        let gates = configuration(&plain, today);
        let lint = gate(&gates, "A0");
        assert!(!lint.passed && lint.value == plain.risks().len() as f64, "accepted, and a failure all the same");
        assert_eq!(lint.details["accepted"], "a test of accepted risks");
        assert!(lint.details["risks"][0].as_str().unwrap().contains("not diffused"));
        // Digits in a plain filter are as they should be.
        assert!(gate(&gates, "A0.dates").passed);
    }

    #[test]
    fn digits_in_a_diffused_encoding_are_told() {
        let text = Schema::uk_person().to_toml().replace("tokens = \"parts\"", "tokens = \"digits\"");
        let gates = configuration(&Schema::from_toml(&text).unwrap(), Date::new(2026, 1, 1).unwrap());
        let dates = gate(&gates, "A0.dates");
        assert!(!dates.passed && dates.details["digits"][0] == "date_of_birth");
    }

    #[test]
    fn the_last_thirty_days_are_told() {
        let schema = Schema::uk_person();
        for (today, days, passed) in [
            ((2035, 12, 1), 30, true),
            ((2035, 12, 2), 29, false),
            ((2036, 1, 1), -1, false),
            ((2030, 1, 1), 2190, true),
        ] {
            let gates = configuration(&schema, Date::new(today.0, today.1, today.2).unwrap());
            let expiry = gate(&gates, "A0.expiry");
            assert_eq!((expiry.passed, expiry.details["days_left"].as_i64()), (passed, Some(days)), "{today:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_read_fails() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("project.key");
        assert!(!mode(&path).passed, "nothing is there");
        std::fs::write(&path, "no key").unwrap();
        for (bits, passed) in [(0o600, true), (0o400, true), (0o640, false), (0o602, false), (0o644, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(bits)).unwrap();
            let gate = mode(&path);
            assert_eq!(gate.passed, passed, "{bits:o}");
            assert_eq!(gate.details["mode"], format!("{bits:04o}"));
        }
    }
}
