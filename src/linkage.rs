//! The linkage unit's side: cohorts in, links out. This half of the crate holds no key and cannot be made to.
//!
//! Every pair of rows is scored, every encoding in one pass; the best partners of each row are looked at closely; a
//! threshold is estimated without labels or taken from the schema; links are assigned; and every owner gets a table of
//! its own.

mod assign;
mod candidates;
mod compare;
mod decide;
mod files;
mod links;
mod scale;
pub mod score;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use self::assign::{Candidate, assign};
pub use self::links::{BINS, Cluster, Counted, Link, LinkId, Links, Member, PairSummary, Reason, Summary};
pub use self::score::Kernel;
use crate::cohort::Cohort;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Date, Schema};

/// Links cohorts under a schema.
///
/// The result depends on the cohorts, the schema and the seed, and on nothing else: not on the number of threads and not
/// on the kernel. It works in rayon's current thread pool.
#[derive(Clone)]
pub struct Linker {
    schema: Schema,
    kernel: Kernel,
    seed: Option<[u8; 32]>,
    progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Pairs of rows that have been compared.
    pub done: u64,
    /// All pairs that will be, over all pairs of cohorts.
    pub total: u64,
}

/// The candidates of two cohorts with their scores, before anything is decided: for the choice of a threshold, and for
/// evaluation. [`assign`] makes links of them.
#[derive(Clone, Debug)]
pub struct ScoredPairs {
    /// Best first; ties in the order of rows.
    pub candidates: Vec<Candidate>,
    /// The score from which a pair counts as a link: the schema's, or estimated from the cohorts. Infinite where the
    /// cohorts show no matches that stand out from strangers.
    pub threshold: f32,
    /// The share of the links at an estimated threshold that are expected to be right; it was a few points too high where
    /// records are poor.
    pub expected_precision: Option<f32>,
}

impl Linker {
    /// A linker for the cohorts of a schema.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        Linker { schema: schema.clone(), kernel: Kernel::detect(), seed: None, progress: None }
    }

    /// Uses this kernel instead of the fastest that the machine can run. The links are the same.
    #[must_use]
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// Makes link ids and study ids from this seed instead of the operating system's randomness, so that the same cohorts
    /// give the same bytes again. Whoever knows the seed can join the owners' tables: keep it as you keep the links.
    #[must_use]
    pub fn seed(mut self, seed: [u8; 32]) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Calls this now and then while pairs are compared, from any thread.
    #[must_use]
    pub fn progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(report));
        self
    }

    /// Links two cohorts or more: pairwise, then joined into clusters.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for fewer than two cohorts; [`ErrorKind::Mismatch`] where a cohort was made under another
    /// schema or key, or one cohort is there twice; [`ErrorKind::Expired`] where the schema has expired.
    pub fn link(&self, cohorts: &[&Cohort]) -> Result<Links> {
        if cohorts.len() < 2 {
            return Err(Error::argument(
                "linkage needs at least two cohorts; to find duplicates in one, deduplicate it",
            ));
        }
        self.check(cohorts)?;
        let pairs: Vec<(usize, usize)> =
            (0..cohorts.len()).flat_map(|i| (i + 1..cohorts.len()).map(move |j| (i, j))).collect();
        let total = pairs.iter().map(|&(i, j)| cohorts[i].rows() as u64 * cohorts[j].rows() as u64).sum();
        let meter = Meter::new(self.progress.as_deref(), total);
        let mut scored = Vec::new();
        for (i, j) in pairs {
            scored.push(((i, j), self.score_two(cohorts[i], cohorts[j], &meter)));
        }
        self.links(cohorts, scored)
    }

    /// Finds the records of one cohort that are the same person: every pair that reaches the threshold, joined into
    /// clusters.
    ///
    /// # Errors
    /// As [`link`](Self::link).
    pub fn deduplicate(&self, cohort: &Cohort) -> Result<Links> {
        self.check(&[cohort])?;
        let scored = self.score_one(cohort, &self.meter_within(cohort));
        self.links(&[cohort], vec![((0, 0), scored)])
    }

    /// Scores two cohorts and estimates a threshold, without deciding.
    ///
    /// # Errors
    /// As [`link`](Self::link).
    pub fn score(&self, a: &Cohort, b: &Cohort) -> Result<ScoredPairs> {
        self.check(&[a, b])?;
        let meter = Meter::new(self.progress.as_deref(), a.rows() as u64 * b.rows() as u64);
        Ok(self.score_two(a, b, &meter))
    }

    /// Scores the pairs inside one cohort and estimates a threshold, without deciding.
    ///
    /// # Errors
    /// As [`link`](Self::link).
    pub fn score_within(&self, cohort: &Cohort) -> Result<ScoredPairs> {
        self.check(&[cohort])?;
        Ok(self.score_one(cohort, &self.meter_within(cohort)))
    }

    fn meter_within(&self, cohort: &Cohort) -> Meter<'_> {
        let rows = cohort.rows() as u64;
        Meter::new(self.progress.as_deref(), rows * rows.saturating_sub(1) / 2)
    }

    fn check(&self, cohorts: &[&Cohort]) -> Result<()> {
        self.schema.check_expiry(Date::today())?;
        let mismatch = |problem: String| Err(ErrorKind::Mismatch { problem }.into());
        for (i, cohort) in cohorts.iter().enumerate() {
            cohort.check_schema(&self.schema)?;
            for other in &cohorts[..i] {
                let (one, two) = (other.manifest(), cohort.manifest());
                if one.sha256 == two.sha256 || one.party == two.party {
                    return mismatch(format!("the cohort of {} is there twice", two.party));
                }
                if one.key_check != two.key_check {
                    return mismatch(format!(
                        "{} and {} used different keys (key check values {} and {}); encode again with one key",
                        one.party, two.party, one.key_check, two.key_check
                    ));
                }
                // Two owners with one seed, or one file under two names.
                let (few, many) = if cohort.rows() < other.rows() { (cohort, other) } else { (other, cohort) };
                let ids: std::collections::HashSet<_> = few.row_ids().iter().collect();
                if many.row_ids().iter().any(|id| ids.contains(id)) {
                    return mismatch(format!("{} and {} share row ids; they must be made anew", one.party, two.party));
                }
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Linker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linker")
            .field("fingerprint", &self.schema.fingerprint())
            .field("kernel", &self.kernel)
            .finish_non_exhaustive()
    }
}

/// Counts pairs and calls the caller back about a thousand times in a run.
struct Meter<'a> {
    report: Option<&'a (dyn Fn(Progress) + Send + Sync)>,
    done: AtomicU64,
    total: u64,
}

impl<'a> Meter<'a> {
    fn new(report: Option<&'a (dyn Fn(Progress) + Send + Sync)>, total: u64) -> Self {
        Meter { report, done: AtomicU64::new(0), total }
    }

    /// For runs beside the main one.
    fn silent() -> Self {
        Meter::new(None, 0)
    }

    fn add(&self, pairs: u64) {
        let Some(report) = self.report else { return };
        let before = self.done.fetch_add(pairs, Ordering::Relaxed);
        let done = before + pairs;
        let step = (self.total / 1000).max(1);
        if before / step != done / step || done == self.total {
            report(Progress { done, total: self.total });
        }
    }
}
