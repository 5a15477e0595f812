//! anonlink's binary file of candidate pairs, and the merging of such files.
//!
//! Four bytes: the version, 1, and how many bytes a similarity, a dataset's index and a row take; then one record after
//! the other, little-endian: the similarity (IEEE 754), two datasets, two rows. There is no count and no checksum: a file
//! that was cut short between two records cannot be told from a whole one.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use super::pairs::{CandidatePair, CandidatePairs, NO_SIMILARITY};
use crate::error::{Error, Result};
use crate::file::{Access, write};

/// The version, and the sizes that are written: those that anonlink's own arrays have.
const HEADER: [u8; 4] = [1, 8, 4, 4];

impl CandidatePairs {
    /// Reads a file of candidate pairs. Pairs that are not in order are put in order, and of several that are the same one
    /// is kept: see the [module](super).
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io); [`ErrorKind::Cohort`](crate::ErrorKind::Cohort), naming the record as a
    /// row, where it is no such file, ends inside a record, a similarity is not a number from 0 to 1, or an index is 2³² or
    /// more. Memory grows with what was read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Records::open(path)
            .and_then(Iterator::collect::<Result<Vec<_>>>)
            .map(Self::of)
            .map_err(|error| error.in_file(path))
    }

    /// Reads candidate pairs from the bytes of such a file, as [`read`](Self::read) does.
    ///
    /// # Errors
    /// [`ErrorKind::Cohort`](crate::ErrorKind::Cohort).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Records::new(bytes).and_then(Iterator::collect::<Result<Vec<_>>>).map(Self::of)
    }

    /// Writes the pairs to a file, whole or not at all: byte for byte as anonlink does.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        write(path.as_ref(), Access::Default, |out| {
            out.write_all(&HEADER)?;
            self.pairs().iter().try_for_each(|pair| out.write_all(&record(pair)))
        })
    }

    /// The bytes that [`write`](Self::write) writes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = HEADER.to_vec();
        self.pairs().iter().for_each(|pair| bytes.extend(record(pair)));
        bytes
    }
}

fn record(pair: &CandidatePair) -> [u8; 24] {
    let mut record = [0; 24];
    record[..8].copy_from_slice(&pair.similarity.to_le_bytes());
    for (bytes, index) in record[8..].chunks_exact_mut(4).zip(pair.datasets.iter().chain(&pair.rows)) {
        bytes.copy_from_slice(&index.to_le_bytes());
    }
    record
}

/// Merges files of candidate pairs, each in order, into one, which is written whole or not at all, and gives the number of
/// its pairs. The files are read and written as streams. Of pairs that are the same one is written (anonlink writes all:
/// see the [module](super)).
///
/// # Errors
/// As [`CandidatePairs::read`] and [`CandidatePairs::write`]; [`ErrorKind::Argument`](crate::ErrorKind::Argument) where
/// there are no files; [`ErrorKind::Cohort`](crate::ErrorKind::Cohort) where the pairs of a file are not in order.
pub fn merge_files<P: AsRef<Path>>(files: &[P], out: impl AsRef<Path>) -> Result<u64> {
    if files.is_empty() {
        return Err(Error::argument("there are no files to merge"));
    }
    let mut sources = Vec::new();
    for path in files.iter().map(AsRef::as_ref) {
        sources.push((path, Records::open(path).map_err(|error| error.in_file(path))?));
    }
    let mut failed = None;
    let mut merged = 0;
    let written = write(out.as_ref(), Access::Default, |out| {
        out.write_all(&HEADER)?;
        merge(&mut sources, |pair| {
            merged += 1;
            out.write_all(&record(pair))
        })
        .map_err(|error| match error {
            Failed::Read(error) => {
                failed = Some(error);
                io::Error::other("a file cannot be merged")
            }
            Failed::Write(error) => error,
        })
    });
    failed.map_or(written, Err).map(|()| merged)
}

enum Failed {
    Read(Error),
    Write(io::Error),
}

fn merge<R: Read>(
    sources: &mut [(&Path, Records<R>)],
    mut take: impl FnMut(&CandidatePair) -> io::Result<()>,
) -> Result<(), Failed> {
    let next = |source: usize, sources: &mut [(&Path, Records<R>)]| -> Result<Option<Next>, Failed> {
        let (path, records) = &mut sources[source];
        let pair = records.next().transpose().map_err(|error| Failed::Read(error.in_file(path)))?;
        Ok(pair.map(|pair| Next { pair, source }))
    };
    let mut heap = BinaryHeap::new();
    for source in 0..sources.len() {
        heap.extend(next(source, sources)?.map(Reverse));
    }
    let mut last = None;
    while let Some(Reverse(Next { pair, source })) = heap.pop() {
        if last.as_ref() != Some(&pair) {
            take(&pair).map_err(Failed::Write)?;
        }
        if let Some(following) = next(source, sources)? {
            if following.pair.order(&pair).is_lt() {
                let (path, records) = &sources[source];
                let error =
                    Error::cohort_row(records.record, "the pair is not in order: it is better than the one before");
                return Err(Failed::Read(error.in_file(path)));
            }
            heap.push(Reverse(following));
        }
        last = Some(pair);
    }
    Ok(())
}

/// The next pair of a source.
struct Next {
    pair: CandidatePair,
    source: usize,
}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> Ordering {
        self.pair.order(&other.pair).then(self.source.cmp(&other.source))
    }
}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Next {}

/// The records of a file, in its order.
struct Records<R> {
    input: R,
    sizes: [usize; 3],
    /// How many were read.
    record: u64,
}

impl Records<BufReader<File>> {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io(path, "read", error))?;
        Self::new(BufReader::with_capacity(1 << 16, file))
    }
}

impl<R: Read> Records<R> {
    fn new(mut input: R) -> Result<Self> {
        let mut header = [0; 4];
        if fill(&mut input, &mut header)? != header.len() || header[0] != 1 {
            return Err(Error::cohort("is no file of candidate pairs in the form that anonlink 0.15 writes"));
        }
        let [_, similarity, dataset, row] = header;
        let whole = |size| matches!(size, 1 | 2 | 4 | 8);
        if !matches!(similarity, 2 | 4 | 8) || !whole(dataset) || !whole(row) {
            return Err(Error::cohort("is no file of candidate pairs: its numbers have a size that there is not"));
        }
        Ok(Records { input, sizes: [similarity, dataset, row].map(usize::from), record: 0 })
    }

    fn read(&mut self) -> Result<Option<CandidatePair>> {
        let [similarity, dataset, row] = self.sizes;
        let mut buffer = [0; 40];
        let record = &mut buffer[..similarity + 2 * dataset + 2 * row];
        let read = fill(&mut self.input, record)?;
        if read == 0 {
            return Ok(None);
        }
        self.record += 1;
        let wrong = |problem| Err(Error::cohort_row(self.record, problem));
        if read < record.len() {
            return wrong("the file ends inside a pair: it was cut short");
        }
        let (of_similarity, mut rest) = record.split_at(similarity);
        let mut index = |size: usize| {
            let (number, after) = rest.split_at(size);
            rest = after;
            u32::try_from(little_endian(number))
        };
        let indices = (index(dataset), index(dataset), index(row), index(row));
        let (Ok(first), Ok(second), Ok(row), Ok(other)) = indices else {
            return wrong("an index is 4,294,967,296 or more");
        };
        let pair = CandidatePair { similarity: number(of_similarity), datasets: [first, second], rows: [row, other] };
        if pair.has_similarity() { Ok(Some(pair)) } else { wrong(NO_SIMILARITY) }
    }
}

impl<R: Read> Iterator for Records<R> {
    type Item = Result<CandidatePair>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Fills the bytes as far as there is something to read.
fn fill(input: &mut impl Read, bytes: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match input.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::cohort(format!("cannot be read: {}", error.kind()))),
        }
    }
    Ok(filled)
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// An IEEE 754 number of 2, 4 or 8 bytes; exact.
fn number(bytes: &[u8]) -> f64 {
    let bits = little_endian(bytes);
    match bytes.len() {
        2 => {
            let (sign, exponent, fraction) = (bits >> 15, (bits >> 10 & 31) as i32, (bits & 1023) as f64);
            let magnitude = match exponent {
                0 => fraction * 2f64.powi(-24),
                31 if fraction == 0.0 => f64::INFINITY,
                31 => f64::NAN,
                _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
            };
            if sign == 1 { -magnitude } else { magnitude }
        }
        4 => f64::from(f32::from_bits(bits as u32)),
        _ => f64::from_bits(bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_two_bytes() {
        let known = [
            (0x0000, 0.0),
            (0x0001, 2f64.powi(-24)),
            (0x03ff, 1023.0 * 2f64.powi(-24)),
            (0x0400, 2f64.powi(-14)),
            (0x3555, 0.333_251_953_125),
            (0x3bff, 0.999_511_718_75),
            (0x3c00, 1.0),
            (0xbc00, -1.0),
            (0x7bff, 65504.0),
            (0x7c00, f64::INFINITY),
            (0xfc00, f64::NEG_INFINITY),
        ];
        for (bits, value) in known {
            assert_eq!(number(&u16::to_le_bytes(bits)), value, "{bits:x}");
        }
        assert!(number(&[1, 0x7c]).is_nan());
    }

    /// Sources of a stream that fails midway.
    struct Broken(&'static [u8]);

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() { Err(io::Error::other("gone")) } else { self.0.read(buffer) }
        }
    }

    #[test]
    fn a_disk_that_fails_is_no_end_of_file() {
        assert!(Records::new(Broken(&[1, 8])).is_err());
        let mut records = Records::new(Broken(&[1, 8, 4, 4])).unwrap();
        assert!(records.next().unwrap().is_err());
    }
}
