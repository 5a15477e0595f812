//! Decoys: rows of people who do not exist, among the rows of those who do.
//!
//! They are put together from the file's own values, so that each value is as frequent among them as among real people:
//! which fields are there from one record, a forename from another, a surname from a third. No two values of a decoy
//! come from one person. Identifiers are invented, since a borrowed one would link the decoy to whoever it belongs to.

use std::collections::HashSet;

use hmac::Mac;
use sha2::{Digest, Sha256};

use super::Encoder;
use super::read::Record;
use super::values::{Code, Coded, Worker};
use crate::cohort::MatchKeyValue;
use crate::error::{Error, Result};
use crate::split_mix::SplitMix64;

/// How often another one is tried where a decoy would be somebody of the file, before the file is held too small.
const ATTEMPTS: usize = 200;

/// How often digits of an identifier are drawn until its check digit is right: one in 23 at worst is.
const IDENTIFIER_ATTEMPTS: usize = 1000;

/// How many characters of an identifier stay as they are: what tells where and when it was given out.
const IDENTIFIER_PREFIX: usize = 3;

impl Encoder {
    /// The records that were kept, in their order, and after them the decoys. None of these is a person of the file, or
    /// has a match key of one, or of another decoy, or is on the opt-out list.
    pub(super) fn padded(&self, coded: &Coded<'_>, keep: &[u32], seed: &[u8; 32]) -> Result<Vec<Record>> {
        let mut lots = Lots::new(self, coded, keep, seed)?;
        let mut records: Vec<Record> = Vec::with_capacity(keep.len() + self.decoys);
        for &place in keep {
            let record = &coded.records[place as usize];
            if record.id().is_empty() {
                return Err(Error::argument("with decoys, every record needs an id of its own: decoys have none"));
            }
            records.push(Record::new(record.id(), record.values().to_vec()));
        }
        for _ in 0..self.decoys {
            let decoy = (0..ATTEMPTS).find_map(|_| lots.draw());
            let problem = "the file is too small for so many decoys: they would be people who are in it";
            records.push(decoy.ok_or_else(|| Error::argument(problem))?);
        }
        Ok(records)
    }
}

/// What decoys are drawn from, and what they must not be.
struct Lots<'a> {
    encoder: &'a Encoder,
    coded: &'a Coded<'a>,
    keep: &'a [u32],
    /// For every field, who has it.
    present: Vec<Vec<u32>>,
    match_keys: HashSet<(usize, MatchKeyValue)>,
    people: HashSet<[u8; 16]>,
    random: SplitMix64,
    worker: Worker,
    codes: Vec<Code>,
}

impl<'a> Lots<'a> {
    fn new(encoder: &'a Encoder, coded: &'a Coded<'a>, keep: &'a [u32], seed: &[u8; 32]) -> Result<Self> {
        let fields = encoder.fields.len();
        if keep.len() <= fields {
            return Err(Error::argument(
                "the file is too small for decoys: no two values of a decoy may come from one person",
            ));
        }
        let mut mac = encoder.row_ids.clone();
        // Row ids are of messages of another length.
        mac.update(seed);
        mac.update(b"decoys");
        let start = mac.finalize().into_bytes();
        let start = start.iter().take(8).fold(0, |start, &byte| start << 8 | u64::from(byte));
        let mut lots = Lots {
            encoder,
            coded,
            keep,
            present: vec![Vec::new(); fields],
            match_keys: HashSet::new(),
            people: HashSet::new(),
            random: SplitMix64(start),
            worker: Worker::new(&encoder.fields, 0),
            codes: vec![Code::default(); fields],
        };
        for &place in keep {
            let person = coded.person(place);
            for (field, present) in lots.present.iter_mut().enumerate() {
                if person.is_present(field) {
                    present.push(place);
                }
            }
            lots.match_keys.extend(encoder.match_keys_of(coded, place));
            let digest = digest(encoder, person.codes, coded.records[place as usize].values(), &mut lots.worker);
            lots.people.insert(digest);
        }
        Ok(lots)
    }

    fn below(&mut self, end: usize) -> usize {
        self.random.below(end as u64) as usize
    }

    /// One more decoy; `None` where this one must not be.
    fn draw(&mut self) -> Option<Record> {
        let (coded, encoder) = (self.coded, self.encoder);
        let drawn = self.below(self.keep.len());
        let mut donors = vec![self.keep[drawn]];
        let like = coded.person(donors[0]);
        let mut values = Vec::with_capacity(self.present.len());
        for field in 0..self.present.len() {
            let mut value = String::new();
            if like.is_present(field) {
                let drawn = self.below(self.present[field].len());
                let donor = self.present[field][drawn];
                if donors.contains(&donor) {
                    return None;
                }
                donors.push(donor);
                value.clone_from(&coded.records[donor as usize].values()[field]);
                if encoder.fields.is_identifier(field) {
                    value = self.identifier(field, &value)?;
                }
            }
            values.push(value);
        }
        let record = Record::new("", values);
        encoder.code(std::slice::from_ref(&record), &mut self.codes, &mut self.worker);
        let person = digest(encoder, &self.codes, record.values(), &mut self.worker);
        let keys: Vec<_> = encoder.match_keys_of_one(&record, &self.codes, &mut self.worker).collect();
        let listed = encoder
            .opt_out
            .as_ref()
            .is_some_and(|list| list.contains(encoder.opt_out_entries(&record, &self.codes, &mut self.worker)));
        if listed || self.people.contains(&person) || keys.iter().any(|key| self.match_keys.contains(key)) {
            return None;
        }
        self.people.insert(person);
        self.match_keys.extend(keys);
        Some(record)
    }

    /// An identifier that can be true and begins like this one.
    fn identifier(&mut self, field: usize, like: &str) -> Option<String> {
        for _ in 0..IDENTIFIER_ATTEMPTS {
            let mut digits = 0;
            let drawn: String = like
                .chars()
                .map(|c| {
                    digits += usize::from(c.is_ascii_alphanumeric());
                    if c.is_ascii_digit() && digits > IDENTIFIER_PREFIX {
                        char::from(b'0' + self.random.below(10) as u8)
                    } else {
                        c
                    }
                })
                .collect();
            let read = self.encoder.fields.read(field, &drawn, &mut self.worker.scratch.reading);
            if drawn != like && read.is_ok() {
                return Some(drawn);
            }
        }
        None
    }
}

/// Stands for all values of a record as they are read.
fn digest(encoder: &Encoder, codes: &[Code], values: &[String], worker: &mut Worker) -> [u8; 16] {
    let mut hash = Sha256::new();
    let reading = &mut worker.scratch.reading;
    for (field, (code, value)) in codes.iter().zip(values).enumerate() {
        let there = code.is_present() && encoder.fields.read(field, value, reading).is_ok();
        let whole = if there { reading.whole.as_bytes() } else { b"" };
        hash.update([u8::from(there)]);
        hash.update((whole.len() as u64).to_be_bytes());
        hash.update(whole);
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.finalize()[..16]);
    digest
}
