//! The best rows for those that are asked for: exact, and the same whatever the number of threads.
//!
//! Each row that is asked for has its best so far, and what cannot be among them is not looked at: `IndexModel::bounds` says
//! what that means for one encoding's count, which is what the kernels compare. The best are found by a first score. By
//! mean similarity that is the score; where weights were learned, as in a linkage, they are looked at closely then.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};

use rayon::prelude::*;

use super::super::links::Reason;
use super::super::scale::Scale;
use super::super::score::Kernel;
use super::model::{Bound, IndexModel, Rule};
use super::segment::{Asked, Memory};
use super::state::{Held, Party};
use crate::cohort::RowId;

/// Fewer segments than this are searched by one thread.
const FEW: usize = 16;

/// A row of a party.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    segment: usize,
    row: usize,
}

/// One of the best so far. Greater ones are better: a higher score, and of equal ones the lower id.
struct Found {
    score: f32,
    id: Reverse<RowId>,
    place: Place,
    indices: Vec<u16>,
}

impl Ord for Found {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(self.id.cmp(&other.id))
    }
}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Found {}

/// The best so far of one row that is asked for, the worst of them on top.
struct Best {
    keep: usize,
    least: f32,
    heap: BinaryHeap<Reverse<Found>>,
}

impl Best {
    fn new(keep: usize, least: f32) -> Self {
        Best { keep, least, heap: BinaryHeap::new() }
    }

    /// What scores less is not kept.
    fn floor(&self) -> f32 {
        match self.heap.peek() {
            Some(Reverse(worst)) if self.heap.len() >= self.keep => worst.score.max(self.least),
            _ => self.least,
        }
    }

    fn add(&mut self, found: Found) {
        self.heap.push(Reverse(found));
        if self.heap.len() > self.keep {
            self.heap.pop();
        }
    }
}

/// What a search is told.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) scales: &'a [Scale],
    pub(super) kernel: Kernel,
    pub(super) model: &'a IndexModel,
    /// How many of each party are wanted for each row, and from which score on.
    pub(super) most: usize,
    pub(super) least: f32,
    /// How many are looked at closely at least.
    pub(super) keep: usize,
}

/// A row of the index for one that was asked for.
pub(super) struct Match {
    pub(super) id: RowId,
    pub(super) score: f32,
    pub(super) reason: Reason,
}

impl Search<'_> {
    /// The best rows of a party for each row that is asked for.
    pub(super) fn party(&self, asked: &Asked, party: &Party) -> Vec<Vec<Match>> {
        let segments: Vec<(usize, &Held)> = party.segments.iter().enumerate().collect();
        let threads = if segments.len() < FEW { 1 } else { rayon::current_num_threads() };
        let part = segments.len().div_ceil(threads).max(1);
        let mut best: Vec<Best> = if threads == 1 {
            self.segments(asked, &segments)
        } else {
            let parts: Vec<Vec<Best>> = segments.par_chunks(part).map(|some| self.segments(asked, some)).collect();
            let mut parts = parts.into_iter();
            let mut all = parts.next().unwrap_or_default();
            for part in parts {
                for (all, part) in all.iter_mut().zip(part) {
                    part.heap.into_iter().for_each(|Reverse(found)| all.add(found));
                }
            }
            all
        };
        let by_key = self.by_key(asked, party);
        let rows = best.iter_mut().zip(by_key).enumerate();
        rows.map(|(place, (best, keys))| self.closely(asked, place, std::mem::take(&mut best.heap), &keys, party))
            .collect()
    }

    fn segments<'s>(&self, asked: &Asked, segments: &[(usize, &'s Held)]) -> Vec<Best> {
        let least = self.model.first_least(self.scales, self.least);
        let keep = if self.model.is_learned() { self.most.max(self.keep) } else { self.most };
        let mut best: Vec<Best> = (0..asked.rows.len()).map(|_| Best::new(keep, least)).collect();
        let mut memory = Memory::default();
        let mut floors = vec![f32::NAN; best.len()];
        let mut bounds: Vec<Vec<Bound>> = vec![Vec::new(); best.len()];
        if keep == 0 {
            return best;
        }
        // What the first block holds says where to begin: without it all rows of the first segment would be looked at.
        let first = |(place, held): (usize, &(usize, &'s Held))| {
            let blocks = held.1.segment.blocks();
            let cut = if place == 0 { blocks.min(1) } else { 0 };
            [(held.0, held.1, 0..cut), (held.0, held.1, cut..blocks)]
        };
        for (segment, held, blocks) in segments.iter().enumerate().flat_map(first) {
            for ((best, floor), bounds) in best.iter().zip(&mut floors).zip(&mut bounds) {
                if *floor != best.floor() {
                    *floor = best.floor();
                    *bounds = self.model.bounds(self.scales, *floor);
                }
            }
            if blocks.is_empty() {
                continue;
            }
            let told = (self.scales, self.kernel);
            held.segment.search(blocks, (asked, &bounds), told, &mut memory, |place, row, indices| {
                let score = self.model.first(self.scales, indices);
                if score >= best[place].floor() && held.is_live(row) {
                    let place_of = Place { segment, row };
                    let id = Reverse(held.segment.id(row));
                    best[place].add(Found { score, id, place: place_of, indices: indices.to_vec() });
                }
            });
        }
        best
    }

    /// For each row that is asked for, rows that share a match key which nobody else of their party has, with the first such
    /// key.
    fn by_key(&self, asked: &Asked, party: &Party) -> Vec<HashMap<Place, (u8, Vec<u16>)>> {
        let mut all: Vec<HashMap<Place, (u8, Vec<u16>)>> = vec![HashMap::new(); asked.rows.len()];
        let mut memory = Memory::default();
        for (key, column) in asked.rows.keys.iter().enumerate() {
            for (place, value) in column.iter().enumerate() {
                let Some(value) = *value else { continue };
                let holders = party.segments.iter().enumerate().flat_map(|(segment, held)| {
                    let rows = held.segment.with_key(key, value).filter(|&row| held.is_live(row));
                    rows.map(move |row| Place { segment, row })
                });
                let holders: Vec<Place> = holders.take(2).collect();
                let [only] = holders[..] else { continue };
                if all[place].contains_key(&only) {
                    continue;
                }
                let told = (self.scales, self.kernel);
                let segment = &party.segments[only.segment].segment;
                let mut found = segment.indices(asked, &[(place, only.row)], told, &mut memory);
                if let Some(indices) = found.remove(&(place, only.row)) {
                    all[place].insert(only, (key as u8, indices));
                }
            }
        }
        all
    }

    /// Scores what was found for one row, and keeps what is asked for.
    fn closely(
        &self,
        asked: &Asked,
        place: usize,
        found: BinaryHeap<Reverse<Found>>,
        keys: &HashMap<Place, (u8, Vec<u16>)>,
        party: &Party,
    ) -> Vec<Match> {
        let segment = |of: Place| &party.segments[of.segment].segment;
        let mut pool: HashMap<Place, Vec<u16>> =
            found.into_iter().map(|Reverse(found)| (found.place, found.indices)).collect();
        for (&of, (_, indices)) in keys {
            pool.entry(of).or_insert_with(|| indices.clone());
        }
        // In the order of ids, so that sums do not depend on the order of a hash map.
        let mut pool: Vec<(RowId, Place, Vec<u16>)> =
            pool.into_iter().map(|(of, indices)| (segment(of).id(of.row), of, indices)).collect();
        pool.sort_unstable_by_key(|(id, ..)| *id);
        let scores: Vec<f32> = match &self.model.rule {
            Rule::Similarity(_) => pool.iter().map(|(.., indices)| self.model.first(self.scales, indices)).collect(),
            Rule::Learned(kept) => {
                let ratio = |(_, of, indices): &(RowId, Place, Vec<u16>)| {
                    kept.ratio(self.scales, indices, &segment(*of).classes(of.row, asked, place))
                };
                kept.weights(&pool.iter().map(ratio).collect::<Vec<_>>())
            }
        };
        let matches = pool.iter().zip(scores).map(|((id, of, _), score)| {
            let reason = keys.get(of).map_or(Reason::Similarity, |&(key, _)| Reason::MatchKey(key));
            Match { id: *id, score, reason }
        });
        let wanted = |found: &Match| found.reason != Reason::Similarity || found.score >= self.least;
        let mut matches: Vec<Match> = matches.filter(wanted).collect();
        matches.sort_unstable_by(|x, y| {
            let scores = y.score.total_cmp(&x.score);
            x.reason.rank().cmp(&y.reason.rank()).then(scores).then(x.id.cmp(&y.id))
        });
        matches.truncate(self.most);
        matches
    }
}
