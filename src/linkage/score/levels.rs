//! From counts of common bits to level patterns, for all pairs of a tile.
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the caller's instructions")]

use super::Work;
use super::simd::Simd;

/// How one encoding's counts fall into levels: a pair of rows with a and b bits, c in both, reaches level k + 1 where
/// `weight · c ≥ slope · (a + b) − slack` for cut k. Cuts rise: who reaches one has reached those before it.
#[derive(Clone, Debug)]
pub(in crate::linkage) struct Cuts {
    pub(in crate::linkage) weight: i32,
    /// Slope and slack of each cut.
    pub(in crate::linkage) lines: Vec<(i32, i32)>,
    /// Whether a row without a bit is no evidence, which is a level of its own, above all others.
    pub(in crate::linkage) needs_bits: bool,
}

impl Cuts {
    /// How many levels there are, the lowest and the one for "no evidence" included.
    pub(in crate::linkage) fn levels(&self) -> usize {
        self.lines.len() + 1 + usize::from(self.needs_bits)
    }

    /// The level of one pair.
    pub(in crate::linkage) fn level(&self, common: u32, a: u32, b: u32) -> usize {
        if self.needs_bits && (a == 0 || b == 0) {
            return self.lines.len() + 1;
        }
        let reached = |&&(slope, slack): &&(i32, i32)| self.weight * common as i32 >= slope * (a + b) as i32 - slack;
        self.lines.iter().filter(reached).count()
    }
}

/// Rows of one encoding: counts of common bits for each pair of a tile, row after row, and the set bits of the rows.
pub(in crate::linkage) struct Counted<'a> {
    pub(in crate::linkage) cuts: &'a Cuts,
    /// `lanes` counts for every row of `a`; those past the rows of `b` do not matter.
    pub(in crate::linkage) counts: &'a [u16],
    pub(in crate::linkage) a: &'a [u32],
    pub(in crate::linkage) b: &'a [u32],
}

/// Adds `level * step` to the pattern of each pair of a tile, for one encoding.
pub(in crate::linkage) struct AddLevels<'a> {
    pub(in crate::linkage) counted: Counted<'a>,
    pub(in crate::linkage) lanes: usize,
    pub(in crate::linkage) step: u16,
    /// `lanes` patterns for every row of `a`.
    pub(in crate::linkage) patterns: &'a mut [u16],
}

/// More rows than a block has.
const LANES: usize = 512;

impl Work for AddLevels<'_> {
    type Output = ();

    /// Written as loops over lanes without branches, which compilers turn into vectors.
    #[inline(always)]
    fn on<S: Simd>(self, _: S) {
        let AddLevels { counted: Counted { cuts, counts, a, b }, lanes, step, patterns } = self;
        let mut sums = [0; LANES];
        let mut weighted = [0; LANES];
        let rows = counts.chunks_exact(lanes).zip(patterns.chunks_exact_mut(lanes));
        for (&a, (counts, patterns)) in a.iter().zip(rows) {
            let none = (cuts.lines.len() + 1) as u16 * step;
            if cuts.needs_bits && a == 0 {
                patterns.iter_mut().for_each(|pattern| *pattern += none);
                continue;
            }
            for ((sum, weighted), (&b, &count)) in sums.iter_mut().zip(&mut weighted).zip(b.iter().zip(counts)) {
                // A row without a bit would reach every cut or none: it is put below all of them.
                let nothing = cuts.needs_bits && b == 0;
                *sum = (a + b) as i32;
                *weighted = if nothing { i32::MIN } else { cuts.weight * i32::from(count) };
            }
            for &(slope, slack) in &cuts.lines {
                for ((&sum, &weighted), pattern) in sums.iter().zip(&weighted).zip(&mut *patterns) {
                    *pattern += if weighted >= slope * sum - slack { step } else { 0 };
                }
            }
            if cuts.needs_bits {
                for (&b, pattern) in b.iter().zip(patterns) {
                    *pattern += if b == 0 { none } else { 0 };
                }
            }
        }
    }
}
