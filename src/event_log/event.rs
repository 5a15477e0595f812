//! What a log says of one event, and the line that it becomes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Timestamp;
use crate::cohort::{Cohort, Manifest};
use crate::error::{Error, Result};
use crate::schema::Schema;

/// The version of the line.
const VERSION: u32 = 1;

/// The most characters of an actor's name.
pub const MAX_ACTOR: usize = 100;

/// The most characters of a reason.
pub const MAX_REASON: usize = 500;

/// The most counts of one event, and the most cohorts.
pub const MAX_COUNTS: usize = 64;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// A party signed the schema.
    Sign,
    /// People were encoded.
    Encode,
    /// A list of people who opted out was made.
    OptOut,
    /// A file was attacked by its owner.
    Audit,
    /// A cohort was sealed to a linkage unit.
    Seal,
    /// A sealed cohort was opened.
    Open,
    /// Cohorts were linked.
    Link,
    /// Something was given to somebody else.
    Release,
    /// Something was deleted.
    Delete,
    /// The log lost a line that was half written: see [`EventLog::repair`](super::EventLog::repair).
    Repair,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// It was done.
    Done,
    /// All gates of an audit were passed.
    Passed,
    /// A gate of an audit was failed.
    Failed,
    /// It was refused.
    Refused,
}

/// One event, before it stands in a log. It has no place for a value of a record; the actor and the reason are the
/// caller's own words, and the caller sees to it that nobody else is named in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    action: Action,
    actor: String,
    project: Option<String>,
    fingerprint: Option<String>,
    party: Option<String>,
    cohorts: Vec<String>,
    counts: BTreeMap<String, u64>,
    verdict: Option<Verdict>,
    reason: Option<String>,
}

impl Event {
    /// What was done, and who did it: a user of the machine or a name in the organisation, at most [`MAX_ACTOR`]
    /// characters.
    #[must_use]
    pub fn new(action: Action, actor: impl Into<String>) -> Self {
        Event {
            action,
            actor: actor.into(),
            project: None,
            fingerprint: None,
            party: None,
            cohorts: Vec::new(),
            counts: BTreeMap::new(),
            verdict: None,
            reason: None,
        }
    }

    /// The project and the schema's fingerprint.
    #[must_use]
    pub fn schema(mut self, schema: &Schema) -> Self {
        self.project = Some(schema.project().id().to_owned());
        self.fingerprint = Some(schema.fingerprint().to_owned());
        self
    }

    /// The party whose data it was.
    #[must_use]
    pub fn party(mut self, party: impl Into<String>) -> Self {
        self.party = Some(party.into());
        self
    }

    /// A cohort that was made or used: the SHA-256 of its manifest, by which the file can be known again. One event can
    /// have several.
    #[must_use]
    pub fn cohort(mut self, cohort: &Cohort) -> Self {
        self.cohorts.push(cohort.manifest().sha256.clone());
        self
    }

    /// What a cohort that was made or used says of itself: project, fingerprint, party, and the cohort as
    /// [`cohort`](Self::cohort). For those who have no schema at hand.
    #[must_use]
    pub fn manifest(mut self, manifest: &Manifest) -> Self {
        self.project = Some(manifest.project.clone());
        self.fingerprint = Some(manifest.fingerprint.clone());
        self.party = Some(manifest.party.clone());
        self.cohorts.push(manifest.sha256.clone());
        self
    }

    /// How many there were of something: a name of `a` to `z`, digits and `_`, at most 60 characters. Counts are as
    /// they are, small ones too: the log stays with whoever wrote it.
    #[must_use]
    pub fn count(mut self, name: impl Into<String>, count: u64) -> Self {
        self.counts.insert(name.into(), count);
        self
    }

    /// How it ended.
    #[must_use]
    pub fn verdict(mut self, verdict: Verdict) -> Self {
        self.verdict = Some(verdict);
        self
    }

    /// Why, in the caller's words: at most [`MAX_REASON`] characters on one line, and nobody's name or number.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// What [`EventLog::append`](super::EventLog::append) would refuse.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |what: &str| Err(Error::argument(format!("an event of the log: {what}")));
        let line = |text: &str, most| {
            !text.trim().is_empty() && text.chars().count() <= most && !text.contains(char::is_control)
        };
        let name = |text: &str, also: &[u8]| {
            (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || also.contains(&b))
        };
        if !line(&self.actor, MAX_ACTOR) {
            return wrong("the actor must be one line of 1 to 100 characters");
        }
        if self.reason.as_ref().is_some_and(|reason| !line(reason, MAX_REASON)) {
            return wrong("the reason must be one line of 1 to 500 characters");
        }
        if [&self.project, &self.party].into_iter().flatten().any(|text| !name(text, b"_-.")) {
            return wrong("project and party are letters, digits, _, - and .");
        }
        let digests = self.fingerprint.iter().chain(&self.cohorts);
        if self.cohorts.len() > MAX_COUNTS || !digests.into_iter().all(|digest| is_digest(digest)) {
            return wrong("a fingerprint or a cohort's SHA-256 is none, or there are too many");
        }
        let count =
            |text: &String| text.len() <= 60 && name(text, b"_") && !text.contains(|c: char| c.is_ascii_uppercase());
        if self.counts.len() > MAX_COUNTS || !self.counts.keys().all(count) {
            return wrong("a count's name is 1 to 60 small letters, digits and _, and there are at most 64 counts");
        }
        Ok(())
    }
}

pub(super) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A line of a log. Its keys stand in this order, without spaces; what has no value is `null`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    version: u32,
    pub(super) sequence: u64,
    time: String,
    actor: String,
    action: Action,
    project: Option<String>,
    fingerprint: Option<String>,
    party: Option<String>,
    cohorts: Vec<String>,
    counts: BTreeMap<String, u64>,
    verdict: Option<Verdict>,
    reason: Option<String>,
    tool: String,
    pub(super) previous: String,
    pub(super) hash: String,
}

impl Line {
    pub(super) fn new(event: Event, at: Timestamp, sequence: u64, previous: &str) -> Self {
        let Event { action, actor, project, fingerprint, party, cohorts, counts, verdict, reason } = event;
        let tool = concat!("pprl ", env!("CARGO_PKG_VERSION")).to_owned();
        let (time, previous, hash) = (at.to_string(), previous.to_owned(), String::new());
        let mut line = Line {
            version: VERSION,
            sequence,
            time,
            actor,
            action,
            project,
            fingerprint,
            party,
            cohorts,
            counts,
            verdict,
            reason,
            tool,
            previous,
            hash,
        };
        line.hash = line.own_hash();
        line
    }

    /// The line without its line end.
    #[expect(clippy::expect_used, reason = "strings, numbers and maps of strings always have a JSON form")]
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("a line has a JSON form")
    }

    /// SHA-256 of the line without its last member and without its line end.
    fn own_hash(&self) -> String {
        let text = self.text();
        let end = text.len() - r#","hash":""}"#.len() - self.hash.len();
        let digest = Sha256::new().chain_update(&text.as_bytes()[..end]).chain_update(b"}").finalize();
        crate::hex(&digest)
    }

    /// Reads a line, and says what is wrong with it, all but whether it follows the one before.
    pub(super) fn read(text: &[u8]) -> std::result::Result<Self, &'static str> {
        let line: Line = serde_json::from_slice(text).map_err(|_| "is not an event")?;
        if line.version != VERSION {
            return Err("is of a version that this program does not know");
        }
        if line.text().as_bytes() != text {
            return Err("is not written as events are: it was changed");
        }
        if line.own_hash() != line.hash {
            return Err("does not have the hash that it says: it was changed");
        }
        Ok(line)
    }
}
