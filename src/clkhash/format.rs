//! What a value must look like, and the text that it is hashed as.

use std::borrow::Cow;
use std::collections::BTreeSet;

use num_bigint::BigInt;

use super::python;
use super::python::date::DateFormat;
use super::python::letters;
use super::python::regex::Pattern;

const NO_INTEGER: &str = "not a whole number";
const NO_DATE: &str = "not a date of the schema's format";

/// The format of a column.
///
/// Values are checked and rewritten as clkhash does it under `CPython` 3.11 (Unicode 14.0): `int`, `strptime`, `re.fullmatch`,
/// `str.upper`.
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
    /// A text that matches a pattern as a whole.
    Pattern {
        /// How its tokens become bytes.
        encoding: TextEncoding,
        /// The pattern, in the syntax of Python's `re`.
        pattern: TextPattern,
    },
    /// A whole number.
    Integer {
        /// The least.
        minimum: Option<BigInt>,
        /// The greatest.
        maximum: Option<BigInt>,
    },
    /// A date.
    Date {
        /// How it is written.
        format: DatePattern,
    },
    /// One of some texts.
    Enum {
        /// The texts.
        values: BTreeSet<String>,
    },
}

/// A pattern in the syntax of Python's `re`.
#[derive(Clone, Debug)]
pub struct TextPattern {
    pub(super) source: String,
    pub(super) pattern: Pattern,
}

/// How dates are written, in the syntax of Python's `strptime`.
#[derive(Clone, Debug)]
pub struct DatePattern {
    pub(super) source: String,
    pub(super) format: DateFormat,
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

impl TextPattern {
    /// Reads a pattern. What is wrong with it, where Python does not take it or it is not supported.
    pub(super) fn new(source: &str) -> Result<Self, String> {
        Ok(Self { source: source.to_owned(), pattern: Pattern::new(source)? })
    }

    /// As the schema has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl DatePattern {
    /// Reads a format. What is wrong with it, where Python does not take it.
    pub(super) fn new(source: &str) -> Result<Self, String> {
        Ok(Self { source: source.to_owned(), format: DateFormat::new(source)? })
    }

    /// As the schema has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl TextEncoding {
    /// Whether a text can be written in it.
    #[must_use]
    pub fn can_write(self, text: &str) -> bool {
        self != TextEncoding::Ascii || text.is_ascii()
    }
}

impl Format {
    /// How the column's tokens become bytes: UTF-8 unless a text says otherwise.
    #[must_use]
    pub fn encoding(&self) -> TextEncoding {
        match self {
            Format::Text { encoding, .. } | Format::Pattern { encoding, .. } => *encoding,
            Format::Integer { .. } | Format::Date { .. } | Format::Enum { .. } => TextEncoding::Utf8,
        }
    }

    /// Checks a value as clkhash's validation does. The sentinel of a missing value is checked by nobody and must not come
    /// here.
    ///
    /// # Errors
    /// What is wrong with the value, without the value.
    pub fn check(&self, value: &str) -> Result<(), &'static str> {
        if !self.encoding().can_write(value) {
            return Err("has characters that are not ASCII");
        }
        match self {
            Format::Text { case, min_length, max_length, .. } => {
                let length = if value.is_ascii() { value.len() } else { value.chars().count() } as u64;
                if min_length.is_some_and(|least| length < least) {
                    return Err("shorter than minLength");
                }
                if max_length.is_some_and(|most| length > most) {
                    return Err("longer than maxLength");
                }
                match case {
                    Case::Upper if !letters::is_upper(value) => Err("not in upper case"),
                    Case::Lower if !letters::is_lower(value) => Err("not in lower case"),
                    _ => Ok(()),
                }
            }
            Format::Pattern { pattern, .. } => match pattern.pattern.matches(value) {
                Some(true) => Ok(()),
                Some(false) => Err("does not match the schema's pattern"),
                None => Err("the schema's pattern takes too long on it"),
            },
            Format::Integer { minimum, maximum } => {
                let number = python::integer(value).ok_or(NO_INTEGER)?;
                if minimum.as_ref().is_some_and(|least| number < *least) {
                    return Err("below the schema's minimum");
                }
                if maximum.as_ref().is_some_and(|most| number > *most) {
                    return Err("above the schema's maximum");
                }
                Ok(())
            }
            Format::Date { format } => format.format.read(value).map(drop).ok_or(NO_DATE),
            Format::Enum { values } => {
                if values.contains(value) {
                    Ok(())
                } else {
                    Err("not one of the schema's values")
                }
            }
        }
    }

    /// The text that a value is hashed as: whole numbers without anything needless, dates as year, month and day without
    /// separators (a year below 1000 has fewer than four digits), all else as it is. Nothing is checked that need not be
    /// read, as in clkhash without validation. The sentinel of a missing value must not come here.
    ///
    /// # Errors
    /// What is wrong with a number or a date, without the value.
    pub fn canonical<'a>(&self, value: &'a str) -> Result<Cow<'a, str>, &'static str> {
        match self {
            Format::Text { .. } | Format::Pattern { .. } | Format::Enum { .. } => Ok(Cow::Borrowed(value)),
            Format::Integer { .. } => {
                let plain = value.strip_prefix('-').unwrap_or(value);
                let written = plain.bytes().all(|byte| byte.is_ascii_digit()) && (1..=18).contains(&plain.len());
                if written && !plain.starts_with('0') {
                    return Ok(Cow::Borrowed(value));
                }
                python::integer(value).map(|number| Cow::Owned(number.to_string())).ok_or(NO_INTEGER)
            }
            Format::Date { format } => {
                let (year, month, day) = format.format.read(value).ok_or(NO_DATE)?;
                Ok(Cow::Owned(compact(year, month, day)))
            }
        }
    }
}

/// A date as digits; years are not padded.
fn compact(year: u16, month: u8, day: u8) -> String {
    format!("{}{:04}", year, u16::from(month) * 100 + u16::from(day))
}

#[cfg(test)]
mod tests;
