//! The graph attack: who is like whom is left when everything else is hidden.
//!
//! The attacker has the encodings, a list of people of whom some are among the encoded, the schema, and perhaps a few people
//! whose rows are known ("seeds"). How alike any two rows are can be counted; how alike any two people's rows would be can be
//! worked out. Whoever is as alike to the seeds as a row is, is taken for that row's person; those of whom this is surest
//! become seeds, and so on ("seed and extend"). Without seeds the first ones are those whose whole profiles of similarities
//! match best. Vidanage, Christen, Ranbaduge & Schnell (2020) and Schaefer, Armknecht & Heng (2024) attack with graphs; this
//! is a plain form of theirs that finds no less in weak encodings.

use rayon::prelude::*;
use serde::Serialize;

use super::Named;
use super::algebra::Matrix;
use super::profile::{Expected, Profile, Tokens};
use super::subject::{Subject, draw};
use crate::error::{Error, Result};
use crate::owner::{Encoded, Record};
use crate::schema::Schema;

/// Rounds, and the share of the people who are seeds in the first and in the last of them.
const ROUNDS: usize = 12;
const FIRST: f64 = 0.03;
const LAST: f64 = 0.9;

/// What makes large similarities count for more than many small ones.
const POWER: f32 = 1.5;

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
    /// The rows and people, known ones apart, who each were the other's best match in the end: how many were right. An
    /// attacker who does not know who is in the overlap believes these.
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
    /// cube of the people, and memory for their square × 20 bytes (320 MB for 4,000). It works in rayon's current thread
    /// pool; the result does not depend on the number of threads.
    ///
    /// # Errors
    /// [`Argument`](crate::ErrorKind::Argument) where the overlap is not above 0 and at most 1, as many seeds are asked for as
    /// there are people in the overlap, a dense sample of a schema without a date, two records have one id, or there are
    /// other records than were encoded; [`Mismatch`](crate::ErrorKind::Mismatch) where they were encoded under another schema.
    pub fn attack(&self, schema: &Schema, records: &[Record], encoded: &Encoded) -> Result<Reidentified> {
        self.on(&Subject::new(schema, records, encoded)?)
    }

    pub(super) fn on(&self, subject: &Subject<'_>) -> Result<Reidentified> {
        let Graph { people, overlap, seeds, seed, dense } = *self;
        if !(overlap > 0.0 && overlap <= 1.0) {
            return Err(Error::argument("the overlap is a share above 0, and at most 1"));
        }
        let both = |people: usize| ((people as f64 * overlap).round() as usize).min(people);
        let needed = |people: usize| 2 * people - both(people);
        let rows = match dense {
            true => subject.dense(needed(people)),
            false => draw(subject.rows(), needed(people).min(subject.rows()), seed),
        };
        // What is needed grows with the people, so that the most there can be are found by bisection.
        let people = people.min((0..=rows.len()).collect::<Vec<_>>().partition_point(|&n| needed(n) <= rows.len()) - 1);
        let overlapping = both(people);
        if seeds >= overlapping {
            return Err(Error::argument(format!(
                "{people} people can be drawn, of whom {overlapping} overlap; the attack needs more than its {seeds} seeds"
            )));
        }
        // The first are encoded, the last are listed; those between are both. Neither side has them in the other's order.
        let order = draw(rows.len(), needed(people), seed.wrapping_add(1));
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

        let named = extend(similarities(subject, &victims), expected(subject, &list), &known);
        let mut found = Reidentified {
            people,
            overlapping,
            seeds,
            dense,
            all: Named::default(),
            believed: Named::default(),
            seed,
        };
        for victim in (0..people).filter(|&victim| known.iter().all(|&(seed, _)| seed != victim)) {
            let right = truth[victim] == Some(named.best[victim]);
            if truth[victim].is_some() {
                found.all.count(right);
            }
            if named.mutual[victim] {
                found.believed.count(right);
            }
        }
        Ok(found)
    }
}

/// How alike rows are: bits that agree less bits that do not, as a share of all, summed over the encodings.
fn similarities(subject: &Subject<'_>, rows: &[usize]) -> Matrix {
    let mut similarities = Matrix::zeros(rows.len(), rows.len());
    similarities.numbers.par_chunks_mut(rows.len().max(1)).enumerate().for_each(|(i, similarities)| {
        for encoding in subject.cohort.encodings() {
            let (row, bits) = (encoding.row(rows[i]), encoding.bits() as f32);
            for (similarity, &other) in similarities[..i].iter_mut().zip(rows) {
                let differing: u32 = row.iter().zip(encoding.row(other)).map(|(a, b)| (a ^ b).count_ones()).sum();
                *similarity += 1.0 - 2.0 * differing as f32 / bits;
            }
        }
    });
    mirror(&mut similarities);
    similarities
}

/// How alike the rows of people are expected to be, likewise.
fn expected(subject: &Subject<'_>, rows: &[usize]) -> Matrix {
    let bare = subject.bare(rows);
    let mut similarities = Matrix::zeros(rows.len(), rows.len());
    for encoding in subject.schema.encodings() {
        let mut tokens = Tokens::default();
        let profiles: Vec<Option<Profile>> =
            bare.iter().map(|bare| Profile::new(subject.schema, encoding, bare, &mut tokens)).collect();
        let mut holders = vec![Vec::new(); tokens.len()];
        for (person, profile) in (0u32..).zip(&profiles) {
            let tokens = profile.iter().flat_map(|profile| &profile.tokens);
            tokens.for_each(|&(token, weight)| holders[token as usize].push((person, weight)));
        }
        similarities.numbers.par_chunks_mut(rows.len().max(1)).enumerate().for_each(|(i, similarities)| {
            let Some(profile) = &profiles[i] else { return };
            let mut common = vec![0.0; i];
            for &(token, weight) in &profile.tokens {
                let before = holders[token as usize].iter().take_while(|&&(person, _)| (person as usize) < i);
                before.for_each(|&(person, other)| common[person as usize] += f32::min(weight, other));
            }
            for ((similarity, common), other) in similarities.iter_mut().zip(common).zip(&profiles) {
                if let Some(other) = other {
                    *similarity += Expected::new(encoding, profile.free, other.free, common).signal;
                }
            }
        });
    }
    mirror(&mut similarities);
    similarities
}

/// Copies what is below the diagonal to above it.
fn mirror(matrix: &mut Matrix) {
    let rows = matrix.columns;
    for i in 0..rows {
        for j in 0..i {
            matrix.numbers[j * rows + i] = matrix.numbers[i * rows + j];
        }
    }
}

/// Whom the attacker takes each row for.
#[derive(Debug, PartialEq)]
struct Assigned {
    /// The place on the list.
    best: Vec<usize>,
    /// Whether the row is that person's best match too.
    mutual: Vec<bool>,
}

/// Names every row of one similarity graph by a person of the other, of as many. The diagonals say nothing.
fn extend(mut encoded: Matrix, mut listed: Matrix, known: &[(usize, usize)]) -> Assigned {
    let people = encoded.columns;
    standardise(&mut encoded);
    standardise(&mut listed);
    let wanted = |round: usize| {
        let share = FIRST * (LAST / FIRST).powf(round as f64 / (ROUNDS - 1) as f64);
        (people as f64 * share).ceil() as usize
    };
    let mut seeds = known.to_vec();
    if seeds.is_empty() {
        let (one, other) = ranked_profiles(&encoded, &listed);
        seeds = Matches::new(&closeness(&one, &other), known).surest(wanted(0));
    }
    for matrix in [&mut encoded, &mut listed] {
        matrix.numbers.par_iter_mut().for_each(|number| *number = number.abs().powf(POWER).copysign(*number));
    }
    let describe = |seeds: &[(usize, usize)]| {
        let (victims, people): (Vec<usize>, Vec<usize>) = seeds.iter().copied().unzip();
        described(&encoded, &victims).times_transposed(&described(&listed, &people))
    };
    for round in 0..ROUNDS {
        let found = Matches::new(&describe(&seeds), known).surest(wanted(round).saturating_sub(known.len()));
        let before = std::mem::replace(&mut seeds, known.to_vec());
        seeds.extend(found);
        // Everything that can be found has been, and the next round would find it again.
        if round + 1 == ROUNDS || (wanted(round) >= people / 2 && seeds == before) {
            break;
        }
    }
    let matches = Matches::new(&describe(&seeds), known);
    let mutual = matches.rows.iter().enumerate().map(|(row, best)| matches.columns[best.place].place == row).collect();
    Assigned { best: matches.rows.iter().map(|best| best.place).collect(), mutual }
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

/// How each of one and the other graph stands among its own: its greatest similarities and the spread of all, and the mean of
/// its neighbours'. As ranks, since the one graph has noise that the other has not.
fn ranked_profiles(encoded: &Matrix, listed: &Matrix) -> (Matrix, Matrix) {
    let profiles = |graph: &Matrix| {
        let people = graph.columns;
        let width = GREATEST + QUANTILES;
        let mut profiles = Matrix::zeros(people, 2 * width);
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
    };
    (profiles(encoded), profiles(listed))
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

/// Everybody's similarities to the seeds, as long as 1.
fn described(graph: &Matrix, seeds: &[usize]) -> Matrix {
    let mut described = Matrix::zeros(graph.columns, seeds.len());
    described.numbers.par_chunks_mut(seeds.len().max(1)).enumerate().for_each(|(i, numbers)| {
        let row = graph.row(i);
        numbers.iter_mut().zip(seeds).for_each(|(number, &seed)| *number = row[seed]);
        let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
        if length > 0.0 {
            numbers.iter_mut().for_each(|number| *number /= length);
        }
    });
    described
}

/// The best match of a row or a column, and by how much it is better than the next.
#[derive(Clone, Copy)]
struct Best {
    place: usize,
    fit: f32,
    next: f32,
}

/// The best match of every row and of every column of a table of fits, of equally good ones the first.
struct Matches {
    rows: Vec<Best>,
    columns: Vec<Best>,
    taken_rows: Vec<bool>,
    taken_columns: Vec<bool>,
}

impl Matches {
    /// Those who are known match nobody else.
    fn new(fits: &Matrix, known: &[(usize, usize)]) -> Self {
        let none = Best { place: 0, fit: f32::NEG_INFINITY, next: f32::NEG_INFINITY };
        let (mut taken_rows, mut taken_columns) = (vec![false; fits.rows()], vec![false; fits.columns]);
        for &(row, column) in known {
            taken_rows[row] = true;
            taken_columns[column] = true;
        }
        let mut rows = vec![none; fits.rows()];
        let mut columns = vec![none; fits.columns];
        for (row, best) in rows.iter_mut().enumerate().filter(|&(row, _)| !taken_rows[row]) {
            for (column, &fit) in fits.row(row).iter().enumerate().filter(|&(column, _)| !taken_columns[column]) {
                best.see(column, fit);
                columns[column].see(row, fit);
            }
        }
        Matches { rows, columns, taken_rows, taken_columns }
    }

    /// So many pairs who are each other's best match, those with the widest margins.
    fn surest(&self, count: usize) -> Vec<(usize, usize)> {
        let mut mutual: Vec<(f32, usize, usize)> = self
            .rows
            .iter()
            .enumerate()
            .filter(|&(row, best)| !self.taken_rows[row] && !self.taken_columns[best.place])
            .filter(|&(row, best)| self.columns[best.place].place == row && best.fit > f32::NEG_INFINITY)
            .map(|(row, best)| {
                let next = best.next.max(self.columns[best.place].next);
                (best.fit - next, row, best.place)
            })
            .collect();
        mutual.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        mutual.into_iter().take(count).map(|(_, row, column)| (row, column)).collect()
    }
}

impl Best {
    fn see(&mut self, place: usize, fit: f32) {
        if fit > self.fit {
            *self = Best { place, fit, next: self.fit };
        } else if fit > self.next {
            self.next = fit;
        }
    }
}
