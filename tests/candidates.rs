//! Candidates by LSH and by match keys: recall as computed, nothing twice, what is left out is said, and links like those of
//! all pairs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::float_cmp,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(all(feature = "owner", feature = "linkage"))]

#[path = "helpers/helpers.rs"]
mod helpers;

use std::collections::BTreeSet;

use helpers::{clk_cohort, encoder, record, word};
use pprl::cohort::BitMatrix;
use pprl::linkage::{Lsh, MatchKeys, Sampling};
use pprl::{Cohort, Error, ErrorKind, Record, Schema};

fn in_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Random rows, half of their bits set, and the same rows with `distance` bits turned over.
fn planted(rows: usize, length: usize, distance: usize, seed: u64) -> (BitMatrix, BitMatrix) {
    let mut random = Random(seed);
    let (mut a, mut b) = (BitMatrix::new(length), BitMatrix::new(length));
    for _ in 0..rows {
        let mut row: Vec<u8> = (0..length.div_ceil(8)).map(|_| random.next() as u8).collect();
        if length % 8 != 0 {
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
    for (length, distance, bits, tables) in
        [(1024, 102, 12, 5), (1024, 205, 16, 40), (1000, 0, 20, 1), (4096, 1024, 10, 20), (129, 13, 33, 60), (65, 3, 40, 3)]
    {
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
        assert!((measured - computed).abs() <= 4.0 * deviation + 1e-9, "{length} {distance}: {measured} for {computed}");
    }
}

#[test]
fn encodings_add_up() {
    let (rows, seeds) = (2000, 20);
    let (a, b) = planted(rows, 512, 60, 1);
    let (c, d) = planted(rows, 1024, 200, 2);
    let samplings = [Sampling { bits: 14, tables: 6 }, Sampling { bits: 12, tables: 9 }, Sampling { bits: 8, tables: 0 }];
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
    let people: Vec<Record> =
        people.iter().enumerate().map(|(i, &(f, s))| record(i, &[&name(f), &name(s)])).collect();
    encoder(&Schema::from_toml(KEYED).unwrap(), party, 3).encode(&people).unwrap().cohort
}

#[test]
fn match_keys_are_those_of_brute_force() {
    let mut random = Random(5);
    let mut people = |count| (0..count).map(|_| ((random.next() % 9) as usize, (random.next() % 14) as usize)).collect();
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
