//! anonlink's JSON files of encodings, `{"clks": [...]}`: no lengths, no manifest, no row ids; a row is its place.
//!
//! Base64 (RFC 4648, padded) of each CLK's bytes. clkhash puts bit 0 into the most significant bit of the first byte and
//! [`BitMatrix`] into the least significant: the bytes are taken as they are, and no comparison sees the difference. A
//! CLK of 1001 bits is 126 bytes in a file, and comes back as 1008 bits.

mod json;

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::cohort::BitMatrix;
use crate::error::{Error, Result};

/// The most bits of a CLK that is read from a file: 16,777,216, two mebibytes.
pub const MAX_CLK_BITS: usize = 1 << 24;

/// CLKs in the order of their rows, as anonlink exchanges them. `Debug` says how many there are, and shows no bit.
#[derive(Clone, PartialEq, Eq)]
pub struct Clks {
    matrix: BitMatrix,
}

/// CLKs with the names of the blocks that each is in: `{"clknblocks": [["base64", "block", …], …]}`, what anonlink-client
/// uploads to the entity service. `Debug` says how many there are, and shows neither bits nor blocks.
#[derive(Clone, PartialEq, Eq)]
pub struct ClksAndBlocks {
    /// The CLKs.
    pub clks: Clks,
    /// For each CLK the names of its blocks, in the file's order.
    pub blocks: Vec<Vec<String>>,
}

impl Clks {
    /// CLKs that are a matrix of bits already.
    #[must_use]
    pub fn from_matrix(matrix: BitMatrix) -> Self {
        Clks { matrix }
    }

    /// Reads `{"clks": [...]}` from a file. Other keys are passed over, so that the file of a
    /// [`Cohort`](crate::Cohort) with one encoding can be read too. White space inside base64 is passed over.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io); [`ErrorKind::Key`](crate::ErrorKind::Key) where it is no such file and a
    /// line of it is a key; [`ErrorKind::Cohort`](crate::ErrorKind::Cohort), naming the row, where a CLK is not base64, is
    /// empty, is longer than [`MAX_CLK_BITS`], or has another length than the first; where there is no list of CLKs, and
    /// where the file is sealed. Memory grows with the file's size, whatever the file claims to hold.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        read(path.as_ref(), json::read_clks)
    }

    /// Reads `{"clks": [...]}` from JSON text, as [`read`](Self::read) does from a file.
    ///
    /// # Errors
    /// [`ErrorKind::Cohort`](crate::ErrorKind::Cohort).
    pub fn from_json(text: &[u8]) -> Result<Self> {
        json::read_clks(text)
    }

    /// Writes the CLKs to a file, whole or not at all: the bytes that [`to_json`](Self::to_json) gives.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        crate::file::write(path.as_ref(), crate::file::Access::Default, |file| self.write_to(file))
    }

    /// The CLKs as JSON text, byte for byte what Python's `json.dumps({"clks": [...]})` gives: on one line, with `", "`
    /// between CLKs, and without a line feed at the end.
    ///
    /// # Panics
    /// Never: writing to memory does not fail.
    #[must_use]
    #[expect(clippy::expect_used, reason = "writing to a vector does not fail")]
    pub fn to_json(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.rows() * (self.matrix.row_bytes().div_ceil(3) * 4 + 4) + 12);
        self.write_to(&mut text).expect("writing to memory does not fail");
        text
    }

    fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let (mut bytes, mut text) = (Vec::new(), String::new());
        out.write_all(b"{\"clks\": [")?;
        for row in 0..self.rows() {
            self.matrix.read_bytes(row, &mut bytes);
            text.clear();
            text.push_str(if row == 0 { "\"" } else { ", \"" });
            STANDARD.encode_string(&bytes, &mut text);
            text.push('"');
            out.write_all(text.as_bytes())?;
        }
        out.write_all(b"]}")
    }

    /// The bits, a row for each CLK.
    #[must_use]
    pub fn matrix(&self) -> &BitMatrix {
        &self.matrix
    }

    /// How many CLKs there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.matrix.rows()
    }

    /// Length of a CLK in bits: as read from a file, a multiple of 8. Without CLKs it means nothing.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.matrix.bits()
    }
}

impl ClksAndBlocks {
    /// Reads `{"clknblocks": [...]}` from a file.
    ///
    /// # Errors
    /// As [`Clks::read`], and where a row is not a list of a CLK and names of blocks.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        read(path.as_ref(), json::read_clks_and_blocks)
    }

    /// Reads `{"clknblocks": [...]}` from JSON text, as [`read`](Self::read) does from a file.
    ///
    /// # Errors
    /// [`ErrorKind::Cohort`](crate::ErrorKind::Cohort).
    pub fn from_json(text: &[u8]) -> Result<Self> {
        json::read_clks_and_blocks(text)
    }
}

fn read<T>(path: &Path, parse: impl FnOnce(BufReader<File>) -> Result<T>) -> Result<T> {
    let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    parse(BufReader::with_capacity(1 << 16, file)).map_err(|e| crate::cohort::explain(path, e))
}

impl fmt::Debug for Clks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clks({} rows of {} bits)", self.rows(), self.bits())
    }
}

impl fmt::Debug for ClksAndBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClksAndBlocks({} rows of {} bits)", self.clks.rows(), self.clks.bits())
    }
}
