//! Reading people from CSV.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use zeroize::Zeroize;

use crate::error::{Error, ErrorKind, ROW_PROBLEMS_KEPT, Result, RowProblem};
use crate::schema::Schema;

/// The longest value of a field, in bytes. Longer ones are a quotation mark that was never closed, or no name.
pub const MAX_VALUE_BYTES: usize = 1000;

pub(super) const OPEN_QUOTE: &str = "has a quotation mark that is never closed, and swallows all rows after it";

/// Follows the file as a row of its own. Where it does not come back as one, a quotation mark was left open, which in the
/// last column would otherwise swallow the rest of the file and look like one long value.
pub(super) const END: &[u8] = b"\0END\0";

const TOO_LONG: &str = "has a value longer than 1,000 bytes (is a quotation mark left open?)";

/// One person as the owner's file has them. Wiped from memory when dropped; `Debug` shows nothing.
///
/// There is no way to write one down by mistake:
///
/// ```
/// fn shown(record: &pprl::Record) -> serde_json::Result<String> {
///     serde_json::to_string(&format!("{record:?}"))
/// }
/// ```
/// ```compile_fail,E0277
/// fn printed(record: &pprl::Record) -> String {
///     format!("{record}")
/// }
/// ```
/// ```compile_fail,E0277
/// fn serialised(record: &pprl::Record) -> serde_json::Result<String> {
///     serde_json::to_string(record)
/// }
/// ```
pub struct Record {
    id: String,
    row: u64,
    line: u64,
    values: Vec<String>,
}

impl Record {
    /// A record from the owner's own id for it, and its values in the order of [`Schema::fields`]; an empty string is a
    /// missing value.
    #[must_use]
    pub fn new(id: impl Into<String>, values: Vec<String>) -> Self {
        Record { id: id.into(), row: 0, line: 0, values }
    }

    /// The owner's own id. It never leaves the owner.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The values, in the order of [`Schema::fields`].
    #[must_use]
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// The row and the line of the file on which the record stands; 0 where it did not come from a file.
    pub(crate) fn place(&self) -> (u64, u64) {
        (self.row, self.line)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.id.zeroize();
        self.values.iter_mut().for_each(Zeroize::zeroize);
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Record(..)")
    }
}

/// How an owner's CSV file differs from the schema's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CsvOptions {
    id_column: Option<String>,
    columns: BTreeMap<String, String>,
    delimiter: Option<u8>,
}

impl CsvOptions {
    /// The defaults: columns as the schema names them, rows numbered from 1 for ids, commas.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The column that holds the owner's own ids. Without one, the number of the row is its id.
    #[must_use]
    pub fn id_column(mut self, column: impl Into<String>) -> Self {
        self.id_column = Some(column.into());
        self
    }

    /// The header of a field's column, where it is not the schema's.
    #[must_use]
    pub fn column(mut self, field: impl Into<String>, column: impl Into<String>) -> Self {
        self.columns.insert(field.into(), column.into());
        self
    }

    /// The byte between columns; a comma unless set.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = Some(delimiter);
        self
    }
}

/// Reads all records of a CSV file: UTF-8 with or without a byte-order mark, a header line, any line ends, quoted values
/// with line ends inside.
///
/// # Errors
/// [`ErrorKind::Io`]; [`ErrorKind::File`] where the file is empty, has no rows, or lacks a column; [`ErrorKind::Rows`]
/// with all rows that cannot be read: too few or too many columns, a quotation mark left open, not UTF-8, a value longer
/// than [`MAX_VALUE_BYTES`], an empty or repeated id. [`ErrorKind::Argument`] where the options name a field that the
/// schema has not.
pub fn read_csv(path: impl AsRef<Path>, schema: &Schema, options: &CsvOptions) -> Result<Vec<Record>> {
    let path = path.as_ref();
    if let Some(field) = options.columns.keys().find(|name| schema.fields().iter().all(|f| f.name() != *name)) {
        return Err(Error::argument(format!("the schema has no field {field}")));
    }
    let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Error::file(path, "is a folder, not a CSV file"));
    }
    let mut input = BufReader::with_capacity(1 << 16, file);
    let start = input.fill_buf().map_err(|e| Error::io(path, "read", e))?;
    if start.is_empty() {
        return Err(Error::file(path, "is empty; a CSV file begins with a header line"));
    }
    let lines = Lines::of(start);
    let delimiter = options.delimiter.unwrap_or(b',');
    let input = input.chain(b"\n".chain(END));
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(input);
    let header = reader.byte_headers().map_err(|e| csv_error(path, &e))?.clone();
    let columns = Columns::find(path, &header, schema, options)?;

    let mut problems = Problems { kept: Vec::new(), total: 0 };
    let mut records = Vec::new();
    let mut row = csv::ByteRecord::new();
    let mut number = 0;
    while reader.read_byte_record(&mut row).map_err(|e| csv_error(path, &e))? {
        if row.len() == 1 && row[0] == *END {
            break;
        }
        number += 1;
        if row.iter().next_back().is_some_and(|last| last.ends_with(END)) {
            let line = lines.of_open(&row);
            problems.add(number, line, "", OPEN_QUOTE);
            break;
        }
        let line = lines.of_row(&reader, &row);
        if row.len() != header.len() {
            let which = if row.iter().any(|value| value.len() > MAX_VALUE_BYTES) {
                TOO_LONG
            } else if row.len() < header.len() {
                "has fewer columns than the header"
            } else {
                "has more columns than the header (a comma in a value needs quotation marks)"
            };
            problems.add(number, line, "", which);
            continue;
        }
        let mut value = |column: usize, field: &str| {
            let bytes = &row[column];
            if bytes.len() > MAX_VALUE_BYTES {
                problems.add(number, line, field, TOO_LONG);
                return String::new();
            }
            let Ok(text) = std::str::from_utf8(bytes) else {
                problems.add(number, line, field, "is not valid UTF-8; save the file as UTF-8");
                return String::new();
            };
            text.to_owned()
        };
        let values = columns.fields.iter().zip(schema.fields()).map(|(column, field)| match column {
            Some(column) => value(*column, field.name()),
            None => String::new(),
        });
        let values: Vec<String> = values.collect();
        let id = match columns.id {
            None => number.to_string(),
            Some(column) => {
                let id = value(column, "id");
                // An id that could not be read has its problem already.
                if row[column].is_empty() {
                    problems.add(number, line, "id", "is empty; every row needs an id of its own");
                }
                id
            }
        };
        records.push(Record { id, row: number, line, values });
    }
    if columns.id.is_some() {
        repeated_ids(&records, &mut problems);
    }
    problems.into_result(path)?;
    if records.is_empty() {
        return Err(Error::file(path, "has a header and no rows"));
    }
    Ok(records)
}

/// Reads one more column of a CSV file, as it stands: the truth, or a group for evaluation.
///
/// # Errors
/// [`ErrorKind::Io`]; [`ErrorKind::File`] where the file lacks the column or a row of it cannot be read.
pub fn read_column(path: impl AsRef<Path>, column: &str, options: &CsvOptions) -> Result<Vec<String>> {
    let path = path.as_ref();
    let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    let delimiter = options.delimiter.unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(file);
    let header = reader.byte_headers().map_err(|e| csv_error(path, &e))?;
    let place = header.iter().position(|name| name.trim_ascii() == column.as_bytes());
    let place = place.ok_or_else(|| Error::file(path, format!("there is no column {column:?}")))?;
    let mut values = Vec::new();
    let mut row = csv::ByteRecord::new();
    while reader.read_byte_record(&mut row).map_err(|e| csv_error(path, &e))? {
        let value = std::str::from_utf8(&row[place]).map_err(|_| {
            Error::file(path, format!("row {}, column {column:?}: is not valid UTF-8", values.len() + 1))
        })?;
        values.push(value.trim().to_owned());
    }
    Ok(values)
}

/// Which lines rows stand on.
pub(super) struct Lines {
    passed: u64,
}

impl Lines {
    /// From the beginning of a file, which shows its line ends.
    pub(super) fn of(start: &[u8]) -> Self {
        // After a row the reader has passed the LF of its line, but of CR LF only the CR.
        let crlf = start.iter().position(|&b| b == b'\n').is_some_and(|end| start[..end].ends_with(b"\r"));
        Lines { passed: u64::from(!crlf) }
    }

    /// The line on which the row begins that has a quotation mark left open.
    pub(super) fn of_open(&self, row: &csv::ByteRecord) -> u64 {
        row.position().map_or(0, |place| place.line() + 1 - self.passed)
    }

    /// What stands at the end of a line.
    pub(super) fn end(&self) -> &'static [u8] {
        if self.passed == 0 { b"\r\n" } else { b"\n" }
    }

    /// The line on which the row begins that was just read.
    pub(super) fn of_row<R: Read>(&self, reader: &csv::Reader<R>, row: &csv::ByteRecord) -> u64 {
        // Where the row ends, less the line ends inside it: the place that the reader notes comes before empty lines.
        let inside: usize = row.iter().map(|value| value.split(|&b| b == b'\n').count() - 1).sum();
        reader.position().line().saturating_sub(inside as u64 + self.passed)
    }
}

/// Where each field stands in the file; `None` for an optional field that it has not.
struct Columns {
    id: Option<usize>,
    fields: Vec<Option<usize>>,
}

impl Columns {
    /// Errors name the columns that were looked for, never what the file has: in a file without a header, its first
    /// line is a person.
    fn find(path: &Path, header: &csv::ByteRecord, schema: &Schema, options: &CsvOptions) -> Result<Self> {
        let header: Vec<&[u8]> = header.iter().map(<[u8]>::trim_ascii).collect();
        let mut wrong = Vec::new();
        let mut find = |column: &str, optional: bool| {
            let mut places = (0..header.len()).filter(|&i| header[i] == column.as_bytes());
            let place = places.next();
            if places.next().is_some() {
                wrong.push(format!("column {column:?} is there twice"));
            } else if place.is_none() && !optional {
                let near = header.iter().any(|name| name.eq_ignore_ascii_case(column.as_bytes()));
                let hint = if near { " (there is one with other capitals)" } else { "" };
                wrong.push(format!("there is no column {column:?}{hint}"));
            }
            place
        };
        let fields = schema.fields().iter().map(|field| {
            let named = options.columns.get(field.name());
            // Who names a column means it to be there.
            find(named.map_or(field.column(), String::as_str), field.optional() && named.is_none())
        });
        let fields = fields.collect();
        let id = options.id_column.as_ref().and_then(|column| find(column, false));
        if wrong.is_empty() {
            return Ok(Columns { id, fields });
        }
        let single = header.len() == 1 && header[0].iter().any(|b| [b';', b'\t', b'|'].contains(b));
        let hint = if single { "; the header has no comma: set the delimiter" } else { "" };
        Err(Error::file(path, format!("{}{hint}. The first line must be the header", wrong.join("; "))))
    }
}

struct Problems {
    kept: Vec<RowProblem>,
    total: u64,
}

impl Problems {
    fn add(&mut self, row: u64, line: u64, field: &str, problem: &'static str) {
        self.total += 1;
        if self.kept.len() < ROW_PROBLEMS_KEPT {
            self.kept.push(RowProblem { row, line, field: field.to_owned(), problem });
        }
    }

    fn into_result(mut self, path: &Path) -> Result<()> {
        if self.total == 0 {
            return Ok(());
        }
        self.kept.sort();
        Err(ErrorKind::Rows { path: Some(path.to_owned()), problems: self.kept, total: self.total }.into())
    }
}

fn repeated_ids(records: &[Record], problems: &mut Problems) {
    let mut seen = std::collections::HashSet::with_capacity(records.len());
    for record in records {
        if !record.id.is_empty() && !seen.insert(record.id.as_str()) {
            problems.add(record.row, record.line, "id", "stands in the file before; ids must be unique");
        }
    }
}

pub(super) fn csv_error(path: &Path, error: &csv::Error) -> Error {
    match error.kind() {
        csv::ErrorKind::Io(source) => Error::io(path, "read", std::io::Error::new(source.kind(), source.to_string())),
        // The other kinds come from options that are not used here; their text is not passed on, as it may quote.
        _ => Error::file(path, "is not a CSV file"),
    }
}
