//! Which row id is which of the owner's own ids.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::File;
use std::path::Path;

use super::read::csv_error;
use super::roles::split_role;
use crate::cohort::RowId;
use crate::error::{Error, Result};
use crate::file;

/// The header of a row map; the third column is there only where there are decoys.
const HEADER: [&str; 3] = ["row_id", "record_id", "decoy"];

/// What stands in the third column of a decoy.
const DECOY: &str = "decoy";

/// The owner's way back from a row id to its own id. Stays with the owner.
///
/// `Debug` says how many rows it has; it goes into a file by [`write_csv`](Self::write_csv) and by no other way:
///
/// ```
/// fn shown(map: &pprl::owner::RowMap) -> serde_json::Result<String> {
///     serde_json::to_string(&format!("{map:?}"))
/// }
/// ```
/// ```compile_fail,E0277
/// fn printed(map: &pprl::owner::RowMap) -> String {
///     format!("{map}")
/// }
/// ```
/// ```compile_fail,E0277
/// fn serialised(map: &pprl::owner::RowMap) -> serde_json::Result<String> {
///     serde_json::to_string(map)
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RowMap {
    entries: Vec<(RowId, String)>,
    decoys: HashSet<RowId>,
}

impl RowMap {
    pub(crate) fn new(entries: Vec<(RowId, String)>, decoys: HashSet<RowId>) -> Self {
        RowMap { entries, decoys }
    }

    /// Row ids and the owner's own ids, in the cohort's order. The id of a [decoy](Self::is_decoy) is empty.
    #[must_use]
    pub fn entries(&self) -> &[(RowId, String)] {
        &self.entries
    }

    /// From row id to the owner's own id. Decoys are not in it.
    #[must_use]
    pub fn to_map(&self) -> HashMap<RowId, &str> {
        let people = self.entries.iter().filter(|(id, _)| !self.decoys.contains(id));
        people.map(|(id, own)| (*id, own.as_str())).collect()
    }

    /// Whether a row is nobody's: one of [`Encoder::decoys`](super::Encoder::decoys).
    #[must_use]
    pub fn is_decoy(&self, id: RowId) -> bool {
        self.decoys.contains(&id)
    }

    /// How many rows are people's.
    #[must_use]
    pub fn people(&self) -> usize {
        self.entries.len() - self.decoys.len()
    }

    /// How many rows are decoys.
    #[must_use]
    pub fn decoys(&self) -> usize {
        self.decoys.len()
    }

    /// Writes the map as CSV with the columns `row_id` and `record_id`, readable by its owner only (mode 0600 on Unix).
    /// Where there are decoys there is a third column, `decoy`, in which they have that word; their `record_id` is
    /// empty.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let (path, [id, own, decoy]) = (path.as_ref(), HEADER);
        let entries = self.entries.iter();
        if self.decoys.is_empty() {
            let rows = entries.map(|(id, own)| [id.to_string(), own.clone()]);
            return file::write_csv(path, file::Access::Private, [id, own], rows);
        }
        let mark = |id| if self.decoys.contains(id) { DECOY.to_owned() } else { String::new() };
        let rows = entries.map(|(id, own)| [id.to_string(), own.clone(), mark(id)]);
        file::write_csv(path, file::Access::Private, [id, own, decoy], rows)
    }

    /// Reads a map that [`write_csv`](Self::write_csv) wrote.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io); [`ErrorKind::File`](crate::ErrorKind::File) where it is no row map.
    pub fn read_csv(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (mut entries, mut decoys) = (Vec::new(), HashSet::new());
        for (row, (id, own, mark)) in (1..).zip(read(path, &HEADER)?) {
            match mark.as_deref() {
                None | Some("") => {}
                // A decoy is nobody's.
                Some(DECOY) if own.is_empty() => {
                    decoys.insert(id);
                }
                Some(_) => return Err(Error::file(path, format!("row {row} is neither a person's nor a decoy"))),
            }
            entries.push((id, own));
        }
        Ok(RowMap { entries, decoys })
    }

    /// Takes the table of links that the linkage unit gave to this owner, and writes it with the owner's own ids in
    /// place of the row ids: a CSV with the columns `record_id` and `link_id`, readable by its owner only. Decoys are
    /// left out. Says how many rows it has.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io); [`ErrorKind::File`](crate::ErrorKind::File) where the table is none, or
    /// has a row id that is not in this map: the links are another owner's or another run's.
    pub fn write_linked_csv(&self, links: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<usize> {
        let linked = self.linked(links.as_ref())?;
        let rows = linked.iter().map(|(own, link)| [*own, link.as_str()]);
        file::write_csv(path.as_ref(), file::Access::Private, ["record_id", "link_id"], rows)?;
        Ok(linked.len())
    }

    /// As [`write_linked_csv`](Self::write_linked_csv) for records of [`read_csv_roles`](super::read_csv_roles), with the
    /// way back to the row that a person stands in: the columns are `record_id` (the row's), `role` and `link_id`.
    ///
    /// # Errors
    /// As [`write_linked_csv`](Self::write_linked_csv); [`ErrorKind::File`](crate::ErrorKind::File) where a row of the
    /// table is a record without a role.
    pub fn write_linked_roles_csv(&self, links: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<usize> {
        let links = links.as_ref();
        let linked = self.linked(links)?;
        let split = |(row, (own, link)): (usize, &(&str, String))| match split_role(own) {
            Some((own, role)) => Ok([own.to_owned(), role.to_owned(), link.clone()]),
            None => Err(Error::file(links, format!("row {}: the record was not read in a role", row + 1))),
        };
        let rows: Vec<[String; 3]> = linked.iter().enumerate().map(split).collect::<Result<_>>()?;
        let header = ["record_id", "role", "link_id"];
        file::write_csv(path.as_ref(), file::Access::Private, header, rows.into_iter())?;
        Ok(linked.len())
    }

    /// The owner's own ids with their link ids, from its table of links.
    fn linked(&self, links: &Path) -> Result<Vec<(&str, String)>> {
        let own = self.to_map();
        let mut linked = Vec::new();
        for (row, (id, link, _)) in (1..).zip(read(links, &["row_id", "link_id"])?) {
            if self.decoys.contains(&id) {
                continue;
            }
            let Some(own) = own.get(&id) else {
                let problem = "the row id is not in this row map; the links are another owner's or another run's";
                return Err(Error::file(links, format!("row {row}: {problem}")));
            };
            linked.push((*own, link));
        }
        Ok(linked)
    }
}

/// Reads a CSV of two columns, the first of them a row id, and of a third one where the header has it.
fn read(path: &Path, header: &[&str]) -> Result<Vec<(RowId, String, Option<String>)>> {
    let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let found = csv.byte_headers().map_err(|e| csv_error(path, &e))?;
    let columns = found.len();
    if !(2..=header.len()).contains(&columns) || *found != header[..columns] {
        return Err(Error::file(path, format!("must have the columns {} and {}, in this order", header[0], header[1])));
    }
    let mut entries = Vec::new();
    let mut row = csv::StringRecord::new();
    let wrong = |row| Error::file(path, format!("row {row} is not a row id and a {}", header[1]));
    loop {
        let number = entries.len() + 1;
        match csv.read_record(&mut row) {
            Ok(true) if row.len() == columns => {
                let id = row[0].parse().map_err(|_| wrong(number))?;
                entries.push((id, row[1].to_owned(), row.get(2).map(str::to_owned)));
            }
            Ok(true) => return Err(wrong(number)),
            Ok(false) => return Ok(entries),
            Err(error) => return Err(csv_error(path, &error)),
        }
    }
}

/// How many entries; the owner's ids are nobody else's business.
impl fmt::Debug for RowMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowMap({} rows)", self.entries.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_come_back_to_own_ids() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let map =
            RowMap::new(vec![(RowId([1; 16]), "P1".into()), (RowId([2; 16]), "a, \"b\"\nc".into())], HashSet::new());
        map.write_csv(path("rows.csv")).unwrap();
        assert_eq!(RowMap::read_csv(path("rows.csv")).unwrap(), map);

        std::fs::write(path("links.csv"), format!("row_id,link_id\n{},L9\n", "01".repeat(16))).unwrap();
        assert_eq!(map.write_linked_csv(path("links.csv"), path("linked.csv")).unwrap(), 1);
        assert_eq!(std::fs::read_to_string(path("linked.csv")).unwrap(), "record_id,link_id\nP1,L9\n");

        for (content, says) in [
            (format!("row_id,link_id\n{},L9\n", "03".repeat(16)), "row 1: the row id is not in this row map"),
            ("row_id,link_id\nP1,L9\n".into(), "row 1 is not a row id"),
            (format!("row_id,link_id\n{}\n", "01".repeat(16)), "row 1 is not a row id"),
            ("link_id,row_id\n".into(), "must have the columns row_id and link_id"),
        ] {
            std::fs::write(path("wrong.csv"), content).unwrap();
            let error = map.write_linked_csv(path("wrong.csv"), path("none.csv")).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("P1"), "{error}");
            assert!(!path("none.csv").exists());
        }
    }
}
