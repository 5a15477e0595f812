//! From scored candidates to links: greedily, best first.

use std::cmp::Ordering;

use super::links::Reason;
use crate::schema::Assignment;

/// A pair of rows that may be one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The row in the earlier cohort (within one cohort: the earlier row).
    pub a: u32,
    /// The row in the later cohort.
    pub b: u32,
    /// How alike the rows are; see [`ScoredPairs::threshold`](super::ScoredPairs::threshold).
    pub score: f32,
    /// Why the pair is a candidate.
    pub reason: Reason,
}

/// The order in which candidates are taken: those by match key first, in the order of the schema's match keys; then higher
/// scores; then, to settle every tie, the lower row of the earlier cohort and of the later one. Row ids are random, so a
/// tie is settled by lot, and the same way every time.
pub(super) fn in_order(x: &Candidate, y: &Candidate) -> Ordering {
    x.reason.rank().cmp(&y.reason.rank()).then(y.score.total_cmp(&x.score)).then(x.a.cmp(&y.a)).then(x.b.cmp(&y.b))
}

/// Takes candidates, which must be in order (best first), while they share a match key or reach the threshold and the
/// assignment leaves both rows free.
#[must_use]
pub fn assign(candidates: &[Candidate], threshold: f32, assignment: Assignment) -> Vec<Candidate> {
    let rows = |row: fn(&Candidate) -> u32| candidates.iter().map(row).max().map_or(0, |row| row as usize + 1);
    let (single_a, single_b) = match assignment {
        Assignment::OneToOne => (true, true),
        Assignment::ManyToOne => (true, false),
        Assignment::OneToMany => (false, true),
        Assignment::ManyToMany => (false, false),
    };
    let mut taken_a = vec![false; rows(|candidate| candidate.a)];
    let mut taken_b = vec![false; rows(|candidate| candidate.b)];
    let mut links = Vec::new();
    for candidate in candidates {
        let (a, b) = (candidate.a as usize, candidate.b as usize);
        let free = !(single_a && taken_a[a] || single_b && taken_b[b]);
        if free && (candidate.reason != Reason::Similarity || candidate.score >= threshold) {
            (taken_a[a], taken_b[b]) = (true, true);
            links.push(*candidate);
        }
    }
    links
}
