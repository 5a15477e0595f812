//! Two runs on the same files: which is better, and is that more than chance?

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use super::interval::{People, measures};
use super::resample::{Bootstrap, Interval};
use super::{Quality, Truth};

/// Two linkages of the same rows.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// The quality of the first run.
    pub first: Quality,
    /// The quality of the second run.
    pub second: Quality,
    /// True pairs that were linked, by which of the runs.
    pub right: Shared,
    /// True pairs that neither run linked.
    pub missed: u64,
    /// Wrong links, by which of the runs.
    pub wrong: Shared,
    /// How precision differs.
    pub precision: Difference,
    /// How recall differs.
    pub recall: Difference,
    /// How F1 differs.
    pub f1: Difference,
    /// People of whom the first run found more true pairs than the second.
    pub better_first: u64,
    /// People of whom the second run found more true pairs than the first.
    pub better_second: u64,
    /// How often the people for whom the runs differ would be split as unevenly, or more, if each were as likely to be
    /// better off in either run (McNemar 1947; exact, two-sided). People and not pairs, which go together.
    pub p_value: f64,
    level: f64,
}

/// How many were made by whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Shared {
    /// By both runs.
    pub both: u64,
    /// By the first run only.
    pub first_only: u64,
    /// By the second run only.
    pub second_only: u64,
}

/// A measure of the second run less that of the first.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Difference {
    /// The difference as found.
    pub difference: f64,
    /// Where it may well lie, from drawing people again, the same ones for both runs. `None` where a measure is a share of
    /// nothing.
    pub interval: Option<Interval>,
}

impl Difference {
    /// Whether the interval leaves out 0.
    #[must_use]
    pub fn is_beyond_chance(&self) -> bool {
        self.interval.is_some_and(|interval| !interval.contains(0.0))
    }
}

impl Truth<'_> {
    /// Compares two linkages of the same rows: of two schemas, two thresholds, two ways to decide. A pair counts once,
    /// however often it is given.
    #[must_use]
    pub fn compare(
        &self,
        first: impl IntoIterator<Item = (u32, u32)>,
        second: impl IntoIterator<Item = (u32, u32)>,
        bootstrap: &Bootstrap,
    ) -> Comparison {
        let in_order = |(a, b): (u32, u32)| if self.b.is_none() { (a.min(b), a.max(b)) } else { (a, b) };
        let first: HashSet<(u32, u32)> = first.into_iter().map(in_order).collect();
        let second: HashSet<(u32, u32)> = second.into_iter().map(in_order).collect();
        let mut all: Vec<(u32, u32)> = first.union(&second).copied().collect();
        all.sort_unstable();

        let people = People::of(self);
        let mut units = people.units(6);
        let (mut right, mut wrong) = (Shared::default(), Shared::default());
        // A wrong link has the same owner in both runs, or drawing people would tell apart what is the same.
        for (&(a, b), owner) in all.iter().zip(people.owners(&all)) {
            let is_match = self.is_match(a, b);
            let made = [first.contains(&(a, b)), second.contains(&(a, b))];
            let shared = if is_match { &mut right } else { &mut wrong };
            *match made {
                [true, true] => &mut shared.both,
                [true, false] => &mut shared.first_only,
                _ => &mut shared.second_only,
            } += 1;
            for run in (0..2).filter(|&run| made[run]) {
                units.add(owner, 3 * run, 1.0);
                if is_match {
                    units.add(owner, 3 * run + 1, 1.0);
                }
            }
        }
        let mut truth = 0;
        let mut found: HashMap<u32, i64> = HashMap::new();
        self.each_true_pair(|a, b| {
            truth += 1;
            let person = people.both(a, b).0;
            let more = i64::from(second.contains(&(a, b))) - i64::from(first.contains(&(a, b)));
            *found.entry(person).or_default() += more;
            units.add(person, 2, 1.0);
            units.add(person, 5, 1.0);
        });
        let better_first = found.values().filter(|&&more| more < 0).count() as u64;
        let better_second = found.values().filter(|&&more| more > 0).count() as u64;

        let differences = |sums: &[f64]| {
            let (first, second) = (measures(&sums[..3]), measures(&sums[3..]));
            [0, 1, 2].map(|measure| second[measure] - first[measure])
        };
        let resampled = units.resample(bootstrap, differences);
        let (correct_first, correct_second) = (right.both + right.first_only, right.both + right.second_only);
        let first = Quality::new(first.len() as u64, correct_first, truth);
        let second = Quality::new(second.len() as u64, correct_second, truth);
        let difference = |measure: usize, of: fn(&Quality) -> f64| Difference {
            difference: of(&second) - of(&first),
            interval: bootstrap.percentile(resampled.iter().map(|values| values[measure])),
        };
        Comparison {
            precision: difference(0, |quality| quality.precision),
            recall: difference(1, |quality| quality.recall),
            f1: difference(2, |quality| quality.f1),
            missed: truth - right.both - right.first_only - right.second_only,
            p_value: sign_test(better_first, better_second),
            level: bootstrap.level(),
            first,
            second,
            right,
            wrong,
            better_first,
            better_second,
        }
    }
}

/// How likely a split at least as uneven is among fair ones.
fn sign_test(first: u64, second: u64) -> f64 {
    let n = first + second;
    let mut term = -(n as f64) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    for k in 0..=first.min(second) {
        sum += term.exp();
        term += ((n - k) as f64 / (k + 1) as f64).ln();
    }
    (2.0 * sum).min(1.0)
}

/// In plain words, without a row.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison { right, wrong, missed, better_first, better_second, p_value, .. } = self;
        writeln!(
            f,
            "Of the true pairs, both runs found {}, only the first {}, only the second {}, neither {missed}.",
            right.both, right.first_only, right.second_only
        )?;
        writeln!(
            f,
            "Of the wrong links, both runs made {}, only the first {}, only the second {}.",
            wrong.both, wrong.first_only, wrong.second_only
        )?;
        let measures = BTreeMap::from([("F1", self.f1), ("precision", self.precision), ("recall", self.recall)]);
        for (measure, difference) in measures {
            let points = difference.difference * 100.0;
            write!(f, "{measure:9} of the second run, less that of the first: {points:+.2} points")?;
            match difference.interval {
                Some(Interval { low, high }) => {
                    let chance = match difference.difference {
                        0.0 => "no difference",
                        _ if difference.is_beyond_chance() => "more than chance",
                        _ => "may be chance",
                    };
                    let level = self.level * 100.0;
                    writeln!(f, " ({level:.0} %: {:+.2} to {:+.2}; {chance})", low * 100.0, high * 100.0)?;
                }
                None => writeln!(f)?,
            }
        }
        match better_first + better_second {
            0 => f.write_str("The runs found the same number of pairs of everybody.\n"),
            differ => {
                write!(
                    f,
                    "People for whom the runs differ: {differ}; the second found more pairs of {better_second}, "
                )?;
                write!(f, "the first of {better_first}. ")?;
                let p = if *p_value < 0.001 { "less than 0.001".to_owned() } else { format!("{p_value:.3}") };
                writeln!(f, "Were both as good, so uneven a split would have the probability {p}.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_test_is_exact() {
        for (first, second, expected) in
            [(0, 0, 1.0), (0, 5, 0.0625), (5, 0, 0.0625), (3, 3, 1.0), (1, 9, 22.0 / 1024.0), (5000, 5000, 1.0)]
        {
            assert!((sign_test(first, second) - expected).abs() < 1e-9, "{first} {second}");
        }
        // Too uneven for the smallest number that there is, and no error.
        assert_eq!(sign_test(0, 5000), 0.0);
    }
}
