//! A gate: one figure of an audit, what it must not exceed, and whether it holds.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a gate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// The verdict is "fail" where it fails.
    Must,
    /// Said in the report; the verdict does not depend on it.
    Warning,
    /// A figure without a limit.
    Information,
}

/// One figure of an audit. It holds counts and shares, and no value of a record.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Gate {
    /// Which check: `A0` to `A10`, and where a check has several figures what tells them apart: `A5.likelihood.known-6000`.
    pub id: String,
    /// What the figure is, in a line for somebody who is no statistician.
    pub title: String,
    /// The figure.
    pub value: f64,
    /// What it must not exceed; `None` for information.
    pub limit: Option<f64>,
    /// Whether it is not above the limit.
    pub passed: bool,
    /// Whether the verdict depends on it.
    pub weight: Weight,
    /// What else is to be known: counts, intervals, a reason in words.
    pub details: BTreeMap<String, serde_json::Value>,
}

impl Gate {
    /// A gate of this weight; information has no limit.
    pub(super) fn of(weight: Weight, id: impl Into<String>, title: impl Into<String>, value: f64, limit: f64) -> Self {
        let limit = (weight != Weight::Information).then_some(limit);
        // A figure that is no number has not been measured, and holds nothing.
        let passed = limit.is_none_or(|limit| value <= limit);
        Gate { id: id.into(), title: title.into(), value, limit, passed, weight, details: BTreeMap::new() }
    }

    /// A gate that must hold.
    pub(super) fn must(id: impl Into<String>, title: impl Into<String>, value: f64, limit: f64) -> Self {
        Self::of(Weight::Must, id, title, value, limit)
    }

    /// A gate that only warns.
    pub(super) fn warning(id: impl Into<String>, title: impl Into<String>, value: f64, limit: f64) -> Self {
        Self::of(Weight::Warning, id, title, value, limit)
    }

    /// A figure without a limit.
    pub(super) fn information(id: impl Into<String>, title: impl Into<String>, value: f64) -> Self {
        Self::of(Weight::Information, id, title, value, f64::INFINITY)
    }

    /// Adds a detail.
    #[must_use]
    pub(super) fn with(mut self, name: &str, detail: impl Into<serde_json::Value>) -> Self {
        self.details.insert(name.to_owned(), detail.into());
        self
    }
}
