//! What `evaluate` found, as JSON and as tables.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use pprl::evaluate::{Comparison, ErrorAnalysis, Evaluation, Gap, Gaps, GroupQuality, Interval, Intervals, Quality};
use serde::Serialize;

/// How many characters the bar of the widest gap has.
const BAR: usize = 10;

/// The result; thresholds and precisions that are not finite are `null` in JSON.
#[derive(Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    pub(crate) encoded: Evaluation,
    /// What the linker itself expects of its precision, without labels.
    pub(crate) expected_precision: Option<f32>,
    /// Encoding and linking, without reading the files.
    pub(crate) seconds: f64,
    pub(crate) encode_seconds: f64,
    pub(crate) rows: Vec<usize>,
    pub(crate) schema: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plaintext: Option<Evaluation>,
    pub(crate) groups: BTreeMap<String, BTreeMap<String, Quality>>,
    /// Of `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) intervals: Option<Intervals>,
    /// The same groups, each held against all others.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) gaps: BTreeMap<String, Gaps<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errors: Option<ErrorAnalysis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) against: Option<Other>,
}

/// The second run, and the first one beside it.
#[derive(Serialize)]
pub(crate) struct Other {
    pub(crate) schema: String,
    #[serde(flatten)]
    pub(crate) encoded: Evaluation,
    pub(crate) expected_precision: Option<f32>,
    pub(crate) comparison: Comparison,
}

impl Report {
    pub(crate) fn table(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        let rows: Vec<String> = self.rows.iter().map(usize::to_string).collect();
        writeln!(
            out,
            "{} rows, {} true pairs, {:.1} seconds",
            rows.join(" and "),
            self.encoded.best.truth,
            self.seconds
        )?;
        if let Some(expected) = self.expected_precision {
            writeln!(out, "precision expected without labels: {expected:.3}")?;
        }
        writeln!(out, "\n{:28} precision  recall      f1    links  correct     true  threshold", "")?;
        evaluation(&mut out, "", &self.encoded)?;
        if let Some(plaintext) = &self.plaintext {
            evaluation(&mut out, "plaintext, ", plaintext)?;
        }
        if let Some(other) = &self.against {
            evaluation(&mut out, "second run, ", &other.encoded)?;
        }
        if let Some(Intervals { precision, recall, f1, people, resamples, level }) = &self.intervals {
            let [precision, recall, f1] = [precision, recall, f1].map(|&interval| ends(interval));
            writeln!(out, "default, {:.0} %: precision {precision}, recall {recall}, f1 {f1}", level * 100.0)?;
            writeln!(out, "  from drawing {people} people {resamples} times")?;
        }
        if self.gaps.is_empty() {
            for (by, groups) in &self.groups {
                writeln!(out, "by {by}")?;
                for (group, found) in groups {
                    quality(&mut out, &shown(group), found)?;
                    writeln!(out)?;
                }
            }
        }
        self.gap_tables(&mut out)?;
        if let Some(errors) = &self.errors {
            write!(out, "\n{errors}")?;
        }
        if let Some(other) = &self.against {
            write!(out, "\n{}", other.comparison)?;
        }
        Ok(out)
    }

    /// All bars have one scale, so that a wide gap in one table is not drawn like a narrow one in the next.
    fn gap_tables(&self, out: &mut String) -> fmt::Result {
        let groups = || self.gaps.values().flat_map(|gaps| gaps.groups.values());
        let widest = groups().filter_map(|group| group.recall).map(|gap| gap.difference.abs()).fold(0.01, f64::max);
        for (by, gaps) in &self.gaps {
            write!(out, "{:90}recall against all others, points", format!("by {by}"))?;
            match gaps.widest() {
                Some(widest) => writeln!(out, "; from worst to best {:.1}", widest * 100.0)?,
                None => writeln!(out)?,
            }
            for (name, group) in &gaps.groups {
                quality(out, &shown(name), &group.quality)?;
                writeln!(out, "  {}", beside(group, gaps.smallest, widest)?)?;
            }
        }
        Ok(())
    }
}

fn shown(group: &str) -> String {
    format!("  {}", if group.is_empty() { "(empty)" } else { group })
}

fn ends(interval: Option<Interval>) -> String {
    interval.map_or_else(|| "unknown".to_owned(), |Interval { low, high }| format!("{low:.4} to {high:.4}"))
}

fn quality(out: &mut String, name: &str, quality: &Quality) -> fmt::Result {
    let Quality { precision, recall, f1, links, correct, truth } = quality;
    write!(out, "{name:28} {precision:9.4} {recall:7.4} {f1:7.4} {links:8} {correct:8} {truth:8}")
}

fn evaluation(out: &mut String, name: &str, found: &Evaluation) -> fmt::Result {
    let default = ("default", &found.default, found.default_threshold);
    for (which, of, threshold) in [default, ("best", &found.best, found.best_threshold)] {
        quality(out, &format!("{name}{which}"), of)?;
        if threshold.is_finite() {
            writeln!(out, "  {threshold:9.3}")?;
        } else {
            writeln!(out, "       none")?;
        }
    }
    Ok(())
}

/// A bar to the left where the group is served worse than others, to the right where better, and what is beyond chance.
fn beside(group: &GroupQuality, smallest: usize, widest: f64) -> Result<String, fmt::Error> {
    let Some(Gap { difference, interval: Interval { low, high }, beyond_chance }) = group.recall else {
        let few = group.people < smallest;
        let too_few = format!("fewer than {smallest} people: too few to say");
        return Ok(if few { too_few } else { "nobody to compare with".to_owned() });
    };
    let length = (difference.abs() / widest * BAR as f64).round() as usize;
    let bar = "#".repeat(length.min(BAR));
    let [worse, better] = if difference < 0.0 { [&bar[..], ""] } else { ["", &bar[..]] };
    let [difference, low, high] = [difference, low, high].map(|share| share * 100.0);
    let mut text = format!("{worse:>BAR$}|{better:<BAR$} {difference:+6.1} ({low:+.1} to {high:+.1})");
    if beyond_chance {
        text += if difference < 0.0 { "  WORSE, beyond chance" } else { "  better, beyond chance" };
    }
    if let Some(precision) = group.precision.filter(|gap| gap.beyond_chance) {
        write!(text, "; precision {:+.1}, beyond chance", precision.difference * 100.0)?;
    }
    Ok(text)
}
