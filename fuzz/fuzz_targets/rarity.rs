//! A public list of names: anything is a list or an error that quotes nothing. What is a list can be encoded with.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use pprl::owner::RarityList;
use pprl::{Encoder, ProjectKey, Record, Schema};

/// Small, so that an encoder is made quickly.
const TEXT: &str = r#"
version = 1
[project]
id = "fuzz"
purpose = "Fuzzing"
parties = ["police"]
expires = "2999-12-31"
[privacy]
accept_risk = "nobody is in it"
[[field]]
name = "surname"
kind = "name"
[[encoding]]
name = "e"
length = 8
diffusion = 0
fields = { surname = 4 }
[[rarity]]
field = "surname"
"#;

fuzz_target!(|data: &[u8]| {
    // As it comes, and with the header given.
    for header in ["", "name,count\n"] {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(header.as_bytes()).expect("writes");
        file.write_all(data).expect("writes");
        let list = match RarityList::read(file.path()) {
            Ok(list) => list,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                continue;
            }
        };
        assert!(list.names() > 0);
        let text = format!("{TEXT}list_sha256 = \"{}\"\n", list.sha256());
        let schema = Schema::from_toml(&text).expect("is sound");
        let key = ProjectKey::from_bytes(std::array::from_fn(|i| i as u8));
        let encoder = Encoder::new(&schema, &key, "police").expect("has not expired").seed([1; 32]);
        let encoder = encoder.rarity("surname", &list).expect("the list that the schema names");
        let people = ["Smith", "Smith-Jones", ""].map(|name| Record::new(name, vec![name.to_owned()]));
        assert_eq!(encoder.encode(&people).expect("encodes").cohort.rarity()[0].rows(), 3);
    }
});
