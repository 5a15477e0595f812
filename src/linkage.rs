//! The linkage unit's side: cohorts in, links out. This half of the crate holds no key and cannot be made to.
//!
//! Every pair of rows is scored, every encoding in one pass; the best partners of each row are looked at closely; a
//! threshold is estimated without labels or taken from the schema; links are assigned; and every owner gets a table of
//! its own.

mod assign;
mod candidates;
mod checkpoint;
mod compare;
pub mod counts;
mod decide;
mod distinct;
mod files;
mod groups;
pub mod index;
mod links;
mod model;
mod patterns;
mod plan;
mod report;
mod run;
mod scale;
pub mod score;
mod search;
mod summary;
mod suppress;

use std::sync::Arc;

use sha2::{Digest, Sha256};

#[cfg(feature = "optimal")]
pub use self::assign::MOST_CELLS;
pub use self::assign::constraints::Constraints;
use self::assign::constraints::Rules;
pub use self::assign::{Assigned, Candidate, Solver, assign};
pub use self::candidates::{
    Blocking, Blocks, Candidates, Lsh, MOST_KEY_BITS, MOST_PAIRS, MOST_TABLES, MatchKeys, Proposed, Sampling,
};
pub use self::checkpoint::Checkpoint;
use self::checkpoint::Place;
pub use self::distinct::{Distinct, DistinctEstimate, Trial};
pub use self::groups::{Groups, MOST_GROUPS, MatchRate};
pub use self::index::{Ask, EncodedRecord, Hit, Index, IndexModel};
pub use self::links::{Cluster, Link, LinkId, Links, Member, Reason};
pub use self::model::{Completeness, Histogram, LevelWeight, Model, Uncertain, Weights};
pub use self::patterns::LevelPatterns;
pub use self::plan::{Estimate, LshPlan, Plan};
pub use self::report::Report;
pub use self::run::{Cancel, Progress};
use self::run::{Meter, Stage};
pub use self::score::{Kernel, Measure, Ratio};
pub use self::search::{Pair, Search, Searched};
pub use self::summary::{BINS, Origin, PairSummary, Summary};
pub use self::suppress::Counted;
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
    progress: Option<run::Report>,
    cancel: Cancel,
    checkpoint: Option<Checkpoint>,
    candidates: Candidates,
    solver: Solver,
    known: Constraints,
    forbidden: Constraints,
    least_weight: f32,
}

/// The candidates of two cohorts with their scores, before anything is decided: for the choice of a threshold, and for
/// evaluation. [`assign`] makes links of them.
#[derive(Clone, Debug)]
pub struct ScoredPairs {
    /// Best first; ties in the order of rows.
    pub candidates: Vec<Candidate>,
    /// How many of all pairs are at which levels; empty where no encodings were compared.
    pub patterns: LevelPatterns,
    /// The score from which a pair counts as a link: the schema's; or, where that is automatic, 0: scores are match weights in
    /// bits then, log2 of the odds that a pair is one person, and at 0 it is as likely as not.
    pub threshold: f32,
    /// The share of the links at the threshold that are expected to be right, where it is automatic; `docs/deciding.md` says
    /// how far it was from the truth.
    pub expected_precision: Option<f32>,
    /// What was learned, where the threshold was not set by hand.
    pub model: Option<Model>,
    /// Where not all pairs were compared: how candidates were found. Then `patterns` are estimated from a sample of pairs.
    pub blocking: Option<Blocking>,
}

impl Linker {
    /// A linker for the cohorts of a schema.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        Linker {
            schema: schema.clone(),
            kernel: Kernel::detect(),
            seed: None,
            progress: None,
            cancel: Cancel::new(),
            checkpoint: None,
            candidates: Candidates::All,
            least_weight: 0.0,
            solver: Solver::default(),
            known: Constraints::new(),
            forbidden: Constraints::new(),
        }
    }

    /// Scores these candidates only, instead of all pairs: for cohorts so large that all pairs take too long.
    ///
    /// Pairs that are no candidates are missed: how many that may be is computed ([`Lsh::recall`]) and in the
    /// [`Summary`]. Candidates are scored in all encodings, and the threshold is estimated, as they are among all pairs;
    /// what strangers inside a file look like is learned from the candidates inside it, found in the same way, and how all
    /// pairs spread over the levels from a random sample of a million of them, with the same seed every time. A
    /// [checkpoint](Self::checkpoint) keeps the ids, but a run begins anew; it can be [cancelled](Self::cancel) between two
    /// tables.
    #[must_use]
    pub fn candidates(mut self, candidates: Candidates) -> Self {
        self.candidates = candidates;
        self
    }

    /// Links pairs from this match weight on, in bits, where the schema's threshold is automatic, instead of from 0, where a pair
    /// is as likely as not one person: 5 asks for odds of 32 to 1, −1 is content with 1 to 2. It does not matter where scores
    /// are no match weights: with a threshold in the schema, and for duplicates in one file of diffused encodings.
    #[must_use]
    pub fn least_weight(mut self, bits: f32) -> Self {
        self.least_weight = bits;
        self
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

    /// Stops when this is cancelled: within about a second, with [`ErrorKind::Cancelled`].
    #[must_use]
    pub fn cancel(mut self, cancel: &Cancel) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// Keeps what is done in a folder, so that a run that was stopped or killed can go on: the same call with the same
    /// cohorts continues it and gives the same links, with the same ids.
    #[must_use]
    pub fn checkpoint(mut self, checkpoint: Checkpoint) -> Self {
        self.checkpoint = Some(checkpoint);
        self
    }

    /// Chooses partners with this solver instead of greedily, where a row may have only one.
    #[must_use]
    pub fn solver(mut self, solver: Solver) -> Self {
        self.solver = solver;
        self
    }

    /// Links these pairs whatever their scores, before all others ([`Reason::Known`]). One that was no candidate gets the
    /// threshold for a score, and where nothing was found to be a threshold, 0. [`score`](Self::score) knows nothing of them.
    #[must_use]
    pub fn known(mut self, known: Constraints) -> Self {
        self.known = known;
        self
    }

    /// Does not link these pairs, nor put them into one cluster by way of others.
    #[must_use]
    pub fn forbidden(mut self, forbidden: Constraints) -> Self {
        self.forbidden = forbidden;
        self
    }

    /// Links two cohorts or more: pairwise, then joined into [clusters](Links::clusters).
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for fewer than two cohorts; [`ErrorKind::Mismatch`] where a cohort was made under another
    /// schema or key, or one cohort is there twice; [`ErrorKind::Expired`] where the schema has expired;
    /// [`ErrorKind::Rows`] where [known](Self::known) or [forbidden](Self::forbidden) pairs name a party or row that is not
    /// there, two rows of one party (known ones), or contradict each other or the schema's assignment.
    pub fn link(&self, cohorts: &[&Cohort]) -> Result<Links> {
        if cohorts.len() < 2 {
            return Err(Error::argument(
                "linkage needs at least two cohorts; to find duplicates in one, deduplicate it",
            ));
        }
        self.check(cohorts)?;
        let rules = Rules::new(&self.known, &self.forbidden, cohorts, self.schema.linkage().assignment())?;
        let pairs: Vec<(usize, usize)> =
            (0..cohorts.len()).flat_map(|i| (i + 1..cohorts.len()).map(move |j| (i, j))).collect();
        let total = pairs.iter().map(|&(i, j)| cohorts[i].rows() as u64 * cohorts[j].rows() as u64).sum();
        let meter = Meter::new(self.progress.as_ref(), total);
        let mut scored = Vec::new();
        for (i, j) in pairs {
            let stage = self.stage(&meter, &format!("pair-{i}-{j}"), &[cohorts[i], cohorts[j]]);
            scored.push(((i, j), self.score_two(cohorts[i], cohorts[j], &stage)?));
        }
        self.links(cohorts, &rules, scored)
    }

    /// Finds the records of one cohort that are the same person: pairs that reach the threshold, joined into
    /// [clusters](Links::clusters). A pair whose rows are in different clusters is not among the links.
    ///
    /// # Errors
    /// As [`link`](Self::link).
    pub fn deduplicate(&self, cohort: &Cohort) -> Result<Links> {
        self.check(&[cohort])?;
        let rules = Rules::new(&self.known, &self.forbidden, &[cohort], self.schema.linkage().assignment())?;
        let scored = self.score_within(cohort)?;
        self.links(&[cohort], &rules, vec![((0, 0), scored)])
    }

    /// Scores two cohorts and estimates a threshold, without deciding.
    ///
    /// # Errors
    /// As [`link`](Self::link).
    pub fn score(&self, a: &Cohort, b: &Cohort) -> Result<ScoredPairs> {
        self.check(&[a, b])?;
        let meter = Meter::new(self.progress.as_ref(), a.rows() as u64 * b.rows() as u64);
        self.score_two(a, b, &self.stage(&meter, "pair", &[a, b]))
    }

    /// Scores the pairs inside one cohort and estimates a threshold, without deciding.
    ///
    /// # Errors
    /// As [`link`](Self::link).
    pub fn score_within(&self, cohort: &Cohort) -> Result<ScoredPairs> {
        self.check(&[cohort])?;
        let rows = cohort.rows() as u64;
        let meter = Meter::new(self.progress.as_ref(), rows * rows.saturating_sub(1) / 2);
        self.score_one(cohort, &self.stage(&meter, "within", &[cohort]))
    }

    fn stage<'a>(&'a self, meter: &'a Meter<'a>, name: &str, cohorts: &[&Cohort]) -> Stage<'a> {
        let mut context = Sha256::new();
        for part in [self.schema.fingerprint()]
            .into_iter()
            .chain(cohorts.iter().map(|cohort| cohort.manifest().sha256.as_str()))
        {
            context.update(part);
        }
        let place = |checkpoint| Place { checkpoint, stage: name.to_owned(), context };
        Stage { meter, cancel: &self.cancel, place: self.checkpoint.as_ref().map(place) }
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
