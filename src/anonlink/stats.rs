//! Help with the choice of a threshold: how similarities are spread, and what matching would make of them.
//!
//! All of it is for two datasets but the first histogram. Bins are those of numpy: equally wide from the least similarity
//! to the greatest, each without its upper edge, the last with it; from half below to half above where all similarities are
//! the same, and from 0 to 1 where there is none.

use std::collections::HashSet;

use super::pairs::{CandidatePair, CandidatePairs};
use crate::error::{Error, Result};

/// The most bins.
const MOST_BINS: usize = 1 << 20;

/// How many similarities are in each bin.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// A count for each bin.
    pub counts: Vec<u64>,
    /// The edges of the bins, ascending: one more than bins.
    pub edges: Vec<f64>,
}

/// How many pairs in each bin are possible matches, and how many are definite non-matches.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchHistogram {
    /// Pairs that the greedy solver takes.
    pub matches: Vec<u64>,
    /// Pairs that it does not: one of the records is in a better pair.
    pub nonmatches: Vec<u64>,
    /// The edges of the bins, ascending: one more than bins.
    pub edges: Vec<f64>,
}

/// How the similarities are spread over so many bins (anonlink's default is 100).
///
/// # Errors
/// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where there is no bin, or more than a million.
pub fn similarities_hist(pairs: &CandidatePairs, bins: usize) -> Result<Histogram> {
    let edges = edges(pairs.pairs(), bins)?;
    let mut counts = vec![0; bins];
    for pair in pairs.pairs() {
        counts[bin(&edges, pair.similarity).min(bins - 1)] += 1;
    }
    Ok(Histogram { counts, edges })
}

/// How the possible matches of the greedy solver, and the definite non-matches, are spread over so many bins.
///
/// # Errors
/// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where there is no bin, or more than a million; where a pair is not
/// of datasets 0 and 1.
pub fn matches_nonmatches_hist(pairs: &CandidatePairs, bins: usize) -> Result<MatchHistogram> {
    let edges = edges(pairs.pairs(), bins)?;
    let mut histogram = MatchHistogram { matches: vec![0; bins], nonmatches: vec![0; bins], edges };
    for (pair, is_match) in Walk::new(pairs)? {
        let bin = bin(&histogram.edges, pair.similarity).min(bins - 1);
        *(if is_match { &mut histogram.matches[bin] } else { &mut histogram.nonmatches[bin] }) += 1;
    }
    Ok(histogram)
}

/// How many matches the greedy solver would find with each of `steps + 1` thresholds, and these: in one pass.
///
/// # Errors
/// As [`matches_nonmatches_hist`].
pub fn cumul_number_matches_vs_threshold(pairs: &CandidatePairs, steps: usize) -> Result<Histogram> {
    let edges = edges(pairs.pairs(), steps)?;
    let mut counts = vec![0; edges.len()];
    for (pair, is_match) in Walk::new(pairs)? {
        counts[bin(&edges, pair.similarity)] += u64::from(is_match);
    }
    let mut sum = 0;
    for count in counts.iter_mut().rev() {
        sum += *count;
        *count = sum;
    }
    Ok(Histogram { counts, edges })
}

/// The place, from 0 and from the best, of the `n`-th pair (from 1) that is a definite non-match. The later it comes, the
/// better matches and non-matches are apart. `None` where there are fewer.
///
/// # Errors
/// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where `n` is 0, or a pair is not of datasets 0 and 1.
pub fn nonmatch_index_score(pairs: &CandidatePairs, n: usize) -> Result<Option<usize>> {
    let before = n.checked_sub(1).ok_or_else(|| Error::argument("definite non-matches are counted from 1"))?;
    let places = Walk::new(pairs)?.enumerate().filter(|(_, (_, is_match))| !is_match);
    Ok(places.map(|(place, _)| place).nth(before))
}

fn edges(pairs: &[CandidatePair], bins: usize) -> Result<Vec<f64>> {
    if bins == 0 || bins > MOST_BINS {
        return Err(Error::argument("there are from 1 to 1,048,576 bins"));
    }
    let (first, last) = match (pairs.last(), pairs.first()) {
        (Some(worst), Some(best)) if worst.similarity < best.similarity => (worst.similarity, best.similarity),
        (_, Some(best)) => (best.similarity - 0.5, best.similarity + 0.5),
        (_, None) => (0.0, 1.0),
    };
    let step = (last - first) / bins as f64;
    Ok((0..=bins).map(|i| if i == bins { last } else { i as f64 * step + first }).collect())
}

/// The last edge that is not above the similarity: for the greatest one that is the end of the last bin.
fn bin(edges: &[f64], similarity: f64) -> usize {
    edges.partition_point(|edge| *edge <= similarity).saturating_sub(1)
}

/// The pairs in order, each with whether the greedy solver takes it.
struct Walk<'a> {
    pairs: std::slice::Iter<'a, CandidatePair>,
    taken: [HashSet<u32>; 2],
}

impl<'a> Walk<'a> {
    fn new(pairs: &'a CandidatePairs) -> Result<Self> {
        if pairs.pairs().iter().any(|pair| pair.datasets != [0, 1]) {
            return Err(Error::argument("only pairs of datasets 0 and 1 can be told into matches and non-matches"));
        }
        Ok(Walk { pairs: pairs.pairs().iter(), taken: Default::default() })
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = (&'a CandidatePair, bool);

    fn next(&mut self) -> Option<Self::Item> {
        let pair = self.pairs.next()?;
        let [first, second] = &mut self.taken;
        let is_match = !first.contains(&pair.rows[0]) && !second.contains(&pair.rows[1]);
        if is_match {
            first.insert(pair.rows[0]);
            second.insert(pair.rows[1]);
        }
        Some((pair, is_match))
    }
}
