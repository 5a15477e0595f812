//! Threshold search: every kernel and every shortcut finds the pairs that counting bit by bit finds, in order, in bounded
//! memory, and stops when it is told to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_wrap,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(feature = "linkage")]

#[path = "helpers/random.rs"]
mod random;

use std::sync::{Arc, Mutex};

use pprl::cohort::BitMatrix;
use pprl::linkage::{Cancel, Kernel, Measure, Pair, Ratio, Search};
use pprl::{Error, ErrorKind};
use proptest::prelude::*;
use random::Random;
use rayon::prelude::*;

const MEASURES: [Measure; 3] = [Measure::Dice, Measure::Jaccard, Measure::Hamming];

/// Rows of every kind: empty, full, one bit, of any density, and such as differ from an earlier one in a few bits.
fn matrix(rows: usize, bits: usize, seed: u64) -> BitMatrix {
    let mut random = Random(seed);
    let mut matrix = BitMatrix::new(bits);
    let mut earlier: Vec<Vec<u8>> = Vec::new();
    for row in 0..rows {
        let mut bytes = vec![0u8; bits.div_ceil(8)];
        match random.below(10) {
            0 => {}
            1 => (0..bits).for_each(|bit| bytes[bit / 8] |= 1 << (bit % 8)),
            2 => bytes[row % bits / 8] |= 1 << (row % bits % 8),
            3..=6 if row > 0 => {
                bytes.clone_from(&earlier[random.below(earlier.len())]);
                for _ in 0..random.below(bits / 8 + 3) {
                    let bit = random.below(bits);
                    bytes[bit / 8] ^= 1 << (bit % 8);
                }
            }
            _ => {
                let (x, y) = (random.next(), random.next());
                for (i, byte) in bytes.iter_mut().enumerate() {
                    let word = random.next() & if x % 3 == 0 { random.next() } else { u64::MAX };
                    *byte = (word | if y % 4 == 0 { random.next() } else { 0 }) as u8;
                    let inside = (bits - i * 8).min(8);
                    *byte &= u8::MAX >> (8 - inside);
                }
            }
        }
        assert!(matrix.push_bytes(&bytes));
        if earlier.len() < 64 {
            earlier.push(bytes);
        }
    }
    matrix
}

/// Two matrices that have pairs in common: the second begins with rows that are nearly those of the first.
fn two(of_a: usize, of_b: usize, bits: usize, seed: u64) -> (BitMatrix, BitMatrix) {
    let a = matrix(of_a, bits, seed);
    let other = matrix(of_b, bits, seed + 1_000_000);
    let mut random = Random(!seed);
    let mut b = BitMatrix::new(bits);
    for row in 0..of_b {
        let mut bytes = if row % 2 == 0 { a.bytes(random.below(of_a)) } else { other.bytes(row) };
        if row % 4 == 0 {
            let bit = random.below(bits);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(b.push_bytes(&bytes));
    }
    (a, b)
}

/// The numbers of common bits and of set bits, counted without any of the crate's kernels.
fn counted(a: &BitMatrix, i: usize, b: &BitMatrix, j: usize) -> (u32, u32, u32) {
    let ones = |row: &[u64]| row.iter().map(|word| word.count_ones()).sum();
    let common = a.row(i).iter().zip(b.row(j)).map(|(x, y)| (x & y).count_ones()).sum();
    (common, ones(a.row(i)), ones(b.row(j)))
}

/// Whether a pair reaches p/q, by the definitions of the measures.
fn reaches(measure: Measure, (p, q): (u32, u32), (common, a, b): (u32, u32, u32), bits: usize) -> bool {
    let [p, q, common, a, b] = [p, q, common, a, b].map(u128::from);
    match measure {
        Measure::Dice if a + b > 0 => 2 * common * q >= p * (a + b),
        Measure::Jaccard if a + b > 0 => common * q >= p * (a + b - common),
        Measure::Hamming => (bits as u128 + 2 * common - a - b) * q >= p * bits as u128,
        _ => p == 0,
    }
}

fn oracle(measure: Measure, threshold: (u32, u32), a: &BitMatrix, b: &BitMatrix, within: bool) -> Vec<(u32, u32)> {
    let of_row = |i: usize| {
        let first = if within { i + 1 } else { 0 };
        let found = (first..b.rows()).filter(|&j| reaches(measure, threshold, counted(a, i, b, j), a.bits()));
        found.map(|j| (i as u32, j as u32)).collect::<Vec<_>>()
    };
    (0..a.rows()).into_par_iter().flat_map_iter(of_row).collect()
}

fn between(search: &Search, a: &BitMatrix, b: &BitMatrix) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let take = |some: &[Pair]| {
        pairs.extend_from_slice(some);
        Ok(())
    };
    let searched = search.between(a, b, take).unwrap();
    assert_eq!(searched.pairs, pairs.len() as u64);
    pairs
}

fn rows_of(pairs: &[Pair]) -> Vec<(u32, u32)> {
    pairs.iter().map(|pair| (pair.a, pair.b)).collect()
}

/// Every search there is: each kernel, with and without shortcuts.
fn searches(measure: Measure, (p, q): (u32, u32)) -> Vec<(String, Search)> {
    let search = Search::new(measure, Ratio::new(p, q).unwrap());
    let of_kernel = |kernel: Kernel| {
        let search = search.clone().kernel(kernel);
        let named = |how: &str| format!("{kernel}, {how}, {measure} {p}/{q}");
        [(named("brute force"), search.clone().brute_force()), (named("shortcuts"), search)]
    };
    Kernel::available().into_iter().flat_map(of_kernel).collect()
}

/// A threshold that some pair hits exactly.
fn hit_exactly(measure: Measure, (common, a, b): (u32, u32, u32), bits: usize) -> (u32, u32) {
    match measure {
        _ if a + b == 0 => (1, 2),
        Measure::Dice => (2 * common, a + b),
        Measure::Jaccard => (common, a + b - common),
        _ => (bits as u32 + 2 * common - a - b, bits as u32),
    }
}

/// Every length that a schema allows, at a threshold that a pair hits exactly; more rows than one tile of the smallest
/// kernel, and a number of them that nothing divides.
#[test]
fn every_length_and_every_kernel() {
    (1..=4096usize).into_par_iter().for_each(|bits| {
        let (a, b) = two(19, 67, bits, bits as u64);
        let measure = MEASURES[bits % 3];
        let planted = counted(&a, bits % 19, &b, bits % 67);
        let threshold = hit_exactly(measure, planted, bits);
        let expected = oracle(measure, threshold, &a, &b, false);
        // Near whole words all searches, elsewhere each with one half of the kernels.
        let edge = bits < 70 || matches!(bits % 64, 0 | 1 | 63);
        for (i, (name, search)) in searches(measure, threshold).into_iter().enumerate() {
            if edge || (i + i / 2 + bits) % 2 == 0 {
                assert_eq!(rows_of(&between(&search, &a, &b)), expected, "{bits} bits, {name}");
            }
        }
    });
}

/// Numbers of rows around everything that rows are divided into.
#[test]
fn every_number_of_rows() {
    const EDGES: [usize; 22] =
        [1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 127, 128, 129, 511, 512, 513, 2047, 2048, 2049, 4095, 4097];
    for bits in [65, 200] {
        let (all_a, all_b) = two(4097, 4097, bits, 7);
        for (i, of_a) in EDGES.into_iter().enumerate() {
            for of_b in [EDGES[EDGES.len() - 1 - i], EDGES[(i * 7 + 3) % EDGES.len()]] {
                let few = |matrix: &BitMatrix, rows: usize| {
                    let mut few = BitMatrix::new(bits);
                    assert!((0..rows).all(|row| few.push_bytes(&matrix.bytes(row))));
                    few
                };
                let (a, b) = (few(&all_a, of_a), few(&all_b, of_b));
                let threshold = (4, 5);
                let expected = oracle(Measure::Dice, threshold, &a, &b, false);
                let expected_within = (of_a < 600).then(|| oracle(Measure::Dice, threshold, &a, &a, true));
                for (name, search) in searches(Measure::Dice, threshold) {
                    // What counts bit by bit is for small files.
                    if name.starts_with("naive") && of_a * of_b > 10_000 {
                        continue;
                    }
                    assert_eq!(rows_of(&between(&search, &a, &b)), expected, "{of_a} x {of_b}, {name}");
                    if let Some(expected) = &expected_within {
                        assert_eq!(&rows_of(&within(&search, &a)), expected, "within {of_a}, {name}");
                    }
                }
            }
        }
    }
}

fn within(search: &Search, matrix: &BitMatrix) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let take = |some: &[Pair]| {
        pairs.extend_from_slice(some);
        Ok(())
    };
    search.within(matrix, take).unwrap();
    pairs
}

#[test]
fn no_rows_and_one_row() {
    let (none, one) = (BitMatrix::new(100), matrix(1, 100, 3));
    for measure in MEASURES {
        for (name, search) in searches(measure, (0, 1)) {
            for (a, b) in [(&none, &none), (&none, &one), (&one, &none)] {
                assert!(between(&search, a, b).is_empty(), "{name}");
            }
            assert_eq!(rows_of(&between(&search, &one, &one)), [(0, 0)], "{name}");
            assert!(within(&search, &one).is_empty() && within(&search, &none).is_empty(), "{name}");
        }
    }
}

/// Rows of `bits` bits of which the first `common` are set in both, and so many more in each.
fn overlapping(bits: usize, common: usize, only_a: usize, only_b: usize) -> [Vec<u8>; 2] {
    let row = |set: &dyn Fn(usize) -> bool| {
        let mut bytes = vec![0u8; bits.div_ceil(8)];
        (0..bits).filter(|&bit| set(bit)).for_each(|bit| bytes[bit / 8] |= 1 << (bit % 8));
        bytes
    };
    let a = row(&|bit| bit < common + only_a);
    let b = row(&|bit| bit < common || (common + only_a..common + only_a + only_b).contains(&bit));
    [a, b]
}

/// At 0.75, 0.95 and others, a pair that hits the threshold is in, and one with a bit less in common is not. Twenty copies,
/// so that it is not done row by row, in every lane there is.
#[test]
fn a_pair_exactly_at_the_threshold_is_in() {
    // Measure, threshold, common bits, and further bits of each.
    let cases = [
        (Measure::Dice, (3, 4), 3, 0, 2),
        (Measure::Dice, (3, 4), 30, 10, 10),
        (Measure::Dice, (19, 20), 19, 0, 2),
        (Measure::Dice, (19, 20), 38, 2, 2),
        (Measure::Dice, (4, 5), 40, 10, 10),
        (Measure::Dice, (1, 1), 50, 0, 0),
        (Measure::Jaccard, (3, 4), 30, 5, 5),
        (Measure::Jaccard, (19, 20), 38, 1, 1),
    ];
    for bits in [64, 100, 255, 1000, 1023, 1024, 4096] {
        for (measure, threshold, common, only_a, only_b) in cases {
            let exact = overlapping(bits, common, only_a, only_b);
            let short = overlapping(bits, common - 1, only_a + 1, only_b + 1);
            check_exact(bits, measure, threshold, &exact, &short);
        }
        for (p, q) in [(3u32, 4), (19, 20), (1, 2)] {
            // Some lengths have no such number of bits.
            let differ = bits * (q - p) as usize;
            if differ.is_multiple_of(q as usize) {
                let differ = differ / q as usize;
                let exact = overlapping(bits, 10, differ / 2, differ - differ / 2);
                let short = overlapping(bits, 9, differ / 2 + 1, differ - differ / 2);
                check_exact(bits, Measure::Hamming, (p, q), &exact, &short);
            }
        }
    }
}

#[track_caller]
fn check_exact(bits: usize, measure: Measure, threshold: (u32, u32), exact: &[Vec<u8>; 2], short: &[Vec<u8>; 2]) {
    for (pair, found) in [(exact, 20 * 530), (short, 0)] {
        let (mut a, mut b) = (BitMatrix::new(bits), BitMatrix::new(bits));
        assert!((0..20).all(|_| a.push_bytes(&pair[0])) && (0..530).all(|_| b.push_bytes(&pair[1])));
        for (name, search) in searches(measure, threshold).into_iter().filter(|(name, _)| !name.starts_with("naive")) {
            assert_eq!(between(&search, &a, &b).len(), found, "{bits} bits, {name}");
        }
    }
}

/// A threshold at which all pairs are found: little memory, the same pairs in the same order.
#[test]
fn pairs_that_do_not_fit_memory_come_in_order() {
    let (a, b) = two(301, 700, 130, 11);
    for (p, q) in [(0, 1), (1, 3)] {
        let expected = oracle(Measure::Dice, (p, q), &a, &b, false);
        assert!(expected.len() > 30_000);
        for (name, search) in searches(Measure::Dice, (p, q)) {
            for memory in [0, 1, 100_000] {
                let (mut pairs, mut most, mut calls) = (Vec::new(), 0, 0);
                let search = search.clone().memory(memory);
                search
                    .between(&a, &b, |some| {
                        pairs.extend_from_slice(some);
                        most = most.max(size_of_val(some));
                        calls += 1;
                        Ok(())
                    })
                    .unwrap();
                assert_eq!(rows_of(&pairs), expected, "{name}, {memory} bytes");
                // Four rows' pairs at least, and never more than was said.
                assert!(most <= memory.max(4 * 700 * size_of::<Pair>()), "{name}, {memory} bytes: {most}");
                assert!(calls > 10, "{name}, {memory} bytes");
            }
            let all = rows_of(&within(&search.clone().memory(1), &b));
            assert_eq!(all, rows_of(&within(&search, &b)), "{name}");
        }
    }
}

#[test]
fn a_search_goes_on_from_a_row() {
    let (a, b) = two(200, 300, 400, 13);
    for (name, search) in searches(Measure::Jaccard, (3, 5)) {
        let (all, all_within) = (between(&search, &a, &b), within(&search, &a));
        for start in [0, 1, 17, 128, 199, 200, 5000] {
            let rest =
                |pairs: &[Pair]| pairs.iter().filter(|pair| pair.a as usize >= start).copied().collect::<Vec<_>>();
            let search = search.clone().start(start);
            assert_eq!(between(&search, &a, &b), rest(&all), "{name}");
            assert_eq!(within(&search, &a), rest(&all_within), "{name}");
        }
    }
}

#[test]
fn threads_change_nothing() {
    let (a, b) = two(1500, 2500, 257, 17);
    let in_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let search = Search::new(Measure::Dice, Ratio::new(4, 5).unwrap());
            (between(&search, &a, &b), within(&search, &b), between(&search.memory(1 << 12), &a, &b))
        })
    };
    let one = in_threads(1);
    assert!(one.0.len() > 100 && one.1.len() > 100);
    assert_eq!(one.0, one.2);
    assert_eq!(in_threads(3), one);
    assert_eq!(in_threads(8), one);
}

#[test]
fn what_a_search_says_of_itself() {
    let (a, b) = two(50, 70, 1024, 19);
    let search = Search::new(Measure::Dice, Ratio::new(9, 10).unwrap()).kernel(Kernel::Portable);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let searched = search
        .clone()
        .progress(move |progress| keep.lock().unwrap().push(progress))
        .between(&a, &b, |_| Ok(()))
        .unwrap();
    assert_eq!((searched.comparisons, searched.kernel), (50 * 70, Kernel::Portable));
    assert_eq!(search.within(&a, |_| Ok(())).unwrap().comparisons, 50 * 49 / 2);
    assert_eq!(search.clone().start(30).between(&a, &b, |_| Ok(())).unwrap().comparisons, 20 * 70);
    assert_eq!(search.brute_force().between(&a, &b, |_| Ok(())).unwrap().folded, None);
    let seen = seen.lock().unwrap();
    let last = seen.last().unwrap();
    assert_eq!((last.done, last.total, last.resumed), (50 * 70, 50 * 70, 0));
    assert!(last.rate() > 0.0 && last.remaining().unwrap().is_zero());
}

/// Of random rows hardly any reach 0.9: it pays to fold them, and what is found says so.
#[test]
fn rows_are_folded_where_it_pays() {
    let mut random = Random(23);
    let mut rows = |count: usize| {
        let mut matrix = BitMatrix::new(1024);
        for _ in 0..count {
            let bytes: Vec<u8> =
                (0..128).map(|_| (random.next() & random.next() | random.next() >> 60) as u8).collect();
            assert!(matrix.push_bytes(&bytes));
        }
        matrix
    };
    let (a, b) = (rows(200), rows(300));
    let at = |p: u32| {
        let search = Search::new(Measure::Dice, Ratio::new(p, 10).unwrap()).kernel(Kernel::Portable);
        search.between(&a, &b, |_| Ok(())).unwrap().folded
    };
    assert!(at(9).is_some_and(|bits| bits < 1024 && bits % 64 == 0));
    assert_eq!(at(1), None);
}

#[test]
fn errors_stop_a_search() {
    let (a, b) = two(300, 600, 128, 29);
    let search = Search::new(Measure::Dice, Ratio::new(1, 3).unwrap()).memory(1);
    let error = search.between(&a, &matrix(3, 129, 1), |_| Ok(())).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Mismatch { .. }));
    assert!(error.to_string().contains("128") && error.to_string().contains("129"));

    let mut calls = 0;
    let refuse = |_: &[Pair]| {
        calls += 1;
        Err(Error::from(ErrorKind::Argument { problem: "enough".to_owned() }))
    };
    assert!(search.between(&a, &b, refuse).unwrap_err().to_string().contains("enough"));
    assert_eq!(calls, 1);

    // Cancelled before, and in the middle: what was handed out are the first pairs.
    let all = between(&search, &a, &b);
    for after in [0, 1, 3] {
        let cancel = Cancel::new();
        if after == 0 {
            cancel.cancel();
        }
        let (mut pairs, mut calls) = (Vec::new(), 0);
        let error = search
            .clone()
            .cancel(&cancel)
            .between(&a, &b, |some| {
                calls += 1;
                if calls == after {
                    cancel.cancel();
                }
                pairs.extend_from_slice(some);
                Ok(())
            })
            .unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Cancelled));
        assert_eq!(calls, after);
        assert_eq!(pairs, all[..pairs.len()]);
        assert!(pairs.len() < all.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Any lengths, numbers of rows and thresholds: the pairs of the definition, with their likeness.
    #[test]
    fn every_search_is_the_oracle(
        bits in 1usize..700,
        of_a in 1usize..60,
        of_b in 1usize..200,
        measure in 0usize..3,
        p in 0u32..=1000,
        exact: bool,
        seed: u64,
    ) {
        let (a, b) = two(of_a, of_b, bits, seed >> 1);
        let measure = MEASURES[measure];
        let planted = counted(&a, of_a / 2, &b, of_b / 2);
        let threshold = if exact { hit_exactly(measure, planted, bits) } else { (p, 1000) };
        let expected = oracle(measure, threshold, &a, &b, false);
        let expected_within = oracle(measure, threshold, &b, &b, true);
        for (name, search) in searches(measure, threshold) {
            let pairs = between(&search, &a, &b);
            prop_assert_eq!(&rows_of(&pairs), &expected, "{}", name);
            for pair in &pairs {
                let (common, ones_a, ones_b) = counted(&a, pair.a as usize, &b, pair.b as usize);
                prop_assert_eq!(pair.similarity, measure.similarity(common, ones_a, ones_b, bits));
            }
            prop_assert_eq!(&rows_of(&within(&search, &b)), &expected_within, "{}", name);
        }
    }
}
