//! Comparing all rows of two sides: tiles of pairs, one encoding after the other, and what is kept of them.

use std::borrow::Cow;
use std::sync::Mutex;

use rayon::prelude::*;

use super::Meter;
use super::candidates::{BestPartners, Partner, TILE};
use super::scale::Scale;
use super::score::{Kernel, popcounts};
use crate::cohort::{BitMatrix, Cohort};

/// The encodings of a cohort, or of some of its rows, with what the scales need of each row.
pub(super) struct Side<'a> {
    pub(super) rows: usize,
    matrices: Vec<Cow<'a, BitMatrix>>,
    popcounts: Vec<Vec<u32>>,
}

impl<'a> Side<'a> {
    pub(super) fn new(cohort: &'a Cohort, scales: &[Scale]) -> Self {
        Self::from_matrices(cohort.encodings().iter().map(Cow::Borrowed).collect(), scales)
    }

    /// At most `most` rows, evenly spaced.
    pub(super) fn sample(cohort: &'a Cohort, scales: &[Scale], most: usize) -> Self {
        let rows = cohort.rows();
        if rows <= most {
            return Self::new(cohort, scales);
        }
        Self::select(cohort, scales, &(0..most).map(|i| i * rows / most).collect::<Vec<_>>())
    }

    /// These rows.
    pub(super) fn select(cohort: &Cohort, scales: &[Scale], rows: &[usize]) -> Self {
        let matrices = cohort.encodings().iter().map(|m| Cow::Owned(m.select(rows.iter().copied())));
        Self::from_matrices(matrices.collect(), scales)
    }

    fn from_matrices(matrices: Vec<Cow<'a, BitMatrix>>, scales: &[Scale]) -> Self {
        let counted = |(matrix, scale): (&Cow<'_, _>, &Scale)| {
            if scale.diffused { Vec::new() } else { popcounts(matrix) }
        };
        let popcounts = matrices.iter().zip(scales).map(counted).collect();
        Side { rows: matrices.first().map_or(0, |matrix| matrix.rows()), matrices, popcounts }
    }

    fn popcount(&self, encoding: usize, row: usize) -> u32 {
        self.popcounts[encoding].get(row).copied().unwrap_or(0)
    }
}

/// How all pairs are compared.
#[derive(Clone, Copy)]
pub(super) struct Comparison<'a> {
    pub(super) kernel: Kernel,
    pub(super) scales: &'a [Scale],
    /// For every encoding, what an index adds to a pair's score.
    pub(super) weights: &'a [Vec<f32>],
    /// How many best partners of each row are kept.
    pub(super) keep: usize,
    /// Whether fewer are kept of the rows of a side that is much longer than the other, most of which have no partner.
    pub(super) keep_fewer: bool,
    /// The least score of a partner that is kept.
    pub(super) least: f32,
}

/// What a comparison of all pairs leaves.
pub(super) struct Compared {
    /// Pairs that are among the best of one of their rows at least, sorted, each once.
    pub(super) pairs: Vec<(u32, u32)>,
    /// For every undiffused encoding, how many of all pairs are at each level; pairs without evidence are not counted.
    pub(super) levels: Vec<Vec<u64>>,
}

impl Compared {
    fn new(mut pairs: Vec<(u32, u32)>, levels: Vec<Vec<u64>>) -> Self {
        pairs.par_sort_unstable();
        pairs.dedup();
        Compared { pairs, levels }
    }
}

/// One thread's buffers.
struct Buffers {
    counts: Vec<u32>,
    scores: Vec<f32>,
    /// One place for every value that a level can have, `NO_LEVEL` included.
    levels: Vec<[u64; 256]>,
}

impl Comparison<'_> {
    /// Compares every row of `a` with every row of `b`.
    pub(super) fn between(&self, a: &Side<'_>, b: &Side<'_>, meter: &Meter<'_>) -> Compared {
        let best = |own: usize, other: usize| {
            let fair = if self.keep_fewer { (self.keep * other).div_ceil(own.max(1)).max(2) } else { self.keep };
            BestPartners::new(own, self.keep.min(fair), self.least)
        };
        let (best_a, best_b) = (best(a.rows, b.rows), best(b.rows, a.rows));
        let levels = self.run((a, &best_a), (b, Some(&best_b)), false, meter);
        let mut pairs = Vec::new();
        best_a.for_each(|row, partners| pairs.extend(partners.iter().map(|partner| (row, partner.row))));
        best_b.for_each(|row, partners| pairs.extend(partners.iter().map(|partner| (partner.row, row))));
        Compared::new(pairs, levels)
    }

    /// Compares every row with every later one.
    pub(super) fn within(&self, a: &Side<'_>, meter: &Meter<'_>) -> Compared {
        let best = BestPartners::new(a.rows, self.keep, self.least);
        let levels = self.run((a, &best), (a, Some(&best)), true, meter);
        let mut pairs = Vec::new();
        best.for_each(|row, partners| {
            pairs.extend(partners.iter().map(|partner| (row.min(partner.row), row.max(partner.row))));
        });
        Compared::new(pairs, levels)
    }

    /// The best partners in `b` of every row of `a`, by row.
    pub(super) fn queries(&self, a: &Side<'_>, b: &Side<'_>) -> Vec<(u32, u32)> {
        let best = BestPartners::new(a.rows, self.keep, self.least);
        self.run((a, &best), (b, None), false, &Meter::silent());
        let mut pairs = Vec::new();
        best.for_each(|row, partners| pairs.extend(partners.iter().map(|partner| (row, partner.row))));
        pairs
    }

    /// Compares tile by tile; keeps the best partners of both sides' rows where there is a place for them, and counts
    /// levels.
    fn run(
        &self,
        (a, best_a): (&Side<'_>, &BestPartners),
        (b, best_b): (&Side<'_>, Option<&BestPartners>),
        within: bool,
        meter: &Meter<'_>,
    ) -> Vec<Vec<u64>> {
        let levels = Mutex::new(vec![[0u64; 256]; self.scales.len()]);
        let (tiles_a, tiles_b) = (a.rows.div_ceil(TILE), b.rows.div_ceil(TILE));
        let buffers = || Buffers { counts: Vec::new(), scores: Vec::new(), levels: vec![[0; 256]; self.scales.len()] };
        (0..tiles_a).into_par_iter().for_each_init(buffers, |buffers, tile_a| {
            let rows_a = tile_a * TILE..((tile_a + 1) * TILE).min(a.rows);
            let first = if within { tile_a } else { 0 };
            let count = tiles_b - first;
            for step in 0..count {
                // Threads begin at different tiles, so that they seldom wait for each other's locks.
                let tile_b = first + (step + tile_a) % count;
                let rows_b = tile_b * TILE..((tile_b + 1) * TILE).min(b.rows);
                // On the diagonal of one cohort a row is compared with later ones only.
                let diagonal = within && tile_a == tile_b;
                self.score(buffers, (a, rows_a.clone()), (b, rows_b.clone()), diagonal);
                let wide = rows_b.len();
                let columns = |i: usize| (if diagonal { i + 1 } else { 0 })..wide;
                best_a.with_tile(tile_a, |shard| {
                    for i in 0..rows_a.len() {
                        let mut worst = shard.worst(i);
                        for j in columns(i) {
                            let score = buffers.scores[i * wide + j];
                            if score >= worst {
                                shard.offer(i, Partner { score, row: (rows_b.start + j) as u32 });
                                worst = shard.worst(i);
                            }
                        }
                    }
                });
                if let Some(best_b) = best_b {
                    best_b.with_tile(tile_b, |shard| {
                        for i in 0..rows_a.len() {
                            for j in columns(i) {
                                let score = buffers.scores[i * wide + j];
                                if score >= shard.worst(j) {
                                    shard.offer(j, Partner { score, row: (rows_a.start + i) as u32 });
                                }
                            }
                        }
                    });
                }
                meter.add((0..rows_a.len()).map(|i| columns(i).len() as u64).sum());
            }
            let mut sums = levels.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for (sums, levels) in sums.iter_mut().zip(&mut buffers.levels) {
                sums.iter_mut().zip(levels.iter_mut()).for_each(|(sum, level)| *sum += std::mem::take(level));
            }
        });
        let levels = levels.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        levels.iter().zip(self.scales).map(|(levels, scale)| levels[..scale.level_count()].to_vec()).collect()
    }

    /// Fills `scores` for all pairs of these rows, and counts their levels.
    fn score(
        &self,
        buffers: &mut Buffers,
        (a, rows_a): (&Side<'_>, std::ops::Range<usize>),
        (b, rows_b): (&Side<'_>, std::ops::Range<usize>),
        diagonal: bool,
    ) {
        let Buffers { counts, scores, levels } = buffers;
        let wide = rows_b.len();
        counts.resize(rows_a.len() * wide, 0);
        scores.clear();
        scores.resize(rows_a.len() * wide, 0.0);
        for (encoding, scale) in self.scales.iter().enumerate() {
            let (x, y) = (&a.matrices[encoding], &b.matrices[encoding]);
            let (x_rows, y_rows) = (x.row_range(rows_a.clone()), y.row_range(rows_b.clone()));
            self.kernel.count(scale.count(), x_rows, y_rows, x.stride(), counts);
            let (weights, levels) = (&self.weights[encoding], &mut levels[encoding]);
            for (i, row) in rows_a.clone().enumerate() {
                let of_a = a.popcount(encoding, row);
                for j in (if diagonal { i + 1 } else { 0 })..wide {
                    let of_b = if scale.diffused { 0 } else { b.popcounts[encoding][rows_b.start + j] };
                    let index = scale.index(counts[i * wide + j], of_a, of_b);
                    scores[i * wide + j] += weights[index];
                    if !scale.diffused {
                        levels[usize::from(scale.levels[index])] += 1;
                    }
                }
            }
        }
    }

    /// The indices of single pairs, one for each encoding, pair after pair.
    pub(super) fn indices(&self, a: &Side<'_>, b: &Side<'_>, pairs: &[(u32, u32)]) -> Vec<u16> {
        let mut indices = vec![0; pairs.len() * self.scales.len()];
        indices.par_chunks_mut(self.scales.len()).zip(pairs).for_each(|(indices, &(row_a, row_b))| {
            let (row_a, row_b) = (row_a as usize, row_b as usize);
            for (encoding, (scale, index)) in self.scales.iter().zip(indices).enumerate() {
                let (x, y) = (&a.matrices[encoding], &b.matrices[encoding]);
                let mut count = [0];
                self.kernel.count(scale.count(), x.row(row_a), y.row(row_b), x.stride(), &mut count);
                // At most 10,001: see Scale.
                *index = scale.index(count[0], a.popcount(encoding, row_a), b.popcount(encoding, row_b)) as u16;
            }
        });
        indices
    }
}
