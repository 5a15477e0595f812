//! The two files: an owner's own with the truth in a column, or invented ones.

use std::collections::HashMap;
use std::path::Path;

use pprl::owner::{read_column, read_csv};
use pprl::synth::{Agency, Options, Population, Record as Invented};
use pprl::{CsvOptions, Record, Schema};

use crate::command::Outcome;
use crate::people::value;

/// Of the children that the invented police do not hold, those whom social care does: as many in 10,000.
const OTHERS: u32 = 6_000;

/// Two files, and who each row is; nobody's partner where that is empty.
pub(crate) struct Files {
    pub(crate) records: [Vec<Record>; 2],
    pub(crate) who: [Vec<String>; 2],
}

impl Files {
    /// Reads two files.
    pub(crate) fn read(schema: &Schema, paths: [&Path; 2], truth: &str) -> Outcome<Self> {
        let options = CsvOptions::new();
        let mut files = Files { records: Default::default(), who: Default::default() };
        for (file, path) in paths.into_iter().enumerate() {
            files.records[file] = read_csv(path, schema, &options)?;
            files.who[file] = read_column(path, truth, &options)?;
        }
        Ok(files)
    }

    /// Invents whole families: the first file is the police's, of so many rows, the second social care's, of about as many.
    /// Three quarters of the first are in the second.
    pub(crate) fn invent(schema: &Schema, rows: usize, seed: u64) -> Outcome<Self> {
        let nobody = Invented::default();
        if let Some(field) = schema.fields().iter().find(|field| value(&nobody, field).is_none()) {
            let problem = "invented people have no such field; give files (--a, --b and --truth)";
            return Err(format!("{}: {problem}", field.name()).into());
        }
        let options = Options {
            seed,
            children: rows + rows * 2 / 5,
            cohort: rows,
            social_care_share: OTHERS,
            ..Options::default()
        };
        let population = Population::generate(&options)?;
        let files = [Agency::Police, Agency::SocialCare].map(|agency| population.records(agency));
        let record = |(row, invented): (usize, &Invented)| {
            let values = schema.fields().iter().map(|field| value(invented, field).unwrap_or_default()).collect();
            Record::new((row + 1).to_string(), values)
        };
        Ok(Files {
            records: files.map(|file| file.iter().enumerate().map(record).collect()),
            who: files.map(|file| file.iter().map(|invented| invented.person_id.clone()).collect()),
        })
    }

    /// Of so many rows at most: people by lot, with all of their rows.
    pub(crate) fn thinned(self, rows: usize, seed: u64) -> Self {
        // Who it is, and the rows. A row of nobody is a person of its own.
        let mut of: HashMap<&str, usize> = HashMap::new();
        let mut persons: Vec<[Vec<usize>; 2]> = Vec::new();
        for (file, who) in self.who.iter().enumerate() {
            for (row, who) in who.iter().enumerate() {
                let next = persons.len();
                let person = if who.is_empty() { next } else { *of.entry(who).or_insert(next) };
                if person == next {
                    persons.push(Default::default());
                }
                persons[person][file].push(row);
            }
        }
        let mut state = seed;
        for i in (1..persons.len()).rev() {
            persons.swap(i, (crate::next(&mut state) % (i as u64 + 1)) as usize);
        }
        let mut kept: [Vec<usize>; 2] = Default::default();
        for person in &persons {
            if kept.iter().zip(person).any(|(kept, rows_of)| kept.len() + rows_of.len() > rows) {
                break;
            }
            kept.iter_mut().zip(person).for_each(|(kept, rows_of)| kept.extend(rows_of));
        }
        // The file's order, so that as many rows as there are give the file as it is.
        kept.iter_mut().for_each(|kept| kept.sort_unstable());
        let chosen = |file: usize| kept[file].iter().map(move |&row| (file, row));
        Files {
            records: [0, 1].map(|file| chosen(file).map(|(file, row)| copy(&self.records[file][row])).collect()),
            who: [0, 1].map(|file| chosen(file).map(|(file, row)| self.who[file][row].clone()).collect()),
        }
    }

    /// Pairs of rows that are one person.
    pub(crate) fn true_pairs(&self) -> u64 {
        pprl::evaluate::Truth { a: &self.who[0], b: Some(&self.who[1]) }.quality([]).truth
    }
}

/// The library gives no copies away.
fn copy(record: &Record) -> Record {
    Record::new(record.id(), record.values().to_vec())
}
