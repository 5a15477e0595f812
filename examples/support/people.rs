//! Invented people for measurements: as many as two files need, and what a schema's fields hold of each.
#![allow(dead_code, reason = "every program has it as a module of its own, and none uses all of it")]

use pprl::Schema;
use pprl::schema::Field;
use pprl::synth::{Options, Record};

/// People for two files, the larger one of so many rows: all of them are in both agencies' reach.
pub(crate) fn options(rows: usize, seed: u64) -> Options {
    Options {
        seed,
        // Not all children go to school; a few more than are needed.
        children: rows + rows / 2 + 10,
        cohort: 0,
        social_care_share: 10_000,
        education_share: 10_000,
        ..Options::default()
    }
}

/// What a record has in a field, by the field's name; `None` where agencies write no such thing.
pub(crate) fn value(record: &Record, field: &Field) -> Option<String> {
    let value = match field.name() {
        "forename" => &record.forename,
        "surname" => &record.surname,
        "date_of_birth" => &record.date_of_birth,
        "sex" => &record.sex,
        "postcode" => &record.postcode,
        "nhs_number" => &record.nhs_number,
        "upn" => &record.upn,
        _ => return None,
    };
    Some(value.clone())
}

/// The default schema's compact variant: encodings of 1,024 bits.
pub(crate) fn compact() -> pprl::Result<Schema> {
    let text = include_str!("../schemas/uk_person.toml").replace("output = 4096", "output = 1024");
    Schema::from_toml(&text.replace("diffusion = 14", "diffusion = 13").replace("diffusion = 18", "diffusion = 16"))
}
