//! x86-64 with AVX-512 (F, BW, VL, VPOPCNTDQ): 512 bits, and any function of three bits in one instruction.
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the caller's instructions")]
#![expect(unsafe_code, reason = "intrinsics; each block says why it is sound")]

use std::arch::x86_64::{
    __m512i, _MM_HINT_T0, _mm_prefetch, _mm512_add_epi16, _mm512_and_si512, _mm512_loadu_si512, _mm512_mask_add_epi16,
    _mm512_or_si512, _mm512_set1_epi16, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_storeu_si512,
    _mm512_ternarylogic_epi64, _mm512_test_epi64_mask, _mm512_xor_si512,
};

use super::simd::{Simd, transpose};

/// Made where the instructions were found, see [`Kernel::run`](super::Kernel::run). They are: avx512f, avx512bw, avx512vl,
/// avx512vpopcntdq.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// # Safety
    /// This machine has the instructions above.
    pub(super) unsafe fn new_unchecked() -> Self {
        Avx512(())
    }

    pub(super) fn is_available() -> bool {
        std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && std::arch::is_x86_feature_detected!("avx512vpopcntdq")
    }
}

// SAFETY, for the blocks without pointers below: `self` proves that this machine has AVX-512 F and BW, which is all that
// the intrinsics ask for.
impl Simd for Avx512 {
    const WORDS: usize = 8;
    type Vector = __m512i;

    #[inline(always)]
    fn zero(self) -> __m512i {
        // SAFETY: see the head of this block.
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    fn splat(self, word: u64) -> __m512i {
        // SAFETY: see the head of this block.
        unsafe { _mm512_set1_epi64(word as i64) }
    }

    #[inline(always)]
    fn load(self, words: &[u64]) -> __m512i {
        let words: &[u64] = &words[..Self::WORDS];
        // SAFETY: the slice has eight words, and the load asks for no alignment; the instruction: see above.
        unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn load_at(self, words: &[u64], place: usize) -> __m512i {
        debug_assert!(place + Self::WORDS <= words.len());
        // SAFETY: the caller promises eight words from `place` on; the load asks for no alignment; the instruction: see
        // above.
        unsafe { _mm512_loadu_si512(words.as_ptr().add(place).cast()) }
    }

    #[inline(always)]
    fn prefetch(self, words: &[u64], place: usize) {
        // SAFETY: nothing is read: an address that is nobody's is passed over; the instruction: x86-64 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(words.as_ptr().wrapping_add(place).cast()) }
    }

    #[inline(always)]
    fn store(self, vector: __m512i, words: &mut [u64]) {
        let words = &mut words[..Self::WORDS];
        // SAFETY: the slice has eight words, and the store asks for no alignment; the instruction: see above.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) }
    }

    #[inline(always)]
    fn and(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see the head of this block.
        unsafe { _mm512_and_si512(a, b) }
    }

    #[inline(always)]
    fn or(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see the head of this block.
        unsafe { _mm512_or_si512(a, b) }
    }

    #[inline(always)]
    fn xor(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see the head of this block.
        unsafe { _mm512_xor_si512(a, b) }
    }

    /// The carry is worked out from the sum, so that `a` need not be kept: the instruction overwrites an operand, and
    /// copies cost as much as additions.
    #[inline(always)]
    fn add3(self, a: __m512i, b: __m512i, c: __m512i) -> (__m512i, __m512i) {
        // SAFETY: see the head of this block.
        unsafe {
            let sum = _mm512_ternarylogic_epi64::<0x96>(a, b, c);
            // majority(sum ^ b ^ c, b, c)
            (sum, _mm512_ternarylogic_epi64::<0x8e>(sum, b, c))
        }
    }

    #[inline(always)]
    fn any(self, vector: __m512i) -> bool {
        // SAFETY: see the head of this block.
        unsafe { _mm512_test_epi64_mask(vector, vector) != 0 }
    }

    #[inline(always)]
    fn transpose(self, squares: &mut [u64]) {
        transpose::<8>(squares);
    }

    /// A half-word of each slice is a mask of 32 numbers.
    #[inline(always)]
    fn unslice(self, slices: &[u64], out: &mut [u16]) {
        let slices = slices.as_chunks::<8>().0;
        for (word, out) in out.as_chunks_mut::<64>().0.iter_mut().enumerate() {
            // SAFETY: see the head of this block; the stores: 32 numbers each of an array of 64, no alignment asked for.
            unsafe {
                let (mut low, mut high) = (_mm512_setzero_si512(), _mm512_setzero_si512());
                let mut value = _mm512_set1_epi16(1);
                for slice in slices {
                    let mask = slice[word];
                    low = _mm512_mask_add_epi16(low, mask as u32, low, value);
                    high = _mm512_mask_add_epi16(high, (mask >> 32) as u32, high, value);
                    value = _mm512_add_epi16(value, value);
                }
                _mm512_storeu_si512(out.as_mut_ptr().cast(), low);
                _mm512_storeu_si512(out.as_mut_ptr().add(32).cast(), high);
            }
        }
    }
}
