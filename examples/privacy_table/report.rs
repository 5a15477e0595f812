//! The table and the plot.

use std::fmt::{Error, Write};

use serde::Serialize;

use crate::measure::{Measured, Sizes};
use crate::svg;
use crate::variants::DEFAULT;

/// What known people may name, and what graphs may.
const MOST_NAMED: f64 = 0.05;
const MOST_BY_GRAPH: f64 = 0.01;

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) invented: bool,
    pub(crate) quick: bool,
    pub(crate) rows: [usize; 2],
    pub(crate) true_pairs: u64,
    pub(crate) match_keys: usize,
    pub(crate) seed: u64,
    pub(crate) sizes: Sizes,
    pub(crate) variants: Vec<Measured>,
}

impl Report {
    /// In Markdown, as it stands in a README.
    pub(crate) fn table(&self) -> Result<String, Error> {
        let mut out = String::new();
        let Sizes { known, targets, listed, half, half_targets, half_listed, graph, seeds } = &self.sizes;
        writeln!(
            out,
            "| variant | F1 | best F1 | recall at 99 % | {} known | {} known | half known | graph, {} known | graph, {} known | \
             bytes |",
            known[0], known[1], seeds[0], seeds[1]
        )?;
        writeln!(out, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        for measured in &self.variants {
            let quality = &measured.quality;
            let recall = measured.recall_at_99.map_or_else(|| "–".to_owned(), |recall| format!("{recall:.3}"));
            let name = &measured.variant;
            let name = if name == DEFAULT { format!("**{name}**") } else { name.clone() };
            write!(out, "| {name} | {:.4} | {:.4} | {recall}", quality.default.f1, quality.best.f1)?;
            for attacked in [&measured.known[0], &measured.known[1], &measured.half] {
                write!(out, " | {}", percent(attacked.share, MOST_NAMED))?;
            }
            for found in &measured.graph {
                write!(out, " | {}", percent(found.all.share(), MOST_BY_GRAPH))?;
            }
            writeln!(out, " | {} |", measured.bytes)?;
        }
        let [a, b] = self.rows;
        let data = if self.invented { "Two invented files of pupils, whole families" } else { "Two files" };
        writeln!(
            out,
            "\n{data}: {a} and {b} rows, {} true pairs; seed {}.{}",
            self.true_pairs,
            self.seed,
            if self.quick { " A quick run: small samples, not to be quoted." } else { "" }
        )?;
        if self.match_keys > 0 {
            writeln!(
                out,
                "Under every variant the schema's match keys ({}) link too; they are not attacked.",
                self.match_keys
            )?;
        }
        writeln!(
            out,
            "F1: at the threshold that is found without labels; best F1, and the most recall at 99 % precision: at thresholds that \
             need the truth (–: none has that precision)."
        )?;
        writeln!(
            out,
            "Known: the share of people named by somebody who knows the schema and so many people with their rows, by the stronger \
             of two attacks (likelihood and ridge): {targets} targets and a list of {listed}; half of the file is {half} people, \
             with {half_targets} targets and a list of {half_listed}."
        )?;
        writeln!(
            out,
            "Graph: the share of {graph} people named from who is like whom, where all of them are on the list. Bytes: of a \
             record's encodings."
        )?;
        writeln!(
            out,
            "Bold shares are above what a release may leak: {:.0} % by known people, {:.0} % by graphs.",
            MOST_NAMED * 100.0,
            MOST_BY_GRAPH * 100.0
        )?;
        Ok(out)
    }

    /// F1 against what somebody names who knows half of the file.
    pub(crate) fn plot(&self) -> Result<String, Error> {
        let points: Vec<svg::Point<'_>> = self
            .variants
            .iter()
            .map(|measured| svg::Point {
                name: &measured.variant,
                f1: measured.quality.default.f1,
                leak: measured.half.share,
                interval: measured.half.interval,
                holds: measured.half.share <= MOST_NAMED,
                recommended: measured.variant == DEFAULT,
            })
            .collect();
        let title = format!("What each variant finds and gives away: {} and {} rows", self.rows[0], self.rows[1]);
        let across = format!(
            "share of people named, {} of {} known (stronger attack), with its 95 % interval (logarithmic)",
            self.sizes.half, self.rows[0]
        );
        svg::scatter(&title, &across, &points, MOST_NAMED)
    }
}

fn percent(share: f64, most: f64) -> String {
    let text = format!("{:.1} %", share * 100.0);
    if share > most { format!("**{text}**") } else { text }
}
