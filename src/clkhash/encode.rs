//! From rows to CLKs, to clkhash's bits.

use std::borrow::Cow;
use std::path::Path;

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::csv::{CsvRows, Header};
use super::format::Format;
use super::hash::TokenHasher;
use super::keys::{self, Secret};
use super::schema::{Feature, Hashing, LinkageSchema, Strategy};
use super::tokens::{Tokens, count};
use crate::clks::Clks;
use crate::cohort::BitMatrix;
use crate::error::{Error, ErrorKind, ROW_PROBLEMS_KEPT, Result, RowProblem};
use crate::owner::memo::{Table, key};

/// What a memo holds at most of values, and of tokens, of one column in 64-bit words: 16 MiB, 131,072 filters of 1,024 bits.
const MEMO_WORDS: usize = 1 << 21;

/// After so many values that were new, values are remembered only where one of so many comes again.
const TRIED: usize = 1 << 13;
const WORTH: usize = 2;

/// Rows that are read from a file before they are encoded.
const CHUNK: usize = 1 << 16;

/// The fewest rows that are worth a thread.
const STRETCH: usize = 256;

const FIELDS: &str = "has not as many fields as the schema has features";

/// Encodes rows under a linkage schema and a secret, to the bit as clkhash 0.18.3 does.
///
/// What it makes is a plain CLK: some fifty people whose rows are known open such a file (`docs/attacks.md`). It is for
/// agreements that exist, and asks for the reason why that risk is accepted; for what is new see
/// [`LinkageSchema::native`].
///
/// It is `Send + Sync`; the result does not depend on the number of threads. It holds keys, and its `Debug` shows none.
pub struct ClkEncoder {
    pub(super) schema: LinkageSchema,
    accept_risk: String,
    validate: bool,
    columns: Vec<Option<TokenHasher>>,
    pub(super) check: String,
    /// Of row ids.
    pub(super) row_key: Zeroizing<[u8; 32]>,
    pub(super) seed: Option<[u8; 32]>,
    pub(super) release_small: Option<String>,
}

/// What encoding gives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EncodedClks {
    /// The CLKs, in the order of the rows.
    pub clks: Clks,
    /// How many rows there are.
    pub rows: usize,
    /// How many of them are CLKs without a single bit: nothing was in them.
    pub empty: usize,
}

impl std::fmt::Debug for ClkEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClkEncoder").field("schema", &self.schema.sha256).finish_non_exhaustive()
    }
}

impl ClkEncoder {
    /// An encoder. `accept_risk` is the reason, in words, why a plain CLK may be used.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where no reason is given, or one longer than 500 characters or of several lines.
    pub fn new(schema: &LinkageSchema, secret: &Secret, accept_risk: &str) -> Result<Self> {
        let accept_risk = accept_risk.trim();
        if accept_risk.is_empty() || accept_risk.chars().count() > 500 || accept_risk.contains(char::is_control) {
            return Err(Error::argument(
                "a clkhash schema makes plain CLKs, which some fifty known people open: accept_risk needs the reason why that \
                 is accepted, on one line of at most 500 characters",
            ));
        }
        let features = schema.features();
        let keys = keys::derive(&schema.kdf, features.len(), secret.bytes())?;
        let hasher = |(feature, keys): (&Feature, _)| {
            let hashing = feature.hashing.as_ref()?;
            let (Strategy::BitsPerToken(most) | Strategy::BitsPerFeature(most)) = hashing.strategy;
            Some(TokenHasher::new(hashing.hash, keys, most))
        };
        Ok(ClkEncoder {
            columns: features.iter().zip(keys).map(hasher).collect(),
            check: keys::check_value(secret.bytes(), &schema.sha256),
            row_key: keys::expand(secret.bytes(), &[b"pprl/clkhash/rowid"]),
            seed: None,
            release_small: None,
            schema: schema.clone(),
            accept_risk: accept_risk.to_owned(),
            validate: true,
        })
    }

    /// Whether values are checked against their formats, as they are by default. Without, dates and whole numbers are still
    /// read, as clkhash reads them.
    #[must_use]
    pub fn validate(mut self, validate: bool) -> Self {
        self.validate = validate;
        self
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> &LinkageSchema {
        &self.schema
    }

    /// Why the risk of plain CLKs is accepted.
    #[must_use]
    pub fn accept_risk(&self) -> &str {
        &self.accept_risk
    }

    /// 16 hexadecimal digits that are the same for two owners exactly when their secrets and their schema files are.
    #[must_use]
    pub fn key_check(&self) -> &str {
        &self.check
    }

    /// Encodes rows: a field for each feature, ignored ones included, in the schema's order.
    ///
    /// # Errors
    /// [`ErrorKind::Rows`] with the first problems: another number of fields, values that are not of their format, texts that
    /// their encoding cannot write or that should be numbers. Rows are counted from 1, and no value is told.
    pub fn encode<R, S>(&self, rows: &[R]) -> Result<EncodedClks>
    where
        R: AsRef<[S]> + Sync,
        S: AsRef<str>,
    {
        let mut out = Output::new(self);
        let fields = |row: usize| rows[row].as_ref().len();
        out.append(rows.len(), fields, |row, field| rows[row].as_ref()[field].as_ref(), |row| (row as u64 + 1, 0));
        out.finish(None)
    }

    /// Encodes a CSV file as clkhash's `generate_clk_from_csv` does: commas, double quotes, UTF-8.
    ///
    /// # Errors
    /// As [`encode`](Self::encode); [`ErrorKind::Io`]; [`ErrorKind::File`] where a header is not the schema's identifiers or is not
    /// there. An empty line is a row without fields, as it is for clkhash.
    pub fn encode_csv(&self, path: impl AsRef<Path>, header: Header) -> Result<EncodedClks> {
        let path = path.as_ref();
        let identifiers: Vec<&str> = self.schema.features().iter().map(|feature| feature.identifier.as_str()).collect();
        let mut rows = CsvRows::open(path, header, &identifiers)?;
        let mut out = Output::new(self);
        loop {
            let chunk = rows.read(CHUNK)?;
            let first = out.rows as u64 + 1;
            let place = |row: usize| (first + row as u64, chunk[row].position().map_or(0, csv::Position::line));
            out.append(chunk.len(), |row| chunk[row].len(), |row, field| &chunk[row][field], place);
            if chunk.len() < CHUNK {
                return out.finish(Some(path));
            }
        }
    }
}

/// Filters in the making, and what was wrong with the rows.
pub(super) struct Output<'a> {
    workers: Vec<Worker<'a>>,
    words: Vec<u64>,
    stride: usize,
    rows: usize,
    empty: usize,
    problems: Vec<RowProblem>,
    total: u64,
}

impl<'a> Output<'a> {
    pub(super) fn new(encoder: &'a ClkEncoder) -> Self {
        let workers = (0..rayon::current_num_threads()).map(|_| Worker::new(encoder)).collect();
        let stride = encoder.schema.length.div_ceil(64);
        Output { workers, words: Vec::new(), stride, rows: 0, empty: 0, problems: Vec::new(), total: 0 }
    }

    /// Encodes so many rows more, of which are told how many fields each has, each field, and the row's number and line.
    pub(super) fn append<'r>(
        &mut self,
        rows: usize,
        fields: impl Fn(usize) -> usize + Sync,
        field: impl Fn(usize, usize) -> &'r str + Sync,
        place: impl Fn(usize) -> (u64, u64) + Sync,
    ) {
        let before = self.words.len();
        self.words.resize(before + rows * self.stride, 0);
        self.rows += rows;
        let stretch = rows.div_ceil(self.workers.len()).max(STRETCH);
        let stretches = self.words[before..].par_chunks_mut(stretch * self.stride).zip(&mut self.workers).enumerate();
        let found: Vec<(usize, u64, Vec<RowProblem>)> = stretches
            .map(|(number, (words, worker))| {
                let (mut empty, mut total, mut problems) = (0, 0, Vec::new());
                for (row, out) in (number * stretch..).zip(words.chunks_exact_mut(self.stride)) {
                    match worker.encode(fields(row), |at| field(row, at), out) {
                        Ok(()) => empty += usize::from(out.iter().all(|&word| word == 0)),
                        Err((field, problem)) => {
                            total += 1;
                            if problems.len() < ROW_PROBLEMS_KEPT {
                                let (row, line) = place(row);
                                problems.push(RowProblem { row, line, field: field.to_owned(), problem });
                            }
                        }
                    }
                }
                (empty, total, problems)
            })
            .collect();
        for (empty, total, problems) in found {
            self.empty += empty;
            self.total += total;
            self.problems.extend(problems);
        }
        self.problems.truncate(ROW_PROBLEMS_KEPT);
    }

    pub(super) fn finish(self, path: Option<&Path>) -> Result<EncodedClks> {
        if self.total > 0 {
            let path = path.map(Path::to_owned);
            return Err(ErrorKind::Rows { path, problems: self.problems, total: self.total }.into());
        }
        let bits = self.workers[0].encoder.schema.length.next_multiple_of(8);
        let mut matrix = BitMatrix::zeros(self.rows, bits);
        matrix.words_mut().copy_from_slice(&self.words);
        Ok(EncodedClks { clks: Clks::from_matrix(matrix), rows: self.rows, empty: self.empty })
    }
}

/// One thread's memory.
struct Worker<'a> {
    encoder: &'a ClkEncoder,
    columns: Vec<Memo>,
    /// The filter of one row before it is folded, and another.
    filter: Vec<u64>,
    aside: Vec<u64>,
    tokens: Tokens,
}

/// What one column's values and tokens became.
#[derive(Default)]
struct Memo {
    values: Table<4>,
    value_filters: Vec<u64>,
    /// How often a value was known, and was not.
    hits: usize,
    misses: usize,
    tokens: Table<4>,
    token_filters: Vec<u64>,
}

impl Memo {
    /// Whether values of this column come again: of postcodes or addresses hardly any does, and remembering them costs more
    /// than it saves.
    fn remembers_values(&self) -> bool {
        self.misses < TRIED || self.hits * WORTH > self.misses
    }
}

impl<'a> Worker<'a> {
    fn new(encoder: &'a ClkEncoder) -> Self {
        let words = encoder.schema.unfolded().div_ceil(64);
        Worker {
            encoder,
            columns: encoder.columns.iter().map(|_| Memo::default()).collect(),
            filter: vec![0; words],
            aside: vec![0; words],
            tokens: Tokens::default(),
        }
    }

    /// Encodes one row into words that are zero.
    fn encode<'r>(
        &mut self,
        fields: usize,
        field: impl Fn(usize) -> &'r str,
        out: &mut [u64],
    ) -> Result<(), (&'a str, &'static str)> {
        let schema = &self.encoder.schema;
        if fields != schema.features.len() {
            return Err(("", FIELDS));
        }
        self.filter.fill(0);
        for (at, feature) in schema.features.iter().enumerate() {
            let (Some(hashing), Some(hasher)) = (&feature.hashing, &self.encoder.columns[at]) else { continue };
            self.add(at, hashing, hasher, field(at)).map_err(|problem| (feature.identifier.as_str(), problem))?;
        }
        fold(&mut self.filter, schema.unfolded(), schema.folds);
        out.copy_from_slice(&self.filter[..out.len()]);
        Ok(())
    }

    /// Adds a value's bits to the row's.
    #[inline]
    fn add(&mut self, at: usize, hashing: &Hashing, hasher: &TokenHasher, value: &str) -> Result<(), &'static str> {
        let words = self.filter.len();
        let memo = &mut self.columns[at];
        let packed = if memo.remembers_values() { key(value.as_bytes()) } else { None };
        let Some(packed) = packed else {
            return self.hash(at, hashing, hasher, value);
        };
        if let Some(number) = memo.values.get(packed) {
            memo.hits += 1;
            or(&mut self.filter, &memo.value_filters[(number as usize - 1) * words..]);
            return Ok(());
        }
        memo.misses += 1;
        // The value's filter alone: the row's is kept aside meanwhile.
        std::mem::swap(&mut self.filter, &mut self.aside);
        self.filter.fill(0);
        let hashed = self.hash(at, hashing, hasher, value);
        std::mem::swap(&mut self.filter, &mut self.aside);
        hashed?;
        or(&mut self.filter, &self.aside);
        let memo = &mut self.columns[at];
        if memo.value_filters.len() < MEMO_WORDS {
            memo.value_filters.extend_from_slice(&self.aside);
            memo.values.add(packed, (memo.value_filters.len() / words) as u32);
        }
        Ok(())
    }

    /// Adds a value's bits to the row's, from its tokens.
    fn hash(&mut self, at: usize, hashing: &Hashing, hasher: &TokenHasher, value: &str) -> Result<(), &'static str> {
        let missing = hashing.missing.as_ref().filter(|missing| missing.sentinel == value);
        let canonical;
        let text = if let Some(missing) = missing {
            missing.replace_with.as_deref().unwrap_or(value)
        } else {
            // A date is checked by reading it.
            if self.encoder.validate && !matches!(hashing.format, Format::Date { .. }) {
                hashing.format.check(value)?;
            }
            match hashing.format.canonical(value)? {
                Cow::Borrowed(text) => text,
                Cow::Owned(text) => {
                    canonical = Zeroizing::new(text);
                    &canonical
                }
            }
        };
        self.tokens.read(text, &hashing.comparison, hashing.format.encoding())?;
        let length = self.encoder.schema.unfolded() as u32;
        let words = self.filter.len();
        let (memo, filter) = (&mut self.columns[at], &mut self.filter);
        for (i, token) in self.tokens.iter().enumerate() {
            let count = count(hashing.strategy, self.tokens.len(), i);
            // The same token gets other counts in longer texts: the count is a part of the key.
            let packed = key(token).filter(|_| count < 1 << 24).map(|[a, b, c, d]| [a, b, c, d | (count as u64) << 40]);
            if let Some(number) = packed.and_then(|packed| memo.tokens.get(packed)) {
                or(filter, &memo.token_filters[(number as usize - 1) * words..]);
            } else if let Some(packed) = packed.filter(|_| memo.token_filters.len() < MEMO_WORDS) {
                let start = memo.token_filters.len();
                memo.token_filters.resize(start + words, 0);
                let own = &mut memo.token_filters[start..];
                hasher.positions(token, count, length, |position| set(own, position));
                or(filter, own);
                memo.tokens.add(packed, (memo.token_filters.len() / words) as u32);
            } else {
                hasher.positions(token, count, length, |position| set(filter, position));
            }
        }
        Ok(())
    }
}

/// Adds the bits of the filter that `bits` begins with.
#[inline]
fn or(filter: &mut [u64], bits: &[u64]) {
    filter.iter_mut().zip(bits).for_each(|(word, bits)| *word |= bits);
}

/// Sets the bit at a position as clkhash counts: from the most significant bit of each byte.
#[inline]
fn set(filter: &mut [u64], position: u32) {
    filter[position as usize / 64] |= 1 << ((position ^ 7) % 64);
}

/// Folds a filter of so many bits as often: its first half becomes the XOR of both.
pub(super) fn fold(filter: &mut [u64], mut bits: usize, folds: u32) {
    for _ in 0..folds {
        bits /= 2;
        if bits.is_multiple_of(64) {
            let (low, high) = filter.split_at_mut(bits / 64);
            low.iter_mut().zip(high).for_each(|(low, high)| *low ^= std::mem::take(high));
            continue;
        }
        for bit in 0..bits {
            let (low, high) = (bit ^ 7, (bit + bits) ^ 7);
            let carried = filter[high / 64] >> (high % 64) & 1;
            filter[low / 64] ^= carried << (low % 64);
            filter[high / 64] &= !(1 << (high % 64));
        }
    }
}
