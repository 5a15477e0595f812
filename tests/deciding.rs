//! What match weights mean: swapped names, rare names, what was learned and how sure it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(all(feature = "owner", feature = "linkage"))]

#[path = "helpers/helpers.rs"]
mod helpers;

use std::collections::HashMap;

use helpers::{date, encoder, record, word};
use pprl::linkage::{Candidate, ScoredPairs, assign};
use pprl::owner::{Encoded, RarityList};
use pprl::schema::Assignment;
use pprl::{Linker, Record, Schema};
use sha2::{Digest, Sha256};

const FIELD: &str = include_str!("../examples/schemas/ons6k.field.toml");

/// Numbers without a pattern, so that nobody is like somebody with a number near by.
fn scattered(number: usize) -> usize {
    let mut bits = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 31).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits ^ bits >> 29) as usize >> 8
}

fn postcode(number: usize) -> String {
    let digits = scattered(number + 77_777);
    let letter = |number: usize| char::from(b'A' + (number % 20) as u8);
    format!("OX{} {}{}{}", 1 + digits % 9, digits / 9 % 10, letter(digits / 90), letter(digits / 1800))
}

/// People who are all different: forename, surname, date of birth, postcode, sex.
fn person(number: usize) -> [String; 5] {
    let sex = if number.is_multiple_of(2) { "F" } else { "M" };
    [word(number), word(number + 5000), date(scattered(number)), postcode(number), sex.to_owned()]
}

fn records(people: impl Iterator<Item = (usize, [String; 5])>) -> Vec<Record> {
    people.map(|(id, values)| record(id, &values.each_ref().map(String::as_str))).collect()
}

fn encode(schema: &Schema, party: &str, people: &[Record]) -> Encoded {
    encoder(schema, party, party.len() as u8 + party.as_bytes()[0]).encode(people).unwrap()
}

/// Own ids by row.
fn ids(encoded: &Encoded) -> HashMap<u32, String> {
    let entries: HashMap<_, _> = encoded.row_map.entries().iter().map(|(row, id)| (*row, id.clone())).collect();
    encoded.cohort.row_ids().iter().enumerate().map(|(row, id)| (row as u32, entries[id].clone())).collect()
}

fn links(scored: &ScoredPairs, a: &Encoded, b: &Encoded) -> Vec<(String, String, Candidate)> {
    let (ids_a, ids_b) = (ids(a), ids(b));
    let links = assign(&scored.candidates, scored.threshold, Assignment::OneToOne);
    links.into_iter().map(|link| (ids_a[&link.a].clone(), ids_b[&link.b].clone(), link)).collect()
}

/// The files a and b share people 0 to 299; b has the first 20 with names swapped and nothing else but their sex.
fn swapped(schema: &Schema) -> usize {
    let a = encode(schema, "a", &records((0..400).map(|i| (i, person(i)))));
    let in_b = (0..300).chain(1000..1100).map(|i| {
        let [forename, surname, date, postcode, sex] = person(i);
        (
            i,
            if i < 20 {
                [surname, forename, String::new(), String::new(), sex]
            } else {
                [forename, surname, date, postcode, sex]
            },
        )
    });
    let b = encode(schema, "b", &records(in_b));
    let scored = Linker::new(schema).score(&a.cohort, &b.cohort).unwrap();
    let found = links(&scored, &a, &b);
    let wrong: Vec<f32> = found.iter().filter(|(x, y, _)| x != y).map(|(.., link)| link.score).collect();
    assert!(wrong.len() <= 2, "{wrong:?}");
    assert!(found.iter().filter(|(x, ..)| x.parse::<usize>().unwrap() >= 20).count() >= 279);
    found.iter().filter(|(x, ..)| x.parse::<usize>().unwrap() < 20).count()
}

#[test]
fn swapped_names_are_seen_where_an_encoding_holds_both() {
    assert!(swapped(&Schema::from_toml(FIELD).unwrap()) >= 18);
    let names = FIELD.find("# Says nothing new").unwrap();
    let rest = names + FIELD[names..].find("[[encoding]]\nname = \"date_of_birth\"").unwrap();
    let without = format!("{}{}", &FIELD[..names], &FIELD[rest..]);
    assert_eq!(swapped(&Schema::from_toml(&without).unwrap()), 0);
}

/// Two hundred people in both files, forty with a common surname; of ten pairs, five agree in the common name and five in
/// rare ones, and in nothing else but their sex.
#[test]
fn rare_names_say_more() {
    let list = "name,count\nsmith,20000\nothers,80000\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names.csv");
    std::fs::write(&path, list).unwrap();
    let hash: String = Sha256::digest(list).iter().map(|byte| format!("{byte:02x}")).collect();
    let schema = format!("{FIELD}\n[[rarity]]\nfield = \"surname\"\nlist_sha256 = \"{hash}\"\n");
    let schema = Schema::from_toml(&schema).unwrap();
    let list = RarityList::read(&path).unwrap();
    let encode = |party: &str, other: usize| {
        let people = (0..200).map(|i| {
            let [mut forename, mut surname, mut date, mut postcode, sex] = person(i);
            if i % 5 == 0 {
                surname = "Smith".to_owned();
            }
            if i >= 190 {
                forename = word(i + other);
                (date, postcode) = (String::new(), String::new());
            }
            (i, [forename, surname, date, postcode, sex])
        });
        let encoder = encoder(&schema, party, party.as_bytes()[0]).rarity("surname", &list).unwrap();
        encoder.encode(&records(people)).unwrap()
    };
    let (a, b) = (encode("a", 20_000), encode("b", 30_000));
    let scored = Linker::new(&schema).score(&a.cohort, &b.cohort).unwrap();
    let (ids_a, ids_b) = (ids(&a), ids(&b));
    let score = |number: &str| {
        let mut same = scored.candidates.iter().filter(|c| ids_a[&c.a] == number && ids_b[&c.b] == number);
        same.next().map_or(f32::NEG_INFINITY, |candidate| candidate.score)
    };
    let (common, rare) = (score("190"), score("191"));
    assert!(rare > common + 2.0, "rare {rare}, common {common}");
}

#[test]
fn what_was_learned_is_told() {
    for (schema, hidden) in [(Schema::from_toml(FIELD).unwrap(), false), (Schema::uk_person(), true)] {
        let values = |person: [String; 5]| {
            let mut values = person.to_vec();
            if hidden {
                // Sex stands before the postcode there, and identifiers after it.
                values.swap(3, 4);
                values.extend([String::new(), String::new()]);
            }
            values
        };
        let people = |range: std::ops::Range<usize>| -> Vec<Record> {
            range.map(|i| Record::new(i.to_string(), values(person(i)))).collect()
        };
        let parties = schema.project().parties();
        let (a, b) = (encode(&schema, &parties[0], &people(0..300)), encode(&schema, &parties[1], &people(100..400)));
        let scored = Linker::new(&schema).score(&a.cohort, &b.cohort).unwrap();
        assert_eq!(scored.threshold, 0.0);
        let model = scored.model.as_ref().unwrap();
        assert!((model.matches - 200.0).abs() < 2.0, "{}", model.matches);
        let precision = model.precision.unwrap();
        assert!(precision.low <= precision.value && precision.value <= precision.high && precision.high <= 1.0);
        assert!(precision.value > 0.98);
        assert_eq!(scored.expected_precision, Some(precision.value as f32));
        assert_eq!(model.weights.len(), if hidden { 4 } else { 5 }, "swapped names have no levels of their own");
        for weights in &model.weights {
            assert_eq!(weights.hidden, hidden);
            let sum = |of: fn(&pprl::linkage::LevelWeight) -> f64| weights.levels.iter().map(of).sum::<f64>();
            assert!((sum(|l| l.m) - 1.0).abs() < 1e-3 && (sum(|l| l.u) - 1.0).abs() < 1e-3, "{}", weights.name);
            let (first, last) = (&weights.levels[0], &weights.levels[weights.levels.len() - 1]);
            assert!(last.bits > first.bits, "{}: {} {}", weights.name, first.bits, last.bits);
        }
        let rows = |file: usize| model.best[file].none + model.best[file].bins.iter().map(|(_, n)| n).sum::<u64>();
        assert_eq!((rows(0), rows(1)), (300, 300));
        let complete: Vec<u64> = model.complete[0].iter().map(|of| of.present).collect();
        assert_eq!(complete, if hidden { vec![] } else { vec![300; 5] });
    }
}

/// File a has everybody twice, as a register of events does, or some; file b once. Under one-to-one everybody twice would be
/// everybody a stranger to himself: nothing is linked then, which is wrong but says that the assignment is.
#[test]
fn a_file_that_has_people_twice_does_not_say_what_strangers_are() {
    for (assignment, again, links) in [("many-to-one", 200, 300), ("one-to-one", 70, 150), ("many-to-many", 200, 300)] {
        let text = format!("{FIELD}\n[linkage]\nassignment = \"{assignment}\"\n");
        let schema = Schema::from_toml(&text).unwrap();
        let twice = (0..200).chain(0..again).enumerate().map(|(id, number)| (id, person(number)));
        let a = encode(&schema, "a", &records(twice));
        let b = encode(&schema, "b", &records((50..250).map(|number| (number, person(number)))));
        let scored = Linker::new(&schema).score(&a.cohort, &b.cohort).unwrap();
        let (ids_a, ids_b) = (ids(&a), ids(&b));
        let found = assign(&scored.candidates, scored.threshold, schema.linkage().assignment());
        let right = |link: &Candidate| {
            ids_a[&link.a].parse::<usize>().unwrap() % 200 == ids_b[&link.b].parse::<usize>().unwrap()
        };
        let wrong = found.iter().filter(|link| !right(link)).count();
        assert!(wrong <= 3, "{assignment}: {wrong} of {}", found.len());
        assert!(found.len() - wrong >= links - 3, "{assignment}: {}", found.len());
    }
}

#[test]
fn the_least_match_weight_can_be_set() {
    let schema = Schema::from_toml(FIELD).unwrap();
    let a = encode(&schema, "a", &records((0..300).map(|i| (i, person(i)))));
    let b = encode(&schema, "b", &records((100..400).map(|i| (i, person(i)))));
    let linker = Linker::new(&schema);
    let usual = linker.score(&a.cohort, &b.cohort).unwrap();
    let strict = linker.clone().least_weight(6.0).score(&a.cohort, &b.cohort).unwrap();
    assert_eq!((usual.threshold, strict.threshold), (0.0, 6.0));
    assert_eq!(usual.candidates, strict.candidates, "only where to cut is another");
    assert!(strict.expected_precision.unwrap() >= usual.expected_precision.unwrap());
    let none = linker.least_weight(f32::INFINITY).link(&[&a.cohort, &b.cohort]).unwrap();
    assert!(none.links().is_empty());
    assert!(none.summary().to_string().contains("set by hand"), "{}", none.summary());
}
