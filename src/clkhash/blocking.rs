//! blocklib's blocking: which records of other parties a record is compared with at all.
//!
//! Two ways, from blocklib's own schemas: **P-Sig**, where records share a block that share a signature (pieces of their
//! values), and **lambda-fold**, where those share one whose filters agree in sampled bits.
//!
//! The ids of blocks are **keyed**: HMAC-SHA256 under a key that owners share and the linkage unit does not hold.
//! blocklib's own have no key, so that everybody can try names against them; they are made in
//! [compatibility mode](BlockIds::compatible) only, for a reason that travels in the file. `docs/blocking.md` says what
//! blocks give away either way.
//!
//! ```
//! use pprl::ProjectKey;
//! use pprl::clkhash::blocking::{BlockIds, BlockKey, BlockingSchema};
//!
//! # fn main() -> pprl::Result<()> {
//! let schema = BlockingSchema::from_json(r#"{"type": "p-sig", "version": 1, "config": {
//!     "blocking-features": [0, 1],
//!     "filter": {"type": "count", "min": 1, "max": 100},
//!     "blocking-filter": {"type": "bloom filter", "number-hash-functions": 4, "bf-len": 2048},
//!     "signatureSpecs": [[{"type": "metaphone", "feature": 0}, {"type": "feature-value", "feature": 1}]]}}"#)?;
//! let ids = BlockIds::keyed(BlockKey::from_project(&ProjectKey::generate()?, "demo-2026"));
//! let rows = [["Catherine", "1984"], ["Katherine", "1984"], ["Tom", "1990"]];
//! let blocked = schema.block(&ids, None, &rows)?;
//! assert_eq!(blocked.blocks.len(), 2); // the Catherines sound alike
//! assert_eq!(blocked.statistics.coverage, Some(1.0));
//! # Ok(())
//! # }
//! ```

mod coerce;
mod cpython;
mod ids;
mod lambda_fold;
mod metaphone;
mod parse;
mod psig;
mod schema;
mod signature;
mod statistics;

use std::path::Path;

use serde_json::{Value, json};

pub use self::ids::{BlockIds, BlockKey};
use self::schema::Method;
pub use self::schema::{BlockingSchema, BlockingSurprise};
pub use self::statistics::{Sizes, Statistics, StrategyStatistics};
pub use crate::blocks::{BlockFilter, Blocks};
use crate::cohort::BitMatrix;
use crate::error::{Error, ErrorKind, Result, RowProblem};

/// Blocks that were made, and how many of which size.
#[derive(Clone, Debug, PartialEq)]
pub struct Blocked {
    /// What goes to the linkage unit.
    pub blocks: Blocks,
    /// Counts, without an id or a value. They are in the blocks' `meta` too.
    pub statistics: Statistics,
}

impl BlockingSchema {
    /// Makes the blocks of people: one row each, of the texts that a file has, without any normalising.
    ///
    /// The header is needed where the schema names its columns.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the schema is for CLKs, there is no row, no header where one is needed, one without a
    /// column of the schema, or no block of a size that the filter allows; [`ErrorKind::Rows`] where a row has too few
    /// fields, or a value is shorter than a position that counts from its end.
    pub fn block<R: AsRef<[S]>, S: AsRef<str>>(
        &self,
        ids: &BlockIds,
        header: Option<&[String]>,
        rows: &[R],
    ) -> Result<Blocked> {
        if self.blocks_clks() {
            return Err(Error::argument("the blocking schema takes CLKs (input-clks), not people"));
        }
        let Some(first) = rows.first() else { return Err(Error::argument("there is no record to block")) };
        if u32::try_from(rows.len()).is_err() {
            return Err(Error::argument("there are more than 2³² records"));
        }
        let header = header.filter(|_| self.by_name);
        if header.is_some_and(|header| header.len() != first.as_ref().len()) {
            return Err(Error::argument("the header has not as many columns as the first row has fields"));
        }
        let features =
            self.features.iter().map(|column| Ok((signature::index(column, header)?, signature::name(column))));
        let features: Vec<(i64, String)> = features.collect::<Result<_>>()?;
        let names = match &self.record_id {
            None => (0..rows.len()).map(|row| row.to_string()).collect(),
            Some(column) => {
                let (index, name) = (signature::index(column, header)?, signature::name(column));
                let value = |(i, row): (usize, &R)| signature::value(row.as_ref(), index, &name, i).map(str::to_owned);
                rows.iter().enumerate().map(value).collect::<Result<Vec<String>>>()?
            }
        };
        let (builder, statistics) = match &self.method {
            Method::PSig(psig) => psig.block(ids, self.null.as_deref(), header, rows, &names)?,
            Method::LambdaFold(fold) => (fold.block_people(ids, &features, rows)?, Statistics::default()),
        };
        Ok(self.blocked(ids, builder.named(names), rows.len(), statistics))
    }

    /// Makes the blocks of CLKs: rows as their bytes are in anonlink's file.
    ///
    /// Keyed, which bits are sampled is secret too. In compatibility mode it needs nothing but the CLKs: a linkage unit makes
    /// the same blocks by itself.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the schema is for people, there is no CLK, or they are shorter than `K`.
    pub fn block_clks(&self, ids: &BlockIds, clks: &BitMatrix) -> Result<Blocked> {
        match &self.method {
            Method::LambdaFold(fold) if fold.input_clks => {
                let blocks = fold.block(ids, clks)?.rows(clks.rows());
                Ok(self.blocked(ids, blocks, clks.rows(), Statistics::default()))
            }
            _ => Err(Error::argument("the blocking schema takes people, not CLKs (input-clks)")),
        }
    }

    /// Makes the blocks of a CSV file of people. White space around a field is taken away, as anonlink-client does; empty
    /// lines are no rows.
    ///
    /// # Errors
    /// As [`block`](Self::block), naming the file; [`ErrorKind::Io`]; [`ErrorKind::File`] where it is no CSV file.
    pub fn block_csv(&self, ids: &BlockIds, path: impl AsRef<Path>, has_header: bool) -> Result<Blocked> {
        let path = path.as_ref();
        let file = std::fs::File::open(path).map_err(|e| Error::io(path, "read", e))?;
        let mut lines = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file).into_records();
        // What Python's `strip` takes away.
        let space = |c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c);
        let mut next = |row: u64| -> Result<Option<Vec<String>>> {
            let Some(line) = lines.next() else { return Ok(None) };
            // The reader's error may quote the line.
            let line = line.map_err(|_| {
                let problem = RowProblem { row, line: 0, field: String::new(), problem: "is not CSV in UTF-8" };
                Error::from(ErrorKind::Rows { path: None, problems: vec![problem], total: 1 }).in_file(path)
            })?;
            Ok(Some(line.iter().map(|field| field.trim_matches(space).to_owned()).collect()))
        };
        let header = if has_header { next(0)? } else { None };
        let mut rows = Vec::new();
        while let Some(row) = next(rows.len() as u64 + 1)? {
            rows.push(row);
        }
        self.block(ids, header.as_deref(), &rows).map_err(|error| error.in_file(path))
    }

    fn blocked(&self, ids: &BlockIds, blocks: Blocks, rows: usize, statistics: Statistics) -> Blocked {
        let statistics = statistics.with_sizes(blocks.entries().iter().map(|(_, members)| members.len()));
        let config = json!({"type": self.method(), "version": 1, "config": self.source});
        let meta = json!({
            "config": config,
            "source": {"clk_count": [rows]},
            "state": {"blocking_features": self.source["blocking-features"]},
            "stats": statistics.to_json(),
            "pprl": ids.meta(),
        });
        let meta = if let Value::Object(meta) = meta { meta } else { serde_json::Map::new() };
        Blocked { blocks: blocks.with_meta(meta), statistics }
    }
}
