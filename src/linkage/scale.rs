//! From counts of bits to a small whole number per encoding, its index, on which everything else is a table: level,
//! similarity, weight.
//!
//! Undiffused encodings: the Dice coefficient in ten-thousandths, rounded down, so that a comparison with a threshold is one
//! of integers and a pair exactly at the threshold is in. Diffused encodings: the number of differing bits.

use super::score::{Cuts, Line};
use crate::schema::{Encoding, Schema};

/// Ten-thousandths in 1.
pub(super) const ONE: usize = 10_000;

/// Levels of a single field's Dice coefficient, and how matches spread over them before anything is learned.
const FIELD_CUTS: [usize; 4] = [5500, 7000, 8500, 9700];
const FIELD_PRIOR: [f64; 5] = [0.06, 0.05, 0.06, 0.10, 0.73];

/// Levels of the Dice coefficient of a filter of several fields.
const CLK_CUTS: [usize; 10] = [4000, 5000, 5500, 6000, 6500, 7000, 7500, 8000, 8500, 9000];
const CLK_PRIOR: [f64; 11] = [0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.10, 0.13, 0.15, 0.15, 0.275];

/// Levels of a filter of several fields, each of which has a filter of its own.
const COVER_CUTS: [usize; 1] = [8500];
const COVER_PRIOR: [f64; 2] = [0.2, 0.8];

/// Levels of a diffused encoding: how many standard deviations of strangers a pair must be more alike than they are. The
/// first is where a pair begins to be evidence; the highest level is that of equal rows.
const DIFFUSED_CUTS: [f64; 6] = [3.0, 5.0, 8.0, 13.0, 21.0, 34.0];

/// The level of a pair in which one side has no bit set: a missing field, which is no evidence.
pub(super) const NO_LEVEL: u8 = u8::MAX;

/// How one encoding's counts are read.
pub(super) struct Scale {
    pub(super) diffused: bool,
    /// The places of the encodings of its single fields, where each has one: then it only says whether they are swapped.
    pub(super) covers: Option<Vec<usize>>,
    /// The levels that are counted over all pairs.
    pub(super) cuts: Cuts,
    /// The same cuts as indices.
    level_cuts: Vec<usize>,
    /// The level of each index from which weights are learned (diffused encodings: one, nothing is learned); the last index
    /// stands for "no evidence".
    pub(super) levels: Vec<u8>,
    /// How alike each index is: Dice coefficient or signal, 1 for equal rows; 0 for "no evidence".
    pub(super) alike: Vec<f32>,
    /// The same for people, as a Dice coefficient in ten-thousandths.
    pub(super) similarity: Vec<u16>,
    /// How matches spread over the levels before anything is learned; adds up to 1.
    pub(super) prior: Vec<f64>,
}

impl Scale {
    /// The scales of a schema's encodings.
    pub(super) fn all(schema: &Schema) -> Vec<Self> {
        let encodings = schema.encodings();
        let single = |field: usize| encodings.iter().position(|encoding| encoding.only_field() == Some(field));
        let scale = |encoding: &Encoding| {
            if encoding.is_diffused() {
                return Scale::diffused(encoding);
            }
            let singles: Option<Vec<usize>> = encoding.budgets().iter().map(|&(field, _)| single(field)).collect();
            Scale::dice(encoding, singles.filter(|singles| singles.len() > 1))
        };
        encodings.iter().map(scale).collect()
    }

    fn dice(encoding: &Encoding, covers: Option<Vec<usize>>) -> Self {
        let (cuts, prior) = match covers {
            Some(_) => (&COVER_CUTS[..], &COVER_PRIOR[..]),
            None if encoding.only_field().is_some() => (&FIELD_CUTS[..], &FIELD_PRIOR[..]),
            None => (&CLK_CUTS[..], &CLK_PRIOR[..]),
        };
        let level = |index| cuts.iter().filter(|&&cut| index >= cut).count() as u8;
        Scale {
            diffused: false,
            covers,
            cuts: Cuts {
                lines: cuts.iter().map(|&cut| Line::dice(cut as u32, ONE as u32)).collect(),
                needs_bits: true,
            },
            level_cuts: cuts.to_vec(),
            levels: (0..=ONE).map(level).chain([NO_LEVEL]).collect(),
            alike: (0..=ONE).map(|index| index as f32 / ONE as f32).chain([0.0]).collect(),
            similarity: (0..=ONE).map(|index| before_hardening(encoding, index)).chain([0]).collect(),
            prior: normal(prior),
        }
    }

    fn diffused(encoding: &Encoding) -> Self {
        let n = encoding.output();
        let signal = |different: usize| 1.0 - 2.0 * different as f64 / n as f64;
        // Armknecht, Heng & Schnell 2023, inverted: the share δ of filter bits that differ, and from it the Dice
        // coefficient of filters with a known share p of set bits.
        let fill = fill(encoding);
        let dice = |different: usize| {
            let differ = 0.5 * (1.0 - signal(different).max(0.0).powf(1.0 / encoding.diffusion() as f64));
            ((1.0 - differ / (2.0 * fill)).clamp(0.0, 1.0) * ONE as f64).round() as u16
        };
        let deviations = (n as f64).sqrt();
        let distance = |cut: &f64| (n as f64 / 2.0 * (1.0 - cut / deviations)).floor() as usize;
        let distances = DIFFUSED_CUTS.iter().filter(|cut| **cut < deviations).map(distance).filter(|&d| d > 0);
        let distances: Vec<usize> = distances.chain([0]).collect();
        Scale {
            diffused: true,
            covers: None,
            cuts: Cuts {
                lines: distances.iter().map(|&distance| Line::distance(distance as u32)).collect(),
                needs_bits: false,
            },
            level_cuts: distances,
            // Its weights follow from the signal, not from how often a level is seen: one level is enough.
            levels: std::iter::repeat_n(0, n + 1).chain([NO_LEVEL]).collect(),
            alike: (0..=n).map(|different| signal(different) as f32).chain([0.0]).collect(),
            similarity: (0..=n).map(dice).chain([0]).collect(),
            prior: vec![1.0],
        }
    }

    /// The index of a pair, from the set bits of both rows, and those that they have in common.
    #[inline]
    pub(super) fn index(&self, common: u32, a: u32, b: u32) -> usize {
        if self.diffused {
            (a + b - 2 * common) as usize
        } else if a == 0 || b == 0 {
            ONE + 1
        } else {
            (2 * ONE as u32 * common / (a + b)) as usize
        }
    }

    /// The level at which pairs of this index are counted.
    pub(super) fn level(&self, index: usize) -> usize {
        let cuts = self.level_cuts.iter();
        match self.diffused {
            true => cuts.filter(|distance| index <= **distance).count(),
            false if index > ONE => cuts.len() + 1,
            false => cuts.filter(|cut| index >= **cut).count(),
        }
    }

    /// What a level of an undiffused encoding means.
    pub(super) fn label(&self, level: usize) -> String {
        let cut = |place: usize| self.level_cuts[place] as f64 / ONE as f64;
        match level {
            0 => format!("Dice below {:.2}", cut(0)),
            highest if highest == self.level_cuts.len() => format!("Dice {:.2} or more", cut(highest - 1)),
            level => format!("Dice {:.2} to {:.2}", cut(level - 1), cut(level)),
        }
    }

    /// Diffused encodings: the signal from which each level above the lowest begins.
    pub(super) fn signal_cuts(&self) -> impl Iterator<Item = f64> + '_ {
        let n = (self.levels.len() - 2) as f64;
        self.level_cuts.iter().map(move |&distance| 1.0 - 2.0 * distance as f64 / n)
    }

    /// How many levels there are from which weights are learned.
    pub(super) fn level_count(&self) -> usize {
        self.prior.len()
    }
}

/// The expected share of set bits in a filter.
fn fill(encoding: &Encoding) -> f64 {
    1.0 - (1.0 - 1.0 / encoding.length() as f64).powi(encoding.budget() as i32)
}

/// The Dice coefficient of two filters from that of their hardened rows, in ten-thousandths, so that a fixed threshold means the
/// same whatever hardens an encoding: strangers who are balanced have two thirds and more. As for diffused encodings, it takes
/// filters to have as many bits set as is expected of them.
fn before_hardening(encoding: &Encoding, index: usize) -> u16 {
    let hardening = encoding.hardening();
    if hardening.steps().is_empty() && hardening.randomised_response() == 0 {
        return index as u16;
    }
    let (fill, kept, weight) = (fill(encoding), hardening.kept(), hardening.weight() as i32);
    let added_up = if hardening.is_balanced() { 0.5 } else { 0.5 * (1.0 - (1.0 - 2.0 * fill).powi(weight)) };
    let set = kept * added_up + 0.5 * (1.0 - kept);
    // The share of bits that differ: noised, added up, and in the filters.
    let differ = (1.0 - index as f64 / ONE as f64) * 2.0 * set;
    let signal = ((1.0 - 2.0 * differ) / (kept * kept)).clamp(0.0, 1.0);
    let differ = 0.5 * (1.0 - signal.powf(1.0 / f64::from(weight)));
    ((1.0 - differ / (2.0 * fill)).clamp(0.0, 1.0) * ONE as f64).floor() as u16
}

/// Scaled to add up to 1.
pub(super) fn normal(values: &[f64]) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    values.iter().map(|value| value / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dice_exactly_at_a_threshold_is_in() {
        let scale = &Scale::all(&Schema::from_toml(include_str!("../../tests/data/clk.toml")).unwrap())[0];
        // anonlink loses the first two of these (floating point in its length filter).
        for (common, a, b, threshold) in [(3, 3, 5, 7500), (19, 19, 21, 9500), (4, 5, 5, 8000), (1, 1, 2, 6666)] {
            assert!(scale.index(common, a, b) >= threshold, "{common} of {a} and {b}");
        }
        assert!(scale.index(2, 3, 3) < 6667);
        assert_eq!(scale.index(0, 0, 7), ONE + 1);
        assert_eq!(scale.levels[ONE + 1], NO_LEVEL);
    }

    /// The levels that kernels count are those of the indices.
    #[test]
    fn cuts_and_indices_agree() {
        for schema in [Schema::uk_person(), Schema::from_toml(include_str!("../../tests/data/clk.toml")).unwrap()] {
            for (scale, encoding) in Scale::all(&schema).iter().zip(schema.encodings()) {
                let n = encoding.output() as u32;
                for (a, b) in [(0, 0), (0, 5), (1, 1), (300, 310), (n / 2, n / 2), (n / 2 - 7, n / 2 + 30), (n, n)] {
                    for common in (a + b).saturating_sub(n)..=a.min(b) {
                        let index = scale.index(common, a, b);
                        assert_eq!(scale.level(index), scale.cuts.level(common, a, b), "{common} of {a} and {b}");
                    }
                }
            }
        }
    }

    /// The Dice coefficient of filters that differ by so much, after all that hardens them, and back.
    #[test]
    fn hardened_likeness_is_that_of_the_filters() {
        use crate::schema::{Hardening, HardeningStep as Step, Missing};
        let steps = |steps: &[Step]| steps.iter().fold(Hardening::new(), |hardening, &step| hardening.step(step));
        for (hardening, noise) in [
            (steps(&[]), 0.0),
            (steps(&[Step::Resam]), 0.0),
            (steps(&[Step::XorFold, Step::Rule90]), 0.0),
            (steps(&[Step::Balance]), 0.0),
            (steps(&[Step::XorFold, Step::Balance]), 0.2),
            (steps(&[]), 0.1),
        ] {
            let hardening = hardening.with_randomised_response((noise * 1e4) as u16);
            let encoding =
                Encoding::new("e", 1000, 0, 1000, Missing::Empty, vec![(0, 250)]).with_hardening(hardening.clone());
            let fill = fill(&encoding);
            for dice in [1.0, 0.9, 0.8, 0.6, 0.4] {
                // Of a bit set in either, as many are set in one alone as makes this Dice coefficient; step by step.
                let (mut set, mut differ) = (fill, (1.0 - dice) * 2.0 * fill);
                for step in hardening.steps() {
                    (set, differ) = match step {
                        Step::Balance => (0.5, differ),
                        _ => (2.0 * set * (1.0 - set), 2.0 * differ * (1.0 - differ)),
                    };
                }
                let flipped: f64 = noise / 2.0;
                // Both coins or neither, and one of them.
                let one = 2.0 * flipped * (1.0 - flipped);
                (set, differ) =
                    (set * (1.0 - flipped) + (1.0 - set) * flipped, differ * (1.0 - one) + (1.0 - differ) * one);
                let hardened = (1.0 - differ / (2.0 * set)) * ONE as f64;
                let found = f64::from(before_hardening(&encoding, hardened.round() as usize)) / ONE as f64;
                assert!((found - dice).abs() < 2e-3, "{hardening:?}: {dice} became {found}");
            }
        }
        let plain = Encoding::new("e", 1000, 0, 1000, Missing::Empty, vec![(0, 250)]);
        assert!((0..=ONE).all(|index| usize::from(before_hardening(&plain, index)) == index));
    }

    #[test]
    fn levels_rise_with_likeness() {
        let clk = include_str!("../../tests/data/clk.toml");
        let hardened = |lines: &str| Schema::from_toml(&clk.replace("diffusion = 0", lines)).unwrap();
        for schema in [
            Schema::uk_person(),
            hardened("diffusion = 0"),
            hardened("diffusion = 0\nrandomised_response = 0.2\nhardening = [\"balance\"]"),
            hardened("diffusion = 0\nhardening = [\"xor-fold\", \"resam\"]"),
        ] {
            for scale in Scale::all(&schema) {
                let mut by_likeness: Vec<usize> = (0..scale.levels.len() - 1).collect();
                by_likeness.sort_by(|&x, &y| scale.alike[x].total_cmp(&scale.alike[y]));
                assert!(by_likeness.is_sorted_by_key(|&index| scale.levels[index]));
                assert!(by_likeness.is_sorted_by_key(|&index| scale.similarity[index]));
                assert!((scale.prior.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                assert_eq!(
                    usize::from(*by_likeness.last().map(|&i| &scale.levels[i]).unwrap()) + 1,
                    scale.level_count()
                );
            }
        }
    }
}
