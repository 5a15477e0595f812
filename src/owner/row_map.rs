//! Which row id is which of the owner's own ids.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use crate::cohort::RowId;
use crate::error::Result;
use crate::file;

/// The owner's way back from a row id to its own id. Stays with the owner.
#[derive(Clone, PartialEq, Eq)]
pub struct RowMap {
    entries: Vec<(RowId, String)>,
}

impl RowMap {
    pub(super) fn new(entries: Vec<(RowId, String)>) -> Self {
        RowMap { entries }
    }

    /// Row ids and the owner's own ids, in the cohort's order.
    #[must_use]
    pub fn entries(&self) -> &[(RowId, String)] {
        &self.entries
    }

    /// From row id to the owner's own id.
    #[must_use]
    pub fn to_map(&self) -> HashMap<RowId, &str> {
        self.entries.iter().map(|(id, own)| (*id, own.as_str())).collect()
    }

    /// Writes the map as CSV with the columns `row_id` and `record_id`, readable by its owner only (mode 0600 on Unix).
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        file::write(path.as_ref(), file::Access::Private, |out| {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(["row_id", "record_id"])?;
            for (id, own) in &self.entries {
                csv.write_record([id.to_string().as_str(), own])?;
            }
            csv.flush()
        })
    }
}

/// How many entries; the owner's ids are nobody else's business.
impl fmt::Debug for RowMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowMap({} rows)", self.entries.len())
    }
}
