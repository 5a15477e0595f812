//! Blocks: the rows that share a key. All pairs of a block are candidates.

use std::fmt;
use std::ops::Range;

use rayon::prelude::*;

use crate::error::Result;

/// Blocks of more pairs than this are left out, if nothing else is said: 1,000 rows with 1,000.
pub const MOST_PAIRS: u64 = 1_000_000;

/// Pairs that are handed out at a time, but for the last block's.
const AT_ONCE: u64 = 1 << 20;

/// Who takes candidates as they are found; an empty list says that a table is done.
pub(in crate::linkage) type Take<'a> = &'a mut dyn FnMut(&[(u32, u32)]) -> Result<()>;

/// What became of blocks. Recall that is lost to blocks which were too large is seen here, and not in a computed recall.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blocks {
    /// Tables (match keys: keys) that were joined.
    pub tables: u64,
    /// Blocks with a pair at least, those left out included.
    pub blocks: u64,
    /// Pairs in the largest block.
    pub largest: u64,
    /// Blocks that were left out for their size.
    pub capped: u64,
    /// Pairs in these, counted once for each. Some may have been found in another table.
    pub pairs_left_out: u64,
    /// Candidates, each pair once.
    pub pairs: u64,
}

/// A block in two sorted lists.
struct Block {
    a: Range<usize>,
    b: Range<usize>,
    pairs: u64,
}

/// Joins two lists (one, with itself) that are sorted by key and row; hands out the pairs that share a key and were not
/// found before, and returns the keys of blocks of more than `most` pairs, which are left out.
pub(super) fn join<K: Ord + Copy + Send + Sync>(
    a: &[(K, u32)],
    b: Option<&[(K, u32)]>,
    most: u64,
    seen: &mut Blocks,
    before: impl Fn(u32, u32) -> bool + Sync,
    take: Take<'_>,
) -> Result<Vec<K>> {
    seen.tables += 1;
    let mut capped = Vec::new();
    let mut blocks = Vec::new();
    for block in shared(a, b) {
        seen.blocks += 1;
        seen.largest = seen.largest.max(block.pairs);
        if block.pairs > most {
            seen.capped += 1;
            seen.pairs_left_out += block.pairs;
            capped.push(a[block.a.start].0);
        } else {
            blocks.push(block);
        }
    }
    let others = b.unwrap_or(a);
    let pairs_of = |block: &Block| {
        let later = |i: usize| if b.is_none() { i + 1..block.b.end } else { block.b.clone() };
        let with = |i: usize| others[later(i)].iter().map(move |(_, row_b)| (a[i].1, *row_b));
        block.a.clone().flat_map(with).filter(|&(a, b)| !before(a, b)).collect::<Vec<_>>()
    };
    let mut rest = &blocks[..];
    while !rest.is_empty() {
        let mut pairs = 0;
        let fits = |block: &&Block| {
            pairs += block.pairs;
            pairs < AT_ONCE
        };
        let count = (rest.iter().take_while(fits).count() + 1).min(rest.len());
        let (some, later) = rest.split_at(count);
        rest = later;
        let found: Vec<(u32, u32)> = some.par_iter().with_min_len(64).flat_map_iter(pairs_of).collect();
        seen.pairs += found.len() as u64;
        if !found.is_empty() {
            take(&found)?;
        }
    }
    take(&[])?;
    Ok(capped)
}

/// The blocks of two lists, or of one with itself, that have a pair at least.
fn shared<'l, K: Ord>(a: &'l [(K, u32)], b: Option<&'l [(K, u32)]>) -> Box<dyn Iterator<Item = Block> + 'l> {
    let groups = a.chunk_by(|x, y| x.0 == y.0).scan(0, |start, group| {
        let range = *start..*start + group.len();
        *start = range.end;
        Some(range)
    });
    let Some(b) = b else {
        return Box::new(groups.filter(|range| range.len() > 1).map(|range| {
            let rows = range.len() as u64;
            Block { a: range.clone(), b: range, pairs: rows * (rows - 1) / 2 }
        }));
    };
    let mut next = 0;
    Box::new(groups.filter_map(move |range| {
        let key = &a[range.start].0;
        while next < b.len() && b[next].0 < *key {
            next += 1;
        }
        let start = next;
        while next < b.len() && b[next].0 == *key {
            next += 1;
        }
        let pairs = range.len() as u64 * (next - start) as u64;
        (pairs > 0).then_some(Block { a: range, b: start..next, pairs })
    }))
}

impl fmt::Display for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Blocks { tables, largest, capped, pairs_left_out, pairs, .. } = self;
        write!(f, "{pairs} candidate pairs from {tables} tables, the largest block has {largest}; ")?;
        match capped {
            0 => write!(f, "no block was too large"),
            _ => write!(f, "{capped} blocks of {pairs_left_out} pairs were too large and left out"),
        }
    }
}
