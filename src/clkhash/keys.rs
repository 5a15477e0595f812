//! The secret, and the two keys that each feature has of it.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use hkdf::Hkdf;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use super::schema::{Kdf, KdfHash};
use crate::error::{Error, ErrorKind, Result};
use crate::secret_file;

/// The longest secret file in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// What clkhash calls the secret: any bytes that the owners share. Wiped from memory when dropped.
///
/// It has no `Display` and no way back to its bytes, its `Debug` shows nothing of it, and it is read from a file, never from a
/// command line, where other users of the machine could see it.
///
/// ```compile_fail,E0277
/// # let secret = pprl::clkhash::Secret::from_bytes(b"secret".to_vec());
/// println!("{secret}"); // a secret cannot be printed
/// ```
/// ```compile_fail,E0277
/// # let secret = pprl::clkhash::Secret::from_bytes(b"secret".to_vec());
/// serde_json::to_string(&secret).unwrap(); // a secret cannot be serialised
/// ```
pub struct Secret {
    bytes: Zeroizing<Vec<u8>>,
    exposed: bool,
}

impl Secret {
    /// Reads a file whose bytes are the secret, less one line end (`\n` or `\r\n`) where it ends with one: an editor puts it
    /// there, and it never was on clkhash's command line.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where it cannot be read; [`ErrorKind::Key`] where it is longer than 1 MiB.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
        let exposed = secret_file::check_mode(path, &file).is_err();
        let length = file.metadata().map_or(0, |metadata| metadata.len()).min(MOST_BYTES);
        // With room for all of it: a vector that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length as usize + 1));
        let taken = file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|e| Error::io(path, "read", e))?;
        if taken as u64 > MOST_BYTES {
            let problem = "is too long for a secret; 1 MiB is the most".to_owned();
            return Err(ErrorKind::Key { path: path.to_owned(), problem }.into());
        }
        let end = bytes.strip_suffix(b"\n").map_or(taken, |text| text.strip_suffix(b"\r").unwrap_or(text).len());
        bytes.truncate(end);
        Ok(Secret { bytes, exposed })
    }

    /// A secret that another place keeps. clkhash takes a text secret as its UTF-8 bytes.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Secret { bytes: Zeroizing::new(bytes), exposed: false }
    }

    /// Whether it came from a file that others than its owner may read or write (on Unix: a mode wider than 0600). clkhash's
    /// users have such files, so it is told and not refused.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        self.exposed
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The keys of one feature.
pub(super) struct Keys {
    /// Of HMAC-SHA1, and of BLAKE2b.
    pub(super) first: Zeroizing<Vec<u8>>,
    /// Of HMAC-MD5.
    pub(super) second: Zeroizing<Vec<u8>>,
}

/// Two keys for each of so many features, ignored ones included: HKDF (RFC 5869) with one info for all, cut into pieces.
///
/// # Errors
/// [`ErrorKind::Argument`] where there are more features than HKDF has bytes for.
pub(super) fn derive(kdf: &Kdf, features: usize, secret: &[u8]) -> Result<Vec<Keys>> {
    let mut okm = Zeroizing::new(vec![0; 2 * features * kdf.key_size]);
    // An absent salt and an empty one are the same to HMAC.
    let salt = Some(&kdf.salt[..]);
    let expanded = match kdf.hash {
        KdfHash::Sha256 => Hkdf::<Sha256>::new(salt, secret).expand(&kdf.info, &mut okm),
        KdfHash::Sha512 => Hkdf::<Sha512>::new(salt, secret).expand(&kdf.info, &mut okm),
    };
    expanded.map_err(|_| Error::argument("HKDF has not enough bytes for the keys of so many features"))?;
    let key = |at: usize| Zeroizing::new(okm[at * kdf.key_size..(at + 1) * kdf.key_size].to_vec());
    Ok((0..features).map(|feature| Keys { first: key(2 * feature), second: key(2 * feature + 1) }).collect())
}

/// So many bytes of the secret for a use that clkhash has not, which has an info of its own: HKDF-SHA256 without a salt.
#[expect(clippy::expect_used, reason = "the lengths are constants within HKDF's limit")]
pub(super) fn expand<const N: usize>(secret: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    Hkdf::<Sha256>::new(None, secret).expand_multi_info(info, &mut *bytes).expect("the length is within HKDF's limit");
    bytes
}

/// 16 hexadecimal digits that are the same where secret and schema are.
pub(super) fn check_value(secret: &[u8], schema: &str) -> String {
    crate::hex(&*expand::<8>(secret, &[b"pprl/clkhash/kcv", schema.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_no_part_of_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for (text, secret) in
            [("a b", "a b"), ("a\n", "a"), ("a\n\n", "a\n"), ("a\r\n", "a"), ("\n", ""), ("", ""), ("a\r", "a\r")]
        {
            std::fs::write(&path, text).unwrap();
            assert_eq!(Secret::from_path(&path).unwrap().bytes(), secret.as_bytes(), "{text:?}");
        }
        std::fs::write(&path, vec![b'x'; MOST_BYTES as usize + 1]).unwrap();
        assert!(matches!(Secret::from_path(&path).unwrap_err().kind(), ErrorKind::Key { .. }));
        assert_eq!(format!("{:?}", Secret::from_bytes(b"abc".to_vec())), "Secret(..)");
    }
}
