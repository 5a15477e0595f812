//! From links to clusters, without drift.
//!
//! Links chain: A is like B, B is like C, and with enough links everybody is one person. So two clusters are joined for all
//! that is known of all pairs across them and not for one good link: the mean over these pairs must be above 0 (average
//! linkage; Sokal & Michener 1958). A pair counts as many times as its score is above the threshold of its two cohorts,
//! measured by a typical link of theirs (the median), so that scores of several pairs of cohorts can be added; below the
//! threshold it counts less than 0. See [`UNSEEN`] and [`KEY`].
//!
//! The two clusters with the greatest mean are joined, then the next two, until none are left. Where persons are single, a
//! cluster never gets two rows of one cohort. Sums are of whole numbers, and so the same in any order.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use super::super::links::{Member, Reason};
use super::Candidate;
use super::groups::Groups;

/// A typical link; what all that is counted is counted in.
const TYPICAL: i64 = 1 << 20;

/// What a pair counts that is no candidate, and at least: a twentieth of a typical link against. That two files do not show
/// that somebody is the same says little, since people move and change their names; that hardly any two of many rows are
/// alike says much. With ½ one such pair outweighed many a link that was right: see `DESIGN.md`.
const UNSEEN: i64 = -TYPICAL / 20;

/// What a link counts at least: the worst carries four pairs that are none, and so a third row, but not a chain.
const LINK: i64 = TYPICAL / 4;

/// What a pair that shares a match key counts at least: two typical links. It is a whole identifier that nobody else has in
/// the two files, whatever the names and addresses beside it look like.
const KEY: i64 = 2 * TYPICAL;

/// The most that a pair counts, so that sums have room.
const MOST: f64 = 1000.0;

/// What is known of two cohorts, or of one.
pub(in crate::linkage) struct Evidence {
    /// The places of the cohorts; twice the same within one.
    pub(in crate::linkage) cohorts: (usize, usize),
    /// All candidates.
    pub(in crate::linkage) candidates: Vec<Candidate>,
    /// From which score on a pair counts for a link.
    pub(in crate::linkage) threshold: f32,
    /// Those candidates that are links.
    pub(in crate::linkage) links: Vec<Candidate>,
}

/// What makes a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linkage) enum Rule {
    /// One person, who is in each of several cohorts once at most.
    Single,
    /// One person, who may be in one cohort any number of times. A row has so many candidates at most: of two rows that
    /// have as many good ones and more, nothing is known where they are not each other's.
    Within(usize),
    /// A person and those who belong to them, such as a parent and children, who are not like each other: every link
    /// joins.
    Belonging,
}

impl Evidence {
    fn members(&self, candidate: &Candidate) -> (Member, Member) {
        let (i, j) = self.cohorts;
        (Member { cohort: i, row: candidate.a }, Member { cohort: j, row: candidate.b })
    }

    /// How far above the threshold a typical link is.
    fn typical(&self) -> f64 {
        let similar = self.links.iter().filter(|link| link.reason == Reason::Similarity);
        let mut scores: Vec<f32> = similar.map(|link| link.score).collect();
        if scores.is_empty() {
            return 0.0;
        }
        let middle = (scores.len() - 1) / 2;
        let (_, median, _) = scores.select_nth_unstable_by(middle, f32::total_cmp);
        f64::from(*median) - f64::from(self.threshold)
    }

    /// What a candidate counts.
    fn count(&self, candidate: &Candidate, typical: f64) -> i64 {
        let above = f64::from(candidate.score) - f64::from(self.threshold);
        let count = if candidate.score < self.threshold || above.is_nan() {
            if typical > 0.0 { above / typical } else { f64::NEG_INFINITY }
        } else if typical > 0.0 {
            above / typical
        } else {
            // All links are just at the threshold: all are typical.
            1.0
        };
        let count = ((count.min(MOST) * TYPICAL as f64) as i64).max(UNSEEN);
        match candidate.reason {
            Reason::Similarity => count,
            Reason::MatchKey(_) | Reason::Known => count.max(KEY),
        }
    }
}

/// What is known of the pairs across two clusters.
#[derive(Clone, Copy, Default)]
struct Across {
    /// What the candidates among them count.
    sum: i64,
    /// How many candidates there are.
    pairs: u64,
    /// How many of them are between rows that are both full.
    full: u64,
    /// How many are links.
    links: u64,
}

impl Across {
    fn add(&mut self, other: Across) {
        self.sum += other.sum;
        self.pairs += other.pairs;
        self.full += other.full;
        self.links += other.links;
    }
}

/// A candidate inside a part: rows by their numbers there.
#[derive(Clone, Copy)]
struct Pair {
    x: u32,
    y: u32,
    count: i64,
    link: bool,
    known: bool,
}

/// A sum of so many pairs.
#[derive(Clone, Copy)]
struct Mean {
    sum: i64,
    pairs: u64,
}

impl PartialEq for Mean {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Mean {}

impl PartialOrd for Mean {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Mean {
    fn cmp(&self, other: &Self) -> Ordering {
        let times = |sum: i64, pairs: u64| i128::from(sum) * i128::from(pairs);
        times(self.sum, other.pairs).cmp(&times(other.sum, self.pairs))
    }
}

/// Two clusters that might be joined: the greatest mean first, then the lowest rows.
type Offer = (Mean, std::cmp::Reverse<(u32, u32)>, (u32, u32));

#[derive(Default)]
struct Group {
    rows: Vec<u32>,
    /// The lowest of them.
    low: u32,
    /// How many of the rows are full.
    full: u64,
    /// Rows that must not come in.
    forbidden: Vec<u32>,
    across: HashMap<u32, Across>,
}

/// The rows of one connected part, being joined. Rows are numbers in the order of members.
struct Part<'a> {
    members: &'a [Member],
    rule: Rule,
    groups: Groups,
    state: Vec<Group>,
    offers: BinaryHeap<Offer>,
}

impl Part<'_> {
    fn offer(&self, x: u32, y: u32) -> Option<Offer> {
        let (one, other) = (&self.state[x as usize], &self.state[y as usize]);
        let across = *one.across.get(&y)?;
        let unseen = match self.rule {
            Rule::Belonging => 0,
            Rule::Single | Rule::Within(_) => {
                let all = one.rows.len() as u64 * other.rows.len() as u64;
                all - across.pairs - (one.full * other.full - across.full)
            }
        };
        let mean = Mean { sum: across.sum + unseen as i64 * UNSEEN, pairs: across.pairs + unseen };
        let lows = (one.low.min(other.low), one.low.max(other.low));
        (across.links > 0 && mean.sum > 0).then_some((mean, std::cmp::Reverse(lows), (x, y)))
    }

    fn excluded(&mut self, x: u32, y: u32) -> bool {
        let (one, other) = (&self.state[x as usize], &self.state[y as usize]);
        let cohort = |row: &u32| self.members[*row as usize].cohort;
        if self.rule == Rule::Single
            && one.rows.iter().any(|row| other.rows.iter().any(|other| cohort(row) == cohort(other)))
        {
            return true;
        }
        let (rows, y) = if one.forbidden.len() < other.forbidden.len() { (x, y) } else { (y, x) };
        let groups = &mut self.groups;
        self.state[rows as usize].forbidden.iter().any(|&row| groups.find(row) == y)
    }

    /// Joins two groups. The smaller goes into the larger, so that no row moves more than about log n times.
    fn join(&mut self, x: u32, y: u32) {
        let size = |group: u32| {
            let group = &self.state[group as usize];
            group.rows.len() + group.across.len()
        };
        let (from, into) = if size(x) < size(y) { (x, y) } else { (y, x) };
        self.groups.join(from, into);
        let moved = std::mem::take(&mut self.state[from as usize]);
        let group = &mut self.state[into as usize];
        group.low = group.low.min(moved.low);
        group.rows.extend(moved.rows);
        group.full += moved.full;
        group.forbidden.extend(moved.forbidden);
        group.across.remove(&from);
        for (&third, &across) in moved.across.iter().filter(|(third, _)| **third != into) {
            self.state[into as usize].across.entry(third).or_default().add(across);
            let back = &mut self.state[third as usize].across;
            back.remove(&from);
            back.entry(into).or_default().add(across);
        }
        // Third groups that only the larger knows were offered before, and their means have not risen.
        for &third in moved.across.keys().filter(|third| **third != into) {
            let offer = self.offer(into, third);
            self.offers.extend(offer);
        }
    }

    fn run(&mut self) {
        while let Some((mean, _, (x, y))) = self.offers.pop() {
            let (x, y) = (self.groups.find(x), self.groups.find(y));
            if x == y {
                continue;
            }
            match self.offer(x, y) {
                // It was made before one of the two grew.
                Some(offer) if offer.0 < mean => self.offers.push(offer),
                Some(_) if !self.excluded(x, y) => self.join(x, y),
                _ => {}
            }
        }
    }
}

/// The clusters of two rows and more.
pub(in crate::linkage) fn clusters(
    evidence: &[Evidence],
    forbidden: &[(Member, Member)],
    rule: Rule,
) -> Vec<Vec<Member>> {
    let mut members: Vec<Member> = evidence
        .iter()
        .flat_map(|pair| pair.links.iter().map(|link| pair.members(link)))
        .flat_map(|(a, b)| [a, b])
        .collect();
    members.sort_unstable();
    members.dedup();
    let node = |member: Member| members.binary_search(&member).ok().map(|node| node as u32);
    let nodes = |(a, b): (Member, Member)| Some((node(a)?, node(b)?));

    let mut groups = Groups::new(members.len());
    for pair in evidence {
        for (a, b) in pair.links.iter().filter_map(|link| nodes(pair.members(link))) {
            groups.join_lower(a, b);
        }
    }
    // The rows of every part, and where each row stands in its part.
    let mut part_of: HashMap<u32, usize> = HashMap::new();
    let mut rows: Vec<Vec<u32>> = Vec::new();
    let mut place = vec![(0, 0); members.len()];
    for row in 0..members.len() as u32 {
        let part = *part_of.entry(groups.find(row)).or_insert_with(|| {
            rows.push(Vec::new());
            rows.len() - 1
        });
        place[row as usize] = (part, rows[part].len() as u32);
        rows[part].push(row);
    }
    // What is known inside each part. Parts of two rows are whole without.
    let mut known: Vec<Vec<Pair>> = vec![Vec::new(); rows.len()];
    let mut good = vec![0; members.len()];
    for pair in evidence {
        let typical = pair.typical();
        // Both are in the order of candidates, or nearly so: a set would do, and this is smaller.
        let mut links: Vec<(u32, u32)> = pair.links.iter().map(|link| (link.a, link.b)).collect();
        links.sort_unstable();
        for candidate in &pair.candidates {
            let Some((a, b)) = nodes(pair.members(candidate)) else { continue };
            if candidate.reason != Reason::Similarity || candidate.score >= pair.threshold {
                good[a as usize] += 1;
                good[b as usize] += 1;
            }
            let ((part, x), (other, y)) = (place[a as usize], place[b as usize]);
            if part == other && rows[part].len() > 2 {
                let link = links.binary_search(&(candidate.a, candidate.b)).is_ok();
                let count = pair.count(candidate, typical);
                if link || rule != Rule::Belonging {
                    let count = if link { count.max(LINK) } else { count };
                    known[part].push(Pair { x, y, count, link, known: candidate.reason == Reason::Known });
                }
            }
        }
    }
    let mut apart: Vec<Vec<(u32, u32)>> = vec![Vec::new(); rows.len()];
    for (a, b) in forbidden.iter().filter_map(|&pair| nodes(pair)) {
        let ((part, x), (other, y)) = (place[a as usize], place[b as usize]);
        if part == other {
            apart[part].push((x, y));
        }
    }

    let mut found: Vec<Vec<Member>> = Vec::new();
    for ((rows, known), apart) in rows.iter().zip(known).zip(apart) {
        let of_part: Vec<Member> = rows.iter().map(|&row| members[row as usize]).collect();
        if of_part.len() == 2 {
            found.push(of_part);
            continue;
        }
        let full: Vec<bool> = match rule {
            Rule::Within(most) => rows.iter().map(|&row| good[row as usize] >= most).collect(),
            Rule::Single | Rule::Belonging => vec![false; rows.len()],
        };
        found.extend(join(&of_part, rule, &known, &apart, &full));
    }
    found
}

/// The clusters of one part.
fn join(members: &[Member], rule: Rule, known: &[Pair], apart: &[(u32, u32)], full: &[bool]) -> Vec<Vec<Member>> {
    let group = |row: u32| Group { rows: vec![row], low: row, full: u64::from(full[row as usize]), ..Group::default() };
    let mut state: Vec<Group> = (0..members.len() as u32).map(group).collect();
    for &Pair { x, y, count, link, .. } in known {
        let both_full = full[x as usize] && full[y as usize];
        let across = Across { sum: count, pairs: 1, full: u64::from(both_full), links: u64::from(link) };
        state[x as usize].across.entry(y).or_default().add(across);
        state[y as usize].across.entry(x).or_default().add(across);
    }
    for &(x, y) in apart {
        state[x as usize].forbidden.push(y);
        state[y as usize].forbidden.push(x);
    }
    let groups = Groups::new(members.len());
    let mut part = Part { members, rule, groups, state, offers: BinaryHeap::new() };
    for pair in known.iter().filter(|pair| pair.known) {
        let (x, y) = (part.groups.find(pair.x), part.groups.find(pair.y));
        if x != y {
            part.join(x, y);
        }
    }
    part.offers.clear();
    for pair in known {
        let (x, y) = (part.groups.find(pair.x), part.groups.find(pair.y));
        if x != y {
            let offer = part.offer(x, y);
            part.offers.extend(offer);
        }
    }
    part.run();
    let clusters = part.state.into_iter().filter(|group| group.rows.len() > 1).map(|mut group| {
        group.rows.sort_unstable();
        group.rows.iter().map(|&row| members[row as usize]).collect()
    });
    clusters.collect()
}
