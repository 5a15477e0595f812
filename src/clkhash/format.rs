//! What a value must look like, and the text that it is hashed as.

use num_bigint::BigInt;

/// The format of a column.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Format {
    /// Any text of a length and a case.
    Text {
        /// How its tokens become bytes.
        encoding: TextEncoding,
        /// The case that is asked for.
        case: Case,
        /// The least number of code points.
        min_length: Option<u64>,
        /// The greatest number of code points.
        max_length: Option<u64>,
    },
    /// A whole number.
    Integer {
        /// The least.
        minimum: Option<BigInt>,
        /// The greatest.
        maximum: Option<BigInt>,
    },
}

/// How a token becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    /// ASCII.
    Ascii,
    /// UTF-8.
    Utf8,
    /// UTF-16, little-endian, with a byte order mark before every token.
    Utf16,
    /// UTF-32, little-endian, with a byte order mark before every token.
    Utf32,
}

/// The case of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Nothing that has an upper-case form is in it.
    Upper,
    /// Nothing that has a lower-case form is in it.
    Lower,
    /// Any.
    Mixed,
}
