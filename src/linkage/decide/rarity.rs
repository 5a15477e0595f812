//! How much more a rare name says than a common one, where owners send classes of rarity.
//!
//! Two strangers called Smith agree more often than two called Featherstonehaugh. Where a pair agrees fully in a name and its
//! class is c, u is the share of people who bear such a name, q(c), and no longer the mean over all names. Where names have an
//! undiffused encoding of their own, q(c) is counted; elsewhere it follows from where the schema's classes part.

use std::collections::HashMap;

use super::super::scale::Scale;
use super::pool::Pool;
use crate::cohort::{BitMatrix, Cohort, RarityColumn};
use crate::schema::{Rarity, Schema};

/// A name of the most common class is borne by so many times as many people as the class begins with, and one of the rarest
/// class by this share of what it ends with: the means over people of lists of British names, roughly.
const COMMON: f64 = 2.5;
const RARE: f64 = 1.0 / 3.0;

/// How much of what lists say is believed where names cannot be counted: people of one rare name are often relatives.
const UNSEEN: f64 = 0.5;

/// People of whom cuts count.
const OF: f64 = 100_000.0;

/// What classes add to the evidence.
pub(super) struct Worth {
    /// For each field with classes.
    pub(super) fields: Vec<OfField>,
}

pub(super) struct OfField {
    field: usize,
    /// The undiffused encoding of this field alone, if there is one.
    encoding: Option<usize>,
    /// For each class: ln of how much rarer its names are than the mean.
    pub(super) worth: Vec<f32>,
}

impl Worth {
    pub(super) fn new(schema: &Schema, cohorts: &[&Cohort]) -> Self {
        let of_field = |(place, rarity): (usize, &Rarity)| {
            let field = Some(rarity.field());
            let encoding = schema.encodings().iter().position(|encoding| encoding.only_field() == field);
            let columns: Vec<&RarityColumn> = cohorts.iter().map(|cohort| &cohort.rarity()[place]).collect();
            let mut rows = vec![0.0; rarity.classes()];
            for &class in columns.iter().flat_map(|column| column.classes()) {
                if let Some(count) = rows.get_mut(usize::from(class)) {
                    *count += 1.0;
                }
            }
            // Where rows are noised, those of equal names are not equal, and cannot be counted.
            let whole = |&place: &usize| schema.encodings()[place].hardening().randomised_response() == 0;
            let countable = encoding.filter(whole);
            let shares: Vec<f64> = match countable {
                Some(encoding) => {
                    let files =
                        cohorts.iter().zip(&columns).map(|(cohort, column)| (&cohort.encodings()[encoding], *column));
                    counted(files, rarity.classes())
                }
                None => (0..rarity.classes()).map(|class| listed(rarity, class)).collect(),
            };
            let all: f64 = rows.iter().sum::<f64>().max(1.0);
            let mean: f64 = shares.iter().zip(&rows).map(|(share, count)| share * count / all).sum();
            let trust = if countable.is_some() { 1.0 } else { UNSEEN };
            let worth = |share: &f64| if mean > 0.0 { (trust * (mean / share).ln()) as f32 } else { 0.0 };
            OfField { field: rarity.field(), encoding, worth: shares.iter().map(worth).collect() }
        };
        Worth { fields: schema.rarity().iter().enumerate().map(of_field).collect() }
    }

    /// A pool with the classes of each pair of rows of these cohorts.
    pub(super) fn classify(&self, pool: Pool, a: &Cohort, b: &Cohort) -> Pool {
        let mut classes = Vec::with_capacity(pool.pairs().len() * self.fields.len());
        for &(row_a, row_b) in pool.pairs() {
            for (of_a, of_b) in a.rarity().iter().zip(b.rarity()) {
                let (of_a, of_b) = (of_a.classes()[row_a as usize], of_b.classes()[row_b as usize]);
                classes.push(if of_a == of_b { of_a } else { RarityColumn::NONE });
            }
        }
        pool.with_classes(classes)
    }

    pub(super) fn fields(&self) -> usize {
        self.fields.len()
    }

    /// What the classes of a pair add to the evidence of encodings of single fields, which have to be equal.
    pub(super) fn of_singles(&self, scales: &[Scale], indices: &[u16], classes: &[u8]) -> f32 {
        let of_field = |(of_field, &class): (&OfField, &u8)| {
            let encoding = of_field.encoding?;
            let equal = usize::from(scales[encoding].levels[usize::from(indices[encoding])]) + 1
                == scales[encoding].level_count();
            of_field.worth.get(usize::from(class)).filter(|_| equal).copied()
        };
        self.fields.iter().zip(classes).filter_map(of_field).sum()
    }

    /// For each field with classes and no encoding of its own: the field, and by how much less strangers agree in it.
    pub(super) fn of_hidden<'a>(&'a self, classes: &'a [u8]) -> impl Iterator<Item = (usize, f32)> + 'a {
        let hidden = self.fields.iter().zip(classes).filter(|(of_field, _)| of_field.encoding.is_none());
        hidden.filter_map(|(of_field, &class)| Some((of_field.field, *of_field.worth.get(usize::from(class))?)))
    }
}

/// The share of people who bear a name of a class, by where the classes part.
fn listed(rarity: &Rarity, class: usize) -> f64 {
    let cuts = rarity.cuts();
    let people = match (class.checked_sub(1).map(|above| cuts[above]), cuts.get(class)) {
        (None, Some(&least)) => f64::from(least) * COMMON,
        (Some(most), Some(&least)) => (f64::from(most) * f64::from(least)).sqrt(),
        (Some(most), None) => f64::from(most) * RARE,
        (None, None) => OF,
    };
    people / OF
}

/// For each class, how likely another row of the same file has the same name: counted, where rows of equal names are equal.
/// Relatives are in it, who make rare names less telling than lists of names say.
fn counted<'a>(files: impl Iterator<Item = (&'a BitMatrix, &'a RarityColumn)>, classes: usize) -> Vec<f64> {
    let (mut equal, mut all) = (vec![0.0; classes], vec![0.0; classes]);
    for (matrix, column) in files {
        let mut names: HashMap<&[u64], (u8, u64)> = HashMap::new();
        for (row, &class) in column.classes().iter().enumerate().filter(|(_, class)| usize::from(**class) < classes) {
            all[usize::from(class)] += matrix.rows() as f64;
            names.entry(matrix.row(row)).or_insert((class, 0)).1 += 1;
        }
        // In whole numbers, whose sum does not depend on the order of a hash map.
        let mut of_class = vec![0u64; classes];
        names.values().for_each(|&(class, rows)| of_class[usize::from(class)] += rows * (rows - 1));
        equal.iter_mut().zip(of_class).for_each(|(sum, rows)| *sum += rows as f64);
    }
    equal.iter().zip(all).map(|(equal, all)| (equal + 1.0) / (all + 1.0)).collect()
}
