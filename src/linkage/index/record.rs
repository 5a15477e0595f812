//! One encoded record, as it travels to a service.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::cohort::{Cohort, Manifest, MatchKeyValue, RarityColumn, RowId};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Schema;

/// One encoded row of a data owner, as a service takes it: a cohort of one row without the frame of a file.
///
/// In JSON bytes are base64, and ids, fingerprint and key check value are hexadecimal:
///
/// ```json
/// {"fingerprint": "…", "key_check": "…", "party": "prison", "row_id": "…",
///  "encodings": ["…"], "match_keys": ["…", null], "rarity": [null]}
/// ```
///
/// `match_keys` and `rarity` may be left out where the schema has none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncodedRecord {
    fingerprint: String,
    key_check: String,
    party: String,
    row_id: String,
    encodings: Vec<String>,
    #[serde(default)]
    match_keys: Vec<Option<String>>,
    #[serde(default)]
    rarity: Vec<Option<u8>>,
}

impl EncodedRecord {
    /// A row of a cohort.
    ///
    /// # Panics
    /// Where there is no such row.
    #[must_use]
    pub fn of(cohort: &Cohort, row: usize) -> Self {
        let manifest = cohort.manifest();
        let key = |column: &Vec<Option<MatchKeyValue>>| column[row].map(|key| STANDARD.encode(key.0));
        EncodedRecord {
            fingerprint: manifest.fingerprint.clone(),
            key_check: manifest.key_check.clone(),
            party: manifest.party.clone(),
            row_id: cohort.row_ids()[row].to_string(),
            encodings: cohort.encodings().iter().map(|matrix| STANDARD.encode(matrix.bytes(row))).collect(),
            match_keys: cohort.match_keys().iter().map(key).collect(),
            rarity: cohort.rarity().iter().map(|column| column.class(row)).collect(),
        }
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where it is not the JSON of a record; nothing of it is quoted.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        serde_json::from_slice(text).map_err(|error| {
            let problem =
                if error.is_data() { "fields that are missing, unknown or of another type" } else { "no JSON" };
            Error::argument(format!("not an encoded record, line {}: {problem}", error.line()))
        })
    }

    /// As JSON, on one line.
    ///
    /// # Panics
    /// Never: text, numbers and lists always can be written.
    #[must_use]
    #[expect(clippy::expect_used, reason = "text, numbers and lists always can be written")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("text, numbers and lists always can be written")
    }

    /// The data owner that it says it is from.
    #[must_use]
    pub fn party(&self) -> &str {
        &self.party
    }

    /// A cohort of this one row.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] where it was encoded under another schema, or its party is not one of the schema's;
    /// [`ErrorKind::Cohort`] where it does not hold what a row must: a wrong number or length of encodings, bad base64.
    pub fn into_cohort(self, schema: &Schema) -> Result<Cohort> {
        if self.fingerprint != schema.fingerprint() {
            let problem = "the record was encoded under another schema: the fingerprints differ".into();
            return Err(ErrorKind::Mismatch { problem }.into());
        }
        let names = |count: usize, what: &str, wanted: usize| {
            if count == wanted {
                Ok(())
            } else {
                Err(Error::cohort(format!("the record has {count} {what}; the schema has {wanted}")))
            }
        };
        names(self.encodings.len(), "encodings", schema.encodings().len())?;
        names(self.match_keys.len(), "match keys", schema.match_keys().len())?;
        names(self.rarity.len(), "classes of rarity", schema.rarity().len())?;
        let mut encodings = Vec::new();
        for (text, encoding) in self.encodings.iter().zip(schema.encodings()) {
            let mut matrix = crate::cohort::BitMatrix::new(encoding.output());
            let longest = matrix.row_bytes().div_ceil(3) * 4;
            let bytes = if text.len() == longest { STANDARD.decode(text).ok() } else { None };
            if !bytes.is_some_and(|bytes| matrix.push_bytes(&bytes)) {
                let (name, bits) = (encoding.name(), encoding.output());
                return Err(Error::cohort(format!("the encoding {name} is not base64 of {bits} bits")));
            }
            encodings.push(matrix);
        }
        let key = |text: Option<String>| {
            let Some(text) = text else { return Ok(vec![None]) };
            let bytes = if text.len() == 24 { STANDARD.decode(text).ok() } else { None };
            let value = bytes.and_then(|bytes| bytes.try_into().ok());
            value
                .map(|value| vec![Some(MatchKeyValue(value))])
                .ok_or_else(|| Error::cohort("a match key is not base64 of 128 bits"))
        };
        let match_keys = self.match_keys.into_iter().map(key).collect::<Result<Vec<_>>>()?;
        let rarity = self.rarity.iter().map(|class| RarityColumn::new(vec![class.unwrap_or(RarityColumn::NONE)]));
        let id: RowId =
            self.row_id.parse().map_err(|_| Error::cohort("the row id is not 32 lower-case hexadecimal digits"))?;
        let manifest =
            Manifest { fingerprint: self.fingerprint, ..Manifest::of(schema, &self.party, &self.key_check, 1) };
        let cohort = Cohort::new(manifest, vec![id], encodings, match_keys, rarity.collect())?;
        cohort.check_schema(schema)?;
        Ok(cohort)
    }
}

/// Whose it is; the encodings are somebody's.
impl fmt::Debug for EncodedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodedRecord").finish_non_exhaustive()
    }
}
