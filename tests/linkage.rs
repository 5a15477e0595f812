//! Linkage: kernels against the oracle, the same result whatever the machine, who may be linked to whom, and what each
//! owner and the research side get to see.
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
#![cfg(all(feature = "owner", feature = "linkage"))]

#[path = "helpers/helpers.rs"]
mod helpers;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::sync::{Arc, Mutex};

use helpers::{CLK, clk, clk_cohort, clk_of, cohort_of_bits, date, encoder, files_in, record, word};
use pprl::cohort::RowId;
use pprl::linkage::score::{Count, popcounts};
use pprl::linkage::{Candidate, Kernel, Link, Member, Reason, assign};
use pprl::schema::Assignment;
use pprl::{Cohort, Encoded, Linker, Links, Record, Schema};
use proptest::prelude::*;

// ---- Kernels ---------------------------------------------------------------------------------------------------------

fn counts(kernel: Kernel, count: Count, a: &[u64], b: &[u64], stride: usize) -> Vec<u32> {
    // What was there before must not matter.
    let mut out = vec![0xdead_beef; a.len() / stride * (b.len() / stride)];
    kernel.count(count, a, b, stride, &mut out);
    out
}

#[track_caller]
fn kernels_agree(a: &[u64], b: &[u64], stride: usize) {
    for count in [Count::Different, Count::Common] {
        let expected = counts(Kernel::Naive, count, a, b, stride);
        for kernel in Kernel::available() {
            assert_eq!(counts(kernel, count, a, b, stride), expected, "{kernel:?} {count:?}, {stride} words");
        }
    }
}

/// Random words, and among them those in which kernels go wrong.
fn words(count: usize, seed: u64) -> Vec<u64> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..count)
        .map(|_| match next() % 8 {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << (next() % 64),
            _ => next(),
        })
        .collect()
}

#[test]
fn the_oracle_counts() {
    let (a, b) = ([0b1011u64, 1 << 63], [0b0110u64, 1 << 63]);
    assert_eq!(counts(Kernel::Naive, Count::Different, &a, &b, 2), [3]);
    assert_eq!(counts(Kernel::Naive, Count::Common, &a, &b, 2), [2]);
    assert_eq!(counts(Kernel::Naive, Count::Different, &a, &b, 1), [3, 4, 3, 0]);
    assert_eq!(counts(Kernel::Naive, Count::Common, &[u64::MAX; 64], &[u64::MAX; 64], 64), [4096]);
}

#[test]
fn kernels_agree_for_all_strides() {
    assert!(Kernel::available().contains(&Kernel::detect()) && Kernel::available().len() > 1);
    for stride in 1..=66 {
        for (rows_a, rows_b) in [(1, 1), (1, 3), (3, 1), (5, 7), (4, 4)] {
            kernels_agree(&words(rows_a * stride, stride as u64), &words(rows_b * stride, 99 + rows_b as u64), stride);
        }
    }
    // A tile and a row more.
    for stride in [1, 3, 16, 64] {
        kernels_agree(&words(129 * stride, 5), &words(127 * stride, 6), stride);
    }
    // Nothing but ones: the greatest count there is.
    for stride in 1..=66 {
        kernels_agree(&vec![u64::MAX; 2 * stride], &vec![u64::MAX; 3 * stride], stride);
    }
}

#[test]
fn kernels_take_no_rows() {
    for stride in 1..=66 {
        let rows = words(2 * stride, 1);
        for (a, b) in [(&[][..], rows.as_slice()), (&rows, &[]), (&[], &[])] {
            kernels_agree(a, b, stride);
        }
    }
}

#[test]
fn kernels_refuse_what_does_not_fit() {
    for kernel in Kernel::available() {
        let tries: [(usize, usize, usize, usize); 5] =
            [(4, 4, 0, 1), (5, 4, 2, 4), (4, 5, 2, 4), (4, 4, 2, 3), (4, 4, 2, 5)];
        for (a, b, stride, out) in tries {
            let result = std::panic::catch_unwind(|| {
                kernel.count(Count::Common, &vec![1; a], &vec![1; b], stride, &mut vec![0; out]);
            });
            assert!(result.is_err(), "{kernel:?} took {a} and {b} words as rows of {stride} for {out} counts");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn kernels_agree_on_anything(stride in 1usize..=66, rows_a in 0usize..6, rows_b in 1usize..6, seed: u64) {
        let (a, b) = (words(rows_a * stride, seed), words(rows_b * stride, seed.rotate_left(17) ^ 3));
        kernels_agree(&a, &b, stride);
    }

    /// Common bits and differing bits add up: |a| + |b| = different + 2·common.
    #[test]
    fn counts_add_up(stride in 1usize..=66, seed: u64) {
        let (a, b) = (words(stride, seed), words(stride, !seed));
        let ones = |words: &[u64]| words.iter().map(|word| word.count_ones()).sum::<u32>();
        for kernel in Kernel::available() {
            let (different, common) = (counts(kernel, Count::Different, &a, &b, stride), counts(kernel, Count::Common, &a, &b, stride));
            prop_assert_eq!(ones(&a) + ones(&b), different[0] + 2 * common[0]);
        }
    }
}

#[test]
fn popcounts_are_those_of_the_rows() {
    let schema = clk_of(100);
    let cohort = cohort_of_bits(&schema, "police", 1, &[vec![], vec![0], vec![0, 63, 64, 99], (0..100).collect()]);
    assert_eq!(popcounts(&cohort.encodings()[0]), [0, 1, 4, 100]);
}

// ---- The same result whatever the machine ----------------------------------------------------------------------------

/// Everything that a linkage writes.
fn outputs(links: &Links) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    links.write_csv(folder.path().join("links.csv")).unwrap();
    links.write_study_csv(folder.path().join("study.csv")).unwrap();
    for party in links.parties() {
        links.write_owner_csv(party, folder.path().join(format!("{party}.csv"))).unwrap();
    }
    let read = |name: String| {
        let path = folder.path().join(&name);
        // Which rows are one person is nobody else's business.
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);
        (name, fs::read(path).unwrap())
    };
    let mut outputs: BTreeMap<_, _> = files_in(folder.path()).into_iter().map(read).collect();
    outputs.insert("summary".into(), links.summary().to_string().into_bytes());
    outputs
}

fn in_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// Rows of bits with ties, near-ties, empty rows and copies.
fn rows_of_bits(count: usize, length: usize, seed: u64) -> Vec<Vec<usize>> {
    let random = words(count, seed);
    random
        .iter()
        .map(|&w| (0..length).filter(|&bit| (w % 23).wrapping_mul(bit as u64 + 3) % 7 < w % 4).collect())
        .collect()
}

#[test]
fn threads_and_kernels_change_nothing() {
    let schema =
        Schema::from_toml(&CLK.replace("length = 1024", "length = 70").replace("= 80", "= 17").replace("0.75", "0.6"))
            .unwrap();
    // More than one tile, and a part of one; many equal scores.
    let cohorts = [("police", 300), ("school", 261), ("care", 130)]
        .map(|(party, rows)| cohort_of_bits(&schema, party, 1, &rows_of_bits(rows, 70, rows as u64)));
    let cohorts: Vec<&Cohort> = cohorts.iter().collect();
    let linker = Linker::new(&schema).seed([7; 32]);
    let expected = in_threads(1, || linker.link(&cohorts).unwrap());
    assert!(expected.links().len() > 100);
    let expected = outputs(&expected);
    for threads in [1, 2, 5] {
        for kernel in Kernel::available() {
            let links = in_threads(threads, || linker.clone().kernel(kernel).link(&cohorts).unwrap());
            assert!(outputs(&links) == expected, "{threads} threads, {kernel:?}");
        }
    }
    let first = in_threads(1, || outputs(&linker.deduplicate(cohorts[0]).unwrap()));
    for kernel in Kernel::available() {
        assert!(in_threads(3, || outputs(&linker.clone().kernel(kernel).deduplicate(cohorts[0]).unwrap())) == first);
    }
}

/// The naive kernel counts row by row, all others in bit slices: the patterns are the same, and they are of all pairs.
#[test]
fn level_patterns_are_of_all_pairs_whatever_the_kernel() {
    for schema in automatic() {
        let a = encoder(&schema, "police", 1).encode(&numbered(0..140)).unwrap().cohort;
        let b = encoder(&schema, "school", 2).encode(&numbered(100..330)).unwrap().cohort;
        let scored = |kernel: Kernel, threads: usize| {
            in_threads(threads, || {
                let linker = Linker::new(&schema).kernel(kernel);
                (linker.score(&a, &b).unwrap().patterns, linker.score_within(&b).unwrap().patterns)
            })
        };
        let (between, within) = scored(Kernel::Naive, 1);
        assert_eq!((between.pairs(), within.pairs()), (140 * 230, 230 * 229 / 2));
        assert_eq!(between.levels().len(), schema.encodings().len());
        // The forty people in both are at the highest level of every encoding.
        let highest: Vec<u8> = between.levels().iter().map(|&levels| levels as u8 - 1).collect();
        assert_eq!(between.iter().find(|(pattern, _)| *pattern == highest).map(|(_, pairs)| pairs), Some(40));
        for kernel in Kernel::available() {
            assert_eq!(scored(kernel, 1), (between.clone(), within.clone()), "{kernel}");
            assert_eq!(scored(kernel, 3), (between.clone(), within.clone()), "{kernel}");
        }
    }
}

#[test]
fn without_a_seed_ids_are_new_and_links_are_not() {
    let (a, b) = (clk_cohort("police", 20), clk_cohort("school", 20));
    let linker = Linker::new(&clk());
    let (one, two) = (linker.link(&[&a, &b]).unwrap(), linker.link(&[&a, &b]).unwrap());
    assert_eq!(one.links(), two.links());
    assert_eq!(one.clusters(), two.clusters());
    let ids =
        |links: &Links| links.owner_table("police").unwrap().into_iter().map(|(_, id)| id).collect::<HashSet<_>>();
    assert_eq!(ids(&one).len(), 20);
    assert!(ids(&one).is_disjoint(&ids(&two)));
}

#[test]
fn the_order_of_cohorts_does_not_change_who_is_linked() {
    let (a, b) = (clk_cohort("police", 60), clk_cohort("school", 90));
    let pairs = |links: &Links, a: usize, b: usize| -> BTreeSet<(RowId, RowId)> {
        assert!(links.links().iter().all(|link| (link.a.cohort, link.b.cohort) == (0, 1)));
        let row = |link: &Link, cohort: usize| links.row_id(if link.a.cohort == cohort { link.a } else { link.b });
        links.links().iter().map(|link| (row(link, a), row(link, b))).collect()
    };
    let linker = Linker::new(&clk());
    let there = pairs(&linker.link(&[&a, &b]).unwrap(), 0, 1);
    assert_eq!(there.len(), 60);
    assert_eq!(there, pairs(&linker.link(&[&b, &a]).unwrap(), 1, 0));
}

#[test]
fn the_order_of_rows_in_a_file_does_not_change_who_is_linked() {
    let schema = clk();
    let person = |i: usize, slip: bool| {
        let mut name = word(i);
        if slip {
            name.replace_range(2..3, "q");
        }
        record(i, &[&name, &word(i + 1000), &date(i)])
    };
    let school: Vec<Record> = (0..200).map(|i| person(i, i % 3 == 0)).collect();
    let linked = |order: Vec<usize>, seed| -> BTreeSet<(String, String)> {
        let police: Vec<Record> = order.into_iter().map(|i| person(i, false)).collect();
        let a = encoder(&schema, "police", seed).encode(&police).unwrap();
        let b = encoder(&schema, "school", 9).encode(&school).unwrap();
        by_own_ids(&Linker::new(&schema).link(&[&a.cohort, &b.cohort]).unwrap(), &[&a, &b])
    };
    let forwards: Vec<usize> = (50..250).collect();
    let mut shuffled = forwards.clone();
    shuffled.sort_by_key(|i| word(*i));
    let expected = linked(forwards.clone(), 1);
    assert_eq!(expected.len(), 150);
    assert_eq!(linked(forwards.into_iter().rev().collect(), 2), expected);
    assert_eq!(linked(shuffled, 3), expected);
}

/// The links of two files, in the owners' own ids.
fn by_own_ids(links: &Links, encoded: &[&Encoded]) -> BTreeSet<(String, String)> {
    let maps: Vec<HashMap<RowId, &str>> = encoded.iter().map(|encoded| encoded.row_map.to_map()).collect();
    let own = |member: Member| maps[member.cohort][&links.row_id(member)].to_owned();
    links.links().iter().map(|link| (own(link.a), own(link.b))).collect()
}

#[test]
fn progress_reaches_its_end() {
    let (a, b, c) = (clk_cohort("police", 200), clk_cohort("school", 150), clk_cohort("care", 3));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let linker = Linker::new(&clk()).progress(move |progress| keep.lock().unwrap().push(progress));
    linker.link(&[&a, &b, &c]).unwrap();
    let total = 200 * 150 + 200 * 3 + 150 * 3;
    let most = seen
        .lock()
        .unwrap()
        .iter()
        .map(|p| {
            assert_eq!(p.total, total);
            p.done
        })
        .max();
    assert_eq!(most, Some(total));
    seen.lock().unwrap().clear();
    linker.deduplicate(&a).unwrap();
    assert_eq!(seen.lock().unwrap().iter().map(|p| p.done).max(), Some(200 * 199 / 2));
}

// ---- Assignment ------------------------------------------------------------------------------------------------------

fn rank(candidate: &Candidate) -> (usize, f32, u32, u32) {
    let key = match candidate.reason {
        Reason::MatchKey(key) => usize::from(key),
        _ => usize::MAX,
    };
    (key, -candidate.score, candidate.a, candidate.b)
}

fn in_order(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by(|x, y| rank(x).partial_cmp(&rank(y)).unwrap());
    candidates
}

/// Takes the best that is left, strikes out what it excludes, and begins again.
fn reference(mut left: Vec<Candidate>, threshold: f32, assignment: Assignment) -> Vec<Candidate> {
    left.retain(|c| c.reason != Reason::Similarity || c.score >= threshold);
    let (one_a, one_b) = match assignment {
        Assignment::OneToOne => (true, true),
        Assignment::ManyToOne => (true, false),
        Assignment::OneToMany => (false, true),
        _ => (false, false),
    };
    let mut links = Vec::new();
    while let Some(best) = left.iter().copied().min_by(|x, y| rank(x).partial_cmp(&rank(y)).unwrap()) {
        left.retain(|c| (c.a, c.b) != (best.a, best.b) && !(one_a && c.a == best.a) && !(one_b && c.b == best.b));
        links.push(best);
    }
    links
}

const ASSIGNMENTS: [Assignment; 4] =
    [Assignment::OneToOne, Assignment::ManyToOne, Assignment::OneToMany, Assignment::ManyToMany];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn assignment_is_greedy(
        // Few rows and few scores, so that there are many ties.
        pairs in proptest::collection::btree_map((0u32..8, 0u32..8), (0u8..6, 0usize..12), 0..40),
        threshold in 0u8..7,
    ) {
        let candidate = |((a, b), (score, key)): ((u32, u32), (u8, usize))| Candidate {
            a, b, score: f32::from(score), reason: if key < 2 { Reason::MatchKey(u8::try_from(key).unwrap()) } else { Reason::Similarity },
        };
        let candidates = in_order(pairs.into_iter().map(candidate).collect());
        for assignment in ASSIGNMENTS {
            let links = assign(&candidates, f32::from(threshold), assignment);
            prop_assert_eq!(&links, &reference(candidates.clone(), f32::from(threshold), assignment), "{:?}", assignment);
            let once = |row: fn(&Candidate) -> u32| links.iter().map(row).collect::<HashSet<_>>().len() == links.len();
            prop_assert!(once(|c| c.a) || !matches!(assignment, Assignment::OneToOne | Assignment::ManyToOne));
            prop_assert!(once(|c| c.b) || !matches!(assignment, Assignment::OneToOne | Assignment::OneToMany));
        }
    }
}

#[test]
fn ties_go_to_the_lower_rows() {
    let candidate = |a, b| Candidate { a, b, score: 0.5, reason: Reason::Similarity };
    let all = in_order(vec![candidate(1, 1), candidate(1, 0), candidate(0, 1), candidate(0, 0)]);
    assert_eq!(assign(&all, 0.5, Assignment::OneToOne), [candidate(0, 0), candidate(1, 1)]);
    assert_eq!(assign(&all, 0.5, Assignment::ManyToOne), [candidate(0, 0), candidate(1, 0)]);
    assert_eq!(assign(&all, 0.5, Assignment::OneToMany), [candidate(0, 0), candidate(0, 1)]);
    assert_eq!(assign(&all, 0.5, Assignment::ManyToMany), all);
    assert!(assign(&all, 0.50001, Assignment::ManyToMany).is_empty());
    assert!(assign(&all, f32::INFINITY, Assignment::ManyToMany).is_empty());
    assert!(assign(&[], 0.0, Assignment::OneToOne).is_empty());
}

#[test]
fn assignments_of_the_schema() {
    // One parent (row of the police) and three children who are equally like the parent, and the other way round.
    for (word, police, school, links) in [
        ("one-to-one", 1, 3, 1),
        ("one-to-many", 1, 3, 3),
        ("many-to-one", 1, 3, 1),
        ("many-to-many", 1, 3, 3),
        ("one-to-many", 3, 1, 1),
        ("many-to-one", 3, 1, 3),
        ("many-to-many", 3, 2, 6),
    ] {
        let text = CLK
            .replace("length = 1024", "length = 20")
            .replace("= 80", "= 4")
            .replace("[linkage]", &format!("[linkage]\nassignment = \"{word}\""));
        let schema = Schema::from_toml(&text).unwrap();
        let cohort = |party, rows| cohort_of_bits(&schema, party, 1, &vec![vec![1, 2, 3]; rows]);
        let (a, b) = (cohort("police", police), cohort("school", school));
        let found = Linker::new(&schema).link(&[&a, &b]).unwrap();
        assert_eq!(found.links().len(), links, "{word}, {police} and {school}");
        assert_eq!(found.clusters().len(), 1);
    }
}

// ---- Thresholds ------------------------------------------------------------------------------------------------------

/// Score and links of two rows with so many set bits, so many of them in common, at a threshold in ten-thousandths.
fn linked_at(common: usize, a: usize, b: usize, threshold: usize) -> (f32, bool) {
    let text =
        CLK.replace("threshold = 0.75", &format!("threshold = {}.{:04}", threshold / 10_000, threshold % 10_000));
    let schema = Schema::from_toml(&text).unwrap();
    let one = cohort_of_bits(&schema, "police", 1, &[(0..a).collect()]);
    let other = cohort_of_bits(&schema, "school", 1, &[(a - common..a - common + b).collect()]);
    let linker = Linker::new(&schema);
    let links = linker.link(&[&one, &other]).unwrap();
    let scored = linker.score(&one, &other).unwrap();
    assert_eq!(scored.candidates.len(), 1);
    assert_eq!(scored.candidates[0].score >= scored.threshold, !links.links().is_empty());
    (scored.candidates[0].score, !links.links().is_empty())
}

#[test]
fn a_pair_exactly_at_the_threshold_is_in() {
    // 2·3/(3+5) = 0.75: the case that other programs lose to rounding.
    assert_eq!(linked_at(3, 3, 5, 7500), (0.75, true));
    assert_eq!(linked_at(3, 5, 3, 7500), (0.75, true));
    assert_eq!(linked_at(3, 3, 5, 7501), (0.75, false));
    assert!(linked_at(19, 19, 21, 9500).1 && !linked_at(19, 19, 21, 9501).1);
    assert!(linked_at(7, 7, 7, 10_000).1);
    assert!(!linked_at(511, 512, 512, 10_000).1);
    // Every Dice coefficient that has four decimals.
    let mut tried = 0;
    for sum in 2..=40usize {
        for common in 1..=sum / 2 {
            let (a, b) = (sum / 2, sum - sum / 2);
            if 2 * common * 10_000 % sum == 0 {
                let exact = 2 * common * 10_000 / sum;
                assert!(linked_at(common, a, b, exact).1, "{common} of {a} and {b}");
                assert!(exact == 10_000 || !linked_at(common, a, b, exact + 1).1, "{common} of {a} and {b}");
                tried += 1;
            }
        }
    }
    assert!(tried > 100);
    // Those that have not are rounded down: 2/3 is at least 0.6666 and not 0.6667.
    assert!(linked_at(2, 3, 3, 6666).1 && !linked_at(2, 3, 3, 6667).1);
}

#[test]
fn rows_without_a_bit_are_not_alike() {
    let schema = Schema::from_toml(&CLK.replace("threshold = 0.75", "threshold = 0.0001")).unwrap();
    let a = cohort_of_bits(&schema, "police", 1, &[vec![], vec![], vec![5]]);
    let b = cohort_of_bits(&schema, "school", 1, &[vec![], vec![6], vec![5]]);
    let links = Linker::new(&schema).link(&[&a, &b]).unwrap();
    assert_eq!(links.links().len(), 1);
}

// ---- Small and empty files -------------------------------------------------------------------------------------------

/// The default schema, the profile for single fields, and one filter, all with an automatic threshold.
fn automatic() -> Vec<Schema> {
    let field = |name: &str| {
        format!("[[encoding]]\nname = \"{name}\"\nlength = 128\ndiffusion = 0\nfields = {{ {name} = 45 }}\n")
    };
    let clk = CLK.replace("threshold = 0.75", "threshold = \"automatic\"");
    let (before, after) = (clk.find("[[encoding]]").unwrap(), clk.find("[linkage]").unwrap());
    let fields = ["forename", "surname", "date_of_birth"].map(field).concat();
    let diffused = clk
        .replace("length = 1024\ndiffusion = 0", "length = 1024\ndiffusion = 11\noutput = 1024")
        .replace("[privacy]\naccept_risk = \"invented people in a test\"\n", "");
    vec![
        Schema::from_toml(&clk).unwrap(),
        Schema::from_toml(&format!("{}{fields}{}", &clk[..before], &clk[after..])).unwrap(),
        Schema::from_toml(&diffused).unwrap(),
    ]
}

fn numbered(range: std::ops::Range<usize>) -> Vec<Record> {
    range.map(|i| record(i, &[&word(i), &word(i + 1000), &date(i)])).collect()
}

#[test]
fn files_of_no_or_one_row() {
    for schema in automatic().into_iter().chain([clk()]) {
        let cohort = |party, rows| encoder(&schema, party, 1).encode(&numbered(0..rows)).unwrap().cohort;
        for (rows_a, rows_b) in [(0, 0), (0, 1), (1, 0), (1, 1), (0, 5), (5, 0), (1, 300), (300, 1), (2, 2)] {
            let (a, b, c) = (cohort("police", rows_a), cohort("school", rows_b), cohort("care", rows_a));
            let linker = Linker::new(&schema).progress(|_| {});
            let links = linker.link(&[&a, &b]).unwrap();
            assert!(links.links().len() <= rows_a.min(rows_b));
            assert!(links.links().iter().all(|link| link.score.is_finite()));
            let _ = (links.summary().to_string(), outputs(&links));
            linker.link(&[&a, &b, &c]).unwrap();
            linker.deduplicate(&a).unwrap();
            linker.score_within(&b).unwrap();
            let scored = linker.score(&a, &b).unwrap();
            assert!(scored.candidates.iter().all(|c| c.score.is_finite()) && !scored.threshold.is_nan());
        }
    }
    // One and the same person, alone in two files, at a threshold that was agreed.
    let links = Linker::new(&clk()).link(&[&clk_cohort("police", 1), &clk_cohort("school", 1)]).unwrap();
    assert_eq!(links.links().len(), 1);
    assert_eq!(links.links()[0].score, 1.0);
}

#[test]
fn everybody_the_same() {
    for schema in automatic().into_iter().chain([clk()]) {
        let same = |party, rows: usize| {
            let people: Vec<Record> = (0..rows).map(|i| record(i, &["ann", "smith", "2011-07-09"])).collect();
            encoder(&schema, party, 1).encode(&people).unwrap().cohort
        };
        let (a, b) = (same("police", 150), same("school", 140));
        let links = Linker::new(&schema).link(&[&a, &b]).unwrap();
        assert!(links.links().len() <= 140);
        Linker::new(&schema).deduplicate(&a).unwrap();
    }
}

#[test]
fn everybody_missing() {
    for schema in automatic().into_iter().chain([clk()]) {
        let nobody = |party, rows: usize| {
            let people: Vec<Record> = (0..rows).map(|i| record(i, &["", "", ""])).collect();
            encoder(&schema, party, 1).encode(&people).unwrap().cohort
        };
        let links = Linker::new(&schema).link(&[&nobody("police", 150), &nobody("school", 140)]).unwrap();
        assert_eq!(links.links().len(), 0, "people of whom nothing is known are nobody");
        assert_eq!(Linker::new(&schema).deduplicate(&nobody("police", 50)).unwrap().links().len(), 0);
    }
}

#[test]
fn a_charity_and_a_cohort() {
    // 37 rows against 225, all fields whole: everybody common is found, and hardly anybody else.
    for schema in automatic() {
        let a = encoder(&schema, "police", 1).encode(&numbered(0..225)).unwrap();
        let b = encoder(&schema, "care", 1).encode(&numbered(200..237)).unwrap();
        let links = Linker::new(&schema).link(&[&a.cohort, &b.cohort]).unwrap();
        let found = by_own_ids(&links, &[&a, &b]);
        let wrong = found.iter().filter(|(a, b)| a != b).count();
        assert!(wrong <= 1, "{} encodings: {found:?}", schema.encodings().len());
        assert_eq!(found.len() - wrong, 25, "{} encodings", schema.encodings().len());
    }
}

// ---- Three parties ---------------------------------------------------------------------------------------------------

fn three() -> (Schema, [Encoded; 3]) {
    let schema =
        Schema::from_toml(&CLK.replace("suppress_below = 0", "suppress_below = 0\nkeep_unlinked = [\"police\"]"))
            .unwrap();
    let encode = |party, range| encoder(&schema, party, 1).encode(&numbered(range)).unwrap();
    let encoded = [encode("police", 0..100), encode("school", 50..200), encode("care", 80..130)];
    (schema, encoded)
}

fn link_three() -> (Links, [Encoded; 3]) {
    let (schema, encoded) = three();
    let links =
        Linker::new(&schema).seed([5; 32]).link(&[&encoded[0].cohort, &encoded[1].cohort, &encoded[2].cohort]).unwrap();
    (links, encoded)
}

#[test]
fn clusters_have_one_row_of_each_cohort_at_most() {
    let (links, encoded) = link_three();
    let maps: Vec<_> = encoded.iter().map(|encoded| encoded.row_map.to_map()).collect();
    assert_eq!(links.links().len(), 50 + 20 + 50);
    // 20 are in all three, 30 with police and school only, 30 with school and care only.
    assert_eq!(links.clusters().iter().filter(|c| c.members.len() == 3).count(), 20);
    assert_eq!(links.clusters().len(), 80);
    for cluster in links.clusters() {
        let cohorts: HashSet<usize> = cluster.members.iter().map(|m| m.cohort).collect();
        assert_eq!(cohorts.len(), cluster.members.len());
        let people: HashSet<&str> = cluster.members.iter().map(|&m| maps[m.cohort][&links.row_id(m)]).collect();
        assert_eq!(people.len(), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Rows that are all somewhat alike, so that links contradict each other.
    #[test]
    fn clusters_never_join_two_rows_of_a_cohort(
        rows in proptest::collection::vec(proptest::collection::vec(proptest::collection::btree_set(0usize..12, 1..6), 0..9), 4),
    ) {
        let text = CLK.replace("\"care\"", "\"care\", \"court\"").replace("length = 1024", "length = 12").replace("= 80", "= 3").replace("0.75", "0.5");
        let schema = Schema::from_toml(&text).unwrap();
        let cohorts: Vec<Cohort> = ["police", "school", "care", "court"].iter().zip(&rows)
            .map(|(party, rows)| cohort_of_bits(&schema, party, 1, &rows.iter().map(|r| r.iter().copied().collect()).collect::<Vec<_>>()))
            .collect();
        let links = Linker::new(&schema).link(&cohorts.iter().collect::<Vec<_>>()).unwrap();
        let mut seen = HashSet::new();
        for cluster in links.clusters() {
            let parties: HashSet<usize> = cluster.members.iter().map(|m| m.cohort).collect();
            prop_assert_eq!(parties.len(), cluster.members.len());
            prop_assert!(cluster.members.len() > 1);
            prop_assert!(cluster.members.iter().all(|member| seen.insert(*member)), "a row is in one cluster only");
        }
        // Every link is inside a cluster.
        for link in links.links() {
            prop_assert!(links.clusters().iter().any(|c| c.members.contains(&link.a) && c.members.contains(&link.b)));
        }
        // The tables have each person once, and in each owner's table each row once.
        for party in ["police", "school", "care", "court"] {
            let table = links.owner_table(party).unwrap();
            let (rows, ids): (HashSet<_>, HashSet<_>) = table.iter().copied().unzip();
            prop_assert_eq!((rows.len(), ids.len()), (table.len(), table.len()));
        }
    }
}

#[test]
fn owners_cannot_join_their_tables_and_the_study_can() {
    let (links, encoded) = link_three();
    let parties = ["police", "school", "care"];
    let tables = parties.map(|party| links.owner_table(party).unwrap());
    // All rows of the police, who asked for it; of the others those that are linked.
    assert_eq!(tables.each_ref().map(Vec::len), [100, 80, 50]);
    for (table, encoded) in tables.iter().zip(&encoded) {
        assert!(table.iter().all(|(row, _)| encoded.cohort.row_ids().contains(row)));
        assert!(table.is_sorted_by_key(|(_, id)| *id), "the order says nothing");
    }
    let study = links.study_table();
    let mut ids = HashSet::new();
    for (_, id) in tables.iter().flatten() {
        assert!(ids.insert(*id), "no id is in two tables");
    }
    for (study, ..) in &study {
        assert!(!ids.contains(study), "no owner sees a study id");
    }
    // Through the study table each person's rows come together, and only theirs.
    let mut people: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for (study, party, link) in &study {
        let cohort = parties.iter().position(|p| p == party).unwrap();
        let (row, _) = tables[cohort].iter().find(|(_, id)| id == link).unwrap();
        people.entry(study).or_default().push(encoded[cohort].row_map.to_map()[row]);
    }
    assert_eq!(study.len(), 230);
    assert_eq!(people.len(), 100 + 30, "everybody whom the police hold, and those of school and care alone");
    for same in people.values() {
        assert!(same.iter().all(|id| *id == same[0]));
    }
    assert!(links.owner_table("courts").is_err());
}

#[test]
fn only_who_asked_for_it_gets_ids_of_unlinked_rows() {
    let (_, encoded) = three();
    let without = Schema::from_toml(CLK).unwrap();
    let cohort = |party, range| encoder(&without, party, 1).encode(&numbered(range)).unwrap().cohort;
    let links = Linker::new(&without).link(&[&cohort("police", 0..100), &cohort("school", 50..200)]).unwrap();
    assert_eq!(links.owner_table("police").unwrap().len(), 50);
    assert_eq!(links.study_table().len(), 100);
    assert_eq!(encoded[0].cohort.rows(), 100);
}

#[test]
fn debug_of_links_shows_no_row() {
    let (links, encoded) = link_three();
    let shown = format!("{links:?}{links:#?}{:?}{}", links.summary(), links.summary());
    for id in encoded.iter().flat_map(|encoded| encoded.cohort.row_ids()) {
        assert!(!shown.contains(&id.to_string()));
    }
    assert_eq!(format!("{links:?}"), "Links(120 links, 80 clusters)");
}

// ---- The summary -----------------------------------------------------------------------------------------------------

#[test]
fn small_counts_are_not_shown() {
    let schema = Schema::from_toml(&CLK.replace("suppress_below = 0", "suppress_below = 10")).unwrap();
    let cohort = |party, range| encoder(&schema, party, 1).encode(&numbered(range)).unwrap().cohort;
    let summary = Linker::new(&schema).link(&[&cohort("police", 0..9), &cohort("school", 0..30)]).unwrap().summary();
    let shown = summary.to_string();
    assert!(shown.contains("<10 rows") && shown.contains("<10 links") && shown.contains("30 rows"), "{shown}");
    assert!(!shown.contains(" 9 "), "{shown}");
    let summary = Linker::new(&schema).link(&[&cohort("police", 0..10), &cohort("school", 0..30)]).unwrap().summary();
    assert!(summary.to_string().contains("10 links"), "{summary}");
    // None is not a small number of people.
    let summary = Linker::new(&schema).link(&[&cohort("police", 0..20), &cohort("school", 50..80)]).unwrap().summary();
    assert!(summary.to_string().contains("0 links"), "{summary}");
}

/// A count that is not shown is no number as text.
fn exact(counted: &impl std::fmt::Display) -> Option<u64> {
    counted.to_string().parse().ok()
}

/// A count that is not shown must not be the difference of two that are.
#[test]
fn small_counts_cannot_be_worked_out() {
    use pprl::linkage::Summary;
    let text = CLK.replace("suppress_below = 0", "suppress_below = 10").replace(
        "[linkage]",
        "[[match_key]]\nname = \"person\"\nfields = [\"forename\", \"surname\", \"date_of_birth\"]\n[linkage]",
    );
    let schema = Schema::from_toml(&text).unwrap();
    let summary = |a: Vec<Record>, b: Vec<Record>| -> Summary {
        let (a, b) = (
            encoder(&schema, "police", 1).encode(&a).unwrap().cohort,
            encoder(&schema, "school", 1).encode(&b).unwrap().cohort,
        );
        Linker::new(&schema).link(&[&a, &b]).unwrap().summary()
    };
    let small = |n: u64| n > 0 && n < 10;

    // 97 of 100 rows are linked: three are not.
    let of_all = summary(numbered(0..100), numbered(3..200));
    for (party, rows, linked) in &of_all.parties {
        if let (Some(rows), Some(linked)) = (exact(rows), exact(linked)) {
            assert!(!small(rows - linked), "{party}: {linked} of {rows} rows are linked, so {} are not", rows - linked);
        }
    }
    // Forty links, of which three are no copies: by match key are 37, and one bin of scores is hidden.
    let mut slips = numbered(0..40);
    for (i, record) in slips.iter_mut().enumerate().take(3) {
        let mut name = word(i);
        name.replace_range(6..7, "q");
        *record = helpers::record(i, &[&name, &word(i + 1000), &date(i)]);
    }
    let with_slips = summary(slips, numbered(0..60));
    let pair = &with_slips.pairs[0];
    let links = exact(&pair.links).unwrap();
    assert_eq!(links, 40);
    if let Some(by_key) = exact(&pair.by_match_key) {
        assert!(!small(links - by_key), "{links} links, {by_key} by match key: {} are not", links - by_key);
    }
    let hidden = pair.histogram.iter().filter(|(_, bin)| exact(bin).is_none()).count();
    let shown: u64 = pair.histogram.iter().filter_map(|(_, bin)| exact(bin)).sum();
    assert!(hidden != 1 || !small(links - shown), "the one hidden bin holds {}", links - shown);
}

// ---- Match keys ------------------------------------------------------------------------------------------------------

#[test]
fn match_keys_link_only_who_is_alone_with_them() {
    let text = CLK.replace("[linkage]", "[[field]]\nname = \"nhs\"\nkind = \"identifier\"\nscheme = \"nhs_number\"\n[[match_key]]\nname = \"nhs\"\nfields = [\"nhs\"]\n[linkage]");
    let schema = Schema::from_toml(&text).unwrap();
    let person = |i: usize, nhs: &str| record(i, &[&word(i), &word(i + 100), &date(i), nhs]);
    let (first, second) = ("9434765919", "9876543210");
    let link = |a: &[Record], b: &[Record]| {
        let (a, b) =
            (encoder(&schema, "police", 1).encode(a).unwrap(), encoder(&schema, "school", 1).encode(b).unwrap());
        let links = Linker::new(&schema).link(&[&a.cohort, &b.cohort]).unwrap();
        assert!(links.links().iter().all(|link| link.reason == Reason::MatchKey(0)));
        by_own_ids(&links, &[&a, &b])
    };
    let pair = |a: &str, b: &str| BTreeSet::from([(a.to_owned(), b.to_owned())]);
    // Names and dates all differ.
    assert_eq!(link(&[person(1, first), person(2, "")], &[person(3, first), person(4, second)]), pair("1", "3"));
    // A number that two rows of one file share belongs to neither.
    assert_eq!(link(&[person(1, first)], &[person(3, first), person(4, first)]), BTreeSet::new());
    assert_eq!(link(&[person(1, first), person(2, first)], &[person(3, first)]), BTreeSet::new());
    // A blank is nobody's number, and a wrong one is not one.
    assert_eq!(link(&[person(1, "")], &[person(3, "")]), BTreeSet::new());
    assert_eq!(link(&[person(1, "9434765918")], &[person(3, "9434765918")]), BTreeSet::new());
    assert_eq!(link(&[person(1, "0000000000")], &[person(3, "000 000 0000")]), BTreeSet::new());
    // Written otherwise it is the same number.
    assert_eq!(link(&[person(1, "943 476 5919")], &[person(3, "943-476-5919")]), pair("1", "3"));
}

// ---- Invented families -----------------------------------------------------------------------------------------------

#[cfg(feature = "synth")]
mod families {
    use super::*;
    use pprl::synth::{Agency, Options, Population};

    /// The default schema without match keys: similarity alone.
    fn similarity_only() -> Schema {
        let text = include_str!("../examples/schemas/uk_person.toml");
        let cut = |text: &str, from: &str, to: &str| {
            let (from, to) = (text.find(from).unwrap(), text.find(to).unwrap());
            format!("{}{}", &text[..from], &text[to..])
        };
        let text = cut(text, "[[match_key]]", "[linkage]");
        let text = cut(&text, "[[field]]\nname = \"nhs_number\"", "# ---- Encodings");
        let text = cut(&text, "[[field]]\nname = \"sex\"", "[[field]]\nname = \"postcode\"");
        Schema::from_toml(&text).unwrap()
    }

    fn encode(schema: &Schema, population: &Population, agency: Agency) -> (Encoded, HashMap<String, String>) {
        let value = |record: &pprl::synth::Record, field: &str| match field {
            "forename" => record.forename.clone(),
            "surname" => record.surname.clone(),
            "date_of_birth" => record.date_of_birth.clone(),
            "sex" => record.sex.clone(),
            "postcode" => record.postcode.clone(),
            "nhs_number" => record.nhs_number.clone(),
            "upn" => record.upn.clone(),
            other => panic!("{other}"),
        };
        let people: Vec<Record> = population
            .records(agency)
            .iter()
            .map(|r| Record::new(r.record_id.clone(), schema.fields().iter().map(|f| value(r, f.name())).collect()))
            .collect();
        let truth = population.records(agency).iter().map(|r| (r.record_id.clone(), r.person_id.clone())).collect();
        (encoder(schema, agency.name(), 1).encode(&people).unwrap(), truth)
    }

    /// Precision, recall and the number of links between two agencies.
    fn quality(schema: &Schema, population: &Population, agencies: [Agency; 2]) -> (f64, f64, usize) {
        let [(a, truth_a), (b, truth_b)] = agencies.map(|agency| encode(schema, population, agency));
        let links = Linker::new(schema).link(&[&a.cohort, &b.cohort]).unwrap();
        let found = by_own_ids(&links, &[&a, &b]);
        let right = found.iter().filter(|(a, b)| truth_a[a] == truth_b[b]).count() as f64;
        let people: HashSet<&String> = truth_b.values().collect();
        let all = truth_a.values().filter(|person| people.contains(person)).count() as f64;
        (right / (found.len() as f64).max(1.0), right / all.max(1.0), found.len())
    }

    #[test]
    fn siblings_and_twins_are_told_apart() {
        let population = Population::generate(&Options { seed: 3, children: 1500, ..Options::default() }).unwrap();
        for schema in [Schema::uk_person(), similarity_only()] {
            let (precision, recall, links) = quality(&schema, &population, [Agency::Police, Agency::Education]);
            assert!(precision > 0.93 && recall > 0.75, "precision {precision:.3}, recall {recall:.3}, {links} links");
            let (precision, recall, links) = quality(&schema, &population, [Agency::SocialCare, Agency::Education]);
            assert!(precision > 0.93 && recall > 0.75, "precision {precision:.3}, recall {recall:.3}, {links} links");
        }
    }

    #[test]
    fn files_without_errors_are_linked_whole() {
        let population =
            Population::generate(&Options { seed: 4, children: 700, noise: 0, ..Options::default() }).unwrap();
        let (precision, recall, links) = quality(&similarity_only(), &population, [Agency::Police, Agency::Education]);
        assert!(precision == 1.0 && recall > 0.99, "precision {precision:.3}, recall {recall:.3}, {links} links");
    }

    #[test]
    fn files_with_nobody_in_common_are_not_linked() {
        let county = |seed| Population::generate(&Options { seed, children: 1000, ..Options::default() }).unwrap();
        for schema in [Schema::uk_person(), similarity_only()] {
            for (one, other) in [(11, 12), (13, 14)] {
                let (a, _) = encode(&schema, &county(one), Agency::SocialCare);
                let (b, _) = encode(&schema, &county(other), Agency::Education);
                // Numbers of two invented counties are the same on purpose: they count from one.
                let links = Linker::new(&schema).link(&[&a.cohort, &b.cohort]).unwrap();
                let similar = links.links().iter().filter(|link| link.reason == Reason::Similarity).count();
                let rows = a.cohort.rows();
                assert!(similar * 100 <= rows, "{similar} links between {rows} children and a county of strangers");
            }
        }
    }

    #[test]
    fn three_agencies_whole_in_any_number_of_threads() {
        let population =
            Population::generate(&Options { seed: 5, children: 400, cohort: 60, ..Options::default() }).unwrap();
        let schema = Schema::uk_person();
        let run = |threads| {
            in_threads(threads, || {
                let encoded = Agency::ALL.map(|agency| encode(&schema, &population, agency).0);
                let cohorts: Vec<&Cohort> = encoded.iter().map(|e| &e.cohort).collect();
                let links = Linker::new(&schema).seed([1; 32]).link(&cohorts).unwrap();
                assert!(links.clusters().iter().any(|c| c.members.len() == 3));
                (cohorts.iter().map(|c| c.to_json()).collect::<Vec<_>>(), outputs(&links))
            })
        };
        assert!(run(1) == run(4));
    }
}

#[test]
fn what_a_crash_left_is_not_published() {
    let (links, _) = link_three();
    let folder = tempfile::tempdir().unwrap();
    for attempt in 0..2 {
        let stale = folder.path().join(format!(".out.{}-{attempt}.partial", std::process::id()));
        fs::create_dir(&stale).unwrap();
        fs::write(stale.join("court.links.csv"), "of another run").unwrap();
    }
    links.write(folder.path().join("out")).unwrap();
    assert_eq!(files_in(&folder.path().join("out")).len(), 7, "{:?}", files_in(&folder.path().join("out")));
    // Nothing is written over.
    let before = outputs(&links);
    assert!(links.write(folder.path().join("out")).is_err());
    assert!(links.write(folder.path().join("out/links.csv")).is_err());
    assert_eq!(fs::read(folder.path().join("out/links.csv")).unwrap(), before["links.csv"]);
    assert_eq!(files_in(folder.path()).len(), 3);
}
