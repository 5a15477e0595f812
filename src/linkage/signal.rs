//! From counts of bits to signals: how alike two rows are beyond chance, 1 for equal rows and about 0 for strangers.

use super::score::{self, Count, Kernel};
use crate::cohort::{BitMatrix, Cohort};
use crate::schema::{Encoding, Schema};

/// How the counts of one encoding become signals.
pub(super) struct Measure {
    bits: f32,
    diffused: bool,
}

impl Measure {
    pub(super) fn all(schema: &Schema) -> Vec<Self> {
        let measure = |encoding: &Encoding| Measure { bits: encoding.output() as f32, diffused: encoding.is_diffused() };
        schema.encodings().iter().map(measure).collect()
    }

    pub(super) fn count(&self) -> Count {
        if self.diffused { Count::Different } else { Count::Common }
    }

    /// The signal of a pair, from its count and the set bits of both rows.
    ///
    /// Diffused: 1 − 2h/n for h differing bits of n, which is 0 ± 1/√n for strangers. Undiffused: the Dice coefficient less
    /// what filters as full as these share by chance, (c − ab/m) / ((a + b)/2 − ab/m); a row without any bit is a missing
    /// field and says nothing.
    #[inline]
    pub(super) fn signal(&self, count: u32, a: u32, b: u32) -> f32 {
        if self.diffused {
            return 1.0 - 2.0 * count as f32 / self.bits;
        }
        if a == 0 || b == 0 {
            return 0.0;
        }
        let (a, b) = (a as f32, b as f32);
        let chance = a * b / self.bits;
        let most = 0.5 * (a + b) - chance;
        if most > 0.0 { (count as f32 - chance) / most } else { 0.0 }
    }
}

/// The encodings of a cohort with what the measures need of each row.
pub(super) struct Side<'a> {
    pub(super) rows: usize,
    matrices: &'a [BitMatrix],
    popcounts: Vec<Vec<u32>>,
}

impl<'a> Side<'a> {
    pub(super) fn new(cohort: &'a Cohort, measures: &[Measure]) -> Self {
        let popcounts = cohort.encodings().iter().zip(measures);
        let popcounts = popcounts.map(|(matrix, m)| if m.diffused { Vec::new() } else { score::popcounts(matrix) });
        Side { rows: cohort.rows(), matrices: cohort.encodings(), popcounts: popcounts.collect() }
    }

    fn popcount(&self, encoding: usize, row: usize) -> u32 {
        self.popcounts[encoding].get(row).copied().unwrap_or(0)
    }
}

/// Buffers for the pairs of one tile.
#[derive(Default)]
pub(super) struct Tile {
    counts: Vec<u32>,
    /// The sum of the signals over all encodings, row after row.
    pub(super) sums: Vec<f32>,
}

impl Tile {
    /// Fills `sums` for all pairs of these rows.
    pub(super) fn score(
        &mut self,
        kernel: Kernel,
        measures: &[Measure],
        (a, rows_a): (&Side<'_>, std::ops::Range<usize>),
        (b, rows_b): (&Side<'_>, std::ops::Range<usize>),
    ) {
        let pairs = rows_a.len() * rows_b.len();
        self.counts.resize(pairs, 0);
        self.sums.clear();
        self.sums.resize(pairs, 0.0);
        for (encoding, measure) in measures.iter().enumerate() {
            let (x, y) = (&a.matrices[encoding], &b.matrices[encoding]);
            let (x_rows, y_rows) = (x.row_range(rows_a.clone()), y.row_range(rows_b.clone()));
            kernel.count(measure.count(), x_rows, y_rows, x.stride(), &mut self.counts);
            let lines = self.sums.chunks_exact_mut(rows_b.len()).zip(self.counts.chunks_exact(rows_b.len()));
            for ((sums, counts), row) in lines.zip(rows_a.clone()) {
                if measure.diffused {
                    // Popcounts say nothing here; without them the loop vectorises.
                    for (sum, &count) in sums.iter_mut().zip(counts) {
                        *sum += measure.signal(count, 1, 1);
                    }
                } else {
                    let of_a = a.popcount(encoding, row);
                    for ((sum, &count), &of_b) in sums.iter_mut().zip(counts).zip(&b.popcounts[encoding][rows_b.clone()]) {
                        *sum += measure.signal(count, of_a, of_b);
                    }
                }
            }
        }
    }
}

/// The signals of single pairs, one for each encoding; pairs are few, so nothing is tiled.
pub(super) fn signals(
    kernel: Kernel,
    measures: &[Measure],
    (a, row_a): (&Side<'_>, usize),
    (b, row_b): (&Side<'_>, usize),
    out: &mut Vec<f32>,
) {
    for (encoding, measure) in measures.iter().enumerate() {
        let (x, y) = (&a.matrices[encoding], &b.matrices[encoding]);
        let mut count = [0];
        kernel.count(measure.count(), x.row(row_a), y.row(row_b), x.stride(), &mut count);
        out.push(measure.signal(count[0], a.popcount(encoding, row_a), b.popcount(encoding, row_b)));
    }
}
