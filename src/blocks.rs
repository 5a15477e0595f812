//! Blocks: which records may be compared. The file that anonlink-client's `block` writes, in both directions.

mod filter;
mod json;
mod sampled;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use serde_json::{Map, Value};

pub use self::filter::BlockFilter;
#[cfg(feature = "anonlink")]
pub(crate) use self::sampled::python_blocks;
#[cfg(feature = "clkhash")]
pub(crate) use self::sampled::{bit, python_sample, sampled_blocks};
use crate::error::{Error, Result};

/// The blocks of one party: each has an id and the records in it.
///
/// Records go by their rows, from 0, or by names that the party gave them. The ids are keyed (32 hexadecimal digits, made
/// by an owner with [`clkhash::blocking`](crate#features)), or blocklib's: those can be tested by everybody.
#[derive(Clone, Default, PartialEq)]
pub struct Blocks {
    /// In the order in which they were found; ids are unique.
    entries: Vec<(String, Vec<u32>)>,
    /// The name of each record that is in a block.
    records: Vec<String>,
    meta: Map<String, Value>,
}

/// The key in `meta` under which this program keeps what it adds.
const OURS: &str = "pprl";

impl Blocks {
    /// How many blocks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The blocks in their order: the id, and the names of its records.
    pub fn iter(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
        self.entries.iter().map(|(id, members)| (id.as_str(), self.names(members)))
    }

    /// The names of a block's records, in their order; `None` where there is no such block. It looks at all of them.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Vec<&str>> {
        let (_, members) = self.entries.iter().find(|(other, _)| other == id)?;
        Some(self.names(members).collect())
    }

    /// The records that are in a block, and the ids of their blocks: the other direction. Both in the order in which the
    /// blocks name them; a record that a block names twice has it once.
    #[must_use]
    pub fn reverse(&self) -> Vec<(&str, Vec<&str>)> {
        let lists = self.by_record().into_iter();
        lists.map(|(record, ids)| (self.record(record), ids.into_iter().map(|id| self.id(id)).collect())).collect()
    }

    /// What is said of the blocks: `config`, `source`, `stats`, and this program's own under `pprl`.
    #[must_use]
    pub fn meta(&self) -> &Map<String, Value> {
        &self.meta
    }

    /// Whether the file says that its ids are keyed. Nothing else can tell.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        self.key_check().is_some()
    }

    /// 16 hexadecimal digits that are the same for parties with the same key, where the ids are keyed.
    #[must_use]
    pub fn key_check(&self) -> Option<&str> {
        self.meta.get(OURS)?.get("key_check")?.as_str()
    }

    /// Why ids without a key were accepted, where that is so.
    #[must_use]
    pub fn accept_risk(&self) -> Option<&str> {
        self.meta.get(OURS)?.get("accept_risk")?.as_str()
    }

    /// Reads a file `{"blocks": {record: [ids]}, "meta": {…}}`; `meta` may be missing.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io); [`ErrorKind::Cohort`](crate::ErrorKind::Cohort) where it is no such file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = std::fs::File::open(path).map_err(|e| Error::io(path, "read", e))?;
        json::read(std::io::BufReader::with_capacity(1 << 16, file)).map_err(|error| error.in_file(path))
    }

    /// Reads JSON text, as [`read`](Self::read) does a file.
    ///
    /// # Errors
    /// [`ErrorKind::Cohort`](crate::ErrorKind::Cohort).
    pub fn from_json(text: &[u8]) -> Result<Self> {
        json::read(text)
    }

    /// Reads blocklib's own direction, `{id: [records]}`: records are rows, or texts.
    ///
    /// # Errors
    /// [`ErrorKind::Cohort`](crate::ErrorKind::Cohort).
    pub fn from_inverse_json(text: &[u8]) -> Result<Self> {
        json::read_inverse(text)
    }

    /// Writes a file `{"blocks": {record: [ids]}, "meta": {…}}`: whole or not at all. On Unix only its owner can read it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        crate::file::write(path.as_ref(), crate::file::Access::Private, |file| json::write(self, file))
    }

    /// The blocks as JSON text, as [`write`](Self::write) writes them.
    ///
    /// # Panics
    /// Never: writing to memory does not fail.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        in_memory(|out| json::write(self, out))
    }

    /// The blocks in blocklib's own direction, `{id: [records]}`: rows as numbers, names as texts. Without `meta`.
    ///
    /// # Panics
    /// Never: writing to memory does not fail.
    #[must_use]
    pub fn to_inverse_json(&self) -> Vec<u8> {
        in_memory(|out| json::write_inverse(self, out))
    }

    pub(crate) fn entries(&self) -> &[(String, Vec<u32>)] {
        &self.entries
    }

    pub(crate) fn record(&self, record: u32) -> &str {
        &self.records[record as usize]
    }

    fn id(&self, place: u32) -> &str {
        &self.entries[place as usize].0
    }

    fn names(&self, members: &[u32]) -> impl Iterator<Item = &str> {
        members.iter().map(|&record| self.record(record))
    }

    /// Records in the order in which blocks name them, each with its blocks.
    pub(crate) fn by_record(&self) -> Vec<(u32, Vec<u32>)> {
        let mut lists: Vec<(u32, Vec<u32>)> = Vec::new();
        let mut places = vec![u32::MAX; self.records.len()];
        for (id, (_, members)) in self.entries.iter().enumerate() {
            for &record in members {
                let place = &mut places[record as usize];
                if *place == u32::MAX {
                    *place = lists.len() as u32;
                    lists.push((record, Vec::new()));
                }
                let ids = &mut lists[*place as usize].1;
                // The ids come in order.
                if ids.last() != Some(&(id as u32)) {
                    ids.push(id as u32);
                }
            }
        }
        lists
    }

    /// The blocks whose ids `keep` keeps.
    pub(crate) fn keep(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        let entries = self.entries.iter().filter(|(id, _)| keep(id)).cloned().collect();
        Blocks { entries, records: self.records.clone(), meta: self.meta.clone() }
    }

    /// The blocks with these ids, in the order of the ids, under new ones; of blocks that get the same new id the last
    /// stays, in the place of the first.
    #[cfg(feature = "anonlink")]
    pub(crate) fn in_order(&self, ids: &[&str], new: impl Fn(&str) -> String) -> Self {
        let own: HashMap<&str, &Vec<u32>> = self.entries.iter().map(|(id, members)| (id.as_str(), members)).collect();
        let mut kept = Builder::default();
        for id in ids {
            if let Some(&members) = own.get(id) {
                let place = kept.place(new(id));
                kept.entries[place].1.clone_from(members);
            }
        }
        Blocks { entries: kept.entries, records: self.records.clone(), meta: self.meta.clone() }
    }

    #[cfg(feature = "clkhash")]
    pub(crate) fn with_meta(mut self, meta: Map<String, Value>) -> Self {
        self.meta = meta;
        self
    }
}

/// Ids and how many blocks; no record and no id.
impl fmt::Debug for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blocks({} blocks of {} records)", self.entries.len(), self.records.len())
    }
}

/// Blocks in the making: ids and records in the order in which they come.
#[derive(Default)]
pub(crate) struct Builder {
    places: HashMap<String, usize>,
    entries: Vec<(String, Vec<u32>)>,
}

impl Builder {
    /// The place of a block, which is new or not.
    fn place(&mut self, id: String) -> usize {
        let entries = &mut self.entries;
        *self.places.entry(id).or_insert_with_key(|id| {
            entries.push((id.clone(), Vec::new()));
            entries.len() - 1
        })
    }

    /// Puts records into a block.
    pub(crate) fn add(&mut self, id: String, records: &[u32]) {
        let place = self.place(id);
        self.entries[place].1.extend_from_slice(records);
    }

    /// Blocks of rows; what is said of them comes later.
    pub(crate) fn rows(self, rows: usize) -> Blocks {
        self.named((0..rows).map(|row| row.to_string()).collect())
    }

    /// Blocks of records with these names, which may repeat.
    pub(crate) fn named(self, records: Vec<String>) -> Blocks {
        Blocks { entries: self.entries, records, meta: Map::new() }
    }

    #[cfg(feature = "clkhash")]
    pub(crate) fn into_entries(self) -> Vec<(String, Vec<u32>)> {
        self.entries
    }
}

/// The row that a record's name is: digits as a program writes them.
pub(crate) fn row(name: &str) -> Option<u32> {
    let canonical = name == "0" || !name.starts_with('0');
    name.parse().ok().filter(|_| canonical && !name.starts_with('+'))
}

#[expect(clippy::expect_used, reason = "writing to a vector does not fail")]
fn in_memory(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Vec<u8> {
    let mut text = Vec::new();
    write(&mut text).expect("writing to memory does not fail");
    text
}
