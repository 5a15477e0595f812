//! Results as JSON, in the forms of anonlink's entity service.

use std::io::{self, Write};
use std::path::Path;

use super::pairs::CandidatePairs;
use super::solve::Group;
use crate::error::Result;
use crate::file::{Access, write};

/// Writes groups to a file, whole or not at all, as the entity service gives them, byte for byte what Python's `json.dumps`
/// makes of them: `{"groups": [[[0, 3], [1, 5]], [[0, 4], [1, 0], [2, 7]]]}`, each record as its dataset and row.
///
/// (anonlink-client's `find-similarity` writes the list alone, without the key and indented.)
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io).
pub fn write_groups(groups: &[Group], path: impl AsRef<Path>) -> Result<()> {
    list(path.as_ref(), "groups", groups, |group, out| {
        for (i, (dataset, row)) in group.iter().enumerate() {
            let before = if i == 0 { "[" } else { ", " };
            write!(out, "{before}[{dataset}, {row}]")?;
        }
        out.write_all(b"]")
    })
}

/// Writes candidate pairs to a file, whole or not at all, as the entity service gives them to projects with the result
/// type `similarity_scores`: `{"similarity_scores": [[[0, 3], [1, 5], 0.875], …]}`, the best first.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io).
pub fn write_similarity_scores(pairs: &CandidatePairs, path: impl AsRef<Path>) -> Result<()> {
    list(path.as_ref(), "similarity_scores", pairs.pairs(), |pair, out| {
        let [(dataset, row), (other, other_row)] = pair.records();
        write!(out, "[[{dataset}, {row}], [{other}, {other_row}], {:?}]", pair.similarity)
    })
}

fn list<T>(path: &Path, key: &str, items: &[T], form: impl Fn(&T, &mut dyn Write) -> io::Result<()>) -> Result<()> {
    write(path, Access::Default, |out| {
        write!(out, "{{\"{key}\": [")?;
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                out.write_all(b", ")?;
            }
            form(item, out)?;
        }
        out.write_all(b"]}")
    })
}
