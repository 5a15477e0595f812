//! Candidate pairs of any number of datasets, in blocks or without.

use std::collections::HashMap;

use rayon::prelude::*;

use super::pairs::{CandidatePair, CandidatePairs};
use super::similarity::{Comparison, Part, is_little, popcounts};
use crate::clks::Clks;
use crate::error::{Error, ErrorKind, Result};
use crate::linkage::{Measure, Pair, Ratio};

/// Compares every dataset with every later one, and keeps the pairs that are at least as alike as `threshold`. Records of
/// one dataset are not compared with each other.
///
/// With `blocks` two records are compared where they have a block in common. `blocks[dataset][row]` are the numbers of a
/// record's blocks; a record without is compared with nobody.
///
/// With a `k`, as in anonlink: only the `k` best of each record (see [`similarity`](super::similarity())) are taken, within
/// each block; then, the best first, a pair stays only while both of its records have been in no more than `k` pairs of
/// these two datasets, itself and those that did not stay included.
///
/// It works in rayon's current thread pool, and gives the same whatever the number of threads. All pairs are in memory,
/// 24 bytes each and up to 40 while they are found; with blocks, as often as their records are in a block together.
///
/// # Errors
/// [`ErrorKind::Mismatch`](crate::ErrorKind::Mismatch) where CLKs have different lengths;
/// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where there are blocks, and not one list for each record.
pub fn find_candidate_pairs(
    datasets: &[&Clks],
    measure: Measure,
    threshold: Ratio,
    k: Option<usize>,
    blocks: Option<&[Vec<Vec<u32>>]>,
) -> Result<CandidatePairs> {
    let comparison = Comparison { measure, threshold, k };
    // One without CLKs has no length.
    let mut with_clks = datasets.iter().enumerate().filter(|(_, clks)| clks.rows() > 0);
    if let Some((one, first)) = with_clks.next()
        && let Some((other, second)) = with_clks.find(|(_, clks)| clks.bits() != first.bits())
    {
        let (bits, others) = (first.bits(), second.bits());
        let problem = format!("the CLKs of dataset {one} have {bits} bits, those of dataset {other} have {others}");
        return Err(ErrorKind::Mismatch { problem }.into());
    }
    let found = match blocks {
        None => whole(comparison, datasets)?,
        Some(blocks) => blocked(comparison, datasets, blocks)?,
    };
    let pairs = CandidatePairs::of(found);
    Ok(match k {
        None => pairs,
        Some(k) => CandidatePairs::of(at_most(k, pairs.pairs())),
    })
}

/// Numbers for the names of blocks, as [`find_candidate_pairs`] takes them: one name has one number in all datasets.
///
/// # Errors
/// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where there are 2³² names or more.
pub fn number_blocks<S: AsRef<str>>(datasets: &[&[Vec<S>]]) -> Result<Vec<Vec<Vec<u32>>>> {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut numbered = Vec::with_capacity(datasets.len());
    for &rows in datasets {
        let mut of_dataset = Vec::with_capacity(rows.len());
        for names in rows {
            let mut of_row = Vec::with_capacity(names.len());
            for name in names {
                let next = u32::try_from(numbers.len()).map_err(|_| Error::argument("there are 2³² blocks or more"))?;
                of_row.push(*numbers.entry(name.as_ref()).or_insert(next));
            }
            of_dataset.push(of_row);
        }
        numbered.push(of_dataset);
    }
    Ok(numbered)
}

fn whole(comparison: Comparison, datasets: &[&Clks]) -> Result<Vec<CandidatePair>> {
    let mut found = Vec::new();
    for (j, second) in datasets.iter().enumerate() {
        for (i, first) in datasets[..j].iter().enumerate() {
            let pairs = comparison.whole(first, second)?;
            found.par_extend(pairs.par_iter().map(|pair| candidate(pair, i, j)));
        }
    }
    Ok(found)
}

fn candidate(pair: &Pair, first: usize, second: usize) -> CandidatePair {
    CandidatePair { similarity: pair.similarity, datasets: [first as u32, second as u32], rows: [pair.a, pair.b] }
}

/// A dataset, and rows of it.
type Rows<'a> = (usize, &'a [u32]);

fn blocked(comparison: Comparison, datasets: &[&Clks], blocks: &[Vec<Vec<u32>>]) -> Result<Vec<CandidatePair>> {
    if blocks.len() != datasets.len() {
        return Err(Error::argument(format!("there are {} datasets, and blocks for {}", datasets.len(), blocks.len())));
    }
    for (i, (clks, blocks)) in datasets.iter().zip(blocks).enumerate() {
        if clks.rows() != blocks.len() {
            return Err(Error::argument(format!(
                "dataset {i} has {} CLKs, and blocks for {}",
                clks.rows(),
                blocks.len()
            )));
        }
    }
    let ones: Vec<Vec<u32>> = datasets.par_iter().map(|clks| popcounts(clks)).collect();
    // Of every block: the dataset, and its rows.
    let mut entries: Vec<(u32, u32, u32)> = Vec::new();
    for (dataset, of_dataset) in blocks.iter().enumerate() {
        for (row, of_row) in of_dataset.iter().enumerate() {
            entries.extend(of_row.iter().map(|&block| (block, dataset as u32, row as u32)));
        }
    }
    entries.par_sort_unstable();
    entries.dedup();
    let rows: Vec<u32> = entries.iter().map(|&(.., row)| row).collect();
    let mut tasks = Vec::new();
    let mut end = 0;
    for block in entries.chunk_by(|one, next| one.0 == next.0) {
        let mut parts: Vec<Rows<'_>> = Vec::new();
        for of_dataset in block.chunk_by(|one, next| one.1 == next.1) {
            let rows = &rows[end..end + of_dataset.len()];
            end += rows.len();
            let dataset = of_dataset[0].1 as usize;
            tasks.extend(parts.iter().map(|&first| (first, (dataset, rows))));
            parts.push((dataset, rows));
        }
    }
    let compare = |&((i, first), (j, second)): &(Rows<'_>, Rows<'_>)| {
        let part = |i: usize, rows| Part { matrix: datasets[i].matrix(), ones: &ones[i], rows };
        let pairs = comparison.some(part(i, first), part(j, second))?;
        Ok(pairs.iter().map(|pair| candidate(pair, i, j)).collect())
    };
    // Little ones side by side; large ones one after the other, since one takes all threads and much memory.
    let (little, large): (Vec<_>, Vec<_>) =
        tasks.iter().partition(|((_, first), (_, second))| is_little(first.len(), second.len()));
    let mut found: Vec<CandidatePair> =
        little.into_par_iter().map(compare).collect::<Result<Vec<Vec<_>>>>()?.into_iter().flatten().collect();
    for task in large {
        found.extend(compare(task)?);
    }
    Ok(found)
}

/// anonlink's last word on `k`: counts are of pairs seen, not of pairs kept.
fn at_most(k: usize, pairs: &[CandidatePair]) -> Vec<CandidatePair> {
    let mut seen: HashMap<[u32; 2], [Vec<usize>; 2]> = HashMap::new();
    let within = |counts: &mut Vec<usize>, row: u32| {
        let row = row as usize;
        if counts.len() <= row {
            counts.resize((row + 1).max(counts.len() * 2), 0);
        }
        counts[row] += 1;
        counts[row] <= k
    };
    let kept = pairs.iter().filter(|pair| {
        let [first, second] = seen.entry(pair.datasets).or_default();
        // Both are counted.
        within(first, pair.rows[0]) & within(second, pair.rows[1])
    });
    kept.copied().collect()
}
