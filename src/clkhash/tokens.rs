//! From a canonical text to tokens, as bytes, and how many positions each of them gets.

use std::fmt::Write;
use std::ops::Range;

use num_bigint::BigInt;
use num_traits::{FromPrimitive, Zero};
use zeroize::Zeroizing;

use super::format::TextEncoding;
use super::python;
use super::schema::{Comparison, Strategy};

/// What is wrong with a text that is to be compared as a number.
const NO_NUMBER: &str = "is not a number, and its comparison is numeric";
const TOO_LONG: &str = "is a number with too many digits";
/// What is wrong with a text that its encoding cannot write.
const NOT_ASCII: &str = "cannot be encoded in ascii";

/// Tokens of one value, one after another, in memory that is wiped.
#[derive(Default)]
pub(super) struct Tokens {
    bytes: Zeroizing<Vec<u8>>,
    /// Where each token is in `bytes`; they may overlap.
    places: Vec<Range<usize>>,
    characters: Zeroizing<Vec<char>>,
    text: Zeroizing<String>,
}

impl Tokens {
    /// Replaces what is here by the tokens of a text. An empty text has none.
    ///
    /// # Errors
    /// What is wrong with the text: no number where the comparison is numeric, or not in the encoding.
    pub(super) fn read(
        &mut self,
        text: &str,
        comparison: &Comparison,
        encoding: TextEncoding,
    ) -> Result<(), &'static str> {
        self.bytes.clear();
        self.places.clear();
        if text.is_empty() {
            return Ok(());
        }
        match comparison {
            Comparison::Exact => self.push(text, encoding),
            &Comparison::Ngram { n, positional } => self.ngrams(text, n, positional, encoding),
            Comparison::Numeric { step, resolution, precision } => {
                self.numbers(text, step, *resolution, *precision, encoding)
            }
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The bytes of each.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().map(|place| &self.bytes[place.clone()])
    }

    /// All windows of `n` characters of the text between n − 1 spaces on either side.
    fn ngrams(&mut self, text: &str, n: usize, positional: bool, encoding: TextEncoding) -> Result<(), &'static str> {
        if text.is_ascii() && !positional && matches!(encoding, TextEncoding::Ascii | TextEncoding::Utf8) {
            // Nearly all of them: a token's bytes are where they are.
            self.bytes.resize(n - 1, b' ');
            self.bytes.extend_from_slice(text.as_bytes());
            let padded = self.bytes.len() + n - 1;
            self.bytes.resize(padded, b' ');
            self.places.extend((0..=padded - n).map(|start| start..start + n));
            return Ok(());
        }
        let mut characters = std::mem::take(&mut self.characters);
        characters.clear();
        characters.resize(n - 1, ' ');
        characters.extend(text.chars());
        let padded = characters.len() + n - 1;
        characters.resize(padded, ' ');
        let mut token = std::mem::take(&mut self.text);
        let mut pushed = Ok(());
        for (place, window) in characters.windows(n).enumerate() {
            token.clear();
            if positional {
                // Writing to a string does not fail.
                let _ = write!(token, "{} ", place + 1);
            }
            token.extend(window);
            pushed = pushed.and_then(|()| self.push(&token, encoding));
        }
        self.characters = characters;
        self.text = token;
        pushed
    }

    /// The points of a grid around a number: numbers less than a step apart share some (Karapiperis, Gkoulalas-Divanis &
    /// Verykios 2018).
    fn numbers(
        &mut self,
        text: &str,
        step: &BigInt,
        resolution: usize,
        precision: u32,
        encoding: TextEncoding,
    ) -> Result<(), &'static str> {
        let number = scaled(text, precision).ok_or(NO_NUMBER)?;
        let reach = BigInt::from(resolution);
        let mut nearest: BigInt = number * &reach * 2;
        let rest = ((&nearest % step) + step) % step;
        if !rest.is_zero() {
            // A number in the middle goes up.
            nearest = if &rest * 2 < *step { nearest - rest } else { nearest + step - rest };
        }
        let mut point = nearest - &reach * step;
        for _ in 0..=2 * resolution {
            let token = point.to_string();
            // Python writes no longer numbers.
            if token.trim_start_matches('-').len() > python::MOST_DIGITS {
                return Err(TOO_LONG);
            }
            self.push(&token, encoding)?;
            point += step;
        }
        Ok(())
    }

    fn push(&mut self, token: &str, encoding: TextEncoding) -> Result<(), &'static str> {
        let start = self.bytes.len();
        match encoding {
            TextEncoding::Ascii if !token.is_ascii() => return Err(NOT_ASCII),
            TextEncoding::Ascii | TextEncoding::Utf8 => self.bytes.extend_from_slice(token.as_bytes()),
            // Python writes a byte order mark before each, in the order of bytes of the machine; of those that it ran on.
            TextEncoding::Utf16 => {
                let units = [0xfeff].into_iter().chain(token.encode_utf16());
                self.bytes.extend(units.flat_map(u16::to_le_bytes));
            }
            TextEncoding::Utf32 => {
                let units = [0xfeff].into_iter().chain(token.chars().map(u32::from));
                self.bytes.extend(units.flat_map(u32::to_le_bytes));
            }
        }
        self.places.push(start..self.bytes.len());
        Ok(())
    }
}

/// A number times 10^precision, as Python works it out: whole numbers exactly, others in double precision, where they are
/// rounded half to even, or with precision 0 cut off.
fn scaled(text: &str, precision: u32) -> Option<BigInt> {
    if let Some(whole) = python::integer(text) {
        return Some(whole * BigInt::from(10).pow(precision));
    }
    let number = python::float(text)?;
    let number = match precision {
        0 => number.trunc(),
        _ => (number * power_of_ten(precision)?).round_ties_even(),
    };
    // Neither infinity nor what is no number.
    BigInt::from_f64(number)
}

/// 10^precision as Python turns the whole number into a double: rounded to the nearest, and none where it is too great.
fn power_of_ten(precision: u32) -> Option<f64> {
    format!("1e{precision}").parse().ok().filter(|power: &f64| power.is_finite())
}

/// How many positions the i-th of `tokens` gets. Fewer bits than tokens leave the last ones without any.
pub(super) fn count(strategy: Strategy, tokens: usize, i: usize) -> usize {
    match strategy {
        Strategy::BitsPerToken(bits) => bits,
        Strategy::BitsPerFeature(bits) => bits / tokens + usize::from(i < bits % tokens),
    }
}
