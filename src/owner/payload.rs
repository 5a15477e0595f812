//! What an owner knows beside who people are, for the research environment: under link ids, and of linked rows only.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use super::read::csv_error;
use crate::error::{Error, Result};
use crate::file;

/// How much of a file was put under link ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Payload {
    /// Rows that were written.
    pub rows: usize,
    /// Rows of people without a link id: not written, and nobody else's business.
    pub left_out: usize,
}

/// Takes a CSV file that has the owner's own ids in the column `record_id`, and writes it with link ids in their place
/// (`link_id`, the first column), for the research environment. `linked` is what
/// [`RowMap::write_linked_csv`](super::RowMap::write_linked_csv) wrote. Rows without a link id are left out; the others are
/// sorted by it, so that their order says nothing of the owner's file. All other columns are written as they stand: that
/// no name is among them is for the owner to see to.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io); [`ErrorKind::File`](crate::ErrorKind::File) where a file is no CSV, lacks the
/// column, has it twice or has one called `link_id`, or where an own id stands twice in `linked`.
pub fn write_payload_csv(
    linked: impl AsRef<Path>,
    payload: impl AsRef<Path>,
    out: impl AsRef<Path>,
) -> Result<Payload> {
    let (linked, payload) = (linked.as_ref(), payload.as_ref());
    let mut links: HashMap<String, String> = HashMap::new();
    let mut csv = open(linked)?;
    if *csv.headers().map_err(|error| csv_error(linked, &error))? != ["record_id", "link_id"][..] {
        return Err(Error::file(linked, "must have the columns record_id and link_id, in this order"));
    }
    for (number, row) in (1..).zip(csv.records()) {
        let row = row.map_err(|error| csv_error(linked, &error))?;
        if links.insert(row[0].to_owned(), row[1].to_owned()).is_some() {
            return Err(Error::file(linked, format!("row {number}: this record_id was there before")));
        }
    }

    let mut csv = open(payload)?;
    let header = csv.headers().map_err(|error| csv_error(payload, &error))?.clone();
    let places: Vec<usize> = (0..header.len()).filter(|&place| &header[place] == "record_id").collect();
    let &[own] = places.as_slice() else {
        return Err(Error::file(payload, "must have one column record_id"));
    };
    if header.iter().any(|name| name == "link_id") {
        return Err(Error::file(payload, "has a column link_id already"));
    }
    let mut written = Payload::default();
    let mut rows: Vec<(&str, csv::StringRecord)> = Vec::new();
    for row in csv.records() {
        let row = row.map_err(|error| csv_error(payload, &error))?;
        match links.get(&row[own]) {
            Some(link) => rows.push((link, row)),
            None => written.left_out += 1,
        }
    }
    // Stable: a person's rows stay in their order.
    rows.sort_by_key(|(link, _)| *link);
    written.rows = rows.len();
    let others = |row: &csv::StringRecord| {
        row.iter().enumerate().filter(|(place, _)| *place != own).map(|(_, value)| value.to_owned()).collect::<Vec<_>>()
    };
    file::write_rows(out.as_ref(), file::Access::Private, |csv| {
        csv.write_record(std::iter::once("link_id".to_owned()).chain(others(&header)))?;
        rows.iter().try_for_each(|(link, row)| csv.write_record(std::iter::once((*link).to_owned()).chain(others(row))))
    })?;
    Ok(written)
}

fn open(path: &Path) -> Result<csv::Reader<File>> {
    let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    Ok(csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_ids_become_link_ids_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
        write("linked.csv", "record_id,link_id\nZQ1,L9\n\"ZQ,2\",L1\n");
        write(
            "payload.csv",
            "period,record_id,note\n2023,ZQ1,\"a, b\"\n2024,ZQ1,\n2023,ZQ3,x\n2023,\"ZQ,2\",\"c\nd\"\n",
        );
        let written = write_payload_csv(path("linked.csv"), path("payload.csv"), path("out.csv")).unwrap();
        assert_eq!(written, Payload { rows: 3, left_out: 1 });
        let out = std::fs::read_to_string(path("out.csv")).unwrap();
        assert_eq!(out, "link_id,period,note\nL1,2023,\"c\nd\"\nL9,2023,\"a, b\"\nL9,2024,\n");

        for (linked, payload, says) in [
            ("record_id,link_id\nZQ1,L9\nZQ1,L8\n", "record_id\n", "row 2: this record_id"),
            ("link_id,record_id\n", "record_id\n", "must have the columns record_id and link_id"),
            ("record_id,link_id\n", "id\nZQ1\n", "one column record_id"),
            ("record_id,link_id\n", "record_id,record_id\n", "one column record_id"),
            ("record_id,link_id\n", "record_id,link_id\n", "a column link_id already"),
            ("record_id,link_id\n", "record_id,x\nZQ1\n", "not a CSV file"),
            ("record_id,link_id\nZQ1\n", "record_id,x\n", "not a CSV file"),
        ] {
            write("linked.csv", linked);
            write("payload.csv", payload);
            let error = write_payload_csv(path("linked.csv"), path("payload.csv"), path("none.csv")).unwrap_err();
            assert!(error.to_string().contains(says) && !error.to_string().contains("ZQ1"), "{error}");
            assert!(!path("none.csv").exists());
        }
    }
}
