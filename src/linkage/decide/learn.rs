//! Match weights and a threshold without labels.
//!
//! In the words of an analyst: nobody should match inside a single file, so the best look-alike there shows how well
//! strangers can resemble each other. Pairs across files are accepted down to the score where as many of them would be
//! strangers as matches; and if the excess over strangers is not clear, nothing is linked.
//!
//! The similarity of each encoding falls into levels. A level's weight is ln(m/u): how much more often it is seen in
//! matches (m) than in all pairs (u), as in Fellegi & Sunter (1969). u is counted over all pairs. m starts from a prior and
//! is learned in a few rounds from the pairs that are each other's best across the files, less those that are each other's
//! best inside a file (the null). Free EM over all pairs drifts to families; this does not, because the null is fixed by
//! construction.
//!
//! Diffused encodings need no learning: their signal is exp(−4Tφ) for a share φ of the budget that differs, so its logarithm
//! *is* the evidence, up to a constant, above the noise of strangers. Measured in `DESIGN.md`, "How the linkage unit
//! decides".

use rayon::prelude::*;

use super::super::scale::{NO_LEVEL, Scale, normal};

/// How often weights are learned anew.
const ROUNDS: usize = 4;

/// How many matched pairs the prior of m counts for.
const PRIOR: f64 = 20.0;

/// A pair is accepted while at least this share of those at its score would be matches.
const LAMBDA: f64 = 0.5;

/// How many standard deviations the matches must stand out from the strangers.
const CLEAR: f64 = 3.0;

/// What likeness itself adds to a score: it only settles ties.
const TIE: f32 = 0.02;

/// The signal from which a diffused encoding is evidence, in standard deviations of strangers.
const NOISE: f64 = 3.0;

/// A score that likeness below the noise cannot add up to.
const ABOVE_NOISE: f32 = 0.05;

/// Files shorter than this cannot show what strangers look like; a pair must then reach ln(rows) − 2 as well.
const SHORT: usize = 300;

/// How far above chance a pair of diffused rows in a short file must be.
const SHORT_MARGIN: f64 = 0.5;

/// The Dice coefficient from which two rows of one file with a single filter of many fields are one person.
pub(super) const SINGLE_FILTER_DUPLICATES: f32 = 0.75;

/// Candidate pairs, and the index of each encoding of each.
pub(super) struct Pool {
    pairs: Vec<(u32, u32)>,
    indices: Vec<u16>,
    rows: (usize, usize),
    within: bool,
}

/// The outcome: a score for every pair of the pool, and where to cut.
pub(super) struct Learned {
    pub(super) scores: Vec<f32>,
    /// Infinite where nothing is to be linked.
    pub(super) threshold: f32,
    /// The share of links at the threshold that are expected to be right.
    pub(super) expected_precision: Option<f32>,
}

impl Pool {
    /// `pairs` in order and without repeats; `indices` pair after pair.
    pub(super) fn new(indices: Vec<u16>, pairs: Vec<(u32, u32)>, rows: (usize, usize), within: bool) -> Self {
        Pool { pairs, indices, rows, within }
    }

    pub(super) fn pairs(&self) -> &[(u32, u32)] {
        &self.pairs
    }

    fn encodings(&self) -> usize {
        self.indices.len().checked_div(self.pairs.len()).unwrap_or(1).max(1)
    }

    /// A score for every pair, from its indices.
    pub(super) fn map(&self, score: impl Fn(&[u16]) -> f32 + Send + Sync) -> Vec<f32> {
        self.indices.par_chunks(self.encodings()).map(score).collect()
    }

    fn scores(&self, weights: &[Vec<f32>]) -> Vec<f32> {
        self.map(|indices| weights.iter().zip(indices).map(|(weights, &index)| weights[usize::from(index)]).sum())
    }

    /// The places of pairs that are each other's best: the highest score of both rows, and of equal ones the lower partner.
    fn mutual_best(&self, scores: &[f32]) -> Vec<usize> {
        const NONE: usize = usize::MAX;
        let mut best_a = vec![NONE; self.rows.0];
        let mut best_b = vec![NONE; if self.within { 0 } else { self.rows.1 }];
        // Pairs come in order, so the first of equal scores has the lower partner; within one cohort a row's earlier
        // partners come before its later ones too.
        let offer = |best: &mut usize, place: usize| {
            if *best == NONE || scores[place] > scores[*best] {
                *best = place;
            }
        };
        for (place, &(a, b)) in self.pairs.iter().enumerate() {
            offer(&mut best_a[a as usize], place);
            offer(if self.within { &mut best_a[b as usize] } else { &mut best_b[b as usize] }, place);
        }
        let of_b = if self.within { &best_a } else { &best_b };
        let pairs = self.pairs.iter().enumerate();
        pairs.filter(|&(p, &(a, b))| best_a[a as usize] == p && of_b[b as usize] == p).map(|(p, _)| p).collect()
    }

    /// How many of these pairs are at each level of an encoding.
    fn levels(&self, encoding: usize, scale: &Scale, places: impl Iterator<Item = usize>) -> Vec<f64> {
        let mut counts = vec![0.0; scale.level_count()];
        for place in places {
            let level = scale.levels[usize::from(self.indices[place * self.encodings() + encoding])];
            if level != NO_LEVEL {
                counts[usize::from(level)] += 1.0;
            }
        }
        counts
    }

    /// The mean likeness of the pairs at each level; `None` for levels that no pair is at.
    fn centres(&self, encoding: usize, scale: &Scale) -> Vec<Option<f64>> {
        let mut sums = vec![(0.0, 0u32); scale.level_count()];
        for indices in self.indices.chunks_exact(self.encodings()) {
            let index = usize::from(indices[encoding]);
            if scale.levels[index] != NO_LEVEL {
                let (sum, count) = &mut sums[usize::from(scale.levels[index])];
                *sum += f64::from(scale.alike[index]);
                *count += 1;
            }
        }
        sums.into_iter().map(|(sum, count)| (count > 0).then(|| sum / f64::from(count))).collect()
    }
}

/// Weights from the prior of m and how a sample of pairs spreads over the levels.
pub(super) fn first_weights(scales: &[Scale], levels: &[Vec<u64>]) -> Vec<Vec<f32>> {
    let table = |(scale, levels): (&Scale, &Vec<u64>)| {
        let all: Vec<f64> = levels.iter().map(|&count| count as f64).collect();
        table(scale, &weights(&scale.prior, &share_of_all(&all, &[])), &middles(scale))
    };
    scales.iter().zip(levels).map(table).collect()
}

/// Learns from two cohorts: their candidates, how all pairs spread over the levels, and candidates inside each.
pub(super) fn between(
    scales: &[Scale],
    first: &[Vec<f32>],
    levels: &[Vec<u64>],
    pool: &Pool,
    nulls: &[Pool; 2],
) -> Learned {
    let centres: Vec<_> = scales.iter().enumerate().map(|(e, scale)| pool.centres(e, scale)).collect();
    let (a, b) = pool.rows;
    let floor = match (a.min(b) < SHORT, all_diffused(scales)) {
        (false, _) => f64::NEG_INFINITY,
        (true, true) => chance(scales, a as f64 * b as f64) + SHORT_MARGIN,
        (true, false) => (a.max(b) as f64).ln() - 2.0,
    };
    let mut tables = first.to_vec();
    let mut round = if all_diffused(scales) { ROUNDS } else { 0 };
    loop {
        let scores = pool.scores(&tables);
        let best = pool.mutual_best(&scores);
        let null_scores = nulls.each_ref().map(|null| null.scores(&tables));
        let null_best = [0, 1].map(|side| nulls[side].mutual_best(&null_scores[side]));
        let matched: Vec<f32> = best.iter().map(|&place| scores[place]).collect();
        let strangers =
            [0, 1].map(|side| null_best[side].iter().map(|&place| null_scores[side][place]).collect::<Vec<_>>());
        let cut = cut(&matched, &strangers.concat(), floor);
        if round == ROUNDS {
            let (threshold, expected_precision) = cut.map_or((f32::INFINITY, None), |cut| {
                (cut.threshold, (cut.accepted > 0).then_some(cut.precision as f32))
            });
            return Learned { scores, threshold, expected_precision };
        }
        let (threshold, ratio) = cut.map_or((f32::INFINITY, 0.0), |cut| (cut.threshold, cut.ratio));
        for (encoding, scale) in scales.iter().enumerate() {
            let above = |places: &[usize], scores: &[f32]| {
                places.iter().copied().filter(|&place| scores[place] >= threshold).collect::<Vec<_>>()
            };
            let mut matches = pool.levels(encoding, scale, above(&best, &scores).into_iter());
            for side in [0, 1] {
                let strangers = above(&null_best[side], &null_scores[side]);
                let strangers = nulls[side].levels(encoding, scale, strangers.into_iter());
                matches.iter_mut().zip(strangers).for_each(|(m, s)| *m -= ratio * s);
            }
            matches.iter_mut().for_each(|m| *m = m.max(0.0));
            tables[encoding] = learned_table(scale, &matches, &levels[encoding], &centres[encoding]);
        }
        round += 1;
    }
}

/// Learns from the pairs inside one cohort, in which a person may stand any number of times.
pub(super) fn within(scales: &[Scale], first: &[Vec<f32>], levels: &[Vec<u64>], pool: &Pool) -> Learned {
    // Encodings that share fields say the same thing more than once; single fields do not.
    let (share, sure): (f32, f64) =
        if scales.iter().all(|scale| scale.single_field) { (1.0, 0.99) } else { (0.8, 0.95) };
    let rows = pool.rows.0 as f64;
    let all_pairs = (rows * (rows - 1.0) / 2.0).max(1.0);
    let centres: Vec<_> = scales.iter().enumerate().map(|(e, scale)| pool.centres(e, scale)).collect();
    let mut tables = first.to_vec();
    if all_diffused(scales) {
        let threshold = chance(scales, all_pairs) as f32;
        return Learned { scores: pool.scores(&tables), threshold, expected_precision: None };
    }
    for round in 0.. {
        let scores = pool.scores(&tables);
        let mut descending = scores.clone();
        descending.par_sort_unstable_by(|x, y| y.total_cmp(x));
        // The number of matches fits the threshold that follows from it.
        let mut matches = rows / 10.0;
        for _ in 0..200 {
            let least = ((all_pairs / matches).ln() as f32) / share;
            let next = (descending.partition_point(|&score| score >= least) as f64).max(1.0);
            if next == matches {
                break;
            }
            matches = next;
        }
        let prior_odds = (all_pairs / matches).ln() as f32;
        if round == 3 {
            return Learned { scores, threshold: prior_odds / share, expected_precision: None };
        }
        let least = (prior_odds + (sure / (1.0 - sure)).ln() as f32) / share;
        for (encoding, scale) in scales.iter().enumerate() {
            let certain = (0..scores.len()).filter(|&place| scores[place] >= least);
            let matches = pool.levels(encoding, scale, certain);
            tables[encoding] = learned_table(scale, &matches, &levels[encoding], &centres[encoding]);
        }
    }
    unreachable!("the loop returns in its fourth round")
}

/// The least score of a pair that is worth a look: for diffused encodings, above the noise in one of them.
pub(super) fn least(scales: &[Scale]) -> f32 {
    if all_diffused(scales) { ABOVE_NOISE } else { f32::NEG_INFINITY }
}

pub(super) fn all_diffused(scales: &[Scale]) -> bool {
    scales.iter().all(|scale| scale.diffused)
}

/// The score that the most alike of so many pairs of strangers reaches by chance in one encoding.
fn chance(scales: &[Scale], pairs: f64) -> f64 {
    let draws = (pairs * scales.len() as f64).max(2.0);
    // The greatest of N normal deviates is about √(2 ln N).
    ((2.0 * draws.ln()).sqrt() / NOISE).ln().max(0.0)
}

fn learned_table(scale: &Scale, matches: &[f64], levels: &[u64], centres: &[Option<f64>]) -> Vec<f32> {
    let all: Vec<f64> = levels.iter().map(|&count| count as f64).collect();
    let m: Vec<f64> = matches.iter().zip(&scale.prior).map(|(count, prior)| count + PRIOR * prior).collect();
    table(scale, &weights(&normal(&m), &share_of_all(&all, matches)), centres)
}

/// u: how all pairs less the matches spread over the levels. One pair more is added, nearly all of it to the lowest level,
/// so that no level is impossible.
fn share_of_all(all: &[f64], matches: &[f64]) -> Vec<f64> {
    let rest = 0.1 / (all.len() as f64 - 1.0).max(1.0);
    let counts = all.iter().enumerate().map(|(level, count)| {
        let matched = matches.get(level).copied().unwrap_or(0.0);
        (count - matched).max(0.0) + if level == 0 { 0.9 } else { rest }
    });
    normal(&counts.collect::<Vec<_>>())
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

/// Where to cut.
struct Cut {
    threshold: f32,
    /// How many pairs across the files are accepted.
    accepted: usize,
    /// How many strangers across the files there are for each one inside.
    ratio: f64,
    precision: f64,
}

/// The score down to which pairs across files are accepted, from the scores of pairs that are each other's best across
/// files and inside them. `None`: the matches do not stand out, so there are none to be had.
fn cut(across: &[f32], inside: &[f32], floor: f64) -> Option<Cut> {
    if across.is_empty() || inside.is_empty() {
        return None;
    }
    let descending = |scores: &[f32]| {
        let mut scores = scores.to_vec();
        scores.sort_unstable_by(|x, y| y.total_cmp(x));
        scores
    };
    let (across, inside) = (descending(across), descending(inside));
    // Below the null's median nearly all are strangers, on both sides: that gives the ratio.
    let median = inside[inside.len() / 2];
    let up_to = |scores: &[f32]| (scores.len() - scores.partition_point(|&score| score > median)) as f64;
    let most = across.len() as f64 / inside.len() as f64;
    let ratio = (up_to(&across) / up_to(&inside)).min(most).max(1.0 / inside.len() as f64);
    let mut best: Option<(f64, Cut)> = None;
    for (place, &threshold) in across.iter().enumerate() {
        if across.get(place + 1) == Some(&threshold) {
            continue;
        }
        let accepted = place + 1;
        let strangers = inside.partition_point(|&score| score >= threshold) as f64;
        let matches = accepted as f64 - ratio * strangers;
        let clear = matches >= CLEAR * (ratio * (1.0 + ratio) * strangers + 1.0).sqrt();
        let gain = matches - LAMBDA * accepted as f64;
        if clear && f64::from(threshold) >= floor && gain > best.as_ref().map_or(0.0, |(gain, _)| *gain) {
            let precision = matches / accepted as f64;
            best = Some((gain, Cut { threshold, accepted, ratio, precision }));
        }
    }
    best.map(|(_, cut)| cut)
}
