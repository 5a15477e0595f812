//! How alike the CLKs of two datasets are: pairs that reach a threshold, and of these the `k` best of each record.

use std::cmp::Ordering;

use rayon::prelude::*;

use crate::clks::Clks;
use crate::cohort::{BitMatrix, ones};
use crate::error::{ErrorKind, Result};
use crate::linkage::{Measure, Pair, Ratio, Search};
use crate::schema::MAX_BITS;

/// So few comparisons are done one by one: to set up a search takes longer.
const FEW: usize = 1 << 14;

/// Rows of the first dataset at a time, where pairs are compared one by one.
const STRIP: usize = 512;

/// All pairs of a CLK of `a` and one of `b` that are at least as alike as `threshold`: the most alike first, then by `a`,
/// then by `b`.
///
/// With a `k`, as in anonlink: under Dice (and Jaccard, which anonlink has no longer) a CLK of `a` keeps its `k` best
/// partners, the earlier ones where several are equally good. Under the simple matching coefficient
/// ([`Measure::Hamming`]) a pair stays that is among the `k` best of both of its CLKs.
///
/// It works in rayon's current thread pool, and gives the same whatever the number of threads.
///
/// # Errors
/// [`ErrorKind::Mismatch`] where the CLKs of `a` and `b` have different lengths.
pub fn similarity(a: &Clks, b: &Clks, measure: Measure, threshold: Ratio, k: Option<usize>) -> Result<Vec<Pair>> {
    let mut pairs = Comparison { measure, threshold, k }.whole(a, b)?;
    pairs.par_sort_unstable_by(best_first);
    Ok(pairs)
}

/// Rows of one dataset, with how many bits are set in each row of the dataset.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub matrix: &'a BitMatrix,
    pub ones: &'a [u32],
    pub rows: &'a [u32],
}

/// What to look for.
#[derive(Clone, Copy)]
pub(super) struct Comparison {
    pub measure: Measure,
    pub threshold: Ratio,
    pub k: Option<usize>,
}

impl Comparison {
    /// The pairs of two datasets, in no order that is specified.
    pub(super) fn whole(self, a: &Clks, b: &Clks) -> Result<Vec<Pair>> {
        if a.rows() == 0 || b.rows() == 0 {
            return Ok(Vec::new());
        }
        if a.bits() != b.bits() {
            let problem = format!("CLKs of {} bits cannot be compared with CLKs of {} bits", a.bits(), b.bits());
            return Err(ErrorKind::Mismatch { problem }.into());
        }
        let mut best = Best::new(self, b.rows());
        if a.bits() <= MAX_BITS && !is_little(a.rows(), b.rows()) {
            Search::new(self.measure, self.threshold).between(a.matrix(), b.matrix(), |pairs| {
                best.take(pairs);
                Ok(())
            })?;
            return Ok(best.finish());
        }
        let (of_a, of_b) = (popcounts(a), popcounts(b));
        let (rows_a, rows_b) = (all(a.rows()), all(b.rows()));
        for rows in rows_a.chunks(STRIP) {
            let found: Vec<Vec<Pair>> = rows
                .par_iter()
                .map(|row| {
                    let a = Part { matrix: a.matrix(), ones: &of_a, rows: std::slice::from_ref(row) };
                    self.one_by_one(a, Part { matrix: b.matrix(), ones: &of_b, rows: &rows_b })
                })
                .collect();
            found.iter().for_each(|pairs| best.take(pairs));
        }
        Ok(best.finish())
    }

    /// The pairs of some rows of two datasets, in no order that is specified. Rows are ascending.
    pub(super) fn some(self, a: Part<'_>, b: Part<'_>) -> Result<Vec<Pair>> {
        if is_little(a.rows.len(), b.rows.len()) {
            let mut best = Best::new(self, b.matrix.rows());
            best.take(&self.one_by_one(a, b));
            return Ok(best.finish());
        }
        let select = |of: Part<'_>| Clks::from_matrix(of.matrix.select(of.rows.iter().map(|&row| row as usize)));
        let mut pairs = self.whole(&select(a), &select(b))?;
        for pair in &mut pairs {
            (pair.a, pair.b) = (a.rows[pair.a as usize], b.rows[pair.b as usize]);
        }
        Ok(pairs)
    }

    /// Every pair of rows, in the order of rows.
    fn one_by_one(self, a: Part<'_>, b: Part<'_>) -> Vec<Pair> {
        let bits = a.matrix.bits();
        let mut pairs = Vec::new();
        for &i in a.rows {
            let (row, of_a) = (a.matrix.row(i as usize), a.ones[i as usize]);
            for &j in b.rows {
                let (other, of_b) = (b.matrix.row(j as usize), b.ones[j as usize]);
                let common = row.iter().zip(other).map(|(a, b)| (a & b).count_ones()).sum();
                if self.measure.reaches(self.threshold, common, of_a, of_b, bits) {
                    let similarity = self.measure.similarity(common, of_a, of_b, bits);
                    pairs.push(Pair { a: i, b: j, similarity });
                }
            }
        }
        pairs
    }
}

/// Whether so many rows are compared one by one.
pub(super) fn is_little(rows_a: usize, rows_b: usize) -> bool {
    rows_a * rows_b <= FEW
}

/// How many bits are set in each CLK.
pub(super) fn popcounts(clks: &Clks) -> Vec<u32> {
    (0..clks.rows()).into_par_iter().map(|row| ones(clks.matrix().row(row))).collect()
}

fn all(rows: usize) -> Vec<u32> {
    (0..rows as u32).collect()
}

fn best_first(one: &Pair, other: &Pair) -> Ordering {
    other.similarity.total_cmp(&one.similarity).then((one.a, one.b).cmp(&(other.a, other.b)))
}

/// Keeps the best `k` pairs of each record while pairs come, in the order of rows of the first dataset: in memory there
/// are never more than twice those that may stay, and those that just came.
struct Best {
    k: Option<usize>,
    kept: Vec<Pair>,
    /// For each row of the second dataset its best pairs, where those count too.
    of_second: Option<Vec<Vec<Pair>>>,
}

impl Best {
    fn new(comparison: Comparison, rows_of_second: usize) -> Self {
        let mutual = comparison.k.is_some() && comparison.measure == Measure::Hamming;
        let of_second = mutual.then(|| vec![Vec::new(); rows_of_second]);
        Best { k: comparison.k, kept: Vec::new(), of_second }
    }

    /// Takes all pairs of the next rows of the first dataset.
    fn take(&mut self, pairs: &[Pair]) {
        let Some(k) = self.k else {
            self.kept.extend_from_slice(pairs);
            return;
        };
        for of_row in pairs.chunk_by(|one, next| one.a == next.a) {
            let mut of_row = of_row.to_vec();
            keep_best(&mut of_row, k);
            self.kept.append(&mut of_row);
        }
        let Some(of_second) = &mut self.of_second else { return };
        for pair in pairs {
            let best = &mut of_second[pair.b as usize];
            best.push(*pair);
            if best.len() / 2 >= k.max(8) {
                keep_best(best, k);
            }
        }
    }

    fn finish(self) -> Vec<Pair> {
        let Best { k, mut kept, of_second } = self;
        if let (Some(k), Some(mut of_second)) = (k, of_second) {
            let mut best: Vec<(u32, u32)> = Vec::new();
            for pairs in &mut of_second {
                keep_best(pairs, k);
                best.extend(pairs.iter().map(|pair| (pair.a, pair.b)));
            }
            best.par_sort_unstable();
            kept.retain(|pair| best.binary_search(&(pair.a, pair.b)).is_ok());
        }
        kept
    }
}

/// The best `k`, in no order.
fn keep_best(pairs: &mut Vec<Pair>, k: usize) {
    if pairs.len() > k {
        if k > 0 {
            pairs.select_nth_unstable_by(k - 1, best_first);
        }
        pairs.truncate(k);
    }
}
