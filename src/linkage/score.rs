//! Comparing rows of bits: how many bits two rows have in common, for many pairs at once.
//!
//! One naive oracle, one algorithm over whatever vectors a machine has, one chooser. Callers hand over tiles and never see
//! a CPU. Counts are whole numbers; what becomes of them is decided elsewhere.
//!
//! * `naive`: bit by bit, for every question; what the others are tested against.
//! * `rows`: row by row, for few rows and single pairs.
//! * `sliced`: many rows with many, over bit slices (`slices`) and column lists (`groups`).
//! * `portable`, `avx2`, `avx512`, `neon`: what these need of an instruction set (`simd`).

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod groups;
mod levels;
mod lone;
mod measure;
mod naive;
#[cfg(target_arch = "aarch64")]
mod neon;
mod offsets;
mod portable;
mod rows;
mod simd;
mod sliced;
mod slices;

use std::fmt;
use std::str::FromStr;

pub(super) use self::groups::{GROUP, Groups, List};
pub(super) use self::levels::{AddLevels, Cuts, Line};
pub(super) use self::measure::Cut;
pub use self::measure::{Measure, Ratio};
pub(super) use self::offsets::{Offsets, Shares};
use self::portable::Portable;
pub(super) use self::rows::Common;
use self::simd::Simd;
pub(super) use self::sliced::{Hits, Scratch, Side, counts, search};
pub(super) use self::slices::{Layout, Slices, Turn};
use crate::cohort::{BitMatrix, ones};
use crate::error::{Error, Result};

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
///
/// All give the same results. [`detect`](Self::detect) chooses the fastest; a program that wants another (a test, a
/// benchmark) asks for it by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// Bit by bit: the oracle that the others are tested against. Thousands of times slower.
    Naive,
    /// Safe Rust for any machine.
    Portable,
    /// x86-64 with AVX2: 256 bits at a time.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with AVX-512 (F, BW, VL, VPOPCNTDQ): 512 bits at a time.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// aarch64 with NEON: 128 bits at a time.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

/// Something to do with the vectors of an instruction set.
pub(in crate::linkage) trait Work {
    type Output;

    /// Implementations are `#[inline(always)]`, and so is what they call in inner loops.
    fn on<S: Simd>(self, simd: S) -> Self::Output;
}

impl Kernel {
    /// All kernels of this architecture, the fastest last.
    const ALL: &'static [Kernel] = &[
        Kernel::Naive,
        Kernel::Portable,
        #[cfg(target_arch = "aarch64")]
        Kernel::Neon,
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2,
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512,
    ];

    /// The fastest that this machine can run.
    #[must_use]
    pub fn detect() -> Self {
        Self::ALL.iter().rev().copied().find(|kernel| kernel.is_available()).unwrap_or(Kernel::Portable)
    }

    /// All that this machine can run, the fastest last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        Self::ALL.iter().copied().filter(|kernel| kernel.is_available()).collect()
    }

    /// Its name: `naive`, `portable`, `avx2`, `avx512` or `neon`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Naive => "naive",
            Kernel::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Kernel::Neon => "neon",
        }
    }

    fn is_available(self) -> bool {
        match self {
            Kernel::Naive | Kernel::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => avx2::Avx2::is_available(),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => avx512::Avx512::is_available(),
            #[cfg(target_arch = "aarch64")]
            Kernel::Neon => true,
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
        if self == Kernel::Naive {
            naive::count(count, a, b, stride, out);
        } else {
            self.run(rows::Rows { count, a, b, stride, out });
        }
    }

    /// Does something with the kernel's vectors. The oracle has none; what it is asked for here is done by the portable
    /// kernel.
    ///
    /// # Panics
    /// Where this machine cannot run the kernel.
    pub(super) fn run<W: Work>(self, work: W) -> W::Output {
        assert!(self.is_available(), "this machine cannot run the kernel {self}");
        match self {
            Kernel::Naive | Kernel::Portable => work.on(Portable),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => {
                #[target_feature(enable = "avx2,popcnt")]
                fn compiled<W: Work>(simd: avx2::Avx2, work: W) -> W::Output {
                    work.on(simd)
                }
                // SAFETY: the instructions were just found on this machine, which is all that both ask for.
                #[expect(unsafe_code, reason = "calling a function compiled for instructions that were detected")]
                unsafe {
                    compiled(avx2::Avx2::new_unchecked(), work)
                }
            }
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => {
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vpopcntdq,popcnt")]
                fn compiled<W: Work>(simd: avx512::Avx512, work: W) -> W::Output {
                    work.on(simd)
                }
                // SAFETY: the instructions were just found on this machine, which is all that both ask for.
                #[expect(unsafe_code, reason = "calling a function compiled for instructions that were detected")]
                unsafe {
                    compiled(avx512::Avx512::new_unchecked(), work)
                }
            }
            #[cfg(target_arch = "aarch64")]
            Kernel::Neon => work.on(neon::Neon),
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kernel {
    type Err = Error;

    /// Reads a kernel's name; `auto` is the fastest that this machine can run.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) for a name that is not one, and for a kernel that this machine
    /// cannot run.
    fn from_str(name: &str) -> Result<Self> {
        if name == "auto" {
            return Ok(Self::detect());
        }
        Self::available().into_iter().find(|kernel| kernel.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::available().iter().map(|kernel| kernel.name()).collect();
            Error::argument(format!("no such kernel on this machine; it has: auto, {}", names.join(", ")))
        })
    }
}

/// The number of set bits of every row.
#[must_use]
pub fn popcounts(matrix: &BitMatrix) -> Vec<u32> {
    (0..matrix.rows()).map(|row| ones(matrix.row(row))).collect()
}
