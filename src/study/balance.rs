//! A comparison group, and whether it is one.

use std::collections::BTreeMap;

use super::ids::Child;
use super::suppress::{Disclosure, Published, Shown, Table, Totals};
use crate::error::Result;

/// The rows of a balance table.
const GROUPS: [&str; 3] = ["study group", "comparison group", "others, not chosen"];

/// Children without an event, each put beside one with it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Comparison {
    /// The children chosen; each has the event date of the child it stands beside, from which its time is counted.
    pub chosen: Vec<Child>,
    /// The others, not chosen.
    pub others: Vec<Child>,
    /// Children of the study group for whom there was nobody.
    pub alone: usize,
}

/// Chooses up to `ratio` children without an event for each child with one, of the same sex and born in the same year, each
/// child once. Who is chosen among equals depends on study ids alone, which are random.
#[must_use]
pub fn matched(children: &[Child], ratio: usize) -> Comparison {
    let key = |child: &Child| Some((child.person.sex?, child.person.born?.year()));
    let mut pool: BTreeMap<(char, i32), Vec<Child>> = BTreeMap::new();
    let mut comparison = Comparison::default();
    let mut sorted: Vec<&Child> = children.iter().collect();
    sorted.sort_unstable_by_key(|child| child.id);
    for child in sorted.iter().rev().filter(|child| child.person.event.is_none()) {
        match key(child) {
            Some(key) => pool.entry(key).or_default().push(**child),
            None => comparison.others.push(**child),
        }
    }
    // One each before anybody gets a second.
    for round in 0..ratio {
        for child in sorted.iter().filter(|child| child.person.event.is_some()) {
            match key(child).and_then(|key| pool.get_mut(&key)?.pop()) {
                Some(mut beside) => {
                    beside.person.event = child.person.event;
                    comparison.chosen.push(beside);
                }
                None => comparison.alone += usize::from(round == 0),
            }
        }
    }
    comparison.others.extend(pool.into_values().flatten());
    comparison.chosen.sort_unstable_by_key(|child| child.id);
    comparison
}

/// How alike groups are in one thing that is known of the children.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Balance {
    /// Counts by group (rows) and value (columns).
    pub table: Published,
    /// For each value, the standardised difference between the study group and the comparison group, and that to the others:
    /// the difference of shares in standard deviations (Austin 2009). Above 0.1 in either direction a comparison is not one of
    /// like with like. From the counts as they are published; `None` where these are not shown or do not vary.
    pub differences: Vec<[Option<f64>; 2]>,
}

/// A balance table. Groups have nobody in common, so that no two rows can be subtracted: the comparison group is not in the
/// others.
///
/// # Errors
/// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where `value` gives a place that `values` does not have.
pub fn balance(
    title: &str,
    values: &[&str],
    groups: [&[Child]; 3],
    value: impl Fn(&Child) -> usize,
    disclosure: Disclosure,
) -> Result<Balance> {
    let count = |group: &[Child]| {
        let mut counts = vec![0; values.len()];
        for child in group {
            let place = value(child);
            let count = counts.get_mut(place);
            *count
                .ok_or_else(|| crate::Error::argument("a child has a value that the balance table does not have"))? +=
                1;
        }
        Ok(counts)
    };
    let table = Table {
        title: title.to_owned(),
        heading: "group".to_owned(),
        rows: GROUPS.map(str::to_owned).to_vec(),
        columns: values.iter().map(|value| (*value).to_owned()).collect(),
        counts: groups.into_iter().map(count).collect::<Result<_>>()?,
        totals: Totals::Rows,
        base: Vec::new(),
    };
    let table = table.publish(disclosure)?;
    let differences = (0..values.len()).map(|column| [1, 2].map(|group| apart(&table, column, group))).collect();
    Ok(Balance { table, differences })
}

fn apart(table: &Published, column: usize, group: usize) -> Option<f64> {
    let of = |row: usize| {
        let total = table.row_totals.as_ref()?.get(row).copied().and_then(Shown::count).filter(|total| *total > 0)?;
        // Rounded, a part may come out above its whole.
        Some((table.counts[row][column].count()? as f64 / total as f64).min(1.0))
    };
    let (p, q) = (of(0)?, of(group)?);
    let spread = f64::midpoint(p * (1.0 - p), q * (1.0 - q)).sqrt();
    if spread == 0.0 { (p == q).then_some(0.0) } else { Some((p - q) / spread) }
}
