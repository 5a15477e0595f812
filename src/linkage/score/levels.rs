//! From counts of common bits to level patterns, for all pairs of a tile.
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the caller's instructions")]

use super::Work;
use super::simd::Simd;

/// How one encoding's counts fall into levels: a pair of rows with a and b bits, c in both, reaches level k + 1 if it reaches
/// cut k. Cuts rise: who reaches one has reached those before it.
#[derive(Clone, Debug)]
pub(in crate::linkage) struct Cuts {
    pub(in crate::linkage) lines: Vec<Line>,
    /// Whether a row without a bit is no evidence, which is a level of its own, above all others.
    pub(in crate::linkage) needs_bits: bool,
}

/// A cut: `weight · c + slack ≥ slope · (a + b)`.
#[derive(Clone, Copy, Debug)]
pub(in crate::linkage) struct Line {
    weight: u32,
    slope: u32,
    slack: u32,
}

impl Line {
    /// A Dice coefficient of at least `numerator / denominator`.
    pub(in crate::linkage) fn dice(numerator: u32, denominator: u32) -> Self {
        let common = gcd(numerator, 2 * denominator).max(1);
        Line { weight: 2 * denominator / common, slope: numerator / common, slack: 0 }
    }

    /// At most so many differing bits.
    pub(in crate::linkage) fn distance(most: u32) -> Self {
        Line { weight: 2, slope: 1, slack: most }
    }

    #[inline(always)]
    fn reached(self, common: u32, a: u32, b: u32) -> bool {
        self.weight * common + self.slack >= self.slope * (a + b)
    }

    /// Whether rows of so many bits can be compared in 16-bit numbers.
    fn fits(self, bits: usize) -> bool {
        let bits = bits as u32;
        u16::try_from((self.weight * bits + self.slack).max(self.slope * 2 * bits)).is_ok()
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Cuts {
    /// How many levels there are, the lowest and the one for "no evidence" included.
    pub(in crate::linkage) fn levels(&self) -> usize {
        self.lines.len() + 1 + usize::from(self.needs_bits)
    }

    /// The level of one pair: the oracle.
    #[cfg(test)]
    pub(in crate::linkage) fn level(&self, common: u32, a: u32, b: u32) -> usize {
        if self.needs_bits && (a == 0 || b == 0) {
            return self.lines.len() + 1;
        }
        self.lines.iter().filter(|line| line.reached(common, a, b)).count()
    }
}

/// Adds `level * step` to the pattern of each pair of a tile, for one encoding.
pub(in crate::linkage) struct AddLevels<'a> {
    pub(in crate::linkage) cuts: &'a Cuts,
    /// Length of the rows.
    pub(in crate::linkage) bits: usize,
    /// Counts of common bits, `lanes` for every row of `a`; those past the rows of `b` do not matter.
    pub(in crate::linkage) counts: &'a [u16],
    /// Set bits of the rows.
    pub(in crate::linkage) a: &'a [u16],
    pub(in crate::linkage) b: &'a [u16],
    pub(in crate::linkage) lanes: usize,
    pub(in crate::linkage) step: u16,
    /// `lanes` patterns for every row of `a`.
    pub(in crate::linkage) patterns: &'a mut [u16],
}

impl Work for AddLevels<'_> {
    type Output = ();

    #[inline(always)]
    fn on<S: Simd>(self, _: S) {
        let AddLevels { cuts, bits, counts, a, b, lanes, step, patterns } = self;
        let narrow = cuts.lines.iter().all(|line| line.fits(bits));
        let none = (cuts.lines.len() + 1) as u16 * step;
        let rows = counts.chunks_exact(lanes).zip(patterns.chunks_exact_mut(lanes));
        for (&a, (counts, patterns)) in a.iter().zip(rows) {
            let (counts, patterns) = (&counts[..b.len()], &mut patterns[..b.len()]);
            if cuts.needs_bits && a == 0 {
                patterns.iter_mut().for_each(|pattern| *pattern += none);
                continue;
            }
            // A row of `b` without a bit has none in common, and so reaches no cut that is above 0.
            for line in &cuts.lines {
                if narrow {
                    let (weight, slope, slack) = (line.weight as u16, line.slope as u16, line.slack as u16);
                    for ((&count, &b), pattern) in counts.iter().zip(b).zip(&mut *patterns) {
                        *pattern += if weight * count + slack >= slope * (a + b) { step } else { 0 };
                    }
                } else {
                    let a = u32::from(a);
                    for ((&count, &b), pattern) in counts.iter().zip(b).zip(&mut *patterns) {
                        *pattern += if line.reached(u32::from(count), a, u32::from(b)) { step } else { 0 };
                    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::Kernel;

    /// Narrow numbers and wide ones, rows without a bit, fewer rows than lanes.
    #[test]
    fn patterns_are_the_levels_of_single_pairs() {
        let dice =
            |needs_bits| Cuts { lines: [5500, 7000, 9700].map(|cut| Line::dice(cut, 10_000)).to_vec(), needs_bits };
        let diffused = |most: [u32; 3]| Cuts { lines: most.map(Line::distance).to_vec(), needs_bits: false };
        for (bits, cuts) in [
            (128, dice(true)),
            (163, dice(true)),
            (164, dice(true)),
            (4096, dice(true)),
            (1000, diffused([450, 300, 0])),
            (4096, diffused([1900, 1000, 0])),
            (1, diffused([1, 0, 0])),
        ] {
            let rows = |seed: usize, count: usize| -> Vec<u16> {
                (0..count).map(|i| ((i * 7919 + seed * 104_729) % (bits + 1)) as u16 * u16::from(i % 5 != 3)).collect()
            };
            let (a, b, lanes) = (rows(1, 33), rows(2, 50), 64);
            let count = |i: usize, j: usize| {
                let (a, b) = (usize::from(a[i]), usize::from(b[j]));
                let (least, most) = ((a + b).saturating_sub(bits), a.min(b));
                (least + (i * 31 + j * 17) % (most - least + 1)) as u16
            };
            let counts: Vec<u16> = (0..a.len())
                .flat_map(|i| (0..lanes).map(move |j| (i, j)))
                .map(|(i, j)| if j < b.len() { count(i, j) } else { u16::MAX })
                .collect();
            for kernel in Kernel::available() {
                let mut patterns = vec![5; a.len() * lanes];
                let (step, patterns_of) = (7, &mut patterns);
                kernel.run(AddLevels {
                    cuts: &cuts,
                    bits,
                    counts: &counts,
                    a: &a,
                    b: &b,
                    lanes,
                    step,
                    patterns: patterns_of,
                });
                for (i, j) in (0..a.len()).flat_map(|i| (0..b.len()).map(move |j| (i, j))) {
                    let level = cuts.level(u32::from(count(i, j)), u32::from(a[i]), u32::from(b[j]));
                    assert_eq!(patterns[i * lanes + j], 5 + 7 * level as u16, "{kernel}: {bits} bits, {i}, {j}");
                }
            }
        }
    }
}
