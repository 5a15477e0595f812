//! A1: whether some bits are set more often than others.
//!
//! In a plain filter the bits of frequent tokens are set more often, which is where frequency attacks begin. The measures
//! are those of Franke et al. (2021): the Gini coefficient of the column counts, their Jensen–Shannon divergence from equal
//! counts, how far their entropy falls short of the most it can be, and the largest deviation in standard deviations.
//!
//! In a short file columns differ by chance alone. The gate allows for it: for normal counts the Gini coefficient is
//! proportional to the standard deviation, and variances add up, so what is left is the root of the square of what is seen
//! less the square of what chance gives, which is known exactly (two binomial counts of one density), and less three
//! standard errors of that. Random bits come out as 0 in a file of any length.

use rayon::prelude::*;

use super::gate::Gate;
use super::sample;
use super::subject::Subject;
use crate::cohort::BitMatrix;

/// Rows that are counted at most: what chance gives is then a Gini coefficient of 0.002.
const MOST_ROWS: usize = 1 << 16;

/// The Gini coefficient above which columns are told apart.
const LIMIT: f64 = 0.05;

/// Rows that one thread counts at a time.
const STRETCH: usize = 1 << 10;

/// One warning for each encoding.
pub(super) fn check(subject: &Subject<'_>, seed: u64) -> Vec<Gate> {
    let rows = sample::rows(subject.rows(), MOST_ROWS, seed);
    let encodings = subject.schema.encodings().iter().zip(subject.cohort.encodings());
    encodings.map(|(encoding, matrix)| gate(encoding.name(), &columns(matrix, &rows), rows.len() as u64)).collect()
}

fn gate(name: &str, counts: &[u64], rows: u64) -> Gate {
    let ones: u64 = counts.iter().sum();
    let seen = gini(counts);
    let density = ones as f64 / (counts.len() as f64 * rows.max(1) as f64);
    let chance = gini_by_chance(rows, density);
    let error = 3.0 * (2.0 / counts.len() as f64).sqrt();
    let value = (seen * seen - chance * chance * (1.0 + error)).max(0.0).sqrt();
    let title = format!("How unequally the bits of {name} are used, beyond chance (Gini: 0 equal, 1 all in one bit)");
    Gate::warning(format!("A1.{name}"), title, value, LIMIT)
        .with("rows", rows)
        .with("gini", seen)
        .with("gini_by_chance", chance)
        .with("entropy_deficit", entropy_deficit(counts))
        .with("divergence", divergence(counts))
        .with("largest_deviation", largest_deviation(counts, rows, density))
        .with("density", density)
}

/// In how many of the rows each bit is set.
pub(super) fn columns(matrix: &BitMatrix, rows: &[usize]) -> Vec<u64> {
    let count = |rows: &[usize]| {
        let mut counts = vec![0u32; matrix.stride() * 64];
        for &row in rows {
            for (counts, &word) in counts.chunks_exact_mut(64).zip(matrix.row(row)) {
                counts.iter_mut().enumerate().for_each(|(bit, count)| *count += (word >> bit & 1) as u32);
            }
        }
        counts
    };
    let parts: Vec<Vec<u32>> = rows.par_chunks(STRETCH).map(count).collect();
    let mut sums = vec![0; matrix.bits()];
    for part in parts {
        sums.iter_mut().zip(part).for_each(|(sum, count)| *sum += u64::from(count));
    }
    sums
}

fn gini(counts: &[u64]) -> f64 {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    let (n, sum) = (sorted.len() as f64, sorted.iter().sum::<u64>() as f64);
    if sum == 0.0 {
        return 0.0;
    }
    let weighted: f64 =
        (1u32..).zip(&sorted).map(|(rank, &count)| (2.0 * f64::from(rank) - n - 1.0) * count as f64).sum();
    weighted / (n * sum)
}

/// The Gini coefficient of counts that are binomial, each of so many rows at this density: half the mean difference of two
/// of them, which is the sum of F·(1 − F), over their mean.
fn gini_by_chance(rows: u64, density: f64) -> f64 {
    if rows == 0 || density <= 0.0 || density >= 1.0 {
        return 0.0;
    }
    let odds = (density / (1.0 - density)).ln();
    let mut logarithm = rows as f64 * (1.0 - density).ln();
    let (mut below, mut sum) = (0.0f64, 0.0);
    for k in 0..rows {
        below = (below + logarithm.exp()).min(1.0);
        sum += below * (1.0 - below);
        logarithm += odds + ((rows - k) as f64 / (k + 1) as f64).ln();
    }
    sum / (rows as f64 * density)
}

/// Shares of all set bits, of the columns that have any.
fn shares(counts: &[u64]) -> impl Iterator<Item = f64> {
    let sum = counts.iter().sum::<u64>() as f64;
    counts.iter().filter(|&&count| count > 0).map(move |&count| count as f64 / sum)
}

/// 0 where all columns are used alike, 1 where one is.
fn entropy_deficit(counts: &[u64]) -> f64 {
    let entropy: f64 = shares(counts).map(|share| -share * share.ln()).sum();
    let any = counts.len() > 1 && counts.iter().any(|&count| count > 0);
    if any { (1.0 - entropy / (counts.len() as f64).ln()).max(0.0) } else { 0.0 }
}

/// Jensen–Shannon divergence from equal shares, in bits: 0 to 1.
fn divergence(counts: &[u64]) -> f64 {
    let equal = 1.0 / counts.len() as f64;
    let used: f64 = shares(counts)
        .map(|share| {
            let middle = f64::midpoint(share, equal);
            share * (share / middle).log2() + equal * (equal / middle).log2()
        })
        .sum();
    let idle = counts.iter().filter(|&&count| count == 0).count();
    // An idle column's share is half of the equal one in the middle: one bit.
    if idle == counts.len() { 0.0 } else { f64::midpoint(used, idle as f64 * equal).max(0.0) }
}

fn largest_deviation(counts: &[u64], rows: u64, density: f64) -> f64 {
    let spread = (rows as f64 * density * (1.0 - density)).sqrt();
    if spread == 0.0 {
        return 0.0;
    }
    counts.iter().map(|&count| (count as f64 - rows as f64 * density).abs() / spread).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::fixture;

    fn random(rows: usize, bits: usize, seed: u64) -> BitMatrix {
        let mut matrix = BitMatrix::zeros(rows, bits);
        let mut state = seed;
        for word in matrix.words_mut() {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *word = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            *word ^= *word >> 31;
        }
        matrix
    }

    fn of(matrix: &BitMatrix) -> Gate {
        let rows: Vec<usize> = (0..matrix.rows()).collect();
        gate("test", &columns(matrix, &rows), rows.len() as u64)
    }

    #[test]
    fn random_bits_pass_in_a_file_of_any_length() {
        for rows in [0, 1, 2, 5, 50, 500, 5_000] {
            for seed in 0..5 {
                let gate = of(&random(rows, 1024, seed));
                assert!(gate.passed && gate.value < 0.02, "{rows} rows: {gate:?}");
            }
        }
        // Without allowing for chance the short ones would not.
        assert!(of(&random(50, 1024, 9)).details["gini"].as_f64().unwrap() > 0.07);
        assert!(of(&random(5_000, 1024, 9)).details["largest_deviation"].as_f64().unwrap() < 5.5);
    }

    #[test]
    fn measures_are_those_of_the_definitions() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(gini(&[7, 7, 7]), 0.0);
        close(gini(&[0, 0, 0, 8]), 0.75);
        // Mean difference of 1, 2, 3 over all nine ordered pairs is 8/9; half of it over the mean 2.
        close(gini(&[3, 1, 2]), 8.0 / 9.0 / 4.0);
        close(entropy_deficit(&[5, 5, 5, 5]), 0.0);
        close(entropy_deficit(&[0, 9, 0, 0]), 1.0);
        close(divergence(&[5, 5, 5, 5]), 0.0);
        // By hand: P = (1, 0), U = (1/2, 1/2): ½·log₂(4/3) + ¼·log₂(2/3) + ¼.
        close(divergence(&[4, 0]), 0.5 * (4f64 / 3.0).log2() + 0.25 * (2f64 / 3.0).log2() + 0.25);
        // One row: counts are 0 or 1, and half the mean difference over the mean is 1 − p.
        close(gini_by_chance(1, 0.3), 0.7);
        // Two rows at ½: differences 0, 1, 2 with chances 3/8, 1/2, 1/8.
        close(gini_by_chance(2, 0.5), 0.75 / 2.0);
        assert!((gini_by_chance(65_536, 0.5) - (1.0 / 65_536.0 / std::f64::consts::PI).sqrt()).abs() < 1e-6);
        assert_eq!(gini(&[0, 0]), 0.0);
        assert_eq!(
            (entropy_deficit(&[0, 0]), divergence(&[0, 0]), largest_deviation(&[0, 0], 3, 0.0)),
            (0.0, 0.0, 0.0)
        );
    }

    #[test]
    fn columns_are_counted_as_by_hand() {
        let matrix = random(2_100, 70, 3).cut();
        let rows: Vec<usize> = (0..2_100).step_by(2).collect();
        let naive: Vec<u64> = (0..70)
            .map(|bit| rows.iter().filter(|&&row| matrix.row(row)[bit / 64] >> (bit % 64) & 1 == 1).count() as u64)
            .collect();
        assert_eq!(columns(&matrix, &rows), naive);
    }

    trait Cut {
        fn cut(self) -> Self;
    }

    impl Cut for BitMatrix {
        /// Keeps the bits past the length zero.
        fn cut(mut self) -> Self {
            let (stride, past) = (self.stride(), self.bits() % 64);
            for row in self.words_mut().chunks_exact_mut(stride) {
                row[stride - 1] &= (1 << past) - 1;
            }
            self
        }
    }

    #[test]
    fn a_plain_filter_fails_and_the_default_passes() {
        for people in [60, 600] {
            let clk = fixture::clk(people);
            assert!(clk.with(|subject| check(subject, 1)).iter().all(|gate| !gate.passed && gate.value > 0.2));
            let guarded = fixture::guarded(people);
            let gates = guarded.with(|subject| check(subject, 1));
            assert!(gates.len() == 4 && gates.iter().all(|gate| gate.passed), "{gates:?}");
        }
        for people in 0..3 {
            assert!(fixture::guarded(people).with(|subject| check(subject, 1)).iter().all(|gate| gate.passed));
        }
    }
}
