//! Measures of likeness, and comparison with a threshold in whole numbers.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// How alike two rows of bits are, from 0 to 1. With a and b for the numbers of set bits, c for those set in both, and n for
/// the length of a row:
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measure {
    /// 2c / (a + b) (Dice 1945): undiffused encodings. Two rows without a bit are no evidence: 0.
    Dice,
    /// c / (a + b − c) (Jaccard 1901, Tanimoto). Two rows without a bit: 0.
    Jaccard,
    /// The share of bits that agree, 1 − (a + b − 2c) / n: one less the Hamming distance over the length. Diffused
    /// encodings, of which strangers agree in one half.
    Hamming,
}

impl Measure {
    /// Its name: `dice`, `jaccard` or `hamming`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Measure::Dice => "dice",
            Measure::Jaccard => "jaccard",
            Measure::Hamming => "hamming",
        }
    }

    /// The likeness of two rows with `a` and `b` bits, `common` of them in both, of `bits` in all; rounded once.
    #[must_use]
    pub fn similarity(self, common: u32, a: u32, b: u32, bits: usize) -> f64 {
        let (sum, common) = (f64::from(a) + f64::from(b), f64::from(common));
        match self {
            Measure::Dice | Measure::Jaccard if sum == 0.0 => 0.0,
            Measure::Dice => 2.0 * common / sum,
            Measure::Jaccard => common / (sum - common),
            Measure::Hamming => (bits as f64 - (sum - 2.0 * common)) / bits as f64,
        }
    }

    /// Whether two rows are at least as alike as a threshold: compared in whole numbers, so that a pair exactly at the
    /// threshold is in.
    #[must_use]
    pub fn reaches(self, threshold: Ratio, common: u32, a: u32, b: u32, bits: usize) -> bool {
        Cut::new(self, threshold, bits).admits(common, a, b)
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Measure {
    type Err = Error;

    /// Reads a measure's name.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument).
    fn from_str(name: &str) -> Result<Self> {
        let all = [Measure::Dice, Measure::Jaccard, Measure::Hamming];
        all.into_iter()
            .find(|measure| measure.name() == name)
            .ok_or_else(|| Error::argument("no such measure; there are: dice, jaccard, hamming"))
    }
}

/// A threshold from 0 to 1 as a fraction of whole numbers: 0.8 is 8/10 and not the nearest number that a processor has.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    numerator: u32,
    denominator: u32,
}

/// The most decimals that a threshold may have.
const DECIMALS: usize = 9;

impl Ratio {
    /// `numerator / denominator`.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where that is more than 1 or nothing, or the denominator is more
    /// than a milliard (10⁹).
    pub fn new(numerator: u32, denominator: u32) -> Result<Self> {
        if denominator == 0 || numerator > denominator || denominator > 10u32.pow(DECIMALS as u32) {
            return Err(Error::argument(
                "a threshold is a fraction from 0 to 1 with a denominator up to 1,000,000,000",
            ));
        }
        Ok(Ratio { numerator, denominator })
    }

    /// Whether `part / whole` reaches it, in whole numbers.
    #[cfg(feature = "anonlink")]
    pub(crate) fn reached_by(self, part: u64, whole: u64) -> bool {
        u128::from(part) * u128::from(self.denominator) >= u128::from(self.numerator) * u128::from(whole)
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        u64::from(self.numerator) * u64::from(other.denominator)
            == u64::from(other.numerator) * u64::from(self.denominator)
    }
}

impl Eq for Ratio {}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (f64::from(self.numerator) / f64::from(self.denominator)).fmt(f)
    }
}

impl FromStr for Ratio {
    type Err = Error;

    /// Reads a decimal number from 0 to 1 with at most nine decimals: `0.8`, `.75`, `1`.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument).
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::argument("a threshold is a number from 0 to 1 with at most nine decimals, such as 0.8");
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || whole.len() + decimals.len() == 0 || decimals.len() > DECIMALS {
            return Err(wrong());
        }
        let denominator = 10u32.pow(decimals.len() as u32);
        let number = |text: &str| if text.is_empty() { Ok(0) } else { text.parse::<u32>() };
        let (whole, decimals) = (number(whole).map_err(|_| wrong())?, number(decimals).map_err(|_| wrong())?);
        let numerator = whole.checked_mul(denominator).and_then(|whole| whole.checked_add(decimals));
        Self::new(numerator.ok_or_else(wrong)?, denominator).map_err(|_| wrong())
    }
}

/// A threshold of a measure as a line: rows with a and b bits, c in both, reach it where
/// `weight · c ≥ slope · (a + b) − slack`. All are 0 or more, and `2 · slope ≤ weight`.
#[derive(Clone, Copy, Debug)]
pub(in crate::linkage) struct Cut {
    pub(in crate::linkage) weight: i64,
    pub(in crate::linkage) slope: i64,
    pub(in crate::linkage) slack: i64,
    /// Rows without a bit are no evidence.
    needs_bits: bool,
}

impl Cut {
    pub(in crate::linkage) fn new(measure: Measure, threshold: Ratio, bits: usize) -> Self {
        let (p, q) = (i64::from(threshold.numerator), i64::from(threshold.denominator));
        match measure {
            Measure::Dice => Cut { weight: 2 * q, slope: p, slack: 0, needs_bits: p > 0 },
            Measure::Jaccard => Cut { weight: p + q, slope: p, slack: 0, needs_bits: p > 0 },
            Measure::Hamming => Cut { weight: 2 * q, slope: q, slack: (q - p) * bits as i64, needs_bits: false },
        }
    }

    /// At most so many bits differ; −1: no pair.
    pub(in crate::linkage) fn distance(most: i64) -> Self {
        Cut { weight: 2, slope: 1, slack: most, needs_bits: false }
    }

    pub(in crate::linkage) fn admits(self, common: u32, a: u32, b: u32) -> bool {
        let bits = i64::from(a) + i64::from(b);
        self.weight * i64::from(common) >= self.slope * bits - self.slack && (bits > 0 || !self.needs_bits)
    }

    /// Rows with a and b bits reach the threshold only if they have at least `least(a) + share(b)` in common, and need
    /// hardly more. This is what a row of the one side adds to it.
    pub(in crate::linkage) fn least(self, a: u32) -> i64 {
        div_ceil(self.slope * i64::from(a) - self.slack, self.weight)
    }

    /// What a row of the other side adds to it.
    pub(in crate::linkage) fn share(self, b: u32) -> i64 {
        (self.slope * i64::from(b)).div_euclid(self.weight)
    }

    /// The same for rows that were folded: `folded` of their bits are left. Folding does not make rows differ more, so
    /// rows that differ too much when folded differ too much.
    pub(in crate::linkage) fn least_folded(self, a: u32, folded: u32) -> i64 {
        let Cut { weight, slope, slack, .. } = self;
        div_ceil(weight * i64::from(folded) - (weight - 2 * slope) * i64::from(a) - 2 * slack, 2 * weight)
    }

    /// What a folded row of the other side adds to it.
    pub(in crate::linkage) fn share_folded(self, b: u32, folded: u32) -> i64 {
        let Cut { weight, slope, .. } = self;
        (weight * i64::from(folded) - (weight - 2 * slope) * i64::from(b)).div_euclid(2 * weight)
    }

    /// The most bits in which rows with `bits` set bits in both together may differ.
    pub(in crate::linkage) fn most_different(self, bits: i64) -> i64 {
        ((self.weight - 2 * self.slope) * bits + 2 * self.slack).div_euclid(self.weight)
    }
}

fn div_ceil(a: i64, b: i64) -> i64 {
    -(-a).div_euclid(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_numbers_are_exact() {
        for (text, numerator, denominator) in
            [("0.8", 4, 5), (".75", 3, 4), ("1", 1, 1), ("1.0", 1, 1), ("0", 0, 1), ("0.000000001", 1, 1_000_000_000)]
        {
            assert_eq!(text.parse::<Ratio>().unwrap(), Ratio::new(numerator, denominator).unwrap(), "{text}");
        }
        for text in ["", ".", "1.1", "-0.5", "0.8 ", "1e-1", "0,8", "0.1234567890", "2", "nan", "99999999999"] {
            assert!(text.parse::<Ratio>().is_err(), "{text}");
        }
        assert_eq!("0.95".parse::<Ratio>().unwrap().to_string(), "0.95");
    }

    /// For all rows of up to 24 bits, and thresholds at which whole numbers of bits fall exactly.
    #[test]
    fn a_pair_exactly_at_the_threshold_is_in() {
        for (p, q) in [(3, 4), (19, 20), (4, 5), (1, 2), (2, 3), (1, 1), (0, 1), (7, 10), (1, 3)] {
            let threshold = Ratio::new(p, q).unwrap();
            for (a, b) in (0..=24u32).flat_map(|a| (0..=24u32).map(move |b| (a, b))) {
                // Rows of 24 bits cannot have fewer in common.
                for common in (a + b).saturating_sub(24)..=a.min(b) {
                    let dice = a + b > 0 && 2 * common * q >= p * (a + b);
                    let jaccard = a + b > 0 && common * q >= p * (a + b - common);
                    let hamming = (24 + 2 * common - a - b) * q >= p * 24;
                    let none = p == 0;
                    let reaches = |measure: Measure| measure.reaches(threshold, common, a, b, 24);
                    assert_eq!(reaches(Measure::Dice), dice || none, "dice {common} of {a} and {b}, {p}/{q}");
                    assert_eq!(reaches(Measure::Jaccard), jaccard || none, "jaccard {common} of {a} and {b}, {p}/{q}");
                    assert_eq!(reaches(Measure::Hamming), hamming || none, "hamming {common} of {a} and {b}, {p}/{q}");
                }
            }
        }
    }
}
