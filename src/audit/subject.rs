//! The file under attack: who each row is, and what its record holds.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::OnceLock;

use crate::ProjectKey;
use crate::cohort::Cohort;
use crate::error::{Error, Result};
use crate::owner::{Bare, Encoded, FieldReaders, Reading, Record, Stream};
use crate::schema::{Date, Kind, Schema};

/// A file as only its owner has it: people and encodings together.
pub(super) struct Subject<'a> {
    pub(super) schema: &'a Schema,
    pub(super) cohort: &'a Cohort,
    /// The record of each row of the cohort.
    pub(super) records: Vec<&'a Record>,
    born: OnceLock<Vec<Born>>,
}

/// When and where somebody was born, or lives: the day as a number, and the postcode's area.
struct Born {
    day: i32,
    area: String,
    row: usize,
}

impl<'a> Subject<'a> {
    /// `records` are those that `encoded` was made from, in any order, each with an id of its own; there may be others, that
    /// were left out.
    pub(super) fn new(schema: &'a Schema, records: &'a [Record], encoded: &'a Encoded) -> Result<Self> {
        let Encoded { cohort, row_map, .. } = encoded;
        cohort.check_schema(schema)?;
        let places: HashMap<&str, &Record> = records.iter().map(|record| (record.id(), record)).collect();
        if places.len() < records.len() {
            return Err(Error::argument("two records have one id"));
        }
        let ids = row_map.to_map();
        let record = |id| ids.get(id).and_then(|own| places.get(own)).copied();
        let records: Option<Vec<&Record>> = cohort.row_ids().iter().map(record).collect();
        let records = records.ok_or_else(|| {
            Error::argument("the records are not those that were encoded, or there are decoys: audit without them")
        })?;
        Ok(Subject { schema, cohort, records, born: OnceLock::new() })
    }

    pub(super) fn rows(&self) -> usize {
        self.records.len()
    }

    /// What these rows were encoded from, without the key.
    pub(super) fn bare(&self, rows: &[usize]) -> Vec<Bare> {
        let readers = FieldReaders::new(self.schema);
        let mut reading = Reading::default();
        rows.iter().map(|&row| Bare::read(self.schema, &readers, self.records[row], &mut reading)).collect()
    }

    /// So many rows of people who are alike: of the commonest postcode area where it has enough, and born within as few days
    /// as can be. Children's cohorts are like that, and are easier to attack. Fewer rows where dates of birth are missing;
    /// none where the schema has no date.
    pub(super) fn dense(&self, count: usize) -> Vec<usize> {
        let mut people: Vec<&Born> = self.born().iter().collect();
        let mut areas: HashMap<&str, usize> = HashMap::new();
        people.iter().filter(|born| !born.area.is_empty()).for_each(|born| *areas.entry(&born.area).or_default() += 1);
        let commonest = areas.into_iter().max_by_key(|&(area, people)| (people, Reverse(area)));
        if let Some((area, _)) = commonest.filter(|&(_, people)| people >= count) {
            people.retain(|born| born.area == area);
        }
        let count = count.min(people.len());
        let days = |first: usize| if count == 0 { 0 } else { people[first + count - 1].day - people[first].day };
        let narrowest = (0..=people.len() - count).min_by_key(|&first| days(first)).unwrap_or(0);
        people[narrowest..narrowest + count].iter().map(|born| born.row).collect()
    }

    /// How many rows have a date of birth: those that a dense sample can be of.
    pub(super) fn dated(&self) -> usize {
        self.born().len()
    }

    /// Read once, for there are many samples.
    fn born(&self) -> &[Born] {
        self.born.get_or_init(|| {
            let fields = self.schema.fields();
            let Some(date) = fields.iter().position(|field| matches!(field.kind(), Kind::Date { .. })) else {
                return Vec::new();
            };
            let postcode = fields.iter().position(|field| matches!(field.kind(), Kind::Postcode(_)));
            let readers = FieldReaders::new(self.schema);
            let mut reading = Reading::default();
            let mut born = Vec::new();
            for (row, record) in self.records.iter().enumerate() {
                let mut whole = |field| readers.whole(field, record, &mut reading);
                let Some(day) = whole(date).and_then(|date| Date::parse_iso(&date)) else { continue };
                let area = postcode.and_then(whole).unwrap_or_default();
                let area = area.chars().take_while(char::is_ascii_alphabetic).collect();
                born.push(Born { day: day.number(), area, row });
            }
            born.sort_unstable_by_key(|born| (born.day, born.row));
            born
        })
    }
}

/// So many different numbers below `of`, by lot.
pub(super) fn draw(of: usize, count: usize, seed: u64) -> Vec<usize> {
    // The keyed stream serves as a generator here; there is no secret in it.
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let keyed = ProjectKey::from_bytes(bytes).keyed("audit", "draw", "");
    let mut stream = Stream::new(&keyed, b"people");
    let mut all: Vec<usize> = (0..of).collect();
    for i in 0..count {
        let j = i + stream.below(of - i);
        all.swap(i, j);
    }
    all.truncate(count);
    all
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;

    /// People of one area, born a day apart, stand among others who are older, younger, of other areas or without a date.
    #[test]
    fn dense_samples_are_of_one_area_and_few_days() {
        let people = (0..120).map(|i| {
            let (date, postcode) = match i % 4 {
                0 => (format!("2009-03-{:02}", 1 + i / 4 % 30), "OX1 1AA"),
                1 => (format!("{}-07-15", 1950 + i / 4), "OX2 2AB"),
                2 => (format!("2009-03-{:02}", 1 + i / 4 % 30), "RG1 1AA"),
                _ => (String::new(), "OX3 3AA"),
            };
            [format!("ANNA{i}"), "BROWN".to_owned(), date, "F".to_owned(), postcode.to_owned()]
        });
        let file = Fixture::new(Schema::uk_person(), people.collect());
        file.with(|subject| {
            let own = |rows: Vec<usize>| -> Vec<usize> {
                let mut ids: Vec<usize> = rows.iter().map(|&row| subject.records[row].id().parse().unwrap()).collect();
                ids.sort_unstable();
                ids
            };
            assert_eq!(subject.dated(), 90);
            // 60 people of OX have a date; the narrowest thirty are those of one month, and ten of them of ten days.
            assert_eq!(own(subject.dense(30)), (0..120).step_by(4).collect::<Vec<_>>());
            assert_eq!(own(subject.dense(10)), (0..40).step_by(4).collect::<Vec<_>>());
            // No area has so many: whoever was born in that month, and one more.
            let most = own(subject.dense(61));
            assert!((0..120).step_by(2).all(|id| most.contains(&id)) && most.len() == 61);
            assert_eq!((subject.dense(1_000).len(), subject.dense(0).len()), (90, 0));
        });
    }
}
