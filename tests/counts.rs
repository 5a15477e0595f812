//! Counts from links: intervals hold the truth as often as they say, and noise has the distribution that it must have.
#![cfg(feature = "linkage")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use pprl::event_log::{Action, Event, EventLog};
use pprl::linkage::Uncertain;
use pprl::linkage::counts::{Chance, Epsilon, Joined, LinkErrors, Noise, Rate};
use proptest::prelude::*;

/// Numbers by lot: SplitMix64.
struct Lot(u64);

impl Lot {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// How many of `n` happen.
    fn binomial(&mut self, n: u64, p: f64) -> u64 {
        (0..n).filter(|_| self.unit() < p).count() as u64
    }
}

fn noise(epsilon: &str, sensitivity: u32) -> Noise {
    Noise::new(epsilon.parse().unwrap(), sensitivity).unwrap()
}

/// A linkage of people that are there, with its samples: the links, and what a reviewer says.
fn linkage(lot: &mut Lot, people: u64, recall: f64, false_links: f64, looked_at: u64) -> (u64, LinkErrors) {
    let right = lot.binomial(people, recall);
    let wrong = lot.binomial(people, false_links);
    let links = right + wrong;
    let precision = Rate::sample(lot.binomial(looked_at, right as f64 / links as f64), looked_at).unwrap();
    let recall = Rate::sample(lot.binomial(looked_at, recall), looked_at).unwrap();
    (links, LinkErrors { precision, recall })
}

fn coverage(seed: u64, people: u64, recall: f64, looked_at: u64, noise: Option<Noise>) -> f64 {
    let mut lot = Lot(seed);
    let mut chance = Chance::seeded([seed as u8; 32]);
    let runs = 2_000;
    let holds = (0..runs).filter(|_| {
        let (links, errors) = linkage(&mut lot, people, recall, 0.03, looked_at);
        let mut joined = Joined::overlap(links, [people * 2, people * 3], 10).unwrap();
        if let Some(noise) = noise {
            joined = joined.with_noise(noise, &mut chance).unwrap();
        }
        let Uncertain { value, low, high } = joined.estimate(errors).people().unwrap();
        assert!(low <= value && value <= high);
        (low..=high).contains(&(people as f64))
    });
    holds.count() as f64 / f64::from(runs)
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    for (seed, people, recall, looked_at) in
        [(1, 60, 0.9, 100), (2, 300, 0.8, 100), (3, 300, 0.95, 200), (4, 1_000, 0.97, 60), (5, 150, 0.6, 150)]
    {
        for noise in [None, Some(noise("1/2", 1)), Some(noise("0.1", 2))] {
            let share = coverage(seed, people, recall, looked_at, noise);
            assert!((0.93..=0.995).contains(&share), "{people} people, recall {recall}, {noise:?}: {share}");
        }
    }
}

/// Without what is said of the errors, intervals miss.
#[test]
fn coverage_can_fail() {
    let mut lot = Lot(9);
    let perfect = Rate::assumed(Uncertain { value: 1.0, low: 1.0, high: 1.0 }).unwrap();
    let errors = LinkErrors { precision: perfect, recall: perfect };
    let holds = (0..200).filter(|_| {
        let (links, _) = linkage(&mut lot, 300, 0.9, 0.03, 100);
        let Uncertain { low, high, .. } =
            Joined::overlap(links, [600, 900], 10).unwrap().estimate(errors).people().unwrap();
        (low..=high).contains(&300.0)
    });
    assert!(holds.count() < 20);
}

#[test]
fn different_people_are_the_rows_without_those_who_stand_again() {
    let exactly = |share| Rate::assumed(Uncertain { value: share, low: share, high: share }).unwrap();
    let errors = LinkErrors { precision: exactly(1.0), recall: exactly(1.0) };
    let people = |joined: Joined| joined.estimate(errors).people();
    let all = |value| Some(Uncertain { value, low: value, high: value });
    assert_eq!(people(Joined::distinct(40, 100, 10).unwrap()), all(60.0));
    assert_eq!(people(Joined::distinct(0, 0, 10).unwrap()), all(0.0));
    assert_eq!(people(Joined::distinct(0, 50, 10).unwrap()), all(50.0));
    assert_eq!(people(Joined::overlap(40, [100, 90], 10).unwrap()), all(40.0));
    assert_eq!(people(Joined::overlap(0, [100, 0], 10).unwrap()), all(0.0));
    // Small numbers, and small rests, are not shown.
    assert_eq!(people(Joined::overlap(9, [100, 90], 10).unwrap()), None);
    assert_eq!(people(Joined::overlap(85, [100, 90], 10).unwrap()), None);
    assert_eq!(people(Joined::distinct(3, 90, 10).unwrap()), None);
    // Twice as many where half of the pairs are missed; half as many where half of the links are wrong.
    let half = LinkErrors { precision: exactly(1.0), recall: exactly(0.5) };
    let Uncertain { value, low, high } = Joined::overlap(40, [100, 90], 0).unwrap().estimate(half).people().unwrap();
    assert!(value == 80.0 && low < 80.0 && high > 80.0 && high <= 90.0);
    let half = LinkErrors { precision: exactly(0.5), recall: exactly(1.0) };
    assert_eq!(Joined::distinct(40, 100, 0).unwrap().estimate(half).people(), all(80.0));

    for wrong in [
        Joined::overlap(11, [10, 20], 0).err(),
        Joined::distinct(10, 10, 0).err(),
        Rate::sample(0, 10).err(),
        Rate::sample(11, 10).err(),
        Rate::assumed(Uncertain { value: f64::NAN, low: 0.0, high: 1.0 }).err(),
        Rate::assumed(Uncertain { value: 0.5, low: 0.6, high: 0.7 }).err(),
        Rate::assumed(Uncertain { value: 0.5, low: 0.4, high: 1.1 }).err(),
    ] {
        assert!(wrong.is_some());
    }
    let mut chance = Chance::seeded([1; 32]);
    let twice = Joined::overlap(40, [100, 90], 0).unwrap().with_noise(noise("1", 1), &mut chance).unwrap();
    assert!(twice.with_noise(noise("1", 1), &mut chance).is_err());
}

/// Chi-squared of draws against probabilities, and how many degrees of freedom it has.
fn chi_squared(draws: &[i64], probability: impl Fn(i64) -> f64) -> (f64, f64) {
    let mut seen: BTreeMap<i64, f64> = BTreeMap::new();
    draws.iter().for_each(|&z| *seen.entry(z).or_default() += 1.0);
    let n = draws.len() as f64;
    let mut middle = 0i64;
    while n * probability(middle + 1) >= 20.0 {
        middle += 1;
    }
    let (mut sum, mut told) = (0.0, 0.0);
    for z in -middle..=middle {
        let expected = n * probability(z);
        told += expected;
        sum += (seen.get(&z).copied().unwrap_or_default() - expected).powi(2) / expected;
    }
    let beyond: f64 = seen.iter().filter(|(z, _)| z.abs() > middle).map(|(_, count)| count).sum();
    let expected = (n - told).max(1e-9);
    (sum + (beyond - expected).powi(2) / expected, (2 * middle + 1) as f64)
}

#[test]
fn noise_is_exactly_distributed() {
    for (epsilon, sensitivity) in [("1", 1), ("1/2", 1), ("3/7", 2), ("2.5", 1), ("0.25", 3), ("7", 1)] {
        let noise = noise(epsilon, sensitivity);
        let mut chance = Chance::seeded([7; 32]);
        let draws: Vec<i64> = (0..40_000).map(|_| noise.draw(&mut chance).unwrap()).collect();
        let (sum, freedom) = chi_squared(&draws, |z| noise.probability(z));
        // Beyond five standard deviations: never by chance.
        assert!(sum < freedom + 5.0 * (2.0 * freedom).sqrt() + 10.0, "{epsilon}: {sum} of {freedom}");
        let mean = draws.iter().sum::<i64>() as f64 / draws.len() as f64;
        let spread = draws.iter().map(|z| (z * z) as f64).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 5.0 * (spread / draws.len() as f64).sqrt(), "{mean}");
        let beyond = draws.iter().filter(|z| z.unsigned_abs() > noise.within()).count() as f64 / draws.len() as f64;
        assert!(beyond < 0.055, "{epsilon}: {beyond}");
        assert!(noise.within() == 0 || draws.iter().filter(|z| z.unsigned_abs() >= noise.within()).count() > 1_900);
        let all: f64 = (-5_000..=5_000).map(|z| noise.probability(z)).sum();
        assert!((all - 1.0).abs() < 1e-9);
    }
    // The test sees a distribution that is a little off.
    let mut chance = Chance::seeded([7; 32]);
    let draws: Vec<i64> = (0..40_000).map(|_| noise("1/2", 1).draw(&mut chance).unwrap()).collect();
    let (sum, freedom) = chi_squared(&draws, |z| noise("0.53", 1).probability(z));
    assert!(sum > freedom + 5.0 * (2.0 * freedom).sqrt() + 10.0, "{sum} of {freedom}");
}

/// The odds of every outcome differ by at most e to the epsilon between two counts that one person can make differ.
#[test]
fn noise_keeps_its_promise() {
    for (epsilon, bound) in [("1", 1.0f64), ("1/10", 0.1), ("3", 3.0)] {
        for sensitivity in [1, 2, 5] {
            let noise = noise(epsilon, sensitivity);
            for z in -200i64..200 {
                for apart in 0..=i64::from(sensitivity) {
                    let odds = noise.probability(z) / noise.probability(z + apart);
                    assert!(odds <= bound.exp() * (1.0 + 1e-9) && odds >= (-bound).exp() * (1.0 - 1e-9));
                }
            }
        }
    }
}

#[test]
fn the_systems_noise_is_never_the_same() {
    let noise = noise("0.001", 1);
    let draws = || (0..20).map(|_| noise.draw(&mut Chance::system()).unwrap()).collect::<Vec<_>>();
    assert_ne!(draws(), draws());
    assert_eq!(format!("{:?}", Chance::seeded([9; 32])), "Chance(seeded)");
}

#[test]
fn epsilon_is_in_the_text_and_in_the_log() {
    let errors = LinkErrors { precision: Rate::sample(99, 100).unwrap(), recall: Rate::sample(95, 100).unwrap() };
    let joined = Joined::overlap(4_321, [10_000, 20_000], 10).unwrap();
    assert!(!format!("{joined:?}").contains("4321"));
    let plain = joined.clone().estimate(errors);
    assert!(plain.to_string().contains("Without noise"));
    let estimate = joined.with_noise(noise("0.25", 2), &mut Chance::seeded([3; 32])).unwrap().estimate(errors);
    let text = estimate.to_string();
    assert!(text.contains("epsilon 1/4") && text.contains("at most 2"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut log = EventLog::open(&path).unwrap();
    log.append(estimate.event(Event::new(Action::Release, "analyst"))).unwrap();
    log.append(plain.event(Event::new(Action::Release, "analyst"))).unwrap();
    let line = std::fs::read_to_string(path).unwrap();
    for part in ["\"epsilon_numerator\":1", "\"epsilon_denominator\":4", "\"sensitivity\":2", "epsilon 1/4"] {
        assert!(line.contains(part), "{line}");
    }
    assert!(line.contains("without noise"));
}

proptest! {
    #[test]
    fn epsilon_reads_what_it_writes(numerator in 1u32..=1_000_000, denominator in 1u32..=1_000_000) {
        match Epsilon::new(numerator, denominator) {
            Ok(epsilon) => prop_assert_eq!(epsilon.to_string().parse::<Epsilon>().unwrap(), epsilon),
            Err(_) => prop_assert!(f64::from(numerator) / f64::from(denominator) > 100.0),
        }
    }

    #[test]
    fn nothing_makes_the_reading_of_epsilon_panic(text in "[0-9./a-zé -]{0,12}") {
        let _ = text.parse::<Epsilon>();
    }
}

#[test]
fn epsilon_is_a_plain_number() {
    for (text, numerator, denominator) in [("1", 10, 10), ("0.5", 5, 10), ("1/3", 1, 3), ("0.000001", 1, 1_000_000)] {
        assert_eq!(text.parse::<Epsilon>().unwrap(), Epsilon::new(numerator, denominator).unwrap());
    }
    for wrong in
        ["", "0", "0.0", "-1", "1/0", "0/1", "inf", "1e3", "1.2.3", "1/2/3", "101", "0.0000001", ".", "+1", "9999999"]
    {
        assert!(wrong.parse::<Epsilon>().is_err(), "{wrong}");
    }
}

/// The whole way, from people who are written down badly to an interval.
#[cfg(all(feature = "evaluate", feature = "synth"))]
#[test]
fn intervals_from_a_linkage_hold_the_truth() {
    use std::collections::{HashMap, HashSet};

    use pprl::synth::{Agency, Options, Population};
    use pprl::{Encoder, Linker, ProjectKey, Record, Schema};

    let schema = Schema::uk_person();
    let agencies = [Agency::SocialCare, Agency::Education];
    let (mut overlaps, mut distinct, runs) = (0, 0, 12);
    for seed in 0..runs {
        let options = Options { seed, children: 500, cohort: 0, social_care_share: 5_000, ..Options::default() };
        let population = Population::generate(&Options { noise: 200, ..options }).unwrap();
        let (mut cohorts, mut persons): (Vec<_>, Vec<Vec<String>>) = (Vec::new(), Vec::new());
        for agency in agencies {
            let rows = population.records(agency);
            let records: Vec<Record> = rows
                .iter()
                .map(|row| {
                    let values = schema.fields().iter().map(|field| match field.name() {
                        "forename" => row.forename.clone(),
                        "surname" => row.surname.clone(),
                        "date_of_birth" => row.date_of_birth.clone(),
                        "sex" => row.sex.clone(),
                        "postcode" => row.postcode.clone(),
                        _ => String::new(),
                    });
                    Record::new(&row.record_id, values.collect())
                })
                .collect();
            let key = ProjectKey::from_bytes([3; 32]);
            let encoder = Encoder::new(&schema, &key, agency.name()).unwrap().seed([agency as u8; 32]);
            let encoded = encoder.release_small("invented children").unwrap().encode(&records).unwrap();
            let person: HashMap<&str, &str> = rows.iter().map(|row| (&*row.record_id, &*row.person_id)).collect();
            persons.push(encoded.row_map.entries().iter().map(|(_, own)| person[&**own].to_owned()).collect());
            cohorts.push(encoded.cohort);
        }
        let links = Linker::new(&schema).seed([1; 32]).link(&[&cohorts[0], &cohorts[1]]).unwrap();
        let names = agencies.map(Agency::name);
        let made: HashSet<(u32, u32)> = links.pairs(names[0], names[1]).unwrap().into_iter().collect();
        let place: HashMap<&String, u32> = persons[1].iter().zip(0..).collect();
        let there = persons[0].iter().zip(0..).filter_map(|(person, x)| Some((x, *place.get(person)?)));
        let there: HashSet<(u32, u32)> = there.collect();
        // Every third link and every third true pair is looked at.
        let drawn = |pairs: &HashSet<(u32, u32)>, other: &HashSet<(u32, u32)>| {
            let mut pairs: Vec<_> = pairs.iter().copied().collect();
            pairs.sort_unstable();
            let drawn: Vec<_> = pairs.into_iter().skip(seed as usize % 3).step_by(3).collect();
            let good = drawn.iter().filter(|pair| other.contains(pair)).count();
            Rate::sample(good as u64, drawn.len() as u64).unwrap()
        };
        let errors = LinkErrors { precision: drawn(&made, &there), recall: drawn(&there, &made) };
        assert!(errors.recall.share().value > 0.6 && errors.precision.share().value > 0.9, "{errors:?}");
        let holds = |joined: Joined, truth: usize| {
            let Uncertain { low, high, .. } = joined.estimate(errors).people().unwrap();
            usize::from((low..=high).contains(&(truth as f64)))
        };
        overlaps += holds(links.overlap(names[0], names[1]).unwrap(), there.len());
        let people: HashSet<&String> = persons.iter().flatten().collect();
        distinct += holds(links.distinct(), people.len());
        let learned = links.learned_precision(names[1], names[0]).unwrap().unwrap();
        assert!(learned.share().value > 0.8);
        assert!(links.overlap(names[0], names[0]).is_err() && links.overlap(names[0], "nobody").is_err());
    }
    // Of twelve at 95 %, fewer than nine would be one chance in ten thousand.
    assert!(overlaps >= 9 && distinct >= 9, "{overlaps} and {distinct} of {runs}");
}
