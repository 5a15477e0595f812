//! The risk report: its shape, its verdict, the page, and that no value of a record is in any of it.
#![cfg(feature = "audit")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    reason = "a test that panics has said what is wrong"
)]

#[path = "helpers/helpers.rs"]
mod helpers;

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use helpers::{CLK, date, encoder, files_in, record, word};
use pprl::audit::{Audit, RiskReport, Verdict, Weight};
use pprl::schema::Date;
use pprl::{ErrorKind, Record, Schema};
use serde_json::Value;

/// The test's schema with a harmless, diffused encoding, and one match key.
fn guarded() -> Schema {
    let text = CLK
        .replace("length = 1024\ndiffusion = 0", "length = 1024\ndiffusion = 12\noutput = 1024")
        .replace("[privacy]\naccept_risk = \"invented people in a test\"\n", "")
        .replace(
            "[linkage]",
            "[[match_key]]\nname = \"person\"\nfields = [\"forename\", \"surname\", \"date_of_birth\"]\n[linkage]",
        );
    Schema::from_toml(&text).unwrap()
}

fn people(count: usize) -> Vec<Record> {
    (0..count).map(|i| record(format!("ID{}", word(i)), &[&word(i), &word(i + 7919), &date(i)])).collect()
}

fn audited(schema: &Schema, people: &[Record], audit: &Audit) -> RiskReport {
    let encoded = encoder(schema, "police", 1).encode(people).unwrap();
    audit.run(schema, people, &encoded).unwrap()
}

fn audit() -> Audit {
    Audit::new().seed(3).quick(true).floor(50).date(Date::new(2026, 1, 31).unwrap())
}

fn json(report: &RiskReport) -> Value {
    serde_json::from_str(&report.to_json()).unwrap()
}

#[test]
fn the_json_says_verdict_and_gates() {
    let report = audited(&guarded(), &people(300), &audit());
    let json = json(&report);
    let gates = json["gates"].as_array().unwrap();
    assert!(!gates.is_empty());
    for gate in gates {
        let id = gate["id"].as_str().unwrap();
        assert!(id.starts_with('A') && gate["passed"].is_boolean(), "{gate}");
        assert!(gate["value"].is_number() || gate["value"].is_null(), "{gate}");
        assert!(gate["limit"].is_number() || gate["limit"].is_null(), "{gate}");
    }
    let failed = |gate: &Value| gate["weight"] == "must" && gate["passed"] == false;
    assert_eq!(json["verdict"], if gates.iter().any(failed) { "fail" } else { "pass" });
    let configuration = &json["configuration"];
    assert_eq!(configuration["fingerprint"], guarded().fingerprint());
    assert_eq!((&configuration["project"], &configuration["party"]), (&"test-clk".into(), &"police".into()));
    assert_eq!(configuration["encodings"][0]["diffusion"], 12);
    assert_eq!(configuration["encodings"][0]["fields"][2], serde_json::json!(["date_of_birth", 80]));
    assert_eq!(configuration["match_keys"][0]["fields"][1], "surname");
    assert_eq!((&json["conditions"]["rows"], &json["conditions"]["seed"]), (&300.into(), &3.into()));
    assert_eq!(json["conditions"]["date"], "2026-01-31");
    assert!(json["conditions"].get("seconds").is_none(), "the same file gives the same bytes");
    for attacker in json["attackers"].as_array().unwrap() {
        let (named, targets) = (attacker["named"].as_f64().unwrap(), attacker["targets"].as_f64().unwrap());
        assert!((attacker["share"].as_f64().unwrap() - named / targets).abs() < 1e-12, "{attacker}");
        assert_eq!(attacker["interval"].as_array().unwrap().len(), 2);
    }
}

/// A plain filter of people who are all different is open to whoever knows a few of them, reason or no reason.
#[test]
fn a_plain_filter_fails_with_a_reason_too() {
    let report = audited(&helpers::clk(), &people(600), &audit());
    assert_eq!((report.verdict(), report.passed()), (Verdict::Fail, false));
    assert_eq!(report.accepted(), Some("invented people in a test"));
    assert!(report.gates().iter().any(|gate| gate.weight == Weight::Must && !gate.passed));
    assert!(report.attackers().iter().any(|attacker| attacker.share > 0.5), "{:?}", report.attackers());
    assert!(!report.groups().is_empty());
    let text = report.to_string();
    assert!(text.starts_with("FAIL: ") && text.contains("\nnot kept:\n"), "{text}");
    assert!(text.contains("risks accepted because invented people in a test"), "{text}");
    let html = report.to_html();
    assert!(html.contains("<p class=\"verdict broken\"><b>Fail</b>"), "{html}");
    assert!(html.contains("The parties accept that because: invented people in a test."), "{html}");
}

/// Files so small that no attack fits have a report too.
#[test]
fn small_files_have_a_report() {
    for rows in [0, 1, 2, 25] {
        let report = audited(&guarded(), &people(rows), &audit());
        assert_eq!(report.conditions().rows, rows);
        assert_eq!(report.verdict(), Verdict::Fail, "{rows} rows are below the floor");
        assert!(!report.to_html().contains("NaN") && !report.to_string().contains("NaN"));
    }
}

#[test]
fn the_page_says_what_it_must() {
    let html = audited(&guarded(), &people(300), &audit()).to_html();
    for text in [
        "pseudonymised personal data",
        "no value of a record is in this report",
        "The linkage unit and a data owner working together",
        "lower bounds",
        "Data Protection Act 2018, section 171",
        "section 172",
        guarded().fingerprint(),
        "2026-01-31",
    ] {
        assert!(html.contains(text), "the page lacks {text:?}");
    }
    assert!(!html.to_lowercase().contains("anonym"));
    for text in ["<script", "http", "url(", "@import", "src=", "onload", "<link", "<iframe"] {
        assert!(!html.contains(text), "the page has {text:?}");
    }
    for (from, to) in [("<svg", "</svg>"), ("<table", "</table>"), ("<section", "</section>"), ("<tr", "</tr>")] {
        assert_eq!(html.matches(from).count(), html.matches(to).count(), "{from}");
    }
    let charts = html.matches("<svg").count();
    assert!(charts >= 2);
    assert_eq!(html.matches("<desc>").count(), charts, "every chart says what it shows");
    assert_eq!(html.matches("<table>").count(), html.matches("<caption>").count());
}

#[test]
fn the_schemas_words_are_escaped() {
    let text = CLK
        .replace("purpose = \"Testing\"", "purpose = \"<script>alert('p')</script>\"")
        .replace("invented people in a test", "<img src=x onerror=alert(1)>");
    let schema = Schema::from_toml(&text).unwrap();
    let html = audited(&schema, &people(60), &audit()).to_html();
    assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
    assert!(html.contains("<p>&lt;script&gt;alert(&#39;p&#39;)&lt;/script&gt;</p>"));
    assert!(html.contains("&lt;img src=x onerror=alert(1)&gt;"));
}

/// Whatever is in the records (names, dates, own ids), no form of it is in anything that a report says.
#[test]
fn no_value_of_a_record_is_in_it() {
    let people = people(200);
    let schema = helpers::clk();
    let encoded = encoder(&schema, "police", 1).encode(&people).unwrap();
    let report = audit().run(&schema, &people, &encoded).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = report.write(folder.path()).unwrap();
    let mut said = format!("{report}\n{report:?}\n{report:#?}\n");
    said += &fs::read_to_string(files.json).unwrap();
    said += &fs::read_to_string(files.html).unwrap();
    let said = said.to_lowercase();
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |out, byte| out + &format!("{byte:02x}"));
    for person in &people {
        for value in person.values().iter().map(String::as_str).chain([person.id()]) {
            let value = value.to_lowercase();
            for form in [value.clone(), hex(value.as_bytes()), STANDARD.encode(&value).to_lowercase()] {
                assert!(!said.contains(form.trim_end_matches('=')), "{form} is in the report");
            }
        }
    }
    for (row, _) in encoded.row_map.entries() {
        assert!(!said.contains(&hex(&row.0)), "a row id is in the report");
    }
}

#[test]
fn the_same_every_time() {
    let (schema, people) = (guarded(), people(300));
    let one = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let report = pool.install(|| audited(&schema, &people, &audit()));
        (report.to_json(), report.to_html(), report.to_string())
    };
    let (a, b) = (one(1), one(3));
    assert_eq!(a, b);
    let other = audited(&schema, &people, &audit().seed(4));
    assert_ne!(other.to_json(), a.0, "the seed is in it");
}

#[test]
fn files_are_written_whole_or_not_at_all() {
    let report = audited(&guarded(), &people(100), &audit());
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new").join("report");
    let files = report.write(&out).unwrap();
    assert_eq!(files_in(&out).into_iter().collect::<Vec<_>>(), ["risk-report.html", "risk-report.json"]);
    assert_eq!(fs::read_to_string(&files.html).unwrap(), report.to_html());
    assert_eq!(fs::read_to_string(&files.json).unwrap(), report.to_json() + "\n");
    // A later audit replaces both.
    let later = audited(&guarded(), &people(101), &audit());
    later.write(&out).unwrap();
    assert_eq!(fs::read_to_string(&files.json).unwrap(), later.to_json() + "\n");
    // Where the JSON cannot be written, there is no page either, and what was there stays.
    let taken = folder.path().join("taken");
    fs::create_dir_all(taken.join("risk-report.json")).unwrap();
    assert!(matches!(report.write(&taken).unwrap_err().kind(), ErrorKind::Io { .. }));
    assert!(taken.join("risk-report.json").is_dir());
    assert_eq!(files_in(&taken).into_iter().collect::<Vec<_>>(), ["risk-report.json"]);
    // A file is no folder.
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(matches!(report.write(folder.path().join("file")).unwrap_err().kind(), ErrorKind::Io { .. }));
}
