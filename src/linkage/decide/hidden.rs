//! What diffused encodings say of the fields that they mix.
//!
//! A diffused encoding shows one number, the agreement of its bits, and four of them mix the same four fields: they are no
//! independent evidence. But the schema says how: fields that differ in a share δ of their budgets leave a signal of
//! (1 − 2d/m)^t, where d is the number of filter bits that differ (Armknecht, Heng & Schnell 2023), in noise of 1/√n. So each
//! field has a hidden level of agreement, and a pair's evidence is
//!
//! > Σ m(levels) · p(signals | levels)  over  Σ u(levels) · p(signals | levels).
//!
//! This is Fellegi & Sunter's ratio with levels that are seen through noise. Matches are taken to err in one field
//! independently of the others. For strangers nothing of the kind is assumed: which combinations of levels they have, families
//! and twins among them, is learned from all pairs inside the files, by expectation-maximisation.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::super::model::{LevelWeight, Weights};
use super::super::scale::{Scale, normal};
use super::fellegi_sunter::{BY_CHANCE, Patterns};
use super::pool::Pool;
use crate::schema::{Encoding, Schema};

/// The share of a field's budget that differs at each level, how far a pair at that level may be from it (a standard
/// deviation), and how matches and strangers spread over the levels before anything is learned.
const LEVELS: [Level; 6] = [
    Level { differs: 0.0, spread: 0.0, matches: 0.76, strangers: 0.006 },
    Level { differs: 0.15, spread: 0.04, matches: 0.06, strangers: 0.002 },
    Level { differs: 0.30, spread: 0.05, matches: 0.05, strangers: 0.004 },
    Level { differs: 0.50, spread: 0.06, matches: 0.03, strangers: 0.02 },
    Level { differs: 0.75, spread: 0.08, matches: 0.03, strangers: 0.10 },
    Level { differs: 1.0, spread: 0.07, matches: 0.07, strangers: 0.868 },
];

/// Which of the levels are told apart, by how many parts there are: so that their combinations stay few. With more parts than
/// the last, the smallest are read as one.
const TOLD_APART: [(usize, &[usize]); 4] =
    [(5, &[0, 1, 2, 3, 4, 5]), (6, &[0, 2, 3, 5]), (8, &[0, 2, 5]), (12, &[0, 5])];

/// How many matched pairs the prior of m counts for, and how many pairs of strangers that of u.
const PRIOR_MATCHES: f64 = 20.0;
const PRIOR_STRANGERS: f64 = 1.0;

const ITERATIONS: usize = 100;

/// Signals count from `QUIET` on, in deviations of strangers. A pair whose squares above it do not add up to those of a single
/// signal at `NOISE` is not told from strangers; that is its evidence, ln(m/u), then.
const QUIET: f32 = 2.0;
const NOISE: f32 = 4.0;
const BELOW_NOISE: f32 = -10.0;

/// Combinations that fewer matches and fewer strangers have than these shares do not matter.
const RARE_MATCH: f32 = 1e-7;
const RARE_STRANGER: f32 = 1e-11;

/// Pairs that one thread works on at a time; sums are added up in this order.
const AT_ONCE: usize = 512;

/// A pair that is a match with less than this probability teaches nothing.
const TEACHES: f64 = 1e-3;

struct Level {
    differs: f64,
    spread: f64,
    matches: f64,
    strangers: f64,
}

/// The diffused encodings of a schema, read together.
pub(super) struct Hidden {
    /// Fields, by their places in the schema; those that always stand in the same encodings cannot be told apart and are one
    /// part.
    parts: Vec<Vec<usize>>,
    levels: Vec<&'static Level>,
    encodings: Vec<Mixture>,
    /// For each part, how matches spread over the levels.
    matches: Vec<Vec<f64>>,
    /// The same, multiplied out over all combinations.
    matched: Vec<f32>,
    /// How strangers spread over the combinations.
    strangers: Vec<f32>,
    /// For each part, the combinations in which it is equal and strangers have that by chance, and not as families do.
    by_chance: Vec<Vec<bool>>,
    /// The combinations that matter.
    matter: Vec<u32>,
}

/// One encoding as a mixture of parts.
struct Mixture {
    /// Its place in the schema.
    encoding: usize,
    /// For every combination of levels of its own parts.
    signals: Vec<Signal>,
    /// For every combination of levels of all parts, which of `signals` it has.
    own: Vec<u16>,
    /// √n.
    scale: f32,
}

/// A signal as it is expected, in deviations of strangers.
struct Signal {
    mean: f32,
    deviation: f32,
    ln_deviation: f32,
}

impl Hidden {
    /// For the diffused encodings of a schema; `None` where there are none.
    pub(super) fn new(schema: &Schema) -> Option<Self> {
        let diffused: Vec<(usize, &Encoding)> =
            schema.encodings().iter().enumerate().filter(|(_, encoding)| encoding.is_diffused()).collect();
        let parts = parts(&diffused);
        if parts.is_empty() {
            return None;
        }
        let (_, told_apart) = TOLD_APART.iter().find(|(most, _)| parts.len() <= *most)?;
        let levels: Vec<&Level> = told_apart.iter().map(|&level| &LEVELS[level]).collect();
        let combinations = levels.len().pow(parts.len() as u32);
        let mixture = |&(place, encoding): &(usize, &Encoding)| Mixture::new(place, encoding, &parts, &levels);
        let encodings = diffused.iter().map(mixture).collect();
        let start = |share: fn(&Level) -> f64| {
            let shares: Vec<f64> = levels.iter().map(|level| share(level)).collect();
            vec![normal(&shares); parts.len()]
        };
        let matches = start(|level| level.matches);
        let strangers = product(&start(|level| level.strangers), combinations);
        let by_chance = vec![Vec::new(); parts.len()];
        let matched = product(&matches, combinations);
        let mut hidden =
            Hidden { matched, matches, strangers, parts, levels, encodings, by_chance, matter: Vec::new() };
        hidden.by_chance = hidden.equal_by_chance();
        hidden.matter = hidden.combinations_that_matter();
        Some(hidden)
    }

    /// What was learned: for each part, how matches spread over the levels; and how strangers spread over the combinations.
    pub(super) fn learned(&self) -> (&[Vec<f64>], &[f32]) {
        (&self.matches, &self.strangers)
    }

    /// The same put back, which has to be as long as what is there.
    pub(super) fn restore(&mut self, matches: Vec<Vec<f64>>, strangers: Vec<f32>) {
        self.matched = product(&matches, self.matched.len());
        (self.matches, self.strangers) = (matches, strangers);
        self.by_chance = self.equal_by_chance();
        self.matter = self.combinations_that_matter();
    }

    /// Learns how strangers spread over the combinations of levels, from the patterns of pairs of strangers.
    pub(super) fn learn_strangers(&mut self, scales: &[Scale], strangers: &Patterns) {
        let mut counts: BTreeMap<Vec<u8>, f64> = BTreeMap::new();
        // Rows that are equal are one person who stands in the file twice, or cannot be told apart by anybody.
        let equal = |pattern: &[u8]| {
            let mut encodings = self.encodings.iter().map(|mixture| mixture.encoding);
            encodings.all(|encoding| usize::from(pattern[encoding]) == scales[encoding].cuts.lines.len())
        };
        for (pattern, pairs) in strangers.iter().filter(|(pattern, _)| !equal(pattern)) {
            let own: Vec<u8> = self.encodings.iter().map(|mixture| pattern[mixture.encoding]).collect();
            *counts.entry(own).or_default() += pairs;
        }
        if counts.is_empty() {
            return;
        }
        // For each encoding and each level, the probability that a combination's signal falls there.
        let falls: Vec<Vec<Vec<f64>>> =
            self.encodings.iter().map(|mixture| mixture.falls(&scales[mixture.encoding])).collect();
        let patterns: Vec<(Vec<f32>, f64)> = counts
            .into_par_iter()
            .map(|(pattern, pairs)| {
                let of_combination = |combination: usize| {
                    let of_encoding = |((mixture, falls), &level): ((&Mixture, &Vec<Vec<f64>>), &u8)| {
                        falls[usize::from(level)][usize::from(mixture.own[combination])]
                    };
                    self.encodings.iter().zip(&falls).zip(&pattern).map(of_encoding).product::<f64>() as f32
                };
                ((0..self.strangers.len()).map(of_combination).collect(), pairs)
            })
            .collect();
        let prior: Vec<f64> = self.strangers.iter().map(|&share| f64::from(share) * PRIOR_STRANGERS).collect();
        for _ in 0..ITERATIONS {
            let some = |patterns: &[(Vec<f32>, f64)]| {
                let mut counts = vec![0.0; self.strangers.len()];
                for (falls, pairs) in patterns {
                    let all: f32 = falls.iter().zip(&self.strangers).map(|(fall, share)| fall * share).sum();
                    if all > 0.0 {
                        let each = pairs / f64::from(all);
                        for ((count, fall), share) in counts.iter_mut().zip(falls).zip(&self.strangers) {
                            *count += each * f64::from(fall * share);
                        }
                    }
                }
                counts
            };
            // Added up in the same order whatever the number of threads.
            let parts: Vec<Vec<f64>> = patterns.par_chunks(AT_ONCE / 4).map(some).collect();
            let mut counts = prior.clone();
            for part in parts {
                counts.iter_mut().zip(part).for_each(|(count, part)| *count += part);
            }
            self.strangers = normal(&counts).iter().map(|&share| share as f32).collect();
        }
        self.by_chance = self.equal_by_chance();
        self.matter = self.combinations_that_matter();
    }

    fn combinations_that_matter(&self) -> Vec<u32> {
        let matters = |&combination: &u32| {
            let place = combination as usize;
            self.matched[place] >= RARE_MATCH || self.strangers[place] >= RARE_STRANGER
        };
        (0..self.strangers.len() as u32).filter(matters).collect()
    }

    /// See [`by_chance`](Self::by_chance): a combination with an equal part is one of families if strangers have it much more
    /// often than they would if that part were independent of the others.
    fn equal_by_chance(&self) -> Vec<Vec<bool>> {
        let levels = self.levels.len();
        let of_part = |part: usize| {
            let step = levels.pow(part as u32);
            let is_equal = |combination: usize| (combination / step).is_multiple_of(levels);
            let all = 0..self.strangers.len();
            let equal: f32 = all.clone().filter(|&c| is_equal(c)).map(|c| self.strangers[c]).sum();
            let by_chance = |combination: usize| {
                let others: f32 = (0..levels).map(|level| self.strangers[combination + level * step]).sum();
                self.strangers[combination] < BY_CHANCE.exp() * equal * others
            };
            all.map(|combination| is_equal(combination) && by_chance(combination)).collect()
        };
        (0..self.parts.len()).map(of_part).collect()
    }

    /// Learns how matches spread over the levels of each field, from pairs and the probability of each that it is a match.
    pub(super) fn learn_matches(&mut self, scales: &[Scale], pool: &Pool, probabilities: &[f64]) {
        let telling: Vec<(usize, f64)> =
            probabilities.iter().copied().enumerate().filter(|(_, probability)| *probability >= TEACHES).collect();
        let (parts, levels) = (self.parts.len(), self.levels.len());
        let sums = telling.par_chunks(AT_ONCE).map(|pairs| {
            let mut sums = vec![vec![0.0; levels]; parts];
            let mut buffer = Vec::new();
            for &(place, probability) in pairs {
                self.densities(scales, pool.of(place), &mut buffer);
                let matter = self.matter.iter().map(|&combination| self.matched[combination as usize]);
                buffer.iter_mut().zip(matter).for_each(|(density, share)| *density *= share);
                let all: f32 = buffer.iter().sum();
                if all <= 0.0 {
                    continue;
                }
                let each = probability / f64::from(all);
                for (&combination, share) in self.matter.iter().zip(&buffer) {
                    let mut rest = combination as usize;
                    for of_part in &mut sums {
                        of_part[rest % levels] += each * f64::from(*share);
                        rest /= levels;
                    }
                }
            }
            sums
        });
        // Collected first, so that they are added up in the same order whatever the number of threads.
        let sums: Vec<Vec<Vec<f64>>> = sums.collect();
        for (part, shares) in self.matches.iter_mut().enumerate() {
            let counts = (0..levels).map(|level| {
                let counted: f64 = sums.iter().map(|sums| sums[part][level]).sum();
                counted + PRIOR_MATCHES * self.levels[level].matches
            });
            *shares = normal(&counts.collect::<Vec<_>>());
        }
        self.matched = product(&self.matches, self.matched.len());
        self.matter = self.combinations_that_matter();
    }

    /// ln(m/u) of a pair with these indices; of some fields it is known by how much less (ln) strangers who have the same value
    /// have it than strangers on the whole.
    pub(super) fn ratio(&self, scales: &[Scale], indices: &[u16], rarer: impl Iterator<Item = (usize, f32)>) -> f32 {
        let loud = |mixture: &Mixture| (mixture.signal(scales, indices) - QUIET).max(0.0).powi(2);
        if self.encodings.iter().map(loud).sum::<f32>() < (NOISE - QUIET).powi(2) {
            return BELOW_NOISE;
        }
        let mut buffer = Vec::new();
        self.densities(scales, indices, &mut buffer);
        let mut matched = 0.0f32;
        for (density, &combination) in buffer.iter().zip(&self.matter) {
            matched += density * self.matched[combination as usize];
        }
        for (field, rarer) in rarer {
            let Some(part) = self.parts.iter().position(|fields| *fields == [field]) else { continue };
            let less = (-rarer).exp();
            for (density, &combination) in buffer.iter_mut().zip(&self.matter) {
                if self.by_chance[part][combination as usize] {
                    *density *= less;
                }
            }
        }
        let mut strange = 0.0f32;
        for (density, &combination) in buffer.iter().zip(&self.matter) {
            strange += density * self.strangers[combination as usize];
        }
        (matched.max(f32::MIN_POSITIVE) / strange.max(f32::MIN_POSITIVE)).ln()
    }

    /// What was learned of each part.
    pub(super) fn weights<'a>(&'a self, schema: &'a Schema) -> impl Iterator<Item = Weights> + 'a {
        self.parts.iter().enumerate().map(|(part, fields)| {
            let count = self.levels.len();
            let mut strangers = vec![0.0; count];
            for (combination, &share) in self.strangers.iter().enumerate() {
                strangers[combination / count.pow(part as u32) % count] += f64::from(share);
            }
            let level = |level: usize| {
                let label = match self.levels[level].differs {
                    0.0 => "equal".to_owned(),
                    1.0 => "different, or missing".to_owned(),
                    differs => format!("about {:.0} % differs", differs * 100.0),
                };
                LevelWeight::new(label, self.matches[part][level], strangers[level])
            };
            let names: Vec<&str> = fields.iter().map(|&field| schema.fields()[field].name()).collect();
            Weights { name: names.join(" + "), hidden: true, levels: (0..count).rev().map(level).collect() }
        })
    }

    /// How likely the pair's signals are under each combination of levels that matters, up to a common factor.
    fn densities(&self, scales: &[Scale], indices: &[u16], out: &mut Vec<f32>) {
        out.clear();
        out.resize(self.matter.len(), 1.0);
        for mixture in &self.encodings {
            let signal = mixture.signal(scales, indices);
            let log = |&Signal { mean, deviation, ln_deviation }: &Signal| {
                let away = (signal - mean) / deviation;
                -0.5 * away * away - ln_deviation
            };
            let logs: Vec<f32> = mixture.signals.iter().map(log).collect();
            let most = logs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let densities: Vec<f32> = logs.into_iter().map(|log| (log - most).exp()).collect();
            for (out, &combination) in out.iter_mut().zip(&self.matter) {
                *out *= densities[usize::from(mixture.own[combination as usize])];
            }
        }
    }
}

/// Fields by the encodings they stand in.
fn parts(diffused: &[(usize, &Encoding)]) -> Vec<Vec<usize>> {
    let mut of_field: BTreeMap<usize, (Vec<usize>, usize)> = BTreeMap::new();
    for &(place, encoding) in diffused {
        for &(field, bits) in encoding.budgets() {
            let (places, all) = of_field.entry(field).or_default();
            places.push(place);
            *all += bits;
        }
    }
    let mut together: BTreeMap<Vec<usize>, (Vec<usize>, usize)> = BTreeMap::new();
    for (field, (places, bits)) in of_field {
        let (fields, all) = together.entry(places).or_default();
        fields.push(field);
        *all += bits;
    }
    let mut parts: Vec<(Vec<usize>, usize)> = together.into_values().collect();
    while parts.len() > TOLD_APART[TOLD_APART.len() - 1].0 {
        // The largest first; the two last become one.
        parts.sort_by(|x, y| y.1.cmp(&x.1).then(x.0.cmp(&y.0)));
        if let (Some((last, bits)), Some((fields, all))) = (parts.pop(), parts.last_mut()) {
            fields.extend(last);
            *all += bits;
        }
    }
    let mut parts: Vec<Vec<usize>> = parts.into_iter().map(|(fields, _)| fields).collect();
    parts.iter_mut().for_each(|fields| fields.sort_unstable());
    parts.sort_unstable();
    parts
}

impl Mixture {
    fn new(place: usize, encoding: &Encoding, parts: &[Vec<usize>], levels: &[&Level]) -> Self {
        let bits_of = |part: &Vec<usize>| -> usize {
            encoding.budgets().iter().filter(|(field, _)| part.contains(field)).map(|(_, bits)| bits).sum()
        };
        // The parts that are in this encoding, with their shares of its budget.
        let own_parts: Vec<(usize, f64)> = parts
            .iter()
            .enumerate()
            .filter(|(_, part)| bits_of(part) > 0)
            .map(|(place, part)| (place, bits_of(part) as f64 / encoding.budget() as f64))
            .collect();
        let all = encoding.budget() as f64;
        let (m, t, scale) = (encoding.length() as f64, encoding.diffusion() as i32, (encoding.output() as f64).sqrt());
        let signal = |differs: f64| {
            // Of m positions, those that only one of two filters sets: what both share is set in both.
            let unset = |bits: f64| (1.0 - 1.0 / m).powf(bits);
            let (common, own) = (unset(all * (1.0 - differs)), unset(all * differs));
            let different = 2.0 * common * (1.0 - own) * own;
            (1.0 - 2.0 * different).max(0.0).powi(t)
        };
        let signals = (0..levels.len().pow(own_parts.len() as u32)).map(|combination| {
            let mut rest = combination;
            let (mut differs, mut spread) = (0.0, 0.0);
            for &(_, share) in &own_parts {
                let level = levels[rest % levels.len()];
                rest /= levels.len();
                differs += share * level.differs;
                spread += (share * level.spread).powi(2);
            }
            let mean = signal(differs);
            // How much the signal moves with what differs, by its slope.
            let step = 0.01;
            let slope = (signal((differs - step).max(0.0)) - signal(differs + step)) / (2.0 * step);
            // Equal filters agree in every bit; a bit is 2/n, of which an eighth is no noise to speak of.
            let noise = (1.0 - mean * mean).max((0.25 / scale).powi(2));
            let deviation = (noise + spread * (slope * scale).powi(2)).sqrt();
            let deviation = deviation as f32;
            Signal { mean: (mean * scale) as f32, deviation, ln_deviation: deviation.ln() }
        });
        let signals = signals.collect();
        let own = (0..levels.len().pow(parts.len() as u32)).map(|combination| {
            let level_of = |part: usize| combination / levels.len().pow(part as u32) % levels.len();
            own_parts.iter().rev().fold(0, |own, &(part, _)| own * levels.len() + level_of(part)) as u16
        });
        Mixture { encoding: place, signals, own: own.collect(), scale: scale as f32 }
    }

    /// The signal of a pair, in deviations of strangers.
    fn signal(&self, scales: &[Scale], indices: &[u16]) -> f32 {
        scales[self.encoding].alike[usize::from(indices[self.encoding])] * self.scale
    }

    /// For each level at which pairs are counted, the probability that the signal of each own combination falls there.
    fn falls(&self, scale: &Scale) -> Vec<Vec<f64>> {
        let below: Vec<f64> =
            scale.signal_cuts().map(|cut| cut * f64::from(self.scale) - 1.0 / f64::from(self.scale)).collect();
        let above = |cut: f64, signal: &Signal| tail((cut - f64::from(signal.mean)) / f64::from(signal.deviation));
        let level = |level: usize| {
            let of_own = |signal: &Signal| {
                let from = if level == 0 { 1.0 } else { above(below[level - 1], signal) };
                let to = below.get(level).map_or(0.0, |&cut| above(cut, signal));
                (from - to).max(0.0)
            };
            self.signals.iter().map(of_own).collect()
        };
        (0..=below.len()).map(level).collect()
    }
}

/// The product of each field's shares for every combination of levels.
fn product(shares: &[Vec<f64>], combinations: usize) -> Vec<f32> {
    let of = |combination: usize| {
        let mut rest = combination;
        let mut share = 1.0;
        for of_field in shares {
            share *= of_field[rest % of_field.len()];
            rest /= of_field.len();
        }
        share as f32
    };
    (0..combinations).map(of).collect()
}

/// The probability that a standard normal deviate is above x, to a part in ten million also where it is tiny
/// (Press et al., Numerical Recipes, 2nd edition, section 6.2).
fn tail(x: f64) -> f64 {
    let z = (x / std::f64::consts::SQRT_2).abs();
    let t = 1.0 / (1.0 + 0.5 * z);
    let coefficients = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let polynomial = coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * t + coefficient);
    let half = 0.5 * t * (-z * z + polynomial).exp();
    if x >= 0.0 { half } else { 1.0 - half }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uk() -> (Hidden, Vec<Scale>) {
        let schema = Schema::uk_person();
        (Hidden::new(&schema).unwrap(), Scale::all(&schema))
    }

    fn ratio(hidden: &Hidden, scales: &[Scale], signals: [f64; 4]) -> f32 {
        let indices = signals.map(|signal| (4096.0 / 2.0 * (1.0 - signal / 64.0)).round() as u16);
        hidden.ratio(scales, &indices, std::iter::empty())
    }

    #[test]
    fn any_three_of_four_is_evidence_and_noise_is_not() {
        let (hidden, scales) = uk();
        assert_eq!(hidden.parts, [[0], [1], [2], [4]]);
        let equal = ratio(&hidden, &scales, [64.0; 4]);
        let one_differs = ratio(&hidden, &scales, [64.0, 0.4, 0.4, 0.4]);
        let barely = ratio(&hidden, &scales, [6.0, 0.0, 0.0, 0.0]);
        let chance = ratio(&hidden, &scales, [4.1, 0.0, 0.0, 0.0]);
        assert!(
            equal > one_differs && one_differs > barely && barely > chance,
            "{equal} {one_differs} {barely} {chance}"
        );
        assert!(equal > 12.0 && chance < 5.0);
        assert_eq!(ratio(&hidden, &scales, [3.0, -2.0, 0.0, 3.2]), BELOW_NOISE);
        assert!(ratio(&hidden, &scales, [3.5, 3.5, 0.0, 0.0]) > BELOW_NOISE, "two that are not quite noise");
    }

    #[test]
    fn families_are_learned_from_strangers() {
        let (mut hidden, scales) = uk();
        // Forenames differ: the encoding without them agrees fully. Among strangers these are twins.
        let twins = [0.4, 0.4, 0.4, 64.0];
        let before = ratio(&hidden, &scales, twins);
        let level = |signal: f64| scales[0].level((2048.0 * (1.0 - signal / 64.0)).round() as usize) as u8;
        let strangers = vec![(twins.map(level).to_vec(), 2_000.0), ([0.0; 4].map(level).to_vec(), 1_000_000.0)];
        hidden.learn_strangers(&scales, &strangers);
        let after = ratio(&hidden, &scales, twins);
        assert!(after < before - 3.0, "{before} {after}");
        assert!((hidden.strangers.iter().sum::<f32>() - 1.0).abs() < 1e-3);
        assert!(ratio(&hidden, &scales, [64.0; 4]) > 12.0, "nobody else is less of a match for it");
    }

    #[test]
    fn many_fields_are_read_as_fewer_parts() {
        let encoding = |fields: std::ops::Range<usize>| {
            let budgets = fields.map(|field| (field, 20)).collect();
            Encoding::new("", 1024, 12, 1024, crate::schema::Missing::Random, budgets)
        };
        let (all, half) = (encoding(0..10), encoding(0..5));
        assert_eq!(parts(&[(0, &all)]), [(0..10).collect::<Vec<_>>()]);
        assert_eq!(parts(&[(0, &all), (1, &half)]), [(0..5).collect::<Vec<_>>(), (5..10).collect()]);
        let each: Vec<Encoding> = (0..15).map(|field| encoding(field..field + 1)).collect();
        let each: Vec<(usize, &Encoding)> = each.iter().enumerate().collect();
        let found = parts(&each);
        assert_eq!(found.len(), 12);
        assert_eq!(found.iter().flatten().count(), 15);
    }

    #[test]
    fn tails_of_the_normal_distribution() {
        for (x, expected) in
            [(0.0, 0.5), (1.0, 0.158_655_253_9), (3.0, 1.349_898e-3), (5.0, 2.866_516e-7), (8.0, 6.220_96e-16)]
        {
            assert!((tail(x) / expected - 1.0).abs() < 1e-6, "{x}");
            assert!((tail(-x) - (1.0 - expected)).abs() < 1e-7, "{x}");
        }
    }
}
