//! The page.

use std::fmt::{Result, Write};

use serde_json::Value;

use super::checks::{check, check_of};
use super::{Attacker, Gate, Group, LAW, NOT_COVERED, RiskReport, STATUS, Verdict, Weight, shown};
use crate::page::chart::{self, Across, Bin, Line, Lying};
use crate::page::{STYLE as LOOK, captioned, escaped, percent, thousands};

/// What this page has beyond the look of all reports.
const STYLE: &str = include_str!("style.css");

/// How far a chart of gates goes: a figure that is many times its limit would make all others flat.
const MOST_TIMES: f64 = 2.0;

/// Room for the names of bars, and for what stands behind bars.
const ROOM: (f64, f64) = (265.0, 150.0);

/// The page of a report.
pub(super) fn page(report: &RiskReport) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut out, report);
    out
}

fn write(out: &mut String, report: &RiskReport) -> Result {
    let about = &report.configuration;
    let (project, party) = (escaped(&about.project), escaped(&about.party));
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\">")?;
    writeln!(out, "<title>Risk report: {project}, {party}</title>\n<style>\n{LOOK}{STYLE}</style>\n</head>\n<body>")?;
    writeln!(out, "<h1>Risk report: {project}, file of {party}</h1>\n<p>{}</p>", escaped(&about.purpose))?;
    verdict(out, report)?;
    writeln!(
        out,
        "<p>{} The owner attacked its own file before it leaves, and this says how many of its people were named. Counts and \
         settings only: no value of a record is in this report.</p>",
        escaped(STATUS)
    )?;
    attackers(out, report)?;
    gates(out, report)?;
    groups(out, &report.groups)?;
    writeln!(out, "<section>\n<h2>What is not covered</h2>\n<ul>")?;
    NOT_COVERED.iter().try_for_each(|text| writeln!(out, "<li>{}</li>", escaped(text)))?;
    writeln!(out, "</ul>\n<p class=\"note\">{}</p>\n</section>", escaped(LAW))?;
    made(out, report)?;
    for histogram in &report.histograms {
        let bin = |&(from, to, count): &(f64, f64, u64)| Bin {
            from,
            to,
            height: count as f64,
            says: format!("{from} to {to}: {}", thousands(&count.to_string())),
            vague: false,
        };
        let bins: Vec<Bin> = histogram.bins.iter().map(bin).collect();
        writeln!(out, "<section>\n<h3>{}</h3>", escaped(&histogram.title))?;
        chart::histogram(out, (&histogram.title, &histogram.axis), &bins, None)?;
        writeln!(out, "</section>")?;
    }
    every_figure(out, &report.gates)?;
    out.write_str("</body>\n</html>\n")
}

/// The answer, what failed and what to do.
fn verdict(out: &mut String, report: &RiskReport) -> Result {
    let (class, word) = match report.verdict() {
        Verdict::Pass => ("held", "Pass"),
        Verdict::Fail => ("broken", "Fail"),
    };
    writeln!(out, "<p class=\"verdict {class}\"><b>{word}</b>: {}.</p>", escaped(&report.conclusion()))?;
    if report.conditions.quick {
        writeln!(
            out,
            "<p><b>This was a quick run on small samples.</b> It finds what is weak and is not enough for a release.</p>"
        )?;
    }
    if !report.configuration.risks.is_empty() {
        writeln!(out, "<p>The schema is weaker than the defaults:</p>\n<ul>")?;
        report.configuration.risks.iter().try_for_each(|risk| writeln!(out, "<li>{}</li>", escaped(risk)))?;
        writeln!(out, "</ul>")?;
    }
    if let Some(reason) = &report.accepted {
        writeln!(out, "<p>The parties accept that because: {}.</p>", escaped(reason.trim_end_matches('.')))?;
    }
    let mut failed = report.failed().peekable();
    if failed.peek().is_none() {
        return Ok(());
    }
    captioned(out, "What does not hold, and what to do", &["Check", "Figure", "Limit", "What to do"], |out| {
        for gate in failed {
            let check = check(&gate.id);
            writeln!(
                out,
                "<tr><td><b>{}</b> {}: {}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td>{}</td></tr>",
                if gate.weight == Weight::Must { "Fail" } else { "Warning" },
                escaped(&gate.id),
                escaped(&gate.title),
                escaped(&shown(gate.value)),
                escaped(&limit(gate)),
                escaped(check.remedy)
            )?;
        }
        Ok(())
    })
}

fn attackers(out: &mut String, report: &RiskReport) -> Result {
    let strongest = report.strongest();
    let Some(worst) = strongest.iter().max_by(|a, b| a.share.total_cmp(&b.share)) else { return Ok(()) };
    writeln!(out, "<section>\n<h2>What an attacker would get</h2>")?;
    writeln!(
        out,
        "<p>The strongest attacker tried, who knows {} and their rows beforehand, named {} of {} people: <b>{}</b> (95 % \
         interval {} to {}).</p>",
        people(worst.known),
        thousands(&worst.found.named.to_string()),
        thousands(&worst.found.targets.to_string()),
        percent(worst.share),
        percent(worst.interval.0),
        percent(worst.interval.1)
    )?;
    let mut lines = Vec::new();
    let mut known = None;
    for attacker in &strongest {
        if known.replace(attacker.known) != Some(attacker.known) {
            lines.push(Line::Heading(format!("Knows {}", people(attacker.known))));
        }
        let above = attacker.limit.is_some_and(|limit| attacker.share > limit);
        let bar = Lying {
            class: if above { "broken" } else { "held" },
            from: 0.0,
            to: attacker.share,
            says: percent(attacker.share) + if above { ", above" } else { "" },
            interval: Some(attacker.interval),
            limit: attacker.limit,
            dot: false,
        };
        lines.push(Line::Bars(format!("{}, {}", attacker.attack.as_str(), attacker.sample.as_str()), vec![bar]));
    }
    let shares = strongest.iter().flat_map(|attacker| attacker.limit.into_iter().chain([attacker.interval.1]));
    let chart = Across {
        title: "Share of people whom attackers name",
        describes: "A bar for each kind of attack and each number of people whom the attacker knows, with its 95 % interval \
                    and its limit. The figures are in the table below.",
        ends: (0.0, most_share(shares)),
        room: ROOM,
        axis: Some(per_cent),
    };
    chart::across(out, &chart, &lines)?;
    writeln!(
        out,
        "<p class=\"note\">Share of people named correctly, the 95 % interval as a thin line and the limit as a dashed one. \
         Of each kind of attack the strongest is shown, over all samples and overlaps; all of them are in the JSON file. \
         Random: people drawn by lot. Dense: people born close together, in one area where there are enough. Graph, ridge \
         and likelihood are explained under A5 and A6 below.</p>"
    )?;
    let heads = ["Knows", "Attack", "Sample", "On the list too", "Tried", "Named", "Share (95 %)", "Limit"];
    captioned(out, "The strongest attack of each kind", &heads, |out| {
        strongest.iter().try_for_each(|attacker| attacker_row(out, attacker))
    })?;
    writeln!(out, "</section>")
}

fn attacker_row(out: &mut String, attacker: &Attacker) -> Result {
    let overlap = attacker.overlap.map_or_else(|| "all".to_owned(), per_cent);
    let limit = attacker.limit.map_or_else(|| "none".to_owned(), per_cent);
    let texts = [&people(attacker.known), attacker.attack.as_str(), attacker.sample.as_str(), &overlap];
    let values = [
        thousands(&attacker.found.targets.to_string()),
        thousands(&attacker.found.named.to_string()),
        interval(attacker.share, attacker.interval),
        limit,
    ];
    line(out, &texts, &values)
}

/// The checks: a line for each, of its gates the one that is nearest to its limit or furthest beyond.
fn gates(out: &mut String, report: &RiskReport) -> Result {
    let mut checks: Vec<(&str, Vec<&Gate>)> = Vec::new();
    for gate in &report.gates {
        let id = check_of(&gate.id);
        match checks.iter_mut().find(|(other, _)| *other == id) {
            Some((_, gates)) => gates.push(gate),
            None => checks.push((id, vec![gate])),
        }
    }
    if checks.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section>\n<h2>The checks</h2>")?;
    let bullet = |(id, gates): &(&str, Vec<&Gate>)| {
        let worst = gates.iter().filter(|gate| gate.limit.is_some()).max_by(|a, b| times(a).total_cmp(&times(b)))?;
        let times = times(worst);
        let beyond = if times > MOST_TIMES { " (more)" } else { "" };
        let bar = Lying {
            class: class(worst),
            from: 0.0,
            to: times.min(MOST_TIMES),
            says: format!("{} of {}{beyond}", shown(worst.value), limit(worst)),
            limit: Some(1.0),
            ..Lying::default()
        };
        Some(Line::Bars(format!("{id} {}", check(id).name), vec![bar]))
    };
    let lines: Vec<Line> = checks.iter().filter_map(bullet).collect();
    if !lines.is_empty() {
        let chart = Across {
            title: "How near each check is to its limit",
            describes: "A bar for each check, as long as its worst figure is large against its limit. The figures are in the \
                        table below.",
            ends: (0.0, MOST_TIMES),
            room: ROOM,
            axis: Some(as_times),
        };
        chart::across(out, &chart, &lines)?;
        writeln!(
            out,
            "<p class=\"note\">Of each check the figure that is nearest to its limit or furthest beyond, as a multiple of \
             the limit (dashed). A bar may not reach beyond the line.</p>"
        )?;
    }
    captioned(out, "Each check: what it is, and whether it holds", &["Check", "What it looks for", "Holds"], |out| {
        for (id, gates) in &checks {
            let check = check(id);
            let limited = gates.iter().filter(|gate| gate.limit.is_some()).count();
            let held = gates.iter().filter(|gate| gate.limit.is_some() && gate.passed).count();
            let holds = match (held, limited) {
                (_, 0) => "for information".to_owned(),
                (held, limited) if held == limited => format!("yes ({limited})"),
                (held, limited) => format!("no ({held} of {limited})"),
            };
            writeln!(
                out,
                "<tr><td><b>{}</b> {}</td><td>{}</td><td class=\"short\">{holds}</td></tr>",
                escaped(id),
                escaped(check.name),
                escaped(check.meaning)
            )?;
        }
        Ok(())
    })?;
    writeln!(out, "</section>")
}

fn groups(out: &mut String, groups: &[Group]) -> Result {
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section>\n<h2>Who is more exposed</h2>")?;
    let mut lines = Vec::new();
    let mut by = "";
    for group in groups {
        if by != group.by {
            by = &group.by;
            lines.push(Line::Heading(format!("By {by}")));
        }
        let dot = Lying {
            class: "m",
            from: 0.0,
            to: group.share,
            says: percent(group.share),
            interval: Some(group.interval),
            limit: None,
            dot: true,
        };
        lines.push(Line::Bars(group.group.clone(), vec![dot]));
    }
    let chart = Across {
        title: "Share of each group that is named",
        describes: "A dot for each group of people with its 95 % interval. The figures are in the table below.",
        ends: (0.0, most_share(groups.iter().map(|group| group.interval.1))),
        room: ROOM,
        axis: Some(per_cent),
    };
    chart::across(out, &chart, &lines)?;
    let heads = ["Group", "By", "Tried", "Named", "Share (95 %)", "Times all"];
    captioned(out, "People named by the strongest attack by known people, by group", &heads, |out| {
        for group in groups {
            let times = group.times.map_or_else(String::new, |times| format!("{times:.1}"));
            let values = [
                thousands(&group.found.targets.to_string()),
                thousands(&group.found.named.to_string()),
                interval(group.share, group.interval),
                times,
            ];
            line(out, &[&group.group, &group.by], &values)?;
        }
        Ok(())
    })?;
    writeln!(
        out,
        "<p class=\"note\">A group of few people has a wide interval and says little. Relatives who live together are alike in \
         most of what is encoded: who knows one of them knows most of the others.</p>\n</section>"
    )
}

fn made(out: &mut String, report: &RiskReport) -> Result {
    let (about, run) = (&report.configuration, &report.conditions);
    writeln!(out, "<section>\n<h2>What was audited, and how</h2>")?;
    let or_none = |list: Vec<String>| if list.is_empty() { "none".to_owned() } else { list.join("; ") };
    let match_keys = about.match_keys.iter().map(|key| format!("{} ({})", key.name, key.fields.join(", "))).collect();
    let samples =
        run.samples.iter().map(|sample| format!("{}: {}", sample.sample.as_str(), thousands(&sample.rows.to_string())));
    let seeds: Vec<String> = run.seeds.iter().map(u64::to_string).collect();
    captioned(out, "The file, the schema and the run", &["What", "Value"], |out| {
        for (name, value) in [
            ("Project", about.project.clone()),
            ("Party", format!("{}, of {}", about.party, about.parties.join(", "))),
            ("Schema expires", about.expires.clone()),
            ("Schema fingerprint", about.fingerprint.clone()),
            ("Key check", about.key_check.clone()),
            ("Encoding version", about.encoding_version.to_string()),
            ("Match keys", or_none(match_keys)),
            ("Rarity sent in clear", or_none(about.rarity.clone())),
            ("Rows in the file", thousands(&run.rows.to_string())),
            ("Rows in the samples", or_none(samples.collect())),
            ("Seeds", seeds.join(", ")),
            ("Program", run.tool.clone()),
            ("Date", run.date.clone().unwrap_or_else(|| "not given".to_owned())),
        ] {
            writeln!(out, "<tr><td>{name}</td><td class=\"value\">{}</td></tr>", escaped(&value))?;
        }
        Ok(())
    })?;
    let heads = ["Encoding", "Fields and their bits", "Missing fields", "Filter (bits)", "Diffusion", "Output (bits)"];
    captioned(out, "The encodings", &heads, |out| {
        for encoding in &about.encodings {
            let fields: Vec<String> = encoding.fields.iter().map(|(name, bits)| format!("{name} {bits}")).collect();
            let bits = [encoding.length, encoding.diffusion, encoding.output].map(|bits| bits.to_string());
            line(out, &[&encoding.name, &fields.join(", "), &encoding.missing], &bits)?;
        }
        Ok(())
    })?;
    writeln!(out, "</section>")
}

fn every_figure(out: &mut String, gates: &[Gate]) -> Result {
    if gates.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section class=\"figures\">\n<h2>Every figure</h2>")?;
    captioned(out, "All gates", &["Gate", "What it is", "Figure", "Limit", "Holds"], |out| {
        for gate in gates {
            let mut what = escaped(&gate.title);
            for (name, detail) in gate.details.iter().filter_map(|(name, detail)| Some((name, scalar(detail)?))) {
                write!(what, "; {} {}", escaped(name), escaped(&detail))?;
            }
            let holds = match (gate.limit, gate.passed, gate.weight) {
                (None, ..) | (_, _, Weight::Information) => "information",
                (_, true, _) => "yes",
                (_, false, Weight::Must) => "NO",
                (_, false, Weight::Warning) => "no (warning)",
            };
            writeln!(
                out,
                "<tr><td>{}</td><td>{what}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td>{holds}</td></tr>",
                escaped(&gate.id),
                escaped(&shown(gate.value)),
                escaped(&limit(gate))
            )?;
        }
        Ok(())
    })?;
    writeln!(out, "</section>")
}

/// A row of a table: texts, then numbers.
fn line(out: &mut String, texts: &[&str], numbers: &[String]) -> Result {
    write!(out, "<tr>")?;
    texts.iter().try_for_each(|text| write!(out, "<td>{}</td>", escaped(text)))?;
    numbers.iter().try_for_each(|number| write!(out, "<td class=\"number\">{}</td>", escaped(number)))?;
    writeln!(out, "</tr>")
}

/// A detail that fits into a line; lists are in the JSON.
fn scalar(detail: &Value) -> Option<String> {
    match detail {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_f64() => number.as_f64().map(shown),
        Value::Number(_) | Value::Bool(_) => Some(detail.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// How many times its limit a figure is: without end where it was not measured, or where nothing at all is allowed.
fn times(gate: &Gate) -> f64 {
    match gate.limit {
        None => 0.0,
        Some(limit) if limit > 0.0 && gate.value.is_finite() => gate.value.max(0.0) / limit,
        Some(_) if gate.passed => 0.0,
        Some(_) => f64::INFINITY,
    }
}

fn class(gate: &Gate) -> &'static str {
    match (gate.passed, gate.weight) {
        (false, Weight::Must) => "broken",
        (false, Weight::Warning) => "warned",
        _ => "held",
    }
}

fn limit(gate: &Gate) -> String {
    gate.limit.map_or_else(String::new, shown)
}

fn people(known: usize) -> String {
    match known {
        0 => "nobody".to_owned(),
        1 => "1 person".to_owned(),
        _ => format!("{} people", thousands(&known.to_string())),
    }
}

fn interval(share: f64, (low, high): (f64, f64)) -> String {
    format!("{} ({} to {})", percent(share), percent(low), percent(high))
}

/// A share in per cent for an axis: as many places as it needs.
fn per_cent(share: f64) -> String {
    format!("{} %", (share * 1e4).round() / 100.0)
}

fn as_times(times: f64) -> String {
    format!("{} ×", (times * 100.0).round() / 100.0)
}

/// How far a chart of shares goes: so that the largest has room, and never nothing or more than all.
fn most_share(shares: impl Iterator<Item = f64>) -> f64 {
    (shares.fold(0.0, f64::max) * 1.1).clamp(0.01, 1.0)
}
