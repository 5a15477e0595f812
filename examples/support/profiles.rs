//! The profiles as lists of encodings, made of the fields of somebody's own schema.
#![allow(dead_code, reason = "every program has it as a module of its own, and none uses all of it")]

use pprl::Schema;
use pprl::schema::{Encoding, Kind, Missing};

/// Filter bits of a diffused encoding, and the bits that its fields share.
pub(crate) const LENGTH: usize = 1024;
pub(crate) const BUDGET: usize = 256;

/// How the fields of a diffused encoding share its bits.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Shares {
    /// Each the same.
    Equal,
    /// A name .75 for 1.25 of any other.
    NamesLess,
    /// As in the default schema: a forename .69, a surname 1, a date 1.2, a postcode 1.3.
    ForenameLeast,
}

/// "Any three of four": one of four fields is left out of each of four diffused encodings. With three such fields there is one
/// encoding, with fewer none.
pub(crate) fn guarded(
    schema: &Schema,
    weight: usize,
    output: usize,
    shares: Shares,
    missing: Missing,
) -> Vec<Encoding> {
    let fields = core(schema);
    let encoding = |name: String, fields: &[usize]| {
        let budgets = budgets(schema, fields, shares);
        Encoding::new(name, LENGTH, weight, output, missing, budgets)
    };
    match fields.len() {
        4 => (0..4)
            .rev()
            .map(|out| {
                let rest: Vec<usize> = fields.iter().copied().filter(|&field| field != fields[out]).collect();
                encoding(format!("without_{}", out + 1), &rest)
            })
            .collect(),
        3 => vec![encoding("all".to_owned(), &fields)],
        _ => Vec::new(),
    }
}

/// The fields that tell people apart best: two names, a date, a postcode, and texts in place of what there is not.
pub(crate) fn core(schema: &Schema) -> Vec<usize> {
    let of = |wanted: fn(&Kind) -> bool, most: usize| {
        let fields = schema.fields().iter().enumerate().filter(move |(_, field)| wanted(field.kind()));
        fields.map(|(index, _)| index).take(most)
    };
    let mut core: Vec<usize> = of(|kind| matches!(kind, Kind::Name), 2).collect();
    core.extend(of(|kind| matches!(kind, Kind::Date { .. }), 1));
    core.extend(of(|kind| matches!(kind, Kind::Postcode(_)), 1));
    core.extend(of(|kind| matches!(kind, Kind::Text), 4 - core.len()));
    core
}

/// Budgets that add up to [`BUDGET`].
fn budgets(schema: &Schema, fields: &[usize], shares: Shares) -> Vec<(usize, usize)> {
    let first_name = schema.fields().iter().position(|field| *field.kind() == Kind::Name);
    let weight = |field: usize| match (shares, schema.fields()[field].kind()) {
        (Shares::NamesLess, Kind::Name) => 75,
        (Shares::NamesLess, _) => 125,
        (Shares::ForenameLeast, Kind::Name) if Some(field) == first_name => 69,
        (Shares::ForenameLeast, Kind::Date { .. }) => 120,
        (Shares::ForenameLeast, Kind::Postcode(_)) => 130,
        _ => 100,
    };
    let all: usize = fields.iter().map(|&field| weight(field)).sum();
    let mut sum = 0;
    let budget = |&field: &usize| {
        let before = BUDGET * sum / all;
        sum += weight(field);
        (field, BUDGET * sum / all - before)
    };
    fields.iter().map(budget).collect()
}

/// All fields but identifiers, which are for match keys.
pub(crate) fn fuzzy(schema: &Schema) -> impl Iterator<Item = (usize, &Kind)> {
    let fields = schema.fields().iter().enumerate();
    fields.map(|(index, field)| (index, field.kind())).filter(|(_, kind)| !matches!(kind, Kind::Identifier(_)))
}

/// One plain filter.
pub(crate) fn clk(schema: &Schema, missing: Missing) -> Vec<Encoding> {
    let budget = |(field, kind): (usize, &Kind)| (field, if matches!(kind, Kind::Exact) { 20 } else { 80 });
    vec![Encoding::new("clk", LENGTH, 0, LENGTH, missing, fuzzy(schema).map(budget).collect())]
}

/// A plain filter for each field.
pub(crate) fn field(schema: &Schema) -> Vec<Encoding> {
    let encoding = |(field, _): (usize, &Kind)| {
        Encoding::new(schema.fields()[field].name(), 128, 0, 128, Missing::Empty, vec![(field, 45)])
    };
    fuzzy(schema).map(encoding).collect()
}
