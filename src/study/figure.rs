//! Counting children by time since their own event.

use super::ids::{Child, Id, Observations, StudyIds};
use super::suppress::{Table, Totals};
use super::time::{Period, Timeline};
use crate::error::{Error, Result};

/// What is counted of a measure.
#[derive(Clone, Debug, PartialEq)]
pub enum Classes {
    /// Whether it is above 0 at any time in a window.
    Flag,
    /// Whether the least value in a window is below this limit.
    Below(f64),
}

/// What it means that a party has a record of a child, and no row for the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRow {
    /// That nothing happened: a party that writes down events.
    Nothing,
    /// That nothing is known: a party that writes down everybody.
    Unknown,
}

/// A figure of a study: one measure of one party over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Its title.
    pub title: String,
    /// The column of the party's table.
    pub measure: String,
    /// What is counted.
    pub classes: Classes,
    /// What a row that is not there means.
    pub no_row: NoRow,
    /// What it is called when the condition holds, and when it does not.
    pub names: [String; 2],
}

/// The last column: children of whom the party has no record. They are a finding, or a link that was missed.
pub const NO_RECORD: &str = "no record";

impl Figure {
    /// Counts children in the windows of a timeline, each relative to the child's own event; children without an event are
    /// not counted. Columns: the condition holds, it does not, the party has [no record](NO_RECORD). Shares are of the first
    /// two. Row totals are published, and no others: the same children stand in every row.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where the observations have no such measure.
    pub fn count<P: Period>(
        &self,
        ids: &StudyIds,
        children: &[Child],
        timeline: &Timeline<P>,
        observed: &Observations<P>,
    ) -> Result<Table> {
        let measure = observed.measure(&self.measure);
        let measure = measure.ok_or_else(|| Error::argument(format!("there is no measure {}", self.measure)))?;
        let mut counts = vec![vec![0; 3]; timeline.windows.len()];
        for child in children {
            let Some(event) = child.person.event else { continue };
            for (window, counts) in timeline.windows.iter().zip(&mut counts) {
                let Some(periods) = timeline.periods(window, event, child.person.born) else { continue };
                let held = ids.has(child.id, observed.party());
                counts[self.class(periods, child.id, held, measure, observed)] += 1;
            }
        }
        let [yes, no] = self.names.clone();
        Ok(Table {
            title: self.title.clone(),
            heading: "since the event".to_owned(),
            rows: timeline.windows.iter().map(|window| window.name.clone()).collect(),
            columns: vec![yes, no, NO_RECORD.to_owned()],
            counts,
            totals: Totals::Rows,
            base: vec![0, 1],
        })
    }

    fn class<P: Period>(
        &self,
        periods: impl Iterator<Item = P>,
        child: Id,
        held: bool,
        measure: usize,
        observed: &Observations<P>,
    ) -> usize {
        const YES: usize = 0;
        const NO: usize = 1;
        const NONE: usize = 2;
        if !held {
            return NONE;
        }
        let mut class = if self.no_row == NoRow::Nothing { NO } else { NONE };
        for value in periods.filter_map(|period| observed.row(child, period)?[measure]) {
            let holds = match self.classes {
                Classes::Flag => value > 0.0,
                Classes::Below(limit) => value < limit,
            };
            if holds {
                return YES;
            }
            class = NO;
        }
        class
    }
}
