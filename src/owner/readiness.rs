//! Which rows can be linked at all, before anything leaves: for small files, whose owner can still ask for what is missing.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use super::values::{Code, Worker};
use super::{Encoder, Record, place};
use crate::error::{ErrorKind, Result, RowProblem};

/// What can be expected of each row of a file. It names rows and fields, never a value, and stays with the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The rows, in the file's order.
    pub rows: Vec<RowReadiness>,
}

/// What can be expected of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowReadiness {
    /// The row, from 1.
    pub row: u64,
    /// What will become of it.
    pub verdict: Verdict,
    /// The fields that it lacks, of those that are in an encoding.
    pub missing: Vec<String>,
}

/// What will become of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is not encoded.
    LeftOut(LeftOut),
    /// No encoding of it is whole, and it has no match key: it cannot be linked, even to an equal record.
    Cannot,
    /// One encoding alone is whole, and there is no match key: all of these fields must be written alike in the other file.
    Weak(Vec<String>),
    /// It has what it takes.
    Ready,
}

/// Why a row is not encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// Its person did not say yes: see [`CsvOptions::consent`](super::CsvOptions::consent).
    NoConsent,
    /// Its person is on an opt-out list.
    OptedOut,
}

impl Encoder {
    /// Says of each record whether it will be left out, and whether it has what it takes to be linked.
    ///
    /// An encoding is whole where all of its fields are there; where it is not diffused, where two of them are. Match keys
    /// of an identifier count; those of all fields add nothing to encodings of the same fields.
    ///
    /// # Errors
    /// [`ErrorKind::Rows`] where a record has not as many values as the schema has fields.
    pub fn readiness(&self, records: &[Record]) -> Result<Readiness> {
        let fields = self.schema.fields();
        let mut worker = Worker::new(&self.fields, 0);
        let mut codes = vec![Code::default(); fields.len()];
        let mut rows = Vec::with_capacity(records.len());
        for (i, record) in records.iter().enumerate() {
            let (row, line) = place(i, record);
            if record.values().len() != fields.len() {
                let problem = "the record has not as many values as the schema has fields";
                let problems = vec![RowProblem { row, line, field: String::new(), problem }];
                return Err(ErrorKind::Rows { path: None, problems, total: 1 }.into());
            }
            self.code(std::slice::from_ref(record), &mut codes, &mut worker);
            let out = if record.consents() {
                let listed =
                    |list: &super::OptOutList| list.contains(self.opt_out_entries(record, &codes, &mut worker));
                self.opt_out.as_ref().is_some_and(listed).then_some(LeftOut::OptedOut)
            } else {
                Some(LeftOut::NoConsent)
            };
            let verdict = match out {
                Some(out) => Verdict::LeftOut(out),
                None if self.match_keys_of_one(record, &codes, &mut worker).next().is_some() => Verdict::Ready,
                None => self.verdict(|field| codes[field].is_present()),
            };
            let encoded =
                |field: usize| self.schema.encodings().iter().any(|e| e.budgets().iter().any(|b| b.0 == field));
            let lacks = (0..fields.len()).filter(|&field| encoded(field) && !codes[field].is_present());
            let missing = lacks.map(|field| record.field_name(fields[field].name())).collect();
            rows.push(RowReadiness { row, verdict, missing });
        }
        Ok(Readiness { rows })
    }

    fn verdict(&self, is_present: impl Fn(usize) -> bool) -> Verdict {
        let whole = self.schema.encodings().iter().filter(|encoding| {
            let (fields, there) =
                (encoding.budgets().len(), encoding.budgets().iter().filter(|b| is_present(b.0)).count());
            if encoding.is_diffused() { there == fields } else { there >= fields.min(2) }
        });
        let whole: Vec<_> = whole.collect();
        match whole[..] {
            [] => Verdict::Cannot,
            [one] if self.schema.encodings().len() > 1 => {
                let names = one.budgets().iter().map(|b| self.schema.fields()[b.0].name().to_owned());
                Verdict::Weak(names.collect())
            }
            _ => Verdict::Ready,
        }
    }
}

impl Readiness {
    /// How many rows are of this kind.
    #[must_use]
    pub fn count(&self, is: impl Fn(&Verdict) -> bool) -> usize {
        self.rows.iter().filter(|row| is(&row.verdict)).count()
    }
}

/// One line for each kind of row with its numbers, and what it lacks; ready rows are counted only.
impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: BTreeMap<(&Verdict, &[String]), Vec<u64>> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.verdict != Verdict::Ready) {
            let missing: &[String] = if matches!(row.verdict, Verdict::LeftOut(_)) { &[] } else { &row.missing };
            kinds.entry((&row.verdict, missing)).or_default().push(row.row);
        }
        for ((verdict, missing), rows) in kinds {
            let mut what = match verdict {
                Verdict::LeftOut(LeftOut::NoConsent) => "left out: no consent".to_owned(),
                Verdict::LeftOut(LeftOut::OptedOut) => "left out: on the opt-out list".to_owned(),
                Verdict::Cannot => "cannot be linked".to_owned(),
                Verdict::Weak(fields) => format!("linked only if {} are written alike", fields.join(", ")),
                Verdict::Ready => continue,
            };
            for (number, field) in missing.iter().enumerate() {
                write!(what, "{} no {field}", if number == 0 { ":" } else { "," })?;
            }
            let numbers: Vec<String> = rows.iter().map(u64::to_string).collect();
            writeln!(f, "row{} {}: {what}", if rows.len() == 1 { "" } else { "s" }, numbers.join(", "))?;
        }
        let ready = self.count(|verdict| *verdict == Verdict::Ready);
        writeln!(f, "{ready} of {} rows have what it takes to be linked", self.rows.len())
    }
}
