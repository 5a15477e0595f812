//! How rare names are: lists of names, what owners send of them, and what a reader of cohorts takes.
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

use std::fs;
use std::path::PathBuf;

use helpers::{CLK, clk, encoder, json, key, record, says_but_not, seal, word};
use pprl::cohort::RarityColumn;
use pprl::owner::RarityList;
use pprl::{Cohort, Encoder, ErrorKind, Record, Schema};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A list of 100,000 people: its counts are what cuts are counted in.
const LIST: &str = "name,count\nSmith,200\nJones,199\nO'Neill,30\nO NEILL,20\nNg,49\nMüller,10\nRare,9\nNobody,0\nSmith Jones,1\n\
                    Мария,51\nrest of them,99431\n";

struct List(TempDir);

impl List {
    fn new(text: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("names.csv"), text).unwrap();
        List(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("names.csv")
    }

    fn read(&self) -> pprl::Result<RarityList> {
        RarityList::read(self.path())
    }
}

fn sha256(text: impl AsRef<[u8]>) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// [`CLK`] with the rarity of surnames by this list.
fn schema(list: &str, cuts: &str) -> Schema {
    let table = format!("[[rarity]]\nfield = \"surname\"\nlist_sha256 = \"{}\"\n{cuts}\n[linkage]", sha256(list));
    Schema::from_toml(&CLK.replace("[linkage]", &table)).unwrap()
}

fn encoder_with(list: &str, cuts: &str) -> Encoder {
    encoder(&schema(list, cuts), "police", 1).rarity("surname", &List::new(list).read().unwrap()).unwrap()
}

/// The class of each surname by [`LIST`], in the order of `surnames`.
fn classes(cuts: &str, surnames: &[&str]) -> Vec<Option<u8>> {
    let people: Vec<Record> =
        (0..).zip(surnames).map(|(i, name): (usize, _)| record(i, &["Ann", name, "2011-07-09"])).collect();
    let encoded = encoder_with(LIST, cuts).encode(&people).unwrap();
    let mut classes = vec![None; surnames.len()];
    for (row, (_, own)) in encoded.row_map.entries().iter().enumerate() {
        classes[own.parse::<usize>().unwrap()] = encoded.cohort.rarity()[0].class(row);
    }
    classes
}

fn cohort() -> Cohort {
    let people = ["Smith", "Rare", "", "Ng"].map(|name| record(name, &["Ann", name, "2011-07-09"]));
    encoder_with(LIST, "").encode(&people).unwrap().cohort
}

// ---- Classes ---------------------------------------------------------------------------------------------------------

#[test]
fn names_fall_on_the_right_side_of_a_cut() {
    let names = ["Smith", "Jones", "O'Neill", "Ng", "Müller", "MULLER", "Rare", "Nobody", "Featherstonehaugh"];
    let some = |classes: &[u8]| classes.iter().copied().map(Some).collect::<Vec<_>>();
    // Exactly 200, 50 and 10 of 100,000 are in the more common class; and the two spellings of O'Neill are one name.
    assert_eq!(classes("", &names), some(&[0, 1, 1, 2, 2, 2, 3, 3, 3]));
    assert_eq!(classes("cuts = [200]", &names), some(&[0, 1, 1, 1, 1, 1, 1, 1, 1]));
    assert_eq!(classes("cuts = [201, 199]", &names), some(&[1, 1, 2, 2, 2, 2, 2, 2, 2]));
    assert_eq!(classes("cuts = [100_000, 50, 49]", &names), some(&[1, 1, 1, 2, 3, 3, 3, 3, 3]));
}

#[test]
fn names_of_parts_scripts_and_no_names() {
    let some = |names: &[&str], expected: &[Option<u8>]| assert_eq!(classes("", names), expected, "{names:?}");
    // Listed as a whole; else the rarest part, of which one that is not listed is the rarest there is.
    some(&["Smith-Jones", "Jones Smith", "Smith Smith"], &[Some(3), Some(1), Some(0)]);
    some(&["Smith Featherstonehaugh", "Ng-Smith", "Dr Smith", "MC"], &[Some(3), Some(2), Some(0), Some(3)]);
    some(&["МАРИЯ", "мария", "李", "Мария Smith"], &[Some(1), Some(1), Some(3), Some(1)]);
    some(&["", "  ", "--", "\u{301}"], &[None; 4]);
    // Too long for a memo.
    some(&[&format!("Smith{}", " Jones".repeat(30)), &"x".repeat(200)], &[Some(1), Some(3)]);
}

/// Shares far beyond 64 bits and far below one of 100,000, exactly.
#[test]
fn counts_of_any_size_are_compared_exactly() {
    let most = 999_999_999_999_999_u64;
    let list = format!("name,count\nMost,{most}\nAlso,{most}\nFew,1\nHalf,{}\n", most / 2);
    let people = ["Most", "Few", "Half"].map(|name| record(name, &["Ann", name, "2011-07-09"]));
    let encoded = encoder_with(&list, "cuts = [40_000, 20_001, 20_000]").encode(&people).unwrap();
    let of = |own: &str| {
        let row = encoded.row_map.entries().iter().position(|(_, other)| other == own).unwrap();
        encoded.cohort.rarity()[0].class(row).unwrap()
    };
    // Twice most and half of it, less a half: a share of Half just under 20,000, of Most just over 40,000 or under.
    let total = 2 * u128::from(most) + 1 + u128::from(most / 2);
    let class = |count: u64| {
        [40_000u128, 20_001, 20_000].iter().filter(|&&cut| u128::from(count) * 100_000 < cut * total).count()
    };
    for (name, count) in [("Most", most), ("Few", 1), ("Half", most / 2)] {
        assert_eq!(usize::from(of(name)), class(count), "{name}");
    }
    assert_eq!(of("Few"), 3);
}

#[test]
fn the_same_bytes_in_any_number_of_threads_and_for_records_in_any_company() {
    let surnames = ["Smith", "Jones", "Ng", "Rare", "", "Smith-Jones", "Featherstonehaugh the very long and rare"];
    let person = |i: usize| {
        let surname = if i.is_multiple_of(5) { word(i) } else { surnames[i % surnames.len()].to_owned() };
        record(i, &[&word(i), &surname, "2011-07-09"])
    };
    let people: Vec<Record> = (0..5000).map(person).collect();
    let encoder = encoder_with(LIST, "");
    let encode = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| encoder.encode(&people).unwrap())
    };
    let one = encode(1);
    for threads in [2, 3, 8] {
        assert!(encode(threads).cohort == one.cohort, "{threads} threads");
    }
    let column = &one.cohort.rarity()[0];
    assert_eq!((column.rows(), column.classes().len()), (5000, 5000));
    for (row, (_, own)) in one.row_map.entries().iter().enumerate() {
        let i: usize = own.parse().unwrap();
        let expected = match i % surnames.len() {
            _ if i.is_multiple_of(5) => Some(3),
            0 => Some(0),
            1 => Some(1),
            2 => Some(2),
            4 => None,
            _ => Some(3),
        };
        assert_eq!(column.class(row), expected, "{i}");
        assert_eq!(column.classes()[row], expected.unwrap_or(RarityColumn::NONE));
    }
}

/// Nothing else in a cohort changes, but for what depends on the fingerprint.
#[test]
fn bits_are_the_same_with_and_without() {
    let people: Vec<Record> = (0..50).map(|i| record(i, &[&word(i), &word(i + 1), "2011-07-09"])).collect();
    let with = encoder_with(LIST, "").encode(&people).unwrap().cohort;
    let without = encoder(&clk(), "police", 1).encode(&people).unwrap().cohort;
    assert!(with.encodings() == without.encodings() && with.row_ids() == without.row_ids());
    assert!(without.rarity().is_empty() && without.manifest().rarity.is_empty());
    assert!(!String::from_utf8(without.to_json()).unwrap().contains("rarity"));
    assert_ne!(with.manifest().fingerprint, without.manifest().fingerprint);
}

// ---- Lists -----------------------------------------------------------------------------------------------------------

#[test]
fn nothing_is_encoded_without_the_list() {
    let schema = schema(LIST, "");
    let person = [record(1, &["Ann", "Smith", "2011-07-09"])];
    let bare = || Encoder::new(&schema, &key(), "police").unwrap();
    let error = bare().encode(&person).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Argument { .. }), "{error:?}");
    says_but_not(&error, &["surname", &sha256(LIST)], &["smith"]);
    let csv = List::new("forename,surname,date_of_birth\nAnn,Smith,2011-07-09\n");
    says_but_not(&bare().encode_csv(csv.path()).unwrap_err(), &["surname"], &["smith"]);

    let list = List::new(LIST);
    let encoded = bare().rarity("surname", &list.read().unwrap()).unwrap().encode_csv(csv.path()).unwrap();
    assert_eq!(encoded.cohort.rarity()[0].class(0), Some(0));
}

#[test]
fn another_list_is_refused() {
    let schema = schema(LIST, "");
    // The same names and counts in another order is another list: its owner cannot know that it does not matter.
    let other = List::new(LIST.replace("Jones,199\n", "") + "Jones,199\n");
    let error = encoder(&schema, "police", 1).rarity("surname", &other.read().unwrap()).unwrap_err();
    let ErrorKind::File { path, .. } = error.kind() else { panic!("{error:?}") };
    assert_eq!(*path, other.path());
    let other = other.read().unwrap();
    says_but_not(&error, &["names.csv", "surname", &sha256(LIST), other.sha256()], &["jones"]);

    let list = List::new(LIST).read().unwrap();
    assert_eq!((list.sha256(), list.names()), (sha256(LIST).as_str(), 10));
    for field in ["forename", "date_of_birth", "nobody"] {
        let error = encoder(&schema, "police", 1).rarity(field, &list).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Argument { .. }), "{error:?}");
        says_but_not(&error, &[field], &[]);
    }
    assert!(encoder(&clk(), "police", 1).rarity("surname", &list).is_err(), "a schema that does not ask");
    assert!(!format!("{list:?}").to_lowercase().contains("jones"));
}

#[test]
fn lists_of_any_form_that_says_the_same() {
    let same = [
        "name,count\nSmith,3\nNg,2\n",
        "name,count\r\nSmith,3\r\nNg,2\r\n",
        "\u{feff}name,count\nSmith,3\nNg,2",
        "\"name\",\"count\"\n\"Smith\",\"3\"\n\n\nNg,2\n\n",
        "name,count\nsmith,1\nMr SMITH,1\nSmith!,001\nNg,000000000000002\n",
    ];
    for text in same {
        let people = ["Smith", "Ng"].map(|name| record(name, &["Ann", name, "2011-07-09"]));
        let cohort = encoder_with(text, "cuts = [60_000, 40_000]").encode(&people).unwrap().cohort;
        let mut classes = cohort.rarity()[0].classes().to_vec();
        classes.sort_unstable();
        assert_eq!(classes, [0, 1], "{text:?}");
    }
}

#[test]
fn lists_that_are_none() {
    let file = |text: &[u8], says: &str| {
        let list = List::new(text);
        let error = list.read().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::File { .. }), "{error:?}");
        says_but_not(&error, &["names.csv", says], &["canary"]);
    };
    for header in [
        "",
        "canary,count\n",
        "name;count\ncanary;3\n",
        "Name,Count\n",
        "count,name\n",
        "name,count,canary\n",
        "name\n",
        "canary,3\nB,4\n",
    ] {
        file(header.as_bytes(), "name,count");
    }
    file(b"name,count\n", "no name has a count");
    file(b"name,count\ncanary,0\n", "no name has a count");

    for (bad, lines, field, says) in [
        ("canary\n", &[3][..], "", "two columns"),
        ("canary,1,2\n", &[3], "", "two columns"),
        ("\n\ncanary,\n", &[5], "count", "whole number"),
        ("canary,x\n", &[3], "count", "whole number"),
        ("canary,-1\n", &[3], "count", "whole number"),
        ("canary,+1\n", &[3], "count", "whole number"),
        ("canary,1.0\n", &[3], "count", "whole number"),
        ("canary, 1\n", &[3], "count", "whole number"),
        ("canary,١\n", &[3], "count", "whole number"),
        ("canary,1000000000000000\n", &[3], "count", "15 digits"),
        (",5\n", &[3], "name", "no letter"),
        ("--,5\n", &[3], "name", "no letter"),
        ("\"multi\nline canary\",5\n,1\ncanary,y\n", &[5, 6], "name", "no letter"),
        ("\"canary,5\nx,6\n", &[3], "", "quotation mark that is never closed"),
        ("canary,\"5\nx,6\n", &[3], "", "quotation mark that is never closed"),
    ] {
        for ends in ["\n", "\r\n"] {
            let text = format!("name,count\nGood,7\n{bad}").replace('\n', ends);
            for text in [text.clone(), text.trim_end().to_owned()] {
                let error = List::new(&text).read().unwrap_err();
                let ErrorKind::Rows { path: Some(_), problems, total } = error.kind() else { panic!("{error:?}") };
                let found: Vec<u64> = problems.iter().map(|problem| problem.line).collect();
                assert_eq!((found.as_slice(), *total), (lines, lines.len() as u64), "{text:?}");
                assert_eq!(problems[0].field, field, "{text:?}");
                says_but_not(&error, &["names.csv", says], &["canary", "good"]);
            }
        }
    }
    let long = List::new(format!("name,count\n{},5\n", "canary".repeat(200))).read().unwrap_err();
    says_but_not(&long, &["line 2", "1,000 bytes"], &["canary"]);
    let latin = List::new(b"name,count\nCan\xe4ry,5\n").read().unwrap_err();
    says_but_not(&latin, &["line 2", "UTF-8"], &["ry,"]);
    let many = List::new("name,count\n".to_owned() + &"canary,\n".repeat(5000)).read().unwrap_err();
    let ErrorKind::Rows { problems, total: 5000, .. } = many.kind() else { panic!("{many}") };
    assert_eq!(problems.len(), 1000);
    assert!(matches!(RarityList::read("no such file").unwrap_err().kind(), ErrorKind::Io { .. }));
}

// ---- Cohorts ---------------------------------------------------------------------------------------------------------

#[track_caller]
fn refused(cohort: &mut Value) -> String {
    let error = Cohort::from_json(&seal(cohort)).expect_err("this must be refused");
    assert!(matches!(error.kind(), ErrorKind::Cohort { .. }), "{error:?}");
    says_but_not(&error, &[], &["canary"]);
    error.to_string()
}

#[test]
fn there_and_back() {
    let cohort = cohort();
    let text = cohort.to_json();
    let read = Cohort::from_json(&text).unwrap();
    assert!(read == cohort && read.to_json() == text);
    assert_eq!(cohort.manifest().rarity, ["surname"]);
    read.check_schema(&schema(LIST, "")).unwrap();
    let mut classes = json(&cohort)["rarity"]["surname"].as_str().unwrap().bytes().collect::<Vec<_>>();
    classes.sort_unstable();
    assert_eq!(classes, b"-023");
    assert!(Cohort::from_json(&seal(&mut json(&cohort))).unwrap() == cohort, "the helper seals as the crate does");
    // No rows.
    let empty = encoder_with(LIST, "").encode(&[]).unwrap().cohort;
    assert_eq!(empty.rarity()[0].rows(), 0);
    assert!(Cohort::from_json(&empty.to_json()).unwrap() == empty);
    assert_eq!(format!("{:?}", cohort.rarity()), "[RarityColumn(4 rows)]", "a log shows no class");
}

#[test]
fn columns_that_are_none() {
    let good = json(&cohort());
    let column = good["rarity"]["surname"].as_str().unwrap().to_owned();
    for (wrong, says) in [
        (column[1..].to_owned(), "every row"),
        (format!("{column}0"), "every row"),
        (String::new(), "every row"),
        (format!("{}4", &column[..3]), "row 4"),
        (format!("x{}", &column[1..]), "row 1"),
        (format!("{}é", &column[..2]), "row 3"),
        (format!("{} ", &column[..3]), "row 4"),
        (format!("{}\u{0}", &column[..3]), "row 4"),
    ] {
        let mut cohort = good.clone();
        cohort["rarity"]["surname"] = json!(wrong);
        let said = refused(&mut cohort);
        assert!(said.contains(says), "{wrong:?}: {said}");
    }
    // A digest that is not that of the column.
    for place in 0..4 {
        let mut changed = column.clone().into_bytes();
        changed[place] = if changed[place] == b'1' { b'-' } else { b'1' };
        let mut cohort = good.clone();
        cohort["rarity"]["surname"] = json!(String::from_utf8(changed).unwrap());
        let text = serde_json::to_vec(&cohort).unwrap();
        assert!(Cohort::from_json(&text).unwrap_err().to_string().contains("SHA-256"), "{place}");
    }
    for wrong in [Value::Null, json!(1), json!([0, 1, 2, 3]), json!({ "canary": "0123" })] {
        let mut cohort = good.clone();
        cohort["rarity"]["surname"] = wrong.clone();
        refused(&mut cohort);
        let mut cohort = good.clone();
        cohort["rarity"] = wrong;
        refused(&mut cohort);
    }
}

#[test]
fn fields_that_do_not_fit() {
    let good = json(&cohort());
    let column = good["rarity"]["surname"].clone();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut cohort = good.clone();
        change(&mut cohort);
        cohort
    };
    refused(&mut with(&|cohort| cohort["rarity"] = json!({ "canary": column })));
    refused(&mut with(&|cohort| cohort["rarity"] = json!({ "surname": column, "canary": column })));
    refused(&mut with(&|cohort| cohort["manifest"]["rarity"] = json!([])));
    refused(&mut with(&|cohort| cohort["manifest"]["rarity"] = json!(["surname", "surname"])));
    refused(&mut with(&|cohort| drop(cohort.as_object_mut().unwrap().remove("rarity"))));
    let text = serde_json::to_string(&good).unwrap();
    let twice = text.replacen("\"rarity\":{", "\"rarity\":{\"surname\":\"0000\",", 1);
    assert!(Cohort::from_json(twice.as_bytes()).is_err());

    // Sound in itself, and not what the schema says.
    let schema = schema(LIST, "");
    let refuses = |mut cohort: Value, schema: &Schema| {
        cohort["manifest"]["fingerprint"] = json!(schema.fingerprint());
        let cohort = Cohort::from_json(&seal(&mut cohort)).unwrap();
        let error = cohort.check_schema(schema).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Mismatch { .. }), "{error:?}");
    };
    let other = with(&|cohort| {
        cohort["manifest"]["rarity"] = json!(["forename"]);
        cohort["rarity"] = json!({ "forename": column });
    });
    refuses(other, &schema);
    let none = with(&|cohort| {
        drop(cohort["manifest"].as_object_mut().unwrap().remove("rarity"));
        drop(cohort.as_object_mut().unwrap().remove("rarity"));
    });
    refuses(none, &schema);
    refuses(good.clone(), &clk());
    // Class 3 where the schema has three.
    refuses(good.clone(), &self::schema(LIST, "cuts = [200, 50]"));
    refuses(good, &self::schema(LIST, "cuts = [200]"));
}

#[cfg(feature = "synth")]
#[test]
fn invented_lists_are_lists() {
    use pprl::synth::NameList;

    let folder = tempfile::tempdir().unwrap();
    for (list, common) in [(NameList::surnames(), "Smith"), (NameList::forenames(), "Oliver")] {
        let path = folder.path().join(common);
        list.write_csv(&path).unwrap();
        let read = RarityList::read(&path).unwrap();
        assert!(read.names() > 300, "{}", read.names());
        let people: u64 = list.counts().map(|(_, count)| count).sum();
        assert!((1_000_000..=10_000_000).contains(&people), "{people}");
        assert!(list.counts().any(|(name, count)| name == common && count * 1000 > people), "{common} is common");
    }
}
