//! Deleting what is no longer needed, and a receipt for it.
//!
//! What a receipt proves: that somebody with the log says that files of these SHA-256 were removed at this time. What
//! removing a file does not do: the bytes stay on the disk until something is written over them, which on a solid-state disk
//! or a file system that keeps snapshots may be never, and copies elsewhere (backups, mail, a colleague's folder) are other
//! files. Files of people and of encodings therefore belong on an encrypted disk, whose key is destroyed with it; where
//! copies went is in the log's `release` and `seal` events.
//!
//! A receipt names files and their hashes and holds nothing of what was in them. The hash of a file of very few people could
//! be tried out by somebody who guesses all of it; receipts stay with the log.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::event_log::{Action, Event, EventLog, Timestamp, Verdict};
use crate::file::{self, Access};
use crate::schema::Schema;

/// What was deleted, when, by whom and why. As JSON: a file for the project's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The form of the receipt: 1.
    pub version: u32,
    /// The project's id.
    pub project: String,
    /// The schema's fingerprint.
    pub fingerprint: String,
    /// When, in UTC, RFC 3339.
    pub time: String,
    /// Who did it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// The files, in the order in which they were removed.
    pub files: Vec<Deleted>,
    /// What was not done, in words.
    pub caveat: String,
    /// The program.
    pub tool: String,
}

/// A file that was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deleted {
    /// Its name, as it was given.
    pub file: String,
    /// How long it was.
    pub bytes: u64,
    /// The SHA-256 of its content.
    pub sha256: String,
}

/// What every receipt says.
const CAVEAT: &str = "The files were removed from their folders. Bytes on a disk may outlive that, and copies elsewhere are other \
                      files: see to backups, and destroy the key of the encrypted disk where the agreement asks for it.";

/// Removes files, writes the receipt to a new file, and appends a `delete` event with the receipt's SHA-256 to the log.
///
/// All files are read before the first is removed: where one cannot be, none is. Where one cannot be removed, the receipt and
/// the log say what was, with the verdict `refused`, and the error is given.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io); [`ErrorKind::Argument`](crate::ErrorKind::Argument) where there is nothing to
/// delete, or actor or reason are not what a log takes; [`ErrorKind::File`](crate::ErrorKind::File) where the receipt is there
/// already, or a file is a folder; and as [`EventLog::append`].
pub fn delete(
    files: &[PathBuf],
    schema: &Schema,
    actor: &str,
    reason: &str,
    log: &mut EventLog,
    receipt: impl AsRef<Path>,
) -> Result<Receipt> {
    let path = receipt.as_ref();
    if files.is_empty() {
        return Err(Error::argument("there is nothing to delete"));
    }
    if path.exists() {
        return Err(Error::file(path, "is there already, and is not overwritten"));
    }
    let mut told = Receipt {
        version: 1,
        project: schema.project().id().to_owned(),
        fingerprint: schema.fingerprint().to_owned(),
        time: String::new(),
        actor: actor.to_owned(),
        reason: reason.to_owned(),
        files: Vec::new(),
        caveat: CAVEAT.to_owned(),
        tool: concat!("pprl ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    // What the log would refuse is refused before anything is gone.
    event(&told, schema, &"0".repeat(64)).check()?;
    let looked_at: Vec<Deleted> = files.iter().map(|file| look_at(file)).collect::<Result<_>>()?;
    let mut failed = None;
    for (file, deleted) in files.iter().zip(looked_at) {
        if let Err(error) = fs::remove_file(file) {
            failed = Some(Error::io(file, "delete", error));
            break;
        }
        told.files.push(deleted);
    }
    told.time = Timestamp::now().to_string();
    let mut text =
        serde_json::to_vec_pretty(&told).map_err(|error| Error::io(path, "write", std::io::Error::other(error)))?;
    text.push(b'\n');
    file::write(path, Access::Private, |out| out.write_all(&text))?;
    let verdict = if failed.is_none() { Verdict::Done } else { Verdict::Refused };
    log.append(event(&told, schema, &crate::hex(&Sha256::digest(&text))).verdict(verdict))?;
    failed.map_or(Ok(told), Err)
}

fn event(receipt: &Receipt, schema: &Schema, digest: &str) -> Event {
    let event = Event::new(Action::Delete, &receipt.actor).schema(schema);
    let bytes = receipt.files.iter().map(|file| file.bytes).sum();
    event
        .count("files", receipt.files.len() as u64)
        .count("bytes", bytes)
        .reason(format!("{}; receipt sha256 {digest}", receipt.reason))
}

/// The name, length and hash of a file; memory does not grow with it.
fn look_at(path: &Path) -> Result<Deleted> {
    let mut file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Error::file(path, "is a folder; name the files in it"));
    }
    let (mut hash, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => {
                hash.update(&piece[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io(path, "read", error)),
        }
    }
    Ok(Deleted { file: path.display().to_string(), bytes, sha256: crate::hex(&hash.finalize()) })
}
