//! Which pairs somebody should look at, so that a few hundred labels say something of all links.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cohort::RowId;
use crate::error::Result;
use crate::file::{self, Access};
use crate::linkage::{Reason, ScoredPairs};
use crate::split_mix::SplitMix64;

/// A candidate pair for somebody to judge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToReview {
    /// The row in the earlier cohort.
    pub a: u32,
    /// The row in the later cohort.
    pub b: u32,
    /// How many candidates it stands for.
    pub weight: f64,
}

/// Draws candidates for review: `per_band` from each of `bands` bands of equal width between the lowest and the highest
/// score, and as many from those by match key; all of them where there are fewer. The same seed draws the same pairs.
///
/// Bands are for the doubtful pairs in the middle, of which there are few: drawn at random, nearly all would be clear. Each
/// pair has the weight that undoes this. Pairs come in no order, so that who reviews them is not told what to expect.
#[must_use]
pub fn draw_for_review(scored: &ScoredPairs, bands: usize, per_band: usize, seed: u64) -> Vec<ToReview> {
    let scores = scored.candidates.iter().filter(|c| c.reason == Reason::Similarity).map(|c| c.score);
    let (low, high) = scores.fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), score| (l.min(score), h.max(score)));
    let mut strata: BTreeMap<usize, Vec<(u32, u32)>> = BTreeMap::new();
    for candidate in &scored.candidates {
        let place = f64::from(candidate.score - low) / f64::from(high - low).max(f64::MIN_POSITIVE);
        let last = bands.max(1) - 1;
        let band = ((place * bands as f64) as usize).min(last);
        let stratum = if candidate.reason == Reason::Similarity { band } else { last + 1 };
        strata.entry(stratum).or_default().push((candidate.a, candidate.b));
    }
    let mut random = SplitMix64(seed);
    let mut drawn = Vec::new();
    for mut pairs in strata.into_values() {
        let all = pairs.len();
        let wanted = per_band.min(all);
        shuffle(&mut pairs, wanted, &mut random);
        let weight = all as f64 / wanted.max(1) as f64;
        drawn.extend(pairs[..wanted].iter().map(|&(a, b)| ToReview { a, b, weight }));
    }
    let all = drawn.len();
    shuffle(&mut drawn, all, &mut random);
    drawn
}

/// Writes pairs for review as a CSV with the columns `row_a`, `row_b`, `weight` and `match`, the last one empty: filled in,
/// it is what [`LabelledSample::read_csv`] reads. `a` and `b` are the row ids of both cohorts ([`Cohort::row_ids`]); within
/// one cohort, the same twice.
///
/// [`LabelledSample::read_csv`]: super::LabelledSample::read_csv
/// [`Cohort::row_ids`]: crate::Cohort::row_ids
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io).
///
/// # Panics
/// Where a pair has a row that a cohort has not.
pub fn write_for_review(pairs: &[ToReview], a: &[RowId], b: &[RowId], path: impl AsRef<Path>) -> Result<()> {
    let rows = pairs.iter().map(|pair| {
        let (a, b) = (a[pair.a as usize], b[pair.b as usize]);
        [a.to_string(), b.to_string(), pair.weight.to_string(), String::new()]
    });
    file::write_csv(path.as_ref(), Access::Private, ["row_a", "row_b", "weight", "match"], rows)
}

/// Brings so many at random to the front (Fisher & Yates).
fn shuffle<T>(values: &mut [T], wanted: usize, random: &mut SplitMix64) {
    for place in 0..wanted {
        values.swap(place, place + random.scaled(values.len() - place));
    }
}
