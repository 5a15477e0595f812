//! Invented people for the tests of the checks: a few names are frequent and many are rare, and siblings share an address.

use super::subject::Subject;
use crate::owner::{Encoded, Record};
use crate::schema::{Encoding, Missing, Schema};
use crate::{Encoder, ProjectKey};

pub(super) struct Fixture {
    pub(super) schema: Schema,
    pub(super) records: Vec<Record>,
    pub(super) encoded: Encoded,
}

impl Fixture {
    /// Records with the values of the schema's first fields; the others are empty.
    pub(super) fn new(schema: Schema, people: Vec<[String; 5]>) -> Self {
        let record = |(id, values): (usize, [String; 5])| {
            let mut values = values.to_vec();
            values.resize(schema.fields().len(), String::new());
            Record::new(id.to_string(), values)
        };
        let records: Vec<Record> = people.into_iter().enumerate().map(record).collect();
        let key = ProjectKey::from_bytes(std::array::from_fn(|i| (i * 7 + 3) as u8));
        let encoded = Encoder::new(&schema, &key, "police").unwrap().seed([9; 32]).encode(&records).unwrap();
        Fixture { schema, records, encoded }
    }

    pub(super) fn with<T>(&self, check: impl FnOnce(&Subject<'_>) -> T) -> T {
        check(&Subject::new(&self.schema, &self.records, &self.encoded).unwrap())
    }
}

/// The default: four diffused encodings.
pub(super) fn guarded(count: usize) -> Fixture {
    Fixture::new(Schema::uk_person(), people(count, 1))
}

/// One plain filter of all fields, as most programs make it.
pub(super) fn clk(count: usize) -> Fixture {
    let budgets = vec![(0, 80), (1, 80), (2, 80), (3, 20), (4, 80)];
    Fixture::new(plain("clk", budgets), people(count, 1))
}

pub(super) fn plain(name: &str, budgets: Vec<(usize, usize)>) -> Schema {
    let encoding = Encoding::new(name, 1024, 0, 1024, Missing::Empty, budgets);
    Schema::uk_person().with_encodings(vec![encoding], "a test of what is weak").unwrap()
}

/// Forename, surname, date of birth, sex, postcode.
pub(super) fn people(count: usize, seed: u64) -> Vec<[String; 5]> {
    const FORENAMES: [&str; 24] = [
        "OLIVIA", "MUHAMMAD", "JACK", "AMELIA", "GEORGE", "ISLA", "NOAH", "AVA", "ARTHUR", "MIA", "LI", "GRACE",
        "OSCAR", "FREYA", "ZOFIA", "HARRY", "EMILY", "ZARA", "IBRAHIM", "POPPY", "THEODORE", "FLORENCE", "BO",
        "ÉLODIE",
    ];
    const BEGINNINGS: [&str; 16] = [
        "SMI", "JON", "WIL", "PAT", "BRO", "KHA", "TAY", "HUG", "EVA", "GRE", "NOWA", "O'BRI", "MAC", "ADE", "SIN",
        "WAL",
    ];
    const ENDS: [&str; 12] = ["TH", "ES", "SON", "EL", "WN", "N", "LOR", "ENS", "KER", "DALE", "GH", "SKI"];
    let mut state = seed;
    let mut below = move |end: usize| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        ((state >> 33) % end as u64) as usize
    };
    let mut people: Vec<[String; 5]> = Vec::new();
    for _ in 0..count {
        // The smaller of two numbers: the first names of the list are the frequent ones.
        let forename = FORENAMES[below(24).min(below(24))];
        let mut surname = format!("{}{}", BEGINNINGS[below(16).min(below(16))], ENDS[below(12).min(below(12))]);
        let date = format!("{}-{:02}-{:02}", 2006 + below(18), 1 + below(12), 1 + below(28));
        let sex = ["F", "M"][below(2)];
        let inward =
            |n: usize, m: usize, l: usize| format!("{n}{}{}", (b'A' + m as u8) as char, (b'A' + l as u8) as char);
        let mut postcode = format!("OX{} {}", 1 + below(20), inward(below(10), below(8) * 3, below(8) * 2));
        if let Some(other) = people.last().filter(|_| below(10) < 3) {
            (surname, postcode) = (other[1].clone(), other[4].clone());
        }
        let missing = below(40) == 0;
        let postcode = if missing { String::new() } else { postcode };
        people.push([forename.to_owned(), surname, date, sex.to_owned(), postcode]);
    }
    people
}
