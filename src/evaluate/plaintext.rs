//! The same records compared in plaintext with strsim: what the encoding costs.

use rayon::prelude::*;

use crate::linkage::{Candidate, LevelPatterns, Reason, ScoredPairs};
use crate::owner::{Comparable, FieldReaders, Record, comparable};
use crate::schema::Schema;

/// From which mean similarity on the plaintext baseline links without labels: a usual choice for Jaro-Winkler.
const THRESHOLD: f32 = 0.85;

/// How many best partners are kept for each record, as the linker keeps them.
const KEEP: usize = 10;

/// Scores all pairs of two files (or, with no `b`, of one) in plaintext: for every field that both records have, the
/// Jaro-Winkler similarity of names and texts and the normalised Damerau-Levenshtein similarity of dates, postcodes and
/// other values; the score is their mean. Fields are normalised as for encoding.
#[must_use]
pub fn plaintext(schema: &Schema, a: &[Record], b: Option<&[Record]>) -> ScoredPairs {
    let readers = FieldReaders::new(schema);
    let prepare = |records: &[Record]| -> Vec<Vec<Option<Comparable>>> {
        records.par_iter().map(|record| comparable(&readers, record)).collect()
    };
    let of_a = prepare(a);
    let of_b = b.map(prepare);
    let later = of_b.as_ref().unwrap_or(&of_a);
    let mut candidates: Vec<Candidate> = of_a
        .par_iter()
        .enumerate()
        .flat_map_iter(|(row, record)| {
            let first = if of_b.is_none() { row + 1 } else { 0 };
            let mut best: Vec<Candidate> = later[first..]
                .iter()
                .enumerate()
                .map(|(i, other)| Candidate {
                    a: row as u32,
                    b: (first + i) as u32,
                    score: similarity(record, other),
                    reason: Reason::Similarity,
                })
                .collect();
            best.sort_unstable_by(|x, y| y.score.total_cmp(&x.score).then(x.b.cmp(&y.b)));
            best.truncate(KEEP);
            best
        })
        .collect();
    candidates.par_sort_unstable_by(|x, y| y.score.total_cmp(&x.score).then((x.a, x.b).cmp(&(y.a, y.b))));
    ScoredPairs {
        candidates,
        threshold: THRESHOLD,
        expected_precision: None,
        model: None,
        patterns: LevelPatterns::default(),
        blocking: None,
    }
}

fn similarity(a: &[Option<Comparable>], b: &[Option<Comparable>]) -> f32 {
    let mut sum = 0.0;
    let mut fields = 0;
    for (a, b) in a.iter().zip(b) {
        let (Some(a), Some(b)) = (a, b) else { continue };
        fields += 1;
        sum += match (a, b) {
            (Comparable::Words(a), Comparable::Words(b)) => strsim::jaro_winkler(a, b),
            (Comparable::Code(a), Comparable::Code(b)) => strsim::normalized_damerau_levenshtein(a, b),
            _ => 0.0,
        };
    }
    if fields == 0 { 0.0 } else { (sum / f64::from(fields)) as f32 }
}
