//! Randomness from the operating system.

use crate::error::{Error, Result};

/// Fills the bytes, or says that the operating system has none to give.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|_| Error::argument("the operating system has no randomness to give"))
}

/// A fresh seed.
#[cfg(any(feature = "owner", feature = "linkage"))]
pub(crate) fn seed() -> Result<[u8; 32]> {
    let mut seed = [0; 32];
    fill(&mut seed)?;
    Ok(seed)
}
