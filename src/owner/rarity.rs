//! How rare a name is, by a public list. `docs/encoding.md`, section 7.4.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Encoder;
use super::normalise::name;
use super::read::{END, Lines, MAX_VALUE_BYTES, OPEN_QUOTE, csv_error};
use crate::cohort::RarityColumn;
use crate::error::{Error, ErrorKind, ROW_PROBLEMS_KEPT, Result, RowProblem};
use crate::schema::Rarity;

/// The longest list file: 256 MiB, some twenty million names.
const MOST_BYTES: u64 = 1 << 28;

/// The most digits of a count: more people than there ever were.
const MOST_DIGITS: usize = 15;

/// What cuts are counted in.
const PEOPLE: u128 = 100_000;

/// A public list of names with how many people bear each, for [`Encoder::rarity`] and [`Encoder::names`].
///
/// Whoever has the schema can check that a file is the list that it names; the list itself is no secret.
#[derive(Clone)]
pub struct RarityList {
    path: PathBuf,
    sha256: String,
    /// By names as they are encoded.
    counts: HashMap<String, u128>,
    total: u128,
}

impl RarityList {
    /// Reads a list: a CSV file in UTF-8 with the header `name,count`, the counts whole numbers of people. Names are
    /// normalised as the values of a field are, and counts of the same name added up.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::File`] where the header is another, no name has a count above zero, or the file is
    /// larger than 256 MiB; [`ErrorKind::Rows`] with all rows that are not a name of at most [`MAX_VALUE_BYTES`] bytes and a
    /// count of at most 15 digits.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
        file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|e| Error::io(path, "read", e))?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(Error::file(path, "is larger than any list of names, 256 MiB"));
        }
        let sha256 = crate::hex(&Sha256::digest(&bytes));
        let (counts, total) = counts(path, bytes)?;
        Ok(RarityList { path: path.to_owned(), sha256, counts, total })
    }

    /// SHA-256 of the file, 64 lower-case hexadecimal digits: what the schema's `list_sha256` must be.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// How many different names there are after normalisation.
    #[must_use]
    pub fn names(&self) -> usize {
        self.counts.len()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The names as they are encoded, in no order, and how many people bear each.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, u128)> {
        self.counts.iter().map(|(name, &count)| (name.as_str(), count))
    }

    /// The classes of the listed names, less those that are the same as for a name that is not listed.
    fn classes(&self, rarity: &Rarity) -> Classes {
        let class = |count: u128| {
            let reaches = |&&cut: &&u32| count * PEOPLE >= u128::from(cut) * self.total;
            (rarity.cuts().len() - rarity.cuts().iter().filter(reaches).count()) as u8
        };
        let rarest = rarity.cuts().len() as u8;
        let classes = self.counts.iter().map(|(name, &count)| (name.clone(), class(count)));
        Classes { rarest, classes: classes.filter(|(name, class)| *class < rarest || name.contains(' ')).collect() }
    }
}

/// What a list says for one field.
pub(crate) struct Classes {
    rarest: u8,
    classes: HashMap<String, u8>,
}

impl Classes {
    /// The class of a name as it is encoded: of the whole where that is listed, else of its rarest part, so that nobody who
    /// is called Smith-Jones counts as rarer than the rarer of the two.
    pub(crate) fn of(&self, whole: &str) -> u8 {
        let class = |name: &str| self.classes.get(name).copied();
        class(whole).unwrap_or_else(|| {
            whole.split(' ').map(|part| class(part).unwrap_or(self.rarest)).max().unwrap_or(self.rarest)
        })
    }
}

impl Encoder {
    /// Gives the encoder the public list by which the schema wants the rarity of a field told. Every field of
    /// [`Schema::rarity`](crate::Schema::rarity) needs its list before anything can be encoded.
    ///
    /// # Errors
    /// [`Argument`](ErrorKind::Argument) where the schema does not ask for the field's rarity; [`File`](ErrorKind::File)
    /// where the list is another than the one that the schema names.
    pub fn rarity(mut self, field: &str, list: &RarityList) -> Result<Self> {
        let fields = self.schema.fields();
        let Some(rarity) = self.schema.rarity().iter().find(|rarity| fields[rarity.field()].name() == field) else {
            return Err(Error::argument(format!("the schema does not ask for the rarity of a field {field}")));
        };
        if list.sha256 != rarity.list_sha256() {
            let (is, wanted) = (&list.sha256, rarity.list_sha256());
            let problem = format!(
                "is not the list that the schema names for the rarity of {field}: its SHA-256 is {is}, that of the schema's \
                 list is {wanted}"
            );
            return Err(Error::file(&list.path, problem));
        }
        self.fields.set_classes(rarity.field(), list.classes(rarity));
        Ok(self)
    }

    /// Refuses to go on without a list that the schema asks for.
    pub(super) fn check_lists(&self) -> Result<()> {
        let lacking = |rarity: &&Rarity| self.fields.classes(rarity.field()).is_none();
        let Some(rarity) = self.schema.rarity().iter().find(lacking) else { return Ok(()) };
        Err(Error::argument(format!(
            "the schema asks for the rarity of {}, and the encoder was given no list for it (Encoder::rarity); it is the file \
             whose SHA-256 is {}",
            self.schema.fields()[rarity.field()].name(),
            rarity.list_sha256()
        )))
    }

    /// The columns of a cohort from the classes of records: `class` takes a record's place and the number of the column.
    pub(super) fn rarity_columns(&self, places: &[u32], class: impl Fn(u32, usize) -> u8) -> Vec<RarityColumn> {
        let column = |number| RarityColumn::new(places.iter().map(|&place| class(place, number)).collect());
        (0..self.schema.rarity().len()).map(column).collect()
    }
}

fn counts(path: &Path, mut bytes: Vec<u8>) -> Result<(HashMap<String, u128>, u128)> {
    let lines = Lines::of(&bytes);
    if !bytes.ends_with(b"\n") {
        bytes.extend_from_slice(lines.end());
    }
    bytes.extend_from_slice(END);
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text);
    let header = reader.byte_headers().map_err(|e| csv_error(path, &e))?;
    // A line that is no header is a name, and not to be shown.
    if header != ["name", "count"].as_slice() {
        return Err(Error::file(path, "is no list of names: its first line must be name,count"));
    }
    let (mut counts, mut total): (HashMap<String, u128>, u128) = (HashMap::new(), 0);
    let (mut problems, mut wrong) = (Vec::new(), 0);
    let (mut row, mut number, mut whole) = (csv::ByteRecord::new(), 0, String::new());
    while reader.read_byte_record(&mut row).map_err(|e| csv_error(path, &e))? {
        if row.len() == 1 && row[0] == *END {
            break;
        }
        number += 1;
        let open = row.iter().next_back().is_some_and(|last| last.ends_with(END));
        match if open { Err(("", OPEN_QUOTE)) } else { entry(&row, &mut whole) } {
            Ok(count) => {
                total += u128::from(count);
                match counts.get_mut(&whole) {
                    Some(sum) => *sum += u128::from(count),
                    None => drop(counts.insert(whole.clone(), count.into())),
                }
            }
            Err((field, problem)) => {
                wrong += 1;
                if problems.len() < ROW_PROBLEMS_KEPT {
                    let line = if open { lines.of_open(&row) } else { lines.of_row(&reader, &row) };
                    problems.push(RowProblem { row: number, line, field: field.to_owned(), problem });
                }
            }
        }
    }
    if wrong > 0 {
        return Err(ErrorKind::Rows { path: Some(path.to_owned()), problems, total: wrong }.into());
    }
    if total == 0 {
        return Err(Error::file(path, "is a list in which no name has a count above zero"));
    }
    Ok((counts, total))
}

/// The count of a row, whose name as it is encoded goes to `whole`; or the column and what is wrong with it.
fn entry(row: &csv::ByteRecord, whole: &mut String) -> Result<u64, (&'static str, &'static str)> {
    if row.len() != 2 {
        return Err(("", "has not two columns, a name and a count"));
    }
    if row[0].len() > MAX_VALUE_BYTES {
        return Err(("name", "is longer than 1,000 bytes (is a quotation mark left open?)"));
    }
    let text = std::str::from_utf8(&row[0]).map_err(|_| ("name", "is not valid UTF-8; save the file as UTF-8"))?;
    name(text, whole);
    if whole.is_empty() {
        return Err(("name", "holds no letter or digit"));
    }
    let count = &row[1];
    if !(1..=MOST_DIGITS).contains(&count.len()) || !count.iter().all(u8::is_ascii_digit) {
        return Err(("count", "is not a whole number of at most 15 digits"));
    }
    Ok(count.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// Which file, and how many names.
impl fmt::Debug for RarityList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RarityList { path, sha256, .. } = self;
        f.debug_struct("RarityList").field("path", path).field("sha256", sha256).finish_non_exhaustive()
    }
}
