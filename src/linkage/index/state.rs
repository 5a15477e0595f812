//! What is in an index at one moment: segments that never change, and which of their rows were withdrawn.

use std::collections::HashSet;
use std::sync::Arc;

use super::model::IndexModel;
use super::rows::{Rows, Shape};
use super::segment::{MOST, Segment};
use crate::cohort::RowId;

/// A moment of the index. Copying one copies no rows.
#[derive(Clone)]
pub(super) struct State {
    /// In the schema's order.
    pub(super) parties: Vec<Party>,
    pub(super) model: IndexModel,
}

/// The rows of one party, the oldest first; the last segments may be small.
#[derive(Clone, Default)]
pub(super) struct Party {
    pub(super) segments: Vec<Held>,
}

/// A segment, and which of its rows were withdrawn.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) segment: Arc<Segment>,
    gone: Option<Arc<Vec<bool>>>,
    pub(super) withdrawn: usize,
}

impl Held {
    fn new(segment: Segment) -> Self {
        Held { segment: Arc::new(segment), gone: None, withdrawn: 0 }
    }

    pub(super) fn is_live(&self, row: usize) -> bool {
        self.gone.as_ref().is_none_or(|gone| !gone[row])
    }

    fn live(&self) -> Rows {
        let rows = self.segment.rows();
        rows.select((0..rows.len()).filter(|&row| self.is_live(row)))
    }
}

impl State {
    pub(super) fn new(parties: usize, model: IndexModel) -> Self {
        State { parties: vec![Party::default(); parties], model }
    }

    /// Appends rows. Small segments are joined with others of about their size, so that there are few; rows that were withdrawn
    /// are left out then.
    pub(super) fn append(&mut self, rows: Rows, shape: &Shape) {
        if rows.len() == 0 {
            return;
        }
        let party = rows.party;
        let segments = &mut self.parties[usize::from(party)].segments;
        let mut size = rows.len();
        let mut parts = vec![rows];
        let joins = |last: &Held, size: usize| last.segment.len() < MOST && last.segment.len() <= 2 * size;
        while let Some(last) = segments.pop_if(|last| joins(last, size)) {
            let rows = last.live();
            size += rows.len();
            parts.push(rows);
        }
        let mut rows = Rows::none(shape, party);
        parts.iter().rev().for_each(|part| rows.extend(part));
        for start in (0..rows.len()).step_by(MOST) {
            segments.push(Held::new(Segment::new(rows.select(start..(start + MOST).min(rows.len())))));
        }
    }

    /// Marks the rows of a party with these ids.
    pub(super) fn withdraw(&mut self, ids: &HashSet<RowId>) {
        for held in self.parties.iter_mut().flat_map(|party| &mut party.segments) {
            let found = held.segment.rows().ids.iter().enumerate().filter(|(_, id)| ids.contains(id));
            let rows: Vec<usize> = found.map(|(row, _)| row).filter(|&row| held.is_live(row)).collect();
            if rows.is_empty() {
                continue;
            }
            let count = held.segment.len();
            let gone = held.gone.get_or_insert_with(|| Arc::new(vec![false; count]));
            let gone = Arc::make_mut(gone);
            rows.iter().for_each(|&row| gone[row] = true);
            held.withdrawn += rows.len();
        }
    }
}
