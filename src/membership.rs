//! Bloom filters in files of our own: for questions of the kind "is it one of those?", where a wrong yes does no harm and a
//! wrong no does.
//!
//! What goes in is the HMAC of something. The filter's own hash is seeded with a public constant, and hashes bytes as they
//! are, so that a file means the same on every machine.

use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{Read, Write};
use std::path::Path;

use bloomfilter::Bloom;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::file;

/// More hash functions than any filter of ours has: one for a false positive in a thousand has ten.
const MOST_HASHES: u32 = 16;

/// The longest file: 256 MiB, about 150 million entries at a false positive in a thousand.
const MOST_BYTES: u64 = 1 << 28;

/// Every filter has room for so many entries: in a filter of a few bytes the positions of one entry fall together and the
/// promised share of false positives does not hold, and its size would tell how few entries it has.
const LEAST_ENTRIES: usize = 1000;

/// What a kind of filter is made with.
pub(crate) struct Kind {
    /// Begins its files.
    pub(crate) magic: &'static [u8; 8],
    /// The seed of its hash: public and fixed.
    pub(crate) seed: [u8; 32],
    /// The share of false positives.
    pub(crate) false_positives: f64,
    /// What its files are called in errors.
    pub(crate) name: &'static str,
}

/// A filter of entries of `N` bytes.
pub(crate) struct Membership<const N: usize>(Bloom<Raw<N>>);

/// Hashes as its bytes alone: the length that slices add is not the same on all machines.
struct Raw<const N: usize>([u8; N]);

impl<const N: usize> Hash for Raw<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

impl<const N: usize> Membership<N> {
    pub(crate) fn new(kind: &Kind, count: usize, entries: impl Iterator<Item = [u8; N]>) -> Result<Self> {
        let mut filter = Bloom::new_for_fp_rate_with_seed(count.max(LEAST_ENTRIES), kind.false_positives, &kind.seed)
            .map_err(|_| Error::argument(format!("{} of this size cannot be made", kind.name)))?;
        entries.for_each(|entry| filter.set(&Raw(entry)));
        Ok(Membership(filter))
    }

    pub(crate) fn contains(&self, entry: [u8; N]) -> bool {
        self.0.check(&Raw(entry))
    }

    /// Writes a file: whole or not at all, readable by its owner only.
    pub(crate) fn write(&self, kind: &Kind, path: &Path, header: &[u8]) -> Result<()> {
        let body = [kind.magic, header, self.0.as_slice()].concat();
        file::write(path, file::Access::Private, |out| {
            out.write_all(&body)?;
            out.write_all(&Sha256::digest(&body))
        })
    }

    /// Reads such a file with a header of `H` bytes.
    pub(crate) fn read<const H: usize>(kind: &Kind, path: &Path) -> Result<([u8; H], Self)> {
        let wrong = || Error::file(path, format!("is not {}, or was cut short or changed", kind.name));
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
        file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(|e| Error::io(path, "read", e))?;
        let (body, digest) = bytes.split_last_chunk::<32>().ok_or_else(wrong)?;
        let content = body.strip_prefix(kind.magic).ok_or_else(wrong)?;
        if *Sha256::digest(body) != *digest {
            return Err(wrong());
        }
        let (header, filter) = content.split_first_chunk::<H>().ok_or_else(wrong)?;
        let filter = Bloom::from_slice(filter).map_err(|_| wrong())?;
        // A digest is no signature: a filter without bits divides by zero, one with billions of hashes never ends.
        let (bits, hashes) = (filter.len(), filter.number_of_hash_functions());
        if filter.seed() != kind.seed || bits == 0 || hashes > MOST_HASHES {
            return Err(wrong());
        }
        Ok((*header, Membership(filter)))
    }
}
