//! Signatures: what is taken of the values of one record, for one strategy.

use super::metaphone::double_metaphone;
use super::schema::{Column, Part, Position, Take};
use crate::error::{Error, ErrorKind, Result, RowProblem};

/// A part whose column was looked up.
pub(super) struct Bound<'a> {
    pub(super) column: i64,
    pub(super) name: String,
    take: &'a Take,
}

impl<'a> Bound<'a> {
    pub(super) fn new(part: &'a Part, header: Option<&[String]>) -> Result<Self> {
        Ok(Bound { column: index(&part.feature, header)?, name: name(&part.feature), take: &part.take })
    }
}

/// The name of a column in errors.
pub(super) fn name(column: &Column) -> String {
    match column {
        Column::Index(index) => format!("column {index}"),
        Column::Name(name) => name.clone(),
    }
}

/// The index of a column. Of columns with one name, the last.
pub(super) fn index(column: &Column, header: Option<&[String]>) -> Result<i64> {
    match column {
        Column::Index(index) => Ok(*index),
        Column::Name(name) => {
            let header =
                header.ok_or_else(|| Error::argument("the blocking schema names columns: a header is needed"))?;
            let place = header.iter().rposition(|other| other == name);
            place.map(|place| place as i64).ok_or_else(|| {
                Error::argument(format!("there is no column {name:?}, which the blocking schema asks for"))
            })
        }
    }
}

/// The value in a column; an index below 0 counts from the end.
pub(super) fn value<'r, S: AsRef<str>>(row: &'r [S], column: i64, name: &str, number: usize) -> Result<&'r str> {
    let length = row.len() as i64;
    let place = if column < 0 { column + length } else { column };
    let value = usize::try_from(place).ok().and_then(|place| row.get(place));
    value.map(AsRef::as_ref).ok_or_else(|| problem(number, name, "the row has too few fields"))
}

fn problem(row: usize, field: &str, problem: &'static str) -> Error {
    let problem = RowProblem { row: row as u64 + 1, line: 0, field: field.to_owned(), problem };
    ErrorKind::Rows { path: None, problems: vec![problem], total: 1 }.into()
}

/// What `parts` take of a row, joined by `_`; `None` where a value is missing or there is no part.
pub(super) fn signature<S: AsRef<str>>(
    parts: &[Bound<'_>],
    row: &[S],
    number: usize,
    null: Option<&str>,
) -> Result<Option<String>> {
    let mut pieces = Vec::with_capacity(parts.len());
    for part in parts {
        let value = value(row, part.column, &part.name, number)?;
        if null == Some(value) {
            return Ok(None);
        }
        match part.take {
            Take::Value => pieces.push(value.to_owned()),
            Take::Metaphone => {
                let (first, second) = double_metaphone(value);
                pieces.push(first + &second);
            }
            // An empty value has no characters, and not even an empty piece.
            Take::Characters(_) if value.is_empty() => {}
            Take::Characters(positions) => pieces.push(
                characters(value, positions)
                    .ok_or_else(|| problem(number, &part.name, "the value is shorter than a position from its end"))?,
            ),
        }
    }
    Ok((!parts.is_empty()).then(|| pieces.join("_")))
}

fn characters(value: &str, positions: &[Position]) -> Option<String> {
    let chars: Vec<char> = value.chars().collect();
    let length = chars.len() as i64;
    // As Python slices: from the end where it is below 0, then within the text.
    let within = |place: i64| if place < 0 { place.saturating_add(length).max(0) } else { place.min(length) };
    let mut taken = String::new();
    for position in positions {
        match *position {
            Position::At(at) => {
                let at = at.min(length - 1);
                let at = if at < 0 { at.saturating_add(length) } else { at };
                taken.push(*chars.get(usize::try_from(at).ok()?)?);
            }
            Position::Slice(from, to) => {
                // blocklib does not let a slice with two ends begin after the last character.
                let from = match (from, to) {
                    (Some(from), Some(_)) => from.min(length - 1),
                    (from, _) => from.unwrap_or(0),
                };
                let (from, to) = (within(from), to.map_or(length, within));
                taken.extend(chars.get(from as usize..to as usize).unwrap_or_default());
            }
        }
    }
    Some(taken)
}
