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
use std::fs::File;
use std::hash::Hash;
use std::io::{Read, Write};
use std::path::Path;

use bloomfilter::Bloom;
use sha2::{Digest, Sha256};

use crate::cohort::MatchKeyValue;
use crate::error::{Error, ErrorKind, Result};
use crate::file;

/// Share of other people who are left out by mistake.
const FALSE_POSITIVES: f64 = 0.001;

/// Every list has room for so many entries: in a filter of a few bytes the positions of one entry fall together and the
/// promised share does not hold, and its size would tell how few people are on it.
const LEAST_ENTRIES: usize = 1000;

/// The seed of the filter's own hash. Public and fixed: what is secret is the HMAC of what goes in.
const SEED: [u8; 32] = *b"pprl opt-out list, version 1....";

const MAGIC: &[u8; 8] = b"pproptl1";

/// A filter for [`FALSE_POSITIVES`] has ten hash functions.
const MOST_HASHES: u32 = 16;

/// The longest list file: 256 MiB, about 150 million people.
const MOST_BYTES: u64 = 1 << 28;

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
    filter: Bloom<Entry>,
}

/// One match key of one person. Hashes as its bytes alone: the length that slices add is not the same on all machines.
pub(super) struct Entry([u8; 17]);

impl Hash for Entry {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

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
        let mut filter = Bloom::new_for_fp_rate_with_seed(entries.len().max(LEAST_ENTRIES), FALSE_POSITIVES, &SEED)
            .map_err(|_| Error::argument("an opt-out list of this size cannot be made"))?;
        entries.iter().for_each(|entry| filter.set(entry));
        Ok(OptOutList { fingerprint: fingerprint.to_owned(), key_check: key_check.to_owned(), filter })
    }

    pub(super) fn contains(&self, mut entries: impl Iterator<Item = Entry>) -> bool {
        entries.any(|entry| self.filter.check(&entry))
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
        let mut body = Vec::from(*MAGIC);
        body.extend_from_slice(self.fingerprint.as_bytes());
        body.extend_from_slice(self.key_check.as_bytes());
        body.extend_from_slice(self.filter.as_slice());
        file::write(path.as_ref(), file::Access::Private, |out| {
            out.write_all(&body)?;
            out.write_all(&Sha256::digest(&body))
        })
    }

    /// Reads a list that [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::File`] where it is no opt-out list, or was cut short or changed.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        const HEADER: usize = 8 + 64 + 16;
        let path = path.as_ref();
        let wrong = || Error::file(path, "is not an opt-out list, or was cut short or changed");
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
        file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(|e| Error::io(path, "read", e))?;
        if bytes.len() < HEADER + 32 || !bytes.starts_with(MAGIC) {
            return Err(wrong());
        }
        let (body, digest) = bytes.split_at(bytes.len() - 32);
        if *Sha256::digest(body) != *digest {
            return Err(wrong());
        }
        let text = |range: std::ops::Range<usize>| std::str::from_utf8(&body[range]).map(str::to_owned);
        let (Ok(fingerprint), Ok(key_check)) = (text(8..72), text(72..HEADER)) else { return Err(wrong()) };
        let filter = Bloom::from_slice(&body[HEADER..]).map_err(|_| wrong())?;
        // A digest is no signature: a filter without bits divides by zero, one with billions of hashes never ends.
        let (bits, hashes) = (filter.len(), filter.number_of_hash_functions());
        if filter.seed() != SEED || bits == 0 || hashes > MOST_HASHES {
            return Err(wrong());
        }
        Ok(OptOutList { fingerprint, key_check, filter })
    }
}

/// Nothing of the list: the filter's own `Debug` would print what it is made of.
impl fmt::Debug for OptOutList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OptOutList(..)")
    }
}
