//! Comparing all rows of two sides, every encoding in one pass: the best partners of each row are kept, and level patterns
//! are counted.
//!
//! Rows of the shorter side are lists of columns, rows of the longer one are on their side ([`score`](super::score)). Where
//! all encodings are diffused and a pair has to stand out from strangers, few pairs do, and only these are looked at one by
//! one (`stand_out`). Otherwise all counts are written out and every pair's pattern is worked out
//! (`every_pair`); a pair is scored if the best that its pattern allows would be kept.

mod task;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use self::task::{Task, Worker};
use super::candidates::{BestPartners, TILE};
use super::checkpoint::Saved;
use super::patterns::{Form, LevelPatterns, Tally};
use super::run::Stage;
use super::scale::Scale;
use super::score::{Common, Cut, Groups, Kernel, Layout, List, Offsets, Shares, Slices, Turn, popcounts};
use crate::cohort::{BitMatrix, Cohort};
use crate::error::Result;

/// Rows of the longer side that one thread works on at a time.
const CHUNK: usize = 2048;

/// Rows of a block where rows are not on their side.
const BLOCK: usize = 512;

/// Fewer rows than this are compared row by row: turning the others on their side would cost more.
const FEW: usize = 16;

/// A unit, after which a run can be stopped and resumed: rows of the shorter side whose lists take about 32 MB, and rows of
/// the longer one whose slices take about 16 MB. It depends on the schema alone, and not on the machine.
const UNIT_LISTED: usize = 1 << 26;
const UNIT_TURNED: usize = 1 << 27;

/// The encodings of a cohort, or of some of its rows, with the set bits of each row.
pub(super) struct Side<'a> {
    pub(super) rows: usize,
    matrices: Vec<Cow<'a, BitMatrix>>,
    /// At most 4,096 each.
    popcounts: Vec<Vec<u16>>,
}

impl<'a> Side<'a> {
    pub(super) fn new(cohort: &'a Cohort) -> Self {
        Self::from_matrices(cohort.encodings().iter().map(Cow::Borrowed).collect())
    }

    /// At most `most` rows, evenly spaced.
    pub(super) fn sample(cohort: &'a Cohort, most: usize) -> Self {
        let rows = cohort.rows();
        if rows <= most {
            return Self::new(cohort);
        }
        Self::select(cohort, &(0..most).map(|i| i * rows / most).collect::<Vec<_>>())
    }

    /// These rows.
    pub(super) fn select(cohort: &Cohort, rows: &[usize]) -> Self {
        let matrices = cohort.encodings().iter().map(|m| Cow::Owned(m.select(rows.iter().copied())));
        Self::from_matrices(matrices.collect())
    }

    fn from_matrices(matrices: Vec<Cow<'a, BitMatrix>>) -> Self {
        let narrow = |bits: Vec<u32>| bits.into_iter().map(|bits| bits as u16).collect();
        let popcounts = matrices.par_iter().map(|matrix| narrow(popcounts(matrix))).collect();
        Side { rows: matrices.first().map_or(0, |matrix| matrix.rows()), matrices, popcounts }
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
    pub(super) patterns: LevelPatterns,
}

/// Two sides in their roles.
struct Sides<'a> {
    /// The shorter side, and the longer one.
    listed: &'a Side<'a>,
    turned: &'a Side<'a>,
    best_listed: Option<&'a BestPartners>,
    best_turned: Option<&'a BestPartners>,
    /// Both are the same, and a row is compared with later ones only.
    within: bool,
}

/// Some rows of the longer side, in every encoding on their side.
struct Chunk {
    rows: Range<usize>,
    slices: Vec<Slices>,
    offsets: Vec<Offsets>,
    /// For every encoding the largest share of a row in the least total.
    most: Vec<i64>,
}

/// What is worked out once for all pairs.
struct Tables {
    form: Form,
    /// For every digit and its value, the most that a pair with it can score in the digit's encodings.
    best: Vec<Vec<f32>>,
    /// Diffused encodings of which one has to stand out: the most bits in which it may differ (−1: none is few enough).
    /// Empty where every pair's pattern is worked out.
    distances: Vec<i64>,
}

impl Comparison<'_> {
    /// Compares every row of `a` with every row of `b`.
    pub(super) fn between(&self, a: &Side<'_>, b: &Side<'_>, stage: &Stage<'_>) -> Result<Compared> {
        let (best_a, best_b) = self.best_of_two(a.rows, b.rows);
        let patterns = self.run((a, Some(&best_a)), (b, Some(&best_b)), stage)?;
        Ok(Compared { pairs: best_pairs(best_a, Some(best_b)), patterns })
    }

    /// Compares every row with every later one.
    pub(super) fn within(&self, side: &Side<'_>, stage: &Stage<'_>) -> Result<Compared> {
        let best = self.best_of(side.rows);
        let sides =
            Sides { listed: side, turned: side, best_listed: Some(&best), best_turned: Some(&best), within: true };
        let patterns = self.over_units(&sides, stage)?;
        Ok(Compared { pairs: best_pairs(best, None), patterns })
    }

    /// Places for the best partners of the rows of one side.
    pub(super) fn best_of(&self, rows: usize) -> BestPartners {
        BestPartners::new(rows, self.keep, self.least)
    }

    /// Places for the best partners of the rows of two sides.
    pub(super) fn best_of_two(&self, a: usize, b: usize) -> (BestPartners, BestPartners) {
        let best = |own: usize, other: usize| {
            let fair = if self.keep_fewer { (self.keep * other).div_ceil(own.max(1)).max(2) } else { self.keep };
            BestPartners::new(own, self.keep.min(fair), self.least)
        };
        (best(a, b), best(b, a))
    }

    pub(super) fn form(&self) -> Form {
        Form::new(self.scales.iter().map(|scale| &scale.cuts))
    }

    /// The best partners in `b` of every row of `a`, by row, and the level patterns of all these pairs.
    pub(super) fn queries(
        &self,
        a: &Side<'_>,
        b: &Side<'_>,
        stage: &Stage<'_>,
    ) -> Result<(Vec<(u32, u32)>, LevelPatterns)> {
        let best = self.best_of(a.rows);
        let patterns = self.run((a, Some(&best)), (b, None), stage)?;
        let mut pairs = Vec::new();
        best.for_each(|row, partners| pairs.extend(partners.iter().map(|partner| (row, partner.row))));
        Ok((pairs, patterns))
    }

    /// The indices of single pairs, one for each encoding, pair after pair.
    pub(super) fn indices(&self, a: &Side<'_>, b: &Side<'_>, pairs: &[(u32, u32)]) -> Vec<u16> {
        let mut indices = vec![0; pairs.len() * self.scales.len()];
        indices.par_chunks_mut(self.scales.len() * CHUNK).zip(pairs.par_chunks(CHUNK)).for_each(|(indices, pairs)| {
            let mut common = vec![0; pairs.len()];
            for (encoding, scale) in self.scales.iter().enumerate() {
                let (x, y) = (&a.matrices[encoding], &b.matrices[encoding]);
                self.kernel.run(Common { a: x, b: y, pairs, out: &mut common });
                let (bits_a, bits_b) = (&a.popcounts[encoding], &b.popcounts[encoding]);
                for ((indices, &common), &(row_a, row_b)) in
                    indices.chunks_exact_mut(self.scales.len()).zip(&common).zip(pairs)
                {
                    // At most 10,001: see Scale.
                    indices[encoding] =
                        scale.index(common, bits_a[row_a as usize].into(), bits_b[row_b as usize].into()) as u16;
                }
            }
        });
        indices
    }

    /// Gives the shorter side the part in which a row costs more.
    fn run(
        &self,
        (a, best_a): (&Side<'_>, Option<&BestPartners>),
        (b, best_b): (&Side<'_>, Option<&BestPartners>),
        stage: &Stage<'_>,
    ) -> Result<LevelPatterns> {
        let sides = if a.rows <= b.rows {
            Sides { listed: a, turned: b, best_listed: best_a, best_turned: best_b, within: false }
        } else {
            Sides { listed: b, turned: a, best_listed: best_b, best_turned: best_a, within: false }
        };
        self.over_units(&sides, stage)
    }

    /// Compares unit after unit; between two of them it can be stopped, saved and resumed.
    fn over_units(&self, sides: &Sides<'_>, stage: &Stage<'_>) -> Result<LevelPatterns> {
        let bits: usize = sides.listed.matrices.iter().map(|matrix| matrix.bits()).sum();
        let strip = (UNIT_LISTED / bits.max(1)).clamp(CHUNK, 4 * CHUNK) / TILE * TILE;
        let range = (UNIT_TURNED / bits.max(1)).clamp(CHUNK, 32 * CHUNK) / CHUNK * CHUNK;
        let tables = self.tables(bits);
        let workers = Mutex::new(Vec::new());
        let mut total = Tally::new(&tables.form);
        let best: Vec<&BestPartners> = if sides.within {
            sides.best_listed.into_iter().collect()
        } else {
            sides.best_listed.into_iter().chain(sides.best_turned).collect()
        };
        let others: Vec<usize> = match (sides.within, sides.best_listed, sides.best_turned) {
            (false, Some(_), _) => vec![sides.turned.rows, sides.listed.rows],
            _ => vec![sides.listed.rows],
        };
        let mut saved = Saved::open(stage.place.as_ref(), |hash| {
            self.identify(hash, sides);
            hash.update([(strip as u64).to_be_bytes(), (range as u64).to_be_bytes()].concat());
        });
        let resumed = saved.resume(&best, &others, &mut total)?;
        let mut unit = 0;
        for first in (0..sides.listed.rows).step_by(strip) {
            let rows = first..(first + strip).min(sides.listed.rows);
            let mut lists = Vec::new();
            for from in (0..sides.turned.rows).step_by(range) {
                let others = from..(from + range).min(sides.turned.rows);
                if sides.within && others.end <= rows.start + 1 {
                    continue;
                }
                unit += 1;
                if unit <= resumed {
                    stage.meter.resume(sides.pairs(&rows, &others));
                    continue;
                }
                if let Err(cancelled) = stage.cancel.check() {
                    saved.save(unit - 1, &best, &sum(&total, &workers))?;
                    return Err(cancelled);
                }
                if lists.is_empty() && !self.by_rows(sides) {
                    lists = self.lists(sides.listed, rows.clone());
                }
                self.unit(sides, &tables, &lists, (rows.clone(), others), &workers, stage);
                saved.after(unit, &best, || sum(&total, &workers))?;
            }
        }
        let total = sum(&total, &workers);
        if unit > resumed {
            saved.save(unit, &best, &total)?;
        }
        Ok(total.finish(&tables.form))
    }

    /// Everything but the cohorts that a result depends on.
    fn identify(&self, hash: &mut Sha256, sides: &Sides<'_>) {
        for number in [sides.listed.rows, sides.turned.rows, usize::from(sides.within), self.keep] {
            hash.update((number as u64).to_be_bytes());
        }
        for best in [sides.best_listed, sides.best_turned] {
            hash.update((best.map_or(0, BestPartners::keep) as u64).to_be_bytes());
        }
        for weight in self.weights.iter().flatten().chain([&self.least]) {
            hash.update(weight.to_be_bytes());
        }
    }

    fn by_rows(&self, sides: &Sides<'_>) -> bool {
        self.kernel == Kernel::Naive || sides.listed.rows < FEW
    }

    fn tables(&self, bits: usize) -> Tables {
        let form = self.form();
        let best = form.digits().iter().map(|encodings| self.best_of_digit(&form, encodings.clone())).collect();
        let stands_out = self.scales.iter().all(|scale| scale.diffused) && self.least > f32::NEG_INFINITY && bits > 0;
        let distances = if stands_out {
            // If all encodings scored less than an equal part, their sum would be less; a part in a thousand is left for
            // rounding. And a pair that is at a level above the lowest has to be counted there.
            let part = self.least / self.scales.len() as f32 * 0.999;
            let far = |(scale, weights): (&Scale, &Vec<f32>)| {
                let counts = |&distance: &usize| weights[distance] >= part || scale.level(distance) > 0;
                (0..weights.len() - 1).rev().find(counts).map_or(-1, |distance| distance as i64)
            };
            self.scales.iter().zip(self.weights).map(far).collect()
        } else {
            Vec::new()
        };
        Tables { form, best, distances }
    }

    /// For every value of a digit, the most that a pair with it can score in the digit's encodings.
    fn best_of_digit(&self, form: &Form, encodings: Range<usize>) -> Vec<f32> {
        let mut best = vec![0.0f32];
        for encoding in encodings {
            let (scale, weights) = (&self.scales[encoding], &self.weights[encoding]);
            let mut of_level = vec![f32::NEG_INFINITY; scale.cuts.levels()];
            for (index, &weight) in weights.iter().enumerate() {
                if let Some(of_level) = of_level.get_mut(scale.level(index)) {
                    *of_level = of_level.max(weight);
                }
            }
            debug_assert_eq!(usize::from(form.step(encoding)), best.len());
            best = of_level.iter().flat_map(|of_level| best.iter().map(move |best| best + of_level)).collect();
        }
        best
    }

    /// For every tile of rows, the lists of each encoding.
    fn lists(&self, side: &Side<'_>, rows: Range<usize>) -> Vec<Vec<Groups>> {
        let tiles: Vec<_> = rows.clone().step_by(TILE).collect();
        let tile = |first: usize| {
            let list = |matrix: &Cow<'_, BitMatrix>| {
                let rows = matrix.row_range(first..(first + TILE).min(rows.end));
                self.kernel.run(List { rows, stride: matrix.stride(), bits: matrix.bits(), layout: Layout::Blocks })
            };
            side.matrices.iter().map(list).collect()
        };
        tiles.into_par_iter().map(tile).collect()
    }

    fn chunk(&self, tables: &Tables, side: &Side<'_>, rows: Range<usize>) -> Chunk {
        let mut chunk = Chunk { rows: rows.clone(), slices: Vec::new(), offsets: Vec::new(), most: Vec::new() };
        for (encoding, matrix) in side.matrices.iter().enumerate() {
            let rows = matrix.row_range(rows.clone());
            let slices =
                self.kernel.run(Turn { rows, stride: matrix.stride(), bits: matrix.bits(), layout: Layout::Blocks });
            if tables.distances.is_empty() {
                chunk.offsets.push(Offsets::none(&slices));
                chunk.most.push(0);
            } else {
                let cut = Cut::distance(tables.distances[encoding]);
                let bits = &side.popcounts[encoding][chunk.rows.clone()];
                let shares = Shares::new(bits.iter().map(|&bits| cut.share(bits.into())));
                chunk.offsets.push(shares.offsets(&slices));
                chunk.most.push(shares.most());
            }
            chunk.slices.push(slices);
        }
        chunk
    }

    fn unit(
        &self,
        sides: &Sides<'_>,
        tables: &Tables,
        lists: &[Vec<Groups>],
        (rows, others): (Range<usize>, Range<usize>),
        workers: &Mutex<Vec<Worker>>,
        stage: &Stage<'_>,
    ) {
        let chunks: Vec<Range<usize>> =
            others.clone().step_by(CHUNK).map(|first| first..(first + CHUNK).min(others.end)).collect();
        let turned: Vec<Chunk> = if lists.is_empty() {
            chunks.iter().map(|rows| Chunk::not_turned(rows.clone())).collect()
        } else {
            chunks.par_iter().map(|rows| self.chunk(tables, sides.turned, rows.clone())).collect()
        };
        let tiles = rows.clone().step_by(TILE).map(|first| first..(first + TILE).min(rows.end)).enumerate();
        let tasks: Vec<_> = tiles
            .flat_map(|(place, tile)| turned.iter().map(move |chunk| (place, tile.clone(), chunk)))
            .filter(|(_, tile, chunk)| sides.pairs(tile, &chunk.rows) > 0)
            .collect();
        tasks.into_par_iter().for_each(|(place, tile, chunk)| {
            let lock = || workers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let worker = lock().pop();
            let mut worker = worker.unwrap_or_else(|| Worker::new(&tables.form));
            let task = Task { sides, tables, tile: tile.clone(), chunk, lists: lists.get(place) };
            match task.lists {
                Some(lists) if !tables.distances.is_empty() => self.stand_out(&task, lists, &mut worker),
                _ => self.every_pair(&task, &mut worker),
            }
            lock().push(worker);
            stage.meter.add(sides.pairs(&tile, &chunk.rows));
        });
    }
}

/// What was counted before and by the workers.
fn sum(before: &Tally, workers: &Mutex<Vec<Worker>>) -> Tally {
    let mut sum = before.clone();
    let workers = workers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    workers.iter().for_each(|worker| sum.merge(&worker.tally));
    sum
}

impl Sides<'_> {
    /// How many pairs there are of these rows.
    fn pairs(&self, rows: &Range<usize>, others: &Range<usize>) -> u64 {
        if !self.within {
            return rows.len() as u64 * others.len() as u64;
        }
        rows.clone().map(|row| others.end.saturating_sub(others.start.max(row + 1)) as u64).sum()
    }

    fn index(&self, scales: &[Scale], encoding: usize, common: u32, a: usize, b: usize) -> usize {
        let (a, b) = (self.listed.popcounts[encoding][a], self.turned.popcounts[encoding][b]);
        scales[encoding].index(common, a.into(), b.into())
    }
}

impl Chunk {
    fn not_turned(rows: Range<usize>) -> Self {
        Chunk { rows, slices: Vec::new(), offsets: Vec::new(), most: Vec::new() }
    }

    fn blocks(&self) -> usize {
        self.slices.first().map_or(self.rows.len().div_ceil(BLOCK), Slices::blocks)
    }

    /// The rows of a block.
    fn block(&self, block: usize) -> Range<usize> {
        let rows = match self.slices.first() {
            Some(slices) => slices.block(block),
            None => block * BLOCK..((block + 1) * BLOCK).min(self.rows.len()),
        };
        self.rows.start + rows.start..self.rows.start + rows.end
    }
}

/// The pairs of which one row is among the best partners of the other, sorted, each once. With the best partners of one
/// side only, both rows are of that side.
pub(super) fn best_pairs(best_a: BestPartners, best_b: Option<BestPartners>) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    let within = best_b.is_none();
    best_a.for_each(|row, partners| {
        let pair = |other: u32| if within { (row.min(other), row.max(other)) } else { (row, other) };
        pairs.extend(partners.iter().map(|partner| pair(partner.row)));
    });
    if let Some(best_b) = best_b {
        best_b.for_each(|row, partners| pairs.extend(partners.iter().map(|partner| (partner.row, row))));
    }
    pairs.par_sort_unstable();
    pairs.dedup();
    pairs
}
