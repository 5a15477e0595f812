//! Candidate pairs with what was seen of each.

use rayon::prelude::*;

use super::super::scale::{NO_LEVEL, Scale};

/// Candidate pairs, and the index of each encoding of each.
pub(super) struct Pool {
    pairs: Vec<(u32, u32)>,
    indices: Vec<u16>,
    /// Classes of rarity, pair after pair; see [`Worth`](super::rarity::Worth).
    classes: Vec<u8>,
    rows: (usize, usize),
    within: bool,
}

impl Pool {
    /// `pairs` in order and without repeats; `indices` pair after pair.
    pub(super) fn new(indices: Vec<u16>, pairs: Vec<(u32, u32)>, rows: (usize, usize), within: bool) -> Self {
        Pool { pairs, indices, classes: Vec::new(), rows, within }
    }

    pub(super) fn with_classes(mut self, classes: Vec<u8>) -> Self {
        self.classes = classes;
        self
    }

    /// The classes of a pair, of so many for each pair.
    pub(super) fn classes_of(&self, place: usize, each: usize) -> &[u8] {
        self.classes.get(place * each..(place + 1) * each).unwrap_or(&[])
    }

    pub(super) fn pairs(&self) -> &[(u32, u32)] {
        &self.pairs
    }

    pub(super) fn rows(&self) -> (usize, usize) {
        self.rows
    }

    pub(super) fn within(&self) -> bool {
        self.within
    }

    fn encodings(&self) -> usize {
        self.indices.len().checked_div(self.pairs.len()).unwrap_or(1).max(1)
    }

    /// A score for every pair, from its indices.
    pub(super) fn map<T: Send>(&self, score: impl Fn(&[u16]) -> T + Send + Sync) -> Vec<T> {
        self.indices.par_chunks(self.encodings()).map(score).collect()
    }

    /// The indices of a pair.
    pub(super) fn of(&self, place: usize) -> &[u16] {
        &self.indices[place * self.encodings()..(place + 1) * self.encodings()]
    }

    /// The places of pairs that are each other's best: the highest score of both rows, and of equal ones the lower partner.
    pub(super) fn mutual_best(&self, scores: &[f64]) -> Vec<usize> {
        const NONE: usize = usize::MAX;
        let mut best_a = vec![NONE; self.rows.0];
        let mut best_b = vec![NONE; if self.within { 0 } else { self.rows.1 }];
        // Pairs come in order, so the first of equal scores has the lower partner; within one cohort a row's earlier
        // partners come before its later ones too.
        let offer = |best: &mut usize, place: usize| {
            if *best == NONE || scores[place] > scores[*best] {
                *best = place;
            }
        };
        for (place, &(a, b)) in self.pairs.iter().enumerate() {
            offer(&mut best_a[a as usize], place);
            offer(if self.within { &mut best_a[b as usize] } else { &mut best_b[b as usize] }, place);
        }
        let of_b = if self.within { &best_a } else { &best_b };
        let pairs = self.pairs.iter().enumerate();
        pairs.filter(|&(p, &(a, b))| best_a[a as usize] == p && of_b[b as usize] == p).map(|(p, _)| p).collect()
    }

    /// How many matches are expected at each level of an encoding, from the probability of each pair; some are left out.
    pub(super) fn expected(
        &self,
        encoding: usize,
        scale: &Scale,
        probabilities: &[f64],
        left_out: impl Fn(usize) -> bool,
    ) -> Vec<f64> {
        let mut counts = vec![0.0; scale.level_count()];
        for (place, probability) in probabilities.iter().enumerate().filter(|(_, probability)| **probability > 0.0) {
            if left_out(place) {
                continue;
            }
            let level = scale.levels[usize::from(self.of(place)[encoding])];
            if level != NO_LEVEL {
                counts[usize::from(level)] += probability;
            }
        }
        counts
    }

    /// The mean likeness of the pairs at each level; `None` for levels that no pair is at.
    pub(super) fn centres(&self, encoding: usize, scale: &Scale) -> Vec<Option<f64>> {
        let mut sums = vec![(0.0, 0u32); scale.level_count()];
        for indices in self.indices.chunks_exact(self.encodings()) {
            let index = usize::from(indices[encoding]);
            if scale.levels[index] != NO_LEVEL {
                let (sum, count) = &mut sums[usize::from(scale.levels[index])];
                *sum += f64::from(scale.alike[index]);
                *count += 1;
            }
        }
        sums.into_iter().map(|(sum, count)| (count > 0).then(|| sum / f64::from(count))).collect()
    }
}
