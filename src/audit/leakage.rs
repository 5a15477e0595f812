//! A3: how well the similarity of two rows tells how alike two people are.
//!
//! Linkage needs it of people who are nearly the same, and of nobody else. Graph attacks live on the rest: on who is a
//! little like whom. So what is measured is not only the correlation over all pairs, most of which are strangers, but its
//! *tail*: the correlation within the 1 % of pairs that are most alike in plaintext. Measured on US voters without families,
//! a tail of 0.94 (a plain filter) falls at once, one up to 0.30 leaves known-pair attacks 7 % and one up to 0.20 leaves
//! them 2 %.
//!
//! Files of families have pairs that are all but equal without the field that tells siblings apart, and those few pull the
//! tail up: the default comes to 0.09 to 0.19 on such files, the former one to 0.43 to 0.52. Of fewer rows than are drawn from
//! a long file the figure only warns.
//!
//! **Pairs**: all pairs of the rows of the file, or of as many rows by lot as have a million pairs. **Plaintext
//! similarity**: the Dice coefficient of the two sets of tokens (bigrams of names, parts of dates and postcodes) of the
//! fields in the encoding; 0 where one has none. **Encoded similarity**: the share of bits that agree. **Tail**: the pairs at
//! least as alike as the one at the first per cent, all that are tied with it included; at least 200 pairs, so that the
//! figure of a short file is no accident (its standard error is then about 0.07).

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::gate::Gate;
use super::profile::Tokens;
use super::sample::{self, pearson, spearman};
use super::subject::Subject;
use crate::cohort::differing;

/// So many rows have a million pairs.
const MOST_ROWS: usize = 1_415;

/// One in so many pairs is in the tail.
const TAIL: usize = 100;

/// The tail's pairs at least.
const LEAST_PAIRS: usize = 200;

/// What the tail must not exceed, by what known-pair attacks found.
const LIMIT: f64 = 0.30;

/// The tail of the worst encoding: it must keep the limit where the file has enough rows.
pub(super) fn check(subject: &Subject<'_>, seed: u64) -> Vec<Gate> {
    let rows = sample::rows(subject.rows(), MOST_ROWS, seed);
    let bare = subject.bare(&rows);
    let mut details = Map::new();
    let mut worst: Option<f64> = None;
    for (encoding, matrix) in subject.schema.encodings().iter().zip(subject.cohort.encodings()) {
        let mut numbers = Tokens::default();
        let fields = || encoding.budgets().iter().map(|&(field, _)| field);
        let tokens: Vec<Vec<u32>> = bare.iter().map(|bare| numbers.of(bare, fields())).collect();
        let pairs = pairs(rows.len(), |i, j| {
            let differing = differing(matrix.row(rows[i]), matrix.row(rows[j]));
            (dice(&tokens[i], &tokens[j]), 1.0 - f64::from(differing) / matrix.bits() as f64)
        });
        let leak = Correlations::new(&pairs);
        details.insert(encoding.name().to_owned(), leak.to_json());
        if let Some(tail) = leak.worst() {
            worst = Some(worst.map_or(tail, |worst| worst.max(tail)));
        }
    }
    let title = "How well encoded similarity follows plaintext similarity among the most similar pairs (tail correlation, \
                 worst encoding)";
    let gate = match worst {
        Some(worst) if rows.len() == MOST_ROWS => Gate::must("A3", title, worst, LIMIT),
        // Of fewer rows a few brothers and sisters are the whole tail.
        Some(worst) => Gate::warning("A3", title, worst, LIMIT),
        None => Gate::information("A3", title, 0.0).with("reason", "there are too few rows, or all are alike"),
    };
    vec![gate.with("rows", rows.len()).with("encodings", details)]
}

fn dice(one: &[u32], other: &[u32]) -> f64 {
    let (mut i, mut j, mut common) = (0, 0, 0);
    while i < one.len() && j < other.len() {
        let (a, b) = (one[i], other[j]);
        common += usize::from(a == b);
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
    if common == 0 { 0.0 } else { 2.0 * common as f64 / (one.len() + other.len()) as f64 }
}

/// Something of all pairs, in their order, whatever thread made it.
fn pairs(count: usize, of_pair: impl Fn(usize, usize) -> (f64, f64) + Sync) -> Vec<(f64, f64)> {
    let of_pair = &of_pair;
    (0..count).into_par_iter().flat_map_iter(|i| (i + 1..count).map(move |j| of_pair(i, j))).collect()
}

/// Correlations of plaintext (first) and encoded similarity; `None` where one of them does not vary.
struct Correlations {
    pairs: usize,
    pearson: Option<f64>,
    spearman: Option<f64>,
    tail_pairs: usize,
    tail_from: f64,
    tail_pearson: Option<f64>,
    tail_spearman: Option<f64>,
}

impl Correlations {
    fn new(pairs: &[(f64, f64)]) -> Self {
        let (tail, tail_from) = tail(pairs);
        Correlations {
            pairs: pairs.len(),
            pearson: pearson(pairs),
            spearman: spearman(pairs),
            tail_pairs: tail.len(),
            tail_from,
            tail_pearson: pearson(&tail),
            tail_spearman: spearman(&tail),
        }
    }

    /// What the gate holds: the tail, and where all of it is equally alike (an encoding of one code) all pairs.
    fn worst(&self) -> Option<f64> {
        self.tail_pearson.or(self.pearson)
    }

    fn to_json(&self) -> Value {
        json!({
            "pairs": self.pairs,
            "pearson": self.pearson,
            "spearman": self.spearman,
            "tail_pairs": self.tail_pairs,
            "tail_from": self.tail_from,
            "tail_pearson": self.tail_pearson,
            "tail_spearman": self.tail_spearman,
        })
    }
}

fn tail(pairs: &[(f64, f64)]) -> (Vec<(f64, f64)>, f64) {
    let wanted = pairs.len().div_ceil(TAIL).max(LEAST_PAIRS.min(pairs.len()));
    if wanted == 0 {
        return (Vec::new(), 0.0);
    }
    let mut alike: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
    let (_, &mut from, _) = alike.select_nth_unstable_by(wanted - 1, |a, b| b.total_cmp(a));
    (pairs.iter().copied().filter(|pair| pair.0 >= from).collect(), from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::fixture::{self, Fixture};
    use crate::schema::Schema;

    fn of_encodings(gate: &Gate, what: &str) -> Vec<f64> {
        gate.details["encodings"].as_object().unwrap().values().map(|leak| leak[what].as_f64().unwrap()).collect()
    }

    /// People who have no families: names of letters by lot.
    fn strangers(count: usize) -> Vec<[String; 5]> {
        let mut people = fixture::people(count, 3);
        let mut state = 1u64;
        let mut name = || -> String {
            let letter = |_| {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                (b'A' + (state >> 40) as u8 % 26) as char
            };
            (0..7).map(letter).collect()
        };
        people.iter_mut().for_each(|person| {
            person[0] = name();
            person[1] = name();
        });
        people
    }

    #[test]
    fn a_plain_filter_leaks_and_the_default_does_not() {
        let clk = fixture::clk(300).with(|subject| check(subject, 1)).remove(0);
        assert!(!clk.passed && clk.value > 0.6, "{clk:?}");
        assert!(of_encodings(&clk, "pearson")[0] > 0.8);
        let guarded = fixture::guarded(300).with(|subject| check(subject, 1)).remove(0);
        assert!(of_encodings(&guarded, "pearson").iter().all(|&all| all < 0.2), "{guarded:?}");
        let tails = of_encodings(&guarded, "tail_pearson");
        assert!(tails.len() == 4 && tails.contains(&guarded.value) && tails.iter().all(|&tail| tail <= guarded.value));
    }

    /// Without siblings, who are all but equal without their dates, the default is within the limit.
    #[test]
    fn without_families_the_tail_of_the_default_is_low() {
        let clk = Fixture::new(fixture::clk(0).schema, strangers(300)).with(|subject| check(subject, 1)).remove(0);
        assert!(!clk.passed, "{clk:?}");
        let guarded = Fixture::new(Schema::uk_person(), strangers(300)).with(|subject| check(subject, 1)).remove(0);
        assert!(of_encodings(&guarded, "tail_pearson")[2].abs() < LIMIT, "{guarded:?}");
        let (plain, diffused) = (of_encodings(&clk, "tail_pearson")[0], of_encodings(&guarded, "tail_pearson"));
        assert!(diffused.iter().all(|&tail| tail < plain), "{diffused:?} {plain}");
    }

    /// Where bits have nothing to do with people: another file's rows.
    #[test]
    fn strangers_bits_do_not_leak() {
        let (file, people) = (fixture::clk(300), fixture::people(300, 77));
        let others = Fixture::new(file.schema.clone(), people);
        let mixed = Fixture { records: others.records, ..file };
        let gate = mixed.with(|subject| check(subject, 1)).remove(0);
        assert!(gate.passed && gate.value.abs() < 0.15, "{gate:?}");
    }

    #[test]
    fn dice_is_that_of_sets() {
        assert_eq!(dice(&[1, 2, 3], &[2, 3, 4, 5, 6]), 0.5);
        assert_eq!((dice(&[], &[1]), dice(&[], &[]), dice(&[7], &[7]), dice(&[1, 3], &[2])), (0.0, 0.0, 1.0, 0.0));
    }

    #[test]
    fn the_tail_is_the_first_per_cent_with_its_ties() {
        let pairs: Vec<(f64, f64)> = (0..50_000).map(|i| (f64::from(i / 3), 0.0)).collect();
        let (some, from) = tail(&pairs);
        // 500 from the top: 49,500 is the first of three equal ones.
        assert_eq!((some.len(), from), (500, 16_500.0));
        let (all, from) = tail(&pairs[..150]);
        assert_eq!((all.len(), from), (150, 0.0));
        assert_eq!(tail(&vec![(1.0, 0.0); 900]).0.len(), 900);
        assert!(tail(&[]).0.is_empty());
    }

    /// Everybody has one of two values: nothing varies in the tail, everything in the whole.
    #[test]
    fn one_code_is_judged_by_all_pairs() {
        let sex = Fixture::new(fixture::plain("sex", vec![(3, 20)]), fixture::people(60, 1));
        let gate = sex.with(|subject| check(subject, 1)).remove(0);
        assert!(!gate.passed && gate.value > 0.99 && gate.details["encodings"]["sex"]["tail_pearson"].is_null());
    }

    #[test]
    fn short_files_are_no_failure_and_threads_do_not_matter() {
        for people in 0..3 {
            let gate = fixture::clk(people).with(|subject| check(subject, 1)).remove(0);
            assert!(gate.passed && gate.limit.is_none(), "{gate:?}");
        }
        let file = fixture::guarded(120);
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let many = rayon::ThreadPoolBuilder::new().num_threads(5).build().unwrap();
        let run = || file.with(|subject| check(subject, 1));
        assert_eq!(alone.install(run), many.install(run));
    }
}
