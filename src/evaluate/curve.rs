//! Quality at every threshold.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Quality, Truth};
use crate::error::Result;
use crate::file::{self, Access};
use crate::linkage::{Reason, ScoredPairs, assign};
use crate::schema::Assignment;

/// Quality at one threshold.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct CurvePoint {
    /// The score from which pairs are linked. Infinite (`null` in JSON, `inf` in CSV) for links by match key alone.
    pub threshold: f32,
    /// What that gives.
    #[serde(flatten)]
    pub quality: Quality,
}

/// Quality at many thresholds, from the highest down.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Curve {
    /// The first point is that of an infinite threshold, the last one links all candidates that the assignment leaves.
    pub points: Vec<CurvePoint>,
}

impl Curve {
    /// The point with the best F1, at the highest threshold that has it. A curve has a point at least.
    #[must_use]
    pub fn best(&self) -> CurvePoint {
        self.points[best(&self.points)]
    }

    /// Writes the points as CSV with the columns `threshold`, `precision`, `recall`, `f1`, `links`, `correct` and `truth`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let header = ["threshold", "precision", "recall", "f1", "links", "correct", "truth"];
        let rows = self.points.iter().map(|CurvePoint { threshold, quality }| {
            let Quality { precision, recall, f1, links, correct, truth } = quality;
            let shares = [precision, recall, f1].map(|share| format!("{share:.6}"));
            let [precision, recall, f1] = shares;
            [threshold.to_string(), precision, recall, f1, links.to_string(), correct.to_string(), truth.to_string()]
        });
        file::write_csv(path.as_ref(), Access::Default, header, rows)
    }
}

impl Truth<'_> {
    /// Quality at every threshold, thinned to at most so many points (three at least), evenly over the curve; both ends and
    /// the best F1 are always there.
    #[must_use]
    pub fn curve(&self, scored: &ScoredPairs, assignment: Assignment, most: usize) -> Curve {
        let points = self.steps(scored, assignment);
        let last = points.len() - 1;
        if points.len() <= most.max(3) {
            return Curve { points };
        }
        // One is for the best.
        let spread = most.max(3) - 2;
        let mut kept: BTreeSet<usize> = (0..=spread).map(|i| i * last / spread).collect();
        kept.insert(best(&points));
        Curve { points: kept.into_iter().map(|i| points[i]).collect() }
    }

    /// A point for every threshold that makes a difference, from the highest down.
    pub(super) fn steps(&self, scored: &ScoredPairs, assignment: Assignment) -> Vec<CurvePoint> {
        let mut truth = 0;
        self.each_true_pair(|_, _| truth += 1);
        // Greedy assignment from the best down: stopping at any threshold gives a beginning of this list. Links by match
        // key come first, and no threshold drops some of them.
        let all = assign(&scored.candidates, f32::NEG_INFINITY, assignment);
        let threshold = |i: usize| if all[i].reason == Reason::Similarity { all[i].score } else { f32::INFINITY };
        let mut points = Vec::new();
        let mut correct = 0;
        if all.first().is_none_or(|link| link.reason == Reason::Similarity) {
            points.push(CurvePoint { threshold: f32::INFINITY, quality: Quality::new(0, 0, truth) });
        }
        for (i, link) in all.iter().enumerate() {
            correct += u64::from(self.is_match(link.a, link.b));
            if i + 1 == all.len() || threshold(i + 1) != threshold(i) {
                points
                    .push(CurvePoint { threshold: threshold(i), quality: Quality::new(i as u64 + 1, correct, truth) });
            }
        }
        points
    }
}

/// Where the best F1 is first.
pub(super) fn best(points: &[CurvePoint]) -> usize {
    (0..points.len())
        .reduce(|best, i| if points[i].quality.f1 > points[best].quality.f1 { i } else { best })
        .unwrap_or(0)
}
