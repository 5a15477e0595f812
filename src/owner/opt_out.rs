//! Opt-out lists: people who must not be linked, as a Bloom filter of keyed match keys.
//!
//! One owner keeps the list of those who said no; the others leave them out without being told their names. The filter
//! has no false negatives: whoever is on the list is found by any match key that both files can make. For each match
//! key about one person in a thousand is left out without having asked, which is the right way to be wrong.
//!
//! It finds nobody by likeness: who is written otherwise in every match key, or has none in the other file, passes. An
//! owner therefore also leaves out by its own means those who opted out with itself.
//!
//! Whoever holds the key can test names against the list, so it goes from owner to owner and never to the linkage unit.

use std::fmt;
use std::path::Path;

use crate::cohort::MatchKeyValue;
use crate::error::{Error, ErrorKind, Result};
use crate::membership::{Kind, Membership};

/// One in a thousand others is left out by mistake.
const LIST: Kind = Kind {
    magic: b"pproptl1",
    seed: *b"pprl opt-out list, version 1....",
    false_positives: 0.001,
    name: "an opt-out list",
};

/// A keyed list of people to leave out: made by [`Encoder::opt_out_list`](super::Encoder::opt_out_list), honoured by
/// [`Encoder::opt_out`](super::Encoder::opt_out).
///
/// Whoever has a match key on the list in common never passes. Whoever is written otherwise in all match keys is not
/// recognised: `docs/encoding.md`, section 7.3.
///
/// Its `Debug` shows nothing; it goes into a file by [`write`](Self::write) and by no other way:
///
/// ```
/// fn shown(list: &pprl::owner::OptOutList) -> serde_json::Result<String> {
///     serde_json::to_string(&format!("{list:?}"))
/// }
/// ```
/// ```compile_fail,E0277
/// fn printed(list: &pprl::owner::OptOutList) -> String {
///     format!("{list}")
/// }
/// ```
/// ```compile_fail,E0277
/// fn serialised(list: &pprl::owner::OptOutList) -> serde_json::Result<String> {
///     serde_json::to_string(list)
/// }
/// ```
pub struct OptOutList {
    fingerprint: String,
    key_check: String,
    filter: Membership<17>,
}

/// One match key of one person.
pub(super) struct Entry([u8; 17]);

impl Entry {
    pub(super) fn new(match_key: usize, value: MatchKeyValue) -> Self {
        let mut entry = [0; 17];
        // A schema has at most 16 match keys.
        entry[0] = match_key as u8;
        entry[1..].copy_from_slice(&value.0);
        Entry(entry)
    }
}

impl OptOutList {
    pub(super) fn new(fingerprint: &str, key_check: &str, entries: &[Entry]) -> Result<Self> {
        let filter = Membership::new(&LIST, entries.len(), entries.iter().map(|entry| entry.0))?;
        Ok(OptOutList { fingerprint: fingerprint.to_owned(), key_check: key_check.to_owned(), filter })
    }

    pub(super) fn contains(&self, mut entries: impl Iterator<Item = Entry>) -> bool {
        entries.any(|entry| self.filter.contains(entry.0))
    }

    /// Refuses a list made under another schema or key: it would let everybody through.
    pub(super) fn check(&self, fingerprint: &str, key_check: &str) -> Result<()> {
        let what = match (self.fingerprint == fingerprint, self.key_check == key_check) {
            (true, true) => return Ok(()),
            (false, _) => "schema",
            (true, false) => "key",
        };
        Err(ErrorKind::Mismatch { problem: format!("the opt-out list was made under another {what}") }.into())
    }

    /// Writes the list to a file: whole or not at all, readable by its owner only.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let header = [self.fingerprint.as_bytes(), self.key_check.as_bytes()].concat();
        self.filter.write(&LIST, path.as_ref(), &header)
    }

    /// Reads a list that [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::File`] where it is no opt-out list, or was cut short or changed.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (header, filter) = Membership::read::<{ 64 + 16 }>(&LIST, path)?;
        let (fingerprint, key_check) = header.split_at(64);
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned);
        let (Ok(fingerprint), Ok(key_check)) = (text(fingerprint), text(key_check)) else {
            return Err(Error::file(path, "is not an opt-out list, or was cut short or changed"));
        };
        Ok(OptOutList { fingerprint, key_check, filter })
    }
}

/// Nothing of the list: the filter's own `Debug` would print what it is made of.
impl fmt::Debug for OptOutList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OptOutList(..)")
    }
}
