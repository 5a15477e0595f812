//! A linkage schema as schemas of this crate: the same CLKs as a cohort, and the way out of them.
#![allow(clippy::unwrap_used, reason = "a test that panics has said what is wrong")]
#![cfg(all(feature = "clkhash", feature = "linkage", feature = "synth"))]

use std::collections::HashMap;

use pprl::clkhash::{ClkEncoder, LinkageSchema, Secret};
use pprl::schema::{Date, Kind, Project};
use pprl::synth::{Agency, Options, Population};
use pprl::{Encoder, ErrorKind, Linker, ProjectKey, Record, Schema};

const REASON: &str = "the agreement of 2021 goes on until summer";

fn schema() -> LinkageSchema {
    LinkageSchema::from_json(&include_str!("../benches/clkhash_schema.json").replace("HASH", "blakeHash")).unwrap()
}

fn project() -> Project {
    let parties = ["police", "education"].map(str::to_owned).to_vec();
    Project::new("clkhash-test", "A test", parties, Date::parse_iso("2099-12-31").unwrap())
}

fn encoder(secret: &str) -> ClkEncoder {
    ClkEncoder::new(&schema(), &Secret::from_bytes(secret.as_bytes().to_vec()), REASON).unwrap()
}

/// What an agency has written down, its dates as the linkage schema reads them: clkhash leaves that to the owner.
fn people(population: &Population, agency: Agency) -> (Vec<Record>, HashMap<String, String>) {
    let iso = |text: &str| {
        let british = || {
            let parts: Vec<&str> = text.split('/').collect();
            let [day, month, year] = parts[..] else { return None };
            Date::parse_iso(&format!("{year}-{month:0>2}-{day:0>2}"))
        };
        Date::parse_iso(text).or_else(british).map(|date| date.to_string()).unwrap_or_default()
    };
    let mut who = HashMap::new();
    let record = |r: &pprl::synth::Record| {
        who.insert(r.record_id.clone(), r.person_id.clone());
        let values = [r.forename.clone(), r.surname.clone(), iso(&r.date_of_birth), r.postcode.clone()];
        Record::new(r.record_id.clone(), values.to_vec())
    };
    (population.records(agency).iter().map(record).collect(), who)
}

#[test]
fn a_cohort_has_the_same_clks_and_is_linked() {
    let population =
        Population::generate(&Options { seed: 5, children: 700, cohort: 150, ..Options::default() }).unwrap();
    let agreement = schema().agreement(project(), REASON).unwrap();
    assert_eq!(agreement.accept_risk(), Some(REASON));
    assert_eq!(agreement.encodings()[0].clkhash(), Some(schema().sha256()));
    assert_eq!(Schema::from_toml(&agreement.to_toml()).unwrap(), agreement);
    let encoder = encoder("secret").seed([7; 32]);
    let mut cohorts = Vec::new();
    let mut who = Vec::new();
    for (party, agency) in [("police", Agency::Police), ("education", Agency::Education)] {
        let (records, persons) = people(&population, agency);
        let encoded = encoder.encode_records(&agreement, party, &records).unwrap();
        let rows: Vec<&[String]> = records.iter().map(Record::values).collect();
        let plain = encoder.encode(&rows).unwrap();
        let place: HashMap<&str, usize> = records.iter().enumerate().map(|(row, record)| (record.id(), row)).collect();
        let mut order = Vec::new();
        for (row, (_, own)) in encoded.row_map.entries().iter().enumerate() {
            assert_eq!(encoded.cohort.encodings()[0].row(row), plain.clks.matrix().row(place[own.as_str()]));
            order.push(place[own.as_str()]);
        }
        assert!(!order.is_sorted(), "the order of the file does not cross");
        let manifest = encoded.cohort.manifest();
        assert_eq!((manifest.accept_risk.as_deref(), manifest.key_check.as_str()), (Some(REASON), encoder.key_check()));
        // The same seed, the same bytes.
        assert_eq!(encoder.encode_records(&agreement, party, &records).unwrap().cohort, encoded.cohort);
        let of_row: HashMap<_, _> =
            encoded.row_map.to_map().into_iter().map(|(id, own)| (id, persons[own].clone())).collect();
        who.push(of_row);
        cohorts.push(encoded.cohort);
    }
    let links = Linker::new(&agreement).link(&[&cohorts[0], &cohorts[1]]).unwrap();
    let person = |member: pprl::linkage::Member| {
        let id = cohorts[member.cohort].row_ids()[member.row as usize];
        who[member.cohort][&id].clone()
    };
    let right = links.links().iter().filter(|link| person(link.a) == person(link.b));
    let (found, right) = (links.links().len(), right.count());
    assert!(found > 60 && right * 100 >= found * 95, "{right} of {found}");
    assert!(links.summary().to_string().contains(REASON));
    assert!(links.report().to_html().contains(REASON) && links.report().to_json().contains(REASON));
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let agreement = schema().agreement(project(), REASON).unwrap();
    let record = || vec![Record::new("1", ["Ann", "Lee", "1980-01-02", "OX1 1AA"].map(str::to_owned).to_vec())];
    let good = encoder("secret").encode_records(&agreement, "police", &record()).unwrap();
    assert_eq!(good.quality.fields[2].present, 1);
    let kind = |result: pprl::Result<pprl::Encoded>| result.unwrap_err().into_kind();
    let other = LinkageSchema::from_json(&include_str!("../benches/clkhash_schema.json").replace("HASH", "doubleHash"))
        .unwrap();
    let other = other.agreement(project(), REASON).unwrap();
    let mismatch = kind(encoder("secret").encode_records(&other, "police", &record()));
    assert!(matches!(mismatch, ErrorKind::Mismatch { .. }));
    let because = schema().agreement(project(), "another reason in words").unwrap();
    assert!(matches!(
        kind(encoder("secret").encode_records(&because, "police", &record())),
        ErrorKind::Mismatch { .. }
    ));
    assert!(matches!(
        kind(encoder("secret").encode_records(&agreement, "school", &record())),
        ErrorKind::Argument { .. }
    ));
    let short = [Record::new("1", vec!["Ann".to_owned()])];
    assert!(matches!(kind(encoder("secret").encode_records(&agreement, "police", &short)), ErrorKind::Rows { .. }));
    let bad = [Record::new("1", ["Ann", "Lee", "02/01/1980", "OX1 1AA"].map(str::to_owned).to_vec())];
    let error = encoder("secret").encode_records(&agreement, "police", &bad).unwrap_err().to_string();
    assert!(error.contains("date_of_birth") && !error.contains("1980"), "{error}");

    // Another secret is another key, which the linkage unit sees.
    let stranger = encoder("other").encode_records(&agreement, "education", &record()).unwrap();
    let links = Linker::new(&agreement).link(&[&good.cohort, &stranger.cohort]);
    assert!(matches!(links.unwrap_err().into_kind(), ErrorKind::Mismatch { .. }));
    // What is clkhash's is not encoded natively.
    let key = ProjectKey::generate().unwrap();
    assert!(Encoder::new(&agreement, &key, "police").unwrap_err().to_string().contains("clkhash"));
    // A small file needs a reason, as any.
    let folder = tempfile::tempdir().unwrap();
    assert!(good.write(folder.path().join("small")).is_err());
    let released = encoder("secret").release_small("a test of a small file").unwrap();
    released.encode_records(&agreement, "police", &record()).unwrap().write(folder.path().join("small")).unwrap();
    assert!(schema().agreement(project(), "short").is_err(), "a schema's reason has ten characters");
}

#[test]
fn the_way_out_has_the_same_fields_and_no_risk() {
    let native = schema().native(project()).unwrap();
    let names: Vec<&str> = native.schema.fields().iter().map(pprl::schema::Field::name).collect();
    assert_eq!(names, ["given_name", "surname", "date_of_birth", "postcode"]);
    assert!(native.schema.risks().is_empty() && native.schema.accept_risk().is_none());
    // Two names, a date, a postcode: what was measured.
    let budgets = |schema: &Schema| -> Vec<Vec<usize>> {
        schema.encodings().iter().map(|e| e.budgets().iter().map(|&(_, bits)| bits).collect()).collect()
    };
    assert_eq!(budgets(&native.schema), budgets(&Schema::uk_person()));
    assert_eq!(native.schema.encodings()[0].name(), "no_postcode");
    assert!(!native.notes.is_empty());
    let key = ProjectKey::from_bytes([9; 32]);
    let people: Vec<Record> = (0..3)
        .map(|i| Record::new(i.to_string(), ["Ann", "Lee", "1980-01-02", "OX1 1AA"].map(str::to_owned).to_vec()))
        .collect();
    assert_eq!(Encoder::new(&native.schema, &key, "police").unwrap().encode(&people).unwrap().cohort.rows(), 3);
}

/// Features as (identifier, format, comparison, bits for a feature).
fn of(features: &[(&str, &str, &str, usize)]) -> LinkageSchema {
    let feature = |&(identifier, format, comparison, bits): &(&str, &str, &str, usize)| {
        format!(
            r#"{{"identifier": "{identifier}", "format": {format}, "hashing": {{"comparison": {comparison},
            "strategy": {{"bitsPerFeature": {bits}}}, "missingValue": {{"sentinel": "NA", "replaceWith": ""}}}}}}"#
        )
    };
    let features: Vec<String> = features.iter().map(feature).collect();
    let text = format!(
        r#"{{"version": 3, "clkConfig": {{"l": 1024, "kdf": {{"type": "HKDF"}}}},
        "features": [{{"identifier": "id", "ignored": true}}, {}]}}"#,
        features.join(", ")
    );
    LinkageSchema::from_json(&text).unwrap()
}

const STRING: &str = r#"{"type": "string"}"#;
const BIGRAMS: &str = r#"{"type": "ngram", "n": 2}"#;
const EXACT: &str = r#"{"type": "exact"}"#;

#[test]
fn weights_and_kinds_follow_the_linkage_schema() {
    let schema = of(&[
        ("First Name", STRING, BIGRAMS, 200),
        ("LAST-NAME", STRING, BIGRAMS, 300),
        ("dob", r#"{"type": "date", "format": "%d/%m/%Y"}"#, BIGRAMS, 100),
        ("Sex", r#"{"type": "enum", "values": ["M", "F"]}"#, EXACT, 20),
        ("nhs_no", STRING, EXACT, 60),
        ("street", STRING, BIGRAMS, 150),
        ("street", STRING, BIGRAMS, 50),
    ]);
    let native = schema.native(project()).unwrap().schema;
    let fields = native.fields();
    let names: Vec<&str> = fields.iter().map(pprl::schema::Field::name).collect();
    assert_eq!(names, ["first_name", "last_name", "dob", "sex", "nhs_no", "street", "street_2"]);
    assert_eq!(fields[0].column(), "First Name");
    assert_eq!((fields[0].kind(), fields[0].space()), (&Kind::Name, "names"));
    assert!(matches!(fields[2].kind(), Kind::Date { .. }) && matches!(fields[4].kind(), Kind::Identifier(_)));
    assert_eq!((fields[3].kind(), fields[5].kind()), (&Kind::Exact, &Kind::Text));
    // Each of the heaviest four is left out once; the others are in all, with their shares of 256.
    let left: Vec<&str> = native.encodings().iter().map(pprl::schema::Encoding::name).collect();
    assert_eq!(left, ["no_last_name", "no_first_name", "no_street", "no_dob"]);
    let without_last: Vec<(usize, usize)> = native.encodings()[0].budgets().to_vec();
    assert_eq!(
        without_last,
        [(0, 256 * 200 / 520), (2, 256 * 100 / 520), (3, 256 * 20 / 520), (5, 256 * 150 / 520), (6, 256 * 50 / 520)]
    );
    assert!(native.risks().is_empty());
    let keys: Vec<&str> = native.match_keys().iter().map(pprl::schema::MatchKey::name).collect();
    assert_eq!(keys, ["nhs_no", "person"]);

    let three = of(&[("a", STRING, BIGRAMS, 10), ("b", STRING, BIGRAMS, 10), ("c", STRING, BIGRAMS, 10)]);
    assert_eq!(three.native(project()).unwrap().schema.encodings().len(), 1);
    let two = of(&[("a", STRING, BIGRAMS, 10), ("b", STRING, BIGRAMS, 10), ("nhs_number", STRING, EXACT, 10)]);
    assert!(matches!(two.native(project()).unwrap_err().into_kind(), ErrorKind::Argument { .. }));
    // The agreement about it holds, whatever the weights add up to.
    let agreement = schema.agreement(project(), REASON).unwrap();
    assert_eq!(agreement.fields().len(), 7);
}

#[cfg(feature = "audit")]
#[test]
fn the_audit_says_what_a_clk_is_worth_and_why_it_is_accepted() {
    let population =
        Population::generate(&Options { seed: 6, children: 500, cohort: 60, ..Options::default() }).unwrap();
    let agreement = schema().agreement(project(), REASON).unwrap();
    let (records, _) = people(&population, Agency::Education);
    let encoded = encoder("secret").seed([1; 32]).encode_records(&agreement, "education", &records).unwrap();
    let report = pprl::audit::Audit::new().quick(true).run(&agreement, &records, &encoded).unwrap();
    assert!(!report.passed() && report.to_json().contains(REASON) && report.to_html().contains(REASON));
    report.check_release(&encoded.cohort).unwrap();
    let share = |id: &str| report.gates().iter().find(|gate| gate.id == id).unwrap().value;
    assert!(share("A5.ridge.random.known-100") > 0.5, "{}", share("A5.ridge.random.known-100"));
}
