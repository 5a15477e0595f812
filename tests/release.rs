//! What leaves an owner: no small file without a reason, no one who opted out, and decoys that only the owner knows.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(feature = "owner")]

#[path = "helpers/helpers.rs"]
mod helpers;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;

use helpers::{CLK, clk, date, encoder, files_in, json, key, record, says_but_not, word};
use pprl::cohort::{MatchKeyValue, RowId};
use pprl::owner::{RowMap, SMALL_FILE};
use pprl::{Cohort, Encoded, ErrorKind, Record, Schema};
use proptest::prelude::*;

const REASON: &str = "a pilot with one school, agreed on 3 March";

fn people(count: usize) -> Vec<Record> {
    (0..count).map(|i| record(format!("P{i}"), &[&word(i), &word(i + 7919), &date(i)])).collect()
}

/// An NHS number with the right check digit.
fn nhs(number: usize) -> String {
    (0..)
        .map(|more| 943_000_000 + number * 3 + more)
        .find_map(|digits| {
            let text = digits.to_string();
            let sum: u32 =
                text.bytes().zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
            match (11 - sum % 11) % 11 {
                10 => None,
                check => Some(format!("{text}{check}")),
            }
        })
        .unwrap()
}

/// People with all fields, some of them missing.
fn full(count: usize) -> Vec<Record> {
    let person = |i: usize| {
        let number = if i.is_multiple_of(3) { String::new() } else { nhs(i) };
        let postcode = if i.is_multiple_of(4) { String::new() } else { format!("OX{} {}AA", 1 + i % 9, i % 10) };
        let sex = if i.is_multiple_of(2) { "F" } else { "M" };
        record(format!("P{i}"), &[&word(i % 53), &word(i % 97 + 7919), &date(i), sex, &postcode, &number, ""])
    };
    (0..count).map(person).collect()
}

/// [`CLK`] with a match key of all three fields and one of a name and the date.
fn with_keys() -> Schema {
    let keys = "[[match_key]]\nname = \"all\"\nfields = [\"forename\", \"surname\", \"date_of_birth\"]\n\
                [[match_key]]\nname = \"born\"\nfields = [\"surname\", \"date_of_birth\"]\n[linkage]";
    Schema::from_toml(&CLK.replace("[linkage]", keys)).unwrap()
}

// ---- Small files
// -----------------------------------------------------------------------------------------------------

#[test]
fn small_files_need_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let write = |encoded: &Encoded, name: &str| encoded.write(folder.path().join(name));
    for count in [1, SMALL_FILE - 1] {
        let encoded = encoder(&clk(), "police", 1).encode(&people(count)).unwrap();
        let error = write(&encoded, "refused").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Argument { .. }));
        says_but_not(&error, &["police", "reason", &count.to_string()], &["P0", &word(0)]);
        assert!(!folder.path().join("refused").exists());
        assert!(encoded.cohort.manifest().release_small.is_none());
    }
    let encoded = encoder(&clk(), "police", 1).encode(&people(SMALL_FILE)).unwrap();
    write(&encoded, "enough").unwrap();

    let reasoned = |count| encoder(&clk(), "police", 1).release_small(REASON).unwrap().encode(&people(count)).unwrap();
    let small = reasoned(5);
    let files = write(&small, "small").unwrap();
    let read = Cohort::read(&files.send).unwrap();
    assert_eq!(read.manifest().release_small.as_deref(), Some(REASON));
    assert!(read == small.cohort);
    // Not needed, not told; and the same bytes as without.
    assert!(reasoned(SMALL_FILE).cohort.to_json() == encoded.cohort.to_json());
}

#[test]
fn a_reason_is_one() {
    for bad in ["", "   ", "because", "two lines\nof reason", "\u{1b}[31m is red in terminals", &"x".repeat(501)] {
        let error = encoder(&clk(), "police", 1).release_small(bad).unwrap_err().to_string();
        assert!(error.contains("10 to 500"), "{error}");
    }
    assert!(encoder(&clk(), "police", 1).release_small(&"é".repeat(500)).is_ok());
}

/// It is part of what the digest covers, and a foreign one is checked.
#[test]
fn the_reason_cannot_be_changed_on_the_way() {
    let small = encoder(&clk(), "police", 1).release_small(REASON).unwrap().encode(&people(3)).unwrap().cohort;
    for change in [Some("another reason, of the same kind"), None] {
        let mut changed = json(&small);
        match change {
            Some(reason) => changed["manifest"]["release_small"] = reason.into(),
            None => drop(changed["manifest"].as_object_mut().unwrap().remove("release_small")),
        }
        let error = Cohort::from_json(changed.to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.contains("SHA-256"), "{error}");
    }
    for bad in ["\u{1b}[31m", "two\nlines", &"x".repeat(501)] {
        let mut changed = json(&small);
        changed["manifest"]["release_small"] = bad.into();
        let error = Cohort::from_json(changed.to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.contains("malformed"), "{error}");
    }
}

/// docs/encoding.md, section 9.
#[test]
fn the_digest_is_the_documented_one() {
    use sha2::{Digest, Sha256};
    let text = |hash: &mut Sha256, text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    let small = encoder(&clk(), "police", 1).release_small(REASON).unwrap().encode(&people(2)).unwrap().cohort;
    let manifest = small.manifest();
    let mut hash = Sha256::new();
    let accepted = manifest.accept_risk.clone().unwrap();
    for part in [
        "pprl-cohort-1",
        &manifest.encoding_version.to_string(),
        &manifest.fingerprint,
        &manifest.project,
        "police",
        &manifest.key_check,
        "2",
        "1",
        "clk",
        "1024",
        "0",
        &accepted,
    ] {
        text(&mut hash, part);
    }
    small.row_ids().iter().for_each(|id| hash.update(id.0));
    for row in 0..2 {
        let mut bytes = Vec::new();
        small.encodings()[0].row(row).iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
        // Bits stand from the least significant of the first byte on, as in the words.
        hash.update(&bytes[..128]);
    }
    text(&mut hash, "release_small");
    text(&mut hash, REASON);
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(manifest.sha256, digest);
}

#[cfg(feature = "linkage")]
#[test]
fn the_linkage_unit_is_shown_the_reason() {
    let schema = clk();
    let small = encoder(&schema, "police", 1).release_small("a pilot <of> one school").unwrap();
    let small = small.encode(&people(20)).unwrap().cohort;
    let large = encoder(&schema, "school", 1).encode(&people(150)).unwrap().cohort;
    let links = pprl::Linker::new(&schema).link(&[&small, &large]).unwrap();
    let summary = links.summary();
    assert_eq!(summary.small, [("police".to_owned(), "a pilot <of> one school".to_owned())]);
    assert!(summary.to_string().contains("police sent a file of few people: a pilot <of> one school\n"));
    assert!(links.report().to_html().contains("police sent a file of few people: a pilot &lt;of&gt; one school"));
    assert!(links.report().to_json().contains("\"release_small\": \"a pilot <of> one school\""));
    assert!(!links.report().to_json().contains("null,\n    \"release_small\""));
}

// ---- Decoys
// ----------------------------------------------------------------------------------------------------------

fn padded(schema: &Schema, people: &[Record], decoys: usize, seed: u8) -> Encoded {
    encoder(schema, "police", seed).decoys(decoys).encode(people).unwrap()
}

#[test]
fn people_are_encoded_the_same_among_decoys() {
    let schema = Schema::uk_person();
    let people = full(400);
    let (plain, padded) = (padded(&schema, &people, 0, 1), padded(&schema, &people, 150, 1));
    assert_eq!((padded.cohort.rows(), padded.row_map.people(), padded.row_map.decoys()), (550, 400, 150));
    assert_eq!(padded.quality, plain.quality, "the report is of people");
    let place: HashMap<RowId, usize> = padded.cohort.row_ids().iter().copied().zip(0..).collect();
    for (row, (id, own)) in plain.row_map.entries().iter().enumerate() {
        let among = place[id];
        assert_eq!(&padded.row_map.entries()[among].1, own);
        assert!(!padded.row_map.is_decoy(*id));
        for (one, other) in plain.cohort.encodings().iter().zip(padded.cohort.encodings()) {
            assert_eq!(one.row(row), other.row(among));
        }
        for (one, other) in plain.cohort.match_keys().iter().zip(padded.cohort.match_keys()) {
            assert_eq!(one[row], other[among]);
        }
    }
}

#[test]
fn same_seed_same_decoys_in_any_number_of_threads() {
    let schema = Schema::uk_person();
    let people = full(1500);
    let encode = |threads, seed| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let encoded = padded(&schema, &people, 300, seed);
            (encoded.cohort.to_json(), format!("{:?}", encoded.row_map.entries()))
        })
    };
    let one = encode(1, 1);
    assert!(encode(4, 1) == one);
    assert!(encode(4, 2) != one);
}

/// Nothing in the file tells them apart, and nothing says how many they are.
#[test]
fn the_file_does_not_tell_decoys_from_people() {
    let schema = Schema::uk_person();
    let people = full(600);
    let encoded = padded(&schema, &people, 400, 1);
    let manifest = |cohort: &Cohort| {
        let mut manifest = json(cohort)["manifest"].clone();
        manifest["sha256"] = "".into();
        manifest
    };
    let mut expected = manifest(&padded(&schema, &people, 0, 1).cohort);
    expected["rows"] = 1000.into();
    assert_eq!(manifest(&encoded.cohort), expected);
    let decoy: Vec<bool> = encoded.cohort.row_ids().iter().map(|id| encoded.row_map.is_decoy(*id)).collect();
    // Spread over the file: about 40 % of any part of it.
    for part in decoy.chunks(250) {
        let share = part.iter().filter(|decoy| **decoy).count();
        assert!((60..140).contains(&share), "{share} of 250");
    }
    // As many bits, and as many missing match keys, as people have.
    let mean = |of: bool, value: &dyn Fn(usize) -> f64| {
        let rows: Vec<usize> = (0..decoy.len()).filter(|&row| decoy[row] == of).collect();
        rows.iter().map(|&row| value(row)).sum::<f64>() / rows.len() as f64
    };
    for matrix in encoded.cohort.encodings() {
        let ones = |row: usize| matrix.row(row).iter().map(|word| f64::from(word.count_ones())).sum();
        let (people, decoys) = (mean(false, &ones), mean(true, &ones));
        assert!((people / decoys - 1.0).abs() < 0.03, "{people} and {decoys} bits");
    }
    for column in encoded.cohort.match_keys() {
        let there = |row: usize| f64::from(u8::from(column[row].is_some()));
        let (people, decoys) = (mean(false, &there), mean(true, &there));
        assert!((people - decoys).abs() < 0.1, "{people} and {decoys} have the match key");
    }
    // A class of their own would be theirs only if they had none in common with anybody.
    assert!(encoded.cohort.match_keys().iter().any(|column| column.iter().flatten().count() > 400));
}

#[test]
fn no_decoy_is_anybody() {
    let schema = with_keys();
    let people: Vec<Record> =
        (0..300).map(|i| record(i, &[&word(i % 17), &word(i % 23 + 7919), &date(i % 40)])).collect();
    let encoded = padded(&schema, &people, 200, 3);
    let mut seen: HashSet<(usize, MatchKeyValue)> = HashSet::new();
    let rows: Vec<usize> = (0..encoded.cohort.rows()).collect();
    let decoy = |row: usize| encoded.row_map.is_decoy(encoded.cohort.row_ids()[row]);
    let keys = |row: usize| {
        let columns = encoded.cohort.match_keys().iter().enumerate();
        columns.filter_map(move |(key, column)| Some((key, column[row]?))).collect::<Vec<_>>()
    };
    rows.iter().filter(|row| !decoy(**row)).for_each(|row| seen.extend(keys(*row)));
    for row in rows.iter().filter(|row| decoy(**row)) {
        let keys = keys(*row);
        assert_eq!(keys.len(), 2, "complete people have complete decoys");
        for key in keys {
            assert!(seen.insert(key), "a decoy has the match key of somebody else");
        }
    }
}

/// Each encoding of one field only: what a decoy has there is what somebody has.
#[test]
fn values_are_those_of_the_file() {
    let toml = CLK.replace(
        "fields = { forename = 80, surname = 80, date_of_birth = 80 }",
        "fields = { forename = 80 }\n[[encoding]]\nname = \"s\"\nlength = 1024\ndiffusion = 0\nfields = { surname = 80 }\n\
         [[encoding]]\nname = \"d\"\nlength = 1024\ndiffusion = 0\nfields = { date_of_birth = 80 }",
    );
    let schema = Schema::from_toml(&toml).unwrap();
    let people: Vec<Record> = (0..200).map(|i| record(i, &[&word(i), &word(i + 7919), &date(i)])).collect();
    let encoded = padded(&schema, &people, 100, 3);
    let decoy = |row: usize| encoded.row_map.is_decoy(encoded.cohort.row_ids()[row]);
    let mut owners: Vec<HashMap<Vec<u64>, usize>> = vec![HashMap::new(); 3];
    for row in (0..300).filter(|row| !decoy(*row)) {
        for (owner, matrix) in owners.iter_mut().zip(encoded.cohort.encodings()) {
            owner.insert(matrix.row(row).to_vec(), row);
        }
    }
    for row in (0..300).filter(|row| decoy(*row)) {
        let donors: BTreeSet<usize> =
            owners.iter().zip(encoded.cohort.encodings()).map(|(owner, matrix)| owner[matrix.row(row)]).collect();
        assert_eq!(donors.len(), 3, "three values of three people");
    }
}

#[test]
fn identifiers_of_decoys_are_invented() {
    let schema = Schema::uk_person();
    let key = schema.match_keys().iter().position(|key| key.name().contains("nhs")).unwrap();
    let encoded = padded(&schema, &full(600), 300, 1);
    let values: Vec<MatchKeyValue> = encoded.cohort.match_keys()[key].iter().flatten().copied().collect();
    let different: HashSet<MatchKeyValue> = values.iter().copied().collect();
    assert_eq!(different.len(), values.len(), "nobody has the number of another");
    let decoys = encoded.cohort.match_keys()[key].iter().zip(encoded.cohort.row_ids());
    let decoys = decoys.filter(|(value, id)| value.is_some() && encoded.row_map.is_decoy(**id)).count();
    assert!((150..250).contains(&decoys), "{decoys} of 300 have a number, as two in three people do");
}

#[test]
fn too_small_for_decoys() {
    let schema = clk();
    for (count, decoys) in [(1, 1), (3, 1), (4, 1000)] {
        let error = encoder(&schema, "police", 1).decoys(decoys).encode(&people(count)).unwrap_err();
        says_but_not(&error, &["too small"], &[&word(0)]);
    }
    // All alike: there is nobody else to be.
    let twins: Vec<Record> = (0..50).map(|i| record(i, &["Anna", "Smith", "2011-07-09"])).collect();
    assert!(encoder(&schema, "police", 1).decoys(1).encode(&twins).is_err());
    // Without ids of their own, people could not be told from decoys.
    let nameless: Vec<Record> = (0..50).map(|i| record("", &[&word(i), &word(i + 99), &date(i)])).collect();
    assert!(encoder(&schema, "police", 1).encode(&nameless).is_ok());
    let error = encoder(&schema, "police", 1).decoys(1).encode(&nameless).unwrap_err().to_string();
    assert!(error.contains("id of its own"), "{error}");
}

#[test]
fn decoys_do_not_make_a_file_large() {
    let folder = tempfile::tempdir().unwrap();
    let encoder = encoder(&clk(), "police", 1).decoys(200);
    let encoded = encoder.encode(&people(50)).unwrap();
    assert_eq!(encoded.cohort.rows(), 250);
    assert!(encoded.write(folder.path().join("out")).is_err());
}

#[test]
fn decoys_that_come_back_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let encoded = padded(&clk(), &people(150), 50, 1);
    let files = encoded.write(folder.path().join("out")).unwrap();
    assert_eq!(files_in(&folder.path().join("out")).len(), 2);
    let map = RowMap::read_csv(&files.keep).unwrap();
    assert!(map == encoded.row_map);
    assert_eq!((map.people(), map.decoys(), map.to_map().len(), map.entries().len()), (150, 50, 150, 200));
    let text = fs::read_to_string(&files.keep).unwrap();
    assert!(text.starts_with("row_id,record_id,decoy\n"));
    assert_eq!(text.matches(",,decoy\n").count(), 50);

    // The linkage unit's table has all rows.
    let mut links = "row_id,link_id\n".to_owned();
    for (row, id) in encoded.cohort.row_ids().iter().enumerate() {
        links.push_str(&format!("{id},{row:032x}\n"));
    }
    let (table, linked) = (folder.path().join("links.csv"), folder.path().join("linked.csv"));
    fs::write(&table, links).unwrap();
    assert_eq!(map.write_linked_csv(&table, &linked).unwrap(), 150);
    let linked = fs::read_to_string(linked).unwrap();
    let own: BTreeSet<&str> = linked.lines().skip(1).map(|line| line.split_once(',').unwrap().0).collect();
    assert_eq!(own, (0..150).map(|i| format!("P{i}")).collect::<Vec<_>>().iter().map(String::as_str).collect());

    // Without decoys, the map is what it was.
    let plain = padded(&clk(), &people(150), 0, 1);
    let files = plain.write(folder.path().join("plain")).unwrap();
    let text = fs::read_to_string(&files.keep).unwrap();
    assert!(text.starts_with("row_id,record_id\n") && !text.contains("decoy"));
    assert!(RowMap::read_csv(&files.keep).unwrap() == plain.row_map);
    for wrong in ["row_id,record_id,decoy\n{},P1,decoy\n", "row_id,record_id,decoy\n{},,yes\n", "row_id,record_id,d\n"]
    {
        fs::write(&table, wrong.replace("{}", &"01".repeat(16))).unwrap();
        says_but_not(&RowMap::read_csv(&table).unwrap_err(), &["links.csv"], &["P1"]);
    }
    fs::write(&table, format!("row_id,link_id,decoy\n{},L1,\n", "01".repeat(16))).unwrap();
    assert!(map.write_linked_csv(&table, folder.path().join("none.csv")).is_err());
}

// ---- Who opted out
// ---------------------------------------------------------------------------------------------------

fn values() -> impl Strategy<Value = Vec<String>> {
    let name = prop_oneof![Just(String::new()), "[A-Za-zÀ-ž'ÿА-я -]{1,12}", "\\PC{0,12}"];
    let date = prop_oneof![
        Just(String::new()),
        (1990..2020u16, 1..=12u8, 1..=28u8).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}")),
        "[0-9/]{0,10}",
    ];
    (name.clone(), name, date).prop_map(|(forename, surname, date)| vec![forename, surname, date])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whoever can be put on a list never passes it with the same record, among any others and with decoys; whoever
    /// cannot is an error and not a silence.
    #[test]
    fn nobody_on_the_list_passes(records in prop::collection::vec(values(), 1..30), listed in prop::collection::vec(any::<bool>(), 30)) {
        let schema = with_keys();
        let record = |(i, values): (usize, &Vec<String>)| Record::new(format!("P{i}"), values.clone());
        let all: Vec<Record> = records.iter().enumerate().map(record).collect();
        let chosen: Vec<usize> = (0..all.len()).filter(|&i| listed[i]).collect();
        let care = encoder(&schema, "care", 1);
        // One by one: can the person be recognised at all?
        let can = |i: &usize| care.opt_out_list(std::slice::from_ref(&all[*i])).is_ok();
        let (can, cannot): (Vec<usize>, Vec<usize>) = chosen.iter().copied().partition(can);
        let whole: Vec<Record> = chosen.iter().map(|&i| record((i, &records[i]))).collect();
        match care.opt_out_list(&whole) {
            Ok(_) => prop_assert!(cannot.is_empty()),
            Err(error) => {
                let ErrorKind::Rows { problems, total, .. } = error.kind() else { panic!("{error}") };
                let rows: Vec<usize> = problems.iter().map(|problem| chosen[problem.row as usize - 1]).collect();
                prop_assert_eq!(&rows, &cannot);
                prop_assert_eq!(*total as usize, cannot.len());
            }
        }
        let on: Vec<Record> = can.iter().map(|&i| record((i, &records[i]))).collect();
        let list = care.opt_out_list(&on).unwrap();
        let filler: Vec<Record> = (0..40).map(|i| helpers::record(format!("F{i}"), &[&word(i), &word(i + 7919), &date(i)])).collect();
        let everybody: Vec<Record> = all.into_iter().chain(filler).collect();
        // Wrong dates by the dozen are a misread column, which is another test's.
        if let Ok(encoded) = encoder(&schema, "police", 2).opt_out(list).unwrap().decoys(5).encode(&everybody) {
            let there: HashSet<&str> = encoded.row_map.entries().iter().map(|(_, own)| own.as_str()).collect();
            for i in can {
                prop_assert!(!there.contains(format!("P{i}").as_str()), "P{} passed", i);
            }
            prop_assert_eq!(encoded.row_map.decoys(), 5);
        }
    }
}

/// What the list cannot do: whoever's record here and there have no match key in common passes.
#[test]
fn who_is_spelled_otherwise_passes() {
    let schema = with_keys();
    let list = encoder(&schema, "care", 1).opt_out_list(&[record("x", &["Anna", "Smith", "2011-07-09"])]).unwrap();
    let police = encoder(&schema, "police", 1).opt_out(list).unwrap();
    let passes = |values: &[&str]| police.encode(&[record("x", values)]).unwrap().cohort.rows() == 1;
    assert!(!passes(&["Anna", "Smith", "2011-07-09"]) && !passes(&["ANNA", " smith ", "09/07/2011"]));
    assert!(!passes(&["Anne", "Smith", "2011-07-09"]), "the match key without the forename finds her");
    assert!(passes(&["Anna", "Smyth", "2011-07-09"]) && passes(&["Anna", "Smith", ""]));
    let _ = key();
}
