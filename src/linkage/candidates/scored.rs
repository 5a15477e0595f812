//! Candidates, not all pairs, to best partners and level patterns: the second way through the step that
//! [`compare`](super::super::compare) does for all pairs.
//!
//! What is counted over all pairs there is estimated from a random sample of them here. Levels that hardly any pair is at
//! cannot be seen in a sample; but LSH finds alike pairs, so a pattern counts at least as often as it stands among the
//! candidates.

use rayon::prelude::*;

use super::super::compare::{Compared, Comparison, Side, best_pairs};
use super::super::patterns::{Form, LevelPatterns, Tally};
use super::super::run::Stage;
use super::source::{Blocking, Candidates};
use super::{BestPartners, Partner, TILE};
use crate::cohort::Cohort;
use crate::error::Result;
use crate::split_mix::SplitMix64;

/// How many pairs are drawn to see how all pairs spread over the levels; fewer where no weight is learned from that.
const SAMPLE: u64 = 1 << 20;
const SAMPLE_UNREAD: u64 = 1 << 16;

/// Pairs that one thread scores at a time.
const AT_ONCE: usize = 4096;

impl Comparison<'_> {
    /// Compares the candidates of two cohorts, or of one.
    pub(in crate::linkage) fn among(
        &self,
        candidates: &Candidates,
        a: (&Cohort, &Side<'_>),
        b: Option<(&Cohort, &Side<'_>)>,
        stage: &Stage<'_>,
    ) -> Result<(Compared, Blocking)> {
        let Among { pairs, seen, blocking } = self.best_among(candidates, a, b, stage)?;
        let patterns = self.patterns((a.1, b.map(|(_, side)| side)), &seen);
        Ok((Compared { pairs, patterns }, blocking))
    }

    fn best_among(
        &self,
        candidates: &Candidates,
        (cohort_a, a): (&Cohort, &Side<'_>),
        other: Option<(&Cohort, &Side<'_>)>,
        stage: &Stage<'_>,
    ) -> Result<Among> {
        let b = other.map_or(a, |(_, side)| side);
        let (best_a, best_b) = match other {
            Some((_, b)) => {
                let (best_a, best_b) = self.best_of_two(a.rows, b.rows);
                (best_a, Some(best_b))
            }
            None => (self.best_of(a.rows), None),
        };
        let all = pairs_of(a, other.map(|(_, side)| side));
        let form = self.form();
        let mut seen = Tally::new(&form);
        let (mut done, tables) = (0, candidates.tables(cohort_a).max(1) as u64);
        let share = |done: u64| (u128::from(all) * u128::from(done) / u128::from(tables)) as u64;
        let blocking = candidates.stream(cohort_a, other.map(|(cohort, _)| cohort), &mut |pairs| {
            stage.cancel.check()?;
            if pairs.is_empty() {
                stage.meter.add(share(done + 1) - share(done));
                done += 1;
                return Ok(());
            }
            seen.merge(&self.offer((a, b), pairs, (&best_a, best_b.as_ref()), &form));
            Ok(())
        })?;
        Ok(Among { pairs: best_pairs(best_a, best_b), seen, blocking })
    }

    /// Scores pairs, offers them to their rows, and counts their patterns. What is kept does not depend on the order.
    fn offer(
        &self,
        (a, b): (&Side<'_>, &Side<'_>),
        pairs: &[(u32, u32)],
        (best_a, best_b): (&BestPartners, Option<&BestPartners>),
        form: &Form,
    ) -> Tally {
        let score = |tally: Tally, pairs: &[(u32, u32)]| {
            let mut tally = tally;
            let indices = self.indices(a, b, pairs);
            for (&(row_a, row_b), indices) in pairs.iter().zip(indices.chunks_exact(self.scales.len())) {
                self.count(&mut tally, form, indices);
                let weights = self.weights.iter().zip(indices);
                let score: f32 = weights.map(|(weights, &index)| weights[usize::from(index)]).sum();
                if score < self.least {
                    continue;
                }
                let offer = |best: &BestPartners, own: u32, other: u32| {
                    let own = own as usize;
                    best.with_tile(own / TILE, |shard| shard.offer(own % TILE, Partner { score, row: other }));
                };
                offer(best_a, row_a, row_b);
                offer(best_b.unwrap_or(best_a), row_b, row_a);
            }
            tally
        };
        let merge = |mut one: Tally, other: Tally| {
            one.merge(&other);
            one
        };
        pairs.par_chunks(AT_ONCE).fold(|| Tally::new(form), score).reduce(|| Tally::new(form), merge)
    }

    /// The level patterns of single pairs.
    pub(in crate::linkage) fn tally(&self, side: &Side<'_>, pairs: &[(u32, u32)]) -> LevelPatterns {
        let form = self.form();
        let mut tally = Tally::new(&form);
        for indices in self.indices(side, side, pairs).chunks_exact(self.scales.len()) {
            self.count(&mut tally, &form, indices);
        }
        tally.finish(&form)
    }

    fn count(&self, tally: &mut Tally, form: &Form, indices: &[u16]) {
        tally.add(form.key(|encoding| self.scales[encoding].level(usize::from(indices[encoding]))), 1);
    }

    /// How all pairs spread over the patterns: counted where they are few, else from a sample of them, with the same seed
    /// every time, and from the candidates.
    fn patterns(&self, (a, other): (&Side<'_>, Option<&Side<'_>>), seen: &Tally) -> LevelPatterns {
        let (all, form) = (pairs_of(a, other), &self.form());
        let (within, b) = (other.is_none(), other.unwrap_or(a));
        let read = self.scales.iter().any(|scale| !scale.diffused);
        let most = if read { SAMPLE } else { SAMPLE_UNREAD };
        let (rows_a, rows_b) = (a.rows as u64, b.rows as u64);
        let pairs: Vec<(u32, u32)> = if all <= most {
            let from = |row| if within { row + 1 } else { 0 };
            (0..a.rows as u32).flat_map(|row| (from(row)..b.rows as u32).map(move |other| (row, other))).collect()
        } else {
            let mut random = SplitMix64(rows_a ^ rows_b << 32);
            let mut pair = || {
                let one = random.below(rows_a) as u32;
                if !within {
                    return (one, random.below(rows_b) as u32);
                }
                let other = random.below(rows_a - 1) as u32;
                let other = other + u32::from(other >= one);
                (one.min(other), one.max(other))
            };
            (0..most).map(|_| pair()).collect()
        };
        let mut sample = Tally::new(form);
        for indices in self.indices(a, b, &pairs).chunks_exact(self.scales.len()) {
            self.count(&mut sample, form, indices);
        }
        if all <= most {
            return sample.finish(form);
        }
        let drawn = pairs.len() as u128;
        let mut counts: std::collections::BTreeMap<u64, u64> =
            sample.each().map(|(key, count)| (key, (u128::from(count) * u128::from(all) / drawn) as u64)).collect();
        for (key, count) in seen.each() {
            let estimate = counts.entry(key).or_default();
            *estimate = count.max(*estimate);
        }
        // The most frequent pattern takes what is left, so that they add up to all pairs.
        let most = counts.iter().max_by_key(|(key, count)| (**count, **key)).map(|(key, _)| *key);
        let rest: u64 = counts.iter().filter(|(key, _)| Some(**key) != most).map(|(_, count)| count).sum();
        let mut estimate = Tally::new(form);
        for (key, count) in counts {
            estimate.add(key, if Some(key) == most { all.saturating_sub(rest) } else { count });
        }
        estimate.finish(form)
    }
}

/// What candidates leave.
struct Among {
    /// Pairs that are among the best of one of their rows at least, sorted, each once.
    pairs: Vec<(u32, u32)>,
    /// The patterns of all candidates.
    seen: Tally,
    blocking: Blocking,
}

/// How many pairs there are.
fn pairs_of(a: &Side<'_>, b: Option<&Side<'_>>) -> u64 {
    let rows = a.rows as u64;
    b.map_or(rows * rows.saturating_sub(1) / 2, |b| rows * b.rows as u64)
}
