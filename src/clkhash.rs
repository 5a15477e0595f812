//! clkhash's linkage schemas, encoded to the bit: for agreements that exist.
//!
//! [clkhash](https://github.com/data61/clkhash) 0.18.3 is the reference for every bit made here. What it does is specified
//! nowhere; `tests/vectors/clkhash` has known answers that were made by running it.

pub mod blocking;
mod cohort;
mod csv;
mod encode;
mod format;
mod hash;
mod keys;
#[cfg(test)]
mod known_answers;
mod native;
mod python;
mod schema;
mod surprise;
mod tokens;

pub use self::csv::Header;
pub use self::encode::{ClkEncoder, EncodedClks};
pub use self::format::{Case, DatePattern, Format, TextEncoding, TextPattern};
pub use self::keys::Secret;
pub use self::native::Native;
pub use self::schema::{Comparison, Feature, Hashing, Kdf, KdfHash, LinkageSchema, MissingValue, Strategy, TokenHash};
pub use self::surprise::Surprise;
pub use crate::clks::{Clks, ClksAndBlocks, MAX_CLK_BITS};
