//! A4: columns that are set together, mined for the tokens behind them.
//!
//! After Christen, Ranbaduge, Vatsalan & Schnell (2018) and Vidanage et al. (2019). In a plain filter all columns of a token
//! are set in every row that has the token, so a set of columns whose joint support is as large as a token's frequency in a
//! public list, and stays so while columns are added, gives away which rows have the token. No key is needed, and no row has
//! to come twice.
//!
//! The attacker here is given the exact frequencies of the file's own tokens. Sets are grown one column at a time from the
//! pairs that go together most: the column that keeps most rows is next. Where support falls by little over many columns, a
//! token is behind them. The longest such run within 5 % of a token's frequency is given to that token, then the next
//! longest, and neither a token nor the same rows are given twice. A token counts as recovered where its set tells who has
//! it and who has not: its precision, less what chance gives, is 0.8 of what can be had. The publication splits the rows by what it found and goes on in the parts; that
//! finds rarer tokens, where this has found the frequent ones.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use serde_json::{Map, json};

use super::gate::Gate;
use super::sample;
use super::subject::Subject;
use crate::cohort::{BitMatrix, ones};
use crate::owner::{Bare, TokenId, group_budgets};
use crate::schema::{Encoding, Schema};

/// Rows that are mined.
const MOST_ROWS: usize = 2_048;

/// Of each field, the most frequent tokens that so large a share of the rows has, in per cent, and so many rows.
const TOKENS: usize = 30;
const SHARES: std::ops::RangeInclusive<usize> = 5..=95;
const LEAST_ROWS: usize = 5;

/// How far a set's support may be from a token's frequency, in per cent of it.
const WITHIN: usize = 5;

/// Sets that are thought of for each token, and the overlap in per cent from which two sets have the same rows.
const MOST_FITS: usize = 64;
const SAME: u32 = 80;

/// The chance-corrected precision from which a token is recovered.
const RECOVERED: f64 = 0.8;

/// The share of tokens that may be.
const LIMIT: f64 = 0.01;

/// Columns of a set at most.
const MOST_COLUMNS: usize = 24;

/// How many words of columns may be counted for one encoding while sets grow.
const WORK: usize = 1 << 30;

/// The share of frequent tokens that are recovered, over all encodings.
pub(super) fn check(subject: &Subject<'_>, seed: u64) -> Vec<Gate> {
    let rows = sample::rows(subject.rows(), MOST_ROWS, seed);
    let people = subject.bare(&rows);
    let mut details = Map::new();
    let (mut recovered, mut tried) = (0, 0);
    for (encoding, matrix) in subject.schema.encodings().iter().zip(subject.cohort.encodings()) {
        let tokens = frequent_tokens(encoding, &people);
        let columns = Columns::new(matrix, &rows);
        let sets =
            columns.sets(most_columns(subject.schema, encoding, &people), if tokens.is_empty() { 0 } else { WORK });
        let guesses = columns.assign(&sets, &tokens);
        let found = tokens.iter().zip(&guesses).filter(|(token, guess)| columns.recovered(guess, token)).count();
        details.insert(encoding.name().to_owned(), json!({ "tokens": tokens.len(), "recovered": found }));
        recovered += found;
        tried += tokens.len();
    }
    let title = "Share of frequent tokens (bigrams, parts of dates and postcodes) found by mining columns, without key";
    let value = if tried == 0 { 0.0 } else { recovered as f64 / tried as f64 };
    vec![
        Gate::must("A4", title, value, LIMIT)
            .with("rows", rows.len())
            .with("tokens", tried)
            .with("recovered", recovered)
            .with("encodings", details),
    ]
}

/// Rows as bits, 64 in a word.
type Rows = Vec<u64>;

/// Who has each of the frequent tokens, in any field of the encoding: fields with one token space have the same bits for it.
fn frequent_tokens(encoding: &Encoding, people: &[Bare]) -> Vec<Rows> {
    let tokens = |bare: &Bare, fields: &mut dyn Iterator<Item = usize>| -> HashSet<TokenId> {
        fields.filter_map(|field| bare.fields[field].as_ref()).flatten().flatten().copied().collect()
    };
    let mut counts: HashMap<TokenId, usize> = HashMap::new();
    for bare in people {
        let all = tokens(bare, &mut encoding.budgets().iter().map(|&(field, _)| field));
        all.into_iter().for_each(|token| *counts.entry(token).or_default() += 1);
    }
    let frequent = |count: usize| count >= LEAST_ROWS && SHARES.contains(&(count * 100 / people.len().max(1)));
    let mut chosen: BTreeMap<TokenId, Rows> = BTreeMap::new();
    for &(field, _) in encoding.budgets() {
        let of_field: HashSet<TokenId> =
            people.iter().flat_map(|bare| tokens(bare, &mut std::iter::once(field))).collect();
        let mut of_field: Vec<(usize, TokenId)> = of_field.into_iter().map(|token| (counts[&token], token)).collect();
        of_field.retain(|&(count, _)| frequent(count));
        of_field.sort_unstable_by_key(|&(count, token)| (Reverse(count), token));
        chosen.extend(of_field.into_iter().take(TOKENS).map(|(_, token)| (token, vec![0; people.len().div_ceil(64)])));
    }
    for (row, bare) in people.iter().enumerate() {
        for token in tokens(bare, &mut encoding.budgets().iter().map(|&(field, _)| field)) {
            if let Some(rows) = chosen.get_mut(&token) {
                rows[row / 64] |= 1 << (row % 64);
            }
        }
    }
    chosen.into_values().collect()
}

/// How many columns a token has at most: in the mean over people, for the group of tokens where it is largest.
fn most_columns(schema: &Schema, encoding: &Encoding, people: &[Bare]) -> usize {
    let mut most = 0;
    for &(field, budget) in encoding.budgets() {
        for (group, bits) in group_budgets(schema.fields()[field].kind(), budget).enumerate() {
            let sizes = people.iter().filter_map(|bare| Some(bare.fields[field].as_ref()?[group].len()));
            let (people, tokens) = sizes.filter(|&size| size > 0).fold((0, 0), |(n, sum), size| (n + 1, sum + size));
            most = most.max((bits * people).div_ceil(tokens.max(1)));
        }
    }
    most.clamp(2, MOST_COLUMNS)
}

/// The encodings of the sample, column by column.
struct Columns {
    rows: usize,
    bits: Vec<Rows>,
    supports: Vec<u32>,
}

/// Columns in the order in which they were added, and the joint support from two columns on, which never grows.
struct Set {
    columns: Vec<u32>,
    supports: Vec<u32>,
}

impl Columns {
    fn new(matrix: &BitMatrix, rows: &[usize]) -> Self {
        let mut columns: Vec<Rows> = vec![vec![0; rows.len().div_ceil(64)]; matrix.bits()];
        for (at, &row) in rows.iter().enumerate() {
            for (word, &bits) in matrix.row(row).iter().enumerate() {
                let mut bits = bits;
                while bits != 0 {
                    columns[word * 64 + bits.trailing_zeros() as usize][at / 64] |= 1 << (at % 64);
                    bits &= bits - 1;
                }
            }
        }
        let supports = columns.iter().map(|column| ones(column)).collect();
        Columns { rows: rows.len(), bits: columns, supports }
    }

    /// Sets of columns, of at most so many each, in an order that depends on the columns alone.
    fn sets(&self, most: usize, work: usize) -> Vec<Set> {
        let each = self.bits.len() * self.rows.div_ceil(64).max(1) * most;
        let mut seeds: Vec<(f64, [u32; 2])> = if work == 0 {
            Vec::new()
        } else {
            (0..self.bits.len()).into_par_iter().filter_map(|c| self.partner(c)).collect()
        };
        seeds.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        seeds.dedup();
        seeds.truncate(work / each.max(1));
        seeds.into_par_iter().map(|(_, pair)| self.grow(pair, most)).collect()
    }

    /// The column that goes together with this one most: by the correlation of two bits.
    fn partner(&self, column: usize) -> Option<(f64, [u32; 2])> {
        let n = self.rows as f64;
        let varies = |c: usize| self.supports[c] > 0 && (self.supports[c] as usize) < self.rows;
        let phi = |other: usize| {
            let (a, b) = (f64::from(self.supports[column]), f64::from(self.supports[other]));
            let both = f64::from(common(&self.bits[column], &self.bits[other]));
            (n * both - a * b) / (a * (n - a) * b * (n - b)).sqrt()
        };
        let others = (0..self.bits.len()).filter(|&other| other != column && varies(other));
        let best = others.map(|other| (phi(other), other)).max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        let pair = |other| [column.min(other) as u32, column.max(other) as u32];
        best.filter(|_| varies(column)).map(|(phi, other)| (phi, pair(other)))
    }

    fn grow(&self, [first, second]: [u32; 2], most: usize) -> Set {
        let mut rows = self.bits[first as usize].clone();
        meet(&mut rows, &self.bits[second as usize]);
        let mut set = Set { columns: vec![first, second], supports: vec![ones(&rows)] };
        // Rarer than any token that is looked for, and nothing is to be found any more.
        let least = self.rows * SHARES.start() / 100 * (100 - WITHIN) / 100;
        while set.columns.len() < most && set.supports.last().is_some_and(|&support| support as usize > least) {
            let others = (0..self.bits.len() as u32).filter(|other| !set.columns.contains(other));
            let kept = others.map(|other| (common(&rows, &self.bits[other as usize]), Reverse(other)));
            let Some((_, Reverse(next))) = kept.max() else { break };
            meet(&mut rows, &self.bits[next as usize]);
            set.columns.push(next);
            set.supports.push(ones(&rows));
        }
        set
    }

    /// For every token, the rows of the set that an attacker who knows its frequency takes it for; none where no set fits.
    fn assign(&self, sets: &[Set], tokens: &[Rows]) -> Vec<Rows> {
        let fits_of = |(at, token): (usize, &Rows)| {
            let frequency = ones(token);
            let slack = frequency * WITHIN as u32 / 100;
            let within = frequency - slack..=frequency + slack;
            let fit = |(number, set): (usize, &Set)| {
                let last = set.supports.iter().rposition(|support| within.contains(support))?;
                let run = set.supports.iter().filter(|support| within.contains(support)).count();
                Some((Reverse(run), set.supports[last].abs_diff(frequency), at, number, last))
            };
            let mut fits: Vec<_> = sets.iter().enumerate().filter_map(fit).collect();
            fits.sort_unstable();
            fits.truncate(MOST_FITS);
            fits
        };
        let mut fits: Vec<_> = tokens.iter().enumerate().flat_map(fits_of).collect();
        fits.sort_unstable();
        let mut given: Vec<Rows> = vec![Vec::new(); tokens.len()];
        for (_, _, token, set, last) in fits {
            if !given[token].is_empty() {
                continue;
            }
            let mut rows = self.bits[sets[set].columns[0] as usize].clone();
            sets[set].columns[1..last + 2].iter().for_each(|&column| meet(&mut rows, &self.bits[column as usize]));
            let same = |other: &Rows| {
                let both = common(&rows, other);
                both * 100 > SAME * (ones(&rows) + ones(other) - both)
            };
            if !given.iter().filter(|other| !other.is_empty()).any(same) {
                given[token] = rows;
            }
        }
        given
    }

    /// Whether these rows tell who has the token.
    fn recovered(&self, guess: &Rows, token: &Rows) -> bool {
        let share = f64::from(ones(token)) / self.rows as f64;
        let precision = f64::from(common(guess, token)) / f64::from(ones(guess)).max(1.0);
        precision - share >= RECOVERED * (1.0 - share)
    }
}

fn common(one: &[u64], other: &[u64]) -> u32 {
    one.iter().zip(other).map(|(a, b)| (a & b).count_ones()).sum()
}

fn meet(rows: &mut [u64], others: &[u64]) {
    rows.iter_mut().zip(others).for_each(|(a, b)| *a &= b);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::fixture::{self, Fixture};
    use crate::schema::Missing;

    fn share(file: &Fixture) -> Gate {
        file.with(|subject| check(subject, 1)).remove(0)
    }

    #[test]
    fn plain_filters_give_their_tokens_away() {
        let clk = share(&fixture::clk(600));
        assert!(!clk.passed && clk.value > 0.15, "{clk:?}");
        let surname = Fixture::new(fixture::plain("surname", vec![(1, 80)]), fixture::people(600, 1));
        let surname = share(&surname);
        assert!(!surname.passed && surname.value > 0.3, "{surname:?}");
    }

    /// The default's dose, with shorter outputs so that a test takes no minute.
    #[test]
    fn diffused_filters_do_not() {
        let schema = Schema::uk_person();
        let shorter = |e: &Encoding| Encoding::new(e.name(), 1024, 12, 1024, Missing::Random, e.budgets().to_vec());
        let encodings = schema.encodings().iter().map(shorter).collect();
        let schema = schema.with_encodings(encodings, "a test").unwrap();
        for people in [60, 300, 600] {
            let gate = share(&Fixture::new(schema.clone(), fixture::people(people, 1)));
            assert!(gate.passed && gate.details["tokens"].as_u64().unwrap() > 50, "{gate:?}");
        }
    }

    #[test]
    fn short_files_have_no_frequent_tokens() {
        for people in 0..3 {
            let gate = share(&fixture::clk(people));
            assert!(gate.passed && gate.value == 0.0 && gate.details["tokens"] == 0, "{gate:?}");
        }
    }

    /// Three columns that are set in the same third of the rows, among random ones.
    #[test]
    fn a_planted_token_is_found_and_a_random_one_is_not() {
        let mut matrix = BitMatrix::zeros(400, 64);
        let mut state = 5u64;
        let mut random = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (state ^ state >> 31).wrapping_mul(0x94d0_49bb_1331_11eb) >> 7
        };
        let atom = 1 << 3 | 1 << 17 | 1 << 40;
        let (mut token, mut other) = (vec![0; 7], vec![0; 7]);
        for (row, word) in matrix.words_mut().iter_mut().enumerate() {
            *word = (random() ^ random() << 40) & !atom;
            if row % 3 == 0 {
                *word |= atom;
                token[row / 64] |= 1u64 << (row % 64);
            }
            other[row / 64] |= u64::from(random() % 3 == 0) << (row % 64);
        }
        let columns = Columns::new(&matrix, &(0..400).collect::<Vec<_>>());
        let sets = columns.sets(3, WORK);
        assert_eq!(sets[0].columns, [3, 17, 40]);
        assert_eq!(sets[0].supports, [134, 134]);
        let guesses = columns.assign(&sets, &[other.clone(), token.clone()]);
        assert!(columns.recovered(&guesses[1], &token) && !columns.recovered(&guesses[0], &other));
    }

    #[test]
    fn threads_do_not_matter() {
        let file = fixture::clk(200);
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let many = rayon::ThreadPoolBuilder::new().num_threads(5).build().unwrap();
        let run = || share(&file);
        assert_eq!(alone.install(run), many.install(run));
    }
}
