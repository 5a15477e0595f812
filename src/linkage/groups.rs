//! Who is linked how often: match rates of coarse groups that somebody knows of the rows.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::assign::constraints::Problems;
use super::links::Links;
use super::model::Uncertain;
use super::suppress::{Cell, Counted, safe};
use crate::cohort::{Cohort, RowId};
use crate::error::{Error, Result};
use crate::wilson;

/// How many groups there may be: more would be traits of single people.
pub const MOST_GROUPS: usize = 50;

/// How many characters a group's name may have.
const LONGEST_NAME: usize = 60;

/// What rows without a group are called.
const NO_GROUP: &str = "(no group told)";

/// The coarse groups of one party's rows, such as age bands or wards: for [`Links::match_rates`].
///
/// The party that knows its people makes the table. What it says of a row it tells whoever gets the table, so it is safest
/// where that party itself reads it, beside its own table of links; a linkage unit that is given it learns the groups.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Groups {
    path: Option<PathBuf>,
    names: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Row {
    line: u64,
    id: RowId,
    group: usize,
}

/// How many rows of a group are linked.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MatchRate {
    /// The group's name, or that none is told.
    pub group: String,
    /// Its rows.
    pub rows: Counted,
    /// How many of them are linked. `None` where these or the others are too few to be shown, or would tell how few there are
    /// in another group.
    pub linked: Option<u64>,
    /// The share that is linked, where it is shown, with its 95 % interval (Wilson 1927).
    pub rate: Option<Uncertain>,
}

impl Groups {
    /// Reads a CSV file with the columns `row_id,group`. Rows that are not in it, or have no group there, are counted as such.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io); [`ErrorKind::Key`](crate::ErrorKind::Key) where a line of it is a key;
    /// [`ErrorKind::File`](crate::ErrorKind::File) where the columns are others, it is no CSV, or there are more than [`MOST_GROUPS`] groups; [`ErrorKind::Rows`](crate::ErrorKind::Rows) with every line
    /// that has no row id, one that was there before, or a name of a group that is too long.
    pub fn read_csv(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, "read", e))?;
        crate::key_file::refuse(path, &bytes)?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let mut csv = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
        // What the csv library says may hold values.
        let broken = |_| Error::file(path, "is not a CSV file in UTF-8");
        if *csv.byte_headers().map_err(broken)? != ["row_id", "group"][..] {
            return Err(Error::file(path, "must have the columns row_id and group, in this order"));
        }
        let mut found: Vec<(u64, RowId, String)> = Vec::new();
        let mut seen: HashMap<RowId, u64> = HashMap::new();
        let mut problems = Problems::default();
        for (number, record) in (1..).zip(csv.records()) {
            let record = record.map_err(|error| match error.position() {
                Some(position) => Error::file(path, format!("line {} is not CSV in UTF-8", position.line())),
                None => broken(error),
            })?;
            let line = record.position().map_or(0, csv::Position::line);
            let (id, group) = (record.get(0).unwrap_or_default(), record.get(1).unwrap_or_default());
            if record.len() != 2 {
                problems.add(number, line, "", "does not have two columns");
            } else if group.chars().count() > LONGEST_NAME || group.chars().any(char::is_control) {
                problems.add(number, line, "group", "is too long, or has control characters");
            } else if let Ok(id) = id.parse::<RowId>() {
                if seen.insert(id, line).is_some() {
                    problems.add(number, line, "row_id", "was there before");
                }
                found.push((line, id, group.to_owned()));
            } else {
                problems.add(number, line, "row_id", "is not a row id (32 hexadecimal digits)");
            }
        }
        problems.into_result(Some(path))?;
        let names: BTreeSet<&str> = found.iter().map(|(.., group)| group.as_str()).collect();
        if names.len() > MOST_GROUPS {
            return Err(Error::file(path, format!("has more than {MOST_GROUPS} groups; make them coarser")));
        }
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let place = |group: &String| names.binary_search(group).unwrap_or_default();
        let rows = found.iter().map(|&(line, id, ref group)| Row { line, id, group: place(group) }).collect();
        Ok(Groups { path: Some(path.to_owned()), names, rows })
    }

    /// Whether every row of the table is one of this cohort: [`Links::match_rates`] says so too, but after the linkage.
    ///
    /// # Errors
    /// [`ErrorKind::Rows`](crate::ErrorKind::Rows) with every line that names no row of it.
    pub fn check(&self, cohort: &Cohort) -> Result<()> {
        self.of_rows(cohort.row_ids()).map(|_| ())
    }

    /// The group of each row; one past the last where none is told.
    fn of_rows(&self, ids: &[RowId]) -> Result<Vec<usize>> {
        let places: HashMap<RowId, usize> = ids.iter().copied().zip(0..).collect();
        let mut group_of = vec![self.names.len(); ids.len()];
        let mut problems = Problems::default();
        for (number, row) in (1..).zip(&self.rows) {
            match places.get(&row.id) {
                Some(&place) => group_of[place] = row.group,
                None => problems.add(number, row.line, "row_id", "is not a row of that party's cohort"),
            }
        }
        problems.into_result(self.path.as_deref())?;
        Ok(group_of)
    }

    /// The groups' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// Counts only.
impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Groups({} rows in {} groups)", self.rows.len(), self.names.len())
    }
}

impl Links {
    /// How many rows of each group of a party are linked to anybody, in the order of the groups' names; rows without a group
    /// come last.
    ///
    /// A low rate may mean that a group's records are harder to link, or that its people are in no other file. Counts below
    /// the schema's `suppress_below` are not shown and cannot be worked out from the others, nor from a rate.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where the party was not linked;
    /// [`ErrorKind::Rows`](crate::ErrorKind::Rows) with every line that names no row of it.
    pub fn match_rates(&self, party: &str, groups: &Groups) -> Result<Vec<MatchRate>> {
        let cohort = self.cohort(party)?;
        let ids = &self.parties[cohort].row_ids;
        let mut linked = vec![false; ids.len()];
        for member in self.clusters.iter().flat_map(|cluster| &cluster.members).filter(|m| m.cohort == cohort) {
            linked[member.row as usize] = true;
        }
        let group_of = groups.of_rows(ids)?;
        // The empty name, which is in order the first, and rows that are not in the table.
        let mut counts = vec![(0, 0); groups.names.len() + 1];
        for (&group, &linked) in group_of.iter().zip(&linked) {
            let group = if groups.names.get(group).is_some_and(String::is_empty) { groups.names.len() } else { group };
            counts[group].0 += 1;
            counts[group].1 += u64::from(linked);
        }
        let names = groups.names.iter().map(String::as_str).chain([NO_GROUP]);
        let (names, counts): (Vec<&str>, Vec<(u64, u64)>) =
            names.zip(counts).filter(|(name, (rows, _))| !name.is_empty() && (*rows > 0 || *name != NO_GROUP)).unzip();
        let below = self.schema.linkage().suppress_below();
        let mut rates = Vec::new();
        for ((group, (rows, shown)), &(all, linked)) in names.into_iter().zip(suppressed(&counts, below)).zip(&counts) {
            let (low, high) = wilson::interval(linked, all);
            let rate = Uncertain { value: linked as f64 / all.max(1) as f64, low, high };
            rates.push(MatchRate {
                group: group.to_owned(),
                rows,
                linked: shown.then_some(linked),
                rate: (shown && all > 0).then_some(rate),
            });
        }
        Ok(rates)
    }
}

/// The rows of each group as they may be shown, and whether it may be shown how many are linked. How many rows there are in
/// all, and how many of them are linked, may be known.
fn suppressed(counts: &[(u64, u64)], suppress_below: u32) -> Vec<(Counted, bool)> {
    let below = u64::from(suppress_below);
    let rows = Counted::parts(&counts.iter().map(|(rows, _)| *rows).collect::<Vec<_>>(), suppress_below);
    let few = |count: u64| count > 0 && count < below;
    let mut hidden = Vec::new();
    let mut cells = Vec::new();
    let cell = |group: usize, small: bool| {
        let most = match rows[group] {
            Counted::Exactly(rows) => rows,
            Counted::Below(limit) => limit - 1,
        };
        // That it is none or all would be shown, if nothing else had to be hidden.
        let known = u64::from(small && rows[group].exact().is_some());
        Cell { value: counts[group].1, low: known, high: most - known, small }
    };
    for (group, &(all, linked)) in counts.iter().enumerate() {
        if rows[group].exact().is_none() || few(linked) || few(all - linked) {
            hidden.push(group);
            cells.push(cell(group, true));
        }
    }
    let mut others: Vec<usize> = (0..counts.len()).filter(|group| !hidden.contains(group)).collect();
    // Groups of which none or all are linked hide nothing: they come last.
    others.sort_by_key(|&group| {
        let (all, linked) = counts[group];
        (linked == 0 || linked == all, all)
    });
    for group in others {
        if safe(&cells, below) {
            break;
        }
        hidden.push(group);
        cells.push(cell(group, false));
    }
    rows.iter().enumerate().map(|(group, &rows)| (rows, !hidden.contains(&group))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(counts: &[(u64, u64)]) -> Vec<bool> {
        suppressed(counts, 10).into_iter().map(|(_, shown)| shown).collect()
    }

    #[test]
    fn few_linked_and_few_others_are_hidden_with_company() {
        assert_eq!(shown(&[(100, 50), (200, 80)]), [true, true]);
        assert_eq!(shown(&[(100, 0), (200, 200)]), [true, true], "none and all are no small number of people");
        // Three are not linked: another group must go, and the smallest does.
        assert_eq!(shown(&[(100, 97), (400, 80), (200, 80)]), [false, true, false]);
        assert_eq!(shown(&[(100, 3), (400, 0), (500, 80)]), [false, true, false]);
        // Nine and ten of two small groups: their sum would tell both, if all but one are linked.
        assert_eq!(shown(&[(20, 19), (30, 29), (100, 50)]), [false; 3]);
        let rows = suppressed(&[(3, 1), (50, 20), (100, 50)], 10);
        assert_eq!(rows[0].0, Counted::Below(10));
        assert_eq!(rows[1].0.exact(), None, "the rows of the small group are no difference");
        assert!(suppressed(&[(3, 1), (50, 2)], 0).iter().all(|(rows, shown)| *shown && rows.exact().is_some()));
        assert!(suppressed(&[], 10).is_empty());
    }
}
