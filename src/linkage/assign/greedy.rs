//! Best first.

use super::super::links::Reason;
use super::Candidate;
use crate::schema::Assignment;

/// Takes candidates, which are in order, where they are good enough and both rows are free.
pub(super) fn greedy(candidates: &[Candidate], threshold: f32, assignment: Assignment) -> Vec<Candidate> {
    let rows = |row: fn(&Candidate) -> u32| candidates.iter().map(row).max().map_or(0, |row| row as usize + 1);
    let (single_a, single_b) = single(assignment);
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

/// Whether a row of the earlier cohort, and one of the later, has at most one partner in the other.
pub(in crate::linkage) fn single(assignment: Assignment) -> (bool, bool) {
    match assignment {
        Assignment::OneToOne => (true, true),
        Assignment::ManyToOne => (true, false),
        Assignment::OneToMany => (false, true),
        Assignment::ManyToMany => (false, false),
    }
}
