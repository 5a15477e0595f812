//! A CSV file of people: anything is read or an error, and what is read can be encoded.
#![no_main]

use std::io::Write;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pprl::owner::{read_column, read_csv};
use pprl::{CsvOptions, Encoder, ProjectKey, Schema};

static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::uk_person);
static ENCODER: LazyLock<Encoder> = LazyLock::new(|| {
    let key = ProjectKey::from_bytes(std::array::from_fn(|i| i as u8));
    Encoder::new(&SCHEMA, &key, "police").expect("the default schema has not expired").seed([1; 32])
});

fuzz_target!(|data: &[u8]| {
    // The first byte chooses the options, and whether the header is given.
    let Some((&choice, data)) = data.split_first() else { return };
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    if choice & 1 == 0 {
        file.write_all(b"forename,surname,date_of_birth,sex,postcode\n").expect("writes");
    }
    file.write_all(data).expect("writes");
    let mut options = CsvOptions::new();
    if choice & 2 != 0 {
        options = options.id_column("surname");
    }
    if choice & 4 != 0 {
        options = options.delimiter(b';');
    }
    match read_csv(file.path(), &SCHEMA, &options) {
        Ok(records) => {
            let _ = ENCODER.encode(&records[..records.len().min(20)]);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let _ = read_column(file.path(), "surname", &options);
});
