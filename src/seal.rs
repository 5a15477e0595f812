//! Cohort files on their way: encrypted to the linkage unit, signed by the data owner.
//!
//! What crosses is pseudonymised personal data. Sealed, it can be sent by any way: only the linkage unit can open it,
//! and it sees who made it and that nothing was changed. The file is an age file (<https://age-encryption.org/v1>) with
//! one X25519 recipient; the signature (Ed25519, RFC 8032), the owner's public key and the whole cohort with its
//! manifest are inside. `docs/sealing.md` specifies it.
//!
//! At the data owner, once `recipient.txt` has come from the linkage unit by a way that can be trusted:
//!
//! ```no_run
//! use pprl::Cohort;
//! use pprl::seal::{Recipient, SigningKey, seal};
//!
//! # fn main() -> pprl::Result<()> {
//! let cohort = Cohort::read("police.cohort.json")?;
//! let recipient = Recipient::from_path("recipient.txt")?;
//! seal(&cohort, &recipient, &SigningKey::from_path("police.signing.key")?, "police.cohort.age")?;
//! # Ok(())
//! # }
//! ```
//!
//! At the linkage unit, which has the owners' public keys:
//!
//! ```no_run
//! use pprl::seal::{Identity, PublicKey, Trusted, open};
//!
//! # fn main() -> pprl::Result<()> {
//! let trusted = Trusted::new().party("police", PublicKey::from_path("police.public")?);
//! let opened = open("police.cohort.age", &Identity::from_path("unit.identity")?, &trusted)?;
//! println!("{} rows, signed for {}", opened.cohort.rows(), opened.signer);
//! # Ok(())
//! # }
//! ```
//!
//! What it does not give: a sealed file that is sent again is opened again (each cohort has row ids of its own, by
//! which a second copy can be known); whoever later gets the linkage unit's identity can open all files that were
//! sealed to it; X25519 is not proof against a large quantum computer.

mod agreement;
mod envelope;
mod keys;

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

pub use self::agreement::{SchemaSignature, check_signed};
use self::envelope::{ContentHash, Envelope, Hashing};
pub use self::keys::{Identity, PublicKey, Recipient, SigningKey, Trusted};
use crate::cohort::{Cohort, SMALL_FILE};
use crate::error::{Error, Result};
use crate::file::{self, Access};
use crate::key_file::Scan;

/// A cohort that was sealed, and who signed it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The cohort.
    pub cohort: Cohort,
    /// The party whose trusted key signed it: the cohort's own.
    pub signer: String,
}

/// Seals a cohort into a file: whole or not at all. Two files of one cohort differ, since age draws a new key for each.
///
/// # Errors
/// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where the cohort has fewer than [`SMALL_FILE`] rows and its
/// manifest no reason for that; [`ErrorKind::Io`](crate::ErrorKind::Io); [`ErrorKind::File`](crate::ErrorKind::File)
/// where it cannot be encrypted to this recipient.
pub fn seal(cohort: &Cohort, recipient: &Recipient, key: &SigningKey, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    if cohort.rows() < SMALL_FILE && cohort.manifest().release_small.is_none() {
        let party = cohort.party();
        return Err(Error::argument(format!(
            "the cohort of {party} has fewer than {SMALL_FILE} rows, and is not sealed without a reason: encode it with one"
        )));
    }
    let mut hash = Hashing::new(io::sink());
    cohort.write_to(&mut hash).map_err(|e| Error::io(path, "write", e))?;
    let envelope = Envelope::sign(cohort.manifest(), recipient, key, &hash.finish());
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient.0 as &dyn age::Recipient))
        .map_err(|_| Error::file(path, "cannot be sealed to this recipient"))?;
    file::write(path, Access::Default, |out| {
        // Small writes are gathered by age, in pieces of 64 KiB.
        let mut sealed = encryptor.wrap_output(out)?;
        envelope.write(&mut sealed)?;
        cohort.write_to(&mut sealed)?;
        sealed.finish()?.flush()
    })
}

/// Opens a sealed file: only where it was sealed to this identity and signed, for it, by the key that is trusted for
/// the party whose cohort it is. Nothing of the cohort is looked at before the signature is; memory grows with the
/// cohort, not with what the file claims.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io); [`ErrorKind::File`](crate::ErrorKind::File) where it is no sealed cohort,
/// was sealed to another, was altered or cut short, is not signed, is signed by another than the party's key or for
/// another recipient, or holds another party's cohort; [`ErrorKind::Cohort`](crate::ErrorKind::Cohort) where what was
/// signed is no cohort; [`ErrorKind::Key`](crate::ErrorKind::Key) where it is, or holds, a key file.
pub fn open(path: impl AsRef<Path>, identity: &Identity, trusted: &Trusted) -> Result<Opened> {
    let path = path.as_ref();
    let wrong = |problem: &str| Error::file(path, problem);
    // Once to check the signature, once to read: a cohort need not fit into memory twice.
    let (envelope, content) = check(path, identity)?;
    let Envelope { party, fingerprint, recipient, .. } = &envelope;
    if *recipient != identity.recipient().to_string() {
        return Err(wrong("was sealed by its owner to another recipient, and by somebody else to this one"));
    }
    let Some(key) = trusted.get(party) else {
        return Err(wrong(&format!("says that it is from {party}, and no key is trusted for this party")));
    };
    if !envelope.is_signed_by(&key, &content) {
        return Err(wrong(&format!("is not signed by the key that is trusted for {party}")));
    }
    let (_, input) = decrypt(path, identity)?;
    let mut input = Hashing::new(input);
    let cohort = Cohort::read_from(&mut input).map_err(|e| e.in_file(path))?;
    if input.finish() != content {
        return Err(wrong("was changed while it was read"));
    }
    if cohort.party() != party || cohort.manifest().fingerprint != *fingerprint {
        return Err(wrong("holds the cohort of another party or schema than it is signed for"));
    }
    Ok(Opened { cohort, signer: envelope.party })
}

/// Whether a file begins as sealed files do. Only [`open`] says whether it is one.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io).
pub fn is_sealed(path: impl AsRef<Path>) -> Result<bool> {
    let path = path.as_ref();
    File::open(path).map_err(|e| Error::io(path, "read", e))?;
    Ok(crate::cohort::is_sealed(path))
}

/// The envelope and the hash of what follows it.
fn check(path: &Path, identity: &Identity) -> Result<(Envelope, ContentHash)> {
    let (envelope, mut input) = decrypt(path, identity)?;
    let (mut hash, mut scan) = (Hashing::new(io::sink()), Scan::default());
    let mut piece = vec![0; 1 << 16];
    loop {
        match input.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => {
                scan.feed(&piece[..read]);
                hash.write_all(&piece[..read]).map_err(|e| Error::io(path, "read", e))?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(path, error)),
        }
    }
    scan.finish(path)?;
    Ok((envelope, hash.finish()))
}

/// Opens the file up to the cohort in it.
fn decrypt(path: &Path, identity: &Identity) -> Result<(Envelope, impl Read)> {
    let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    let decryptor = match age::Decryptor::new_buffered(BufReader::with_capacity(1 << 16, file)) {
        Ok(decryptor) => decryptor,
        Err(error) => {
            crate::key_file::refuse_file(path)?;
            return Err(undecryptable(path, error));
        }
    };
    let input = decryptor
        .decrypt(std::iter::once(&identity.0 as &dyn age::Identity))
        .map_err(|error| undecryptable(path, error))?;
    let mut input = BufReader::with_capacity(1 << 16, input);
    match Envelope::read(&mut input) {
        Ok(Some(envelope)) => Ok((envelope, input)),
        Ok(None) => Err(Error::file(path, "holds no signed cohort, or one of a form that this program does not know")),
        Err(error) => Err(unreadable(path, error)),
    }
}

fn undecryptable(path: &Path, error: age::DecryptError) -> Error {
    match error {
        age::DecryptError::NoMatchingKeys => Error::file(path, "was sealed to another recipient than this one"),
        age::DecryptError::Io(error) => unreadable(path, error),
        _ => Error::file(path, "is not a sealed cohort, or was altered or cut short"),
    }
}

/// age says of what was altered or cut short that its data are invalid, or end too early.
fn unreadable(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            Error::file(path, "is not a sealed cohort, or was altered or cut short")
        }
        _ => Error::io(path, "read", error),
    }
}
