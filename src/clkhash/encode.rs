//! From rows to CLKs, to clkhash's bits.

use std::path::Path;

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::csv::{CsvRows, Header};
use super::hash::TokenHasher;
use super::keys::{self, Secret};
use super::schema::{Feature, Hashing, LinkageSchema, Strategy};
use super::tokens::{Tokens, count};
use crate::clks::Clks;
use crate::cohort::BitMatrix;
use crate::error::{Error, ErrorKind, ROW_PROBLEMS_KEPT, Result, RowProblem};
use crate::owner::memo::{Table, key};

/// What a memo of one column holds at most: bytes of filters, values, and positions.
const MEMO_BYTES: usize = 1 << 25;
const MEMO_VALUES: usize = 1 << 17;
const MEMO_POSITIONS: usize = 1 << 22;

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
            row_key: keys::subkey(secret.bytes(), b"rowid"),
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

/// One thread's memory. Positions are kept as the places of their bits in a [`BitMatrix`], which counts the bits of a byte from
/// the other end than clkhash does.
struct Worker<'a> {
    encoder: &'a ClkEncoder,
    columns: Vec<Memo>,
    /// The filter of one row before it is folded, and of one value.
    filter: Vec<u64>,
    mask: Vec<u64>,
    tokens: Tokens,
}

/// What one column's values and tokens became.
#[derive(Default)]
struct Memo {
    values: Table<4>,
    masks: Vec<u64>,
    tokens: Table<4>,
    positions: Vec<u32>,
    spans: Vec<std::ops::Range<u32>>,
}

impl<'a> Worker<'a> {
    fn new(encoder: &'a ClkEncoder) -> Self {
        let words = encoder.schema.unfolded().div_ceil(64);
        Worker {
            encoder,
            columns: encoder.columns.iter().map(|_| Memo::default()).collect(),
            filter: vec![0; words],
            mask: vec![0; words],
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
        let packed = key(value.as_bytes());
        if let Some(number) = packed.and_then(|packed| self.columns[at].values.get(packed)) {
            let mask = &self.columns[at].masks[(number as usize - 1) * words..][..words];
            self.filter.iter_mut().zip(mask).for_each(|(word, bits)| *word |= bits);
            return Ok(());
        }
        self.hash(at, hashing, hasher, value)?;
        self.filter.iter_mut().zip(&self.mask).for_each(|(word, bits)| *word |= bits);
        let memo = &mut self.columns[at];
        let known = memo.masks.len() / words;
        if let Some(packed) = packed.filter(|_| known < MEMO_VALUES && memo.masks.len() * 8 < MEMO_BYTES) {
            memo.masks.extend_from_slice(&self.mask);
            memo.values.add(packed, known as u32 + 1);
        }
        Ok(())
    }

    /// The bits of one value, into `mask`.
    fn hash(&mut self, at: usize, hashing: &Hashing, hasher: &TokenHasher, value: &str) -> Result<(), &'static str> {
        let missing = hashing.missing.as_ref().filter(|missing| missing.sentinel == value);
        let canonical;
        let text = if let Some(missing) = missing {
            missing.replace_with.as_deref().unwrap_or(value)
        } else {
            if self.encoder.validate {
                hashing.format.check(value)?;
            }
            canonical = Zeroizing::new(hashing.format.canonical(value)?.into_owned());
            &canonical
        };
        self.tokens.read(text, &hashing.comparison, hashing.format.encoding())?;
        self.mask.fill(0);
        let length = self.encoder.schema.unfolded() as u32;
        let (memo, mask) = (&mut self.columns[at], &mut self.mask);
        let mut set = |place: u32| mask[place as usize / 64] |= 1 << (place % 64);
        for (i, token) in self.tokens.iter().enumerate() {
            let count = count(hashing.strategy, self.tokens.len(), i);
            // The same token gets other counts in longer texts: the count is a part of the key.
            let packed = key(token).filter(|_| count < 1 << 24).map(|[a, b, c, d]| [a, b, c, d | (count as u64) << 40]);
            if let Some(number) = packed.and_then(|packed| memo.tokens.get(packed)) {
                let span = &memo.spans[number as usize - 1];
                memo.positions[span.start as usize..span.end as usize].iter().for_each(|&place| set(place));
            } else if let Some(packed) = packed.filter(|_| memo.positions.len() + count <= MEMO_POSITIONS) {
                let start = memo.positions.len() as u32;
                hasher.positions(token, count, length, |position| memo.positions.push(position ^ 7));
                memo.positions[start as usize..].iter().for_each(|&place| set(place));
                memo.spans.push(start..memo.positions.len() as u32);
                memo.tokens.add(packed, memo.spans.len() as u32);
            } else {
                hasher.positions(token, count, length, |position| set(position ^ 7));
            }
        }
        Ok(())
    }
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
