//! What an owner has after encoding: one file to send and one to keep.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Encoded, SMALL_FILE};
use crate::error::{Error, Result};

/// Where [`Encoded::write`] put the two files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedFiles {
    /// `PARTY.cohort.json`: goes to the linkage unit.
    pub send: PathBuf,
    /// `PARTY.rows.csv`: stays with the owner.
    pub keep: PathBuf,
}

impl Encoded {
    /// Writes the cohort and the row map into a folder, which is made where there is none: both files or neither.
    ///
    /// # Errors
    /// [`ErrorKind::File`](crate::ErrorKind::File) where one of the files is there already: without its row map, a cohort
    /// that was sent can never be traced back. [`ErrorKind::Argument`](crate::ErrorKind::Argument) where there are fewer than
    /// [`SMALL_FILE`] people, decoys not counted, and [no reason](super::Encoder::release_small) was given.
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<EncodedFiles> {
        let folder = folder.as_ref();
        let party = self.cohort.party();
        if self.row_map.people() < SMALL_FILE && self.cohort.manifest().release_small.is_none() {
            // How few they are is the owner's to know; it reads this.
            return Err(Error::argument(format!(
                "the cohort of {party} has {} people, and one of fewer than {SMALL_FILE} is not released without a reason: \
                 give one (release_small), or add more people",
                self.row_map.people()
            )));
        }
        let files = EncodedFiles {
            send: folder.join(format!("{party}.cohort.json")),
            keep: folder.join(format!("{party}.rows.csv")),
        };
        if let Some(there) = [&files.send, &files.keep].into_iter().find(|file| file.exists()) {
            return Err(Error::file(there, "is there already, and is not overwritten; name another folder"));
        }
        let new = !folder.exists();
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, "create", e))?;
        // The row map first, so that there is never a cohort without one.
        let written = self.row_map.write_csv(&files.keep).and_then(|()| {
            self.cohort.write(&files.send).inspect_err(|_| {
                // The error that matters is the one already there; so too below.
                let _ = fs::remove_file(&files.keep);
            })
        });
        if written.is_err() && new {
            let _ = fs::remove_dir(folder);
        }
        written.map(|()| files)
    }
}
