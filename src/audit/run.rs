//! The audit: every check on one file, and what they found in a report.

use std::path::{Path, PathBuf};

use super::draws::{Drawn, Sizes};
use super::noise::Noise;
use super::report::{Attack, Attacker, BY_RELATIVES, Group, RiskReport, Sample, SampleSize};
use super::subject::Subject;
use super::{
    Frequency, Gate, Graph, Leak, Likelihood, Named, Ridge, Weight, dictionary, leakage, lint, noise, outliers,
    patterns, sample, skew, uniqueness,
};
use crate::cohort::RowId;
use crate::error::Result;
use crate::owner::{Encoded, Record};
use crate::schema::{Date, Encoding, Schema};
use crate::wilson;

/// What attackers may name who know people.
const MOST_NAMED: f64 = 0.05;

/// What the graph attack may name.
const MOST_BY_GRAPH: f64 = 0.01;

/// Who takes people for each other by lot is right once on average, and hardly ever more often than this (Poisson: 2 %).
const LUCK: u64 = 3;

/// A release depends on a graph attack whose known people are at most one in so many. Of fewer people they are a large part,
/// with relatives of most others among them, and what they find differs from key to key.
const ONE_KNOWN_IN: usize = 30;

/// How many times as exposed as all a group may be.
const MOST_TIMES: f64 = 2.0;

/// A group is called more exposed where it is so with this many standard deviations: about one group of a thousand is by
/// chance.
const SURE: f64 = 3.09;

/// How many people attackers know, besides a twentieth of the file.
const KNOWN: [usize; 3] = [20, 100, 500];
const MOST_KNOWN: usize = 6_000;

/// Fewer people on a list than this say nothing, and so many on it make a figure for the most known people that a release
/// depends on.
const LEAST_LISTED: usize = 20;
const ENOUGH_LISTED: usize = 1_000;

/// The overlaps of the file with the graph attacker's list, and the people that one knows.
const OVERLAPS: [f64; 3] = [1.0, 0.5, 0.25];
const SEEDS: [usize; 3] = [0, 20, 100];

/// How many people's tokens are counted.
const TOKENS_OF: usize = 1_000;

/// The audit of an owner's own file before it leaves.
///
/// It runs all checks, A0 to A10, on samples that bound its time and memory whatever the file's length: a few minutes and
/// less than 1 GB beside the file itself. Samples depend on the seed and the file alone, and so does the report: not on the
/// number of threads.
#[derive(Clone, Debug)]
pub struct Audit {
    seed: u64,
    floor: usize,
    quick: bool,
    date: Option<Date>,
    key_file: Option<PathBuf>,
    frequency: Frequency,
}

impl Default for Audit {
    fn default() -> Self {
        Audit {
            seed: 0,
            floor: outliers::LEAST_ROWS,
            quick: false,
            date: None,
            key_file: None,
            frequency: Frequency::new(),
        }
    }
}

/// What attackers may know and have, for a file of so many rows.
struct Scale {
    listed: usize,
    targets: usize,
    graph: usize,
    quick: bool,
}

impl Audit {
    /// Seed 0, a floor of 100 rows, samples large enough for a release, no date and no lists.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Who is drawn depends on this and on the file alone.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many rows a file must have.
    #[must_use]
    pub fn floor(mut self, rows: usize) -> Self {
        self.floor = rows;
        self
    }

    /// Whether to take small samples: enough to find what is weak, too little for a release.
    #[must_use]
    pub fn quick(mut self, quick: bool) -> Self {
        self.quick = quick;
        self
    }

    /// The day that the report gives, and by which the schema's expiry is judged; today's in the latter unless given.
    #[must_use]
    pub fn date(mut self, date: Date) -> Self {
        self.date = Some(date);
        self
    }

    /// Where the key was read from: whether others can read that file is checked.
    #[must_use]
    pub fn key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.key_file = Some(path.into());
        self
    }

    /// A public list (CSV, `name` and `count`) that an attacker compares a field's frequencies with; without one, the file's
    /// own frequencies serve, which is the most that a list could be.
    ///
    /// # Errors
    /// As [`Frequency::names`].
    pub fn names(mut self, field: &str, path: impl AsRef<Path>) -> Result<Self> {
        self.frequency = self.frequency.names(field, path)?;
        Ok(self)
    }

    /// Audits a file. `records` are those that `encoded` was made from, in any order, each with an id of its own; there may
    /// be others, that were left out.
    ///
    /// # Errors
    /// [`Argument`](crate::ErrorKind::Argument) where two records have one id, they are not those that were encoded, or a
    /// list is for a field that the schema has not; [`Mismatch`](crate::ErrorKind::Mismatch) where the cohort was made under
    /// another schema.
    pub fn run(&self, schema: &Schema, records: &[Record], encoded: &Encoded) -> Result<RiskReport> {
        let subject = Subject::new(schema, records, encoded)?;
        let mut report = RiskReport::new(schema, &encoded.cohort, self.seed, self.date);
        report.conditions.quick = self.quick;
        let scale = if self.quick {
            Scale { listed: 1_000, targets: 200, graph: 1_000, quick: true }
        } else {
            Scale { listed: 5_000, targets: 1_000, graph: 4_000, quick: false }
        };
        let gates = &mut report.gates;
        gates.extend(lint::check(&subject, self.date.unwrap_or_else(Date::today), self.key_file.as_deref()));
        gates.extend(skew::check(&subject, self.seed));
        gates.extend(uniqueness::check(&subject));
        gates.extend(leakage::check(&subject, self.seed));
        gates.extend(patterns::check(&subject, self.seed));
        self.known_people(&subject, &scale, &mut report)?;
        self.graphs(&subject, &scale, &mut report)?;
        self.frequencies(&subject, &mut report)?;
        report.gates.extend(dictionary::check(&subject, dictionary::POPULATION, None));
        report.gates.extend(outliers::check(&subject, self.seed, self.floor));
        report.gates.extend(noise::check(&noises(&subject, self.seed)?));
        Ok(report)
    }

    /// The rows that stand apart from all others, for their owner to look at, leave out or pad: A9 counts them. Never give
    /// them away with the file, for they say where to look first.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn outliers(&self, schema: &Schema, records: &[Record], encoded: &Encoded) -> Result<Vec<RowId>> {
        let subject = Subject::new(schema, records, encoded)?;
        let ids = encoded.cohort.row_ids();
        Ok(outliers::rows(&subject, self.seed).into_iter().map(|row| ids[row]).collect())
    }

    /// A5: the two attacks by known people, on people by lot and then on people who are alike.
    fn known_people(&self, subject: &Subject<'_>, scale: &Scale, report: &mut RiskReport) -> Result<()> {
        let rows = subject.rows();
        let mut exposed: Option<Leak> = None;
        for level in levels(rows, scale.quick) {
            let sizes = self.sizes(level.known, rows, scale);
            let leak = Self::by_known(subject, Sample::Random, &sizes.draw(subject)?, &level, report)?;
            report.conditions.samples.push(SampleSize { sample: Sample::Random, rows: sizes.known + sizes.listed });
            exposed = Some(leak);
        }
        // The whole of a small file is as dense as it is; of a longer one as much is taken as the attack needs.
        let most = MOST_KNOWN + scale.listed;
        let dense = subject.dense(most.min(rows / 2));
        if dense.len() >= 2 * ENOUGH_LISTED {
            let level = levels(dense.len(), scale.quick).pop();
            if let Some(level) = level {
                let drawn = self.sizes(level.known, dense.len(), scale).among(&dense)?;
                report.conditions.samples.push(SampleSize { sample: Sample::Dense, rows: dense.len() });
                Self::by_known(subject, Sample::Dense, &drawn, &level, report)?;
            }
        }
        if let Some(leak) = exposed {
            report.groups = Group::of(&leak);
            report.gates.extend(exposure(&report.groups, &leak));
        }
        Ok(())
    }

    fn sizes(&self, known: usize, rows: usize, scale: &Scale) -> Sizes {
        let listed = (rows - known).min(scale.listed);
        Sizes { known, targets: listed.min(scale.targets), listed, draws: 1, seed: self.seed }
    }

    /// Both attacks; gives what the stronger one found.
    fn by_known(
        subject: &Subject<'_>,
        sample: Sample,
        drawn: &[Drawn],
        level: &Level,
        report: &mut RiskReport,
    ) -> Result<Leak> {
        let likelihood = Likelihood::on(subject, drawn)?;
        let ridge = Ridge::on(subject, drawn)?;
        for (attack, leak) in [(Attack::Likelihood, &likelihood), (Attack::Ridge, &ridge)] {
            let known = level.known;
            let id = format!("A5.{}.{}.known-{}", attack.as_str(), sample.as_str(), level.name);
            let title = format!("Share of people named by somebody who knows {known} ({})", attack.as_str());
            let share = leak.all.share();
            let gate = Gate::of(level.weight, id, title, share, MOST_NAMED);
            let gate = counted(gate, leak.all).with("known", known).with("listed", leak.listed);
            let strangers = leak.strangers();
            let gate = gate.with("strangers_named", strangers.named).with("strangers", strangers.targets);
            report.gates.push(gate.with("mean_dice", leak.mean_dice));
            report.attackers.push(Attacker::new(attack, known, leak.all).on(sample).limit(MOST_NAMED));
        }
        Ok(if likelihood.all.named >= ridge.all.named { likelihood } else { ridge })
    }

    /// A6.
    fn graphs(&self, subject: &Subject<'_>, scale: &Scale, report: &mut RiskReport) -> Result<()> {
        let seeds = if scale.quick { &SEEDS[1..] } else { &SEEDS };
        for sample in [Sample::Random, Sample::Dense] {
            let dense = matches!(sample, Sample::Dense);
            for overlap in OVERLAPS {
                let attack = Graph::new().people(scale.graph).overlap(overlap).seed(self.seed).dense(dense);
                let rows = if dense { subject.dated() } else { subject.rows() };
                for &seeds in seeds.iter().filter(|&&seeds| attack.overlapping(rows) > seeds + LEAST_LISTED) {
                    let found = attack.clone().seeds(seeds).on(subject)?;
                    let id = format!("A6.{}.overlap-{overlap}.known-{seeds}", sample.as_str());
                    let title = format!(
                        "Share named from who is like whom, by somebody who knows {seeds} people and has {:.0} % of the file's \
                         people on the list",
                        overlap * 100.0
                    );
                    let beyond = Named { named: found.all.named.saturating_sub(LUCK), ..found.all }.share();
                    let weight = if seeds * ONE_KNOWN_IN <= found.people { Weight::Must } else { Weight::Warning };
                    let gate = counted(Gate::of(weight, id, title, beyond, MOST_BY_GRAPH), found.all);
                    report.gates.push(gate.with("people", found.people).with("luck", LUCK));
                    let attacker = Attacker::new(Attack::Graph, seeds, found.all).on(sample).overlap(overlap);
                    report.attackers.push(attacker.limit(MOST_BY_GRAPH));
                }
            }
        }
        Ok(())
    }

    /// A7.
    fn frequencies(&self, subject: &Subject<'_>, report: &mut RiskReport) -> Result<()> {
        for aligned in self.frequency.on(subject)? {
            let most = aligned.commonest.values().copied().max_by_key(|found| found.named).unwrap_or_default();
            let id = format!("A7.{}", aligned.column.replace(' ', "-"));
            let list = if aligned.public { "a public list" } else { "the file's own frequencies" };
            let title = format!("Commonest values of {} that {list} would name", aligned.column);
            let gate = counted(Gate::must(id, title, most.named as f64, 0.0), most);
            report.gates.push(gate.with("distinct", aligned.distinct).with("repeated", aligned.repeated));
            if most.targets > 0 {
                report.attackers.push(Attacker::new(Attack::Frequency, 0, most).limit(0.0));
            }
        }
        Ok(())
    }
}

/// What randomised response there is: by encoding.
fn noises<'a>(subject: &Subject<'a>, seed: u64) -> Result<Vec<(&'a str, Noise)>> {
    let encodings = subject.schema.encodings().iter();
    let noisy: Vec<&Encoding> = encodings.filter(|encoding| encoding.hardening().randomised_response() > 0).collect();
    if noisy.is_empty() {
        return Ok(Vec::new());
    }
    let people = subject.bare(&sample::rows(subject.rows(), TOKENS_OF, seed));
    let noise = |encoding: &&'a Encoding| {
        let mut tokens = 0;
        for bare in &people {
            let fields = encoding.budgets().iter().filter_map(|&(field, _)| bare.fields[field].as_ref());
            tokens += fields.flatten().map(Vec::len).sum::<usize>();
        }
        // A person without tokens has no bits either.
        let k = encoding.budget() as f64 * people.len() as f64 / tokens.max(1) as f64;
        let f = f64::from(encoding.hardening().randomised_response()) / 10_000.0;
        Ok((encoding.name(), Noise::new(f, encoding.budget(), k)?))
    };
    noisy.iter().map(noise).collect()
}

/// So many known people, and how much a release depends on the figure for them.
struct Level {
    known: usize,
    name: String,
    weight: Weight,
}

/// How many people attackers know of a file of so many rows, ascending. A twentieth of the file and 6,000 are what a release
/// depends on; where 6,000 would leave too few to be named, half of the file is worth a warning.
fn levels(rows: usize, quick: bool) -> Vec<Level> {
    let mut levels: Vec<Level> =
        KNOWN.iter().map(|&known| Level { known, name: known.to_string(), weight: Weight::Information }).collect();
    if !quick {
        levels.push(if rows >= MOST_KNOWN + ENOUGH_LISTED {
            Level { known: MOST_KNOWN, name: MOST_KNOWN.to_string(), weight: Weight::Must }
        } else {
            Level { known: rows / 2, name: "half".to_owned(), weight: Weight::Warning }
        });
    }
    levels.retain(|level| level.known <= rows / 2);
    // In a very long file a twentieth is more than the attack can take, and 6,000 has been decided on.
    let twentieth = (rows / 20).min(MOST_KNOWN);
    levels.push(Level { known: twentieth, name: "twentieth".to_owned(), weight: Weight::Must });
    levels.retain(|level| level.known > 0 && level.known + LEAST_LISTED <= rows);
    levels.sort_by_key(|level| level.known);
    levels
}

fn counted(gate: Gate, found: Named) -> Gate {
    let (low, high) = found.interval();
    gate.with("targets", found.targets).with("named", found.named).with("from", low).with("to", high)
}

/// Whether a group is more exposed than all, beyond what chance does among few people. Relatives of known people are told
/// apart from them by their own gate: no encoding that finds siblings' records hides that they are siblings.
fn exposure(groups: &[Group], leak: &Leak) -> [Gate; 2] {
    let all = leak.all.share();
    let times = |found: Named| {
        let (low, _) = wilson::interval_of(found.named, found.targets, SURE);
        if all > 0.0 { low / all } else { 0.0 }
    };
    let worst = |relatives: bool| {
        let groups = groups.iter().filter(|group| (group.by == BY_RELATIVES) == relatives);
        let times = groups.map(|group| (times(group.found), group.group.as_str()));
        times.fold((0.0, ""), |a, b| if b.0 > a.0 { b } else { a })
    };
    let (value, group) = worst(false);
    let title = "How many times as exposed as all the most exposed group is, surely (by length and commonness of names, and \
                 missing fields)";
    let of_all = Gate::must("A5.groups", title, value, MOST_TIMES).with("group", group).with("known", leak.known);
    let (value, _) = worst(true);
    let title = "How many times as exposed as all those are, surely, of whom the attacker knows a relative or namesake";
    [of_all, Gate::warning("A5.relatives", title, value, MOST_TIMES).with("known", leak.known)]
}
