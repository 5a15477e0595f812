//! The crate against `tests/vectors/native-v1.json`, `rarity-v1.json` and `hardening-v1.json`: the answers of a second
//! implementation, `tests/vectors/reference.py`, which was written from `docs/encoding.md` alone.
#![cfg(feature = "owner")]
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use pprl::cohort::BitMatrix;
use pprl::owner::RarityList;
use pprl::{Cohort, Encoded, Encoder, ProjectKey, Record, Schema};
use serde_json::Value;

const REGENERATE: &str = "python3 tests/vectors/reference.py generate";

fn rarity_vectors() -> Value {
    serde_json::from_str(include_str!("vectors/rarity-v1.json")).expect("the vectors are JSON")
}

fn hardening_vectors() -> Value {
    serde_json::from_str(include_str!("vectors/hardening-v1.json")).expect("the vectors are JSON")
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/native-v1.json")).expect("the vectors are JSON")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("the vectors have no {key}"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("the vectors have no {key}"))
}

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).expect("hexadecimal")).collect()
}

fn bytes32(case: &Value, key: &str) -> [u8; 32] {
    unhex(text(case, key)).try_into().expect("32 bytes")
}

fn records(list: &[Value]) -> Vec<Record> {
    let record = |record: &Value| {
        let values = record["values"].as_array().expect("values").iter().map(|v| v.as_str().expect("text").to_owned());
        Record::new(text(record, "id"), values.collect())
    };
    list.iter().map(record).collect()
}

fn encoder(case: &Value) -> Encoder {
    let schema = Schema::from_toml(text(case, "toml")).expect("the schema is sound");
    let key = ProjectKey::from_bytes(bytes32(case, "key"));
    let mut encoder = Encoder::new(&schema, &key, text(case, "party")).expect("an encoder").seed(bytes32(case, "seed"));
    let folder = tempfile::tempdir().expect("a folder");
    for (field, list) in case["lists"].as_object().into_iter().flatten() {
        let path = folder.path().join(field);
        std::fs::write(&path, list.as_str().expect("text")).expect("writes");
        encoder = encoder.rarity(field, &RarityList::read(&path).expect("a list")).expect("the list of the schema");
    }
    for list in case["names"].as_array().into_iter().flatten() {
        let path = folder.path().join("names");
        std::fs::write(&path, list.as_str().expect("text")).expect("writes");
        encoder = encoder.names(&RarityList::read(&path).expect("a list")).expect("the list of the schema");
    }
    if case.get("noise").is_some() {
        encoder = encoder.noise(&ProjectKey::from_bytes(bytes32(case, "noise"))).expect("the schema asks for noise");
    }
    encoder
}

/// Two long texts: where they part, and a little of both. The vectors hold nobody's data.
fn same_text(what: &str, ours: &str, theirs: &str) {
    if ours == theirs {
        return;
    }
    let place = ours.bytes().zip(theirs.bytes()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| {
        let end = text.len().min(place + 40);
        String::from_utf8_lossy(&text.as_bytes()[place.saturating_sub(20).min(end)..end]).into_owned()
    };
    panic!("{what}: differs from byte {place} on: the crate has …{}…, the vectors …{}…", around(ours), around(theirs));
}

/// The first rows in which two matrices differ.
fn same_rows(what: &str, order: &[&str], ours: &BitMatrix, theirs: &BitMatrix) {
    assert_eq!((ours.rows(), ours.bits()), (theirs.rows(), theirs.bits()), "{what}: rows and bits");
    let distance =
        |row: usize| -> u32 { ours.row(row).iter().zip(theirs.row(row)).map(|(a, b)| (a ^ b).count_ones()).sum() };
    let wrong: Vec<usize> = (0..ours.rows()).filter(|&row| distance(row) > 0).collect();
    let shown = wrong.iter().take(5).map(|&row| format!("{} by {} bits", order[row], distance(row)));
    let shown = shown.collect::<Vec<_>>().join(", ");
    assert!(wrong.is_empty(), "{what}: {} of {} rows differ: {shown}", wrong.len(), ours.rows());
}

/// Coarse to fine, so that the first thing that fails says most; at last byte for byte.
fn same_cohort(case: &Value, tool: &str, encoded: &Encoded) {
    let name = text(case, "name");
    let order: Vec<&str> = list(case, "order").iter().map(|id| id.as_str().expect("an id")).collect();
    let ours: Vec<&str> = encoded.row_map.entries().iter().map(|(_, own)| own.as_str()).collect();
    assert_eq!(ours, order, "{name}: order of rows");

    let mut theirs =
        list(case, "cohort").iter().map(|line| line.as_str().expect("a line")).collect::<Vec<_>>().join("\n");
    theirs.push('\n');
    // The one thing in a cohort that is the program's own.
    let own = concat!("\"tool\":\"pprl ", env!("CARGO_PKG_VERSION"), "\"");
    let theirs = theirs.replacen(&format!("\"tool\":\"{tool}\""), own, 1);
    let read = Cohort::from_json(theirs.as_bytes()).unwrap_or_else(|e| panic!("{name}: the reader refuses it: {e}"));
    let ours = &encoded.cohort;
    assert_eq!(ours.row_ids(), read.row_ids(), "{name}: row ids");
    for ((entry, ours), theirs) in ours.manifest().encodings.iter().zip(ours.encodings()).zip(read.encodings()) {
        same_rows(&format!("{name}, encoding {}", entry.name), &order, ours, theirs);
    }
    for ((key, ours), theirs) in ours.manifest().match_keys.iter().zip(ours.match_keys()).zip(read.match_keys()) {
        let wrong: Vec<&str> = (0..order.len()).filter(|&i| ours[i] != theirs[i]).map(|i| order[i]).collect();
        assert!(wrong.is_empty(), "{name}, match key {key}: differs for {wrong:?}");
    }
    for ((field, ours), theirs) in ours.manifest().rarity.iter().zip(ours.rarity()).zip(read.rarity()) {
        let wrong: Vec<&str> =
            (0..order.len()).filter(|&i| ours.class(i) != theirs.class(i)).map(|i| order[i]).collect();
        assert!(wrong.is_empty(), "{name}, rarity of {field}: differs for {wrong:?}");
    }
    assert_eq!(ours.manifest(), read.manifest(), "{name}: manifest");
    same_text(&format!("{name}, the file"), std::str::from_utf8(&ours.to_json()).expect("UTF-8"), &theirs);
}

/// How many values of each field are present, and missing for which reason.
fn same_reasons(case: &Value, encoded: &Encoded) {
    let Some(normal) = case["normal"].as_array() else { return };
    for (i, field) in encoded.quality.fields.iter().enumerate() {
        let count =
            |reason: &str| normal.iter().filter(|r| r[i]["missing"].as_str().unwrap_or("") == reason).count() as u64;
        let theirs = [count(""), count("empty"), count("placeholder"), count("invalid"), count("unreadable")];
        let ours = [field.present, field.empty, field.placeholder, field.invalid, field.unreadable];
        assert_eq!(ours, theirs, "{}, field {}: present and missing for each reason", text(case, "name"), field.field);
    }
}

#[test]
fn cohorts_are_the_references() {
    check(&vectors(), 8);
}

#[test]
fn cohorts_with_rarity_are_the_references() {
    check(&rarity_vectors(), 2);
}

#[test]
fn hardened_cohorts_are_the_references() {
    check(&hardening_vectors(), 4);
}

fn check(vectors: &Value, least: usize) {
    let cases = list(vectors, "cases");
    assert!(cases.len() >= least);
    for case in cases {
        let name = text(case, "name");
        let schema = Schema::from_toml(text(case, "toml")).unwrap_or_else(|e| panic!("{name}: {e}"));
        same_text(&format!("{name}, canonical form"), &schema.canonical(), text(case, "canonical"));
        assert_eq!(schema.fingerprint(), text(case, "fingerprint"), "{name}: fingerprint");
        let key = ProjectKey::from_bytes(bytes32(case, "key"));
        assert_eq!(key.check_value(&schema), text(case, "key_check"), "{name}: key check value");

        let mut encoder = encoder(case);
        if case.get("opt_out").is_some() {
            let people = encoder.opt_out_list(&records(list(case, "opt_out"))).expect("an opt-out list");
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("opt-out");
            people.write(&path).expect("writes");
            let file = std::fs::read(&path).expect("reads");
            assert!(file == unhex(text(case, "opt_out_list")), "{name}: the opt-out list's bytes differ");
            encoder = encoder.opt_out(people).expect("the same schema and key");
        }
        let encoded = encoder.encode(&records(list(case, "records"))).unwrap_or_else(|e| panic!("{name}: {e}"));
        same_cohort(case, text(vectors, "tool"), &encoded);
        same_reasons(case, &encoded);
    }
}

/// What becomes of each of thousands of code points between two letters; by match keys, which show a whole value exactly.
#[test]
fn code_points_become_what_the_reference_makes_of_them() {
    use sha2::{Digest, Sha256};

    let vectors = vectors();
    let table = &vectors["table"];
    let number = |digits: &str| u32::from_str_radix(digits, 16).expect("hexadecimal");
    let mut codes = Vec::new();
    for range in list(table, "ranges") {
        let range = range.as_str().expect("a range");
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        codes.extend(number(first)..=number(last));
    }
    assert_eq!(codes.len() as u64, table["code_points"].as_u64().expect("a number"));
    let (before, after) = (text(table, "before"), text(table, "after"));
    let record = |&code: &u32| {
        let c = char::from_u32(code).expect("a code point");
        Record::new(code.to_string(), vec![format!("{before}{c}{after}")])
    };
    let encoded = encoder(table).encode(&codes.iter().map(record).collect::<Vec<_>>()).expect("encodes");

    let rows = encoded.row_map.entries().iter().zip(&encoded.cohort.match_keys()[0]);
    let mut values: Vec<(u32, [u8; 16])> =
        rows.map(|((_, own), value)| (own.parse().expect("a number"), value.expect("a match key").0)).collect();
    values.sort_unstable();
    let mut wrong = Vec::new();
    for block in values.chunk_by(|a, b| a.0 >> 8 == b.0 >> 8) {
        let mut hash = Sha256::new();
        block.iter().for_each(|(_, value)| hash.update(value));
        let name = format!("{:X}", block[0].0 >> 8);
        if hash.finalize()[..4] != unhex(text(&table["blocks"], &name)) {
            wrong.push(format!("U+{name}xx"));
        }
    }
    // U+A7D3 and U+A7D5 have an upper case from Unicode 17.0 on, which older compilers do not know.
    if char::UNICODE_VERSION.0 < 17 {
        println!("this compiler has Unicode {}: block U+A7xx is not checked", char::UNICODE_VERSION.0);
        wrong.retain(|block| block != "U+A7xx");
        assert!(wrong.is_empty(), "code points of these blocks become something else: {wrong:?}");
        return;
    }
    assert!(wrong.is_empty(), "code points of these blocks become something else: {wrong:?}");
    assert_eq!(encoded.cohort.manifest().sha256, text(table, "sha256"), "the cohort of the table");
}

#[test]
fn the_default_schema_is_what_the_reference_reads() {
    let vectors = vectors();
    let person = &vectors["uk_person"];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/schemas/uk_person.toml");
    let schema = Schema::from_path(path).expect("the schema is sound");
    assert_eq!(schema, Schema::uk_person(), "the file is the default");
    let ours: Value = serde_json::from_str(&schema.canonical()).expect("JSON");
    let theirs: Value = serde_json::from_str(text(person, "canonical")).expect("JSON");
    for (key, theirs) in theirs.as_object().expect("an object") {
        assert!(ours[key] == *theirs, "{key} differs; if uk_person.toml was changed: {REGENERATE}");
    }
    same_text("canonical form", &schema.canonical(), text(person, "canonical"));
    assert_eq!(schema.fingerprint(), text(person, "fingerprint"));
    let key = ProjectKey::from_bytes(bytes32(person, "key"));
    assert_eq!(key.check_value(&schema), text(person, "key_check"));
}

/// The chain: what the proposal's own oracle made is what the reference makes (here), and the crate makes what the
/// reference makes (the other tests; `src/key.rs`, `positions.rs` and `diffusion.rs` hold the same values).
#[test]
fn what_is_still_as_proposed() {
    let vectors = vectors();
    let ours = &vectors["primitives"];
    assert_eq!(list(ours, "subkeys").len(), 4);
    assert_eq!(list(ours, "positions").len(), 12);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/native-proposal/p1_vectors.json");
    let Ok(proposal) = std::fs::read(&path) else {
        println!("skipped: ../shared/vectors/native-proposal is not here");
        return;
    };
    let theirs: Value = serde_json::from_slice(&proposal).expect("JSON");
    for subkey in list(ours, "subkeys") {
        let (purpose, name) = (text(subkey, "purpose"), text(subkey, "name"));
        let proposed = if purpose == "diffuse" { &theirs["diffuse_key"] } else { &theirs["subkeys"][name] };
        assert_eq!(&subkey["subkey"], proposed, "subkey {purpose} {name}");
    }
    let positions = list(&theirs, "positions");
    assert_eq!(positions.len(), list(ours, "positions").len());
    for (ours, theirs) in list(ours, "positions").iter().zip(positions) {
        assert_eq!([&ours["token"], &ours["m"], &ours["positions"]], [&theirs["token"], &theirs["m"], &theirs["pos"]]);
    }
    let sets = list(&theirs, "sets");
    assert_eq!(sets.len(), list(ours, "index_sets").len());
    for (ours, theirs) in list(ours, "index_sets").iter().zip(sets) {
        assert_eq!([&ours["m"], &ours["n"], &ours["t"]], [&theirs["m"], &theirs["n"], &theirs["t"]]);
        assert_eq!([&ours["first"], &ours["last"]], [&theirs["first_rows"], &theirs["last_row"]], "index sets");
    }
}

const PLAIN: &str = r#"
version = 1
project = { id = "plain", purpose = "tests", parties = ["school"], expires = "9999-12-31" }
privacy = { accept_risk = "nobody's data" }
field = [
    { name = "name", kind = "name" },
    { name = "code", kind = "exact", same = { "--" = "none given" } },
    { name = "postcode", kind = "postcode" },
]
encoding = [{ name = "all", length = 512, diffusion = 0, fields = { name = 60, code = 60, postcode = 60 } }]
match_key = [{ name = "all", fields = ["name", "code", "postcode"] }]
"#;

fn plain(rows: impl Iterator<Item = [String; 3]>) -> Encoded {
    let schema = Schema::from_toml(PLAIN).expect("the schema is sound");
    let encoder = Encoder::new(&schema, &ProjectKey::from_bytes([7; 32]), "school").expect("an encoder").seed([9; 32]);
    let records: Vec<Record> =
        rows.enumerate().map(|(i, values)| Record::new(i.to_string(), values.to_vec())).collect();
    encoder.encode(&records).expect("encodes")
}

fn of(encoded: &Encoded, own: &str) -> (Vec<u64>, Option<pprl::cohort::MatchKeyValue>) {
    let row = encoded.row_map.entries().iter().position(|(_, id)| id == own).expect("the row is there");
    (encoded.cohort.encodings()[0].row(row).to_vec(), encoded.cohort.match_keys()[0][row])
}

/// Texts that are too long for a memo are read again wherever they are needed.
#[test]
fn what_no_memo_holds_is_encoded_alike() {
    let rows = [
        ["Anne-Marie", "a code", "M1 1AE"],
        ["Zoë", "é", "OX1"],
        ["", "--", ""],
        ["--", "", "EC1A 1BB"],
        ["O Neill", "x", "not one"],
    ];
    let short = plain(rows.iter().map(|row| row.map(str::to_owned)));
    let padded = |text: &str| if text.is_empty() { " ".repeat(40) } else { format!("{text:40}") };
    let long = plain(rows.iter().map(|row| row.map(padded)));
    assert_eq!(short.cohort.to_json(), long.cohort.to_json());
    assert_eq!(short.quality, long.quality);
    let code = &short.quality.fields[1];
    assert_eq!((code.present, code.empty), (4, 1), "an empty cell is empty, whatever `same` makes of dashes");
}

/// More tokens than a memo takes.
#[test]
fn a_full_memo_changes_nothing() {
    const ROWS: usize = 34_000;
    let letter = |n: usize| char::from(b'A' + (n % 26) as u8);
    let row = |i: usize| {
        let postcode = format!("OX{} {}{}{}", 1 + i / 6760, i / 676 % 10, letter(i / 26), letter(i));
        ["Anne".to_owned(), "a code".to_owned(), postcode]
    };
    let all = plain((0..ROWS).map(row));
    let few = [0, 1, ROWS - 2, ROWS - 1];
    let alone = plain(few.iter().map(|&i| row(i)));
    for (i, place) in few.iter().enumerate() {
        assert!(of(&all, &place.to_string()) == of(&alone, &i.to_string()), "row {place}");
    }
    assert_eq!(all.quality.fields[2].present, ROWS as u64);
}
