//! Privacy-preserving record linkage.
#![deny(missing_docs)]

mod error;

#[cfg(feature = "synth")]
pub mod synth;

pub use error::{Error, ErrorKind, Result, RowProblem, SchemaProblem};
