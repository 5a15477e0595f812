//! The greatest total, in each connected part of the candidates.

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;
use rayon::prelude::*;

use super::super::links::Reason;
use super::greedy::greedy;
use super::groups::Groups;
use super::{Assigned, Candidate, MOST_CELLS, in_order};
use crate::schema::Assignment;
use crate::split_mix::SplitMix64;

/// Scores are counted in steps of 2⁻²⁴: all that an `f32` from ½ to 1 can tell apart.
const STEPS: f64 = (1u32 << 24) as f64;

/// The most steps that a score counts: 2¹⁶ whole ones. With a lot of 32 bits below, and at most 2¹⁰ links in a part (its
/// shorter side), no sum comes near the end of an `i128`.
const MOST_STEPS: f64 = (1u64 << 40) as f64;

/// A lot has 32 bits, and 2¹⁰ of them stay below one step.
const LOT_ROOM: i128 = 1 << 48;

/// Candidates are in order.
pub(super) fn optimal(candidates: &[Candidate], threshold: f32) -> Assigned {
    let certain = candidates.partition_point(|candidate| candidate.reason != Reason::Similarity);
    let (certain, similar) = candidates.split_at(certain);
    let mut links = greedy(certain, threshold, Assignment::OneToOne);
    let taken = |row: fn(&Candidate) -> u32| {
        let mut rows: Vec<u32> = links.iter().map(row).collect();
        rows.sort_unstable();
        rows
    };
    let (taken_a, taken_b) = (taken(|c| c.a), taken(|c| c.b));
    let free = |c: &&Candidate| taken_a.binary_search(&c.a).is_err() && taken_b.binary_search(&c.b).is_err();
    let left: Vec<Candidate> = similar.iter().take_while(|c| c.score >= threshold).filter(free).copied().collect();
    // Without a threshold the worst candidate is worth nothing.
    let base = if threshold.is_finite() { threshold } else { left.last().map_or(0.0, |last| last.score) };

    let parts = parts(&left);
    let solved: Vec<(Vec<Candidate>, bool)> = parts.par_iter().map(|part| solve(part, base)).collect();
    let too_large = solved.iter().filter(|(_, too_large)| *too_large).count();
    links.extend(solved.into_iter().flat_map(|(links, _)| links));
    links.sort_unstable_by(in_order);
    Assigned { links, too_large }
}

/// The connected parts, each in order.
fn parts(candidates: &[Candidate]) -> Vec<Vec<Candidate>> {
    let (of_a, of_b) = (rows(candidates, |c| c.a), rows(candidates, |c| c.b));
    let mut groups = Groups::new(of_a.len() + of_b.len());
    let node = |c: &Candidate| place(&of_a, c.a) as u32;
    for candidate in candidates {
        groups.join_lower(node(candidate), (of_a.len() + place(&of_b, candidate.b)) as u32);
    }
    let mut by_group: Vec<(u32, Candidate)> = candidates.iter().map(|c| (groups.find(node(c)), *c)).collect();
    by_group.sort_by_key(|(group, _)| *group);
    by_group.chunk_by(|x, y| x.0 == y.0).map(|part| part.iter().map(|(_, candidate)| *candidate).collect()).collect()
}

/// The best links of a part, or the greedy ones and `true` where it is too large.
fn solve(part: &[Candidate], base: f32) -> (Vec<Candidate>, bool) {
    if part.len() == 1 {
        return (part.to_vec(), false);
    }
    let (of_a, of_b) = (rows(part, |c| c.a), rows(part, |c| c.b));
    if of_a.len().saturating_mul(of_b.len()) > MOST_CELLS {
        return (greedy(part, f32::NEG_INFINITY, Assignment::OneToOne), true);
    }
    // The method gives each row of the shorter side a column; one that is no candidate is worth nothing, and is no link.
    let turned = of_a.len() > of_b.len();
    let cell = |c: &Candidate| {
        let (a, b) = (place(&of_a, c.a), place(&of_b, c.b));
        if turned { (b, a) } else { (a, b) }
    };
    let (short, long) = (of_a.len().min(of_b.len()), of_a.len().max(of_b.len()));
    let mut weights = Matrix::new(short, long, 0i128);
    for candidate in part {
        weights[cell(candidate)] = weight(candidate, base);
    }
    let (_, columns) = kuhn_munkres(&weights);
    let chosen = |c: &&Candidate| {
        let (row, column) = cell(c);
        columns[row] == column
    };
    (part.iter().filter(chosen).copied().collect(), false)
}

/// What a candidate adds to a total: its score above the base, and below that its lot.
fn weight(candidate: &Candidate, base: f32) -> i128 {
    let steps = ((f64::from(candidate.score) - f64::from(base)) * STEPS).round().clamp(0.0, MOST_STEPS);
    (steps as i128 + 1) * LOT_ROOM + i128::from(lot(candidate.a, candidate.b))
}

/// A pair's lot: the upper half of a number by lot for the two rows.
fn lot(a: u32, b: u32) -> u32 {
    (SplitMix64(u64::from(a) << 32 | u64::from(b)).next() >> 32) as u32
}

/// The rows of one side, in order, each once.
fn rows(candidates: &[Candidate], row: fn(&Candidate) -> u32) -> Vec<u32> {
    let mut rows: Vec<u32> = candidates.iter().map(row).collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// Where a row stands among rows of which it is one.
fn place(rows: &[u32], row: u32) -> usize {
    rows.partition_point(|&other| other < row)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The best of all assignments, one after the other.
    fn best(candidates: &[Candidate], base: f32) -> (i128, Vec<Candidate>) {
        let Some((first, rest)) = candidates.split_first() else { return (0, Vec::new()) };
        let without = best(rest, base);
        let free: Vec<Candidate> = rest.iter().filter(|c| c.a != first.a && c.b != first.b).copied().collect();
        let (mut total, mut with) = best(&free, base);
        total += weight(first, base);
        with.insert(0, *first);
        if total > without.0 { (total, with) } else { without }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn nothing_is_better(
            pairs in proptest::collection::btree_map((0u32..6, 0u32..5), (0u8..6, 0u8..10), 0..14),
            threshold in 0u8..7,
            shuffle in any::<prop::sample::Index>(),
        ) {
            let candidate = |((a, b), (score, key)): ((u32, u32), (u8, u8))| Candidate {
                a, b, score: f32::from(score), reason: if key < 2 { Reason::MatchKey(key) } else { Reason::Similarity },
            };
            let mut candidates: Vec<Candidate> = pairs.into_iter().map(candidate).collect();
            let threshold = f32::from(threshold);
            candidates.sort_by(in_order);
            let found = super::super::Solver::Optimal.assign(&candidates, threshold, Assignment::OneToOne);
            // By match key greedily; of the rest the best of all.
            let keys: Vec<Candidate> = candidates.iter().filter(|c| c.reason != Reason::Similarity).copied().collect();
            let mut expected = greedy(&keys, threshold, Assignment::OneToOne);
            let free = |c: &Candidate| expected.iter().all(|link| link.a != c.a && link.b != c.b);
            let similar = |c: &&Candidate| c.reason == Reason::Similarity && c.score >= threshold && free(c);
            let left: Vec<Candidate> = candidates.iter().filter(similar).copied().collect();
            expected.extend(best(&left, threshold).1);
            expected.sort_by(in_order);
            prop_assert_eq!(&found.links, &expected);
            prop_assert_eq!(found.too_large, 0);
            // In whatever order they come.
            if !candidates.is_empty() {
                let at = shuffle.index(candidates.len());
                candidates.rotate_left(at);
                candidates.reverse();
            }
            prop_assert_eq!(super::super::Solver::Optimal.assign(&candidates, threshold, Assignment::OneToOne), found);
        }
    }

    fn pair(a: u32, b: u32, score: f32) -> Candidate {
        Candidate { a, b, score, reason: Reason::Similarity }
    }

    #[test]
    fn two_good_pairs_are_better_than_the_best_and_none() {
        let candidates = [pair(0, 0, 0.9), pair(0, 1, 0.8), pair(1, 0, 0.8), pair(1, 1, 0.1)];
        assert_eq!(optimal(&candidates, 0.5).links, [pair(0, 1, 0.8), pair(1, 0, 0.8)]);
        // Not where the two are hardly above the threshold: 0.9 - 0.7 is more than twice 0.75 - 0.7.
        let candidates = [pair(0, 0, 0.9), pair(0, 1, 0.75), pair(1, 0, 0.75)];
        assert_eq!(optimal(&candidates, 0.7).links, [pair(0, 0, 0.9)]);
        // At the threshold is in.
        assert_eq!(optimal(&[pair(0, 0, 0.7)], 0.7).links.len(), 1);
        assert_eq!(optimal(&[pair(0, 0, 0.7), pair(1, 0, 0.7), pair(1, 1, 0.7)], 0.7).links.len(), 2);
    }

    #[test]
    fn whatever_the_numbers() {
        assert_eq!(optimal(&[], 0.5), Assigned { links: vec![], too_large: 0 });
        let candidates = [pair(0, 0, f32::MAX), pair(0, 1, 1e30), pair(1, 0, 5.0), pair(1, 1, -1e30)];
        for threshold in [f32::NEG_INFINITY, f32::MIN, -1.0, 0.0, 6.0, f32::INFINITY, f32::NAN] {
            let links = optimal(&candidates, threshold).links;
            assert!(links.len() <= 2);
            assert_eq!(links.is_empty(), threshold.is_nan() || threshold == f32::INFINITY);
        }
    }

    #[test]
    fn too_large_a_part_is_greedy_and_is_counted() {
        let rows = 1025;
        // A ring, so that everything hangs together, and a part of its own that is small.
        let ring = (0..rows).flat_map(|i| [pair(i, i, 0.7), pair(i, (i + 1) % rows, 0.9)]);
        let small = [pair(2000, 2000, 1.0), pair(2000, 2001, 0.9), pair(2001, 2000, 0.9)];
        let mut candidates: Vec<Candidate> = ring.chain(small).collect();
        candidates.sort_by(in_order);
        let found = optimal(&candidates, 0.5);
        assert_eq!(found.too_large, 1);
        let (in_small, in_ring): (Vec<Candidate>, Vec<Candidate>) = found.links.iter().partition(|c| c.a >= 2000);
        assert_eq!(in_small, [pair(2000, 2001, 0.9), pair(2001, 2000, 0.9)]);
        let ring: Vec<Candidate> = candidates.iter().filter(|c| c.a < 2000).copied().collect();
        assert_eq!(in_ring, greedy(&ring, 0.5, Assignment::OneToOne));
    }
}
