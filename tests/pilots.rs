//! The pilots against the truth: recognition, need to know, distinct children, a referral list, governance.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::float_cmp,
    clippy::needless_pass_by_value,
    clippy::cast_possible_wrap,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(all(feature = "evaluate", feature = "synth"))]

#[path = "../examples/support/command.rs"]
#[allow(dead_code, reason = "the test is no program")]
mod command;
#[path = "../examples/distinct_children/pilot.rs"]
mod distinct;
#[path = "helpers/helpers.rs"]
mod helpers;
#[path = "../examples/support/invented.rs"]
mod invented;
#[path = "../examples/support/people.rs"]
mod people;
#[path = "../examples/recognition/pilot.rs"]
#[allow(dead_code, reason = "the program tells more than the test looks at")]
mod recognition;
#[path = "../examples/referral_list/pilot.rs"]
mod referral;

#[cfg(all(feature = "seal", feature = "audit"))]
#[path = "../examples/governance/pilot.rs"]
#[allow(dead_code, reason = "the program tells more than the test looks at")]
mod governance;
#[path = "pilots/need_to_know.rs"]
mod need_to_know;
#[path = "pilots/roles.rs"]
mod roles;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use pprl::linkage::Distinct;
use pprl::owner::{LeftOut, Verdict};
use pprl::synth::{Adults, AdultsOptions, Agency, Options, Population};
use pprl::{CsvOptions, Encoder, Linker, ProjectKey, Record, Schema};

// ---- S1: recognition ------------------------------------------------------------------------------------------------

fn adults(seed: u64, noise: u32) -> Adults {
    let people = Options { seed, children: 2_500, noise, ..Options::default() };
    Adults::generate(&people, &AdultsOptions { receptions: 200, ..AdultsOptions::default() }).unwrap()
}

#[test]
fn adults_are_found_in_the_carers_of_children() {
    for seed in [1, 2] {
        let (adults, folder) = (adults(seed, 100), tempfile::tempdir().unwrap());
        let recognised = recognition::play(folder.path(), &adults, seed).unwrap();
        assert_eq!(recognised.receptions, 200);
        for found in &recognised.found {
            let (party, pairs) = (found.party, found.pairs);
            // Half of the prison's postcodes are another address, and a third of schools' dates are missing.
            let least = if party == "education" { 0.6 } else { 0.75 };
            assert!(pairs.truth >= 20, "{party}: {pairs:?}");
            assert!(pairs.precision >= 0.93 && pairs.recall >= least, "seed {seed}, {party}: {pairs:?}");
            assert!(found.strangers_linked <= 4, "seed {seed}, {party}: {}", found.strangers_linked);
            let children = found.children;
            assert!(children.right as f64 >= least * children.in_truth as f64, "{party}: {children:?}");
            assert!(children.found - children.right <= 5, "{party}: {children:?}");
            // Parents of several children are found in as many records.
            let several = found.by_family.iter().filter(|(group, _)| **group == "in two records");
            let several = several.map(|(_, quality)| (quality.correct, quality.truth)).next().unwrap();
            assert!(several.0 as f64 >= 0.5 * several.1 as f64, "{party}: {several:?}");
        }
        let [social_care, education] = &recognised.found[..] else { panic!("two systems") };
        assert!(social_care.adults.intersection(&education.adults).count() >= 3, "carers in both systems");

        // What the owners got: their own children and nobody else's, with one link id to an adult.
        for found in &recognised.found {
            let read = |name: &str| fs::read_to_string(folder.path().join(found.party).join(name)).unwrap();
            let own: BTreeSet<String> =
                read("people.csv").lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect();
            let recognised = read("recognised.csv");
            assert!(recognised.starts_with("record_id,role,link_id\n"));
            let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
            for line in recognised.lines().skip(1) {
                let [row, role, id] = line.split(',').collect::<Vec<_>>()[..] else { panic!("three columns") };
                assert!(own.contains(row) && ["carer1", "carer2"].contains(&role));
                ids.entry(id).or_default().insert(row);
            }
            assert!(ids.values().any(|rows| rows.len() >= 2), "brothers and sisters share their parent's id");
            assert!(ids.len() < recognised.lines().count() - 1);
        }
        // The prison got nothing.
        let prison = helpers::files_in(&folder.path().join("prison"));
        let expected = ["people.csv", "prison.rows.csv", "project.key", "quality.txt", "schema.toml"];
        assert_eq!(prison, expected.map(str::to_owned).into());
    }
}

#[test]
fn twins_have_the_same_carers_and_adults_without_children_none() {
    let adults = adults(3, 0);
    let mut twins = 0;
    for agency in recognition::SYSTEMS {
        let mut by_birth: BTreeMap<(&str, &str), Vec<&pprl::synth::ChildRecord>> = BTreeMap::new();
        for record in adults.children(agency) {
            by_birth.entry((&record.child.family_id, &record.child.date_of_birth)).or_default().push(record);
        }
        for pair in by_birth.values().filter(|records| records.len() == 2) {
            twins += 1;
            let mothers =
                pair.iter().filter_map(|record| record.carers.iter().flatten().find(|c| c.sex.starts_with('F')));
            let mothers: BTreeSet<_> = mothers.map(|m| (&m.forename, &m.surname, &m.date_of_birth)).collect();
            // Without errors a mother is written alike, where a date is not missing.
            assert!(mothers.len() <= 2, "{mothers:?}");
            let names: BTreeSet<_> = mothers.iter().map(|m| (m.0, m.1)).collect();
            assert!(names.len() <= 1, "twins have one mother");
        }
    }
    assert!(twins >= 5, "{twins}");
    // Who is received without children here is in nobody's record.
    let named: BTreeSet<&str> = recognition::SYSTEMS
        .iter()
        .flat_map(|&agency| adults.children(agency))
        .flat_map(|record| record.carers.iter().flatten())
        .map(|carer| carer.person_id.as_str())
        .collect();
    let without = adults.receptions().iter().filter(|r| !named.contains(r.person_id.as_str())).count();
    assert!((80..160).contains(&without), "{without} of 200");
    // The same people as the population's: a mother is the parent of that number.
    let options = Options { seed: 3, children: 2_500, noise: 0, ..Options::default() };
    let population = Population::generate(&options).unwrap();
    let parents: BTreeMap<&str, &str> =
        population.parents().iter().map(|p| (p.person_id.as_str(), p.forename.as_str())).collect();
    for record in adults.children(Agency::SocialCare).iter().take(50) {
        for carer in record.carers.iter().flatten() {
            assert_eq!(parents[carer.person_id.as_str()], carer.forename);
        }
    }
    assert_eq!(adults, self::adults(3, 0));
}

// ---- S6: distinct children ------------------------------------------------------------------------------------------

#[test]
fn distinct_children_are_counted_with_an_interval_that_holds() {
    let schema = Schema::from_toml(distinct::SCHEMA).unwrap();
    let trials = distinct::trials(&schema, 1 << 40).unwrap();
    let (mut held, mut errors, mut pooled) = (0, Vec::new(), [0; 3]);
    for seed in 1..=10 {
        let lists = distinct::invent(&schema, seed, 100).unwrap();
        let cohorts = distinct::encode(&schema, &lists, seed).unwrap();
        let counted = distinct::count(&schema, &cohorts).unwrap();
        let rows: usize = lists.lists.iter().map(Vec::len).sum();
        assert_eq!((counted.lists, counted.rows), (10, rows as u64));
        assert!(lists.lists.iter().all(|list| (5..=60).contains(&list.len())));
        let estimate = distinct::estimate(&counted, &trials).unwrap();
        assert!(estimate.low <= estimate.people && estimate.people <= estimate.high);
        // Narrow enough to be of use: far from adding up the lists.
        assert!(estimate.high < rows as f64 * 0.97, "{estimate:?} of {rows} rows");
        held += usize::from((estimate.low..=estimate.high).contains(&(lists.children as f64)));
        errors.push(estimate.people / lists.children as f64 - 1.0);
        let quality = distinct::quality(&schema, &lists, seed).unwrap();
        pooled = [pooled[0] + quality.truth, pooled[1] + quality.links, pooled[2] + quality.correct];
        // Another order of the lists gives the same number.
        let turned: Vec<_> = cohorts.iter().rev().collect();
        let again: Distinct = Linker::new(&schema).distinct(&turned).unwrap();
        assert_eq!(again.people, counted.people);
    }
    // Pairs of rows: in truth, linked, and both.
    let [truth, linked, both] = pooled;
    assert!(truth > 500 && both * 100 > linked * 90 && both * 100 > truth * 90, "{pooled:?}");
    // At 90 %, fewer than seven of ten happens once in eighty.
    assert!(held >= 7, "{held} of 10 intervals held the truth; errors {errors:?}");
    assert!(errors.iter().all(|error| error.abs() < 0.06), "{errors:?}");
}

#[test]
fn small_lists_are_not_sent_without_a_reason_and_repeats_inside_are_found() {
    let schema = Schema::from_toml(distinct::SCHEMA).unwrap();
    let key = ProjectKey::from_bytes([7; 32].map(|b: u8| b.wrapping_mul(31).wrapping_add(5)));
    let lists = distinct::invent(&schema, 1, 0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let encoded = Encoder::new(&schema, &key, "list_01").unwrap().encode(&lists.lists[0]).unwrap();
    let error = encoded.write(folder.path().join("none")).unwrap_err().to_string();
    assert!(error.contains("not released without a reason"), "{error}");

    // Without errors only those who lost nothing and differ in nothing count once: all are found.
    let cohorts = distinct::encode(&schema, &lists, 1).unwrap();
    assert!(cohorts.iter().all(|cohort| cohort.manifest().release_small.as_deref() == Some(distinct::REASON)));
    assert!(lists.repeats_inside >= 3);
    let counted = distinct::count(&schema, &cohorts).unwrap();
    let error = counted.people as f64 / lists.children as f64 - 1.0;
    assert!(error.abs() < 0.02, "{} counted, {} in truth", counted.people, lists.children);
    assert!(Linker::new(&schema).distinct(&[]).is_err());
    assert!(Linker::new(&schema).distinct(&[&cohorts[0], &cohorts[0]]).is_err());
}

// ---- S7: a referral list --------------------------------------------------------------------------------------------

fn request(folder: &std::path::Path) -> referral::Request {
    referral::Request {
        people: folder.join("referrals.csv"),
        schema: folder.join("schema.toml"),
        key: folder.join("project.key"),
        party: "charity".into(),
        csv: CsvOptions::new().id_column("reference").consent("consent", referral::ACCEPTED.split(',')),
        all_agreed: None,
        opt_out: Some(folder.join("optout.list")),
        release_small: None,
        out: Some(folder.join("out")),
        seed: Some([9; 32]),
    }
}

#[test]
fn of_a_referral_list_only_those_who_agreed_leave() {
    let (mut true_pairs, mut found, mut wrong, mut refused) = (0, 0, 0, 0);
    for seed in 1..=6 {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("demo");
        let invented = referral::invent(&folder, seed).unwrap();
        let mut request = request(&folder);
        let prepared = referral::prepare(&request).unwrap();
        assert!(prepared.small && prepared.files.is_none() && !folder.join("out").exists());
        let told = prepared.told(&request).unwrap();
        assert!(told.contains("fewer than 100") && told.contains("--release-small"), "{told}");

        // Who did not say yes is in no file, and who is on the list is not either.
        let own: BTreeSet<&str> = prepared.encoded.row_map.entries().iter().map(|(_, own)| own.as_str()).collect();
        let reference = |row: usize| format!("P{row:07}");
        for (row, consents) in (1..).zip(&invented.consents) {
            let out = !consents || invented.refused.contains(&reference(row));
            assert!(!(out && own.contains(reference(row).as_str())), "row {row}");
            if !out {
                // One in a thousand is left out by mistake; here nobody is, and if somebody were, they would be told.
                let told = &prepared.readiness.rows[row - 1].verdict;
                assert_eq!(own.contains(reference(row).as_str()), *told != Verdict::LeftOut(LeftOut::OptedOut));
            }
            let verdict = &prepared.readiness.rows[row - 1].verdict;
            assert_eq!(*verdict == Verdict::LeftOut(LeftOut::NoConsent), !consents, "row {row}");
        }
        refused += invented.refused.len();
        assert_eq!(prepared.quality.no_consent, invented.consents.iter().filter(|c| !**c).count() as u64);
        assert_eq!(prepared.quality.rows, 37);

        // The report names rows and fields, and nobody.
        let text = fs::read_to_string(&request.people).unwrap();
        for line in text.lines().skip(1) {
            for value in line.split(',').take(6).map(|value| value.trim_matches('"')) {
                let words = told.split(|c: char| !c.is_alphanumeric() && c != '/');
                assert!(
                    value.len() < 3 || value == "UNKNOWN" || !words.into_iter().any(|word| word == value),
                    "{value}"
                );
            }
        }
        for row in &prepared.readiness.rows {
            let values: Vec<&str> =
                text.lines().nth(row.row as usize).unwrap().split(',').map(|v| v.trim_matches('"')).collect();
            for (field, value) in [("date_of_birth", values[3]), ("postcode", values[5])] {
                let missing = value.is_empty() || value == "01/01/1900";
                if missing && !matches!(row.verdict, Verdict::LeftOut(_)) {
                    assert!(row.missing.iter().any(|f| f == field) && row.verdict != Verdict::Ready, "row {}", row.row);
                    assert!(told.contains(&format!("no {field}")), "{told}");
                }
            }
        }

        // With a reason it leaves, and the council's records are linked.
        request.release_small = Some("the agreement of 2026 covers lists of any size".into());
        let sent = referral::prepare(&request).unwrap();
        let files = sent.files.as_ref().unwrap();
        assert!(files.send.exists() && sent.told(&request).unwrap().contains("Send "));
        let schema = Schema::from_toml(referral::SCHEMA).unwrap();
        let key = ProjectKey::from_path(folder.join("project.key")).unwrap();
        let council: Vec<Record> = invented
            .council
            .iter()
            .map(|r| {
                let values = [&r.forename, &r.surname, &r.date_of_birth, &r.sex, &r.postcode, &r.nhs_number, &r.upn];
                Record::new(r.record_id.clone(), values.map(String::clone).to_vec())
            })
            .collect();
        let council_file = Encoder::new(&schema, &key, "council").unwrap().seed([8; 32]).encode(&council).unwrap();
        let links = Linker::new(&schema).seed([1; 32]).link(&[&sent.encoded.cohort, &council_file.cohort]).unwrap();
        let person_of: BTreeMap<&str, &str> =
            invented.council.iter().map(|r| (r.record_id.as_str(), r.person_id.as_str())).collect();
        let charity: Vec<&str> = sent
            .encoded
            .row_map
            .entries()
            .iter()
            .map(|(_, own)| invented.persons[own[1..].parse::<usize>().unwrap() - 1].as_str())
            .collect();
        let there: BTreeSet<&str> = person_of.values().copied().collect();
        true_pairs += charity.iter().filter(|person| there.contains(**person)).count();
        for (a, b) in links.pairs("charity", "council").unwrap() {
            let right = person_of[council_file.row_map.entries()[b as usize].1.as_str()] == charity[a as usize];
            found += usize::from(right);
            wrong += usize::from(!right);
            let own = &sent.encoded.row_map.entries()[a as usize].1;
            let verdict = &sent.readiness.rows[own[1..].parse::<usize>().unwrap() - 1].verdict;
            assert!(*verdict != Verdict::Cannot || !right, "a row that cannot be linked was");
        }
    }
    assert!(refused >= 6, "{refused}");
    assert!(
        true_pairs >= 80 && found * 100 >= true_pairs * 70 && wrong * 20 <= found,
        "{found} of {true_pairs}, {wrong} wrong"
    );
}

#[test]
fn blank_is_no_and_so_is_every_other_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv");
    let rows = [
        ("yes", true),
        (" YES ", true),
        ("Y", false),
        ("", false),
        ("  ", false),
        ("yes?", false),
        ("no", false),
        ("да", true),
        ("ДА", true),
    ];
    let lines: String = rows.iter().map(|(word, _)| format!("Anna,Kowalska,2012-03-04,{word}\n")).collect();
    fs::write(&path, format!("forename,surname,date_of_birth,agreed\n{lines}")).unwrap();
    let read = |options: CsvOptions| pprl::owner::read_csv(&path, &helpers::clk(), &options);
    let records = read(CsvOptions::new().consent("agreed", ["Yes", "да", "", " "])).unwrap();
    assert_eq!(records.iter().map(Record::consents).collect::<Vec<_>>(), rows.map(|(_, yes)| yes));
    let encoded = helpers::encoder(&helpers::clk(), "police", 1).encode(&records).unwrap();
    assert_eq!((encoded.cohort.rows(), encoded.quality.no_consent), (4, 5));
    assert!(encoded.quality.to_string().contains("5 rows left out: no consent"));
    // Nothing accepted: nobody. No such column: an error. Not asked: all.
    let none = read(CsvOptions::new().consent("agreed", [""])).unwrap();
    assert!(none.iter().all(|record| !record.consents()));
    assert!(
        read(CsvOptions::new().consent("consent", ["yes"])).unwrap_err().to_string().contains("no column \"consent\"")
    );
    assert!(read(CsvOptions::new()).unwrap().iter().all(Record::consents));
}

// ---- S8: governance -------------------------------------------------------------------------------------------------

#[cfg(all(feature = "seal", feature = "audit"))]
#[test]
fn a_project_leaves_its_papers_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("project");
    let project = governance::play(&root, 1_200, 5).unwrap();
    assert!(project.same.0 == project.same.1 && project.same.1 >= 9, "{:?}", project.same);
    assert!(project.linked >= 100, "{}", project.linked);
    for agency in governance::OWNERS {
        let files = helpers::files_in(&root.join(agency.name()));
        for there in [
            "events.jsonl",
            "risk-report.html",
            "risk-report.json",
            "manifest.json",
            "quality.txt",
            "deletion-receipt.json",
        ]
        .into_iter()
        .chain(["people.csv", "links.csv"])
        {
            assert!(files.contains(there), "{there}");
        }
        for gone in ["project.key", "row-ids.seed"]
            .map(str::to_owned)
            .into_iter()
            .chain([format!("{}.cohort.json", agency.name())])
        {
            assert!(!files.contains(&gone), "{gone}");
        }
    }
    let unit = helpers::files_in(&root.join("linkage_unit"));
    let papers = ["deletion-receipt.json", "events.jsonl", "report.html", "summary.txt"];
    assert_eq!(unit, papers.map(str::to_owned).into());
    for (name, events, head) in &project.logs {
        let log = root.join(name).join("events.jsonl");
        let text = fs::read_to_string(&log).unwrap();
        assert_eq!(text.lines().count() as u64, *events);
        let wanted: &[&str] = if name == "linkage_unit" {
            &["open", "link", "release", "delete"]
        } else {
            &["sign", "audit", "encode", "seal", "delete"]
        };
        for action in wanted {
            assert!(text.contains(&format!("\"action\":\"{action}\"")), "{name}: {action}");
        }
        // The receipt is the one that the log names.
        let receipt = fs::read(root.join(name).join("deletion-receipt.json")).unwrap();
        assert!(text.contains(&format!("receipt sha256 {}", invented::sha256(&receipt))), "{name}");
        assert!(pprl::event_log::EventLog::verify_to(&log, head).is_ok());
        fs::write(&log, text.replacen("sign", "seal", 1).replacen("\"open\"", "\"link\"", 1)).unwrap();
        assert!(pprl::event_log::EventLog::verify(&log).is_err());
    }
    assert!(project.receipts.iter().all(|receipt| receipt.files.iter().all(|file| file.sha256.len() == 64)));
}

#[test]
fn nothing_is_deleted_where_something_cannot_be_read() {
    use pprl::deletion::delete;
    use pprl::event_log::EventLog;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("a"), "one").unwrap();
    let (schema, mut log) = (Schema::uk_person(), EventLog::open(path("log")).unwrap());
    let receipt = path("receipt.json");
    let mut refused = |files: &[&str], actor: &str, reason: &str| {
        let files: Vec<_> = files.iter().map(|name| path(name)).collect();
        let error = delete(&files, &schema, actor, reason, &mut log, &receipt).unwrap_err().to_string();
        assert!(path("a").exists() && !receipt.exists(), "{error}");
        error
    };
    assert!(refused(&["a", "none"], "x", "the end").contains("none"));
    assert!(refused(&["a", ""], "x", "the end").contains("folder"));
    refused(&[], "x", "the end");
    refused(&["a"], "", "the end");
    refused(&["a"], "x", &"long ".repeat(100));
    let done = delete(&[path("a")], &schema, "x", "the end", &mut log, &receipt).unwrap();
    assert!(!path("a").exists());
    assert_eq!(done.files[0].sha256, invented::sha256(b"one"));
    assert_eq!(done.files[0].bytes, 3);
    let read: pprl::deletion::Receipt = serde_json::from_slice(&fs::read(&receipt).unwrap()).unwrap();
    assert_eq!(read, done);
    fs::write(path("a"), "one").unwrap();
    assert!(
        delete(&[path("a")], &schema, "x", "the end", &mut log, &receipt)
            .unwrap_err()
            .to_string()
            .contains("is there already")
    );
    assert!(path("a").exists());
    assert_eq!(EventLog::verify(path("log")).unwrap().events, 1);
}
