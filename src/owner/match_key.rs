//! Match keys: keyed hashes of exact combinations. `docs/encoding.md`, section 7.

use hmac::Mac;

use super::tokens::Value;
use crate::cohort::MatchKeyValue;
use crate::key::{Keyed, ProjectKey};
use crate::schema::{MatchKey, Schema};

/// What computes one match key.
pub(crate) struct Hasher {
    keyed: Keyed,
    fields: Vec<(usize, String)>,
}

impl Hasher {
    /// `purpose` separates keys that are compared by the linkage unit from opt-out lists.
    pub(crate) fn new(schema: &Schema, match_key: &MatchKey, key: &ProjectKey, purpose: &str) -> Self {
        let fields = match_key.fields().iter().map(|&index| (index, schema.fields()[index].name().to_owned()));
        Hasher { keyed: key.keyed(schema.project().id(), purpose, match_key.name()), fields: fields.collect() }
    }

    /// The key of a record; `None` where one of its fields is missing or not whole. A blank is never hashed.
    pub(crate) fn hash(&self, values: &[Value]) -> Option<MatchKeyValue> {
        let mut mac = self.keyed.clone();
        for (index, name) in &self.fields {
            let Value::Present(present) = &values[*index] else { return None };
            if present.whole.is_empty() {
                return None;
            }
            for part in [name, &present.whole] {
                mac.update(&(part.len() as u32).to_be_bytes());
                mac.update(part.as_bytes());
            }
        }
        let mut value = [0; 16];
        value.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        Some(MatchKeyValue(value))
    }
}
