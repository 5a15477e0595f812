//! Where candidates come from: all pairs, LSH, match keys, or the last two together.

use std::fmt;

use rayon::prelude::*;

use super::blocks::{Blocks, Take};
use super::lsh::Lsh;
use super::match_keys::MatchKeys;
use crate::cohort::{BitMatrix, Cohort};
use crate::error::{Error, Result};

/// Which pairs of rows a [`Linker`](super::super::Linker) scores.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Candidates {
    /// Every pair: nothing is missed. A million rows with a million take minutes.
    #[default]
    All,
    /// The pairs that LSH finds: for cohorts so large that all pairs take too long.
    Lsh(Lsh),
    /// The pairs that share a match key.
    MatchKeys(MatchKeys),
    /// The pairs that LSH finds or that share a match key, each once.
    LshAndMatchKeys(Lsh, MatchKeys),
}

/// A pair of rows that may be one person, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proposed {
    /// The row in the earlier cohort (within one cohort: the earlier row).
    pub a: u32,
    /// The row in the later cohort.
    pub b: u32,
    /// Whether LSH found the pair.
    pub lsh: bool,
    /// Whether the rows share a match key.
    pub match_key: bool,
}

/// How candidates were found, and what may have been missed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Blocking {
    /// LSH's blocks, where there was LSH.
    pub lsh: Option<Blocks>,
    /// With at least this probability LSH makes a candidate of a pair that differs in at most [`share`](Self::share) of the
    /// bits of an encoding ([`Lsh::recall_at`]). Blocks that were left out are not in it.
    pub recall: Option<f64>,
    /// The share of differing bits at which the recall is stated.
    pub share: Option<f64>,
    /// The blocks of match keys. After LSH, pairs that it had found are not counted again.
    pub match_keys: Option<Blocks>,
}

impl Candidates {
    /// The candidates of two cohorts, sorted, each once, with who found them. The same for any number of threads. All are
    /// held in memory.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) for [`Candidates::All`], and where LSH or match keys do not fit
    /// the cohorts.
    pub fn between(&self, a: &Cohort, b: &Cohort) -> Result<(Vec<Proposed>, Blocking)> {
        self.list(a, Some(b))
    }

    /// The candidates of one cohort, the lower row first; else as [`between`](Self::between).
    ///
    /// # Errors
    /// As [`between`](Self::between).
    pub fn within(&self, cohort: &Cohort) -> Result<(Vec<Proposed>, Blocking)> {
        self.list(cohort, None)
    }

    fn list(&self, a: &Cohort, b: Option<&Cohort>) -> Result<(Vec<Proposed>, Blocking)> {
        if *self == Candidates::All {
            return Err(Error::argument("where all pairs are candidates there is no list of them"));
        }
        let mut blocking = self.blocking(a);
        let mut pairs = Vec::new();
        let (lsh, match_keys) = self.parts();
        if let Some(lsh) = lsh {
            let (found, blocks) = match b {
                Some(b) => lsh.between(a.encodings(), b.encodings())?,
                None => lsh.within(a.encodings())?,
            };
            pairs.extend(found.into_iter().map(|(a, b)| Proposed { a, b, lsh: true, match_key: false }));
            blocking.lsh = Some(blocks);
        }
        if let Some(keys) = match_keys {
            let (found, mut blocks) = match b {
                Some(b) => keys.between(a, b)?,
                None => keys.within(a)?,
            };
            pairs.extend(found.into_iter().map(|(a, b)| Proposed { a, b, lsh: false, match_key: true }));
            pairs.par_sort_unstable();
            // A pair of both comes twice, and that of match keys first.
            let all = pairs.len();
            pairs.dedup_by(|next, first| {
                let same = (next.a, next.b) == (first.a, first.b);
                first.lsh |= same && next.lsh;
                same
            });
            blocks.pairs -= (all - pairs.len()) as u64;
            blocking.match_keys = Some(blocks);
        }
        Ok((pairs, blocking))
    }

    /// Hands out candidates as they are found, each once; after every table, an empty list.
    pub(in crate::linkage) fn stream(&self, a: &Cohort, b: Option<&Cohort>, take: Take<'_>) -> Result<Blocking> {
        let (lsh, match_keys) = self.parts();
        let mut blocking = self.blocking(a);
        let mut known = None;
        if let Some(lsh) = lsh {
            let (shared, blocks) = lsh.stream(a.encodings(), b.map(Cohort::encodings), take)?;
            (known, blocking.lsh) = (Some(shared), Some(blocks));
        }
        if let Some(keys) = match_keys {
            let known = |a, b| known.as_ref().is_some_and(|known| known.contains(a, b));
            blocking.match_keys = Some(keys.stream(a, b, known, take)?);
        }
        Ok(blocking)
    }

    /// How many tables are joined.
    pub(in crate::linkage) fn tables(&self, cohort: &Cohort) -> usize {
        let (lsh, match_keys) = self.parts();
        lsh.map_or(0, Lsh::tables) + match_keys.map_or(0, |_| cohort.match_keys().len())
    }

    fn parts(&self) -> (Option<&Lsh>, Option<&MatchKeys>) {
        match self {
            Candidates::All => (None, None),
            Candidates::Lsh(lsh) => (Some(lsh), None),
            Candidates::MatchKeys(keys) => (None, Some(keys)),
            Candidates::LshAndMatchKeys(lsh, keys) => (Some(lsh), Some(keys)),
        }
    }

    fn blocking(&self, cohort: &Cohort) -> Blocking {
        let lengths: Vec<usize> = cohort.encodings().iter().map(BitMatrix::bits).collect();
        let lsh = self.parts().0;
        // Where it does not fit, that is said when candidates are looked for.
        let fits = lsh.filter(|lsh| lsh.encodings().len() == lengths.len());
        Blocking {
            lsh: None,
            recall: fits.map(|lsh| lsh.recall_at(lsh.share(), &lengths)),
            share: lsh.map(Lsh::share),
            match_keys: None,
        }
    }
}

impl fmt::Display for Blocking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(blocks) = &self.lsh {
            write!(f, "LSH: {blocks}")?;
        }
        if let (Some(recall), Some(share)) = (self.recall, self.share) {
            let (recall, share) = (percent(recall), percent(share));
            write!(
                f,
                "; it finds at least {recall} of the pairs that differ in at most {share} of the bits of an encoding"
            )?;
        }
        if let Some(blocks) = &self.match_keys {
            write!(f, "{}match keys: {blocks}", if self.lsh.is_some() { "; " } else { "" })?;
        }
        Ok(())
    }
}

/// A share in per cent: one digit after the point, never 100 for what is less, and no digit that says nothing.
pub(in crate::linkage) fn percent(share: f64) -> String {
    let tenths = if share < 1.0 { (share * 1000.0 + 1e-9).floor().min(999.0) } else { 1000.0 };
    if tenths % 10.0 == 0.0 { format!("{:.0} %", tenths / 10.0) } else { format!("{:.1} %", tenths / 10.0) }
}
