//! Only what is near, for files so large that all pairs take too long.

use pprl::linkage::{Candidates, Lsh, MatchKeys};
use pprl::{Cohort, Linker};

use super::command::Outcome;

/// The linker, to compare only pairs that share a match key or that LSH finds: of those whose encodings differ in this share of
/// their bits, so many.
pub(crate) fn near(linker: Linker, cohorts: &[&Cohort], (share, recall): (f64, f64)) -> Outcome<Linker> {
    // Keys are as long as the largest files need.
    let mut by_rows = cohorts.to_vec();
    by_rows.sort_by_key(|cohort| std::cmp::Reverse(cohort.rows()));
    let (a, b) = (by_rows[0], by_rows[by_rows.len().min(2) - 1]);
    let lsh = Lsh::for_cohorts(a, b, share, recall)?;
    Ok(linker.candidates(Candidates::LshAndMatchKeys(lsh, MatchKeys::new())))
}
