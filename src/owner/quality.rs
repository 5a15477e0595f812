//! The quality report: how much of a file could be used, for the owner's eyes.

use std::fmt;

use super::tokens::Reason;
use crate::error::{PROBLEMS_SHOWN, ROW_PROBLEMS_KEPT, RowProblem};

/// How often each field was there, and which rows hold values that cannot be true. It names rows and fields, never a
/// value; counts of small groups are in it, so it stays with the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QualityReport {
    /// How many rows the file has.
    pub rows: u64,
    /// The fields, in the schema's order.
    pub fields: Vec<FieldQuality>,
    /// Rows left out because their person did not say yes, where that is [asked](super::CsvOptions::consent).
    pub no_consent: u64,
    /// Rows left out because their person is on an opt-out list.
    pub opted_out: u64,
    /// Rows in which no encoding holds anything: they can only be linked by a match key.
    pub empty: u64,
    /// The first invalid and unreadable values, in row order; at most [`ROW_PROBLEMS_KEPT`].
    pub problems: Vec<RowProblem>,
}

/// How often one field was there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldQuality {
    /// The field's name in the schema.
    pub field: String,
    /// Values that were encoded.
    pub present: u64,
    /// Empty cells, and values of which normalisation leaves nothing.
    pub empty: u64,
    /// Values on the schema's list of values that mean "missing".
    pub placeholder: u64,
    /// Values that cannot be true: 30 February, a wrong check digit. Encoded as missing.
    pub invalid: u64,
    /// Values in none of the agreed forms. Encoded as missing.
    pub unreadable: u64,
}

impl FieldQuality {
    /// The values that somebody wrote down as facts: present, invalid or unreadable.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.present + self.invalid + self.unreadable
    }

    pub(super) fn count(&mut self, reason: Option<Reason>) {
        *match reason {
            None => &mut self.present,
            Some(Reason::Empty) => &mut self.empty,
            Some(Reason::Placeholder) => &mut self.placeholder,
            Some(Reason::Invalid) => &mut self.invalid,
            Some(Reason::Unreadable) => &mut self.unreadable,
        } += 1;
    }
}

impl QualityReport {
    pub(crate) fn new<'a>(rows: u64, fields: impl Iterator<Item = &'a str>) -> Self {
        let fields = fields.map(|field| FieldQuality { field: field.to_owned(), ..FieldQuality::default() }).collect();
        QualityReport { rows, fields, no_consent: 0, opted_out: 0, empty: 0, problems: Vec::new() }
    }

    /// How many values are invalid or unreadable.
    #[must_use]
    pub fn bad_values(&self) -> u64 {
        self.fields.iter().map(|field| field.invalid + field.unreadable).sum()
    }

    /// Adds the report of the rows that follow.
    pub(super) fn add(&mut self, next: QualityReport) {
        self.rows += next.rows;
        self.no_consent += next.no_consent;
        self.opted_out += next.opted_out;
        self.empty += next.empty;
        for (field, next) in self.fields.iter_mut().zip(next.fields) {
            field.present += next.present;
            field.empty += next.empty;
            field.placeholder += next.placeholder;
            field.invalid += next.invalid;
            field.unreadable += next.unreadable;
        }
        next.problems.into_iter().for_each(|problem| self.problem(problem));
    }

    pub(super) fn problem(&mut self, problem: RowProblem) {
        if self.problems.len() < ROW_PROBLEMS_KEPT {
            self.problems.push(problem);
        }
    }
}

/// A table, and the first rows with values that cannot be true.
impl fmt::Display for QualityReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.fields.iter().map(|field| field.field.len()).max().unwrap_or(0).max(5);
        writeln!(f, "{} rows", self.rows)?;
        writeln!(f, "{:width$}  present    empty  placeholder  invalid  unreadable", "field")?;
        for q in &self.fields {
            let FieldQuality { field, present, empty, placeholder, invalid, unreadable } = q;
            writeln!(f, "{field:width$} {present:8} {empty:8} {placeholder:12} {invalid:8} {unreadable:11}")?;
        }
        if self.no_consent > 0 {
            writeln!(f, "{} rows left out: no consent", self.no_consent)?;
        }
        if self.opted_out > 0 {
            writeln!(f, "{} rows left out: on the opt-out list", self.opted_out)?;
        }
        if self.empty > 0 {
            writeln!(f, "{} rows have too few fields for any encoding", self.empty)?;
        }
        for problem in self.problems.iter().take(PROBLEMS_SHOWN) {
            writeln!(f, "  {problem}; encoded as missing")?;
        }
        match self.bad_values().saturating_sub(PROBLEMS_SHOWN as u64) {
            0 => Ok(()),
            more => writeln!(f, "  … and {more} more"),
        }
    }
}
