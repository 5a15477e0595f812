//! The risk report: what a data-protection officer reads before a file leaves, and attaches to an impact assessment.
//!
//! * `figures`: what is in it beside the gates. Counts and settings only.
//! * `checks`: the checks in plain English.
//! * `html`: the page; its charts are drawn by `page::chart`.
//! * `text`: the table on a terminal.

mod checks;
mod figures;
mod html;
mod text;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

pub(super) use self::figures::BY_RELATIVES;
pub use self::figures::{
    Attack, Attacker, AuditedEncoding, AuditedMatchKey, Conditions, Configuration, Group, Histogram, Sample, SampleSize,
};
use super::{Gate, Weight};
use crate::cohort::Cohort;
use crate::error::{Error, ErrorKind, Result};
use crate::file::{self, Access};
use crate::schema::{Date, Schema};

/// What the encodings are, said in every report.
const STATUS: &str =
    "The encodings are pseudonymised personal data: data-protection law applies to them, and to the file.";

/// What an audit does not tell, whatever it found.
const NOT_COVERED: [&str; 5] = [
    "The linkage unit and a data owner working together: the owner's key opens every file of the project.",
    "Somebody inside who has the key, or the people and the encodings side by side.",
    "Better attacks than those tried here, or attackers who know more. The figures are lower bounds of what leaks, and a pass \
     is no proof.",
    "What is learned from the links themselves, or from anything else that is sent with the file.",
    "People who are not in the samples: shares are estimates, and the intervals say how good they are.",
];

/// What the law says of such attacks.
const LAW: &str = "A data owner that attacks its own file tests its own safeguards. To re-identify de-identified personal \
                   data without the consent of the controller responsible for it is an offence (Data Protection Act 2018, \
                   section 171), and section 172 sets conditions for testing how effective de-identification is: encodings \
                   of another owner may be attacked only with that controller's written consent.";

/// Whether a file may leave as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every gate that must hold does.
    Pass,
    /// At least one does not.
    Fail,
}

impl Verdict {
    /// "pass" or "fail", as in the JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
        }
    }
}

/// What an [`Audit`](super::Audit) found: the verdict, each gate, what attackers would get, who is more exposed, and what was
/// audited.
///
/// It is made of counts, shares and the schema's own words; there is no value of a record in it, and no id of one. The same
/// file, key, seed and day give the same bytes. Its [`Display`](std::fmt::Display) is a short table.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskReport {
    pub(super) accepted: Option<String>,
    pub(super) gates: Vec<Gate>,
    pub(super) attackers: Vec<Attacker>,
    pub(super) groups: Vec<Group>,
    pub(super) histograms: Vec<Histogram>,
    pub(super) configuration: Configuration,
    pub(super) conditions: Conditions,
}

/// Where [`RiskReport::write`] put the report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportFiles {
    /// `risk-report.json`: for programs.
    pub json: PathBuf,
    /// `risk-report.html`: for people.
    pub html: PathBuf,
}

impl RiskReport {
    /// A report in which nothing is measured yet, on a cohort made under this schema.
    pub(super) fn new(schema: &Schema, cohort: &Cohort, seed: u64, date: Option<Date>) -> Self {
        RiskReport {
            accepted: schema.accept_risk().map(str::to_owned),
            gates: Vec::new(),
            attackers: Vec::new(),
            groups: Vec::new(),
            histograms: Vec::new(),
            configuration: Configuration::new(schema, cohort),
            conditions: Conditions::new(cohort.rows(), seed, date),
        }
    }

    /// [`Fail`](Verdict::Fail) where a gate that must hold does not. Whether the schema [accepts](Self::accepted) risks
    /// does not change it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.failed().any(|gate| gate.weight == Weight::Must) { Verdict::Fail } else { Verdict::Pass }
    }

    /// Whether the verdict is [`Pass`](Verdict::Pass).
    #[must_use]
    pub fn passed(&self) -> bool {
        self.verdict() == Verdict::Pass
    }

    /// The reason that the schema gives for accepting risks.
    #[must_use]
    pub fn accepted(&self) -> Option<&str> {
        self.accepted.as_deref()
    }

    /// All gates, in the order of the checks.
    #[must_use]
    pub fn gates(&self) -> &[Gate] {
        &self.gates
    }

    /// What attackers of different kinds would get.
    #[must_use]
    pub fn attackers(&self) -> &[Attacker] {
        &self.attackers
    }

    /// How exposed groups of people are.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Counts that are worth a look.
    #[must_use]
    pub fn histograms(&self) -> &[Histogram] {
        &self.histograms
    }

    /// What was audited.
    #[must_use]
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// How the audit was run.
    #[must_use]
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// Whether a cohort may be released: it is of the party and the schema that were audited, and the audit passed or the
    /// schema [accepts](Self::accepted) its risks with a reason. Whether the people are the same is for the caller to know.
    ///
    /// # Errors
    /// [`Mismatch`](crate::ErrorKind::Mismatch) where another party's file, or one under another schema, was audited;
    /// [`Refused`](crate::ErrorKind::Refused) with the gates that failed.
    pub fn check_release(&self, cohort: &Cohort) -> Result<()> {
        let audited = (self.configuration.fingerprint.as_str(), self.configuration.party.as_str());
        if audited != (cohort.manifest().fingerprint.as_str(), cohort.party()) {
            let problem = "the risk report is on another party's file, or on one under another schema".to_owned();
            return Err(ErrorKind::Mismatch { problem }.into());
        }
        if self.passed() || self.accepted.is_some() {
            return Ok(());
        }
        let failed = self.failed().filter(|gate| gate.weight == Weight::Must).map(|gate| gate.id.clone()).collect();
        Err(ErrorKind::Refused { gates: failed }.into())
    }

    /// Says how long the audit took, for the table on the terminal. The files do not have it.
    pub fn took(&mut self, time: Duration) {
        self.conditions.seconds = Some(time.as_secs_f64());
    }

    /// The report as JSON: `verdict`, `accepted`, `gates` (each with `id`, `value`, `limit` and `passed`), `attackers`,
    /// `groups`, `histograms`, `configuration`, `conditions` and `notes`. A figure that could not be measured is `null`.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists only: there is nothing that could not be written.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// One page of HTML for a browser or a printer, whole in itself: it has its charts in it, fetches nothing and runs
    /// nothing.
    #[must_use]
    pub fn to_html(&self) -> String {
        html::page(self)
    }

    /// Writes `risk-report.json` and `risk-report.html` into a folder, which is made where there is none. Each is written
    /// whole or not at all; those of an earlier audit are replaced.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<ReportFiles> {
        let folder = folder.as_ref();
        let new = !folder.exists();
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, "create", e))?;
        let files = ReportFiles { json: folder.join("risk-report.json"), html: folder.join("risk-report.html") };
        let text = |path: &Path, text: &str| file::write(path, Access::Default, |out| out.write_all(text.as_bytes()));
        // The JSON last: programs wait for it, and then both are there.
        let before = files.html.exists();
        let written = text(&files.html, &self.to_html()).and_then(|()| text(&files.json, &(self.to_json() + "\n")));
        if written.is_err() && !before {
            // The error that matters is the one already there.
            let _ = fs::remove_file(&files.html);
        }
        if written.is_err() && new {
            let _ = fs::remove_dir(folder);
        }
        written.map(|()| files)
    }

    /// Gates that do not hold, those on which the verdict depends first.
    fn failed(&self) -> impl Iterator<Item = &Gate> {
        let of = |weight| self.gates.iter().filter(move |gate| !gate.passed && gate.weight == weight);
        of(Weight::Must).chain(of(Weight::Warning))
    }

    /// The verdict as a sentence.
    fn conclusion(&self) -> String {
        let must = self.gates.iter().filter(|gate| gate.weight == Weight::Must);
        let (of, failed) = must.fold((0, 0), |(of, failed), gate| (of + 1, failed + usize::from(!gate.passed)));
        let warnings = self.failed().filter(|gate| gate.weight == Weight::Warning).count();
        let mut text = match (of, failed) {
            (0, _) => "nothing was measured that must hold".to_owned(),
            (1, 0) => "the one limit that must hold is kept".to_owned(),
            (_, 0) => format!("all {of} limits that must hold are kept"),
            _ => format!("{failed} of {of} limits that must hold {} not kept", if failed == 1 { "is" } else { "are" }),
        };
        match warnings {
            0 => {}
            1 => text += "; 1 warning",
            _ => text.extend(["; ", &warnings.to_string(), " warnings"]),
        }
        text
    }

    /// The attackers as a reader wants them: of each kind and each number of known people the strongest, by how many people
    /// are known.
    fn strongest(&self) -> Vec<&Attacker> {
        let mut attackers: Vec<&Attacker> = self.attackers.iter().collect();
        // Stable: of equally strong ones the first stays.
        attackers.sort_by(|a, b| (a.known, a.attack).cmp(&(b.known, b.attack)).then(b.share.total_cmp(&a.share)));
        attackers.dedup_by_key(|attacker| (attacker.known, attacker.attack));
        attackers
    }
}

impl Serialize for RiskReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Notes {
            status: &'static str,
            not_covered: [&'static str; 5],
            law: &'static str,
        }
        let mut out = serializer.serialize_struct("RiskReport", 9)?;
        out.serialize_field("verdict", &self.verdict())?;
        out.serialize_field("accepted", &self.accepted)?;
        out.serialize_field("gates", &self.gates)?;
        out.serialize_field("attackers", &self.attackers)?;
        out.serialize_field("groups", &self.groups)?;
        out.serialize_field("histograms", &self.histograms)?;
        out.serialize_field("configuration", &self.configuration)?;
        out.serialize_field("conditions", &self.conditions)?;
        out.serialize_field("notes", &Notes { status: STATUS, not_covered: NOT_COVERED, law: LAW })?;
        out.end()
    }
}

/// A gate's figure: whole numbers whole, others to four digits, and words where nothing was measured.
fn shown(value: f64) -> String {
    if !value.is_finite() {
        return "not measured".to_owned();
    }
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e15 {
        return if value < 10_000.0 { format!("{value}") } else { crate::page::thousands(&format!("{value}")) };
    }
    if !(1e-4..1e9).contains(&size) {
        return format!("{value:.1e}");
    }
    // Four digits that say something, wherever the point is.
    let places = (3 - size.log10().floor() as i32).clamp(0, 7) as usize;
    let text = format!("{value:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests;
