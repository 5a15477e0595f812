//! Key files where none must be: whoever reads what other organisations sent refuses them by name.
//!
//! The linkage unit must never hold a project key. Where somebody sends one by mistake, as a cohort, a schema or a
//! table, the program must not go on as if it were a broken file: the key is no longer a secret.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// How an owner's key for signing begins: `docs/sealing.md`.
pub(crate) const SIGNING_KEY: &str = "PPRL-SIGNING-KEY-1";

/// How age writes the key that opens sealed files.
const IDENTITY: &[u8] = b"AGE-SECRET-KEY-";

const DIGITS: usize = 64;

/// Longer lines are no keys.
const MOST_LINE: usize = 256;

/// What a file holds that must not be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// 64 hexadecimal digits alone on a line: a project key, or a seed, which is written in the same form.
    ProjectKey,
    /// A key for sealing.
    SealingKey,
}

/// Looks for lines that are keys in what it is fed, in pieces of any size.
#[derive(Default)]
pub(crate) struct Scan {
    line: Vec<u8>,
    long: bool,
    found: Option<Found>,
}

impl Scan {
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            self.add(&bytes[..end]);
            self.end_of_line();
            bytes = &bytes[end + 1..];
        }
        self.add(bytes);
    }

    fn add(&mut self, bytes: &[u8]) {
        self.long |= self.line.len() + bytes.len() > MOST_LINE;
        if !self.long {
            self.line.extend_from_slice(bytes);
        }
    }

    fn end_of_line(&mut self) {
        if !self.long && self.found.is_none() {
            self.found = key(&self.line);
        }
        self.line.clear();
        self.long = false;
    }

    /// Refuses the file where a line of it was a key.
    pub(crate) fn finish(mut self, path: &Path) -> Result<()> {
        self.end_of_line();
        let problem = match self.found {
            None => return Ok(()),
            Some(Found::ProjectKey) => {
                "holds what looks like a project key or a seed (64 hexadecimal digits alone on a line). Such a file never \
                 leaves its data owner: do not pass it on, tell whoever sent it that the project needs a new key, and delete it"
            }
            Some(Found::SealingKey) => {
                "holds a secret key for sealing, which is never sent to anybody: do not pass it on, tell whoever sent it to \
                 make a new one, and delete it"
            }
        };
        Err(ErrorKind::Key { path: path.to_owned(), problem: problem.into() }.into())
    }
}

/// Whether a line is a key and nothing else, but for spaces, quotation marks and what separates columns.
fn key(line: &[u8]) -> Option<Found> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let around = |byte: &u8| byte.is_ascii_whitespace() || b"\"',;".contains(byte);
    let start = line.iter().position(|byte| !around(byte))?;
    let end = line.iter().rposition(|byte| !around(byte))?;
    let line = &line[start..=end];
    if line.len() == DIGITS && line.iter().all(u8::is_ascii_hexdigit) {
        return Some(Found::ProjectKey);
    }
    let sealing = line.len() > DIGITS && (line.starts_with(SIGNING_KEY.as_bytes()) || line.starts_with(IDENTITY));
    sealing.then_some(Found::SealingKey)
}

/// Refuses a file of this content where a line of it is a key.
pub(crate) fn refuse(path: &Path, content: &[u8]) -> Result<()> {
    let mut scan = Scan::default();
    scan.feed(content);
    scan.finish(path)
}

/// As [`refuse`], for a file of any size; what cannot be read is left to whoever reads it next.
pub(crate) fn refuse_file(path: &Path) -> Result<()> {
    let mut scan = Scan::default();
    let Ok(file) = File::open(path) else { return Ok(()) };
    let mut input = BufReader::with_capacity(1 << 16, file);
    loop {
        let read = match input.fill_buf() {
            Ok(bytes) => {
                scan.feed(bytes);
                bytes.len()
            }
            Err(error) => return Err(Error::io(path, "read", error)),
        };
        if read == 0 {
            return scan.finish(path);
        }
        input.consume(read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff";

    fn found(text: &str) -> Option<ErrorKind> {
        let whole = refuse(Path::new("x"), text.as_bytes()).err();
        // In pieces of every size, the same.
        for size in [1, 7, 63, 64, 65] {
            let mut scan = Scan::default();
            text.as_bytes().chunks(size).for_each(|piece| scan.feed(piece));
            assert_eq!(scan.finish(Path::new("x")).is_err(), whole.is_some());
        }
        if let Some(error) = &whole {
            let shown = format!("{error} {error:?}");
            assert!(!shown.to_lowercase().contains("aabbcc") && shown.contains('x'), "{shown}");
        }
        whole.map(Error::into_kind)
    }

    #[test]
    fn keys_are_found_wherever_they_stand() {
        let identity = format!("AGE-SECRET-KEY-1{}", "Q".repeat(58));
        for (text, word) in [
            (format!("{KEY}\n"), "project key"),
            (KEY.to_owned(), "project key"),
            (format!("\u{feff}{KEY}\r\n"), "project key"),
            (format!("row_id,group\n \"{KEY}\",\r\nx,y\n"), "project key"),
            (format!("{}\n{KEY}", "x".repeat(100_000)), "project key"),
            (format!("# a comment\n{identity}\n"), "sealing"),
            (format!("{SIGNING_KEY} {KEY}\n"), "sealing"),
        ] {
            let Some(ErrorKind::Key { problem, .. }) = found(&text) else { panic!("not found: {text}") };
            assert!(problem.contains(word), "{problem}");
        }
    }

    #[test]
    fn what_is_no_key_is_left_alone() {
        for text in [
            String::new(),
            "\n\n".into(),
            KEY[1..].into(),
            format!("{KEY}0"),
            format!("fingerprint = \"{KEY}\"\n"),
            format!("{KEY},x"),
            KEY.replace('A', "g"),
            format!("{}{KEY}", "x".repeat(300)),
            format!("{SIGNING_KEY}\n"),
        ] {
            assert!(found(&text).is_none(), "{text}");
        }
    }
}
