//! The candidate blocking filter: which keyed block ids a party has, so that others can drop the blocks that it has not.

use std::fmt;
use std::path::Path;

use super::Blocks;
use crate::error::{Error, ErrorKind, Result};
use crate::membership::{Kind, Membership};

/// A false positive is a block that is kept for nothing.
const FILTER: Kind = Kind {
    magic: b"pprblkf1",
    seed: *b"pprl blocking filter, version 1.",
    false_positives: 0.01,
    name: "a blocking filter",
};

/// A Bloom filter of one party's keyed block ids: about 10 bits each, one false positive in a hundred, no false negative.
///
/// Whoever gets it can test ids and learns about how many there are; whoever has the key can test people. It goes to the
/// linkage unit, or to an owner who may know which blocks this one has. The HMAC keeps the rest out; the filter's own hash
/// is public.
pub struct BlockFilter {
    key_check: [u8; 16],
    ids: Membership<16>,
}

impl BlockFilter {
    /// The filter of a party's blocks.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the ids are not keyed: everybody could test people in a filter of them.
    pub fn new(blocks: &Blocks) -> Result<Self> {
        let key_check = key_check(blocks)?;
        let ids: Vec<[u8; 16]> =
            blocks.entries().iter().map(|(id, _)| bytes(id)).collect::<Option<_>>().ok_or_else(wrong)?;
        Ok(BlockFilter { key_check, ids: Membership::new(&FILTER, ids.len(), ids.into_iter())? })
    }

    /// The blocks that the party of this filter may have too. None that it has is lost.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the ids are not keyed; [`ErrorKind::Mismatch`] where the key is another.
    pub fn candidates(&self, blocks: &Blocks) -> Result<Blocks> {
        if key_check(blocks)? != self.key_check {
            return Err(ErrorKind::Mismatch { problem: "the blocking filter was made under another key".into() }.into());
        }
        if blocks.entries().iter().any(|(id, _)| bytes(id).is_none()) {
            return Err(wrong());
        }
        Ok(blocks.keep(|id| bytes(id).is_some_and(|bytes| self.ids.contains(bytes))))
    }

    /// Writes the filter to a file: whole or not at all. On Unix only its owner can read it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        self.ids.write(&FILTER, path.as_ref(), &self.key_check)
    }

    /// Reads a filter that [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::File`] where it is none, or was cut short or changed.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let (key_check, ids) = Membership::read(&FILTER, path.as_ref())?;
        Ok(BlockFilter { key_check, ids })
    }
}

fn key_check(blocks: &Blocks) -> Result<[u8; 16]> {
    blocks.key_check().and_then(|text| text.as_bytes().try_into().ok()).ok_or_else(wrong)
}

fn wrong() -> Error {
    Error::argument("a blocking filter is for keyed block ids only; these are not, or not of this program")
}

/// The 128 bits of a keyed id.
fn bytes(id: &str) -> Option<[u8; 16]> {
    let digits = id.as_bytes();
    let sound = digits.len() == 32 && digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    sound.then(|| u128::from_str_radix(id, 16).ok().map(u128::to_be_bytes)).flatten()
}

/// Nothing of the filter: its own `Debug` would print what it is made of.
impl fmt::Debug for BlockFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockFilter(..)")
    }
}
