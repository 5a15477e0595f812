//! CSV as clkhash reads it: Python's default dialect, columns by their places.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::{ByteRecord, Position, ReaderBuilder, StringRecord};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result, RowProblem};

const BOM: &[u8] = "\u{feff}".as_bytes();
const WITH_BOM: &str = "begins with a byte order mark, which is no part of a name; save the file as UTF-8 without one";

/// Python's `csv.field_size_limit`.
const MOST_CHARACTERS: usize = 131_072;
const TOO_LONG: &str = "has a value of more than 131,072 characters, which clkhash does not read";
const NOT_UTF8: &str = "is not valid UTF-8; save the file as UTF-8";

/// What the first row of a CSV file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Header {
    /// The schema's identifiers, in their order: anything else is an error.
    #[default]
    Checked,
    /// Something else, and is skipped.
    Ignored,
    /// A row of data.
    None,
}

/// The rows of a file. All of it is in memory, and wiped from there.
pub(super) struct CsvRows {
    path: PathBuf,
    reader: csv::Reader<Bytes>,
    bytes: Arc<Zeroizing<Vec<u8>>>,
    /// Where the next row begins.
    at: usize,
    line: u64,
    /// The rows read, without the header.
    rows: u64,
}

/// The bytes of a file that somebody else looks at too.
struct Bytes(Arc<Zeroizing<Vec<u8>>>, usize);

impl Read for Bytes {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let taken = (&self.0[self.1..]).read(out)?;
        self.1 += taken;
        Ok(taken)
    }
}

impl CsvRows {
    /// Opens a file and takes its header off.
    pub(super) fn open(path: &Path, header: Header, identifiers: &[&str]) -> Result<Self> {
        let mut file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        // With room for all of it: a vector that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0).saturating_add(1)));
        file.read_to_end(&mut bytes).map_err(|e| Error::io(path, "read", e))?;
        if bytes.starts_with(BOM) {
            match header {
                Header::Checked => return Err(Error::file(path, WITH_BOM)),
                // The reader takes the first one away, and clkhash none: it is a part of the first value.
                Header::None => drop(bytes.splice(0..0, BOM.iter().copied())),
                Header::Ignored => {}
            }
        }
        let bytes = Arc::new(bytes);
        // Whatever the first row is, it is read as a row, so that an empty line is seen.
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(Bytes(bytes.clone(), 0));
        let mut rows = CsvRows { path: path.to_owned(), reader, bytes, at: 0, line: 1, rows: 0 };
        if header == Header::None {
            return Ok(rows);
        }
        let Some(first) = rows.next()? else {
            return Err(Error::file(path, "is empty; its first line must be the header"));
        };
        rows.rows = 0;
        if header == Header::Checked {
            rows.check(&first, identifiers)?;
        }
        Ok(rows)
    }

    fn check(&self, header: &StringRecord, identifiers: &[&str]) -> Result<()> {
        if header.len() != identifiers.len() {
            let (columns, expected) = (header.len(), identifiers.len());
            let problem = format!("the header has {columns} columns, and the schema {expected} features");
            return Err(Error::file(&self.path, problem));
        }
        let mut columns = header.iter().zip(identifiers).enumerate();
        let Some((at, (column, identifier))) = columns.find(|(_, (column, identifier))| column != *identifier) else {
            return Ok(());
        };
        // What stands there may be a record: a file without a header.
        let why = if column.trim() == *identifier {
            "there are spaces around the name"
        } else if column.to_lowercase() == identifier.to_lowercase() {
            "the name is written in another case"
        } else if identifiers.contains(&column) {
            "it is another feature's column: columns must stand in the schema's order"
        } else {
            "the name is another one; is there a header?"
        };
        let at = at + 1;
        Err(Error::file(
            &self.path,
            format!("column {at} of the header is not {identifier:?}, as in the schema: {why}"),
        ))
    }

    /// The next rows, so many or fewer; fewer only at the end.
    pub(super) fn read(&mut self, most: usize) -> Result<Vec<StringRecord>> {
        let mut rows = Vec::new();
        while rows.len() < most {
            let Some(row) = self.next()? else { break };
            rows.push(row);
        }
        Ok(rows)
    }

    /// One row. The reader skips empty lines, which are rows without fields here.
    fn next(&mut self) -> Result<Option<StringRecord>> {
        // The reader leaves the second half of a line end until it is asked for more.
        if self.at > 0 && self.bytes[self.at - 1] == b'\r' && self.bytes.get(self.at) == Some(&b'\n') {
            self.at += 1;
            self.line += 1;
        }
        let line = self.line;
        if let Some(end @ (b'\r' | b'\n')) = self.bytes.get(self.at) {
            self.at += 1;
            self.line += u64::from(*end == b'\n');
            self.rows += 1;
            return Ok(Some(at_line(StringRecord::new(), line)));
        }
        let mut row = ByteRecord::new();
        let io = |e: csv::Error| match e.into_kind() {
            csv::ErrorKind::Io(e) => Error::io(&self.path, "read", e),
            _ => Error::file(&self.path, "cannot be read as CSV"),
        };
        if !self.reader.read_byte_record(&mut row).map_err(io)? {
            return Ok(None);
        }
        self.at = self.reader.position().byte() as usize;
        self.line = self.reader.position().line();
        self.rows += 1;
        let wrong = |problem| {
            let problems = vec![RowProblem { row: self.rows, line, field: String::new(), problem }];
            Error::from(ErrorKind::Rows { path: Some(self.path.clone()), problems, total: 1 })
        };
        let row = StringRecord::from_byte_record(row).map_err(|_| wrong(NOT_UTF8))?;
        if row.iter().any(|value| value.len() > MOST_CHARACTERS && value.chars().count() > MOST_CHARACTERS) {
            return Err(wrong(TOO_LONG));
        }
        Ok(Some(at_line(row, line)))
    }
}

/// The reader has the line on which it began to look for a row, which may be an empty one.
fn at_line(mut row: StringRecord, line: u64) -> StringRecord {
    let mut position = Position::new();
    position.set_line(line);
    row.set_position(Some(position));
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], header: Header) -> Result<Vec<(u64, Vec<String>)>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        std::fs::write(&path, text).unwrap();
        let mut rows = CsvRows::open(&path, header, &["a", "b"])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push((row.position().unwrap().line(), row.iter().map(str::to_owned).collect()));
        }
        Ok(all)
    }

    /// What Python 3.11's `csv.reader` makes of the same texts.
    #[test]
    fn rows_are_pythons() {
        let rows = |rows: &[(u64, &[&str])]| -> Vec<(u64, Vec<String>)> {
            rows.iter().map(|(line, row)| (*line, row.iter().map(|&value| value.to_owned()).collect())).collect()
        };
        for (text, expected) in [
            ("1,2\n3,4\n", rows(&[(1, &["1", "2"]), (2, &["3", "4"])])),
            ("1,2\r\n3,4", rows(&[(1, &["1", "2"]), (2, &["3", "4"])])),
            ("1,2\n\n3,4\n", rows(&[(1, &["1", "2"]), (2, &[]), (3, &["3", "4"])])),
            ("1,2\r\n\r\n3,4\r\n", rows(&[(1, &["1", "2"]), (2, &[]), (3, &["3", "4"])])),
            ("1,2\n\n", rows(&[(1, &["1", "2"]), (2, &[])])),
            ("\n\n1,2", rows(&[(1, &[]), (2, &[]), (3, &["1", "2"])])),
            ("", rows(&[])),
            ("\"\"\n", rows(&[(1, &[""])])),
            (",\n", rows(&[(1, &["", ""])])),
            ("\"a\nb\",2\n3,4", rows(&[(1, &["a\nb", "2"]), (3, &["3", "4"])])),
            ("a\"b,\"c\"d\"e\n", rows(&[(1, &["a\"b", "cd\"e"])])),
            ("\"a\"\"b\", c \n", rows(&[(1, &["a\"b", " c "])])),
            ("\"open\nto the end", rows(&[(1, &["open\nto the end"])])),
        ] {
            assert_eq!(read(text.as_bytes(), Header::None).unwrap(), expected, "{text:?}");
        }
        let marked = read("\u{feff}1,2\n".as_bytes(), Header::None).unwrap();
        assert_eq!(marked, rows(&[(1, &["\u{feff}1", "2"])]));
    }

    #[test]
    fn headers_are_checked_and_named_by_place_alone() {
        assert_eq!(read(b"a,b\n1,2\n", Header::Checked).unwrap().len(), 1);
        assert_eq!(read(b"x\n1,2\n", Header::Ignored).unwrap().len(), 1);
        for (text, word) in [
            ("b,a\n", "order"),
            ("A,b\n", "case"),
            (" a,b\n", "spaces"),
            ("Mary,Smith\n", "is there a header"),
            ("a\n", "1 columns"),
            ("", "empty"),
            ("\na,b\n", "0 columns"),
            ("\u{feff}a,b\n", "byte order mark"),
        ] {
            let message = read(text.as_bytes(), Header::Checked).unwrap_err().to_string();
            assert!(message.contains(word) && !message.contains("Mary"), "{text:?}: {message}");
        }
        assert!(read(b"", Header::Ignored).is_err());
        assert!(read(b"1,\xff\n", Header::None).unwrap_err().to_string().contains("row 1 (line 1)"));
        let long = format!("1,{}\n", "x".repeat(MOST_CHARACTERS + 1));
        assert!(read(long.as_bytes(), Header::None).is_err());
    }
}
