//! How the levels of several encodings go together among strangers.
//!
//! Brothers and sisters share a surname and a postcode: taken as independent, both would be far more telling than they are.
//! Inside a file nobody should match, so how often a combination of agreements is seen there, beside how often it would be
//! if they were independent, says how much less it is worth.

use std::collections::HashMap;

use super::super::scale::{NO_LEVEL, Scale};
use super::fellegi_sunter::Patterns;

/// What an encoding says of a pair, for this purpose.
const MISSING: u8 = 0;
const DIFFERENT: u8 = 1;
const ALIKE: u8 = 2;

/// ln of how much more often strangers have a combination than they would if encodings were independent.
#[derive(Clone, Debug, Default)]
pub(super) struct Together {
    pub(super) ratios: HashMap<Vec<u8>, f32>,
}

impl Together {
    /// From the level patterns of pairs of strangers. Diffused encodings are left out: see [`hidden`](super::hidden).
    pub(super) fn new(scales: &[Scale], strangers: &Patterns) -> Self {
        if scales.iter().filter(|scale| !scale.diffused && scale.covers.is_none()).count() < 2 {
            return Together::default();
        }
        let mut seen: HashMap<Vec<u8>, f64> = HashMap::new();
        for (pattern, pairs) in strangers {
            let state = scales.iter().zip(pattern).map(|(scale, &level)| state(scale, level)).collect();
            *seen.entry(state).or_default() += pairs;
        }
        // In the order of their names, so that sums do not depend on the order of a hash map.
        let mut seen: Vec<(Vec<u8>, f64)> = seen.into_iter().collect();
        seen.sort_unstable_by(|x, y| x.0.cmp(&y.0));
        // The share of pairs that are alike in an encoding, of those that have it.
        let alike: Vec<f64> = (0..scales.len())
            .map(|encoding| {
                let count = |wanted: u8| -> f64 {
                    seen.iter().filter(|(states, _)| states[encoding] == wanted).map(|(_, pairs)| pairs).sum()
                };
                let (alike, different) = (count(ALIKE), count(DIFFERENT));
                (alike + 0.1) / (alike + different + 1.0)
            })
            .collect();
        let mut with_evidence: HashMap<Vec<u8>, f64> = HashMap::new();
        for (states, pairs) in &seen {
            *with_evidence.entry(mask(states)).or_default() += pairs;
        }
        let ratio = |(states, pairs): (Vec<u8>, f64)| {
            let independent: f64 = states
                .iter()
                .zip(&alike)
                .map(|(&state, alike)| match state {
                    ALIKE => *alike,
                    DIFFERENT => 1.0 - alike,
                    _ => 1.0,
                })
                .product();
            let expected = independent * with_evidence[&mask(&states)];
            // One pair that was seen where none was to be expected counts as it is; where many were, one more changes little.
            let extra = expected.min(1.0);
            let ratio = ((pairs + extra) / (expected + extra)).ln() as f32;
            (states, ratio)
        };
        // Who agree in all they have are one person who stands in the file twice, or cannot be told apart by anybody.
        let all_alike = |states: &[u8]| states.contains(&ALIKE) && !states.contains(&DIFFERENT);
        Together { ratios: seen.into_iter().filter(|(states, _)| !all_alike(states)).map(ratio).collect() }
    }

    /// Of a pair with these indices.
    pub(super) fn of(&self, scales: &[Scale], indices: &[u16]) -> f32 {
        if self.ratios.is_empty() {
            return 0.0;
        }
        let state = |(scale, &index): (&Scale, &u16)| state(scale, scale.levels[usize::from(index)]);
        let states: Vec<u8> = scales.iter().zip(indices).map(state).collect();
        self.ratios.get(&states).copied().unwrap_or(0.0)
    }
}

fn mask(states: &[u8]) -> Vec<u8> {
    states.iter().map(|&state| u8::from(state != MISSING)).collect()
}

fn state(scale: &Scale, level: u8) -> u8 {
    if scale.diffused || scale.covers.is_some() || level == NO_LEVEL {
        return MISSING;
    }
    // The two highest levels: equal, and all but equal.
    if usize::from(level) + 2 >= scale.level_count() { ALIKE } else { DIFFERENT }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    #[test]
    fn families_are_found_out() {
        let schema = include_str!("../../../examples/schemas/ons6k.field.toml");
        let scales = Scale::all(&Schema::from_toml(schema).unwrap());
        // Encodings: forename, surname, names (which says nothing here), date of birth, postcode, sex.
        let [alike, not, none] = [(4, ALIKE), (0, DIFFERENT), (NO_LEVEL, MISSING)].map(|(level, _)| level);
        let pattern = |levels: [u8; 5]| vec![levels[0], levels[1], 0, levels[2], levels[3], levels[4]];
        let strangers: Patterns = vec![
            (pattern([not, not, not, not, not]), 490_000.0),
            (pattern([not, not, not, not, alike]), 490_000.0),
            (pattern([not, not, not, alike, not]), 1_000.0),
            (pattern([not, alike, not, not, not]), 5_000.0),
            (pattern([not, alike, not, alike, not]), 500.0),
            (pattern([alike, not, not, not, none]), 5_000.0),
            (pattern([not, not, not, not, none]), 995_000.0),
        ];
        let together = Together::new(&scales, &strangers);
        let of = |levels: [u8; 5]| {
            let indices: Vec<u16> = pattern(levels)
                .into_iter()
                .map(|level| match level {
                    NO_LEVEL => 10_001,
                    4 => 10_000,
                    _ => 0,
                })
                .collect();
            together.of(&scales, &indices)
        };
        // Surname and postcode: 500 where about 4 of a million would be.
        assert!((3.5..6.5).contains(&of([not, alike, not, alike, not])), "{}", of([not, alike, not, alike, not]));
        assert!(of([not, not, not, not, alike]).abs() < 0.1);
        assert_eq!(of([alike, alike, alike, alike, alike]), 0.0, "what strangers were never seen with");
        assert!(of([alike, not, not, not, none]) < 1.0, "what is missing is no coincidence");
    }
}
