//! The tables `[[role]]`.

use std::collections::BTreeMap;

use super::{MAX_FIELDS, Section};
use crate::schema::role::Place;
use crate::schema::{Field, Role};

/// By party, in the order of the file.
pub(super) fn roles(root: &Section<'_>, fields: &[Field], parties: &[String]) -> BTreeMap<String, Vec<Role>> {
    let mut all: BTreeMap<String, Vec<Role>> = BTreeMap::new();
    for section in root.tables("role", 0..=MAX_FIELDS) {
        let party = party(&section, parties);
        let role = role(&section, fields);
        section.finish();
        let (Some(party), Some(role)) = (party, role) else { continue };
        let of_party = all.entry(party).or_default();
        if of_party.iter().any(|other| other.name() == role.name()) {
            section.problem(section.span.clone(), "name", "another role of this party has this name");
        } else {
            of_party.push(role);
        }
    }
    all
}

fn party(section: &Section<'_>, parties: &[String]) -> Option<String> {
    section.require("party", "the data owner whose rows hold several people");
    let (party, span) = section.text("party")?;
    let known = parties.contains(&party);
    if !known {
        section.problem(span, "party", "no such party");
    }
    known.then_some(party)
}

fn role(section: &Section<'_>, fields: &[Field]) -> Option<Role> {
    section.require("name", "what this person is in the row, such as carer1");
    let (name, span) = section.text("name")?;
    let mut role = Role::new(name);
    if let Some((prefix, _)) = section.text("prefix") {
        role = role.prefix(prefix);
    }
    let mut places: Vec<(&str, String, Place)> = Vec::new();
    for (key, place) in [("columns", Place::Own as fn(String) -> Place), ("shared", Place::Shared)] {
        let Some(table) = section.table(key) else { continue };
        for field in table.keys() {
            let Some((column, span)) = table.text(&field) else { continue };
            if column.trim().is_empty() {
                table.problem(span, &field, "must not be empty");
            }
            places.push((key, field, place(column)));
        }
    }
    places.extend(section.texts("without").into_iter().map(|(field, _)| ("without", field, Place::Nowhere)));
    for (number, (key, field, place)) in places.iter().enumerate() {
        if places[..number].iter().any(|(_, other, _)| other == field) {
            section.problem(
                section.span_of(key),
                key,
                &format!("the field {field} has its place in this role already"),
            );
        }
        role = role.at(field.clone(), place.clone());
    }
    if let Some(problem) = role.problem(fields) {
        section.problem(span, "name", &problem);
        return None;
    }
    Some(role)
}
