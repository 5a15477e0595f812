//! The first pass over all records: what every value is, which records go in, and what the quality report says.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::opt_out::{self, OptOutList};
use super::quality::QualityReport;
use super::read::Record;
use super::values::{Code, Coded, LOOKED_UP, Person, Pool, Worker};
use super::{Encoder, MISREAD_LEAST, MISREAD_SHARE, STRETCH, place};
use crate::cohort::MatchKeyValue;
use crate::error::{Error, ErrorKind, ROW_PROBLEMS_KEPT, Result, RowProblem};
use crate::schema::Field;

/// What one stretch of records holds.
struct Look {
    memo: usize,
    quality: QualityReport,
    left_out: Vec<u32>,
    /// The match keys, record after record.
    match_keys: Vec<Option<MatchKeyValue>>,
    /// The classes of the fields whose rarity is told, record after record.
    rarity: Vec<u8>,
}

impl Encoder {
    /// Looks at all values before anything is encoded: which records go in, and what the quality report says.
    pub(super) fn survey<'a>(&'a self, records: &'a [Record]) -> Result<(Coded<'a>, Vec<u32>, QualityReport)> {
        if records.len() > crate::cohort::MAX_ROWS {
            return Err(Error::argument("there are more records than a cohort may have"));
        }
        let fields = self.schema.fields();
        let short = |(i, record): (usize, &Record)| {
            let (row, line) = place(i, record);
            let problem = "the record has not as many values as the schema has fields";
            (record.values().len() != fields.len()).then(|| RowProblem { row, line, field: String::new(), problem })
        };
        let mut short: Vec<_> = records.iter().enumerate().filter_map(short).collect();
        if !short.is_empty() {
            let total = short.len() as u64;
            short.truncate(ROW_PROBLEMS_KEPT);
            return Err(ErrorKind::Rows { path: None, problems: short, total }.into());
        }

        let made = AtomicUsize::new(0);
        let pool = Pool::default();
        let mut codes = vec![Code::default(); records.len() * fields.len()];
        let stretches = records.par_chunks(STRETCH).zip(codes.par_chunks_mut(STRETCH * fields.len())).enumerate();
        let looks: Vec<Look> = stretches
            .map(|(stretch, (records, codes))| {
                let make = || Worker::new(&self.fields, made.fetch_add(1, Ordering::Relaxed));
                pool.lend(make, |worker| self.look(stretch * STRETCH, records, codes, worker))
            })
            .collect();

        let mut quality = QualityReport::new(0, fields.iter().map(Field::name));
        let mut left_out = Vec::new();
        let (mut memo_of, mut match_keys) = (Vec::with_capacity(looks.len()), Vec::with_capacity(looks.len()));
        let mut rarity = Vec::with_capacity(looks.len());
        for look in looks {
            memo_of.push(look.memo);
            match_keys.push(look.match_keys);
            rarity.push(look.rarity);
            left_out.extend(look.left_out);
            quality.add(look.quality);
        }
        let misread = quality.fields.iter().any(|field| {
            let bad = field.invalid + field.unreadable;
            bad >= MISREAD_LEAST && bad as f64 >= field.written() as f64 * MISREAD_SHARE
        });
        if misread || (self.strict && quality.bad_values() > 0) {
            let total = quality.bad_values();
            return Err(ErrorKind::Rows { path: None, problems: quality.problems, total }.into());
        }
        let mut out = left_out.iter().peekable();
        let keep = (0..records.len() as u32).filter(|place| out.next_if_eq(&place).is_none()).collect();
        let mut workers = pool.into_inner();
        workers.sort_unstable_by_key(|worker| worker.number);
        let memos = workers.into_iter().map(|worker| worker.values).collect();
        Ok((Coded { fields: &self.fields, records, codes, memos, memo_of, match_keys, rarity }, keep, quality))
    }

    /// Looks at a stretch of the records, of which `first` come before.
    fn look(&self, first: usize, records: &[Record], codes: &mut [Code], worker: &mut Worker) -> Look {
        let fields = self.schema.fields();
        let mut quality = QualityReport::new(records.len() as u64, fields.iter().map(Field::name));
        let mut left_out = Vec::new();
        self.code(records, codes, worker);
        for (i, (record, codes)) in records.iter().zip(codes.chunks_exact(fields.len())).enumerate() {
            let i = first + i;
            if !record.consents() {
                left_out.push(i as u32);
                quality.no_consent += 1;
                continue;
            }
            if let Some(list) = &self.opt_out
                && list.contains(self.opt_out_entries(record, codes, worker))
            {
                left_out.push(i as u32);
                quality.opted_out += 1;
                continue;
            }
            let empty = !self.plans.iter().any(|plan| plan.says_something(|field| codes[field].is_present()));
            quality.empty += u64::from(empty);
            for (index, (code, field)) in codes.iter().zip(fields).enumerate() {
                let reason = code.reason();
                quality.fields[index].count(reason);
                if let Some(problem) = reason.and_then(|reason| reason.problem(field.kind())) {
                    let (row, line) = place(i, record);
                    quality.problem(RowProblem { row, line, field: record.field_name(field.name()), problem });
                }
            }
        }
        let Worker { number, values, scratch } = worker;
        let mut match_keys = Vec::with_capacity(records.len() * self.hashers.len());
        let mut rarity = Vec::with_capacity(records.len() * self.schema.rarity().len());
        for (record, codes) in records.iter().zip(codes.chunks_exact(fields.len())) {
            let person = Person { fields: &self.fields, codes, record, values };
            match_keys.extend(self.hashers.iter().map(|hasher| hasher.hash(person, scratch)));
            rarity.extend(self.schema.rarity().iter().map(|r| person.rarity(r.field(), &mut scratch.reading)));
        }
        Look { memo: *number, quality, left_out, match_keys, rarity }
    }

    pub(super) fn code(&self, records: &[Record], codes: &mut [Code], worker: &mut Worker) {
        let fields = self.fields.len();
        for (records, codes) in records.chunks(LOOKED_UP).zip(codes.chunks_mut(LOOKED_UP * fields)) {
            for field in 0..fields {
                let mut texts = [""; LOOKED_UP];
                let mut column = [Code::default(); LOOKED_UP];
                for (text, record) in texts.iter_mut().zip(records) {
                    *text = record.values().get(field).map_or("", String::as_str);
                }
                worker.code(&self.fields, &self.plans, field, &texts[..records.len()], &mut column);
                for (code, codes) in column.iter().zip(codes.chunks_exact_mut(fields)) {
                    codes[field] = *code;
                }
            }
        }
    }

    /// The match keys that a record has, each with its number.
    pub(super) fn match_keys_of<'a>(
        &'a self,
        coded: &'a Coded<'_>,
        place: u32,
    ) -> impl Iterator<Item = (usize, MatchKeyValue)> + 'a {
        let (place, hashers) = (place as usize, self.hashers.len());
        let keys = &coded.match_keys[place / STRETCH][place % STRETCH * hashers..][..hashers];
        keys.iter().enumerate().filter_map(|(number, key)| Some((number, (*key)?)))
    }

    /// As [`match_keys_of`](Self::match_keys_of), of a record that was not among those surveyed.
    pub(super) fn match_keys_of_one<'a>(
        &'a self,
        record: &'a Record,
        codes: &'a [Code],
        worker: &'a mut Worker,
    ) -> impl Iterator<Item = (usize, MatchKeyValue)> + 'a {
        let Worker { values, scratch, .. } = worker;
        let person = Person { fields: &self.fields, codes, record, values };
        self.hashers
            .iter()
            .enumerate()
            .filter_map(move |(number, hasher)| Some((number, hasher.hash(person, scratch)?)))
    }

    pub(super) fn opt_out_entries<'a>(
        &'a self,
        record: &'a Record,
        codes: &'a [Code],
        worker: &'a mut Worker,
    ) -> impl Iterator<Item = opt_out::Entry> {
        let Worker { values, scratch, .. } = worker;
        let person = Person { fields: &self.fields, codes, record, values };
        let hashes = self.opt_out_hashers.iter().enumerate();
        hashes.filter_map(move |(i, hasher)| Some(opt_out::Entry::new(i, hasher.hash(person, scratch)?)))
    }

    /// Makes an opt-out list of these people, for all owners of the project.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the schema has no match keys; [`ErrorKind::Rows`] where a person has no whole match
    /// key, and so could not be recognised in another file.
    pub fn opt_out_list(&self, people: &[Record]) -> Result<OptOutList> {
        if self.opt_out_hashers.is_empty() {
            return Err(Error::argument("an opt-out list needs match keys in the schema"));
        }
        let mut entries = Vec::new();
        let mut problems = Vec::new();
        let mut worker = Worker::new(&self.fields, 0);
        let mut codes = vec![Code::default(); self.fields.len()];
        for (i, record) in people.iter().enumerate() {
            let before = entries.len();
            self.code(std::slice::from_ref(record), &mut codes, &mut worker);
            entries.extend(self.opt_out_entries(record, &codes, &mut worker));
            if entries.len() == before {
                let (row, line) = place(i, record);
                let problem = "has no whole match key, so the person could not be recognised in another file";
                problems.push(RowProblem { row, line, field: String::new(), problem });
            }
        }
        if !problems.is_empty() {
            let total = problems.len() as u64;
            problems.truncate(ROW_PROBLEMS_KEPT);
            return Err(ErrorKind::Rows { path: None, problems, total }.into());
        }
        OptOutList::new(self.schema.fingerprint(), &self.key_check, &entries)
    }
}
