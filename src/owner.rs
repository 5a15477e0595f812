//! The data owner's side: people in, bits out. This half of the crate holds the key; the other,
//! [`linkage`](crate::linkage), cannot.
//!
//! The road is normalise → tokens → positions → CLK → diffusion, for every encoding of the schema. It is specified to
//! the bit in `docs/encoding.md`.

#[cfg(feature = "audit")]
mod bare;
mod clk;
mod decoys;
mod diffusion;
mod files;
mod harden;
mod markov;
mod match_key;
pub(crate) mod memo;
mod noise;
mod normalise;
mod opt_out;
mod payload;
mod positions;
mod quality;
mod rarity;
mod read;
mod readiness;
mod release;
mod roles;
mod row_map;
mod survey;
mod tokens;
mod validate;
mod values;

use std::path::Path;

use hmac::Mac;
use rayon::prelude::*;

#[cfg(feature = "audit")]
pub(crate) use self::bare::{Bare, TokenId};
use self::clk::{Plan, Scratch};
pub use self::files::EncodedFiles;
use self::match_key::Hasher;
pub use self::opt_out::OptOutList;
pub use self::payload::{Payload, write_payload_csv};
#[cfg(feature = "audit")]
pub(crate) use self::positions::Stream;
pub use self::quality::{FieldQuality, QualityReport};
pub use self::rarity::RarityList;
pub use self::read::{CsvOptions, MAX_VALUE_BYTES, Record, read_column, read_csv};
pub use self::readiness::{LeftOut, Readiness, RowReadiness, Verdict};
#[cfg(feature = "clkhash")]
pub(crate) use self::release::small_reason;
pub use self::roles::{read_csv_roles, read_party_csv, split_role};
pub use self::row_map::RowMap;
use self::tokens::Reader;
#[cfg(any(feature = "evaluate", feature = "audit"))]
pub(crate) use self::tokens::Reading;
#[cfg(feature = "audit")]
pub(crate) use self::tokens::group_budgets;
use self::values::{Fields, Pool};
pub use crate::cohort::SMALL_FILE;
use crate::cohort::{BitMatrix, Cohort, Manifest, RowId};
use crate::error::{Error, Result};
use crate::key::{Keyed, ProjectKey};
use crate::schema::{Date, Schema};

/// How many records one thread works on in a stretch, with one memo at hand.
const STRETCH: usize = 1 << 10;

/// A field of which this share of values or more cannot be read is not dirty but misread (an American date, the wrong
/// column): an error, from so many values on.
const MISREAD_SHARE: f64 = 0.25;
const MISREAD_LEAST: u64 = 10;

/// Encodes people under a schema and a key, for one of the schema's parties.
///
/// It is `Send + Sync` and can be used for any number of files. What it makes depends on the schema, the key, the records
/// and the seed, and on nothing else: not on the number of threads.
///
/// It holds subkeys: `Debug` shows none of them, and there is no other way out of it:
///
/// ```
/// fn shown(encoder: &pprl::Encoder) -> serde_json::Result<String> {
///     serde_json::to_string(&format!("{encoder:?}"))
/// }
/// ```
/// ```compile_fail,E0277
/// fn printed(encoder: &pprl::Encoder) -> String {
///     format!("{encoder}")
/// }
/// ```
/// ```compile_fail,E0277
/// fn serialised(encoder: &pprl::Encoder) -> serde_json::Result<String> {
///     serde_json::to_string(encoder)
/// }
/// ```
pub struct Encoder {
    party: String,
    schema: Schema,
    key_check: String,
    fields: Fields,
    plans: Vec<Plan>,
    hashers: Vec<Hasher>,
    row_ids: Keyed,
    seed: Option<[u8; 32]>,
    strict: bool,
    opt_out: Option<OptOutList>,
    opt_out_hashers: Vec<Hasher>,
    decoys: usize,
    release_small: Option<String>,
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
    /// [`Expired`](crate::ErrorKind::Expired) where the schema has expired; [`Argument`](crate::ErrorKind::Argument) where
    /// it does not name the party, and where an encoding is [clkhash's](crate::schema::Encoding::clkhash).
    pub fn new(schema: &Schema, key: &ProjectKey, party: &str) -> Result<Self> {
        schema.check_expiry(Date::today())?;
        schema.party(party)?;
        if let Some(encoding) = schema.encodings().iter().find(|encoding| encoding.clkhash().is_some()) {
            let name = encoding.name();
            return Err(Error::argument(format!(
                "encoding {name} is made by a clkhash linkage schema and its secret: clkhash::ClkEncoder makes it"
            )));
        }
        let mut lines = vec![0; schema.fields().len()];
        let plans: Vec<Plan> =
            (0..schema.encodings().len()).map(|number| Plan::new(schema, number, key, &mut lines)).collect();
        let salts = |field| {
            schema
                .encodings()
                .iter()
                .any(|encoding| encoding.hardening().salt().is_some_and(|salt| salt.field() == field))
        };
        let whole =
            |field| salts(field) || schema.match_keys().iter().any(|match_key| match_key.fields().contains(&field));
        Ok(Encoder {
            party: party.to_owned(),
            key_check: key.check_value(schema),
            fields: Fields::new(schema.fields().iter().map(Reader::new).collect(), &plans, whole),
            plans,
            hashers: schema.match_keys().iter().map(|k| Hasher::new(schema, k, key, "matchkey")).collect(),
            row_ids: key.keyed(schema.project().id(), "rowid", party),
            schema: schema.clone(),
            seed: None,
            strict: false,
            opt_out: None,
            opt_out_hashers: schema.match_keys().iter().map(|k| Hasher::new(schema, k, key, "optout")).collect(),
            decoys: 0,
            release_small: None,
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
    /// [`Mismatch`](crate::ErrorKind::Mismatch) where the list was made under another schema or key.
    pub fn opt_out(mut self, list: OptOutList) -> Result<Self> {
        list.check(self.schema.fingerprint(), &self.key_check)?;
        self.opt_out = Some(list);
        Ok(self)
    }

    /// The key check value: see [`ProjectKey::check_value`].
    #[must_use]
    pub fn key_check(&self) -> &str {
        &self.key_check
    }

    /// Encodes a CSV file whose columns are named as in the schema; a record's id is its row's number, from 1.
    ///
    /// # Errors
    /// As [`read_party_csv`] and [`encode`](Self::encode).
    pub fn encode_csv(&self, path: impl AsRef<Path>) -> Result<Encoded> {
        self.encode_csv_with(path, &CsvOptions::new())
    }

    /// Encodes a CSV file, of one person a row or of [roles](Schema::roles).
    ///
    /// # Errors
    /// As [`read_party_csv`] and [`encode`](Self::encode).
    pub fn encode_csv_with(&self, path: impl AsRef<Path>, options: &CsvOptions) -> Result<Encoded> {
        let records = read_party_csv(path.as_ref(), &self.schema, &self.party, options)?;
        self.encode(&records).map_err(|e| e.in_file(path.as_ref()))
    }

    /// Encodes records. Rows come in the order of their random ids, which is no order.
    ///
    /// # Errors
    /// [`Argument`](crate::ErrorKind::Argument) where the schema asks for the rarity of names, for bigrams by a list of names or
    /// for noise, and the list or the key is lacking (see [`rarity`](Self::rarity), [`names`](Self::names) and
    /// [`noise`](Self::noise)), or where the file is too small for its [decoys](Self::decoys) or has a record without an id
    /// beside them. [`Rows`](crate::ErrorKind::Rows) where a record has not as many values as the schema has fields; where a quarter of
    /// a field's values or more (and at least ten) cannot be read, which is a wrong column or a wrong date format and not
    /// dirt; where the schema asks for noise and two records have one id; and, if [`strict`](Self::strict), for every value
    /// that is invalid.
    pub fn encode(&self, records: &[Record]) -> Result<Encoded> {
        self.check_lists()?;
        self.check_names()?;
        self.check_noise(records)?;
        let seed = match self.seed {
            Some(seed) => seed,
            None => crate::random::seed()?,
        };
        let (coded, keep, quality) = self.survey(records)?;
        let people = keep.len();
        let padded;
        let (records, coded, keep) = if self.decoys == 0 {
            (records, coded, keep)
        } else {
            padded = self.padded(&coded, &keep, &seed)?;
            drop(coded);
            // Who is on the list is out already, and the report is of people.
            let (coded, keep, _) = self.survey(&padded)?;
            (&padded[..], coded, keep)
        };

        let mut order: Vec<(RowId, u32)> =
            keep.iter().enumerate().map(|(row, &place)| (self.row_id(&seed, row), place)).collect();
        order.par_sort_unstable();
        let ids: Vec<RowId> = order.iter().map(|&(id, _)| id).collect();
        // In the order of the records, which stand all over memory.
        let mut rows = vec![u32::MAX; records.len()];
        (0..).zip(&order).for_each(|(row, &(_, place))| rows[place as usize] = row);
        let mut entries: Vec<(RowId, String)> = ids.iter().map(|&id| (id, String::new())).collect();
        for &place in &keep {
            entries[rows[place as usize] as usize].1.push_str(records[place as usize].id());
        }
        // Decoys come after all people.
        let decoys = keep.iter().skip(people).map(|&place| ids[rows[place as usize] as usize]).collect();

        let schema = &self.schema;
        let pool = Pool::default();
        let mut matrices = Vec::new();
        for (plan, encoding) in self.plans.iter().zip(schema.encodings()) {
            let mut matrix = BitMatrix::zeros(order.len(), encoding.output());
            let rows = matrix.stride() * STRETCH;
            matrix.words_mut().par_chunks_mut(rows).zip(order.par_chunks(STRETCH)).for_each(|(rows, order)| {
                pool.lend(Scratch::default, |scratch| plan.encode(&coded, order, scratch, rows));
            });
            matrices.push(matrix);
        }
        let hashers = self.hashers.len();
        let match_key = |place: u32, key: usize| {
            let place = place as usize;
            coded.match_keys[place / STRETCH][place % STRETCH * hashers + key]
        };
        let match_keys =
            (0..hashers).map(|key| order.par_iter().map(|&(_, place)| match_key(place, key)).collect()).collect();

        let fields = schema.rarity().len();
        let class = |place: u32, field: usize| {
            let place = place as usize;
            coded.rarity[place / STRETCH][place % STRETCH * fields + field]
        };
        let places: Vec<u32> = order.iter().map(|&(_, place)| place).collect();
        let rarity = self.rarity_columns(&places, class);

        let manifest = Manifest {
            release_small: self.release_small.clone().filter(|_| people < SMALL_FILE),
            ..Manifest::of(schema, &self.party, &self.key_check, ids.len())
        };
        let cohort = Cohort::new(manifest, ids, matrices, match_keys, rarity)?;
        Ok(Encoded { cohort, row_map: RowMap::new(entries, decoys), quality })
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

/// The normalised values of a record for the plaintext baseline; `None` where one is missing or not whole.
#[cfg(feature = "evaluate")]
pub(crate) fn comparable(readers: &FieldReaders, record: &Record) -> Vec<Option<Comparable>> {
    let mut reading = Reading::default();
    let comparable = |(reader, text): (&Reader, &String)| {
        reader.read(text, &mut reading).ok()?;
        let whole = std::mem::take(&mut reading.whole);
        // Half a postcode is not whole: it can be equal to nothing.
        match (whole.is_empty(), reader.is_words()) {
            (true, _) => None,
            (_, true) => Some(Comparable::Words(whole)),
            (_, false) => Some(Comparable::Code(whole)),
        }
    };
    readers.0.iter().zip(record.values()).map(comparable).collect()
}

/// A group of people by how many letters the shortest of their names has.
#[cfg(any(feature = "evaluate", feature = "audit"))]
pub(crate) fn name_length(shortest: Option<usize>) -> &'static str {
    match shortest {
        None => "no name",
        Some(0..=3) => "1 to 3 letters",
        Some(4..=5) => "4 to 5 letters",
        Some(_) => "6 letters or more",
    }
}

/// The readers of a schema's fields.
#[cfg(any(feature = "evaluate", feature = "audit"))]
pub(crate) struct FieldReaders(Vec<Reader>);

#[cfg(any(feature = "evaluate", feature = "audit"))]
impl FieldReaders {
    pub(crate) fn new(schema: &Schema) -> Self {
        FieldReaders(schema.fields().iter().map(Reader::new).collect())
    }

    /// A value of a record as match keys have it; `None` where it is missing or not whole. A date is `YYYY-MM-DD`.
    #[cfg(feature = "audit")]
    pub(crate) fn whole(&self, field: usize, record: &Record, reading: &mut Reading) -> Option<String> {
        self.0[field].read(record.values().get(field)?, reading).ok()?;
        (!reading.whole.is_empty()).then(|| reading.whole.clone())
    }
}

/// Row and line of a record for an error; the row is its place in the list where it did not come from a file.
pub(crate) fn place(index: usize, record: &Record) -> (u64, u64) {
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
