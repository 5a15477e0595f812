//! Candidate finding cut into chunks, for whoever spreads it over processes or machines.

use serde::{Deserialize, Serialize};

use super::candidates::find_candidate_pairs;
use super::pairs::{CandidatePair, CandidatePairs};
use crate::clks::Clks;
use crate::cohort::MAX_ROWS;
use crate::error::{Error, Result};
use crate::linkage::{Measure, Ratio};

/// Rows of one dataset: `{"datasetIndex": 0, "range": [0, 100]}` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetRange {
    /// The dataset, from 0.
    #[serde(rename = "datasetIndex")]
    pub dataset: u32,
    /// The first row, and the one after the last.
    pub range: [u32; 2],
}

/// Rows of two datasets, which are to be compared: a list of two [`DatasetRange`]s in JSON, as anonlink has it.
pub type Chunk = [DatasetRange; 2];

/// Cuts the comparison of every dataset with every later one into chunks of about `aim` comparisons, as anonlink does:
/// for each two datasets in order, by rows of the first and then of the second. Datasets without records are passed over.
///
/// # Errors
/// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where `aim` is not a number of at least 1, or a dataset has more
/// rows than a file may have.
pub fn split_to_chunks(aim: f64, dataset_sizes: &[usize]) -> Result<impl Iterator<Item = Chunk>> {
    if !(aim >= 1.0 && aim.is_finite()) {
        return Err(Error::argument("a chunk has at least one comparison"));
    }
    if dataset_sizes.iter().any(|&size| size > MAX_ROWS) {
        return Err(Error::argument("a dataset has more rows than a file may have"));
    }
    let mut chunks = Vec::new();
    for (i, &first) in dataset_sizes.iter().enumerate() {
        for (j, &second) in dataset_sizes.iter().enumerate().skip(i + 1) {
            if first == 0 || second == 0 {
                continue;
            }
            let size = first as f64;
            let of_first = parts(size / aim.sqrt());
            let of_second = parts(second as f64 * (size / of_first as f64) / aim);
            chunks.push(((i, first, of_first), (j, second, of_second)));
        }
    }
    Ok(chunks
        .into_iter()
        .flat_map(|(first, second)| ranges(first).flat_map(move |a| ranges(second).map(move |b| [a, b]))))
}

/// Whole parts, at least one. Halves go to the even number, as in Python.
fn parts(quotient: f64) -> u64 {
    (quotient.round_ties_even() as u64).max(1)
}

fn ranges((dataset, size, parts): (usize, usize, u64)) -> impl Iterator<Item = DatasetRange> {
    let length = size as f64 / parts as f64;
    let cut =
        move |part: u64| if part == parts { size as u32 } else { (part as f64 * length).round_ties_even() as u32 };
    (0..parts).map(move |part| DatasetRange { dataset: dataset as u32, range: [cut(part), cut(part + 1)] })
}

/// Finds the candidate pairs of one chunk, as [`find_candidate_pairs`] does of all: `datasets` and `blocks` are those of
/// all datasets, and the pairs have the rows' numbers in these. (anonlink is given the chunk's rows alone.)
///
/// Pairs of all chunks, put in order by [`CandidatePairs::new`] or [`merge_files`](super::merge_files), are those of the
/// whole, unless there is a `k`: then each chunk keeps its own `k` best.
///
/// # Errors
/// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where there is no such dataset, or it has no such rows; otherwise
/// as [`find_candidate_pairs`].
pub fn process_chunk(
    chunk: &Chunk,
    datasets: &[&Clks],
    measure: Measure,
    threshold: Ratio,
    k: Option<usize>,
    blocks: Option<&[Vec<Vec<u32>>]>,
) -> Result<CandidatePairs> {
    let part = |of: &DatasetRange| {
        let (place, [start, end]) = (of.dataset as usize, of.range.map(|row| row as usize));
        let clks = datasets.get(place).ok_or_else(|| Error::argument("a chunk names a dataset that there is not"))?;
        if start > end || end > clks.rows() {
            return Err(Error::argument("a chunk names rows that its dataset does not have"));
        }
        let blocks =
            blocks.map(|blocks| blocks.get(place).and_then(|blocks| blocks.get(start..end)).unwrap_or_default());
        Ok((Clks::from_matrix(clks.matrix().select(start..end)), blocks.map(<[Vec<u32>]>::to_vec)))
    };
    let ((a, blocks_a), (b, blocks_b)) = (part(&chunk[0])?, part(&chunk[1])?);
    let blocks = blocks_a.zip(blocks_b).map(|(a, b)| [a, b]);
    let found = find_candidate_pairs(&[&a, &b], measure, threshold, k, blocks.as_ref().map(<[_; 2]>::as_slice))?;
    let shift = |pair: &CandidatePair| CandidatePair {
        datasets: [chunk[0].dataset, chunk[1].dataset],
        rows: [pair.rows[0] + chunk[0].range[0], pair.rows[1] + chunk[1].range[0]],
        ..*pair
    };
    Ok(CandidatePairs::of(found.pairs().iter().map(shift).collect()))
}
