//! Several people in one row.

use std::fs;

use pprl::owner::{RowMap, read_csv, read_csv_roles, read_party_csv, split_role};
use pprl::schema::Role;
use pprl::{CsvOptions, Record, Result, Schema};

use crate::helpers::{CLK, clk, encoder, files_in, says_but_not};

const HEADER: &str = "id,child,c1_forename,c1_surname,c1_date_of_birth,c2_forename,family,c2_born,postcode\n";

fn roles() -> [Role; 2] {
    let second = Role::new("second").prefix("c2_").column("surname", "family").column("date_of_birth", "c2_born");
    [Role::new("first").prefix("c1_"), second]
}

fn read(schema: &Schema, rows: &str, roles: &[Role]) -> Result<Vec<Record>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("children.csv");
    fs::write(&path, format!("{HEADER}{rows}")).unwrap();
    read_csv_roles(&path, schema, roles, &CsvOptions::new().id_column("id"))
}

#[test]
fn every_role_is_a_record_and_nobody_is_none() {
    let rows = "A/1,Tom,Anna,Nowak,1980-01-02,Jan,Nowak,1979-03-04,OX1 1AA\n\
                A2,Ida,,,,Łukasz,,,OX1 1AA\n\
                A3,Eve,,,,,,,OX1 1AA\n\
                A4,Lee,,Ng,,  ,,,OX1 1AA\n";
    let records = read(&clk(), rows, &roles()).unwrap();
    let ids: Vec<&str> = records.iter().map(Record::id).collect();
    assert_eq!(ids, ["A/1/first", "A/1/second", "A2/second", "A4/first"]);
    assert_eq!(records[1].values(), ["Jan", "Nowak", "1979-03-04"]);
    assert_eq!(records[2].values(), ["Łukasz", "", ""]);
    assert_eq!(split_role("A/1/first"), Some(("A/1", "first")));
    assert_eq!(split_role("A1"), None);

    // The same people as one file each would have.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("first.csv");
    fs::write(&path, "forename,surname,date_of_birth\nAnna,Nowak,1980-01-02\n,Ng,\n").unwrap();
    let alone = read_csv(&path, &clk(), &CsvOptions::new()).unwrap();
    assert!(alone.iter().zip([&records[0], &records[3]]).all(|(a, b)| a.values() == b.values()));
}

#[test]
fn placeholders_and_shared_columns_make_nobody() {
    let schema = Schema::uk_person();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("children.csv");
    let header = "id,postcode,a_forename,a_surname,a_date_of_birth,a_sex";
    fs::write(&path, format!("{header}\n1,OX1 1AA,UNKNOWN,NK,1900-01-01,U\n2,OX1 1AA,,,,\n3,OX1 1AA,Bo,,,\n")).unwrap();
    let role = Role::new("carer").prefix("a_").shared("postcode", "postcode");
    let records =
        read_csv_roles(&path, &schema, std::slice::from_ref(&role), &CsvOptions::new().id_column("id")).unwrap();
    assert_eq!(records.iter().map(Record::id).collect::<Vec<_>>(), ["3/carer"]);
    assert_eq!(records[0].values()[4], "OX1 1AA");
    // A file without a field of this person.
    let without = role.without("sex").without("date_of_birth");
    let records = read_csv_roles(&path, &schema, &[without], &CsvOptions::new()).unwrap();
    assert_eq!((records.len(), records[0].id(), records[0].values()[2].as_str()), (1, "3/carer", ""));
    // Nobody in any row.
    fs::write(&path, format!("{header}\n1,OX1 1AA,,,,\n")).unwrap();
    let role = Role::new("carer").prefix("a_").shared("postcode", "postcode");
    says_but_not(
        &read_csv_roles(&path, &schema, &[role], &CsvOptions::new()).unwrap_err(),
        &["has nobody in these roles"],
        &["OX1"],
    );
}

#[test]
fn the_schema_says_whom_a_partys_rows_hold() {
    let role =
        |party: &str, name: &str, rest: &str| format!("[[role]]\nparty = \"{party}\"\nname = \"{name}\"\n{rest}\n");
    let tables = role("school", "first", "prefix = \"c1_\"")
        + &role(
            "school",
            "second",
            "prefix = \"c2_\"\ncolumns = { surname = \"family\", date_of_birth = \"c2_born\" }",
        );
    let schema = Schema::from_toml(&(CLK.to_owned() + &tables)).unwrap();
    assert_eq!(schema.roles("school"), roles());
    let rows = "A1,Tom,Anna,Nowak,1980-01-02,Jan,Nowak,1979-03-04,OX1 1AA\nA2,Ida,,,,Łukasz,,,OX1 1AA\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("children.csv");
    fs::write(&path, format!("{HEADER}{rows}")).unwrap();
    let options = CsvOptions::new().id_column("id");
    let read = read_party_csv(&path, &schema, "school", &options).unwrap();
    let by_hand = read_csv_roles(&path, &clk(), &roles(), &options).unwrap();
    let all = |records: &[Record]| -> Vec<(String, Vec<String>)> {
        records.iter().map(|r| (r.id().to_owned(), r.values().to_vec())).collect()
    };
    assert_eq!(all(&read), all(&by_hand));
    let encoded = encoder(&schema, "school", 1).encode_csv_with(&path, &options).unwrap();
    assert_eq!(encoded.row_map.people(), 3);
    // Another party's rows are one person each, in columns that this file does not have.
    let error = read_party_csv(&path, &schema, "police", &options).unwrap_err();
    says_but_not(&error, &["no column", "forename"], &["Nowak"]);
    assert!(read_party_csv(&path, &schema, "nobody", &options).is_err());
}

#[test]
fn what_is_wrong_names_the_role_and_no_value() {
    let says = |rows: &str, roles: &[Role], words: &[&str]| {
        says_but_not(&read(&clk(), rows, roles).unwrap_err(), words, &["Quyzbornek", "1979-03"]);
    };
    let row = "A1,Tom,Anna,Quyzbornek,1980-01-02,Jan,Quyzbornek,1979-03-04,OX1 1AA\n";
    let long = row.replace("Jan", &"Quyzbornek".repeat(200));
    says(&long, &roles(), &["row 1", "second forename", "1,000 bytes"]);
    says(&row.repeat(2), &roles(), &["row 2", "ids must be unique"]);
    // In another role, but the same row's id.
    says("A1,,Quyzbornek,,,,,,\nA1,,,,,Quyzbornek,,,\n", &roles(), &["row 2", "ids must be unique"]);
    let other = |role: Role| [roles()[0].clone(), role];
    says(row, &[], &["name the roles"]);
    says(row, &other(roles()[0].clone()), &["first is there twice"]);
    says(row, &other(Role::new("a/b").prefix("c2_")), &["name of a role"]);
    says(row, &other(Role::new("b").prefix("c2_")), &["no column \"c2_surname\"", "no column \"c2_date_of_birth\""]);
    says(row, &other(Role::new("b").prefix("c1_").column("shoe", "child")), &["role b", "no field shoe"]);
    let shared = Role::new("b").shared("forename", "child").without("surname").without("date_of_birth");
    says(row, &other(shared), &["role b", "no column of its own"]);
    // A value that cannot be true is told with the role, by the quality report and by the strict encoder.
    let records = read(&clk(), &row.replace("1979-03-04", "1979-02-30"), &roles()).unwrap();
    let encoder = encoder(&clk(), "police", 1);
    let quality = encoder.encode(&records).unwrap().quality;
    assert_eq!(quality.problems[0].field, "second date_of_birth");
    let error = encoder.strict(true).encode(&records).unwrap_err();
    says_but_not(&error, &["row 1", "second date_of_birth"], &["Quyzbornek", "1979-02"]);
}

#[test]
fn link_ids_come_back_to_the_childs_row() {
    let rows = "A/1,Tom,Anna,Nowak,1980-01-02,Jan,Nowak,1979-03-04,OX1 1AA\n";
    let records = read(&clk(), rows, &roles()).unwrap();
    let map: RowMap = encoder(&clk(), "police", 1).encode(&records).unwrap().row_map;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let id = |own: &str| map.entries().iter().find(|(_, o)| o == own).unwrap().0;
    fs::write(path("links"), format!("row_id,link_id\n{},L1\n{},L2\n", id("A/1/second"), id("A/1/first"))).unwrap();
    assert_eq!(map.write_linked_roles_csv(path("links"), path("out")).unwrap(), 2);
    assert_eq!(fs::read_to_string(path("out")).unwrap(), "record_id,role,link_id\nA/1,second,L1\nA/1,first,L2\n");
    // Records that were not read in a role.
    let plain =
        encoder(&clk(), "police", 2).encode(&[crate::helpers::record("Quyzbornek", &["a", "b", ""])]).unwrap().row_map;
    fs::write(path("links"), format!("row_id,link_id\n{},L1\n", plain.entries()[0].0)).unwrap();
    let error = plain.write_linked_roles_csv(path("links"), path("none")).unwrap_err();
    says_but_not(&error, &["row 1", "not read in a role"], &["Quyzbornek"]);
    assert!(!files_in(folder.path()).contains("none"));
}
