//! The linear attack by known people: bits are read off, not compared.
//!
//! The attacker knows the schema, and of some people which rows are theirs. A ridge regression learns from these which bits
//! go with which token (a bigram, a year, a district), reads the tokens off every other row, and names the person of a public
//! list whose tokens fit best. It is the linear part of what Mildenberger, Schaefer et al. (2025) do with a neural network,
//! and names nearly everybody in a plain CLK from 50 known people on. An output bit of a diffused encoding is the sum of t
//! filter bits modulo 2 and no linear function of them, so here it finds less than [`Likelihood`](super::Likelihood) does.

use rayon::prelude::*;

use super::Leak;
use super::algebra::Matrix;
use super::draws::{Drawn, Sizes, is_encoded, known_people, leak};
use super::profile::Tokens;
use super::subject::Subject;
use crate::cohort::differing;
use crate::error::{Error, Result};
use crate::owner::{Encoded, Record};
use crate::schema::Schema;

/// Penalties to choose from, in multiples of the number of bits of a row.
const PENALTIES: [f32; 8] = [0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0];

/// How many known people the penalty is chosen by. It stands for what a row holds besides a token, which does not depend on
/// how many rows are known.
const TRIED: usize = 1_000;

/// What is known of one token from those who have it counts as much as what is known of tokens that are about as common,
/// when it is had by so many.
const PRIOR: f64 = 8.0;

/// The attack on an owner's own file: draws known people, targets and a list from it, and counts who is named. With the same
/// numbers and seed these are the people whom [`Likelihood`](super::Likelihood) draws.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ridge {
    sizes: Sizes,
}

known_people!(Ridge);

impl Ridge {
    /// Attacks a file. `records` are those that `encoded` was made from, in any order, each with an id of its own.
    ///
    /// It takes time in proportion to the cube of the known people, and memory for their square × 12 bytes (430 MB for
    /// 6,000). It works in rayon's current thread pool; the result does not depend on the number of threads.
    ///
    /// # Errors
    /// [`Argument`](crate::ErrorKind::Argument) where there are fewer rows than known people and list together, more
    /// targets than people on the list, none at all, two records with one id, or other records than were encoded;
    /// [`Mismatch`](crate::ErrorKind::Mismatch) where they were encoded under another schema.
    pub fn attack(&self, schema: &Schema, records: &[Record], encoded: &Encoded) -> Result<Leak> {
        let subject = Subject::new(schema, records, encoded)?;
        Self::on(&subject, &self.sizes.draw(&subject)?)
    }

    /// Attacks people who are drawn already.
    pub(super) fn on(subject: &Subject<'_>, drawn: &[Drawn]) -> Result<Leak> {
        let schema = subject.schema;
        leak(subject, drawn, |drawn| {
            let mut numbers = Tokens::default();
            let mut tokens = |rows: &[usize]| -> Vec<Vec<u32>> {
                let bare = subject.bare(rows);
                let encoded = || (0..schema.fields().len()).filter(|&field| is_encoded(schema, field));
                bare.iter().map(|bare| numbers.of(bare, encoded())).collect()
            };
            let (held, listed) = (tokens(&drawn.known), tokens(&drawn.list));
            let kernel = agreement(subject, &drawn.known, &drawn.known);
            let cross = agreement(subject, &drawn.targets, &drawn.known);
            let bits: usize = schema.encodings().iter().map(crate::schema::Encoding::output).sum();
            name(&kernel, &cross, bits, &Held::new(&held, numbers.len()), &listed)
        })
    }
}

/// Twice the bits in which rows agree, all encodings together: the product of rows of bits that are −1 or 1, and of one that
/// all have, as long as all these together, by which the regression has a constant.
fn agreement(subject: &Subject<'_>, rows: &[usize], others: &[usize]) -> Matrix {
    let mut products = Matrix::zeros(rows.len(), others.len());
    products.numbers.par_chunks_mut(others.len().max(1)).zip(rows).for_each(|(products, &row)| {
        for encoding in subject.cohort.encodings() {
            let (bits, row) = (encoding.bits() as u32, encoding.row(row));
            for (product, &other) in products.iter_mut().zip(others) {
                *product += (2 * (bits - differing(row, encoding.row(other)))) as f32;
            }
        }
    });
    products
}

/// Who of the known people holds which token.
struct Held {
    people: usize,
    /// For every token, who has it.
    holders: Vec<Vec<u32>>,
}

impl Held {
    fn new(held: &[Vec<u32>], tokens: usize) -> Self {
        let mut holders = vec![Vec::new(); tokens];
        for (person, held) in (0..).zip(held) {
            held.iter().for_each(|&token| holders[token as usize].push(person));
        }
        Held { people: held.len(), holders }
    }

    /// Of the first people alone.
    fn first(&self, people: usize) -> Self {
        let first = |holders: &Vec<u32>| holders.iter().copied().filter(|&person| (person as usize) < people).collect();
        Held { people, holders: self.holders.iter().map(first).collect() }
    }
}

/// What is read off a row of a token's holder, and off another's; of a person of whom the reader had not learned.
#[derive(Clone, Copy, Default)]
struct Read {
    holders: f64,
    others: f64,
    variance: f64,
    /// What was left to guess, squared and added up.
    error: f64,
}

/// For each target, the place on the list of the person whose tokens fit best what is read off the row; of equally good ones
/// the first.
///
/// `kernel` is of the known people with each other, `cross` of the targets with them.
fn name(kernel: &Matrix, cross: &Matrix, bits: usize, held: &Held, listed: &[Vec<u32>]) -> Result<Vec<usize>> {
    let inverse = inverse(kernel, penalty(kernel, bits, held), kernel.rows())
        .ok_or_else(|| Error::argument("the known people's rows cannot be told apart, and the ridge decoder fails"))?;
    let weights = weights(held, &reads(&inverse, held));
    let shares = cross.times_transposed(&inverse);
    drop(inverse);
    let people = held.people as f32;
    let names = |target: usize| {
        let shares = shares.row(target);
        let mean = shares.iter().sum::<f32>() / people;
        let evidence: Vec<f32> = held
            .holders
            .iter()
            .zip(&weights)
            .map(|(holders, &(weight, middle))| {
                let share = holders.len() as f32;
                let read = holders.iter().map(|&person| shares[person as usize]).sum::<f32>() - share * mean;
                weight * (read - middle)
            })
            .collect();
        let mut best = (f32::NEG_INFINITY, 0);
        for (place, tokens) in listed.iter().enumerate() {
            let fit = tokens.iter().map(|&token| evidence[token as usize]).sum();
            if fit > best.0 {
                best = (fit, place);
            }
        }
        best.1
    };
    Ok((0..cross.rows()).into_par_iter().map(names).collect())
}

/// The inverse of the first people's kernel and the penalty.
fn inverse(kernel: &Matrix, penalty: f32, people: usize) -> Option<Matrix> {
    let mut matrix = Matrix::zeros(people, people);
    for i in 0..people {
        let row = &mut matrix.numbers[i * people..][..people];
        row.copy_from_slice(&kernel.row(i)[..people]);
        row[i] += penalty;
    }
    matrix.into_inverse()
}

/// The penalty with which the tokens of a known person are best read by what is learned from the others. Of several that are
/// equally good the least; the greatest where nothing can be read at all.
fn penalty(kernel: &Matrix, bits: usize, held: &Held) -> f32 {
    let people = kernel.rows().min(TRIED);
    let held = held.first(people);
    let mut best = (f64::INFINITY, PENALTIES[PENALTIES.len() - 1] * bits as f32);
    for multiple in PENALTIES {
        let penalty = multiple * bits as f32;
        let Some(inverse) = inverse(kernel, penalty, people) else { continue };
        let error: f64 = reads(&inverse, &held).iter().map(|read| read.error).sum();
        if error < best.0 {
            best = (error, penalty);
        }
    }
    best.1
}

/// For each token, what is read off the known people's rows by who has learned from all others: of a kernel's inverse this
/// has a closed form (leave-one-out, Allen 1974).
fn reads(inverse: &Matrix, held: &Held) -> Vec<Read> {
    let people = held.people;
    let totals: Vec<f32> = (0..people).map(|i| inverse.row(i).iter().sum()).collect();
    let read = |holders: &Vec<u32>| {
        let share = holders.len() as f32 / people as f32;
        if holders.len() < 2 || holders.len() == people {
            return Read::default();
        }
        let mut solved: Vec<f32> = totals.iter().map(|total| -share * total).collect();
        for &person in holders {
            solved.iter_mut().zip(inverse.row(person as usize)).for_each(|(sum, number)| *sum += number);
        }
        let mut has = vec![0.0; people];
        holders.iter().for_each(|&person| has[person as usize] = 1.0);
        let (mut sums, mut squares, mut error) = ([0.0; 2], 0.0, 0.0);
        for (i, (&solved, &has)) in solved.iter().zip(&has).enumerate() {
            let off = f64::from(solved / inverse.row(i)[i]);
            let read = f64::from(has - share) - off;
            sums[has as usize] += read;
            squares += read * read;
            error += off * off;
        }
        let count = holders.len() as f64;
        let (holders, others) = (sums[1] / count, sums[0] / (people as f64 - count));
        let within = squares - count * holders * holders - (people as f64 - count) * others * others;
        Read { holders, others, variance: within / people as f64, error }
    };
    held.holders.par_iter().map(read).collect()
}

/// What a unit that is read of a token speaks for its being there, and from where on: the logarithm of the likelihoods'
/// ratio, as if what is read were normally distributed. What is known of a token is little where few have it, and is
/// supplemented by what is known of tokens that as many have.
fn weights(held: &Held, reads: &[Read]) -> Vec<(f32, f32)> {
    // What is known of somebody who is the only holder: as of one of two, who is read by what is learned from the other.
    let class = |holders: usize| holders.max(2).ilog2() as usize;
    let mut pooled = vec![(Read::default(), 0.0); usize::BITS as usize];
    for (holders, read) in held.holders.iter().zip(reads).filter(|(holders, _)| holders.len() >= 2) {
        let (pool, count) = &mut pooled[class(holders.len())];
        pool.holders += read.holders;
        pool.others += read.others;
        pool.variance += read.variance;
        *count += 1.0;
    }
    let weight = |(holders, read): (&Vec<u32>, &Read)| {
        let (pool, count) = pooled[class(holders.len())];
        let own = if holders.len() < 2 { 0.0 } else { holders.len() as f64 };
        if holders.is_empty() || count == 0.0 {
            return (0.0, 0.0);
        }
        let mix = |own_read: f64, pool: f64| (own * own_read + PRIOR * pool / count) / (own + PRIOR);
        let (present, absent) = (mix(read.holders, pool.holders), mix(read.others, pool.others));
        let variance = mix(read.variance, pool.variance);
        if present <= absent || variance <= 0.0 {
            return (0.0, 0.0);
        }
        (((present - absent) / variance) as f32, f64::midpoint(present, absent) as f32)
    };
    held.holders.iter().zip(reads).map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEOPLE: usize = 14;

    fn kernel() -> Matrix {
        let bits = |i: usize| (i as u64 + 3).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24;
        let agree = |i, j| 2 * (40 - (bits(i) ^ bits(j)).count_ones());
        let numbers = (0..PEOPLE * PEOPLE).map(|at| agree(at / PEOPLE, at % PEOPLE) as f32).collect();
        Matrix { columns: PEOPLE, numbers }
    }

    /// What the closed form says of everybody is what somebody finds who has learned from all others alone.
    #[test]
    fn the_closed_form_leaves_one_out() {
        let kernel = kernel();
        let held = Held { people: PEOPLE, holders: vec![vec![0, 3, 4, 9], vec![1, 2], vec![5], vec![]] };
        let read = reads(&inverse(&kernel, 20.0, PEOPLE).unwrap(), &held);
        for (token, holders) in held.holders.iter().enumerate().take(2) {
            let share = holders.len() as f32 / PEOPLE as f32;
            let y = |i: usize| f32::from(u8::from(holders.contains(&(i as u32)))) - share;
            let mut found = Read::default();
            for left_out in 0..PEOPLE {
                let rest: Vec<usize> = (0..PEOPLE).filter(|&i| i != left_out).collect();
                let mut matrix = Matrix::zeros(rest.len(), rest.len());
                for (a, &i) in rest.iter().enumerate() {
                    for (b, &j) in rest.iter().enumerate() {
                        matrix.numbers[a * rest.len() + b] = kernel.row(i)[j] + if i == j { 20.0 } else { 0.0 };
                    }
                }
                let inverse = matrix.into_inverse().unwrap();
                let solved = |a: usize| inverse.row(a).iter().zip(&rest).map(|(n, &j)| n * y(j)).sum::<f32>();
                let read: f32 = rest.iter().enumerate().map(|(a, &i)| kernel.row(left_out)[i] * solved(a)).sum();
                found.error += f64::from((y(left_out) - read).powi(2));
                if holders.contains(&(left_out as u32)) {
                    found.holders += f64::from(read) / holders.len() as f64;
                } else {
                    found.others += f64::from(read) / (PEOPLE - holders.len()) as f64;
                }
            }
            let close = |a: f64, b: f64| (a - b).abs() < 1e-3 * (1.0 + b.abs());
            assert!(close(read[token].error, found.error), "{token}: {} {}", read[token].error, found.error);
            assert!(close(read[token].holders, found.holders) && close(read[token].others, found.others));
            assert!(read[token].variance > 0.0);
        }
        assert_eq!(read[3].error, 0.0);
    }

    /// What speaks for nobody weighs nothing.
    #[test]
    fn tokens_that_cannot_be_read_weigh_nothing() {
        let held = Held { people: 8, holders: vec![vec![0, 1], vec![2, 3, 4, 5], vec![]] };
        let read = |holders, others| Read { holders, others, variance: 0.1, error: 1.0 };
        let weights = weights(&held, &[read(0.5, 0.0), read(-0.2, 0.0), Read::default()]);
        assert!((weights[0].0 - 5.0).abs() < 1e-5 && (weights[0].1 - 0.25).abs() < 1e-5);
        assert_eq!(weights[1..], [(0.0, 0.0), (0.0, 0.0)]);
    }
}
