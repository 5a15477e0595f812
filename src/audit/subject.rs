//! The file under attack: who each row is, and what its record holds.

use std::collections::HashMap;

use crate::ProjectKey;
use crate::cohort::Cohort;
use crate::error::{Error, Result};
use crate::owner::{Bare, Encoded, FieldReaders, Reading, Record, Stream};
use crate::schema::{Kind, Schema};

/// A file as only its owner has it: people and encodings together.
pub(super) struct Subject<'a> {
    pub(super) schema: &'a Schema,
    pub(super) cohort: &'a Cohort,
    /// The record of each row of the cohort.
    pub(super) records: Vec<&'a Record>,
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
        Ok(Subject { schema, cohort, records })
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
        let fields = self.schema.fields();
        let Some(date) = fields.iter().position(|field| matches!(field.kind(), Kind::Date { .. })) else {
            return Vec::new();
        };
        let postcode = fields.iter().position(|field| matches!(field.kind(), Kind::Postcode(_)));
        let readers = FieldReaders::new(self.schema);
        let mut reading = Reading::default();
        let mut people: Vec<(String, String, usize)> = Vec::new();
        for (row, record) in self.records.iter().enumerate() {
            let mut whole = |field| readers.whole(field, record, &mut reading);
            let Some(born) = whole(date) else { continue };
            let area = postcode.and_then(whole).unwrap_or_default();
            people.push((area.chars().take_while(char::is_ascii_alphabetic).collect(), born, row));
        }
        let mut areas: HashMap<&str, usize> = HashMap::new();
        people.iter().filter(|(area, ..)| !area.is_empty()).for_each(|(area, ..)| *areas.entry(area).or_default() += 1);
        let commonest = areas.into_iter().max_by_key(|&(area, people)| (people, std::cmp::Reverse(area)));
        if let Some((area, _)) = commonest.filter(|&(_, people)| people >= count) {
            let area = area.to_owned();
            people.retain(|(other, ..)| *other == area);
        }
        people.sort_unstable_by(|(_, a, i), (_, b, j)| (a, i).cmp(&(b, j)));
        let count = count.min(people.len());
        // Dates are written year first, so that the numbers that they are lie in their order.
        let day = |at: usize| people[at].1.parse::<u64>().unwrap_or(0);
        let narrowest = (0..=people.len() - count).min_by_key(|&first| match count {
            0 => 0,
            count => day(first + count - 1).abs_diff(day(first)),
        });
        people.iter().skip(narrowest.unwrap_or(0)).take(count).map(|&(.., row)| row).collect()
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
