//! Files, written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use csv::{Terminator, Writer, WriterBuilder};

use crate::{Error, Result};

/// Writes a CSV to a new file beside `path` and then gives it that name, so that nobody ever reads half of it.
pub(super) fn csv<'a, const N: usize>(
    path: &Path,
    header: [&str; N],
    rows: impl Iterator<Item = [&'a str; N]>,
) -> Result<()> {
    let (part, file) = create(path)?;
    let written = fill(file, header, rows).map_err(|source| Error::io(&part, "write", source));
    let done = written.and_then(|()| fs::rename(&part, path).map_err(|source| Error::io(path, "rename", source)));
    if done.is_err() {
        // The error that counts is the first one.
        let _ = fs::remove_file(&part);
    }
    done
}

fn fill<'a, const N: usize>(file: File, header: [&str; N], rows: impl Iterator<Item = [&'a str; N]>) -> io::Result<()> {
    let mut writer: Writer<_> =
        WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(BufWriter::new(file));
    writer.write_record(header).map_err(io::Error::from)?;
    for row in rows {
        writer.write_record(row).map_err(io::Error::from)?;
    }
    let mut buffer = writer.into_inner().map_err(|error| io::Error::from(error.error().kind()))?;
    buffer.flush()?;
    buffer.get_ref().sync_all()
}

/// A new file in the folder of `path`: a rename across file systems would not be one step.
fn create(path: &Path) -> Result<(PathBuf, File)> {
    let name = path.file_name().ok_or_else(|| Error::argument("the path to write to must name a file"))?;
    let mut attempt = 0;
    loop {
        let mut part = std::ffi::OsString::from(".");
        part.push(name);
        part.push(format!(".{}-{attempt}.part", std::process::id()));
        let part = path.with_file_name(part);
        match OpenOptions::new().write(true).create_new(true).open(&part) {
            Ok(file) => return Ok((part, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => attempt += 1,
            Err(source) => return Err(Error::io(path, "create", source)),
        }
    }
}
