//! P-Sig: records that share a signature share a block.

use std::collections::HashSet;

use md5::Md5;
use sha1::{Digest, Sha1};

use super::cpython::set_order;
use super::ids::{self, BlockIds, Mode};
use super::schema::{Filter, PSig};
use super::signature::{Bound, signature};
use super::statistics::{Sizes, Statistics, StrategyStatistics};
use crate::blocks::Builder;
use crate::error::{Error, Result};

/// Signatures and the rows that have them, in the order in which they were found.
type Signatures = Vec<(String, Vec<u32>)>;

impl PSig {
    /// The blocks of a party, and their statistics less those of the blocks themselves.
    pub(super) fn block<R: AsRef<[S]>, S: AsRef<str>>(
        &self,
        ids: &BlockIds,
        null: Option<&str>,
        header: Option<&[String]>,
        rows: &[R],
        names: &[String],
    ) -> Result<(Builder, Statistics)> {
        let mut found: Vec<Signatures> = Vec::new();
        for parts in &self.strategies {
            let parts: Vec<Bound<'_>> = parts.iter().map(|part| Bound::new(part, header)).collect::<Result<_>>()?;
            let mut signatures = Builder::default();
            for (row, values) in rows.iter().enumerate() {
                if let Some(text) = signature(&parts, values.as_ref(), row, null)? {
                    // There are at most 2³² rows: `BlockingSchema::block`.
                    signatures.add(text, &[row as u32]);
                }
            }
            let mut signatures = signatures.into_entries();
            signatures.retain(|(_, members)| self.filter.allows(members.len(), rows.len()));
            found.push(signatures);
        }
        if found.iter().all(Vec::is_empty) {
            return Err(Error::argument("no block is left: no signature has as many records as the filter asks for"));
        }
        let strategies = found.iter().map(|signatures| {
            let sizes = Sizes::of(signatures.iter().map(|(_, members)| members.len()));
            StrategyStatistics {
                left_out: rows.len() - sizes.sum,
                coverage: sizes.sum as f64 / rows.len() as f64,
                sizes,
            }
        });
        let strategies = strategies.collect();
        let covered: HashSet<&str> =
            found.iter().flatten().flat_map(|(_, members)| members).map(|&row| names[row as usize].as_str()).collect();
        let coverage = Some(covered.len() as f64 / rows.len() as f64);
        let mut blocks = Builder::default();
        for (number, signatures) in found.into_iter().enumerate() {
            let key = match &ids.0 {
                Mode::Keyed(key) => Some(key.of(&format!("p-sig {number}"))),
                Mode::Compatible { .. } => None,
            };
            for (signature, members) in signatures {
                blocks.add(
                    match &key {
                        Some(key) => ids::id(key, &signature),
                        None => self.python_id(&format!("{number}_{signature}")),
                    },
                    &members,
                );
            }
        }
        Ok((blocks, Statistics { coverage, strategies, ..Statistics::default() }))
    }

    /// blocklib's id: the text of a tuple of the set of a signature's positions.
    fn python_id(&self, signature: &str) -> String {
        let positions = set_order(positions(signature, self.bits, self.hashes)).into_iter();
        let numbers: Vec<String> = positions.map(|position| position.to_string()).collect();
        match numbers.as_slice() {
            [one] => format!("({one},)"),
            many => format!("({})", many.join(", ")),
        }
    }
}

impl Filter {
    fn allows(self, records: usize, all: usize) -> bool {
        match self {
            Filter::Ratio { least, most } => (all as f64 * least..=all as f64 * most).contains(&(records as f64)),
            Filter::Count { least, most } => (least..=most).contains(&(records as u64)),
        }
    }
}

/// Double hashing of a text with SHA-1 and MD5, without a key, into a filter of `bits` bits.
pub(super) fn positions(text: &str, bits: u64, hashes: u64) -> impl Iterator<Item = u64> {
    // The numbers are big-endian; a filter has fewer than 2³² bits.
    let below = |digest: &[u8]| digest.iter().fold(0, |rest, &byte| (rest << 8 | u64::from(byte)) % bits);
    let (first, second) = (below(&Sha1::digest(text)), below(&Md5::digest(text)));
    (0..hashes).map(move |i| (first + i * second) % bits)
}
