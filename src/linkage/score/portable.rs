//! Any machine: words of 64 bits, in safe Rust without intrinsics. Compilers turn pairs of words into whatever vectors the
//! target always has (SSE2 on x86-64, NEON on aarch64).
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the caller's instructions")]

use super::simd::{Simd, transpose};

const WIDTH: usize = 2;

/// Needs nothing.
#[derive(Clone, Copy)]
pub(super) struct Portable;

fn map2(a: [u64; WIDTH], b: [u64; WIDTH], f: impl Fn(u64, u64) -> u64) -> [u64; WIDTH] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Simd for Portable {
    const WORDS: usize = WIDTH;
    type Vector = [u64; WIDTH];

    #[inline(always)]
    fn zero(self) -> Self::Vector {
        [0; WIDTH]
    }

    #[inline(always)]
    fn splat(self, word: u64) -> Self::Vector {
        [word; WIDTH]
    }

    #[inline(always)]
    fn load(self, words: &[u64]) -> Self::Vector {
        std::array::from_fn(|i| words[i])
    }

    #[inline(always)]
    #[expect(unsafe_code, reason = "the trait's; nothing unsafe is done")]
    unsafe fn load_at(self, words: &[u64], place: usize) -> Self::Vector {
        self.load(&words[place..place + WIDTH])
    }

    #[inline(always)]
    fn store(self, vector: Self::Vector, words: &mut [u64]) {
        words[..WIDTH].copy_from_slice(&vector);
    }

    #[inline(always)]
    fn and(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        map2(a, b, |a, b| a & b)
    }

    #[inline(always)]
    fn or(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        map2(a, b, |a, b| a | b)
    }

    #[inline(always)]
    fn xor(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        map2(a, b, |a, b| a ^ b)
    }

    #[inline(always)]
    fn add3(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> (Self::Vector, Self::Vector) {
        let half = self.xor(a, b);
        (self.xor(half, c), self.or(self.and(half, c), self.and(a, b)))
    }

    #[inline(always)]
    fn any(self, vector: Self::Vector) -> bool {
        vector.iter().any(|&word| word != 0)
    }

    #[inline(always)]
    fn transpose(self, squares: &mut [u64]) {
        transpose::<WIDTH>(squares);
    }
}
