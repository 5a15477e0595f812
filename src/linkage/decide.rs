//! From all pairs to scored candidates and a threshold.
//!
//! With a fixed threshold the score is the mean similarity over the encodings. Without one ("automatic") it is a match
//! weight that is learned from the cohorts themselves, without labels: see [`fellegi_sunter`].

mod calibrate;
mod fellegi_sunter;
mod hidden;
mod kept;
mod pool;
mod posterior;
mod rarity;
mod swapped;
mod together;

use std::collections::HashMap;
use std::ops::RangeInclusive;

use rayon::prelude::*;

pub(super) use self::fellegi_sunter::least as worth_a_look;
use self::fellegi_sunter::{Learned, StrangersOf};
pub(super) use self::kept::Kept;
use self::pool::Pool;
use self::rarity::Worth;
use super::assign::{Candidate, in_order, single};
use super::candidates::{Candidates, by_value};
use super::compare::{Compared, Comparison, Side};
use super::links::Reason;
use super::model::{Completeness, Histogram};
use super::patterns::LevelPatterns;
use super::run::Stage;
use super::scale::{ONE, Scale};
use super::score::popcounts;
use super::{Linker, ScoredPairs};
use crate::cohort::{BitMatrix, Cohort, MatchKeyValue};
use crate::error::Result;
use crate::schema::{Assignment, Encoding, Schema, Threshold};

/// How many rows of each cohort are compared first, to see how alike strangers are.
const SAMPLE: usize = 1000;

/// Inside a file nobody should match, so the best partners there show how alike strangers can be. Files of up to so many
/// rows are compared with themselves whole, if that is not much more work than the linkage itself; of others, some rows are
/// compared with all the rest, since a sample compared with itself would have lost its families.
const NULL_WHOLE: RangeInclusive<usize> = 5_000..=20_000;
const NULL_QUERIES: RangeInclusive<usize> = 100..=3_000;

/// How many rows of one cohort may share a match key for all their pairs to be looked at.
const MANY_SHARE: usize = 100;

/// How many best partners are kept of each row inside a file.
const NULL_KEEP: usize = 10;

impl Linker {
    pub(super) fn score_two(&self, a: &Cohort, b: &Cohort, stage: &Stage<'_>) -> Result<ScoredPairs> {
        Ok(self.learn_two(a, b, stage)?.0)
    }

    /// The same, and what was learned where the threshold is automatic.
    pub(super) fn learn_two(&self, a: &Cohort, b: &Cohort, stage: &Stage<'_>) -> Result<(ScoredPairs, Option<Kept>)> {
        let scales = Scale::all(&self.schema);
        let (side_a, side_b) = (Side::new(a), Side::new(b));
        let keys = by_match_keys(a, b, false);
        let automatic = self.schema.linkage().threshold() == Threshold::Automatic;
        let (weights, least) = self.setting(&scales, (a, b), automatic, &stage.beside("sample"))?;
        let comparison = Comparison { least, ..self.comparison(&scales, &weights) };
        let (Compared { pairs, patterns }, blocking) = match &self.candidates {
            Candidates::All => (comparison.between(&side_a, &side_b, stage)?, None),
            some => comparison.among(some, (a, &side_a), Some((b, &side_b)), stage).map(|(c, b)| (c, Some(b)))?,
        };
        let pairs = with_keys(pairs, &keys);
        let pool = Pool::new(comparison.indices(&side_a, &side_b, &pairs), pairs, (a.rows(), b.rows()), false);
        if let Threshold::Fixed(threshold) = self.schema.linkage().threshold() {
            return Ok((ScoredPairs { blocking, ..fixed(&scales, &pool, &keys, patterns, threshold) }, None));
        }
        let worth = Worth::new(&self.schema, &[a, b]);
        let pool = worth.classify(pool, a, b);
        let inside = Comparison { keep: NULL_KEEP, ..comparison };
        // Rows that may share a partner may be one person twice: what is inside their file says nothing of strangers.
        let (once_b, once_a) = single(self.schema.linkage().assignment());
        let mut nulls = Vec::new();
        if once_a {
            nulls.push(null(&inside, &self.candidates, (a, &side_a), b.rows(), &worth, &stage.beside("inside-first"))?);
        }
        if once_b {
            nulls.push(null(
                &inside,
                &self.candidates,
                (b, &side_b),
                a.rows(),
                &worth,
                &stage.beside("inside-second"),
            )?);
        }
        let mut found = fellegi_sunter::between(
            &self.schema,
            &scales,
            &weights,
            (&pool, &patterns),
            nulls,
            worth,
            self.least_weight,
        );
        let kept = found.kept.take();
        Ok((ScoredPairs { blocking, ..learned(&self.schema, &[a, b], &pool, &keys, found, patterns) }, kept))
    }

    pub(super) fn score_one(&self, cohort: &Cohort, stage: &Stage<'_>) -> Result<ScoredPairs> {
        let scales = Scale::all(&self.schema);
        let side = Side::new(cohort);
        let keys = by_match_keys(cohort, cohort, true);
        let automatic = self.schema.linkage().threshold() == Threshold::Automatic;
        let (weights, least) = self.first(&scales, automatic, |comparison| {
            comparison.within(&Side::sample(cohort, SAMPLE), &stage.beside("sample"))
        })?;
        let comparison = Comparison { least, ..self.comparison(&scales, &weights) };
        let (Compared { pairs, patterns }, blocking) = match &self.candidates {
            Candidates::All => (comparison.within(&side, stage)?, None),
            some => comparison.among(some, (cohort, &side), None, stage).map(|(c, b)| (c, Some(b)))?,
        };
        let pairs = with_keys(pairs, &keys);
        let pool = Pool::new(comparison.indices(&side, &side, &pairs), pairs, (cohort.rows(), cohort.rows()), true);
        if let Threshold::Fixed(threshold) = self.schema.linkage().threshold() {
            return Ok(ScoredPairs { blocking, ..fixed(&scales, &pool, &keys, patterns, threshold) });
        }
        let worth = Worth::new(&self.schema, &[cohort]);
        let pool = worth.classify(pool, cohort, cohort);
        let found =
            fellegi_sunter::within(&self.schema, &scales, &weights, (&pool, &patterns), worth, self.least_weight);
        Ok(ScoredPairs { blocking, ..learned(&self.schema, &[cohort], &pool, &keys, found, patterns) })
    }

    /// What two cohorts (within one: twice the same) are compared with; see [`first`](Self::first).
    pub(super) fn setting(
        &self,
        scales: &[Scale],
        (a, b): (&Cohort, &Cohort),
        automatic: bool,
        stage: &Stage<'_>,
    ) -> Result<(Vec<Vec<f32>>, f32)> {
        self.first(scales, automatic, |comparison| {
            comparison.between(&Side::sample(a, SAMPLE), &Side::sample(b, SAMPLE), stage)
        })
    }

    /// The weights with which all pairs are compared, and the least score worth keeping. Only undiffused encodings need a
    /// sample of pairs for them.
    fn first(
        &self,
        scales: &[Scale],
        automatic: bool,
        sample: impl FnOnce(&Comparison<'_>) -> Result<Compared>,
    ) -> Result<(Vec<Vec<f32>>, f32)> {
        if !automatic {
            return Ok((similarities(scales), f32::NEG_INFINITY));
        }
        let flat = flat(scales);
        let levels = if fellegi_sunter::all_diffused(scales) {
            scales.iter().map(|scale| vec![0; scale.level_count()]).collect()
        } else {
            levels(scales, &sample(&self.comparison(scales, &flat))?.patterns)
        };
        Ok((fellegi_sunter::first_weights(scales, &levels), fellegi_sunter::least(scales)))
    }

    pub(super) fn comparison<'a>(&self, scales: &'a [Scale], weights: &'a [Vec<f32>]) -> Comparison<'a> {
        let keep = self.schema.linkage().candidates();
        let keep_fewer = self.schema.linkage().assignment() != Assignment::ManyToMany;
        Comparison { kernel: self.kernel, scales, weights, keep, keep_fewer, least: f32::NEG_INFINITY }
    }
}

/// Scores by mean similarity, and the schema's threshold in ten-thousandths.
fn fixed(
    scales: &[Scale],
    pool: &Pool,
    keys: &HashMap<(u32, u32), u8>,
    patterns: LevelPatterns,
    threshold: u16,
) -> ScoredPairs {
    let scores = pool.map(|indices| mean_similarity(scales, indices));
    let threshold = f32::from(threshold) / ONE as f32;
    scored(pool, keys, (&scores, threshold), patterns)
}

/// The mean over the encodings that are evidence.
pub(super) fn mean_similarity(scales: &[Scale], indices: &[u16]) -> f32 {
    let mut sum = 0;
    let mut evidence = 0;
    for (scale, &index) in scales.iter().zip(indices) {
        if usize::from(index) < scale.similarity.len() - 1 {
            sum += u32::from(scale.similarity[usize::from(index)]);
            evidence += 1;
        }
    }
    // Rounded down: a pair below the threshold stays below it.
    (sum / evidence.max(1)) as f32 / ONE as f32
}

/// The most alike pairs inside a cohort that is linked with another of `others` rows. Where not all pairs across are looked
/// at, those inside are found in the same way: what is missed is missed on both sides.
fn null(
    inside: &Comparison<'_>,
    candidates: &Candidates,
    (cohort, side): (&Cohort, &Side<'_>),
    others: usize,
    worth: &Worth,
    stage: &Stage<'_>,
) -> Result<StrangersOf> {
    let whole = others.saturating_mul(4).clamp(*NULL_WHOLE.start(), *NULL_WHOLE.end());
    let (mut pairs, patterns, known) = if *candidates != Candidates::All {
        let (Compared { pairs, patterns }, _) = inside.among(candidates, (cohort, side), None, stage)?;
        (pairs, patterns, None)
    } else if side.rows <= whole {
        let Compared { pairs, patterns } = inside.within(side, stage)?;
        (pairs, patterns, None)
    } else {
        let count = (others / 2).clamp(*NULL_QUERIES.start(), *NULL_QUERIES.end());
        let queries: Vec<usize> = (0..count).map(|i| i * side.rows / count).collect();
        let (found, patterns) = neighbours(inside, cohort, side, &queries, stage)?;
        let pairs = found.into_iter().map(|(a, b)| (a.min(b), a.max(b))).collect();
        (pairs, patterns, Some(queries.into_iter().map(|row| row as u32).collect()))
    };
    pairs.par_sort_unstable();
    pairs.dedup();
    let pool = Pool::new(inside.indices(side, side, &pairs), pairs, (side.rows, side.rows), true);
    Ok(StrangersOf { pool: worth.classify(pool, cohort, cohort), known, patterns })
}

/// How many pairs [`null`] compares at most, where all pairs across are compared.
pub(super) fn null_pairs(rows: usize, others: usize) -> u64 {
    let whole = others.saturating_mul(4).clamp(*NULL_WHOLE.start(), *NULL_WHOLE.end());
    if rows <= whole {
        return rows as u64 * rows as u64 / 2;
    }
    let queries = (others / 2).clamp(*NULL_QUERIES.start(), *NULL_QUERIES.end());
    (queries * rows) as u64
}

/// The best partners of some rows among all others of their cohort, row after row and best first.
fn neighbours(
    inside: &Comparison<'_>,
    cohort: &Cohort,
    side: &Side<'_>,
    rows: &[usize],
    stage: &Stage<'_>,
) -> Result<(Vec<(u32, u32)>, LevelPatterns)> {
    let some = Side::select(cohort, rows);
    // One more, since each finds itself first.
    let one_more = Comparison { keep: NULL_KEEP + 1, ..*inside };
    let (found, patterns) = one_more.queries(&some, side, stage)?;
    let found = found.into_iter().map(|(i, row)| (rows[i as usize] as u32, row)).filter(|(a, b)| a != b);
    // Each found itself, which is no pair of strangers.
    let selves: Vec<(u32, u32)> = rows.iter().map(|&row| (row as u32, row as u32)).collect();
    Ok((found.collect(), patterns.without(&inside.tally(side, &selves))))
}

/// How many of all pairs are at each of the levels from which weights are learned.
fn levels(scales: &[Scale], patterns: &LevelPatterns) -> Vec<Vec<u64>> {
    let of_encoding = |(encoding, scale): (usize, &Scale)| {
        if scale.diffused { vec![patterns.pairs()] } else { patterns.of_encoding(encoding) }
    };
    scales.iter().enumerate().map(of_encoding).collect()
}

/// Weights that are all 0, for runs of which only the counts matter.
fn flat(scales: &[Scale]) -> Vec<Vec<f32>> {
    scales.iter().map(|scale| vec![0.0; scale.levels.len()]).collect()
}

/// Weights that are the similarities themselves.
fn similarities(scales: &[Scale]) -> Vec<Vec<f32>> {
    let table = |scale: &Scale| scale.similarity.iter().map(|&s| f32::from(s) / ONE as f32).collect();
    scales.iter().map(table).collect()
}

fn with_keys(mut pairs: Vec<(u32, u32)>, keys: &HashMap<(u32, u32), u8>) -> Vec<(u32, u32)> {
    pairs.extend(keys.keys());
    pairs.par_sort_unstable();
    pairs.dedup();
    pairs
}

fn scored(
    pool: &Pool,
    keys: &HashMap<(u32, u32), u8>,
    (scores, threshold): (&[f32], f32),
    patterns: LevelPatterns,
) -> ScoredPairs {
    let candidates = pool.pairs().par_iter().zip(scores).map(|(&(a, b), &score)| {
        let reason = keys.get(&(a, b)).map_or(Reason::Similarity, |&key| Reason::MatchKey(key));
        Candidate { a, b, score, reason }
    });
    let mut candidates: Vec<Candidate> = candidates.collect();
    candidates.par_sort_unstable_by(in_order);
    ScoredPairs { candidates, patterns, threshold, expected_precision: None, model: None, blocking: None }
}

/// The same from what was learned of cohorts (within one: twice the same).
fn learned(
    schema: &Schema,
    cohorts: &[&Cohort],
    pool: &Pool,
    keys: &HashMap<(u32, u32), u8>,
    learned: Learned,
    patterns: LevelPatterns,
) -> ScoredPairs {
    let Learned { scores, threshold, mut model, .. } = learned;
    if let Some(model) = &mut model {
        let mut best: Vec<Vec<f32>> = cohorts.iter().map(|cohort| vec![f32::NEG_INFINITY; cohort.rows()]).collect();
        for (&(a, b), &score) in pool.pairs().iter().zip(&scores) {
            for (cohort, row) in [(0, a), (cohorts.len() - 1, b)] {
                let best = &mut best[cohort][row as usize];
                *best = best.max(score);
            }
        }
        model.best = best.iter().map(|best| Histogram::new(best)).collect();
        model.complete = cohorts.iter().map(|cohort| complete(schema, cohort)).collect();
    }
    let expected_precision = model.as_ref().and_then(|model| Some(model.precision?.value as f32));
    ScoredPairs { expected_precision, model, ..scored(pool, keys, (&scores, threshold), patterns) }
}

/// How many rows have bits in each undiffused encoding of a single field.
fn complete(schema: &Schema, cohort: &Cohort) -> Vec<Completeness> {
    let encodings = schema.encodings().iter().zip(cohort.encodings());
    let single = encodings.filter(|(encoding, _)| encoding.only_field().is_some());
    let of_encoding = |(encoding, matrix): (&Encoding, &BitMatrix)| Completeness {
        encoding: encoding.name().to_owned(),
        present: popcounts(matrix).into_iter().filter(|bits| *bits > 0).count() as u64,
        rows: cohort.rows() as u64,
    };
    single.map(of_encoding).collect()
}

/// The pairs that share a match key which nobody else in either cohort has, with the first such key. Within one cohort:
/// all pairs that share a key; of a key that very many share, each with the next.
fn by_match_keys(a: &Cohort, b: &Cohort, within: bool) -> HashMap<(u32, u32), u8> {
    let mut found = HashMap::new();
    for (key, (in_a, in_b)) in (0..).zip(a.match_keys().iter().zip(b.match_keys())) {
        let by_value = by_value(in_a);
        if within {
            for group in by_value.chunk_by(|x, y| x.0 == y.0) {
                for (i, &(_, row)) in group.iter().enumerate() {
                    let partners = if group.len() > MANY_SHARE { 1 } else { group.len() };
                    for &(_, later) in group[i + 1..].iter().take(partners) {
                        found.entry((row, later)).or_insert(key);
                    }
                }
            }
        } else {
            let of_b = alone(&self::by_value(in_b));
            let mut of_b = of_b.iter().peekable();
            for (value, row_a) in alone(&by_value) {
                while of_b.next_if(|(other, _)| *other < value).is_some() {}
                if let Some((_, row_b)) = of_b.next_if(|(other, _)| *other == value) {
                    found.entry((row_a, *row_b)).or_insert(key);
                }
            }
        }
    }
    found
}

/// The values that a single row has.
fn alone(values: &[(MatchKeyValue, u32)]) -> Vec<(MatchKeyValue, u32)> {
    values.chunk_by(|x, y| x.0 == y.0).filter(|group| group.len() == 1).map(|group| group[0]).collect()
}
