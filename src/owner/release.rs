//! What an owner says before a file leaves: that a small one may, and how many decoys go with it.

use super::Encoder;
use crate::error::{Error, Result};

/// How long a reason is, in characters.
const REASON: std::ops::RangeInclusive<usize> = 10..=500;

/// A reason for releasing a small file, if it is one.
pub(crate) fn small_reason(reason: &str) -> Result<String> {
    let reason = reason.trim();
    if !REASON.contains(&reason.chars().count()) || reason.contains(char::is_control) {
        return Err(Error::argument("give the reason for releasing a small file in one line of 10 to 500 characters"));
    }
    Ok(reason.to_owned())
}

impl Encoder {
    /// Lets [`Encoded::write`](super::Encoded::write) write a cohort of fewer than [`SMALL_FILE`](super::SMALL_FILE)
    /// people, for this reason: one line of 10 to 500 characters that names nobody. Where there are fewer, and only
    /// there, it goes into the manifest and so to the linkage unit, which thereby learns that there are fewer, whatever
    /// the number of [decoys](Self::decoys).
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where it is no such line.
    pub fn release_small(mut self, reason: &str) -> Result<Self> {
        self.release_small = Some(small_reason(reason)?);
        Ok(self)
    }

    /// Puts so many rows among the others that are nobody's: 0 unless set. [`RowMap`](super::RowMap) knows them, and
    /// leaves them out where the owner's table of links comes back. The linkage unit is told neither which they are nor
    /// how many.
    ///
    /// They are put together from the values of the file's own people. Alone, each of their values is as frequent as in
    /// the file; together they are not: a decoy has no brothers or sisters in the file, its forename need not fit its
    /// sex, nor its street its postcode.
    ///
    /// What they cost: time and room; a decoy can be linked by chance, to a row that would have been somebody else's;
    /// counts, match rates and, for parties that keep unlinked rows, study ids of the linkage unit include them. What
    /// they are good for is thinly proven: a quarter of them brought the older graph attack of Vidanage et al. (2020)
    /// from all people named to none (Heng et al. 2022), and later graph attacks were built to bear it (Schaefer,
    /// Armknecht & Heng 2024). They are no substitute for diffusion or for the audit.
    #[must_use]
    pub fn decoys(mut self, rows: usize) -> Self {
        self.decoys = rows;
        self
    }
}
