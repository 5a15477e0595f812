//! The owner's side: the same bytes from the same input, nothing encoded where nothing is, and people who opted out stay
//! out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::float_cmp,
    clippy::needless_pass_by_value,
    clippy::cast_possible_wrap,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(feature = "owner")]

#[path = "helpers/helpers.rs"]
mod helpers;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;

use helpers::{CLK, clk, date, encoder, files_in, key, other_key, record, says_but_not, word};
use pprl::cohort::{Cohort, MatchKeyValue, RowId};
use pprl::owner::OptOutList;
use pprl::{Encoded, Encoder, ErrorKind, ProjectKey, Record, Schema};
use sha2::{Digest, Sha256};

/// One encoding of these fields, with one budget.
fn schema(fields: &[&str], budget: usize, more: &str) -> Schema {
    let kinds = BTreeMap::from([
        ("forename", "name"),
        ("surname", "name"),
        ("date_of_birth", "date"),
        ("postcode", "postcode"),
        ("street", "text"),
    ]);
    let field = |name: &&str| {
        let space = if kinds[name] == "name" { "space = \"names\"\n" } else { "" };
        format!("[[field]]\nname = \"{name}\"\nkind = \"{}\"\n{space}", kinds[name])
    };
    let budgets: Vec<String> = fields.iter().map(|name| format!("{name} = {budget}")).collect();
    let text = format!(
        "version = 1\n[project]\nid = \"test\"\npurpose = \"Testing\"\nparties = [\"police\", \"school\"]\nexpires = \"2999-12-31\"\n\
         [privacy]\naccept_risk = \"invented people in a test\"\n{}[[encoding]]\nname = \"e\"\nlength = 1024\n{more}\nfields = {{ {} }}\n",
        fields.iter().map(field).collect::<String>(),
        budgets.join(", "),
    );
    Schema::from_toml(&text).unwrap()
}

fn encode(schema: &Schema, people: &[Record], seed: u8) -> Encoded {
    encoder(schema, "police", seed).encode(people).unwrap()
}

/// The rows of an encoding by the owner's own id.
fn rows(encoded: &Encoded, encoding: usize) -> BTreeMap<String, Vec<u64>> {
    let matrix = &encoded.cohort.encodings()[encoding];
    let own = encoded.row_map.entries().iter().map(|(_, own)| own.clone());
    own.enumerate().map(|(row, own)| (own, matrix.row(row).to_vec())).collect()
}

/// The only row of one person.
fn one(schema: &Schema, values: &[&str]) -> Vec<u64> {
    rows(&encode(schema, &[record("x", values)], 1), 0).remove("x").unwrap()
}

fn ones(row: &[u64]) -> u32 {
    row.iter().map(|word| word.count_ones()).sum()
}

fn common(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a & b).count_ones()).sum()
}

fn different(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

fn people(range: std::ops::Range<usize>) -> Vec<Record> {
    range.map(|i| record(i, &[&word(i), &word(i + 5000), &date(i)])).collect()
}

fn full_people(count: usize) -> Vec<Record> {
    let person = |i| {
        let nhs = if i % 2 == 0 { "9434765919" } else { "" };
        record(i, &[&word(i), &word(i + 5000), &date(i), "F", "OX1 1AA", nhs, ""])
    };
    (0..count).map(person).collect()
}

// ---- The same again --------------------------------------------------------------------------------------------------

#[test]
fn same_input_key_and_seed_same_bytes_in_any_number_of_threads() {
    let mut people = full_people(3000);
    people.push(record("empty", &["", "", "", "", "", "", ""]));
    let schema = Schema::uk_person();
    let encode = |threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let encoded = encode(&schema, &people, 4);
            (encoded.cohort.to_json(), format!("{:?}", encoded.row_map.entries()), encoded.quality)
        })
    };
    let expected = encode(1);
    assert!(encode(1) == expected);
    for threads in [2, 3, 8] {
        assert!(encode(threads) == expected, "{threads} threads");
    }
}

#[test]
fn a_person_is_encoded_the_same_in_any_company() {
    // Whatever a memo holds of others, and across batches.
    let schema = clk();
    let all = rows(&encode(&schema, &people(0..2500), 1), 0);
    for i in [0, 1, 1023, 1024, 2499] {
        let alone = one(&schema, &[&word(i), &word(i + 5000), &date(i)]);
        assert_eq!(alone, all[&i.to_string()]);
    }
}

#[test]
fn another_seed_gives_other_ids_and_another_order_and_the_same_agreement() {
    for schema in [
        clk(),
        schema(&["forename", "surname", "date_of_birth"], 85, "diffusion = 11\noutput = 1024\nmissing = \"empty\""),
    ] {
        let (one, two) = (encode(&schema, &people(0..50), 1), encode(&schema, &people(0..50), 2));
        let ids = |encoded: &Encoded| encoded.cohort.row_ids().iter().copied().collect::<HashSet<RowId>>();
        assert!(ids(&one).is_disjoint(&ids(&two)));
        assert_eq!(ids(&one).len(), 50);
        let order =
            |encoded: &Encoded| encoded.row_map.entries().iter().map(|(_, own)| own.clone()).collect::<Vec<_>>();
        assert_ne!(order(&one), order(&two));
        assert!(order(&one) != (0..50).map(|i| i.to_string()).collect::<Vec<_>>(), "not the order of the file");
        // Of complete records every bit is the same.
        assert_eq!(rows(&one, 0), rows(&two, 0));
    }
}

#[test]
fn without_a_seed_everything_random_is_new() {
    let encoder = Encoder::new(&clk(), &key(), "police").unwrap();
    let (one, two) = (encoder.encode(&people(0..20)).unwrap(), encoder.encode(&people(0..20)).unwrap());
    assert_eq!(rows(&one, 0), rows(&two, 0));
    let ids: HashSet<RowId> = one.cohort.row_ids().iter().chain(two.cohort.row_ids()).copied().collect();
    assert_eq!(ids.len(), 40);
}

#[test]
fn parties_encode_alike_and_other_keys_projects_and_names_do_not() {
    let person = [record("x", &["ann", "smith", "2011-07-09"])];
    let row = |schema: &Schema, key: &ProjectKey, party: &str| {
        rows(&Encoder::new(schema, key, party).unwrap().seed([1; 32]).encode(&person).unwrap(), 0).remove("x").unwrap()
    };
    let expected = row(&clk(), &key(), "police");
    assert_eq!(row(&clk(), &key(), "school"), expected);
    let bits = ones(&expected);
    let project = Schema::from_toml(&CLK.replace("test-clk", "test-clk2")).unwrap();
    let encoding = Schema::from_toml(&CLK.replace("name = \"clk\"", "name = \"filter\"")).unwrap();
    for other in
        [row(&clk(), &other_key(), "police"), row(&project, &key(), "police"), row(&encoding, &key(), "police")]
    {
        // Chance: bits² / length.
        assert!(common(&expected, &other) < bits * bits / 1024 + 40, "{} of {bits}", common(&expected, &other));
    }
    assert_ne!(key().check_value(&clk()), other_key().check_value(&clk()));
    assert_ne!(key().check_value(&clk()), key().check_value(&project));
    assert_eq!(encoder(&clk(), "school", 1).key_check(), key().check_value(&clk()));
}

#[test]
fn rows_are_in_the_order_of_their_ids_and_the_map_leads_back() {
    let people: Vec<Record> =
        (0..500).map(|i| record(format!("case {}", i * 7), &[&word(i), &word(i), &date(i)])).collect();
    let encoded = encode(&clk(), &people, 9);
    assert!(encoded.cohort.row_ids().is_sorted());
    let entries = encoded.row_map.entries();
    assert!(entries.iter().map(|(id, _)| id).eq(encoded.cohort.row_ids()));
    let own: BTreeSet<&str> = entries.iter().map(|(_, own)| own.as_str()).collect();
    assert_eq!(own, people.iter().map(Record::id).collect());
    let map = encoded.row_map.to_map();
    for (id, own) in entries {
        assert_eq!(map[id], own);
    }
    let folder = tempfile::tempdir().unwrap();
    encoded.row_map.write_csv(folder.path().join("map.csv")).unwrap();
    let text = fs::read_to_string(folder.path().join("map.csv")).unwrap();
    assert_eq!(text.lines().count(), 501);
    for (line, (id, own)) in text.lines().skip(1).zip(entries) {
        assert_eq!(line, format!("{id},{own}"));
    }
}

// ---- Nothing is encoded where nothing is -----------------------------------------------------------------------------

#[test]
fn nothing_is_encoded_of_an_empty_string() {
    for empty in ["", " ", "\t\n", "-", "' '", "\u{301}", "\u{200b}", "."] {
        assert_eq!(ones(&one(&clk(), &[empty, empty, empty])), 0, "{empty:?}");
    }
    // Beside other fields a missing one adds nothing, or something random.
    let with = one(&clk(), &["", "smith", ""]);
    assert_eq!(with, one(&clk(), &["", "smith", "not a date"]));
    assert_eq!(with, one(&clk(), &["-", "smith", "2011-02-30"]));
    assert!(ones(&with) > 0);
}

/// Two people whose only common trait is that a field is missing must not agree on that.
#[test]
fn missing_fields_agree_no_more_than_chance() {
    let schema = schema(&["forename", "surname"], 100, "diffusion = 0\nmissing = \"random\"");
    let people: Vec<Record> = (0..60).map(|i| record(i, &["", &word(i)])).collect();
    let rows: Vec<Vec<u64>> = rows(&encode(&schema, &people, 1), 0).into_values().collect();
    let (mut expected, mut found, mut pairs) = (0.0, 0.0, 0.0);
    for i in 0..rows.len() {
        // The budget is filled all the same: who lacks the field does not show.
        assert!((160..=200).contains(&ones(&rows[i])), "{}", ones(&rows[i]));
        for j in 0..i {
            expected += f64::from(ones(&rows[i]) * ones(&rows[j])) / 1024.0;
            found += f64::from(common(&rows[i], &rows[j]));
            pairs += 1.0;
        }
    }
    // Words share bigrams now and then; one shared budget of 100 bits would add 100.
    let surplus = (found - expected) / pairs;
    assert!(surplus.abs() < 4.0, "{surplus} bits more than chance");
    // And the same person's row, encoded again, has other random bits.
    let again = encode(&schema, &people, 2);
    let first = &self::rows(&again, 0)["0"];
    let own = self::rows(&encode(&schema, &people, 1), 0).remove("0").unwrap();
    assert!(common(first, &own) < ones(first) * 8 / 10 && common(first, &own) > ones(first) * 4 / 10);
}

#[test]
fn missing_fields_of_diffused_encodings_agree_no_more_than_chance() {
    let schema = Schema::uk_person();
    let people: Vec<Record> = (0..40).map(|i| record(i, &["", &word(i), &date(i), "", "", "", ""])).collect();
    let encoded = encode(&schema, &people, 1);
    for encoding in 0..4 {
        let rows: Vec<Vec<u64>> = rows(&encoded, encoding).into_values().collect();
        let bits = schema.encodings()[encoding].output() as f64;
        let mut z: f64 = 0.0;
        for i in 0..rows.len() {
            for j in 0..i {
                z = z.max((bits - 2.0 * f64::from(different(&rows[i], &rows[j]))) / bits.sqrt());
            }
        }
        assert!(z < 6.0, "encoding {encoding}: two strangers agree by {z} standard deviations");
    }
}

#[test]
fn a_record_with_too_few_fields_is_a_random_row() {
    let schema = Schema::uk_person();
    let people = [record("a", &["ann", "", "", "", "", "", ""]), record("b", &["ann", "", "", "F", "", "", ""])];
    let encoded = encode(&schema, &people, 1);
    assert_eq!(encoded.quality.empty, 2);
    for encoding in 0..4 {
        let rows = rows(&encoded, encoding);
        assert!((different(&rows["a"], &rows["b"]) as i32 - 2048).abs() < 200, "one forename says nothing");
        assert!((ones(&rows["a"]) as i32 - 2048).abs() < 200);
    }
    assert!(encoded.cohort.match_keys().iter().flatten().all(Option::is_none));
}

// ---- What agrees -----------------------------------------------------------------------------------------------------

#[test]
fn swapped_names_agree_as_unswapped_ones_do() {
    for (forename, surname) in [("Ann", "Smith"), ("Li", "Ng"), ("Muhammad", "Hussain"), ("Siobhan", "O'Connor")] {
        let schema = schema(&["forename", "surname"], 80, "diffusion = 0");
        let straight = one(&schema, &[forename, surname]);
        let swapped = one(&schema, &[surname, forename]);
        let dice = 2.0 * f64::from(common(&straight, &swapped)) / f64::from(ones(&straight) + ones(&swapped));
        assert!(dice > 0.93, "{forename} {surname}: {dice}");
    }
    // A swapped day and month keep five of seven tokens, or more.
    let schema = schema(&["date_of_birth"], 70, "diffusion = 0");
    let (straight, swapped) = (one(&schema, &["2011-07-09"]), one(&schema, &["2011-09-07"]));
    assert!(common(&straight, &swapped) * 10 >= ones(&straight) * 6);
    assert_ne!(straight, swapped);
}

#[test]
fn long_and_short_names_have_as_many_bits() {
    let schema = schema(&["surname"], 100, "diffusion = 0");
    for name in [
        "Li",
        "O",
        "Ng",
        "Smith",
        "Wolfeschlegelsteinhausenbergerdorff",
        "Anna-Maria Fernandez de la Cruz y Gonzalez",
        "李",
        "Łukasik",
    ] {
        let bits = ones(&one(&schema, &[name]));
        assert!((90..=100).contains(&bits), "{name} has {bits} bits");
    }
    // More tokens than bits: the budget holds.
    assert!(ones(&one(&schema, &[&(0..200).map(word).collect::<Vec<_>>().join(" ")])) <= 100);
}

#[test]
fn spellings_of_one_name_are_one_name() {
    let schema = schema(&["forename", "surname"], 80, "diffusion = 0");
    for (one_way, other_way) in [
        (["Siobhán", "O'Connor"], ["SIOBHAN", "OConnor"]),
        (["Siobha\u{301}n", "O’Connor"], ["siobhan", "O Connor"]),
        (["Łukasz", "Łukasik"], ["Lukasz", "LUKASIK"]),
        (["Mr John", "Smith-Jones"], ["john", "Smith Jones"]),
        (["Anna  Maria", "Strauß"], [" Anna-Maria ", "STRAUSS"]),
    ] {
        assert_eq!(one(&schema, &one_way), one(&schema, &other_way), "{one_way:?} {other_way:?}");
    }
    // Re-ordered parts are the same parts.
    assert_eq!(one(&schema, &["Anna", "Smith-Jones"]), one(&schema, &["Anna", "Jones Smith"]));
    assert_ne!(one(&schema, &["Anna", "Smith"]), one(&schema, &["Anna", "Smyth"]));
    let postcodes = self::schema(&["postcode"], 80, "diffusion = 0");
    assert_eq!(one(&postcodes, &["OX1 1AA"]), one(&postcodes, &["ox11aa"]));
    let dates = self::schema(&["date_of_birth"], 80, "diffusion = 0");
    for other in ["09/07/2011", "9.7.2011", "20110709", "2011-07-09T00:00:00"] {
        assert_eq!(one(&dates, &["2011-07-09"]), one(&dates, &[other]), "{other}");
    }
}

#[test]
fn no_bit_is_set_past_the_length() {
    for length in [3, 7, 63, 65, 100, 1023] {
        let schema = helpers::clk_of(length);
        let encoded = encode(&schema, &people(0..20), 1);
        let matrix = &encoded.cohort.encodings()[0];
        for row in 0..20 {
            let last = matrix.row(row)[matrix.stride() - 1];
            assert!(length % 64 == 0 || last >> (length % 64) == 0, "{length}");
        }
    }
}

// ---- Match keys ------------------------------------------------------------------------------------------------------

#[test]
fn match_keys_are_of_whole_values_only() {
    let schema = Schema::uk_person();
    let keys = keys_of(&schema);
    let whole = keys(&["Ann", "Smith", "2011-07-09", "F", "OX1 1AA", "943 476 5919", "P000000000001"]);
    assert!(whole.iter().all(Option::is_some));
    assert!(whole[0] != whole[1] && whole[1] != whole[2]);
    // Another spelling of the same facts.
    assert_eq!(keys(&["ANN", "smith", "09/07/2011", "girl", "ox11aa", "9434765919", "p000000000001"]), whole);
    for (i, other) in ["Anne", "Smyth", "2011-07-10", "M", "OX1 1AB"].iter().enumerate() {
        let mut values = ["Ann", "Smith", "2011-07-09", "F", "OX1 1AA", "9434765919", "P000000000001"];
        values[i] = other;
        let changed = keys(&values);
        assert!(changed[2].is_some() && changed[2] != whole[2], "{other}");
        assert_eq!(changed[..2], whole[..2]);
        // Half a postcode is not a whole one, and nothing is not a value.
        values[i] = if i == 4 { "OX1" } else { "" };
        assert_eq!(keys(&values)[2], None, "{}", values[i]);
    }
    let without = keys(&["Ann", "Smith", "2011-07-09", "F", "OX1 1AA", "9434765918", "0000000000"]);
    assert_eq!((without[0], without[1]), (None, None));
    assert_eq!(without[2], whole[2]);
    // Fields that trade letters are not the same key.
    assert_ne!(
        keys(&["AB", "C", "2011-07-09", "F", "OX1 1AA", "", ""])[2],
        keys(&["A", "BC", "2011-07-09", "F", "OX1 1AA", "", ""])[2]
    );
}

fn keys_of(schema: &Schema) -> impl Fn(&[&str]) -> Vec<Option<MatchKeyValue>> + '_ {
    |values| encode(schema, &[record("x", values)], 1).cohort.match_keys().iter().map(|column| column[0]).collect()
}

#[test]
#[cfg(feature = "linkage")]
fn numbers_link_a_pair_whose_names_all_differ() {
    use pprl::linkage::Reason;
    let schema = Schema::uk_person();
    let strangers =
        |from: usize| (from..from + 30).map(|i| record(i, &[&word(i), &word(i + 1), &date(i), "F", "OX1 1AA", "", ""]));
    for (key, nhs, upn) in [(0, "9434765919", ""), (1, "", "P000000000001")] {
        let police: Vec<Record> =
            strangers(0).chain([record("p", &["ann", "smith", "2011-07-09", "F", "OX1 1AA", nhs, upn])]).collect();
        let school: Vec<Record> =
            strangers(500).chain([record("s", &["zoe", "kowalska", "2004-01-30", "M", "M60 1NW", nhs, upn])]).collect();
        let a = encoder(&schema, "police", 1).encode(&police).unwrap();
        let b = encoder(&schema, "education", 1).encode(&school).unwrap();
        let links = pprl::Linker::new(&schema).link(&[&a.cohort, &b.cohort]).unwrap();
        let first = links.links()[0];
        assert_eq!(first.reason, Reason::MatchKey(key));
        assert_eq!(a.row_map.to_map()[&links.row_id(first.a)], "p");
        assert_eq!(b.row_map.to_map()[&links.row_id(first.b)], "s");
        assert_eq!(links.links().len(), 1);
    }
}

// ---- Opt-out lists ---------------------------------------------------------------------------------------------------

fn with_keys() -> Schema {
    Schema::from_toml(&CLK.replace(
        "[linkage]",
        "[[match_key]]\nname = \"person\"\nfields = [\"forename\", \"surname\", \"date_of_birth\"]\n[linkage]",
    ))
    .unwrap()
}

#[test]
fn everybody_on_the_list_is_left_out() {
    let schema = with_keys();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no.list");
    let list = encoder(&schema, "care", 1).opt_out_list(&people(0..700)).unwrap();
    list.write(&path).unwrap();
    assert_eq!(files_in(folder.path()).len(), 1);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);

    for list in [list, OptOutList::read(&path).unwrap()] {
        let police = encoder(&schema, "police", 1).opt_out(list).unwrap();
        // Spelt otherwise, and with people who did not say no.
        let upper = |i: usize| record(i, &[&word(i).to_uppercase(), &format!(" {} ", word(i + 5000)), &date(i)]);
        let encoded = police.encode(&(0..1700).map(upper).collect::<Vec<_>>()).unwrap();
        let left: BTreeSet<usize> = encoded.row_map.entries().iter().map(|(_, own)| own.parse().unwrap()).collect();
        assert!(left.iter().all(|&i| i >= 700), "somebody who said no is in");
        // About one in a thousand is left out by mistake.
        assert!(left.len() >= 990, "{} of 1000 are left", left.len());
        assert_eq!(encoded.quality.opted_out as usize, 1700 - left.len());
        assert_eq!(encoded.quality.rows, 1700);
        assert_eq!(encoded.cohort.rows(), left.len());
        assert_eq!(encoded.quality.fields[0].present as usize, left.len(), "the report does not count them");
    }
}

#[test]
fn any_match_key_will_do() {
    let schema = Schema::uk_person();
    let no = record(1, &["Ann", "Smith", "2011-07-09", "F", "OX1 1AA", "9434765919", ""]);
    let list = || encoder(&schema, "social_care", 1).opt_out_list(std::slice::from_ref(&no)).unwrap();
    let police = encoder(&schema, "police", 1).opt_out(list()).unwrap();
    let encoded = police.encode(&[
        record("number", &["Zoe", "Kowalska", "2004-01-30", "F", "", "943 476 5919", ""]),
        record("person", &["ANN", "SMITH", "09/07/2011", "F", "ox1 1aa", "", ""]),
        record("other", &["Ann", "Smith", "2011-07-10", "F", "OX1 1AA", "", ""]),
    ]);
    let left: Vec<String> = encoded.unwrap().row_map.entries().iter().map(|(_, own)| own.clone()).collect();
    assert_eq!(left, ["other"]);
}

#[test]
fn bad_values_of_people_who_said_no_are_not_reported() {
    let schema = Schema::uk_person();
    let no = ["Ann", "Smith", "2011-02-30", "F", "NOWHERE 7", "9434765919", ""];
    let list = encoder(&schema, "social_care", 1).opt_out_list(&[record(1, &no)]).unwrap();
    let encoded = encoder(&schema, "police", 1).strict(true).opt_out(list).unwrap().encode(&[record(1, &no)]).unwrap();
    assert_eq!((encoded.cohort.rows(), encoded.quality.bad_values(), encoded.quality.opted_out), (0, 0, 1));
}

#[test]
fn a_person_without_a_key_cannot_be_on_a_list() {
    let schema = with_keys();
    let people = [
        record(1, &["Xanthippe", "Smith", "2011-07-09"]),
        record(2, &["Xanthippe", "", "2011-07-09"]),
        record(3, &["Xanthippe", "Smith", "30/02/2011"]),
    ];
    let error = encoder(&schema, "care", 1).opt_out_list(&people).unwrap_err();
    says_but_not(&error, &["2 problems", "row 2", "row 3"], &["Xanthippe", "2011"]);
    let error = encoder(&clk(), "care", 1).opt_out_list(&people).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Argument { .. }));
    let empty = encoder(&schema, "care", 1).opt_out_list(&[]).unwrap();
    let encoded = encoder(&schema, "police", 1).opt_out(empty).unwrap().encode(&self::people(0..50)).unwrap();
    assert_eq!(encoded.cohort.rows(), 50, "an empty list leaves nobody out");
}

#[test]
fn lists_of_other_keys_and_schemas_are_refused() {
    let schema = with_keys();
    let people = people(0..5);
    let other = Schema::from_toml(&CLK.replace(
        "[linkage]",
        "[[match_key]]\nname = \"p\"\nfields = [\"forename\", \"surname\", \"date_of_birth\"]\n[linkage]",
    ))
    .unwrap();
    for (list, what) in [
        (Encoder::new(&schema, &other_key(), "care").unwrap().opt_out_list(&people).unwrap(), "key"),
        (encoder(&other, "care", 1).opt_out_list(&people).unwrap(), "schema"),
    ] {
        let error = encoder(&schema, "police", 1).opt_out(list).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Mismatch { .. }));
        says_but_not(&error, &[what], &[]);
    }
}

#[test]
fn a_list_cut_short_or_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no.list");
    encoder(&with_keys(), "care", 1).opt_out_list(&people(0..3)).unwrap().write(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    let refused = |bytes: &[u8], what: usize| {
        fs::write(&path, bytes).unwrap();
        let error = OptOutList::read(&path).expect_err(&format!("{what}"));
        assert!(matches!(error.kind(), ErrorKind::File { .. }), "{what}: {error:?}");
        says_but_not(&error, &["no.list"], &[]);
    };
    for end in 0..whole.len() {
        refused(&whole[..end], end);
    }
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1 << (place % 8);
        refused(&changed, place);
    }
    refused(&[whole.as_slice(), b"\0"].concat(), whole.len());
    fs::write(&path, &whole).unwrap();
    assert!(OptOutList::read(&path).is_ok());
}

/// A digest is no signature: what is behind a right one may still be anything.
#[test]
fn a_list_that_was_forged_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no.list");
    let schema = with_keys();
    encoder(&schema, "care", 1).opt_out_list(&people(0..3)).unwrap().write(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    let body = &whole[..whole.len() - 32];
    let bits_at = 8 + 64 + 16 + 45;
    // Without a bit to look at; and with four billion looks for each person.
    let mut no_bits = body[..bits_at].to_vec();
    no_bits[8 + 64 + 16 + 1..][..8].fill(0);
    let mut many_hashes = body.to_vec();
    many_hashes[8 + 64 + 16 + 9..][..4].fill(0xff);
    many_hashes[bits_at..].fill(0xff);
    let mut long = body.to_vec();
    long[8 + 64 + 16 + 1..][..8].fill(0xff);
    let mut utf8 = body.to_vec();
    utf8[10] = 0xff;
    for (what, mut body) in
        [("no bits", no_bits), ("many hashes", many_hashes), ("a length that is not so", long), ("not UTF-8", utf8)]
    {
        let digest = Sha256::digest(&body);
        body.extend(digest);
        fs::write(&path, &body).unwrap();
        let began = std::time::Instant::now();
        if let Ok(list) = OptOutList::read(&path) {
            let police = encoder(&schema, "police", 1).opt_out(list).unwrap();
            let encoded =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| police.encode(&people(0..2)).is_ok()));
            assert!(encoded.is_ok(), "{what}: it panics");
        }
        assert!(began.elapsed().as_secs() < 2, "{what}: it takes {:?}", began.elapsed());
    }
}

#[test]
fn a_list_shows_nobody() {
    let schema = with_keys();
    let encoder = encoder(&schema, "care", 1);
    let people = people(0..3);
    let list = encoder.opt_out_list(&people).unwrap();
    assert_eq!(format!("{list:?}"), "OptOutList(..)");
    // The keys on it are not those that the linkage unit sees.
    let folder = tempfile::tempdir().unwrap();
    list.write(folder.path().join("no.list")).unwrap();
    let cohort = encoder.encode(&people).unwrap().cohort;
    let bytes = fs::read(folder.path().join("no.list")).unwrap();
    for value in cohort.match_keys()[0].iter().flatten() {
        assert!(!bytes.windows(16).any(|window| window == value.0));
    }
}

// ---- Nothing is shown ------------------------------------------------------------------------------------------------

#[test]
fn debug_shows_no_secret_and_no_value() {
    let canaries = ["Xanthippe", "Quetzalcoatl", "1987-06-05", "case-4711", "XANTHIPPE"];
    let secret: [u8; 32] = std::array::from_fn(|i| 0xa0 + i as u8);
    let key = ProjectKey::from_bytes(secret);
    let schema = with_keys();
    let person = || record("case-4711", &["Xanthippe", "Quetzalcoatl", "1987-06-05"]);
    let seeded = Encoder::new(&schema, &key, "police").unwrap().seed([0xb7; 32]);
    let list = seeded.opt_out_list(&[record(1, &["Xanthippe", "Smith", "1987-06-05"])]).unwrap();
    let encoder = seeded.opt_out(list).unwrap();
    let encoded = encoder.encode(&[person()]).unwrap();
    let read = Cohort::from_json(&encoded.cohort.to_json()).unwrap();
    let shown = [
        format!("{key:?} {key:#?}"),
        format!("{encoder:?} {encoder:#?}"),
        format!("{:?} {:#?}", person(), [person()]),
        format!("{encoded:?} {encoded:#?}"),
        format!("{:?} {:#?} {read:?}", encoded.cohort, encoded.cohort),
        format!("{:?} {:#?}", encoded.row_map, encoded.row_map),
        format!("{:?} {} ", encoded.quality, encoded.quality),
        format!("{:?}", encoded.cohort.match_keys()),
    ]
    .join("\n");
    for canary in canaries {
        assert!(!shown.contains(canary), "{canary} in {shown}");
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    for secret in
        [hex(&secret[..4]), format!("{:?}", &secret[..4]).replace(['[', ']'], ""), hex(&[0xb7; 4]), "183, 183".into()]
    {
        assert!(!shown.contains(&secret), "{secret} in {shown}");
    }
    for value in encoded.cohort.match_keys()[0].iter().flatten() {
        assert!(!shown.contains(&hex(&value.0)));
    }
    assert!(!shown.contains(&encoded.cohort.row_ids()[0].to_string()), "a row id and its owner's id stay apart");
}

/// What leaves the building holds no value in any form that can be searched for.
#[test]
fn a_cohort_holds_no_value() {
    let schema = Schema::uk_person();
    let values = ["Xanthippe", "Quetzalcoatl", "1987-06-05", "F", "ZQ9 9ZQ", "9434765919", "P000000000001"];
    let text =
        String::from_utf8(encode(&schema, &[record("case-4711", &values)], 1).cohort.to_json()).unwrap().to_lowercase();
    for canary in ["xanthippe", "quetzalcoatl", "1987", "zq9", "9434765919", "p000000000001", "case-4711", "4711"] {
        // A base64 text of half a million letters holds some four-digit number by chance, so only long ones are looked for.
        assert!(canary.len() < 6 || !text.contains(canary), "{canary}");
    }
    let hash = |value: &str| Sha256::digest(value).iter().map(|b| format!("{b:02x}")).collect::<String>();
    for value in values {
        assert!(
            !text.contains(&hash(value)[..16]) && !text.contains(&hash(&value.to_uppercase())[..16]),
            "an unkeyed hash"
        );
    }
}
