//! Reading people from CSV.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroize;

use super::roles::{Wanted, split_role};
use crate::error::{Error, ErrorKind, ROW_PROBLEMS_KEPT, Result, RowProblem};
use crate::schema::{Field, Schema};

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
    role: Option<Arc<str>>,
    consents: bool,
}

impl Record {
    /// A record from the owner's own id for it, and its values in the order of [`Schema::fields`]; an empty string is a
    /// missing value.
    #[must_use]
    pub fn new(id: impl Into<String>, values: Vec<String>) -> Self {
        Record { id: id.into(), row: 0, line: 0, values, role: None, consents: true }
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

    /// Whether the record may be used: `false` only where the options named a column of
    /// [consent](CsvOptions::consent), and this row does not have an accepted word there.
    #[must_use]
    pub fn consents(&self) -> bool {
        self.consents
    }

    /// A field's name as problems have it: with the role that the person plays, where one row holds several people.
    pub(crate) fn field_name(&self, field: &str) -> String {
        self.role.as_ref().map_or_else(|| field.to_owned(), |role| format!("{role} {field}"))
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
    consent: Option<(String, Vec<String>)>,
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

    /// The column that says whether a person agreed, and the words that mean yes, in capitals or not. Every other word
    /// means no, and so does an empty cell: [`Encoder::encode`](super::Encoder::encode) leaves such rows out, and
    /// [`QualityReport::no_consent`](super::QualityReport::no_consent) counts them.
    #[must_use]
    pub fn consent<W: AsRef<str>>(mut self, column: impl Into<String>, accepted: impl IntoIterator<Item = W>) -> Self {
        let words = accepted.into_iter().map(|word| word.as_ref().trim().to_lowercase());
        // An empty cell is never a yes.
        self.consent = Some((column.into(), words.filter(|word| !word.is_empty()).collect()));
        self
    }

    /// The header of a field's column.
    pub(super) fn column_of<'a>(&'a self, field: &'a Field) -> &'a str {
        self.columns.get(field.name()).map_or(field.column(), String::as_str)
    }

    /// Whether the options name a field's column.
    pub(super) fn names(&self, field: &Field) -> bool {
        self.columns.contains_key(field.name())
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
    read_people(path.as_ref(), schema, options, &[Wanted::whole_row(schema, options)])
}

/// Reads the people of every row.
pub(super) fn read_people(
    path: &Path,
    schema: &Schema,
    options: &CsvOptions,
    people: &[Wanted],
) -> Result<Vec<Record>> {
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
    let columns = Columns::find(path, &header, options, people)?;

    let mut problems = Problems { kept: Vec::new(), total: 0 };
    let mut records = Vec::new();
    let mut row = csv::ByteRecord::new();
    let nobody = Wanted::nobody();
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
        let mut value = |column: usize, whose: &Wanted, field: &str| {
            let bytes = &row[column];
            let text = if bytes.len() > MAX_VALUE_BYTES {
                Err(TOO_LONG)
            } else {
                std::str::from_utf8(bytes).map_err(|_| "is not valid UTF-8; save the file as UTF-8")
            };
            match text {
                Ok(text) => text.to_owned(),
                Err(problem) => {
                    problems.add(number, line, &whose.field_name(field), problem);
                    String::new()
                }
            }
        };
        let consents = columns.consent.is_none_or(|place| {
            let word = value(place, &nobody, "consent").trim().to_lowercase();
            options.consent.as_ref().is_some_and(|(_, accepted)| accepted.contains(&word))
        });
        let mut values: Vec<Vec<String>> = Vec::with_capacity(people.len());
        for (wanted, columns) in people.iter().zip(&columns.people) {
            let fields = columns.iter().zip(schema.fields());
            let read = fields.map(|(column, field)| match column {
                Some(column) => value(*column, wanted, field.name()),
                None => String::new(),
            });
            values.push(read.collect());
        }
        let id = match columns.id {
            None => number.to_string(),
            Some(column) => {
                let id = value(column, &nobody, "id");
                // An id that could not be read has its problem already.
                if row[column].is_empty() {
                    problems.add(number, line, "id", "is empty; every row needs an id of its own");
                }
                id
            }
        };
        for (wanted, values) in people.iter().zip(values) {
            if wanted.is_there(&values) {
                let id = wanted.id(&id);
                records.push(Record { id, row: number, line, values, role: wanted.role(), consents });
            }
        }
    }
    if columns.id.is_some() {
        repeated_ids(&records, &mut problems);
    }
    problems.into_result(path)?;
    if records.is_empty() {
        let what = if number == 0 { "has a header and no rows" } else { "has nobody in these roles, in any row" };
        return Err(Error::file(path, what));
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
    consent: Option<usize>,
    /// For each person of a row.
    people: Vec<Vec<Option<usize>>>,
}

impl Columns {
    /// Errors name the columns that were looked for, never what the file has: in a file without a header, its first
    /// line is a person.
    fn find(path: &Path, header: &csv::ByteRecord, options: &CsvOptions, people: &[Wanted]) -> Result<Self> {
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
        let mut places = Vec::with_capacity(people.len());
        for wanted in people {
            let columns = wanted.columns().iter();
            let found = columns.map(|column| column.as_ref().and_then(|c| find(&c.header, c.optional)));
            places.push(found.collect());
        }
        let id = options.id_column.as_ref().and_then(|column| find(column, false));
        let consent = options.consent.as_ref().and_then(|(column, _)| find(column, false));
        if wrong.is_empty() {
            return Ok(Columns { id, consent, people: places });
        }
        // Two people may have a column in common.
        wrong.dedup();
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
    let mut seen = HashMap::with_capacity(records.len());
    let mut told = 0;
    for record in records {
        // Several people of one row have its id in common.
        let id = if record.role.is_some() { split_role(&record.id).map_or("", |(id, _)| id) } else { &record.id };
        if !id.is_empty() && *seen.entry(id).or_insert(record.row) != record.row && told != record.row {
            told = record.row;
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
