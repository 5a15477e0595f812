//! Blocks at the linkage unit: those that parties have in common, what they save and what they lose. There is no key here.
//!
//! Blocks come from owners (`clkhash::blocking`), or from blocklib. Of CLKs the linkage unit can make its own:
//! [`sample_bits`].

use std::collections::{BTreeSet, HashMap, HashSet};

use blake2::digest::consts::U5;
use blake2::{Blake2b, Digest};

pub use crate::blocks::{BlockFilter, Blocks};
use crate::cohort::BitMatrix;
use crate::error::{Error, ErrorKind, Result};

/// Whether block ids are made short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// As they are.
    Whole,
    /// 10 hexadecimal digits, unkeyed BLAKE2b of the id: blocklib's `compress-block-key`. Of blocks whose short ids are the
    /// same, the last replaces the others, as in blocklib.
    Compressed,
}

/// The blocks that at least `parties_needed` parties have, of each party, in the order in which the parties name them.
///
/// blocklib's `generate_blocks`. For P-Sig it first drops blocks with a position that too few parties have
/// ([`PositionFilter`]); as a block that enough parties have always passes, the result is this.
///
/// # Errors
/// [`ErrorKind::Argument`] where `parties_needed` is below 2 or more than there are parties; [`ErrorKind::Mismatch`] where
/// some ids are keyed and others are not, or with another key: they have nothing in common.
pub fn generate_blocks(parties: &[&Blocks], parties_needed: usize, ids: Ids) -> Result<Vec<Blocks>> {
    if parties_needed < 2 || parties_needed > parties.len() {
        return Err(Error::argument("a block must be had by at least 2 parties, and by at most all"));
    }
    if parties.windows(2).any(|pair| pair[0].key_check() != pair[1].key_check()) {
        let problem = "the parties' block ids are made with different keys, or some without one".to_owned();
        return Err(ErrorKind::Mismatch { problem }.into());
    }
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut order = Vec::new();
    for (id, _) in parties.iter().flat_map(|blocks| blocks.entries()) {
        let count = counts.entry(id).or_insert_with(|| {
            order.push(id.as_str());
            0
        });
        *count += 1;
    }
    order.retain(|id| counts[id] >= parties_needed);
    let short = |id: &str| match ids {
        Ids::Whole => id.to_owned(),
        Ids::Compressed => crate::hex(&Blake2b::<U5>::digest(id)),
    };
    Ok(parties.iter().map(|blocks| blocks.in_order(&order, short)).collect())
}

/// blocklib's candidate blocking filter, for its unkeyed P-Sig ids: positions that enough parties have.
///
/// A pre-filter: it keeps every block that enough parties have, and some that they have not. It holds what the ids hold, and
/// hides nothing that they show. For keyed ids there is [`BlockFilter`].
#[derive(Clone, PartialEq, Eq)]
pub struct PositionFilter(BTreeSet<u64>);

impl PositionFilter {
    /// The positions that are in a block of at least `parties_needed` parties.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where an id is not blocklib's of P-Sig: numbers in round brackets.
    pub fn new(parties: &[&Blocks], parties_needed: usize) -> Result<Self> {
        let mut counts: HashMap<u64, usize> = HashMap::new();
        for blocks in parties {
            let mut own = HashSet::new();
            for (id, _) in blocks.entries() {
                own.extend(positions(id).ok_or_else(no_positions)?);
            }
            own.into_iter().for_each(|position| *counts.entry(position).or_default() += 1);
        }
        Ok(PositionFilter(counts.into_iter().filter(|(_, count)| *count >= parties_needed).map(|(at, _)| at).collect()))
    }

    /// The blocks with no position outside the filter.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where an id is not blocklib's of P-Sig.
    pub fn candidates(&self, blocks: &Blocks) -> Result<Blocks> {
        if blocks.entries().iter().any(|(id, _)| positions(id).is_none()) {
            return Err(no_positions());
        }
        Ok(blocks.keep(|id| positions(id).is_some_and(|list| list.iter().all(|at| self.0.contains(at)))))
    }
}

/// How many positions; they are made of people.
impl std::fmt::Debug for PositionFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PositionFilter({} positions)", self.0.len())
    }
}

fn no_positions() -> Error {
    Error::argument("a block's id is not one of blocklib's P-Sig, numbers in round brackets")
}

/// The positions in an id: `(3, 1, 2)`, `(3,)`.
fn positions(id: &str) -> Option<Vec<u64>> {
    let inside = id.strip_prefix('(')?.strip_suffix(')')?;
    let inside = inside.strip_suffix(',').unwrap_or(inside);
    if inside.is_empty() { Some(Vec::new()) } else { inside.split(", ").map(|number| number.parse().ok()).collect() }
}

/// What blocks save, and what they lose.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Assessment {
    /// Pairs of records that share a block, counted once for every block: what anonlink compares.
    pub comparisons: u64,
    /// The same, each pair once.
    pub pairs: u64,
    /// 1 − `comparisons` of all pairs; below 0 where pairs share many blocks.
    pub reduction_ratio: f64,
    /// The share of entities in both files of which two records share a block; 0 where there is none.
    pub pair_completeness: f64,
}

/// What the blocks of two parties save and lose, where it is known who is who: blocklib's `assess_blocks_2party`.
///
/// `a_entities` and `b_entities` name the entity of every row.
///
/// # Errors
/// [`ErrorKind::Argument`] where a party has no rows, or a block has a record that is none of them.
pub fn assess_blocks_2party<E: Eq + std::hash::Hash>(
    a: &Blocks,
    b: &Blocks,
    a_entities: &[E],
    b_entities: &[E],
) -> Result<Assessment> {
    if a_entities.is_empty() || b_entities.is_empty() {
        return Err(Error::argument("there are no records to assess blocks of"));
    }
    let counts = [a_entities.len(), b_entities.len()];
    let [a_rows, b_rows] = [rows_of(a, counts[0])?, rows_of(b, counts[1])?];
    let b_blocks: HashMap<&str, &[u32]> =
        b.entries().iter().zip(&b_rows).map(|((id, _), rows)| (id.as_str(), rows.as_slice())).collect();
    let mut comparisons = 0;
    let mut found = HashSet::new();
    let mut partners: HashMap<u32, Vec<&[u32]>> = HashMap::new();
    for ((id, _), a_rows) in a.entries().iter().zip(&a_rows) {
        let Some(&b_rows) = b_blocks.get(id.as_str()) else { continue };
        comparisons += a_rows.len() as u64 * b_rows.len() as u64;
        let here: HashSet<&E> = b_rows.iter().map(|&row| &b_entities[row as usize]).collect();
        found.extend(a_rows.iter().map(|&row| &a_entities[row as usize]).filter(|entity| here.contains(entity)));
        a_rows.iter().for_each(|&row| partners.entry(row).or_default().push(b_rows));
    }
    let mut pairs = 0;
    let mut distinct = Vec::new();
    for lists in partners.values() {
        distinct.clear();
        lists.iter().for_each(|rows| distinct.extend_from_slice(rows));
        distinct.sort_unstable();
        distinct.dedup();
        pairs += distinct.len() as u64;
    }
    let both: HashSet<&E> = b_entities.iter().collect();
    let both = a_entities.iter().filter(|entity| both.contains(entity)).collect::<HashSet<_>>().len();
    Ok(Assessment {
        comparisons,
        pairs,
        reduction_ratio: 1.0 - comparisons as f64 / (counts[0] as f64 * counts[1] as f64),
        pair_completeness: if found.is_empty() { 0.0 } else { found.len() as f64 / both as f64 },
    })
}

/// For each party, for each of its rows, the numbers of its blocks: what `find_candidate_pairs` takes. Blocks with one id
/// have one number in all parties; a row without a block has none and is compared with nobody.
///
/// # Errors
/// [`ErrorKind::Argument`] where there are not as many counts of rows as parties, or a block has a record that is no row.
pub fn block_numbers(parties: &[&Blocks], rows: &[usize]) -> Result<Vec<Vec<Vec<u32>>>> {
    if parties.len() != rows.len() {
        return Err(Error::argument("there are not as many files of blocks as data sets"));
    }
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut all = Vec::new();
    for (blocks, &count) in parties.iter().zip(rows) {
        let mut lists = vec![Vec::new(); count];
        for ((id, _), rows) in blocks.entries().iter().zip(rows_of(blocks, count)?) {
            let next = numbers.len() as u32;
            let number = *numbers.entry(id).or_insert(next);
            for row in rows {
                let list: &mut Vec<u32> = &mut lists[row as usize];
                if list.last() != Some(&number) {
                    list.push(number);
                }
            }
        }
        all.push(lists);
    }
    Ok(all)
}

/// The rows of each block.
fn rows_of(blocks: &Blocks, count: usize) -> Result<Vec<Vec<u32>>> {
    let row = |&record: &u32| {
        let row = crate::blocks::row(blocks.record(record)).filter(|&row| (row as usize) < count);
        row.ok_or_else(|| Error::argument("a block has a record that is not a row of the data: rows count from 0"))
    };
    blocks.entries().iter().map(|(_, members)| members.iter().map(row).collect()).collect()
}

/// Blocks of CLKs that agree in sampled bits (Hamming LSH; blocklib's lambda-fold with `input-clks`): `tables` times
/// `sampled` bits, which CPython's generator gives for `seed`.
///
/// It needs the CLKs and nothing else, so that the linkage unit can make the blocks of all parties itself. The ids *are* bits
/// of the CLKs. That tells the linkage unit nothing that it does not hold; passed on, they are pieces of pseudonymised
/// people, and no key protects them.
///
/// Rows are bytes as in anonlink's file. Two CLKs at a Hamming distance of d in L bits share a block with the probability
/// 1 − (1 − (1 − d/L)^`sampled`)^`tables`, about.
///
/// # Errors
/// [`ErrorKind::Argument`] where there is no CLK, `tables` or `sampled` is 0 or above 10,000, or a CLK has fewer bits.
pub fn sample_bits(clks: &BitMatrix, tables: usize, sampled: usize, seed: u64) -> Result<Blocks> {
    if clks.rows() == 0 {
        return Err(Error::argument("there is no CLK to block"));
    }
    if !(1..=10_000).contains(&tables) || !(1..=10_000.min(clks.bits())).contains(&sampled) {
        return Err(Error::argument("tables and sampled bits: from 1 to 10,000, and a CLK must have so many bits"));
    }
    Ok(crate::blocks::python_blocks(clks, tables, sampled, seed))
}
