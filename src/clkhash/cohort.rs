//! The same CLKs as a cohort: with random row ids in place of the order of a file, and with a manifest.

use std::path::Path;

use hmac::{KeyInit, Mac};

use super::encode::{ClkEncoder, Output};
use super::schema::Hashing;
use crate::cohort::{Cohort, MAX_ROWS, Manifest, RowId};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Keyed;
use crate::owner::{CsvOptions, Encoded, QualityReport, Record, RowMap, SMALL_FILE, read_csv};
use crate::schema::{Date, Schema};

impl ClkEncoder {
    /// Makes the row ids of cohorts from this seed instead of the operating system's randomness, as
    /// [`Encoder::seed`](crate::Encoder::seed) does. CLKs do not depend on it.
    #[must_use]
    pub fn seed(mut self, seed: [u8; 32]) -> Self {
        self.seed = Some(seed);
        self
    }

    /// As [`seed`](Self::seed), from a file of the form that [`ProjectKey::write`](crate::ProjectKey::write) writes.
    ///
    /// # Errors
    /// As [`ProjectKey::from_path`](crate::ProjectKey::from_path).
    pub fn seed_file(self, path: impl AsRef<Path>) -> Result<Self> {
        let seed = crate::ProjectKey::from_path(path)?;
        Ok(self.seed(*seed.bytes()))
    }

    /// Why a cohort of fewer than [`SMALL_FILE`] people may be written: as
    /// [`Encoder::release_small`](crate::Encoder::release_small).
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where it is no line of 10 to 500 characters.
    pub fn release_small(mut self, reason: &str) -> Result<Self> {
        self.release_small = Some(crate::owner::small_reason(reason)?);
        Ok(self)
    }

    /// Encodes a CSV file whose columns are named as in the linkage schema, in any order, to a cohort.
    ///
    /// # Errors
    /// As [`read_csv`] and [`encode_records`](Self::encode_records).
    pub fn encode_cohort_csv(
        &self,
        agreement: &Schema,
        party: &str,
        path: impl AsRef<Path>,
        options: &CsvOptions,
    ) -> Result<Encoded> {
        let mut records = read_csv(path.as_ref(), agreement, options)?;
        let rows = records.len();
        records.retain(Record::consents);
        let mut encoded = self.encode_records(agreement, party, &records).map_err(|e| e.in_file(path.as_ref()))?;
        encoded.quality.rows = rows as u64;
        encoded.quality.no_consent = (rows - records.len()) as u64;
        Ok(encoded)
    }

    /// Encodes records to a cohort under the [agreement](super::LinkageSchema::agreement) that names this linkage schema. A
    /// record's values are those of the features that are not ignored. Rows come in the order of their random ids, which is no
    /// order.
    ///
    /// # Errors
    /// [`Expired`](ErrorKind::Expired) where the agreement has; [`Argument`](ErrorKind::Argument) where it does not name the
    /// party; [`Mismatch`](ErrorKind::Mismatch) where it is not about this linkage schema, or gives another reason for the risk;
    /// [`Rows`](ErrorKind::Rows) as [`encode`](Self::encode).
    pub fn encode_records(&self, agreement: &Schema, party: &str, records: &[Record]) -> Result<Encoded> {
        agreement.check_expiry(Date::today())?;
        agreement.party(party)?;
        let about = agreement.encodings().iter().all(|encoding| encoding.clkhash() == Some(self.schema.sha256()));
        if !about || agreement.accept_risk() != Some(self.accept_risk()) {
            let what = if about { "gives another reason for the risk" } else { "is not about this linkage schema" };
            return Err(ErrorKind::Mismatch { problem: format!("the agreement {what}") }.into());
        }
        if records.len() > MAX_ROWS {
            return Err(Error::argument("there are more records than a cohort may have"));
        }
        let seed = match self.seed {
            Some(seed) => seed,
            None => crate::random::seed()?,
        };
        let mut order: Vec<(RowId, usize)> =
            (0..records.len()).map(|row| (self.row_id(party, &seed, row), row)).collect();
        order.sort_unstable();

        // Where a feature's value stands in a record; nothing is read of ignored ones.
        let features = self.schema.features();
        let mut next = 0..;
        let places: Vec<Option<usize>> =
            features.iter().map(|feature| feature.hashing().and_then(|_| next.next())).collect();
        let hashed: Vec<&Hashing> = features.iter().filter_map(|feature| feature.hashing()).collect();
        let mut out = Output::new(self);
        let record = |row: usize| &records[order[row].1];
        let fields = |row: usize| if record(row).values().len() == hashed.len() { features.len() } else { 0 };
        let value = |row: usize, at: usize| places[at].map_or("", |place| record(row).values()[place].as_str());
        let place = |row: usize| crate::owner::place(order[row].1, record(row));
        out.append(records.len(), fields, value, place);
        let encoded = out.finish(None).map_err(in_order)?;

        let manifest = Manifest {
            release_small: self.release_small.clone().filter(|_| records.len() < SMALL_FILE),
            ..Manifest::of(agreement, party, &self.check, records.len())
        };
        let ids = order.iter().map(|&(id, _)| id).collect();
        let cohort = Cohort::new(manifest, ids, vec![encoded.clks.matrix().clone()], Vec::new(), Vec::new())?;
        let entries = order.iter().map(|&(id, row)| (id, records[row].id().to_owned())).collect();
        let quality = quality(agreement, &hashed, records, encoded.empty);
        Ok(Encoded { cohort, row_map: RowMap::new(entries, std::collections::HashSet::new()), quality })
    }

    fn row_id(&self, party: &str, seed: &[u8; 32], row: usize) -> RowId {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Keyed::new_from_slice(&*self.row_key).expect("HMAC takes keys of any length");
        // Two numbers of known length, and then the party.
        mac.update(seed);
        mac.update(&(row as u64).to_be_bytes());
        mac.update(party.as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        RowId(id)
    }
}

/// Problems were found in the order of random ids.
fn in_order(error: Error) -> Error {
    match error.into_kind() {
        ErrorKind::Rows { path, mut problems, total } => {
            problems.sort();
            ErrorKind::Rows { path, problems, total }.into()
        }
        other => other.into(),
    }
}

fn quality(agreement: &Schema, hashed: &[&Hashing], records: &[Record], empty: usize) -> QualityReport {
    let names = agreement.fields().iter().map(crate::schema::Field::name);
    let mut report = QualityReport::new(records.len() as u64, names);
    report.empty = empty as u64;
    for record in records {
        for ((value, hashing), field) in record.values().iter().zip(hashed).zip(&mut report.fields) {
            let missing = hashing.missing_value().is_some_and(|missing| missing.sentinel() == value);
            let count = match (missing, value.is_empty()) {
                (true, false) => &mut field.placeholder,
                (_, true) => &mut field.empty,
                _ => &mut field.present,
            };
            *count += 1;
        }
    }
    report
}
