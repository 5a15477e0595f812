//! The report: nothing of any row, no small number, whole HTML, the same bytes; match rates of groups.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(all(feature = "owner", feature = "linkage"))]

#[path = "helpers/helpers.rs"]
mod helpers;

use std::fs;
use std::ops::Range;

use helpers::{CLK, clk, date, encoder, record, says_but_not, word};
use pprl::linkage::{Constraints, Groups, MOST_GROUPS, MatchRate, Origin};
use pprl::{Cohort, ErrorKind, Linker, Links, Record, Schema};
use serde_json::Value;

/// A threshold by hand; one filter, one for each field, and diffused, without.
fn schemas(suppress_below: u32) -> Vec<Schema> {
    let clk = CLK.replace("suppress_below = 0", &format!("suppress_below = {suppress_below}"));
    let automatic = clk.replace("threshold = 0.75", "threshold = \"automatic\"");
    let (before, after) = (automatic.find("[[encoding]]").unwrap(), automatic.find("[linkage]").unwrap());
    let field = |name: &str| {
        format!("[[encoding]]\nname = \"{name}\"\nlength = 128\ndiffusion = 0\nfields = {{ {name} = 45 }}\n")
    };
    let fields = ["forename", "surname", "date_of_birth"].map(field).concat();
    let fields = format!("{}{fields}{}", &automatic[..before], &automatic[after..]);
    let diffused = automatic
        .replace("length = 1024\ndiffusion = 0", "length = 1024\ndiffusion = 11\noutput = 1024")
        .replace("[privacy]\naccept_risk = \"invented people in a test\"\n", "");
    [clk, automatic, fields, diffused].iter().map(|text| Schema::from_toml(text).unwrap()).collect()
}

fn people(range: Range<usize>) -> Vec<Record> {
    range.map(|i| record(i, &[&word(i), if i % 7 == 0 { "" } else { "smith" }, &date(i)])).collect()
}

fn cohort(schema: &Schema, party: &str, range: Range<usize>) -> Cohort {
    encoder(schema, party, 1).encode(&people(range)).unwrap().cohort
}

fn linked(schema: &Schema, a: Range<usize>, b: Range<usize>) -> Links {
    let (a, b) = (cohort(schema, "police", a), cohort(schema, "school", b));
    Linker::new(schema).seed([5; 32]).link(&[&a, &b]).unwrap()
}

/// Whether every tag is closed where it must be; and that the page is whole in itself.
#[track_caller]
fn whole(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html.strip_prefix("<!DOCTYPE html>").expect("begins with the type of document");
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "an end without a beginning: {}", &rest[..start]);
        let end = start + rest[start..].find('>').expect("tags end");
        let tag = &rest[start + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "<{tag}>");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "<{tag}>");
        } else if !tag.ends_with('/') && name != "meta" {
            open.push(name);
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?} not closed");
    for not in ["NaN", "inf", "<script", "http", "url(", "@import", "src=", "href=", "width=\"-", "height=\"-"] {
        let at = html.find(not).map(|at| &html[at.saturating_sub(60)..(at + 60).min(html.len())]);
        assert!(at.is_none(), "{not}: {at:?}");
    }
}

#[test]
fn the_check_of_tags_finds_faults() {
    for wrong in ["<p>", "<p></b>", "<p></p></p>", "<p title=\"a>\"></p>", "<p>></p>"] {
        let page = format!("<!DOCTYPE html>{wrong}");
        assert!(std::panic::catch_unwind(|| whole(&page)).is_err(), "{wrong}");
    }
    whole("<!DOCTYPE html><p>1 &lt; 2 <rect/></p>");
}

#[test]
fn pages_are_whole_whatever_was_linked() {
    for schema in schemas(10) {
        let nobody = |party| {
            let rows: Vec<Record> = (0..20).map(|i| record(i, &["", "", ""])).collect();
            encoder(&schema, party, 1).encode(&rows).unwrap().cohort
        };
        for (a, b) in [(0..0, 0..0), (0..1, 0..0), (0..1, 0..1), (0..40, 100..150), (0..60, 20..90)] {
            let links = linked(&schema, a, b);
            whole(&links.report().to_html());
            serde_json::from_str::<Value>(&links.report().to_json()).unwrap();
        }
        let report = Linker::new(&schema).link(&[&nobody("police"), &nobody("school")]).unwrap().report();
        whole(&report.to_html());
        for rows in [0, 1, 50] {
            whole(&Linker::new(&schema).deduplicate(&cohort(&schema, "care", 0..rows)).unwrap().report().to_html());
        }
    }
}

#[test]
fn every_chart_is_there_where_weights_are_learned() {
    let [by_hand, _, fields, diffused] = &schemas(0)[..] else { unreachable!() };
    let learned = [
        "How well rows of police find a partner",
        "Rows that stay unlinked, by threshold",
        "How often matches and strangers agree",
        "What each level is worth",
    ];
    let html = linked(fields, 0..60, 20..90).report().to_html();
    for heading in learned.iter().chain(&["The most frequent patterns", "Share of rows that have a field", "Recall"]) {
        assert!(html.contains(heading), "{heading}");
    }
    assert!(html.contains(fields.fingerprint()) && html.contains(env!("CARGO_PKG_VERSION")));
    assert!(html.contains("as likely as not one person") && html.contains("strangers inside the files look like"));
    assert!(html.contains("9 missing"), "of 60 rows nine have no surname");

    let html = linked(by_hand, 0..60, 20..90).report().to_html();
    assert!(html.contains("set by hand in the schema") && html.contains("Links by score"));
    assert!(html.contains("That is not known here") && !learned.iter().any(|heading| html.contains(heading)));
    let html = linked(diffused, 0..60, 20..90).report().to_html();
    assert!(html.contains("That is not known here") && html.contains("What each level is worth"));

    let within = Linker::new(diffused).deduplicate(&cohort(diffused, "care", 0..50)).unwrap();
    assert_eq!(within.summary().pairs[0].origin, Origin::Chance);
    assert!(within.report().to_html().contains("would reach by chance"));
    assert!(within.summary().to_string().contains("would reach by chance"));
}

#[test]
fn no_row_is_in_a_report() {
    let schema = &schemas(0)[2];
    let (a, b) = (cohort(schema, "police", 0..60), cohort(schema, "school", 20..90));
    let links = Linker::new(schema).link(&[&a, &b]).unwrap();
    assert!(links.links().len() >= 30, "there is something to hide");
    let shown = links.report().to_html() + &links.report().to_json() + &format!("{:?}", links.report());
    for id in a.row_ids().iter().chain(b.row_ids()) {
        assert!(!shown.contains(&id.to_string()));
    }
    let study = links.study_table();
    for id in study.iter().flat_map(|(study, _, link)| [study, link]) {
        assert!(!shown.contains(&id.to_string()));
    }
    for cohort in [&a, &b] {
        assert!(!shown.contains(&cohort.manifest().sha256), "a digest of rows is a value of rows");
    }
    for i in 0..90 {
        assert!(!shown.contains(&word(i)));
    }
}

#[test]
fn the_same_links_give_the_same_bytes() {
    for schema in schemas(10) {
        let report = || linked(&schema, 0..60, 20..90).report();
        let (one, two) = (report(), report());
        assert_eq!(one.to_html(), two.to_html());
        assert_eq!(one.to_json(), two.to_json());
    }
    let folder = tempfile::tempdir().unwrap();
    let report = linked(&clk(), 0..60, 20..90).report();
    report.write_html(folder.path().join("r.html")).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("r.html")).unwrap(), report.to_html());
    assert_eq!(helpers::files_in(folder.path()).len(), 1);
}

// ---- Small numbers ---------------------------------------------------------------------------------------------------

/// All counts in a report, with where they are. What is no count of rows, links or pairs is left out by name.
fn counts(value: &Value, place: &str, found: &mut Vec<(String, u64)>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if !["suppress_below", "too_large", "threshold", "unlinkable", "precision", "rate"]
                    .contains(&key.as_str())
                {
                    counts(value, &format!("{place}.{key}"), found);
                }
            }
        }
        // Pairs of a number and what is counted there: bins, and clusters by the number of parties.
        Value::Array(list) if list.len() == 2 && list[0].is_number() => counts(&list[1], place, found),
        Value::Array(list) => list.iter().for_each(|value| counts(value, place, found)),
        Value::Number(number) => found.extend(number.as_u64().map(|count| (place.to_owned(), count))),
        _ => {}
    }
}

/// What tables and bars of a page say, where it is a whole number.
fn numbers(html: &str) -> Vec<u64> {
    let whole = |text: &str| text.replace(',', "").parse::<u64>().ok();
    let cells = html.split("<td class=\"number\">").skip(1).filter_map(|rest| whole(rest.split('<').next()?));
    let bars = html
        .split("<title>")
        .skip(2)
        .filter_map(|rest| whole(rest.split("</title>").next()?.rsplit_once(": ")?.1.split(' ').next()?));
    let missing = html.split(" missing</text>").filter_map(|before| whole(before.rsplit('>').next()?));
    cells.chain(bars).chain(missing).collect()
}

#[test]
fn no_small_number_is_in_a_report() {
    for schema in schemas(10) {
        for (a, b) in [(0..9, 0..30), (0..60, 53..90), (0..60, 3..90), (0..100, 40..140), (0..11, 0..11)] {
            let what = format!("{a:?} {b:?}");
            let (police, school) = (cohort(&schema, "police", a), cohort(&schema, "school", b));
            let links = Linker::new(&schema).link(&[&police, &school]).unwrap();
            let known = links.links().first().map(|link| (links.row_id(link.a), links.row_id(link.b)));
            let mut linker = Linker::new(&schema);
            if let Some((a, b)) = known {
                linker = linker.known(Constraints::new().pair(("police", a), ("school", b)));
            }
            let report = linker.link(&[&police, &school]).unwrap().report();
            let mut found = Vec::new();
            counts(&serde_json::from_str(&report.to_json()).unwrap(), "", &mut found);
            assert!(found.len() > 8, "{found:?}");
            for (place, count) in found {
                assert!(count == 0 || count >= 10, "{what}: {place} is {count}");
            }
            let found = numbers(&report.to_html());
            assert!(!found.is_empty());
            assert!(found.iter().all(|&count| count == 0 || count >= 10), "{what}: {found:?}");
            whole(&report.to_html());
        }
    }
    // The search finds small numbers where they are not hidden.
    let report = linked(&schemas(0)[2], 0..9, 0..30).report();
    let mut found = Vec::new();
    counts(&serde_json::from_str(&report.to_json()).unwrap(), "", &mut found);
    assert!(found.iter().any(|(_, count)| *count == 9));
    assert!(numbers(&report.to_html()).iter().any(|&count| (1..10).contains(&count)));
}

/// Three of 60 rows have no partner: nothing that adds up to 57 may be shown beside the 60.
#[test]
fn few_rows_without_a_partner_cannot_be_worked_out() {
    for schema in schemas(10) {
        let links = linked(&schema, 3..63, 0..60);
        let found = links.links().len() as u64;
        if !(51..60).contains(&found) {
            continue;
        }
        let report: Value = serde_json::from_str(&links.report().to_json()).unwrap();
        let pair = &report["pairs"][0];
        assert_eq!(report["parties"][0]["rows"], 60);
        for hidden in [&report["parties"][0]["linked"], &pair["links"], &report["clusters"][0][1]] {
            assert!(hidden.is_string(), "{found} of 60 can be had from {hidden}");
        }
        let bins = |bins: &Value| -> Option<u64> { bins.as_array()?.iter().map(|bin| bin[1].as_u64()).sum() };
        assert_ne!(bins(&pair["scores"]), Some(found), "the links' scores add up to all links");
        assert!(links.summary().to_string().contains("<60 linked"), "{}", links.summary());
        let summary = links.summary().to_string();
        assert!(!summary.contains(&format!("{found} ")), "{summary}");
    }
}

// ---- Groups ----------------------------------------------------------------------------------------------------------

/// A table of groups of the police's rows: of the row in each place.
fn table(cohort: &Cohort, group: impl Fn(usize) -> Option<&'static str>) -> (tempfile::TempDir, Groups) {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = cohort
        .row_ids()
        .iter()
        .enumerate()
        .filter_map(|(place, id)| Some(format!("{id},{}\r\n", group(place)?)))
        .collect();
    fs::write(folder.path().join("groups.csv"), format!("\u{feff}row_id,group\r\n{rows}")).unwrap();
    let groups = Groups::read_csv(folder.path().join("groups.csv")).unwrap();
    (folder, groups)
}

#[test]
fn match_rates_are_those_of_the_rows() {
    let schema = &schemas(10)[0];
    let (a, b) = (cohort(schema, "police", 0..120), cohort(schema, "school", 60..200));
    let links = Linker::new(schema).link(&[&a, &b]).unwrap();
    let (_folder, groups) = table(&a, |place| match place {
        0..40 => Some("north"),
        40..80 => Some("<i>south</i>"),
        80..90 => Some("\"\""),
        _ => None,
    });
    let rates = links.match_rates("police", &groups).unwrap();
    let names: Vec<&str> = rates.iter().map(|rate| rate.group.as_str()).collect();
    assert_eq!(names, ["<i>south</i>", "north", "(no group told)"]);
    let places = |group: usize| -> Vec<usize> {
        (0..120).filter(|&place| [(40..80), (0..40), (80..120)][group].contains(&place)).collect()
    };
    for (group, MatchRate { rows, linked, rate, .. }) in rates.iter().enumerate() {
        let of_group = places(group);
        let truth = links.links().iter().filter(|link| of_group.contains(&(link.a.row as usize))).count() as u64;
        assert_eq!(rows.exact(), Some(40));
        assert!((10..31).contains(&truth), "the test is about groups that can be shown");
        assert_eq!(*linked, Some(truth));
        let rate = rate.unwrap();
        assert!((rate.value - truth as f64 / 40.0).abs() < 1e-9 && rate.low < rate.value && rate.value < rate.high);
    }
    let report = links.report().with_groups(&links, "police", &groups).unwrap();
    let html = report.to_html();
    whole(&html);
    assert!(html.contains("Who of police is linked, by group") && html.contains("&lt;i&gt;south&lt;/i&gt;"));
    assert!(!html.contains("<i>") && report.to_json().contains("(no group told)"));
    assert_eq!(format!("{groups:?}"), "Groups(90 rows in 3 groups)");
    assert!(links.match_rates("courts", &groups).is_err());
    assert!(matches!(links.match_rates("school", &groups).unwrap_err().kind(), ErrorKind::Rows { total: 90, .. }));
    assert!(groups.check(&a).is_ok() && groups.check(&b).is_err());
}

/// A group of which three are not linked: neither its rate nor those of the others tell.
#[test]
fn rates_of_small_groups_are_hidden_with_company() {
    let schema = &schemas(10)[0];
    let apart = |party, range: Range<usize>| {
        let rows: Vec<Record> = range.map(|i| record(i, &[&word(i), &word(i + 1000), &date(i)])).collect();
        encoder(schema, party, 1).encode(&rows).unwrap()
    };
    let (a, b) = (apart("police", 0..120), apart("school", 60..200).cohort);
    let links = Linker::new(schema).link(&[&a.cohort, &b]).unwrap();
    let own = a.row_map.to_map();
    let number = |place: usize| own[&a.cohort.row_ids()[place]].parse::<usize>().unwrap();
    let (_folder, groups) = table(&a.cohort, |place| match number(place) {
        57..80 => Some("mostly"),
        30..57 | 80..110 => Some("half"),
        _ => Some("few"),
    });
    let rates = links.match_rates("police", &groups).unwrap();
    let truth = links.links().len();
    assert_eq!(truth, 60);
    let hidden: Vec<&str> = rates.iter().filter(|rate| rate.linked.is_none()).map(|rate| rate.group.as_str()).collect();
    assert!(hidden.len() >= 2 && hidden.contains(&"mostly"), "{rates:?}");
    assert!(rates.iter().all(|rate| rate.rate.is_some() == rate.linked.is_some()));
    let html = links.report().with_groups(&links, "police", &groups).unwrap().to_html();
    assert!(!html.contains("87.0 %"), "20 of 23 is a rate that tells");
    whole(&html);
}

#[test]
fn wrong_tables_of_groups_say_where_and_not_what() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("groups.csv");
    let id = |n: usize| format!("{n:032x}");
    let long = "x".repeat(61);
    for (content, says) in [
        (String::new(), "must have the columns row_id and group"),
        ("group,row_id\n".into(), "must have the columns row_id and group"),
        (format!("row_id,group\n{},n\nCANARY,n\n", id(1)), "line 3"),
        (format!("row_id,group\n{},CANARY\n{},n\n", id(1), id(1)), "was there before"),
        (format!("row_id,group\n{}\n", id(1)), "does not have two columns"),
        (format!("row_id,group\n{},CANARY{long}\n", id(1)), "too long"),
        (format!("row_id,group\n{},CANARY\u{7}\n", id(1)), "control characters"),
        (
            (0..=MOST_GROUPS).fold("row_id,group\n".to_owned(), |all, n| all + &format!("{},CANARY{n}\n", id(n))),
            "more than 50 groups",
        ),
    ] {
        fs::write(&path, content).unwrap();
        says_but_not(&Groups::read_csv(&path).unwrap_err(), &["groups.csv", says], &["canary", &id(1)]);
    }
    fs::write(&path, b"row_id,group\n\xff,CANARY\n").unwrap();
    says_but_not(&Groups::read_csv(&path).unwrap_err(), &["groups.csv", "UTF-8"], &["canary"]);
    assert!(matches!(Groups::read_csv(folder.path().join("none")).unwrap_err().kind(), ErrorKind::Io { .. }));
}

#[test]
fn what_a_schema_says_is_escaped() {
    let text = CLK.replace("purpose = \"Testing\"", "purpose = \"<script>alert('a & b')</script>\"");
    let html = linked(&Schema::from_toml(&text).unwrap(), 0..20, 5..30).report().to_html();
    whole(&html);
    assert!(html.contains("&lt;script&gt;alert(&#39;a &amp; b&#39;)&lt;/script&gt;"));
}
