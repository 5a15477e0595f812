//! Counts of a linkage, small ones not shown.

use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Write as _};

use super::assign::Solver;
use super::candidates::Blocking;
use super::links::{Decided, Links, Member, Reason};
use super::model::Uncertain;
use super::suppress::Counted;
use crate::schema::{Assignment, Threshold};

/// Counts of a linkage. Those above 0 and below the schema's `suppress_below` are not shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// For each party: its name, its rows, and how many of them are linked.
    pub parties: Vec<(String, Counted, Counted)>,
    /// The parties that sent files of few people, each with the reason that its owner gave.
    pub small: Vec<(String, String)>,
    /// The reason that the parties gave for a schema that is weaker than the defaults.
    pub accept_risk: Option<String>,
    /// For each pair of parties: how many links, and from which score on.
    pub pairs: Vec<PairSummary>,
    /// How many clusters have rows of so many parties, by that number.
    pub clusters: BTreeMap<usize, Counted>,
    /// How many links a row may have.
    pub assignment: Assignment,
    /// What chose between partners.
    pub solver: Solver,
    pub(super) suppress_below: u32,
}

/// The links of two parties, in counts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PairSummary {
    /// The parties' names; the same name twice for duplicates inside one cohort.
    pub parties: (String, String),
    /// From which score on a pair was a link; infinite where the cohorts showed no matches.
    pub threshold: f32,
    /// Where the threshold comes from.
    pub origin: Origin,
    /// The share of links that are expected to be right, where the threshold was learned and there are not too few links.
    pub precision: Option<Uncertain>,
    /// How many pairs are expected to be one person, of those that stand out from strangers, where the threshold was learned.
    /// Recall cannot be had from it: those that do not stand out are not in it.
    pub matches: Option<Counted>,
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

/// How a threshold came about. As text: the reason for it, in plain words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The parties agreed on it in the schema.
    Agreed,
    /// It is where a pair is as likely as not to be one person, by what was learned from the two files without labels.
    Between,
    /// The least match weight was set by hand: [`Linker::least_weight`](super::Linker::least_weight).
    Weight,
    /// The same as [`Between`](Self::Between) inside one file, where nothing but the model says what strangers look like.
    Within,
    /// It is what the most alike of all pairs of strangers reach by chance: inside one file of diffused encodings, from which
    /// nothing can be learned.
    Chance,
}

impl Origin {
    pub(super) fn new(decided: &Decided, threshold: Threshold) -> Self {
        let within = decided.cohorts.0 == decided.cohorts.1;
        match (threshold, &decided.model) {
            (Threshold::Fixed(_), _) => Origin::Agreed,
            (Threshold::Automatic, None) => Origin::Chance,
            (Threshold::Automatic, Some(_)) if decided.threshold != 0.0 => Origin::Weight,
            (Threshold::Automatic, Some(_)) if within => Origin::Within,
            (Threshold::Automatic, Some(_)) => Origin::Between,
        }
    }

    /// Whether scores are match weights, which were learned.
    pub(super) fn is_learned(self) -> bool {
        matches!(self, Origin::Between | Origin::Within | Origin::Weight)
    }

    /// What scores are counted in.
    pub(super) fn unit(self) -> &'static str {
        if self.is_learned() { " bits" } else { "" }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Agreed => "set by hand in the schema: the least mean similarity of a link",
            Origin::Weight => "set by hand: the least match weight of a link, log2 of the odds that it is right",
            Origin::Between => {
                "automatic: at 0 bits a pair is as likely as not one person; learned without labels, and held to what \
                 strangers inside the files look like"
            }
            Origin::Within => {
                "automatic: at 0 bits a pair is as likely as not one person, by a model of how strangers spread; nothing else \
                 says what they look like inside one file"
            }
            Origin::Chance => {
                "automatic: what the most alike of all pairs of strangers would reach by chance; inside one file of diffused \
                 encodings nothing can be learned, nor how many links are right"
            }
        })
    }
}

/// How many bins a histogram of scores has.
pub const BINS: usize = 20;

impl Summary {
    pub(super) fn new(links: &Links) -> Self {
        let below = links.schema.linkage().suppress_below();
        let of_rows = |cohort: usize| links.parties[cohort].row_ids.len() as u64;
        let mut linked = vec![0; links.parties.len()];
        let mut clusters: BTreeMap<usize, u64> = BTreeMap::new();
        for cluster in &links.clusters {
            cluster.members.iter().for_each(|member| linked[member.cohort] += 1);
            let parties: HashSet<usize> = cluster.members.iter().map(|member| member.cohort).collect();
            *clusters.entry(parties.len()).or_default() += 1;
        }
        // Of a part and a whole that are both shown, the rest could be had: rows that are not linked.
        let unlinked: Vec<u64> = linked.iter().enumerate().map(|(cohort, linked)| of_rows(cohort) - linked).collect();
        let parties = links.parties.iter().zip(linked.iter().zip(&unlinked));
        let by_parties = Counted::beside(&clusters.values().copied().collect::<Vec<_>>(), &unlinked, below);
        Summary {
            pairs: links.thresholds.iter().map(|decided| PairSummary::new(links, decided)).collect(),
            parties: parties
                .map(|(party, (&linked, &unlinked))| {
                    let rows = Counted::new(party.row_ids.len() as u64, below);
                    (party.name.clone(), rows, Counted::beside(&[linked], &[unlinked], below)[0])
                })
                .collect(),
            small: links
                .parties
                .iter()
                .filter_map(|party| Some((party.name.clone(), party.release_small.clone()?)))
                .collect(),
            accept_risk: links.schema.accept_risk().map(str::to_owned),
            clusters: clusters.into_keys().zip(by_parties).collect(),
            assignment: links.schema.linkage().assignment(),
            solver: links.solver,
            suppress_below: below,
        }
    }
}

impl PairSummary {
    fn new(links: &Links, decided: &Decided) -> Self {
        let (i, j) = decided.cohorts;
        let below = links.schema.linkage().suppress_below();
        let of_pair = || links.pairs.iter().filter(|link| (link.a.cohort, link.b.cohort) == (i, j));
        let count = of_pair().count() as u64;
        let by_reason = |reason: fn(Reason) -> bool| of_pair().filter(|link| reason(link.reason)).count() as u64;
        let by_key = by_reason(|reason| matches!(reason, Reason::MatchKey(_)));
        let known = by_reason(|reason| reason == Reason::Known);
        // Links may be as many as linked rows, and with the rows' number tell how many are not linked.
        let rows: HashSet<Member> = of_pair().flat_map(|link| [link.a, link.b]).collect();
        let unlinked = |cohort: usize| {
            let linked = rows.iter().filter(|row| row.cohort == cohort).count();
            (links.parties[cohort].row_ids.len() - linked) as u64
        };
        let rests = [unlinked(i), unlinked(j)];
        let reasons = Counted::beside(&[by_key, known, count - by_key - known], &rests, below);
        let (edges, bins): (Vec<f32>, Vec<u64>) = histogram(of_pair().map(|link| link.score)).unzip();
        let matches = decided.model.as_ref().map(|model| {
            let matches = model.matches.round() as u64;
            let rest = |cohort: usize| (links.parties[cohort].row_ids.len() as u64).saturating_sub(matches);
            Counted::beside(&[matches], &[rest(i), rest(j)], below)[0]
        });
        PairSummary {
            parties: (links.parties[i].name.clone(), links.parties[j].name.clone()),
            threshold: decided.threshold,
            origin: Origin::new(decided, links.schema.linkage().threshold()),
            precision: decided.model.as_ref().filter(|_| count >= u64::from(below)).and_then(|model| model.precision),
            matches,
            links: Counted::beside(&[count], &rests, below)[0],
            by_match_key: reasons[0],
            known: reasons[1],
            too_large: decided.too_large,
            histogram: edges.into_iter().zip(Counted::beside(&bins, &rests, below)).collect(),
            blocking: decided.blocking.clone(),
        }
    }

    /// What the estimate of precision says, and what it does not.
    pub(super) fn expected(&self) -> Option<String> {
        let Uncertain { value, low, high } = self.precision?;
        let share = |share: f64| format!("{:.1}", share * 100.0);
        let mut text = format!("about {} % of the links are right ({} to {} %", share(value), share(low), share(high));
        text += ", if the model is right)";
        if let Some(matches) = self.matches {
            let _ = write!(text, "; {matches} pairs stand out from strangers as one person");
        }
        Some(text)
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

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.parties.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        for (name, rows, linked) in &self.parties {
            writeln!(f, "{name:width$}  {rows:>9} rows  {linked:>9} linked")?;
        }
        for (name, reason) in &self.small {
            writeln!(f, "{name} sent a file of few people: {reason}")?;
        }
        if let Some(reason) = &self.accept_risk {
            writeln!(f, "the schema is weaker than the defaults, and that is accepted: {reason}")?;
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
            let PairSummary { parties: (a, b), threshold, origin, links, by_match_key, known, .. } = pair;
            write!(f, "\n{a} and {b}: {links} links, {by_match_key} of them by match key")?;
            if *known != Counted::Exactly(0) {
                write!(f, ", {known} known")?;
            }
            if threshold.is_finite() {
                writeln!(f, "; threshold {threshold:.2}{}", origin.unit())?;
            } else {
                writeln!(f, "; nobody else stands out from strangers")?;
            }
            writeln!(f, "  {origin}")?;
            if let Some(expected) = pair.expected() {
                writeln!(f, "  {expected}")?;
                writeln!(f, "  those that do not stand out are missed, and how many they are is not known")?;
            }
            if let Some(blocking) = &pair.blocking {
                writeln!(f, "  not all pairs were compared. {blocking}")?;
            }
            if pair.too_large > 0 {
                let count = pair.too_large;
                writeln!(f, "  groups of candidates too large for the solver, and assigned greedily: {count}")?;
            }
            let histogram = &pair.histogram;
            let number = |count: &Counted| count.exact().unwrap_or(0);
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
