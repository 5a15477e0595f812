//! aarch64: NEON, which every such machine has; 128 bits.
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the caller's instructions")]
#![expect(unsafe_code, reason = "intrinsics; each block says why it is sound")]

use std::arch::aarch64::{
    uint64x2_t, vandq_u64, vbslq_u64, vdupq_n_u64, veorq_u64, vgetq_lane_u64, vld1q_u64, vorrq_u64, vst1q_u64,
};

use super::simd::{Simd, transpose};

/// NEON is part of the target.
#[derive(Clone, Copy)]
pub(super) struct Neon;

// SAFETY, for the blocks without pointers below: NEON is part of every aarch64 target that has `std`, which is all that
// the intrinsics ask for.
impl Simd for Neon {
    const WORDS: usize = 2;
    type Vector = uint64x2_t;

    #[inline(always)]
    fn zero(self) -> uint64x2_t {
        // SAFETY: see the head of this block.
        unsafe { vdupq_n_u64(0) }
    }

    #[inline(always)]
    fn splat(self, word: u64) -> uint64x2_t {
        // SAFETY: see the head of this block.
        unsafe { vdupq_n_u64(word) }
    }

    #[inline(always)]
    fn load(self, words: &[u64]) -> uint64x2_t {
        let words: &[u64] = &words[..Self::WORDS];
        // SAFETY: the slice has two words; the instruction: see above.
        unsafe { vld1q_u64(words.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn load_at(self, words: &[u64], place: usize) -> uint64x2_t {
        debug_assert!(place + Self::WORDS <= words.len());
        // SAFETY: the caller promises two words from `place` on; the instruction: see above.
        unsafe { vld1q_u64(words.as_ptr().add(place)) }
    }

    #[inline(always)]
    fn store(self, vector: uint64x2_t, words: &mut [u64]) {
        let words = &mut words[..Self::WORDS];
        // SAFETY: the slice has two words; the instruction: see above.
        unsafe { vst1q_u64(words.as_mut_ptr(), vector) }
    }

    #[inline(always)]
    fn and(self, a: uint64x2_t, b: uint64x2_t) -> uint64x2_t {
        // SAFETY: see the head of this block.
        unsafe { vandq_u64(a, b) }
    }

    #[inline(always)]
    fn or(self, a: uint64x2_t, b: uint64x2_t) -> uint64x2_t {
        // SAFETY: see the head of this block.
        unsafe { vorrq_u64(a, b) }
    }

    #[inline(always)]
    fn xor(self, a: uint64x2_t, b: uint64x2_t) -> uint64x2_t {
        // SAFETY: see the head of this block.
        unsafe { veorq_u64(a, b) }
    }

    /// Where `a` and `b` differ the carry is `c`, elsewhere it is `a`: one bit selection.
    #[inline(always)]
    fn add3(self, a: uint64x2_t, b: uint64x2_t, c: uint64x2_t) -> (uint64x2_t, uint64x2_t) {
        let half = self.xor(a, b);
        // SAFETY: see the head of this block.
        (self.xor(half, c), unsafe { vbslq_u64(half, c, a) })
    }

    #[inline(always)]
    fn any(self, vector: uint64x2_t) -> bool {
        // SAFETY: see the head of this block.
        unsafe { vgetq_lane_u64::<0>(vector) | vgetq_lane_u64::<1>(vector) != 0 }
    }

    #[inline(always)]
    fn transpose(self, squares: &mut [u64]) {
        transpose::<2>(squares);
    }
}
