//! Ten organisations' lists, invented, and what the linkage unit counts in them.

use std::collections::BTreeSet;

use pprl::evaluate::{Quality, Truth};
use pprl::linkage::{Distinct, DistinctEstimate, Trial};
use pprl::schema::Field;
use pprl::synth::{Agency, Options, Population, Rates, partner};
use pprl::{Cohort, Encoder, Linker, ProjectKey, Record, Schema};

use crate::command::Outcome;
use crate::invented::{Lots, seed};
use crate::people;

/// What all organisations agreed and signed.
pub(crate) const SCHEMA: &str = include_str!("schema.toml");

/// Why files this small are sent: it stands in every manifest.
pub(crate) const REASON: &str = "counted only: the unit gives back one number over ten lists, and no table of links";

/// How many lists of invented children of known truth the interval comes from.
pub(crate) const TRIALS: u64 = 60;

/// The share of intervals that should hold the truth.
pub(crate) const LEVEL: f64 = 0.9;

/// The fewest and the most rows of a list.
const ROWS: (usize, usize) = (5, 60);

/// How many children there are whom the organisations might help.
const CHILDREN: usize = 420;

/// Of 100 rows, so many are of a child who is on the same list already.
const REPEATS: usize = 6;

/// The lists of ten organisations, and who is on them.
pub(crate) struct Organisations {
    pub(crate) lists: Vec<Vec<Record>>,
    /// Who the rows are, list after list.
    pub(crate) persons: Vec<String>,
    pub(crate) children: usize,
    pub(crate) repeats_inside: usize,
}

/// Invents lists: errors as social care makes them, times `noise` per cent.
pub(crate) fn invent(schema: &Schema, number: u64, noise: u32) -> Outcome<Organisations> {
    let mut lots = Lots::new(seed("distinct_children", number, "lists"));
    // Families without errors, of whom each list writes down whom it helps in its own way.
    let options = Options {
        seed: number,
        children: CHILDREN,
        cohort: 0,
        social_care_share: 10_000,
        social_care: Rates { missing_nhs_number: 6_000, ..Rates::none() },
        ..Options::default()
    };
    let population = Population::generate(&options)?;
    let children = population.records(Agency::SocialCare);
    let value = |child: usize, field: &Field| people::value(&children[child], field).unwrap_or_default();
    let values: Vec<Vec<String>> =
        (0..children.len()).map(|child| schema.fields().iter().map(|field| value(child, field)).collect()).collect();

    let mut on_lists: Vec<Vec<usize>> = Vec::new();
    let mut repeats_inside = 0;
    for _ in schema.project().parties() {
        let rows = ROWS.0 + lots.below(ROWS.1 - ROWS.0 + 1);
        let mut list: Vec<usize> = Vec::new();
        while list.len() < rows {
            let again = !list.is_empty() && lots.below(100) < REPEATS;
            let child = if again { list[lots.below(list.len())] } else { lots.below(children.len()) };
            if again || !list.contains(&child) {
                repeats_inside += usize::from(again);
                list.push(child);
            }
        }
        on_lists.push(list);
    }
    let scaled = scaled(&Rates::social_care(), noise);
    let rows: Vec<&[String]> = on_lists.iter().flatten().map(|&child| values[child].as_slice()).collect();
    let mut written = partner(schema, &rows, &scaled, number).into_iter();
    let lists = on_lists.iter().map(|list| {
        let rows = (1..=list.len()).zip(written.by_ref());
        rows.map(|(row, values)| Record::new(row.to_string(), values)).collect()
    });
    let lists = lists.collect();
    let distinct: BTreeSet<usize> = on_lists.iter().flatten().copied().collect();
    let persons = on_lists.iter().flatten().map(ToString::to_string).collect();
    Ok(Organisations { lists, persons, children: distinct.len(), repeats_inside })
}

/// Rates times a percentage, for the errors that names, dates and postcodes have.
fn scaled(rates: &Rates, noise: u32) -> Rates {
    let mut scaled = rates.clone();
    for rate in [
        &mut scaled.misheard_forename,
        &mut scaled.misheard_surname,
        &mut scaled.mistyped_forename,
        &mut scaled.mistyped_surname,
        &mut scaled.known_as,
        &mut scaled.mothers_surname,
        &mut scaled.old_address,
        &mut scaled.swapped_day_month,
        &mut scaled.first_of_january,
        &mut scaled.wrong_date,
        &mut scaled.mistyped_postcode,
        &mut scaled.missing_date,
        &mut scaled.missing_postcode,
        &mut scaled.missing_forename,
        &mut scaled.missing_surname,
    ] {
        *rate = (*rate * noise / 100).min(10_000);
    }
    scaled
}

/// Every organisation encodes its own list with the key that they share.
pub(crate) fn encode(schema: &Schema, lists: &Organisations, number: u64) -> Outcome<Vec<Cohort>> {
    let key = ProjectKey::from_bytes(seed("distinct_children", number, "key"));
    let mut cohorts = Vec::new();
    for (party, list) in schema.project().parties().iter().zip(&lists.lists) {
        let encoder = Encoder::new(schema, &key, party)?.release_small(REASON)?;
        cohorts.push(encoder.seed(seed("distinct_children", number, party)).encode(list)?.cohort);
    }
    Ok(cohorts)
}

/// What the linkage unit does: one number.
pub(crate) fn count(schema: &Schema, cohorts: &[Cohort]) -> Outcome<Distinct> {
    Ok(Linker::new(schema).distinct(&cohorts.iter().collect::<Vec<_>>())?)
}

/// How good the repeats are that the count rests on. Only a demonstration can say so: of ten lists that are one file, with
/// the truth beside them.
pub(crate) fn quality(schema: &Schema, lists: &Organisations, number: u64) -> Outcome<Quality> {
    let key = ProjectKey::from_bytes(seed("distinct_children", number, "key"));
    let party = &schema.project().parties()[0];
    let all = (1..).zip(lists.lists.iter().flatten());
    let all: Vec<Record> =
        all.map(|(row, one): (usize, _)| Record::new(row.to_string(), one.values().to_vec())).collect();
    let encoder = Encoder::new(schema, &key, party)?.seed(seed("distinct_children", number, "all"));
    let encoded = encoder.encode(&all)?;
    let person = |own: &String| Outcome::Ok(lists.persons[own.parse::<usize>()? - 1].clone());
    let persons = encoded.row_map.entries().iter().map(|(_, own)| person(own)).collect::<Outcome<Vec<_>>>()?;
    let pairs = Linker::new(schema).deduplicate(&encoded.cohort)?.pairs(party, party)?;
    Ok(Truth { a: &persons, b: None }.quality(pairs))
}

/// Lists of invented children of whom all is known, counted in the same way. Anybody can do this beforehand, with a key of
/// their own: no organisation's list is needed.
pub(crate) fn trials(schema: &Schema, first: u64) -> Outcome<Vec<Trial>> {
    let trial = |number| -> Outcome<Trial> {
        let lists = invent(schema, number, 100)?;
        let counted = count(schema, &encode(schema, &lists, number)?)?;
        Ok(Trial { counted, people: lists.children as u64 })
    };
    (first..first + TRIALS).map(trial).collect()
}

/// The number and its interval.
pub(crate) fn estimate(counted: &Distinct, trials: &[Trial]) -> Outcome<DistinctEstimate> {
    Ok(counted.calibrate(trials, LEVEL)?)
}
