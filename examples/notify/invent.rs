//! Invented people for the pilot: a prison's receptions, and the parents and carers that schools and social care have on
//! children's records. In a build with the feature `synth`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use pprl::Schema;
use pprl::synth::{Agency, Options, Parent, Population, Rates, partner};

use super::command::Outcome;

/// Receptions of the last months, from which the index learns, and of the day that is looked up.
const BEFORE: usize = 600;
const TODAY: usize = 60;

/// A row: the holder's own id, the truth, and what stands in the schema's fields.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) person: String,
    pub(crate) values: Vec<String>,
}

/// The files of the pilot, by name.
pub(crate) struct Invented {
    pub(crate) schema: Schema,
    pub(crate) toml: String,
    pub(crate) files: Vec<(&'static str, Vec<Row>)>,
}

/// The default schema, agreed by a prison, schools and social care: one adult may stand on several children's records.
fn toml() -> String {
    include_str!("../schemas/uk_person.toml")
        .replace("[\"police\", \"social_care\", \"education\"]", "[\"prison\", \"education\", \"social_care\"]")
        .replace("id = \"example-project\"", "id = \"example-notification\"")
        .replace("[\"police\"]", "[]")
        .replace("\"one-to-one\"", "\"one-to-many\"")
}

/// Two areas; the prison takes adults of both, and children's records are those of the first. So half of the receptions have
/// nobody to be told of them, as far as this area knows.
pub(crate) fn invent(children: usize, seed: u64) -> Outcome<Invented> {
    let toml = toml();
    let schema = Schema::from_toml(&toml)?;
    let area = |seed| Population::generate(&Options { seed, children, ..Options::default() });
    let (here, elsewhere) = (area(seed)?, area(seed + 1)?);
    let values = |parent: &Parent| -> Vec<String> {
        let value = |name: &str| match name {
            "forename" => parent.forename.clone(),
            "surname" => parent.surname.clone(),
            "date_of_birth" => parent.date_of_birth.to_string(),
            "sex" => parent.sex.to_owned(),
            "postcode" => parent.postcode.clone(),
            _ => String::new(),
        };
        schema.fields().iter().map(|field| value(field.name())).collect()
    };
    let written = |people: Vec<(String, String, Vec<String>)>, rates: &Rates, seed: u64| -> Vec<Row> {
        let as_they_are: Vec<&[String]> = people.iter().map(|(.., values)| &values[..]).collect();
        let written = partner(&schema, &as_they_are, rates, seed);
        let row = |((id, person, _), values)| Row { id, person, values };
        people.into_iter().zip(written).map(row).collect()
    };
    let mut by_family: HashMap<&str, Vec<&Parent>> = HashMap::new();
    here.parents().iter().for_each(|parent| by_family.entry(&parent.family_id).or_default().push(parent));
    let carers = |agency: Agency, rates: &Rates, seed: u64| {
        let of_child = |child: &pprl::synth::Record| {
            let parents = by_family.get(&child.family_id[..]).cloned().unwrap_or_default();
            let id = child.record_id.clone();
            let row = move |(place, parent): (usize, &Parent)| {
                (format!("{id}/{place}"), format!("here {}", parent.person_id), values(parent))
            };
            (1..).zip(parents).map(row).collect::<Vec<_>>()
        };
        written(here.records(agency).iter().flat_map(of_child).collect(), rates, seed)
    };
    // Every so many parents of each area, so that today's are others than those before.
    let received = |first: usize, count: usize, seed: u64| {
        let some = |area: &'static str, parents: &[Parent]| {
            let step = (parents.len() * 2 / (BEFORE + TODAY)).max(1);
            let chosen = parents.iter().step_by(step).skip(first / 2).take(count / 2);
            chosen.map(|parent| (format!("{area} {}", parent.person_id), values(parent))).collect::<Vec<_>>()
        };
        let all = some("here", here.parents()).into_iter().chain(some("elsewhere", elsewhere.parents()));
        let numbered = all.enumerate().map(|(row, (person, values))| (format!("R{}", first + row + 1), person, values));
        written(numbered.collect(), &Rates::police(), seed)
    };
    let files = vec![
        ("education", carers(Agency::Education, &Rates::education(), seed + 10)),
        ("social_care", carers(Agency::SocialCare, &Rates::social_care(), seed + 11)),
        ("receptions-before", received(0, BEFORE, seed + 12)),
        ("receptions-today", received(BEFORE, TODAY, seed + 13)),
    ];
    Ok(Invented { schema, toml, files })
}

impl Invented {
    /// Writes the schema and the files into a folder that is not there yet, and beside each file who its rows are.
    #[allow(dead_code, reason = "the test keeps them in memory")]
    pub(crate) fn write(&self, folder: &Path) -> Outcome {
        fs::create_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        fs::write(folder.join("schema.toml"), &self.toml)?;
        let names: Vec<&str> = self.schema.fields().iter().map(pprl::schema::Field::column).collect();
        for (name, rows) in &self.files {
            let (mut text, mut truth) = (format!("id,{}\n", names.join(",")), String::from("id,person\n"));
            for Row { id, person, values } in rows {
                // No invented name has a comma or a quotation mark in it.
                text += &[std::slice::from_ref(id), &values[..]].concat().join(",");
                truth += &[id.as_str(), person.as_str()].join(",");
                text.push('\n');
                truth.push('\n');
            }
            fs::write(folder.join(name).with_extension("csv"), text)?;
            fs::write(folder.join(format!("{name}.truth.csv")), truth)?;
        }
        Ok(())
    }
}
