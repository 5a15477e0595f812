//! The encodings of a schema: which fields go into a bit vector, with how many bits, and how it is diffused.

use super::Hardening;
use super::field::words;

/// The version of the native encoding that this crate writes, `docs/encoding.md`.
pub const ENCODING_VERSION: u32 = 1;

/// The longest filter and the longest output that a schema may ask for, in bits.
pub const MAX_BITS: usize = 4096;

/// One bit vector per record: a cryptographic long-term key (CLK) with a bit budget per field, diffused or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    pub(crate) name: String,
    pub(crate) length: usize,
    pub(crate) diffusion: usize,
    pub(crate) output: usize,
    pub(crate) missing: Missing,
    /// Index of the field in the schema, and its budget in bits; in the order of the schema's fields.
    pub(crate) budgets: Vec<(usize, usize)>,
    pub(crate) hardening: Hardening,
    pub(crate) clkhash: Option<String>,
}

/// What stands in for a missing field. An empty string is never encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// The field's budget is filled with positions drawn for this record alone: they agree with nobody's, and the
    /// encoding of a person with a missing field says no more about the other fields than before.
    Random,
    /// No bits. Finds more matches where fields are missing often; what is left is an encoding of fewer fields, which
    /// is easier to attack.
    Empty,
}
words!(Missing { Random = "random", Empty = "empty" });

impl Encoding {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Length m of the filter before diffusion, in bits.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// Diffusion weight t: how many filter bits are added up (XOR) in one output bit; 0 = not diffused.
    #[must_use]
    pub fn diffusion(&self) -> usize {
        self.diffusion
    }

    /// Length n of the vector that leaves the owner, in bits. Where not diffused it is [`length`](Self::length), halved and
    /// doubled by the steps of its [hardening](Self::hardening).
    #[must_use]
    pub fn output(&self) -> usize {
        self.output
    }

    /// What stands in for a missing field.
    #[must_use]
    pub fn missing(&self) -> Missing {
        self.missing
    }

    /// The fields: index into [`Schema::fields`](super::Schema::fields), and budget in bits.
    #[must_use]
    pub fn budgets(&self) -> &[(usize, usize)] {
        &self.budgets
    }

    /// What is done to it beside diffusion or in its place; nothing, unless the schema asks for it.
    #[must_use]
    pub fn hardening(&self) -> &Hardening {
        &self.hardening
    }

    /// The same encoding, hardened. Where it is not diffused, [`output`](Self::output) follows.
    #[must_use]
    pub fn with_hardening(mut self, hardening: Hardening) -> Self {
        if !self.is_diffused() {
            self.output = hardening.output(self.length);
        }
        self.hardening = hardening;
        self
    }

    /// SHA-256 of the clkhash linkage schema that says how it is made, 64 hexadecimal digits; `None` for what this crate
    /// specifies. Its budgets are then what the audit expects, and no more.
    #[must_use]
    pub fn clkhash(&self) -> Option<&str> {
        self.clkhash.as_deref()
    }

    /// Whether similarity is bit agreement (diffused) rather than the Dice coefficient.
    #[must_use]
    pub fn is_diffused(&self) -> bool {
        self.diffusion > 0
    }

    /// The sum of the budgets, B.
    #[must_use]
    pub fn budget(&self) -> usize {
        self.budgets.iter().map(|&(_, bits)| bits).sum()
    }

    /// Whether a field is in it.
    pub(crate) fn has(&self, field: usize) -> bool {
        self.budgets.iter().any(|&(other, _)| other == field)
    }

    /// The field of an undiffused encoding that holds no other.
    #[cfg(feature = "linkage")]
    pub(crate) fn only_field(&self) -> Option<usize> {
        match self.budgets[..] {
            [(field, _)] if !self.is_diffused() => Some(field),
            _ => None,
        }
    }
}
