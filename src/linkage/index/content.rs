//! What the entries of an index hold: written, and read again with every length checked.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::scale::Scale;
use super::super::score::Kernel;
use super::log::{Entry, Kind, MOST, Reader};
use super::model::IndexModel;
use super::rows::{Rows, Shape};
use super::state::State;
use crate::cohort::RowId;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{ENCODING_VERSION, Schema};

/// Ids in one entry of withdrawn rows.
const IDS: usize = MOST / 16;

/// What stands among the known rows for one that was withdrawn, instead of its party.
pub(super) const WITHDRAWN: u16 = u16::MAX;

/// What an index is of: the first entry of its file.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    encoding_version: u32,
    fingerprint: String,
    key_check: String,
    parties: Vec<String>,
    encodings: Vec<usize>,
    match_keys: usize,
    rarity: usize,
}

/// What a file holds.
pub(super) struct Loaded {
    pub(super) state: State,
    pub(super) known: HashMap<RowId, u16>,
    pub(super) key_check: String,
    pub(super) end: u64,
    pub(super) torn: u64,
}

pub(super) fn read(path: &Path, schema: &Schema, told: (&[Scale], Kernel), shape: &Shape) -> Result<Loaded> {
    let mut reader = Reader::open(path)?;
    let parties = schema.project().parties().len();
    let first = reader.next()?.unwrap_or_default();
    let found: Option<Header> = match &first[..] {
        [Entry { kind: Kind::Header, content }] => serde_json::from_slice(content).ok(),
        _ => None,
    };
    let found = found.ok_or_else(|| reader.damaged("it does not begin as an index does"))?;
    if found.fingerprint != schema.fingerprint() {
        let problem = format!("{}: the index is of another schema", path.display());
        return Err(ErrorKind::Mismatch { problem }.into());
    }
    let key_check = found.key_check.clone();
    if found != expected(schema, &key_check) {
        return Err(reader.damaged("its header does not fit the schema whose fingerprint it carries"));
    }
    let mut known: HashMap<RowId, u16> = HashMap::new();
    let mut state: Option<State> = None;
    // Rows may be withdrawn later: they are taken out in one go.
    let mut gone: HashSet<RowId> = HashSet::new();
    while let Some(group) = reader.next()? {
        for Entry { kind, content } in group {
            match (kind, &mut state) {
                (Kind::Model, state) => {
                    let model = IndexModel::decode(schema, told.0, &content);
                    let model = model.ok_or_else(|| reader.damaged("a model that is no model"))?;
                    match state {
                        Some(state) => state.model = model,
                        None => *state = Some(State::new(parties, model)),
                    }
                }
                (Kind::Rows, Some(state)) => {
                    let rows = Rows::decode(shape, parties, &content);
                    let rows = rows.ok_or_else(|| reader.damaged("rows that are no rows"))?;
                    if rows.ids.iter().any(|&id| known.insert(id, rows.party).is_some()) {
                        return Err(reader.damaged("a row is there twice, or again after it was withdrawn"));
                    }
                    state.append(rows, shape, told);
                }
                (Kind::Withdrawn, Some(_)) => {
                    let (ids, []) = content.as_chunks::<16>() else {
                        return Err(reader.damaged("withdrawn rows that are no ids"));
                    };
                    for &id in ids {
                        known.insert(RowId(id), WITHDRAWN);
                        gone.insert(RowId(id));
                    }
                }
                _ => return Err(reader.damaged("an entry that does not belong there")),
            }
        }
    }
    let mut state = state.ok_or_else(|| reader.damaged("there is no model"))?;
    if !gone.is_empty() {
        state.withdraw(&gone);
    }
    Ok(Loaded { state, known, key_check, end: reader.end, torn: reader.torn() })
}

/// Rows as entries, none of them longer than an entry may be.
pub(super) fn entries<'a>(shape: &Shape, rows: &'a Rows) -> impl Iterator<Item = Entry> + use<'a> {
    let each = ((MOST - 6) / shape.row_bytes()).max(1);
    (0..rows.len()).step_by(each).map(move |start| {
        let mut content = Vec::new();
        rows.encode(start..(start + each).min(rows.len()), &mut content);
        Entry { kind: Kind::Rows, content }
    })
}

pub(super) fn withdrawn(ids: &[RowId]) -> impl Iterator<Item = Entry> {
    let chunks: Vec<Vec<u8>> = ids.chunks(IDS).map(|ids| ids.iter().flat_map(|id| id.0).collect()).collect();
    chunks.into_iter().map(|content| Entry { kind: Kind::Withdrawn, content })
}

fn expected(schema: &Schema, key_check: &str) -> Header {
    let Shape { bits, keys, rarity } = Shape::of(schema);
    Header {
        encoding_version: ENCODING_VERSION,
        fingerprint: schema.fingerprint().to_owned(),
        key_check: key_check.to_owned(),
        parties: schema.project().parties().to_vec(),
        encodings: bits,
        match_keys: keys,
        rarity,
    }
}

pub(super) fn header(schema: &Schema, key_check: &str) -> Result<Vec<u8>> {
    serde_json::to_vec(&expected(schema, key_check)).map_err(|_| Error::argument("the header cannot be written"))
}
