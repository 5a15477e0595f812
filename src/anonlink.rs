//! anonlink's candidate pairs, solvers and files, for whoever links CLKs that exist. The linkage unit's side.
//!
//! [anonlink](https://github.com/data61/anonlink) 0.15.3 is the reference: the same similarities to the last bit, the same
//! pairs in the same order, the same groups, the same files. The names are its names, so that a script can be moved over
//! line by line:
//!
//! ```
//! use pprl::anonlink::{Clks, find_candidate_pairs, greedy_solve};
//! use pprl::linkage::Measure;
//!
//! # fn main() -> pprl::Result<()> {
//! let police = Clks::from_json(br#"{"clks": ["7w8=", "AfA="]}"#)?;
//! let schools = Clks::from_json(br#"{"clks": ["AfA=", "7w4="]}"#)?;
//! let pairs = find_candidate_pairs(&[&police, &schools], Measure::Dice, "0.8".parse()?, None, None)?;
//! assert_eq!(greedy_solve(&pairs), [[(0, 0), (1, 1)], [(0, 1), (1, 0)]]);
//! # Ok(())
//! # }
//! ```
//!
//! anonlink's Dice is [`Measure::Dice`](crate::linkage::Measure::Dice), its simple matching coefficient is
//! [`Measure::Hamming`](crate::linkage::Measure::Hamming).
//!
//! # Where anonlink is wrong
//!
//! There this is right, and gives something else:
//!
//! * A pair exactly at the threshold is in. anonlink's native code skips some by a length filter that is cut off in floating
//!   point: at .75, with 3 and 5 bits of which 3 are in both; at .95, with 19 and 21. A threshold is a
//!   [`Ratio`](crate::linkage::Ratio), which is compared in whole numbers. So is the merge threshold of
//!   [`probabilistic_greedy_solve`].
//! * CLKs that are not a whole number of 64-bit words are counted right. anonlink's native code counts wrongly from 10,000
//!   records in the second dataset on, and gives similarities up to 1.09 without a word. A file with a similarity above 1
//!   is refused, so that such a result is found out.
//! * With a `k`, anonlink gives the pairs of the simple matching coefficient in the order of records, and its solvers, which
//!   rely on the order, take the wrong ones first. [`CandidatePairs`] are always in order: a file that is not, is sorted.
//! * A pair that stands in a list twice is one pair. anonlink's merged files keep both (its issue 271), and its solvers
//!   count the edge twice, by which three records become one group under a merge threshold of 1. A record that names a
//!   block twice is in it once, and `k` counts it once.
//! * Whatever the order of its input, the result of a solver is in order: groups by their first record, records by dataset
//!   and row. anonlink's order of groups depends on addresses in memory.

pub mod blocks;
mod candidates;
mod chunks;
mod files;
mod json;
mod pairs;
mod similarity;
mod solve;
mod stats;

pub use self::candidates::{find_candidate_pairs, number_blocks};
pub use self::chunks::{Chunk, DatasetRange, process_chunk, split_to_chunks};
pub use self::files::merge_files;
pub use self::json::{write_groups, write_similarity_scores};
pub use self::pairs::{CandidatePair, CandidatePairs};
pub use self::similarity::similarity;
pub use self::solve::{Group, greedy_solve, pairs_from_groups, probabilistic_greedy_solve};
pub use self::stats::{
    Histogram, MatchHistogram, cumul_number_matches_vs_threshold, matches_nonmatches_hist, nonmatch_index_score,
    similarities_hist,
};
pub use crate::clks::{Clks, ClksAndBlocks, MAX_CLK_BITS};
