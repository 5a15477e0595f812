//! How an index scores a pair.

use std::fmt;
use std::sync::Arc;

use super::super::Linker;
use super::super::decide::{Kept, mean_similarity, worth_a_look};
use super::super::run::{Meter, Stage};
use super::super::scale::{ONE, Scale};
use super::log::MOST;
use crate::cohort::Cohort;
use crate::error::{Error, Result};
use crate::schema::{Schema, Threshold};

/// How an [`Index`](super::Index) scores pairs, and from which score on they are hits.
///
/// It is kept with the index and does not change with what is asked or appended.
#[derive(Clone)]
pub struct IndexModel {
    pub(super) rule: Rule,
    fingerprint: String,
}

#[derive(Clone)]
pub(super) enum Rule {
    /// The mean similarity, from this one on.
    Similarity(f32),
    /// Match weights.
    Learned(Arc<Kept>),
}

/// Which pairs may reach a score, in one encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    All,
    None,
    /// Diffused encodings: those that differ in at most so many bits. Others: those with a Dice coefficient of at least so
    /// many ten-thousandths.
    Index(usize),
}

impl IndexModel {
    /// Scores by mean similarity, as a [`Linker`] does with a threshold in the schema; pairs from `threshold` on (0 to 1)
    /// are hits.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where the threshold is not from 0 to 1.
    pub fn similarity(schema: &Schema, threshold: f32) -> Result<Self> {
        if !(0.0..=1.0).contains(&threshold) {
            return Err(Error::argument("the threshold of an index is a number from 0 to 1"));
        }
        Ok(IndexModel { rule: Rule::Similarity(threshold), fingerprint: schema.fingerprint().to_owned() })
    }

    /// Learns from two cohorts, as [`Linker::link`] does: `asking` is a file of the kind of records that will be asked for,
    /// `standing` one of the kind that is in the index. Where the schema has a threshold nothing is learned, and that is the
    /// model.
    ///
    /// # Errors
    /// As [`Linker::link`].
    pub fn learn(linker: &Linker, asking: &Cohort, standing: &Cohort) -> Result<Self> {
        linker.check(&[asking, standing])?;
        let schema = &linker.schema;
        if let Threshold::Fixed(threshold) = schema.linkage().threshold() {
            return Self::similarity(schema, f32::from(threshold) / ONE as f32);
        }
        let meter = Meter::new(linker.progress.as_ref(), asking.rows() as u64 * standing.rows() as u64);
        let stage = Stage { meter: &meter, cancel: &linker.cancel, place: None };
        let (_, kept) = linker.learn_two(asking, standing, &stage)?;
        let kept = kept.ok_or_else(|| Error::argument("nothing was learned of these cohorts"))?;
        Ok(IndexModel { rule: Rule::Learned(Arc::new(kept)), fingerprint: schema.fingerprint().to_owned() })
    }

    /// The score from which a pair is a hit, if nothing else is asked for: a mean similarity from 0 to 1, or a match weight in
    /// bits.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        match &self.rule {
            Rule::Similarity(threshold) => *threshold,
            Rule::Learned(kept) => kept.threshold,
        }
    }

    /// Whether scores are match weights that were learned, and not similarities.
    #[must_use]
    pub fn is_learned(&self) -> bool {
        matches!(self.rule, Rule::Learned(_))
    }

    pub(super) fn is_of(&self, schema: &Schema) -> bool {
        self.fingerprint == schema.fingerprint()
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match &self.rule {
            Rule::Similarity(threshold) => {
                bytes.push(0);
                bytes.extend(threshold.to_le_bytes());
            }
            Rule::Learned(kept) => {
                bytes.push(1);
                kept.encode(&mut bytes);
            }
        }
        if bytes.len() > MOST { Err(Error::argument("the model is too large for an index")) } else { Ok(bytes) }
    }

    pub(super) fn decode(schema: &Schema, scales: &[Scale], bytes: &[u8]) -> Option<Self> {
        let (kind, content) = bytes.split_first()?;
        let rule = match kind {
            0 => {
                let threshold = f32::from_le_bytes(content.try_into().ok()?);
                Rule::Similarity(Some(threshold).filter(|t| (0.0..=1.0).contains(t))?)
            }
            1 => Rule::Learned(Arc::new(Kept::decode(schema, scales, content)?)),
            _ => return None,
        };
        Some(IndexModel { rule, fingerprint: schema.fingerprint().to_owned() })
    }

    /// The score by which the best of all rows are found.
    pub(super) fn first(&self, scales: &[Scale], indices: &[u16]) -> f32 {
        match &self.rule {
            Rule::Similarity(_) => mean_similarity(scales, indices),
            Rule::Learned(kept) => {
                kept.first.iter().zip(indices).map(|(table, &index)| table[usize::from(index)]).sum()
            }
        }
    }

    /// The least of these that counts, where `least` is asked for.
    pub(super) fn first_least(&self, scales: &[Scale], least: f32) -> f32 {
        match &self.rule {
            Rule::Similarity(_) => least,
            Rule::Learned(_) => worth_a_look(scales),
        }
    }

    /// For each encoding, which pairs may reach a first score: a pair that is outside of all of these does not.
    pub(super) fn bounds(&self, scales: &[Scale], floor: f32) -> Vec<Bound> {
        if floor <= 0.0 {
            return vec![Bound::All; scales.len()];
        }
        match &self.rule {
            // If all encodings were less similar, so would their mean be.
            Rule::Similarity(_) => {
                let least = (0..=ONE as u16).find(|&s| f32::from(s) / ONE as f32 >= floor);
                let bound = |scale: &Scale| {
                    least.map_or(Bound::None, |least| farthest(scale, |index| scale.similarity[index] >= least))
                };
                scales.iter().map(bound).collect()
            }
            // If all encodings scored less than their part of it, their sum would be less; a part in a thousand is left for
            // rounding.
            Rule::Learned(kept) => {
                let most = |table: &Vec<f32>| table.iter().copied().fold(0.0f32, f32::max);
                let all: f32 = kept.first.iter().map(most).sum();
                let bound = |(scale, table): (&Scale, &Vec<f32>)| {
                    let most = most(table);
                    if most <= 0.0 {
                        return Bound::None;
                    }
                    let part = floor * most / all * 0.999;
                    farthest(scale, |index| table[index] >= part)
                };
                scales.iter().zip(&kept.first).map(bound).collect()
            }
        }
    }
}

/// The index that is farthest from equal rows of those for which this holds; it holds for all that are nearer.
fn farthest(scale: &Scale, holds: impl Fn(usize) -> bool) -> Bound {
    // The last index stands for no evidence.
    let count = scale.levels.len() - 1;
    let reached = partition(count, |place| holds(if scale.diffused { place } else { count - 1 - place }));
    match reached.checked_sub(1) {
        None => Bound::None,
        Some(_) if reached == count => Bound::All,
        Some(last) => Bound::Index(if scale.diffused { last } else { count - 1 - last }),
    }
}

/// How many of the first numbers below `count` satisfy what none behind them does.
fn partition(count: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = usize::midpoint(low, high);
        if holds(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// What kind, and the threshold.
impl fmt::Debug for IndexModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_learned() { "learned" } else { "similarity" };
        f.debug_struct("IndexModel").field("kind", &kind).field("threshold", &self.threshold()).finish_non_exhaustive()
    }
}
