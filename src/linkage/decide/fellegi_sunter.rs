//! Match weights without labels: Fellegi & Sunter (1969) over encodings.
//!
//! What two encodings say of a pair is a level of agreement; its evidence is ln(m/u), how much more often that level is seen
//! in matches (m) than in strangers (u).
//!
//! * u is counted, over all pairs, less the expected matches.
//! * Agreements that go together among strangers, as surname and postcode do in a family, are worth less than their sum:
//!   [`together`](super::together). Diffused encodings, which mix fields, are read together: [`hidden`](super::hidden).
//! * m is learned in a few rounds of expectation-maximisation from pairs that are each other's best, each with the probability
//!   that it is a match ([`posterior`](super::posterior)), and these are held to what strangers inside a file look like
//!   ([`calibrate`](super::calibrate)). Free expectation-maximisation over all pairs drifts to families; this does not, because
//!   what strangers are is not free.
//!
//! A score is the match weight in bits, log2 of the odds that a pair is one person, everything known of its rows considered: at
//! 0 it is as likely as not. Inside one file nothing but the model says what strangers are, and probabilities are the model's.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::super::model::{LevelWeight, Model, Uncertain, Weights};
use super::super::patterns::LevelPatterns;
use super::super::scale::{NO_LEVEL, Scale, normal};
use super::calibrate::{Calibration, Inside};
use super::hidden::Hidden;
use super::kept::{Kept, Parts};
use super::pool::Pool;
use super::posterior::Posterior;
use super::rarity::Worth;
use super::swapped::Swapped;
use super::together::Together;
use crate::schema::{Assignment, Schema};

/// How often weights are learned anew.
const ROUNDS: usize = 4;

/// How many matched pairs the prior of m counts for.
const PRIOR: f64 = 20.0;

/// A pair of which the evidence is less than this, ln(m/u), has no part in any decision.
const LEAST_EVIDENCE: f32 = -5.0;

/// Agreements that strangers have this much more often together than by chance, ln, are those of families.
pub(super) const BY_CHANCE: f32 = 1.1;

/// What likeness itself adds to the evidence: it only settles ties.
const TIE: f32 = 0.02;

/// The signal from which a diffused encoding makes a pair a candidate, in standard deviations of strangers.
const NOISE: f64 = 3.0;

/// A score that likeness below the noise cannot add up to.
const ABOVE_NOISE: f32 = 0.05;

/// What was seen inside a file in which a person stands once.
pub(super) struct StrangersOf {
    /// The best partners of each row, or of some.
    pub(super) pool: Pool,
    /// The rows of which the best partners are known, in order; `None` where all are.
    pub(super) known: Option<Vec<u32>>,
    /// How all pairs, or those of the rows that are known, spread over the levels.
    pub(super) patterns: LevelPatterns,
}

/// The outcome: a score for every pair of the pool, and where to cut.
pub(super) struct Learned {
    /// Match weights in bits.
    pub(super) scores: Vec<f32>,
    pub(super) threshold: f32,
    /// What was learned, if anything.
    pub(super) model: Option<Model>,
    /// The same as a rule for pairs that come later, where it was learned from two cohorts.
    pub(super) kept: Option<Kept>,
}

/// Weights from the prior of m and how a sample of pairs spreads over the levels.
pub(super) fn first_weights(scales: &[Scale], levels: &[Vec<u64>]) -> Vec<Vec<f32>> {
    let table = |(scale, levels): (&Scale, &Vec<u64>)| {
        let all: Vec<f64> = levels.iter().map(|&count| count as f64).collect();
        table(scale, &weights(&scale.prior, &share_of_strangers(&all)), &middles(scale))
    };
    scales.iter().zip(levels).map(table).collect()
}

/// What is known of how matches and strangers spread over levels, and the evidence that follows from it.
struct Evidence<'a> {
    scales: &'a [Scale],
    parts: Parts,
    /// How alike pairs at each level of an encoding are; see [`Pool::centres`].
    centres: Vec<Vec<Option<f64>>>,
    /// m and u of each level of undiffused encodings; empty before anything is learned.
    shares: Vec<(Vec<f64>, Vec<f64>)>,
}

impl<'a> Evidence<'a> {
    fn new(schema: &Schema, scales: &'a [Scale], first: &[Vec<f32>], pool: &Pool, worth: Worth) -> Self {
        let direct = |(scale, table): (&Scale, &Vec<f32>)| {
            if scale.diffused { vec![0.0; table.len()] } else { table.clone() }
        };
        Evidence {
            scales,
            parts: Parts {
                tables: scales.iter().zip(first).map(direct).collect(),
                swapped: Swapped::all(scales),
                together: Together::default(),
                hidden: Hidden::new(schema),
                worth,
            },
            centres: scales.iter().enumerate().map(|(encoding, scale)| pool.centres(encoding, scale)).collect(),
            shares: vec![Default::default(); scales.len()],
        }
    }

    /// What was learned.
    fn weights(&self, schema: &Schema) -> Vec<Weights> {
        let direct = schema.encodings().iter().zip(self.scales).zip(&self.shares);
        let direct = direct.filter(|(_, (m, _))| !m.is_empty()).map(|((encoding, scale), (m, u))| Weights {
            name: encoding.name().to_owned(),
            hidden: false,
            levels: (0..m.len()).map(|level| LevelWeight::new(scale.label(level), m[level], u[level])).collect(),
        });
        direct.chain(self.parts.hidden.iter().flat_map(|hidden| hidden.weights(schema))).collect()
    }

    /// ln(m/u) of a pair of a pool.
    fn ratio(&self, pool: &Pool, place: usize) -> f32 {
        self.parts.ratio(self.scales, pool.of(place), pool.classes_of(place, self.parts.worth.fields()))
    }

    fn ratios(&self, pool: &Pool) -> Vec<f32> {
        (0..pool.pairs().len()).into_par_iter().map(|place| self.ratio(pool, place)).collect()
    }

    /// Works the ratios out anew, but for pairs that have no part in any decision.
    fn refresh(&self, pool: &Pool, ratios: &mut [f32]) {
        ratios.par_iter_mut().enumerate().filter(|(_, ratio)| **ratio >= LEAST_EVIDENCE).for_each(|(place, ratio)| {
            *ratio = self.ratio(pool, place);
        });
    }

    /// What pairs of strangers look like.
    fn learn_strangers(&mut self, strangers: &Patterns) {
        self.parts.together = Together::new(self.scales, strangers);
        if let Some(hidden) = &mut self.parts.hidden {
            hidden.learn_strangers(self.scales, strangers);
        }
    }

    /// What matches look like, from the probability of each pair; and how all pairs, and where it is known how those inside
    /// files, spread over the levels.
    fn learn_matches(&mut self, pool: &Pool, probabilities: &[f64], all: &LevelPatterns, inside: Option<&Patterns>) {
        for (encoding, scale) in self.scales.iter().enumerate() {
            if scale.diffused || scale.covers.is_some() {
                continue;
            }
            let hidden =
                |place: usize| self.parts.swapped.iter().any(|s| s.hides(encoding, self.scales, pool.of(place)));
            let matches = pool.expected(encoding, scale, probabilities, hidden);
            let mut strangers: Vec<f64> = all.of_encoding(encoding).iter().map(|&count| count as f64).collect();
            if inside.is_none() && self.scales.len() == 1 {
                strangers = fall_ever_faster(&strangers);
            } else {
                strangers.iter_mut().zip(&matches).for_each(|(count, matches)| *count = (*count - matches).max(0.0));
            }
            // Where there is one encoding only, families are seen at its own levels.
            if let Some(inside) = inside.filter(|_| self.scales.len() == 1) {
                for (pattern, pairs) in inside {
                    if let Some(count) = strangers.get_mut(usize::from(pattern[encoding])) {
                        *count += pairs;
                    }
                }
            }
            let m: Vec<f64> = matches.iter().zip(&scale.prior).map(|(count, prior)| count + PRIOR * prior).collect();
            let (m, u) = (normal(&m), share_of_strangers(&strangers));
            self.parts.tables[encoding] = table(scale, &weights(&m, &u), &self.centres[encoding]);
            self.shares[encoding] = (m, u);
        }
        for swapped in &mut self.parts.swapped {
            swapped.learn(self.scales, pool, probabilities, all, PRIOR);
        }
        if let Some(hidden) = &mut self.parts.hidden {
            hidden.learn_matches(self.scales, pool, probabilities);
        }
    }
}

/// Level patterns and how many pairs have them, in order.
pub(super) type Patterns = Vec<(Vec<u8>, f64)>;

/// Learns from two cohorts: their candidates, how all pairs spread over the levels, and the pairs inside each.
pub(super) fn between(
    schema: &Schema,
    scales: &[Scale],
    first: &[Vec<f32>],
    (pool, patterns): (&Pool, &LevelPatterns),
    inside: Vec<StrangersOf>,
    worth: Worth,
    least_weight: f32,
) -> Learned {
    let assignment = schema.linkage().assignment();
    let mut strangers: BTreeMap<&[u8], f64> = BTreeMap::new();
    for (pattern, pairs) in inside.iter().flat_map(|file| file.patterns.iter()) {
        *strangers.entry(pattern).or_default() += pairs as f64;
    }
    let strangers: Patterns = strangers.into_iter().map(|(pattern, pairs)| (pattern.to_vec(), pairs)).collect();
    let mut evidence = Evidence::new(schema, scales, first, pool, worth);
    evidence.learn_strangers(&strangers);
    let mut ratios = evidence.ratios(pool);
    let mut inside: Vec<Inside> = inside
        .into_iter()
        .map(|file| Inside { ratios: evidence.ratios(&file.pool), pool: file.pool, known: file.known })
        .collect();
    for round in 0.. {
        let posterior = Posterior::new(pool, &ratios, assignment);
        let best = pool.mutual_best(&posterior.log_odds);
        let across: Vec<f64> = best.iter().map(|&place| posterior.log_odds[place]).collect();
        let calibration = Calibration::new(&across, pool.rows(), &inside, &posterior);
        let mutual: Vec<f64> = across.iter().map(|&x| calibration.probability(x)).collect();
        if round == ROUNDS {
            let log_odds = posterior.log_odds.iter().map(|&x| calibration.log_odds(x));
            let weights = evidence.weights(schema);
            let learned = Learned::new(log_odds, (&mutual, least_weight), calibration.uncertainty, weights);
            let kept = Kept::new(first.to_vec(), evidence.parts, &posterior, calibration, least_weight);
            return Learned { kept: Some(kept), ..learned };
        }
        let mut probabilities = vec![0.0; ratios.len()];
        best.iter().zip(mutual).for_each(|(&place, probability)| probabilities[place] = probability);
        evidence.learn_matches(pool, &probabilities, patterns, Some(&strangers));
        evidence.refresh(pool, &mut ratios);
        inside.iter_mut().for_each(|file| evidence.refresh(&file.pool, &mut file.ratios));
    }
    unreachable!("the loop returns in its last round")
}

/// Learns from the pairs inside one cohort, in which a person may stand any number of times.
pub(super) fn within(
    schema: &Schema,
    scales: &[Scale],
    first: &[Vec<f32>],
    (pool, patterns): (&Pool, &LevelPatterns),
    worth: Worth,
    least_weight: f32,
) -> Learned {
    if all_diffused(scales) {
        // A free model of strangers would learn the matches; but how alike strangers are by chance is known.
        let rows = pool.rows().0 as f64;
        let scores =
            pool.map(|indices| first.iter().zip(indices).map(|(table, &index)| table[usize::from(index)]).sum());
        return Learned { scores, threshold: chance(scales, rows * (rows - 1.0) / 2.0), model: None, kept: None };
    }
    let mut evidence = Evidence::new(schema, scales, first, pool, worth);
    if scales.len() == 1 {
        evidence.learn_matches(pool, &vec![0.0; pool.pairs().len()], patterns, None);
    }
    let mut ratios = evidence.ratios(pool);
    for round in 0.. {
        let posterior = Posterior::new(pool, &ratios, Assignment::ManyToMany);
        let probabilities: Vec<f64> = posterior.log_odds.iter().map(|&x| probability(x)).collect();
        if round == ROUNDS {
            return Learned::new(
                posterior.log_odds.iter().copied(),
                (&probabilities, least_weight),
                0.0,
                evidence.weights(schema),
            );
        }
        // Strangers are all pairs less the matches.
        let mut strangers: BTreeMap<Vec<u8>, f64> =
            patterns.iter().map(|(pattern, pairs)| (pattern.to_vec(), pairs as f64)).collect();
        for (place, probability) in probabilities.iter().enumerate() {
            if let Some(count) = strangers.get_mut(&pattern(scales, pool.of(place))) {
                *count -= probability;
            }
        }
        evidence.parts.together =
            Together::new(scales, &strangers.into_iter().filter(|(_, pairs)| *pairs > 0.0).collect());
        evidence.learn_matches(pool, &probabilities, patterns, None);
        evidence.refresh(pool, &mut ratios);
    }
    unreachable!("the loop returns in its last round")
}

impl Learned {
    /// From the log odds of all pairs and the probabilities of those that may be links; `uncertainty` is the relative error of
    /// the number of strangers.
    fn new(
        log_odds: impl Iterator<Item = f64>,
        (probabilities, least_weight): (&[f64], f32),
        uncertainty: f64,
        weights: Vec<Weights>,
    ) -> Self {
        let least = probability(f64::from(least_weight) * std::f64::consts::LN_2);
        let accepted = || probabilities.iter().filter(|p| **p >= least);
        let links = accepted().count() as f64;
        let wrong: f64 = accepted().map(|p| 1.0 - p).sum();
        // What is left to chance for each link, and how well strangers could be counted.
        let chance: f64 = accepted().map(|p| p * (1.0 - p)).sum();
        let error = 1.96 * (chance + (uncertainty * wrong).powi(2)).sqrt();
        let precision = |wrong: f64| 1.0 - (wrong / links).clamp(0.0, 1.0);
        let estimate =
            || Uncertain { value: precision(wrong), low: precision(wrong + error), high: precision(wrong - error) };
        Learned {
            scores: log_odds.map(|x| (x / std::f64::consts::LN_2) as f32).collect(),
            threshold: least_weight,
            kept: None,
            model: Some(Model {
                weights,
                matches: probabilities.iter().sum(),
                precision: (links > 0.0).then(estimate),
                ..Model::default()
            }),
        }
    }
}

/// The level pattern of a pair.
fn pattern(scales: &[Scale], indices: &[u16]) -> Vec<u8> {
    let level = |(scale, &index): (&Scale, &u16)| match scale.level(usize::from(index)) {
        none if scale.cuts.needs_bits && none > scale.cuts.lines.len() => LevelPatterns::NO_EVIDENCE,
        level => level as u8,
    };
    scales.iter().zip(indices).map(level).collect()
}

/// The probability of log odds.
pub(super) fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// The least score of a pair that is worth a look: for diffused encodings, above the noise in one of them.
pub(in crate::linkage) fn least(scales: &[Scale]) -> f32 {
    if all_diffused(scales) { ABOVE_NOISE } else { f32::NEG_INFINITY }
}

/// The score that the most alike of so many pairs of strangers reaches by chance in one encoding.
fn chance(scales: &[Scale], pairs: f64) -> f32 {
    let draws = (pairs * scales.len() as f64).max(2.0);
    // The greatest of N normal deviates is about √(2 ln N).
    ((2.0 * draws.ln()).sqrt() / NOISE).ln().max(0.0) as f32
}

pub(super) fn all_diffused(scales: &[Scale]) -> bool {
    scales.iter().all(|scale| scale.diffused)
}

/// u: how strangers spread over the levels. One pair more is added, nearly all of it to the lowest level, so that no level is
/// impossible.
fn share_of_strangers(counts: &[f64]) -> Vec<f64> {
    let rest = 0.1 / (counts.len() as f64 - 1.0).max(1.0);
    let counts = counts.iter().enumerate().map(|(level, count)| count + if level == 0 { 0.9 } else { rest });
    normal(&counts.collect::<Vec<_>>())
}

/// The part of the counts of levels that may be strangers, where nothing else tells them from matches: those that are at
/// least so much alike become ever fewer, from level to level by a greater factor (a log-concave tail); what is more are matches.
fn fall_ever_faster(counts: &[f64]) -> Vec<f64> {
    let mut tail: Vec<f64> = counts.to_vec();
    for level in (0..counts.len().saturating_sub(1)).rev() {
        tail[level] += tail[level + 1];
    }
    // Below the third level nearly all pairs are strangers.
    for level in 3..tail.len() {
        let fall = if tail[level - 2] > 0.0 { tail[level - 1] / tail[level - 2] } else { 0.0 };
        // The level before the first of these is twice as wide.
        let fall = if level == 3 { fall.sqrt() } else { fall };
        tail[level] = tail[level].min(tail[level - 1] * fall);
    }
    (0..tail.len()).map(|level| tail[level] - tail.get(level + 1).copied().unwrap_or(0.0)).collect()
}

/// ln(m/u), made to rise with the level: neighbouring levels that fall are read as one (pool adjacent violators), with
/// their shares added up, so that a level that hardly any pair is at cannot lift the others.
fn weights(m: &[f64], u: &[f64]) -> Vec<f64> {
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (&m, &u) in m.iter().zip(u) {
        let mut pool = (m, u, 1);
        while let Some(&(m, u, levels)) = pools.last()
            && m / u > pool.0 / pool.1
        {
            pools.pop();
            pool = (pool.0 + m, pool.1 + u, pool.2 + levels);
        }
        pools.push(pool);
    }
    pools.into_iter().flat_map(|(m, u, levels)| std::iter::repeat_n((m / u).ln(), levels)).collect()
}

/// The middle of each level's range of likeness; of the lowest, which is the widest by far, its upper end.
fn middles(scale: &Scale) -> Vec<Option<f64>> {
    let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); scale.level_count()];
    for (&level, &alike) in scale.levels.iter().zip(&scale.alike).filter(|(level, _)| **level != NO_LEVEL) {
        let (least, most) = &mut ranges[usize::from(level)];
        (*least, *most) = (least.min(f64::from(alike)), most.max(f64::from(alike)));
    }
    let middle = |(level, (least, most)): (usize, (f64, f64))| {
        (least <= most).then(|| if level == 0 { most } else { f64::midpoint(least, most) })
    };
    ranges.into_iter().enumerate().map(middle).collect()
}

/// The weight of every index: between the centres of two levels in proportion, outside them flat.
fn table(scale: &Scale, weights: &[f64], centres: &[Option<f64>]) -> Vec<f32> {
    if scale.covers.is_some() {
        return vec![0.0; scale.levels.len()];
    }
    if scale.diffused {
        let deviations = ((scale.levels.len() - 2) as f64).sqrt() / NOISE;
        let entry = |&alike: &f32| (f64::from(alike) * deviations).max(1.0).ln() as f32 + TIE * alike.max(0.0);
        return scale.alike.iter().map(entry).collect();
    }
    let nodes: Vec<(f64, f64)> = centres.iter().zip(weights).filter_map(|(c, &w)| Some(((*c)?, w))).collect();
    let weight = |alike: f64| match nodes.partition_point(|&(centre, _)| centre <= alike) {
        0 => nodes.first().map_or(0.0, |&(_, weight)| weight),
        after if after == nodes.len() => nodes[after - 1].1,
        after => {
            let ((from, low), (to, high)) = (nodes[after - 1], nodes[after]);
            low + (high - low) * (alike - from) / (to - from)
        }
    };
    let entry = |(&level, &alike): (&u8, &f32)| {
        if level == NO_LEVEL { 0.0 } else { weight(f64::from(alike)) as f32 + TIE * alike.max(0.0) }
    };
    scale.levels.iter().zip(&scale.alike).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fall_ever_faster_is_no_stranger() {
        // Counts that halve, then fall to a third, a quarter …: all strangers.
        let falling = [1000.0, 500.0, 166.0, 40.0, 8.0, 1.0];
        let kept = fall_ever_faster(&falling);
        assert!(kept.iter().zip(falling).all(|(kept, count)| (kept - count).abs() < 0.25 * count), "{kept:?}");
        // A second hump at the top: matches.
        let kept = fall_ever_faster(&[1e6, 1e5, 3e4, 6e3, 60.0, 90.0]);
        assert!(kept[5] < 5.0 && kept.iter().all(|&count| count >= 0.0), "{kept:?}");
        assert_eq!(fall_ever_faster(&[5.0]), [5.0]);
    }

    #[test]
    fn weights_rise_with_the_level() {
        let (m, u) = ([0.1, 0.2, 0.1, 0.6], [0.5, 0.1, 0.3, 0.1]);
        let weights = weights(&m, &u);
        assert!(weights.is_sorted_by(|a, b| a <= b), "{weights:?}");
        assert_eq!(weights[1], weights[2], "levels that fall are read as one");
        assert!((weights[1] - (0.3f64 / 0.4).ln()).abs() < 1e-12);
    }
}
