//! A public list of names, invented too: what [`Encoder::rarity`](crate::Encoder::rarity) asks for, without anybody's data.

use std::collections::BTreeMap;
use std::path::Path;

use super::names::built_in_counts;
use crate::Result;
use crate::file::{Access, write_csv};

/// A list of names with how many people bear each, from the tables in here, of all origins by their shares.
///
/// As with real lists, rare names are not in it. Counts are of ten million people, those with rare names among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameList {
    counts: BTreeMap<String, u64>,
}

impl NameList {
    /// Surnames.
    #[must_use]
    pub fn surnames() -> Self {
        NameList { counts: built_in_counts().0 }
    }

    /// Forenames of girls and boys of all years in equal parts.
    #[must_use]
    pub fn forenames() -> Self {
        NameList { counts: built_in_counts().1 }
    }

    /// The names in the order of their letters, each with how many people bear it; never 0.
    pub fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts.iter().map(|(name, &count)| (name.as_str(), count))
    }

    /// Writes the list: a header `name,count`, then its rows. The file appears whole, or not at all.
    ///
    /// # Errors
    /// When the file cannot be created, written or renamed.
    pub fn write_csv(&self, path: &Path) -> Result<()> {
        let rows = self.counts().map(|(name, count)| [name.to_owned(), count.to_string()]);
        write_csv(path, Access::Default, ["name", "count"], rows)
    }
}
