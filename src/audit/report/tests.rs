//! Reports made by hand: what the verdict depends on, what is drawn, and that nothing can break out of the page.

use super::super::{Leak, Named};
use super::*;
use crate::{Encoder, ProjectKey, Record};

fn report() -> RiskReport {
    let schema = Schema::uk_person();
    let people: Vec<Record> = (0..3).map(|i| Record::new(i.to_string(), vec![String::new(); 7])).collect();
    let encoder = Encoder::new(&schema, &ProjectKey::from_bytes([1; 32]), "police").unwrap();
    let encoded = encoder.seed([2; 32]).encode(&people).unwrap();
    RiskReport::new(&schema, &encoded.cohort, 7, Date::new(2026, 1, 31))
}

fn attackers() -> Vec<Attacker> {
    let named = |named, targets| Named { targets, named };
    vec![
        Attacker::new(Attack::Likelihood, 100, named(10, 1_000)).limit(0.05),
        Attacker::new(Attack::Graph, 0, named(0, 4_000)).overlap(1.0).limit(0.01),
        Attacker::new(Attack::Graph, 100, named(3, 1_000)).overlap(0.25).on(Sample::Random).limit(0.01),
        Attacker::new(Attack::Graph, 100, named(900, 1_000)).overlap(0.5).on(Sample::Dense).limit(0.01),
        Attacker::new(Attack::Likelihood, 100, named(9, 1_000)).on(Sample::Dense).limit(0.05),
    ]
}

#[test]
fn only_gates_that_must_hold_decide() {
    let mut report = report();
    assert_eq!((report.verdict(), report.passed()), (Verdict::Pass, true));
    assert!(report.to_string().starts_with("PASS: nothing was measured that must hold\n"), "{report}");
    report.gates.push(Gate::must("A1.gini", "Skew", 0.05, 0.05));
    report.gates.push(Gate::warning("A1.z", "Bits", 9.0, 4.0));
    report.gates.push(Gate::information("A8.seconds", "Time", 1e6));
    assert_eq!(report.verdict(), Verdict::Pass, "a figure may be as large as its limit");
    assert!(report.to_string().starts_with("PASS: the one limit that must hold is kept; 1 warning\n"), "{report}");
    report.gates.push(Gate::must("A5.ridge", "Known people", 0.0501, 0.05));
    assert_eq!((report.verdict(), report.passed()), (Verdict::Fail, false));
    report.accepted = Some("because".into());
    assert_eq!(report.verdict(), Verdict::Fail, "a risk that is accepted is there all the same");
    let text = report.to_string();
    assert!(text.starts_with("FAIL: 1 of 2 limits that must hold is not kept; 1 warning\n"), "{text}");
    let (ridge, bits) = (text.find("A5.ridge").unwrap(), text.find("A1.z").unwrap());
    assert!(ridge < bits, "what decides stands first: {text}");
    let failed: Vec<&str> = report.failed().map(|gate| gate.id.as_str()).collect();
    assert_eq!(failed, ["A5.ridge", "A1.z"]);
}

#[test]
fn what_was_not_measured_does_not_pass() {
    let mut report = report();
    report.gates.push(Gate::must("A3.tail", "Likeness", f64::NAN, 0.3));
    assert_eq!(report.verdict(), Verdict::Fail);
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert!(json["gates"][0]["value"].is_null() && json["gates"][0]["passed"] == false);
    let html = report.to_html();
    assert!(html.contains("not measured of 0.3"), "{html}");
    assert!(!html.contains("NaN") && !html.contains("inf "), "{html}");
}

#[test]
fn the_strongest_of_each_kind_is_shown() {
    let mut report = report();
    report.attackers = attackers();
    let shown: Vec<_> = report.strongest().iter().map(|a| (a.known, a.attack, a.found.named)).collect();
    let expected = [(0, Attack::Graph, 0), (100, Attack::Graph, 900), (100, Attack::Likelihood, 10)];
    assert_eq!(shown, expected);
    let html = report.to_html();
    assert!(html.contains("who knows 100 people and their rows beforehand, named 900 of 1,000 people: <b>90.0 %</b>"));
    assert!(html.contains(">Knows nobody</text>") && html.contains(">90.0 %, above</text>"), "{html}");
    assert_eq!(html.matches("<circle").count(), 0);
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["attackers"].as_array().unwrap().len(), 5, "the JSON has all of them");
    let graph = &json["attackers"][3];
    assert_eq!(graph["attack"], "graph");
    assert_eq!(graph["sample"], "dense");
    assert_eq!((graph["targets"].as_u64(), graph["named"].as_u64()), (Some(1_000), Some(900)));
    assert_eq!((graph["share"].as_f64(), graph["overlap"].as_f64()), (Some(0.9), Some(0.5)));
    assert!(json["attackers"][0]["overlap"].is_null());
}

#[test]
fn groups_are_beside_all() {
    let named = |named, targets| Named { targets, named };
    let leak = Leak {
        known: 5,
        listed: 30,
        all: named(6, 30),
        by_name_length: [("2", named(4, 10)), ("3", named(2, 20))].into(),
        by_missing: [("0 missing", named(6, 30)), ("1 missing", named(0, 0))].into(),
        by_commonness: std::collections::BTreeMap::new(),
        by_relatives: std::collections::BTreeMap::new(),
        mean_dice: 0.5,
        seeds: vec![1],
    };
    let groups = Group::of(&leak);
    let shown: Vec<_> = groups.iter().map(|g| (g.by.as_str(), g.group.as_str(), g.times)).collect();
    let expected =
        [("name length", "2", Some(2.0)), ("name length", "3", Some(0.5)), ("missing fields", "0 missing", Some(1.0))];
    assert_eq!(shown, expected, "groups without people are not shown");
    assert_eq!(Group::new("x", "y", named(0, 5), 0.0).times, None);
    let mut report = report();
    report.groups = groups;
    let html = report.to_html();
    assert_eq!(html.matches("<circle").count(), 3);
    assert_eq!(html.matches(">By name length</text>").count(), 1);
}

#[test]
fn nothing_breaks_out_of_the_page() {
    let evil = "</td><script>alert('1')</script>\"&";
    let mut report = report();
    report.accepted = Some(evil.into());
    let mut gate = Gate::must(evil, evil, 2.0, 1.0).with(evil, evil);
    gate.details.insert("list".into(), vec![1, 2].into());
    report.gates.push(gate);
    report.groups.push(Group::new(evil, evil, Named { targets: 2, named: 1 }, 0.5));
    report.histograms.push(Histogram {
        title: evil.into(),
        axis: evil.into(),
        bins: vec![(0.0, 1.0, 3), (1.0, 2.0, 0)],
    });
    for text in [
        &mut report.configuration.project,
        &mut report.configuration.purpose,
        &mut report.configuration.party,
        &mut report.configuration.expires,
        &mut report.configuration.fingerprint,
        &mut report.configuration.encodings[0].name,
        &mut report.configuration.match_keys[0].name,
        &mut report.conditions.tool,
    ] {
        *text = evil.into();
    }
    report.configuration.risks.push(evil.into());
    let html = report.to_html();
    assert!(!html.contains("<script") && !html.contains("alert('1')"), "{html}");
    assert!(html.matches("&lt;/td&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;").count() > 15);
}

#[test]
fn figures_have_as_many_digits_as_they_need() {
    let cases = [
        (0.0, "0"),
        (3.0, "3"),
        (12_345.0, "12,345"),
        (-12_345.0, "-12345"),
        (0.05, "0.05"),
        (0.012_345, "0.01235"),
        (2.0 / 3.0, "0.6667"),
        (1234.5678, "1235"),
        (0.000_01, "1.0e-5"),
        (f64::INFINITY, "not measured"),
    ];
    for (value, text) in cases {
        assert_eq!(shown(value), text);
    }
}

/// The time that an audit takes is on the terminal only: the files are the same every time.
#[test]
fn time_is_not_in_the_files() {
    let mut timed = report();
    let (json, html) = (timed.to_json(), timed.to_html());
    timed.conditions.seconds = Some(4_321.0);
    assert_eq!((timed.to_json(), timed.to_html()), (json, html));
    assert!(timed.to_string().contains("4321 s"));
}
