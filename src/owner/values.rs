//! What the values of a file become, each worked out once.
//!
//! Names, dates and postcodes come again and again. The first pass over the records gives every value a [`Code`]: why it is
//! missing, or where a memo holds what it puts into each encoding, as masks of bits. The second pass, in the order of rows,
//! looks nothing up: it ORs masks. Every thread fills a memo of its own; they are wiped when dropped, because whoever holds
//! one can test names.

use std::sync::{Mutex, PoisonError};

use zeroize::{Zeroize, Zeroizing};

use super::STRETCH;
use super::clk::{Plan, Scratch};
use super::memo::{Table, key};
use super::rarity::Classes;
use super::read::Record;
use super::tokens::{Reader, Reading, Reason};
use crate::cohort::{MatchKeyValue, RarityColumn};

/// What the memos of all threads may take. Beyond it values are worked out where they are needed.
const MEMO_BYTES: usize = 1 << 28;

/// How many records are looked up together.
pub(crate) const LOOKED_UP: usize = 64;

/// How many values stand in one allocation: none is ever moved, so none is left behind unwiped.
const CHUNK: usize = 256;

/// A line of the cache: what the processor fetches at once, and so what masks are made of.
#[derive(Clone, Copy, Default, Zeroize)]
#[repr(align(64))]
pub(crate) struct Line(pub(crate) [u64; LINE_BITS / 64]);

pub(crate) const LINE_BITS: usize = 512;

/// What is known of a field of one record.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Code(u32);

impl Code {
    /// Present, and in no memo.
    const READ: Code = Code(5);

    fn missing(reason: Reason) -> Self {
        Code(1 + reason as u32)
    }

    /// A place in the memo, and the groups without tokens, a bit for each.
    fn known(place: usize, gaps: u32) -> Self {
        Code((place as u32 + 1) << 4 | gaps)
    }

    /// Why the value is missing; `None` where it is present.
    pub(crate) fn reason(self) -> Option<Reason> {
        [Reason::Empty, Reason::Placeholder, Reason::Invalid, Reason::Unreadable]
            .get((self.0 as usize).wrapping_sub(1))
            .copied()
    }

    pub(crate) fn is_present(self) -> bool {
        self.0 >= Code::READ.0
    }

    fn place(self) -> Option<usize> {
        (self.0 >> 4).checked_sub(1).map(|place| place as usize)
    }
}

/// What the fields of a schema are to the encoder: how they are read, and what a memo holds of a value.
pub(crate) struct Fields {
    readers: Vec<Reader>,
    /// Lines of all masks of a field.
    masks: Vec<usize>,
    /// Whether a match key needs the whole value.
    whole: Vec<bool>,
    /// How rare a name is, where that is told.
    classes: Vec<Option<Classes>>,
}

impl Fields {
    pub(crate) fn new(readers: Vec<Reader>, plans: &[Plan], whole: impl Fn(usize) -> bool) -> Self {
        let masks =
            |field| plans.iter().filter_map(|plan| plan.mask(field)).map(|(_, mask)| mask.end).max().unwrap_or(0);
        Fields {
            masks: (0..readers.len()).map(masks).collect(),
            whole: (0..readers.len()).map(whole).collect(),
            classes: readers.iter().map(|_| None).collect(),
            readers,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.readers.len()
    }

    pub(crate) fn is_identifier(&self, field: usize) -> bool {
        self.readers[field].is_identifier()
    }

    pub(crate) fn classes(&self, field: usize) -> Option<&Classes> {
        self.classes[field].as_ref()
    }

    pub(crate) fn set_classes(&mut self, field: usize, classes: Classes) {
        self.classes[field] = Some(classes);
    }

    pub(crate) fn read(&self, field: usize, text: &str, reading: &mut Reading) -> Result<(), Reason> {
        self.readers[field].read(text, reading)
    }

    /// The lines of a value of a field in a memo: masks, then the whole.
    fn lines(&self, field: usize) -> usize {
        self.masks[field] + usize::from(self.whole[field])
    }
}

/// The values that one thread has seen.
pub(crate) struct Values {
    fields: Vec<Known>,
    bytes_left: usize,
}

/// The values of one field.
#[derive(Default)]
struct Known {
    table: Table<4>,
    chunks: Vec<Zeroizing<Vec<Line>>>,
    count: usize,
    /// The class of each, where it is told.
    classes: Vec<u8>,
}

impl Values {
    fn new(fields: &Fields) -> Self {
        let known = (0..fields.len()).map(|_| Known::default()).collect();
        Values { fields: known, bytes_left: MEMO_BYTES / rayon::current_num_threads() }
    }

    fn lines(&self, fields: &Fields, field: usize, place: usize) -> &[Line] {
        let lines = fields.lines(field);
        &self.fields[field].chunks[place / CHUNK][place % CHUNK * lines..][..lines]
    }
}

/// One thread's memo and buffers.
pub(crate) struct Worker {
    pub(crate) number: usize,
    pub(crate) values: Values,
    pub(crate) scratch: Scratch,
}

impl Worker {
    pub(crate) fn new(fields: &Fields, number: usize) -> Self {
        Worker { number, values: Values::new(fields), scratch: Scratch::default() }
    }

    /// Reads the values of one field, or knows them again: one code for every text.
    pub(crate) fn code(&mut self, fields: &Fields, plans: &[Plan], field: usize, texts: &[&str], codes: &mut [Code]) {
        let is_identifier = fields.readers[field].is_identifier();
        let key = |text: &str| if is_identifier { None } else { key(text.as_bytes()) };
        // All of them first: a processor fetches many slots at once where nothing else stands between.
        let table = &self.values.fields[field].table;
        for (text, code) in texts.iter().zip(&mut *codes) {
            *code = Code(key(text).and_then(|key| table.get(key)).unwrap_or(0));
        }
        for (text, code) in texts.iter().zip(codes) {
            if *code == Code::default() {
                *code = self.learn(fields, plans, field, text, key(text));
            }
        }
    }

    fn learn(&mut self, fields: &Fields, plans: &[Plan], field: usize, text: &str, key: Option<[u64; 4]>) -> Code {
        let Worker { values, scratch, .. } = self;
        let known = &mut values.fields[field];
        // It may have come twice.
        if let Some(number) = key.and_then(|key| known.table.get(key)) {
            return Code(number);
        }
        let read = fields.read(field, text, &mut scratch.reading);
        let lines = fields.lines(field);
        // With a slot and two free ones.
        let bytes = size_of::<Line>() * lines + 96;
        let (Some(key), true) = (key, values.bytes_left >= bytes) else {
            return read.map_or_else(Code::missing, |()| Code::READ);
        };
        let code = if let Err(reason) = read {
            Code::missing(reason)
        } else {
            let whole = if fields.whole[field] { pack(&scratch.reading.whole) } else { Some(Line::default()) };
            let Some(whole) = whole else { return Code::READ };
            if known.count.is_multiple_of(CHUNK) {
                known.chunks.push(Zeroizing::new(vec![Line::default(); CHUNK * lines]));
            }
            let place = known.count;
            known.count += 1;
            known.classes.extend(fields.classes(field).map(|classes| classes.of(&scratch.reading.whole)));
            let out = &mut known.chunks[place / CHUNK][place % CHUNK * lines..][..lines];
            for plan in plans {
                if let Some((field, mask)) = plan.mask(field) {
                    plan.learn(field, scratch, &mut out[mask]);
                }
            }
            out[fields.masks[field]..].fill(whole);
            Code::known(place, scratch.reading.gaps())
        };
        values.bytes_left -= bytes;
        known.table.add(key, code.0);
        code
    }
}

/// A text of at most 63 bytes, and its length at the end.
fn pack(text: &str) -> Option<Line> {
    let mut bytes = [0; 64];
    bytes[..63].get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    bytes[63] = text.len() as u8;
    let (words, _) = bytes.as_chunks();
    Some(Line(std::array::from_fn(|i| u64::from_le_bytes(words[i]))))
}

/// What threads lend and give back; as many as ever worked at the same time.
pub(crate) struct Pool<T>(Mutex<Vec<T>>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Pool(Mutex::new(Vec::new()))
    }
}

impl<T> Pool<T> {
    pub(crate) fn lend<R>(&self, make: impl FnOnce() -> T, work: impl FnOnce(&mut T) -> R) -> R {
        let there = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut lent = there.unwrap_or_else(make);
        let done = work(&mut lent);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(lent);
        done
    }

    pub(crate) fn into_inner(self) -> Vec<T> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The records after the first pass.
pub(crate) struct Coded<'a> {
    pub(crate) fields: &'a Fields,
    pub(crate) records: &'a [Record],
    /// The codes of all fields, record after record.
    pub(crate) codes: Vec<Code>,
    pub(crate) memos: Vec<Values>,
    /// Which memo the codes of every [`STRETCH`] of records are of.
    pub(crate) memo_of: Vec<usize>,
    /// The match keys of every [`STRETCH`] of records, record after record.
    pub(crate) match_keys: Vec<Vec<Option<MatchKeyValue>>>,
    /// The classes of every [`STRETCH`] of records, record after record.
    pub(crate) rarity: Vec<Vec<u8>>,
}

impl Coded<'_> {
    pub(crate) fn person(&self, place: u32) -> Person<'_> {
        let place = place as usize;
        let fields = self.fields;
        Person {
            fields,
            codes: &self.codes[place * fields.len()..][..fields.len()],
            record: &self.records[place],
            values: &self.memos[self.memo_of[place / STRETCH]],
        }
    }
}

/// A record, its codes and the memo they are of.
#[derive(Clone, Copy)]
pub(crate) struct Person<'a> {
    pub(crate) fields: &'a Fields,
    pub(crate) codes: &'a [Code],
    pub(crate) record: &'a Record,
    pub(crate) values: &'a Values,
}

impl<'a> Person<'a> {
    pub(crate) fn is_present(self, field: usize) -> bool {
        self.codes[field].is_present()
    }

    /// What the memo holds of a value: its lines, and the groups without tokens.
    #[inline]
    pub(crate) fn known(self, field: usize) -> Option<(&'a [Line], u32)> {
        let code = self.codes[field];
        Some((self.values.lines(self.fields, field, code.place()?), code.0 & 15))
    }

    /// Reads a value that is present and in no memo.
    pub(crate) fn read(self, field: usize, reading: &mut Reading) {
        let read = self.fields.read(field, &self.record.values()[field], reading);
        debug_assert!(read.is_ok(), "it was read before");
    }

    /// How rare the name is; [`RarityColumn::NONE`] where it is missing, or its rarity not told.
    pub(crate) fn rarity(self, field: usize, reading: &mut Reading) -> u8 {
        let Some(classes) = self.fields.classes(field).filter(|_| self.is_present(field)) else {
            return RarityColumn::NONE;
        };
        if let Some(place) = self.codes[field].place() {
            return self.values.fields[field].classes[place];
        }
        self.read(field, reading);
        classes.of(&reading.whole)
    }

    /// Appends the length and the bytes of the whole value, and says whether there is one.
    pub(crate) fn append_whole(self, field: usize, reading: &mut Reading, out: &mut Vec<u8>) -> bool {
        let mut append = |whole: &[u8]| {
            out.extend_from_slice(&(whole.len() as u32).to_be_bytes());
            out.extend_from_slice(whole);
            !whole.is_empty()
        };
        if let Some((lines, _)) = self.known(field) {
            let bytes = lines[self.fields.masks[field]].0.map(u64::to_le_bytes);
            let bytes = bytes.as_flattened();
            return append(&bytes[..usize::from(bytes[63])]);
        }
        self.is_present(field) && {
            self.read(field, reading);
            append(reading.whole.as_bytes())
        }
    }
}
