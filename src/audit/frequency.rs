//! Frequency alignment: what is common stays common when it is encoded.
//!
//! Where an encoding stands in a file many times, somebody with a list of how common names are needs no key: the commonest
//! encoding is the commonest name (the first step of Christen, Schnell, Vatsalan & Ranbaduge 2017, and of most attacks since
//! Kuzu et al. 2011). Match keys are attacked likewise (Vidanage, Ranbaduge, Christen & Schnell 2020). Only repeats whose
//! number no other value shares are attempted: between two that are equally common the attacker would have to draw lots. And
//! only what stands there [a few times](Frequency::least) is: no list says who of a country's namesakes are a file's only two.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::path::Path;

use serde::Serialize;

use super::Named;
use super::sample;
use super::subject::Subject;
use crate::error::{Error, Result};
use crate::owner::{Bare, CsvOptions, Encoded, FieldReaders, Reading, Record, TokenId, read_column};
use crate::schema::{Missing, Schema};

/// Of how many of the commonest encodings right and attempted ones are counted.
const RANKS: [usize; 3] = [10, 50, 200];

/// A value as the tokens of one field or of several: two values that have the same ones are encoded alike.
type Value = Vec<Option<Vec<Vec<TokenId>>>>;

/// Rows that are counted at most: what is common is common among them, and the memory for their tokens has an end.
const MOST_ROWS: usize = 1 << 16;

/// The attack on an owner's own file: what a list of common values says of the commonest encodings.
///
/// The list of a field is public ([`names`](Self::names)), or, where none is given, the file's own values: an attacker who
/// knows how often each of them occurs. Records in whole are always compared with the file's own.
#[derive(Clone)]
pub struct Frequency {
    least: u64,
    lists: Vec<(String, Vec<(String, u64)>)>,
}

/// What the alignment of one column found. It holds counts and no values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Aligned {
    /// `encoding` or `match key`, and its name.
    pub column: String,
    /// Whether a public list was used, and not the file's own values.
    pub public: bool,
    /// How many different encodings or keys there are.
    pub distinct: u64,
    /// How many of them stand there more than once.
    pub repeated: u64,
    /// Of the 10, 50 and 200 commonest: how many were attempted, and how many of these were right.
    pub commonest: BTreeMap<usize, Named>,
}

impl Default for Frequency {
    fn default() -> Self {
        Frequency { least: 5, lists: Vec::new() }
    }
}

/// How many values there are of which field; no value.
impl std::fmt::Debug for Frequency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lists = self.lists.iter().map(|(field, values)| (field, values.len()));
        f.debug_map().entries(lists).finish()
    }
}

impl Frequency {
    /// With the file's own values as the attacker's lists, and what stands there 5 times or more.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How often an encoding must stand in the file to be attempted; 2 at least.
    #[must_use]
    pub fn least(mut self, times: u64) -> Self {
        self.least = times.max(2);
        self
    }

    /// With this list for a field: values, and how common each is. Values that the schema reads alike are added up.
    #[must_use]
    pub fn list(mut self, field: impl Into<String>, values: Vec<(String, u64)>) -> Self {
        let field = field.into();
        self.lists.retain(|(other, _)| *other != field);
        self.lists.push((field, values));
        self
    }

    /// With a public list for a field: a CSV file with the columns `name` and `count`, a whole number.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) where it cannot be read; [`File`](crate::ErrorKind::File) where it lacks a column, or a
    /// count is no whole number.
    pub fn names(self, field: impl Into<String>, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let names = read_column(path, "name", &CsvOptions::new())?;
        let counts = read_column(path, "count", &CsvOptions::new())?;
        let pair = |(row, (name, count)): (usize, (String, String))| match count.parse() {
            Ok(count) => Ok((name, count)),
            Err(_) => {
                Err(Error::file(path, format!("row {}, column \"count\": is not a whole number from 0 on", row + 1)))
            }
        };
        let values = names.into_iter().zip(counts).enumerate().map(pair).collect::<Result<_>>()?;
        Ok(self.list(field, values))
    }

    /// Attacks a file: every encoding, and then every match key, in the schema's order. `records` are those that `encoded`
    /// was made from, in any order, each with an id of its own.
    ///
    /// # Errors
    /// [`Argument`](crate::ErrorKind::Argument) where a list is for a field that the schema has not, two records have one id,
    /// or there are other records than were encoded; [`Mismatch`](crate::ErrorKind::Mismatch) where they were encoded under
    /// another schema.
    pub fn attack(&self, schema: &Schema, records: &[Record], encoded: &Encoded) -> Result<Vec<Aligned>> {
        self.on(&Subject::new(schema, records, encoded)?)
    }

    pub(super) fn on(&self, subject: &Subject<'_>) -> Result<Vec<Aligned>> {
        let schema = subject.schema;
        let unknown = |name: &String| schema.fields().iter().all(|field| field.name() != name);
        if let Some((name, _)) = self.lists.iter().find(|(name, _)| unknown(name)) {
            return Err(Error::argument(format!(
                "there is a list for the field {name:?}, and the schema has no such field"
            )));
        }
        let rows = sample::rows(subject.rows(), MOST_ROWS, 0);
        let bare = subject.bare(&rows);
        let mut found = Vec::new();
        for (encoding, matrix) in schema.encodings().iter().zip(subject.cohort.encodings()) {
            let fields: Vec<usize> = encoding.budgets().iter().map(|&(field, _)| field).collect();
            // Nothing is known of a row of zeros but that all fields are missing.
            let all_missing = |bare: &Bare| fields.iter().all(|&field| bare.fields[field].is_none());
            let silent = |bare: &Bare| encoding.missing() == Missing::Empty && all_missing(bare);
            let people = rows.iter().zip(&bare).filter(|(_, bare)| !silent(bare));
            let people = people.map(|(&row, bare)| (matrix.row(row), value(bare, &fields)));
            found.push(self.align(schema, format!("encoding {}", encoding.name()), &fields, people));
        }
        for (key, keys) in schema.match_keys().iter().zip(subject.cohort.match_keys()) {
            let people = rows.iter().zip(&bare).filter_map(|(&row, bare)| Some((keys[row].as_ref()?, bare)));
            let people = people.map(|(value, bare)| (value, self::value(bare, key.fields())));
            found.push(self.align(schema, format!("match key {}", key.name()), key.fields(), people));
        }
        Ok(found)
    }

    /// Aligns codes with the values of these fields.
    fn align<'c, C: Ord + Hash + ?Sized + 'c>(
        &self,
        schema: &Schema,
        column: String,
        fields: &[usize],
        rows: impl Iterator<Item = (&'c C, Value)>,
    ) -> Aligned {
        let mut codes: HashMap<&C, (u64, HashMap<Value, u64>)> = HashMap::new();
        let mut values: HashMap<Value, u64> = HashMap::new();
        for (code, value) in rows {
            let (count, held) = codes.entry(code).or_default();
            *count += 1;
            *held.entry(value.clone()).or_default() += 1;
            *values.entry(value).or_default() += 1;
        }
        let public = match fields {
            [field] => self.lists.iter().find(|(name, _)| *name == schema.fields()[*field].name()),
            _ => None,
        };
        if let Some((_, list)) = public {
            values = read_list(schema, fields[0], list);
        }
        let repeated = codes.values().filter(|(count, _)| *count > 1).count() as u64;
        let distinct = codes.len() as u64;
        let values = by_frequency(values.into_iter().map(|(value, count)| (count, value)));
        let codes = by_frequency(codes.into_iter().map(|(code, (count, held))| (count, (code, held))).map(
            // The values of one code are few; which is its own is the commonest.
            |(count, (code, held))| {
                (count, (code, by_frequency(held.into_iter().map(|(value, count)| (count, value)))))
            },
        ));
        let alone = |rank: usize| {
            let count = codes[rank].0;
            count >= self.least
                && (rank == 0 || codes[rank - 1].0 != count)
                && codes.get(rank + 1).is_none_or(|&(next, _)| next != count)
        };
        let mut commonest = BTreeMap::new();
        for ranks in RANKS {
            let mut named = Named::default();
            for rank in (0..ranks.min(codes.len()).min(values.len())).filter(|&rank| alone(rank)) {
                let (_, held) = &codes[rank].1;
                named.count(held.first().is_some_and(|(_, own)| *own == values[rank].1));
            }
            commonest.insert(ranks, named);
        }
        Aligned { column, public: public.is_some(), distinct, repeated, commonest }
    }
}

/// The commonest first; of equally common ones in an order that says nothing.
fn by_frequency<T: Ord>(counted: impl Iterator<Item = (u64, T)>) -> Vec<(u64, T)> {
    let mut counted: Vec<(u64, T)> = counted.collect();
    counted.sort_unstable_by(|(a, one), (b, other)| b.cmp(a).then_with(|| one.cmp(other)));
    counted
}

fn value(bare: &Bare, fields: &[usize]) -> Value {
    fields.iter().map(|&field| bare.fields[field].clone()).collect()
}

/// A list's values as the encoder reads them; those that mean "missing" are left out.
fn read_list(schema: &Schema, field: usize, list: &[(String, u64)]) -> HashMap<Value, u64> {
    let readers = FieldReaders::new(schema);
    let mut reading = Reading::default();
    let mut values: HashMap<Value, u64> = HashMap::new();
    let mut texts = vec![String::new(); schema.fields().len()];
    for (text, count) in list {
        texts[field].clone_from(text);
        let bare = Bare::read(schema, &readers, &Record::new("", texts.clone()), &mut reading);
        if bare.fields[field].is_some() {
            *values.entry(value(&bare, &[field])).or_default() += count;
        }
    }
    values
}
