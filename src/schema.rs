//! The schema: what the parties agree and sign before anything is encoded.
//!
//! It holds the project (id, purpose, parties, expiry), the fields, the encodings, the match keys and the linkage
//! settings, and no secrets. Its [fingerprint](Schema::fingerprint) is in every file; cohorts with different
//! fingerprints never meet in a comparison. A `Schema` that exists is sound: reading one gives either a schema or every
//! problem in it, with line and key.

mod canonical;
mod date;
mod encoding;
mod field;
mod hardening;
mod parse;
mod rarity;
mod risk;
mod role;
mod write;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub use self::date::Date;
pub use self::encoding::{ENCODING_VERSION, Encoding, MAX_BITS, Missing};
pub use self::field::{DateFormat, DateTokens, Field, Identifier, Kind, PostcodeSystem};
pub use self::hardening::{Hardening, HardeningStep, Markov, Salt, SaltPart};
pub use self::rarity::{MAX_RARITY_CLASSES, Rarity};
pub use self::risk::Risk;
#[cfg(feature = "owner")]
pub(crate) use self::role::Place;
pub use self::role::Role;
use crate::error::{Error, ErrorKind, Result};

/// What the parties agree: sound by construction. See the [module](self) and `examples/schemas/uk_person.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    project: Project,
    accept_risk: Option<String>,
    fields: Vec<Field>,
    encodings: Vec<Encoding>,
    match_keys: Vec<MatchKey>,
    rarity: Vec<Rarity>,
    /// By party.
    roles: BTreeMap<String, Vec<Role>>,
    linkage: LinkageSettings,
    fingerprint: String,
}

/// The agreement's frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub(crate) id: String,
    pub(crate) purpose: String,
    pub(crate) parties: Vec<String>,
    pub(crate) expires: Date,
}

/// An exact combination of fields: records that share its keyed hash, each alone in its cohort, are linked before any
/// similarity is looked at. A record that lacks one of the fields has no such key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchKey {
    pub(crate) name: String,
    pub(crate) fields: Vec<usize>,
}

/// How the linkage unit decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkageSettings {
    pub(crate) threshold: Threshold,
    pub(crate) assignment: Assignment,
    pub(crate) candidates: usize,
    pub(crate) keep_unlinked: Vec<String>,
    pub(crate) suppress_below: u32,
}

/// From which score on a pair is a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Threshold {
    /// Estimated from the cohorts themselves, without labels.
    Automatic,
    /// A score, in ten-thousandths (8250 = 0.825), so that a pair exactly at the threshold is in.
    Fixed(u16),
}

/// How many links a record may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Assignment {
    /// At most one in each cohort: each person is in each cohort at most once.
    OneToOne,
    /// A record of an earlier cohort has at most one partner in a later one, which may have many (children to a parent).
    ManyToOne,
    /// A record of a later cohort has at most one partner in an earlier one, which may have many (a parent to children).
    OneToMany,
    /// Every pair that reaches the threshold.
    ManyToMany,
}
field::words!(Assignment {
    OneToOne = "one-to-one",
    ManyToOne = "many-to-one",
    OneToMany = "one-to-many",
    ManyToMany = "many-to-many",
});

impl Schema {
    /// Reads a schema file (TOML).
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the file cannot be read, [`ErrorKind::Key`] where a line of it is a key,
    /// [`ErrorKind::Schema`] with every problem in it.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|e| Error::io(path, "read", e))?;
        crate::key_file::refuse(path, &bytes)?;
        let text = std::str::from_utf8(&bytes).map_err(|e| {
            let line = bytes[..e.valid_up_to()].split(|&byte| byte == b'\n').count();
            let problem = crate::SchemaProblem { line, key: String::new(), message: "not valid UTF-8".into() };
            Error::from(ErrorKind::Schema { path: Some(path.to_owned()), problems: vec![problem] })
        })?;
        Self::from_toml(text).map_err(|e| e.in_file(path))
    }

    /// Reads a schema from TOML text.
    ///
    /// # Errors
    /// [`ErrorKind::Schema`] with every problem in it.
    pub fn from_toml(text: &str) -> Result<Self> {
        parse::parse(text)
    }

    /// A sensible start for people in the United Kingdom: forename, surname, date of birth, sex and postcode, the
    /// `guarded` profile, and match keys on NHS number and Unique Pupil Number where a file has them.
    ///
    /// It is the file `examples/schemas/uk_person.toml`, which is commented: copy it, and set your own project id.
    ///
    /// # Panics
    /// Never: the file is part of the crate and a test reads it.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the text is a constant of this crate and a test parses it")]
    pub fn uk_person() -> Self {
        Self::from_toml(include_str!("../examples/schemas/uk_person.toml")).expect("the built-in schema is sound")
    }

    /// The agreement's frame.
    #[must_use]
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The fields, in the order of the file.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The encodings, in the order of the file.
    #[must_use]
    pub fn encodings(&self) -> &[Encoding] {
        &self.encodings
    }

    /// The match keys, in the order in which the linkage unit applies them.
    #[must_use]
    pub fn match_keys(&self) -> &[MatchKey] {
        &self.match_keys
    }

    /// The fields of names whose rarity is sent, in the order of the file; none unless the schema asks for it.
    #[must_use]
    pub fn rarity(&self) -> &[Rarity] {
        &self.rarity
    }

    /// Whom a row of this party's file holds, in the order of the schema: children's records that name carers, say. None
    /// where a row is one person. `owner::read_party_csv` reads such files.
    #[must_use]
    pub fn roles(&self, party: &str) -> &[Role] {
        self.roles.get(party).map_or(&[], Vec::as_slice)
    }

    /// How the linkage unit decides.
    #[must_use]
    pub fn linkage(&self) -> &LinkageSettings {
        &self.linkage
    }

    /// The reason for accepting the [risks](Self::risks), where there are any.
    #[must_use]
    pub fn accept_risk(&self) -> Option<&str> {
        self.accept_risk.as_deref()
    }

    /// What in this schema is weaker than the defaults. Not empty only where [`accept_risk`](Self::accept_risk) gives a
    /// reason.
    #[must_use]
    pub fn risks(&self) -> Vec<Risk> {
        risk::risks(&self.fields, &self.encodings, &self.match_keys, &self.rarity)
    }

    /// SHA-256 of the [canonical form](Self::canonical): 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The canonical form of the schema: one line of JSON. Comments, order of keys and column names do not change it;
    /// everything that changes a bit of an encoding or a link does. Of a [role](Self::roles) it has what the parties agree
    /// on, its name and which fields are shared or lacking, and no column.
    #[must_use]
    pub fn canonical(&self) -> String {
        canonical::canonical(self)
    }

    /// The index of a party.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the schema does not name it.
    pub fn party(&self, name: &str) -> Result<usize> {
        self.project.parties.iter().position(|party| party == name).ok_or_else(|| {
            Error::argument(format!(
                "no such party in the schema; its parties are: {}",
                self.project.parties.join(", ")
            ))
        })
    }

    /// Refuses a schema past its expiry date.
    ///
    /// # Errors
    /// [`ErrorKind::Expired`].
    pub fn check_expiry(&self, today: Date) -> Result<()> {
        if today <= self.project.expires {
            return Ok(());
        }
        let (project, expires) = (self.project.id.clone(), self.project.expires.to_string());
        Err(ErrorKind::Expired { project, expires }.into())
    }

    pub(crate) fn new(
        project: Project,
        accept_risk: Option<String>,
        fields: Vec<Field>,
        encodings: Vec<Encoding>,
        match_keys: Vec<MatchKey>,
        rarity: Vec<Rarity>,
        linkage: LinkageSettings,
    ) -> Self {
        let (roles, fingerprint) = (BTreeMap::new(), String::new());
        let schema =
            Schema { project, accept_risk, fields, encodings, match_keys, rarity, roles, linkage, fingerprint };
        schema.with_roles(BTreeMap::new())
    }

    fn with_roles(mut self, roles: BTreeMap<String, Vec<Role>>) -> Self {
        self.roles = roles;
        self.fingerprint = canonical::fingerprint(&self);
        self
    }
}

impl Project {
    /// A frame for a schema that a program makes; whoever makes the schema of it checks it: an id in lower-case letters, digits,
    /// `_`, `-` and `.`, the purpose in words, at least one party, and the last day of use.
    #[must_use]
    pub fn new(id: impl Into<String>, purpose: impl Into<String>, parties: Vec<String>, expires: Date) -> Self {
        Project { id: id.into(), purpose: purpose.into(), parties, expires }
    }

    /// The id, which separates this project's keys from every other's.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the linkage is for, in words.
    #[must_use]
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// The data owners.
    #[must_use]
    pub fn parties(&self) -> &[String] {
        &self.parties
    }

    /// The last day on which anything may be encoded or linked.
    #[must_use]
    pub fn expires(&self) -> Date {
        self.expires
    }
}

impl MatchKey {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its fields: indices into [`Schema::fields`].
    #[must_use]
    pub fn fields(&self) -> &[usize] {
        &self.fields
    }
}

impl LinkageSettings {
    /// From which score on a pair is a link.
    #[must_use]
    pub fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// How many links a record may have.
    #[must_use]
    pub fn assignment(&self) -> Assignment {
        self.assignment
    }

    /// How many best partners are kept for each record and each other cohort while scoring, 1 to 100. Of a cohort that is
    /// much longer than the other, fewer (two at least), unless the assignment is many-to-many.
    #[must_use]
    pub fn candidates(&self) -> usize {
        self.candidates
    }

    /// The parties whose unlinked rows also get a link id and a study id, because a missing partner is a finding.
    #[must_use]
    pub fn keep_unlinked(&self) -> &[String] {
        &self.keep_unlinked
    }

    /// Counts below this are not shown in a summary; 0 shows all.
    #[must_use]
    pub fn suppress_below(&self) -> u32 {
        self.suppress_below
    }
}
