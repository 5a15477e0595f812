//! Bad input: a clear error that names file, row and field, holds no value of a record, and leaves nothing behind.
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

use std::fs;
use std::path::PathBuf;

use helpers::{
    clk, clk_cohort, encoder, everything_said, files_in, json, key, other_key, record, says_but_not, seal, word,
};
use pprl::owner::{OptOutList, RarityList, read_column, read_csv};
use pprl::{Cohort, CsvOptions, Encoder, ErrorKind, Linker, ProjectKey, Record, Schema};
use proptest::prelude::*;
use tempfile::TempDir;

/// A folder with one CSV file of children in it.
struct Csv {
    folder: TempDir,
    path: PathBuf,
}

const HEADER: &str = "forename,surname,date_of_birth,sex,postcode\n";

/// Values that stand in no header, no message and no path. The last is what a parser may make of the date.
const CANARIES: [&str; 6] = ["Xanthippe", "Quetzalcoatl", "1987-06-05", "ZQ9 9ZQ", "ZQ99ZQ", "1987"];

const PERSON: &str = "Xanthippe,Quetzalcoatl,1987-06-05,F,ZQ9 9ZQ\n";

fn csv(content: impl AsRef<[u8]>) -> Csv {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("children.csv");
    fs::write(&path, content).unwrap();
    Csv { folder, path }
}

impl Csv {
    #[track_caller]
    fn fails(&self, encoder: Encoder) -> pprl::Error {
        let error = encoder.encode_csv(&self.path).expect_err("bad input must fail");
        assert_eq!(files_in(self.folder.path()).len(), 1, "something was left behind");
        assert!(error.to_string().contains("children.csv"), "the file is not named: {error}");
        error
    }
}

fn police() -> Encoder {
    encoder(&Schema::uk_person(), "police", 1)
}

/// Fails under the default schema, says what is wanted and shows no canary.
#[track_caller]
fn fails(content: impl AsRef<[u8]>, says: &[&str]) -> pprl::Error {
    let error = csv(content).fails(police());
    says_but_not(&error, says, &CANARIES);
    error
}

/// The problems of single rows: row, line, field.
#[track_caller]
fn rows(error: &pprl::Error) -> Vec<(u64, u64, &str)> {
    let ErrorKind::Rows { problems, .. } = error.kind() else { panic!("not an error of rows: {error}") };
    problems.iter().map(|p| (p.row, p.line, p.field.as_str())).collect()
}

// ---- Files as a whole ------------------------------------------------------------------------------------------------

#[test]
fn missing_column() {
    let text = "forename,surname,date_of_birth,sex\nXanthippe,Quetzalcoatl,1987-06-05,F\n";
    let error = fails(text, &["postcode", "no column"]);
    assert!(matches!(error.kind(), ErrorKind::File { .. }));
    // All missing columns at once, and none of the optional ones.
    let error = fails("forename,sex\nXanthippe,F\n", &["surname", "date_of_birth", "postcode"]);
    assert!(!error.to_string().contains("nhs_number"), "{error}");
}

#[test]
fn a_file_without_a_header_shows_nobody() {
    let error = fails(PERSON.repeat(3), &["forename", "first line must be the header"]);
    assert!(matches!(error.kind(), ErrorKind::File { .. }));
    // With semicolons the hint about the delimiter must not quote either.
    fails(PERSON.replace(',', ";").repeat(3), &["forename", "delimiter"]);
}

#[test]
fn wrong_header() {
    let person = PERSON;
    fails(format!("Forename,Surname,Date_Of_Birth,Sex,Postcode\n{person}"), &["other capitals"]);
    fails(format!("first,last,dob,gender,pc\n{person}"), &["forename", "surname", "date_of_birth", "sex", "postcode"]);
    fails(
        "forename,surname,date_of_birth,sex,postcode,surname\nXanthippe,Quetzalcoatl,1987-06-05,F,ZQ9 9ZQ,Q\n",
        &["\"surname\" is there twice"],
    );
    // Names that only look the same are not the same.
    fails(format!("forename,surname,date\u{200b}_of_birth,sex,postcode\n{person}"), &["date_of_birth"]);
    // UTF-16, as a spreadsheet may save it.
    let utf16: Vec<u8> = format!("{HEADER}{person}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    fails([&[0xff, 0xfe], utf16.as_slice()].concat(), &["forename"]);
}

#[test]
fn columns_that_an_owner_names_must_be_there() {
    let file = csv(format!("{HEADER}{PERSON}"));
    let options = CsvOptions::new().column("nhs_number", "nhs");
    let error = police().encode_csv_with(&file.path, &options).unwrap_err();
    says_but_not(&error, &["children.csv", "nhs"], &CANARIES);
    let error = police().encode_csv_with(&file.path, &CsvOptions::new().column("shoe_size", "x")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Argument { .. }));
    let error = police().encode_csv_with(&file.path, &CsvOptions::new().id_column("id")).unwrap_err();
    says_but_not(&error, &["children.csv", "\"id\""], &CANARIES);
}

#[test]
fn nothing_in_the_file() {
    fails("", &["is empty"]);
    fails("\u{feff}", &["children.csv"]);
    fails("\n\n\r\n", &["children.csv"]);
    for header in [HEADER, HEADER.trim_end(), &HEADER.replace('\n', "\r\n\r\n")] {
        let error = fails(header, &["header", "no rows"]);
        assert!(matches!(error.kind(), ErrorKind::File { .. }));
    }
}

#[test]
fn no_file_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let error = police().encode_csv(folder.path().join("nobody.csv")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { .. }));
    says_but_not(&error, &["nobody.csv", "read"], &[]);
    let error = police().encode_csv(folder.path()).unwrap_err();
    says_but_not(&error, &["folder"], &[]);
    for error in [
        Cohort::read(folder.path().join("no.json")).unwrap_err(),
        Cohort::read(folder.path()).unwrap_err(),
        Schema::from_path(folder.path().join("no.toml")).unwrap_err(),
        Schema::from_path(folder.path()).unwrap_err(),
        ProjectKey::from_path(folder.path().join("no.key")).unwrap_err(),
        ProjectKey::from_path(folder.path()).unwrap_err(),
        OptOutList::read(folder.path().join("no.list")).unwrap_err(),
        OptOutList::read(folder.path()).unwrap_err(),
        read_column(folder.path().join("no.csv"), "x", &CsvOptions::new()).unwrap_err(),
        read_column(folder.path(), "x", &CsvOptions::new()).unwrap_err(),
    ] {
        let name = folder.path().file_name().unwrap().to_str().unwrap();
        says_but_not(&error, &[name], &[]);
    }
    assert!(files_in(folder.path()).is_empty());
}

#[test]
fn semicolons_need_to_be_told() {
    let text = format!("{HEADER}{PERSON}").replace(',', ";");
    fails(&text, &["delimiter"]);
    let file = csv(&text);
    let with = police().encode_csv_with(&file.path, &CsvOptions::new().delimiter(b';')).unwrap();
    let without = police().encode_csv(&csv(format!("{HEADER}{PERSON}")).path).unwrap();
    assert_eq!(with.cohort, without.cohort);
}

// ---- Files that look odd and are right -------------------------------------------------------------------------------

#[test]
fn byte_order_marks_line_ends_and_quotes_change_nothing() {
    let plain = "id,forename,surname,date_of_birth,sex,postcode\n\
                 1,Ann Mary,O'Neil,2011-07-09,F,OX1 1AA\n2,Li,Ng,2012-08-10,M,OX2 2BB\n";
    let options = CsvOptions::new().id_column("id");
    let encode = |content: &[u8]| {
        let encoded = police().encode_csv_with(&csv(content).path, &options).unwrap();
        assert_eq!(encoded.quality.bad_values(), 0);
        (encoded.cohort, encoded.row_map)
    };
    let expected = encode(plain.as_bytes());
    assert_eq!(expected.0.rows(), 2);
    for (what, other) in [
        ("byte-order mark", format!("\u{feff}{plain}")),
        ("CRLF", plain.replace('\n', "\r\n")),
        ("byte-order mark and CRLF", format!("\u{feff}{}", plain.replace('\n', "\r\n"))),
        ("CR", plain.replace('\n', "\r")),
        ("no last line end", plain.trim_end().to_owned()),
        ("empty lines", plain.replace('\n', "\n\n")),
        ("quoted newline", plain.replace("Ann Mary", "\"Ann\nMary\"")),
        ("quoted CRLF", plain.replace("Ann Mary", "\"Ann\r\nMary\"")),
        ("quotes all over", plain.lines().map(|l| format!("\"{}\"\n", l.replace(',', "\",\""))).collect()),
        ("spaces around the header", plain.replacen("forename,surname", " forename , surname", 1)),
        ("spaces around values", plain.replace(",Li,", ", Li ,")),
    ] {
        assert!(encode(other.as_bytes()) == expected, "{what}");
    }
}

#[test]
fn quoted_byte_order_mark_header() {
    let text = format!("\u{feff}\"forename\",\"surname\",\"date_of_birth\",\"sex\",\"postcode\"\r\n{PERSON}");
    assert_eq!(police().encode_csv(&csv(text).path).unwrap().cohort.rows(), 1);
}

// ---- Single rows -----------------------------------------------------------------------------------------------------

#[test]
fn ragged_rows_are_reported_together() {
    let text =
        format!("{HEADER}{PERSON}Xanthippe,Quetzalcoatl\n{PERSON}Xanthippe,Quetzal,coatl,1987-06-05,F,ZQ9 9ZQ\n");
    let error = fails(text, &["2 problems", "row 2 (line 3)", "fewer columns", "row 4 (line 5)", "more columns"]);
    assert_eq!(rows(&error), [(2, 3, ""), (4, 5, "")]);
}

#[test]
fn lines_are_counted_through_line_ends() {
    for end in ["\n", "\r\n"] {
        let text = format!("{HEADER}{PERSON}{PERSON}short\n{PERSON}short\n").replace('\n', end);
        let error = fails(text, &["row 3 (line 4)", "row 5 (line 6)"]);
        assert_eq!(rows(&error), [(3, 4, ""), (5, 6, "")], "{end:?}");
    }
    let text = format!("{HEADER}\"Xan\nthippe\",Quetzalcoatl,1987-06-05,F,ZQ9 9ZQ\nshort\n");
    assert_eq!(rows(&fails(text, &[])), [(2, 4, "")]);
}

#[test]
fn lines_are_counted_through_empty_lines() {
    assert_eq!(rows(&fails(format!("{HEADER}{PERSON}\n\nshort\n"), &[])), [(2, 5, "")]);
}

#[test]
fn invalid_utf8_names_row_and_field() {
    let mut text = format!("{HEADER}{PERSON}").into_bytes();
    // Latin-1, as a spreadsheet saves it.
    text.extend(b"Xanthippe,Quetzalcoatl-M\xfcller,1987-06-05,F,ZQ9 9ZQ\n");
    text.extend(b"Xanthippe\xc3,Quetzalcoatl,1987-06-05,F,ZQ9 9ZQ\xff\n");
    let error = fails(text, &["row 2 (line 3), surname: is not valid UTF-8", "forename", "postcode"]);
    assert_eq!(rows(&error), [(2, 3, "surname"), (3, 4, "forename"), (3, 4, "postcode")]);
    // In a column that nobody uses it is nobody's business.
    let text = [b"x,".as_slice(), HEADER.as_bytes(), b"\xff,", PERSON.as_bytes()].concat();
    assert!(police().encode_csv(&csv(text).path).is_ok());
    // In the header.
    fails([b"\xff\xfe,".as_slice(), PERSON.as_bytes()].concat(), &["forename"]);
}

#[test]
fn all_kinds_of_bad_rows_in_one_go() {
    let mut text = format!("{HEADER}{PERSON}").into_bytes();
    text.extend(b"Xanthippe,Quetzalcoatl\n");
    text.extend(format!("Xanthippe,{},1987-06-05,F,ZQ9 9ZQ\n", "Quetzalcoatl".repeat(100)).as_bytes());
    text.extend(b"Xanthippe,Quetzalcoatl,1987-06-05,F,ZQ9 9ZQ\xe9\n");
    let error = fails(text, &["3 problems"]);
    assert_eq!(rows(&error), [(2, 3, ""), (3, 4, "surname"), (4, 5, "postcode")]);
}

#[test]
fn many_bad_rows_are_counted_and_not_all_kept() {
    let text = format!("{HEADER}{PERSON}{}", "Xanthippe,Quetzalcoatl\n".repeat(5000));
    let error = fails(text, &["5000 problems", "and 4980 more"]);
    let ErrorKind::Rows { problems, total, .. } = error.kind() else { panic!("{error}") };
    assert_eq!((problems.len(), *total), (1000, 5000));
    assert_eq!(error.to_string().lines().count(), 22);
}

#[test]
fn problems_with_records_of_a_caller_are_capped_too() {
    let wrong: Vec<Record> = (0..3000).map(|i| record(i, &["Xanthippe"])).collect();
    let errors = [police().encode(&wrong).unwrap_err(), police().opt_out_list(&nobody(3000)).unwrap_err()];
    for error in errors {
        says_but_not(&error, &["3000 problems", "and 2980 more"], &CANARIES[..2]);
        let ErrorKind::Rows { problems, total, .. } = error.kind() else { panic!("{error}") };
        assert_eq!((problems.len(), *total), (1000, 3000), "at most a thousand are kept");
    }
}

/// People without any match key.
fn nobody(count: usize) -> Vec<Record> {
    (0..count).map(|i| record(i, &["Xanthippe", "", "", "", "", "", ""])).collect()
}

#[test]
fn records_with_too_few_or_too_many_values() {
    let records = [
        record("Xanthippe", &["Xanthippe", "Quetzalcoatl", "1987-06-05", "F", "ZQ9 9ZQ", "", ""]),
        record("Xanthippe", &["Xanthippe"]),
        record("Xanthippe", &["Xanthippe", "Quetzalcoatl", "1987-06-05", "F", "ZQ9 9ZQ", "", "", ""]),
        record("Xanthippe", &[]),
    ];
    let error = police().encode(&records).unwrap_err();
    says_but_not(&error, &["3 problems", "row 2", "row 3", "row 4"], &CANARIES);
}

#[test]
fn a_value_of_ten_megabytes() {
    let long = "Xanthippe".repeat(10 << 20 >> 3);
    let text = format!("{HEADER}{PERSON}Xanthippe,{long},1987-06-05,F,ZQ9 9ZQ\n{PERSON}");
    let error = fails(text, &["row 2 (line 3), surname: has a value longer than 1,000 bytes"]);
    assert!(everything_said(&error).len() < 10_000);
}

#[test]
fn a_quotation_mark_left_open() {
    // It swallows what follows.
    let text = format!("{HEADER}{PERSON}Xanthippe,\"Quetzalcoatl,1987-06-05,F,ZQ9 9ZQ\n{}", PERSON.repeat(1000));
    fails(text, &["row 2 (line 3)", "quotation mark"]);
    let text = format!("{HEADER}{PERSON}Xanthippe,\"Quetzalcoatl,1987-06-05,F,ZQ9 9ZQ\n{PERSON}");
    fails(text, &["row 2 (line 3)"]);
}

#[test]
fn a_quotation_mark_left_open_in_the_last_column_swallows_nobody() {
    let text = format!("{HEADER}{PERSON}Xanthippe,Quetzalcoatl,1987-06-05,F,\"ZQ9 9ZQ\n{PERSON}{PERSON}");
    fails(text, &["row 2 (line 3)", "quotation mark"]);
}

#[test]
fn ids_must_be_there_once() {
    let file = csv(format!(
        "id,{HEADER}CANARY-1,{PERSON},{PERSON}CANARY-2,{PERSON}CANARY-1,{PERSON}\u{20}CANARY-2,{PERSON}CANARY-1,{PERSON}"
    ));
    let error = read_csv(&file.path, &Schema::uk_person(), &CsvOptions::new().id_column("id")).unwrap_err();
    says_but_not(&error, &["children.csv", "row 2 (line 3), id: is empty", "row 4 (line 5), id"], &CANARIES);
    says_but_not(&error, &[], &["CANARY"]);
    assert!(rows(&error).starts_with(&[(2, 3, "id"), (4, 5, "id")]));
}

#[test]
fn an_id_that_is_not_utf8_is_one_problem() {
    let file = csv([format!("id,{HEADER}").as_bytes(), b"CANARY\xff,", PERSON.as_bytes()].concat());
    let error = read_csv(&file.path, &Schema::uk_person(), &CsvOptions::new().id_column("id")).unwrap_err();
    says_but_not(&error, &["1 problem", "row 1 (line 2), id: is not valid UTF-8"], &["CANARY"]);
}

#[test]
fn one_more_column() {
    let file = csv(format!("truth,{HEADER}Xanthippe,{PERSON}\u{20}2 ,{PERSON}"));
    assert_eq!(read_column(&file.path, "truth", &CsvOptions::new()).unwrap(), ["Xanthippe", "2"]);
    let error = read_column(&file.path, "nothing", &CsvOptions::new()).unwrap_err();
    says_but_not(&error, &["children.csv", "nothing"], &CANARIES);
    let bad = csv(b"truth,x\n1,1\nXanthippe\xff,1\n");
    let error = read_column(&bad.path, "truth", &CsvOptions::new()).unwrap_err();
    says_but_not(&error, &["children.csv", "row 2", "truth", "UTF-8"], &CANARIES);
    let bad = csv("truth,x\nXanthippe,1\nXanthippe\n");
    let error = read_column(&bad.path, "truth", &CsvOptions::new()).unwrap_err();
    says_but_not(&error, &["children.csv"], &CANARIES);
}

// ---- Values that cannot be true --------------------------------------------------------------------------------------

/// Twenty good rows, then these.
fn with_good_rows(bad: &str) -> String {
    let good: String =
        (0..20).map(|i| format!("{},{},2011-07-{:02},F,OX1 1AA\n", word(i), word(i + 50), i + 1)).collect();
    format!("{HEADER}{good}{bad}")
}

#[test]
fn an_impossible_date_counts_as_missing() {
    let text =
        with_good_rows("Xanthippe,Quetzalcoatl,1987-02-30,F,OX9 9ZQ\nXanthippe,Quetzalcoatl,June 1987,F,OX9 9ZQ\n");
    let file = csv(&text);
    let encoded = police().encode_csv(&file.path).unwrap();
    let date = encoded.quality.fields.iter().find(|field| field.field == "date_of_birth").unwrap();
    assert_eq!((date.present, date.invalid, date.unreadable, date.empty), (20, 1, 1, 0));
    let places: Vec<_> = encoded.quality.problems.iter().map(|p| (p.row, p.line, p.field.as_str())).collect();
    assert_eq!(places, [(21, 22, "date_of_birth"), (22, 23, "date_of_birth")]);
    let report = format!("{}{:?}{encoded:?}", encoded.quality, encoded.quality);
    for canary in CANARIES.iter().chain(&["02-30", "June"]) {
        assert!(!report.contains(canary), "{canary} in {report}");
    }
    assert!(report.contains("row 21 (line 22), date_of_birth"), "{report}");

    // It encodes as a missing date does.
    let missing = police().encode_csv(&csv(text.replace("1987-02-30", "").replace("June 1987", "")).path).unwrap();
    assert_eq!(missing.cohort, encoded.cohort);

    let error = file.fails(police().strict(true));
    says_but_not(&error, &["2 problems", "row 21 (line 22), date_of_birth", "row 22 (line 23)"], &CANARIES);
    says_but_not(&error, &[], &["02-30", "June"]);
}

#[test]
fn many_impossible_dates_are_an_error() {
    // The month first, as in the United States: what is above the twelfth cannot be read.
    let wrong: String =
        (0..20).map(|i| format!("Xanthippe,Quetzalcoatl,06/{}/1987,F,OX9 9ZQ\n", 13 + i % 15)).collect();
    let error = csv(with_good_rows(&wrong)).fails(police());
    says_but_not(&error, &["20 problems", "row 21 (line 22), date_of_birth", "row 40"], &CANARIES);
    // A few of many are dirt.
    let few: String = wrong.split_inclusive('\n').take(5).collect();
    assert!(police().encode_csv(&csv(with_good_rows(&few)).path).is_ok());
}

#[test]
fn other_values_that_cannot_be_true() {
    let header = "forename,surname,date_of_birth,sex,postcode,nhs_number,upn\n";
    let row = "Xanthippe,Quetzalcoatl,1987-06-05,F,NOWHERE 7,9434765918,A000000000001\n";
    let file = csv(format!("{header}{row}"));
    let quality = police().encode_csv(&file.path).unwrap().quality;
    assert_eq!(quality.bad_values(), 3);
    let error = file.fails(police().strict(true));
    says_but_not(&error, &["3 problems", "postcode", "nhs_number", "upn"], &CANARIES);
    says_but_not(&error, &[], &["NOWHERE", "943476", "A0000"]);
}

#[test]
fn placeholders_are_missing_and_no_problem() {
    let text = format!("{HEADER}UNKNOWN,n/a,01/01/1900,not known,ZZ99 3VZ\n,,,,\n  , - ,\t,  ,\n");
    let quality = police().strict(true).encode_csv(&csv(text).path).unwrap().quality;
    assert_eq!((quality.rows, quality.empty, quality.bad_values()), (3, 3, 0));
    for field in &quality.fields[..5] {
        assert_eq!((field.present, field.placeholder, field.empty), (0, 1, 2), "{}", field.field);
    }
}

// ---- Keys ------------------------------------------------------------------------------------------------------------

fn key_file(content: &[u8], mode: u32) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("project.key");
    fs::write(&path, content).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    let _ = mode;
    (folder, path)
}

const KEY: &str = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";

#[test]
fn key_files_that_are_none() {
    let zeros = "0".repeat(64);
    for (what, content, says) in [
        ("empty", String::new(), "empty"),
        ("white space", " \n\n".to_owned(), "empty"),
        ("too short", KEY[..62].to_owned(), "too short"),
        ("128 bits", KEY[..32].to_owned(), "too short"),
        ("one too many", format!("{KEY}0"), "too long"),
        ("two keys", format!("{KEY}\n{KEY}\n"), "too long"),
        ("megabytes", KEY.repeat(100_000), "too long"),
        ("not hexadecimal", KEY.replace('0', "g"), "not a key"),
        ("a sign", format!("+{}", &KEY[1..]), "not a key"),
        ("0x", format!("0x{}", &KEY[2..]), "not a key"),
        ("one byte over and over", zeros, "one byte"),
        ("64 bytes of something", "é".repeat(32), "not a key"),
    ] {
        let (_folder, path) = key_file(content.as_bytes(), 0o600);
        let error = ProjectKey::from_path(&path).expect_err(what);
        assert!(matches!(error.kind(), ErrorKind::Key { .. }), "{what}: {error:?}");
        says_but_not(&error, &["project.key", says], &["00112233", "aabbccdd", "zzzz"]);
    }
    let (_folder, path) = key_file(&[0xff; 32], 0o600);
    assert!(ProjectKey::from_path(&path).is_err(), "raw bytes");
}

#[test]
fn key_files_that_are_some() {
    let schema = clk();
    let bytes: [u8; 32] = std::array::from_fn(|i| u8::from_str_radix(&KEY[2 * i..2 * i + 2], 16).unwrap());
    let expected = ProjectKey::from_bytes(bytes).check_value(&schema);
    for content in [KEY.to_owned(), format!("{KEY}\n"), format!("{KEY}\r\n"), KEY.to_uppercase()] {
        let (_folder, path) = key_file(content.as_bytes(), 0o600);
        assert_eq!(ProjectKey::from_path(&path).unwrap().check_value(&schema), expected);
    }
}

#[test]
#[cfg(unix)]
fn keys_that_others_can_read_are_refused() {
    for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o601, 0o666] {
        let (_folder, path) = key_file(KEY.as_bytes(), mode);
        let error = ProjectKey::from_path(&path).expect_err("others can read it");
        assert!(matches!(error.kind(), ErrorKind::Key { .. }));
        says_but_not(&error, &["project.key", &format!("{mode:04o}")], &["00112233"]);
    }
    for mode in [0o600, 0o400] {
        let (_folder, path) = key_file(KEY.as_bytes(), mode);
        assert!(ProjectKey::from_path(&path).is_ok(), "{mode:o}");
    }
}

#[test]
fn a_key_is_never_overwritten() {
    let (folder, path) = key_file(b"what was there before", 0o600);
    let error = ProjectKey::generate().unwrap().write(&path).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { .. }));
    assert_eq!(fs::read(&path).unwrap(), b"what was there before");

    let new = folder.path().join("new.key");
    let generated = ProjectKey::generate().unwrap();
    generated.write(&new).unwrap();
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&new).unwrap().permissions()) & 0o777, 0o600);
    assert_eq!(ProjectKey::from_path(&new).unwrap().check_value(&clk()), generated.check_value(&clk()));
    assert_ne!(ProjectKey::generate().unwrap().check_value(&clk()), generated.check_value(&clk()));
    assert!(generated.write(&new).is_err());
    assert!(generated.write(folder.path().join("none").join("new.key")).is_err());
    assert_eq!(files_in(folder.path()).len(), 2);
}

// ---- Schemas ---------------------------------------------------------------------------------------------------------

#[test]
fn a_schema_past_its_expiry() {
    let expired = Schema::from_toml(&helpers::CLK.replace("2999-12-31", "2020-02-29")).unwrap();
    let error = Encoder::new(&expired, &key(), "police").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Expired { .. }));
    says_but_not(&error, &["test-clk", "2020-02-29", "expired"], &[]);

    let (a, b) = (clk_cohort("police", 3), clk_cohort("school", 3));
    let linker = Linker::new(&expired);
    for error in [
        linker.link(&[&a, &b]).unwrap_err(),
        linker.score(&a, &b).unwrap_err(),
        linker.deduplicate(&a).unwrap_err(),
        linker.score_within(&a).unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::Expired { .. }), "{error}");
    }
    let today = pprl::schema::Date::today();
    let last_day = Schema::from_toml(&helpers::CLK.replace("2999-12-31", &today.to_string())).unwrap();
    assert!(Encoder::new(&last_day, &key(), "police").is_ok(), "the last day is still a day");
}

#[test]
fn a_party_that_the_schema_does_not_name() {
    let error = Encoder::new(&clk(), &key(), "Police").unwrap_err();
    says_but_not(&error, &["police", "school", "care"], &[]);
}

// ---- Cohorts ---------------------------------------------------------------------------------------------------------

/// As small as a cohort with match keys, rarity and two encodings can be.
fn small_cohort() -> Vec<u8> {
    let text = helpers::CLK
        .replace("length = 1024", "length = 12")
        .replace("= 80", "= 4")
        .replace("[linkage]", "[[encoding]]\nname = \"e\"\nlength = 4\ndiffusion = 0\nfields = { surname = 2 }\n[[match_key]]\nname = \"k\"\nfields = [\"surname\", \"forename\", \"date_of_birth\"]\n[linkage]");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names.csv");
    fs::write(&path, "name,count\na,9999\nd,1\n").unwrap();
    let list = RarityList::read(&path).unwrap();
    let rarity = format!("[[rarity]]\nfield = \"forename\"\nlist_sha256 = \"{}\"\n[linkage]", list.sha256());
    let schema = Schema::from_toml(&text.replace("[linkage]", &rarity)).unwrap();
    let people =
        [record(1, &["a", "b", "2011-07-09"]), record(2, &["c", "", ""]), record(3, &["d", "e", "2011-07-09"])];
    let encoder = encoder(&schema, "police", 1).rarity("forename", &list).unwrap();
    let cohort = encoder.encode(&people).unwrap().cohort;
    let mut classes = cohort.rarity()[0].classes().to_vec();
    classes.sort_unstable();
    assert_eq!(classes, [0, 2, 3]);
    cohort.to_json()
}

#[test]
fn a_cohort_cut_short_at_every_byte() {
    let whole = small_cohort();
    let cohort = Cohort::from_json(&whole).unwrap();
    assert_eq!(cohort.rows(), 3);
    for end in 0..whole.len() - 1 {
        let error = Cohort::from_json(&whole[..end]).expect_err("cut short");
        assert!(matches!(error.kind(), ErrorKind::Cohort { .. }), "{end}: {error:?}");
        assert!(everything_said(&error).len() < 2000, "{end}: {error}");
    }
    // The last byte is a line end, without which nothing is missing.
    assert_eq!(Cohort::from_json(&whole[..whole.len() - 1]).unwrap(), cohort);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("police.cohort.json");
    for end in (0..whole.len() - 1).step_by(37) {
        fs::write(&path, &whole[..end]).unwrap();
        says_but_not(&Cohort::read(&path).unwrap_err(), &["police.cohort.json"], &[]);
    }
}

#[test]
fn a_cohort_with_one_byte_changed() {
    let whole = small_cohort();
    let cohort = Cohort::from_json(&whole).unwrap();
    for place in 0..whole.len() {
        for change in [0x01, 0x02, 0x10, 0x20, 0x80, whole[place], whole[place] ^ b'"'] {
            let mut changed = whole.clone();
            changed[place] ^= change;
            // What remains readable says the same: white space, capitals in an escape, the name of the tool.
            if let Ok(read) = Cohort::from_json(&changed) {
                let mut manifest = read.manifest().clone();
                manifest.tool.clone_from(&cohort.manifest().tool);
                let same = manifest == *cohort.manifest()
                    && read.row_ids() == cohort.row_ids()
                    && read.encodings() == cohort.encodings()
                    && read.match_keys() == cohort.match_keys()
                    && read.rarity() == cohort.rarity();
                assert!(same, "byte {place} changed by {change:#x} was not noticed");
            }
        }
    }
}

#[test]
fn bytes_inserted_and_left_out() {
    let whole = small_cohort();
    let cohort = Cohort::from_json(&whole).unwrap();
    for place in 0..whole.len() {
        let mut less = whole.clone();
        less.remove(place);
        let mut more = whole.clone();
        more.insert(place, whole[place]);
        for changed in [less, more] {
            if let Ok(read) = Cohort::from_json(&changed) {
                let same = read.row_ids() == cohort.row_ids() && read.encodings() == cohort.encodings();
                assert!(same && read.rarity() == cohort.rarity(), "{place}");
            }
        }
    }
}

#[test]
fn cohorts_under_different_keys() {
    let (a, b) = (clk_cohort("police", 5), clk_cohort("school", 5));
    let people: Vec<Record> = (0..5).map(|i| record(i, &[&word(i), &word(i), "2011-07-09"])).collect();
    let other = Encoder::new(&clk(), &other_key(), "school").unwrap().encode(&people).unwrap().cohort;
    assert_ne!(a.manifest().key_check, other.manifest().key_check);
    assert!(Linker::new(&clk()).link(&[&a, &b]).is_ok());
    for cohorts in [[&a, &other], [&other, &a]] {
        let error = Linker::new(&clk()).link(&cohorts).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Mismatch { .. }));
        says_but_not(&error, &["police", "school", "different keys"], &[]);
    }
    assert!(Linker::new(&clk()).score(&a, &other).is_err());
}

#[test]
fn cohorts_under_different_schemas() {
    let (a, b) = (clk_cohort("police", 5), clk_cohort("school", 5));
    let other = Schema::from_toml(&helpers::CLK.replace("threshold = 0.75", "threshold = 0.76")).unwrap();
    let error = Linker::new(&other).link(&[&a, &b]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Mismatch { .. }));
    says_but_not(&error, &["police", "another schema", &other.fingerprint()[..12], &clk().fingerprint()[..12]], &[]);
    let people: Vec<Record> = (0..5).map(|i| record(i, &[&word(i), &word(i), "2011-07-09"])).collect();
    let c = encoder(&other, "school", 2).encode(&people).unwrap().cohort;
    says_but_not(&Linker::new(&clk()).link(&[&a, &c]).unwrap_err(), &["school", "another schema"], &[]);
    assert!(Linker::new(&other).deduplicate(&a).is_err());
    assert!(Linker::new(&other).score_within(&a).is_err());
}

#[test]
fn one_cohort_twice() {
    let (a, b) = (clk_cohort("police", 5), clk_cohort("school", 5));
    let again = Cohort::from_json(&a.to_json()).unwrap();
    let larger = clk_cohort("police", 6);
    for cohorts in [vec![&a, &a], vec![&a, &again], vec![&a, &b, &again], vec![&b, &a, &a], vec![&a, &larger]] {
        let error = Linker::new(&clk()).link(&cohorts).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Mismatch { .. }));
        says_but_not(&error, &["police", "twice"], &[]);
    }
    assert!(matches!(Linker::new(&clk()).link(&[&a]).unwrap_err().kind(), ErrorKind::Argument { .. }));
    assert!(matches!(Linker::new(&clk()).link(&[]).unwrap_err().kind(), ErrorKind::Argument { .. }));
}

#[test]
fn cohorts_with_one_seed_or_one_file_under_two_names() {
    // The seed does not give two owners the same ids: a reader could join their rows by them.
    let (a, b) = (clk_cohort("police", 50), clk_cohort("school", 50));
    assert!(a.row_ids().iter().all(|id| !b.row_ids().contains(id)));
    // Somebody changed the party's name in a copy.
    let mut copy = json(&a);
    copy["manifest"]["party"] = "school".into();
    assert!(Cohort::from_json(&serde_json::to_vec(&copy).unwrap()).is_err(), "the digest covers the party");
    let copy = Cohort::from_json(&seal(&mut copy)).unwrap();
    let error = Linker::new(&clk()).link(&[&a, &copy]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Mismatch { .. }));
    says_but_not(&error, &["police", "school", "row ids"], &[]);
}

#[test]
fn a_cohort_of_a_stranger() {
    let b = clk_cohort("school", 5);
    for party in ["somebody", "", "police\u{1b}[2J\n"] {
        let mut foreign = json(&clk_cohort("police", 5));
        foreign["manifest"]["party"] = party.into();
        let refused = match Cohort::from_json(&seal(&mut foreign)) {
            Err(error) => error,
            Ok(cohort) => Linker::new(&clk()).link(&[&b, &cohort]).unwrap_err(),
        };
        assert!(
            refused.to_string().chars().all(|c| !c.is_control()),
            "control characters of a foreign file: {refused:?}"
        );
    }
}

#[test]
fn a_stranger_under_another_schema_cannot_write_to_the_terminal() {
    let mut foreign = json(&clk_cohort("police", 5));
    foreign["manifest"]["party"] = "police\u{1b}[2J\n".into();
    foreign["manifest"]["fingerprint"] = "0".repeat(64).into();
    let refused = match Cohort::from_json(&seal(&mut foreign)) {
        Err(error) => error,
        Ok(cohort) => Linker::new(&clk()).deduplicate(&cohort).unwrap_err(),
    };
    assert!(refused.to_string().chars().all(|c| !c.is_control()), "control characters of a foreign file: {refused:?}");
}

// ---- Nothing half-written --------------------------------------------------------------------------------------------

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // A folder in the way: the rename at the end fails.
    let taken = folder.path().join("taken");
    fs::create_dir_all(taken.join("inside")).unwrap();
    let people = [record(1, &["a", "b", "2011-07-09"])];
    let encoded = encoder(&clk(), "police", 1).encode(&people).unwrap();
    let other = clk_cohort("school", 5);
    let links = Linker::new(&clk()).link(&[&encoded.cohort, &other]).unwrap();
    let missing = folder.path().join("none").join("file");
    for path in [&taken, &missing] {
        let errors = [
            encoded.cohort.write(path).unwrap_err(),
            encoded.row_map.write_csv(path).unwrap_err(),
            links.write_csv(path).unwrap_err(),
            links.write_owner_csv("police", path).unwrap_err(),
            links.write_study_csv(path).unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error.kind(), ErrorKind::Io { .. }));
            assert!(error.to_string().contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
        }
        assert!(encoded.cohort.write(folder.path().join("..")).is_err());
        assert_eq!(files_in(folder.path()).into_iter().collect::<Vec<_>>(), ["taken"]);
    }
    assert!(links.write_owner_csv("nobody", folder.path().join("x.csv")).is_err());
    assert_eq!(files_in(folder.path()).len(), 1);
}

#[test]
#[cfg(unix)]
fn local_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    // Also where a file that everybody could read was there before.
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
    let encoded = encoder(&clk(), "police", 1).encode(&[record("7", &["a", "b", ""])]).unwrap();
    encoded.row_map.write_csv(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, format!("row_id,record_id\n{},7\n", encoded.cohort.row_ids()[0]));
}

#[test]
fn a_crash_before_does_not_stop_the_next_run() {
    // In a container the process id is the same every time.
    let folder = tempfile::tempdir().unwrap();
    for attempt in 0..3 {
        let stale = folder.path().join(format!(".c.json.{}-{attempt}.partial", std::process::id()));
        fs::write(&stale, "half a cohort").unwrap();
    }
    clk_cohort("police", 2).write(folder.path().join("c.json")).unwrap();
    assert!(Cohort::read(folder.path().join("c.json")).is_ok());
}

#[test]
fn threads_that_write_one_file_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.json");
    let cohorts: Vec<Cohort> = (1..5).map(|rows| clk_cohort("police", rows * 40)).collect();
    for _ in 0..20 {
        std::thread::scope(|scope| {
            for cohort in &cohorts {
                scope.spawn(|| cohort.write(&path).unwrap());
            }
        });
        let read = Cohort::read(&path).unwrap();
        assert!(cohorts.contains(&read));
    }
    assert_eq!(files_in(folder.path()).len(), 1);
}

// ---- Anything at all -------------------------------------------------------------------------------------------------

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_csv_makes_it_panic_or_talk(
        pieces in proptest::collection::vec(
            prop_oneof![
                3 => Just(b",".to_vec()),
                2 => Just(b"\n".to_vec()),
                1 => Just(b"\r\n".to_vec()),
                2 => Just(b"\"".to_vec()),
                3 => Just(b"Xanthippe".to_vec()),
                1 => Just(b"1987-06-05".to_vec()),
                1 => Just(b"30/02/1987".to_vec()),
                1 => Just(PERSON.as_bytes().to_vec()),
                1 => proptest::collection::vec(any::<u8>(), 0..20),
            ],
            0..60,
        ),
        headed: bool,
    ) {
        let mut content = if headed { HEADER.as_bytes().to_vec() } else { Vec::new() };
        content.extend(pieces.concat());
        let file = csv(&content);
        let schema = Schema::uk_person();
        if let Err(error) = read_csv(&file.path, &schema, &CsvOptions::new()) {
            says_but_not(&error, &["children.csv"], &["Xanthippe", "1987"]);
        }
        let _ = read_column(&file.path, "surname", &CsvOptions::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever somebody typed encodes or is an error; it never panics.
    #[test]
    fn no_value_makes_encoding_panic(
        values in proptest::collection::vec(
            proptest::collection::vec(prop_oneof![
                any::<String>(), "[0-9/-]{0,12}", "[A-Z]{1,2}[0-9]{1,2} ?[0-9][A-Z]{2}", "\\PC{0,300}", "[ßŁİǰﬁ①\u{301}' -]{1,20}",
            ], 3),
            1..6,
        ),
    ) {
        let people: Vec<Record> = values.into_iter().enumerate().map(|(i, v)| Record::new(i.to_string(), v)).collect();
        let encoded = ENCODER.with(|encoder| encoder.encode(&people)).unwrap();
        prop_assert_eq!(encoded.cohort.rows(), people.len());
        prop_assert!(Cohort::from_json(&encoded.cohort.to_json()).unwrap() == encoded.cohort);
    }
}

thread_local! {
    static ENCODER: Encoder = encoder(&clk(), "police", 1);
}
