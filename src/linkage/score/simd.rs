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

    /// Asks the processor to have the word at `place` at hand soon, where the instruction set can.
    #[inline(always)]
    fn prefetch(self, _words: &[u64], _place: usize) {}

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

#[cfg(test)]
mod tests {
    use super::super::{Kernel, Work};
    use super::*;

    /// Every operation of every instruction set, bit by bit.
    struct Check;

    impl Work for Check {
        type Output = ();

        #[inline(always)]
        fn on<S: Simd>(self, simd: S) {
            let word = |i: usize| (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(i as u32 * 7);
            let words = |seed: usize| -> Vec<u64> { (0..S::WORDS + 3).map(|i| word(i * 31 + seed * 1009)).collect() };
            let (a, b, c) = (words(1), words(2), words(3));
            let (x, y, z) = (simd.load(&a), simd.load(&b), simd.load(&c));
            let stored = |vector: S::Vector| {
                let mut words = vec![0; S::WORDS + 1];
                simd.store(vector, &mut words);
                assert_eq!(words.pop(), Some(0), "a word too many was written");
                words
            };
            let each = |f: &dyn Fn(usize) -> u64| (0..S::WORDS).map(f).collect::<Vec<_>>();
            assert_eq!(stored(simd.zero()), vec![0; S::WORDS]);
            assert_eq!(stored(simd.splat(77)), vec![77; S::WORDS]);
            assert_eq!(stored(x), a[..S::WORDS]);
            #[expect(unsafe_code, reason = "the slice is three words longer than a vector")]
            // SAFETY: 3 + WORDS is the length.
            let at = unsafe { simd.load_at(&a, 3) };
            assert_eq!(stored(at), a[3..]);
            assert_eq!(stored(simd.and(x, y)), each(&|i| a[i] & b[i]));
            assert_eq!(stored(simd.or(x, y)), each(&|i| a[i] | b[i]));
            assert_eq!(stored(simd.xor(x, y)), each(&|i| a[i] ^ b[i]));
            let (sum, carry) = simd.add3(x, y, z);
            assert_eq!(stored(sum), each(&|i| a[i] ^ b[i] ^ c[i]));
            assert_eq!(stored(carry), each(&|i| a[i] & b[i] | a[i] & c[i] | b[i] & c[i]));
            assert!(!simd.any(simd.zero()));
            for bit in 0..64 * S::WORDS {
                let mut words = vec![0; S::WORDS];
                words[bit / 64] = 1 << (bit % 64);
                assert!(simd.any(simd.load(&words)), "bit {bit}");
            }

            let mut squares: Vec<u64> = (0..64 * S::WORDS).map(word).collect();
            let before = squares.clone();
            simd.transpose(&mut squares);
            for (line, bit, square) in
                (0..64).flat_map(|l| (0..64).flat_map(move |b| (0..S::WORDS).map(move |s| (l, b, s))))
            {
                let (x, y) =
                    (before[line * S::WORDS + square] >> bit & 1, squares[bit * S::WORDS + square] >> line & 1);
                assert_eq!(x, y);
            }

            for count in [0, 1, 8, 11, 14, 16] {
                let slices: Vec<u64> = (0..count * S::WORDS).map(word).collect();
                let mut out = vec![9; 64 * S::WORDS];
                simd.unslice(&slices, &mut out);
                for (lane, &number) in out.iter().enumerate() {
                    let bit = |k: usize| (slices[k * S::WORDS + lane / 64] >> (lane % 64) & 1) as u16;
                    assert_eq!(number, (0..count).map(|k| bit(k) << k).sum::<u16>(), "{count} slices, lane {lane}");
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_does_what_it_says() {
        Kernel::available().into_iter().for_each(|kernel| kernel.run(Check));
    }
}
