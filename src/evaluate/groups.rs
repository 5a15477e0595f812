//! Who is linked less well: groups of people by what makes them hard to link.

use crate::owner::{FieldReaders, Record, comparable, name_length};
use crate::schema::{Kind, Schema};

/// What makes a record, or a pair of them, hard to link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difficulty {
    /// How many letters the shortest of the names has; `None` where no name is there.
    pub shortest_name: Option<usize>,
    /// How many of the fields that are encoded are missing.
    pub missing: usize,
}

impl Difficulty {
    /// Of each record. Names and missing values are told as for encoding: a placeholder is a missing value, a title is no
    /// part of a name.
    #[must_use]
    pub fn of(schema: &Schema, records: &[Record]) -> Vec<Difficulty> {
        let readers = FieldReaders::new(schema);
        let fields: Vec<(usize, bool)> = (0..schema.fields().len())
            .filter(|&field| schema.encodings().iter().any(|encoding| encoding.has(field)))
            .map(|field| (field, *schema.fields()[field].kind() == Kind::Name))
            .collect();
        let difficulty = |record| {
            let mut difficulty = Difficulty::default();
            let values = comparable(&readers, record);
            for &(field, is_name) in &fields {
                match &values[field] {
                    None => difficulty.missing += 1,
                    Some(name) if is_name => {
                        let letters = name.text().chars().filter(|c| !c.is_whitespace()).count();
                        difficulty.shortest_name = shorter(difficulty.shortest_name, Some(letters));
                    }
                    Some(_) => {}
                }
            }
            difficulty
        };
        records.iter().map(difficulty).collect()
    }

    /// Of a pair: the shorter name, and the missing fields of the record that lacks more.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Difficulty {
            shortest_name: shorter(self.shortest_name, other.shortest_name),
            missing: self.missing.max(other.missing),
        }
    }

    /// A group by the length of the shortest name.
    #[must_use]
    pub fn name_length(self) -> &'static str {
        name_length(self.shortest_name)
    }

    /// A group by the number of missing fields.
    #[must_use]
    pub fn missing_fields(self) -> &'static str {
        match self.missing {
            0 => "0 missing",
            1 => "1 missing",
            2 => "2 missing",
            _ => "3 missing or more",
        }
    }
}

fn shorter(a: Option<usize>, b: Option<usize>) -> Option<usize> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_measured_and_gaps_counted_as_for_encoding() {
        let schema = Schema::uk_person();
        let record = |values: [&str; 5]| {
            let optional = ["", ""];
            Record::new("1", values.into_iter().chain(optional).map(str::to_owned).collect())
        };
        let records = [
            record(["Dr Li", "O'Connor", "2011-07-09", "F", "OX1 1AA"]),
            record(["UNKNOWN", "Brown-Smith", "1900-01-01", "F", ""]),
            record(["", "", "2011-07-09", "", "OX1 1AA"]),
        ];
        let found = Difficulty::of(&schema, &records);
        // Sex and the identifiers are in no encoding, so it does not matter whether they are there.
        let expected = [(Some(2), 0), (Some(10), 3), (None, 2)];
        assert_eq!(found, expected.map(|(shortest_name, missing)| Difficulty { shortest_name, missing }));
        assert_eq!(found[0].with(found[1]), Difficulty { shortest_name: Some(2), missing: 3 });
        assert_eq!(found[2].with(found[1]).name_length(), "6 letters or more");
        assert_eq!((found[2].name_length(), found[1].missing_fields()), ("no name", "3 missing or more"));
    }
}
