//! anonlink's JSON file of encodings, `{"clks": [...]}`: no lengths, no manifest, no row ids; a row is its place.

use crate::cohort::BitMatrix;

/// CLKs in the order of their rows, as anonlink exchanges them.
#[derive(Clone, PartialEq, Eq)]
pub struct Clks {
    matrix: BitMatrix,
}
