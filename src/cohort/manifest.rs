//! What a cohort says of itself.

use serde::{Deserialize, Serialize};

#[cfg(any(feature = "owner", feature = "linkage"))]
use crate::schema::{ENCODING_VERSION, Encoding, Schema};

/// The manifest of a cohort: enough to refuse a comparison that must not happen, and nothing about any person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the native encoding, [`ENCODING_VERSION`](crate::schema::ENCODING_VERSION).
    pub encoding_version: u32,
    /// The schema's fingerprint, 64 hexadecimal digits.
    pub fingerprint: String,
    /// The project's id.
    pub project: String,
    /// The data owner, one of the schema's parties.
    pub party: String,
    /// The key check value, 16 hexadecimal digits: equal for equal keys and schemas.
    pub key_check: String,
    /// How many rows there are.
    pub rows: u64,
    /// The encodings, in the schema's order.
    pub encodings: Vec<EncodingEntry>,
    /// The names of the match keys, in the schema's order.
    pub match_keys: Vec<String>,
    /// The names of the fields whose rarity is told, in the order of [`Schema::rarity`](crate::Schema::rarity).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rarity: Vec<String>,
    /// The reason that the parties gave for a schema that is weaker than the defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_risk: Option<String>,
    /// The reason that the owner gave for sending a file of few people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_small: Option<String>,
    /// The program that wrote the file, with its version.
    pub tool: String,
    /// SHA-256 over everything above except `tool`, the row ids, the encodings, the match keys and the classes;
    /// `docs/encoding.md`, section 9.
    pub sha256: String,
}

#[cfg(any(feature = "owner", feature = "linkage"))]
impl Manifest {
    /// Of so many rows of a party under this schema, without the digest, which `Cohort::new` fills in.
    pub(crate) fn of(schema: &Schema, party: &str, key_check: &str, rows: usize) -> Self {
        let entry = |encoding: &Encoding| EncodingEntry { name: encoding.name().to_owned(), bits: encoding.output() };
        Manifest {
            encoding_version: ENCODING_VERSION,
            fingerprint: schema.fingerprint().to_owned(),
            project: schema.project().id().to_owned(),
            party: party.to_owned(),
            key_check: key_check.to_owned(),
            rows: rows as u64,
            encodings: schema.encodings().iter().map(entry).collect(),
            match_keys: schema.match_keys().iter().map(|key| key.name().to_owned()).collect(),
            rarity: schema.rarity().iter().map(|rarity| schema.fields()[rarity.field()].name().to_owned()).collect(),
            accept_risk: schema.accept_risk().map(str::to_owned),
            release_small: None,
            tool: concat!("pprl ", env!("CARGO_PKG_VERSION")).to_owned(),
            sha256: String::new(),
        }
    }
}

/// One encoding of a cohort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncodingEntry {
    /// Its name in the schema.
    pub name: String,
    /// Its length in bits.
    pub bits: usize,
}
