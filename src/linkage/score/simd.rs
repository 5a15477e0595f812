//! What the bit-sliced kernels need of an instruction set.
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the caller's instructions")]

/// The vector operations of one instruction set.
///
/// A value of the type is the proof that this machine has the instructions: it is only made where they were detected. So
/// the operations are safe, and the algorithms over them are written once, in safe code. Everything here is inlined into a
/// function that is compiled for the instruction set; see [`Kernel::run`](super::Kernel::run).
pub(in crate::linkage) trait Simd: Copy {
    /// How many 64-bit words a vector has.
    const WORDS: usize;

    /// A vector of bits.
    type Vector: Copy;

    /// No bit set.
    fn zero(self) -> Self::Vector;

    /// The same word everywhere.
    fn splat(self, word: u64) -> Self::Vector;

    /// The first words of a slice that has at least [`WORDS`](Self::WORDS).
    fn load(self, words: &[u64]) -> Self::Vector;

    /// The words from `place` on, without a check where the instruction set makes that worth it.
    ///
    /// # Safety
    /// `place + WORDS <= words.len()`.
    #[expect(unsafe_code, reason = "one check for each of the rows that are added up would cost a fifth of the speed")]
    unsafe fn load_at(self, words: &[u64], place: usize) -> Self::Vector;

    /// Writes the first words of a slice that has at least [`WORDS`](Self::WORDS).
    fn store(self, vector: Self::Vector, words: &mut [u64]);

    fn and(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    fn or(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    fn xor(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// Three bits added up, in every place: sum and carry.
    fn add3(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> (Self::Vector, Self::Vector);

    /// Whether any bit is set.
    fn any(self, vector: Self::Vector) -> bool;

    /// Turns squares of 64 by 64 bits on their side: bit `i` of line `j` and bit `j` of line `i` change places. A line has
    /// one word of each of [`WORDS`](Self::WORDS) squares.
    fn transpose(self, squares: &mut [u64]);

    /// Turns numbers from bit slices into whole numbers: bit `i` of slice `k` is worth 2^k in `out[i]`. `slices` holds
    /// slice after slice of [`WORDS`](Self::WORDS) words; `out` has 64 numbers for each of them.
    #[inline(always)]
    fn unslice(self, slices: &[u64], out: &mut [u16]) {
        out.fill(0);
        for (k, slice) in slices.chunks_exact(Self::WORDS).enumerate() {
            for (word, out) in slice.iter().zip(out.as_chunks_mut::<64>().0) {
                for (byte, out) in word.to_le_bytes().into_iter().zip(out.as_chunks_mut::<8>().0) {
                    for (bit, out) in out.iter_mut().enumerate() {
                        *out |= u16::from(byte >> bit & 1) << k;
                    }
                }
            }
        }
    }
}

/// [`Simd::transpose`] for vectors of W words (Warren, Hacker's Delight, section 7-3).
///
/// # Panics
/// Where there are not 64 lines.
#[inline(always)]
pub(super) fn transpose<const W: usize>(squares: &mut [u64]) {
    let lines = squares.as_chunks_mut::<W>().0;
    assert_eq!(lines.len(), 64, "squares of 64 by 64 bits");
    let mut width = 32;
    let mut mask = 0x0000_0000_ffff_ffff_u64;
    while width > 0 {
        let mut line = 0;
        while line < 64 {
            let (low, high) = (lines[line], lines[line + width]);
            let swap: [u64; W] = std::array::from_fn(|i| ((low[i] >> width) ^ high[i]) & mask);
            lines[line] = std::array::from_fn(|i| low[i] ^ (swap[i] << width));
            lines[line + width] = std::array::from_fn(|i| high[i] ^ swap[i]);
            line = (line + width + 1) & !width;
        }
        width /= 2;
        mask ^= mask << width;
    }
}
