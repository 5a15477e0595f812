//! Quality from pairs that somebody looked at: precision, recall and a curve without knowing everybody.
//!
//! Who reviews pairs sees people. What comes back to the linkage unit is a table of row ids and yes or no, which is no
//! plaintext. It knows nothing of pairs that nobody put before the reviewer, and says so.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::fs::File;
use std::path::Path;

use super::resample::{Bootstrap, Interval, Units, share};
use crate::cohort::RowId;
use crate::error::{Error, ErrorKind, ROW_PROBLEMS_KEPT, Result, RowProblem};
use crate::linkage::{Reason, ScoredPairs, assign};
use crate::schema::Assignment;

/// A pair of rows that somebody judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelledPair {
    /// The row of the earlier cohort.
    pub a: RowId,
    /// The row of the later cohort (within one cohort: the other row).
    pub b: RowId,
    /// Whether they are one person.
    pub is_match: bool,
    /// How many pairs it stands for: one over the probability that it was drawn.
    pub weight: f64,
}

/// Pairs that somebody judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelledSample {
    /// The pairs, none of them twice.
    pub pairs: Vec<LabelledPair>,
}

/// What a labelled sample says of a linkage.
#[derive(Clone, Debug)]
pub struct SampleEvaluation {
    /// Estimates at every threshold that makes a difference to the sample, from the highest down.
    pub points: Vec<SamplePoint>,
    /// Labelled pairs.
    pub pairs: usize,
    /// Those judged to be one person.
    pub matches: usize,
    /// Labelled pairs that the linkage did not consider: they count as not linked.
    pub not_candidates: usize,
    /// The lowest and the highest score of labelled pairs that are candidates by their similarity.
    pub scores: Option<(f32, f32)>,
    seen: Vec<Seen>,
}

/// Estimates at one threshold; `None` where nothing in the sample tells.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct SamplePoint {
    /// The score from which pairs are linked; infinite for links by match key alone.
    pub threshold: f32,
    /// The share of links that are right.
    pub precision: Option<f64>,
    /// The share of matches that are linked, of those *among the pairs that the sample was drawn from*: a match that could
    /// not get into the sample is not missed here. It is no less than the recall among all true pairs, and often more.
    pub recall: Option<f64>,
    /// The harmonic mean of both.
    pub f1: Option<f64>,
    /// Labelled pairs that are linked.
    pub links: usize,
    /// Those of them that are right.
    pub correct: usize,
}

/// A labelled pair beside the linkage.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Pairs of one row of the earlier cohort are drawn together.
    row: u32,
    /// The highest threshold at which it is linked; `None` where it never is.
    linked: Option<f32>,
    is_match: bool,
    weight: f64,
}

impl LabelledSample {
    /// Reads a CSV file with the columns `row_a`, `row_b`, `match` and, if there is one, `weight`, in any order; other
    /// columns are passed over. Row ids are those of the cohorts, a match is `1`, `true` or `yes`, or else `0`, `false` or
    /// `no`, and a weight is a number above 0; without the column each pair has weight 1.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::File`] where a column is not there or there are no rows; [`ErrorKind::Rows`] with
    /// all rows that cannot be read, or that judge a pair again.
    pub fn read_csv(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
        let mut csv = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(file);
        let none = || Error::file(path, "is not a CSV file");
        let header = csv.byte_headers().map_err(|_| none())?;
        let column = |name: &str| header.iter().position(|column| column == name.as_bytes());
        let needed = |name: &str| column(name).ok_or_else(|| Error::file(path, format!("there is no column {name}")));
        let columns = (needed("row_a")?, needed("row_b")?, needed("match")?, column("weight"));
        let mut pairs = Vec::new();
        let mut known = HashSet::new();
        let (mut problems, mut total) = (Vec::new(), 0);
        let mut row = csv::ByteRecord::new();
        let mut number = 0;
        while csv.read_byte_record(&mut row).map_err(|_| none())? {
            number += 1;
            let pair = read(&row, columns).and_then(|pair| {
                // In either order: within one cohort it is the same pair.
                let new = known.insert((pair.a.min(pair.b), pair.a.max(pair.b)));
                if new { Ok(pair) } else { Err(("", "judges a pair that stands in the file before")) }
            });
            match pair {
                Ok(pair) => pairs.push(pair),
                Err((field, problem)) => {
                    total += 1;
                    if problems.len() < ROW_PROBLEMS_KEPT {
                        let line = row.position().map_or(0, csv::Position::line);
                        problems.push(RowProblem { row: number, line, field: field.to_owned(), problem });
                    }
                }
            }
        }
        if total > 0 {
            return Err(ErrorKind::Rows { path: Some(path.to_owned()), problems, total }.into());
        }
        if pairs.is_empty() {
            return Err(Error::file(path, "has a header and no rows"));
        }
        Ok(LabelledSample { pairs })
    }

    /// Estimates the quality of a linkage: `a` and `b` are the row ids of its cohorts ([`Cohort::row_ids`]), with no `b`
    /// for duplicates inside one.
    ///
    /// A labelled pair counts as linked where the greedy one-to-one (or other) assignment links it, so a candidate that
    /// loses its row to a better one is not linked at any threshold.
    ///
    /// [`Cohort::row_ids`]: crate::Cohort::row_ids
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] where a labelled row is in neither cohort: the sample is another run's.
    /// [`ErrorKind::Argument`] where a weight is not above 0 and finite.
    pub fn judge(
        &self,
        scored: &ScoredPairs,
        a: &[RowId],
        b: Option<&[RowId]>,
        assignment: Assignment,
    ) -> Result<SampleEvaluation> {
        let rows = |ids: &[RowId]| -> HashMap<RowId, u32> { ids.iter().copied().zip(0..).collect() };
        let rows_a = rows(a);
        let rows_b = b.map(rows);
        let key = |reason: Reason, score: f32| if reason == Reason::Similarity { score } else { f32::INFINITY };
        let linked: HashMap<(u32, u32), f32> = assign(&scored.candidates, f32::NEG_INFINITY, assignment)
            .iter()
            .map(|link| ((link.a, link.b), key(link.reason, link.score)))
            .collect();
        let mut wanted = Vec::new();
        for (pair, number) in self.pairs.iter().zip(1..) {
            let find = |rows: &HashMap<RowId, u32>, id: RowId, which: &str| {
                let problem =
                    || format!("labelled pair {number}: {which} is in no cohort; the sample is another run's");
                rows.get(&id).copied().ok_or_else(|| Error::from(ErrorKind::Mismatch { problem: problem() }))
            };
            let (x, y) = (find(&rows_a, pair.a, "row_a")?, find(rows_b.as_ref().unwrap_or(&rows_a), pair.b, "row_b")?);
            if !(pair.weight > 0.0 && pair.weight.is_finite()) {
                return Err(Error::argument(format!("labelled pair {number}: a weight must be above 0")));
            }
            wanted.push(if b.is_none() { (x.min(y), x.max(y)) } else { (x, y) });
        }
        let labelled: HashSet<(u32, u32)> = wanted.iter().copied().collect();
        let mut scores: Option<(f32, f32)> = None;
        let mut candidates = 0;
        for candidate in scored.candidates.iter().filter(|c| labelled.contains(&(c.a, c.b))) {
            candidates += 1;
            if candidate.reason == Reason::Similarity {
                let (low, high) = scores.unwrap_or((candidate.score, candidate.score));
                scores = Some((low.min(candidate.score), high.max(candidate.score)));
            }
        }
        let seen = |(pair, rows): (&LabelledPair, &(u32, u32))| Seen {
            row: rows.0,
            linked: linked.get(rows).copied(),
            is_match: pair.is_match,
            weight: pair.weight,
        };
        let seen: Vec<Seen> = self.pairs.iter().zip(&wanted).map(seen).collect();
        Ok(SampleEvaluation {
            points: points(&seen),
            pairs: seen.len(),
            matches: seen.iter().filter(|pair| pair.is_match).count(),
            not_candidates: labelled.len() - candidates,
            scores,
            seen,
        })
    }
}

impl SampleEvaluation {
    /// Estimates at a threshold. `None` below the lowest score that was labelled: there are links of which nobody knows
    /// anything.
    #[must_use]
    pub fn at(&self, threshold: f32) -> Option<SamplePoint> {
        let known = self.scores.map_or(f32::INFINITY, |(lowest, _)| lowest) <= threshold;
        known.then(|| point(&self.seen, threshold))
    }

    /// Intervals of precision and recall at a threshold, drawing rows of the earlier cohort with all their labelled pairs.
    /// `None` as for [`at`](Self::at), and where the sample does not tell.
    #[must_use]
    pub fn intervals(&self, threshold: f32, bootstrap: &Bootstrap) -> [Option<Interval>; 2] {
        let Some(estimate) = self.at(threshold) else { return [None, None] };
        let mut rows: BTreeMap<u32, u32> = BTreeMap::new();
        for pair in &self.seen {
            let next = rows.len() as u32;
            rows.entry(pair.row).or_insert(next);
        }
        let mut units = Units::new(rows.len(), 3);
        for pair in &self.seen {
            let linked = pair.linked.is_some_and(|from| from >= threshold);
            let adds = [linked, linked && pair.is_match, pair.is_match];
            (0..3).filter(|&sum| adds[sum]).for_each(|sum| units.add(rows[&pair.row], sum, pair.weight));
        }
        let counts = [0, 2].map(|sum| units.adding_to(&[sum]));
        let resampled = units.resample(bootstrap, |sums| [share(sums[1], sums[0]), share(sums[1], sums[2])]);
        let interval = |measure: usize, estimate: Option<f64>| {
            bootstrap.share(estimate?, counts[measure], resampled.iter().map(|values| values[measure]))
        };
        [interval(0, estimate.precision), interval(1, estimate.recall)]
    }
}

/// What the sample is, and what it cannot see.
impl fmt::Display for SampleEvaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} labelled pairs, {} of them judged to be one person.", self.pairs, self.matches)?;
        match self.scores {
            Some((low, high)) => {
                writeln!(f, "Their scores are {low:.3} to {high:.3}: nothing is known of links below {low:.3}.")?;
            }
            None => {
                writeln!(f, "None was compared by similarity: nothing is known of links that are not by match key.")?;
            }
        }
        if self.not_candidates > 0 {
            writeln!(f, "{} of the pairs were never a candidate, and count as not linked.", self.not_candidates)?;
        }
        f.write_str(
            "Recall is that among the pairs which the sample was drawn from. Matches that could not be drawn, such as those \
             that were never a candidate, are not in it: among all people it is lower.\n",
        )
    }
}

fn point(seen: &[Seen], threshold: f32) -> SamplePoint {
    let linked = |pair: &&Seen| pair.linked.is_some_and(|from| from >= threshold);
    let weight = |wanted: &dyn Fn(&&Seen) -> bool| seen.iter().filter(wanted).map(|pair| pair.weight).sum::<f64>();
    let (links, correct) = (weight(&linked), weight(&|pair| linked(pair) && pair.is_match));
    let matches = weight(&|pair| pair.is_match);
    let defined = |share: f64| Some(share).filter(|share| !share.is_nan());
    SamplePoint {
        threshold,
        precision: defined(share(correct, links)),
        recall: defined(share(correct, matches)),
        f1: defined(share(2.0 * correct, links + matches)),
        links: seen.iter().filter(linked).count(),
        correct: seen.iter().filter(|pair| linked(pair) && pair.is_match).count(),
    }
}

fn points(seen: &[Seen]) -> Vec<SamplePoint> {
    let mut thresholds: Vec<f32> = seen.iter().filter_map(|pair| pair.linked).collect();
    thresholds.sort_unstable_by(|x, y| y.total_cmp(x));
    thresholds.dedup();
    thresholds.into_iter().map(|threshold| point(seen, threshold)).collect()
}

fn read(
    row: &csv::ByteRecord,
    (a, b, label, weight): (usize, usize, usize, Option<usize>),
) -> Result<LabelledPair, (&'static str, &'static str)> {
    let text = |column: usize| row.get(column).and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default();
    let id = |column: usize, name| text(column).parse::<RowId>().map_err(|_| (name, "is not a row id"));
    let (a, b) = (id(a, "row_a")?, id(b, "row_b")?);
    if a == b {
        return Err(("", "pairs a row with itself"));
    }
    let is_match = match text(label).to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" => true,
        "0" | "false" | "no" => false,
        _ => return Err(("match", "is neither yes nor no (1 or 0)")),
    };
    let number = |column: usize| text(column).parse().ok().filter(|&weight: &f64| weight > 0.0 && weight.is_finite());
    let weight = weight.map_or(Some(1.0), number).ok_or(("weight", "is not a number above 0"))?;
    Ok(LabelledPair { a, b, is_match, weight })
}
