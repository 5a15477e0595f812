//! Candidate pairs: records of two datasets that are alike, best first.

use std::cmp::Ordering;
use std::fmt;

use rayon::prelude::*;

use crate::error::{Error, Result};

/// Two records that may be one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CandidatePair {
    /// How alike they are, from 0 to 1.
    pub similarity: f64,
    /// The datasets of the two records, from 0: the smaller one first where anonlink or this crate found the pair.
    pub datasets: [u32; 2],
    /// Their rows in these, from 0.
    pub rows: [u32; 2],
}

impl CandidatePair {
    /// The two records, each as its dataset and row.
    #[must_use]
    pub fn records(&self) -> [(u32, u32); 2] {
        [(self.datasets[0], self.rows[0]), (self.datasets[1], self.rows[1])]
    }

    /// anonlink's order: the most alike first, then by datasets, then by rows.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let key = |pair: &Self| (pair.datasets, pair.rows);
        other.similarity.total_cmp(&self.similarity).then_with(|| key(self).cmp(&key(other)))
    }

    pub(super) fn has_similarity(&self) -> bool {
        (0.0..=1.0).contains(&self.similarity)
    }
}

/// What is wrong with a pair that has none: anonlink's own mistake, where it is above 1 (see the [module](super)).
pub(super) const NO_SIMILARITY: &str = "the similarity is not a number from 0 to 1";

/// Candidate pairs in anonlink's order: the most alike first, then by datasets, then by rows; none twice.
///
/// `Debug` says how many there are.
#[derive(Clone, Default, PartialEq)]
pub struct CandidatePairs {
    pairs: Vec<CandidatePair>,
}

impl CandidatePairs {
    /// Puts pairs in order, and keeps one of those that are the same.
    ///
    /// The same two records with two similarities, or once in the one direction and once in the other, are two pairs.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where a similarity is not a number from 0 to 1.
    pub fn new(pairs: Vec<CandidatePair>) -> Result<Self> {
        if let Some(place) = pairs.iter().position(|pair| !pair.has_similarity()) {
            return Err(Error::argument(format!("candidate pair {}: {NO_SIMILARITY}", place + 1)));
        }
        Ok(Self::of(pairs))
    }

    /// As [`new`](Self::new), for similarities that are known to be sound.
    pub(super) fn of(mut pairs: Vec<CandidatePair>) -> Self {
        if !pairs.is_sorted_by(|a, b| a.order(b).is_le()) {
            pairs.par_sort_unstable_by(CandidatePair::order);
        }
        pairs.dedup();
        CandidatePairs { pairs }
    }

    /// The pairs, the most alike first.
    #[must_use]
    pub fn pairs(&self) -> &[CandidatePair] {
        &self.pairs
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

impl fmt::Debug for CandidatePairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CandidatePairs({} pairs)", self.pairs.len())
    }
}
