//! What a comparison's totals begin with: a number for each row that is on its side.

use super::groups::SHORT;
use super::slices::{Aligned, Slices};

/// Planes of totals of short rows, and of all others; further ones for the totals of long rows, up to so many, are in
/// memory and not in registers.
pub(super) const SHORT_PLANES: usize = 8;
pub(super) const PLANES: usize = 11;
const MOST_PLANES: usize = 14;

/// What is added to the counts of each row in [`Slices`], in planes.
pub(crate) struct Offsets {
    pub(super) values: Vec<u16>,
    pub(super) planes: usize,
    words: Aligned,
}

impl Offsets {
    /// One for each row; `most` is the largest total of a count and an offset.
    pub(crate) fn new(slices: &Slices, values: Vec<u16>, most: usize) -> Self {
        debug_assert!(values.len() == slices.rows() && most < 1 << MOST_PLANES);
        let fits = |planes: usize| most < 1 << planes;
        let short = slices.bits() <= SHORT && fits(SHORT_PLANES);
        let planes = if short { SHORT_PLANES } else { (PLANES..MOST_PLANES).find(|&p| fits(p)).unwrap_or(MOST_PLANES) };
        let width = slices.width();
        let mut offsets = Offsets { values, planes, words: Aligned::zeros(slices.blocks() * planes * width) };
        let words = offsets.words.as_mut();
        for (values, words) in offsets.values.chunks(64 * width).zip(words.chunks_exact_mut(planes * width)) {
            for (lane, &value) in values.iter().enumerate() {
                for plane in 0..planes {
                    words[plane * width + lane / 64] |= u64::from(value >> plane & 1) << (lane % 64);
                }
            }
        }
        offsets
    }

    /// All 0.
    pub(crate) fn none(slices: &Slices) -> Self {
        Self::new(slices, vec![0; slices.rows()], slices.bits())
    }

    /// The planes of a block.
    pub(super) fn block(&self, block: usize, width: usize) -> &[u64] {
        let length = self.planes * width;
        &self.words.as_ref()[block * length..(block + 1) * length]
    }
}

/// What the rows of a chunk add to the least total, see [`Cut::share`](super::Cut::share). The offsets make up for what a
/// row adds less than the one that adds most, so that one number for each row of the other side is the least total for all
/// of these.
pub(in crate::linkage) struct Shares {
    shares: Vec<i64>,
    most: i64,
}

impl Shares {
    pub(in crate::linkage) fn new(shares: impl Iterator<Item = i64>) -> Self {
        let shares: Vec<i64> = shares.collect();
        Shares { most: shares.iter().copied().max().unwrap_or(0), shares }
    }

    pub(in crate::linkage) fn most(&self) -> i64 {
        self.most
    }

    pub(in crate::linkage) fn offsets(&self, slices: &Slices) -> Offsets {
        // Shares are at most half of a row's bits, and less than all of them apart.
        let offsets: Vec<u16> = self.shares.iter().map(|share| (self.most - share) as u16).collect();
        let largest = slices.bits() + usize::from(offsets.iter().copied().max().unwrap_or(0));
        Offsets::new(slices, offsets, largest)
    }
}

const _: () = assert!(SHORT < 1 << SHORT_PLANES && crate::schema::MAX_BITS * 2 < 1 << MOST_PLANES);
