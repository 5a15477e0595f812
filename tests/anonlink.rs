//! anonlink's comparison, candidate finding, solving and files: against what anonlink 0.15.3 gave (`vectors/solver`), and
//! against oracles that are too simple to be wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has said what is wrong")]
#![cfg(feature = "anonlink")]

#[path = "anonlink/files.rs"]
mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pprl::ErrorKind;
use pprl::anonlink::{
    CandidatePair, CandidatePairs, Chunk, Clks, Group, cumul_number_matches_vs_threshold, find_candidate_pairs,
    greedy_solve, matches_nonmatches_hist, nonmatch_index_score, number_blocks, pairs_from_groups,
    probabilistic_greedy_solve, process_chunk, similarities_hist, similarity, split_to_chunks,
};
use pprl::cohort::BitMatrix;
use pprl::linkage::{Measure, Pair, Ratio};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The file, with numbers that are not whole as strings: serde_json's are not the nearest ones.
fn vectors(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/solver").join(name);
    let text = fs::read_to_string(path).unwrap();
    let parts = text.split('"').enumerate().map(|(i, part)| {
        let is_number = |token: &str| token.parse::<f64>().is_ok() && token.contains(['.', 'e']);
        let marked = |token: &str| if is_number(token) { format!("\"{token}\"") } else { token.to_owned() };
        // Every other part is a string; none of them holds a quotation mark.
        if i % 2 == 1 {
            format!("\"{part}\"")
        } else {
            part.split_inclusive([',', ':', '[', ']', '{', '}', ' ', '\n'])
                .map(|piece| {
                    let token = piece.trim_end_matches([',', ':', '[', ']', '{', '}', ' ', '\n']);
                    marked(token) + &piece[token.len()..]
                })
                .collect()
        }
    });
    serde_json::from_str(&parts.collect::<String>()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_str().map_or_else(|| value.as_f64().unwrap(), |text| text.parse().unwrap())
}

/// The names of the files of vectors that are whole runs.
fn runs() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/solver");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("s0") || name.starts_with("s1")).collect();
    names.sort();
    assert_eq!(names.len(), 13);
    names
}

fn clks(list: &Value) -> Clks {
    Clks::from_json(json!({ "clks": list }).to_string().as_bytes()).unwrap()
}

fn ratio(number: &Value) -> Ratio {
    number.as_str().unwrap().parse().unwrap()
}

fn integer(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

fn integers(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|value| value.as_u64().unwrap()).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn candidate(similarity: f64, datasets: [u32; 2], rows: [u32; 2]) -> CandidatePair {
    CandidatePair { similarity, datasets, rows }
}

fn candidate_list(value: &Value) -> Vec<CandidatePair> {
    let pair = |pair: &Value| {
        let index = |i: usize| integer(&pair[i]);
        candidate(number(&pair[0]), [index(1), index(2)], [index(3), index(4)])
    };
    value.as_array().unwrap().iter().map(pair).collect()
}

fn groups(value: &Value) -> Vec<Group> {
    let record = |record: &Value| (integer(&record[0]), integer(&record[1]));
    let group = |group: &Value| group.as_array().unwrap().iter().map(record).collect();
    let mut groups: Vec<Group> = value.as_array().unwrap().iter().map(group).collect();
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.sort();
    groups
}

/// Every solver that a vector names gives its groups. How many there were.
fn check_groups(pairs: &CandidatePairs, expected: &Value, of: &str) -> usize {
    for (solver, expected) in expected.as_object().unwrap() {
        let found = match solver.strip_prefix("probabilistic_merge") {
            None => greedy_solve(pairs),
            Some(rest) => {
                let (threshold, deduplicated) = rest.split_once('_').unwrap();
                probabilistic_greedy_solve(pairs, threshold.parse().unwrap(), deduplicated == "dedup")
            }
        };
        assert_eq!(found, groups(expected), "{of}: {solver}");
    }
    expected.as_object().unwrap().len()
}

#[test]
fn whole_runs_are_those_of_anonlink() {
    let mut solved = 0;
    for name in runs() {
        let run = vectors(&name);
        let datasets: Vec<Clks> = run["datasets_base64"].as_array().unwrap().iter().map(clks).collect();
        let all: Vec<&Clks> = datasets.iter().collect();
        let measure = if run["measure"] == "smc" { Measure::Hamming } else { Measure::Dice };
        let k = run["k"].as_u64().map(|k| usize::try_from(k).unwrap());
        let blocks: Option<Vec<Vec<Vec<u32>>>> = serde_json::from_value(run["blocks"].clone()).unwrap();
        let find = || find_candidate_pairs(&all, measure, ratio(&run["threshold"]), k, blocks.as_deref()).unwrap();
        let pairs = find();
        assert_eq!(pairs.pairs(), candidate_list(&run["expected_candidate_pairs"]), "{name}");
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(find), pairs, "{name}, {threads} threads");
        }
        if let Some(file) = run["candidate_file_base64"].as_str() {
            let file = STANDARD.decode(file).unwrap();
            assert_eq!(pairs.to_bytes(), file, "{name}");
            assert_eq!(CandidatePairs::from_bytes(&file).unwrap(), pairs, "{name}");
        }
        solved += check_groups(&pairs, &run["expected_groups"], &name);
    }
    assert_eq!(solved, 91);
}

#[test]
fn solvers_give_the_groups_of_anonlink() {
    let cases = vectors("solver_only.json");
    let cases = cases["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 150);
    for (i, case) in cases.iter().enumerate() {
        let pairs = candidate_list(&case["candidate_pairs"]);
        let sorted = CandidatePairs::new(pairs.clone()).unwrap();
        assert_eq!(sorted.pairs(), pairs, "case {i}");
        assert_eq!(check_groups(&sorted, &case["expected_groups"], &format!("case {i}")), 7);
    }
}

#[test]
fn similarities_are_those_of_anonlink_to_the_bit() {
    let pairs = vectors("dice_pairs.json");
    for pair in pairs["pairs"].as_array().unwrap() {
        let [a, b] = ["a", "b"].map(|side| clks(&json!([pair[side]])));
        let found = similarity(&a, &b, Measure::Dice, "0".parse().unwrap(), None).unwrap();
        assert_eq!(found[0].similarity.to_bits(), number(&pair["dice"]).to_bits(), "{pair}");
    }
}

#[test]
fn chunks_are_those_of_anonlink() {
    for case in vectors("chunks.json")["cases"].as_array().unwrap() {
        let sizes: Vec<usize> = serde_json::from_value(case["dataset_sizes"].clone()).unwrap();
        let chunks: Vec<Chunk> = split_to_chunks(number(&case["chunk_size_aim"]), &sizes).unwrap().collect();
        assert_eq!(serde_json::to_value(&chunks).unwrap(), case["chunks"], "{case}");
        assert_eq!(serde_json::from_value::<Vec<Chunk>>(case["chunks"].clone()).unwrap(), chunks);
    }
}

#[test]
fn statistics_are_those_of_anonlink() {
    for case in vectors("stats.json")["cases"].as_array().unwrap() {
        let run = vectors(&format!("{}.json", case["case"].as_str().unwrap()));
        let pairs = CandidatePairs::new(candidate_list(&run["expected_candidate_pairs"])).unwrap();
        let histogram = similarities_hist(&pairs, 10).unwrap();
        assert_eq!(histogram.counts, integers(&case["hist"]), "{case}");
        assert_eq!(histogram.edges, numbers(&case["hist_edges"]), "{case}");
        let matches = matches_nonmatches_hist(&pairs, 10).unwrap();
        assert_eq!(matches.matches, integers(&case["matches"]), "{case}");
        assert_eq!(matches.nonmatches, integers(&case["nonmatches"]), "{case}");
        let steps = cumul_number_matches_vs_threshold(&pairs, 10).unwrap();
        assert_eq!(steps.counts, integers(&case["cumulative_matches"]), "{case}");
        assert_eq!(steps.edges, numbers(&case["thresholds"]), "{case}");
        let index = nonmatch_index_score(&pairs, 1).unwrap();
        assert_eq!(index.map(|index| index as u64), case["nonmatch_index_1"].as_u64(), "{case}");
    }
}

#[test]
fn statistics_without_pairs_or_without_a_range() {
    let none = CandidatePairs::default();
    assert_eq!(similarities_hist(&none, 2).unwrap().edges, [0.0, 0.5, 1.0]);
    assert_eq!(cumul_number_matches_vs_threshold(&none, 2).unwrap().counts, [0, 0, 0]);
    assert_eq!(nonmatch_index_score(&none, 1).unwrap(), None);
    let one = CandidatePairs::new(vec![candidate(0.75, [0, 1], [3, 4])]).unwrap();
    let histogram = similarities_hist(&one, 2).unwrap();
    assert_eq!((histogram.counts, histogram.edges), (vec![0, 1], vec![0.25, 0.75, 1.25]));
    assert!(similarities_hist(&one, 0).is_err() && similarities_hist(&one, usize::MAX).is_err());
    assert!(nonmatch_index_score(&one, 0).is_err());
    let other = CandidatePairs::new(vec![candidate(0.75, [0, 2], [3, 4])]).unwrap();
    assert!(matches_nonmatches_hist(&other, 2).is_err() && nonmatch_index_score(&other, 1).is_err());
}

/// Where anonlink is wrong.
#[test]
fn known_divergences() {
    let mut boundaries = 0;
    for case in vectors("known-divergences.json")["cases"].as_array().unwrap() {
        if case["datasets_base64"].is_array() {
            let [a, b] = [0, 1].map(|i| clks(&case["datasets_base64"][i]));
            let found = similarity(&a, &b, Measure::Dice, ratio(&case["threshold"]), None).unwrap();
            assert_eq!(
                found.iter().map(|pair| pair.similarity).collect::<Vec<_>>(),
                numbers(&case["python"]),
                "{case}"
            );
            // The kernel of large files keeps them too.
            let many = |clks: &Clks| {
                let mut matrix = BitMatrix::new(clks.bits());
                (0..200).for_each(|_| assert!(matrix.push_bytes(&clks.matrix().bytes(0))));
                Clks::from_matrix(matrix)
            };
            let found = similarity(&many(&a), &many(&b), Measure::Dice, ratio(&case["threshold"]), None).unwrap();
            assert_eq!(found.len(), 40_000, "{case}");
            boundaries += 1;
        } else if case["sorted_order"].is_array() {
            let right = candidate_list(&case["sorted_order"]);
            let unsorted = candidate_list(&case["anonlink_order"]);
            assert_eq!(CandidatePairs::new(unsorted).unwrap().pairs(), right);
        }
    }
    assert!(boundaries >= 3);
}

/// anonlink's native code counts the bits of these wrongly: 32 bits, 10,000 records.
#[test]
fn many_short_clks_are_counted_right() {
    let (a, b) = (random_clks(3, 4, 1), random_clks(10_000, 4, 2));
    let pairs = similarity(&a, &b, Measure::Dice, "0.8".parse().unwrap(), None).unwrap();
    assert!(!pairs.is_empty());
    assert_eq!(pairs, naive(&a, &b, Measure::Dice, (4, 5), None));
}

/// A repeated pair is one: anonlink makes a group of three of these.
#[test]
fn a_pair_that_is_there_twice_counts_once() {
    let pairs = vec![candidate(1.0, [0, 1], [0, 0]), candidate(1.0, [0, 1], [0, 1]), candidate(1.0, [0, 1], [0, 1])];
    let pairs = CandidatePairs::new(pairs).unwrap();
    assert_eq!(pairs.len(), 2);
    assert_eq!(greedy_solve(&pairs), [[(0, 0), (1, 0)]]);
}

/// Filters of `bytes` bytes, densities all over, some empty, some alike.
fn random_clks(rows: usize, bytes: usize, seed: u64) -> Clks {
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut matrix = BitMatrix::new(bytes * 8);
    let mut last = vec![0u8; bytes];
    for _ in 0..rows {
        match random() % 8 {
            0 => last.fill(0),
            1..4 => (0..3).for_each(|_| last[random() as usize % bytes] ^= 1 << (random() % 8)),
            dense => last.iter_mut().for_each(|byte| {
                *byte = (random() & random()) as u8 | if dense == 7 { random() as u8 } else { 0 };
            }),
        }
        assert!(matrix.push_bytes(&last));
    }
    Clks::from_matrix(matrix)
}

/// How alike two rows are, as a fraction.
fn fraction(measure: Measure, a: &[u8], b: &[u8]) -> (u64, u64) {
    let ones = |bytes: &mut dyn Iterator<Item = u8>| bytes.map(|byte| u64::from(byte.count_ones())).sum::<u64>();
    let common = ones(&mut a.iter().zip(b).map(|(a, b)| a & b));
    let different = ones(&mut a.iter().zip(b).map(|(a, b)| a ^ b));
    match measure {
        Measure::Dice if 2 * common + different == 0 => (0, 1),
        Measure::Dice => (2 * common, 2 * common + different),
        _ => (8 * a.len() as u64 - different, 8 * a.len() as u64),
    }
}

fn best_first(one: &Pair, other: &Pair) -> std::cmp::Ordering {
    other.similarity.partial_cmp(&one.similarity).unwrap().then((one.a, one.b).cmp(&(other.a, other.b)))
}

fn naive(a: &Clks, b: &Clks, measure: Measure, threshold: (u64, u64), k: Option<usize>) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for i in 0..a.rows() {
        for j in 0..b.rows() {
            let (part, whole) = fraction(measure, &a.matrix().bytes(i), &b.matrix().bytes(j));
            if part * threshold.1 >= threshold.0 * whole {
                pairs.push(Pair { a: i as u32, b: j as u32, similarity: part as f64 / whole as f64 });
            }
        }
    }
    pairs.sort_by(best_first);
    let Some(k) = k else { return pairs };
    let best = |by: fn(&Pair) -> u32| -> BTreeSet<(u32, u32)> {
        let mut counts = BTreeMap::<u32, usize>::new();
        let kept = pairs.iter().filter(|pair| {
            let count = counts.entry(by(pair)).or_default();
            *count += 1;
            *count <= k
        });
        kept.map(|pair| (pair.a, pair.b)).collect()
    };
    let (of_a, of_b) = (best(|pair| pair.a), best(|pair| pair.b));
    let stays = |pair: &Pair| {
        let pair = (pair.a, pair.b);
        of_a.contains(&pair) && (measure == Measure::Dice || of_b.contains(&pair))
    };
    pairs.iter().copied().filter(stays).collect()
}

const THRESHOLDS: [(u64, u64); 9] = [(0, 1), (1, 2), (3, 4), (19, 20), (4, 5), (1, 1), (2, 3), (7, 10), (1, 1000)];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn pairs_are_those_of_fractions(
        seed: u64, rows_a in 0..40usize, rows_b in 0..40usize, bytes in 1..40usize, of in 0..9usize, many: bool,
        k in proptest::option::of(0..5usize), smc: bool,
    ) {
        // More than the few that are compared one by one.
        let rows_b = if many { rows_b * 20 } else { rows_b };
        let (a, b) = (random_clks(rows_a, bytes, seed), random_clks(rows_b, bytes, seed ^ 1));
        let measure = if smc { Measure::Hamming } else { Measure::Dice };
        let threshold = THRESHOLDS[of];
        let exact = Ratio::new(threshold.0 as u32, threshold.1 as u32).unwrap();
        let expected = naive(&a, &b, measure, threshold, k);
        prop_assert_eq!(similarity(&a, &b, measure, exact, k).unwrap(), expected);
    }
}

/// A CLK longer than the kernels take, and one row against one.
#[test]
fn very_long_and_very_few() {
    for (rows, bytes) in [(30, 513), (30, 5000), (200, 600), (1, 1), (1, 128)] {
        let (a, b) = (random_clks(rows, bytes, 5), random_clks(rows, bytes, 6));
        for (measure, k) in [(Measure::Dice, None), (Measure::Hamming, Some(3)), (Measure::Dice, Some(1))] {
            let found = similarity(&a, &b, measure, "0.5".parse().unwrap(), k).unwrap();
            assert_eq!(found, naive(&a, &b, measure, (1, 2), k), "{rows} of {bytes}");
        }
    }
}

#[test]
fn lengths_must_agree() {
    let (a, b, none) = (random_clks(3, 8, 1), random_clks(3, 9, 1), clks(&json!([])));
    let threshold = "0.5".parse().unwrap();
    for wrong in [
        similarity(&a, &b, Measure::Dice, threshold, None).unwrap_err(),
        find_candidate_pairs(&[&a, &none, &b], Measure::Dice, threshold, None, None).unwrap_err(),
    ] {
        assert!(matches!(wrong.kind(), ErrorKind::Mismatch { .. }), "{wrong}");
    }
    let said = find_candidate_pairs(&[&none, &a, &b], Measure::Dice, threshold, None, None).unwrap_err().to_string();
    assert_eq!(said, "the CLKs of dataset 1 have 64 bits, those of dataset 2 have 72");
    // Nobody has a length.
    assert!(similarity(&none, &b, Measure::Dice, threshold, None).unwrap().is_empty());
    let found = find_candidate_pairs(&[&none, &b, &none, &b], Measure::Dice, "1".parse().unwrap(), None, None).unwrap();
    assert!(found.pairs().iter().all(|pair| pair.datasets == [1, 3]) && found.len() >= 2);
    for datasets in [&[][..], &[&a], &[&none, &none]] {
        assert!(find_candidate_pairs(datasets, Measure::Dice, threshold, Some(1), None).unwrap().is_empty());
    }
}

/// anonlink's candidate finding, said as it is documented: within every block, then merged, then `k`.
fn naive_candidates(
    datasets: &[Clks],
    measure: Measure,
    threshold: (u64, u64),
    k: Option<usize>,
    blocks: &[Vec<Vec<u32>>],
) -> Vec<CandidatePair> {
    let names: BTreeSet<u32> = blocks.iter().flatten().flatten().copied().collect();
    let mut found = Vec::new();
    for name in names {
        let rows = |i: usize| -> Vec<usize> {
            (0..datasets[i].rows()).filter(|&row| blocks[i][row].contains(&name)).collect()
        };
        for i in 0..datasets.len() {
            for j in i + 1..datasets.len() {
                let some = |i: usize| {
                    let mut matrix = BitMatrix::new(datasets[i].bits());
                    rows(i).iter().for_each(|&row| assert!(matrix.push_bytes(&datasets[i].matrix().bytes(row))));
                    Clks::from_matrix(matrix)
                };
                for pair in naive(&some(i), &some(j), measure, threshold, k) {
                    let rows = [rows(i)[pair.a as usize] as u32, rows(j)[pair.b as usize] as u32];
                    found.push(candidate(pair.similarity, [i as u32, j as u32], rows));
                }
            }
        }
    }
    found.sort_by(|one, other| {
        let key = |pair: &CandidatePair| (pair.datasets, pair.rows);
        other.similarity.partial_cmp(&one.similarity).unwrap().then(key(one).cmp(&key(other)))
    });
    found.dedup();
    let Some(k) = k else { return found };
    let mut counts = BTreeMap::<([u32; 2], u32, u32), usize>::new();
    found.retain(|pair| {
        let mut within = |side: usize| {
            let count = counts.entry((pair.datasets, side as u32, pair.rows[side])).or_default();
            *count += 1;
            *count <= k
        };
        let both = [within(0), within(1)];
        both[0] && both[1]
    });
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn candidates_in_blocks_are_those_of_the_rule(
        seed: u64, sizes in proptest::collection::vec(0..25usize, 0..5), bytes in 1..20usize, of in 0..9usize,
        k in proptest::option::of(0..4usize), smc: bool, names in 1..12u64, big: bool,
    ) {
        let sizes: Vec<usize> = sizes.iter().map(|size| if big { size * 12 } else { *size }).collect();
        let sizes = if big { &sizes[..sizes.len().min(2)] } else { &sizes };
        let datasets: Vec<Clks> =
            sizes.iter().enumerate().map(|(i, &rows)| random_clks(rows, bytes, seed ^ i as u64)).collect();
        let mut state = seed;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 33
        };
        let mut of_row = || (0..random() % 4).map(|_| (random() % names) as u32 * 1000).collect::<Vec<_>>();
        let blocks: Vec<Vec<Vec<u32>>> =
            sizes.iter().map(|&rows| (0..rows).map(|_| of_row()).collect()).collect();
        let measure = if smc { Measure::Hamming } else { Measure::Dice };
        let threshold = THRESHOLDS[of];
        let exact = Ratio::new(threshold.0 as u32, threshold.1 as u32).unwrap();
        let all: Vec<&Clks> = datasets.iter().collect();
        let found = find_candidate_pairs(&all, measure, exact, k, Some(&blocks)).unwrap();
        prop_assert_eq!(found.pairs(), naive_candidates(&datasets, measure, threshold, k, &blocks));
        // One block for all is none.
        let one: Vec<Vec<Vec<u32>>> = sizes.iter().map(|&rows| vec![vec![7]; rows]).collect();
        let whole = find_candidate_pairs(&all, measure, exact, k, None).unwrap();
        prop_assert_eq!(&find_candidate_pairs(&all, measure, exact, k, Some(&one)).unwrap(), &whole);
        // Chunks, put together.
        if k.is_none() {
            let mut parts = Vec::new();
            for chunk in split_to_chunks(37.0, sizes).unwrap() {
                let part = process_chunk(&chunk, &all, measure, exact, None, Some(&blocks)).unwrap();
                parts.extend_from_slice(part.pairs());
            }
            prop_assert_eq!(CandidatePairs::new(parts).unwrap(), found);
        }
    }
}

#[test]
fn blocks_and_chunks_must_fit() {
    let a = random_clks(3, 8, 1);
    let threshold = "0.5".parse().unwrap();
    let find = |blocks: &[Vec<Vec<u32>>]| find_candidate_pairs(&[&a, &a], Measure::Dice, threshold, None, Some(blocks));
    assert!(find(&[vec![vec![1]; 3]]).is_err());
    assert!(find(&[vec![vec![1]; 3], vec![vec![1]; 2]]).is_err());
    assert!(find(&[vec![vec![1]; 3], vec![vec![]; 3]]).unwrap().is_empty());
    let chunk = |text: &str| -> Chunk { serde_json::from_str(text).unwrap() };
    for wrong in [
        r#"[{"datasetIndex": 0, "range": [0, 3]}, {"datasetIndex": 2, "range": [0, 3]}]"#,
        r#"[{"datasetIndex": 0, "range": [0, 4]}, {"datasetIndex": 1, "range": [0, 3]}]"#,
        r#"[{"datasetIndex": 0, "range": [2, 1]}, {"datasetIndex": 1, "range": [0, 3]}]"#,
    ] {
        assert!(process_chunk(&chunk(wrong), &[&a, &a], Measure::Dice, threshold, None, None).is_err(), "{wrong}");
    }
    for aim in [0.0, -1.0, f64::NAN, f64::INFINITY, 0.99] {
        assert!(split_to_chunks(aim, &[1, 1]).is_err(), "{aim}");
    }
}

#[test]
fn blocks_by_name() {
    let names = [&[vec!["b", "a"], vec![]][..], &[vec!["c", "a", "c"]]];
    assert_eq!(number_blocks(&names).unwrap(), [vec![vec![0, 1], vec![]], vec![vec![2, 1, 2]]]);
    assert!(number_blocks::<String>(&[]).unwrap().is_empty());
}

/// The rule of the solver, with everything counted anew for every pair.
fn naive_groups(pairs: &[CandidatePair], (part, whole): (usize, usize), deduplicated: bool) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut edges: Vec<[(u32, u32); 2]> = Vec::new();
    for pair in pairs {
        let records = pair.records();
        let places = records.map(|record| {
            groups.iter().position(|group| group.contains(&record)).unwrap_or_else(|| {
                groups.push(vec![record]);
                groups.len() - 1
            })
        });
        edges.push(records);
        let (low, high) = (places[0].min(places[1]), places[0].max(places[1]));
        if low == high {
            continue;
        }
        let connects = |edge: &&[(u32, u32); 2]| {
            let at = |place: usize, i: usize| groups[place].contains(&edge[i]);
            at(low, 0) && at(high, 1) || at(low, 1) && at(high, 0)
        };
        let between = edges.iter().filter(connects).count();
        let shared = groups[low].iter().any(|(dataset, _)| groups[high].iter().any(|(other, _)| other == dataset));
        if between * whole >= part * groups[low].len() * groups[high].len() && !(deduplicated && shared) {
            let gone = groups.remove(high);
            groups[low].extend(gone);
        }
    }
    groups.retain(|group| group.len() > 1);
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.sort();
    groups
}

fn some_pairs() -> impl Strategy<Value = Vec<CandidatePair>> {
    (1..6u32, 1..8u32, 1..12u32, any::<bool>()).prop_flat_map(|(datasets, rows, levels, far)| {
        let record = move || (0..datasets, 0..rows);
        let pair = (0..=levels, record(), record()).prop_map(move |(level, a, b)| {
            // Numbers that are not those of few records.
            let spread = if far { 300_000_000 } else { 1 };
            let (a, b) = (a.min(b), a.max(b));
            candidate(f64::from(level) / f64::from(levels), [a.0 * spread, b.0 * spread], [a.1 * spread, b.1 * spread])
        });
        proptest::collection::vec(pair, 0..60)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn groups_are_those_of_the_rule(pairs in some_pairs(), of in 0..7usize) {
        // Records with themselves are in the list too; the same two records once.
        let mut pairs = CandidatePairs::new(pairs).unwrap().pairs().to_vec();
        let mut seen = BTreeSet::new();
        pairs.retain(|pair| seen.insert(pair.records()));
        let pairs = CandidatePairs::new(pairs).unwrap();
        let (part, whole) = [(1, 1), (1, 2), (3, 4), (0, 1), (1, 3), (9, 10), (51, 100)][of];
        for deduplicated in [false, true] {
            let found = probabilistic_greedy_solve(&pairs, Ratio::new(part, whole).unwrap(), deduplicated);
            let expected = naive_groups(pairs.pairs(), (part as usize, whole as usize), deduplicated);
            prop_assert_eq!(found, expected, "{}/{} {}", part, whole, deduplicated);
        }
        prop_assert_eq!(greedy_solve(&pairs), naive_groups(pairs.pairs(), (1, 1), false));
    }
}

#[test]
fn pairs_of_groups() {
    assert_eq!(pairs_from_groups(&[vec![(0, 3), (1, 4)], vec![(1, 0), (0, 9)]]).unwrap(), [(3, 4), (9, 0)]);
    for wrong in [vec![(0, 1), (0, 2)], vec![(0, 1)], vec![(0, 1), (1, 1), (1, 2)], vec![(0, 1), (2, 1)]] {
        assert!(pairs_from_groups(&[wrong]).is_err());
    }
}
