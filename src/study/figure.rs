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

impl Figure {
    /// Counts children in the windows of a timeline, each relative to the child's own event, where the condition holds and
    /// where it does not; children without an event, or without a record of the party, are not counted. Row totals are
    /// published, and no others: the same children stand in every row.
    ///
    /// How many have no record is a table of its own, counted once: beside each figure, that number and the total would
    /// tell a part that is hidden in another figure.
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
        let mut counts = vec![vec![0; 2]; timeline.windows.len()];
        for child in children {
            let Some(event) = child.person.event else { continue };
            for (window, counts) in timeline.windows.iter().zip(&mut counts) {
                let Some(periods) = timeline.periods(window, event, child.person.born) else { continue };
                if ids.has(child.id, observed.party())
                    && let Some(holds) = self.holds(periods, child.id, measure, observed)
                {
                    counts[usize::from(!holds)] += 1;
                }
            }
        }
        Ok(Table {
            title: self.title.clone(),
            heading: "since the event".to_owned(),
            rows: timeline.windows.iter().map(|window| window.name.clone()).collect(),
            columns: self.names.to_vec(),
            counts,
            totals: Totals::Rows,
            base: Vec::new(),
        })
    }

    /// Whether the condition holds; `None` where nothing is known.
    fn holds<P: Period>(
        &self,
        periods: impl Iterator<Item = P>,
        child: Id,
        measure: usize,
        observed: &Observations<P>,
    ) -> Option<bool> {
        let mut known = (self.no_row == NoRow::Nothing).then_some(false);
        for value in periods.filter_map(|period| observed.row(child, period)?[measure]) {
            let holds = match self.classes {
                Classes::Flag => value > 0.0,
                Classes::Below(limit) => value < limit,
            };
            known = Some(known.unwrap_or_default() || holds);
        }
        known
    }
}
