//! The linkage schema as clkhash understands it, whatever version it was written in.

mod column;
mod json;
mod read;
mod view;

use std::fs;
use std::io::Read;
use std::path::Path;

use num_bigint::BigInt;

use super::format::Format;
use super::surprise::Surprise;
use crate::error::{Error, ErrorKind, Result, SchemaProblem};
use crate::key_file;

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

/// The longest schema that is read, in bytes: 16 MiB.
pub(super) const MOST_BYTES: usize = 1 << 24;

impl LinkageSchema {
    /// Reads a linkage schema (JSON) of version 1, 2 or 3.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the file cannot be read, [`ErrorKind::Key`] where a line of it is a key,
    /// [`ErrorKind::Schema`] with every problem in it.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        key_file::refuse_file(path)?;
        let mut bytes = Vec::new();
        let file = fs::File::open(path).map_err(|e| Error::io(path, "read", e))?;
        file.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|e| Error::io(path, "read", e))?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Self::from_json(text),
            Err(_) if bytes.len() > MOST_BYTES => Err(too_long()),
            Err(e) => {
                let line = bytes[..e.valid_up_to()].split(|&byte| byte == b'\n').count();
                Err(problem(line, "not valid UTF-8".into()))
            }
        }
        .map_err(|e| e.in_file(path))
    }

    /// Reads a linkage schema from JSON text, and refuses it where clkhash 0.18.3 would: while loading it, or with the first
    /// row whatever is in it. Bits are counted, tokens made and values read within limits that clkhash does not have:
    /// 2^24 bits in a filter before folding, 10,000 characters in an n-gram, 100,000 steps of a `resolution`, a million
    /// positions for a token or a value, 16 MiB of JSON, values nested 100 deep, groups of a pattern nested 100 deep. What
    /// else is not supported says so.
    ///
    /// # Errors
    /// [`ErrorKind::Schema`] with every problem in it. The key of a problem is its JSON path in the schema as it was
    /// written, such as `features[2].hashing.strategy.bitsPerToken`.
    pub fn from_json(text: &str) -> Result<Self> {
        if text.len() > MOST_BYTES {
            return Err(too_long());
        }
        read::read(text)
    }

    /// The version that the schema was written in: 1, 2 or 3.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.version
    }

    /// The length of a CLK in bits: `l`.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// How many times the filter, which is 2^folds as long as a CLK, is folded: `xor_folds`. The documented `xorFolds` does
    /// nothing.
    #[must_use]
    pub fn folds(&self) -> u32 {
        self.folds
    }

    /// The length of the filter before it is folded, in bits.
    pub(super) fn unfolded(&self) -> usize {
        self.length << self.folds
    }

    /// How the secret becomes keys.
    #[must_use]
    pub fn kdf(&self) -> &Kdf {
        &self.kdf
    }

    /// The features, which are the columns of a file, in its order.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// What clkhash does with this schema without a word, and its author may not expect; all of it is done here too.
    #[must_use]
    pub fn surprises(&self) -> &[Surprise] {
        &self.surprises
    }

    /// SHA-256 of the schema's bytes as they were given: 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

impl Kdf {
    /// The hash of HKDF.
    #[must_use]
    pub fn hash(&self) -> KdfHash {
        self.hash
    }

    /// The salt; empty where there is none, which is the same.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The info; empty where there is none.
    #[must_use]
    pub fn info(&self) -> &[u8] {
        &self.info
    }

    /// The bytes of one key, of which every feature has two.
    #[must_use]
    pub fn key_size(&self) -> usize {
        self.key_size
    }
}

impl KdfHash {
    /// The greatest number of bytes that HKDF gives: 255 times the hash's.
    #[must_use]
    pub fn most_bytes(self) -> usize {
        match self {
            KdfHash::Sha256 => 255 * 32,
            KdfHash::Sha512 => 255 * 64,
        }
    }
}

impl Feature {
    /// The name of its column.
    #[must_use]
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// How it is hashed; `None` where it is ignored.
    #[must_use]
    pub fn hashing(&self) -> Option<&Hashing> {
        self.hashing.as_ref()
    }
}

impl Hashing {
    /// What its values must look like.
    #[must_use]
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// How a value becomes tokens.
    #[must_use]
    pub fn comparison(&self) -> &Comparison {
        &self.comparison
    }

    /// How many positions a token gets.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// How a token becomes positions.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        self.hash
    }

    /// What stands for a missing value, where anything does.
    #[must_use]
    pub fn missing_value(&self) -> Option<&MissingValue> {
        self.missing.as_ref()
    }
}

impl MissingValue {
    /// The value that stands for a missing one. It is not checked.
    #[must_use]
    pub fn sentinel(&self) -> &str {
        &self.sentinel
    }

    /// What is hashed in its place; `None`: the sentinel itself.
    #[must_use]
    pub fn replace_with(&self) -> Option<&str> {
        self.replace_with.as_deref()
    }
}

fn problem(line: usize, message: String) -> Error {
    let problems = vec![SchemaProblem { line, key: String::new(), message }];
    ErrorKind::Schema { path: None, problems }.into()
}

fn too_long() -> Error {
    problem(0, format!("longer than {MOST_BYTES} bytes, which no schema needs"))
}
