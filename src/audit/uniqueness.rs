//! A2: how many rows look alike, and how often the most frequent values come.
//!
//! A row that looks like no other cannot be counted, and can be told apart; rows that look alike are the reverse. A match
//! key's values, and whole encodings that repeat, can be laid beside a public list and named in the order of their
//! frequency (Christen et al. 2017, Vidanage et al. 2020), so no value may stand for more than a share of the rows.
//!
//! In a short file a share says nothing: in one of 100 rows two siblings with one value are 2 %. Twice is what twins, or a
//! person who was written down twice, do to any file, and gives no order to be compared, so a value that comes twice passes
//! whatever its share; three times does not unless it is 1 % or less. A third of the same rows would be the first of an
//! order.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use super::gate::Gate;
use super::subject::Subject;
use crate::cohort::{BitMatrix, ones};

/// The share of the rows that have any value.
const MOST_SHARE: f64 = 0.01;

/// What may repeat in a file of any length.
const MOST_REPEATS: u64 = 2;

/// For every encoding how many rows are unique, and a warning where one repeats; for every match key a gate that must hold;
/// for every encoding that is not diffused, how many rows have a number of set bits that no other has.
pub(super) fn check(subject: &Subject<'_>) -> Vec<Gate> {
    let mut gates = Vec::new();
    for (encoding, matrix) in subject.schema.encodings().iter().zip(subject.cohort.encodings()) {
        let name = encoding.name();
        let groups = Groups::new((0..matrix.rows()).map(|row| matrix.row(row)));
        let title = format!("Share of rows whose encoding {name} no other row has");
        gates.push(groups.describe(Gate::information(format!("A2.unique.{name}"), title, groups.unique_share())));
        let title = format!("Share of the rows that have the most frequent value of encoding {name}");
        gates.push(Gate::warning(format!("A2.repeats.{name}"), title, groups.largest_share(), groups.limit()));
        if !encoding.is_diffused() {
            gates.push(weights(name, matrix));
        }
    }
    for (key, column) in subject.schema.match_keys().iter().zip(subject.cohort.match_keys()) {
        let groups = Groups::new(column.iter().flatten());
        let title = format!("Share of the rows with match key {} that have its most frequent value", key.name());
        let gate = Gate::must(format!("A2.match-key.{}", key.name()), title, groups.largest_share(), groups.limit());
        gates.push(groups.describe(gate).with("rows_without", column.len() as u64 - groups.rows));
    }
    gates
}

fn weights(name: &str, matrix: &BitMatrix) -> Gate {
    let groups = Groups::new((0..matrix.rows()).map(|row| ones(matrix.row(row))));
    let title = format!("Share of rows whose number of set bits in {name} no other row has");
    Gate::information(format!("A2.weights.{name}"), title, groups.unique_share()).with("different", groups.different())
}

/// How many values come how often.
struct Groups {
    rows: u64,
    /// From multiplicity to how many values have it.
    sizes: BTreeMap<u64, u64>,
}

impl Groups {
    fn new<T: Eq + Hash>(values: impl Iterator<Item = T>) -> Self {
        let mut counts: HashMap<T, u64> = HashMap::new();
        values.for_each(|value| *counts.entry(value).or_default() += 1);
        let mut sizes = BTreeMap::new();
        counts.values().for_each(|&count| *sizes.entry(count).or_default() += 1);
        Groups { rows: counts.values().sum(), sizes }
    }

    fn different(&self) -> u64 {
        self.sizes.values().sum()
    }

    fn largest(&self) -> u64 {
        self.sizes.last_key_value().map_or(0, |(&size, _)| size)
    }

    fn of_rows(&self, part: u64) -> f64 {
        if self.rows == 0 { 0.0 } else { part as f64 / self.rows as f64 }
    }

    fn unique_share(&self) -> f64 {
        self.of_rows(self.sizes.get(&1).copied().unwrap_or(0))
    }

    fn largest_share(&self) -> f64 {
        self.of_rows(self.largest())
    }

    fn limit(&self) -> f64 {
        self.of_rows(MOST_REPEATS).clamp(MOST_SHARE, 1.0)
    }

    /// Rows in groups of equal ones, by the group's size.
    fn describe(&self, gate: Gate) -> Gate {
        let range =
            |from: u64, to: u64| -> u64 { self.sizes.range(from..=to).map(|(size, groups)| size * groups).sum() };
        let sizes = serde_json::json!({
            "1": range(1, 1), "2": range(2, 2), "3 to 4": range(3, 4), "5 to 9": range(5, 9), "10 or more": range(10, u64::MAX),
        });
        gate.with("rows", self.rows)
            .with("different", self.different())
            .with("largest", self.largest())
            .with("rows_by_group_size", sizes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::fixture::{self, Fixture};
    use crate::audit::gate::Weight;

    fn gate<'a>(gates: &'a [Gate], id: &str) -> &'a Gate {
        gates.iter().find(|gate| gate.id == id).unwrap()
    }

    #[test]
    fn groups_are_counted() {
        let groups = Groups::new("aabcccccd".chars());
        let gate = groups.describe(Gate::information("", "", groups.unique_share()));
        assert_eq!(gate.value, 2.0 / 9.0);
        assert_eq!((groups.different(), groups.largest(), groups.rows), (4, 5, 9));
        assert_eq!(
            gate.details["rows_by_group_size"],
            serde_json::json!({ "1": 2, "2": 2, "3 to 4": 0, "5 to 9": 5, "10 or more": 0 })
        );
        let none = Groups::new(std::iter::empty::<u8>());
        assert_eq!((none.unique_share(), none.largest_share(), none.limit(), none.largest()), (0.0, 0.0, 0.01, 0));
    }

    /// Twice always passes; from 200 rows on it is the share that counts.
    #[test]
    fn the_limit_is_one_per_cent_and_twice_in_short_files() {
        for (rows, most) in [(1u64, 1u64), (2, 2), (100, 2), (200, 2), (299, 2), (300, 3), (1_000, 10), (1_099, 10)] {
            for largest in 1..=most + 1 {
                if largest > rows {
                    continue;
                }
                let others = (rows - largest) as usize;
                let values = std::iter::repeat_n(0, largest as usize).chain(1..=others);
                let groups = Groups::new(values);
                assert_eq!(groups.largest_share() <= groups.limit(), largest <= most, "{largest} of {rows}");
            }
        }
    }

    #[test]
    fn the_default_passes_and_what_repeats_does_not() {
        let gates = fixture::guarded(400).with(check);
        assert!(gates.iter().all(|gate| gate.passed), "{gates:?}");
        let person = gate(&gates, "A2.match-key.person");
        assert_eq!((person.weight, &person.details["rows"]), (Weight::Must, &serde_json::json!(386)));
        assert_eq!(gate(&gates, "A2.match-key.upn").details["rows_without"], 400);
        assert!(!gates.iter().any(|gate| gate.id.starts_with("A2.weights")), "all weights are about a half");

        // Everybody's sex alone: two values.
        let people = fixture::people(400, 1);
        let sex = Fixture::new(fixture::plain("sex", vec![(3, 20)]), people.clone()).with(check);
        assert!(!gate(&sex, "A2.repeats.sex").passed && gate(&sex, "A2.unique.sex").value == 0.0);
        assert_eq!(gate(&sex, "A2.unique.sex").details["different"], 2);

        // The same person five times.
        let mut people = people;
        people.truncate(200);
        (0..5).for_each(|i| people[i * 3] = people[199].clone());
        let gates = Fixture::new(fixture::clk(0).schema, people).with(check);
        assert!(!gate(&gates, "A2.match-key.person").passed, "{gates:?}");
        assert!(!gate(&gates, "A2.repeats.clk").passed);
        assert!(gate(&gates, "A2.weights.clk").value > 0.0);
    }

    #[test]
    fn short_files_pass() {
        for people in 0..4 {
            for file in [fixture::guarded(people), fixture::clk(people)] {
                assert!(file.with(check).iter().all(|gate| gate.passed && gate.value.is_finite()));
            }
        }
    }
}
