//! Bit-sliced comparison: the counts of common bits of rows in [`Groups`] with rows in [`Slices`], 64·W pairs at a time.
//!
//! Counts are held as bit slices too ("planes": plane k holds bit k of 64·W counts) and are added up by full adders, whole
//! vectors at a time: carry-save within a pattern's columns, carry-ripple between patterns. One pass over the columns
//! brings the counts of four rows; see [`groups`](super::groups) for why that is half the work. Nothing here branches on
//! what the slices hold, and nothing but the last step looks at single pairs.
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the caller's instructions")]

use std::ops::Range;

use super::groups::{GROUP, Groups, Lists, OCTET};
use super::offsets::{Offsets, PLANES, SHORT_PLANES};
use super::simd::Simd;
use super::slices::{Aligned, Slices};
use super::{Kernel, Work, lone};

/// Sums of a pattern of a single row are cut off here, so that they fit seven bits (short filters: five).
const PIECE: usize = 15;
const PIECE_SHORT: usize = 3;

/// How many octets of columns add up to a sum of so many planes.
pub(super) const fn piece(planes: usize) -> usize {
    if planes < 7 { PIECE_SHORT } else { PIECE }
}

/// For one encoding, which counts of common bits are worth a look: those of row `i` in `groups` and lane `j` in `slices`
/// for which `count + offset[j] >= least[i]`.
pub(crate) struct Side<'a> {
    pub(crate) groups: &'a Groups,
    pub(crate) slices: &'a Slices,
    pub(crate) offsets: &'a Offsets,
    /// For every row in `groups`. 0 and less: all pairs; more than a total can be: none.
    pub(crate) least: &'a [i32],
}

/// Totals of some rows with a block, one encoding after the other; a thread's, used again and again.
#[derive(Default)]
pub(crate) struct Scratch {
    totals: Vec<Aligned>,
}

/// A pair worth a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Places of its rows in `groups` and in `slices`.
    pub(crate) a: u32,
    pub(crate) b: u32,
}

/// Pairs for which at least one encoding's count is worth a look, with the counts of all encodings.
#[derive(Default)]
pub(crate) struct Hits {
    pub(crate) pairs: Vec<Hit>,
    /// Counts of common bits, for every pair one per encoding.
    pub(crate) counts: Vec<u16>,
}

/// Compares rows of all encodings with a block and appends those that are worth a look to `hits`, in the order of rows.
/// `rows` are groups.
pub(crate) fn search(
    kernel: Kernel,
    sides: &[Side<'_>],
    rows: Range<usize>,
    block: usize,
    scratch: &mut Scratch,
    hits: &mut Hits,
) {
    scratch.totals.resize_with(sides.len(), || Aligned::zeros(0));
    for (side, totals) in sides.iter().zip(&mut scratch.totals) {
        let Side { groups, slices, offsets, .. } = *side;
        // Who is worth a look by one encoding needs the counts of all.
        let least = if sides.len() == 1 { side.least } else { &[] };
        kernel.run(Fill { groups, slices, offsets, rows: rows.clone(), block, least, totals });
    }
    kernel.run(Look { sides, rows, block, totals: &scratch.totals, hits });
}

/// All counts of common bits of rows of one encoding with a block: `out[i * 64·W + j]` for row `i` and lane `j`. Lanes
/// without a row count 0. `rows` are groups, and `none` are offsets of 0.
pub(crate) fn counts(
    kernel: Kernel,
    (groups, slices, none): (&Groups, &Slices, &Offsets),
    rows: Range<usize>,
    block: usize,
    scratch: &mut Scratch,
    out: &mut Vec<u16>,
) {
    let count = (rows.end * GROUP).min(groups.rows()) - rows.start * GROUP;
    out.resize(count * slices.lanes(), 0);
    scratch.totals.resize_with(scratch.totals.len().max(1), || Aligned::zeros(0));
    let totals = &mut scratch.totals[0];
    kernel.run(Fill { groups, slices, offsets: none, rows, block, least: &[], totals });
    kernel.run(Unslice { planes: none.planes, totals, out });
}

/// Finds the pairs whose totals are enough.
struct Look<'a> {
    sides: &'a [Side<'a>],
    rows: Range<usize>,
    block: usize,
    totals: &'a [Aligned],
    hits: &'a mut Hits,
}

impl Work for Look<'_> {
    type Output = ();

    #[inline(always)]
    fn on<S: Simd>(self, simd: S) {
        let Look { sides, rows, block, totals, hits } = self;
        let Some(first) = sides.first() else { return };
        let lanes = first.slices.block(block);
        let mut words = [0; 8];
        let mut outside = [0; 8];
        fill_outside(&mut outside[..S::WORDS], lanes.len());
        for (place, row) in (rows.start * GROUP..(rows.end * GROUP).min(first.groups.rows())).enumerate() {
            let mut found = simd.zero();
            for (side, totals) in sides.iter().zip(totals) {
                found = simd.or(found, at_least(simd, row_totals::<S>(totals, side, place), side.least[row]));
            }
            if !simd.any(found) {
                continue;
            }
            simd.store(found, &mut words);
            for (word, (found, outside)) in words[..S::WORDS].iter().zip(&outside).enumerate() {
                let mut found = found & !outside;
                while found != 0 {
                    let lane = word * 64 + found.trailing_zeros() as usize;
                    found &= found - 1;
                    hits.pairs.push(Hit { a: row as u32, b: (lanes.start + lane) as u32 });
                    for (side, totals) in sides.iter().zip(totals) {
                        let total = single::<S>(row_totals::<S>(totals, side, place), lane);
                        hits.counts.push(total - side.offsets.values[lanes.start + lane]);
                    }
                }
            }
        }
    }
}

/// Makes whole numbers of totals.
struct Unslice<'a> {
    planes: usize,
    totals: &'a Aligned,
    out: &'a mut [u16],
}

impl Work for Unslice<'_> {
    type Output = ();

    #[inline(always)]
    fn on<S: Simd>(self, simd: S) {
        let totals = self.totals.as_ref().chunks_exact(self.planes * S::WORDS);
        for (totals, out) in totals.zip(self.out.chunks_exact_mut(64 * S::WORDS)) {
            simd.unslice(totals, out);
        }
    }
}

/// Marks lanes that no row of the block is in.
fn fill_outside(outside: &mut [u64], rows: usize) {
    for (word, outside) in outside.iter_mut().enumerate() {
        let inside = rows.saturating_sub(word * 64).min(64);
        *outside = if inside == 64 { 0 } else { u64::MAX << inside };
    }
}

#[inline(always)]
fn row_totals<'a, S: Simd>(totals: &'a Aligned, side: &Side<'_>, place: usize) -> &'a [u64] {
    let length = side.offsets.planes * S::WORDS;
    &totals.as_ref()[place * length..(place + 1) * length]
}

/// The lanes whose total is at least so much.
#[inline(always)]
fn at_least<S: Simd>(simd: S, planes: &[u64], least: i32) -> S::Vector {
    at_least_of(simd, planes.chunks_exact(S::WORDS).map(|plane| simd.load(plane)), least)
}

/// The same of planes that are loaded.
#[inline(always)]
pub(super) fn at_least_of<S: Simd>(simd: S, planes: impl ExactSizeIterator<Item = S::Vector>, least: i32) -> S::Vector {
    if least <= 0 {
        return simd.splat(u64::MAX);
    }
    if least >> planes.len() != 0 {
        return simd.zero();
    }
    // From the lowest bit up: what is greater or equal so far stays so if this bit is set where `least` has it too, or is
    // set where `least` has not. That is the majority of three bits, without a branch for processors to guess wrong.
    let mut enough = simd.splat(u64::MAX);
    for (k, plane) in planes.enumerate() {
        let lacks = simd.splat(u64::from(least >> k & 1 == 0).wrapping_neg());
        enough = simd.add3(lacks, plane, enough).1;
    }
    enough
}

/// The total in one lane.
#[inline(always)]
fn single<S: Simd>(planes: &[u64], lane: usize) -> u16 {
    let bit = |plane: &[u64]| (plane[lane / 64] >> (lane % 64) & 1) as u16;
    planes.chunks_exact(S::WORDS).enumerate().map(|(k, plane)| bit(plane) << k).sum()
}

/// Makes the totals of rows of one encoding with a block.
struct Fill<'a> {
    groups: &'a Groups,
    slices: &'a Slices,
    offsets: &'a Offsets,
    rows: Range<usize>,
    block: usize,
    /// For every row the total that is worth a look, where totals that cannot become so much need not be whole; or nothing.
    least: &'a [i32],
    totals: &'a mut Aligned,
}

impl Work for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn on<S: Simd>(self, simd: S) {
        // The unchecked loads rest on this, and on what the two constructors say of places and lengths.
        assert!(
            self.groups.bits() == self.slices.bits()
                && self.groups.step() == self.slices.step()
                && self.slices.width() == S::WORDS,
            "one kernel and one layout"
        );
        if self.groups.is_short() && self.offsets.planes == SHORT_PLANES {
            self.each::<S, 5, 6, 7, 8, SHORT_PLANES>(simd);
        } else {
            self.each::<S, 7, 8, 9, 10, PLANES>(simd);
        }
    }
}

impl Fill<'_> {
    #[inline(always)]
    fn each<S: Simd, const A: usize, const B: usize, const C: usize, const D: usize, const R: usize>(self, simd: S) {
        let Fill { groups, slices, offsets, rows, block, least, totals } = self;
        let start = offsets.block(block, S::WORDS);
        let length = rows.len() * GROUP * start.len();
        if totals.as_ref().len() != length {
            *totals = Aligned::zeros(length);
        }
        let strips = super::groups::strips(groups.bits()).count();
        for strip in 0..strips {
            let start = (strip == 0).then_some(start);
            if groups.is_lone() && !rows.is_empty() {
                let totals = &mut totals.as_mut()[..length];
                // Before the last strip nobody knows what a total can become.
                let least = if strip + 1 == strips { least } else { &[] };
                lone::add::<S, A, R>(simd, (groups, slices), (block, strip), least, start, totals);
                continue;
            }
            let slices = slices.strip(block, strip);
            for (group, totals) in rows.clone().zip(totals.as_mut().chunks_exact_mut(GROUP * offsets.planes * S::WORDS))
            {
                add_group::<S, A, B, C, D, R>(simd, groups.lists(group, strip), slices, start, totals);
            }
        }
    }
}

/// Adds the counts of a group's four rows in one strip to their totals, or to `start`, the same for each row. Sums of a
/// pattern have A planes, and sums of these B, C and D; totals R or more.
///
/// With `s(p)` for the sum of the columns of pattern `p`, a row's count is the sum of `s(p)` over the patterns that it is
/// part of. What several rows need is added up once, and a sum that is needed for a pattern `p` only together with that of
/// another goes on from the other's planes, which costs nothing. Loops where they could be: what they are made of is
/// large when compiled, and has to fit the instruction cache.
#[inline(always)]
fn add_group<S: Simd, const A: usize, const B: usize, const C: usize, const D: usize, const R: usize>(
    simd: S,
    mut lists: Lists<'_>,
    slices: &[u64],
    start: Option<&[u64]>,
    totals: &mut [u64],
) {
    // Patterns 15 to 9, by their numbers of rows.
    let mut sums = [[simd.zero(); A]; 7];
    for (sum, rows) in sums.iter_mut().zip([4, 3, 3, 2, 3, 2, 2]) {
        *sum = columns(simd, *sum, lists.shared(rows), slices);
    }
    let [s15, s14, s13, s12, s11, s10, s9] = sums;
    let mut known = [[simd.zero(); D]; GROUP];
    // Row 3: patterns 8 to 15.
    let left: [_; C] = sum::<S, B, C>(simd, sum(simd, s15, s14), sum(simd, s13, s12));
    let right: [_; C] = sum::<S, B, C>(simd, sum(simd, s11, s10), widen(simd, s9));
    known[3] = sum(simd, left, right);
    // Patterns 7, 6 and 5 with 15, 14 and 13: from here on row 3 does not matter.
    let mut sums: [[_; B]; 3] = [widen(simd, s15), widen(simd, s14), widen(simd, s13)];
    for (sum, rows) in sums.iter_mut().zip([3, 2, 2]) {
        *sum = columns(simd, *sum, lists.shared(rows), slices);
    }
    let [s7, s6, s5] = sums;
    // Row 2: patterns 4 to 7 and 12 to 15.
    let left: [_; C] = sum(simd, s7, s6);
    let right: [_; C] = sum(simd, s5, widen(simd, s12));
    known[2] = sum(simd, left, right);
    // Pattern 3 with 7, 11 and 15, which rows 1 and 0 share.
    let s3: [_; C] = columns(simd, sum(simd, s7, widen(simd, s11)), lists.shared(2), slices);
    let right: [_; C] = sum(simd, s6, widen(simd, s10));
    known[1] = sum(simd, s3, right);
    let right: [_; C] = sum(simd, s5, widen(simd, s9));
    known[0] = sum(simd, s3, right);
    // What each row shares with no other: patterns 8, 4, 2 and 1.
    let length = totals.len() / GROUP;
    for (row, totals) in totals.chunks_exact_mut(length).enumerate().rev() {
        finish::<S, A, D, R>(simd, known[row], lists.single(row), slices, start, totals);
    }
}

/// Adds what is known of a row's count and the columns that it shares with no other row to its total, or to `start`.
#[inline(always)]
fn finish<S: Simd, const A: usize, const D: usize, const R: usize>(
    simd: S,
    known: [S::Vector; D],
    octets: &[[u16; OCTET]],
    slices: &[u64],
    start: Option<&[u64]>,
    totals: &mut [u64],
) {
    if let Some(start) = start {
        totals.copy_from_slice(start);
    }
    // Long rows have planes of their own for what is carried over.
    let (low, high) = totals.split_at_mut(R * S::WORDS);
    let mut total = [simd.zero(); R];
    for (plane, words) in total.iter_mut().zip(low.chunks_exact(S::WORDS)) {
        *plane = simd.load(words);
    }
    let carry = add_to(simd, &mut total, known);
    ripple(simd, high, carry);
    for octets in octets.chunks(piece(A)) {
        let carry = add_to(simd, &mut total, columns(simd, [simd.zero(); A], octets, slices));
        ripple(simd, high, carry);
    }
    for (&plane, words) in total.iter().zip(low.chunks_exact_mut(S::WORDS)) {
        simd.store(plane, words);
    }
}

#[inline(always)]
pub(super) fn ripple<S: Simd>(simd: S, planes: &mut [u64], mut carry: S::Vector) {
    for words in planes.chunks_exact_mut(S::WORDS) {
        let plane = simd.load(words);
        simd.store(simd.xor(plane, carry), words);
        carry = simd.and(plane, carry);
    }
}

/// Adds up the slices of columns, on top of what the planes hold. The sum has to fit them.
#[inline(always)]
pub(super) fn columns<S: Simd, const P: usize>(
    simd: S,
    mut planes: [S::Vector; P],
    octets: &[[u16; OCTET]],
    slices: &[u64],
) -> [S::Vector; P] {
    let (pairs, rest) = octets.as_chunks::<2>();
    for [x, y] in pairs {
        let (x, y) = (octet(simd, &mut planes, x, slices), octet(simd, &mut planes, y, slices));
        let (sum, mut carry) = simd.add3(planes[3], x, y);
        planes[3] = sum;
        for plane in &mut planes[4..] {
            (*plane, carry) = (simd.xor(*plane, carry), simd.and(*plane, carry));
        }
    }
    for x in rest {
        let mut carry = octet(simd, &mut planes, x, slices);
        for plane in &mut planes[3..] {
            (*plane, carry) = (simd.xor(*plane, carry), simd.and(*plane, carry));
        }
    }
    planes
}

/// Adds up eight columns' slices: sums of one, two and four in the first three planes, and what carries over to eight.
#[inline(always)]
fn octet<S: Simd, const P: usize>(
    simd: S,
    planes: &mut [S::Vector; P],
    places: &[u16; OCTET],
    slices: &[u64],
) -> S::Vector {
    let column = |i: usize| {
        // SAFETY: `Groups::push` makes no place greater than the strip's columns times the step, `Slices::strip` has a whole
        // vector from there on, that of zeros, and `Fill` has checked that both are of one length of row and one step, and
        // the slices of this vector.
        #[expect(unsafe_code, reason = "one check for each of these would cost a fifth of the speed")]
        unsafe {
            simd.load_at(slices, usize::from(places[i]))
        }
    };
    let (x, x2) = simd.add3(column(0), column(1), column(2));
    let (y, y2) = simd.add3(column(3), column(4), column(5));
    let (z, z2) = simd.add3(x, column(6), column(7));
    let (one, one2) = simd.add3(planes[0], y, z);
    let (u, u4) = simd.add3(x2, y2, z2);
    let (two, two4) = simd.add3(planes[1], u, one2);
    let (four, eight) = simd.add3(planes[2], u4, two4);
    [planes[0], planes[1], planes[2]] = [one, two, four];
    eight
}

/// The same number with more planes.
#[inline(always)]
fn widen<S: Simd, const P: usize, const R: usize>(simd: S, planes: [S::Vector; P]) -> [S::Vector; R] {
    let mut wide = [simd.zero(); R];
    wide[..P].copy_from_slice(&planes);
    wide
}

/// The sum of two numbers, which has to fit.
#[inline(always)]
fn sum<S: Simd, const P: usize, const R: usize>(simd: S, a: [S::Vector; P], b: [S::Vector; P]) -> [S::Vector; R] {
    let mut sum = widen(simd, a);
    add_to(simd, &mut sum, b);
    sum
}

/// Adds a number to one with as many planes or more, and gives what they do not hold.
#[inline(always)]
pub(super) fn add_to<S: Simd, const P: usize, const R: usize>(
    simd: S,
    total: &mut [S::Vector; R],
    number: [S::Vector; P],
) -> S::Vector {
    let mut carry = simd.and(total[0], number[0]);
    total[0] = simd.xor(total[0], number[0]);
    for k in 1..P {
        (total[k], carry) = simd.add3(carry, total[k], number[k]);
    }
    for plane in &mut total[P..] {
        (*plane, carry) = (simd.xor(*plane, carry), simd.and(*plane, carry));
    }
    carry
}

#[cfg(test)]
mod tests {
    use super::super::groups::List;
    use super::super::slices::{Layout, Turn};
    use super::super::{Count, naive};
    use super::*;
    use crate::split_mix::SplitMix64;

    /// Rows of every kind that could go wrong: empty, full, sparse, dense, a single bit, equal to the one before.
    fn rows(count: usize, bits: usize, seed: u64) -> Vec<u64> {
        let stride = bits.div_ceil(64);
        let mut random = SplitMix64(seed);
        let mut words: Vec<u64> = Vec::new();
        for row in 0..count {
            let kind = random.next() % 8;
            for word in 0..stride {
                let (x, y, z) = (random.next(), random.next(), random.next());
                let value = match kind {
                    0 => 0,
                    1 => u64::MAX,
                    2 => x & y & z,
                    3 => x | y | z,
                    4 if row > 0 => words[(row - 1) * stride + word],
                    5 => u64::from(word == row % stride) << (row % 64),
                    _ => x,
                };
                let past = if word + 1 == stride { (64 - bits % 64) % 64 } else { 0 };
                words.push(value << past >> past);
            }
        }
        words
    }

    fn sliced_kernels() -> impl Iterator<Item = (Kernel, Layout)> {
        let kernels = Kernel::available().into_iter().filter(|kernel| *kernel != Kernel::Naive);
        kernels.flat_map(|kernel| [(kernel, Layout::Blocks), (kernel, Layout::Lines)])
    }

    const LENGTHS: [usize; 22] =
        [1, 2, 7, 63, 64, 65, 127, 128, 129, 254, 255, 256, 1000, 1023, 1024, 1025, 1500, 2048, 2049, 3000, 4095, 4096];

    #[test]
    fn counts_are_the_oracles() {
        for bits in LENGTHS {
            let stride = bits.div_ceil(64);
            for (of_a, of_b) in [(1, 1), (3, 64), (4, 65), (9, 513), (130, 130)] {
                let (a, b) = (rows(of_a, bits, bits as u64), rows(of_b, bits, of_b as u64));
                let mut expected = vec![0; of_a * of_b];
                // Row by row was tested against the oracle, which is slow.
                let oracle = if of_a * of_b * bits < 1 << 18 { naive::count } else { by_rows };
                oracle(Count::Common, &a, &b, stride, &mut expected);
                for (kernel, layout) in sliced_kernels() {
                    let groups = kernel.run(List { rows: &a, stride, bits, layout });
                    let slices = kernel.run(Turn { rows: &b, stride, bits, layout });
                    let none = Offsets::none(&slices);
                    let (mut scratch, mut out) = (Scratch::default(), vec![7; 3]);
                    for block in 0..slices.blocks() {
                        let rows = 0..of_a.div_ceil(GROUP);
                        counts(kernel, (&groups, &slices, &none), rows, block, &mut scratch, &mut out);
                        let lanes = slices.lanes();
                        assert_eq!(out.len(), of_a * lanes);
                        for (i, out) in out.chunks_exact(lanes).enumerate() {
                            for (j, &count) in slices.block(block).zip(out) {
                                assert_eq!(u32::from(count), expected[i * of_b + j], "{kernel} {bits} bits: {i}, {j}");
                            }
                        }
                    }
                }
            }
        }
    }

    fn by_rows(count: Count, a: &[u64], b: &[u64], stride: usize, out: &mut [u32]) {
        Kernel::Portable.count(count, a, b, stride, out);
    }

    /// One encoding and two, offsets, and a least total for each row that is hit exactly, missed by one, always or never
    /// reached; rows enough for groups, and rows alone.
    #[test]
    fn hits_are_the_pairs_of_which_a_total_is_enough() {
        let sizes = [(1, 200), (128, 64), (254, 255), (1024, 1000), (4096, 65), (1025, 4096)];
        let all = sizes.into_iter().flat_map(|bits| [(bits, 21), (bits, 3), (bits, 1)]);
        for (seed, ((x, y), of_a)) in (0..).zip(all) {
            let (bits, of_b) = ([x, y], 600);
            let a = bits.map(|bits| rows(of_a, bits, seed + 10));
            let b = bits.map(|bits| rows(of_b, bits, seed + 20));
            let mut random = SplitMix64(seed);
            let offsets = bits.map(|bits| (0..of_b).map(|_| (random.next() % 50) as u16 + bits as u16 % 3).collect());
            let offsets: [Vec<u16>; 2] = offsets;
            let counts = [0, 1].map(|encoding| {
                let mut counts = vec![0; of_a * of_b];
                by_rows(Count::Common, &a[encoding], &b[encoding], bits[encoding].div_ceil(64), &mut counts);
                counts
            });
            let least: [Vec<i32>; 2] = [0, 1].map(|encoding| {
                let some = |i: usize| {
                    let j = (i * 31 + encoding) % of_b;
                    (counts[encoding][i * of_b + j] + u32::from(offsets[encoding][j])) as i32
                };
                (0..of_a)
                    .map(|i| match (i + seed as usize) % 7 {
                        0 => -5,
                        1 => 1 << 20,
                        2 => some(i) + 1,
                        3 => 0,
                        _ => some(i),
                    })
                    .collect()
            });
            for (kernel, layout) in sliced_kernels() {
                let strides = bits.map(|bits| bits.div_ceil(64));
                let groups =
                    [0, 1].map(|e| kernel.run(List { rows: &a[e], stride: strides[e], bits: bits[e], layout }));
                let slices =
                    [0, 1].map(|e| kernel.run(Turn { rows: &b[e], stride: strides[e], bits: bits[e], layout }));
                let planes = [0, 1].map(|e| Offsets::new(&slices[e], offsets[e].clone(), bits[e] + 60));
                let sides: Vec<Side<'_>> = (0..2)
                    .map(|e| Side { groups: &groups[e], slices: &slices[e], offsets: &planes[e], least: &least[e] })
                    .collect();
                for of in [0..1, 1..2, 0..2] {
                    let (mut scratch, mut hits) = (Scratch::default(), Hits::default());
                    let groups = of_a.div_ceil(GROUP);
                    for block in 0..slices[0].blocks() {
                        for rows in [0..groups.min(3), groups.min(3)..groups] {
                            search(kernel, &sides[of.clone()], rows, block, &mut scratch, &mut hits);
                        }
                    }
                    let counts_of = hits.counts.chunks(of.len()).map(<[u16]>::to_vec);
                    let mut found: Vec<_> = hits.pairs.iter().zip(counts_of).map(|(p, c)| (p.a, p.b, c)).collect();
                    found.sort_unstable();
                    let count = |e: usize, i: usize, j: usize| counts[e][i * of_b + j];
                    let enough = |e: usize, i: usize, j: usize| {
                        (count(e, i, j) + u32::from(offsets[e][j])) as i32 >= least[e][i]
                    };
                    let pairs = (0..of_a).flat_map(|i| (0..of_b).map(move |j| (i, j)));
                    let expected: Vec<_> = pairs
                        .filter(|&(i, j)| of.clone().any(|e| enough(e, i, j)))
                        .map(|(i, j)| (i as u32, j as u32, of.clone().map(|e| count(e, i, j) as u16).collect()))
                        .collect();
                    assert_eq!(found, expected, "{kernel} {layout:?} {bits:?}, {of_a} rows");
                }
            }
        }
    }
}
