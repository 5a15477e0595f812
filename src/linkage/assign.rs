//! From scored candidates to links and clusters.
//!
//! * `greedy`: best first, what is left.
//! * `optimal`: the greatest total (feature `optimal`).
//! * `clusters`: who is one person across several cohorts, or inside one.
//! * `constraints`: pairs that somebody has decided by hand.
//! * `order`: rows by their ids, so that the order of a file decides no tie.

pub(super) mod clusters;
pub(super) mod constraints;
mod greedy;
mod groups;
#[cfg(feature = "optimal")]
mod optimal;
pub(super) mod order;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

pub(super) use self::greedy::single;
use super::links::Reason;
use crate::error::{Error, Result};
use crate::schema::Assignment;

/// A pair of rows that may be one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The row in the earlier cohort (within one cohort: the earlier row).
    pub a: u32,
    /// The row in the later cohort.
    pub b: u32,
    /// How alike the rows are; see [`ScoredPairs::threshold`](super::ScoredPairs::threshold).
    pub score: f32,
    /// Why the pair is a candidate.
    pub reason: Reason,
}

/// How partners are chosen where a row may have only one on either side (one-to-one). Otherwise all solvers give the same:
/// each row its best partner, or every pair.
///
/// A solver is the linkage unit's choice and not part of the schema: it does not change what is compared, or which pairs
/// are good enough, only which of those that exclude each other are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Solver {
    /// The best pair first, then the best of those that are left, and so on. It never gives up a pair for two others.
    #[default]
    Greedy,
    /// The pairs whose scores above the threshold have the greatest total, by the Hungarian method (Kuhn 1955; Munkres
    /// 1957), in each connected part of the candidates on its own.
    ///
    /// Pairs that are known, and then pairs by match key, are taken before, as by the greedy solver: an exact identifier
    /// is not given up for sums of similarities. Scores count in steps of 2⁻²⁴ above the threshold (cut at 2¹⁶), and a pair
    /// one step more, so that one exactly at the threshold is in. Of several best assignments the one is taken that has
    /// most by lot; a pair's lot is a hash of its two row numbers, and these are by lot already.
    ///
    /// A connected part of more than [`MOST_CELLS`] cells (rows on one side times rows on the other) is assigned greedily:
    /// time grows with the cube of rows. [`Assigned::too_large`] and the summary say how many there were.
    #[cfg(feature = "optimal")]
    Optimal,
}

/// The largest connected part of the candidates that [`Solver::Optimal`] takes: 1,024 rows on each side, or the same
/// product. It takes 16 MiB and a second or two.
#[cfg(feature = "optimal")]
pub const MOST_CELLS: usize = 1 << 20;

/// What a [`Solver`] found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Assigned {
    /// The links: known ones, then those by match key, then the most alike; ties in the order of rows.
    pub links: Vec<Candidate>,
    /// How many connected parts of the candidates were too large for the solver, and were assigned greedily.
    pub too_large: usize,
}

impl Solver {
    /// All solvers of this build.
    const ALL: &'static [Solver] = &[
        Solver::Greedy,
        #[cfg(feature = "optimal")]
        Solver::Optimal,
    ];

    /// Its name: `greedy` or `optimal`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Solver::Greedy => "greedy",
            #[cfg(feature = "optimal")]
            Solver::Optimal => "optimal",
        }
    }

    /// Links among candidates that are known or share a match key, or reach the threshold.
    ///
    /// The order of the candidates does not matter. Each pair of rows may be among them once.
    #[must_use]
    pub fn assign(self, candidates: &[Candidate], threshold: f32, assignment: Assignment) -> Assigned {
        let candidates = sorted(candidates);
        match self {
            #[cfg(feature = "optimal")]
            Solver::Optimal if assignment == Assignment::OneToOne => optimal::optimal(&candidates, threshold),
            _ => Assigned { links: greedy::greedy(&candidates, threshold, assignment), too_large: 0 },
        }
    }
}

impl fmt::Display for Solver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Solver {
    type Err = Error;

    /// Reads a solver's name.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) for a name that is not one, and for a solver that this program
    /// was built without.
    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|solver| solver.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|solver| solver.name()).collect();
            let more =
                if cfg!(feature = "optimal") { "" } else { "; optimal needs a build with the feature `optimal`" };
            Error::argument(format!("no such solver in this program; it has: {}{more}", names.join(", ")))
        })
    }
}

/// The order in which candidates are taken: those that are known first, then those by match key, in the order of the
/// schema's match keys; then higher scores; then, to settle every tie, the lower row of the earlier cohort and of the later
/// one. Row ids are random, so a tie is settled by lot, and the same way every time.
pub(super) fn in_order(x: &Candidate, y: &Candidate) -> Ordering {
    x.reason.rank().cmp(&y.reason.rank()).then(y.score.total_cmp(&x.score)).then(x.a.cmp(&y.a)).then(x.b.cmp(&y.b))
}

/// The candidates in order, which they mostly are already.
fn sorted(candidates: &[Candidate]) -> Cow<'_, [Candidate]> {
    if candidates.is_sorted_by(|x, y| in_order(x, y).is_le()) {
        return Cow::Borrowed(candidates);
    }
    let mut candidates = candidates.to_vec();
    candidates.sort_unstable_by(in_order);
    Cow::Owned(candidates)
}

/// Takes candidates greedily, best first, while they are known, share a match key or reach the threshold, and the
/// assignment leaves both rows free: what [`Solver::Greedy`] does.
///
/// Ties go to the lower rows, and the order of the candidates does not matter.
#[must_use]
pub fn assign(candidates: &[Candidate], threshold: f32, assignment: Assignment) -> Vec<Candidate> {
    Solver::Greedy.assign(candidates, threshold, assignment).links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solvers_have_names() {
        for &solver in Solver::ALL {
            assert_eq!(solver.to_string().parse::<Solver>().ok(), Some(solver));
        }
        assert_eq!(Solver::default(), Solver::Greedy);
        let error = "Greedy".parse::<Solver>().err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("greedy") && error.contains("optimal"), "{error}");
    }
}
