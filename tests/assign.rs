//! Who is chosen where pairs exclude each other, who is one person across several cohorts, and what somebody decided by
//! hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::float_cmp,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    clippy::single_range_in_vec_init,
    clippy::too_many_lines,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(all(feature = "owner", feature = "linkage"))]

#[path = "helpers/helpers.rs"]
mod helpers;

use std::collections::{BTreeSet, HashSet};
use std::fs;

use helpers::{CLK, clk, clk_cohort, cohort_of_bits, encoder, json, record, says_but_not, seal};
use pprl::cohort::RowId;
use pprl::linkage::{Candidate, Constraints, Reason, Solver, assign};
use pprl::schema::Assignment;
use pprl::{Cohort, Error, ErrorKind, Linker, Links, Schema};
use proptest::prelude::*;

const ASSIGNMENTS: [Assignment; 4] =
    [Assignment::OneToOne, Assignment::ManyToOne, Assignment::OneToMany, Assignment::ManyToMany];

fn solvers() -> Vec<Solver> {
    ["greedy", "optimal"].iter().filter_map(|name| name.parse().ok()).collect()
}

/// Filters of so many bits, and a threshold; four parties.
fn schema_of(bits: usize, threshold: f32, more: &str) -> Schema {
    let text = CLK
        .replace("\"care\"", "\"care\", \"court\"")
        .replace("length = 1024", &format!("length = {bits}"))
        .replace("= 80", "= 3")
        .replace("0.75", &format!("{threshold}"));
    Schema::from_toml(&(text + more)).unwrap()
}

const PARTIES: [&str; 4] = ["police", "school", "care", "court"];

/// Cohorts of rows with these bits set; row i of a party has the id `party, i`, whatever its place in the file.
fn cohorts(schema: &Schema, rows: &[Vec<Vec<usize>>], turned: bool) -> Vec<Cohort> {
    let cohort = |(number, (party, rows)): (usize, (&&str, &Vec<Vec<usize>>))| {
        let mut cohort = json(&cohort_of_bits(schema, party, 1, rows));
        let ids: Vec<String> = (0..rows.len()).map(|row| id(number, row).to_string()).collect();
        cohort["row_ids"] = ids.into();
        if turned {
            for column in ["row_ids", "clks"] {
                cohort[column].as_array_mut().unwrap().reverse();
            }
        }
        Cohort::from_json(&seal(&mut cohort)).unwrap()
    };
    PARTIES.iter().zip(rows).enumerate().map(cohort).collect()
}

fn id(cohort: usize, row: usize) -> RowId {
    let mut id = [0; 16];
    (id[0], id[15]) = (u8::try_from(cohort).unwrap() + 1, u8::try_from(row).unwrap());
    RowId(id)
}

fn link(linker: &Linker, cohorts: &[Cohort]) -> Links {
    linker.link(&cohorts.iter().collect::<Vec<_>>()).unwrap()
}

/// Clusters in row ids.
fn people(links: &Links) -> BTreeSet<BTreeSet<RowId>> {
    links
        .clusters()
        .iter()
        .map(|cluster| cluster.members.iter().map(|&member| links.row_id(member)).collect())
        .collect()
}

fn together(links: &Links, a: RowId, b: RowId) -> bool {
    people(links).iter().any(|person| person.contains(&a) && person.contains(&b))
}

// ---- Solvers ---------------------------------------------------------------------------------------------------------

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_order_of_candidates_does_not_matter(
        pairs in proptest::collection::btree_map((0u32..7, 0u32..7), (0u8..4, 0u8..9), 0..30),
        order in proptest::collection::vec(any::<u32>(), 30),
        threshold in 0u8..4,
    ) {
        let candidate = |((a, b), (score, key)): ((u32, u32), (u8, u8))| Candidate {
            a, b, score: f32::from(score), reason: match key { 0 => Reason::Known, 1 | 2 => Reason::MatchKey(key), _ => Reason::Similarity },
        };
        let candidates: Vec<Candidate> = pairs.into_iter().map(candidate).collect();
        let mut shuffled: Vec<(u32, Candidate)> = order.into_iter().zip(candidates.iter().copied()).collect();
        shuffled.sort_by_key(|(at, _)| *at);
        let shuffled: Vec<Candidate> = shuffled.into_iter().map(|(_, candidate)| candidate).collect();
        let threshold = f32::from(threshold);
        for assignment in ASSIGNMENTS {
            prop_assert_eq!(assign(&candidates, threshold, assignment), assign(&shuffled, threshold, assignment));
            let total = |solver: Solver| -> f32 {
                let links = solver.assign(&candidates, threshold, assignment).links;
                links.iter().filter(|link| link.reason == Reason::Similarity).map(|link| link.score - threshold).sum()
            };
            for solver in solvers() {
                let found = solver.assign(&candidates, threshold, assignment);
                prop_assert_eq!(&found, &solver.assign(&shuffled, threshold, assignment));
                // Those that are certain are the same ones, and the best total is no smaller.
                let certain = |links: &[Candidate]| links.iter().filter(|link| link.reason != Reason::Similarity).copied().collect::<Vec<_>>();
                prop_assert_eq!(certain(&found.links), certain(&assign(&candidates, threshold, assignment)));
                prop_assert!(total(solver) >= total(Solver::Greedy) - 1e-3);
                if assignment != Assignment::OneToOne {
                    prop_assert_eq!(&found.links, &assign(&candidates, threshold, assignment));
                }
            }
        }
    }
}

#[cfg(feature = "optimal")]
#[test]
fn the_linker_uses_the_solver() {
    // a0 and b0 are .9 alike, a0 and b1 and a1 and b0 .85, a1 and b1 .6. Greedily one pair is linked and two rows are left.
    let schema = schema_of(40, 0.7, "");
    let rows = [
        vec![bits(&[0..20]), bits(&[0..3, 6..18, 20..22, 25..28])],
        vec![bits(&[0..18, 20..22]), bits(&[3..20, 22..25])],
    ];
    let cohorts = cohorts(&schema, &rows, false);
    let people_by = |solver| people(&link(&Linker::new(&schema).solver(solver), &cohorts));
    let pair = |a, b| BTreeSet::from([id(0, a), id(1, b)]);
    assert_eq!(people_by(Solver::Greedy), BTreeSet::from([pair(0, 0)]));
    assert_eq!(people_by(Solver::Optimal), BTreeSet::from([pair(0, 1), pair(1, 0)]));
    let summary = link(&Linker::new(&schema).solver(Solver::Optimal), &cohorts).summary();
    assert!(summary.to_string().contains("one-to-one, optimal solver"), "{summary}");
    assert_eq!((summary.solver, summary.pairs[0].too_large), (Solver::Optimal, 0));
}

fn bits(ranges: &[std::ops::Range<usize>]) -> Vec<usize> {
    ranges.iter().flat_map(Clone::clone).collect()
}

// ---- Clusters --------------------------------------------------------------------------------------------------------

/// Rows of twelve bits that are all somewhat alike, for four parties.
fn rows() -> impl Strategy<Value = Vec<Vec<Vec<usize>>>> {
    let row = proptest::collection::btree_set(0usize..12, 1..6).prop_map(|row| row.into_iter().collect());
    proptest::collection::vec(proptest::collection::vec(row, 0..8), 4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn clusters_whatever_the_rows(
        rows in rows(),
        decided in proptest::collection::vec((any::<bool>(), 0usize..4, 0usize..8, 0usize..4, 0usize..8), 0..6),
    ) {
        let schema = schema_of(12, 0.5, "");
        let (straight, turned) = (cohorts(&schema, &rows, false), cohorts(&schema, &rows, true));
        // As many of the decisions as do not contradict each other.
        let (mut known, mut forbidden) = (Constraints::new(), Constraints::new());
        let (mut are, mut are_not) = (Vec::new(), Vec::new());
        for (yes, a, row_a, b, row_b) in decided {
            let (more, list) = if yes { (&mut known, &mut are) } else { (&mut forbidden, &mut are_not) };
            let before = more.clone();
            *more = before.clone().pair((PARTIES[a], id(a, row_a)), (PARTIES[b], id(b, row_b)));
            list.push((id(a, row_a), id(b, row_b)));
            let linker = Linker::new(&schema).known(known.clone()).forbidden(forbidden.clone());
            if linker.link(&straight.iter().collect::<Vec<_>>()).is_err() {
                if yes { known = before; are.pop(); } else { forbidden = before; are_not.pop(); }
            }
        }
        for solver in solvers() {
            let linker = Linker::new(&schema).solver(solver).known(known.clone()).forbidden(forbidden.clone());
            let links = link(&linker, &straight);
            let mut seen = HashSet::new();
            for cluster in links.clusters() {
                let parties: HashSet<usize> = cluster.members.iter().map(|member| member.cohort).collect();
                prop_assert_eq!(parties.len(), cluster.members.len(), "one row of each cohort at most");
                prop_assert!(cluster.members.len() > 1);
                prop_assert!(cluster.members.iter().all(|member| seen.insert(*member)), "a row is in one cluster only");
                // Links hold it together.
                let mut reached = HashSet::from([cluster.members[0]]);
                for _ in &cluster.members {
                    for link in links.links() {
                        if reached.contains(&link.a) || reached.contains(&link.b) {
                            reached.extend([link.a, link.b]);
                        }
                    }
                }
                prop_assert_eq!(reached.len(), cluster.members.len());
            }
            for &(a, b) in &are {
                prop_assert!(together(&links, a, b), "known");
                let link = links.links().iter().find(|link| {
                    let ends = [links.row_id(link.a), links.row_id(link.b)];
                    ends.contains(&a) && ends.contains(&b)
                });
                prop_assert!(link.is_some_and(|link| link.reason == Reason::Known && link.score.is_finite()));
            }
            for &(a, b) in &are_not {
                prop_assert!(!together(&links, a, b), "forbidden");
            }
            // The same rows in another order, in other threads.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
            prop_assert_eq!(people(&links), people(&pool.install(|| link(&linker, &turned))));
        }
    }

    /// Every forbidden pair of a file's duplicates is apart, every known one together, and order is nothing.
    #[test]
    fn duplicates_whatever_the_rows(rows in rows(), a in 0usize..8, b in 0usize..8, c in 0usize..8) {
        let schema = schema_of(12, 0.5, "");
        let rows: Vec<Vec<usize>> = rows.into_iter().flatten().collect();
        let one_cohort = |turned| cohorts(&schema, std::slice::from_ref(&rows), turned).remove(0);
        let (straight, turned) = (one_cohort(false), one_cohort(true));
        let pair = |x, y| Constraints::new().pair(("police", id(0, x)), ("police", id(0, y)));
        let linker = Linker::new(&schema).known(pair(a, b)).forbidden(pair(a, c));
        match linker.deduplicate(&straight) {
            Ok(links) => {
                prop_assert!(together(&links, id(0, a), id(0, b)));
                prop_assert!(!together(&links, id(0, a), id(0, c)));
                prop_assert_eq!(people(&links), people(&linker.deduplicate(&turned).unwrap()));
            }
            Err(error) => {
                let there = a.max(b).max(c) < rows.len() && a != b && a != c && b != c;
                prop_assert!(!there, "{}", error);
            }
        }
    }
}

/// Bits of rows of which each is like the next and no other: so many of twenty bits are the next's.
fn chain(rows: usize, shared: usize) -> Vec<Vec<usize>> {
    (0..rows).map(|row| (row * (20 - shared)..row * (20 - shared) + 20).collect()).collect()
}

/// Sixty people whom all know alike, so that it is known what a typical link is, and one row more.
fn with_typical(slip: usize, more: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    (0..60).map(|i| (400 + 40 * i + slip..420 + 40 * i + slip).collect()).chain(more).collect()
}

#[test]
fn a_link_carries_a_third() {
    let schema = schema_of(3000, 0.6, "");
    // A is like B, and B like C: .85, or .65 where typical is .95. A and C are .7 alike, or .3.
    for shared in [17, 13] {
        let files = chain(3, shared).into_iter().enumerate().map(|(slip, row)| with_typical(slip, vec![row]));
        let cohorts = cohorts(&schema, &files.collect::<Vec<_>>(), false);
        let links = link(&Linker::new(&schema), &cohorts);
        assert_eq!(links.clusters().iter().filter(|cluster| cluster.members.len() == 3).count(), 61);
        assert!(together(&links, id(0, 60), id(2, 60)));
    }
}

#[test]
fn a_chain_is_not_one_person() {
    let schema = schema_of(3000, 0.6, "");
    // Twelve rows in one file, each like the next; `most` of them may be one person.
    let longest = |rows: Vec<Vec<usize>>, most: usize| {
        let cohort = cohorts(&schema, &[rows], false).remove(0);
        let links = Linker::new(&schema).deduplicate(&cohort).unwrap();
        let longest = links.clusters().iter().map(|cluster| cluster.members.len()).max();
        assert!(longest.is_some_and(|longest| 1 < longest && longest <= most), "{longest:?}");
        links
    };
    // Typical links: 4 and 4 rows are joined by one (15 pairs against), 8 and 4 are not.
    longest(chain(12, 13), 9);
    // Weak ones: 2 and 2 (3 pairs), and not 4 and 2.
    let typical = with_typical(0, with_typical(1, chain(12, 13)));
    let links = longest(typical, 4);
    assert!((0..60).all(|row| together(&links, id(0, row), id(0, row + 60))));
    // A person who stands there twelve times is one.
    assert_eq!(longest(vec![(0..20).collect(); 12], 12).clusters().len(), 1);
}

/// A row has ten candidates at most: that it has no more does not tell against the others.
#[test]
fn a_person_who_is_there_more_often_than_a_row_has_candidates() {
    let schema = schema_of(3000, 0.6, "");
    let cohort = cohorts(&schema, &[vec![(0..20).collect(); 150]], false).remove(0);
    let links = Linker::new(&schema).deduplicate(&cohort).unwrap();
    assert_eq!(links.clusters().len(), 1, "{:?}", links.clusters().iter().map(|c| c.members.len()).collect::<Vec<_>>());
}

#[test]
fn children_of_one_parent_need_not_be_alike() {
    let text = "assignment = \"many-to-one\"\n";
    let schema = schema_of(200, 0.5, text);
    // The parent has forty bits, each child twenty of them.
    let rows = [vec![bits(&[0..20]), bits(&[20..40]), bits(&[0..4, 24..40])], vec![bits(&[0..40])]];
    let cohorts = cohorts(&schema, &rows, false);
    let links = link(&Linker::new(&schema), &cohorts);
    assert_eq!((links.clusters().len(), links.links().len()), (1, 3));
    // One child of another, by hand.
    let forbidden = Constraints::new().pair(("police", id(0, 0)), ("police", id(0, 1)));
    let links = link(&Linker::new(&schema).forbidden(forbidden), &cohorts);
    assert!(!together(&links, id(0, 0), id(0, 1)));
    assert_eq!(links.links().len(), 2);
}

#[test]
fn no_rows_and_one_row() {
    for solver in solvers() {
        let linker = Linker::new(&clk()).solver(solver);
        for (a, b, links) in [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 1)] {
            let found = linker.link(&[&clk_cohort("police", a), &clk_cohort("school", b)]).unwrap();
            assert_eq!((found.links().len(), found.clusters().len()), (links, links));
            assert!(linker.deduplicate(&clk_cohort("care", a)).unwrap().links().is_empty());
        }
    }
}

// ---- What is known and forbidden -------------------------------------------------------------------------------------

/// A linker's result must be an error that names the file and the line.
#[track_caller]
fn refused(known: &str, forbidden: &str, lines: &[&str]) -> Error {
    let schema = schema_of(12, 0.5, "");
    let rows = vec![vec![vec![1, 2], vec![3, 4]]; 3];
    let cohorts = cohorts(&schema, &rows, false);
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, format!("party_a,row_a,party_b,row_b,score,reason\n{text}")).unwrap();
        Constraints::read_csv(path)
    };
    let linked = read("known.csv", known).and_then(|known| {
        let linker = Linker::new(&schema).known(known).forbidden(read("forbidden.csv", forbidden)?);
        linker.link(&cohorts.iter().collect::<Vec<_>>())
    });
    let error = linked.expect_err("a contradiction");
    assert!(matches!(error.kind(), ErrorKind::Rows { .. }));
    let ids: Vec<String> = (0..3).flat_map(|c| (0..4).map(move |row| id(c, row).to_string())).collect();
    says_but_not(&error, lines, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    error
}

fn line(a: (&str, RowId), b: (&str, RowId)) -> String {
    format!("{},{},{},{},0.5,similarity\n", a.0, a.1, b.0, b.1)
}

#[test]
fn contradictions_are_errors() {
    let (p, s, c) = (|row| ("police", id(0, row)), |row| ("school", id(1, row)), |row| ("care", id(2, row)));
    // Both, in whatever order.
    refused(&line(p(0), s(0)), &(line(p(1), s(1)) + &line(s(0), p(0))), &["forbidden.csv", "line 3", "forbidden"]);
    refused(&(line(p(0), s(0)) + &line(s(0), c(0))), &line(p(0), c(0)), &["forbidden.csv", "line 2"]);
    // One-to-one.
    refused(&(line(p(0), s(0)) + "\n" + &line(p(0), s(1))), "", &["known.csv", "line 4", "second partner"]);
    refused(&(line(p(0), s(0)) + &line(s(0), p(1))), "", &["known.csv", "line 3", "second partner"]);
    refused(&(line(p(0), s(0)) + &line(s(0), c(0)) + &line(c(0), p(1))), "", &["known.csv", "line 4", "one person"]);
    refused(&line(p(0), p(1)), "", &["known.csv", "line 2", "one party"]);
    refused("", &line(p(0), p(0)), &["forbidden.csv", "line 2", "twice"]);
    // Nobody.
    refused(&line(p(3), s(0)), "", &["known.csv", "line 2", "row_a"]);
    refused("", &(line(p(0), s(0)) + &line(p(0), s(3))), &["forbidden.csv", "line 3", "row_b"]);
    refused(&line(("court", id(0, 0)), s(0)), "", &["known.csv", "line 2", "party_a"]);
    let error = refused(
        &format!("police,{},school\npolice,{0},school,ABC\n,{0},school,{0}\n", id(0, 0)),
        "",
        &["line 2", "line 3", "line 4"],
    );
    assert!(error.to_string().contains("3 problems"), "{error}");
}

#[test]
fn files_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known.csv");
    for text in ["", "\n", "row_a,party_a,row_b,party_b\n", "party_a;row_a;party_b;row_b\n", "party_a,row_a,party_b\n"]
    {
        fs::write(&path, text).unwrap();
        let error = Constraints::read_csv(&path).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::File { .. }), "{error}");
    }
    fs::write(&path, b"party_a,row_a,party_b,row_b\n\xff,\xfe,\xfd,\xfc\n").unwrap();
    assert!(matches!(Constraints::read_csv(&path).unwrap_err().kind(), ErrorKind::Rows { total: 4, .. }));
    assert!(matches!(Constraints::read_csv(folder.path()).unwrap_err().kind(), ErrorKind::Io { .. }));
    assert!(matches!(Constraints::read_csv(folder.path().join("none")).unwrap_err().kind(), ErrorKind::Io { .. }));
    // As a spreadsheet writes it.
    let quoted =
        format!("\u{feff}\"party_a\",\"row_a\",\"party_b\",\"row_b\"\r\n\"police\",\"{0}\", school ,{0}\r\n", id(0, 0));
    fs::write(&path, quoted).unwrap();
    let constraints = Constraints::read_csv(&path).unwrap();
    assert_eq!((constraints.len(), constraints.is_empty()), (1, false));
    assert_eq!(format!("{constraints:?}"), "Constraints(1 pairs)");
    fs::write(&path, "party_a,row_a,party_b,row_b").unwrap();
    assert!(Constraints::read_csv(&path).unwrap().is_empty());
}

/// What was written can be read: all links known, and then all of them forbidden.
#[test]
fn a_table_of_links_is_a_table_of_decisions() {
    let (a, b) = (clk_cohort("police", 30), clk_cohort("school", 40));
    let linker = Linker::new(&clk()).seed([1; 32]);
    let found = linker.link(&[&a, &b]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("links.csv");
    found.write_csv(&path).unwrap();
    let decided = Constraints::read_csv(&path).unwrap();
    assert_eq!(decided.len(), 30);
    let known = linker.clone().known(decided.clone()).link(&[&b, &a]).unwrap();
    assert_eq!(people(&known), people(&found));
    assert!(
        known.links().iter().all(|link| link.reason == Reason::Known && link.score == 1.0),
        "each has its own score"
    );
    let summary = known.summary();
    assert!(summary.to_string().contains("30 links, 0 of them by match key, 30 known"), "{summary}");
    known.write_csv(&path).unwrap();
    assert!(fs::read_to_string(&path).unwrap().lines().skip(1).all(|line| line.ends_with(",known")));
    let forbidden = linker.clone().forbidden(decided).link(&[&a, &b]).unwrap();
    assert!(people(&forbidden).is_disjoint(&people(&found)));
}

#[test]
fn what_is_known_wins_against_all_that_is_seen() {
    // Nobody is like anybody, and nothing says where a threshold would be.
    let schema = Schema::from_toml(&CLK.replace("0.75", "\"automatic\"")).unwrap();
    let cohort = |party, at: usize| {
        let people: Vec<_> =
            (0..3).map(|i| record(i, &[&helpers::word(at + i), &helpers::word(at * 7 + i), ""])).collect();
        encoder(&schema, party, 1).encode(&people).unwrap().cohort
    };
    let (a, b) = (cohort("police", 10), cohort("school", 100));
    let pair = |x: usize, y: usize| Constraints::new().pair(("school", b.row_ids()[y]), ("police", a.row_ids()[x]));
    for solver in solvers() {
        let links = Linker::new(&schema).solver(solver).known(pair(2, 0)).link(&[&a, &b]).unwrap();
        let first = links.links()[0];
        assert_eq!((first.a.row, first.b.row, first.reason), (2, 0, Reason::Known));
        assert!(first.score.is_finite());
    }
    // Without a file the number of the pair says which it was.
    let error =
        Linker::new(&schema).known(pair(0, 0).pair(("care", id(0, 0)), ("police", a.row_ids()[0]))).link(&[&a, &b]);
    says_but_not(&error.unwrap_err(), &["row 2", "party_a"], &[&id(0, 0).to_string()]);
}
