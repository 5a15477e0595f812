//! Rows in the order of their ids, whatever their order in the file, so that a tie is settled the same way.

use super::super::links::Member;
use super::{Candidate, in_order};
use crate::cohort::Cohort;

/// Where the rows of cohorts stand in the order of row ids. Files that this crate made are in that order already.
pub(in crate::linkage) struct Order(Vec<Option<Places>>);

struct Places {
    place_of: Vec<u32>,
    row_at: Vec<u32>,
}

impl Order {
    pub(in crate::linkage) fn new(cohorts: &[&Cohort]) -> Self {
        let places = |cohort: &&Cohort| {
            let ids = cohort.row_ids();
            (!ids.is_sorted()).then(|| {
                let mut row_at: Vec<u32> = (0..ids.len() as u32).collect();
                row_at.sort_unstable_by_key(|&row| ids[row as usize]);
                let mut place_of = vec![0; ids.len()];
                (0..).zip(&row_at).for_each(|(place, &row)| place_of[row as usize] = place);
                Places { place_of, row_at }
            })
        };
        Order(cohorts.iter().map(places).collect())
    }

    /// Places instead of rows.
    pub(in crate::linkage) fn place(&self, Member { cohort, row }: Member) -> Member {
        let place = |places: &Places| places.place_of[row as usize];
        Member { cohort, row: self.0[cohort].as_ref().map_or(row, place) }
    }

    /// Rows instead of places.
    pub(in crate::linkage) fn row(&self, Member { cohort, row: place }: Member) -> Member {
        let row = |places: &Places| places.row_at[place as usize];
        Member { cohort, row: self.0[cohort].as_ref().map_or(place, row) }
    }

    /// Candidates of two cohorts, or within one, with places instead of rows.
    pub(in crate::linkage) fn places(&self, (i, j): (usize, usize), candidates: &mut [Candidate]) {
        if self.0[i].is_none() && self.0[j].is_none() {
            return;
        }
        for candidate in candidates.iter_mut() {
            let a = self.place(Member { cohort: i, row: candidate.a });
            let b = self.place(Member { cohort: j, row: candidate.b });
            (candidate.a, candidate.b) = (a.min(b).row, a.max(b).row);
        }
        candidates.sort_unstable_by(in_order);
    }
}
