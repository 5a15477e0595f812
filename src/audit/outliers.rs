//! A9: rows that stand apart from all others, and files too short to hide anybody in.
//!
//! Somebody with a rare name has a row whose nearest neighbour is far; somebody of whom little is known has a row with few
//! bits. Either is a place to begin. And in a file of thirty people, who is in it is nearly what is in it.

use rayon::prelude::*;

use super::gate::Gate;
use super::sample;
use super::subject::Subject;
use crate::cohort::{BitMatrix, differing, ones};

/// Rows among which nearest neighbours are looked for.
const MOST_ROWS: usize = 2_048;

/// Standard deviations from which a row stands apart.
const FAR: f64 = 4.0;

/// The share of rows that may; one row always may.
const LIMIT: f64 = 0.01;

/// A median absolute deviation times this is the standard deviation, where figures are normal.
const MAD_TO_SD: f64 = 1.4826;

/// The floor under which a file is too short, unless the owner sets another.
pub(super) const LEAST_ROWS: usize = 100;

/// The gate on the file's length, and two warnings: rows whose nearest neighbour is further than others' are, and rows with
/// far more or fewer set bits than others. How many; which they are is for the owner alone: see [`rows`].
pub(super) fn check(subject: &Subject<'_>, seed: u64, least_rows: usize) -> Vec<Gate> {
    let short = least_rows.saturating_sub(subject.rows());
    let title = format!("Rows short of {least_rows}, the least that a file may have");
    let small = Gate::must("A9.small", title, short as f64, 0.0).with("rows", subject.rows()).with("least", least_rows);
    let warning = |id: &str, title: String, found: usize, of: usize| {
        let share = if of == 0 { 0.0 } else { found as f64 / of as f64 };
        let limit = if of == 0 { LIMIT } else { LIMIT.max(1.0 / of as f64) };
        Gate::warning(id, title, share, limit).with("found", found).with("rows", of)
    };
    let outliers = Outliers::new(subject, seed);
    let alone = format!("Share of rows whose nearest neighbour is further than others' by {FAR} standard deviations");
    let weight = format!("Share of rows whose number of set bits is {FAR} standard deviations from the mean");
    vec![
        small,
        warning("A9.isolated", alone, outliers.isolated.len(), outliers.sampled),
        warning("A9.weight", weight, outliers.weight.len(), subject.rows()),
    ]
}

/// The rows of the cohort that stand apart in one way or the other, ascending, for the owner to leave out or pad. Never
/// part of a report: who looks at the file finds these people.
pub(super) fn rows(subject: &Subject<'_>, seed: u64) -> Vec<usize> {
    let Outliers { mut isolated, weight, .. } = Outliers::new(subject, seed);
    isolated.extend(weight);
    isolated.sort_unstable();
    isolated.dedup();
    isolated
}

struct Outliers {
    sampled: usize,
    /// Of the sample, in any encoding.
    isolated: Vec<usize>,
    /// Of all rows, in any encoding.
    weight: Vec<usize>,
}

impl Outliers {
    fn new(subject: &Subject<'_>, seed: u64) -> Self {
        let sample = sample::rows(subject.rows(), MOST_ROWS, seed);
        let (mut isolated, mut weight) = (Vec::new(), Vec::new());
        for (encoding, matrix) in subject.schema.encodings().iter().zip(subject.cohort.encodings()) {
            isolated.extend(self::isolated(matrix, encoding.is_diffused(), &sample).into_iter().map(|at| sample[at]));
            weight.extend(extreme(&weights(matrix)));
        }
        for rows in [&mut isolated, &mut weight] {
            rows.sort_unstable();
            rows.dedup();
        }
        Outliers { sampled: sample.len(), isolated, weight }
    }
}

fn weights(matrix: &BitMatrix) -> Vec<u32> {
    (0..matrix.rows()).into_par_iter().map(|row| ones(matrix.row(row))).collect()
}

/// Places of weights that are far from the mean.
fn extreme(weights: &[u32]) -> Vec<usize> {
    let n = weights.len() as f64;
    let sum: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
    let squares: u64 = weights.iter().map(|&weight| u64::from(weight).pow(2)).sum();
    let mean = sum as f64 / n;
    let sd = (squares as f64 / n - mean * mean).max(0.0).sqrt();
    let far = |weight: u32| sd > 0.0 && (f64::from(weight) - mean).abs() > FAR * sd;
    (0..weights.len()).filter(|&at| far(weights[at])).collect()
}

/// Places in the sample whose nearest neighbour in it is far: below the median of all by four standard deviations, which
/// are measured by the median deviation so that what stands apart does not hide itself.
fn isolated(matrix: &BitMatrix, diffused: bool, sample: &[usize]) -> Vec<usize> {
    if sample.len() < 3 {
        return Vec::new();
    }
    let nearest: Vec<f64> = sample
        .par_iter()
        .map(|&row| {
            let others = sample.iter().filter(|&&other| other != row);
            others.map(|&other| similarity(matrix.row(row), matrix.row(other), diffused)).fold(0.0, f64::max)
        })
        .collect();
    let middle = median(nearest.clone());
    let spread = MAD_TO_SD * median(nearest.iter().map(|near| (near - middle).abs()).collect());
    (0..nearest.len()).filter(|&at| spread > 0.0 && nearest[at] < middle - FAR * spread).collect()
}

/// The share of bits that agree where diffused, otherwise the Dice coefficient.
fn similarity(one: &[u64], other: &[u64], diffused: bool) -> f64 {
    if diffused {
        return 1.0 - f64::from(differing(one, other)) / (one.len() * 64) as f64;
    }
    let common: u32 = one.iter().zip(other).map(|(a, b)| (a & b).count_ones()).sum();
    let all = ones(one) + ones(other);
    if all == 0 { 1.0 } else { 2.0 * f64::from(common) / f64::from(all) }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    let middle = numbers.len() / 2;
    *numbers.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::fixture::{self, Fixture};

    fn gate<'a>(gates: &'a [Gate], id: &str) -> &'a Gate {
        gates.iter().find(|gate| gate.id == id).unwrap()
    }

    #[test]
    fn the_default_hides_everybody_in_a_long_enough_file() {
        let file = fixture::guarded(400);
        let gates = file.with(|subject| check(subject, 1, LEAST_ROWS));
        assert!(gates.iter().all(|gate| gate.passed), "{gates:?}");
        let gates = file.with(|subject| check(subject, 1, 401));
        assert!(!gate(&gates, "A9.small").passed && gate(&gates, "A9.small").value == 1.0);
    }

    #[test]
    fn short_files_fail_on_length_alone() {
        for people in [0, 1, 2, 99] {
            let gates = fixture::guarded(people).with(|subject| check(subject, 1, LEAST_ROWS));
            assert!(!gate(&gates, "A9.small").passed);
            assert!(gates[1..].iter().all(|gate| gate.passed), "{gates:?}");
        }
    }

    /// Five people with names like nobody's, and five of whom only the sex is known.
    #[test]
    fn those_who_stand_apart_are_found() {
        let mut people = fixture::people(400, 1);
        for (i, name) in ["XQUZZYJ", "WVUXKQ", "JJYPQX", "QXZVWFF", "ZZYXJK"].into_iter().enumerate() {
            let date = format!("19{}5-{:02}-{:02}", 3 + i, 7 + i, 29 - i);
            people[i * 50] = [name, name, &date, "", &format!("ZE{} 9X{}", 3 + i, ["JQ", "YV", "XK", "QZ", "VU"][i])]
                .map(str::to_owned);
            people[i * 50 + 25] = ["", "", "", "F", ""].map(str::to_owned);
        }
        let schema = fixture::clk(0).schema;
        let file = Fixture::new(schema, people);
        let gates = file.with(|subject| check(subject, 1, LEAST_ROWS));
        assert!(!gate(&gates, "A9.isolated").passed && !gate(&gates, "A9.weight").passed, "{gates:?}");
        let found = file.with(|subject| rows(subject, 1));
        let ids: Vec<usize> = found.iter().map(|&row| file.encoded.row_map.entries()[row].1.parse().unwrap()).collect();
        assert!((0..10).all(|i| ids.contains(&(i * 25))), "{ids:?}");
        assert!(ids.len() < 20, "{ids:?}");
        // No gate says who.
        let text = serde_json::to_string(&gates).unwrap();
        assert!(!text.contains("row_id") && gates.iter().all(|gate| gate.details.len() == 2), "{text}");
    }

    #[test]
    fn weights_are_far_by_their_own_deviation() {
        let mut weights = vec![100; 50];
        weights.extend([102; 50]);
        assert!(extreme(&weights).is_empty());
        weights.push(90);
        assert_eq!(extreme(&weights), [100]);
        assert!(extreme(&[]).is_empty() && extreme(&[5]).is_empty() && extreme(&[7; 30]).is_empty());
    }
}
