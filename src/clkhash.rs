//! clkhash's linkage schemas, encoded to the bit: for agreements that exist.
//!
//! [clkhash](https://github.com/data61/clkhash) 0.18.3 is the reference for every bit made here. What it does is specified
//! nowhere; `tests/vectors/clkhash` has known answers that were made by running it, and `docs/from-clkhash.md` is for its users.
//!
//! ```no_run
//! use pprl::clkhash::{ClkEncoder, Header, LinkageSchema, Secret};
//!
//! # fn main() -> pprl::Result<()> {
//! let schema = LinkageSchema::from_path("linkage.json")?;      // version 1, 2 or 3; every problem at once
//! for surprise in schema.surprises() {
//!     println!("{surprise}");                                  // what clkhash does silently, and so do we
//! }
//! let secret = Secret::from_path("secret.txt")?;
//! let encoder = ClkEncoder::new(&schema, &secret, "the agreement of 2021")?; // plain CLKs need a reason
//! encoder.encode_csv("people.csv", Header::Checked)?.clks.write("clks.json")?;
//! # Ok(())
//! # }
//! ```
//!
//! A plain CLK falls to some fifty known people. [`LinkageSchema::native`] is the way out; [`LinkageSchema::agreement`] lets the
//! same CLKs go through this crate's own linkage, audit and log for as long as they must. [`blocking`] makes blocklib's
//! blocks, keyed.

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
