//! The project key: the one secret of a project, held by data owners and never by the linkage unit.
//!
//! Every use has its own subkey, derived with HKDF-SHA256 (RFC 5869) per project, purpose and field, so that what one
//! use gives away says nothing about another. `docs/encoding.md`, section 2.

use std::fmt;
use std::path::Path;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::schema::Schema;
use crate::secret_file;

/// Length of the key in bytes.
const KEY_BYTES: usize = 32;

/// A 256-bit key that the data owners of one project share. Wiped from memory when dropped.
///
/// It has no `Display`, its `Debug` shows nothing of it, it cannot be serialised or compared, and it is read from a
/// file, never from a command line.
///
/// ```
/// # let key = pprl::ProjectKey::generate().unwrap();
/// assert_eq!(format!("{key:?}"), "ProjectKey(..)");
/// # let shown = serde_json::to_string(&format!("{key:?}")).unwrap();
/// # assert!(shown == shown.clone());
/// ```
/// ```compile_fail,E0277
/// # let key = pprl::ProjectKey::generate().unwrap();
/// println!("{key}"); // a key cannot be printed
/// ```
/// ```compile_fail,E0277
/// # let key = pprl::ProjectKey::generate().unwrap();
/// serde_json::to_string(&key).unwrap(); // a key cannot be serialised
/// ```
/// ```compile_fail,E0599
/// # let key = pprl::ProjectKey::generate().unwrap();
/// let copy = key.clone(); // there are no copies of it that nobody wipes
/// ```
/// ```compile_fail,E0369
/// # let key = pprl::ProjectKey::generate().unwrap();
/// assert!(key == key); // a comparison would tell by its time how much is alike
/// ```
/// ```compile_fail,E0616
/// # let key = pprl::ProjectKey::generate().unwrap();
/// let bytes = key.0; // nor is there a way to its bytes
/// ```
pub struct ProjectKey(Zeroizing<[u8; KEY_BYTES]>);

/// HMAC-SHA256 under a subkey, ready to be cloned per message.
pub(crate) type Keyed = Hmac<Sha256>;

impl ProjectKey {
    /// A new key from the operating system's random number generator.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the operating system has no randomness to give.
    pub fn generate() -> Result<Self> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        crate::random::fill(&mut *key)?;
        Ok(ProjectKey(key))
    }

    /// A key from 32 bytes that a key-management system gave. The bytes are not wiped where they came from.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        ProjectKey(Zeroizing::new(bytes))
    }

    /// The key itself, for this crate's own use.
    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Reads a key file: 64 hexadecimal digits, with or without a line end.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where it cannot be read; [`ErrorKind::Key`] where it is empty, too short, too long or not
    /// hexadecimal, where all bytes are the same, and on Unix where anybody but its owner may read or write it
    /// (the mode must be 0600 or stricter).
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let wrong = |problem: &str| Error::from(ErrorKind::Key { path: path.to_owned(), problem: problem.to_owned() });
        let Some(text) = secret_file::read(path)? else {
            return Err(wrong("is too long for a key; a key is 64 hexadecimal digits"));
        };
        let digits = text.trim_ascii();
        if digits.is_empty() {
            return Err(wrong("is empty; a key is 64 hexadecimal digits"));
        }
        if digits.len() != 2 * KEY_BYTES {
            let which = if digits.len() < 2 * KEY_BYTES { "too short" } else { "too long" };
            return Err(wrong(&format!("is {which} for a key; a key is 64 hexadecimal digits (256 bits)")));
        }
        let Some(key) = secret_file::unhex(digits) else {
            return Err(wrong("is not a key; a key is 64 hexadecimal digits"));
        };
        if key.iter().all(|&byte| byte == key[0]) {
            return Err(wrong("holds one byte 32 times over; that is no random key"));
        }
        Ok(ProjectKey(key))
    }

    /// Writes the key to a new file that only its owner can read (mode 0600 on Unix).
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the file exists already (a key is never overwritten) or cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut text = Zeroizing::new(Vec::with_capacity(2 * KEY_BYTES + 1));
        secret_file::append_hex(&*self.0, &mut text);
        text.push(b'\n');
        secret_file::write(path.as_ref(), &text)
    }

    /// The key check value: 16 hexadecimal digits that are the same for two owners exactly when their keys and schemas
    /// are. It goes into every cohort's manifest, and owners can read it to each other before they encode anything.
    ///
    /// It is an HMAC under a subkey of its own, cut to 64 bits, so it says nothing of a key that was generated.
    #[must_use]
    pub fn check_value(&self, schema: &Schema) -> String {
        let mut mac = self.keyed(schema.project().id(), "kcv", "");
        mac.update(schema.fingerprint().as_bytes());
        crate::hex(&mac.finalize().into_bytes()[..8])
    }

    /// HMAC-SHA256 under the subkey for a purpose and a field of a project.
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub(crate) fn keyed(&self, project: &str, purpose: &str, field: &str) -> Keyed {
        Keyed::new_from_slice(&*self.subkey(project, purpose, field)).expect("HMAC takes keys of any length")
    }

    #[expect(clippy::expect_used, reason = "the length is a constant within HKDF's limit")]
    fn subkey(&self, project: &str, purpose: &str, field: &str) -> Zeroizing<[u8; KEY_BYTES]> {
        let salt = Sha256::digest(project.as_bytes());
        let mut info = b"pprl/p1".to_vec();
        for part in [purpose, field] {
            // Names are at most 65 bytes by the schema's rules.
            info.extend_from_slice(&(part.len() as u16).to_be_bytes());
            info.extend_from_slice(part.as_bytes());
        }
        let mut subkey = Zeroizing::new([0; KEY_BYTES]);
        Hkdf::<Sha256>::new(Some(&salt), &*self.0)
            .expand(&info, &mut *subkey)
            .expect("32 bytes are within HKDF's limit of 8,160");
        subkey
    }
}

impl fmt::Debug for ProjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProjectKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `shared/vectors/native-proposal/p1_vectors.json`, made by an independent implementation in Python.
    #[test]
    fn subkeys_are_the_oracles() {
        let key = ProjectKey::from_bytes(std::array::from_fn(|i| i as u8));
        for (purpose, field, hex) in [
            ("clk", "forename", "731ec19af861fef323fcd53c37ce0806711bd0b4a59790d85eb15001b44d0f07"),
            ("clk", "surname", "f4b1a3148c2ecea4a0e9ae364cfbefe3b1aeb1fab17c3fbf210727f161624833"),
            ("clk", "dob", "0d9c20dc83f87a6a523141399a58e7ea6f479f6ee537d58486b9c5c86dcbfc35"),
            ("diffuse", "", "ecfd45f78ca893fd917f940d0c3dbb4903790c7c5d4c9bb5b4df744c6bce6eb4"),
        ] {
            assert_eq!(crate::hex(&*key.subkey("demo-2026-01", purpose, field)), hex, "{purpose} {field}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", ProjectKey::from_bytes([7; 32])), "ProjectKey(..)");
    }
}
