//! The linkage schema as clkhash understands it, whatever version it was written in.

use num_bigint::BigInt;

use super::format::Format;
use super::surprise::Surprise;

/// A clkhash linkage schema of version 1, 2 or 3: sound by construction.
#[derive(Clone, Debug)]
pub struct LinkageSchema {
    pub(super) version: u8,
    pub(super) length: usize,
    pub(super) folds: u32,
    pub(super) kdf: Kdf,
    pub(super) features: Vec<Feature>,
    pub(super) surprises: Vec<Surprise>,
    pub(super) sha256: String,
}

/// How the secret becomes two keys for each feature (RFC 5869).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kdf {
    pub(super) hash: KdfHash,
    pub(super) salt: Vec<u8>,
    pub(super) info: Vec<u8>,
    pub(super) key_size: usize,
}

/// The hash of HKDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KdfHash {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// A column of the file.
#[derive(Clone, Debug)]
pub struct Feature {
    pub(super) identifier: String,
    /// `None`: the column is ignored.
    pub(super) hashing: Option<Hashing>,
}

/// How a column is hashed.
#[derive(Clone, Debug)]
pub struct Hashing {
    pub(super) format: Format,
    pub(super) comparison: Comparison,
    pub(super) strategy: Strategy,
    pub(super) hash: TokenHash,
    pub(super) missing: Option<MissingValue>,
}

/// How a text becomes tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// All windows of `n` characters.
    Ngram {
        /// How many characters.
        n: usize,
        /// Whether a token begins with its place.
        positional: bool,
    },
    /// The whole text is one token.
    Exact,
    /// Numbers close to each other share tokens.
    Numeric {
        /// `thresholdDistance` × 10^`precision`, rounded half to even; above 0.
        step: BigInt,
        /// `resolution`.
        resolution: usize,
        /// `fractional_precision`.
        precision: u32,
    },
}

/// How many positions a token gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// So many for every token.
    BitsPerToken(usize),
    /// So many for all tokens of a value together.
    BitsPerFeature(usize),
}

/// How a token becomes positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenHash {
    /// Double hashing with HMAC-SHA1 and HMAC-MD5.
    Double {
        /// Whether a second hash of 0 is made anew.
        prevent_singularity: bool,
    },
    /// BLAKE2b.
    Blake,
}

/// What stands for a missing value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingValue {
    pub(super) sentinel: String,
    pub(super) replace_with: Option<String>,
}
