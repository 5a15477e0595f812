//! What a block id is made with: a key, or nothing and a reason.

use std::fmt;

use hmac::{KeyInit, Mac};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::super::keys::{Secret, expand};
use crate::error::{Error, Result};
use crate::key::{Keyed, ProjectKey};

/// How the ids of blocks are made. See [`keyed`](Self::keyed) and [`compatible`](Self::compatible).
#[derive(Debug)]
pub struct BlockIds(pub(super) Mode);

#[derive(Debug)]
pub(super) enum Mode {
    Keyed(BlockKey),
    Compatible { reason: String },
}

/// The key that block ids are made with. Its `Debug` shows nothing.
pub struct BlockKey(Keyed);

/// A keyed id is 128 bits.
const ID_BYTES: usize = 16;

impl BlockIds {
    /// Ids are HMAC-SHA256, cut to 128 bits, as 32 hexadecimal digits. Only who has the key can try people against them.
    #[must_use]
    pub fn keyed(key: BlockKey) -> Self {
        BlockIds(Mode::Keyed(key))
    }

    /// **Without a key**: blocklib's ids, to the byte. Whoever sees a block can try names, dates and postcodes against its
    /// id until one fits. The reason why that is acceptable goes into the file.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where the reason has fewer than 10 or more than 500 characters.
    pub fn compatible(reason: &str) -> Result<Self> {
        let reason = reason.trim();
        if !(10..=500).contains(&reason.chars().count()) {
            return Err(Error::argument("accept_risk: give the reason in words, 10 to 500 characters"));
        }
        Ok(BlockIds(Mode::Compatible { reason: reason.to_owned() }))
    }

    pub(super) fn meta(&self) -> Value {
        match &self.0 {
            Mode::Keyed(key) => json!({"keyed": true, "key_check": crate::hex(&key.tag("check", &[])[..8])}),
            Mode::Compatible { reason } => json!({"keyed": false, "accept_risk": reason}),
        }
    }
}

impl BlockKey {
    /// From the key of a project: the subkey of the purpose `blocking` (`docs/encoding.md`, section 2).
    #[must_use]
    pub fn from_project(key: &ProjectKey, project: &str) -> Self {
        BlockKey(key.keyed(project, "blocking", ""))
    }

    /// From clkhash's secret, for owners who share nothing else: HKDF-SHA256 without a salt and with the info
    /// `pprl/blocking/1`. No key that clkhash derives has it. A secret that can be guessed makes ids that can be.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where the secret is empty.
    pub fn from_secret(secret: &Secret) -> Result<Self> {
        let secret = secret.bytes();
        if secret.is_empty() {
            return Err(Error::argument("the secret is empty"));
        }
        let key = expand::<32>(secret, &[b"pprl/blocking/1"]);
        Ok(BlockKey(new(&*key)))
    }

    /// HMAC-SHA256 of a message under the key of a use. Uses have keys of their own: the HMAC of the use's name.
    pub(super) fn of(&self, purpose: &str) -> Keyed {
        let key: Zeroizing<[u8; 32]> = Zeroizing::new(tag(&self.0, purpose.as_bytes()));
        new(&*key)
    }

    fn tag(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        tag(&self.of(purpose), message)
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn new(key: &[u8]) -> Keyed {
    Keyed::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// The whole HMAC of a message.
pub(super) fn tag(keyed: &Keyed, message: &[u8]) -> [u8; 32] {
    let mut mac = keyed.clone();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// The id of a block.
pub(super) fn id(keyed: &Keyed, message: &str) -> String {
    crate::hex(&tag(keyed, message.as_bytes())[..ID_BYTES])
}

impl fmt::Debug for BlockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockKey(..)")
    }
}
