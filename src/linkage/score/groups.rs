//! One side of a bit-sliced comparison: which columns to add up for each row, four rows at a time.
//!
//! A row's count of common bits with 64·W others is a sum of bit slices: those of the columns in which the row has a bit.
//! Four rows share that work: each column belongs to one of sixteen patterns (which of the four rows have it), the slices of
//! a pattern are added up once, and a row's count is the sum over the eight patterns that it is part of. At half the bits
//! set that is 15/16 of the columns for four rows, where one at a time would take twice all of them. It is the method of
//! four Russians (Arlazarov, Dinic, Kronrod & Faradžev 1970) turned from tables to sums.
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the caller's instructions")]

use super::Work;
use super::simd::Simd;
use super::slices::Layout;

/// Rows in a group.
pub(crate) const GROUP: usize = 4;

/// The most columns in a strip: their slices stay in the nearest caches, and their places fit 16 bits.
pub(super) const STRIP: usize = 1024;

/// Columns in an octet, the unit in which they are added up.
pub(super) const OCTET: usize = 8;

/// Patterns in the order in which they are added up: [`sliced`](super::sliced) takes them from the list one by one.
pub(super) const ORDER: [usize; 15] = [15, 14, 13, 12, 11, 10, 9, 7, 6, 5, 3, 8, 4, 2, 1];

/// The most octets of a pattern of several rows: sums of as many columns fit seven bits, in short filters five.
const MOST: usize = 15;
const MOST_SHORT: usize = 3;

/// Filters up to this long are short: their counts fit eight bits.
pub(super) const SHORT: usize = 255;

/// The columns of a comparison's rows, cut into strips of whole words and of about the same width.
pub(super) fn strips(bits: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let words = bits.div_ceil(64);
    let wide = words.div_ceil(bits.div_ceil(STRIP));
    (0..words).step_by(wide).map(move |word| word * 64..((word + wide) * 64).min(bits))
}

/// The column lists of rows, group after group and within it strip after strip.
pub(crate) struct Groups {
    /// Bits of a row, and from a column to the next in the slices that the places are for, in words.
    bits: usize,
    step: usize,
    rows: usize,
    strips: usize,
    /// The places of columns' slices in a strip, and of the slice of zeros that fills octets up. None is greater than
    /// `columns of the strip * step`: the kernels' unchecked loads rest on it.
    octets: Vec<[u16; OCTET]>,
    entries: Vec<Entry>,
}

/// Where a group's lists of one strip are.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    start: u32,
    /// Octets of patterns of two, three and four rows: the same for all groups, so that processors foresee the loops.
    shared: [u8; 3],
    /// Octets of the patterns of a single row, by row.
    single: [u16; GROUP],
}

/// Makes lists of whole rows of `stride` words, of which the first `bits` bits count.
pub(crate) struct List<'a> {
    pub(crate) rows: &'a [u64],
    pub(crate) stride: usize,
    pub(crate) bits: usize,
    /// Of the slices that they will be compared with.
    pub(crate) layout: Layout,
}

impl Work for List<'_> {
    type Output = Groups;

    #[inline(always)]
    fn on<S: Simd>(self, _: S) -> Groups {
        let List { rows, stride, bits, layout } = self;
        let step = layout.step::<S>();
        debug_assert!(stride * 64 >= bits && rows.len().is_multiple_of(stride));
        let strips: Vec<_> = strips(bits).collect();
        let shared: Vec<_> = strips.iter().map(|strip| shared_octets(rows, stride, strip.clone(), bits)).collect();
        let mut groups = Groups {
            bits,
            step,
            rows: rows.len() / stride,
            strips: strips.len(),
            octets: Vec::with_capacity(rows.len() / stride / GROUP * (bits / OCTET + 16)),
            entries: Vec::new(),
        };
        let mut patterns = Patterns { lists: vec![0; 16 * ROOM], lengths: [0; 16] };
        for group in rows.chunks(GROUP * stride) {
            for (strip, &shared) in strips.iter().zip(&shared) {
                patterns.sort(group, stride, strip.clone(), step as u16);
                groups.push(strip.len() * step, shared, &mut patterns);
            }
        }
        groups
    }
}

impl Groups {
    /// Appends a group's lists of one strip. A pattern of several rows that has too many columns gives the rest to the
    /// patterns of its single rows, which comes to the same sums; one that has too few is filled up with `zeros`.
    #[inline(always)]
    fn push(&mut self, zeros: usize, shared: [u8; 3], patterns: &mut Patterns) {
        let start = self.octets.len() as u32;
        let mut octets = [0; 16];
        for pattern in ORDER {
            let rows = pattern.count_ones() as usize;
            if rows > 1 {
                octets[pattern] = usize::from(shared[rows - 2]);
                while patterns.lengths[pattern] > octets[pattern] * OCTET {
                    patterns.lengths[pattern] -= 1;
                    let place = patterns.lists[pattern * ROOM + patterns.lengths[pattern]];
                    (0..GROUP).filter(|row| pattern >> row & 1 == 1).for_each(|row| patterns.push(1 << row, place));
                }
            }
        }
        let mut single = [0; GROUP];
        for (row, single) in single.iter_mut().enumerate() {
            octets[1 << row] = patterns.lengths[1 << row].div_ceil(OCTET);
            *single = octets[1 << row] as u16;
        }
        for pattern in ORDER {
            while patterns.lengths[pattern] < octets[pattern] * OCTET {
                patterns.push(pattern, zeros as u16);
            }
            let list = &patterns.lists[pattern * ROOM..][..octets[pattern] * OCTET];
            self.octets.extend_from_slice(list.as_chunks::<OCTET>().0);
        }
        self.entries.push(Entry { start, shared, single });
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn bits(&self) -> usize {
        self.bits
    }

    pub(super) fn step(&self) -> usize {
        self.step
    }

    /// Whether sums over a pattern of several rows fit five bits, and not only seven.
    pub(super) fn is_short(&self) -> bool {
        self.bits <= SHORT
    }

    /// Whether there are too few rows to share columns: all patterns of several rows are empty.
    pub(super) fn is_lone(&self) -> bool {
        self.rows < GROUP
    }

    /// The lists of a group in one strip.
    pub(super) fn lists(&self, group: usize, strip: usize) -> Lists<'_> {
        let Entry { start, shared, single } = self.entries[group * self.strips + strip];
        Lists { octets: &self.octets[start as usize..], shared, single }
    }
}

/// Octets still to be added up.
pub(super) struct Lists<'a> {
    octets: &'a [[u16; OCTET]],
    shared: [u8; 3],
    single: [u16; GROUP],
}

impl<'a> Lists<'a> {
    /// The next pattern's octets, which must be that of a single row.
    #[inline(always)]
    pub(super) fn single(&mut self, row: usize) -> &'a [[u16; OCTET]] {
        self.take(usize::from(self.single[row]))
    }

    /// The next pattern's octets, which must be one of so many rows.
    #[inline(always)]
    pub(super) fn shared(&mut self, rows: usize) -> &'a [[u16; OCTET]] {
        self.take(usize::from(self.shared[rows - 2]))
    }

    #[inline(always)]
    fn take(&mut self, octets: usize) -> &'a [[u16; OCTET]] {
        let (list, rest) = self.octets.split_at(octets);
        self.octets = rest;
        list
    }
}

/// How many octets patterns of two, three and four rows have in a strip: what is to be expected of rows as full as these.
fn shared_octets(rows: &[u64], stride: usize, strip: std::ops::Range<usize>, bits: usize) -> [u8; 3] {
    let words = strip.start / 64..strip.end.div_ceil(64);
    let set: u64 =
        rows.chunks_exact(stride).flat_map(|row| &row[words.clone()]).map(|w| u64::from(w.count_ones())).sum();
    let columns = strip.len() as f64;
    let fill = set as f64 / (columns * (rows.len() / stride).max(1) as f64);
    if rows.len() / stride < GROUP {
        // One record that is looked up shares no column: patterns of several rows would be filled up with zeros.
        return [0; 3];
    }
    let most = if bits <= SHORT { MOST_SHORT } else { MOST };
    [2, 3, 4].map(|rows| {
        let expected = columns * fill.powi(rows) * (1.0 - fill).powi(GROUP as i32 - rows);
        ((expected / OCTET as f64).round() as usize).min(most) as u8
    })
}

/// The places of a strip's columns, sorted by which of a group's rows have them.
struct Patterns {
    /// For every pattern room for all columns.
    lists: Vec<u16>,
    lengths: [usize; 16],
}

/// Places that are written without a look at how many are needed.
const AHEAD: usize = 8;

/// A row has no column twice, lists are filled up to whole octets, and the last are written ahead.
const ROOM: usize = STRIP + OCTET + AHEAD;

impl Patterns {
    #[inline(always)]
    fn push(&mut self, pattern: usize, place: u16) {
        self.lists[pattern * ROOM + self.lengths[pattern]] = place;
        self.lengths[pattern] += 1;
    }

    /// `group` is at most four rows; a column's place is its number in the strip times `step`.
    #[inline(always)]
    fn sort(&mut self, group: &[u64], stride: usize, strip: std::ops::Range<usize>, step: u16) {
        self.lengths = [0; 16];
        for word in strip.start / 64..strip.end.div_ceil(64) {
            // No column past the strip's last may get into a list, whatever the rows hold there.
            let inside = u64::MAX >> (64 - (strip.end - word * 64).min(64));
            let row = |row: usize| group.get(row * stride + word).map_or(0, |word| word & inside);
            let rows: [u64; GROUP] = std::array::from_fn(row);
            let first = (word * 64 - strip.start) as u16;
            for pattern in 1..16 {
                let own = |row: usize| if pattern >> row & 1 == 1 { rows[row] } else { !rows[row] };
                let mut columns = own(0) & own(1) & own(2) & own(3);
                let count = columns.count_ones() as usize;
                let list = &mut self.lists[pattern * ROOM + self.lengths[pattern]..];
                // Nearly always eight are enough, and what is written past the count is overwritten later: no loop whose
                // end processors have to guess.
                for place in &mut list[..AHEAD] {
                    *place = (first + columns.trailing_zeros() as u16) * step;
                    columns &= columns.wrapping_sub(1);
                }
                for place in &mut list[..count.max(AHEAD)][AHEAD..] {
                    *place = (first + columns.trailing_zeros() as u16) * step;
                    columns &= columns.wrapping_sub(1);
                }
                self.lengths[pattern] += count;
            }
        }
    }
}
