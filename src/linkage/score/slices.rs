//! The other side of a bit-sliced comparison: rows turned on their side.
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the caller's instructions")]

use super::Work;
use super::groups::strips;
use super::simd::Simd;

/// Words of the longest vectors.
const MOST_WORDS: usize = 8;

/// Rows in bit slices, 64·W rows to a block (W: words of the kernel's vectors). Within a block, strip after strip: for every
/// column a vector with the column's bit of each row, and behind the strip's last column a vector of zeros.
pub(crate) struct Slices {
    bits: usize,
    width: usize,
    rows: usize,
    /// Places of the strips within a block, and the length of a block, in words.
    starts: Vec<usize>,
    words: Aligned,
}

/// Turns whole rows of `stride` words, of which the first `bits` bits count.
pub(crate) struct Turn<'a> {
    pub(crate) rows: &'a [u64],
    pub(crate) stride: usize,
    pub(crate) bits: usize,
}

impl Work for Turn<'_> {
    type Output = Slices;

    #[inline(always)]
    fn on<S: Simd>(self, simd: S) -> Slices {
        let Turn { rows, stride, bits } = self;
        debug_assert!(stride * 64 >= bits && rows.len().is_multiple_of(stride));
        let lanes = 64 * S::WORDS;
        let mut starts = vec![0];
        let mut block = 0;
        for strip in strips(bits) {
            block += (strip.len() + 1) * S::WORDS;
            starts.push(block);
        }
        let count = rows.len() / stride;
        let mut words = Aligned::zeros(count.div_ceil(lanes) * block);
        let mut squares = [0; 64 * MOST_WORDS];
        let squares = &mut squares[..64 * S::WORDS];
        for (rows, out) in rows.chunks(lanes * stride).zip(words.as_mut().chunks_exact_mut(block.max(1))) {
            for (strip, &start) in strips(bits).zip(&starts) {
                for word in strip.start / 64..strip.end.div_ceil(64) {
                    for (bit, line) in squares.chunks_exact_mut(S::WORDS).enumerate() {
                        for (lane, place) in line.iter_mut().enumerate() {
                            *place = rows.get((lane * 64 + bit) * stride + word).copied().unwrap_or(0);
                        }
                    }
                    simd.transpose(squares);
                    let first = start + (word * 64 - strip.start) * S::WORDS;
                    let length = (strip.end - word * 64).min(64) * S::WORDS;
                    out[first..first + length].copy_from_slice(&squares[..length]);
                }
            }
        }
        Slices { bits, width: S::WORDS, rows: count, starts, words }
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

    /// A block's slices of one strip: for each column a vector, and one of zeros.
    pub(super) fn strip(&self, block: usize, strip: usize) -> &[u64] {
        let first = block * self.starts[self.starts.len() - 1];
        &self.words.as_ref()[first + self.starts[strip]..first + self.starts[strip + 1]]
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
