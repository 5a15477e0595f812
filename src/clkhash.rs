//! clkhash's linkage schemas, encoded to the bit: for agreements that exist.

pub mod blocking;
pub use crate::clks::Clks;
