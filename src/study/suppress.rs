//! Tables of counts, and what of them may be published.

use std::fmt;

use super::protect::protect;
use crate::error::{Error, Result};

/// Which totals are published with a table. Whoever can work one out from another table has it too: then say that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Totals {
    /// None: nobody knows what the cells add up to.
    None,
    /// One for each row: rows are moments, say, at which the same children are counted again.
    Rows,
    /// For each row, for each column, and for all.
    Both,
}

/// How counts are made safe before they are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disclosure {
    below: u32,
    round_to: u32,
}

impl Disclosure {
    /// Counts above 0 and below `below` are not shown, and all others are rounded to the nearest multiple of `round_to`, up
    /// from the middle. 0 for either does nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where `below` is 1 or 2, which would hide nothing or hide only
    /// ones, or where either is above 1,000.
    pub fn new(below: u32, round_to: u32) -> Result<Self> {
        if below == 1 || below == 2 || below > 1_000 || round_to > 1_000 {
            return Err(Error::argument(
                "small numbers are those below 3 or more (or 0: all are shown), and counts are rounded to at most 1,000",
            ));
        }
        Ok(Disclosure { below, round_to })
    }

    /// The smallest count that is shown.
    #[must_use]
    pub fn below(self) -> u32 {
        self.below
    }

    /// What counts are rounded to; 0 or 1 where they are not.
    #[must_use]
    pub fn round_to(self) -> u32 {
        self.round_to
    }

    /// A count that may be shown, rounded.
    #[must_use]
    pub fn rounded(self, count: u64) -> u64 {
        match u64::from(self.round_to) {
            0 => count,
            base => (count + base / 2) / base * base,
        }
    }
}

/// Counts below 10 are not shown, others are rounded to 5.
impl Default for Disclosure {
    fn default() -> Self {
        Disclosure { below: 10, round_to: 5 }
    }
}

/// What was done, in a sentence for the page on which the tables are.
impl fmt::Display for Disclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.below {
            0 => write!(f, "Small counts are shown.")?,
            below => write!(
                f,
                "Counts from 1 to {} are not shown ([c]), nor are others from which they could be worked out.",
                below - 1
            )?,
        }
        if self.round_to > 1 {
            write!(f, " All others are rounded to the nearest {}, so rows may not add up.", self.round_to)?;
        }
        f.write_str(" Shares are computed from the counts as they are shown.")
    }
}

/// Counts in rows and columns, as they are: not to be written anywhere. Its `Debug` says how large it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Table {
    /// What it is about.
    pub title: String,
    /// What the rows are.
    pub heading: String,
    /// The rows' names.
    pub rows: Vec<String>,
    /// The columns' names.
    pub columns: Vec<String>,
    /// The counts, row by row; each person in one cell of a row at most.
    pub counts: Vec<Vec<u64>>,
    /// Which totals are published.
    pub totals: Totals,
    /// The columns of which shares are taken, as one whole: all but those who have no record, say. Empty for all.
    pub base: Vec<usize>,
}

/// A count as it is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The count, rounded.
    Count(u64),
    /// Not shown: it is small, or another that is could be worked out from it. Which of both is not said.
    Suppressed,
}

/// A table as it may be published.
///
/// Counts are suppressed as if they were published without rounding, so rounding is a protection beside it. With shares
/// of counts as they are shown, a share tells nothing that the counts do not: NHS England publishes hospital figures in
/// this way. What it does not prevent: a row in which everybody is in one column says something of each of them; two
/// tables, or two rows, that count nearly the same people can be subtracted, which rounding only blurs; and zeros are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// What it is about.
    pub title: String,
    /// What the rows are.
    pub heading: String,
    /// The rows' names.
    pub rows: Vec<String>,
    /// The columns' names.
    pub columns: Vec<String>,
    /// The counts, row by row.
    pub counts: Vec<Vec<Shown>>,
    /// A total for each row, where they are published.
    pub row_totals: Option<Vec<Shown>>,
    /// A total for each column, and one for all, where they are published.
    pub column_totals: Option<(Vec<Shown>, Shown)>,
    base: Vec<usize>,
}

impl Table {
    /// Suppresses and rounds.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where the counts are not as many as the rows and columns.
    pub fn publish(&self, disclosure: Disclosure) -> Result<Published> {
        let hidden = self.protect(disclosure)?;
        Ok(self.shown(&hidden, disclosure))
    }

    /// Suppresses and rounds tables that count the same children in the same rows, such as the figures of one party: what one
    /// shows of a row's total, all do. So where one must hide it, the row is hidden in all that have the same total.
    ///
    /// # Errors
    /// As [`publish`](Self::publish), and where tables have different numbers of rows.
    pub fn publish_together(tables: &[Table], disclosure: Disclosure) -> Result<Vec<Published>> {
        let rows = tables.first().map_or(0, |table| table.rows.len());
        if tables.iter().any(|table| table.rows.len() != rows) {
            return Err(Error::argument("tables that are published together must have the same rows"));
        }
        let mut hidden = tables.iter().map(|table| table.protect(disclosure)).collect::<Result<Vec<_>>>()?;
        for row in 0..rows {
            let total = |table: &Table| table.counts[row].iter().sum::<u64>();
            let secret = tables.iter().zip(&hidden).filter(|(table, hidden)| hidden[row][table.columns.len()]);
            let secret: Vec<u64> = secret.map(|(table, _)| total(table)).collect();
            for (table, hidden) in tables.iter().zip(&mut hidden).filter(|(table, _)| secret.contains(&total(table))) {
                let zeros = table.counts[row].iter().map(|count| *count == 0).chain([false]);
                hidden[row].iter_mut().zip(zeros).for_each(|(hidden, zero)| *hidden |= !zero);
            }
        }
        Ok(tables.iter().zip(&hidden).map(|(table, hidden)| table.shown(hidden, disclosure)).collect())
    }

    fn protect(&self, disclosure: Disclosure) -> Result<Vec<Vec<bool>>> {
        let (rows, columns) = (self.rows.len(), self.columns.len());
        if self.counts.len() != rows || self.counts.iter().any(|row| row.len() != columns) {
            return Err(Error::argument("a table must have one count for each of its rows and columns"));
        }
        if self.base.iter().any(|&column| column >= columns) {
            return Err(Error::argument("shares must be of columns that the table has"));
        }
        Ok(protect(&self.counts, columns, self.totals, disclosure.below.into()))
    }

    fn shown(&self, hidden: &[Vec<bool>], disclosure: Disclosure) -> Published {
        let (rows, columns) = (self.rows.len(), self.columns.len());
        let shown = |row: usize, column: usize, count: u64| {
            if hidden[row][column] { Shown::Suppressed } else { Shown::Count(disclosure.rounded(count)) }
        };
        let of_column = |column: usize| self.counts.iter().map(|row| row[column]).sum::<u64>();
        let counts = (0..rows).map(|r| (0..columns).map(|c| shown(r, c, self.counts[r][c])).collect()).collect();
        let row_totals = (0..rows).map(|r| shown(r, columns, self.counts[r].iter().sum())).collect();
        let column_totals = (0..columns).map(|c| shown(rows, c, of_column(c))).collect();
        let all = shown(rows, columns, (0..columns).map(of_column).sum());
        Published {
            title: self.title.clone(),
            heading: self.heading.clone(),
            rows: self.rows.clone(),
            columns: self.columns.clone(),
            counts,
            row_totals: (self.totals != Totals::None).then_some(row_totals),
            column_totals: (self.totals == Totals::Both).then_some((column_totals, all)),
            base: if self.base.is_empty() { (0..columns).collect() } else { self.base.clone() },
        }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} rows, {} columns)", self.rows.len(), self.columns.len())
    }
}

impl Shown {
    /// The count, where it is shown.
    #[must_use]
    pub fn count(self) -> Option<u64> {
        match self {
            Shown::Count(count) => Some(count),
            Shown::Suppressed => None,
        }
    }
}

/// A number, or `[c]` for confidential.
impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shown::Count(count) => count.fmt(f),
            Shown::Suppressed => f.pad("[c]"),
        }
    }
}

/// Where two published tables are farthest apart, and how much of one the other does not show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// Between two counts, with the names of their table, row and column.
    pub count: Option<(u64, String)>,
    /// Between two shares, in 0 to 1, with the same names.
    pub share: Option<(f64, String)>,
    /// Cells that both show.
    pub both: usize,
    /// Cells that one shows and the other does not.
    pub one: usize,
}

impl Published {
    /// The share of a cell, from 0 to 1, of the columns of which shares are taken; `None` where it is not one of these, a
    /// count of them is not shown, or their sum is 0.
    #[must_use]
    pub fn share(&self, row: usize, column: usize) -> Option<f64> {
        let counts = self.counts.get(row)?;
        let part = counts.get(column)?.count().filter(|_| self.base.contains(&column))?;
        let whole = self.base.iter().map(|&column| counts[column].count()).sum::<Option<u64>>()?;
        (whole > 0).then(|| part as f64 / whole as f64)
    }

    /// How many cells are not shown, totals aside.
    #[must_use]
    pub fn suppressed(&self) -> usize {
        self.counts.iter().flatten().filter(|cell| **cell == Shown::Suppressed).count()
    }

    /// Where this table and another one of the same rows and columns are farthest apart.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where rows or columns differ.
    pub fn difference(&self, other: &Published) -> Result<Difference> {
        if (&self.rows, &self.columns) != (&other.rows, &other.columns) {
            return Err(Error::argument("two tables of different rows or columns cannot be compared"));
        }
        let mut found = Difference::default();
        for (row, name) in self.rows.iter().enumerate() {
            for (column, head) in self.columns.iter().enumerate() {
                let place = || format!("{}: {name}, {head}", self.title);
                match (self.counts[row][column].count(), other.counts[row][column].count()) {
                    (Some(x), Some(y)) => {
                        found.both += 1;
                        if found.count.as_ref().is_none_or(|(most, _)| x.abs_diff(y) > *most) {
                            found.count = Some((x.abs_diff(y), place()));
                        }
                    }
                    (None, None) => {}
                    _ => found.one += 1,
                }
                if let (Some(x), Some(y)) = (self.share(row, column), other.share(row, column))
                    && found.share.as_ref().is_none_or(|(most, _)| (x - y).abs() > *most)
                {
                    found.share = Some(((x - y).abs(), place()));
                }
            }
        }
        Ok(found)
    }
}

/// The farther of both.
impl std::ops::Add for Difference {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        fn farther<T: PartialOrd>(x: Option<(T, String)>, y: Option<(T, String)>) -> Option<(T, String)> {
            match (x, y) {
                (Some(x), Some(y)) => Some(if y.0 > x.0 { y } else { x }),
                (x, y) => x.or(y),
            }
        }
        Difference {
            count: farther(self.count, other.count),
            share: farther(self.share, other.share),
            both: self.both + other.both,
            one: self.one + other.one,
        }
    }
}
