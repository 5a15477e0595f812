//! The audit: every check on one file, and what they found in a report.

use super::report::{Attack, Attacker, Group, RiskReport, Sample, SampleSize};
use super::{Gate, Likelihood};
use crate::error::Result;
use crate::owner::{Encoded, RarityList, Record};
use crate::schema::{Date, Schema};

/// What may leak by known people.
const MOST_NAMED: f64 = 0.05;

/// How many times as exposed as all a group may be.
const MOST_TIMES: f64 = 2.0;

/// How many people attackers know, besides a twentieth of the file; which of them a release depends on.
const KNOWN: [(usize, bool); 4] = [(20, false), (100, false), (500, false), (6_000, true)];

/// Fewer people on a list than this say nothing.
const LEAST_LISTED: usize = 20;

/// The audit of an owner's own file before it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    seed: u64,
    floor: usize,
    quick: bool,
    date: Option<Date>,
    names: Vec<(String, usize)>,
}

impl Default for Audit {
    fn default() -> Self {
        Audit { seed: 0, floor: 100, quick: false, date: None, names: Vec::new() }
    }
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

    /// The day that the report gives.
    #[must_use]
    pub fn date(mut self, date: Date) -> Self {
        self.date = Some(date);
        self
    }

    /// A public list of names that an attacker compares the field's frequencies with.
    #[must_use]
    pub fn names(mut self, field: &str, list: &RarityList) -> Self {
        self.names.push((field.to_owned(), list.names()));
        self
    }

    /// Audits a file. `records` are those that `encoded` was made from, in any order, each with an id of its own.
    ///
    /// # Errors
    /// [`Argument`](crate::ErrorKind::Argument) where two records have one id, or they are not those that were encoded;
    /// [`Mismatch`](crate::ErrorKind::Mismatch) where the cohort was made under another schema.
    pub fn run(&self, schema: &Schema, records: &[Record], encoded: &Encoded) -> Result<RiskReport> {
        let cohort = &encoded.cohort;
        cohort.check_schema(schema)?;
        let mut report = RiskReport::new(schema, cohort, self.seed, self.date);
        report.conditions.quick = self.quick;
        let risks = schema.risks().len();
        report.gates.push(Gate::must(
            "A0.risks",
            "Things in the schema that are weaker than the defaults",
            risks as f64,
            0.0,
        ));
        self.known_people(schema, records, encoded, &mut report)?;
        for (field, names) in &self.names {
            let title = format!("Names on the public list for {field}");
            report.gates.push(Gate::information(format!("A7.names.{field}"), title, *names as f64));
        }
        let short = self.floor.saturating_sub(cohort.rows());
        let gate = Gate::must("A9.floor", "Rows that the file lacks to be large enough", short as f64, 0.0);
        report.gates.push(gate.with("floor", self.floor).with("rows", cohort.rows()));
        Ok(report)
    }

    fn known_people(
        &self,
        schema: &Schema,
        records: &[Record],
        encoded: &Encoded,
        report: &mut RiskReport,
    ) -> Result<()> {
        let rows = encoded.cohort.rows();
        let mut levels: Vec<(usize, bool)> = KNOWN.to_vec();
        levels.push((rows / 20, true));
        levels.sort_unstable();
        levels.retain(|&(known, _)| known > 0 && known + LEAST_LISTED <= rows && !(self.quick && known > 500));
        for (known, must) in levels {
            let listed = (rows - known).min(if self.quick { 1_000 } else { 5_000 });
            let targets = listed.min(if self.quick { 200 } else { 1_000 });
            let attack = Likelihood::new().known(known).targets(targets).listed(listed).seed(self.seed);
            let leak = attack.attack(schema, records, encoded)?;
            let (id, title) =
                (format!("A5.likelihood.known-{known}"), format!("Share named by who knows {known} people"));
            let gate = if must {
                Gate::must(id, title, leak.all.share(), MOST_NAMED)
            } else {
                Gate::information(id, title, leak.all.share())
            };
            report.gates.push(gate.with("targets", leak.all.targets).with("named", leak.all.named));
            report
                .attackers
                .push(Attacker::new(Attack::Likelihood, known, leak.all).on(Sample::Random).limit(MOST_NAMED));
            report.conditions.samples = vec![SampleSize { sample: Sample::Random, rows: known + listed }];
            report.groups = Group::of(&leak);
        }
        let most = report.groups.iter().filter_map(|group| group.times).fold(0.0, f64::max);
        report.gates.push(Gate::warning(
            "A5.groups",
            "How many times as exposed as all the most exposed group is",
            most,
            MOST_TIMES,
        ));
        Ok(())
    }
}
