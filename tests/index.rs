//! The standing index: the answers of the linkage and of a naive oracle, readers beside a writer, a writer that is killed, files
//! that are torn or damaged.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::float_cmp,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    clippy::print_stdout,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(all(feature = "owner", feature = "linkage"))]

#[path = "helpers/helpers.rs"]
mod helpers;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use helpers::{
    CLK, clk, clk_cohort, clk_of, cohort_of_bits, date, encoder, everything_said, other_key, record, says_but_not, word,
};
use pprl::cohort::RowId;
use pprl::linkage::{Ask, EncodedRecord, Hit, Index, IndexModel, Kernel, Measure, Reason};
use pprl::{Cohort, Encoder, ErrorKind, Linker, Record, Schema};
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

fn similarity(schema: &Schema, threshold: f32) -> IndexModel {
    IndexModel::similarity(schema, threshold).unwrap()
}

fn made(schema: &Schema, cohorts: &[&Cohort], threshold: f32) -> (TempDir, Index) {
    let folder = tempdir().unwrap();
    let index = Index::create(folder.path(), schema, cohorts, &similarity(schema, threshold)).unwrap();
    (folder, index)
}

fn all() -> Ask {
    Ask::best(usize::MAX).least(-1.0)
}

/// The rows of an index, whoever's.
fn rows_of(index: &Index, asking: &Cohort) -> BTreeSet<RowId> {
    let ask = all().of(index.schema().project().parties().to_vec());
    index.query(asking, &ask).unwrap().swap_remove(0).into_iter().map(|hit| hit.row_id).collect()
}

fn ids(cohort: &Cohort) -> BTreeSet<RowId> {
    cohort.row_ids().iter().copied().collect()
}

// ---- The answers -----------------------------------------------------------------------------------------------------

/// The Dice coefficient in ten-thousandths, rounded down, bit by bit.
fn dice(a: &[u8], b: &[u8]) -> f32 {
    let ones = |bytes: &[u8]| bytes.iter().map(|byte| byte.count_ones()).sum::<u32>();
    let common: u32 = a.iter().zip(b).map(|(x, y)| (x & y).count_ones()).sum();
    let (a, b) = (ones(a), ones(b));
    if a == 0 || b == 0 { 0.0 } else { (20_000 * common / (a + b)) as f32 / 10_000.0 }
}

/// What an index of these cohorts must say, one encoding, no match keys.
fn oracle(
    asked: &Cohort,
    row: usize,
    cohorts: &[&Cohort],
    gone: &BTreeSet<RowId>,
    most: usize,
    least: f32,
) -> Vec<(RowId, f32)> {
    let mut of_party: BTreeMap<&str, Vec<(RowId, f32)>> = BTreeMap::new();
    for cohort in cohorts.iter().filter(|cohort| cohort.party() != asked.party()) {
        for (other, id) in cohort.row_ids().iter().enumerate().filter(|(_, id)| !gone.contains(id)) {
            let score = dice(&asked.encodings()[0].bytes(row), &cohort.encodings()[0].bytes(other));
            of_party.entry(cohort.party()).or_default().push((*id, score));
        }
    }
    let best = |mut rows: Vec<(RowId, f32)>| {
        rows.retain(|(_, score)| *score >= least);
        rows.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
        rows.truncate(most);
        rows
    };
    // The schema's order of the parties.
    ["police", "school", "care"].iter().flat_map(|party| best(of_party.remove(party).unwrap_or_default())).collect()
}

fn seen(hits: &[Hit]) -> Vec<(RowId, f32)> {
    hits.iter().map(|hit| (hit.row_id, hit.score)).collect()
}

fn bits() -> impl Strategy<Value = Vec<Vec<usize>>> {
    let row = prop_oneof![
        1 => Just(Vec::new()),
        1 => Just((0..70).collect()),
        8 => prop::collection::vec(0usize..70, 0..40),
    ];
    prop::collection::vec(row, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever is appended and withdrawn, in memory and on disk, the answers are those of the oracle.
    #[test]
    fn answers_are_the_oracles(
        first in bits(), second in bits(), third in bits(), asked in bits(),
        most in 0usize..6, least in prop_oneof![Just(-1.0f32), Just(0.0), 0.0f32..1.0, Just(1.0)],
        gone in prop::collection::vec(any::<prop::sample::Index>(), 0..6), compact in any::<bool>(),
    ) {
        let schema = clk_of(70);
        let cohorts = [("school", 1, &first), ("care", 2, &second), ("school", 3, &third)];
        let cohorts = cohorts.map(|(party, seed, rows)| cohort_of_bits(&schema, party, seed, rows));
        let asked = cohort_of_bits(&schema, "police", 4, &asked);
        let (folder, index) = made(&schema, &[&cohorts[0]], 0.5);
        index.append(&cohorts[1]).unwrap();
        let school = cohorts[0].row_ids();
        let mut withdrawn: BTreeSet<RowId> = gone.iter().map(|place| school[place.index(school.len())]).collect();
        prop_assert_eq!(index.withdraw("care", school).unwrap(), 0, "not its rows");
        let list: Vec<RowId> = withdrawn.iter().copied().collect();
        prop_assert_eq!(index.withdraw("school", &list).unwrap(), withdrawn.len());
        index.append(&cohorts[2]).unwrap();
        let last = cohorts[2].row_ids()[0];
        prop_assert_eq!(index.withdraw("school", &[last, last]).unwrap(), 1);
        withdrawn.insert(last);
        if compact {
            index.compact().unwrap();
        }
        let ask = Ask::best(most).least(least);
        let expected: Vec<_> = (0..asked.rows())
            .map(|row| oracle(&asked, row, &cohorts.each_ref(), &withdrawn, most, least))
            .collect();
        let check = |index: &Index| index.query(&asked, &ask).unwrap().iter().map(|hits| seen(hits)).collect::<Vec<_>>();
        prop_assert_eq!(&check(&index), &expected);
        drop(index);
        for kernel in Kernel::available() {
            let index = Index::open(folder.path(), &schema).unwrap().kernel(kernel).unwrap();
            prop_assert_eq!(&check(&index), &expected, "{}", kernel);
        }
    }
}

/// Rows of every density, so many that they are turned on their side.
fn many(count: usize, length: usize, seed: usize) -> Vec<Vec<usize>> {
    (0..count)
        .map(|row| {
            let step = 2 + (row * 7 + seed) % 11;
            let start = (row * 31 + seed) % step;
            (start..length).step_by(step).filter(|bit| (bit * 17 + row * 13 + seed) % 9 > 1).collect()
        })
        .collect()
}

#[test]
fn many_rows_are_found_as_few_are() {
    let schema = clk_of(130);
    let cohort = cohort_of_bits(&schema, "school", 1, &many(17_000, 130, 0));
    let asked = cohort_of_bits(&schema, "police", 2, &many(9, 130, 5));
    let later = cohort_of_bits(&schema, "school", 3, &many(300, 130, 77));
    let (_folder, index) = made(&schema, &[&cohort], 0.5);
    let gone: BTreeSet<RowId> = cohort.row_ids().iter().copied().step_by(5).collect();
    index.withdraw("school", &gone.iter().copied().collect::<Vec<_>>()).unwrap();
    index.append(&later).unwrap();
    let (folder, pools) = (tempdir().unwrap(), [1, 3].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build()));
    let copy = Index::create(folder.path(), &schema, &[&cohort], &similarity(&schema, 0.5)).unwrap();
    drop(copy);
    for (most, least) in [(1, -1.0), (7, 0.0), (20, 0.6), (usize::MAX, 0.8), (3, 0.999), (usize::MAX, 1.0)] {
        let ask = Ask::best(most).least(least);
        for pool in &pools {
            let hits = pool.as_ref().unwrap().install(|| index.query(&asked, &ask).unwrap());
            for (row, hits) in hits.iter().enumerate() {
                assert_eq!(seen(hits), oracle(&asked, row, &[&cohort, &later], &gone, most, least), "{most} {least}");
            }
        }
    }
    for kernel in Kernel::available() {
        let index = Index::read_only(folder.path(), &schema).unwrap().kernel(kernel).unwrap();
        let hits = index.query(&asked, &Ask::best(4)).unwrap();
        for (row, hits) in hits.iter().enumerate() {
            assert_eq!(seen(hits), oracle(&asked, row, &[&cohort], &BTreeSet::new(), 4, 0.5), "{kernel}");
        }
    }
}

#[test]
fn records_asked_for_together_are_answered_as_each_on_its_own() {
    let schema = clk_of(130);
    let cohort = cohort_of_bits(&schema, "school", 1, &many(9_000, 130, 0));
    let asked = cohort_of_bits(&schema, "police", 2, &many(300, 130, 5));
    let (_folder, index) = made(&schema, &[&cohort], 0.7);
    let together = index.query(&asked, &Ask::best(3)).unwrap();
    assert_eq!(together.len(), 300, "an answer for each, empty or not");
    assert!(together.iter().any(|hits| hits.len() == 3) && together.iter().any(Vec::is_empty));
    for row in [0, 1, 2, 3, 63, 255, 256, 299] {
        let alone = EncodedRecord::of(&asked, row).into_cohort(&schema).unwrap();
        assert_eq!(index.query(&alone, &Ask::best(3)).unwrap(), [together[row].clone()]);
    }
    assert!(index.query(&cohort_of_bits(&schema, "police", 9, &[]), &Ask::best(3)).unwrap().is_empty());
}

#[cfg(feature = "synth")]
mod linkage {
    use pprl::synth::{Agency, Options, Population};

    use super::*;

    fn population() -> Population {
        Population::generate(&Options { children: 1500, cohort: 225, ..Options::default() }).unwrap()
    }

    fn encoded(schema: &Schema, population: &Population, agency: Agency, party: &str) -> Cohort {
        let folder = tempdir().unwrap();
        let path = folder.path().join("people.csv");
        population.write_csv(agency, &path).unwrap();
        encoder(schema, party, agency as u8).encode_csv(&path).unwrap().cohort
    }

    fn default_with(threshold: &str, assignment: &str) -> Schema {
        let text = include_str!("../examples/schemas/uk_person.toml");
        let text = text.replace("threshold = \"automatic\"", &format!("threshold = {threshold}"));
        Schema::from_toml(&text.replace("\"one-to-one\"", &format!("\"{assignment}\""))).unwrap()
    }

    /// The fields of the default schema, each in a filter of its own.
    fn single_fields() -> Schema {
        let text = include_str!("../examples/schemas/uk_person.toml");
        let (before, rest) = text.split_once("[[encoding]]").unwrap();
        let after = &rest[rest.find("# ---- Match keys").unwrap()..];
        let encoding = |(name, fields): &(&str, &str)| {
            format!("[[encoding]]\nname = \"{name}\"\nlength = 128\ndiffusion = 0\nfields = {{ {fields} }}\n")
        };
        let encodings: String = [
            ("of_forename", "forename = 32"),
            ("of_surname", "surname = 32"),
            ("of_names", "forename = 20, surname = 20"),
            ("of_birth", "date_of_birth = 32"),
            ("of_postcode", "postcode = 32"),
        ]
        .iter()
        .map(encoding)
        .collect();
        let risk = "\n[privacy]\naccept_risk = \"invented people in a test\"\n[project]";
        let text = format!("{before}{encodings}{after}").replacen("\n[project]", risk, 1);
        Schema::from_toml(&text.replace("\"one-to-one\"", "\"many-to-one\"")).unwrap()
    }

    /// For each pair of rows, its score and reason.
    type Scored = BTreeMap<(usize, RowId), (f32, Reason)>;

    fn by_linker(linker: &Linker, asking: &Cohort, standing: &Cohort, threshold: f32) -> Scored {
        let scored = linker.score(asking, standing).unwrap();
        let links = scored.candidates.iter().filter(|c| c.score >= threshold || c.reason != Reason::Similarity);
        links.map(|c| ((c.a as usize, standing.row_ids()[c.b as usize]), (c.score, c.reason))).collect()
    }

    fn by_index(index: &Index, asking: &Cohort, ask: &Ask) -> Scored {
        let hits = index.query(asking, ask).unwrap().into_iter().enumerate();
        hits.flat_map(|(row, hits)| hits.into_iter().map(move |hit| ((row, hit.row_id), (hit.score, hit.reason))))
            .collect()
    }

    #[test]
    fn similarities_are_those_of_the_linkage() {
        let population = population();
        for schema in [default_with("0.6", "one-to-one"), default_with("0.75", "many-to-many")] {
            let police = encoded(&schema, &population, Agency::Police, "police");
            let school = encoded(&schema, &population, Agency::Education, "education");
            let linker = Linker::new(&schema);
            let model = IndexModel::learn(&linker, &police, &school).unwrap();
            assert!(!model.is_learned());
            let folder = tempdir().unwrap();
            let index = Index::create(folder.path(), &schema, &[&school], &model).unwrap();
            let expected = by_linker(&linker, &police, &school, model.threshold());
            let found = by_index(&index, &police, &Ask::best(1000));
            assert!(expected.len() > 100 && expected.values().any(|(_, reason)| *reason != Reason::Similarity));
            for (pair, score) in &expected {
                assert_eq!(found.get(pair), Some(score), "{pair:?}");
            }
            // Nothing depends on who else is asked for.
            let one = EncodedRecord::of(&police, 3).into_cohort(&schema).unwrap();
            assert_eq!(
                by_index(&index, &one, &Ask::best(1000)),
                found.iter().filter(|((row, _), _)| *row == 3).map(|(&(_, id), &score)| ((0, id), score)).collect()
            );
        }
    }

    #[test]
    fn weights_are_those_of_the_linkage() {
        let population = population();
        for schema in [default_with("\"automatic\"", "many-to-one"), single_fields()] {
            let police = encoded(&schema, &population, Agency::Police, "police");
            let school = encoded(&schema, &population, Agency::Education, "education");
            let linker = Linker::new(&schema);
            let model = IndexModel::learn(&linker, &police, &school).unwrap();
            assert!(model.is_learned() && model.threshold() == 0.0);
            let folder = tempdir().unwrap();
            let index = Index::create(folder.path(), &schema, &[&school], &model).unwrap();
            let expected = by_linker(&linker, &police, &school, 0.0);
            let found = by_index(&index, &police, &Ask::best(10));
            assert!(expected.len() > 120, "{} links", expected.len());
            for (pair, (score, reason)) in &expected {
                let (own, why) = found.get(pair).unwrap_or_else(|| panic!("{pair:?} with {score} is missing"));
                // The linkage also weighs candidates that are among the best of the standing row only; of pairs that only a key proposes, the linkage works no weight out
                // anew when it is far below any threshold.
                let far_below = *score < -5.0 && *own < -5.0;
                assert!(why == reason && (far_below || (own - score).abs() < 0.05), "{pair:?}: {own} for {score}");
            }
            assert_eq!(found.len(), expected.len(), "nothing more is found");
            // What was learned comes back from disk to the bit.
            drop(index);
            let again = Index::read_only(folder.path(), &schema).unwrap();
            assert!(again.model().is_learned());
            assert_eq!(by_index(&again, &police, &Ask::best(10)), found);
        }
    }

    /// With one-to-one, two rows that are asked for may compete; nearly none do.
    #[test]
    fn a_standing_index_finds_whom_a_linkage_finds() {
        let population = population();
        let schema = Schema::uk_person();
        let police = encoded(&schema, &population, Agency::Police, "police");
        let school = encoded(&schema, &population, Agency::Education, "education");
        let care = encoded(&schema, &population, Agency::SocialCare, "social_care");
        let linker = Linker::new(&schema);
        let model = IndexModel::learn(&linker, &police, &school).unwrap();
        let folder = tempdir().unwrap();
        let index = Index::create(folder.path(), &schema, &[&school, &care], &model).unwrap();
        for standing in [&school, &care] {
            let links = linker.link(&[&police, standing]).unwrap();
            let linked: BTreeSet<(usize, RowId)> = (links.links().iter())
                .map(|link| (link.a.row as usize, standing.row_ids()[link.b.row as usize]))
                .collect();
            let ask = Ask::best(1).of([standing.party()]);
            let found: BTreeSet<_> = by_index(&index, &police, &ask).into_keys().collect();
            let both = linked.intersection(&found).count();
            assert!(
                both * 100 >= 97 * linked.len() && both * 100 >= 97 * found.len(),
                "{both} of {} and {}",
                linked.len(),
                found.len()
            );
        }
    }
}

#[test]
fn two_encodings_and_missing_values_count_as_in_the_linkage() {
    let text = CLK.replace("fields = { forename = 80, surname = 80, date_of_birth = 80 }", "fields = { forename = 80, surname = 80 }\n[[encoding]]\nname = \"birth\"\nlength = 64\ndiffusion = 0\nmissing = \"empty\"\nfields = { date_of_birth = 20 }");
    let schema = Schema::from_toml(&text).unwrap();
    let people = |party: &str, seed: u8, count: usize| {
        let people: Vec<Record> = (0..count)
            .map(|i| {
                record(i, &[&word(i / 3), &word(i / 7 + 50), &if i % 4 == 1 { String::new() } else { date(i / 2) }])
            })
            .collect();
        encoder(&schema, party, seed).encode(&people).unwrap().cohort
    };
    let (police, school) = (people("police", 1, 60), people("school", 2, 90));
    let (_folder, index) = made(&schema, &[&school], 0.75);
    let scored = Linker::new(&schema).score(&police, &school).unwrap();
    let found = index.query(&police, &Ask::best(1000)).unwrap();
    let mut compared = 0;
    for pair in scored.candidates.iter().filter(|pair| pair.score >= 0.75) {
        let id = school.row_ids()[pair.b as usize];
        let hit = found[pair.a as usize].iter().find(|hit| hit.row_id == id).unwrap();
        assert_eq!(hit.score, pair.score);
        compared += 1;
    }
    assert!(compared > 100, "{compared}");
    // With every pair looked at, those of which nothing is known score nothing, and nobody is left out.
    assert!(index.query(&police, &all()).unwrap().iter().all(|hits| hits.len() == 90));
}

#[test]
fn a_measure_of_two_rows_is_what_the_library_says() {
    let schema = clk();
    let (police, school) = (clk_cohort("police", 30), encoder(&schema, "school", 5));
    let people: Vec<Record> = (0..30).map(|i| record(i, &[&word(i), &word(i + 7900), &date(i)])).collect();
    let school = school.encode(&people).unwrap().cohort;
    let (_folder, index) = made(&schema, &[&school], 0.5);
    for (row, hits) in index.query(&police, &all()).unwrap().iter().enumerate() {
        for hit in hits {
            let other = school.row_ids().iter().position(|id| *id == hit.row_id).unwrap();
            let (a, b) = (police.encodings()[0].row(row), school.encodings()[0].row(other));
            let ones = |row: &[u64]| row.iter().map(|word| word.count_ones()).sum::<u32>();
            let common = a.iter().zip(b).map(|(x, y)| (x & y).count_ones()).sum();
            let exact = Measure::Dice.similarity(common, ones(a), ones(b), 1024);
            assert!((0.0..1e-4).contains(&(exact - f64::from(hit.score) + 1e-7)), "{} for {exact}", hit.score);
        }
    }
}

// ---- Who may come in -------------------------------------------------------------------------------------------------

#[test]
fn what_does_not_belong_is_refused() {
    let schema = clk();
    let (police, school) = (clk_cohort("police", 5), clk_cohort("school", 6));
    let (folder, index) = made(&schema, &[&school], 0.75);
    let people = [record(1, &["a", "b", "2010-01-01"])];
    let foreign_key = Encoder::new(&schema, &other_key(), "care").unwrap().encode(&people).unwrap().cohort;
    let other_schema = clk_of(512);
    let foreign_schema = encoder(&other_schema, "care", 1).encode(&people).unwrap().cohort;
    for foreign in [&foreign_key, &foreign_schema] {
        for error in [
            index.append(foreign).map(|_| ()).unwrap_err(),
            index.query(foreign, &Ask::best(1)).map(|_| ()).unwrap_err(),
            Index::create(tempdir().unwrap(), &schema, &[&school, foreign], &similarity(&schema, 0.5))
                .map(|_| ())
                .unwrap_err(),
        ] {
            assert!(matches!(error.kind(), ErrorKind::Mismatch { .. }), "{error}");
        }
    }
    // The police's cohort has the school's seed: the same ids.
    let error = index.append(&school).unwrap_err();
    says_but_not(&error, &["school", "are there already"], &[&school.row_ids()[0].to_string()]);
    let error = index.set_model(&similarity(&other_schema, 0.5)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Mismatch { .. }));
    assert!(IndexModel::similarity(&schema, 1.5).is_err() && IndexModel::similarity(&schema, f32::NAN).is_err());
    assert!(index.withdraw("nobody", &[]).is_err());
    assert!(index.query(&police, &Ask::best(1).of(["nobody"])).is_err());
    assert!(index.query(&police, &Ask::best(1).least(f32::NAN)).is_err());
    let make = || Index::create(folder.path(), &schema, &[&school], &similarity(&schema, 0.5));
    assert!(make().unwrap_err().to_string().contains("somebody else is writing"));
    drop(index);
    assert!(make().unwrap_err().to_string().contains("there is an index already"));
    assert!(matches!(Index::open(folder.path(), &other_schema).unwrap_err().kind(), ErrorKind::Mismatch { .. }));
    assert!(matches!(Index::open(tempdir().unwrap(), &schema).unwrap_err().kind(), ErrorKind::Io { .. }));
    assert!(Index::create(tempdir().unwrap(), &schema, &[], &similarity(&schema, 0.5)).is_err());
    let expired = Schema::from_toml(&CLK.replace("2999-12-31", "2020-12-31")).unwrap();
    assert!(matches!(Index::open(folder.path(), &expired).unwrap_err().kind(), ErrorKind::Expired { .. }));
}

#[test]
fn own_rows_are_found_only_when_asked_for() {
    let schema = clk();
    let (police, school) = (clk_cohort("police", 5), cohort_of_bits(&schema, "school", 9, &[vec![1, 2], vec![3]]));
    let (_folder, index) = made(&schema, &[&police, &school], 0.75);
    let parties = |ask: &Ask| -> BTreeSet<String> {
        index.query(&police, ask).unwrap().into_iter().flatten().map(|hit| hit.party).collect()
    };
    assert_eq!(parties(&all()), ["school".to_owned()].into());
    assert_eq!(parties(&all().of(["police"])), ["police".to_owned()].into());
    let counts: Vec<_> = index.counts().into_iter().map(|party| (party.party, party.rows, party.withdrawn)).collect();
    assert_eq!(counts, [("police".into(), 5, 0), ("school".into(), 2, 0), ("care".into(), 0, 0)]);
    assert!(!format!("{index:?}").contains(&police.row_ids()[0].to_string()));
}

#[test]
fn there_is_one_writer_and_any_number_of_readers() {
    let schema = clk();
    let (police, school) = (cohort_of_bits(&schema, "police", 2, &[vec![1]]), clk_cohort("school", 6));
    let (folder, index) = made(&schema, &[&school], 0.75);
    let error = Index::open(folder.path(), &schema).unwrap_err();
    assert!(error.to_string().contains("somebody else is writing"), "{error}");
    let reader = Index::read_only(folder.path(), &schema).unwrap();
    let more = cohort_of_bits(&schema, "care", 3, &[vec![5], vec![6]]);
    for error in [
        reader.append(&more).map(|_| ()),
        reader.withdraw("school", school.row_ids()).map(|_| ()),
        reader.compact(),
        reader.set_model(&similarity(&schema, 0.1)),
    ] {
        assert!(matches!(error.unwrap_err().kind(), ErrorKind::Argument { .. }));
    }
    index.append(&more).unwrap();
    index.set_model(&similarity(&schema, 0.125)).unwrap();
    assert_eq!((rows_of(&reader, &police).len(), rows_of(&index, &police).len()), (6, 8));
    drop(index);
    let index = Index::open(folder.path(), &schema).unwrap();
    assert_eq!((index.rows(), index.model().threshold(), index.torn()), (8, 0.125, 0));
}

#[test]
fn who_was_withdrawn_does_not_come_back() {
    let schema = clk();
    let police = cohort_of_bits(&schema, "police", 2, &[vec![1]]);
    let school = clk_cohort("school", 40);
    let (folder, index) = made(&schema, &[&school], 0.75);
    let gone = school.row_ids()[7];
    let bytes = school.encodings()[0].bytes(7);
    let on_disk = || {
        let file = fs::read(folder.path().join("index.pprl")).unwrap();
        file.windows(bytes.len()).any(|window| window == bytes)
    };
    assert_eq!(index.withdraw("school", &[gone]).unwrap(), 1);
    assert_eq!(index.withdraw("school", &[gone]).unwrap(), 0);
    assert!(on_disk() && !rows_of(&index, &police).contains(&gone));
    assert_eq!(index.counts()[1].withdrawn, 1);
    index.compact().unwrap();
    assert!(!on_disk(), "its bits are still there");
    assert_eq!((index.counts()[1].withdrawn, index.rows()), (0, 39));
    let copy = tempdir().unwrap();
    fs::copy(folder.path().join("index.pprl"), copy.path().join("index.pprl")).unwrap();
    let opened = Index::open(copy.path(), &schema).unwrap();
    for index in [index, opened] {
        assert_eq!(rows_of(&index, &police).len(), 39);
        let again = EncodedRecord::of(&school, 7).into_cohort(&schema).unwrap();
        let error = index.append(&again).unwrap_err();
        says_but_not(&error, &["were withdrawn"], &[&gone.to_string()]);
        index.compact().unwrap();
        assert!(index.append(&again).is_err());
        // It goes on after it was written anew.
        index.append(&cohort_of_bits(&schema, "care", 77, &[vec![3]])).unwrap();
        assert_eq!(rows_of(&index, &police).len(), 40);
    }
}

#[test]
fn a_single_record_is_a_cohort_of_one_row() {
    let schema = Schema::uk_person();
    let people: Vec<Record> = (0..3)
        .map(|i| {
            let values = schema.fields().iter().map(|field| match field.name() {
                "forename" => word(i),
                "surname" => word(i + 9),
                "date_of_birth" => date(i),
                "postcode" => "OX1 1AA".to_owned(),
                _ => String::new(),
            });
            Record::new(i.to_string(), values.collect())
        })
        .collect();
    let cohort = encoder(&schema, "police", 1).encode(&people).unwrap().cohort;
    let record = EncodedRecord::of(&cohort, 1);
    let json = record.to_json();
    let read = EncodedRecord::from_json(json.as_bytes()).unwrap();
    assert!(read == record && read.party() == "police");
    let one = read.into_cohort(&schema).unwrap();
    assert_eq!((one.rows(), one.row_ids()), (1, &cohort.row_ids()[1..2]));
    assert!((0..4).all(|e| one.encodings()[e].row(0) == cohort.encodings()[e].row(1)));
    assert!(one.match_keys().iter().zip(cohort.match_keys()).all(|(own, all)| own[0] == all[1]));
    assert_eq!(Cohort::from_json(&one.to_json()).unwrap(), one);
    let debug = format!("{record:?}");
    assert!(!debug.contains(&cohort.row_ids()[1].to_string()));

    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let encoding = value["encodings"][0].as_str().unwrap().to_owned();
    let damaged = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = value.clone();
        change(&mut value);
        EncodedRecord::from_json(value.to_string().as_bytes()).unwrap().into_cohort(&schema).unwrap_err()
    };
    let mismatch = |error: &pprl::Error| matches!(error.kind(), ErrorKind::Mismatch { .. });
    for error in [
        damaged(&|v| v["fingerprint"] = "0".repeat(64).into()),
        damaged(&|v| v["fingerprint"] = "Smith".into()),
        damaged(&|v| v["party"] = "nobody".into()),
    ] {
        assert!(mismatch(&error), "{error}");
    }
    for error in [
        damaged(&|v| v["encodings"][0] = encoding[4..].into()),
        damaged(&|v| v["encodings"][0] = format!("{}!!!!", &encoding[4..]).into()),
        damaged(&|v| v["encodings"][3] = "".into()),
        damaged(&|v| v["encodings"] = serde_json::json!([encoding])),
        damaged(&|v| v["match_keys"] = serde_json::json!([])),
        damaged(&|v| v["match_keys"][0] = "AAAA".into()),
        damaged(&|v| v["rarity"] = serde_json::json!([1])),
        damaged(&|v| v["row_id"] = "Smith".into()),
        damaged(&|v| v["key_check"] = "Smith".into()),
    ] {
        assert!(!mismatch(&error) && !everything_said(&error).contains("Smith"), "{error}");
        assert!(!everything_said(&error).contains(&encoding[4..40]));
    }
    for text in ["", "null", "{}", "[1", "{\"party\": \"Smith\"}", &json.replace("\"party\"", "\"Smith\"")] {
        let error = EncodedRecord::from_json(text.as_bytes()).unwrap_err();
        assert!(!everything_said(&error).contains("Smith"), "{error:?}");
    }
}

// ---- Readers beside a writer -----------------------------------------------------------------------------------------

#[test]
fn readers_see_whole_appends_while_a_writer_appends() {
    const EACH: usize = 50;
    let schema = clk_of(130);
    let asking = cohort_of_bits(&schema, "police", 250, &[vec![1, 2, 3]]);
    let batches: Vec<Cohort> =
        (0..200).map(|i| cohort_of_bits(&schema, "school", i, &many(EACH, 130, i.into()))).collect();
    let (folder, index) = made(&schema, &[&batches[0]], 0.5);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Acquire) {
                    let rows = rows_of(&index, &asking).len();
                    assert!(rows >= last && rows.is_multiple_of(EACH), "{rows} after {last}");
                    last = rows;
                }
            });
        }
        for batch in &batches[1..] {
            let before = rows_of(&index, &asking).len();
            index.append(batch).unwrap();
            assert_eq!(rows_of(&index, &asking).len(), before + EACH, "seen as soon as it is acknowledged");
        }
        index.compact().unwrap();
        done.store(true, Ordering::Release);
    });
    let all: BTreeSet<RowId> = batches.iter().flat_map(ids).collect();
    assert_eq!(rows_of(&index, &asking), all);
    drop(index);
    assert_eq!(rows_of(&Index::open(folder.path(), &schema).unwrap(), &asking), all);
}

// ---- A writer that is killed -----------------------------------------------------------------------------------------

/// What the writer does at a step: append a batch, take back a row of the batch before, or write anew.
fn step(number: usize, batches: &[Cohort]) -> (&Cohort, Option<RowId>, bool) {
    let taken = (number > 0 && number.is_multiple_of(3)).then(|| batches[number - 1].row_ids()[0]);
    (&batches[number], taken, number % 7 == 6)
}

fn batches(folder: &Path) -> Vec<Cohort> {
    (0..).map_while(|i| Cohort::read(folder.join(format!("{i}.json"))).ok()).collect()
}

/// Not a test: the process that is killed.
#[test]
#[ignore = "run by a_killed_writer_loses_nothing_acknowledged"]
fn the_writer() {
    let Some(folder) = std::env::var_os("PPRL_INDEX_WRITER") else { return };
    let folder = Path::new(&folder);
    let from: usize = std::env::var("PPRL_INDEX_FROM").unwrap().parse().unwrap();
    let batches = batches(folder);
    let index = Index::open(folder, &clk_of(130)).unwrap();
    let said = |what: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{what}").unwrap();
        out.flush().unwrap();
    };
    for number in from..batches.len() {
        let (batch, taken, compact) = step(number, &batches);
        // It may have been written before the last process was killed.
        if let Err(error) = index.append(batch) {
            assert!(number == from && error.to_string().contains("there already"), "{error}");
        }
        said(&format!("appended {number}"));
        if let Some(id) = taken {
            index.withdraw("school", &[id]).unwrap();
            said(&format!("withdrawn {number}"));
        }
        if compact {
            index.compact().unwrap();
        }
    }
    said("done");
}

#[test]
fn a_killed_writer_loses_nothing_acknowledged() {
    let schema = clk_of(130);
    let folder = tempdir().unwrap();
    let asking = cohort_of_bits(&schema, "police", 250, &[vec![1]]);
    let made: Vec<Cohort> =
        (0..120).map(|i| cohort_of_bits(&schema, "school", i as u8, &many(1 + i * 37 % 200, 130, i))).collect();
    made.iter().enumerate().for_each(|(i, batch)| batch.write(folder.path().join(format!("{i}.json"))).unwrap());
    drop(Index::create(folder.path(), &schema, &[&made[0]], &similarity(&schema, 0.5)).unwrap());
    let (mut next, mut acknowledged, mut withdrawn) = (1, 0, BTreeSet::new());
    let (mut kills, mut tore) = (0, 0);
    for round in 0u64.. {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_writer", "--ignored", "--nocapture"])
            .env("PPRL_INDEX_WRITER", folder.path())
            .env("PPRL_INDEX_FROM", next.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // At the first word of it the process is at work: it is killed some moments later.
        let (mut done, mut killer) = (false, None);
        let child = Arc::new(Mutex::new(child));
        for line in lines.map_while(Result::ok) {
            if killer.is_none() && line.starts_with("appended") {
                let child = Arc::clone(&child);
                killer = Some(std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_micros(round * 7919 % 30_000));
                    child.lock().unwrap().kill().unwrap();
                }));
            }
            if let Some(number) = line.strip_prefix("appended ") {
                acknowledged = number.parse().unwrap();
            }
            if let Some(number) = line.strip_prefix("withdrawn ") {
                withdrawn.insert(step(number.parse().unwrap(), &made).1.unwrap());
            }
            done |= line == "done";
        }
        killer.into_iter().for_each(|killer| killer.join().unwrap());
        let status = child.lock().unwrap().wait().unwrap();
        let index = Index::open(folder.path(), &schema).unwrap();
        tore += u32::from(index.torn() > 0);
        let found = rows_of(&index, &asking);
        let expected = |appended: usize| -> BTreeSet<RowId> {
            made[..=appended].iter().flat_map(ids).filter(|id| !withdrawn.contains(id)).collect()
        };
        // What is behind the last word was never acknowledged: it is there, whole, or it is not.
        let allowed = (acknowledged..=(acknowledged + 1).min(made.len() - 1)).flat_map(|appended| {
            let whole = expected(appended);
            let taken = step(appended, &made).1.filter(|id| whole.contains(id));
            let less = taken.map(|id| whole.iter().copied().filter(|other| *other != id).collect::<BTreeSet<_>>());
            [Some(whole), less]
        });
        let allowed: Vec<BTreeSet<RowId>> = allowed.flatten().collect();
        assert!(allowed.contains(&found), "after {acknowledged}: {} rows", found.len());
        // The same steps again from what is there.
        let now = if acknowledged + 1 < made.len() && ids(&made[acknowledged + 1]).iter().any(|id| found.contains(id)) {
            acknowledged + 1
        } else {
            acknowledged
        };
        (acknowledged, next) = (now, now);
        if done && status.success() {
            break;
        }
        kills += 1;
        assert!(kills < 400, "it does not get on");
    }
    println!("{kills} kills, {tore} torn");
    assert!(kills >= 5, "it was hardly killed: {kills}");
}

// ---- Files that are torn or damaged ----------------------------------------------------------------------------------

/// A folder with an index of these bytes.
fn opened(bytes: &[u8], schema: &Schema) -> pprl::Result<Index> {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("index.pprl"), bytes).unwrap();
    Index::open(folder.path(), schema)
}

#[test]
fn a_torn_tail_is_cut_off_and_damage_is_not_passed_over() {
    let schema = clk_of(130);
    let asking = cohort_of_bits(&schema, "police", 250, &[vec![1]]);
    let [first, second, third] =
        [1, 2, 3].map(|seed: u8| cohort_of_bits(&schema, "school", seed, &many(3, 130, seed.into())));
    let (folder, index) = made(&schema, &[&first], 0.5);
    let path = folder.path().join("index.pprl");
    index.append(&second).unwrap();
    let before = fs::read(&path).unwrap();
    index.append(&third).unwrap();
    let after = fs::read(&path).unwrap();
    drop(index);
    assert!(after.len() > before.len() && after[16..before.len()] == before[16..]);
    let (two, three) = (&ids(&first) | &ids(&second), &(&ids(&first) | &ids(&second)) | &ids(&third));
    // The last entry as a crash leaves it: any part of it there, any byte of it wrong, and nothing acknowledged.
    for length in before.len()..=after.len() {
        let torn = [&before[..], &after[before.len()..length]].concat();
        let index = opened(&torn, &schema).unwrap();
        let whole = length == after.len();
        assert_eq!(rows_of(&index, &asking), if whole { three.clone() } else { two.clone() });
        assert_eq!(index.torn(), if whole { 0 } else { (length - before.len()) as u64 });
        if !whole {
            index.append(&third).unwrap();
            assert_eq!(rows_of(&index, &asking), three);
        }
    }
    for place in before.len()..after.len() {
        let mut torn = [&before[..], &after[before.len()..]].concat();
        torn[place] ^= 0x40;
        assert_eq!(rows_of(&opened(&torn, &schema).unwrap(), &asking), two, "byte {place}");
    }
    let zeros = [&before[..], &[0; 5000]].concat();
    assert_eq!(opened(&zeros, &schema).unwrap().torn(), 5000);
    // Acknowledged bytes that are missing or wrong are an error, always.
    for length in 0..after.len() {
        let error = opened(&after[..length], &schema).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::File { .. }), "{error}");
    }
    for place in (0..8).chain(16..after.len()) {
        let mut damaged = after.clone();
        damaged[place] ^= 1;
        let error = opened(&damaged, &schema).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::File { .. }), "byte {place}: {error}");
        assert!(!everything_said(&error).contains(&third.row_ids()[0].to_string()));
    }
    let mut version = after.clone();
    version[7] = 2;
    assert!(opened(&version, &schema).unwrap_err().to_string().contains("another version"));
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, index) = made(&clk(), &[&clk_cohort("school", 3)], 0.5);
    let mode = || fs::metadata(folder.path().join("index.pprl")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    index.compact().unwrap();
    assert_eq!(mode(), 0o600);
}
