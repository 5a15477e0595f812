//! One error type for the whole crate.
//!
//! An error names the file, the row and the field, and says what is wrong with them. It never carries a value that was
//! read from a record: identifiers must not travel into logs. Messages quoted from other libraries are reduced to their
//! kind and position for the same reason.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How many single problems one error prints; the rest are counted.
pub(crate) const PROBLEMS_SHOWN: usize = 20;

/// What went wrong, one word wide. See [`Error::kind`].
pub struct Error(Box<ErrorKind>);

/// The kinds of [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file could not be read, written, created or renamed.
    Io {
        /// The file.
        path: PathBuf,
        /// What was being done, as a verb: "read", "write", "create", "rename".
        action: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// A schema is unsound. All problems found in one pass are listed.
    Schema {
        /// The file, where the schema came from one.
        path: Option<PathBuf>,
        /// Every problem, in the order of the lines.
        problems: Vec<SchemaProblem>,
    },
    /// The schema's `expires` date has passed.
    Expired {
        /// The project's id.
        project: String,
        /// The last day on which the schema may be used, `YYYY-MM-DD`.
        expires: String,
    },
    /// A key file cannot be used.
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; never any part of the key.
        problem: String,
    },
    /// A data file as a whole cannot be read: no header, a missing column, and the like.
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, naming columns but no values.
        problem: String,
    },
    /// Single rows of a data file cannot be read.
    Rows {
        /// The file, where the rows came from one.
        path: Option<PathBuf>,
        /// The first problems, in row order; at most [`ROW_PROBLEMS_KEPT`].
        problems: Vec<RowProblem>,
        /// How many problems there are in all.
        total: u64,
    },
    /// A cohort file does not hold what it must.
    Cohort {
        /// The file, where the cohort came from one.
        path: Option<PathBuf>,
        /// The row (from 1), where one row is at fault.
        row: Option<u64>,
        /// What is wrong; never the content.
        problem: String,
    },
    /// Cohorts that must not meet: other schema, other key, one cohort twice, …
    Mismatch {
        /// What does not agree, naming the parties.
        problem: String,
    },
    /// The audit failed, and the schema gives no reason to accept that: the file is not released.
    Refused {
        /// The ids of the gates that failed: see the risk report.
        gates: Vec<String>,
    },
    /// The run was cancelled by the caller.
    Cancelled,
    /// A caller's argument is out of range.
    Argument {
        /// Which argument, and what it must be.
        problem: String,
    },
}

/// How many [`RowProblem`]s an error keeps; the rest are only counted.
pub const ROW_PROBLEMS_KEPT: usize = 1000;

/// One problem in a schema.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaProblem {
    /// The line of the file, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// The key, dotted: `encoding[1].fields.surname`.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// One problem in one row of a data file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowProblem {
    /// The data row, from 1; the header is not counted.
    pub row: u64,
    /// The line of the file on which the row begins, from 1; 0 where the row did not come from a file.
    pub line: u64,
    /// The schema's name of the field; empty where the whole row is meant.
    pub field: String,
    /// What is wrong; never the value.
    pub problem: &'static str,
}

impl Error {
    /// What went wrong, with its parts.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// The kind by value.
    #[must_use]
    pub fn into_kind(self) -> ErrorKind {
        *self.0
    }

    pub(crate) fn io(path: &Path, action: &'static str, source: io::Error) -> Self {
        ErrorKind::Io { path: path.to_owned(), action, source }.into()
    }

    pub(crate) fn file(path: &Path, problem: impl Into<String>) -> Self {
        ErrorKind::File { path: path.to_owned(), problem: problem.into() }.into()
    }

    pub(crate) fn cohort(problem: impl Into<String>) -> Self {
        ErrorKind::Cohort { path: None, row: None, problem: problem.into() }.into()
    }

    pub(crate) fn cohort_row(row: u64, problem: impl Into<String>) -> Self {
        ErrorKind::Cohort { path: None, row: Some(row), problem: problem.into() }.into()
    }

    pub(crate) fn argument(problem: impl Into<String>) -> Self {
        ErrorKind::Argument { problem: problem.into() }.into()
    }

    /// Names the file in an error that was made where only its content was known (a schema from text, records that were
    /// read before).
    #[must_use]
    pub fn in_file(mut self, file: &Path) -> Self {
        match &mut *self.0 {
            ErrorKind::Schema { path, .. } | ErrorKind::Rows { path, .. } | ErrorKind::Cohort { path, .. } => {
                *path = Some(file.to_owned());
            }
            _ => {}
        }
        self
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error(Box::new(kind))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            ErrorKind::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            ErrorKind::Io { path, action, source } => write!(f, "{}: cannot {action}: {source}", path.display()),
            ErrorKind::Schema { path, problems } => {
                let file = path.as_deref().map_or_else(|| "schema".into(), |p| p.display().to_string());
                write!(f, "{file}: {}", count(problems.len() as u64, "problem"))?;
                for problem in problems.iter().take(PROBLEMS_SHOWN) {
                    write!(f, "\n  {problem}")?;
                }
                and_more(f, problems.len() as u64)
            }
            ErrorKind::Expired { project, expires } => {
                write!(f, "project {project}: the schema expired on {expires}; agree a new one before any more linkage")
            }
            ErrorKind::Key { path, problem } | ErrorKind::File { path, problem } => {
                write!(f, "{}: {problem}", path.display())
            }
            ErrorKind::Rows { path, problems, total } => {
                let file = path.as_deref().map_or_else(|| "records".into(), |p| p.display().to_string());
                write!(f, "{file}: {}", count(*total, "problem"))?;
                for problem in problems.iter().take(PROBLEMS_SHOWN) {
                    write!(f, "\n  {problem}")?;
                }
                and_more(f, *total)
            }
            ErrorKind::Cohort { path, row, problem } => {
                if let Some(path) = path {
                    write!(f, "{}: ", path.display())?;
                }
                if let Some(row) = row {
                    write!(f, "row {row}: ")?;
                }
                f.write_str(problem)
            }
            ErrorKind::Refused { gates } => write!(
                f,
                "not released: the audit failed at {}. The risk report says what to do; a schema may accept the risk with a \
                 reason (accept_risk), which all parties then sign",
                gates.join(", ")
            ),
            ErrorKind::Cancelled => f.write_str("cancelled"),
            ErrorKind::Mismatch { problem } | ErrorKind::Argument { problem } => f.write_str(problem),
        }
    }
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}", self.row)?;
        if self.line > 0 {
            write!(f, " (line {})", self.line)?;
        }
        if !self.field.is_empty() {
            write!(f, ", {}", self.field)?;
        }
        write!(f, ": {}", self.problem)
    }
}

fn count(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

fn and_more(f: &mut fmt::Formatter<'_>, total: u64) -> fmt::Result {
    match total.saturating_sub(PROBLEMS_SHOWN as u64) {
        0 => Ok(()),
        more => write!(f, "\n  … and {more} more"),
    }
}
