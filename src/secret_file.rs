//! Files that hold a secret: readable by their owner only, and never written over.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

/// What such a file holds at most: a key, a line end and a few lines of comment.
pub(crate) const MOST_FILE_BYTES: u64 = 1024;

/// Reads a file of fewer than [`MOST_FILE_BYTES`] bytes; `None` where it is longer. On Unix nobody but its owner may be
/// allowed to read or write it.
pub(crate) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    check_mode(path, &file)?;
    // With room for all of it: a vector that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(MOST_FILE_BYTES as usize));
    let taken = file.take(MOST_FILE_BYTES).read_to_end(&mut text).map_err(|e| Error::io(path, "read", e))?;
    Ok((taken as u64 != MOST_FILE_BYTES).then_some(text))
}

/// Writes a new file that only its owner can read (mode 0600 on Unix), or none.
pub(crate) fn write(path: &Path, text: &[u8]) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|e| Error::io(path, "create", e))?;
    file.write_all(text).and_then(|()| file.sync_all()).map_err(|e| {
        // Half a key is worse than none; the error that matters is the first.
        let _ = fs::remove_file(path);
        Error::io(path, "write", e)
    })
}

/// A key of 32 bytes from 64 hexadecimal digits of either case.
pub(crate) fn unhex(digits: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0u8; 32]);
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = (high * 16 + low) as u8;
    }
    Some(key)
}

/// Appends lower-case hexadecimal digits; the text must have room for them.
pub(crate) fn append_hex(bytes: &[u8], text: &mut Vec<u8>) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(b"0123456789abcdef"[nibble as usize]);
        }
    }
}

#[cfg(unix)]
pub(crate) fn check_mode(path: &Path, file: &File) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().map_err(|e| Error::io(path, "read", e))?.permissions().mode();
    let others = mode & 0o077;
    if others == 0 {
        return Ok(());
    }
    let problem = format!(
        "others can read or change it (mode {:04o}); make a new key, or if nobody has seen this one: chmod 600",
        mode & 0o7777
    );
    Err(ErrorKind::Key { path: path.to_owned(), problem }.into())
}

#[cfg(not(unix))]
pub(crate) fn check_mode(_: &Path, _: &File) -> Result<()> {
    // Access control lists are not modes; docs/data-owner.md says how to restrict the file there.
    Ok(())
}
