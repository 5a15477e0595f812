//! blocklib's blocking schema: what it may say, and what is done when it says it.

use std::fmt;

/// A blocking schema of blocklib 0.1.11: sound by construction.
///
/// `{"type": "p-sig" | "lambda-fold", "version": 1, "config": {…}}`. It holds no secret; all parties need the same one,
/// except for where their columns are.
#[derive(Clone, Debug)]
pub struct BlockingSchema {
    pub(super) method: Method,
    /// Whether `blocking-features` are names: then a header is needed.
    pub(super) by_name: bool,
    pub(super) features: Vec<Column>,
    /// The column of a record's id; `None`: its row, from 0.
    pub(super) record_id: Option<Column>,
    /// The text that stands for a missing value; `None`: no text does.
    pub(super) null: Option<String>,
    pub(super) surprises: Vec<BlockingSurprise>,
    /// The `config` as it was written.
    pub(super) source: serde_json::Value,
}

/// Something that blocklib does without saying so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockingSurprise {
    /// Where in the schema, as a JSON path: `config.signatureSpecs[0][1].feature`.
    pub path: String,
    /// What is done.
    pub message: String,
}

/// How blocks are made.
#[derive(Clone, Debug)]
pub(super) enum Method {
    PSig(PSig),
    LambdaFold(LambdaFold),
}

/// Blocks of records that share a signature (Zhang et al., arXiv 1712.09691).
#[derive(Clone, Debug)]
pub(super) struct PSig {
    pub(super) filter: Filter,
    /// Positions of a signature in the filter. Compatibility mode only.
    pub(super) hashes: u64,
    /// Length of the filter in bits. Compatibility mode only.
    pub(super) bits: u64,
    /// Each makes at most one signature of a record.
    pub(super) strategies: Vec<Vec<Part>>,
}

/// How many records of a party a block may have; both ends are allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Filter {
    /// In parts of all records.
    Ratio {
        least: f64,
        most: f64,
    },
    Count {
        least: u64,
        most: u64,
    },
}

/// A part of a signature.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) feature: Column,
    pub(super) take: Take,
}

/// A column, counted from 0; from the end where it is below 0, as in Python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Index(i64),
    Name(String),
}

/// What is taken of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Take {
    Value,
    Characters(Vec<Position>),
    Metaphone,
}

/// Characters of a value, counted from 0; from the end where a number is below 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    At(i64),
    Slice(Option<i64>, Option<i64>),
}

/// Blocks of records whose filters agree in sampled bits (Karapiperis & Verykios 2015).
#[derive(Clone, Debug)]
pub(super) struct LambdaFold {
    /// Λ.
    pub(super) tables: usize,
    /// K.
    pub(super) sampled: usize,
    /// Length of a filter; not used where the input is CLKs.
    pub(super) bits: u64,
    pub(super) hashes: u64,
    pub(super) random_state: u64,
    pub(super) input_clks: bool,
}

impl BlockingSchema {
    /// Where blocklib does, and we follow it to, what the schema's author may not have meant.
    #[must_use]
    pub fn surprises(&self) -> &[BlockingSurprise] {
        &self.surprises
    }

    /// `p-sig` or `lambda-fold`.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self.method {
            Method::PSig(_) => "p-sig",
            Method::LambdaFold(_) => "lambda-fold",
        }
    }

    /// Whether it blocks CLKs, and not people.
    #[must_use]
    pub fn blocks_clks(&self) -> bool {
        matches!(&self.method, Method::LambdaFold(LambdaFold { input_clks: true, .. }))
    }

    /// Whether the columns have names, so that rows need a header.
    #[must_use]
    pub fn needs_header(&self) -> bool {
        self.by_name
    }
}

impl fmt::Display for BlockingSurprise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}
