//! Probabilities that agree with what is seen inside the files.
//!
//! A model's probability is as good as its assumptions. But strangers can be counted: inside a file nobody should match. Rows
//! that have no partner in the other file are free to find a stranger there; so as many rows as are free on either side are
//! drawn from one and the same file, and linked with each other: all that is found are strangers. The log odds x are then
//! corrected by a line, y = a + b·x, that makes the expected numbers of strangers agree: a logistic regression (Platt 1999) in
//! which the pairs across the files are matches, less the strangers.

use super::fellegi_sunter::probability;
use super::pool::Pool;
use super::posterior::Posterior;
use crate::split_mix::SplitMix64;

/// Log odds above this range, in nats, are taken as its upper end, and those below it not at all: there is nothing to decide.
/// Strangers above it are twins, or people who stand in a file twice after all: neither says anything of those at even odds.
const RANGE: (f64, f64) = (-4.0, 7.0);

/// How far the correction is believed to be from none before anything is seen: standard deviations of a and b.
const BELIEF: (f64, f64) = (1.5, 0.4);

/// How far below the range a pair may be, in nats, and still compete.
const MARGIN: f64 = 3.0;

/// How many pairs of each bin the model is worth.
const MODEL: f64 = 1.0;

const LEAST_SLOPE: f64 = 0.4;

const NEWTON: usize = 40;

/// How often rows are drawn from each file.
const DRAWS: u64 = 8;

/// The most alike pairs inside a file in which a person stands once.
pub(super) struct Inside {
    pub(super) pool: Pool,
    /// How alike they are: ln(m/u).
    pub(super) ratios: Vec<f32>,
    /// The rows of which the best partners are known, in order; `None` where all are.
    pub(super) known: Option<Vec<u32>>,
}

/// log odds → log odds that agree with the counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calibration {
    pub(super) shift: f64,
    pub(super) slope: f64,
    /// The relative error of the number of strangers at even odds and above (a standard deviation).
    pub(super) uncertainty: f64,
}

impl Calibration {
    /// From the log odds of pairs that are each other's best across files of so many rows, and from pairs inside the files.
    pub(super) fn new(across: &[f64], rows: (usize, usize), inside: &[Inside], posterior: &Posterior) -> Self {
        let seen = Bins::new(across, 1.0);
        // How many rows are free is left to the model: worked out from the corrected probabilities it would feed upon itself.
        let (strangers, weight) = strangers(inside, posterior.free(rows, posterior.matches), posterior);
        let mut found = Calibration { shift: 0.0, slope: 1.0, uncertainty: 1.0 };
        if weight == 0.0 {
            return found;
        }
        found = found.fit(&seen, &Bins::new(&strangers, weight));
        // The same pairs come up in several draws.
        let telling = strangers.iter().filter(|&&x| found.log_odds(x) >= 0.0).count() as f64 / DRAWS as f64;
        found.uncertainty = 1.0 / (telling + 1.0).sqrt();
        found
    }

    /// Logistic regression by Newton's method. Where more strangers are expected than pairs were seen, all are strangers.
    fn fit(mut self, seen: &Bins, strangers: &Bins) -> Self {
        let (believe_a, believe_b) = (1.0 / (BELIEF.0 * BELIEF.0), 1.0 / (BELIEF.1 * BELIEF.1));
        let bins: Vec<(f64, f64, f64)> = seen
            .each()
            .zip(strangers.each())
            .filter(|((_, count), _)| *count > 0.0)
            .map(|((x, count), (_, strange))| {
                // As much as the model itself says counts as some pairs more: in short files strangers are few to see.
                let believed = MODEL * probability(x);
                (x, count + MODEL, (count - strange).max(0.0) + believed)
            })
            .collect();
        for _ in 0..NEWTON {
            let mut gradient = [-self.shift * believe_a, -(self.slope - 1.0) * believe_b];
            let mut curve = [believe_a, 0.0, believe_b];
            for &(x, count, matches) in &bins {
                let probability = self.probability(x);
                let rest = matches - count * probability;
                gradient[0] += rest;
                gradient[1] += rest * x;
                let weight = count * probability * (1.0 - probability);
                curve[0] += weight;
                curve[1] += weight * x;
                curve[2] += weight * x * x;
            }
            let determinant = curve[0] * curve[2] - curve[1] * curve[1];
            let step = [
                (curve[2] * gradient[0] - curve[1] * gradient[1]) / determinant,
                (curve[0] * gradient[1] - curve[1] * gradient[0]) / determinant,
            ];
            // A long step could overshoot.
            self.shift += step[0].clamp(-1.0, 1.0);
            self.slope = (self.slope + step[1].clamp(-0.25, 0.25)).max(LEAST_SLOPE);
            if step[0].abs() + step[1].abs() < 1e-9 {
                break;
            }
        }
        self
    }

    pub(super) fn log_odds(&self, x: f64) -> f64 {
        self.shift + self.slope * x
    }

    pub(super) fn probability(&self, x: f64) -> f64 {
        probability(self.log_odds(x))
    }
}

/// Counts of log odds, in bins.
struct Bins {
    counts: Vec<f64>,
    sums: Vec<f64>,
}

const BINS: usize = 22;

impl Bins {
    fn new(log_odds: &[f64], weight: f64) -> Self {
        let mut bins = Bins { counts: vec![0.0; BINS], sums: vec![0.0; BINS] };
        for x in log_odds.iter().filter(|x| **x >= RANGE.0).map(|x| x.min(RANGE.1)) {
            let bin = (((x - RANGE.0) / (RANGE.1 - RANGE.0) * BINS as f64) as usize).min(BINS - 1);
            bins.counts[bin] += weight;
            bins.sums[bin] += weight * x;
        }
        bins
    }

    /// The mean of each bin, and its count.
    fn each(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.counts.iter().zip(&self.sums).map(|(&count, &sum)| (if count > 0.0 { sum / count } else { 0.0 }, count))
    }
}

/// The log odds of strangers that are each other's best, from several draws, and how many across the files each stands for.
fn strangers(inside: &[Inside], free: (f64, f64), posterior: &Posterior) -> (Vec<f64>, f64) {
    let mut found = Vec::new();
    let mut drawn_pairs = 0.0;
    for file in inside {
        let rows = file.pool.rows().0 as f64;
        let known = file.known.as_ref().map_or(rows, |known| known.len() as f64);
        let first = (free.0 / known.max(1.0)).min(0.5);
        let left = rows - first * known;
        let second = (free.1 / left.max(1.0)).min(1.0);
        drawn_pairs += DRAWS as f64 * (first * known) * (second * left);
        // What is far below even odds has no part in this.
        let least = posterior.least_ratio(RANGE.0) - MARGIN;
        let pairs = file.pool.pairs().iter().zip(&file.ratios).filter(|(_, ratio)| f64::from(**ratio) >= least);
        let pairs: Vec<((u32, u32), f32)> = pairs.map(|(&pair, &ratio)| (pair, ratio)).collect();
        let is_known = |row: u32| file.known.as_ref().is_none_or(|known| known.binary_search(&row).is_ok());
        for draw in 0..DRAWS {
            let is_first = |row: u32| is_known(row) && uniform(row, 2 * draw) < first;
            let is_second = |row: u32| uniform(row, 2 * draw + 1) < second;
            let chosen = |&((a, b), ratio): &((u32, u32), f32)| match (is_first(a), is_first(b)) {
                (true, false) if is_second(b) => Some(((a, b), ratio)),
                (false, true) if is_second(a) => Some(((b, a), ratio)),
                _ => None,
            };
            let chosen: Vec<((u32, u32), f32)> = pairs.iter().filter_map(chosen).collect();
            found.extend(posterior.mutual_best(&chosen).into_iter().filter(|x| *x < RANGE.1));
        }
    }
    (found, if drawn_pairs > 0.0 { free.0 * free.1 / drawn_pairs } else { 0.0 })
}

/// A number from 0 to 1 for a row and a draw, always the same.
fn uniform(row: u32, draw: u64) -> f64 {
    SplitMix64(u64::from(row) << 8 | draw).unit()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Log odds as a normal distribution has them, evenly.
    fn normal(mean: f64, deviation: f64, count: usize) -> impl Iterator<Item = f64> {
        // A sum of uniform numbers is near enough.
        (0..count as u32).map(move |i| mean + deviation * ((0..12).map(|k| uniform(i, k)).sum::<f64>() - 6.0))
    }

    #[test]
    fn a_model_that_believes_too_little_is_corrected() {
        // Matches and strangers in equal numbers at −1: that is where even odds are, whatever the model says.
        let matches: Vec<f64> = normal(3.0, 2.0, 4000).collect();
        let strangers: Vec<f64> = normal(-5.0, 2.0, 4000).collect();
        let seen: Vec<f64> = matches.iter().chain(&strangers).copied().collect();
        let start = Calibration { shift: 0.0, slope: 1.0, uncertainty: 1.0 };
        let found = start.fit(&Bins::new(&seen, 1.0), &Bins::new(&strangers, 1.0));
        for x in [-2.5, -1.0, 0.5, 2.0] {
            let density = |mean: f64| (-(x - mean) * (x - mean) / 8.0).exp();
            let truth = density(3.0) / (density(3.0) + density(-5.0));
            assert!((found.probability(x) - truth).abs() < 0.06, "{x}: {} for {truth}", found.probability(x));
        }
    }

    #[test]
    fn more_strangers_than_pairs_leave_no_match() {
        let seen: Vec<f64> = normal(0.0, 1.0, 500).collect();
        let start = Calibration { shift: 0.0, slope: 1.0, uncertainty: 1.0 };
        let found = start.fit(&Bins::new(&seen, 1.0), &Bins::new(&seen, 3.0));
        assert!(seen.iter().all(|&x| found.probability(x) < 0.5), "{found:?}");
        // Nothing seen: nothing to correct.
        let none = start.fit(&Bins::new(&[], 1.0), &Bins::new(&[], 1.0));
        assert!(none.shift.abs() < 1e-9 && (none.slope - 1.0).abs() < 1e-9);
    }

    #[test]
    fn draws_are_even_and_the_same_every_time() {
        let mean = (0..10_000).map(|row| uniform(row, 3)).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.01);
        assert_eq!(uniform(7, 2), uniform(7, 2));
        assert_ne!(uniform(7, 2), uniform(7, 3));
    }
}
