//! The JSON of blocks, in both directions. The reader's memory grows with what it has read.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read, Write};

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::{Blocks, Builder};
use crate::error::{Error, Result};

/// Records and blocks are numbered with 32 bits.
const MOST: usize = u32::MAX as usize;

pub(super) fn write(blocks: &Blocks, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{\"blocks\": {")?;
    for (i, (record, ids)) in blocks.by_record().into_iter().enumerate() {
        out.write_all(if i == 0 { b"\n" } else { b",\n" })?;
        text(out, blocks.record(record))?;
        list(out, ids, |out, id| text(out, blocks.id(id)))?;
    }
    out.write_all(b"},\n\"meta\": ")?;
    serde_json::to_writer(&mut *out, &blocks.meta)?;
    out.write_all(b"}\n")
}

pub(super) fn write_inverse(blocks: &Blocks, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{")?;
    for (i, (id, members)) in blocks.entries.iter().enumerate() {
        out.write_all(if i == 0 { b"\n" } else { b",\n" })?;
        text(out, id)?;
        list(out, members.iter().copied(), |out, record| match blocks.record(record) {
            row if super::row(row).is_some() => out.write_all(row.as_bytes()),
            name => text(out, name),
        })?;
    }
    out.write_all(b"}\n")
}

fn text(out: &mut impl Write, text: &str) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}

fn list<T, W: Write>(
    out: &mut W,
    items: impl IntoIterator<Item = T>,
    mut item: impl FnMut(&mut W, T) -> io::Result<()>,
) -> io::Result<()> {
    out.write_all(b": [")?;
    for (i, value) in items.into_iter().enumerate() {
        if i > 0 {
            out.write_all(b", ")?;
        }
        item(out, value)?;
    }
    out.write_all(b"]")
}

pub(super) fn read(input: impl Read) -> Result<Blocks> {
    let file: Document = parse(input)?;
    let Some(records) = file.blocks else { return Err(Error::cohort("is no file of blocks: it has no \"blocks\"")) };
    let mut blocks = Builder::default();
    let mut names = Vec::new();
    for (number, (record, ids)) in records.0.into_iter().enumerate() {
        ids.into_iter().for_each(|id| blocks.add(id.0, &[number as u32]));
        names.push(record);
    }
    let mut blocks = blocks.named(names);
    blocks.meta = file.meta.unwrap_or_default();
    if blocks.entries.len() > MOST { Err(Error::cohort("has more than 2³² blocks")) } else { Ok(blocks) }
}

pub(super) fn read_inverse(input: impl Read) -> Result<Blocks> {
    let file: Lists = parse(input)?;
    let mut blocks = Builder::default();
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut names = Vec::new();
    for (id, records) in file.0 {
        let mut members = Vec::with_capacity(records.len());
        for Text(record) in records {
            members.push(*numbers.entry(record).or_insert_with_key(|record| {
                names.push(record.clone());
                (names.len() - 1) as u32
            }));
        }
        blocks.add(id, &members);
    }
    if names.len() > MOST { Err(Error::cohort("has more than 2³² records")) } else { Ok(blocks.named(names)) }
}

fn parse<T: for<'de> Deserialize<'de>>(input: impl Read) -> Result<T> {
    // serde_json quotes what it found; only where and what kind may be told.
    serde_json::from_reader(input).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Io => "cannot be read",
            serde_json::error::Category::Syntax => "is not JSON",
            serde_json::error::Category::Data => {
                "is not the JSON of blocks: a record or a block twice, or no list of texts"
            }
            serde_json::error::Category::Eof => "ends too early: it was cut short",
        };
        Error::cohort(format!("{what} (line {}, column {})", error.line(), error.column()))
    })
}

#[derive(Default)]
struct Document {
    blocks: Option<Lists>,
    meta: Option<Map<String, Value>>,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with blocks")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut document = Document::default();
        while let Some(key) = map.next_key::<String>()? {
            let twice = match key.as_str() {
                "blocks" => document.blocks.replace(map.next_value()?).is_some(),
                "meta" => document.meta.replace(map.next_value()?).is_some(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    false
                }
            };
            if twice {
                return Err(de::Error::custom("a key twice"));
            }
        }
        Ok(document)
    }
}

/// An object of lists, in its order. No key twice.
struct Lists(Vec<(String, Vec<Text>)>);

impl<'de> Deserialize<'de> for Lists {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ListsVisitor)
    }
}

struct ListsVisitor;

impl<'de> Visitor<'de> for ListsVisitor {
    type Value = Lists;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of lists")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lists, A::Error> {
        let mut lists = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if lists.len() == MOST || !seen.insert(key.clone()) {
                return Err(de::Error::custom("a key twice, or too many"));
            }
            lists.push((key, map.next_value()?));
        }
        Ok(Lists(lists))
    }
}

/// A text, or a number as a text.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }
}
