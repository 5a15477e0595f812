//! All pairs of rows of one encoding that are at least as alike as a threshold, as a stream.
//!
//! Every pair is compared; what is not brute force is exact all the same:
//!
//! * *Popcount window*: rows are taken in order of their set bits, and a block in which nobody can reach the threshold is
//!   passed over (Swamidass & Baldi 2007).
//! * *Folding*: the two halves (or more parts) of a row laid over each other by XOR differ in no more bits than the rows
//!   themselves, so what is too far apart when folded is too far apart (Baldi, Hirschberg & Nasr 2008). Pairs that are not
//!   are looked at in full. Whether and how far rows are folded is decided by what it costs: see [`fold_for`].

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::run::{Cancel, Meter, Progress, Report};
use super::score;
use super::score::{
    Common, Count, Cut, GROUP, Groups, Hits, Kernel, Layout, List, Measure, Offsets, Ratio, Scratch, Shares, Side,
    Slices, Turn, popcounts,
};
use crate::cohort::{BitMatrix, differing, ones};
use crate::error::{ErrorKind, Result};

/// Two rows that reach the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The row in the first matrix.
    pub a: u32,
    /// The row in the second (within one matrix: a later one).
    pub b: u32,
    /// How alike they are, by the search's measure.
    pub similarity: f64,
}

/// What a search did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Searched {
    /// Pairs of rows compared; those that a shortcut made unnecessary to look at count.
    pub comparisons: u64,
    /// Pairs that reach the threshold.
    pub pairs: u64,
    /// The kernel.
    pub kernel: Kernel,
    /// Bits to which rows were folded before they were compared; `None` where they were compared as they are.
    pub folded: Option<usize>,
}

/// Rows of the first matrix in a strip: enough that turning the second matrix on its side costs little.
const STRIP: usize = 4096;

/// Rows of the first matrix with one set of lists, and in a tile.
const PART: usize = 512;
const TILE: usize = 128;

/// Rows of the second matrix that are on their side at a time, and rows of them that one thread works on. Within one matrix
/// ranges are smaller, since only later ones are compared with.
const RANGE: usize = 65_536;
const CHUNK: usize = 2048;

/// A second matrix of up to so many bytes is turned once and kept.
const KEPT: usize = 64 << 20;

/// Fewer rows than this are compared row by row: turning the others on their side would cost more.
const FEW: usize = 16;

/// Memory for pairs of one strip, if nothing else is said.
const MEMORY: usize = 256 << 20;

/// Finds all pairs of rows of one encoding that are at least as alike as a threshold.
///
/// The pairs come in the order of rows, whatever the kernel and the number of threads. Memory is bounded, however many
/// pairs there are: they are handed out as they are found, a strip of rows at a time, and where a strip has more than fit
/// ([`memory`](Self::memory)), it is made smaller.
#[derive(Clone)]
pub struct Search {
    measure: Measure,
    threshold: Ratio,
    kernel: Kernel,
    shortcuts: bool,
    /// For tests: the words to fold to.
    fold: Option<usize>,
    memory: usize,
    start: usize,
    report: Option<Report>,
    cancel: Cancel,
}

impl Search {
    /// A search for pairs of at least this likeness.
    #[must_use]
    pub fn new(measure: Measure, threshold: Ratio) -> Self {
        Search {
            measure,
            threshold,
            kernel: Kernel::detect(),
            shortcuts: true,
            fold: None,
            memory: MEMORY,
            start: 0,
            report: None,
            cancel: Cancel::new(),
        }
    }

    /// Uses this kernel instead of the fastest that the machine can run. The pairs are the same.
    #[must_use]
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// Looks at every pair in full. The pairs are the same.
    #[must_use]
    pub fn brute_force(mut self) -> Self {
        self.shortcuts = false;
        self
    }

    /// Holds about so many bytes of pairs at a time, 256 MiB if nothing is said; never less than those of four rows of the
    /// first matrix.
    #[must_use]
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Begins with this row of the first matrix: to go on after a run that was cut short. Since pairs come in the order of
    /// rows, all those of earlier rows are the ones before it.
    #[must_use]
    pub fn start(mut self, row: usize) -> Self {
        self.start = row;
        self
    }

    /// Calls this now and then while pairs are compared, from any thread.
    #[must_use]
    pub fn progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.report = Some(std::sync::Arc::new(report));
        self
    }

    /// Stops when this is cancelled.
    #[must_use]
    pub fn cancel(mut self, cancel: &Cancel) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// Compares every row of `a` with every row of `b`. `take` gets the pairs, some at a time, in the order of rows of `a`
    /// and then of `b`.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] where rows of `a` and `b` have different lengths; [`ErrorKind::Cancelled`]; whatever `take`
    /// returns.
    pub fn between(&self, a: &BitMatrix, b: &BitMatrix, take: impl FnMut(&[Pair]) -> Result<()>) -> Result<Searched> {
        if a.bits() != b.bits() {
            let problem = format!("rows of {} bits cannot be compared with rows of {} bits", a.bits(), b.bits());
            return Err(ErrorKind::Mismatch { problem }.into());
        }
        Run::new(self, a, b, false).run(take)
    }

    /// Compares every row with every later one. See [`between`](Self::between).
    ///
    /// # Errors
    /// As [`between`](Self::between).
    pub fn within(&self, matrix: &BitMatrix, take: impl FnMut(&[Pair]) -> Result<()>) -> Result<Searched> {
        Run::new(self, matrix, matrix, true).run(take)
    }
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Search { measure, threshold, kernel, shortcuts, .. } = self;
        f.debug_struct("Search")
            .field("measure", measure)
            .field("threshold", threshold)
            .field("kernel", kernel)
            .field("shortcuts", shortcuts)
            .finish_non_exhaustive()
    }
}

/// A search over two matrices.
struct Run<'a> {
    search: &'a Search,
    cut: Cut,
    a: &'a BitMatrix,
    b: &'a BitMatrix,
    bits_a: Vec<u32>,
    bits_b: Vec<u32>,
    within: bool,
    /// Rows of `b`, in order of their set bits within each range.
    order: Vec<u32>,
    range: usize,
    /// Words to which rows are folded.
    fold: Option<usize>,
}

/// Some rows of `a`, in order of their set bits, as column lists.
struct Part {
    rows: Vec<u32>,
    groups: Groups,
    /// The least total of each row, less what the range's offsets add.
    least: Vec<i64>,
}

/// Some rows of `b` on their side.
struct Chunk<'a> {
    rows: &'a [u32],
    slices: Slices,
    offsets: Offsets,
    /// The largest share of a row in the least total.
    most: i64,
}

impl<'a> Run<'a> {
    fn new(search: &'a Search, a: &'a BitMatrix, b: &'a BitMatrix, within: bool) -> Self {
        let cut = Cut::new(search.measure, search.threshold, a.bits());
        let (bits_a, bits_b) = (popcounts(a), popcounts(b));
        let mut order: Vec<u32> = (0..b.rows() as u32).collect();
        let range = if within { CHUNK } else { RANGE };
        if search.shortcuts {
            order.par_chunks_mut(range).for_each(|rows| rows.sort_by_key(|&row| bits_b[row as usize]));
        }
        let fold = match search.fold {
            None if search.shortcuts => fold_for(cut, (a, &bits_a), (b, &bits_b)),
            forced => forced,
        };
        Run { search, cut, a, b, bits_a, bits_b, within, order, range, fold }
    }

    fn run(&self, mut take: impl FnMut(&[Pair]) -> Result<()>) -> Result<Searched> {
        let rows = self.a.rows() as u64;
        let pairs_before = |row: u64| {
            if self.within { row * (2 * rows - row).saturating_sub(1) / 2 } else { row * self.b.rows() as u64 }
        };
        let start = self.search.start.min(self.a.rows());
        let meter = Meter::new(self.search.report.as_ref(), pairs_before(rows));
        meter.resume(pairs_before(start as u64));
        let limit = self.search.memory / size_of::<Pair>();
        let mut searched = Searched {
            comparisons: pairs_before(rows) - pairs_before(start as u64),
            pairs: 0,
            kernel: self.search.kernel,
            folded: self.fold.map(|words| words * 64),
        };
        let kept = self.a.rows() >= FEW && self.b.rows() * self.b.stride() * 8 <= KEPT;
        let kept: Vec<Chunk<'_>> =
            if kept { self.order.par_chunks(CHUNK).map(|rows| self.chunk(rows)).collect() } else { Vec::new() };
        let most = if self.within && !kept.is_empty() { CHUNK } else { STRIP };
        let mut first = start;
        let mut height = most;
        while first < self.a.rows() {
            let strip = first..(first + height).min(self.a.rows());
            // Too many for memory: again, with fewer rows.
            let Some(mut pairs) = self.strip(strip.clone(), &kept, if height > GROUP { limit } else { usize::MAX })?
            else {
                height = (height / 2).max(GROUP);
                continue;
            };
            pairs.par_sort_unstable_by_key(|pair| (pair.a, pair.b));
            searched.pairs += pairs.len() as u64;
            take(&pairs)?;
            meter.add(pairs_before(strip.end as u64) - pairs_before(strip.start as u64));
            first = strip.end;
            if pairs.len() < limit / 4 {
                height = (height * 2).min(most);
            }
        }
        Ok(searched)
    }

    /// The pairs of a strip of `a`'s rows, in any order; `None` where there are more than `limit`.
    fn strip(&self, strip: Range<usize>, kept: &[Chunk<'_>], limit: usize) -> Result<Option<Vec<Pair>>> {
        let found = AtomicUsize::new(0);
        let by_rows = self.search.kernel == Kernel::Naive || strip.len() < FEW;
        let parts = if by_rows { Vec::new() } else { self.parts(strip.clone()) };
        let mut pairs = Vec::new();
        for (range, rows) in self.order.chunks(self.range).enumerate() {
            // Within one matrix, a row is compared with later ones only.
            if self.within && range * self.range + rows.len() <= strip.start {
                continue;
            }
            self.search.cancel.check()?;
            let found: Vec<Vec<Pair>> = if by_rows {
                rows.par_chunks(CHUNK).map(|rows| self.by_rows(strip.clone(), rows, &found, limit)).collect()
            } else {
                let kept = kept.get(range * self.range / CHUNK..).unwrap_or(&[]);
                self.sliced(&parts, rows, kept, &found, limit)
            };
            pairs.extend(found.into_iter().flatten());
            if pairs.len() > limit {
                return Ok(None);
            }
        }
        Ok(Some(pairs))
    }

    fn parts(&self, strip: Range<usize>) -> Vec<Part> {
        let mut rows: Vec<u32> = (strip.start as u32..strip.end as u32).collect();
        if self.search.shortcuts {
            rows.sort_by_key(|&row| self.bits_a[row as usize]);
        }
        let part = |rows: &[u32]| {
            let (words, stride) = self.gather(self.a, rows);
            let least = rows.iter().zip(words.chunks_exact(stride)).map(|(&row, words)| {
                let bits = self.bits_a[row as usize];
                if self.fold.is_some() { self.cut.least_folded(bits, ones(words)) } else { self.cut.least(bits) }
            });
            let least = least.collect();
            let groups =
                self.search.kernel.run(List { rows: &words, stride, bits: self.filter_bits(), layout: Layout::Blocks });
            Part { rows: rows.to_vec(), groups, least }
        };
        rows.par_chunks(PART).map(part).collect()
    }

    /// Rows one after the other, folded where they are to be, and their length in words.
    fn gather(&self, matrix: &BitMatrix, rows: &[u32]) -> (Vec<u64>, usize) {
        let stride = self.fold.unwrap_or(matrix.stride());
        let mut words = vec![0; rows.len() * stride];
        for (&row, words) in rows.iter().zip(words.chunks_exact_mut(stride)) {
            fold(matrix.row(row as usize), words);
        }
        (words, stride)
    }

    /// The length of the rows that are compared first.
    fn filter_bits(&self) -> usize {
        self.fold.map_or(self.a.bits(), |words| words * 64)
    }

    /// `kept`: the rows' chunks and others, where they are there already.
    fn sliced(
        &self,
        parts: &[Part],
        rows: &[u32],
        kept: &[Chunk<'_>],
        found: &AtomicUsize,
        limit: usize,
    ) -> Vec<Vec<Pair>> {
        let made: Vec<Chunk<'_>>;
        let chunks = if kept.is_empty() {
            made = rows.par_chunks(CHUNK).map(|rows| self.chunk(rows)).collect();
            &made
        } else {
            &kept[..rows.len().div_ceil(CHUNK)]
        };
        let tasks: Vec<_> = chunks.iter().flat_map(|chunk| parts.iter().map(move |part| (chunk, part))).collect();
        let pairs = tasks.into_par_iter().map_init(Scratch::default, |scratch, (chunk, part)| {
            if found.load(Ordering::Relaxed) > limit {
                return Vec::new();
            }
            let pairs = self.tiles(chunk, part, scratch);
            found.fetch_add(pairs.len(), Ordering::Relaxed);
            pairs
        });
        pairs.collect()
    }

    fn chunk<'r>(&self, rows: &'r [u32]) -> Chunk<'r> {
        let (words, stride) = self.gather(self.b, rows);
        let shares = Shares::new(rows.iter().zip(words.chunks_exact(stride)).map(|(&row, words)| {
            let bits = self.bits_b[row as usize];
            if self.fold.is_some() { self.cut.share_folded(bits, ones(words)) } else { self.cut.share(bits) }
        }));
        let slices =
            self.search.kernel.run(Turn { rows: &words, stride, bits: self.filter_bits(), layout: Layout::Blocks });
        Chunk { rows, offsets: shares.offsets(&slices), slices, most: shares.most() }
    }

    fn tiles(&self, chunk: &Chunk<'_>, part: &Part, scratch: &mut Scratch) -> Vec<Pair> {
        let least: Vec<i32> = part.least.iter().map(|least| (least + chunk.most) as i32).collect();
        let sides = [Side { groups: &part.groups, slices: &chunk.slices, offsets: &chunk.offsets, least: &least }];
        let mut hits = Hits::default();
        let mut pairs = Vec::new();
        for tile in (0..part.rows.len()).step_by(TILE) {
            let tile = tile..(tile + TILE).min(part.rows.len());
            for block in 0..chunk.slices.blocks() {
                if self.search.shortcuts
                    && self.out_of_window(&part.rows[tile.clone()], &chunk.rows[chunk.slices.block(block)])
                {
                    continue;
                }
                let rows = tile.start / GROUP..tile.end.div_ceil(GROUP);
                score::search(self.search.kernel, &sides, rows, block, scratch, &mut hits);
            }
            self.look_closely(&mut hits, part, chunk, &mut pairs);
        }
        pairs
    }

    /// Whether none of the rows of `a` can reach the threshold with any of `b`, by their numbers of set bits alone. Both
    /// are in order of these.
    fn out_of_window(&self, a: &[u32], b: &[u32]) -> bool {
        let range = |bits: &[u32], rows: &[u32]| match rows {
            [first, .., last] => (bits[*first as usize], bits[*last as usize]),
            [only] => (bits[*only as usize], bits[*only as usize]),
            [] => (0, 0),
        };
        let ((low_a, high_a), (low_b, high_b)) = (range(&self.bits_a, a), range(&self.bits_b, b));
        // The nearest numbers, and all bits of the smaller one in common: no pair is more alike.
        if high_a < low_b {
            !self.cut.admits(high_a, high_a, low_b)
        } else if high_b < low_a {
            !self.cut.admits(high_b, low_a, high_b)
        } else {
            false
        }
    }

    /// Makes pairs of the hits that really reach the threshold.
    fn look_closely(&self, hits: &mut Hits, part: &Part, chunk: &Chunk<'_>, pairs: &mut Vec<Pair>) {
        let rows: Vec<(u32, u32)> =
            hits.pairs.iter().map(|hit| (part.rows[hit.a as usize], chunk.rows[hit.b as usize])).collect();
        let common: Vec<u32> = if self.fold.is_some() {
            let mut common = vec![0; rows.len()];
            self.search.kernel.run(Common { a: self.a, b: self.b, pairs: &rows, out: &mut common });
            common
        } else {
            hits.counts.iter().map(|&count| u32::from(count)).collect()
        };
        pairs.extend(rows.iter().zip(common).filter_map(|(&(a, b), common)| self.pair(a, b, common)));
        hits.pairs.clear();
        hits.counts.clear();
    }

    fn pair(&self, a: u32, b: u32, common: u32) -> Option<Pair> {
        let (bits_a, bits_b) = (self.bits_a[a as usize], self.bits_b[b as usize]);
        let in_order = !self.within || a < b;
        (in_order && self.cut.admits(common, bits_a, bits_b)).then(|| Pair {
            a,
            b,
            similarity: self.search.measure.similarity(common, bits_a, bits_b, self.a.bits()),
        })
    }

    fn by_rows(&self, strip: Range<usize>, rows: &[u32], found: &AtomicUsize, limit: usize) -> Vec<Pair> {
        let mut pairs = Vec::new();
        let mut counts = vec![0; strip.len()];
        for &b in rows {
            if found.load(Ordering::Relaxed) > limit {
                break;
            }
            let before = pairs.len();
            let (of_a, of_b) = (self.a.row_range(strip.clone()), self.b.row(b as usize));
            self.search.kernel.count(Count::Common, of_a, of_b, self.a.stride(), &mut counts);
            pairs.extend(strip.clone().zip(&counts).filter_map(|(a, &common)| self.pair(a as u32, b, common)));
            found.fetch_add(pairs.len() - before, Ordering::Relaxed);
        }
        pairs
    }
}

/// Lays the parts of a row over each other.
fn fold(row: &[u64], folded: &mut [u64]) {
    for part in row.chunks(folded.len()) {
        folded.iter_mut().zip(part).for_each(|(folded, word)| *folded ^= word);
    }
}

/// Rows of each matrix that show how far apart pairs are.
const SAMPLE: usize = 64;

/// What a pair costs, in columns of a full comparison: the fixed part of a comparison, and a look at a pair in full.
const FIXED: f64 = 180.0;
const LOOK: f64 = 250_000.0;

/// The words to which folding rows is worth it: those with the least cost, which is columns compared and, for the share of
/// pairs that pass, a look in full. That share is read off a normal curve through how far 4,096 pairs, evenly spread over
/// both matrices, are from passing. `None`: folding costs more than it saves, as always for diffused encodings at the
/// thresholds that they are compared at, since half of the bits of strangers differ, folded or not.
fn fold_for(cut: Cut, (a, bits_a): (&BitMatrix, &[u32]), (b, bits_b): (&BitMatrix, &[u32])) -> Option<usize> {
    // Files often hold the same people in the same order: rows half a step apart are strangers.
    let sample = |rows: usize, half: usize| {
        let count = rows.min(SAMPLE);
        (0..count).map(move |i| (2 * i + half) * rows / (2 * count))
    };
    let cost = |words: usize| {
        let folded = |matrix: &BitMatrix, row| {
            let mut folded = vec![0; words];
            fold(matrix.row(row), &mut folded);
            folded
        };
        let of_b: Vec<_> = sample(b.rows(), 1).map(|row| (folded(b, row), bits_b[row])).collect();
        let (mut count, mut sum, mut squares, mut pass) = (0.0, 0.0, 0.0, 0.0);
        for row in sample(a.rows(), 0) {
            let (of_a, bits_a) = (folded(a, row), bits_a[row]);
            for (of_b, bits_b) in &of_b {
                let over = (i64::from(differing(&of_a, of_b))
                    - cut.most_different(i64::from(bits_a) + i64::from(*bits_b))) as f64;
                count += 1.0;
                sum += over;
                squares += over * over;
                pass += f64::from(u8::from(over <= 0.0));
            }
        }
        let mean = sum / count;
        let deviation = (squares / count - mean * mean).max(0.25).sqrt();
        let passing = below((0.5 - mean) / deviation).max(pass / count);
        (words * 64) as f64 + FIXED + LOOK * passing
    };
    if a.rows() == 0 || b.rows() == 0 {
        return None;
    }
    let stride = a.stride();
    let widths = (2..8).map(|eighths| (stride * eighths).div_ceil(8)).filter(|&words| words < stride);
    let best = widths.map(|words| (cost(words), words)).min_by(|x, y| x.0.total_cmp(&y.0))?;
    (best.0 < a.bits() as f64 + FIXED).then_some(best.1)
}

/// The share of a normal distribution below so many standard deviations (Abramowitz & Stegun 26.2.17, within 10⁻⁷).
fn below(deviations: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * deviations.abs());
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let tail = series.iter().rev().fold(0.0, |sum, factor| (sum + factor) * t);
    let tail = tail * (-deviations * deviations / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if deviations < 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: usize, bits: usize, seed: u64) -> BitMatrix {
        let mut state = seed;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        let mut matrix = BitMatrix::new(bits);
        let mut row = vec![0u8; bits.div_ceil(8)];
        for i in 0..rows {
            if i % 3 == 0 {
                let fill = random() % 100;
                row = vec![0; bits.div_ceil(8)];
                (0..bits).filter(|_| random() % 100 < fill).for_each(|bit| row[bit / 8] |= 1 << (bit % 8));
            } else {
                // Like the one before, but for a few bits.
                for _ in 0..random() % (bits / 8 + 2) {
                    let bit = random() % bits;
                    row[bit / 8] ^= 1 << (bit % 8);
                }
            }
            assert!(matrix.push_bytes(&row));
        }
        matrix
    }

    fn all(search: &Search, a: &BitMatrix, b: &BitMatrix) -> Vec<Pair> {
        let mut pairs = Vec::new();
        let take = |some: &[Pair]| {
            pairs.extend_from_slice(some);
            Ok(())
        };
        search.between(a, b, take).unwrap();
        pairs
    }

    /// Whatever rows are folded to, the pairs are those of brute force.
    #[test]
    fn folding_never_changes_the_result() {
        for (bits, seed) in [(64, 1), (130, 2), (200, 3), (1000, 4), (1024, 5), (4096, 6)] {
            let (a, b) = (matrix(70, bits, seed), matrix(150, bits, seed + 100));
            for measure in [Measure::Dice, Measure::Jaccard, Measure::Hamming] {
                for threshold in ["0", "0.5", "0.75", "0.95", "1"] {
                    let search = Search::new(measure, threshold.parse().unwrap());
                    let expected = all(&search.clone().kernel(Kernel::Portable).brute_force(), &a, &b);
                    for kernel in Kernel::available() {
                        for words in 1..bits.div_ceil(64) {
                            let folded = Search { fold: Some(words), ..search.clone().kernel(kernel) };
                            if words < 4 || words.is_multiple_of(7) {
                                let said = format!("{kernel} {bits} bits to {words} words, {measure} {threshold}");
                                assert_eq!(all(&folded, &a, &b), expected, "{said}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn shares_of_the_normal_distribution() {
        for (deviations, share) in [(0.0, 0.5), (-1.0, 0.158_655), (1.0, 0.841_345), (-3.0, 0.001_350), (-6.0, 0.0)] {
            assert!((below(deviations) - share).abs() < 1e-6, "{deviations}");
        }
    }
}
