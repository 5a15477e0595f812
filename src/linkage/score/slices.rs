//! The other side of a bit-sliced comparison: rows turned on their side.
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the caller's instructions")]

use super::Work;
use super::groups::strips;
use super::simd::Simd;

/// Words of the longest vectors.
const MOST_WORDS: usize = 8;

/// How the blocks of [`Slices`] lie in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layout {
    /// One after the other: for many rows that are compared with a block, which stays in the nearest cache.
    Blocks,
    /// As many side by side as fill cache lines, column by column: a single row wants some of the columns, and memory comes
    /// by lines, so that with shorter vectors much of what came would not be wanted.
    Lines,
}

impl Layout {
    /// From one column's vectors to the next column's, in words.
    pub(super) fn step<S: Simd>(self) -> usize {
        match self {
            Layout::Blocks => S::WORDS,
            Layout::Lines => S::WORDS.max(LINE / 8),
        }
    }
}

/// Rows in bit slices, 64·W rows to a block (W: words of the kernel's vectors). A block is strip after strip: for every
/// column a vector with the column's bit of each row, and behind the strip's last column a vector of zeros. Blocks that lie
/// side by side take turns, vector by vector.
pub(crate) struct Slices {
    bits: usize,
    width: usize,
    /// From a column to the next, in words: vectors of as many blocks as lie side by side.
    step: usize,
    rows: usize,
    /// Places of the strips among blocks that lie side by side, and the length of these, in words.
    starts: Vec<usize>,
    words: Aligned,
}

/// Turns whole rows of `stride` words, of which the first `bits` bits count.
pub(crate) struct Turn<'a> {
    pub(crate) rows: &'a [u64],
    pub(crate) stride: usize,
    pub(crate) bits: usize,
    pub(crate) layout: Layout,
}

impl Work for Turn<'_> {
    type Output = Slices;

    #[inline(always)]
    fn on<S: Simd>(self, simd: S) -> Slices {
        let Turn { rows, stride, bits, layout } = self;
        debug_assert!(stride * 64 >= bits && rows.len().is_multiple_of(stride));
        let (lanes, step) = (64 * S::WORDS, layout.step::<S>());
        let mut starts = vec![0];
        let mut length = 0;
        for strip in strips(bits) {
            length += (strip.len() + 1) * step;
            starts.push(length);
        }
        let (count, across) = (rows.len() / stride, step / S::WORDS);
        let mut words = Aligned::zeros(count.div_ceil(lanes * across) * length);
        let mut squares = [0; 64 * MOST_WORDS];
        let squares = &mut squares[..64 * S::WORDS];
        for (block, rows) in rows.chunks(lanes * stride).enumerate() {
            let out = &mut words.as_mut()[block / across * length..][..length];
            for (strip, &start) in strips(bits).zip(&starts) {
                for word in strip.start / 64..strip.end.div_ceil(64) {
                    for (bit, line) in squares.chunks_exact_mut(S::WORDS).enumerate() {
                        for (lane, place) in line.iter_mut().enumerate() {
                            *place = rows.get((lane * 64 + bit) * stride + word).copied().unwrap_or(0);
                        }
                    }
                    simd.transpose(squares);
                    let first = start + (word * 64 - strip.start) * step + block % across * S::WORDS;
                    let columns = squares.chunks_exact(S::WORDS).take(strip.end - word * 64);
                    for (column, out) in columns.zip(out[first..].chunks_mut(step)) {
                        out[..S::WORDS].copy_from_slice(column);
                    }
                }
            }
        }
        Slices { bits, width: S::WORDS, step, rows: count, starts, words }
    }
}

impl Slices {
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn bits(&self) -> usize {
        self.bits
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn step(&self) -> usize {
        self.step
    }

    /// How many blocks lie side by side.
    pub(super) fn across(&self) -> usize {
        self.step / self.width
    }

    /// Rows in a block.
    pub(crate) fn lanes(&self) -> usize {
        64 * self.width
    }

    pub(crate) fn blocks(&self) -> usize {
        self.rows.div_ceil(64 * self.width)
    }

    /// The rows of a block.
    pub(crate) fn block(&self, block: usize) -> std::ops::Range<usize> {
        let lanes = self.lanes();
        block * lanes..((block + 1) * lanes).min(self.rows)
    }

    /// A block's slices of one strip: a vector for each column, and one of zeros, from the beginning on, one every `step`
    /// words.
    pub(super) fn strip(&self, block: usize, strip: usize) -> &[u64] {
        let first = block / self.across() * self.starts[self.starts.len() - 1];
        let own = block % self.across() * self.width;
        &self.words.as_ref()[first + self.starts[strip] + own..first + self.starts[strip + 1]]
    }
}

/// Words that begin where a cache line does: a vector that lies across two lines is loaded twice.
pub(crate) struct Aligned {
    words: Vec<u64>,
    start: usize,
    len: usize,
}

const LINE: usize = 64;

impl Aligned {
    pub(crate) fn zeros(len: usize) -> Self {
        let words = vec![0; len + LINE / 8 - 1];
        let start = words.as_ptr().align_offset(LINE).min(LINE / 8 - 1);
        Aligned { words, start, len }
    }

    pub(crate) fn as_ref(&self) -> &[u64] {
        &self.words[self.start..self.start + self.len]
    }

    pub(crate) fn as_mut(&mut self) -> &mut [u64] {
        &mut self.words[self.start..self.start + self.len]
    }
}
