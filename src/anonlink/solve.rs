//! From candidate pairs to groups of records that are one person each.
//!
//! Pairs are looked at from the best to the worst. At first every record is a group of its own. A pair whose records are in
//! two groups is an edge between these; two groups become one when there are enough edges between them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::pairs::{CandidatePair, CandidatePairs};
use crate::error::{Error, Result};
use crate::linkage::Ratio;

/// Records that are one person: each as its dataset and row, both from 0; in order of these, two or more.
pub type Group = Vec<(u32, u32)>;

/// anonlink's greedy solver: [`probabilistic_greedy_solve`] with a merge threshold of 1, and without looking at datasets.
/// Two groups become one when every record of the one was in a pair with every record of the other.
///
/// With two datasets that is: the best pair first, and every record once.
#[must_use]
pub fn greedy_solve(pairs: &CandidatePairs) -> Vec<Group> {
    solve(pairs.pairs(), |edges, possible| edges >= possible, false)
}

/// anonlink's solver for many datasets, with its default of 1/2 and `deduplicated`.
///
/// Two groups become one when the edges between them are at least the share `merge_threshold` of those that there could
/// be, and, if `deduplicated`, no dataset has records in both: its records are different people. An edge counts when it
/// comes: whether groups are close enough is asked only for the two groups that a pair connects.
///
/// The groups are in order of their first record; a record that is alone is in none. It takes about one look-up in a hash
/// table for each pair, and none for two datasets where a record cannot have two partners.
#[must_use]
pub fn probabilistic_greedy_solve(pairs: &CandidatePairs, merge_threshold: Ratio, deduplicated: bool) -> Vec<Group> {
    solve(pairs.pairs(), |edges, possible| merge_threshold.reached_by(edges, possible), deduplicated)
}

/// Rows of the first dataset and of the second that are one person, from groups of two datasets.
///
/// # Errors
/// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where a group is not one record of dataset 0 and one of dataset 1.
pub fn pairs_from_groups(groups: &[Group]) -> Result<Vec<(u32, u32)>> {
    let pair = |group: &Group| match group[..] {
        [(0, first), (1, second)] | [(1, second), (0, first)] => Ok((first, second)),
        _ => Err(Error::argument("a group is not one record of dataset 0 and one of dataset 1")),
    };
    groups.iter().map(pair).collect()
}

fn solve(pairs: &[CandidatePair], reached: impl Fn(u64, u64) -> bool, deduplicated: bool) -> Vec<Group> {
    let ids = Ids::new(pairs);
    // A pair of two datasets, and another record: of two edges there is one. Two pairs: of four, two.
    let one_to_one = deduplicated || !reached(1, 2);
    if one_to_one && between_two(pairs) {
        let mut taken = vec![false; ids.count];
        let best = pairs.iter().filter(|pair| {
            let [a, b] = pair.records().map(|record| ids.of(record));
            let free = !taken[a] && !taken[b];
            taken[a] |= free;
            taken[b] |= free;
            free
        });
        let mut groups: Vec<Group> = best.map(|pair| in_order(pair.records().to_vec())).collect();
        groups.sort_unstable();
        return groups;
    }
    let mut groups = Groups::new(&ids, deduplicated);
    for pair in pairs {
        let records = pair.records();
        let [a, b] = records.map(|record| groups.root(ids.of(record)));
        groups.edge(a, b, records, &reached);
    }
    groups.finish(pairs, &ids)
}

fn in_order(mut group: Group) -> Group {
    group.sort_unstable();
    group
}

/// Whether all pairs are of the same two datasets.
fn between_two(pairs: &[CandidatePair]) -> bool {
    let both = |pair: &CandidatePair| (pair.datasets[0].min(pair.datasets[1]), pair.datasets[0].max(pair.datasets[1]));
    pairs.first().is_some_and(|first| {
        let datasets = both(first);
        datasets.0 != datasets.1 && pairs.iter().all(|pair| both(pair) == datasets)
    })
}

/// More datasets than anybody has; their numbers are looked up in a list.
const MOST_LISTED: u32 = 4096;

/// A number for every record, below `count`.
struct Ids {
    count: usize,
    /// Where the rows of each dataset begin, if all rows up to the last in a pair can have a number.
    first: Vec<usize>,
    /// Otherwise the records, in order.
    records: Vec<(u32, u32)>,
}

impl Ids {
    fn new(pairs: &[CandidatePair]) -> Self {
        let records = || pairs.iter().flat_map(CandidatePair::records);
        if records().all(|(dataset, _)| dataset < MOST_LISTED) {
            let mut rows: Vec<usize> = Vec::new();
            for (dataset, row) in records() {
                let dataset = dataset as usize;
                if rows.len() <= dataset {
                    rows.resize(dataset + 1, 0);
                }
                rows[dataset] = rows[dataset].max(row as usize + 1);
            }
            let count = rows.iter().sum();
            // Rows are numbers that a file claims: memory is for what is there.
            if count <= (16 * pairs.len() + MOST_LISTED as usize).min(u32::MAX as usize) {
                let mut end = 0;
                rows.iter_mut().for_each(|rows| end += std::mem::replace(rows, end));
                return Ids { count, first: rows, records: Vec::new() };
            }
        }
        let mut records: Vec<_> = records().collect();
        records.sort_unstable();
        records.dedup();
        Ids { count: records.len(), first: Vec::new(), records }
    }

    fn of(&self, record: (u32, u32)) -> usize {
        match self.first.get(record.0 as usize) {
            Some(first) => first + record.1 as usize,
            None => self.records.partition_point(|other| *other < record),
        }
    }
}

/// The groups so far. Each has the number of one of its records, its root.
struct Groups {
    /// Towards the root.
    parent: Vec<u32>,
    size: Vec<u32>,
    /// The edges between two groups, by their roots, the smaller first.
    edges: HashMap<(u32, u32), u64>,
    /// Roots with which a root has edges, or had before they were merged.
    near: Vec<Vec<u32>>,
    /// Datasets of the records of a group of two or more, in order; where no dataset may occur in a group twice.
    datasets: Option<HashMap<u32, Vec<u32>>>,
}

impl Groups {
    fn new(ids: &Ids, deduplicated: bool) -> Self {
        Groups {
            parent: (0..ids.count as u32).collect(),
            size: vec![1; ids.count],
            edges: HashMap::new(),
            near: vec![Vec::new(); ids.count],
            datasets: deduplicated.then(HashMap::new),
        }
    }

    fn root(&mut self, record: usize) -> u32 {
        let mut record = record as u32;
        while self.parent[record as usize] != record {
            let above = self.parent[self.parent[record as usize] as usize];
            self.parent[record as usize] = above;
            record = above;
        }
        record
    }

    /// An edge between the groups of two roots, which it makes one where that is due. `records` says of which datasets
    /// records are that are alone.
    fn edge(&mut self, a: u32, b: u32, records: [(u32, u32); 2], reached: &impl Fn(u64, u64) -> bool) {
        if a == b || !self.may_meet(a, b, records) {
            return;
        }
        let possible = u64::from(self.size[a as usize]) * u64::from(self.size[b as usize]);
        if reached(1, possible) {
            self.merge(a, b, records);
            return;
        }
        let edges = match self.edges.entry((a.min(b), a.max(b))) {
            Entry::Occupied(mut edges) => {
                *edges.get_mut() += 1;
                *edges.get()
            }
            Entry::Vacant(place) => {
                place.insert(1);
                self.near[a as usize].push(b);
                self.near[b as usize].push(a);
                1
            }
        };
        if reached(edges, possible) {
            self.merge(a, b, records);
        }
    }

    /// Whether no dataset has records in both groups.
    fn may_meet(&self, a: u32, b: u32, [(one, _), (other, _)]: [(u32, u32); 2]) -> bool {
        let Some(datasets) = &self.datasets else { return true };
        let of = |root| datasets.get(&root).map(Vec::as_slice);
        match (of(a), of(b)) {
            (None, None) => one != other,
            (Some(a), None) => a.binary_search(&other).is_err(),
            (None, Some(b)) => b.binary_search(&one).is_err(),
            (Some(a), Some(b)) => {
                let (few, many) = if a.len() < b.len() { (a, b) } else { (b, a) };
                few.iter().all(|dataset| many.binary_search(dataset).is_err())
            }
        }
    }

    fn merge(&mut self, a: u32, b: u32, [(one, _), (other, _)]: [(u32, u32); 2]) {
        // What has fewer neighbours is moved.
        let (kept, gone) = if self.near[a as usize].len() < self.near[b as usize].len() { (b, a) } else { (a, b) };
        self.parent[gone as usize] = kept;
        self.size[kept as usize] += self.size[gone as usize];
        if let Some(datasets) = &mut self.datasets {
            let mut of_both = datasets.remove(&a).unwrap_or_else(|| vec![one]);
            of_both.extend(datasets.remove(&b).unwrap_or_else(|| vec![other]));
            of_both.sort_unstable();
            datasets.insert(kept, of_both);
        }
        self.edges.remove(&(a.min(b), a.max(b)));
        for near in std::mem::take(&mut self.near[gone as usize]) {
            // Nothing, where `near` is a root no longer: its edges were moved.
            let Some(edges) = self.edges.remove(&(near.min(gone), near.max(gone))) else { continue };
            match self.edges.entry((near.min(kept), near.max(kept))) {
                Entry::Occupied(mut sum) => *sum.get_mut() += edges,
                Entry::Vacant(place) => {
                    place.insert(edges);
                    self.near[kept as usize].push(near);
                    self.near[near as usize].push(kept);
                }
            }
        }
    }

    fn finish(mut self, pairs: &[CandidatePair], ids: &Ids) -> Vec<Group> {
        let mut of_root: HashMap<u32, Group> = HashMap::new();
        for record in pairs.iter().flat_map(CandidatePair::records) {
            let id = ids.of(record);
            let root = self.root(id);
            let group = of_root.entry(root).or_default();
            // Records come as often as they are in pairs; a size of 0 marks those that came.
            if self.size[id] > 0 {
                self.size[id] = 0;
                group.push(record);
            }
        }
        let mut groups: Vec<Group> = of_root.into_values().filter(|group| group.len() > 1).map(in_order).collect();
        groups.sort_unstable();
        groups
    }
}
