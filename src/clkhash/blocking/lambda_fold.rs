//! Lambda-fold: records whose filters agree in sampled bits share a block, once for each table.

use std::collections::HashSet;

use super::ids::{BlockIds, Mode, id, tag};
use super::psig::positions;
use super::schema::LambdaFold;
use super::signature::value;
use crate::blocks::{Builder, python_sample, sampled_blocks};
use crate::cohort::BitMatrix;
use crate::error::{Error, Result};
use crate::key::Keyed;

impl LambdaFold {
    /// The blocks of people: filters of the bigrams of their features, one after the other, without padding.
    pub(super) fn block_people<R: AsRef<[S]>, S: AsRef<str>>(
        &self,
        ids: &BlockIds,
        features: &[(i64, String)],
        rows: &[R],
    ) -> Result<Builder> {
        let key = match &ids.0 {
            Mode::Keyed(key) => Some(key.of("lambda-fold bigrams")),
            Mode::Compatible { .. } => None,
        };
        let sampled = self.sample(ids, self.bits as usize);
        // Only the sampled bits of a filter are kept, table after table.
        let mut kept = BitMatrix::zeros(rows.len(), self.tables * self.sampled);
        let stride = kept.stride();
        let mut filter = HashSet::new();
        for (number, row) in rows.iter().enumerate() {
            let mut text = String::new();
            for (column, name) in features {
                text.push_str(value(row.as_ref(), *column, name, number)?);
            }
            filter.clear();
            let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            for ends in starts.windows(3) {
                let gram = &text[ends[0]..ends[2]];
                match &key {
                    Some(key) => filter.extend(keyed_positions(key, gram, self.bits, self.hashes)),
                    None => filter.extend(positions(gram, self.bits, self.hashes)),
                }
            }
            let words = &mut kept.words_mut()[number * stride..(number + 1) * stride];
            for (place, position) in sampled.iter().flatten().enumerate() {
                words[place / 64] |= u64::from(filter.contains(&(*position as u64))) << (place % 64);
            }
        }
        let tables: Vec<Vec<usize>> =
            (0..self.tables).map(|table| (table * self.sampled..(table + 1) * self.sampled).collect()).collect();
        Ok(blocks(ids, &tables, rows.len(), |row, place| kept.row(row)[place / 64] >> (place % 64) & 1 == 1))
    }

    /// The blocks of CLKs.
    pub(super) fn block(&self, ids: &BlockIds, clks: &BitMatrix) -> Result<Builder> {
        if clks.rows() == 0 {
            return Err(Error::argument("there is no CLK to block"));
        }
        if self.sampled > clks.bits() {
            return Err(Error::argument("the blocking schema samples more bits (K) than a CLK has"));
        }
        let tables = self.sample(ids, clks.bits());
        Ok(blocks(ids, &tables, clks.rows(), |row, position| crate::blocks::bit(clks, row, position)))
    }

    /// Which bits each table samples. Without a key, those that CPython samples.
    fn sample(&self, ids: &BlockIds, end: usize) -> Vec<Vec<usize>> {
        let key = match &ids.0 {
            Mode::Keyed(key) => key.of("lambda-fold sample"),
            Mode::Compatible { .. } => return python_sample(self.random_state, self.tables, self.sampled, end),
        };
        let mut numbers = (0_u64..).flat_map(|block| words(&tag(&key, &message(&[self.random_state, block]))));
        // Numbers past the last whole multiple would make small ones likelier.
        let end = end as u64;
        let whole = u64::MAX - u64::MAX % end;
        let mut table = || {
            let mut taken = HashSet::new();
            let fresh = numbers.by_ref().filter(|&number| number < whole).map(|number| (number % end) as usize);
            fresh.filter(|&position| taken.insert(position)).take(self.sampled).collect()
        };
        (0..self.tables).map(|_| table()).collect()
    }
}

fn blocks(ids: &BlockIds, tables: &[Vec<usize>], rows: usize, bit: impl Fn(usize, usize) -> bool) -> Builder {
    let key = match &ids.0 {
        Mode::Keyed(key) => Some(key.of("lambda-fold id")),
        Mode::Compatible { .. } => None,
    };
    sampled_blocks(tables, rows, bit, |table, bits| match &key {
        Some(key) => id(key, &format!("{table} {bits}")),
        None => format!("{table}{bits}"),
    })
}

/// Double hashing of a bigram under a key.
fn keyed_positions(key: &Keyed, gram: &str, bits: u64, hashes: u64) -> impl Iterator<Item = u64> {
    let [first, second, ..] = words(&tag(key, gram.as_bytes()));
    // Filters are shorter than 2³² bits.
    (0..hashes).map(move |i| (first % bits + i * (second % bits)) % bits)
}

fn message(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn words(tag: &[u8; 32]) -> [u64; 4] {
    std::array::from_fn(|i| tag[8 * i..8 * i + 8].iter().fold(0, |word, &byte| word << 8 | u64::from(byte)))
}
