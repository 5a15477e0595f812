//! Evaluation against what the definitions say, worked out the slow way.
#![cfg(feature = "evaluate")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::float_cmp,
    reason = "a test that panics has said what is wrong"
)]

use std::collections::{BTreeMap, BTreeSet};

use pprl::cohort::RowId;
use pprl::evaluate::{
    Against, Bootstrap, ErrorAnalysis, FieldState, LabelledPair, LabelledSample, LostBecause, Quality, Truth,
    draw_for_review, write_for_review,
};
use pprl::linkage::{Candidate, LevelPatterns, Reason, ScoredPairs, assign};
use pprl::schema::Assignment;
use pprl::{ErrorKind, Record, Schema};
use proptest::prelude::*;

/// Candidates in the order in which the linker gives them.
fn scored(mut candidates: Vec<Candidate>, threshold: f32) -> ScoredPairs {
    let rank = |c: &Candidate| match c.reason {
        Reason::MatchKey(key) => key,
        _ => u8::MAX,
    };
    candidates
        .sort_by(|x, y| rank(x).cmp(&rank(y)).then(y.score.total_cmp(&x.score)).then((x.a, x.b).cmp(&(y.a, y.b))));
    let patterns = LevelPatterns::default();
    ScoredPairs { candidates, threshold, expected_precision: None, model: None, patterns, blocking: None }
}

fn candidate(a: u32, b: u32, score: f32) -> Candidate {
    Candidate { a, b, score, reason: Reason::Similarity }
}

fn pairs(links: &[Candidate]) -> Vec<(u32, u32)> {
    links.iter().map(|link| (link.a, link.b)).collect()
}

const ROWS: u32 = 12;

fn entities() -> impl Strategy<Value = Vec<String>> {
    let entity = prop_oneof![1 => Just(String::new()), 6 => "[a-h]"];
    prop::collection::vec(entity, ROWS as usize)
}

fn some_pairs() -> impl Strategy<Value = BTreeSet<(u32, u32)>> {
    prop::collection::btree_set((0..ROWS, 0..ROWS), 0..40)
}

fn candidates() -> impl Strategy<Value = ScoredPairs> {
    (some_pairs(), prop::collection::vec((0..8u32, prop::bool::weighted(0.1)), 40)).prop_map(|(pairs, scores)| {
        let candidate = |((a, b), (score, by_key)): ((u32, u32), (u32, bool))| Candidate {
            reason: if by_key { Reason::MatchKey(0) } else { Reason::Similarity },
            ..candidate(a, b, score as f32 / 8.0)
        };
        scored(pairs.into_iter().zip(scores).map(candidate).collect(), 0.5)
    })
}

fn fast() -> Bootstrap {
    Bootstrap::new(100, 0.95, 4).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_curve_is_what_each_threshold_gives(a in entities(), b in entities(), found in candidates(), most in 0..12usize) {
        let truth = Truth { a: &a, b: Some(&b) };
        for assignment in [Assignment::OneToOne, Assignment::ManyToMany, Assignment::ManyToOne] {
            let curve = truth.curve(&found, assignment, usize::MAX);
            let mut thresholds: Vec<f32> = (0..8).map(|score| score as f32 / 8.0).chain([f32::INFINITY]).collect();
            thresholds.reverse();
            let mut best = Quality::default();
            for threshold in thresholds {
                let expected = truth.quality(pairs(&assign(&found.candidates, threshold, assignment)));
                let point = curve.points.iter().rev().find(|point| point.threshold >= threshold).unwrap();
                prop_assert_eq!(point.quality, expected);
                if expected.f1 > best.f1 {
                    best = expected;
                }
            }
            if best.f1 > 0.0 {
                prop_assert_eq!(curve.best().quality, best);
            }
            let judged = truth.judge(&found, assignment);
            prop_assert_eq!((judged.best, judged.best_threshold), (curve.best().quality, curve.best().threshold));

            let thin = truth.curve(&found, assignment, most);
            prop_assert!(thin.points.len() <= most.max(3));
            prop_assert!(thin.points.iter().all(|point| curve.points.contains(point)));
            prop_assert_eq!(thin.best(), curve.best());
            prop_assert_eq!(thin.points.first(), curve.points.first());
            prop_assert_eq!(thin.points.last(), curve.points.last());
        }
    }

    #[test]
    fn a_run_compared_with_itself_differs_by_nothing(a in entities(), b in entities(), run in some_pairs()) {
        let truth = Truth { a: &a, b: Some(&b) };
        let same = truth.compare(run.clone(), run.clone(), &fast());
        prop_assert_eq!(same.first, same.second);
        for shared in [same.right, same.wrong] {
            prop_assert_eq!((shared.first_only, shared.second_only), (0, 0));
        }
        for difference in [same.precision, same.recall, same.f1] {
            prop_assert_eq!(difference.difference, 0.0);
            prop_assert!(difference.interval.is_none_or(|interval| (interval.low, interval.high) == (0.0, 0.0)));
            prop_assert!(!difference.is_beyond_chance());
        }
        prop_assert_eq!((same.better_first, same.better_second, same.p_value), (0, 0, 1.0));
    }

    #[test]
    fn a_comparison_is_counting(a in entities(), b in entities(), first in some_pairs(), second in some_pairs()) {
        let truth = Truth { a: &a, b: Some(&b) };
        let found = truth.compare(first.clone(), second.clone(), &fast());
        prop_assert_eq!(found.first, truth.quality(first.clone()));
        prop_assert_eq!(found.second, truth.quality(second.clone()));
        let of = |set: &BTreeSet<(u32, u32)>, right| set.iter().filter(|&&(a, b)| truth.is_match(a, b) == right).count() as u64;
        let (both, only) = (&first & &second, &first - &second);
        prop_assert_eq!((found.right.both, found.wrong.both), (of(&both, true), of(&both, false)));
        prop_assert_eq!((found.right.first_only, found.wrong.first_only), (of(&only, true), of(&only, false)));
        let right = found.right.both + found.right.first_only + found.right.second_only;
        prop_assert_eq!(found.missed + right, found.first.truth);

        let back = truth.compare(second, first, &fast());
        prop_assert_eq!(back.f1.difference, -found.f1.difference);
        prop_assert_eq!((back.better_first, back.p_value), (found.better_second, found.p_value));
        let ends = |interval: Option<pprl::evaluate::Interval>| interval.map(|i| (i.low, i.high));
        let (there, back) = (ends(found.recall.interval), ends(back.recall.interval));
        prop_assert_eq!(there.is_some(), back.is_some());
        if let (Some(there), Some(back)) = (there, back) {
            prop_assert!((there.0 + back.1).abs() < 1e-9 && (there.1 + back.0).abs() < 1e-9);
        }
    }

    #[test]
    fn intervals_are_of_shares_and_repeat(a in entities(), b in entities(), run in some_pairs()) {
        for truth in [Truth { a: &a, b: Some(&b) }, Truth { a: &a, b: None }] {
            let run: Vec<_> = run.iter().copied().filter(|(a, b)| truth.b.is_some() || a < b).collect();
            let quality = truth.quality(run.clone());
            let found = truth.intervals(run.clone(), &fast());
            prop_assert_eq!(found, truth.intervals(run, &fast()));
            for (interval, of) in [(found.precision, quality.links), (found.recall, quality.truth)] {
                prop_assert!(interval.is_none() || of > 0);
                prop_assert!(interval.is_none_or(|i| 0.0 <= i.low && i.low <= i.high && i.high <= 1.0));
            }
            prop_assert_eq!(found.people == 0, quality.links + quality.truth == 0);
        }
    }

    #[test]
    fn groups_with_gaps_are_groups(a in entities(), b in entities(), run in some_pairs(), smallest in 0..5usize) {
        let truth = Truth { a: &a, b: Some(&b) };
        let group = |a: u32, b: u32| (a + b) % 3;
        let plain = truth.by_group(run.clone(), group);
        for against in [Against::Others, Against::Best] {
            let gaps = truth.gaps(run.clone(), group, smallest, against, &fast());
            let quality: BTreeMap<u32, Quality> = gaps.groups.iter().map(|(&group, found)| (group, found.quality)).collect();
            prop_assert_eq!(&quality, &plain);
            for (group, found) in &gaps.groups {
                let Some(gap) = found.recall else { continue };
                prop_assert!(found.people >= smallest);
                let others = plain.iter().filter(|(other, _)| *other != group);
                let expected = match against {
                    Against::Others => others.fold(Quality::default(), |sum, (_, quality)| sum + *quality).recall,
                    Against::Best => {
                        let large = gaps.groups.values().filter(|found| found.people >= smallest.max(1));
                        large.map(|found| found.quality.recall).fold(0.0, f64::max)
                    }
                };
                prop_assert!((gap.difference - (found.quality.recall - expected)).abs() < 1e-12);
            }
        }
    }

    /// Where somebody labelled everything, the sample says what the truth says.
    #[test]
    fn a_sample_of_everything_is_the_truth(a in entities(), b in entities(), found in candidates()) {
        let truth = Truth { a: &a, b: Some(&b) };
        let [ids_a, ids_b] = [1, 2].map(|file| (0..ROWS as u8).map(|row| RowId([file, row].repeat(8).try_into().unwrap())).collect::<Vec<_>>());
        let label = |(x, y): (u32, u32)| LabelledPair {
            a: ids_a[x as usize],
            b: ids_b[y as usize],
            is_match: truth.is_match(x, y),
            weight: 1.0,
        };
        let everything = (0..ROWS).flat_map(|x| (0..ROWS).map(move |y| (x, y)));
        let sample = LabelledSample { pairs: everything.map(label).collect() };
        let judged = sample.judge(&found, &ids_a, Some(&ids_b), Assignment::OneToOne).unwrap();
        let curve = truth.curve(&found, Assignment::OneToOne, usize::MAX);
        let linked = curve.points.iter().filter(|point| point.quality.links > 0);
        prop_assert_eq!(judged.points.len(), linked.clone().count());
        for (point, expected) in judged.points.iter().zip(linked) {
            prop_assert_eq!(point.threshold, expected.threshold);
            prop_assert_eq!((point.links as u64, point.correct as u64), (expected.quality.links, expected.quality.correct));
            prop_assert_eq!(point.precision, Some(expected.quality.precision));
            prop_assert_eq!(point.recall, Some(expected.quality.recall).filter(|_| expected.quality.truth > 0));
        }
        prop_assert_eq!(judged.not_candidates, (ROWS * ROWS) as usize - found.candidates.len());
    }
}

#[test]
fn a_weighted_sample_stands_for_more() {
    let ids: Vec<RowId> = (0..8).map(|row| RowId([row; 16])).collect();
    let (a, b) = ids.split_at(4);
    let found =
        scored(vec![candidate(0, 0, 0.9), candidate(1, 1, 0.6), candidate(2, 2, 0.3), candidate(3, 2, 0.2)], 0.5);
    let pair = |row: usize, other: usize, is_match, weight| LabelledPair { a: a[row], b: b[other], is_match, weight };
    let sample = LabelledSample {
        pairs: vec![pair(0, 0, true, 1.0), pair(1, 1, false, 3.0), pair(2, 2, true, 4.0), pair(3, 2, true, 5.0)],
    };
    let judged = sample.judge(&found, a, Some(b), Assignment::OneToOne).unwrap();
    let point = judged.at(0.25).unwrap();
    // Row 2 of `b` went to the better pair, so the last match is linked at no threshold.
    assert_eq!((point.links, point.correct), (3, 2));
    assert_eq!((point.precision, point.recall), (Some(5.0 / 8.0), Some(0.5)));
    // Below what was labelled, nobody knows.
    assert_eq!(judged.at(0.1), None);
    assert_eq!(judged.intervals(0.1, &fast()), [None, None]);
    let [precision, recall] = judged.intervals(0.25, &fast());
    assert!(precision.is_some_and(|i| i.contains(5.0 / 8.0)) && recall.is_some_and(|i| i.contains(0.5)));
    let words = judged.to_string();
    assert!(words.contains("0.200 to 0.900") && words.contains("lower"), "{words}");

    // Inside one cohort, in either order.
    let within = LabelledSample { pairs: vec![LabelledPair { a: a[1], b: a[0], is_match: true, weight: 1.0 }] };
    let found = scored(vec![candidate(0, 1, 0.9)], 0.5);
    assert_eq!(within.judge(&found, a, None, Assignment::ManyToMany).unwrap().points[0].recall, Some(1.0));
    let stranger = within.judge(&found, &a[1..], None, Assignment::ManyToMany).unwrap_err();
    assert!(matches!(stranger.kind(), ErrorKind::Mismatch { .. }));
    let weightless = LabelledSample { pairs: vec![pair(0, 0, true, f64::NAN)] };
    let refused = weightless.judge(&found, a, Some(b), Assignment::OneToOne).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Argument { .. }));
}

/// From the draw to the estimate: on average it is what labelling all candidates would say.
#[test]
fn what_is_drawn_for_review_stands_for_all_candidates() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("review.csv");
    let rows = 600u32;
    let entities: Vec<String> = (0..rows).map(|entity| entity.to_string()).collect();
    // Every third candidate is wrong, and most of those are in the lower half.
    let later: Vec<String> =
        (0..rows).map(|row| if row.is_multiple_of(3) { "x".into() } else { row.to_string() }).collect();
    let score = |row: u32| if row.is_multiple_of(3) { row as f32 / 1200.0 } else { 1.0 - row as f32 / 1200.0 };
    let found = scored((0..rows).map(|row| candidate(row, row, score(row))).collect(), 0.7);
    let truth = Truth { a: &entities, b: Some(&later) };
    let id = |file: u32, row: u32| RowId([file, row, file, row].map(u32::to_be_bytes).concat().try_into().unwrap());
    let [ids, ids_b] = [1, 2].map(|file| (0..rows).map(|row| id(file, row)).collect::<Vec<RowId>>());

    let all = draw_for_review(&found, 5, usize::MAX, 1);
    assert!(all.len() == rows as usize && all.iter().all(|pair| pair.weight == 1.0));
    assert_eq!(draw_for_review(&found, 5, 20, 8), draw_for_review(&found, 5, 20, 8));
    assert!(draw_for_review(&scored(Vec::new(), 0.5), 5, 20, 1).is_empty());
    assert!(draw_for_review(&found, 0, 0, 1).is_empty());

    let expected = truth.quality(pairs(&assign(&found.candidates, 0.4, Assignment::OneToOne)));
    let matches = (0..rows).filter(|&row| truth.is_match(row, row)).count() as f64;
    let draws = 40;
    let mut means = [0.0; 2];
    for seed in 0..draws {
        let drawn = draw_for_review(&found, 5, 20, seed);
        assert!(drawn.len() <= 100);
        assert!((drawn.iter().map(|pair| pair.weight).sum::<f64>() - f64::from(rows)).abs() < 1e-6);
        write_for_review(&drawn, &ids, &ids_b, &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(LabelledSample::read_csv(&path).is_err(), "nobody has judged it yet");
        let mut lines = text.lines();
        let mut labelled = lines.next().unwrap().to_owned() + "\n";
        for (line, pair) in lines.zip(&drawn) {
            labelled += line;
            labelled += if truth.is_match(pair.a, pair.b) { "yes\n" } else { "no\n" };
        }
        std::fs::write(&path, labelled).unwrap();
        let sample = LabelledSample::read_csv(&path).unwrap();
        let judged = sample.judge(&found, &ids, Some(&ids_b), Assignment::OneToOne).unwrap();
        let point = judged.at(0.4).unwrap();
        means[0] += point.precision.unwrap() / draws as f64;
        means[1] += point.recall.unwrap() / draws as f64;
    }
    assert!((means[0] - expected.precision).abs() < 0.02, "{means:?} {expected:?}");
    assert!((means[1] - expected.correct as f64 / matches).abs() < 0.02, "{means:?} {expected:?}");
}

#[test]
fn labels_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.csv");
    let read = |content: &str| {
        std::fs::write(&path, content).unwrap();
        LabelledSample::read_csv(&path)
    };
    let (x, y) = ("0a".repeat(16), "0b".repeat(16));
    let good = read(&format!("note,match,row_b,row_a,weight\nsure,Yes,{y},{x},2.5\n,0,{x},{y}{y}\n"));
    assert!(matches!(good.unwrap_err().kind(), ErrorKind::Rows { total: 1, .. }));
    let good = read(&format!("note,match,row_b,row_a,weight\r\nsure, Yes ,{y},{x},2.5\r\n")).unwrap();
    assert_eq!(good.pairs, [LabelledPair { a: RowId([10; 16]), b: RowId([11; 16]), is_match: true, weight: 2.5 }]);
    assert_eq!(read(&format!("row_a,row_b,match\n{x},{y},false\n")).unwrap().pairs[0].weight, 1.0);

    for row in [
        format!("{x},{x},1,1"),
        format!("{x},Quillon,1,1"),
        format!("{x},{y},Quillon,1"),
        format!("{x},{y},,1"),
        format!("{x},{y},1,Quillon"),
        format!("{x},{y},1,0"),
        format!("{x},{y},1,-2"),
        format!("{x},{y},1,inf"),
        format!("{x},{y},1"),
        format!("{x},{y},1,1\n{y},{x},0,1"),
    ] {
        let error = read(&format!("row_a,row_b,match,weight\n{row}\n")).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Rows { total: 1, .. }), "{row}: {error}");
        assert!(!error.to_string().contains("Quillon") && !error.to_string().contains(&x), "{error}");
    }
    for content in ["", "row_a,row_b\n", "row_a,row_b,match\n"] {
        assert!(matches!(read(content).unwrap_err().kind(), ErrorKind::File { .. }), "{content}");
    }
    assert!(matches!(
        LabelledSample::read_csv(folder.path().join("none.csv")).unwrap_err().kind(),
        ErrorKind::Io { .. }
    ));
}

#[test]
fn a_curve_is_written_with_both_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("curve.csv");
    let entities: Vec<String> = (0..3).map(|entity| entity.to_string()).collect();
    let found = scored(vec![candidate(0, 0, 1.5), candidate(1, 2, 0.25)], 0.5);
    Truth { a: &entities, b: Some(&entities) }.curve(&found, Assignment::OneToOne, 100).write_csv(&path).unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "threshold,precision,recall,f1,links,correct,truth");
    assert_eq!(lines[1], "inf,0.000000,0.000000,0.000000,0,0,3");
    assert_eq!(lines[2], "1.5,1.000000,0.333333,0.500000,1,1,3");
    assert_eq!(lines[3], "0.25,0.500000,0.333333,0.400000,2,1,3");
}

/// Five people, of whom everything that can happen happens to one.
fn mishaps() -> (ErrorAnalysis, Vec<&'static str>) {
    let schema = Schema::uk_person();
    let people = [
        ("Quillon", "Varnapurth", "2011-07-09", "F", "ZE1 0AA"),
        ("Ottoline", "Brackwater", "2009-03-04", "F", "OX1 1AA"),
        ("Zebedee", "Thistlewood", "2010-12-01", "M", "OX2 6TP"),
        ("Peregrine", "Hollowbone", "2008-05-06", "M", "SW1A 1AA"),
        ("Wilhelmina", "Underlake", "2007-01-02", "F", "M1 1AE"),
    ];
    let later = [
        people[0],
        // Surname and postcode changed.
        ("Ottoline", "Fennimore", "2009-03-04", "F", "M43 2ZZ"),
        ("Zebedee", "Mortlake", "2010-12-01", "M", "LS1 4AP"),
        // Names swapped, day and month too, no postcode.
        ("Hollowbone", "Peregrine", "2008-06-05", "M", ""),
        // A typing error.
        ("Wilhelmina", "Underlaek", "2007-01-02", "F", "M1 1AE"),
    ];
    let records = |people: &[(&str, &str, &str, &str, &str)]| -> Vec<Record> {
        let record = |&(forename, surname, born, sex, postcode): &(&str, &str, &str, &str, &str)| {
            Record::new("1", [forename, surname, born, sex, postcode, "", ""].map(str::to_owned).to_vec())
        };
        people.iter().map(record).collect()
    };
    let entities: Vec<String> = (0..5).map(|entity| entity.to_string()).collect();
    let truth = Truth { a: &entities, b: Some(&entities) };
    // The last one is lost to a better-scoring wrong partner; person 3 was never a candidate.
    let found = scored(
        vec![
            candidate(0, 0, 0.9),
            candidate(4, 3, 0.8),
            candidate(4, 4, 0.7),
            candidate(1, 1, 0.4),
            candidate(2, 2, 0.3),
        ],
        0.5,
    );
    let links = pairs(&assign(&found.candidates, found.threshold, Assignment::OneToOne));
    let values = people.iter().chain(&later).flat_map(|p| [p.0, p.1, p.2, p.4]).filter(|value| !value.is_empty());
    (truth.errors(&schema, &records(&people), Some(&records(&later)), &found, links), values.collect())
}

#[test]
fn errors_are_told_apart_without_values() {
    let (found, values) = mishaps();
    let because = LostBecause { never_candidate: 1, below_threshold: 2, to_wrong_partner: 1, to_right_partner: 0 };
    assert_eq!((found.truth, found.lost.pairs, found.wrong.pairs, found.lost_because), (5, 4, 1, because));
    // Half of the lost had both changed, of all true pairs two in five. Whoever had one changed had both.
    let lost = &found.lost.combinations;
    let both = lost.iter().find(|c| c.to_string() == "surname changed and postcode changed").unwrap();
    assert_eq!((both.pairs, both.share, both.base), (2, 0.5, 0.4));
    assert!(lost.iter().all(|c| c.to_string() != "surname changed" && !c.to_string().contains("upn")), "{lost:?}");
    let swapped = lost.iter().flat_map(|c| &c.parts).filter(|part| part.state == FieldState::Swapped);
    let swapped: BTreeSet<&str> = swapped.map(|part| part.field.as_str()).collect();
    assert_eq!(swapped, BTreeSet::from(["date_of_birth", "forename", "surname"]));
    for text in [found.to_string(), format!("{found:?}"), serde_json::to_string(&found).unwrap()] {
        for value in &values {
            assert!(!text.to_uppercase().contains(&value.to_uppercase()), "a value is in: {text}");
        }
    }
    assert!(
        found.to_string().contains("4 of 5 true pairs lost, 1 wrong links.\nOf those lost, 1 were never a candidate"),
        "{found}"
    );
}
