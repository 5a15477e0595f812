//! Row by row: the counts of few rows, and of single pairs. `u64::count_ones` in safe Rust, which the compiler turns into
//! what the instruction set has for it (`popcnt`, `vpopcntq`, `cnt`).
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the caller's instructions")]

use super::simd::Simd;
use super::{Count, Work};
use crate::cohort::BitMatrix;

/// Counts for all pairs of rows, see [`Kernel::count`](super::Kernel::count).
pub(super) struct Rows<'a> {
    pub(super) count: Count,
    pub(super) a: &'a [u64],
    pub(super) b: &'a [u64],
    pub(super) stride: usize,
    pub(super) out: &'a mut [u32],
}

impl Work for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn on<S: Simd>(self, _: S) {
        match self.count {
            Count::Different => lengths(self, |x, y| x ^ y),
            Count::Common => lengths(self, |x, y| x & y),
        }
    }
}

/// Row lengths that profiles use get loops of constant length, which the compiler unrolls.
#[inline(always)]
fn lengths(work: Rows<'_>, combine: impl Fn(u64, u64) -> u64 + Copy) {
    let Rows { a, b, stride, out, .. } = work;
    match stride {
        1 => fixed::<1>(a, b, out, combine),
        2 => fixed::<2>(a, b, out, combine),
        8 => fixed::<8>(a, b, out, combine),
        16 => fixed::<16>(a, b, out, combine),
        64 => fixed::<64>(a, b, out, combine),
        _ => {
            for (a, out) in a.chunks_exact(stride).zip(out.chunks_exact_mut((b.len() / stride).max(1))) {
                for (b, out) in b.chunks_exact(stride).zip(out) {
                    *out = a.iter().zip(b).map(|(&x, &y)| combine(x, y).count_ones()).sum();
                }
            }
        }
    }
}

#[inline(always)]
fn fixed<const N: usize>(a: &[u64], b: &[u64], out: &mut [u32], combine: impl Fn(u64, u64) -> u64 + Copy) {
    let (a, b) = (a.as_chunks::<N>().0, b.as_chunks::<N>().0);
    for (a, out) in a.iter().zip(out.chunks_exact_mut(b.len().max(1))) {
        for (b, out) in b.iter().zip(out) {
            let mut sum = 0;
            for i in 0..N {
                sum += combine(a[i], b[i]).count_ones();
            }
            *out = sum;
        }
    }
}

/// Counts of common bits of single pairs of rows.
pub(in crate::linkage) struct Common<'a> {
    pub(in crate::linkage) a: &'a BitMatrix,
    pub(in crate::linkage) b: &'a BitMatrix,
    pub(in crate::linkage) pairs: &'a [(u32, u32)],
    /// One count for each.
    pub(in crate::linkage) out: &'a mut [u32],
}

impl Work for Common<'_> {
    type Output = ();

    #[inline(always)]
    fn on<S: Simd>(self, _: S) {
        for (&(a, b), out) in self.pairs.iter().zip(self.out) {
            let (a, b) = (self.a.row(a as usize), self.b.row(b as usize));
            *out = a.iter().zip(b).map(|(&x, &y)| (x & y).count_ones()).sum();
        }
    }
}
