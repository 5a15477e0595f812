//! An opt-out list: anything is a list or an error. A digest is no signature, so the bytes are tried with a right one too.
#![no_main]

use std::io::Write;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pprl::owner::OptOutList;
use pprl::{Encoder, ProjectKey, Record, Schema};
use sha2::{Digest, Sha256};

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
name = "nhs_number"
kind = "identifier"
scheme = "nhs_number"
[[encoding]]
name = "e"
length = 8
diffusion = 0
fields = { nhs_number = 4 }
[[match_key]]
name = "nhs_number"
fields = ["nhs_number"]
"#;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::from_toml(TEXT).expect("is sound"));

fn encoder() -> Encoder {
    let key = ProjectKey::from_bytes(std::array::from_fn(|i| i as u8));
    Encoder::new(&SCHEMA, &key, "police").expect("has not expired").seed([1; 32])
}

fn try_list(bytes: &[u8]) -> Option<OptOutList> {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("writes");
    OptOutList::read(file.path()).ok()
}

fuzz_target!(|data: &[u8]| {
    try_list(data);
    // The frame of a list under this schema and key, and behind it whatever there is.
    let encoder = encoder();
    let mut body = b"pproptl1".to_vec();
    body.extend(SCHEMA.fingerprint().as_bytes());
    body.extend(encoder.key_check().as_bytes());
    body.extend(data);
    let digest = Sha256::digest(&body);
    body.extend(digest);
    if let Some(list) = try_list(&body)
        && let Ok(encoder) = encoder.opt_out(list)
    {
        let _ = encoder.encode(&[Record::new("1", vec!["9434765919".to_owned()])]);
    }
});
