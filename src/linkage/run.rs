//! What long runs have in common: progress, cancellation, and a place for what is done.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use super::checkpoint::Place;
use crate::error::{ErrorKind, Result};

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Pairs of rows that have been compared, those of an earlier run that is being continued included.
    pub done: u64,
    /// All pairs that will be, over all pairs of cohorts.
    pub total: u64,
    /// Of the pairs done, those that this run did not have to compare, since an earlier one had.
    pub resumed: u64,
    /// How long this run has been at it.
    pub elapsed: Duration,
}

impl Progress {
    /// Pairs a second, over this run.
    #[must_use]
    pub fn rate(&self) -> f64 {
        (self.done - self.resumed) as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// How long the rest will take at this rate. `None` before anything is done.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let seconds = (self.total.saturating_sub(self.done)) as f64 / self.rate();
        Duration::try_from_secs_f64(seconds).ok().filter(|_| self.done > self.resumed)
    }
}

/// A way to stop a run from another thread. Clones stop the same run.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Not cancelled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop. It does so within about a second, with [`ErrorKind::Cancelled`].
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether that was asked.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(ErrorKind::Cancelled.into()) } else { Ok(()) }
    }
}

/// Who is told how far a run is.
pub(super) type Report = Arc<dyn Fn(Progress) + Send + Sync>;

/// Counts pairs and calls the caller back about a thousand times in a run.
pub(super) struct Meter<'a> {
    report: Option<&'a (dyn Fn(Progress) + Send + Sync)>,
    done: AtomicU64,
    resumed: AtomicU64,
    total: u64,
    start: Instant,
}

impl<'a> Meter<'a> {
    pub(super) fn new(report: Option<&'a Report>, total: u64) -> Self {
        let (done, resumed) = (AtomicU64::new(0), AtomicU64::new(0));
        Meter { report: report.map(|report| &**report), done, resumed, total, start: Instant::now() }
    }

    /// Pairs that were compared.
    pub(super) fn add(&self, pairs: u64) {
        let Some(report) = self.report else { return };
        let before = self.done.fetch_add(pairs, Ordering::Relaxed);
        let done = before + pairs;
        let step = (self.total / 1000).max(1);
        if before / step != done / step || done == self.total {
            let resumed = self.resumed.load(Ordering::Relaxed);
            report(Progress { done, total: self.total, resumed, elapsed: self.start.elapsed() });
        }
    }

    /// Pairs that an earlier run compared.
    pub(super) fn resume(&self, pairs: u64) {
        self.resumed.fetch_add(pairs, Ordering::Relaxed);
        self.add(pairs);
    }
}

/// What a comparison of all pairs has around it.
pub(super) struct Stage<'a> {
    pub(super) meter: &'a Meter<'a>,
    pub(super) cancel: &'a Cancel,
    /// Where its state is kept.
    pub(super) place: Option<Place<'a>>,
}

impl<'a> Stage<'a> {
    /// A stage beside this one: its pairs are not counted.
    pub(super) fn beside(&self, name: &str) -> Stage<'a> {
        let place =
            self.place.as_ref().map(|place| Place { stage: format!("{}-{name}", place.stage), ..place.clone() });
        Stage { meter: &SILENT, cancel: self.cancel, place }
    }
}

static SILENT: LazyLock<Meter<'static>> = LazyLock::new(|| Meter::new(None, 0));
