//! What an analyst sees of a linkage: counts, estimates and charts, and nothing of any row.
//!
//! * `figures`: what is shown, suppressed before anything is written. Nothing else is in a [`Report`].
//! * `html`: the page; its charts are drawn by `page::chart`.

mod figures;
mod html;

use std::fmt;
use std::io::Write;
use std::path::Path;

use serde::Serialize;

use self::figures::{About, Groups, Pair, Party};
use super::links::Links;
use super::suppress::Counted;
use super::{groups, summary::Summary};
use crate::error::Result;
use crate::file::{self, Access};

/// A report on a linkage for those who use it: one HTML page with charts, or the same figures as JSON.
///
/// It shows no row, and no id of one. Counts above 0 and below the schema's `suppress_below` are not shown and cannot be
/// worked out from others; those in histograms are rounded. The same links give the same bytes. Recall is not in it, since
/// nobody knows it without labels.
#[derive(Clone, Serialize)]
pub struct Report {
    about: About,
    parties: Vec<Party>,
    clusters: Vec<(usize, Counted)>,
    pairs: Vec<Pair>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<Groups>,
}

impl Links {
    /// What there is to be said of the links without showing any.
    #[must_use]
    pub fn report(&self) -> Report {
        let Summary { parties, pairs, clusters, .. } = self.summary();
        Report {
            about: About::new(self),
            parties: parties.into_iter().enumerate().map(|(cohort, party)| Party::new(self, cohort, party)).collect(),
            clusters: clusters.into_iter().collect(),
            pairs: self.thresholds.iter().zip(pairs).map(|(decided, pair)| Pair::new(self, decided, pair)).collect(),
            groups: Vec::new(),
        }
    }
}

impl Report {
    /// Adds how often the rows of each of a party's groups are linked; see [`Links::match_rates`].
    ///
    /// # Errors
    /// As [`Links::match_rates`].
    pub fn with_groups(mut self, links: &Links, party: &str, groups: &groups::Groups) -> Result<Self> {
        let rates = links.match_rates(party, groups)?;
        self.groups.push(Groups { party: party.to_owned(), rates });
        Ok(self)
    }

    /// One page of HTML, whole in itself: it has its charts in it, fetches nothing and runs nothing.
    #[must_use]
    pub fn to_html(&self) -> String {
        html::page(self)
    }

    /// The figures as JSON. A number that is not shown is a text, such as `"<10"`.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists only: there is nothing that could not be written.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Writes [`to_html`](Self::to_html) to a file, whole or not at all.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write_html(&self, path: impl AsRef<Path>) -> Result<()> {
        file::write(path.as_ref(), Access::Default, |out| out.write_all(self.to_html().as_bytes()))
    }
}

/// Which parties; the rest is for [`Report::to_html`].
impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parties.iter().map(|party| &party.name)).finish()
    }
}
