//! The bootstrap: what a figure would have been with other people drawn from the same population.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::split_mix::SplitMix64;

/// The fewest resamples: with fewer, the ends of an interval are a matter of luck.
const FEWEST: u32 = 100;

/// How often people are drawn again, how wide intervals are, and from which seed.
///
/// Efron & Tibshirani 1993, *An Introduction to the Bootstrap*, chapter 13: percentile intervals. What is drawn with
/// replacement is people, because the pairs of one person are lost and found together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    resamples: u32,
    level: f64,
    seed: u64,
}

impl Default for Bootstrap {
    /// 1,000 resamples, 95 %, a fixed seed: the same figures every time.
    fn default() -> Self {
        Bootstrap { resamples: 1000, level: 0.95, seed: 1 }
    }
}

impl Bootstrap {
    /// So many resamples, intervals that hold this share (0.95 for 95 %), and a seed: the same seed gives the same
    /// intervals, whatever the number of threads.
    ///
    /// # Errors
    /// [`Argument`](crate::ErrorKind::Argument) for fewer than 100 resamples, or a level that is not between 0 and 1.
    pub fn new(resamples: u32, level: f64, seed: u64) -> Result<Self> {
        if resamples < FEWEST {
            return Err(Error::argument(format!("a bootstrap needs at least {FEWEST} resamples")));
        }
        if !(level > 0.0 && level < 1.0) {
            return Err(Error::argument("the level of an interval must be between 0 and 1"));
        }
        Ok(Bootstrap { resamples, level, seed })
    }

    /// How often people are drawn again.
    #[must_use]
    pub fn resamples(&self) -> u32 {
        self.resamples
    }

    /// The share that intervals hold.
    #[must_use]
    pub fn level(&self) -> f64 {
        self.level
    }

    /// The middle part of resampled values; those that are not defined (NaN: a share of nothing) are left out. `None` where
    /// most of them are not: then there is too little to say anything.
    pub(super) fn percentile(&self, values: impl Iterator<Item = f64>) -> Option<Interval> {
        let mut values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
        if values.is_empty() || values.len() * 2 < self.resamples as usize {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        Some(Interval { low: quantile(&values, tail), high: quantile(&values, 1.0 - tail) })
    }

    /// As [`percentile`](Self::percentile), of a share that was found to be `estimate` among so many people. A share of
    /// exactly 0 or 1 is so in every resample; there the end is the exact binomial one (Clopper & Pearson 1934), counting
    /// people, so that ten out of ten does not look certain.
    pub(super) fn share(&self, estimate: f64, people: usize, values: impl Iterator<Item = f64>) -> Option<Interval> {
        let interval = self.percentile(values)?;
        let (below, above) = self.unseen(estimate, people);
        Some(Interval { low: interval.low - below, high: interval.high + above })
    }

    /// How far a share among so many people may be below and above a value of exactly 0 or 1; 0 for any other, which
    /// resamples spread.
    pub(super) fn unseen(&self, estimate: f64, people: usize) -> (f64, f64) {
        let rare = 1.0 - ((1.0 - self.level) / 2.0).powf(1.0 / people.max(1) as f64);
        match estimate {
            1.0 => (rare, 0.0),
            0.0 => (0.0, rare),
            _ => (0.0, 0.0),
        }
    }
}

/// From where to where a figure may well lie.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether the figure may well be this one; the ends are inside.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// Of values in order, with a line between neighbours; they must not be empty.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

/// What is drawn: units (people), each with what it adds to some sums.
pub(super) struct Units {
    sums: usize,
    added: Vec<Vec<(usize, f64)>>,
}

impl Units {
    pub(super) fn new(units: usize, sums: usize) -> Self {
        Units { sums, added: vec![Vec::new(); units] }
    }

    pub(super) fn add(&mut self, unit: u32, sum: usize, amount: f64) {
        let added = &mut self.added[unit as usize];
        match added.iter_mut().find(|(of, _)| *of == sum) {
            Some((_, before)) => *before += amount,
            None => added.push((sum, amount)),
        }
    }

    /// How many units add to one of these sums.
    pub(super) fn adding_to(&self, sums: &[usize]) -> usize {
        self.added.iter().filter(|added| added.iter().any(|(sum, _)| sums.contains(sum))).count()
    }

    /// All sums.
    pub(super) fn totals(&self) -> Vec<f64> {
        let mut totals = vec![0.0; self.sums];
        self.added.iter().flatten().for_each(|&(sum, amount)| totals[sum] += amount);
        totals
    }

    /// What the statistic makes of the sums of every resample, in the order of resamples. Units that add nothing say
    /// nothing, and are not drawn.
    pub(super) fn resample<T: Send>(self, bootstrap: &Bootstrap, statistic: impl Fn(&[f64]) -> T + Sync) -> Vec<T> {
        // Nearly all people are of a few kinds (one pair, found): a draw is a kind, and a resample is counts of kinds.
        let mut kinds: Vec<Vec<(usize, f64)>> = Vec::new();
        let mut known: HashMap<Vec<(usize, u64)>, u32> = HashMap::new();
        let mut drawn: Vec<u32> = Vec::new();
        for mut added in self.added {
            if added.is_empty() {
                continue;
            }
            added.sort_unstable_by_key(|&(sum, _)| sum);
            let key = added.iter().map(|&(sum, amount)| (sum, amount.to_bits())).collect();
            drawn.push(*known.entry(key).or_insert_with(|| {
                kinds.push(added);
                kinds.len() as u32 - 1
            }));
        }
        let resample = |number: u32| {
            let mut random = SplitMix64(SplitMix64(bootstrap.seed).next() ^ u64::from(number));
            // One step apart, neighbours would draw nearly the same numbers.
            random.0 = random.next();
            let mut times = vec![0u32; kinds.len()];
            for _ in 0..drawn.len() {
                times[drawn[random.scaled(drawn.len())] as usize] += 1;
            }
            let mut sums = vec![0.0; self.sums];
            for (kind, times) in kinds.iter().zip(times) {
                kind.iter().for_each(|&(sum, amount)| sums[sum] += amount * f64::from(times));
            }
            statistic(&sums)
        };
        (0..bootstrap.resamples).into_par_iter().map(resample).collect()
    }
}

/// A share; not a number where it is a share of nothing.
pub(super) fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        let values = [1.0, 2.0, 4.0];
        for (share, expected) in [(0.0, 1.0), (0.25, 1.5), (0.5, 2.0), (0.75, 3.0), (1.0, 4.0)] {
            assert_eq!(quantile(&values, share), expected);
        }
    }

    #[test]
    fn a_mean_has_the_interval_that_theory_gives() {
        // 400 units with 0, 1, 2 or 3: standard error of the mean √(1.25 / 400) = .0559.
        let mut units = Units::new(400, 2);
        for unit in 0..400 {
            units.add(unit, 0, f64::from(unit % 4));
            units.add(unit, 1, 1.0);
        }
        assert_eq!(units.totals(), [600.0, 400.0]);
        let bootstrap = Bootstrap::new(4000, 0.95, 7).unwrap();
        let means = units.resample(&bootstrap, |sums| sums[0] / sums[1]);
        let interval = bootstrap.percentile(means.into_iter()).unwrap();
        assert!((interval.low - (1.5 - 1.96 * 0.0559)).abs() < 0.01, "{interval:?}");
        assert!((interval.high - (1.5 + 1.96 * 0.0559)).abs() < 0.01, "{interval:?}");
    }

    #[test]
    fn the_number_of_threads_makes_no_difference() {
        let resampled = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut units = Units::new(50, 1);
                (0..50).for_each(|unit| units.add(unit, 0, f64::from(unit)));
                units.resample(&Bootstrap::default(), |sums| sums[0])
            })
        };
        let one = resampled(1);
        assert_eq!(one, resampled(3));
        let different: std::collections::BTreeSet<u64> = one.iter().map(|sum| sum.to_bits()).collect();
        assert!(different.len() > 300, "resamples are not all the same");
    }

    #[test]
    fn what_makes_no_interval_is_refused() {
        for (resamples, level) in [(99, 0.95), (100, 0.0), (100, 1.0), (100, f64::NAN), (100, -1.0)] {
            assert!(Bootstrap::new(resamples, level, 1).is_err(), "{resamples} {level}");
        }
    }
}
