//! The report on a terminal: the verdict first, then what failed, then everything.

use std::fmt;

use super::{Attacker, Gate, RiskReport, Weight, checks, shown};
use crate::page::percent;

impl fmt::Display for RiskReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let configuration = &self.configuration;
        let conditions = &self.conditions;
        writeln!(f, "{}: {}", self.verdict().as_str().to_uppercase(), self.conclusion())?;
        write!(f, "{} rows of {}, project {}", conditions.rows, configuration.party, configuration.project)?;
        if let Some(date) = &conditions.date {
            write!(f, ", {date}")?;
        }
        write!(f, ", seed {}", conditions.seed)?;
        if conditions.quick {
            write!(f, ", small samples")?;
        }
        if let Some(seconds) = conditions.seconds {
            write!(f, ", {seconds:.0} s")?;
        }
        writeln!(f, "\nschema {}", configuration.fingerprint)?;
        if let Some(reason) = &self.accepted {
            writeln!(f, "risks accepted because {reason}")?;
        }
        let ids = self.gates.iter().map(|gate| gate.id.len()).max().unwrap_or(0);
        if self.failed().next().is_some() {
            writeln!(f, "\nnot kept:")?;
            let mut said = "";
            for gate in self.failed() {
                line(f, gate, ids)?;
                let check = checks::check(&gate.id);
                if check.id != said {
                    writeln!(f, "           {}", check.remedy)?;
                    said = check.id;
                }
            }
        }
        writeln!(f, "\nall gates:")?;
        self.gates.iter().try_for_each(|gate| line(f, gate, ids))?;
        if !self.attackers.is_empty() {
            writeln!(f, "\nwhat an attacker would get, the strongest of each kind:")?;
            writeln!(f, "  {:>7}  {:10} {:>7} {:>7} {:>8}  95 %", "knows", "attack", "tried", "named", "share")?;
            for Attacker { attack, known, found, share, interval: (low, high), sample, .. } in self.strongest() {
                writeln!(
                    f,
                    "  {known:7}  {:10} {:7} {:7} {:>8}  {} to {}, {} sample",
                    attack.as_str(),
                    found.targets,
                    found.named,
                    percent(*share),
                    percent(*low),
                    percent(*high),
                    sample.as_str()
                )?;
            }
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, gate: &Gate, ids: usize) -> fmt::Result {
    let held = match (gate.passed, gate.weight) {
        (_, Weight::Information) => "info",
        (true, _) => "pass",
        (false, Weight::Must) => "FAIL",
        (false, Weight::Warning) => "warn",
    };
    let limit = gate.limit.map_or_else(String::new, |limit| format!("limit {}", shown(limit)));
    writeln!(f, "  {held:7}  {:ids$}  {:>12} {limit:14}  {}", gate.id, shown(gate.value), gate.title)
}
