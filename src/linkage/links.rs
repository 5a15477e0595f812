//! What comes out: links between rows, a table for every owner, and a summary without rows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::assign::Solver;
use super::assign::clusters::{Evidence, Rule, clusters};
use super::assign::constraints::Rules;
use super::assign::order::Order;
use super::candidates::Blocking;
use super::{Linker, ScoredPairs};
use crate::cohort::{Cohort, RowId};
use crate::error::{Error, Result};
use crate::file;
use crate::schema::{Assignment, LinkageSettings};

/// Why two rows are a candidate pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Their encodings are alike.
    Similarity,
    /// They share the match key of this index in the schema.
    MatchKey(u8),
    /// Somebody says so: see [`Linker::known`].
    Known,
}

impl Reason {
    /// Which reasons count first: what is known, match keys in the schema's order, then similarity. A schema has far fewer
    /// keys than 255.
    pub(super) fn rank(self) -> u16 {
        match self {
            Reason::Known => 0,
            Reason::MatchKey(key) => 1 + u16::from(key),
            Reason::Similarity => u16::MAX,
        }
    }
}

/// Two rows that are one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// The row in the earlier cohort.
    pub a: Member,
    /// The row in the later cohort.
    pub b: Member,
    /// How alike the rows are.
    pub score: f32,
    /// Why they are linked.
    pub reason: Reason,
}

/// A row of a cohort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    /// The cohort's place in the list that was linked.
    pub cohort: usize,
    /// The row.
    pub row: u32,
}

/// Rows that are one person (or, many-to-one, one person and those who belong to them), at least two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its rows, in order.
    pub members: Vec<Member>,
}

/// A random 128-bit id in an owner's table or in the research environment's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub [u8; 16]);

/// The result of a linkage. It knows row ids and links, nothing of people.
#[derive(Clone)]
pub struct Links {
    parties: Vec<Party>,
    match_keys: Vec<String>,
    thresholds: Vec<Decided>,
    pairs: Vec<Link>,
    clusters: Vec<Cluster>,
    settings: LinkageSettings,
    solver: Solver,
    seed: [u8; 32],
}

/// How the links of two cohorts, or of one, were decided.
#[derive(Clone)]
struct Decided {
    cohorts: (usize, usize),
    threshold: f32,
    expected_precision: Option<f32>,
    blocking: Option<Blocking>,
    too_large: usize,
}

#[derive(Clone)]
struct Party {
    name: String,
    row_ids: Vec<RowId>,
}

impl Linker {
    pub(super) fn links(
        &self,
        cohorts: &[&Cohort],
        rules: &Rules,
        scored: Vec<((usize, usize), ScoredPairs)>,
    ) -> Result<Links> {
        let seed = match (self.seed, &self.checkpoint) {
            (Some(seed), _) => seed,
            (None, None) => crate::random::seed()?,
            // A run that is continued gives its rows the same ids.
            (None, Some(checkpoint)) => checkpoint.seed(crate::random::seed()?)?,
        };
        let settings = self.schema.linkage().clone();
        let order = Order::new(cohorts);
        let mut evidence = Vec::new();
        let mut thresholds = Vec::new();
        for (cohorts, ScoredPairs { candidates, threshold, expected_precision, blocking, .. }) in scored {
            // Inside one cohort a person may stand any number of times.
            let assignment = if cohorts.0 == cohorts.1 { Assignment::ManyToMany } else { settings.assignment() };
            let mut candidates = rules.apply(cohorts, candidates, threshold);
            order.places(cohorts, &mut candidates);
            let assigned = self.solver.assign(&candidates, threshold, assignment);
            thresholds.push(Decided {
                cohorts,
                threshold,
                expected_precision,
                blocking,
                too_large: assigned.too_large,
            });
            evidence.push(Evidence { cohorts, candidates, threshold, links: assigned.links });
        }
        let rule = match settings.assignment() {
            _ if cohorts.len() == 1 => Rule::Within(settings.candidates()),
            Assignment::OneToOne => Rule::Single,
            _ => Rule::Belonging,
        };
        let (links, clusters) = join(&evidence, rules, rule, &order);
        let party = |cohort: &&Cohort| Party { name: cohort.party().to_owned(), row_ids: cohort.row_ids().to_vec() };
        Ok(Links {
            parties: cohorts.iter().map(party).collect(),
            match_keys: self.schema.match_keys().iter().map(|key| key.name().to_owned()).collect(),
            thresholds,
            pairs: links,
            clusters,
            settings,
            solver: self.solver,
            seed,
        })
    }
}

/// The clusters, and the links inside them, best first.
fn join(evidence: &[Evidence], rules: &Rules, rule: Rule, order: &Order) -> (Vec<Link>, Vec<Cluster>) {
    let forbidden: Vec<(Member, Member)> =
        rules.forbidden().iter().map(|&(a, b)| (order.place(a), order.place(b))).collect();
    let rows = |cluster: Vec<Member>| {
        let mut members: Vec<Member> = cluster.into_iter().map(|place| order.row(place)).collect();
        members.sort_unstable();
        Cluster { members }
    };
    let mut clusters: Vec<Cluster> = clusters(evidence, &forbidden, rule).into_iter().map(rows).collect();
    clusters.sort_unstable_by(|x, y| x.members.cmp(&y.members));
    let cluster_of: HashMap<Member, usize> =
        clusters.iter().enumerate().flat_map(|(i, cluster)| cluster.members.iter().map(move |&row| (row, i))).collect();
    let links = evidence.iter().flat_map(|Evidence { cohorts: (i, j), links, .. }| {
        links.iter().map(|candidate| {
            let a = order.row(Member { cohort: *i, row: candidate.a });
            let b = order.row(Member { cohort: *j, row: candidate.b });
            Link { a: a.min(b), b: a.max(b), score: candidate.score, reason: candidate.reason }
        })
    });
    let inside = |link: &Link| {
        let (a, b) = (cluster_of.get(&link.a), cluster_of.get(&link.b));
        a.is_some() && a == b
    };
    let mut links: Vec<Link> = links.filter(inside).collect();
    links.sort_unstable_by(|x, y| {
        x.reason.rank().cmp(&y.reason.rank()).then(y.score.total_cmp(&x.score)).then((x.a, x.b).cmp(&(y.a, y.b)))
    });
    (links, clusters)
}

impl Links {
    /// The links, best first.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.pairs
    }

    /// The clusters, in the order of their first rows.
    ///
    /// With one-to-one assignment a cluster has at most one row of each cohort. Then, and within one cohort, clusters do not
    /// grow by chaining: two are joined where the sum over all pairs across them is above 0. A pair counts its score above
    /// the threshold, in typical links (the median) of its cohorts; a link at least a quarter, by match key two; no candidate,
    /// or one below the threshold, up to a twentieth against. With other assignments (children of one parent) every link joins.
    #[must_use]
    pub fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// The parties, in the order of the cohorts.
    pub fn parties(&self) -> impl Iterator<Item = &str> {
        self.parties.iter().map(|party| party.name.as_str())
    }

    /// The id of a row.
    ///
    /// # Panics
    /// Where there is no such cohort or row.
    #[must_use]
    pub fn row_id(&self, member: Member) -> RowId {
        self.parties[member.cohort].row_ids[member.row as usize]
    }

    /// The table for one owner: its row ids and their link ids. Rows that are one person have one link id; every owner's
    /// link ids are its own and say nothing to another. Only linked rows are in it, and for parties in `keep_unlinked` all
    /// rows. Sorted by link id, which is no order.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where the party was not linked.
    pub fn owner_table(&self, party: &str) -> Result<Vec<(RowId, LinkId)>> {
        let cohort = self.cohort(party)?;
        let mut table = Vec::new();
        for person in self.people() {
            let id = self.id(Some(cohort), &person);
            let rows = person.iter().filter(|member| member.cohort == cohort);
            table.extend(rows.map(|&member| (self.row_id(member), id)));
        }
        table.sort_unstable_by_key(|&(row, link)| (link, row));
        Ok(table)
    }

    /// The table for the research environment: a study id for each person, and the link ids under which the parties will
    /// send what they know of them. No owner sees a study id, so no two owners can join what they sent. Sorted by study id.
    #[must_use]
    pub fn study_table(&self) -> Vec<(LinkId, &str, LinkId)> {
        let mut table = Vec::new();
        for person in self.people() {
            let study = self.id(None, &person);
            for (cohort, party) in self.parties.iter().enumerate() {
                if person.iter().any(|member| member.cohort == cohort) {
                    table.push((study, party.name.as_str(), self.id(Some(cohort), &person)));
                }
            }
        }
        table.sort_unstable();
        table
    }

    /// Writes the links as CSV for the linkage unit: `party_a,row_a,party_b,row_b,score,reason`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let rows = self.pairs.iter().map(|link| {
            let reason = match link.reason {
                Reason::Similarity => "similarity",
                Reason::MatchKey(key) => &self.match_keys[usize::from(key)],
                Reason::Known => "known",
            };
            [
                self.parties[link.a.cohort].name.clone(),
                self.row_id(link.a).to_string(),
                self.parties[link.b.cohort].name.clone(),
                self.row_id(link.b).to_string(),
                format!("{:.4}", link.score),
                reason.to_owned(),
            ]
        });
        file::write_csv(
            path.as_ref(),
            file::Access::Default,
            ["party_a", "row_a", "party_b", "row_b", "score", "reason"],
            rows,
        )
    }

    /// Writes [`owner_table`](Self::owner_table) as CSV: `row_id,link_id`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io), and as [`owner_table`](Self::owner_table).
    pub fn write_owner_csv(&self, party: &str, path: impl AsRef<Path>) -> Result<()> {
        let rows = self.owner_table(party)?.into_iter().map(|(row, link)| [row.to_string(), link.to_string()]);
        file::write_csv(path.as_ref(), file::Access::Default, ["row_id", "link_id"], rows)
    }

    /// Writes [`study_table`](Self::study_table) as CSV: `study_id,party,link_id`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write_study_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let rows = self.study_table().into_iter();
        let rows = rows.map(|(study, party, link)| [study.to_string(), party.to_owned(), link.to_string()]);
        file::write_csv(path.as_ref(), file::Access::Default, ["study_id", "party", "link_id"], rows)
    }

    /// The rows of two parties that are one person, whether linked to each other or through a third; the row of
    /// `a` first. With one party twice: its duplicates, each pair once.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where a party was not linked.
    pub fn pairs(&self, a: &str, b: &str) -> Result<Vec<(u32, u32)>> {
        let (a, b) = (self.cohort(a)?, self.cohort(b)?);
        let mut pairs = Vec::new();
        for Cluster { members } in &self.clusters {
            for one in members.iter().filter(|member| member.cohort == a) {
                let others = members.iter().filter(|other| other.cohort == b && (a != b || other.row > one.row));
                pairs.extend(others.map(|other| (one.row, other.row)));
            }
        }
        Ok(pairs)
    }

    /// The place of a party among the cohorts.
    fn cohort(&self, party: &str) -> Result<usize> {
        let cohort = self.parties.iter().position(|p| p.name == party);
        cohort.ok_or_else(|| Error::argument("no such party among the cohorts that were linked"))
    }

    /// Counts and a histogram of scores; never a row.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::new(self)
    }

    /// Everybody who gets an id: the clusters, and the unlinked rows of parties for whom a missing partner is a finding.
    fn people(&self) -> Vec<Vec<Member>> {
        let mut people: Vec<Vec<Member>> = self.clusters.iter().map(|cluster| cluster.members.clone()).collect();
        let linked: HashSet<Member> = people.iter().flatten().copied().collect();
        for (cohort, party) in self.parties.iter().enumerate() {
            if self.settings.keep_unlinked().contains(&party.name) {
                let rows = (0..party.row_ids.len() as u32).map(|row| Member { cohort, row });
                people.extend(rows.filter(|member| !linked.contains(member)).map(|member| vec![member]));
            }
        }
        people
    }

    /// An id of a person, for a party or (`None`) for the research environment: a hash of the secret seed, of whom it is
    /// for, and of the person's first row.
    fn id(&self, cohort: Option<usize>, person: &[Member]) -> LinkId {
        let label = cohort.map_or("", |cohort| self.parties[cohort].name.as_str());
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update([u8::from(cohort.is_some()), label.len() as u8]);
        hash.update(label);
        hash.update(self.row_id(person[0]).0);
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        LinkId(id)
    }
}

/// Counts only: row ids and links are in the tables.
impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Links({} links, {} clusters)", self.pairs.len(), self.clusters.len())
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::hex(&self.0))
    }
}

impl fmt::Debug for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkId({self})")
    }
}

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
    fn new(links: &Links) -> Self {
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
