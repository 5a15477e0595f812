//! One tile of rows with one chunk: the pairs that stand out, or every pair.

use std::ops::Range;

use super::super::candidates::{Partner, TILE};
use super::super::patterns::{Form, TURNS, Tally};
use super::super::score;
use super::super::score::{AddLevels, Count, Cut, GROUP, Groups, Hits, Scratch, Side as Sliced};
use super::{Chunk, Comparison, Sides, Tables};

/// Rows of the shorter side of which all counts are written out at a time.
const ROWS: usize = 32;

/// One thread's part of a unit: a tile of the shorter side with a chunk of the longer one.
pub(super) struct Task<'a> {
    pub(super) sides: &'a Sides<'a>,
    pub(super) tables: &'a Tables,
    pub(super) tile: Range<usize>,
    pub(super) chunk: &'a Chunk,
    /// The tile's lists, one for each encoding; `None` where rows are compared as they are.
    pub(super) lists: Option<&'a Vec<Groups>>,
}

/// A pair of rows with its score; `a` is of the shorter side.
struct Offer {
    a: u32,
    b: u32,
    score: f32,
}

/// One thread's buffers, and the patterns that it has counted.
pub(super) struct Worker {
    pub(super) tally: Tally,
    scratch: Scratch,
    hits: Hits,
    /// For every encoding.
    counts: Vec<Vec<u16>>,
    wide: Vec<u32>,
    /// For every digit of the pattern one number for each pair.
    digits: Vec<Vec<u16>>,
    worst: Vec<f32>,
    /// Rows of the longer side to be looked at more closely.
    closer: Vec<usize>,
    offers: Vec<Offer>,
}

impl Worker {
    pub(super) fn new(form: &Form) -> Self {
        Worker {
            tally: Tally::new(form),
            scratch: Scratch::default(),
            hits: Hits::default(),
            counts: vec![Vec::new(); form.encodings()],
            wide: Vec::new(),
            digits: vec![Vec::new(); form.digits().len()],
            worst: Vec::new(),
            closer: Vec::new(),
            offers: Vec::new(),
        }
    }
}

impl Comparison<'_> {
    /// Looks at the pairs of which at least one encoding stands out from strangers.
    pub(super) fn stand_out(&self, task: &Task<'_>, lists: &[Groups], worker: &mut Worker) {
        let Task { sides, tables, tile, chunk, .. } = task;
        let Worker { tally, scratch, hits, offers, .. } = worker;
        let least: Vec<Vec<i32>> = (0..self.scales.len())
            .map(|encoding| {
                let cut = Cut::distance(tables.distances[encoding]);
                let bits = &sides.listed.popcounts[encoding][tile.clone()];
                bits.iter().map(|&bits| (cut.least(bits.into()) + chunk.most[encoding]) as i32).collect()
            })
            .collect();
        let sliced: Vec<Sliced<'_>> = (0..self.scales.len())
            .map(|encoding| Sliced {
                groups: &lists[encoding],
                slices: &chunk.slices[encoding],
                offsets: &chunk.offsets[encoding],
                least: &least[encoding],
            })
            .collect();
        for block in 0..chunk.slices[0].blocks() {
            let others = chunk.block(block);
            if sides.pairs(tile, &others) > 0 {
                let rows = 0..tile.len().div_ceil(GROUP);
                score::search(self.kernel, &sliced, rows, block, scratch, hits);
            }
        }
        let mut counted = 0;
        for (hit, common) in hits.pairs.iter().zip(hits.counts.chunks_exact(self.scales.len())) {
            let (a, b) = (tile.start + hit.a as usize, chunk.rows.start + hit.b as usize);
            if sides.within && b <= a {
                continue;
            }
            let index = |encoding: usize| sides.index(self.scales, encoding, u32::from(common[encoding]), a, b);
            let score = self.score(index);
            counted += 1;
            tally.add(tables.form.key(|encoding| self.scales[encoding].level(index(encoding))), 1);
            if score >= self.least {
                offers.push(Offer { a: a as u32, b: b as u32, score });
            }
        }
        hits.pairs.clear();
        hits.counts.clear();
        // All others are at the lowest level everywhere.
        tally.add(0, sides.pairs(tile, &chunk.rows) - counted);
        sides.take(offers, tile);
    }

    /// Works out every pair's pattern, and scores those that might be kept.
    pub(super) fn every_pair(&self, task: &Task<'_>, worker: &mut Worker) {
        let Task { sides, tile, chunk, lists, .. } = task;
        for block in 0..chunk.blocks() {
            let others = chunk.block(block);
            for first in tile.clone().step_by(ROWS) {
                let rows = first..(first + ROWS).min(tile.end);
                if sides.pairs(&rows, &others) == 0 {
                    continue;
                }
                let lanes = match lists {
                    Some(lists) => self.count_sliced(task, lists, &rows, block, worker),
                    None => self.count_by_rows(task, &rows, &others, worker),
                };
                self.look_through(task, &rows, &others, lanes, worker);
            }
        }
    }

    /// Fills the worker's counts, and says how many there are for each row.
    fn count_sliced(
        &self,
        task: &Task<'_>,
        lists: &[Groups],
        rows: &Range<usize>,
        block: usize,
        worker: &mut Worker,
    ) -> usize {
        let Task { tile, chunk, .. } = task;
        let groups = (rows.start - tile.start) / GROUP..(rows.end - tile.start).div_ceil(GROUP);
        for (encoding, out) in worker.counts.iter_mut().enumerate() {
            let sides = (&lists[encoding], &chunk.slices[encoding], &chunk.offsets[encoding]);
            score::counts(self.kernel, sides, groups.clone(), block, &mut worker.scratch, out);
        }
        chunk.slices[0].lanes()
    }

    fn count_by_rows(&self, task: &Task<'_>, rows: &Range<usize>, others: &Range<usize>, worker: &mut Worker) -> usize {
        let Sides { listed, turned, .. } = task.sides;
        worker.wide.resize(rows.len() * others.len(), 0);
        for (encoding, out) in worker.counts.iter_mut().enumerate() {
            let (x, y) = (&listed.matrices[encoding], &turned.matrices[encoding]);
            let (of_x, of_y) = (x.row_range(rows.clone()), y.row_range(others.clone()));
            self.kernel.count(Count::Common, of_x, of_y, x.stride(), &mut worker.wide);
            out.clear();
            // A row has at most 4,096 bits.
            out.extend(worker.wide.iter().map(|&count| count as u16));
        }
        others.len()
    }

    /// From counts to patterns, and from these to the pairs that might be kept.
    fn look_through(
        &self,
        task: &Task<'_>,
        rows: &Range<usize>,
        others: &Range<usize>,
        lanes: usize,
        worker: &mut Worker,
    ) {
        let Task { sides, tables, tile, .. } = task;
        let Worker { tally, counts, digits, worst, closer, offers, .. } = worker;
        for (digit, encodings) in digits.iter_mut().zip(tables.form.digits()) {
            digit.clear();
            digit.resize(rows.len() * lanes, 0);
            for encoding in encodings.clone() {
                self.kernel.run(AddLevels {
                    cuts: &self.scales[encoding].cuts,
                    bits: sides.listed.matrices[encoding].bits(),
                    counts: &counts[encoding],
                    a: &sides.listed.popcounts[encoding][rows.clone()],
                    b: &sides.turned.popcounts[encoding][others.clone()],
                    lanes,
                    step: tables.form.step(encoding),
                    patterns: digit,
                });
            }
        }
        let mut worst_listed = [f32::INFINITY; ROWS];
        if let Some(best) = sides.best_listed {
            best.worst(rows.clone(), &mut worst_listed[..rows.len()]);
        }
        worst.clear();
        worst.resize(others.len(), f32::INFINITY);
        if let Some(best) = sides.best_turned {
            best.worst(others.clone(), worst);
        }
        for (i, row) in rows.clone().enumerate() {
            let first = if sides.within { (row + 1).saturating_sub(others.start).min(others.len()) } else { 0 };
            let own = worst_listed[i];
            closer.clear();
            match (&digits[..], &mut *tally) {
                ([digit], Tally::Dense(tally)) => {
                    let patterns = &digit[i * lanes..][..others.len()];
                    sift(patterns, first, &tables.best[0], own, worst, tally, closer);
                }
                (digits, tally) => {
                    for j in first..others.len() {
                        let (mut key, mut best) = (0, 0.0);
                        for (place, (digit, of_digit)) in digits.iter().zip(&tables.best).enumerate() {
                            let pattern = digit[i * lanes + j];
                            key |= u64::from(pattern) << (16 * place);
                            best += of_digit[usize::from(pattern)];
                        }
                        tally.add(key, 1);
                        if best >= own || best >= worst[j] {
                            closer.push(j);
                        }
                    }
                }
            }
            for &j in &*closer {
                let index = |encoding: usize| {
                    let common = u32::from(counts[encoding][i * lanes + j]);
                    sides.index(self.scales, encoding, common, row, others.start + j)
                };
                let score = self.score(index);
                if score >= own.min(worst[j]) {
                    offers.push(Offer { a: row as u32, b: (others.start + j) as u32, score });
                }
            }
        }
        sides.take(offers, tile);
    }

    fn score(&self, index: impl Fn(usize) -> usize) -> f32 {
        self.weights.iter().enumerate().map(|(encoding, weights)| weights[index(encoding)]).sum()
    }
}

/// Counts the patterns of a row's pairs from the `first` on, and notes those that might be kept: whose pattern allows a
/// score of at least what the row itself needs, or the other row. A function of its own, so that the compiler keeps
/// everything in registers.
#[inline(never)]
fn sift(
    patterns: &[u16],
    first: usize,
    best: &[f32],
    own: f32,
    worst: &[f32],
    tally: &mut [[u64; TURNS]],
    closer: &mut Vec<usize>,
) {
    let (patterns, worst) = (&patterns[first..], &worst[first..]);
    let mut j = first;
    for (patterns, worst) in patterns.chunks(TURNS).zip(worst.chunks(TURNS)) {
        for (turn, (&pattern, &worst)) in patterns.iter().zip(worst).enumerate() {
            tally[usize::from(pattern)][turn % TURNS] += 1;
            let best = best[usize::from(pattern)];
            if best >= own || best >= worst {
                closer.push(j + turn);
            }
        }
        j += TURNS;
    }
}

impl Sides<'_> {
    /// Hands pairs of a tile to their rows' best partners.
    fn take(&self, offers: &mut Vec<Offer>, tile: &Range<usize>) {
        if offers.is_empty() {
            return;
        }
        if let Some(best) = self.best_listed {
            best.with_tile(tile.start / TILE, |shard| {
                for &Offer { a, b, score } in &*offers {
                    shard.offer(a as usize % TILE, Partner { score, row: b });
                }
            });
        }
        if let Some(best) = self.best_turned {
            offers.sort_by_key(|offer| offer.b as usize / TILE);
            for offers in offers.chunk_by(|x, y| x.b as usize / TILE == y.b as usize / TILE) {
                best.with_tile(offers[0].b as usize / TILE, |shard| {
                    for &Offer { a, b, score } in offers {
                        shard.offer(b as usize % TILE, Partner { score, row: a });
                    }
                });
            }
        }
        offers.clear();
    }
}
