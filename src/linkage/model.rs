//! What a linkage learned, in numbers that say nothing of any row: for reports.

use serde::Serialize;

/// What was learned of two cohorts, or of the rows of one.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Model {
    /// How telling each level of each encoding, or field, is.
    pub weights: Vec<Weights>,
    /// How many pairs are expected to be one person, of those that stand out from strangers: matches that do not are not in
    /// this number, and nobody can say how many they are.
    pub matches: f64,
    /// The share of links at the threshold that are expected to be right.
    pub precision: Option<Uncertain>,
    /// For each cohort, how many rows have their best candidate at which match weight.
    pub best: Vec<Histogram>,
    /// For each cohort, how many rows have bits in each undiffused encoding of a single field; others do not show what is
    /// missing.
    pub complete: Vec<Vec<Completeness>>,
}

/// The levels of one encoding or, where diffused encodings mix fields, of one field, lowest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Weights {
    /// The encoding's name, or the field's; fields that cannot be told apart are joined by `+`.
    pub name: String,
    /// Whether levels are not seen but worked out from signals in which they are mixed.
    pub hidden: bool,
    /// The levels.
    pub levels: Vec<LevelWeight>,
}

/// One level.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LevelWeight {
    /// What it means, in words.
    pub label: String,
    /// m: the share of matches at this level.
    pub m: f64,
    /// u: the share of strangers at this level.
    pub u: f64,
    /// log2(m/u): what it adds to the match weight of a pair.
    pub bits: f64,
}

/// A number with its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Uncertain {
    /// The best guess.
    pub value: f64,
    /// From where to where it is likely to lie (95 %), if the model is right.
    pub low: f64,
    /// See `low`.
    pub high: f64,
}

/// Counts of match weights in bins of one bit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Histogram {
    /// Bins in order, each with the match weight from which it counts; the first and the last also count what lies beyond.
    pub bins: Vec<(i32, u64)>,
    /// Rows without any candidate.
    pub none: u64,
}

/// How many rows of a cohort have a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Completeness {
    /// The encoding's name.
    pub encoding: String,
    /// Rows that have it.
    pub present: u64,
    /// All rows.
    pub rows: u64,
}

impl LevelWeight {
    pub(super) fn new(label: impl Into<String>, m: f64, u: f64) -> Self {
        LevelWeight { label: label.into(), m, u, bits: (m / u).log2() }
    }
}

impl Histogram {
    /// The least and the greatest bin.
    const LEAST: i32 = -20;
    const MOST: i32 = 40;

    /// Of the best match weight of each row, negative infinity where it has no candidate.
    pub(super) fn new(best: &[f32]) -> Self {
        let mut histogram = Histogram { bins: (Self::LEAST..=Self::MOST).map(|from| (from, 0)).collect(), none: 0 };
        for &bits in best {
            if bits == f32::NEG_INFINITY {
                histogram.none += 1;
            } else {
                let bin = (bits.floor() as i32).clamp(Self::LEAST, Self::MOST) - Self::LEAST;
                histogram.bins[bin as usize].1 += 1;
            }
        }
        histogram
    }

    /// The share of rows of which no candidate reaches a match weight, for each bin.
    #[must_use]
    pub fn below(&self) -> Vec<(i32, f64)> {
        let rows = self.none + self.bins.iter().map(|(_, count)| count).sum::<u64>();
        let mut below = self.none;
        let share = |&(from, count): &(i32, u64)| {
            let share = below as f64 / rows.max(1) as f64;
            below += count;
            (from, share)
        };
        self.bins.iter().map(share).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_count_every_row_once() {
        let histogram = Histogram::new(&[f32::NEG_INFINITY, -1000.0, -0.5, 0.0, 0.99, 1.0, 1e9]);
        let at = |bits| histogram.bins.iter().find(|(from, _)| *from == bits).map(|(_, count)| *count);
        assert_eq!(
            (histogram.none, at(-20), at(-1), at(0), at(1), at(40)),
            (1, Some(1), Some(1), Some(2), Some(1), Some(1))
        );
        assert_eq!(histogram.bins.iter().map(|(_, count)| count).sum::<u64>(), 6);
        let below = histogram.below();
        assert_eq!(below[0], (-20, 1.0 / 7.0));
        assert_eq!(below.iter().find(|(from, _)| *from == 0).map(|(_, share)| *share), Some(3.0 / 7.0));
    }
}
