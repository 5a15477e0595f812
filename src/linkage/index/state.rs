//! What is in an index at one moment: segments that never change, and which of their rows were withdrawn.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::scale::Scale;
use super::super::score::Kernel;
use super::model::IndexModel;
use super::rows::{Rows, Shape};
use super::segment::{Segment, TURNED, join};
use crate::cohort::RowId;

/// A moment of the index. Copying one copies no rows.
#[derive(Clone)]
pub(super) struct State {
    /// In the schema's order.
    pub(super) parties: Vec<Party>,
    pub(super) model: IndexModel,
}

/// The rows of one party, the oldest first; the last segments may be small and not on their side.
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

    fn rows(&self) -> Option<Rows> {
        self.segment.as_rows().map(|rows| rows.select((0..rows.len()).filter(|&row| self.is_live(row))))
    }
}

impl State {
    pub(super) fn new(parties: usize, model: IndexModel) -> Self {
        State { parties: vec![Party::default(); parties], model }
    }

    /// Appends rows. Small segments are joined with others of about their size, so that there are few, and turned on their side
    /// when they are large enough; rows that were withdrawn are left out then.
    pub(super) fn append(&mut self, rows: Rows, shape: &Shape, (scales, kernel): (&[Scale], Kernel)) {
        if rows.len() == 0 {
            return;
        }
        let party = rows.party;
        let segments = &mut self.parties[usize::from(party)].segments;
        let mut size = rows.len();
        let mut parts = vec![rows];
        while let Some(rows) =
            segments.last().filter(|last| last.segment.rows() <= 2 * size.min(TURNED)).and_then(Held::rows)
        {
            size += rows.len();
            parts.push(rows);
            segments.pop();
        }
        let mut rows = match parts.len() {
            1 => parts.remove(0),
            _ => join(shape, party, parts.into_iter().rev()),
        };
        if rows.len() >= TURNED {
            let whole = rows.len() / TURNED * TURNED;
            for start in (0..whole).step_by(TURNED) {
                let some = rows.select(start..start + TURNED);
                segments.push(Held::new(Segment::turned(some, scales, kernel)));
            }
            rows = rows.select(whole..rows.len());
        }
        if rows.len() > 0 {
            segments.push(Held::new(Segment::plain(rows)));
        }
    }

    /// Marks the rows of a party with these ids.
    pub(super) fn withdraw(&mut self, ids: &HashSet<RowId>) {
        for held in self.parties.iter_mut().flat_map(|party| &mut party.segments) {
            let found = held.segment.ids().iter().enumerate().filter(|(_, id)| ids.contains(id));
            let rows: Vec<usize> = found.map(|(row, _)| row).filter(|&row| held.is_live(row)).collect();
            if rows.is_empty() {
                continue;
            }
            let count = held.segment.rows();
            let gone = held.gone.get_or_insert_with(|| Arc::new(vec![false; count]));
            let gone = Arc::make_mut(gone);
            rows.iter().for_each(|&row| gone[row] = true);
            held.withdrawn += rows.len();
        }
    }
}
