//! A packed matrix of bits: one row per record.

use std::fmt;

/// Rows of bits of one length, each in whole 64-bit words, in one allocation.
///
/// Bit `i` of a row is bit `i % 64` (from the least significant) of its word `i / 64`; in bytes it is bit `i % 8` of
/// byte `i / 8`. The bits past the length in a row's last word are zero.
#[derive(Clone, PartialEq, Eq)]
pub struct BitMatrix {
    bits: usize,
    stride: usize,
    words: Vec<u64>,
}

impl BitMatrix {
    /// An empty matrix for rows of `bits` bits.
    ///
    /// # Panics
    /// Where `bits` is 0.
    #[must_use]
    pub fn new(bits: usize) -> Self {
        assert!(bits > 0, "a row has at least one bit");
        BitMatrix { bits, stride: bits.div_ceil(64), words: Vec::new() }
    }

    /// A matrix of `rows` rows of zeros.
    ///
    /// # Panics
    /// Where `bits` is 0.
    #[must_use]
    pub fn zeros(rows: usize, bits: usize) -> Self {
        let mut matrix = Self::new(bits);
        matrix.words = vec![0; rows * matrix.stride];
        matrix
    }

    /// Length of a row in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// Length of a row in 64-bit words.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.words.len() / self.stride
    }

    /// The words of a row.
    ///
    /// # Panics
    /// Where there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[u64] {
        &self.words[row * self.stride..(row + 1) * self.stride]
    }

    /// The words of neighbouring rows, row after row.
    ///
    /// # Panics
    /// Where there are no such rows.
    #[must_use]
    pub fn row_range(&self, rows: std::ops::Range<usize>) -> &[u64] {
        &self.words[rows.start * self.stride..rows.end * self.stride]
    }

    /// All words, to be filled in place by the row. Callers keep the bits past the length zero.
    #[cfg(feature = "owner")]
    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// How many bytes a row takes in a file.
    #[must_use]
    pub fn row_bytes(&self) -> usize {
        self.bits.div_ceil(8)
    }

    /// Appends a row from its bytes. `false`, and nothing is appended, where there are more or fewer bytes than a row
    /// has, or a bit past the length is set.
    #[must_use]
    pub fn push_bytes(&mut self, bytes: &[u8]) -> bool {
        let past = self.row_bytes() * 8 - self.bits;
        let whole = bytes.len() == self.row_bytes();
        if !whole || bytes.last().is_some_and(|last| u32::from(*last) >> (8 - past) != 0) {
            return false;
        }
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.words.push(u64::from_le_bytes(word));
        }
        true
    }

    /// Some of the rows, in a matrix of their own.
    #[cfg(feature = "linkage")]
    pub(crate) fn select(&self, rows: impl Iterator<Item = usize>) -> Self {
        let words = rows.flat_map(|row| self.row(row)).copied().collect();
        BitMatrix { bits: self.bits, stride: self.stride, words }
    }

    /// Appends the rows of another matrix of the same length.
    #[cfg(feature = "linkage")]
    pub(crate) fn extend(&mut self, other: &Self) {
        debug_assert_eq!(self.bits, other.bits);
        self.words.extend(&other.words);
    }

    /// The same rows, as `bits` bits long: the length in bits of rows that were read as whole bytes. `None` where they
    /// have another number of bytes, or a bit past the length is set.
    pub(crate) fn cut_to(mut self, bits: usize) -> Option<Self> {
        if bits == 0 || bits.div_ceil(8) != self.row_bytes() {
            return None;
        }
        let past = if bits.is_multiple_of(64) { 0 } else { u64::MAX << (bits % 64) };
        self.bits = bits;
        self.words.chunks_exact(self.stride).all(|row| row[self.stride - 1] & past == 0).then_some(self)
    }

    /// The bytes of a row, [`row_bytes`](Self::row_bytes) of them.
    ///
    /// # Panics
    /// Where there is no such row.
    #[must_use]
    pub fn bytes(&self, row: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.read_bytes(row, &mut bytes);
        bytes
    }

    /// Replaces what `bytes` holds by the bytes of a row.
    pub(crate) fn read_bytes(&self, row: usize, bytes: &mut Vec<u8>) {
        bytes.clear();
        for word in self.row(row) {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.truncate(self.row_bytes());
    }
}

/// In how many bits two rows differ.
#[cfg(any(feature = "audit", feature = "linkage"))]
pub(crate) fn differing(one: &[u64], other: &[u64]) -> u32 {
    one.iter().zip(other).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// How many bits of a row are set.
#[cfg(any(feature = "audit", feature = "linkage"))]
pub(crate) fn ones(row: &[u64]) -> u32 {
    row.iter().map(|word| word.count_ones()).sum()
}

/// How long and how many; the bits are somebody's.
impl fmt::Debug for BitMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BitMatrix({} rows of {} bits)", self.rows(), self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_bit() {
        let mut matrix = BitMatrix::new(64);
        assert!(matrix.push_bytes(b"a secret"));
        assert_eq!(format!("{matrix:?}"), "BitMatrix(1 rows of 64 bits)");
    }

    #[test]
    fn bytes_there_and_back() {
        for bits in [1, 7, 8, 9, 63, 64, 65, 1000, 1023, 4096] {
            let mut matrix = BitMatrix::new(bits);
            let mut row: Vec<u8> = (0..bits.div_ceil(8)).map(|i| (i * 37 + 11) as u8).collect();
            if bits % 8 != 0 {
                *row.last_mut().unwrap() &= (1 << (bits % 8)) - 1;
            }
            assert!(matrix.push_bytes(&row), "{bits}");
            assert_eq!(matrix.bytes(0), row);
            assert_eq!(matrix.rows(), 1);
        }
    }

    #[test]
    fn refuses_bits_past_the_length_and_wrong_sizes() {
        let mut matrix = BitMatrix::new(9);
        assert!(!matrix.push_bytes(&[0, 2]));
        assert!(!matrix.push_bytes(&[0]));
        assert!(!matrix.push_bytes(&[0, 0, 0]));
        assert!(matrix.push_bytes(&[0, 1]));
        assert_eq!(matrix.rows(), 1);
    }
}
