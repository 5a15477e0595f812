//! The page.

use std::fmt::{Result, Write};

use super::super::model::Uncertain;
use super::super::suppress::Counted;
use super::Report;
use super::figures::{Best, Field, Figure, Groups, Pair, Party, Pattern, Patterns, drawn};
use crate::page::chart::{self, Bin, Line, Lying};
use crate::page::{STYLE, escaped, percent, row, table, thousands};

/// The page of a report.
pub(super) fn page(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut out, report);
    out
}

fn write(out: &mut String, report: &Report) -> Result {
    let about = &report.about;
    let (project, purpose) = (escaped(&about.project), escaped(&about.purpose));
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\">")?;
    writeln!(out, "<title>Linkage report: {project}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>")?;
    writeln!(out, "<h1>Linkage report: {project}</h1>\n<p>{purpose}</p>")?;
    writeln!(
        out,
        "<p>Counts and estimates only: no row, no id and no value of a record is in this report. It was made without labels \
         and without seeing a name.</p>"
    )?;
    let below = about.suppress_below;
    if below > 1 {
        writeln!(
            out,
            "<p>Counts from 1 to {} are not shown, nor larger ones from which they could be worked out: &lt;{below} is \
             fewer than {below}. Counts in histograms are rounded to the nearest {below}; pale bars are counts that are not \
             shown or only limits, and their length says little.</p>",
            below - 1
        )?;
    }
    writeln!(out, "<section>\n<h2>Who is linked</h2>")?;
    table(out, &["Party", "Rows", "Linked"], |out| {
        for Party { name, rows, linked, .. } in &report.parties {
            row(out, name, &[number(*rows), number(*linked)])?;
        }
        Ok(())
    })?;
    for party in &report.parties {
        if let Some(reason) = &party.release_small {
            writeln!(out, "<p>{} sent a file of few people: {}</p>", escaped(&party.name), escaped(reason))?;
        }
    }
    if let Some(reason) = &about.accept_risk {
        writeln!(
            out,
            "<p>The schema is weaker than the defaults, and the parties accept that: {}</p>",
            escaped(reason)
        )?;
    }
    if !report.clusters.is_empty() {
        table(out, &["People who are in", "How many"], |out| {
            for &(parties, count) in &report.clusters {
                let text = match parties {
                    1 => "one file, more than once".to_owned(),
                    parties => format!("{parties} files"),
                };
                row(out, &text, &[number(count)])?;
            }
            Ok(())
        })?;
    }
    writeln!(out, "</section>")?;
    for pair in &report.pairs {
        of_pair(out, pair, below)?;
    }
    for groups in &report.groups {
        of_groups(out, groups)?;
    }
    complete(out, report)?;
    writeln!(
        out,
        "<section>\n<h2>What is not in this report</h2>\n<p>Recall: how many of the people who are in two files were found. \
         Nobody can tell that from encodings alone, since people whose records do not stand out from strangers are not seen \
         at all. The number of pairs that stand out is not it. It takes pairs that somebody has looked up, as \
         <code>evaluate</code> reads them.</p>\n</section>"
    )?;
    made(out, report)?;
    out.write_str("</body>\n</html>\n")
}

fn of_pair(out: &mut String, pair: &Pair, below: u32) -> Result {
    let (a, b) = (escaped(&pair.parties.0), escaped(&pair.parties.1));
    if a == b {
        writeln!(out, "<section>\n<h2>{a}: records of one person</h2>")?;
    } else {
        writeln!(out, "<section>\n<h2>{a} and {b}</h2>")?;
    }
    let threshold = match pair.threshold {
        Some(threshold) => format!("{threshold:.2}{}", pair.unit),
        None => "none: nobody stands out from strangers".to_owned(),
    };
    table(out, &["What", "How many"], |out| {
        row(out, "Links", &[number(pair.links)])?;
        row(out, "of them by a match key", &[number(pair.by_match_key)])?;
        if pair.known != Counted::Exactly(0) {
            row(out, "of them known before", &[number(pair.known)])?;
        }
        row(out, "Threshold", &[threshold])?;
        if let Some(Uncertain { value, low, high }) = pair.precision {
            let precision = format!("{} ({} to {})", percent(value), percent(low), percent(high));
            row(out, "Links that are right, estimated (95 %)", &[precision])?;
        }
        if let Some(matches) = pair.matches {
            row(out, "Pairs that stand out from strangers, estimated", &[number(matches)])?;
        }
        if pair.too_large > 0 {
            row(out, "Groups too large for the solver, assigned greedily", &[pair.too_large.to_string()])?;
        }
        Ok(())
    })?;
    writeln!(out, "<p>The threshold is {}.</p>", escaped(&pair.origin))?;
    if pair.precision.is_some() {
        writeln!(
            out,
            "<p>The estimate of how many links are right rests on the model below, not on pairs that somebody checked: each \
             link's match weight says how likely it is wrong. The interval holds if the model is right; relatives who live \
             together, and files in which a person stands twice, make it too good.</p>"
        )?;
    } else if pair.learned {
        writeln!(out, "<p>There are too few links to say how many are right.</p>")?;
    } else {
        writeln!(
            out,
            "<p>How many links are right is not estimated, and no weights are learned: that takes an automatic threshold, and \
             two files or encodings of single fields.</p>"
        )?;
    }
    if let Some(blocking) = &pair.blocking {
        writeln!(out, "<p>Not all pairs were compared. {}.</p>", escaped(blocking))?;
    }
    if pair.learned {
        best(out, pair)?;
        weights(out, &pair.weights)?;
    } else {
        scores(out, pair)?;
    }
    patterns(out, &pair.patterns, pair.learned, below)?;
    writeln!(out, "</section>")
}

/// Rows by their best match weight, and how many could not be linked at other thresholds.
fn best(out: &mut String, pair: &Pair) -> Result {
    let mark = pair.threshold.map(f64::from);
    let axis = "match weight of the row's best candidate, in bits";
    for Best { party, bins, none, .. } in &pair.best {
        writeln!(out, "<h3>How well rows of {} find a partner</h3>", escaped(party))?;
        let bin = |&(from, count): &(i32, Counted)| {
            let (from, says) = (f64::from(from), format!("{from} to {} bits: {} rows", from + 1, number(count)));
            Bin { from, to: from + 1.0, height: drawn(count), says, vague: count.exact().is_none() }
        };
        let bins: Vec<Bin> = bins.iter().map(bin).collect();
        chart::histogram(out, (&format!("Rows of {party} by best match weight"), axis), &bins, mark)?;
        let none = escaped(&number(*none));
        writeln!(
            out,
            "<p class=\"note\">Rows; {none} have no candidate at all. Two hills with a valley at the threshold are easy to \
             part; rows near the threshold are as likely right as wrong. The first and the last bar also count what lies \
             beyond.</p>"
        )?;
    }
    writeln!(out, "<h3>Rows that stay unlinked, by threshold</h3>")?;
    let curve = |(i, best): (usize, &Best)| {
        let mut points: Vec<(f64, f64)> =
            best.unlinkable.iter().map(|&(from, share)| (f64::from(from), share)).collect();
        // The last bin is as wide as the others.
        points.extend(points.last().map(|&(from, share)| (from + 1.0, share)));
        (["first", "second"][i % 2], points)
    };
    let curves: Vec<(&str, Vec<(f64, f64)>)> = pair.best.iter().enumerate().map(curve).collect();
    chart::curves(
        out,
        ("Share of rows without a candidate from a match weight on", "threshold, in bits"),
        &curves,
        mark,
    )?;
    let names: Vec<String> = pair.best.iter().map(|best| escaped(&best.party)).collect();
    let key = names.iter().zip(["first", "second"]).map(|(name, class)| format!("<b class=\"{class}\">{name}</b>"));
    writeln!(
        out,
        "<p class=\"note\">{}: the share of rows of which no candidate would reach the threshold, read off the histograms \
         above. Many of them are in one file only.</p>",
        key.collect::<Vec<_>>().join(", ")
    )
}

/// The links' scores, where there is nothing else.
fn scores(out: &mut String, pair: &Pair) -> Result {
    let counted = |bin: &&(f32, Counted)| bin.1 != Counted::Exactly(0);
    if pair.scores.iter().filter(counted).count() == 0 {
        return Ok(());
    }
    let width = pair.scores.get(1).map_or(1.0, |(from, _)| f64::from(from - pair.scores[0].0));
    let bin = |&(from, count): &(f32, Counted)| Bin {
        from: f64::from(from),
        to: f64::from(from) + width,
        height: drawn(count),
        says: format!("from {from:.2}: {} links", number(count)),
        vague: count.exact().is_none(),
    };
    let bins: Vec<Bin> = pair.scores.iter().map(bin).collect();
    writeln!(out, "<h3>How alike linked rows are</h3>")?;
    chart::histogram(out, ("Links by score", "score of the link"), &bins, pair.threshold.map(f64::from))?;
    writeln!(out, "<p class=\"note\">Links. What lies below the threshold is linked by a match key.</p>")
}

/// m and u of each level, and what it is worth.
fn weights(out: &mut String, fields: &[Field]) -> Result {
    if fields.is_empty() {
        return Ok(());
    }
    let lines = |bars: &dyn Fn(&super::figures::Level) -> Vec<Lying>| {
        let mut lines = Vec::new();
        for field in fields {
            lines.push(Line::Heading(field.name.clone()));
            lines.extend(field.levels.iter().rev().map(|level| Line::Bars(level.label.clone(), bars(level))));
        }
        lines
    };
    writeln!(out, "<h3>How often matches and strangers agree</h3>")?;
    let vague = |figure: Figure, [class, pale]: [&'static str; 2]| match figure {
        Figure::About(_) => class,
        _ => pale,
    };
    let share = |classes, figure: Figure| Lying {
        class: vague(figure, classes),
        from: 0.0,
        to: figure.value().unwrap_or(0.0),
        says: figure.to_string(),
        ..Lying::default()
    };
    let (m, u) = (["m", "m vague"], ["u", "u vague"]);
    let shares = lines(&|level| vec![share(m, level.m), share(u, level.u)]);
    chart::lying(out, "Share of matches and of strangers at each level", &shares, (0.0, 1.0))?;
    let hidden = if fields.iter().any(|field| field.hidden) {
        " Encodings that mix fields do not show levels: shares are worked out from how alike the encodings are."
    } else {
        ""
    };
    writeln!(
        out,
        "<p class=\"note\">For each level, the share of pairs at it: <b class=\"m\">of matches (m)</b> and <b \
         class=\"u\">of strangers (u)</b>.{hidden} A field in which few matches are at the highest level has many errors.</p>"
    )?;
    writeln!(out, "<h3>What each level is worth</h3>")?;
    let bits = |figure: Figure| {
        let value = figure.value().unwrap_or(0.0);
        let class = vague(figure, if value < 0.0 { ["minus", "minus vague"] } else { ["plus", "plus vague"] });
        vec![Lying { class, from: 0.0, to: value, says: figure.to_string(), ..Lying::default() }]
    };
    let all = fields.iter().flat_map(|field| &field.levels).filter_map(|level| level.bits.value());
    let (low, high) = all
        .filter(|bits| bits.is_finite())
        .fold((0.0, 0.0), |(low, high): (f64, f64), bits| (low.min(bits), high.max(bits)));
    chart::lying(out, "Match weight of each level in bits", &lines(&|level| bits(level.bits)), (low, high))?;
    writeln!(
        out,
        "<p class=\"note\">Match weight in bits, log2(m/u): one bit more makes it twice as likely that a pair is one person. \
         Fields that agree together among strangers, as in a family, count less than their sum.</p>"
    )
}

fn patterns(out: &mut String, patterns: &Patterns, learned: bool, below: u32) -> Result {
    if patterns.encodings.is_empty() {
        return Ok(());
    }
    let with_bits = patterns.strangers.iter().chain(&patterns.alike).any(|pattern| pattern.bits.is_some());
    writeln!(out, "<h3>The most frequent patterns</h3>")?;
    let mut heads: Vec<&str> = patterns.encodings.iter().map(String::as_str).collect();
    heads.push("Pairs");
    if with_bits {
        heads.push("Weight (bits)");
    }
    let wide = heads.len();
    table(out, &heads, |out| {
        let rest = |out: &mut String, text: &str, count: Counted| -> Result {
            let (count, over) = (escaped(&number(count)), patterns.encodings.len());
            let end = if with_bits { "<td></td>" } else { "" };
            writeln!(out, "<tr><td colspan=\"{over}\">{text}</td><td class=\"number\">{count}</td>{end}</tr>")
        };
        let some = |out: &mut String, title: &str, some: &[Pattern], others: Counted| -> Result {
            if some.is_empty() {
                return Ok(());
            }
            writeln!(out, "<tr><th colspan=\"{wide}\">{title}</th></tr>")?;
            for Pattern { levels, pairs, bits } in some {
                write!(out, "<tr>")?;
                for level in levels {
                    write!(out, "<td>{}</td>", escaped(level))?;
                }
                write!(out, "<td class=\"number\">{}</td>", escaped(&number(*pairs)))?;
                if with_bits {
                    let bits = bits.map_or_else(String::new, |bits| escaped(&bits.to_string()));
                    write!(out, "<td class=\"number\">{bits}</td>")?;
                }
                writeln!(out, "</tr>")?;
            }
            if others == Counted::Exactly(0) { Ok(()) } else { rest(out, "others like these", others) }
        };
        let [one, other] = if learned && with_bits {
            ["More likely one person than not, by the sum of their weights", "Like strangers"]
        } else {
            ["Equal in at least one encoding, or nearly", "Less alike"]
        };
        some(out, one, &patterns.alike, patterns.other_alike)?;
        some(out, other, &patterns.strangers, patterns.other_strangers)?;
        rest(out, "alike in nothing", patterns.nothing)
    })?;
    let sampled = if patterns.sampled { " Counts are estimated from a sample of pairs." } else { "" };
    let few = if below > 1 { " Small counts of pairs are not shown either." } else { "" };
    writeln!(
        out,
        "<p class=\"note\">Counts of pairs of rows, not of people. Links are chosen pair by pair, each row's other candidates \
         considered, so not all of the former are links.{sampled}{few}</p>"
    )
}

fn of_groups(out: &mut String, Groups { party, rates }: &Groups) -> Result {
    writeln!(out, "<section>\n<h2>Who of {} is linked, by group</h2>", escaped(party))?;
    let mut lines = Vec::new();
    for group in rates {
        if let Some(Uncertain { value, low, high }) = group.rate {
            let (to, interval) = (value, Some((low, high)));
            let bar = Lying { class: "m", from: 0.0, to, says: percent(value), interval, ..Lying::default() };
            lines.push(Line::Bars(group.group.clone(), vec![bar]));
        }
    }
    chart::lying(out, "Share of rows that are linked", &lines, (0.0, 1.0))?;
    table(out, &["Group", "Rows", "Linked", "Share (95 % interval)"], |out| {
        for group in rates {
            let linked = group.linked.map_or("not shown".to_owned(), |linked| number(Counted::Exactly(linked)));
            let rate = group.rate.map_or("not shown".to_owned(), |Uncertain { value, low, high }| {
                format!("{} ({} to {})", percent(value), percent(low), percent(high))
            });
            row(out, &group.group, &[number(group.rows), linked, rate])?;
        }
        Ok(())
    })?;
    writeln!(
        out,
        "<p class=\"note\">A low share may mean that a group's records are harder to link, or that its people are in no other \
         file. Which of the two it is cannot be told from here.</p>\n</section>"
    )
}

fn complete(out: &mut String, report: &Report) -> Result {
    writeln!(out, "<section>\n<h2>Which fields are missing</h2>")?;
    let mut lines = Vec::new();
    for party in report.parties.iter().filter(|party| !party.complete.is_empty()) {
        lines.push(Line::Heading(party.name.clone()));
        for field in &party.complete {
            let all = drawn(field.present) + drawn(field.missing);
            let says = format!("{} missing", number(field.missing));
            let to = drawn(field.present) / all.max(1.0);
            lines.push(Line::Bars(
                field.encoding.clone(),
                vec![Lying { class: "m", from: 0.0, to, says, ..Lying::default() }],
            ));
        }
    }
    if lines.is_empty() {
        writeln!(
            out,
            "<p>That is not known here: encodings that mix fields do not show the linkage unit what is missing, and with a \
             threshold set by hand it is not looked at. Each party's own quality report says it.</p>\n</section>"
        )
    } else {
        chart::lying(out, "Share of rows that have a field", &lines, (0.0, 1.0))?;
        writeln!(out, "<p class=\"note\">The share of rows that have something in a field's encoding.</p>\n</section>")
    }
}

fn made(out: &mut String, report: &Report) -> Result {
    let about = &report.about;
    writeln!(out, "<section>\n<h2>How it was made</h2>")?;
    let encodings = about.encodings.iter().map(|encoding| {
        let diffused = if encoding.diffused { ", diffused" } else { "" };
        format!("{} ({}{diffused})", encoding.name, encoding.fields.join(", "))
    });
    let encodings: Vec<String> = encodings.collect();
    let match_keys = if about.match_keys.is_empty() { "none".to_owned() } else { about.match_keys.join(", ") };
    let suppressed =
        if about.suppress_below > 1 { format!("below {}", about.suppress_below) } else { "none".to_owned() };
    table(out, &["What", "Value"], |out| {
        for (name, value) in [
            ("Schema fingerprint", &about.fingerprint),
            ("Key check", &about.key_check),
            ("Program", &about.tool),
            ("Threshold in the schema", &about.threshold),
            ("Assignment", &about.assignment.to_owned()),
            ("Solver", &about.solver.to_owned()),
            ("Encodings", &encodings.join("; ")),
            ("Match keys", &match_keys),
            ("Pairs known to be one person", &number(about.known)),
            ("Pairs not to be linked", &number(about.forbidden)),
            ("Counts not shown", &suppressed),
        ] {
            writeln!(out, "<tr><td>{name}</td><td class=\"value\">{}</td></tr>", escaped(value))?;
        }
        Ok(())
    })?;
    writeln!(out, "</section>")
}

/// A count with its thousands apart.
fn number(count: Counted) -> String {
    let digits = count.to_string();
    let (sign, digits) = digits.split_at(usize::from(digits.starts_with('<')));
    sign.to_owned() + &thousands(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        let shown = [Counted::Exactly(0), Counted::Exactly(999), Counted::Exactly(1_234_567), Counted::Below(1280)];
        assert_eq!(shown.map(number), ["0", "999", "1,234,567", "<1,280"]);
    }
}
