//! The tables `[[role]]`: several people in one row.

use std::collections::BTreeSet;

use pprl::Schema;
use pprl::schema::{Encoding, Field, Missing, Role};

use crate::{FULL, fingerprint, problems, with};

const CARER: &str = "[[role]]\nparty = \"school\"\nname = \"carer1\"\nprefix = \"c1_\"\n";

fn with_roles(roles: &str) -> String {
    with("[linkage]", &format!("{roles}\n[linkage]"))
}

#[test]
fn roles_are_of_a_party_and_stay_in_order() {
    let second = "[[role]]\nparty = \"school\"\nname = \"a.carer\"\ncolumns = { surname = \"Family name\" }\n\
                  shared = { postcode = \"pc\" }\nwithout = [\"sex\"]\n";
    let schema = Schema::from_toml(&with_roles(&format!("{CARER}{second}"))).unwrap();
    let carer = Role::new("a.carer").column("surname", "Family name").shared("postcode", "pc").without("sex");
    assert_eq!(schema.roles("school"), [Role::new("carer1").prefix("c1_"), carer]);
    assert!(schema.roles("police").is_empty() && schema.roles("nobody").is_empty());
    assert_eq!(Schema::from_toml(&schema.to_toml()).unwrap(), schema);
    let form: serde_json::Value = serde_json::from_str(&schema.canonical()).unwrap();
    let agreed = serde_json::json!({"school": [
        {"name": "carer1", "shared": [], "without": []},
        {"name": "a.carer", "shared": ["postcode"], "without": ["sex"]},
    ]});
    assert_eq!(form["roles"], agreed);
    // Without roles there is no word of them.
    assert!(!Schema::from_toml(FULL).unwrap().canonical().contains("roles"));
    assert_eq!(fingerprint(FULL), fingerprint(&with_roles("").replace("version = 1\n", "version = 1\nrole = []\n")));

    // What a role says of a field goes with the field.
    let surnames = Encoding::new("surname", 128, 0, 128, Missing::Empty, vec![(1, 45)]);
    let fewer = schema.with_encodings(vec![surnames], "a reason in words").unwrap();
    let kept: Vec<&str> = fewer.fields().iter().map(Field::name).collect();
    assert!(kept.contains(&"surname") && !kept.contains(&"postcode"), "{kept:?}");
    let mut carer = Role::new("a.carer").column("surname", "Family name");
    if kept.contains(&"sex") {
        carer = carer.without("sex");
    }
    assert_eq!(fewer.roles("school")[1], carer);
}

#[test]
fn who_is_encoded_is_agreed_and_columns_are_not() {
    let carer = |more: &str| fingerprint(&with_roles(&format!("{CARER}{more}")));
    let plain = carer("");
    assert_eq!(plain, fingerprint(&with_roles(&CARER.replace("c1_", "parent_"))));
    assert_eq!(plain, carer("columns = { surname = \"Family name\" }"));
    assert_eq!(carer("shared = { postcode = \"a\" }"), carer("shared = { postcode = \"b\" }"));
    let different: BTreeSet<String> = [
        fingerprint(FULL),
        plain,
        carer("shared = { postcode = \"postcode\" }"),
        carer("without = [\"postcode\"]"),
        carer("shared = { sex = \"sex\" }"),
        carer(&CARER.replace("carer1", "carer2")),
        fingerprint(&with_roles(&(CARER.replace("carer1", "carer2") + CARER))),
        fingerprint(&with_roles(&CARER.replace("school", "police"))),
        fingerprint(&with_roles(&CARER.replace("carer1", "carer"))),
    ]
    .into();
    assert_eq!(different.len(), 9);
}

#[test]
fn roles_that_are_none() {
    let fields: Vec<String> =
        Schema::from_toml(FULL).unwrap().fields().iter().map(|field| format!("{:?}", field.name())).collect();
    let nothing = format!("{CARER}without = [{}]", fields.join(", "));
    for (roles, key, says) in [
        (CARER.replace("school", "court"), "role[1].party", "no such party"),
        (CARER.replace("party = \"school\"\n", ""), "role[1].party", "is missing"),
        (CARER.replace("name = \"carer1\"\n", ""), "role[1].name", "is missing"),
        (CARER.replace("carer1", ""), "role[1].name", "letters, digits"),
        (CARER.replace("carer1", "a/b"), "role[1].name", "letters, digits"),
        (CARER.replace("carer1", &"a".repeat(101)), "role[1].name", "letters, digits"),
        (format!("{CARER}{CARER}"), "role[2].name", "another role of this party"),
        (format!("{CARER}columns = {{ shoe = \"a\" }}"), "role[1].name", "no field shoe"),
        (format!("{CARER}columns = {{ sex = \" \" }}"), "role[1].columns.sex", "must not be empty"),
        (format!("{CARER}columns = {{ sex = 1 }}"), "role[1].columns.sex", "must be a string"),
        (format!("{CARER}columns = [\"sex\"]"), "role[1].columns", "must be a table"),
        (
            format!("{CARER}shared = {{ sex = \"a\" }}\nwithout = [\"sex\"]"),
            "role[1].without",
            "its place in this role",
        ),
        (
            format!("{CARER}columns = {{ sex = \"a\" }}\nshared = {{ sex = \"a\" }}"),
            "role[1].shared",
            "its place in this role",
        ),
        (format!("{CARER}without = [\"sex\", \"sex\"]"), "role[1].without", "its place in this role"),
        (nothing, "role[1].name", "no column of its own"),
        (format!("{CARER}carers = 2"), "role[1].carers", "unknown key"),
        (CARER.replace("[[role]]", "[role]"), "role", "must be a list"),
        (CARER.repeat(65), "role", "0 to 64"),
    ] {
        let found = problems(&with_roles(&roles));
        assert!(found.iter().any(|(_, k, m)| k == key && m.contains(says)), "{roles}: {found:?}");
    }
}
