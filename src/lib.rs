//! Privacy-preserving record linkage.
#![deny(missing_docs)]

pub mod cohort;
mod error;
#[cfg(feature = "evaluate")]
pub mod evaluate;
mod file;
#[cfg(feature = "owner")]
mod key;
#[cfg(feature = "linkage")]
pub mod linkage;
#[cfg(feature = "owner")]
pub mod owner;
#[cfg(any(feature = "owner", feature = "linkage"))]
mod random;
pub mod schema;
#[cfg(feature = "synth")]
pub mod synth;

pub use cohort::Cohort;
pub use error::{Error, ErrorKind, ROW_PROBLEMS_KEPT, Result, RowProblem, SchemaProblem};
#[cfg(feature = "owner")]
pub use key::ProjectKey;
#[cfg(feature = "linkage")]
pub use linkage::{Linker, Links};
#[cfg(feature = "owner")]
pub use owner::{CsvOptions, Encoded, Encoder, Record};
pub use schema::Schema;

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|n| char::from(b"0123456789abcdef"[n as usize])).collect()
}
