//! Writing files whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// As the process's umask says.
    Default,
    /// Its owner only (mode 0600 on Unix): files that hold local identifiers.
    Private,
}

/// Writes a CSV file with a header, as [`write`] does.
#[cfg(any(feature = "owner", feature = "linkage", feature = "study", feature = "synth"))]
pub(crate) fn write_csv<const N: usize, R: AsRef<[u8]>>(
    path: &Path,
    access: Access,
    header: [&str; N],
    rows: impl Iterator<Item = [R; N]>,
) -> Result<()> {
    write_rows(path, access, |csv| {
        csv.write_record(header)?;
        for row in rows {
            csv.write_record(row)?;
        }
        Ok(())
    })
}

/// Writes a CSV file of columns that are not known before, as [`write`] does.
#[cfg(any(feature = "owner", feature = "linkage", feature = "study", feature = "synth"))]
pub(crate) fn write_rows(
    path: &Path,
    access: Access,
    rows: impl FnOnce(&mut csv::Writer<&mut BufWriter<File>>) -> csv::Result<()>,
) -> Result<()> {
    write(path, access, |out| {
        let mut csv = csv::Writer::from_writer(out);
        rows(&mut csv)?;
        csv.flush()
    })
}

/// Writes a file through a temporary file beside it, which is renamed when everything is on disk and removed when
/// anything fails: a reader sees the old file or the whole new one.
pub(crate) fn write(
    path: &Path,
    access: Access,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if access == Access::Private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = access;
    let (temporary, file) = beside(path, |temporary| options.open(temporary))?;
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    let written = content(&mut writer)
        .and_then(|()| writer.flush())
        .and_then(|()| writer.get_ref().sync_all())
        .map_err(|e| Error::io(path, "write", e))
        .and_then(|()| fs::rename(&temporary, path).map_err(|e| Error::io(path, "rename", e)));
    if written.is_err() {
        // The error that matters is the one already there.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Makes something new beside `path` for as long as it is not whole. Its name is taken where another thread writes the same
/// file, or where a process of the same number crashed (in a container it is the same every time); then the next is tried.
pub(crate) fn beside<T>(path: &Path, make: impl Fn(&Path) -> io::Result<T>) -> Result<(PathBuf, T)> {
    let Some(name) = path.file_name() else {
        return Err(Error::argument(format!("{}: not the name of a file", path.display())));
    };
    let mut attempt = 0;
    loop {
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}-{attempt}.partial", std::process::id()));
        let temporary = path.with_file_name(hidden);
        match make(&temporary) {
            Ok(made) => return Ok((temporary, made)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => attempt += 1,
            Err(error) => return Err(Error::io(path, "create", error)),
        }
    }
}
