//! The data owner's side: people in, bits out. This half of the crate holds the key; the other,
//! [`linkage`](crate::linkage), cannot.
//!
//! The road is normalise → tokens → positions → CLK → diffusion, for every encoding of the schema. It is specified to
//! the bit in `docs/encoding.md`.

mod clk;
mod diffusion;
mod files;
mod match_key;
mod normalise;
mod opt_out;
mod positions;
mod quality;
mod read;
mod row_map;
mod tokens;
mod validate;

use std::path::Path;

use hmac::Mac;
use rayon::prelude::*;

use self::clk::{Memo, Plan};
pub use self::files::EncodedFiles;
use self::match_key::Hasher;
pub use self::opt_out::OptOutList;
pub use self::quality::{FieldQuality, QualityReport};
pub use self::read::{CsvOptions, MAX_VALUE_BYTES, Record, read_column, read_csv};
pub use self::row_map::RowMap;
use self::tokens::{Reader, Value};
use crate::cohort::{BitMatrix, Cohort, EncodingEntry, Manifest, RowId};
use crate::error::{Error, ErrorKind, ROW_PROBLEMS_KEPT, Result, RowProblem};
use crate::key::{Keyed, ProjectKey};
use crate::schema::{Date, ENCODING_VERSION, Field, Schema};

/// How many records are normalised at a time: enough for all threads, little beside the rows themselves.
const BATCH: usize = 1 << 14;

/// How many records one thread encodes in a stretch, with one memo and one diffusion map at hand.
const STRETCH: usize = 1 << 10;

/// A field of which this share of values or more cannot be read is not dirty but misread (an American date, the wrong
/// column): an error, from so many values on.
const MISREAD_SHARE: f64 = 0.25;
const MISREAD_LEAST: u64 = 10;

/// Encodes people under a schema and a key, for one of the schema's parties.
///
/// It is `Send + Sync` and can be used for any number of files. What it makes depends on the schema, the key, the records
/// and the seed, and on nothing else: not on the number of threads.
pub struct Encoder {
    party: String,
    schema: Schema,
    key_check: String,
    readers: Vec<Reader>,
    plans: Vec<Plan>,
    hashers: Vec<Hasher>,
    row_ids: Keyed,
    seed: Option<[u8; 32]>,
    strict: bool,
    opt_out: Option<OptOutList>,
    opt_out_hashers: Vec<Hasher>,
}

/// What encoding a file gives: one part leaves the building, two stay.
#[derive(Debug)]
pub struct Encoded {
    /// Goes to the linkage unit.
    pub cohort: Cohort,
    /// Stays with the owner: which row id is which of the owner's own ids.
    pub row_map: RowMap,
    /// Stays with the owner: how much of the file could be used.
    pub quality: QualityReport,
}

impl Encoder {
    /// An encoder for `party`, one of the schema's.
    ///
    /// # Errors
    /// [`ErrorKind::Expired`] where the schema has expired; [`ErrorKind::Argument`] where it does not name the party.
    pub fn new(schema: &Schema, key: &ProjectKey, party: &str) -> Result<Self> {
        schema.check_expiry(Date::today())?;
        schema.party(party)?;
        Ok(Encoder {
            party: party.to_owned(),
            key_check: key.check_value(schema),
            readers: schema.fields().iter().map(Reader::new).collect(),
            plans: schema.encodings().iter().map(|encoding| Plan::new(schema, encoding, key)).collect(),
            hashers: schema.match_keys().iter().map(|k| Hasher::new(schema, k, key, "matchkey")).collect(),
            row_ids: key.keyed(schema.project().id(), "rowid", party),
            schema: schema.clone(),
            seed: None,
            strict: false,
            opt_out: None,
            opt_out_hashers: schema.match_keys().iter().map(|k| Hasher::new(schema, k, key, "optout")).collect(),
        })
    }

    /// Makes row ids, and with them the order of rows and what stands in for missing fields, from this seed instead of
    /// the operating system's randomness, so that the same file gives the same bytes again.
    ///
    /// Use a seed for one file only: two files of one party with one seed have the same row ids, which tells who stands in
    /// the same row of both.
    #[must_use]
    pub fn seed(mut self, seed: [u8; 32]) -> Self {
        self.seed = Some(seed);
        self
    }

    /// As [`seed`](Self::seed), from a file of the form that [`ProjectKey::write`] writes: a seed tells who stands in which
    /// row, so it is kept like a key.
    ///
    /// # Errors
    /// As [`ProjectKey::from_path`].
    pub fn seed_file(self, path: impl AsRef<Path>) -> Result<Self> {
        let seed = ProjectKey::from_path(path)?;
        Ok(self.seed(*seed.bytes()))
    }

    /// Makes every value that cannot be true or cannot be read (30 February, a wrong check digit) an error, instead of
    /// encoding it as missing and counting it in the quality report.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Leaves out everybody who is on this list.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] where the list was made under another schema or key.
    pub fn opt_out(mut self, list: OptOutList) -> Result<Self> {
        list.check(self.schema.fingerprint(), &self.key_check)?;
        self.opt_out = Some(list);
        Ok(self)
    }

    /// Makes an opt-out list of these people, for all owners of the project.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the schema has no match keys; [`ErrorKind::Rows`] where a person has no whole match
    /// key, and so could not be recognised in another file.
    pub fn opt_out_list(&self, people: &[Record]) -> Result<OptOutList> {
        if self.opt_out_hashers.is_empty() {
            return Err(Error::argument("an opt-out list needs match keys in the schema"));
        }
        let mut entries = Vec::new();
        let mut problems = Vec::new();
        for (i, record) in people.iter().enumerate() {
            let before = entries.len();
            entries.extend(self.opt_out_entries(&self.values(record)));
            if entries.len() == before {
                let (row, line) = place(i, record);
                let problem = "has no whole match key, so the person could not be recognised in another file";
                problems.push(RowProblem { row, line, field: String::new(), problem });
            }
        }
        if !problems.is_empty() {
            let total = problems.len() as u64;
            problems.truncate(ROW_PROBLEMS_KEPT);
            return Err(ErrorKind::Rows { path: None, problems, total }.into());
        }
        OptOutList::new(self.schema.fingerprint(), &self.key_check, &entries)
    }

    fn opt_out_entries(&self, values: &[Value]) -> impl Iterator<Item = opt_out::Entry> {
        let hashes = self.opt_out_hashers.iter().enumerate();
        hashes.filter_map(move |(i, hasher)| Some(opt_out::Entry::new(i, hasher.hash(values)?)))
    }

    /// The key check value: see [`ProjectKey::check_value`].
    #[must_use]
    pub fn key_check(&self) -> &str {
        &self.key_check
    }

    /// Encodes a CSV file whose columns are named as in the schema; a record's id is its row's number, from 1.
    ///
    /// # Errors
    /// As [`read_csv`] and [`encode`](Self::encode).
    pub fn encode_csv(&self, path: impl AsRef<Path>) -> Result<Encoded> {
        self.encode_csv_with(path, &CsvOptions::new())
    }

    /// Encodes a CSV file.
    ///
    /// # Errors
    /// As [`read_csv`] and [`encode`](Self::encode).
    pub fn encode_csv_with(&self, path: impl AsRef<Path>, options: &CsvOptions) -> Result<Encoded> {
        let records = read_csv(path.as_ref(), &self.schema, options)?;
        self.encode(&records).map_err(|e| e.in_file(path.as_ref()))
    }

    /// Encodes records. Rows come in the order of their random ids, which is no order.
    ///
    /// # Errors
    /// [`ErrorKind::Rows`] where a record has not as many values as the schema has fields; where a quarter of a field's
    /// values or more (and at least ten) cannot be read, which is a wrong column or a wrong date format and not dirt; and,
    /// if [`strict`](Self::strict), for every value that is invalid.
    pub fn encode(&self, records: &[Record]) -> Result<Encoded> {
        let seed = match self.seed {
            Some(seed) => seed,
            None => crate::random::seed()?,
        };
        let (keep, quality) = self.survey(records)?;

        let mut order: Vec<(RowId, u32)> =
            keep.iter().enumerate().map(|(row, &place)| (self.row_id(&seed, row), place)).collect();
        order.par_sort_unstable();
        let ids: Vec<RowId> = order.iter().map(|&(id, _)| id).collect();
        let entries = order.iter().map(|&(id, place)| (id, records[place as usize].id().to_owned())).collect();

        let schema = &self.schema;
        let outputs = schema.encodings().iter().map(|encoding| BitMatrix::zeros(order.len(), encoding.output()));
        let mut matrices: Vec<BitMatrix> = outputs.collect();
        let mut match_keys: Vec<Vec<_>> = self.hashers.iter().map(|_| Vec::with_capacity(order.len())).collect();
        for (batch, order) in order.chunks(BATCH).enumerate() {
            let values: Vec<Vec<Value>> =
                order.par_iter().map(|&(_, place)| self.values(&records[place as usize])).collect();
            let records: Vec<(&[Value], RowId)> =
                values.iter().zip(order).map(|(values, &(id, _))| (values.as_slice(), id)).collect();
            for (plan, matrix) in self.plans.iter().zip(&mut matrices) {
                let stride = matrix.stride();
                let first = batch * BATCH * stride;
                let rows = &mut matrix.words_mut()[first..first + order.len() * stride];
                let stretches = rows.par_chunks_mut(STRETCH * stride).zip(records.par_chunks(STRETCH));
                stretches.for_each_init(Memo::default, |memo, (rows, records)| plan.encode(records, memo, rows));
            }
            for (hasher, column) in self.hashers.iter().zip(&mut match_keys) {
                column.par_extend(values.par_iter().map(|values| hasher.hash(values)));
            }
        }

        let manifest = Manifest {
            encoding_version: ENCODING_VERSION,
            fingerprint: schema.fingerprint().to_owned(),
            project: schema.project().id().to_owned(),
            party: self.party.clone(),
            key_check: self.key_check.clone(),
            rows: ids.len() as u64,
            encodings: schema
                .encodings()
                .iter()
                .map(|encoding| EncodingEntry { name: encoding.name().to_owned(), bits: encoding.output() })
                .collect(),
            match_keys: schema.match_keys().iter().map(|match_key| match_key.name().to_owned()).collect(),
            accept_risk: schema.accept_risk().map(str::to_owned),
            tool: concat!("pprl ", env!("CARGO_PKG_VERSION")).to_owned(),
            sha256: String::new(),
        };
        let cohort = Cohort::new(manifest, ids, matrices, match_keys)?;
        Ok(Encoded { cohort, row_map: RowMap::new(entries), quality })
    }

    /// Looks at all values before anything is encoded: which records go in, and what the quality report says.
    fn survey(&self, records: &[Record]) -> Result<(Vec<u32>, QualityReport)> {
        if records.len() > crate::cohort::MAX_ROWS {
            return Err(Error::argument("there are more records than a cohort may have"));
        }
        let fields = self.schema.fields();
        let short = |(i, record): (usize, &Record)| {
            let (row, line) = place(i, record);
            let problem = "the record has not as many values as the schema has fields";
            (record.values().len() != fields.len()).then(|| RowProblem { row, line, field: String::new(), problem })
        };
        let mut short: Vec<_> = records.iter().enumerate().filter_map(short).collect();
        if !short.is_empty() {
            let total = short.len() as u64;
            short.truncate(ROW_PROBLEMS_KEPT);
            return Err(ErrorKind::Rows { path: None, problems: short, total }.into());
        }

        let mut quality = QualityReport::new(records.len() as u64, fields.iter().map(Field::name));
        let mut keep = Vec::with_capacity(records.len());
        for (batch, records) in records.chunks(BATCH).enumerate() {
            let looks: Vec<_> = records
                .par_iter()
                .map(|record| {
                    let on = |list: &OptOutList| list.contains(self.opt_out_entries(&self.values(record)));
                    let out = self.opt_out.as_ref().is_some_and(on);
                    let texts = self.readers.iter().zip(record.values());
                    let reasons: Vec<_> = texts.map(|(reader, text)| reader.missing(text)).collect();
                    let empty = !self.plans.iter().any(|plan| plan.says_something(|field| reasons[field].is_none()));
                    (reasons, out, empty)
                })
                .collect();
            for (i, ((reasons, out, empty), record)) in looks.into_iter().zip(records).enumerate() {
                let i = batch * BATCH + i;
                if out {
                    quality.opted_out += 1;
                    continue;
                }
                keep.push(i as u32);
                quality.empty += u64::from(empty);
                for (index, (reason, field)) in reasons.into_iter().zip(fields).enumerate() {
                    quality.fields[index].count(reason);
                    if let Some(problem) = reason.and_then(|reason| reason.problem(field.kind())) {
                        let (row, line) = place(i, record);
                        quality.problem(RowProblem { row, line, field: field.name().to_owned(), problem });
                    }
                }
            }
        }
        let misread = quality.fields.iter().any(|field| {
            let bad = field.invalid + field.unreadable;
            bad >= MISREAD_LEAST && bad as f64 >= field.written() as f64 * MISREAD_SHARE
        });
        if misread || (self.strict && quality.bad_values() > 0) {
            let total = quality.bad_values();
            return Err(ErrorKind::Rows { path: None, problems: quality.problems, total }.into());
        }
        Ok((keep, quality))
    }

    fn values(&self, record: &Record) -> Vec<Value> {
        self.readers.iter().zip(record.values()).map(|(reader, text)| reader.read(text)).collect()
    }

    /// `docs/encoding.md`, section 8: the first half of an HMAC of seed and row.
    fn row_id(&self, seed: &[u8; 32], row: usize) -> RowId {
        let mut mac = self.row_ids.clone();
        mac.update(seed);
        mac.update(&(row as u64).to_be_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        RowId(id)
    }
}

/// A value as the plaintext baseline compares it.
#[cfg(feature = "evaluate")]
pub(crate) enum Comparable {
    /// Words of a name or text.
    Words(String),
    /// A date, a postcode, an identifier, an exact value.
    Code(String),
}

#[cfg(feature = "evaluate")]
impl Comparable {
    /// The value, whatever it is.
    pub(crate) fn text(&self) -> &str {
        match self {
            Comparable::Words(text) | Comparable::Code(text) => text,
        }
    }
}

/// The normalised values of a record for the plaintext baseline; `None` where one is missing.
#[cfg(feature = "evaluate")]
pub(crate) fn comparable(readers: &FieldReaders, record: &Record) -> Vec<Option<Comparable>> {
    let values = readers.0.iter().zip(record.values()).map(|(reader, text)| (reader.read(text), reader.is_words()));
    let comparable = |(value, words)| match value {
        // Half a postcode is not whole: it can be equal to nothing.
        Value::Present(present) if present.whole.is_empty() => None,
        Value::Present(present) if words => Some(Comparable::Words(present.whole)),
        Value::Present(present) => Some(Comparable::Code(present.whole)),
        Value::Missing(_) => None,
    };
    values.map(comparable).collect()
}

/// The readers of a schema's fields.
#[cfg(feature = "evaluate")]
pub(crate) struct FieldReaders(Vec<Reader>);

#[cfg(feature = "evaluate")]
impl FieldReaders {
    pub(crate) fn new(schema: &Schema) -> Self {
        FieldReaders(schema.fields().iter().map(Reader::new).collect())
    }
}

/// Row and line of a record for an error; the row is its place in the list where it did not come from a file.
fn place(index: usize, record: &Record) -> (u64, u64) {
    match record.place() {
        (0, _) => (index as u64 + 1, 0),
        place => place,
    }
}

/// The party and the schema's fingerprint; nothing that is derived from the key.
impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder")
            .field("party", &self.party)
            .field("fingerprint", &self.schema.fingerprint())
            .finish_non_exhaustive()
    }
}
