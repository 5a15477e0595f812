//! `u64::count_ones` over tiles, in safe Rust, and the same code compiled for `popcnt`.
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the caller's instructions")]

use super::Count;

pub(super) fn count(count: Count, a: &[u64], b: &[u64], stride: usize, out: &mut [u32]) {
    dispatch(count, a, b, stride, out);
}

/// Baseline x86-64 has no instruction for `count_ones`; with it the loop is more than twice as fast.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
pub(super) fn count_popcnt(count: Count, a: &[u64], b: &[u64], stride: usize, out: &mut [u32]) {
    dispatch(count, a, b, stride, out);
}

#[inline(always)]
fn dispatch(count: Count, a: &[u64], b: &[u64], stride: usize, out: &mut [u32]) {
    match count {
        Count::Different => lengths(a, b, stride, out, |x, y| x ^ y),
        Count::Common => lengths(a, b, stride, out, |x, y| x & y),
    }
}

/// Row lengths that profiles use get loops of constant length, which the compiler unrolls.
#[inline(always)]
fn lengths(a: &[u64], b: &[u64], stride: usize, out: &mut [u32], combine: impl Fn(u64, u64) -> u64 + Copy) {
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
