//! Candidates by match keys: rows that share the keyed hash of an exact combination of fields.

use std::collections::HashSet;

use rayon::prelude::*;

use super::blocks::{Blocks, MOST_PAIRS, Take, join};
use crate::cohort::{Cohort, MatchKeyValue};
use crate::error::{Error, Result};

/// Rows that share a match key become candidates.
///
/// A match key is the HMAC of an exact combination of fields, which the owners computed with their key
/// (`docs/encoding.md`, section 7). A pair whose key nobody else has is linked for that alone; this is about keys that
/// several have, or that only say who should be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatchKeys {
    most_pairs: u64,
}

impl Default for MatchKeys {
    fn default() -> Self {
        MatchKeys { most_pairs: MOST_PAIRS }
    }
}

impl MatchKeys {
    /// All match keys of a schema, with the usual limit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves out keys that more pairs share than this; 1,000,000 if nothing is said.
    #[must_use]
    pub fn most_pairs(mut self, pairs: u64) -> Self {
        self.most_pairs = pairs;
        self
    }

    /// The pairs of a row of `a` and a row of `b` that share a match key, sorted, each once.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where the cohorts have not the same match keys.
    pub fn between(self, a: &Cohort, b: &Cohort) -> Result<(Vec<(u32, u32)>, Blocks)> {
        self.collect(a, Some(b))
    }

    /// The pairs of two rows of one cohort that share a match key, the lower row first, sorted, each once.
    ///
    /// # Errors
    /// None today.
    pub fn within(self, cohort: &Cohort) -> Result<(Vec<(u32, u32)>, Blocks)> {
        self.collect(cohort, None)
    }

    fn collect(self, a: &Cohort, b: Option<&Cohort>) -> Result<(Vec<(u32, u32)>, Blocks)> {
        let mut pairs = Vec::new();
        let mut take = |some: &[(u32, u32)]| {
            pairs.extend_from_slice(some);
            Ok(())
        };
        let blocks = self.stream(a, b, |_, _| false, &mut take)?;
        pairs.par_sort_unstable();
        Ok((pairs, blocks))
    }

    /// Hands out pairs as they are found, each once, but for those that were known before.
    pub(in crate::linkage) fn stream(
        self,
        a: &Cohort,
        b: Option<&Cohort>,
        known: impl Fn(u32, u32) -> bool + Sync,
        take: Take<'_>,
    ) -> Result<Blocks> {
        let (keys_a, keys_b) = (a.match_keys(), b.unwrap_or(a).match_keys());
        if a.manifest().match_keys != b.unwrap_or(a).manifest().match_keys {
            return Err(Error::argument("both cohorts need the same match keys"));
        }
        let mut blocks = Blocks::default();
        let mut capped: Vec<HashSet<MatchKeyValue>> = Vec::new();
        for (of_a, of_b) in keys_a.iter().zip(keys_b) {
            let before = |row_a: u32, row_b: u32| {
                let earlier = keys_a.iter().zip(keys_b).zip(&capped).any(|((of_a, of_b), capped)| {
                    let (x, y) = (of_a[row_a as usize], of_b[row_b as usize]);
                    x == y && x.is_some_and(|value| !capped.contains(&value))
                });
                earlier || known(row_a, row_b)
            };
            let (by_a, by_b) = (by_value(of_a), b.map(|_| by_value(of_b)));
            let left_out = join(&by_a, by_b.as_deref(), self.most_pairs, &mut blocks, before, take)?;
            capped.push(left_out.into_iter().collect());
        }
        Ok(blocks)
    }
}

/// The values of a match key and their rows, sorted.
pub(in crate::linkage) fn by_value(column: &[Option<MatchKeyValue>]) -> Vec<(MatchKeyValue, u32)> {
    let mut values: Vec<_> = (0..).zip(column).filter_map(|(row, value)| Some(((*value)?, row))).collect();
    values.par_sort_unstable();
    values
}
