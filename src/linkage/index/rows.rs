//! Rows of one party as they are appended, on disk and in memory: columns, each with one value per row.

use super::super::candidates::take;
use crate::cohort::{BitMatrix, Cohort, MatchKeyValue, RowId};
use crate::schema::{MAX_RARITY_CLASSES, Schema};

/// Bytes of a match key: whether it is there, and its value.
const KEY: usize = 17;

/// Class of a row without a name; see [`RarityColumn::NONE`](crate::cohort::RarityColumn::NONE).
const NO_CLASS: u8 = u8::MAX;

/// What rows of a schema consist of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Bits of each encoding.
    pub(super) bits: Vec<usize>,
    pub(super) keys: usize,
    pub(super) rarity: usize,
}

/// Some rows of one party.
#[derive(Clone)]
pub(super) struct Rows {
    pub(super) party: u16,
    pub(super) ids: Vec<RowId>,
    pub(super) encodings: Vec<BitMatrix>,
    /// Column after column.
    pub(super) keys: Vec<Vec<Option<MatchKeyValue>>>,
    pub(super) rarity: Vec<Vec<u8>>,
}

impl Shape {
    pub(super) fn of(schema: &Schema) -> Self {
        Shape {
            bits: schema.encodings().iter().map(crate::schema::Encoding::output).collect(),
            keys: schema.match_keys().len(),
            rarity: schema.rarity().len(),
        }
    }

    /// Bytes of a row on disk.
    pub(super) fn row_bytes(&self) -> usize {
        let encodings: usize = self.bits.iter().map(|bits| bits.div_ceil(8)).sum();
        16 + encodings + self.keys * KEY + self.rarity
    }
}

impl Rows {
    pub(super) fn none(shape: &Shape, party: u16) -> Self {
        Rows {
            party,
            ids: Vec::new(),
            encodings: shape.bits.iter().map(|&bits| BitMatrix::new(bits)).collect(),
            keys: vec![Vec::new(); shape.keys],
            rarity: vec![Vec::new(); shape.rarity],
        }
    }

    pub(super) fn of_cohort(cohort: &Cohort, party: u16) -> Self {
        Rows {
            party,
            ids: cohort.row_ids().to_vec(),
            encodings: cohort.encodings().to_vec(),
            keys: cohort.match_keys().to_vec(),
            rarity: cohort.rarity().iter().map(|column| column.classes().to_vec()).collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Some of the rows.
    pub(super) fn select(&self, places: impl Iterator<Item = usize>) -> Self {
        let places: Vec<usize> = places.collect();
        Rows {
            party: self.party,
            ids: some(&self.ids, &places),
            encodings: self.encodings.iter().map(|matrix| matrix.select(places.iter().copied())).collect(),
            keys: self.keys.iter().map(|column| some(column, &places)).collect(),
            rarity: self.rarity.iter().map(|column| some(column, &places)).collect(),
        }
    }

    /// Appends rows of the same party.
    pub(super) fn extend(&mut self, other: &Self) {
        self.ids.extend(&other.ids);
        for (all, more) in self.encodings.iter_mut().zip(&other.encodings) {
            all.extend(more);
        }
        for (all, more) in self.keys.iter_mut().zip(&other.keys) {
            all.extend(more);
        }
        for (all, more) in self.rarity.iter_mut().zip(&other.rarity) {
            all.extend(more);
        }
    }

    pub(super) fn encode(&self, rows: std::ops::Range<usize>, out: &mut Vec<u8>) {
        out.extend(self.party.to_le_bytes());
        out.extend((rows.len() as u32).to_le_bytes());
        self.ids[rows.clone()].iter().for_each(|id| out.extend(id.0));
        let mut bytes = Vec::new();
        for matrix in &self.encodings {
            for row in rows.clone() {
                matrix.read_bytes(row, &mut bytes);
                out.extend(&bytes);
            }
        }
        for key in self.keys.iter().flat_map(|column| &column[rows.clone()]) {
            out.push(key.is_some().into());
            out.extend(key.map_or([0; 16], |key| key.0));
        }
        self.rarity.iter().for_each(|column| out.extend(&column[rows.clone()]));
    }

    /// `None` where these are not the bytes of rows of this shape.
    pub(super) fn decode(shape: &Shape, parties: usize, mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let party = u16::from_le_bytes(take(bytes)?);
        let count = u32::from_le_bytes(take(bytes)?) as usize;
        if usize::from(party) >= parties || bytes.len() != count.checked_mul(shape.row_bytes())? {
            return None;
        }
        let mut rows = Rows::none(shape, party);
        for _ in 0..count {
            rows.ids.push(RowId(take(bytes)?));
        }
        for matrix in &mut rows.encodings {
            for _ in 0..count {
                let (row, rest) = bytes.split_at_checked(matrix.row_bytes())?;
                *bytes = rest;
                matrix.push_bytes(row).then_some(())?;
            }
        }
        for column in &mut rows.keys {
            for _ in 0..count {
                let ([flag], value) = (take(bytes)?, MatchKeyValue(take(bytes)?));
                column.push(match flag {
                    0 if value.0 == [0; 16] => None,
                    1 => Some(value),
                    _ => return None,
                });
            }
        }
        for column in &mut rows.rarity {
            let (classes, rest) = bytes.split_at_checked(count)?;
            *bytes = rest;
            let known = |&class: &u8| class == NO_CLASS || usize::from(class) < MAX_RARITY_CLASSES;
            classes.iter().all(known).then(|| column.extend(classes))?;
        }
        Some(rows)
    }
}

fn some<T: Copy>(column: &[T], places: &[usize]) -> Vec<T> {
    places.iter().map(|&row| column[row]).collect()
}
