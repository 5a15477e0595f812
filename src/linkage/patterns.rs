//! Level patterns: how many pairs of rows are at which level in each encoding.

use std::collections::HashMap;
use std::ops::Range;

use super::score::Cuts;

/// How often each combination of levels occurs among the pairs of rows of two cohorts, or of one: all that Fellegi & Sunter's
/// model (1969) needs to know of them.
///
/// A level says how alike two rows are in one encoding: 0 is the lowest, and [`NO_EVIDENCE`](Self::NO_EVIDENCE) stands for a
/// pair of which one row is empty there. Undiffused encodings have levels of the Dice coefficient, diffused ones of how many
/// standard deviations two rows are more alike than strangers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LevelPatterns {
    levels: Vec<usize>,
    /// In order, none twice; counts are above 0.
    counts: Vec<(Vec<u8>, u64)>,
}

impl LevelPatterns {
    /// The level of a pair of which one row has no bit set in an encoding.
    pub const NO_EVIDENCE: u8 = u8::MAX;

    /// How many levels each encoding has, in the schema's order; "no evidence" is not counted.
    #[must_use]
    pub fn levels(&self) -> &[usize] {
        &self.levels
    }

    /// The patterns that occur, in order, each with the number of pairs: one level for each encoding.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.counts.iter().map(|(pattern, count)| (pattern.as_slice(), *count))
    }

    /// All pairs.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// How many pairs are at each level of one encoding; pairs without evidence are not counted.
    ///
    /// # Panics
    /// Where there is no such encoding.
    #[must_use]
    pub fn of_encoding(&self, encoding: usize) -> Vec<u64> {
        let mut counts = vec![0; self.levels[encoding]];
        for (pattern, count) in &self.counts {
            if let Some(sum) = counts.get_mut(usize::from(pattern[encoding])) {
                *sum += count;
            }
        }
        counts
    }
}

impl LevelPatterns {
    /// Without some of its pairs.
    pub(super) fn without(mut self, some: &LevelPatterns) -> LevelPatterns {
        for (pattern, count) in &mut self.counts {
            if let Ok(place) = some.counts.binary_search_by(|(other, _)| other.cmp(pattern)) {
                *count = count.saturating_sub(some.counts[place].1);
            }
        }
        self.counts.retain(|(_, count)| *count > 0);
        self
    }
}

/// Patterns as numbers: encodings in digits of 16 bits, within a digit one step for each.
#[derive(Clone, Debug)]
pub(super) struct Form {
    /// Levels of each encoding, and whether the last stands for "no evidence".
    levels: Vec<(usize, bool)>,
    digits: Vec<Range<usize>>,
    steps: Vec<u16>,
    /// How many patterns the only digit has; `None` where there are more.
    only: Option<usize>,
}

impl Form {
    pub(super) fn new<'a>(cuts: impl Iterator<Item = &'a Cuts>) -> Self {
        let levels: Vec<_> = cuts.map(|cuts| (cuts.levels(), cuts.needs_bits)).collect();
        let (mut digits, mut steps) = (Vec::new(), Vec::new());
        let (mut first, mut size) = (0, 1);
        for (encoding, &(levels, _)) in levels.iter().enumerate() {
            if size * levels > 1 << 16 {
                digits.push(first..encoding);
                (first, size) = (encoding, 1);
            }
            steps.push(size as u16);
            size *= levels;
        }
        digits.push(first..levels.len());
        let only = (digits.len() == 1).then_some(size);
        Form { levels, digits, steps, only }
    }

    pub(super) fn encodings(&self) -> usize {
        self.levels.len()
    }

    pub(super) fn digits(&self) -> &[Range<usize>] {
        &self.digits
    }

    /// What a level of an encoding is worth in its digit.
    pub(super) fn step(&self, encoding: usize) -> u16 {
        self.steps[encoding]
    }

    /// The key of a pattern, given each encoding's level.
    pub(super) fn key(&self, level: impl Fn(usize) -> usize) -> u64 {
        let digit = |encodings: &Range<usize>| -> u64 {
            encodings.clone().map(|encoding| level(encoding) as u64 * u64::from(self.steps[encoding])).sum()
        };
        self.digits.iter().enumerate().map(|(place, encodings)| digit(encodings) << (16 * place)).sum()
    }

    fn pattern(&self, key: u64) -> Vec<u8> {
        let mut pattern = vec![0; self.levels.len()];
        for (place, encodings) in self.digits.iter().enumerate() {
            let digit = key >> (16 * place) & 0xffff;
            for encoding in encodings.clone() {
                let (levels, none) = self.levels[encoding];
                let level = (digit / u64::from(self.steps[encoding])) as usize % levels;
                let last = none && level == levels - 1;
                pattern[encoding] = if last { LevelPatterns::NO_EVIDENCE } else { level as u8 };
            }
        }
        pattern
    }
}

/// Counts of patterns while they are being counted.
#[derive(Clone, Debug)]
pub(super) enum Tally {
    /// Places for every pattern. There are several, which are used in turn: pairs next to each other often have the same
    /// pattern, and a processor that has to wait for the last sum before it adds to it is three times as slow.
    Dense(Vec<[u64; TURNS]>),
    /// Too many patterns for that.
    Sparse(HashMap<u64, u64>),
}

pub(super) const TURNS: usize = 4;

impl Tally {
    pub(super) fn new(form: &Form) -> Self {
        match form.only {
            Some(patterns) => Tally::Dense(vec![[0; TURNS]; patterns]),
            None => Tally::Sparse(HashMap::new()),
        }
    }

    #[inline]
    pub(super) fn add(&mut self, key: u64, pairs: u64) {
        match self {
            Tally::Dense(counts) => counts[key as usize][0] += pairs,
            Tally::Sparse(counts) => *counts.entry(key).or_insert(0) += pairs,
        }
    }

    /// Adds what was kept; `None` where there is no such pattern, or there are more pairs than can be counted.
    pub(super) fn restore(&mut self, counts: impl Iterator<Item = Option<(u64, u64)>>) -> Option<()> {
        let mut total = 0_u64;
        for count in counts {
            let (key, pairs) = count?;
            // Half of all numbers, so that what is still to be counted has room.
            total = total.checked_add(pairs).filter(|&total| total <= u64::MAX / 2)?;
            if let Tally::Dense(counts) = self {
                counts.get(usize::try_from(key).ok()?)?;
            }
            self.add(key, pairs);
        }
        Some(())
    }

    pub(super) fn merge(&mut self, other: &Tally) {
        other.each().for_each(|(key, pairs)| self.add(key, pairs));
    }

    /// The keys that occur, with their numbers of pairs.
    pub(super) fn each(&self) -> Box<dyn Iterator<Item = (u64, u64)> + '_> {
        match self {
            Tally::Dense(counts) => {
                let sums = counts.iter().map(|turns| turns.iter().sum());
                Box::new((0..).zip(sums).filter(|(_, pairs)| *pairs > 0))
            }
            Tally::Sparse(counts) => Box::new(counts.iter().map(|(key, pairs)| (*key, *pairs))),
        }
    }

    pub(super) fn finish(&self, form: &Form) -> LevelPatterns {
        let mut counts: Vec<_> = self.each().map(|(key, pairs)| (form.pattern(key), pairs)).collect();
        counts.sort_unstable();
        let levels = form.levels.iter().map(|&(levels, none)| levels - usize::from(none)).collect();
        LevelPatterns { levels, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::super::score::Line;
    use super::*;

    fn cuts(levels: usize, needs_bits: bool) -> Cuts {
        Cuts { lines: vec![Line::distance(0); levels - 1], needs_bits }
    }

    #[test]
    fn keys_and_patterns_are_the_same_thing() {
        for many in
            [vec![(5, true); 5], vec![(11, true); 16], vec![(7, false); 4], vec![(2, true), (11, true), (3, false)]]
        {
            let all: Vec<_> = many.iter().map(|&(levels, none)| cuts(levels, none)).collect();
            let form = Form::new(all.iter());
            let mut tally = Tally::new(&form);
            for seed in 0..200usize {
                let level = |encoding: usize| (seed * 7919 + encoding * 31) % all[encoding].levels();
                tally.add(form.key(level), 1);
                let shown = |encoding: usize| match (many[encoding], level(encoding)) {
                    ((levels, true), level) if level == levels => LevelPatterns::NO_EVIDENCE,
                    (_, level) => level as u8,
                };
                assert_eq!(form.pattern(form.key(level)), (0..many.len()).map(shown).collect::<Vec<_>>());
            }
            let patterns = tally.finish(&form);
            assert_eq!(patterns.pairs(), 200);
            assert!(patterns.iter().map(|(pattern, _)| pattern).is_sorted_by(|a, b| a < b));
            for (encoding, &(levels, none)) in many.iter().enumerate() {
                assert_eq!(patterns.of_encoding(encoding).len(), levels);
                assert!(none || patterns.of_encoding(encoding).iter().sum::<u64>() == 200);
            }
        }
    }
}
