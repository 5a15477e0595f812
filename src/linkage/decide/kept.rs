//! What was learned of two cohorts as a rule for pairs that come later: how a standing index scores.
//!
//! The parts of the evidence are those of the linkage, in the same order, so that a pair has the same ln(m/u) there and here.
//! As bytes, numbers are little-endian; every length is that which the schema asks for, so that nothing is read on trust.

use std::collections::HashMap;

use super::super::candidates::take;
use super::super::scale::Scale;
use super::calibrate::Calibration;
use super::fellegi_sunter::BY_CHANCE;
use super::hidden::Hidden;
use super::posterior::Posterior;
use super::rarity::Worth;
use super::swapped::Swapped;
use super::together::Together;
use crate::schema::Schema;

/// What makes the evidence of a pair, ln(m/u).
pub(super) struct Parts {
    /// ln(m/u) of every index of undiffused encodings; 0 for diffused ones.
    pub(super) tables: Vec<Vec<f32>>,
    pub(super) swapped: Vec<Swapped>,
    pub(super) together: Together,
    pub(super) hidden: Option<Hidden>,
    pub(super) worth: Worth,
}

impl Parts {
    /// ln(m/u) of a pair with these indices and classes of rarity.
    pub(super) fn ratio(&self, scales: &[Scale], indices: &[u16], classes: &[u8]) -> f32 {
        let direct: f32 = self.tables.iter().zip(indices).map(|(table, &index)| table[usize::from(index)]).sum();
        let swapped: f32 = self.swapped.iter().map(|swapped| swapped.instead(scales, &self.tables, indices)).sum();
        let hidden = |hidden: &Hidden| hidden.ratio(scales, indices, self.worth.of_hidden(classes));
        let hidden = self.hidden.as_ref().map_or(0.0, hidden);
        let together = self.together.of(scales, indices);
        // A family shares its name, however rare it is.
        let worth = if together < BY_CHANCE { self.worth.of_singles(scales, indices, classes) } else { 0.0 };
        direct + swapped + worth - together + hidden
    }
}

/// What was learned of two cohorts. It says how often people err and how often strangers agree, and nothing of any row.
pub(in crate::linkage) struct Kept {
    /// What indices add to the score by which the best are looked at closely.
    pub(in crate::linkage) first: Vec<Vec<f32>>,
    parts: Parts,
    /// The odds against a pair without competition, and the correction of log odds: shift and slope.
    against: f64,
    correction: (f64, f64),
    /// Whether a row of the first cohort has one partner at most, so that its candidates compete.
    single: bool,
    /// The match weight from which pairs are links, in bits.
    pub(in crate::linkage) threshold: f32,
}

impl Kept {
    pub(super) fn new(
        first: Vec<Vec<f32>>,
        parts: Parts,
        posterior: &Posterior,
        calibration: Calibration,
        threshold: f32,
    ) -> Self {
        Kept {
            first,
            parts,
            against: posterior.against,
            correction: (calibration.shift, calibration.slope),
            single: posterior.single.0,
            threshold,
        }
    }

    /// ln(m/u) of a pair.
    pub(in crate::linkage) fn ratio(&self, scales: &[Scale], indices: &[u16], classes: &[u8]) -> f32 {
        self.parts.ratio(scales, indices, classes)
    }

    /// The match weights in bits of all candidates of one row, from their ratios.
    pub(in crate::linkage) fn weights(&self, ratios: &[f32]) -> Vec<f32> {
        let likelihood = |ratio: f32| f64::from(ratio).exp();
        let all: f64 = if self.single { ratios.iter().map(|&ratio| likelihood(ratio)).sum() } else { 0.0 };
        let weight = |&ratio: &f32| {
            let others = if self.single { (all - likelihood(ratio)).max(0.0) } else { 0.0 };
            let log_odds = f64::from(ratio) - (others + self.against).ln();
            ((self.correction.0 + self.correction.1 * log_odds) / std::f64::consts::LN_2) as f32
        };
        ratios.iter().map(weight).collect()
    }

    pub(in crate::linkage) fn encode(&self, out: &mut Vec<u8>) {
        let floats = |out: &mut Vec<u8>, values: &[f32]| values.iter().for_each(|v| out.extend(v.to_le_bytes()));
        for value in [self.against, self.correction.0, self.correction.1] {
            out.extend(value.to_le_bytes());
        }
        out.push(self.single.into());
        out.extend(self.threshold.to_le_bytes());
        self.first.iter().chain(&self.parts.tables).for_each(|table| floats(out, table));
        for swapped in &self.parts.swapped {
            // What was never learned weighs nothing that a number could say.
            floats(out, &[swapped.weight.unwrap_or(f32::NAN)]);
        }
        let mut together: Vec<_> = self.parts.together.ratios.iter().collect();
        together.sort_unstable_by_key(|(states, _)| *states);
        out.extend((together.len() as u32).to_le_bytes());
        for (states, &ratio) in together {
            out.extend(states);
            floats(out, &[ratio]);
        }
        if let Some(hidden) = &self.parts.hidden {
            let (matches, strangers) = hidden.learned();
            matches.iter().flatten().for_each(|share| out.extend(share.to_le_bytes()));
            floats(out, strangers);
        }
        self.parts.worth.fields.iter().for_each(|field| floats(out, &field.worth));
    }

    /// `None` where these are not the bytes of something learned under this schema.
    pub(in crate::linkage) fn decode(schema: &Schema, scales: &[Scale], mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let (against, shift, slope) = (double(bytes)?, double(bytes)?, double(bytes)?);
        let single = match take::<1>(bytes)? {
            [flag @ 0..=1] => flag == 1,
            _ => return None,
        };
        let threshold = float(bytes)?;
        let mut tables =
            || -> Option<Vec<Vec<f32>>> { scales.iter().map(|scale| floats(bytes, scale.levels.len())).collect() };
        let (first, tables) = (tables()?, tables()?);
        let mut swapped = Swapped::all(scales);
        for swapped in &mut swapped {
            let weight = f32::from_le_bytes(take(bytes)?);
            swapped.weight = (!weight.is_nan()).then_some(weight);
        }
        let mut together = Together { ratios: HashMap::new() };
        for _ in 0..u32::from_le_bytes(take(bytes)?) {
            let (states, rest) = bytes.split_at_checked(scales.len())?;
            *bytes = rest;
            together.ratios.insert(states.to_vec(), float(bytes)?);
        }
        let mut hidden = Hidden::new(schema);
        if let Some(hidden) = &mut hidden {
            let (matches, strangers) = hidden.learned();
            let strangers = strangers.len();
            let shares = |part: &Vec<f64>| part.iter().map(|_| double(bytes)).collect::<Option<Vec<f64>>>();
            let matches = matches.iter().map(shares).collect::<Option<Vec<_>>>()?;
            hidden.restore(matches, floats(bytes, strangers)?);
        }
        let mut worth = Worth::new(schema, &[]);
        for field in &mut worth.fields {
            field.worth = floats(bytes, field.worth.len())?;
        }
        let sound = bytes.is_empty() && against > 0.0 && slope > 0.0;
        let parts = Parts { tables, swapped, together, hidden, worth };
        sound.then_some(Kept { first, parts, against, correction: (shift, slope), single, threshold })
    }
}

fn double(bytes: &mut &[u8]) -> Option<f64> {
    Some(f64::from_le_bytes(take(bytes)?)).filter(|value| value.is_finite())
}

fn float(bytes: &mut &[u8]) -> Option<f32> {
    Some(f32::from_le_bytes(take(bytes)?)).filter(|value| value.is_finite())
}

fn floats(bytes: &mut &[u8], count: usize) -> Option<Vec<f32>> {
    (bytes.len() >= count * 4).then(|| (0..count).map(|_| float(bytes)).collect()).flatten()
}
