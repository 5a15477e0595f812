//! How likely a pair is one person, given all other pairs of its rows.
//!
//! A row that has one partner at most cannot belong to two: each likelihood ratio is weighed against those of the pairs that
//! compete for the same rows, and against the odds that a row has no partner at all. The share of rows that have one is
//! what the probabilities add up to, found by iteration (expectation-maximisation).

use super::super::assign::single;
use super::pool::Pool;
use crate::schema::Assignment;

/// How often the number of matches is worked out anew.
const ITERATIONS: usize = 50;

/// The number of matches is settled when it moves by less than this.
const SETTLED: f64 = 0.01;

/// At least this share of the rows is taken to have no partner: a belief that everybody has one could not be corrected.
const UNMATCHED: f64 = 0.005;

/// What is believed of the pairs of a pool.
pub(super) struct Posterior {
    /// ln(p / (1 − p)) of each pair.
    pub(super) log_odds: Vec<f64>,
    /// How many pairs are expected to be one person.
    pub(super) matches: f64,
    /// The odds against a pair that has no competition.
    pub(super) against: f64,
    /// Whether a row of either side has one partner at most.
    pub(super) single: (bool, bool),
}

impl Posterior {
    /// From ln(m/u) of each pair.
    pub(super) fn new(pool: &Pool, ratios: &[f32], assignment: Assignment) -> Self {
        let (rows_a, rows_b) = (pool.rows().0 as f64, pool.rows().1 as f64);
        let single = single(assignment);
        let pairs = || pool.pairs().iter().copied().zip(ratios.iter().copied());
        let others = competing(pairs(), pool.rows(), single);
        let all = if pool.within() { rows_a * (rows_a - 1.0).max(0.0) / 2.0 } else { rows_a * rows_b };
        let mut posterior = Posterior { log_odds: Vec::new(), matches: 0.0, against: 0.0, single };
        let against = |matches: f64| {
            let free = posterior.free(pool.rows(), matches);
            let free = if single == (false, false) { (all - matches).max(1.0) } else { free.0 * free.1 };
            free / matches
        };
        let likelihood: Vec<f64> = ratios.iter().map(|&ratio| f64::from(ratio).exp()).collect();
        let mut matches = if pool.within() { rows_a / 10.0 } else { rows_a.min(rows_b) / 2.0 }.max(1.0);
        for _ in 0..ITERATIONS {
            let against = against(matches);
            let probability = |(own, others): (&f64, &f64)| own / (own + others + against);
            let expected: f64 = likelihood.iter().zip(&others).map(probability).sum();
            let moved = (expected - matches).abs();
            // Fewer than this could not be told from none.
            matches = expected.max(0.01);
            if moved < SETTLED {
                break;
            }
        }
        (posterior.matches, posterior.against) = (matches, against(matches));
        let log_odds = ratios.iter().zip(&others).map(|(&ratio, others)| posterior.log_odds(ratio, *others));
        posterior.log_odds = log_odds.collect();
        posterior
    }

    fn log_odds(&self, ratio: f32, others: f64) -> f64 {
        f64::from(ratio) - (others + self.against).ln()
    }

    /// How many rows of either side have no partner, or may have another.
    pub(super) fn free(&self, (a, b): (usize, usize), matches: f64) -> (f64, f64) {
        let free = |rows: usize, single: bool| {
            let rows = rows as f64;
            if single { (rows - matches).max(UNMATCHED * rows).max(0.5) } else { rows }
        };
        (free(a, self.single.0), free(b, self.single.1))
    }

    /// The ratio that a pair without competition needs for these log odds.
    pub(super) fn least_ratio(&self, log_odds: f64) -> f64 {
        log_odds + self.against.ln()
    }

    /// The log odds of other pairs that are each other's best, as if they were all there are.
    pub(super) fn mutual_best(&self, pairs: &[((u32, u32), f32)]) -> Vec<f64> {
        // Rows are few of many: numbered anew.
        let number = |row: fn(&((u32, u32), f32)) -> u32| {
            let mut rows: Vec<u32> = pairs.iter().map(row).collect();
            rows.sort_unstable();
            rows.dedup();
            rows
        };
        let (rows_a, rows_b) = (number(|((a, _), _)| *a), number(|((_, b), _)| *b));
        let place = |rows: &[u32], row: u32| rows.binary_search(&row).unwrap_or_default();
        let pairs: Vec<((u32, u32), f32)> = pairs
            .iter()
            .map(|&((a, b), ratio)| ((place(&rows_a, a) as u32, place(&rows_b, b) as u32), ratio))
            .collect();
        let rows = (rows_a.len(), rows_b.len());
        let others = competing(pairs.iter().copied(), rows, self.single);
        let log_odds: Vec<f64> =
            pairs.iter().zip(others).map(|(&(_, ratio), others)| self.log_odds(ratio, others)).collect();
        let mut best_a = vec![f64::NEG_INFINITY; rows.0];
        let mut best_b = vec![f64::NEG_INFINITY; rows.1];
        for (&((a, b), _), &x) in pairs.iter().zip(&log_odds) {
            best_a[a as usize] = best_a[a as usize].max(x);
            best_b[b as usize] = best_b[b as usize].max(x);
        }
        let mutual =
            |&(&((a, b), _), x): &(&((u32, u32), f32), f64)| best_a[a as usize] == x && best_b[b as usize] == x;
        pairs.iter().zip(log_odds).filter(mutual).map(|(_, x)| x).collect()
    }
}

/// For each pair, the likelihood of all others of its rows, on the sides on which a row has one partner at most.
fn competing(
    pairs: impl Iterator<Item = ((u32, u32), f32)> + Clone,
    rows: (usize, usize),
    single: (bool, bool),
) -> Vec<f64> {
    let mut sum_a = vec![0.0; if single.0 { rows.0 } else { 0 }];
    let mut sum_b = vec![0.0; if single.1 { rows.1 } else { 0 }];
    for ((a, b), ratio) in pairs.clone() {
        let likelihood = f64::from(ratio).exp();
        if let Some(sum) = sum_a.get_mut(a as usize) {
            *sum += likelihood;
        }
        if let Some(sum) = sum_b.get_mut(b as usize) {
            *sum += likelihood;
        }
    }
    let of = |sums: &[f64], row: u32, own: f64| sums.get(row as usize).map_or(0.0, |sum| (sum - own).max(0.0));
    pairs
        .map(|((a, b), ratio)| {
            let own = f64::from(ratio).exp();
            of(&sum_a, a, own) + of(&sum_b, b, own)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(pairs: &[(u32, u32)], rows: (usize, usize)) -> Pool {
        Pool::new(vec![0; pairs.len()], pairs.to_vec(), rows, false)
    }

    fn probability(log_odds: f64) -> f64 {
        1.0 / (1.0 + (-log_odds).exp())
    }

    #[test]
    fn a_row_does_not_belong_to_two() {
        // Row 0 has two partners that are equally alike, row 1 has one of its own.
        let pool = pool(&[(0, 0), (0, 1), (1, 2)], (50, 50));
        let ratios = [20.0, 20.0, 20.0];
        let one = Posterior::new(&pool, &ratios, Assignment::OneToOne);
        let p: Vec<f64> = one.log_odds.iter().map(|&x| probability(x)).collect();
        assert!((p[0] - 0.5).abs() < 0.01 && (p[1] - 0.5).abs() < 0.01 && p[2] > 0.99, "{p:?}");
        assert!((one.matches - 2.0).abs() < 0.1);
        // Where a row of the first side may have several, both are believed.
        let many = Posterior::new(&pool, &ratios, Assignment::OneToMany);
        assert!(many.log_odds.iter().all(|&x| probability(x) > 0.99));
        let other = Posterior::new(&pool, &ratios, Assignment::ManyToOne);
        assert!(probability(other.log_odds[0]) < 0.51);
    }

    #[test]
    fn what_is_not_telling_is_not_believed() {
        let pairs: Vec<(u32, u32)> = (0..30).map(|i| (i, i)).collect();
        let pool = pool(&pairs, (1000, 1000));
        let posterior = Posterior::new(&pool, &[3.0; 30], Assignment::OneToOne);
        assert!(posterior.log_odds.iter().all(|&x| x < -3.0), "{:?}", posterior.log_odds);
        assert!(posterior.matches < 1.0);
        let none = Posterior::new(&Pool::new(Vec::new(), Vec::new(), (0, 7), false), &[], Assignment::OneToOne);
        assert!(none.log_odds.is_empty() && none.matches.is_finite());
    }

    #[test]
    fn pairs_that_are_each_others_best() {
        let posterior = Posterior::new(&pool(&[(0, 0)], (9, 9)), &[5.0], Assignment::OneToOne);
        let best = posterior.mutual_best(&[((3, 8), 9.0), ((3, 5), 2.0), ((7, 5), 1.0), ((4, 6), 6.0)]);
        // 5 is more like 3, but 3 has 8: so 5 and 7 are each other's best.
        assert_eq!(best.len(), 3);
        assert!(best[0] > best[2] && best[2] > best[1], "{best:?}");
        assert!(posterior.mutual_best(&[]).is_empty());
    }
}
