//! Who a file is for, and who it is from.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::Path;
use std::str::FromStr;

use age::secrecy::ExposeSecret;
use ed25519_dalek::{Signer, VerifyingKey};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::file::{self, Access};
use crate::key_file::SIGNING_KEY;
use crate::secret_file;

/// How a public key of an owner begins.
const PUBLIC_KEY: &str = "pprl-public-key-1";

/// What a file of a public key holds at most.
const MOST_FILE_BYTES: u64 = 4096;

/// The linkage unit's secret: opens what was sealed to its [`Recipient`]. An X25519 identity of age, in age's own form
/// (`AGE-SECRET-KEY-1…`), so that `age` and `rage` know it too. `Debug` shows nothing of it.
///
/// ```
/// let identity = pprl::seal::Identity::generate().unwrap();
/// assert_eq!(format!("{identity:?}"), "Identity(..)");
/// # serde_json::to_string(&format!("{identity:?}")).unwrap();
/// ```
/// ```compile_fail,E0277
/// # let identity = pprl::seal::Identity::generate().unwrap();
/// println!("{identity}"); // it cannot be printed
/// ```
/// ```compile_fail,E0277
/// # let identity = pprl::seal::Identity::generate().unwrap();
/// serde_json::to_string(&identity).unwrap(); // it cannot be serialised
/// ```
/// ```compile_fail,E0599
/// # let identity = pprl::seal::Identity::generate().unwrap();
/// let copy = identity.clone(); // there are no copies of it
/// ```
pub struct Identity(pub(super) age::x25519::Identity);

/// Whom a file is sealed to: the linkage unit's public key, `age1…`. No secret, but whoever seals must have it from the
/// linkage unit itself, by a way on which nobody can exchange it.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(pub(super) age::x25519::Recipient);

/// A data owner's secret: signs what it seals (Ed25519). It is not the project key: each owner has its own, and no
/// other owner can sign in its name. Wiped from memory when dropped; `Debug` shows nothing of it.
///
/// ```
/// let key = pprl::seal::SigningKey::generate().unwrap();
/// assert_eq!(format!("{key:?}"), "SigningKey(..)");
/// # serde_json::to_string(&format!("{key:?}")).unwrap();
/// ```
/// ```compile_fail,E0277
/// # let key = pprl::seal::SigningKey::generate().unwrap();
/// println!("{key}"); // it cannot be printed
/// ```
/// ```compile_fail,E0277
/// # let key = pprl::seal::SigningKey::generate().unwrap();
/// serde_json::to_string(&key).unwrap(); // it cannot be serialised
/// ```
/// ```compile_fail,E0599
/// # let key = pprl::seal::SigningKey::generate().unwrap();
/// let copy = key.clone(); // there are no copies of it
/// ```
pub struct SigningKey(ed25519_dalek::SigningKey);

/// What a data owner's signatures are checked with. No secret, but the linkage unit must have it from the owner itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// The public keys that a linkage unit trusts, by party.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusted(BTreeMap<String, PublicKey>);

fn wrong(path: &Path, problem: &str) -> Error {
    ErrorKind::Key { path: path.to_owned(), problem: problem.into() }.into()
}

impl Identity {
    /// A new one, from the operating system's randomness.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the operating system has no randomness to give.
    pub fn generate() -> Result<Self> {
        // age panics where there is none; ask first.
        crate::random::fill(&mut [0; 32])?;
        Ok(Identity(age::x25519::Identity::generate()))
    }

    /// Reads an identity file: one line `AGE-SECRET-KEY-1…`, and lines that are empty or begin with `#`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::Key`] where it holds no identity or several, or on Unix where anybody but its
    /// owner may read or write it.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let wrong = || wrong(path, "is not an identity file: one line AGE-SECRET-KEY-1…, beside comments");
        let text = secret_file::read(path)?.ok_or_else(wrong)?;
        let text = std::str::from_utf8(&text).map_err(|_| wrong())?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        match (lines.next().map(str::parse), lines.next()) {
            (Some(Ok(identity)), None) => Ok(Identity(identity)),
            _ => Err(wrong()),
        }
    }

    /// Writes the identity to a new file that only its owner can read (mode 0600 on Unix), as `age-keygen` does.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the file exists already (a key is never overwritten) or cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let secret = self.0.to_string();
        let mut text = Zeroizing::new(Vec::with_capacity(512));
        text.extend_from_slice(b"# public key: ");
        text.extend_from_slice(self.recipient().to_string().as_bytes());
        text.push(b'\n');
        text.extend_from_slice(secret.expose_secret().as_bytes());
        text.push(b'\n');
        secret_file::write(path.as_ref(), &text)
    }

    /// Whom others seal to so that this identity can open it.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        Recipient(self.0.to_public())
    }
}

impl Recipient {
    /// Reads a file with the one line `age1…`, and lines that are empty or begin with `#`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::Key`] where it is something else.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        read_public(path.as_ref(), "is not a linkage unit's public key: one line age1…, beside comments")
    }

    /// Writes the line to a file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        file::write(path.as_ref(), Access::Default, |out| writeln!(out, "{self}"))
    }
}

impl SigningKey {
    /// A new one, from the operating system's randomness.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the operating system has no randomness to give.
    pub fn generate() -> Result<Self> {
        let mut seed = Zeroizing::new([0; 32]);
        crate::random::fill(&mut *seed)?;
        Ok(SigningKey(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }

    /// Reads a file that [`write`](Self::write) wrote: `PPRL-SIGNING-KEY-1` and 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::Key`] where it holds something else (a project key, say), or on Unix where
    /// anybody but its owner may read or write it.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = secret_file::read(path)?;
        let digits = text.as_ref().and_then(|text| text.trim_ascii().strip_prefix(SIGNING_KEY.as_bytes()));
        let seed = digits.and_then(|digits| secret_file::unhex(digits.strip_prefix(b" ")?));
        let seed =
            seed.ok_or_else(|| wrong(path, "is not a key for signing: PPRL-SIGNING-KEY-1 and 64 hexadecimal digits"))?;
        if seed.iter().all(|&byte| byte == seed[0]) {
            return Err(wrong(path, "holds one byte 32 times over; that is no random key"));
        }
        Ok(SigningKey(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }

    /// Writes the key to a new file that only its owner can read (mode 0600 on Unix).
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the file exists already (a key is never overwritten) or cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut text = Zeroizing::new(Vec::with_capacity(SIGNING_KEY.len() + 66));
        text.extend_from_slice(SIGNING_KEY.as_bytes());
        text.push(b' ');
        secret_file::append_hex(self.0.as_bytes(), &mut text);
        text.push(b'\n');
        secret_file::write(path.as_ref(), &text)
    }

    /// What the linkage unit checks this key's signatures with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl PublicKey {
    /// Reads a file with the one line `pprl-public-key-1` and 64 hexadecimal digits, and lines that are empty or begin
    /// with `#`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::Key`] where it is something else.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let what =
            "is not an owner's public key: one line pprl-public-key-1 and 64 hexadecimal digits, beside comments";
        read_public(path.as_ref(), what)
    }

    /// Writes the line to a file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        file::write(path.as_ref(), Access::Default, |out| writeln!(out, "{self}"))
    }

    pub(super) fn digits(&self) -> String {
        crate::hex(self.0.as_bytes())
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    }
}

impl Trusted {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts a key to sign for a party, in place of another that was trusted before.
    #[must_use]
    pub fn party(mut self, party: impl Into<String>, key: PublicKey) -> Self {
        self.0.insert(party.into(), key);
        self
    }

    pub(super) fn get(&self, party: &str) -> Option<PublicKey> {
        self.0.get(party).copied()
    }
}

/// The one line of a file that is no comment. A secret in its place is told from other mistakes.
fn read_public<T: FromStr>(path: &Path, what: &str) -> Result<T> {
    let mut text = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| Error::io(path, "read", e))?;
    let taken = std::io::Read::read_to_end(&mut std::io::Read::take(file, MOST_FILE_BYTES), &mut text);
    let taken = taken.map_err(|e| Error::io(path, "read", e))?;
    let wrong = || wrong(path, what);
    crate::key_file::refuse(path, &text)?;
    if taken as u64 == MOST_FILE_BYTES {
        return Err(wrong());
    }
    let text = std::str::from_utf8(&text).map_err(|_| wrong())?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    match (lines.next().map(str::parse), lines.next()) {
        (Some(Ok(key)), None) => Ok(key),
        _ => Err(wrong()),
    }
}

impl FromStr for Recipient {
    type Err = Error;

    /// Reads `age1…`.
    fn from_str(text: &str) -> Result<Self> {
        let recipient =
            text.parse().map_err(|_| Error::argument("a recipient is an X25519 public key of age: age1…"))?;
        Ok(Recipient(recipient))
    }
}

impl FromStr for PublicKey {
    type Err = Error;

    /// Reads `pprl-public-key-1` and 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self> {
        let digits = text.strip_prefix(PUBLIC_KEY).and_then(|text| text.strip_prefix(' '));
        let bytes = digits.and_then(|digits| secret_file::unhex(digits.as_bytes()));
        // A weak key would let anybody sign.
        let key = bytes.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok()).filter(|key| !key.is_weak());
        let wrong = || Error::argument("an owner's public key is pprl-public-key-1 and 64 hexadecimal digits");
        key.map(PublicKey).ok_or_else(wrong)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC_KEY} {}", self.digits())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({self})")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.digits())
    }
}
