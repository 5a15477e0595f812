//! clkhash's linkage schemas, encoded to the bit: for agreements that exist.
//!
//! [clkhash](https://github.com/data61/clkhash) 0.18.3 is the reference for every bit made here. What it does is specified
//! nowhere; `tests/vectors/clkhash` has known answers that were made by running it.

mod encode;
mod format;
mod hash;
mod keys;
mod python;
mod schema;
mod surprise;
mod tokens;

pub use self::format::{Case, DatePattern, Format, TextEncoding, TextPattern};
pub use self::schema::{Comparison, Feature, Hashing, Kdf, KdfHash, LinkageSchema, MissingValue, Strategy, TokenHash};
pub use self::surprise::Surprise;
pub use crate::clks::Clks;
