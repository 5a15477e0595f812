//! Hamming LSH: which pairs share the values of some sampled bits, and how likely that is.

use std::collections::HashSet;
use std::fmt;

use rayon::prelude::*;

use super::blocks::{Blocks, MOST_PAIRS, Take, join};
use crate::cohort::{BitMatrix, Cohort};
use crate::error::{Error, Result};
use crate::split_mix::SplitMix64;

/// The most tables of one encoding.
pub const MOST_TABLES: usize = 4096;

/// The most bits of a key.
pub const MOST_KEY_BITS: usize = 64;

/// The share of bits at which a recall is stated, if nothing else is said.
const SHARE: f64 = 0.1;

/// Tables whose keys are worked out in one pass over the rows.
const AT_ONCE: usize = 8;

/// Rows that a thread works out keys of at a time.
const ROWS: usize = 1024;

/// How one encoding is sampled: `tables` tables, each with a key of `bits` bits at positions of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Bits of a key (ψ), 1 to [`MOST_KEY_BITS`].
    pub bits: usize,
    /// Tables (Λ), at most [`MOST_TABLES`]. 0: the encoding is not used.
    pub tables: usize,
}

impl Sampling {
    /// The probability that two rows that differ in `distance` of `length` bits share the key of one table at least.
    ///
    /// A table's positions are drawn without repeats, tables independently: one table finds the pair with the
    /// hypergeometric p = C(length − distance, ψ) / C(length, ψ), all of them with 1 − (1 − p)^Λ. It is exact, and a
    /// statement about the draw of positions: it holds for any two rows, whatever their fill, as long as neither is empty
    /// and their block is not left out for its size ([`Blocks::capped`]).
    ///
    /// Bit sampling: Indyk & Motwani 1998; for record linkage: Durham 2012, Karapiperis & Verykios 2015.
    #[must_use]
    pub fn recall(self, distance: usize, length: usize) -> f64 {
        1.0 - self.missed(distance, length)
    }

    /// The probability that no table finds them.
    fn missed(self, distance: usize, length: usize) -> f64 {
        let found = agreement(self.bits, distance, length);
        match self.tables {
            0 => 1.0,
            _ if found >= 1.0 => 0.0,
            tables => (tables as f64 * (-found).ln_1p()).exp(),
        }
    }
}

/// The probability that two rows that differ in `distance` of `length` bits agree in `bits` bits drawn without repeats.
fn agreement(bits: usize, distance: usize, length: usize) -> f64 {
    if bits + distance > length {
        return 0.0;
    }
    (0..bits).map(|drawn| (length - distance - drawn) as f64 / (length - drawn) as f64).product()
}

/// Locality-sensitive hashing of rows of bits: a pair of rows is a candidate if it shares the key of a table.
///
/// A key is the values of some bits of one encoding, at positions drawn from a seed. Rows that differ in few bits share a
/// key often, strangers hardly ever; how often is [known exactly](Sampling::recall). A row that is empty in an encoding
/// has no keys there: it says nothing.
///
/// Diffused encodings have half of their bits set, so all positions say equally much, and two strangers share a key of ψ
/// bits with probability 2^−ψ. In undiffused ones most bits are 0 and neighbours in content go together: the recall is the
/// same, but strangers share keys more often, so more bits are needed for small blocks; [`for_cohorts`](Self::for_cohorts)
/// looks at the fill to choose them. An encoding of a single field finds everybody with the same value: better give it no
/// tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Lsh {
    encodings: Vec<Sampling>,
    seed: u64,
    most_pairs: u64,
    share: f64,
}

/// A table: whose bits, and which.
struct Table {
    encoding: usize,
    positions: Vec<u32>,
}

impl Lsh {
    /// One [`Sampling`] for each encoding, in the schema's order.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where there is no table at all, a key has no bits or more than
    /// [`MOST_KEY_BITS`], or an encoding more than [`MOST_TABLES`] tables.
    pub fn new(encodings: &[Sampling]) -> Result<Self> {
        if encodings.iter().all(|sampling| sampling.tables == 0) {
            return Err(Error::argument("LSH needs a table for one encoding at least"));
        }
        for sampling in encodings.iter().filter(|sampling| sampling.tables > 0) {
            if sampling.bits == 0 || sampling.bits > MOST_KEY_BITS {
                return Err(Error::argument(format!("an LSH key has 1 to {MOST_KEY_BITS} bits")));
            }
            if sampling.tables > MOST_TABLES {
                return Err(Error::argument(format!("LSH has at most {MOST_TABLES} tables for an encoding")));
            }
        }
        Ok(Lsh { encodings: encodings.to_vec(), seed: 0, most_pairs: MOST_PAIRS, share: SHARE })
    }

    /// As many tables as it takes to find a pair with probability `recall` if it differs in at most a `share` of the bits
    /// of one encoding at least, whatever the others say.
    ///
    /// `lengths`: the encodings' bits; `rows`: of both cohorts (within one: twice the same). A key has log₂ of the larger
    /// number of rows in bits, so that a row shares it with about one stranger; for rows that are not half full see
    /// [`for_cohorts`](Self::for_cohorts).
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where `share` is not from 0 to below 0.5, `recall` not above 0
    /// and below 1, there are no encodings, or the recall takes more than [`MOST_TABLES`] tables for an encoding.
    pub fn for_recall(lengths: &[usize], share: f64, recall: f64, rows: (usize, usize)) -> Result<Self> {
        Self::for_agreement(lengths, share, recall, rows, &vec![0.5; lengths.len()])
    }

    /// As [`for_recall`](Self::for_recall), for these cohorts (within one: twice the same). How often two strangers agree
    /// in a bit is worked out from the fill of every position.
    ///
    /// # Errors
    /// As [`for_recall`](Self::for_recall), and where the cohorts' encodings are not of the same lengths.
    pub fn for_cohorts(a: &Cohort, b: &Cohort, share: f64, recall: f64) -> Result<Self> {
        let (of_a, of_b) = (a.encodings(), b.encodings());
        let lengths: Vec<usize> = of_a.iter().map(BitMatrix::bits).collect();
        if !of_b.iter().map(BitMatrix::bits).eq(lengths.iter().copied()) {
            return Err(Error::argument("both cohorts need encodings of the same lengths"));
        }
        let strangers: Vec<f64> = of_a.iter().zip(of_b).map(|(x, y)| strangers_agree(x, y)).collect();
        Self::for_agreement(&lengths, share, recall, (a.rows(), b.rows()), &strangers)
    }

    fn for_agreement(
        lengths: &[usize],
        share: f64,
        recall: f64,
        rows: (usize, usize),
        strangers: &[f64],
    ) -> Result<Self> {
        if !(0.0..0.5).contains(&share) {
            return Err(Error::argument("the share of bits in which a pair differs is from 0 to below 0.5"));
        }
        if !(recall > 0.0 && recall < 1.0) {
            return Err(Error::argument("the recall of LSH is above 0 and below 1"));
        }
        let rows = rows.0.max(rows.1).max(2) as f64;
        let mut encodings = Vec::new();
        for (&length, &agree) in lengths.iter().zip(strangers) {
            let bits = (rows.ln() / -agree.clamp(0.01, 0.99).ln()).round().max(1.0) as usize;
            let bits = bits.min(MOST_KEY_BITS).min(length);
            let found = agreement(bits, distance(share, length), length);
            let tables = if found >= 1.0 { 1.0 } else { ((1.0 - recall).ln() / (-found).ln_1p()).ceil().max(1.0) };
            if tables.is_nan() || tables > MOST_TABLES as f64 {
                return Err(Error::argument(format!(
                    "to find {:.1} % of the pairs that differ in {:.1} % of {length} bits takes more than {MOST_TABLES} \
                     tables of {bits} bits; ask for less, or compare all pairs",
                    recall * 100.0,
                    share * 100.0
                )));
            }
            encodings.push(Sampling { bits, tables: tables as usize });
        }
        Ok(Self::new(&encodings)?.stated_at(share))
    }

    /// The same with other samplings.
    pub(in crate::linkage) fn with(&self, encodings: &[Sampling]) -> Result<Self> {
        Ok(Lsh { encodings: Self::new(encodings)?.encodings, ..self.clone() })
    }

    /// Draws positions from this seed; 0 if nothing is said. It is no secret.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Leaves out blocks (the rows that share a key) of more pairs than this; 1,000,000 if nothing is said.
    #[must_use]
    pub fn most_pairs(mut self, pairs: u64) -> Self {
        self.most_pairs = pairs;
        self
    }

    /// Summaries and plans state the recall at this share of differing bits; 0.1 if nothing is said.
    #[must_use]
    pub fn stated_at(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// How each encoding is sampled.
    #[must_use]
    pub fn encodings(&self) -> &[Sampling] {
        &self.encodings
    }

    /// The share of differing bits at which summaries state the recall.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.share
    }

    /// All tables.
    #[must_use]
    pub fn tables(&self) -> usize {
        self.encodings.iter().map(|sampling| sampling.tables).sum()
    }

    /// The probability that two records become candidates, from the bits in which they differ in each encoding, and the
    /// encodings' lengths in bits: one table of one encoding is enough. See [`Sampling::recall`].
    ///
    /// # Panics
    /// Where there is not one distance and one length for each encoding.
    #[must_use]
    pub fn recall(&self, distances: &[usize], lengths: &[usize]) -> f64 {
        assert!(distances.len() == self.encodings.len() && lengths.len() == self.encodings.len(), "one each");
        let each = self.encodings.iter().zip(distances.iter().zip(lengths));
        1.0 - each.map(|(sampling, (&distance, &length))| sampling.missed(distance, length)).product::<f64>()
    }

    /// The least probability with which a pair becomes a candidate that differs in at most a `share` of the bits of one
    /// of the encodings that have tables, if only that one counts.
    ///
    /// # Panics
    /// Where there is not one length for each encoding.
    #[must_use]
    pub fn recall_at(&self, share: f64, lengths: &[usize]) -> f64 {
        assert_eq!(lengths.len(), self.encodings.len(), "one length for each encoding");
        let used = self.encodings.iter().zip(lengths).filter(|(sampling, _)| sampling.tables > 0);
        used.map(|(sampling, &length)| sampling.recall(distance(share, length), length)).fold(1.0, f64::min)
    }

    /// The pairs of a row of `a` and a row of `b` that share a key, sorted, each once; encodings in the order of
    /// [`encodings`](Self::encodings). The same for any number of threads. All are held in memory, 8 bytes each.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where there is not one matrix for each encoding, with as many
    /// bits on both sides as a key has at least, or matrices of one side differ in rows.
    pub fn between(&self, a: &[BitMatrix], b: &[BitMatrix]) -> Result<(Vec<(u32, u32)>, Blocks)> {
        self.collect(a, Some(b))
    }

    /// The pairs of two rows of one cohort that share a key, the lower row first; else as [`between`](Self::between).
    ///
    /// # Errors
    /// As [`between`](Self::between).
    pub fn within(&self, encodings: &[BitMatrix]) -> Result<(Vec<(u32, u32)>, Blocks)> {
        self.collect(encodings, None)
    }

    fn collect(&self, a: &[BitMatrix], b: Option<&[BitMatrix]>) -> Result<(Vec<(u32, u32)>, Blocks)> {
        let mut pairs = Vec::new();
        let (_, blocks) = self.stream(a, b, &mut |some| {
            pairs.extend_from_slice(some);
            Ok(())
        })?;
        pairs.par_sort_unstable();
        Ok((pairs, blocks))
    }

    /// Hands out candidates as they are found, each once: in the first table in which they share a key. What it returns
    /// can be asked whether a pair was handed out. Memory: a byte for each row and table, and the keys of a few tables.
    pub(in crate::linkage) fn stream<'m>(
        &self,
        a: &'m [BitMatrix],
        b: Option<&'m [BitMatrix]>,
        take: Take<'_>,
    ) -> Result<(Shared<'m>, Blocks)> {
        self.check(a, b)?;
        let lengths: Vec<usize> = a.iter().map(BitMatrix::bits).collect();
        let tables = self.draw(&lengths);
        let count = tables.len();
        let mut shared =
            Shared { capped: Vec::new(), a: Rows::new(a, count), b: b.map(|b| Rows::new(b, count)), tables };
        let mut blocks = Blocks::default();
        for first in (0..count).step_by(AT_ONCE) {
            let batch = first..(first + AT_ONCE).min(count);
            let keys_a = shared.a.keys(&shared.tables, batch.clone());
            let keys_b = shared.b.as_mut().map(|rows| rows.keys(&shared.tables, batch.clone()));
            for (place, table) in batch.clone().enumerate() {
                let Table { encoding, positions } = &shared.tables[table];
                let of = |rows: &Rows<'m>, keys: &[Key]| rows.entries(*encoding, keys, place, batch.len());
                let sorted_a = of(&shared.a, &keys_a);
                let sorted_b = shared.b.as_ref().zip(keys_b.as_ref()).map(|(rows, keys)| of(rows, keys));
                let before = |a, b| shared.before(table, a, b);
                // Half as many bytes sort faster.
                let capped = if positions.len() <= 32 {
                    let narrow = |entries: Vec<(Key, u32)>| sorted(entries, |key| key as u32);
                    let (a, b) = (narrow(sorted_a), sorted_b.map(narrow));
                    let capped = join(&a, b.as_deref(), self.most_pairs, &mut blocks, before, take)?;
                    capped.into_iter().map(Key::from).collect()
                } else {
                    let (a, b) = (sorted(sorted_a, |key| key), sorted_b.map(|entries| sorted(entries, |key| key)));
                    join(&a, b.as_deref(), self.most_pairs, &mut blocks, before, take)?.into_iter().collect()
                };
                shared.capped.push(capped);
            }
        }
        Ok((shared, blocks))
    }

    fn check(&self, a: &[BitMatrix], b: Option<&[BitMatrix]>) -> Result<()> {
        let wrong = |problem: &str| Err(Error::argument(problem));
        for side in [Some(a), b].into_iter().flatten() {
            if side.len() != self.encodings.len() {
                return wrong("LSH was made for another number of encodings than there are");
            }
            if side.iter().any(|matrix| matrix.rows() != side[0].rows()) {
                return wrong("all encodings of a cohort have the same rows");
            }
            if side.iter().zip(a).any(|(matrix, of_a)| matrix.bits() != of_a.bits()) {
                return wrong("an encoding has the same length on both sides");
            }
            let short =
                |(sampling, matrix): (&Sampling, &BitMatrix)| sampling.tables > 0 && sampling.bits > matrix.bits();
            if self.encodings.iter().zip(side).any(short) {
                return wrong("an LSH key has more bits than an encoding");
            }
        }
        Ok(())
    }

    /// The positions of every table: the first steps of a Fisher–Yates shuffle of all positions.
    fn draw(&self, lengths: &[usize]) -> Vec<Table> {
        let mut tables = Vec::new();
        for (encoding, (sampling, &length)) in self.encodings.iter().zip(lengths).enumerate() {
            let mut random = SplitMix64(SplitMix64(self.seed).next() ^ encoding as u64);
            let mut all: Vec<u32> = (0..length as u32).collect();
            for _ in 0..sampling.tables {
                for place in 0..sampling.bits {
                    all.swap(place, place + random.below((length - place) as u64) as usize);
                }
                let mut positions = all[..sampling.bits].to_vec();
                positions.sort_unstable();
                tables.push(Table { encoding, positions });
            }
        }
        tables
    }
}

impl fmt::Display for Lsh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used: Vec<&Sampling> = self.encodings.iter().filter(|sampling| sampling.tables > 0).collect();
        f.write_str("LSH (")?;
        for (place, same) in used.chunk_by(|x, y| x == y).enumerate() {
            let Sampling { bits, tables } = same[0];
            let comma = if place > 0 { ", " } else { "" };
            match same.len() {
                1 => write!(f, "{comma}{tables} tables of {bits} bits")?,
                many => write!(f, "{comma}{many} x {tables} tables of {bits} bits")?,
            }
        }
        f.write_str(")")
    }
}

/// The bits in which a pair differs: rounded down, but for what floating point took away.
fn distance(share: f64, length: usize) -> usize {
    ((share * length as f64 + 1e-9).floor() as usize).min(length)
}

/// The probability that strangers agree in a bit: the geometric mean over positions, since keys multiply them.
fn strangers_agree(a: &BitMatrix, b: &BitMatrix) -> f64 {
    let (of_a, of_b) = (fill(a), fill(b));
    let agree = of_a.iter().zip(&of_b).map(|(x, y)| (x * y + (1.0 - x) * (1.0 - y)).max(0.01).ln());
    (agree.sum::<f64>() / of_a.len() as f64).exp()
}

/// The share of rows in which each bit is set, in up to 4,096 of them.
fn fill(matrix: &BitMatrix) -> Vec<f64> {
    let rows = matrix.rows().min(4096);
    let mut set = vec![0.0; matrix.bits()];
    for row in (0..rows).map(|i| matrix.row(i * matrix.rows() / rows)) {
        for (bit, set) in set.iter_mut().enumerate() {
            *set += (row[bit / 64] >> (bit % 64) & 1) as f64;
        }
    }
    set.into_iter().map(|set| set / rows.max(1) as f64).collect()
}

type Key = u64;

/// What was found so far.
pub(in crate::linkage) struct Shared<'m> {
    tables: Vec<Table>,
    a: Rows<'m>,
    /// `None` within one cohort.
    b: Option<Rows<'m>>,
    /// For each table that was joined, the keys of blocks that were left out.
    capped: Vec<HashSet<Key>>,
}

/// The rows of one side, with a byte of every key.
struct Rows<'m> {
    matrices: &'m [BitMatrix],
    count: usize,
    tables: usize,
    prints: Vec<u8>,
}

impl Shared<'_> {
    /// Whether the pair was handed out.
    pub(in crate::linkage) fn contains(&self, a: u32, b: u32) -> bool {
        self.before(self.tables.len(), a, b)
    }

    /// Whether the pair was handed out in one of the first `tables` tables. Bytes of keys rule nearly all of them out.
    fn before(&self, tables: usize, a: u32, b: u32) -> bool {
        let rows_b = self.b.as_ref().unwrap_or(&self.a);
        let (of_a, of_b) = (self.a.prints(a, tables), rows_b.prints(b, tables));
        (0..).step_by(32).zip(of_a.chunks(32).zip(of_b.chunks(32))).any(|(first, (of_a, of_b))| {
            // Without a way out, so that it is done in a few instructions.
            let some = of_a.iter().zip(of_b).fold(0, |some, (x, y)| some | u8::from(x == y));
            some != 0 && (first..).zip(of_a.iter().zip(of_b)).any(|(table, (x, y))| x == y && self.agree(table, a, b))
        })
    }

    fn agree(&self, table: usize, a: u32, b: u32) -> bool {
        let Table { encoding, positions } = &self.tables[table];
        let row_a = self.a.matrices[*encoding].row(a as usize);
        let row_b = self.b.as_ref().unwrap_or(&self.a).matrices[*encoding].row(b as usize);
        let same =
            positions.iter().all(|&bit| (row_a[bit as usize / 64] ^ row_b[bit as usize / 64]) >> (bit % 64) & 1 == 0);
        same && !is_empty(row_a)
            && !is_empty(row_b)
            && (self.capped[table].is_empty() || !self.capped[table].contains(&key(row_a, positions)))
    }
}

impl<'m> Rows<'m> {
    fn new(matrices: &'m [BitMatrix], tables: usize) -> Self {
        let count = matrices.first().map_or(0, BitMatrix::rows);
        Rows { matrices, count, tables, prints: vec![0; count * tables] }
    }

    fn prints(&self, row: u32, tables: usize) -> &[u8] {
        &self.prints[row as usize * self.tables..][..tables]
    }

    /// The keys of some tables, row after row; their bytes are kept.
    fn keys(&mut self, tables: &[Table], batch: std::ops::Range<usize>) -> Vec<Key> {
        let mut keys = vec![0; self.count * batch.len()];
        let (matrices, all) = (self.matrices, self.tables);
        let chunks = keys.par_chunks_mut(ROWS * batch.len()).zip(self.prints.par_chunks_mut(ROWS * all)).enumerate();
        chunks.for_each(|(chunk, (keys, prints))| {
            let rows = (chunk * ROWS..).zip(keys.chunks_exact_mut(batch.len()).zip(prints.chunks_exact_mut(all)));
            for (row, (keys, prints)) in rows {
                for ((table, out), print) in tables[batch.clone()].iter().zip(keys).zip(&mut prints[batch.clone()]) {
                    *out = key(matrices[table.encoding].row(row), &table.positions);
                    *print = (out.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8;
                }
            }
        });
        keys
    }

    /// The keys of one table with their rows; not those of empty rows.
    fn entries(&self, encoding: usize, keys: &[Key], place: usize, step: usize) -> Vec<(Key, u32)> {
        let matrix = &self.matrices[encoding];
        let rows = (0..self.count as u32).into_par_iter();
        let entry = |row: u32| {
            let key = keys[row as usize * step + place];
            (key != 0 || !is_empty(matrix.row(row as usize))).then_some((key, row))
        };
        rows.filter_map(entry).collect()
    }
}

fn sorted<K: Ord + Send>(entries: Vec<(Key, u32)>, narrow: impl Fn(Key) -> K + Sync + Send) -> Vec<(K, u32)> {
    let mut entries: Vec<(K, u32)> = entries.into_par_iter().map(|(key, row)| (narrow(key), row)).collect();
    entries.par_sort_unstable();
    entries
}

fn key(row: &[u64], positions: &[u32]) -> Key {
    positions.iter().fold(0, |key, &bit| key << 1 | (row[bit as usize / 64] >> (bit % 64) & 1))
}

fn is_empty(row: &[u64]) -> bool {
    row.iter().all(|&word| word == 0)
}

#[cfg(test)]
mod tests;
