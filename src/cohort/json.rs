//! The JSON form of a cohort, written and read as a stream. `docs/encoding.md`, section 9.
//!
//! The reader takes files from other organisations: it checks every size before it keeps anything, and its memory grows
//! with what it has read, never with what a file claims.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{BitMatrix, Cohort, Manifest, MatchKeyValue, RarityColumn, RowId, unhex};
use crate::error::{Error, Result};
use crate::schema::MAX_BITS;

/// Names the form and its version.
pub(super) const FORMAT: &str = "pprl-cohort-1";

/// More columns than any schema allows.
const MAX_COLUMNS: usize = 64;

pub(super) fn write(cohort: &Cohort, out: &mut impl Write) -> io::Result<()> {
    let name = |name: &str| serde_json::to_string(name).map_err(io::Error::from);
    write!(out, "{{\n\"format\": {},\n\"manifest\": ", name(FORMAT)?)?;
    serde_json::to_writer(&mut *out, &cohort.manifest)?;
    out.write_all(b",\n\"row_ids\": ")?;
    list(out, cohort.row_ids.iter(), |id, text| text.push_str(&id.to_string()))?;
    let rows = |matrix: &BitMatrix, out: &mut _| {
        let mut bytes = Vec::with_capacity(matrix.row_bytes());
        list(out, 0..matrix.rows(), |row, text| {
            matrix.read_bytes(row, &mut bytes);
            STANDARD.encode_string(&bytes, text);
        })
    };
    if let [matrix] = cohort.encodings.as_slice() {
        out.write_all(b",\n\"clks\": ")?;
        rows(matrix, out)?;
    } else {
        for (i, (matrix, entry)) in cohort.encodings.iter().zip(&cohort.manifest.encodings).enumerate() {
            let open = if i == 0 { ",\n\"encodings\": {\n" } else { ",\n" };
            write!(out, "{open}{}: ", name(&entry.name)?)?;
            rows(matrix, out)?;
        }
        out.write_all(b"}")?;
    }
    for (i, (column, key)) in cohort.match_keys.iter().zip(&cohort.manifest.match_keys).enumerate() {
        let open = if i == 0 { ",\n\"match_keys\": {\n" } else { ",\n" };
        write!(out, "{open}{}: ", name(key)?)?;
        list(out, column.iter(), |value, text| {
            if let Some(value) = value {
                text.push_str(&crate::hex(&value.0));
            }
        })?;
    }
    if !cohort.match_keys.is_empty() {
        out.write_all(b"}")?;
    }
    for (i, (column, field)) in cohort.rarity.iter().zip(&cohort.manifest.rarity).enumerate() {
        let open = if i == 0 { ",\n\"rarity\": {\n" } else { ",\n" };
        write!(out, "{open}{}: \"{}\"", name(field)?, column.to_text())?;
    }
    if !cohort.rarity.is_empty() {
        out.write_all(b"}")?;
    }
    out.write_all(b"\n}\n")
}

/// A list of strings, one a line; an empty string is written as null.
fn list<T>(
    out: &mut impl Write,
    items: impl Iterator<Item = T>,
    mut form: impl FnMut(T, &mut String),
) -> io::Result<()> {
    out.write_all(b"[")?;
    let mut text = String::new();
    for (i, item) in items.enumerate() {
        text.clear();
        form(item, &mut text);
        out.write_all(if i == 0 { b"\n" } else { b",\n" })?;
        if text.is_empty() { out.write_all(b"null")? } else { write!(out, "\"{text}\"")? }
    }
    out.write_all(b"]")
}

pub(super) fn read(input: impl Read) -> Result<Cohort> {
    document(input, "a cohort", |problem, deserializer| Document(problem).deserialize(deserializer))?.into_cohort()
}

/// Reads one JSON document from elsewhere. An error says where it is and what kind, or is the one that `parse` kept.
pub(crate) fn document<R: Read, T>(
    input: R,
    what: &str,
    parse: impl FnOnce(Problem<'_>, &mut serde_json::Deserializer<serde_json::de::IoRead<R>>) -> serde_json::Result<T>,
) -> Result<T> {
    let problem = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_reader(input);
    let parsed = parse(&problem, &mut deserializer).and_then(|parsed| {
        deserializer.end()?;
        Ok(parsed)
    });
    // serde_json quotes what it found; only where and what kind may be told.
    parsed.map_err(|error| {
        problem.into_inner().unwrap_or_else(|| {
            let problem = match error.classify() {
                serde_json::error::Category::Io => "cannot be read".to_owned(),
                serde_json::error::Category::Syntax => "is not JSON".to_owned(),
                serde_json::error::Category::Data => format!("is not the JSON of {what}"),
                serde_json::error::Category::Eof => "ends too early: it was cut short".to_owned(),
            };
            Error::cohort(format!("{problem} (line {}, column {})", error.line(), error.column()))
        })
    })
}

/// Where a visitor leaves the error to report: serde's own would quote the file.
pub(crate) type Problem<'a> = &'a RefCell<Option<Error>>;

pub(crate) fn fail<T, E: de::Error>(problem: Problem<'_>, error: Error) -> Result<T, E> {
    problem.borrow_mut().get_or_insert(error);
    Err(E::custom("see the problem that was kept"))
}

#[derive(Default)]
struct Parts {
    format: bool,
    manifest: Option<Manifest>,
    row_ids: Option<Vec<RowId>>,
    clks: Option<BitMatrix>,
    encodings: Option<Vec<(String, BitMatrix)>>,
    match_keys: Option<Vec<(String, Vec<Option<MatchKeyValue>>)>>,
    rarity: Option<Vec<(String, RarityColumn)>>,
}

impl Parts {
    fn into_cohort(self) -> Result<Cohort> {
        let missing = |what: &str| Error::cohort(format!("is no cohort of this program: it has no {what}"));
        if !self.format {
            return Err(missing("format"));
        }
        let manifest = self.manifest.ok_or_else(|| missing("manifest"))?;
        let row_ids = self.row_ids.ok_or_else(|| missing("row_ids"))?;
        let mut found = match (self.clks, self.encodings) {
            (Some(clks), None) if manifest.encodings.len() == 1 => vec![(manifest.encodings[0].name.clone(), clks)],
            (None, Some(encodings)) => encodings,
            _ => return Err(missing("encodings, or has both clks and encodings")),
        };
        // A list without rows cannot show how long a row would be.
        let no_rows = row_ids.is_empty();
        let mut encodings = Vec::new();
        for entry in &manifest.encodings {
            let place = found.iter().position(|(name, _)| *name == entry.name);
            let Some(place) = place.filter(|_| (1..=MAX_BITS).contains(&entry.bits)) else {
                return Err(Error::cohort("the encodings are not those that the manifest names"));
            };
            let matrix = found.swap_remove(place).1;
            encodings.push(if no_rows && matrix.rows() == 0 {
                BitMatrix::new(entry.bits)
            } else {
                matrix.cut_to(entry.bits).ok_or_else(|| {
                    Error::cohort(format!(
                        "the rows of an encoding are not {} bits long, as the manifest says",
                        entry.bits
                    ))
                })?
            });
        }
        let match_keys = in_order(self.match_keys.unwrap_or_default(), &manifest.match_keys)
            .ok_or_else(|| Error::cohort("the match keys are not those that the manifest names"))?;
        let rarity = in_order(self.rarity.unwrap_or_default(), &manifest.rarity)
            .ok_or_else(|| Error::cohort("the rarity is not that of the fields that the manifest names"))?;
        if !found.is_empty() {
            return Err(Error::cohort("there are encodings that the manifest does not name"));
        }
        if manifest.sha256.is_empty() {
            return Err(missing("SHA-256 in its manifest"));
        }
        Cohort::new(manifest, row_ids, encodings, match_keys, rarity)
    }
}

/// The columns of these names, in their order; `None` where they are not exactly these.
fn in_order<T>(mut columns: Vec<(String, T)>, names: &[String]) -> Option<Vec<T>> {
    let take = |name| Some(columns.swap_remove(columns.iter().position(|(other, _)| other == name)?).1);
    let found = names.iter().map(take).collect();
    if columns.is_empty() { found } else { None }
}

struct Document<'a>(Problem<'a>);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = Parts;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Parts, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = Parts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cohort")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts, A::Error> {
        let problem = self.0;
        let mut parts = Parts::default();
        while let Some(key) = map.next_key::<String>()? {
            let twice = match key.as_str() {
                "format" => {
                    if map.next_value::<String>()? != FORMAT {
                        let known = format!("is not in the form {FORMAT}, the only one this program knows");
                        return fail(problem, Error::cohort(known));
                    }
                    std::mem::replace(&mut parts.format, true)
                }
                "manifest" => parts.manifest.replace(map.next_value()?).is_some(),
                "row_ids" => parts.row_ids.replace(map.next_value_seed(RowIds(problem))?).is_some(),
                "clks" => parts.clks.replace(map.next_value_seed(Filters(problem))?).is_some(),
                "encodings" => parts.encodings.replace(map.next_value_seed(Columns(problem, Filters))?).is_some(),
                "rarity" => parts.rarity.replace(map.next_value_seed(Columns(problem, Classes))?).is_some(),
                "match_keys" => parts.match_keys.replace(map.next_value_seed(Columns(problem, Values))?).is_some(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    return fail(problem, Error::cohort("has a key at its top level that no cohort has"));
                }
            };
            if twice {
                return fail(problem, Error::cohort("has a key at its top level twice"));
            }
        }
        Ok(parts)
    }
}

/// An object of columns, each read by the seed that `column` makes.
struct Columns<'a, S>(Problem<'a>, fn(Problem<'a>) -> S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Columns<'_, S> {
    type Value = Vec<(String, S::Value)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Columns<'_, S> {
    type Value = Vec<(String, S::Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of columns")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Columns(problem, column) = self;
        let mut columns: Vec<(String, S::Value)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if columns.len() == MAX_COLUMNS || columns.iter().any(|(other, _)| *other == name) {
                return fail(problem, Error::cohort("has a column twice, or too many columns"));
            }
            columns.push((name, map.next_value_seed(column(problem))?));
        }
        Ok(columns)
    }
}

/// A string of classes, one character for each row.
struct Classes<'a>(Problem<'a>);

impl<'de> DeserializeSeed<'de> for Classes<'_> {
    type Value = RarityColumn;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RarityColumn, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Classes<'_> {
    type Value = RarityColumn;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string of classes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RarityColumn, E> {
        RarityColumn::from_text(text).or_else(|row| fail(self.0, Error::cohort_row(row, "the rarity is no class")))
    }
}

/// A list read item by item: `item` takes the row (from 1) and the text, `None` for null.
pub(crate) fn items<'de, A: SeqAccess<'de>>(
    mut seq: A,
    problem: Problem<'_>,
    mut item: impl FnMut(u64, Option<&str>) -> Result<()>,
) -> Result<(), A::Error> {
    let mut row = 0;
    loop {
        row += 1;
        match seq.next_element_seed(Item(&mut |text| item(row, text)))? {
            None => return Ok(()),
            Some(Ok(())) => {}
            Some(Err(error)) => return fail(problem, error),
        }
    }
}

struct Item<'a>(&'a mut dyn FnMut(Option<&str>) -> Result<()>);

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = Result<()>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Item<'_> {
    type Value = Result<()>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or null")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok((self.0)(Some(text)))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok((self.0)(None))
    }
}

/// Gives a seed that reads a list its boilerplate.
macro_rules! list_seed {
    ($seed:ident, $value:ty, $expecting:literal) => {
        struct $seed<'a>(Problem<'a>);

        impl<'de> DeserializeSeed<'de> for $seed<'_> {
            type Value = $value;

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                deserializer.deserialize_seq(self)
            }
        }

        impl<'de> Visitor<'de> for $seed<'_> {
            type Value = $value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($expecting)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                self.read(seq)
            }
        }
    };
}

#[cfg(any(feature = "anonlink", feature = "clkhash"))]
pub(crate) use list_seed;

list_seed!(RowIds, Vec<RowId>, "a list of row ids");
list_seed!(Values, Vec<Option<MatchKeyValue>>, "a list of match keys");
list_seed!(Filters, BitMatrix, "a list of filters");

impl RowIds<'_> {
    fn read<'de, A: SeqAccess<'de>>(self, seq: A) -> Result<Vec<RowId>, A::Error> {
        let mut ids = Vec::new();
        items(seq, self.0, |row, text| {
            let id = text.and_then(unhex);
            ids.push(RowId(id.ok_or_else(|| Error::cohort_row(row, "the row id is not 32 hexadecimal digits"))?));
            Ok(())
        })?;
        Ok(ids)
    }
}

impl Values<'_> {
    fn read<'de, A: SeqAccess<'de>>(self, seq: A) -> Result<Vec<Option<MatchKeyValue>>, A::Error> {
        let mut values = Vec::new();
        items(seq, self.0, |row, text| {
            values.push(match text {
                None => None,
                Some(text) => Some(MatchKeyValue(
                    unhex(text).ok_or_else(|| Error::cohort_row(row, "a match key is not 32 hexadecimal digits"))?,
                )),
            });
            Ok(())
        })?;
        Ok(values)
    }
}

impl Filters<'_> {
    /// Rows of as many whole bytes as the first has; the manifest says later how many bits of the last byte count.
    fn read<'de, A: SeqAccess<'de>>(self, seq: A) -> Result<BitMatrix, A::Error> {
        let mut matrix: Option<BitMatrix> = None;
        let mut bytes = Vec::with_capacity(MAX_BITS / 8 + 3);
        items(seq, self.0, |row, text| {
            let wrong = |problem| Error::cohort_row(row, problem);
            let text = text.ok_or_else(|| wrong("the filter is missing"))?;
            if text.len() > MAX_BITS.div_ceil(24) * 4 {
                return Err(wrong("the filter is longer than any schema allows"));
            }
            bytes.clear();
            STANDARD.decode_vec(text, &mut bytes).map_err(|_| wrong("the filter is not base64"))?;
            if bytes.is_empty() || bytes.len() > MAX_BITS / 8 {
                return Err(wrong("the filter is empty, or longer than any schema allows"));
            }
            let matrix = matrix.get_or_insert_with(|| BitMatrix::new(bytes.len() * 8));
            if matrix.push_bytes(&bytes) { Ok(()) } else { Err(wrong("the filter has another length than the first")) }
        })?;
        Ok(matrix.unwrap_or_else(|| BitMatrix::new(8)))
    }
}
