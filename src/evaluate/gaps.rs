//! Who is linked less well than others, and is that more than chance?

use std::collections::{BTreeMap, BTreeSet};

use super::interval::People;
use super::resample::{Bootstrap, Interval, quantile, share};
use super::{Quality, Truth};

/// What a group is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// All other groups together: the groups that are too small included.
    Others,
    /// The group with the best recall (or precision) among those that are large enough. The best is the best by luck too:
    /// with many groups, expect gaps that are somewhat too wide.
    Best,
}

/// The quality of groups of people and the gaps between them.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Gaps<G: Ord> {
    /// Each group.
    pub groups: BTreeMap<G, GroupQuality>,
    /// Groups of fewer people have no gap.
    pub smallest: usize,
}

/// The quality of one group.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct GroupQuality {
    /// As [`Truth::by_group`] has it.
    pub quality: Quality,
    /// People with a true pair in the group.
    pub people: usize,
    /// How recall differs; `None` where this group or what it is held against is too small, or it is the best itself.
    pub recall: Option<Gap>,
    /// How precision differs; `None` as for recall, counting people with links.
    pub precision: Option<Gap>,
}

/// A measure of one group less that of others: below 0 where the group is served worse.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Gap {
    /// The gap as found.
    pub difference: f64,
    /// Where it may well lie, looking at this gap alone.
    pub interval: Interval,
    /// Whether it is larger than the largest of all these gaps would be by chance: in one comparison of twenty (at 95 %)
    /// *some* gap is called so where there is none.
    pub beyond_chance: bool,
}

/// Sums of a group: links, right links, true pairs.
const SUMS: usize = 3;

/// The sums whose quotient a measure is: recall, precision.
const PARTS: [(usize, usize); 2] = [(1, 2), (1, 0)];

impl Truth<'_> {
    /// Judges linked pairs by group, and each group against others. Groups of fewer than `smallest` people get no gap: 30 is
    /// a usual size below which shares say little.
    ///
    /// Intervals are from drawing people again, as for [`Truth::intervals`]. Which gaps are beyond chance is told from the
    /// largest studentised gap of every resample, so that it takes into account how many were looked at, and that groups
    /// share people (Romano & Wolf 2005, one step). A group in which nothing went wrong shows no spread: its standard error
    /// is no less than that with one more success and one more failure (Agresti & Caffo 2000), and its interval is widened by
    /// the exact binomial one (by squares, as Zou & Donner 2008 combine intervals).
    #[must_use]
    pub fn gaps<G: Ord + Clone>(
        &self,
        pairs: impl IntoIterator<Item = (u32, u32)>,
        group: impl Fn(u32, u32) -> G,
        smallest: usize,
        against: Against,
        bootstrap: &Bootstrap,
    ) -> Gaps<G> {
        let pairs: Vec<(u32, u32)> = pairs.into_iter().collect();
        let mut numbers: BTreeMap<G, usize> = BTreeMap::new();
        let mut see = |a, b| {
            let next = numbers.len();
            numbers.entry(group(a, b)).or_insert(next);
        };
        pairs.iter().for_each(|&(a, b)| see(a, b));
        self.each_true_pair(&mut see);

        let people = People::of(self);
        let mut units = people.units(numbers.len() * SUMS);
        people.add(self, &pairs, &mut units, |a, b| numbers[&group(a, b)] * SUMS);
        let totals = units.totals();
        let sizes: Vec<[usize; 2]> = (0..numbers.len())
            .map(|number| PARTS.map(|(_, whole)| units.adding_to(&[number * SUMS + whole])))
            .collect();
        // Some are in more than one group.
        let others: Vec<[usize; 2]> = (0..numbers.len())
            .map(|number| {
                let rest = |whole| (0..numbers.len()).filter(move |&n| n != number).map(move |n| n * SUMS + whole);
                PARTS.map(|(_, whole)| units.adding_to(&rest(whole).collect::<Vec<_>>()))
            })
            .collect();

        let large = |number: usize, measure: usize| sizes[number][measure] >= smallest.max(1);
        let best = |measure: usize| {
            let value = |&number: &usize| of(&totals, &[number], measure);
            let large = (0..numbers.len()).filter(|&number| large(number, measure));
            large.reduce(|best, number| if value(&number) > value(&best) { number } else { best })
        };
        let best = [best(0), best(1)];
        let wanted: Vec<Wanted> = (0..numbers.len())
            .flat_map(|number| [0, 1].map(|measure| (number, measure)))
            .filter(|&(number, measure)| large(number, measure))
            .filter_map(|(number, measure)| {
                let (reference, size) = match (against, best[measure]) {
                    (Against::Others, _) => {
                        ((0..numbers.len()).filter(|&n| n != number).collect(), others[number][measure])
                    }
                    (Against::Best, Some(best)) if best != number => (vec![best], sizes[best][measure]),
                    _ => return None,
                };
                (size >= smallest.max(1)).then_some(Wanted { number, measure, reference, size })
            })
            .collect();
        let gap = |sums: &[f64], wanted: &Wanted| {
            of(sums, &[wanted.number], wanted.measure) - of(sums, &wanted.reference, wanted.measure)
        };
        let found: Vec<f64> = wanted.iter().map(|wanted| gap(&totals, wanted)).collect();
        let resampled =
            units.resample(bootstrap, |sums| wanted.iter().map(|wanted| gap(sums, wanted)).collect::<Vec<f64>>());
        let chance = Chance::of(&found, &resampled, bootstrap);

        let judge = |number: usize, measure: usize| {
            let place = wanted.iter().position(|wanted| (wanted.number, wanted.measure) == (number, measure))?;
            let interval = bootstrap.percentile(resampled.iter().map(|gaps| gaps[place]))?;
            let Wanted { reference, size, .. } = &wanted[place];
            let own = (of(&totals, &[number], measure), sizes[number][measure]);
            let other = (of(&totals, reference, measure), *size);
            let least = least_variance(own.0, own.1) + least_variance(other.0, other.1);
            let (own, other) = (bootstrap.unseen(own.0, own.1), bootstrap.unseen(other.0, other.1));
            let found_here = found[place];
            // What is not seen to vary is added as independent things are, in squares.
            let further = |away: f64, own: f64, other: f64| match own + other {
                0.0 => away,
                _ => (away.powi(2) + own.powi(2) + other.powi(2)).sqrt(),
            };
            let interval = Interval {
                low: found_here - further(found_here - interval.low, own.0, other.1),
                high: found_here + further(interval.high - found_here, own.1, other.0),
            };
            let error = chance.errors[place].max(least.sqrt());
            let beyond_chance = found[place].abs() > chance.critical * error;
            Some(Gap { difference: found[place], interval, beyond_chance })
        };
        let groups = numbers.into_iter().map(|(group, number)| {
            let [links, correct, truth] = [0, 1, 2].map(|sum| totals[number * SUMS + sum] as u64);
            let quality = Quality::new(links, correct, truth);
            let (recall, precision) = (judge(number, 0), judge(number, 1));
            (group, GroupQuality { quality, people: sizes[number][0], recall, precision })
        });
        Gaps { groups: groups.collect(), smallest }
    }
}

impl<G: Ord> Gaps<G> {
    /// The groups that are too small for a gap of recall.
    pub fn too_small(&self) -> impl Iterator<Item = &G> {
        self.groups.iter().filter(|(_, group)| group.people < self.smallest).map(|(group, _)| group)
    }

    /// How far apart the recalls of the best and the worst group are, of those that are large enough; `None` where fewer
    /// than two are.
    #[must_use]
    pub fn widest(&self) -> Option<f64> {
        let large = self.groups.values().filter(|group| group.people >= self.smallest.max(1));
        let recalls: BTreeSet<u64> = large.map(|group| group.quality.recall.to_bits()).collect();
        let count = self.groups.values().filter(|group| group.people >= self.smallest.max(1)).count();
        // Bits of numbers that are not negative are in the order of the numbers.
        let (worst, best) = (recalls.first()?, recalls.last()?);
        (count > 1).then(|| f64::from_bits(*best) - f64::from_bits(*worst))
    }
}

/// A gap to look at: a group, a measure, the groups it is held against and how many people are in them.
struct Wanted {
    number: usize,
    measure: usize,
    reference: Vec<usize>,
    size: usize,
}

/// A measure of some groups together.
fn of(sums: &[f64], groups: &[usize], measure: usize) -> f64 {
    let (part, whole) = PARTS[measure];
    let sum = |of: usize| groups.iter().map(|group| sums[group * SUMS + of]).sum::<f64>();
    share(sum(part), sum(whole))
}

/// The variance of a share of so many people, with one more success and one more failure.
fn least_variance(found: f64, people: usize) -> f64 {
    let people = people as f64;
    let share = (found * people + 1.0) / (people + 2.0);
    share * (1.0 - share) / (people + 2.0)
}

/// What chance does to gaps.
struct Chance {
    /// The standard error of each gap.
    errors: Vec<f64>,
    /// How many standard errors the largest gap is away from its own value, at most, in the level's share of resamples.
    critical: f64,
}

impl Chance {
    fn of(found: &[f64], resampled: &[Vec<f64>], bootstrap: &Bootstrap) -> Self {
        let errors: Vec<f64> = (0..found.len())
            .map(|place| {
                let gaps = || resampled.iter().map(|gaps| gaps[place]).filter(|gap| !gap.is_nan());
                let count = gaps().count().max(1) as f64;
                let mean = gaps().sum::<f64>() / count;
                (gaps().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count).sqrt()
            })
            .collect();
        let largest = |gaps: &Vec<f64>| {
            let away = (0..found.len())
                .filter(|&place| errors[place] > 0.0)
                .map(|place| (gaps[place] - found[place]).abs() / errors[place]);
            away.filter(|away| !away.is_nan()).reduce(f64::max)
        };
        let mut largest: Vec<f64> = resampled.iter().filter_map(largest).collect();
        largest.sort_unstable_by(f64::total_cmp);
        let critical = if largest.is_empty() {
            // No gap has any spread: Chebyshev's inequality, which needs none, for all gaps at once.
            ((found.len().max(1) as f64) / (1.0 - bootstrap.level())).sqrt()
        } else {
            quantile(&largest, bootstrap.level())
        };
        Chance { errors, critical }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split_mix::SplitMix64;

    /// People with one pair each, in groups of so many with such a recall.
    fn draw(groups: &[(usize, f64)], random: &mut SplitMix64) -> (Vec<String>, Vec<(u32, u32)>, Vec<usize>) {
        let (mut people, mut links, mut group_of) = (Vec::new(), Vec::new(), Vec::new());
        for (group, &(size, recall)) in groups.iter().enumerate() {
            for _ in 0..size {
                let row = people.len() as u32;
                people.push(row.to_string());
                group_of.push(group);
                if random.unit() < recall {
                    links.push((row, row));
                }
            }
        }
        (people, links, group_of)
    }

    fn gaps(groups: &[(usize, f64)], random: &mut SplitMix64, against: Against) -> Gaps<usize> {
        let (people, links, group_of) = draw(groups, random);
        let bootstrap = Bootstrap::new(200, 0.95, 1).unwrap();
        Truth { a: &people, b: Some(&people) }.gaps(links, |a, _| group_of[a as usize], 30, against, &bootstrap)
    }

    #[test]
    fn a_gap_is_seen_and_chance_is_not() {
        let mut random = SplitMix64(2);
        let found = gaps(&[(400, 0.95), (400, 0.8), (29, 0.5)], &mut random, Against::Others);
        let [worse, small] = [found.groups[&1], found.groups[&2]];
        let gap = worse.recall.unwrap();
        assert!(gap.difference < -0.05 && gap.interval.high < 0.0 && gap.beyond_chance, "{gap:?}");
        assert_eq!((small.recall, small.precision, small.people), (None, None, 29));
        assert_eq!(found.too_small().collect::<Vec<_>>(), [&2]);
        assert!((found.widest().unwrap() - 0.15).abs() < 0.05);
        // Nothing is ever wrong, so precisions differ by nothing.
        assert!(worse.precision.is_some_and(|gap| gap.difference == 0.0 && !gap.beyond_chance));

        // Ten groups that differ by chance only, also in groups so small that often nobody is lost.
        for (size, recall) in [(60, 0.9), (40, 0.98)] {
            let draws = 100;
            let alarms = (0..draws).filter(|_| {
                let found = gaps(&[(size, recall); 10], &mut random, Against::Others);
                found.groups.values().any(|group| group.recall.is_some_and(|gap| gap.beyond_chance))
            });
            let alarms = alarms.count();
            assert!(alarms <= 12, "{alarms} of {draws} with groups of {size}");
        }
    }

    #[test]
    fn the_best_is_held_against_nobody() {
        let found = gaps(&[(100, 0.5), (100, 1.0), (10, 1.0)], &mut SplitMix64(9), Against::Best);
        assert_eq!(found.groups[&1].recall, None);
        assert!(found.groups[&0].recall.is_some_and(|gap| gap.beyond_chance && gap.difference < -0.35));
        // All or nothing: no spread at all, and still no chance.
        let found = gaps(&[(100, 0.0), (100, 1.0)], &mut SplitMix64(9), Against::Best);
        assert!(found.groups[&0].recall.is_some_and(|gap| gap.beyond_chance && gap.difference == -1.0));
        // One group, or none: nobody to hold it against.
        for against in [Against::Best, Against::Others] {
            let found = gaps(&[(100, 0.5)], &mut SplitMix64(9), against);
            assert_eq!((found.groups[&0].recall, found.widest()), (None, None));
            assert!(gaps(&[], &mut SplitMix64(9), against).groups.is_empty());
        }
    }
}
