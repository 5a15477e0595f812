//! How sure quality is: intervals from drawing the people again.

use std::collections::HashMap;

use super::Truth;
use super::resample::{Bootstrap, Interval, Units, share};
use crate::split_mix::SplitMix64;

/// Intervals of precision, recall and F1; `None` where there is nothing to take a share of.
///
/// They say how much the figures depend on who happened to be in the files. They say nothing of other files: other places,
/// other clerks.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Intervals {
    /// Of precision.
    pub precision: Option<Interval>,
    /// Of recall.
    pub recall: Option<Interval>,
    /// Of F1.
    pub f1: Option<Interval>,
    /// The people that were drawn: those with a true pair or a link. A row of nobody is a person of its own.
    pub people: usize,
    /// How often they were drawn.
    pub resamples: u32,
    /// The share that the intervals hold.
    pub level: f64,
}

impl Truth<'_> {
    /// Intervals of the quality of linked pairs.
    ///
    /// People are drawn with replacement, each with all their true pairs, their right links, and the wrong links that
    /// belong to them. A wrong link touches two people and belongs to one of them: to whoever of the two has more wrong
    /// links, or else by lot, the same way for all links between the same two. So it counts once on average, as it does in
    /// the estimate, and varies as an event of its own does. (Half for each would make the number of wrong links vary half
    /// as much as independent events do, and the interval of precision too narrow; counting it only if both are drawn, three
    /// times as much.) And what has one cause stays together: a record that attracts twenty strangers is one person's bad
    /// luck, not that of twenty.
    ///
    /// A measure that is exactly 0 or 1 has no spread to resample; its interval is the exact binomial one for that many
    /// people.
    #[must_use]
    pub fn intervals(&self, pairs: impl IntoIterator<Item = (u32, u32)>, bootstrap: &Bootstrap) -> Intervals {
        let people = People::of(self);
        let mut units = people.units(3);
        people.add(self, &pairs.into_iter().collect::<Vec<_>>(), &mut units, |_, _| 0);
        let counts = [vec![0], vec![2], vec![0, 2]].map(|sums| units.adding_to(&sums));
        let estimates = measures(&units.totals());
        let resampled = units.resample(bootstrap, measures);
        let interval = |measure: usize| {
            bootstrap.share(estimates[measure], counts[measure], resampled.iter().map(|values| values[measure]))
        };
        Intervals {
            precision: interval(0),
            recall: interval(1),
            f1: interval(2),
            people: counts[2],
            resamples: bootstrap.resamples(),
            level: bootstrap.level(),
        }
    }
}

/// Precision, recall and F1 of the sums of links, right links and true pairs.
pub(super) fn measures(sums: &[f64]) -> [f64; 3] {
    let [links, correct, truth] = [sums[0], sums[1], sums[2]];
    [share(correct, links), share(correct, truth), share(2.0 * correct, links + truth)]
}

/// Which person each row is, by number. A row of nobody is a person of its own.
pub(super) struct People {
    a: Vec<u32>,
    b: Option<Vec<u32>>,
    count: u32,
}

impl People {
    pub(super) fn of(truth: &Truth<'_>) -> Self {
        let mut known = HashMap::new();
        let mut count = 0;
        let a = number(truth.a, &mut known, &mut count);
        let b = truth.b.map(|b| number(b, &mut known, &mut count));
        People { a, b, count }
    }

    /// Everybody, adding nothing yet.
    pub(super) fn units(&self, sums: usize) -> Units {
        Units::new(self.count as usize, sums)
    }

    /// Who both rows of a pair are.
    pub(super) fn both(&self, a: u32, b: u32) -> (u32, u32) {
        (self.a[a as usize], self.b.as_ref().unwrap_or(&self.a)[b as usize])
    }

    /// Adds links, right links and true pairs to the three sums from the one that is given for a pair on.
    pub(super) fn add(
        &self,
        truth: &Truth<'_>,
        pairs: &[(u32, u32)],
        units: &mut Units,
        first: impl Fn(u32, u32) -> usize,
    ) {
        for (&(a, b), owner) in pairs.iter().zip(self.owners(pairs)) {
            units.add(owner, first(a, b), 1.0);
            if truth.is_match(a, b) {
                units.add(owner, first(a, b) + 1, 1.0);
            }
        }
        truth.each_true_pair(|a, b| units.add(self.both(a, b).0, first(a, b) + 2, 1.0));
    }

    /// Whose each link is.
    pub(super) fn owners(&self, pairs: &[(u32, u32)]) -> Vec<u32> {
        let mut wrong = vec![0u32; self.count as usize];
        for (x, y) in pairs.iter().map(|&(a, b)| self.both(a, b)).filter(|(x, y)| x != y) {
            wrong[x as usize] += 1;
            wrong[y as usize] += 1;
        }
        let owner = |&(a, b): &(u32, u32)| {
            let (x, y) = self.both(a, b);
            let (low, high) = (x.min(y), x.max(y));
            match wrong[low as usize].cmp(&wrong[high as usize]) {
                std::cmp::Ordering::Less => high,
                std::cmp::Ordering::Greater => low,
                std::cmp::Ordering::Equal => {
                    let lot = SplitMix64(u64::from(low) << 32 | u64::from(high)).next() & 1;
                    if lot == 0 { low } else { high }
                }
            }
        };
        pairs.iter().map(owner).collect()
    }
}

fn number<'a>(entities: &'a [String], known: &mut HashMap<&'a str, u32>, count: &mut u32) -> Vec<u32> {
    let number = |entity: &'a String| {
        let new = *count;
        let number = if entity.is_empty() { new } else { *known.entry(entity).or_insert(new) };
        *count += u32::from(number == new);
        number
    };
    entities.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entities(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_wrong_link_belongs_to_one_person() {
        let (a, b) = (entities(&["x", "y", "", "", "z"]), entities(&["x", "y", "", "v", "w"]));
        let people = People::of(&Truth { a: &a, b: Some(&b) });
        // Nobody is nobody else.
        assert_eq!((&people.a[..], people.b.as_deref()), (&[0, 1, 2, 3, 4][..], Some(&[0, 1, 5, 6, 7][..])));
        // x and y are confused both ways: one owner for both links. z attracts two strangers: both are its own.
        let owners = people.owners(&[(0, 1), (1, 0), (4, 3), (4, 4), (0, 0)]);
        assert_eq!(owners[0], owners[1]);
        assert!(owners[0] < 2);
        assert_eq!(owners[2..], [4, 4, 0]);
    }

    #[test]
    fn nothing_to_judge_has_no_interval() {
        let (a, b) = (entities(&["x", ""]), entities(&["x", ""]));
        let (none, pair) = (Truth { a: &a[1..], b: Some(&b[1..]) }, Truth { a: &a, b: Some(&b) });
        let bootstrap = Bootstrap::default();
        let found = none.intervals([], &bootstrap);
        assert_eq!((found.precision, found.recall, found.f1, found.people), (None, None, None, 0));
        // No truth: precision and F1 are 0, and one person is no proof of it.
        let found = none.intervals([(0, 0)], &bootstrap);
        assert_eq!(found.recall, None);
        assert!(found.precision.is_some_and(|precision| precision.low == 0.0 && precision.high > 0.9), "{found:?}");
        // No links.
        let found = pair.intervals([], &bootstrap);
        assert_eq!((found.precision, found.people), (None, 1));
        assert!(found.recall.is_some_and(|recall| recall.low == 0.0 && recall.high > 0.9), "{found:?}");
        // One person, and found: whoever sees one success knows next to nothing.
        let found = pair.intervals([(0, 0)], &bootstrap);
        for interval in [found.precision, found.recall, found.f1] {
            assert!(interval.is_some_and(|i| (i.low - 0.025).abs() < 1e-9 && i.high == 1.0), "{interval:?}");
        }
    }

    /// Files drawn again and again from a population whose precision and recall are known.
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        let bootstrap = Bootstrap::new(200, 0.9, 3).unwrap();
        let mut random = SplitMix64(5);
        let mut chance = move |share: f64| random.unit() <= share;
        let draws = 400;
        let mut held = [0; 3];
        for _ in 0..draws {
            // 300 people with one row in `a` and three in `b`; the three are lost together, with one chance in ten.
            // One person in ten is linked with a row of somebody who is in `b` only.
            let (mut a, mut b, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
            for person in 0..300u32 {
                a.push(format!("p{person}"));
                b.extend(vec![format!("p{person}"); 3]);
                b.push(format!("q{person}"));
                if chance(0.9) {
                    pairs.extend((0..3).map(|copy| (person, person * 4 + copy)));
                }
                if chance(0.1) {
                    pairs.push((person, person * 4 + 3));
                }
            }
            let found = Truth { a: &a, b: Some(&b) }.intervals(pairs, &bootstrap);
            // On average 2.7 right links and 0.1 wrong ones a person, of 3 pairs.
            let expected = [2.7 / 2.8, 0.9, 5.4 / 5.8];
            for (held, (interval, expected)) in
                held.iter_mut().zip([found.precision, found.recall, found.f1].into_iter().zip(expected))
            {
                *held += u32::from(interval.is_some_and(|interval| interval.contains(expected)));
            }
        }
        for held in held {
            let share = f64::from(held) / f64::from(draws);
            assert!((0.86..=0.94).contains(&share), "{held} of {draws}");
        }
    }

    #[test]
    fn pairs_of_one_person_do_not_count_as_many() {
        // 100 people, half of them found: as 100 single pairs, and as 400 that are found in fours.
        let width = |copies: u32| {
            let a: Vec<String> = (0..100).map(|person| person.to_string()).collect();
            let b: Vec<String> = (0..100 * copies).map(|row| (row / copies).to_string()).collect();
            let pairs = (0..50 * copies).map(|row| (row / copies, row));
            let found = Truth { a: &a, b: Some(&b) }.intervals(pairs, &Bootstrap::default()).recall.unwrap();
            found.high - found.low
        };
        assert_eq!(width(1), width(4));
        assert!((width(1) - 0.196).abs() < 0.02, "{}", width(1));
    }
}
