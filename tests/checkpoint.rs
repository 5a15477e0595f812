//! Long runs: stopped and resumed they give the same links, and states of other runs are refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::format_push_string,
    clippy::format_collect,
    clippy::needless_pass_by_value,
    clippy::cast_possible_wrap,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(all(feature = "owner", feature = "linkage", feature = "synth"))]

#[path = "helpers/helpers.rs"]
mod helpers;

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use helpers::{CLK, clk, clk_cohort, encoder, files_in, record, says_but_not};
use pprl::linkage::{Cancel, Checkpoint, Progress};
use pprl::synth::{Agency, Options, Population};
use pprl::{Cohort, ErrorKind, Linker, Links, Record, Schema};

/// Two cohorts whose comparison has several units, under a profile of diffused encodings and one of plain ones.
fn cohorts(schema: &Schema) -> [Cohort; 2] {
    static POPULATION: OnceLock<Population> = OnceLock::new();
    let options = Options { seed: 11, children: 16_000, cohort: 0, social_care_share: 10_000, ..Options::default() };
    let population = POPULATION.get_or_init(|| Population::generate(&options).unwrap());
    [(Agency::SocialCare, "school", 1), (Agency::Education, "care", 2)].map(|(agency, party, seed)| {
        let people = population.records(agency).iter().take(9000);
        let people: Vec<Record> =
            people.map(|p| record(&p.record_id, &[&p.forename, &p.surname, &p.date_of_birth])).collect();
        assert!(people.len() > 8500);
        encoder(schema, party, seed).encode(&people).unwrap().cohort
    })
}

fn diffused() -> Schema {
    let text = CLK
        .replace("length = 1024\ndiffusion = 0", "length = 1024\ndiffusion = 14\noutput = 4096")
        .replace("[privacy]\naccept_risk = \"invented people in a test\"\n", "")
        .replace("threshold = 0.75", "threshold = \"automatic\"");
    Schema::from_toml(&text).unwrap()
}

/// Everything that goes out.
fn bytes(links: &Links) -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("links");
    links.write(&out).unwrap();
    files_in(&out).into_iter().map(|file| (file.clone(), fs::read(out.join(file)).unwrap())).collect()
}

/// Stopped after so many calls of the progress callback, and resumed until it is done.
fn stopped_and_resumed(schema: &Schema, cohorts: &[&Cohort], folder: &Path, stop_after: usize) -> (Links, usize) {
    let mut stops = 0;
    loop {
        let cancel = Cancel::new();
        let calls = AtomicUsize::new(0);
        let stop = cancel.clone();
        let report = move |_: Progress| {
            if calls.fetch_add(1, Ordering::Relaxed) + 1 == stop_after {
                stop.cancel();
            }
        };
        let checkpoint = Checkpoint::new(folder).every(Duration::ZERO);
        let linker = Linker::new(schema).seed([3; 32]).checkpoint(checkpoint).cancel(&cancel).progress(report);
        let done = match cohorts {
            [one] => linker.deduplicate(one),
            cohorts => linker.link(cohorts),
        };
        match done {
            Ok(links) => return (links, stops),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Cancelled), "{error}");
                stops += 1;
                assert!(stops < 500, "a run that is resumed gets further");
            }
        }
    }
}

#[test]
fn a_run_that_was_stopped_gives_the_same_links() {
    let plain = Schema::from_toml(&CLK.replace("threshold = 0.75", "threshold = \"automatic\"")).unwrap();
    for schema in [diffused(), plain] {
        let [a, b] = cohorts(&schema);
        for cohorts in [vec![&a, &b], vec![&a]] {
            let linker = Linker::new(&schema).seed([3; 32]);
            let expected = match cohorts[..] {
                [one] => linker.deduplicate(one),
                _ => linker.link(&cohorts),
            };
            let expected = bytes(&expected.unwrap());
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path().join("states");
            let (links, stops) = stopped_and_resumed(&schema, &cohorts, &folder, 150);
            assert!(stops > 0, "the run was never stopped");
            assert!(bytes(&links) == expected, "{} cohorts", cohorts.len());
            // A run that is all done gives its links again.
            let (links, stops) = stopped_and_resumed(&schema, &cohorts, &folder, usize::MAX);
            assert!(stops == 0 && bytes(&links) == expected);
        }
    }
}

/// A finished run's folder, and what a linker makes of it.
fn with_states(change: impl FnOnce(&Path), linker: &Linker, cohorts: &[&Cohort]) -> pprl::Result<Links> {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint::new(folder.path()).every(Duration::ZERO);
    let (a, b) = (clk_cohort("police", 40), clk_cohort("school", 50));
    Linker::new(&clk()).checkpoint(checkpoint.clone()).link(&[&a, &b]).unwrap();
    change(folder.path());
    linker.clone().checkpoint(checkpoint).link(cohorts)
}

#[test]
fn states_of_other_runs_are_refused() {
    let (a, b) = (clk_cohort("police", 40), clk_cohort("school", 50));
    let linker = Linker::new(&clk());
    with_states(|_| (), &linker, &[&a, &b]).unwrap();
    // Other cohorts, the same in another order, another schema.
    let other = clk_cohort("school", 51);
    for cohorts in [[&a, &other], [&b, &a]] {
        let error = with_states(|_| (), &linker, &cohorts).unwrap_err();
        says_but_not(&error, &["another run", ".state"], &[]);
    }
    let text = CLK.replace("threshold = 0.75", "threshold = 0.76");
    let schema = Schema::from_toml(&text).unwrap();
    let people = |party: &str, rows: usize| {
        let people: Vec<Record> = (0..rows).map(|i| record(i, &["Ada", "Lovelace", "2010-01-01"])).collect();
        encoder(&schema, party, 1).encode(&people).unwrap().cohort
    };
    let cohorts = [people("police", 40), people("school", 50)];
    let error = with_states(|_| (), &Linker::new(&schema), &[&cohorts[0], &cohorts[1]]).unwrap_err();
    says_but_not(&error, &["another run"], &["Lovelace"]);
}

#[test]
fn damaged_states_are_refused() {
    let (a, b) = (clk_cohort("police", 40), clk_cohort("school", 50));
    let linker = Linker::new(&clk());
    let change_all = |change: &dyn Fn(&mut Vec<u8>)| {
        let result = with_states(
            |folder| {
                let states = files_in(folder).into_iter().filter(|file| file.starts_with("pair"));
                let mut changed = 0;
                for state in states {
                    let path = folder.join(state);
                    let mut bytes = fs::read(&path).unwrap();
                    change(&mut bytes);
                    fs::write(&path, bytes).unwrap();
                    changed += 1;
                }
                assert!(changed > 0);
            },
            &linker,
            &[&a, &b],
        );
        says_but_not(&result.unwrap_err(), &["damaged", ".state"], &[]);
    };
    change_all(&|bytes| bytes.clear());
    change_all(&|bytes| bytes.truncate(bytes.len() / 2));
    change_all(&|bytes| bytes.push(0));
    for place in [0, 20, 60, 100] {
        change_all(&|bytes| {
            let place = place.min(bytes.len() - 1);
            bytes[place] ^= 1;
        });
    }
}

#[test]
fn only_states_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let states = folder.path().join("states");
    let checkpoint = Checkpoint::new(&states).every(Duration::ZERO);
    // There is nothing to remove yet, which is no error.
    checkpoint.remove().unwrap();
    let (a, b) = (clk_cohort("police", 40), clk_cohort("school", 50));
    Linker::new(&clk()).checkpoint(checkpoint.clone()).link(&[&a, &b]).unwrap();
    assert!(files_in(&states).len() > 1);
    fs::write(states.join("notes.txt"), "ours").unwrap();
    checkpoint.remove().unwrap();
    assert_eq!(files_in(&states).into_iter().collect::<Vec<_>>(), ["notes.txt"]);
    fs::remove_file(states.join("notes.txt")).unwrap();
    checkpoint.remove().unwrap();
    assert!(!states.exists());
}

/// Without a seed of its own, a run that is resumed keeps the ids of the one before.
#[test]
fn ids_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (clk_cohort("police", 40), clk_cohort("school", 50));
    let link = |name: &str| {
        let checkpoint = Checkpoint::new(folder.path().join(name));
        bytes(&Linker::new(&clk()).checkpoint(checkpoint).link(&[&a, &b]).unwrap())
    };
    assert!(link("one") == link("one"));
    assert!(link("one") != link("two"));
}
