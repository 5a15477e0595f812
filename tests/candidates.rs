//! Candidates by LSH and by match keys: recall as computed, nothing twice, what is left out is said, and links like those of
//! all pairs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::float_cmp,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(all(feature = "owner", feature = "linkage"))]

#[path = "helpers/helpers.rs"]
mod helpers;
#[path = "helpers/random.rs"]
mod random;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use helpers::{clk_cohort, encoder, record, word};
use pprl::cohort::BitMatrix;
use pprl::linkage::{Cancel, Candidates, Lsh, MatchKeys, Proposed, Sampling};
use pprl::{Cohort, Error, ErrorKind, Linker, Links, Record, Schema};
use random::Random;

fn in_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// Random rows, half of their bits set, and the same rows with `distance` bits turned over.
fn planted(rows: usize, length: usize, distance: usize, seed: u64) -> (BitMatrix, BitMatrix) {
    let mut random = Random(seed);
    let (mut a, mut b) = (BitMatrix::new(length), BitMatrix::new(length));
    for _ in 0..rows {
        let mut row: Vec<u8> = (0..length.div_ceil(8)).map(|_| random.next() as u8).collect();
        if !length.is_multiple_of(8) {
            *row.last_mut().unwrap() &= (1 << (length % 8)) - 1;
        }
        assert!(a.push_bytes(&row));
        let mut turned = BTreeSet::new();
        while turned.len() < distance {
            turned.insert((random.next() % length as u64) as usize);
        }
        turned.iter().for_each(|bit| row[bit / 8] ^= 1 << (bit % 8));
        assert!(b.push_bytes(&row));
    }
    (a, b)
}

fn found(pairs: &[(u32, u32)]) -> usize {
    pairs.iter().filter(|(a, b)| a == b).count()
}

/// The recall that was measured is the one that was computed, within four standard deviations.
#[test]
fn recall_is_as_computed() {
    let rows = 3000;
    for (length, distance, bits, tables) in [
        (1024, 102, 12, 5),
        (1024, 205, 16, 40),
        (1000, 0, 20, 1),
        (4096, 1024, 10, 20),
        (129, 13, 33, 60),
        (65, 3, 40, 3),
    ] {
        let (a, b) = planted(rows, length, distance, length as u64);
        // One table's draw is the same for all pairs, so that few tables of one seed say little: several seeds.
        let (mut hits, seeds) = (0, 20);
        for seed in 0..seeds {
            let lsh = Lsh::new(&[Sampling { bits, tables }]).unwrap().seed(seed);
            hits += found(&lsh.between(std::slice::from_ref(&a), std::slice::from_ref(&b)).unwrap().0);
        }
        let computed = Sampling { bits, tables }.recall(distance, length);
        let trials = (rows as u64 * seeds) as f64;
        let deviation = (computed * (1.0 - computed) / trials).sqrt();
        let measured = hits as f64 / trials;
        assert!(
            (measured - computed).abs() <= 4.0 * deviation + 1e-9,
            "{length} {distance}: {measured} for {computed}"
        );
    }
}

#[test]
fn encodings_add_up() {
    let (rows, seeds) = (2000, 20);
    let (a, b) = planted(rows, 512, 60, 1);
    let (c, d) = planted(rows, 1024, 200, 2);
    let samplings =
        [Sampling { bits: 14, tables: 6 }, Sampling { bits: 12, tables: 9 }, Sampling { bits: 8, tables: 0 }];
    let (e, f) = planted(rows, 64, 0, 3);
    let (a, b) = ([a, c, e], [b, d, f]);
    let mut hits = 0;
    let mut lsh = Lsh::new(&samplings).unwrap();
    for seed in 0..seeds {
        lsh = lsh.seed(seed);
        hits += found(&lsh.between(&a, &b).unwrap().0);
    }
    let computed = lsh.recall(&[60, 200, 0], &[512, 1024, 64]);
    let one = 1.0 - (1.0 - samplings[0].recall(60, 512)) * (1.0 - samplings[1].recall(200, 1024));
    assert!((computed - one).abs() < 1e-12);
    let trials = f64::from(u32::try_from(rows).unwrap()) * seeds as f64;
    let deviation = (computed * (1.0 - computed) / trials).sqrt();
    assert!((hits as f64 / trials - computed).abs() <= 4.0 * deviation, "{hits} of {trials}, computed {computed}");
    // The least of the encodings that are used, each alone.
    let least = samplings[..2].iter().zip([512, 1024]).map(|(s, length)| s.recall(length / 10, length));
    assert_eq!(lsh.recall_at(0.1, &[512, 1024, 64]), least.fold(1.0, f64::min));
}

#[test]
fn parameters_reach_the_recall_that_was_asked_for() {
    for rows in [1, 2, 100, 10_000, 1_000_000, 60_000_000] {
        for (share, recall) in [(0.0, 0.999), (0.05, 0.99), (0.1, 0.95), (0.2, 0.5), (0.1, 0.001)] {
            let lsh = Lsh::for_recall(&[1024, 4096, 333], share, recall, (rows, 7)).unwrap();
            assert!(lsh.recall_at(share, &[1024, 4096, 333]) >= recall, "{rows} {share} {recall}");
            assert_eq!(lsh.share(), share);
            for (sampling, length) in lsh.encodings().iter().zip([1024, 4096, 333]) {
                let fewer = Sampling { tables: sampling.tables - 1, ..*sampling };
                let distance = (share * f64::from(length) + 1e-9) as usize;
                assert!(fewer.recall(distance, length as usize) < recall, "a table less is enough");
                // About one stranger in a block.
                assert!((rows.max(7) as f64).log2() - sampling.bits as f64 <= 0.51);
            }
        }
    }
}

#[test]
fn what_cannot_be_is_said() {
    #[track_caller]
    fn refused<T: std::fmt::Debug>(result: Result<T, Error>, says: &str) {
        let error = result.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Argument { .. }) && error.to_string().contains(says), "{error}");
    }
    let one = |bits, tables| Lsh::new(&[Sampling { bits, tables }]);
    refused(Lsh::new(&[]), "a table");
    refused(one(8, 0), "a table");
    refused(one(0, 1), "1 to 64 bits");
    refused(one(65, 1), "1 to 64 bits");
    refused(one(8, 4097), "4096 tables");
    refused(Lsh::for_recall(&[], 0.1, 0.9, (10, 10)), "a table");
    refused(Lsh::for_recall(&[1024], 0.5, 0.9, (10, 10)), "share");
    refused(Lsh::for_recall(&[1024], -0.1, 0.9, (10, 10)), "share");
    refused(Lsh::for_recall(&[1024], f64::NAN, 0.9, (10, 10)), "share");
    for recall in [0.0, 1.0, -1.0, f64::NAN] {
        refused(Lsh::for_recall(&[1024], 0.1, recall, (10, 10)), "recall");
    }
    // Nearly half of the bits differ: no number of tables that anybody would wait for.
    refused(Lsh::for_recall(&[1024], 0.45, 0.99, (1_000_000, 10)), "4096 tables of 20 bits");
    refused(Lsh::for_recall(&[10], 0.4, 0.99, (1_000_000, 10)), "compare all pairs");
    let lsh = one(20, 2).unwrap();
    let rows = |length, rows| BitMatrix::zeros(rows, length);
    refused(lsh.between(&[rows(19, 3)], &[rows(19, 3)]), "more bits than an encoding");
    refused(lsh.between(&[rows(64, 3)], &[rows(65, 3)]), "same length");
    refused(lsh.between(&[rows(64, 3), rows(64, 3)], &[rows(64, 3)]), "number of encodings");
    refused(lsh.within(&[]), "number of encodings");
    let two = Lsh::new(&[Sampling { bits: 8, tables: 1 }; 2]).unwrap();
    refused(two.within(&[rows(64, 3), rows(64, 4)]), "same rows");
}

#[test]
fn threads_change_nothing() {
    let (a, b) = planted(5000, 200, 20, 9);
    let lsh = Lsh::new(&[Sampling { bits: 9, tables: 17 }]).unwrap().most_pairs(300);
    let run = || {
        let (a, b) = (std::slice::from_ref(&a), std::slice::from_ref(&b));
        (lsh.between(a, b).unwrap(), lsh.within(a).unwrap())
    };
    let expected = in_threads(1, run);
    assert!(expected.0.0.len() > 100_000 && expected.0.1.capped > 0, "{:?}", expected.0.1);
    assert!(expected.0.0.is_sorted_by(|x, y| x < y) && expected.1.0.iter().all(|(a, b)| a < b));
    for threads in [2, 5] {
        assert!(in_threads(threads, run) == expected, "{threads} threads");
    }
    assert_ne!(lsh.clone().seed(1).within(std::slice::from_ref(&a)).unwrap().0, expected.1.0);
}

#[test]
fn blocks_that_are_too_large_are_reported() {
    // 100 copies of one row: 10,000 pairs with 100 others.
    let (one, _) = planted(1, 96, 0, 4);
    let mut same = BitMatrix::new(96);
    (0..100).for_each(|_| assert!(same.push_bytes(&one.bytes(0))));
    let same = [same];
    let lsh = Lsh::new(&[Sampling { bits: 10, tables: 3 }]).unwrap();
    let (pairs, blocks) = lsh.between(&same, &same).unwrap();
    assert_eq!((pairs.len(), blocks.largest, blocks.blocks, blocks.capped), (10_000, 10_000, 3, 0));
    assert!(blocks.to_string().contains("no block was too large"), "{blocks}");
    let (pairs, blocks) = lsh.clone().most_pairs(9999).between(&same, &same).unwrap();
    assert!(pairs.is_empty());
    assert_eq!((blocks.capped, blocks.pairs_left_out, blocks.pairs), (3, 30_000, 0));
    assert!(blocks.to_string().contains("3 blocks of 30000 pairs were too large"), "{blocks}");
    let (pairs, blocks) = lsh.most_pairs(4950).within(&same).unwrap();
    assert_eq!((pairs.len(), blocks.largest), (4950, 4950));
}

// ---- Match keys ------------------------------------------------------------------------------------------------------

const KEYED: &str = r#"
version = 1
[project]
id = "test-candidates"
purpose = "Testing"
parties = ["police", "school"]
expires = "2999-12-31"
[privacy]
accept_risk = "invented people in a test"
[[field]]
name = "forename"
kind = "name"
space = "names"
[[field]]
name = "surname"
kind = "name"
space = "names"
[[encoding]]
name = "clk"
length = 512
diffusion = 0
fields = { forename = 60, surname = 60 }
[[match_key]]
name = "both"
fields = ["forename", "surname"]
[[match_key]]
name = "surname"
fields = ["surname"]
[linkage]
threshold = 0.75
suppress_below = 0
"#;

fn keyed(party: &str, people: &[(usize, usize)]) -> Cohort {
    let name = |number: usize| if number == 0 { String::new() } else { word(number) };
    let people: Vec<Record> = people.iter().enumerate().map(|(i, &(f, s))| record(i, &[&name(f), &name(s)])).collect();
    encoder(&Schema::from_toml(KEYED).unwrap(), party, 3).encode(&people).unwrap().cohort
}

#[test]
fn match_keys_are_those_of_brute_force() {
    let mut random = Random(5);
    let mut people =
        |count| (0..count).map(|_| ((random.next() % 9) as usize, (random.next() % 14) as usize)).collect();
    let (some, others): (Vec<_>, Vec<_>) = (people(60), people(45));
    let (a, b) = (keyed("police", &some), keyed("school", &others));
    for most in [0, 1, 4, 12, 20, 1_000_000] {
        for (b, within) in [(&b, false), (&a, true)] {
            let mut expected = BTreeSet::new();
            let (mut capped, mut left_out) = (0, 0);
            for (of_a, of_b) in a.match_keys().iter().zip(b.match_keys()) {
                let mut by_key = std::collections::BTreeMap::<_, Vec<_>>::new();
                for (x, row_a) in of_a.iter().zip(0u32..) {
                    for (y, row_b) in of_b.iter().zip(0u32..) {
                        if x.is_some() && x == y && (!within || row_a < row_b) {
                            by_key.entry(*x).or_default().push((row_a, row_b));
                        }
                    }
                }
                for pairs in by_key.into_values() {
                    if pairs.len() as u64 > most {
                        (capped, left_out) = (capped + 1, left_out + pairs.len() as u64);
                    } else {
                        expected.extend(pairs);
                    }
                }
            }
            let keys = MatchKeys::new().most_pairs(most);
            let (pairs, blocks) = if within { keys.within(&a) } else { keys.between(&a, b) }.unwrap();
            assert_eq!(pairs, expected.into_iter().collect::<Vec<_>>());
            assert_eq!((blocks.capped, blocks.pairs_left_out), (capped, left_out));
            assert_eq!((blocks.tables, blocks.pairs), (2, pairs.len() as u64));
            assert!(most < 1_000_000 || pairs.len() > 100);
        }
    }
    assert!(MatchKeys::new().between(&a, &clk_cohort("school", 3)).is_err());
}

// ---- Both, and the linker --------------------------------------------------------------------------------------------

#[test]
fn the_union_has_every_pair_once_and_says_who_found_it() {
    let mut random = Random(6);
    let mut people =
        |count| (0..count).map(|_| ((random.next() % 30) as usize, (random.next() % 30) as usize)).collect();
    let (some, others): (Vec<_>, Vec<_>) = (people(150), people(170));
    let (a, b) = (keyed("police", &some), keyed("school", &others));
    let lsh = Lsh::new(&[Sampling { bits: 24, tables: 10 }]).unwrap().most_pairs(20);
    let keys = MatchKeys::new().most_pairs(40);
    for within in [false, true] {
        let list = |candidates: &Candidates| if within { candidates.within(&a) } else { candidates.between(&a, &b) };
        let (by_lsh, blocks) =
            if within { lsh.within(a.encodings()) } else { lsh.between(a.encodings(), b.encodings()) }.unwrap();
        let (by_keys, key_blocks) = if within { keys.within(&a) } else { keys.between(&a, &b) }.unwrap();
        let (by_lsh, by_keys): (BTreeSet<_>, BTreeSet<_>) =
            (by_lsh.into_iter().collect(), by_keys.into_iter().collect());
        let both = by_lsh.intersection(&by_keys).count();
        assert!(both > 0 && by_lsh.len() > both && by_keys.len() > both, "{both} {} {}", by_lsh.len(), by_keys.len());
        let (union, blocking) = list(&Candidates::LshAndMatchKeys(lsh.clone(), keys)).unwrap();
        assert!(union.is_sorted_by(|x, y| (x.a, x.b) < (y.a, y.b)));
        assert_eq!(union.len(), by_lsh.len() + by_keys.len() - both);
        for Proposed { a, b, lsh, match_key } in &union {
            assert_eq!((*lsh, *match_key), (by_lsh.contains(&(*a, *b)), by_keys.contains(&(*a, *b))));
        }
        assert_eq!(blocking.lsh, Some(blocks));
        assert_eq!(blocking.match_keys.unwrap().pairs, key_blocks.pairs - both as u64);
        let (only, blocking) = list(&Candidates::MatchKeys(keys)).unwrap();
        assert!(only.len() == by_keys.len() && only.iter().all(|pair| pair.match_key && !pair.lsh));
        assert_eq!((blocking.lsh, blocking.recall), (None, None));
        assert!(matches!(list(&Candidates::All).unwrap_err().kind(), ErrorKind::Argument { .. }));
    }
}

/// People of whom two files know the same half, every third with a slip in a name; in all four fields something to go by.
fn people(schema: &Schema, count: usize) -> [Cohort; 2] {
    let person = |i: usize, slip: bool| {
        let (mut forename, surname) = (word(i), word(i + 100_000));
        if slip {
            forename.replace_range(2..3, "q");
        }
        let place = format!(
            "{}{} {}{}{}",
            ["LS", "YO", "HU"][i % 3],
            1 + i / 3 % 9,
            i / 27 % 10,
            "ABDEFGH".as_bytes()[i % 7] as char,
            "JLNPQRS".as_bytes()[i / 7 % 7] as char
        );
        let value = |name: &str| match name {
            "forename" => forename.clone(),
            "surname" => surname.clone(),
            "date_of_birth" => helpers::date(i),
            "postcode" => place.clone(),
            _ => String::new(),
        };
        record(
            i,
            &schema
                .fields()
                .iter()
                .map(|field| value(field.name()))
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        )
    };
    let one: Vec<Record> = (0..count).map(|i| person(i, false)).collect();
    let other: Vec<Record> = (count / 2..count + count / 2).map(|i| person(i, i % 3 == 0)).collect();
    let parties: Vec<&String> = schema.project().parties().iter().collect();
    [(&one, 0), (&other, 1)]
        .map(|(people, party)| encoder(schema, parties[party], 4 + party as u8).encode(people).unwrap().cohort)
}

fn pairs(links: &Links) -> BTreeSet<(u32, u32)> {
    links.links().iter().map(|link| (link.a.row, link.b.row)).collect()
}

/// The links by LSH, and that nearly all of those of all pairs are among them and hardly any others.
#[track_caller]
fn nearly_the_same(schema: &Schema, a: &Cohort, b: &Cohort, candidates: Candidates) -> Links {
    share_of_all(97, schema, a, b, candidates)
}

/// LSH must find at least so many of a hundred links that all pairs give, and hardly any others.
fn share_of_all(percent: usize, schema: &Schema, a: &Cohort, b: &Cohort, candidates: Candidates) -> Links {
    let linker = Linker::new(schema).seed([1; 32]);
    let all = pairs(&linker.link(&[a, b]).unwrap());
    let linker = linker.candidates(candidates);
    let links = in_threads(1, || linker.link(&[a, b]).unwrap());
    let some = pairs(&links);
    let common = all.intersection(&some).count();
    assert!(all.len() > 50, "{}", all.len());
    assert!(common * 100 >= all.len() * percent, "{common} of {}", all.len());
    assert!((some.len() - common) * 100 <= all.len(), "{} more than {}", some.len() - common, all.len());
    for threads in [2, 5] {
        let again = in_threads(threads, || linker.link(&[a, b]).unwrap());
        assert_eq!((again.links(), again.summary().to_string()), (links.links(), links.summary().to_string()));
    }
    links
}

#[test]
fn lsh_finds_nearly_all_links() {
    for schema in [Schema::uk_person(), helpers::clk()] {
        let [a, b] = people(&schema, 600);
        let lsh = Lsh::for_cohorts(&a, &b, 0.1, 0.99).unwrap();
        let links = nearly_the_same(&schema, &a, &b, Candidates::Lsh(lsh.clone()));
        let summary = links.summary();
        let blocking = summary.pairs[0].blocking.as_ref().unwrap();
        assert!(blocking.recall.unwrap() >= 0.99 && blocking.share == Some(0.1) && blocking.match_keys.is_none());
        assert_eq!(blocking.lsh.as_ref().unwrap().tables, lsh.tables() as u64);
        let said = summary.to_string();
        for word in [
            "not all pairs were compared",
            "LSH: ",
            "candidate pairs",
            "it finds at least 99",
            "at most 10 % of the bits",
            "too large",
        ] {
            assert!(said.contains(word), "{word}: {said}");
        }
        let scored =
            Linker::new(&schema).candidates(Candidates::LshAndMatchKeys(lsh, MatchKeys::new())).score(&a, &b).unwrap();
        assert_eq!(scored.patterns.pairs(), (a.rows() * b.rows()) as u64);
        assert!(scored.blocking.unwrap().match_keys.is_some());
    }
    // With all pairs nothing is said of it.
    let [a, b] = people(&helpers::clk(), 40);
    let links = Linker::new(&helpers::clk()).link(&[&a, &b]).unwrap();
    assert!(links.summary().pairs[0].blocking.is_none() && !links.summary().to_string().contains("compared"));
}

#[test]
fn a_sample_stands_for_all_pairs() {
    // More than a million pairs, so that levels are estimated.
    let text = helpers::CLK
        .replace("threshold = 0.75", "threshold = \"automatic\"")
        .replace("length = 1024", "length = 256")
        .replace("= 80", "= 25");
    let schema = Schema::from_toml(&text).unwrap();
    let [a, b] = people(&schema, 1500);
    let lsh = Lsh::for_cohorts(&a, &b, 0.1, 0.95).unwrap();
    let links = nearly_the_same(&schema, &a, &b, Candidates::Lsh(lsh.clone()));
    assert!(links.links().len() > 700);
    let scored = |candidates| Linker::new(&schema).candidates(candidates).score(&a, &b).unwrap().patterns;
    let (all, some) = (scored(Candidates::All), scored(Candidates::Lsh(lsh)));
    assert_eq!((all.pairs(), some.pairs()), (2_250_000, 2_250_000));
    for (count, estimate) in all.of_encoding(0).into_iter().zip(some.of_encoding(0)) {
        let deviation = (count as f64 * 2.25).sqrt();
        assert!((count as f64 - estimate as f64).abs() <= 6.0 * deviation + 10.0, "{count} {estimate}");
    }
}

#[test]
fn duplicates_are_found_by_lsh() {
    let schema = helpers::clk();
    let person = |i: usize| record(i, &[&word(i % 300), &word(i % 300 + 7), &helpers::date(i % 300)]);
    let people: Vec<Record> = (0..400).map(person).collect();
    let cohort = encoder(&schema, "police", 2).encode(&people).unwrap().cohort;
    let linker = Linker::new(&schema).seed([1; 32]);
    let all = linker.deduplicate(&cohort).unwrap();
    let lsh = Lsh::for_cohorts(&cohort, &cohort, 0.05, 0.99).unwrap();
    let some = linker.candidates(Candidates::Lsh(lsh)).deduplicate(&cohort).unwrap();
    assert_eq!(all.links().len(), 100);
    assert_eq!(some.links(), all.links());
}

#[test]
fn a_linker_with_candidates_keeps_its_manners() {
    let schema = helpers::clk();
    let [a, b] = people(&schema, 100);
    let lsh = Lsh::for_cohorts(&a, &b, 0.1, 0.9).unwrap();
    let linker = Linker::new(&schema).candidates(Candidates::Lsh(lsh));
    // Progress reaches its end.
    let seen = Arc::new(Mutex::new((0, 0)));
    let keep = Arc::clone(&seen);
    linker
        .clone()
        .progress(move |progress| *keep.lock().unwrap() = (progress.done, progress.total))
        .link(&[&a, &b])
        .unwrap();
    assert_eq!(*seen.lock().unwrap(), (10_000, 10_000));
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(matches!(linker.clone().cancel(&cancel).link(&[&a, &b]).unwrap_err().kind(), ErrorKind::Cancelled));
    // LSH for other encodings.
    let two = Lsh::new(&[Sampling { bits: 8, tables: 1 }; 2]).unwrap();
    let error = linker.candidates(Candidates::Lsh(two)).link(&[&a, &b]).unwrap_err();
    assert!(error.to_string().contains("number of encodings"), "{error}");
    // Nobody there.
    let none = encoder(&schema, "care", 1).encode(&[]).unwrap().cohort;
    let one = Lsh::new(&[Sampling { bits: 8, tables: 2 }]).unwrap();
    let linker = Linker::new(&schema).candidates(Candidates::LshAndMatchKeys(one, MatchKeys::new()));
    assert!(linker.link(&[&a, &none]).unwrap().links().is_empty());
    assert!(linker.deduplicate(&none).unwrap().links().is_empty());
}

// ---- Plans -----------------------------------------------------------------------------------------------------------

#[test]
fn a_plan_can_be_read() {
    for schema in [Schema::uk_person(), helpers::clk()] {
        let [a, b] = people(&schema, 700);
        let linker = Linker::new(&schema);
        let plan = linker.plan(&[&a, &b]).unwrap();
        assert_eq!((plan.pairs, &plan.rows[..]), (490_000, &[700, 700][..]));
        assert!(plan.rate > 0.0 && plan.exhaustive.memory > 700 * 2 * 128);
        let lsh = plan.lsh.as_ref().unwrap();
        assert!(lsh.recall >= 0.95 && lsh.candidates > 300 && lsh.estimate.memory > 0);
        let said = plan.to_string();
        for word in [
            "700 x 700 rows = 490,000 pairs\n",
            "exhaustive: ",
            "misses nothing",
            "LSH (",
            "candidates; finds 9",
            "at most 10 % of the bits",
        ] {
            assert!(said.contains(word), "{word}: {said}");
        }
        // Duplicates; a given LSH; nobody there.
        assert_eq!(linker.plan(&[&a]).unwrap().pairs, 700 * 699 / 2);
        let own = Lsh::for_cohorts(&a, &b, 0.2, 0.5).unwrap();
        assert_eq!(
            linker.clone().candidates(Candidates::Lsh(own.clone())).plan(&[&a, &b]).unwrap().lsh.unwrap().lsh,
            own
        );
        let none = encoder(&schema, &schema.project().parties()[1], 1).encode(&[]).unwrap().cohort;
        assert_eq!(linker.plan(&[&a, &none]).unwrap().pairs, 0);
        assert!(matches!(linker.plan(&[]).unwrap_err().kind(), ErrorKind::Argument { .. }));
        assert!(matches!(linker.plan(&[&a, &a]).unwrap_err().kind(), ErrorKind::Mismatch { .. }));
    }
}

/// Invented children of two agencies, with the agencies' errors.
#[cfg(feature = "synth")]
#[test]
fn lsh_finds_nearly_all_links_of_invented_children() {
    use pprl::synth::{Agency, Options, Population};
    let schema = Schema::uk_person();
    let options = Options { children: 2500, cohort: 200, ..Options::default() };
    let population = Population::generate(&options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = [Agency::SocialCare, Agency::Education].map(|agency| {
        let path = folder.path().join(agency.name());
        population.write_csv(agency, &path).unwrap();
        encoder(&schema, agency.name(), 1 + agency.name().len() as u8).encode_csv(&path).unwrap().cohort
    });
    // Real errors set some pairs further apart than LSH promises to find.
    share_of_all(95, &schema, &a, &b, Candidates::Lsh(Lsh::for_cohorts(&a, &b, 0.1, 0.95).unwrap()));
}
