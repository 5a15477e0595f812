//! The file of an index: entries, each with its length and a checksum, appended and never changed. `docs/index.md` has the
//! format.
//!
//! Entries come in groups; a group counts when its last entry is whole. Behind the version stands how much of the file was
//! acknowledged: what is damaged before that is an error, and what is damaged behind it was never acknowledged and is cut off.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::super::candidates::take;
use crate::error::{Error, Result};

/// How a file begins: what it is, and the version of its form.
const MAGIC: [u8; 8] = *b"PPRLIDX\x01";

/// Where the acknowledged length stands, and where entries begin.
const ACKNOWLEDGED: u64 = 8;
const FIRST: u64 = 16;

/// The most bytes of an entry's content.
pub(super) const MOST: usize = 16 << 20;

/// Bytes of an entry beside its content: kind and length before it, checksum behind.
const BEFORE: usize = 5;
const CHECKSUM: usize = 16;

/// Set in the kind of an entry that is not the last of its group.
const MORE: u8 = 0x80;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What the index is of: the first entry, and no other.
    Header = 0,
    Rows = 1,
    Withdrawn = 2,
    Model = 3,
}

pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) content: Vec<u8>,
}

/// The bytes of a group that begins at this place of the file.
pub(super) fn group(at: u64, entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        let more = if place + 1 < entries.len() { MORE } else { 0 };
        let start = bytes.len();
        bytes.push(entry.kind as u8 | more);
        bytes.extend((entry.content.len() as u32).to_le_bytes());
        bytes.extend(&entry.content);
        let checksum = checksum(at + start as u64, &bytes[start..]);
        bytes.extend(checksum);
    }
    bytes
}

/// Where an entry stands is part of what is checked, so that none can be taken for another.
fn checksum(at: u64, entry: &[u8]) -> [u8; CHECKSUM] {
    let mut hash = Sha256::new();
    hash.update(MAGIC);
    hash.update(at.to_le_bytes());
    hash.update(entry);
    let mut checksum = [0; CHECKSUM];
    checksum.copy_from_slice(&hash.finalize()[..CHECKSUM]);
    checksum
}

/// A file that is written from its beginning to its end, before anybody sees it.
pub(super) struct Whole<'a> {
    out: &'a mut BufWriter<File>,
    end: u64,
}

impl<'a> Whole<'a> {
    pub(super) fn begin(out: &'a mut BufWriter<File>, header: Vec<u8>) -> std::io::Result<Self> {
        out.write_all(&MAGIC)?;
        out.write_all(&[0; 8])?;
        let mut whole = Whole { out, end: FIRST };
        whole.add(Kind::Header, header)?;
        Ok(whole)
    }

    pub(super) fn add(&mut self, kind: Kind, content: Vec<u8>) -> std::io::Result<()> {
        let bytes = group(self.end, &[Entry { kind, content }]);
        self.end += bytes.len() as u64;
        self.out.write_all(&bytes)
    }

    pub(super) fn finish(self) -> std::io::Result<()> {
        self.out.seek(SeekFrom::Start(ACKNOWLEDGED))?;
        self.out.write_all(&self.end.to_le_bytes())
    }
}

/// A file that is written to at its end.
pub(super) struct Log {
    file: File,
    /// Length of what is acknowledged.
    end: u64,
    /// Set when a write failed: nobody knows what is on disk then.
    broken: bool,
}

impl Log {
    /// Goes on with a file behind its whole groups; what stands there is cut off.
    pub(super) fn resume(file: File, end: u64) -> std::io::Result<Self> {
        file.set_len(end)?;
        let mut log = Log { file, end, broken: false };
        log.file.sync_data()?;
        log.acknowledge()?;
        Ok(log)
    }

    /// Appends a group. It is on disk when this returns.
    pub(super) fn append(&mut self, entries: &[Entry]) -> std::io::Result<()> {
        if self.broken {
            return Err(std::io::Error::other("a write failed before; open the index again"));
        }
        let bytes = group(self.end, entries);
        let written = self
            .file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.file.write_all(&bytes))
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.broken = true;
            return Err(error);
        }
        self.end += bytes.len() as u64;
        self.acknowledge().inspect_err(|_| self.broken = true)
    }

    /// Takes nothing more.
    pub(super) fn give_up(&mut self) {
        self.broken = true;
    }

    /// Reaches the disk with the next group at the latest: it only tells damage from what was never finished.
    fn acknowledge(&mut self) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(ACKNOWLEDGED))?;
        self.file.write_all(&self.end.to_le_bytes())
    }
}

/// Reads the groups of a file, one after the other.
pub(super) struct Reader<'a> {
    path: &'a Path,
    input: BufReader<File>,
    acknowledged: u64,
    length: u64,
    /// Behind the last whole group.
    pub(super) end: u64,
}

/// What is wrong with bytes that are no entry.
enum Wrong {
    Torn,
    Io(std::io::Error),
}

impl<'a> Reader<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self> {
        let read = |e| Error::io(path, "read", e);
        let file = File::open(path).map_err(read)?;
        let length = file.metadata().map_err(read)?.len();
        let mut input = BufReader::with_capacity(1 << 20, file);
        let mut start = Vec::new();
        input.by_ref().take(FIRST).read_to_end(&mut start).map_err(read)?;
        let mut rest = &start[..];
        if take::<7>(&mut rest).is_none_or(|magic| magic != MAGIC[..7]) {
            return Err(Error::file(path, "is not the file of an index"));
        }
        if take(&mut rest) != Some([MAGIC[7]]) {
            return Err(Error::file(path, "is of an index of another version; this program knows version 1"));
        }
        let acknowledged = take(&mut rest).map(u64::from_le_bytes);
        let acknowledged = acknowledged.ok_or_else(|| Error::file(path, "is cut short"))?;
        if acknowledged > length {
            let problem = format!("is cut short: {acknowledged} bytes were acknowledged and {length} are left");
            return Err(Error::file(path, problem));
        }
        Ok(Reader { path, input, acknowledged, length, end: FIRST })
    }

    /// Bytes behind the last whole group.
    pub(super) fn torn(&self) -> u64 {
        self.length - self.end
    }

    /// The next group; `None` behind the last whole one. Memory grows with what was read.
    pub(super) fn next(&mut self) -> Result<Option<Vec<Entry>>> {
        let mut at = self.end;
        let mut entries = Vec::new();
        loop {
            match self.entry(at) {
                Ok((entry, more, length)) => {
                    at += length;
                    entries.push(entry);
                    if !more {
                        self.end = at;
                        return Ok(Some(entries));
                    }
                }
                Err(Wrong::Io(error)) => return Err(Error::io(self.path, "read", error)),
                Err(Wrong::Torn) if self.end < self.acknowledged => return Err(self.damaged("an entry is damaged")),
                Err(Wrong::Torn) => return Ok(None),
            }
        }
    }

    /// The error of content that is not what it must be, in the group that begins or ends here.
    pub(super) fn damaged(&self, problem: &str) -> Error {
        Error::file(self.path, format!("at byte {}: {problem}; restore the index from a copy", self.end))
    }

    fn entry(&mut self, at: u64) -> std::result::Result<(Entry, bool, u64), Wrong> {
        let mut bytes = Vec::with_capacity(BEFORE);
        self.take(BEFORE, &mut bytes)?;
        let more = bytes[0] & MORE != 0;
        let kind = match bytes[0] & !MORE {
            0 => Kind::Header,
            1 => Kind::Rows,
            2 => Kind::Withdrawn,
            3 => Kind::Model,
            _ => return Err(Wrong::Torn),
        };
        let length = u32::from_le_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize;
        if length > MOST {
            return Err(Wrong::Torn);
        }
        self.take(length, &mut bytes)?;
        let mut found = Vec::with_capacity(CHECKSUM);
        self.take(CHECKSUM, &mut found)?;
        if found != checksum(at, &bytes) {
            return Err(Wrong::Torn);
        }
        bytes.drain(..BEFORE);
        Ok((Entry { kind, content: bytes }, more, (BEFORE + length + CHECKSUM) as u64))
    }

    fn take(&mut self, count: usize, bytes: &mut Vec<u8>) -> std::result::Result<(), Wrong> {
        let read = self.input.by_ref().take(count as u64).read_to_end(bytes).map_err(Wrong::Io)?;
        if read == count { Ok(()) } else { Err(Wrong::Torn) }
    }
}
