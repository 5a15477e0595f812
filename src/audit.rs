//! Attacks on a file by its owner, before it leaves: how many people does somebody name who knows this much?
//!
//! Whoever encodes a file holds the people, the key and the encodings, and so can do what an attacker does and count how
//! often the attacker is right. A file in which an attack fails here may still fall to a better one: the figures are a
//! lower bound of what leaks, from the strongest attack on diffused encodings that we know.
//!
//! [`Audit`] runs all checks and attacks and gives a [`RiskReport`]: a verdict, the gates behind it, and a page to attach to an
//! impact assessment. Each attack can be had alone too: [`Likelihood`] and [`Ridge`] by somebody who has learned of some people
//! which rows are theirs (a leak, a court case, a former colleague of all of them), [`Graph`] by somebody who has a list of the same
//! people and works out who is like whom, [`Frequency`] by somebody who counts. What the literature says of each, and what it
//! finds in each kind of encoding, stands in [`attacks_and_answers`](crate::attacks_and_answers).
//!
//! ```no_run
//! use pprl::audit::Audit;
//! use pprl::owner::read_csv;
//! use pprl::{CsvOptions, Encoder, ProjectKey, Schema};
//!
//! # fn main() -> pprl::Result<()> {
//! let schema = Schema::from_path("schema.toml")?;
//! let key = ProjectKey::from_path("project.key")?;
//! let people = read_csv("police.csv", &schema, &CsvOptions::new())?;
//! let encoded = Encoder::new(&schema, &key, "police")?.encode(&people)?;
//! let report = Audit::new().run(&schema, &people, &encoded)?;
//! println!("{report}");
//! report.check_release(&encoded.cohort)?;                           // refuses what failed
//! report.write("audited")?;                                         // risk-report.json, risk-report.html
//! encoded.write("to_and_from")?;
//! # Ok(())
//! # }
//! ```

mod algebra;
mod dictionary;
mod draws;
#[cfg(test)]
mod fixture;
mod frequency;
mod gate;
mod graph;
mod leakage;
mod likelihood;
mod lint;
mod noise;
mod outliers;
mod patterns;
mod profile;
mod report;
mod ridge;
mod run;
mod sample;
mod skew;
mod subject;
mod uniqueness;

use std::collections::BTreeMap;

pub use self::frequency::{Aligned, Frequency};
pub use self::gate::{Gate, Weight};
pub use self::graph::{Graph, Reidentified};
pub use self::likelihood::{KnownPerson, Likelihood, Row, guess};
pub use self::report::{
    Attack, Attacker, AuditedEncoding, AuditedMatchKey, Conditions, Configuration, Group, Histogram, ReportFiles,
    RiskReport, Sample, SampleSize, Verdict,
};
pub use self::ridge::Ridge;
pub use self::run::Audit;

/// How many of the people whom an attacker tried to name were named correctly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Named {
    /// People whom the attacker tried to name.
    pub targets: u64,
    /// Those whose name was right.
    pub named: u64,
}

/// What an attack found. It holds counts and no values.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Leak {
    /// How many people the attacker knew, with their rows.
    pub known: usize,
    /// How many people were on the list that the attacker named from.
    pub listed: usize,
    /// All targets.
    pub all: Named,
    /// By the letters of the shortest name. A small group says little: see [`Named::interval`].
    pub by_name_length: BTreeMap<&'static str, Named>,
    /// By how many of the encoded fields are missing.
    pub by_missing: BTreeMap<&'static str, Named>,
    /// By how many of the people who were drawn have the target's rarest name, field by field: the names of minorities are
    /// rare in most files.
    pub by_commonness: BTreeMap<&'static str, Named>,
    /// By whether somebody whom the attacker knows has two of the target's encoded fields alike, codes (`exact`) apart:
    /// relatives under one roof, twins, namesakes born on one day. Who knows one of them knows most of the other.
    pub by_relatives: BTreeMap<&'static str, Named>,
    /// The mean Dice coefficient of the tokens of whom the attacker named with those of who it was, 0 to 1: who is not
    /// named rightly may still be described.
    pub mean_dice: f64,
    /// The seeds of the draws that were counted together.
    pub seeds: Vec<u64>,
}

impl Named {
    /// The share named correctly, "hit@1": 0 to 1, and 0 where there were no targets.
    #[must_use]
    pub fn share(self) -> f64 {
        if self.targets == 0 { 0.0 } else { self.named as f64 / self.targets as f64 }
    }

    /// Where the share lies with 95 % confidence, from and to (Wilson 1927); 0 to 1 where there were no targets.
    #[must_use]
    pub fn interval(self) -> (f64, f64) {
        crate::wilson::interval(self.named, self.targets)
    }

    fn count(&mut self, named: bool) {
        self.targets += 1;
        self.named += u64::from(named);
    }
}

impl Leak {
    /// Those of whom nobody with two of the same fields is known: [`by_relatives`](Self::by_relatives) without relatives.
    #[must_use]
    pub fn strangers(&self) -> Named {
        self.by_relatives.get(draws::NO_RELATIVE_KNOWN).copied().unwrap_or_default()
    }

    /// The share that somebody names who draws from the list by lot.
    #[must_use]
    pub fn chance(&self) -> f64 {
        if self.listed == 0 { 0.0 } else { 1.0 / self.listed as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wilson's interval for 1 of 10 and 0 of 10, as in the textbooks.
    #[test]
    fn intervals_are_wilsons() {
        let close = |named, targets, from: f64, to: f64| {
            let (low, high) = Named { targets, named }.interval();
            assert!((low - from).abs() < 5e-4 && (high - to).abs() < 5e-4, "{named} of {targets}: {low} to {high}");
        };
        close(0, 10, 0.0, 0.2775);
        close(1, 10, 0.0179, 0.4042);
        close(10, 10, 0.7225, 1.0);
        assert_eq!(Named::default().interval(), (0.0, 1.0));
        assert_eq!(Named::default().share(), 0.0);
    }
}
