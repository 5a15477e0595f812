//! What a linkage unit has after linking: a folder with everybody's files.

use std::fs;
use std::path::Path;

use super::Links;
use crate::error::{Error, Result};
use crate::file::{self, Access};

impl Links {
    /// Writes all tables into a new folder, whole or not at all: `links.csv`, `summary.txt` and `report.html` for the
    /// linkage unit, one `PARTY.links.csv` for every owner, and `study.csv` for the research environment.
    ///
    /// # Errors
    /// [`ErrorKind::File`](crate::ErrorKind::File) where the folder is there already and is not empty;
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Error::file(folder, "is there already and is not empty; name another folder"));
        }
        if let Some(parent) = folder.parent() {
            fs::create_dir_all(parent).map_err(|e| Error::io(folder, "create", e))?;
        }
        // A new one: what a crash left of another run must not be in this one's.
        let (partial, ()) = file::beside(folder, |partial| fs::create_dir(partial))?;
        let written = self.fill(&partial).and_then(|()| {
            // Renaming onto an empty folder does not work everywhere.
            let _ = fs::remove_dir(folder);
            fs::rename(&partial, folder).map_err(|e| Error::io(folder, "create", e))
        });
        if written.is_err() {
            // The error that matters is the one already there.
            let _ = fs::remove_dir_all(&partial);
        }
        written
    }

    fn fill(&self, folder: &Path) -> Result<()> {
        self.write_csv(folder.join("links.csv"))?;
        for party in self.parties() {
            self.write_owner_csv(party, folder.join(format!("{party}.links.csv")))?;
        }
        self.write_study_csv(folder.join("study.csv"))?;
        file::write(&folder.join("summary.txt"), Access::Default, |out| {
            use std::io::Write;
            write!(out, "{}", self.summary())
        })?;
        self.report().write_html(folder.join("report.html"))
    }
}
