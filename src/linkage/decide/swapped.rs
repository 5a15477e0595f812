//! Swapped values: a forename in the surname's column.
//!
//! An encoding that holds several fields, each of which has an encoding of its own, says nothing new, but for this: where the
//! single fields differ and their common filter is nearly equal, the values stand in each other's place.

use super::super::patterns::LevelPatterns;
use super::super::scale::Scale;
use super::pool::Pool;

/// How often matches have swapped values before anything is learned.
const PRIOR_SWAPPED: f64 = 0.005;

/// Single fields up to this level differ.
const DIFFERENT: u8 = 1;

/// Fields that may be swapped.
pub(super) struct Swapped {
    /// The encoding of all of them, and those of each.
    all: usize,
    singles: Vec<usize>,
    /// ln(m/u) of swapped values; `None` before anything is learned.
    pub(super) weight: Option<f32>,
}

impl Swapped {
    pub(super) fn all(scales: &[Scale]) -> Vec<Self> {
        let covers = scales.iter().enumerate().filter_map(|(all, scale)| Some((all, scale.covers.clone()?)));
        covers.map(|(all, singles)| Swapped { all, singles, weight: None }).collect()
    }

    /// What is to be added to the evidence of the single fields so that it becomes that of swapped values.
    pub(super) fn instead(&self, scales: &[Scale], tables: &[Vec<f32>], indices: &[u16]) -> f32 {
        match self.weight {
            Some(weight) if self.is(|encoding| scales[encoding].levels[usize::from(indices[encoding])]) => {
                let of = |&encoding: &usize| tables[encoding][usize::from(indices[encoding])];
                weight - self.singles.iter().map(of).sum::<f32>()
            }
            _ => 0.0,
        }
    }

    /// From matches, of which each pair is one with a probability, and from all pairs.
    pub(super) fn learn(
        &mut self,
        scales: &[Scale],
        pool: &Pool,
        probabilities: &[f64],
        all: &LevelPatterns,
        prior: f64,
    ) {
        let (mut matches, mut swapped) = (prior, prior * PRIOR_SWAPPED);
        for (place, probability) in probabilities.iter().enumerate().filter(|(_, probability)| **probability > 0.0) {
            matches += probability;
            if self.is(|encoding| scales[encoding].levels[usize::from(pool.of(place)[encoding])]) {
                swapped += probability;
            }
        }
        let pairs: u64 = all.iter().filter(|(pattern, _)| self.is(|encoding| pattern[encoding])).map(|(_, n)| n).sum();
        let strangers = (pairs as f64 - swapped).max(0.0) + 1.0;
        self.weight = Some(((swapped / matches) / (strangers / (all.pairs() as f64 + 1.0))).ln() as f32);
    }

    /// Whether this is about an encoding, and the pair's values are swapped: then its level says nothing.
    pub(super) fn hides(&self, encoding: usize, scales: &[Scale], indices: &[u16]) -> bool {
        self.singles.contains(&encoding) && self.is(|encoding| scales[encoding].levels[usize::from(indices[encoding])])
    }

    fn is(&self, level: impl Fn(usize) -> u8) -> bool {
        level(self.all) == 1 && self.singles.iter().all(|&single| level(single) <= DIFFERENT)
    }
}
