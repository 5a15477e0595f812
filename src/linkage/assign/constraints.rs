//! Pairs that somebody has decided by hand.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use super::super::links::{Member, Reason};
use super::greedy::single;
use super::groups::Groups;
use super::{Candidate, in_order};
use crate::cohort::{Cohort, RowId};
use crate::error::{Error, ErrorKind, ROW_PROBLEMS_KEPT, Result, RowProblem};
use crate::schema::Assignment;

/// The columns that a file of constraints begins with: those of `links.csv`.
const COLUMNS: [&str; 4] = ["party_a", "row_a", "party_b", "row_b"];

/// Pairs of rows that are known to be one person, or known not to be: for [`Linker::known`](super::super::Linker::known)
/// and [`Linker::forbidden`](super::super::Linker::forbidden).
///
/// Rows are named by party and row id, so that somebody who looks through a `links.csv` can keep lines of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Constraints {
    path: Option<PathBuf>,
    pairs: Vec<Pair>,
}

#[derive(Clone, PartialEq, Eq)]
struct Pair {
    /// From 1.
    number: u64,
    /// 0 where it is from no file.
    line: u64,
    rows: [(String, RowId); 2],
}

impl Constraints {
    /// No pairs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One pair more: two rows, each with its party. Their order does not matter. Whether there are such rows is found when
    /// cohorts are linked.
    #[must_use]
    pub fn pair(mut self, a: (&str, RowId), b: (&str, RowId)) -> Self {
        let rows = [a, b].map(|(party, row)| (party.to_owned(), row));
        self.pairs.push(Pair { number: self.pairs.len() as u64 + 1, line: 0, rows });
        self
    }

    /// Reads a CSV file whose first columns are `party_a,row_a,party_b,row_b`, as in the `links.csv` that
    /// [`Links::write_csv`](super::super::Links::write_csv) writes; further columns are not looked at.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::Key`] where a line of it is a key; [`ErrorKind::File`] where the columns are others;
    /// [`ErrorKind::Rows`] with every line that does not name two rows.
    pub fn read_csv(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, "read", e))?;
        crate::key_file::refuse(path, &bytes)?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        // Party names and row ids hold no commas, quotation marks or line ends, so nothing else has to be understood.
        let mut lines = (1..).zip(bytes.split(|&byte| byte == b'\n')).filter(|(_, line)| !line.trim_ascii().is_empty());
        let columns = |line| -> Vec<&[u8]> { <[u8]>::split(line, |&byte| byte == b',').map(value).collect() };
        let header = lines.next().map(|(_, line)| columns(line)).unwrap_or_default();
        if !COLUMNS.iter().enumerate().all(|(i, name)| header.get(i) == Some(&name.as_bytes())) {
            return Err(Error::file(path, format!("does not begin with the columns {}", COLUMNS.join(","))));
        }
        let mut constraints = Constraints { path: Some(path.to_owned()), pairs: Vec::new() };
        let mut problems = Problems::default();
        for (number, (line, text)) in (1..).zip(lines) {
            let [party_a, row_a, party_b, row_b, ..] = columns(text)[..] else {
                problems.add(number, line, "", "has fewer than four columns");
                continue;
            };
            let mut row = |field: &str, party: &[u8], row: &[u8]| {
                let party = std::str::from_utf8(party).ok().filter(|party| !party.is_empty());
                let row = std::str::from_utf8(row).ok().and_then(|row| row.parse::<RowId>().ok());
                if party.is_none() {
                    problems.add(number, line, &format!("party_{field}"), "is not the name of a party");
                }
                if row.is_none() {
                    problems.add(number, line, &format!("row_{field}"), "is not a row id (32 hexadecimal digits)");
                }
                Some((party?.to_owned(), row?))
            };
            if let (Some(a), Some(b)) = (row("a", party_a, row_a), row("b", party_b, row_b)) {
                constraints.pairs.push(Pair { number, line, rows: [a, b] });
            }
        }
        problems.into_result(Some(path))?;
        Ok(constraints)
    }

    /// How many pairs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The pairs as rows of these cohorts, the earlier row first.
    fn resolve(&self, cohorts: &[&Cohort]) -> Result<Vec<(&Pair, Member, Member)>> {
        let mut rows: Vec<Option<HashMap<RowId, u32>>> = vec![None; cohorts.len()];
        let mut problems = Problems::default();
        let mut found = Vec::new();
        for pair in &self.pairs {
            let mut member = |field: &str, (party, id): &(String, RowId)| {
                let Some(cohort) = cohorts.iter().position(|cohort| cohort.party() == party) else {
                    problems.of(pair, &format!("party_{field}"), "is not among the parties that are linked");
                    return None;
                };
                let rows =
                    rows[cohort].get_or_insert_with(|| cohorts[cohort].row_ids().iter().copied().zip(0u32..).collect());
                let row = rows.get(id).copied();
                if row.is_none() {
                    problems.of(pair, &format!("row_{field}"), "is not a row of that party's cohort");
                }
                Some(Member { cohort, row: row? })
            };
            let (a, b) = (member("a", &pair.rows[0]), member("b", &pair.rows[1]));
            if let (Some(a), Some(b)) = (a, b) {
                if a == b {
                    problems.of(pair, "", "names one row twice");
                }
                found.push((pair, a.min(b), a.max(b)));
            }
        }
        problems.into_result(self.path.as_deref())?;
        Ok(found)
    }
}

/// Counts only.
impl fmt::Debug for Constraints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Constraints({} pairs)", self.pairs.len())
    }
}

/// What stands between two commas.
fn value(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii();
    bytes.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(bytes)
}

/// Problems with the rows of a file, as they are found.
#[derive(Default)]
pub(in crate::linkage) struct Problems {
    kept: Vec<RowProblem>,
    total: u64,
}

impl Problems {
    pub(in crate::linkage) fn add(&mut self, row: u64, line: u64, field: &str, problem: &'static str) {
        self.total += 1;
        if self.kept.len() < ROW_PROBLEMS_KEPT {
            self.kept.push(RowProblem { row, line, field: field.to_owned(), problem });
        }
    }

    fn of(&mut self, pair: &Pair, field: &str, problem: &'static str) {
        self.add(pair.number, pair.line, field, problem);
    }

    pub(in crate::linkage) fn into_result(self, path: Option<&Path>) -> Result<()> {
        if self.total == 0 {
            return Ok(());
        }
        Err(ErrorKind::Rows { path: path.map(Path::to_owned), problems: self.kept, total: self.total }.into())
    }
}

/// Known and forbidden pairs of the cohorts that are linked: without contradictions, each pair once.
#[derive(Debug, Default)]
pub(in crate::linkage) struct Rules {
    known: Vec<(Member, Member)>,
    forbidden: Vec<(Member, Member)>,
}

impl Rules {
    /// # Errors
    /// [`ErrorKind::Rows`] with every pair that names no two rows of these cohorts, or contradicts another.
    pub(in crate::linkage) fn new(
        known: &Constraints,
        forbidden: &Constraints,
        cohorts: &[&Cohort],
        assignment: Assignment,
    ) -> Result<Self> {
        let known_pairs = known.resolve(cohorts)?;
        let forbidden_pairs = forbidden.resolve(cohorts)?;
        let within = cohorts.len() == 1;
        let one_to_one = !within && assignment == Assignment::OneToOne;
        let (single_a, single_b) = single(assignment);

        // Who is one person by what is known: rows in groups, and the cohorts of each.
        let mut members: Vec<Member> = known_pairs.iter().flat_map(|(_, a, b)| [*a, *b]).collect();
        members.sort_unstable();
        members.dedup();
        let node = |member| members.binary_search(&member).ok().map(|node| node as u32);
        let mut groups = Groups::new(members.len());
        let mut in_group: Vec<Vec<usize>> = members.iter().map(|member| vec![member.cohort]).collect();
        let mut partners: HashMap<(Member, usize), Member> = HashMap::new();
        let mut problems = Problems::default();
        for &(pair, a, b) in &known_pairs {
            if !within && a.cohort == b.cohort {
                problems.of(pair, "", "names two rows of one party; duplicates are for deduplication");
                continue;
            }
            let mut another =
                |member: Member, other: Member| *partners.entry((member, other.cohort)).or_insert(other) != other;
            if !within && (single_a && another(a, b) || single_b && another(b, a)) {
                problems.of(pair, "", "gives a row a second partner, which the schema's assignment does not allow");
                continue;
            }
            let (Some(x), Some(y)) = (node(a), node(b)) else { continue };
            let (x, y) = (groups.find(x), groups.find(y));
            if x == y {
                continue;
            }
            if one_to_one && in_group[x as usize].iter().any(|cohort| in_group[y as usize].contains(cohort)) {
                problems.of(pair, "", "with earlier pairs makes two rows of one party one person");
                continue;
            }
            groups.join(x, y);
            let moved = std::mem::take(&mut in_group[x as usize]);
            in_group[y as usize].extend(moved);
        }
        problems.into_result(known.path.as_deref())?;

        let mut problems = Problems::default();
        for &(pair, a, b) in &forbidden_pairs {
            if let (Some(x), Some(y)) = (node(a), node(b))
                && groups.find(x) == groups.find(y)
            {
                problems.of(pair, "", "is forbidden, and by what is known its rows are one person");
            }
        }
        problems.into_result(forbidden.path.as_deref())?;

        let pairs = |pairs: Vec<(&Pair, Member, Member)>| {
            let mut pairs: Vec<(Member, Member)> = pairs.into_iter().map(|(_, a, b)| (a, b)).collect();
            pairs.sort_unstable();
            pairs.dedup();
            pairs
        };
        Ok(Rules { known: pairs(known_pairs), forbidden: pairs(forbidden_pairs) })
    }

    /// The pairs that must not be in one cluster.
    pub(in crate::linkage) fn forbidden(&self) -> &[(Member, Member)] {
        &self.forbidden
    }

    /// Takes forbidden pairs out of the candidates of two cohorts (or within one), and puts known ones first. A known pair
    /// that was no candidate gets the threshold for a score, and where there is none, 0.
    pub(in crate::linkage) fn apply(
        &self,
        cohorts: (usize, usize),
        mut candidates: Vec<Candidate>,
        threshold: f32,
    ) -> Vec<Candidate> {
        let of = |pairs: &[(Member, Member)]| -> HashSet<(u32, u32)> {
            let of_these = pairs.iter().filter(|(a, b)| (a.cohort, b.cohort) == cohorts);
            of_these.map(|(a, b)| (a.row, b.row)).collect()
        };
        let (mut known, forbidden) = (of(&self.known), of(&self.forbidden));
        if known.is_empty() && forbidden.is_empty() {
            return candidates;
        }
        candidates.retain(|candidate| !forbidden.contains(&(candidate.a, candidate.b)));
        for candidate in &mut candidates {
            if known.remove(&(candidate.a, candidate.b)) {
                candidate.reason = Reason::Known;
            }
        }
        let score = if threshold.is_finite() { threshold } else { 0.0 };
        candidates.extend(known.into_iter().map(|(a, b)| Candidate { a, b, score, reason: Reason::Known }));
        candidates.sort_unstable_by(in_order);
        candidates
    }
}
