//! Counts of a linkage, small ones not shown.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use super::assign::Solver;
use super::candidates::Blocking;
use super::links::{Decided, Links, Reason};
use crate::schema::Assignment;

/// Counts of a linkage. Those above 0 and below the schema's `suppress_below` are not shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// For each party: its name, its rows, and how many of them are linked.
    pub parties: Vec<(String, Counted, Counted)>,
    /// For each pair of parties: how many links, and from which score on.
    pub pairs: Vec<PairSummary>,
    /// How many clusters have rows of so many parties, by that number.
    pub clusters: BTreeMap<usize, Counted>,
    /// How many links a row may have.
    pub assignment: Assignment,
    /// What chose between partners.
    pub solver: Solver,
    suppress_below: u32,
}

/// The links of two parties, in counts.
#[derive(Clone, Debug, PartialEq)]
pub struct PairSummary {
    /// The parties' names; the same name twice for duplicates inside one cohort.
    pub parties: (String, String),
    /// From which score on a pair was a link; infinite where the cohorts showed no matches.
    pub threshold: f32,
    /// The share of links that are expected to be right, where the threshold was estimated.
    pub expected_precision: Option<f32>,
    /// How many links there are.
    pub links: Counted,
    /// How many of them by a match key.
    pub by_match_key: Counted,
    /// How many of them were known.
    pub known: Counted,
    /// How many connected parts of the candidates were too large for the solver, and were assigned greedily.
    pub too_large: usize,
    /// The links' scores in [`BINS`] bins of equal width; each with the score from which it counts.
    pub histogram: Vec<(f32, Counted)>,
    /// Where not all pairs were compared: how candidates were found, and what may have been missed.
    pub blocking: Option<Blocking>,
}

/// How many bins a histogram of scores has.
pub const BINS: usize = 20;

/// A count, or that it is too small to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// The count: 0, or not small.
    Exactly(u64),
    /// Above 0 and below this number.
    Below(u32),
}

impl Counted {
    /// A count as it may be shown where those below `suppress_below` may not.
    #[must_use]
    pub fn new(count: u64, suppress_below: u32) -> Self {
        if count > 0 && count < u64::from(suppress_below) {
            Counted::Below(suppress_below)
        } else {
            Counted::Exactly(count)
        }
    }

    /// The parts of a total that is shown, or can be added up elsewhere. Where a single one is small, it could be had by
    /// subtraction; then the next smallest is blurred too, up to the next multiple of `suppress_below`.
    #[must_use]
    pub fn parts(counts: &[u64], suppress_below: u32) -> Vec<Counted> {
        let mut parts: Vec<Counted> = counts.iter().map(|&count| Counted::new(count, suppress_below)).collect();
        if parts.iter().filter(|part| matches!(part, Counted::Below(_))).count() == 1 {
            let shown = (0..parts.len()).filter(|&i| matches!(parts[i], Counted::Exactly(1..)));
            if let Some(next) = shown.min_by_key(|&i| counts[i]) {
                let step = u64::from(suppress_below);
                parts[next] = Counted::Below(u32::try_from((counts[next] / step + 1) * step).unwrap_or(u32::MAX));
            }
        }
        parts
    }
}

impl Summary {
    pub(super) fn new(links: &Links) -> Self {
        let below = links.settings.suppress_below();
        let counted = |count: usize| Counted::new(count as u64, below);
        // Of a part and a whole that are both shown, the rest could be had.
        let part = |part: usize, whole: usize| Counted::parts(&[part as u64, (whole - part) as u64], below)[0];
        let mut linked = vec![0; links.parties.len()];
        let mut clusters: BTreeMap<usize, usize> = BTreeMap::new();
        for cluster in &links.clusters {
            cluster.members.iter().for_each(|member| linked[member.cohort] += 1);
            let parties: HashSet<usize> = cluster.members.iter().map(|member| member.cohort).collect();
            *clusters.entry(parties.len()).or_default() += 1;
        }
        let parties = links.parties.iter().zip(linked);
        let pairs = links.thresholds.iter().map(|of_pair| {
            let Decided { cohorts: (i, j), threshold, expected_precision, ref blocking, too_large } = *of_pair;
            let of_pair = || links.pairs.iter().filter(|link| (link.a.cohort, link.b.cohort) == (i, j));
            let count = of_pair().count();
            let by_key = of_pair().filter(|link| matches!(link.reason, Reason::MatchKey(_))).count();
            let known = of_pair().filter(|link| link.reason == Reason::Known).count();
            let reasons = [by_key, known, count - by_key - known].map(|count| count as u64);
            let reasons = Counted::parts(&reasons, below);
            let (edges, bins): (Vec<f32>, Vec<u64>) = histogram(of_pair().map(|link| link.score)).unzip();
            PairSummary {
                parties: (links.parties[i].name.clone(), links.parties[j].name.clone()),
                threshold,
                expected_precision,
                links: counted(count),
                by_match_key: reasons[0],
                known: reasons[1],
                too_large,
                histogram: edges.into_iter().zip(Counted::parts(&bins, below)).collect(),
                blocking: blocking.clone(),
            }
        });
        Summary {
            pairs: pairs.collect(),
            parties: parties
                .map(|(party, linked)| {
                    (party.name.clone(), counted(party.row_ids.len()), part(linked, party.row_ids.len()))
                })
                .collect(),
            clusters: clusters.into_iter().map(|(parties, count)| (parties, counted(count))).collect(),
            assignment: links.settings.assignment(),
            solver: links.solver,
            suppress_below: below,
        }
    }
}

/// Counts of scores in bins of equal width: whole-numbered edges, or twentieths where all scores are between 0 and 1.
fn histogram(scores: impl Iterator<Item = f32> + Clone) -> impl Iterator<Item = (f32, u64)> {
    let least = scores.clone().fold(0.0f32, f32::min).floor();
    let most = scores.clone().fold(1.0f32, f32::max);
    let width = if most <= 1.0 && least >= 0.0 { 1.0 / BINS as f32 } else { ((most - least) / BINS as f32).ceil() };
    let mut counts = [0; BINS];
    scores.for_each(|score| counts[(((score - least) / width) as usize).min(BINS - 1)] += 1);
    counts.into_iter().enumerate().map(move |(bin, count)| (least + bin as f32 * width, count))
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Counted::Exactly(count) => count.fmt(f),
            Counted::Below(least) => f.pad(&format!("<{least}")),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.parties.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        for (name, rows, linked) in &self.parties {
            writeln!(f, "{name:width$}  {rows:>9} rows  {linked:>9} linked")?;
        }
        for (parties, count) in &self.clusters {
            match parties {
                1 => writeln!(f, "{count} people stand more than once in one file")?,
                parties => writeln!(f, "{count} people are in {parties} files")?,
            }
        }
        if self.parties.len() > 1 {
            writeln!(f, "{}, {} solver", self.assignment.as_str(), self.solver)?;
        }
        for pair in &self.pairs {
            let PairSummary {
                parties: (a, b),
                threshold,
                expected_precision,
                links,
                by_match_key,
                known,
                too_large,
                histogram,
                blocking,
            } = pair;
            write!(f, "\n{a} and {b}: {links} links, {by_match_key} of them by match key")?;
            if *known != Counted::Exactly(0) {
                write!(f, ", {known} known")?;
            }
            f.write_str("; ")?;
            match (threshold.is_finite(), expected_precision) {
                (false, _) => writeln!(f, "nobody else stands out from strangers")?,
                (true, None) => writeln!(f, "threshold {threshold:.2}")?,
                (true, Some(precision)) => {
                    writeln!(f, "threshold {threshold:.2}, at which about {:.1} % are right", precision * 100.0)?;
                }
            }
            if let Some(blocking) = blocking {
                writeln!(f, "  not all pairs were compared. {blocking}")?;
            }
            if *too_large > 0 {
                writeln!(f, "  groups of candidates too large for the solver, and assigned greedily: {too_large}")?;
            }
            let number = |count: &Counted| if let Counted::Exactly(n) = count { *n } else { 0 };
            let most = histogram.iter().map(|(_, count)| number(count)).max().unwrap_or(0).max(1);
            for (from, count) in histogram.iter().filter(|(_, count)| *count != Counted::Exactly(0)) {
                let bar = "#".repeat((number(count) * 50).div_ceil(most) as usize);
                writeln!(f, "  score from {from:6.2} {count:>8} {bar}")?;
            }
        }
        if self.suppress_below > 0 {
            writeln!(f, "\nCounts below {} are not shown.", self.suppress_below)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_small_part_cannot_be_had_by_subtraction() {
        use Counted::{Below, Exactly};
        assert_eq!(Counted::parts(&[500, 14, 3, 0], 10), [Exactly(500), Below(20), Below(10), Exactly(0)]);
        assert_eq!(Counted::parts(&[500, 4, 3], 10), [Exactly(500), Below(10), Below(10)]);
        assert_eq!(Counted::parts(&[500, 10], 10), [Exactly(500), Exactly(10)]);
        assert_eq!(Counted::parts(&[500, 3], 0), [Exactly(500), Exactly(3)]);
        assert_eq!(Counted::parts(&[3], 10), [Below(10)]);
    }
}
