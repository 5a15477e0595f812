//! What a risk report shows beside its gates: attackers, groups, the configuration, and how the audit was run.

use serde::Serialize;

use super::super::{Leak, Named};
use crate::cohort::Cohort;
use crate::schema::{Date, Schema};

/// Which attack somebody makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Attack {
    /// Lays a list of the same people over the encodings, by who is like whom.
    Graph,
    /// Learns from known people what the bits mean, linearly.
    Ridge,
    /// Compares how alike rows are with how alike they should be.
    Likelihood,
    /// Lines frequent encodings up with frequent names.
    Frequency,
}

/// Whose rows are attacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sample {
    /// Drawn from the file by lot.
    Random,
    /// People who are alike: born within as few days as can be, of one area where there are enough.
    Dense,
}

/// What one attacker would get.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Attacker {
    /// How.
    pub attack: Attack,
    /// How many people the attacker knows, with their rows.
    pub known: usize,
    /// Which share of the attacker's list is in the file too; `None` where everybody who is attacked is on the list.
    pub overlap: Option<f64>,
    /// Whose rows.
    pub sample: Sample,
    /// How many people the attacker tried to name, and named correctly.
    #[serde(flatten)]
    pub found: Named,
    /// The share named correctly, 0 to 1.
    pub share: f64,
    /// Where the share lies with 95 % confidence.
    pub interval: (f64, f64),
    /// What the share must not exceed; `None` where there is no such limit.
    pub limit: Option<f64>,
}

/// How exposed a group of people is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Group {
    /// What the groups differ in: "name length", "missing fields", "commonness of names" or "known
    /// relatives".
    pub by: String,
    /// Which group.
    pub group: String,
    /// How many people of the group an attacker tried to name, and named correctly.
    #[serde(flatten)]
    pub found: Named,
    /// The share named correctly, 0 to 1.
    pub share: f64,
    /// Where the share lies with 95 % confidence.
    pub interval: (f64, f64),
    /// How many times the share of all; `None` where nobody was named.
    pub times: Option<f64>,
}

/// What groups differ in whose relatives or namesakes the attacker knows or does not.
pub(in crate::audit) const BY_RELATIVES: &str = "known relatives";

/// What was audited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Configuration {
    /// The project's id.
    pub project: String,
    /// What the linkage is for.
    pub purpose: String,
    /// The data owner whose file it is.
    pub party: String,
    /// All data owners.
    pub parties: Vec<String>,
    /// The last day on which anything may be encoded or linked.
    pub expires: String,
    /// The schema's fingerprint.
    pub fingerprint: String,
    /// Tells whether two files were made with one key, and nothing else of it.
    pub key_check: String,
    /// The version of the native encoding.
    pub encoding_version: u32,
    /// The encodings.
    pub encodings: Vec<AuditedEncoding>,
    /// The match keys.
    pub match_keys: Vec<AuditedMatchKey>,
    /// The fields whose rarity is sent in clear.
    pub rarity: Vec<String>,
    /// What in the schema is weaker than the defaults.
    pub risks: Vec<String>,
}

/// An encoding of the schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditedEncoding {
    /// Its name.
    pub name: String,
    /// The filter's length, in bits.
    pub length: usize,
    /// How many filter bits are added up in one output bit; 0 where not diffused.
    pub diffusion: usize,
    /// What leaves the owner, in bits.
    pub output: usize,
    /// What stands in for a missing field: "random" or "empty".
    pub missing: String,
    /// The fields with their budgets in bits.
    pub fields: Vec<(String, usize)>,
}

/// A match key of the schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditedMatchKey {
    /// Its name.
    pub name: String,
    /// Its fields.
    pub fields: Vec<String>,
}

/// How the audit was run: with the file and the key, enough to run it again.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Conditions {
    /// The program, with its version.
    pub tool: String,
    /// The day of the audit, where it was told.
    pub date: Option<String>,
    /// What decides who is drawn.
    pub seed: u64,
    /// All seeds that were used.
    pub seeds: Vec<u64>,
    /// Whether the samples were smaller than a release needs.
    pub quick: bool,
    /// How many rows the file has.
    pub rows: usize,
    /// How many rows were attacked together, by sample.
    pub samples: Vec<SampleSize>,
    /// How long it took. Not in the JSON, which is the same for the same file, key, seed and day.
    #[serde(skip)]
    pub seconds: Option<f64>,
}

/// How large a sample was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SampleSize {
    /// Which.
    pub sample: Sample,
    /// Its rows.
    pub rows: usize,
}

/// Counts by a number: how often a similarity, a weight or a multiplicity occurs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Histogram {
    /// What is counted.
    pub title: String,
    /// What it is counted by, with its unit.
    pub axis: String,
    /// From, to, and how many.
    pub bins: Vec<(f64, f64, u64)>,
}

impl Attack {
    /// In a word, as in the JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Attack::Graph => "graph",
            Attack::Ridge => "ridge",
            Attack::Likelihood => "likelihood",
            Attack::Frequency => "frequency",
        }
    }
}

impl Sample {
    /// In a word, as in the JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Sample::Random => "random",
            Sample::Dense => "dense",
        }
    }
}

impl Attacker {
    /// What an attack found on a random sample, of people who are all on the attacker's list; see the other methods for
    /// what differs.
    pub(in crate::audit) fn new(attack: Attack, known: usize, found: Named) -> Self {
        let (share, interval) = (found.share(), found.interval());
        Attacker { attack, known, overlap: None, sample: Sample::Random, found, share, interval, limit: None }
    }

    /// On which sample.
    pub(in crate::audit) fn on(mut self, sample: Sample) -> Self {
        self.sample = sample;
        self
    }

    /// Which share of the attacker's list is in the file too.
    pub(in crate::audit) fn overlap(mut self, share: f64) -> Self {
        self.overlap = Some(share);
        self
    }

    /// What the share must not exceed.
    pub(in crate::audit) fn limit(mut self, share: f64) -> Self {
        self.limit = Some(share);
        self
    }
}

impl Group {
    /// The groups of a leak that have anybody in them.
    pub(in crate::audit) fn of(leak: &Leak) -> Vec<Self> {
        let all = leak.all.share();
        [
            ("name length", &leak.by_name_length),
            ("missing fields", &leak.by_missing),
            ("commonness of names", &leak.by_commonness),
            (BY_RELATIVES, &leak.by_relatives),
        ]
        .into_iter()
        .flat_map(|(by, groups)| groups.iter().map(move |(group, found)| Group::new(by, group, *found, all)))
        .filter(|group| group.found.targets > 0)
        .collect()
    }

    /// A group, beside the share of all.
    pub(in crate::audit) fn new(by: &str, group: &str, found: Named, all: f64) -> Self {
        let (share, interval) = (found.share(), found.interval());
        let times = (all > 0.0).then(|| share / all);
        Group { by: by.to_owned(), group: group.to_owned(), found, share, interval, times }
    }
}

impl Configuration {
    pub(super) fn new(schema: &Schema, cohort: &Cohort) -> Self {
        let project = schema.project();
        let name = |field: usize| schema.fields()[field].name().to_owned();
        let encodings = schema.encodings().iter().map(|encoding| AuditedEncoding {
            name: encoding.name().to_owned(),
            length: encoding.length(),
            diffusion: encoding.diffusion(),
            output: encoding.output(),
            missing: encoding.missing().as_str().to_owned(),
            fields: encoding.budgets().iter().map(|&(field, bits)| (name(field), bits)).collect(),
        });
        let match_keys = schema.match_keys().iter().map(|key| AuditedMatchKey {
            name: key.name().to_owned(),
            fields: key.fields().iter().map(|&field| name(field)).collect(),
        });
        Configuration {
            project: project.id().to_owned(),
            purpose: project.purpose().to_owned(),
            party: cohort.party().to_owned(),
            parties: project.parties().to_vec(),
            expires: project.expires().to_string(),
            fingerprint: schema.fingerprint().to_owned(),
            key_check: cohort.manifest().key_check.clone(),
            encoding_version: cohort.manifest().encoding_version,
            encodings: encodings.collect(),
            match_keys: match_keys.collect(),
            rarity: schema.rarity().iter().map(|rarity| name(rarity.field())).collect(),
            risks: schema.risks().iter().map(ToString::to_string).collect(),
        }
    }
}

impl Conditions {
    pub(super) fn new(rows: usize, seed: u64, date: Option<Date>) -> Self {
        Conditions {
            tool: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            date: date.map(|date| date.to_string()),
            seed,
            seeds: vec![seed],
            quick: false,
            rows,
            samples: Vec::new(),
            seconds: None,
        }
    }
}
