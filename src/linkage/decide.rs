//! From candidates to scores and a threshold, without labels.

use std::collections::HashMap;

use rayon::prelude::*;

use super::assign::{Candidate, in_order};
use super::links::Reason;
use super::signal::{Measure, Side, signals};
use super::{Linker, ScoredPairs};
use crate::cohort::{Cohort, MatchKeyValue};
use crate::schema::Threshold;

impl Linker {
    /// Looks at the candidates closely. `pairs` may hold a pair more than once.
    pub(super) fn decide(&self, a: &Cohort, b: &Cohort, pairs: Vec<(u32, u32, f32)>, within: bool) -> ScoredPairs {
        let mut pairs: Vec<(u32, u32)> = pairs.into_iter().map(|(a, b, _)| (a, b)).collect();
        let keyed = by_match_keys(a, b, within);
        pairs.extend(keyed.keys());
        pairs.par_sort_unstable();
        pairs.dedup();

        let measures = Measure::all(&self.schema);
        let (side_a, side_b) = (Side::new(a, &measures), Side::new(b, &measures));
        let mut candidates: Vec<Candidate> = pairs
            .par_iter()
            .map_init(Vec::new, |buffer, &(row_a, row_b)| {
                buffer.clear();
                signals(self.kernel, &measures, (&side_a, row_a as usize), (&side_b, row_b as usize), buffer);
                let score = buffer.iter().sum::<f32>() / measures.len() as f32;
                let reason = keyed.get(&(row_a, row_b)).map_or(Reason::Similarity, |&key| Reason::MatchKey(key));
                Candidate { a: row_a, b: row_b, score, reason }
            })
            .collect();
        candidates.par_sort_unstable_by(in_order);
        let threshold = match self.schema.linkage().threshold() {
            Threshold::Fixed(ten_thousandths) => f32::from(ten_thousandths) / 10_000.0,
            Threshold::Automatic => null2(&candidates),
        };
        ScoredPairs { candidates, threshold }
    }
}

/// The pairs that share a match key which nobody else in either cohort has, with the first such key. Within one cohort:
/// all pairs that share a key.
fn by_match_keys(a: &Cohort, b: &Cohort, within: bool) -> HashMap<(u32, u32), usize> {
    let mut found = HashMap::new();
    for (key, (in_a, in_b)) in a.match_keys().iter().zip(b.match_keys()).enumerate() {
        let (a, b) = (rows_by_value(in_a), rows_by_value(in_b));
        for (value, rows) in &a {
            if within {
                for (i, &row) in rows.iter().enumerate() {
                    for &later in &rows[i + 1..] {
                        found.entry((row, later)).or_insert(key);
                    }
                }
            } else if let (&[row_a], Some(&[row_b])) = (rows.as_slice(), b.get(value).map(Vec::as_slice)) {
                found.entry((row_a, row_b)).or_insert(key);
            }
        }
    }
    found
}

fn rows_by_value(column: &[Option<MatchKeyValue>]) -> HashMap<MatchKeyValue, Vec<u32>> {
    let mut rows: HashMap<_, Vec<u32>> = HashMap::new();
    for (row, value) in column.iter().enumerate() {
        if let Some(value) = value {
            rows.entry(*value).or_default().push(row as u32);
        }
    }
    rows
}

/// null2
fn null2(candidates: &[Candidate]) -> f32 {
    let mut used = (std::collections::HashSet::new(), std::collections::HashSet::new());
    let mut mutual = || {
        let mut seen = used.clone();
        let mut scores = Vec::new();
        let mut add = Vec::new();
        for c in candidates {
            let fa = !used.0.contains(&c.a) && seen.0.insert(c.a);
            let fb = !used.1.contains(&c.b) && seen.1.insert(c.b);
            if used.0.contains(&c.a) || used.1.contains(&c.b) { continue; }
            if fa && fb {
                scores.push(c.score);
                add.push((c.a, c.b));
            }
        }
        for (a, b) in add { used.0.insert(a); used.1.insert(b); }
        scores
    };
    let s1 = mutual();
    let s2 = mutual();
    if s1.is_empty() || s2.is_empty() { return 0.0 }
    let med = s2[s2.len() / 2];
    let le = |s: &[f32], x: f32| s.iter().filter(|&&v| v <= x).count() as f64;
    let ge = |s: &[f32], x: f32| s.iter().filter(|&&v| v >= x).count() as f64;
    let c = (le(&s1, med) / le(&s2, med)).min(1.0);
    let e = s1.len() as f64 - c * s2.len() as f64;
    let mut best = (f64::NEG_INFINITY, 0.0);
    for &t in &s1 {
        let tp = ge(&s1, t) - c * ge(&s2, t);
        let f = 2.0 * tp / (ge(&s1, t) + e);
        if f > best.0 { best = (f, t); }
    }
    best.1
}
