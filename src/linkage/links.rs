//! What comes out: links between rows, a table for every owner, and a summary without rows.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::assign::Solver;
use super::assign::clusters::{Evidence, Rule, clusters};
use super::assign::constraints::Rules;
use super::assign::order::Order;
use super::candidates::Blocking;
use super::model::Model;
use super::patterns::LevelPatterns;
use super::summary::Summary;
use super::{Linker, ScoredPairs};
use crate::cohort::{Cohort, RowId};
use crate::error::{Error, Result};
use crate::file;
use crate::schema::{Assignment, Schema};

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
    pub(super) parties: Vec<Party>,
    pub(super) thresholds: Vec<Decided>,
    pub(super) pairs: Vec<Link>,
    pub(super) clusters: Vec<Cluster>,
    pub(super) schema: Schema,
    pub(super) key_check: String,
    /// How many pairs were asked for, and how many were not to be linked.
    pub(super) asked: (usize, usize),
    pub(super) solver: Solver,
    pub(super) seed: [u8; 32],
}

/// How the links of two cohorts, or of one, were decided.
#[derive(Clone)]
pub(super) struct Decided {
    pub(super) cohorts: (usize, usize),
    pub(super) threshold: f32,
    pub(super) model: Option<Model>,
    pub(super) patterns: LevelPatterns,
    pub(super) blocking: Option<Blocking>,
    pub(super) too_large: usize,
}

#[derive(Clone)]
pub(super) struct Party {
    pub(super) name: String,
    pub(super) row_ids: Vec<RowId>,
    /// Why its owner sent a file of few people.
    pub(super) release_small: Option<String>,
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
        let settings = self.schema.linkage();
        let order = Order::new(cohorts);
        let mut evidence = Vec::new();
        let mut thresholds = Vec::new();
        for (cohorts, ScoredPairs { candidates, patterns, threshold, model, blocking, .. }) in scored {
            // Inside one cohort a person may stand any number of times.
            let assignment = if cohorts.0 == cohorts.1 { Assignment::ManyToMany } else { settings.assignment() };
            let mut candidates = rules.apply(cohorts, candidates, threshold);
            order.places(cohorts, &mut candidates);
            let assigned = self.solver.assign(&candidates, threshold, assignment);
            thresholds.push(Decided { cohorts, threshold, model, patterns, blocking, too_large: assigned.too_large });
            evidence.push(Evidence { cohorts, candidates, threshold, links: assigned.links });
        }
        let rule = match settings.assignment() {
            _ if cohorts.len() == 1 => Rule::Within(settings.candidates()),
            Assignment::OneToOne => Rule::Single,
            _ => Rule::Belonging,
        };
        let (links, clusters) = join(&evidence, rules, rule, &order);
        let party = |cohort: &&Cohort| Party {
            name: cohort.party().to_owned(),
            row_ids: cohort.row_ids().to_vec(),
            release_small: cohort.manifest().release_small.clone(),
        };
        Ok(Links {
            parties: cohorts.iter().map(party).collect(),
            thresholds,
            pairs: links,
            clusters,
            schema: self.schema.clone(),
            key_check: cohorts.first().map_or_else(String::new, |cohort| cohort.manifest().key_check.clone()),
            asked: (self.known.len(), self.forbidden.len()),
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

    /// Writes the links as CSV for the linkage unit, `party_a,row_a,party_b,row_b,score,reason`, readable by its owner only (mode
    /// 0600 on Unix).
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let rows = self.pairs.iter().map(|link| {
            let reason = match link.reason {
                Reason::Similarity => "similarity",
                Reason::MatchKey(key) => self.schema.match_keys()[usize::from(key)].name(),
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
            file::Access::Private,
            ["party_a", "row_a", "party_b", "row_b", "score", "reason"],
            rows,
        )
    }

    /// Writes [`owner_table`](Self::owner_table) as CSV, `row_id,link_id`, readable by its owner only (mode 0600 on Unix).
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io), and as [`owner_table`](Self::owner_table).
    pub fn write_owner_csv(&self, party: &str, path: impl AsRef<Path>) -> Result<()> {
        let rows = self.owner_table(party)?.into_iter().map(|(row, link)| [row.to_string(), link.to_string()]);
        file::write_csv(path.as_ref(), file::Access::Private, ["row_id", "link_id"], rows)
    }

    /// Writes [`study_table`](Self::study_table) as CSV, `study_id,party,link_id`, readable by its owner only
    /// (mode 0600 on Unix).
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write_study_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let rows = self.study_table().into_iter();
        let rows = rows.map(|(study, party, link)| [study.to_string(), party.to_owned(), link.to_string()]);
        file::write_csv(path.as_ref(), file::Access::Private, ["study_id", "party", "link_id"], rows)
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
    pub(super) fn cohort(&self, party: &str) -> Result<usize> {
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
            if self.schema.linkage().keep_unlinked().contains(&party.name) {
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
