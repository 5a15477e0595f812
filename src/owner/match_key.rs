//! Match keys: keyed hashes of exact combinations. `docs/encoding.md`, section 7.

use hmac::Mac;

use super::clk::Scratch;
use super::values::Person;
use crate::cohort::MatchKeyValue;
use crate::key::{Keyed, ProjectKey};
use crate::schema::{MatchKey, Schema};

/// What computes one match key.
pub(crate) struct Hasher {
    keyed: Keyed,
    /// The fields, and what stands before their values: the length of the field's name, and the name.
    fields: Vec<(usize, Vec<u8>)>,
}

impl Hasher {
    /// `purpose` separates keys that are compared by the linkage unit from opt-out lists.
    pub(crate) fn new(schema: &Schema, match_key: &MatchKey, key: &ProjectKey, purpose: &str) -> Self {
        let fields = match_key.fields().iter().map(|&index| {
            let name = schema.fields()[index].name();
            (index, [&(name.len() as u32).to_be_bytes(), name.as_bytes()].concat())
        });
        Hasher { keyed: key.keyed(schema.project().id(), purpose, match_key.name()), fields: fields.collect() }
    }

    /// The key of a record; `None` where one of its fields is missing or not whole. A blank is never hashed.
    pub(crate) fn hash(&self, person: Person<'_>, scratch: &mut Scratch) -> Option<MatchKeyValue> {
        let Scratch { message, reading, .. } = scratch;
        message.clear();
        for (index, name) in &self.fields {
            message.extend_from_slice(name);
            if !person.append_whole(*index, reading, message) {
                return None;
            }
        }
        let mut mac = self.keyed.clone();
        mac.update(message);
        let mut value = [0; 16];
        value.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        Some(MatchKeyValue(value))
    }
}
