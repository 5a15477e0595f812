//! Reading the research environment's tables.

use std::path::Path;

use crate::error::{Error, ErrorKind, ROW_PROBLEMS_KEPT, Result, RowProblem};

/// What is wrong with a row: the column, and what it must be.
pub(super) type Wrong = (String, &'static str);

/// A CSV file whose columns are known.
pub(super) struct Table<'a> {
    path: &'a Path,
    bytes: Vec<u8>,
    order: Vec<Option<usize>>,
    /// The columns that nobody asked for, in the file's order.
    pub(super) others: Vec<String>,
}

impl<'a> Table<'a> {
    /// Reads a file that has the `needed` columns, and may have the `optional` ones, in any order.
    pub(super) fn open(path: &'a Path, needed: &[&str], optional: &[&str]) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, "read", e))?;
        crate::key_file::refuse(path, &bytes)?;
        let mut table = Table { path, bytes, order: Vec::new(), others: Vec::new() };
        let mut csv = table.csv();
        let header = csv.headers().map_err(|error| broken(path, &error))?.clone();
        drop(csv);
        let place = |column: &&str| header.iter().position(|name| name == *column);
        let missing = needed.iter().find(|column| place(column).is_none());
        if let Some(column) = missing {
            return Err(Error::file(path, format!("there is no column {column}")));
        }
        let asked = || needed.iter().chain(optional);
        table.order.extend(asked().map(place));
        let others = (0..header.len()).filter(|&other| !asked().any(|column| *column == &header[other]));
        for other in others {
            table.order.push(Some(other));
            table.others.push(header[other].to_owned());
        }
        Ok(table)
    }

    fn csv(&self) -> csv::Reader<&[u8]> {
        let bytes = self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.bytes);
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes)
    }

    /// Hands over each row: the needed columns, the optional ones (empty where there is none), all others.
    pub(super) fn each(&self, mut each: impl FnMut(&[&str]) -> std::result::Result<(), Wrong>) -> Result<()> {
        let mut csv = self.csv();
        let columns = csv.headers().map_err(|error| broken(self.path, &error))?.len();
        let (mut problems, mut total) = (Vec::new(), 0);
        let mut row = csv::StringRecord::new();
        let mut number = 0;
        while csv.read_record(&mut row).map_err(|error| broken(self.path, &error))? {
            number += 1;
            let outcome = if row.len() == columns {
                let values: Vec<&str> = self.order.iter().map(|place| place.map_or("", |place| &row[place])).collect();
                each(&values)
            } else {
                Err(wrong("", "does not have as many columns as the header"))
            };
            if let Err((field, problem)) = outcome {
                total += 1;
                if problems.len() < ROW_PROBLEMS_KEPT {
                    let line = row.position().map_or(0, csv::Position::line);
                    problems.push(RowProblem { row: number, line, field, problem });
                }
            }
        }
        if total == 0 {
            return Ok(());
        }
        Err(ErrorKind::Rows { path: Some(self.path.to_owned()), problems, total }.into())
    }
}

/// What the csv library says may hold values.
fn broken(path: &Path, error: &csv::Error) -> Error {
    match error.position() {
        Some(position) => Error::file(path, format!("line {} is not CSV in UTF-8", position.line())),
        None => Error::file(path, "is not a CSV file in UTF-8"),
    }
}

/// A problem with the value of a column.
pub(super) fn wrong(column: &str, problem: &'static str) -> Wrong {
    (column.to_owned(), problem)
}
