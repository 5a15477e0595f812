//! blocklib's blocks: to the byte in compatibility mode, keyed otherwise; and what a linkage unit does with them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(all(feature = "clkhash", feature = "anonlink"))]

#[cfg(feature = "synth")]
#[path = "blocking/figures.rs"]
mod figures;
#[path = "blocking/unit.rs"]
mod unit;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pprl::anonlink::blocks::{
    BlockFilter, Blocks, Ids, PositionFilter, assess_blocks_2party, block_numbers, generate_blocks, sample_bits,
};
use pprl::clkhash::Secret;
use pprl::clkhash::blocking::{BlockIds, BlockKey, BlockingSchema};
use pprl::cohort::BitMatrix;
use pprl::{Error, ErrorKind, ProjectKey};
use serde_json::{Value, json};

/// Blocks in their order: id, and the names of its records.
type Listed = Vec<(String, Vec<String>)>;

fn vectors(name: &str) -> Value {
    let path = std::env::var("PPRL_BLOCKLIB_CASES").ok().filter(|_| name == "fuzz.json");
    let path = path.unwrap_or_else(|| format!("{}/tests/vectors/blocking/{name}", env!("CARGO_MANIFEST_DIR")));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn compatible() -> BlockIds {
    BlockIds::compatible("a test against blocklib").unwrap()
}

fn keyed(byte: u8) -> BlockIds {
    BlockIds::keyed(BlockKey::from_project(&ProjectKey::from_bytes([byte; 32]), "demo"))
}

fn schema(value: &Value) -> BlockingSchema {
    BlockingSchema::from_json(&value.to_string()).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn rows(value: &Value) -> Vec<Vec<String>> {
    value.as_array().unwrap().iter().map(|row| row.as_array().unwrap().iter().map(text).collect()).collect()
}

fn listed(blocks: &Blocks) -> Listed {
    blocks.iter().map(|(id, records)| (id.to_owned(), records.map(str::to_owned).collect())).collect()
}

/// What blocklib lists: `{id: [records]}`, or the same in its order, `[[id, [records]]]`.
fn expected(value: &Value) -> Listed {
    let members = |value: &Value| value.as_array().unwrap().iter().map(text).collect();
    match value {
        Value::Object(map) => map.iter().map(|(id, records)| (id.clone(), members(records))).collect(),
        list => list.as_array().unwrap().iter().map(|pair| (text(&pair[0]), members(&pair[1]))).collect(),
    }
}

fn sorted(mut listed: Listed) -> Listed {
    listed.sort();
    listed
}

/// A number as a file gives it back: serde_json may read the last digit of a fraction otherwise than it was.
fn read_again(value: &Value) -> Value {
    serde_json::from_str(&value.to_string()).unwrap()
}

/// Python writes a whole mean as 1 where we write 1.0.
fn same_numbers(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_numbers(a, b)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_numbers(a, b)),
        _ => a.as_f64().is_some() && a.as_f64() == b.as_f64(),
    }
}

#[test]
fn psig_is_blocklibs_to_the_byte() {
    let cases = vectors("blocklib.json");
    for case in cases["psig"].as_array().unwrap() {
        let schema = schema(&case["schema"]);
        let mut made = Vec::new();
        for (i, data) in case["data"].as_array().unwrap().iter().enumerate() {
            let blocked = schema.block(&compatible(), None, &rows(data)).unwrap();
            assert_eq!(sorted(listed(&blocked.blocks)), sorted(expected(&case["candidate_blocks"][i])));
            assert!(
                same_numbers(&read_again(&blocked.statistics.to_json()), &case["stats"][i]),
                "{}",
                blocked.statistics.to_json()
            );
            made.push(blocked.blocks);
        }
        let compress = case["schema"]["config"]["blocking-filter"]["compress-block-key"] == true;
        let ids = if compress { Ids::Compressed } else { Ids::Whole };
        let parties: Vec<&Blocks> = made.iter().collect();
        for (i, last) in generate_blocks(&parties, 2, ids).unwrap().iter().enumerate() {
            assert_eq!(sorted(listed(last)), sorted(expected(&case["final_blocks_K2"][i])));
        }
    }
}

#[test]
fn positions_are_blocklibs() {
    for case in vectors("blocklib.json")["flip_bloom_filter"].as_array().unwrap() {
        // A signature is made again of one value: "1_Knight" is the second strategy's of "Knight".
        let (number, value) = case["signature"].as_str().unwrap().split_once('_').unwrap();
        let part = json!([{"type": "feature-value", "feature": 0}]);
        let strategies: Vec<Value> = (0..=number.parse().unwrap()).map(|_| part.clone()).collect();
        let schema = schema(&json!({"type": "p-sig", "version": 1, "config": {
            "blocking-features": [0], "filter": {"type": "count", "min": 1, "max": 1}, "null-sentinel": "none",
            "blocking-filter": {"type": "bloom filter", "number-hash-functions": case["num_hash"], "bf-len": case["bf_len"]},
            "signatureSpecs": strategies}}));
        let blocked = schema.block(&compatible(), None, &[[value]]).unwrap();
        let ids: Vec<String> = listed(&blocked.blocks).into_iter().map(|(id, _)| id).collect();
        assert!(ids.contains(&case["block_id"].as_str().unwrap().to_owned()), "{ids:?}");
    }
}

#[test]
fn lambda_fold_is_blocklibs_to_the_byte() {
    for case in vectors("blocklib.json")["lambda_fold"].as_array().unwrap() {
        let blocked = schema(&case["schema"]).block(&compatible(), None, &rows(&case["data"])).unwrap();
        assert_eq!(sorted(listed(&blocked.blocks)), sorted(expected(&case["blocks"])));
    }
}

fn only_bounds(error: &Error) -> bool {
    let ErrorKind::Schema { problems, .. } = error.kind() else { return false };
    problems.iter().all(|problem| problem.message.starts_with("must be from 1 to"))
}

/// Invented people and schemas, sound and damaged: the same blocks in the same order, the same statistics, and an error
/// where blocklib has one. `PPRL_BLOCKLIB_CASES` names a longer file that `make.py` made.
#[test]
fn blocklib_does_the_same_with_invented_cases() {
    let cases = vectors("fuzz.json");
    let cases = cases["cases"].as_array().unwrap();
    let (mut blocked, mut refused, mut stricter, mut other) = (0, 0, 0, 0);
    for (number, case) in cases.iter().enumerate() {
        let header = case["header"].as_array().map(|names| names.iter().map(text).collect::<Vec<_>>());
        let made = BlockingSchema::from_json(&case["schema"].to_string()).and_then(|schema| {
            let data = case["data"].as_array().unwrap().iter();
            data.map(|data| schema.block(&compatible(), header.as_deref(), &rows(data))).collect::<Result<Vec<_>, _>>()
        });
        let made = match (made, case["error"].as_str()) {
            (Err(_), Some(_)) => {
                refused += 1;
                continue;
            }
            (Ok(made), None) => made,
            // Less than one bit or hash function, and tables of nothing: one block of everybody, or none.
            (Err(error), None) if only_bounds(&error) => {
                stricter += 1;
                continue;
            }
            (ours, theirs) => {
                println!("{number}: {:?}, blocklib {theirs:?}: {} {}", ours.err(), case["schema"], case["header"]);
                other += 1;
                continue;
            }
        };
        for (i, one) in made.iter().enumerate() {
            assert_eq!(listed(&one.blocks), expected(&case["blocks"][i]), "{number}: {}", case["schema"]);
            assert!(
                same_numbers(&read_again(&one.statistics.to_json()), &case["stats"][i]),
                "{number}: {:?}",
                one.statistics
            );
        }
        let parties: Vec<&Blocks> = made.iter().map(|one| &one.blocks).collect();
        if case["assessed"].is_array() {
            let entities = |i: usize| rows(&case["data"][i]).into_iter().map(|row| row[4].clone()).collect::<Vec<_>>();
            let ours = assess_blocks_2party(parties[0], parties[1], &entities(0), &entities(1)).unwrap();
            let ours = read_again(&json!([ours.reduction_ratio, ours.pair_completeness]));
            assert!(same_numbers(&ours, &case["assessed"]), "{number}: {ours}");
        }
        let flag = &case["schema"]["config"]["blocking-filter"]["compress-block-key"];
        let compress = *flag == true || *flag == "yes";
        let ids = if compress { Ids::Compressed } else { Ids::Whole };
        let need = case["need"].as_u64().unwrap() as usize;
        let last = generate_blocks(&parties, need, ids).unwrap();
        for (i, last) in last.iter().enumerate() {
            // blocklib's order of lambda-fold's is that of the party, of P-Sig's that of all.
            let (ours, theirs) = (listed(last), expected(&case["final"][i]));
            let psig = case["schema"]["type"] == "p-sig";
            assert_eq!(
                if psig { ours.clone() } else { sorted(ours) },
                if psig { theirs } else { sorted(theirs) },
                "{number}"
            );
        }
        if case["schema"]["type"] == "p-sig" {
            let filter = PositionFilter::new(&parties, need).unwrap();
            let kept: Vec<Blocks> = parties.iter().map(|blocks| filter.candidates(blocks).unwrap()).collect();
            assert_eq!(generate_blocks(&kept.iter().collect::<Vec<_>>(), need, ids).unwrap(), last, "{number}");
        }
        blocked += 1;
    }
    println!("{blocked} blocked, {refused} refused by both, {stricter} by us");
    assert_eq!(other, 0);
    assert!(blocked * 3 > cases.len() && refused * 10 > cases.len());
}

const PEOPLE: [[&str; 3]; 7] = [
    ["Siân", "Ó Briain", "1984"],
    ["Наташа", "Иванова", "1990"],
    ["明", "李", "1990"],
    ["محمد", "حسن", ""],
    ["", "Smith", "1984"],
    ["Sian", "O Briain", "1984"],
    ["J", "", "2001"],
];

fn psig_schema() -> Value {
    json!({"type": "p-sig", "version": 1, "config": {
        "blocking-features": [0, 1, 2], "filter": {"type": "count", "min": 1, "max": 10},
        "blocking-filter": {"type": "bloom filter", "number-hash-functions": 4, "bf-len": 2048},
        "signatureSpecs": [
            [{"type": "metaphone", "feature": 0}, {"type": "metaphone", "feature": 1}],
            [{"type": "characters-at", "config": {"pos": ["0:2"]}, "feature": 0}, {"type": "feature-value", "feature": 2}]]}})
}

fn lambda_schema() -> Value {
    json!({"type": "lambda-fold", "version": 1, "config": {"blocking-features": [0, 1], "Lambda": 4, "bf-len": 512,
        "num-hash-funcs": 5, "K": 12, "random_state": 3, "input-clks": false}})
}

fn block(schema: &Value, ids: &BlockIds) -> Blocks {
    self::schema(schema).block(ids, None, &PEOPLE).unwrap().blocks
}

fn ids_of(blocks: &Blocks) -> BTreeSet<String> {
    blocks.iter().map(|(id, _)| id.to_owned()).collect()
}

#[test]
fn keyed_ids_are_nobodys_without_the_key() {
    for value in [psig_schema(), lambda_schema()] {
        let (ours, again, other) = (block(&value, &keyed(1)), block(&value, &keyed(1)), block(&value, &keyed(2)));
        let project = ProjectKey::from_bytes([1; 32]);
        let project = block(&value, &BlockIds::keyed(BlockKey::from_project(&project, "another project")));
        let secret = |text: &[u8]| {
            block(&value, &BlockIds::keyed(BlockKey::from_secret(&Secret::from_bytes(text.to_vec())).unwrap()))
        };
        let all = [&ours, &other, &project, &secret(&[1; 32]), &secret(b"horse staple"), &block(&value, &compatible())];
        assert_eq!(ours.to_json(), again.to_json());
        assert_eq!(secret(b"horse staple").to_json(), all[4].to_json());
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| ids_of(a).is_disjoint(&ids_of(b))), "{i}");
            assert!(all[i + 1..].iter().all(|b| a.key_check() != b.key_check()), "{i}");
        }
        assert!(
            all[..5]
                .iter()
                .flat_map(|blocks| ids_of(blocks))
                .all(|id| id.len() == 32 && u128::from_str_radix(&id, 16).is_ok())
        );
        assert!(ours.is_keyed() && ours.accept_risk().is_none());
        let error = generate_blocks(&[&ours, &other], 2, Ids::Whole).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Mismatch { .. }));
        assert!(generate_blocks(&[&ours, all[5]], 2, Ids::Whole).is_err());
    }
    assert!(BlockKey::from_secret(&Secret::from_bytes(Vec::new())).is_err());
    assert_eq!(format!("{:?}", keyed(1)), "BlockIds(Keyed(BlockKey(..)))");
}

/// Why `accept_risk`: whoever has the file and the schema blocks a list of dates and compares ids.
#[test]
fn a_list_of_dates_opens_unkeyed_ids_and_no_keyed_one() {
    let schema = schema(&json!({"type": "p-sig", "version": 1, "config": {
        "blocking-features": [0], "filter": {"type": "count", "min": 1, "max": 99},
        "blocking-filter": {"type": "bloom filter", "number-hash-functions": 4, "bf-len": 8192},
        "signatureSpecs": [[{"type": "feature-value", "feature": 0}]]}}));
    let date = |i: u32| [format!("{}-{:02}-{:02}", 1925 + i / 336, 1 + i / 28 % 12, 1 + i % 28)];
    let list: Vec<_> = (0..33_600).map(date).collect();
    let people: Vec<_> = (0..500).map(|i| date(i * 7919 % 33_600)).collect();
    let own = |ids: &BlockIds, rows: &[[String; 1]]| ids_of(&schema.block(ids, None, rows).unwrap().blocks);
    let (tried, guessed) = (own(&compatible(), &list), own(&keyed(2), &list));
    assert!(own(&compatible(), &people).is_subset(&tried));
    let secret = own(&keyed(1), &people);
    assert!(secret.len() == 500 && secret.is_disjoint(&tried) && secret.is_disjoint(&guessed));
}

/// The keyed blocks of P-Sig hold the same records as the unkeyed, block for block, unless two unkeyed ids fell together.
#[test]
fn a_key_changes_ids_and_not_blocks() {
    let members = |blocks: &Blocks| listed(blocks).into_iter().map(|(_, records)| records).collect::<Vec<_>>();
    let (with, without) = (block(&psig_schema(), &keyed(1)), block(&psig_schema(), &compatible()));
    assert_eq!(members(&with), members(&without));
    // Siân and Sian sound alike, and are of 1984. Double metaphone hears nothing in other scripts.
    let expected = [vec!["0", "5"], vec!["1", "2", "3"], vec!["0", "5"], vec!["1"], vec!["2"], vec!["6"]];
    assert_eq!(members(&with), expected);
}

/// `keyed.py` makes these from `docs/blocking.md` alone.
#[test]
fn keyed_ids_are_as_specified() {
    let vectors = vectors("keyed.json");
    let people = rows(&vectors["people"]);
    let value = |part: usize| json!({"type": "feature-value", "feature": part});
    let mut psig = psig_schema();
    psig["config"]["signatureSpecs"] = json!([[value(1)], [value(0), value(1)]]);
    let mut fold = lambda_schema();
    for (key, number) in [("Lambda", 5), ("K", 7), ("bf-len", 100), ("num-hash-funcs", 6)] {
        fold["config"][key] = json!(number);
    }
    let secret = || BlockIds::keyed(BlockKey::from_secret(&Secret::from_bytes(b"horse staple".to_vec())).unwrap());
    for (name, ids) in [("project", keyed(1)), ("secret", secret())] {
        for (method, value) in [("p-sig", &psig), ("lambda-fold", &fold)] {
            let blocks = schema(value).block(&ids, None, &people).unwrap().blocks;
            let mut reverse = blocks.reverse();
            reverse.sort_unstable();
            let ids: Vec<Vec<&str>> = reverse.into_iter().map(|(_, ids)| ids).collect();
            assert_eq!(json!(ids), vectors["keys"][name][method], "{name} {method}");
            assert_eq!(blocks.key_check(), vectors["keys"][name]["check"].as_str());
        }
    }
}

#[test]
fn an_unkeyed_file_says_why() {
    let reason = "partners have stored blocks of 2019";
    let blocks = block(&psig_schema(), &BlockIds::compatible(reason).unwrap());
    assert_eq!((blocks.accept_risk(), blocks.is_keyed()), (Some(reason), false));
    let read = Blocks::from_json(&blocks.to_json()).unwrap();
    assert_eq!(read.accept_risk(), Some(reason));
    assert_eq!(read.meta(), blocks.meta());
    for wrong in ["", "too short", "          ", &"long".repeat(126)] {
        assert!(matches!(BlockIds::compatible(wrong).unwrap_err().kind(), ErrorKind::Argument { .. }));
    }
}

#[test]
fn missing_values_and_empty_input() {
    let schema = schema(&psig_schema());
    for ids in [keyed(1), compatible()] {
        let none: [[&str; 3]; 0] = [];
        assert!(schema.block(&ids, None, &none).is_err());
        // No signature of either strategy: a value is missing in both.
        assert!(schema.block(&ids, None, &[["", "Smith", "1984"]]).is_err());
        let one = schema.block(&ids, None, &[["Tom", "", "1984"]]).unwrap();
        assert_eq!((one.blocks.len(), one.statistics.coverage), (1, Some(1.0)));
        let error = schema.block(&ids, None, &[["Tom", "secretname"]]).unwrap_err().to_string();
        assert!(error.contains("row 1") && error.contains("column 2") && !error.contains("secretname"), "{error}");
        let lambda = self::schema(&lambda_schema());
        let nobody = lambda.block(&ids, None, &[["", ""], ["", "x"]]).unwrap();
        assert!(nobody.blocks.iter().all(|(_, records)| records.eq(["0", "1"])));
        assert!(lambda.block(&ids, None, &none).is_err());
    }
}

#[test]
fn a_schema_says_where_it_is_wrong_and_what_surprises() {
    let problem = |change: &dyn Fn(&mut Value), base: fn() -> Value| {
        let mut value = base();
        change(&mut value);
        let error = BlockingSchema::from_json(&value.to_string()).unwrap_err();
        let ErrorKind::Schema { problems, .. } = error.kind() else { panic!("{error}") };
        problems.iter().map(|problem| problem.key.clone()).collect::<Vec<_>>()
    };
    let config = |key: &'static str, new: Value| move |value: &mut Value| value["config"][key] = new.clone();
    let parts = "config.signatureSpecs[1][0]";
    let part = |key: &'static str, new: Value| {
        move |value: &mut Value| value["config"]["signatureSpecs"][1][0][key] = new.clone()
    };
    assert_eq!(problem(&|value| value["type"] = json!("kasn"), psig_schema), ["type"]);
    assert_eq!(problem(&config("blocking-features", json!([])), psig_schema), ["config.blocking-features"]);
    assert_eq!(problem(&config("filter", json!({"type": "ratio", "max": 2})), psig_schema), ["config.filter.max"]);
    assert_eq!(problem(&config("signatureSpecs", json!([])), psig_schema), ["config.signatureSpecs"]);
    assert_eq!(problem(&part("type", json!("soundex")), psig_schema), [format!("{parts}.type")]);
    assert_eq!(problem(&part("feature", json!("dob")), psig_schema), [format!("{parts}.feature")]);
    for wrong in [":", "a:b", "2:2", "1:2:3", "x"] {
        let change = part("config", json!({"pos": [0, wrong]}));
        assert_eq!(problem(&change, psig_schema), [format!("{parts}.config.pos[1]")], "{wrong}");
    }
    assert_eq!(problem(&config("K", json!(513)), lambda_schema), ["config.K"]);
    assert_eq!(problem(&config("Lambda", json!(0)), lambda_schema), ["config.Lambda"]);
    assert_eq!(problem(&|value| value["config"]["filter"] = json!(null), psig_schema), ["config.filter"]);
    let two = problem(&|value| value["config"] = json!({"blocking-features": [1]}), lambda_schema);
    assert_eq!(two.len(), 6, "{two:?}");
    for text in ["", "{", "[]", "null", "\u{feff}{}"] {
        assert!(matches!(BlockingSchema::from_json(text).unwrap_err().kind(), ErrorKind::Schema { .. }), "{text}");
    }

    let surprises = |change: &dyn Fn(&mut Value)| {
        let mut value = psig_schema();
        change(&mut value);
        let schema = schema(&value);
        schema.surprises().iter().map(|surprise| surprise.path.clone()).collect::<Vec<_>>()
    };
    assert!(surprises(&|_| ()).is_empty());
    assert_eq!(surprises(&|value| value["config"]["k"] = json!(1)), ["config.k"]);
    assert_eq!(surprises(&|value| value["version"] = json!(3)), ["version"]);
    assert_eq!(surprises(&config("blocking-features", json!(["0", "1"]))), ["config.blocking-features"]);
    assert_eq!(surprises(&config("null-sentinel", json!(null))), ["config.null-sentinel"]);
    assert_eq!(surprises(&part("feature", json!("0"))), [format!("{parts}.feature")]);
}

#[test]
fn columns_by_name_need_a_header() {
    let mut value = psig_schema();
    value["config"]["blocking-features"] = json!(["forename"]);
    value["config"]["signatureSpecs"] = json!([[{"type": "feature-value", "feature": "dob"}]]);
    value["config"]["record-id-col"] = json!(1);
    let schema = schema(&value);
    let header = ["forename", "surname", "dob"].map(str::to_owned);
    assert!(schema.needs_header() && schema.block(&keyed(1), None, &PEOPLE).is_err());
    assert!(schema.block(&keyed(1), Some(&header[..2]), &PEOPLE).is_err());
    let blocks = schema.block(&keyed(1), Some(&header), &PEOPLE).unwrap().blocks;
    assert_eq!(blocks.reverse().len(), 6, "one has no date of birth");
    assert!(listed(&blocks).iter().any(|(_, records)| *records == ["Иванова", "李"]));
    // The names of records are not rows.
    assert!(block_numbers(&[&blocks, &blocks], &[7, 7]).is_err());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    let lines = PEOPLE.map(|row| row.map(|field| format!(" {field}\t")).join(","));
    std::fs::write(&path, format!("forename,surname,dob\n{}\n", lines.join("\n"))).unwrap();
    let from_file = schema.block_csv(&keyed(1), &path, true).unwrap().blocks;
    assert_eq!(listed(&from_file), listed(&blocks));
    std::fs::write(&path, b"forename,surname,dob\nsecret\xff,b,c\n").unwrap();
    let error = schema.block_csv(&keyed(1), &path, true).unwrap_err().to_string();
    assert!(error.contains("people.csv") && error.contains("row 1") && !error.contains("secret"), "{error}");
}

fn clks(rows: &[Vec<u8>]) -> BitMatrix {
    let mut matrix = BitMatrix::new(rows[0].len() * 8);
    assert!(rows.iter().all(|row| matrix.push_bytes(row)));
    matrix
}

#[test]
fn blocks_of_clks_are_blocklibs_for_both_sides() {
    for case in vectors("clks.json")["cases"].as_array().unwrap() {
        let decode = |text: &Value| STANDARD.decode(text.as_str().unwrap()).unwrap();
        let clks = clks(&case["clks"].as_array().unwrap().iter().map(decode).collect::<Vec<_>>());
        let schema = schema(&case["schema"]);
        let owner = schema.block_clks(&compatible(), &clks).unwrap().blocks;
        assert_eq!(listed(&owner), expected(&case["blocks"]));
        let config = &case["schema"]["config"];
        let number = |key: &str| config[key].as_u64().unwrap();
        let (tables, sampled) = (number("Lambda") as usize, number("K") as usize);
        let unit = sample_bits(&clks, tables, sampled, number("random_state")).unwrap();
        assert_eq!(listed(&unit), listed(&owner));
        let secret = schema.block_clks(&keyed(1), &clks).unwrap().blocks;
        assert!(ids_of(&secret).is_disjoint(&ids_of(&owner)) && secret.is_keyed());
        assert_eq!(secret.reverse().len(), clks.rows());
        assert!(schema.block(&compatible(), None, &PEOPLE).is_err());
    }
    let one = clks(&[vec![1, 2]]);
    for (tables, sampled) in [(0, 1), (1, 0), (1, 17), (10_001, 1)] {
        assert!(sample_bits(&one, tables, sampled, 0).is_err());
    }
    assert!(sample_bits(&BitMatrix::new(8), 1, 1, 0).is_err());
    assert!(schema(&lambda_schema()).block_clks(&compatible(), &one).is_err());
}

#[test]
fn files_there_and_back() {
    let folder = tempfile::tempdir().unwrap();
    for (value, ids) in [(psig_schema(), keyed(1)), (psig_schema(), compatible()), (lambda_schema(), compatible())] {
        let blocks = block(&value, &ids);
        let path = folder.path().join("blocks.json");
        blocks.write(&path).unwrap();
        let read = Blocks::read(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), blocks.to_json());
        assert_eq!((read.meta(), read.len()), (blocks.meta(), blocks.len()));
        let own = |blocks: &Blocks| -> BTreeMap<String, BTreeSet<String>> {
            let owned = |ids: Vec<&str>| ids.into_iter().map(str::to_owned).collect();
            blocks.reverse().into_iter().map(|(record, ids)| (record.to_owned(), owned(ids))).collect()
        };
        assert_eq!(own(&read), own(&blocks));
        let inverse = Blocks::from_inverse_json(&blocks.to_inverse_json()).unwrap();
        assert_eq!(listed(&inverse), listed(&blocks));
        let json: Value = serde_json::from_slice(&blocks.to_json()).unwrap();
        assert_eq!(json["meta"]["source"]["clk_count"], json!([PEOPLE.len()]));
        assert_eq!(json["meta"]["config"], value);
        let shown = format!("{blocks:?}");
        assert!(ids_of(&blocks).iter().all(|id| !shown.contains(id)), "{shown}");
    }
    for wrong in [
        "",
        "{",
        "[]",
        "{}",
        "{\"blocks\": []}",
        "{\"blocks\": {\"0\": \"secretid\"}}",
        "{\"blocks\": {\"0\": [null]}}",
        "{\"blocks\": {\"0\": [], \"0\": []}}",
        "{\"blocks\": {}, \"blocks\": {}}",
        "{\"blocks\": {}} x",
        "{\"blocks\": {\"0\": [[\"secretid\"]]}}",
        "{\"blocks\": {}, \"meta\": 1}",
        "{\"blocks\": {\"0\": [-1]}}",
    ] {
        let error = Blocks::from_json(wrong.as_bytes()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Cohort { .. }) && !error.to_string().contains("secretid"), "{wrong}");
    }
    assert!(Blocks::from_json(b"{\"blocks\": {}, \"more\": [1]}").unwrap().is_empty());
    assert!(Blocks::from_inverse_json(b"{\"a\": 1}").is_err());
    // Names that look like rows and are none.
    let odd = Blocks::from_inverse_json(b"{\"a\": [\"01\", \"+1\", \"1\", 2]}").unwrap();
    assert_eq!(odd.to_inverse_json(), b"{\n\"a\": [\"01\", \"+1\", 1, 2]}\n");
}
