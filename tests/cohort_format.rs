//! The form in which a cohort crosses: there and back, and whatever a stranger may send.
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
#![cfg(all(feature = "owner", feature = "linkage"))]

#[path = "helpers/helpers.rs"]
mod helpers;

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use helpers::{
    clk, clk_of, cohort_of_bits, encoder, everything_said, files_in, json, record, says_but_not, seal, word,
};
use pprl::cohort::{BitMatrix, RowId};
use pprl::{Cohort, ErrorKind, Linker, Record, Schema};
use proptest::prelude::*;
use serde_json::{Value, json};

fn people(count: usize) -> Vec<Record> {
    (0..count).map(|i| record(i, &[&word(i), &word(i + 100), "2011-07-09"])).collect()
}

/// Two encodings and a match key, three rows.
fn wide() -> Value {
    let text = helpers::CLK.replace(
        "[linkage]",
        "[[encoding]]\nname = \"second\"\nlength = 100\ndiffusion = 0\nfields = { surname = 20 }\n\
         [[match_key]]\nname = \"person\"\nfields = [\"forename\", \"surname\", \"date_of_birth\"]\n[linkage]",
    );
    let schema = Schema::from_toml(&text).unwrap();
    let mut people = people(2);
    people.push(record(2, &["only", "", ""]));
    json(&encoder(&schema, "police", 1).encode(&people).unwrap().cohort)
}

/// One encoding of 20 bits, three rows.
fn narrow() -> Value {
    json(&cohort_of_bits(&clk_of(20), "police", 1, &[vec![0, 19], vec![7, 8], vec![]]))
}

/// Refused as a cohort, in words that are not the file's.
#[track_caller]
fn refused(text: &[u8]) -> String {
    let error = Cohort::from_json(text).expect_err("this must be refused");
    assert!(matches!(error.kind(), ErrorKind::Cohort { path: None, .. }), "{error:?}");
    says_but_not(&error, &[], &["canary"]);
    assert!(everything_said(&error).len() < 3000, "{error}");
    error.to_string()
}

/// Refused though its digest is right.
#[track_caller]
fn refused_sealed(cohort: &mut Value) -> String {
    refused(&seal(cohort))
}

// ---- There and back --------------------------------------------------------------------------------------------------

#[test]
fn round_trips_of_all_lengths() {
    for length in [1, 7, 8, 9, 63, 64, 65, 1000, 1023, 1024, 4095, 4096] {
        let schema = clk_of(length);
        for rows in [0, 1, 2, 65] {
            let people: Vec<Record> = people(rows)
                .into_iter()
                .map(|p| Record::new(p.id(), p.values()[..schema.fields().len()].to_vec()))
                .collect();
            let cohort = encoder(&schema, "police", 3).encode(&people).unwrap().cohort;
            assert_eq!(
                (cohort.rows(), cohort.encodings()[0].bits(), cohort.encodings()[0].rows()),
                (rows, length, rows)
            );
            let text = cohort.to_json();
            let read = Cohort::from_json(&text).unwrap();
            assert!(read == cohort, "{length} bits, {rows} rows");
            assert_eq!(read.to_json(), text);
        }
    }
}

#[test]
fn round_trip_of_diffused_lengths() {
    for (length, output) in [(100, 1), (100, 7), (130, 67), (100, 1023)] {
        let text = helpers::CLK
            .replace("length = 1024\ndiffusion = 0", &format!("length = {length}\ndiffusion = 3\noutput = {output}"))
            .replace("= 80", "= 20");
        let schema = Schema::from_toml(&text).unwrap();
        let mut people = people(5);
        // Too little for a diffused encoding: a random row, which must end at the length too.
        people.push(record(9, &["", "", ""]));
        let cohort = encoder(&schema, "police", 3).encode(&people).unwrap().cohort;
        assert!(Cohort::from_json(&cohort.to_json()).unwrap() == cohort, "{output}");
    }
}

#[test]
fn round_trip_of_everything_through_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("police.cohort.json");
    for schema in [Schema::uk_person(), clk()] {
        let people: Vec<Record> = (0..40)
            .map(|i| {
                let nhs = if i % 3 == 0 { "9434765919" } else { "" };
                let values = [&word(i), &word(i + 1), "2011-07-09", "F", "OX1 1AA", nhs, ""];
                record(i, &values[..schema.fields().len()])
            })
            .collect();
        let cohort = encoder(&schema, "police", 3).encode(&people).unwrap().cohort;
        cohort.write(&path).unwrap();
        assert!(Cohort::read(&path).unwrap() == cohort);
        // Over what was there before.
        cohort.write(&path).unwrap();
        assert_eq!(files_in(folder.path()).len(), 1);
    }
}

#[test]
fn a_single_encoding_is_an_anonlink_upload() {
    let cohort = encoder(&clk(), "police", 1).encode(&people(10)).unwrap().cohort;
    let upload = json(&cohort);
    let clks = upload["clks"].as_array().unwrap();
    assert_eq!(clks.len(), 10);
    for (row, clk) in clks.iter().enumerate() {
        let bytes = STANDARD.decode(clk.as_str().unwrap()).unwrap();
        assert_eq!(bytes.len(), 128);
        assert_eq!(bytes, cohort.encodings()[0].bytes(row));
    }
    // Not with two: anonlink would compare the first and know nothing of the second.
    assert!(wide().get("clks").is_none());
}

#[test]
fn the_helper_seals_as_the_crate_does() {
    for mut cohort in [wide(), narrow()] {
        let digest = cohort["manifest"]["sha256"].clone();
        let text = seal(&mut cohort);
        assert_eq!(cohort["manifest"]["sha256"], digest);
        assert!(Cohort::from_json(&text).is_ok());
    }
}

#[test]
fn order_of_keys_and_white_space_do_not_matter() {
    for cohort in [wide(), narrow()] {
        let expected = Cohort::from_json(&serde_json::to_vec(&cohort).unwrap()).unwrap();
        let Value::Object(map) = &cohort else { unreachable!() };
        let backwards: Vec<String> = map.iter().rev().map(|(key, value)| format!("  {key:?}  :\t{value:#}")).collect();
        let text = format!("\n\n {{ {} }} \n", backwards.join(" ,\r\n"));
        assert!(Cohort::from_json(text.as_bytes()).unwrap() == expected);
        // Letters as escapes are letters.
        let text = serde_json::to_string(&cohort).unwrap().replace("police", "\\u0070olice");
        assert!(Cohort::from_json(text.as_bytes()).unwrap() == expected);
    }
}

// ---- Hostile files ---------------------------------------------------------------------------------------------------

#[test]
fn what_is_no_json_of_a_cohort() {
    for text in [
        "",
        " ",
        "null",
        "true",
        "0",
        "\"canary\"",
        "[]",
        "[[[]]]",
        "{}",
        "{",
        "}",
        "[1,2",
        "{\"canary\":1}",
        "{\"clks\":[]}",
        "{\"format\":\"pprl-cohort-1\"}",
        "{\"format\":\"canary-2\"}",
        "{\"format\":7}",
        "{\"manifest\":null}",
        "{\"manifest\":\"canary\"}",
        "{\"manifest\":{}}",
        "{\"row_ids\":{}}",
        "{\"row_ids\":\"canary\"}",
        "{\"clks\":\"canary\"}",
        "{\"clks\":{\"canary\":1}}",
        "{\"encodings\":[]}",
        "{\"match_keys\":[]}",
        "\u{feff}{}",
        "{\"clks\":[\"\\ud800\"]}",
        "{\"\\u0000\":1}",
        "{1:2}",
        "{'format':1}",
        "NaN",
        "{\"clks\":[NaN]}",
    ] {
        refused(text.as_bytes());
    }
    refused(b"\0\0\0\0");
    refused(b"{\"clks\":[\"\xff\xfe\"]}");
    refused(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
}

#[test]
fn deep_nesting_does_not_end_the_stack() {
    for open in
        ["[", "{\"a\":", "{\"clks\":[", "{\"manifest\":", "{\"manifest\":{\"encodings\":[", "{\"encodings\":{\"a\":"]
    {
        let inner = if open.ends_with('[') { "[" } else { "{\"a\":" };
        let began = Instant::now();
        refused(format!("{open}{}", inner.repeat(1_000_000)).as_bytes());
        assert!(began.elapsed() < Duration::from_secs(5), "{open}");
    }
    let cohort = serde_json::to_string(&narrow()).unwrap();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    refused(format!("{{\"canary\":{deep},{}", &cohort[1..]).as_bytes());
}

#[test]
fn keys_that_stand_twice_are_too_many_or_are_missing() {
    for cohort in [wide(), narrow()] {
        let text = serde_json::to_string(&cohort).unwrap();
        let Value::Object(map) = &cohort else { unreachable!() };
        for (key, value) in map {
            // Twice, with the same value.
            refused(format!("{{{key:?}:{value},{}", &text[1..]).as_bytes());
            let mut without = map.clone();
            without.remove(key);
            refused(&serde_json::to_vec(&without).unwrap());
            let mut null = map.clone();
            null.insert(key.clone(), Value::Null);
            refused(&serde_json::to_vec(&null).unwrap());
        }
        let mut more = map.clone();
        more.insert("canary".into(), json!(1));
        refused(&serde_json::to_vec(&more).unwrap());

        let manifest = cohort["manifest"].as_object().unwrap();
        for (key, value) in manifest {
            refused(text.replacen("\"manifest\":{", &format!("\"manifest\":{{{key:?}:{value},"), 1).as_bytes());
            if key != "accept_risk" {
                let mut without = cohort.clone();
                without["manifest"].as_object_mut().unwrap().remove(key);
                refused(&serde_json::to_vec(&without).unwrap());
            }
            for wrong in [
                Value::Null,
                json!(7),
                json!(-1),
                json!("canary"),
                json!(["canary"]),
                json!({"canary": 1}),
                json!(true),
            ] {
                let mut changed = cohort.clone();
                changed["manifest"][key] = wrong.clone();
                // The name of the program is for people; a missing reason is no reason.
                let free = key == "tool" && wrong.is_string();
                assert!(free || Cohort::from_json(&serde_json::to_vec(&changed).unwrap()).is_err(), "{key}: {wrong}");
            }
        }
        let mut more = cohort.clone();
        more["manifest"]["canary"] = json!("canary");
        refused_sealed(&mut more);
    }
    let mut both = narrow();
    both["encodings"] = json!({ "clk": both["clks"] });
    refused_sealed(&mut both);
    // Columns twice, and columns that the manifest does not know.
    let text = serde_json::to_string(&wide()).unwrap();
    refused(text.replacen("\"encodings\":{", "\"encodings\":{\"clk\":[],", 1).as_bytes());
    refused(text.replacen("\"match_keys\":{", "\"match_keys\":{\"person\":[],", 1).as_bytes());
    refused(text.replacen("\"encodings\":{", "\"encodings\":{\"canary\":[],", 1).as_bytes());
    refused(text.replacen("\"match_keys\":{", "\"match_keys\":{\"canary\":[],", 1).as_bytes());
    let many: String = (0..1000).map(|i| format!("\"canary{i}\":[],")).collect();
    refused(text.replacen("\"encodings\":{", &format!("\"encodings\":{{{many}"), 1).as_bytes());
}

#[test]
fn a_file_must_say_its_form() {
    let mut text = narrow();
    text.as_object_mut().unwrap().remove("format");
    assert!(refused(&serde_json::to_vec(&text).unwrap()).contains("format"));
}

#[test]
fn filters_that_are_none() {
    let good = narrow()["clks"][0].clone();
    let bytes = STANDARD.decode(good.as_str().unwrap()).unwrap();
    assert_eq!(bytes.len(), 3);
    let with_bits = |last: u8| STANDARD.encode([bytes[0], bytes[1], last]);
    for (what, wrong) in [
        ("null", Value::Null),
        ("number", json!(7)),
        ("huge number", serde_json::from_str("1e300").unwrap()),
        ("list", json!([good])),
        ("object", json!({ "canary": good })),
        ("truth", json!(true)),
        ("empty", json!("")),
        ("one byte", json!(STANDARD.encode([0]))),
        ("one byte more", json!(STANDARD.encode([0; 4]))),
        ("huge", json!(STANDARD.encode(vec![0; 100_000]))),
        ("longer than any schema allows", json!(STANDARD.encode([0; 513]))),
        ("no base64", json!("canary!!")),
        ("no padding", json!(STANDARD.encode([0; 4]).trim_end_matches('='))),
        ("URL-safe base64", json!("-_-_")),
        ("white space", json!(format!("{}\n", good.as_str().unwrap()))),
        ("null byte", json!("AA\0A")),
        ("a bit past the length", json!(with_bits(0x10))),
        ("all bits past the length", json!(with_bits(0xf0))),
    ] {
        for row in 0..3 {
            let mut cohort = narrow();
            cohort["clks"][row] = wrong.clone();
            let error = refused_sealed(&mut cohort);
            // Types are found by serde, which knows lines; a bit past the length is a matter of the whole column.
            let placed = error.contains(&format!("row {}", row + 1))
                || error.contains("line ")
                || error.contains("bits long")
                || row == 0;
            // In the first row another length is as good as any, and the second differs from it.
            assert!(placed, "{what}: {error}");
        }
    }
    // All rows of one wrong length.
    for length in [1, 2, 4, 512] {
        let mut cohort = narrow();
        cohort["clks"] = json!(vec![STANDARD.encode(vec![0; length]); 3]);
        assert!(refused_sealed(&mut cohort).contains("20 bits"));
    }
}

#[test]
fn bits_past_the_length_are_found_whatever_the_manifest_says() {
    for (bits, fits) in
        [(20, true), (21, true), (24, true), (19, false), (17, false), (16, false), (25, false), (32, false)]
    {
        let mut cohort = narrow();
        cohort["manifest"]["encodings"][0]["bits"] = json!(bits);
        assert_eq!(Cohort::from_json(&seal(&mut cohort)).is_ok(), fits, "{bits}");
    }
    // Of another length than the schema's, a cohort under its fingerprint is not linked.
    let mut cohort = narrow();
    cohort["manifest"]["encodings"][0]["bits"] = json!(24);
    let cohort = Cohort::from_json(&seal(&mut cohort)).unwrap();
    assert!(matches!(Linker::new(&clk_of(20)).deduplicate(&cohort).unwrap_err().kind(), ErrorKind::Mismatch { .. }));
    for bits in [json!(0), json!(4097), json!(u64::MAX), json!(-1), json!(20.0), json!("20"), json!(null)] {
        for mut cohort in [narrow(), wide()] {
            cohort["manifest"]["encodings"][0]["bits"] = bits.clone();
            refused_sealed(&mut cohort);
            // Also where there are no rows to see their length by.
            cohort["row_ids"] = json!([]);
            cohort["manifest"]["rows"] = json!(0);
            cohort["clks"] = json!([]);
            refused_sealed(&mut cohort);
        }
    }
}

#[test]
fn row_ids_that_are_none() {
    let good = narrow()["row_ids"][0].as_str().unwrap().to_owned();
    for wrong in [
        json!(null),
        json!(7),
        json!([good]),
        json!(""),
        json!(good[1..]),
        json!(format!("{good}0")),
        json!(good.to_uppercase() + "X"),
        json!(format!("{}g", &good[1..])),
        json!(format!("{}A", &good[1..])),
        json!(format!("+{}", &good[1..])),
        json!("é".repeat(16)),
        json!("\0".repeat(32)),
        json!("0".repeat(1_000_000)),
    ] {
        for row in 0..3 {
            let mut cohort = narrow();
            cohort["row_ids"][row] = wrong.clone();
            let error = refused_sealed(&mut cohort);
            assert!(error.contains(&format!("row {}", row + 1)) || error.contains("line"), "{error}");
        }
    }
    for (from, to) in [(0, 1), (0, 2), (1, 2), (2, 0)] {
        let mut cohort = narrow();
        cohort["row_ids"][to] = cohort["row_ids"][from].clone();
        assert!(
            refused_sealed(&mut cohort)
                .contains(&format!("row {}: this row id stands in the file twice", from.max(to) + 1))
        );
    }
    // Any order is right: others may write it too.
    let mut cohort = narrow();
    cohort["row_ids"].as_array_mut().unwrap().reverse();
    assert!(Cohort::from_json(&seal(&mut cohort)).is_ok());
    for text in ["", "x", &"A".repeat(32), &good[1..]] {
        assert!(text.parse::<RowId>().is_err());
    }
    assert_eq!(good.parse::<RowId>().unwrap().to_string(), good);
}

#[test]
fn match_keys_that_are_none() {
    for wrong in [json!(7), json!(""), json!("canary"), json!("A".repeat(32)), json!([null]), json!(false)] {
        let mut cohort = wide();
        cohort["match_keys"]["person"][1] = wrong;
        refused_sealed(&mut cohort);
    }
    let mut cohort = wide();
    cohort["match_keys"]["person"].as_array_mut().unwrap().pop();
    refused_sealed(&mut cohort);
    let mut cohort = wide();
    cohort["manifest"]["match_keys"] = json!(["person", "person"]);
    refused_sealed(&mut cohort);
    let mut cohort = wide();
    cohort["manifest"]["match_keys"] = json!([]);
    refused_sealed(&mut cohort);
}

#[test]
fn counts_that_do_not_agree() {
    for rows in [json!(0), json!(2), json!(4), json!(1_000_000_000_000u64), json!(u64::MAX), json!(3.0), json!("3")] {
        for mut cohort in [narrow(), wide()] {
            cohort["manifest"]["rows"] = rows.clone();
            let began = Instant::now();
            refused_sealed(&mut cohort);
            assert!(began.elapsed() < Duration::from_secs(1), "a file is not as long as it says");
        }
    }
    for text in ["1e400", "-0", "99999999999999999999999999999999", "1e18"] {
        let text_of = serde_json::to_string(&narrow()).unwrap().replacen("\"rows\":3", &format!("\"rows\":{text}"), 1);
        refused(text_of.as_bytes());
    }
    let mut fewer = narrow();
    fewer["clks"].as_array_mut().unwrap().pop();
    refused_sealed(&mut fewer);
    let mut fewer = wide();
    fewer["encodings"]["second"].as_array_mut().unwrap().pop();
    refused_sealed(&mut fewer);
    let mut none = narrow();
    none["clks"] = json!([]);
    refused_sealed(&mut none);
    let mut none = wide();
    none["encodings"]["second"] = json!([]);
    refused_sealed(&mut none);
    let mut nobody = narrow();
    (nobody["row_ids"], nobody["manifest"]["rows"]) = (json!([]), json!(0));
    refused_sealed(&mut nobody);
}

#[test]
fn manifests_that_do_not_fit() {
    for (key, value) in [
        ("fingerprint", json!("")),
        ("fingerprint", json!("f".repeat(63))),
        ("fingerprint", json!("F".repeat(64))),
        ("fingerprint", json!("é".repeat(32))),
        ("key_check", json!("0")),
        ("key_check", json!("g".repeat(16))),
        ("encodings", json!([])),
        ("encodings", json!([{ "name": "canary", "bits": 20 }])),
        ("encodings", json!([{ "name": "clk", "bits": 20 }, { "name": "clk", "bits": 20 }])),
        ("encodings", json!([{ "name": "clk", "bits": 20, "canary": 1 }])),
        ("encodings", json!([{ "name": "clk" }])),
    ] {
        let mut cohort = narrow();
        cohort["manifest"][key] = value.clone();
        match Cohort::from_json(&seal(&mut cohort)) {
            Err(error) => says_but_not(&error, &[], &["canary"]),
            // With one encoding its name is the manifest's word; the schema has another.
            Ok(cohort) => {
                let error = Linker::new(&clk_of(20)).deduplicate(&cohort).unwrap_err();
                assert!(matches!(error.kind(), ErrorKind::Mismatch { .. }), "{key}: {value}: {error}");
            }
        }
    }
    // Unsealed, everything is noticed.
    for (key, value) in [
        ("fingerprint", json!("0".repeat(64))),
        ("key_check", json!("0".repeat(16))),
        ("party", json!("school")),
        ("project", json!("canary")),
        ("encoding_version", json!(2)),
        ("accept_risk", json!("canary canary")),
        ("sha256", json!("")),
        ("sha256", json!("0".repeat(64))),
    ] {
        let mut cohort = narrow();
        cohort["manifest"][key] = value;
        refused(&serde_json::to_vec(&cohort).unwrap());
    }
    let mut later = narrow();
    later["manifest"]["encoding_version"] = json!(2);
    let later = Cohort::from_json(&seal(&mut later)).unwrap();
    let error = Linker::new(&clk_of(20)).deduplicate(&later).unwrap_err();
    says_but_not(&error, &["police", "encoding version 2"], &[]);
}

#[test]
fn what_follows_the_end_is_noticed() {
    let text = serde_json::to_string(&narrow()).unwrap();
    for more in ["}", "{}", "x", "\0", ",", "null", &text] {
        refused(format!("{text}{more}").as_bytes());
    }
    assert!(Cohort::from_json(format!("{text}\n \t\r\n").as_bytes()).is_ok());
}

/// What a file makes the reader hold is of the file's size, not of what it claims: a short file cannot ask for much, since
/// no number in it is a size of anything. This would be killed, or take minutes, if one were.
#[test]
fn a_short_file_is_read_in_a_moment() {
    let began = Instant::now();
    let text = serde_json::to_string(&narrow()).unwrap();
    for claim in ["4294967295", "4294967296", "1000000000000", "18446744073709551615"] {
        refused(text.replacen("\"rows\":3", &format!("\"rows\":{claim}"), 1).as_bytes());
        refused(text.replacen("\"bits\":20", &format!("\"bits\":{claim}"), 1).as_bytes());
    }
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[test]
fn debug_of_a_cohort_shows_no_encoding() {
    for cohort in [wide(), narrow()] {
        let read = Cohort::from_json(&serde_json::to_vec(&cohort).unwrap()).unwrap();
        let shown = format!("{read:?}{read:#?}");
        for column in
            [&cohort["row_ids"], &cohort["clks"], &cohort["encodings"]["clk"], &cohort["match_keys"]["person"]]
        {
            for value in column.as_array().into_iter().flatten().filter_map(Value::as_str) {
                assert!(!shown.contains(value));
            }
        }
        assert!(shown.contains("police"));
        for column in read.match_keys() {
            assert!(
                format!("{column:?}").replace("Some(MatchKeyValue(..))", "").chars().all(|c| "[], None".contains(c))
            );
        }
    }
}

// ---- The matrix ------------------------------------------------------------------------------------------------------

proptest! {
    #[test]
    fn a_matrix_keeps_what_it_takes(bits in 1usize..300, rows in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8)) {
        let mut matrix = BitMatrix::new(bits);
        let mut taken = Vec::new();
        for row in rows {
            let fits = row.len() == bits.div_ceil(8) && (bits % 8 == 0 || row[row.len() - 1] >> (bits % 8) == 0);
            prop_assert_eq!(matrix.push_bytes(&row), fits);
            if fits {
                taken.push(row);
            }
            // One that surely fits.
            let mut row = vec![0xff; bits.div_ceil(8)];
            if bits % 8 != 0 {
                row[bits / 8] = (1 << (bits % 8)) - 1;
            }
            prop_assert!(matrix.push_bytes(&row));
            taken.push(row);
        }
        prop_assert_eq!(matrix.rows(), taken.len());
        for (i, row) in taken.iter().enumerate() {
            prop_assert_eq!(&matrix.bytes(i), row);
            for bit in 0..bits {
                prop_assert_eq!(matrix.row(i)[bit / 64] >> (bit % 64) & 1, u64::from(row[bit / 8] >> (bit % 8) & 1));
            }
        }
        prop_assert_eq!(matrix.row_range(0..matrix.rows()).len(), matrix.rows() * matrix.stride());
    }
}

// ---- Anything at all -------------------------------------------------------------------------------------------------

/// A JSON value with what a cohort is made of.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("AAAA".to_owned()),
        Just("0123456789abcdef0123456789abcdef".into()),
        Just("pprl-cohort-1".into()),
        Just("clk".into()),
        Just("f".repeat(64)),
        Just("f".repeat(16)),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0u64..30).prop_map(Value::from),
        any::<f64>().prop_map(|x| json!(x)),
        word.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        let key = prop::sample::select(vec![
            "format",
            "manifest",
            "row_ids",
            "clks",
            "encodings",
            "match_keys",
            "name",
            "bits",
            "rows",
            "fingerprint",
            "party",
            "clk",
        ]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..5).prop_map(|pairs| {
                Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Cohort::from_json(&bytes).is_err());
    }

    #[test]
    fn no_json_makes_it_panic(value in any_json(), key in prop::sample::select(vec!["", "format", "manifest", "row_ids", "clks", "encodings", "match_keys"]), wide_one: bool) {
        let mut cohort = if wide_one { wide() } else { narrow() };
        let mut bare = value.clone();
        if key.is_empty() {
            cohort = value;
        } else {
            cohort[key] = value;
        }
        let _ = Cohort::from_json(&serde_json::to_vec(&cohort).unwrap());
        if cohort.is_object() && cohort["manifest"].is_object() {
            let _ = Cohort::from_json(&seal(&mut cohort));
        }
        if bare.is_object() && (bare["manifest"].is_object()) {
            let _ = Cohort::from_json(&seal(&mut bare));
        }
    }

    #[test]
    fn no_change_makes_it_panic(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..6, "[\\PC\0]{0,6}"), 1..4), wide_one: bool,
    ) {
        let original = if wide_one { wide() } else { narrow() };
        let mut text = serde_json::to_vec(&original).unwrap();
        for (place, gone, new) in edits {
            let place = place.index(text.len() + 1);
            let end = (place + gone).min(text.len());
            text.splice(place..end, new.bytes());
        }
        if let Ok(read) = Cohort::from_json(&text) {
            let original = Cohort::from_json(&serde_json::to_vec(&original).unwrap()).unwrap();
            prop_assert!(read.encodings() == original.encodings() && read.row_ids() == original.row_ids());
        }
        // The same with a right digest: what is read can be written and read again.
        if let Ok(mut value) = serde_json::from_slice::<Value>(&text)
            && value.is_object()
            && value["manifest"].is_object()
            && let Ok(read) = Cohort::from_json(&seal(&mut value))
        {
            prop_assert!(Cohort::from_json(&read.to_json()).unwrap() == read);
            let _ = Linker::new(&clk_of(20)).deduplicate(&read);
        }
    }
}
