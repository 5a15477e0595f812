//! Links against truth: precision, recall and F1 with intervals, at every threshold, by subgroup with the gaps between them,
//! against another run; what went wrong; and the same records compared in plaintext. Also links against a sample that
//! somebody looked at.
//!
//! For people who hold both files and the truth: a pilot on invented or consented data. A linkage unit never has what this
//! needs.

mod compare;
mod curve;
mod errors;
mod gaps;
mod groups;
mod interval;
mod labelled;
mod plaintext;
mod resample;
mod review;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::linkage::{ScoredPairs, assign};
use crate::schema::Assignment;

pub use self::compare::{Comparison, Difference, Shared};
pub use self::curve::{Curve, CurvePoint};
pub use self::errors::{Combination, ErrorAnalysis, ErrorGroup, FieldState, LostBecause, Part};
pub use self::gaps::{Against, Gap, Gaps, GroupQuality};
pub use self::groups::Difficulty;
pub use self::interval::Intervals;
pub use self::labelled::{LabelledPair, LabelledSample, SampleEvaluation, SamplePoint};
pub use self::plaintext::plaintext;
pub use self::resample::{Bootstrap, Interval};
pub use self::review::{ToReview, draw_for_review, write_for_review};

/// Precision, recall and F1, and the counts they are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Quality {
    /// Share of the links that are right; 0 where there are none.
    pub precision: f64,
    /// Share of the true pairs that were linked, of all there are, candidates or not; 0 where there are none.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// Links made.
    pub links: u64,
    /// Links that are right.
    pub correct: u64,
    /// True pairs there are.
    pub truth: u64,
}

/// Links judged against the truth.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Evaluation {
    /// At the threshold that was used without labels.
    pub default: Quality,
    /// The threshold that was used.
    pub default_threshold: f32,
    /// At the threshold that gives the best F1, which needs labels to find.
    pub best: Quality,
    /// That threshold; infinite where links by match key alone are best.
    pub best_threshold: f32,
}

/// Who each row really is: one entity per row of the earlier and of the later cohort. An empty entity is nobody's.
#[derive(Clone, Copy)]
pub struct Truth<'a> {
    /// The entities of the earlier cohort's rows.
    pub a: &'a [String],
    /// The entities of the later cohort's rows; `None` for duplicates inside one cohort.
    pub b: Option<&'a [String]>,
}

impl Quality {
    /// From counts.
    #[must_use]
    pub fn new(links: u64, correct: u64, truth: u64) -> Self {
        let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        Quality {
            precision: share(correct, links),
            recall: share(correct, truth),
            f1: share(2 * correct, links + truth),
            links,
            correct,
            truth,
        }
    }
}

/// The quality of two linkages together.
impl std::ops::Add for Quality {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Quality::new(self.links + other.links, self.correct + other.correct, self.truth + other.truth)
    }
}

/// How many rows; who they are is somebody's own number, or more.
impl fmt::Debug for Truth<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Truth({} rows, {:?})", self.a.len(), self.b.map(<[String]>::len))
    }
}

impl Truth<'_> {
    /// Whether two rows are one person.
    #[must_use]
    pub fn is_match(&self, a: u32, b: u32) -> bool {
        let (a, b) = (&self.a[a as usize], &self.b.unwrap_or(self.a)[b as usize]);
        !a.is_empty() && a == b
    }

    /// Visits all pairs of rows that are one person.
    fn each_true_pair(&self, mut visit: impl FnMut(u32, u32)) {
        let mut later: HashMap<&str, Vec<u32>> = HashMap::new();
        for (row, entity) in self.b.unwrap_or(self.a).iter().enumerate().filter(|(_, entity)| !entity.is_empty()) {
            later.entry(entity).or_default().push(row as u32);
        }
        for (row, entity) in self.a.iter().enumerate() {
            let row = row as u32;
            let partners = later.get(entity.as_str()).map_or(&[][..], Vec::as_slice);
            // Within one cohort, each pair once and no row with itself.
            partners.iter().filter(|&&other| self.b.is_some() || other > row).for_each(|&other| visit(row, other));
        }
    }

    /// Judges scored pairs, at the threshold they came with and at the best there is.
    #[must_use]
    pub fn judge(&self, scored: &ScoredPairs, assignment: Assignment) -> Evaluation {
        let steps = self.steps(scored, assignment);
        let best = steps[curve::best(&steps)];
        let default = assign(&scored.candidates, scored.threshold, assignment);
        let default = self.quality(default.iter().map(|link| (link.a, link.b)));
        Evaluation { default, default_threshold: scored.threshold, best: best.quality, best_threshold: best.threshold }
    }

    /// Judges pairs of rows that were linked.
    #[must_use]
    pub fn quality(&self, pairs: impl IntoIterator<Item = (u32, u32)>) -> Quality {
        self.by_group(pairs, |_, _| ()).remove(&()).unwrap_or_default()
    }

    /// Judges pairs of rows that were linked, by the group that each pair, linked or true, belongs to.
    #[must_use]
    pub fn by_group<G: Ord>(
        &self,
        pairs: impl IntoIterator<Item = (u32, u32)>,
        group: impl Fn(u32, u32) -> G,
    ) -> BTreeMap<G, Quality> {
        let mut counts: BTreeMap<G, [u64; 3]> = BTreeMap::new();
        for (a, b) in pairs {
            let [links, correct, _] = counts.entry(group(a, b)).or_default();
            *links += 1;
            *correct += u64::from(self.is_match(a, b));
        }
        self.each_true_pair(|a, b| counts.entry(group(a, b)).or_default()[2] += 1);
        let quality = |(group, [links, correct, truth]): (G, [u64; 3])| (group, Quality::new(links, correct, truth));
        counts.into_iter().map(quality).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entities(text: &str) -> Vec<String> {
        text.chars().map(|c| if c == '.' { String::new() } else { c.to_string() }).collect()
    }

    #[test]
    fn groups_add_up_to_the_whole() {
        let (a, b) = (entities("wxyz."), entities("zzx.q"));
        let truth = Truth { a: &a, b: Some(&b) };
        // True pairs: x-x, and z with both of its rows; a row of nobody is nobody's partner.
        let pairs = [(1, 2), (3, 0), (4, 3), (0, 4)];
        assert_eq!(truth.quality(pairs), Quality::new(4, 2, 3));
        let groups = truth.by_group(pairs, |a, _| a % 2);
        assert_eq!(groups, BTreeMap::from([(0, Quality::new(2, 0, 0)), (1, Quality::new(2, 2, 3))]));
        assert_eq!(groups[&0] + groups[&1], truth.quality(pairs));
    }

    #[test]
    fn inside_one_file_each_pair_counts_once() {
        let a = entities("xyxx");
        let truth = Truth { a: &a, b: None };
        assert_eq!(truth.quality([(0, 2)]), Quality::new(1, 1, 3));
        assert_eq!(truth.quality([]).f1, 0.0);
    }
}
