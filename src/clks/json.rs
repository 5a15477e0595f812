//! Reads anonlink's JSON as a stream: memory grows with what was read.

use std::fmt;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Clks, ClksAndBlocks, MAX_CLK_BITS};
use crate::cohort::json::{Problem, document, fail, items, list_seed};
use crate::cohort::{BitMatrix, MAX_ROWS};
use crate::error::{Error, Result};

pub(super) fn read_clks(input: impl Read) -> Result<Clks> {
    let found = read(input)?;
    found.clks.ok_or_else(|| {
        Error::cohort(match found.clks_and_blocks {
            Some(_) => "has its CLKs together with blocks (\"clknblocks\"), and no list \"clks\"",
            None => "has no list \"clks\" at its top level",
        })
    })
}

pub(super) fn read_clks_and_blocks(input: impl Read) -> Result<ClksAndBlocks> {
    read(input)?.clks_and_blocks.ok_or_else(|| Error::cohort("has no list \"clknblocks\" at its top level"))
}

fn read(input: impl Read) -> Result<Found> {
    document(input, "a file of CLKs", |problem, deserializer| deserializer.deserialize_map(TopLevel(problem)))
}

#[derive(Default)]
struct Found {
    clks: Option<Clks>,
    clks_and_blocks: Option<ClksAndBlocks>,
}

struct TopLevel<'a>(Problem<'a>);

impl<'de> Visitor<'de> for TopLevel<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut found = Found::default();
        while let Some(key) = map.next_key::<String>()? {
            let twice = match key.as_str() {
                "clks" => found.clks.replace(map.next_value_seed(List(self.0))?).is_some(),
                "clknblocks" => found.clks_and_blocks.replace(map.next_value_seed(ListWithBlocks(self.0))?).is_some(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    false
                }
            };
            if twice || found.clks.is_some() && found.clks_and_blocks.is_some() {
                return fail(self.0, Error::cohort("has more than one list of CLKs at its top level"));
            }
        }
        Ok(found)
    }
}

/// The CLKs so far: as long as the first of them.
#[derive(Default)]
struct Rows {
    matrix: Option<BitMatrix>,
    text: Vec<u8>,
    bytes: Vec<u8>,
}

impl Rows {
    /// `row` counts from 1.
    fn push(&mut self, row: u64, base64: &str) -> Result<()> {
        let wrong = |problem| Err(Error::cohort_row(row, problem));
        if row > MAX_ROWS as u64 {
            return wrong("there are more rows than a file may have");
        }
        self.text.clear();
        self.text.extend(base64.bytes().filter(|byte| !byte.is_ascii_whitespace()));
        self.bytes.clear();
        if STANDARD.decode_vec(&self.text, &mut self.bytes).is_err() {
            return wrong("the CLK is not base64");
        }
        if self.bytes.is_empty() || self.bytes.len() > MAX_CLK_BITS / 8 {
            return wrong("the CLK is empty, or longer than 2 MiB");
        }
        let matrix = self.matrix.get_or_insert_with(|| BitMatrix::new(self.bytes.len() * 8));
        if matrix.push_bytes(&self.bytes) { Ok(()) } else { wrong("the CLK has another length than the first") }
    }

    /// A list without CLKs cannot show how long one would be.
    fn into_clks(self) -> Clks {
        Clks::from_matrix(self.matrix.unwrap_or_else(|| BitMatrix::new(8)))
    }
}

list_seed!(List, Clks, "a list of CLKs");
list_seed!(ListWithBlocks, ClksAndBlocks, "a list of lists");

impl List<'_> {
    fn read<'de, A: SeqAccess<'de>>(self, seq: A) -> Result<Clks, A::Error> {
        let mut rows = Rows::default();
        items(seq, self.0, |row, text| match text {
            Some(text) => rows.push(row, text),
            None => Err(Error::cohort_row(row, "the CLK is missing")),
        })?;
        Ok(rows.into_clks())
    }
}

impl ListWithBlocks<'_> {
    fn read<'de, A: SeqAccess<'de>>(self, mut seq: A) -> Result<ClksAndBlocks, A::Error> {
        let (mut rows, mut blocks) = (Rows::default(), Vec::new());
        while let Some(of_row) = {
            let row = blocks.len() as u64 + 1;
            seq.next_element_seed(ClkWithBlocks { problem: self.0, row, rows: &mut rows })?
        } {
            blocks.push(of_row);
        }
        Ok(ClksAndBlocks { clks: rows.into_clks(), blocks })
    }
}

/// One row: its CLK goes to the others, its blocks come back.
struct ClkWithBlocks<'a> {
    problem: Problem<'a>,
    row: u64,
    rows: &'a mut Rows,
}

impl<'de> DeserializeSeed<'de> for ClkWithBlocks<'_> {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<String>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ClkWithBlocks<'_> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of a CLK and names of blocks")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Vec<String>, A::Error> {
        let ClkWithBlocks { problem, row, rows } = self;
        let (mut blocks, mut first) = (Vec::new(), true);
        items(seq, problem, |_, text| {
            let text = text.ok_or_else(|| Error::cohort_row(row, "the CLK or a block is missing"))?;
            if std::mem::take(&mut first) {
                return rows.push(row, text);
            }
            blocks.push(text.to_owned());
            Ok(())
        })?;
        if first {
            return fail(problem, Error::cohort_row(row, "there is no CLK"));
        }
        Ok(blocks)
    }
}
