//! The cohort: what crosses from a data owner to the linkage unit, and nothing else does.
//!
//! Random row ids, one bit matrix per encoding, keyed match keys, how rare names are where the schema asks for it, and a
//! [`Manifest`]. A `Cohort` that exists matches its
//! manifest. Encodings are pseudonymised personal data: keep and send them as such.

mod bits;
pub(crate) mod json;
mod manifest;
mod rarity;

use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};

pub use self::bits::BitMatrix;
#[cfg(any(feature = "audit", feature = "linkage"))]
pub(crate) use self::bits::{differing, ones};
pub use self::manifest::{EncodingEntry, Manifest};
pub use self::rarity::RarityColumn;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{ENCODING_VERSION, MAX_RARITY_CLASSES, MatchKey, Schema};

/// The most rows that a cohort may have.
pub const MAX_ROWS: usize = u32::MAX as usize;

/// The most characters of a reason.
const MAX_REASON: usize = 500;

/// How a file begins that is encrypted with age.
const AGE: &[u8; 22] = b"age-encryption.org/v1\n";

/// Fewer people than this do not leave their owner without a reason: `Encoder::release_small`.
///
/// In a small file there are few whom a row can be: who knows who is in it can name people by elimination, and known
/// people are soon a large share of it. A hundred is a convention, not a result; no number of rows makes a file safe.
pub const SMALL_FILE: usize = 100;

/// A random 128-bit id of a row in one cohort. It is new in every cohort and not derived from anything about a person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(pub [u8; 16]);

/// The keyed hash of an exact combination of fields: 128 bits of an HMAC-SHA256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatchKeyValue(pub [u8; 16]);

/// The encodings of one data owner's people. See the [module](self).
#[derive(Clone, PartialEq, Eq)]
pub struct Cohort {
    manifest: Manifest,
    row_ids: Vec<RowId>,
    encodings: Vec<BitMatrix>,
    match_keys: Vec<Vec<Option<MatchKeyValue>>>,
    rarity: Vec<RarityColumn>,
}

impl Cohort {
    /// Reads a cohort file (JSON) and checks all of it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where it cannot be read; [`ErrorKind::Key`] where it is no cohort and a line of it is a key;
    /// [`ErrorKind::Cohort`] where it is not a cohort, is sealed, was cut short or changed, holds a row of the wrong size
    /// or a row id twice. Memory grows with the file's size, whatever the file claims to hold.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = std::fs::File::open(path).map_err(|e| Error::io(path, "read", e))?;
        Self::read_from(file).map_err(|e| explain(path, e))
    }

    pub(crate) fn read_from(input: impl std::io::Read) -> Result<Self> {
        json::read(std::io::BufReader::with_capacity(1 << 16, input))
    }

    #[cfg(feature = "seal")]
    pub(crate) fn write_to(&self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        json::write(self, out)
    }

    /// Reads a cohort from JSON text, as [`read`](Self::read) does from a file.
    ///
    /// # Errors
    /// [`ErrorKind::Cohort`].
    pub fn from_json(text: &[u8]) -> Result<Self> {
        json::read(text)
    }

    /// Writes the cohort to a file (JSON): whole or not at all.
    ///
    /// Where the schema has a single encoding the file is also an anonlink upload (`{"clks": [...]}`).
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        crate::file::write(path.as_ref(), crate::file::Access::Default, |file| json::write(self, file))
    }

    /// The cohort as JSON text.
    ///
    /// # Panics
    /// Never: writing to memory does not fail.
    #[must_use]
    #[expect(clippy::expect_used, reason = "writing to a vector does not fail")]
    pub fn to_json(&self) -> Vec<u8> {
        let mut text = Vec::new();
        json::write(self, &mut text).expect("writing to memory does not fail");
        text
    }

    /// What the cohort says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The data owner.
    #[must_use]
    pub fn party(&self) -> &str {
        &self.manifest.party
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.row_ids.len()
    }

    /// The row ids, ascending where this crate made the cohort.
    #[must_use]
    pub fn row_ids(&self) -> &[RowId] {
        &self.row_ids
    }

    /// The encodings, in the schema's order; each has one row per row id.
    #[must_use]
    pub fn encodings(&self) -> &[BitMatrix] {
        &self.encodings
    }

    /// The match keys, in the schema's order; each has one value per row id, `None` where a field was missing.
    #[must_use]
    pub fn match_keys(&self) -> &[Vec<Option<MatchKeyValue>>] {
        &self.match_keys
    }

    /// How rare the names of each row are: a column for each of [`Schema::rarity`], in its order, with one class per row id.
    /// Empty unless the schema asks for it.
    #[must_use]
    pub fn rarity(&self) -> &[RarityColumn] {
        &self.rarity
    }

    /// Refuses a schema that is not the one this cohort was made under.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`].
    pub fn check_schema(&self, schema: &Schema) -> Result<()> {
        let mismatch = |problem: String| Err(ErrorKind::Mismatch { problem }.into());
        let Manifest { party, fingerprint, encoding_version, encodings, match_keys, rarity, .. } = &self.manifest;
        if fingerprint != schema.fingerprint() {
            return mismatch(format!(
                "the cohort of {party} was made under another schema (fingerprint {}…, this schema has {}…)",
                &fingerprint[..12],
                &schema.fingerprint()[..12]
            ));
        }
        if *encoding_version != ENCODING_VERSION {
            return mismatch(format!(
                "the cohort of {party} uses encoding version {encoding_version}; this program knows {ENCODING_VERSION}"
            ));
        }
        let same = encodings.len() == schema.encodings().len()
            && encodings.iter().zip(schema.encodings()).all(|(e, s)| e.name == s.name() && e.bits == s.output())
            && match_keys.iter().map(String::as_str).eq(schema.match_keys().iter().map(MatchKey::name))
            && rarity.iter().eq(schema.rarity().iter().map(|rarity| &schema.fields()[rarity.field()].name))
            && self.rarity.iter().zip(schema.rarity()).all(|(column, rarity)| column.fits(rarity.classes()));
        if !same || !schema.project().parties().contains(party) {
            return mismatch("a cohort's manifest does not fit the schema whose fingerprint it carries".into());
        }
        Ok(())
    }

    /// A cohort from its parts; the one way to make one. Fills in the manifest's digest, or checks it where there is one.
    pub(crate) fn new(
        mut manifest: Manifest,
        row_ids: Vec<RowId>,
        encodings: Vec<BitMatrix>,
        match_keys: Vec<Vec<Option<MatchKeyValue>>>,
        rarity: Vec<RarityColumn>,
    ) -> Result<Self> {
        let rows = row_ids.len();
        if rows > MAX_ROWS {
            return Err(Error::cohort("there are more rows than a cohort may have"));
        }
        if manifest.rows != rows as u64 {
            return Err(Error::cohort(format!(
                "the manifest says {} rows, there are {rows} row ids: the file was cut short or changed",
                manifest.rows
            )));
        }
        let hexadecimal = |text: &str, digits| {
            text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        if !hexadecimal(&manifest.fingerprint, 64) || !hexadecimal(&manifest.key_check, 16) {
            return Err(Error::cohort("the manifest's fingerprint or key check value is malformed"));
        }
        // What messages show of a foreign file is letters that a schema allows, not codes for a terminal.
        let plain = |name: &String| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        if !plain(&manifest.party) || !plain(&manifest.project) {
            return Err(Error::cohort("the manifest's party or project is malformed"));
        }
        let line = |reason: &String| reason.chars().count() <= MAX_REASON && !reason.contains(char::is_control);
        if !manifest.release_small.iter().all(line) {
            return Err(Error::cohort("the manifest's reason for a small file is malformed"));
        }
        if encodings.is_empty() || encodings.len() != manifest.encodings.len() {
            return Err(Error::cohort("the encodings are not those that the manifest names"));
        }
        for (matrix, entry) in encodings.iter().zip(&manifest.encodings) {
            if matrix.bits() != entry.bits || matrix.rows() != rows {
                return Err(Error::cohort(format!("an encoding has {} rows for {rows} row ids", matrix.rows())));
            }
        }
        if match_keys.len() != manifest.match_keys.len() || match_keys.iter().any(|column| column.len() != rows) {
            return Err(Error::cohort("the match keys are not those that the manifest names, one for every row"));
        }
        let fits = |column: &RarityColumn| column.rows() == rows && column.fits(MAX_RARITY_CLASSES);
        if rarity.len() != manifest.rarity.len() || !rarity.iter().all(fits) {
            return Err(Error::cohort(
                "the rarity is not that of the fields that the manifest names, one class for every row",
            ));
        }
        if let Some(row) = first_repeat(&row_ids) {
            return Err(Error::cohort_row(row as u64 + 1, "this row id stands in the file twice"));
        }
        let digest = digest(&manifest, &row_ids, &encodings, &match_keys, &rarity);
        if manifest.sha256.is_empty() {
            manifest.sha256 = digest;
        } else if manifest.sha256 != digest {
            return Err(Error::cohort("the content does not match the manifest's SHA-256: the file was changed"));
        }
        Ok(Cohort { manifest, row_ids, encodings, match_keys, rarity })
    }
}

/// The manifest only: encodings in a log are encodings that left the building.
impl fmt::Debug for Cohort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cohort").field("manifest", &self.manifest).finish_non_exhaustive()
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::hex(&self.0))
    }
}

impl fmt::Debug for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowId({self})")
    }
}

impl fmt::Debug for MatchKeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MatchKeyValue(..)")
    }
}

impl std::str::FromStr for RowId {
    type Err = Error;

    /// Reads 32 lower-case hexadecimal digits.
    fn from_str(text: &str) -> Result<Self> {
        unhex(text).map(RowId).ok_or_else(|| Error::argument("a row id has 32 lower-case hexadecimal digits"))
    }
}

/// What to say of a file that is no cohort. A line of a cohort cannot be a key; of what is no cohort, one may be.
pub(crate) fn explain(path: &Path, error: Error) -> Error {
    let key = crate::key_file::refuse_file(path).err();
    let sealed = || is_sealed(path).then(|| Error::cohort("is sealed, and must be opened first"));
    key.or_else(sealed).unwrap_or(error).in_file(path)
}

/// Whether a file begins as those do that are encrypted with age.
pub(crate) fn is_sealed(path: &Path) -> bool {
    let mut start = [0; AGE.len()];
    let read = std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut start));
    read.is_ok() && start == *AGE
}

/// 32 lower-case hexadecimal digits to 16 bytes.
fn unhex(text: &str) -> Option<[u8; 16]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 16];
    let digits = text.as_bytes();
    if digits.len() != 32 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// The place of an id that stands before it too.
fn first_repeat(ids: &[RowId]) -> Option<usize> {
    if ids.is_sorted_by(|a, b| a < b) {
        return None;
    }
    let mut places: Vec<u32> = (0..ids.len() as u32).collect();
    places.sort_by_key(|&place| (ids[place as usize], place));
    let repeats = places.windows(2).filter(|pair| ids[pair[0] as usize] == ids[pair[1] as usize]);
    repeats.map(|pair| pair[1] as usize).min()
}

/// `docs/encoding.md`, section 9.
fn digest(
    manifest: &Manifest,
    row_ids: &[RowId],
    encodings: &[BitMatrix],
    match_keys: &[Vec<Option<MatchKeyValue>>],
    rarity: &[RarityColumn],
) -> String {
    let add = |hash: &mut Sha256, text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    let mut hash = Sha256::new();
    let mut text = |text: &str| add(&mut hash, text);
    text(json::FORMAT);
    text(&manifest.encoding_version.to_string());
    text(&manifest.fingerprint);
    text(&manifest.project);
    text(&manifest.party);
    text(&manifest.key_check);
    text(&manifest.rows.to_string());
    text(&manifest.encodings.len().to_string());
    for entry in &manifest.encodings {
        text(&entry.name);
        text(&entry.bits.to_string());
    }
    text(&manifest.match_keys.len().to_string());
    for name in &manifest.match_keys {
        text(name);
    }
    text(manifest.accept_risk.as_deref().unwrap_or(""));
    for id in row_ids {
        hash.update(id.0);
    }
    let mut bytes = Vec::new();
    for matrix in encodings {
        for row in 0..matrix.rows() {
            matrix.read_bytes(row, &mut bytes);
            hash.update(&bytes);
        }
    }
    for value in match_keys.iter().flatten() {
        match value {
            Some(value) => {
                hash.update([1]);
                hash.update(value.0);
            }
            None => hash.update([0]),
        }
    }
    // What comes before says where it ends, so what is added here can be mistaken for nothing else.
    if !rarity.is_empty() {
        add(&mut hash, &rarity.len().to_string());
        manifest.rarity.iter().for_each(|name| add(&mut hash, name));
        rarity.iter().for_each(|column| hash.update(column.classes()));
    }
    if let Some(reason) = &manifest.release_small {
        // No number, as rarity begins with.
        add(&mut hash, "release_small");
        add(&mut hash, reason);
    }
    crate::hex(&hash.finalize())
}
