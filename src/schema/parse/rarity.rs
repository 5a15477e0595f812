//! The tables `[[rarity]]`.

use super::{MAX_FIELDS, Section};
use crate::schema::rarity::{CUTS, MAX_RARITY_CLASSES};
use crate::schema::{Encoding, Field, Kind, Rarity};

/// In people of 100,000.
const MOST: u32 = 100_000;

pub(super) fn rarity(root: &Section<'_>, fields: &[Field], encodings: &[Encoding]) -> Vec<Rarity> {
    let mut all: Vec<Rarity> = Vec::new();
    for section in root.tables("rarity", 0..=MAX_FIELDS) {
        let field = field(&section, fields, encodings);
        let (list, cuts) = (section.list_sha256(), cuts(&section));
        section.finish();
        let (Some(field), Some(list_sha256), Some(cuts)) = (field, list, cuts) else { continue };
        if all.iter().any(|other| other.field == field) {
            section.problem(section.span.clone(), "field", "another of these tables names this field");
        } else {
            all.push(Rarity { field, list_sha256, cuts });
        }
    }
    all
}

fn field(section: &Section<'_>, fields: &[Field], encodings: &[Encoding]) -> Option<usize> {
    section.require("field", "the field of names whose rarity is sent");
    let (name, span) = section.text("field")?;
    let Some(field) = fields.iter().position(|field| field.name == name) else {
        section.problem(span, "field", "no such field");
        return None;
    };
    if fields[field].kind != Kind::Name {
        section.problem(span, "field", "only names have a rarity: the field must be of the kind name");
        return None;
    }
    // A class weighs how much two encodings agree; without one it would be told for nothing.
    if !encodings.iter().any(|encoding| encoding.has(field)) {
        section.problem(span, "field", "no encoding holds this field, so there is nothing that its rarity could weigh");
        return None;
    }
    Some(field)
}

fn cuts(section: &Section<'_>) -> Option<Vec<u32>> {
    let Some(value) = section.value("cuts") else { return Some(CUTS.to_vec()) };
    let number = |value: &toml::Spanned<toml::de::DeValue<'_>>| {
        let integer = value.get_ref().as_integer()?;
        u32::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|cut| (1..=MOST).contains(cut))
    };
    let cuts: Option<Vec<u32>> = value.get_ref().as_array().and_then(|array| array.iter().map(number).collect());
    let cuts = cuts.filter(|cuts| (1..MAX_RARITY_CLASSES).contains(&cuts.len()) && cuts.is_sorted_by(|a, b| a > b));
    if cuts.is_none() {
        let message = format!(
            "must be a list of 1 to {} whole numbers from 1 to {MOST}, descending: people of 100,000 who bear a name",
            MAX_RARITY_CLASSES - 1
        );
        section.problem(value.span(), "cuts", &message);
    }
    cuts
}
