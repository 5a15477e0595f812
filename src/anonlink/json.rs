//! Results as JSON, in the forms of anonlink-client and of the entity service.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

use super::pairs::CandidatePairs;
use super::solve::Group;
use crate::error::Result;
use crate::file::{Access, write};

/// Writes groups to a file, whole or not at all, as anonlink-client's `find-similarity` does, byte for byte: a list of groups, of
/// which each record is its dataset and row, `[[[0, 3], [1, 5]], [[0, 4], [1, 0], [2, 7]]]`, indented by four spaces.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io).
pub fn write_groups(groups: &[Group], path: impl AsRef<Path>) -> Result<()> {
    write(path.as_ref(), Access::Default, |out| {
        let form = PrettyFormatter::with_indent(b"    ");
        groups.serialize(&mut Serializer::with_formatter(out, form)).map_err(io::Error::from)
    })
}

/// Writes candidate pairs to a file, whole or not at all, as the entity service gives them to projects with the result
/// type `similarity_scores`: `{"similarity_scores": [[[0, 3], [1, 5], 0.875], …]}`, the best first.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io).
pub fn write_similarity_scores(pairs: &CandidatePairs, path: impl AsRef<Path>) -> Result<()> {
    write(path.as_ref(), Access::Default, |out| {
        out.write_all(b"{\"similarity_scores\": [")?;
        for (i, pair) in pairs.pairs().iter().enumerate() {
            let [(dataset, row), (other, other_row)] = pair.records();
            let before = if i == 0 { "" } else { ", " };
            write!(out, "{before}[[{dataset}, {row}], [{other}, {other_row}], {:?}]", pair.similarity)?;
        }
        out.write_all(b"]}")
    })
}
