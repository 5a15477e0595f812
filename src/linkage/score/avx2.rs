//! x86-64 with AVX2 (and popcnt): 256 bits.
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the caller's instructions")]
#![expect(unsafe_code, reason = "intrinsics; each block says why it is sound")]

use std::arch::x86_64::{
    __m256i, _MM_HINT_T0, _mm_prefetch, _mm256_add_epi16, _mm256_and_si256, _mm256_cmpeq_epi16, _mm256_loadu_si256,
    _mm256_or_si256, _mm256_set1_epi16, _mm256_set1_epi64x, _mm256_setr_epi16, _mm256_setzero_si256,
    _mm256_storeu_si256, _mm256_testz_si256, _mm256_xor_si256,
};

use super::simd::{Simd, transpose};

/// Made where the instructions were found, see [`Kernel::run`](super::Kernel::run). They are: avx2, popcnt.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// # Safety
    /// This machine has the instructions above.
    pub(super) unsafe fn new_unchecked() -> Self {
        Avx2(())
    }

    pub(super) fn is_available() -> bool {
        std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("popcnt")
    }
}

// SAFETY, for the blocks without pointers below: `self` proves that this machine has AVX2, which is all that the
// intrinsics ask for.
impl Simd for Avx2 {
    const WORDS: usize = 4;
    type Vector = __m256i;

    #[inline(always)]
    fn zero(self) -> __m256i {
        // SAFETY: see the head of this block.
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    fn splat(self, word: u64) -> __m256i {
        // SAFETY: see the head of this block.
        unsafe { _mm256_set1_epi64x(word as i64) }
    }

    #[inline(always)]
    fn load(self, words: &[u64]) -> __m256i {
        let words: &[u64] = &words[..Self::WORDS];
        // SAFETY: the slice has four words, and the load asks for no alignment; the instruction: see above.
        unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn load_at(self, words: &[u64], place: usize) -> __m256i {
        debug_assert!(place + Self::WORDS <= words.len());
        // SAFETY: the caller promises four words from `place` on; the load asks for no alignment; the instruction: see
        // above.
        unsafe { _mm256_loadu_si256(words.as_ptr().add(place).cast()) }
    }

    #[inline(always)]
    fn prefetch(self, words: &[u64], place: usize) {
        // SAFETY: nothing is read: an address that is nobody's is passed over; the instruction: x86-64 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(words.as_ptr().wrapping_add(place).cast()) }
    }

    #[inline(always)]
    fn store(self, vector: __m256i, words: &mut [u64]) {
        let words = &mut words[..Self::WORDS];
        // SAFETY: the slice has four words, and the store asks for no alignment; the instruction: see above.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), vector) }
    }

    #[inline(always)]
    fn and(self, a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: see the head of this block.
        unsafe { _mm256_and_si256(a, b) }
    }

    #[inline(always)]
    fn or(self, a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: see the head of this block.
        unsafe { _mm256_or_si256(a, b) }
    }

    #[inline(always)]
    fn xor(self, a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: see the head of this block.
        unsafe { _mm256_xor_si256(a, b) }
    }

    #[inline(always)]
    fn add3(self, a: __m256i, b: __m256i, c: __m256i) -> (__m256i, __m256i) {
        let half = self.xor(a, b);
        (self.xor(half, c), self.or(self.and(half, c), self.and(a, b)))
    }

    #[inline(always)]
    fn any(self, vector: __m256i) -> bool {
        // SAFETY: see the head of this block.
        unsafe { _mm256_testz_si256(vector, vector) == 0 }
    }

    #[inline(always)]
    fn transpose(self, squares: &mut [u64]) {
        transpose::<4>(squares);
    }

    /// Sixteen bits of a slice in every lane; each lane looks at its own.
    #[inline(always)]
    fn unslice(self, slices: &[u64], out: &mut [u16]) {
        let slices = slices.as_chunks::<4>().0;
        for (quarter, out) in out.as_chunks_mut::<16>().0.iter_mut().enumerate() {
            // SAFETY: see the head of this block; the store: 16 numbers of an array of as many, no alignment asked for.
            unsafe {
                let own =
                    _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, i16::MIN);
                let mut sum = _mm256_setzero_si256();
                let mut value = _mm256_set1_epi16(1);
                for slice in slices {
                    let bits = _mm256_set1_epi16((slice[quarter / 4] >> (quarter % 4 * 16)) as i16);
                    let set = _mm256_cmpeq_epi16(_mm256_and_si256(bits, own), own);
                    sum = _mm256_or_si256(sum, _mm256_and_si256(set, value));
                    value = _mm256_add_epi16(value, value);
                }
                _mm256_storeu_si256(out.as_mut_ptr().cast(), sum);
            }
        }
    }
}
