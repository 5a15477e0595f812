//! Comparing rows of bits: counts of differing or common bits for all pairs of a tile.
//!
//! One naive oracle, one module per instruction set, one chooser. Callers hand over tiles and never see a CPU. Counts are
//! integers; what becomes of them is decided elsewhere.

mod naive;
mod portable;

use crate::cohort::BitMatrix;

/// What is counted for a pair of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Count {
    /// Bits in which the rows differ (Hamming distance): diffused encodings.
    Different,
    /// Bits that are set in both: the Dice coefficient of undiffused encodings.
    Common,
}

/// An implementation of the counts for the machine it runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// Bit by bit: the oracle that the others are tested against.
    Naive,
    /// Safe Rust for any machine.
    Portable,
    /// The same, compiled for the `popcnt` instruction of x86-64.
    #[cfg(target_arch = "x86_64")]
    Popcnt,
}

impl Kernel {
    /// The fastest that this machine can run.
    #[must_use]
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if Kernel::Popcnt.is_available() {
            return Kernel::Popcnt;
        }
        Kernel::Portable
    }

    /// All that this machine can run.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let all = [
            Kernel::Naive,
            Kernel::Portable,
            #[cfg(target_arch = "x86_64")]
            Kernel::Popcnt,
        ];
        all.into_iter().filter(|kernel| kernel.is_available()).collect()
    }

    fn is_available(self) -> bool {
        match self {
            Kernel::Naive | Kernel::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Kernel::Popcnt => std::arch::is_x86_feature_detected!("popcnt"),
        }
    }

    /// Counts for every pair of a row of `a` and a row of `b`: `out[i * rows of b + j]` is the count of row `i` of `a`
    /// and row `j` of `b`. Both slices hold whole rows of `stride` words.
    ///
    /// # Panics
    /// Where `stride` is 0, a slice does not hold whole rows, `out` has another length than there are pairs, or this
    /// machine cannot run the kernel.
    pub fn count(self, count: Count, a: &[u64], b: &[u64], stride: usize, out: &mut [u32]) {
        assert!(stride > 0 && a.len().is_multiple_of(stride) && b.len().is_multiple_of(stride), "whole rows");
        assert_eq!(out.len(), a.len() / stride * (b.len() / stride), "one count for every pair");
        match self {
            Kernel::Naive => naive::count(count, a, b, stride, out),
            Kernel::Portable => portable::count(count, a, b, stride, out),
            #[cfg(target_arch = "x86_64")]
            Kernel::Popcnt => {
                assert!(self.is_available(), "this machine has no popcnt instruction");
                // SAFETY: the instruction that the function is compiled for was just found on this machine. It has no
                // other requirement; all its memory accesses are checked slices.
                #[expect(unsafe_code, reason = "calling a function compiled for an instruction that was detected")]
                unsafe {
                    portable::count_popcnt(count, a, b, stride, out);
                }
            }
        }
    }
}

/// The number of set bits of every row.
#[must_use]
pub fn popcounts(matrix: &BitMatrix) -> Vec<u32> {
    (0..matrix.rows()).map(|row| matrix.row(row).iter().map(|word| word.count_ones()).sum()).collect()
}
