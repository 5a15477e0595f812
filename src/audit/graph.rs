//! The graph attack: who is like whom is left when everything else is hidden.
//!
//! The attacker has the encodings, a list of people of whom some are among the encoded, the schema, and perhaps a few people
//! whose rows are known ("seeds"). How alike any two rows are can be counted; how alike any two people's rows would be can be
//! worked out. Whoever would be as alike to the seeds as a row is, is taken for that row's person; those of whom this is
//! surest become seeds, and so on ("seed and extend"). Without seeds the first ones are those whose whole profiles of
//! similarities match best. Vidanage, Christen, Ranbaduge & Schnell (2020) and Schaefer, Armknecht & Heng (2024) attack with
//! graphs; this is a plain form of theirs. What is expected of two rows is worked out from the schema as in
//! [`Likelihood`](super::Likelihood), so that both graphs have one scale, and every encoding is compared by itself: that finds
//! more in diffused encodings than the correlation of Dice coefficients does.

use std::collections::HashSet;

use rayon::prelude::*;
use serde::Serialize;

use super::Named;
use super::algebra::Matrix;
use super::draws::pairs;
use super::profile::{Expected, Profile, Tokens};
use super::subject::{Subject, draw};
use crate::cohort;
use crate::error::{Error, Result};
use crate::owner::{Encoded, Record};
use crate::schema::Schema;

/// Rounds, and the share of the people who are seeds in the first and in the last of them.
const ROUNDS: usize = 11;
const FIRST: f64 = 0.03;
const LAST: f64 = 0.6;

/// Of a profile: the greatest similarities, the quantiles, and the neighbours whose profiles are its too.
const GREATEST: usize = 40;
const QUANTILES: usize = 10;
const NEIGHBOURS: usize = 10;

/// The attack on an owner's own file: takes some of its people for the encoded and others, who overlap with them, for the
/// attacker's list, and counts who of the overlap is named.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    people: usize,
    overlap: f64,
    seeds: usize,
    seed: u64,
    dense: bool,
}

/// What the graph attack found. It holds counts and no values.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Reidentified {
    /// How many people were encoded, and how many were on the attacker's list: fewer than asked for in a small file.
    pub people: usize,
    /// How many were both.
    pub overlapping: usize,
    /// How many of these the attacker knew, with their rows.
    pub seeds: usize,
    /// Whether people who are alike were taken, and not people by lot.
    pub dense: bool,
    /// Those who are in the overlap and were not known: how many rows were taken for the right person in the end.
    pub all: Named,
    /// Those of them of whom nobody known has two encoded fields alike: `all` without the known people's relatives.
    pub strangers: Named,
    /// The rows, known ones apart, that in the end were taken for a person for whom no other row was taken more surely, and
    /// how many of these were right: what an attacker believes who does not know who is in the overlap.
    pub believed: Named,
    /// The seed of the draw.
    pub seed: u64,
}

impl Default for Graph {
    fn default() -> Self {
        Graph { people: 4_000, overlap: 1.0, seeds: 0, seed: 0, dense: false }
    }
}

impl Graph {
    /// 4,000 people drawn by lot, all of whom are on the attacker's list, none known, seed 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many people are encoded, and how many are on the attacker's list.
    #[must_use]
    pub fn people(mut self, people: usize) -> Self {
        self.people = people;
        self
    }

    /// Which share of the list is among the encoded, 0 to 1.
    #[must_use]
    pub fn overlap(mut self, share: f64) -> Self {
        self.overlap = share;
        self
    }

    /// How many people of the overlap are known, with their rows.
    #[must_use]
    pub fn seeds(mut self, people: usize) -> Self {
        self.seeds = people;
        self
    }

    /// Who is drawn depends on this and on the file alone.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Takes people of one area born within as few days as can be, instead of people by lot.
    #[must_use]
    pub fn dense(mut self, dense: bool) -> Self {
        self.dense = dense;
        self
    }

    /// Attacks a file. `records` are those that `encoded` was made from, in any order, each with an id of its own.
    ///
    /// A file of fewer rows than people and list need together gives as many as it has. It takes time in proportion to the
    /// cube of the people, and memory for their square × (4 × encodings + 12) bytes (450 MB for 4,000 and four encodings). It works in rayon's current thread
    /// pool; the result does not depend on the number of threads.
    ///
    /// # Errors
    /// [`Argument`](crate::ErrorKind::Argument) where the overlap is not above 0 and at most 1, as many seeds are asked for as
    /// there are people in the overlap, a dense sample of a schema without a date, two records have one id, or there are
    /// other records than were encoded; [`Mismatch`](crate::ErrorKind::Mismatch) where they were encoded under another schema.
    pub fn attack(&self, schema: &Schema, records: &[Record], encoded: &Encoded) -> Result<Reidentified> {
        self.on(&Subject::new(schema, records, encoded)?)
    }

    /// How many people will be in both, where so many rows can be drawn.
    pub(super) fn overlapping(&self, rows: usize) -> usize {
        self.both(self.drawable(rows))
    }

    /// How many people can be encoded, and listed, of so many rows.
    fn drawable(&self, rows: usize) -> usize {
        (0..=self.people).rev().find(|&people| self.needed(people) <= rows).unwrap_or(0)
    }

    fn both(&self, people: usize) -> usize {
        ((people as f64 * self.overlap).round() as usize).min(people)
    }

    /// How many rows it takes to encode so many people and list as many.
    fn needed(&self, people: usize) -> usize {
        2 * people - self.both(people)
    }

    pub(super) fn on(&self, subject: &Subject<'_>) -> Result<Reidentified> {
        let Graph { people, overlap, seeds, seed, dense } = *self;
        if !(overlap > 0.0 && overlap <= 1.0) {
            return Err(Error::argument("the overlap is a share above 0, and at most 1"));
        }
        let rows = if dense {
            subject.dense(self.needed(people))
        } else {
            draw(subject.rows(), self.needed(people).min(subject.rows()), seed)
        };
        let people = self.drawable(rows.len());
        let overlapping = self.both(people);
        if seeds >= overlapping {
            return Err(Error::argument(format!(
                "{people} people can be drawn, of whom {overlapping} overlap; the attack needs more than its {seeds} seeds"
            )));
        }
        // The first are encoded, the last are listed; those between are both. Neither side has them in the other's order.
        let order = draw(rows.len(), self.needed(people), seed.wrapping_add(1));
        let victims: Vec<usize> = order[..people].iter().map(|&at| rows[at]).collect();
        let others = &order[people - overlapping..];
        let places = draw(people, people, seed.wrapping_add(2));
        let list: Vec<usize> = places.iter().map(|&place| rows[others[place]]).collect();
        // Which place of the list is whose: the victims' numbers from `people - overlapping` on.
        let mut truth = vec![None; people];
        for (at, &place) in places.iter().enumerate().filter(|&(_, &place)| place < overlapping) {
            truth[people - overlapping + place] = Some(at);
        }
        let known: Vec<(usize, usize)> =
            (people - overlapping..people).filter_map(|victim| Some((victim, truth[victim]?))).take(seeds).collect();

        let views = views(subject, &victims, &list);
        let named = extend(&views, people, &known);
        let mut found = Reidentified {
            people,
            overlapping,
            seeds,
            dense,
            all: Named::default(),
            strangers: Named::default(),
            believed: Named::default(),
            seed,
        };
        let pairs_of = |rows: &[usize]| -> Vec<HashSet<_>> {
            subject.bare(rows).iter().map(|bare| pairs(subject.schema, bare).collect()).collect()
        };
        let with_known: HashSet<_> = pairs_of(&known.iter().map(|&(victim, _)| victims[victim]).collect::<Vec<_>>())
            .into_iter()
            .flatten()
            .collect();
        let own = pairs_of(&victims);
        for victim in (0..people).filter(|&victim| known.iter().all(|&(seed, _)| seed != victim)) {
            let right = truth[victim] == Some(named.best[victim]);
            if truth[victim].is_some() {
                found.all.count(right);
                if own[victim].is_disjoint(&with_known) {
                    found.strangers.count(right);
                }
            }
            if named.believed[victim] {
                found.believed.count(right);
            }
        }
        Ok(found)
    }
}

/// One encoding as the attacker sees it, in whole numbers since there are as many as pairs of people.
struct View {
    bits: usize,
    /// In how many bits every row differs from every other.
    differing: Vec<u16>,
    /// What is expected of two people's rows: bits that agree less bits that do not, as a share of all, in
    /// [`UNITS`](Self::UNITS).
    expected: Vec<i16>,
}

impl View {
    const UNITS: f32 = i16::MAX as f32;

    fn observed(&self, at: usize) -> f32 {
        1.0 - 2.0 * f32::from(self.differing[at]) / self.bits as f32
    }

    fn expected(&self, at: usize) -> f32 {
        f32::from(self.expected[at]) / Self::UNITS
    }
}

/// What the attacker sees of these rows and knows of these people, as many.
fn views(subject: &Subject<'_>, rows: &[usize], list: &[usize]) -> Vec<View> {
    let people = rows.len();
    let bare = subject.bare(list);
    let mut views = Vec::new();
    for (encoding, matrix) in subject.schema.encodings().iter().zip(subject.cohort.encodings()) {
        let mut differing = vec![0; people * people];
        differing.par_chunks_mut(people.max(1)).enumerate().for_each(|(i, differing)| {
            let row = matrix.row(rows[i]);
            for (differing, &other) in differing[..i].iter_mut().zip(rows) {
                *differing = cohort::differing(row, matrix.row(other)) as u16;
            }
        });
        mirror(&mut differing, people);

        let mut tokens = Tokens::default();
        let profiles: Vec<Option<Profile>> =
            bare.iter().map(|bare| Profile::new(subject.schema, encoding, bare, &mut tokens)).collect();
        let mut holders = vec![Vec::new(); tokens.len()];
        for (person, profile) in (0u32..).zip(&profiles) {
            let tokens = profile.iter().flat_map(|profile| &profile.tokens);
            tokens.for_each(|&(token, weight)| holders[token as usize].push((person, weight)));
        }
        let mut expected = vec![0; people * people];
        expected.par_chunks_mut(people.max(1)).enumerate().for_each(|(i, expected)| {
            let Some(profile) = &profiles[i] else { return };
            let mut common = vec![0.0; i];
            for &(token, weight) in &profile.tokens {
                let before = holders[token as usize].iter().take_while(|&&(person, _)| (person as usize) < i);
                before.for_each(|&(person, other)| common[person as usize] += f32::min(weight, other));
            }
            for ((expected, common), other) in expected.iter_mut().zip(common).zip(&profiles) {
                if let Some(other) = other {
                    let signal = Expected::new(encoding, profile.free, other.free, common).signal;
                    *expected = (signal * View::UNITS).round() as i16;
                }
            }
        });
        mirror(&mut expected, people);
        views.push(View { bits: matrix.bits(), differing, expected });
    }
    views
}

/// Copies what is below the diagonal to above it.
fn mirror<T: Copy>(square: &mut [T], side: usize) {
    for i in 0..side {
        for j in 0..i {
            square[j * side + i] = square[i * side + j];
        }
    }
}

/// Whom the attacker takes each row for.
#[derive(Debug, PartialEq)]
struct Assigned {
    /// The place on the list.
    best: Vec<usize>,
    /// Whether no other row is taken for that person more surely.
    believed: Vec<bool>,
}

/// Names every row by a person, of as many. What a row has with itself says nothing.
fn extend(views: &[View], people: usize, known: &[(usize, usize)]) -> Assigned {
    let wanted = |round: usize| {
        let share = FIRST * (LAST / FIRST).powf(round as f64 / (ROUNDS - 1) as f64);
        (people as f64 * share).ceil() as usize
    };
    let mut seeds = known.to_vec();
    if seeds.is_empty() {
        let one = ranked_profiles(sum(views, people, View::observed));
        let other = ranked_profiles(sum(views, people, View::expected));
        seeds = Matches::new(&closeness(&one, &other), known).surest(wanted(0));
    }
    for round in 0..ROUNDS {
        let found = Matches::new(&fits(views, people, &seeds), known).surest(wanted(round).saturating_sub(known.len()));
        seeds.truncate(known.len());
        seeds.extend(found);
    }
    let matches = Matches::new(&fits(views, people, &seeds), known);
    let mut believed = vec![false; people];
    matches.surest(people).into_iter().for_each(|(row, _)| believed[row] = true);
    Assigned { best: matches.rows.iter().map(|best| best.place).collect(), believed }
}

/// How well every row fits every person by what it has with the seeds: the logarithm of the likelihood, but for what is
/// the same for all people. An output bit agrees or not by a lot of its own, so that the variance of a similarity is one over
/// the number of bits.
fn fits(views: &[View], people: usize, seeds: &[(usize, usize)]) -> Matrix {
    let (rows, listed): (Vec<usize>, Vec<usize>) = seeds.iter().copied().unzip();
    let mut fits = Matrix::zeros(people, people);
    let mut penalties = vec![0.0; people];
    for view in views {
        let scale = view.bits as f32;
        let described = |seeds: &[usize], number: &(dyn Fn(usize) -> f32 + Sync)| {
            let mut described = Matrix::zeros(people, seeds.len());
            described.numbers.par_chunks_mut(seeds.len().max(1)).enumerate().for_each(|(i, numbers)| {
                let others = numbers.iter_mut().zip(seeds).filter(|&(_, &seed)| seed != i);
                others.for_each(|(described, &seed)| *described = number(i * people + seed));
            });
            described
        };
        let observed = described(&rows, &|at| scale * view.observed(at));
        let expected = described(&listed, &|at| view.expected(at));
        for (person, penalty) in penalties.iter_mut().enumerate() {
            *penalty += scale / 2.0 * expected.row(person).iter().map(|number| number * number).sum::<f32>();
        }
        fits.add_products(&observed, &expected);
    }
    fits.numbers.par_chunks_mut(people.max(1)).for_each(|fits| {
        fits.iter_mut().zip(&penalties).for_each(|(fit, penalty)| *fit -= penalty);
    });
    fits
}

/// Of all encodings together.
fn sum(views: &[View], people: usize, number: impl Fn(&View, usize) -> f32 + Sync) -> Matrix {
    let mut sum = Matrix::zeros(people, people);
    sum.numbers.par_iter_mut().enumerate().for_each(|(at, sum)| *sum = views.iter().map(|view| number(view, at)).sum());
    sum
}

/// Makes every row's mean 0 and its variance 1, and the diagonal 0.
fn standardise(matrix: &mut Matrix) {
    let people = matrix.columns;
    matrix.numbers.par_chunks_mut(people.max(1)).enumerate().for_each(|(i, row)| {
        row[i] = 0.0;
        let others = (people as f64 - 1.0).max(1.0);
        let mean = row.iter().copied().map(f64::from).sum::<f64>() / others;
        row[i] = mean as f32;
        let squares: f64 = row.iter().map(|&number| (f64::from(number) - mean).powi(2)).sum();
        let scale = if squares > 0.0 { (others / squares).sqrt() } else { 0.0 };
        row.iter_mut().for_each(|number| *number = ((f64::from(*number) - mean) * scale) as f32);
    });
}

/// How each one stands among all: the greatest similarities and the spread of all, and the mean of the neighbours'. As ranks,
/// since the one graph has noise that the other has not.
fn ranked_profiles(mut graph: Matrix) -> Matrix {
    standardise(&mut graph);
    let people = graph.columns;
    let width = GREATEST + QUANTILES;
    let own = |i: usize| {
        let mut order: Vec<usize> = (0..people).filter(|&j| j != i).collect();
        let row = graph.row(i);
        order.sort_unstable_by(|&a, &b| row[b].total_cmp(&row[a]).then(a.cmp(&b)));
        let at = |place: usize| order.get(place.min(order.len().saturating_sub(1))).map_or(0.0, |&j| row[j]);
        let quantiles = (0..QUANTILES).map(|q| at(order.len() * q / QUANTILES + order.len() / (2 * QUANTILES)));
        let profile: Vec<f32> = (0..GREATEST).map(at).chain(quantiles).collect();
        order.truncate(NEIGHBOURS);
        (profile, order)
    };
    let all: Vec<(Vec<f32>, Vec<usize>)> = (0..people).into_par_iter().map(own).collect();
    let mut profiles = Matrix::zeros(people, 2 * width);
    for (profile, (own, neighbours)) in profiles.numbers.chunks_mut(2 * width).zip(&all) {
        profile[..width].copy_from_slice(own);
        for &neighbour in neighbours {
            let theirs = &all[neighbour].0;
            let share = 1.0 / neighbours.len() as f32;
            profile[width..].iter_mut().zip(theirs).for_each(|(mean, number)| *mean += share * number);
        }
    }
    rank_columns(&mut profiles);
    profiles
}

/// Replaces every number by its rank in its column, from −1 to 1.
fn rank_columns(matrix: &mut Matrix) {
    let (rows, columns) = (matrix.rows(), matrix.columns);
    let ranked: Vec<Vec<f32>> = (0..columns)
        .into_par_iter()
        .map(|column| {
            let number = |row: usize| matrix.numbers[row * columns + column];
            let mut order: Vec<usize> = (0..rows).collect();
            order.sort_unstable_by(|&a, &b| number(a).total_cmp(&number(b)).then(a.cmp(&b)));
            let mut ranks = vec![0.0; rows];
            for (rank, row) in order.into_iter().enumerate() {
                ranks[row] = 2.0 * rank as f32 / (rows.max(2) - 1) as f32 - 1.0;
            }
            ranks
        })
        .collect();
    for (column, ranks) in ranked.iter().enumerate() {
        ranks.iter().enumerate().for_each(|(row, &rank)| matrix.numbers[row * columns + column] = rank);
    }
}

/// Minus the squared distances of every row of the one from every row of the other.
fn closeness(one: &Matrix, other: &Matrix) -> Matrix {
    let lengths = |matrix: &Matrix| -> Vec<f32> {
        (0..matrix.rows()).map(|row| matrix.row(row).iter().map(|number| number * number).sum()).collect()
    };
    let (of_one, of_other) = (lengths(one), lengths(other));
    let mut closeness = one.times_transposed(other);
    for (row, length) in closeness.numbers.chunks_mut(of_other.len().max(1)).zip(of_one) {
        row.iter_mut().zip(&of_other).for_each(|(number, other)| *number = 2.0 * *number - length - other);
    }
    closeness
}

/// The best match of a row, and by how much it is better than the next.
#[derive(Clone, Copy)]
struct Best {
    place: usize,
    fit: f32,
    next: f32,
}

/// The best match of every row of a table of fits, of equally good ones the first.
struct Matches {
    rows: Vec<Best>,
    /// Rows that are known, and match nobody else.
    taken: Vec<bool>,
    people: usize,
}

impl Matches {
    fn new(fits: &Matrix, known: &[(usize, usize)]) -> Self {
        let (mut taken, mut named) = (vec![false; fits.rows()], vec![false; fits.columns]);
        for &(row, person) in known {
            taken[row] = true;
            named[person] = true;
        }
        let best = |row: usize| {
            let mut best = Best { place: 0, fit: f32::NEG_INFINITY, next: f32::NEG_INFINITY };
            for (place, &fit) in fits.row(row).iter().enumerate().filter(|&(place, _)| !named[place]) {
                if fit > best.fit {
                    best = Best { place, fit, next: best.fit };
                } else if fit > best.next {
                    best.next = fit;
                }
            }
            best
        };
        Matches { rows: (0..fits.rows()).into_par_iter().map(best).collect(), taken, people: fits.columns }
    }

    /// So many rows and whom they are taken for, those with the widest margins: of all rows taken for one person the surest.
    fn surest(&self, count: usize) -> Vec<(usize, usize)> {
        let margin = |row: usize| self.rows[row].fit - self.rows[row].next;
        let mut order: Vec<usize> = (0..self.rows.len()).filter(|&row| !self.taken[row] && margin(row) > 0.0).collect();
        order.sort_unstable_by(|&a, &b| margin(b).total_cmp(&margin(a)).then(a.cmp(&b)));
        let mut named = vec![false; self.people];
        order.retain(|&row| !std::mem::replace(&mut named[self.rows[row].place], true));
        order.into_iter().take(count).map(|row| (row, self.rows[row].place)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(bits: usize, people: usize, salt: usize) -> View {
        let number = |at: usize, of: usize| {
            let (i, j) = (at / people, at % people);
            (i.min(j) * 31 + i.max(j) * 17 + salt) * 7919 % of
        };
        View {
            bits,
            differing: (0..people * people).map(|at| number(at, bits) as u16).collect(),
            expected: (0..people * people).map(|at| number(at, 32_767) as i16).collect(),
        }
    }

    /// The table of fits is the logarithm of a normal likelihood, but for what a row has with all.
    #[test]
    fn fits_are_likelihoods() {
        let people = 9;
        let views = [view(64, people, 3), view(512, people, 5)];
        let seeds = [(2, 5), (7, 0), (4, 4)];
        let fits = fits(&views, people, &seeds);
        for row in [0, 1, 3, 5] {
            // Of persons who are no seeds themselves.
            let misfit = |person: usize| -> f32 {
                let of = |view: &View| -> f32 {
                    let off = |&(seed, known): &(usize, usize)| {
                        view.observed(row * people + seed) - view.expected(person * people + known)
                    };
                    view.bits as f32 * seeds.iter().map(|pair| off(pair).powi(2)).sum::<f32>()
                };
                views.iter().map(of).sum()
            };
            for person in [2, 3, 6, 7] {
                let difference = fits.row(row)[person] - fits.row(row)[1];
                let expected = (misfit(1) - misfit(person)) / 2.0;
                assert!((difference - expected).abs() < 1e-2, "{row} {person}: {difference} {expected}");
            }
        }
    }

    #[test]
    fn the_surest_come_first_and_nobody_twice() {
        // Rows 0 and 1 want person 1, row 1 more surely; row 2 cannot decide; row 3 is known, as person 3.
        let fits = Matrix { columns: 4, numbers: vec![0., 2., 0., 9., 0., 5., 0., 9., 1., 0., 1., 9., 9., 9., 9., 9.] };
        let matches = Matches::new(&fits, &[(3, 3)]);
        assert_eq!(matches.surest(9), [(1, 1)]);
        assert_eq!(matches.surest(0), []);
        assert_eq!(matches.rows[2].place, 0, "of equals the first");
    }

    #[test]
    fn ranks_are_from_one_end_to_the_other() {
        let mut matrix = Matrix { columns: 2, numbers: vec![3., 1., 1., 1., 2., 1.] };
        rank_columns(&mut matrix);
        assert_eq!(matrix.numbers, [1., -1., -1., 0., 0., 1.]);
        let mut empty = Matrix::zeros(0, 2);
        rank_columns(&mut empty);
    }
}
